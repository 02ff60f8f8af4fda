/* mapistream.c
 * Follows TCP connections that carry MAPI/HTTP. http keeps its work: bytes are read beside
 * it, from the segments or from what tls decrypted, so that the state knows when each of
 * them arrived; what is shown stands in the frame in which a message ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapistream.h"

#include <epan/proto_data.h>
#include <epan/tap.h>

#include "claims.h"
#include "follow.h"
#include "ids.h"
#include "mapi_places.h"
#include "sources.h"
#include "store.h"
#include "stream.h"
#include "tlsrecords.h"

#define HELD_MAX 64        /* segments that wait for one before them, of one direction */
#define ACK_EARLY SECOND   /* an ACK that stands before its data, where two ports or queues were captured */
#define KEPT_MAX 0x400000u /* of a message that http may never show */
#define STILL_MAX 4        /* events without a byte, as the end of a message and the next one */
#define SENTENCE_MAX 2048
#define LINE_LOOK 256 /* of a request line, for its path */

enum { FOLLOWED = 2 }; /* key of per-packet data */

struct held { /* a segment that came too early */
    struct held *next;
    uint32_t seq, len;
    uint8_t bytes[];
};

struct way_state { /* first pass only */
    struct follow follow;
    struct mapi_item *item; /* of the message under way */
    bool have_next;
    uint32_t next_seq;
    struct held *held;
    unsigned held_count;
    uint32_t acked;       /* by the other end, while acked_at */
    int64_t acked_at;     /* when it first acknowledged what was not captured, 0 if it has not */
    struct carry waiting; /* the beginning of a head */
};

struct mapi_stream {
    struct mapi_conn *conn;
    struct conn *link;
    bool head_asked;         /* the last request was HEAD */
    uint8_t doubt;           /* enum doubt, of the last segment */
    struct way_state way[2]; /* by enum way */
};

/* ---- Messages --------------------------------------------------------------------- */

/* How far this frame was followed; http may ask in the middle of it. */
struct followed {
    struct mapi_stream *stream;
    uint32_t records; /* of TLS */
    bool all;         /* nothing is left to follow */
};

struct feed {
    struct mapi_stream *stream;
    packet_info *pinfo;
    enum way way;
    struct when when;
};

/* Puts as many of them behind those of carry as it may hold. */
static void keep_bytes(struct carry *carry, uint32_t most, const uint8_t *p, size_t len)
{
    store_append(carry, p, MIN(len, most - carry->len));
}

static bool is_error_page(const struct http_head *head)
{
    struct span value;
    return !head->is_request && http_head_find(head, "Content-Type", &value) && span_starts_nocase(value, "text/");
}

static bool is_encoded(const struct http_head *head)
{
    struct span value;
    return http_head_find(head, "Content-Encoding", &value) && !span_equals_nocase(value, "identity");
}

static void begin_message(const struct feed *feed, const struct http_fields *fields, const uint8_t *p)
{
    const struct http_head *head = fields->head;
    struct mapi_stream *stream = feed->stream;
    struct way_state *state = &stream->way[feed->way];
    if (head->is_request)
        stream->head_asked = span_equals_nocase(head->method, "HEAD");
    struct mapi_message *message = mapi_conn_message(stream->conn, feed->when, feed->way, fields);
    state->item = NULL;
    if (!message)
        return;
    struct mapi_item *item = (struct mapi_item *)store_new(sizeof *item);
    item->message = message;
    item->head_len = (uint32_t)head->length;
    item->head_hash = hash_keyed(store_key(), 0, p, head->length);
    memcpy(item->first, p, sizeof item->first);
    item->encoded = is_encoded(head);
    item->page = is_error_page(head);
    state->item = item;
    keep_bytes(&item->kept, KEPT_MAX, p, head->length);
}

static void body_bytes(const struct feed *feed, struct span data)
{
    struct mapi_item *item = feed->stream->way[feed->way].item;
    mapi_conn_data(feed->stream->conn, feed->when, feed->way, data.ptr, data.len);
    if (!item)
        return;
    keep_bytes(&item->kept, KEPT_MAX, data.ptr, data.len);
    if (item->page && !item->encoded)
        keep_bytes(&item->sentence, SENTENCE_MAX, data.ptr, data.len);
}

static void show_in_this_frame(const struct feed *feed, struct mapi_item *item)
{
    struct mapi_note *note = mapi_note_make(feed->pinfo);
    if (note->last_item)
        note->last_item->next = item;
    else
        note->items = item;
    note->last_item = item;
}

