/* mapibody.c
 * The bodies of mapibody.h: what is regular stands in one table of steps for each body,
 * what is not in the functions that the steps name. And the scanner of the envelope.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapibody.h"

#include "chars.h"
#include "oxext.h"
#include "oxprops.h"

#include <stdio.h>

/* The specification limits most arrays to this many items. */
#define ITEMS_MAX 100000u

/* ---- fields ---- */

static const struct field_name sort_types[] = {          /* MS-OXNSPI 2.2.1.10 */
    { 0x00000000, "SortTypeDisplayName" },
    { 0x00000003, "SortTypePhoneticDisplayName" },
    { 0x000003E8, "SortTypeDisplayName_RO" },
    { 0x000003E9, "SortTypeDisplayName_W" },
    { 0, NULL }
};

static const struct field_name display_types[] = {       /* MS-OXNSPI 2.2.1.3 */
    { 0x00000000, "DT_MAILUSER" },
    { 0x00000001, "DT_DISTLIST" },
    { 0x00000002, "DT_FORUM" },
    { 0x00000003, "DT_AGENT" },
    { 0x00000004, "DT_ORGANIZATION" },
    { 0x00000005, "DT_PRIVATE_DISTLIST" },
    { 0x00000006, "DT_REMOTE_MAILUSER" },
    { 0x00000100, "DT_CONTAINER" },
    { 0x00000101, "DT_TEMPLATE" },
    { 0x00000102, "DT_ADDRESS_TEMPLATE" },
    { 0x00000200, "DT_SEARCH" },
    { 0, NULL }
};

static const struct field_name code_pages[] = {         /* MS-OXNSPI 2.2.1.5 */
    { 0x000004B0, "CP_WINUNICODE" },
    { 0x00004F25, "CP_TELETEX" },
    { 0, NULL }
};

enum {
    STATUS_CODE, ERROR_CODE, RESERVED, AUX_BUFFER_SIZE, REST, BODY,
    CONNECT_USER_DN, CONNECT_FLAGS, CONNECT_ADMIN, CONNECT_CODE_PAGE, CONNECT_LCID_SORT, CONNECT_LCID_STRING,
    CONNECT_POLLS_MAX, CONNECT_RETRY_COUNT, CONNECT_RETRY_DELAY, CONNECT_DN_PREFIX, CONNECT_DISPLAY_NAME,
    EXECUTE_FLAGS, EXECUTE_NO_COMPRESSION, EXECUTE_NO_XOR, EXECUTE_CHAIN, EXECUTE_ROP_SIZE, EXECUTE_MAX_OUT,
    EXECUTE_RESERVED,
    WAIT_RESERVED, WAIT_EVENT_PENDING,
    FLAGS_BIND, FLAGS_ANONYMOUS,
    FLAGS_RETRIEVE, FLAGS_SKIP_OBJECTS, FLAGS_EPH_ID,
    FLAGS_LIST, FLAGS_LIST_SKIP_OBJECTS,
    FLAGS_TABLE, FLAGS_TEMPLATES, FLAGS_UNICODE,
    FLAGS_TEMPLATE, FLAGS_TI_TEMPLATE, FLAGS_TI_SCRIPT, FLAGS_TI_EMT, FLAGS_TI_HELPFILE_NAME,
    FLAGS_TI_HELPFILE_CONTENTS,
    FLAGS_LINK, FLAGS_DELETE,
    FLAGS_COLUMNS, FLAGS_UNICODE_TYPES,
    FLAGS_UNUSED, FLAGS_INTERFACE,
    HAS_STATE, HAS_MIDS, HAS_FILTER, HAS_PROPERTY_NAME, HAS_COLUMNS, HAS_COLUMNS_AND_ROWS, HAS_TAGS, HAS_VALUES,
    HAS_VERSION, HAS_ROWS, HAS_ROW, HAS_TEMPLATE_DN, HAS_ENTRY_IDS, HAS_NAMES, HAS_TARGET, HAS_TABLE,
    HAS_DELTA, DELTA_REQUESTED,
    STAT_SORT_TYPE, STAT_CONTAINER, STAT_CURRENT, STAT_DELTA, STAT_NUM_POS, STAT_TOTAL, STAT_CODE_PAGE,
    STAT_TEMPLATE_LOCALE, STAT_SORT_LOCALE,
    MID, MID_COUNT, TABLE_COUNT, ROW_COUNT, ROWS_WANTED, NAME_COUNT, NAME_DN, NAME_ANR,
    ENTRY_ID_COUNT, ENTRY_ID_SIZE, SERVER_GUID, COMPARE_RESULT, PROPERTY_NAME_GUID, PROPERTY_NAME_ID,
    CODE_PAGE, VERSION, DISPLAY_TYPE, TEMPLATE_DN, LOCALE_ID, DELTA, SERVER_DN, USER_DN, SERVER_URL,
    ROWS
};

