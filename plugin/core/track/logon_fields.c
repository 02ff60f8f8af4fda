/* logon_fields.c
 * What logons want to know of a head, besides its fields.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"

static bool is_context_cookie(struct span name)
{
    return span_equals_nocase(name, "MapiContext") || span_equals_nocase(name, "sid");
}

struct span without_brackets(struct span s)
{
    while (s.len >= 2) {
        uint8_t last = s.ptr[s.len - 1];
        if (!(s.ptr[0] == '"' && last == '"') && !(s.ptr[0] == '{' && last == '}')) {
            break;
        }
        s = span_of(s.ptr + 1, s.len - 2);
    }
    return s;
}

void asked_cookies(struct asked *asked)
{
    struct http_lines lines = asked->fields->cookies;
    struct span line, sent, name, content;
    while (http_lines_next(asked->fields->head, "Cookie", &lines, &sent, &line)) {
        size_t pos = 0;
        while (http_cookie_next(line, &pos, &name, &content)) {
            if (span_equals_nocase(name, "OutlookSession") && !asked->outlook_session.len) {
                asked->outlook_session = without_brackets(content);
            } else if (is_context_cookie(name) && !asked->context.len) {
                asked->context = content;
            }
        }
    }
}

void response_cookies(struct response *response)
{
    struct http_lines lines = response->fields->set_cookies;
    struct span line, sent, name, content;
    while (http_lines_next(response->fields->head, "Set-Cookie", &lines, &sent, &line)) {
        size_t pos = 0;
        if (http_cookie_next(line, &pos, &name, &content) && is_context_cookie(name)) {
            response->context = content;
        }
    }
}

/* Of several challenges with a token the one of the request's scheme counts. */
void response_challenges(struct response *response, const struct hash_key *key, enum auth_scheme wanted)
{
    static const char in_lower_case[] = "www-authenticate";
    struct auth_token found, *token = &response->token;
    struct http_lines lines = response->fields->challenges;
    struct span sent, value;
    token->neg_state = -1;
    while (http_lines_next(response->fields->head, in_lower_case, &lines, &sent, &value)) {
        if (memcmp(sent.ptr, in_lower_case, sent.len) == 0) {
            response->lower_case = true;
        } else {
            response->other_case = true;
        }
        response->offers |= auth_schemes_offered(value);
        response->names_token_source |= auth_names_token_source(value);
        auth_token_decode(value, key, &found);
        if (auth_step_is_token(found.step) &&
            (token->step == AUTH_STEP_NONE || (found.scheme == wanted && token->scheme != wanted))) {
            *token = found;
        }
    }
}

/* "{GUID}:7": the GUID; else all of it. */
struct span without_counter(struct span s)
{
    size_t digits = 0;
    while (digits < s.len && is_digit(s.ptr[s.len - 1 - digits])) {
        digits++;
    }
    if (digits > 0 && digits < s.len && s.ptr[s.len - 1 - digits] == ':') {
        s.len -= digits + 1;
    }
    return s;
}

/* From the path on, also of an absolute URI. */
struct span uri_path(struct span uri)
{
    struct span path = uri;
    if (uri.len > 0 && uri.ptr[0] != '/') {
        for (size_t i = 0; i + 2 < uri.len; i++) {
            if (uri.ptr[i] == ':' && uri.ptr[i + 1] == '/' && uri.ptr[i + 2] == '/') {
                path = span_skip(uri, i + 3);
                return span_skip(path, span_until(path, '/'));
            }
        }
    }
    return path;
}

struct span first_segment(struct span uri)
{
    struct span path = uri_path(uri);
    path.len = span_until(path, '?');
    if (path.len > 1) {
        path.len = 1 + span_until(span_skip(path, 1), '/');
    }
    return path;
}

/* The value of error or error_description in a Bearer challenge. */
static struct span bearer_error(const struct http_fields *fields)
{
    static const char *const names[] = { "error_description=\"", "error=\"" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct http_lines lines = fields->challenges;
        struct span sent, value;
        while (http_lines_next(fields->head, "WWW-Authenticate", &lines, &sent, &value)) {
            for (; value.len > strlen(names[i]); value = span_skip(value, 1)) {
                if (span_starts_nocase(value, names[i])) {
                    value = span_skip(value, strlen(names[i]));
                    value.len = span_until(value, '"');
                    return value;
                }
            }
        }
    }
    return span_of(NULL, 0);
}

void response_reason(const struct response *response, char reason[REASON_MAX])
{
    const struct span diagnostics = response->fields->diagnostics;
    chars_copy(reason, REASON_MAX, diagnostics.len ? diagnostics : bearer_error(response->fields));
}
