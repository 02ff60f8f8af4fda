/* test_bodies.c
 * Bodies of MAPI/HTTP: what state keeps of them, failures of every type, limits, the names
 * of request types. What their fields are is in tests/vectors.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "bodies.h"
#include "unit.h"

#include <stdlib.h>

struct log {
    unsigned values, issues;
    const char *issue;
};

static void on_value(void *ctx, const struct field_value *value)
{
    (void)value;
    ((struct log *)ctx)->values++;
}

static void on_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)kind;
    struct log *log = ctx;
    (void)offset;
    log->issues++;
    log->issue = what;
}

static struct mapi_facts decode(struct log *log, enum mapi_type type, bool response, const uint8_t *p, uint32_t len,
                                uint32_t whole)
{
    const struct field_sink sink = { .ctx = log, .value = on_value, .issue = on_issue };
    struct mapi_facts facts;
    struct reader reader;
    memset(log, 0, sizeof(*log));
    reader_init(&reader, p, len, whole, &sink);
    mapi_read_body(&reader, type, response, &facts, NULL);
    return facts;
}

/* ---- building bodies ---- */

struct builder {
    uint8_t bytes[1024];
    uint32_t len;
};

static struct builder b;

static void u8(unsigned value)
{
    b.bytes[b.len++] = (uint8_t)value;
}

static void u16(unsigned value)
{
    u8(value & 0xFF);
    u8(value >> 8);
}

static void u32(uint32_t value)
{
    u16(value & 0xFFFF);
    u16(value >> 16);
}

static void str8(const char *text)
{
    do {
        u8((uint8_t)*text);
    } while (*text++);
}

static void str16(const char *text)
{
    do {
        u16((uint8_t)*text);
    } while (*text++);
}

static void success(void)
{
    u32(0);
    u32(0);
}

/* ---- failures: StatusCode and AuxiliaryBuffer alone, every type ---- */

static void test_failures(void)
{
    struct log log;
    for (unsigned type = MAPI_CONNECT; type < MAPI_PING; type++) {
        u32(0x80040115u);
        u32(0);
        struct mapi_facts facts = decode(&log, (enum mapi_type)type, true, b.bytes, b.len, b.len);
        CHECK(facts.complete && facts.has_status && !facts.has_error);
        CHECK_INT(facts.status, 0x80040115u);
        CHECK_INT(facts.end, 8);
        CHECK_INT(log.values, 2);
        CHECK_INT(log.issues, 0);
        b.len = 0;
    }
}

static void test_facts(void)
{
    struct log log;
    struct mapi_facts facts;
    /* Spans point into the reader's bytes, so these are not copied. */
    struct field_sink sink = { .ctx = NULL };
    struct reader reader;

    str8("/o=X/cn=u");
    for (unsigned i = 0; i < 5; i++) {
        u32(0);
    }
    reader_init(&reader, b.bytes, b.len, b.len, &sink);
    mapi_read_body(&reader, MAPI_CONNECT, false, &facts, NULL);
    CHECK_INT(facts.user_dn.len, 9);
    CHECK(facts.user_dn.ptr == b.bytes);
    CHECK(facts.complete && !facts.has_status && !facts.has_error);
    b.len = 0;

    success();
    u32(1);
    u32(2);
    u32(3);
    str8("/o=X");
    str16("Zoe");
    u32(0);
    reader_init(&reader, b.bytes, b.len, b.len, &sink);
    mapi_read_body(&reader, MAPI_CONNECT, true, &facts, NULL);
    CHECK_INT(facts.dn_prefix.len, 4);
    CHECK_INT(facts.display_name.len, 6);
    CHECK(facts.display_name.ptr == b.bytes + 8 + 12 + 5);
    CHECK(facts.has_status && facts.has_error && facts.status == 0 && facts.error == 0);
    /* Without a place for the facts. */
    reader_init(&reader, b.bytes, b.len, b.len, &sink);
    mapi_read_body(&reader, MAPI_CONNECT, true, NULL, NULL);
    CHECK(!reader.failed && reader.pos == b.len);
    b.len = 0;

    u32(0);
    u32(0x80040115u);
    u32(0);
    u32(0);
    facts = decode(&log, MAPI_NOTIFICATION_WAIT, true, b.bytes, b.len, b.len);
    CHECK(facts.has_event_pending && facts.event_pending == 0);
    CHECK_INT(facts.error, 0x80040115u);
    /* Only what came is said to be there. */
    facts = decode(&log, MAPI_NOTIFICATION_WAIT, true, b.bytes, 6, b.len);
    CHECK(facts.has_status && !facts.has_error && !facts.has_event_pending && !facts.complete);
    b.len = 0;
}

/* ---- limits ---- */

