/* rop_notification.c
 * ROPs of MS-OXCROPS 2.2.14 and 2.2.15: notifications (MS-OXCNOTIF 2.2.1), and what any list
 * may have.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_private.h"

/* ---- 2.2.14.1 RopRegisterNotification ---- */

#define TYPE_TABLE 0x0100u
#define TYPE_EXTENDED 0x0400u

#define TYPE_BITS(field)                                                                                            \
    BIT(field ".new_mail", "NewMail", 0x0002), BIT(field ".object_created", "ObjectCreated", 0x0004),               \
        BIT(field ".object_deleted", "ObjectDeleted", 0x0008),                                                      \
        BIT(field ".object_modified", "ObjectModified", 0x0010), BIT(field ".object_moved", "ObjectMoved", 0x0020), \
        BIT(field ".object_copied", "ObjectCopied", 0x0040), BIT(field ".search_completed", "SearchCompleted", 0x0080)

static LAYOUT(register_notification_request, INPUT, OUTPUT, X16("notification_types", "NotificationTypes"),
              TYPE_BITS("notification_types"), BIT("notification_types.table_modified", "TableModified", TYPE_TABLE),
              BIT("notification_types.extended", "Extended", TYPE_EXTENDED),
              IF_BITS(TYPE_EXTENDED, U8("reserved", "Reserved")), YES8("want_whole_store", "WantWholeStore"),
              UNLESS(FOLDER_ID, MESSAGE_ID));

/* ---- 2.2.14.2 RopNotify (MS-OXCNOTIF 2.2.1.4.1.2) ---- */

#define TYPE_MASK 0x0FFFu
#define HAS_TOTAL 0x1000u
#define HAS_UNREAD 0x2000u
#define IS_SEARCH 0x4000u
#define IS_MESSAGE 0x8000u
#define FLAGS_AT 0
#define EVENT_AT 1

static FIELD_NAMES(type_names, 0x0002, "NewMail", 0x0004, "ObjectCreated", 0x0008, "ObjectDeleted", 0x0010,
                   "ObjectModified", 0x0020, "ObjectMoved", 0x0040, "ObjectCopied", 0x0080, "SearchCompleted", 0x0100,
                   "TableModified", 0x0400, "Extended");
static FIELD_NAMES(event_names, 1, "TableChanged", 3, "TableRowAdded", 4, "TableRowDeleted", 5, "TableRowModified", 7,
                   "TableRestrictionChanged");

static uint32_t flags_of(const struct layout_run *run)
{
    return (uint32_t)run->kept[FLAGS_AT];
}

static uint32_t type_of(const struct layout_run *run)
{
    return flags_of(run) & TYPE_MASK;
}

/* The rows inside are there if their condition holds; the number above stays as it is. */
#define WHEN(condition, ...) READ_ROWS(condition, 0, __VA_ARGS__)
#define CONDITION(name, holds)                                       \
    static void name(struct layout_run *run, const struct field *at) \
    {                                                                \
        const uint32_t flags = flags_of(run), type = type_of(run);   \
        const uint32_t event = (uint32_t)run->kept[EVENT_AT];        \
        (void)flags, (void)type, (void)event;                        \
        if (holds) {                                                 \
            read_layout(run, at->inside);                            \
        }                                                            \
    }

CONDITION(of_table, type == 0x0100)
CONDITION(of_row, event >= 3 && event <= 5)
CONDITION(of_message_row, (flags & IS_MESSAGE) && event >= 3 && event <= 5)
CONDITION(with_place, event == 3 || event == 5)
CONDITION(with_message_place, (flags & IS_MESSAGE) && (event == 3 || event == 5))
CONDITION(of_object, type != 0x0100 && type != 0x0400)
CONDITION(of_message, (flags & IS_MESSAGE) && type != 0x0100 && type != 0x0400)
CONDITION(with_parent, (type == 0x0004 || type == 0x0008 || type == 0x0020 || type == 0x0040) &&
                           !(flags & IS_SEARCH) == !(flags & IS_MESSAGE))
CONDITION(moved, type == 0x0020 || type == 0x0040)
CONDITION(message_moved, (flags & IS_MESSAGE) && (type == 0x0020 || type == 0x0040))
CONDITION(folder_moved, !(flags & IS_MESSAGE) && (type == 0x0020 || type == 0x0040))
CONDITION(with_tags, type == 0x0004 || type == 0x0010)
CONDITION(of_new_mail, type == 0x0002)

/* 0 and 0xFFFF: there are none. */
static void read_changed_tags(struct layout_run *run, const struct field *at)
{
    if (run->last != 0xFFFF) {
        rop_read_tags(run, at);
    }
}

static void read_table_row(struct layout_run *run, const struct field *at)
{
    (void)at;
    rop_read_row(run, "TableRowData");
    rop_scene(run)->lost = false; /* it has a size */
}

