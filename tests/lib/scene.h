/* scene.h
 * Plays virtual connections to the state core the way the plugin does: one frame after
 * the other, its heads and PDUs first and then its segment. What it proves is written
 * down as "never_joined:warning@12/0.1", item, severity, frame, connection and leg; and all that
 * a frame shows goes into the transcript.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_SCENE_H
#define OUTLOOKHTTP_SCENE_H

#include "connections.h"
#include "ends.h"
#include "finding.h"
#include "heap.h"
#include "outlook.h"
#include "reportlog.h"
#include "rpch_state.h"
#include "transcript.h"
#include "unit.h"

#define SECONDS_NS INT64_C(1000000000)
#define SCENE_START (INT64_C(1700000000) * SECONDS_NS)

struct scene {
    struct arena arena;
    struct heap heap;
    struct judge_prefs prefs;
    struct outlook *outlook;
    struct rpch_state *world;
    uint32_t frame, streams;
    int64_t ns, frame_ns; /* now, and from one frame to the next */
    uint16_t ip_id;
    char log[4096]; /* verdicts, separated by blanks */
    struct told_list told;
    char last_text[VERDICT_TEXT_MAX];
    enum verdict_where where;
    bool where_seen;
};

/* A TCP connection of the scene. */
struct tap {
    struct scene *scene;
    struct rpch_conn *conn;
    uint32_t stream;
    uint32_t seq[2];
    struct segment last;
    struct pdu_outcome outcome;
    struct vc_snapshot now;
    bool has_channel;
    char noted[512]; /* the last line of its snapshots in the transcript */
};

static inline void scene_begin_named(struct scene *scene, bool same_proxy_required, const char *name)
{
    transcript("== %s", name);
    memset(scene, 0, sizeof(*scene));
    scene->arena = heap_arena(&scene->heap);
    scene->prefs.same_proxy_required = same_proxy_required;
    scene->outlook = outlook_new(&scene->arena, &scene->prefs);
    scene->world = scene->outlook->rpch;
    scene->ns = SCENE_START;
    scene->frame_ns = SECONDS_NS / 1000;
}

#define scene_begin_with(scene, same_proxy_required) scene_begin_named(scene, same_proxy_required, __func__)
#define scene_begin(scene) scene_begin_named(scene, false, __func__)

static inline const char *shown(const char *text)
{
    return text ? text : "-";
}

static inline const char *shown_end(const struct endpoint *end, char text[ENDPOINT_TEXT_MAX])
{
    text[0] = '-';
    text[1] = '\0';
    if (end) {
        endpoint_format(end, text);
    }
    return text;
}

/* The rows of the report. */
static inline void scene_rows(const struct scene *scene)
{
    char client[ENDPOINT_TEXT_MAX], in[ENDPOINT_TEXT_MAX], out[ENDPOINT_TEXT_MAX];
    struct leg_row row;
    uint32_t rows = 0, connections = 0;
    for (uint32_t i = 0; rpch_state_row(scene->world, i, &row); i++) {
        rows++;
        connections = row.vc >= connections ? row.vc + 1 : connections;
        CHECK_INT(rpch_state_find_row(scene->world, row.vc, row.leg), i);
        CHECK_INT(outlook_connection_number(scene->outlook, i), row.vc);
        transcript(
            "row %u.%u frames %u-%u %lld-%lld user %s from %s to %s streams %d %d peers %s %s setup %lld calls %u "
            "faults %u idle %lld state %s ended %s requests %u %u id %s",
            row.vc, row.leg, row.start.frame, row.last.frame, (long long)row.start.ns, (long long)row.last.ns, row.user,
            shown_end(row.client.family ? &row.client : NULL, client), shown(row.target), (int)row.in.stream,
            (int)row.out.stream, shown_end(row.in.peer.family ? &row.in.peer : NULL, in),
            shown_end(row.out.peer.family ? &row.out.peer : NULL, out), (long long)row.setup_ns, row.calls, row.faults,
            (long long)row.longest_idle_ns, row.state, row.ended, row.in.request_frame, row.out.request_frame,
            row.request_id);
        transcript("    %s severity %d frame %u where %s%s cannot tell %s",
                   row.verdict.kind == VERDICT_KINDS ? "-" : verdict_filter(row.verdict.kind),
                   row.verdict.kind == VERDICT_KINDS ? -1 : (int)row.verdict.severity, row.verdict.frame,
                   verdict_where_name(row.verdict.where), row.verdict.seen ? " (seen)" : "",
                   shown(row.verdict.cannot_tell));
    }
    CHECK_INT(rpch_state_connections(scene->world), connections);
    CHECK_INT(rpch_state_find_row(scene->world, connections, 0), NO_NUMBER);
    CHECK_INT(outlook_connection_number(scene->outlook, rows), NO_NUMBER);
}

