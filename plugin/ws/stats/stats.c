/* stats.c
 * The tables of -z rpch,connections, mapihttp,sessions and outlook,auth and the response
 * times of -z mapihttp,srt, all in the GUI's Statistics menu too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "stats.h"

#include "compat.h"

#include <stddef.h>

#include <epan/srt_table.h>
#include <epan/stat_tap_ui.h>

#include "client_table.h"
#include "connections.h"
#include "ids.h"
#include "logons.h"
#include "notes.h"
#include "rop_stats.h"
#include "sessions.h"
#include "store.h"

#define COLUMNS_MAX 32

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

/* Each makes the text of a cell from a member of the row. */

static char *text_cell(const void *member)
{
    return cell(*(const char *const *)member);
}

static char *array_cell(const void *member)
{
    return cell((const char *)member);
}

static char *seconds_cell(const void *member)
{
    const int64_t ns = *(const int64_t *)member;
    return ns < 0 ? cell(NULL) : g_strdup_printf("%.3f s", (double)ns / 1e9);
}

static char *peer_cell(const void *member)
{
    const struct endpoint *endpoint = member;
    char text[ENDPOINT_TEXT_MAX] = "";
    if (endpoint->family)
        endpoint_format(endpoint, text);
    return cell(text);
}

static char *time_cell(const void *member)
{
    const struct when *when = member;
    GDateTime *moment = when->frame ? g_date_time_new_from_unix_utc(when->ns / 1000000000) : NULL;
    if (!moment)
        return cell(NULL);
    char *whole = g_date_time_format(moment, "%Y-%m-%dT%H:%M:%S");
    char *text = g_strdup_printf("%s.%03dZ", whole, (int)(when->ns % 1000000000 / 1000000));
    g_free(whole);
    g_date_time_unref(moment);
    return text;
}

static char *frame_cell(const void *member)
{
    const uint32_t frame = *(const uint32_t *)member;
    return frame ? g_strdup_printf("%u", frame) : cell(NULL);
}

static char *verdict_cell(const void *member)
{
    const enum verdict_kind kind = *(const enum verdict_kind *)member;
    return cell(kind == VERDICT_KINDS ? NULL : verdict_filter(kind));
}

static char *where_cell(const void *member)
{
    const struct row_verdict *verdict = member;
    if (verdict->where != WHERE_NONE && verdict->where != WHERE_UNKNOWN)
        return g_strdup_printf("%s (%s)", verdict_where_name(verdict->where), verdict->seen ? "seen" : "inferred");
    if (verdict->cannot_tell)
        return g_strdup_printf("CANNOT TELL: %s", verdict->cannot_tell);
    return cell(verdict_where_name(verdict->where));
}

static char *endpoint_cell(const void *member)
{
    static const char *const names[] = { "", "emsmdb", "nspi" };
    const uint8_t endpoint = *(const uint8_t *)member;
    return cell(endpoint < G_N_ELEMENTS(names) ? names[endpoint] : NULL);
}

static char *type_cell(const void *member)
{
    return cell(mapi_type_name(*(const uint8_t *)member));
}

static char *code_cell(const void *member)
{
    const int64_t code = *(const int64_t *)member;
    return code < 0 ? cell(NULL) : g_strdup_printf("%u", (uint32_t)code);
}

/* ---- Tables ----------------------------------------------------------------------- */

union row {
    struct leg_row leg;
    struct session_row session;
    struct auth_row auth;
};

/* A column, and the member of the row that it shows. */
struct column {
    stat_tap_table_item title;
    size_t member;
    char *(*text)(const void *member); /* NULL: a number, as it is */
};

/* A table whose rows the state numbers. Titles as tools/table.py knows them. */
struct report {
    stat_tap_table_ui ui; /* first: Wireshark knows the report by it */
    const char *title;    /* of the table */
    const struct column *columns;
    /* Fills in the row; false if there is no such row. */
    bool (*fill)(uint32_t index, union row *row);
    stat_tap_table_item titles[COLUMNS_MAX];
};

#define TEXT(title, row, member, text)                                                         \
    {                                                                                          \
        { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, title, "%s" }, offsetof(struct row, member), text \
    }
#define TIME(title, row, member)                                                                       \
    {                                                                                                  \
        { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, title, "%-24s" }, offsetof(struct row, member), time_cell \
    }
