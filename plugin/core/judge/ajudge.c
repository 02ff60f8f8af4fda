/* ajudge.c
 * What is wrong with logons, and how it is said.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "auth_private.h"

/* ---- Verdicts ------------------------------------------------------------------------- */

struct blame {
    enum verdict_where where;
    bool seen;                   /* not inferred */
};

static void tell(struct aworld *world, struct account *account, uint32_t leg, enum verdict_kind kind, struct when when,
                 struct blame blame, const struct text *text)
{
    struct verdict *verdict = verdict_add(&world->arena, &world->verdicts, kind, when, text);
    verdict->leg = leg;
    verdict->where = blame.where;
    verdict->where_seen = blame.seen;
    if (account && (!account->has_verdict || verdict->severity > (enum verdict_severity)account->severity)) {
        account->has_verdict = true;
        account->verdict = (uint8_t)kind;
        account->severity = (uint8_t)verdict->severity;
        account->where = (uint8_t)blame.where;
        account->where_seen = blame.seen;
        account->verdict_frame = when.frame;
    }
}

/* "10.0.0.81:80 (stream 3, frame 12)" */
static void add_server(struct text *text, const struct aconn *conn, uint32_t frame)
{
    say_endpoint(text, conn_server(conn->link));
    say(text, " (stream %u, frame %u)", conn->link->stream, frame);
}

#define NAME_SHOWN 64

/* A name as sent, cut short where it would leave no room for the rest. */
static void add_name(struct text *text, const char *name)
{
    size_t len = strlen(name);
    if (len <= NAME_SHOWN) {
        say(text, "%s", name);
        return;
    }
    for (len = NAME_SHOWN; len > 0 && ((uint8_t)name[len] & 0xC0) == 0x80;) {
        len--;
    }
    say(text, "%.*s...", (int)len, name);
}

static void add_user(struct text *text, const char *user)
{
    add_name(text, user[0] ? user : "a user whose name is not visible");
}

/* "EX1 (ex1.example.test)" */
static void add_names(struct text *text, const char *nb_name, const char *dns_name)
{
    add_name(text, nb_name[0] ? nb_name : dns_name[0] ? dns_name : "a server without a name");
    if (nb_name[0] && dns_name[0]) {
        say(text, " (");
        add_name(text, dns_name);
        say(text, ")");
    }
}

/* ---- NTLM ------------------------------------------------------------------------------- */

static void tell_torn(struct aconn *conn, struct when when, const struct carrier *carrier)
{
    struct text text = { .used = 0 };
    const struct aconn *client = conn->pending->client_side;
    struct blame blame = { WHERE_DEVICE, client != NULL };
    say(&text, "Seen: the type 3 of ");
    add_user(&text, conn->pending->user);
    say(&text, " goes to ");
    add_server(&text, conn, when.frame);
    say(&text, " and echoes the target information of ");
    add_names(&text, conn->pending->nb_name, conn->pending->dns_name);
    say(&text, conn->pending->has_timestamp ? " with its timestamp" : "");
    say(&text, ", whose type 2 came from ");
    add_server(&text, carrier->conn, carrier->frame);
    if (client) {
        say(&text, "; the client kept one connection (stream %u) to ", client->link->stream);
        say_endpoint(&text, conn_server(client->link));
    }
    say(&text, "; inferred: ");
    if (client) {
        say(&text, "the device there splits one NTLM handshake over two connections");
    } else {
        say(&text, "a device before it, or the client, splits one NTLM handshake over two connections");
    }
    say(&text, ", and the second never issued that challenge, so the logon fails; next: make the device keep one "
               "server connection for each client connection (no close, no pooling for NTLM), or use Kerberos");
    tell(conn->world, conn->pending->account, conn->pending->leg, V_NTLM_TORN, when, blame, &text);
}

