/* ws.h
 * What the files of this room share: the streams that were claimed, the records that
 * let later passes show what the first one saw, and the calls between the files.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_WS_H
#define OUTLOOKHTTP_WS_H

#include "compat.h"
#include <epan/proto_data.h>

#include "httphead.h"
#include "pdu.h"
#include "rts.h"
#include "field.h"
#include "outlook.h"
#include "tables.h"
#include "tlscert.h"
#include "vconn.h"

/* ---- plugin.c: what is registered ------------------------------------------------ */

extern int proto_rpch;
extern int proto_outlook;
extern int proto_mapihttp;
extern dissector_handle_t rpch_stream_handle;    /* called by http for what it hands over */
extern dissector_handle_t rpch_tcp_handle;       /* called by tcp for a claimed connection */
extern dissector_handle_t rpch_port_handle;      /* no protocol of its own: looks before X11 does */
extern range_t *rpch_server_ports;
extern struct judge_prefs rpch_prefs;

/* ---- tcpframe.c ------------------------------------------------------------------- */

/* The TCP header of a frame, read from its bytes: http and tls do not pass it on. */
struct tcp_frame {
    struct endpoint src, dst;
    uint32_t seq, ack, window;
    uint16_t flags, ip_id;
    uint32_t payload_offset;     /* in the frame */
    uint32_t payload_len;        /* on the wire */
    uint32_t captured;           /* of the payload */
    const uint8_t *payload;      /* captured bytes */
};

/* False if the frame carries no TCP, or none whose header lies in the frame itself (IP
 * reassembly). */
bool tcp_frame_parse(packet_info *pinfo, struct tcp_frame *tcp);

/* ---- store.c ---------------------------------------------------------------------- */

enum framing { FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_OPEN };
/* PHASE_WAIT: the rest of a message that is http's, carried until it is whole. */
enum phase { PHASE_HEAD, PHASE_BODY, PHASE_RESYNC, PHASE_WAIT };

/* Bytes that ended a stretch in the middle of a PDU, a head or a message of http's, with those of
 * the stretches behind it. They only grow: each captured byte is kept once, and a later pass
 * takes as many as there were before its call. */
struct carry {
    uint8_t *bytes;
    uint32_t len, room;
    struct http_head_scan scan;  /* of the head that they begin; first pass only */
    enum http_head_result result;
    uint32_t decided;            /* with so many bytes that was no beginning any more; 0: it still is */
};

/* What the last request on a connection asked for: it decides how a response is read. */
struct asked {
    uint8_t method;              /* enum http_method */
    bool echo, channel;
};

/* Where one direction of a stream stands between two calls. Kept for each call. */
struct cursor {
    uint8_t phase;               /* enum phase */
    uint8_t framing;             /* enum framing */
    bool pdus;                   /* the body carries PDUs */
    bool guessed;                /* no head said how the body is framed */
    struct asked asked;
    uint32_t skip;               /* bytes that will be handed over again, already dissected */
    uint32_t pass;               /* rest of a PDU that was not captured whole */
    union {
        uint64_t left;           /* FRAMING_LENGTH */
        struct http_chunks chunks;       /* FRAMING_CHUNKED */
    };
    struct carry *carry;         /* or NULL */
    uint32_t carried;            /* bytes of it */
};

/* First pass only. */
struct flow {
    struct cursor at;
    uint32_t held;               /* bytes that were dissected directly and that tcp or tls will hand over
                                  * again, at the head of what http asked for */
    uint32_t next_seq;           /* where the next segment continues */
    uint32_t frame, before;      /* had_next and next_seq as they were before this frame */
    uint32_t called_in;          /* last frame of which bytes reached the engine */
    bool have_next, had_next;
};

/* The direction was seen up to this sequence number. */
static inline void flow_reached(struct flow *flow, uint32_t end)
{
    if (!flow->have_next || (int32_t)(end - flow->next_seq) > 0)
        flow->next_seq = end;
    flow->have_next = true;
}

