/* properties.c
 * Property tags, values, rows, restrictions, rule actions and entry IDs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "properties.h"


#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* MS-OXCDATA 2.11.1 */
enum {
    PTYP_UNSPECIFIED = 0x0000,
    PTYP_NULL = 0x0001,
    PTYP_INTEGER16 = 0x0002,
    PTYP_INTEGER32 = 0x0003,
    PTYP_FLOATING32 = 0x0004,
    PTYP_FLOATING64 = 0x0005,
    PTYP_CURRENCY = 0x0006,
    PTYP_FLOATING_TIME = 0x0007,
    PTYP_ERROR_CODE = 0x000A,
    PTYP_BOOLEAN = 0x000B,
    PTYP_OBJECT = 0x000D,
    PTYP_INTEGER64 = 0x0014,
    PTYP_STRING8 = 0x001E,
    PTYP_STRING = 0x001F,
    PTYP_TIME = 0x0040,
    PTYP_GUID = 0x0048,
    PTYP_SERVER_ID = 0x00FB,
    PTYP_RESTRICTION = 0x00FD,
    PTYP_RULE_ACTION = 0x00FE,
    PTYP_BINARY = 0x0102,
    TYPE_MULTIPLE = 0x1000,
    TYPE_INSTANCE = 0x2000
};

#define VALUE_ABSENT 0x00u
#define VALUE_PRESENT 0xFFu

#define FLAG_VALUE 0x00u
#define FLAG_NOT_PRESENT 0x01u
#define FLAG_ERROR 0x0Au

#define NAMED_PROPERTIES 0x8000u         /* ids from here on are the mailbox's own, MS-OXCPRPT 3.2.5.9 */

enum restriction_type {
    RESTRICT_AND, RESTRICT_OR, RESTRICT_NOT, RESTRICT_CONTENT, RESTRICT_PROPERTY, RESTRICT_COMPARE, RESTRICT_BITMASK,
    RESTRICT_SIZE, RESTRICT_EXIST, RESTRICT_SUBOBJECT, RESTRICT_COMMENT, RESTRICT_COUNT
};

/* ---- the rows ---- */

static const struct field_name has_value_names[] = {
    { VALUE_ABSENT, "absent" }, { VALUE_PRESENT, "present" }, { 0, NULL }
};
static const struct field_name flag_names[] = {
    { FLAG_VALUE, "value" }, { FLAG_NOT_PRESENT, "not present" }, { FLAG_ERROR, "error" }, { 0, NULL }
};
static const struct field_name row_flag_names[] = {
    { 0, "all values, no errors" }, { 1, "values with flags" }, { 0, NULL }
};
static const struct field_name ours_names[] = { { 0, "the client's own format" }, { 1, "server format" }, { 0, NULL } };

/* MS-OXCDATA 2.12 */
static const struct field_name restriction_names[] = {
    { RESTRICT_AND, "AndRestriction" },
    { RESTRICT_OR, "OrRestriction" },
    { RESTRICT_NOT, "NotRestriction" },
    { RESTRICT_CONTENT, "ContentRestriction" },
    { RESTRICT_PROPERTY, "PropertyRestriction" },
    { RESTRICT_COMPARE, "ComparePropertiesRestriction" },
    { RESTRICT_BITMASK, "BitMaskRestriction" },
    { RESTRICT_SIZE, "SizeRestriction" },
    { RESTRICT_EXIST, "ExistRestriction" },
    { RESTRICT_SUBOBJECT, "SubObjectRestriction" },
    { RESTRICT_COMMENT, "CommentRestriction" },
    { RESTRICT_COUNT, "CountRestriction" },
    { 0, NULL }
};
static const struct field_name relop_names[] = {
    { 0x00, "LessThan" },
    { 0x01, "LessThanOrEqual" },
    { 0x02, "GreaterThan" },
    { 0x03, "GreaterThanOrEqual" },
    { 0x04, "Equal" },
    { 0x05, "NotEqual" },
    { 0x64, "MemberOfDL" },
    { 0, NULL }
};
static const struct field_name fuzzy_names[] = {
    { 0, "FL_FULLSTRING" }, { 1, "FL_SUBSTRING" }, { 2, "FL_PREFIX" }, { 0, NULL }
};
static const struct field_name bitmask_names[] = { { 0, "BMR_EQZ" }, { 1, "BMR_NEZ" }, { 0, NULL } };

/* MS-OXORULE 2.2.5.1 */
enum {
    OP_MOVE = 1, OP_COPY, OP_REPLY, OP_OOF_REPLY, OP_DEFER_ACTION, OP_BOUNCE, OP_FORWARD, OP_DELEGATE, OP_TAG,
    OP_DELETE, OP_MARK_AS_READ
};
static const struct field_name action_names[] = {
    { OP_MOVE, "OP_MOVE" },
    { OP_COPY, "OP_COPY" },
    { OP_REPLY, "OP_REPLY" },
    { OP_OOF_REPLY, "OP_OOF_REPLY" },
    { OP_DEFER_ACTION, "OP_DEFER_ACTION" },
    { OP_BOUNCE, "OP_BOUNCE" },
    { OP_FORWARD, "OP_FORWARD" },
    { OP_DELEGATE, "OP_DELEGATE" },
    { OP_TAG, "OP_TAG" },
    { OP_DELETE, "OP_DELETE" },
    { OP_MARK_AS_READ, "OP_MARK_AS_READ" },
    { 0, NULL }
};
static const struct field_name bounce_names[] = {
    { 0x0D, "message too large" }, { 0x1F, "message not displayed" }, { 0x26, "delivery denied" }, { 0, NULL }
};

/* First byte of an EntryID, MS-OXNSPI 2.2.9 */
#define ID_PERMANENT 0x00u
#define ID_EPHEMERAL 0x87u

static const struct field_name id_type_names[] = {
    { ID_PERMANENT, "permanent" }, { ID_EPHEMERAL, "ephemeral" }, { 0, NULL }
};
/* MS-OXNSPI 2.2.1.3, MS-OXCDATA 2.2.5.2 */
static const struct field_name display_type_names[] = {
    { 0x000, "DT_MAILUSER" },
    { 0x001, "DT_DISTLIST" },
    { 0x002, "DT_FORUM" },
    { 0x003, "DT_AGENT" },
    { 0x004, "DT_ORGANIZATION" },
    { 0x005, "DT_PRIVATE_DISTLIST" },
    { 0x006, "DT_REMOTE_MAILUSER" },
    { 0x100, "DT_CONTAINER" },
    { 0x101, "DT_TEMPLATE" },
    { 0x102, "DT_ADDRESS_TEMPLATE" },
    { 0x200, "DT_SEARCH" },
    { 0, NULL }
};
/* MS-OXCDATA 2.2.4 */
static const struct field_name object_type_names[] = {
    { 0x01, "PrivateFolder" },
    { 0x03, "PublicFolder" },
    { 0x05, "MappedPublicFolder" },
    { 0x07, "PrivateMessage" },
    { 0x09, "PublicMessage" },
    { 0x0B, "MappedPublicMessage" },
    { 0x0C, "PublicNewsgroupFolder" },
    { 0, NULL }
};
static const struct field_name store_type_names[] = {
    { 0x0C, "mailbox" }, { 0x06, "public folders" }, { 0, NULL }
};
static const struct field_name contact_type_names[] = {
    { 4, "contact" }, { 5, "personal distribution list" }, { 0, NULL }
};

/* Rows of 16 and 32 bits of one thing have names of their own: a filter has one type. */
enum row {
    TAG, TAG_TYPE, TAG_ID,
    HAS_VALUE, FLAG, ROW_FLAG,
    COLUMN_COUNT, COLUMN_COUNT16, VALUE_LIST_COUNT, VALUE_LIST_COUNT16,
    VALUE_COUNT, VALUE_SIZE, VALUE_SIZE16,
    VALUE_INTEGER16, VALUE_INTEGER32, VALUE_FLOATING32, VALUE_FLOATING64, VALUE_CURRENCY, VALUE_FLOATING_TIME,
    VALUE_ERROR_CODE, VALUE_BOOLEAN, VALUE_INTEGER64, VALUE_STRING8, VALUE_STRING, VALUE_TIME, VALUE_GUID, VALUE_BINARY,
    SERVER_ID_OURS, SERVER_ID_FOLDER, SERVER_ID_MESSAGE, SERVER_ID_INSTANCE, SERVER_ID_DATA,