static void tell_alone(struct aconn *conn, struct when when, const struct carrier *before)
{
    struct text text = { .used = 0 };
    struct blame blame = { before ? WHERE_DEVICE : WHERE_UNKNOWN, false };
    say(&text, "Seen: the type 3 of ");
    add_user(&text, conn->pending->user);
    say(&text, " to ");
    add_server(&text, conn, when.frame);
    say(&text, " answers a challenge of ");
    add_names(&text, conn->pending->nb_name, conn->pending->dns_name);
    say(&text, ", but this connection, whole from SYN, carried no type 2");
    if (before) {
        say(&text, "; on leg %u it came from ", before->leg);
        add_server(&text, before->conn, before->frame);
        say(&text, "; inferred: the device between sent the type 1 over another server connection, which the capture "
                   "lacks");
    } else {
        say(&text, " and none of the capture matches; inferred: the challenge came on a connection outside the "
                   "capture: the handshake was split before it reached this one");
    }
    say(&text, "; next: capture all server connections of the device, and make it keep one for each client connection");
    tell(conn->world, conn->pending->account, conn->pending->leg, V_TYPE3_ALONE, when, blame, &text);
}

/* The refusal that follows here and on the legs before has its reason in this. */
static void note_torn(struct aconn *conn, struct when when)
{
    struct arequest *request = conn->first;
    while (request && (request->when.frame != when.frame || !request->ntlm)) {
        request = request->next;
    }
    for (; request; request = request->parent) {
        request->torn = when.frame;
    }
}

void judge_type3(struct aconn *conn, struct when when)
{
    const struct challenge *challenge = challenge_find(conn->world, conn->pending->digest);
    const struct carrier *same_leg = NULL, *before = NULL;
    if (!aconn_whole(conn) || conn->proxy_auth ||
        (conn->more->type2_frame && (conn->more->type2_digest == conn->pending->digest || !conn->more->type2_digest))) {
        return;
    }
    for (unsigned i = 0; challenge && i < challenge->carriers; i++) {
        const struct carrier *carrier = &challenge->carrier[i];
        if (carrier->conn == conn) {
            return;
        }
        if (carrier->leg == conn->pending->leg) {
            same_leg = carrier;
        } else if (carrier->leg != NO_NUMBER && carrier->leg < conn->pending->leg) {
            before = carrier;
        }
    }
    if (same_leg && !conn->pending->has_timestamp) {
        /* Names alone fit every challenge of that server: only one that waits for its type 3 will do. */
        if (conn->more->type2_frame || same_leg->conn->more->type3_frame > same_leg->frame) {
            return;
        }
    }
    if (same_leg) {
        tell_torn(conn, when, same_leg);
        note_torn(conn, when);
    } else if (!conn->more->type2_frame && (!challenge || before)) {
        tell_alone(conn, when, before);
        note_torn(conn, when);
    }
}

/* ---- channel bindings -------------------------------------------------------------------- */

static bool bound_to(const struct arequest *request, const struct tls_leaf *leaf)
{
    return leaf && leaf->has_bindings && memcmp(leaf->bindings, request->bound_to, sizeof(leaf->bindings)) == 0;
}

/* "10.0.0.80:443 (stream 0, thumbprint 5A0C3F11...)", as Windows names certificates. */
static void add_leaf(struct text *text, const struct aconn *conn)
{
    const uint8_t *id = conn->link->leaf->sha1;
    say_endpoint(text, conn_server(conn->link));
    say(text, " (stream %u, thumbprint %02X%02X%02X%02X...)", conn->link->stream, id[0], id[1], id[2], id[3]);
}

/* The legs before the last one. */
struct bridge {
    const struct aconn *bound;   /* the bindings are those of its certificate, or NULL */
    const struct aconn *client;  /* the first, NULL if the last leg is the only one */
};

static struct bridge bridge_of(const struct arequest *request)
{
    struct bridge bridge = { NULL, NULL };
    for (const struct arequest *before = request->parent; before; before = before->parent) {
        bridge.client = before->conn;
        if (!bridge.bound && bound_to(request, before->conn->link->leaf)) {
            bridge.bound = before->conn;
        }
    }
    return bridge;
}

static void tell_clear(struct text *text, const struct aconn *conn, struct when when, const struct arequest *request,
                       const struct bridge *bridge)
{
    say(text, " (frame %u) carries channel bindings of TLS, goes in clear text to ", request->when.frame);
    add_server(text, conn, when.frame);
    say(text, " and is refused with 401");
    if (bridge->bound) {
        say(text, "; the bindings are those of the certificate at ");
        add_leaf(text, bridge->bound);
    }
    say(text, "; inferred: TLS ends at a device before this connection, so the bindings cannot match what the server "
              "sees, if it asks for Extended Protection; next: pass TLS through or encrypt again with the same "
              "certificate, or turn Extended Protection off for this virtual directory");
}

