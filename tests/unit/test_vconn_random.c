/* test_vconn_random.c
 * Virtual connections played by chance: what no test thought of must not change either. A
 * play is one line of the transcript, a digest of all it showed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "client.h"
#include "dice.h"
#include "scene.h"

enum { TAPS = 8, PLAYS = 260, ACTIONS = 45 };

static const char *const servers[] = { "10.0.0.81:80", "10.0.0.82:80", "10.0.0.4:80" };
static const char *const names[] = { "EX1", "ex1.example.test", "EX2", "" };
static const double waits[] = { 0.01, 0.5, 4.9, 5.1, 11, 31, 62, 121, 320, 1000 };
/* Where frames take no time, such waits end exactly where limits lie. */
static const double exact_waits[] = { 0.05, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300 };
static bool exact;

static double wait_of(struct dice *dice)
{
    return exact ? ANY_OF(dice, exact_waits) : ANY_OF(dice, waits);
}

static struct tap opened(struct scene *s, struct dice *dice)
{
    char client[32];
    struct conn_past past = { .syn = true, .syn_ack = true, .has_next = true };
    bool tcp = once_in(dice, 6);
    snprintf(client, sizeof(client), "10.0.0.%u:%u", once_in(dice, 5) ? 4 : 1, 1000 + s->streams);
    if (once_in(dice, 9)) {
        past.syn = roll(dice, 2);
        past.syn_ack = false;
        past.gap = roll(dice, 2);
    }
    s->frame += 3;
    return tap_open_past(s, tcp ? RTS_HOP_TCP : RTS_HOP_HTTP, client, tcp ? "10.0.0.90:6004" : ANY_OF(dice, servers),
                         past);
}

static void act_request(struct tap *tap, struct dice *dice, bool out)
{
    static const int64_t lengths[] = { 0, 4, 16, 17, 76, 1073741824, -1 };
    static const struct {
        enum auth_step step;
        bool anonymous;
    } steps[] = { { AUTH_STEP_NONE, false },  { AUTH_STEP_TYPE1, false }, { AUTH_STEP_TYPE3, false },
                  { AUTH_STEP_BASIC, false }, { AUTH_STEP_TYPE3, true },  { AUTH_STEP_TOKEN, false } },
      *chosen;
    static const char *const targets[] = { "ex2.example.test:6004", "EX1:6004",
                                           "10.0.0.81:6004",        "10.0.0.82:6004",
                                           "[2001:db8::81]:6004",   "ex1.example.test:593" };
    struct http_info info = http_request(once_in(dice, 12) ? HTTP_OTHER_METHOD :
                                         once_in(dice, 25) ? HTTP_RPC_CONNECT :
                                         out               ? HTTP_RPC_OUT_DATA :
                                                             HTTP_RPC_IN_DATA);
    if (info.method == HTTP_RPC_CONNECT) {
        info.v1 = true;
    }
    if (once_in(dice, 3)) {
        chosen = &ANY_OF(dice, steps);
        set_step(&info, chosen->step);
        if (chosen->anonymous) {
            info.auth.anonymous = true;
            info.auth.final = false;
            info.auth.user[0] = '\0';
        }
    }
    if (once_in(dice, 4)) {
        info.content_length = ANY_OF(dice, lengths);
    }
    if (once_in(dice, 3)) {
        snprintf(info.outlook_session, sizeof(info.outlook_session), "%u", roll(dice, 2));
    }
    if (once_in(dice, 6)) {
        snprintf(info.session_id, sizeof(info.session_id), "%u", roll(dice, 2));
    }
    if (once_in(dice, 8)) {
        strcpy(info.target, ANY_OF(dice, targets));
    }
    if (once_in(dice, 8)) {
        strcpy(info.persistence_name, "SERVERID");
        snprintf(info.persistence_server, sizeof(info.persistence_server), "SERVERID=%u", roll(dice, 2));
    }
    tap_head(tap, &info);
}

static void act_status(struct tap *tap, struct dice *dice)
{
    static const unsigned statuses[] = { 200, 200, 200, 200, 100, 401, 401, 407, 403, 404, 500, 503, 302 };
    struct http_info info = http_response(ANY_OF(dice, statuses));
    if (once_in(dice, 3)) {
        strcpy(info.front_end, ANY_OF(dice, names));
    }
    if (once_in(dice, 5)) {
        strcpy(info.persistence_name, "SERVERID");
        snprintf(info.persistence_server, sizeof(info.persistence_server), "SERVERID=%u", roll(dice, 2));
    }
    if (info.status == 401 && once_in(dice, 2)) {
        info.offers_auth = true;
        info.challenge_in_progress = once_in(dice, 2);
        strcpy(info.challenge_server, info.challenge_in_progress ? ANY_OF(dice, names) : "");
    }
    if (info.status == 503 && once_in(dice, 2)) {
        info.rpc_error = true;
        info.rpc_error_code = 0x6BA;
    }
    info.close = once_in(dice, 8);
    info.author = (enum http_author)roll(dice, 4);
    if (once_in(dice, 3)) {
        strcpy(info.request_id, "id");
        strcpy(info.failure_context, once_in(dice, 2) ? "FrontEnd" : "");
        strcpy(info.server_header, "IIS");
        strcpy(info.via, once_in(dice, 2) ? "lb" : "");
        strcpy(info.ee_info, once_in(dice, 3) ? "AQ==" : "");
        info.content_type_text = once_in(dice, 2);
        info.content_length = once_in(dice, 2) ? 1000 : -1;
    }
    tap_head(tap, &info);
}