static void check_type(struct layout_run *run, const struct field_value *value)
{
    if (!field_name(type_names, (uint32_t)value->number & TYPE_MASK)) {
        run->reader->pos = value->offset;
        reader_fail(run->reader, "A notification of a type that the specification does not have");
    }
}

static void keep_handle(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.handle = (uint32_t)value->number;
}

static LAYOUT(notification_data, X16("notification_flags", "NotificationFlags", .seen = check_type),
              BITS(TYPE_MASK, "notification_flags.type", "Type", .names = type_names),
              BIT("notification_flags.t", "T: TotalMessageCount is there", HAS_TOTAL),
              BIT("notification_flags.u", "U: UnreadMessageCount is there", HAS_UNREAD),
              BIT("notification_flags.s", "S: in a search folder", IS_SEARCH),
              BIT("notification_flags.m", "M: of a message", IS_MESSAGE), KEEP(FLAGS_AT),
              WHEN(of_table, U16("table_event_type", "TableEventType", .names = event_names), KEEP(EVENT_AT)),
              WHEN(of_row, ANY_ID("table_row_folder_id", "TableRowFolderID")),
              WHEN(of_message_row, ANY_ID("table_row_message_id", "TableRowMessageID"),
                   U32("table_row_instance", "TableRowInstance")),
              WHEN(with_place, ANY_ID("insert_after_table_row_folder_id", "InsertAfterTableRowFolderID")),
              WHEN(with_message_place, ANY_ID("insert_after_table_row_id", "InsertAfterTableRowID"),
                   U32("insert_after_table_row_instance", "InsertAfterTableRowInstance")),
              WHEN(with_place, U16("table_row_data_size", "TableRowDataSize"),
                   IF(PART(READ(read_table_row, 1), UNREAD))),
              WHEN(of_object, FOLDER_ID), WHEN(of_message, MESSAGE_ID),
              WHEN(with_parent, ANY_ID("parent_folder_id", "ParentFolderId")),
              WHEN(moved, ANY_ID("old_folder_id", "OldFolderId")),
              WHEN(message_moved, ANY_ID("old_message_id", "OldMessageId")),
              WHEN(folder_moved, ANY_ID("old_parent_folder_id", "OldParentFolderId")),
              WHEN(with_tags, U16("tag_count", "TagCount"), READ(read_changed_tags, 0)), RECALL(FLAGS_AT),
              IF_BITS(HAS_TOTAL, U32("total_message_count", "TotalMessageCount")), RECALL(FLAGS_AT),
              IF_BITS(HAS_UNREAD, U32("unread_message_count", "UnreadMessageCount")),
              WHEN(of_new_mail, MESSAGE_FLAGS, YES8("unicode_flag", "UnicodeFlag"),
                   EITHER_STRING("message_class", "MessageClass", NULL)));

static LAYOUT(notify, X32("notification_handle", "NotificationHandle", .seen = keep_handle),
              U8("logon_id", "LogonId", .seen = keep_logon),
              GROUP("NotificationData", NULL, INCLUDE(notification_data)));

/* ---- 2.2.14.3, 2.2.15 of any list ---- */

static void keep_duration(struct layout_run *run, const struct field_value *value)
{
    rop_scene(run)->took.duration = (uint32_t)value->number;
}

#define DURATION(keeper) U32("duration", "Duration", .unit = "ms", .seen = keeper)

static LAYOUT(release_request, INPUT);
static LAYOUT(pending, U16("session_index", "SessionIndex"));
static LAYOUT(backoff, U8("logon_id", "LogonId", .seen = keep_logon), DURATION(keep_duration),
              U8("backoff_rop_count", "BackoffRopCount"),
              LIST("BackoffRopData", NULL,
                   GROUP("BackoffRop", NULL, X8("rop_id_backoff", "RopIdBackoff", .names = rop_id_names),
                         DURATION(NULL))),
              U16("additional_data_size", "AdditionalDataSize"), SIZED("additional_data", "AdditionalData"));
/* The requests that were not executed, as they were sent. */
static LAYOUT(buffer_too_small, U16("size_needed", "SizeNeeded"), REST("request_buffers", "RequestBuffers"));

static LAYOUT(tell_version_request, INPUT, U16("version", "Version"), U16("version", "Version"),
              U16("version", "Version"));

CHOICES(rops_of_notifications, ROP(0x29, "RegisterNotification", register_notification_request, rop_output_answer),
        ROP_ANSWER(0x2A, "Notify", notify), ROP_ANSWER(0x6E, "Pending", pending));

CHOICES(rops_of_all, ROP_REQUEST(0x01, "Release", release_request),
        ROP(0x86, "TellVersion", tell_version_request, rop_input_answer), ROP_ANSWER(0xF9, "Backoff", backoff),
        ROP_ANSWER(0xFF, "BufferTooSmall", buffer_too_small));
