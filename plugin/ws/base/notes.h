/* notes.h
 * What the first pass keeps of a frame, for later passes to show: of both protocols.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_NOTES_H
#define OUTLOOKHTTP_NOTES_H

#include "compat.h"

#include "chunks.h"
#include "outlook.h"

struct stream;

/* ---- RPC over HTTP ---------------------------------------------------------------- */

/* Bytes that wait for more; they only grow, so that each is copied once. */
struct carry {
    uint8_t *bytes;
    uint32_t len, room;
};

/* What the first pass learned of one PDU. */
struct pdu_note {
    const char *name; /* interned, "" for RPC PDUs */
    union {
        const char *unexpected;    /* is_rts: why it does not belong there, or NULL */
        const struct times *times; /* else: where an answer ends, NULL if not known */
    };
    uint64_t bytes;
    uint32_t call_conversation; /* id of the DCE/RPC conversation: a row of the report, else NO_ROW and a stream */
    uint16_t opnum;             /* where is_call, of: */
    uint8_t channel : 2;
    uint8_t interface : 4; /* enum rpc_interface */
    uint8_t is_call : 1, misplaced : 1;
    uint8_t malformed : 1, out_of_range : 1; /* as the PDU stands, whatever its place */
    uint8_t is_rts : 1;
};
#define NO_ROW 0x80000000u

static inline const char *pdu_note_unexpected(const struct pdu_note *note)
{
    return note->is_rts ? note->unexpected : NULL;
}

static inline uint32_t pdu_note_row(const struct pdu_note *note)
{
    return note->call_conversation & NO_ROW ? NO_NUMBER : note->call_conversation;
}

enum piece_kind {
    PIECE_PDU,
    PIECE_MALFORMED,
    PIECE_GAP,
    PIECE_GREETING,
    PIECE_HTTP,     /* http shows it */
    PIECE_HEAD,     /* of ours: shown behind what http says of it */
    PIECE_DATA,     /* of nobody */
    PIECE_JOINED,   /* a buffer: bytes that were carried, and behind them this piece */
    PIECE_DECHUNKED /* a buffer: the data of chunks in this piece */
};

/* What the first pass found at a place of a buffer. */
struct piece {
    struct piece *next;
    enum piece_kind kind;
    uint32_t offset, len;
    union {
        struct pdu_note pdu;
        unsigned bad_offset; /* PIECE_MALFORMED */
        const char *what;    /* PIECE_GAP */
        struct {             /* buffers */
            struct piece *within;
            union {
                struct {
                    const struct carry *carry;
                    uint32_t carried;
                };                         /* so many bytes of it */
                struct http_chunks chunks; /* before the first byte */
            };
        };
    };
};

/* One call of the engine: the pieces of its stretch, in their order. */
struct call_note {
    struct call_note *next;
    uint64_t key;
    struct piece *pieces;
};

/* What a head of a frame shows of the logon. */
struct auth_note {
    struct auth_note *next;
    struct auth_shown shown;
};

/* From this frame on a TCP connection is of that virtual connection, until the next one; the first one is of the frames
 * before it, too. */
struct vc_span {
    struct vc_span *before;
    uint32_t from;
    struct vc_place place;
};

/* All that later passes need of one frame. */
struct frame_note {
    struct stream *stream;
    struct call_note *calls;
    const struct verdict *verdicts;
    struct auth_note *auth;
    const struct vc_mark *mark;    /* NULL: no state to show */
    const struct channel *channel; /* where it had no row so far, it may get one later; else NULL */
    uint32_t row;                  /* of the report, NO_NUMBER if none */
    uint32_t auth_row;             /* of the report on logons, NO_NUMBER if none */
    bool has_pdu;
    bool show_state;        /* PDU, channel request or response, FIN or RST */
    bool head_by_http;      /* http showed a head of ours; its fields are added after it */
    bool direct;            /* dissected after http and tcp were done with the frame, ... */
    uint16_t source;        /* ... from this data source on, */
    uint32_t source_offset; /* from this byte (of its head, if there is one), */
    uint32_t body_offset;   /* and this one behind a head that http showed */
};

/* The note of the frame under dissection, NULL if none. */
struct frame_note *frame_note_get(packet_info *pinfo);
struct frame_note *frame_note_make(packet_info *pinfo, struct stream *stream); /* first pass */
/* Parts of a note. */
struct call_note *notes_add_call(struct frame_note *note); /* of the frame under dissection, on its first pass */
void notes_add_auth(struct frame_note *note, const struct auth_shown *shown);
/* Copies it, unless it says what the last one of the stream says; that is kept at last. */
void notes_set_mark(struct frame_note *note, const struct vc_mark **last, const struct vc_mark *mark);
/* Calls that for each frame that has notes, in their order; either may be NULL. */
struct mapi_note;
typedef void notes_look(void *ctx, uint32_t frame, const struct frame_note *rpch, const struct mapi_note *mapi);
void notes_each(notes_look *look, void *ctx);
/* After all that the first pass has to say of a frame: the next may have its number. */
void notes_end_of_frame(void);

/* ---- MAPI/HTTP -------------------------------------------------------------------- */

/* A message that is shown in a frame. */
struct mapi_item {
    struct mapi_item *next;
    struct mapi_message *message;
    uint32_t head_len;
    uint64_t head_hash;
    uint8_t first[8]; /* of the head */
    bool encoded;     /* Content-Encoding */
    bool page;        /* text for people: http shows it */
    bool cut;
    struct carry kept;     /* head and body; empty behind the first pass where http has both in this frame */
    struct carry sentence; /* of an error page, in its frame on the first pass */
    tvbuff_t *head, *body; /* where they are, or NULL; while the frame is under dissection: with TLS the data
                                  * sources of a frame are not the same in each pass */
    int head_offset;
};

struct mapi_note {
    struct mapi_item *items, *last_item;
    const struct verdict *verdicts;
    const struct conn *conn; /* where there are any: of the frame, NULL if it is none of ours */
    uint32_t auth_row;       /* as in struct frame_note */
};

struct mapi_note *mapi_note_get(packet_info *pinfo);  /* NULL if none */
struct mapi_note *mapi_note_make(packet_info *pinfo); /* first pass */

/* ---- Both ------------------------------------------------------------------------- */

/* What a frame has of either; NULL: nothing. */
struct frame_notes {
    const struct frame_note *rpch;
    const struct mapi_note *mapi;
};
/* Of a frame that is not under dissection. */
struct frame_notes notes_of(uint32_t frame);

#endif
