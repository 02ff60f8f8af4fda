/* stats.c
 * The table of -z rpch,connections, also in the GUI's Statistics menu: a row for each
 * virtual connection and leg.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "ws.h"

#include <epan/stat_tap_ui.h>

enum column {
    COLUMN_VC, COLUMN_LEG, COLUMN_START, COLUMN_USER, COLUMN_CLIENT, COLUMN_TARGET, COLUMN_IN_PEER, COLUMN_OUT_PEER,
    COLUMN_SETUP, COLUMN_CALLS, COLUMN_FAULTS, COLUMN_IDLE, COLUMN_STATE, COLUMN_ENDED, COLUMN_VERDICT, COLUMN_FRAME,
    COLUMN_WHERE, COLUMN_REQUEST_ID, COLUMNS
};

/* Titles as tools/table.py knows them. */
static stat_tap_table_item columns[COLUMNS] = {
    [COLUMN_VC] = { TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "VC", "%4u" },
    [COLUMN_LEG] = { TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Leg", "%3u" },
    [COLUMN_START] = { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Start", "%-24s" },
    [COLUMN_USER] = { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "User", "%s" },
    [COLUMN_CLIENT] = { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Client", "%s" },
    [COLUMN_TARGET] = { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Target", "%s" },
    [COLUMN_IN_PEER] = { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "IN peer", "%s" },
    [COLUMN_OUT_PEER] = { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "OUT peer", "%s" },
    [COLUMN_SETUP] = { TABLE_ITEM_STRING, TAP_ALIGN_RIGHT, "Set-up time", "%s" },
    [COLUMN_CALLS] = { TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Calls", "%u" },
    [COLUMN_FAULTS] = { TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Faults", "%u" },
    [COLUMN_IDLE] = { TABLE_ITEM_STRING, TAP_ALIGN_RIGHT, "Longest idle", "%s" },
    [COLUMN_STATE] = { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "State", "%s" },
    [COLUMN_ENDED] = { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Ended", "%s" },
    [COLUMN_VERDICT] = { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Verdict", "%s" },
    [COLUMN_FRAME] = { TABLE_ITEM_STRING, TAP_ALIGN_RIGHT, "Frame", "%s" },
    [COLUMN_WHERE] = { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Where", "%s" },
    [COLUMN_REQUEST_ID] = { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Request id", "%s" },
};

/* Text for a cell; "|" would end it for those who read the table again. */
static char *cell(const char *text)
{
    char *copy = g_strdup(text && *text ? text : "-");
    for (char *p = copy; *p; p++) {
        if (*p == '|' || (unsigned char)*p < ' ')
            *p = '?';
    }
    return copy;
}

static char *seconds(int64_t ns)
{
    return ns < 0 ? g_strdup("-") : g_strdup_printf("%.3f s", (double)ns / 1e9);
}

static char *peer(bool known, const struct endpoint *endpoint)
{
    char text[ENDPOINT_TEXT_MAX];
    if (!known)
        return g_strdup("-");
    endpoint_format(endpoint, text);
    return g_strdup(text);
}

static char *utc(const struct when *when)
{
    GDateTime *moment = g_date_time_new_from_unix_utc(when->ns / 1000000000);
    if (!moment)
        return g_strdup("-");
    char *whole = g_date_time_format(moment, "%Y-%m-%dT%H:%M:%S");
    char *text = g_strdup_printf("%s.%03dZ", whole, (int)(when->ns % 1000000000 / 1000000));
    g_free(whole);
    g_date_time_unref(moment);
    return text;
}

static char *where(const struct leg_row *row)
{
    if (row->where == WHERE_NONE || row->where == WHERE_UNKNOWN) {
        if (row->cannot_tell)
            return g_strdup_printf("CANNOT TELL: %s", row->cannot_tell);
        return g_strdup(row->where == WHERE_NONE ? "-" : "CANNOT TELL");
    }
    return g_strdup_printf("%s (%s)", verdict_where_name(row->where), row->where_seen ? "seen" : "inferred");
}

static void fill(stat_tap_table *table, uint32_t index)
{
    struct leg_row row;
    if (!vworld_row(store_world(), index, &row))
        return;
    stat_tap_table_item_type items[COLUMNS];
    memset(items, 0, sizeof items);
    for (int column = 0; column < COLUMNS; column++)
        items[column].type = columns[column].type;
    items[COLUMN_VC].value.uint_value = row.vc;
    items[COLUMN_LEG].value.uint_value = row.leg;
    items[COLUMN_START].value.string_value = utc(&row.start);
    items[COLUMN_USER].value.string_value = cell(row.user);
    items[COLUMN_CLIENT].value.string_value = peer(row.has_client, &row.client);
    items[COLUMN_TARGET].value.string_value = cell(row.target);
    items[COLUMN_IN_PEER].value.string_value = peer(row.has_in_peer, &row.in_peer);
    items[COLUMN_OUT_PEER].value.string_value = peer(row.has_out_peer, &row.out_peer);
    items[COLUMN_SETUP].value.string_value = seconds(row.setup_ns);
    items[COLUMN_CALLS].value.uint_value = row.calls;
    items[COLUMN_FAULTS].value.uint_value = row.faults;
    items[COLUMN_IDLE].value.string_value = seconds(row.longest_idle_ns);
    items[COLUMN_STATE].value.string_value = cell(row.state);
    items[COLUMN_ENDED].value.string_value = cell(row.ended);
    items[COLUMN_VERDICT].value.string_value =
        cell(row.verdict == VERDICT_KINDS ? NULL : verdict_filter(row.verdict));
    items[COLUMN_FRAME].value.string_value =
        row.verdict_frame ? g_strdup_printf("%u", row.verdict_frame) : g_strdup("-");
    items[COLUMN_WHERE].value.string_value = where(&row);
    items[COLUMN_REQUEST_ID].value.string_value = cell(row.request_id);
    if (index >= table->num_elements) {
        stat_tap_init_table_row(table, index, COLUMNS, items);
        return;
    }
    for (int column = 0; column < COLUMNS; column++) {
        stat_tap_table_item_type *old = stat_tap_get_field_data(table, index, (unsigned)column);
        if (old->type == TABLE_ITEM_STRING)
            g_free((char *)old->value.string_value);
        stat_tap_set_field_data(table, index, (unsigned)column, &items[column]);
    }
}

/* The row of a leg: verdicts on this frame may be about another one. */
static uint32_t row_of(const stat_tap_table *table, uint32_t vc, uint32_t leg)
{
    /* Rows stand in the order of numbering, so those of one connection are rarely far from
     * its number: legs are added behind. */
    for (uint32_t index = vc; index < table->num_elements; index++) {
        if (stat_tap_get_field_data(table, index, COLUMN_VC)->value.uint_value == vc
            && stat_tap_get_field_data(table, index, COLUMN_LEG)->value.uint_value == leg)
            return index;
    }
    return NO_NUMBER;
}

static tap_packet_status on_packet(void *tapdata, packet_info *pinfo _U_, epan_dissect_t *edt _U_, const void *data,
                                   tap_flags_t flags _U_)
{
    stat_data_t *stat = (stat_data_t *)tapdata;
    stat_tap_table *table = g_array_index(stat->stat_tap_data->tables, stat_tap_table *, 0);
    const struct frame_note *note = (const struct frame_note *)data;
    /* Rows are numbered in order: what is missing before this one is filled too. */
    while (note->row != NO_NUMBER && table->num_elements < note->row)
        fill(table, table->num_elements);
    if (note->row != NO_NUMBER)
        fill(table, note->row);
    for (const struct verdict *verdict = note->verdicts; verdict; verdict = verdict->next) {
        uint32_t row = row_of(table, verdict->vc, verdict->leg);
        if (row != NO_NUMBER && row != note->row)
            fill(table, row);
    }
    return TAP_PACKET_REDRAW;
}

static void free_item(stat_tap_table *table _U_, unsigned row _U_, unsigned column _U_,
                      stat_tap_table_item_type *item)
{
    if (item->type == TABLE_ITEM_STRING) {
        g_free((char *)item->value.string_value);
        item->value.string_value = NULL;
        item->type = TABLE_ITEM_NONE;
    }
}

static void reset(stat_tap_table *table)
{
    for (unsigned row = 0; row < table->num_elements; row++) {
        for (unsigned column = 0; column < COLUMNS; column++)
            free_item(table, row, column, stat_tap_get_field_data(table, row, column));
        g_free(table->elements[row]);
    }
    g_free(table->elements);
    table->elements = NULL;
    table->num_elements = 0;
}

static void init(stat_tap_table_ui *stat)
{
    static const char title[] = "RPC over HTTP connections";
    stat_tap_table *table = stat_tap_find_table(stat, title);
    if (table) {
        if (stat->stat_tap_reset_table_cb)
            stat->stat_tap_reset_table_cb(table);
        return;
    }
    table = stat_tap_init_table(title, COLUMNS, 0, NULL);
    stat_tap_add_table(stat, table);
}

void stats_register(void)
{
    static tap_param params[] = { { PARAM_FILTER, "filter", "Filter", NULL, TRUE } };
    static stat_tap_table_ui connections = {
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
        .title = "RPC over HTTP Connections",
        .tap_name = "rpch",
        .cli_string = "rpch,connections",
        .stat_tap_init_cb = init,
        .packet_func = on_packet,
        .stat_tap_reset_table_cb = reset,
        .stat_tap_free_table_item_cb = free_item,
        .nfields = COLUMNS,
        .fields = columns,
        .nparams = G_N_ELEMENTS(params),
        .params = params,
    };
    register_stat_tap_table_ui(&connections);
}
