/* rop_common.c
 * What layouts of ROPs have in common.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_private.h"

#include <stdio.h>

/* MS-OXCROPS 2.2.2; ids that it reserves have no layout and are not here. In more rows than a macro need take (127 arguments). */
const struct field_name rop_id_names[] = { 0x01, "RopRelease",
                                           0x02, "RopOpenFolder",
                                           0x03, "RopOpenMessage",
                                           0x04, "RopGetHierarchyTable",
                                           0x05, "RopGetContentsTable",
                                           0x06, "RopCreateMessage",
                                           0x07, "RopGetPropertiesSpecific",
                                           0x08, "RopGetPropertiesAll",
                                           0x09, "RopGetPropertiesList",
                                           0x0A, "RopSetProperties",
                                           0x0B, "RopDeleteProperties",
                                           0x0C, "RopSaveChangesMessage",
                                           0x0D, "RopRemoveAllRecipients",
                                           0x0E, "RopModifyRecipients",
                                           0x0F, "RopReadRecipients",
                                           0x10, "RopReloadCachedInformation",
                                           0x11, "RopSetMessageReadFlag",
                                           0x12, "RopSetColumns",
                                           0x13, "RopSortTable",
                                           0x14, "RopRestrict",
                                           0x15, "RopQueryRows",
                                           0x16, "RopGetStatus",
                                           0x17, "RopQueryPosition",
                                           0x18, "RopSeekRow",
                                           0x19, "RopSeekRowBookmark",
                                           0x1A, "RopSeekRowFractional",
                                           0x1B, "RopCreateBookmark",
                                           0x1C, "RopCreateFolder",
                                           0x1D, "RopDeleteFolder",
                                           0x1E, "RopDeleteMessages",
                                           0x1F, "RopGetMessageStatus",
                                           0x20, "RopSetMessageStatus",
                                           0x21, "RopGetAttachmentTable",
                                           0x22, "RopOpenAttachment",
                                           0x23, "RopCreateAttachment",
                                           0x24, "RopDeleteAttachment",
                                           0x25, "RopSaveChangesAttachment",
                                           0x26, "RopSetReceiveFolder",
                                           0x27, "RopGetReceiveFolder",
                                           0x29, "RopRegisterNotification",
                                           0x2A, "RopNotify",
                                           0x2B, "RopOpenStream",
                                           0x2C, "RopReadStream",
                                           0x2D, "RopWriteStream",
                                           0x2E, "RopSeekStream",
                                           0x2F, "RopSetStreamSize",
                                           0x30, "RopSetSearchCriteria",
                                           0x31, "RopGetSearchCriteria",
                                           0x32, "RopSubmitMessage",
                                           0x33, "RopMoveCopyMessages",
                                           0x34, "RopAbortSubmit",
                                           0x35, "RopMoveFolder",
                                           0x36, "RopCopyFolder",
                                           0x37, "RopQueryColumnsAll",
                                           0x38, "RopAbort",
                                           0x39, "RopCopyTo",
                                           0x3A, "RopCopyToStream",
                                           0x3B, "RopCloneStream",
                                           0x3E, "RopGetPermissionsTable",
                                           0x3F, "RopGetRulesTable",
                                           0x40, "RopModifyPermissions",
                                           0x41, "RopModifyRules",
                                           0x42, "RopGetOwningServers",
                                           0x43, "RopLongTermIdFromId",
                                           0x44, "RopIdFromLongTermId",
                                           0x45, "RopPublicFolderIsGhosted",
                                           0x46, "RopOpenEmbeddedMessage",
                                           0x47, "RopSetSpooler",
                                           0x48, "RopSpoolerLockMessage",
                                           0x49, "RopGetAddressTypes",
                                           0x4A, "RopTransportSend",
                                           0x4B, "RopFastTransferSourceCopyMessages",
                                           0x4C, "RopFastTransferSourceCopyFolder",
                                           0x4D, "RopFastTransferSourceCopyTo",
                                           0x4E, "RopFastTransferSourceGetBuffer",
                                           0x4F, "RopFindRow",
                                           0x50, "RopProgress",
                                           0x51, "RopTransportNewMail",
                                           0x52, "RopGetValidAttachments",
                                           0x53, "RopFastTransferDestinationConfigure",
                                           0x54, "RopFastTransferDestinationPutBuffer",
                                           0x55, "RopGetNamesFromPropertyIds",
                                           0x56, "RopGetPropertyIdsFromNames",
                                           0x57, "RopUpdateDeferredActionMessages",
                                           0x58, "RopEmptyFolder",
                                           0x59, "RopExpandRow",
                                           0x5A, "RopCollapseRow",
                                           0x5B, "RopLockRegionStream",
                                           0x5C, "RopUnlockRegionStream",
                                           0x5D, "RopCommitStream",
                                           0x5E, "RopGetStreamSize",
                                           0x5F, "RopQueryNamedProperties",
                                           0x60, "RopGetPerUserLongTermIds",
                                           0x61, "RopGetPerUserGuid",
                                           0x63, "RopReadPerUserInformation",
                                           0x64, "RopWritePerUserInformation",
                                           0x66, "RopSetReadFlags",
                                           0x67, "RopCopyProperties",
                                           0x68, "RopGetReceiveFolderTable",
                                           0x69, "RopFastTransferSourceCopyProperties",
                                           0x6B, "RopGetCollapseState",
                                           0x6C, "RopSetCollapseState",
                                           0x6D, "RopGetTransportFolder",
                                           0x6E, "RopPending",
                                           0x6F, "RopOptionsData",
                                           0x70, "RopSynchronizationConfigure",
                                           0x72, "RopSynchronizationImportMessageChange",
                                           0x73, "RopSynchronizationImportHierarchyChange",
                                           0x74, "RopSynchronizationImportDeletes",
                                           0x75, "RopSynchronizationUploadStateStreamBegin",
                                           0x76, "RopSynchronizationUploadStateStreamContinue",
                                           0x77, "RopSynchronizationUploadStateStreamEnd",
                                           0x78, "RopSynchronizationImportMessageMove",
                                           0x79, "RopSetPropertiesNoReplicate",
                                           0x7A, "RopDeletePropertiesNoReplicate",
                                           0x7B, "RopGetStoreState",
                                           0x7E, "RopSynchronizationOpenCollector",
                                           0x7F, "RopGetLocalReplicaIds",
                                           0x80, "RopSynchronizationImportReadStateChanges",
                                           0x81, "RopResetTable",
                                           0x82, "RopSynchronizationGetTransferState",
                                           0x86, "RopTellVersion",
                                           0x89, "RopFreeBookmark",
                                           0x90, "RopWriteAndCommitStream",
                                           0x91, "RopHardDeleteMessages",
                                           0x92, "RopHardDeleteMessagesAndSubfolders",
                                           0x93, "RopSetLocalReplicaMidsetDeleted",
                                           0x9D, "RopFastTransferDestinationPutBufferExtended",
                                           0xA3, "RopWriteStreamExtended",
                                           0xF9, "RopBackoff",
                                           0xFE, "RopLogon",
                                           0xFF, "RopBufferTooSmall",
                                           0,    NULL };