    RESTRICTION_TYPE, RESTRICTION_COUNT, RESTRICTION_COUNT16, RESTRICTION_RELOP, RESTRICTION_FUZZY_LOW,
    RESTRICTION_FUZZY_HIGH, FUZZY_IGNORECASE, FUZZY_IGNORENONSPACE, FUZZY_LOOSE,
    RESTRICTION_BITMAP_RELOP, RESTRICTION_MASK, RESTRICTION_SIZE, RESTRICTION_VALUES, RESTRICTION_PRESENT,
    RESTRICTION_MAXIMUM, RESTRICTION_HAS_VALUE,

    ACTION_COUNT, ACTION_COUNT16, ACTION_LENGTH, ACTION_LENGTH16, ACTION_TYPE,
    ACTION_FLAVOR, FLAVOR_BIT0, FLAVOR_BIT1, FLAVOR_BIT2, FLAVOR_BIT3, ACTION_FLAGS,
    ACTION_IN_THIS_STORE, ACTION_STORE_SIZE, ACTION_STORE_SIZE16, ACTION_STORE, ACTION_FOLDER_SIZE,
    ACTION_FOLDER_SIZE16, ACTION_FOLDER, ACTION_MESSAGE_SIZE, ACTION_TEMPLATE_FOLDER, ACTION_TEMPLATE_MESSAGE,
    ACTION_TEMPLATE_GUID, ACTION_BOUNCE, ACTION_RECIPIENTS, ACTION_RECIPIENTS16, ACTION_RESERVED, ACTION_PROPERTIES,
    ACTION_PROPERTIES16, ACTION_DATA,

    ID_TYPE, ID_RESERVED, ID_FLAGS, ID_PROVIDER, ID_VERSION, ID_DISPLAY_TYPE, ID_DN, ID_MID,
    ID_OBJECT_TYPE, ID_DATABASE, ID_COUNTER, ID_PAD,
    ID_STORE_VERSION, ID_STORE_FLAG, ID_STORE_DLL, ID_STORE_FLAGS, ID_STORE_PROVIDER, ID_STORE_TYPE, ID_STORE_SERVER,
    ID_STORE_DN,
    ID_ONEOFF_VERSION, ID_ONEOFF_FLAGS, ONEOFF_NO_RICH, ONEOFF_FORMAT, ONEOFF_MAE, ONEOFF_NO_LOOKUP, ONEOFF_UNICODE,
    ID_ONEOFF_NAME, ID_ONEOFF_TYPE, ID_ONEOFF_ADDRESS, ID_ONEOFF_NAME8, ID_ONEOFF_TYPE8, ID_ONEOFF_ADDRESS8,
    ID_CONTACT_TYPE, ID_CONTACT_INDEX, ID_CONTACT_SIZE, ID_WRAPPED_TYPE, ID_DATA,
    ROWS
};

