/* conn.c
 * TCP connections of the capture and their servers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "conn.h"

#include "event.h"
#include "points.h"
#include "reset.h"

#define SERIES_STEP 64     /* what an end sends elsewhere between two of them */
#define COPY_MS 50         /* a SPAN port's copy of a frame; no stack sends again as soon */
#define UNHEARD_MS 5000    /* of what was sent again, be it once */
#define AGAIN_MS 100       /* what is sent again sooner is one try: segments of one window, or a copy */
#define ACK_LATE_MS 3000   /* an ACK is held back for half a second at most, and what lacks it is sent again sooner */
#define LEAVE_TAKEN SECOND /* who takes a FIN for the client's leave closes by then */
#define LEAVE_NOT_TAKEN (SECOND / 5) /* or sends nothing new as late as that */
#define CONN_LATE (60 * SECOND)      /* less than the idle time-outs of devices between */

static uint32_t hash_endpoint(const struct track *track, const struct endpoint *end)
{
    return hash_bytes(&track->arena, end->addr, address_length(end), end->port);
}

struct server *track_find_server(const struct track *track, const struct endpoint *end)
{
    for (struct item *item = table_first(&track->servers, hash_endpoint(track, end)); item; item = table_next(item)) {
        struct server *server = (struct server *)item;
        if (endpoint_equal(&server->end, end)) {
            return server;
        }
    }
    return NULL;
}

static struct server *server_of(struct track *track, const struct endpoint *end)
{
    struct server *server = track_find_server(track, end);
    if (!server) {
        server = arena_new(&track->arena, sizeof(*server));
        server->end = *end;
        table_add(&track->arena, &track->servers, &server->item, hash_endpoint(track, end));
    }
    return server;
}

void track_server_heard(const struct track *track, const struct endpoint *end, struct when when)
{
    struct server *server = track_find_server(track, end);
    if (server) {
        server->heard = when;
        server->strange_frame = when.frame;
    }
}

void server_note_device(struct server *server, enum device_sign sign)
{
    if (server->sign == SIGN_NONE || server->sign == SIGN_RETURNED) {
        server->sign = (uint8_t)sign;
    }
}

void server_note_name(struct server *server, unsigned which, const char *name)
{
    if (!name) {
        return;
    }
    if (!server->names[which]) {
        server->names[which] = name;
    } else if (server->names[which] != name) {
        server_note_device(server, SIGN_BACK_ENDS);
    }
}

void track_server_refused(struct track *track, const struct endpoint *end, struct when when)
{
    const struct server *server = track_find_server(track, end);
    if (server) {
        emit(track, &(struct event){ .kind = EVENT_SERVER_REFUSED, .when = when, .refused = server });
    }
}

static struct hosts *hosts_of(struct track *track, const struct endpoint *client, struct server *server)
{
    const uint32_t hash = hash_bytes(&track->arena, client->addr, address_length(client), server->end.port);
    for (struct item *item = table_first(&track->hosts, hash); item; item = table_next(item)) {
        struct hosts *hosts = (struct hosts *)item;
        if (hosts->server == server && same_address(&hosts->client, client)) {
            return hosts;
        }
    }
    struct hosts *hosts = arena_new(&track->arena, sizeof(*hosts));
    hosts->client = *client;
    hosts->server = server;
    table_add(&track->arena, &track->hosts, &hosts->item, hash);
    return hosts;
}

struct conn *conn_new(struct track *track, enum conn_kind kind, uint32_t stream, const struct endpoint *client,
                      const struct endpoint *server, const struct conn_past *past)
{
    struct conn *conn = arena_new(&track->arena, sizeof(*conn));
    conn->track = track;
    conn->stream = stream;
    conn->kind = (uint8_t)kind;
    conn->client = *client;
    conn->server = server_of(track, server);
    conn->server->open[kind]++;
    track->claimed[kind]++;
    conn->server->met[kind] = true;
    conn->tls = past->tls;
    conn->hosts = hosts_of(track, client, conn->server);
    conn->began = past->first;
    conn->round_trip = past->round_trip;
    conn->set_back = track->set_backs;
    tcp_flow_start(&conn->tcp, past);
    return conn;
}

