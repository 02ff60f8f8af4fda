/* date.c
 * Dates of HTTP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "date.h"

/* Days since 1970-01-01 in the Gregorian calendar; years are counted from March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool read_number(struct span word, unsigned max, int64_t *number)
{
    uint64_t value = 0;
    bool good = word.len <= 4 && span_decimal(word, max, &value);
    *number = (int64_t)value;
    return good;
}

static bool read_clock(struct span word, int64_t *seconds)
{
    int64_t h, m, s;
    size_t first = span_until(word, ':');
    if (first >= word.len) {
        return false;
    }
    struct span rest = span_skip(word, first + 1);
    size_t second = span_until(rest, ':');
    if (second >= rest.len || !read_number(span_of(word.ptr, first), 23, &h) ||
        !read_number(span_of(rest.ptr, second), 59, &m) || !read_number(span_skip(rest, second + 1), 60, &s)) {
        return false;
    }
    *seconds = h * 3600 + m * 60 + s;
    return true;
}

static int64_t month_of(struct span word)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (size_t i = 0; word.len >= 3 && i < 12; i++) {
        if (lower(word.ptr[0]) == months[3 * i] && lower(word.ptr[1]) == months[3 * i + 1] &&
            lower(word.ptr[2]) == months[3 * i + 2]) {
            return (int64_t)i + 1;
        }
    }
    return 0;
}

/* In any order: a month's name, a clock, a number up to 31 and then a year. */
bool http_date_decode(struct span value, int64_t *seconds)
{
    int64_t day = 0, month = 0, year = -1, clock = -1, number;
    size_t at = 0;
    while (at < value.len) {
        size_t from = at;
        while (at < value.len && !memchr(" ,-\t", value.ptr[at], 4)) {
            at++;
        }
        struct span word = span_of(value.ptr + from, at - from);
        at++;
        if (clock < 0 && read_clock(word, &number)) {
            clock = number;
        } else if (day == 0 && read_number(word, 31, &number) && word.len <= 2) {
            day = number;
        } else if (year < 0 && read_number(word, 9999, &number)) {
            year = number < 70 ? number + 2000 : number < 100 ? number + 1900 : number;
        } else if (month == 0) {
            month = month_of(word);
        }
    }
    if (day < 1 || month < 1 || year < 1601 || clock < 0) {
        return false;
    }
    *seconds = days_of(year, month, day) * 86400 + clock;
    return true;
}
