/* pairs.h
 * The two halves of a virtual connection of one client, before their first head or open.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PAIRS_H
#define OUTLOOKHTTP_PAIRS_H

#include "balanced.h"
#include "scene.h"

struct pair {
    struct tap in, out;
};

static inline struct pair make_pair(struct scene *s, const char *in_server, const char *out_server)
{
    struct pair p = { tap_http(s, CLIENT ":1001", in_server), tap_http(s, CLIENT ":1002", out_server) };
    return p;
}

static inline struct pair open_pair(struct scene *s, const char *in_server, const char *out_server, unsigned n)
{
    struct pair p = make_pair(s, in_server, out_server);
    open_both(&p.in, &p.out, n);
    return p;
}

#endif