static void tell_other_leaf(struct text *text, const struct aconn *conn, struct when when,
                            const struct arequest *request, const struct bridge *bridge)
{
    say(text, " (frame %u) carries channel bindings of TLS and is refused with 401 (frame %u) by ", request->when.frame,
        when.frame);
    add_leaf(text, conn);
    if (bridge->bound) {
        say(text, "; the bindings are those of another certificate, at ");
        add_leaf(text, bridge->bound);
    } else {
        say(text, ", which presents another certificate than ");
        add_leaf(text, bridge->client);
        say(text, " before it");
        if (conn->link->leaf->has_bindings && bridge->client->link->leaf->has_bindings) {
            say(text, "; the bindings are those of neither");
        }
    }
    say(text, "; inferred: a device between ends TLS and encrypts again, so the bindings cannot match what the server "
              "sees, if it asks for Extended Protection; next: install the same certificate on the device and the "
              "server, pass TLS through, or turn Extended Protection off for this virtual directory");
}

void judge_bindings(struct aconn *conn, const struct arequest *request, struct when when)
{
    struct text text = { .used = 0 };
    /* The leg where the server judges, and nothing else that explains the refusal. */
    if (request->passed_on || request->torn || request->account->bindings_told) {
        return;
    }
    const struct bridge bridge = bridge_of(request);
    const struct tls_leaf *before = bridge.client ? bridge.client->link->leaf : NULL;
    /* Where the server's own certificate is not known, or is the one that was bound to, or only
     * one leg was captured, nothing can be said. */
    if (conn->link->tls && (!conn->link->leaf || bound_to(request, conn->link->leaf) ||
                      !(bridge.bound || (before && !tls_leaf_equal(before, conn->link->leaf))))) {
        return;
    }
    struct blame blame = { WHERE_DEVICE, conn->link->tls || bridge.bound };
    request->account->bindings_told = true;
    say(&text, "Seen: the type 3 of ");
    add_user(&text, request->user);
    if (conn->link->tls) {
        tell_other_leaf(&text, conn, when, request, &bridge);
    } else {
        tell_clear(&text, conn, when, request, &bridge);
    }
    tell(conn->world, request->account, request->leg, V_CHANNEL_BINDING, when, blame, &text);
}

/* ---- refusals ------------------------------------------------------------------------------ */

void judge_refusal(struct aconn *conn, const struct arequest *request, struct when when,
                   const struct refusals *refusals, const struct http_head *head)
{
    struct text text = { .used = 0 };
    struct blame blame = { WHERE_UNKNOWN, false };
    struct http_info info;
    const struct site *site = site_of(conn->world, request->host, request->leg);
    const bool torn = request->torn != 0;
    bool others = request->user[0] && site->accepted && (site->several || users_differ(site->accepted, request->user));
    http_info_decode(head, &info);
    say(&text, "Seen: %s credentials of ", request->scheme);
    if (request->user[0]) {
        add_user(&text, request->user);
    } else {
        say(&text, "one client (%s)", request->identity[ID_CLIENT_INFO] ? "X-ClientInfo" : "OutlookSession");
    }
    say(&text, " for ");
    add_name(&text, request->host);
    say(&text, " were refused with 401 in frames");
    for (unsigned i = 0; i < REFUSALS_TOLD; i++) {
        say(&text, "%s %u", i ? "," : "", refusals->frame[i]);
    }
    say(&text, ", each sent after the refusal before had arrived; the last came from ");
    add_server(&text, conn, when.frame);
    if (info.front_end[0]) {
        say(&text, ", X-FEServer ");
        add_name(&text, info.front_end);
    } else if (info.server_header[0]) {
        say(&text, ", Server %s", info.server_header);
    }
    if (torn) {
        blame.where = WHERE_DEVICE;
        say(&text, "; inferred: the handshake is torn (see frame %u), so no password would do; next: mend the "
                   "device's handling of NTLM connections", request->torn);
    } else if (info.author == HTTP_BY_DEVICE) {
        blame.where = WHERE_DEVICE;
        say(&text, "; inferred: a device refuses before Exchange sees the logon; next: see why in its log");
    } else if (others) {
        blame.where = WHERE_CLIENT;
        say(&text, "; inferred: other users are accepted there, so the name, password or ticket of this one is "
                   "wrong, expired or locked; next: see event 4625 and its status in the server's security log");
    } else {
        say(&text, "; inferred: wrong or expired credentials, or a server that cannot check them; next: see event "
                   "4625 and its status in the server's security log, and the service account and SPN if it is "
                   "Kerberos");
    }
    tell(conn->world, request->account, request->leg, V_AUTH_REFUSED, when, blame, &text);
}