static void act_rts(struct tap *tap, struct dice *dice, unsigned vc)
{
    static const struct {
        bool down;
        uint8_t flags;
        const char *commands;
        uint8_t destination;
    } pdus[] = { { true, 4, "D", 0 },           { true, 0, "D602", 0 },      { true, 0, "D", 0 },
                 { false, 4, "6333", 0 },       { false, 0xC, "633302", 0 }, { false, 4, "63330", 0 },
                 { false, 0x14, "6333402", 0 }, { true, 0x10, "D62", 0 },    { false, 0x10, "D3", 2 },
                 { false, 0x10, "D36", 2 },     { true, 0, "A", 0 },         { false, 0, "A", 0 },
                 { false, 0, "3", 0 },          { true, 0, "DA", 0 },        { true, 0x20, "A", 0 },
                 { false, 1, "7", 0 },          { true, 0, "9", 0 },         { false, 0, "7", 0 },
                 { true, 0, "0", 0 },           { false, 1, "", 0 },         { true, 1, "", 0 },
                 { false, 2, "5", 0 },          { false, 2, "D1", 3 },       { true, 2, "D1", 0 },
                 { false, 2, "1", 0 },          { true, 2, "1", 0 },         { false, 0x10, "63340", 0 },
                 { false, 8, "63302CB", 0 },    { true, 0, "06", 0 },        { false, 2, "E", 0 },
                 { true, 0x40, "", 0 },         { true, 0, "777", 0 } };
    static const uint32_t windows[] = { 8192, 65536, 20000 };
    unsigned which = roll(dice, sizeof(pdus) / sizeof(pdus[0])), base = 10 * vc;
    unsigned old = base + 1 + roll(dice, 5), new = base + 1 + roll(dice, 5);
    uint32_t window = ANY_OF(dice, windows), lifetime = once_in(dice, 3) ? 131072 : 0, received = roll(dice, 3) * 400;
    uint32_t available = ANY_OF(dice, windows);
    RTS(tap, pdus[which].down ? DOWN : UP, pdus[which].flags, pdus[which].commands,
        .destination = pdus[which].destination, .cookie = { base, old, new }, .window = window, .lifetime = lifetime,
        .keepalive_ms = 60000, .received = received, .available = available, .ack_cookie = base + 1 + roll(dice, 3));
}

static void act_rpc(struct tap *tap, struct dice *dice, bool out)
{
    static const enum rpc_ptype up[] = { RPC_BIND, RPC_REQUEST, RPC_REQUEST, RPC_ALTER_CONTEXT };
    static const enum rpc_ptype down[] = { RPC_BIND_ACK, RPC_RESPONSE, RPC_RESPONSE, RPC_FAULT, RPC_BIND_NAK };
    static const uint16_t sizes[] = { 60, 400, 4096, 40000 };
    bool to_client = once_in(dice, 12) ? !out : out;
    enum rpc_ptype type = to_client ? ANY_OF(dice, down) : ANY_OF(dice, up);
    uint32_t status = type == RPC_FAULT    ? (once_in(dice, 2) ? 5 : 0x1C010003) :
                      type == RPC_BIND_NAK ? roll(dice, 12) :
                                             0;
    tap_rpc_status(tap, to_client ? DOWN : UP, type, ANY_OF(dice, sizes), status);
}

static void act_tcp(struct scene *s, struct tap *tap, struct dice *dice)
{
    enum way way = (enum way)roll(dice, 2);
    struct endpoint server;
    struct segment segment;
    switch (roll(dice, 10)) {
    case 0:
        tap_fin(tap, way);
        break;
    case 1:
        tap_rst(tap, way);
        break;
    case 2:
        tap_lose(tap, way, 40);
        tap_ack(tap, way);
        break;
    case 3:
        for (unsigned i = 0; i < 5; i++) {
            scene_wait(s, 0.3);
            tap_again(tap);
        }
        break;
    case 4:
        tap_copy(tap);
        break;
    case 5:
        tap_frame(tap);
        segment = segment_of(tap, way, 500);
        segment.captured = once_in(dice, 2) ? 100 : 500;
        segment.opaque = once_in(dice, 3);
        tap_segment(tap, segment);
        break;
    case 6:
        server = end_of(ANY_OF(dice, servers));
        s->frame++;
        track_server_heard(&s->outlook->track, &server, scene_now(s));
        scene_collect(s);
        break;
    case 7:
        tap_frame(tap);
        rpch_conn_skipped(tap->conn, scene_now(s), way, 10);
        tap_segment(tap, segment_of(tap, way, 10));
        break;
    default:
        tap_ack(tap, way);
        break;
    }
}

