/* rop_totals.c
 * What is counted of ROPs while they pass.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_totals.h"

#include "names.h"
#include "objects_private.h"

int64_t rop_message_took(const struct rop_message *message)
{
    const struct rop_message *request = message->response ? message->other : NULL;
    return request && message->ns >= request->ns ? message->ns - request->ns : -1;
}

bool rop_is_busy(uint8_t id, uint32_t return_value)
{
    return id == ROP_BACKOFF || return_value == OX_SERVER_BUSY;
}

/* A kind that came once gives way to a new one, where there is no room left: what comes often stays. */
static struct rop_failure *place_of(struct rop_totals *totals, uint8_t id, uint32_t return_value, uint32_t frame)
{
    struct rop_failure *once = NULL;
    for (uint32_t i = 0; i < totals->kinds; i++) {
        struct rop_failure *failure = &totals->failures[i];
        if (failure->id == id && failure->return_value == return_value) {
            return failure;
        }
        once = !once && failure->count == 1 ? failure : once;
    }
    struct rop_failure *place = totals->kinds < ROP_FAILURES_KEPT ? &totals->failures[totals->kinds++] : once;
    if (place) {
        *place = (struct rop_failure){ .id = id, .return_value = return_value, .frame = frame };
    }
    return place;
}

static void add_busy(struct rop_totals *totals, uint32_t wait_ms, uint32_t frame)
{
    totals->busy_frame = totals->busy++ > 0 ? totals->busy_frame : frame;
    totals->longest_wait_ms = wait_ms > totals->longest_wait_ms ? wait_ms : totals->longest_wait_ms;
}

void rop_totals_add(struct rop_totals *totals, const struct rop_message *message)
{
    if (!message->response) {
        totals->calls += message->count;
        return;
    }
    for (uint32_t i = 0; i < message->count; i++) {
        const struct rop_note *rop = &message->notes[i];
        if (rop->id == ROP_BACKOFF || rop_return_is_failure(rop->return_value)) {
            struct rop_failure *failure = place_of(totals, rop->asked, rop->return_value, message->frame);
            totals->failed++;
            if (failure) {
                failure->count++;
            }
            if (rop_is_busy(rop->id, rop->return_value)) {
                add_busy(totals, rop->rows, message->frame);
            }
        }
    }
    const int64_t took = rop_message_took(message);
    if (took >= 0 && message->other->count > 0 && (!totals->slowest || took > rop_message_took(totals->slowest))) {
        totals->slowest = message;
    }
}
