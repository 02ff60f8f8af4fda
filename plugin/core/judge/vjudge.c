/* vjudge.c
 * What is wrong with a virtual connection, and how it is said.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chars.h"
#include "vconn_private.h"

#include <inttypes.h>
#include <stdio.h>

static const char *role_name(const struct channel *channel)
{
    return channel->v1 ? "RPC_CONNECT" : channel->role == ROLE_IN ? "IN" : "OUT";
}

/* "IN to 10.0.0.81:80 (tcp.stream 3, frame 12)" */
static void add_channel(struct text *text, const struct channel *channel)
{
    say(text, "%s to ", role_name(channel));
    say_endpoint(text, conn_server(channel->conn->link));
    uint32_t frame = channel_frame(channel);
    if (frame) {
        say(text, " (stream %u, frame %u)", channel->conn->link->stream, frame);
    } else {
        say(text, " (stream %u)", channel->conn->link->stream);
    }
}

static void add_target(struct text *text, const struct channel *channel)
{
    if (channel->target) {
        say(text, " for %s", channel->target);
    }
}

static bool conn_whole(const struct channel *channel)
{
    uint32_t frame;
    return conn_doubt(channel->conn->link, &frame) == DOUBT_NONE;
}

/* ---- Verdicts ---------------------------------------------------------------------- */

/* What is remembered of a server: who ended when. */
struct rpch_memo {
    const struct server *of;
    uint32_t waiting;            /* of its channels, in world->waiting_first */
    struct leg *end_leg[2];      /* whose channel in use the server ended last, and one of another vc */
    struct when ended[2];
    struct when foreign_end;     /* of a connection without such a channel */
    const struct vc *foreign_vc; /* that connection's, or NULL */
    struct when told;            /* server_gone, or the last end that belongs to it */
};

static struct rpch_memo *memo_of_server(struct vworld *world, const struct server *server)
{
    void **memo = memo_of(&server->memo[CONN_RPCH]);
    if (!*memo) {
        struct rpch_memo *made = arena_new(&world->arena, sizeof(*made));
        made->of = server;
        *memo = made;
    }
    return *memo;
}

struct finding {
    enum verdict_kind kind;
    enum verdict_severity severity;
    enum verdict_where where;
    bool seen;                   /* where was seen, not inferred */
};

static void tell(struct leg *leg, struct vworld *world, struct when when, struct finding finding,
                 const struct text *text)
{
    struct verdict *verdict = verdict_add(&world->arena, &world->verdicts, finding.kind, when, text);
    verdict->severity = finding.severity;
    verdict->where = finding.where;
    verdict->where_seen = finding.seen;
    if (leg) {
        verdict->vc = leg->vc->number;
        verdict->leg = leg->number;
    }
    if (leg && (!leg->has_verdict || finding.severity > leg->severity)) {
        leg->has_verdict = true;
        leg->verdict = (uint8_t)finding.kind;
        leg->severity = (uint8_t)finding.severity;
        leg->where = (uint8_t)finding.where;
        leg->where_seen = finding.seen;
        leg->verdict_frame = when.frame;
    }
}

/* The device between two legs: where both halves of the leg before end. */
static const struct endpoint *device_before(const struct leg *leg)
{
    const struct leg *before = leg->prev;
    if (!before || before->hop != RTS_HOP_HTTP || leg->hop != RTS_HOP_HTTP) {
        return NULL;
    }
    const struct channel *in = before->current[ROLE_IN], *out = before->current[ROLE_OUT];
    if (!in || !out || !endpoint_equal(conn_server(in->conn->link), conn_server(out->conn->link))) {
        return NULL;
    }
    return conn_server(in->conn->link);
}

/* ---- Servers that differ ------------------------------------------------------------ */

static bool equal_nocase(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (lower((uint8_t)a[i]) != lower((uint8_t)b[i])) {
            return false;
        }
    }
    return true;
}

static bool is_address(const char *host, size_t len)
{
    bool digits = len > 0;
    for (size_t i = 0; i < len; i++) {
        if (host[i] == ':' || host[i] == '[') {
            return true;
        }
        digits &= (host[i] >= '0' && host[i] <= '9') || host[i] == '.';
    }
    return digits;
}

/* A short name equals the first label of a full one. */
static bool same_host(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len == b_len) {
        return equal_nocase(a, b, a_len);
    }
    if (is_address(a, a_len) || is_address(b, b_len)) {
        return false;
    }
    const char *longer = a_len > b_len ? a : b;
    size_t shorter_len = a_len > b_len ? b_len : a_len;
    const char *shorter = a_len > b_len ? b : a;
    return shorter_len > 0 && !memchr(shorter, '.', shorter_len) && longer[shorter_len] == '.' &&
           equal_nocase(a, b, shorter_len);
}

static bool same_name(const char *a, const char *b)
{
    return same_host(a, strlen(a), b, strlen(b));
}

static bool same_target(const char *a, const char *b)
{
    const char *a_port = strrchr(a, ':'), *b_port = strrchr(b, ':');
    size_t a_len = a_port ? (size_t)(a_port - a) : strlen(a);
    size_t b_len = b_port ? (size_t)(b_port - b) : strlen(b);
    if (!a_port != !b_port || (a_port && strcmp(a_port, b_port) != 0)) {
        return false;
    }
    return same_host(a, a_len, b, b_len);
}

