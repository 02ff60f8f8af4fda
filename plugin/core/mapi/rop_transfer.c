/* rop_transfer.c
 * ROPs of MS-OXCROPS 2.2.12 and 2.2.13: FastTransfer and incremental change synchronization
 * (MS-OXCFXICS 2.2.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_private.h"

#include "idsets.h"

#define SENTINEL 0xBABE /* the size is in the field behind it */

/* ---- 2.2.12 FastTransfer ---- */

#define SEND_OPTIONS                                                                                          \
    X8("send_options", "SendOptions"), BIT("send_options.unicode", "Unicode", 0x01),                          \
        BIT("send_options.use_cpid", "UseCpid", 0x02), BIT("send_options.recover_mode", "RecoverMode", 0x04), \
        BIT("send_options.force_unicode", "ForceUnicode", 0x08), BIT("send_options.partial_item", "PartialItem", 0x10)
#define COPY_MOVE(row) row("copy_flags", "CopyFlags"), BIT("copy_flags.move", "Move", 0x01)

static LAYOUT(copy_messages_request, INPUT, OUTPUT, U16("message_id_count", "MessageIdCount"),
              LIST("MessageIds", NULL, ANY_ID("message_ids", "MessageId")), COPY_MOVE(X8),
              BIT("copy_flags.best_body", "BestBody", 0x10), BIT("copy_flags.send_entry_id", "SendEntryId", 0x20),
              SEND_OPTIONS);
static LAYOUT(copy_folder_request, INPUT, OUTPUT, COPY_MOVE(X8),
              BIT("copy_flags.copy_subfolders", "CopySubfolders", 0x10), SEND_OPTIONS);
static LAYOUT(copy_to_request, INPUT, OUTPUT, U8("level", "Level"), COPY_MOVE(X32),
              BIT("copy_flags.best_body", "BestBody", 0x2000), SEND_OPTIONS, TAG_COUNT, TAGS);
static LAYOUT(copy_properties_request, INPUT, OUTPUT, U8("level", "Level"), COPY_MOVE(X8), SEND_OPTIONS, TAG_COUNT,
              TAGS);

static FIELD_NAMES(status_names, 0, "Error", 1, "Partial", 2, "NoRoom", 3, "Done");

static LAYOUT(get_buffer_request, INPUT, U16("buffer_size", "BufferSize"),
              IF_EQUAL(SENTINEL, U16("maximum_buffer_size", "MaximumBufferSize")));

#define TRANSFER_STATUS X16("transfer_status", "TransferStatus", .names = status_names, .seen = keep_mode)
#define STEPS(row) \
    row("in_progress_count", "InProgressCount"), row("total_step_count", "TotalStepCount"), U8("reserved", "Reserved")

static void keep_backoff(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.duration = (uint32_t)value->number;
}

/* ---- the bytes of a stream ---- */

static LAYOUT(piece_before, FRAME("piece_before_in", "Goes on from the piece in"));
static LAYOUT(piece_after, FRAME("piece_after_in", "Goes on in the piece in"));

/* A stream of several messages may break because one of them is missing from the capture. */
static const struct issue_kind *broken_piece(const struct reader *reader, const struct rop_piece *piece)
{
    return piece->before_in ? &rop_context_unknown : reader->broken;
}

/* What is carried and the piece, in one buffer. */
static void read_joined(struct reader *reader, const struct rop_scene *scene, const uint8_t *bytes, uint32_t size,
                        struct fx_lexer *lexer)
{
    const struct field_sink *sink = reader->sink;
    const struct rop_piece *piece = scene->known.piece;
    const uint32_t carried = lexer->unfinished, len = carried + size;
    if (len > ROP_JOINED_MAX - *scene->joined) {
        reader_tell(reader, &rop_context_unknown, reader->pos,
                    "More pieces of streams than are put together of one message");
        return;
    }
    *scene->joined += len;
    uint8_t *joined = sink->room ? sink->room(sink->ctx, len) : NULL;
    struct reader inner;
    if (!joined) {
        return;
    }
    memcpy(joined, piece->carried, carried);
    memcpy(joined + carried, bytes, size);
    reader_init(&inner, joined, len, len, sink);
    inner.spent = reader->spent;
    inner.depth = reader->depth;
    inner.broken = broken_piece(reader, piece);
    inner.known = reader->known;
    inner.code_page = reader->code_page;
    if (sink->enter) {
        sink->enter(sink->ctx, joined, len, "FastTransfer stream");
    }
    fx_read(&inner, lexer);
    if (sink->leave) {
        sink->leave(sink->ctx);
    }
    reader->spent = inner.spent;
}

