/* logon.c
 * What is wrong with logons, and how it is said.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_rules.h"

#include <stdio.h>

/* ---- memory ----------------------------------------------------------------------------- */

struct account_memo {
    struct once once;
    struct result result;
};

static struct account_memo *account_memo(struct judge *judge, const struct account *account)
{
    struct account_memo *memo = memo_in(judge, &account->memo, sizeof(*memo));
    memo->once.of = ONCE_AN_ACCOUNT;
    return memo;
}

const struct result *logon_result(const struct account *account)
{
    const struct account_memo *memo = account->memo;
    return memo ? &memo->result : NULL;
}

static struct subject about(struct result *result, struct once *once, uint32_t leg)
{
    struct subject subject = about_nothing(ABOUT_LOGON);
    subject.result = result;
    subject.once = once;
    subject.leg = leg;
    return subject;
}

static struct subject about_account(struct judge *judge, const struct account *account, uint32_t leg)
{
    return about(account ? &account_memo(judge, account)->result : NULL, NULL, leg);
}

/* What did not come on a connection rests on all of it, from SYN on. */
static struct evidence *all_of(struct judge *judge, const struct logon_conn *conn)
{
    struct evidence *evidence = evidence_new(judge);
    evidence_add(evidence, conn->link, 0);
    evidence->more = conn->lost; /* what could not be followed is not named */
    return evidence;
}

/* ---- pieces of sentences ----------------------------------------------------------------- */

#define SERVER_AT(conn, frame) server_piece((char[PIECE_MAX]){ 0 }, conn, frame)
#define NAME(name) name_piece((char[PIECE_MAX]){ 0 }, name)
#define USER(user) NAME((user)[0] ? (user) : "a user whose name is not visible")
#define NAMES(nb_name, dns_name) names_piece((char[PIECE_MAX]){ 0 }, nb_name, dns_name)
#define LEAF(conn) leaf_piece((char[PIECE_MAX]){ 0 }, conn)
/* Those that were kept of count frames, the first ones. */
#define FIRST(frames, count) frames_piece((char[PIECE_MAX]){ 0 }, frames, count, sizeof(frames) / sizeof((frames)[0]))

/* "10.0.0.81:80 (stream 3, frame 12)" */
static const char *server_piece(char *to, const struct logon_conn *conn, uint32_t frame)
{
    snprintf(to, PIECE_MAX, "%s (stream %u, frame %u)", SERVER_OF(conn), conn->link->stream, frame);
    return to;
}

#define NAME_SHOWN 64

/* A name as sent, cut short where it would leave no room for the rest. */
static const char *name_piece(char *to, const char *name)
{
    const int len = cut_length(name, NAME_SHOWN);
    if (name[len] == '\0') {
        return name;
    }
    snprintf(to, PIECE_MAX, "%.*s...", len, name);
    return to;
}

/* "EX1 (ex1.example.test)" */
static const char *names_piece(char *to, const char *nb_name, const char *dns_name)
{
    const char *name = NAME(nb_name[0] ? nb_name : dns_name[0] ? dns_name : "a server without a name");
    if (nb_name[0] && dns_name[0]) {
        snprintf(to, PIECE_MAX, "%.*s (%.*s)", NAME_SHOWN + 3, name, NAME_SHOWN + 3, NAME(dns_name));
    } else {
        snprintf(to, PIECE_MAX, "%.*s", NAME_SHOWN + 3, name);
    }
    return to;
}

/* "10.0.0.80:443 (stream 0, thumbprint 5A0C3F11...)", as Windows names certificates. */
static const char *leaf_piece(char *to, const struct logon_conn *conn)
{
    const uint8_t *id = conn->link->leaf->sha1;
    snprintf(to, PIECE_MAX, "%s (stream %u, thumbprint %02X%02X%02X%02X...)", SERVER_OF(conn), conn->link->stream,
             id[0], id[1], id[2], id[3]);
    return to;
}

/* "4, 8, 12"; there is room for ten. */
static const char *frames_piece(char *to, const uint32_t *frames, uint32_t count, size_t kept)
{
    size_t used = 0;
    for (size_t i = 0; i < count && i < kept; i++) {
        used += (size_t)snprintf(to + used, PIECE_MAX - used, "%s%u", i ? ", " : "", frames[i]);
    }
    return to;
}

