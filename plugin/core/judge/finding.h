/* finding.h
 * How every finding is told: once, by its row in verdicts.c, and only where its evidence was
 * captured whole.
 *
 *     struct finding finding = finding_begin(judge, V_LONE, event->when, about_channel(judge, channel),
 *                                            evidence_channel(judge, channel));
 *     if (!finding.begun) {
 *         return;
 *     }
 *     say(&finding.text, "Seen: ...; inferred: ...; next: ...");
 *     tell_by(&finding, WHERE_CLIENT, false);
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_FINDING_H
#define OUTLOOKHTTP_FINDING_H

#include "conn.h"
#include "fields.h"
#include "judge.h"
#include "say.h"

struct gone;
struct idle_end;

/* A rule hears one kind of event. */
typedef void rule(struct judge *judge, const struct event *event);

#define EVIDENCE_MAX 80

/* The connections that a finding from absence rests on. */
struct evidence {
    unsigned count;
    bool more;   /* than were named: it cannot be told */
    bool clocks; /* of two legs that are compared differ */
    struct {
        const struct conn *conn;
        uint32_t since; /* frame; 0: from SYN on */
        bool lacking;   /* something is known to be missing */
    } on[EVIDENCE_MAX];
};

struct judge {
    struct arena arena;
    struct judge_limits limits;
    bool same_proxy_required; /* as in struct judge_prefs */
    struct verdict_list found[SUBJECTS];
    bool any_found;
    struct idle_end *idle_first, *idle_last; /* that wait for hindsight, oldest first: rpch_end.c */
    struct held *held_free;                  /* of MAPI/HTTP, mapi_rules.h */
    struct {
        struct gone *first, *last;
    } going; /* servers that may be gone, by their last end, oldest first: gone.c */
    struct {
        struct side_memo *first, *last;
    } losing;                  /* sessions whose contexts were refused, oldest first: mapi_session.c */
    struct evidence evidence;  /* evidence_new() */
    const struct event *hears; /* the event that is being heard, NULL outside of it */
    unsigned misuse;           /* broken rules of this file, which tests look at: 0 */
};

/* What is remembered as told of one object, by its bits in enum verdict_kind. All zero but
 * for of: nothing. */
struct once {
    uint8_t of; /* enum once_of */
    uint64_t told;
};

/* What a row of the report says of findings. All zero: nothing. */
struct result {
    bool told, where_seen;
    uint8_t verdict, severity, where; /* the gravest, the first of its severity */
    bool withheld;                    /* something was due, but the capture cannot tell */
    bool left_challenge;              /* the verdict is of a challenge that was left, not of a refusal */
    uint32_t frame;
    uint32_t explained;          /* as in struct verdict */
    const struct conn *doubtful; /* why withheld, or NULL */
    const char *taken_back;      /* why it no longer tells where, or NULL */
};

/* Whom a finding is about. */
struct subject {
    enum subject_kind kind;
    struct result *result;          /* of its row, NULL if it has none */
    struct once *once;              /* of what it is told once, NULL: as often as it is found */
    uint32_t vc, session, leg, row; /* NO_NUMBER if none */
};

/* Of the finding that is about to begin, none named yet; the judge has one at a time. */
struct evidence *evidence_new(struct judge *judge);
/* Names a connection; NULL names none. */
void evidence_add(struct evidence *evidence, const struct conn *conn, uint32_t since);
/* Names one of which something is known not to have been captured, even if it came late. */
void evidence_add_lacking(struct evidence *evidence, const struct conn *conn);
/* Names two connections, before a device and behind it, whose times are compared. NULL names none. */
void evidence_add_pair(struct evidence *evidence, const struct conn *front, const struct conn *back);
/* Whether all of it was captured, both ways, and clocks agree; doubtful, if not NULL: which was not. */
bool evidence_whole(const struct evidence *evidence, const struct conn **doubtful);

struct finding {
    bool begun; /* else there is nothing to tell */
    struct judge *judge;
    struct subject subject;
    struct when when; /* the frame that it stands on */
    enum verdict_kind kind;
    enum verdict_severity severity; /* as in the row, unless the rule changes it */
    enum verdict_where where;
    bool seen;                    /* where was seen, not inferred */
    const struct conn *hop;       /* of the leg behind the device that is seen to have done it; NULL: not named */
    const struct victim *victims; /* as in struct verdict */
    uint32_t victim_count;
    const struct endpoint *server; /* as in struct verdict */
    uint32_t explained;            /* as in struct verdict */
    struct origin origin;
    struct text text;
};

/* Where an event came up; event: NULL if none is heard. */
struct origin origin_of(const struct event *event);

/* Begins a finding whose condition holds; if it is told ALWAYS, of whatever. Not begun: it was told
 * before, or the evidence is not whole, which the subject's row then says. evidence: NULL where what
 * is seen proves it. */
struct finding finding_begin(struct judge *judge, enum verdict_kind kind, struct when when, struct subject subject,
                             const struct evidence *evidence);
/* The row says this from now on, unless it has something graver. */
void result_replace(struct result *result, const struct result *with);
/* What a row says of it. */
struct result result_of(const struct finding *finding);
/* Makes it another verdict, on the same evidence and with that verdict's severity. */
void finding_turn(struct finding *finding, enum verdict_kind kind);
/* Remembers it as told where another finding has said as much. */
void once_mark(struct once *once, enum verdict_kind kind);
/* once: NULL if nothing was told of it. */
bool once_told(const struct once *once, enum verdict_kind kind);
/* Tells it, with the text said by now; the finding may be kept and told later, at another when. */
void tell(struct finding *finding);
/* The same, and whose doing it is; seen: it was seen, not inferred. */
void tell_by(struct finding *finding, enum verdict_where where, bool seen);

/* The judge's memory of a state object, by the memo of that; made, all zero, when it is first asked for. */
void *memo_in(struct judge *judge, void *const *memo, size_t size);
/* Of an object of which nothing is remembered but what was told. */
struct once *memo_once(struct judge *judge, void *const *memo, enum once_of of);
/* About no object yet. */
struct subject about_nothing(enum subject_kind kind);

/* ---- Words --------------------------------------------------------------------------- */

/* Pieces of a sentence, each in room of its own that lasts as long as the caller's block. */
#define PIECE_MAX 200
/* The server's end of what has a link: "10.0.0.81:80" */
#define SERVER_OF(conn) ENDPOINT(conn_server((conn)->link))
/* Two arguments for "%.*s": at most that many bytes of value, not inside a character. */
#define CUT(value, most) cut_length(value, most), value

int cut_length(const char *value, size_t most);
const char *known_name(const char *name); /* "no known name" for NULL */
/* "RST" or "FIN": what ended it, and the reason that the RST gives: RST ("Flow expired"). */
#define END_NAME(conn) end_name((char[PIECE_MAX]){ 0 }, conn)
const char *end_name(char to[PIECE_MAX], const struct conn *conn);
/* The same of conn_broken_by(). */
#define BROKEN_NAME(conn) broken_name((char[PIECE_MAX]){ 0 }, conn)
const char *broken_name(char to[PIECE_MAX], const struct conn *conn);

/* What follows from a finding. */
struct advice {
    const char *inferred, *next;
};
void say_advice(struct text *text, const struct advice *advice);

struct named_header {
    const char *name, *value; /* value: NULL or "" if there is none */
};
/* The headers that say who it was; they come last, for they are long: at most that many bytes of each. */
void say_headers(struct text *text, const struct named_header *headers, size_t count, size_t most);

#endif
