/* rts_pdus.c
 * The RTS PDUs of MS-RPCH 2.2.4, and their naming.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rts.h"

#include <stdio.h>

/* A place is one of eight: channel, hop and way. */
enum {
    IN_HTTP_UP = 0x01,
    IN_HTTP_DOWN = 0x02,
    IN_TCP_UP = 0x04,
    IN_TCP_DOWN = 0x08,
    OUT_HTTP_UP = 0x10,
    OUT_HTTP_DOWN = 0x20,
    OUT_TCP_UP = 0x40,
    OUT_TCP_DOWN = 0x80,
    EVERYWHERE = 0xFF,
    /* HTTP carries acknowledgments with the data of the channel only, TCP either way. */
    ACK_PLACES = EVERYWHERE & ~(IN_HTTP_DOWN | OUT_HTTP_UP)
};

#define NONE (-1)

/* MS-RPCH 2.2.4.2 to 2.2.4.51, indexed by enum rts_id. OUT_R2/C1 stands here with Empty;
 * Padding may take its place. */
const struct rts_signature rts_signatures[] = {
    { "CONN/A1", 0x00, 4, { 6, 3, 3, 0 }, NONE, OUT_HTTP_UP },
    { "CONN/A2", 0x10, 5, { 6, 3, 3, 4, 0 }, NONE, OUT_TCP_UP },
    { "CONN/A3", 0x00, 1, { 2 }, NONE, OUT_HTTP_DOWN },
    { "CONN/B1", 0x00, 6, { 6, 3, 3, 4, 5, 12 }, NONE, IN_HTTP_UP },
    { "CONN/B2", 0x08, 7, { 6, 3, 3, 0, 2, 12, 11 }, NONE, IN_TCP_UP },
    { "CONN/B3", 0x00, 2, { 0, 6 }, NONE, IN_TCP_DOWN },
    { "CONN/C1", 0x00, 3, { 6, 0, 2 }, NONE, OUT_TCP_DOWN },
    { "CONN/C2", 0x00, 3, { 6, 0, 2 }, NONE, OUT_HTTP_DOWN },
    { "IN_R1/A1", 0x04, 4, { 6, 3, 3, 3 }, NONE, IN_HTTP_UP },
    { "IN_R1/A2", 0x0C, 6, { 6, 3, 3, 3, 0, 2 }, NONE, IN_TCP_UP },
    { "IN_R1/A3", 0x00, 4, { 13, 6, 0, 2 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "IN_R1/A4", 0x00, 4, { 13, 6, 0, 2 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "IN_R1/A5", 0x00, 1, { 3 }, NONE, IN_HTTP_UP },
    { "IN_R1/A6", 0x00, 1, { 3 }, NONE, IN_TCP_UP },
    { "IN_R1/B1", 0x00, 1, { 7 }, NONE, IN_TCP_UP },
    { "IN_R1/B2", 0x00, 1, { 0 }, NONE, IN_TCP_DOWN },
    { "IN_R2/A1", 0x04, 4, { 6, 3, 3, 3 }, NONE, IN_HTTP_UP },
    { "IN_R2/A2", 0x00, 1, { 3 }, NONE, IN_TCP_UP },
    { "IN_R2/A3", 0x00, 1, { 13 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "IN_R2/A4", 0x00, 1, { 13 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "IN_R2/A5", 0x00, 1, { 3 }, NONE, IN_HTTP_UP },
    { "OUT_R1/A1", 0x04, 1, { 13 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "OUT_R1/A2", 0x04, 1, { 13 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "OUT_R1/A3", 0x04, 5, { 6, 3, 3, 3, 0 }, NONE, OUT_HTTP_UP },
    { "OUT_R1/A4", 0x14, 7, { 6, 3, 3, 3, 4, 0, 2 }, NONE, OUT_TCP_UP },
    { "OUT_R1/A5", 0x10, 3, { 13, 6, 2 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "OUT_R1/A6", 0x10, 3, { 13, 6, 2 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "OUT_R1/A7", 0x10, 2, { 13, 3 }, RTS_FD_SERVER, IN_HTTP_UP },
    { "OUT_R1/A8", 0x10, 2, { 13, 3 }, RTS_FD_SERVER, IN_TCP_UP },
    { "OUT_R1/A9", 0x00, 1, { 10 }, NONE, OUT_TCP_DOWN },
    { "OUT_R1/A10", 0x00, 1, { 10 }, NONE, OUT_HTTP_DOWN },
    { "OUT_R1/A11", 0x00, 1, { 10 }, NONE, OUT_HTTP_UP },
    { "OUT_R2/A1", 0x04, 1, { 13 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "OUT_R2/A2", 0x04, 1, { 13 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "OUT_R2/A3", 0x04, 5, { 6, 3, 3, 3, 0 }, NONE, OUT_HTTP_UP },
    { "OUT_R2/A4", 0x00, 1, { 3 }, NONE, OUT_TCP_UP },
    { "OUT_R2/A5", 0x00, 2, { 13, 10 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "OUT_R2/A6", 0x00, 2, { 13, 10 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "OUT_R2/A7", 0x10, 3, { 13, 3, 6 }, RTS_FD_SERVER, IN_HTTP_UP },
    { "OUT_R2/A8", 0x10, 2, { 13, 3 }, RTS_FD_SERVER, IN_TCP_UP },
    { "OUT_R2/B1", 0x00, 1, { 10 }, NONE, OUT_TCP_DOWN },
    { "OUT_R2/B2", 0x00, 1, { 9 }, NONE, OUT_TCP_DOWN },
    { "OUT_R2/B3", 0x20, 1, { 10 }, NONE, OUT_HTTP_DOWN },
    { "OUT_R2/C1", 0x01, 1, { 7 }, NONE, OUT_HTTP_UP },
    { "Keep-Alive", 0x02, 1, { 5 }, NONE, IN_HTTP_UP },
    { "Ping Traffic Sent Notify", 0x02, 1, { 14 }, NONE, OUT_TCP_UP },
    { "Echo", 0x40, 0, { 0 }, NONE, IN_HTTP_DOWN | OUT_HTTP_DOWN },
    { "Ping", 0x01, 0, { 0 }, NONE, IN_HTTP_UP | OUT_HTTP_DOWN },
    { "FlowControlAck", 0x02, 1, { 1 }, NONE, ACK_PLACES },
    { "FlowControlAckWithDestination", 0x02, 2, { 13, 1 }, NONE, ACK_PLACES }
};

const unsigned rts_signature_count = COUNT_OF(rts_signatures);

_Static_assert(COUNT_OF(rts_signatures) == RTS_ID_COUNT, "one row for each enum rts_id");

static bool command_fits(unsigned id, unsigned at, uint8_t command)
{
    /* 2.2.4.45: whichever of the two makes the PDU the size that was announced. */
    return command == rts_signatures[id].command[at] || (id == RTS_OUT_R2_C1 && command == RTS_PADDING);
}

static bool signature_fits(unsigned id, const struct rts_pdu *pdu)
{
    const struct rts_signature *row = &rts_signatures[id];
    if (row->flags != pdu->flags || row->count != pdu->number_of_commands || row->count != pdu->commands_decoded) {
        return false;
    }
    if (row->destination != NONE && (!pdu->has_destination || pdu->destination != (uint32_t)row->destination)) {
        return false;
    }
    for (unsigned i = 0; i < (unsigned)row->count; i++) {
        if (!command_fits(id, i, pdu->command[i])) {
            return false;
        }
    }
    return true;
}

/* All places that agree with what is known of this one. */
static unsigned possible_places(const struct rts_place *place)
{
    static const uint8_t of_channel[] = { [RTS_ANY_CHANNEL] = EVERYWHERE, [RTS_IN] = 0x0F, [RTS_OUT] = 0xF0 },
                         of_hop[] = { [RTS_ANY_HOP] = EVERYWHERE, [RTS_HOP_HTTP] = 0x33, [RTS_HOP_TCP] = 0xCC },
                         of_way[] = { [RTS_ANY_WAY] = EVERYWHERE, [RTS_TO_SERVER] = 0x55, [RTS_TO_CLIENT] = 0xAA };
    return of_channel[place->channel] & of_hop[place->hop] & of_way[place->way];
}

/* Whether what was seen before rules the row out: one recycling follows one sequence. */
static bool context_excludes(unsigned id, unsigned context)
{
    static const struct {
        unsigned first, last; /* enum rts_id */
        unsigned other, own;  /* enum rts_context */
    } sequences[] = { { RTS_IN_R1_A1, RTS_IN_R1_B2, RTS_CTX_IN_R2, RTS_CTX_IN_R1 },
                      { RTS_IN_R2_A1, RTS_IN_R2_A5, RTS_CTX_IN_R1, RTS_CTX_IN_R2 },
                      { RTS_OUT_R1_A1, RTS_OUT_R1_A11, RTS_CTX_OUT_R2, RTS_CTX_OUT_R1 },
                      { RTS_OUT_R2_A1, RTS_OUT_R2_C1, RTS_CTX_OUT_R1, RTS_CTX_OUT_R2 } };
    for (size_t i = 0; i < COUNT_OF(sequences); i++) {
        if (id >= sequences[i].first && id <= sequences[i].last) {
            return (context & sequences[i].other) && !(context & sequences[i].own);
        }
    }
    return false;
}

/* The rows that fit the PDU in one of these places. */
static unsigned find_rows(const struct rts_pdu *pdu, unsigned places, unsigned context,
                          uint8_t index[RTS_MAX_CANDIDATES])
{
    unsigned count = 0;
    bool decided = false;
    for (unsigned id = 0; id < RTS_ID_COUNT; id++) {
        if (!(rts_signatures[id].places & places) || !signature_fits(id, pdu)) {
            continue;
        }
        /* What came before decides between look-alikes; it cannot unmake the only name. */
        bool excluded = context_excludes(id, context);
        if (excluded && decided) {
            continue;
        }
        if (!excluded && !decided) {
            decided = true;
            count = 0;
        }
        if (count < RTS_MAX_CANDIDATES) {
            index[count++] = (uint8_t)id;
        }
    }
    return count;
}

unsigned rts_identify(const struct rts_pdu *pdu, const struct rts_place *place, uint8_t index[RTS_MAX_CANDIDATES],
                      char name[RTS_NAME_MAX], bool *misplaced)
{
    unsigned places = possible_places(place), count = find_rows(pdu, places, place->context, index);
    *misplaced = false;
    if (count == 0) {
        count = find_rows(pdu, ~places, place->context, index);
        *misplaced = count > 0;
    }
    size_t used = (size_t)snprintf(name, RTS_NAME_MAX, "%s", count ? rts_signatures[index[0]].name : "unknown RTS PDU");
    for (unsigned i = 1; i < count && used < RTS_NAME_MAX; i++) {
        used += (size_t)snprintf(name + used, RTS_NAME_MAX - used, " or %s", rts_signatures[index[i]].name);
    }
    return count;
}
