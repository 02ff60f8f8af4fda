/* mapibody.h
 * MAPI/HTTP: the envelope inside a response body, and the bodies of every request type,
 * both ways (MS-OXCMAPIHTTP 2.2.4, 2.2.5, 2.2.7).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_MAPIBODY_H
#define OUTLOOKHTTP_MAPIBODY_H

#include "field.h"

/* ---- request types (MS-OXCMAPIHTTP 2.2.3.3.1) ---- */

enum mapi_type {
    MAPI_NONE,                   /* no X-RequestType, or an empty one */
    MAPI_CONNECT, MAPI_EXECUTE, MAPI_DISCONNECT, MAPI_NOTIFICATION_WAIT,
    MAPI_BIND, MAPI_UNBIND, MAPI_COMPARE_MIDS, MAPI_DN_TO_MID, MAPI_GET_MATCHES, MAPI_GET_PROP_LIST,
    MAPI_GET_PROPS, MAPI_GET_SPECIAL_TABLE, MAPI_GET_TEMPLATE_INFO, MAPI_MOD_LINK_ATT, MAPI_MOD_PROPS,
    MAPI_QUERY_COLUMNS, MAPI_QUERY_ROWS, MAPI_RESOLVE_NAMES, MAPI_RESORT_RESTRICTION, MAPI_SEEK_ENTRIES,
    MAPI_UPDATE_STAT, MAPI_GET_MAILBOX_URL, MAPI_GET_ADDRESS_BOOK_URL,
    MAPI_PING,
    MAPI_UNKNOWN,                /* a name the specification does not have */
    MAPI_TYPES
};

/* By X-RequestType's value in any letter case; blanks around it are ignored. */
enum mapi_type mapi_type_of(struct span name);
/* The specification's spelling, static; NULL for MAPI_NONE and MAPI_UNKNOWN. */
const char *mapi_type_name(enum mapi_type type);
/* Types of the address book endpoint, those of the mailbox endpoint; PING is of neither. */
bool mapi_type_is_nspi(enum mapi_type type), mapi_type_is_emsmdb(enum mapi_type type);

/* ---- bodies ---- */

extern const struct field_table mapibody_fields;

/* What the state keeps of a body. Spans lie in the reader's buffer. */
struct mapi_facts {
    bool has_status, has_error;
    uint32_t status, error;              /* StatusCode, ErrorCode: responses */
    struct span user_dn;                 /* Connect request: UserDn, 8-bit */
    struct span display_name;            /* Connect response: DisplayName, UTF-16LE */
    struct span dn_prefix;               /* Connect response: DNPrefix, 8-bit */
    struct span server_url;              /* GetMailboxUrl, GetAddressBookUrl responses: UTF-16LE */
    bool has_event_pending;
    uint32_t event_pending;              /* NotificationWait response */
    uint32_t rop_buffer_size;            /* Execute, both ways */
    bool complete;                       /* read to its end, nothing left and nothing missing */
    uint32_t end;                        /* offset of the first byte behind what was read as the body */
};

/* A body at the reader's place, up to the reader's end. facts may be NULL. Bytes behind
 * the body are one issue at the first of them, and shown. A type without a layout
 * (MAPI_NONE, MAPI_UNKNOWN) is shown as bytes. Bodies cut short by the capture
 * (reader->whole > reader->len) end without an issue. */
void mapi_read_body(struct reader *reader, enum mapi_type type, bool response, struct mapi_facts *facts);

/* ---- the envelope of a response (2.2.2.2, 2.2.7, 3.2.5.2) ---- */

enum meta_kind {
    META_NOTHING,                /* the run is used up, or the scan is over */
    META_PROCESSING, META_PENDING, META_DONE,
    META_HEADER,                 /* a line of the additional headers */
    META_BODY,                   /* offset: where the typed body begins; the scan is over */
    META_NO_ENVELOPE,            /* the HTTP body does not begin with a meta-tag: offset 0; over */
    META_BROKEN                  /* something else behind a tag, or too many headers; over. offset: there */
};

/* Offsets count from the first byte that was ever given to the scanner. */
struct mapi_meta {
    uint8_t kind;                /* enum meta_kind */
    uint32_t offset, len;        /* of the tag's letters, or of the line without its line end */
    uint32_t value_offset, value_len;    /* META_HEADER */
    struct span name, value;     /* META_HEADER: at most META_LINE_MAX bytes of them, valid until the next call */
};

enum meta_state { META_IN_TAGS, META_IN_HEADERS, META_IN_BODY, META_NOT_ENVELOPE, META_IS_BROKEN };

#define META_LINE_MAX 255
#define META_HEADERS_MAX 65536   /* bytes of the additional headers */

struct meta_scanner {
    uint8_t state;               /* enum meta_state */
    bool any;                    /* a tag was seen */
    bool after_done;             /* the line end that belongs to DONE may still come */
    uint8_t token_len;
    uint8_t last;                /* the byte before, of the line */
    uint32_t at;                 /* offset of the next byte to come */
    uint32_t start;              /* offset of the tag or line that is being read: == at, or its bytes are not whole */
    uint32_t headers_at;         /* where the additional headers began */
    uint32_t body;               /* META_IN_BODY: where it begins */
    uint32_t line_len;           /* of the line so far, also what line[] cannot hold */
    uint32_t colon;              /* of the line: offset in it + 1, or 0 */
    uint32_t value_start, value_end;     /* of the line: offsets in it */
    uint8_t line[META_LINE_MAX + 1];
};

void meta_scan_init(struct meta_scanner *scanner);

/* Takes bytes from a run as they arrive, up to the end of one item, and tells that item;
 * returns how many it took (also 0 together with an item). Call again with the rest until
 * it tells META_NOTHING. A tag is told with its last letter: its line end may be missing. */
size_t meta_scan(struct meta_scanner *scanner, const uint8_t *p, size_t len, struct mapi_meta *meta);

/* "PROCESSING", "PENDING", "DONE"; NULL for other kinds. */
const char *meta_tag_name(enum meta_kind kind);

#endif
