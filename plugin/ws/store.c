/* store.c
 * Ties the pure state to Wireshark's conversations, frames and file scope.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "ws.h"

static struct outlook *outlook;
static bool rpch_used, mapi_used;
static struct table interned;

static void *file_alloc(void *ctx _U_, size_t size)
{
    return wmem_alloc0(wmem_file_scope(), size);
}

void *store_new(size_t size)
{
    return file_alloc(NULL, size);
}

static void file_give_back(void *ctx _U_, void *bytes, size_t size _U_)
{
    wmem_free(wmem_file_scope(), bytes);
}

static struct arena file_arena = { .alloc = file_alloc, .give_back = file_give_back };

const struct hash_key *store_key(void)
{
    return &file_arena.key;
}

void store_init(void)
{
    outlook = NULL;              /* its memory went with the last file */
    rpch_used = mapi_used = false;
    memset(&interned, 0, sizeof interned);
    for (unsigned i = 0; i < 2; i++)
        file_arena.key.half[i] = (uint64_t)g_random_int() << 32 | g_random_int();
    leaf_init();
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
    return text && *text ? text_keep(&file_arena, &interned, text) : "";
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

static struct stream *stream_of(conversation_t *conversation)
{
    return conversation ? (struct stream *)conversation_get_proto_data(conversation, proto_rpch) : NULL;
}

struct stream *stream_find(packet_info *pinfo, const struct tcp_frame *tcp)
{
    return stream_of(tcp_conversation(pinfo, tcp));
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
    struct stream *stream = stream_of(conversation);
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
    stream->flow[other].have_next = past.has_next;
    stream->flow[other].next_seq = past.next_seq[other];
    struct conn *conn = store_conn(CONN_RPCH, stream->tcp_stream, from_client ? &tcp->src : &tcp->dst,
                                   from_client ? &tcp->dst : &tcp->src, &past);
    conn->leaf = stream->leaf;
    stream->conn = vtcp_new(store_world(), conn, hop, past.first.ns);
    conversation_add_proto_data(conversation, proto_rpch, stream);
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

void store_head(packet_info *pinfo, struct stream *stream, enum way way, const struct http_fields *fields)
{
    uint32_t leg;
    if (!stream->auth)
        stream->auth = aconn_new(store_auth(), vtcp_conn(stream->conn));
    const struct auth_shown *shown = auth_message(stream->auth, frame_when(pinfo), way, fields, &leg);
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
}
