/* rpch_refusal.c
 * Channels and calls that are refused.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rpch.h"

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

static void say_author(struct text *text, const struct http_info *info)
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
static void say_headers(struct text *text, const struct http_info *info)
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

void rpch_refused(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct leg *leg = event->rpch.leg;
    const struct http_info *info = event->rpch.http;
    const struct subject subject = about_channel(judge, channel);
    struct finding finding;
    if (!finding_begin(&finding, judge, V_REFUSED, event->when, &subject, NULL)) {
        return;
    }
    const struct advice advice = advice_for(channel, info);
    const bool device = is_of_device(channel, info);
    struct text *text = &finding.text;
    finding.where = device ? WHERE_DEVICE : advice.where;
    finding.seen = device;
    say(text, "Seen: %s", CHANNEL(channel));
    if (channel->target) {
        say(text, " for %s", channel->target);
    }
    say(text, ", status %u", info->status);
    if (info->status == 401 || info->status == 407) {
        say(text, " to %s", credentials_name(channel));
        if (channel->user) {
            say(text, " of %s", channel->user);
        }
    }
    if (info->rpc_error) {
        const char *name = http_rpc_error_name(info->rpc_error_code);
        say(text, " RPC Error: 0x%x (%s)", info->rpc_error_code, name ? name : "no known name");
    }
    if (leg->joined && channel->last_body) {
        say(text, ", %s after the last byte of its body", SECONDS(event->when.ns - channel->last_body));
    }
    if (device) {
        say(text, ", written by the device at %s, for leg %u has no such response", PEER(channel), leg->number + 1);
    } else {
        say_author(text, info);
    }
    say(text, "; inferred: %s; next: %s", advice.inferred, advice.next);
    say_headers(text, info);
    tell(&finding);
}

void rpch_challenge_left(struct judge *judge, const struct event *event)
{
    const struct channel *channel = event->rpch.channel;
    const struct subject subject = about_channel(judge, channel);
    const struct evidence evidence = evidence_channel(channel);
    struct finding finding;
    if (!finding_begin(&finding, judge, V_REFUSED, event->when, &subject, &evidence)) {
        return;
    }
    const bool by_client = channel->conn->link->ended_by == WAY_TO_SERVER;
    struct text *text = &finding.text;
    finding.where = by_client ? WHERE_CLIENT : WHERE_UNKNOWN;
    say(text, "Seen: %s", CHANNEL(channel));
    if (channel->target) {
        say(text, " for %s", channel->target);
    }
    say(text, ", status %u to %s in frame %u, then the %s closed the connection without another request",
        channel->challenge_status, credentials_name(channel), channel->challenge_frame,
        by_client ? "client" : "server's end");
    say(text, "; inferred: %s", by_client ? "the client has no credentials for what was offered, or waits for the user" :
        "the authentication was cut off before it ended");
    say(text, "; next: compare the offered methods with the profile's; NTLM needs one connection to one server");
    tell(&finding);
}

void rpch_call(struct judge *judge, const struct event *event)
{
    const struct pdu_header *header = event->rpch.call.header;
    const uint32_t status = event->rpch.call.status;
    struct subject subject = about_leg(judge, event->rpch.leg);
    struct finding finding;
    subject.once = NULL;
    if (!finding_begin(&finding, judge, V_CALL_FAILED, event->when, &subject, NULL)) {
        return;
    }
    finding.where = WHERE_SERVER;
    finding.seen = true;
    if (header->ptype == RPC_FAULT) {
        const char *name = pdu_fault_name(status);
        say(&finding.text, "Seen: fault 0x%08x (%s)", status, name ? name : "no known name");
    } else {
        const char *name = pdu_nak_name((uint16_t)status);
        say(&finding.text, "Seen: bind_nak, reason %u (%s),", status, name ? name : "no known name");
    }
    say(&finding.text, " for call %u on %s; inferred: the transport works, the RPC service refused; next: that service's "
                       "log", header->call_id, CHANNEL(event->rpch.channel));
    tell(&finding);
}
