/* bodies_nspi.c
 * The bodies of the address book endpoint, MS-OXCMAPIHTTP 2.2.5.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "bodies_private.h"

#include "entry_ids.h"
#include "names.h"

#include <stdio.h>

/* ---- names ---- */

static FIELD_NAMES(sort_types, /* MS-OXNSPI 2.2.1.10 */
                   0x00000000, "SortTypeDisplayName", 0x00000003, "SortTypePhoneticDisplayName", 0x000003E8,
                   "SortTypeDisplayName_RO", 0x000003E9, "SortTypeDisplayName_W");

/* ---- counts ---- */

/* The specification limits most arrays to this many items. Of a count that reaches behind the message,
 * whoever reads the items tells. */
#define ITEMS_MAX 100000u

static void check_count(struct layout_run *run, const struct field_value *value)
{
    const struct reader *reader = run->reader;
    const bool fits = reader->whole > reader->len || value->number <= reader_left(reader);
    if (value->number > ITEMS_MAX && fits) {
        reader_warn(run->reader, value->offset, "More items than the 100,000 that are allowed");
    }
}

#define COUNT(filter, label) U32(filter, label, .seen = check_count)

static const char *say_count(char room[FIELD_TEXT_MAX], uint32_t count, const char *what)
{
    snprintf(room, FIELD_TEXT_MAX, "%u %s%s", (unsigned)count, what, count == 1 ? "" : "s");
    return room;
}

/* ---- minimal entry IDs (MS-OXNSPI 2.2.1.8, 2.2.1.9 and 2.2.9.1) ---- */

/* The first three of the reserved values have names. */
static const char *mid_text(const struct field_value *value, const char *const names[3])
{
    return value->number < 3 ? names[value->number] : value->number < 0x10 ? "reserved" : NULL;
}

static const char *position_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    static const char *const names[] = { "MID_BEGINNING_OF_TABLE", "MID_CURRENT", "MID_END_OF_TABLE" };
    (void)room;
    return mid_text(value, names);
}

static const char *resolved_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    static const char *const names[] = { "MID_UNRESOLVED", "MID_AMBIGUOUS", "MID_RESOLVED" };
    (void)room;
    return mid_text(value, names);
}

#define MID X32("nspi.mid", "MinimalEntryID", .text = position_text)
#define MID_LIST(item)                             \
    BOOL("nspi.has_minimal_ids", "HasMinimalIds"), \
        IF(COUNT("nspi.minimal_id_count", "MinimalIdCount"), LIST("Minimal entry IDs", NULL, item))
#define MIDS MID_LIST(MID)
/* Of names that were looked up: ResolveNames and DNToMId. */
#define FOUND_MIDS MID_LIST(X32("nspi.mid", "MinimalEntryID", .text = resolved_text))
#define EXPLICIT_TABLE COUNT("nspi.explicit_table_count", "ExplicitTableCount"), LIST("Explicit table", NULL, MID)

/* ---- STAT (MS-OXNSPI 2.3.7) ---- */

static const char *container_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    (void)room;
    return value->number == 0 ? "Global Address List" : NULL;
}

/* Signed in the specification. The public filter is unsigned, so this tells the sign. */
static const char *delta_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    (void)room;
    return value->number >= 0x80000000u ? "negative: backwards from CurrentRec" : NULL;
}

/* In which the strings behind it are. */
static void keep_page_of_strings(struct layout_run *run, const struct field_value *value)
{
    run->reader->code_page = value->number <= UINT16_MAX ? (uint16_t)value->number : 0;
}

static LAYOUT(state,
              GROUP("State", NULL, U32("nspi.stat.sort_type", "SortType", .names = sort_types),
                    X32("nspi.stat.container_id", "ContainerID", .text = container_text),
                    X32("nspi.stat.current_rec", "CurrentRec", .text = position_text),
                    U32("nspi.stat.delta", "Delta", .text = delta_text), U32("nspi.stat.num_pos", "NumPos"),
                    U32("nspi.stat.total_recs", "TotalRecs"),
                    U32("nspi.stat.code_page", "CodePage", .names = code_page_names, .seen = keep_page_of_strings),
                    X32("nspi.stat.template_locale", "TemplateLocale"), X32("nspi.stat.sort_locale", "SortLocale")));

#define STATE BOOL("nspi.has_state", "HasState"), IF(INCLUDE(state))

/* ---- properties ---- */

static void read_tag_here(struct layout_run *run, const struct field *at)
{
    (void)at;
    read_property_tag(run->reader);
}

static void read_columns_here(struct layout_run *run, const struct field *at)
{
    (void)at;
    body_of(run)->columns = read_columns(run->reader);
}

static void read_row_here(struct layout_run *run, const struct field *at)
{
    (void)at;
    read_property_row(run->reader, &body_of(run)->columns, PROP_ADDRESS_BOOK);
}

