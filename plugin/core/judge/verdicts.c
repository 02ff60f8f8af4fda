/* verdicts.c
 * The table of all verdicts, and lists of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "say.h"
#include "verdict.h"

/* Each stands behind what else is in the column Info, and is read without the three parts of the text. */
#define SENTENCE_LEAST 16
#define SENTENCE_MOST 64

/* A row does not compile without a sentence that fits, and the table not without a row for each kind: rows are
 * counted, and one that stands twice is an error of its own. */
#define SENTENCE(text)                                                                            \
    &("" text)[0 * __COUNTER__ * sizeof(struct {                                                  \
                   _Static_assert(sizeof(text) > SENTENCE_LEAST && sizeof(text) <= SENTENCE_MOST, \
                                  "a sentence that fits");                                        \
                   char unused;                                                                   \
               })]
#define ROW(kind, filter, sentence, severity, group, proof, once) \
    [kind] = { filter, SENTENCE(sentence), severity, group, proof, once }

enum { COUNTED_BEFORE = __COUNTER__ };

const struct verdict_row verdict_rows[VERDICT_KINDS] = {
    ROW(V_PROXIES_DIFFER, "rpch.routing.proxies_differ", "IN and OUT end on different servers", V_NOTE, GROUP_SEQUENCE,
        PRESENCE, ONCE_A_LEG),
    ROW(V_BACKEND_MISMATCH, "rpch.routing.backend_mismatch", "IN and OUT reached servers that did not join them",
        V_WARNING, GROUP_SEQUENCE, ABSENCE, ONCE_A_LEG),
    ROW(V_NEVER_JOINED, "rpch.routing.never_joined", "IN and OUT were never joined", V_WARNING, GROUP_SEQUENCE, ABSENCE,
        ONCE_A_LEG),
    ROW(V_JOINED_ACROSS_PROXIES, "rpch.routing.joined_across_proxies", "Joined across two proxies", V_CHAT,
        GROUP_SEQUENCE, PRESENCE, ONCE_A_LEG),
    ROW(V_TARGET_MISMATCH, "rpch.routing.target_mismatch", "IN and OUT ask for different targets", V_ERROR,
        GROUP_SEQUENCE, PRESENCE, ONCE_A_LEG),
    ROW(V_LONE, "rpch.channel.lone", "A channel without its other half", V_NOTE, GROUP_SEQUENCE, ABSENCE,
        ONCE_A_CHANNEL),
    ROW(V_REFUSED, "rpch.channel.refused", "A channel was refused", V_WARNING, GROUP_RESPONSE, PRESENCE,
        ONCE_A_CHANNEL),
    ROW(V_IDLE_CLOSED, "rpch.channel.idle_closed", "An idle channel was closed from the server's side", V_WARNING,
        GROUP_SEQUENCE, ABSENCE, ONCE_A_LEG),
    ROW(V_SILENT_DROP, "rpch.channel.silent_drop", "A connection went silent after idle time", V_WARNING,
        GROUP_SEQUENCE, ABSENCE, ONCE_A_CONNECTION),
    ROW(V_BUFFERED, "rpch.channel.buffered", "Data was held back on the way", V_WARNING, GROUP_SEQUENCE, PRESENCE,
        ONCE_A_LEG),
    ROW(V_CALL_FAILED, "rpch.call.failed", "An RPC call or bind failed", V_NOTE, GROUP_RESPONSE, PRESENCE, ALWAYS),
    ROW(V_LIFETIME_EXCEEDED, "rpch.channel.lifetime_exceeded", "More bytes than the channel lifetime", V_WARNING,
        GROUP_PROTOCOL, PRESENCE, ONCE_A_CHANNEL),
    ROW(V_WINDOW_EXCEEDED, "rpch.flow.window_exceeded", "More bytes than the receive window", V_WARNING, GROUP_PROTOCOL,
        ABSENCE, ONCE_A_CHANNEL),
    ROW(V_CHANNEL_CUT, "rpch.channel.cut", "A channel in use was cut", V_WARNING, GROUP_SEQUENCE, ABSENCE, ONCE_A_LEG),
    ROW(V_CHANNEL_CUT_NOTE, "rpch.channel.cut.note", "A channel ended with others of its server", V_NOTE,
        GROUP_SEQUENCE, ABSENCE, ONCE_A_LEG),
    ROW(V_NO_PDU, "rpch.channel.no_pdu", "A channel was asked for and no PDU came", V_WARNING, GROUP_SEQUENCE, ABSENCE,
        ONCE_A_CHANNEL),
    ROW(V_CALL_UNANSWERED, "rpch.call.unanswered", "An RPC call or bind was never answered", V_NOTE, GROUP_SEQUENCE,
        ABSENCE, ALWAYS),
    ROW(V_NOT_RECYCLED, "rpch.channel.not_recycled", "A channel was to be replaced and was not", V_NOTE, GROUP_SEQUENCE,
        ABSENCE, ONCE_A_CHANNEL),
    ROW(V_JOINED_LATE, "rpch.routing.joined_late", "IN and OUT were joined after all", V_CHAT, GROUP_SEQUENCE, PRESENCE,
        ONCE_A_LEG),
    ROW(V_SERVER_GONE, "outlook.server_gone", "A server ended all its connections", V_WARNING, GROUP_SEQUENCE, ABSENCE,
        ALWAYS),
    ROW(V_SERVER_BACK, "outlook.server_gone.back", "A server that was gone answers again", V_CHAT, GROUP_SEQUENCE,
        PRESENCE, ALWAYS),
    ROW(V_NTLM_TORN, "outlook.auth.ntlm_torn", "An NTLM handshake was torn across connections", V_ERROR, GROUP_SECURITY,
        ABSENCE, ALWAYS),
    ROW(V_TORN_ACCEPTED, "outlook.auth.ntlm_torn.accepted", "A torn NTLM handshake was accepted all the same", V_CHAT,
        GROUP_SECURITY, PRESENCE, ALWAYS),
    ROW(V_TYPE3_ALONE, "outlook.auth.type3_without_challenge",
        "An NTLM answer to a challenge this connection never carried", V_WARNING, GROUP_SECURITY, ABSENCE, ALWAYS),
    ROW(V_NO_CHALLENGE, "outlook.auth.no_challenge", "A logon that never gets past its challenge", V_WARNING,
        GROUP_SECURITY, ABSENCE, ONCE_A_CLIENT),
    ROW(V_AUTH_REFUSED, "outlook.auth.refused", "Credentials were refused again and again", V_WARNING, GROUP_SECURITY,
        PRESENCE, ALWAYS),
    ROW(V_AUTH_REFUSED_NOTE, "outlook.auth.refused.note", "One scheme is always refused, another is accepted", V_NOTE,
        GROUP_SECURITY, PRESENCE, ALWAYS),
    ROW(V_TOKEN_LEFT, "outlook.auth.token_left", "A token was refused, and nothing came after it", V_WARNING,
        GROUP_SECURITY, ABSENCE, ALWAYS),
    ROW(V_SHARED_CONNECTION, "outlook.auth.shared_connection", "Two users share an authenticated connection", V_ERROR,
        GROUP_SECURITY, PRESENCE, ALWAYS),
    ROW(V_AUTH_SLOW, "outlook.auth.slow", "The answer to credentials was slow", V_NOTE, GROUP_SECURITY, PRESENCE,
        ALWAYS),
    ROW(V_AUTH_VERY_SLOW, "outlook.auth.very_slow", "The answer to credentials was very slow", V_WARNING,
        GROUP_SECURITY, PRESENCE, ALWAYS),
    ROW(V_DOWNGRADED, "outlook.auth.downgraded", "Only Basic is offered to a client that tried NTLM", V_NOTE,
        GROUP_SECURITY, PRESENCE, ONCE_A_CLIENT),
    ROW(V_HEADER_CASE, "outlook.auth.header_case", "Lower-case www-authenticate, and no client tries again", V_NOTE,
        GROUP_SECURITY, ABSENCE, ONCE_A_HOST),
    ROW(V_EMPTY_BEARER, "outlook.auth.empty_bearer", "Empty Bearer again and again", V_NOTE, GROUP_SECURITY, ABSENCE,
        ONCE_A_CLIENT),
    ROW(V_CHANNEL_BINDING, "outlook.auth.channel_binding", "Channel bindings that cannot match", V_WARNING,
        GROUP_SECURITY, PRESENCE, ONCE_AN_ACCOUNT),
    ROW(V_HTTP_FAILED, "outlook.http.failed", "A response the endpoint cannot have written", V_WARNING, GROUP_RESPONSE,
        PRESENCE, ALWAYS),
    ROW(V_RESPONSE_CODE, "mapihttp.response_code.failed", "X-ResponseCode tells of a failure", V_WARNING,
        GROUP_RESPONSE, PRESENCE, ALWAYS),
    ROW(V_CONNECT_FAILED, "mapihttp.connect.failed", "Connect or Bind failed", V_WARNING, GROUP_RESPONSE, PRESENCE,
        ALWAYS),
    ROW(V_ERROR_CODE, "mapihttp.error_code.failed", "A request failed", V_NOTE, GROUP_RESPONSE, PRESENCE, ALWAYS),
    ROW(V_SESSION_LOST, "mapihttp.session.lost", "The server does not know a living session", V_ERROR, GROUP_SEQUENCE,
        ABSENCE, ALWAYS),
    ROW(V_SESSION_EXPIRED, "mapihttp.session.expired", "The session had expired", V_NOTE, GROUP_SEQUENCE, ABSENCE,
        ALWAYS),
    ROW(V_BACKEND_CHANGED, "mapihttp.session.backend_changed", "The session reached another back end and was refused",
        V_WARNING, GROUP_SEQUENCE, PRESENCE, ALWAYS),
    ROW(V_BACKEND_CHANGED_CHAT, "mapihttp.session.backend_changed.chat", "The session reached another back end", V_CHAT,
        GROUP_SEQUENCE, PRESENCE, ALWAYS),
    ROW(V_COOKIE_LOST, "mapihttp.session.cookie_lost", "A cookie of the session is missing or stale", V_WARNING,
        GROUP_SEQUENCE, ABSENCE, ALWAYS),
    ROW(V_SEQUENCE_BROKEN, "mapihttp.session.sequence_broken", "The sequence of requests is broken", V_WARNING,
        GROUP_SEQUENCE, PRESENCE, ONCE_A_REQUEST),
    ROW(V_PENDING_LATE, "mapihttp.pending.late", "PENDING came late or bunched", V_WARNING, GROUP_SEQUENCE, ABSENCE,
        ONCE_A_RESPONSE),
    ROW(V_RESPONSE_CUT, "mapihttp.response.cut", "A response was cut short", V_WARNING, GROUP_SEQUENCE, ABSENCE,
        ALWAYS),
    ROW(V_RESPONSE_CUT_CHAT, "mapihttp.response.cut.chat", "The client did not wait for the response", V_CHAT,
        GROUP_SEQUENCE, ABSENCE, ALWAYS),
    ROW(V_RESPONSE_CUT_NOTE, "mapihttp.response.cut.note", "A response ended with others of its server", V_NOTE,
        GROUP_SEQUENCE, ABSENCE, ALWAYS),
    ROW(V_UNANSWERED, "mapihttp.request.unanswered", "A request was never answered", V_NOTE, GROUP_SEQUENCE, ABSENCE,
        ALWAYS),
    ROW(V_REQUEST_SILENT_DROP, "mapihttp.request.silent_drop", "A connection went silent after idle time", V_WARNING,
        GROUP_SEQUENCE, ABSENCE, ALWAYS),
};

