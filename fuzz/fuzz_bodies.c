/* fuzz_bodies.c
 * Any bytes as a body, and as the envelope of a response. The first byte chooses the type,
 * the second the direction, what the capture lacks and how the envelope arrives in runs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "bodies.h"
#include "properties.h"
#include "rops.h"
#include "envelope.h"
#include "registered.h"

#include <assert.h>
#include <stdlib.h>

struct seen {
    const uint8_t *p;
    uint32_t len, end;
    unsigned values, issues, rest, depth, derived, rooms;
    unsigned rops; /* depth of the ROPs that are shown, 0 if none are */
    uint8_t *room[1024];
    const uint8_t *buffer[8];
    uint32_t buffer_len[8];
};

static const struct field *const layouts[] = { property_layouts, rop_layouts, mapi_bodies };

static void on_value(void *ctx, const struct field_value *value)
{
    struct seen *s = ctx;
    uint32_t len = s->derived ? s->buffer_len[s->derived - 1] : s->len;
    const uint8_t *p = s->derived ? s->buffer[s->derived - 1] : s->p;
    assert(value->field && value->field->label);
    if (value->made) {
        return;
    }
    assert(value->offset <= len && value->len <= len - value->offset);
    assert(value->bytes == p + value->offset);
    if (value->text) {
        assert(memchr(value->text, 0, 4096));
    }
    assert(registered(layouts, COUNT_OF(layouts), value->field));
    /* Tags are shown twice, as is much of ROPs, and strings of auxiliary blocks share their places. */
    if (!s->derived && s->rops == 0 && strcmp(value->field->filter, "tag") != 0 &&
        strcmp(value->field->filter, "type") != 0 && strcmp(value->field->filter, "id") != 0 &&
        strncmp(value->field->filter, "aux.", 4) != 0) {
        assert(value->offset >= s->end); /* in the order of the wire */
        s->end = value->offset + value->len;
        s->rest += strcmp(value->field->filter, "body.rest") == 0;
    }
    s->values++;
}

static void on_open(void *ctx, const char *label, uint32_t offset)
{
    struct seen *s = ctx;
    assert(label && offset <= (s->derived ? s->buffer_len[s->derived - 1] : s->len));
    s->depth++;
    assert(s->depth <= READER_DEPTH_MAX);
    s->rops = s->rops == 0 && strcmp(label, "RopBuffer") == 0 ? s->depth : s->rops;
}

static void on_close(void *ctx, uint32_t end, const char *summary)
{
    struct seen *s = ctx;
    (void)summary;
    assert(s->depth > 0 && end <= (s->derived ? s->buffer_len[s->derived - 1] : s->len));
    s->rops = s->rops == s->depth ? 0 : s->rops;
    s->depth--;
}

static void on_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)kind;
    struct seen *s = ctx;
    assert(what && offset <= (s->derived ? s->buffer_len[s->derived - 1] : s->len));
    s->issues++;
}

static uint8_t *on_room(void *ctx, size_t size)
{
    struct seen *s = ctx;
    if (s->rooms == sizeof(s->room) / sizeof(s->room[0]) || size > (1u << 24)) {
        return NULL;
    }
    s->room[s->rooms] = malloc(size ? size : 1);
    assert(s->room[s->rooms]);
    return s->room[s->rooms++];
}

static void on_enter(void *ctx, const uint8_t *bytes, uint32_t len, const char *name)
{
    struct seen *s = ctx;
    assert(name && s->derived < sizeof(s->buffer) / sizeof(s->buffer[0]));
    s->buffer[s->derived] = bytes;
    s->buffer_len[s->derived++] = len;
}

static void on_leave(void *ctx)
{
    struct seen *s = ctx;
    assert(s->derived > 0);
    s->derived--;
}

static void check_span(const uint8_t *p, uint32_t len, struct span span)
{
    assert(span.len == 0 || (span.ptr >= p && span.ptr <= p + len && span.len <= (size_t)(p + len - span.ptr)));
}

