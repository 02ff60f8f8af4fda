/* mapistream.c
 * Claims TCP connections that carry MAPI/HTTP and follows their frames. http keeps its work: bytes
 * are read beside it, from the segments or from what tls decrypted, so that the state knows
 * when each of them arrived; what is shown stands in the frame in which a message ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapistream.h"

#include <epan/proto_data.h>
#include <epan/tap.h>

#include "claims.h"
#include "ids.h"
#include "mapi_places.h"
#include "mapibytes.h"
#include "sources.h"
#include "store.h"
#include "stream.h"
#include "tlsrecords.h"

#define LINE_LOOK 256 /* of a request line, for its path */

enum { FOLLOWED = 2 }; /* key of per-packet data */

/* How far this frame was followed; http may ask in the middle of it. */
struct followed {
    struct mapi_stream *stream;
    uint32_t records; /* of TLS */
    bool all;         /* nothing is left to follow */
};

/* ---- Claiming --------------------------------------------------------------------- */

static struct mapi_stream *find(packet_info *pinfo, const struct tcp_frame *tcp)
{
    void **recent = claims_recent(pinfo, tcp, CLAIM_MAPI);
    struct mapi_stream *stream = recent ? (struct mapi_stream *)*recent : NULL;
    if (stream && stream_conn_is(stream->link, tcp))
        return stream;
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    stream = conversation ? (struct mapi_stream *)conversation_get_proto_data(conversation, proto_mapihttp) : NULL;
    if (recent)
        *recent = stream;
    return stream;
}

static enum way way_of(const struct mapi_stream *stream, const struct tcp_frame *tcp)
{
    return stream_conn_way(stream->link, tcp);
}

/* Whether a request for one of the endpoints begins here: seen without parsing it, for this
 * is asked of every frame with a request in it. */
static bool starts_mapi_request(const uint8_t *p, size_t len)
{
    static const char path[] = "/mapi/";
    if (len < 16 || (p[0] != 'P' && p[0] != 'G' && p[0] != 'H' && p[0] != 'O'))
        return false;
    const uint8_t *space = (const uint8_t *)memchr(p, ' ', MIN(len, 16));
    if (!space)
        return false;
    size_t at = (size_t)(space - p) + 1, end = MIN(len, LINE_LOOK);
    if (at < end && p[at] != '/') { /* absolute form: behind the authority */
        if (len - at < 8 || g_ascii_strncasecmp((const char *)p + at, "http", 4) != 0)
            return false;
        const uint8_t *slash = (const uint8_t *)memchr(p + at + 8, '/', end > at + 8 ? end - at - 8 : 0);
        if (!slash)
            return false;
        at = (size_t)(slash - p);
    }
    return len - at > strlen(path) && g_ascii_strncasecmp((const char *)p + at, path, strlen(path)) == 0;
}

static struct mapi_stream *claim(packet_info *pinfo, const struct tcp_frame *tcp, bool from_client, bool tls)
{
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    if (!conversation)
        return NULL;
    struct mapi_stream *stream = (struct mapi_stream *)store_new(sizeof *stream);
    struct conn_past past;
    struct conn *conn = stream_conn(pinfo, tcp, conversation, CONN_MAPI, from_client, tls, &past);
    stream->link = conn;
    stream->conn = mapi_conn_new(store_mapi(), conn);
    /* Of the other direction the claiming frame is no part. */
    struct mapi_way *other = &stream->way[from_client ? WAY_TO_CLIENT : WAY_TO_SERVER];
    other->have_next = past.has_next;
    other->next_seq = past.next_seq[other - stream->way];
    conversation_add_proto_data(conversation, proto_mapihttp, stream);
    claims_add(tcp, CLAIM_MAPI);
    return stream;
}

static bool record_starts_request(packet_info *pinfo)
{
    struct tls_records records = { .pinfo = pinfo, .type = SSL_ID_APP_DATA };
    for (const SslRecordInfo *record; (record = tls_records_next(&records));) {
        if (starts_mapi_request(record->plain_data, record->data_len))
            return true;
    }
    return false;
}

static struct followed *followed_of(packet_info *pinfo)
{
    return (struct followed *)p_get_proto_data(pinfo->pool, pinfo, proto_mapihttp, FOLLOWED);
}

static struct followed *begin_following(packet_info *pinfo, struct mapi_stream *stream)
{
    struct followed *followed = wmem_new0(pinfo->pool, struct followed);
    followed->stream = stream;
    p_add_proto_data(pinfo->pool, pinfo, proto_mapihttp, FOLLOWED, followed);
    return followed;
}

