/* store.c
 * Ties the pure state to Wireshark's conversations, frames and file scope.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "ws.h"

static struct vworld *world;
static struct mworld *mapi_world;
static struct aworld *auth_world;
static wmem_map_t *interned;

static void *file_alloc(void *ctx _U_, size_t size)
{
    return wmem_alloc0(wmem_file_scope(), size);
}

static const struct arena file_arena = { file_alloc, NULL };

void store_init(void)
{
    world = NULL;                /* its memory went with the last file */
    mapi_world = NULL;
    auth_world = NULL;
    interned = NULL;
    leaf_init();
}

struct vworld *store_world(void)
{
    if (!world)
        world = vworld_new(&file_arena, &rpch_prefs);
    return world;
}

bool store_active(void)
{
    return world != NULL;
}

struct aworld *store_auth(void)
{
    if (!auth_world)
        auth_world = aworld_new(&file_arena);
    return auth_world;
}

struct mworld *store_mapi(void)
{
    if (!mapi_world)
        mapi_world = mworld_new(&file_arena, store_auth());
    return mapi_world;
}

bool store_mapi_active(void)
{
    return mapi_world != NULL;
}

/* Puts more behind list; a list is the receiver's until it is kept with a frame. */
static void append_verdicts(const struct verdict **list, const struct verdict *more)
{
    while (*list)
        list = &((struct verdict *)(uintptr_t)*list)->next;
    *list = more;
}

const struct verdict *store_take_verdicts(void)
{
    const struct verdict *all = world ? vworld_take_verdicts(world) : NULL;
    if (mapi_world)
        append_verdicts(&all, mworld_take_verdicts(mapi_world));
    if (auth_world)
        append_verdicts(&all, aworld_take_verdicts(auth_world));
    return all;
}

const char *store_intern(const char *text)
{
    if (!text || !*text)
        return "";
    if (!interned)
        interned = wmem_map_new(wmem_file_scope(), wmem_str_hash, g_str_equal);
    const char *known = (const char *)wmem_map_lookup(interned, text);
    if (!known) {
        char *copy = wmem_strdup(wmem_file_scope(), text);
        wmem_map_insert(interned, copy, copy);
        known = copy;
    }
    return known;
}

struct frame_note *frame_note_get(packet_info *pinfo)
{
    return (struct frame_note *)p_get_proto_data(wmem_file_scope(), pinfo, proto_rpch, 0);
}

struct frame_note *frame_note_make(packet_info *pinfo, struct stream *stream)
{
    struct frame_note *note = frame_note_get(pinfo);
    if (!note) {
        note = wmem_new0(wmem_file_scope(), struct frame_note);
        note->stream = stream;
        note->row = note->auth_row = NO_NUMBER;
        p_add_proto_data(wmem_file_scope(), pinfo, proto_rpch, 0, note);
    }
    return note;
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

struct stream *stream_find(packet_info *pinfo, const struct tcp_frame *tcp)
{
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    return conversation ? (struct stream *)conversation_get_proto_data(conversation, proto_rpch) : NULL;
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
    struct stream *stream = (struct stream *)conversation_get_proto_data(conversation, proto_rpch);
    if (stream)
        return stream;
    stream = wmem_new0(wmem_file_scope(), struct stream);
    struct conn_past past;
    store_read_past(pinfo, conversation, from_client, &past, &stream->tcp_stream);
    past.tls = tls;
    stream->hop = hop;
    stream->tls = tls;
    stream->client = from_client ? tcp->src : tcp->dst;
    stream->server = from_client ? tcp->dst : tcp->src;
    stream->row = NO_NUMBER;
    stream->leaf = tls ? leaf_of(conversation) : NULL;
    /* Of the other direction the claiming frame is no part. */
    const enum way other = from_client ? WAY_TO_CLIENT : WAY_TO_SERVER;
    stream->flow[other].have_next = past.has_next;
    stream->flow[other].next_seq = past.next_seq[other];
    stream->conn = vtcp_new(store_world(), stream->tcp_stream, hop, &stream->client, &stream->server, &past);
    conversation_add_proto_data(conversation, proto_rpch, stream);
    return stream;
}

enum way stream_way(const struct stream *stream, const struct tcp_frame *tcp)
{
    return endpoint_equal(&tcp->src, &stream->client) ? WAY_TO_SERVER : WAY_TO_CLIENT;
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
    if (!stream->auth) {
        stream->auth = aconn_new(store_auth(), stream->tcp_stream, &stream->client, &stream->server,
                                 vtcp_tcp(stream->conn), stream->tls);
        aconn_leaf(stream->auth, stream->leaf);
    }
    const struct auth_shown *shown = auth_head(stream->auth, frame_when(pinfo), way, head, &leg);
    if (!shown)
        return;
    struct frame_note *note = frame_note_make(pinfo, stream);
    struct auth_note *add = wmem_new0(wmem_file_scope(), struct auth_note), **place = &note->auth;
    while (*place)
        place = &(*place)->next;
    add->shown = shown;
    *place = add;
    note->show_state = true;
}

/* Ends the first pass over a frame of a claimed connection: the segment itself, then
 * what it proved and the state it leaves. */
void store_segment(packet_info *pinfo, struct stream *stream, const struct tcp_frame *tcp)
{
    struct segment segment;
    store_fill_segment(pinfo, tcp, stream_way(stream, tcp), stream->tls, &segment);
    vtcp_segment(stream->conn, &segment);
    if (stream->auth)
        auth_end_of_frame(stream->auth, segment.when, segment.fin || segment.rst, segment.way);
    const struct verdict *verdicts = store_take_verdicts();
    struct frame_note *note = frame_note_get(pinfo);
    if (!note && !verdicts && !segment.fin && !segment.rst)
        return;
    note = frame_note_make(pinfo, stream);
    note->verdicts = verdicts;
    if (stream->auth)
        note->auth_row = aconn_row(stream->auth);
    note->show_state |= segment.fin || segment.rst || verdicts;
    /* The end of the connection ends the channel it had before another request, too. */
    uint32_t row = vtcp_row(stream->conn);
    if (row != NO_NUMBER)
        stream->row = row;
    note->row = stream->row;
    struct vc_snapshot now;
    memset(&now, 0, sizeof now);
    if (!note->show_state || !vtcp_snapshot(stream->conn, &now))
        return;
    if (!stream->last_snapshot || memcmp(stream->last_snapshot, &now, sizeof now) != 0)
        stream->last_snapshot = (const struct vc_snapshot *)wmem_memdup(wmem_file_scope(), &now, sizeof now);
    note->snapshot = stream->last_snapshot;
}