/* The bytes, and, if somebody looks, once more as what they are of the stream that they go on with. */
static void read_stream(struct layout_run *run, const struct field *at)
{
    struct rop_scene *scene = rop_scene(run);
    struct reader *reader = run->reader;
    const struct rop_piece *piece = scene->known.piece;
    const uint32_t size = (uint32_t)run->last, start = reader->pos;
    read_layout(run, at->inside);
    if (reader->failed || size == 0 || !reader->sink->value) {
        return;
    }
    if (!piece) {
        reader_tell(reader, &rop_context_unknown, start, "The stream began before the capture, or where it has a gap");
        return;
    }
    struct fx_lexer lexer = piece->lexer;
    if (piece->before_in) {
        reader_made(reader, piece_before, piece->before_in, NULL);
    }
    if (piece->after_in) {
        reader_made(reader, piece_after, piece->after_in, NULL);
    }
    struct reader again = *reader;
    again.pos = start;
    if (!reader_open(&again, "FastTransfer stream")) {
        return;
    }
    if (lexer.unfinished > 0) {
        read_joined(&again, scene, reader->p + start, size, &lexer);
    } else {
        again.len = again.whole = start + size;
        again.broken = broken_piece(reader, piece);
        fx_read(&again, &lexer);
    }
    again.pos = reader->pos;
    reader_close(&again, NULL);
    reader->spent = again.spent;
}

/* Of a failing answer, the buffer is there if there is room for it. */
static void read_transfer(struct layout_run *run, const struct field *at)
{
    if (rop_scene(run)->took.return_value == 0 || run->last <= reader_sent(run->reader)) {
        read_stream(run, at);
    }
}

LAYOUT(rop_piece_layouts, INCLUDE(piece_before), INCLUDE(piece_after));

static LAYOUT(get_buffer_response, INPUT, RETURN_VALUE, KEEP(0),
              ALWAYS(TRANSFER_STATUS, STEPS(U16), U16("transfer_buffer_size", "TransferBufferSize"),
                     READ_ROWS(read_transfer, 0, SIZED("transfer_buffer", "TransferBuffer", .seen = keep_data)),
                     RECALL(0),
                     IF_EQUAL(OX_SERVER_BUSY, U32("backoff_time", "BackoffTime", .unit = "ms", .seen = keep_backoff))));

static FIELD_NAMES(operation_names, 1, "CopyTo", 2, "CopyProperties", 3, "CopyMessages", 4, "CopyFolder");

static LAYOUT(destination_configure_request, INPUT, OUTPUT,
              U8("source_operation", "SourceOperation", .names = operation_names, .seen = keep_mode), COPY_MOVE(X8));
static LAYOUT(put_buffer_request, INPUT, U16("transfer_data_size", "TransferDataSize"),
              READ_ROWS(read_stream, 0, SIZED("transfer_data", "TransferData", .seen = keep_data)));

#define USED U16("buffer_used_size", "BufferUsedSize", .seen = keep_rows)

static LAYOUT(put_buffer_response, INPUT, RETURN_VALUE, ALWAYS(TRANSFER_STATUS, STEPS(U16), USED));
static LAYOUT(put_buffer_extended_response, INPUT, RETURN_VALUE, ALWAYS(TRANSFER_STATUS, STEPS(U32), USED));

CHOICES(rops_of_transfer, ROP(0x4B, "FastTransferSourceCopyMessages", copy_messages_request, rop_output_answer),
        ROP(0x4C, "FastTransferSourceCopyFolder", copy_folder_request, rop_output_answer),
        ROP(0x4D, "FastTransferSourceCopyTo", copy_to_request, rop_output_answer),
        ROP(0x4E, "FastTransferSourceGetBuffer", get_buffer_request, get_buffer_response),
        ROP(0x53, "FastTransferDestinationConfigure", destination_configure_request, rop_output_answer),
        ROP(0x54, "FastTransferDestinationPutBuffer", put_buffer_request, put_buffer_response),
        ROP(0x69, "FastTransferSourceCopyProperties", copy_properties_request, rop_output_answer),
        ROP(0x9D, "FastTransferDestinationPutBufferExtended", put_buffer_request, put_buffer_extended_response));

/* ---- 2.2.13 synchronization ---- */

static FIELD_NAMES(sync_names, 1, "Contents", 2, "Hierarchy");
static FIELD_NAMES(collector_names, 0, "hierarchy", 1, "contents");