static void note_looks(struct conn_looks *looks, const struct segment *segment)
{
    const uint16_t step = (uint16_t)(segment->ip_id - looks->ip_id);
    if (segment->ttl) {
        looks->ttl_least = !looks->ttl_least || segment->ttl < looks->ttl_least ? segment->ttl : looks->ttl_least;
        looks->ttl_most = segment->ttl > looks->ttl_most ? segment->ttl : looks->ttl_most;
    }
    if (looks->packets && step) { /* 0: a copy of a SPAN port, or the end leaves it empty */
        looks->in_series = step > SERIES_STEP ? 0 : looks->in_series + (looks->in_series < LOOKS_ENOUGH);
    }
    looks->ip_id = segment->ip_id;
    looks->packets = (uint8_t)(looks->packets + (looks->packets < LOOKS_ENOUGH));
}

/* A tap of two ports, or a gap. */
static bool has_unseen(const struct conn *conn, const struct segment *segment)
{
    const struct tcp_half *half = &conn->tcp.half[segment->way == WAY_TO_SERVER ? WAY_TO_CLIENT : WAY_TO_SERVER];
    return segment->has_ack && (!half->known || half->holes || (int32_t)(segment->ack - half->next) > 0);
}

static void note_end(struct conn *conn, const struct segment *segment, bool exact)
{
    if (conn_end_of(conn, segment->way)) {
        return;
    }
    if (!conn->end) {
        conn->end = arena_new(&conn->track->arena, 2 * sizeof(*conn->end));
    }
    struct conn_end *end = (struct conn_end *)(uintptr_t)&conn->end[segment->way];
    *end = (struct conn_end){ .when = segment->when,
                              .behind = segment->seq + segment->len + segment->fin,
                              .ack = segment->ack,
                              .rst = segment->rst,
                              .has_ack = segment->has_ack,
                              .knew_more = has_unseen(conn, segment),
                              .exact = exact };
    if (segment->rst) {
        reset_note(conn, end, segment);
    }
}

static void note_packet(struct conn *conn, const struct segment *segment)
{
    const struct tcp_half *half = &conn->tcp.half[segment->way];
    if (segment->rst || segment->fin) {
        note_end(conn, segment, segment->rst && half->known && segment->seq == half->next);
    }
    if (!segment->rst) {
        note_looks(&conn->looks[segment->way], segment);
    }
}

/* Of a SPAN port, which shows packets twice: the last of that end once more, or, without an identification (IPv6), too soon
 * behind it. last_id: of the packet before, 0 if there was none. */
static bool is_copy(const struct conn *conn, const struct segment *segment, uint16_t last_id)
{
    return segment->ip_id ? segment->ip_id == last_id : segment->when.ns - conn->last_data < COPY_MS * MILLISECOND;
}

/* Keep-alive probes repeat the byte before; what was acknowledged is sent again for want of an ACK that we saw. */
static bool is_repeated(const struct conn *conn, const struct segment *segment)
{
    const struct tcp_half *half = &conn->tcp.half[segment->way];
    const uint32_t end = segment->seq + segment->len;
    const bool keeps_alive = segment->len == 1 && half->known && end == half->next;
    return segment->len > 0 && !keeps_alive && !(half->has_acked && (int32_t)(end - half->acked) <= 0);
}

/* A keep-alive probe without a byte: one with a byte repeats it (RFC 9293 3.8.4). */
static bool is_bare_probe(const struct conn *conn, const struct segment *segment)
{
    const struct tcp_half *half = &conn->tcp.half[segment->way];
    return segment->len == 0 && !segment->syn && !segment->fin && !segment->rst && half->known &&
           segment->seq + 1 == half->next;
}

/* Whether an end has more of the other than was captured so far: its ACK is beyond that, or one before was. */
static bool newest_missing(const struct conn *conn, enum way sent, uint32_t ack)
{
    const struct tcp_half *half = &conn->tcp.half[sent];
    if (!half->known) {
        return false;
    }
    for (unsigned i = 0; i < half->holes; i++) {
        if (conn->tcp.damage[sent].hole[i].to == half->next) {
            return true;
        }
    }
    return (int32_t)(ack - half->next) > 0;
}

void conn_sees(struct conn *conn, enum way way, uint32_t seq, uint32_t ack)
{
    conn->sees_ack = ack;
    conn->answers_older = way == WAY_TO_CLIENT && conn->asked_acks && (int32_t)(conn->asked_ack - seq) > 0;
    conn->knows_more = newest_missing(conn, way == WAY_TO_SERVER ? WAY_TO_CLIENT : WAY_TO_SERVER, ack);
}

