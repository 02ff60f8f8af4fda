/* engine_private.h
 * What the files of the engine share: one call, and the steps that each file makes of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ENGINE_PRIVATE_H
#define OUTLOOKHTTP_ENGINE_PRIVATE_H

#include "engine.h"

struct run {
    struct stream *stream;
    const struct tcp_frame *tcp;
    enum way way;
    packet_info *pinfo;
    proto_tree *tree;
    const struct delivery *delivery;
    bool first;                  /* first pass */
    bool gap;                    /* bytes are missing before this stretch */
    struct cursor start, at;
    struct call_note *call;      /* NULL until something is found on the first pass */
    struct pdu_note **notes;     /* where the next note goes or comes from */
    uint64_t key;
    int carried;                 /* bytes of carry before those of the stretch in the joined buffer, */
    int joined_at;               /* which begin here in the stretch */
    bool moves;                  /* each walk ended by itself */
    int body_at;                 /* where the bytes that at.left counts begin in it */
};

/* ---- engine_carry.c --------------------------------------------------------------- */

/* Tells the calls of one frame apart, alike in all passes. */
uint64_t run_call_key(const struct run *run, tvbuff_t *tvb);
/* First pass: later ones will find this call. */
void run_keep_call(struct run *run);
/* Later passes: goes to where the call stood. False: it found nothing. */
bool run_recall(struct run *run);
/* NULL if the first pass found no PDU here. */
struct pdu_note *run_next_note(struct run *run);

/* Puts len bytes of the stretch behind those that are carried; len may be 0. */
void run_carry_over(struct run *run, tvbuff_t *tvb, int offset, int len);

/* Bytes that were carried, and are no longer. */
struct carried {
    const uint8_t *bytes;
    uint32_t len;
};

struct carried run_take_carried(struct run *run);
/* The carried bytes followed by len bytes of the stretch, as one buffer. */
tvbuff_t *run_join(const struct run *run, struct carried carried, tvbuff_t *tvb, int offset, int len);
/* Passes over bytes that are no PDU; what may be NULL: nothing is said. */
void run_pass_over(struct run *run, tvbuff_t *tvb, int offset, int len, const char *what);

/* ---- engine_body.c ---------------------------------------------------------------- */

/* The bytes of chunks that the stretch holds, and what they carry. */
struct dechunked {
    size_t used, len;
};

/* data may be NULL: they are only measured. */
struct dechunked dechunk(struct http_chunks *chunks, const uint8_t *p, size_t len, uint8_t *data);
/* Steps through the body at offset: return where they stopped. */
int run_chunked_body(struct run *run, tvbuff_t *tvb, int offset);
int run_plain_body(struct run *run, tvbuff_t *tvb, int offset);

/* ---- engine_head.c ---------------------------------------------------------------- */

/* Lets http dissect len bytes as if the connection were still its own. */
void run_give_to_http(struct run *run, tvbuff_t *tvb, int offset, int len);
/* One HTTP message, or its head where PDUs follow. may_wait: for the rest of one that is http's.
 * Returns where it stopped. */
int run_message_at(struct run *run, tvbuff_t *tvb, int offset, bool may_wait);
/* The rest of a message that is http's. */
int run_rest_of_message(struct run *run, tvbuff_t *tvb, int offset);

#endif
