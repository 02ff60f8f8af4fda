/* rop_message.c
 * ROPs of MS-OXCROPS 2.2.6: messages, recipients and attachments (MS-OXCMSG 2.2.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_private.h"

/* ---- recipients (MS-OXCDATA 2.8.3.2) ---- */

#define ADDRESS_TYPE 0x0007u /* of RecipientFlags */
#define FLAGS_AT 0
#define X500 1
#define LISTED_ONE 6 /* and 7: a personal distribution list */
#define LISTED_TWO 7

static FIELD_NAMES(address_type_names, 0, "by AddressType", 1, "X500DN", 2, "MsMail", 3, "SMTP", 4, "Fax", 5,
                   "ProfessionalOfficeSystem", 6, "PersonalDistributionList1", 7, "PersonalDistributionList2");

static unsigned has_unicode(const struct layout_run *run)
{
    return (run->kept[FLAGS_AT] & 0x0200u) != 0;
}

/* The number above becomes the address type. */
static void take_address_type(struct layout_run *run, const struct field *at)
{
    (void)at;
    run->last = run->kept[FLAGS_AT] & ADDRESS_TYPE;
}

/* Of a type that has no name of its own, if the flag says that it is there. */
static void read_address_type(struct layout_run *run, const struct field *at)
{
    if ((run->kept[FLAGS_AT] & ADDRESS_TYPE) == 0 && (run->kept[FLAGS_AT] & 0x8000u)) {
        read_layout(run, at->inside);
    }
}

/* Of the strings of this recipient. */
static void take_recipient_page(struct layout_run *run, const struct field_value *value)
{
    run->reader->code_page = (uint16_t)value->number;
}

static void read_recipient_properties(struct layout_run *run, const struct field *at)
{
    struct rop_scene *scene = rop_scene(run);
    const struct rop_columns *columns = scene->known.columns;
    const uint32_t count = (uint32_t)run->last;
    (void)at;
    if (scene->took.tags.count > 0) {
        /* This ROP brings them itself. */
        struct columns own = scene->took.tags;
        own.count = count < own.count ? count : own.count;
        read_property_row(run->reader, &own, PROP_ROP);
    } else if (columns) {
        const struct columns known = { { columns->tags, (size_t)columns->count * 4 },
                                       count < columns->count ? count : columns->count };
        read_property_row(run->reader, &known, PROP_ROP);
    } else if (count > 0) {
        reader_tell(run->reader, &rop_context_unknown, run->reader->pos, "The columns of this recipient are not known");
    } else {
        const struct columns none = { { NULL, 0 }, 0 };
        read_property_row(run->reader, &none, PROP_ROP);
    }
}

#define NAME(filter, label) PICK(has_unicode, STRING8(filter, label), STRING16(filter, label))

static LAYOUT(recipient_row, X16("recipient_flags", "RecipientFlags"),
              BITS(ADDRESS_TYPE, "recipient_flags.type", "Type", .names = address_type_names),
              BIT("recipient_flags.e", "E: EmailAddress is there", 0x0008),
              BIT("recipient_flags.d", "D: DisplayName is there", 0x0010),
              BIT("recipient_flags.t", "T: TransmittableDisplayName is there", 0x0020),
              BIT("recipient_flags.s", "S: TransmittableDisplayName is DisplayName", 0x0040),
              BIT("recipient_flags.r", "R: another transport delivers", 0x0080),
              BIT("recipient_flags.n", "N: no rich text", 0x0100), BIT("recipient_flags.u", "U: Unicode", 0x0200),
              BIT("recipient_flags.i", "I: SimpleDisplayName is there", 0x0400),
              BIT("recipient_flags.o", "O: AddressType is there", 0x8000), KEEP(FLAGS_AT), READ(take_address_type, 0),
              IF_EQUAL(X500, U8("address_prefix_used", "AddressPrefixUsed"),
                       U8("display_type", "DisplayType", .names = display_type_names), STRING8("x500_dn", "X500DN")),
              READ(take_address_type, 0),
              IF_BITS(4, READ(take_address_type, 0),
                      IF_BITS(2, U16("entry_id_size", "EntryIdSize"), SIZED("entry_id", "EntryId"),
                              U16("search_key_size", "SearchKeySize"), SIZED("search_key", "SearchKey"))),
              READ_ROWS(read_address_type, 0, STRING8("address_type", "AddressType")), RECALL(FLAGS_AT),
              IF_BITS(0x0008, NAME("email_address", "EmailAddress")), RECALL(FLAGS_AT),
              IF_BITS(0x0010, NAME("display_name", "DisplayName")), RECALL(FLAGS_AT),
              IF_BITS(0x0400, NAME("simple_display_name", "SimpleDisplayName")), RECALL(FLAGS_AT),
              IF_BITS(0x0020, NAME("transmittable_display_name", "TransmittableDisplayName")),
              U16("recipient_column_count", "RecipientColumnCount"), READ(read_recipient_properties, 0));

