/* times.c
 * Shows what was asked for and where its time went, by numbers that tables can filter by, and tells statistics.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "times.h"

#include <epan/tap.h>

#include "dissect_outlook.h"
#include "ids.h"
#include "notes.h"
#include "registration.h"
#include "rows.h"
#include "taps.h"

static int hf_operation, hf_request, hf_wait, hf_response, hf_type_number;
static int hf_call[OPERATION_INTERFACES];

/* Filled from the names in the core before anything is registered with them. */
static value_string operations[OPERATIONS + 1], types[MAPI_TYPES + 1];
static value_string calls[OPERATION_INTERFACES][OPERATION_OF_EACH + 1];

/* ---- Items ------------------------------------------------------------------------ */

/* What tables filter by: other items say the same in words. */
static void add_number(proto_tree *tree, int hf, tvbuff_t *tvb, uint16_t number)
{
    proto_item *item = proto_tree_add_uint(tree, hf, tvb, 0, 0, number);
    proto_item_set_generated(item);
    proto_item_set_hidden(item);
}

static void show_times(proto_tree *tree, tvbuff_t *tvb, uint16_t operation, const struct times *times)
{
    add_number(tree, hf_operation, tvb, operation);
    if (!times)
        return;
    outlook_show_interval(tree, hf_request, tvb, times->request);
    outlook_show_interval(tree, hf_wait, tvb, times->wait);
    outlook_show_interval(tree, hf_response, tvb, times->response);
}

static void tap_times(packet_info *pinfo, const struct timed *timed)
{
    if (!have_tap_listener(time_tap))
        return;
    struct timed *copy = wmem_new(pinfo->pool, struct timed);
    *copy = *timed;
    tap_queue_packet(time_tap, pinfo, copy);
}

void times_show_call(proto_tree *tree, tvbuff_t *tvb, const struct pdu_note *note)
{
    if (!note->is_call)
        return;
    const int hf = hf_call[note->interface];
    if (note->interface == RPC_INTERFACE_OTHER || note->interface == RPC_INTERFACE_UNKNOWN)
        add_number(tree, hf, tvb, note->opnum); /* it has no name, and dcerpc.opnum is shown */
    else
        outlook_show_number(tree, hf, tvb, note->opnum);
    show_times(tree, tvb, outlook_operation_of_call(note->interface, note->opnum), note->times);
}

void times_tap_call(packet_info *pinfo, const struct pdu_note *note)
{
    if (note->is_call && note->times)
        tap_times(pinfo, &(struct timed){ note->times, outlook_operation_of_call(note->interface, note->opnum), true,
                                          note->interface, note->opnum });
}

void times_show_message(proto_tree *tree, tvbuff_t *tvb, const struct mapi_message *message)
{
    if (message->look)
        return;
    add_number(tree, hf_type_number, tvb, message->type);
    show_times(tree, tvb, outlook_operation_of_type(message->type), message->times);
}

void times_tap_message(packet_info *pinfo, const struct mapi_message *message)
{
    if (message->times && !message->look)
        tap_times(pinfo,
                  &(struct timed){ .times = message->times, .operation = outlook_operation_of_type(message->type) });
}

/* ---- Registration ----------------------------------------------------------------- */

static void name_all(void)
{
    char text[OPERATION_TEXT_MAX];
    for (unsigned i = 0, named = 0; i < OPERATIONS; i++) {
        if (i < MAPI_TYPES || i >= OPERATION_CALLS)
            operations[named++] =
                (value_string){ i, wmem_strdup(wmem_epan_scope(), outlook_operation_text(text, (uint16_t)i)) };
    }
    for (unsigned type = 0; type < MAPI_TYPES; type++)
        types[type] =
            (value_string){ type, wmem_strdup(wmem_epan_scope(), outlook_operation_text(text, (uint16_t)type)) };
    for (int interface = 0; interface < OPERATION_INTERFACES; interface++) {
        for (uint16_t opnum = 0; opnum < OPERATION_OF_EACH; opnum++) {
            const char *name = outlook_call_text(text, (uint8_t)interface, opnum);
            calls[interface][opnum] = (value_string){ opnum, wmem_strdup(wmem_epan_scope(), name) };
        }
    }
}

void times_register(void)
{
#define CALL_ROW(interface, label, filter, blurb) \
    FIELD_ROW(hf_call[interface], FT_UINT16, BASE_DEC, VALS(calls[interface]), 0, label, filter, blurb)
    static hf_register_info of_rpch[] = {
        CALL_ROW(RPC_EMSMDB, "EMSMDB operation", "rpch.call.emsmdb",
                 "Opnum of a call of MS-OXCRPC, also on its answer"),
        CALL_ROW(RPC_ASYNC_EMSMDB, "AsyncEMSMDB operation", "rpch.call.async_emsmdb",
                 "Opnum of a call of MS-OXCRPC 3.3, also on its answer"),
        CALL_ROW(RPC_NSPI, "NSPI operation", "rpch.call.nspi", "Opnum of a call of MS-OXNSPI, also on its answer"),
        CALL_ROW(RPC_RFR, "RFRI operation", "rpch.call.rfri", "Opnum of a call of MS-OXABREF, also on its answer"),
        CALL_ROW(RPC_TSGU, "TSGU operation", "rpch.call.tsgu", "Opnum of a call of MS-TSGU, also on its answer"),
        CALL_ROW(RPC_INTERFACE_OTHER, "Operation of another interface", "rpch.call.other",
                 "Opnum of a call of an interface that is none of Outlook's, also on its answer; hidden"),
        CALL_ROW(RPC_INTERFACE_UNKNOWN, "Operation, interface not known", "rpch.call.unknown",
                 "Opnum of a call whose bind was not captured, also on its answer; hidden"),
    };
    static hf_register_info of_mapi[] = {
        FIELD_ROW(hf_type_number, FT_UINT8, BASE_DEC, VALS(types), 0, "Request type, as a number",
                  "mapihttp.request_type.number",
                  "Of requests and responses, as the table of -z mapihttp,srt counts; hidden"),
    };
    static hf_register_info of_outlook[] = {
        FIELD_ROW(hf_operation, FT_UINT16, BASE_DEC, VALS(operations), 0, "Operation", "outlook.operation",
                  "Request type of MAPI/HTTP or operation of a call, of requests and answers alike, as the tables of "
                  "-z outlook,srt count; hidden"),
        INTERVAL_ROW(hf_request, "Request transfer", "outlook.time.request",
                     "From the first to the last byte of the request; shown where its answer ends"),
        INTERVAL_ROW(hf_wait, "Wait", "outlook.time.wait",
                     "From the last byte of the request to the first of the answer. A server of MAPI/HTTP may begin "
                     "its answer at once, and be at work until DONE"),
        INTERVAL_ROW(hf_response, "Response transfer", "outlook.time.response",
                     "From the first to the last byte of the answer"),
    };
    name_all();
    fields_add(proto_rpch, of_rpch, array_length(of_rpch));
    fields_add(proto_mapihttp, of_mapi, array_length(of_mapi));
    fields_add(proto_outlook, of_outlook, array_length(of_outlook));
    time_tap = register_tap("outlook_time");
}
