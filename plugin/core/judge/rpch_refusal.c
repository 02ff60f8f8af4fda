/* rpch_refusal.c
 * Channels and calls that are refused.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "answer.h"
#include "logon_state.h"
#include "rpch.h"

static const char *credentials_name(const struct channel *channel)
{
    switch ((enum auth_step)channel->step) {
    case AUTH_STEP_NONE:
        return "no credentials";
    case AUTH_STEP_EMPTY:
        return "an empty Authorization header";
    case AUTH_STEP_TYPE1:
        return "an NTLM type 1 message";
    case AUTH_STEP_TYPE3:
        return channel->anonymous ? "anonymous credentials" : "an NTLM type 3 message";
    case AUTH_STEP_AP_REQ:
    case AUTH_STEP_BASIC:
    case AUTH_STEP_BEARER:
        return "credentials";
    case AUTH_STEP_TYPE2:
    case AUTH_STEP_AP_REP:
    case AUTH_STEP_TOKEN:
        return "a Negotiate token";
    }
    return "credentials";
}

/* Whether a device wrote the response itself: it had passed the request on, and nothing but 200
 * has come back there. */
static bool is_of_device(const struct channel *channel, const struct http_info *info)
{
    const struct leg *behind = channel->leg ? leg_behind(channel->leg) : NULL;
    const struct channel *there = behind ? behind->current[channel->role] : NULL;
    return there && !there->refused && !there->challenged && !http_is_exchange(info->author) && conn_whole(there) &&
           legs_compare(channel->leg, behind);
}

/* A 401 that does not say how to log on. */
static bool is_bare(const struct channel *channel, const struct http_info *info)
{
    return info->status == 401 && !info->offers_auth && channel->step == AUTH_STEP_NONE;
}

/* The frame in which the leg behind has that 401 with its offers; 0 if there is none. */
static uint32_t offered_behind(const struct channel *channel, const struct http_info *info)
{
    const struct leg *behind = channel->leg ? leg_behind(channel->leg) : NULL;
    const struct channel *there = behind ? behind->current[channel->role] : NULL;
    return is_bare(channel, info) && there && there->challenged && there->challenge_status == 401 ?
               there->challenge_frame :
               0;
}

static bool asks_for_credentials(const struct http_info *info)
{
    return info->status == 401 || info->status == 407;
}

/* Whether an NTLM challenge was answered that did not come on this connection. */
static bool is_torn(const struct channel *channel)
{
    return channel->step == AUTH_STEP_TYPE3 && !channel->anonymous && channel->conn->link->tcp.syn &&
           !channel->conn->saw_challenge;
}

/* The leg behind has the other half and not this request; NULL where that does not show. */
static const struct leg *kept_before(const struct channel *channel)
{
    const struct leg *behind = channel->leg ? leg_behind(channel->leg) : NULL;
    return behind && !behind->current[channel->role] && behind->current[!channel->role] &&
                   !leg_coming(behind, channel->role) && legs_compare(channel->leg, behind) ?
               behind :
               NULL;
}

/* Whether OUT is served where IN is refused. */
static bool out_is_served(const struct channel *in)
{
    const struct channel *out = leg_other(in);
    return in->leg->got_200.frame && out && !out->refused && channel_tcp(out)->server == channel_tcp(in)->server;
}

/* OUT, whose body is small, got a 400 there, too: it is not the 1 GB body that IN announces. */
static bool out_is_bad_too(const struct channel *in)
{
    const struct channel *out = leg_other(in);
    return out && out->refused && out->refused_status == 400 && channel_tcp(out)->server == channel_tcp(in)->server;
}

/* A successor that never took over. */
static bool is_replacement(const struct channel *channel)
{
    return channel->is_successor && !channel_in_use(channel);
}

const struct exchange *channel_request(const struct channel *channel)
{
    const struct conn *link = channel_tcp(channel);
    const struct exchange *request = link->asked ? exchange_oldest(link) : NULL;
    return request && request->begin.frame == channel->request.frame ? request : NULL;
}

/* What its server takes of others by the same way. NTLMv1 may be what is refused, whoever sends it. */
static bool others_are_taken(const struct exchange *request, const struct http_info *info)
{
    const struct span front_end = span_of((const uint8_t *)info->front_end, strlen(info->front_end));
    return request->final && !request->version1 && taken_of_others(taken_find(request, front_end), request);
}