#define RIGHT(title, row, member, text)                                                         \
    {                                                                                           \
        { TABLE_ITEM_STRING, TAP_ALIGN_RIGHT, title, "%s" }, offsetof(struct row, member), text \
    }
#define COUNT(title, row, member, format)                                                       \
    {                                                                                           \
        { TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, title, format }, offsetof(struct row, member), NULL \
    }
#define ROPS(row)                                                                              \
    COUNT("ROPs", row, rops.calls, "%u"), TEXT("Failed ROPs", row, rops.failed.s, array_cell), \
        TEXT("Slowest ROP", row, rops.slowest.s, array_cell)
#define VERDICT(row)                                                                                  \
    TEXT("Verdict", row, verdict.kind, verdict_cell), RIGHT("Frame", row, verdict.frame, frame_cell), \
        TEXT("Where", row, verdict, where_cell)

static void fill(const struct report *report, stat_tap_table *table, uint32_t index)
{
    const unsigned count = (unsigned)report->ui.nfields;
    stat_tap_table_item_type items[COLUMNS_MAX];
    union row row;
    if (!report->fill(index, &row))
        return;
    memset(items, 0, sizeof items);
    for (unsigned i = 0; i < count; i++) {
        const struct column *column = &report->columns[i];
        const void *member = (const uint8_t *)&row + column->member;
        items[i].type = column->title.type;
        if (column->text)
            items[i].value.string_value = column->text(member);
        else
            items[i].value.uint_value = *(const uint32_t *)member;
    }
    if (index >= table->num_elements) {
        stat_tap_init_table_row(table, index, count, items);
        return;
    }
    for (unsigned column = 0; column < count; column++) {
        stat_tap_table_item_type *old = stat_tap_get_field_data(table, index, column);
        if (old->type == TABLE_ITEM_STRING)
            g_free((char *)old->value.string_value);
        stat_tap_set_field_data(table, index, column, &items[column]);
    }
}

static const struct report *report_of(void *tapdata)
{
    return (const struct report *)((stat_data_t *)tapdata)->stat_tap_data;
}

static stat_tap_table *table_of(void *tapdata)
{
    return g_array_index(((stat_data_t *)tapdata)->stat_tap_data->tables, stat_tap_table *, 0);
}

/* Rows are numbered in order: what is missing before this one is filled too. */
static void fill_up_to(void *tapdata, uint32_t row)
{
    stat_tap_table *table = table_of(tapdata);
    if (row == NO_NUMBER)
        return;
    while (table->num_elements < row) {
        unsigned before = table->num_elements;
        fill(report_of(tapdata), table, before);
        if (table->num_elements == before)
            return;
    }
    fill(report_of(tapdata), table, row);
}

/* The row of what a verdict is about, which need not be the frame's: columns 0 and 1 hold
 * a number in order of appearance and its leg. Legs are added behind, so a row is rarely far
 * from its number. */
static void fill_again(void *tapdata, uint32_t numbered, uint32_t leg)
{
    stat_tap_table *table = table_of(tapdata);
    for (uint32_t index = numbered; index < table->num_elements; index++) {
        if (stat_tap_get_field_data(table, index, 0)->value.uint_value == numbered &&
            stat_tap_get_field_data(table, index, 1)->value.uint_value == leg) {
            fill(report_of(tapdata), table, index);
            return;
        }
    }
}

/* The rows of all whose verdicts those are. */
static void fill_whose(void *tapdata, const struct verdict *verdicts, bool of_sessions)
{
    for (const struct verdict *verdict = verdicts; verdict; verdict = verdict->next) {
        fill_again(tapdata, of_sessions ? verdict->session : verdict->vc, verdict->leg);
        for (uint32_t i = 0; i < verdict->victim_count; i++) {
            const struct victim *victim = &verdict->victims[i];
            fill_again(tapdata, of_sessions ? victim->session : victim->vc, victim->leg);
        }
    }
}

static void free_item(stat_tap_table *table _U_, unsigned row _U_, unsigned column _U_, stat_tap_table_item_type *item)
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