/* The message in item ended here, whole or not. Its bytes stay with the item until the frame
 * is through: then they are dropped unless nobody else has them. */
static void finish_item(const struct feed *feed, bool cut)
{
    struct way_state *state = &feed->stream->way[feed->way];
    struct mapi_item *item = state->item;
    state->item = NULL;
    if (!item)
        return;
    item->cut = cut;
    show_in_this_frame(feed, item);
}

static void end_message(const struct feed *feed)
{
    mapi_conn_end(feed->stream->conn, feed->when, feed->way);
    finish_item(feed, false);
}

static void lose(const struct feed *feed)
{
    struct way_state *state = &feed->stream->way[feed->way];
    http_follow_lose(&state->follow);
    state->waiting.len = 0;
    if (state->item)
        finish_item(feed, true);
    mapi_conn_lost(feed->stream->conn, feed->when, feed->way);
}

/* Follows bytes of the stream that come next. Returns how many of them begin a head. */
static size_t follow_bytes(const struct feed *feed, const uint8_t *p, size_t len)
{
    struct way_state *state = &feed->stream->way[feed->way];
    struct follow_event event;
    size_t used = 0;
    for (unsigned still = 0; still <= STILL_MAX;) {
        const bool answers_head = feed->way == WAY_TO_CLIENT && feed->stream->head_asked;
        const uint8_t *at = p + used;
        const size_t taken = http_follow(&state->follow, answers_head, at, len - used, &event);
        still = taken > 0 ? 0 : still + 1;
        used += taken;
        switch (event.what) {
        case FOLLOW_HEAD:
            begin_message(feed, &event.fields, at);
            break;
        case FOLLOW_DATA:
            body_bytes(feed, event.data);
            break;
        case FOLLOW_END:
            end_message(feed);
            break;
        case FOLLOW_LOST:
            if (state->item)
                lose(feed);
            return 0;
        case FOLLOW_MORE:
            return len - used;
        }
    }
    /* As in engine.c: it ends whatever http_follow() says, with an item. */
    lose(feed);
    REPORT_DISSECTOR_BUG("a stretch of MAPI over HTTP is not moved on in");
    return 0;
}

static void feed_bytes(const struct feed *feed, const uint8_t *p, uint32_t len)
{
    struct carry *waiting = &feed->stream->way[feed->way].waiting;
    const bool goes_on = waiting->len > 0;
    if (goes_on) {
        /* http_follow() has read those already and goes on behind them. */
        store_append(waiting, p, len);
        p = waiting->bytes;
        len = waiting->len;
    }
    const size_t left = follow_bytes(feed, p, len);
    if (goes_on) {
        memmove(waiting->bytes, p + len - left, left);
        waiting->len = (uint32_t)left;
    } else {
        store_append(waiting, p + len - left, left);
    }
    if (left == 0)
        store_empty(waiting);
    mapi_conn_halfway(feed->stream->conn, feed->when, feed->way, left);
}

/* ---- Segments --------------------------------------------------------------------- */

/* What waited for the bytes before it, as far as it now continues the stream. */
static void feed_held(const struct feed *feed)
{
    struct way_state *state = &feed->stream->way[feed->way];
    while (state->held && (int32_t)(state->held->seq - state->next_seq) <= 0) {
        struct held *first = state->held;
        uint32_t old = state->next_seq - first->seq;
        state->held = first->next;
        state->held_count--;
        if (old < first->len) {
            state->next_seq = first->seq + first->len;
            feed_bytes(feed, first->bytes + old, first->len - old);
        }
        wmem_free(wmem_file_scope(), first);
    }
}

/* The bytes before the first segment that waits will not come. */
static void pass_gap(const struct feed *feed)
{
    struct way_state *state = &feed->stream->way[feed->way];
    if (!state->held)
        return;
    lose(feed);
    state->next_seq = state->held->seq;
    feed_held(feed);
}

static void hold(struct way_state *state, const struct tcp_frame *tcp)
{
    struct held **place = &state->held;
    while (*place && (int32_t)((*place)->seq - tcp->seq) < 0)
        place = &(*place)->next;
    if (*place && (*place)->seq == tcp->seq && (*place)->len >= tcp->captured)
        return;
    struct held *held = (struct held *)wmem_alloc(wmem_file_scope(), sizeof *held + tcp->captured);
    held->seq = tcp->seq;
    held->len = tcp->captured;
    memcpy(held->bytes, tcp->payload, tcp->captured);
    held->next = *place;
    *place = held;
    state->held_count++;
}

