/* test_clients.c
 * Who speaks which protocol, from what was told of whom to the rows of the report.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mscene.h"

#include "client.h"
#include "clients.h"
#include "product.h"

#define SERVER "10.0.0.81:443"

static struct span text_of(const char *text)
{
    return (struct span){ (const uint8_t *)text, strlen(text) };
}

/* ---- Versions and addresses as text ------------------------------------------------------ */

static void test_version_text(void)
{
    static const struct {
        const char *text;
        uint64_t version;
        const char *back;
    } cases[] = {
        { "16.0.15928.20006", PROGRAM_VERSION(16, 0, 15928, 20006), "16.0.15928.20006" },
        { "15.00.0847.0030 and more", PROGRAM_VERSION(15, 0, 847, 30), "15.0.847.30" },
        { "14.0.7147; Pro)", PROGRAM_VERSION(14, 0, 7147, 0), "14.0.7147.0" },
        { "16.0", PROGRAM_VERSION(16, 0, 0, 0), "16.0.0.0" },
        { "16.0.", PROGRAM_VERSION(16, 0, 0, 0), "16.0.0.0" },
        { "16.0.x", PROGRAM_VERSION(16, 0, 0, 0), "16.0.0.0" },
        { "1.2.3.4.5", PROGRAM_VERSION(1, 2, 3, 4), "1.2.3.4" },
        { "65535.65535.65535.65535", UINT64_MAX, "65535.65535.65535.65535" },
        { "16", 0, "" },
        { "16.", 0, "" },
        { "", 0, "" },
        { ".1", 0, "" },
        { "-1.0", 0, "" },
        { "65536.0", 0, "" },
        { "16.0.65536", 0, "" },
        { "16.99999999999999999999", 0, "" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char back[VERSION_TEXT_MAX];
        CHECK(version_read(text_of(cases[i].text)) == cases[i].version);
        CHECK_STR(version_text(back, cases[i].version), cases[i].back);
    }
}

static void test_products(void)
{
    struct http_product product = http_product_read(text_of(" Outlook/16.0.15928.20006 "));
    CHECK(span_equals(product.name, "Outlook") && product.version == PROGRAM_VERSION(16, 0, 15928, 20006));
    product = http_product_read(text_of("Outlook"));
    CHECK(span_equals(product.name, "Outlook") && product.version == 0);
    product = http_product_read(text_of("/1.2"));
    CHECK(product.name.len == 0 && product.version == PROGRAM_VERSION(1, 2, 0, 0));
    product = http_product_read(text_of(""));
    CHECK(product.name.len == 0 && product.version == 0);
    CHECK(http_outlook_version(text_of("Microsoft Office/14.0 (Windows NT 6.1; Microsoft Outlook 14.0.7147; Pro)")) ==
          PROGRAM_VERSION(14, 0, 7147, 0));
    CHECK(http_outlook_version(text_of("Microsoft Office/16.0 (Windows NT 10.0; MAPI 16.0.15928; Pro)")) ==
          PROGRAM_VERSION(16, 0, 15928, 0));
    CHECK(http_outlook_version(text_of("MSRPC")) == 0);
    CHECK(http_outlook_version(text_of("XMAPI 16.0.1")) == 0);
    CHECK(http_outlook_version(text_of("MAPI ")) == 0);
    CHECK(http_outlook_version(text_of("")) == 0);
}

static void test_addresses(void)
{
    static const struct {
        const char *text, *back; /* NULL: none */
    } cases[] = {
        { "192.0.2.1", "192.0.2.1" },
        { "0.0.0.0", "0.0.0.0" },
        { "255.255.255.255", "255.255.255.255" },
        { "2001:db8::1", "2001:db8::1" },
        { "::", "::" },
        { "::1", "::1" },
        { "1::", "1::" },
        { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
        { "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201" },
        { "::ffff:192.0.2.1", "::ffff:c000:201" },
        { "1:2:3:4:5:6:7:8:9", NULL },
        { "1:2:3:4:5:6:7", NULL },
        { "1:2:3:4::5:6:7:8", NULL },
        { "1::2::3", NULL },
        { "1:2:3:4:5:6:7:8::", NULL },
        { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
        { ":1", NULL },
        { "1:", NULL },
        { "12345::", NULL },
        { "192.0.2", NULL },
        { "192.0.2.256", NULL },
        { "192.0.2.1.", NULL },
        { "192.0.2.1 ", NULL },
        { "192.0..1", NULL },
        { "00001.0.0.1", NULL },
        { "unknown", NULL },
        { "", NULL },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct endpoint end = { .port = 7 };
        char back[ADDRESS_TEXT_MAX];
        CHECK(address_read(text_of(cases[i].text), &end) == (cases[i].back != NULL));
        address_format(&end, back);
        CHECK_STR(back, cases[i].back ? cases[i].back : "");
        CHECK_INT(end.port, 7);
    }
    static const struct {
        const char *value, *first;
    } forwarded[] = {
        { "192.0.2.1", "192.0.2.1" },
        { " 192.0.2.1 , 10.0.0.1", "192.0.2.1" },
        { "192.0.2.1:51234", "192.0.2.1" },
        { "[2001:db8::1]:51234", "2001:db8::1" },
        { "\"2001:db8::1\"", "2001:db8::1" },
        { "2001:db8::1", "2001:db8::1" },
        { "unknown, 192.0.2.1", "" },
        { "[192.0.2.1", "" },
        { "[", "" },
        { ",", "" },
        { "", "" },
    };
    for (size_t i = 0; i < COUNT_OF(forwarded); i++) {
        const struct endpoint end = http_forwarded_for(text_of(forwarded[i].value));
        char back[ADDRESS_TEXT_MAX];
        address_format(&end, back);
        CHECK_STR(back, forwarded[i].first);
    }
}

/* ---- Which builds speak MAPI/HTTP -------------------------------------------------------- */

static void test_builds(void)
{
    static const struct {
        uint64_t version;
        const char *name;
        enum client_switch can;
    } cases[] = {
        { PROGRAM_VERSION(5, 0, 3144, 0), "Outlook 2002 or older", SWITCH_CANNOT },
        { PROGRAM_VERSION(10, 0, 6626, 0), "Outlook 2002 or older", SWITCH_CANNOT },
        { PROGRAM_VERSION(11, 0, 5608, 0), "Outlook 2003", SWITCH_CANNOT },
        { PROGRAM_VERSION(12, 0, 6680, 5000), "Outlook 2007", SWITCH_CANNOT },
        { PROGRAM_VERSION(14, 0, 4760, 1000), "Outlook 2010", SWITCH_AFTER_UPDATE },
        { PROGRAM_VERSION(14, 0, 7145, 5001), "Outlook 2010", SWITCH_AFTER_UPDATE },
        { PROGRAM_VERSION(14, 0, 7146, 65535), "Outlook 2010", SWITCH_AFTER_UPDATE },
        { PROGRAM_VERSION(14, 0, 7147, 0), "Outlook 2010", SWITCH_COULD },
        { PROGRAM_VERSION(14, 0, 7268, 5000), "Outlook 2010", SWITCH_COULD },
        { PROGRAM_VERSION(15, 0, 4420, 1017), "Outlook 2013", SWITCH_AFTER_UPDATE },
        { PROGRAM_VERSION(15, 0, 4569, 1502), "Outlook 2013", SWITCH_AFTER_UPDATE },
        { PROGRAM_VERSION(15, 0, 4569, 1503), "Outlook 2013 SP1", SWITCH_COULD },
        { PROGRAM_VERSION(15, 0, 4569, 1506), "Outlook 2013 SP1", SWITCH_COULD },
        { PROGRAM_VERSION(16, 0, 0, 0), "Outlook 2016 or later", SWITCH_COULD },
        { PROGRAM_VERSION(16, 0, 15928, 20006), "Outlook 2016 or later", SWITCH_COULD },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct outlook_version *known = outlook_version_of(cases[i].version);
        CHECK_STR(known ? known->name : "", cases[i].name);
        CHECK_INT(known ? known->can : SWITCHES, cases[i].can);
        CHECK(known && (known->update != NULL) == (known->can == SWITCH_AFTER_UPDATE));
    }
    CHECK(!outlook_version_of(0));
    CHECK(!outlook_version_of(PROGRAM_VERSION(0, 16, 17126, 1000))); /* of a client that writes it wrongly */
    CHECK(!exchange_offers_mapi(PROGRAM_VERSION(14, 3, 123, 0)));
    CHECK(!exchange_offers_mapi(PROGRAM_VERSION(15, 0, 775, 38)));
    CHECK(!exchange_offers_mapi(PROGRAM_VERSION(15, 0, 846, 65535)));
    CHECK(exchange_offers_mapi(PROGRAM_VERSION(15, 0, 847, 0)));
    CHECK(exchange_offers_mapi(PROGRAM_VERSION(15, 2, 1118, 40)));
}

/* ---- What bodies and stubs say ------------------------------------------------------------ */

static void see(struct client_facts *facts, const char *filter, uint8_t kind, uint64_t number, const void *bytes,
                uint32_t len)
{
    const struct field field = { .filter = filter, .kind = kind };
    client_facts_see(facts, &(struct field_value){ .field = &field, .number = number, .bytes = bytes, .len = len });
}

static void see_version(struct client_facts *facts, const char *filter, unsigned a, unsigned b, unsigned c)
{
    see(facts, filter, FIELD_U16, a, NULL, 2);
    see(facts, filter, FIELD_U16, b, NULL, 2);
    see(facts, filter, FIELD_U16, c, NULL, 2);
}

static void test_facts(void)
{
    static const uint8_t machine[] = { 'P', 0, 'C', 0, '-', 0, 0x39, 0x26, 0x07, 0, 0, 0 };
    struct client_facts facts = { .words = 0 };
    CHECK(!client_facts_any(&facts));
    /* MS-OXCRPC 3.1.4.1.3.1: four numbers, and the three of older clients. */
    see_version(&facts, "rgw_client_version", 0x0E00, 0x8000 | 7147, 5001);
    CHECK(facts.version == PROGRAM_VERSION(14, 0, 7147, 5001));
    see_version(&facts, "rgw_client_version", 11, 5608, 5606);
    CHECK(facts.version == PROGRAM_VERSION(11, 0, 5608, 5606));
    see_version(&facts, "rgw_server_version", 0x0F00, 0x8000 | 847, 30);
    CHECK(facts.server_version == PROGRAM_VERSION(15, 0, 847, 30));
    see(&facts, "aux.machine_name", FIELD_STRING16, 0, machine, sizeof(machine));
    CHECK_STR(facts.machine, "PC-\xE2\x98\xB9?");
    see(&facts, "aux.machine_name", FIELD_STRING16, 0, machine, 2); /* the first counts */
    CHECK_STR(facts.machine, "PC-\xE2\x98\xB9?");
    see(&facts, "sz_user_dn", FIELD_STRING8, 0, "/o=x/cn=alice\0y", 15);
    CHECK_STR(facts.user_dn, "/o=x/cn=alice");
    see(&facts, "aux.client_mode", FIELD_U16, CLIENT_MODE_CACHED, NULL, 2);
    CHECK_INT(facts.mode, CLIENT_MODE_CACHED);
    see(&facts, "aux.client_mode", FIELD_U16, 0, NULL, 2);
    see(&facts, "aux.client_mode", FIELD_U16, 77, NULL, 2);
    CHECK_INT(facts.mode, CLIENT_MODE_CACHED);
    facts.mode = 0;
    see(&facts, "aux.connection_flags", FIELD_U32, 2, NULL, 4);
    CHECK_INT(facts.mode, CLIENT_MODE_UNKNOWN);
    see(&facts, "aux.connection_flags", FIELD_U32, 1, NULL, 4);
    CHECK_INT(facts.mode, CLIENT_MODE_CACHED);
    see(&facts, "aux.process_name", FIELD_STRING16, 0, machine, 1); /* half a character */
    see(&facts, "aux.process_name", FIELD_STRING16, 0, NULL, 0);
    see(&facts, "rop.id", FIELD_U8, 1, NULL, 1);
    CHECK(client_facts_any(&facts));
    static const struct {
        const char *dn, *name;
    } names[] = {
        { "/o=First/ou=Group/cn=Recipients/cn=alice", "alice" },
        { "/o=First/cn=Recipients/cn=0123456789abcdef0123456789ABCDEF-alice", "alice" },
        { "/o=First/cn=Recipients/cn=0123456789abcdef0123456789ABCDEF-", "0123456789abcdef0123456789ABCDEF-" },
        { "/o=First/cn=Recipients/cn=0123456789abcdef0123456789ABCDE-alice", "0123456789abcdef0123456789ABCDE-alice" },
        { "/o=x/u=1", "" },
        { "", "" },
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        CHECK(span_equals(client_facts_name(text_of(names[i].dn)), names[i].name));
    }
}

/* ---- Who is who --------------------------------------------------------------------------- */

/* A capture of nothing but what the test tells. */
struct book {
    struct heap heap;
    struct arena arena;
    struct track track;
    uint32_t frame;
};

static void book_begin(struct book *book)
{
    memset(book, 0, sizeof(*book));
    book->arena = heap_arena(&book->heap);
    track_init(&book->track, &book->arena, NULL, NULL);
}

static struct client *join(struct book *book, struct client **slot, enum client_way way, const char *user,
                           const char *address, const char *forwarded)
{
    const struct endpoint from = end_of(address), before = forwarded ? end_of(forwarded) : (struct endpoint){ 0 };
    const struct client_name name = { .user = text_of(user), .address = &from, .forwarded = &before };
    client_join(&book->track, slot, way, &name, (struct when){ ++book->frame, SCENE_START });
    return *slot;
}

static struct client *join_once(struct book *book, enum client_way way, const char *user, const char *address)
{
    struct client *slot = NULL;
    return join(book, &slot, way, user, address, NULL);
}

static void tell_version(struct book *book, struct client *client, enum client_way way, uint64_t version)
{
    const struct client_told told = { .version = version };
    client_tell(&book->track, client, way, &told);
}

/* "alice 10.0.0.1 1/0/0, ..." */
static const char *book_rows(struct book *book)
{
    static char text[2000];
    struct client_row row;
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < client_rows(&book->track); i++) {
        if (client_row(&book->track, i, &row)) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s%s%s %u/%u/%u", used ? ", " : "",
                                     row.user[0] ? row.user : "-", row.place, row.forwarded[0] ? " for " : "",
                                     row.forwarded, row.rpc_http, row.mapi_http, row.rpc_tcp);
        }
    }
    return text;
}