static enum difference compare_servers(const struct vtcp *a, const struct vtcp *b)
{
    if (a == b) {
        return SAME_SERVER;
    }
    /* IPv4 against IPv6 may be one server. */
    if (conn_server(a->link)->family == conn_server(b->link)->family && !endpoint_equal(conn_server(a->link), conn_server(b->link))) {
        return DIFFER_PEER;
    }
    const struct names *x = a->names, *y = b->names;
    if (!x || !y) {
        return SAME_SERVER;
    }
    if (x->front_end && y->front_end && !same_name(x->front_end, y->front_end)) {
        return DIFFER_FRONT_END;
    }
    if (x->persist && y->persist && x->persist_name == y->persist_name && x->persist != y->persist) {
        return DIFFER_PERSISTENCE;
    }
    if (x->challenge && y->challenge && !same_name(x->challenge, y->challenge)) {
        return DIFFER_CHALLENGE;
    }
    return SAME_SERVER;
}

/* The strongest difference between any two channels of the leg. */
static enum difference leg_difference(const struct leg *leg, const struct channel *pair[2])
{
    const struct channel *channels[] = {
        leg->current[ROLE_IN], leg->current[ROLE_OUT], leg_coming(leg, ROLE_IN), leg_coming(leg, ROLE_OUT)
    };
    enum difference found = SAME_SERVER;
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = i + 1; j < 4; j++) {
            if (!channels[i] || !channels[j]) {
                continue;
            }
            enum difference difference = compare_servers(channels[i]->conn, channels[j]->conn);
            if (difference != SAME_SERVER && (found == SAME_SERVER || difference < found)) {
                found = difference;
                pair[0] = channels[i];
                pair[1] = channels[j];
            }
        }
    }
    return found;
}

static void add_difference(struct text *text, enum difference difference, const struct channel *pair[2])
{
    const struct vtcp *a = pair[0]->conn, *b = pair[1]->conn;
    switch (difference) {
    case DIFFER_PEER:
        if (same_address(conn_server(a->link), conn_server(b->link))) {
            say(text, ", two ports of one address");
        }
        break;
    case DIFFER_FRONT_END:
        say(text, ", X-FEServer %s and %s", a->names->front_end, b->names->front_end);
        break;
    case DIFFER_PERSISTENCE:
        say(text, ", cookie %s names %s and %s", a->names->persist_name, a->names->persist, b->names->persist);
        break;
    case DIFFER_CHALLENGE:
        say(text, ", NTLM challenges from %s and %s", a->names->challenge, b->names->challenge);
        break;
    case SAME_SERVER:
        break;
    }
}

static void tell_difference(struct leg *leg, struct when when, enum difference difference,
                            const struct channel *pair[2])
{
    struct vworld *world = leg->vc->world;
    struct text text = { .used = 0 };
    const struct endpoint *device = device_before(leg);
    struct finding finding = {
        V_PROXIES_DIFFER, world->prefs.same_proxy_required ? V_WARNING : V_NOTE, WHERE_DEVICE,
        device || difference != DIFFER_PEER
    };
    say(&text, "Seen: ");
    add_channel(&text, pair[0]);
    say(&text, ", ");
    add_channel(&text, pair[1]);
    add_difference(&text, difference, pair);
    say(&text, "; inferred: ");
    if (device) {
        say(&text, "the device at ");
        say_endpoint(&text, device);
        say(&text, " sent the halves of one virtual connection to two servers");
    } else if (difference != DIFFER_PEER) {
        say(&text, "a device at ");
        say_endpoint(&text, conn_server(pair[0]->conn->link));
        say(&text, " sent the halves of one virtual connection to two servers");
    } else if (leg->hop == RTS_HOP_TCP) {
        say(&text, "the proxies chose different servers for one virtual connection");
    } else {
        say(&text, "a balancer or name resolution gives the halves of one virtual connection to two proxies");
    }
    if (world->prefs.same_proxy_required) {
        say(&text, ", which Exchange 2007 and 2010 do not cope with");
    } else {
        say(&text, "; MS-RPCH 1.3.2 allows different proxies, it harms only where they do not reach the same server");
    }
    say(&text, "; next: see whether CONN/C2 follows; if not, set affinity by client address or session for /rpc");
    tell(leg, world, when, finding, &text);
}

static void judge_targets(struct leg *leg, struct when when)
{
    const struct channel *in = leg_coming(leg, ROLE_IN) ? leg_coming(leg, ROLE_IN) : leg->current[ROLE_IN];
    const struct channel *out = leg_coming(leg, ROLE_OUT) ? leg_coming(leg, ROLE_OUT) : leg->current[ROLE_OUT];
    if (leg->target_told || !in || !out || !in->target || !out->target || same_target(in->target, out->target)) {
        return;
    }
    leg->target_told = true;
    struct text text = { .used = 0 };
    struct finding finding = { V_TARGET_MISMATCH, V_ERROR, WHERE_CLIENT, false };
    say(&text, "Seen: IN asks for %s (frame %u), OUT for %s (frame %u)", in->target, in->request.frame, out->target,
        out->request.frame);
    say(&text, "; inferred: the halves of one virtual connection are meant for different RPC servers and cannot meet, "
               "by the client's configuration or by a device that rewrites the URL");
    say(&text, "; next: compare the server name in the profile or Autodiscover, and rewriting rules for rpcproxy.dll");
    tell(leg, leg->vc->world, when, finding, &text);
}

void judge_pairing(struct leg *leg, struct when when)
{
    const struct channel *pair[2] = { NULL, NULL };
    enum difference difference = leg_difference(leg, pair);
    if (difference != SAME_SERVER) {
        leg->difference = (uint8_t)difference;
        if (!leg->differ_told) {
            leg->differ_told = true;
            tell_difference(leg, when, difference, pair);
        }
        if (!leg_coming(leg, ROLE_IN) && !leg_coming(leg, ROLE_OUT)) {
            judge_joined(leg, when);
        }
    }
    judge_targets(leg, when);
}

