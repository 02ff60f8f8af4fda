/* channel.c
 * The life of a channel: requests, responses, body bytes and its end (MS-RPCH 3.2.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "auth.h"
#include "exchange.h"
#include "product.h"
#include "vconn_private.h"

#include <stdio.h>

#define ECHO_LENGTH_MAX 16 /* 2.1.2.1.5 */
#define OUT_LENGTH_MAX 120 /* 2.1.2.1.2: of a successor, 76 of others */
#define RECORD_MOST 64     /* what TLS adds to a record */

void channel_touch(struct channel *channel, enum way way, uint32_t bytes)
{
    struct leg *leg = channel->leg;
    int64_t now = channel_now(channel).ns;
    if (leg && leg_other(channel) && leg->sent_at) {
        int64_t idle = now - (channel->last_body > leg->sent_at ? channel->last_body : leg->sent_at);
        leg->longest_idle = idle > leg->longest_idle ? idle : leg->longest_idle;
    }
    channel->last_body = channel->body_at[way] = now;
    channel->bytes[way] += bytes;
    if (channel->lifetime && channel->bytes[data_way(channel)] > channel->lifetime) {
        channel_number(channel);
        emit_channel(EVENT_LIFETIME_PASSED, channel);
    }
}

static int64_t lone_wait(const struct channel *channel)
{
    const struct leg *leg = channel->leg;
    return leg && leg->timeout_ms[channel->role] ? leg->timeout_ms[channel->role] * MILLISECOND : LONE_WAIT;
}

/* Whether it should have its other half and has not. */
static bool lacks_half(const struct channel *channel, bool closed)
{
    const struct leg *leg = channel->leg;
    if (channel->alone || channel->paired || channel->v1 || channel->replaced || channel->is_successor ||
        channel->challenged || channel->refused || channel->rpc_seen ||
        (channel->over && !closed && !channel->due_alone)) {
        return false;
    }
    if (leg && (leg->joined || leg->explained || leg_other(channel))) {
        return false;
    }
    /* Else perhaps a step of the authentication; or a retry of one that had its half. */
    return channel->first_rts.frame || (channel->final && !channel->again);
}

void channel_alone(struct channel *channel, bool closed)
{
    if (!lacks_half(channel, closed)) {
        return;
    }
    channel->due_alone |= closed;
    if (!channel->due_alone && track_waited(channel->conn->world->track, channel_start(channel)) < lone_wait(channel)) {
        return;
    }
    if (conn_whole(channel) && !pairing_is_open(channel)) {
        channel_number(channel);
        if (leg_other(channel)) {
            return;
        }
        channel->alone = true;
    }
    emit_channel(EVENT_ALONE, channel);
}

/* It ends behind a 401 or 407 that asks for more. Another request may stand in what was not
 * captured. */
static void leave_challenge(struct channel *channel)
{
    /* The first 401 is a step, whatever becomes of its connection: the client has had no chance to answer; so is the
     * first 407, whatever the server got before. */
    const bool first = channel->challenge_status == 407 ? !channel->proxy_step : channel->step == AUTH_STEP_NONE;
    /* What became of a token, on whatever connection, is told of its logon. */
    const bool token = channel->challenge_status == 401 && channel->step == AUTH_STEP_BEARER;
    if (token && channel_in_use(channel) && channel->challenge_frame >= channel->leg->attempt_frame) {
        channel->leg->explained = true;
    }
    if (channel->refused || first || token || !conn_whole(channel)) {
        return;
    }
    channel->refused = true;
    channel_number(channel);
    if (channel_in_use(channel) && channel->challenge_frame >= channel->leg->attempt_frame) {
        channel->leg->explained = true;
    }
    emit_channel(EVENT_CHALLENGE_LEFT, channel);
}

/* The channel in use of a leg ends, and no successor is under way. */
static void leave_leg(struct channel *channel, enum fail_cause how, enum way by)
{
    struct leg *leg = channel->leg;
    leg_vacate(leg, channel->role);
    if (channel->challenged && how == FAIL_RETRIED) {
        return;
    }
    if (leg->state != LEG_CLOSED) {
        leg->state = LEG_CLOSED;
        leg->ended_frame = leg_now(leg).frame;
        leg->ended_by = by;
        leg->ended_by_rst = how == FAIL_RESET;
    }
    leg_fail(leg, how, by);
    if (channel->role == ROLE_OUT) {
        emit_leg(EVENT_OUT_ENDED, leg);
    }
    if (how == FAIL_RETRIED) {
        leg_tell_failed(leg); /* the connection is about to carry another channel */
    }
}