static void test_names(void)
{
    struct book book;
    book_begin(&book);
    struct client *alice = join_once(&book, CLIENT_RPC_HTTP, "EXAMPLE\\alice", "10.0.0.1:1001");
    /* One user in all the forms of her name, over both protocols. */
    CHECK(join_once(&book, CLIENT_MAPI_HTTP, "alice@example.test", "10.0.0.1:1002") == alice);
    CHECK(join_once(&book, CLIENT_RPC_TCP, "ALICE", "10.0.0.1:1003") == alice);
    CHECK_STR(book_rows(&book), "EXAMPLE\\alice 10.0.0.1 1/1/1");
    /* Others behind the same address, one of them of another domain; and she on another machine. */
    CHECK(join_once(&book, CLIENT_RPC_HTTP, "EXAMPLE\\bob", "10.0.0.1:1004") != alice);
    CHECK(join_once(&book, CLIENT_RPC_HTTP, "OTHER\\alice", "10.0.0.1:1005") != alice);
    CHECK(join_once(&book, CLIENT_RPC_HTTP, "EXAMPLE\\alice", "10.0.0.2:1001") != alice);
    CHECK(join_once(&book, CLIENT_RPC_HTTP, "EXAMPLE\\alice", "v6.2:1001") != alice);
    CHECK(join_once(&book, CLIENT_RPC_HTTP, "EXAMPLE\\alice", "10.0.0.1:2001") == alice);
    CHECK_STR(book_rows(&book),
              "EXAMPLE\\alice 10.0.0.1 2/1/1, EXAMPLE\\bob 10.0.0.1 1/0/0, OTHER\\alice 10.0.0.1 1/0/0, "
              "EXAMPLE\\alice 10.0.0.2 1/0/0, EXAMPLE\\alice 2001:db8::2 1/0/0");
    CHECK(span_equals(client_bare_user("EXAMPLE\\alice (NTLM)"), "EXAMPLE\\alice"));
    CHECK(span_equals(client_bare_user("alice (of sales) (Negotiate/NTLM)"), "alice (of sales)"));
    CHECK(span_equals(client_bare_user("alice"), "alice"));
    CHECK(span_equals(client_bare_user(")"), ")"));
    CHECK_INT(client_bare_user(NULL).len, 0);
    heap_free(&book.heap);
}