/* Even taps are mostly IN, odd ones OUT; each pair has a virtual connection in mind. */
static void play(uint32_t seed)
{
    struct dice dice = { seed * 7919 };
    struct scene s;
    struct tap taps[TAPS];
    bool open[TAPS] = { false };
    exact = seed % 3 == 0;
    scene_begin_with(&s, seed % 4 == 0);
    s.frame_ns = exact ? 0 : s.frame_ns;
    for (unsigned i = 0; i < ACTIONS; i++) {
        unsigned at = roll(&dice, once_in(&dice, 3) ? TAPS : 4), vc = 1 + (at / 2) % 2;
        struct tap *tap = &taps[at];
        bool out = at % 2;
        if (!open[at] || once_in(&dice, 20)) {
            *tap = opened(&s, &dice);
            open[at] = true;
            if (!once_in(&dice, 5)) {
                act_request(tap, &dice, out);
            }
            continue;
        }
        switch (roll(&dice, 16)) {
        case 0:
        case 1:
            act_request(tap, &dice, out);
            break;
        case 2:
        case 3:
            act_status(tap, &dice);
            break;
        case 4:
        case 5:
        case 6:
            if (out) {
                send_a1(tap, 10 * vc);
            } else {
                send_b1(tap, 10 * vc);
            }
            break;
        case 7:
            send_a3(tap);
            break;
        case 8:
            send_c2(tap);
            break;
        case 9:
        case 10:
            act_rts(tap, &dice, vc);
            break;
        case 11:
        case 12:
            act_rpc(tap, &dice, out);
            break;
        case 13:
            scene_wait(&s, wait_of(&dice));
            tap_ack(tap, (enum way)roll(&dice, 2));
            break;
        default:
            act_tcp(&s, tap, &dice);
            break;
        }
        s.log[0] = '\0';
    }
    scene_end(&s);
}

/* A pair that opens, and then whatever happens to it, or its legs on both sides of a balancer. */
static void play_open(uint32_t seed)
{
    struct dice dice = { seed * 104729 };
    struct scene s;
    struct tap taps[TAPS];
    unsigned count = once_in(&dice, 2) ? 4 : 2;
    exact = seed % 3 == 0;
    scene_begin_with(&s, false);
    s.frame_ns = exact ? 0 : s.frame_ns;
    taps[0] = tap_http(&s, "10.0.0.1:1001", count == 4 ? servers[2] : servers[0]);
    taps[1] = tap_http(&s, "10.0.0.1:1002", count == 4 ? servers[2] : servers[once_in(&dice, 4)]);
    if (count == 4) {
        taps[2] = tap_http(&s, "10.0.0.4:2001", servers[0]);
        taps[3] = tap_http(&s, "10.0.0.4:2002", servers[once_in(&dice, 3)]);
    }
    for (unsigned i = 0; i < count; i += 2) {
        start_both(&taps[i], &taps[i + 1], 10);
    }
    for (unsigned i = count; i > 0; i -= 2) {
        double wait = wait_of(&dice);
        scene_wait(&s, exact || once_in(&dice, 3) ? wait : wait / 10);
        if (i == 2 && once_in(&dice, 5)) {
            continue; /* the device before holds all of it back */
        }
        tap_status(&taps[i - 1], 200);
        if (!once_in(&dice, 6)) {
            send_a3(&taps[i - 1]);
            scene_wait(&s, once_in(&dice, 4) ? wait_of(&dice) : 0);
            send_c2(&taps[i - 1]);
        }
    }
    for (unsigned i = 0; i < ACTIONS; i++) {
        unsigned at = roll(&dice, count);
        bool out = at % 2;
        unsigned kind = roll(&dice, 12);
        if (kind < 5) {
            act_rpc(&taps[at], &dice, out);
        } else if (kind < 8) {
            scene_wait(&s, wait_of(&dice));
            tap_ack(&taps[at], (enum way)roll(&dice, 2));
        } else if (kind < 10) {
            act_rts(&taps[at], &dice, 1);
        } else if (kind == 10 && count < TAPS) {
            char client[32];
            bool next_out = once_in(&dice, 2);
            snprintf(client, sizeof(client), "10.0.0.1:%u", 1010 + count);
            taps[count] = tap_http(&s, client, ANY_OF(&dice, servers));
            tap_request(&taps[count], next_out ? HTTP_RPC_OUT_DATA : HTTP_RPC_IN_DATA);
            RTS(&taps[count], UP, 4, next_out ? "63330" : "6333",
                .cookie = { 10, next_out ? 11 : 12, 13 + roll(&dice, 3) });
            count++;
        } else {
            act_tcp(&s, &taps[at], &dice);
        }
        s.log[0] = '\0';
    }
    scene_end(&s);
}

