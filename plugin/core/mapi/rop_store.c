/* rop_store.c
 * ROPs of MS-OXCROPS 2.2.3: logons, receive folders, ids and what a store keeps for a user.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_private.h"

/* ---- 2.2.3.1 RopLogon ---- */

static LAYOUT(logon_request, OUTPUT, X8("logon_flags", "LogonFlags", .seen = keep_mode),
              BIT("logon_flags.private", "Private", 0x01), BIT("logon_flags.undercover", "Undercover", 0x02),
              BIT("logon_flags.ghosted", "Ghosted", 0x04), BIT("logon_flags.spooler_process", "SpoolerProcess", 0x08),
              X32("open_flags", "OpenFlags"), BIT("open_flags.use_admin_privilege", "USE_ADMIN_PRIVILEGE", 0x00000001),
              BIT("open_flags.public", "PUBLIC", 0x00000002), BIT("open_flags.home_logon", "HOME_LOGON", 0x00000004),
              BIT("open_flags.take_ownership", "TAKE_OWNERSHIP", 0x00000008),
              BIT("open_flags.alternate_server", "ALTERNATE_SERVER", 0x00000100),
              BIT("open_flags.ignore_home_mdb", "IGNORE_HOME_MDB", 0x00000200),
              BIT("open_flags.no_mail", "NO_MAIL", 0x00000400),
              BIT("open_flags.use_per_mdb_replid_mapping", "USE_PER_MDB_REPLID_MAPPING", 0x01000000),
              BIT("open_flags.support_progress", "SUPPORT_PROGRESS", 0x20000000), X32("store_state", "StoreState"),
              BIT("store_state.store_has_searches", "STORE_HAS_SEARCHES", 0x01000000), U16("essdn_size", "EssdnSize"),
              SIZED_STRING8("essdn", "Essdn"));

static FIELD_NAMES(day_names, 0, "Sunday", 1, "Monday", 2, "Tuesday", 3, "Wednesday", 4, "Thursday", 5, "Friday", 6,
                   "Saturday");

#define FOLDER(title) ANY_ID("folder_ids", title)

/* MS-OXCSTOR 2.2.1.1.3: the special folders in their order. */
static LAYOUT(private_folders, FOLDER("Root"), FOLDER("Deferred Action"), FOLDER("Spooler Queue"),
              FOLDER("IPM subtree"), FOLDER("Inbox"), FOLDER("Outbox"), FOLDER("Sent Items"), FOLDER("Deleted Items"),
              FOLDER("Common Views"), FOLDER("Schedule"), FOLDER("Search"), FOLDER("Views"), FOLDER("Shortcuts"));
/* MS-OXCSTOR 2.2.1.1.4 */
static LAYOUT(public_folders, FOLDER("Root"), FOLDER("IPM subtree"), FOLDER("Non-IPM subtree"),
              FOLDER("EFORMS registry"), FOLDER("Free/busy data"), FOLDER("Offline address book"),
              FOLDER("EFORMS registry of the local site"), FOLDER("Free/busy data of the local site"),
              FOLDER("Offline address book of the local site"), FOLDER("NNTP article index"), FOLDER("Reserved"),
              FOLDER("Reserved"), FOLDER("Reserved"));

static void keep_folders(struct layout_run *run, const struct field *at)
{
    const uint8_t *start = run->reader->p + run->reader->pos;
    if (reader_open(run->reader, "FolderIds")) {
        read_layout(run, at->inside);
        reader_close(run->reader, NULL);
    }
    if (!run->reader->failed) {
        rop_scene(run)->took.data = (struct span){ start, (size_t)(run->reader->p + run->reader->pos - start) };
    }
}

#define FOLDER_IDS(rows) READ_LAYOUT(keep_folders, 104, rows)

static void keep_store(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.store = (struct span){ value->bytes, value->len };
}