void judge_joined(struct leg *leg, struct when when)
{
    const struct channel *in = leg->current[ROLE_IN], *out = leg->current[ROLE_OUT];
    if (!leg->joined || leg->joined_told || leg->difference == SAME_SERVER || !in || !out) {
        return;
    }
    leg->joined_told = true;
    struct text text = { .used = 0 };
    struct finding finding = { V_JOINED_ACROSS_PROXIES, V_CHAT, WHERE_NONE, false };
    say(&text, "Seen: the virtual connection is open with ");
    add_channel(&text, in);
    say(&text, " and ");
    add_channel(&text, out);
    say(&text, "; inferred: both reach the same RPC server, as MS-RPCH 1.3.2 allows; next: nothing, the routing works");
    tell(leg, leg->vc->world, when, finding, &text);
}

/* ---- Halves that never meet --------------------------------------------------------- */

/* Where a device passed this leg on, NULL if that was not seen. */
static struct leg *leg_behind(const struct leg *leg)
{
    struct leg *behind = leg->next;
    return behind && behind->hop == leg->hop && leg->hop == RTS_HOP_HTTP ? behind : NULL;
}

static void add_failure(struct text *text, const struct leg *leg, struct when when)
{
    const char *last = leg->hop == RTS_HOP_TCP ? "CONN/C1" : "CONN/C2";
    if (leg->got_a3.frame) {
        say(text, ", CONN/A3 in frame %u", leg->got_a3.frame);
    }
    say(text, ", but no %s ", last);
    switch ((enum fail_cause)leg->fail_cause) {
    case FAIL_CLOSED:
        say(text, "before the FIN in frame %u", leg->fail_frame);
        break;
    case FAIL_RESET:
        say(text, "before the RST in frame %u", leg->fail_frame);
        break;
    case FAIL_RETRIED:
        say(text, "before the client tried again in frame %u", leg->fail_frame);
        break;
    case FAIL_REFUSED:
        say(text, "before the error response in frame %u", leg->fail_frame);
        break;
    default:
        say(text, "within ");
        say_seconds(text, when.ns - leg->sent_at);
        break;
    }
}

void judge_handshake(struct leg *leg, struct when when)
{
    if (leg->handshake_told || leg->joined || leg->explained || !leg->sent_at) {
        return;
    }
    if (!leg->failed && when.ns - leg->sent_at < HANDSHAKE_WAIT) {
        return;
    }
    if (!leg_sent(leg)) {
        return;
    }
    if (!leg_whole(leg)) {
        leg->withheld = true;
        return;
    }
    leg->handshake_told = true;
    if (!leg->failed) {
        leg->fail_cause = FAIL_TIME;
    }
    const struct channel *in = leg->current[ROLE_IN], *out = leg->current[ROLE_OUT];
    const struct endpoint *device = device_before(leg);
    struct text text = { .used = 0 };
    bool http = leg->hop == RTS_HOP_HTTP;
    say(&text, "Seen: %s on ", http ? "CONN/A1" : "CONN/A2");
    add_channel(&text, out);
    say(&text, ", %s on ", http ? "CONN/B1" : "CONN/B2");
    add_channel(&text, in);
    add_failure(&text, leg, when);
    if (leg->difference != SAME_SERVER) {
        struct finding finding = { V_BACKEND_MISMATCH, V_WARNING, WHERE_DEVICE, device != NULL };
        say(&text, "; inferred: IN and OUT reached different servers that do not share the virtual connection");
        if (device) {
            say(&text, ", split by the device at ");
            say_endpoint(&text, device);
        }
        say(&text, "; next: affinity for /rpc, so that both requests of a client reach one server");
        if (device) {
            say(&text, "; compare that device's log");
        }
        tell(leg, leg->vc->world, when, finding, &text);
        return;
    }
    struct finding finding = { V_NEVER_JOINED, V_WARNING, WHERE_UNKNOWN, false };
    const struct leg *behind = leg->next;
    if (behind && behind->hop == RTS_HOP_HTTP && behind->difference == DIFFER_PEER && !behind->joined) {
        finding.where = WHERE_DEVICE;
        finding.seen = device_before(behind) != NULL;
        say(&text, "; inferred: the device at ");
        say_endpoint(&text, conn_server(in->conn->link));
        say(&text, " gave the halves to different servers, see leg %u", behind->number);
    } else if (leg->late_in_told || (leg->late_out_told && !leg->got_a3.frame)) {
        finding.where = WHERE_DEVICE;
        finding.seen = !leg->late_in_told;
        say(&text, "; inferred: the device at ");
        say_endpoint(&text, conn_server(in->conn->link));
        say(&text, " did not pass on %s in time; next: %s buffering for /rpc there, and its choice of server for both "
                   "requests", leg->late_in_told ? "the body of IN" : "the response to OUT",
            leg->late_in_told ? "request" : "response");
        tell(leg, leg->vc->world, when, finding, &text);
        return;
    } else {
        say(&text, "; inferred: the halves did not meet at one RPC server; whether a device behind ");
        say_endpoint(&text, conn_server(in->conn->link));
        say(&text, " split them or the server failed does not show here");
    }
    say(&text, "; next: capture behind that address, or look for its choice of server for both requests");
    tell(leg, leg->vc->world, when, finding, &text);
}

/* ---- A channel on its own ------------------------------------------------------------ */

