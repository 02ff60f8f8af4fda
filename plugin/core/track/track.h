/* track.h
 * What all that follows a capture file shares: memory, kept text, servers, and who hears of
 * events. State is advanced on the first pass only, by decoded values in capture order.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TRACK_H
#define OUTLOOKHTTP_TRACK_H

#include "tables.h"
#include "tcp.h"

struct event;    /* event.h */
struct exchange; /* exchange.h */
struct timings;  /* timing.h */

/* Hears of an event at once, when the state of that step is complete. What it is handed lives
 * until the call returns; the objects it points at live on. It advances nothing. */
typedef void (*listener)(void *ear, const struct event *event);

/* Requests of a connection without their responses. */
struct queue {
    struct exchange *first, *last; /* oldest first */
    struct exchange *remembered;   /* the oldest that logons have not forgotten, NULL if none */
    uint32_t leg;                  /* shown before on this connection, NO_NUMBER if not */
    uint32_t count;
    uint32_t passed_over; /* responses to requests that were let go */
    uint8_t remembered_count;
    uint16_t cookie; /* stands for that of the virtual connection, 0: not known */
};

/* Requests of the capture that wait for their responses, or are being answered. */
struct exchanges {
    struct exchange **slot; /* by what they are */
    uint32_t slots, count;
    struct spare *free;
    struct passed_ring *passed; /* the last of each id; NULL before the first */
};
#define PASSED 256 /* more than are under way while clocks differ by seconds */

/* Who uses which protocol: client.h. */
struct clients {
    struct table table;     /* by user and address */
    struct table instances; /* by X-ClientInfo */
    struct rows rows;
    uint32_t more; /* what was opened by others, of whom there are too many */
};

struct track {
    struct arena arena;
    listener hear; /* NULL: nobody */
    void *ear;
    int64_t now;         /* of the frame that is taken in; 0 before the first */
    int64_t earlier;     /* of the last with another time */
    int64_t set_back;    /* by how much the clock of the capture was, all in all */
    uint16_t set_backs;  /* how often, beyond 65535 from 0 on */
    int64_t woke;        /* of the first frame behind the last long pause */
    int64_t paused;      /* of the first frame behind the last pause, be it short */
    int64_t missed;      /* of the last frame that showed a gap, on whatever connection; 0: none has */
    bool has_torn;       /* a segment of HTTP or TLS could not be followed: IP fragments, or a half is missing */
    uint32_t claimed[2]; /* connections, by enum conn_kind */
    uint32_t segments;   /* of claimed connections so far */
    uint8_t point;       /* the number of the interface that frames are captured on, 0 before the first: points.h */
    struct points *points;
    bool telling; /* an event is being heard: no other may be emitted */
    struct table servers, texts, hosts;
    struct table windows;                     /* of connections of which an end has closed it: conn.c */
    struct table reasons;                     /* of RSTs with text: reset.c */
    struct table clocks;                      /* pairs of legs whose clocks differ: clocks.c */
    bool clocks_doubted;                      /* there are any */
    struct order *behind_first, *behind_last; /* of clocks_take_behind() */
    struct table torn;                        /* segments that could not be followed, by addresses: torn.c */
    struct table halves; /* connections of which the client's end was not captured, by their ends: torn.c */
    struct table ways;   /* front and back of devices, by addresses: exchange.c */
    struct exchanges exchanges;
    struct clients clients;
    struct timings *timings; /* NULL before the first request was answered */
};

/* Whether the clock was set back between two frames; before: of the earlier, 0 if there was none. What waits there then
 * waits anew. */
static inline bool clock_went_back(int64_t before, int64_t now)
{
    return before && before - now >= SECOND; /* less is a matter of cards and taps */
}

struct keyed { /* an item that is found by a digest alone */
    struct item item;
    uint64_t key;
};

/* An item of a table that is searched by a digest alone; NULL if there is none. */
void *keyed_find(const struct table *table, uint64_t key);
/* The same, made with that size if there is none. */
void *keyed_make(const struct arena *arena, struct table *table, uint64_t key, size_t size);

/* What was given back, to be used again for what has the same size. */
struct spare {
    struct spare *next;
};

/* One of them, or a new one: all zero. */
void *spare_take(const struct arena *arena, struct spare **spares, size_t size);
void spare_give(struct spare **spares, void *used);

/* The track is the caller's and outlives all that is made with it. */
void track_init(struct track *track, const struct arena *arena, listener hear, void *ear);
void emit(struct track *track, const struct event *event);
/* A segment of HTTP or TLS between these two that cannot be followed: it came in IP fragments. */
void track_torn(struct track *track, const struct endpoint *from, const struct endpoint *to, uint32_t frame);
/* Data from a server on a connection that nobody claimed, of whose client nothing was captured so far; and something
 * of the client came after all. */
void track_half(struct track *track, const struct endpoint *server, const struct endpoint *client, uint32_t frame);
void track_half_whole(struct track *track, const struct endpoint *server, const struct endpoint *client);
void track_goes_on(struct track *track, int64_t ns);
/* A frame is taken in; mostly it is still that of the last call. */
static inline void track_at(struct track *track, int64_t ns)
{
    if (ns != track->now) {
        track_goes_on(track, ns);
    }
}
/* A frame shows a gap. Right behind a pause the capture did not run meanwhile, or two were joined: who waited then waits anew. */
void track_missed(struct track *track, int64_t ns);
/* For how long something that began then has been waited for, as far as the capture went on meanwhile; up to now, or
 * until another time. Never negative. */
int64_t track_waited(const struct track *track, int64_t since);
int64_t track_waited_until(const struct track *track, int64_t since, int64_t until);
/* The one copy of text, the track's; NULL for "". */
const char *track_text(struct track *track, const char *text);
/* The same of a part of a message, cut at TRACK_SPAN_MAX: UTF-8 without control characters. */
#define TRACK_SPAN_MAX 256
const char *track_span(struct track *track, struct span span);

/* State objects have a memo: the listener's memory of them, which it reaches through their
 * const form. State clears it where the object begins anew, and never reads it. */
static inline void **memo_of(void *const *memo)
{
    return (void **)(uintptr_t)memo;
}

#endif