static inline void scene_end(struct scene *scene)
{
    CHECK_INT(scene->outlook->judge->misuse, 0);
    transcript_asides("    frames");
    scene_rows(scene);
    transcript_report(scene->outlook, &scene->arena, &scene->told, SCENE_START, scene->ns);
    heap_free(&scene->heap);
}

static inline void scene_wait(struct scene *scene, double seconds)
{
    scene->ns += (int64_t)(seconds * 1e9);
}

static inline struct when scene_now(const struct scene *scene)
{
    struct when when = { scene->frame, scene->ns };
    return when;
}

static const char *severity_name(enum verdict_severity severity)
{
    static const char *const names[] = { "chat", "note", "warning", "error" };
    return names[severity];
}

/* Writes down what this frame proved, and checks the form of its text. */
static inline void scene_collect(struct scene *scene)
{
    for (const struct verdict *v = outlook_take_verdicts(scene->outlook); v; v = v->next) {
        const char *item = strrchr(verdict_filter(v->kind), '.') + 1;
        size_t used = strlen(scene->log);
        snprintf(scene->log + used, sizeof(scene->log) - used, "%s%s:%s@%u/%d.%d", used ? " " : "", item,
                 severity_name(v->severity), v->when.frame, (int)v->vc, (int)v->leg);
        told_keep(&scene->told, v);
        CHECK_INT(v->when.frame, scene->frame);
        CHECK(strlen(v->text) < VERDICT_TEXT_MAX);
        CHECK(strncmp(v->text, "Seen: ", 6) == 0 && strstr(v->text, "; inferred: ") && strstr(v->text, "; next: "));
        snprintf(scene->last_text, sizeof(scene->last_text), "%s", v->text);
        transcript("%u: %s %s %d.%d %s%s: %s", v->when.frame, verdict_filter(v->kind), severity_name(v->severity),
                   (int)v->vc, (int)v->leg, verdict_where_name(v->where), v->where_seen ? " (seen)" : "", v->text);
        scene->where = v->where;
        scene->where_seen = v->where_seen;
    }
}

/* The verdicts since the last time, with %u for one frame number. */
#define EXPECT(scene, ...)                                     \
    do {                                                       \
        char expected_[512];                                   \
        snprintf(expected_, sizeof(expected_), __VA_ARGS__);   \
        scene_check_log(scene, expected_, __FILE__, __LINE__); \
    } while (0)
#define SILENT(scene) scene_check_log(scene, "", __FILE__, __LINE__)

static inline void scene_check_log(struct scene *scene, const char *expected, const char *file, int line)
{
    unit_check_str(scene->log, expected, file, line, "verdicts");
    scene->log[0] = '\0';
}

static inline struct tap tap_open_past(struct scene *scene, enum rts_hop hop, const char *client, const char *server,
                                       struct conn_past past)
{
    struct tap tap = { .scene = scene, .seq = { 1000, 5000 }, .stream = scene->streams++ };
    struct endpoint from = end_of(client), to = end_of(server);
    past.has_next = past.has_next && past.syn;
    past.next_seq[0] = tap.seq[0];
    past.next_seq[1] = tap.seq[1];
    if (!past.first.frame) {
        past.first = scene_now(scene);
    }
    struct conn *link = conn_new(&scene->outlook->track, CONN_RPCH, tap.stream, &from, &to, &past);
    tap.conn = rpch_conn_new(scene->world, link, hop, past.first.ns);
    return tap;
}

/* A connection captured from its SYN: three frames, then it is claimed. */
static inline struct tap tap_open(struct scene *scene, enum rts_hop hop, const char *client, const char *server)
{
    struct conn_past past = { .syn = true, .syn_ack = true, .has_next = true };
    scene->frame += 3;
    return tap_open_past(scene, hop, client, server, past);
}

