/* head.h
 * The head of an HTTP/1.x message (RFC 9112): its start line and its header lines. Pure:
 * bytes in, values out; spans point into the caller's buffer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_HEAD_H
#define OUTLOOKHTTP_HEAD_H

#include "chars.h"

#define HTTP_HEAD_MAX 65536 /* a longer head is not waited for */

struct http_head {
    bool is_request;
    struct span method, uri; /* requests */
    unsigned status;         /* responses, 100-999 */
    struct span reason;      /* responses */
    unsigned version_minor;  /* HTTP/1.x */
    struct span fields;      /* the header lines, first to last, without the empty line */
    size_t length;           /* of the whole head, empty line included */
};

enum http_head_result {
    HTTP_HEAD_OK,
    HTTP_HEAD_MORE, /* the start of a head; its empty line is not there yet */
    HTTP_HEAD_NOT   /* no HTTP message starts here */
};

/* Parses the head at p. A leading empty line (RFC 9112 2.2) counts into length.
 * Bare LF is taken as a line end. Says MORE only for what is a head so far and
 * shorter than HTTP_HEAD_MAX. */
enum http_head_result http_head_parse(const uint8_t *p, size_t len, struct http_head *head);

/* The same where a head comes in pieces: scan, all zero before the first one, keeps how far it was
 * read, so that no byte is read twice. p is the head from its first byte on each time, longer
 * than the last time. After OK or NOT scan is done with. */
struct http_head_scan {
    uint32_t seen;          /* bytes that were read */
    uint32_t line;          /* where the line under way begins */
    uint32_t start, fields; /* the start line and what follows it; fields is 0 until that was read */
};

enum http_head_result http_head_resume(struct http_head_scan *scan, const uint8_t *p, size_t len,
                                       struct http_head *head);

/* The first place behind p[0] and before p[until] at which http_head_parse() does not say NOT; until if
 * there is none. Work is in proportion to len. */
size_t http_head_search(const uint8_t *p, size_t len, size_t until);

/* Iterates over header fields: pos starts at 0; returns false at the end. Values
 * are trimmed; obsolete line folding is kept inside the value. */
bool http_head_next(const struct http_head *head, size_t *pos, struct span *name, struct span *value);

/* The first field of that name in any letter case; false if there is none. */
bool http_head_find(const struct http_head *head, const char *name, struct span *value);

#endif
