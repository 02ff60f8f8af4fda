/* vconn.c
 * Virtual connections of RPC over HTTP: channels, legs, pairing, recycling and the
 * opening sequence (MS-RPCH 3.2). What is wrong with them is judged in vjudge.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

#include <stdio.h>

#define ECHO_LENGTH_MAX 16       /* 2.1.2.1.5 */
#define COOKIE_SEED 1
#define SEARCH_MAX 64            /* legs looked at for one retry or successor */
#define FIRST_FRAGMENT 0x01      /* pfc_flags */
#define SEQUENCE_IN (RTS_CTX_IN_R1 | RTS_CTX_IN_R2)
#define SEQUENCE_OUT (RTS_CTX_OUT_R1 | RTS_CTX_OUT_R2)

static uint32_t hash_endpoint(const struct endpoint *end, bool with_port, uint32_t seed)
{
    return hash_bytes(end->addr, address_length(end), seed + (with_port ? end->port : 0u));
}

struct server *world_server(struct vworld *world, const struct endpoint *end)
{
    uint32_t hash = hash_endpoint(end, true, 0);
    for (struct item *item = table_first(&world->servers, hash); item; item = table_next(item)) {
        struct server *server = (struct server *)item;
        if (endpoint_equal(&server->end, end)) {
            return server;
        }
    }
    struct server *server = arena_new(&world->arena, sizeof(*server));
    server->end = *end;
    table_add(&world->arena, &world->servers, &server->item, hash);
    return server;
}

const char *world_intern(struct vworld *world, const char *text)
{
    return text_keep(&world->arena, &world->texts, text);
}

/* ---- The world -------------------------------------------------------------------- */

struct vworld *vworld_new(const struct arena *arena, const struct vprefs *prefs)
{
    struct vworld *world = arena_new(arena, sizeof(*world));
    world->arena = *arena;
    if (prefs) {
        world->prefs = *prefs;
    }
    return world;
}

struct vtcp *vtcp_new(struct vworld *world, uint32_t stream, enum rts_hop hop, const struct endpoint *client,
                      const struct endpoint *server, const struct conn_past *past)
{
    struct vtcp *conn = arena_new(&world->arena, sizeof(*conn));
    conn->world = world;
    conn->stream = stream;
    conn->hop = hop == RTS_HOP_TCP ? RTS_HOP_TCP : RTS_HOP_HTTP;
    conn->client = *client;
    conn->server = world_server(world, server);
    conn->server->open++;
    conn->last_ns = past->first.ns;
    tcp_flow_start(&conn->tcp, past);
    return conn;
}

const struct tcp_flow *vtcp_tcp(const struct vtcp *conn)
{
    return &conn->tcp;
}

const struct endpoint *vtcp_client(const struct vtcp *conn)
{
    return &conn->client;
}

const struct endpoint *vtcp_server(const struct vtcp *conn)
{
    return server_end(conn);
}

static struct vc *find_vc(struct vworld *world, const uint8_t cookie[16], uint32_t hash)
{
    for (struct item *item = table_first(&world->cookies, hash); item; item = table_next(item)) {
        struct vc *vc = (struct vc *)item;
        if (memcmp(vc->cookie, cookie, sizeof(vc->cookie)) == 0) {
            return vc;
        }
    }
    return NULL;
}

/* cookie is NULL where RTS never got through. */
static struct vc *new_vc(struct vworld *world, const uint8_t *cookie, uint32_t hash)
{
    struct vc *vc = arena_new(&world->arena, sizeof(*vc));
    vc->world = world;
    vc->number = world->vc_count++;
    if (cookie) {
        vc->has_cookie = true;
        memcpy(vc->cookie, cookie, sizeof(vc->cookie));
        table_add(&world->arena, &world->cookies, &vc->item, hash);
    }
    return vc;
}

static struct vc *vc_of_cookie(struct vworld *world, const uint8_t cookie[16])
{
    uint32_t hash = hash_bytes(cookie, 16, COOKIE_SEED);
    struct vc *vc = find_vc(world, cookie, hash);
    return vc ? vc : new_vc(world, cookie, hash);
}

static void add_row(struct vworld *world, struct leg *leg)
{
    if (world->row_count == world->row_room) {
        uint32_t room = world->row_room ? world->row_room * 2 : 16;
        struct leg **rows = arena_new(&world->arena, room * sizeof(*rows));
        if (world->row_count) {
            memcpy(rows, world->rows, world->row_count * sizeof(*rows));
        }
        arena_give_back(&world->arena, world->rows, world->row_room * sizeof(*rows));
        world->rows = rows;
        world->row_room = room;
    }
    leg->row = world->row_count;
    world->rows[world->row_count++] = leg;
}

static struct leg *new_leg(struct vworld *world, struct vc *vc, uint8_t hop)
{
    struct leg *leg = arena_new(&world->arena, sizeof(*leg));
    leg->vc = vc;
    leg->number = vc->leg_count++;
    leg->hop = hop;
    leg->setup_ns = -1;
    leg->prev = vc->last_leg;
    if (vc->last_leg) {
        vc->last_leg->next = leg;
    } else {
        vc->legs = leg;
    }
    vc->last_leg = leg;
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        struct leg **lacking = &vc->lacking[hop - RTS_HOP_HTTP][role];
        if (!*lacking) {
            *lacking = leg;
        }
    }
    add_row(world, leg);
    return leg;
}

/* ---- Places and sessions: what pairs channels without RTS -------------------------- */

static struct place *world_place(struct vworld *world, const struct vtcp *conn, const char *target)
{
    uint32_t hash = hash_endpoint(&conn->client, false, 2) ^ (target ? hash_bytes(target, strlen(target), 3) : 0);
    for (struct item *item = table_first(&world->places, hash); item; item = table_next(item)) {
        struct place *place = (struct place *)item;
        if (place->target == target && place->hop == conn->hop && place->family == conn->client.family &&
            memcmp(place->addr, conn->client.addr, address_length(&conn->client)) == 0) {
            return place;
        }
    }
    struct place *place = arena_new(&world->arena, sizeof(*place));
    place->target = target;
    place->hop = conn->hop;
    place->family = conn->client.family;
    memcpy(place->addr, conn->client.addr, address_length(&conn->client));
    table_add(&world->arena, &world->places, &place->item, hash);
    return place;
}

