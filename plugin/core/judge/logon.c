/* logon.c
 * What is wrong with logons.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "answer.h"
#include "logon_shared.h"

#include "clocks.h"
#include "logon_words.h"
#include "sender.h"

/* ---- NTLM ------------------------------------------------------------------------------- */

static void say_torn(struct text *text, const struct lone_type3 *type3, uint32_t frame)
{
    static const char *const ends[] = {
        [TORN_BY_SENDER] = "",
        [TORN_BY_REQUEST] = " to a type 1 that asks for the end of its connection (Connection: close, or HTTP/1.0)",
        [TORN_BY_ANSWER] = " and says that its connection ends (Connection: close, or HTTP/1.0)",
        [TORN_BY_SERVER] = ", which closed that connection behind it"
    };
    const struct logon_conn *client = type3->client_side;
    say(text,
        "Seen: the type 3 of %s goes to %s and echoes the target information of %s%s, whose type 2 came from %s%s",
        USER(type3->user), SERVER_AT(type3->conn, frame), NAMES(type3->nb_name, type3->dns_name),
        type3->has_timestamp ? " with its timestamp" : "", SERVER_AT(type3->same_leg->conn, type3->same_leg->frame),
        ends[type3->torn_by]);
    if (client) {
        say(text, "; the client kept one connection (stream %u) to %s", client->link->stream, SERVER_OF(client));
    }
    if (lone_torn_by_server(type3)) {
        say(text,
            "; inferred: the server, or a device before it, does not keep the connection that NTLM began on, without which "
            "it cannot check this answer; next: keep-alive of the server (IIS: HTTP Keep-Alive) and of devices before it");
        return;
    }
    say(text,
        "; inferred: %s splits one NTLM handshake over two connections, and whoever did not issue that challenge cannot "
        "check its answer; next: make the device keep one server connection for each client connection "
        "(no close, no pooling for NTLM), or use Kerberos",
        client ? "the device there" : "a device before it, or the client,");
}

static void say_interleaved(struct text *text, const struct lone_type3 *type3, uint32_t frame)
{
    say(text,
        "Seen: the type 3 of %s goes to %s after the type 2 of frame %u, the newest on this connection, which began %s; "
        "inferred: a device runs two handshakes of NTLM in turns on one server connection, and the server knows only "
        "the newest challenge, so that it cannot check this answer; next: make the device keep one server connection for each client "
        "connection (no pooling for NTLM), or use Kerberos",
        USER(type3->user), SERVER_AT(type3->conn, frame), type3->newest,
        type3->version1 ? "another's handshake" : "another handshake; it answers an older one");
}