/* ---- What befalls connections beside their own bytes ---- */

static void act_told(struct scene *s, struct tap *tap, struct dice *dice)
{
    static const uint64_t versions[] = { 0, UINT64_C(0x000E000000001B05), UINT64_C(0x000F000011440000),
                                         UINT64_C(0x001000003E380000), UINT64_C(0x000C000000000000) };
    struct client_told told = { .version = ANY_OF(dice, versions) };
    told.agent_version = ANY_OF(dice, versions);
    told.server = ANY_OF(dice, versions);
    told.application = once_in(dice, 2) ? "OUTLOOK.EXE" : NULL;
    told.machine = once_in(dice, 2) ? track_text(&s->outlook->track, ANY_OF(dice, names)) : NULL;
    told.name = once_in(dice, 2) ? "bob" : NULL;
    told.mode = (uint8_t)roll(dice, 3);
    if (once_in(dice, 4)) {
        told.forwarded = end_of("192.0.2.7:0");
    }
    const uint32_t row = once_in(dice, 6) ? roll(dice, 4) : rpch_conn_row(tap->conn);
    rpch_state_told(s->world, row, &told);
    const struct client *client = rpch_state_client(s->world, row);
    transcript("told %d: client %d of %d", (int)row, client ? (int)client->index : -1,
               (int)rpch_state_number(s->world, row));
}

static void act_syn(struct scene *s, struct dice *dice)
{
    char name[32];
    const unsigned host = once_in(dice, 5) ? 4 : 1;
    snprintf(name, sizeof(name), "10.0.0.%u:%u", host, 3000 + roll(dice, 3));
    const struct endpoint client = end_of(name), server = end_of(ANY_OF(dice, servers));
    const bool answer = once_in(dice, 4);
    s->frame++;
    if (once_in(dice, 5)) {
        track_server_refused(&s->outlook->track, &server, scene_now(s));
    } else {
        rpch_state_syn(s->world, answer ? &server : &client, answer ? &client : &server, scene_now(s), answer);
    }
    scene_collect(s);
}

/* A call or its answer, whole or in fragments, of an interface that is known or not. */
static void act_call(struct tap *tap, struct dice *dice, bool out)
{
    static const enum rpc_ptype up[] = { RPC_REQUEST, RPC_REQUEST, RPC_REQUEST, RPC_BIND, RPC_ALTER_CONTEXT };
    static const enum rpc_ptype down[] = { RPC_RESPONSE, RPC_RESPONSE, RPC_RESPONSE, RPC_BIND_ACK, RPC_FAULT };
    static const uint8_t flags[] = { 3, 3, 3, 1, 0, 2 };
    static const uint16_t opnums[] = { 11, 11, 10, 0, 4 };
    struct pdu_header header = { .rpc_vers = 5, .little_endian = true, .frag_length = 200 };
    header.ptype = (uint8_t)(out ? ANY_OF(dice, down) : ANY_OF(dice, up));
    header.pfc_flags = ANY_OF(dice, flags);
    header.call_id = 1 + roll(dice, 4);
    header.call.context = (uint16_t)roll(dice, 2);
    header.call.opnum = ANY_OF(dice, opnums);
    header.call.bound_count = header.ptype == RPC_BIND || header.ptype == RPC_ALTER_CONTEXT ? 2 : 0;
    header.call.bound[0].interface = RPC_EMSMDB;
    header.call.bound[1].context = 1;
    header.call.bound[1].interface = (uint8_t)(once_in(dice, 2) ? RPC_ASYNC_EMSMDB : RPC_INTERFACE_OTHER);
    tap_frame(tap);
    rpch_conn_pdu(tap->conn, scene_now(tap->scene), out ? DOWN : UP, &header, NULL, header.ptype == RPC_FAULT ? 5 : 0,
                  &tap->outcome);
    tap_note_pdu(tap, "call");
    transcript_aside("call %d interface %u opnum %u times %d", tap->outcome.is_call, tap->outcome.interface,
                     tap->outcome.opnum, tap->outcome.times != NULL);
    struct segment segment = segment_of(tap, out ? DOWN : UP, 200);
    conn_sees(rpch_conn_conn(tap->conn), segment.way, segment.seq, segment.ack);
    tap_segment(tap, segment);
}

