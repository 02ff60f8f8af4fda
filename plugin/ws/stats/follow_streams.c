/* follow_streams.c
 * Follows a virtual connection (the PDUs of both channels) or a session of MAPI/HTTP (its messages: head, and body
 * without chunks and content encoding), in order of time. Secrets in heads are covered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "follow_streams.h"

#include "compat.h"

#include <epan/addr_resolv.h>
#include <epan/follow.h>

#include "connections.h"
#include "conversations.h"
#include "ids.h"
#include "notes.h"
#include "sessions.h"
#include "store.h"

/* ---- Records ---------------------------------------------------------------------- */

static void forget_records(follow_info_t *follow)
{
    for (GList *at = follow->payload; at; at = at->next) {
        follow_record_t *record = (follow_record_t *)at->data;
        g_byte_array_free(record->data, TRUE);
        g_free(record);
    }
    g_list_free(follow->payload);
    free_address(&follow->client_ip);
    free_address(&follow->server_ip);
    follow->payload = NULL;
    follow->client_port = follow->server_port = 0;
    follow->bytes_written[0] = follow->bytes_written[1] = 0;
}

/* Captured before and behind a device, everything is there twice: one leg is followed, the first of those that pass the
 * filter. It need not come first: a device may answer later than what is behind it. The member that remembers it is
 * tcp's, whose follower alone uses it, and is 0 when a following begins. */
static bool is_other_leg(follow_info_t *follow, uint32_t leg)
{
    const uint32_t chosen = follow->seq[0], this = MIN(leg, NO_NUMBER - 1) + 1;
    if (chosen != 0 && this > chosen)
        return true;
    if (this < chosen)
        forget_records(follow);
    follow->seq[0] = this;
    return false;
}

static void name_ends(follow_info_t *follow, const packet_info *pinfo, bool to_client)
{
    if (follow->client_port != 0)
        return;
    copy_address(&follow->client_ip, to_client ? &pinfo->dst : &pinfo->src);
    copy_address(&follow->server_ip, to_client ? &pinfo->src : &pinfo->dst);
    follow->client_port = to_client ? pinfo->destport : pinfo->srcport;
    follow->server_port = to_client ? pinfo->srcport : pinfo->destport;
}

static follow_record_t *record_of(bool to_client, uint32_t frame, nstime_t time, struct span first, struct span second)
{
    follow_record_t *record = g_new0(follow_record_t, 1);
    record->is_server = to_client;
    record->packet_num = frame;
    record->abs_ts = time;
    record->data = g_byte_array_sized_new((unsigned)(first.len + second.len));
    if (first.len > 0)
        g_byte_array_append(record->data, first.ptr, (unsigned)first.len);
    if (second.len > 0)
        g_byte_array_append(record->data, second.ptr, (unsigned)second.len);
    return record;
}

static void add(follow_info_t *follow, const packet_info *pinfo, bool to_client, struct span first, struct span second)
{
    if (first.len + second.len == 0)
        return;
    name_ends(follow, pinfo, to_client);
    follow->bytes_written[to_client] += (unsigned)(first.len + second.len);
    /* It is read from its end. */
    follow->payload = g_list_prepend(follow->payload, record_of(to_client, pinfo->num, pinfo->abs_ts, first, second));
}

static bool is_in(const follow_record_t *record, const struct followed_message *followed)
{
    const struct span head = followed->head, body = followed->body;
    return record->packet_num == followed->frame && record->data->len == head.len + body.len &&
           (head.len == 0 || memcmp(record->data->data, head.ptr, head.len) == 0) &&
           (body.len == 0 || memcmp(record->data->data + head.len, body.ptr, body.len) == 0);
}

/* A message of an earlier frame, which is there if the filter let that frame through. The frame's own messages name the
 * ends. */
static void add_early(follow_info_t *follow, const struct followed_message *followed)
{
    const bool to_client = followed->message->is_response;
    GList *at = follow->payload;
    if (followed->head.len + followed->body.len == 0)
        return;
    for (; at && ((const follow_record_t *)at->data)->packet_num >= followed->frame; at = at->next) {
        if (is_in((const follow_record_t *)at->data, followed))
            return;
    }
    follow->bytes_written[to_client] += (unsigned)(followed->head.len + followed->body.len);
    follow->payload = g_list_insert_before(
        follow->payload, at, record_of(to_client, followed->frame, followed->time, followed->head, followed->body));
}