/* How http names the ends inside a CONNECT tunnel, for what goes to the server. */
struct tunnel {
    uint16_t port;               /* of the request's URI */
    address src, dst;
    uint32_t srcport, destport;
};

struct stream {
    struct vtcp *conn;
    const struct tunnel *tunnel; /* or NULL */
    uint32_t tcp_stream;
    uint8_t hop;                 /* enum rts_hop */
    bool tls;
    struct asked asked;          /* first pass only, from here down */
    struct flow flow[2];         /* by enum way */
    struct aconn *auth;          /* its logon, NULL before the first head */
    const struct vc_mark *last_mark;
    uint32_t row;                /* last one of the report that it belonged to */
    const struct tls_leaf *leaf;
};

/* What the first pass learned of one PDU. */
struct pdu_note {
    struct pdu_note *next;
    const char *name;            /* interned, "" for RPC PDUs */
    const char *unexpected;
    uint64_t bytes;
    uint32_t call_conversation;  /* id of the DCE/RPC conversation */
    uint8_t channel;
    bool misplaced;
};

/* One call of the engine that found something: where it began, and the notes in order. */
struct call_note {
    struct call_note *next;
    uint64_t key;
    struct cursor start;
    struct pdu_note *pdus;
    bool gap_before;
};

/* What a head of a frame shows of the logon. */
struct auth_note {
    struct auth_note *next;
    struct auth_shown shown;
};

/* All that later passes need of one frame. */
struct frame_note {
    struct stream *stream;
    struct call_note *calls;
    struct call_note *last_call; /* first pass only */
    const struct verdict *verdicts;
    struct auth_note *auth;
    const struct vc_mark *mark;  /* NULL: no state to show */
    uint32_t row;                /* of the report, NO_NUMBER if none */
    uint32_t auth_row;           /* of the report on logons, NO_NUMBER if none */
    bool show_state;             /* PDU, channel request or response, FIN or RST */
    bool head_by_http;           /* http showed a head of ours; its fields are added after it */
    bool direct;                 /* dissected after http and tcp were done with the frame, ... */
    uint16_t source;             /* ... from this data source on, */
    uint32_t source_offset;      /* from this byte (of its head, if there is one), */
    uint32_t body_offset;        /* and this one behind a head that http showed */
};

void store_init(void);                                   /* a new capture file */
void *store_new(size_t size);                            /* zeroed; lives as long as the file */
struct vworld *store_world(void);                        /* made on first use */
bool store_active(void);                                 /* some stream was claimed */
struct aworld *store_auth(void);
struct mworld *store_mapi(void);
bool store_mapi_active(void);
/* Claims a connection, see conn_new(). */
struct conn *store_conn(enum conn_kind kind, uint32_t tcp_stream, const struct endpoint *client,
                        const struct endpoint *server, const struct conn_past *past);
const struct verdict *store_take_verdicts(void);         /* of all worlds, in the order of what they are about */
const char *store_intern(const char *text);
const struct hash_key *store_key(void);                  /* the secret of this file */
conversation_t *tcp_conversation(packet_info *pinfo, const struct tcp_frame *tcp);
struct stream *stream_find(packet_info *pinfo, const struct tcp_frame *tcp);
struct stream *stream_claim(packet_info *pinfo, const struct tcp_frame *tcp, enum rts_hop hop,
                            bool from_client, bool tls);
enum way stream_way(const struct stream *stream, const struct tcp_frame *tcp);
struct when frame_when(const packet_info *pinfo);
/* What Wireshark's own analysis saw of the connection before we looked; from_client: this frame is the client's. */
void store_read_past(packet_info *pinfo, conversation_t *conversation, bool from_client, struct conn_past *past,
                     uint32_t *tcp_stream);
