/* rts_pdus.c
 * The RTS PDUs of MS-RPCH 2.2.4, and their naming.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rts.h"

/* A place is one of eight: channel, hop and way. */
#define PLACE(channel, hop, way) (1u << (((channel) - 1) * 4 + ((hop) - 1) * 2 + ((way) - 1)))

enum {
    IN_HTTP_UP = PLACE(RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER),
    IN_HTTP_DOWN = PLACE(RTS_IN, RTS_HOP_HTTP, RTS_TO_CLIENT),
    IN_TCP_UP = PLACE(RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER),
    IN_TCP_DOWN = PLACE(RTS_IN, RTS_HOP_TCP, RTS_TO_CLIENT),
    OUT_HTTP_UP = PLACE(RTS_OUT, RTS_HOP_HTTP, RTS_TO_SERVER),
    OUT_HTTP_DOWN = PLACE(RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT),
    OUT_TCP_UP = PLACE(RTS_OUT, RTS_HOP_TCP, RTS_TO_SERVER),
    OUT_TCP_DOWN = PLACE(RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT),
    /* HTTP carries acknowledgments with the data of the channel only, TCP either way. */
    ACK_PLACES = IN_HTTP_UP | OUT_HTTP_DOWN | IN_TCP_UP | IN_TCP_DOWN | OUT_TCP_UP | OUT_TCP_DOWN
};

#define NONE (-1)

/* MS-RPCH 2.2.4.2 to 2.2.4.51, indexed by enum rts_id. OUT_R2/C1 stands here with Empty;
 * Padding may take its place. */
