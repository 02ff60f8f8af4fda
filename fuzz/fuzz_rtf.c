/* fuzz_rtf.c
 * Any bytes as RTF, and as contents of a compressed value whose header fits them. The first byte chooses.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "rtf_compressed.h"
#include "rtf_text.h"

#include <assert.h>
#include <stdlib.h>

#define HEADER 16u
#define HEADER_COUNTED 12u

static uint8_t *exact(size_t len)
{
    uint8_t *bytes = malloc(len ? len : 1);
    assert(bytes);
    return bytes;
}

/* As much as a page can ask for; the pages above 60000 cannot be read. */
static size_t to_utf8(void *ctx, struct span text, uint16_t code_page, uint8_t *to, size_t room)
{
    assert(!ctx && text.len > 0 && room >= 3 * text.len);
    memset(to, 0xE2, 3 * text.len);
    return code_page > 60000 ? 0 : 3 * text.len;
}

static void read_text(const uint8_t *rtf, size_t len)
{
    const size_t room = RTF_TEXT_MOST * len;
    uint8_t *to = exact(room);
    const struct rtf_text text = rtf_read((struct span){ rtf, len }, to_utf8, NULL, to, room);
    assert(text.utf8.len <= room);
    assert(text.readable || text.utf8.len == 0);
    assert(text.origin != RTF_NONE || !text.readable);
    free(to);
}

/* CRC and COMPSIZE are made to fit: what is behind them shall be seen. */
static void seal(uint8_t *value, size_t len)
{
    uint32_t crc = 0;
    for (size_t i = HEADER; i < len; i++) {
        crc ^= value[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        value[i] = (uint8_t)((len - HEADER + HEADER_COUNTED) >> 8 * i);
        value[HEADER_COUNTED + i] = (uint8_t)(crc >> 8 * i);
    }
    memcpy(value + 8, "LZFu", 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1u << 20) {
        return 0;
    }
    const size_t len = size - 1;
    uint8_t *value = exact(len);
    memcpy(value, data + 1, len);
    if (data[0] % 3 == 0) {
        read_text(value, len);
        free(value);
        return 0;
    }
    if (data[0] % 3 == 1 && len >= HEADER) {
        seal(value, len);
    }
    const uint32_t announced = rtf_announced((struct span){ value, len });
    assert(announced <= (len + 17) * 8);
    uint8_t *rtf = exact(announced);
    if (announced > 0 && rtf_decompress((struct span){ value, len }, rtf)) {
        read_text(rtf, announced);
    }
    free(rtf);
    free(value);
    return 0;
}
