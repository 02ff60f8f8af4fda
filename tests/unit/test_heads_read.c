/* test_heads_read.c
 * What state reads out of URIs, identifiers and names of users.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "client.h"
#include "client_facts.h"
#include "logon_private.h"
#include "session_private.h"

#include "heap.h"
#include "transcript.h"
#include "unit.h"

static struct span text_span(const char *text)
{
    return span_of((const uint8_t *)text, strlen(text));
}

static const char *text_of(struct span span)
{
    static char text[300];
    snprintf(text, sizeof(text), "%.*s", (int)span.len, span.ptr ? (const char *)span.ptr : "");
    return text;
}

#define CHECK_SPAN(span, text) CHECK_STR(text_of(span), text)

static void test_paths(void)
{
    static const struct {
        const char *uri, *path, *mapi, *query;
        int endpoint;
    } cases[] = { { "/mapi/emsmdb/?x=1", "/mapi/emsmdb/?x=1", "/mapi/emsmdb/", "x=1", 1 },
                  { "/mapi/emsmdb", "/mapi/emsmdb", "/mapi/emsmdb", "", 1 },
                  { "/MAPI/NSPI/sub", "/MAPI/NSPI/sub", "/MAPI/NSPI/sub", "", 2 },
                  { "/mapi/emsmdbx", "/mapi/emsmdbx", "/mapi/emsmdbx", "", 0 },
                  { "/mapi/nspi?", "/mapi/nspi?", "/mapi/nspi", "", 2 },
                  { "https://h/mapi/nspi?y", "/mapi/nspi?y", "/mapi/nspi", "y", 2 },
                  { "HTTP://h:80/a", "/a", "/a", "", 0 },
                  { "https://h", "", "", "", 0 },
                  { "https://", "", "", "", 0 },
                  { "x://h/a", "/a", "x://h/a", "", 0 },
                  { "x:a//b", "x:a//b", "x:a//b", "", 0 },
                  { "x:/a/b", "x:/a/b", "x:/a/b", "", 0 },
                  { "://", "", "://", "", 0 },
                  { ":/", ":/", ":/", "", 0 },
                  { "/a?b=http://c/d", "/a?b=http://c/d", "/a", "b=http://c/d", 0 },
                  { "*", "*", "*", "", 0 },
                  { "", "", "", "", 0 } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct span query = { NULL, 0 };
        const struct span path = mapi_path(text_span(cases[i].uri), &query);
        CHECK_SPAN(uri_path(text_span(cases[i].uri)), cases[i].path);
        CHECK_SPAN(path, cases[i].mapi);
        CHECK_SPAN(query, cases[i].query);
        CHECK_INT(mapi_endpoint(path), cases[i].endpoint);
    }
}

static void test_queries(void)
{
    CHECK_SPAN(mapi_mailbox(text_span("MailboxId=a@b")), "a@b");
    CHECK_SPAN(mapi_mailbox(text_span("x=1&mailboxid=a@b&y")), "a@b");
    CHECK_SPAN(mapi_mailbox(text_span("&&MailboxId=")), "");
    CHECK_SPAN(mapi_mailbox(text_span("xMailboxId=a")), "");
    CHECK_SPAN(mapi_mailbox(text_span("")), "");
    CHECK(mapi_own_mailbox(text_span("useMailboxOfAuthenticatedUser=true")));
    CHECK(mapi_own_mailbox(text_span("x=1&useMailboxOfAuthenticatedUser=")));
    CHECK(!mapi_own_mailbox(text_span("useMailboxOfAuthenticatedUser")));
    CHECK(!mapi_own_mailbox(text_span("")));
}

static void test_numbers(void)
{
    CHECK_INT(mapi_read_number(text_span("0")), 0);
    CHECK_INT(mapi_read_number(text_span(" 15000\t")), 15000);
    CHECK_INT(mapi_read_number(text_span("999999999999999")), 999999999999999);
    CHECK_INT(mapi_read_number(text_span("1000000000000000")), -1);
    CHECK_INT(mapi_read_number(text_span("")), -1);
    CHECK_INT(mapi_read_number(text_span("-1")), -1);
    CHECK_INT(mapi_read_number(text_span("1/")), -1);
    CHECK_INT(mapi_read_number(text_span("1:")), -1);
    CHECK_INT(mapi_kept_ns(text_span("timeout=5, max=100")), 5 * SECOND);
    CHECK_INT(mapi_kept_ns(text_span("max=100,  Timeout=120")), 120 * SECOND);
    CHECK_INT(mapi_kept_ns(text_span("timeout=x")), 0);
    CHECK_INT(mapi_kept_ns(text_span("timeout=")), 0);
    CHECK_INT(mapi_kept_ns(text_span("")), 0);
    CHECK_SPAN(without_counter(text_span("{A}:7")), "{A}");
    CHECK_SPAN(without_counter(text_span("{A}:70")), "{A}");
    CHECK_SPAN(without_counter(text_span("{A}:")), "{A}:");
    CHECK_SPAN(without_counter(text_span("{A}7")), "{A}7");
    CHECK_SPAN(without_counter(text_span(":7")), "");
    CHECK_SPAN(without_counter(text_span("7")), "7");
    CHECK_SPAN(without_counter(text_span("")), "");
    static const char *const bracketed[] = { "{A}", "{}", "{", "}", "", "A", "{A", "A}", "[A]", "<A>", "\"A\"" };
    for (size_t i = 0; i < COUNT_OF(bracketed); i++) {
        transcript("without brackets %s: %s", bracketed[i], text_of(without_brackets(text_span(bracketed[i]))));
    }
}

static void test_request_ids(void)
{
    static const struct {
        const char *text;
        int64_t counter; /* -1: none */
    } cases[] = { { "{A}:7", 7 },
                  { "{A}:4294967295", 4294967295 },
                  { "{A}:4294967296", -1 },
                  { "{A}:", -1 },
                  { "{A}:x", -1 },
                  { ":7", -1 },
                  { "x:7", 7 },
                  { "7", -1 },
                  { "", -1 },
                  { "a:b:9", 9 },
                  { "123456789012345678901234567890123456789012345678901234567890123:1", 1 },
                  { "1234567890123456789012345678901234567890123456789012345678901234:1", -1 } };
    struct heap heap = { NULL, 0 };
    struct arena arena = heap_arena(&heap);
    struct track track;
    track_init(&track, &arena, NULL, NULL);
    struct mapi_state *world = mapi_state_new(&track, logon_state_new(&track));
    struct request_id upper, lower, id = { .counter = 0 };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const bool read = mapi_read_request_id(world, text_span(cases[i].text), &id);
        CHECK(read == (cases[i].counter >= 0));
        CHECK(!read || id.counter == cases[i].counter);
    }
    CHECK(mapi_read_request_id(world, text_span("{ABC}:1"), &upper));
    CHECK(mapi_read_request_id(world, text_span("{abc}:2"), &lower));
    CHECK(upper.guid == lower.guid);
    CHECK(mapi_read_request_id(world, text_span("{abd}:2"), &lower));
    CHECK(upper.guid != lower.guid);
    heap_free(&heap);
}