/* Servers watch themselves by mailboxes of their own. */
static void test_probes(void)
{
    static const char *const probes[] = { "HealthMailbox0123abc@example.test", "EXAMPLE\\healthmailbox7",
                                          "extest_0123@example.test" };
    struct book book;
    book_begin(&book);
    for (size_t i = 0; i < COUNT_OF(probes); i++) {
        const struct endpoint from = end_of("10.0.0.1:1");
        const struct client_name name = { .user = text_of(probes[i]), .address = &from };
        CHECK(!join_once(&book, CLIENT_RPC_HTTP, probes[i], "10.0.0.1:1"));
        CHECK(!client_refused(&book.track, &name, (struct when){ 1, SCENE_START }));
    }
    CHECK(join_once(&book, CLIENT_RPC_HTTP, "Healthy", "10.0.0.1:1"));
    CHECK_STR(book_rows(&book), "Healthy 10.0.0.1 1/0/0");
    heap_free(&book.heap);
}

/* Who somebody is may be told late: then what was counted, and what was known, is his. */
static void test_named_late(void)
{
    struct book book;
    struct client *first = NULL, *second = NULL;
    book_begin(&book);
    join(&book, &first, CLIENT_RPC_HTTP, "", "10.0.0.1:1001", NULL);
    join(&book, &second, CLIENT_RPC_HTTP, "", "10.0.0.1:1002", NULL);
    CHECK(first == second);
    tell_version(&book, first, CLIENT_RPC_HTTP, PROGRAM_VERSION(16, 0, 1, 1));
    CHECK_STR(book_rows(&book), "- 10.0.0.1 2/0/0");
    join(&book, &first, CLIENT_RPC_HTTP, "alice", "10.0.0.1:1001", NULL);
    CHECK_STR(book_rows(&book), "- 10.0.0.1 1/0/0, alice 10.0.0.1 1/0/0");
    join(&book, &second, CLIENT_RPC_HTTP, "bob", "10.0.0.1:1002", NULL);
    CHECK_STR(book_rows(&book), "alice 10.0.0.1 1/0/0, bob 10.0.0.1 1/0/0");
    struct client_row row;
    CHECK(client_row(&book.track, second->index, &row));
    CHECK_STR(row.version, "16.0.1.1");
    /* The first name stays. */
    join(&book, &second, CLIENT_RPC_HTTP, "carol", "10.0.0.1:1002", NULL);
    CHECK_STR(second->user, "bob");
    heap_free(&book.heap);
}

