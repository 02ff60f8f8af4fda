/* test_fields.c
 * Header lines, read once for all (RFC 9110, RFC 9112 5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "fields.h"
#include "unit.h"

static struct http_head head;
static struct http_fields fields;

static void read_head(const char *lines)
{
    static char text[4096];
    snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\n", lines);
    CHECK_INT(http_head_parse((const uint8_t *)text, strlen(text), &head), HTTP_HEAD_OK);
    http_fields_read(&head, &fields);
}

static bool same(struct span value, const char *text)
{
    return value.ptr && value.len == strlen(text) && memcmp(value.ptr, text, value.len) == 0;
}

static bool absent(struct span value)
{
    return !value.ptr && value.len == 0;
}

/* Each name has a row, and each row its own member. */
static void test_rows(void)
{
    read_head(
        "Authorization: 1\r\nConnection: 2\r\nContent-Length: 3\r\nContent-Type: 4\r\nDate: 5\r\nExpect: 6\r\n"
        "Host: 7\r\nLocation: 8\r\nPersistent-Auth: 9\r\nProxy-Authenticate: 10\r\nProxy-Authorization: 11\r\n"
        "Server: 12\r\nTransfer-Encoding: 13\r\nUser-Agent: 14\r\nVia: 15\r\nX-BEServer: 16\r\n"
        "X-BackEndHttpStatus: 17\r\nX-CalculatedBETarget: 18\r\nX-CalculatedFETarget: 19\r\n"
        "X-ClientApplication: 20\r\nX-ClientInfo: 21\r\nX-DiagInfo: 22\r\nX-ElapsedTime: 23\r\n"
        "X-ExpirationInfo: 24\r\nX-FEServer: 25\r\nX-FailureContext: 26\r\nX-PendingPeriod: 27\r\n"
        "X-RequestId: 28\r\nX-RequestType: 29\r\nX-ResponseCode: 30\r\nX-ServerApplication: 31\r\n"
        "X-User-Identity: 32\r\nclient-request-id: 33\r\nrequest-id: 34\r\nContent-Encoding: 35\r\nX-CasErrorCode: 36\r\nX-OWA-Version: 37\r\n");
    const struct span values[] = { fields.authorization,
                                   fields.connection,
                                   fields.length,
                                   fields.content_type,
                                   fields.date,
                                   fields.expect,
                                   fields.host,
                                   fields.location,
                                   fields.persistent_auth,
                                   fields.proxy_authenticate,
                                   fields.proxy_authorization,
                                   fields.server,
                                   fields.transfer_encoding,
                                   fields.user_agent,
                                   fields.via,
                                   fields.back_end,
                                   fields.back_end_status,
                                   fields.back_end_target,
                                   fields.front_end_target,
                                   fields.client_application,
                                   fields.client_info,
                                   fields.diag_info,
                                   fields.elapsed_time,
                                   fields.expiration_info,
                                   fields.front_end,
                                   fields.failure_context,
                                   fields.pending_period,
                                   fields.x_request_id,
                                   fields.request_type,
                                   fields.response_code,
                                   fields.server_application,
                                   fields.user_identity,
                                   fields.client_request_id,
                                   fields.request_id,
                                   fields.content_encoding,
                                   fields.cas_error,
                                   fields.owa_version };
    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char number[12];
        snprintf(number, sizeof(number), "%u", i + 1);
        CHECK(same(values[i], number));
    }
    CHECK(fields.head == &head);
    CHECK_INT(fields.cookies.count + fields.set_cookies.count + fields.challenges.count + fields.pragmas.count, 0);
}

static void test_which_counts(void)
{
    read_head("");
    CHECK(absent(fields.host) && absent(fields.content_type) && absent(fields.transfer_encoding));
    CHECK_INT(fields.content_length, -1);
    CHECK(!fields.chunked && !fields.close);
    read_head("hOST:\r\nHost: \r\n");
    CHECK(same(fields.host, ""));
    read_head("Host:\r\nHost: a\r\nHost: b\r\nContent-Type: a\r\nContent-Type: b\r\nExpect: a\r\nExpect:\r\n"
              "Persistent-Auth: true\r\nPersistent-Auth: false\r\n");
    CHECK(same(fields.host, "a"));
    CHECK(same(fields.content_type, "b"));
    CHECK(same(fields.expect, ""));
    CHECK(same(fields.persistent_auth, "false"));
    read_head("Transfer-Encoding: gzip\r\nTransfer-Encoding: x, Chunked\r\nConnection: keep-alive\r\n"
              "Connection: a , CLOSE\r\n");
    CHECK(fields.chunked && fields.close);
    CHECK(same(fields.transfer_encoding, "gzip") && same(fields.connection, "keep-alive"));
    read_head("Transfer-Encoding: notchunked\r\nConnection: closed\r\n");
    CHECK(!fields.chunked && !fields.close);
}

static void test_length(void)
{
    static const struct {
        const char *lines;
        int64_t length;
    } rows[] = { { "Content-Length: 0\r\n", 0 },
                 { "Content-Length: 1073741824\r\n", 1073741824 },
                 { "Content-Length: 7\r\ncontent-length: 7\r\n", 7 },
                 { "Content-Length: 7\r\nContent-Length: 8\r\n", -1 },
                 { "Content-Length: 7\r\nContent-Length: x\r\n", -1 },
                 { "Content-Length: x\r\nContent-Length: 7\r\n", -1 },
                 { "Content-Length: 7\r\nContent-Length: 8\r\nContent-Length: 7\r\n", -1 },
                 { "Content-Length:\r\n", -1 },
                 { "Content-Length: -1\r\n", -1 },
                 { "Content-Length: 9223372036854775807\r\n", INT64_MAX },
                 { "Content-Length: 9223372036854775808\r\n", -1 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        read_head(rows[i].lines);
        CHECK_INT(fields.content_length, rows[i].length);
    }
}

/* All lines of a name, wherever they stand, and none of another. */
static void test_lines(void)
{
    struct span sent, value;
    read_head("Set-Cookie: a=1\r\nSERVER: x\r\nSET-COOKIE: b=2\r\n c\r\nset-cookie:\r\nCookie: d=4\r\nVia: y\r\n");
    struct http_lines lines = fields.set_cookies;
    CHECK_INT(lines.count, 3);
    CHECK(http_lines_next(&head, "Set-Cookie", &lines, &sent, &value) && same(sent, "Set-Cookie") &&
          same(value, "a=1"));
    CHECK(http_lines_next(&head, "Set-Cookie", &lines, &sent, &value) && same(sent, "SET-COOKIE") &&
          same(value, "b=2\r\n c"));
    CHECK(http_lines_next(&head, "Set-Cookie", &lines, &sent, &value) && same(sent, "set-cookie") && same(value, ""));
    CHECK(!http_lines_next(&head, "Set-Cookie", &lines, &sent, &value));
    CHECK_INT(fields.set_cookies.count, 3);
    lines = fields.cookies;
    CHECK(lines.at > 0);
    CHECK(http_lines_next(&head, "Cookie", &lines, &sent, &value) && same(value, "d=4"));
    CHECK(!http_lines_next(&head, "Cookie", &lines, &sent, &value));
    lines = fields.challenges;
    CHECK(!http_lines_next(&head, "WWW-Authenticate", &lines, &sent, &value));
    /* Of a line that a line feed alone ends nothing is taken off. */
    read_head("Via: a\rb\nServer: c\r\n");
    CHECK(same(fields.via, "a\rb") && same(fields.server, "c"));
}

int main(void)
{
    test_rows();
    test_which_counts();
    test_length();
    test_lines();
    return unit_end();
}
