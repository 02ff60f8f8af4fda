/* overview.c
 * What a capture is: time, TCP connections, gaps.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "overview.h"

#include <stdio.h>

#define LOOKS_MAX 64 /* where nothing was decrypted by then nothing will be */
/* Of tcp.stream, which Wireshark counts up: only a damaged value would be beyond. */
#define STREAMS_MAX (1u << 26)
#define ARCHIVE_NAME_MAX 200 /* what is longer is cut */

void overview_packet(struct overview *overview, int64_t ns, bool cut)
{
    if (overview->packets == 0 || ns < overview->first) {
        overview->first = ns;
    }
    if (overview->packets == 0 || ns > overview->last) {
        overview->last = ns;
    }
    overview->packets++;
    overview->cut += cut;
}

void overview_made(struct overview *overview, const char *archive)
{
    overview->made++;
    if (!overview->archive) {
        char *kept = arena_new(overview->arena, ARCHIVE_NAME_MAX);
        snprintf(kept, ARCHIVE_NAME_MAX, "%s", archive && archive[0] ? archive : "an archive");
        overview->archive = kept;
    }
}

static struct overview_conn *conn_of(struct overview *overview, uint32_t stream, const struct endpoint *from,
                                     const struct endpoint *to, const struct segment *segment)
{
    while (overview->conns.count <= stream) {
        rows_add(overview->arena, &overview->conns, NULL);
    }
    struct overview_conn *conn = overview->conns.row[stream];
    if (!conn) {
        conn = arena_new(overview->arena, sizeof(*conn));
        conn->stream = stream;
        conn->end[0] = *from;
        conn->end[1] = *to;
        /* Without a SYN the lower port is the server's. */
        conn->client = !segment->syn && from->port < to->port;
        overview->conns.row[stream] = conn;
    }
    return conn;
}

static void take_time(struct overview_conn *conn, unsigned side, const struct segment *segment)
{
    const bool ends = segment->fin || segment->rst;
    if ((segment->len > 0 || ends) && !conn->closed) {
        const int64_t idle = conn->last_data ? segment->when.ns - conn->last_data : 0;
        conn->longest_idle = idle > conn->longest_idle ? idle : conn->longest_idle;
        conn->last_data = segment->when.ns;
    }
    if (ends && !conn->closed) {
        conn->closed = true;
        conn->reset = segment->rst;
        conn->closed_by = (uint8_t)side;
    }
}

struct overview_conn *overview_segment(struct overview *overview, uint32_t stream, const struct endpoint *from,
                                       const struct endpoint *to, const struct segment *segment, const uint8_t *payload)
{
    if (stream >= STREAMS_MAX) {
        return NULL;
    }
    struct overview_conn *conn = conn_of(overview, stream, from, to, segment);
    const unsigned side = !endpoint_equal(from, &conn->end[0]);
    if (segment->syn) {
        if (!conn->sure) {
            conn->client = (uint8_t)(segment->has_ack ? !side : side);
            conn->sure = true;
        }
        conn->syn = true;
    }
    conn->seen[side] = true;
    conn->data[side] |= segment->len > 0;
    struct segment taken = *segment;
    taken.way = side ? WAY_TO_CLIENT : WAY_TO_SERVER; /* of the order of ends, whoever the client is */
    tcp_flow_segment(&conn->flow, overview->arena, &taken);
    if (segment->len > 0) {
        overview_tls(overview, conn, side, segment, payload);
    }
    take_time(conn, side, segment);
    return conn;
}

bool overview_wants_look(const struct overview_conn *conn)
{
    return conn->looks < LOOKS_MAX && !(conn->http2 || (conn->tls ? conn->decrypted && conn->looks > 8 : false));
}

void overview_look(struct overview_conn *conn, unsigned what)
{
    conn->looks++;
    conn->decrypted |= (what & LOOK_DECRYPTED) != 0;
    conn->tls |= (what & LOOK_DECRYPTED) != 0; /* it may have begun within something else */
    conn->http2 |= (what & LOOK_HTTP2) != 0;
    conn->http |= (what & LOOK_HTTP) != 0;
    conn->other |= (what & LOOK_OTHER) != 0;
}

/* ---- Afterwards -------------------------------------------------------------------------- */