static void act_odd(struct scene *s, struct tap *tap, struct dice *dice)
{
    static const uint8_t ttls[] = { 60, 60, 61, 62, 128 };
    enum way way = (enum way)roll(dice, 2);
    enum halfway what;
    struct segment segment;
    switch (roll(dice, 9)) {
    case 0:
        act_syn(s, dice);
        break;
    case 1:
        act_told(s, tap, dice);
        break;
    case 2:
        tap_frame(tap);
        rpch_conn_gap(tap->conn, scene_now(s), way);
        tap_lose(tap, way, 300);
        tap_segment(tap, segment_of(tap, way, 20));
        break;
    case 3:
        what = (enum halfway)roll(dice, 3);
        tap_frame(tap);
        rpch_conn_halfway(tap->conn, scene_now(s), way, what, 1 + roll(dice, 3));
        tap_segment(tap, segment_of(tap, way, 50));
        break;
    case 4: /* the clock is set back */
        s->ns -= (int64_t)(wait_of(dice) * 1e9);
        tap_ack(tap, way);
        break;
    case 5: { /* an end's packets look alike, until one does not */
        const bool rst = once_in(dice, 3), text = once_in(dice, 4);
        tap_frame(tap);
        segment = segment_of(tap, way, text && !rst ? 12 : 0);
        segment.reason = (struct span){ (const uint8_t *)"Flow expired", text && rst ? 12 : 0 };
        segment.ttl = ANY_OF(dice, ttls);
        segment.rst = rst;
        segment.ip_id = once_in(dice, 4) ? 0xABCD : segment.ip_id;
        segment.seq += once_in(dice, 5) ? 7 : 0;
        segment.has_ack = !once_in(dice, 5);
        tap_segment(tap, segment);
        break;
    }
    case 6: { /* a keep-alive probe, with a byte or without; and its answer or none */
        tap_frame(tap);
        segment = segment_of(tap, way, 0);
        segment.seq--;
        segment.len = segment.captured = once_in(dice, 2);
        tap_segment(tap, segment);
        if (once_in(dice, 2)) {
            tap_ack(tap, way == UP ? DOWN : UP);
        }
        scene_wait(s, wait_of(dice));
        break;
    }
    case 7: /* no window */
        tap_frame(tap);
        segment = segment_of(tap, way, 0);
        segment.window = once_in(dice, 2) ? 0 : 10;
        tap_segment(tap, segment);
        break;
    default:
        rpch_conn_may_be_ours(tap->conn);
        transcript("by calls %d, IN %d, channel %d", rpch_conn_by_calls(tap->conn), rpch_conn_in(tap->conn) != NULL,
                   rpch_conn_channel(tap->conn) != NULL);
        break;
    }
}

/* ---- Refusals, on one leg or on both ---- */

static void rich_request(struct tap *tap, struct dice *dice, bool out, unsigned step, bool anonymous)
{
    struct http_info info = http_request(out ? HTTP_RPC_OUT_DATA : HTTP_RPC_IN_DATA);
    if (step <= AUTH_STEP_TOKEN) {
        set_step(&info, (enum auth_step)step);
        info.auth.anonymous = anonymous;
        strcpy(info.auth.user, anonymous || !info.auth.final ? "" : "EXAMPLE\\bob");
    }
    if (once_in(dice, 6)) {
        info.content_length = once_in(dice, 2) ? 16 : 0; /* an echo, a step of a logon */
    }
    info.expect_continue = once_in(dice, 8);
    info.proxy_final = once_in(dice, 3);
    strcpy(info.client_request_id, once_in(dice, 3) ? "c1" : "");
    strcpy(info.user_agent, once_in(dice, 2) ? "MSRPC" : "");
    tap_head(tap, &info);
}

static struct http_info rich_response(struct dice *dice)
{
    static const unsigned statuses[] = {
        200, 401, 401, 403, 404, 407, 413, 500, 501, 502, 503, 503, 504, 302, 456, 457
    };
    static const uint32_t codes[] = { 0x6BA, 0x6BF, 5, 0x12345678, 0x2746 };
    static const char *const products[] = { "HAProxy", "nginx", "F5" };
    static const char *const types[] = { "text/html", "application/rpc", "" };
    static const char *const short_names[] = { "E", "EX1", "F", "" };
    struct http_info info = http_response(ANY_OF(dice, statuses));
    info.author = (enum http_author)roll(dice, HTTP_AUTHORS);
    if (once_in(dice, 2)) {
        info.page.writer = (enum http_author)roll(dice, HTTP_AUTHORS);
        info.page.product = once_in(dice, 2) ? ANY_OF(dice, products) : NULL;
        info.page.words = roll(dice, 8);
        strcpy(info.page.title, once_in(dice, 2) ? "Service Unavailable" : "");
    }
    strcpy(info.content_type, ANY_OF(dice, types));
    info.content_type_text = info.content_type[0] == 't';
    info.content_type_rpc = info.content_type[0] == 'a';
    if (info.status == 503 && once_in(dice, 2)) {
        info.rpc_error = true;
        info.rpc_error_code = ANY_OF(dice, codes);
        strcpy(info.ee_info, once_in(dice, 2) ? "AQ==" : "");
    }
    info.offers_auth = info.status == 401 || info.status == 407;
    info.challenge_in_progress = info.offers_auth && once_in(dice, 2);
    strcpy(info.challenge_server, info.challenge_in_progress ? ANY_OF(dice, short_names) : "");
    strcpy(info.cas_error, once_in(dice, 8) ? "ServerNotFound" : "");
    info.front.failure = info.cas_error[0] ? FRONT_NO_BACK_END : FRONT_SAYS_NOTHING;
    strcpy(info.failure_context, once_in(dice, 6) ? "FrontEnd;503" : "");
    strcpy(info.diag_info, once_in(dice, 6) ? "EX1" : "");
    strcpy(info.server_header, once_in(dice, 3) ? "Microsoft-IIS/10.0" : "");
    strcpy(info.via, once_in(dice, 6) ? "1.1 lb" : "");
    strcpy(info.front_end, once_in(dice, 4) ? ANY_OF(dice, short_names) : "");
    strcpy(info.request_id, once_in(dice, 3) ? "r1" : "");
    info.close = once_in(dice, 3);
    info.content_length = once_in(dice, 2) ? 100 : -1;
    info.device_cookie = once_in(dice, 8);
    if (once_in(dice, 6)) {
        strcpy(info.persistence_name, "SERVERID");
        snprintf(info.persistence_server, sizeof(info.persistence_server), "SERVERID=%u", roll(dice, 2));
    }
    return info;
}

