/* rop_folder.c
 * ROPs of MS-OXCROPS 2.2.4, 2.2.10 and 2.2.11: folders, their permissions and their rules.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_private.h"

/* ---- 2.2.4.1, 2.2.4.2 open and create ---- */

#define GHOST                                                                                                     \
    YES8("is_ghosted", "IsGhosted"),                                                                              \
        IF(U16("server_count", "ServerCount"), KEEP(0), U16("cheap_server_count", "CheapServerCount"), RECALL(0), \
           TIMES(STRING8("servers", "Servers")))
#define HAS_RULES YES8("has_rules", "HasRules")

static LAYOUT(open_folder_request, INPUT, OUTPUT, FOLDER_ID, X8("open_mode_flags", "OpenModeFlags"),
              BIT("open_mode_flags.open_soft_deleted", "OpenSoftDeleted", 0x04));
static LAYOUT(open_folder_response, OUTPUT, RETURN_VALUE, SUCCESS(HAS_RULES, GHOST));

static FIELD_NAMES(folder_type_names, 1, "Generic", 2, "Search");

static void keep_name(struct layout_run *run, const struct field_value *value)
{
    struct rop_took *took = &rop_scene(run)->took;
    took->wide = value->field->kind == FIELD_STRING16;
    took->name = (struct span){ value->bytes, value->len - (took->wide ? 2 : 1) };
}

static LAYOUT(create_folder_request, INPUT, OUTPUT, U8("folder_type", "FolderType", .names = folder_type_names),
              YES8("use_unicode_strings", "UseUnicodeStrings"), KEEP(0), YES8("open_existing", "OpenExisting"),
              U8("reserved", "Reserved"), RECALL(0), EITHER_STRING("display_name", "DisplayName", keep_name), RECALL(0),
              EITHER_STRING("comment", "Comment", NULL));
static LAYOUT(create_folder_response, OUTPUT, RETURN_VALUE,
              SUCCESS(FOLDER_ID, YES8("is_existing_folder", "IsExistingFolder"), IF(HAS_RULES, GHOST)));

/* ---- 2.2.4.3, 2.2.4.9 to 2.2.4.12 delete ---- */

static LAYOUT(delete_folder_request, INPUT, X8("delete_folder_flags", "DeleteFolderFlags"),
              BIT("delete_folder_flags.del_messages", "DEL_MESSAGES", 0x01),
              BIT("delete_folder_flags.del_folders", "DEL_FOLDERS", 0x04),
              BIT("delete_folder_flags.delete_hard_delete", "DELETE_HARD_DELETE", 0x10), FOLDER_ID);
static LAYOUT(partial_response, INPUT, RETURN_VALUE, ALWAYS(PARTIAL));

#define MESSAGE_IDS \
    U16("message_id_count", "MessageIdCount"), LIST("MessageIds", NULL, ANY_ID("message_ids", "MessageId"))

static LAYOUT(empty_folder_request, INPUT, WANT_ASYNC, YES8("want_delete_associated", "WantDeleteAssociated"));
static LAYOUT(delete_messages_request, INPUT, WANT_ASYNC, YES8("notify_non_read", "NotifyNonRead"), MESSAGE_IDS);

/* ---- 2.2.4.4, 2.2.4.5 search folders ---- */

#define FOLDER_IDS U16("folder_id_count", "FolderIdCount"), LIST("FolderIds", NULL, ANY_ID("folder_ids", "FolderId"))

static LAYOUT(set_search_criteria_request, INPUT, RESTRICTION_DATA, FOLDER_IDS, X32("search_flags", "SearchFlags"),
              BIT("search_flags.stop_search", "STOP_SEARCH", 0x00000001),
              BIT("search_flags.restart_search", "RESTART_SEARCH", 0x00000002),
              BIT("search_flags.recursive_search", "RECURSIVE_SEARCH", 0x00000004),
              BIT("search_flags.shallow_search", "SHALLOW_SEARCH", 0x00000008),
              BIT("search_flags.content_indexed_search", "CONTENT_INDEXED_SEARCH", 0x00010000),
              BIT("search_flags.non_content_indexed_search", "NON_CONTENT_INDEXED_SEARCH", 0x00020000),
              BIT("search_flags.static_search", "STATIC_SEARCH", 0x00040000));
