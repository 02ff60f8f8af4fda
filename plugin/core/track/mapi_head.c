/* mapi_head.c
 * What heads of MAPI/HTTP say (MS-OXCMAPIHTTP 2.2.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

#define KEPT_MOST 86400 /* s: no server keeps a connection for longer than a day */

const char *mapi_state_keep(struct mapi_state *world, struct span span)
{
    return track_span(world->track, span);
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

uint8_t mapi_endpoint_of_type(uint8_t type)
{
    return mapi_type_is_nspi((enum mapi_type)type) ? 2 : mapi_type_is_emsmdb((enum mapi_type)type) ? 1 : 0;
}

bool mapi_is_content_type(struct span content_type)
{
    return span_equals_nocase(span_trim(span_of(content_type.ptr, span_until(content_type, ';'))),
                              "application/mapi-http");
}

bool mapi_is_request(const struct http_fields *fields)
{
    struct span query;
    if (!fields->head->is_request) {
        return false;
    }
    if (mapi_endpoint(mapi_path(fields->head->uri, &query))) {
        return true;
    }
    return fields->request_type.len > 0 || mapi_is_content_type(fields->content_type);
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

bool mapi_own_mailbox(struct span query)
{
    static const char name[] = "useMailboxOfAuthenticatedUser=";
    for (; query.len > 0; query = span_skip(query, 1)) {
        if (span_starts_nocase(query, name)) {
            return true;
        }
    }
    return false;
}

uint64_t mapi_digest(const struct mapi_state *world, const uint8_t *p, size_t len)
{
    return hash_keyed(&world->arena.key, 0, p, len);
}

/* "{GUID}:counter", letters of the GUID in any case. False where there is no counter. */
bool mapi_read_request_id(const struct mapi_state *world, struct span value, struct request_id *id)
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
    id->guid = mapi_digest(world, text, len);
    id->counter = (uint32_t)number;
    return true;
}

int64_t mapi_kept_ns(struct span keep_alive)
{
    static const char name[] = "timeout=";
    struct span one;
    while (span_next(&keep_alive, ',', &one)) {
        one = span_trim(one);
        uint64_t seconds;
        if (span_starts_nocase(one, name) && span_decimal(span_skip(one, sizeof(name) - 1), KEPT_MOST, &seconds)) {
            return (int64_t)seconds * SECOND;
        }
    }
    return 0;
}