static void check_body(const uint8_t *p, uint32_t len, uint32_t whole, enum mapi_type type, bool response)
{
    static struct seen seen;
    memset(&seen, 0, sizeof(seen));
    seen.p = p;
    seen.len = len;
    struct field_sink sink = { &seen, on_value, on_open, on_close, on_issue, on_room, on_enter, on_leave, NULL };
    struct reader reader;
    struct mapi_facts facts;
    reader_init(&reader, p, len, whole, &sink);
    mapi_read_body(&reader, type, response, &facts, NULL);
    assert(seen.depth == 0 && seen.derived == 0);
    assert(seen.values <= READER_VALUES_MAX && reader.depth == 0);
    assert(facts.end <= len && reader.pos <= len);
    assert(!facts.complete || (facts.end == len && whole == len && seen.rest == 0));
    assert(seen.rest <= 1 && (seen.rest == 0 || seen.issues > 0));
    check_span(p, len, facts.user_dn);
    check_span(p, len, facts.display_name);
    check_span(p, len, facts.dn_prefix);
    check_span(p, len, facts.server_url);
    /* Everything was taken unless an issue or the capture's end stopped it. */
    assert(reader.failed || reader.pos == len);
    assert(!reader.failed || seen.issues > 0 || whole > len);
    for (unsigned i = 0; i < seen.rooms; i++) {
        free(seen.room[i]);
    }
}

/* The items of a scan in one number, for runs of step bytes. */
static uint64_t scan(const uint8_t *p, uint32_t len, uint32_t step, uint32_t *body)
{
    struct meta_scanner scanner;
    struct mapi_meta meta;
    uint64_t hash = 14695981039346656037u;
    uint32_t last = 0;
    meta_scan_init(&scanner);
    for (uint32_t at = 0; at < len; at += step) {
        uint32_t run = step < len - at ? step : len - at, in = 0;
        do {
            size_t n = meta_scan(&scanner, p + at + in, run - in, &meta);
            assert(n <= run - in);
            in += (uint32_t)n;
            assert(scanner.start <= scanner.at);
            assert(scanner.state > META_IN_HEADERS || scanner.at == at + in);
            if (meta.kind != META_NOTHING) {
                assert(meta.offset >= last && meta.offset <= len && meta.len <= len - meta.offset);
                last = meta.offset + meta.len;
                if (meta.kind == META_HEADER) {
                    assert(meta.value_offset >= meta.offset && meta.value_offset + meta.value_len <= last);
                    assert(meta.name.len <= META_LINE_MAX && meta.value.len <= META_LINE_MAX);
                    assert(meta.value.len <= meta.value_len);
                    assert(memcmp(meta.value.ptr, p + meta.value_offset, meta.value.len) == 0);
                    assert(memcmp(meta.name.ptr, p + meta.offset, meta.name.len) == 0);
                }
                hash = (hash ^ meta.kind) * 1099511628211u;
                hash = (hash ^ meta.offset) * 1099511628211u;
                hash = (hash ^ meta.len) * 1099511628211u;
            }
        } while (meta.kind != META_NOTHING);
        if (scanner.state > META_IN_HEADERS) {
            break;
        }
    }
    *body = scanner.state == META_IN_BODY ? scanner.body : len;
    assert(*body <= len);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > (1u << 20)) {
        return 0;
    }
    enum mapi_type type = (enum mapi_type)(data[0] % MAPI_TYPES);
    bool response = data[1] & 1;
    uint32_t len = (uint32_t)size - 2;
    uint32_t whole = data[1] & 2 ? (data[1] & 4 ? UINT32_MAX : len + data[1]) : len;
    uint8_t *p = malloc(len ? len : 1);
    assert(p);
    memcpy(p, data + 2, len);

    uint32_t body, same;
    uint64_t hash = scan(p, len, len ? len : 1, &body);
    assert(scan(p, len, 1u + (data[1] >> 3), &same) == hash && same == body);
    if (response && body < len) {
        uint8_t *inner = malloc(len - body);
        assert(inner);
        memcpy(inner, p + body, len - body);
        check_body(inner, len - body, whole == UINT32_MAX ? whole : whole - body, type, true);
        free(inner);
    } else {
        check_body(p, len, whole, type, response);
    }

    struct span name = { p, len < 32 ? len : 32 };
    enum mapi_type named = mapi_type_of(name);
    assert((unsigned)named < MAPI_TYPES);
    assert((mapi_type_name(named) == NULL) == (named == MAPI_NONE || named == MAPI_UNKNOWN));
    free(p);
    return 0;
}