static const struct field rows[ROWS + 1] = {
    [STATUS_CODE] = { .filter = "status_code", "StatusCode", FIELD_U32, true, NULL, 0 },
    [ERROR_CODE] = { .filter = "error_code", "ErrorCode", FIELD_U32, true, NULL, 0 },
    [RESERVED] = { .filter = "reserved", "Reserved", FIELD_U32, true, NULL, 0 },
    [AUX_BUFFER_SIZE] = { .filter = "aux_buffer_size", "AuxiliaryBufferSize", FIELD_U32, false, NULL, 0 },
    [REST] = { .filter = "body.rest", "Bytes behind the body", FIELD_BYTES, false, NULL, 0 },
    [BODY] = { .filter = "body.unknown", "Body of an unknown request type", FIELD_BYTES, false, NULL, 0 },

    [CONNECT_USER_DN] = { .filter = "connect.user_dn", "UserDn", FIELD_STRING8, false, NULL, 0 },
    [CONNECT_FLAGS] = { .filter = "connect.flags", "Flags", FIELD_U32, true, NULL, 0 },
    [CONNECT_ADMIN] = { .filter = "connect.flags.admin", "Administrative privileges", FIELD_U32, false, NULL, 0x00000001 },
    [CONNECT_CODE_PAGE] = { .filter = "connect.default_code_page", "DefaultCodePage", FIELD_U32, false, code_pages, 0 },
    [CONNECT_LCID_SORT] = { .filter = "connect.lcid_sort", "LcidSort", FIELD_U32, true, NULL, 0 },
    [CONNECT_LCID_STRING] = { .filter = "connect.lcid_string", "LcidString", FIELD_U32, true, NULL, 0 },
    [CONNECT_POLLS_MAX] = { .filter = "connect.polls_max", "PollsMax (ms)", FIELD_U32, false, NULL, 0 },
    [CONNECT_RETRY_COUNT] = { .filter = "connect.retry_count", "RetryCount", FIELD_U32, false, NULL, 0 },
    [CONNECT_RETRY_DELAY] = { .filter = "connect.retry_delay", "RetryDelay (ms)", FIELD_U32, false, NULL, 0 },
    [CONNECT_DN_PREFIX] = { .filter = "connect.dn_prefix", "DnPrefix", FIELD_STRING8, false, NULL, 0 },
    [CONNECT_DISPLAY_NAME] = { .filter = "connect.display_name", "DisplayName", FIELD_STRING16, false, NULL, 0 },

    [EXECUTE_FLAGS] = { .filter = "execute.flags", "Flags", FIELD_U32, true, NULL, 0 },
    [EXECUTE_NO_COMPRESSION] = { .filter = "execute.flags.no_compression", "NoCompression", FIELD_U32, false, NULL, 0x00000001 },
    [EXECUTE_NO_XOR] = { .filter = "execute.flags.no_xor_magic", "NoXorMagic", FIELD_U32, false, NULL, 0x00000002 },
    [EXECUTE_CHAIN] = { .filter = "execute.flags.chain", "Chain", FIELD_U32, false, NULL, 0x00000004 },
    [EXECUTE_ROP_SIZE] = { .filter = "execute.rop_buffer_size", "RopBufferSize", FIELD_U32, false, NULL, 0 },
    [EXECUTE_MAX_OUT] = { .filter = "execute.max_rop_out", "MaxRopOut", FIELD_U32, false, NULL, 0 },
    [EXECUTE_RESERVED] = { .filter = "execute.reserved", "Flags (reserved)", FIELD_U32, true, NULL, 0 },
    [WAIT_RESERVED] = { .filter = "notification_wait.reserved", "Flags (reserved)", FIELD_U32, true, NULL, 0 },
    [WAIT_EVENT_PENDING] = { .filter = "notification_wait.event_pending", "EventPending", FIELD_U32, false, NULL, 0 },

    /* One filter for the flags of every type; what a bit means depends on the type. */
    [FLAGS_BIND] = { .filter = "nspi.flags", "Flags", FIELD_U32, true, NULL, 0 },
    [FLAGS_ANONYMOUS] = { .filter = "nspi.flags.anonymous_login", "fAnonymousLogin", FIELD_U32, false, NULL, 0x00000020 },
    [FLAGS_RETRIEVE] = { .filter = "nspi.flags", "Flags", FIELD_U32, true, NULL, 0 },
    [FLAGS_SKIP_OBJECTS] = { .filter = "nspi.flags.skip_objects", "fSkipObjects", FIELD_U32, false, NULL, 0x00000001 },
    [FLAGS_EPH_ID] = { .filter = "nspi.flags.eph_id", "fEphID", FIELD_U32, false, NULL, 0x00000002 },
    [FLAGS_LIST] = { .filter = "nspi.flags", "Flags", FIELD_U32, true, NULL, 0 },
    [FLAGS_LIST_SKIP_OBJECTS] = { .filter = "nspi.flags.skip_objects", "fSkipObjects", FIELD_U32, false, NULL, 0x00000001 },
    [FLAGS_TABLE] = { .filter = "nspi.flags", "Flags", FIELD_U32, true, NULL, 0 },
    [FLAGS_TEMPLATES] = { .filter = "nspi.flags.address_creation_templates", "NspiAddressCreationTemplates", FIELD_U32, false,
                          NULL, 0x00000002 },
    [FLAGS_UNICODE] = { .filter = "nspi.flags.unicode_strings", "NspiUnicodeStrings", FIELD_U32, false, NULL, 0x00000004 },
    [FLAGS_TEMPLATE] = { .filter = "nspi.flags", "Flags", FIELD_U32, true, NULL, 0 },
    [FLAGS_TI_TEMPLATE] = { .filter = "nspi.flags.template", "TI_TEMPLATE", FIELD_U32, false, NULL, 0x00000001 },
    [FLAGS_TI_SCRIPT] = { .filter = "nspi.flags.script", "TI_SCRIPT", FIELD_U32, false, NULL, 0x00000004 },
    [FLAGS_TI_EMT] = { .filter = "nspi.flags.emt", "TI_EMT", FIELD_U32, false, NULL, 0x00000010 },
    [FLAGS_TI_HELPFILE_NAME] = { .filter = "nspi.flags.helpfile_name", "TI_HELPFILE_NAME", FIELD_U32, false, NULL, 0x00000020 },
    [FLAGS_TI_HELPFILE_CONTENTS] = { .filter = "nspi.flags.helpfile_contents", "TI_HELPFILE_CONTENTS", FIELD_U32, false, NULL,
                                     0x00000040 },
    [FLAGS_LINK] = { .filter = "nspi.flags", "Flags", FIELD_U32, true, NULL, 0 },
    [FLAGS_DELETE] = { .filter = "nspi.flags.delete", "fDelete", FIELD_U32, false, NULL, 0x00000001 },
    [FLAGS_COLUMNS] = { .filter = "nspi.flags", "MapiFlags", FIELD_U32, true, NULL, 0 },
    [FLAGS_UNICODE_TYPES] = { .filter = "nspi.flags.unicode_proptypes", "NspiUnicodeProptypes", FIELD_U32, false, NULL,
                              0x80000000u },
    [FLAGS_UNUSED] = { .filter = "nspi.flags", "Flags (not used)", FIELD_U32, true, NULL, 0 },
    [FLAGS_INTERFACE] = { .filter = "nspi.interface_option_flags", "InterfaceOptionFlags", FIELD_U32, true, NULL, 0 },

    [HAS_STATE] = { .filter = "nspi.has_state", "HasState", FIELD_BOOL, false, NULL, 0 },
    [HAS_MIDS] = { .filter = "nspi.has_minimal_ids", "HasMinimalIds", FIELD_BOOL, false, NULL, 0 },
    [HAS_FILTER] = { .filter = "nspi.has_filter", "HasFilter", FIELD_BOOL, false, NULL, 0 },
    [HAS_PROPERTY_NAME] = { .filter = "nspi.has_property_name", "HasPropertyName", FIELD_BOOL, false, NULL, 0 },
    [HAS_COLUMNS] = { .filter = "nspi.has_columns", "HasColumns", FIELD_BOOL, false, NULL, 0 },
    [HAS_COLUMNS_AND_ROWS] = { .filter = "nspi.has_columns_and_rows", "HasColumnsAndRows", FIELD_BOOL, false, NULL, 0 },
    [HAS_TAGS] = { .filter = "nspi.has_property_tags", "HasPropertyTags", FIELD_BOOL, false, NULL, 0 },
    [HAS_VALUES] = { .filter = "nspi.has_property_values", "HasPropertyValues", FIELD_BOOL, false, NULL, 0 },
    [HAS_VERSION] = { .filter = "nspi.has_version", "HasVersion", FIELD_BOOL, false, NULL, 0 },
    [HAS_ROWS] = { .filter = "nspi.has_rows", "HasRows", FIELD_BOOL, false, NULL, 0 },
    [HAS_ROW] = { .filter = "nspi.has_row", "HasRow", FIELD_BOOL, false, NULL, 0 },
    [HAS_TEMPLATE_DN] = { .filter = "nspi.has_template_dn", "HasTemplateDn", FIELD_BOOL, false, NULL, 0 },
    [HAS_ENTRY_IDS] = { .filter = "nspi.has_entry_ids", "HasEntryIds", FIELD_BOOL, false, NULL, 0 },
    [HAS_NAMES] = { .filter = "nspi.has_names", "HasNames", FIELD_BOOL, false, NULL, 0 },
    [HAS_TARGET] = { .filter = "nspi.has_target", "HasTarget", FIELD_BOOL, false, NULL, 0 },
    [HAS_TABLE] = { .filter = "nspi.has_explicit_table", "HasExplicitTable", FIELD_BOOL, false, NULL, 0 },
    [HAS_DELTA] = { .filter = "nspi.has_delta", "HasDelta", FIELD_BOOL, false, NULL, 0 },
    [DELTA_REQUESTED] = { .filter = "nspi.delta_requested", "DeltaRequested", FIELD_BOOL, false, NULL, 0 },

    [STAT_SORT_TYPE] = { .filter = "nspi.stat.sort_type", "SortType", FIELD_U32, false, sort_types, 0 },
    [STAT_CONTAINER] = { .filter = "nspi.stat.container_id", "ContainerID", FIELD_U32, true, NULL, 0 },
    [STAT_CURRENT] = { .filter = "nspi.stat.current_rec", "CurrentRec", FIELD_U32, true, NULL, 0 },
    /* Signed in MS-OXNSPI 2.3.7. The public filter is unsigned, so stat_delta() tells the sign. */
    [STAT_DELTA] = { .filter = "nspi.stat.delta", "Delta", FIELD_U32, false, NULL, 0 },
    [STAT_NUM_POS] = { .filter = "nspi.stat.num_pos", "NumPos", FIELD_U32, false, NULL, 0 },
    [STAT_TOTAL] = { .filter = "nspi.stat.total_recs", "TotalRecs", FIELD_U32, false, NULL, 0 },
    [STAT_CODE_PAGE] = { .filter = "nspi.stat.code_page", "CodePage", FIELD_U32, false, code_pages, 0 },
    [STAT_TEMPLATE_LOCALE] = { .filter = "nspi.stat.template_locale", "TemplateLocale", FIELD_U32, true, NULL, 0 },
    [STAT_SORT_LOCALE] = { .filter = "nspi.stat.sort_locale", "SortLocale", FIELD_U32, true, NULL, 0 },

    [MID] = { .filter = "nspi.mid", "MinimalEntryID", FIELD_U32, true, NULL, 0 },
    [MID_COUNT] = { .filter = "nspi.minimal_id_count", "MinimalIdCount", FIELD_U32, false, NULL, 0 },
    [TABLE_COUNT] = { .filter = "nspi.explicit_table_count", "ExplicitTableCount", FIELD_U32, false, NULL, 0 },
    [ROW_COUNT] = { .filter = "nspi.row_count", "RowCount", FIELD_U32, false, NULL, 0 },
    [ROWS_WANTED] = { .filter = "nspi.rows_requested", "RowCount (requested)", FIELD_U32, false, NULL, 0 },
    [NAME_COUNT] = { .filter = "nspi.name_count", "NameCount", FIELD_U32, false, NULL, 0 },
    [NAME_DN] = { .filter = "nspi.dn", "DN", FIELD_STRING8, false, NULL, 0 },
    [NAME_ANR] = { .filter = "nspi.name", "Name", FIELD_STRING16, false, NULL, 0 },
    [ENTRY_ID_COUNT] = { .filter = "nspi.entry_id_count", "EntryIdCount", FIELD_U32, false, NULL, 0 },
    [ENTRY_ID_SIZE] = { .filter = "nspi.entry_id_size", "EntryID size", FIELD_U32, false, NULL, 0 },
    [SERVER_GUID] = { .filter = "nspi.server_guid", "ServerGuid", FIELD_GUID, false, NULL, 0 },
    [COMPARE_RESULT] = { .filter = "nspi.compare_result", "Result", FIELD_I32, false, NULL, 0 },
    [PROPERTY_NAME_GUID] = { .filter = "nspi.property_name.guid", "PropertyNameGuid", FIELD_GUID, false, NULL, 0 },
    [PROPERTY_NAME_ID] = { .filter = "nspi.property_name.id", "PropertyNameId", FIELD_U32, true, NULL, 0 },
    [CODE_PAGE] = { .filter = "nspi.code_page", "CodePage", FIELD_U32, false, code_pages, 0 },
    [VERSION] = { .filter = "nspi.version", "Version", FIELD_U32, false, NULL, 0 },
    [DISPLAY_TYPE] = { .filter = "nspi.display_type", "DisplayType", FIELD_U32, true, display_types, 0 },
    [TEMPLATE_DN] = { .filter = "nspi.template_dn", "TemplateDn", FIELD_STRING8, false, NULL, 0 },
    [LOCALE_ID] = { .filter = "nspi.locale_id", "LocaleId", FIELD_U32, true, NULL, 0 },
    [DELTA] = { .filter = "nspi.delta", "Delta", FIELD_I32, false, NULL, 0 },
    [SERVER_DN] = { .filter = "nspi.server_dn", "ServerDn", FIELD_STRING16, false, NULL, 0 },
    [USER_DN] = { .filter = "nspi.user_dn", "UserDn", FIELD_STRING16, false, NULL, 0 },
    [SERVER_URL] = { .filter = "nspi.server_url", "ServerUrl", FIELD_STRING16, false, NULL, 0 }
};