static struct session *world_session(struct vworld *world, const struct place *place, const char *id)
{
    uint32_t hash = hash_bytes(id, strlen(id), place->item.hash);
    for (struct item *item = table_first(&world->sessions, hash); item; item = table_next(item)) {
        struct session *session = (struct session *)item;
        if (session->id == id && session->place == place) {
            return session;
        }
    }
    struct session *session = arena_new(&world->arena, sizeof(*session));
    session->id = id;
    session->place = place;
    table_add(&world->arena, &world->sessions, &session->item, hash);
    return session;
}

static void count_unpaired(struct channel *channel)
{
    channel->counted = true;
    channel->place->unpaired[channel->role]++;
    channel->place->latest[channel->role] = channel->request.ns;
}

static void uncount(struct channel *channel)
{
    if (channel->counted) {
        channel->counted = false;
        channel->place->unpaired[channel->role]--;
    }
}

struct channel_more *channel_more(struct channel *channel)
{
    if (!channel->more) {
        channel->more = arena_new(&channel->conn->world->arena, sizeof(*channel->more));
    }
    return channel->more;
}

static void session_join(struct channel *channel, struct session *session)
{
    struct channel_more *more = channel_more(channel);
    more->session = session;
    more->older = session->newest;
    if (session->newest) {
        session->newest->more->newer = channel;
    }
    session->newest = channel;
}

static void session_leave(struct channel *channel)
{
    struct channel_more *more = channel->more;
    if (!more || !more->session) {
        return;
    }
    if (more->newer) {
        more->newer->more->older = more->older;
    } else {
        more->session->newest = more->older;
    }
    if (more->older) {
        more->older->more->newer = more->newer;
    }
    more->session = NULL;
    more->newer = more->older = NULL;
}

/* The other half by its session, if exactly one unpaired IN and one OUT lie within five
 * seconds of each other. Both walks stop at the third channel at the latest. */
static struct channel *session_partner(const struct channel *channel)
{
    if (!channel->more || !channel->more->session) {
        return NULL;
    }
    struct channel *partner = NULL;
    for (int direction = 0; direction < 2; direction++) {
        struct channel *other = direction ? channel->more->newer : channel->more->older;
        while (other) {
            int64_t apart = other->request.ns - channel->request.ns;
            if (apart > PAIRING_WINDOW || apart < -PAIRING_WINDOW) {
                break;
            }
            if (other->role == channel->role || partner) {
                return NULL;
            }
            partner = other;
            other = direction ? other->more->newer : other->more->older;
        }
    }
    return partner;
}

/* ---- Channels --------------------------------------------------------------------- */

int64_t channel_start(const struct channel *channel)
{
    return channel->request.frame ? channel->request.ns : channel->first_rts.ns;
}

struct channel *leg_other(const struct channel *channel)
{
    return channel->leg ? channel->leg->current[!channel->role] : NULL;
}

uint32_t channel_frame(const struct channel *channel)
{
    return channel->first_rts.frame ? channel->first_rts.frame : channel->request.frame;
}

bool leg_sent(const struct leg *leg)
{
    const struct channel *in = leg->current[ROLE_IN], *out = leg->current[ROLE_OUT];
    return in && out && in->first_rts.frame && out->first_rts.frame && !in->challenged && !out->challenged;
}

static bool leg_is_open(const struct leg *leg)
{
    return leg->state == LEG_OPEN || leg->state == LEG_RECYCLING;
}

static void leg_set_running(struct leg *leg)
{
    leg->state = leg->recycling[ROLE_IN] || leg->recycling[ROLE_OUT] ? LEG_RECYCLING : LEG_OPEN;
}

/* The next connection with this cookie in this role is a retry on the same leg. */
static void vacate(struct leg *leg, enum role role)
{
    if (leg->vacant[role]) {
        return;
    }
    leg->vacant[role] = true;
    leg->vacant_next[role] = leg->vc->vacant[role];
    leg->vc->vacant[role] = leg;
}

static void occupy(struct leg *leg, enum role role)
{
    struct leg **link = &leg->vc->vacant[role];
    while (*link && *link != leg) {
        link = &(*link)->vacant_next[role];
    }
    if (*link) {
        *link = leg->vacant_next[role];
    }
    leg->vacant[role] = false;
}

/* A leg whose channel of this role was challenged or closed. Of several the one that
 * used the same TCP connection or server; else the lowest. */
static struct leg *vacant_leg(const struct vc *vc, const struct channel *channel)
{
    struct leg *best = NULL;
    unsigned best_rank = 0, looked_at = 0;
    for (struct leg *leg = vc->vacant[channel->role]; leg && looked_at < SEARCH_MAX;
         leg = leg->vacant_next[channel->role], looked_at++) {
        if (leg->hop != channel->conn->hop) {
            continue;
        }
        const struct channel *before = leg->current[channel->role] ? leg->current[channel->role] :
                                       leg_before(leg, (enum role)channel->role);
        unsigned rank = before->conn == channel->conn ? 3 :
                        endpoint_equal(server_end(before->conn), server_end(channel->conn)) ? 2 : 1;
        if (!best || rank > best_rank || (rank == best_rank && leg->number < best->number)) {
            best = leg;
            best_rank = rank;
        }
    }
    return best;
}

static struct leg *lacking_leg(struct vc *vc, const struct channel *channel)
{
    struct leg **lacking = &vc->lacking[channel->conn->hop - RTS_HOP_HTTP][channel->role];
    while (*lacking && ((*lacking)->hop != channel->conn->hop || (*lacking)->current[channel->role])) {
        *lacking = (*lacking)->next;
    }
    return *lacking;
}

