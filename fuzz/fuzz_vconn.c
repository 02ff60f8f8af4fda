/* fuzz_vconn.c
 * Any sequence of events on many TCP connections. Each event takes a few bytes: which
 * connection, what, and its values from small sets, so that cookies, servers and
 * sessions meet often.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "heap.h"
#include "connections.h"
#include "finding.h"
#include "outlook.h"
#include "rpch_state.h"

#include <assert.h>
#include <stdio.h>

#define CONNECTIONS 96
#define SECOND_NS INT64_C(1000000000)

struct play {
    const uint8_t *p, *end;
    struct heap heap;
    size_t events, heads;
    struct outlook *outlook;
    struct rpch_state *world;
    struct rpch_conn *conn[CONNECTIONS];
    uint32_t seq[CONNECTIONS][2];
    unsigned conns;
    unsigned interface; /* that frames are captured on; 0: it is not said */
    struct when now;
};

static unsigned take(struct play *play)
{
    return play->p < play->end ? *play->p++ : 0;
}

static uint32_t take32(struct play *play)
{
    uint32_t value = take(play);
    value |= take(play) << 8;
    value |= take(play) << 16;
    return value | (uint32_t)take(play) << 24;
}

static struct endpoint an_end(unsigned number, uint16_t port)
{
    struct endpoint end = { .family = number & 4 ? 6 : 4, .port = port };
    end.addr[0] = 10;
    end.addr[3] = (uint8_t)(number & 3);
    return end;
}

static void a_cookie(unsigned number, uint8_t cookie[16])
{
    memset(cookie, 0xC0, 16);
    cookie[0] = (uint8_t)(number % 12);
}

static void check_verdicts(struct play *play)
{
    for (const struct verdict *v = outlook_take_verdicts(play->outlook); v; v = v->next) {
        assert((unsigned)v->kind < VERDICT_KINDS && v->severity <= V_ERROR && v->where <= WHERE_UNKNOWN);
        assert(v->when.frame == play->now.frame);
        assert(v->text && strlen(v->text) < VERDICT_TEXT_MAX && strncmp(v->text, "Seen: ", 6) == 0);
        assert(v->vc == NO_NUMBER || v->leg != NO_NUMBER);
        assert(verdict_filter(v->kind)[0]);
    }
    assert(!outlook_take_verdicts(play->outlook));
}

static void check_snapshot(const struct play *play, unsigned i)
{
    struct vc_snapshot now, again;
    memset(&now, 0xAA, sizeof(now));
    memset(&again, 0x55, sizeof(again));
    struct vc_mark mark;
    bool there = rpch_conn_mark(play->conn[i], &mark);
    vc_mark_show(&mark, &now);
    vc_mark_show(&mark, &again);
    assert(memcmp(&now, &again, sizeof(now)) == 0);
    uint32_t row = rpch_conn_row(play->conn[i]);
    assert((now.vc == NO_NUMBER) == (row == NO_NUMBER));
    if (row != NO_NUMBER) {
        struct leg_row shown;
        assert(there && row < play->world->rows.count);
        assert(rpch_state_row(play->world, row, &shown));
        assert(shown.vc == now.vc && shown.leg == now.leg);
        assert(now.state && strcmp(now.state, shown.state) == 0);
    }
    assert(now.channel <= 2);
}

static void open_connection(struct play *play)
{
    if (play->conns == CONNECTIONS) {
        return;
    }
    unsigned what = take(play), ends = take(play);
    struct conn_past past = { .syn = (what & 0x18) != 0x18,
                              .syn_ack = (what & 0x60) != 0x60,
                              .gap = (what & 0x86) == 0x86,
                              .has_next = (what & 2) != 0,
                              .first = play->now };
    unsigned i = play->conns++;
    play->seq[i][0] = past.next_seq[0] = take32(play);
    play->seq[i][1] = past.next_seq[1] = take32(play);
    struct endpoint client = an_end(ends & 7, (uint16_t)(1000 + i)), server = an_end(ends >> 3 & 7, 80);
    server.addr[2] = 1;
    struct conn *link = conn_new(&play->outlook->track, CONN_RPCH, i, &client, &server, &past);
    play->conn[i] = rpch_conn_new(play->world, link, what & 1 ? RTS_HOP_TCP : RTS_HOP_HTTP, play->now.ns);
}

