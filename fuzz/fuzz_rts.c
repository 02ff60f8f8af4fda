/* fuzz_rts.c
 * Any bytes as an RTS PDU. The first two bytes choose the place and the context, the next
 * two the length on the wire.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "registered.h"
#include "rts.h"

#include <assert.h>
#include <stdlib.h>

struct bounds {
    const uint8_t *p;
    uint32_t have, wire;
    uint32_t command_at, command_end, field_end;
    unsigned commands, malformed;
};

static const struct field *const layouts[] = { rts_layouts };

static void check_command(void *ctx, const char *label, uint32_t offset)
{
    struct bounds *b = ctx;
    assert(label && label[0] && offset >= 20 && offset >= b->command_end && offset <= b->have - 4);
    b->command_at = b->field_end = offset;
    b->commands++;
}

static void check_end(void *ctx, uint32_t end, const char *summary)
{
    struct bounds *b = ctx;
    assert(!summary && end >= b->field_end && end <= b->have);
    b->command_end = end;
}

static void check_field(void *ctx, const struct field_value *value)
{
    struct bounds *b = ctx;
    assert(registered(layouts, 1, value->field));
    assert(value->offset == b->field_end && value->len <= b->have - value->offset);
    assert(value->bytes == b->p + value->offset);
    b->field_end = value->offset + value->len;
}

static void check_issue(void *ctx, const struct rts_issue *issue)
{
    struct bounds *b = ctx;
    b->malformed += rts_problem_is_malformed(issue->problem);
    assert(issue->length > 0);
    assert(issue->offset <= b->have && issue->length <= b->have - issue->offset);
    assert((issue->problem == RTS_RANGE) == (issue->row != NULL));
    if (issue->problem == RTS_RANGE) {
        assert(issue->value < issue->expected_low || issue->value > issue->expected_high);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4 + PDU_HEADER_LEN) {
        return 0;
    }
    struct rts_place place = { data[0] % 3, data[0] / 3 % 3, data[0] / 9 % 3, (unsigned)data[1] | (data[0] & 1u) << 8 };
    uint16_t frag_length = data[3] & 1 ? get_le16(data + 2) : (uint16_t)(size - 4);
    if (frag_length < PDU_HEADER_LEN) {
        return 0;
    }
    /* A copy of its own, so that a read past the end is seen. */
    size_t len = size - 4;
    uint8_t *p = malloc(len);
    assert(p);
    memcpy(p, data + 4, len);

    struct bounds bounds = { .p = p, .have = (uint32_t)(len < frag_length ? len : frag_length), .wire = frag_length };
    const struct field_sink fields = { .ctx = &bounds,
                                       .value = check_field,
                                       .open = check_command,
                                       .close = check_end };
    struct rts_sink sink = { &fields, check_issue, &bounds };
    struct rts_pdu pdu;
    rts_decode(p, len, frag_length, &pdu, &sink);
    assert(pdu.cookies <= RTS_MAX_COOKIES);
    assert(pdu.commands_decoded <= pdu.number_of_commands);
    assert(pdu.commands_decoded <= frag_length / 4);
    assert(pdu.commands_decoded <= bounds.commands);
    assert(!pdu.well_formed || (bounds.malformed == 0 && pdu.commands_decoded == pdu.number_of_commands));
    assert(len < frag_length || pdu.well_formed == (bounds.malformed == 0));

    uint8_t index[RTS_MAX_CANDIDATES];
    char name[RTS_NAME_MAX];
    bool misplaced;
    unsigned count = rts_identify(&pdu, &place, index, name, &misplaced);
    assert(count <= RTS_MAX_CANDIDATES);
    assert(memchr(name, '\0', sizeof(name)) && name[0]);
    assert(count > 0 || !misplaced);
    for (unsigned i = 0; i < count; i++) {
        assert(index[i] < RTS_ID_COUNT && (i == 0 || index[i - 1] < index[i]));
        assert(rts_signatures[index[i]].flags == pdu.flags);
    }
    free(p);
    return 0;
}