uint32_t conn_unseen(const struct conn *conn)
{
    const struct tcp_half *half = &conn->tcp.half[WAY_TO_SERVER];
    if (!conn->knows_more) {
        return 0;
    }
    uint32_t unseen = (int32_t)(conn->sees_ack - half->next) > 0 ? conn->sees_ack - half->next : 0;
    for (unsigned i = 0; i < half->holes; i++) {
        const struct tcp_hole *hole = &conn->tcp.damage[WAY_TO_SERVER].hole[i];
        unseen += hole->to == half->next ? hole->to - hole->from : 0;
    }
    return unseen;
}

bool conn_answer_passed(const struct conn *conn)
{
    return conn->asked_acks && conn->sees_ack && (int32_t)(conn->sees_ack - conn->asked_ack) > 0 && !conn->knows_more &&
           conn->tcp.half[WAY_TO_CLIENT].known;
}

void conn_asked(struct conn *conn)
{
    conn->asked_ack = conn->sees_ack;
    conn->asked_acks = conn->sees_ack != 0;
}

static uint32_t age_ms(const struct conn *conn, int64_t ns)
{
    return ns > conn->began.ns ? (uint32_t)((ns - conn->began.ns) / MILLISECOND) + 1 : 1;
}

/* Follows whether the server's end acknowledges what the client sends, behind tcp_flow_segment(). */
static void follow_acks(struct conn *conn, const struct segment *segment, bool new_data, uint32_t acked_before)
{
    const struct tcp_half *half = &conn->tcp.half[WAY_TO_SERVER];
    const uint32_t now = age_ms(conn, segment->when.ns);
    if (segment->way == WAY_TO_CLIENT) {
        if (half->has_acked && half->acked != acked_before) {
            conn->acks |= segment->len == 0 && !segment->syn && !segment->fin && !segment->rst;
            conn->unacked = !conn->unacked || (int32_t)(half->acked - half->next) >= 0 ? 0 : now;
            conn->resent = false;
        }
    } else if (segment->len > 0 && !new_data) {
        /* With the same identification it is the same packet, captured twice. */
        const bool copy = segment->ip_id ? segment->ip_id == conn->unacked_id : now < conn->unacked + COPY_MS;
        conn->resent |= !copy && !(half->has_acked && (int32_t)(segment->seq + segment->len - half->acked) <= 0);
    } else if (segment->len > 0 && !conn->unacked) {
        conn->unacked = now;
        conn->unacked_id = segment->ip_id;
        conn->resent = false;
    }
}

/* ---- Receive windows ---------------------------------------------------------------- */

#define ROOM_LEAST 536              /* the smallest segment that every way has room for (RFC 9293 3.7.1) */
#define OPENED_SHORTLY (1 * SECOND) /* who opens it for less does not read on */

/* Zero after scaling, too. In a SYN it is no answer, in an RST it means nothing. */
static bool closes_window(const struct segment *segment)
{
    return (segment->window == 0 || (segment->room && segment->room < ROOM_LEAST)) && segment->has_ack &&
           !segment->rst && !segment->syn;
}

struct conn_windows {
    struct keyed keyed;
    struct conn_window of[2]; /* by enum way: whose */
};

static uint64_t window_key(const struct conn *conn)
{
    return (uintptr_t)conn;
}

/* NULL: that end has never closed its window. */
static const struct conn_window *window_of(const struct conn *conn, enum way way)
{
    const struct conn_windows *windows = conn->shut ? keyed_find(&conn->track->windows, window_key(conn)) : NULL;
    return windows && windows->of[way].last.frame ? &windows->of[way] : NULL;
}

static void open_window(struct conn_window *window, int64_t now)
{
    const size_t last = COUNT_OF(window->was) - 1;
    if (window->closed.frame && window->probe_frame && now > window->closed.ns) {
        const int64_t open = window->closed.ns - window->was[last].to;
        if (!window->was[last].to || open < 0 || open >= OPENED_SHORTLY) {
            memmove(&window->was[0], &window->was[1], last * sizeof(window->was[0]));
            window->was[last].from = window->closed.ns;
        }
        window->was[last].to = now;
    }
    window->closed.frame = window->probe_frame = 0;
    window->silly = false;
}

