/* fuzz_fasttransfer.c
 * Any bytes as a FastTransfer stream, whole and in pieces, which has to say the same, and as the
 * values of synchronization. The first byte chooses which, the second and third how it is cut, the
 * fourth what the capture lacks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "../tests/lib/dice.h"
#include "../tests/lib/fxlog.h"
#define EARS_LAYOUTS fx_layouts
#include "ears.h"

#define HEAD 4u
#define PIECES_MAX 4096u
#define STREAMS 10u /* the roots, and one whose beginning is not known */

/* A value, or for ICS_BYTES a stream, on bytes of its own, of which the capture lacks some. */
static void check(const uint8_t *bytes, uint32_t len, uint32_t lacks, enum ics_value what, struct fx_lexer *lexer)
{
    struct ears *ears = ears_new(bytes, len, false);
    const struct field_sink sink = ears_sink(ears);
    struct reader reader;
    reader_init(&reader, ears->stack[0].p, len, lacks == UINT32_MAX ? lacks : len + lacks, &sink);
    const uint32_t size = reader.whole == UINT32_MAX ? len : reader.whole;
    if (what == ICS_BYTES) {
        fx_read(&reader, lexer);
        assert(lexer->unfinished <= len && lexer->unfinished <= FX_CARRY_MAX);
        assert(lexer->depth >= 1 && lexer->depth <= FX_NESTED_MAX);
    } else {
        read_ics_value(&reader, what, size);
    }
    ears_end(ears, &reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint32_t cuts[PIECES_MAX];
    if (size < HEAD || size > 1u << 20) {
        return 0;
    }
    const uint8_t *p = data + HEAD;
    const uint32_t len = (uint32_t)(size - HEAD);
    const uint32_t lacks = data[3] & 1 ? data[3] >> 1 : data[3] == 2 ? UINT32_MAX : 0;
    const unsigned what = data[0] % (STREAMS + ICS_ERROR_INFO);
    if (what >= STREAMS) {
        check(p, len, lacks, (enum ics_value)(what - STREAMS + 1), NULL);
        return 0;
    }
    struct fx_lexer begin, lexer, end;
    if (what + 1 < STREAMS) {
        fx_begin(&begin, (enum fx_root)what);
    } else {
        fx_begin_lost(&begin);
    }
    lexer = begin;
    check(p, len, lacks, ICS_BYTES, &lexer);

    struct fxlog whole;
    fxlog_whole(&begin, p, len, &whole, &end);
    assert(!whole.broken);
    struct dice dice = { data[1] };
    const uint32_t most = 1 + data[2];
    unsigned count = 0;
    for (uint32_t at = roll(&dice, most + 1); at < len && count < PIECES_MAX; at += 1 + roll(&dice, most)) {
        cuts[count++] = at;
    }
    /* A message shows so many values, and no more: of a stream in pieces each is one. */
    assert(whole.values > READER_VALUES_MAX / 2 || fxlog_same(&begin, p, len, &whole, &end, cuts, count));
    return 0;
}