/* A connection that shows itself by what http handed over: met late, or a path of another name. */
static void claim_by_body(packet_info *pinfo, const struct tcp_frame *tcp)
{
    bool tls = false;
    const uint8_t *p = NULL;
    int len = 0;
    for (const GSList *item = pinfo->data_src; item; item = item->next) {
        const struct data_source *source = (const struct data_source *)item->data;
        tvbuff_t *tvb = get_data_source_tvb(source);
        int at = item == pinfo->data_src ? (int)tcp->payload_offset : 0;
        int there = item == pinfo->data_src ? (int)tcp->captured : (int)tvb_captured_length(tvb);
        bool of_tls = false;
        if (there < 5 || (item != pinfo->data_src && !source_is_stream(pinfo, source, &of_tls)))
            continue;
        const uint8_t *bytes = tvb_get_ptr(tvb, at, there);
        struct http_head head;
        if (http_head_parse(bytes, (size_t)there, &head) != HTTP_HEAD_OK)
            continue;
        p = bytes;
        len = there;
        tls = of_tls;
    }
    if (!p)
        return;
    const bool response = len >= 5 && memcmp(p, "HTTP/", 5) == 0;
    struct mapi_stream *stream = claim(pinfo, tcp, !response, tls);
    if (!stream)
        return;
    begin_following(pinfo, stream)->all = true;
    const struct mapi_feed feed = { stream, pinfo, response ? WAY_TO_CLIENT : WAY_TO_SERVER, frame_when(pinfo) };
    struct mapi_way *state = &stream->way[feed.way];
    state->have_next = true;
    state->next_seq = tcp->seq + tcp->payload_len;
    mapi_feed_bytes(&feed, p, (uint32_t)len);
}

/* A request whose first segment did not hold the path: http has put it together by now. */
static bool reassembled_starts_request(packet_info *pinfo)
{
    for (const GSList *item = pinfo->data_src->next; item; item = item->next) {
        const struct data_source *source = (const struct data_source *)item->data;
        tvbuff_t *tvb = get_data_source_tvb(source);
        const int len = (int)tvb_captured_length(tvb);
        bool of_tls;
        if (len > 0 && starts_mapi_request(tvb_get_ptr(tvb, 0, len), (size_t)len) &&
            source_is_stream(pinfo, source, &of_tls) && !of_tls)
            return true;
    }
    return false;
}

/* Follows what of this frame was not followed yet. */
static struct mapi_stream *follow_frame(packet_info *pinfo, const struct tcp_frame *tcp)
{
    const bool claimed = tcp->claims & CLAIM_MAPI;
    struct followed *followed = claimed ? followed_of(pinfo) : NULL;
    if (!followed) {
        struct mapi_stream *stream = claimed ? find(pinfo, tcp) : NULL;
        if (!stream && tcp->captured > 0) {
            if (starts_mapi_request(tcp->payload, tcp->captured))
                stream = claim(pinfo, tcp, true, false);
            else if (pinfo->data_src->next && record_starts_request(pinfo))
                stream = claim(pinfo, tcp, true, true);
            else if (pinfo->data_src->next && reassembled_starts_request(pinfo)) {
                claim_by_body(pinfo, tcp);
                return find(pinfo, tcp);
            }
        }
        if (!stream)
            return NULL;
        followed = begin_following(pinfo, stream);
    }
    struct mapi_stream *stream = followed->stream;
    const struct mapi_feed feed = { stream, pinfo, way_of(stream, tcp), frame_when(pinfo) };
    if (followed->all)
        return stream;
    store_frame(pinfo);
    conn_sees(stream->link, feed.way, tcp->seq, tcp->ack);
    if (stream->link->tls) {
        mapi_feed_records(&feed, tcp, &followed->records);
        return stream;
    }
    followed->all = true;
    mapi_acknowledged(&feed, tcp);
    /* Without flags, as TCP sends none, tools/archive marks what its archive lacks before it. */
    if (tcp->payload_len > 0 || tcp->flags == 0)
        mapi_feed_segment(&feed, tcp);
    return stream;
}

/* ---- Called by http --------------------------------------------------------------- */

/* The frame that http dissects, if that is the first look at it. */
static bool first_look_at(packet_info *pinfo, struct tcp_frame *tcp)
{
    if (PINFO_FD_VISITED(pinfo) || !tcp_frame_parse(pinfo, tcp))
        return false;
    tcp->claims = claims_of(tcp);
    return true;
}

static int mapi_from_http(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree _U_, void *data _U_)
{
    struct tcp_frame tcp;
    if (first_look_at(pinfo, &tcp) && !follow_frame(pinfo, &tcp))
        claim_by_body(pinfo, &tcp);
    mapi_stash_body(pinfo, tvb);
    return (int)tvb_captured_length(tvb);
}