#define RECIPIENT_TYPE                                                                                              \
    X8("recipient_type", "RecipientType"), BITS(0x0F, "recipient_type.type", "Type", .names = rop_recipient_names), \
        BIT("recipient_type.not_received", "Resent: it did not receive the message", 0x10),                         \
        BIT("recipient_type.received", "Resent: it received the message", 0x80)
#define RECIPIENT \
    U16("recipient_row_size", "RecipientRowSize"), IF(PART(GROUP("RecipientRow", NULL, INCLUDE(recipient_row)), UNREAD))
#define RECIPIENT_PAGE                                                                        \
    U16("code_page_id", "CodePageId", .names = code_page_names, .seen = take_recipient_page), \
        U16("reserved", "Reserved")

/* ---- open ---- */

static FIELD_NAMES(open_mode_names, 0, "ReadOnly", 1, "ReadWrite", 3, "BestAccess", 4, "ReadOnly, OpenSoftDeleted", 5,
                   "ReadWrite, OpenSoftDeleted", 7, "BestAccess, OpenSoftDeleted");

static LAYOUT(open_message_request, INPUT, OUTPUT, CODE_PAGE, FOLDER_ID,
              X8("open_mode_flags", "OpenModeFlags", .names = open_mode_names), MESSAGE_ID);

static LAYOUT(open_message_body, YES8("has_named_properties", "HasNamedProperties"), TYPED_STRING("SubjectPrefix"),
              TYPED_STRING("NormalizedSubject"), U16("recipient_count", "RecipientCount"),
              U16("column_count", "ColumnCount"), TAGS, U8("row_count", "RowCount", .seen = keep_rows),
              LIST("RecipientRows", NULL, GROUP("OpenRecipientRow", NULL, RECIPIENT_TYPE, RECIPIENT_PAGE, RECIPIENT)));

static LAYOUT(open_message_response, OUTPUT, RETURN_VALUE, SUCCESS(INCLUDE(open_message_body)));
static LAYOUT(reload_cached_information_request, INPUT, U16("reserved", "Reserved"));
static LAYOUT(reload_cached_information_response, INPUT, RETURN_VALUE, SUCCESS(INCLUDE(open_message_body)));

static FIELD_NAMES(embedded_mode_names, 0, "ReadOnly", 1, "ReadWrite", 2, "Create");
static LAYOUT(open_embedded_message_request, INPUT, OUTPUT, CODE_PAGE,
              X8("open_mode_flags", "OpenModeFlags", .names = embedded_mode_names));
static LAYOUT(open_embedded_message_response, OUTPUT, RETURN_VALUE,
              SUCCESS(U8("reserved", "Reserved"), MESSAGE_ID, INCLUDE(open_message_body)));

static LAYOUT(create_message_request, INPUT, OUTPUT, CODE_PAGE, FOLDER_ID, YES8("associated_flag", "AssociatedFlag"));
static LAYOUT(create_message_response, OUTPUT, RETURN_VALUE,
              SUCCESS(YES8("has_message_id", "HasMessageId"), IF(MESSAGE_ID)));