static const struct field rows[ROWS + 1] = {
    [TAG] = { .filter = "property.tag", "PropertyTag", FIELD_U32, true, NULL, 0 },
    [TAG_TYPE] = { .filter = "property.type", "PropertyType", FIELD_U16, true, property_type_names, 0 },
    [TAG_ID] = { .filter = "property.id", "PropertyId", FIELD_U16, true, NULL, 0 },
    [HAS_VALUE] = { .filter = "property.has_value", "HasValue", FIELD_U8, true, has_value_names, 0 },
    [FLAG] = { .filter = "property.flag", "Flag", FIELD_U8, true, flag_names, 0 },
    [ROW_FLAG] = { .filter = "property.row_flag", "Flags", FIELD_U8, true, row_flag_names, 0 },
    [COLUMN_COUNT] = { .filter = "property.tag_count", "PropertyTagCount", FIELD_U32, false, NULL, 0 },
    [COLUMN_COUNT16] = { .filter = "property.tag_count16", "PropertyTagCount", FIELD_U16, false, NULL, 0 },
    [VALUE_LIST_COUNT] = { .filter = "property.value_count", "PropertyValueCount", FIELD_U32, false, NULL, 0 },
    [VALUE_LIST_COUNT16] = { .filter = "property.value_count16", "PropertyValueCount", FIELD_U16, false, NULL, 0 },
    [VALUE_COUNT] = { .filter = "property.value.count", "Count of values", FIELD_U32, false, NULL, 0 },
    [VALUE_SIZE] = { .filter = "property.value.size", "Count of bytes", FIELD_U32, false, NULL, 0 },
    [VALUE_SIZE16] = { .filter = "property.value.size16", "Count of bytes", FIELD_U16, false, NULL, 0 },
    [VALUE_INTEGER16] = { .filter = "property.value.int16", "Value", FIELD_I16, false, NULL, 0 },
    [VALUE_INTEGER32] = { .filter = "property.value.int32", "Value", FIELD_I32, false, NULL, 0 },
    [VALUE_FLOATING32] = { .filter = "property.value.float", "Value", FIELD_FLOAT, false, NULL, 0 },
    [VALUE_FLOATING64] = { .filter = "property.value.double", "Value", FIELD_DOUBLE, false, NULL, 0 },
    [VALUE_CURRENCY] = { .filter = "property.value.currency", "Value (1/10000)", FIELD_I64, false, NULL, 0 },
    [VALUE_FLOATING_TIME] = {
        .filter = "property.value.floating_time", "Value (days since 1899-12-30)", FIELD_DOUBLE, false, NULL, 0
    },
    [VALUE_ERROR_CODE] = { .filter = "property.value.error_code", "Value", FIELD_U32, true, NULL, 0 },
    [VALUE_BOOLEAN] = { .filter = "property.value.boolean", "Value", FIELD_BOOL, false, NULL, 0 },
    [VALUE_INTEGER64] = { .filter = "property.value.int64", "Value", FIELD_I64, false, NULL, 0 },
    [VALUE_STRING8] = { .filter = "property.value.string8", "Value", FIELD_STRING8, false, NULL, 0 },
    [VALUE_STRING] = { .filter = "property.value.string", "Value", FIELD_STRING16, false, NULL, 0 },
    [VALUE_TIME] = { .filter = "property.value.time", "Value", FIELD_FILETIME, false, NULL, 0 },
    [VALUE_GUID] = { .filter = "property.value.guid", "Value", FIELD_GUID, false, NULL, 0 },
    [VALUE_BINARY] = { .filter = "property.value.binary", "Value", FIELD_BYTES, false, NULL, 0 },
    [SERVER_ID_OURS] = { .filter = "property.value.server_id.ours", "Ours", FIELD_U8, false, ours_names, 0 },
    [SERVER_ID_FOLDER] = { .filter = "property.value.server_id.folder_id", "FolderId", FIELD_U64, true, NULL, 0 },
    [SERVER_ID_MESSAGE] = { .filter = "property.value.server_id.message_id", "MessageId", FIELD_U64, true, NULL, 0 },
    [SERVER_ID_INSTANCE] = { .filter = "property.value.server_id.instance", "Instance", FIELD_U32, false, NULL, 0 },
    [SERVER_ID_DATA] = { .filter = "property.value.server_id.data", "ClientData", FIELD_BYTES, false, NULL, 0 },

    [RESTRICTION_TYPE] = { .filter = "restriction.type", "RestrictType", FIELD_U8, false, restriction_names, 0 },
    [RESTRICTION_COUNT] = { .filter = "restriction.count", "RestrictCount", FIELD_U32, false, NULL, 0 },
    [RESTRICTION_COUNT16] = { .filter = "restriction.count16", "RestrictCount", FIELD_U16, false, NULL, 0 },
    [RESTRICTION_RELOP] = { .filter = "restriction.relop", "RelOp", FIELD_U8, false, relop_names, 0 },
    [RESTRICTION_FUZZY_LOW] = { .filter = "restriction.fuzzy_level_low", "FuzzyLevelLow", FIELD_U16, false, fuzzy_names, 0 },
    [RESTRICTION_FUZZY_HIGH] = { .filter = "restriction.fuzzy_level_high", "FuzzyLevelHigh", FIELD_U16, true, NULL, 0 },
    [FUZZY_IGNORECASE] = { .filter = "restriction.fuzzy_level_high.ignore_case", "FL_IGNORECASE", FIELD_U16, false, NULL, 1 },
    [FUZZY_IGNORENONSPACE] = {
        .filter = "restriction.fuzzy_level_high.ignore_nonspace", "FL_IGNORENONSPACE", FIELD_U16, false, NULL, 2
    },
    [FUZZY_LOOSE] = { .filter = "restriction.fuzzy_level_high.loose", "FL_LOOSE", FIELD_U16, false, NULL, 4 },
    [RESTRICTION_BITMAP_RELOP] = { .filter = "restriction.bitmap_relop", "BitmapRelOp", FIELD_U8, false, bitmask_names, 0 },
    [RESTRICTION_MASK] = { .filter = "restriction.mask", "Mask", FIELD_U32, true, NULL, 0 },
    [RESTRICTION_SIZE] = { .filter = "restriction.size", "Size", FIELD_U32, false, NULL, 0 },
    [RESTRICTION_VALUES] = { .filter = "restriction.value_count", "TaggedValuesCount", FIELD_U8, false, NULL, 0 },
    [RESTRICTION_PRESENT] = { .filter = "restriction.present", "RestrictionPresent", FIELD_BOOL, false, NULL, 0 },
    [RESTRICTION_MAXIMUM] = { .filter = "restriction.maximum", "Count", FIELD_U32, false, NULL, 0 },
    [RESTRICTION_HAS_VALUE] = { .filter = "restriction.has_value", "HasValue", FIELD_U8, true, has_value_names, 0 },

    [ACTION_COUNT] = { .filter = "rule.action_count", "NoOfActions", FIELD_U32, false, NULL, 0 },
    [ACTION_COUNT16] = { .filter = "rule.action_count16", "NoOfActions", FIELD_U16, false, NULL, 0 },
    [ACTION_LENGTH] = { .filter = "rule.action.length", "ActionLength", FIELD_U32, false, NULL, 0 },
    [ACTION_LENGTH16] = { .filter = "rule.action.length16", "ActionLength", FIELD_U16, false, NULL, 0 },
    [ACTION_TYPE] = { .filter = "rule.action.type", "ActionType", FIELD_U8, false, action_names, 0 },
    [ACTION_FLAVOR] = { .filter = "rule.action.flavor", "ActionFlavor", FIELD_U32, true, NULL, 0 },
    [FLAVOR_BIT0] = { .filter = "rule.action.flavor.pr_ns", "Forward: PR; reply: NS", FIELD_U32, false, NULL, 1 },
    [FLAVOR_BIT1] = { .filter = "rule.action.flavor.nc_st", "Forward: NC; reply: ST", FIELD_U32, false, NULL, 2 },
    [FLAVOR_BIT2] = { .filter = "rule.action.flavor.at", "Forward: AT", FIELD_U32, false, NULL, 4 },
    [FLAVOR_BIT3] = { .filter = "rule.action.flavor.tm", "Forward: TM", FIELD_U32, false, NULL, 8 },
    [ACTION_FLAGS] = { .filter = "rule.action.flags", "ActionFlags", FIELD_U32, true, NULL, 0 },
    [ACTION_IN_THIS_STORE] = { .filter = "rule.action.in_this_store", "FolderInThisStore", FIELD_BOOL, false, NULL, 0 },
    [ACTION_STORE_SIZE] = { .filter = "rule.action.store_size", "StoreEIDSize", FIELD_U32, false, NULL, 0 },
    [ACTION_STORE_SIZE16] = { .filter = "rule.action.store_size16", "StoreEIDSize", FIELD_U16, false, NULL, 0 },
    [ACTION_STORE] = { .filter = "rule.action.store", "StoreEID", FIELD_BYTES, false, NULL, 0 },
    [ACTION_FOLDER_SIZE] = { .filter = "rule.action.folder_size", "FolderEIDSize", FIELD_U32, false, NULL, 0 },
    [ACTION_FOLDER_SIZE16] = { .filter = "rule.action.folder_size16", "FolderEIDSize", FIELD_U16, false, NULL, 0 },
    [ACTION_FOLDER] = { .filter = "rule.action.folder", "FolderEID", FIELD_BYTES, false, NULL, 0 },
    [ACTION_MESSAGE_SIZE] = { .filter = "rule.action.message_size", "MessageEIDSize", FIELD_U32, false, NULL, 0 },
    [ACTION_TEMPLATE_FOLDER] = { .filter = "rule.action.template_fid", "ReplyTemplateFID", FIELD_U64, true, NULL, 0 },
    [ACTION_TEMPLATE_MESSAGE] = { .filter = "rule.action.template_mid", "ReplyTemplateMID", FIELD_U64, true, NULL, 0 },
    [ACTION_TEMPLATE_GUID] = { .filter = "rule.action.template_guid", "ReplyTemplateGUID", FIELD_GUID, false, NULL, 0 },
    [ACTION_BOUNCE] = { .filter = "rule.action.bounce_code", "BounceCode", FIELD_U32, true, bounce_names, 0 },
    [ACTION_RECIPIENTS] = { .filter = "rule.action.recipient_count", "RecipientCount", FIELD_U32, false, NULL, 0 },
    [ACTION_RECIPIENTS16] = { .filter = "rule.action.recipient_count16", "RecipientCount", FIELD_U16, false, NULL, 0 },
    [ACTION_RESERVED] = { .filter = "rule.action.recipient_reserved", "Reserved", FIELD_U8, true, NULL, 0 },
    [ACTION_PROPERTIES] = { .filter = "rule.action.property_count", "NoOfProperties", FIELD_U32, false, NULL, 0 },
    [ACTION_PROPERTIES16] = { .filter = "rule.action.property_count16", "NoOfProperties", FIELD_U16, false, NULL, 0 },
    [ACTION_DATA] = { .filter = "rule.action.data", "ActionData", FIELD_BYTES, false, NULL, 0 },

    [ID_TYPE] = { .filter = "entry_id.id_type", "ID Type", FIELD_U8, true, id_type_names, 0 },
    [ID_RESERVED] = { .filter = "entry_id.reserved", "Reserved", FIELD_BYTES, false, NULL, 0 },
    [ID_FLAGS] = { .filter = "entry_id.flags", "Flags", FIELD_U32, true, NULL, 0 },
    [ID_PROVIDER] = { .filter = "entry_id.provider", "ProviderUID", FIELD_GUID, false, NULL, 0 },
    [ID_VERSION] = { .filter = "entry_id.version", "Version", FIELD_U32, false, NULL, 0 },
    [ID_DISPLAY_TYPE] = { .filter = "entry_id.display_type", "Display Type", FIELD_U32, true, display_type_names, 0 },
    [ID_DN] = { .filter = "entry_id.dn", "Distinguished Name", FIELD_STRING8, false, NULL, 0 },
    [ID_MID] = { .filter = "entry_id.mid", "MId", FIELD_U32, true, NULL, 0 },
    [ID_OBJECT_TYPE] = { .filter = "entry_id.object_type", "ObjectType", FIELD_U16, true, object_type_names, 0 },
    [ID_DATABASE] = { .filter = "entry_id.database_guid", "DatabaseGuid", FIELD_GUID, false, NULL, 0 },
    [ID_COUNTER] = { .filter = "entry_id.global_counter", "GlobalCounter", FIELD_BYTES, false, NULL, 0 },
    [ID_PAD] = { .filter = "entry_id.pad", "Pad", FIELD_U16, true, NULL, 0 },
    [ID_STORE_VERSION] = { .filter = "entry_id.store.version", "Version", FIELD_U8, false, NULL, 0 },
    [ID_STORE_FLAG] = { .filter = "entry_id.store.flag", "Flag", FIELD_U8, true, NULL, 0 },
    [ID_STORE_DLL] = { .filter = "entry_id.store.dll", "DLLFileName", FIELD_STRING8, false, NULL, 0 },
    [ID_STORE_FLAGS] = { .filter = "entry_id.store.wrapped_flags", "WrappedFlags", FIELD_U32, true, NULL, 0 },
    [ID_STORE_PROVIDER] = { .filter = "entry_id.store.wrapped_provider", "WrappedProviderUID", FIELD_GUID, false, NULL, 0 },
    [ID_STORE_TYPE] = { .filter = "entry_id.store.wrapped_type", "WrappedType", FIELD_U32, true, store_type_names, 0 },
    [ID_STORE_SERVER] = { .filter = "entry_id.store.server", "ServerShortname", FIELD_STRING8, false, NULL, 0 },
    [ID_STORE_DN] = { .filter = "entry_id.store.mailbox_dn", "MailboxDN", FIELD_STRING8, false, NULL, 0 },
    [ID_ONEOFF_VERSION] = { .filter = "entry_id.one_off.version", "Version", FIELD_U16, false, NULL, 0 },
    [ID_ONEOFF_FLAGS] = { .filter = "entry_id.one_off.flags", "Flags", FIELD_U16, true, NULL, 0 },
    [ONEOFF_NO_RICH] = { .filter = "entry_id.one_off.flags.no_rich_info", "M: no rich text", FIELD_U16, false, NULL, 0x0001 },
    [ONEOFF_FORMAT] = { .filter = "entry_id.one_off.flags.format", "Format", FIELD_U16, true, NULL, 0x001E },
    [ONEOFF_MAE] = { .filter = "entry_id.one_off.flags.mae", "MAE", FIELD_U16, true, NULL, 0x0060 },
    [ONEOFF_NO_LOOKUP] = { .filter = "entry_id.one_off.flags.no_lookup", "L: no lookup", FIELD_U16, false, NULL, 0x1000 },
    [ONEOFF_UNICODE] = { .filter = "entry_id.one_off.flags.unicode", "U: Unicode", FIELD_U16, false, NULL, 0x8000 },
    [ID_ONEOFF_NAME] = { .filter = "entry_id.one_off.display_name", "DisplayName", FIELD_STRING16, false, NULL, 0 },
    [ID_ONEOFF_TYPE] = { .filter = "entry_id.one_off.address_type", "AddressType", FIELD_STRING16, false, NULL, 0 },
    [ID_ONEOFF_ADDRESS] = { .filter = "entry_id.one_off.email_address", "EmailAddress", FIELD_STRING16, false, NULL, 0 },
    [ID_ONEOFF_NAME8] = { .filter = "entry_id.one_off.display_name8", "DisplayName", FIELD_STRING8, false, NULL, 0 },
    [ID_ONEOFF_TYPE8] = { .filter = "entry_id.one_off.address_type8", "AddressType", FIELD_STRING8, false, NULL, 0 },
    [ID_ONEOFF_ADDRESS8] = { .filter = "entry_id.one_off.email_address8", "EmailAddress", FIELD_STRING8, false, NULL, 0 },
    [ID_CONTACT_TYPE] = { .filter = "entry_id.contact.type", "Type", FIELD_U32, false, contact_type_names, 0 },
    [ID_CONTACT_INDEX] = { .filter = "entry_id.contact.index", "Index", FIELD_U32, false, NULL, 0 },
    [ID_CONTACT_SIZE] = { .filter = "entry_id.contact.size", "EntryIdCount", FIELD_U32, false, NULL, 0 },
    [ID_WRAPPED_TYPE] = { .filter = "entry_id.wrapped.type", "Type", FIELD_U8, true, NULL, 0 },
    [ID_DATA] = { .filter = "entry_id.data", "Data", FIELD_BYTES, false, NULL, 0 },
};