/* Halves are asked for, passed on or not, answered by whoever, closed, and asked for again. */
static void play_refused(uint32_t seed)
{
    struct dice dice = { seed * 32452843 };
    struct scene s;
    struct tap taps[4];
    const bool two = seed % 2;
    exact = seed % 5 == 0;
    scene_begin_with(&s, seed % 3 == 0);
    s.frame_ns = exact ? 0 : s.frame_ns;
    for (unsigned round = 0; round < 4; round++) {
        const unsigned vc = 10 * (once_in(&dice, 4) ? 2 : 1);
        for (unsigned half = 0; half < 2; half++) {
            const bool out = half != (seed / 2) % 2, passes_on = two && !once_in(&dice, 4);
            struct tap *outer = &taps[out], *inner = &taps[2 + out];
            char client[32];
            if (round == 0 || once_in(&dice, 2)) {
                snprintf(client, sizeof(client), "10.0.0.1:%u", 1001 + s.streams);
                *outer = tap_http(&s, client, servers[two ? 2 : 0]);
                snprintf(client, sizeof(client), "10.0.0.4:%u", 2001 + s.streams);
                *inner = tap_http(&s, client, ANY_OF(&dice, servers));
            }
            const unsigned step = roll(&dice, 14);
            const bool anonymous = once_in(&dice, 6), sends = !once_in(&dice, 3);
            for (unsigned leg = 0; leg <= passes_on; leg++) {
                struct tap *tap = leg ? inner : outer;
                rich_request(tap, &dice, out, step, anonymous);
                if (sends && out) {
                    send_a1(tap, vc);
                } else if (sends) {
                    send_b1(tap, vc);
                }
            }
            if (once_in(&dice, 4)) {
                scene_wait(&s, wait_of(&dice));
            }
            if (once_in(&dice, 5)) {
                continue; /* answered later, or never */
            }
            struct http_info info = rich_response(&dice);
            const bool serves = out && once_in(&dice, 3);
            if (passes_on && !once_in(&dice, 6)) {
                tap_head(inner, &info);
                scene_wait(&s, once_in(&dice, 5) ? wait_of(&dice) : 0);
            }
            if (passes_on && once_in(&dice, 4)) {
                info = rich_response(&dice); /* the device has its own answer */
            }
            if (serves) {
                take_out(outer);
                send_c2(outer);
            } else {
                tap_head(outer, &info);
            }
            if (once_in(&dice, 3)) {
                tap_fin(outer, once_in(&dice, 2) ? UP : DOWN);
            }
            if (passes_on && once_in(&dice, 3)) {
                tap_rst(inner, once_in(&dice, 2) ? UP : DOWN);
            }
        }
        act_odd(&s, &taps[roll(&dice, 4)], &dice);
        s.log[0] = '\0';
    }
    scene_end(&s);
}