static inline struct tap tap_http(struct scene *scene, const char *client, const char *server)
{
    return tap_open(scene, RTS_HOP_HTTP, client, server);
}

/* What the frame shows, where that has changed. */
static inline void tap_note(struct tap *tap)
{
    char line[sizeof(tap->noted)], in[ENDPOINT_TEXT_MAX], out[ENDPOINT_TEXT_MAX], cookie[16];
    const struct vc_snapshot *now = &tap->now;
    if (!tap->has_channel) {
        snprintf(line, sizeof(line), "no channel");
    } else {
        snprintf(cookie, sizeof(cookie), "-");
        if (now->cookie) {
            snprintf(cookie, sizeof(cookie), "%02x%02x%02x", now->cookie[0], now->cookie[1], now->cookie[2]);
        }
        snprintf(line, sizeof(line),
                 "%d.%d channel %u streams %d %d peers %s %s %s cookie %s peer frame %u to %s "
                 "sessions %s %s",
                 (int)now->vc, (int)now->leg, now->channel, (int)now->in_stream, (int)now->out_stream,
                 shown_end(now->in_peer, in), shown_end(now->out_peer, out), shown(now->state), cookie, now->peer_frame,
                 shown(now->target), shown(now->outlook_session), shown(now->session_id));
    }
    if (strcmp(line, tap->noted) != 0) {
        memcpy(tap->noted, line, sizeof(line));
        transcript_aside("%u: stream %u row %d: %s", tap->scene->frame, tap->stream, (int)rpch_conn_row(tap->conn),
                         line);
    }
}

/* What came of a PDU. */
static inline void tap_note_pdu(const struct tap *tap, const char *kind)
{
    const struct pdu_outcome *outcome = &tap->outcome;
    transcript_aside("%u: stream %u %s %s%s channel %u at %llu %s", tap->scene->frame, tap->stream, kind, outcome->name,
                     outcome->misplaced ? " misplaced" : "", outcome->channel,
                     (unsigned long long)outcome->channel_bytes, shown(outcome->unexpected));
}

/* The segment that ends a frame. */
static inline void tap_segment(struct tap *tap, struct segment segment)
{
    struct scene *scene = tap->scene;
    segment.when = scene_now(scene);
    rpch_conn_segment(tap->conn, &segment);
    scene_collect(scene);
    tap->last = segment;
    struct vc_mark mark;
    tap->has_channel = rpch_conn_mark(tap->conn, &mark);
    outlook_mark_show(&mark, &tap->now);
    tap_note(tap);
    struct vc_place place;
    CHECK(rpch_conn_place(tap->conn, &place) == tap->has_channel);
    if (tap->has_channel) {
        CHECK_INT(vc_place_connection(&place), tap->now.vc);
        CHECK_INT(vc_place_leg(&place), tap->now.leg);
        CHECK_INT(place.channel, tap->now.channel);
        CHECK(place.since <= scene->frame);
        CHECK_INT(rpch_state_row_of(rpch_conn_channel(tap->conn)), rpch_conn_row(tap->conn));
    }
}

static inline void tap_frame(struct tap *tap)
{
    tap->scene->frame++;
    tap->scene->ns += tap->scene->frame_ns;
}

static inline struct segment segment_of(struct tap *tap, enum way way, uint32_t len)
{
    struct segment segment = { .way = way,
                               .has_ack = true,
                               .seq = tap->seq[way],
                               .ack = tap->seq[!way],
                               .len = len,
                               .captured = len,
                               .ip_id = ++tap->scene->ip_id,
                               .window = 65535 };
    tap->seq[way] += len;
    return segment;
}

static inline void tap_data(struct tap *tap, enum way way, uint32_t len)
{
    tap_frame(tap);
    tap_segment(tap, segment_of(tap, way, len));
}

/* An empty segment that acknowledges all. */
static inline void tap_ack(struct tap *tap, enum way way)
{
    tap_data(tap, way, 0);
}

static inline void tap_fin(struct tap *tap, enum way way)
{
    tap_frame(tap);
    struct segment segment = segment_of(tap, way, 0);
    segment.fin = true;
    tap->seq[way]++;
    tap_segment(tap, segment);
}

static inline void tap_rst(struct tap *tap, enum way way)
{
    tap_frame(tap);
    struct segment segment = segment_of(tap, way, 0);
    segment.rst = true;
    tap_segment(tap, segment);
}

