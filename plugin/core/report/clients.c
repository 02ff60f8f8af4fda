/* clients.c
 * The report on clients.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "clients.h"

#include <stdio.h>

/* ---- Who can speak MAPI/HTTP ---------------------------------------------------------- */

/* By Microsoft's "MAPI over HTTP in Exchange Server" (Learn, Exchange 2016 and 2019), supportability: MAPI over HTTP from
 * Outlook 2013 SP1 and Outlook 2010 SP2 with KB2956191 and KB2965295 (14 April 2015) on, against Exchange 2013 SP1 and
 * later; Outlook 2013 RTM, older builds of 2010 and 2007 have Outlook Anywhere and RPC. MS-OXCMAPIHTTP appendix A names
 * the same servers. Builds: Outlook 2013 SP1 is 15.0.4569.1503 (Set-CASMailbox, MAPIBlockOutlookVersions), updates of
 * April 2015 have 14.0.7147, Exchange 2013 SP1 is 15.0.847. */
static const struct outlook_version versions[] = {
    { PROGRAM_VERSION(4, 0, 0, 0), "Outlook 2002 or older", SWITCH_CANNOT, NULL },
    { PROGRAM_VERSION(11, 0, 0, 0), "Outlook 2003", SWITCH_CANNOT, NULL },
    { PROGRAM_VERSION(12, 0, 0, 0), "Outlook 2007", SWITCH_CANNOT, NULL },
    { PROGRAM_VERSION(14, 0, 0, 0), "Outlook 2010", SWITCH_AFTER_UPDATE, "SP2, KB2956191 and KB2965295" },
    { PROGRAM_VERSION(14, 0, 7147, 0), "Outlook 2010", SWITCH_COULD, NULL },
    { PROGRAM_VERSION(15, 0, 0, 0), "Outlook 2013", SWITCH_AFTER_UPDATE, "SP1" },
    { PROGRAM_VERSION(15, 0, 4569, 1503), "Outlook 2013 SP1", SWITCH_COULD, NULL },
    { PROGRAM_VERSION(16, 0, 0, 0), "Outlook 2016 or later", SWITCH_COULD, NULL },
};

const struct outlook_version *outlook_version_of(uint64_t version)
{
    size_t count = COUNT_OF(versions);
    while (count > 0 && versions[count - 1].from > version) {
        count--;
    }
    return count > 0 ? &versions[count - 1] : NULL;
}

bool exchange_offers_mapi(uint64_t version)
{
    return version >= PROGRAM_VERSION(15, 0, 847, 0);
}

/* ---- Rows ----------------------------------------------------------------------------- */

/* Appends to a list; what does not fit is left out whole. */
static void add(char list[CLIENT_LIST_MAX], const char *text)
{
    const size_t used = strlen(list), len = strlen(text);
    if (used + 2 + len < CLIENT_LIST_MAX) {
        snprintf(list + used, CLIENT_LIST_MAX - used, "%s%s", used ? ", " : "", text);
    }
}

static void fill_machines(struct client_row *row, const struct client *client)
{
    for (unsigned i = 0; i < CLIENT_MACHINES && client->known->machine[i]; i++) {
        add(row->machine, client->known->machine[i]);
    }
    if (client->known->more_machines) {
        add(row->machine, "...");
    }
}

static bool has_version(const struct client *client, enum client_way before, uint64_t version)
{
    for (unsigned way = 0; way < before; way++) {
        for (unsigned i = 0; i < CLIENT_VERSIONS; i++) {
            if (client->known->of[way].version[i] == version) {
                return true;
            }
        }
    }
    return false;
}

static void fill_versions(struct client_row *row, const struct client *client)
{
    bool more = false;
    for (unsigned way = 0; way < CLIENT_WAYS; way++) {
        for (unsigned i = 0; i < CLIENT_VERSIONS; i++) {
            const uint64_t version = client->known->of[way].version[i];
            char text[VERSION_TEXT_MAX];
            if (version && !has_version(client, (enum client_way)way, version)) {
                add(row->version, version_text(text, version));
            }
        }
        more |= client->known->of[way].more;
    }
    if (more) {
        add(row->version, "...");
    }
}

/* The oldest that speaks it so, 0: none is known. */
static uint64_t oldest(const struct client *client, enum client_way way)
{
    uint64_t found = 0;
    for (unsigned i = 0; i < CLIENT_VERSIONS; i++) {
        const uint64_t version = client->known->of[way].version[i];
        found = version && (!found || version < found) ? version : found;
    }
    return found;
}

static const char *mode_text(uint8_t modes)
{
    static const char *const texts[] = { "", "online", "cached", "cached, online" };
    return texts[(modes >> CLIENT_MODE_ONLINE) & 3];
}