/* Another channel of this client and target, of the other role and with no cookie, may be
 * the other half. */
static bool half_may_be_there(const struct channel *channel)
{
    const struct place *place = channel->place;
    if (!place || place->unpaired[!channel->role] == 0) {
        return false;
    }
    int64_t apart = place->latest[!channel->role] - channel_start(channel);
    return apart > -LONE_WAIT && apart < LONE_WAIT;
}

static int64_t lone_wait(const struct channel *channel)
{
    const struct leg *leg = channel->leg;
    if (leg && leg->timeout_ms[channel->role]) {
        return leg->timeout_ms[channel->role] * MILLISECOND;
    }
    return LONE_WAIT;
}

void judge_lone(struct channel *channel, struct when when, bool closed)
{
    if (channel->lone_told || channel->paired || channel->v1 || channel->replaced || channel->is_successor ||
        channel->challenged || channel->refused || channel->rpc_seen ||
        (channel->over && !closed && !channel->lone_due)) {
        return;
    }
    struct leg *leg = channel->leg;
    if (leg && (leg->joined || leg->explained || leg_other(channel))) {
        return;
    }
    if (!channel->first_rts.frame && (!channel->final || channel->again)) {
        return;                  /* perhaps a step of the authentication; or a retry of one that had its half */
    }
    if (closed) {
        channel->lone_due = true;
    }
    if (!channel->lone_due && when.ns - channel_start(channel) < lone_wait(channel)) {
        return;
    }
    uint32_t frame;
    if (conn_doubt(channel->conn->link, &frame) != DOUBT_NONE) {
        if (leg) {
            leg->withheld = true;
        }
        return;
    }
    if (half_may_be_there(channel)) {
        return;
    }
    channel_number(channel, when);
    leg = channel->leg;
    if (leg_other(channel)) {
        return;
    }
    channel->lone_told = true;
    const struct vtcp *conn = channel->conn;
    bool by_client = conn->link->ended && conn->link->ended_by == WAY_TO_SERVER;
    struct text text = { .used = 0 };
    struct finding finding = { V_LONE, V_NOTE, by_client ? WHERE_CLIENT : WHERE_UNKNOWN, false };
    const char *missing = channel->role == ROLE_IN ? "OUT" : "IN";
    say(&text, "Seen: ");
    add_channel(&text, channel);
    add_target(&text, channel);
    if (conn->link->ended) {
        say(&text, ", closed by the %s with %s in frame %u", by_client ? "client's end" : "server's end",
            conn->link->ended_by_rst ? "RST" : "FIN", conn->link->ended_frame);
    } else {
        say(&text, ", open for ");
        say_seconds(&text, when.ns - channel_start(channel));
    }
    say(&text, ", and no %s channel of the same virtual connection", missing);
    if (by_client) {
        say(&text, "; inferred: the client gave up before it opened %s, or %s took a path that was not captured",
            missing, missing);
    } else {
        say(&text, "; inferred: %s was not opened, was stopped on its way, or took a path that was not captured",
            missing);
    }
    say(&text, "; next: look for RPC_%s_DATA from this client in the logs of devices before the server", missing);
    tell(leg, channel->conn->world, when, finding, &text);
}

/* ---- Refusals ------------------------------------------------------------------------ */

static const char *credentials_name(const struct channel *channel)
{
    switch ((enum http_auth_step)channel->step) {
    case HTTP_STEP_NONE:
        return "no credentials";
    case HTTP_STEP_EMPTY:
        return "an empty Authorization header";
    case HTTP_STEP_TYPE1:
        return "an NTLM type 1 message";
    case HTTP_STEP_TYPE3:
        return "an NTLM type 3 message";
    case HTTP_STEP_ANONYMOUS:
        return "anonymous credentials";
    case HTTP_STEP_CREDENTIALS:
        return "credentials";
    case HTTP_STEP_TOKEN:
        return "a Negotiate token";
    }
    return "credentials";
}

static void add_author(struct text *text, const struct http_info *info)
{
    switch (info->author) {
    case HTTP_BY_EXCHANGE:
        say(text, ", answered by Exchange");
        break;
    case HTTP_BY_HTTPSYS:
        say(text, ", answered by HTTP.sys before Exchange saw it");
        break;
    case HTTP_BY_DEVICE:
        say(text, ", answered by a device");
        break;
    case HTTP_BY_UNKNOWN:
        say(text, ", its author does not show");
        break;
    }
}

/* The headers that say so come last: they are long. */
static void add_headers(struct text *text, const struct http_info *info)
{
    const struct {
        const char *name, *value;
    } headers[] = {
        { "X-FEServer", info->front_end }, { "X-FailureContext", info->failure_context },
        { "X-DiagInfo", info->diag_info }, { "Server", info->server_header }, { "Via", info->via },
        { "request-id", info->request_id }, { "EEInfo", info->ee_info }
    };
    const char *separator = "; headers: ";
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (headers[i].value[0]) {
            say(text, "%s%s: %.100s", separator, headers[i].name, headers[i].value);
            separator = ", ";
        }
    }
}

/* Whether a device wrote the response itself: it had passed the request on, and nothing but 200
 * has come back there. */
static bool is_of_device(const struct channel *channel, const struct http_info *info)
{
    const struct leg *behind = channel->leg ? leg_behind(channel->leg) : NULL;
    const struct channel *there = behind ? behind->current[channel->role] : NULL;
    return there && !there->refused && !there->challenged && info->author != HTTP_BY_EXCHANGE && conn_whole(there);
}

struct advice {
    enum verdict_where where;
    const char *inferred, *next;
};

