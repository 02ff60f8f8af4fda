/* rop_facts.c
 * What counts of the ROPs of a message.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_facts.h"

/* A request is carried out as far as its answers go; what has none went before the last of them. */
static bool was_answered(const struct rop_message *response, uint32_t number)
{
    const struct rop_note *call = &response->other->notes[number];
    return call->call_flags & ROP_CALL_SILENT ? number < response->passed : (call->known & ROP_KNOWN_ANSWER) != 0;
}

bool rop_message_fact(const struct rop_message *message, uint32_t index, struct rop_fact *fact)
{
    const struct rop_message *request = message->response ? message->other : NULL;
    const uint32_t calls = request ? request->count : 0;
    *fact = (struct rop_fact){ .event = ROP_NOTHING };
    if (index < calls) {
        fact->id = request->notes[index].id;
        fact->event = was_answered(message, index) ? ROP_ANSWERED : ROP_NOTHING;
        fact->took = rop_message_took(message);
        return true;
    }
    if (index - calls >= message->count) {
        return false;
    }
    const struct rop_note *note = &message->notes[index - calls];
    fact->id = message->response ? note->asked : note->id;
    fact->return_value = note->return_value;
    if (!message->response) {
        fact->event = ROP_ASKED;
    } else if (rop_is_unasked(note->id)) {
        fact->event = ROP_UNASKED;
    } else if (rop_return_is_failure(note->return_value)) {
        fact->event = ROP_REFUSED;
    }
    return true;
}