const struct field_table mapibody_fields = { "mapihttp.", rows, ROWS };

/* ---- steps ---- */

struct body {
    struct reader *reader;
    struct mapi_facts *facts;
    struct columns columns;      /* of the rows to come */
    bool response;
    bool lacking;                /* a buffer is larger than what is left: an issue of its decoder, which goes on */
};

/* A step reads what it is for and returns whether the steps that depend on it follow. */
struct step {
    bool (*read)(struct body *body, uint8_t row);
    uint8_t row;
    uint8_t only;                /* so many of the next steps are there only if this one says so */
};

static uint32_t number(struct body *body, uint8_t row)
{
    return (uint32_t)read_field(body->reader, &rows[row]);
}

static bool field(struct body *body, uint8_t row)
{
    return number(body, row) != 0;
}

static const char *error_text(uint64_t code)
{
    return ox_error_name((uint32_t)code);
}

static bool status(struct body *body, uint8_t row)
{
    body->facts->status = (uint32_t)read_field_text(body->reader, &rows[row], error_text);
    body->facts->has_status = !body->reader->failed;
    return body->facts->status == 0;
}

static bool error(struct body *body, uint8_t row)
{
    body->facts->error = (uint32_t)read_field_text(body->reader, &rows[row], error_text);
    body->facts->has_error = !body->reader->failed;
    return true;
}

