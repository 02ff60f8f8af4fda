/* entry_ids.c
 * Entry IDs, by kind.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "entry_ids.h"

#include "names.h"
#include "value_text.h"

/* ---- ServerId ---- */

static FIELD_NAMES(ours_names, 0, "the client's own format", 1, "server format");

LAYOUT(server_id_ours, U8("value.server_id.ours", "Ours", .names = ours_names));
LAYOUT(server_id_object, ID64("value.server_id.folder_id", "FolderId", .text = ox_id_text),
       ID64("value.server_id.message_id", "MessageId", .text = ox_id_text),
       U32("value.server_id.instance", "Instance"));

/* ---- names ---- */

/* First byte of an EntryID, MS-OXNSPI 2.2.9 */
#define ID_PERMANENT 0x00u
#define ID_EPHEMERAL 0x87u

static FIELD_NAMES(id_type_names, ID_PERMANENT, "permanent", ID_EPHEMERAL, "ephemeral");
/* MS-OXCDATA 2.2.4 */
static FIELD_NAMES(object_type_names, 0x01, "PrivateFolder", 0x03, "PublicFolder", 0x05, "MappedPublicFolder", 0x07,
                   "PrivateMessage", 0x09, "PublicMessage", 0x0B, "MappedPublicMessage", 0x0C, "PublicNewsgroupFolder");
static FIELD_NAMES(store_type_names, 0x0C, "mailbox", 0x06, "public folders");
static FIELD_NAMES(contact_type_names, 4, "contact", 5, "personal distribution list");

/* ---- the kinds ---- */

#define PROVIDER UUID("entry_id.provider", "ProviderUID", .text = ox_guid_text)
#define HEAD X32("entry_id.flags", "Flags"), PROVIDER
#define VERSION U32("entry_id.version", "Version")

/* MS-OXNSPI 2.2.9.2 and 2.2.9.3. The scene is where the distinguished name goes. */
static void keep_dn(struct layout_run *run, const struct field_value *value)
{
    struct gist *gist = run->scene;
    gist->type = PTYP_STRING8;
    gist->bytes = (struct span){ value->bytes, value->len - 1 };
}

#define DIRECTORY_HEAD                                                                                            \
    X8("entry_id.id_type", "ID Type", .names = id_type_names), RUN(3, "entry_id.reserved", "Reserved"), PROVIDER, \
        VERSION, X32("entry_id.display_type", "Display Type", .names = display_type_names)

static LAYOUT(ephemeral_id, DIRECTORY_HEAD, X32("entry_id.mid", "MId"));
static LAYOUT(permanent_id, DIRECTORY_HEAD, STRING8("entry_id.dn", "Distinguished Name", .seen = keep_dn));

/* MS-OXCDATA 2.2.4.1 and 2.2.4.2 */
#define GLOBAL_ID(label)                                               \
    GROUP(label, NULL, UUID("entry_id.database_guid", "DatabaseGuid"), \
          RUN(6, "entry_id.global_counter", "GlobalCounter"), X16("entry_id.pad", "Pad"))
#define OBJECT_HEAD HEAD, X16("entry_id.object_type", "ObjectType", .names = object_type_names)

static LAYOUT(folder_id, OBJECT_HEAD, GLOBAL_ID("Folder"));
static LAYOUT(message_id, OBJECT_HEAD, GLOBAL_ID("Folder"), GLOBAL_ID("Message"));

/* MS-OXCDATA 2.2.4.3 */
static LAYOUT(store_id, HEAD, U8("entry_id.store.version", "Version"), X8("entry_id.store.flag", "Flag"),
              RUN_STRING8(14, "entry_id.store.dll", "DLLFileName"), X32("entry_id.store.wrapped_flags", "WrappedFlags"),
              UUID("entry_id.store.wrapped_provider", "WrappedProviderUID", .text = ox_guid_text),
              X32("entry_id.store.wrapped_type", "WrappedType", .names = store_type_names),
              STRING8("entry_id.store.server", "ServerShortname"),
              IF_LEFT(STRING8("entry_id.store.mailbox_dn", "MailboxDN"))); /* not of public folders */

/* MS-OXCDATA 2.2.5.1 */
#define ONE_OFF_UNICODE 0x8000

static LAYOUT(one_off_id, HEAD, U16("entry_id.one_off.version", "Version"), X16("entry_id.one_off.flags", "Flags"),
              BIT("entry_id.one_off.flags.no_rich_info", "M: no rich text", 0x0001),
              BITS(0x001E, "entry_id.one_off.flags.format", "Format", .hex = true),
              BITS(0x0060, "entry_id.one_off.flags.mae", "MAE", .hex = true),
              BIT("entry_id.one_off.flags.no_lookup", "L: no lookup", 0x1000),
              BIT("entry_id.one_off.flags.unicode", "U: Unicode", ONE_OFF_UNICODE),
              IF_BITS(ONE_OFF_UNICODE, STRING16("entry_id.one_off.display_name", "DisplayName"),
                      STRING16("entry_id.one_off.address_type", "AddressType"),
                      STRING16("entry_id.one_off.email_address", "EmailAddress")),
              UNLESS_BITS(ONE_OFF_UNICODE, STRING8("entry_id.one_off.display_name8", "DisplayName"),
                          STRING8("entry_id.one_off.address_type8", "AddressType"),
                          STRING8("entry_id.one_off.email_address8", "EmailAddress")));

