/* peers.c
 * Whether the channels of a leg ended on one server, by addresses and by what answered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chars.h"
#include "vconn_private.h"

static bool equal_nocase(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (lower((uint8_t)a[i]) != lower((uint8_t)b[i])) {
            return false;
        }
    }
    return true;
}

static bool is_address(const char *host, size_t len)
{
    bool digits = len > 0;
    for (size_t i = 0; i < len; i++) {
        if (host[i] == ':' || host[i] == '[') {
            return true;
        }
        digits &= (host[i] >= '0' && host[i] <= '9') || host[i] == '.';
    }
    return digits;
}

/* A short name equals the first label of a full one. */
static bool same_host(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len == b_len) {
        return equal_nocase(a, b, a_len);
    }
    if (is_address(a, a_len) || is_address(b, b_len)) {
        return false;
    }
    const char *longer = a_len > b_len ? a : b;
    size_t shorter_len = a_len > b_len ? b_len : a_len;
    const char *shorter = a_len > b_len ? b : a;
    return shorter_len > 0 && !memchr(shorter, '.', shorter_len) && longer[shorter_len] == '.' &&
           equal_nocase(a, b, shorter_len);
}

static bool same_name(const char *a, const char *b)
{
    return same_host(a, strlen(a), b, strlen(b));
}

bool same_target(const char *a, const char *b)
{
    const char *a_port = strrchr(a, ':'), *b_port = strrchr(b, ':');
    size_t a_len = a_port ? (size_t)(a_port - a) : strlen(a);
    size_t b_len = b_port ? (size_t)(b_port - b) : strlen(b);
    if (!a_port != !b_port || (a_port && strcmp(a_port, b_port) != 0)) {
        return false;
    }
    return same_host(a, a_len, b, b_len);
}

static enum difference compare_servers(const struct vtcp *a, const struct vtcp *b)
{
    if (a == b) {
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
    if (x->front_end && y->front_end && !same_name(x->front_end, y->front_end)) {
        return DIFFER_FRONT_END;
    }
    if (x->persist && y->persist && x->persist_name == y->persist_name && x->persist != y->persist) {
        return DIFFER_PERSISTENCE;
    }
    if (x->challenge && y->challenge && !same_name(x->challenge, y->challenge)) {
        return DIFFER_CHALLENGE;
    }
    return SAME_SERVER;
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
