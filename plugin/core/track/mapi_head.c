/* mapi_head.c
 * What heads of MAPI/HTTP say (MS-OXCMAPIHTTP 2.2.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

#include <stddef.h>

const char *mworld_keep(struct mworld *world, struct span span)
{
    char text[TEXT_MAX];
    if (span.len == 0) {
        return NULL;
    }
    chars_copy(text, sizeof(text), span);
    return track_text(world->track, text);
}

void mapi_read_fields(const struct http_head *head, struct mapi_fields *fields)
{
    static const struct {
        const char *name;
        size_t len, offset;
    } rows[] = {
#define FIELD(name, member) { name, sizeof(name) - 1, offsetof(struct mapi_fields, member) }
        FIELD("X-RequestType", request_type), FIELD("X-RequestId", request_id), FIELD("Host", host),
        FIELD("X-ClientApplication", client_application), FIELD("Content-Type", content_type),
        FIELD("X-ResponseCode", code), FIELD("X-PendingPeriod", period), FIELD("X-ExpirationInfo", expiration),
        FIELD("X-ElapsedTime", elapsed), FIELD("Location", location), FIELD("X-User-Identity", identity),
        FIELD("X-FEServer", front_end), FIELD("X-BEServer", be_server), FIELD("X-CalculatedBETarget", be_target),
        FIELD("X-BackEndHttpStatus", be_status), FIELD("request-id", server_request_id), FIELD("Server", server),
        FIELD("Via", via), FIELD("X-FailureContext", failure), FIELD("X-DiagInfo", diag), FIELD("Date", date),
        FIELD("Authorization", authorization), FIELD("Proxy-Authorization", proxy_authorization),
        FIELD("Transfer-Encoding", transfer), FIELD("Content-Length", length), FIELD("Connection", connection),
        FIELD("Expect", expect), FIELD("Proxy-Authenticate", proxy_challenge)
#undef FIELD
    };
    size_t pos = 0;
    struct span name, value;
    memset(fields, 0, sizeof(*fields));
    while (http_head_next(head, &pos, &name, &value)) {
        if (name.len == 6 && span_equals_nocase(name, "Cookie")) {
            fields->sends_cookies = true;
            continue;
        }
        if (name.len == 10 && span_equals_nocase(name, "Set-Cookie")) {
            fields->sets_cookies = true;
            continue;
        }
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (name.len == rows[i].len && span_equals_nocase(name, rows[i].name)) {
                struct span *field = (struct span *)((char *)fields + rows[i].offset);
                if (!field->ptr) {
                    *field = value;
                }
                break;
            }
        }
    }
}

/* -1 where it is no number. */
int64_t mapi_read_number(struct span s)
{
    uint64_t number = 0;
    s = span_trim(s);
    if (s.len == 0 || s.len > 15) {
        return -1;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.ptr[i])) {
            return -1;
        }
        number = number * 10 + (uint64_t)(s.ptr[i] - '0');
    }
    return (int64_t)number;
}

struct span mapi_path(struct span uri, struct span *query)
{
    if (span_starts_nocase(uri, "http://") || span_starts_nocase(uri, "https://")) {
        struct span rest = span_skip(uri, span_until(uri, ':') + 3);
        uri = span_skip(rest, span_until(rest, '/'));
    }
    size_t len = span_until(uri, '?');
    *query = len < uri.len ? span_skip(uri, len + 1) : span_of(uri.ptr, 0);
    return span_of(uri.ptr, len);
}

/* 1 emsmdb, 2 nspi, 0 neither. */
uint8_t mapi_endpoint(struct span path)
{
    static const char *const paths[] = { "/mapi/emsmdb", "/mapi/nspi" };
    for (uint8_t i = 0; i < 2; i++) {
        size_t len = strlen(paths[i]);
        if (span_starts_nocase(path, paths[i]) && (path.len == len || path.ptr[len] == '/')) {
            return i + 1;
        }
    }
    return 0;
}

bool mapi_is_content_type(struct span content_type)
{
    return span_equals_nocase(span_trim(span_of(content_type.ptr, span_until(content_type, ';'))),
                              "application/mapi-http");
}

bool mapi_is_request(const struct http_head *head)
{
    struct span query, value;
    if (!head->is_request) {
        return false;
    }
    if (mapi_endpoint(mapi_path(head->uri, &query))) {
        return true;
    }
    return (http_head_find(head, "X-RequestType", &value) && value.len > 0) ||
           (http_head_find(head, "Content-Type", &value) && mapi_is_content_type(value));
}

struct span mapi_mailbox(struct span query)
{
    while (query.len > 0) {
        size_t len = span_until(query, '&');
        struct span pair = span_of(query.ptr, len);
        if (span_starts_nocase(pair, "MailboxId=")) {
            return span_skip(pair, sizeof("MailboxId=") - 1);
        }
        query = span_skip(query, len < query.len ? len + 1 : len);
    }
    return query;
}

uint64_t mapi_digest(const uint8_t *p, size_t len)
{
    return hash_bytes(p, len, 0) | (uint64_t)hash_bytes(p, len, UINT32_C(0x9E3779B9)) << 32;
}

/* "{GUID}:counter", letters of the GUID in any case. False where there is no counter. */
bool mapi_read_request_id(struct span value, uint64_t *guid, uint32_t *counter)
{
    uint8_t text[64];
    size_t len = value.len;
    while (len > 0 && value.ptr[len - 1] != ':') {
        len--;
    }
    int64_t number = len > 1 ? mapi_read_number(span_skip(value, len)) : -1;
    if (number < 0 || number > UINT32_MAX || len > sizeof(text)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        text[i] = lower(value.ptr[i]);
    }
    *guid = mapi_digest(text, len);
    *counter = (uint32_t)number;
    return true;
}

bool mapi_says_close(struct span connection)
{
    return span_starts_nocase(connection, "close");
}