static void a_segment(struct play *play, unsigned i)
{
    unsigned flags = take(play), shift = take(play);
    enum way way = flags & 1 ? WAY_TO_CLIENT : WAY_TO_SERVER;
    struct segment segment = { .when = play->now,
                               .way = way,
                               .syn = (flags & 0xC0) == 0xC0,
                               .fin = (flags & 0x32) == 0x32,
                               .rst = (flags & 0x34) == 0x34,
                               .has_ack = (flags & 8) == 0,
                               .len = shift & 0x70 ? 10 * (shift >> 4) : 0,
                               .ip_id = (uint16_t)(shift & 3),
                               .window = 100 };
    segment.captured = segment.len;
    if ((shift & 0x0C) == 0x0C) {
        segment.captured /= 2;
    }
    segment.seq = play->seq[i][way];
    segment.ack = play->seq[i][!way];
    switch (shift & 0x0F) {
    case 5:
        segment.seq += take(play);
        break;
    case 6:
        segment.seq -= take(play);
        break;
    case 7:
        segment.seq = take32(play);
        segment.ack = take32(play);
        break;
    case 9:
        segment.ack += take(play);
        break;
    case 10:
        segment.ack -= take(play);
        break;
    default:
        break;
    }
    play->seq[i][way] = segment.seq + segment.len;
    rpch_conn_segment(play->conn[i], &segment);
}

static void a_head(struct play *play, unsigned i)
{
    static const unsigned statuses[] = { 100, 200, 200, 401, 400, 403, 503, 524 };
    static const enum auth_step steps[] = { AUTH_STEP_NONE,  AUTH_STEP_EMPTY, AUTH_STEP_TYPE1, AUTH_STEP_TYPE3,
                                            AUTH_STEP_TYPE3, AUTH_STEP_BASIC, AUTH_STEP_TOKEN, AUTH_STEP_BEARER };
    enum { ANONYMOUS = 4 }; /* the second type 3 */
    static const int64_t lengths[] = { INT64_C(1073741824), 76, 120, 0, 4, 16, -1, 17 };
    struct http_info info;
    memset(&info, 0, sizeof(info));
    unsigned what = take(play), more = take(play);
    info.is_request = what & 1;
    info.method = (enum http_method)(what >> 1 & 3);
    info.status = statuses[what >> 3 & 7];
    info.content_length = lengths[more & 7];
    info.auth.step = steps[more >> 3 & 7];
    info.auth.anonymous = (more >> 3 & 7) == ANONYMOUS;
    info.auth.final =
        auth_step_is_credentials(info.auth.step) || (info.auth.step == AUTH_STEP_TYPE3 && !info.auth.anonymous);
    info.auth.scheme = (enum auth_scheme)((more >> 3 & 7) % 6);
    info.challenge_in_progress = (more & 0x40) != 0;
    info.author = (enum http_author)(more >> 6);
    unsigned names = take(play);
    if (names & 32) {
        static const uint8_t errors[] = { 0, KRB_SKEW, KRB_MODIFIED, 255 };
        static const unsigned words[] = { 0, WORDS_BLOCKED, WORDS_MODERN, UINT16_MAX };
        info.krb_error = errors[names >> 6];
        info.page.words = words[what >> 6];
        info.status += what >> 5 & 7;
        memset(info.retry_after, '9', sizeof(info.retry_after) - 1);
    }
    if (names & 1) {
        info.has_target = true;
        snprintf(info.target, sizeof(info.target), names & 2 ? "ex%u.example.test:6004" : "ex%u", names >> 7);
    }
    if (names & 4) {
        snprintf(info.outlook_session, sizeof(info.outlook_session), "session-%u", names >> 6 & 1);
    }
    if (names & 8) {
        snprintf(info.front_end, sizeof(info.front_end), "EX%u", names >> 5 & 1);
    }
    if (names & 16) {
        strcpy(info.persistence_name, "SERVERID");
        snprintf(info.persistence_server, sizeof(info.persistence_server), "SERVERID=%u", names >> 5 & 1);
        memset(info.failure_context, 'x', sizeof(info.failure_context) - 1);
        strcpy(info.challenge_server, "EX1");
        strcpy(info.auth.user, "\xC3\xA4lice");
        strcpy(info.request_id, "id");
        info.rpc_error = true;
        info.rpc_error_code = 0x6BA;
    }
    play->heads++;
    rpch_conn_http(play->conn[i], play->now, info.is_request ? WAY_TO_SERVER : WAY_TO_CLIENT, &info);
}

