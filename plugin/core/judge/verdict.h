/* verdict.h
 * What can be wrong, under which filter name and how gravely, and a finding of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_VERDICT_H
#define OUTLOOKHTTP_VERDICT_H

#include "say.h"

enum verdict_severity { V_CHAT, V_NOTE, V_WARNING, V_ERROR };
enum verdict_group { GROUP_SEQUENCE, GROUP_RESPONSE, GROUP_PROTOCOL, GROUP_SECURITY };
/* Whether it is proved by what was seen, or by what did not come. */
enum verdict_proof { PRESENCE, ABSENCE };
/* What it is told once of. */
enum once_of {
    ALWAYS,
    ONCE_A_LEG,
    ONCE_A_CHANNEL,
    ONCE_A_CONNECTION,
    ONCE_A_SIDE,
    ONCE_A_REQUEST,
    ONCE_A_RESPONSE,
    ONCE_AN_ACCOUNT,
    ONCE_A_CLIENT,
    ONCE_A_HOST
};
/* What it is about. */
enum subject_kind { ABOUT_CONNECTION, ABOUT_SESSION, ABOUT_LOGON, SUBJECTS };
enum verdict_where { WHERE_NONE, WHERE_CLIENT, WHERE_DEVICE, WHERE_SERVER, WHERE_UNKNOWN };

enum verdict_kind {
    /* RPC over HTTP */
    V_PROXIES_DIFFER,
    V_BACKEND_MISMATCH,
    V_NEVER_JOINED,
    V_JOINED_ACROSS_PROXIES,
    V_TARGET_MISMATCH,
    V_LONE,
    V_REFUSED,
    V_IDLE_CLOSED,
    V_SILENT_DROP,
    V_BUFFERED,
    V_CALL_FAILED,
    V_LIFETIME_EXCEEDED,
    V_WINDOW_EXCEEDED,
    V_CHANNEL_CUT,
    V_CHANNEL_CUT_NOTE,
    V_NO_PDU,
    V_CALL_UNANSWERED,
    V_NOT_RECYCLED,
    V_JOINED_LATE,
    /* both */
    V_SERVER_GONE,
    V_SERVER_BACK,
    V_NTLM_TORN,
    V_TORN_ACCEPTED,
    V_TYPE3_ALONE,
    V_NO_CHALLENGE,
    V_AUTH_REFUSED,
    V_AUTH_REFUSED_NOTE,
    V_TOKEN_LEFT,
    V_SHARED_CONNECTION,
    V_AUTH_SLOW,
    V_AUTH_VERY_SLOW,
    V_DOWNGRADED,
    V_HEADER_CASE,
    V_EMPTY_BEARER,
    V_CHANNEL_BINDING,
    V_HTTP_FAILED,
    /* MAPI/HTTP */
    V_RESPONSE_CODE,
    V_CONNECT_FAILED,
    V_ERROR_CODE,
    V_SESSION_LOST,
    V_SESSION_EXPIRED,
    V_BACKEND_CHANGED,
    V_BACKEND_CHANGED_CHAT,
    V_COOKIE_LOST,
    V_SEQUENCE_BROKEN,
    V_PENDING_LATE,
    V_RESPONSE_CUT,
    V_RESPONSE_CUT_CHAT,
    V_RESPONSE_CUT_NOTE,
    V_UNANSWERED,
    V_REQUEST_SILENT_DROP,
    VERDICT_KINDS
};

struct verdict_row {
    const char *filter;  /* "rpch.routing.proxies_differ" */
    const char *summary; /* a sentence: what expert items, the tree and Info say */
    enum verdict_severity severity;
    enum verdict_group group;
    enum verdict_proof proof;
    enum once_of once;
};

extern const struct verdict_row verdict_rows[VERDICT_KINDS];

const char *verdict_filter(enum verdict_kind kind);
const char *verdict_where_name(enum verdict_where where); /* "NETWORK DEVICE" ... */

#define VERDICT_TEXT_MAX SAY_MAX

/* Whose a verdict is besides: NO_NUMBER if none. */
struct victim {
    uint32_t vc, session, leg;
    uint32_t row; /* of the report, which stays where the number of the leg does not */
};

struct conn;

/* Where it showed, as far as the event tells. Texts are kept, NULL if not known. */
struct origin {
    const struct conn *conn; /* NULL if not known */
    const char *user, *scheme, *host, *request_id;
};

struct verdict {
    enum verdict_kind kind;
    enum verdict_severity severity; /* as in verdict_rows, unless a preference changes it */
    struct when when;               /* the frame it sits on */
    uint32_t vc, session, leg, row; /* NO_NUMBER if none */
    enum verdict_where where;
    bool where_seen;              /* else inferred */
    const char *text;             /* Seen: ...; inferred: ...; next: ... - for people, arena-owned, UTF-8 */
    const struct verdict *next;   /* on the same frame */
    const struct victim *victims; /* all whose it is, where there are several; else NULL */
    uint32_t victim_count;
    const struct endpoint *server; /* that it is about, wherever it showed; NULL: that of its origin */
    uint32_t explained;            /* the frame whose verdict says why, 0 if there is none */
    struct origin origin;
};

struct verdict_list { /* all zero: empty */
    struct verdict *first, *last;
};

/* Appends a copy, and of the text. */
void verdict_add(const struct arena *arena, struct verdict_list *list, struct verdict verdict, const struct text *text);
/* Moves all of from behind to. */
void verdict_move(struct verdict_list *to, struct verdict_list *from);

#endif