static void read_values(struct layout_run *run, const struct field *at)
{
    (void)at;
    read_value_list(run->reader, PROP_ADDRESS_BOOK);
}

static void read_target(struct layout_run *run, const struct field *at)
{
    (void)at;
    read_tagged_value(run->reader, PROP_ADDRESS_BOOK);
}

static void read_filter(struct layout_run *run, const struct field *at)
{
    (void)at;
    read_restriction(run->reader, PROP_ADDRESS_BOOK);
}

static const char *columns_text(const struct layout_run *run, char room[FIELD_TEXT_MAX])
{
    return say_count(room, body_of(run)->columns.count, "column");
}

static const char *tags_text(const struct layout_run *run, char room[FIELD_TEXT_MAX])
{
    return say_count(room, body_of(run)->columns.count, "tag");
}

static const char *rows_text(const struct layout_run *run, char room[FIELD_TEXT_MAX])
{
    return say_count(room, run->done, "row");
}

#define TAG_LIST GROUP("Property tags", tags_text, READ_LAYOUT(read_columns_here, 4, property_layouts))
#define COLUMN_LIST GROUP("Columns", columns_text, READ_LAYOUT(read_columns_here, 4, property_layouts))
#define TAGS BOOL("nspi.has_property_tags", "HasPropertyTags"), IF(TAG_LIST)
#define COLUMNS BOOL("nspi.has_columns", "HasColumns"), IF(COLUMN_LIST)
#define ROW_LIST(read, least)            \
    COUNT("nspi.row_count", "RowCount"), \
        LIST("Rows", rows_text, GROUP("Row", NULL, READ_LAYOUT(read, least, property_layouts)))
#define COLUMNS_AND_ROWS \
    BOOL("nspi.has_columns_and_rows", "HasColumnsAndRows"), IF(COLUMN_LIST, ROW_LIST(read_row_here, 1))
#define VALUES GROUP("Property values", NULL, READ_LAYOUT(read_values, 4, property_layouts))

/* ---- entry IDs of ModLinkAtt ---- */

#define EPHEMERAL_LEN 32u      /* MS-OXNSPI 2.2.9.2 */
#define PERMANENT_HEAD_LEN 28u /* MS-OXNSPI 2.2.9.3: what stands before the DN */
#define ENTRY_ID_EPHEMERAL 0x00000087u
#define ENTRY_ID_PERMANENT 0x00000000u

/* The specification (2.2.5.10.1) names an array of entry IDs and no size; the
 * implementations seen write a 32-bit size before each. Both are told apart by the ID type
 * and the three zero bytes behind it, which stand at once or behind the size. An
 * ephemeral one without a size would have to come from a server whose GUID begins with an
 * ID type to be taken for a sized one. */
static bool entry_id_is_sized(const struct reader *reader)
{
    uint32_t left = reader_left(reader);
    if (left < 4) {
        return true;
    }
    const uint8_t *p = reader->p + reader->pos;
    uint32_t first = get_le32(p);
    if (first == ENTRY_ID_EPHEMERAL && left >= 8) {
        uint32_t second = get_le32(p + 4);
        return second == ENTRY_ID_EPHEMERAL || second == ENTRY_ID_PERMANENT;
    }
    return first != ENTRY_ID_PERMANENT && first != ENTRY_ID_EPHEMERAL;
}

static uint32_t entry_id_len(const struct reader *reader)
{
    uint32_t left = reader_left(reader);
    const uint8_t *p = reader->p + reader->pos;
    if (left < PERMANENT_HEAD_LEN || p[0] == ENTRY_ID_EPHEMERAL) {
        return EPHEMERAL_LEN;
    }
    const uint8_t *end = memchr(p + PERMANENT_HEAD_LEN, 0, left - PERMANENT_HEAD_LEN);
    return end ? (uint32_t)(end + 1 - p) : left + 1;
}

static void read_entry_id_here(struct layout_run *run, const struct field *at)
{
    bool sized = entry_id_is_sized(run->reader);
    read_entry_id(run->reader, sized ? (uint32_t)read_row(run, at->inside) : entry_id_len(run->reader));
}

/* ---- rows of several types; what a bit of Flags means depends on the type ---- */

#define FLAGS X32("nspi.flags", "Flags")
#define SKIP_OBJECTS BIT("nspi.flags.skip_objects", "fSkipObjects", 0x00000001)
#define RETRIEVE_FLAGS FLAGS, SKIP_OBJECTS, BIT("nspi.flags.eph_id", "fEphID", 0x00000002)
#define UNUSED_FLAGS X32("nspi.flags", "Flags (not used)")
#define RESERVED X32("reserved", "Reserved")
#define ROWS_WANTED U32("nspi.rows_requested", "RowCount (requested)")
#define CODE_PAGE U32("nspi.code_page", "CodePage", .names = code_page_names, .seen = keep_page_of_strings)
#define VERSION BOOL("nspi.has_version", "HasVersion"), IF(U32("nspi.version", "Version"))
#define NAMES(item) \
    BOOL("nspi.has_names", "HasNames"), IF(COUNT("nspi.name_count", "NameCount"), LIST("Names", NULL, item))