const struct field_table property_fields = { "mapihttp.", rows, ROWS };

static uint64_t row(struct reader *reader, enum row number)
{
    return read_field(reader, &rows[number]);
}

static struct span run(struct reader *reader, enum row number, uint32_t len)
{
    return read_run(reader, &rows[number], len);
}

/* A count that some forms write in 16 bits and others in 32. */
static uint32_t count_of(struct reader *reader, enum prop_form form, enum row wide, enum row narrow)
{
    return (uint32_t)row(reader, form == PROP_ROP ? narrow : wide);
}

/* A list may be of things without a byte (PtypNull): they cost what values cost, so that a
 * few bytes cannot ask for endless work. */
static void charge(struct reader *reader, uint32_t before)
{
    if (reader->pos == before && ++reader->values > READER_VALUES_MAX) {
        reader_fail(reader, "More values than are shown of one message");
    }
}

static void read_guid(struct reader *reader, enum row number)
{
    const char *name = reader_left(reader) >= 16 ? ox_guid_name(reader->p + reader->pos) : NULL;
    read_run_text(reader, &rows[number], 16, name);
}

/* ---- what a value says, in a few words ---- */

#define GIST_MAX 96

/* The bytes of a value without what comes before it, or a count. */
struct gist {
    uint16_t type;               /* PTYP_UNSPECIFIED: nothing to say */
    struct span bytes;
    uint32_t count;
};

static size_t put_code_point(char *to, uint32_t point)
{
    if (point < 0x20 || point == 0x7F || (point >= 0xD800 && point < 0xE000)) {
        point = '?';
    }
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        to[i] = (char)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    static const uint8_t lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    to[0] = (char)(lead[len] | point);
    return len;
}

/* UTF-8 of at most GIST_MAX bytes with its end. */
static void gist_text(char *to, struct span text, unsigned unit)
{
    size_t have = 0, i = 0;
    while (i + unit <= text.len) {
        if (have > GIST_MAX - 8) {
            memcpy(to + have, "...", 3);
            have += 3;
            break;
        }
        uint32_t point = text.ptr[i];
        if (unit == 2) {
            point = get_le16(text.ptr + i);
            uint32_t low = i + 4 <= text.len ? get_le16(text.ptr + i + 2) : 0;
            if (point >= 0xD800 && point < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
                point = 0x10000 + ((point & 0x3FF) << 10) + (low & 0x3FF);
                i += 2;
            }
        } else if (point >= 0x80) {
            point = '?';         /* of a code page nobody told */
        }
        i += unit;
        have += put_code_point(to + have, point);
    }
    to[have] = '\0';
}

/* A moment in seconds since 1601. */
static void gist_time(char *to, uint64_t seconds)
{
    uint64_t days = seconds / 86400;
    unsigned rest = (unsigned)(seconds % 86400);
    /* Counted from March 1st of a year that begins a cycle of 400: the leap day comes last. */
    days += 306;                 /* 1601-01-01 is 306 days behind 1600-03-01 */
    uint64_t cycle = days / 146097;
    unsigned day = (unsigned)(days % 146097);
    unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    unsigned of_year = day - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;
    unsigned of_month = of_year - (153 * month + 2) / 5 + 1;
    unsigned long long civil = 1600 + cycle * 400 + year + (month >= 10);
    snprintf(to, GIST_MAX, "%04llu-%02u-%02u %02u:%02u:%02u UTC", civil, month < 10 ? month + 3 : month - 9, of_month,
             rest / 3600, rest / 60 % 60, rest % 60);
}

/* Days since 1899-12-30 with a fraction of one (MS-OXCDATA 2.11.1), between 1601 and 9999. */
static bool gist_days(char *to, const uint8_t *p)
{
    uint64_t bits = get_le64(p);
    double days;
    memcpy(&days, &bits, sizeof(days));
    if (!(days > -109205.0 && days < 2958466.0)) {
        return false;
    }
    gist_time(to, (uint64_t)((days + 109205.0) * 86400.0 + 0.5));        /* days from 1601-01-01 to 1899-12-30 */
    return true;
}

/* NULL if there is nothing to add to what the value's own item says. */
static const char *gist_say(const struct gist *gist, char *to)
{
    const uint8_t *p = gist->bytes.ptr;
    const char *name;
    int64_t number;
    if (gist->type & TYPE_MULTIPLE) {
        snprintf(to, GIST_MAX, "%u value%s", gist->count, gist->count == 1 ? "" : "s");
        return to;
    }
    if (!p) {
        return NULL;
    }
    switch (gist->type) {
    case PTYP_INTEGER16:
        snprintf(to, GIST_MAX, "%d", (int16_t)get_le16(p));
        return to;
    case PTYP_INTEGER32:
        snprintf(to, GIST_MAX, "%ld", (long)(int32_t)get_le32(p));
        return to;
    case PTYP_INTEGER64:
        snprintf(to, GIST_MAX, "%lld", (long long)get_le64(p));
        return to;
    case PTYP_CURRENCY:
        number = (int64_t)get_le64(p);
        snprintf(to, GIST_MAX, "%s%llu.%04u", number < 0 ? "-" : "",
                 (unsigned long long)((number < 0 ? 0 - (uint64_t)number : (uint64_t)number) / 10000),
                 (unsigned)((number < 0 ? 0 - (uint64_t)number : (uint64_t)number) % 10000));
        return to;
    case PTYP_FLOATING_TIME:
        return gist_days(to, p) ? to : NULL;
    case PTYP_TIME:
        gist_time(to, get_le64(p) / 10000000);
        return to;
    case PTYP_ERROR_CODE:
        name = ox_error_name(get_le32(p));
        snprintf(to, GIST_MAX, "error 0x%08lX%s%s%s", (unsigned long)get_le32(p), name ? " (" : "", name ? name : "",
                 name ? ")" : "");
        return to;
    case PTYP_BOOLEAN:
        return *p ? "True" : "False";
    case PTYP_STRING8:
        gist_text(to, gist->bytes, 1);
        return to;
    case PTYP_STRING:
        gist_text(to, gist->bytes, 2);
        return to;
    case PTYP_GUID:
        return ox_guid_name(p);
    case PTYP_BINARY:
        snprintf(to, GIST_MAX, "%u byte%s", (unsigned)gist->bytes.len, gist->bytes.len == 1 ? "" : "s");
        return to;
    default:
        return NULL;
    }
}