void store_fill_segment(packet_info *pinfo, const struct tcp_frame *tcp, enum way way, bool tls, struct segment *segment);
/* A head of the stream, for the logon. */
void store_head(packet_info *pinfo, struct stream *stream, enum way way, const struct http_fields *fields);
void store_segment(packet_info *pinfo, struct stream *stream, const struct tcp_frame *tcp);

/* ---- leaf.c ----------------------------------------------------------------------- */

void leaf_init(void);                                    /* a new capture file */
void leaf_handoff(void);
/* A frame of the first pass: looks for the certificates of TLS servers. */
void leaf_first_look(packet_info *pinfo, const struct tcp_frame *tcp);
/* What the TLS server of a TCP connection presented, NULL if that was not seen. */
const struct tls_leaf *leaf_of(conversation_t *conversation);
/* Whether tls decrypted a record of this frame, of whatever kind. */
bool tls_decrypted(packet_info *pinfo);

/* ---- notes.c ---------------------------------------------------------------------- */

void notes_init(void);                                   /* a new capture file */
/* The note of the frame under dissection, NULL if none. */
struct frame_note *frame_note_get(packet_info *pinfo);
struct frame_note *frame_note_make(packet_info *pinfo, struct stream *stream);   /* first pass */
/* Parts of a note. */
struct call_note *notes_add_call(struct frame_note *note);
struct pdu_note *notes_new_pdu(void);
void notes_add_auth(struct frame_note *note, const struct auth_shown *shown);
void notes_set_mark(struct frame_note *note, const struct vc_mark *mark);        /* copies it */
/* After all that the first pass has to say of a frame: the next may have its number. */
void notes_end_of_frame(void);

/* ---- A stretch of a stream ---------------------------------------------------------- */

/* It may end in bytes that were not captured, and a body may end among them. Wireshark's own
 * functions say 0 for what is left on the wire behind the captured bytes, and throw where a
 * part begins there: a place behind them is asked for with these. */
static inline int stretch_left(tvbuff_t *tvb, int offset)
{
    return (int)tvb_reported_length(tvb) - offset;
}

static inline int stretch_captured(tvbuff_t *tvb, int offset)
{
    return MAX((int)tvb_captured_length(tvb) - offset, 0);
}

static inline tvbuff_t *stretch_part(tvbuff_t *tvb, int offset, int len)
{
    return tvb_new_subset_length_caplen(tvb, MIN(offset, (int)tvb_captured_length(tvb)),
                                        MIN(stretch_captured(tvb, offset), len), len);
}

/* ---- engine.c --------------------------------------------------------------------- */

/* How the bytes reached us. tcp and tls are never asked for more of them: what is not whole is
 * carried here, the same on every version and in every pass. */
struct delivery {
    bool frame_bytes;            /* tvb lies in the frame itself: its sequence number is known */
    bool direct;                 /* by the postdissector */
};

/* Dissects one stretch of a stream from where it stands. */
void engine_run(struct stream *stream, const struct tcp_frame *tcp, enum way way, tvbuff_t *tvb, packet_info *pinfo,
               proto_tree *tree, const struct delivery *delivery);

/* Whether tcp hands over in order only, whatever the order of frames. */
bool engine_reassembles_out_of_order(void);

/* Tells state about a head that http dissected itself and moves the flow behind it
 * (first pass). Returns how long the message is: the head alone where PDUs follow, else
 * head and body. */
size_t engine_head(struct stream *stream, enum way way, packet_info *pinfo, const struct http_head *head,
                   const struct http_info *info);

/* ---- dissect_rpch.c --------------------------------------------------------------- */

void rpch_register_fields(void);
void rpch_set_severities(bool same_proxy_required);
void rpch_begin_columns(packet_info *pinfo);     /* before what is ours in a frame: clears what tcp wrote */
void rpch_dissect_pdu(struct stream *stream, enum way way, tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree,
                      struct pdu_note *note, bool first_pass);