/* ---- 2.2.5.1 Bind, 2.2.5.2 Unbind ---- */

static LAYOUT(bind_request, FLAGS, BIT("nspi.flags.anonymous_login", "fAnonymousLogin", 0x00000020), STATE);
static LAYOUT(bind_response, UUID("nspi.server_guid", "ServerGuid"));
static LAYOUT(unbind_request, RESERVED);

/* ---- 2.2.5.3 CompareMIds ---- */

static const char *compare_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    int64_t result = (int64_t)value->number;
    (void)room;
    return result < 0 ? "the first stands before the second" :
           result > 0 ? "the first stands behind the second" :
                        "the same position";
}

static LAYOUT(compare_request, RESERVED, STATE, MID, MID);
static LAYOUT(compare_response, I32("nspi.compare_result", "Result", .text = compare_text));

/* ---- 2.2.5.4 DNToMId ---- */

static LAYOUT(dn_to_mid_request, RESERVED, NAMES(STRING8("nspi.dn", "DN")));
static LAYOUT(dn_to_mid_response, FOUND_MIDS);

/* ---- 2.2.5.5 GetMatches ---- */

static LAYOUT(matches_request, RESERVED, STATE, MIDS, X32("nspi.interface_option_flags", "InterfaceOptionFlags"),
              BOOL("nspi.has_filter", "HasFilter"),
              IF(GROUP("Filter", NULL, READ_LAYOUT(read_filter, 1, property_layouts))),
              BOOL("nspi.has_property_name", "HasPropertyName"),
              IF(UUID("nspi.property_name.guid", "PropertyNameGuid"), X32("nspi.property_name.id", "PropertyNameId")),
              ROWS_WANTED, COLUMNS);
static LAYOUT(matches_response, STATE, MIDS, COLUMNS_AND_ROWS);

/* ---- 2.2.5.6 GetPropList, 2.2.5.7 GetProps ---- */

static LAYOUT(prop_list_request, FLAGS, SKIP_OBJECTS, MID, CODE_PAGE);
static LAYOUT(prop_list_response, TAGS);
static LAYOUT(props_request, RETRIEVE_FLAGS, STATE, TAGS);
static LAYOUT(props_response, CODE_PAGE, BOOL("nspi.has_property_values", "HasPropertyValues"), IF(VALUES));

/* ---- 2.2.5.8 GetSpecialTable ---- */

static LAYOUT(special_table_request, FLAGS,
              BIT("nspi.flags.address_creation_templates", "NspiAddressCreationTemplates", 0x00000002),
              BIT("nspi.flags.unicode_strings", "NspiUnicodeStrings", 0x00000004), STATE, VERSION);
static LAYOUT(special_table_response, CODE_PAGE, VERSION, BOOL("nspi.has_rows", "HasRows"),
              IF(ROW_LIST(read_values, 4)));

/* ---- 2.2.5.9 GetTemplateInfo ---- */

static LAYOUT(template_request, FLAGS, BIT("nspi.flags.template", "TI_TEMPLATE", 0x00000001),
              BIT("nspi.flags.script", "TI_SCRIPT", 0x00000004), BIT("nspi.flags.emt", "TI_EMT", 0x00000010),
              BIT("nspi.flags.helpfile_name", "TI_HELPFILE_NAME", 0x00000020),
              BIT("nspi.flags.helpfile_contents", "TI_HELPFILE_CONTENTS", 0x00000040),
              X32("nspi.display_type", "DisplayType", .names = display_type_names),
              BOOL("nspi.has_template_dn", "HasTemplateDn"), IF(STRING8("nspi.template_dn", "TemplateDn")), CODE_PAGE,
              X32("nspi.locale_id", "LocaleId"));
static LAYOUT(template_response, CODE_PAGE, BOOL("nspi.has_row", "HasRow"), IF(VALUES));

/* ---- 2.2.5.10 ModLinkAtt, 2.2.5.11 ModProps: their responses have nothing of their own ---- */

static LAYOUT(mod_link_request, FLAGS, BIT("nspi.flags.delete", "fDelete", 0x00000001),
              READ_LAYOUT(read_tag_here, 4, property_tag_layouts), MID, BOOL("nspi.has_entry_ids", "HasEntryIds"),
              IF(COUNT("nspi.entry_id_count", "EntryIdCount"),
                 LIST("Entry IDs", NULL,
                      GROUP("Entry ID", NULL,
                            READ_ROWS(read_entry_id_here, 4, U32("nspi.entry_id_size", "EntryID size"))))));