/* A body of any other content type, if the message is one of ours. */
static ws_bool body_of_other_type(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree _U_, void *data _U_)
{
    struct tcp_frame tcp;
    if (first_look_at(pinfo, &tcp))
        follow_frame(pinfo, &tcp);
    const struct mapi_note *note = mapi_note_get(pinfo);
    if (!note)
        return FALSE;
    const struct mapi_body *body = mapi_bodies_in(pinfo);
    for (const struct mapi_item *item = note->items; item; item = item->next) {
        if (item->message->body_length == 0 || item->page)
            continue;
        if (body) {
            body = body->next;
            continue;
        }
        if (item->message->type == MAPI_NONE)
            return FALSE;
        mapi_stash_body(pinfo, tvb);
        return TRUE;
    }
    return FALSE;
}

/* ---- Every frame ------------------------------------------------------------------ */

/* What the state wants to know of a body. */
static void learn(struct mapi_conn *conn, const struct mapi_item *item)
{
    const struct span sentence = { item->sentence.bytes, item->sentence.len };
    struct span body = { NULL, 0 };
    if (item->page || item->cut) {
        /* It has none that can be read. */
    } else if (item->body) {
        body.len = tvb_captured_length(item->body);
        body.ptr = tvb_get_ptr(item->body, 0, (int)body.len);
    } else if (!item->encoded && item->kept.len > item->head_len) {
        body = (struct span){ item->kept.bytes + item->head_len, item->kept.len - item->head_len };
    }
    outlook_learn_body(conn, item->message, body, sentence);
}

static void keep_verdicts(packet_info *pinfo, const struct conn *conn)
{
    const struct verdict *verdicts = store_take_verdicts();
    if (!verdicts)
        return;
    struct mapi_note *note = mapi_note_make(pinfo);
    note->verdicts = verdicts;
    note->conn = conn;
}

static void end_of_frame(packet_info *pinfo, struct mapi_stream *stream, const struct tcp_frame *tcp)
{
    const struct mapi_feed feed = { stream, pinfo, way_of(stream, tcp), frame_when(pinfo) };
    struct segment segment;
    tcp_fill_segment(pinfo, tcp, feed.way, stream->link->tls, &segment);
    if (segment.fin || segment.rst)
        mapi_feed_end(&feed, segment.fin, segment.rst);
    struct mapi_note *note = mapi_note_get(pinfo);
    if (note) {
        mapi_locate(pinfo, tcp, note);
        for (struct mapi_item *item = note->items; item; item = item->next)
            learn(stream->conn, item);
    }
    mapi_conn_segment(stream->conn, &segment);
    keep_verdicts(pinfo, stream->link);
    note = mapi_note_get(pinfo);
    if (note)
        note->auth_row = logon_conn_row(mapi_conn_auth(stream->conn));
}

/* Bytes that somebody else has in this frame need not be kept. */
static void drop_copies(struct mapi_note *note)
{
    for (struct mapi_item *item = note->items; item; item = item->next) {
        store_empty(&item->sentence);
        if (item->head && (item->message->body_length == 0 || item->body || item->page))
            store_empty(&item->kept);
    }
}

void mapi_first_look(packet_info *pinfo, const struct tcp_frame *tcp)
{
    struct mapi_stream *stream = follow_frame(pinfo, tcp);
    if (!stream) {
        if (tcp_frame_refuses(tcp)) {
            store_refused(pinfo, &tcp->src);
            keep_verdicts(pinfo, NULL);
        }
        return;
    }
    end_of_frame(pinfo, stream, tcp);
    struct mapi_note *note = mapi_note_get(pinfo);
    if (note)
        drop_copies(note);
}

void mapi_show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct tcp_frame *tcp)
{
    struct mapi_note *note = mapi_note_get(pinfo);
    if (note && PINFO_FD_VISITED(pinfo))
        mapi_locate(pinfo, tcp, note);
    for (const struct mapi_body *body = mapi_bodies_in(pinfo); body; body = body->next) {
        if (!body->taken)
            show_calls->mapi_stray(tvb, pinfo, tree, body->tvb);
    }
    if (!note)
        return;
    show_calls->mapi_frame(tvb, pinfo, tree, note);
    mapi_show_to_followers(pinfo, note);
    for (struct mapi_item *item = note->items; item; item = item->next)
        item->head = item->body = NULL; /* they go with the frame */
    tap_queue_packet(mapi_tap, pinfo, note);
    outlook_tap_verdicts(pinfo, note->verdicts, note->conn);
}

void mapi_register(void)
{
    mapi_tap = register_tap("mapihttp");
    mapi_follow_tap = register_tap("mapihttp_follow");
    register_dissector("mapihttp", mapi_from_http, proto_mapihttp);
}

void mapi_handoff(void)
{
    dissector_add_string("media_type", "application/mapi-http", find_dissector("mapihttp"));
    heur_dissector_add("http", body_of_other_type, "MAPI over HTTP", "mapihttp_http", proto_mapihttp, HEURISTIC_ENABLE);
}
