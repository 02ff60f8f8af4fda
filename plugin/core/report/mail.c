/* mail.c
 * Writes a message as mail programs store it: RFC 5322, 2045 to 2047, 2183.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "contents_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "chars.h"
#include "code_pages.h"
#include "rtf_compressed.h"

#define TEXT_MAX 1024u
#define LINE_BYTES 57u /* of Base64: 76 characters */
#define WORD_BYTES 42u /* of an encoded word: below 75 characters */
#define PLAIN_MAX 60u  /* characters of a header that may stand as they are */
#define FILETIME_UNIX INT64_C(116444736000000000)

struct out {
    const struct content_sink *sink;
    uint8_t *bytes;
    size_t len, room;
    bool full;
    unsigned boundaries; /* so many are taken */
};

static bool make_room(struct out *out, size_t more)
{
    if (out->full || more <= out->room - out->len) {
        return !out->full;
    }
    size_t room = out->room ? out->room : 4096;
    while (room - out->len < more) {
        room *= 2;
    }
    uint8_t *bytes = room <= 2 * (size_t)CONTENT_MAX ? out->sink->room(out->sink->ctx, room) : NULL;
    if (!bytes) {
        out->full = true;
        return false;
    }
    if (out->len > 0) {
        memcpy(bytes, out->bytes, out->len);
    }
    out->bytes = bytes;
    out->room = room;
    return true;
}

static void put(struct out *out, const void *bytes, size_t len)
{
    if (len > 0 && make_room(out, len)) {
        memcpy(out->bytes + out->len, bytes, len);
        out->len += len;
    }
}