/* By the oldest program that still speaks RPC, over HTTP first: that is what would be shut out. */
static void judge(struct client_row *row, const struct client *client)
{
    static const char *const texts[] = {
        [SWITCH_DONE] = "uses it",    [SWITCH_COULD] = "yes",
        [SWITCH_CANNOT] = "no",       [SWITCH_OLD_SERVER] = "no: the server is older than Exchange 2013 SP1",
        [SWITCH_UNKNOWN] = "unknown",
    };
    const enum client_way way = row->rpc_http ? CLIENT_RPC_HTTP : row->rpc_tcp ? CLIENT_RPC_TCP : CLIENT_MAPI_HTTP;
    const bool speaks = row->mapi_http > 0 || row->refused > 0;
    const struct outlook_version *known = outlook_version_of(oldest(client, way));
    const uint64_t server = client->known->of[way].server;
    const struct outlook_version *named = known ? known : outlook_version_of(oldest(client, CLIENT_MAPI_HTTP));
    row->product = named ? named->name : "";
    if (way == CLIENT_MAPI_HTTP) {
        row->can = SWITCH_DONE;
    } else if (!known) {
        row->can = speaks ? SWITCH_COULD : SWITCH_UNKNOWN;
    } else {
        const bool too_old = known->can != SWITCH_CANNOT && !speaks && server && !exchange_offers_mapi(server);
        row->can = too_old ? SWITCH_OLD_SERVER : known->can;
    }
    row->can_text = row->can == SWITCH_AFTER_UPDATE ? known->update : texts[row->can];
    version_text(row->server, server);
}

uint32_t client_number(const struct client *client)
{
    return client ? client->index : NO_NUMBER;
}

uint32_t client_of_connection(const struct rpch_state *world, uint32_t row)
{
    return client_number(rpch_state_client(world, row));
}

uint32_t client_of_session(const struct mapi_state *world, uint32_t row)
{
    return client_number(mapi_state_client(world, row));
}

uint32_t client_rows(const struct track *track)
{
    return track->clients.rows.count;
}

bool client_row(const struct track *track, uint32_t number, struct client_row *row)
{
    const struct client *client = client_at(track, number);
    if (!client || !client_counts(client)) {
        return false;
    }
    *row = (struct client_row){ .user = client->user ? client->user : "",
                                .application = client->known->application ? client->known->application : "",
                                .mode = mode_text(client->known->modes),
                                .rpc_http = client->uses[CLIENT_RPC_HTTP],
                                .mapi_http = client->uses[CLIENT_MAPI_HTTP],
                                .rpc_tcp = client->uses[CLIENT_RPC_TCP],
                                .refused = client->refused,
                                .start = client->start };
    address_format(&client->address, row->place);
    address_format(&client->forwarded, row->forwarded);
    fill_machines(row, client);
    fill_versions(row, client);
    judge(row, client);
    return true;
}

/* ---- In words ------------------------------------------------------------------------- */

struct summary {
    uint32_t clients, rpc_http, rpc_tcp, mapi_http, by_switch[SWITCHES]; /* the last of those of rpc_http */
};

static struct summary summary_of(const struct track *track)
{
    struct summary summary = { .clients = 0 };
    struct client_row row;
    for (uint32_t i = 0; i < client_rows(track); i++) {
        if (client_row(track, i, &row)) {
            summary.clients++;
            summary.rpc_http += row.rpc_http > 0;
            summary.rpc_tcp += row.rpc_tcp > 0;
            summary.mapi_http += row.mapi_http > 0 || row.refused > 0;
            summary.by_switch[row.can] += row.rpc_http > 0;
        }
    }
    return summary;
}

static void say_count(struct text *text, bool *any, uint32_t count, const char *what)
{
    if (count > 0) {
        say(text, "%s%u %s", *any ? ", " : ": ", count, what);
        *any = true;
    }
}

/* counts: how many of them could, or cannot. */
static void say_summary(struct text *text, const struct summary *summary, bool counts)
{
    const uint32_t cannot = summary->by_switch[SWITCH_CANNOT] + summary->by_switch[SWITCH_OLD_SERVER];
    const uint32_t unknown = summary->by_switch[SWITCH_UNKNOWN];
    bool any = false;
    if (summary->rpc_http == 0) {
        say(text, "No client uses RPC over HTTP");
    } else {
        say(text, "%u of %u client%s still use%s RPC over HTTP", summary->rpc_http, summary->clients,
            summary->clients == 1 ? "" : "s", summary->rpc_http == 1 ? "s" : "");
    }
    if (counts && summary->rpc_http > 0) {
        say_count(text, &any, summary->by_switch[SWITCH_COULD], "could switch");
        say_count(text, &any, summary->by_switch[SWITCH_AFTER_UPDATE], "could after an update");
        say_count(text, &any, cannot, "cannot");
        say_count(text, &any, unknown, unknown == 1 ? "is of unknown version" : "are of unknown version");
    }
    if (summary->rpc_http == 0 && summary->mapi_http > 0) {
        say(text, "; %u use%s MAPI/HTTP", summary->mapi_http, summary->mapi_http == 1 ? "s" : "");
    }
    if (summary->rpc_tcp > 0) {
        say(text, "; %u use%s plain RPC over TCP", summary->rpc_tcp, summary->rpc_tcp == 1 ? "s" : "");
    }
}