/* The last segment again, as another packet; and as the copy of a SPAN port. */
static inline void tap_again(struct tap *tap)
{
    tap_frame(tap);
    struct segment segment = tap->last;
    segment.ip_id = ++tap->scene->ip_id;
    tap_segment(tap, segment);
}

static inline void tap_copy(struct tap *tap)
{
    tap_frame(tap);
    tap_segment(tap, tap->last);
}

/* Bytes that were sent and not captured. */
static inline void tap_lose(struct tap *tap, enum way way, uint32_t len)
{
    tap->seq[way] += len;
}

/* ---- HTTP ---- */

static inline struct http_info http_request(enum http_method method)
{
    struct http_info info = { .is_request = true, .method = method, .content_length = -1, .version_minor = 1 };
    if (method == HTTP_RPC_IN_DATA || method == HTTP_RPC_OUT_DATA) {
        info.has_target = true;
        strcpy(info.target, "ex1.example.test:6004");
        info.content_length = method == HTTP_RPC_IN_DATA ? INT64_C(1073741824) : 76;
        info.auth.scheme = AUTH_BASIC;
        info.auth.step = AUTH_STEP_BASIC;
        info.auth.final = true;
        strcpy(info.auth.user, "EXAMPLE\\alice");
    }
    return info;
}

static inline void set_step(struct http_info *info, enum auth_step step)
{
    info->auth.scheme = step == AUTH_STEP_NONE ? AUTH_NONE : AUTH_NTLM;
    info->auth.step = step;
    info->auth.final = auth_step_is_credentials(step) || step == AUTH_STEP_TYPE3;
    if (!info->auth.final) {
        info->auth.user[0] = '\0';
    }
}

static inline struct http_info http_response(unsigned status)
{
    struct http_info info = { .status = status, .content_length = -1, .version_minor = 1 };
    info.offers_auth = status == 401 || status == 407; /* RFC 9110 15.5.2, 15.5.8 */
    return info;
}

static inline void tap_head(struct tap *tap, const struct http_info *info)
{
    enum way way = info->is_request ? WAY_TO_SERVER : WAY_TO_CLIENT;
    tap_frame(tap);
    rpch_conn_http(tap->conn, scene_now(tap->scene), way, info);
    tap_segment(tap, segment_of(tap, way, 300));
}

static inline void tap_request(struct tap *tap, enum http_method method)
{
    struct http_info info = http_request(method);
    tap_head(tap, &info);
}

static inline void tap_status(struct tap *tap, unsigned status)
{
    struct http_info info = http_response(status);
    tap_head(tap, &info);
}

/* ---- PDUs ---- */

struct rts_args {
    const char *commands; /* as for rts_make() */
    unsigned cookie[3];
    uint32_t window, timeout_ms, lifetime, keepalive_ms, destination, received, available;
    unsigned ack_cookie;
};

static void cookie_of(unsigned number, uint8_t cookie[16])
{
    memset(cookie, 0xC0, 16);
    cookie[0] = (uint8_t)number;
    cookie[1] = (uint8_t)(number >> 8);
    cookie[2] = (uint8_t)(number >> 16);
}

/* Commands by their number in hexadecimal digits: "6330" is Version, Cookie, Cookie,
 * ReceiveWindowSize. Returns the PDU's length. */