static void put_text(struct out *out, const char *text)
{
    put(out, text, strlen(text));
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
put_line(struct out *out, const char *format, ...) /* of text that is ours, and short */
{
    char line[256];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    put(out, line, len < 0 ? 0 : (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
    put_text(out, "\r\n");
}

/* An identifier, which names nothing where it is cut. */
static void put_whole(struct out *out, const char *before, const char *id, const char *behind)
{
    put_text(out, before);
    put_text(out, id);
    put_text(out, behind);
    put_text(out, "\r\n");
}

static size_t base64(char *to, const uint8_t *p, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t used = 0;
    for (size_t at = 0; at < len; at += 3) {
        const size_t left = len - at;
        const uint32_t three =
            (uint32_t)p[at] << 16 | (left > 1 ? (uint32_t)p[at + 1] << 8 : 0) | (left > 2 ? (uint32_t)p[at + 2] : 0);
        to[used++] = digits[three >> 18];
        to[used++] = digits[three >> 12 & 63];
        to[used++] = left > 1 ? digits[three >> 6 & 63] : '=';
        to[used++] = left > 2 ? digits[three & 63] : '=';
    }
    return used;
}

static void put_base64(struct out *out, struct span bytes)
{
    char line[LINE_BYTES / 3 * 4];
    for (size_t at = 0; at < bytes.len && !out->full; at += LINE_BYTES) {
        const size_t left = bytes.len - at;
        put(out, line, base64(line, bytes.ptr + at, left < LINE_BYTES ? left : LINE_BYTES));
        put_text(out, "\r\n");
    }
}

/* ---- Headers ---------------------------------------------------------------------- */

/* Text of people, or nobody's: as it is, in quotes where it is a name, or in encoded words (RFC 2047). */
static void put_words(struct out *out, const char *text, bool quoted)
{
    const size_t len = strlen(text);
    bool plain = len <= PLAIN_MAX && !strstr(text, "=?");
    for (size_t i = 0; i < len; i++) {
        plain &= text[i] >= ' ' && text[i] < 127 && !(quoted && (text[i] == '"' || text[i] == '\\'));
    }
    if (plain) {
        put_text(out, quoted ? "\"" : "");
        put_text(out, text);
        put_text(out, quoted ? "\"" : "");
        return;
    }
    for (size_t at = 0; at < len;) {
        char word[WORD_BYTES / 3 * 4 + 4];
        size_t end = at + WORD_BYTES < len ? at + WORD_BYTES : len;
        while (end < len && end > at + 1 && ((uint8_t)text[end] & 0xC0) == 0x80) {
            end--; /* not within a character */
        }
        put_text(out, at > 0 ? "\r\n =?utf-8?B?" : "=?utf-8?B?");
        put(out, word, base64(word, (const uint8_t *)text + at, end - at));
        put_text(out, "?=");
        at = end;
    }
}

static bool is_address(const char *text)
{
    const char *at = strchr(text, '@');
    if (!at || at == text || !at[1] || strlen(text) > 254) {
        return false;
    }
    for (const char *p = text; *p; p++) {
        if (*p <= ' ' || *p >= 127 || strchr("<>()[],;:\\\"", *p)) {
            return false;
        }
    }
    return true;
}

/* "Alice" <alice@example.test>. Who has no address of the Internet gets one that nobody can have. */
static void put_person(struct out *out, const struct mail *mail)
{
    char name[TEXT_MAX] = "", address[TEXT_MAX] = "";
    mail_text(out->sink, mail, MAIL_NAME, name, sizeof(name));
    mail_text(out->sink, mail, MAIL_SMTP, address, sizeof(address));
    if (!is_address(address)) {
        mail_text(out->sink, mail, MAIL_ADDRESS, address, sizeof(address));
    }
    if (*name) {
        put_words(out, name, true);
        put_text(out, "\r\n ");
    }
    put_text(out, "<");
    put_text(out, is_address(address) ? address : "not-known@x500.invalid");
    put_text(out, ">");
}

/* Recipients of a type: 1 To, 2 Cc, 3 Bcc (MS-OXOMSG 2.2.3.1). */
static void put_recipients(struct out *out, const char *header, const struct mail *mail, uint32_t type)
{
    bool any = false;
    for (const struct mail *at = mail->recipients; at; at = at->next) {
        const struct span value = at->value[MAIL_RECIPIENT_TYPE];
        if ((value.len == 4 ? get_le32(value.ptr) & 0xF : 1) != type) {
            continue;
        }
        put_text(out, any ? ",\r\n " : header);
        put_person(out, at);
        any = true;
    }
    put_text(out, any ? "\r\n" : "");
}

/* Days since 1970 as a date. */
static void civil(int64_t days, int *year, unsigned *month, unsigned *day)
{
    static const unsigned lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    *year = 1970;
    for (;;) {
        const bool leap = (*year % 4 == 0 && *year % 100 != 0) || *year % 400 == 0;
        const int64_t all = leap ? 366 : 365;
        if (days < all) {
            for (*month = 0; *month < 11; (*month)++) {
                const int64_t len = lengths[*month] + (*month == 1 && leap ? 1u : 0u);
                if (days < len) {
                    break;
                }
                days -= len;
            }
            *day = (unsigned)days + 1;
            return;
        }
        days -= all;
        (*year)++;
    }
}

static void put_date(struct out *out, struct span filetime)
{
    static const char weekdays[][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
    static const char months[][4] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
    };
    const int64_t since = filetime.len == 8 ? (int64_t)get_le64(filetime.ptr) - FILETIME_UNIX : -1;
    if (since < 0 || since / 10000000 > INT64_C(253402300799)) { /* the year 9999 */
        return;
    }
    const int64_t seconds = since / 10000000, days = seconds / 86400, rest = seconds % 86400;
    int year;
    unsigned month, day;
    civil(days, &year, &month, &day);
    put_line(out, "Date: %s, %u %s %d %02d:%02d:%02d +0000", weekdays[days % 7], day, months[month], year,
             (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}

static void put_headers(struct out *out, const struct mail *mail)
{
    char text[TEXT_MAX] = "";
    put_text(out, "From: ");
    put_person(out, mail);
    put_text(out, "\r\n");
    put_recipients(out, "To: ", mail, 1);
    put_recipients(out, "Cc: ", mail, 2);
    put_recipients(out, "Bcc: ", mail, 3);
    mail_text(out->sink, mail, MAIL_SUBJECT, text, sizeof(text));
    put_text(out, "Subject: ");
    put_words(out, text, false);
    put_text(out, "\r\n");
    put_date(out, mail->value[MAIL_DATE]);
    text[0] = '\0';
    mail_text(out->sink, mail, MAIL_ID, text, sizeof(text));
    const size_t len = strlen(text);
    if (len > 2 && len < 250 && text[0] == '<' && text[len - 1] == '>' && !strpbrk(text, " \t\"")) {
        put_whole(out, "Message-ID: ", text, "");
    }
    put_line(out, "MIME-Version: 1.0");
}

/* ---- Parts ------------------------------------------------------------------------ */

/* Data is in Base64, in which a boundary cannot stand. */
static unsigned put_multipart(struct out *out, const char *kind)
{
    const unsigned number = ++out->boundaries;
    put_line(out, "Content-Type: multipart/%s; boundary=\"_part_%u_\"", kind, number);
    put_line(out, "%s", "");
    return number;
}

static void put_boundary(struct out *out, unsigned number, bool last)
{
    put_line(out, "--_part_%u_%s", number, last ? "--" : "");
}

static void put_part(struct out *out, const char *type, const char *charset, struct span bytes)
{
    put_line(out, "Content-Type: %s%s%s", type, charset ? "; charset=" : "", charset ? charset : "");
    put_line(out, "Content-Transfer-Encoding: base64");
    put_line(out, "%s", "");
    put_base64(out, bytes);
}

static const char *charset_of(uint32_t code_page)
{
    const struct code_page_name *name = code_page_name(code_page);
    return name ? name->mime : NULL;
}

static void put_body(struct out *out, const struct mail *mail, enum mail_property which)
{
    const char *charset = "utf-8";
    struct span bytes = mail->value[which];
    if (content_is_wide(mail->tag[which])) {
        bytes = content_to_utf8(out->sink, bytes);
    } else {
        charset = charset_of(mail_code_page(mail, which));
        while (bytes.len > 0 && bytes.ptr[bytes.len - 1] == 0) {
            bytes.len--;
        }
    }
    put_part(out, which == MAIL_HTML ? "text/html" : "text/plain", charset, bytes);
}

static void put_rtf_text(struct out *out, const struct mail *mail)
{
    const struct rtf_text *text = &mail->rtf_text;
    put_part(out, text->origin == RTF_FROM_HTML ? "text/html" : "text/plain", "utf-8", text->utf8);
}

/* The two in the order of RFC 2046 5.1.4: the better one behind. */
static void put_alternatives(struct out *out, const struct mail *mail, bool rtf)
{
    const unsigned number = put_multipart(out, "alternative");
    put_boundary(out, number, false);
    if (rtf) {
        put_rtf_text(out, mail);
    } else {
        put_body(out, mail, MAIL_TEXT);
    }
    put_boundary(out, number, false);
    if (rtf) {
        put_part(out, "application/rtf", NULL, mail->rtf);
    } else {
        put_body(out, mail, MAIL_HTML);
    }
    put_boundary(out, number, true);
}

/* What was put into RTF is taken out of it. RTF of its own stands beside its text. */
static void put_rtf(struct out *out, const struct mail *mail)
{
    if (!mail->rtf_text.readable) {
        put_part(out, "application/rtf", NULL, mail->rtf);
    } else if (mail->rtf_text.origin == RTF_ITSELF) {
        put_alternatives(out, mail, true);
    } else {
        put_rtf_text(out, mail);
    }
}

static void put_bodies(struct out *out, const struct mail *mail)
{
    const bool text = mail->value[MAIL_TEXT].ptr != NULL, html = mail->value[MAIL_HTML].ptr != NULL;
    if (mail->rtf.ptr) {
        put_rtf(out, mail);
    } else if (text && html) {
        put_alternatives(out, mail, false);
    } else {
        put_body(out, mail, html ? MAIL_HTML : MAIL_TEXT);
    }
}

/* type/subtype of tokens, or NULL. */
static const char *mime_of(struct out *out, const struct mail *attachment, char *room, size_t size)
{
    room[0] = '\0';
    mail_text(out->sink, attachment, MAIL_MIME, room, size);
    unsigned slashes = 0;
    for (const char *p = room; *p; p++) {
        const bool word = (*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z');
        slashes += *p == '/';
        if (!word && !strchr("/.+-_", *p)) {
            return NULL;
        }
    }
    return slashes == 1 && strlen(room) < 100 && room[0] != '/' && room[strlen(room) - 1] != '/' &&
                   strncmp(room, "multipart/", 10) != 0 && strncmp(room, "message/", 8) != 0 ?
               room :
               NULL;
}

/* RFC 2231: every byte that is no letter or digit is a percent sign and two digits. */
static void put_file(struct out *out, const char *text)
{
    put_text(out, ";\r\n filename*=utf-8''");
    for (const char *p = text; *p; p++) {
        const bool word = (*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || *p == '.';
        char code[4];
        snprintf(code, sizeof(code), word ? "%c" : "%%%02X", (uint8_t)*p);
        put_text(out, code);
    }
}

static void put_message(struct out *out, const struct mail *mail, unsigned depth);

static void put_attachment(struct out *out, const struct mail *attachment, unsigned depth)
{
    char text[TEXT_MAX] = "", id[TEXT_MAX] = "";
    const char *mime = mime_of(out, attachment, text, sizeof(text));
    if (attachment->embedded) {
        put_line(out, "Content-Type: message/rfc822");
        put_line(out, "%s", "");
        put_message(out, attachment->embedded, depth + 1);
        return;
    }
    put_line(out, "Content-Type: %s", mime ? mime : "application/octet-stream");
    put_line(out, "Content-Transfer-Encoding: base64");
    mail_text(out->sink, attachment, MAIL_CONTENT_ID, id, sizeof(id));
    if (is_address(id)) {
        put_whole(out, "Content-ID: <", id, ">");
    }
    text[0] = '\0';
    mail_text(out->sink, attachment, MAIL_FILE, text, sizeof(text));
    if (!*text) {
        mail_text(out->sink, attachment, MAIL_SHORT_FILE, text, sizeof(text));
    }
    put_text(out, "Content-Disposition: attachment");
    put_file(out, *text ? text : "attachment.bin");
    put_text(out, "\r\n\r\n");
    put_base64(out, attachment->value[MAIL_DATA]);
}

static void put_attachments(struct out *out, const struct mail *attachment, unsigned number, unsigned depth)
{
    for (; attachment; attachment = attachment->next) {
        put_boundary(out, number, false);
        put_attachment(out, attachment, depth);
    }
}

static bool has_body(const struct mail *mail)
{
    return mail->value[MAIL_TEXT].ptr || mail->value[MAIL_HTML].ptr || mail->rtf.ptr;
}

/* Whether all of it can be written: for objects of programs mail has no form. */
static bool is_mail(const struct mail *mail, unsigned depth)
{
    if (depth > MAIL_DEPTH_MAX || mail->partial || !has_body(mail)) {
        return false;
    }
    for (const struct mail *at = mail->attachments; at; at = at->next) {
        if (at->embedded ? !is_mail(at->embedded, depth + 1) : !at->value[MAIL_DATA].ptr) {
            return false;
        }
    }
    return true;
}

static void put_message(struct out *out, const struct mail *mail, unsigned depth)
{
    put_headers(out, mail);
    if (!mail->attachments) {
        put_bodies(out, mail);
        return;
    }
    const unsigned number = put_multipart(out, "mixed");
    put_boundary(out, number, false);
    put_bodies(out, mail);
    put_attachments(out, mail->attachments, number, depth);
    put_boundary(out, number, true);
}

static void find_rtf(const struct content_sink *sink, struct mail *mail, uint32_t *left)
{
    const struct span value = mail->value[MAIL_RTF];
    const uint32_t len = value.ptr && !has_body(mail) ? rtf_announced(value) : 0;
    uint8_t *bytes = len > 0 && len <= *left ? sink->room(sink->ctx, len) : NULL;
    if (!bytes) {
        return;
    }
    *left -= len;
    if (!rtf_decompress(value, bytes)) {
        return;
    }
    const struct span rtf = { bytes, len };
    const uint32_t most = len <= *left / RTF_TEXT_MOST ? RTF_TEXT_MOST * len : *left;
    uint8_t *text = sink->room(sink->ctx, most + 1);
    if (!text) {
        return;
    }
    mail->rtf_text = rtf_read(rtf, sink->utf8, sink->ctx, text, most);
    if (mail->rtf_text.origin != RTF_NONE) {
        mail->rtf = rtf;
        *left -= (uint32_t)mail->rtf_text.utf8.len;
    }
}

void mail_find_rtf(const struct content_sink *sink, struct mail *mail, uint32_t *left)
{
    find_rtf(sink, mail, left);
    for (struct mail *at = mail->attachments; at; at = at->next) {
        if (at->embedded) {
            mail_find_rtf(sink, at->embedded, left);
        }
    }
}

struct span mail_write(const struct content_sink *sink, const struct mail *mail)
{
    struct out out = { .sink = sink };
    if (!is_mail(mail, 0)) {
        return (struct span){ NULL, 0 };
    }
    put_message(&out, mail, 0);
    return out.full ? (struct span){ NULL, 0 } : (struct span){ out.bytes, out.len };
}
