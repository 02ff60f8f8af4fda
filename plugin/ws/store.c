/* store.c
 * Ties the pure state to Wireshark's conversations, frames and file scope.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "ws.h"

static struct outlook *outlook;
static bool rpch_used, mapi_used;
static wmem_map_t *interned;

/* Most records are small and live as long as the file: cut from larger pieces they need no
 * head of Wireshark's allocator each. */
#define PIECE 0x8000

static uint8_t *piece;
static size_t piece_left;
static bool singly;              /* tools that watch over each record are to see it */

static bool in_piece(size_t size)
{
    return size <= PIECE / 8 && !singly;
}

static void *file_alloc(void *ctx _U_, size_t size)
{
    size = (size + 7) & ~(size_t)7;
    if (in_piece(size)) {
        if (piece_left < size) {
            piece = (uint8_t *)wmem_alloc0(wmem_file_scope(), PIECE);
            piece_left = PIECE;
        }
        void *record = piece;
        piece += size;
        piece_left -= size;
        return record;
    }
    return wmem_alloc0(wmem_file_scope(), size);
}

void *store_new(size_t size)
{
    return file_alloc(NULL, size);
}

static void file_give_back(void *ctx _U_, void *bytes, size_t size)
{
    if (!in_piece(size))
        wmem_free(wmem_file_scope(), bytes);
}

static const struct arena file_arena = { file_alloc, NULL, file_give_back };

/* By its conversation, for less memory than conversation_add_proto_data() takes. */
static struct {
    struct stream **slot;
    uint32_t slots, used;
} streams;

void store_init(void)
{
    outlook = NULL;              /* its memory went with the last file */
    rpch_used = mapi_used = false;
    interned = NULL;
    leaf_init();
    piece_left = 0;
    memset(&streams, 0, sizeof streams);
    singly = compat_sanitized() || g_getenv("WIRESHARK_DEBUG_WMEM_OVERRIDE");
    notes_init();
}

static struct outlook *the_outlook(void)
{
    if (!outlook)
        outlook = outlook_new(&file_arena, &rpch_prefs);
    return outlook;
}

struct vworld *store_world(void)
{
    rpch_used = true;
    return the_outlook()->rpch;
}

bool store_active(void)
{
    return rpch_used;
}

struct aworld *store_auth(void)
{
    return the_outlook()->logons;
}

struct mworld *store_mapi(void)
{
    mapi_used = true;
    return the_outlook()->mapi;
}

bool store_mapi_active(void)
{
    return mapi_used;
}

struct conn *store_conn(enum conn_kind kind, uint32_t tcp_stream, const struct endpoint *client,
                        const struct endpoint *server, const struct conn_past *past)
{
    return conn_new(&the_outlook()->track, kind, tcp_stream, client, server, past);
}

const struct verdict *store_take_verdicts(void)
{
    return outlook ? outlook_take_verdicts(outlook) : NULL;
}

const char *store_intern(const char *text)
{
    if (!text || !*text)
        return "";
    if (!interned)
        interned = wmem_map_new(wmem_file_scope(), wmem_str_hash, g_str_equal);
    const char *known = (const char *)wmem_map_lookup(interned, text);
    if (!known) {
        size_t size = strlen(text) + 1;
        char *copy = (char *)store_new(size);
        memcpy(copy, text, size);
        wmem_map_insert(interned, copy, copy);
        known = copy;
    }
    return known;
}

struct when frame_when(const packet_info *pinfo)
{
    struct when when = { pinfo->num, (int64_t)pinfo->abs_ts.secs * 1000000000 + pinfo->abs_ts.nsecs };
    return when;
}

/* The TCP conversation by the ports on the wire: inside an HTTP CONNECT tunnel pinfo
 * carries those of the URI instead. */
conversation_t *tcp_conversation(packet_info *pinfo, const struct tcp_frame *tcp)
{
    return find_conversation(pinfo->num, &pinfo->net_src, &pinfo->net_dst, CONVERSATION_TCP, tcp->src.port,
                             tcp->dst.port, 0);
}