static inline uint16_t rts_make(struct rts_pdu *pdu, unsigned flags, const char *commands, const struct rts_args *args)
{
    static const uint8_t lengths[RTS_COMMAND_TYPES] = { 8, 28, 8, 20, 8, 8, 8, 4, 8, 4, 4, 40, 20, 8, 8 };
    unsigned length = 20;
    memset(pdu, 0, sizeof(*pdu));
    pdu->flags = (uint16_t)flags;
    pdu->well_formed = true;
    for (const char *p = commands; *p; p++) {
        unsigned type = (unsigned)(*p <= '9' ? *p - '0' : *p - 'A' + 10);
        length += lengths[type];
        pdu->command[pdu->commands_decoded++] = (uint8_t)type;
        switch (type) {
        case RTS_RECEIVE_WINDOW_SIZE:
            pdu->has_window = true;
            pdu->window = args->window ? args->window : 65536;
            break;
        case RTS_FLOW_CONTROL_ACK:
            pdu->has_ack = true;
            pdu->ack_received = args->received;
            pdu->ack_window = args->available;
            cookie_of(args->ack_cookie, pdu->ack_cookie);
            break;
        case RTS_CONNECTION_TIMEOUT:
            pdu->has_timeout = true;
            pdu->timeout_ms = args->timeout_ms ? args->timeout_ms : 900000;
            break;
        case RTS_COOKIE:
            cookie_of(args->cookie[pdu->cookies], pdu->cookie[pdu->cookies]);
            pdu->cookies++;
            break;
        case RTS_CHANNEL_LIFETIME:
            pdu->has_lifetime = true;
            pdu->lifetime = args->lifetime ? args->lifetime : 1073741824;
            break;
        case RTS_CLIENT_KEEPALIVE:
            pdu->has_keepalive = true;
            pdu->keepalive_ms = args->keepalive_ms ? args->keepalive_ms : 300000;
            break;
        case RTS_DESTINATION:
            pdu->has_destination = true;
            pdu->destination = args->destination;
            break;
        default:
            break;
        }
    }
    pdu->number_of_commands = pdu->commands_decoded;
    return (uint16_t)length;
}

static inline void tap_rts(struct tap *tap, enum way way, unsigned flags, const struct rts_args *args)
{
    struct rts_pdu pdu;
    struct pdu_header header = { .rpc_vers = 5, .ptype = RPC_RTS, .pfc_flags = 3, .little_endian = true };
    header.frag_length = rts_make(&pdu, flags, args->commands, args);
    tap_frame(tap);
    rpch_conn_pdu(tap->conn, scene_now(tap->scene), way, &header, &pdu, 0, &tap->outcome);
    tap_note_pdu(tap, "RTS");
    tap_segment(tap, segment_of(tap, way, header.frag_length));
}

/* The commands, and values of theirs: RTS(&in, UP, 0, "3", .cookie = { 13 }). */
#define RTS(tap, way, flags, ...) tap_rts(tap, way, flags, &(struct rts_args){ .commands = __VA_ARGS__ })
#define UP WAY_TO_SERVER
#define DOWN WAY_TO_CLIENT

static inline void tap_rpc_status(struct tap *tap, enum way way, enum rpc_ptype ptype, uint16_t length, uint32_t status)
{
    struct pdu_header header = { .rpc_vers = 5,
                                 .ptype = (uint8_t)ptype,
                                 .pfc_flags = 3,
                                 .little_endian = true,
                                 .frag_length = length,
                                 .call_id = 7 };
    tap_frame(tap);
    rpch_conn_pdu(tap->conn, scene_now(tap->scene), way, &header, NULL, status, &tap->outcome);
    tap_note_pdu(tap, "RPC");
    tap_segment(tap, segment_of(tap, way, length));
}

static inline void tap_rpc(struct tap *tap, enum way way, enum rpc_ptype ptype, uint16_t length)
{
    tap_rpc_status(tap, way, ptype, length, 0);
}

/* CONN on the HTTP hop (MS-RPCH 3.2.1.5.3.1). Cookies: the connection n, OUT n + 1, IN n + 2. */
static inline void send_a1(struct tap *out, unsigned n)
{
    RTS(out, UP, 0, "6330", .cookie = { n, n + 1 });
}

static inline void send_b1(struct tap *in, unsigned n)
{
    RTS(in, UP, 0, "63345C", .cookie = { n, n + 2 });
}

static inline void send_a3(struct tap *out)
{
    RTS(out, DOWN, 0, "2", .timeout_ms = 900000);
}

/* The server takes OUT. */
static inline void take_out(struct tap *out)
{
    tap_status(out, 200);
    send_a3(out);
}

static inline void send_c2(struct tap *out)
{
    RTS(out, DOWN, 0, "602", .window = 65536, .timeout_ms = 900000);
}

/* The requests and first PDUs of both halves. */
static inline void start_both(struct tap *in, struct tap *out, unsigned n)
{
    tap_request(out, HTTP_RPC_OUT_DATA);
    send_a1(out, n);
    tap_request(in, HTTP_RPC_IN_DATA);
    send_b1(in, n);
}

static inline void open_both(struct tap *in, struct tap *out, unsigned n)
{
    start_both(in, out, n);
    tap_status(out, 200);
    send_a3(out);
    send_c2(out);
}

#endif
