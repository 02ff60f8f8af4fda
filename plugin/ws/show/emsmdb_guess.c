/* emsmdb_guess.c
 * Without a bind nothing says of which interface a call is, and DCE/RPC shows bytes. EcDoRpc has
 * so many lengths that agree, one of them below an XOR, that it can be told all the same.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "emsmdb_guess.h"

#include <epan/prefs.h>
#include <epan/proto_data.h>

#include "dissect_emsmdb.h"
#include "dissect_outlook.h"
#include "ids.h"
#include "layers.h"
#include "pdu.h"
#include "registration.h"
#include "rows.h"
#include "store.h"

#define STUB_AT 24    /* of a request and of a response, C706 12.6.4.9 and .10 */
#define TRAILER_LEN 8 /* in front of the credentials, MS-RPCE 2.2.2.11 */
#define PAD_AT 2      /* in it: how many bytes between the stub and it */
#define WHOLE_CALL 0x03
#define OBJECT_UUID 0x80

static int hf_guessed, hf_request_in, hf_response_in, hf_time;
static int ett_guess = -1;
static ws_bool pref_guess;
static dissector_handle_t guess_handle; /* of tcp, for connections on which something was guessed */

/* ---- What is remembered ----------------------------------------------------------- */

struct guessed_call {
    struct emsmdb_call *call;
    nstime_t requested, answered;
};

struct guesses {       /* of a file */
    wmem_map_t *bound; /* conv_index of connections on which a bind was captured */
    wmem_map_t *calls; /* conv_index and call_id -> struct guessed_call, the latest */
};

static struct guesses *the_guesses(void)
{
    struct guesses *guesses = (struct guesses *)store_part(STORE_GUESSES, sizeof *guesses);
    if (!guesses->bound) {
        guesses->bound = wmem_map_new(wmem_file_scope(), g_direct_hash, g_direct_equal);
        guesses->calls = wmem_map_new(wmem_file_scope(), g_int64_hash, g_int64_equal);
    }
    return guesses;
}

static bool is_bind(uint8_t ptype)
{
    return ptype == RPC_BIND || ptype == RPC_BIND_ACK || ptype == RPC_ALTER_CONTEXT || ptype == RPC_ALTER_CONTEXT_RESP;
}

static struct guessed_call *find_call(uint32_t connection, uint32_t call_id)
{
    const uint64_t key = (uint64_t)connection << 32 | call_id;
    return (struct guessed_call *)wmem_map_lookup(the_guesses()->calls, &key);
}

static struct guessed_call *new_call(uint32_t connection, uint32_t call_id)
{
    uint64_t *key = (uint64_t *)store_new(sizeof *key);
    struct guessed_call *guessed = (struct guessed_call *)store_new(sizeof *guessed);
    *key = (uint64_t)connection << 32 | call_id;
    wmem_map_insert(the_guesses()->calls, key, guessed);
    return guessed;
}

/* ---- PDUs ------------------------------------------------------------------------- */

/* The stub of a PDU that is a whole call; false if it is none, or is not whole. */
static bool stub_of(tvbuff_t *tvb, const uint8_t *p, const struct pdu_header *header, tvbuff_t **stub)
{
    uint32_t end = header->frag_length;
    if ((header->pfc_flags & WHOLE_CALL) != WHOLE_CALL || (header->pfc_flags & OBJECT_UUID) || end < STUB_AT)
        return false;
    if (header->auth_length > 0) {
        const uint32_t trailer = TRAILER_LEN + header->auth_length;
        if (trailer > end - STUB_AT)
            return false;
        end -= trailer;
        const uint32_t pad = p[end + PAD_AT];
        if (pad > end - STUB_AT)
            return false;
        end -= pad;
    }
    *stub = tvb_new_subset_length(tvb, STUB_AT, (int)(end - STUB_AT));
    return true;
}

static bool fits(tvbuff_t *stub, const struct pdu_header *header)
{
    const uint32_t len = tvb_captured_length(stub);
    return emsmdb_fits_rpc(tvb_get_ptr(stub, 0, (int)len), len, header->ptype == RPC_RESPONSE, !header->little_endian);
}

