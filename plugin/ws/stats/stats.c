/* stats.c
 * The tables of -z rpch,connections, mapihttp,sessions and outlook,auth and the response
 * times of -z mapihttp,srt, all in the GUI's Statistics menu too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "stats.h"

#include "compat.h"

#include <epan/srt_table.h>
#include <epan/stat_tap_ui.h>

#include "connections.h"
#include "ids.h"
#include "logons.h"
#include "notes.h"
#include "sessions.h"
#include "store.h"

#define COLUMNS_MAX 24

/* ---- Cells ------------------------------------------------------------------------ */

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
    GDateTime *moment = when->frame ? g_date_time_new_from_unix_utc(when->ns / 1000000000) : NULL;
    if (!moment)
        return g_strdup("-");
    char *whole = g_date_time_format(moment, "%Y-%m-%dT%H:%M:%S");
    char *text = g_strdup_printf("%s.%03dZ", whole, (int)(when->ns % 1000000000 / 1000000));
    g_free(whole);
    g_date_time_unref(moment);
    return text;
}

static char *number(uint32_t value)
{
    return value ? g_strdup_printf("%u", value) : g_strdup("-");
}

static char *filter_name(enum verdict_kind kind)
{
    return cell(kind == VERDICT_KINDS ? NULL : verdict_filter(kind));
}

static char *where(enum verdict_where place, bool seen, const char *cannot_tell)
{
    if (place == WHERE_NONE || place == WHERE_UNKNOWN) {
        if (cannot_tell)
            return g_strdup_printf("CANNOT TELL: %s", cannot_tell);
        return g_strdup(place == WHERE_NONE ? "-" : "CANNOT TELL");
    }
    return g_strdup_printf("%s (%s)", verdict_where_name(place), seen ? "seen" : "inferred");
}

/* ---- Tables ----------------------------------------------------------------------- */

/* A table whose rows the state numbers. Titles as tools/table.py knows them. */
struct report {
    const char *title;           /* of the table */
    stat_tap_table_item *columns;
    unsigned count;
    /* Fills in the values; false if there is no such row. */
    bool (*fill)(uint32_t index, stat_tap_table_item_type *items);
};

#define TEXT(title) { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, title, "%s" }
#define TIME(title) { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, title, "%-24s" }
#define RIGHT(title) { TABLE_ITEM_STRING, TAP_ALIGN_RIGHT, title, "%s" }
#define COUNT(title) { TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, title, "%u" }

static void fill(const struct report *report, stat_tap_table *table, uint32_t index)
{
    stat_tap_table_item_type items[COLUMNS_MAX];
    memset(items, 0, sizeof items);
    for (unsigned column = 0; column < report->count; column++)
        items[column].type = report->columns[column].type;
    if (!report->fill(index, items))
        return;
    if (index >= table->num_elements) {
        stat_tap_init_table_row(table, index, report->count, items);
        return;
    }
    for (unsigned column = 0; column < report->count; column++) {
        stat_tap_table_item_type *old = stat_tap_get_field_data(table, index, column);
        if (old->type == TABLE_ITEM_STRING)
            g_free((char *)old->value.string_value);
        stat_tap_set_field_data(table, index, column, &items[column]);
    }
}

/* Rows are numbered in order: what is missing before this one is filled too. */
static void fill_up_to(const struct report *report, stat_tap_table *table, uint32_t row)
{
    if (row == NO_NUMBER)
        return;
    while (table->num_elements < row) {
        unsigned before = table->num_elements;
        fill(report, table, before);
        if (table->num_elements == before)
            return;
    }
    fill(report, table, row);
}

static stat_tap_table *table_of(void *tapdata)
{
    return g_array_index(((stat_data_t *)tapdata)->stat_tap_data->tables, stat_tap_table *, 0);
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
        for (unsigned column = 0; column < table->num_fields; column++)
            free_item(table, row, column, stat_tap_get_field_data(table, row, column));
        g_free(table->elements[row]);
    }
    g_free(table->elements);
    table->elements = NULL;
    table->num_elements = 0;
}