/* An open pair, or the legs of one before and behind a device; the latter end one after the other. */
static void play_odd(uint32_t seed)
{
    struct dice dice = { seed * 15485863 };
    struct scene s;
    struct tap taps[TAPS];
    unsigned count = seed % 3 ? 4 : 2;
    exact = seed % 4 == 0;
    scene_begin_with(&s, false);
    s.frame_ns = exact ? 0 : s.frame_ns;
    const bool same = !once_in(&dice, 5);
    taps[0] = tap_http(&s, "10.0.0.1:1001", count == 4 ? servers[2] : servers[0]);
    taps[1] = tap_http(&s, "10.0.0.1:1002", count == 4 ? servers[2] : servers[same ? 0 : 1]);
    if (count == 4) {
        taps[2] = tap_http(&s, "10.0.0.4:2001", servers[0]);
        taps[3] = tap_http(&s, "10.0.0.4:2002", servers[same ? 0 : 1]);
    }
    for (unsigned i = 0; i < count; i += 2) {
        if (i == 2 && once_in(&dice, 6)) { /* the device passes one half on */
            tap_request(&taps[2], HTTP_RPC_IN_DATA);
            send_b1(&taps[2], 10);
        } else {
            start_both(&taps[i], &taps[i + 1], 10);
        }
    }
    for (unsigned i = count; i > 0; i -= 2) {
        if (!once_in(&dice, 8)) {
            tap_status(&taps[i - 1], 200);
            send_a3(&taps[i - 1]);
            if (same || once_in(&dice, 2)) {
                send_c2(&taps[i - 1]);
            }
        }
    }
    for (unsigned i = 0; i < ACTIONS / 2; i++) {
        unsigned at = roll(&dice, count);
        switch (roll(&dice, 4)) {
        case 0:
            act_odd(&s, &taps[at], &dice);
            break;
        case 1:
            scene_wait(&s, wait_of(&dice));
            tap_ack(&taps[at], (enum way)roll(&dice, 2));
            break;
        default:
            act_call(&taps[at], &dice, at % 2);
            break;
        }
    }
    /* Whose doing the end was, the order of ends says. */
    for (unsigned i = 0, end = roll(&dice, 2) * 2; i < count; i++) {
        struct tap *tap = &taps[(end + i) % count];
        const enum way way = once_in(&dice, 3) ? UP : DOWN;
        if (once_in(&dice, 5)) {
            continue;
        }
        scene_wait(&s, once_in(&dice, 3) ? wait_of(&dice) : 0.001);
        if (once_in(&dice, 3)) {
            tap_rst(tap, way);
        } else {
            tap_fin(tap, way);
        }
        if (once_in(&dice, 2)) {
            tap_fin(tap, way == UP ? DOWN : UP);
        }
        if (once_in(&dice, 4)) {
            act_odd(&s, tap, &dice);
        }
    }
    if (once_in(&dice, 3)) {
        rpch_conn_give_back(taps[roll(&dice, count)].conn);
    }
    /* The client comes back. */
    if (once_in(&dice, 2)) {
        struct tap in = tap_http(&s, "10.0.0.1:1011", servers[count == 4 ? 2 : 0]);
        struct tap out = tap_http(&s, "10.0.0.1:1012", servers[count == 4 ? 2 : 0]);
        scene_wait(&s, once_in(&dice, 2) ? 0.2 : wait_of(&dice));
        start_both(&in, &out, once_in(&dice, 2) ? 10 : 20);
        take_out(&out);
        act_odd(&s, &out, &dice);
        act_odd(&s, &in, &dice);
    }
    scene_end(&s);
}

/* Halves whose first PDUs lack their cookies, or come late, or were not captured: who belongs together is guessed, and
 * what is said later may be otherwise. */
static void play_late(uint32_t seed)
{
    struct dice dice = { seed * 49979687 };
    struct scene s;
    struct tap taps[6];
    exact = seed % 5 == 0;
    scene_begin_with(&s, false);
    s.frame_ns = exact ? 0 : s.frame_ns;
    for (unsigned i = 0; i < 6; i++) {
        struct conn_past past = { .syn = !once_in(&dice, 3), .has_next = true };
        char client[32];
        past.syn_ack = past.syn;
        snprintf(client, sizeof(client), "10.0.0.1:%u", 1001 + i);
        s.frame += 3;
        const enum rts_hop hop = once_in(&dice, 9) ? RTS_HOP_TCP : RTS_HOP_HTTP;
        taps[i] = tap_open_past(&s, hop, client, servers[once_in(&dice, 4)], past);
        if (!once_in(&dice, 6)) {
            tap_request(&taps[i], i % 2 ? HTTP_RPC_OUT_DATA : HTTP_RPC_IN_DATA);
        }
        scene_wait(&s, once_in(&dice, 3) ? wait_of(&dice) : 0.001);
    }
    for (unsigned i = 0; i < ACTIONS; i++) {
        const unsigned at = roll(&dice, once_in(&dice, 3) ? 6 : 2), vc = 10 * (1 + roll(&dice, 2));
        const bool out = at % 2;
        switch (roll(&dice, 12)) {
        case 0:
            if (out) {
                send_a1(&taps[at], vc);
            } else {
                send_b1(&taps[at], vc);
            }
            break;
        case 1:
            tap_status(&taps[at], once_in(&dice, 4) ? 503 : 200);
            break;
        case 2:
            send_a3(&taps[at]);
            break;
        case 3:
            send_c2(&taps[at]);
            break;
        case 4:
            act_rts(&taps[at], &dice, vc / 10);
            break;
        case 5:
            rpch_conn_may_be_ours(taps[at].conn);
            break;
        case 6:
            act_odd(&s, &taps[at], &dice);
            break;
        case 7:
            tap_fin(&taps[at], once_in(&dice, 2) ? UP : DOWN);
            break;
        case 8:
            tap_request(&taps[at], out ? HTTP_RPC_OUT_DATA : HTTP_RPC_IN_DATA);
            break;
        default:
            act_call(&taps[at], &dice, out);
            break;
        }
        s.log[0] = '\0';
    }
    scene_end(&s);
}

