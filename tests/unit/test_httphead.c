/* test_httphead.c
 * HTTP heads, credentials, challenges, cookies, chunks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chunks.h"
#include "info.h"
#include "transcript.h"
#include "unit.h"

#include <stdlib.h>

static struct span span_text(const char *text)
{
    return (struct span){ (const uint8_t *)text, strlen(text) };
}

static bool same(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

/* ---- heads ---- */

static enum http_head_result parse(const char *text, struct http_head *head)
{
    return http_head_parse((const uint8_t *)text, strlen(text), head);
}

static void note_info(const char *text, const struct http_head *head)
{
    struct http_info info;
    http_info_decode(head, &info);
    transcript(
        "%.200s%s method %d status %u minor %u length %lld%s%s%s%s%s target %d '%s'%s host '%s' sessions '%s' '%s' "
        "agent '%s' timeout %u",
        text, info.is_request ? "request" : "response", (int)info.method, info.status, info.version_minor,
        (long long)info.content_length, info.chunked ? " chunked" : "", info.close ? " close" : "",
        info.expect_continue ? " expect" : "", info.content_type_rpc ? " rpc" : "",
        info.content_type_text ? " text" : "", info.has_target, info.target, info.v1 ? " v1" : "", info.host,
        info.outlook_session, info.session_id, info.user_agent, info.min_conn_timeout);
    transcript("    scheme %d step %d%s%s user '%s'%s%s by '%s' front '%s' failure '%s' diag '%s' ids '%s' '%s' "
               "server '%s' via '%s' persistence '%s' '%s' error %d %#x '%s' author %d",
               (int)info.auth.scheme, (int)info.auth.step, info.auth.final ? " final" : "",
               info.auth.is_kerberos ? " kerberos" : "", info.auth.user, info.offers_auth ? " offers" : "",
               info.challenge_in_progress ? " goes on" : "", info.challenge_server, info.front_end,
               info.failure_context, info.diag_info, info.request_id, info.client_request_id, info.server_header,
               info.via, info.persistence_name, info.persistence_server, info.rpc_error, info.rpc_error_code,
               info.ee_info, (int)info.author);
}

/* The same head damaged at each place in several ways, and cut. */
static void note_damaged(const char *text)
{
    static const char put[] = "\0 \r\n:;,=\"0Zz~\xFF";
    struct http_head head;
    size_t len = strlen(text);
    uint8_t *copy = malloc(len + 1);
    if (len > 600) {
        free(copy);
        return;
    }
    transcript_fold();
    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < sizeof(put) - 1; k++) {
            memcpy(copy, text, len + 1);
            copy[i] = (uint8_t)put[k];
            enum http_head_result result = http_head_parse(copy, len, &head);
            transcript("%zu %zu %d", i, k, (int)result);
            if (result == HTTP_HEAD_OK) {
                note_info("", &head);
            }
        }
        uint8_t *part = malloc(i + 1);
        memcpy(part, text, i);
        transcript("%zu: %d", i, (int)http_head_parse(part, i, &head));
        free(part);
    }
    free(copy);
    transcript_unfold("    damaged");
}

static struct http_info info_of(const char *text)
{
    struct http_head head;
    struct http_info info;
    CHECK_INT(parse(text, &head), HTTP_HEAD_OK);
    http_info_decode(&head, &info);
    note_info(text, &head);
    note_damaged(text);
    return info;
}

static void test_request(void)
{
    static const char text[] = "RPC_IN_DATA /rpc/rpcproxy.dll?s:6001 HTTP/1.1\r\nHost: a\r\n\r\nbody";
    struct http_head head;
    struct span name, value;
    size_t pos = 0;

    CHECK_INT(parse(text, &head), HTTP_HEAD_OK);
    CHECK(head.is_request);
    CHECK(same(head.method, "RPC_IN_DATA"));
    CHECK(same(head.uri, "/rpc/rpcproxy.dll?s:6001"));
    CHECK_INT(head.version_minor, 1);
    CHECK_INT(head.length, sizeof(text) - 1 - 4);
    CHECK(http_head_next(&head, &pos, &name, &value));
    CHECK(same(name, "Host") && same(value, "a"));
    CHECK(!http_head_next(&head, &pos, &name, &value));
    for (size_t len = 0; len < head.length; len++) {
        struct http_head part;
        CHECK_INT(http_head_parse((const uint8_t *)text, len, &part), HTTP_HEAD_MORE);
    }
}

static void test_response(void)
{
    struct http_head head;
    CHECK_INT(parse("HTTP/1.0 503 RPC Error: 6ba\r\n\r\n", &head), HTTP_HEAD_OK);
    CHECK(!head.is_request);
    CHECK_INT(head.status, 503);
    CHECK_INT(head.version_minor, 0);
    CHECK(same(head.reason, "RPC Error: 6ba"));
    CHECK_INT(parse("HTTP/1.1 200\r\n\r\n", &head), HTTP_HEAD_OK);
    CHECK_INT(head.reason.len, 0);
    CHECK_INT(parse("HTTP/1.1 100 Continue\n\n", &head), HTTP_HEAD_OK);
    CHECK_INT(head.length, 23);
    CHECK_INT(parse("\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", &head), HTTP_HEAD_OK);
    CHECK_INT(head.length, 23);
    CHECK_INT(parse("HTTP/1.1 999 x\r\n\r\n", &head), HTTP_HEAD_OK);
}

