/* fuzz_properties.c
 * Any bytes as property values, rows, restrictions, rule actions and entry IDs. The first
 * byte chooses what, the second the form, the next two a type, the next two how much of the
 * message the capture lacks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "entry_ids.h"
#include "names.h"
#include "properties.h"
#include "registered.h"

#include <assert.h>
#include <stdlib.h>

struct bounds {
    const uint8_t *p;
    uint32_t len, last;
    unsigned depth, values;
    uint32_t issues;
};

static const struct field *const layouts[] = { property_layouts };

static void check_value(void *ctx, const struct field_value *value)
{
    struct bounds *b = ctx;
    assert(registered(layouts, 1, value->field));
    assert(value->field->mask == 0);
    assert(value->offset <= b->len && value->len <= b->len - value->offset);
    assert(value->bytes == b->p + value->offset);
    /* In the order of the wire; a tag is shown as a whole and by its parts. */
    assert(value->offset >= b->last || value->offset + 4 == b->last);
    b->last = value->offset + value->len;
    b->values++;
    assert(b->values <= READER_VALUES_MAX);
    assert(!value->text || value->text[0]);
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
    assert(!summary || strlen(summary) < 128);
    b->depth--;
}

static void check_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)kind;
    struct bounds *b = ctx;
    assert(offset <= b->len && what[0]);
    b->issues++;
}

static void rows(struct reader *reader, enum prop_form form)
{
    struct columns columns = form == PROP_ROP ? read_columns16(reader) : read_columns(reader);
    assert(columns.tags.len == (size_t)columns.count * 4);
    while (!reader->failed && reader_left(reader) > 0) {
        read_property_row(reader, &columns, form);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 6 || size > 1u << 20) {
        return 0;
    }
    const enum prop_form form = (enum prop_form)(data[1] % 3);
    const uint16_t type = get_le16(data + 2);
    const uint32_t len = (uint32_t)size - 6, lacks = data[1] & 4 ? get_le16(data + 4) : 0;
    /* A copy of its own, so that a read past the end is seen. */
    uint8_t *p = malloc(len ? len : 1);
    assert(p);
    memcpy(p, data + 6, len);

    struct bounds bounds = { .p = p, .len = len };
    const struct field_sink sink = { &bounds, check_value, check_open, check_close, check_issue, NULL, NULL, NULL };
    struct reader reader;
    reader_init(&reader, p, len, data[1] & 8 ? UINT32_MAX : len + lacks, &sink);
    switch (data[0] % 10) {
    case 0:
        read_property_value(&reader, type, form);
        break;
    case 1:
        read_property_value_of(&reader, 0x0FFF0000u | type, form);
        break;
    case 2:
        read_typed_value(&reader, form);
        break;
    case 3:
        read_tagged_value(&reader, form);
        break;
    case 4:
        read_flagged_value(&reader, type, form);
        break;
    case 5:
        read_flagged_value_with_type(&reader, type, form);
        break;
    case 6:
        read_value_list(&reader, form);
        break;
    case 7:
        rows(&reader, form);
        break;
    case 8:
        read_restriction(&reader, form);
        break;
    default:
        read_entry_id(&reader, data[1] & 16 ? type : len);
        break;
    }
    assert(bounds.depth == 0 && reader.depth == 0);
    assert(reader.pos <= len);
    /* What was cut off is nobody's fault: without an issue, reading ends early only there. */
    assert(!reader.failed || bounds.issues > 0 || reader.whole > reader.len);
    free(p);
    return 0;
}