static LAYOUT(configure_request, INPUT, OUTPUT,
              U8("synchronization_type", "SynchronizationType", .names = sync_names, .seen = keep_mode), SEND_OPTIONS,
              X16("synchronization_flags", "SynchronizationFlags"),
              BIT("synchronization_flags.unicode", "Unicode", 0x0001),
              BIT("synchronization_flags.no_deletions", "NoDeletions", 0x0002),
              BIT("synchronization_flags.ignore_no_longer_in_scope", "IgnoreNoLongerInScope", 0x0004),
              BIT("synchronization_flags.read_state", "ReadState", 0x0008),
              BIT("synchronization_flags.fai", "FAI", 0x0010), BIT("synchronization_flags.normal", "Normal", 0x0020),
              BIT("synchronization_flags.only_specified_properties", "OnlySpecifiedProperties", 0x0080),
              BIT("synchronization_flags.no_foreign_identifiers", "NoForeignIdentifiers", 0x0100),
              BIT("synchronization_flags.reserved", "Reserved", 0x1000),
              BIT("synchronization_flags.best_body", "BestBody", 0x2000),
              BIT("synchronization_flags.ignore_specified_on_fai", "IgnoreSpecifiedOnFAI", 0x4000),
              BIT("synchronization_flags.progress", "Progress", 0x8000), RESTRICTION_DATA,
              X32("synchronization_extra_flags", "SynchronizationExtraFlags"),
              BIT("synchronization_extra_flags.eid", "Eid", 0x00000001),
              BIT("synchronization_extra_flags.message_size", "MessageSize", 0x00000002),
              BIT("synchronization_extra_flags.cn", "CN", 0x00000004),
              BIT("synchronization_extra_flags.order_by_delivery_time", "OrderByDeliveryTime", 0x00000008), TAG_COUNT,
              TAGS);

#define VALUE_COUNT U16("property_value_count", "PropertyValueCount")

static LAYOUT(import_message_change_request, INPUT, OUTPUT, X8("import_flag", "ImportFlag"),
              BIT("import_flag.associated", "Associated", 0x10),
              BIT("import_flag.fail_on_conflict", "FailOnConflict", 0x40), VALUE_COUNT, TAGGED_VALUES);
static LAYOUT(import_message_change_response, OUTPUT, RETURN_VALUE, SUCCESS(MESSAGE_ID));
static LAYOUT(import_hierarchy_change_request, INPUT, U16("hierarchy_value_count", "HierarchyValueCount"),
              LIST("HierarchyValues", NULL, READ(rop_read_tagged, 4)), VALUE_COUNT, TAGGED_VALUES);
static LAYOUT(import_hierarchy_change_response, INPUT, RETURN_VALUE, SUCCESS(FOLDER_ID));
static LAYOUT(import_deletes_request, INPUT, X8("import_delete_flags", "ImportDeleteFlags"),
              BIT("import_delete_flags.hierarchy", "Hierarchy", 0x01),
              BIT("import_delete_flags.hard_delete", "HardDelete", 0x02), VALUE_COUNT, TAGGED_VALUES);

static void keep_announced(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.announced = (uint32_t)value->number;
}

/* The value of one property of ICS state: it is opened if it came whole. */
static void read_state(struct layout_run *run, const struct field *at)
{
    const struct rop_known *known = &rop_scene(run)->known;
    struct reader *reader = run->reader;
    const uint32_t size = (uint32_t)run->last, start = reader->pos;
    const enum ics_value what = ics_value_of_tag(known->property);
    const char *name = ics_tag_name(known->property);
    read_layout(run, at->inside);
    if (reader->failed || size == 0 || size != known->announced || what == ICS_BYTES) {
        return;
    }
    struct reader again = *reader;
    again.pos = start;
    if (reader_open(&again, name ? name : "State")) {
        read_ics_value(&again, what, size);
        reader_close(&again, NULL);
    }
    reader->spent = again.spent;
}

static LAYOUT(upload_state_begin_request, INPUT, READ(rop_read_tag, 4),
              U32("transfer_buffer_size", "TransferBufferSize", .seen = keep_announced));
static LAYOUT(upload_state_continue_request, INPUT, U32("stream_data_size", "StreamDataSize"),
              READ_ROWS(read_state, 0, SIZED("stream_data", "StreamData", .seen = keep_data)));
static LAYOUT(input_request, INPUT);

/* The bytes, and once more as an XID or a list of them. */
static void read_opened(struct layout_run *run, const struct field *at, void (*open)(struct reader *, uint32_t))
{
    struct reader *reader = run->reader;
    const uint32_t size = (uint32_t)run->last, start = reader->pos;
    read_layout(run, at->inside);
    if (reader->failed || size == 0) {
        return;
    }
    struct reader again = *reader;
    again.pos = start;
    if (reader_open(&again, at->inside->label)) {
        open(&again, size);
        reader_close(&again, NULL);
    }
    reader->spent = again.spent;
}

