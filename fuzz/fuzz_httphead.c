/* fuzz_httphead.c
 * Any bytes as an HTTP head, as the value of each decoder, and as chunks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "chunks.h"
#include "info.h"

#include <assert.h>
#include <stdlib.h>

/* A string for people: ended inside its room, UTF-8, nothing that controls a terminal. */
static void check_text(const char *text, size_t size)
{
    const uint8_t *p = (const uint8_t *)text;
    assert(memchr(text, '\0', size));
    while (*p) {
        unsigned more = *p < 0x80 ? 0 : *p < 0xE0 ? 1 : *p < 0xF0 ? 2 : 3;
        assert(*p >= 0x20 && *p != 0x7F && (*p < 0x80 || *p >= 0xC2) && *p < 0xF5);
        for (p++; more; more--, p++) {
            assert((*p & 0xC0) == 0x80);
        }
    }
}

#define CHECK_TEXT(array) check_text(array, sizeof(array))

static void check_inside(struct span s, const uint8_t *p, size_t len)
{
    assert(s.len == 0 || (s.ptr >= p && s.ptr <= p + len && s.len <= (size_t)(p + len - s.ptr)));
}

static void check_auth(struct span value)
{
    struct http_auth auth;
    http_auth_decode(value, &auth);
    CHECK_TEXT(auth.user);
    assert(!auth.final || auth_step_is_credentials(auth.step) || auth.step == AUTH_STEP_TYPE3);
    assert(!auth.is_kerberos || auth.scheme == AUTH_NEGOTIATE);
    assert(!auth.user[0] || auth.final);
    assert(!auth.anonymous || (auth.step == AUTH_STEP_TYPE3 && !auth.final));
}

/* The lines of a name are those that a look at all lines finds, in their order. */
static void check_lines(const struct http_head *head, const char *wanted, struct http_lines lines)
{
    struct span name, value, sent, again;
    size_t pos = 0;
    while (http_head_next(head, &pos, &name, &value)) {
        if (span_equals_nocase(name, wanted)) {
            assert(http_lines_next(head, wanted, &lines, &sent, &again));
            assert(sent.ptr == name.ptr && again.ptr == value.ptr && again.len == value.len);
        }
    }
    assert(lines.count == 0 && !http_lines_next(head, wanted, &lines, &sent, &again));
}

static void check_fields(const struct http_head *head)
{
    struct http_fields fields;
    struct span host;
    http_fields_read(head, &fields);
    check_lines(head, "Cookie", fields.cookies);
    check_lines(head, "Set-Cookie", fields.set_cookies);
    check_lines(head, "WWW-Authenticate", fields.challenges);
    check_lines(head, "Pragma", fields.pragmas);
    check_inside(fields.authorization, head->fields.ptr, head->fields.len);
    assert((fields.host.ptr != NULL) == http_head_find(head, "Host", &host));
    assert(fields.content_length < 0 || fields.length.len > 0);
    assert((!fields.chunked || fields.transfer_encoding.ptr) && (!fields.close || fields.connection.ptr));
}

static void check_info(const struct http_head *head)
{
    struct http_info info;
    http_info_decode(head, &info);
    CHECK_TEXT(info.target);
    CHECK_TEXT(info.host);
    CHECK_TEXT(info.outlook_session);
    CHECK_TEXT(info.session_id);
    CHECK_TEXT(info.user_agent);
    CHECK_TEXT(info.challenge_server);
    CHECK_TEXT(info.front_end);
    CHECK_TEXT(info.failure_context);
    CHECK_TEXT(info.diag_info);
    CHECK_TEXT(info.request_id);
    CHECK_TEXT(info.client_request_id);
    CHECK_TEXT(info.server_header);
    CHECK_TEXT(info.via);
    CHECK_TEXT(info.persistence_name);
    CHECK_TEXT(info.persistence_server);
    CHECK_TEXT(info.ee_info);
    CHECK_TEXT(info.auth.user);
    assert(info.content_length >= -1);
    assert(info.has_target == (info.target[0] != '\0'));
    assert(!info.rpc_error || info.status == 503);
}

static void check_head(const uint8_t *p, size_t len)
{
    struct http_head head;
    enum http_head_result result = http_head_parse(p, len, &head);
    assert(result != HTTP_HEAD_MORE || len < HTTP_HEAD_MAX);
    if (result != HTTP_HEAD_OK) {
        return;
    }
    assert(head.length > 0 && head.length <= len && head.length <= HTTP_HEAD_MAX);
    check_inside(head.method, p, head.length);
    check_inside(head.uri, p, head.length);
    check_inside(head.reason, p, head.length);
    check_inside(head.fields, p, head.length);
    assert(head.is_request || (head.status >= 100 && head.status <= 999));
    size_t pos = 0, before = 0;
    struct span name, value;
    while (http_head_next(&head, &pos, &name, &value)) {
        assert(pos > before && pos <= head.fields.len);
        before = pos;
        assert(name.len > 0);
        check_inside(name, head.fields.ptr, head.fields.len);
        check_inside(value, head.fields.ptr, head.fields.len);
    }
    check_fields(&head);
    check_info(&head);
}

static void check_cookies(struct span value)
{
    static const char *const names[] = { "BIGipServerx", "X-BackEndCookie", "SERVERID" };
    struct span name, content;
    char server[HTTP_NAME_MAX];
    size_t pos = 0, before = 0;
    while (http_cookie_next(value, &pos, &name, &content)) {
        assert(pos > before && pos <= value.len && name.len > 0);
        before = pos;
        check_inside(name, value.ptr, value.len);
        check_inside(content, value.ptr, value.len);
        http_persistence_server(name, content, server);
        CHECK_TEXT(server);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        name = (struct span){ (const uint8_t *)names[i], strlen(names[i]) };
        bool good = http_persistence_server(name, value, server);
        assert(good == (server[0] != '\0'));
        CHECK_TEXT(server);
    }
}

/* The same chunks whole and in pieces give the same data and end in the same state. */
static void check_chunks(const uint8_t *p, size_t len)
{
    struct http_chunks whole, pieces;
    size_t used = 0, whole_data = 0, pieces_data = 0;
    struct span data;

    http_chunks_init(&whole);
    while (used < len && whole.state != HTTP_CHUNK_DONE && whole.state != HTTP_CHUNK_BAD) {
        size_t step = http_chunks_next(&whole, p + used, len - used, &data);
        check_inside(data, p + used, step);
        assert(step > 0 || whole.state == HTTP_CHUNK_BAD);
        used += step;
        whole_data += data.len;
    }
    http_chunks_init(&pieces);
    for (size_t at = 0; at < len && pieces.state != HTTP_CHUNK_DONE && pieces.state != HTTP_CHUNK_BAD;) {
        size_t step = http_chunks_next(&pieces, p + at, 1, &data);
        assert(step == 1 || pieces.state == HTTP_CHUNK_BAD);
        at += step;
        pieces_data += data.len;
    }
    assert(whole.state == pieces.state && whole_data == pieces_data && whole_data <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of its own, so that a read past the end is seen. */
    uint8_t *p = malloc(size + !size);
    struct span value = { p, size };
    assert(p);
    if (size) {
        memcpy(p, data, size);
    }
    check_head(p, size);
    check_auth(value);
    check_cookies(value);
    check_chunks(p, size);
    free(p);
    return 0;
}