static LAYOUT(private_logon, FOLDER_IDS(private_folders), X8("response_flags", "ResponseFlags"),
              BIT("response_flags.reserved", "Reserved", 0x01), BIT("response_flags.owner_right", "OwnerRight", 0x02),
              BIT("response_flags.send_as_right", "SendAsRight", 0x04), BIT("response_flags.oof", "OOF", 0x10),
              UUID("mailbox_guid", "MailboxGuid", .seen = keep_store), X16("repl_id", "ReplId"),
              UUID("repl_guid", "ReplGuid"),
              GROUP("LogonTime", NULL, U8("seconds", "Seconds"), U8("minutes", "Minutes"), U8("hour", "Hour"),
                    U8("day_of_week", "DayOfWeek", .names = day_names), U8("day", "Day"), U8("month", "Month"),
                    U16("year", "Year")),
              TIME("gwart_time", "GwartTime"), X32("store_state", "StoreState"),
              BIT("store_state.store_has_searches", "STORE_HAS_SEARCHES", 0x01000000));
static LAYOUT(public_logon, FOLDER_IDS(public_folders), X16("repl_id", "ReplId"),
              UUID("repl_guid", "ReplGuid", .seen = keep_store), UUID("per_user_guid", "PerUserGuid"));

#define LOGON_FLAGS                                                                                     \
    X8("logon_flags", "LogonFlags", .seen = keep_mode), BIT("logon_flags.private", "Private", 0x01),    \
        BIT("logon_flags.undercover", "Undercover", 0x02), BIT("logon_flags.ghosted", "Ghosted", 0x04), \
        BIT("logon_flags.spooler_process", "SpoolerProcess", 0x08)

static LAYOUT(logon_response, OUTPUT, RETURN_VALUE, KEEP(0),
              UNLESS(LOGON_FLAGS, KEEP(1), IF_BITS(1, INCLUDE(private_logon)), RECALL(1),
                     UNLESS_BITS(1, INCLUDE(public_logon))),
              RECALL(0),
              IF_EQUAL(OX_WRONG_SERVER, LOGON_FLAGS, U8("server_name_size", "ServerNameSize"),
                       SIZED_STRING8("server_name", "ServerName")));

/* ---- 2.2.3.2 to 2.2.3.5 receive folders, store state ---- */

#define MESSAGE_CLASS STRING8("message_class", "MessageClass")

static LAYOUT(get_receive_folder_request, INPUT, MESSAGE_CLASS);
static LAYOUT(get_receive_folder_response, INPUT, RETURN_VALUE,
              SUCCESS(FOLDER_ID, STRING8("explicit_message_class", "ExplicitMessageClass")));
static LAYOUT(set_receive_folder_request, INPUT, FOLDER_ID, MESSAGE_CLASS);
static LAYOUT(input_request, INPUT);

/* The columns are given by the specification: PidTagFolderId, PidTagMessageClass, PidTagLastModificationTime. */
static const uint8_t receive_folder_columns[] = {
    0x14, 0x00, 0x48, 0x67, 0x1E, 0x00, 0x1A, 0x00, 0x40, 0x00, 0x08, 0x30
};

static void read_receive_folders(struct layout_run *run, const struct field *at)
{
    const struct columns columns = { { receive_folder_columns, sizeof(receive_folder_columns) }, 3 };
    const uint32_t count = (uint32_t)run->last;
    (void)at;
    if (!reader_expect(run->reader, count, 1)) {
        return;
    }
    for (uint32_t i = 0; i < count && !run->reader->failed; i++) {
        if (reader_open(run->reader, "Row")) {
            read_property_row(run->reader, &columns, PROP_ROP);
            reader_close(run->reader, NULL);
        }
    }
}

static LAYOUT(get_receive_folder_table_response, INPUT, RETURN_VALUE,
              SUCCESS(U32("row_count", "RowCount", .seen = keep_rows), READ(read_receive_folders, 0)));
static LAYOUT(get_store_state_response, INPUT, RETURN_VALUE,
              SUCCESS(X32("store_state", "StoreState"),
                      BIT("store_state.store_has_searches", "STORE_HAS_SEARCHES", 0x01000000)));

/* ---- 2.2.3.6, 2.2.3.7 owning servers ---- */

static LAYOUT(folder_request, INPUT, FOLDER_ID);
static LAYOUT(get_owning_servers_response, INPUT, RETURN_VALUE,
              SUCCESS(U16("owning_servers_count", "OwningServersCount"), KEEP(0),
                      U16("cheap_servers_count", "CheapServersCount"), RECALL(0),
                      TIMES(STRING8("owning_servers", "OwningServers"))));
