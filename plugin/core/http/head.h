/* head.h
 * The head of an HTTP/1.x message (RFC 9112): its start line and its header lines. Pure:
 * bytes in, values out; spans point into the caller's buffer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_HEAD_H
#define OUTLOOKHTTP_HEAD_H

#include "chars.h"

#define HTTP_HEAD_MAX 65536      /* a longer head is not waited for */

struct http_head {
    bool is_request;
    struct span method, uri;     /* requests */
    unsigned status;             /* responses, 100-999 */
    struct span reason;          /* responses */
    unsigned version_minor;      /* HTTP/1.x */
    struct span fields;          /* the header lines, first to last, without the empty line */
    size_t length;               /* of the whole head, empty line included */
};

enum http_head_result {
    HTTP_HEAD_OK,
    HTTP_HEAD_MORE,              /* the start of a head; its empty line is not there yet */
    HTTP_HEAD_NOT                /* no HTTP message starts here */
};

/* Parses the head at p. A leading empty line (RFC 9112 2.2) counts into length.
 * Bare LF is taken as a line end. Says MORE only for what is a head so far and
 * shorter than HTTP_HEAD_MAX. */
enum http_head_result http_head_parse(const uint8_t *p, size_t len, struct http_head *head);

/* Iterates over header fields: pos starts at 0; returns false at the end. Values
 * are trimmed; obsolete line folding is kept inside the value. */
bool http_head_next(const struct http_head *head, size_t *pos, struct span *name, struct span *value);

/* The first field of that name in any letter case; false if there is none. */
bool http_head_find(const struct http_head *head, const char *name, struct span *value);

#endif
