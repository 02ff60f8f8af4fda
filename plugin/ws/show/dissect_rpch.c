/* dissect_rpch.c
 * Shows PDUs, channel heads and the state of virtual connections. The fields of RTS
 * commands are registered from the table in rts.c; RPC PDUs go to DCE/RPC.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "dissect_rpch.h"

#include <epan/conversation.h>
#include <epan/exceptions.h>
#include <epan/show_exception.h>
#include <epan/proto_data.h>

#include "chars.h"
#include "dissect_emsmdb.h"
#include "dissect_outlook.h"
#include "emsmdb_guess.h"
#include "ids.h"
#include "info.h"
#include "layers.h"
#include "notes.h"
#include "pdu.h"
#include "registration.h"
#include "rows.h"
#include "rts.h"
#include "sink_tree.h"
#include "store.h"
#include "stretch.h"
#include "times.h"

enum { FRAME_COLUMNS = 2 }; /* key of per-packet data: something of ours stands in Info */

static int hf_rpc_vers, hf_rpc_vers_minor, hf_ptype, hf_pfc_flags, hf_drep, hf_frag_length, hf_auth_length, hf_call_id;
static int hf_rts_pdu, hf_rts_flags, hf_flag[7], hf_rts_number;
static int hf_vc, hf_vc_leg, hf_vc_in_stream, hf_vc_out_stream, hf_vc_cookie, hf_vc_state, hf_vc_in_peer,
    hf_vc_out_peer;
static int hf_vc_peer_frame, hf_channel, hf_channel_bytes, hf_target, hf_outlook_session, hf_session_id, hf_error_code;
static int hf_greeting, hf_skipped, hf_pdu, hf_head, hf_gap;
static int ett_part = -1, ett_flags = -1;
static expert_field ei_malformed, ei_unexpected;

static const value_string channel_names[] = { { RTS_IN, "IN" }, { RTS_OUT, "OUT" }, { 0, NULL } };

static const value_string ptype_names[] = { { RPC_REQUEST, "Request" },
                                            { RPC_RESPONSE, "Response" },
                                            { RPC_FAULT, "Fault" },
                                            { RPC_BIND, "Bind" },
                                            { RPC_BIND_ACK, "Bind_ack" },
                                            { RPC_BIND_NAK, "Bind_nak" },
                                            { RPC_ALTER_CONTEXT, "Alter_context" },
                                            { RPC_ALTER_CONTEXT_RESP, "Alter_context_resp" },
                                            { 16, "AUTH3" },
                                            { RPC_SHUTDOWN, "Shutdown" },
                                            { RPC_CO_CANCEL, "Co_cancel" },
                                            { RPC_ORPHANED, "Orphaned" },
                                            { RPC_RTS, "RTS" },
                                            { 0, NULL } };

/* ---- Columns ---------------------------------------------------------------------- */

static void begin_columns(packet_info *pinfo)
{
    if (!pinfo->cinfo || p_get_proto_data(pinfo->pool, pinfo, proto_rpch, FRAME_COLUMNS))
        return;
    col_clear(pinfo->cinfo, COL_INFO);
    p_add_proto_data(pinfo->pool, pinfo, proto_rpch, FRAME_COLUMNS, pinfo);
}

static void show_in_info(packet_info *pinfo, const char *text)
{
    outlook_show_in_info(pinfo, "RPCH", text);
}

/* Nothing ends in the frame. */
static void end_columns(packet_info *pinfo)
{
    if (!pinfo->cinfo || !p_get_proto_data(pinfo->pool, pinfo, proto_rpch, FRAME_COLUMNS))
        return;
    const char *info = col_get_text(pinfo->cinfo, COL_INFO);
    if (!info || !*info)
        show_in_info(pinfo, "[segment of a PDU or message that goes on]");
}

/* What is below the item of a part; kind: the value of its field, text: how it reads. */
static proto_tree *part_tree(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int hf, int offset, int len,
                             const char *kind, const char *text)
{
    return layer_part(pinfo, tree, tvb, offset, len, &(struct part){ LAYER_RPCH, hf, ett_part, kind, text, text });
}