static struct advice advice_for(const struct channel *channel, const struct http_info *info)
{
    enum verdict_where answered = info->author == HTTP_BY_DEVICE ? WHERE_DEVICE :
                                  info->author == HTTP_BY_UNKNOWN ? WHERE_UNKNOWN : WHERE_SERVER;
    if (info->status == 401 || info->status == 407) {
        if (channel->step == HTTP_STEP_TYPE3 && channel->conn->link->tcp.syn && !channel->conn->saw_challenge) {
            return (struct advice){
                WHERE_UNKNOWN, "the credentials were not accepted, and their NTLM challenge did not come on this "
                "connection: the handshake may be torn between two servers",
                "keep a client's connection on one server during NTLM; check the account too"
            };
        }
        return (struct advice){ WHERE_CLIENT, "the credentials were not accepted",
                                "check user name, password, lockout and the allowed authentication methods" };
    }
    if (info->rpc_error) {
        return (struct advice){ WHERE_SERVER, "the RPC proxy did not reach the RPC server or refused the target",
                                "look at that server's RPC service and ports, and at the proxy's ValidPorts" };
    }
    if (channel->leg && channel->leg->joined) {
        return (struct advice){ answered, "the answering side ended a channel that was open",
                                "its time-outs and limits for /rpc, and its log at this time" };
    }
    if ((info->status == 413 || info->status == 411 || info->status == 400) && channel->role == ROLE_IN) {
        return (struct advice){ answered, "the 1 GB body that RPC_IN_DATA announces was not accepted",
                                "raise the limit of the request body for /rpc on devices and in IIS" };
    }
    if (info->status == 417) {
        return (struct advice){ answered, "Expect: 100-continue was not accepted", "let devices pass that header" };
    }
    if (info->status == 404 || info->status == 403) {
        return (struct advice){ answered, "the address /rpc/rpcproxy.dll is not served or not allowed there",
                                "check the RPC over HTTP component, IIS restrictions and publishing rules" };
    }
    if (info->status >= 500) {
        return (struct advice){ answered, "the answering side could not serve the channel",
                                "look at its log at this time, with the request id" };
    }
    return (struct advice){ answered, "only 200 opens a channel: something other than the RPC proxy answered",
                            "look at publishing and redirection rules for /rpc" };
}

void judge_refused(struct channel *channel, struct when when, const struct http_info *info)
{
    if (channel->refusal_told) {
        return;
    }
    channel->refusal_told = true;
    channel_number(channel, when);
    struct text text = { .used = 0 };
    const struct advice advice = advice_for(channel, info);
    const bool device = is_of_device(channel, info);
    struct finding finding = { V_REFUSED, V_WARNING, device ? WHERE_DEVICE : advice.where, device };
    say(&text, "Seen: ");
    add_channel(&text, channel);
    add_target(&text, channel);
    say(&text, ", status %u", info->status);
    if (info->status == 401 || info->status == 407) {
        say(&text, " to %s", credentials_name(channel));
        if (channel->user) {
            say(&text, " of %s", channel->user);
        }
    }
    if (info->rpc_error) {
        const char *name = http_rpc_error_name(info->rpc_error_code);
        say(&text, " RPC Error: 0x%x (%s)", info->rpc_error_code, name ? name : "no known name");
    }
    if (channel->leg && channel->leg->joined && channel->last_body) {
        say(&text, ", ");
        say_seconds(&text, when.ns - channel->last_body);
        say(&text, " after the last byte of its body");
    }
    if (device) {
        say(&text, ", written by the device at ");
        say_endpoint(&text, conn_server(channel->conn->link));
        say(&text, ", for leg %u has no such response", channel->leg->number + 1);
    } else {
        add_author(&text, info);
    }
    say(&text, "; inferred: %s; next: %s", advice.inferred, advice.next);
    add_headers(&text, info);
    tell(channel->leg, channel->conn->world, when, finding, &text);
}

void judge_torn(struct channel *channel, struct when when)
{
    /* Another request may stand in what was not captured. */
    if (channel->refusal_told || !conn_whole(channel)) {
        return;
    }
    channel->refusal_told = channel->refused = true;
    channel_number(channel, when);
    if (channel->leg->current[channel->role] == channel) {
        channel->leg->explained = true;
    }
    struct text text = { .used = 0 };
    bool by_client = channel->conn->link->ended_by == WAY_TO_SERVER;
    struct finding finding = { V_REFUSED, V_WARNING, by_client ? WHERE_CLIENT : WHERE_UNKNOWN, false };
    say(&text, "Seen: ");
    add_channel(&text, channel);
    add_target(&text, channel);
    say(&text, ", status %u to %s in frame %u, then the %s closed the connection without another request",
        channel->challenge_status, credentials_name(channel), channel->challenge_frame,
        by_client ? "client" : "server's end");
    if (by_client) {
        say(&text, "; inferred: the client has no credentials for what was offered, or waits for the user");
    } else {
        say(&text, "; inferred: the authentication was cut off before it ended");
    }
    say(&text, "; next: compare the offered methods with the profile's; NTLM needs one connection to one server");
    tell(channel->leg, channel->conn->world, when, finding, &text);
}

/* ---- Ends ---------------------------------------------------------------------------- */

