/* peers.c
 * Whether the channels of a leg ended on one server, by addresses and by what answered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chars.h"
#include "vconn_private.h"

static bool is_address(struct span host)
{
    bool digits = host.len > 0;
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == ':' || host.ptr[i] == '[') {
            return true;
        }
        digits &= (host.ptr[i] >= '0' && host.ptr[i] <= '9') || host.ptr[i] == '.';
    }
    return digits;
}

/* A short name equals the first label of a full one. */
static bool same_host(struct span a, struct span b)
{
    struct span full = a.len > b.len ? a : b, part = a.len > b.len ? b : a;
    if (part.len < full.len && (is_address(a) || is_address(b) || part.len == 0 || span_until(part, '.') < part.len ||
                                full.ptr[part.len] != '.')) {
        return false;
    }
    for (size_t i = 0; i < part.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

static struct span text_span(const char *text)
{
    return span_of((const uint8_t *)text, strlen(text));
}

/* Of what both gave. */
static bool names_differ(const char *a, const char *b)
{
    return a && b && !same_host(text_span(a), text_span(b));
}

bool same_target(const char *a, const char *b)
{
    const char *a_port = strrchr(a, ':'), *b_port = strrchr(b, ':');
    struct span a_host = text_span(a), b_host = text_span(b);
    if (!a_port != !b_port || (a_port && strcmp(a_port, b_port) != 0)) {
        return false;
    }
    if (a_port) {
        a_host.len -= strlen(a_port);
        b_host.len -= strlen(b_port);
    }
    return same_host(a_host, b_host);
}

/* One comes from the host that the other goes to, a device: they are of two legs, of which some was not captured. */
static bool of_two_legs(const struct conn *a, const struct conn *b)
{
    return !same_address(&a->client, &b->client) &&
           (same_address(conn_server(a), &b->client) || same_address(conn_server(b), &a->client));
}

static enum difference compare_servers(const struct rpch_conn *a, const struct rpch_conn *b)
{
    if (a == b || of_two_legs(a->link, b->link)) {
        return SAME_SERVER;
    }
    const struct endpoint *at = conn_server(a->link), *other = conn_server(b->link);
    /* IPv4 against IPv6 may be one server. */
    if (at->family == other->family && !endpoint_equal(at, other)) {
        return DIFFER_PEER;
    }
    const struct names *x = a->names, *y = b->names;
    if (!x || !y) {
        return SAME_SERVER;
    }
    if (names_differ(x->front_end, y->front_end)) {
        return DIFFER_FRONT_END;
    }
    if (x->persist && y->persist && x->persist_name == y->persist_name && x->persist != y->persist) {
        return DIFFER_PERSISTENCE;
    }
    if (names_differ(x->challenge, y->challenge)) {
        return DIFFER_CHALLENGE;
    }
    return SAME_SERVER;
}

/* What X-Forwarded-For says: the channel is behind the device that its client went to. */
static bool came_over(const struct channel *channel, const struct channel *front)
{
    const struct channel_more *more = channel->more;
    return more && more->forwarded.family && same_address(&more->forwarded, &channel_tcp(front)->client);
}

void channels_doubt(const struct channel *front, const struct channel *back)
{
    clocks_doubt(channel_tcp(front), channel_tcp(back), came_over(back, front));
}

bool channel_comes_before(const struct channel *channel, const struct channel *first)
{
    return clocks_second_in_front(channel_tcp(channel), channel_tcp(first), came_over(first, channel),
                                  came_over(channel, first));
}

enum difference leg_difference(const struct leg *leg, const struct channel *pair[2])
{
    enum difference found = SAME_SERVER;
    for (unsigned i = 0; i < LEG_CHANNELS; i++) {
        for (unsigned j = i + 1; j < LEG_CHANNELS; j++) {
            const struct channel *a = leg_channel(leg, i), *b = leg_channel(leg, j);
            enum difference difference = a && b ? compare_servers(a->conn, b->conn) : SAME_SERVER;
            if (difference != SAME_SERVER && (found == SAME_SERVER || difference < found)) {
                found = difference;
                pair[0] = a;
                pair[1] = b;
            }
        }
    }
    return found;
}