/* ---- NTLM ------------------------------------------------------------------------------- */

static void say_torn(struct text *text, const struct lone_type3 *type3, uint32_t frame)
{
    const struct logon_conn *client = type3->client_side;
    say(text, "Seen: the type 3 of %s goes to %s and echoes the target information of %s%s, whose type 2 came from %s",
        USER(type3->user), SERVER_AT(type3->conn, frame), NAMES(type3->nb_name, type3->dns_name),
        type3->has_timestamp ? " with its timestamp" : "", SERVER_AT(type3->same_leg->conn, type3->same_leg->frame));
    if (client) {
        say(text, "; the client kept one connection (stream %u) to %s", client->link->stream, SERVER_OF(client));
    }
    say(text,
        "; inferred: %s splits one NTLM handshake over two connections, and the second never issued that "
        "challenge, so the logon fails; next: make the device keep one server connection for each client connection "
        "(no close, no pooling for NTLM), or use Kerberos",
        client ? "the device there" : "a device before it, or the client,");
}

static void say_alone(struct text *text, const struct lone_type3 *type3, uint32_t frame)
{
    say(text,
        "Seen: the type 3 of %s to %s answers a challenge of %s, but this connection, whole from SYN, carried no "
        "type 2",
        USER(type3->user), SERVER_AT(type3->conn, frame), NAMES(type3->nb_name, type3->dns_name));
    if (type3->before) {
        say(text,
            "; on leg %u it came from %s; inferred: the device between sent the type 1 over another server "
            "connection, which the capture lacks",
            type3->before->leg, SERVER_AT(type3->before->conn, type3->before->frame));
    } else {
        say(text, " and none of the capture matches; inferred: the challenge came on a connection outside the "
                  "capture: the handshake was split before it reached this one");
    }
    say(text, "; next: capture all server connections of the device, and make it keep one for each client connection");
}

void logon_challenge_missing(struct judge *judge, const struct event *event)
{
    const struct lone_type3 *type3 = event->logon.type3;
    const bool torn = type3->same_leg != NULL;
    struct finding finding =
        finding_begin(judge, torn ? V_NTLM_TORN : V_TYPE3_ALONE, event->when,
                      about_account(judge, type3->account, type3->leg), all_of(judge, type3->conn));
    if (!finding.begun) {
        return;
    }
    if (torn) {
        say_torn(&finding.text, type3, event->when.frame);
        tell_by(&finding, WHERE_DEVICE, type3->client_side != NULL);
    } else {
        say_alone(&finding.text, type3, event->when.frame);
        tell_by(&finding, type3->before ? WHERE_DEVICE : WHERE_UNKNOWN, false);
    }
}

/* ---- channel bindings -------------------------------------------------------------------- */

static bool bound_to(const struct exchange *request, const struct tls_leaf *leaf)
{
    return leaf && leaf->has_bindings && memcmp(leaf->bindings, request->bound_to, sizeof(leaf->bindings)) == 0;
}

/* The legs before the last one. */
struct bridge {
    const struct logon_conn *bound;  /* the bindings are those of its certificate, or NULL */
    const struct logon_conn *client; /* the first, NULL if the last leg is the only one */
};

static struct bridge bridge_of(const struct exchange *request)
{
    struct bridge bridge = { NULL, NULL };
    for (const struct exchange *before = request->before; before; before = before->before) {
        bridge.client = before->logon;
        if (!bridge.bound && bound_to(request, before->logon->link->leaf)) {
            bridge.bound = before->logon;
        }
    }
    return bridge;
}

static void say_clear(struct text *text, const struct exchange *request, uint32_t frame, const struct bridge *bridge)
{
    say(text, " (frame %u) carries channel bindings of TLS, goes in clear text to %s and is refused with 401",
        request->begin.frame, SERVER_AT(request->logon, frame));
    if (bridge->bound) {
        say(text, "; the bindings are those of the certificate at %s", LEAF(bridge->bound));
    }
    say(text,
        "; inferred: TLS ends at a device before this connection, so the bindings cannot match what the server "
        "sees, if it asks for Extended Protection; next: pass TLS through or encrypt again with the same certificate, "
        "or turn Extended Protection off for this virtual directory");
}

