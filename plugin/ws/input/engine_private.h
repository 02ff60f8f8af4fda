/* engine_private.h
 * The steps of the engine's walk through a stretch, on the first pass.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ENGINE_PRIVATE_H
#define OUTLOOKHTTP_ENGINE_PRIVATE_H

#include "engine.h"
#include "pieces.h"

/* ---- engine_body.c ---------------------------------------------------------------- */

/* One step through the body at offset: returns where it stopped. */
int run_body(struct run *run, tvbuff_t *tvb, int offset);

/* ---- engine_head.c ---------------------------------------------------------------- */

/* One HTTP message, or its head where PDUs follow. may_wait: for the rest of one that is http's.
 * Returns where it stopped. */
int run_message_at(struct run *run, tvbuff_t *tvb, int offset, bool may_wait);
/* The rest of a message that is http's. */
int run_rest_of_message(struct run *run, tvbuff_t *tvb, int offset);

#endif
