/* client.h
 * Who uses which protocol: a client is a user at an address, and counts what he opened of each. Pure state: fed when a
 * virtual connection, a session or a connection of plain RPC is known to be somebody's, on the first pass only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CLIENT_H
#define OUTLOOKHTTP_CLIENT_H

#include "client_facts.h"
#include "track.h"

/* What a client speaks, and what is counted of it: virtual connections, connections, sessions. */
enum client_way { CLIENT_RPC_HTTP, CLIENT_RPC_TCP, CLIENT_MAPI_HTTP, CLIENT_WAYS };

#define CLIENTS_MAX 10000 /* kept of one capture; of the rest what they open is counted */
#define CLIENT_VERSIONS 3 /* of one client and protocol: several programs, or machines behind one address */
#define CLIENT_MACHINES 2

/* What clients say of themselves. */
struct client_known {
    struct {
        uint64_t version[CLIENT_VERSIONS]; /* version.h, in the order in which they came; 0: no further one */
        uint64_t server;                   /* the oldest of a server, 0: not known */
        bool more;
    } of[CLIENT_WAYS];
    const char *machine[CLIENT_MACHINES];
    const char *application; /* "Outlook", "OUTLOOK.EXE"; NULL if nobody named it */
    bool more_machines;
    uint8_t modes; /* bits 1 << enum client_mode */
};

struct client {
    struct item item;
    uint32_t index;
    uint32_t refused;           /* Connect and Bind that came to nothing */
    uint32_t uses[CLIENT_WAYS]; /* what was opened */
    struct endpoint address;    /* without a port: of the leg next to the client, as far as that was captured */
    struct endpoint
        forwarded;    /* whom a device says that it speaks for, where that was not captured; family 0 if none */
    const char *user; /* without the scheme; NULL: not known */
    struct when start;
    const struct client_known *known; /* never NULL; changed in client.c alone */
};

/* What is told of a client in one place. Texts are the track's; NULL or 0: not told. */
struct client_told {
    uint64_t version, agent_version; /* the latter of User-Agent, which leaves out the last number */
    uint64_t server;
    const char *application, *machine, *name; /* name: of the user, where no credentials tell it */
    struct endpoint forwarded;                /* family 0: none */
    uint8_t mode;                             /* enum client_mode */
};

/* The same with what a body or stub says. */
void client_told_facts(struct track *track, struct client_told *told, const struct client_facts *facts);

/* "EXAMPLE\\alice" of "EXAMPLE\\alice (NTLM)"; empty for NULL. */
struct span client_bare_user(const char *with_scheme);

/* Who it is. */
struct client_name {
    struct span user;                 /* empty if not known */
    uint64_t instance;                /* stands for his X-ClientInfo, 0: none. It tells a user that is not known */
    const struct endpoint *address;   /* the end of the TCP connection */
    const struct endpoint *forwarded; /* whom the request says that a device speaks for; NULL or family 0: nobody */
};

/* Whose a virtual connection, session or connection is, which counts once for whoever it is: *slot is NULL, or what this
 * found when less was known. What a device passes on of somebody who was seen before it is his, and counts no more. Probes
 * of servers themselves are nobody: *slot stays NULL. */
void client_join(struct track *track, struct client **slot, enum client_way way, const struct client_name *name,
                 struct when when);
/* The leg that said whose it is turned out to be behind a device: it is that user's at the address before it. */
void client_move(struct track *track, struct client **from, struct client **to, enum client_way way,
                 const struct endpoint *address, struct when when);
/* A Connect or Bind of that user came to nothing; the client, or NULL. */
struct client *client_refused(struct track *track, const struct client_name *name, struct when when);
/* client: NULL if it is nobody. */
void client_tell(struct track *track, struct client *client, enum client_way way, const struct client_told *told);

/* NULL behind the last one. One that nothing was opened for is none: what it had is another's. */
static inline const struct client *client_at(const struct track *track, uint32_t index)
{
    return rows_at(&track->clients.rows, index);
}

bool client_counts(const struct client *client);

#endif
