/* finding.h
 * How every finding is told: once, by its row in verdicts.c, and only where its evidence was
 * captured whole.
 *
 *     struct finding finding;
 *     if (!finding_begin(&finding, judge, V_LONE, when, &subject, &evidence)) {
 *         return;
 *     }
 *     say(&finding.text, "Seen: ...; inferred: ...; next: ...");
 *     tell(&finding);
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_FINDING_H
#define OUTLOOKHTTP_FINDING_H

#include "conn.h"
#include "judge.h"
#include "say.h"

struct idle_end;

struct judge {
    struct arena arena;
    struct judge_prefs prefs;
    struct verdict_list found[SUBJECTS];
    struct idle_end *idle_first, *idle_last;     /* that wait for hindsight, oldest first: rpch_end.c */
    struct { struct held *first, *last, *free; } held;   /* of MAPI/HTTP, mapi_rules.h */
    unsigned misuse;             /* broken rules of this file, which tests look at: 0 */
};

/* What is remembered as told of one object, by its bits in enum verdict_kind. All zero but
 * for of: nothing. */
struct once {
    uint8_t of;                  /* enum once_of */
    uint64_t told;
};

/* What a row of the report says of findings. All zero: nothing. */
struct result {
    bool told, where_seen;
    uint8_t verdict, severity, where;    /* the gravest, the first of its severity */
    uint32_t frame;
    bool withheld;               /* something was due, but the capture cannot tell */
    const struct conn *doubtful; /* why, or NULL */
};

/* Whom a finding is about. */
struct subject {
    enum subject_kind kind;
    struct result *result;       /* of its row, NULL if it has none */
    struct once *once;           /* of what it is told once, NULL: as often as it is found */
    uint32_t vc, session, leg;   /* NO_NUMBER if none */
};

#define EVIDENCE_MAX 80

/* The connections that a finding from absence rests on. */
struct evidence {
    unsigned count;
    bool more;                   /* than were named: it cannot be told */
    struct {
        const struct conn *conn;
        uint32_t since;          /* frame; 0: from SYN on */
        bool lacking;            /* something is known to be missing */
    } on[EVIDENCE_MAX];
};

/* Names a connection; NULL names none. */
void evidence_add(struct evidence *evidence, const struct conn *conn, uint32_t since);
/* Names one of which something is known not to have been captured, even if it came late. */
void evidence_add_lacking(struct evidence *evidence, const struct conn *conn);
/* Whether all of it was captured, both ways; doubtful, if not NULL: which was not. */
bool evidence_whole(const struct evidence *evidence, const struct conn **doubtful);

struct finding {
    struct judge *judge;
    struct subject subject;
    struct when when;            /* the frame that it stands on */
    enum verdict_kind kind;
    enum verdict_severity severity;      /* as in the row, unless the rule changes it */
    enum verdict_where where;
    bool seen;                   /* where was seen, not inferred */
    struct text text;
};

/* Begins a finding whose condition holds. False: it was told before, or the evidence is not
 * whole, which the subject's row then says. evidence: NULL where what is seen proves it. */
bool finding_begin(struct finding *finding, struct judge *judge, enum verdict_kind kind, struct when when,
                   const struct subject *subject, const struct evidence *evidence);
/* Makes it another verdict, on the same evidence and with that verdict's severity. */
void finding_turn(struct finding *finding, enum verdict_kind kind);
/* Remembers it as told where another finding has said as much. */
void once_mark(struct once *once, enum verdict_kind kind);
/* Tells it, with the text said by now; the finding may be kept and told later, at another when. */
void tell(const struct finding *finding);

#endif
