/* test_answer.c
 * Statuses, authors and what is known besides: whose doing, and which advice.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "answer.h"
#include "unit.h"

static void test_rows(void)
{
    static const struct {
        struct answer answer;
        enum verdict_where where;
        const char *inferred, *next;
    } rows[] = {
        { { ANSWER_MAPI, HTTP_BY_HTTPSYS, 503, 0, 0, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "application pool for /mapi",
          "httperr" },
        { { ANSWER_RPCH, HTTP_BY_BACK_HTTPSYS, 503, 0, 0, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "application pool for /rpc",
          "httperr" },
        { { ANSWER_MAPI, HTTP_BY_HTTPSYS, 400, 0, 0, FRONT_SAYS_NOTHING },
          WHERE_UNKNOWN,
          "did not accept the request as it came",
          "httperr" },
        { { ANSWER_MAPI, HTTP_BY_GATEWAY, 502, 0, 0, FRONT_SAYS_NOTHING },
          WHERE_DEVICE,
          "did not reach",
          "health checks" },
        { { ANSWER_MAPI, HTTP_BY_GATEWAY, 504, ANSWER_ROUND, 0, FRONT_SAYS_NOTHING },
          WHERE_DEVICE,
          "time-out of its own",
          "NotificationWait" },
        { { ANSWER_RPCH, HTTP_BY_DEVICE, 503, 0, 0, FRONT_SAYS_NOTHING },
          WHERE_DEVICE,
          "did not reach",
          "health checks" },
        { { ANSWER_RPCH, HTTP_BY_UNKNOWN, 503, 0, 0, FRONT_SAYS_NOTHING }, WHERE_UNKNOWN, "could not serve", "log" },
        { { ANSWER_RPCH, HTTP_BY_UNKNOWN, 404, ANSWER_IN, 0, FRONT_SAYS_NOTHING },
          WHERE_UNKNOWN,
          "not served",
          "publishing" },
        { { ANSWER_RPCH, HTTP_BY_IIS, 404, ANSWER_IN | ANSWER_IN_ALONE, 0, FRONT_SAYS_NOTHING },
          WHERE_UNKNOWN,
          "1 GB body",
          "maxAllowedContentLength" },
        { { ANSWER_RPCH, HTTP_BY_UNKNOWN, 403, ANSWER_IN | ANSWER_IN_ALONE, 0, FRONT_SAYS_NOTHING },
          WHERE_UNKNOWN,
          "1 GB body",
          "size limits" },
        { { ANSWER_RPCH, HTTP_BY_DEVICE, 413, ANSWER_IN, 0, FRONT_SAYS_NOTHING }, WHERE_DEVICE, "1 GB body", "limit" },
        { { ANSWER_RPCH, HTTP_BY_DEVICE, 408, ANSWER_IN | ANSWER_OPEN, 0, FRONT_SAYS_NOTHING },
          WHERE_DEVICE,
          "time that is allowed",
          "reading the request body" },
        { { ANSWER_RPCH, HTTP_BY_DEVICE, 405, 0, 0, FRONT_SAYS_NOTHING },
          WHERE_DEVICE,
          "methods",
          "request filtering" },
        { { ANSWER_RPCH, HTTP_BY_UNKNOWN, 501, 0, 0, FRONT_SAYS_NOTHING },
          WHERE_UNKNOWN,
          "does not know the methods",
          "device" },
        { { ANSWER_RPCH, HTTP_BY_UNKNOWN, 200, 0, 0, FRONT_SAYS_NOTHING }, WHERE_DEVICE, "page", "portals" },
        { { ANSWER_RPCH, HTTP_BY_FRONT_END, 200, 0, 0, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "Exchange sent a page",
          "redirections" },
        { { ANSWER_MAPI, HTTP_BY_UNKNOWN, 200, 0, 0, FRONT_SAYS_NOTHING }, WHERE_UNKNOWN, "page", "portals" },
        { { ANSWER_RPCH, HTTP_BY_FRONT_END, 404, 0, 0, FRONT_NO_MAILBOX },
          WHERE_SERVER,
          "does not know the mailbox",
          "mailbox" },
        { { ANSWER_MAPI, HTTP_BY_FRONT_END, 400, ANSWER_NO_MAILBOX, 0, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "?MailboxId=",
          "Autodiscover" },
        { { ANSWER_MAPI, HTTP_BY_DEVICE, 400, ANSWER_NO_MAILBOX, 0, FRONT_SAYS_NOTHING },
          WHERE_DEVICE,
          "did not accept",
          "filters" },
        { { ANSWER_MAPI, HTTP_BY_BACK_END, 456, 0, 0, FRONT_SAYS_NOTHING }, WHERE_SERVER, "456", "account" },
        { { ANSWER_RPCH, HTTP_BY_UNKNOWN, 457, 0, 0, FRONT_SAYS_NOTHING }, WHERE_UNKNOWN, "expired", "password" },
        { { ANSWER_MAPI, HTTP_BY_FRONT_END, 403, ANSWER_DISABLED, 0, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "disabled",
          "CASMailbox" },
        { { ANSWER_RPCH, HTTP_BY_FRONT_END, 403, ANSWER_CLIENT_RULES, 0, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "client access rules",
          "Get-ClientAccessRule" },
        { { ANSWER_RPCH, HTTP_BY_RPC_PROXY, 503, ANSWER_RPC_ERROR, 0x5, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "access denied",
          "ValidPorts" },
        { { ANSWER_RPCH, HTTP_BY_RPC_PROXY, 503, ANSWER_RPC_ERROR, 0x52E, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "password is wrong",
          "4625" },
        { { ANSWER_RPCH, HTTP_BY_RPC_PROXY, 503, ANSWER_RPC_ERROR, 0x532, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "expired",
          "password" },
        { { ANSWER_RPCH, HTTP_BY_RPC_PROXY, 503, ANSWER_RPC_ERROR, 0x533, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "disabled",
          "account" },
        { { ANSWER_RPCH, HTTP_BY_RPC_PROXY, 503, ANSWER_RPC_ERROR, 0x701, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "expired",
          "account" },
        { { ANSWER_RPCH, HTTP_BY_RPC_PROXY, 503, ANSWER_RPC_ERROR, 0x773, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "must change",
          "account" },
        { { ANSWER_RPCH, HTTP_BY_RPC_PROXY, 503, ANSWER_RPC_ERROR, 0x775, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "locked out",
          "account" },
        { { ANSWER_RPCH, HTTP_BY_RPC_PROXY, 503, ANSWER_RPC_ERROR, 0x6BA, FRONT_SAYS_NOTHING },
          WHERE_SERVER,
          "did not reach the RPC server",
          "ValidPorts" },
        { { ANSWER_RPCH, HTTP_BY_UNKNOWN, 401, ANSWER_TORN, 0, FRONT_SAYS_NOTHING },
          WHERE_UNKNOWN,
          "torn",
          "one server" },
        { { ANSWER_RPCH, HTTP_BY_UNKNOWN, 401, 0, 0, FRONT_SAYS_NOTHING }, WHERE_UNKNOWN, "cannot check", "password" },
        { { ANSWER_RPCH, HTTP_BY_UNKNOWN, 401, ANSWER_OTHERS, 0, FRONT_SAYS_NOTHING },
          WHERE_CLIENT,
          "other users",
          "4625" },
        { { ANSWER_RPCH, HTTP_BY_UNKNOWN, 401, ANSWER_OTHERS | ANSWER_TORN, 0, FRONT_SAYS_NOTHING },
          WHERE_UNKNOWN,
          "torn",
          "one server" },
        { { ANSWER_MAPI, HTTP_BY_UNKNOWN, 407, 0, 0, FRONT_SAYS_NOTHING },
          WHERE_UNKNOWN,
          "not the server",
          "at the proxy" },
        { { ANSWER_MAPI, HTTP_BY_UNKNOWN, 407, ANSWER_UNTRIED, 0, FRONT_SAYS_NOTHING },
          WHERE_DEVICE,
          "does not send any",
          "proxy settings" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct advice advice = answer_advice(&rows[i].answer);
        unit_check(answer_where(&rows[i].answer) == rows[i].where, __FILE__, __LINE__, advice.inferred);
        unit_check(strstr(advice.inferred, rows[i].inferred) != NULL, __FILE__, __LINE__, advice.inferred);
        unit_check(strstr(advice.next, rows[i].next) != NULL, __FILE__, __LINE__, advice.next);
    }
}

/* Whether a list of numbers and ranges, as "200-399 408", has this one. */
static bool has(const char *list, unsigned number)
{
    unsigned from, to;
    int used;
    for (; sscanf(list, " %u%n", &from, &used) == 1; list += used) {
        list += used;
        used = 0;
        to = from;
        sscanf(list, "-%u%n", &to, &used);
        if (number >= from && number <= to) {
            return true;
        }
    }
    return false;
}

