/* leg_client.c
 * Whose a virtual connection is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chars.h"
#include "client.h"
#include "logon_state.h"
#include "vconn_private.h"

/* The RPC server of a Remote Desktop Gateway, which speaks RPC over HTTP, too (MS-TSGU 2.1): no Exchange. */
#define GATEWAY_PORT ":3388"

static bool is_gateway(const char *target)
{
    const size_t len = target ? strlen(target) : 0, port = sizeof(GATEWAY_PORT) - 1;
    return len > port && strcmp(target + len - port, GATEWAY_PORT) == 0;
}

/* Of the credentials of one of its requests; else of those that the server took on that connection before. */
static struct span user_of(const struct leg *leg, const struct channel *channel)
{
    const struct logon_conn *logon = channel_tcp(channel)->logon;
    const char *owner = logon && logon->owned != OWNED_NOT ? logon->owner : "";
    return leg->user ? client_bare_user(leg->user) : span_of((const uint8_t *)owner, strlen(owner));
}

/* A request that nobody's credentials came with is a probe's, or a step to them, until the server joins both halves. */
void leg_client(struct leg *leg)
{
    const struct channel *in = leg->current[ROLE_IN], *channel = in && in->user ? in : leg->current[ROLE_OUT];
    channel = channel ? channel : in;
    if (leg->number > 0 || leg->hop != RTS_HOP_HTTP || !channel || is_gateway(channel->target)) {
        return;
    }
    const struct span user = user_of(leg, channel);
    if (user.len == 0 && !leg->joined) {
        return;
    }
    struct track *track = leg->vc->world->track;
    const struct client_name name = { .user = user,
                                      .address = &channel_tcp(channel)->client,
                                      .forwarded = channel->more ? &channel->more->forwarded : NULL };
    client_join(track, &leg->client, CLIENT_RPC_HTTP, &name, leg->start);
    const struct logon_conn *logon = channel_tcp(channel)->logon;
    if (logon && logon->more->workstation) {
        const struct client_told told = { .machine = logon->more->workstation };
        client_tell(track, leg->client, CLIENT_RPC_HTTP, &told);
    }
}

/* The leg next to the client, of the virtual connection of that row; NULL if there is none. */
static struct leg *outer_leg(const struct rpch_state *world, uint32_t row)
{
    const struct leg *leg = rows_at(&world->rows, row);
    return leg ? leg->vc->legs : NULL;
}

const struct client *rpch_state_client(const struct rpch_state *world, uint32_t row)
{
    const struct leg *leg = outer_leg(world, row);
    return leg ? leg->client : NULL;
}

void rpch_state_told(struct rpch_state *world, uint32_t row, const struct client_told *told)
{
    struct leg *leg = outer_leg(world, row);
    struct client *client = leg ? leg->client : NULL;
    if (client && !client->user && told->name) {
        const struct client_name name = { .user = span_of((const uint8_t *)told->name, strlen(told->name)),
                                          .address = &client->address,
                                          .forwarded = &client->forwarded };
        client_join(world->track, &leg->client, CLIENT_RPC_HTTP, &name, client->start);
    }
    if (leg) {
        client_tell(world->track, leg->client, CLIENT_RPC_HTTP, told);
    }
}

uint32_t rpch_state_leg(const struct rpch_state *world, uint32_t row, uint32_t otherwise)
{
    const struct leg *leg = rows_at(&world->rows, row);
    return leg ? leg->number : otherwise;
}