static void close_with(struct reader *reader, const struct gist *gist)
{
    char text[GIST_MAX];
    bool wanted = reader->sink->close && !reader->failed && gist->type != PTYP_UNSPECIFIED;
    reader_close(reader, wanted ? gist_say(gist, text) : NULL);
}

/* ---- tags ---- */

/* The ids of a mailbox from 0x8000 on are mapped to names by the mailbox itself; those of
 * the address book are fixed. */
static bool is_named(uint32_t tag, enum prop_form form)
{
    return form != PROP_ADDRESS_BOOK && tag >> 16 >= NAMED_PROPERTIES;
}

static const char *name_of(uint32_t tag, enum prop_form form)
{
    return is_named(tag, form) ? NULL : property_tag_name(tag);
}

static const char *address_book_text(uint64_t tag)
{
    return property_tag_name((uint32_t)tag);
}

static const char *mailbox_text(uint64_t tag)
{
    return is_named((uint32_t)tag, PROP_ROP) ? "named property" : property_tag_name((uint32_t)tag);
}

static uint32_t read_tag(struct reader *reader, enum prop_form form)
{
    uint32_t tag = (uint32_t)read_field_text(reader, &rows[TAG],
                                             form == PROP_ADDRESS_BOOK ? address_book_text : mailbox_text);
    if (!reader->failed) {
        /* The same bytes again, by their parts: the type comes first. */
        reader->pos -= 4;
        row(reader, TAG_TYPE);
        row(reader, TAG_ID);
    }
    return reader->failed ? 0 : tag;
}

#define LABEL_MAX 32

/* A label for what has this tag. */
static const char *label_of(uint32_t tag, enum prop_form form, char *to)
{
    const char *name = name_of(tag, form);
    if (name) {
        return name;
    }
    snprintf(to, LABEL_MAX, "Property 0x%08lX", (unsigned long)tag);
    return to;
}

static uint32_t read_labelled_tag(struct reader *reader, enum prop_form form)
{
    char label[LABEL_MAX];
    uint32_t tag = 0;
    if (reader_open(reader, reader_left(reader) < 4 ? "PropertyTag"
                                                     : label_of((uint32_t)peek_u32(reader), form, label))) {
        tag = read_tag(reader, form);
        reader_close(reader, NULL);
    }
    return tag;
}

uint32_t read_property_tag(struct reader *reader)
{
    return read_labelled_tag(reader, PROP_ADDRESS_BOOK);
}

uint32_t read_property_tag_of(struct reader *reader, enum prop_form form)
{
    return read_labelled_tag(reader, form);
}

uint16_t read_property_type(struct reader *reader)
{
    return (uint16_t)row(reader, TAG_TYPE);
}

/* ---- values ---- */

static const char *error_text(uint64_t code)
{
    return ox_error_name((uint32_t)code);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), tail = strlen(end);
    return len >= tail && memcmp(text + len - tail, end, tail) == 0;
}

/* Whether binary values of this property are entry IDs: their names tell. */
static bool is_entry_id(uint32_t tag, enum prop_form form)
{
    const char *name = tag >> 16 ? name_of(tag, form) : NULL;
    return name && (ends_with(name, "EntryId") || ends_with(name, "EntryIds") || ends_with(name, "PidTagTemplateid"));
}

/* COUNT bytes (MS-OXCDATA 2.11.1.1). */
static void read_binary(struct reader *reader, uint32_t tag, enum prop_form form, struct gist *gist)
{
    uint32_t len = count_of(reader, form, VALUE_SIZE, VALUE_SIZE16);
    if (reader->failed) {
        return;
    }
    if (len > 0 && is_entry_id(tag, form) && !reader_lacks(reader, len)) {
        read_entry_id(reader, len);
        return;
    }
    if (len > 0) {
        gist->bytes = run(reader, VALUE_BINARY, len);
    } else {
        gist->bytes = (struct span){ reader->p + reader->pos, 0 };       /* its size says all */
    }
    if (gist->bytes.ptr) {
        gist->type = PTYP_BINARY;
    }
}

/* MS-OXCDATA 2.11.1.4: the count has 16 bits everywhere. */
static void read_server_id(struct reader *reader)
{
    uint32_t len = (uint32_t)row(reader, VALUE_SIZE16);
    if (reader->failed || reader_lacks(reader, len)) {
        reader_fail(reader, "A ServerId longer than the message");
        return;
    }
    if (len == 0) {
        return;
    }
    struct reader part = reader_part(reader, len);
    if (row(&part, SERVER_ID_OURS) == 1) {
        row(&part, SERVER_ID_FOLDER);
        row(&part, SERVER_ID_MESSAGE);
        row(&part, SERVER_ID_INSTANCE);
    }
    if (reader_left(&part)) {
        run(&part, SERVER_ID_DATA, reader_left(&part));
    }
    reader_resume(reader, &part);
}

/* One value of a type that is not a multiple. */
static void read_single(struct reader *reader, uint16_t type, uint32_t tag, enum prop_form form, struct gist *gist)
{
    uint32_t start = reader->pos;
    gist->type = PTYP_UNSPECIFIED;
    switch (type) {
    case PTYP_NULL:
    case PTYP_OBJECT:            /* opened by requests of their own, 2.11.1.5 */
        return;
    case PTYP_INTEGER16:
        row(reader, VALUE_INTEGER16);
        break;
    case PTYP_INTEGER32:
        row(reader, VALUE_INTEGER32);
        break;
    case PTYP_FLOATING32:
        row(reader, VALUE_FLOATING32);
        break;
    case PTYP_FLOATING64:
        row(reader, VALUE_FLOATING64);
        break;
    case PTYP_CURRENCY:
        row(reader, VALUE_CURRENCY);
        break;
    case PTYP_FLOATING_TIME:
        row(reader, VALUE_FLOATING_TIME);
        break;
    case PTYP_ERROR_CODE:
        read_field_text(reader, &rows[VALUE_ERROR_CODE], error_text);
        break;
    case PTYP_BOOLEAN:
        row(reader, VALUE_BOOLEAN);
        break;
    case PTYP_INTEGER64:
        row(reader, VALUE_INTEGER64);
        break;
    case PTYP_TIME:
        row(reader, VALUE_TIME);
        break;
    case PTYP_GUID:
        read_guid(reader, VALUE_GUID);
        break;
    case PTYP_STRING8:
        gist->bytes = read_string8(reader, &rows[VALUE_STRING8]);
        gist->type = type;
        return;
    case PTYP_STRING:
        gist->bytes = read_string16(reader, &rows[VALUE_STRING]);
        gist->type = type;
        return;
    case PTYP_BINARY:
        read_binary(reader, tag, form, gist);
        return;
    case PTYP_SERVER_ID:
        read_server_id(reader);
        return;
    case PTYP_RESTRICTION:
        read_restriction(reader, form);
        return;
    case PTYP_RULE_ACTION:
        read_rule_action(reader, form);
        return;
    default:
        reader_fail(reader, "A property type that the specification does not have");
        return;
    }
    if (!reader->failed) {
        gist->type = type;
        gist->bytes.ptr = reader->p + start;
        gist->bytes.len = reader->pos - start;
    }
}

/* The fewest bytes that one of several values takes. */
static uint32_t least_size(uint16_t type, enum prop_form form, bool marked)
{
    switch (type) {
    case PTYP_INTEGER16: return 2;
    case PTYP_INTEGER32:
    case PTYP_FLOATING32: return 4;
    case PTYP_GUID: return 16;
    case PTYP_STRING8: return 1;
    case PTYP_STRING: return marked ? 1 : 2;
    case PTYP_BINARY: return marked ? 1 : form == PROP_ROP ? 2 : 4;
    case PTYP_CURRENCY:
    case PTYP_FLOATING64:
    case PTYP_FLOATING_TIME:
    case PTYP_INTEGER64:
    case PTYP_TIME: return 8;
    default: return 0;           /* no multiple of it */
    }
}

static uint32_t ahead32(const struct reader *reader, uint32_t at)
{
    return at <= reader_left(reader) && reader_left(reader) - at >= 4 ? get_le32(reader->p + reader->pos + at) : 0;
}