static void leg_fail(struct leg *leg, struct when when, enum fail_cause cause)
{
    if (leg->joined || leg->failed || !leg_sent(leg)) {
        return;
    }
    leg->failed = true;
    leg->fail_cause = (uint8_t)cause;
    leg->fail_frame = when.frame;
}

static struct leg_turn *leg_turn(struct leg *leg)
{
    if (!leg->turn) {
        leg->turn = arena_new(&leg->vc->world->arena, sizeof(*leg->turn));
    }
    return leg->turn;
}

static void leg_no_successor(struct leg *leg, enum role role)
{
    if (leg->turn) {
        leg->turn->coming[role] = NULL;
    }
}

/* A channel of an attempt that is over makes room: its successor is a retry. */
static void leg_drop(struct leg *leg, enum role role)
{
    leg_turn(leg)->before[role] = leg->current[role];
    leg->current[role] = NULL;
    vacate(leg, role);
}

/* A further attempt on the same leg begins with a clean sheet. */
static void leg_begin_again(struct leg *leg, struct when when)
{
    leg->joined = leg->explained = leg->failed = false;
    leg->differ_told = leg->handshake_told = leg->target_told = leg->joined_told = false;
    leg->late_out_told = leg->late_in_told = leg->idle_told = leg->withheld = false;
    leg->recycling[ROLE_IN] = leg->recycling[ROLE_OUT] = false;
    leg_no_successor(leg, ROLE_IN);
    leg_no_successor(leg, ROLE_OUT);
    leg->context = 0;
    leg->difference = SAME_SERVER;
    leg->state = LEG_OPENING;
    leg->got_200.frame = leg->got_a3.frame = 0;
    leg->mark_bytes = 0;
    leg->sent_at = 0;
    leg->ended_frame = 0;
    leg->attempt_frame = when.frame;
}

static bool is_finished(const struct channel *channel)
{
    return channel->over || channel->refused || channel->conn->ended;
}

static void leg_replace(struct leg *leg, struct channel *channel, struct when when)
{
    enum role role = (enum role)channel->role;
    struct channel *before = leg->current[role], *other = leg->current[!role];
    leg_fail(leg, when, FAIL_RETRIED);
    judge_handshake(leg, when);
    if (before) {
        before->replaced = true;
    }
    occupy(leg, role);
    /* A half that was only challenged is still in the same attempt. */
    if (leg->state == LEG_CLOSED || leg->joined || leg->failed) {
        leg_begin_again(leg, when);
        if (other && is_finished(other)) {
            leg_drop(leg, (enum role)other->role);
        }
    }
}

static void leg_put(struct leg *leg, struct channel *channel, struct when when)
{
    if (leg->current[channel->role] || leg_before(leg, (enum role)channel->role)) {
        leg_replace(leg, channel, when);
    }
    leg->current[channel->role] = channel;
    channel->leg = leg;
    if (channel->has_cookie) {
        uncount(channel);
    }
    if (!leg->start.frame) {
        leg->start = channel->request.frame ? channel->request : when;
    }
    if (channel->user) {
        leg->user = channel->user;
    }
    struct channel *other = leg_other(channel);
    if (other) {
        session_leave(channel);
        session_leave(other);
        uncount(channel);
        uncount(other);
        channel->paired = other->paired = true;
        if (leg_sent(leg)) {
            leg->sent_at = when.ns;
        }
        judge_pairing(leg, when);
    }
}

/* The first PDU of a channel: its cookie says where it belongs. */
static void channel_place(struct channel *channel, const uint8_t cookie[16], struct when when)
{
    struct vworld *world = channel->conn->world;
    struct vc *vc = vc_of_cookie(world, cookie);
    struct leg *leg = vacant_leg(vc, channel);
    if (!leg) {
        leg = lacking_leg(vc, channel);
    }
    if (!leg) {
        leg = new_leg(world, vc, channel->conn->hop);
    }
    leg_put(leg, channel, when);
}

void channel_number(struct channel *channel, struct when when)
{
    if (channel->leg) {
        return;
    }
    struct channel *partner = session_partner(channel);
    struct leg *leg;
    if (partner && partner->leg) {
        leg = partner->leg;
        if (leg->current[channel->role]) {
            leg = NULL;
        }
    } else {
        leg = NULL;
    }
    if (!leg) {
        struct vworld *world = channel->conn->world;
        leg = new_leg(world, new_vc(world, NULL, 0), channel->conn->hop);
        if (partner && !partner->leg) {
            leg_put(leg, partner, when);
        }
    }
    leg_put(leg, channel, when);
}

static void channel_touch(struct channel *channel, struct when when, enum way way, uint32_t bytes)
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
        judge_lifetime(channel, when);
    }
}

/* ---- Recycling (3.2.1.5.3.2 to 3.2.1.5.3.5) ---------------------------------------- */

static void recycling_begins(struct leg *leg, enum role role)
{
    leg->recycling[role] = true;
    if (leg->state != LEG_CLOSED) {
        leg->joined = true;
        leg_set_running(leg);
    }
}

static void recycling_ends(struct leg *leg, enum role role)
{
    leg->recycling[role] = false;
    leg_no_successor(leg, role);
    /* What this recycling was says nothing about the next. */
    leg->context &= (uint16_t)~(role == ROLE_IN ? SEQUENCE_IN : SEQUENCE_OUT);
    if (leg_is_open(leg)) {
        leg_set_running(leg);
    }
}

/* The successor takes over. */
static void succeed(struct leg *leg, enum role role, struct when when)
{
    struct channel *successor = leg_coming(leg, role);
    if (successor) {
        leg->current[role]->replaced = true;
        leg->current[role] = successor;
        if (leg->vacant[role]) {
            occupy(leg, role);
        }
        if (role == ROLE_IN) {
            leg->mark_bytes = 0;
        }
    }
    recycling_ends(leg, role);
    judge_joined(leg, when);
}

/* The leg whose channel this one succeeds: the n-th connection with a successor's cookie
 * belongs to the n-th leg that has the predecessor. */
