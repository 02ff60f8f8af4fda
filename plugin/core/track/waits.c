/* waits.c
 * Times that are waited from, when the clock of the capture is set back.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

static void anew(int64_t *since, int64_t now)
{
    if (*since) { /* else nothing waits */
        *since = now;
    }
}

void wait_anew(struct rpch_conn *conn)
{
    const int64_t now = conn->world->now.ns;
    struct channel *channel = conn->channel;
    anew(&conn->last_data, now);
    for (int way = WAY_TO_SERVER; conn->probe && way <= WAY_TO_CLIENT; way++) {
        conn->probe[way].probing = false;
    }
    if (!channel) {
        return;
    }
    anew(&channel->last_body, now);
    struct leg *leg = channel->leg;
    if (leg) {
        anew(&leg->sent_at, now);
        anew(&leg->mark_acked, now);
        anew(&leg->got_200.ns, now);
        anew(&leg->got_a3.ns, now);
        anew(&leg->opened.ns, now);
    }
}