static void test_forwarded(void)
{
    struct book book;
    struct client *outer = NULL, *inner = NULL, *other = NULL, *nobody = NULL;
    book_begin(&book);
    /* Behind a device alone: it says who it speaks for. */
    join(&book, &inner, CLIENT_RPC_HTTP, "alice", "10.0.0.9:1", "192.0.2.1:0");
    join(&book, &other, CLIENT_RPC_HTTP, "alice", "10.0.0.9:2", "192.0.2.2:0");
    CHECK(inner != other);
    CHECK_STR(book_rows(&book), "alice 10.0.0.9 for 192.0.2.1 1/0/0, alice 10.0.0.9 for 192.0.2.2 1/0/0");
    /* Seen before it, too: the leg behind adds nothing, and makes no client. */
    join(&book, &outer, CLIENT_RPC_HTTP, "bob", "192.0.2.3:7", NULL);
    inner = NULL;
    CHECK(join(&book, &inner, CLIENT_RPC_HTTP, "EXAMPLE\\bob", "10.0.0.9:3", "192.0.2.3:0") == outer);
    CHECK_INT(outer->uses[CLIENT_RPC_HTTP], 1);
    /* Nor where nobody says who it is, until somebody does. */
    struct client *unnamed = join_once(&book, CLIENT_RPC_HTTP, "", "192.0.2.4:7");
    CHECK(unnamed && !join(&book, &nobody, CLIENT_RPC_HTTP, "", "10.0.0.9:4", "192.0.2.4:0"));
    CHECK_STR(book_rows(&book), "alice 10.0.0.9 for 192.0.2.1 1/0/0, alice 10.0.0.9 for 192.0.2.2 1/0/0, "
                                "bob 192.0.2.3 1/0/0, - 192.0.2.4 1/0/0");
    heap_free(&book.heap);
}

static void test_bounds(void)
{
    struct book book;
    char user[32];
    book_begin(&book);
    for (unsigned i = 0; i < CLIENTS_MAX + 5; i++) {
        snprintf(user, sizeof(user), "user%u", i);
        CHECK((join_once(&book, CLIENT_RPC_HTTP, user, "10.0.0.1:1") != NULL) == (i < CLIENTS_MAX));
    }
    CHECK_INT(book.track.clients.more, 5);
    CHECK(join_once(&book, CLIENT_MAPI_HTTP, "user7", "10.0.0.1:1")); /* who is there stays */
    const size_t allocated = book.heap.allocated;
    struct client *client = join_once(&book, CLIENT_MAPI_HTTP, "user7", "10.0.0.1:1");
    for (unsigned i = 1; i <= 1000; i++) {
        tell_version(&book, client, CLIENT_RPC_HTTP, PROGRAM_VERSION(11, 0, 0, i));
    }
    CHECK(book.heap.allocated - allocated <= sizeof(struct client_known));
    struct client_row row;
    CHECK(client_row(&book.track, client->index, &row));
    CHECK_STR(row.version, "11.0.0.1, 11.0.0.2, 11.0.0.3, ...");
    CHECK(!client_row(&book.track, CLIENTS_MAX, &row));
    struct text text = { .used = 0 };
    clients_say(&book.track, &text);
    text.s[strcspn(text.s, "\n")] = '\0';
    CHECK_STR(text.s,
              "10000 of 10000 clients still use RPC over HTTP: 1 cannot, 9999 are of unknown version; there are more "
              "clients than the 10000 that are listed");
    heap_free(&book.heap);
}

/* ---- What is said of them ----------------------------------------------------------------- */

static struct client *speaks(struct book *book, const char *user, unsigned number, enum client_way way,
                             uint64_t version)
{
    char address[32];
    snprintf(address, sizeof(address), "10.0.0.%u:1000", number);
    struct client *client = join_once(book, way, user, address);
    tell_version(book, client, way, version);
    return client;
}

