/* pieces.h
 * What was found in a stretch of RPC over HTTP: noted on the first pass, shown in each.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PIECES_H
#define OUTLOOKHTTP_PIECES_H

#include "stream.h"

/* The first pass over a stretch. */
struct run {
    struct stream *stream;
    struct frame_note *note;
    const struct tcp_frame *tcp;
    enum way way;
    packet_info *pinfo;
    proto_tree *tree;
    bool gap; /* bytes are missing before this stretch */
    struct cursor at;
    struct piece **place; /* where the next piece goes */
    int carried;          /* bytes of carry before those of the stretch in the joined buffer, */
    int joined_at;        /* which begin here in the stretch */
    bool moves;           /* each walk ended by itself */
    int body_at;          /* where the bytes that at.body.left counts begin in it */
};

/* The bytes of chunks that a stretch holds, and what they carry. */
struct dechunked {
    size_t used, len;
};

/* data may be NULL: they are only measured. */
struct dechunked dechunk(struct http_chunks *chunks, const uint8_t *p, size_t len, uint8_t *data);

/* Notes len bytes of tvb behind the last one and shows it. Returns the buffer that it is, NULL if none; pieces go
 * into it until run_close(). */
tvbuff_t *run_found(struct run *run, tvbuff_t *tvb, int offset, int len, struct piece found);
/* To where pieces went before the buffer, whose place run had then. */
void run_close(struct run *run, struct piece **place);
/* Puts len captured bytes of the stretch behind those that are carried. */
void run_carry_over(struct run *run, tvbuff_t *tvb, int offset, int len);
/* The first so many carried bytes followed by len bytes of the stretch, as one buffer that pieces go into until
 * run_close(). Nothing is carried any longer. */
tvbuff_t *run_join(struct run *run, uint32_t carried, tvbuff_t *tvb, int offset, int len);
/* Passes over bytes that are no PDU; what may be NULL: nothing is said. */
void run_pass_over(struct run *run, tvbuff_t *tvb, int offset, int len, const char *what);
/* Another place of the stream, or a body of which no head told. */
void run_turn_to(struct run *run, enum phase phase);

/* Later passes. */
void pieces_show(packet_info *pinfo, proto_tree *tree, tvbuff_t *tvb, const struct piece *pieces);

#endif
