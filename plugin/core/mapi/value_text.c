/* value_text.c
 * Property values in a few words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "value_text.h"

#include "chars.h"
#include "names.h"

#include <stdio.h>

/* UTF-8 of at most GIST_MAX bytes with its end. */
static void gist_text(char *to, struct span text, unsigned unit)
{
    size_t have = 0, at = 0;
    while (at + unit <= text.len) {
        if (have > GIST_MAX - 8) {
            memcpy(to + have, "...", 3);
            have += 3;
            break;
        }
        uint32_t code = unit == 2 ? utf16_next(text, &at) : text.ptr[at++];
        bool unknown = unit == 1 && code >= 0x80; /* of a code page nobody told */
        if (unknown || code < 0x20 || code == 0x7F || (code >= 0xD800 && code < 0xE000)) {
            code = '?';
        }
        have += utf8_put(to + have, code);
    }
    to[have] = '\0';
}

static bool goes_on(char byte)
{
    return ((uint8_t)byte & 0xC0) == 0x80;
}

/* The same of text that is UTF-8 by now. */
static void gist_utf8(char *to, const char *text)
{
    size_t have = 0;
    while (*text && have <= GIST_MAX - 8) {
        const bool control = (uint8_t)*text < 0x20 || *text == 0x7F;
        to[have++] = control ? '?' : *text;
        for (text++; goes_on(*text) && have <= GIST_MAX - 4; text++) {
            to[have++] = *text;
        }
    }
    snprintf(to + have, GIST_MAX - have, "%s", *text ? "..." : "");
}

static void gist_string8(const struct reader *reader, const struct gist *gist, char *to)
{
    const struct field_sink *sink = reader->sink;
    const char *utf8 = sink->utf8 && gist->code_page ? sink->utf8(sink->ctx, gist->bytes, gist->code_page) : NULL;
    if (utf8) {
        gist_utf8(to, utf8);
    } else {
        gist_text(to, gist->bytes, 1);
    }
}

/* A moment in seconds since 1601. */
static void gist_time(char *to, uint64_t seconds)
{
    uint64_t days = seconds / 86400;
    unsigned rest = (unsigned)(seconds % 86400);
    /* Counted from March 1st of a year that begins a cycle of 400: the leap day comes last. */
    days += 306; /* 1601-01-01 is 306 days behind 1600-03-01 */
    uint64_t cycle = days / 146097;
    unsigned day = (unsigned)(days % 146097);
    unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    unsigned of_year = day - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;
    unsigned of_month = of_year - (153 * month + 2) / 5 + 1;
    unsigned long long civil = 1600 + cycle * 400 + year + (month >= 10);
    snprintf(to, GIST_MAX, "%04llu-%02u-%02u %02u:%02u:%02u UTC", civil, month < 10 ? month + 3 : month - 9, of_month,
             rest / 3600, rest / 60 % 60, rest % 60);
}

/* Days since 1899-12-30 with a fraction of one (MS-OXCDATA 2.11.1), between 1601 and 9999. */
static bool gist_days(char *to, const uint8_t *p)
{
    uint64_t bits = get_le64(p);
    double days;
    memcpy(&days, &bits, sizeof(days));
    if (!(days > -109205.0 && days < 2958466.0)) {
        return false;
    }
    gist_time(to, (uint64_t)((days + 109205.0) * 86400.0 + 0.5)); /* days from 1601-01-01 to 1899-12-30 */
    return true;
}

/* Into to, of GIST_MAX bytes, or static; NULL if there is nothing to add to what the value's
 * own item says. */
static const char *gist_say(const struct reader *reader, const struct gist *gist, char *to)
{
    const uint8_t *p = gist->bytes.ptr;
    const char *name;
    uint64_t number;
    bool negative;
    if (gist->type & TYPE_MULTIPLE) {
        snprintf(to, GIST_MAX, "%u value%s", gist->count, gist->count == 1 ? "" : "s");
        return to;
    }
    if (!p) {
        return NULL;
    }
    switch (gist->type) {
    case PTYP_INTEGER16:
        snprintf(to, GIST_MAX, "%d", (int16_t)get_le16(p));
        return to;
    case PTYP_INTEGER32:
        snprintf(to, GIST_MAX, "%ld", (long)(int32_t)get_le32(p));
        return to;
    case PTYP_INTEGER64:
        snprintf(to, GIST_MAX, "%lld", (long long)get_le64(p));
        return to;
    case GIST_ID:
        ox_id_write(p, to);
        return to;
    case PTYP_CURRENCY:
        negative = get_le64(p) >> 63;
        number = negative ? 0 - get_le64(p) : get_le64(p);
        snprintf(to, GIST_MAX, "%s%llu.%04u", negative ? "-" : "", (unsigned long long)(number / 10000),
                 (unsigned)(number % 10000));
        return to;
    case PTYP_FLOATING_TIME:
        return gist_days(to, p) ? to : NULL;
    case PTYP_TIME:
        gist_time(to, get_le64(p) / 10000000);
        return to;
    case PTYP_ERROR_CODE:
        name = ox_error_name(get_le32(p));
        snprintf(to, GIST_MAX, "error 0x%08lX%s%s%s", (unsigned long)get_le32(p), name ? " (" : "", name ? name : "",
                 name ? ")" : "");
        return to;
    case PTYP_BOOLEAN:
        return *p ? "True" : "False";
    case PTYP_STRING8:
        gist_string8(reader, gist, to);
        return to;
    case PTYP_STRING:
        gist_text(to, gist->bytes, 2);
        return to;
    case PTYP_GUID:
        return ox_guid_name(p);
    case PTYP_BINARY:
        snprintf(to, GIST_MAX, "%u byte%s", (unsigned)gist->bytes.len, gist->bytes.len == 1 ? "" : "s");
        return to;
    default:
        return NULL;
    }
}

void gist_close(struct reader *reader, const struct gist *gist)
{
    char text[GIST_MAX];
    bool wanted = reader->sink->close && !reader->failed && gist->type != PTYP_UNSPECIFIED;
    reader_close(reader, wanted ? gist_say(reader, gist, text) : NULL);
}
