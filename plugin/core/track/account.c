/* account.c
 * Users, and what is counted of their credentials.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_private.h"
#include "chars.h"

#include <stdio.h>

/* ---- users --------------------------------------------------------------------------- */

struct name {
    struct span local, domain;
    bool upn;
};

static struct name name_of(const char *user)
{
    struct span all = span_of((const uint8_t *)user, strlen(user));
    struct name name = { .local = all };
    size_t slash = span_until(all, '\\'), at = span_until(all, '@');
    if (slash < all.len) {
        name.domain = span_of(all.ptr, slash);
        name.local = span_skip(all, slash + 1);
        at = span_until(name.local, '@');
        if (at < name.local.len) { /* a UPN with a domain before it: the domain says nothing more */
            name.domain = span_of(all.ptr, 0);
            name.local.len = at;
        }
    } else if (at < all.len) {
        name.local = span_of(all.ptr, at);
        name.domain = span_skip(all, at + 1);
        name.upn = true;
    }
    return name;
}

enum name_form name_form(const char *user)
{
    return name_of(user).upn ? NAME_UPN : NAME_SAM;
}

bool users_differ(const char *a, const char *b)
{
    struct name one = name_of(a), other = name_of(b);
    if (!spans_equal_nocase(one.local, other.local)) {
        return true;
    }
    if (one.domain.len == 0 || other.domain.len == 0 || one.upn != other.upn ||
        spans_equal_nocase(one.domain, other.domain)) {
        return false;
    }
    /* A domain has a short name and a DNS name. */
    return (span_until(one.domain, '.') < one.domain.len) == (span_until(other.domain, '.') < other.domain.len);
}

bool users_named_apart(const char *a, const char *b)
{
    return name_form(a) == name_form(b) && users_differ(a, b);
}

/* ---- hosts --------------------------------------------------------------------------- */

static uint64_t site_key(const struct logon_state *world, const char *host, uint32_t leg)
{
    return digest_text(world, 0x517E + (uint64_t)leg, host);
}

struct site *site_of(struct logon_state *world, const char *host, uint32_t leg)
{
    return keyed_make(&world->arena, &world->sites, site_key(world, host, leg), sizeof(struct site));
}

/* ---- servers -------------------------------------------------------------------------- */

static uint64_t taken_key(const struct exchange *request, struct span front_end)
{
    const struct logon_state *world = request->logon->world;
    const struct endpoint *server = conn_server(request->link);
    uint64_t key = site_key(world, request->site, request->leg) + way_of_logon(request);
    key = digest_bytes(world, key + server->port, server->addr, address_length(server));
    return digest_nocase(world, key, front_end);
}

const struct taken *taken_find(const struct exchange *request, struct span front_end)
{
    const struct logon_state *world = request->logon->world;
    const struct taken *named = front_end.len ? keyed_find(&world->taken, taken_key(request, front_end)) : NULL;
    return named ? named : keyed_find(&world->taken, taken_key(request, span_of(NULL, 0)));
}

bool logon_was_accepted(const struct logon_conn *conn)
{
    return conn->accepted || (conn->credentials.answered && conn->credentials.by_pdu);
}

bool taken_of_others(const struct taken *taken, const struct exchange *request)
{
    return request->user[0] && taken && taken->user && (taken->several || users_differ(taken->user, request->user));
}

bool request_bound_to(const struct exchange *request, const struct tls_leaf *leaf)
{
    return leaf && leaf->has_bindings && memcmp(leaf->bindings, request->bound_to, sizeof(leaf->bindings)) == 0;
}

bool request_bound_in_vain(const struct exchange *request)
{
    const struct conn *link = request->link;
    if (!request->bindings || request->passed_on) {
        return request->below_unbound;
    }
    return !link->tls || (link->leaf && link->leaf->has_bindings && !request_bound_to(request, link->leaf));
}

void note_taken(const struct exchange *request, struct span front_end)
{
    struct logon_state *world = request->logon->world;
    struct taken *taken = keyed_make(&world->arena, &world->taken, taken_key(request, front_end), sizeof(*taken));
    taken->unbound |= request_bound_in_vain(request);
    if (request->user[0]) {
        taken->several |= taken->user && users_differ(taken->user, request->user);
        taken->user = taken->user ? taken->user : request->user;
    }
}

/* ---- accounts -------------------------------------------------------------------------- */

struct account *account_of(struct logon_state *world, const char *user, const char *host, const char *scheme)
{
    uint64_t key = digest_text(world, digest_text(world, digest_text(world, 0xACC0, user), host), scheme);
    struct account *account = keyed_find(&world->accounts, key);
    if (account) {
        return account;
    }
    account = keyed_make(&world->arena, &world->accounts, key, sizeof(*account));
    account->user = user;
    account->host = host;
    account->scheme = scheme;
    account->servers = "";
    account->slowest = -1;
    account->index = rows_add(&world->arena, &world->rows, account);
    return account;
}

void account_seen(struct account *account, struct when when)
{
    if (!account->start.frame) {
        account->start = when;
    }
    account->last = when;
}

void account_time(struct account *account, int64_t ns)
{
    if (ns > account->slowest) {
        account->slowest = ns;
    }
}

void account_server(struct logon_state *world, struct account *account, const char *server)
{
    char text[ACCOUNT_SERVERS * (AUTH_DNS_COMPUTER_MAX + 2)];
    size_t used = 0;
    if (!server || !server[0]) {
        return;
    }
    for (unsigned i = 0; i < ACCOUNT_SERVERS; i++) {
        if (!account->server[i]) {
            account->server[i] = server;
            text[0] = '\0';
            for (unsigned j = 0; j <= i; j++) {
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", j ? ", " : "", account->server[j]);
            }
            account->servers = auth_keep(world, text);
            return;
        }
        if (account->server[i] == server) {
            return;
        }
    }
}

void account_connection(struct logon_state *world, struct account *account, struct logon_conn *conn)
{
    if (!conn->counted) {
        conn->counted = account;
        account->connections++;
    }
    if (conn->counted == account) {
        return;
    }
    const void *pair[2] = { account, conn };
    const uint64_t key = digest_bytes(world, 0xACC1, pair, sizeof(pair));
    if (!keyed_find(&world->account_conns, key)) {
        keyed_make(&world->arena, &world->account_conns, key, sizeof(struct keyed));
        account->connections++;
    }
}

uint32_t logon_state_rows(const struct logon_state *world)
{
    return world->rows.count;
}

const struct account *logon_state_account(const struct logon_state *world, uint32_t index)
{
    return rows_at(&world->rows, index);
}