/* Whether what lies at bytes ahead is a HasValue byte of 0xFF and a value of the type, and
 * not the value itself. What it would be as the value itself is told apart by: a string of
 * 16-bit characters that goes from U+xxFF straight to one of 256 that have a low byte of
 * zero, an 8-bit string that starts with 0xFF, a count that nothing follows. */
static bool marked_ahead(const struct reader *reader, uint32_t at, uint16_t type)
{
    if (at > reader_left(reader) || reader_left(reader) - at < 3) {
        return false;
    }
    const uint8_t *p = reader->p + reader->pos + at;
    uint32_t left = reader_left(reader) - at;
    if (p[0] != VALUE_PRESENT) {
        return false;
    }
    if (type == PTYP_STRING8) {
        return true;
    }
    if (type == PTYP_STRING) {
        return p[2] == 0;
    }
    return (type == PTYP_BINARY || type & TYPE_MULTIPLE) && left >= 5 && ahead32(reader, at + 1) <= left - 5
        && ahead32(reader, at) > left - 4;
}

/* Several values (MS-OXCDATA 2.11.1: the count of values has 32 bits). MS-OXCMAPIHTTP
 * 2.2.1.1 has no HasValue byte inside; what Outlook sends to an address book does, before
 * each string and each binary value: accepted if the first value starts with it. */
static void read_multiple(struct reader *reader, uint16_t type, uint32_t tag, enum prop_form form, struct gist *gist)
{
    uint32_t count = (uint32_t)row(reader, VALUE_COUNT);
    if (reader->failed) {
        return;
    }
    bool may = type == PTYP_STRING || type == PTYP_STRING8 || type == PTYP_BINARY;
    bool marked = form == PROP_ADDRESS_BOOK && may && count > 0 && marked_ahead(reader, 0, type);
    uint32_t least = least_size(type, form, marked);
    if (least == 0) {
        reader_fail(reader, "A property type that the specification does not have");
    }
    if (!reader_expect(reader, count, least)) {
        return;
    }
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        struct gist one;
        if (marked) {
            uint8_t has = (uint8_t)row(reader, HAS_VALUE);
            if (has != VALUE_PRESENT) {
                if (has != VALUE_ABSENT) {
                    reader_fail(reader, "A HasValue byte that is neither 0x00 nor 0xFF");
                }
                continue;
            }
        }
        read_single(reader, type, tag, form, &one);
    }
    gist->type = type | TYPE_MULTIPLE;
    gist->count = count;
}

/* Types with a HasValue byte before the value (MS-OXCMAPIHTTP 2.2.1.1). */
static bool has_mark(uint16_t type)
{
    return type == PTYP_STRING || type == PTYP_STRING8 || type == PTYP_BINARY || type & TYPE_MULTIPLE;
}

/* A column of MultivalueInstance shows one of the values in each row: a single one
 * (MS-OXCTABL 2.2.2.2.1, MS-OXCDATA 2.11.1.3). */
static uint16_t stored_type(uint16_t type)
{
    return type & TYPE_INSTANCE ? (uint16_t)(type & ~(TYPE_INSTANCE | TYPE_MULTIPLE)) : type;
}

static void read_value(struct reader *reader, uint16_t type, uint32_t tag, enum prop_form form, struct gist *gist)
{
    gist->type = PTYP_UNSPECIFIED;
    gist->bytes.ptr = NULL;
    gist->bytes.len = 0;
    gist->count = 0;
    type = stored_type(type);
    if (type == PTYP_UNSPECIFIED) {
        /* The value brings its own type. */
        type = stored_type((uint16_t)row(reader, TAG_TYPE));
        if (type == PTYP_UNSPECIFIED) {
            reader_fail(reader, "A value without a type");
        }
    }
    if (form == PROP_ADDRESS_BOOK && has_mark(type)) {
        uint8_t has = (uint8_t)row(reader, HAS_VALUE);
        if (reader->failed || has == VALUE_ABSENT) {
            return;
        }
        if (has != VALUE_PRESENT) {
            reader_warn(reader, reader->pos - 1, "A HasValue byte that is neither 0x00 nor 0xFF");
        }
    }
    if (reader->failed) {
        return;
    }
    if (type & TYPE_MULTIPLE) {
        read_multiple(reader, type & ~TYPE_MULTIPLE, tag, form, gist);
    } else {
        read_single(reader, type, tag, form, gist);
    }
}

void read_property_value_of(struct reader *reader, uint32_t tag, enum prop_form form)
{
    struct gist gist;
    read_value(reader, tag & 0xFFFF, tag, form, &gist);
}

void read_property_value(struct reader *reader, uint16_t type, enum prop_form form)
{
    read_property_value_of(reader, type, form);
}

void read_typed_value(struct reader *reader, enum prop_form form)
{
    read_property_value_of(reader, PTYP_UNSPECIFIED, form);
}

/* tagged is the form of the tag and its place in the mailbox or the address book, form that
 * of the value. */
static void read_tagged(struct reader *reader, enum prop_form tagged, enum prop_form form)
{
    char label[LABEL_MAX];
    struct gist gist = { PTYP_UNSPECIFIED, { NULL, 0 }, 0 };
    uint32_t ahead = (uint32_t)peek_u32(reader);
    if (!reader_open(reader, reader_left(reader) < 4 ? "Property" : label_of(ahead, tagged, label))) {
        return;
    }
    uint32_t tag = read_tag(reader, tagged);
    if (!reader->failed) {
        read_value(reader, tag & 0xFFFF, tag, form, &gist);
    }
    close_with(reader, &gist);
}

void read_tagged_value(struct reader *reader, enum prop_form form)
{
    read_tagged(reader, form, form);
}

static void read_flagged(struct reader *reader, uint32_t tag, enum prop_form form, struct gist *gist)
{
    uint8_t flag = (uint8_t)row(reader, FLAG);
    if (reader->failed || flag == FLAG_NOT_PRESENT) {
        return;
    }
    if (flag == FLAG_VALUE) {
        read_value(reader, tag & 0xFFFF, tag, form, gist);
    } else if (flag == FLAG_ERROR) {
        read_value(reader, PTYP_ERROR_CODE, tag, form, gist);
    } else {
        reader->pos--;
        reader_fail(reader, "A flag of a value that is none of 0x00, 0x01 and 0x0A");
    }
}

void read_flagged_value(struct reader *reader, uint32_t tag, enum prop_form form)
{
    struct gist gist;
    read_flagged(reader, tag, form, &gist);
}

static void read_flagged_with_type(struct reader *reader, uint32_t tag, enum prop_form form, struct gist *gist)
{
    uint16_t type = (uint16_t)row(reader, TAG_TYPE);
    if (!reader->failed && type == PTYP_UNSPECIFIED && peek_u8(reader) == FLAG_VALUE) {
        reader_fail(reader, "A value without a type");
    }
    if (!reader->failed) {
        read_flagged(reader, (tag & 0xFFFF0000) | type, form, gist);
    }
}

void read_flagged_value_with_type(struct reader *reader, uint32_t tag, enum prop_form form)
{
    struct gist gist;
    read_flagged_with_type(reader, tag, form, &gist);
}

void read_value_list(struct reader *reader, enum prop_form form)
{
    uint32_t count = count_of(reader, form, VALUE_LIST_COUNT, VALUE_LIST_COUNT16);
    if (reader_expect(reader, count, 4)) {
        for (uint32_t i = 0; i < count && !reader->failed; i++) {
            read_tagged_value(reader, form);
        }
    }
}

/* ---- columns and rows ---- */

static struct columns read_tags(struct reader *reader, uint32_t count, enum prop_form form)
{
    struct columns columns = { { NULL, 0 }, 0 };
    if (reader->failed || !reader_expect(reader, count, 4)) {
        return columns;
    }
    const uint8_t *start = reader->p + reader->pos;
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        read_labelled_tag(reader, form);
    }
    if (!reader->failed) {
        columns.tags.ptr = start;
        columns.tags.len = (size_t)count * 4;
        columns.count = count;
    }
    return columns;
}

struct columns read_columns(struct reader *reader)
{
    return read_tags(reader, (uint32_t)row(reader, COLUMN_COUNT), PROP_ADDRESS_BOOK);
}

struct columns read_columns16(struct reader *reader)
{
    return read_tags(reader, (uint32_t)row(reader, COLUMN_COUNT16), PROP_ROP);
}

uint32_t column_tag(const struct columns *columns, uint32_t i)
{
    return i < columns->count ? get_le32(columns->tags.ptr + (size_t)i * 4) : 0;
}