/* The statuses, all of them, to which something is said of an answer. */
static void test_statuses(void)
{
    static const struct {
        enum answer_protocol protocol;
        enum http_author author;
        unsigned traits;
        const char *inferred, *statuses;
    } rows[] = {
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_TORN, "may be torn", "401-407" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_KERBEROS, "Kerberos ticket", "401" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_BEARER, "the token was not accepted", "401" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_BOUND, "channel bindings", "401" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, 0, "the credentials were not accepted", "401" },
        { ANSWER_MAPI, HTTP_BY_FRONT_END, ANSWER_DISABLED, "is disabled", "200-406 408-455 458-599" },
        { ANSWER_MAPI, HTTP_BY_FRONT_END, ANSWER_CLIENT_RULES, "client access rules", "200-406 408-455 458-599" },
        { ANSWER_MAPI, HTTP_BY_HTTPSYS, ANSWER_BIG_TOKEN, "Kerberos token is too large", "400" },
        { ANSWER_MAPI, HTTP_BY_HTTPSYS, ANSWER_LONG_HEADERS, "longer than allowed", "400-406 408-431" },
        { ANSWER_MAPI, HTTP_BY_HTTPSYS, 0, "HTTP.sys did not accept", "400-406 408-431" },
        { ANSWER_MAPI, HTTP_BY_FRONT_END, ANSWER_NO_MAILBOX, "?MailboxId=", "400" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_IN | ANSWER_IN_ALONE, "OUT is served at the same address",
          "400 403-405" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_IN, "1 GB body", "400 411-413" },
        { ANSWER_RPCH, HTTP_BY_FRONT_END, ANSWER_IN, "1 GB body", "411-413" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_IN | ANSWER_TOO_LARGE, "1 GB body", "400 402-406 408-455 458-599" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_OPEN, "a channel that was open", "200-400 402-406 409-455 458-599" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, 0, "in the time that is allowed", "408" },
        { ANSWER_MAPI, HTTP_BY_UNKNOWN, 0, "in the time that is allowed", "408" },
        { ANSWER_RPCH, HTTP_BY_BACK_END, 0, "Exchange sent a page", "200" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, 0, "a page from between", "200" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, 0, "a page in the place", "200" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, 0, "was sent to a page", "300-399" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, 0, "was sent to a page", "300-399" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, 0, "are not allowed there", "405" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, 0, "does not know the methods", "501" },
        { ANSWER_RPCH, HTTP_BY_IIS, 0, "rpcproxy.dll is not served", "403-404" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, 0, "a rule of that device", "403" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, 0, "a rule of that device", "403" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, ANSWER_IN | ANSWER_IN_ALONE | ANSWER_WANTS_TLS, "in clear text", "403" },
        { ANSWER_MAPI, HTTP_BY_IIS, ANSWER_WANTS_TLS, "in clear text", "403" },
        { ANSWER_RPCH, HTTP_BY_IIS, ANSWER_IN | ANSWER_IN_ALONE | ANSWER_CERTIFICATE, "client certificate",
          "400 402-403" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, ANSWER_CERTIFICATE, "client certificate", "400-403" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_BARE, "how to log on", "401" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, ANSWER_BARE, "how to log on", "401" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_NOT_OFFERED | ANSWER_OTHERS, "does not offer the scheme", "401" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, 0, "the method is not allowed there", "405" },
        { ANSWER_MAPI, HTTP_BY_IIS, 0, "not published or not served", "403-404" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, 0, "not the server, does not accept", "407" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, ANSWER_UNTRIED, "a proxy on the way", "407" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, 0, "larger than allowed", "413" },
        { ANSWER_MAPI, HTTP_BY_BACK_END, ANSWER_TOO_LARGE, "larger than allowed", "400-406 409-455 458-599" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, 0, "Expect: 100-continue", "417" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, 0, "Expect: 100-continue", "417" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, 0, "too many requests", "429" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, 0, "does not know the method", "501" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, ANSWER_ROUND, "time-out of its own", "502-504" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, ANSWER_PASSED_ON, "had passed the request on", "502-504" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, 0, "did not reach the server", "502-503 520-523" },
        { ANSWER_MAPI, HTTP_BY_GATEWAY, 0, "no answer began in the time", "524" },
        { ANSWER_RPCH, HTTP_BY_GATEWAY, 0, "TLS between the device and the server", "525-526" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, ANSWER_BLOCKED, "a rule of that device",
          "400 402-404 406 409-455 458-500 502-599" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, ANSWER_BLOCKED, "a rule of that device", "400-406 408-455 458-599" },
        { ANSWER_MAPI, HTTP_BY_UNKNOWN, ANSWER_KRB_KEY, "cannot decrypt the ticket", "401" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_KRB_CLOCK | ANSWER_KERBEROS | ANSWER_OTHERS, "the clocks of client",
          "401" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_MODERN, "second factor", "456" },
        { ANSWER_MAPI, HTTP_BY_BACK_END, ANSWER_MODERN, "second factor", "456" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, ANSWER_CIRCLE, "leads in a circle", "300-399" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_SERVED, "where virtual connections opened before", "403-405" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, ANSWER_SERVED, "where virtual connections opened before", "" },
        { ANSWER_RPCH, HTTP_BY_BACK_END, ANSWER_SERVED, "where virtual connections opened before", "" },
        { ANSWER_MAPI, HTTP_BY_UNKNOWN, ANSWER_SERVED, "as earlier requests of this session show", "403-405" },
        { ANSWER_MAPI, HTTP_BY_DEVICE, ANSWER_SERVED, "as earlier requests of this session show", "" },
        { ANSWER_MAPI, HTTP_BY_FRONT_END, ANSWER_SERVED, "as earlier requests of this session show", "" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, ANSWER_ECHO, "something other than the RPC proxy",
          "0-199 201-299 400 402 406 409-416 418-428 430-455 458-499 600-999" },
        { ANSWER_RPCH, HTTP_BY_UNKNOWN, 0, "its method, RPC_IN_DATA or RPC_OUT_DATA", "400" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, 0, "its method, RPC_IN_DATA or RPC_OUT_DATA", "400" },
        { ANSWER_RPCH, HTTP_BY_BACK_END, 0, "its method, RPC_IN_DATA or RPC_OUT_DATA", "" },
        { ANSWER_RPCH, HTTP_BY_DEVICE, 0, "had no answer in time", "504" },
        { ANSWER_MAPI, HTTP_BY_BACK_END, 0, "nobody was there to serve it", "503" },
        { ANSWER_RPCH, HTTP_BY_BACK_END, 0, "could not serve the channel", "500 502-599" },
        { ANSWER_MAPI, HTTP_BY_BACK_END, 0, "the answering side failed", "500 502 504-599" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned status = 0; status < 1000; status++) {
            const struct answer answer = { rows[i].protocol,  rows[i].author, status, rows[i].traits, 0,
                                           FRONT_SAYS_NOTHING };
            const struct advice advice = answer_advice(&answer);
            if ((strstr(advice.inferred, rows[i].inferred) != NULL) != has(rows[i].statuses, status)) {
                fprintf(stderr, "%u, %s: %s\n", status, rows[i].inferred, advice.inferred);
                CHECK(!"that status");
            }
        }
    }
}

