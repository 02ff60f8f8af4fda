/* owner.c
 * Whose a connection is, and whose what comes without credentials is: by the identities that came with
 * credentials which the server took.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"

/* Whether what belongs to one user may belong to the connection's owner: by the names that they have in the
 * same form; a name in one form tells nothing of one in the other, where one client brought both. */
static bool may_be_owner(const struct logon_conn *conn, const struct owner *owner)
{
    const char *name = owner->name[name_form(conn->owner)];
    return !users_differ(name ? name : owner->user, conn->owner);
}

/* A GUID of requests serves one session context, which expires without use; some clients have one GUID for
 * ever, and for all users. */
static bool is_stale(const struct owner *owner, struct when when)
{
    return owner->kind == ID_REQUEST_ID && when.ns - owner->last_ns > REQUEST_ID_LIFE;
}

void find_stranger(struct logon_conn *conn, struct exchange *request)
{
    const struct owner *stranger = NULL;
    if (request->has_authorization || conn->owned == OWNED_NOT || conn->shared || !conn->owner[0] ||
        conn_is_back_end(conn->link)) { /* which trusts its front end */
        return;
    }
    for (unsigned kind = 0; kind < ID_KINDS; kind++) {
        const struct owner *owner =
            request->identity[kind] ? keyed_find(&conn->world->owners, request->identity[kind]) : NULL;
        if (!owner || owner->ambiguous || is_stale(owner, request->begin)) {
            continue;
        }
        const bool same_client = kind == ID_CLIENT_INFO && request->identity[kind] == conn->owner_client;
        if (same_client || may_be_owner(conn, owner)) {
            return;
        }
        stranger = stranger ? stranger : owner;
    }
    request->stranger = stranger;
}

void learn_owner(struct logon_state *world, uint64_t key, unsigned kind, const char *user,
                 const struct logon_conn *conn, struct when when)
{
    struct owner *owner = key && user[0] ? keyed_make(&world->arena, &world->owners, key, sizeof(*owner)) : NULL;
    if (!owner) {
        return;
    }
    const enum name_form form = name_form(user);
    if (owner->user && is_stale(owner, when)) {
        owner->user = NULL;
        owner->ambiguous = false;
        memset(owner->name, 0, sizeof(owner->name));
    }
    owner->last_ns = when.ns;
    if (!owner->user) {
        owner->user = user;
        owner->kind = (uint8_t)kind;
        owner->frame = when.frame;
        owner->stream = conn->link->stream;
    }
    if (!owner->name[form]) {
        owner->name[form] = user;
    } else if (owner->name[form] != user && users_differ(owner->name[form], user)) {
        owner->ambiguous = true;
    }
}
