/* fuzz_extended_buffer.c
 * Any bytes as an auxiliary or ROP buffer, whole, cut by the capture or announced larger
 * than it is. The first byte chooses, the next two are sizes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#define EARS_LAYOUTS property_layouts, rop_layouts, rop_buffer_layouts
#include "properties.h"
#include "rops.h"
#include "ears.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    uint8_t choice = data[0];
    uint32_t extra = data[1], more = data[2];
    size_t len = size - 3;
    struct ears *ears = ears_new(data + 3, len, choice & 0x40);
    const struct field_sink sink = ears_sink(ears);
    struct reader reader;
    uint32_t whole = choice & 2 ? UINT32_MAX : (uint32_t)len + (choice & 4 ? more : 0);
    uint32_t announced = choice & 32 ? (uint32_t)len + extra : (uint32_t)len;
    if (choice & 24) {
        announced = choice & 8 ? UINT32_MAX - extra : extra;
    }
    reader_init(&reader, ears->stack[0].p, (uint32_t)len, whole, &sink);
    if (choice & 1) {
        read_aux_buffer(&reader, announced);
    } else {
        read_rop_buffer(&reader, announced, choice & 0x80, NULL);
    }
    assert(reader.pos <= announced);
    /* What was announced is taken whole unless the capture lacks some of it; what reaches behind the message up to its last
     * payload. */
    const bool overlong = whole != UINT32_MAX && announced > whole;
    assert(reader.failed || reader.pos == (announced < len ? announced : len) || (overlong && reader.pos < len));
    ears_end(ears, &reader);
    return 0;
}
