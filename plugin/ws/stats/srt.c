/* srt.c
 * -z rpch,srt: a table an interface; -z mapihttp,srt: request types; -z outlook,srt: where the time of both goes. Each
 * table has an integer field behind it, whose values are the numbers of its rows: the GUI makes filters of them. All
 * in the GUI's menu Statistics > Service Response Time too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "srt.h"

#include "compat.h"

#include <epan/srt_table.h>

#include "ids.h"
#include "notes.h"
#include "store.h"
#include "taps.h"

#define OPNUMS_MAX 1024 /* of interfaces that nobody named here; a sender may make up more */

/* The row's time, which an SRT table takes as the time of the request. */
static void add(srt_data_t *srt, unsigned table, int row, int64_t took, packet_info *pinfo)
{
    const nstime_t time = ns_time(took);
    nstime_t asked;
    nstime_delta(&asked, &pinfo->abs_ts, &time);
    add_srt_table_data(g_array_index(srt->srt_array, srt_stat_table *, table), row, &asked, pinfo);
}

/* ---- rpch,srt --------------------------------------------------------------------- */

static const struct {
    enum rpc_interface interface;
    const char *title, *field;
} interfaces[] = {
    { RPC_EMSMDB, "EMSMDB", "rpch.call.emsmdb" },
    { RPC_ASYNC_EMSMDB, "AsyncEMSMDB", "rpch.call.async_emsmdb" },
    { RPC_NSPI, "NSPI", "rpch.call.nspi" },
    { RPC_RFR, "RFRI", "rpch.call.rfri" },
    { RPC_TSGU, "TSGU", "rpch.call.tsgu" },
    { RPC_INTERFACE_OTHER, "Other interfaces", "rpch.call.other" },
    { RPC_INTERFACE_UNKNOWN, "Interface not known", "rpch.call.unknown" },
};

static void name_row(srt_stat_table *table, enum rpc_interface interface, uint16_t opnum)
{
    char text[OPERATION_TEXT_MAX];
    init_srt_table_row(table, opnum, outlook_call_text(text, (uint8_t)interface, opnum));
}

static void init_calls(struct register_srt *srt _U_, GArray *srt_array)
{
    for (size_t i = 0; i < G_N_ELEMENTS(interfaces); i++) {
        /* tshark shows no title: the column says which table it is. */
        srt_stat_table *table = init_srt_table(interfaces[i].title, NULL, srt_array, OPERATION_OF_EACH,
                                               interfaces[i].title, interfaces[i].field, NULL);
        for (uint16_t opnum = 0; opnum < OPERATION_OF_EACH; opnum++)
            name_row(table, interfaces[i].interface, opnum);
    }
}

static tap_packet_status on_call(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data,
                                 tap_flags_t flags _U_)
{
    srt_data_t *srt = (srt_data_t *)tapdata;
    const struct timed *timed = data;
    unsigned i = 0;
    if (!timed->is_call || timed->opnum >= OPNUMS_MAX)
        return TAP_PACKET_DONT_REDRAW;
    while (interfaces[i].interface != (enum rpc_interface)timed->interface)
        i++;
    srt_stat_table *table = g_array_index(srt->srt_array, srt_stat_table *, i);
    for (int opnum = table->num_procs; opnum <= timed->opnum; opnum++)
        name_row(table, interfaces[i].interface, (uint16_t)opnum);
    /* As everywhere: from the end of the call to the end of its answer. */
    add(srt, i, timed->opnum, timed->times->wait + timed->times->response, pinfo);
    return TAP_PACKET_REDRAW;
}

/* ---- mapihttp,srt ----------------------------------------------------------------- */

static void init_types(struct register_srt *srt _U_, GArray *srt_array)
{
    char text[OPERATION_TEXT_MAX];
    srt_stat_table *table = init_srt_table("MAPI/HTTP requests", NULL, srt_array, MAPI_TYPES, "Request type",
                                           "mapihttp.request_type.number", NULL);
    for (int type = 0; type < MAPI_TYPES; type++)
        init_srt_table_row(table, type, outlook_operation_text(text, (uint16_t)type));
}

static tap_packet_status on_response(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data,
                                     tap_flags_t flags _U_)
{
    const struct mapi_note *note = data;
    bool any = false;
    for (const struct mapi_item *item = note->items; item; item = item->next) {
        const struct mapi_message *message = item->message;
        if (!message->is_response || message->cut || message->look || message->elapsed_ns < 0)
            continue;
        add((srt_data_t *)tapdata, 0, message->type, message->elapsed_ns, pinfo);
        any = true;
    }
    return any ? TAP_PACKET_REDRAW : TAP_PACKET_DONT_REDRAW;
}

/* ---- outlook,srt ------------------------------------------------------------------ */

enum { TABLE_REQUEST, TABLE_WAIT, TABLE_RESPONSE, TIME_TABLES };

static void init_times(struct register_srt *srt _U_, GArray *srt_array)
{
    static const char *const titles[TIME_TABLES] = { "Request transfer", "Wait", "Response transfer" };
    char text[OPERATION_TEXT_MAX];
    for (int i = 0; i < TIME_TABLES; i++) {
        srt_stat_table *table =
            init_srt_table(titles[i], NULL, srt_array, OPERATIONS, titles[i], "outlook.operation", NULL);
        for (int operation = 0; operation < (int)OPERATIONS; operation++)
            init_srt_table_row(table, operation, outlook_operation_text(text, (uint16_t)operation));
    }
}

static tap_packet_status on_time(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data,
                                 tap_flags_t flags _U_)
{
    const struct timed *timed = data;
    add((srt_data_t *)tapdata, TABLE_REQUEST, timed->operation, timed->times->request, pinfo);
    add((srt_data_t *)tapdata, TABLE_WAIT, timed->operation, timed->times->wait, pinfo);
    add((srt_data_t *)tapdata, TABLE_RESPONSE, timed->operation, timed->times->response, pinfo);
    return TAP_PACKET_REDRAW;
}

/* ---- Registration ----------------------------------------------------------------- */

void srt_register(void)
{
    register_srt_table(proto_rpch, "outlook_time", (int)G_N_ELEMENTS(interfaces), on_call, init_calls, NULL);
    register_srt_table(proto_mapihttp, "mapihttp", 1, on_response, init_types, NULL);
    register_srt_table(proto_outlook, "outlook_time", TIME_TABLES, on_time, init_times, NULL);
}