/* The other end had all bytes before what waits, and their own end has gone on since: one direction is captured in
 * its order, whatever stands early or late of the other. */
static bool gap_is_sure(const struct way_state *state)
{
    return state->acked_at != 0 && (int32_t)(state->acked - state->held->seq) >= 0;
}

static void feed_segment(const struct feed *feed, const struct tcp_frame *tcp)
{
    struct way_state *state = &feed->stream->way[feed->way];
    const uint32_t end = tcp->seq + tcp->payload_len;
    if (!state->have_next) {
        state->have_next = true;
        state->next_seq = tcp->seq;
    }
    const int32_t ahead = (int32_t)(tcp->seq - state->next_seq);
    if (ahead > 0) {
        hold(state, tcp);
        if (state->held_count > HELD_MAX || gap_is_sure(state))
            pass_gap(feed);
        return;
    }
    if ((int32_t)(end - state->next_seq) <= 0)
        return;
    const uint32_t old = (uint32_t)-ahead;
    state->next_seq = end;
    if (old < tcp->captured)
        feed_bytes(feed, tcp->payload + old, tcp->captured - old);
    if (tcp->captured < tcp->payload_len)
        lose(feed);
    feed_held(feed);
}

/* Nobody will send again what the other end has; but a tap of two ports may yet bring it. */
static void pass_missing(const struct feed *feed)
{
    struct way_state *state = &feed->stream->way[feed->way];
    const int32_t missing = (int32_t)(state->acked - state->next_seq);
    if (state->acked_at == 0 || missing <= 0)
        state->acked_at = 0;
    else if (feed->when.ns - state->acked_at >= ACK_EARLY || feed->when.ns < state->acked_at - ACK_EARLY) {
        state->acked_at = 0;
        if (state->held && (int32_t)(state->acked - state->held->seq) > 0) {
            pass_gap(feed);
        } else if (!state->held && missing > 1) {
            lose(feed);
            state->next_seq = state->acked;
        }
    }
}

/* The other end has bytes that were not captured so far. */
static void acknowledged(const struct feed *feed, const struct tcp_frame *tcp)
{
    const struct feed other = { feed->stream, feed->pinfo, (enum way) !feed->way, feed->when };
    struct way_state *state = &feed->stream->way[other.way];
    if (state->acked_at != 0 && (int32_t)(state->acked - state->next_seq) <= 0)
        state->acked_at = 0; /* what was missing came since */
    if (state->have_next && (tcp->flags & TH_ACK) && (int32_t)(tcp->ack - state->next_seq) > 0) {
        if (state->acked_at == 0)
            state->acked_at = feed->when.ns;
        if (state->acked_at == feed->when.ns || (int32_t)(tcp->ack - state->acked) > 0)
            state->acked = tcp->ack;
    }
    /* What it sends may answer what waits. */
    if (tcp->payload_len > 0 && state->held && state->acked_at && (int32_t)(state->acked - state->held->seq) > 0)
        pass_gap(&other);
    pass_missing(&other);
    pass_missing(feed);
}

/* ---- Records of TLS --------------------------------------------------------------- */

/* Records that tls has decrypted in this frame so far and that were not followed yet. */
static void feed_records(const struct feed *feed, const struct tcp_frame *tcp, struct followed *followed)
{
    struct way_state *state = &feed->stream->way[feed->way];
    struct tls_records records = { .pinfo = feed->pinfo, .type = SSL_ID_APP_DATA };
    uint32_t seen = 0;
    if (state->have_next && (int32_t)(tcp->seq - state->next_seq) > 0 && tcp->payload_len > 0)
        lose(feed);
    if (!state->have_next || (int32_t)(tcp->seq + tcp->payload_len - state->next_seq) > 0)
        state->next_seq = tcp->seq + tcp->payload_len;
    state->have_next = true;
    for (const SslRecordInfo *record; (record = tls_records_next(&records));) {
        if (seen++ >= followed->records)
            feed_bytes(feed, record->plain_data, record->data_len);
    }
    followed->records = MAX(seen, followed->records);
}

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
    stream->doubt = (uint8_t)conn_doubt(conn, NULL);
    /* Of the other direction the claiming frame is no part. */
    struct way_state *other = &stream->way[from_client ? WAY_TO_CLIENT : WAY_TO_SERVER];
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
    const struct feed feed = { stream, pinfo, response ? WAY_TO_CLIENT : WAY_TO_SERVER, frame_when(pinfo) };
    struct way_state *state = &stream->way[feed.way];
    state->have_next = true;
    state->next_seq = tcp->seq + tcp->payload_len;
    feed_bytes(&feed, p, (uint32_t)len);
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
    const struct feed feed = { stream, pinfo, way_of(stream, tcp), frame_when(pinfo) };
    if (followed->all)
        return stream;
    conn_sees(stream->link, feed.way, tcp->seq, tcp->ack);
    if (stream->link->tls) {
        feed_records(&feed, tcp, followed);
        return stream;
    }
    followed->all = true;
    acknowledged(&feed, tcp);
    if (tcp->payload_len > 0)
        feed_segment(&feed, tcp);
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