static void init(stat_tap_table_ui *stat)
{
    const struct report *report = (const struct report *)stat;
    stat_tap_table *table = stat_tap_find_table(stat, report->title);
    if (!table)
        stat_tap_add_table(stat, stat_tap_init_table(report->title, (int)stat->nfields, 0, NULL));
    else if (stat->stat_tap_reset_table_cb)
        stat->stat_tap_reset_table_cb(table);
}

/* ---- rpch,connections ------------------------------------------------------------- */

static const struct column connection_columns[] = {
    COUNT("VC", leg_row, vc, "%4u"),
    COUNT("Leg", leg_row, leg, "%3u"),
    TIME("Start", leg_row, start),
    TEXT("User", leg_row, user, text_cell),
    TEXT("Client", leg_row, client, peer_cell),
    TEXT("Target", leg_row, target, text_cell),
    TEXT("IN peer", leg_row, in.peer, peer_cell),
    TEXT("OUT peer", leg_row, out.peer, peer_cell),
    RIGHT("Set-up time", leg_row, setup_ns, seconds_cell),
    COUNT("Calls", leg_row, calls, "%u"),
    COUNT("Faults", leg_row, faults, "%u"),
    ROPS(leg_row),
    RIGHT("Longest idle", leg_row, longest_idle_ns, seconds_cell),
    TEXT("State", leg_row, state, text_cell),
    TEXT("Ended", leg_row, ended, array_cell),
    VERDICT(leg_row),
    TEXT("Request id", leg_row, request_id, text_cell),
};

static bool fill_connection(uint32_t index, union row *row)
{
    return store_active() && rpch_state_row(store_world(), index, &row->leg);
}

static tap_packet_status on_connection(void *tapdata, packet_info *pinfo _U_, epan_dissect_t *edt _U_, const void *data,
                                       tap_flags_t flags _U_)
{
    const struct frame_note *note = data;
    fill_up_to(tapdata, note->row);
    fill_whose(tapdata, note->verdicts, false);
    fill_whose(tapdata, note->changed, false);
    return TAP_PACKET_REDRAW;
}

/* ---- mapihttp,sessions ------------------------------------------------------------ */

static const struct column session_columns[] = {
    COUNT("Session", session_row, session, "%7u"),
    COUNT("Leg", session_row, leg, "%3u"),
    TIME("Start", session_row, start),
    TIME("End", session_row, last),
    TEXT("User", session_row, user, text_cell),
    TEXT("Application", session_row, application, text_cell),
    TEXT("Mailbox", session_row, mailbox, text_cell),
    TEXT("User DN", session_row, user_dn, text_cell),
    TEXT("Endpoint", session_row, endpoint, endpoint_cell),
    TEXT("Client", session_row, client, peer_cell),
    TEXT("Server", session_row, server, peer_cell),
    TEXT("Front ends", session_row, front_ends, array_cell),
    TEXT("Back ends", session_row, back_ends, array_cell),
    COUNT("OK", session_row, ok, "%u"),
    COUNT("Failed", session_row, failed, "%u"),
    RIGHT("Slowest", session_row, slowest_ns, seconds_cell),
    TEXT("Slowest type", session_row, slowest_type, type_cell),
    ROPS(session_row),
    RIGHT("Last code", session_row, last_code, code_cell),
    TEXT("Ended", session_row, ended, array_cell),
    VERDICT(session_row),
    TEXT("Request id", session_row, request_id, text_cell),
};

static bool fill_session(uint32_t index, union row *row)
{
    return store_mapi_active() && mapi_state_row(store_mapi(), index, &row->session);
}

static tap_packet_status on_session(void *tapdata, packet_info *pinfo _U_, epan_dissect_t *edt _U_, const void *data,
                                    tap_flags_t flags _U_)
{
    const struct mapi_note *note = data;
    for (const struct mapi_item *item = note->items; item; item = item->next)
        fill_up_to(tapdata, item->message->row);
    fill_up_to(tapdata, note->row);
    fill_whose(tapdata, note->verdicts, true);
    fill_whose(tapdata, note->changed, true);
    return TAP_PACKET_REDRAW;
}

/* ---- outlook,auth ----------------------------------------------------------------- */