void rpch_show_malformed(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, unsigned bad_offset);
void rpch_show_gap(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, int len, const char *what);
void rpch_show_greeting(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, int len);
void rpch_show_head(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, const struct http_head *head,
                    const struct http_info *info);
void rpch_show_frame(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct frame_note *note);

/* ---- both protocols (dissect_rpch.c, dissect_mapi.c) -------------------------------- */

extern int outlook_hf_request_id, outlook_hf_client_request_id, outlook_hf_front_end, outlook_hf_failure_context;
void outlook_show_in_info(packet_info *pinfo, const char *protocol, const char *text);
/* Each verdict as a generated field with its expert item and the three parts of its text. */
void outlook_show_verdicts(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct verdict *verdicts);
void outlook_show_auth(proto_tree *tree, tvbuff_t *tvb, const struct auth_shown *auth);
extern int outlook_tap;                          /* data: the number of a row of the report on logons */
void outlook_tap_auth(packet_info *pinfo, const struct auth_shown *auth, uint32_t last);
bool outlook_wants_expert(void);                 /* somebody counts expert items, tree or not */

/* ---- sink_tree.c ------------------------------------------------------------------ */

typedef void (*sink_decoder)(struct reader *reader, void *arg);

/* Calls use with a sink that shows what it is told below tree; offsets are tvb's. */
void sink_fields(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree,
                 void (*use)(const struct field_sink *sink, void *arg), void *arg);

void sink_register(void);
void sink_malformed(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, uint32_t offset, const char *what);
/* Decodes tvb into tree. cut: more was announced than came. */
void sink_body(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, bool cut, sink_decoder decode, void *arg);

/* ---- mapistream.c ----------------------------------------------------------------- */

/* A message that is shown in a frame. */
struct mapi_item {
    struct mapi_item *next;
    struct mapi_message *message;
    uint32_t head_len;
    uint64_t head_hash;
    uint8_t first[8];            /* of the head */
    bool encoded;                /* Content-Encoding */
    bool page;                   /* text for people: http shows it */
    bool cut;
    uint8_t *kept;               /* head and body where http had no whole message in this frame; else NULL */
    uint32_t kept_len;
    char *sentence;              /* of an error page, in its frame on the first pass */
    uint32_t sentence_len;
    tvbuff_t *head, *body;       /* where they are, or NULL; while the frame is under dissection */
    int head_offset;
};

struct mapi_note {
    struct mapi_item *items, *last_item;
    const struct verdict *verdicts;
    uint32_t auth_row;           /* as in struct frame_note */
};

struct mapi_note *mapi_note_get(packet_info *pinfo);
bool mapi_has_bodies(packet_info *pinfo);        /* http handed bodies over in this frame */
int mapi_from_http(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);
/* After all dissectors are through with a frame, on the first pass; then, in all passes.
 * tcp may be NULL where nothing was followed. */
void mapi_first_look(packet_info *pinfo, const struct tcp_frame *tcp);
void mapi_show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct tcp_frame *tcp);
void mapi_register(void);
void mapi_handoff(void);

/* ---- dissect_mapi.c --------------------------------------------------------------- */

void mapi_register_fields(void);
void mapi_learn(struct mconn *conn, const struct mapi_item *item);
/* A body whose message was not followed: HTTP/2, or sent twice. */
void mapi_show_stray(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, tvbuff_t *body);
void mapi_show_frame(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct mapi_note *note);

/* ---- takeover.c ------------------------------------------------------------------- */

/* Whether the source is a stretch of the TCP stream or of what TLS carried in it. */
bool takeover_is_stream_source(packet_info *pinfo, const struct data_source *source, bool *tls);
void takeover_register(void);
void takeover_handoff(void);
void takeover_ports_changed(void);
int takeover_from_http(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);
int takeover_from_tcp(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);
int takeover_before_port(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);
int takeover_after_frame(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);

/* ---- stats.c ---------------------------------------------------------------------- */

void stats_register(void);

#endif
