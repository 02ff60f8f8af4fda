/* client.c
 * Who uses which protocol.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "client.h"

#include "chars.h"
#include "logon_state.h"

/* ---- Who ---------------------------------------------------------------------------- */

/* Local parts of mailboxes by which servers watch themselves: Managed Availability of Exchange 2013 and later has
 * HealthMailbox and a part of a GUID, Test-OutlookConnectivity and its like extest_ and one. */
static bool is_probe(struct span local)
{
    return span_starts_nocase(local, "HealthMailbox") || span_starts_nocase(local, "extest_");
}

/* "alice" of "EXAMPLE\\alice" and of "alice@example.test". */
static struct span local_part(struct span user)
{
    const size_t slash = span_until(user, '\\');
    user = slash < user.len ? span_skip(user, slash + 1) : user;
    user.len = span_until(user, '@');
    return user;
}

struct span client_bare_user(const char *with_scheme)
{
    struct span text = span_of((const uint8_t *)with_scheme, with_scheme ? strlen(with_scheme) : 0);
    if (text.len > 0 && text.ptr[text.len - 1] == ')') {
        for (size_t i = text.len - 1; i > 1; i--) {
            if (text.ptr[i] == '(' && text.ptr[i - 1] == ' ') {
                text.len = i - 1;
                break;
            }
        }
    }
    return text;
}

static uint32_t hash_client(const struct track *track, const struct client_name *name)
{
    const struct arena *arena = &track->arena;
    uint32_t hash = hash_bytes(arena, name->address->addr, address_length(name->address), 0xC11E);
    if (name->forwarded) {
        hash = hash_bytes(arena, name->forwarded->addr, address_length(name->forwarded), hash);
    }
    return (uint32_t)hash_nocase(&arena->key, hash, local_part(name->user));
}

static bool is_same(const struct client *client, const char *user, const struct client_name *name)
{
    return same_address(&client->address, name->address) &&
           (name->forwarded ? client->forwarded.family && same_address(&client->forwarded, name->forwarded) :
                              !client->forwarded.family) &&
           (user && client->user ? !users_differ(user, client->user) : user == client->user);
}

static struct client *find(const struct track *track, const char *user, const struct client_name *name)
{
    struct item *item = table_first(&track->clients.table, hash_client(track, name));
    while (item && !is_same((const struct client *)item, user, name)) {
        item = table_next(item);
    }
    return (struct client *)item;
}

/* A program, which goes by one X-ClientInfo whoever it logs on. */
struct instance {
    struct keyed keyed;
    struct client *client; /* its first */
};

/* Whose it is known to be, or NULL. */
static struct client *client_of_instance(const struct track *track, const struct client_name *name)
{
    const struct instance *instance = name->instance ? keyed_find(&track->clients.instances, name->instance) : NULL;
    return instance && same_address(&instance->client->address, name->address) ? instance->client : NULL;
}

static void note_instance(struct track *track, const struct client_name *name, struct client *client)
{
    struct table *instances = &track->clients.instances;
    if (name->instance && name->user.len > 0 && instances->used < CLIENTS_MAX) {
        struct instance *instance = keyed_make(&track->arena, instances, name->instance, sizeof(*instance));
        instance->client = instance->client ? instance->client : client;
    }
}

static const struct client_known nothing_known;

/* NULL where there are too many. passed_on: he was seen before the device that speaks for him. */
static struct client *client_of(struct track *track, const struct client_name *given, struct when when, bool *passed_on)
{
    struct client_name name = *given;
    name.forwarded = name.forwarded && name.forwarded->family ? name.forwarded : NULL;
    const char *user = track_span(track, name.user);
    const struct client_name before = { .user = name.user, .address = name.forwarded };
    struct client *client = name.forwarded ? find(track, user, &before) : NULL;
    *passed_on = client != NULL;
    client = client ? client : find(track, user, &name);
    if (client) {
        return client;
    }
    if (track->clients.rows.count == CLIENTS_MAX) {
        track->clients.more++;
        return NULL;
    }
    client = arena_new(&track->arena, sizeof(*client));
    client->address = *name.address;
    client->address.port = 0;
    client->forwarded = name.forwarded ? *name.forwarded : client->forwarded;
    client->user = user;
    client->start = when;
    client->known = &nothing_known;
    client->index = rows_add(&track->arena, &track->clients.rows, client);
    table_add(&track->arena, &track->clients.table, &client->item, hash_client(track, &name));
    return client;
}

bool client_counts(const struct client *client)
{
    for (unsigned way = 0; way < CLIENT_WAYS; way++) {
        if (client->uses[way]) {
            return true;
        }
    }
    return client->refused > 0;
}

/* ---- What is told -------------------------------------------------------------------- */

static const char *keep(struct track *track, const char *text, const char *before)
{
    return text[0] ? track_text(track, text) : before;
}