static void show_error_code(proto_tree *tree, tvbuff_t *tvb, int offset, int len, uint32_t code, const char *name)
{
    proto_item *item = proto_tree_add_uint(tree, hf_error_code, tvb, offset, len, code);
    if (name)
        proto_item_append_text(item, " (%s)", name);
}

/* ---- RTS PDUs --------------------------------------------------------------------- */

struct show {
    tvbuff_t *tvb;
    packet_info *pinfo;
    proto_tree *tree;
    const uint8_t *p;
    uint32_t captured;
    const struct pdu_header *header;
};

static const char *problem_text(packet_info *pinfo, const struct rts_issue *issue)
{
    wmem_allocator_t *scope = pinfo->pool;
    const uint32_t value = issue->value, low = issue->expected_low;
    switch (issue->problem) {
    case RTS_BAD_VERSION:
        return wmem_strdup_printf(scope, "RPC version %u.%u, not 5.0", value >> 8, value & 0xff);
    case RTS_BAD_PFC_FLAGS:
        return wmem_strdup_printf(
            scope, "pfc_flags 0x%02x: an RTS PDU has 0x%02x, first and last fragment (MS-RPCH 2.2.3.6.1)", value, low);
    case RTS_BAD_DREP:
        return wmem_strdup_printf(scope, "Data representation 0x%08x: an RTS PDU has 0x%08x (MS-RPCH 2.2.3.6.1)", value,
                                  low);
    case RTS_BAD_FRAG_LENGTH:
        return wmem_strdup_printf(scope, "frag_length is %u, but the commands end at %u", value, low);
    case RTS_BAD_AUTH_LENGTH:
        return wmem_strdup_printf(scope, "auth_length %u: an RTS PDU has 0 (MS-RPCH 2.2.3.6.1)", value);
    case RTS_BAD_CALL_ID:
        return wmem_strdup_printf(scope, "call_id %u: an RTS PDU has 0 (MS-RPCH 2.2.3.6.1)", value);
    case RTS_TRUNCATED:
        return wmem_strdup_printf(scope, "The PDU ends inside this command: %u bytes are left, %u are needed", value,
                                  low);
    case RTS_UNKNOWN_COMMAND:
        return wmem_strdup_printf(
            scope, "Unknown command %u: its length is not known, so nothing behind it can be read", value);
    case RTS_BAD_ADDRESS_TYPE:
        return wmem_strdup_printf(scope, "Address type %u: 0 is IPv4, 1 is IPv6 (MS-RPCH 2.2.3.2)", value);
    case RTS_TOO_SHORT:
        return wmem_strdup_printf(scope, "frag_length %u has no room for Flags and NumberOfCommands", value);
    case RTS_RANGE:
        return wmem_strdup_printf(scope, "%s %u is out of its range, %u to %u (MS-RPCH 2.2.3.5)", issue->row->label,
                                  value, low, issue->expected_high);
    case RTS_UNDEFINED_FLAGS:
        return wmem_strdup_printf(scope, "Flags 0x%04x: bits beyond 0x%04x are not defined (MS-RPCH 2.2.3.6.1)", value,
                                  low);
    }
    return "";
}

static void show_issue(void *ctx, const struct rts_issue *issue)
{
    struct show *show = ctx;
    expert_field *ei = rts_problem_is_malformed(issue->problem) ? &ei_malformed : &ei_unexpected;
    int length = MIN((int)issue->length, stretch_captured(show->tvb, (int)issue->offset));
    outlook_show_problem(show->tvb, show->pinfo, show->tree, ei, (int)issue->offset, MAX(length, 0),
                         problem_text(show->pinfo, issue));
}

static void show_header(proto_tree *tree, tvbuff_t *tvb, const struct pdu_header *header)
{
    proto_tree_add_uint(tree, hf_rpc_vers, tvb, 0, 1, header->rpc_vers);
    proto_tree_add_uint(tree, hf_rpc_vers_minor, tvb, 1, 1, header->rpc_vers_minor);
    proto_tree_add_uint(tree, hf_ptype, tvb, 2, 1, header->ptype);
    proto_tree_add_uint(tree, hf_pfc_flags, tvb, 3, 1, header->pfc_flags);
    proto_tree_add_item(tree, hf_drep, tvb, 4, 4, ENC_NA);
    proto_tree_add_uint(tree, hf_frag_length, tvb, 8, 2, header->frag_length);
    proto_tree_add_uint(tree, hf_auth_length, tvb, 10, 2, header->auth_length);
    proto_tree_add_uint(tree, hf_call_id, tvb, 12, 4, header->call_id);
}

