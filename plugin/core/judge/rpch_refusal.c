/* rpch_refusal.c
 * Channels and calls that are refused.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

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
    return there && !there->refused && !there->challenged && info->author != HTTP_BY_EXCHANGE && conn_whole(there);
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

static enum verdict_where refused_for(const struct channel *channel, const struct http_info *info)
{
    if (asks_for_credentials(info)) {
        return is_torn(channel) ? WHERE_UNKNOWN : WHERE_CLIENT;
    }
    if (info->rpc_error) {
        return WHERE_SERVER;
    }
    return info->author == HTTP_BY_DEVICE  ? WHERE_DEVICE :
           info->author == HTTP_BY_UNKNOWN ? WHERE_UNKNOWN :
                                             WHERE_SERVER;
}

static struct advice advice_for(const struct channel *channel, const struct http_info *info)
{
    const unsigned status = info->status;
    if (asks_for_credentials(info)) {
        return is_torn(channel) ?
                   (struct advice){
                       "the credentials were not accepted, and their NTLM challenge did not come on this connection: the handshake "
                       "may be torn between two servers",
                       "keep a client's connection on one server during NTLM; check the account too"
                   } :
                   (struct advice){ "the credentials were not accepted",
                                    "check user name, password, lockout and the allowed authentication methods" };
    }
    if (info->rpc_error) {
        return (struct advice){ "the RPC proxy did not reach the RPC server or refused the target",
                                "look at that server's RPC service and ports, and at the proxy's ValidPorts" };
    }
    if (channel->leg && channel->leg->joined) {
        return (struct advice){ "the answering side ended a channel that was open",
                                "its time-outs and limits for /rpc, and its log at this time" };
    }
    if ((status == 413 || status == 411 || status == 400) && channel->role == ROLE_IN) {
        return (struct advice){ "the 1 GB body that RPC_IN_DATA announces was not accepted",
                                "raise the limit of the request body for /rpc on devices and in IIS" };
    }
    if (status == 417) {
        return (struct advice){ "Expect: 100-continue was not accepted", "let devices pass that header" };
    }
    if (status == 404 || status == 403) {
        return (struct advice){ "the address /rpc/rpcproxy.dll is not served or not allowed there",
                                "check the RPC over HTTP component, IIS restrictions and publishing rules" };
    }
    if (status >= 500) {
        return (struct advice){ "the answering side could not serve the channel",
                                "look at its log at this time, with the request id" };
    }
    return (struct advice){ "only 200 opens a channel: something other than the RPC proxy answered",
                            "look at publishing and redirection rules for /rpc" };
}

void rpch_refused(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    const struct http_info *info = event->rpch.http;
    struct finding finding = finding_begin(judge, V_REFUSED, event->when, about_channel(judge, channel), NULL);
    if (!finding.begun) {
        return;
    }
    const struct named_header headers[] = { { "X-FEServer", info->front_end },
                                            { "X-FailureContext", info->failure_context },
                                            { "X-DiagInfo", info->diag_info },
                                            { "Server", info->server_header },
                                            { "Via", info->via },
                                            { "request-id", info->request_id },
                                            { "EEInfo", info->ee_info } };
    const struct advice advice = advice_for(channel, info);
    const bool device = is_of_device(channel, info);
    struct text *text = &finding.text;
    say_channel(text, channel);
    say(text, ", status %u", info->status);
    if (asks_for_credentials(info)) {
        say(text, " to %s", credentials_name(channel));
        if (channel->user) {
            say(text, " of %s", channel->user);
        }
    }
    if (info->rpc_error) {
        say(text, " RPC Error: 0x%x (%s)", info->rpc_error_code, known_name(http_rpc_error_name(info->rpc_error_code)));
    }
    if (leg->joined && channel->last_body) {
        say(text, ", %s after the last byte of its body", SECONDS(event->when.ns - channel->last_body));
    }
    if (device) {
        say(text, ", written by the device at %s, for leg %u has no such response", PEER(channel), leg->number + 1);
    } else {
        say_author(text, "answered", info->author);
    }
    say_advice(text, &advice);
    say_headers(text, headers, sizeof(headers) / sizeof(headers[0]), 100);
    tell_by(&finding, device ? WHERE_DEVICE : refused_for(channel, info), device);
}

void rpch_challenge_left(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    struct finding finding =
        finding_begin(judge, V_REFUSED, event->when, about_channel(judge, channel), evidence_channel(judge, channel));
    if (!finding.begun) {
        return;
    }
    const bool by_client = channel->conn->link->ended_by == WAY_TO_SERVER;
    struct text *text = &finding.text;
    say_channel(text, channel);
    say(text, ", status %u to %s in frame %u, then the %s closed the connection without another request",
        channel->challenge_status, credentials_name(channel), channel->challenge_frame,
        by_client ? "client" : "server's end");
    say(text, "; inferred: %s",
        by_client ? "the client has no credentials for what was offered, or waits for the user" :
                    "the authentication was cut off before it ended");
    say(text, "; next: compare the offered methods with the profile's; NTLM needs one connection to one server");
    tell_by(&finding, by_client ? WHERE_CLIENT : WHERE_UNKNOWN, false);
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
