/* say.h
 * Text for people, of bounded length.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_SAY_H
#define OUTLOOKHTTP_SAY_H

#include "tcp.h"

#define SAY_MAX 900

#if defined(__GNUC__)
#define PRINTF_LIKE(string, first) __attribute__((format(printf, string, first)))
#else
#define PRINTF_LIKE(string, first)
#endif

struct text { /* all zero: empty */
    char s[SAY_MAX];
    size_t used;
};

/* Appends; what does not fit is cut, not inside a character. */
void say(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void say_endpoint(struct text *text, const struct endpoint *endpoint); /* "10.0.0.81:80" */

/* Pieces: written to to, of at least that size, and returned. */
#define SECONDS_TEXT_MAX 32
const char *endpoint_text(char to[ENDPOINT_TEXT_MAX], const struct endpoint *endpoint);
const char *seconds_text(char to[SECONDS_TEXT_MAX], int64_t ns); /* "11.9 s", "12 ms", "less than 1 ms" */

/* In room of their own that lasts as long as the caller's block. */
#define ENDPOINT(end) endpoint_text((char[ENDPOINT_TEXT_MAX]){ 0 }, end)
#define SECONDS(ns) seconds_text((char[SECONDS_TEXT_MAX]){ 0 }, ns)

#endif
