/* trees.c
 * -z mapihttp,tree: request types and how they were answered; -z mapihttp_code,tree: response codes and HTTP statuses;
 * -z rpch,tree: RTS PDUs; -z outlook,tree: verdicts by server. All in the GUI's Statistics menu too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "trees.h"

#include "compat.h"

#include <epan/stats_tree.h>

#include "ids.h"
#include "notes.h"
#include "taps.h"

#define NAME_MAX_LEN 96

/* A node below another, and that node: the number of the lower one. */
static int tick(stats_tree *st, const char *name, int parent, bool with_children)
{
    return tick_stat_node(st, name, parent, with_children);
}

/* ---- mapihttp,tree ---------------------------------------------------------------- */

static const char requests_label[] = "Requests";

static void init_types(stats_tree *st)
{
    stats_tree_create_node(st, requests_label, 0, STAT_DT_INT, TRUE);
}

/* Names that a sender makes up would be nodes without end: they are one. */
static const char *type_of(const struct mapi_message *message, char text[OPERATION_TEXT_MAX])
{
    return outlook_operation_text(text, outlook_operation_of_type(message->type));
}

static tap_packet_status on_types(stats_tree *st, packet_info *pinfo _U_, epan_dissect_t *edt _U_, const void *data,
                                  tap_flags_t flags _U_)
{
    const struct mapi_note *note = data;
    char text[OPERATION_TEXT_MAX];
    bool any = false;
    for (const struct mapi_item *item = note->items; item; item = item->next) {
        if (item->message->is_response)
            continue;
        tick(st, type_of(item->message, text), tick(st, requests_label, 0, true), false);
        any = true;
    }
    return any ? TAP_PACKET_REDRAW : TAP_PACKET_DONT_REDRAW;
}

/* ---- mapihttp_code,tree ----------------------------------------------------------- */

static const char codes_label[] = "X-ResponseCode", statuses_label[] = "HTTP status";

static void init_codes(stats_tree *st)
{
    stats_tree_create_node(st, codes_label, 0, STAT_DT_INT, TRUE);
    stats_tree_create_node(st, statuses_label, 0, STAT_DT_INT, TRUE);
}

static void tick_code(stats_tree *st, const struct mapi_message *message)
{
    char name[NAME_MAX_LEN], type[OPERATION_TEXT_MAX];
    const int codes = tick(st, codes_label, 0, true);
    if (message->code < MAPI_CODES)
        snprintf(name, sizeof name, "%u %s", message->code, mapi_code_name(message->code));
    else
        snprintf(name, sizeof name, "other codes"); /* as many as a sender makes up */
    tick(st, type_of(message, type), tick(st, name, codes, true), false);
}

static tap_packet_status on_codes(stats_tree *st, packet_info *pinfo _U_, epan_dissect_t *edt _U_, const void *data,
                                  tap_flags_t flags _U_)
{
    const struct mapi_note *note = data;
    char name[NAME_MAX_LEN], type[OPERATION_TEXT_MAX];
    bool any = false;
    for (const struct mapi_item *item = note->items; item; item = item->next) {
        const struct mapi_message *message = item->message;
        if (!message->is_response)
            continue;
        if (message->has_code)
            tick_code(st, message);
        snprintf(name, sizeof name, "%u", message->status);
        tick(st, type_of(message, type), tick(st, name, tick(st, statuses_label, 0, true), true), false);
        any = true;
    }
    return any ? TAP_PACKET_REDRAW : TAP_PACKET_DONT_REDRAW;
}

/* ---- rpch,tree -------------------------------------------------------------------- */

static const char pdus_label[] = "RTS PDUs";

static void init_pdus(stats_tree *st)
{
    stats_tree_create_node(st, pdus_label, 0, STAT_DT_INT, TRUE);
}

/* Buffers stand in front of what is within them. */
static bool tick_pieces(stats_tree *st, const struct piece *piece)
{
    bool any = false;
    for (; piece; piece = piece->next) {
        if (piece->kind == PIECE_JOINED || piece->kind == PIECE_DECHUNKED)
            any |= tick_pieces(st, piece->within);
        if (piece->kind != PIECE_PDU || !*piece->pdu.name)
            continue;
        static const char *const channels[] = { "on a channel that is not known", "on IN", "on OUT", "on neither" };
        tick(st, channels[piece->pdu.channel], tick(st, piece->pdu.name, tick(st, pdus_label, 0, true), true), false);
        any = true;
    }
    return any;
}

static tap_packet_status on_pdus(stats_tree *st, packet_info *pinfo _U_, epan_dissect_t *edt _U_, const void *data,
                                 tap_flags_t flags _U_)
{
    const struct frame_note *note = data;
    bool any = false;
    for (const struct call_note *call = note->calls; call; call = call->next)
        any |= tick_pieces(st, call->pieces);
    return any ? TAP_PACKET_REDRAW : TAP_PACKET_DONT_REDRAW;
}

/* ---- outlook,tree ----------------------------------------------------------------- */

static const char verdicts_label[] = "Verdicts";

static void init_verdicts(stats_tree *st)
{
    stats_tree_create_node(st, verdicts_label, 0, STAT_DT_INT, TRUE);
}

/* The server's end: of whom the verdict is about, else where it showed, else of the frame that it stands on; family 0 if
 * none is known. None of these changes behind the frame, as whom its row is with may. */
static struct endpoint server_of(const struct told *told)
{
    const struct verdict *verdict = told->verdict;
    const struct conn *conn = verdict->origin.conn ? verdict->origin.conn : told->conn;
    return verdict->server ? *verdict->server : conn ? *conn_server(conn) : (struct endpoint){ 0 };
}

static tap_packet_status on_verdict(stats_tree *st, packet_info *pinfo _U_, epan_dissect_t *edt _U_, const void *data,
                                    tap_flags_t flags _U_)
{
    const struct told *told = data;
    const struct endpoint server = server_of(told);
    char text[ENDPOINT_TEXT_MAX] = "server not known";
    if (server.family)
        endpoint_format(&server, text);
    const int by_server = tick(st, text, tick(st, verdicts_label, 0, true), true);
    tick(st, verdict_filter(told->verdict->kind), by_server, false);
    return TAP_PACKET_REDRAW;
}

/* ---- Registration ----------------------------------------------------------------- */

void trees_register(void)
{
    stats_tree_register_plugin("mapihttp", "mapihttp", COMPAT_SUBMENU("Outlook", "Request types"), 0, on_types,
                               init_types, NULL);
    stats_tree_register_plugin("mapihttp", "mapihttp_code", COMPAT_SUBMENU("Outlook", "Response codes"), 0, on_codes,
                               init_codes, NULL);
    stats_tree_register_plugin("rpch", "rpch", COMPAT_SUBMENU("Outlook", "RTS PDUs"), 0, on_pdus, init_pdus, NULL);
    stats_tree_register_plugin("outlook_verdict", "outlook", COMPAT_SUBMENU("Outlook", "Verdicts by server"), 0,
                               on_verdict, init_verdicts, NULL);
}