static const char *summary_of_book(struct book *book, struct text *text)
{
    text->used = 0;
    text->s[0] = '\0';
    clients_say(&book->track, text);
    text->s[strcspn(text->s, "\n")] = '\0';
    return text->s;
}

static void test_summary(void)
{
    struct book book;
    struct text text = { .used = 0 };
    book_begin(&book);
    CHECK_STR(summary_of_book(&book, &text), "");
    struct client *both = speaks(&book, "alice", 1, CLIENT_MAPI_HTTP, PROGRAM_VERSION(16, 0, 1, 1));
    CHECK_STR(summary_of_book(&book, &text), "No client uses RPC over HTTP; 1 uses MAPI/HTTP");
    speaks(&book, "bob", 2, CLIENT_MAPI_HTTP, PROGRAM_VERSION(16, 0, 1, 1));
    speaks(&book, "tom", 3, CLIENT_RPC_TCP, PROGRAM_VERSION(11, 0, 1, 1));
    CHECK_STR(summary_of_book(&book, &text),
              "No client uses RPC over HTTP; 2 use MAPI/HTTP; 1 uses plain RPC over TCP");
    speaks(&book, "carol", 4, CLIENT_RPC_HTTP, PROGRAM_VERSION(16, 0, 1, 1));
    CHECK_STR(summary_of_book(&book, &text), "1 of 4 clients still uses RPC over HTTP; 1 uses plain RPC over TCP");
    speaks(&book, "dave", 5, CLIENT_RPC_HTTP, PROGRAM_VERSION(12, 0, 1, 1));
    speaks(&book, "erin", 6, CLIENT_RPC_HTTP, PROGRAM_VERSION(14, 0, 6029, 1000));
    speaks(&book, "frank", 7, CLIENT_RPC_HTTP, 0);
    speaks(&book, "grace", 8, CLIENT_RPC_HTTP, 0);
    /* Of unknown version over RPC, but she speaks MAPI/HTTP, too. */
    CHECK(join_once(&book, CLIENT_RPC_HTTP, "alice", "10.0.0.1:7") == both);
    /* Her version could, her server cannot. */
    struct client *heidi = speaks(&book, "heidi", 9, CLIENT_RPC_HTTP, PROGRAM_VERSION(16, 0, 1, 1));
    const struct client_told old = { .server = PROGRAM_VERSION(14, 3, 123, 4),
                                     .mode = CLIENT_MODE_CACHED,
                                     .machine = "PC-9" };
    client_tell(&book.track, heidi, CLIENT_RPC_HTTP, &old);
    CHECK_STR(summary_of_book(&book, &text),
              "7 of 9 clients still use RPC over HTTP: 2 could switch, 1 could after an update, 2 cannot, "
              "2 are of unknown version; 1 uses plain RPC over TCP");
    text.used = 0;
    clients_say(&book.track, &text);
    CHECK_STR(strchr(text.s, '\n'),
              "\n  dave at 10.0.0.5: Outlook 2007 12.0.1.1, cannot switch"
              "\n  heidi at 10.0.0.9 (PC-9): Outlook 2016 or later 16.0.1.1, but its server 14.3.123.4 is older than "
              "Exchange 2013 SP1"
              "\n  erin at 10.0.0.6: Outlook 2010 14.0.6029.1000, could switch with SP2, KB2956191 and KB2965295"
              "\n  frank at 10.0.0.7: unknown version"
              "\n  grace at 10.0.0.8: unknown version"
              "\n  alice at 10.0.0.1: Outlook 2016 or later 16.0.1.1, could switch"
              "\n  and 1 other: see -z outlook,clients");
    struct client_row row;
    CHECK(client_row(&book.track, heidi->index, &row));
    CHECK_STR(row.can_text, "no: the server is older than Exchange 2013 SP1");
    CHECK_STR(row.mode, "cached");
    /* Of two programs the older counts: it is what would be shut out. */
    tell_version(&book, heidi, CLIENT_RPC_HTTP, PROGRAM_VERSION(11, 0, 1, 1));
    CHECK(client_row(&book.track, heidi->index, &row));
    CHECK_INT(row.can, SWITCH_CANNOT);
    CHECK_STR(row.product, "Outlook 2003");
    CHECK_STR(row.version, "16.0.1.1, 11.0.1.1");
    /* Each version once, however the client speaks. */
    tell_version(&book, heidi, CLIENT_MAPI_HTTP, PROGRAM_VERSION(16, 0, 1, 1));
    tell_version(&book, heidi, CLIENT_RPC_TCP, PROGRAM_VERSION(11, 0, 1, 1));
    CHECK(client_row(&book.track, heidi->index, &row));
    CHECK_STR(row.version, row.version[1] == '6' ? "16.0.1.1, 11.0.1.1" : "11.0.1.1, 16.0.1.1");
    heap_free(&book.heap);
}