/* What the other end sends into it: a byte or none asks whether there is room (RFC 9293 3.8.6.1), more fills the little there
 * is. */
static bool is_probing(const struct conn *conn, const struct conn_window *window, const struct segment *segment)
{
    return segment->len == 1 || is_bare_probe(conn, segment) || (window->room && segment->len >= window->room);
}

/* Behind tcp_flow_segment(). What is sent into a closed window, and has no room there, says that it was opened, though that was
 * not captured. */
static void follow_windows(struct conn *conn, const struct segment *segment, bool new_data)
{
    const bool closes = closes_window(segment);
    if (conn->ended || segment->rst || !(conn->shut || closes)) {
        return;
    }
    struct conn_windows *windows =
        keyed_make(&conn->track->arena, &conn->track->windows, window_key(conn), sizeof(*windows));
    struct conn_window *own = &windows->of[segment->way], *other = &windows->of[!segment->way];
    conn->shut = true;
    if (closes) {
        own->closed = own->closed.frame ? own->closed : segment->when;
        own->last = segment->when;
        own->room = segment->room;
        own->silly |= segment->room > 0;
    } else if (segment->has_ack) {
        open_window(own, segment->when.ns);
    }
    if (other->closed.frame && new_data && segment->len > 1 && segment->len > other->room) {
        open_window(other, segment->when.ns);
    } else if (other->closed.frame && is_probing(conn, other, segment)) {
        other->probe_frame = segment->when.frame;
    }
}

int64_t conn_unread_for(const struct conn *conn, const struct conn_window *window)
{
    const int64_t until = conn->ended && conn->ended_ns < conn->track->now ? conn->ended_ns : conn->track->now;
    return track_waited_until(conn->track, window->closed.ns, until);
}

const struct conn_window *conn_unread(const struct conn *conn, enum way way, int64_t least)
{
    const struct conn_window *window = window_of(conn, way);
    const bool stuck = window && window->closed.frame && window->probe_frame;
    return stuck && conn_unread_for(conn, window) >= least ? window : NULL;
}

static int64_t both_within(int64_t from, int64_t to, int64_t since, int64_t until)
{
    const int64_t begin = from > since ? from : since, end = to < until ? to : until;
    return end > begin ? end - begin : 0;
}

int64_t conn_closed_within(const struct conn *conn, enum way way, int64_t from, int64_t to)
{
    const struct conn_window *window = window_of(conn, way);
    int64_t all = 0;
    for (size_t i = 0; window && i < COUNT_OF(window->was); i++) {
        all += both_within(window->was[i].from, window->was[i].to, from, to);
    }
    return window && window->closed.frame && window->probe_frame ? all + both_within(window->closed.ns, to, from, to) :
                                                                   all;
}

bool conn_closed_since(const struct conn *conn, enum way way, int64_t from)
{
    const struct conn_window *window = window_of(conn, way);
    return window && window->last.ns >= from;
}

/* ---- Whether the client is there ------------------------------------------------------ */

/* A moment, of which only what lies between two counts, though the clock may have been set; never 0. */
static uint32_t moment_ms(int64_t ns)
{
    const uint32_t ms = (uint32_t)(uint64_t)(ns / MILLISECOND);
    return ms ? ms : 1;
}

static int32_t ms_since(uint32_t moment, int64_t ns)
{
    return (int32_t)(moment_ms(ns) - moment);
}

/* The client has acknowledged it, which stands before it: a tap of two ports, for whose sake it is no new data. A byte is a
 * probe. */
static bool was_acknowledged(const struct conn *conn, const struct segment *segment)
{
    const struct tcp_half *half = &conn->tcp.half[WAY_TO_CLIENT];
    return segment->len > 1 && half->has_acked && (int32_t)(segment->seq + segment->len - half->acked) <= 0;
}

/* Follows whether the client is there, as far as the server's end can know. */
static void follow_client(struct conn *conn, const struct segment *segment, bool new_data)
{
    if (segment->way == WAY_TO_SERVER) {
        conn->unheard = 0;
        conn->unheard_since = 0;
        return;
    }
    if ((segment->len == 0 && !is_bare_probe(conn, segment)) || was_acknowledged(conn, segment)) {
        return;
    }
    const int32_t since = ms_since(conn->unheard_at, segment->when.ns);
    if (!conn->unheard_since || since < 0) { /* the clock was set back: no copy stands so far behind */
        conn->unheard_since = moment_ms(segment->when.ns);
    }
    if (!new_data && (since < 0 || since >= AGAIN_MS) && conn->unheard < UNHEARD_MOST) {
        conn->unheard++;
    }
    conn->unheard_at = moment_ms(segment->when.ns);
}

