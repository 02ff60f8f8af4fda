/* fuzz_emsmdb.c
 * Any bytes as a stub of EMSMDB or AsyncEMSMDB, whole or cut by the capture. The first byte
 * is the opnum, the second chooses, the third is what the capture lacks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "properties.h"
#include "rops.h"
#include "emsmdb.h"
#define EARS_LAYOUTS property_layouts, rop_layouts, rop_buffer_layouts, emsmdb_stubs
#include "ears.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    uint8_t choice = data[1];
    size_t len = size - 3;
    const struct emsmdb_stub stub = { choice & 1 ? EMSMDB_ASYNC : EMSMDB, data[0], choice & 2, choice & 4 };
    struct ears *ears = ears_new(data + 3, len, choice & 0x40);
    const struct field_sink sink = ears_sink(ears);
    struct reader reader;
    uint32_t whole = choice & 0x10 ? UINT32_MAX : (uint32_t)len + (choice & 0x20 ? data[2] : 0);
    reader_init(&reader, ears->stack[0].p, (uint32_t)len, whole, &sink);
    reader.big_endian = choice & 8;
    emsmdb_read_stub(&reader, &stub, NULL);
    /* All is read of what has a layout, unless it is broken or the capture lacks some of it. */
    assert(reader.failed || !emsmdb_reads(stub.interface, stub.opnum) || reader.pos == len);
    assert(!emsmdb_fits_rpc(ears->stack[0].p, (uint32_t)len, stub.response, choice & 8) || len >= 38);
    ears_end(ears, &reader);
    return 0;
}
