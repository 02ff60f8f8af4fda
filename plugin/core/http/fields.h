/* fields.h
 * What the header lines of a message are, read once for all who look at it. Pure; spans point
 * into the head.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_FIELDS_H
#define OUTLOOKHTTP_FIELDS_H

#include "cookie.h"
#include "head.h"

/* Lines of one name: how many, and where the first begins. */
struct http_lines {
    size_t at;
    unsigned count;
};

/* A value is that of the first line of its name that has one; of Content-Type, Expect and
 * Persistent-Auth that of the last line. Without such a line ptr is NULL; where there is one,
 * but empty, only len is 0. */
struct http_fields {
    const struct http_head *head;
    int64_t content_length; /* -1 when absent, unreadable, or given twice and not alike */
    bool chunked;           /* Transfer-Encoding: chunked */
    bool close;             /* Connection: close */
    bool keep;              /* Connection: Keep-Alive */
    /* RFC 9110, 9112, 7235 */
    struct span host, user_agent, content_type, expect, date, location, server, via, connection, transfer_encoding,
        keep_alive, retry_after;
    struct span forwarded_for; /* X-Forwarded-For, which devices write */
    struct span length, content_encoding, authorization, proxy_authorization, proxy_authenticate;
    struct http_lines cookies, set_cookies, challenges, pragmas; /* challenges: WWW-Authenticate */
    struct span persistent_auth;                                 /* MS-N2HT 2.2.2 */
    /* MS-OXCMAPIHTTP 2.2.3 */
    struct span request_type, x_request_id, client_info, client_application, server_application, response_code;
    struct span pending_period, expiration_info, elapsed_time;
    /* of Exchange, which nobody documents */
    struct span user_identity, client_request_id, request_id, front_end, back_end, back_end_target, front_end_target;
    struct span back_end_status, failure_context, diag_info, cas_error, owa_version;
    struct span diagnostics; /* x-ms-diagnostics: why a token was refused */
};

/* That the connection ends behind this message: it says so, or is HTTP/1.0 and does not say otherwise (RFC 9112 9.3). */
static inline bool http_ends_connection(const struct http_fields *fields)
{
    return fields->close || (fields->head->version_minor == 0 && !fields->keep);
}

/* Of a Content-Type: it is for people or their browsers, whatever the request was. */
bool http_is_page_type(struct span content_type);

/* head outlives fields. */
void http_fields_read(const struct http_head *head, struct http_fields *fields);
/* Takes the next of these lines; name is theirs in any case, sent as it was sent. */
bool http_lines_next(const struct http_head *head, const char *name, struct http_lines *lines, struct span *sent,
                     struct span *value);

#endif