/* A stack answers data at once: where it was sent again, be it once, and for seconds nothing came, further tries may not
 * have been captured. */
bool conn_client_gone(const struct conn *conn, int64_t now)
{
    return conn->unheard == UNHEARD_MOST || (conn->unheard > 0 && ms_since(conn->unheard_since, now) >= UNHEARD_MS);
}

/* Whether the server's end is there, and for how long it had not been when the client spoke. */
static void note_silence(struct conn *conn, const struct segment *segment)
{
    const int64_t now = segment->when.ns;
    if (segment->way == WAY_TO_CLIENT) {
        if (segment->len == 0 && (segment->fin || segment->rst)) {
            return;
        }
        conn->late_ns = 0;
        conn->heard_ns = now;
        if (!conn->ended) {
            conn->server->heard = segment->when;
        }
    } else if ((segment->len > 0 || is_bare_probe(conn, segment)) && !conn->late_ns && conn->last_data) {
        const int64_t idle = now - (conn->heard_ns > conn->last_data ? conn->heard_ns : conn->last_data);
        conn->late_ns = idle >= CONN_LATE ? idle : 0;
    }
}

static void note_point(struct conn *conn)
{
    conn->track->segments++;
    if (conn->point != conn->track->point) {
        conn->point = conn->point ? POINT_SEVERAL : conn->track->point;
    }
}

bool conn_segment(struct conn *conn, const struct segment *segment)
{
    const struct when when = segment->when;
    const bool of_server = segment->way == WAY_TO_CLIENT;
    const uint32_t acked = conn->tcp.half[WAY_TO_SERVER].acked;
    track_at(conn->track, when.ns);
    note_point(conn);
    conn->idle_unknown |= conn_set_back(conn);
    conn->set_back = conn->track->set_backs;
    const uint16_t last_id = conn->looks[segment->way].ip_id;
    note_packet(conn, segment);
    const unsigned holes = conn->tcp.half[WAY_TO_SERVER].holes + conn->tcp.half[WAY_TO_CLIENT].holes;
    const bool new_data = tcp_flow_segment(&conn->tcp, &conn->track->arena, segment);
    if (holes < (unsigned)conn->tcp.half[WAY_TO_SERVER].holes + conn->tcp.half[WAY_TO_CLIENT].holes) {
        track_missed(conn->track, when.ns);
    }
    follow_acks(conn, segment, new_data, acked);
    follow_client(conn, segment, new_data);
    if (conn->shut || segment->window == 0 || segment->room) {
        follow_windows(conn, segment, new_data);
    }
    if (!conn->began.frame) {
        conn->began = when;
    }
    if (!new_data && !is_copy(conn, segment, last_id) && is_repeated(conn, segment)) {
        conn->hosts->repeated = when;
    }
    note_silence(conn, segment);
    /* The frame that claims a connection may have been counted before. */
    if (!new_data && !(segment->len > 0 && conn->last_data == 0)) {
        return false;
    }
    if (of_server) {
        conn->answered = conn->answered.frame ? conn->answered : when;
    } else {
        conn->sent = when;
    }
    conn->last_data = when.ns;
    conn->idle_unknown = false;
    return new_data;
}

/* Whether that ACK is one beyond all that was seen of what goes that way: it may be of a FIN that stands late. */
static bool may_cover_fin(const struct conn *conn, enum way sent, uint32_t ack)
{
    const struct tcp_half *half = &conn->tcp.half[sent];
    for (unsigned i = 0; half->known && i < half->holes; i++) {
        const struct tcp_hole *hole = &conn->tcp.damage[sent].hole[i];
        if (hole->to == half->next && hole->to == ack && hole->to - hole->from == 1) {
            return true;
        }
    }
    return half->known && ack - half->next == 1;
}

bool conn_ended_by(const struct conn *conn, enum way way)
{
    const enum way back = way == WAY_TO_SERVER ? WAY_TO_CLIENT : WAY_TO_SERVER;
    const struct conn_end *end = conn_end_of(conn, way);
    const struct conn_end *other = conn_end_of(conn, back);
    if (!end || !other) {
        return end && !(end->has_ack && may_cover_fin(conn, back, end->ack));
    }
    if (other->rst || !end->has_ack) {
        return end->when.frame < other->when.frame;
    }
    return (int32_t)(end->ack - other->behind) < 0;
}

