/* test_head_damage.c
 * All that heads say, of heads that have every line we read; and what is said of them cut, or with a byte changed, of which
 * there is a digest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "author.h"
#include "date.h"
#include "exchange_cookies.h"
#include "follow.h"
#include "info.h"
#include "product.h"
#include "transcript.h"
#include "unit.h"
#include "veil.h"

#include <stdlib.h>

static const char *const heads[] = {
    "RPC_IN_DATA /rpc/rpcproxy.dll?ex1.example.test:6001 HTTP/1.1\r\nAccept: application/rpc\r\nUser-Agent: MSRPC\r\n"
    "Host: mail.example.test:443\r\nContent-Length: 1073741824\r\nConnection: Keep-Alive\r\n"
    "Pragma: MinConnTimeout=1800, SessionId=0123abcd\r\nPragma: ResourceTypeUuid=44e265dd\r\n"
    "Cookie: OutlookSession=\"{C0FFEE00-1111-2222-3333-444455556666}\"; SERVERID=s1; MRHSession=0123; a=b\r\n"
    "Authorization: Basic RVhBTVBMRVxhbGljZTpwdw==\r\n\r\n",
    "RPC_OUT_DATA /rpcwithcert/RPCPROXY.DLL?[2001:db8::1]:593 HTTP/1.0\r\nHost: x\r\nExpect: 100-continue\r\n"
    "Content-Length: 76\r\nConnection: close, te\r\nProxy-Authorization: NTLM TlRMTVNTUAADAAAA\r\n\r\n",
    "POST https://mail.example.test/mapi/emsmdb/?MailboxId=m@example.test HTTP/1.1\r\nHost: mail.example.test\r\n"
    "Content-Type: application/mapi-http\r\nX-RequestType: Execute\r\nX-RequestId: {A}:1\r\nX-ClientInfo: {B}:2\r\n"
    "X-ClientApplication: Outlook/16.0.15928.20006\r\nX-User-Identity: alice@example.test\r\nclient-request-id: c1\r\n"
    "X-Forwarded-For: 192.0.2.7, 10.0.0.4\r\nTransfer-Encoding: gzip, chunked\r\n"
    "User-Agent: Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.15928; Pro)\r\n"
    "Cookie: MapiContext=MAPIAAAAAO2o7q+Cx5+8jr6MvpOjl7qKuJipmqCVoJqqm8Hi0+bR5NTl1+TS5YQVAAAAAAAA; MapiSequence=1-AbCdEg==;"
    " X-BackEndCookie=S-1-5-21=u56Lnp2ejJqBy5vGysrHxs/Sysicy9LLyJvP0saZnM/SyMuczc2dm8ubgYHNz83M0s/H0s7Mq87HxcvKxcrG\r\n\r\n",
    "HTTP/1.1 200 OK\r\nServer: Microsoft-IIS/10.0\r\nContent-Type: application/mapi-http\r\nX-ServerApplication: "
    "Exchange/15.02.1118.040\r\nX-ResponseCode: 0\r\nX-PendingPeriod: 15000\r\nX-ExpirationInfo: 900000\r\nX-ElapsedTime: 12\r\n"
    "X-FEServer: FE1\r\nX-BEServer: EX1\r\nX-CalculatedBETarget: ex1.example.test\r\nX-CalculatedFETarget: fe2\r\n"
    "X-DiagInfo: EX1\r\nrequest-id: r1\r\nPersistent-Auth: true\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
    "Set-Cookie: MapiContext=x; path=/mapi; secure; HttpOnly\r\nSet-Cookie: NSC_x=y; Max-Age=0; domain=z\r\n"
    "Keep-Alive: timeout=5, max=100\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n",
    "HTTP/1.1 401 Unauthorized\r\nServer: Microsoft-HTTPAPI/2.0\r\nWWW-Authenticate: Negotiate\r\n"
    "WWW-Authenticate: NTLM TlRMTVNTUAACAAAAAAAAADgAAAA1goniASNFZ4mrze8AAAAAAAAAAAAAAAA4AAAA\r\n"
    "WWW-Authenticate: Bearer realm=\"x\", error=\"invalid_token\", error_description=\"too old\"\r\n"
    "WWW-Authenticate: Basic realm=\"mail, of all\"\r\nProxy-Authenticate: Digest nonce=\"1\"\r\n"
    "x-ms-diagnostics: 2000003;reason=\"no\";error_category=\"x\"\r\nX-OWA-Version: 15.2\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 503 RPC Error: 6ba, EEInfo: AQAAAAQABg==\r\nVia: 1.1 lb.example.test (squid)\r\n"
    "Server: BigIP\r\nX-FailureContext: FrontEnd;503;abc;def\r\nX-BackendHttpStatus: 503\r\nX-CasErrorCode: ServerNotFound\r\n"
    "Location: /owa/auth/logon.aspx?url=x\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 502 Bad Gateway\nServer: nginx/1.2\nContent-Type: text/html\nContent-Length: 7\n\n",
    "\r\nCONNECT gw.example.test:443 HTTP/1.1\r\nProxy-Authorization: Basic YTpi\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost:\r\n folded\r\nX: y\r\n\r\n",
    "RPC_CONNECT 10.0.0.81:593 HTTP/1.1\r\nHost: x\r\n\r\n",
};

static const char *const pages[] = {
    "<html><head><title>Runtime &amp; Error</title></head><body>x</body></html>",
    "<!DOCTYPE html><HTML><BODY><h1>503 Service Unavailable</h1>\r\nNo server is available to handle this request.\r\n",
    "<html><body><h2>Bad Gateway</h2><hr><p>HTTP Error 502.</p></body></html>",
    "Fiddler - the socket connection failed",
    "The protocol is disabled for this mailbox. Client access rules. The request body is too large.",
};

static void show_span(const char *name, struct span span)
{
    transcript("  %s %d '%.*s'", name, span.ptr != NULL, (int)(span.len < 300 ? span.len : 300),
               span.ptr ? (const char *)span.ptr : "");
}

static void show_values(const struct http_fields *fields)
{
    struct http_lines lines = fields->cookies;
    struct span sent, value, name, one;
    while (http_lines_next(fields->head, "Cookie", &lines, &sent, &value)) {
        size_t pos = 0;
        while (http_cookie_next(value, &pos, &name, &one)) {
            char server[HTTP_NAME_MAX] = "", back[HTTP_BACKEND_COOKIE_MAX] = "";
            struct exch_context context = { .server = "" };
            uint32_t counter = 0;
            const bool persists = http_persistence_server(name, one, server);
            const bool is_back = http_backend_cookie(one, back), is_context = exch_context_decode(one, &context);
            const bool is_sequence = exch_sequence_decode(one, &counter);
            show_span("cookie", name);
            transcript("  %08x %d %s %d %s %d %s %s %s %llu %d %u balancer %d device %d", http_value_mark(one),
                       persists, server, is_back, back, is_context, context.server, context.time, context.number,
                       (unsigned long long)context.counter, is_sequence, counter, exch_is_balancer_cookie(name),
                       exch_is_device_cookie(name));
        }
    }
    const struct http_product product = http_product_read(fields->client_application);
    const struct endpoint forwarded = http_forwarded_for(fields->forwarded_for);
    char address[ADDRESS_TEXT_MAX];
    int64_t seconds = -1;
    const bool dated = http_date_decode(fields->date, &seconds);
    address_format(&forwarded, address);
    show_span("product", product.name);
    transcript("  version %llx outlook %llx for %s date %d %lld", (unsigned long long)product.version,
               (unsigned long long)http_outlook_version(fields->user_agent), address, dated, (long long)seconds);
}

static void show_head(const struct http_head *head)
{
    static const char *const named[] = { "Host", "Server", "Connection", "X: y" };
    static struct http_info info;
    struct http_fields fields;
    struct http_origin origin;
    struct http_body body;
    struct span value;
    http_fields_read(head, &fields);
    http_info_decode(head, &info);
    http_origin_of(&fields, NULL, &origin);
    http_body_begin(&body, &fields, fields.chunked, false);
    show_span("method", head->method);
    show_span("uri", head->uri);
    show_span("reason", head->reason);
    transcript("  request %d status %u minor %u length %u body %lld %d %d %d", head->is_request, head->status,
               head->version_minor, (unsigned)head->length, (long long)fields.content_length, fields.chunked,
               fields.close, body.framing);
    const struct span spans[] = { fields.host,
                                  fields.user_agent,
                                  fields.content_type,
                                  fields.expect,
                                  fields.location,
                                  fields.server,
                                  fields.via,
                                  fields.connection,
                                  fields.transfer_encoding,
                                  fields.keep_alive,
                                  fields.forwarded_for,
                                  fields.content_encoding,
                                  fields.authorization,
                                  fields.persistent_auth,
                                  fields.request_type,
                                  fields.x_request_id,
                                  fields.client_info,
                                  fields.client_application,
                                  fields.response_code,
                                  fields.pending_period,
                                  fields.expiration_info,
                                  fields.elapsed_time,
                                  fields.user_identity,
                                  fields.client_request_id,
                                  fields.request_id,
                                  fields.front_end,
                                  fields.back_end,
                                  fields.back_end_target,
                                  fields.front_end_target,
                                  fields.back_end_status,
                                  fields.failure_context,
                                  fields.diag_info,
                                  fields.cas_error,
                                  fields.owa_version,
                                  fields.diagnostics,
                                  fields.server_application };
    for (size_t i = 0; i < COUNT_OF(spans); i++) {
        if (spans[i].ptr) {
            transcript("  field %u '%.*s'", (unsigned)i, (int)spans[i].len, (const char *)spans[i].ptr);
        }
    }
    for (size_t i = 0; i < COUNT_OF(named); i++) {
        transcript("  finds %s %d", named[i], http_head_find(head, named[i], &value));
    }
    show_values(&fields);
    transcript("  method %d length %lld chunked %d close %d expect %d rpc %d text %d target %d %s v1 %d host %s",
               info.method, (long long)info.content_length, info.chunked, info.close, info.expect_continue,
               info.content_type_rpc, info.content_type_text, info.has_target, info.target, info.v1, info.host);
    transcript("  session %s %s agent %s timeout %u auth %d %d %d %d %d %s proxy %d offers %d progress %d challenge %s",
               info.outlook_session, info.session_id, info.user_agent, info.min_conn_timeout, info.auth.scheme,
               info.auth.step, info.auth.final, info.auth.anonymous, info.auth.is_kerberos, info.auth.user,
               info.proxy_final, info.offers_auth, info.challenge_in_progress, info.challenge_server);
    transcript(
        "  front %s context %s diag %s ids %s %s server %s via %s persists %s %s device %d error %d %x %s author %d "
        "cas %s type %s",
        info.front_end, info.failure_context, info.diag_info, info.request_id, info.client_request_id,
        info.server_header, info.via, info.persistence_name, info.persistence_server, info.device_cookie,
        info.rpc_error, info.rpc_error_code, info.ee_info, info.author, info.cas_error, info.content_type);
    transcript("  origin %d %s passed %d %s %s %s %s", origin.author, origin.product ? origin.product : "-",
               origin.passed_on, origin.front_end, origin.server, origin.via, origin.cas_error);
    for (size_t i = 0; i < COUNT_OF(pages) && !head->is_request; i++) {
        http_info_page(&info, span_of((const uint8_t *)pages[i], strlen(pages[i])));
        transcript("  page %d %s %s words %u author %d", info.page.writer, info.page.product ? info.page.product : "-",
                   info.page.title, info.page.words, info.author);
    }
}

/* Bytes as they may come: whole and in two pieces it is the same. */
static void show(const uint8_t *bytes, size_t len, size_t cut)
{
    struct http_head head, again;
    struct http_head_scan scan = { .seen = 0 };
    uint8_t *copy = malloc(len ? len : 1); /* a sanitizer sees a read past the end */
    memcpy(copy, bytes, len);
    const enum http_head_result result = http_head_parse(copy, len, &head);
    enum http_head_result resumed = cut < len ? http_head_resume(&scan, copy, cut, &again) : HTTP_HEAD_MORE;
    if (resumed == HTTP_HEAD_MORE) {
        resumed = http_head_resume(&scan, copy, len, &again);
    }
    CHECK(resumed == result || cut < len);
    transcript("%d %d search %u", result, resumed, (unsigned)http_head_search(copy, len, len));
    if (result == HTTP_HEAD_OK) {
        show_head(&head);
        http_veil_secrets(copy, len);
        transcript("  veiled '%.*s'", (int)(len < 3000 ? len : 3000), (const char *)copy);
    }
    free(copy);
}