static void an_rts_pdu(struct play *play, struct rts_pdu *pdu)
{
    unsigned id = take(play);
    memset(pdu, 0, sizeof(*pdu));
    const struct rts_signature *row = &rts_signatures[id % RTS_ID_COUNT];
    pdu->flags = row->flags;
    pdu->well_formed = true;
    for (int c = 0; c < row->count; c++) {
        pdu->command[c] = row->command[c];
        if (row->command[c] == RTS_COOKIE && pdu->cookies < RTS_MAX_COOKIES) {
            a_cookie(take(play), pdu->cookie[pdu->cookies++]);
        }
    }
    pdu->number_of_commands = pdu->commands_decoded = (uint16_t)row->count;
    if (id >= 5 * RTS_ID_COUNT) { /* none of those that are defined */
        pdu->flags = (uint16_t)take(play);
        pdu->cookies = (uint8_t)(take(play) & 3);
        pdu->well_formed = false;
    }
    unsigned has = take(play);
    uint32_t value = has & 0x80 ? take32(play) : 8192;
    pdu->has_window = pdu->has_ack = pdu->has_timeout = pdu->has_lifetime = pdu->has_keepalive = true;
    pdu->has_destination = row->destination >= 0 || (has & 1);
    pdu->destination = row->destination >= 0 ? (uint32_t)row->destination : has & 3;
    pdu->window = pdu->timeout_ms = pdu->lifetime = pdu->keepalive_ms = pdu->ack_received = pdu->ack_window = value;
    a_cookie(has >> 1, pdu->ack_cookie);
}

static void a_pdu(struct play *play, unsigned i)
{
    static const uint8_t types[] = { RPC_REQUEST, RPC_RESPONSE, RPC_FAULT, RPC_BIND, RPC_BIND_NAK };
    unsigned what = take(play);
    enum way way = what & 1 ? WAY_TO_CLIENT : WAY_TO_SERVER;
    struct pdu_header header = { .rpc_vers = 5, .pfc_flags = 3, .frag_length = (uint16_t)(16 + (what >> 2) * 1000) };
    struct rts_pdu rts;
    struct pdu_outcome outcome;
    bool is_rts = what & 2;
    if (is_rts) {
        header.ptype = RPC_RTS;
        an_rts_pdu(play, &rts);
    } else {
        header.ptype = types[what % 5];
    }
    memset(&outcome, 0xAA, sizeof(outcome));
    rpch_conn_pdu(play->conn[i], play->now, way, &header, is_rts ? &rts : NULL, what, &outcome);
    assert(memchr(outcome.name, '\0', sizeof(outcome.name)));
    assert(outcome.channel <= 2);
    assert(is_rts || !outcome.name[0]);
    assert(outcome.channel == 0 || outcome.channel_bytes >= header.frag_length);
}

static void an_event(struct play *play)
{
    static const int64_t steps[] = {
        0, SECOND_NS / 1000, SECOND_NS / 4, SECOND_NS, 6 * SECOND_NS, 70 * SECOND_NS, 200 * SECOND_NS, -SECOND_NS
    };
    unsigned what = take(play);
    play->now.frame++;
    play->now.ns += steps[what >> 5];
    play->events++;
    if (play->conns == 0 || (what & 7) == 0) {
        open_connection(play);
        return;
    }
    if ((what & 0x1F) == 0x1F) {
        play->interface = take(play) & 63;
    }
    if (play->interface) {
        outlook_captured(play->outlook, play->interface, play->now);
    }
    unsigned i = take(play) % play->conns;
    switch (what & 7) {
    case 1:
        a_head(play, i);
        break;
    case 2:
    case 3:
    case 4:
        a_pdu(play, i);
        break;
    case 5:
        rpch_conn_skipped(play->conn[i], play->now, what & 8 ? WAY_TO_CLIENT : WAY_TO_SERVER, what);
        break;
    case 6: {
        struct endpoint server = an_end(take(play) & 7, 80);
        server.addr[2] = 1;
        track_server_heard(play->world->track, &server, play->now);
        check_verdicts(play);
        return;
    }
    default:
        break;
    }
    a_segment(play, i);
    check_verdicts(play);
    check_snapshot(play, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play play = { .p = data, .end = data + size, .now = { 1, INT64_C(1700000000) * SECOND_NS } };
    struct arena arena = heap_arena(&play.heap);
    struct judge_prefs prefs = { .same_proxy_required = size > 0 && (data[0] & 1) };
    play.outlook = outlook_new(&arena, &prefs);
    play.world = play.outlook->rpch;
    while (play.p < play.end) {
        an_event(&play);
    }
    struct leg_row row;
    for (uint32_t r = 0; r < play.world->rows.count; r++) {
        assert(rpch_state_row(play.world, r, &row));
        assert(row.verdict.kind == VERDICT_KINDS || row.verdict.frame > 0);
        assert((row.verdict.kind == VERDICT_KINDS) == (row.verdict.frame == 0));
        assert(memchr(row.ended, '\0', sizeof(row.ended)) && row.state && row.user && row.request_id);
    }
    assert(!rpch_state_row(play.world, play.world->rows.count, &row));
    assert(play.outlook->judge->misuse == 0);
    /* Linear: what a connection costs, what a verdict's text costs, what a head's names cost. */
    assert(play.heap.allocated <= 16384 + 4096 * play.conns + 2048 * play.events);
    heap_free(&play.heap);
    return 0;
}