static bool string8(struct body *body, uint8_t row)
{
    struct span text = read_string8(body->reader, &rows[row]);
    if (row == CONNECT_USER_DN) {
        body->facts->user_dn = text;
    } else if (row == CONNECT_DN_PREFIX) {
        body->facts->dn_prefix = text;
    }
    return true;
}

static bool string16(struct body *body, uint8_t row)
{
    struct span text = read_string16(body->reader, &rows[row]);
    if (row == CONNECT_DISPLAY_NAME) {
        body->facts->display_name = text;
    } else if (row == SERVER_URL) {
        body->facts->server_url = text;
    }
    return true;
}

static const char *pending_text(uint64_t value)
{
    return value ? "an event is pending" : "no event";
}

static bool event_pending(struct body *body, uint8_t row)
{
    body->facts->event_pending = (uint32_t)read_field_text(body->reader, &rows[row], pending_text);
    body->facts->has_event_pending = !body->reader->failed;
    return true;
}

static const char *compare_text(uint64_t value)
{
    int64_t result = (int64_t)value;
    return result < 0 ? "the first stands before the second" :
        result > 0 ? "the first stands behind the second" : "the same position";
}

static bool compared(struct body *body, uint8_t row)
{
    read_field_text(body->reader, &rows[row], compare_text);
    return true;
}

static bool aux_buffer(struct body *body, uint8_t row)
{
    uint32_t size = number(body, row);
    body->lacking |= reader_lacks(body->reader, size);
    read_aux_buffer(body->reader, size);
    return true;
}

static bool rop_buffer(struct body *body, uint8_t row)
{
    uint32_t size = number(body, row);
    body->facts->rop_buffer_size = size;
    body->lacking |= reader_lacks(body->reader, size);
    read_rop_buffer(body->reader, size, body->response);
    return true;
}

/* A count and whether so many items can come. */
static bool counted(struct body *body, uint8_t row, uint32_t item, uint32_t *count)
{
    uint32_t at = body->reader->pos;
    *count = number(body, row);
    if (*count > ITEMS_MAX) {
        reader_warn(body->reader, at, "More items than the 100,000 that are allowed");
    }
    return reader_expect(body->reader, *count, item);
}

/* ---- minimal entry IDs (MS-OXNSPI 2.2.1.8, 2.2.1.9 and 2.2.9.1) ---- */

static const char *position_text(uint64_t mid)
{
    static const char *const names[] = { "MID_BEGINNING_OF_TABLE", "MID_CURRENT", "MID_END_OF_TABLE" };
    return mid < sizeof(names) / sizeof(names[0]) ? names[mid] : mid < 0x10 ? "reserved" : NULL;
}

static const char *resolved_text(uint64_t mid)
{
    static const char *const names[] = { "MID_UNRESOLVED", "MID_AMBIGUOUS", "MID_RESOLVED" };
    return mid < sizeof(names) / sizeof(names[0]) ? names[mid] : mid < 0x10 ? "reserved" : NULL;
}

static bool mid(struct body *body, uint8_t row)
{
    read_field_text(body->reader, &rows[row], position_text);
    return true;
}

static bool mid_list(struct body *body, uint8_t row, const char *label, const char *(*text)(uint64_t mid))
{
    uint32_t count;
    if (counted(body, row, 4, &count) && count > 0 && reader_open(body->reader, label)) {
        for (uint32_t i = 0; i < count && !body->reader->failed; i++) {
            read_field_text(body->reader, &rows[MID], text);
        }
        reader_close(body->reader, NULL);
    }
    return true;
}