static void show_channel(proto_tree *tree, tvbuff_t *tvb, const struct pdu_note *note)
{
    outlook_show_nonzero(tree, hf_channel, tvb, note->channel);
    proto_item_set_generated(proto_tree_add_uint64(tree, hf_channel_bytes, tvb, 0, 0, note->bytes));
}

static void show_out_of_place(proto_tree *tree, packet_info *pinfo, tvbuff_t *tvb, const struct pdu_note *note)
{
    int length = (int)tvb_captured_length(tvb);
    if (note->misplaced)
        outlook_show_problem(tvb, pinfo, tree, &ei_unexpected, 0, length,
                             wmem_strdup_printf(pinfo->pool,
                                                "%s does not belong on this channel, direction or leg (MS-RPCH 2.2.4)",
                                                note->name));
    if (pdu_note_unexpected(note))
        outlook_show_problem(tvb, pinfo, tree, &ei_unexpected, 0, length, note->unexpected);
}

static void decode_commands(const struct field_sink *fields, void *arg)
{
    struct show *show = arg;
    const struct rts_sink sink = { fields, show_issue, show };
    struct rts_pdu unused;
    rts_decode(show->p, show->captured, show->header->frag_length, &unused, &sink);
}

/* "RTS CONN/A1 OUT, connection 3" */
static void show_rts_in_info(packet_info *pinfo, const struct pdu_note *note)
{
    struct text text = { .used = 0 };
    if (!pinfo->cinfo)
        return;
    const char *channel = try_val_to_str(note->channel, channel_names);
    const uint32_t number = outlook_connection_number(store_outlook(), pdu_note_row(note));
    say(&text, "RTS %s", note->name);
    if (channel)
        say(&text, " %s", channel);
    if (number != NO_NUMBER)
        say(&text, ", connection %u", number);
    show_in_info(pinfo, text.s);
}

static void show_rts(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const uint8_t *p, uint32_t captured,
                     const struct pdu_header *header, const struct pdu_note *note)
{
    show_rts_in_info(pinfo, note);
    /* Without a tree expert items are still made: taps and -z expert want them. */
    proto_tree *pdu_tree = part_tree(tvb, pinfo, tree, hf_pdu, 0, -1, "RTS",
                                     tree ? wmem_strdup_printf(pinfo->pool, "RTS %s", note->name) : "");
    proto_item_set_generated(proto_tree_add_string(pdu_tree, hf_rts_pdu, tvb, 0, 0, note->name));
    show_channel(pdu_tree, tvb, note);
    show_header(pdu_tree, tvb, header);
    if (captured >= PDU_HEADER_LEN + 4) {
        unsigned encoding = header->little_endian ? ENC_LITTLE_ENDIAN : ENC_BIG_ENDIAN;
        proto_tree *flags =
            proto_item_add_subtree(proto_tree_add_item(pdu_tree, hf_rts_flags, tvb, 16, 2, encoding), ett_flags);
        for (size_t i = 0; i < G_N_ELEMENTS(hf_flag); i++)
            proto_tree_add_item(flags, hf_flag[i], tvb, 16, 2, encoding);
        proto_tree_add_item(pdu_tree, hf_rts_number, tvb, 18, 2, encoding);
    }
    struct show show = { tvb, pinfo, pdu_tree, p, captured, header };
    sink_fields(tvb, pinfo, pdu_tree, decode_commands, &show);
    show_out_of_place(pdu_tree, pinfo, tvb, note);
}

/* ---- RPC PDUs --------------------------------------------------------------------- */

