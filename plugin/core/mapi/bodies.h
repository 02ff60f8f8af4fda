/* bodies.h
 * MAPI/HTTP: request types and the bodies of every one of them, both ways (MS-OXCMAPIHTTP
 * 2.2.4, 2.2.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_BODIES_H
#define OUTLOOKHTTP_BODIES_H

#include "field.h"

/* ---- request types (MS-OXCMAPIHTTP 2.2.3.3.1) ---- */

enum mapi_type {
    MAPI_NONE, /* no X-RequestType, or an empty one */
    MAPI_CONNECT,
    MAPI_EXECUTE,
    MAPI_DISCONNECT,
    MAPI_NOTIFICATION_WAIT,
    MAPI_BIND,
    MAPI_UNBIND,
    MAPI_COMPARE_MIDS,
    MAPI_DN_TO_MID,
    MAPI_GET_MATCHES,
    MAPI_GET_PROP_LIST,
    MAPI_GET_PROPS,
    MAPI_GET_SPECIAL_TABLE,
    MAPI_GET_TEMPLATE_INFO,
    MAPI_MOD_LINK_ATT,
    MAPI_MOD_PROPS,
    MAPI_QUERY_COLUMNS,
    MAPI_QUERY_ROWS,
    MAPI_RESOLVE_NAMES,
    MAPI_RESORT_RESTRICTION,
    MAPI_SEEK_ENTRIES,
    MAPI_UPDATE_STAT,
    MAPI_GET_MAILBOX_URL,
    MAPI_GET_ADDRESS_BOOK_URL,
    MAPI_PING,
    MAPI_UNKNOWN, /* a name the specification does not have */
    MAPI_TYPES
};

/* By X-RequestType's value in any letter case; blanks around it are ignored. */
enum mapi_type mapi_type_of(struct span name);
/* The specification's spelling, static; NULL for MAPI_NONE and MAPI_UNKNOWN. */
const char *mapi_type_name(enum mapi_type type);
/* Types of the address book endpoint, those of the mailbox endpoint; PING is of neither. */
bool mapi_type_is_nspi(enum mapi_type type), mapi_type_is_emsmdb(enum mapi_type type);

/* ---- bodies ---- */

/* All that bodies can show, for registration: its filters stand behind "mapihttp.". */
extern const struct field mapi_bodies[];

struct rop_host;

/* What the state keeps of a body. Spans lie in the reader's buffer. */
struct mapi_facts {
    bool has_status, has_error;
    uint32_t status, error;   /* StatusCode, ErrorCode: responses */
    struct span user_dn;      /* Connect request: UserDn, 8-bit */
    uint32_t code_page;       /* Connect request: DefaultCodePage */
    struct span display_name; /* Connect response: DisplayName, UTF-16LE */
    struct span dn_prefix;    /* Connect response: DNPrefix, 8-bit */
    struct span server_url;   /* GetMailboxUrl, GetAddressBookUrl responses: UTF-16LE */
    bool has_event_pending;
    uint32_t event_pending;   /* NotificationWait response */
    uint32_t rop_buffer_size; /* Execute, both ways */
    bool complete;            /* read to its end, nothing left and nothing missing */
    uint32_t end;             /* offset of the first byte behind what was read as the body */
};

/* A body at the reader's place, up to the reader's end. facts may be NULL, and host (rops.h). Bytes behind
 * the body are one issue at the first of them, and shown. A type without a layout
 * (MAPI_NONE, MAPI_UNKNOWN) is shown as bytes. Bodies cut short by the capture
 * (reader->whole > reader->len) end without an issue. */
void mapi_read_body(struct reader *reader, enum mapi_type type, bool response, struct mapi_facts *facts,
                    struct rop_host *host);

#endif
