/* fuzz_properties.c
 * Any bytes as property values, rows, restrictions, rule actions and entry IDs. The first
 * byte chooses what, the second the form, the next two a type, the next two how much of the
 * message the capture lacks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "entry_ids.h"
#include "fasttransfer.h"
#include "names.h"
#include "properties.h"
#define EARS_LAYOUTS property_layouts, fx_layouts
#define EARS_SUMMARY_MAX 128u
#include "ears.h"

static uint32_t first, last; /* where the value before began and ended */

/* In the order of the wire; a tag is shown as a whole and by its parts, a key as its bytes and what they are made of. That of a
 * column stands where its value begins. */
static void in_order(void *ctx, const struct field_value *value)
{
    on_value(ctx, value);
    assert(value->offset >= last || (!value->made && (value->offset + 4 == last || value->offset == first)));
    assert(!value->made || value->len == 0);
    first = value->offset;
    last = value->offset + value->len;
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
    struct ears *ears = ears_new(data + 6, len, false);
    struct field_sink sink = ears_sink(ears);
    sink.value = in_order;
    first = last = 0;
    struct reader reader;
    reader_init(&reader, ears->stack[0].p, len, data[1] & 8 ? UINT32_MAX : len + lacks, &sink);
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
    /* What was cut off is nobody's fault: without an issue, reading ends early only there. */
    assert(!reader.failed || ears->issues > 0 || reader.whole > reader.len);
    ears_end(ears, &reader);
    return 0;
}