const struct rts_signature rts_signatures[] = {
    { "2.2.4.2", "CONN/A1", 0x00, 4, { 6, 3, 3, 0 }, NONE, OUT_HTTP_UP },
    { "2.2.4.3", "CONN/A2", 0x10, 5, { 6, 3, 3, 4, 0 }, NONE, OUT_TCP_UP },
    { "2.2.4.4", "CONN/A3", 0x00, 1, { 2 }, NONE, OUT_HTTP_DOWN },
    { "2.2.4.5", "CONN/B1", 0x00, 6, { 6, 3, 3, 4, 5, 12 }, NONE, IN_HTTP_UP },
    { "2.2.4.6", "CONN/B2", 0x08, 7, { 6, 3, 3, 0, 2, 12, 11 }, NONE, IN_TCP_UP },
    { "2.2.4.7", "CONN/B3", 0x00, 2, { 0, 6 }, NONE, IN_TCP_DOWN },
    { "2.2.4.8", "CONN/C1", 0x00, 3, { 6, 0, 2 }, NONE, OUT_TCP_DOWN },
    { "2.2.4.9", "CONN/C2", 0x00, 3, { 6, 0, 2 }, NONE, OUT_HTTP_DOWN },
    { "2.2.4.10", "IN_R1/A1", 0x04, 4, { 6, 3, 3, 3 }, NONE, IN_HTTP_UP },
    { "2.2.4.11", "IN_R1/A2", 0x0C, 6, { 6, 3, 3, 3, 0, 2 }, NONE, IN_TCP_UP },
    { "2.2.4.12", "IN_R1/A3", 0x00, 4, { 13, 6, 0, 2 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "2.2.4.13", "IN_R1/A4", 0x00, 4, { 13, 6, 0, 2 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "2.2.4.14", "IN_R1/A5", 0x00, 1, { 3 }, NONE, IN_HTTP_UP },
    { "2.2.4.15", "IN_R1/A6", 0x00, 1, { 3 }, NONE, IN_TCP_UP },
    { "2.2.4.16", "IN_R1/B1", 0x00, 1, { 7 }, NONE, IN_TCP_UP },
    { "2.2.4.17", "IN_R1/B2", 0x00, 1, { 0 }, NONE, IN_TCP_DOWN },
    { "2.2.4.18", "IN_R2/A1", 0x04, 4, { 6, 3, 3, 3 }, NONE, IN_HTTP_UP },
    { "2.2.4.19", "IN_R2/A2", 0x00, 1, { 3 }, NONE, IN_TCP_UP },
    { "2.2.4.20", "IN_R2/A3", 0x00, 1, { 13 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "2.2.4.21", "IN_R2/A4", 0x00, 1, { 13 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "2.2.4.22", "IN_R2/A5", 0x00, 1, { 3 }, NONE, IN_HTTP_UP },
    { "2.2.4.23", "OUT_R1/A1", 0x04, 1, { 13 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "2.2.4.24", "OUT_R1/A2", 0x04, 1, { 13 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "2.2.4.25", "OUT_R1/A3", 0x04, 5, { 6, 3, 3, 3, 0 }, NONE, OUT_HTTP_UP },
    { "2.2.4.26", "OUT_R1/A4", 0x14, 7, { 6, 3, 3, 3, 4, 0, 2 }, NONE, OUT_TCP_UP },
    { "2.2.4.27", "OUT_R1/A5", 0x10, 3, { 13, 6, 2 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "2.2.4.28", "OUT_R1/A6", 0x10, 3, { 13, 6, 2 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "2.2.4.29", "OUT_R1/A7", 0x10, 2, { 13, 3 }, RTS_FD_SERVER, IN_HTTP_UP },
    { "2.2.4.30", "OUT_R1/A8", 0x10, 2, { 13, 3 }, RTS_FD_SERVER, IN_TCP_UP },
    { "2.2.4.31", "OUT_R1/A9", 0x00, 1, { 10 }, NONE, OUT_TCP_DOWN },
    { "2.2.4.32", "OUT_R1/A10", 0x00, 1, { 10 }, NONE, OUT_HTTP_DOWN },
    { "2.2.4.33", "OUT_R1/A11", 0x00, 1, { 10 }, NONE, OUT_HTTP_UP },
    { "2.2.4.34", "OUT_R2/A1", 0x04, 1, { 13 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "2.2.4.35", "OUT_R2/A2", 0x04, 1, { 13 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "2.2.4.36", "OUT_R2/A3", 0x04, 5, { 6, 3, 3, 3, 0 }, NONE, OUT_HTTP_UP },
    { "2.2.4.37", "OUT_R2/A4", 0x00, 1, { 3 }, NONE, OUT_TCP_UP },
    { "2.2.4.38", "OUT_R2/A5", 0x00, 2, { 13, 10 }, RTS_FD_CLIENT, OUT_TCP_DOWN },
    { "2.2.4.39", "OUT_R2/A6", 0x00, 2, { 13, 10 }, RTS_FD_CLIENT, OUT_HTTP_DOWN },
    { "2.2.4.40", "OUT_R2/A7", 0x10, 3, { 13, 3, 6 }, RTS_FD_SERVER, IN_HTTP_UP },
    { "2.2.4.41", "OUT_R2/A8", 0x10, 2, { 13, 3 }, RTS_FD_SERVER, IN_TCP_UP },
    { "2.2.4.42", "OUT_R2/B1", 0x00, 1, { 10 }, NONE, OUT_TCP_DOWN },
    { "2.2.4.43", "OUT_R2/B2", 0x00, 1, { 9 }, NONE, OUT_TCP_DOWN },
    { "2.2.4.44", "OUT_R2/B3", 0x20, 1, { 10 }, NONE, OUT_HTTP_DOWN },
    { "2.2.4.45", "OUT_R2/C1", 0x01, 1, { 7 }, NONE, OUT_HTTP_UP },
    { "2.2.4.46", "Keep-Alive", 0x02, 1, { 5 }, NONE, IN_HTTP_UP },
    { "2.2.4.47", "Ping Traffic Sent Notify", 0x02, 1, { 14 }, NONE, OUT_TCP_UP },
    { "2.2.4.48", "Echo", 0x40, 0, { 0 }, NONE, IN_HTTP_DOWN | OUT_HTTP_DOWN },
    { "2.2.4.49", "Ping", 0x01, 0, { 0 }, NONE, IN_HTTP_UP | OUT_HTTP_DOWN },
    { "2.2.4.50", "FlowControlAck", 0x02, 1, { 1 }, NONE, ACK_PLACES },
    { "2.2.4.51", "FlowControlAckWithDestination", 0x02, 2, { 13, 1 }, NONE, ACK_PLACES }
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
    unsigned places = 0;
    for (int channel = RTS_IN; channel <= RTS_OUT; channel++) {
        for (int hop = RTS_HOP_HTTP; hop <= RTS_HOP_TCP; hop++) {
            for (int way = RTS_TO_SERVER; way <= RTS_TO_CLIENT; way++) {
                if ((place->channel == RTS_ANY_CHANNEL || (int)place->channel == channel) &&
                    (place->hop == RTS_ANY_HOP || (int)place->hop == hop) &&
                    (place->way == RTS_ANY_WAY || (int)place->way == way)) {
                    places |= PLACE(channel, hop, way);
                }
            }
        }
    }
    return places;
}

/* Whether what was seen before rules the row out: one recycling follows one sequence. */
static bool context_excludes(unsigned id, unsigned context)
{
    static const struct {
        unsigned first, last;    /* enum rts_id */
        unsigned other, own;     /* enum rts_context */
    } sequences[] = {
        { RTS_IN_R1_A1, RTS_IN_R1_B2, RTS_CTX_IN_R2, RTS_CTX_IN_R1 },
        { RTS_IN_R2_A1, RTS_IN_R2_A5, RTS_CTX_IN_R1, RTS_CTX_IN_R2 },
        { RTS_OUT_R1_A1, RTS_OUT_R1_A11, RTS_CTX_OUT_R2, RTS_CTX_OUT_R1 },
        { RTS_OUT_R2_A1, RTS_OUT_R2_C1, RTS_CTX_OUT_R1, RTS_CTX_OUT_R2 }
    };
    for (size_t i = 0; i < COUNT_OF(sequences); i++) {
        if (id >= sequences[i].first && id <= sequences[i].last) {
            return (context & sequences[i].other) && !(context & sequences[i].own);
        }
    }
    return false;
}

static void join_names(const uint8_t *index, unsigned count, char name[RTS_NAME_MAX])
{
    size_t used = 0;
    name[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        const char *parts[] = { i ? " or " : "", rts_signatures[index[i]].name };
        for (size_t part = 0; part < 2; part++) {
            size_t len = strlen(parts[part]);
            if (len >= RTS_NAME_MAX - used) {
                return;
            }
            memcpy(name + used, parts[part], len + 1);
            used += len;
        }
    }
}

unsigned rts_identify(const struct rts_pdu *pdu, const struct rts_place *place,
                      uint8_t index[RTS_MAX_CANDIDATES], char name[RTS_NAME_MAX], bool *misplaced)
{
    uint8_t here[RTS_MAX_CANDIDATES], elsewhere[RTS_MAX_CANDIDATES], decided[RTS_MAX_CANDIDATES];
    unsigned here_count = 0, elsewhere_count = 0, decided_count = 0;
    unsigned places = possible_places(place);

    *misplaced = false;
    for (unsigned id = 0; id < RTS_ID_COUNT; id++) {
        if (!signature_fits(id, pdu)) {
            continue;
        }
        if (rts_signatures[id].places & places) {
            if (here_count < RTS_MAX_CANDIDATES) {
                here[here_count++] = (uint8_t)id;
            }
        } else if (elsewhere_count < RTS_MAX_CANDIDATES) {
            elsewhere[elsewhere_count++] = (uint8_t)id;
        }
    }
    const uint8_t *chosen = here;
    unsigned count = here_count;
    if (here_count == 0) {
        chosen = elsewhere;
        count = elsewhere_count;
        *misplaced = elsewhere_count > 0;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!context_excludes(chosen[i], place->context)) {
            decided[decided_count++] = chosen[i];
        }
    }
    /* What came before decides between look-alikes; it cannot unmake the only name. */
    if (decided_count > 0) {
        chosen = decided;
        count = decided_count;
    }
    if (count == 0) {
        strcpy(name, "unknown RTS PDU");
        return 0;
    }
    memcpy(index, chosen, count);
    join_names(index, count, name);
    return count;
}