static void say_alone(struct text *text, const struct lone_type3 *type3, uint32_t frame)
{
    say(text, "Seen: the type 3 of %s to %s answers a challenge", USER(type3->user), SERVER_AT(type3->conn, frame));
    if (type3->version1) {
        say(text, " (NTLMv1: it does not tell whose)");
    } else {
        say(text, " of %s", NAMES(type3->nb_name, type3->dns_name));
    }
    say(text, ", but this connection, whole from SYN, carried no type 2");
    if (type3->version1) {
        say(text, "; inferred: the challenge came on another connection: the handshake was split");
    } else if (type3->before) {
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
    struct evidence *evidence = all_of(judge, type3->conn);
    if (type3->client_side) { /* that it kept its connection */
        evidence_add(evidence, type3->client_side->link, 0);
    }
    struct finding finding = finding_begin(judge, torn || type3->interleaved ? V_NTLM_TORN : V_TYPE3_ALONE, event->when,
                                           about_account(judge, type3->account, type3->leg), evidence);
    if (!finding.begun) {
        return;
    }
    if (type3->account && (torn || type3->interleaved)) {
        account_memo(judge, type3->account)->torn_frame = event->when.frame;
    }
    if (type3->interleaved) {
        say_interleaved(&finding.text, type3, event->when.frame);
        tell_by(&finding, WHERE_DEVICE, false);
    } else if (torn) {
        say_torn(&finding.text, type3, event->when.frame);
        const bool by_server = lone_torn_by_server(type3);
        tell_by(&finding, by_server ? WHERE_UNKNOWN : WHERE_DEVICE, type3->client_side && !by_server);
    } else {
        say_alone(&finding.text, type3, event->when.frame);
        tell_by(&finding, type3->before ? WHERE_DEVICE : WHERE_UNKNOWN, false);
    }
}

/* What was told of that type 3 holds no longer: whoever it went to could check it. */
static void torn_accepted(struct judge *judge, const struct event *event)
{
    const struct logon_answer *answer = event->logon.answer;
    struct account_memo *memo = answer->account->memo;
    const struct exchange *request = answer->request ? answer->request : exchange_oldest(answer->conn->link);
    const uint32_t torn = request ? request->torn : 0;
    if (!answer->accepted || !memo || !torn || torn != answer->sent.frame || torn > memo->torn_frame ||
        torn == memo->accepted_frame) {
        return;
    }
    struct finding finding =
        finding_begin(judge, V_TORN_ACCEPTED, event->when, about_account(judge, answer->account, answer->leg), NULL);
    if (!finding.begun) {
        return;
    }
    memo->accepted_frame = torn;
    finding.explained = torn;
    finding.subject.result = NULL; /* its row tells how it is now */
    if (memo->result.verdict == V_NTLM_TORN && memo->result.frame == torn) {
        memo->result = (struct result){ .withheld = memo->result.withheld, .doubtful = memo->result.doubtful };
    }
    say(&finding.text,
        "Seen: the type 3 of %s in frame %u is accepted by %s, so %s there holds no longer; inferred: what answers there "
        "keeps the challenge for more than its connection; next: nothing, unless other logons fail",
        USER(answer->account->user), torn, SERVER_AT(answer->conn, event->when.frame), verdict_filter(V_NTLM_TORN));
    tell(&finding);
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
        say(text, "one client (%s)",
            request->identity[ID_CLIENT_INFO]     ? "X-ClientInfo" :
            request->identity[ID_OUTLOOK_SESSION] ? "OutlookSession" :
                                                    "address");
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
    say_krb_error(text, answer->krb_error);
}

/* The way by which the same client was accepted since the first of these refusals, but not after the last. */
static const struct way_accepted *other_way(const struct logon_answer *answer)
{
    const struct tried *tried = answer->request->tried;
    const struct way_accepted *newest = NULL;
    for (unsigned way = 0; tried && way < AUTH_WAYS; way++) {
        const struct way_accepted *accepted = &tried->way[way];
        if (accepted->frame > answer->refusals->frame[0] && (!newest || accepted->frame > newest->frame)) {
            newest = accepted; /* were it this way, it had ended the row */
        }
    }
    return newest;
}

static void say_service(struct text *text, const struct exchange *request)
{
    if (request->kerberos) {
        say(text, "; the ticket is for %s",
            request->service[0] ? NAME(request->service) : "a service that cannot be read");
    }
}

/* What the server's KRB-ERROR means. False: it sent none, or one that says too little. */
static bool say_ticket(struct text *text, const struct logon_answer *answer)
{
    const unsigned traits = answer_krb_error(answer->krb_error);
    const struct answer refused = { .protocol = ANSWER_MAPI, .status = 401, .traits = traits };
    const struct advice advice = answer_advice(&refused);
    if (traits) {
        say_advice(text, &advice);
    }
    return traits != 0;
}

static bool judge_other_way(struct judge *judge, const struct logon_answer *answer, struct when when)
{
    const struct exchange *request = answer->request;
    const struct way_accepted *other = other_way(answer);
    if (!other) {
        return false;
    }
    struct finding finding =
        finding_begin(judge, V_AUTH_REFUSED_NOTE, when, about_account(judge, answer->account, answer->leg), NULL);
    if (!finding.begun) {
        return true;
    }
    say_refusals(&finding.text, answer, when.frame);
    say(&finding.text, "; the same client was accepted by %s in frame %u", other->scheme, other->frame);
    say_service(&finding.text, request);
    if (say_ticket(&finding.text, answer)) {
        /* it says why */
    } else if (request->kerberos) {
        say(&finding.text,
            "; inferred: Kerberos never works for this name, each connection falls back: the service name (SPN) is "
            "missing or on another account than the servers use; next: setspn -Q %s, and the Alternate Service Account "
            "(ASA) of the Client Access servers (RollAlternateServiceAccountPassword.ps1)",
            request->service[0] ? NAME(request->service) : "http/<name>");
    } else {
        say(&finding.text, "; inferred: this scheme is always refused for this client, who gets in by the other one; "
                           "next: whether the virtual directory and the devices before it accept this scheme, and "
                           "which credentials the client keeps for it");
    }
    tell_by(&finding, WHERE_UNKNOWN, false);
    return true;
}

/* What is known of a scheme whose credentials are right and refused nevertheless. False: nothing. */
static bool judge_by_scheme(struct finding *finding, const struct logon_answer *answer, enum verdict_where *where)
{
    const struct exchange *request = answer->request;
    const bool explained = answer->reason && answer->reason[0]; /* who says why looked at the token */
    if (answer->offers && !explained && request->scheme_id != AUTH_OTHER &&
        !(answer->offers >> request->scheme_id & 1)) {
        const struct answer not_offered = { .protocol = ANSWER_MAPI, .status = 401, .traits = ANSWER_NOT_OFFERED };
        const struct advice advice = answer_advice(&not_offered);
        say_advice(&finding->text, &advice);
        return true;
    }
    if (request->scheme_id == AUTH_BEARER) {
        if (explained) {
            say(&finding->text, "; it says: %s", answer->reason);
        }
        if (same_token(answer->refusals)) {
            *where = say_same_token(finding, answer->reason);
            return true;
        }
        say(&finding->text,
            "; inferred: the server does not take these tokens; next: their audience (the name that Outlook asks) and "
            "issuer, the clock of the server, its OAuth configuration (Get-AuthServer, Get-AuthConfig), and policies "
            "that refuse this user or device");
        return true;
    }
    if (say_ticket(&finding->text, answer)) {
        return true;
    }
    if (request->version1 && !request->torn) {
        say(&finding->text,
            "; the type 3 is NTLMv1; inferred: NTLMv1 cannot carry channel bindings, which Extended Protection asks "
            "for, and domain controllers with LmCompatibilityLevel 5 refuse it, whatever the password; next: "
            "LmCompatibilityLevel of the client (3 or more sends NTLMv2) and policies that set it; then event 4625");
        return true;
    }
    return false;
}

static void judge_refusals(struct judge *judge, const struct logon_answer *answer, struct when when)
{
    const struct exchange *request = answer->request;
    if (!answer->refusals || answer->refusals->count != judge->limits.refusals_told || answer->refusals->left) {
        return;
    }
    if (judge_other_way(judge, answer, when)) {
        return;
    }
    struct finding finding =
        finding_begin(judge, V_AUTH_REFUSED, when, about_account(judge, answer->account, answer->leg), NULL);
    if (!finding.begun) {
        return;
    }
    const uint32_t bindings = explained_by_bindings(judge, answer);
    enum verdict_where where = WHERE_UNKNOWN;
    say_refusals(&finding.text, answer, when.frame);
    if (request->service[0]) {
        say_service(&finding.text, request);
    }
    if (judge_by_scheme(&finding, answer, &where)) {
        /* it says what it may be */
    } else if (request->torn) {
        where = request->torn_by_server ? WHERE_UNKNOWN : WHERE_DEVICE;
        finding.explained = request->torn;
        say(&finding.text,
            "; inferred: the handshake is torn (see frame %u), so no password would do; next: who ends or changes "
            "connections during NTLM, as that frame says",
            request->torn);
    } else if (bindings) {
        where = WHERE_DEVICE;
        finding.explained = bindings;
        say(&finding.text,
            "; inferred: the channel bindings cannot match there (see frame %u), so no password would do, if the server "
            "asks for Extended Protection; next: as that frame says; then event 4625",
            bindings);
    } else if (taken_of_others(answer->taken, request) && !request->below_unbound) {
        where = WHERE_CLIENT;
        say(&finding.text,
            "; inferred: that server accepts other users by this scheme, so the name, password or ticket of this one is "
            "wrong, expired or locked; next: see event 4625 and its status in the server's security log");
    } else {
        say(&finding.text,
            "; inferred: wrong or expired credentials, or a server that cannot check them; next: see event "
            "4625 and its status in the server's security log, and the service account and SPN if it is Kerberos");
    }
    tell_by(&finding, where, false);
}

void logon_refused(struct judge *judge, const struct event *event)
{
    judge_bindings(judge, event->logon.answer, event->when);
    judge_refusals(judge, event->logon.answer, event->when);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* Times on the next leg are those of another clock. */
static bool differs_from_below(const struct logon_answer *answer)
{
    const struct exchange *after = answer->request ? answer->request->after : NULL;
    return after && clocks_differ(answer->request->link, after->link);
}

/* The next leg has the request, and no answer that was seen to take its time: an answer before what it answers is one of a clock
 * that differs, or belongs to another. */
static bool lacks_time_below(const struct logon_answer *answer)
{
    const struct exchange *request = answer->request;
    return answer->below.frame ? answer->below.ns < answer->sent.ns : request && (request->passed_on || request->after);
}

void logon_answered(struct judge *judge, const struct event *event)
{
    const struct logon_answer *answer = event->logon.answer;
    const struct account *account = answer->account;
    const int64_t ns = answer->time_ns, below = answer->below.ns - answer->sent.ns;
    const int64_t most = answer->accepted ? judge->limits.slow_above : judge->limits.very_slow_above;
    torn_accepted(judge, event);
    if (!answer->checked || ns <= most) {
        return;
    }
    struct finding finding = finding_begin(judge, ns > judge->limits.very_slow_above ? V_AUTH_VERY_SLOW : V_AUTH_SLOW,
                                           event->when, about_account(judge, account, answer->leg), NULL);
    if (!finding.begun) {
        return;
    }
    const bool differ = differs_from_below(answer);
    const bool kept = answer->below.frame && !differ && below >= 0 && below <= most;
    const struct conn *link = answer->conn->link;
    const bool lacks = !differ && lacks_time_below(answer);
    const bool beyond = differ || lacks || clocks_hide_behind(link->track, &link->client, conn_server(link));
    const bool ntlm = strcmp(account->scheme, "NTLM") == 0 || strcmp(account->scheme, "Negotiate/NTLM") == 0;
    say(&finding.text, "Seen: the %s credentials of %s in frame %u were %s", account->scheme, USER(account->user),
        answer->sent.frame, answer->accepted ? "accepted" : "refused");
    if (answer->status) {
        say(&finding.text, " (%u)", answer->status);
    }
    say(&finding.text, " after %s by %s", SECONDS(ns), SERVER_AT(answer->conn, event->when.frame));
    if (answer->work_ns > 0) {
        say(&finding.text, ", less the %s that it worked (X-ElapsedTime)", SECONDS(answer->work_ns));
    }
    if (kept) {
        say(&finding.text,
            ", while the answer on the next leg came in frame %u after %s; inferred: the server was "
            "quick, the device between keeps answers back; next: response buffering on that device",
            answer->below.frame, SECONDS(below));
    } else {
        say(&finding.text,
            "; inferred: the server, or the domain controller it asks, is slow to check credentials%s; next: "
            "%s",
            lacks  ? ", or the device before it kept the answer: when the next leg had it does not show" :
            beyond ? ", or the device before it kept the answer: its two sides have clocks that differ" :
                     "",
            ntlm ? "look for Netlogon semaphore waits and timeouts on the server (MaxConcurrentApi), or use Kerberos" :
                   "look for Netlogon or Kerberos delays on the server, and at its way to the domain controllers");
    }
    finding.hop = kept && answer->request && answer->request->after ? answer->request->after->link : NULL;
    tell_by(&finding, kept ? WHERE_DEVICE : beyond ? WHERE_UNKNOWN : WHERE_SERVER, kept);
}

/* ---- offers ------------------------------------------------------------------------------------ */

void logon_offered(struct judge *judge, const struct event *event)
{
    const struct logon_answer *answer = event->logon.answer;
    const struct exchange *request = answer->request;
    const struct http_origin *origin = answer->origin;
    const struct peer *peer = request->peer;
    if (answer->offers != 1u << AUTH_BASIC || !peer->tried || peer->tried_at != request->directory) {
        return;
    }
    struct finding finding =
        finding_begin(judge, V_DOWNGRADED, event->when,
                      about_logon(NULL, memo_once(judge, &peer->memo, ONCE_A_CLIENT), answer->leg), NULL);
    if (!finding.begun) {
        return;
    }
    const bool dropped = request->below_answered && (request->below_offers & (1u << AUTH_NTLM | 1u << AUTH_NEGOTIATE));
    say(&finding.text, "Seen: the client tried %s at %s (stream %u, frame %u); the 401 of %s offers only Basic",
        peer->tried, NAME(request->site), peer->tried_stream, peer->tried_frame,
        SERVER_AT(answer->conn, event->when.frame));
    if (dropped) {
        say(&finding.text,
            ", while the server behind offered more on the next leg; inferred: this device takes NTLM and "
            "Negotiate out");
    } else {
        if (origin->passed_on) {
            say(&finding.text, ", with %s: %s", origin->via[0] ? "Via" : "Server",
                origin->via[0] ? origin->via : origin->server);
        }
        say(&finding.text,
            "; inferred: a device between takes NTLM and Negotiate out, or the server does not offer them");
    }
    say(&finding.text, "; next: compare with the 401 at the server itself, and with the authentication methods of the "
                       "virtual directory");
    tell_by(&finding, dropped ? WHERE_DEVICE : WHERE_UNKNOWN, dropped);
}

void logon_passed_by(struct judge *judge, const struct event *event)
{
    static const char *const then[] = { [PASSED_BY_CLOSE] = "the client closes its connection",
                                        [PASSED_BY_REQUEST] = "the client sends another request without credentials" };
    const struct logon_conn *conn = event->logon.unanswered.conn;
    const struct logon_conn_more *more = conn->more;
    struct once *once = memo_once(judge, &more->lower_site->memo, ONCE_A_HOST);
    struct finding finding =
        finding_begin(judge, V_HEADER_CASE, event->when, about_logon(NULL, once, more->lower_leg), all_of(judge, conn));
    if (!finding.begun) {
        return;
    }
    say(&finding.text,
        "Seen: the 401 of frame %u for %s writes www-authenticate in lower case%s; %s to %s, and never "
        "went on after one; inferred: old Outlook does not find the header in lower case, and a device "
        "between wrote it so; next: let the device keep the header names (HAProxy: h1-case-adjust), or update the client",
        more->lower_frame, NAME(more->lower_host),
        more->lower_seen ? ", while the next leg has it in another case" : "", then[event->logon.unanswered.then],
        SERVER_AT(conn, event->when.frame));
    tell_by(&finding, WHERE_DEVICE, more->lower_seen);
}

static struct evidence *all_of_series(struct judge *judge, const struct in_a_row *series)
{
    struct evidence *evidence = evidence_new(judge);
    for (unsigned i = 0; i < SERIES_KEPT; i++) {
        evidence_add(evidence, series->at[i].conn->link, 0);
        evidence->more |= series->at[i].conn->lost;
    }
    return evidence;
}

/* Of those that the text names. */
static bool any_by_server(const struct in_a_row *series)
{
    return series->at[0].by_server || series->at[1].by_server || series->at[2].by_server;
}

static bool all_asked(const struct in_a_row *series)
{
    return series->at[0].asked && series->at[1].asked && series->at[2].asked;
}
_Static_assert(SERIES_KEPT == 3, "all of a series are looked at");

/* What a device leaves is not for sure its own client's doing. */
static bool may_be_device(const struct logon_conn *conn)
{
    return sender_at(conn->link, conn->link->asked->leg, conn->forwarded) != SENDER_CLIENT;
}

void logon_no_challenge(struct judge *judge, const struct event *event)
{
    const struct tried *tried = event->logon.tried;
    const struct in_a_row *series = tried->of;
    const bool bare = series == tried->bare;
    const struct place_of *last = &series->at[SERIES_KEPT - 1];
    struct once *once = memo_once(judge, (void *const *)&tried->memo, ONCE_A_CLIENT);
    struct finding finding =
        finding_begin(judge, V_NO_CHALLENGE, event->when, about_logon(NULL, once, last->conn->link->asked->leg),
                      all_of_series(judge, series));
    if (!finding.begun) {
        return;
    }
    struct text *text = &finding.text;
    say(text, "Seen: one client (%s) began %u handshakes of NTLM for %s in a row", tried->told_by, series->count,
        NAME(tried->host));
    if (bare) {
        say(text, " and got 401 without a challenge each time, in frames %u, %u, %u, the last from %s",
            series->at[0].frame, series->at[1].frame, last->frame, SERVER_AT(last->conn, last->frame));
        say(text, series->behind ?
                      "; on the next leg the server sent its challenge; inferred: the device between takes it out; "
                      "next: let the device pass WWW-Authenticate on, and keep the connection" :
                      "; inferred: the server, or a device before it, does not take part in the handshake: NTLM is "
                      "off for this virtual directory, or the device opens a connection for each request; next: "
                      "its providers (IIS: Windows Authentication), and what devices do with WWW-Authenticate");
        tell_by(&finding, series->behind ? WHERE_DEVICE : WHERE_UNKNOWN, series->behind);
        return;
    }
    say(text, "; the challenges in frames %u, %u, %u, the last from %s, got no type 3: none of them answered",
        series->at[0].frame, series->at[1].frame, last->frame, SERVER_AT(last->conn, last->frame));
    if (all_asked(series)) {
        say(text,
            ", and their requests ask for the end of the connection (Connection: close, or HTTP/1.0); inferred: what sends "
            "them does not keep the connection that "
            "NTLM needs; next: make the device before the server keep one server connection for each client "
            "connection");
        tell_by(&finding, WHERE_DEVICE, false);
        return;
    }
    const bool by_server = any_by_server(series), device = may_be_device(last->conn);
    if (by_server) {
        say(text, ", and the server's end closed first; inferred: what closes behind a 401 ends the handshake of NTLM, "
                  "which needs its connection; next: Connection and keep-alive settings of the server and of devices "
                  "before it");
    } else {
        say(text, "; inferred: the client may not or cannot use NTLM towards this name");
        if (device) {
            say(text, ", or the device at %s, which sent this, keeps the challenges from it",
                ENDPOINT(&last->conn->link->client));
        }
        say(text,
            "; next: %spolicies on outgoing NTLM and LmCompatibilityLevel of the client, zones and stored credentials "
            "for this name, and whether others get in by it",
            device ? "a capture before that device; " : "");
    }
    tell_by(&finding, by_server || device ? WHERE_UNKNOWN : WHERE_CLIENT, false);
}

void logon_bearers_empty(struct judge *judge, const struct event *event)
{
    const struct rounds *rounds = event->logon.rounds;
    if (rounds->count < judge->limits.bearers_told) {
        return;
    }
    const bool device = may_be_device(rounds->conn);
    struct once *once = memo_once(judge, &rounds->memo, ONCE_A_CLIENT);
    struct finding finding =
        finding_begin(judge, V_EMPTY_BEARER, event->when, about_logon(NULL, once, rounds->conn->link->asked->leg),
                      all_of(judge, rounds->conn));
    if (!finding.begun) {
        return;
    }
    say(&finding.text,
        "Seen: one client (X-ClientInfo) sent an empty Authorization: Bearer %u times, answered 401 in "
        "frames %s, the last by %s; no token and no other scheme followed until the connection ended; inferred: the "
        "client gets no token, or does not read what the server offers%s; next: see whether the 401 offers Bearer with "
        "authorization_uri, whether the client reaches it, and whether the header names are in lower case",
        rounds->count, FIRST(rounds->frame, rounds->count), SERVER_AT(rounds->conn, rounds->mark),
        device ? ", or the device that sent this keeps it from the client" : "");
    tell_by(&finding, device ? WHERE_UNKNOWN : WHERE_CLIENT, false);
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