void read_property_row(struct reader *reader, const struct columns *columns, enum prop_form form)
{
    uint8_t flag = (uint8_t)row(reader, ROW_FLAG);
    if (!reader->failed && flag > 1) {
        reader->pos--;
        reader_fail(reader, "A flag of a row that is neither 0x00 nor 0x01");
    }
    for (uint32_t i = 0; i < columns->count && !reader->failed; i++) {
        char label[LABEL_MAX];
        struct gist gist = { PTYP_UNSPECIFIED, { NULL, 0 }, 0 };
        uint32_t tag = column_tag(columns, i), start = reader->pos;
        if (!reader_open(reader, label_of(tag, form, label))) {
            return;
        }
        if (flag == 0) {
            read_value(reader, tag & 0xFFFF, tag, form, &gist);
        } else if ((tag & 0xFFFF) == PTYP_UNSPECIFIED) {
            read_flagged_with_type(reader, tag, form, &gist);
        } else {
            read_flagged(reader, tag, form, &gist);
        }
        close_with(reader, &gist);
        charge(reader, start);
    }
}

/* ---- restrictions ---- */

/* The tagged value inside a restriction.
 *
 * MS-OXCDATA 2.12.4 and 2.12.5 have a TaggedPropertyValue behind the tag, and the Filter of
 * GetMatches is such a restriction (MS-OXCMAPIHTTP 2.2.5.5.1), so no HasValue byte belongs
 * there and, its value being no AddressBookPropertyValue, none inside it: the form without
 * is right by the letter. But what clients send to the address book has both: 0xFF (or
 * 0x00, and then nothing) before the tagged value, and HasValue as everywhere in these
 * messages inside it; a server (gromox) takes nothing else. No property type starts with
 * 0xFF, and 0x00 would be PtypUnspecified, which no comparand has, so one byte tells which
 * it is. */
static void read_comparand(struct reader *reader, enum prop_form form)
{
    if (form != PROP_ADDRESS_BOOK) {
        read_tagged(reader, form, form);
        return;
    }
    uint8_t first = (uint8_t)peek_u8(reader);
    if (reader_left(reader) && (first == VALUE_PRESENT || first == VALUE_ABSENT)) {
        row(reader, RESTRICTION_HAS_VALUE);
        if (first == VALUE_PRESENT) {
            read_tagged(reader, form, form);
        }
        return;
    }
    /* Without the byte before the tag, the one before the value may still be there. */
    uint16_t type = (uint16_t)peek_u16(reader);
    read_tagged(reader, form, marked_ahead(reader, 4, type) ? form : PROP_EXTENDED);
}

static void read_content(struct reader *reader, enum prop_form form)
{
    row(reader, RESTRICTION_FUZZY_LOW);
    row(reader, RESTRICTION_FUZZY_HIGH);
    read_labelled_tag(reader, form);
    read_comparand(reader, form);
}

static void read_comment(struct reader *reader, enum prop_form form)
{
    uint32_t count = (uint32_t)row(reader, RESTRICTION_VALUES);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        uint16_t type = (uint16_t)peek_u16(reader);
        bool marked = form != PROP_ADDRESS_BOOK || marked_ahead(reader, 4, type);
        read_tagged(reader, form, marked ? form : PROP_EXTENDED);
    }
    if (row(reader, RESTRICTION_PRESENT)) {
        read_restriction(reader, form);
    }
}

static void read_restriction_body(struct reader *reader, enum prop_form form)
{
    uint32_t count;
    uint8_t type = (uint8_t)row(reader, RESTRICTION_TYPE);
    if (reader->failed) {
        return;
    }
    switch (type) {
    case RESTRICT_AND:
    case RESTRICT_OR:
        count = count_of(reader, form, RESTRICTION_COUNT, RESTRICTION_COUNT16);
        if (reader_expect(reader, count, 3)) {
            for (uint32_t i = 0; i < count && !reader->failed; i++) {
                read_restriction(reader, form);
            }
        }
        break;
    case RESTRICT_NOT:
        read_restriction(reader, form);
        break;
    case RESTRICT_CONTENT:
        read_content(reader, form);
        break;
    case RESTRICT_PROPERTY:
        row(reader, RESTRICTION_RELOP);
        read_labelled_tag(reader, form);
        read_comparand(reader, form);
        break;
    case RESTRICT_COMPARE:
        row(reader, RESTRICTION_RELOP);
        read_labelled_tag(reader, form);
        read_labelled_tag(reader, form);
        break;
    case RESTRICT_BITMASK:
        row(reader, RESTRICTION_BITMAP_RELOP);
        read_labelled_tag(reader, form);
        row(reader, RESTRICTION_MASK);
        break;
    case RESTRICT_SIZE:
        row(reader, RESTRICTION_RELOP);
        read_labelled_tag(reader, form);
        row(reader, RESTRICTION_SIZE);
        break;
    case RESTRICT_EXIST:
        read_labelled_tag(reader, form);
        break;
    case RESTRICT_SUBOBJECT:
        read_labelled_tag(reader, form);
        read_restriction(reader, form);
        break;
    case RESTRICT_COMMENT:
        read_comment(reader, form);
        break;
    case RESTRICT_COUNT:
        row(reader, RESTRICTION_MAXIMUM);
        read_restriction(reader, form);
        break;
    default:
        reader->pos--;
        reader_fail(reader, "A restriction of a type that the specification does not have");
        break;
    }
}

void read_restriction(struct reader *reader, enum prop_form form)
{
    const char *name = reader_left(reader) ? field_name(restriction_names, (uint32_t)peek_u8(reader)) : NULL;
    if (reader_open(reader, name ? name : "Restriction")) {
        read_restriction_body(reader, form);
        reader_close(reader, NULL);
    }
}

/* ---- rule actions, MS-OXORULE 2.2.5 ---- */

/* An entry ID behind its size. */
static void read_sized_id(struct reader *reader, enum row size)
{
    uint32_t len = (uint32_t)row(reader, size);
    if (!reader->failed && len > 0) {
        read_entry_id(reader, len);
    }
}

static void read_move(struct reader *reader, enum prop_form form)
{
    if (form != PROP_ROP) {
        uint32_t store = (uint32_t)row(reader, ACTION_STORE_SIZE);
        if (store > 0) {
            run(reader, ACTION_STORE, store);
        }
        read_sized_id(reader, ACTION_FOLDER_SIZE);
        return;
    }
    bool ours = row(reader, ACTION_IN_THIS_STORE) != 0;
    if (ours) {
        /* Any value, ignored. */
        uint32_t len = (uint32_t)row(reader, ACTION_STORE_SIZE16);
        if (len > 0) {
            run(reader, ACTION_STORE, len);
        }
    } else {
        read_sized_id(reader, ACTION_STORE_SIZE16);
    }
    uint32_t len = (uint32_t)row(reader, ACTION_FOLDER_SIZE16);
    if (ours && len >= 21) {
        /* ServerEid, 2.2.5.1.2.1.1 */
        row(reader, SERVER_ID_OURS);
        row(reader, SERVER_ID_FOLDER);
        row(reader, SERVER_ID_MESSAGE);
        row(reader, SERVER_ID_INSTANCE);
        len -= 21;
    }
    if (len > 0) {
        run(reader, ACTION_FOLDER, len);
    }
}

static void read_reply(struct reader *reader, enum prop_form form)
{
    if (form != PROP_ROP) {
        read_sized_id(reader, ACTION_MESSAGE_SIZE);
    } else {
        row(reader, ACTION_TEMPLATE_FOLDER);
        row(reader, ACTION_TEMPLATE_MESSAGE);
    }
    row(reader, ACTION_TEMPLATE_GUID);
}

/* The specification gives the two counts 4 bytes, clients and servers write 2 of them in
 * ROP buffers. Behind 2 bytes comes Reserved, which Exchange makes 1, behind half a count of
 * 4 bytes a zero. */
static void read_recipients(struct reader *reader, enum prop_form form)
{
    bool wide = form != PROP_ROP || (reader_left(reader) > 2 && reader->p[reader->pos + 2] == 0);
    uint32_t count = (uint32_t)row(reader, wide ? ACTION_RECIPIENTS : ACTION_RECIPIENTS16);
    if (!reader_expect(reader, count, wide ? 5 : 3)) {
        return;
    }
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        if (!reader_open(reader, "RecipientBlockData")) {
            return;
        }
        row(reader, ACTION_RESERVED);
        uint32_t values = (uint32_t)row(reader, wide ? ACTION_PROPERTIES : ACTION_PROPERTIES16);
        if (reader_expect(reader, values, 4)) {
            for (uint32_t j = 0; j < values && !reader->failed; j++) {
                read_tagged(reader, form, form);
            }
        }
        reader_close(reader, NULL);
    }
}