bool conn_half_closed(const struct conn *conn)
{
    const struct conn_end *end = conn_end_of(conn, WAY_TO_CLIENT);
    if (!end || conn->ended_by != WAY_TO_SERVER || conn->ended_by_rst) {
        return false;
    }
    const bool went_on =
        end->when.ns - conn->ended_ns >= LEAVE_TAKEN || conn->last_data - conn->ended_ns >= LEAVE_NOT_TAKEN;
    return went_on && !conn_client_gone(conn, end->when.ns);
}

void conn_tell_answered(const struct conn *conn, struct when when)
{
    if (conn->answered.frame && conn->answered.frame == when.frame) {
        emit(conn->track, &(struct event){ .kind = EVENT_SERVER_ANSWERED, .when = when, .answered = conn });
    }
}

bool conn_end_was_known(const struct conn *conn, const struct segment *segment)
{
    return conn->ended && !conn->ended_by_rst && conn->ended_by != segment->way && segment->has_ack && !segment->rst &&
           (int32_t)(segment->ack - conn->end_seq) >= 0;
}

bool conn_end(struct conn *conn, const struct segment *segment)
{
    if (conn->ended || (!segment->fin && !segment->rst)) {
        return false;
    }
    conn->ended = true;
    conn->ended_by_rst = segment->rst;
    conn->gave_up = segment->way == WAY_TO_CLIENT && conn_client_gone(conn, segment->when.ns);
    conn->ended_by = (uint8_t)segment->way;
    conn->reused = segment->reopened != NULL;
    const struct when when = segment->reopened ? *segment->reopened : segment->when;
    conn->ended_frame = when.frame;
    conn->ended_ns = when.ns;
    conn->end_seq = segment->seq + segment->len + (segment->syn ? 1 : 0) + (segment->fin ? 1 : 0);
    conn->server->open[conn->kind]--;
    return true;
}

void conn_disown(struct conn *conn)
{
    conn->track->claimed[conn->kind]--;
    if (!conn->ended) {
        conn->ended = true;
        conn->server->open[conn->kind]--;
    }
}

/* What the server's end acknowledges at once elsewhere, or the client sends again, has no ACK here: that was not
 * captured, nor perhaps what came with it. */
static bool lacks_ack(const struct conn *conn)
{
    const int64_t ns = conn->ended && conn->ended_ns < conn->track->now ? conn->ended_ns : conn->track->now;
    return conn->unacked && conn->acks && !conn->resent && age_ms(conn, ns) >= conn->unacked + ACK_LATE_MS;
}

enum doubt conn_doubt(const struct conn *conn, uint32_t *frame)
{
    uint32_t ignored, *at = frame ? frame : &ignored;
    const enum doubt doubt = tcp_flow_doubt(&conn->tcp, at);
    if (doubt == DOUBT_NONE && conn->track->has_torn) {
        const uint32_t torn = conn_torn(conn), half = conn_half_beside(conn);
        if (torn || half) {
            *at = torn ? torn : half;
            return torn ? DOUBT_TORN : DOUBT_HALF;
        }
    }
    if (doubt == DOUBT_NONE && (*at = conn_stopped(conn)) > 0) {
        return DOUBT_STOPPED;
    }
    return doubt == DOUBT_NONE && lacks_ack(conn) ? DOUBT_NO_ACK : doubt;
}

bool conn_client_missed_since(const struct conn *conn, uint32_t since)
{
    const struct tcp_half *half = &conn->tcp.half[WAY_TO_SERVER];
    const struct tcp_damage *damage = conn->tcp.damage;
    const bool lacks = half->holes || half->lost || (damage && damage[WAY_TO_SERVER].cut_frame);
    return lacks && damage && damage[WAY_TO_SERVER].missed_frame >= since;
}

bool conn_missed_since(const struct conn *conn, uint32_t since)
{
    return tcp_flow_missed_since(&conn->tcp, conn->met_frame, since) || lacks_ack(conn) || conn_stopped(conn) ||
           (conn->track->has_torn && (conn_torn(conn) >= since || conn_half_beside(conn) >= since));
}