/* Where the conversation's stream is, or belongs: then it is NULL. */
static struct stream **stream_slot(const conversation_t *conversation)
{
    static struct stream *none;
    if (streams.slots == 0)
        return &none;
    uint64_t hash = ((uint64_t)(uintptr_t)conversation >> 4) * UINT64_C(0x9E3779B97F4A7C15);
    for (uint32_t at = (uint32_t)(hash >> 32);; at++) {
        struct stream **slot = &streams.slot[at & (streams.slots - 1)];
        if (!*slot || (*slot)->conversation == conversation)
            return slot;
    }
}

static void add_stream(struct stream *stream)
{
    if (streams.used >= streams.slots / 4 * 3) {
        struct stream **old = streams.slot;
        const uint32_t old_slots = streams.slots;
        streams.slots = old_slots ? old_slots * 2 : 64;
        streams.slot = wmem_alloc0_array(wmem_file_scope(), struct stream *, streams.slots);
        for (uint32_t i = 0; i < old_slots; i++) {
            if (old[i])
                *stream_slot(old[i]->conversation) = old[i];
        }
        wmem_free(wmem_file_scope(), old);
    }
    *stream_slot(stream->conversation) = stream;
    streams.used++;
}

struct stream *stream_find(packet_info *pinfo, const struct tcp_frame *tcp)
{
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    return conversation ? *stream_slot(conversation) : NULL;
}

static ws_bool lost_segment(const void *key _U_, void *value, void *found)
{
    const struct tcp_acked *acked = (const struct tcp_acked *)value;
    if (acked->flags & (COMPAT_TCP_A_LOST_PACKET | COMPAT_TCP_A_ACK_LOST_PACKET))
        *(bool *)found = true;
    return *(bool *)found;
}

void store_read_past(packet_info *pinfo, conversation_t *conversation, bool from_client, struct conn_past *past,
                     uint32_t *tcp_stream)
{
    struct tcp_analysis *analysis = get_tcp_conversation_data(conversation, pinfo);
    memset(past, 0, sizeof *past);
    *tcp_stream = NO_NUMBER;
    if (!analysis) {
        past->gap = true;
        past->first = frame_when(pinfo);
        return;
    }
    *tcp_stream = analysis->stream;
    past->syn = (analysis->conversation_completeness & COMPAT_TCP_SYN_SEEN) != 0;
    past->syn_ack = (analysis->conversation_completeness & COMPAT_TCP_SYNACK_SEEN) != 0;
    past->first.frame = conversation->setup_frame;
    past->first.ns = (int64_t)analysis->ts_first.secs * 1000000000 + analysis->ts_first.nsecs;
    const tcp_analyze_seq_flow_info_t *fwd = analysis->fwd->tcp_analyze_seq_info, *rev = analysis->rev->tcp_analyze_seq_info;
    if (!fwd || !rev)
        past->gap = true;        /* sequence analysis is switched off: it cannot be told */
    else if (analysis->acked_table)
        wmem_tree_foreach(analysis->acked_table, lost_segment, &past->gap);
    if (fwd && rev && fwd->nextseqframe && rev->nextseqframe) {
        past->has_next = true;
        past->next_seq[from_client ? WAY_TO_SERVER : WAY_TO_CLIENT] = fwd->nextseq;
        past->next_seq[from_client ? WAY_TO_CLIENT : WAY_TO_SERVER] = rev->nextseq;
    }
}