FIELD_NAMES(rop_yes_names, 0, "no", 1, "yes");
/* MS-OXCTABL 2.2.2.1.3 */
FIELD_NAMES(rop_table_status_names, 0x00, "TBLSTAT_COMPLETE", 0x09, "TBLSTAT_SORTING", 0x0A, "TBLSTAT_SORT_ERROR", 0x0B,
            "TBLSTAT_SETTING_COLS", 0x0D, "TBLSTAT_SETCOL_ERROR", 0x0E, "TBLSTAT_RESTRICTING", 0x0F,
            "TBLSTAT_RESTRICT_ERROR");
FIELD_NAMES(rop_origin_names, 0, "BOOKMARK_BEGINNING", 1, "BOOKMARK_CURRENT", 2, "BOOKMARK_END", 3, "BOOKMARK_CUSTOM");
/* MS-OXCMSG 2.2.3.1.2: the low four bits */
FIELD_NAMES(rop_recipient_names, 0, "originator", 1, "To", 2, "Cc", 3, "Bcc");

/* ---- keepers ---- */

void keep_input(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.input = (uint16_t)value->number;
}

void keep_output(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.output = (uint16_t)value->number;
}

void keep_logon(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.logon = (uint8_t)value->number;
}

void keep_return(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.return_value = (uint32_t)value->number;
}