static void test_no_head(void)
{
    static const char *const none[] = { "HTTP/2.0 200 OK\r\n\r\n",
                                        "HTTP/1.1 099 x\r\n\r\n",
                                        "HTTP/1.1 20 x\r\n\r\n",
                                        "HTTP/1.1 2000 x\r\n\r\n",
                                        "HTTP/1.1 2x0 x\r\n\r\n",
                                        "ncacn_http/1.0",
                                        "GET / HTTP/2.0\r\n\r\n",
                                        "GET /\r\n\r\n",
                                        "GET  HTTP/1.1\r\n\r\n",
                                        " GET / HTTP/1.1\r\n\r\n",
                                        "\x05",
                                        "\x16\x03\x01",
                                        "GET / HTTP/1.1\r\nA: \x01\r\n\r\n",
                                        "G\x01",
                                        "ABCDEFGHIJABCDEFGHIJABCDEFGHIJABC",
                                        "a/b",
                                        "GET / HTTP/1.1 \r\n\r\n" };
    struct http_head head;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        CHECK_INT(parse(none[i], &head), HTTP_HEAD_NOT);
    }
    static const uint8_t zero[20] = "GET / HTTP/1.1\r\n\0\r\n";
    CHECK_INT(http_head_parse(zero, sizeof(zero), &head), HTTP_HEAD_NOT);
}