static unsigned request_traits(const struct channel *channel, const struct http_info *info)
{
    const struct exchange *request = channel_request(channel);
    if (!request) {
        return 0;
    }
    const bool offered = !info->offers || info->offers >> request->scheme_id & 1;
    const bool in_vain = request_bound_in_vain(request);
    return (request->expects && !request->go_on.frame && !channel->bytes[WAY_TO_SERVER] ? ANSWER_EXPECT : 0u) |
           (in_vain ? ANSWER_BOUND : 0u) |
           (request->final && request->scheme_id != AUTH_OTHER && !offered ? ANSWER_NOT_OFFERED : 0u) |
           (!in_vain && others_are_taken(request, info) ? ANSWER_OTHERS : 0u);
}

static unsigned credential_traits(const struct judge_limits *limits, const struct channel *channel, unsigned status)
{
    return (is_torn(channel) ? ANSWER_TORN : 0u) | (channel->step == AUTH_STEP_AP_REQ ? ANSWER_KERBEROS : 0u) |
           (channel->step == AUTH_STEP_BEARER ? ANSWER_BEARER : 0u) |
           (status == 407 && !channel->proxy_final ? ANSWER_UNTRIED : 0u) |
           (channel->auth_len <= limits->big_token                                ? 0u :
            channel->step == AUTH_STEP_AP_REQ || channel->step == AUTH_STEP_TOKEN ? ANSWER_BIG_TOKEN :
                                                                                    ANSWER_LONG_HEADERS);
}

static struct answer answer_of(const struct judge_limits *limits, const struct channel *channel,
                               const struct http_info *info)
{
    struct answer answer = { .protocol = ANSWER_RPCH,
                             .author = info->author,
                             .status = info->status,
                             .rpc_error = info->rpc_error_code,
                             .traits = answer_words(info->page.words) | answer_krb_error(info->krb_error) };
    answer.traits |= info->rpc_error ? ANSWER_RPC_ERROR : 0u;
    answer.failure = info->front.failure;
    answer.traits |= credential_traits(limits, channel, info->status) | request_traits(channel, info);
    answer.traits |= is_of_device(channel, info) ? ANSWER_PASSED_ON : 0u;
    answer.traits |= is_bare(channel, info) ? ANSWER_BARE : 0u;
    answer.traits |= channel->is_echo ? ANSWER_ECHO : 0u;
    answer.traits |= channel->leg->joined && channel_in_use(channel) ? ANSWER_OPEN : 0u;
    answer.traits |= channel_tcp(channel)->server->joined ? ANSWER_SERVED : 0u;
    if (channel->role == ROLE_IN && !channel->v1 && !channel->is_echo &&
        !(info->status == 400 && out_is_bad_too(channel))) {
        answer.traits |= out_is_served(channel) ? ANSWER_IN | ANSWER_IN_ALONE : ANSWER_IN;
    }
    return answer;
}

static void say_status(struct text *text, const struct channel *channel, const struct http_info *info, struct when when)
{
    say_channel(text, channel);
    if (is_replacement(channel)) {
        say(text, ", which was to replace the %s of an open virtual connection",
            channel->role == ROLE_IN ? "IN" : "OUT");
    }
    say(text, ", status %u", info->status);
    if (channel->is_echo && when.ns - channel->request.ns >= SECOND) {
        say(text, " after %s", SECONDS(when.ns - channel->request.ns));
    }
    if (info->status == 200) {
        say(text, " with %s in place of application/rpc", info->content_type[0] ? info->content_type : "no body");
    }
    if (asks_for_credentials(info)) {
        const bool by_proxy = info->status == 407;
        say(text, " to %s",
            !by_proxy            ? credentials_name(channel) :
            channel->proxy_final ? "credentials for the proxy" :
                                   "a request without credentials for a proxy, the third time in a row");
        if (channel->user && !by_proxy) {
            say(text, " of %s", channel->user);
        }
        say_krb_error(text, info->krb_error);
    }
    if (info->rpc_error) {
        say(text, " RPC Error: 0x%x (%s)", info->rpc_error_code, known_name(http_rpc_error_name(info->rpc_error_code)));
    }
    if (channel->leg->joined && channel->last_body && channel_in_use(channel)) {
        say(text, ", %s after the last byte of its body", SECONDS(when.ns - channel->last_body));
    }
}