/* DCE/RPC with one conversation for both channels: it finds its calls by it. */
static void call_dcerpc(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct pdu_note *note)
{
    static heur_dtbl_entry_t *dcerpc;
    if (!dcerpc)
        dcerpc = find_heur_dissector_by_unique_short_name("dcerpc_http");
    if (!dcerpc) {
        call_data_dissector(tvb, pinfo, tree);
        return;
    }
    struct conversation_addr_port_endpoints *saved_endpoints = pinfo->conv_addr_port_endpoints;
    const ws_bool saved_use = pinfo->use_conv_addr_port_endpoints;
    const uint16_t saved_desegment = pinfo->can_desegment;
    /* A key without addresses and with a second port that none has. Lists of elements would do, but Wireshark
     * finds those by a string that it makes for each look-up. */
    conversation_set_conv_addr_port_endpoints(pinfo, NULL, NULL, CONVERSATION_TCP, note->call_conversation, UINT32_MAX);
    pinfo->can_desegment = 0;
    emsmdb_carried_by(pdu_note_row(note));
    TRY
    {
        call_heur_dissector_direct(dcerpc, tvb, pinfo, tree, NULL);
        emsmdb_guess(tvb, pinfo, tree);
    }
    FINALLY
    {
        emsmdb_carried_by(NO_NUMBER);
        pinfo->conv_addr_port_endpoints = saved_endpoints;
        pinfo->use_conv_addr_port_endpoints = saved_use;
        pinfo->can_desegment = saved_desegment;
        pinfo->desegment_len = 0;
        pinfo->desegment_offset = 0;
    }
    ENDTRY;
}

/* DCE/RPC has few names of them: "status: Unknown (0x000006d1)". */
static void name_fault(packet_info *pinfo, const char *name)
{
    const char *text = pinfo->cinfo && name ? col_get_text(pinfo->cinfo, COL_INFO) : NULL;
    if (text && strstr(text, "Unknown (0x"))
        col_append_fstr(pinfo->cinfo, COL_INFO, " %s", name);
}

static proto_tree *show_rpc_items(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const uint8_t *p,
                                  uint32_t captured, const struct pdu_header *header, const struct pdu_note *note)
{
    const char *type = val_to_str_const(header->ptype, ptype_names, "PDU");
    char text[64];
    append_decimal(append_text(append_text(text, type), ", call "), header->call_id);
    proto_tree *pdu_tree = part_tree(tvb, pinfo, tree, hf_pdu, 0, -1, type, text);
    show_channel(pdu_tree, tvb, note);
    times_show_call(pdu_tree, tvb, note);
    uint32_t status;
    if (pdu_status(p, captured, &status)) {
        if (header->ptype == RPC_FAULT)
            show_error_code(pdu_tree, tvb, 24, 4, status, pdu_fault_name(status));
        else
            show_error_code(pdu_tree, tvb, 16, 2, status, pdu_nak_name((uint16_t)status));
    }
    return pdu_tree;
}

static void show_rpc(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const uint8_t *p, uint32_t captured,
                     const struct pdu_header *header, const struct pdu_note *note)
{
    proto_tree *pdu_tree = tree ? show_rpc_items(tvb, pinfo, tree, p, captured, header, note) : NULL;
    times_tap_call(pinfo, note);
    show_out_of_place(pdu_tree, pinfo, tvb, note);
    if ((uint32_t)header->auth_length + PDU_HEADER_LEN > header->frag_length)
        outlook_show_problem(tvb, pinfo, pdu_tree, &ei_malformed, 10, 2,
                             wmem_strdup_printf(pinfo->pool, "auth_length %u does not fit into frag_length %u",
                                                header->auth_length, header->frag_length));
    outlook_next_in_info(pinfo);
    call_dcerpc(tvb, pinfo, tree, note);
    uint32_t status;
    if (header->ptype == RPC_FAULT && pdu_status(p, captured, &status))
        name_fault(pinfo, pdu_fault_name(status));
    col_set_fence(pinfo->cinfo, COL_INFO);
}

/* ---- One PDU ---------------------------------------------------------------------- */