static bool mids(struct body *body, uint8_t row)
{
    return mid_list(body, row, row == TABLE_COUNT ? "Explicit table" : "Minimal entry IDs", position_text);
}

/* Of names that were looked up: ResolveNames and DNToMId. */
static bool found_mids(struct body *body, uint8_t row)
{
    return mid_list(body, row, "Minimal entry IDs", resolved_text);
}

/* ---- STAT (MS-OXNSPI 2.3.7) ---- */

static const char *container_text(uint64_t id)
{
    return id == 0 ? "Global Address List" : NULL;
}

static const char *stat_delta(uint64_t delta)
{
    return delta >= 0x80000000u ? "negative: backwards from CurrentRec" : NULL;
}

static bool stat(struct body *body, uint8_t row)
{
    static const struct {
        uint8_t row;
        const char *(*text)(uint64_t number);
    } members[] = {
        { STAT_SORT_TYPE, NULL }, { STAT_CONTAINER, container_text }, { STAT_CURRENT, position_text },
        { STAT_DELTA, stat_delta }, { STAT_NUM_POS, NULL }, { STAT_TOTAL, NULL }, { STAT_CODE_PAGE, NULL },
        { STAT_TEMPLATE_LOCALE, NULL }, { STAT_SORT_LOCALE, NULL }
    };
    (void)row;
    if (reader_open(body->reader, "State")) {
        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
            read_field_text(body->reader, &rows[members[i].row], members[i].text);
        }
        reader_close(body->reader, NULL);
    }
    return true;
}

/* ---- properties ---- */

static bool tag(struct body *body, uint8_t row)
{
    (void)row;
    read_property_tag(body->reader);
    return true;
}

static void close_counted(struct reader *reader, uint32_t done, const char *what)
{
    char summary[48];
    snprintf(summary, sizeof(summary), "%u %s%s", (unsigned)done, what, done == 1 ? "" : "s");
    reader_close(reader, summary);
}

static bool columns(struct body *body, uint8_t row)
{
    bool tags = row == HAS_TAGS;
    if (reader_open(body->reader, tags ? "Property tags" : "Columns")) {
        body->columns = read_columns(body->reader);
        close_counted(body->reader, body->columns.count, tags ? "tag" : "column");
    }
    return true;
}

static bool table_rows(struct body *body, uint8_t row)
{
    struct reader *reader = body->reader;
    uint32_t count, done = 0;
    if (counted(body, row, 1, &count) && count > 0 && reader_open(reader, "Rows")) {
        while (done < count && !reader->failed && reader_open(reader, "Row")) {
            read_property_row(reader, &body->columns, PROP_ADDRESS_BOOK);
            reader_close(reader, NULL);
            done += !reader->failed;
        }
        close_counted(reader, done, "row");
    }
    return true;
}

static bool value(struct body *body, uint8_t row)
{
    (void)row;
    if (reader_open(body->reader, "Target")) {
        read_tagged_value(body->reader, PROP_ADDRESS_BOOK);
        reader_close(body->reader, NULL);
    }
    return true;
}

static bool value_list(struct body *body, uint8_t row)
{
    (void)row;
    if (reader_open(body->reader, "Property values")) {
        read_value_list(body->reader, PROP_ADDRESS_BOOK);
        reader_close(body->reader, NULL);
    }
    return true;
}

static bool value_lists(struct body *body, uint8_t row)
{
    struct reader *reader = body->reader;
    uint32_t count, done = 0;
    if (counted(body, row, 4, &count) && count > 0 && reader_open(reader, "Rows")) {
        while (done < count && !reader->failed && reader_open(reader, "Row")) {
            read_value_list(reader, PROP_ADDRESS_BOOK);
            reader_close(reader, NULL);
            done += !reader->failed;
        }
        close_counted(reader, done, "row");
    }
    return true;
}

static bool restriction(struct body *body, uint8_t row)
{
    (void)row;
    if (reader_open(body->reader, "Filter")) {
        read_restriction(body->reader, PROP_ADDRESS_BOOK);
        reader_close(body->reader, NULL);
    }
    return true;
}

/* ---- names ---- */

static bool strings(struct body *body, uint8_t row, uint8_t item, bool wide)
{
    struct reader *reader = body->reader;
    uint32_t count;
    if (counted(body, row, wide ? 2 : 1, &count) && count > 0 && reader_open(reader, "Names")) {
        for (uint32_t i = 0; i < count && !reader->failed; i++) {
            if (wide) {
                read_string16(reader, &rows[item]);
            } else {
                read_string8(reader, &rows[item]);
            }
        }
        reader_close(reader, NULL);
    }
    return true;
}

static bool dns(struct body *body, uint8_t row)
{
    return strings(body, row, NAME_DN, false);
}

static bool names(struct body *body, uint8_t row)
{
    return strings(body, row, NAME_ANR, true);
}

/* ---- entry IDs of ModLinkAtt ---- */

#define EPHEMERAL_LEN 32u        /* MS-OXNSPI 2.2.9.2 */
#define PERMANENT_HEAD_LEN 28u   /* MS-OXNSPI 2.2.9.3: what stands before the DN */
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

static bool entry_ids(struct body *body, uint8_t row)
{
    struct reader *reader = body->reader;
    uint32_t count;
    if (counted(body, row, 4, &count) && count > 0 && reader_open(reader, "Entry IDs")) {
        for (uint32_t i = 0; i < count && !reader->failed && reader_open(reader, "Entry ID"); i++) {
            uint32_t len = entry_id_is_sized(reader) ? number(body, ENTRY_ID_SIZE) : entry_id_len(reader);
            read_entry_id(reader, len);
            reader_close(reader, NULL);
        }
        reader_close(reader, NULL);
    }
    return true;
}

/* ---- the bodies: MS-OXCMAPIHTTP 2.2.4.1 to 2.2.4.4, 2.2.5.1 to 2.2.5.19 ----
 * Every request ends, and every response ends, with the auxiliary buffer; every response
 * begins with StatusCode, and with ErrorCode if that is 0. These are not repeated here. */