/* MS-OXCDATA 2.2.5.3 */
static LAYOUT(contact_id, HEAD, VERSION, U32("entry_id.contact.type", "Type", .names = contact_type_names),
              U32("entry_id.contact.index", "Index"), U32("entry_id.contact.size", "EntryIdCount"), SIZED_ID);

/* A member of a personal distribution list, MS-OXOCNTC 2.2.2.2.4: another ID inside. */
static void read_inner_id(struct layout_run *run, const struct field *at)
{
    (void)at;
    read_entry_id(run->reader, reader_sent(run->reader));
}

static LAYOUT(wrapped_id, HEAD, X8("entry_id.wrapped.type", "Type"), IF_LEFT(READ(read_inner_id, 0)));

static const struct field other_id[] = { END };

/* Of what is not known by its first bytes, and of what is left behind what is. */
static LAYOUT(id_rest, REST("entry_id.data", "Data"));

enum id_kind {
    KIND_OTHER,
    KIND_PERMANENT,
    KIND_EPHEMERAL,
    KIND_FOLDER,
    KIND_MESSAGE,
    KIND_STORE,
    KIND_ONE_OFF,
    KIND_CONTACT,
    KIND_WRAPPED
};

static CHOICES(kinds_of_id, { KIND_OTHER, other_id, NULL, "EntryID" },
               { KIND_PERMANENT, permanent_id, NULL, "PermanentEntryID" },
               { KIND_EPHEMERAL, ephemeral_id, NULL, "EphemeralEntryID" },
               { KIND_FOLDER, folder_id, NULL, "Folder EntryID" },
               { KIND_MESSAGE, message_id, NULL, "Message EntryID" },
               { KIND_STORE, store_id, NULL, "Store Object EntryID" },
               { KIND_ONE_OFF, one_off_id, NULL, "One-Off EntryID" },
               { KIND_CONTACT, contact_id, NULL, "Contact Address EntryID" },
               { KIND_WRAPPED, wrapped_id, NULL, "Wrapped EntryID" });

LAYOUT(entry_id_layouts, CHOOSE(kinds_of_id), INCLUDE(id_rest), INCLUDE(server_id_ours), INCLUDE(server_id_object));

/* What an EntryID is, by its provider; folders and messages of a mailbox have the mailbox's
 * GUID there, and are known by their length and type. */
static enum id_kind kind_of(const uint8_t *p, uint32_t have, uint32_t len)
{
    if (have < 22) {
        return KIND_OTHER;
    }
    if (p[0] == ID_EPHEMERAL) {
        return len == 32 ? KIND_EPHEMERAL : KIND_OTHER;
    }
    static const struct {
        const char *provider;
        enum id_kind kind;
    } kinds[] = {
        { "NSPI", KIND_PERMANENT },
        { "one-off", KIND_ONE_OFF },
        { "wrapped store", KIND_STORE },
        { "contacts", KIND_CONTACT },
        { "personal distribution list", KIND_WRAPPED },
    };
    const char *name = ox_guid_name(p + 4);
    for (size_t i = 0; name && i < COUNT_OF(kinds); i++) {
        if (strcmp(name, kinds[i].provider) == 0) {
            return kinds[i].kind;
        }
    }
    if (field_name(object_type_names, get_le16(p + 20))) {
        if (len == 46) {
            return KIND_FOLDER;
        }
        if (len == 70) {
            return KIND_MESSAGE;
        }
    }
    return KIND_OTHER;
}

void read_entry_id(struct reader *reader, uint32_t len)
{
    if (reader_lacks(reader, len)) {
        reader_fail(reader, "An EntryID longer than the message");
    }
    if (reader->failed) {
        return;
    }
    struct reader part = reader_part(reader, len);
    const struct field_choice *kind = layout_choice(kinds_of_id, kind_of(part.p + part.pos, reader_left(&part), len));
    struct gist gist = { .type = PTYP_UNSPECIFIED };
    struct layout_run run = { .reader = &part, .scene = &gist };
    if (reader_open(&part, kind->label)) {
        read_layout(&run, kind->rows);
        read_layout(&run, id_rest);
        gist_close(&part, &gist);
    }
    reader_resume(reader, &part);
}

void read_sized_id(struct layout_run *run, const struct field *at)
{
    (void)at;
    if (run->last > 0) {
        read_entry_id(run->reader, (uint32_t)run->last);
    }
}
