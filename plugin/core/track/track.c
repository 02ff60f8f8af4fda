/* track.c
 * What all that follows a capture file shares.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "track.h"

#include <assert.h>

void track_init(struct track *track, const struct arena *arena, listener hear, void *ear)
{
    memset(track, 0, sizeof(*track));
    track->arena = *arena;
    track->hear = hear;
    track->ear = ear;
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

const char *track_text(struct track *track, const char *text)
{
    return text_keep(&track->arena, &track->texts, text);
}
