/* mapibytes.c
 * Puts the bytes of one direction into their order and follows them from message to message.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapibytes.h"

#include "hash.h"
#include "store.h"
#include "tlsrecords.h"

#define HELD_MAX 64        /* segments that wait for one before them, of one direction */
#define ACK_EARLY SECOND   /* an ACK that stands before its data, where two ports or queues were captured */
#define KEPT_MAX 0x400000u /* of a message that http may never show */
#define STILL_MAX 4        /* events without a byte, as the end of a message and the next one */
#define SENTENCE_MAX 2048

struct mapi_held { /* a segment that came too early */
    struct mapi_held *next;
    uint32_t seq, len;
    uint8_t bytes[];
};

/* ---- Messages --------------------------------------------------------------------- */

/* Puts as many of them behind those of carry as it may hold. */
static void keep_bytes(struct carry *carry, uint32_t most, const uint8_t *p, size_t len)
{
    store_append(carry, p, MIN(len, most - carry->len));
}

static bool is_error_page(const struct http_fields *fields)
{
    return !fields->head->is_request && http_is_page_type(fields->content_type);
}

static bool is_encoded(const struct http_fields *fields)
{
    const struct span transfer = fields->transfer_encoding, content = fields->content_encoding;
    /* Of transfer codings the last is chunked; one before it packs the body as well (RFC 9112 7). */
    return (transfer.len > 0 && !span_equals_nocase(transfer, "chunked") &&
            !span_equals_nocase(transfer, "identity")) ||
           (content.len > 0 && !span_equals_nocase(content, "identity"));
}

static void begin_message(const struct mapi_feed *feed, const struct http_fields *fields, const uint8_t *p)
{
    const struct http_head *head = fields->head;
    struct mapi_stream *stream = feed->stream;
    struct mapi_way *state = &stream->way[feed->way];
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
    item->encoded = is_encoded(fields);
    item->page = is_error_page(fields);
    state->item = item;
    keep_bytes(&item->kept, KEPT_MAX, p, head->length);
}

static void body_bytes(const struct mapi_feed *feed, struct span data)
{
    struct mapi_item *item = feed->stream->way[feed->way].item;
    mapi_conn_data(feed->stream->conn, feed->when, feed->way, data.ptr, data.len);
    if (!item)
        return;
    keep_bytes(&item->kept, KEPT_MAX, data.ptr, data.len);
    if (item->page && !item->encoded)
        keep_bytes(&item->sentence, SENTENCE_MAX, data.ptr, data.len);
}

static void show_in_this_frame(const struct mapi_feed *feed, struct mapi_item *item)
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
static void finish_item(const struct mapi_feed *feed, bool cut)
{
    struct mapi_way *state = &feed->stream->way[feed->way];
    struct mapi_item *item = state->item;
    state->item = NULL;
    if (!item)
        return;
    item->cut = cut;
    show_in_this_frame(feed, item);
}

static void end_message(const struct mapi_feed *feed)
{
    mapi_conn_end(feed->stream->conn, feed->when, feed->way);
    finish_item(feed, false);
}

static void lose(const struct mapi_feed *feed)
{
    struct mapi_way *state = &feed->stream->way[feed->way];
    http_follow_lose(&state->follow);
    state->waiting.len = 0;
    if (state->item)
        finish_item(feed, true);
    mapi_conn_lost(feed->stream->conn, feed->when, feed->way);
}

