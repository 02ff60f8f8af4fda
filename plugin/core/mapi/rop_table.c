/* rop_table.c
 * ROPs of MS-OXCROPS 2.2.5: tables (MS-OXCTABL 2.2.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_private.h"

static LAYOUT(input_request, INPUT);

/* ---- columns, order, restriction ---- */

#define TABLE_STATUS U8("table_status", "TableStatus", .names = rop_table_status_names, .seen = keep_mode)
#define ASYNC(name) BIT(name ".tbl_async", "TBL_ASYNC", 0x01)

static LAYOUT(status_response, INPUT, RETURN_VALUE, SUCCESS(TABLE_STATUS));

static LAYOUT(set_columns_request, INPUT, X8("set_columns_flags", "SetColumnsFlags"), ASYNC("set_columns_flags"),
              TAG_COUNT, TAGS);

/* MS-OXCDATA 2.13.1 */
static FIELD_NAMES(order_names, 0x00, "Ascending", 0x01, "Descending", 0x04, "MaximumCategory");

static LAYOUT(sort_table_request, INPUT, X8("sort_table_flags", "SortTableFlags"), ASYNC("sort_table_flags"),
              U16("sort_order_count", "SortOrderCount"), KEEP(0), U16("category_count", "CategoryCount"),
              U16("expanded_count", "ExpandedCount"), RECALL(0),
              LIST("SortOrders", NULL,
                   GROUP("SortOrder", NULL, READ(rop_read_tag, 4), U8("order", "Order", .names = order_names))));
static LAYOUT(restrict_request, INPUT, X8("restrict_flags", "RestrictFlags"), ASYNC("restrict_flags"),
              RESTRICTION_DATA);

/* ---- rows ---- */

static FIELD_NAMES(query_names, 0, "Advance", 1, "NoAdvance", 2, "EnablePackedBuffers");

#define ORIGIN U8("origin", "Origin", .names = rop_origin_names)
#define ROWS_BY_COLUMNS U16("row_count", "RowCount", .seen = keep_rows), READ(rop_read_rows, 0)

static LAYOUT(query_rows_request, INPUT, U8("query_rows_flags", "QueryRowsFlags", .names = query_names),
              YES8("forward_read", "ForwardRead"), U16("row_count", "RowCount", .seen = keep_rows));
static LAYOUT(query_rows_response, INPUT, RETURN_VALUE, SUCCESS(ORIGIN, ROWS_BY_COLUMNS));

#define BOOKMARK U16("bookmark_size", "BookmarkSize"), SIZED("bookmark", "Bookmark")

static FIELD_NAMES(find_names, 0, "forwards", 1, "backwards");

static void read_found(struct layout_run *run, const struct field *at)
{
    (void)at;
    rop_read_row(run, "Row");
}

static LAYOUT(find_row_request, INPUT, U8("find_row_flags", "FindRowFlags", .names = find_names), RESTRICTION_DATA,
              ORIGIN, BOOKMARK);
static LAYOUT(find_row_response, INPUT, RETURN_VALUE,
              SUCCESS(YES8("row_no_longer_visible", "RowNoLongerVisible"), YES8("has_row_data", "HasRowData"),
                      IF(READ(read_found, 1))));

/* ---- position ---- */

#define FRACTION U32("numerator", "Numerator"), U32("denominator", "Denominator")

static LAYOUT(query_position_response, INPUT, RETURN_VALUE, SUCCESS(FRACTION));

#define SEEK(filter) I32(filter, "RowCount"), YES8("want_row_moved_count", "WantRowMovedCount")
#define SOUGHT YES8("has_sought_less", "HasSoughtLess"), I32("rows_sought", "RowsSought")

static LAYOUT(seek_row_request, INPUT, ORIGIN, SEEK("seek_row.row_count"));
static LAYOUT(seek_row_response, INPUT, RETURN_VALUE, SUCCESS(SOUGHT));
static LAYOUT(seek_row_bookmark_request, INPUT, BOOKMARK, SEEK("seek_row_bookmark.row_count"));
static LAYOUT(seek_row_bookmark_response, INPUT, RETURN_VALUE,
              SUCCESS(YES8("row_no_longer_visible", "RowNoLongerVisible"), SOUGHT));
static LAYOUT(seek_row_fractional_request, INPUT, FRACTION);
static LAYOUT(create_bookmark_response, INPUT, RETURN_VALUE, SUCCESS(BOOKMARK));
static LAYOUT(free_bookmark_request, INPUT, BOOKMARK);

static LAYOUT(query_columns_all_response, INPUT, RETURN_VALUE, SUCCESS(TAG_COUNT, TAGS));

/* ---- categories ---- */

#define CATEGORY_ID ANY_ID("category_id", "CategoryId")
#define COLLAPSE_STATE U16("collapse_state_size", "CollapseStateSize"), SIZED("collapse_state", "CollapseState")

static LAYOUT(expand_row_request, INPUT, U16("max_row_count", "MaxRowCount"), CATEGORY_ID);
static LAYOUT(expand_row_response, INPUT, RETURN_VALUE,
              SUCCESS(U32("expanded_row_count", "ExpandedRowCount"), ROWS_BY_COLUMNS));
static LAYOUT(collapse_row_request, INPUT, CATEGORY_ID);
static LAYOUT(collapse_row_response, INPUT, RETURN_VALUE, SUCCESS(U32("collapsed_row_count", "CollapsedRowCount")));
static LAYOUT(get_collapse_state_request, INPUT, ANY_ID("get_collapse_state.row_id", "RowId"),
              U32("row_instance_number", "RowInstanceNumber"));
static LAYOUT(get_collapse_state_response, INPUT, RETURN_VALUE, SUCCESS(COLLAPSE_STATE));
static LAYOUT(set_collapse_state_request, INPUT, COLLAPSE_STATE);
static LAYOUT(set_collapse_state_response, INPUT, RETURN_VALUE, SUCCESS(BOOKMARK));

CHOICES(rops_of_tables, ROP(0x12, "SetColumns", set_columns_request, status_response),
        ROP(0x13, "SortTable", sort_table_request, status_response),
        ROP(0x14, "Restrict", restrict_request, status_response),
        ROP(0x15, "QueryRows", query_rows_request, query_rows_response),
        ROP(0x16, "GetStatus", input_request, status_response),
        ROP(0x17, "QueryPosition", input_request, query_position_response),
        ROP(0x18, "SeekRow", seek_row_request, seek_row_response),
        ROP(0x19, "SeekRowBookmark", seek_row_bookmark_request, seek_row_bookmark_response),
        ROP(0x1A, "SeekRowFractional", seek_row_fractional_request, rop_input_answer),
        ROP(0x1B, "CreateBookmark", input_request, create_bookmark_response),
        ROP(0x37, "QueryColumnsAll", input_request, query_columns_all_response),
        ROP(0x38, "Abort", input_request, status_response), ROP(0x4F, "FindRow", find_row_request, find_row_response),
        ROP(0x59, "ExpandRow", expand_row_request, expand_row_response),
        ROP(0x5A, "CollapseRow", collapse_row_request, collapse_row_response),
        ROP(0x6B, "GetCollapseState", get_collapse_state_request, get_collapse_state_response),
        ROP(0x6C, "SetCollapseState", set_collapse_state_request, set_collapse_state_response),
        ROP(0x81, "ResetTable", input_request, rop_input_answer),
        ROP(0x89, "FreeBookmark", free_bookmark_request, rop_input_answer));
