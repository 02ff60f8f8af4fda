/* track.c
 * What all that follows a capture file shares.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "track.h"

#include "chars.h"
#include "tcp.h"

#include <assert.h>

/* In which nothing at all was captured: whoever waited for an answer has given up or slept, or the clock was set. Clients
 * give up after a minute or two, and what lives for longer sends something every five minutes. */
#define SET_BACK_MOST (INT64_MAX / 4) /* times less that are times still */
#define PAUSE_LONG (310 * SECOND)
/* The same where a gap shows behind it: less than any wait that is judged by itself, and a busy moment. */
#define PAUSE_SHORT (5 * SECOND)
#define PAUSE_BEHIND (1 * SECOND)

void track_init(struct track *track, const struct arena *arena, listener hear, void *ear)
{
    memset(track, 0, sizeof(*track));
    track->arena = *arena;
    track->hear = hear;
    track->ear = ear;
}

void track_goes_on(struct track *track, int64_t ns)
{
    if (track->now && ns - track->now > PAUSE_SHORT) {
        track->paused = ns;
        track->woke = ns - track->now > PAUSE_LONG ? ns : track->woke;
    }
    if (clock_went_back(track->now, ns)) {
        const int64_t by = track->now - ns, left = SET_BACK_MOST - track->set_back;
        track->set_back += by < left ? by : left;
        track->set_backs++;
    }
    track->earlier = track->now;
    track->now = ns;
}

void track_missed(struct track *track, int64_t ns)
{
    track->missed = ns;
    if (track->paused && ns - track->paused < PAUSE_BEHIND && track->woke < track->paused) {
        track->woke = track->paused;
    }
}

int64_t track_waited(const struct track *track, int64_t since)
{
    return track_waited_until(track, since, track->now);
}

int64_t track_waited_until(const struct track *track, int64_t since, int64_t until)
{
    const int64_t from = since < track->woke && track->woke <= until ? track->woke : since;
    return until > from ? until - from : 0;
}

void emit(struct track *track, const struct event *event)
{
    assert(!track->telling);
    if (track->hear) {
        track->telling = true;
        track->hear(track->ear, event);
        track->telling = false;
    }
}

void *keyed_find(const struct table *table, uint64_t key)
{
    for (struct item *item = table_first(table, (uint32_t)(key ^ key >> 32)); item; item = table_next(item)) {
        if (((struct keyed *)item)->key == key) {
            return item;
        }
    }
    return NULL;
}

void *keyed_make(const struct arena *arena, struct table *table, uint64_t key, size_t size)
{
    struct keyed *found = keyed_find(table, key);
    if (!found) {
        found = arena_new(arena, size);
        found->key = key;
        table_add(arena, table, &found->item, (uint32_t)(key ^ key >> 32));
    }
    return found;
}

void *spare_take(const struct arena *arena, struct spare **spares, size_t size)
{
    struct spare *spare = *spares;
    if (!spare) {
        return arena_new(arena, size);
    }
    *spares = spare->next;
    return memset(spare, 0, size);
}

void spare_give(struct spare **spares, void *used)
{
    struct spare *spare = used;
    spare->next = *spares;
    *spares = spare;
}

const char *track_text(struct track *track, const char *text)
{
    return text_keep(&track->arena, &track->texts, text);
}

const char *track_span(struct track *track, struct span span)
{
    char text[TRACK_SPAN_MAX];
    if (span.len == 0) {
        return NULL;
    }
    chars_copy(text, sizeof(text), span);
    return track_text(track, text);
}