static void test_json(void)
{
    struct book book;
    book_begin(&book);
    struct client *client = speaks(&book,
                                   "EX\"AMPLE\\al\ni\xE2\x80\xAE"
                                   "ce",
                                   1, CLIENT_RPC_HTTP, PROGRAM_VERSION(14, 0, 1, 2));
    client_tell(&book.track, client, CLIENT_RPC_HTTP,
                &(struct client_told){ .machine = "PC-1", .mode = CLIENT_MODE_ONLINE, .application = "OUTLOOK.EXE" });
    struct out out = { .arena = &book.arena };
    struct json json = { .out = &out };
    json_object(&json, NULL);
    clients_json(&book.track, &json);
    json_end_object(&json);
    CHECK_STR(out_string(&out), "{\n"
                                "  \"clients\": [\n"
                                "    {\n"
                                "      \"user\": \"EX\\\"AMPLE\\\\al?i\\u202ece\",\n"
                                "      \"address\": \"10.0.0.1\",\n"
                                "      \"forwarded_for\": null,\n"
                                "      \"machine\": \"PC-1\",\n"
                                "      \"application\": \"OUTLOOK.EXE\",\n"
                                "      \"version\": \"14.0.1.2\",\n"
                                "      \"product\": \"Outlook 2010\",\n"
                                "      \"mode\": \"online\",\n"
                                "      \"rpc_http_connections\": 1,\n"
                                "      \"mapi_http_sessions\": 0,\n"
                                "      \"mapi_http_refused\": 0,\n"
                                "      \"rpc_tcp_connections\": 0,\n"
                                "      \"server_version\": null,\n"
                                "      \"mapi_http\": \"after_update\",\n"
                                "      \"update\": \"SP2, KB2956191 and KB2965295\",\n"
                                "      \"first_frame\": 1\n"
                                "    }\n"
                                "  ],\n"
                                "  \"clients_summary\": {\n"
                                "    \"text\": \"1 of 1 client still uses RPC over HTTP: 1 could after an update\",\n"
                                "    \"clients\": 1,\n"
                                "    \"rpc_http\": 1,\n"
                                "    \"mapi_http\": 0,\n"
                                "    \"rpc_tcp\": 0,\n"
                                "    \"could\": 0,\n"
                                "    \"after_update\": 1,\n"
                                "    \"cannot\": 0,\n"
                                "    \"old_server\": 0,\n"
                                "    \"unknown\": 0,\n"
                                "    \"not_listed\": 0\n"
                                "  }\n"
                                "}\n");
    heap_free(&book.heap);
}

/* Names may be long, and many: what does not fit is left out, and the sentence ends. */
static void test_hostile(void)
{
    struct book book;
    char user[400];
    book_begin(&book);
    memset(user, 'u', sizeof(user));
    user[sizeof(user) - 1] = '\0';
    for (unsigned i = 0; i < 9; i++) {
        user[0] = (char)('a' + i);
        struct client *client = speaks(&book, user, i, CLIENT_RPC_HTTP, PROGRAM_VERSION(12, 0, 1, 1));
        for (unsigned machine = 0; machine < 4; machine++) {
            user[1] = (char)('a' + machine);
            client_tell(&book.track, client, CLIENT_RPC_HTTP,
                        &(struct client_told){ .machine = track_text(&book.track, user) });
        }
        user[1] = 'u';
        struct client_row row;
        CHECK(client_row(&book.track, client->index, &row));
        CHECK_INT(strlen(row.user), TRACK_SPAN_MAX - 1);
        CHECK_STR(row.machine, "..."); /* no name fits */
    }
    struct text text = { .used = 0 };
    clients_say(&book.track, &text);
    CHECK(text.used < SAY_MAX - 1);
    CHECK(strncmp(text.s, "9 of 9 clients still use RPC over HTTP: 9 cannot\n  a", 52) == 0);
    CHECK(strstr(text.s, "others: see -z outlook,clients"));
    heap_free(&book.heap);
}

/* ---- From what passes --------------------------------------------------------------------- */

#define ALICE "Authorization: Basic YWxpY2VAZXhhbXBsZS50ZXN0OnNlY3JldA==\r\n"
#define HEALTH "Authorization: Basic SGVhbHRoTWFpbGJveDAxQGV4YW1wbGUudGVzdDpz\r\n"

static const char *scene_clients(struct scene *scene, struct client_row *row)
{
    static char text[400];
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < client_rows(&scene->outlook->track); i++) {
        if (client_row(&scene->outlook->track, i, row)) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s %u/%u %s", used ? ", " : "",
                                     row->user[0] ? row->user : "-", row->place, row->mapi_http, row->refused,
                                     row->version);
        }
    }
    return text;
}

static void connect_as(struct tap *tap, const char *client, const char *extra, struct scene *scene, unsigned counter)
{
    tap_open(tap, scene, client, SERVER);
    ask_with(tap, (struct ask){ .type = "Connect", .counter = counter, .extra = extra });
}

static void test_sessions(void)
{
    struct scene scene;
    struct client_row row;
    struct tap tap;
    scene_begin(&scene);
    /* A challenge is a step; a session is the client's, and so is a second one. */
    connect_as(&tap, "10.0.0.1:1001", "", &scene, 1);
    answer_status(&tap, "401 Unauthorized", "WWW-Authenticate: Basic\r\n");
    CHECK_STR(scene_clients(&scene, &row), "");
    ask_with(&tap, (struct ask){ .type = "Connect", .counter = 2, .extra = ALICE });
    answer_with(&tap, (struct answer){ .type = "Connect",
                                       .set = "Set-Cookie: sid=1\r\n",
                                       .extra = "X-ServerApplication: Exchange/15.02.1118.040\r\n" });
    CHECK_STR(scene_clients(&scene, &row), "alice@example.test 10.0.0.1 1/0 16.0.0.0");
    CHECK_STR(row.application, "Outlook");
    CHECK_STR(row.server, "15.2.1118.40");
    CHECK_INT(row.can, SWITCH_DONE);
    CHECK(mapi_state_client(scene.world, 0) == client_at(&scene.outlook->track, 0));
    CHECK(!mapi_state_client(scene.world, 1));
    connect_as(&tap, "10.0.0.1:1002", ALICE, &scene, 3);
    answer(&tap, "Connect", "Set-Cookie: sid=2\r\n");
    CHECK_STR(scene_clients(&scene, &row), "alice@example.test 10.0.0.1 2/0 16.0.0.0");
    /* A Connect that comes to nothing shows that its client would. */
    connect_as(&tap, "10.0.0.2:1001", ALICE, &scene, 4);
    answer_status(&tap, "503 Service Unavailable", "");
    CHECK_STR(scene_clients(&scene, &row),
              "alice@example.test 10.0.0.1 2/0 16.0.0.0, alice@example.test 10.0.0.2 0/1 16.0.0.0");
    CHECK_INT(row.can, SWITCH_DONE);
    /* A probe of the server's is nobody, nor is a request that nobody logs on with. */
    connect_as(&tap, "10.0.0.81:1001", HEALTH, &scene, 5);
    answer(&tap, "Connect", "Set-Cookie: sid=3\r\n");
    connect_as(&tap, "10.0.0.9:1001", "", &scene, 6);
    answer_status(&tap, "503 Service Unavailable", "");
    CHECK_INT(client_rows(&scene.outlook->track), 2);
    scene_end(&scene);
}

