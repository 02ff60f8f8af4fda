/* envelope.h
 * The envelope inside the body of a MAPI/HTTP response: meta-tags and additional headers
 * before the body of the request type (MS-OXCMAPIHTTP 2.2.2.2, 2.2.7, 3.2.5.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ENVELOPE_H
#define OUTLOOKHTTP_ENVELOPE_H

#include "bytes.h"

enum meta_kind {
    META_NOTHING, /* the run is used up, or the scan is over */
    META_PROCESSING,
    META_PENDING,
    META_DONE,
    META_HEADER,      /* a line of the additional headers */
    META_BODY,        /* offset: where the typed body begins; the scan is over */
    META_NO_ENVELOPE, /* the HTTP body does not begin with a meta-tag: offset 0; over */
    META_BROKEN       /* something else behind a tag, or too many headers; over. offset: there */
};

/* Offsets count from the first byte that was ever given to the scanner. */
struct mapi_meta {
    uint8_t kind;                     /* enum meta_kind */
    uint32_t offset, len;             /* of the tag's letters, or of the line without its line end */
    uint32_t value_offset, value_len; /* META_HEADER */
    struct span name, value;          /* META_HEADER: at most META_LINE_MAX bytes of them, valid until the next call */
};

enum meta_state { META_IN_TAGS, META_IN_HEADERS, META_IN_BODY, META_NOT_ENVELOPE, META_IS_BROKEN };

#define META_LINE_MAX 255
#define META_HEADERS_MAX 65536 /* bytes of the additional headers */

struct meta_scanner {
    uint8_t state;   /* enum meta_state */
    bool any;        /* a tag was seen */
    bool after_done; /* the line end that belongs to DONE may still come */
    uint8_t token_len;
    uint8_t last;        /* the byte before, of the line */
    uint32_t at;         /* offset of the next byte to come */
    uint32_t start;      /* offset of the tag or line that is being read: == at, or its bytes are not whole */
    uint32_t headers_at; /* where the additional headers began */
    uint32_t body;       /* META_IN_BODY: where it begins */
    uint32_t line_len;   /* of the line so far, also what line[] cannot hold */
    uint32_t colon;      /* of the line: offset in it + 1, or 0 */
    uint32_t value_start, value_end; /* of the line: offsets in it */
    uint8_t line[META_LINE_MAX + 1];
};

void meta_scan_init(struct meta_scanner *scanner);

/* Takes bytes from a run as they arrive, up to the end of one item, and tells that item;
 * returns how many it took (also 0 together with an item). Call again with the rest until
 * it tells META_NOTHING. A tag is told with its last letter: its line end may be missing. */
size_t meta_scan(struct meta_scanner *scanner, const uint8_t *p, size_t len, struct mapi_meta *meta);

/* Where the typed body of a whole message begins: in a response behind tags and headers; body.len if it has none. */
size_t mapi_body_offset(bool response, struct span body);

/* "PROCESSING", "PENDING", "DONE"; NULL for other kinds. */
const char *meta_tag_name(enum meta_kind kind);

#endif
