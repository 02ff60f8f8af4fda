/* headlines.c
 * How a report words each verdict, and which of them explains most.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "headlines.h"

/* In this order among equals in severity: what explains most comes first. */
#define HEADLINES(HEADLINE)                                                                         \
    HEADLINE(V_NTLM_TORN, "torn: the NTLM handshake was spread over connections")                   \
    HEADLINE(V_SHARED_CONNECTION, "on a connection that another user authenticated")                \
    HEADLINE(V_CHANNEL_BINDING, "refused: channel bindings cannot match behind this device")        \
    HEADLINE(V_AUTH_REFUSED, "refused again and again")                                             \
    HEADLINE(V_TOKEN_LEFT, "refused for its token, and not tried again")                            \
    HEADLINE(V_NO_CHALLENGE, "stopped at its challenge again and again")                            \
    HEADLINE(V_TYPE3_ALONE, "answered a challenge that its connection never carried")               \
    HEADLINE(V_HTTP_FAILED, "answered with an HTTP error or a page")                                \
    HEADLINE(V_TARGET_MISMATCH, "asked for two different targets")                                  \
    HEADLINE(V_BACKEND_MISMATCH, "never opened: the halves reached servers that did not join them") \
    HEADLINE(V_NEVER_JOINED, "never opened")                                                        \
    HEADLINE(V_REFUSED, "refused")                                                                  \
    HEADLINE(V_NO_PDU, "asked for, and no PDU came")                                                \
    HEADLINE(V_SESSION_LOST, "lost: the server did not know a living session")                      \
    HEADLINE(V_BACKEND_CHANGED, "refused after a change of the back end")                           \
    HEADLINE(V_COOKIE_LOST, "sent requests without the session's cookies")                          \
    HEADLINE(V_SEQUENCE_BROKEN, "broke the sequence of requests")                                   \
    HEADLINE(V_CONNECT_FAILED, "failed to connect")                                                 \
    HEADLINE(V_RESPONSE_CODE, "had requests refused")                                               \
    HEADLINE(V_SERVER_GONE, "ended with all others of a server")                                    \
    HEADLINE(V_SILENT_DROP, "went silent")                                                          \
    HEADLINE(V_REQUEST_SILENT_DROP, "went silent")                                                  \
    HEADLINE(V_CHANNEL_CUT, "cut while in use")                                                     \
    HEADLINE(V_IDLE_CLOSED, "closed while idle")                                                    \
    HEADLINE(V_RESPONSE_CUT, "had responses cut short")                                             \
    HEADLINE(V_BUFFERED, "had data held back on the way")                                           \
    HEADLINE(V_PENDING_LATE, "had responses held back on the way")                                  \
    HEADLINE(V_AUTH_VERY_SLOW, "answered very slowly")                                              \
    HEADLINE(V_LIFETIME_EXCEEDED, "sent more than the channel lifetime")                            \
    HEADLINE(V_WINDOW_EXCEEDED, "sent more than the receive window")                                \
    HEADLINE(V_PROXIES_DIFFER, "over two proxies")                                                  \
    HEADLINE(V_LONE, "with one channel only")                                                       \
    HEADLINE(V_CHANNEL_CUT_NOTE, "ended with others of their server")                               \
    HEADLINE(V_RESPONSE_CUT_NOTE, "ended with others of their server")                              \
    HEADLINE(V_NOT_RECYCLED, "not given the new channel that was asked for")                        \
    HEADLINE(V_CALL_UNANSWERED, "had calls without an answer")                                      \
    HEADLINE(V_CALL_FAILED, "had failed calls")                                                     \
    HEADLINE(V_SESSION_EXPIRED, "used after expiry")                                                \
    HEADLINE(V_UNANSWERED, "had requests without an answer")                                        \
    HEADLINE(V_ERROR_CODE, "had failed requests")                                                   \
    HEADLINE(V_AUTH_REFUSED_NOTE, "refused by one scheme and accepted by another")                  \
    HEADLINE(V_AUTH_SLOW, "answered slowly")                                                        \
    HEADLINE(V_DOWNGRADED, "offered Basic only after NTLM was tried")                               \
    HEADLINE(V_HEADER_CASE, "not tried again after www-authenticate in lower case")                 \
    HEADLINE(V_EMPTY_BEARER, "with an empty Bearer token again and again")                          \
    HEADLINE(V_JOINED_LATE, "opened after all")                                                     \
    HEADLINE(V_JOINED_ACROSS_PROXIES, "opened across two proxies")                                  \
    HEADLINE(V_BACKEND_CHANGED_CHAT, "changed the back end")                                        \
    HEADLINE(V_RESPONSE_CUT_CHAT, "left by the client before the response ended")                   \
    HEADLINE(V_TORN_ACCEPTED, "accepted though the NTLM handshake was torn")                        \
    HEADLINE(V_SERVER_BACK, "answered by a server that is back")

/* The compiler names a verdict that is missing or stands twice: there is no default. */
#define TEXT_OF(kind, text) \
    case kind:              \
        return text;
const char *headline_of(enum verdict_kind kind)
{
    switch (kind) {
        HEADLINES(TEXT_OF)
    case VERDICT_KINDS:
        break;
    }
    return NULL;
}

/* Of a request that belongs to no session those that speak of a session's requests would say it twice. */
#define OF_REQUESTS(OF_REQUEST)                                     \
    OF_REQUEST(V_RESPONSE_CODE, "refused by X-ResponseCode")        \
    OF_REQUEST(V_COOKIE_LOST, "without the cookies of its session") \
    OF_REQUEST(V_RESPONSE_CUT, "with a response cut short")         \
    OF_REQUEST(V_PENDING_LATE, "with a response held back")         \
    OF_REQUEST(V_UNANSWERED, "without an answer")                   \
    OF_REQUEST(V_REQUEST_SILENT_DROP, "left without an ACK")        \
    OF_REQUEST(V_ERROR_CODE, "failed")

const char *headline_of_request(enum verdict_kind kind)
{
    switch (kind) {
        OF_REQUESTS(TEXT_OF)
    default:
        return headline_of(kind);
    }
}

#define RANK_OF(kind, text) RANK_##kind,
enum rank { HEADLINES(RANK_OF) RANKS };
_Static_assert((int)RANKS == (int)VERDICT_KINDS, "a headline for each verdict");

unsigned headline_rank(enum verdict_kind kind)
{
#define RANK_HERE(kind, text) [kind] = RANK_##kind,
    static const uint8_t ranks[VERDICT_KINDS] = { HEADLINES(RANK_HERE) };
    return (unsigned)kind < VERDICT_KINDS ? ranks[kind] : VERDICT_KINDS;
}