void keep_folder(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.folder = value->number;
}

void keep_message(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.message = value->number;
}

void keep_mode(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.mode = (uint8_t)value->number;
}

void keep_rows(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.rows = (uint32_t)value->number;
}

void keep_code_page(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.code_page = (uint16_t)value->number;
}

void keep_data(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.data = (struct span){ value->bytes, value->len };
}

void keep_attachment(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.attachment = (uint32_t)value->number;
}

/* ---- steps ---- */

unsigned rop_is_wide(const struct layout_run *run)
{
    return run->last != 0;
}

bool rop_is_unasked(uint8_t id)
{
    return id == ROP_NOTIFY || id == ROP_PENDING || id == ROP_BACKOFF || id == ROP_BUFFER_TOO_SMALL;
}

bool rop_goes_on(const struct layout_run *run, uint64_t ahead)
{
    const struct reader *reader = run->reader;
    const uint8_t next = rop_scene(run)->next;
    if (ahead >= reader_sent(reader)) {
        return ahead == reader_sent(reader);
    }
    if (ahead >= reader_left(reader)) {
        return false;
    }
    const uint8_t id = reader->p[reader->pos + ahead];
    return (next && id == next) || rop_is_unasked(id);
}

/* What a failing answer has behind its ReturnValue by the specification, some servers leave out: then the next answer
 * begins there, or nothing does. */
void rop_read_always(struct layout_run *run, const struct field *at)
{
    if (rop_scene(run)->took.return_value != 0 && rop_goes_on(run, 0) &&
        (reader_left(run->reader) == 0 || run->reader->p[run->reader->pos] == rop_scene(run)->next)) {
        return;
    }
    read_layout(run, at->inside);
}

void rop_read_reach(struct layout_run *run, const struct field *at)
{
    struct reader *reader = run->reader;
    const uint64_t size = run->last;
    const uint32_t start = reader->pos;
    read_layout(run, at->inside);
    if (!reader->failed && reader->pos - start != size) {
        reader_warn(reader, start - 2, "A size that does not reach to the end of what it counts");
    }
}

void rop_read_tags(struct layout_run *run, const struct field *at)
{
    (void)at;
    struct columns tags = read_tag_list(run->reader, (uint32_t)run->last);
    rop_scene(run)->took.tags = tags;
}

void rop_read_tag(struct layout_run *run, const struct field *at)
{
    (void)at;
    rop_scene(run)->took.property = read_property_tag_of(run->reader, PROP_ROP);
}

#define TAG_FOLDER_ID 0x67480014u
#define TAG_DISPLAY_NAME 0x3001001Fu
#define TAG_ATTACH_NUMBER 0x0E210003u

static bool wants_files(const struct layout_run *run)
{
    return rop_scene(run)->host->file && (rop_scene(run)->known.flags & ROP_KNOWN_FILES);
}

/* What a value says of an attachment. The best name counts. */
static void take_file(struct rop_file *file, uint32_t tag, struct span value)
{
    static const uint16_t by_rank[] = { 0, 0x3707, 0x3704, TAG_DISPLAY_NAME >> 16 };
    const uint16_t type = (uint16_t)tag;
    const bool wide = type == PTYP_STRING;
    const size_t end = wide ? 2 : 1;
    if (tag == TAG_ATTACH_NUMBER && value.len == 4) {
        file->has_number = true;
        file->number = get_le32(value.ptr);
    }
    if ((!wide && type != PTYP_STRING8) || value.len <= end) {
        return;
    }
    for (uint8_t rank = 1; rank < COUNT_OF(by_rank) && (file->rank == 0 || rank < file->rank); rank++) {
        if (by_rank[rank] == tag >> 16) {
            file->rank = rank;
            file->name = (struct span){ value.ptr, value.len - end };
            file->wide = wide;
        }
    }
}