/* ---- save ---- */

#define RESPONSE_INDEX U8("response_handle_index", "ResponseHandleIndex")
#define SAVE_FLAGS                                                                                  \
    X8("save_flags", "SaveFlags"), BIT("save_flags.keep_open_read_only", "KeepOpenReadOnly", 0x01), \
        BIT("save_flags.keep_open_read_write", "KeepOpenReadWrite", 0x02),                          \
        BIT("save_flags.force_save", "ForceSave", 0x04)

static LAYOUT(save_request, RESPONSE_INDEX, INPUT, SAVE_FLAGS);
static LAYOUT(save_changes_message_response, RESPONSE_INDEX, RETURN_VALUE, SUCCESS(INPUT, MESSAGE_ID));
static LAYOUT(save_changes_attachment_response, RESPONSE_INDEX, RETURN_VALUE);

/* ---- recipients ---- */

static LAYOUT(remove_all_recipients_request, INPUT, U32("reserved", "Reserved"));
static LAYOUT(modify_recipients_request, INPUT, U16("column_count", "ColumnCount"), TAGS,
              U16("row_count", "RowCount", .seen = keep_rows),
              LIST("RecipientRows", NULL,
                   GROUP("ModifyRecipientRow", NULL, U32("row_id", "RowId"), RECIPIENT_TYPE, RECIPIENT)));
static LAYOUT(read_recipients_request, INPUT, U32("row_id", "RowId"), U16("reserved", "Reserved"));
static LAYOUT(read_recipients_response, INPUT, RETURN_VALUE,
              SUCCESS(U8("row_count", "RowCount", .seen = keep_rows),
                      LIST("RecipientRows", NULL,
                           GROUP("ReadRecipientRow", NULL, U32("row_id", "RowId"), RECIPIENT_TYPE, RECIPIENT_PAGE,
                                 RECIPIENT))));

/* ---- status and read flags ---- */

#define READ_FLAGS                                                                                   \
    X8("read_flags", "ReadFlags"), BIT("read_flags.rf_suppress_receipt", "rfSuppressReceipt", 0x01), \
        BIT("read_flags.rf_clear_read_flag", "rfClearReadFlag", 0x04),                               \
        BIT("read_flags.rf_generate_receipt_only", "rfGenerateReceiptOnly", 0x10),                   \
        BIT("read_flags.rf_clear_notify_read", "rfClearNotifyRead", 0x20),                           \
        BIT("read_flags.rf_clear_notify_unread", "rfClearNotifyUnread", 0x40)
#define CLIENT_DATA RUN(24, "client_data", "ClientData")

/* MS-OXCMSG 2.2.1.8 */
#define MESSAGE_STATUS(filter, label)                                          \
    X32(filter, label), BIT(filter ".ms_in_conflict", "msInConflict", 0x0800), \
        BIT(filter ".ms_remote_download", "msRemoteDownload", 0x1000),         \
        BIT(filter ".ms_remote_delete", "msRemoteDelete", 0x2000)
#define STATUS_FLAGS MESSAGE_STATUS("message_status_flags", "MessageStatusFlags")

static LAYOUT(message_request, INPUT, MESSAGE_ID);
static LAYOUT(set_message_status_request, INPUT, MESSAGE_ID, STATUS_FLAGS,
              MESSAGE_STATUS("message_status_mask", "MessageStatusMask"));
static LAYOUT(message_status_response, INPUT, RETURN_VALUE, SUCCESS(STATUS_FLAGS));
static LAYOUT(set_read_flags_request, INPUT, WANT_ASYNC, READ_FLAGS, U16("message_id_count", "MessageIdCount"),
              LIST("MessageIds", NULL, ANY_ID("message_ids", "MessageId")));
static LAYOUT(set_read_flags_response, INPUT, RETURN_VALUE, ALWAYS(PARTIAL));

/* ClientData is there in a logon to public folders. */
static void read_client_data(struct layout_run *run, const struct field *at)
{
    rop_read_in_logon(run, at, false, "Whether ClientData is there depends on a logon that is not known");
}

