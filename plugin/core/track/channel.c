/* channel.c
 * The life of a channel: requests, responses, body bytes and its end (MS-RPCH 3.2.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

#include <stdio.h>

#define ECHO_LENGTH_MAX 16       /* 2.1.2.1.5 */

void channel_touch(struct channel *channel, struct when when, enum way way, uint32_t bytes)
{
    struct leg *leg = channel->leg;
    if (leg && leg_other(channel) && leg->sent_at) {
        int64_t since = channel->last_body > leg->sent_at ? channel->last_body : leg->sent_at;
        if (when.ns - since > leg->longest_idle) {
            leg->longest_idle = when.ns - since;
        }
    }
    channel->last_body = when.ns;
    channel->bytes[way] += bytes;
    if (channel->lifetime && channel->bytes[data_way(channel)] > channel->lifetime) {
        channel_number(channel, when);
        struct event event = channel_event(EVENT_LIFETIME_PASSED, channel, when);
        emit(channel->conn->world->track, &event);
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

void channel_alone(struct channel *channel, struct when when, bool closed)
{
    if (!lacks_half(channel, closed)) {
        return;
    }
    channel->due_alone |= closed;
    if (!channel->due_alone && when.ns - channel_start(channel) < lone_wait(channel)) {
        return;
    }
    if (conn_whole(channel) && !pairing_is_open(channel)) {
        channel_number(channel, when);
        if (leg_other(channel)) {
            return;
        }
        channel->alone = true;
    }
    struct event event = channel_event(EVENT_ALONE, channel, when);
    emit(channel->conn->world->track, &event);
}

/* It ends behind a 401 or 407 that asks for more. Another request may stand in what was not
 * captured. */
static void leave_challenge(struct channel *channel, struct when when)
{
    if (channel->refused || !conn_whole(channel)) {
        return;
    }
    channel->refused = true;
    channel_number(channel, when);
    struct leg *leg = channel->leg;
    if (leg->current[channel->role] == channel) {
        leg->explained = true;
    }
    struct event event = channel_event(EVENT_CHALLENGE_LEFT, channel, when);
    emit(channel->conn->world->track, &event);
}

static void leg_ends(struct leg *leg, struct when when, bool rst, enum way by)
{
    if (leg->state != LEG_CLOSED) {
        leg->ended_frame = when.frame;
        leg->ended_by = (uint8_t)by;
        leg->ended_by_rst = rst;
    }
    leg->state = LEG_CLOSED;
}

/* The channel in use of a leg ends, and no successor is under way. */
static void leave_leg(struct leg *leg, struct channel *channel, struct when when, bool rst, enum way by, bool by_request)
{
    enum role role = (enum role)channel->role;
    leg_vacate(leg, role);
    if (channel->challenged && by_request) {
        return;
    }
    leg_ends(leg, when, rst, by);
    leg_fail(leg, when, by_request ? FAIL_RETRIED : rst ? FAIL_RESET : FAIL_CLOSED);
    if (role == ROLE_OUT) {
        struct event event = leg_event(EVENT_OUT_ENDED, leg, when);
        emit(leg->vc->world->track, &event);
    }
    if (by_request) {
        leg_tell_failed(leg, when);      /* the connection is about to carry another channel */
    }
}

void channel_leaves(struct channel *channel, struct when when, bool rst, enum way by, bool by_request)
{
    struct leg *leg = channel->leg;
    enum role role = channel->role;
    bool was_open = leg && leg_is_open(leg) && leg->current[role] == channel;
    int64_t idle = channel->last_body ? when.ns - channel->last_body : 0;
    channel->over = true;
    if (!by_request && channel->challenged) {
        leave_challenge(channel, when);
    }
    leg = channel->leg;
    if (leg && leg_coming(leg, role) == channel) {
        recycling_ends(leg, role);
        return;
    }
    if (leg && leg->current[role] == channel) {
        if (channel_frame(channel) < leg->attempt_frame && !leg->joined) {
            leg_drop(leg, role);
            return;
        }
        if (leg_coming(leg, role)) {
            succeed(leg, role, when);
            return;
        }
        leave_leg(leg, channel, when, rst, by, by_request);
    }
    if (by_request || channel->replaced) {
        return;
    }
    channel_alone(channel, when, true);
    struct event event = channel_event(EVENT_CHANNEL_ENDED, channel, when);
    event.rpch.end.was_open = was_open;
    event.rpch.end.idle_ns = idle;
    emit(channel->conn->world->track, &event);
}

static const char *user_text(struct vworld *world, const struct http_auth *auth)
{
    if (!auth->user[0]) {
        return NULL;
    }
    const char *name = auth_scheme_name(auth->scheme);
    char text[HTTP_USER_MAX + 16];
    snprintf(text, sizeof(text), name[0] ? "%s (%s)" : "%s", auth->user, name);
    return world_intern(world, text);
}

/* Who answers on this connection: names that the server or a balancer gave. */
static void note_names(struct vtcp *conn, const struct http_info *info)
{
    struct vworld *world = conn->world;
    conn->saw_challenge |= info->challenge_in_progress;
    if (!info->front_end[0] && !info->challenge_server[0] && !info->persistence_name[0]) {
        return;
    }
    if (!conn->names) {
        conn->names = world_new(world, sizeof(*conn->names));
    }
    if (info->front_end[0]) {
        conn->names->front_end = world_intern(world, info->front_end);
    }
    if (info->challenge_server[0]) {
        conn->names->challenge = world_intern(world, info->challenge_server);
    }
    if (info->persistence_name[0]) {
        conn->names->persist_name = world_intern(world, info->persistence_name);
        conn->names->persist = world_intern(world, info->persistence_server);
    }
}

static bool is_echo(const struct http_info *info)
{
    if (info->chunked || info->content_length < 0 || info->content_length > ECHO_LENGTH_MAX) {
        return false;
    }
    /* Credentials under way: a step of NTLM or Negotiate has no body. */
    return info->content_length != 0 || info->auth.step == HTTP_STEP_NONE || info->auth.final;
}

struct channel *channel_new(struct vtcp *conn, enum role role)
{
    struct channel *old = conn->channel, *channel;
    bool again = old && old->role == role && (old->leg || old->again);
    if (old && !old->leg && !old->bytes[0] && !old->bytes[1]) {
        /* A request that was only a step leaves nothing behind. */
        pairing_leave_session(old);
        pairing_leave_place(old);
        struct channel_more *more = old->more;
        memset(old, 0, sizeof(*old));
        if (more) {
            memset(more, 0, sizeof(*more));
        }
        old->more = more;
        channel = old;
    } else {
        channel = world_new(conn->world, sizeof(*channel));
    }
    channel->conn = conn;
    channel->role = (uint8_t)role;
    channel->again = again;
    conn->channel = channel;
    conn->asked = ASKED_CHANNEL;
    return channel;
}

static void request_channel(struct vtcp *conn, struct when when, const struct http_info *info)
{
    struct vworld *world = conn->world;
    bool v1 = info->method == HTTP_RPC_CONNECT;
    struct channel *channel = channel_new(conn, info->method == HTTP_RPC_OUT_DATA ? ROLE_OUT : ROLE_IN);
    channel->v1 = v1;
    channel->request = when;
    channel->step = (uint8_t)info->auth.step;
    channel->final = info->auth.final;
    channel->target = info->has_target ? world_intern(world, info->target) : NULL;
    if (info->outlook_session[0] || info->session_id[0]) {
        channel_more(channel)->outlook_session = world_intern(world, info->outlook_session);
        channel_more(channel)->session_id = world_intern(world, info->session_id);
    }
    channel->user = user_text(world, &info->auth);
    if (v1) {
        return;
    }
    channel->place = world_place(world, conn, channel->target);
    if (info->content_length != 0) {
        const struct channel_more *more = channel->more;
        const char *id = !more ? NULL : more->outlook_session ? more->outlook_session : more->session_id;
        pairing_wait(channel, channel->target ? id : NULL);
    }
}

static void request(struct vtcp *conn, struct when when, const struct http_info *info)
{
    if (conn->channel) {
        channel_leaves(conn->channel, when, false, WAY_TO_SERVER, true);
    }
    bool data = info->method == HTTP_RPC_IN_DATA || info->method == HTTP_RPC_OUT_DATA;
    if (data && is_echo(info)) {
        conn->channel = NULL;
        conn->asked = ASKED_ECHO;
        conn->asked_role = info->method == HTTP_RPC_IN_DATA ? ROLE_IN : ROLE_OUT;
    } else if (data || info->method == HTTP_RPC_CONNECT) {
        request_channel(conn, when, info);
        /* Persistence cookies come back with the request: they name who shall answer. */
        note_names(conn, info);
    } else {
        conn->channel = NULL;
        conn->asked = ASKED_OTHER;
    }
}

/* Whether a 401 or 407 asks for more. A Negotiate token that gets no answer was the last. */
static bool is_step(const struct channel *channel, const struct http_info *info)
{
    if ((info->status != 401 && info->status != 407) || channel->final) {
        return false;
    }
    return channel->step != HTTP_STEP_TOKEN || info->challenge_in_progress || info->status == 407;
}

static void answered(struct channel *channel, struct when when)
{
    struct leg *leg = channel->leg;
    if (leg && channel->role == ROLE_OUT && leg->current[ROLE_OUT] == channel && !leg->got_200.frame) {
        leg->got_200 = when;
        struct event event = leg_event(EVENT_OUT_CAME, leg, when);
        emit(leg->vc->world->track, &event);
    }
}

static void challenged(struct channel *channel, struct when when, unsigned status)
{
    struct leg *leg = channel->leg;
    channel->challenged = true;
    channel->challenge_status = (uint16_t)status;
    channel->challenge_frame = when.frame;
    if (leg && leg->current[channel->role] == channel) {
        leg_vacate(leg, (enum role)channel->role);
    }
}

static void refused(struct channel *channel, struct when when, const struct http_info *info)
{
    channel->refused = true;
    channel_number(channel, when);
    struct leg *leg = channel->leg;
    enum role role = (enum role)channel->role;
    if (leg->current[role] == channel) {
        if (info->status < 500) {
            leg->explained = true;
        }
        leg_fail(leg, when, FAIL_REFUSED);
        leg->state = LEG_CLOSED;
        leg_vacate(leg, role);
    } else if (leg_coming(leg, role) == channel) {
        recycling_ends(leg, role);
    }
    struct event event = channel_event(EVENT_REFUSED, channel, when);
    event.rpch.http = info;
    emit(channel->conn->world->track, &event);
}

static void response(struct vtcp *conn, struct when when, const struct http_info *info)
{
    struct channel *channel = conn->channel;
    if (conn->asked == ASKED_CHANNEL || conn->asked == ASKED_ECHO) {
        note_names(conn, info);
    }
    if (info->status < 200 || !channel) {
        return;
    }
    if (info->status == 200) {
        answered(channel, when);
    } else if (is_step(channel, info)) {
        challenged(channel, when, info->status);
    } else if (channel->role == ROLE_IN && conn->link->tcp.half[WAY_TO_SERVER].ended) {
        /* Of a body that the client ended early: it refuses nothing any more. */
        return;
    } else if (!channel->refused) {
        refused(channel, when, info);
    }
    struct leg *leg = channel->leg;
    if (leg) {
        if (info->request_id[0]) {
            leg->request_id = world_intern(conn->world, info->request_id);
        }
        if (leg_other(channel)) {
            leg_compare(leg, when);
        }
    }
}

void vtcp_http(struct vtcp *conn, struct when when, enum way way, const struct http_info *info)
{
    conn_at(conn, when);
    if (way == WAY_TO_SERVER && info->is_request) {
        request(conn, when, info);
    } else if (way == WAY_TO_CLIENT && !info->is_request) {
        response(conn, when, info);
    }
}
