/* stream.c
 * A TCP connection that carries RPC over HTTP: how it is claimed, and what each of its frames
 * leaves in the state and in the frame's note.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "stream.h"

#include "claims.h"
#include "ids.h"
#include "leaf.h"
#include "mapibytes.h"
#include "store.h"

/* The client opened this connection from the port of another one to the same server, which nobody has ended so far: whoever
 * did so has let go of that. */
static void end_reused(const packet_info *pinfo, const struct tcp_frame *tcp, const conversation_t *conversation,
                       const struct conn *conn, const struct conn_past *past)
{
    const conversation_t *before =
        past->syn && conversation->setup_frame > 1 ?
            find_conversation(conversation->setup_frame - 1, &pinfo->net_src, &pinfo->net_dst, CONVERSATION_TCP,
                              tcp->src.port, tcp->dst.port, 0) :
            NULL;
    if (!before || before == conversation)
        return;
    struct stream *rpch = (struct stream *)conversation_get_proto_data(before, proto_rpch);
    struct mapi_stream *mapi = (struct mapi_stream *)conversation_get_proto_data(before, proto_mapihttp);
    const struct conn *old = mapi ? mapi->link : rpch && !rpch->given_back ? rpch_conn_conn(rpch->conn) : NULL;
    if (!old || old->ended || !endpoint_equal(&old->client, &conn->client))
        return;
    const struct segment segment = { .when = frame_when(pinfo),
                                     .way = WAY_TO_SERVER,
                                     .rst = true,
                                     .seq = old->tcp.half[WAY_TO_SERVER].next,
                                     .reopened = &past->first };
    if (mapi)
        mapi_conn_segment(mapi->conn, &segment);
    else
        rpch_conn_segment(rpch->conn, &segment);
}

struct conn *stream_conn(packet_info *pinfo, const struct tcp_frame *tcp, conversation_t *conversation,
                         enum conn_kind kind, bool from_client, bool tls, struct conn_past *past)
{
    const struct endpoint *client = from_client ? &tcp->src : &tcp->dst, *server = from_client ? &tcp->dst : &tcp->src;
    uint32_t tcp_stream;
    tcp_read_past(pinfo, conversation, from_client, past, &tcp_stream);
    past->tls = tls;
    struct conn *conn = conn_new(store_track(), kind, tcp_stream, client, server, past);
    conn->leaf = tls ? leaf_of(conversation) : NULL;
    end_reused(pinfo, tcp, conversation, conn, past);
    return conn;
}

enum way stream_conn_way(const struct conn *conn, const struct tcp_frame *tcp)
{
    return endpoint_equal(&tcp->src, &conn->client) ? WAY_TO_SERVER : WAY_TO_CLIENT;
}

static struct stream *stream_of(conversation_t *conversation)
{
    return conversation ? (struct stream *)conversation_get_proto_data(conversation, proto_rpch) : NULL;
}

bool stream_conn_is(const struct conn *conn, const struct tcp_frame *tcp)
{
    const struct endpoint *client = &conn->client, *server = conn_server(conn);
    return (endpoint_equal(client, &tcp->src) && endpoint_equal(server, &tcp->dst)) ||
           (endpoint_equal(client, &tcp->dst) && endpoint_equal(server, &tcp->src));
}

struct stream *stream_find(packet_info *pinfo, const struct tcp_frame *tcp)
{
    void **recent = claims_recent(pinfo, tcp, CLAIM_RPCH);
    struct stream *stream = recent ? (struct stream *)*recent : NULL;
    if (!stream || !stream_conn_is(rpch_conn_conn(stream->conn), tcp)) {
        stream = stream_of(tcp_conversation(pinfo, tcp));
        if (recent)
            *recent = stream;
    }
    return stream && stream->given_back && pinfo->num >= stream->given_back ? NULL : stream;
}

bool stream_given_back(packet_info *pinfo, const struct tcp_frame *tcp)
{
    const struct stream *stream = stream_of(tcp_conversation(pinfo, tcp));
    return stream && stream->given_back;
}

struct stream *stream_claim(packet_info *pinfo, const struct tcp_frame *tcp, enum rts_hop hop, bool from_client,
                            bool tls)
{
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    if (!conversation)
        return NULL;
    struct stream *stream = stream_of(conversation);
    if (stream)
        return stream;
    stream = (struct stream *)store_new(sizeof *stream);
    struct conn_past past;
    struct conn *conn = stream_conn(pinfo, tcp, conversation, CONN_RPCH, from_client, tls, &past);
    stream->hop = (uint8_t)hop;
    stream->tls = tls;
    stream->row = NO_NUMBER;
    /* Of the other direction the claiming frame is no part. */
    const enum way other = from_client ? WAY_TO_CLIENT : WAY_TO_SERVER;
    stream->flow[other].have_next = past.has_next;
    stream->flow[other].next_seq = past.next_seq[other];
    if (!past.has_next && (tcp->flags & TH_ACK)) {
        /* Frames in the wrong order: the request acknowledges what went before. */
        stream->flow[other].have_next = true;
        stream->flow[other].next_seq = tcp->ack;
    }
    stream->conn = rpch_conn_new(store_world(), conn, hop, past.first.ns);
    store_frame(pinfo);
    /* Before its request: the client had answers of before. */
    conn_sees(conn, stream_way(stream, tcp), tcp->seq, tcp->ack);
    conversation_add_proto_data(conversation, proto_rpch, stream);
    claims_add(tcp, CLAIM_RPCH);
    return stream;
}