/* What the front end says counts for more than its status, but for credentials and a URL that lacks the mailbox. */
static void test_front_failures(void)
{
    static const struct {
        enum http_front_failure failure;
        unsigned status, traits;
        enum verdict_where where;
        const char *rpch, *mapi, *next;
    } rows[] = {
        { FRONT_NO_MAILBOX, 404, 0, WHERE_SERVER, "none of its mailboxes", "the mailbox of MailboxId",
          "mailbox exists" },
        { FRONT_NO_MAILBOX, 400, ANSWER_NO_MAILBOX, WHERE_SERVER, "none of its mailboxes", "?MailboxId=", "" },
        { FRONT_NO_BACK_END, 500, 0, WHERE_SERVER, "mailbox database", "mailbox database", "DatabaseCopyStatus" },
        { FRONT_NO_TARGET, 404, 0, WHERE_UNKNOWN, "in the URL", "in the URL", "drop the query" },
        { FRONT_NO_DIRECTORY, 500, 0, WHERE_SERVER, "the directory", "the directory", "domain controllers" },
        { FRONT_BUSY, 503, 0, WHERE_SERVER, "as it takes", "as it takes", "answer slowly" },
        { FRONT_UNREACHED, 503, 0, WHERE_SERVER, "did not reach the back end", "did not reach the back end",
          "port 444" },
        { FRONT_TIMED_OUT, 504, 0, WHERE_SERVER, "time was up", "time was up", "its load" },
        { FRONT_BACK_LOGON, 503, 0, WHERE_SERVER, "none of the user's", "none of the user's", "computer accounts" },
        { FRONT_OTHER, 503, 0, WHERE_SERVER, "could not pass", "could not pass", "HttpProxy log" },
        { FRONT_UNREACHED, 456, 0, WHERE_SERVER, "logon module", "logon module", "account" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct answer answer = { ANSWER_RPCH, HTTP_BY_FRONT_END, rows[i].status, rows[i].traits, 0, rows[i].failure };
        CHECK(strstr(answer_advice(&answer).inferred, rows[i].rpch));
        CHECK_INT(answer_where(&answer), rows[i].where);
        answer.protocol = ANSWER_MAPI;
        CHECK(strstr(answer_advice(&answer).inferred, rows[i].mapi));
        CHECK(strstr(answer_advice(&answer).next, rows[i].next));
        CHECK_INT(answer_where(&answer), rows[i].where);
    }
}

/* The traits that words and errors of Kerberos tell of, each of one alone. */
static void test_traits(void)
{
    static const unsigned words[][2] = {
        { WORDS_WANTS_TLS, ANSWER_WANTS_TLS },
        { WORDS_CERTIFICATE, ANSWER_CERTIFICATE },
        { WORDS_LONG_HEADERS, ANSWER_LONG_HEADERS },
        { WORDS_DISABLED, ANSWER_DISABLED },
        { WORDS_BLOCKED, ANSWER_BLOCKED },
        { WORDS_CLIENT_RULES, ANSWER_CLIENT_RULES },
        { WORDS_MODERN, ANSWER_MODERN },
        { WORDS_TOO_LARGE, ANSWER_TOO_LARGE },
    };
    CHECK_INT(answer_words(0), 0);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        CHECK_INT(answer_words(words[i][0]), words[i][1]);
    }
    /* RFC 4120 7.5.9 */
    for (unsigned code = 0; code < 256; code++) {
        const bool key = code == 31 || code == 35 || code == 41 || code == 44 || code == 45;
        const bool clock = code == 32 || code == 33 || code == 37;
        CHECK_INT(answer_krb_error(code), key ? ANSWER_KRB_KEY : clock ? ANSWER_KRB_CLOCK : 0);
    }
    struct text text = { .used = 0 };
    say_krb_error(&text, 0);
    CHECK_INT(text.used, 0);
    say_krb_error(&text, 41);
    CHECK_STR(text.s, ", Kerberos error 41 (KRB_AP_ERR_MODIFIED)");
}

/* Whatever comes, there is a row: of each status, author and protocol. */
static void test_all(void)
{
    for (unsigned status = 0; status < 1000; status++) {
        for (int author = 0; author < HTTP_AUTHORS; author++) {
            for (int protocol = ANSWER_RPCH; protocol <= ANSWER_MAPI; protocol++) {
                const struct answer answer = {
                    (enum answer_protocol)protocol, (enum http_author)author, status, 0, 0, FRONT_SAYS_NOTHING
                };
                CHECK(answer_advice(&answer).next[0] && answer_where(&answer) != WHERE_NONE);
            }
        }
    }
}

int main(void)
{
    test_rows();
    test_statuses();
    test_front_failures();
    test_traits();
    test_all();
    return unit_end();
}