/* A session whose user nobody names is his who came with the same X-ClientInfo. */
static void test_instance(void)
{
    static const char info[] = "X-ClientInfo: {AAAAAAAA-0000-0000-0000-000000000001}:1\r\n";
    struct scene scene;
    struct client_row row;
    struct tap tap;
    char lines[300];
    scene_begin(&scene);
    snprintf(lines, sizeof(lines), "%s%s", ALICE, info);
    connect_as(&tap, "10.0.0.1:1001", lines, &scene, 1);
    answer(&tap, "Connect", "Set-Cookie: sid=1\r\n");
    connect_as(&tap, "10.0.0.1:1002", info, &scene, 2);
    answer(&tap, "Connect", "Set-Cookie: sid=2\r\n");
    CHECK_STR(scene_clients(&scene, &row), "alice@example.test 10.0.0.1 2/0 16.0.0.0");
    connect_as(&tap, "10.0.0.2:1001", info, &scene, 3);
    answer(&tap, "Connect", "Set-Cookie: sid=3\r\n");
    CHECK_STR(scene_clients(&scene, &row), "alice@example.test 10.0.0.1 2/0 16.0.0.0, - 10.0.0.2 1/0 16.0.0.0");
    scene_end(&scene);
}

/* The same Connect before and behind a device is one session of one client. */
static void test_device(void)
{
    struct scene scene;
    struct client_row row;
    struct tap front, back;
    scene_begin(&scene);
    tap_open(&front, &scene, "192.0.2.1:1001", "10.0.0.9:443");
    ask_with(&front, (struct ask){ .type = "Connect", .counter = 1, .extra = ALICE });
    tap_open(&back, &scene, "10.0.0.9:5001", SERVER);
    ask_with(&back, (struct ask){ .type = "Connect", .counter = 1, .extra = ALICE "X-Forwarded-For: 192.0.2.1\r\n" });
    answer(&back, "Connect", "Set-Cookie: sid=1\r\n");
    answer(&front, "Connect", "Set-Cookie: sid=1\r\n");
    CHECK_STR(scene_clients(&scene, &row), "alice@example.test 192.0.2.1 1/0 16.0.0.0");
    CHECK(mapi_state_client(scene.world, 1) == mapi_state_client(scene.world, 0));
    scene_end(&scene);
}

/* ---- RPC over HTTP ------------------------------------------------------------------------ */

struct half {
    struct rpch_conn *conn;
    struct logon_conn *logon;
};

static struct half half_open(struct scene *scene, const char *client, const char *head_text)
{
    const struct conn_past past = { .syn = true, .syn_ack = true };
    const struct endpoint from = end_of(client), to = end_of(SERVER);
    struct conn *link = conn_new(&scene->outlook->track, CONN_RPCH, scene->streams++, &from, &to, &past);
    struct half half = { rpch_conn_new(scene->outlook->rpch, link, RTS_HOP_HTTP, scene->ns),
                         logon_conn_new(scene->outlook->logons, link) };
    struct http_head head;
    struct http_info info;
    uint32_t leg;
    const struct when when = scene_frame(scene);
    CHECK(http_head_parse((const uint8_t *)head_text, strlen(head_text), &head) == HTTP_HEAD_OK);
    http_info_decode(&head, &info);
    auth_message(half.logon, when, WAY_TO_SERVER, &info.fields, &leg);
    rpch_conn_http(half.conn, when, WAY_TO_SERVER, &info);
    return half;
}

/* CONN/A1 on OUT, CONN/B1 on IN, MS-RPCH 2.2.4.2 and 2.2.4.5. */
static void half_begins(struct scene *scene, struct half *half, bool in, unsigned cookie)
{
    static const uint8_t a1[] = { RTS_VERSION, RTS_COOKIE, RTS_COOKIE, RTS_RECEIVE_WINDOW_SIZE };
    static const uint8_t b1[] = { RTS_VERSION,          RTS_COOKIE,           RTS_COOKIE,
                                  RTS_CHANNEL_LIFETIME, RTS_CLIENT_KEEPALIVE, RTS_ASSOCIATION_GROUP_ID };
    const struct pdu_header header = { .rpc_vers = 5,
                                       .ptype = RPC_RTS,
                                       .pfc_flags = 3,
                                       .little_endian = true,
                                       .frag_length = 76 };
    struct rts_pdu rts = { .well_formed = true, .cookies = 2 };
    struct pdu_outcome outcome;
    memcpy(rts.command, in ? b1 : a1, in ? sizeof(b1) : sizeof(a1));
    rts.number_of_commands = rts.commands_decoded = in ? sizeof(b1) : sizeof(a1);
    rts.cookie[0][0] = (uint8_t)cookie;
    rts.cookie[1][0] = (uint8_t)(100 + 2 * cookie + in);
    rpch_conn_pdu(half->conn, scene_frame(scene), WAY_TO_SERVER, &header, &rts, 0, &outcome);
    CHECK_STR(outcome.name, in ? "CONN/B1" : "CONN/A1");
}

#define CHANNEL(method, length, extra)                                                              \
    method " /rpc/rpcproxy.dll?ex1.example.test:6001 HTTP/1.1\r\nHost: mail.example.test\r\n" extra \
           "User-Agent: MSRPC\r\nContent-Length: " length "\r\n\r\n"