#define STATE { field, HAS_STATE, 1 }, { stat, 0, 0 }
#define COLUMNS_AND_ROWS { field, HAS_COLUMNS_AND_ROWS, 2 }, { columns, HAS_COLUMNS, 0 }, { table_rows, ROW_COUNT, 0 }
#define END { NULL, 0, 0 }

static const struct step connect_in[] = {
    { string8, CONNECT_USER_DN, 0 }, { field, CONNECT_FLAGS, 0 }, { field, CONNECT_CODE_PAGE, 0 },
    { field, CONNECT_LCID_SORT, 0 }, { field, CONNECT_LCID_STRING, 0 }, END
};
static const struct step connect_out[] = {
    { field, CONNECT_POLLS_MAX, 0 }, { field, CONNECT_RETRY_COUNT, 0 }, { field, CONNECT_RETRY_DELAY, 0 },
    { string8, CONNECT_DN_PREFIX, 0 }, { string16, CONNECT_DISPLAY_NAME, 0 }, END
};
static const struct step execute_in[] = {
    { field, EXECUTE_FLAGS, 0 }, { rop_buffer, EXECUTE_ROP_SIZE, 0 }, { field, EXECUTE_MAX_OUT, 0 }, END
};
static const struct step execute_out[] = {
    { field, EXECUTE_RESERVED, 0 }, { rop_buffer, EXECUTE_ROP_SIZE, 0 }, END
};
static const struct step wait_in[] = { { field, WAIT_RESERVED, 0 }, END };
static const struct step wait_out[] = { { event_pending, WAIT_EVENT_PENDING, 0 }, END };

static const struct step bind_in[] = { { field, FLAGS_BIND, 0 }, STATE, END };
static const struct step bind_out[] = { { field, SERVER_GUID, 0 }, END };
static const struct step reserved_only[] = { { field, RESERVED, 0 }, END };
static const struct step nothing[] = { END };
static const struct step compare_in[] = {
    { field, RESERVED, 0 }, STATE, { mid, MID, 0 }, { mid, MID, 0 }, END
};
static const struct step compare_out[] = { { compared, COMPARE_RESULT, 0 }, END };
static const struct step dn_to_mid_in[] = {
    { field, RESERVED, 0 }, { field, HAS_NAMES, 1 }, { dns, NAME_COUNT, 0 }, END
};
static const struct step dn_to_mid_out[] = { { field, HAS_MIDS, 1 }, { found_mids, MID_COUNT, 0 }, END };
static const struct step matches_in[] = {
    { field, RESERVED, 0 }, STATE, { field, HAS_MIDS, 1 }, { mids, MID_COUNT, 0 }, { field, FLAGS_INTERFACE, 0 },
    { field, HAS_FILTER, 1 }, { restriction, 0, 0 },
    { field, HAS_PROPERTY_NAME, 2 }, { field, PROPERTY_NAME_GUID, 0 }, { field, PROPERTY_NAME_ID, 0 },
    { field, ROWS_WANTED, 0 }, { field, HAS_COLUMNS, 1 }, { columns, HAS_COLUMNS, 0 }, END
};
static const struct step matches_out[] = {
    STATE, { field, HAS_MIDS, 1 }, { mids, MID_COUNT, 0 }, COLUMNS_AND_ROWS, END
};
static const struct step prop_list_in[] = {
    { field, FLAGS_LIST, 0 }, { mid, MID, 0 }, { field, CODE_PAGE, 0 }, END
};
static const struct step prop_list_out[] = { { field, HAS_TAGS, 1 }, { columns, HAS_TAGS, 0 }, END };
static const struct step props_in[] = {
    { field, FLAGS_RETRIEVE, 0 }, STATE, { field, HAS_TAGS, 1 }, { columns, HAS_TAGS, 0 }, END
};
static const struct step props_out[] = {
    { field, CODE_PAGE, 0 }, { field, HAS_VALUES, 1 }, { value_list, 0, 0 }, END
};
static const struct step special_table_in[] = {
    { field, FLAGS_TABLE, 0 }, STATE, { field, HAS_VERSION, 1 }, { field, VERSION, 0 }, END
};
static const struct step special_table_out[] = {
    { field, CODE_PAGE, 0 }, { field, HAS_VERSION, 1 }, { field, VERSION, 0 },
    { field, HAS_ROWS, 1 }, { value_lists, ROW_COUNT, 0 }, END
};
static const struct step template_in[] = {
    { field, FLAGS_TEMPLATE, 0 }, { field, DISPLAY_TYPE, 0 },
    { field, HAS_TEMPLATE_DN, 1 }, { string8, TEMPLATE_DN, 0 },
    { field, CODE_PAGE, 0 }, { field, LOCALE_ID, 0 }, END
};
static const struct step template_out[] = {
    { field, CODE_PAGE, 0 }, { field, HAS_ROW, 1 }, { value_list, 0, 0 }, END
};
static const struct step mod_link_in[] = {
    { field, FLAGS_LINK, 0 }, { tag, 0, 0 }, { mid, MID, 0 },
    { field, HAS_ENTRY_IDS, 1 }, { entry_ids, ENTRY_ID_COUNT, 0 }, END
};
static const struct step mod_props_in[] = {
    { field, RESERVED, 0 }, STATE, { field, HAS_TAGS, 1 }, { columns, HAS_TAGS, 0 },
    { field, HAS_VALUES, 1 }, { value_list, 0, 0 }, END
};
static const struct step query_rows_in[] = {
    { field, FLAGS_RETRIEVE, 0 }, STATE, { mids, TABLE_COUNT, 0 }, { field, ROWS_WANTED, 0 },
    { field, HAS_COLUMNS, 1 }, { columns, HAS_COLUMNS, 0 }, END
};
static const struct step state_and_rows_out[] = { STATE, COLUMNS_AND_ROWS, END };    /* QueryRows, SeekEntries */
static const struct step query_columns_in[] = { { field, RESERVED, 0 }, { field, FLAGS_COLUMNS, 0 }, END };
static const struct step query_columns_out[] = { { field, HAS_COLUMNS, 1 }, { columns, HAS_COLUMNS, 0 }, END };
static const struct step resolve_in[] = {
    { field, RESERVED, 0 }, STATE, { field, HAS_TAGS, 1 }, { columns, HAS_TAGS, 0 },
    { field, HAS_NAMES, 1 }, { names, NAME_COUNT, 0 }, END
};
static const struct step resolve_out[] = {
    { field, CODE_PAGE, 0 }, { field, HAS_MIDS, 1 }, { found_mids, MID_COUNT, 0 }, COLUMNS_AND_ROWS, END
};
static const struct step resort_in[] = {
    { field, RESERVED, 0 }, STATE, { field, HAS_MIDS, 1 }, { mids, MID_COUNT, 0 }, END
};
static const struct step resort_out[] = { STATE, { field, HAS_MIDS, 1 }, { mids, MID_COUNT, 0 }, END };
static const struct step seek_in[] = {
    { field, RESERVED, 0 }, STATE, { field, HAS_TARGET, 1 }, { value, 0, 0 },
    { field, HAS_TABLE, 1 }, { mids, TABLE_COUNT, 0 }, { field, HAS_COLUMNS, 1 }, { columns, HAS_COLUMNS, 0 }, END
};
static const struct step update_stat_in[] = { { field, RESERVED, 0 }, STATE, { field, DELTA_REQUESTED, 0 }, END };
static const struct step update_stat_out[] = { STATE, { field, HAS_DELTA, 1 }, { field, DELTA, 0 }, END };
static const struct step mailbox_url_in[] = { { field, FLAGS_UNUSED, 0 }, { string16, SERVER_DN, 0 }, END };
static const struct step address_book_url_in[] = { { field, FLAGS_UNUSED, 0 }, { string16, USER_DN, 0 }, END };
static const struct step url_out[] = { { string16, SERVER_URL, 0 }, END };