void rop_read_tagged(struct layout_run *run, const struct field *at)
{
    struct reader *reader = run->reader;
    const uint32_t tag = peek_u32(reader), start = reader->pos + 4;
    (void)at;
    read_tagged_value(reader, PROP_ROP);
    if (wants_files(run) && !reader->failed) {
        struct rop_file file = { .rank = 0 };
        take_file(&file, tag, (struct span){ reader->p + start, reader->pos - start });
        rop_scene(run)->host->file(rop_scene(run)->host->ctx, &file);
    }
}

void rop_read_restriction(struct layout_run *run, const struct field *at)
{
    (void)at;
    read_restriction(run->reader, PROP_ROP);
}

void rop_lose(struct layout_run *run, const char *what)
{
    reader_tell(run->reader, &rop_context_unknown, run->reader->pos, what);
    rop_scene(run)->lost = true;
}

void rop_read_in_logon(struct layout_run *run, const struct field *at, bool to_mailbox, const char *unknown)
{
    const uint8_t flags = rop_scene(run)->known.flags;
    if (!(flags & ROP_KNOWN_LOGON)) {
        if (reader_sent(run->reader) >= layout_least(at->inside)) {
            rop_lose(run, unknown);
        }
    } else if (((flags & ROP_KNOWN_PRIVATE) != 0) == to_mailbox) {
        read_layout(run, at->inside);
    }
}

/* A row that was read, value by value. */
struct row {
    struct reader reader; /* tells nobody */
    const struct columns *columns;
    uint32_t next; /* column */
    bool flagged;
};

static struct row row_of(const struct layout_run *run, const struct columns *columns, uint32_t start)
{
    static const struct field_sink quiet; /* calls nobody */
    struct row row = { .reader = *run->reader, .columns = columns };
    row.reader.sink = &quiet;
    row.reader.pos = start + 1;
    row.flagged = row.reader.p[start] != 0;
    return row;
}

/* The next value of it, with the type that it has; ptr NULL where a column has none. False behind the last. */
static bool next_of_row(struct row *row, uint32_t *tag, struct span *value)
{
    struct reader *reader = &row->reader;
    if (reader->failed || row->next == row->columns->count) {
        return false;
    }
    *tag = column_tag(row->columns, row->next++);
    if ((*tag & 0xFFFF) == 0) {
        *tag |= peek_u16(reader); /* the type comes before flag and value */
        reader->pos += 2;
    }
    const bool has_value = !row->flagged || peek_u8(reader) == 0;
    const uint8_t *start = reader->p + reader->pos + row->flagged;
    if (row->flagged) {
        read_flagged_value(reader, *tag, PROP_ROP);
    } else {
        read_property_value_of(reader, *tag, PROP_ROP);
    }
    *value = (struct span){ NULL, 0 };
    if (has_value && !reader->failed) {
        *value = (struct span){ start, (size_t)(reader->p + reader->pos - start) };
    }
    return true;
}

/* What a row of a hierarchy table, which begins at start, says of the name of its folder. */
static void tell_folder(struct layout_run *run, const struct columns *columns, uint32_t start)
{
    const struct rop_host *host = rop_scene(run)->host;
    struct row row = row_of(run, columns, start);
    struct span id = { NULL, 0 }, name = { NULL, 0 }, value;
    uint32_t tag;
    while (next_of_row(&row, &tag, &value)) {
        if (value.ptr && tag == TAG_FOLDER_ID) {
            id = value;
        } else if (value.ptr && tag == TAG_DISPLAY_NAME) {
            name = value;
        }
    }
    if (!row.reader.failed && id.len == 8 && name.len > 2) {
        host->folder(host->ctx, (uint64_t)get_be32(id.ptr) << 32 | get_be32(id.ptr + 4),
                     (struct span){ name.ptr, name.len - 2 });
    }
}

static void tell_file(struct layout_run *run, const struct columns *columns, uint32_t start)
{
    const struct rop_host *host = rop_scene(run)->host;
    struct row row = row_of(run, columns, start);
    struct rop_file file = { .rank = 0 };
    struct span value;
    uint32_t tag;
    while (next_of_row(&row, &tag, &value)) {
        take_file(&file, tag, value);
    }
    if (!row.reader.failed) {
        host->file(host->ctx, &file);
    }
}