static void say_other_leaf(struct text *text, const struct exchange *request, uint32_t frame,
                           const struct bridge *bridge)
{
    say(text, " (frame %u) carries channel bindings of TLS and is refused with 401 (frame %u) by %s",
        request->begin.frame, frame, LEAF(request->logon));
    if (bridge->bound) {
        say(text, "; the bindings are those of another certificate, at %s", LEAF(bridge->bound));
    } else {
        say(text, ", which presents another certificate than %s before it%s", LEAF(bridge->client),
            request->logon->link->leaf->has_bindings && bridge->client->link->leaf->has_bindings ?
                "; the bindings are those of neither" :
                "");
    }
    say(text,
        "; inferred: a device between ends TLS and encrypts again, so the bindings cannot match what the server "
        "sees, if it asks for Extended Protection; next: install the same certificate on the device and the server, "
        "pass TLS through, or turn Extended Protection off for this virtual directory");
}

static void judge_bindings(struct judge *judge, const struct exchange *request, struct when when)
{
    /* The leg where the server judges, and nothing else that explains the refusal. */
    if (!request->bindings || request->passed_on || request->torn) {
        return;
    }
    const struct conn *link = request->logon->link;
    const struct bridge bridge = bridge_of(request);
    const struct tls_leaf *before = bridge.client ? bridge.client->link->leaf : NULL;
    /* Where the server's own certificate is not known, or is the one that was bound to, or only
     * one leg was captured, nothing can be said. */
    if (link->tls && (!link->leaf || bound_to(request, link->leaf) ||
                      !(bridge.bound || (before && !tls_leaf_equal(before, link->leaf))))) {
        return;
    }
    struct account_memo *memo = account_memo(judge, request->account);
    struct finding finding =
        finding_begin(judge, V_CHANNEL_BINDING, when, about(&memo->result, &memo->once, request->leg), NULL);
    if (!finding.begun) {
        return;
    }
    say(&finding.text, "Seen: the type 3 of %s", USER(request->user));
    if (link->tls) {
        say_other_leaf(&finding.text, request, when.frame, &bridge);
    } else {
        say_clear(&finding.text, request, when.frame, &bridge);
    }
    tell_by(&finding, WHERE_DEVICE, link->tls || bridge.bound);
}

/* ---- refusals ------------------------------------------------------------------------------ */

static void say_refusals(struct text *text, const struct logon_answer *answer, uint32_t frame)
{
    const struct exchange *request = answer->request;
    const struct http_origin *origin = answer->origin;
    say(text, "Seen: %s credentials of ", request->scheme);
    if (request->user[0]) {
        say(text, "%s", NAME(request->user));
    } else {
        say(text, "one client (%s)", request->identity[ID_CLIENT_INFO] ? "X-ClientInfo" : "OutlookSession");
    }
    say(text,
        " for %s were refused with 401 in frames %s, each sent after the refusal before had arrived; the last came "
        "from %s",
        NAME(request->site), FIRST(answer->refusals->frame, answer->refusals->count), SERVER_AT(answer->conn, frame));
    if (origin->front_end[0]) {
        say(text, ", X-FEServer %s", NAME(origin->front_end));
    } else if (origin->server[0]) {
        say(text, ", Server %s", origin->server);
    }
}

static void judge_refusals(struct judge *judge, const struct logon_answer *answer, struct when when)
{
    const struct exchange *request = answer->request;
    if (!answer->refusals || answer->refusals->count != judge->limits.refusals_told) {
        return;
    }
    struct finding finding =
        finding_begin(judge, V_AUTH_REFUSED, when, about_account(judge, answer->account, answer->leg), NULL);
    if (!finding.begun) {
        return;
    }
    const struct site *site = site_find(request->logon->world, request->site, request->leg);
    const bool others =
        request->user[0] && site && site->accepted && (site->several || users_differ(site->accepted, request->user));
    enum verdict_where where = WHERE_DEVICE;
    say_refusals(&finding.text, answer, when.frame);
    if (request->torn) {
        say(&finding.text,
            "; inferred: the handshake is torn (see frame %u), so no password would do; next: mend the "
            "device's handling of NTLM connections",
            request->torn);
    } else if (answer->origin->author == HTTP_BY_DEVICE) {
        say(&finding.text, "; inferred: a device refuses before Exchange sees the logon; next: see why in its log");
    } else if (others) {
        where = WHERE_CLIENT;
        say(&finding.text,
            "; inferred: other users are accepted there, so the name, password or ticket of this one is "
            "wrong, expired or locked; next: see event 4625 and its status in the server's security log");
    } else {
        where = WHERE_UNKNOWN;
        say(&finding.text,
            "; inferred: wrong or expired credentials, or a server that cannot check them; next: see event "
            "4625 and its status in the server's security log, and the service account and SPN if it is Kerberos");
    }
    tell_by(&finding, where, false);
}