static void show_pdu(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct pdu_note *note)
{
    uint32_t captured = tvb_captured_length(tvb);
    if (captured < PDU_HEADER_LEN) {
        show_in_info(pinfo, "PDU cut by the snap length");
        call_data_dissector(tvb, pinfo, tree);
        return;
    }
    const uint8_t *p = tvb_get_ptr(tvb, 0, (int)captured);
    struct pdu_header header;
    pdu_header_decode(p, &header);
    const uint16_t announced = header.frag_length;
    const uint32_t there = tvb_reported_length(tvb);
    if (header.frag_length > there)
        header.frag_length = (uint16_t)there;
    TRY
    {
        if (announced != header.frag_length)
            outlook_show_problem(tvb, pinfo, layer_tree(pinfo, tree, LAYER_RPCH, tvb, 0, -1), &ei_malformed, 8, 2,
                                 wmem_strdup_printf(pinfo->pool,
                                                    "frag_length is %u, but only %u bytes belong to this PDU",
                                                    announced, there));
        if (header.ptype == RPC_RTS)
            show_rts(tvb, pinfo, tree, p, captured, &header, note);
        else
            show_rpc(tvb, pinfo, tree, p, captured, &header, note);
    }
    CATCH_BOUNDS_AND_DISSECTOR_ERRORS
    {
        show_exception(tvb, pinfo, tree, EXCEPT_CODE, GET_MESSAGE);
    }
    ENDTRY;
}

static void show_malformed(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, unsigned bad_offset)
{
    static const struct {
        unsigned first, last;
        const char *what;
    } places[] = {
        { 0, 1, "the RPC version is not 5.0 or 5.1" },
        { 2, 2, "no such packet type" },
        { 3, 3, "impossible packet flags" },
        { 4, 7, "an impossible data representation" },
        { 8, 9, "frag_length is shorter than the header" },
    };
    const char *what = "not a header";
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        if (bad_offset >= places[i].first && bad_offset <= places[i].last)
            what = places[i].what;
    }
    proto_tree *pdu_tree = part_tree(tvb, pinfo, tree, hf_pdu, offset, -1, "broken PDU", "broken PDU");
    show_in_info(pinfo, "broken PDU");
    outlook_show_problem(tvb, pinfo, pdu_tree, &ei_malformed, offset + (int)bad_offset, 1,
                         wmem_strdup_printf(pinfo->pool, "No PDU begins here: %s", what));
}

static void show_gap(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, int len, const char *what)
{
    int captured = MIN(len, stretch_captured(tvb, offset));
    proto_tree *gap_tree = part_tree(tvb, pinfo, tree, hf_gap, offset, captured, what, what);
    show_in_info(pinfo, what);
    if (captured > 0)
        proto_tree_add_item(gap_tree, hf_skipped, tvb, offset, captured, ENC_NA);
}

static void show_greeting(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, int len)
{
    proto_tree *layer = layer_tree(pinfo, tree, LAYER_RPCH, tvb, offset, len);
    show_in_info(pinfo, "Legacy server response");
    if (!layer)
        return;
    layer_say_part(pinfo, LAYER_RPCH, "legacy server response");
    proto_tree_add_item(layer, hf_greeting, tvb, offset, len, ENC_ASCII);
}

/* ---- Heads ------------------------------------------------------------------------ */

static void show_head(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, const struct http_head *head,
                      const struct http_info *info)
{
    if (!tree)
        return;
    int len = (int)head->length;
    char status[32];
    snprintf(status, sizeof status, "response %u", info->status);
    const char *what = info->method == HTTP_RPC_IN_DATA  ? "IN request" :
                       info->method == HTTP_RPC_OUT_DATA ? "OUT request" :
                       info->is_request                  ? "request of version 1" :
                                                           status;
    proto_tree *head_tree = part_tree(tvb, pinfo, tree, hf_head, offset, len, what, what);
    const struct {
        int hf;
        const char *text;
    } texts[] = {
        { hf_target, info->has_target ? info->target : "" },
        { hf_outlook_session, info->outlook_session },
        { hf_session_id, info->session_id },
        { outlook_hf_request_id, info->request_id },
        { outlook_hf_client_request_id, info->client_request_id },
        { outlook_hf_front_end, info->front_end },
        { outlook_hf_failure_context, info->failure_context },
        { outlook_hf_cas_error, info->cas_error },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (*texts[i].text)
            proto_tree_add_string(head_tree, texts[i].hf, tvb, offset, len, texts[i].text);
    }
    if (info->rpc_error)
        show_error_code(head_tree, tvb, offset, len, info->rpc_error_code, http_rpc_error_name(info->rpc_error_code));
}