/* ---- time ------------------------------------------------------------------------------------ */

void judge_time(struct aconn *conn, const struct wait *wait, struct when when)
{
    struct text text = { .used = 0 };
    const struct account *account = wait->account;
    int64_t ns = when.ns - wait->sent.ns, below = wait->below.ns - wait->sent.ns;
    const int64_t most = wait->accepted ? SLOW_ABOVE : VERY_SLOW_ABOVE;
    if (ns <= most) {
        return;
    }
    const bool kept = wait->below.frame && below <= most;
    struct blame blame = { kept ? WHERE_DEVICE : WHERE_SERVER, kept };
    say(&text, "Seen: the %s credentials of ", account->scheme);
    add_user(&text, account->user);
    say(&text, " in frame %u were %s", wait->sent.frame, wait->accepted ? "accepted" : "refused");
    if (wait->status) {
        say(&text, " (%u)", wait->status);
    }
    say(&text, " after ");
    say_seconds(&text, ns);
    say(&text, " by ");
    add_server(&text, conn, when.frame);
    if (kept) {
        say(&text, ", while the answer on the next leg came in frame %u after ", wait->below.frame);
        say_seconds(&text, below);
        say(&text, "; inferred: the server was quick, the device between keeps answers back; next: response buffering "
                   "on that device");
    } else {
        say(&text, "; inferred: the server, or the domain controller it asks, is slow to check credentials; next: ");
        if (strcmp(account->scheme, "NTLM") == 0 || strcmp(account->scheme, "Negotiate/NTLM") == 0) {
            say(&text, "look for Netlogon semaphore waits and timeouts on the server (MaxConcurrentApi), or use "
                       "Kerberos");
        } else {
            say(&text, "look for Netlogon or Kerberos delays on the server, and at its way to the domain controllers");
        }
    }
    const enum verdict_kind kind = ns > VERY_SLOW_ABOVE ? V_AUTH_VERY_SLOW : V_AUTH_SLOW;
    tell(conn->world, wait->account, wait->leg, kind, when, blame, &text);
}

/* ---- offers ------------------------------------------------------------------------------------ */

void judge_offer(struct aconn *conn, const struct arequest *request, struct when when, const struct http_head *head)
{
    struct text text = { .used = 0 };
    struct blame blame = { WHERE_UNKNOWN, false };
    struct http_info info;
    struct peer *peer = request->peer;
    bool dropped = request->below_answered && (request->below_offers & (1u << AUTH_NTLM | 1u << AUTH_NEGOTIATE));
    if (!peer->tried || peer->downgrade_told) {
        return;
    }
    peer->downgrade_told = true;
    http_info_decode(head, &info);
    say(&text, "Seen: the client tried %s at ", peer->tried);
    add_name(&text, request->host);
    say(&text, " (stream %u, frame %u); the 401 of ", peer->tried_stream, peer->tried_frame);
    add_server(&text, conn, when.frame);
    say(&text, " offers only Basic");
    if (dropped) {
        blame = (struct blame){ WHERE_DEVICE, true };
        say(&text, ", while the server behind offered more on the next leg; inferred: this device takes NTLM and "
                   "Negotiate out");
    } else if (info.author == HTTP_BY_DEVICE) {
        blame.where = WHERE_DEVICE;
        say(&text, ", written by a device (%s %s); inferred: the device does not pass NTLM or Negotiate on",
            info.via[0] ? "Via" : "Server", info.via[0] ? info.via : info.server_header);
    } else {
        say(&text, "; inferred: a proxy takes NTLM and Negotiate out, or the server does not offer them");
    }
    say(&text, "; next: compare with the 401 at the server itself, and with the authentication methods of the "
               "virtual directory");
    tell(conn->world, NULL, request->leg, V_DOWNGRADED, when, blame, &text);
}