/* Whose doing it is, where the leg behind shows it. */
static enum verdict_where say_refuser(struct text *text, const struct channel *channel, const struct http_info *info,
                                      bool *seen)
{
    const struct leg *kept = kept_before(channel);
    *seen = is_of_device(channel, info);
    if (*seen) {
        say(text, ", and leg %u had no such response by then", channel->leg->number + 1);
        return WHERE_DEVICE;
    }
    const uint32_t offered = offered_behind(channel, info);
    if (offered) {
        *seen = true;
        say(text, ", while the 401 on leg %u (frame %u) says how to log on", channel->leg->number + 1, offered);
        return WHERE_DEVICE;
    }
    say_writer(text, "answered", &(struct writer){ info->author, info->status, info->product, info->page.title });
    if (!kept) {
        return WHERE_NONE;
    }
    say(text, "; leg %u has %s and not this request", kept->number, channel->role == ROLE_IN ? "OUT" : "IN");
    return http_is_windows(info->author) ? WHERE_UNKNOWN : WHERE_DEVICE;
}

/* Calls went over it, or PDUs that do not open it, whatever was captured of how it opened. */
static bool was_open(const struct channel *channel)
{
    const bool met_in_use = !channel->request.frame && !channel->has_cookie;
    return channel->leg->joined || channel->rpc_seen || met_in_use;
}

/* The other half of an open connection has ended before: with this one nothing else fails. The RPC proxy's own
 * error still says why. */
static bool outlived_other(const struct channel *channel)
{
    return was_open(channel) && channel->leg->ended_frame && !is_replacement(channel);
}

/* What a refusal rests on besides its response: that this answers the request, and none that was not captured; where
 * it ends an open connection, that the client had not ended that before, on either half. */
static const struct evidence *evidence_refusal(struct judge *judge, const struct channel *channel)
{
    const struct conn *link = channel_tcp(channel);
    const struct channel *other = leg_other(channel);
    const uint32_t since = channel->request.frame;
    struct evidence *evidence = evidence_new(judge);
    if (since && conn_client_missed_since(link, since + 1)) {
        evidence_add_lacking(evidence, link);
    }
    if (!was_open(channel) || is_replacement(channel)) {
        return evidence;
    }
    evidence_add(evidence, link, since ? since + 1 : 0);
    evidence->clocks |= channel->leg->skewed;
    if (link->knows_more || !other) {
        evidence_add_lacking(evidence, link);
    }
    if (other) {
        evidence_add(evidence, channel_tcp(other), other->request.frame ? other->request.frame + 1 : 0);
    }
    return evidence;
}

/* The leg before was answered so by what now comes here, its clocks aside: the device did not write it. */
static void doubt_device(const struct leg *leg)
{
    const struct leg *before = leg->prev;
    const struct leg_memo *memo = before && leg_behind(before) == leg ? before->memo : NULL;
    if (memo && memo->result.where_seen && !legs_compare(before, leg)) {
        leg_take_back(before, V_REFUSED, "the clocks before the device and behind it differ");
    }
}

/* Says that a torn handshake explains it, where that was seen. */
static bool say_torn(struct finding *finding, const struct exchange *request, enum verdict_where *where)
{
    if (!request || !request->torn) {
        return false;
    }
    *where = request->torn_by_server ? WHERE_UNKNOWN : WHERE_DEVICE;
    finding->explained = request->torn;
    say(&finding->text,
        "; inferred: the handshake is torn (see frame %u), so no password would do; next: who ends or changes connections "
        "during NTLM, as that frame says",
        request->torn);
    return true;
}

