/* sender.c
 * Who is the client of a connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "sender.h"

#include "clocks.h"

enum sender sender_at(const struct conn *link, uint32_t leg, bool forwarded)
{
    return clocks_unordered(link->track, &link->client, conn_server(link)) ? SENDER_UNORDERED :
           (leg != NO_NUMBER && leg > 0) || clocks_behind(link->track, &link->client, conn_server(link)) ?
                                                                             SENDER_BEHIND :
           forwarded ? SENDER_FORWARDED :
                       SENDER_CLIENT;
}