static void init(stat_tap_table_ui *stat, const struct report *report)
{
    stat_tap_table *table = stat_tap_find_table(stat, report->title);
    if (table) {
        if (stat->stat_tap_reset_table_cb)
            stat->stat_tap_reset_table_cb(table);
        return;
    }
    table = stat_tap_init_table(report->title, (int)report->count, 0, NULL);
    stat_tap_add_table(stat, table);
}

/* The row of what a verdict is about, which need not be the frame's: columns 0 and 1 hold
 * a number in order of appearance and its leg. Legs are added behind, so a row is rarely far
 * from its number. */
static uint32_t row_of(const stat_tap_table *table, uint32_t numbered, uint32_t leg)
{
    for (uint32_t index = numbered; index < table->num_elements; index++) {
        if (stat_tap_get_field_data(table, index, 0)->value.uint_value == numbered
            && stat_tap_get_field_data(table, index, 1)->value.uint_value == leg)
            return index;
    }
    return NO_NUMBER;
}

/* ---- rpch,connections ------------------------------------------------------------- */

static stat_tap_table_item connection_columns[] = {
    { TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "VC", "%4u" }, { TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Leg", "%3u" },
    TIME("Start"), TEXT("User"), TEXT("Client"), TEXT("Target"), TEXT("IN peer"), TEXT("OUT peer"),
    RIGHT("Set-up time"), COUNT("Calls"), COUNT("Faults"), RIGHT("Longest idle"), TEXT("State"), TEXT("Ended"),
    TEXT("Verdict"), RIGHT("Frame"), TEXT("Where"), TEXT("Request id"),
};

static bool fill_connection(uint32_t index, stat_tap_table_item_type *items)
{
    struct leg_row row;
    if (!store_active() || !vworld_row(store_world(), index, &row))
        return false;
    items[0].value.uint_value = row.vc;
    items[1].value.uint_value = row.leg;
    items[2].value.string_value = utc(&row.start);
    items[3].value.string_value = cell(row.user);
    items[4].value.string_value = peer(row.has_client, &row.client);
    items[5].value.string_value = cell(row.target);
    items[6].value.string_value = peer(row.has_in_peer, &row.in_peer);
    items[7].value.string_value = peer(row.has_out_peer, &row.out_peer);
    items[8].value.string_value = seconds(row.setup_ns);
    items[9].value.uint_value = row.calls;
    items[10].value.uint_value = row.faults;
    items[11].value.string_value = seconds(row.longest_idle_ns);
    items[12].value.string_value = cell(row.state);
    items[13].value.string_value = cell(row.ended);
    items[14].value.string_value = filter_name(row.verdict);
    items[15].value.string_value = number(row.verdict_frame);
    items[16].value.string_value = where(row.where, row.where_seen, row.cannot_tell);
    items[17].value.string_value = cell(row.request_id);
    return true;
}

static const struct report connections = {
    "RPC over HTTP connections", connection_columns, G_N_ELEMENTS(connection_columns), fill_connection
};

static tap_packet_status on_connection(void *tapdata, packet_info *pinfo _U_, epan_dissect_t *edt _U_,
                                       const void *data, tap_flags_t flags _U_)
{
    stat_tap_table *table = table_of(tapdata);
    const struct frame_note *note = (const struct frame_note *)data;
    fill_up_to(&connections, table, note->row);
    for (const struct verdict *verdict = note->verdicts; verdict; verdict = verdict->next) {
        uint32_t row = verdict->vc == NO_NUMBER ? NO_NUMBER : row_of(table, verdict->vc, verdict->leg);
        if (row != NO_NUMBER && row != note->row)
            fill(&connections, table, row);
    }
    return TAP_PACKET_REDRAW;
}

static void init_connections(stat_tap_table_ui *stat)
{
    init(stat, &connections);
}

/* ---- mapihttp,sessions ------------------------------------------------------------ */

static stat_tap_table_item session_columns[] = {
    { TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Session", "%7u" }, { TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Leg", "%3u" },
    TIME("Start"), TIME("End"), TEXT("User"), TEXT("Application"), TEXT("Mailbox"), TEXT("User DN"), TEXT("Endpoint"),
    TEXT("Client"), TEXT("Server"), TEXT("Front ends"), TEXT("Back ends"), COUNT("OK"), COUNT("Failed"),
    RIGHT("Slowest"), TEXT("Slowest type"), RIGHT("Last code"), TEXT("Ended"), TEXT("Verdict"), RIGHT("Frame"),
    TEXT("Where"), TEXT("Request id"),
};

static bool fill_session(uint32_t index, stat_tap_table_item_type *items)
{
    static const char *const endpoints[] = { "", "emsmdb", "nspi" };
    struct session_row row;
    if (!store_mapi_active() || !mworld_row(store_mapi(), index, &row))
        return false;
    items[0].value.uint_value = row.session;
    items[1].value.uint_value = row.leg;
    items[2].value.string_value = utc(&row.start);
    items[3].value.string_value = utc(&row.last);
    items[4].value.string_value = cell(row.user);
    items[5].value.string_value = cell(row.application);
    items[6].value.string_value = cell(row.mailbox);
    items[7].value.string_value = cell(row.user_dn);
    items[8].value.string_value = cell(row.endpoint < G_N_ELEMENTS(endpoints) ? endpoints[row.endpoint] : NULL);
    items[9].value.string_value = peer(true, &row.client);
    items[10].value.string_value = peer(true, &row.server);
    items[11].value.string_value = cell(row.front_ends);
    items[12].value.string_value = cell(row.back_ends);
    items[13].value.uint_value = row.ok;
    items[14].value.uint_value = row.failed;
    items[15].value.string_value = seconds(row.slowest_ns);
    items[16].value.string_value = cell(row.slowest_ns < 0 ? NULL : mapi_type_name((enum mapi_type)row.slowest_type));
    items[17].value.string_value = row.has_code ? g_strdup_printf("%u", row.last_code) : g_strdup("-");
    items[18].value.string_value = cell(row.ended);
    items[19].value.string_value = filter_name(row.verdict);
    items[20].value.string_value = number(row.verdict_frame);
    items[21].value.string_value = where(row.where, row.where_seen, row.cannot_tell);
    items[22].value.string_value = cell(row.request_id);
    return true;
}

static const struct report sessions = {
    "MAPI/HTTP sessions", session_columns, G_N_ELEMENTS(session_columns), fill_session
};

static tap_packet_status on_session(void *tapdata, packet_info *pinfo _U_, epan_dissect_t *edt _U_, const void *data,
                                    tap_flags_t flags _U_)
{
    stat_tap_table *table = table_of(tapdata);
    const struct mapi_note *note = (const struct mapi_note *)data;
    for (const struct mapi_item *item = note->items; item; item = item->next)
        fill_up_to(&sessions, table, item->message->row);
    for (const struct verdict *verdict = note->verdicts; verdict; verdict = verdict->next) {
        uint32_t row = verdict->session == NO_NUMBER ? NO_NUMBER : row_of(table, verdict->session, verdict->leg);
        if (row != NO_NUMBER)
            fill(&sessions, table, row);
    }
    return TAP_PACKET_REDRAW;
}

static void init_sessions(stat_tap_table_ui *stat)
{
    init(stat, &sessions);
}

/* ---- outlook,auth ----------------------------------------------------------------- */

static stat_tap_table_item logon_columns[] = {
    TEXT("User"), TEXT("Host"), TEXT("Scheme"), COUNT("Connections"), COUNT("Accepted"), COUNT("Refused"),
    RIGHT("Slowest"), TEXT("Challenge names"), RIGHT("First refusal"), TIME("Start"), TIME("End"), TEXT("Verdict"),
    RIGHT("Frame"), TEXT("Where"),
};

static bool fill_logon(uint32_t index, stat_tap_table_item_type *items)
{
    struct auth_row row;
    if (!aworld_row(store_auth(), index, &row))
        return false;
    items[0].value.string_value = cell(row.user);
    items[1].value.string_value = cell(row.host);
    items[2].value.string_value = cell(row.scheme);
    items[3].value.uint_value = row.connections;
    items[4].value.uint_value = row.accepted;
    items[5].value.uint_value = row.refused;
    items[6].value.string_value = seconds(row.slowest_ns);
    items[7].value.string_value = cell(row.challenge_servers);
    items[8].value.string_value = number(row.first_refusal.frame);
    items[9].value.string_value = utc(&row.start);
    items[10].value.string_value = utc(&row.last);
    items[11].value.string_value = filter_name(row.verdict);
    items[12].value.string_value = number(row.verdict_frame);
    items[13].value.string_value = where(row.where, row.where_seen, NULL);
    return true;
}

static const struct report logons = { "Outlook logons", logon_columns, G_N_ELEMENTS(logon_columns), fill_logon };

static tap_packet_status on_logon(void *tapdata, packet_info *pinfo _U_, epan_dissect_t *edt _U_, const void *data,
                                  tap_flags_t flags _U_)
{
    fill_up_to(&logons, table_of(tapdata), *(const uint32_t *)data);
    return TAP_PACKET_REDRAW;
}

static void init_logons(stat_tap_table_ui *stat)
{
    init(stat, &logons);
}

/* ---- mapihttp,srt ----------------------------------------------------------------- */

static void init_srt(struct register_srt *srt _U_, GArray *srt_array)
{
    srt_stat_table *table = init_srt_table("MAPI/HTTP requests", NULL, srt_array, MAPI_TYPES, "Request type",
                                           "mapihttp.request_type", NULL);
    for (int type = 0; type < MAPI_TYPES; type++) {
        const char *name = mapi_type_name((enum mapi_type)type);
        init_srt_table_row(table, type, name ? name : type == MAPI_NONE ? "(none)" : "(unknown)");
    }
}

static tap_packet_status on_response(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data,
                                     tap_flags_t flags _U_)
{
    srt_data_t *srt = (srt_data_t *)tapdata;
    const struct mapi_note *note = (const struct mapi_note *)data;
    bool any = false;
    for (const struct mapi_item *item = note->items; item; item = item->next) {
        const struct mapi_message *message = item->message;
        if (!message->is_response || message->cut || message->elapsed_ns < 0)
            continue;
        int64_t asked = message->end.ns - message->elapsed_ns;
        nstime_t request_time = { (time_t)(asked / 1000000000), (int)(asked % 1000000000) };
        add_srt_table_data(g_array_index(srt->srt_array, srt_stat_table *, 0), message->type, &request_time, pinfo);
        any = true;
    }
    return any ? TAP_PACKET_REDRAW : TAP_PACKET_DONT_REDRAW;
}

/* ---- Registration ----------------------------------------------------------------- */

static void register_report(stat_tap_table_ui *ui, const struct report *report, const char *title, const char *tap,
                            const char *cli, void (*init_cb)(stat_tap_table_ui *), tap_packet_cb packet)
{
    static tap_param params[] = { { PARAM_FILTER, "filter", "Filter", NULL, TRUE } };
    ui->group = REGISTER_PACKET_STAT_GROUP_UNSORTED;
    ui->title = title;
    ui->tap_name = tap;
    ui->cli_string = cli;
    ui->stat_tap_init_cb = init_cb;
    ui->packet_func = packet;
    ui->stat_tap_reset_table_cb = reset;
    ui->stat_tap_free_table_item_cb = free_item;
    ui->nfields = (int)report->count;
    ui->fields = report->columns;
    ui->nparams = G_N_ELEMENTS(params);
    ui->params = params;
    register_stat_tap_table_ui(ui);
}

void stats_register(void)
{
    static stat_tap_table_ui ui[3];
    register_report(&ui[0], &connections, "RPC over HTTP Connections", "rpch", "rpch,connections", init_connections,
                    on_connection);
    register_report(&ui[1], &sessions, "MAPI over HTTP Sessions", "mapihttp", "mapihttp,sessions", init_sessions,
                    on_session);
    register_report(&ui[2], &logons, "Outlook Logons", "outlook", "outlook,auth", init_logons, on_logon);
    register_srt_table(proto_mapihttp, "mapihttp", 1, on_response, init_srt, NULL);
}