static void test_channels(void)
{
    struct scene scene;
    struct client_row row;
    scene_begin(&scene);
    struct half in = half_open(&scene, "10.0.0.1:1001", CHANNEL("RPC_IN_DATA", "1073741824", ALICE));
    struct half out = half_open(&scene, "10.0.0.1:1002", CHANNEL("RPC_OUT_DATA", "76", ALICE));
    CHECK_STR(scene_clients(&scene, &row), ""); /* nothing but requests */
    half_begins(&scene, &out, false, 1);
    half_begins(&scene, &in, true, 1);
    CHECK_STR(scene_clients(&scene, &row), "alice@example.test 10.0.0.1 0/0 ");
    CHECK_INT(row.rpc_http, 1);
    CHECK_INT(row.can, SWITCH_UNKNOWN);
    CHECK(rpch_state_client(scene.outlook->rpch, 0) == client_at(&scene.outlook->track, 0));
    /* The call that opens a session tells the version. */
    struct client_facts facts = { .version = PROGRAM_VERSION(12, 0, 6680, 5000),
                                  .machine = "PC-1",
                                  .mode = CLIENT_MODE_CACHED };
    struct client *slot = NULL;
    outlook_learn_client(scene.outlook, &slot, 0, NULL, scene_frame(&scene), &facts);
    CHECK(!slot && client_row(&scene.outlook->track, 0, &row));
    CHECK_INT(row.can, SWITCH_CANNOT);
    CHECK_STR(row.product, "Outlook 2007");
    CHECK_STR(row.machine, "PC-1");
    /* A gateway of Remote Desktop and an echo of a probe are no clients of Exchange. */
    half_open(&scene, "10.0.0.7:1001", "RPC_OUT_DATA /rpc/rpcproxy.dll?ex1:6001 HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    struct half gateway =
        half_open(&scene, "10.0.0.8:1001",
                  "RPC_OUT_DATA /rpc/rpcproxy.dll?gw:3388 HTTP/1.1\r\n" ALICE "Content-Length: 76\r\n\r\n");
    half_begins(&scene, &gateway, false, 7);
    CHECK_INT(client_rows(&scene.outlook->track), 1);
    /* Plain RPC: who it is is told by the call alone. */
    const struct endpoint from = end_of("10.0.0.5:1001");
    struct client_facts nothing = { .version = 0 };
    outlook_learn_client(scene.outlook, &slot, NO_NUMBER, &from, scene_frame(&scene), &nothing);
    CHECK(slot && !slot->user);
    snprintf(facts.user_dn, sizeof(facts.user_dn), "/o=x/cn=Recipients/cn=bob");
    outlook_learn_client(scene.outlook, &slot, NO_NUMBER, &from, scene_frame(&scene), &facts);
    CHECK_STR(slot->user, "bob");
    CHECK_STR(scene_clients(&scene, &row),
              "alice@example.test 10.0.0.1 0/0 12.0.6680.5000, bob 10.0.0.5 0/0 12.0.6680.5000");
    CHECK_INT(row.rpc_tcp, 1);
    scene_end(&scene);
}

/* ---- versions ---- */

/* Of one client so many are kept; that there were more is said. */
static void test_more_versions(void)
{
    struct heap heap = { NULL, 0 };
    struct arena arena = heap_arena(&heap);
    struct track track;
    struct client *slot = NULL;
    struct client_row row;
    const struct endpoint address = { .family = 4, .addr = { 10, 0, 0, 1 } };
    const struct client_name name = { .user = { (const uint8_t *)"alice", 5 }, .address = &address };
    track_init(&track, &arena, NULL, NULL);
    client_join(&track, &slot, CLIENT_MAPI_HTTP, &name, (struct when){ 1, 1 });
    for (unsigned i = 1; i <= CLIENT_VERSIONS + 2; i++) {
        const struct client_told told = { .version = PROGRAM_VERSION(16, 0, i, 0) };
        client_tell(&track, slot, CLIENT_MAPI_HTTP, &told);
        CHECK(client_row(&track, 0, &row));
        CHECK((strstr(row.version, "...") != NULL) == (i > CLIENT_VERSIONS));
        CHECK_STR(row.server, "");
    }
    transcript("%s", row.version);
    heap_free(&heap);
}

static const char *said_of(uint64_t version)
{
    static char text[200];
    const struct outlook_version *known = outlook_version_of(version);
    snprintf(text, sizeof(text), "%s, %d, %s, %s", known && known->name ? known->name : "-",
             known ? (int)known->can : -1, known && known->update ? known->update : "-",
             exchange_offers_mapi(version) ? "offers" : "does not offer");
    return text;
}

/* Where what is known of a version begins: up to each build of each version with 0 or 20 behind the point, exactly. */
static void test_where_versions_begin(void)
{
    char last[200] = "";
    uint64_t before = 0;
    for (uint64_t point = 0; point < 18 * 2; point++) {
        for (uint64_t build = 0; build < 0x10000; build += 0x40) {
            const uint64_t version = (point / 2) << 48 | (point % 2 ? UINT64_C(20) << 32 : 0) | build << 16;
            if (strcmp(said_of(version), last) != 0) {
                uint64_t low = before, high = version; /* the last that says so, the first that does not */
                while (low + 1 < high) {
                    const uint64_t middle = low + (high - low) / 2;
                    if (strcmp(said_of(middle), last) == 0) {
                        low = middle;
                    } else {
                        high = middle;
                    }
                }
                transcript("from %016llx: %s", (unsigned long long)high, said_of(high));
                snprintf(last, sizeof(last), "%s", said_of(version));
            }
            before = version;
        }
    }
}

int main(void)
{
    test_version_text();
    test_products();
    test_addresses();
    test_builds();
    test_facts();
    test_names();
    test_probes();
    test_named_late();
    test_forwarded();
    test_bounds();
    test_summary();
    test_json();
    test_hostile();
    test_sessions();
    test_instance();
    test_device();
    test_channels();
    test_more_versions();
    test_where_versions_begin();
    transcript_end(__FILE__);
    return unit_end();
}