static void test_users(void)
{
    CHECK_SPAN(client_bare_user("EXAMPLE\\alice (NTLM)"), "EXAMPLE\\alice");
    CHECK_SPAN(client_bare_user("alice (x) (Basic)"), "alice (x)");
    CHECK_SPAN(client_bare_user("alice(NTLM)"), "alice(NTLM)");
    CHECK_SPAN(client_bare_user("alice (NTLM"), "alice (NTLM");
    CHECK_SPAN(client_bare_user("alice"), "alice");
    CHECK_SPAN(client_bare_user("a (b)"), "a");
    CHECK_SPAN(client_bare_user(" (b)"), " (b)");
    CHECK_SPAN(client_bare_user("(b)"), "(b)");
    CHECK_SPAN(client_bare_user(")"), ")");
    CHECK_SPAN(client_bare_user(""), "");
    CHECK_SPAN(client_bare_user(NULL), "");
    static const char *const dns[] = { "/o=x/cn=alice",
                                       "/o=x/cn=0123456789abcdef0123456789ABCDEF-alice",
                                       "/o=x/cn=0123456789abcdef0123456789ABCDEF-",
                                       "/o=x/cn=0123456789abcdef0123456789ABCDEF-a",
                                       "/o=x/cn=0123456789abcdef0123456789ABCDE-alice",
                                       "/o=x/cn=0123456789abcdef0123456789ABCDEF0-alice",
                                       "/o=x/cn=0123456789abcdef0123456789ABCDEF.alice",
                                       "/o=x/CN=a/ou=b/cn=c",
                                       "cn=",
                                       "/o=x",
                                       "" };
    for (size_t i = 0; i < COUNT_OF(dns); i++) {
        transcript("name of %s: %s", dns[i], text_of(client_facts_name(text_span(dns[i]))));
    }
    /* Those by which servers watch themselves are nobody. */
    static const struct {
        const char *user;
        bool counts;
    } users[] = { { "HealthMailbox0123", false },
                  { "EXAMPLE\\healthmailboxabc", false },
                  { "extest_0123@x", false },
                  { "extest", true },
                  { "HealthMailbo", true },
                  { "xHealthMailbox", true },
                  { "alice", true } };
    for (size_t i = 0; i < COUNT_OF(users); i++) {
        struct heap heap = { NULL, 0 };
        struct arena arena = heap_arena(&heap);
        struct track track;
        struct client *slot = NULL;
        const struct endpoint address = { .family = 4, .addr = { 10, 0, 0, 1 } };
        const struct client_name name = { .user = text_span(users[i].user), .address = &address };
        track_init(&track, &arena, NULL, NULL);
        client_join(&track, &slot, CLIENT_MAPI_HTTP, &name, (struct when){ 1, 1 });
        CHECK((slot != NULL) == users[i].counts);
        heap_free(&heap);
    }
}

int main(void)
{
    test_paths();
    test_queries();
    test_numbers();
    test_request_ids();
    test_users();
    transcript_end(__FILE__);
    return unit_end();
}