/* The rest of an action block, of its own length. */
static void read_action(struct reader *reader, enum prop_form form)
{
    uint8_t type = (uint8_t)row(reader, ACTION_TYPE);
    row(reader, ACTION_FLAVOR);
    row(reader, ACTION_FLAGS);
    if (reader->failed) {
        return;
    }
    switch (type) {
    case OP_MOVE:
    case OP_COPY:
        read_move(reader, form);
        break;
    case OP_REPLY:
    case OP_OOF_REPLY:
        read_reply(reader, form);
        break;
    case OP_BOUNCE:
        row(reader, ACTION_BOUNCE);
        break;
    case OP_FORWARD:
    case OP_DELEGATE:
        read_recipients(reader, form);
        break;
    case OP_TAG:
        read_tagged(reader, form, form);
        break;
    default:                     /* OP_DEFER_ACTION is the client's; others have none */
        break;
    }
    if (reader_left(reader) > 0) {
        run(reader, ACTION_DATA, reader_left(reader));
    }
}

/* Rules of a mailbox have counts of 16 bits, extended ones of 32, and nothing says which
 * stand in a message of the address book: MS-OXCDATA 2.11.1 gives the type 16 bits and
 * widens others there. Behind a count of 16 bits comes a length, which is not 0; behind the
 * low half of one of 32 bits its high half, which is. Values inside have no HasValue. */
static enum prop_form rule_form(const struct reader *reader, enum prop_form form)
{
    if (form != PROP_ADDRESS_BOOK) {
        return form;
    }
    return reader_left(reader) >= 4 && get_le16(reader->p + reader->pos + 2) == 0 ? PROP_EXTENDED : PROP_ROP;
}

void read_rule_action(struct reader *reader, enum prop_form form)
{
    form = rule_form(reader, form);
    uint32_t count = count_of(reader, form, ACTION_COUNT, ACTION_COUNT16);
    if (!reader_expect(reader, count, form == PROP_ROP ? 2 + 9 : 4 + 9)) {
        return;
    }
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        if (!reader_open(reader, "ActionBlock")) {
            return;
        }
        uint32_t len = count_of(reader, form, ACTION_LENGTH, ACTION_LENGTH16);
        if (!reader->failed && reader_lacks(reader, len)) {
            reader_fail(reader, "An action longer than the message");
        }
        if (!reader->failed) {
            struct reader part = reader_part(reader, len);
            const char *name = reader_left(&part) ? field_name(action_names, (uint32_t)peek_u8(&part)) : NULL;
            read_action(&part, form);
            reader_resume(reader, &part);
            reader_close(reader, name);
        } else {
            reader_close(reader, NULL);
        }
    }
}

/* ---- entry IDs ---- */

/* Of what is not known by its first bytes, and of what is left behind what is. */
static void read_id_rest(struct reader *part)
{
    if (reader_left(part) > 0) {
        run(part, ID_DATA, reader_left(part));
    }
}

static void read_id_head(struct reader *part)
{
    row(part, ID_FLAGS);
    read_guid(part, ID_PROVIDER);
}

/* MS-OXNSPI 2.2.9.2 and 2.2.9.3. Returns the distinguished name. */
static struct span read_directory_id(struct reader *part, bool ephemeral)
{
    struct span dn = { NULL, 0 };
    row(part, ID_TYPE);
    run(part, ID_RESERVED, 3);
    read_guid(part, ID_PROVIDER);
    row(part, ID_VERSION);
    row(part, ID_DISPLAY_TYPE);
    if (ephemeral) {
        row(part, ID_MID);
    } else {
        dn = read_string8(part, &rows[ID_DN]);
    }
    return dn;
}

static void read_global_id(struct reader *part, const char *label)
{
    if (reader_open(part, label)) {
        row(part, ID_DATABASE);
        run(part, ID_COUNTER, 6);
        row(part, ID_PAD);
        reader_close(part, NULL);
    }
}

/* MS-OXCDATA 2.2.4.1 and 2.2.4.2 */
static void read_object_id(struct reader *part, bool message)
{
    read_id_head(part);
    row(part, ID_OBJECT_TYPE);
    read_global_id(part, "Folder");
    if (message) {
        read_global_id(part, "Message");
    }
}

/* MS-OXCDATA 2.2.4.3 */
static void read_store_id(struct reader *part)
{
    read_id_head(part);
    row(part, ID_STORE_VERSION);
    row(part, ID_STORE_FLAG);
    run(part, ID_STORE_DLL, 14);
    row(part, ID_STORE_FLAGS);
    read_guid(part, ID_STORE_PROVIDER);
    row(part, ID_STORE_TYPE);
    read_string8(part, &rows[ID_STORE_SERVER]);
    if (reader_left(part) > 0) {
        read_string8(part, &rows[ID_STORE_DN]);      /* not of public folders */
    }
}

/* MS-OXCDATA 2.2.5.1 */
static void read_one_off_id(struct reader *part)
{
    read_id_head(part);
    row(part, ID_ONEOFF_VERSION);
    uint32_t flags = (uint32_t)row(part, ID_ONEOFF_FLAGS);
    if (flags & 0x8000) {
        read_string16(part, &rows[ID_ONEOFF_NAME]);
        read_string16(part, &rows[ID_ONEOFF_TYPE]);
        read_string16(part, &rows[ID_ONEOFF_ADDRESS]);
    } else {
        read_string8(part, &rows[ID_ONEOFF_NAME8]);
        read_string8(part, &rows[ID_ONEOFF_TYPE8]);
        read_string8(part, &rows[ID_ONEOFF_ADDRESS8]);
    }
}

/* MS-OXCDATA 2.2.5.3 */
static void read_contact_id(struct reader *part)
{
    read_id_head(part);
    row(part, ID_VERSION);
    row(part, ID_CONTACT_TYPE);
    row(part, ID_CONTACT_INDEX);
    uint32_t len = (uint32_t)row(part, ID_CONTACT_SIZE);
    if (!part->failed && len > 0) {
        read_entry_id(part, len);
    }
}

/* A member of a personal distribution list, MS-OXOCNTC 2.2.2.2.4: another ID inside. */
static void read_wrapped_id(struct reader *part)
{
    read_id_head(part);
    row(part, ID_WRAPPED_TYPE);
    if (reader_left(part) > 0) {
        read_entry_id(part, reader_left(part));
    }
}

enum id_kind { KIND_OTHER, KIND_PERMANENT, KIND_EPHEMERAL, KIND_FOLDER, KIND_MESSAGE, KIND_STORE, KIND_ONE_OFF,
               KIND_CONTACT, KIND_WRAPPED };
static const char *const id_labels[] = {
    "EntryID", "PermanentEntryID", "EphemeralEntryID", "Folder EntryID", "Message EntryID", "Store Object EntryID",
    "One-Off EntryID", "Contact Address EntryID", "Wrapped EntryID"
};

/* What an EntryID is, by its provider; folders and messages of a mailbox have the mailbox's
 * GUID there, and are known by their length and type. */
static enum id_kind id_kind(const uint8_t *p, uint32_t have, uint32_t len)
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
    for (size_t i = 0; name && i < COUNT(kinds); i++) {
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
    enum id_kind kind = id_kind(part.p + part.pos, reader_left(&part), len);
    struct gist gist = { PTYP_UNSPECIFIED, { NULL, 0 }, 0 };
    if (!reader_open(&part, id_labels[kind])) {
        reader_resume(reader, &part);
        return;
    }
    switch (kind) {
    case KIND_PERMANENT:
    case KIND_EPHEMERAL:
        gist.bytes = read_directory_id(&part, kind == KIND_EPHEMERAL);
        gist.type = gist.bytes.ptr ? PTYP_STRING8 : PTYP_UNSPECIFIED;
        break;
    case KIND_FOLDER:
    case KIND_MESSAGE:
        read_object_id(&part, kind == KIND_MESSAGE);
        break;
    case KIND_STORE:
        read_store_id(&part);
        break;
    case KIND_ONE_OFF:
        read_one_off_id(&part);
        break;
    case KIND_CONTACT:
        read_contact_id(&part);
        break;
    case KIND_WRAPPED:
        read_wrapped_id(&part);
        break;
    default:
        break;
    }
    read_id_rest(&part);
    close_with(&part, &gist);
    reader_resume(reader, &part);
}