/* Many connections to a server or two that end about the same time, and clients that come back. */
static void play_gone(uint32_t seed)
{
    enum { PAIRS = 6 };
    struct dice dice = { seed * 67867967 };
    struct scene s;
    struct tap taps[2 * PAIRS];
    bool ended[2 * PAIRS] = { false };
    const unsigned count = 2 * (1 + roll(&dice, PAIRS));
    exact = seed % 4 == 0;
    scene_begin_with(&s, false);
    s.frame_ns = exact ? 0 : s.frame_ns;
    for (unsigned i = 0; i < count; i += 2) {
        char client[32];
        const char *server = servers[once_in(&dice, 3)];
        for (unsigned half = 0; half < 2; half++) {
            snprintf(client, sizeof(client), "10.0.0.%u:%u", 1 + i, 1001 + i + half);
            taps[i + half] = tap_http(&s, client, server);
        }
        open_both(&taps[i], &taps[i + 1], 10 + 10 * i);
        if (once_in(&dice, 2)) {
            act_call(&taps[i], &dice, false);
        }
        if (once_in(&dice, 3)) {
            act_call(&taps[i + 1], &dice, true);
        }
    }
    const bool rst = once_in(&dice, 2), by_client = once_in(&dice, 8), slowly = once_in(&dice, 3);
    scene_wait(&s, wait_of(&dice));
    for (unsigned i = 0; i < count; i++) {
        if (!once_in(&dice, 7)) {
            const enum way way = by_client || once_in(&dice, 12) ? UP : DOWN;
            ended[i] = true;
            if (once_in(&dice, 6) ? !rst : rst) {
                tap_rst(&taps[i], way);
            } else {
                tap_fin(&taps[i], way);
            }
            scene_wait(&s, slowly && once_in(&dice, 3) ? wait_of(&dice) : 0.01);
        }
    }
    for (unsigned i = 0; i < 12; i++) {
        const unsigned at = roll(&dice, count);
        const struct endpoint server = end_of(servers[once_in(&dice, 3)]);
        char client[32];
        switch (roll(&dice, 6)) {
        case 0:
            s.frame++;
            track_server_refused(&s.outlook->track, &server, scene_now(&s));
            scene_collect(&s);
            break;
        case 1:
            s.frame++;
            track_server_heard(&s.outlook->track, &server, scene_now(&s));
            scene_collect(&s);
            break;
        case 2: {
            snprintf(client, sizeof(client), "10.0.0.%u:%u", 1 + at, 2001 + 2 * i);
            struct tap in = tap_http(&s, client, servers[0]);
            snprintf(client, sizeof(client), "10.0.0.%u:%u", 1 + at, 2002 + 2 * i);
            struct tap out = tap_http(&s, client, servers[0]);
            start_both(&in, &out, once_in(&dice, 3) ? 500 + i : 10 + 10 * (at / 2 * 2));
            scene_wait(&s, once_in(&dice, 3) ? wait_of(&dice) : 0);
            take_out(&out);
            send_c2(&out);
            break;
        }
        case 3:
            scene_wait(&s, wait_of(&dice));
            break;
        default:
            if (!ended[at]) {
                act_call(&taps[at], &dice, at % 2);
            } else {
                tap_ack(&taps[at], UP);
            }
            break;
        }
        s.log[0] = '\0';
    }
    scene_end(&s);
}

int main(void)
{
    char name[32];
    for (uint32_t seed = 1; seed <= PLAYS; seed++) {
        transcript_fold();
        play(seed);
        snprintf(name, sizeof(name), "play %u", (unsigned)seed);
        transcript_unfold(name);
        transcript_fold();
        play_open(seed);
        snprintf(name, sizeof(name), "open %u", (unsigned)seed);
        transcript_unfold(name);
        transcript_fold();
        play_odd(seed);
        snprintf(name, sizeof(name), "odd %u", (unsigned)seed);
        transcript_unfold(name);
        transcript_fold();
        play_refused(seed);
        snprintf(name, sizeof(name), "refused %u", (unsigned)seed);
        transcript_unfold(name);
        transcript_fold();
        play_late(seed);
        snprintf(name, sizeof(name), "late %u", (unsigned)seed);
        transcript_unfold(name);
        transcript_fold();
        play_gone(seed);
        snprintf(name, sizeof(name), "gone %u", (unsigned)seed);
        transcript_unfold(name);
    }
    transcript_end(__FILE__);
    return unit_end();
}