void logon_refused(struct judge *judge, const struct event *event)
{
    judge_bindings(judge, event->logon.answer->request, event->when);
    judge_refusals(judge, event->logon.answer, event->when);
}

/* ---- time ------------------------------------------------------------------------------------ */

void logon_answered(struct judge *judge, const struct event *event)
{
    const struct logon_answer *answer = event->logon.answer;
    const struct account *account = answer->account;
    const int64_t ns = event->when.ns - answer->sent.ns, below = answer->below.ns - answer->sent.ns;
    const int64_t most = answer->accepted ? judge->limits.slow_above : judge->limits.very_slow_above;
    if (!answer->checked || ns <= most) {
        return;
    }
    struct finding finding = finding_begin(judge, ns > judge->limits.very_slow_above ? V_AUTH_VERY_SLOW : V_AUTH_SLOW,
                                           event->when, about_account(judge, account, answer->leg), NULL);
    if (!finding.begun) {
        return;
    }
    const bool kept = answer->below.frame && below <= most;
    const bool ntlm = strcmp(account->scheme, "NTLM") == 0 || strcmp(account->scheme, "Negotiate/NTLM") == 0;
    say(&finding.text, "Seen: the %s credentials of %s in frame %u were %s", account->scheme, USER(account->user),
        answer->sent.frame, answer->accepted ? "accepted" : "refused");
    if (answer->status) {
        say(&finding.text, " (%u)", answer->status);
    }
    say(&finding.text, " after %s by %s", SECONDS(ns), SERVER_AT(answer->conn, event->when.frame));
    if (kept) {
        say(&finding.text,
            ", while the answer on the next leg came in frame %u after %s; inferred: the server was "
            "quick, the device between keeps answers back; next: response buffering on that device",
            answer->below.frame, SECONDS(below));
    } else {
        say(&finding.text,
            "; inferred: the server, or the domain controller it asks, is slow to check credentials; next: "
            "%s",
            ntlm ? "look for Netlogon semaphore waits and timeouts on the server (MaxConcurrentApi), or use Kerberos" :
                   "look for Netlogon or Kerberos delays on the server, and at its way to the domain controllers");
    }
    tell_by(&finding, kept ? WHERE_DEVICE : WHERE_SERVER, kept);
}

/* ---- offers ------------------------------------------------------------------------------------ */

void logon_offered(struct judge *judge, const struct event *event)
{
    const struct logon_answer *answer = event->logon.answer;
    const struct exchange *request = answer->request;
    const struct http_origin *origin = answer->origin;
    const struct peer *peer = request->peer;
    if (answer->offers != 1u << AUTH_BASIC || !peer->tried) {
        return;
    }
    struct finding finding = finding_begin(
        judge, V_DOWNGRADED, event->when, about(NULL, memo_once(judge, &peer->memo, ONCE_A_CLIENT), answer->leg), NULL);
    if (!finding.begun) {
        return;
    }
    const bool dropped = request->below_answered && (request->below_offers & (1u << AUTH_NTLM | 1u << AUTH_NEGOTIATE));
    const bool device = origin->author == HTTP_BY_DEVICE;
    say(&finding.text, "Seen: the client tried %s at %s (stream %u, frame %u); the 401 of %s offers only Basic",
        peer->tried, NAME(request->site), peer->tried_stream, peer->tried_frame,
        SERVER_AT(answer->conn, event->when.frame));
    if (dropped) {
        say(&finding.text,
            ", while the server behind offered more on the next leg; inferred: this device takes NTLM and "
            "Negotiate out");
    } else if (device) {
        say(&finding.text, ", written by a device (%s %s); inferred: the device does not pass NTLM or Negotiate on",
            origin->via[0] ? "Via" : "Server", origin->via[0] ? origin->via : origin->server);
    } else {
        say(&finding.text, "; inferred: a proxy takes NTLM and Negotiate out, or the server does not offer them");
    }
    say(&finding.text, "; next: compare with the 401 at the server itself, and with the authentication methods of the "
                       "virtual directory");
    tell_by(&finding, dropped || device ? WHERE_DEVICE : WHERE_UNKNOWN, dropped);
}

