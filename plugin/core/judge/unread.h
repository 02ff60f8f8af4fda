/* unread.h
 * Ends that do not read what is sent to them: their receive window stays closed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_UNREAD_H
#define OUTLOOKHTTP_UNREAD_H

#include "conn.h"
#include "finding.h"

/* Who does not read. */
struct unread {
    const struct conn *link;          /* NULL: everybody does */
    const struct conn_window *window; /* of its end */
    bool by_client;                   /* of the connection, else by its server's end */
    bool behind_device;               /* that client is a device */
    enum verdict_where where;
};

/* The client of that connection. behind_device: a device is its client; front: the connection before that, NULL if it is not
 * known. */
struct unread unread_by_client(const struct judge *judge, const struct conn *link, bool behind_device,
                               const struct conn *front);
/* The server's end. behind: the connection behind the device there, NULL if it is not known; last: a leg before was seen, so
 * that the server is there rather than a device. */
struct unread unread_by_server(const struct judge *judge, const struct conn *link, const struct conn *behind,
                               bool last);
/* "; inferred: ...; next: ...", behind what was seen. */
void say_unread(struct text *text, const struct unread *unread);

#endif