/* A response without a length that is whole all the same: old proxies reset connections behind it. */
static bool is_whole(const struct mapi_item *item)
{
    return item && !item->encoded && item->message->is_response && item->kept.len > item->head_len &&
           outlook_body_is_complete(
               item->message, (struct span){ item->kept.bytes + item->head_len, item->kept.len - item->head_len });
}

static void keep_verdicts(packet_info *pinfo, const struct conn *conn)
{
    const struct verdict *verdicts = store_take_verdicts();
    const struct verdict *changed = store_take_changed();
    if (!verdicts && !changed)
        return;
    struct mapi_note *note = mapi_note_make(pinfo);
    note->verdicts = verdicts;
    note->conn = conn;
    note->changed = changed;
}

static void end_of_frame(packet_info *pinfo, struct mapi_stream *stream, const struct tcp_frame *tcp)
{
    const struct feed feed = { stream, pinfo, way_of(stream, tcp), frame_when(pinfo) };
    struct segment segment;
    tcp_fill_segment(pinfo, tcp, feed.way, stream->link->tls, &segment);
    if (segment.fin || segment.rst) {
        bool until_close = false;
        struct way_state *state = &stream->way[feed.way];
        pass_gap(&feed);
        if (http_follow_inside(&state->follow, &until_close)) {
            if (until_close && (segment.fin || is_whole(state->item))) {
                http_follow_lose(&state->follow);
                end_message(&feed);
            } else if (state->item) {
                finish_item(&feed, true);
            }
        }
        const struct feed other = { stream, pinfo, (enum way) !feed.way, feed.when };
        if (segment.rst && stream->way[other.way].item)
            finish_item(&other, true);
    }
    struct mapi_note *note = mapi_note_get(pinfo);
    if (note) {
        mapi_locate(pinfo, tcp, note);
        for (struct mapi_item *item = note->items; item; item = item->next)
            learn(stream->conn, item);
    }
    mapi_conn_segment(stream->conn, &segment);
    keep_verdicts(pinfo, stream->link);
    const uint8_t doubt = (uint8_t)conn_doubt(stream->link, NULL);
    if (doubt != stream->doubt) /* its row may say why nothing was told */
        mapi_note_make(pinfo)->row = mapi_conn_row(stream->conn);
    stream->doubt = doubt;
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

/* Those whose messages the frame has, the same once where they follow each other. */
static void tap_clients(packet_info *pinfo, const struct mapi_note *note)
{
    const struct client *last = NULL;
    if (!have_tap_listener(client_tap))
        return;
    for (const struct mapi_item *item = note->items; item; item = item->next) {
        const struct mapi_message *message = item->message;
        const struct client *client = message->row == NO_NUMBER ? outlook_client(store_outlook(), message->client) :
                                                                  mapi_state_client(store_mapi(), message->row);
        if (client != last)
            outlook_tap_client(pinfo, client);
        last = client ? client : last;
    }
    const struct client *client = note->row == NO_NUMBER ? NULL : mapi_state_client(store_mapi(), note->row);
    if (client != last)
        outlook_tap_client(pinfo, client);
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
    outlook_tap_rows(pinfo, note->verdicts, note->changed, false);
    for (const struct mapi_item *item = note->items; item; item = item->next)
        outlook_tap_auth(pinfo, item->message->auth, note->auth_row);
    if (note->auth_row != NO_NUMBER)
        tap_queue_packet(outlook_tap, pinfo, &note->auth_row);
    tap_clients(pinfo, note);
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