/* The server's end closes it before anything came back: that is told of its virtual connection. */
static void number_cut(struct channel *channel, enum way by)
{
    if (!channel->leg && by == WAY_TO_CLIENT && conn_ended_by(channel_tcp(channel), WAY_TO_CLIENT) &&
        channel->request.frame && !channel->v1 && !channel->got_status && !channel->bytes[WAY_TO_CLIENT] &&
        conn_whole(channel)) {
        channel_number_near(channel);
    }
}

/* What it began with was not captured, and a leg of this client and target had its role before: it may be the
 * successor there, and a connection of its own is invented. */
static bool may_be_successor(const struct channel *channel)
{
    const struct leg *leg = channel->place ? channel->place->newest[channel->role] : NULL;
    return !channel->leg && leg && leg->joined && !conn_whole(channel);
}

/* Whose it was, as far as its end shows. */
static void place_at_end(struct channel *channel, enum way by)
{
    successor_guess(channel);
    if (channel->challenged) {
        leave_challenge(channel);
        return;
    }
    number_cut(channel, by);
    if (channel->has_body && !may_be_successor(channel)) {
        channel_number_near(channel); /* whatever comes of it, it was asked for */
    }
}

void channel_leaves(struct channel *channel, enum fail_cause how, enum way by)
{
    struct leg *leg = channel->leg;
    enum role role = channel->role;
    bool by_request = how == FAIL_RETRIED, was_open = channel_in_use(channel) && leg_is_open(leg);
    channel->over = true;
    if (leg && channel_in_use(channel)) {
        turn_follow(leg, role, true, by);
    }
    if (!by_request) {
        place_at_end(channel, by);
    }
    leg = channel->leg;
    if (leg && leg_coming(leg, role) == channel) {
        successor_ends(channel, by);
        return;
    }
    if (channel_in_use(channel)) {
        if (channel_frame(channel) < leg->attempt_frame && !leg->joined) {
            leg_drop(leg, role);
            return;
        }
        if (leg_coming(leg, role)) {
            succeed_at_end(leg, channel, by);
            return;
        }
        leave_leg(channel, how, by);
    }
    if (by_request || channel->replaced) {
        return;
    }
    struct event event = channel_event(EVENT_CHANNEL_ENDED, channel);
    event.rpch.end.was_open = was_open;
    event.rpch.end.idle_ns =
        channel->last_body && event.when.ns > channel->last_body ? event.when.ns - channel->last_body : 0;
    emit_rpch(&event);
    channel->due_alone |= lacks_half(channel, true); /* told once it is known what else it lacks */
}

static const char *user_text(struct track *track, const struct http_auth *auth)
{
    if (!auth->user[0]) {
        return NULL;
    }
    const char *name = auth_scheme_name(auth->scheme);
    char text[AUTH_USER_MAX + 16];
    snprintf(text, sizeof(text), name[0] ? "%s (%s)" : "%s", auth->user, name);
    return track_text(track, text);
}

/* Who answers on this connection: names that the server or a balancer gave. */
static void note_names(struct rpch_conn *conn, const struct http_info *info)
{
    struct track *track = conn->world->track;
    struct server *server = conn->link->server;
    conn->saw_challenge |= info->challenge_in_progress;
    server->citrix |= info->citrix_cookie && !info->is_request;
    if (info->device_cookie) {
        server_note_device(server, info->is_request ? SIGN_RETURNED : SIGN_PERSISTENCE);
    } else if (info->via[0] && !info->is_request) {
        server_note_device(server, SIGN_VIA);
    }
    if (!info->front_end[0] && !info->challenge_server[0] && !info->persistence_name[0]) {
        return;
    }
    if (!conn->names) {
        conn->names = arena_new(&track->arena, sizeof(*conn->names));
    }
    if (info->front_end[0]) {
        conn->names->front_end = track_text(track, info->front_end);
        server_note_name(server, 0, conn->names->front_end);
    }
    if (info->challenge_server[0]) {
        conn->names->challenge = track_text(track, info->challenge_server);
    }
    if (info->persistence_name[0]) {
        conn->names->persist_name = track_text(track, info->persistence_name);
        conn->names->persist = track_text(track, info->persistence_server);
    }
}

static bool is_echo(const struct http_info *info)
{
    if (info->chunked || info->content_length < 0 || info->content_length > ECHO_LENGTH_MAX) {
        return false;
    }
    /* Credentials under way: a step of NTLM or Negotiate has no body. */
    return info->content_length != 0 || info->auth.step == AUTH_STEP_NONE || info->auth.final;
}