/* Follows bytes of the stream that come next. Returns how many of them begin a head. */
static size_t follow_bytes(const struct mapi_feed *feed, const uint8_t *p, size_t len)
{
    struct mapi_way *state = &feed->stream->way[feed->way];
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

void mapi_feed_bytes(const struct mapi_feed *feed, const uint8_t *p, uint32_t len)
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
static void feed_held(const struct mapi_feed *feed)
{
    struct mapi_way *state = &feed->stream->way[feed->way];
    while (state->held && (int32_t)(state->held->seq - state->next_seq) <= 0) {
        struct mapi_held *first = state->held;
        uint32_t old = state->next_seq - first->seq;
        state->held = first->next;
        state->held_count--;
        if (old < first->len) {
            state->next_seq = first->seq + first->len;
            mapi_feed_bytes(feed, first->bytes + old, first->len - old);
        }
        wmem_free(wmem_file_scope(), first);
    }
}

/* The bytes before the first segment that waits will not come. */
static void pass_gap(const struct mapi_feed *feed)
{
    struct mapi_way *state = &feed->stream->way[feed->way];
    if (!state->held)
        return;
    lose(feed);
    state->next_seq = state->held->seq;
    feed_held(feed);
}

static void hold(struct mapi_way *state, const struct tcp_frame *tcp)
{
    struct mapi_held **place = &state->held;
    while (*place && (int32_t)((*place)->seq - tcp->seq) < 0)
        place = &(*place)->next;
    if (*place && (*place)->seq == tcp->seq && (*place)->len >= tcp->captured)
        return;
    struct mapi_held *held = (struct mapi_held *)wmem_alloc(wmem_file_scope(), sizeof *held + tcp->captured);
    held->seq = tcp->seq;
    held->len = tcp->captured;
    memcpy(held->bytes, tcp->payload, tcp->captured);
    held->next = *place;
    *place = held;
    state->held_count++;
}

/* The other end had all bytes before what waits, and their own end has gone on since: one direction is captured in
 * its order, whatever stands early or late of the other. */
static bool gap_is_sure(const struct mapi_way *state)
{
    return state->acked_at != 0 && (int32_t)(state->acked - state->held->seq) >= 0;
}

void mapi_feed_segment(const struct mapi_feed *feed, const struct tcp_frame *tcp)
{
    struct mapi_way *state = &feed->stream->way[feed->way];
    const uint32_t end = tcp->seq + tcp->payload_len;
    if (!state->have_next) {
        state->have_next = true;
        state->next_seq = tcp->seq;
    }
    const int32_t ahead = (int32_t)(tcp->seq - state->next_seq);
    if (ahead > 0 && tcp->payload_len == 0) {
        lose(feed);
        state->next_seq = tcp->seq;
        return;
    }
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
        mapi_feed_bytes(feed, tcp->payload + old, tcp->captured - old);
    if (tcp->captured < tcp->payload_len)
        lose(feed);
    feed_held(feed);
}

/* Nobody will send again what the other end has; but a tap of two ports may yet bring it. */
static void pass_missing(const struct mapi_feed *feed)
{
    struct mapi_way *state = &feed->stream->way[feed->way];
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

void mapi_acknowledged(const struct mapi_feed *feed, const struct tcp_frame *tcp)
{
    const struct mapi_feed other = { feed->stream, feed->pinfo, (enum way) !feed->way, feed->when };
    struct mapi_way *state = &feed->stream->way[other.way];
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

void mapi_feed_records(const struct mapi_feed *feed, const struct tcp_frame *tcp, uint32_t *followed)
{
    struct mapi_way *state = &feed->stream->way[feed->way];
    struct tls_records records = { .pinfo = feed->pinfo, .type = SSL_ID_APP_DATA };
    uint32_t seen = 0;
    if (state->have_next && (int32_t)(tcp->seq - state->next_seq) > 0 && tcp->payload_len > 0)
        lose(feed);
    if (!state->have_next || (int32_t)(tcp->seq + tcp->payload_len - state->next_seq) > 0)
        state->next_seq = tcp->seq + tcp->payload_len;
    state->have_next = true;
    for (const SslRecordInfo *record; (record = tls_records_next(&records));) {
        if (seen++ >= *followed)
            mapi_feed_bytes(feed, record->plain_data, record->data_len);
    }
    *followed = MAX(seen, *followed);
}

/* ---- Ends ------------------------------------------------------------------------- */

/* A response without a length that is whole all the same: old proxies reset connections behind it. */
static bool is_whole(const struct mapi_item *item)
{
    return item && !item->encoded && item->message->is_response && item->kept.len > item->head_len &&
           outlook_body_is_complete(
               item->message, (struct span){ item->kept.bytes + item->head_len, item->kept.len - item->head_len });
}

void mapi_feed_end(const struct mapi_feed *feed, bool fin, bool rst)
{
    bool until_close = false;
    struct mapi_way *state = &feed->stream->way[feed->way];
    pass_gap(feed);
    if (http_follow_inside(&state->follow, &until_close)) {
        if (until_close && (fin || is_whole(state->item))) {
            http_follow_lose(&state->follow);
            end_message(feed);
        } else if (state->item) {
            finish_item(feed, true);
        }
    }
    const struct mapi_feed other = { feed->stream, feed->pinfo, (enum way) !feed->way, feed->when };
    if (rst && feed->stream->way[other.way].item)
        finish_item(&other, true);
}