static void tell_gone(struct rpch_memo *server, const struct leg *other, struct leg *leg, struct vworld *world,
                      struct when when)
{
    server->told = when;
    struct text text = { .used = 0 };
    struct finding finding = { V_SERVER_GONE, V_WARNING, WHERE_SERVER, false };
    say(&text, "Seen: ");
    say_endpoint(&text, &server->of->end);
    if (other) {
        say(&text, " ended channels of virtual connections %u and %u", other->vc->number, leg->vc->number);
    } else {
        say(&text, " ended a channel of virtual connection %u and another connection", leg->vc->number);
    }
    say(&text, " within a second, the last in frame %u", when.frame);
    say(&text, "; inferred: that server or its service stopped or was restarted, it is no idle time-out");
    say(&text, "; next: its event log and the state of its services at this time");
    tell(leg, world, when, finding, &text);
}

/* How long the channel may be idle by what was announced, 0 if nothing was. */
static int64_t channel_interval(const struct channel *channel)
{
    const struct leg *leg = channel->leg;
    uint32_t ms = leg->timeout_ms[channel->role];
    if (!ms) {
        ms = leg->timeout_ms[!channel->role];
    }
    if (!ms) {
        ms = leg->keepalive_ms;
    }
    return ms * MILLISECOND;
}

static void tell_idle(struct channel *channel, struct when when, struct when end, int64_t idle)
{
    struct leg *leg = channel->leg;
    const struct vtcp *conn = channel->conn;
    leg->idle_told = true;
    struct text text = { .used = 0 };
    struct finding finding = { V_IDLE_CLOSED, V_WARNING, WHERE_DEVICE, false };
    say(&text, "Seen: ");
    add_channel(&text, channel);
    say(&text, " was open, the server's end sent %s in frame %u after ", conn->link->ended_by_rst ? "RST" : "FIN", end.frame);
    say_seconds(&text, idle);
    say(&text, " without a body byte either way, ");
    say_seconds(&text, channel_interval(channel));
    say(&text, " were announced");
    say(&text, "; inferred: a device between with a shorter idle time-out, or the server's own");
    say(&text, "; next: idle time-outs of firewalls and balancers on the way to ");
    say_endpoint(&text, conn_server(conn->link));
    say(&text, ", or a shorter MinConnTimeout or keepalive on the client");
    tell(leg, conn->world, when, finding, &text);
}

/* Claimed connections to that server that are still open, those of this virtual
 * connection aside. */
static uint32_t others_open(const struct server *server, const struct leg *leg)
{
    uint32_t own = 0;
    for (int role = ROLE_IN; role <= ROLE_OUT; role++) {
        const struct channel *channels[] = { leg->current[role], leg_coming(leg, role) };
        for (int i = 0; i < 2; i++) {
            own += channels[i] && !channels[i]->conn->link->ended && channels[i]->conn->link->server == server;
        }
    }
    return server->open[CONN_RPCH] > own ? server->open[CONN_RPCH] - own : 0;
}

static bool within(struct when before, struct when now)
{
    return before.frame && now.ns - before.ns <= GONE_WINDOW;
}

/* The end of a channel in use of another virtual connection within the last second. */
static const struct leg *other_end(const struct rpch_memo *server, const struct vc *vc, struct when when)
{
    for (int i = 0; i < 2; i++) {
        if (server->end_leg[i] && server->end_leg[i]->vc != vc && within(server->ended[i], when)) {
            return server->end_leg[i];
        }
    }
    return NULL;
}

static void note_end(struct rpch_memo *server, struct leg *leg, struct when when)
{
    if (server->end_leg[0] && server->end_leg[0]->vc != leg->vc) {
        server->end_leg[1] = server->end_leg[0];
        server->ended[1] = server->ended[0];
    }
    server->end_leg[0] = leg;
    server->ended[0] = when;
}

static void await_hindsight(struct channel *channel, struct when when, int64_t idle)
{
    struct vworld *world = channel->conn->world;
    struct channel_more *more = channel_more(channel);
    more->idle_at = when;
    more->idle_for = idle;
    more->waiting_next = NULL;
    if (world->waiting_last) {
        world->waiting_last->more->waiting_next = channel;
    } else {
        world->waiting_first = channel;
    }
    world->waiting_last = channel;
    memo_of_server(world, channel->conn->link->server)->waiting++;
}

void judge_end(struct channel *channel, struct when when, bool was_open, int64_t idle)
{
    struct vtcp *conn = channel->conn;
    struct leg *leg = channel->leg;
    struct vworld *world = conn->world;
    struct rpch_memo *server = memo_of_server(world, conn->link->server);
    if (conn->link->ended_by != WAY_TO_CLIENT || conn->link->tcp.half[WAY_TO_SERVER].ended || channel->seen_eof || channel->refused) {
        return;
    }
    if (!leg || !was_open || channel->v1) {
        judge_foreign_end(world, conn->link->server, leg ? leg->vc : NULL, when);
        return;
    }
    if (within(server->told, when)) {
        server->told = when;     /* more of the same */
        return;
    }
    const struct leg *other = other_end(server, leg->vc, when);
    bool is_idle = idle >= IDLE_LEAST && idle < channel_interval(channel) && !leg->idle_told;
    note_end(server, leg, when);
    bool foreign = within(server->foreign_end, when) && server->foreign_vc != leg->vc;
    if (other || (is_idle && foreign)) {
        tell_gone(server, other, leg, world, when);
        return;
    }
    if (!is_idle) {
        return;
    }
    uint32_t frame;
    if (conn_doubt(conn->link, &frame) != DOUBT_NONE) {
        leg->withheld = true;
        return;
    }
    if (others_open(conn->link->server, leg) == 0) {
        tell_idle(channel, when, when, idle);
    } else {
        await_hindsight(channel, when, idle);
    }
}

/* The oldest idle_closed that still waits for this server, if it is of another virtual
 * connection or of none. */