static void test_head_limit(void)
{
    static uint8_t big[HTTP_HEAD_MAX + 16];
    struct http_head head;
    memset(big, 'a', sizeof(big));
    memcpy(big, "GET / HTTP/1.1\r\nA: ", 19);
    CHECK_INT(http_head_parse(big, HTTP_HEAD_MAX - 1, &head), HTTP_HEAD_MORE);
    CHECK_INT(http_head_parse(big, HTTP_HEAD_MAX, &head), HTTP_HEAD_NOT);
    memcpy(big + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
    CHECK_INT(http_head_parse(big, sizeof(big), &head), HTTP_HEAD_OK);
    CHECK_INT(head.length, HTTP_HEAD_MAX);
    memset(big + HTTP_HEAD_MAX - 4, 'a', 4);
    memcpy(big + HTTP_HEAD_MAX - 3, "\r\n\r\n", 4);
    CHECK_INT(http_head_parse(big, sizeof(big), &head), HTTP_HEAD_NOT);
}

static void test_fields(void)
{
    struct http_head head;
    struct span name, value;
    size_t pos = 0;
    CHECK_INT(parse("GET / HTTP/1.1\r\nA : one \r\njunk\r\n: none\r\nb:\r\nC: x\r\n\ty\r\n  z\r\nc: 2\n\n", &head),
              HTTP_HEAD_OK);
    CHECK(http_head_next(&head, &pos, &name, &value));
    CHECK(same(name, "A") && same(value, "one"));
    CHECK(http_head_next(&head, &pos, &name, &value));
    CHECK(same(name, "b") && same(value, ""));
    CHECK(http_head_next(&head, &pos, &name, &value));
    CHECK(same(name, "C") && same(value, "x\r\n\ty\r\n  z"));
    CHECK(http_head_next(&head, &pos, &name, &value));
    CHECK(same(value, "2"));
    CHECK(!http_head_next(&head, &pos, &name, &value));
    CHECK(http_head_find(&head, "c", &value) && same(value, "x\r\n\ty\r\n  z"));
    CHECK(http_head_find(&head, "B", &value));
    CHECK(!http_head_find(&head, "junk", &value));
    CHECK(span_equals_nocase(span_text("AbC"), "aBc"));
    CHECK(!span_equals_nocase(span_text("AbCd"), "aBc"));
    CHECK(span_starts_nocase(span_text("AbCd"), "aBc"));
    CHECK(!span_starts_nocase(span_text("Ab"), "aBc"));
}

/* ---- base64 and NTLM messages ---- */

struct bytes {
    uint8_t data[512];
    size_t len;
};

static void add(struct bytes *b, const void *data, size_t len)
{
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

static void add16(struct bytes *b, unsigned value)
{
    uint8_t data[2] = { (uint8_t)value, (uint8_t)(value >> 8) };
    add(b, data, 2);
}

static void add32(struct bytes *b, uint32_t value)
{
    add16(b, value & 0xFFFF);
    add16(b, value >> 16);
}

static void add_wide(struct bytes *b, const char *text)
{
    for (; *text; text++) {
        add16(b, (uint8_t)*text);
    }
}

static void add_payload(struct bytes *b, size_t len, size_t *offset)
{
    add16(b, (unsigned)len);
    add16(b, (unsigned)len);
    add32(b, (uint32_t)*offset);
    *offset += len;
}

static const char *encode(const char *scheme, const struct bytes *b)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static char text[1024];
    size_t n = (size_t)snprintf(text, sizeof(text), "%s ", scheme);
    for (size_t i = 0; i < b->len; i += 3) {
        uint32_t bits = (uint32_t)b->data[i] << 16;
        bits |= i + 1 < b->len ? (uint32_t)b->data[i + 1] << 8 : 0;
        bits |= i + 2 < b->len ? b->data[i + 2] : 0;
        text[n++] = digits[bits >> 18];
        text[n++] = digits[bits >> 12 & 63];
        text[n++] = i + 1 < b->len ? digits[bits >> 6 & 63] : '=';
        text[n++] = i + 2 < b->len ? digits[bits & 63] : '=';
    }
    text[n] = '\0';
    return text;
}

/* MS-NLMP 2.2.1.3 with Unicode or OEM strings. */
static struct bytes authenticate(const char *domain, const char *user, bool unicode)
{
    struct bytes b = { .len = 0 };
    size_t width = unicode ? 2 : 1, offset = 72;
    add(&b, "NTLMSSP", 8);
    add32(&b, 3);
    add_payload(&b, 0, &offset);
    add_payload(&b, 0, &offset);
    add_payload(&b, strlen(domain) * width, &offset);
    add_payload(&b, strlen(user) * width, &offset);
    add_payload(&b, 0, &offset);
    add_payload(&b, 0, &offset);
    add32(&b, unicode ? 1 : 2);
    add(&b, "\x06\x01\xB1\x1D\0\0\0\x0F", 8);
    if (unicode) {
        add_wide(&b, domain);
        add_wide(&b, user);
    } else {
        add(&b, domain, strlen(domain));
        add(&b, user, strlen(user));
    }
    return b;
}

/* MS-NLMP 2.2.1.2 with the AV pairs of 2.2.2.1. */
static struct bytes challenge(const char *netbios, const char *dns)
{
    struct bytes b = { .len = 0 };
    size_t offset = 56;
    size_t info = 4 + (netbios ? 4 + 2 * strlen(netbios) : 0) + (dns ? 4 + 2 * strlen(dns) : 0) + 4 + 4;
    add(&b, "NTLMSSP", 8);
    add32(&b, 2);
    add_payload(&b, 0, &offset);
    add32(&b, 0x00800001);
    add(&b, "\1\2\3\4\5\6\7\x08", 8);
    add(&b, "\0\0\0\0\0\0\0", 8);
    add_payload(&b, info, &offset);
    add(&b, "\0\0\0\0\0\0\0", 8);
    add16(&b, 2);
    add16(&b, 4);
    add_wide(&b, "DO");
    if (netbios) {
        add16(&b, 1);
        add16(&b, (unsigned)strlen(netbios) * 2);
        add_wide(&b, netbios);
    }
    if (dns) {
        add16(&b, 3);
        add16(&b, (unsigned)strlen(dns) * 2);
        add_wide(&b, dns);
    }
    add32(&b, 0);
    return b;
}

static void check_auth(const char *value, enum auth_scheme scheme, enum auth_step step, bool final, const char *user)
{
    struct http_auth auth;
    http_auth_decode(span_text(value), &auth);
    CHECK_INT(auth.scheme, scheme);
    CHECK_INT(auth.step, step);
    CHECK_INT(auth.final, final);
    CHECK_INT(auth.anonymous, step == AUTH_STEP_TYPE3 && !final);
    CHECK_STR(auth.user, user);
}

static void test_basic(void)
{
    check_auth("", AUTH_NONE, AUTH_STEP_NONE, false, "");
    check_auth("Basic", AUTH_BASIC, AUTH_STEP_EMPTY, false, "");
    check_auth("Basic ZXhhbXBsZS50ZXN0XGFsaWNlOlNlY3JldC4xMjM=", AUTH_BASIC, AUTH_STEP_BASIC, true,
               "example.test\\alice");
    check_auth(" basic  YTpiOmM=", AUTH_BASIC, AUTH_STEP_BASIC, true, "a");
    check_auth("Basic OnBhc3M=", AUTH_BASIC, AUTH_STEP_EMPTY, false, "");
    check_auth("Basic c2VjcmV0", AUTH_BASIC, AUTH_STEP_EMPTY, false, "");
    /* Latin-1 and UTF-8 of the same name, then a control character. */
    check_auth("Basic 6Ts=", AUTH_BASIC, AUTH_STEP_EMPTY, false, "");
    check_auth("Basic Suk6eA==", AUTH_BASIC, AUTH_STEP_BASIC, true, "J\xC3\xA9");
    check_auth("Basic SsOpOng=", AUTH_BASIC, AUTH_STEP_BASIC, true, "J\xC3\xA9");
    check_auth("Basic SgpLOng=", AUTH_BASIC, AUTH_STEP_BASIC, true, "J?K");

    struct bytes b = { .len = 0 };
    for (int i = 0; i < 200; i++) {
        add(&b, "\xC3\xA9", 2);
    }
    add(&b, ":x", 2);
    struct http_auth auth;
    http_auth_decode(span_text(encode("Basic", &b)), &auth);
    CHECK_INT(strlen(auth.user), AUTH_USER_MAX - 2);
    CHECK(auth.final);
}

static void test_ntlm(void)
{
    struct bytes type1 = { .len = 0 }, b;
    struct http_auth auth;
    add(&type1, "NTLMSSP", 8);
    add32(&type1, 1);
    add32(&type1, 0xA2088207);
    check_auth(encode("NTLM", &type1), AUTH_NTLM, AUTH_STEP_TYPE1, false, "");
    check_auth("NTLM", AUTH_NTLM, AUTH_STEP_EMPTY, false, "");
    check_auth("NTLM !!!", AUTH_NTLM, AUTH_STEP_TOKEN, false, "");
    check_auth("NTLM TlRMTVNTUAA=", AUTH_NTLM, AUTH_STEP_TOKEN, false, "");

    b = authenticate("EXAMPLE", "alice", true);
    check_auth(encode("NTLM", &b), AUTH_NTLM, AUTH_STEP_TYPE3, true, "EXAMPLE\\alice");
    check_auth(encode("Negotiate", &b), AUTH_NEGOTIATE, AUTH_STEP_TYPE3, true, "EXAMPLE\\alice");
    b = authenticate("", "alice@example.test", true);
    check_auth(encode("ntlm", &b), AUTH_NTLM, AUTH_STEP_TYPE3, true, "alice@example.test");
    b = authenticate("EX", "bob", false);
    check_auth(encode("NTLM", &b), AUTH_NTLM, AUTH_STEP_TYPE3, true, "EX\\bob");
    b = authenticate("", "", true);
    check_auth(encode("NTLM", &b), AUTH_NTLM, AUTH_STEP_TYPE3, false, "");

    /* The user lies behind the message's end, or its offset wraps. */
    b = authenticate("EXAMPLE", "alice", true);
    b.len--;
    check_auth(encode("NTLM", &b), AUTH_NTLM, AUTH_STEP_TOKEN, false, "");
    b = authenticate("EXAMPLE", "alice", true);
    memset(b.data + 40, 0xFF, 4);
    check_auth(encode("NTLM", &b), AUTH_NTLM, AUTH_STEP_TOKEN, false, "");
    b.len = 40;
    check_auth(encode("NTLM", &b), AUTH_NTLM, AUTH_STEP_TOKEN, false, "");

    /* In SPNEGO, which lists Kerberos before it. */
    struct bytes wrapped = { .len = 0 };
    b = authenticate("EXAMPLE", "alice", true);
    add(&wrapped, "\xA1\x30\x06\x09\x2A\x86\x48\x86\xF7\x12\x01\x02\x02\xA2\x10", 15);
    add(&wrapped, b.data, b.len);
    check_auth(encode("Negotiate", &wrapped), AUTH_NEGOTIATE, AUTH_STEP_TYPE3, true, "EXAMPLE\\alice");

    /* A pair of surrogates is one character; half a pair is none. */
    b = authenticate("", "xy", true);
    b.data[72] = 0x3D;
    b.data[73] = 0xD8;
    b.data[74] = 0x00;
    b.data[75] = 0xDE;
    http_auth_decode(span_text(encode("NTLM", &b)), &auth);
    CHECK_STR(auth.user, "\xF0\x9F\x98\x80");
    b.data[75] = 0x00;
    b.data[74] = 'y';
    http_auth_decode(span_text(encode("NTLM", &b)), &auth);
    CHECK_STR(auth.user, "?y");
}

static void test_negotiate_and_bearer(void)
{
    struct http_auth auth;
    struct bytes b = { .len = 0 };
    add(&b, "\x60\x20\x06\x09\x2A\x86\x48\x86\xF7\x12\x01\x02\x02\x01\x00\x6E\x10", 17);
    http_auth_decode(span_text(encode("Negotiate", &b)), &auth);
    CHECK(auth.is_kerberos && auth.final);
    CHECK_INT(auth.step, AUTH_STEP_AP_REQ);
    /* A list of mechanisms without a token of one. */
    b.data[13] = 0xA2;
    http_auth_decode(span_text(encode("Negotiate", &b)), &auth);
    CHECK(!auth.is_kerberos && !auth.final);
    CHECK_INT(auth.step, AUTH_STEP_TOKEN);
    check_auth("Negotiate ", AUTH_NEGOTIATE, AUTH_STEP_EMPTY, false, "");
    check_auth("Bearer", AUTH_BEARER, AUTH_STEP_EMPTY, false, "");
    check_auth("Bearer ", AUTH_BEARER, AUTH_STEP_EMPTY, false, "");
    check_auth("Bearer eyJ0", AUTH_BEARER, AUTH_STEP_BEARER, true, "");
    check_auth("Digest username=\"x\"", AUTH_OTHER, AUTH_STEP_TOKEN, false, "");
    check_auth("Basically x", AUTH_OTHER, AUTH_STEP_TOKEN, false, "");
}

/* What a response with this challenge says of its server; false if that is nothing. */
static bool challenge_server_of(struct span value, char name[HTTP_NAME_MAX])
{
    char text[1400];
    struct http_head head;
    struct http_info info;
    int len = snprintf(text, sizeof(text), "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: %.*s\r\n\r\n",
                       (int)value.len, (const char *)value.ptr);
    CHECK_INT(http_head_parse((const uint8_t *)text, (size_t)len, &head), HTTP_HEAD_OK);
    http_info_decode(&head, &info);
    strcpy(name, info.challenge_server);
    return name[0] != '\0';
}

static void test_challenge(void)
{
    char name[HTTP_NAME_MAX], list[1200];
    struct bytes b = challenge("MBX1", "mbx1.example.test");
    CHECK(challenge_server_of(span_text(encode("NTLM", &b)), name));
    CHECK_STR(name, "mbx1.example.test");
    snprintf(list, sizeof(list), "Basic realm=\"x, y\", %s, Bearer", encode("Negotiate", &b));
    CHECK(challenge_server_of(span_text(list), name));
    CHECK_STR(name, "mbx1.example.test");
    b = challenge("MBX1", NULL);
    CHECK(challenge_server_of(span_text(encode("NTLM", &b)), name));
    CHECK_STR(name, "MBX1");
    b = challenge(NULL, NULL);
    CHECK(!challenge_server_of(span_text(encode("NTLM", &b)), name));
    CHECK_STR(name, "");
    CHECK(!challenge_server_of(span_text("NTLM"), name));
    CHECK(!challenge_server_of(span_text("Negotiate, NTLM, Basic realm=\"x\""), name));
    b = challenge("MBX1", "mbx1.example.test");
    b.data[8] = 1;
    CHECK(!challenge_server_of(span_text(encode("NTLM", &b)), name));
    /* A pair that says more than there is ends the list. */
    b = challenge("MBX1", "mbx1.example.test");
    memset(b.data + 58 + 8, 0xFF, 2);
    CHECK(!challenge_server_of(span_text(encode("NTLM", &b)), name));
    b = challenge("MBX1", "mbx1.example.test");
    memset(b.data + 44, 0xFF, 4);
    CHECK(!challenge_server_of(span_text(encode("NTLM", &b)), name));
}

/* ---- cookies ---- */

static void check_persistence(const char *name, const char *value, const char *expected)
{
    char server[HTTP_NAME_MAX];
    bool good = http_persistence_server(span_text(name), span_text(value), server);
    CHECK_INT(good, expected != NULL);
    CHECK_STR(server, expected ? expected : "");
}

static const char *backend_cookie(const char *key, const char *plain)
{
    static char value[1100];
    struct bytes b = { .len = 0 };
    for (; *plain; plain++) {
        uint8_t inverted = (uint8_t) ~(uint8_t)*plain;
        add(&b, &inverted, 1);
    }
    snprintf(value, sizeof(value), "%s%s", key, encode("", &b) + 1);
    return value;
}

static void test_persistence(void)
{
    check_persistence("BIGipServerpool_x", "1677787402.36895.0000", "10.1.1.100:8080");
    check_persistence("BIGipServer~Common~x", "rd5o00000000000000000000ffffc0000201o80", "192.0.2.1%5:80");
    check_persistence("BIGipServerx", "rd3o20010112000000000000000000000030o80", "[2001:112::30%3]:80");
    check_persistence("BIGipServerx", "vi20010112000000000000000000000030.20480", "[2001:112::30]:80");
    check_persistence("BIGipServerx", "vi00000000000000000000000000000001.20480", "[::1]:80");
    check_persistence("BIGipServerx", "vi20010db8000000010000000000000000.20480", "[2001:db8:0:1::]:80");
    check_persistence("BIGipServerx", "vi00010002000300040005000600070008.20480", "[1:2:3:4:5:6:7:8]:80");
    check_persistence("BIGipServerx", "4294967295.65535.0000", "255.255.255.255:65535");
    check_persistence("BIGipServerx", "4294967296.36895.0000", NULL);
    check_persistence("BIGipServerx", "1677787402.65536.0000", NULL);
    check_persistence("BIGipServerx", "1677787402.36895.0001", NULL);
    check_persistence("BIGipServerx", "1677787402.36895", NULL);
    check_persistence("BIGipServerx", "!Kx3Pz0Yq", NULL);
    check_persistence("BIGipServerx", "rd5o00000000000000000000ffffc00002o80", NULL);
    check_persistence("BIGipServerx", "rd5o00000000000000000000ffffc000020go80", NULL);
    check_persistence("BIGipServerx", "vi2001.20480", NULL);
    check_persistence("BIGipServerx", "", NULL);

    check_persistence("SERVERID", "s1", "SERVERID=0851b8c9");
    check_persistence("SERVERID", "s1|YzAbc|YzAbc", "SERVERID=0851b8c9");
    check_persistence("SRV", "s1", "SRV=0851b8c9");
    check_persistence("ARRAffinity", "\"s1\"", "ARRAffinity=0851b8c9");
    check_persistence("ARRAffinitySameSite", "s2", "ARRAffinitySameSite=0551b410");
    check_persistence("SERVERID", "", NULL);
    check_persistence("AWSALB", "abc", NULL);
    check_persistence("AWSELB", "abc", NULL);
    check_persistence("NSC_abc", "ffffffff09", NULL);
    check_persistence("OutlookSession", "x", NULL);

    static const char *const server = "Server~mbx1.example.test~1941996624~2022-04-02T13:55:01";
    check_persistence("X-BackEndCookie", backend_cookie("S-1-5-21=", server), "mbx1.example.test");
    check_persistence("X-BackEndCookie", backend_cookie("", server), "mbx1.example.test");
    check_persistence("X-BackEndCookie", backend_cookie("k=", "Server~az.AZ-09_~1"), "az.AZ-09_");
    static const char beside[] = "/:@[`{ ,;\"\x7F";
    for (const char *c = beside; *c; c++) {
        char plain[40];
        snprintf(plain, sizeof(plain), "Server~a%cb~1", *c);
        check_persistence("X-BackEndCookie", backend_cookie("k=", plain), NULL);
    }
    check_persistence("X-BackEndCookie", backend_cookie("k=", "Database~0-0~example.test~2022"), NULL);
    check_persistence("X-BackEndCookie", backend_cookie("k=", "Server~M~1"), "M");
    check_persistence("X-BackEndCookie", backend_cookie("k=", "Server~~1"), NULL);
    check_persistence("X-BackEndCookie", backend_cookie("k=", "Server~"), NULL);
    check_persistence("X-BackEndCookie", backend_cookie("k=", "Server~a b~"), NULL);
    check_persistence("X-BackEndCookie", backend_cookie("k=", "Server~unended"), NULL);
    check_persistence("X-BackEndCookie", "plain", NULL);
}

static void test_cookie_list(void)
{
    struct span list = span_text(" a=1;b = 2 ;; c; =4; d=x=y");
    struct span name, value;
    size_t pos = 0;
    CHECK(http_cookie_next(list, &pos, &name, &value) && same(name, "a") && same(value, "1"));
    CHECK(http_cookie_next(list, &pos, &name, &value) && same(name, "b") && same(value, "2"));
    CHECK(http_cookie_next(list, &pos, &name, &value) && same(name, "c") && same(value, ""));
    CHECK(http_cookie_next(list, &pos, &name, &value) && same(name, "d") && same(value, "x=y"));
    CHECK(!http_cookie_next(list, &pos, &name, &value));
}

/* ---- what routing wants to know ---- */

static void test_info_request(void)
{
    struct http_info info =
        info_of("RPC_OUT_DATA http://mail.example.test/RPC/RpcProxy.DLL?mbx1.example.test:6001 HTTP/1.0\r\n"
                "Host: mail.example.test\r\n"
                "user-agent: MSRPC\r\n"
                "Content-Length: 76\r\n"
                "Expect: 100-Continue\r\n"
                "Connection: Keep-Alive, Close\r\n"
                "Pragma: No-cache\r\n"
                "Pragma: ResourceTypeUuid=44e265dd-7daf-42cd-8560-3cdb6e7a2729, SessionId=0d5c5c5c-0000\r\n"
                "pragma: MinConnTimeout=90\r\n"
                "Cookie: OutlookSession=\"{0AB-1}\"; BIGipServerx=1677787402.36895.0000\r\n"
                "client-request-id: {c}\r\n"
                "Authorization: Basic YTpi\r\n\r\n");
    CHECK(info.is_request);
    CHECK_INT(info.method, HTTP_RPC_OUT_DATA);
    CHECK_INT(info.version_minor, 0);
    CHECK(info.has_target && !info.v1);
    CHECK_STR(info.target, "mbx1.example.test:6001");
    CHECK_STR(info.host, "mail.example.test");
    CHECK_STR(info.user_agent, "MSRPC");
    CHECK_INT(info.content_length, 76);
    CHECK(info.expect_continue && info.close && !info.chunked);
    CHECK_STR(info.session_id, "0d5c5c5c-0000");
    CHECK_INT(info.min_conn_timeout, 90);
    CHECK_STR(info.outlook_session, "0AB-1");
    CHECK_STR(info.persistence_name, "BIGipServerx");
    CHECK_STR(info.persistence_server, "10.1.1.100:8080");
    CHECK_STR(info.client_request_id, "{c}");
    CHECK_STR(info.auth.user, "a");
    CHECK(info.auth.final);
}

static void test_methods_and_targets(void)
{
    static const struct {
        const char *line;
        enum http_method method;
        const char *target;
    } cases[] = { { "RPC_IN_DATA /rpc/rpcproxy.dll?s:6001", HTTP_RPC_IN_DATA, "s:6001" },
                  { "RPC_IN_DATA /rpcwithcert/rpcproxy.dll?s:6001", HTTP_RPC_IN_DATA, "s:6001" },
                  { "RPC_IN_DATA /rpc/rpcproxy.dll", HTTP_RPC_IN_DATA, NULL },
                  { "RPC_IN_DATA /rpc/rpcproxy.dll?", HTTP_RPC_IN_DATA, NULL },
                  { "RPC_IN_DATA /rpc/other.dll?s:6001", HTTP_RPC_IN_DATA, NULL },
                  { "RPC_IN_DATA /rpc/rpcproxy.dll?s:6001 &x", HTTP_RPC_IN_DATA, "s:6001 &x" },
                  { "RPC_IN_DATA /rpc/rpcproxy.dll?a@b:6001?c", HTTP_RPC_IN_DATA, "a@b:6001?c" },
                  { "RPC_CONNECT /rpc/rpcproxy.dll?s:593", HTTP_RPC_CONNECT, "s:593" },
                  { "CONNECT mail:443", HTTP_CONNECT, NULL },
                  { "HEAD /", HTTP_HEAD_METHOD, NULL },
                  { "rpc_in_data /", HTTP_OTHER_METHOD, NULL },
                  { "RDG_IN_DATA /", HTTP_OTHER_METHOD, NULL },
                  { "GET ?", HTTP_OTHER_METHOD, NULL } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[200];
        snprintf(text, sizeof(text), "%s HTTP/1.1\r\n\r\n", cases[i].line);
        struct http_info info = info_of(text);
        CHECK_INT(info.method, cases[i].method);
        CHECK_INT(info.has_target, cases[i].target != NULL);
        CHECK_STR(info.target, cases[i].target ? cases[i].target : "");
        CHECK_INT(info.v1, cases[i].method == HTTP_RPC_CONNECT);
        CHECK_INT(info.content_length, -1);
    }
}

/* Of two the first counts, however short. */
static void test_first_counts(void)
{
    struct http_info info =
        info_of("GET / HTTP/1.1\r\nPragma: SessionId=x, SessionId=yy\r\nPragma: SessionId=z\r\n"
                "Cookie: OutlookSession=a; OutlookSession=bb; SERVERID=s; SRV=t\r\nHost: h\r\nHost: i\r\n"
                "User-Agent: u\r\nUser-Agent: v\r\nclient-request-id: c\r\nclient-request-id: d\r\n\r\n");
    CHECK_STR(info.session_id, "x");
    CHECK_STR(info.outlook_session, "a");
    CHECK_STR(info.persistence_name, "SERVERID");
    info = info_of("HTTP/1.1 401 x\r\nX-FEServer: a\r\nX-FEServer: b\r\nServer: c\r\nServer: d\r\nVia: e\r\nVia: f\r\n"
                   "request-id: g\r\nrequest-id: h\r\nX-DiagInfo: i\r\nX-DiagInfo: j\r\nX-FailureContext: k\r\n"
                   "X-FailureContext: l\r\nSet-Cookie: SERVERID=m\r\nSet-Cookie: SRV=n\r\n\r\n");
    CHECK_STR(info.persistence_name, "SERVERID");
    CHECK_STR(info.front_end, "a");
    /* What anybody may write says nothing of who did. */
    info = info_of("HTTP/1.1 200 x\r\nHost: a\r\nUser-Agent: b\r\nrequest-id: c\r\nclient-request-id: d\r\n\r\n");
    CHECK_INT(info.author, HTTP_BY_UNKNOWN);
}

static void test_content_length(void)
{
    static const struct {
        const char *fields;
        long long length;
    } cases[] = { { "Content-Length: 1073741824", 1073741824 },
                  { "Content-Length: 9223372036854775807", INT64_MAX },
                  { "Content-Length: 9223372036854775808", -1 },
                  { "Content-Length: 99999999999999999999999", -1 },
                  { "Content-Length: -1", -1 },
                  { "Content-Length: 5x", -1 },
                  { "Content-Length:", -1 },
                  { "Content-Length: 5\r\nContent-Length: 5", 5 },
                  { "Content-Length: 5\r\nContent-Length: 6", -1 },
                  { "Content-Length: 5\r\nContent-Length: 6\r\nContent-Length: 5", -1 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[200];
        snprintf(text, sizeof(text), "RPC_IN_DATA / HTTP/1.1\r\n%s\r\n\r\n", cases[i].fields);
        CHECK_INT(info_of(text).content_length, cases[i].length);
    }
}

static void test_info_response(void)
{
    struct http_info info = info_of("HTTP/1.1 401 Unauthorized\r\n"
                                    "request-id: r1\r\n"
                                    "X-FEServer: CAS1\r\n"
                                    "X-FailureContext: FrontEnd;401;abc=\r\n"
                                    "X-DiagInfo: MBX1\r\n"
                                    "Server: Microsoft-IIS/10.0\r\n"
                                    "Set-Cookie: SERVERID=s1; path=/\r\n"
                                    "WWW-Authenticate: Negotiate\r\n"
                                    "Via: 1.1 lb\r\n"
                                    "Transfer-Encoding: gzip, chunked\r\n\r\n");
    CHECK(!info.is_request);
    CHECK_INT(info.status, 401);
    CHECK(info.offers_auth && !info.challenge_in_progress);
    CHECK_STR(info.front_end, "CAS1");
    CHECK_STR(info.failure_context, "FrontEnd;401;abc=");
    CHECK_STR(info.diag_info, "MBX1");
    CHECK_STR(info.request_id, "r1");
    CHECK_STR(info.server_header, "Microsoft-IIS/10.0");
    CHECK_STR(info.via, "1.1 lb");
    CHECK_STR(info.persistence_name, "SERVERID");
    CHECK_STR(info.persistence_server, "SERVERID=0851b8c9");
    CHECK(info.chunked);
    CHECK_INT(info.author, HTTP_BY_BACK_END);

    char text[1400];
    struct bytes b = challenge("MBX1", "mbx1.example.test");
    snprintf(text, sizeof(text), "HTTP/1.1 401 x\r\nwww-authenticate: %s\r\n\r\n", encode("NTLM", &b));
    info = info_of(text);
    CHECK(info.challenge_in_progress && info.offers_auth);
    CHECK_STR(info.challenge_server, "mbx1.example.test");
    CHECK_INT(info_of("HTTP/1.1 407 x\r\nProxy-Authenticate: NTLM\r\n\r\n").offers_auth, 1);

    CHECK(info_of("HTTP/1.1 200 x\r\nContent-Type: application/rpc\r\n\r\n").content_type_rpc);
    CHECK(info_of("HTTP/1.1 200 x\r\nContent-Type: Application/RPC ; a=b\r\n\r\n").content_type_rpc);
    CHECK(!info_of("HTTP/1.1 200 x\r\nContent-Type: application/rpcx\r\n\r\n").content_type_rpc);
    /* What is long is cut, and what is no text is replaced. */
    memset(text, 'v', 200);
    memcpy(text, "HTTP/1.1 200 x\r\nVia: a\tb\xFF", 25);
    strcpy(text + 200, "\r\n\r\n");
    info = info_of(text);
    CHECK_INT(strlen(info.via), 63);
    CHECK(memcmp(info.via, "a?b\xC3\xBFv", 6) == 0);
}

/* The page of a response, and what its words say. */
static void test_page(void)
{
    static const char page[] = "<html><head><title>413</title></head><center>nginx</center>";
    struct http_info info = info_of("HTTP/1.1 413 x\r\nServer: nginx\r\nX-CasErrorCode: a\r\n\r\n");
    CHECK_INT(info.author, HTTP_BY_FRONT_END);
    CHECK_STR(info.cas_error, "a");
    http_info_page(&info, span_of((const uint8_t *)page, strlen(page)));
    CHECK_INT(info.author, HTTP_BY_DEVICE);
    CHECK_STR(info.page.product, "nginx");
    CHECK_STR(info.page.title, "413");
    info = info_of("HTTP/1.1 413 x\r\nContent-Encoding: gzip\r\n\r\n");
    http_info_page(&info, span_of((const uint8_t *)page, strlen(page)));
    CHECK_INT(info.author, HTTP_BY_UNKNOWN);
    CHECK_STR(info.page.title, "");
}

static void test_rpc_error(void)
{
    struct http_info info = info_of("HTTP/1.0 503 RPC Error: 6ba, EEInfo: AQID\r\n\r\n");
    CHECK(info.rpc_error);
    CHECK_INT(info.rpc_error_code, 0x6BA);
    CHECK_STR(info.ee_info, "AQID");
    info = info_of("HTTP/1.0 503 RPC Error: 0xFFFFFFFF\r\n\r\n");
    CHECK(info.rpc_error);
    CHECK_INT(info.rpc_error_code, 0xFFFFFFFF);
    CHECK_STR(info.ee_info, "");
    CHECK(!info_of("HTTP/1.0 503 RPC Error: 1FFFFFFFF\r\n\r\n").rpc_error);
    CHECK(!info_of("HTTP/1.0 503 RPC Error: \r\n\r\n").rpc_error);
    CHECK(!info_of("HTTP/1.0 503 Service Unavailable\r\n\r\n").rpc_error);
    CHECK(!info_of("HTTP/1.0 500 RPC Error: 5\r\n\r\n").rpc_error);
    CHECK_STR(http_rpc_error_name(0x6BA), "RPC_S_SERVER_UNAVAILABLE");
    CHECK_STR(http_rpc_error_name(0x6BB), "RPC_S_SERVER_TOO_BUSY");
    CHECK_STR(http_rpc_error_name(5), "ERROR_ACCESS_DENIED");
    CHECK_STR(http_rpc_error_name(1729), "RPC_S_PROXY_ACCESS_DENIED");
    CHECK_STR(http_rpc_error_name(1820), "RPC_S_COMM_FAILURE");
    CHECK_STR(http_rpc_error_name(1833), "RPC_S_COOKIE_AUTH_FAILED");
    CHECK_STR(http_rpc_error_name(0xFFFFFFFF), NULL);
}

/* ---- chunks ---- */

/* Feeds text in pieces of the given size and joins the data. */
static size_t unchunk(const char *text, size_t piece, char *out, struct http_chunks *chunks)
{
    size_t used = 0, total = strlen(text);
    out[0] = '\0';
    http_chunks_init(chunks);
    while (used < total && chunks->state != HTTP_CHUNK_DONE && chunks->state != HTTP_CHUNK_BAD) {
        struct span data;
        size_t len = piece < total - used ? piece : total - used;
        size_t step = http_chunks_next(chunks, (const uint8_t *)text + used, len, &data);
        strncat(out, (const char *)data.ptr, data.len);
        used += step;
        if (step == 0) {
            break;
        }
    }
    return used;
}

static void test_chunks(void)
{
    static const struct {
        const char *text, *data;
        int state;
        size_t used;
    } cases[] = { { "5\r\nhello\r\n0\r\n\r\nHTTP", "hello", HTTP_CHUNK_DONE, 15 },
                  { "5\nhello\n0\n\nx", "hello", HTTP_CHUNK_DONE, 11 },
                  { "5;a=\"b\"\r\nhello\r\n00A \r\n0123456789\r\n000\r\nT: x\r\n\r\n", "hello0123456789",
                    HTTP_CHUNK_DONE, 47 },
                  { "1\r\na\r\nB\r\n01234567890", "a01234567890", HTTP_CHUNK_DATA_END, 20 },
                  { "5\r\nhel", "hel", HTTP_CHUNK_DATA, 6 },
                  { "5\r\nhelloX", "hello", HTTP_CHUNK_BAD, 8 },
                  { "5\r\nhello\r\r\n", "hello", HTTP_CHUNK_BAD, 9 },
                  { "\r\n", "", HTTP_CHUNK_BAD, 0 },
                  { "\n", "", HTTP_CHUNK_BAD, 0 },
                  { "x", "", HTTP_CHUNK_BAD, 0 },
                  { ";\r\n", "", HTTP_CHUNK_BAD, 0 },
                  { "FFFFFFFFFFFFFFFFF", "", HTTP_CHUNK_BAD, 15 },
                  { "7FFFFFFFFFFFFFF\r\na", "a", HTTP_CHUNK_DATA, 18 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t piece = 1; piece <= 60; piece++) {
            struct http_chunks chunks;
            char out[64];
            size_t used = unchunk(cases[i].text, piece, out, &chunks);
            CHECK_STR(out, cases[i].data);
            CHECK_INT(chunks.state, cases[i].state);
            CHECK_INT(used, cases[i].used);
        }
    }
    struct http_chunks chunks;
    struct span data;
    static uint8_t line[5000];
    /* Of an extension, 4096 bytes are read, and none more. */
    for (size_t len = 4095; len <= 4097; len++) {
        http_chunks_init(&chunks);
        memset(line, ' ', sizeof(line));
        line[0] = '1';
        http_chunks_next(&chunks, line, len + 1, &data);
        CHECK_INT(chunks.state, len > 4096 ? HTTP_CHUNK_BAD : HTTP_CHUNK_SIZE);
    }
    http_chunks_init(&chunks);
    http_chunks_next(&chunks, line, sizeof(line), &data);
    CHECK_INT(chunks.state, HTTP_CHUNK_BAD);
    CHECK_INT(http_chunks_next(&chunks, line, sizeof(line), &data), 0);
    http_chunks_init(&chunks);
    memset(line, '0', sizeof(line));
    http_chunks_next(&chunks, line, sizeof(line), &data);
    CHECK_INT(chunks.state, HTTP_CHUNK_BAD);
}

static uint32_t chance(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

/* Bytes in which heads, halves of heads and what looks like them are frequent. */
static size_t make_heads(uint32_t *seed, uint8_t *p, size_t room)
{
    static const char *const parts[] = { "G",    "GET ", "/",  " HTTP/1.1", "HTTP/1.0 200 OK", "\r\n",    "\n", "\r",
                                         "a: b", " ",    "\1", "\n\n",      "\r\n\r\n",        "HTTP/1.", "\t" };
    size_t len = 0;
    for (uint32_t n = 1 + chance(seed, 14); n > 0; n--) {
        const char *part = parts[chance(seed, sizeof(parts) / sizeof(parts[0]))];
        if (len + strlen(part) <= room) {
            memcpy(p + len, part, strlen(part));
            len += strlen(part);
        }
    }
    return len;
}

static void test_search(void)
{
    uint32_t seed = 1;
    struct http_head head;
    unsigned differ = 0;
    for (unsigned turn = 0; turn < 60000; turn++) {
        uint8_t bytes[96];
        const size_t len = make_heads(&seed, bytes, sizeof(bytes));
        const size_t until = 1 + chance(&seed, (uint32_t)len);
        size_t first = 1;
        while (first < until && http_head_parse(bytes + first, len - first, &head) == HTTP_HEAD_NOT) {
            first++;
        }
        differ += http_head_search(bytes, len, until) != first;
    }
    CHECK_INT(differ, 0);
}

/* In pieces a head is what it is as a whole, at the piece that decides it. */
static void test_pieces(void)
{
    uint32_t seed = 2;
    unsigned differ = 0;
    for (unsigned turn = 0; turn < 60000; turn++) {
        uint8_t bytes[96];
        const size_t len = make_heads(&seed, bytes, sizeof(bytes));
        struct http_head_scan scan;
        struct http_head whole, head;
        memset(&scan, 0, sizeof(scan));
        for (size_t have = 0; have <= len; have += 1 + chance(&seed, 9)) {
            const enum http_head_result result = http_head_resume(&scan, bytes, have, &head);
            const enum http_head_result expected = http_head_parse(bytes, have, &whole);
            differ += result != expected || scan.seen > have;
            if (result != HTTP_HEAD_MORE) {
                differ += result == HTTP_HEAD_OK && memcmp(&head, &whole, sizeof(head)) != 0;
                break;
            }
        }
    }
    CHECK_INT(differ, 0);
}

int main(void)
{
    test_search();
    test_pieces();
    test_request();
    test_response();
    test_no_head();
    test_head_limit();
    test_fields();
    test_basic();
    test_ntlm();
    test_negotiate_and_bearer();
    test_challenge();
    test_persistence();
    test_cookie_list();
    test_info_request();
    test_methods_and_targets();
    test_first_counts();
    test_content_length();
    test_info_response();
    test_page();
    test_rpc_error();
    test_chunks();
    transcript_end(__FILE__);
    return unit_end();
}