_Static_assert(__COUNTER__ - COUNTED_BEFORE - 1 == VERDICT_KINDS, "a row for each verdict");

const char *verdict_filter(enum verdict_kind kind)
{
    return (unsigned)kind < VERDICT_KINDS ? verdict_rows[kind].filter : "";
}

const char *verdict_where_name(enum verdict_where where)
{
    static const char *const names[] = { [WHERE_NONE] = "",
                                         [WHERE_CLIENT] = "CLIENT",
                                         [WHERE_DEVICE] = "NETWORK DEVICE",
                                         [WHERE_SERVER] = "SERVER",
                                         [WHERE_UNKNOWN] = "CANNOT TELL" };
    return (unsigned)where < sizeof(names) / sizeof(names[0]) ? names[where] : "";
}

void verdict_add(const struct arena *arena, struct verdict_list *list, struct verdict verdict, const struct text *text)
{
    struct verdict *added = arena_new(arena, sizeof(*added));
    char *copy = arena_new(arena, text->used + 1);
    memcpy(copy, text->s, text->used + 1);
    verdict.text = copy;
    *added = verdict;
    verdict_move(list, &(struct verdict_list){ added, added });
}

void verdict_move(struct verdict_list *to, struct verdict_list *from)
{
    if (!from->first) {
        return;
    }
    if (to->last) {
        to->last->next = from->first;
    } else {
        to->first = from->first;
    }
    to->last = from->last;
    from->first = from->last = NULL;
}