void judge_foreign_end(struct vworld *world, struct server *of, const struct vc *vc, struct when when)
{
    struct rpch_memo *server = memo_of_server(world, of);
    server->foreign_end = when;
    server->foreign_vc = vc;
    if (server->waiting == 0 || (within(server->told, when))) {
        return;
    }
    if (server->end_leg[0] && server->end_leg[0]->vc != vc && within(server->ended[0], when)) {
        tell_gone(server, NULL, server->end_leg[0], world, when);
    }
}

void judge_waiting(struct vworld *world, struct when when)
{
    while (world->waiting_first) {
        struct channel *channel = world->waiting_first;
        struct channel_more *more = channel->more;
        struct rpch_memo *server = memo_of_server(world, channel->conn->link->server);
        if (when.ns - more->idle_at.ns <= GONE_WINDOW && when.ns >= more->idle_at.ns) {
            return;
        }
        world->waiting_first = more->waiting_next;
        if (!world->waiting_first) {
            world->waiting_last = NULL;
        }
        more->waiting_next = NULL;
        server->waiting--;
        bool gone = server->told.frame >= more->idle_at.frame;
        if (!gone && !channel->leg->idle_told) {
            tell_idle(channel, when, more->idle_at, more->idle_for);
        }
    }
}

void judge_drop(struct vtcp *conn, struct when when, enum way data, bool by_reset)
{
    struct channel *channel = conn->channel;
    struct probe *half = &conn->probe[data];
    uint32_t frame;
    if (!channel || conn->drop_told) {
        return;
    }
    if (conn_doubt(conn->link, &frame) != DOUBT_NONE) {
        if (channel->leg) {
            channel->leg->withheld = true;
        }
        return;
    }
    conn->drop_told = true;
    half->probing = false;
    channel_number(channel, when);
    struct text text = { .used = 0 };
    struct finding finding = { V_SILENT_DROP, V_WARNING, WHERE_DEVICE, false };
    say(&text, "Seen: ");
    add_channel(&text, channel);
    say(&text, " was idle for ");
    say_seconds(&text, half->probe_idle);
    say(&text, ", then data from the %s in frame %u ", data == WAY_TO_SERVER ? "client" : "server's end",
        half->probe_frame);
    if (by_reset) {
        say(&text, "was answered by RST in frame %u", when.frame);
    } else {
        say(&text, "was sent again %u times without an ACK", half->repeats);
    }
    say(&text, "; inferred: a firewall, NAT or balancer between forgot the connection without telling either end");
    say(&text, "; next: its idle time-out, and a shorter keepalive than that");
    tell(channel->leg, conn->world, when, finding, &text);
}

/* ---- A device that holds back -------------------------------------------------------- */

static void tell_late_out(struct leg *leg, struct when when, const struct leg *behind, struct when there,
                          const char *what, bool arrived)
{
    leg->late_out_told = true;
    struct text text = { .used = 0 };
    struct finding finding = { V_BUFFERED, V_WARNING, WHERE_DEVICE, true };
    say(&text, "Seen: %s came on leg %u in frame %u (", what, behind->number, there.frame);
    add_channel(&text, behind->current[ROLE_OUT]);
    say(&text, arrived ? ") and on leg %u in frame %u, " : ") and has not come on leg %u until frame %u, ", leg->number,
        when.frame);
    say_seconds(&text, when.ns - there.ns);
    say(&text, " later; inferred: the device at ");
    say_endpoint(&text, conn_server(leg->current[ROLE_OUT]->conn->link));
    say(&text, " collects the OUT response before it passes it on; next: switch off response buffering for /rpc there");
    tell(leg, leg->vc->world, when, finding, &text);
}

void judge_buffered_out(struct leg *leg, struct when when, bool is_a3)
{
    const struct leg *behind = leg_behind(leg);
    if (!behind || leg->late_out_told || !leg->current[ROLE_OUT] || !behind->current[ROLE_OUT]) {
        return;
    }
    struct when there = is_a3 ? behind->got_a3 : behind->got_200;
    if (there.frame && when.ns - there.ns >= BUFFERED_WAIT) {
        tell_late_out(leg, when, behind, there, is_a3 ? "CONN/A3" : "the 200 response", true);
    }
}

void judge_withheld_out(struct leg *leg, struct when when)
{
    const struct leg *behind = leg_behind(leg);
    const struct channel *out = leg->current[ROLE_OUT];
    if (!behind || !behind->current[ROLE_OUT] || !behind->got_200.frame || !out || !conn_whole(out)) {
        return;
    }
    if (leg->late_out_told || leg->got_200.frame || leg->got_a3.frame ||
        when.ns - behind->got_200.ns < BUFFERED_WAIT) {
        return;
    }
    tell_late_out(leg, when, behind, behind->got_200, "the 200 response", false);
}

/* at: the leg of the frame that proves it. */
static void tell_late_in(struct leg *leg, struct leg *at, struct when when, const struct leg *behind, bool arrived)
{
    leg->late_in_told = true;
    struct text text = { .used = 0 };
    const bool opened = behind->current[ROLE_IN] != NULL;
    struct finding finding = { V_BUFFERED, V_WARNING, WHERE_DEVICE, opened };
    say(&text, "Seen: the body of ");
    add_channel(&text, leg->current[ROLE_IN]);
    say(&text, " was acknowledged on leg %u, and ", leg->number);
    if (arrived) {
        say(&text, "reached leg %u ", behind->number);
    } else {
        say(&text, "has not reached leg %u ", behind->number);
    }
    say_seconds(&text, when.ns - leg->mark_acked);
    say(&text, " later");
    if (!opened) {
        say(&text, ", where only ");
        add_channel(&text, behind->current[ROLE_OUT]);
        say(&text, " came");
    }
    say(&text, "; inferred: the device at ");
    say_endpoint(&text, conn_server(leg->current[ROLE_IN]->conn->link));
    say(&text, " collects the request body before it passes it on");
    if (!opened) {
        say(&text, ", or has no server for it, or one that was not captured");
    }
    say(&text, "; next: switch off request buffering for /rpc there");
    tell(at, leg->vc->world, when, finding, &text);
}

