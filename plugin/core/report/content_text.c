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

/* The property's value, 0 if it has none that a code page can be. */
static uint16_t page_in(const struct mail *mail, enum mail_property which)
{
    const struct span page = mail->value[which];
    return page.len == 4 && get_le16(page.ptr + 2) == 0 ? get_le16(page.ptr) : 0;
}

uint16_t mail_code_page(const struct mail *mail, enum mail_property which)
{
    const uint16_t type = (uint16_t)mail->tag[which];
    const bool body = which == MAIL_TEXT || which == MAIL_HTML;
    if (type & TYPE_CODE_PAGE) {
        return type & (uint16_t)~TYPE_CODE_PAGE;
    }
    return body && mail->value[MAIL_BODY_CODE_PAGE].ptr ? page_in(mail, MAIL_BODY_CODE_PAGE) : mail->code_page;
}

static void take_code_page(struct mail *mail, uint16_t code_page)
{
    for (; mail; mail = mail->next) {
        mail->code_page = code_page;
    }
}

void mail_find_code_page(struct mail *mail)
{
    mail->code_page = page_in(mail, MAIL_CODE_PAGE);
    take_code_page(mail->recipients, mail->code_page);
    take_code_page(mail->attachments, mail->code_page);
}

void mail_text(const struct content_sink *sink, const struct mail *mail, enum mail_property which, char *room,
               size_t size)
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
        const uint16_t page = mail_code_page(mail, which);
        uint8_t *utf8 = page && sink->utf8 ? sink->room(sink->ctx, size) : NULL;
        const size_t len = utf8 ? sink->utf8(sink->ctx, value, page, utf8, size) : 0;
        chars_bytes(&text, len ? (struct span){ utf8, len } : value);
    }
}