static void say_client(struct text *text, const struct client_row *row)
{
    const char *user = row->user[0] ? row->user : "somebody";
    say(text, "\n  %s at %s", user, row->place);
    if (row->forwarded[0]) {
        say(text, " for %s", row->forwarded);
    }
    if (row->machine[0]) {
        say(text, " (%s)", row->machine);
    }
    if (row->product[0] || !row->version[0]) {
        say(text, ": %s%s%s", row->product[0] ? row->product : "unknown version", row->version[0] ? " " : "",
            row->version);
    } else {
        say(text, ": version %s, of no known Outlook", row->version);
    }
    if (row->can == SWITCH_AFTER_UPDATE) {
        say(text, ", could switch with %s", row->can_text);
    } else if (row->can == SWITCH_OLD_SERVER) {
        say(text, ", but its server %s is older than Exchange 2013 SP1", row->server);
    } else if (row->can == SWITCH_CANNOT || row->can == SWITCH_COULD) {
        say(text, ", %s", row->can == SWITCH_COULD ? "could switch" : "cannot switch");
    }
}

#define SAID_MAX 6    /* clients */
#define SAID_ROOM 400 /* the longest line that is worth the name */

void clients_say(const struct track *track, struct text *text)
{
    static const enum client_switch order[] = { SWITCH_CANNOT, SWITCH_OLD_SERVER, SWITCH_AFTER_UPDATE, SWITCH_UNKNOWN,
                                                SWITCH_COULD };
    const struct summary summary = summary_of(track);
    uint32_t said = 0;
    if (summary.clients == 0) {
        return;
    }
    say_summary(text, &summary, summary.rpc_http > 1); /* of one the line below says it */
    if (track->clients.more) {
        say(text, "; there are more clients than the %u that are listed", CLIENTS_MAX);
    }
    for (size_t group = 0; group < COUNT_OF(order); group++) {
        for (uint32_t i = 0; i < client_rows(track) && said < SAID_MAX; i++) {
            struct client_row row;
            if (client_row(track, i, &row) && row.rpc_http && row.can == order[group] &&
                text->used + SAID_ROOM < SAY_MAX) {
                say_client(text, &row);
                said++;
            }
        }
    }
    if (said < summary.rpc_http) {
        say(text, "\n  and %u other%s: see -z outlook,clients", summary.rpc_http - said,
            summary.rpc_http - said == 1 ? "" : "s");
    }
}

/* ---- As JSON -------------------------------------------------------------------------- */

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static const char *switch_name(enum client_switch can)
{
    static const char *const names[] = { "uses_it", "could", "after_update", "cannot", "old_server", "unknown" };
    return names[can];
}

static void client_json(const struct client_row *row, struct json *json)
{
    json_object(json, NULL);
    json_string(json, "user", or_null(row->user));
    json_string(json, "address", row->place);
    json_string(json, "forwarded_for", or_null(row->forwarded));
    json_string(json, "machine", or_null(row->machine));
    json_string(json, "application", or_null(row->application));
    json_string(json, "version", or_null(row->version));
    json_string(json, "product", or_null(row->product));
    json_string(json, "mode", or_null(row->mode));
    json_number(json, "rpc_http_connections", row->rpc_http);
    json_number(json, "mapi_http_sessions", row->mapi_http);
    json_number(json, "mapi_http_refused", row->refused);
    json_number(json, "rpc_tcp_connections", row->rpc_tcp);
    json_string(json, "server_version", or_null(row->server));
    json_string(json, "mapi_http", switch_name(row->can));
    json_string(json, "update", row->can == SWITCH_AFTER_UPDATE ? row->can_text : NULL);
    json_number(json, "first_frame", row->start.frame);
    json_end_object(json);
}

void clients_json(const struct track *track, struct json *json)
{
    const struct summary summary = track ? summary_of(track) : (struct summary){ .clients = 0 };
    struct text text = { .used = 0 };
    struct client_row row;
    json_array(json, "clients");
    for (uint32_t i = 0; track && i < client_rows(track); i++) {
        if (client_row(track, i, &row)) {
            client_json(&row, json);
        }
    }
    json_end_array(json);
    if (summary.clients > 0) {
        say_summary(&text, &summary, true);
    }
    json_object(json, "clients_summary");
    json_string(json, "text", or_null(text.s));
    json_number(json, "clients", summary.clients);
    json_number(json, "rpc_http", summary.rpc_http);
    json_number(json, "mapi_http", summary.mapi_http);
    json_number(json, "rpc_tcp", summary.rpc_tcp);
    for (int can = SWITCH_COULD; can < SWITCHES; can++) {
        json_number(json, switch_name((enum client_switch)can), summary.by_switch[can]);
    }
    json_number(json, "not_listed", track ? track->clients.more : 0);
    json_end_object(json);
}