static void read_key(struct layout_run *run, const struct field *at)
{
    read_opened(run, at, read_xid);
}

static void read_predecessors(struct layout_run *run, const struct field *at)
{
    read_opened(run, at, read_predecessor_change_list);
}

#define XID(size_filter, size_label, filter, label) \
    U32(size_filter, size_label), READ_ROWS(read_key, 0, SIZED(filter, label))

static LAYOUT(import_message_move_request, INPUT,
              XID("source_folder_id_size", "SourceFolderIdSize", "source_folder_id", "SourceFolderId"),
              XID("source_message_id_size", "SourceMessageIdSize", "source_message_id", "SourceMessageId"),
              U32("predecessor_change_list_size", "PredecessorChangeListSize"),
              READ_ROWS(read_predecessors, 0, SIZED("predecessor_change_list", "PredecessorChangeList")),
              XID("destination_message_id_size", "DestinationMessageIdSize", "destination_message_id",
                  "DestinationMessageId"),
              XID("change_number_size", "ChangeNumberSize", "change_number", "ChangeNumber"));
static LAYOUT(import_message_move_response, INPUT, RETURN_VALUE, SUCCESS(MESSAGE_ID));

static LAYOUT(open_collector_request, INPUT, OUTPUT,
              U8("is_contents_collector", "IsContentsCollector", .names = collector_names, .seen = keep_mode));
static LAYOUT(get_local_replica_ids_request, INPUT, U32("id_count", "IdCount"));
static LAYOUT(get_local_replica_ids_response, INPUT, RETURN_VALUE,
              SUCCESS(UUID("repl_guid", "ReplGuid"), RUN(6, "global_count", "GlobalCount")));

/* Up to the end of the part. */
static void read_states(struct layout_run *run, const struct field *at)
{
    struct reader *reader = run->reader;
    while (reader_left(reader) > 0) {
        read_layout(run, at->inside);
    }
}

static LAYOUT(
    import_read_state_changes_request, INPUT, U16("message_read_states_size", "MessageReadStatesSize"),
    IF(PART(READ_ROWS(read_states, 0,
                      GROUP("MessageReadState", NULL, U16("message_id_size", "MessageIdSize"),
                            READ_ROWS(read_key, 0,
                                      SIZED("synchronization_import_read_state_changes.message_id", "MessageId")),
                            YES8("mark_as_read", "MarkAsRead"))))));
static LAYOUT(get_transfer_state_request, INPUT, OUTPUT);
static LAYOUT(set_local_replica_midset_deleted_request, INPUT, U16("data_size", "DataSize"),
              REACH(U32("long_term_id_range_count", "LongTermIdRangeCount"),
                    LIST("LongTermIdRanges", NULL,
                         GROUP("LongTermIdRange", NULL, LONG_TERM_ID("min_long_term_id", "MinLongTermId"),
                               LONG_TERM_ID("max_long_term_id", "MaxLongTermId")))));

CHOICES(rops_of_sync, ROP(0x70, "SynchronizationConfigure", configure_request, rop_output_answer),
        ROP(0x72, "SynchronizationImportMessageChange", import_message_change_request, import_message_change_response),
        ROP(0x73, "SynchronizationImportHierarchyChange", import_hierarchy_change_request,
            import_hierarchy_change_response),
        ROP(0x74, "SynchronizationImportDeletes", import_deletes_request, rop_input_answer),
        ROP(0x75, "SynchronizationUploadStateStreamBegin", upload_state_begin_request, rop_input_answer),
        ROP(0x76, "SynchronizationUploadStateStreamContinue", upload_state_continue_request, rop_input_answer),
        ROP(0x77, "SynchronizationUploadStateStreamEnd", input_request, rop_input_answer),
        ROP(0x78, "SynchronizationImportMessageMove", import_message_move_request, import_message_move_response),
        ROP(0x7E, "SynchronizationOpenCollector", open_collector_request, rop_output_answer),
        ROP(0x7F, "GetLocalReplicaIds", get_local_replica_ids_request, get_local_replica_ids_response),
        ROP(0x80, "SynchronizationImportReadStateChanges", import_read_state_changes_request, rop_input_answer),
        ROP(0x82, "SynchronizationGetTransferState", get_transfer_state_request, rop_output_answer),
        ROP(0x93, "SetLocalReplicaMidsetDeleted", set_local_replica_midset_deleted_request, rop_input_answer));