static LAYOUT(set_message_read_flag_request, RESPONSE_INDEX, INPUT, READ_FLAGS,
              READ_ROWS(read_client_data, 0, CLIENT_DATA));
static LAYOUT(set_message_read_flag_response, RESPONSE_INDEX, RETURN_VALUE,
              SUCCESS(YES8("read_status_changed", "ReadStatusChanged"), IF(U8("logon_id", "LogonId"), CLIENT_DATA)));

/* ---- attachments ---- */

#define ATTACHMENT_ID U32("attachment_id", "AttachmentID", .seen = keep_attachment)

static FIELD_NAMES(attachment_mode_names, 0, "ReadOnly", 1, "ReadWrite", 3, "BestAccess");

static LAYOUT(input_request, INPUT);
static LAYOUT(open_attachment_request, INPUT, OUTPUT,
              X8("open_attachment_flags", "OpenAttachmentFlags", .names = attachment_mode_names), ATTACHMENT_ID);
static LAYOUT(create_attachment_request, INPUT, OUTPUT);
static LAYOUT(create_attachment_response, OUTPUT, RETURN_VALUE, SUCCESS(ATTACHMENT_ID));
static LAYOUT(delete_attachment_request, INPUT, ATTACHMENT_ID);
static LAYOUT(get_attachment_table_request, INPUT, OUTPUT, X8("table_flags", "TableFlags"),
              BIT("table_flags.unicode", "Unicode", 0x40));

/* A count of 16 bits for most, of 32 for some: which, tells what is behind the ids. */
static unsigned has_long_count(const struct layout_run *run)
{
    const struct reader *reader = run->reader;
    return reader_left(reader) >= 4 && !rop_goes_on(run, 2 + 4 * (uint64_t)peek_u16(reader)) &&
           rop_goes_on(run, 4 + 4 * (uint64_t)peek_u32(reader));
}

#define ATTACHMENT_COUNT(row) row("attachment_id_count", "AttachmentIdCount")
static LAYOUT(get_valid_attachments_response, INPUT, RETURN_VALUE,
              SUCCESS(PICK(has_long_count, ATTACHMENT_COUNT(U16), ATTACHMENT_COUNT(U32)),
                      TIMES(I32("attachment_id_array", "AttachmentID"))));

CHOICES(rops_of_messages, ROP(0x03, "OpenMessage", open_message_request, open_message_response),
        ROP(0x06, "CreateMessage", create_message_request, create_message_response),
        ROP(0x0C, "SaveChangesMessage", save_request, save_changes_message_response),
        ROP(0x0D, "RemoveAllRecipients", remove_all_recipients_request, rop_input_answer),
        ROP(0x0E, "ModifyRecipients", modify_recipients_request, rop_input_answer),
        ROP(0x0F, "ReadRecipients", read_recipients_request, read_recipients_response),
        ROP(0x10, "ReloadCachedInformation", reload_cached_information_request, reload_cached_information_response),
        ROP(0x11, "SetMessageReadFlag", set_message_read_flag_request, set_message_read_flag_response),
        ROP(0x1F, "GetMessageStatus", message_request, message_status_response),
        ROP(0x20, "SetMessageStatus", set_message_status_request, message_status_response),
        ROP(0x21, "GetAttachmentTable", get_attachment_table_request, rop_output_answer),
        ROP(0x22, "OpenAttachment", open_attachment_request, rop_output_answer),
        ROP(0x23, "CreateAttachment", create_attachment_request, create_attachment_response),
        ROP(0x24, "DeleteAttachment", delete_attachment_request, rop_input_answer),
        ROP(0x25, "SaveChangesAttachment", save_request, save_changes_attachment_response),
        ROP(0x46, "OpenEmbeddedMessage", open_embedded_message_request, open_embedded_message_response),
        ROP(0x52, "GetValidAttachments", input_request, get_valid_attachments_response),
        ROP(0x66, "SetReadFlags", set_read_flags_request, set_read_flags_response));
