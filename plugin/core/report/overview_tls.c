/* overview_tls.c
 * TLS as a string of records (RFC 8446 5, RFC 5246 6): who said hello to whom, and how far the handshake came. Nothing
 * is decrypted. What comes late or is missing is not waited for: the records are found again where a segment begins
 * with one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "overview.h"

#include "chars.h"

#define HEAD_LEN 5
#define RECORD_MAX (16384 + 2048)
#define HELLO_MAX 4096 /* with the keys of today's groups; what lies behind is not looked at */

enum { TYPE_CIPHER = 20, TYPE_ALERT = 21, TYPE_HANDSHAKE = 22, TYPE_DATA = 23, TYPE_HEARTBEAT = 24 };
enum { CLIENT_HELLO = 1, SERVER_HELLO = 2 };
enum { EXTENSION_SERVER_NAME = 0, EXTENSION_VERSIONS = 43 };

/* TLS 1.3 hides its handshake as data. The client's Finished is the first record of at least that size: 4 bytes, a hash
 * of 32, the type and a tag of 16. An alert has 2 bytes, the type and the tag. */
#define FINISHED_MIN 53
#define HIDDEN_ALERT 19

static uint16_t record_length(const uint8_t head[HEAD_LEN])
{
    return get_be16(head + 3);
}

static bool begins_record(const uint8_t *p)
{
    return p[0] >= TYPE_CIPHER && p[0] <= TYPE_HEARTBEAT && p[1] == 3 && p[2] <= 4 && record_length(p) <= RECORD_MAX &&
           record_length(p) > 0;
}

static bool begins_hello(const uint8_t *p, size_t len)
{
    return len > HEAD_LEN && begins_record(p) && p[0] == TYPE_HANDSHAKE &&
           (p[HEAD_LEN] == CLIENT_HELLO || p[HEAD_LEN] == SERVER_HELLO);
}

/* Whether the bytes are records from their first on: a hello, or one whose end is where another begins, or the segment
 * ends. Five bytes alone would be too few to go by. */
static bool are_records(const uint8_t *p, size_t len)
{
    if (begins_hello(p, len)) {
        return true;
    }
    size_t at = 0;
    unsigned found = 0;
    while (at + HEAD_LEN <= len && begins_record(p + at)) {
        at += HEAD_LEN + record_length(p + at);
        if (++found == 2 || at == len) {
            return true;
        }
    }
    return false;
}

/* ---- Hellos -------------------------------------------------------------------------------- */

/* Takes so many bytes off; none are left where there are fewer. */
static struct span take(struct span *from, size_t len)
{
    const struct span taken = { from->ptr, len <= from->len ? len : 0 };
    *from = span_skip(*from, len <= from->len ? len : from->len);
    return taken;
}

static struct span take_vector(struct span *from, unsigned length_bytes)
{
    const struct span length = take(from, length_bytes);
    if (length.len < length_bytes) {
        return span_of(from->ptr, 0);
    }
    return take(from, length_bytes == 1 ? length.ptr[0] : get_be16(length.ptr));
}

/* RFC 6066 3 */
static void read_server_name(struct overview *overview, struct overview_conn *conn, struct span extension)
{
    struct span names = take_vector(&extension, 2);
    const struct span kind = take(&names, 1), name = take_vector(&names, 2);
    if (kind.len == 1 && kind.ptr[0] == 0 && name.len > 0 && name.len < SERVER_NAME_MAX) {
        char *kept = arena_new(overview->arena, name.len + 1);
        chars_copy(kept, name.len + 1, name);
        conn->server_name = kept;
    }
}

static void read_extensions(struct overview *overview, struct overview_conn *conn, uint8_t kind, struct span rest)
{
    struct span extensions = take_vector(&rest, 2);
    /* What was cut off at HELLO_MAX: the extensions that are there. */
    if (extensions.len == 0) {
        extensions = rest;
    }
    while (extensions.len >= 4) {
        const unsigned type = get_be16(extensions.ptr);
        take(&extensions, 2);
        const struct span extension = take_vector(&extensions, 2);
        if (kind == CLIENT_HELLO && type == EXTENSION_SERVER_NAME) {
            read_server_name(overview, conn, extension);
        } else if (kind == SERVER_HELLO && type == EXTENSION_VERSIONS && extension.len == 2) {
            conn->version13 = get_be16(extension.ptr) == 0x0304;
        }
    }
}

/* RFC 8446 4.1.2, 4.1.3 */
static void read_hello(struct overview *overview, struct overview_conn *conn, unsigned side, struct span bytes)
{
    const struct span head = take(&bytes, 4);
    if (head.len < 4 || (head.ptr[0] != CLIENT_HELLO && head.ptr[0] != SERVER_HELLO)) {
        return;
    }
    const uint8_t kind = head.ptr[0];
    conn->half[side].hello = true;
    if (!conn->sure) {
        conn->client = (uint8_t)(kind == CLIENT_HELLO ? side : !side);
        conn->sure = true;
    }
    take(&bytes, 2 + 32); /* version and random */
    take_vector(&bytes, 1);
    if (kind == CLIENT_HELLO) {
        take_vector(&bytes, 2);
        take_vector(&bytes, 1);
    } else {
        take(&bytes, 3);
    }
    read_extensions(overview, conn, kind, bytes);
}