static struct leg *predecessor_leg(struct vc *vc, const struct channel *channel, const uint8_t before[16],
                                   const uint8_t cookie[16])
{
    enum role role = channel->role;
    if (!vc->handing) {
        vc->handing = arena_new(&vc->world->arena, 2 * sizeof(*vc->handing));
    }
    struct handing *handing = &vc->handing[role];
    if (!handing->leg || memcmp(handing->successor, cookie, 16) != 0) {
        handing->leg = vc->legs;
        memcpy(handing->successor, cookie, 16);
    }
    unsigned looked_at = 0;
    for (struct leg *leg = handing->leg; leg && looked_at < SEARCH_MAX; leg = leg->next, looked_at++) {
        const struct channel *current = leg->current[role];
        if (leg->hop == channel->conn->hop && current && !leg_coming(leg, role) &&
            (!current->has_cookie || memcmp(current->cookie, before, 16) == 0)) {
            handing->leg = leg;
            return leg;
        }
    }
    return NULL;
}

/* Returns the predecessor, or NULL if it was not captured. */
static const struct channel *succession(struct channel *channel, const struct rts_pdu *rts, struct when when)
{
    struct vworld *world = channel->conn->world;
    struct vc *vc = vc_of_cookie(world, rts->cookie[0]);
    memcpy(channel->cookie, rts->cookie[2], sizeof(channel->cookie));
    channel->has_cookie = true;
    channel->is_successor = true;
    struct leg *leg = predecessor_leg(vc, channel, rts->cookie[1], rts->cookie[2]);
    if (!leg) {
        leg = lacking_leg(vc, channel);
        if (!leg) {
            leg = new_leg(world, vc, channel->conn->hop);
        }
        recycling_begins(leg, channel->role);
        leg_put(leg, channel, when);
        return NULL;
    }
    recycling_begins(leg, channel->role);
    channel->leg = leg;
    const struct channel *predecessor = leg->current[channel->role];
    leg_turn(leg)->coming[channel->role] = channel;
    session_leave(channel);
    uncount(channel);
    judge_pairing(leg, when);
    return predecessor;
}

/* Nothing that comes after its end makes a connection last longer. */
static void conn_at(struct vtcp *conn, struct when when)
{
    if (!conn->ended) {
        conn->last_ns = when.ns;
    }
}

/* ---- HTTP ------------------------------------------------------------------------- */

/* The channel ends because the connection does or carries another request. */
static void channel_leaves(struct channel *channel, struct when when, bool rst, enum way by, bool by_request)
{
    struct leg *leg = channel->leg;
    enum role role = channel->role;
    bool was_open = leg && leg_is_open(leg) && leg->current[role] == channel;
    int64_t idle = channel->last_body ? when.ns - channel->last_body : 0;
    channel->over = true;
    if (!by_request && channel->challenged) {
        judge_torn(channel, when);
    }
    leg = channel->leg;
    if (leg && leg_coming(leg, role) == channel) {
        recycling_ends(leg, role);
        return;
    }
    if (leg && leg->current[role] == channel && channel_frame(channel) < leg->attempt_frame && !leg->joined) {
        leg_drop(leg, role);
        return;
    }
    if (leg && leg->current[role] == channel) {
        if (leg_coming(leg, role)) {
            succeed(leg, role, when);
            return;
        }
        if (!channel->challenged || !by_request) {
            if (leg->state != LEG_CLOSED) {
                leg->ended_frame = when.frame;
                leg->ended_by = (uint8_t)by;
                leg->ended_by_rst = rst;
            }
            leg->state = LEG_CLOSED;
            if (role == ROLE_OUT) {
                judge_withheld_out(leg, when);
            }
            leg_fail(leg, when, by_request ? FAIL_RETRIED : rst ? FAIL_RESET : FAIL_CLOSED);
            if (by_request) {
                judge_handshake(leg, when);      /* the connection is about to carry another channel */
            }
        }
        vacate(leg, role);
    }
    if (!by_request && !channel->replaced) {
        judge_lone(channel, when, true);
        judge_end(channel, when, was_open, idle);
    }
}