/* The first pass: what this PDU seems to be is kept with the frame. */
static void look_at(tvbuff_t *stub, packet_info *pinfo, const struct pdu_header *header, uint32_t connection)
{
    const struct emsmdb_stub what = { .opnum = EC_DO_RPC, .response = header->ptype == RPC_RESPONSE };
    struct guessed_call *guessed = what.response ? find_call(connection, header->call_id) : NULL;
    if (wmem_map_contains(the_guesses()->bound, GUINT_TO_POINTER(connection)) || !fits(stub, header))
        return;
    if (what.response ? !guessed || guessed->call->response_frame != 0 : header->call.opnum != EC_DO_RPC)
        return;
    if (!guessed)
        guessed = new_call(connection, header->call_id);
    emsmdb_follow(&guessed->call, stub, pinfo, &what, connection, header->call_id);
    *(what.response ? &guessed->answered : &guessed->requested) = pinfo->abs_ts;
    p_add_proto_data(wmem_file_scope(), pinfo, proto_emsmdb, header->call_id, guessed);
}

static void show(tvbuff_t *stub, packet_info *pinfo, proto_tree *tree, const struct pdu_header *header,
                 const struct guessed_call *guessed)
{
    const struct emsmdb_stub what = { .opnum = EC_DO_RPC, .response = header->ptype == RPC_RESPONSE };
    const char *name = emsmdb_method_name(what.interface, what.opnum);
    proto_item *top =
        proto_tree_add_protocol_format(tree, proto_emsmdb, stub, 0, -1, "Exchange EMSMDB over RPC, %s (guessed)", name);
    proto_tree *inside = proto_item_add_subtree(top, ett_guess);
    layer_of_ours(pinfo, tree, stub);
    layer_is_there(pinfo, proto_emsmdb);
    col_set_str(pinfo->cinfo, COL_PROTOCOL, "EMSMDB");
    col_append_sep_fstr(pinfo->cinfo, COL_INFO, ", ", "%s %s (guessed)", name, what.response ? "response" : "request");
    outlook_show_known(inside, hf_guessed, stub, "No bind was captured: the lengths are those of EcDoRpc");
    if (what.response) {
        nstime_t time;
        nstime_delta(&time, &guessed->answered, &guessed->requested);
        outlook_show_nonzero(inside, hf_request_in, stub, guessed->call->request_frame);
        proto_item_set_generated(proto_tree_add_time(inside, hf_time, stub, 0, 0, &time));
    } else {
        outlook_show_nonzero(inside, hf_response_in, stub, guessed->call->response_frame);
    }
    emsmdb_show(stub, pinfo, inside, &what, guessed->call, !header->little_endian);
}

/* Returns whether something was guessed. */
static bool guess_pdu(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, uint32_t connection)
{
    struct pdu_header header;
    tvbuff_t *stub;
    const uint32_t len = tvb_captured_length(tvb);
    const uint8_t *p = tvb_get_ptr(tvb, 0, (int)len);
    pdu_header_decode(p, &header);
    pdu_call_decode(p, len, &header);
    if (!PINFO_FD_VISITED(pinfo) && is_bind(header.ptype))
        wmem_map_insert(the_guesses()->bound, GUINT_TO_POINTER(connection), GUINT_TO_POINTER(1));
    if ((header.ptype != RPC_REQUEST && header.ptype != RPC_RESPONSE) || !stub_of(tvb, p, &header, &stub))
        return false;
    if (!PINFO_FD_VISITED(pinfo))
        look_at(stub, pinfo, &header, connection);
    const struct guessed_call *guessed =
        (struct guessed_call *)p_get_proto_data(wmem_file_scope(), pinfo, proto_emsmdb, header.call_id);
    if (guessed)
        show(stub, pinfo, tree, &header, guessed);
    return guessed != NULL;
}