/* The names as 2.2.3.3.1 spells them. PING (2.2.6) has no bodies. */
static const struct {
    const char *name;
    const struct step *in, *out;
} types[MAPI_TYPES] = {
    [MAPI_CONNECT] = { "Connect", connect_in, connect_out },
    [MAPI_EXECUTE] = { "Execute", execute_in, execute_out },
    [MAPI_DISCONNECT] = { "Disconnect", nothing, nothing },
    [MAPI_NOTIFICATION_WAIT] = { "NotificationWait", wait_in, wait_out },
    [MAPI_BIND] = { "Bind", bind_in, bind_out },
    [MAPI_UNBIND] = { "Unbind", reserved_only, nothing },
    [MAPI_COMPARE_MIDS] = { "CompareMIds", compare_in, compare_out },
    [MAPI_DN_TO_MID] = { "DNToMId", dn_to_mid_in, dn_to_mid_out },
    [MAPI_GET_MATCHES] = { "GetMatches", matches_in, matches_out },
    [MAPI_GET_PROP_LIST] = { "GetPropList", prop_list_in, prop_list_out },
    [MAPI_GET_PROPS] = { "GetProps", props_in, props_out },
    [MAPI_GET_SPECIAL_TABLE] = { "GetSpecialTable", special_table_in, special_table_out },
    [MAPI_GET_TEMPLATE_INFO] = { "GetTemplateInfo", template_in, template_out },
    [MAPI_MOD_LINK_ATT] = { "ModLinkAtt", mod_link_in, nothing },
    [MAPI_MOD_PROPS] = { "ModProps", mod_props_in, nothing },
    [MAPI_QUERY_COLUMNS] = { "QueryColumns", query_columns_in, query_columns_out },
    [MAPI_QUERY_ROWS] = { "QueryRows", query_rows_in, state_and_rows_out },
    [MAPI_RESOLVE_NAMES] = { "ResolveNames", resolve_in, resolve_out },
    [MAPI_RESORT_RESTRICTION] = { "ResortRestriction", resort_in, resort_out },
    [MAPI_SEEK_ENTRIES] = { "SeekEntries", seek_in, state_and_rows_out },
    [MAPI_UPDATE_STAT] = { "UpdateStat", update_stat_in, update_stat_out },
    [MAPI_GET_MAILBOX_URL] = { "GetMailboxUrl", mailbox_url_in, url_out },
    [MAPI_GET_ADDRESS_BOOK_URL] = { "GetAddressBookUrl", address_book_url_in, url_out },
    [MAPI_PING] = { "PING", NULL, NULL }
};

static void run_steps(struct body *body, const struct step *step)
{
    for (; step->read && !body->reader->failed; step++) {
        if (!step->read(body, step->row)) {
            step += step->only;
        }
    }
}

void mapi_read_body(struct reader *reader, enum mapi_type type, bool response, struct mapi_facts *facts)
{
    static const struct step end[] = { { aux_buffer, AUX_BUFFER_SIZE, 0 }, END };
    static const struct step begin[] = { { status, STATUS_CODE, 1 }, { error, ERROR_CODE, 0 }, END };
    struct mapi_facts own;
    struct body body = { reader, facts ? facts : &own, { { NULL, 0 }, 0 }, response, false };
    memset(body.facts, 0, sizeof(*body.facts));

    if ((unsigned)type >= MAPI_TYPES || !types[type].name) {
        if (reader_left(reader) > 0) {
            read_run(reader, &rows[BODY], reader_left(reader));
        }
    } else if (types[type].in) {
        if (response) {
            run_steps(&body, begin);
        }
        /* A request that failed is answered with StatusCode and the auxiliary buffer alone. */
        if (body.facts->status == 0) {
            run_steps(&body, response ? types[type].out : types[type].in);
        }
        run_steps(&body, end);
    }
    body.facts->end = reader->pos;
    body.facts->complete = !reader->failed && !body.lacking && reader->pos == reader->whole;
    if (reader_left(reader) > 0) {
        reader_warn(reader, reader->pos, "Bytes behind the body");
        read_run(reader, &rows[REST], reader_left(reader));
    }
}

/* ---- request types ---- */

static bool same_letters(struct span text, const char *name)
{
    size_t i = 0;
    while (i < text.len && name[i] && lower(text.ptr[i]) == lower((uint8_t)name[i])) {
        i++;
    }
    return i == text.len && !name[i];
}