static void test_limits(void)
{
    struct log log;
    struct mapi_facts facts;

    /* PING has no bodies (2.2.6); nor has a type that the specification does not have a layout. */
    facts = decode(&log, MAPI_PING, false, b.bytes, 0, 0);
    CHECK(facts.complete && log.issues == 0 && log.values == 0);
    facts = decode(&log, MAPI_PING, true, b.bytes, 0, 0);
    CHECK(facts.complete && log.issues == 0 && !facts.has_status);
    facts = decode(&log, MAPI_UNKNOWN, false, (const uint8_t *)"abc", 3, 3);
    CHECK(facts.complete && log.issues == 0 && facts.end == 3);
    facts = decode(&log, MAPI_NONE, true, (const uint8_t *)"abc", 3, UINT32_MAX);
    CHECK(!facts.complete && log.issues == 0);
    facts = decode(&log, (enum mapi_type)1000, true, (const uint8_t *)"abc", 3, 3);
    CHECK_INT(log.values, 1);

    /* Bytes behind the body: it is not complete, and its end is known. */
    facts = decode(&log, MAPI_DISCONNECT, false, (const uint8_t *)"\0\0\0\0x", 5, 5);
    CHECK(!facts.complete);
    CHECK_INT(facts.end, 4);
    CHECK_INT(log.values, 2);

    /* A buffer that is announced larger than the message makes it incomplete. */
    facts = decode(&log, MAPI_DISCONNECT, false, (const uint8_t *)"\xFF\0\0\0", 4, 4);
    CHECK(!facts.complete);

    /* More values than are shown of one message: 99,999 IDs are, 200,000 bytes of rows not. */
    uint32_t len = 8 + 1 + 1 + 4 + 4 + 200000;
    uint8_t *p = calloc(len, 1);
    if (!p) {
        abort();
    }
    p[9] = 1;
    p[14] = 0x40;
    p[15] = 0x0D;
    p[16] = 0x03; /* RowCount 200,000 */
    facts = decode(&log, MAPI_QUERY_ROWS, true, p, len, len);
    CHECK(!facts.complete);
    CHECK(log.values <= READER_VALUES_MAX);
    CHECK_STR(log.issue, "More values than are shown of one message");
    free(p);
}

static void test_types(void)
{
    static const struct {
        const char *name;
        enum mapi_type type;
    } cases[] = { { "Connect", MAPI_CONNECT },
                  { "EXECUTE", MAPI_EXECUTE },
                  { "disconnect", MAPI_DISCONNECT },
                  { "NotificationWait", MAPI_NOTIFICATION_WAIT },
                  { "bind", MAPI_BIND },
                  { "Unbind", MAPI_UNBIND },
                  { "CompareMIds", MAPI_COMPARE_MIDS },
                  { "CompareMinIds", MAPI_UNKNOWN },
                  { "dntomid", MAPI_DN_TO_MID },
                  { "GetMatches", MAPI_GET_MATCHES },
                  { "GetPropList", MAPI_GET_PROP_LIST },
                  { "GetProps", MAPI_GET_PROPS },
                  { "GetSpecialTable", MAPI_GET_SPECIAL_TABLE },
                  { "GetTemplateInfo", MAPI_GET_TEMPLATE_INFO },
                  { "ModLinkAtt", MAPI_MOD_LINK_ATT },
                  { "ModProps", MAPI_MOD_PROPS },
                  { "QueryColumns", MAPI_QUERY_COLUMNS },
                  { "QueryRows", MAPI_QUERY_ROWS },
                  { "ResolveNames", MAPI_RESOLVE_NAMES },
                  { "ResortRestriction", MAPI_RESORT_RESTRICTION },
                  { "SeekEntries", MAPI_SEEK_ENTRIES },
                  { "UpdateStat", MAPI_UPDATE_STAT },
                  { "getmailboxurl", MAPI_GET_MAILBOX_URL },
                  { "GetAddressBookUrl", MAPI_GET_ADDRESS_BOOK_URL },
                  { "Ping", MAPI_PING },
                  { " \tPING ", MAPI_PING },
                  { "", MAPI_NONE },
                  { "  ", MAPI_NONE },
                  { "PIN", MAPI_UNKNOWN },
                  { "PINGS", MAPI_UNKNOWN },
                  { "P\xC4NG", MAPI_UNKNOWN } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span name = { (const uint8_t *)cases[i].name, strlen(cases[i].name) };
        CHECK_INT(mapi_type_of(name), cases[i].type);
    }
    unsigned nspi = 0, emsmdb = 0, named = 0;
    for (unsigned i = 0; i < MAPI_TYPES; i++) {
        const char *name = mapi_type_name((enum mapi_type)i);
        nspi += mapi_type_is_nspi((enum mapi_type)i);
        emsmdb += mapi_type_is_emsmdb((enum mapi_type)i);
        named += name != NULL;
        if (name) {
            struct span span = { (const uint8_t *)name, strlen(name) };
            CHECK_INT(mapi_type_of(span), i);
        }
    }
    CHECK_INT(nspi, 19);
    CHECK_INT(emsmdb, 4);
    CHECK_INT(named, 24);
    CHECK_STR(mapi_type_name(MAPI_DN_TO_MID), "DNToMId");
    CHECK(mapi_type_name((enum mapi_type)99) == NULL);
}

int main(void)
{
    test_types();
    test_failures();
    test_facts();
    test_limits();
    return unit_end();
}