static bool guess_all(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree)
{
    const uint32_t connection = find_or_create_conversation(pinfo)->conv_index;
    bool any = false;
    for (uint32_t at = 0; at < tvb_captured_length(tvb);) {
        const uint32_t left = tvb_captured_length(tvb) - at;
        uint16_t frag_length;
        unsigned bad_offset;
        if (left < PDU_HEADER_LEN ||
            pdu_probe(tvb_get_ptr(tvb, (int)at, (int)left), left, &frag_length, &bad_offset) != PDU_PROBE_OK ||
            frag_length > left)
            break;
        any |= guess_pdu(tvb_new_subset_length(tvb, (int)at, frag_length), pinfo, tree, connection);
        at += frag_length;
    }
    return any;
}

void emsmdb_guess(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree)
{
    if (pref_guess)
        guess_all(tvb, pinfo, tree);
}

/* ---- Over TCP --------------------------------------------------------------------- */

static bool is_pdu(tvbuff_t *tvb)
{
    uint16_t frag_length;
    unsigned bad_offset;
    const uint32_t len = tvb_captured_length(tvb);
    return len >= PDU_HEADER_LEN &&
           pdu_probe(tvb_get_ptr(tvb, 0, (int)len), len, &frag_length, &bad_offset) == PDU_PROBE_OK;
}

static int guess_behind_dcerpc(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    static heur_dtbl_entry_t *dcerpc;
    if (!dcerpc)
        dcerpc = find_heur_dissector_by_unique_short_name("dcerpc_tcp");
    if (!dcerpc)
        return 0;
    pinfo->can_desegment = pinfo->saved_can_desegment; /* as if tcp called it */
    call_heur_dissector_direct(dcerpc, tvb, pinfo, tree, data);
    guess_all(tvb, pinfo, tree);
    return (int)tvb_captured_length(tvb);
}

/* Nothing can be put behind DCE/RPC, so this stands in front of it, calls it, and goes on being called for the
 * connection: tcp asks first whoever took the last one, and DCE/RPC may keep a connection to itself. */
static ws_bool guess_over_tcp(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    if (!pref_guess || !is_pdu(tvb) || guess_behind_dcerpc(tvb, pinfo, tree, data) == 0)
        return FALSE;
    conversation_set_dissector(find_or_create_conversation(pinfo), guess_handle);
    return TRUE;
}

/* ---- Registration ----------------------------------------------------------------- */

/* Wireshark asks each heuristic that is enabled for each segment of any connection: that is not to be paid for what is off. */
void emsmdb_guess_changed(void)
{
    heur_dtbl_entry_t *over_tcp = find_heur_dissector_by_unique_short_name("emsmdb_guess_tcp");
    if (over_tcp)
        over_tcp->enabled = pref_guess;
}

void emsmdb_guess_register(void)
{
    static hf_register_info fields[] = {
        TEXT_ROW(hf_guessed, "Guessed", "emsmdb.guessed", "Why this is taken for EMSMDB"),
        FRAME_ROW(hf_request_in, "Request in", "emsmdb.request_in", FRAMENUM_TYPE(FT_FRAMENUM_REQUEST),
                  "Of a call that was guessed; of others DCE/RPC has it"),
        FRAME_ROW(hf_response_in, "Response in", "emsmdb.response_in", FRAMENUM_TYPE(FT_FRAMENUM_RESPONSE),
                  "Of a call that was guessed; of others DCE/RPC has it"),
        INTERVAL_ROW(hf_time, "Time since request", "emsmdb.time", "Of a call that was guessed"),
    };
    static int *ett[] = { &ett_guess };
    prefs_register_bool_preference(prefs_find_module("emsmdb"), "guess",
                                   "Guess EcDoRpc where the bind was not captured",
                                   "Takes calls without a known interface for EcDoRpc of EMSMDB, which clients up to "
                                   "Outlook 2003 send, if their opnum is 2 and all lengths in them agree, also of the "
                                   "ROP buffer below its XOR.",
                                   &pref_guess);
    fields_add(proto_emsmdb, fields, array_length(fields));
    proto_register_subtree_array(ett, array_length(ett));
}

void emsmdb_guess_handoff(void)
{
    guess_handle = create_dissector_handle(guess_behind_dcerpc, proto_emsmdb);
    heur_dissector_add("tcp", guess_over_tcp, "EMSMDB without its bind", "emsmdb_guess_tcp", proto_emsmdb,
                       HEURISTIC_DISABLE);
    emsmdb_guess_changed();
}
