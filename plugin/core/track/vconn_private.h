/* vconn_private.h
 * What the files that advance virtual connections use of each other, from the one that
 * stands on none of the others up.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_VCONN_PRIVATE_H
#define OUTLOOKHTTP_VCONN_PRIVATE_H

#include "clocks.h"
#include "event.h"
#include "rpch_state.h"

static inline void *world_new(const struct rpch_state *world, size_t size)
{
    return arena_new(&world->track->arena, size);
}

/* The frame that is taken in, which whatever happens now comes with. */
static inline struct when channel_now(const struct channel *channel)
{
    return channel->conn->world->now;
}

static inline struct when leg_now(const struct leg *leg)
{
    return leg->vc->world->now;
}

static inline struct event channel_event(enum event_kind kind, const struct channel *channel)
{
    return (struct event){ .kind = kind,
                           .when = channel_now(channel),
                           .rpch = { .channel = channel, .leg = channel->leg } };
}

static inline struct event leg_event(enum event_kind kind, const struct leg *leg)
{
    return (struct event){ .kind = kind, .when = leg_now(leg), .rpch.leg = leg };
}

/* Of a channel or a leg. */
static inline void emit_rpch(const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    emit(channel ? channel->conn->world->track : event->rpch.leg->vc->world->track, event);
}

static inline void emit_channel(enum event_kind kind, const struct channel *channel)
{
    struct event event = channel_event(kind, channel);
    emit_rpch(&event);
}

static inline void emit_leg(enum event_kind kind, const struct leg *leg)
{
    struct event event = leg_event(kind, leg);
    emit_rpch(&event);
}

/* ---- peers.c: whether channels ended on one server ---------------------------------- */

/* The strongest difference between any two channels of the leg; pair: which two, if they
 * differ. */
enum difference leg_difference(const struct leg *leg, const struct channel *pair[2]);

/* Clocks that differ on one channel's two sides of a device. */
void channels_doubt(const struct channel *front, const struct channel *back);
/* Whether something else than time proves that a channel is in front of the one that stands first in the capture: that one
 * comes from the host that this one goes to, or X-Forwarded-For says so. */
bool channel_comes_before(const struct channel *channel, const struct channel *first);

/* ---- pairing.c: what pairs channels without RTS ------------------------------------- */

#define PAIRING_WINDOW (5 * SECOND) /* halves of one virtual connection begin together */

static inline bool begin_together(int64_t a, int64_t b)
{
    return a - b <= PAIRING_WINDOW && b - a <= PAIRING_WINDOW;
}

#define LONE_WAIT (120 * SECOND) /* for the other half, where no time-out was announced */

/* Where channels of this client and target wait for each other. */
struct place *world_place(struct rpch_state *world, const struct rpch_conn *conn, const char *target);
/* The channel waits at its place, and in its session if it has a target and names one. */
void pairing_wait(struct channel *channel);
/* It waits no longer at its place; nor in its session. */
void pairing_leave_place(struct channel *channel);
void pairing_leave(struct channel *channel);
/* The other half by its session, NULL if that does not tell it. */
struct channel *pairing_partner(const struct channel *channel);
/* An OUT channel was numbered. */
void pairing_numbered(struct channel *out);
/* The OUT of an IN that is refused before it names its virtual connection: the only one of this client and target, at
 * the same server, that began with it and lacks its IN; else NULL. */
struct channel *pairing_waiting_out(const struct channel *in);
/* Another channel of this client and target, of the other role and with no cookie, may be the
 * other half. */
bool pairing_is_open(const struct channel *channel);

/* ---- leg_client.c: whose it is -------------------------------------------------------- */

/* More may be known of whose the leg is: of a channel of it, or that the server joined both. */
void leg_client(struct leg *leg);

/* ---- leg.c: which channels make a leg, and how it opens and fails -------------------- */

struct vc *vc_of_cookie(struct rpch_state *world, const uint8_t cookie[16]); /* made if there is none */
bool leg_is_open(const struct leg *leg);
void leg_set_running(struct leg *leg); /* open or recycling */
/* The one leg with a channel of this role to the same server's end, of several that from the same address: what comes
 * there with this virtual connection is no other leg, whatever was lost. NULL: there is none, or it cannot be told. */
struct leg *leg_of_ends(const struct vc *vc, const struct channel *channel);
struct leg *leg_lacking(struct vc *vc, const struct channel *channel); /* its role; made if there is none */
struct leg_turn *leg_turn(struct leg *leg);                            /* made on first use */
#define SEQUENCE_IN (RTS_CTX_IN_R1 | RTS_CTX_IN_R2)
#define SEQUENCE_OUT (RTS_CTX_OUT_R1 | RTS_CTX_OUT_R2)
/* Those that a recycling of the role may follow. */
static inline unsigned sequence_of(enum role role)
{
    return role == ROLE_IN ? SEQUENCE_IN : SEQUENCE_OUT;
}
/* Of that role no successor is under way any more. */
void recycling_ends(struct leg *leg, enum role role);
void leg_vacate(struct leg *leg, enum role role); /* the next channel of the role is a retry */
void leg_occupy(struct leg *leg, enum role role);
void leg_drop(struct leg *leg, enum role role);
void leg_fail(struct leg *leg, enum fail_cause cause, enum way by);
void leg_tell_failed(const struct leg *leg);
/* A channel takes its place in a leg, as a further attempt where it had one. */
void leg_put(struct leg *leg, struct channel *channel);
/* Something new is known of the channels of a leg that has two. */
void leg_compare(struct leg *leg);
void leg_join(struct leg *leg, bool opened);
/* The 200 response or A3 has come on OUT. */
void leg_out_came(struct leg *leg, bool is_a3);
/* The channel's first PDU names the virtual connection. */
void channel_place(struct channel *channel, const uint8_t cookie[16]);
/* Gives the channel a virtual connection and a leg if it has none, with its other half if
 * OutlookSession or SessionId tells it. */
