/* content_text.c
 * What is told of contents, and their text.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "contents_private.h"

#include "chars.h"

#define UNICODE_TYPE 0x001Fu

void content_tell(const struct content_sink *sink, const char *type, const char *name, struct span bytes,
                  uint32_t frame)
{
    const struct content content = { name, type, bytes.ptr, (uint32_t)bytes.len, frame };
    if (bytes.len > 0) {
        sink->found(sink->ctx, &content);
    }
}

bool content_is_wide(uint32_t tag)
{
    return (uint16_t)tag == UNICODE_TYPE || (uint16_t)tag == 0x84B0 || (uint16_t)tag == 0x94B0;
}

struct span content_to_utf8(const struct content_sink *sink, struct span text)
{
    struct span utf8 = { NULL, 0 };
    uint8_t *room = sink->room(sink->ctx, text.len * 2 + 4); /* at most three bytes for two, four for four */
    if (!room) {
        return utf8;
    }
    for (size_t at = 0; at + 2 <= text.len;) {
        char code[4];
        const uint32_t c = utf16_next(text, &at);
        const size_t len = utf8_put(code, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
        if (c == 0 && at + 2 > text.len) {
            break; /* the terminator */
        }
        memcpy(room + utf8.len, code, len);
        utf8.len += len;
    }
    utf8.ptr = room;
    return utf8;
}

void mail_text(const struct mail *mail, enum mail_property which, char *room, size_t size)
{
    struct chars text = chars_into(room, size);
    struct span value = mail->value[which];
    if (!value.ptr) {
        return;
    }
    if (content_is_wide(mail->tag[which])) {
        while (value.len >= 2 && get_le16(value.ptr + (value.len & ~(size_t)1) - 2) == 0) {
            value.len = (value.len & ~(size_t)1) - 2;
        }
        chars_utf16(&text, value);
    } else {
        while (value.len > 0 && value.ptr[value.len - 1] == 0) {
            value.len--;
        }
        chars_bytes(&text, value);
    }
}