void logon_passed_by(struct judge *judge, const struct event *event)
{
    static const char *const then[] = { [PASSED_BY_CLOSE] = "the client closes its connection",
                                        [PASSED_BY_REQUEST] = "the client sends another request without credentials" };
    const struct logon_conn *conn = event->logon.unanswered.conn;
    const struct logon_conn_more *more = conn->more;
    struct once *once = memo_once(judge, &more->lower_site->memo, ONCE_A_HOST);
    struct finding finding =
        finding_begin(judge, V_HEADER_CASE, event->when, about(NULL, once, more->lower_leg), all_of(judge, conn));
    if (!finding.begun) {
        return;
    }
    say(&finding.text,
        "Seen: the 401 of frame %u for %s writes www-authenticate in lower case%s; %s to %s, and no client "
        "of the capture went on after one; inferred: old Outlook does not find the header in lower case, and a device "
        "between wrote it so; next: let the device keep the header names (HAProxy: h1-case-adjust), or update the client",
        more->lower_frame, NAME(more->lower_host),
        more->lower_seen ? ", while the next leg has it in another case" : "", then[event->logon.unanswered.then],
        SERVER_AT(conn, event->when.frame));
    tell_by(&finding, WHERE_DEVICE, more->lower_seen);
}

void logon_bearers_empty(struct judge *judge, const struct event *event)
{
    const struct rounds *rounds = event->logon.rounds;
    if (rounds->count < judge->limits.bearers_told) {
        return;
    }
    struct once *once = memo_once(judge, &rounds->memo, ONCE_A_CLIENT);
    struct finding finding =
        finding_begin(judge, V_EMPTY_BEARER, event->when, about(NULL, once, rounds->conn->link->asked->leg),
                      all_of(judge, rounds->conn));
    if (!finding.begun) {
        return;
    }
    say(&finding.text,
        "Seen: one client (X-ClientInfo) sent an empty Authorization: Bearer %u times, answered 401 in "
        "frames %s, the last by %s; no token and no other scheme followed until the connection ended; inferred: the "
        "client gets no token, or does not read what the server offers; next: see whether the 401 offers Bearer with "
        "authorization_uri, whether the client reaches it, and whether the header names are in lower case",
        rounds->count, FIRST(rounds->frame, rounds->count), SERVER_AT(rounds->conn, rounds->mark));
    tell_by(&finding, WHERE_CLIENT, false);
}

/* ---- shared connections -------------------------------------------------------------------------- */

void logon_stranger(struct judge *judge, const struct event *event)
{
    static const char *const kinds[ID_KINDS] = { [ID_CLIENT_INFO] = "X-ClientInfo",
                                                 [ID_REQUEST_ID] = "X-RequestId",
                                                 [ID_USER_IDENTITY] = "X-User-Identity",
                                                 [ID_OUTLOOK_SESSION] = "OutlookSession",
                                                 [ID_CONTEXT] = "session cookie" };
    const struct exchange *request = event->logon.request;
    const struct logon_conn *conn = request->logon;
    const struct owner *stranger = request->stranger;
    struct finding finding = finding_begin(judge, V_SHARED_CONNECTION, event->when,
                                           about_account(judge, conn->credentials.account, request->leg), NULL);
    if (!finding.begun) {
        return;
    }
    say(&finding.text,
        "Seen: %s authenticated the connection to %s for %s; the request in frame %u on it brings no "
        "credentials and belongs to %s by its %s (stream %u, frame %u)",
        conn->owner_scheme, SERVER_AT(conn, conn->owner_frame), NAME(conn->owner), request->begin.frame,
        NAME(stranger->user), kinds[stranger->kind], stranger->stream, stranger->frame);
    if (request->before) {
        say(&finding.text, ", passed on from stream %u", request->before->logon->link->stream);
    }
    say(&finding.text,
        "; inferred: a device shares an authenticated connection between clients, and the server takes "
        "the request for the first user's; next: turn connection reuse off there (HAProxy: http-reuse never), or use a "
        "scheme that authenticates each request");
    tell_by(&finding, WHERE_DEVICE, request->before != NULL);
}