/* ---- The frame -------------------------------------------------------------------- */

static void show_peer(proto_tree *tree, int hf, tvbuff_t *tvb, const struct endpoint *peer)
{
    char text[ENDPOINT_TEXT_MAX];
    if (!peer)
        return;
    endpoint_format(peer, text);
    outlook_show_known(tree, hf, tvb, text);
}

static void show_cookie(proto_tree *tree, tvbuff_t *tvb, const uint8_t *cookie)
{
    if (!cookie)
        return;
    e_guid_t guid = { get_le32(cookie), get_le16(cookie + 4), get_le16(cookie + 6), { 0 } };
    memcpy(guid.data4, cookie + 8, sizeof guid.data4);
    proto_item_set_generated(proto_tree_add_guid(tree, hf_vc_cookie, tvb, 0, 0, &guid));
}

static void show_snapshot(proto_tree *tree, tvbuff_t *tvb, const struct vc_snapshot *now, bool with_channel)
{
    outlook_show_number(tree, hf_vc, tvb, now->vc);
    outlook_show_number(tree, hf_vc_leg, tvb, now->leg);
    if (with_channel)
        outlook_show_nonzero(tree, hf_channel, tvb, now->channel);
    outlook_show_known(tree, hf_vc_state, tvb, now->state);
    outlook_show_number(tree, hf_vc_in_stream, tvb, now->in_stream);
    show_peer(tree, hf_vc_in_peer, tvb, now->in_peer);
    outlook_show_number(tree, hf_vc_out_stream, tvb, now->out_stream);
    show_peer(tree, hf_vc_out_peer, tvb, now->out_peer);
    show_cookie(tree, tvb, now->cookie);
    outlook_show_nonzero(tree, hf_vc_peer_frame, tvb, now->peer_frame);
}

/* In the protocol's line: one text, for each frame of a connection has it. */
static void say_state(packet_info *pinfo, const struct vc_snapshot *now)
{
    char text[128], *to = append_text(text, "");
    if (now->vc != NO_NUMBER) {
        to = append_decimal(append_text(to, ", virtual connection "), now->vc);
        to = append_decimal(append_text(to, ", leg "), now->leg);
    }
    if (now->channel != 0)
        to = append_text(to, now->channel == RTS_IN ? ", IN channel" : ", OUT channel");
    if (now->state)
        append_text(append_text(to, ", "), now->state);
    layer_say(pinfo, LAYER_RPCH, text);
}

/* place: NULL, or what is known of the connection where the frame's own note does not tell. */
static void show_state(proto_tree *tree, tvbuff_t *tvb, packet_info *pinfo, const struct frame_note *note,
                       const struct vc_place *place)
{
    struct vc_snapshot now = { .vc = NO_NUMBER, .leg = NO_NUMBER, .in_stream = NO_NUMBER, .out_stream = NO_NUMBER };
    if (note && note->mark)
        outlook_mark_show(note->mark, &now);
    if (now.vc == NO_NUMBER && place) {
        outlook_place_show(place, &now.vc, &now.leg);
        now.channel = now.channel ? now.channel : place->channel;
    }
    say_state(pinfo, &now);
    show_snapshot(tree, tvb, &now, !note || !note->has_pdu);
}

static void show_frame(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct frame_note *note,
                       const struct vc_place *place)
{
    const bool has_state = place || (note && note->mark);
    if (tree && (has_state || (note && note->auth))) {
        proto_tree *layer = layer_known(pinfo, tree, LAYER_RPCH, tvb);
        if (has_state)
            show_state(layer, tvb, pinfo, note, place);
        for (const struct auth_note *auth = note ? note->auth : NULL; auth; auth = auth->next)
            outlook_show_auth(layer, tvb, &auth->shown);
    }
    /* Expert items are made without a tree, too: taps want them. */
    if (note) {
        end_columns(pinfo);
        outlook_show_verdicts(tvb, pinfo, tree, note->verdicts);
    }
}

/* ---- Registration ----------------------------------------------------------------- */