bool rop_read_row(struct layout_run *run, const char *label)
{
    const uint32_t start = run->reader->pos;
    const struct rop_columns *columns = rop_scene(run)->known.columns;
    if (!columns) {
        rop_lose(run, "The columns of this row were set before the capture began, or where it has a gap");
        return false;
    }
    const struct columns of_row = { { columns->tags, (size_t)columns->count * 4 }, columns->count };
    if (reader_open(run->reader, label)) {
        read_property_row(run->reader, &of_row, PROP_ROP);
        reader_close(run->reader, NULL);
    }
    if (rop_scene(run)->host->folder && (rop_scene(run)->known.flags & ROP_KNOWN_FOLDERS) && !run->reader->failed) {
        tell_folder(run, &of_row, start);
    }
    if (wants_files(run) && !run->reader->failed) {
        tell_file(run, &of_row, start);
    }
    return true;
}

void rop_read_rows(struct layout_run *run, const struct field *at)
{
    struct reader *reader = run->reader;
    const uint32_t count = (uint32_t)run->last;
    (void)at;
    if (!reader_expect(reader, count, 1)) {
        return;
    }
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        char label[24];
        snprintf(label, sizeof(label), "Row %lu", (unsigned long)i + 1);
        if (!rop_read_row(run, label)) {
            return;
        }
    }
}

/* ---- structures ---- */

/* MS-OXCDATA 2.11.7 */
static FIELD_NAMES(string_type_names, 0, "no string", 1, "empty", 2, "8-bit", 3, "reduced Unicode", 4, "Unicode");

const struct field rop_typed_string[] = { X8("string_type", "StringType", .names = string_type_names),
                                          KEEP(3),
                                          IF_EQUAL(2, STRING8("string", "String")),
                                          RECALL(3),
                                          IF_EQUAL(3, STRING8("string", "String")),
                                          RECALL(3),
                                          IF_EQUAL(4, STRING16("string", "String")),
                                          END };

/* MS-OXCDATA 2.6.1 */
static FIELD_NAMES(name_kind_names, 0x00, "by LID", 0x01, "by name", 0xFF, "no name");

LAYOUT(rop_property_names,
       LIST("PropertyNames", NULL,
            GROUP("PropertyName", NULL, X8("kind", "Kind", .names = name_kind_names), KEEP(3),
                  UUID("guid", "GUID", .text = ox_guid_text), RECALL(3), IF_EQUAL(0x00, X32("lid", "LID")), RECALL(3),
                  IF_EQUAL(0x01, U8("name_size", "NameSize"), SIZED_STRING16("name", "Name")))));

const struct field rop_input_answer[] = { INPUT, RETURN_VALUE, END };
const struct field rop_output_answer[] = { OUTPUT, RETURN_VALUE, END };

/* ---- what is said beside values ---- */

const struct issue_kind rop_malformed = {
    "rop.malformed", "A broken ROP", ISSUE_ERROR, true,
    "A ROP that does not keep to MS-OXCROPS: the rest of its list cannot be read"
};
const struct issue_kind rop_context_unknown = {
    "rop.context_unknown", "Not known", ISSUE_CHAT, false,
    "What this ROP needs of earlier ones was not captured: it is shown as far as it can be read alone"
};
const struct issue_kind rop_failed = { "rop.failed", "A ROP failed", ISSUE_NOTE, false,
                                       "ReturnValue tells of a failure" };
const struct issue_kind rop_backoff = { "rop.backoff", "Throttled", ISSUE_WARNING, false,
                                        "RopBackoff: the server asks the client to wait (MS-OXCROPS 2.2.15.2)" };
const struct issue_kind rop_buffer_too_small = {
    "rop.buffer_too_small", "The response did not fit", ISSUE_NOTE, false,
    "RopBufferTooSmall: the client has to ask again for what is missing (MS-OXCROPS 2.2.15.1)"
};
const struct issue_kind *const rop_issues[ROP_ISSUES] = { &rop_malformed, &rop_context_unknown, &rop_failed,
                                                          &rop_backoff, &rop_buffer_too_small };