void channel_number(struct channel *channel);
/* The same; else with the one leg that lacks it, began at the same time, and asks for the same. */
void channel_number_beside(struct channel *channel);

static inline void channel_learn_cookie(struct channel *channel, const uint8_t cookie[16])
{
    memcpy(channel->cookie, cookie, sizeof(channel->cookie));
    channel->has_cookie = true;
}

/* The same with a leg of this client and target that lacks it and began about then, if there is one; else only where no
 * segment of it is missing. */
void channel_number_near(struct channel *channel);

/* ---- window.c: flow control ---------------------------------------------------------- */

void flow_window(struct channel *channel, uint32_t window);
/* The IN proxy tells its window; in: the channel that it binds, or NULL. */
void flow_in_proxy(struct leg *leg, struct channel *in, uint32_t window);
/* A FlowControlAck that came on the channel. */
void flow_acknowledge(struct channel *channel, const struct rts_pdu *rts);
void flow_sent(struct channel *channel, uint32_t bytes);

/* ---- recycle.c: channels that succeed each other ------------------------------------- */

/* The channel in use is ended, and its successor takes over. That it was accepted is awaited still. */
void succeed_at_end(struct leg *leg, struct channel *channel, enum way by);
/* It ends, or is refused, before its first PDU, as within a logon, while the one OUT of this client and target that is to
 * be replaced has no successor: it was asked for as that. */
void successor_guess(struct channel *channel);
/* The successor of its leg ends before it has taken over. */
void successor_ends(struct channel *channel, enum way by);
/* IN_R1, IN_R2, OUT_R1 and OUT_R2. certain: it is this PDU and no other. */
void recycling_pdu(struct channel *channel, unsigned id, const struct rts_pdu *rts, bool certain,
                   struct pdu_outcome *outcome);

/* ---- silence.c: data that is not answered --------------------------------------------- */

void silence_segment(struct rpch_conn *conn, const struct segment *segment);

/* ---- calls.c: what waits for its answer ------------------------------------------------ */

/* A PDU of RPC has come on a channel of the leg. */
void calls_pdu(struct leg *leg, enum way way, const struct pdu_header *header, struct when first,
               struct pdu_outcome *outcome);
/* Bytes were passed over that may have been one. */
void calls_missed(struct leg *leg);
/* Those that wait may have been answered in what nobody read. */
void calls_unsure(struct leg *leg);
/* A further attempt begins. */
void calls_forget(struct leg *leg);

/* ---- awaited.c: what requests and recyclings owe --------------------------------------- */

/* Time has passed on the channel's connection; ended: this frame ended it, by that end. */
void awaited_follow(struct channel *channel, bool ended, enum way by);
/* A recycling of the role waits for something from now on. */
void turn_awaits(struct leg *leg, enum role role, enum turn_step step);
/* The server has answered on such a successor. */
void turn_answered(struct leg *leg, enum role role);
/* Its successor was refused: by a status, or by OUT_R2/B2 (NULL). */
void turn_refused(struct leg *leg, enum role role, const struct channel *asked, const struct http_info *http);
/* Time has passed on the leg; ended: its channel of that role ends, by that end. */
void turn_follow(struct leg *leg, enum role role, bool ended, enum way by);

/* ---- body.c: an IN body on its way over a device -------------------------------------- */

/* A PDU has come on the channel, IN to the server. */
void body_pdu(struct channel *channel);
void body_segment(struct leg *leg, const struct segment *segment);
void body_follow(struct leg *leg);

/* ---- channel.c: the life of a channel -------------------------------------------------- */

/* Of the next request on the connection, or of what came without one. */
struct channel *channel_new(struct rpch_conn *conn, enum role role);
void channel_touch(struct channel *channel, enum way way, uint32_t bytes);
/* The time for its other half has passed, or may have. */
void channel_alone(struct channel *channel, bool closed);
/* It ends because the connection does, or carries another request (FAIL_RETRIED). */
void channel_leaves(struct channel *channel, enum fail_cause how, enum way by);

/* ---- waits.c ---------------------------------------------------------------------------- */

/* The clock was set back to that of the frame that is taken in: all that waits on the connection waits anew. */
void wait_anew(struct rpch_conn *conn);

/* ---- vconn.c --------------------------------------------------------------------------- */

/* A frame of the connection is taken in. Nothing that comes after its end makes it last longer. */
static inline void conn_at(struct rpch_conn *conn, struct when when)
{
    conn->world->now = when;
    track_at(conn->world->track, when.ns);
    if (conn_set_back(conn->link)) {
        wait_anew(conn);
    }
    if (!conn->link->ended) {
        conn->last_ns = when.ns;
    }
}

#endif