enum mapi_type mapi_type_of(struct span name)
{
    while (name.len > 0 && is_blank(name.ptr[0])) {
        name.ptr++;
        name.len--;
    }
    while (name.len > 0 && is_blank(name.ptr[name.len - 1])) {
        name.len--;
    }
    if (name.len == 0) {
        return MAPI_NONE;
    }
    for (unsigned i = MAPI_CONNECT; i <= MAPI_PING; i++) {
        if (same_letters(name, types[i].name)) {
            return (enum mapi_type)i;
        }
    }
    return MAPI_UNKNOWN;
}

const char *mapi_type_name(enum mapi_type type)
{
    return (unsigned)type < MAPI_TYPES ? types[type].name : NULL;
}

bool mapi_type_is_nspi(enum mapi_type type)
{
    return type >= MAPI_BIND && type <= MAPI_GET_ADDRESS_BOOK_URL;
}

bool mapi_type_is_emsmdb(enum mapi_type type)
{
    return type >= MAPI_CONNECT && type <= MAPI_NOTIFICATION_WAIT;
}

/* ---- the envelope ---- */

const char *meta_tag_name(enum meta_kind kind)
{
    static const char *const names[] = { [META_PROCESSING] = "PROCESSING", [META_PENDING] = "PENDING",
                                         [META_DONE] = "DONE" };
    return (unsigned)kind <= META_DONE ? names[kind] : NULL;
}

void meta_scan_init(struct meta_scanner *scanner)
{
    memset(scanner, 0, sizeof(*scanner));
}

static void finish(struct meta_scanner *s, struct mapi_meta *meta, enum meta_state state, enum meta_kind kind,
                   uint32_t offset)
{
    s->state = (uint8_t)state;
    meta->kind = (uint8_t)kind;
    meta->offset = offset;
}

/* A letter of a tag, or a line end between two of them. line[] holds the letters so far. */
static void scan_tag(struct meta_scanner *s, uint8_t c, struct mapi_meta *meta)
{
    if (s->token_len == 0 && (c == '\r' || c == '\n') && s->any) {
        s->at++;
        s->start = s->at;
        return;
    }
    s->line[s->token_len++] = c;
    for (unsigned kind = META_PROCESSING; kind <= META_DONE; kind++) {
        const char *name = meta_tag_name((enum meta_kind)kind);
        if (strncmp(name, (const char *)s->line, s->token_len) != 0) {
            continue;
        }
        s->at++;
        if (!name[s->token_len]) {
            meta->kind = (uint8_t)kind;
            meta->offset = s->start;
            meta->len = s->token_len;
            s->token_len = 0;
            s->start = s->at;
            s->any = true;
            if (kind == META_DONE) {
                s->state = META_IN_HEADERS;
                s->after_done = true;
                s->headers_at = s->at;
            }
        }
        return;
    }
    s->token_len = 0;
    finish(s, meta, s->any ? META_IS_BROKEN : META_NOT_ENVELOPE, s->any ? META_BROKEN : META_NO_ENVELOPE, s->start);
}

static void start_line(struct meta_scanner *s)
{
    s->start = s->at;
    s->line_len = 0;
    s->colon = 0;
    s->value_start = s->value_end = 0;
}

/* What line[] holds of a part of the line. */
static struct span held(const struct meta_scanner *s, uint32_t from, uint32_t to)
{
    struct span span = { s->line, 0 };
    to = to < META_LINE_MAX ? to : META_LINE_MAX;
    if (from < to) {
        span.ptr = s->line + from;
        span.len = to - from;
    }
    return span;
}

static void end_line(struct meta_scanner *s, struct mapi_meta *meta)
{
    if (s->line_len > 0 && s->last == '\r') {
        s->line_len--;
    }
    if (s->line_len == 0) {
        if (s->after_done) {
            s->after_done = false;
        } else {
            s->body = s->at;
            finish(s, meta, META_IN_BODY, META_BODY, s->at);
        }
        start_line(s);
        return;
    }
    s->after_done = false;
    meta->kind = META_HEADER;
    meta->offset = s->start;
    meta->len = s->line_len;
    if (s->colon) {
        meta->name = held(s, 0, s->colon - 1);
        meta->value_offset = s->start + s->value_start;
        meta->value_len = s->value_end - s->value_start;
        meta->value = held(s, s->value_start, s->value_end);
    } else {
        meta->name = held(s, 0, s->line_len);
        meta->value_offset = s->start + s->line_len;
        meta->value = held(s, s->line_len, s->line_len);
    }
    start_line(s);
}

/* A byte of the additional headers. */
static void scan_line(struct meta_scanner *s, uint8_t c, struct mapi_meta *meta)
{
    if (s->at - s->headers_at >= META_HEADERS_MAX) {
        finish(s, meta, META_IS_BROKEN, META_BROKEN, s->start);
        return;
    }
    s->at++;
    if (c == '\n') {
        end_line(s, meta);
        s->last = 0;
        return;
    }
    if (s->line_len < META_LINE_MAX) {
        s->line[s->line_len] = c;
    }
    s->line_len++;
    if (!s->colon) {
        if (c == ':') {
            s->colon = s->line_len;
            s->value_start = s->value_end = s->line_len;
        }
    } else if (is_blank(c) || c == '\r') {
        if (s->value_end == s->value_start && c != '\r') {
            s->value_start = s->value_end = s->line_len;
        }
    } else {
        s->value_end = s->line_len;
    }
    s->last = c;
}

size_t meta_scan(struct meta_scanner *scanner, const uint8_t *p, size_t len, struct mapi_meta *meta)
{
    uint32_t from = scanner->at;
    len = len < UINT32_MAX ? len : UINT32_MAX;
    memset(meta, 0, sizeof(*meta));
    while (scanner->at - from < len && meta->kind == META_NOTHING && scanner->state <= META_IN_HEADERS) {
        uint8_t c = p[scanner->at - from];
        if (scanner->state == META_IN_TAGS) {
            scan_tag(scanner, c, meta);
        } else {
            scan_line(scanner, c, meta);
        }
    }
    return scanner->at - from;
}