static const struct column logon_columns[] = {
    TEXT("User", auth_row, user, text_cell),
    TEXT("Host", auth_row, host, text_cell),
    TEXT("Scheme", auth_row, scheme, text_cell),
    COUNT("Connections", auth_row, connections, "%u"),
    COUNT("Accepted", auth_row, accepted, "%u"),
    COUNT("Refused", auth_row, refused, "%u"),
    RIGHT("Slowest", auth_row, slowest_ns, seconds_cell),
    TEXT("Challenge names", auth_row, challenge_servers, text_cell),
    RIGHT("First refusal", auth_row, first_refusal.frame, frame_cell),
    TIME("Start", auth_row, start),
    TIME("End", auth_row, last),
    VERDICT(auth_row),
};

static bool fill_logon(uint32_t index, union row *row)
{
    return logon_state_row(store_auth(), index, &row->auth);
}

static tap_packet_status on_logon(void *tapdata, packet_info *pinfo _U_, epan_dissect_t *edt _U_, const void *data,
                                  tap_flags_t flags _U_)
{
    fill_up_to(tapdata, *(const uint32_t *)data);
    return TAP_PACKET_REDRAW;
}

/* ---- mapihttp,srt ----------------------------------------------------------------- */

static void init_srt(struct register_srt *srt _U_, GArray *srt_array)
{
    srt_stat_table *table = init_srt_table("MAPI/HTTP requests", NULL, srt_array, MAPI_TYPES, "Request type",
                                           "mapihttp.request_type", NULL);
    for (int type = 0; type < MAPI_TYPES; type++) {
        const char *name = mapi_type_name(type);
        init_srt_table_row(table, type, name ? name : type == MAPI_NONE ? "(none)" : "(unknown)");
    }
}

static tap_packet_status on_response(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data,
                                     tap_flags_t flags _U_)
{
    srt_data_t *srt = (srt_data_t *)tapdata;
    const struct mapi_note *note = data;
    bool any = false;
    for (const struct mapi_item *item = note->items; item; item = item->next) {
        const struct mapi_message *message = item->message;
        if (!message->is_response || message->cut || message->look || message->elapsed_ns < 0)
            continue;
        int64_t asked = message->end.ns - message->elapsed_ns;
        nstime_t request_time = ns_time(asked);
        add_srt_table_data(g_array_index(srt->srt_array, srt_stat_table *, 0), message->type, &request_time, pinfo);
        any = true;
    }
    return any ? TAP_PACKET_REDRAW : TAP_PACKET_DONT_REDRAW;
}

/* ---- Registration ----------------------------------------------------------------- */

void stats_register(void)
{
    static tap_param params[] = { { PARAM_FILTER, "filter", "Filter", NULL, TRUE } };
#define REPORT(menu, tap, option, packet, table, columns, fill) \
    {                                                           \
        { .title = menu,                                        \
          .tap_name = tap,                                      \
          .cli_string = option,                                 \
          .packet_func = packet,                                \
          .nfields = G_N_ELEMENTS(columns) },                   \
            table, columns, fill,                               \
        {                                                       \
            {                                                   \
                0                                               \
            }                                                   \
        }                                                       \
    }
    static struct report reports[] = {
        REPORT("RPC over HTTP Connections", "rpch", "rpch,connections", on_connection, "RPC over HTTP connections",
               connection_columns, fill_connection),
        REPORT("MAPI over HTTP Sessions", "mapihttp", "mapihttp,sessions", on_session, "MAPI/HTTP sessions",
               session_columns, fill_session),
        REPORT("Outlook Logons", "outlook", "outlook,auth", on_logon, "Outlook logons", logon_columns, fill_logon),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(reports); i++) {
        struct report *report = &reports[i];
        stat_tap_table_ui *ui = &report->ui;
        for (size_t column = 0; column < ui->nfields; column++)
            report->titles[column] = report->columns[column].title;
        ui->group = REGISTER_PACKET_STAT_GROUP_UNSORTED;
        ui->stat_tap_init_cb = init;
        ui->stat_tap_reset_table_cb = reset;
        ui->stat_tap_free_table_item_cb = free_item;
        ui->fields = report->titles;
        ui->nparams = G_N_ELEMENTS(params);
        ui->params = params;
        register_stat_tap_table_ui(ui);
    }
    register_srt_table(proto_mapihttp, "mapihttp", 1, on_response, init_srt, NULL);
    rop_stats_register();
    client_table_register();
}
