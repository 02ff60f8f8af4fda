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
#include "idsets.h"
#include "registered.h"

#include <assert.h>
#include <stdlib.h>

#define HEAD 4u
#define PIECES_MAX 4096u
#define STREAMS 10u /* the roots, and one whose beginning is not known */

struct bounds {
    const uint8_t *p;
    uint32_t len;
    unsigned depth, values, issues;
};

static const struct field *const layouts[] = { fx_layouts };

static void check_value(void *ctx, const struct field_value *value)
{
    struct bounds *b = ctx;
    assert(registered(layouts, 1, value->field));
    assert(value->offset <= b->len && value->len <= b->len - value->offset);
    assert(value->bytes == b->p + value->offset);
    assert(!value->text || value->text[0]);
    b->values++;
    assert(b->values <= READER_VALUES_MAX);
}

static void check_open(void *ctx, const char *label, uint32_t offset)
{
    struct bounds *b = ctx;
    assert(label && label[0] && strlen(label) < 128 && offset <= b->len);
    b->depth++;
    assert(b->depth <= READER_DEPTH_MAX);
}

static void check_close(void *ctx, uint32_t end, const char *summary)
{
    struct bounds *b = ctx;
    assert(b->depth > 0 && end <= b->len);
    assert(!summary || strlen(summary) < IDSET_TEXT_MAX);
    b->depth--;
}

static void check_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)kind;
    struct bounds *b = ctx;
    assert(offset <= b->len && what[0]);
    b->issues++;
}

/* A value, or for ICS_BYTES a stream, on bytes of its own, of which the capture lacks some. */
static void check(const uint8_t *bytes, uint32_t len, uint32_t lacks, enum ics_value what, struct fx_lexer *lexer)
{
    uint8_t *p = malloc(len ? len : 1);
    assert(p);
    memcpy(p, bytes, len);
    struct bounds bounds = { .p = p, .len = len };
    const struct field_sink sink = { &bounds, check_value, check_open, check_close, check_issue, NULL, NULL, NULL };
    struct reader reader;
    reader_init(&reader, p, len, lacks == UINT32_MAX ? lacks : len + lacks, &sink);
    const uint32_t size = reader.whole == UINT32_MAX ? len : reader.whole;
    if (what == ICS_BYTES) {
        fx_read(&reader, lexer);
        assert(lexer->unfinished <= len && lexer->unfinished <= FX_CARRY_MAX);
        assert(lexer->depth >= 1 && lexer->depth <= FX_NESTED_MAX);
    } else {
        read_ics_value(&reader, what, size);
    }
    assert(bounds.depth == 0 && reader.depth == 0);
    assert(reader.pos <= len);
    free(p);
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