static LAYOUT(public_folder_is_ghosted_response, INPUT, RETURN_VALUE,
              SUCCESS(YES8("is_ghosted", "IsGhosted"),
                      IF(U16("servers_count", "ServersCount"), KEEP(0), U16("cheap_servers_count", "CheapServersCount"),
                         RECALL(0), TIMES(STRING8("servers", "Servers")))));

/* ---- 2.2.3.8, 2.2.3.9 ids ---- */

#define OBJECT_ID ANY_ID("object_id", "ObjectId")

static LAYOUT(long_term_id_from_id_request, INPUT, OBJECT_ID);
static LAYOUT(long_term_id_from_id_response, INPUT, RETURN_VALUE, SUCCESS(LONG_TERM_ID("long_term_id", "LongTermId")));
static LAYOUT(id_from_long_term_id_request, INPUT, LONG_TERM_ID("long_term_id", "LongTermId"));
static LAYOUT(id_from_long_term_id_response, INPUT, RETURN_VALUE, SUCCESS(OBJECT_ID));

/* ---- 2.2.3.10 to 2.2.3.13 per-user information ---- */

static LAYOUT(get_per_user_long_term_ids_request, INPUT, UUID("database_guid", "DatabaseGuid"));
static LAYOUT(get_per_user_long_term_ids_response, INPUT, RETURN_VALUE,
              SUCCESS(U16("long_term_id_count", "LongTermIdCount"),
                      LIST("LongTermIds", NULL, LONG_TERM_ID("long_term_ids", "LongTermId"))));
static LAYOUT(get_per_user_guid_request, INPUT, LONG_TERM_ID("long_term_id", "LongTermId"));
static LAYOUT(get_per_user_guid_response, INPUT, RETURN_VALUE, SUCCESS(UUID("database_guid", "DatabaseGuid")));

#define DATA_OFFSET U32("data_offset", "DataOffset")
#define FINISHED YES8("has_finished", "HasFinished")
#define DATA U16("data_size", "DataSize"), SIZED("data", "Data", .seen = keep_data)

static LAYOUT(read_per_user_information_request, INPUT, LONG_TERM_ID("read_per_user_information.folder_id", "FolderId"),
              U8("reserved", "Reserved"), DATA_OFFSET, U16("max_data_size", "MaxDataSize"));
static LAYOUT(read_per_user_information_response, INPUT, RETURN_VALUE, SUCCESS(FINISHED, DATA));

/* ReplGuid is there with the first part, in a logon to a mailbox. */
static void read_repl_guid(struct layout_run *run, const struct field *at)
{
    if (run->kept[0] == 0) {
        rop_read_in_logon(run, at, true, "Whether ReplGuid is there depends on a logon that is not known");
    }
}

static LAYOUT(write_per_user_information_request, INPUT,
              LONG_TERM_ID("write_per_user_information.folder_id", "FolderId"), FINISHED, DATA_OFFSET, KEEP(0), DATA,
              READ_ROWS(read_repl_guid, 0, UUID("repl_guid", "ReplGuid")));

CHOICES(rops_of_store, ROP(0x26, "SetReceiveFolder", set_receive_folder_request, rop_input_answer),
        ROP(0x27, "GetReceiveFolder", get_receive_folder_request, get_receive_folder_response),
        ROP(0x42, "GetOwningServers", folder_request, get_owning_servers_response),
        ROP(0x43, "LongTermIdFromId", long_term_id_from_id_request, long_term_id_from_id_response),
        ROP(0x44, "IdFromLongTermId", id_from_long_term_id_request, id_from_long_term_id_response),
        ROP(0x45, "PublicFolderIsGhosted", folder_request, public_folder_is_ghosted_response),
        ROP(0x60, "GetPerUserLongTermIds", get_per_user_long_term_ids_request, get_per_user_long_term_ids_response),
        ROP(0x61, "GetPerUserGuid", get_per_user_guid_request, get_per_user_guid_response),
        ROP(0x63, "ReadPerUserInformation", read_per_user_information_request, read_per_user_information_response),
        ROP(0x64, "WritePerUserInformation", write_per_user_information_request, rop_input_answer),
        ROP(0x68, "GetReceiveFolderTable", input_request, get_receive_folder_table_response),
        ROP(0x7B, "GetStoreState", input_request, get_store_state_response),
        ROP(0xFE, "Logon", logon_request, logon_response));
