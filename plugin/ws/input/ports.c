/* ports.c
 * Connections that come to us by their port: those of RPC servers, which are looked at before whoever owns the port, and
 * those of which the user says what they are.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "ports.h"

#include <epan/prefs.h>

#include "ids.h"
#include "pdu.h"
#include "takeover_private.h"

/* ---- Ports of RPC servers --------------------------------------------------------- */

static range_t *looked_at_ports;
static wmem_map_t *displaced; /* port: the handle that had it before us, or NULL */

static void release_port(uint32_t port, void *unused _U_)
{
    dissector_handle_t before = (dissector_handle_t)wmem_map_lookup(displaced, GUINT_TO_POINTER(port));
    dissector_delete_uint("tcp.port", port, rpch_port_handle);
    if (before)
        dissector_add_uint("tcp.port", port, before);
}

static void take_port(uint32_t port, void *unused _U_)
{
    dissector_handle_t before = dissector_get_default_uint_handle("tcp.port", port);
    wmem_map_insert(displaced, GUINT_TO_POINTER(port), before == rpch_port_handle ? NULL : before);
    dissector_add_uint("tcp.port", port, rpch_port_handle);
}

void ports_changed(void)
{
    if (!displaced || !rpch_server_ports)
        return;
    if (looked_at_ports && ranges_are_equal(looked_at_ports, rpch_server_ports))
        return;
    if (looked_at_ports) {
        range_foreach(looked_at_ports, release_port, NULL);
        wmem_free(wmem_epan_scope(), looked_at_ports);
    }
    looked_at_ports = range_copy(wmem_epan_scope(), rpch_server_ports);
    range_foreach(looked_at_ports, take_port, NULL);
}

/* MS-RPCH 2.1.1.1 */
static bool starts_greeting(const uint8_t *p, size_t len)
{
    static const char greeting[] = "ncacn_http/1.0";
    return len >= sizeof greeting - 1 && memcmp(p, greeting, sizeof greeting - 1) == 0;
}

/* Whether a connection to an RPC server's port begins, or is met, here: the server's
 * greeting, or a stretch that is made of whole PDUs. */
static bool starts_server_leg(const uint8_t *p, size_t len, bool *from_client, bool port_is_source)
{
    if (starts_greeting(p, len)) {
        *from_client = false;
        return true;
    }
    *from_client = !port_is_source;
    size_t at = 0;
    bool rts = false;
    while (at < len) {
        uint16_t frag_length;
        unsigned bad;
        struct pdu_header header;
        if (pdu_probe(p + at, len - at, &frag_length, &bad) != PDU_PROBE_OK || frag_length > len - at)
            return false;
        pdu_header_decode(p + at, &header);
        rts |= header.ptype == RPC_RTS;
        at += frag_length;
    }
    return rts;
}

int ports_look_first(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    struct tcp_frame tcp;
    if (!PINFO_FD_VISITED(pinfo) && !takeover_switched_off(rpch_protocol) && tcp_frame_parse(pinfo, &tcp)) {
        int len = (int)tvb_captured_length(tvb);
        bool from_client = true;
        bool port_is_source = value_is_in_range(looked_at_ports, tcp.src.port) &&
                              (!value_is_in_range(looked_at_ports, tcp.dst.port) || tcp.src.port < tcp.dst.port);
        if (len > 0 && starts_server_leg(tvb_get_ptr(tvb, 0, len), (size_t)len, &from_client, port_is_source)) {
            struct stream *stream = stream_claim(pinfo, &tcp, RTS_HOP_TCP, from_client, false);
            conversation_t *conversation = tcp_conversation(pinfo, &tcp);
            if (stream && conversation) {
                conversation_set_dissector_from_frame_number(conversation, pinfo->num, rpch_tcp_handle);
                takeover_deliver(tvb, pinfo, tree, stream, &tcp, false);
                return (int)tvb_captured_length(tvb);
            }
        }
    }
    uint32_t port = value_is_in_range(looked_at_ports, pinfo->match_uint) ? pinfo->match_uint : 0;
    dissector_handle_t before = (dissector_handle_t)wmem_map_lookup(displaced, GUINT_TO_POINTER(port));
    if (!before)
        return 0;
    /* It must be able to ask tcp for more as if we were not between. */
    if (pinfo->can_desegment > 0)
        pinfo->can_desegment++;
    return call_dissector_only(before, tvb, pinfo, tree, data);
}

/* ---- What the user says it is ----------------------------------------------------- */

/* "Decode As" names us for the port: PDUs claim the connection where they are met, at its beginning or later. One that is
 * seen from its SYN on and begins with PDUs goes from a proxy to a server. All else is http's, whose requests claim it. */
static int decode_as_told(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    static dissector_handle_t http;
    struct tcp_frame tcp;
    if (!PINFO_FD_VISITED(pinfo) && tcp_frame_parse(pinfo, &tcp) && tcp.captured > 0 && !stream_find(pinfo, &tcp)) {
        struct stream *stream = NULL;
        if (starts_greeting(tcp.payload, tcp.captured))
            stream = stream_claim(pinfo, &tcp, RTS_HOP_TCP, false, false);
        else if (pdu_starts_stream(tcp.payload, tcp.captured))
            stream = takeover_claim_pdus(pinfo, &tcp, takeover_seen_from_syn(pinfo, &tcp) ? RTS_HOP_TCP : RTS_HOP_HTTP);
        conversation_t *conversation = stream ? tcp_conversation(pinfo, &tcp) : NULL;
        if (conversation) {
            conversation_set_dissector_from_frame_number(conversation, pinfo->num, rpch_tcp_handle);
            takeover_deliver(tvb, pinfo, tree, stream, &tcp, false);
            return (int)tvb_captured_length(tvb);
        }
    }
    if (!http)
        http = find_dissector("http");
    /* It must be able to ask tcp for more as if we were not between. */
    if (pinfo->can_desegment > 0)
        pinfo->can_desegment++;
    return http ? call_dissector_only(http, tvb, pinfo, tree, data) : 0;
}

void ports_handoff(void)
{
    displaced = wmem_map_new(wmem_epan_scope(), g_direct_hash, g_direct_equal);
    ports_changed();
    dissector_add_for_decode_as("tcp.port", create_dissector_handle_with_name_and_description(
                                                decode_as_told, proto_rpch, "rpch.decode_as", "RPC over HTTP"));
}
