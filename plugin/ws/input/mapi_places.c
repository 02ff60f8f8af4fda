/* mapi_places.c
 * Where the bytes of the messages of a frame are, while it is under dissection: bodies that http
 * handed over, heads in the data sources.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_places.h"

#include <epan/proto_data.h>

#include "head.h"
#include "ids.h"
#include "mapi_early.h"
#include "sources.h"
#include "store.h"
#include "veil.h"

enum { BODIES = 1 }; /* key of per-packet data of the pool: mapistream.c has one, too */

/* ---- Bodies that http gave us in this frame --------------------------------------- */

struct body_list {
    struct mapi_body *first, *last;
};

struct mapi_body *mapi_bodies_kept(packet_info *pinfo)
{
    struct body_list *list = (struct body_list *)p_get_proto_data(pinfo->pool, pinfo, proto_mapihttp, BODIES);
    return list ? list->first : NULL;
}

void mapi_stash_body(packet_info *pinfo, tvbuff_t *tvb)
{
    struct body_list *list = (struct body_list *)p_get_proto_data(pinfo->pool, pinfo, proto_mapihttp, BODIES);
    struct mapi_body *body = wmem_new0(pinfo->pool, struct mapi_body);
    body->tvb = tvb;
    store->body_frame = pinfo->num;
    if (!list) {
        list = wmem_new0(pinfo->pool, struct body_list);
        list->first = body;
        p_add_proto_data(pinfo->pool, pinfo, proto_mapihttp, BODIES, list);
    } else {
        list->last->next = body;
    }
    list->last = body;
}

/* ---- Where the bytes are ---------------------------------------------------------- */

#define HEADS_COMPARED 64 /* of one source: a hostile one may look like heads everywhere */
#define WORK_MAX 0x80000  /* bytes compared in one frame */
#define SEARCHES_MAX 64   /* heads of one frame that are not behind the one before */

/* Messages of a frame follow each other: each is searched for from where the last one was found. */
struct places {
    int behind[SOURCES_MAX]; /* the last head found in each source */
    unsigned searches;       /* for one that is not there */
    size_t work;             /* bytes of heads that were compared; they may overlap */
};

static bool head_here(const uint8_t *p, size_t len, const struct mapi_item *item, size_t from, struct places *places,
                      int *offset)
{
    unsigned compared = 0;
    for (size_t at = from; at + item->head_len <= len && compared < HEADS_COMPARED && places->work < WORK_MAX; at++) {
        const uint8_t *found = (const uint8_t *)memchr(p + at, item->first[0], len - item->head_len - at + 1);
        if (!found)
            return false;
        at = (size_t)(found - p);
        if (memcmp(found, item->first, sizeof item->first) != 0)
            continue;
        compared++;
        places->work += item->head_len;
        if (hash_keyed(store_key(), 0, found, item->head_len) == item->head_hash) {
            *offset = (int)at;
            return true;
        }
    }
    return false;
}

/* The head of a message in the frame's own bytes or in what was made of them; anew: not only
 * behind the message before. */
static bool find_head_from(packet_info *pinfo, const struct tcp_frame *tcp, struct places *places,
                           struct mapi_item *item, bool anew)
{
    unsigned index = 0;
    for (const GSList *source = pinfo->data_src; source && index < SOURCES_MAX; source = source->next, index++) {
        tvbuff_t *tvb = get_data_source_tvb((const struct data_source *)source->data);
        const int at = index == 0 ? (int)tcp->payload_offset : 0;
        const int len = index == 0 ? (int)tcp->captured : (int)tvb_captured_length(tvb);
        const int from = anew ? 0 : places->behind[index];
        if (len - from < (int)item->head_len || (!anew && from == 0))
            continue;
        if (head_here(tvb_get_ptr(tvb, at, len), (size_t)len, item, (size_t)from, places, &item->head_offset)) {
            places->behind[index] = item->head_offset + (int)item->head_len;
            item->head = tvb;
            item->head_offset += at;
            return true;
        }
    }
    return false;
}

/* What is not found is shown from our own copy. */
static void find_head(packet_info *pinfo, const struct tcp_frame *tcp, struct places *places, struct mapi_item *item)
{
    item->head = NULL;
    if (places->searches == SEARCHES_MAX || find_head_from(pinfo, tcp, places, item, false))
        return;
    places->searches++;
    find_head_from(pinfo, tcp, places, item, true);
}

/* Whether http undid a content encoding: what it hands over as it came lies in the stream. */
static bool is_decoded(packet_info *pinfo, tvbuff_t *body)
{
    const tvbuff_t *whole = tvb_get_ds_tvb(body);
    unsigned index = 0;
    for (const GSList *item = pinfo->data_src; item && index < SOURCES_MAX; item = item->next, index++) {
        const struct data_source *source = (const struct data_source *)item->data;
        bool tls;
        if (get_data_source_tvb(source) == whole)
            return index > 0 && !source_is_stream(pinfo, source, &tls);
    }
    return false;
}