struct channel *channel_new(struct rpch_conn *conn, enum role role)
{
    struct channel *channel = conn->channel;
    bool again = channel && channel->role == role && (channel->leg || channel->again);
    if (channel && !channel->leg && !channel->bytes[0] && !channel->bytes[1]) {
        /* A request that was only a step leaves nothing behind. */
        pairing_leave(channel);
        struct channel_more *more = channel->more;
        if (more) {
            *more = (struct channel_more){ .session = NULL };
        }
        *channel = (struct channel){ .more = more };
    } else {
        channel = world_new(conn->world, sizeof(*channel));
    }
    channel->conn = conn;
    channel->role = role;
    channel->again = again;
    conn->channel = channel;
    conn->asked = ASKED_CHANNEL;
    return channel;
}

/* What a channel or an echo request asks for, and by whom. */
static void note_request(struct channel *channel, const struct http_info *info)
{
    struct track *track = channel->conn->world->track;
    channel->v1 = info->method == HTTP_RPC_CONNECT;
    channel->request = channel_now(channel);
    channel->step = info->auth.step;
    channel->final = info->auth.final;
    channel->auth_len =
        (uint16_t)(info->fields.authorization.len < UINT16_MAX ? info->fields.authorization.len : UINT16_MAX);
    channel->proxy_step = info->fields.proxy_authorization.len > 0;
    channel->proxy_final = info->proxy_final;
    channel->anonymous = info->auth.anonymous;
    channel->target = info->has_target ? track_text(track, info->target) : NULL;
    channel->user = user_text(track, &info->auth);
}

static void request_channel(struct rpch_conn *conn, enum role role, const struct http_info *info)
{
    struct track *track = conn->world->track;
    struct channel *channel = channel_new(conn, role);
    note_request(channel, info);
    const struct endpoint forwarded = http_forwarded_for(info->fields.forwarded_for);
    if (info->outlook_session[0] || info->session_id[0] || forwarded.family) {
        if (!channel->more) {
            channel->more = world_new(conn->world, sizeof(*channel->more));
        }
        channel->more->outlook_session = track_text(track, info->outlook_session);
        channel->more->session_id = track_text(track, info->session_id);
        channel->more->forwarded = forwarded;
    }
    if (channel->v1) {
        return;
    }
    channel->has_body = info->chunked || info->content_length > 0;
    channel->place = world_place(conn->world, conn, channel->target);
    if (info->content_length != 0) {
        pairing_wait(channel);
    }
    emit_channel(EVENT_CHANNEL_ASKED, channel);
}

static void request_echo(struct rpch_conn *conn, enum role role, const struct http_info *info)
{
    struct channel *echo = conn->echo && !conn->echo->leg ? conn->echo : world_new(conn->world, sizeof(*echo));
    *echo = (struct channel){ .conn = conn, .role = role, .is_echo = true };
    note_request(echo, info);
    conn->echo = echo;
    conn->channel = NULL;
    conn->asked = ASKED_ECHO;
    conn->asked_role = role;
}

static void request(struct rpch_conn *conn, const struct http_info *info)
{
    conn_asked(conn->link);
    if (conn->channel) {
        channel_leaves(conn->channel, FAIL_RETRIED, WAY_TO_SERVER);
    }
    enum role role = info->method == HTTP_RPC_OUT_DATA ? ROLE_OUT : ROLE_IN;
    bool data = role == ROLE_OUT || info->method == HTTP_RPC_IN_DATA;
    if (data && is_echo(info)) {
        request_echo(conn, role, info);
    } else if (data || info->method == HTTP_RPC_CONNECT) {
        request_channel(conn, role, info);
    } else {
        conn->channel = NULL;
        conn->asked = ASKED_OTHER;
    }
}

/* Whether a 401 or 407 asks for more. A Negotiate token that gets no answer was the last. */
static bool is_step(const struct channel *channel, const struct http_info *info)
{
    if (info->status == 407) {
        const struct conn *link = channel->conn->link;
        const struct exchange *request = link->asked ? exchange_oldest(link) : NULL;
        return !channel->proxy_final && (!request || auth_proxy_asks(request) != PROXY_ASKS_MANY);
    }
    if (info->status == 401 && channel->step == AUTH_STEP_NONE && !info->offers_auth) {
        return false; /* there is nothing to go on with */
    }
    if (info->status == 401 && channel->step == AUTH_STEP_BEARER) {
        return info->names_token_source; /* a token expires: the client gets another one there (RFC 6750 3.1) */
    }
    return info->status == 401 && !channel->final &&
           (!auth_step_is_token(channel->step) || info->challenge_in_progress);
}

