/* stats.c
 * The tables of -z rpch,connections, mapihttp,sessions and outlook,auth, in the GUI's Statistics
 * menu too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "stats.h"

#include "compat.h"

#include <stddef.h>

#include "cells.h"
#include "client_table.h"
#include "ids.h"
#include "notes.h"
#include "rop_stats.h"
#include "row_table.h"
#include "srt.h"
#include "store.h"
#include "trees.h"

/* Titles as tests/lib/table.py knows them. */
#define TEXT(title, row, member, text)                                                         \
    {                                                                                          \
        { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, title, "%s" }, offsetof(struct row, member), text \
    }
#define MOMENT(title, row, member)                                                                     \
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
        TEXT("User", row, user, text_cell), TEXT("Where", row, verdict, where_cell)

/* ---- Whose verdicts those are ----------------------------------------------------- */

static uint32_t find_connection(const struct victim *victim)
{
    return victim->vc != NO_NUMBER ? victim->row : NO_NUMBER;
}

static uint32_t find_session(const struct victim *victim)
{
    return victim->session != NO_NUMBER ? victim->row : NO_NUMBER;
}

/* A verdict need not be about what the frame itself is of. */
static void list_victims(struct row_table *table, const struct verdict *verdicts,
                         uint32_t (*find)(const struct victim *victim))
{
    for (const struct verdict *verdict = verdicts; verdict; verdict = verdict->next) {
        const struct victim one = { verdict->vc, verdict->session, verdict->leg, verdict->row };
        row_table_list(table, find(&one));
        for (uint32_t i = 0; i < verdict->victim_count; i++)
            row_table_list(table, find(&verdict->victims[i]));
    }
}

/* Of both protocols. */
static void list_all_victims(struct row_table *table, const struct frame_notes *notes,
                             uint32_t (*find)(const struct victim *victim))
{
    list_victims(table, notes->rpch ? notes->rpch->verdicts : NULL, find);
    list_victims(table, notes->mapi ? notes->mapi->verdicts : NULL, find);
}

/* ---- rpch,connections ------------------------------------------------------------- */

static const struct column connection_columns[] = {
    COUNT("VC", leg_row, vc, "%4u"),
    COUNT("Leg", leg_row, leg, "%3u"),
    VERDICT(leg_row),
    MOMENT("Start", leg_row, start),
    TEXT("Client", leg_row, client, peer_cell),
    TEXT("Target", leg_row, target, text_cell),
    TEXT("IN peer", leg_row, in.peer, peer_cell),
    TEXT("OUT peer", leg_row, out.peer, peer_cell),
    RIGHT("Set-up time (s)", leg_row, setup_ns, seconds_cell),
    COUNT("Calls", leg_row, calls, "%u"),
    COUNT("Faults", leg_row, faults, "%u"),
    ROPS(leg_row),
    RIGHT("Longest idle (s)", leg_row, longest_idle_ns, seconds_cell),
    TEXT("State", leg_row, state, text_cell),
    TEXT("Ended", leg_row, ended, array_cell),
    TEXT("Request id", leg_row, request_id, text_cell),
};

static bool fill_connection(uint32_t index, union row *row)
{
    return store_active() && rpch_state_row(store_world(), index, &row->leg);
}

static void list_connections(struct row_table *table, const struct frame_notes *notes)
{
    if (notes->rpch)
        row_table_list(table, row_of_frame(notes->rpch));
    list_all_victims(table, notes, find_connection);
}

/* ---- mapihttp,sessions ------------------------------------------------------------ */

static const struct column session_columns[] = {
    COUNT("Session", session_row, session, "%7u"),
    COUNT("Leg", session_row, leg, "%3u"),
    VERDICT(session_row),
    MOMENT("Start", session_row, start),
    MOMENT("End", session_row, last),
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
    RIGHT("Slowest (s)", session_row, slowest_ns, seconds_cell),
    TEXT("Slowest type", session_row, slowest_type, type_cell),
    ROPS(session_row),
    RIGHT("Last code", session_row, last_code, code_cell),
    TEXT("Ended", session_row, ended, array_cell),
    TEXT("Request id", session_row, request_id, text_cell),
};

static bool fill_session(uint32_t index, union row *row)
{
    return store_mapi_active() && mapi_state_row(store_mapi(), index, &row->session);
}

static void list_sessions(struct row_table *table, const struct frame_notes *notes)
{
    for (const struct mapi_item *item = notes->mapi ? notes->mapi->items : NULL; item; item = item->next)
        row_table_list(table, item->message->row);
    list_all_victims(table, notes, find_session);
}

/* ---- outlook,auth ----------------------------------------------------------------- */

static const struct column logon_columns[] = {
    VERDICT(auth_row),
    TEXT("Host", auth_row, host, text_cell),
    TEXT("Scheme", auth_row, scheme, text_cell),
    COUNT("Connections", auth_row, connections, "%u"),
    COUNT("Accepted", auth_row, accepted, "%u"),
    COUNT("Refused", auth_row, refused, "%u"),
    RIGHT("Slowest (s)", auth_row, slowest_ns, seconds_cell),
    TEXT("Challenge names", auth_row, challenge_servers, text_cell),
    RIGHT("First refusal", auth_row, first_refusal.frame, frame_cell),
    MOMENT("Start", auth_row, start),
    MOMENT("End", auth_row, last),
};

static bool fill_logon(uint32_t index, union row *row)
{
    return logon_state_row(store_auth(), index, &row->auth);
}

/* A frame may speak of several users. */
static void list_logons(struct row_table *table, const struct frame_notes *notes)
{
    for (const struct auth_note *auth = notes->rpch ? notes->rpch->auth : NULL; auth; auth = auth->next)
        row_table_list(table, auth->shown.row);
    for (const struct mapi_item *item = notes->mapi ? notes->mapi->items : NULL; item; item = item->next)
        row_table_list(table, item->message->auth ? item->message->auth->row : NO_NUMBER);
    row_table_list(table, notes->rpch ? notes->rpch->auth_row : NO_NUMBER);
    row_table_list(table, notes->mapi ? notes->mapi->auth_row : NO_NUMBER);
}

/* ---- Registration ----------------------------------------------------------------- */

void stats_register(void)
{
#define TABLE(menu, option, table, rows_of, fill_row, list_rows)                                                \
    {                                                                                                           \
        .ui = { .title = menu, .tap_name = "outlook", .cli_string = option, .nfields = G_N_ELEMENTS(rows_of) }, \
        .title = table, .columns = rows_of, .fill = fill_row, .list = list_rows,                                \
    }
    static struct row_table tables[] = {
        TABLE("Outlook RPC over HTTP Connections", "rpch,connections", "RPC over HTTP connections", connection_columns,
              fill_connection, list_connections),
        TABLE("Outlook MAPI over HTTP Sessions", "mapihttp,sessions", "MAPI/HTTP sessions", session_columns,
              fill_session, list_sessions),
        TABLE("Outlook Logons", "outlook,auth", "Outlook logons", logon_columns, fill_logon, list_logons),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        row_table_register(&tables[i]);
    srt_register();
    trees_register();
    rop_stats_register();
    client_table_register();
}