static LAYOUT(get_search_criteria_request, INPUT, YES8("use_unicode", "UseUnicode"),
              YES8("include_restriction", "IncludeRestriction"), YES8("include_folders", "IncludeFolders"));
static LAYOUT(get_search_criteria_response, INPUT, RETURN_VALUE,
              SUCCESS(RESTRICTION_DATA, U8("logon_id", "LogonId"), FOLDER_IDS, X32("search_flags", "SearchFlags"),
                      BIT("search_flags.search_running", "SEARCH_RUNNING", 0x00000001),
                      BIT("search_flags.search_rebuild", "SEARCH_REBUILD", 0x00000002),
                      BIT("search_flags.search_recursive", "SEARCH_RECURSIVE", 0x00000004),
                      BIT("search_flags.search_complete", "SEARCH_COMPLETE", 0x00001000),
                      BIT("search_flags.search_partial", "SEARCH_PARTIAL", 0x00002000),
                      BIT("search_flags.search_static", "SEARCH_STATIC", 0x00010000),
                      BIT("search_flags.search_maybe_static", "SEARCH_MAYBE_STATIC", 0x00020000),
                      BIT("search_flags.ci_totally", "CI_TOTALLY", 0x01000000),
                      BIT("search_flags.twir_totally", "TWIR_TOTALLY", 0x08000000)));

/* ---- 2.2.4.6 to 2.2.4.8 move and copy ---- */

static LAYOUT(move_copy_messages_request, SOURCE, DEST, MESSAGE_IDS, WANT_ASYNC, YES8("want_copy", "WantCopy"));
static LAYOUT(move_folder_request, SOURCE, DEST, WANT_ASYNC, YES8("use_unicode", "UseUnicode"), KEEP(0), FOLDER_ID,
              RECALL(0), EITHER_STRING("new_folder_name", "NewFolderName", NULL));
static LAYOUT(copy_folder_request, SOURCE, DEST, WANT_ASYNC, YES8("want_recursive", "WantRecursive"),
              YES8("use_unicode", "UseUnicode"), KEEP(0), FOLDER_ID, RECALL(0),
              EITHER_STRING("new_folder_name", "NewFolderName", NULL));
static LAYOUT(move_copy_response, SOURCE, RETURN_VALUE, ALWAYS(NULL_DESTINATION, PARTIAL));

/* ---- 2.2.4.13, 2.2.4.14 tables ---- */

static LAYOUT(get_hierarchy_table_request, INPUT, OUTPUT, X8("table_flags", "TableFlags"),
              BIT("table_flags.depth", "Depth", 0x04), BIT("table_flags.deferred_errors", "DeferredErrors", 0x08),
              BIT("table_flags.no_notifications", "NoNotifications", 0x10),
              BIT("table_flags.soft_deletes", "SoftDeletes", 0x20), BIT("table_flags.use_unicode", "UseUnicode", 0x40),
              BIT("table_flags.suppresses_notifications", "SuppressesNotifications", 0x80));
static LAYOUT(get_contents_table_request, INPUT, OUTPUT, X8("table_flags", "TableFlags", .seen = keep_mode),
              BIT("table_flags.associated", "Associated", 0x02),
              BIT("table_flags.deferred_errors", "DeferredErrors", 0x08),
              BIT("table_flags.no_notifications", "NoNotifications", 0x10),
              BIT("table_flags.soft_deletes", "SoftDeletes", 0x20), BIT("table_flags.use_unicode", "UseUnicode", 0x40),
              BIT("table_flags.conversation_members", "ConversationMembers", 0x80));
static LAYOUT(get_table_response, OUTPUT, RETURN_VALUE, SUCCESS(U32("row_count", "RowCount", .seen = keep_rows)));