/* Whether the missing body is held back: the connection it should come on is there, or this
 * client of the server-side leg has an IN request without a body, or it has none at all while
 * the server took OUT. */
static bool is_held_back(const struct leg *behind)
{
    const struct channel *in = behind->current[ROLE_IN], *out = behind->current[ROLE_OUT];
    if (in) {
        return !in->over && !in->conn->link->ended && !in->refused && !in->challenged && conn_whole(in);
    }
    const bool waits = out && out->place && out->place->unpaired[ROLE_IN] > 0;
    return out && (waits || (behind->got_200.frame && !behind->joined)) && !out->refused && conn_whole(out);
}

static void judge_mark(struct leg *leg, struct leg *at, struct when when)
{
    struct channel *in = leg->current[ROLE_IN];
    const struct leg *behind = leg_behind(leg);
    if (!in || !leg->mark_bytes || leg->mark_frame || leg->late_in_told) {
        return;
    }
    const struct tcp_half *half = &in->conn->link->tcp.half[WAY_TO_SERVER];
    if (!leg->mark_acked && half->has_acked && (int32_t)(half->acked - leg->mark_end) >= 0) {
        leg->mark_acked = when.ns;
    }
    if (!behind) {
        return;
    }
    const struct channel *there = behind->current[ROLE_IN];
    bool arrived = there && there->bytes[WAY_TO_SERVER] >= leg->mark_bytes;
    bool late = leg->mark_acked && when.ns - leg->mark_acked >= BUFFERED_WAIT;
    if (late && (arrived || is_held_back(behind)) && conn_whole(in)) {
        tell_late_in(leg, at, when, behind, arrived);
    }
    if (arrived) {
        leg->mark_bytes = 0;
    }
}

void judge_buffered_in(struct leg *leg, struct when when)
{
    if (leg->hop != RTS_HOP_HTTP) {
        return;
    }
    judge_mark(leg, leg, when);
    if (leg->prev && leg_behind(leg->prev) == leg) {
        judge_mark(leg->prev, leg, when);
    }
}

/* ---- Calls and limits ---------------------------------------------------------------- */

void judge_call(struct channel *channel, struct when when, const struct pdu_header *header, uint32_t status)
{
    channel_number(channel, when);
    struct text text = { .used = 0 };
    struct finding finding = { V_CALL_FAILED, V_NOTE, WHERE_SERVER, true };
    if (header->ptype == RPC_FAULT) {
        const char *name = pdu_fault_name(status);
        say(&text, "Seen: fault 0x%08x (%s) for call %u on ", status, name ? name : "no known name", header->call_id);
    } else {
        const char *name = pdu_nak_name((uint16_t)status);
        say(&text, "Seen: bind_nak, reason %u (%s), for call %u on ", status, name ? name : "no known name",
            header->call_id);
    }
    add_channel(&text, channel);
    say(&text, "; inferred: the transport works, the RPC service refused; next: that service's log");
    tell(channel->leg, channel->conn->world, when, finding, &text);
}

void judge_lifetime(struct channel *channel, struct when when)
{
    if (channel->lifetime_told) {
        return;
    }
    channel->lifetime_told = true;
    channel_number(channel, when);
    struct text text = { .used = 0 };
    struct finding finding = {
        V_LIFETIME_EXCEEDED, V_WARNING, channel->role == ROLE_IN ? WHERE_CLIENT : WHERE_SERVER, true
    };
    say(&text, "Seen: ");
    add_channel(&text, channel);
    say(&text, " has carried %" PRIu64 " bytes, its announced lifetime is %" PRIu64, channel->bytes[data_way(channel)],
        channel->lifetime);
    say(&text, "; inferred: the sender did not replace the channel in time (MS-RPCH 3.2.2.4.2), a proxy may cut it");
    say(&text, "; next: whether a successor channel was tried and failed before");
    tell(channel->leg, channel->conn->world, when, finding, &text);
}

void judge_window(struct channel *channel, struct when when)
{
    if (channel->window_told || !channel->leg) {
        return;
    }
    /* The receiver's acknowledgements come on the other channel. */
    if (!channel->leg->current[!channel->role] || !leg_whole(channel->leg) || !conn_whole(channel)) {
        return;
    }
    channel->window_told = true;
    struct text text = { .used = 0 };
    struct finding finding = {
        V_WINDOW_EXCEEDED, V_WARNING, channel->role == ROLE_IN ? WHERE_CLIENT : WHERE_SERVER, true
    };
    say(&text, "Seen: %" PRIu64 " bytes of RPC PDUs on ", channel->rpc_sent);
    add_channel(&text, channel);
    say(&text, ", the receiver had allowed %" PRIu64, channel->limit);
    say(&text, "; inferred: the sender does not keep to the receive window (MS-RPCH 3.2.1.4.1.3), the receiver may "
               "drop the virtual connection");
    say(&text, "; next: version and updates of that sender");
    tell(channel->leg, channel->conn->world, when, finding, &text);
}