void rpch_register_show(struct show_calls *calls)
{
    static hf_register_info of_rpch[] = {
        NUMBER_ROW(hf_rpc_vers, FT_UINT8, "Version", "rpch.rpc_vers", "rpc_vers, 5 (C706 12.6.3.1)"),
        NUMBER_ROW(hf_rpc_vers_minor, FT_UINT8, "Version (minor)", "rpch.rpc_vers_minor",
                   "rpc_vers_minor, 0 or 1 (C706 12.6.3.1)"),
        FIELD_ROW(hf_ptype, FT_UINT8, BASE_DEC, VALS(ptype_names), 0, "Packet type", "rpch.ptype",
                  "PTYPE of the RPC header; 20 is RTS (MS-RPCH 2.2.3.6.1)"),
        FIELD_ROW(hf_pfc_flags, FT_UINT8, BASE_HEX, NULL, 0, "Packet Flags", "rpch.pfc_flags",
                  "First and last fragment and others (C706 12.6.3.1)"),
        FIELD_ROW(hf_drep, FT_BYTES, BASE_NONE, NULL, 0, "Data Representation", "rpch.drep",
                  "How numbers and characters are written: byte order, ASCII, IEEE (C706 14.1)"),
        NUMBER_ROW(hf_frag_length, FT_UINT16, "Frag Length", "rpch.frag_length", "Length of the PDU with its header"),
        NUMBER_ROW(hf_auth_length, FT_UINT16, "Auth Length", "rpch.auth_length",
                   "Length of the credentials behind the PDU's body; 0 for RTS"),
        NUMBER_ROW(hf_call_id, FT_UINT32, "Call ID", "rpch.call_id",
                   "What request and response have in common; 0 for RTS"),
        TEXT_ROW(hf_pdu, "PDU", "rpch.pdu", "Its packet type: RTS, Request, Response, Fault, Bind ..."),
        TEXT_ROW(hf_head, "Head", "rpch.head", "An HTTP head of RPC over HTTP: a channel's request or its response"),
        TEXT_ROW(hf_gap, "Gap", "rpch.gap", "Why bytes of a channel are not read as PDUs"),
        TEXT_ROW(hf_rts_pdu, "RTS PDU", "rpch.rts.pdu", "Name by MS-RPCH 2.2.4; candidates are joined by \" or \""),
        FIELD_ROW(hf_rts_flags, FT_UINT16, BASE_HEX, NULL, 0, "Flags", "rpch.rts.flags",
                  "RTS Flags: what kind of RTS PDU it is (MS-RPCH 2.2.3.6.1)"),
        BIT_ROW(hf_flag[0], 16, "PING", "rpch.rts.flags.ping", RTS_FLAG_PING, "The PDU is a ping, or recycles by one"),
        BIT_ROW(hf_flag[1], 16, "OTHER_CMD", "rpch.rts.flags.other_cmd", RTS_FLAG_OTHER_CMD,
                "It has commands of its own, as flow control has"),
        BIT_ROW(hf_flag[2], 16, "RECYCLE_CHANNEL", "rpch.rts.flags.recycle_channel", RTS_FLAG_RECYCLE_CHANNEL,
                "It belongs to the recycling of a channel"),
        BIT_ROW(hf_flag[3], 16, "IN_CHANNEL", "rpch.rts.flags.in_channel", RTS_FLAG_IN_CHANNEL,
                "It belongs to the IN channel"),
        BIT_ROW(hf_flag[4], 16, "OUT_CHANNEL", "rpch.rts.flags.out_channel", RTS_FLAG_OUT_CHANNEL,
                "It belongs to the OUT channel"),
        BIT_ROW(hf_flag[5], 16, "EOF", "rpch.rts.flags.eof", RTS_FLAG_EOF, "It is the last PDU of its channel"),
        BIT_ROW(hf_flag[6], 16, "ECHO", "rpch.rts.flags.echo", RTS_FLAG_ECHO, "It is the answer to an echo request"),
        NUMBER_ROW(hf_rts_number, FT_UINT16, "Number of Commands", "rpch.rts.number_of_commands",
                   "How many RTS commands follow (MS-RPCH 2.2.3.6.1)"),
        NUMBER_ROW(hf_vc, FT_UINT32, "Virtual connection", "rpch.vc", "Number in order of appearance, from 0"),
        NUMBER_ROW(
            hf_vc_leg, FT_UINT32, "Leg", "rpch.vc.leg",
            "On a load balancer each side has a leg of its own; 0 is the one seen first, unless it is proved to be behind another"),
        NUMBER_ROW(hf_vc_in_stream, FT_UINT32, "IN tcp.stream", "rpch.vc.in_stream",
                   "The TCP connection that carries the IN channel"),
        NUMBER_ROW(hf_vc_out_stream, FT_UINT32, "OUT tcp.stream", "rpch.vc.out_stream",
                   "The TCP connection that carries the OUT channel"),
        FIELD_ROW(hf_vc_cookie, FT_GUID, BASE_NONE, NULL, 0, "Virtual connection cookie", "rpch.vc.cookie",
                  "What both channels name the connection by: in CONN/A1 and CONN/B1 (MS-RPCH 2.2.3.1)"),
        TEXT_ROW(hf_vc_state, "State", "rpch.vc.state", "After this frame (MS-RPCH 3.2)"),
        TEXT_ROW(hf_vc_in_peer, "IN peer", "rpch.vc.in_peer", "Server end of the IN channel's TCP connection"),
        TEXT_ROW(hf_vc_out_peer, "OUT peer", "rpch.vc.out_peer", "Server end of the OUT channel's TCP connection"),
        FRAME_ROW(hf_vc_peer_frame, "Other half in", "rpch.vc.peer_frame", NULL,
                  "First RTS PDU, else request, of the other channel"),
        FIELD_ROW(hf_channel, FT_UINT8, BASE_DEC, VALS(channel_names), 0, "Channel", "rpch.channel",
                  "IN: from client to server, OUT: from server to client; of this TCP connection"),
        NUMBER_ROW(hf_channel_bytes, FT_UINT64, "Channel bytes", "rpch.channel.bytes",
                   "All body bytes of this HTTP channel up to and with this PDU"),
        TEXT_ROW(hf_target, "Target", "rpch.target", "RPC server and port of the request"),
        TEXT_ROW(hf_outlook_session, "OutlookSession", "rpch.outlook_session",
                 "OutlookSession cookie of the request, the same on IN and OUT"),
        TEXT_ROW(hf_session_id, "SessionId", "rpch.session_id", "From Pragma"),
        FIELD_ROW(hf_error_code, FT_UINT32, BASE_HEX, NULL, 0, "Error code", "rpch.error.code",
                  "Of 503 RPC Error, a fault or a bind_nak"),
        TEXT_ROW(hf_greeting, "Legacy server response", "rpch.greeting",
                 "ncacn_http/1.0, by which an RPC server answers a proxy (MS-RPCH 2.1.1.1)"),
        FIELD_ROW(hf_skipped, FT_BYTES, BASE_NONE, NULL, 0, "Bytes passed over", "rpch.skipped",
                  "What was not read as PDUs, because bytes before it are missing or broken"),
    };
    static ei_register_info broken[] = {
        { &ei_malformed, { "rpch.rts.malformed", PI_MALFORMED, PI_ERROR, "A broken PDU", EXPFILL } },
        { &ei_unexpected,
          { "rpch.rts.unexpected", PI_PROTOCOL, PI_NOTE, "A value out of range, or a PDU out of place", EXPFILL } },
    };
    static int *ett[] = { &ett_part, &ett_flags };
    fields_add(proto_rpch, of_rpch, array_length(of_rpch));
    proto_register_subtree_array(ett, array_length(ett));
    fields_add_expert(proto_rpch, broken, array_length(broken));
    fields_describe_expert(&ei_malformed,
                           "Bytes that MS-RPCH or the RPC header does not allow: outlook.problem says which");
    fields_describe_expert(
        &ei_unexpected,
        "A lawful PDU with a value, or at a place, that MS-RPCH does not foresee: outlook.problem says why");
    calls->rpch_columns = begin_columns;
    calls->rpch_pdu = show_pdu;
    calls->rpch_malformed = show_malformed;
    calls->rpch_gap = show_gap;
    calls->rpch_greeting = show_greeting;
    calls->rpch_head = show_head;
    calls->rpch_frame = show_frame;
}