void rpch_refused(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct http_info *info = event->rpch.http;
    const bool outlived = outlived_other(channel);
    doubt_device(channel->leg);
    if (outlived && !info->rpc_error) {
        return;
    }
    struct finding finding =
        finding_begin(judge, V_REFUSED, event->when, about_channel(judge, channel), evidence_refusal(judge, channel));
    if (!finding.begun) {
        return;
    }
    if (outlived || once_told(channel->memo, V_NO_PDU)) {
        finding.severity = V_NOTE; /* more of the same */
    }
    const struct named_header headers[] = { { "X-CasErrorCode", info->cas_error },
                                            { "Location", info->location },
                                            { "Retry-After", info->retry_after },
                                            { "X-FEServer", info->front_end },
                                            { "X-FailureContext", info->failure_context },
                                            { "X-DiagInfo", info->diag_info },
                                            { "Server", info->server_header },
                                            { "Via", info->via },
                                            { "request-id", info->request_id },
                                            { "EEInfo", info->ee_info } };
    const struct answer answer = answer_of(&judge->limits, channel, info);
    struct advice advice = answer_advice(&answer);
    bool seen;
    say_status(&finding.text, channel, info, event->when);
    enum verdict_where where = say_refuser(&finding.text, channel, info, &seen);
    say_failure(&finding.text, info->front.text);
    if (is_replacement(channel)) {
        say(&finding.text, "; the virtual connection is still open on the predecessor");
    }
    const bool torn = asks_for_credentials(info) && say_torn(&finding, channel_request(channel), &where);
    seen &= !torn;
    if (torn) {
        /* it says why */
    } else if (seen) { /* an inference: it falls where the clocks turn out to differ */
        say(&finding.text, "; inferred: the device at %s %s: %s; next: %s", PEER(channel),
            offered_behind(channel, info) ? "took that out" : "wrote it", advice.inferred, advice.next);
    } else {
        say_advice(&finding.text, &advice);
    }
    say_headers(&finding.text, headers, sizeof(headers) / sizeof(headers[0]), 100);
    finding.hop = leg_link(leg_behind(channel->leg));
    tell_by(&finding, where == WHERE_NONE ? answer_where(&answer) : where, seen);
}

void rpch_challenge_left(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    struct finding finding =
        finding_begin(judge, V_REFUSED, event->when, about_channel(judge, channel), evidence_channel(judge, channel));
    if (!finding.begun) {
        return;
    }
    const struct conn *link = channel->conn->link;
    const struct logon_conn_more *logon = link->logon ? link->logon->more : NULL;
    const bool elsewhere = logon && logon->answered_frame && logon->type2_frame == channel->challenge_frame;
    const bool by_client = link->ended_by == WAY_TO_SERVER;
    /* The same request was seen before a device: that is the client here. */
    const bool relayed = link->asked && link->asked->leg != NO_NUMBER && link->asked->leg > 0;
    struct text *text = &finding.text;
    say_channel(text, channel);
    say(text, ", status %u to %s in frame %u, then the %s closed the connection without another request",
        channel->challenge_status,
        channel->challenge_status == 407 ? "credentials for the proxy" : credentials_name(channel),
        channel->challenge_frame, by_client ? "client" : "server's end");
    if (elsewhere) {
        say(text,
            "; the type 3 to that challenge went on another connection (stream %u, frame %u); inferred: the handshake is "
            "torn; next: %s",
            logon->answered_on->stream, logon->answered_frame,
            by_client ? "make the device keep one server connection for each client connection during NTLM" :
                        "keep-alive of the server (IIS: HTTP Keep-Alive) and of devices before it");
    } else {
        say(text, "; inferred: %s",
            by_client && relayed ? "the device before this leg did not go on with it, or its own client did not" :
            by_client ? "the client has no credentials for what was offered, or a device before it does not keep "
                        "its connection" :
                        "the authentication was cut off before it ended");
        say(text, "; next: compare the offered methods with the profile's; NTLM needs one connection to one server");
    }
    tell_by(&finding, elsewhere && by_client ? WHERE_DEVICE : WHERE_UNKNOWN, false);
    finding.subject.result->left_challenge = finding.subject.result->verdict == V_REFUSED;
    rpch_not_opened(judge, channel->leg);
}

void rpch_call(struct judge *judge, const struct event *event)
{
    const struct pdu_header *header = event->rpch.call.header;
    const uint32_t status = event->rpch.call.status;
    struct finding finding = finding_begin(judge, V_CALL_FAILED, event->when, about_leg(judge, event->rpch.leg), NULL);
    if (!finding.begun) {
        return;
    }
    if (header->ptype == RPC_FAULT) {
        say(&finding.text, "Seen: fault 0x%08x (%s)", status, known_name(pdu_fault_name(status)));
    } else {
        say(&finding.text, "Seen: bind_nak, reason %u (%s),", status, known_name(pdu_nak_name((uint16_t)status)));
    }
    say(&finding.text,
        " for call %u on %s; inferred: the transport works, the RPC service refused; next: that service's "
        "log",
        header->call_id, CHANNEL(event->rpch.channel));
    tell_by(&finding, WHERE_SERVER, true);
}