static void challenged(struct channel *channel, unsigned status)
{
    channel->challenged = true;
    channel->challenge_status = (uint16_t)status;
    channel->challenge_frame = channel_now(channel).frame;
    if (channel_in_use(channel)) {
        leg_vacate(channel->leg, channel->role);
    }
}

/* The same answer has come before the device already. */
static void answered_before(const struct channel *channel)
{
    const struct leg *before = channel->leg->prev;
    const struct channel *front = before && leg_behind(before) == channel->leg ? before->current[channel->role] : NULL;
    if (front && channel_in_use(channel) && front->refused && front->refused_status == channel->refused_status) {
        channels_doubt(front, channel);
    }
}

static void refused(struct channel *channel, const struct http_info *info)
{
    channel->refused = true;
    channel->refused_by = (uint8_t)info->author;
    channel->refused_status = (uint16_t)info->status;
    successor_guess(channel);
    channel_number_beside(channel);
    answered_before(channel);
    struct leg *leg = channel->leg;
    enum role role = channel->role;
    if (channel_in_use(channel)) {
        leg->explained = true; /* by whatever answered in place of the RPC proxy, or by its own RPC Error */
        leg_fail(leg, FAIL_REFUSED, WAY_TO_CLIENT);
        leg->state = LEG_CLOSED;
        leg_vacate(leg, role);
    } else if (leg_coming(leg, role) == channel) {
        recycling_ends(leg, role);
        turn_refused(leg, role, channel, info);
    }
    struct event event = channel_event(EVENT_REFUSED, channel);
    event.rpch.http = info;
    emit_rpch(&event);
}

/* A 200 that brings a page in place of PDUs: the RPC proxy's are application/rpc (2.1.2.1.3, 2.1.2.1.4). What is no
 * text may still turn out to be PDUs. */
static bool is_page(const struct http_info *info)
{
    return !info->content_type_rpc && (info->content_type_text || info->content_length == 0);
}

/* Directions may be written late, or lose frames: the server has more of the client than was captured, and than its
 * request lacks, so that it may answer another. IN and version 1 have none behind them. */
static bool may_answer_newer(const struct channel *channel)
{
    const struct conn *link = channel->conn->link;
    const uint32_t unseen = conn_unseen(link);
    if (unseen == 0 || channel->v1 || (channel->role == ROLE_IN && channel->has_body)) {
        return false;
    }
    const bool lacks = channel->is_echo || (channel->has_body && !channel->bytes[WAY_TO_SERVER]);
    const uint32_t most = (channel->is_echo ? ECHO_LENGTH_MAX : OUT_LENGTH_MAX) + (link->tls ? RECORD_MOST : 0);
    return unseen > (lacks ? most : 0);
}

/* Its successor has taken over, or the client ended the body early, and not for what had come by then: nothing can be refused
 * any more. */
static bool is_over(const struct channel *channel)
{
    const struct conn_end *end = conn_end_of(channel_tcp(channel), WAY_TO_SERVER);
    return channel->replaced || channel->seen_eof || (channel->role == ROLE_IN && end && !end->knew_more);
}

static void response(struct rpch_conn *conn, const struct http_info *info)
{
    struct channel *channel = conn->asked == ASKED_ECHO ? conn->echo : conn->channel;
    if (conn->asked == ASKED_CHANNEL || conn->asked == ASKED_ECHO) {
        note_names(conn, info);
    }
    if (info->status < 200 || !channel || conn->link->answers_older) {
        return;
    }
    const bool accepts = info->status == 200 && !is_page(info);
    if (!accepts && may_answer_newer(channel)) {
        return;
    }
    channel->got_status = true;
    if (accepts) {
        channel->accepted = true;
        if (channel->role == ROLE_OUT && channel_in_use(channel)) {
            turn_answered(channel->leg, ROLE_OUT);
            leg_out_came(channel->leg, false);
        }
    } else if (is_step(channel, info)) {
        challenged(channel, info->status);
    } else if (is_over(channel)) {
        return;
    } else if (!channel->refused) {
        refused(channel, info);
    }
    struct leg *leg = channel->leg;
    if (leg) {
        if (info->request_id[0]) {
            leg->request_id = track_text(conn->world->track, info->request_id);
        }
        if (leg_other(channel)) {
            leg_compare(leg);
        }
    }
}

void rpch_conn_http(struct rpch_conn *conn, struct when when, enum way way, const struct http_info *info)
{
    conn_at(conn, when);
    if (way == WAY_TO_SERVER && info->is_request) {
        request(conn, info);
    } else if (way == WAY_TO_CLIENT && !info->is_request) {
        response(conn, info);
    }
}