enum way stream_way(const struct stream *stream, const struct tcp_frame *tcp)
{
    return stream_conn_way(rpch_conn_conn(stream->conn), tcp);
}

void stream_head(packet_info *pinfo, struct stream *stream, enum way way, const struct http_fields *fields)
{
    uint32_t leg;
    if (!stream->auth)
        stream->auth = logon_conn_new(store_auth(), rpch_conn_conn(stream->conn));
    const struct auth_shown *shown = auth_message(stream->auth, frame_when(pinfo), way, fields, &leg);
    if (!shown)
        return;
    struct frame_note *note = frame_note_make(pinfo, stream);
    notes_add_auth(note, shown);
    note->show_state = true;
}

static void end_note(struct frame_note *note, struct stream *stream, bool ends, const struct verdict *verdicts)
{
    note->verdicts = verdicts;
    if (stream->auth)
        note->auth_row = logon_conn_row(stream->auth);
    note->show_state |= ends || verdicts;
    /* The end of the connection ends the channel it had before another request, too. */
    uint32_t row = rpch_conn_row(stream->conn);
    if (row != NO_NUMBER)
        stream->row = row;
    note->row = stream->row;
    note->channel = row == NO_NUMBER ? rpch_conn_channel(stream->conn) : NULL;
    struct vc_mark mark;
    if (note->show_state && rpch_conn_mark(stream->conn, &mark))
        notes_set_mark(note, &stream->last_mark, &mark);
}

/* What has begun and is not whole where the direction stands. */
static enum halfway halfway(const struct cursor *at, uint32_t *bytes)
{
    *bytes = at->carry ? at->carry->len : at->pass;
    if (*bytes == 0 || at->phase == PHASE_RESYNC)
        return HALFWAY_NOTHING;
    return at->phase == PHASE_BODY ? HALFWAY_PDU : HALFWAY_HEAD;
}

static void tell_halfway(struct stream *stream, const struct segment *segment)
{
    uint32_t bytes;
    const enum halfway what = halfway(&stream->flow[segment->way].at, &bytes);
    rpch_conn_halfway(stream->conn, segment->when, segment->way, what, bytes);
}

/* Where a channel is numbered late, its frames from the request on are of that number. */
static void follow_place(packet_info *pinfo, struct stream *stream)
{
    struct vc_span *last = stream->spans;
    struct vc_place place;
    if (!rpch_conn_place(stream->conn, &place))
        return; /* what ends a connection is of the channel that it had */
    stream->in_span = place.leg != NULL;
    if (!stream->in_span || (last && last->place.leg == place.leg && last->place.since == place.since))
        return;
    struct vc_span *span = (struct vc_span *)store_new(sizeof *span);
    const bool again = last && place.since <= last->from;
    *span = (struct vc_span){ last, again || !place.since ? pinfo->num : place.since, place };
    stream->spans = span;
}

const struct vc_place *stream_place(const packet_info *pinfo, const struct stream *stream)
{
    const struct vc_span *span = stream->spans;
    if (!span || (!PINFO_FD_VISITED(pinfo) && !stream->in_span))
        return NULL;
    while (span->before && span->from > pinfo->num)
        span = span->before;
    return &span->place;
}

const struct vc_place *stream_place_of(packet_info *pinfo)
{
    struct tcp_frame tcp;
    const struct stream *stream = tcp_frame_parse(pinfo, &tcp) ? stream_find(pinfo, &tcp) : NULL;
    return stream && !stream->given_back ? stream_place(pinfo, stream) : NULL;
}

void stream_segment(packet_info *pinfo, struct stream *stream, const struct tcp_frame *tcp, bool kept)
{
    struct segment segment;
    tcp_fill_segment(pinfo, tcp, stream_way(stream, tcp), stream->tls, &segment);
    segment.opaque |= kept;
    tell_halfway(stream, &segment);
    rpch_conn_segment(stream->conn, &segment);
    const bool ends = segment.fin || segment.rst;
    if (stream->auth)
        auth_end_of_frame(stream->auth, segment.when, ends, segment.way);
    follow_place(pinfo, stream);
    const struct verdict *verdicts = store_take_verdicts();
    struct frame_note *note = frame_note_get(pinfo);
    if (!note && (verdicts || ends))
        note = frame_note_make(pinfo, stream);
    if (note)
        end_note(note, stream, ends, verdicts);
}