static void damage(const uint8_t *bytes, size_t len, const char *title, void (*look)(const uint8_t *, size_t, size_t))
{
    static const uint8_t by[] = { 1, 0xFF, 0x20, 0xE0 };
    static uint8_t copy[4096];
    transcript_fold();
    for (size_t cut = 0; cut < len; cut++) {
        look(bytes, cut, cut / 2);
        memcpy(copy, bytes, cut); /* without that byte */
        memcpy(copy + cut, bytes + cut + 1, len - cut - 1);
        look(copy, len - 1, cut);
    }
    transcript_unfold(title);
    transcript_fold();
    for (size_t at = 0; at < len; at++) {
        for (size_t i = 0; i < COUNT_OF(by); i++) {
            memcpy(copy, bytes, len);
            copy[at] = (uint8_t)(copy[at] + by[i]);
            look(copy, len, at);
        }
    }
    transcript_unfold("    changed");
}

static void show_page(const uint8_t *bytes, size_t len, size_t cut)
{
    struct http_page page;
    (void)cut;
    http_page_read(span_of(bytes, len), &page);
    transcript("%d %s %u %s", page.writer, page.product ? page.product : "-", page.words, page.title);
}

static void show_chunks(const uint8_t *bytes, size_t len, size_t cut)
{
    struct http_chunks chunks;
    struct span data;
    size_t at = 0;
    http_chunks_init(&chunks);
    while (at < len && chunks.state != HTTP_CHUNK_DONE && chunks.state != HTTP_CHUNK_BAD) {
        const size_t end = at < cut && cut < len ? cut : len;
        const size_t used = http_chunks_next(&chunks, bytes + at, end - at, &data);
        at += used;
        transcript("%u of %u: %.*s", (unsigned)used, chunks.state, (int)data.len,
                   data.ptr ? (const char *)data.ptr : "");
        if (used == 0) {
            break;
        }
    }
    transcript("state %u left %llu", chunks.state, (unsigned long long)chunks.left);
}

int main(void)
{
    static const char chunked[] = "5;x=\"y\"\r\nhello\r\n00A\r\n0123456789\r\n0\r\nX: y\r\nZ: a\r\n\r\nmore";
    static const char lines[] = "1\na\n0\n\n";
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        const uint8_t *bytes = (const uint8_t *)heads[i];
        const size_t len = strlen(heads[i]);
        transcript("== head %u", (unsigned)i);
        show(bytes, len, len / 2);
        damage(bytes, len, "    cut", show);
    }
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        transcript("== page %u", (unsigned)i);
        show_page((const uint8_t *)pages[i], strlen(pages[i]), 0);
        damage((const uint8_t *)pages[i], strlen(pages[i]), "    cut", show_page);
    }
    show_chunks((const uint8_t *)chunked, sizeof(chunked) - 1, 0);
    damage((const uint8_t *)chunked, sizeof(chunked) - 1, "chunks", show_chunks);
    damage((const uint8_t *)lines, sizeof(lines) - 1, "chunks", show_chunks);
    transcript_end(__FILE__);
    return unit_end();
}