static bool is_body_of(packet_info *pinfo, tvbuff_t *body, const struct mapi_item *item)
{
    return item->encoded ? is_decoded(pinfo, body) : tvb_reported_length(body) == item->message->body_length;
}

/* Gives each message of the frame its body, in their order. A body that http did not hand
 * over in this frame is shown from our own copy. */
static void match_bodies(packet_info *pinfo, struct mapi_note *note)
{
    struct mapi_body *body = mapi_bodies_in(pinfo);
    for (struct mapi_item *item = note->items; item; item = item->next) {
        item->body = NULL;
        if (item->message->body_length == 0 || item->cut || item->page)
            continue;
        if (body && is_body_of(pinfo, body->tvb, item)) {
            item->body = body->tvb;
            body->taken = true;
            body = body->next;
        }
    }
}

void mapi_locate(packet_info *pinfo, const struct tcp_frame *tcp, struct mapi_note *note)
{
    struct places places = { .searches = 0 };
    match_bodies(pinfo, note);
    for (struct mapi_item *item = note->items; item; item = item->next)
        find_head(pinfo, tcp, &places, item);
}

/* A page that stands behind its head as it is; where it has chunks or was sent in another place nobody kept it. */
static struct span page_of(const struct mapi_item *item)
{
    const int at = item->head_offset + (int)item->head_len;
    const uint64_t len = item->message->body_length;
    struct http_head head;
    struct span coding;
    const uint8_t *p = tvb_get_ptr(item->head, item->head_offset, (int)item->head_len);
    if (len == 0 || len > (uint64_t)MAX(tvb_captured_length_remaining(item->head, at), 0) ||
        http_head_parse(p, item->head_len, &head) != HTTP_HEAD_OK ||
        http_head_find(&head, "Transfer-Encoding", &coding))
        return (struct span){ NULL, 0 };
    return (struct span){ tvb_get_ptr(item->head, at, (int)len), (size_t)len };
}

/* What was captured of a message: http's buffers where it has them in this frame, else our own copy. Of a body that is
 * not whole there is no more than what was kept. */
static struct followed_message bytes_of(packet_info *pinfo, const struct mapi_item *item)
{
    struct followed_message followed = { .message = item->message };
    const uint32_t len = item->head_len, kept = item->kept.bytes ? item->kept.len : 0;
    const uint8_t *head = NULL;
    if (item->head && tvb_captured_length_remaining(item->head, item->head_offset) >= (int)len)
        head = tvb_get_ptr(item->head, item->head_offset, (int)len);
    else if (kept >= len)
        head = item->kept.bytes;
    if (head) {
        uint8_t *veiled = (uint8_t *)wmem_memdup(pinfo->pool, head, len);
        http_veil_secrets(veiled, len);
        followed.head = (struct span){ veiled, len };
    }
    if (item->body && tvb_captured_length(item->body) > 0)
        followed.body = (struct span){ tvb_get_ptr(item->body, 0, -1), tvb_captured_length(item->body) };
    else if (kept > len && !item->encoded)
        followed.body = (struct span){ item->kept.bytes + len, kept - len };
    else if (item->page && head && head != item->kept.bytes)
        followed.body = page_of(item);
    return followed;
}

/* In one pass the session of a request that begins it is known from its response on. */
static void show_to_followers(packet_info *pinfo, const struct followed_message *followed)
{
    const bool first = !PINFO_FD_VISITED(pinfo), known = followed->message->session != NO_NUMBER;
    if (first && known)
        mapi_early_tell(pinfo, followed->message);
    else if (first)
        mapi_early_keep(pinfo, followed);
    tap_queue_packet(mapi_follow_tap, pinfo, followed);
}

void mapi_show_to_followers(packet_info *pinfo, const struct mapi_note *note)
{
    const bool followed = have_tap_listener(mapi_follow_tap), saved = have_tap_listener(export_tap);
    for (const struct mapi_item *item = note->items; item && (followed || saved); item = item->next) {
        struct followed_message *message = wmem_new(pinfo->pool, struct followed_message);
        *message = bytes_of(pinfo, item);
        if (followed)
            show_to_followers(pinfo, message);
        if (!saved || !item->message->rops || item->cut)
            continue;
        struct exported_rops *rops = wmem_new0(pinfo->pool, struct exported_rops);
        rops->message = item->message;
        rops->bytes = message->body;
        tap_queue_packet(export_tap, pinfo, rops);
    }
}