static void end_gathering(struct overview *overview, struct tls_half *half)
{
    arena_give_back(overview->arena, half->gathers, half->wanted);
    half->gathers = NULL;
    half->wanted = half->got = 0;
}

/* Bytes of the record of a hello. */
static void gather(struct overview *overview, struct overview_conn *conn, unsigned side, const uint8_t *p, size_t len)
{
    struct tls_half *half = &conn->half[side];
    if (half->got == 0 && len >= half->wanted) {
        read_hello(overview, conn, side, span_of(p, half->wanted));
        end_gathering(overview, half);
        return;
    }
    if (!half->gathers) {
        half->gathers = arena_new(overview->arena, half->wanted);
    }
    const size_t room = (size_t)(half->wanted - half->got), more = len < room ? len : room;
    memcpy(half->gathers + half->got, p, more);
    half->got = (uint16_t)(half->got + more);
    if (half->got == half->wanted) {
        read_hello(overview, conn, side, span_of(half->gathers, half->wanted));
        end_gathering(overview, half);
    }
}

/* ---- Records ------------------------------------------------------------------------------- */

static void record_begins(struct overview_conn *conn, unsigned side)
{
    struct tls_half *half = &conn->half[side];
    half->type = half->head[0];
    half->left = record_length(half->head);
    half->have = 0;
    switch (half->type) {
    case TYPE_CIPHER:
        half->cipher = true;
        break;
    case TYPE_HANDSHAKE:
        if (!half->hello && !half->cipher && half->wanted == 0) {
            half->wanted = half->left < HELLO_MAX ? half->left : HELLO_MAX;
        }
        break;
    case TYPE_DATA:
        if (conn->version13 && !conn->finished) {
            if (side == conn->client && half->left >= FINISHED_MIN) {
                conn->finished = true;
            } else if (half->left == HIDDEN_ALERT) {
                conn->has_hidden = true;
                conn->hidden_by = (uint8_t)side;
            }
        }
        break;
    default:
        break;
    }
}

static void body(struct overview *overview, struct overview_conn *conn, unsigned side, const uint8_t *p, size_t len)
{
    struct tls_half *half = &conn->half[side];
    if (half->type == TYPE_ALERT && half->left == 2 && len == 2 && !conn->has_alert && !half->cipher) {
        conn->has_alert = true;
        conn->alert_by = (uint8_t)side;
        conn->alert = p[1];
    } else if (half->type == TYPE_HANDSHAKE && half->wanted) {
        gather(overview, conn, side, p, len);
    }
}

/* Bytes that go on where the last ones ended; false where they are no records. */
static bool go_on(struct overview *overview, struct overview_conn *conn, unsigned side, const uint8_t *p, size_t len)
{
    struct tls_half *half = &conn->half[side];
    while (len > 0) {
        if (half->left == 0) {
            half->head[half->have++] = *p++;
            len--;
            if (half->have == HEAD_LEN) {
                if (!begins_record(half->head)) {
                    return false;
                }
                record_begins(conn, side);
            }
            continue;
        }
        const size_t now = len < half->left ? len : half->left;
        body(overview, conn, side, p, now);
        half->left = (uint16_t)(half->left - now);
        p += now;
        len -= now;
    }
    return true;
}

static void lose(struct overview *overview, struct tls_half *half)
{
    end_gathering(overview, half);
    half->known = false;
    half->have = 0;
    half->left = 0;
}

/* Nothing that comes now would change what is told. */
static bool is_settled(const struct overview_conn *conn)
{
    return conn->tls && (conn->finished || (!conn->version13 && conn->half[0].cipher && conn->half[1].cipher));
}

void overview_tls(struct overview *overview, struct overview_conn *conn, unsigned side, const struct segment *segment,
                  const uint8_t *payload)
{
    struct tls_half *half = &conn->half[side];
    uint32_t at = 0;
    if (is_settled(conn)) {
        return;
    }
    const int32_t ahead = (int32_t)(segment->seq - half->next_seq);
    if (half->known && ahead > 0) {
        lose(overview, half); /* a gap, or it came too early */
    } else if (half->known && ahead < 0) {
        at = 0u - (uint32_t)ahead;
        if (at >= segment->len) {
            return;
        }
    }
    if (!half->known) {
        if (!are_records(payload, segment->captured)) {
            return;
        }
        conn->tls = half->known = true;
    }
    half->next_seq = segment->seq + segment->len;
    if (at < segment->captured && !go_on(overview, conn, side, payload + at, segment->captured - at)) {
        lose(overview, half);
        return;
    }
    /* What was cut off is missing from the record under way, or heads with it. */
    const uint32_t missing = segment->len - (at < segment->captured ? segment->captured : at);
    if (missing > half->left) {
        lose(overview, half);
    } else if (missing > 0) {
        end_gathering(overview, half);
        half->left = (uint16_t)(half->left - missing);
    }
}