struct stream *stream_claim(packet_info *pinfo, const struct tcp_frame *tcp, enum rts_hop hop, bool from_client,
                            bool tls)
{
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    if (!conversation)
        return NULL;
    struct stream *stream = *stream_slot(conversation);
    if (stream)
        return stream;
    stream = (struct stream *)store_new(sizeof *stream);
    struct conn_past past;
    store_read_past(pinfo, conversation, from_client, &past, &stream->tcp_stream);
    past.tls = tls;
    stream->hop = (uint8_t)hop;
    stream->tls = tls;
    stream->row = NO_NUMBER;
    stream->leaf = tls ? leaf_of(conversation) : NULL;
    /* Of the other direction the claiming frame is no part. */
    const enum way other = from_client ? WAY_TO_CLIENT : WAY_TO_SERVER;
    struct flow *flow = stream_flow(stream, other);
    flow->have_next = past.has_next;
    flow->next_seq = past.next_seq[other];
    struct conn *conn = store_conn(CONN_RPCH, stream->tcp_stream, from_client ? &tcp->src : &tcp->dst,
                                   from_client ? &tcp->dst : &tcp->src, &past);
    conn->leaf = stream->leaf;
    stream->conn = vtcp_new(store_world(), conn, hop, past.first.ns);
    stream->conversation = conversation;
    add_stream(stream);
    return stream;
}

enum way stream_way(const struct stream *stream, const struct tcp_frame *tcp)
{
    return endpoint_equal(&tcp->src, &vtcp_conn(stream->conn)->client) ? WAY_TO_SERVER : WAY_TO_CLIENT;
}

void store_fill_segment(packet_info *pinfo, const struct tcp_frame *tcp, enum way way, bool tls, struct segment *segment)
{
    *segment = (struct segment){
        .when = frame_when(pinfo), .way = way,
        .syn = (tcp->flags & TH_SYN) != 0, .fin = (tcp->flags & TH_FIN) != 0, .rst = (tcp->flags & TH_RST) != 0,
        .has_ack = (tcp->flags & TH_ACK) != 0, .seq = tcp->seq, .ack = tcp->ack, .len = tcp->payload_len,
        .captured = tcp->captured, .ip_id = tcp->ip_id, .window = tcp->window,
        .opaque = tls && tcp->payload_len > 0 && !tls_decrypted(pinfo),
    };
}

void store_head(packet_info *pinfo, struct stream *stream, enum way way, const struct http_head *head)
{
    uint32_t leg;
    if (!stream->auth)
        stream->auth = aconn_new(store_auth(), vtcp_conn(stream->conn));
    const struct auth_shown *shown = auth_head(stream->auth, frame_when(pinfo), way, head, &leg);
    if (!shown)
        return;
    struct frame_note *note = frame_note_make(pinfo, stream);
    notes_add_auth(note, shown);
    note->show_state = true;
}

static void end_note(packet_info *pinfo, struct stream *stream, bool ends, const struct verdict *verdicts)
{
    struct frame_note *note = frame_note_make(pinfo, stream);
    note->verdicts = verdicts;
    if (stream->auth)
        note->auth_row = aconn_row(stream->auth);
    note->show_state |= ends || verdicts;
    /* The end of the connection ends the channel it had before another request, too. */
    uint32_t row = vtcp_row(stream->conn);
    if (row != NO_NUMBER)
        stream->row = row;
    note->row = stream->row;
    struct vc_mark mark;
    if (note->show_state && vtcp_mark(stream->conn, &mark))
        notes_set_mark(note, &mark);
}

/* Ends the first pass over a frame of a claimed connection: the segment itself, then
 * what it proved and the state it leaves. */
void store_segment(packet_info *pinfo, struct stream *stream, const struct tcp_frame *tcp)
{
    struct segment segment;
    store_fill_segment(pinfo, tcp, stream_way(stream, tcp), stream->tls, &segment);
    vtcp_segment(stream->conn, &segment);
    const bool ends = segment.fin || segment.rst;
    if (stream->auth)
        auth_end_of_frame(stream->auth, segment.when, ends, segment.way);
    const struct verdict *verdicts = store_take_verdicts();
    if (verdicts || ends || frame_note_get(pinfo))
        end_note(pinfo, stream, ends, verdicts);
    const struct tcp_half *half = vtcp_conn(stream->conn)->tcp.half;
    if (segment.rst || (half[0].ended && half[1].ended))
        notes_park(stream);
}