void client_told_facts(struct track *track, struct client_told *told, const struct client_facts *facts)
{
    const struct span dn = span_of((const uint8_t *)facts->user_dn, strlen(facts->user_dn));
    char name[CLIENT_DN_MAX];
    chars_copy(name, sizeof(name), client_facts_name(dn));
    told->version = facts->version ? facts->version : told->version;
    told->server = facts->server_version ? facts->server_version : told->server;
    told->mode = facts->mode ? facts->mode : told->mode;
    told->machine = keep(track, facts->machine, told->machine);
    told->name = keep(track, facts->user[0] ? facts->user : name, told->name);
    told->application = told->application ? told->application : keep(track, facts->process, NULL);
}

static struct client_known *known_of(struct track *track, struct client *client)
{
    if (client->known == &nothing_known) {
        client->known = arena_new(&track->arena, sizeof(*client->known));
    }
    return (struct client_known *)(uintptr_t)client->known;
}

static void add_version(struct client_known *known, enum client_way way, uint64_t version)
{
    for (unsigned i = 0; version && i < CLIENT_VERSIONS; i++) {
        uint64_t *of = &known->of[way].version[i];
        *of = *of ? *of : version;
        if (*of == version) {
            return;
        }
    }
    known->of[way].more |= version != 0;
}

static void add_server(struct client_known *known, enum client_way way, uint64_t server)
{
    uint64_t *of = &known->of[way].server;
    *of = server && (!*of || server < *of) ? server : *of;
}

static void add_machine(struct client_known *known, const char *machine)
{
    for (unsigned i = 0; machine && i < CLIENT_MACHINES; i++) {
        const char **of = &known->machine[i];
        *of = *of ? *of : machine;
        if (span_equals_nocase(span_of((const uint8_t *)*of, strlen(*of)), machine)) {
            return;
        }
    }
    known->more_machines |= machine != NULL;
}

void client_tell(struct track *track, struct client *client, enum client_way way, const struct client_told *told)
{
    if (!client) {
        return;
    }
    struct client_known *known = known_of(track, client);
    add_version(known, way, told->version ? told->version : told->agent_version);
    add_server(known, way, told->server);
    add_machine(known, told->machine);
    known->application = told->application ? told->application : known->application;
    known->modes |= told->mode ? (uint8_t)(1 << told->mode) : 0;
}

/* ---- What is theirs ------------------------------------------------------------------ */

/* What was known of somebody whose name is known now. */
static void hand_on(struct track *track, const struct client *from, struct client *to)
{
    const struct client_known *of = from->known;
    struct client_known *known = known_of(track, to);
    for (unsigned way = 0; way < CLIENT_WAYS; way++) {
        for (unsigned i = 0; i < CLIENT_VERSIONS; i++) {
            add_version(known, (enum client_way)way, of->of[way].version[i]);
        }
        add_server(known, (enum client_way)way, of->of[way].server);
    }
    for (unsigned i = 0; i < CLIENT_MACHINES; i++) {
        add_machine(known, of->machine[i]);
    }
    known->application = known->application ? known->application : of->application;
    known->modes |= of->modes;
}

void client_join(struct track *track, struct client **slot, enum client_way way, const struct client_name *name,
                 struct when when)
{
    struct client *before = *slot;
    bool passed_on;
    if ((before && (before->user || name->user.len == 0)) || is_probe(local_part(name->user))) {
        return;
    }
    struct client *client = name->user.len > 0 ? NULL : client_of_instance(track, name);
    passed_on = false;
    client = client ? client : client_of(track, name, before ? before->start : when, &passed_on);
    if (!client || client == before || (passed_on && name->user.len == 0)) {
        return; /* the last may get another name yet, and was counted where he was seen first */
    }
    if (before) {
        before->uses[way]--;
        if (!client_counts(before) && before->known != &nothing_known) {
            hand_on(track, before, client);
        }
    }
    client->uses[way] += !passed_on;
    note_instance(track, name, client);
    *slot = client;
}

void client_move(struct track *track, struct client **from, struct client **to, enum client_way way,
                 const struct endpoint *address, struct when when)
{
    struct client *before = *from;
    bool passed_on;
    if (!before) {
        return;
    }
    const struct client_name name = { .user = client_bare_user(before->user), .address = address };
    *from = NULL;
    *to = client_of(track, &name, when, &passed_on);
    if (*to == before) {
        return;
    }
    before->uses[way]--;
    if (*to) {
        (*to)->uses[way]++;
        if (!client_counts(before) && before->known != &nothing_known) {
            hand_on(track, before, *to);
        }
    }
}

struct client *client_refused(struct track *track, const struct client_name *name, struct when when)
{
    bool passed_on;
    if (name->user.len == 0 || is_probe(local_part(name->user))) {
        return NULL;
    }
    struct client *client = client_of(track, name, when, &passed_on);
    if (client) {
        client->refused += !passed_on;
    }
    return client;
}