void judge_lower(struct aconn *conn, struct when when, const char *then)
{
    struct text text = { .used = 0 };
    struct blame blame = { WHERE_DEVICE, conn->more->lower_seen };
    if (!conn->more->lower_frame || conn->world->lower_answered || !aconn_whole(conn)) {
        return;
    }
    struct site *site = site_of(conn->world, conn->more->lower_host, conn->more->lower_leg);
    if (site->lower_told) {
        return;
    }
    site->lower_told = true;
    say(&text, "Seen: the 401 of frame %u for ", conn->more->lower_frame);
    add_name(&text, conn->more->lower_host);
    say(&text, " writes www-authenticate in lower case%s; %s to ",
        conn->more->lower_seen ? ", while the next leg has it in another case" : "", then);
    add_server(&text, conn, when.frame);
    say(&text, ", and no client of the capture went on after one; inferred: old Outlook does not find the header in "
               "lower case, and a device between wrote it so; next: let the device keep the header names (HAProxy: "
               "h1-case-adjust), or update the client");
    tell(conn->world, NULL, conn->more->lower_leg, V_HEADER_CASE, when, blame, &text);
}

void judge_rounds(struct aconn *conn, struct when when)
{
    struct rounds *rounds = conn->rounds;
    struct text text = { .used = 0 };
    struct blame blame = { WHERE_CLIENT, false };
    if (rounds->conn != conn || rounds->told || rounds->count < BEARER_ROUNDS || !aconn_whole(conn)) {
        return;
    }
    rounds->told = true;
    say(&text, "Seen: one client (X-ClientInfo) sent an empty Authorization: Bearer %u times, answered 401 in frames",
        rounds->count);
    for (unsigned i = 0; i < BEARER_ROUNDS; i++) {
        say(&text, "%s %u", i ? "," : "", rounds->frame[i]);
    }
    say(&text, ", the last by ");
    add_server(&text, conn, rounds->mark);
    say(&text, "; no token and no other scheme followed until the connection ended; inferred: the client gets no "
               "token, or does not read what the server offers; next: see whether the 401 offers Bearer with "
               "authorization_uri, whether the client reaches it, and whether the header names are in lower case");
    tell(conn->world, NULL, conn->leg, V_EMPTY_BEARER, when, blame, &text);
}

/* ---- shared connections -------------------------------------------------------------------------- */

void judge_stranger(struct aconn *conn, const struct arequest *request, struct when when)
{
    static const char *const kinds[ID_KINDS] = {
        [ID_CLIENT_INFO] = "X-ClientInfo", [ID_REQUEST_ID] = "X-RequestId", [ID_USER_IDENTITY] = "X-User-Identity",
        [ID_OUTLOOK_SESSION] = "OutlookSession", [ID_CONTEXT] = "session cookie"
    };
    struct text text = { .used = 0 };
    const struct owner *stranger = request->stranger;
    struct blame blame = { WHERE_DEVICE, request->parent != NULL };
    conn->shared_told = true;
    say(&text, "Seen: %s authenticated the connection to ", conn->owner_scheme);
    add_server(&text, conn, conn->owner_frame);
    say(&text, " for ");
    add_name(&text, conn->owner);
    say(&text, "; the request in frame %u on it brings no credentials and belongs to ", request->when.frame);
    add_name(&text, stranger->user);
    say(&text, " by its %s (stream %u, frame %u)", kinds[stranger->kind], stranger->stream, stranger->frame);
    if (request->parent) {
        say(&text, ", passed on from stream %u", request->parent->conn->link->stream);
    }
    say(&text, "; inferred: a device shares an authenticated connection between clients, and the server takes the "
               "request for the first user's; next: turn connection reuse off there (HAProxy: http-reuse never), or "
               "use a scheme that authenticates each request");
    tell(conn->world, conn->credentials.account, request->leg, V_SHARED_CONNECTION, when, blame, &text);
}