/* ---- 2.2.10 permissions (MS-OXCPERM 2.2) ---- */

static FIELD_NAMES(permission_names, 1, "AddRow", 2, "ModifyRow", 4, "RemoveRow");

#define VALUES U16("property_value_count", "PropertyValueCount"), TAGGED_VALUES

static LAYOUT(get_permissions_table_request, INPUT, OUTPUT, X8("table_flags", "TableFlags"),
              BIT("table_flags.include_free_busy", "IncludeFreeBusy", 0x02));
static LAYOUT(modify_permissions_request, INPUT, X8("modify_flags", "ModifyFlags"),
              BIT("modify_flags.replace_rows", "ReplaceRows", 0x01),
              BIT("modify_flags.include_free_busy", "IncludeFreeBusy", 0x02), U16("modify_count", "ModifyCount"),
              LIST("PermissionsData", NULL,
                   GROUP("PermissionData", NULL,
                         X8("permission_data_flags", "PermissionDataFlags", .names = permission_names), VALUES)));

/* ---- 2.2.11 rules (MS-OXORULE 2.2) ---- */

static FIELD_NAMES(rule_names, 1, "ROW_ADD", 2, "ROW_MODIFY", 4, "ROW_REMOVE");

static LAYOUT(get_rules_table_request, INPUT, OUTPUT, X8("table_flags", "TableFlags"),
              BIT("table_flags.use_unicode", "UseUnicode", 0x40));
static LAYOUT(modify_rules_request, INPUT, X8("modify_rules_flags", "ModifyRulesFlags"),
              BIT("modify_rules_flags.r", "R: replaces all", 0x01), U16("rules_count", "RulesCount"),
              LIST("RulesData", NULL,
                   GROUP("RuleData", NULL, X8("rule_data_flags", "RuleDataFlags", .names = rule_names), VALUES)));
static LAYOUT(update_deferred_action_messages_request, INPUT, U16("server_entry_id_size", "ServerEntryIdSize"),
              SIZED("server_entry_id", "ServerEntryId"), U16("client_entry_id_size", "ClientEntryIdSize"),
              SIZED("client_entry_id", "ClientEntryId"));

CHOICES(rops_of_folders, ROP(0x02, "OpenFolder", open_folder_request, open_folder_response),
        ROP(0x04, "GetHierarchyTable", get_hierarchy_table_request, get_table_response),
        ROP(0x05, "GetContentsTable", get_contents_table_request, get_table_response),
        ROP(0x1C, "CreateFolder", create_folder_request, create_folder_response),
        ROP(0x1D, "DeleteFolder", delete_folder_request, partial_response),
        ROP(0x1E, "DeleteMessages", delete_messages_request, partial_response),
        ROP(0x30, "SetSearchCriteria", set_search_criteria_request, rop_input_answer),
        ROP(0x31, "GetSearchCriteria", get_search_criteria_request, get_search_criteria_response),
        ROP(0x33, "MoveCopyMessages", move_copy_messages_request, move_copy_response),
        ROP(0x35, "MoveFolder", move_folder_request, move_copy_response),
        ROP(0x36, "CopyFolder", copy_folder_request, move_copy_response),
        ROP(0x3E, "GetPermissionsTable", get_permissions_table_request, rop_output_answer),
        ROP(0x3F, "GetRulesTable", get_rules_table_request, rop_output_answer),
        ROP(0x40, "ModifyPermissions", modify_permissions_request, rop_input_answer),
        ROP(0x41, "ModifyRules", modify_rules_request, rop_input_answer),
        ROP(0x57, "UpdateDeferredActionMessages", update_deferred_action_messages_request, rop_input_answer),
        ROP(0x58, "EmptyFolder", empty_folder_request, partial_response),
        ROP(0x91, "HardDeleteMessages", delete_messages_request, partial_response),
        ROP(0x92, "HardDeleteMessagesAndSubfolders", empty_folder_request, partial_response));