static tap_packet_status on_pdu(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data,
                                tap_flags_t flags _U_)
{
    const struct followed_pdu *pdu = (const struct followed_pdu *)data;
    const uint32_t len = tvb_captured_length(pdu->bytes);
    struct vc_snapshot now = { .leg = NO_NUMBER };
    if (pdu->note->mark)
        outlook_mark_show(pdu->note->mark, &now);
    if (len > 0 && !is_other_leg((follow_info_t *)tapdata, now.leg))
        add((follow_info_t *)tapdata, pinfo, pdu->way == WAY_TO_CLIENT,
            (struct span){ tvb_get_ptr(pdu->bytes, 0, (int)len), len }, (struct span){ NULL, 0 });
    return TAP_PACKET_DONT_REDRAW;
}

static tap_packet_status on_message(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data,
                                    tap_flags_t flags _U_)
{
    const struct followed_message *followed = (const struct followed_message *)data;
    if (is_other_leg((follow_info_t *)tapdata, outlook_message_leg(store_outlook(), followed->message)))
        return TAP_PACKET_DONT_REDRAW;
    if (followed->frame != 0)
        add_early((follow_info_t *)tapdata, followed);
    else
        add((follow_info_t *)tapdata, pinfo, followed->message->is_response, followed->head, followed->body);
    return TAP_PACKET_DONT_REDRAW;
}

/* ---- Filters ---------------------------------------------------------------------- */

/* Of the leg that the user stands on; the first needs no word. */
static char *filter_of(const char *field, uint32_t number, uint32_t leg)
{
    return leg == 0 || leg == NO_NUMBER ? g_strdup_printf("%s == %u", field, number) :
                                          g_strdup_printf("%s == %u and %s.leg == %u", field, number,
                                                          strcmp(field, "rpch.vc") == 0 ? field : "mapihttp", leg);
}

static char *rpch_of_packet(epan_dissect_t *edt _U_, packet_info *pinfo, unsigned *stream, unsigned *part)
{
    uint32_t leg = 0;
    *stream = *part = 0;
    return conversation_of_rpch(pinfo, stream, &leg) ? filter_of("rpch.vc", *stream, leg) : NULL;
}

static char *mapi_of_packet(epan_dissect_t *edt _U_, packet_info *pinfo, unsigned *stream, unsigned *part)
{
    uint32_t leg = 0;
    *stream = *part = 0;
    return conversation_of_mapi(pinfo, stream, &leg) ? filter_of("mapihttp.session", *stream, leg) : NULL;
}

static char *rpch_by_number(unsigned stream, unsigned part _U_)
{
    return filter_of("rpch.vc", stream, 0);
}

static char *mapi_by_number(unsigned stream, unsigned part _U_)
{
    return filter_of("mapihttp.session", stream, 0);
}

/* Both directions of one TCP connection: of a virtual connection that is one channel. */
static char *by_ends(address *src, address *dst, int src_port, int dst_port)
{
    const char *ip = src->type == AT_IPv6 ? "ipv6" : "ip";
    char *one = address_to_str(NULL, src), *other = address_to_str(NULL, dst);
    char *filter = g_strdup_printf("((%s.src == %s and tcp.srcport == %d) and (%s.dst == %s and tcp.dstport == %d)) or "
                                   "((%s.src == %s and tcp.srcport == %d) and (%s.dst == %s and tcp.dstport == %d))",
                                   ip, one, src_port, ip, other, dst_port, ip, other, dst_port, ip, one, src_port);
    wmem_free(NULL, one);
    wmem_free(NULL, other);
    return filter;
}

/* ---- Registration ----------------------------------------------------------------- */

#if WS_AT_LEAST(4, 2)
static uint32_t virtual_connections(void)
{
    return store_active() ? rpch_state_connections(store_world()) : 0;
}

static uint32_t sessions(void)
{
    return store_mapi_active() ? mapi_state_sessions(store_mapi()) : 0;
}
#endif

void follow_streams_register(void)
{
    register_follow_stream(proto_rpch, "rpch_follow", rpch_of_packet, rpch_by_number, by_ends, tcp_port_to_display,
                           on_pdu COMPAT_STREAM_COUNT(virtual_connections));
    register_follow_stream(proto_mapihttp, "mapihttp_follow", mapi_of_packet, mapi_by_number, by_ends,
                           tcp_port_to_display, on_message COMPAT_STREAM_COUNT(sessions));
}