static LAYOUT(mod_props_request, RESERVED, STATE, TAGS, BOOL("nspi.has_property_values", "HasPropertyValues"),
              IF(VALUES));

/* ---- 2.2.5.12 QueryRows, 2.2.5.13 QueryColumns ---- */

static LAYOUT(query_rows_request, RETRIEVE_FLAGS, STATE, EXPLICIT_TABLE, ROWS_WANTED, COLUMNS);
static LAYOUT(state_and_rows_response, STATE, COLUMNS_AND_ROWS); /* of SeekEntries, too */
static LAYOUT(query_columns_request, RESERVED, X32("nspi.flags", "MapiFlags"),
              BIT("nspi.flags.unicode_proptypes", "NspiUnicodeProptypes", 0x80000000u));
static LAYOUT(query_columns_response, COLUMNS);

/* ---- 2.2.5.14 ResolveNames, 2.2.5.15 ResortRestriction, 2.2.5.16 SeekEntries ---- */

static LAYOUT(resolve_request, RESERVED, STATE, TAGS, NAMES(STRING16("nspi.name", "Name")));
static LAYOUT(resolve_response, CODE_PAGE, FOUND_MIDS, COLUMNS_AND_ROWS);
static LAYOUT(resort_request, RESERVED, STATE, MIDS);
static LAYOUT(resort_response, STATE, MIDS);
static LAYOUT(seek_request, RESERVED, STATE, BOOL("nspi.has_target", "HasTarget"),
              IF(GROUP("Target", NULL, READ_LAYOUT(read_target, 4, property_layouts))),
              BOOL("nspi.has_explicit_table", "HasExplicitTable"), IF(EXPLICIT_TABLE), COLUMNS);

/* ---- 2.2.5.17 UpdateStat ---- */

static LAYOUT(update_stat_request, RESERVED, STATE, BOOL("nspi.delta_requested", "DeltaRequested"));
static LAYOUT(update_stat_response, STATE, BOOL("nspi.has_delta", "HasDelta"), IF(I32("nspi.delta", "Delta")));

/* ---- 2.2.5.18 GetMailboxUrl, 2.2.5.19 GetAddressBookUrl ---- */

static void keep_server_url(struct layout_run *run, const struct field_value *value)
{
    body_of(run)->facts->server_url = string16_of(value);
}

static LAYOUT(mailbox_url_request, UNUSED_FLAGS, STRING16("nspi.server_dn", "ServerDn"));
static LAYOUT(address_book_url_request, UNUSED_FLAGS, STRING16("nspi.user_dn", "UserDn"));
static LAYOUT(url_response, STRING16("nspi.server_url", "ServerUrl", .seen = keep_server_url));

CHOICES(nspi_bodies, BODIES(MAPI_BIND, "Bind", bind_request, bind_response),
        BODIES(MAPI_UNBIND, "Unbind", unbind_request, NOTHING),
        BODIES(MAPI_COMPARE_MIDS, "CompareMIds", compare_request, compare_response),
        BODIES(MAPI_DN_TO_MID, "DNToMId", dn_to_mid_request, dn_to_mid_response),
        BODIES(MAPI_GET_MATCHES, "GetMatches", matches_request, matches_response),
        BODIES(MAPI_GET_PROP_LIST, "GetPropList", prop_list_request, prop_list_response),
        BODIES(MAPI_GET_PROPS, "GetProps", props_request, props_response),
        BODIES(MAPI_GET_SPECIAL_TABLE, "GetSpecialTable", special_table_request, special_table_response),
        BODIES(MAPI_GET_TEMPLATE_INFO, "GetTemplateInfo", template_request, template_response),
        BODIES(MAPI_MOD_LINK_ATT, "ModLinkAtt", mod_link_request, NOTHING),
        BODIES(MAPI_MOD_PROPS, "ModProps", mod_props_request, NOTHING),
        BODIES(MAPI_QUERY_ROWS, "QueryRows", query_rows_request, state_and_rows_response),
        BODIES(MAPI_QUERY_COLUMNS, "QueryColumns", query_columns_request, query_columns_response),
        BODIES(MAPI_RESOLVE_NAMES, "ResolveNames", resolve_request, resolve_response),
        BODIES(MAPI_RESORT_RESTRICTION, "ResortRestriction", resort_request, resort_response),
        BODIES(MAPI_SEEK_ENTRIES, "SeekEntries", seek_request, state_and_rows_response),
        BODIES(MAPI_UPDATE_STAT, "UpdateStat", update_stat_request, update_stat_response),
        BODIES(MAPI_GET_MAILBOX_URL, "GetMailboxUrl", mailbox_url_request, url_response),
        BODIES(MAPI_GET_ADDRESS_BOOK_URL, "GetAddressBookUrl", address_book_url_request, url_response));