static const char *user_text(struct vworld *world, const struct http_auth *auth)
{
    static const char *const schemes[] = {
        [HTTP_AUTH_BASIC] = "Basic", [HTTP_AUTH_NTLM] = "NTLM", [HTTP_AUTH_NEGOTIATE] = "Negotiate",
        [HTTP_AUTH_BEARER] = "Bearer"
    };
    if (!auth->user[0]) {
        return NULL;
    }
    size_t scheme = (size_t)auth->scheme;
    const char *name = scheme < sizeof(schemes) / sizeof(schemes[0]) ? schemes[scheme] : NULL;
    char text[HTTP_USER_MAX + 16];
    snprintf(text, sizeof(text), name ? "%s (%s)" : "%s", auth->user, name);
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
        conn->names = arena_new(&world->arena, sizeof(*conn->names));
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

static struct channel *new_channel(struct vtcp *conn, enum role role)
{
    struct channel *old = conn->channel, *channel;
    bool again = old && old->role == role && (old->leg || old->again);
    if (old && !old->leg && !old->bytes[0] && !old->bytes[1]) {
        /* A request that was only a step leaves nothing behind. */
        session_leave(old);
        uncount(old);
        struct channel_more *more = old->more;
        memset(old, 0, sizeof(*old));
        if (more) {
            memset(more, 0, sizeof(*more));
        }
        old->more = more;
        channel = old;
    } else {
        channel = arena_new(&conn->world->arena, sizeof(*channel));
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
    struct channel *channel = new_channel(conn, info->method == HTTP_RPC_OUT_DATA ? ROLE_OUT : ROLE_IN);
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
        count_unpaired(channel);
    }
    const struct channel_more *more = channel->more;
    const char *id = !more ? NULL : more->outlook_session ? more->outlook_session : more->session_id;
    if (id && channel->target && info->content_length != 0) {
        session_join(channel, world_session(world, channel->place, id));
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

static void response(struct vtcp *conn, struct when when, const struct http_info *info)
{
    struct channel *channel = conn->channel;
    if (conn->asked == ASKED_CHANNEL || conn->asked == ASKED_ECHO) {
        note_names(conn, info);
    }
    if (info->status < 200 || !channel) {
        return;
    }
    struct leg *leg = channel->leg;
    if (info->status == 200) {
        if (leg && channel->role == ROLE_OUT && leg->current[ROLE_OUT] == channel && !leg->got_200.frame) {
            leg->got_200 = when;
            judge_buffered_out(leg, when, false);
        }
    } else if (is_step(channel, info)) {
        channel->challenged = true;
        channel->challenge_status = (uint16_t)info->status;
        channel->challenge_frame = when.frame;
        if (leg && leg->current[channel->role] == channel) {
            vacate(leg, (enum role)channel->role);
        }
    } else if (channel->role == ROLE_IN && conn->tcp.half[WAY_TO_SERVER].ended) {
        /* Of a body that the client ended early: it refuses nothing any more. */
        return;
    } else if (!channel->refused) {
        channel->refused = true;
        judge_refused(channel, when, info);
        leg = channel->leg;
        if (leg && leg->current[channel->role] == channel) {
            if (info->status < 500) {
                leg->explained = true;
            }
            leg_fail(leg, when, FAIL_REFUSED);
            leg->state = LEG_CLOSED;
            vacate(leg, (enum role)channel->role);
        } else if (leg && leg_coming(leg, (enum role)channel->role) == channel) {
            recycling_ends(leg, (enum role)channel->role);
        }
    }
    leg = channel->leg;
    if (leg) {
        if (info->request_id[0]) {
            leg->request_id = world_intern(conn->world, info->request_id);
        }
        if (leg_other(channel)) {
            judge_pairing(leg, when);
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

/* ---- PDUs ------------------------------------------------------------------------- */

static unsigned identify(const struct vtcp *conn, enum way way, enum rts_channel channel, unsigned context,
                         const struct rts_pdu *rts, uint8_t index[RTS_MAX_CANDIDATES], struct pdu_outcome *outcome)
{
    struct rts_place place = {
        channel, (enum rts_hop)conn->hop, way == WAY_TO_SERVER ? RTS_TO_SERVER : RTS_TO_CLIENT, context
    };
    return rts_identify(rts, &place, index, outcome->name, &outcome->misplaced);
}

/* Whether the PDU may stand on this channel of this connection. */
static bool may_be_on(const struct vtcp *conn, enum way way, enum rts_channel channel, const struct rts_pdu *rts)
{
    struct pdu_outcome outcome;
    uint8_t index[RTS_MAX_CANDIDATES];
    return identify(conn, way, channel, 0, rts, index, &outcome) > 0 && !outcome.misplaced;
}

/* A channel whose request was not seen, or that has none: between proxies and server. */
static struct channel *channel_from_pdu(struct vtcp *conn, struct when when, enum way way, const struct rts_pdu *rts)
{
    if (conn->asked != ASKED_NOTHING) {
        return NULL;
    }
    enum role role = way == WAY_TO_SERVER ? ROLE_IN : ROLE_OUT;
    if (rts) {
        bool in = may_be_on(conn, way, RTS_IN, rts), out = may_be_on(conn, way, RTS_OUT, rts);
        if (in == out) {
            return NULL;
        }
        role = in ? ROLE_IN : ROLE_OUT;
    }
    struct channel *channel = new_channel(conn, role);
    if (!rts) {
        /* Bare RPC from the first byte on is version 1. */
        channel->v1 = conn->hop == RTS_HOP_TCP && conn->tcp.syn;
    }
    channel->place = world_place(conn->world, conn, NULL);
    channel->request.ns = when.ns;
    return channel;
}

static void mark_joined(struct leg *leg, struct when when, bool opened)
{
    if (opened && leg->state != LEG_CLOSED) {
        leg_set_running(leg);
        if (leg->setup_ns < 0) {
            int64_t start = INT64_MAX;
            for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
                if (leg->current[role] && channel_start(leg->current[role]) < start) {
                    start = channel_start(leg->current[role]);
                }
            }
            leg->setup_ns = start == INT64_MAX ? -1 : when.ns - start;
        }
    }
    if (!leg->joined) {
        leg->joined = true;
        judge_joined(leg, when);
    }
}

/* A connection that was numbered without RTS learns its cookie after all. */
static void adopt_cookie(struct vc *vc, const uint8_t cookie[16])
{
    uint32_t hash = hash_bytes(cookie, 16, COOKIE_SEED);
    if (!vc->has_cookie && !find_vc(vc->world, cookie, hash)) {
        vc->has_cookie = true;
        memcpy(vc->cookie, cookie, sizeof(vc->cookie));
        table_add(&vc->world->arena, &vc->world->cookies, &vc->item, hash);
    }
}

static void first_pdu(struct channel *channel, const struct rts_pdu *rts, struct when when, struct pdu_outcome *outcome)
{
    if (channel->has_cookie) {
        outcome->unexpected = "the channel has had its first PDU already";
        return;
    }
    if (rts->cookies < 2) {
        return;
    }
    memcpy(channel->cookie, rts->cookie[1], sizeof(channel->cookie));
    channel->has_cookie = true;
    if (!channel->leg) {
        channel_place(channel, rts->cookie[0], when);
        return;
    }
    struct leg *leg = channel->leg;
    adopt_cookie(leg->vc, rts->cookie[0]);
    if (leg_sent(leg) && !leg->sent_at) {
        leg->sent_at = when.ns;
    }
}

/* CONN, MS-RPCH 3.2.1.5.3.1. */
static void opening_pdu(struct channel *channel, unsigned id, const struct rts_pdu *rts, struct when when,
                        struct pdu_outcome *outcome)
{
    struct leg *leg = channel->leg;
    switch (id) {
    case RTS_CONN_A1:
    case RTS_CONN_A2:
        first_pdu(channel, rts, when, outcome);
        if (rts->has_lifetime) {
            channel->lifetime = rts->lifetime;
        }
        /* A1's window is the client's for OUT; A2's is the OUT proxy's for what the server sends. */
        if (rts->has_window) {
            flow_window(channel, rts->window);
        }
        break;
    case RTS_CONN_B1:
    case RTS_CONN_B2:
        first_pdu(channel, rts, when, outcome);
        if (rts->has_lifetime) {
            channel->lifetime = rts->lifetime;
        }
        leg = channel->leg;
        if (leg && rts->has_keepalive) {
            leg->keepalive_ms = rts->keepalive_ms;
        }
        if (leg && rts->has_timeout) {
            leg->timeout_ms[ROLE_IN] = rts->timeout_ms;
        }
        break;
    case RTS_CONN_A3:
        if (!leg) {
            break;
        }
        if (leg->joined && leg->got_a3.frame) {
            outcome->unexpected = "the virtual connection is open already";
            break;
        }
        leg->timeout_ms[ROLE_OUT] = rts->timeout_ms;
        if (!leg->got_a3.frame) {
            leg->got_a3 = when;
            judge_buffered_out(leg, when, true);
        }
        break;
    case RTS_CONN_C1:
    case RTS_CONN_C2:
        if (!leg) {
            break;
        }
        if (leg_is_open(leg) && leg->setup_ns >= 0 && leg_sent(leg)) {
            outcome->unexpected = "the virtual connection is open already";
            break;
        }
        leg->timeout_ms[ROLE_IN] = rts->timeout_ms;
        /* Both carry the IN proxy's window: it binds the client, not the IN proxy. */
        if (id == RTS_CONN_C2 && rts->has_window) {
            leg->window[ROLE_IN] = rts->window;
            if (leg->current[ROLE_IN]) {
                flow_window(leg->current[ROLE_IN], rts->window);
            }
        }
        mark_joined(leg, when, true);
        break;
    default:                     /* RTS_CONN_B3 */
        if (rts->has_window) {
            flow_window(channel, rts->window);
        }
        if (leg) {
            mark_joined(leg, when, false);
        }
        break;
    }
}

/* A cookie alone: the successor's, on its predecessor (A5, A6) or on a connection to the
 * server that stays the same (IN_R2/A2, OUT_R2/A4). */
static void cookie_pdu(struct channel *channel, const struct rts_pdu *rts, struct when when,
                       struct pdu_outcome *outcome)
{
    struct leg *leg = channel->leg;
    if (!leg || rts->cookies == 0) {
        return;
    }
    enum role role = (enum role)channel->role;
    struct channel *coming = leg_coming(leg, role);
    if (coming && coming != channel) {
        if (memcmp(coming->cookie, rts->cookie[0], sizeof(coming->cookie)) == 0) {
            /* To the server B1 follows, after what was queued. */
            channel->seen_eof = channel->conn->hop == RTS_HOP_HTTP;
            succeed(leg, role, when);
        } else {
            outcome->unexpected = "it names another successor than the one that was announced";
        }
        return;
    }
    if (channel->conn->hop == RTS_HOP_HTTP) {
        if (!leg->recycling[role] && leg_whole(leg)) {
            outcome->unexpected = "no successor was announced";
        }
        recycling_ends(leg, role);
        return;
    }
    memcpy(channel->cookie, rts->cookie[0], sizeof(channel->cookie));
    channel->has_cookie = true;
    /* IN_R2 is over for the server here, OUT_R2 only begins. */
    if (role == ROLE_OUT) {
        recycling_begins(leg, role);
    } else {
        recycling_ends(leg, role);
    }
}

static void successor_window(struct leg *leg, enum role role, uint32_t window)
{
    leg->window[role] = window;
    struct channel *channel = leg_coming(leg, role) ? leg_coming(leg, role) : leg->current[role];
    if (channel) {
        flow_window(channel, window);
    }
}

/* IN_R1, IN_R2, OUT_R1 and OUT_R2. Where two look alike they do the same here. */
static void recycling_pdu(struct channel *channel, unsigned id, const struct rts_pdu *rts, struct when when,
                          struct pdu_outcome *outcome)
{
    struct leg *leg = channel->leg;
    const struct channel *predecessor;
    switch (id) {
    case RTS_IN_R1_A1:
    case RTS_IN_R1_A2:
    case RTS_IN_R2_A1:
    case RTS_OUT_R1_A3:
    case RTS_OUT_R1_A4:
    case RTS_OUT_R2_A3:
        if (leg) {
            outcome->unexpected = "the channel has had its first PDU already";
            return;
        }
        if (rts->cookies < 3) {
            return;
        }
        predecessor = succession(channel, rts, when);
        if (rts->has_lifetime) {
            channel->lifetime = rts->lifetime;
        } else if (predecessor) {
            channel->lifetime = predecessor->lifetime;
        }
        if (channel->role == ROLE_OUT && rts->has_window) {
            flow_window(channel, rts->window);
        } else if (channel->role == ROLE_IN && channel->conn->hop == RTS_HOP_HTTP && channel->leg->window[ROLE_IN]) {
            /* The same proxy keeps its window (IN_R2); another one tells its own in IN_R1/A4. */
            flow_window(channel, channel->leg->window[ROLE_IN]);
        }
        return;
    case RTS_OUT_R1_A1:
    case RTS_OUT_R1_A2:
    case RTS_OUT_R2_A1:
    case RTS_OUT_R2_A2:
        if (leg) {
            if (leg->state == LEG_OPENING) {
                outcome->unexpected = "the virtual connection is not open yet";
            }
            recycling_begins(leg, ROLE_OUT);
        }
        return;
    case RTS_IN_R1_A5:
    case RTS_IN_R1_A6:
    case RTS_IN_R2_A2:
    case RTS_IN_R2_A5:
    case RTS_OUT_R2_A4:
        cookie_pdu(channel, rts, when, outcome);
        return;
    default:
        break;
    }
    if (!leg) {
        return;
    }
    switch (id) {
    case RTS_IN_R2_A4:
        recycling_begins(leg, ROLE_IN);
        break;
    case RTS_IN_R1_A3:
    case RTS_IN_R1_A4:
        recycling_begins(leg, ROLE_IN);
        leg->timeout_ms[ROLE_IN] = rts->timeout_ms;
        if (id == RTS_IN_R1_A4 && rts->has_window) {
            successor_window(leg, ROLE_IN, rts->window);
        }
        break;
    case RTS_IN_R1_B1:           /* the predecessor's last PDU */
        channel->seen_eof = true;
        if (leg_coming(leg, ROLE_IN) && leg_coming(leg, ROLE_IN) != channel) {
            succeed(leg, ROLE_IN, when);
        }
        break;
    case RTS_IN_R1_B2:           /* the server's window, to the successor */
        if (leg_coming(leg, ROLE_IN) == channel) {
            succeed(leg, ROLE_IN, when);
        }
        if (rts->has_window) {
            flow_window(channel, rts->window);
        }
        break;
    case RTS_OUT_R2_A5:
    case RTS_OUT_R2_A6:
        recycling_begins(leg, ROLE_OUT);
        break;
    case RTS_OUT_R1_A5:
    case RTS_OUT_R1_A6:
        recycling_begins(leg, ROLE_OUT);
        leg->timeout_ms[ROLE_OUT] = rts->timeout_ms;
        break;
    case RTS_OUT_R2_A8:
    case RTS_OUT_R1_A8:
        if (rts->cookies && leg->current[ROLE_OUT] && !leg_coming(leg, ROLE_OUT) && leg->recycling[ROLE_OUT]) {
            memcpy(leg->current[ROLE_OUT]->cookie, rts->cookie[0], 16);
        }
        break;
    case RTS_OUT_R1_A9:
    case RTS_OUT_R1_A10:
    case RTS_OUT_R2_B1:
    case RTS_OUT_R2_B3:
        /* The predecessor's last PDU; B1 on a connection that stays the same ends nothing. */
        if (leg_coming(leg, ROLE_OUT) != channel) {
            channel->seen_eof = id != RTS_OUT_R2_B1 && !(id == RTS_OUT_R1_A9 && !leg_coming(leg, ROLE_OUT));
            succeed(leg, ROLE_OUT, when);
        }
        break;
    case RTS_OUT_R1_A11:
        if (leg_coming(leg, ROLE_OUT) == channel) {
            succeed(leg, ROLE_OUT, when);
        }
        break;
    case RTS_OUT_R2_B2:          /* the server did not accept the successor */
        recycling_ends(leg, ROLE_OUT);
        break;
    default:
        break;
    }
}

/* Flow control is a matter of two neighbours. On the HTTP hop it is that of client and
 * proxy; between proxy and server only what has no destination concerns the neighbour. */
static void acknowledge(struct channel *channel, const struct rts_pdu *rts)
{
    struct leg *leg = channel->leg;
    if (!leg || !rts->has_ack) {
        return;
    }
    if (leg->hop == RTS_HOP_TCP) {
        if (!rts->has_destination) {
            flow_ack(channel, rts->ack_received, rts->ack_window);
        }
        return;
    }
    struct channel *const known[] = {
        leg->current[ROLE_IN], leg->current[ROLE_OUT], leg_coming(leg, ROLE_IN), leg_coming(leg, ROLE_OUT)
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i] && known[i]->has_cookie && memcmp(known[i]->cookie, rts->ack_cookie, 16) == 0) {
            flow_ack(known[i], rts->ack_received, rts->ack_window);
            return;
        }
    }
}

/* Which of two sequences a recycling follows, once a PDU can only be of one. */
static void remember_sequence(struct leg *leg, unsigned id)
{
    static const struct {
        unsigned first, last, own, other;
        enum role role;
    } sequences[] = {
        { RTS_IN_R1_A1, RTS_IN_R1_B2, RTS_CTX_IN_R1, RTS_CTX_IN_R2, ROLE_IN },
        { RTS_IN_R2_A1, RTS_IN_R2_A5, RTS_CTX_IN_R2, RTS_CTX_IN_R1, ROLE_IN },
        { RTS_OUT_R1_A1, RTS_OUT_R1_A11, RTS_CTX_OUT_R1, RTS_CTX_OUT_R2, ROLE_OUT },
        { RTS_OUT_R2_A1, RTS_OUT_R2_C1, RTS_CTX_OUT_R2, RTS_CTX_OUT_R1, ROLE_OUT }
    };
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        if (id >= sequences[i].first && id <= sequences[i].last && !(leg->context & sequences[i].other) &&
            leg->recycling[sequences[i].role]) {
            leg->context |= (uint16_t)sequences[i].own;
        }
    }
}

static void rts_pdu(struct channel *channel, struct when when, enum way way, const struct rts_pdu *rts,
                    struct pdu_outcome *outcome)
{
    struct vtcp *conn = channel->conn;
    uint8_t index[RTS_MAX_CANDIDATES];
    unsigned context = channel->leg ? channel->leg->context : 0;
    unsigned count = identify(conn, way, channel->role == ROLE_IN ? RTS_IN : RTS_OUT, context, rts, index, outcome);
    if (count == 0) {
        if (rts->well_formed) {
            outcome->unexpected = "no PDU of MS-RPCH 2.2.4 has these flags and commands";
        }
        return;
    }
    if (outcome->misplaced) {
        return;
    }
    if (channel->seen_eof && way == data_way(channel)) {
        outcome->unexpected = "the channel's last PDU has been sent already";
    }
    bool first = !channel->first_rts.frame;
    if (first) {
        channel->first_rts = when;
        if (!channel->request.frame && !channel->leg) {
            channel->request.ns = when.ns;
        }
    }
    if (index[0] <= RTS_CONN_C2) {
        opening_pdu(channel, index[0], rts, when, outcome);
    } else if (index[0] <= RTS_OUT_R2_C1) {
        recycling_pdu(channel, index[0], rts, when, outcome);
        if (count == 1 && channel->leg) {
            remember_sequence(channel->leg, index[0]);
        }
    } else if (index[0] == RTS_KEEP_ALIVE && channel->leg) {
        channel->leg->keepalive_ms = rts->keepalive_ms;
    } else {
        acknowledge(channel, rts);
    }
    uint32_t gap;
    if (conn_doubt(conn, &gap) != DOUBT_NONE || (channel->leg && !leg_whole(channel->leg))) {
        outcome->unexpected = NULL;              /* it may follow from what was not captured */
    }
}

static void rpc_pdu(struct channel *channel, struct when when, enum way way, const struct pdu_header *header,
                    uint32_t status)
{
    struct leg *leg = channel->leg;
    channel->rpc_seen = true;
    if (leg && !channel->v1) {
        if (way == WAY_TO_CLIENT && channel->role == ROLE_OUT) {
            mark_joined(leg, when, true);    /* the server answers: both halves have met */
        } else if (leg->state == LEG_OPENING && (!leg_other(channel) || !leg_whole(leg))) {
            leg_set_running(leg);            /* the client sends calls once it has had C2 */
        }
    }
    if (way == data_way(channel) && !channel->v1) {
        channel->rpc_sent += header->frag_length;
        if (channel->has_limit && channel->rpc_sent > channel->limit) {
            judge_window(channel, when);
        }
    }
    if (header->ptype == RPC_FAULT || header->ptype == RPC_BIND_NAK) {
        judge_call(channel, when, header, status);
        if (channel->leg) {
            channel->leg->faults++;
        }
    } else if (leg && header->ptype == RPC_REQUEST && (header->pfc_flags & FIRST_FRAGMENT)) {
        leg->calls++;
    }
}

void vtcp_pdu(struct vtcp *conn, struct when when, enum way way, const struct pdu_header *header,
              const struct rts_pdu *rts, uint32_t status, struct pdu_outcome *outcome)
{
    memset(outcome, 0, sizeof(*outcome));
    conn_at(conn, when);
    struct channel *channel = conn->channel;
    if (!channel) {
        channel = channel_from_pdu(conn, when, way, rts);
    }
    if (!channel) {
        if (rts) {
            uint8_t index[RTS_MAX_CANDIDATES];
            enum rts_channel side = conn->asked != ASKED_ECHO ? RTS_ANY_CHANNEL :
                                    conn->asked_role == ROLE_IN ? RTS_IN : RTS_OUT;
            identify(conn, way, side, 0, rts, index, outcome);
        }
        return;
    }
    if (rts) {
        rts_pdu(channel, when, way, rts, outcome);
    } else {
        rpc_pdu(channel, when, way, header, status);
    }
    channel_touch(channel, when, way, header->frag_length);
    struct leg *leg = channel->leg;
    if (leg) {
        leg->last = when;
        if (channel->role == ROLE_IN && way == WAY_TO_SERVER) {
            judge_buffered_in(leg, when);
            if (!leg->mark_bytes && leg->current[ROLE_IN] == channel) {
                leg->mark_bytes = channel->bytes[WAY_TO_SERVER];
                leg->mark_frame = when.frame;
                leg->mark_acked = 0;
            }
        }
    }
    outcome->channel = channel->v1 ? 0 : channel->role == ROLE_IN ? 1 : 2;
    outcome->channel_bytes = channel->bytes[0] + channel->bytes[1];
}

void vtcp_skipped(struct vtcp *conn, struct when when, enum way way, uint32_t bytes)
{
    conn_at(conn, when);
    if (conn->channel) {
        /* What was passed over may have been calls: what was sent is no longer known. */
        conn->channel->has_limit = false;
        channel_touch(conn->channel, when, way, bytes);
    }
}

/* ---- Segments --------------------------------------------------------------------- */

static void conn_end(struct vtcp *conn, const struct segment *segment)
{
    if (conn->ended) {
        return;
    }
    conn->ended = true;
    conn->ended_by_rst = segment->rst;
    conn->ended_by = (uint8_t)segment->way;
    conn->ended_frame = segment->when.frame;
    conn->server->open--;
    if (conn->channel && !conn->channel->over) {
        channel_leaves(conn->channel, segment->when, segment->rst, segment->way, false);
    } else if (segment->way == WAY_TO_CLIENT && !conn->channel) {
        judge_foreign_end(conn->world, conn->server, NULL, segment->when);
    }
}

/* The body byte that the mark stands behind ends in this frame. */
static void place_mark(struct leg *leg, const struct segment *segment)
{
    if (leg->mark_bytes && leg->mark_frame == segment->when.frame && segment->way == WAY_TO_SERVER && segment->len) {
        leg->mark_end = segment->seq + segment->len;
        leg->mark_frame = 0;
    }
}

void vtcp_segment(struct vtcp *conn, const struct segment *segment)
{
    struct channel *channel = conn->channel;
    conn_at(conn, segment->when);
    flow_segment(conn, segment);
    if (channel && channel->leg) {
        channel->leg->last = segment->when;
        if (channel->role == ROLE_IN) {
            place_mark(channel->leg, segment);
        }
    }
    if (segment->fin || segment->rst) {
        conn_end(conn, segment);
    }
    if (channel) {
        judge_lone(channel, segment->when, false);
        if (channel->leg && !channel->replaced) {
            judge_handshake(channel->leg, segment->when);
            judge_buffered_in(channel->leg, segment->when);
        }
    }
    judge_waiting(conn->world, segment->when);
}

void vworld_foreign_end(struct vworld *world, const struct endpoint *end, struct when when)
{
    uint32_t hash = hash_endpoint(end, true, 0);
    for (struct item *item = table_first(&world->servers, hash); item; item = table_next(item)) {
        if (endpoint_equal(&((struct server *)item)->end, end)) {
            judge_foreign_end(world, (struct server *)item, NULL, when);
        }
    }
    judge_waiting(world, when);
}

const struct verdict *vworld_take_verdicts(struct vworld *world)
{
    return verdict_take(&world->verdicts);
}