const struct overview_conn *overview_next(const struct overview *overview, uint32_t *at)
{
    while (*at < overview->conns.count) {
        const struct overview_conn *conn = overview->conns.row[(*at)++];
        if (conn) {
            return conn;
        }
    }
    return NULL;
}

bool overview_one_way(const struct overview_conn *conn)
{
    return !conn->seen[0] || !conn->seen[1];
}

uint32_t overview_gaps(const struct overview_conn *conn)
{
    uint32_t gaps = 0;
    for (unsigned side = 0; side < 2; side++) {
        const struct tcp_half *half = &conn->flow.half[side];
        gaps += conn->seen[side] ? half->holes + (half->lost ? 1u : 0u) : 0;
    }
    return gaps;
}

bool overview_hello_missing(const struct overview_conn *conn)
{
    return !conn->half[0].hello && !conn->half[1].hello;
}

/* Both ends have all they need to go on. */
static bool completed(const struct overview_conn *conn)
{
    return conn->finished || (!conn->version13 && conn->half[0].cipher && conn->half[1].cipher);
}

/* An alert in the clear says that it failed, but close_notify. */
static bool refused(const struct overview_conn *conn)
{
    return conn->has_alert && conn->alert != 0 && !conn->finished;
}

bool overview_sealed(const struct overview_conn *conn)
{
    if (!conn->tls || conn->decrypted) {
        return false;
    }
    if (overview_hello_missing(conn)) {
        return true;
    }
    if (refused(conn)) {
        return false;
    }
    /* A ClientHello that nobody answered leads nowhere, if the other direction was captured. */
    return completed(conn) || overview_one_way(conn) || overview_gaps(conn) > 0 ||
           (conn->half[!conn->client].hello && !conn->has_hidden);
}

/* RFC 8446 6, RFC 5246 7.2 */
static const char *alert_name(uint8_t alert)
{
    static const char *const names[] = {
        [0] = "close_notify",
        [10] = "unexpected_message",
        [20] = "bad_record_mac",
        [22] = "record_overflow",
        [40] = "handshake_failure",
        [42] = "bad_certificate",
        [43] = "unsupported_certificate",
        [44] = "certificate_revoked",
        [45] = "certificate_expired",
        [46] = "certificate_unknown",
        [47] = "illegal_parameter",
        [48] = "unknown_ca",
        [49] = "access_denied",
        [50] = "decode_error",
        [51] = "decrypt_error",
        [70] = "protocol_version",
        [71] = "insufficient_security",
        [80] = "internal_error",
        [86] = "inappropriate_fallback",
        [90] = "user_canceled",
        [109] = "missing_extension",
        [110] = "unsupported_extension",
        [112] = "unrecognized_name",
        [116] = "certificate_required",
        [120] = "no_application_protocol",
    };
    return alert < COUNT_OF(names) ? names[alert] : NULL;
}

static const char *end_called(const struct overview_conn *conn, unsigned side)
{
    return side == conn->client ? "client" : "server";
}

const char *overview_handshake(const struct overview_conn *conn, char to[HANDSHAKE_TEXT_MAX])
{
    const char *name = alert_name(conn->alert);
    if (overview_hello_missing(conn)) {
        return "handshake not captured";
    }
    if (refused(conn)) {
        if (name) {
            snprintf(to, HANDSHAKE_TEXT_MAX, "handshake ended by alert %s from the %s", name,
                     end_called(conn, conn->alert_by));
        } else {
            snprintf(to, HANDSHAKE_TEXT_MAX, "handshake ended by alert %u from the %s", conn->alert,
                     end_called(conn, conn->alert_by));
        }
        return to;
    }
    if (completed(conn)) {
        return "handshake completed";
    }
    if (conn->has_hidden) {
        snprintf(to, HANDSHAKE_TEXT_MAX, "handshake ended by an encrypted alert from the %s",
                 end_called(conn, conn->hidden_by));
        return to;
    }
    return conn->half[!conn->client].hello ? "handshake not completed" : "no answer to the ClientHello";
}

const char *overview_end(const struct overview_conn *conn)
{
    if (!conn->closed) {
        return "open at the end of the capture";
    }
    const bool by_client = conn->closed_by == conn->client;
    if (conn->reset) {
        return by_client ? "reset by the client" : "reset by the server";
    }
    return by_client ? "closed by the client" : "closed by the server";
}
