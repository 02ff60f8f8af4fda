/* report_private.h
 * What a report is made of, for the files that make it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_REPORT_PRIVATE_H
#define OUTLOOKHTTP_REPORT_PRIVATE_H

#include "connections.h"
#include "headlines.h"
#include "logons.h"
#include "report.h"
#include "sessions.h"
#include "slow.h"

/* Distinct texts, in the order in which they came. */
struct name_list { /* all zero: none */
    const char **name;
    uint32_t count, room;
    struct table texts;
};
/* NULL and "" are none. */
void names_add(const struct arena *arena, struct name_list *names, const char *name);
/* "a, b, c and 5 more" */
void names_say(struct out *out, const struct name_list *names, uint32_t most);

/* ---- What it is about --------------------------------------------------------------------- */

enum noun { OF_CONNECTION, OF_SESSION, OF_LOGON, OF_REQUEST, NOUNS };

/* A leg of a connection or session, or a verdict that belongs to neither. */
struct part {
    enum noun noun;
    uint32_t number, leg; /* NO_NUMBER: of neither */
    uint32_t row;         /* in its table */
    struct row_verdict verdict;
    int64_t when; /* of the verdict's frame; where none is, when it began */
    struct when start;
    const char *text;                     /* of the verdict, "" if none */
    const char *user, *whom, *request_id; /* whom: target, mailbox or host; "" if none */
    const char *application;
    struct endpoint client, server[2]; /* IN and OUT; of a session the first; family 0 if none */
    uint32_t request_frame[2];
    bool opened, restarted;
    uint64_t besides; /* of a request or logon: what else was told of it, bits by verdict */
};

/* A connection or session with all of its legs, or a single verdict. */
struct member {
    const struct part *parts;
    uint32_t count;
    const struct part *gravest; /* what is told of it */
    uint64_t cause;             /* stands for what is to be done */
};

/* A verdict of a leg; of several a line for each. */
struct told {
    enum noun noun;
    uint32_t number, row, order;
    const struct verdict *verdict;
};

/* ---- What is said ------------------------------------------------------------------------- */

#define PAIRS_KEPT 64

/* How many of a finding went one way. */
struct way_taken {
    const char *servers, *whom;
    uint32_t count;
};

struct finding_group {
    const struct member *members; /* of one cause */
    uint32_t count;
    const struct part *first; /* the earliest */
    bool failed, restarted;
    uint32_t of[NOUNS];             /* members by noun, a logon counted once */
    struct name_list who, who_only; /* the second without target and program */
    struct name_list users, clients, servers, whom, ids;
    struct way_taken ways[PAIRS_KEPT];
    uint32_t way_count;
    bool more_ways;
    uint32_t also[VERDICT_KINDS]; /* how often else was told of them */
    uint32_t *frames;             /* of their verdicts, ascending */
    uint32_t frame_count;
    const char *filter;
    bool filter_whole; /* it selects all of them */
};

/* The three parts of a verdict's text. */
struct told_parts {
    const char *seen, *inferred, *next; /* "" if there is none */
};

struct doubt_said {
    uint32_t count;
    const char *noun; /* "TLS connections" */
    const char *reason, *remedy;
    const char *filter; /* or NULL */
};

#define DOUBTS_MAX 24

struct report {
    const struct arena *arena;
    struct report_input input;

    struct part *parts;
    uint32_t part_count, part_room;
    struct member *members;
    uint32_t member_count, member_room;
    struct told *told;
    uint32_t told_count, told_room;

    struct finding_group *groups; /* in the order in which they are shown */
    uint32_t group_count, group_room, shown;
    uint32_t total[NOUNS], healthy[NOUNS], unclear[NOUNS], across;
    struct name_list healthy_users[NOUNS];

    struct doubt_said doubts[DOUBTS_MAX];
    uint32_t doubt_count;
    bool none;        /* neither protocol is there, and nothing could have hidden it */
    bool sealed_ours; /* TLS stayed closed towards a server that speaks one of them */
};

/* report_gather.c */
void report_gather(struct report *report);
/* The verdicts of one object: of all legs, leg by leg. */
const struct told *report_told(const struct report *report, enum noun noun, uint32_t number, uint32_t *count);
/* The user of its connection or session; NULL if none is known. */
const char *slow_user(const struct report *report, const struct slow_row *row);
bool part_is_good(const struct part *part);
bool part_failed(const struct part *part);
struct told_parts report_parts(const struct report *report, const char *text);

/* report_fold.c */
void report_fold(struct report *report);

extern const struct broken_text {
    const char *filter, *what;
} broken_texts[BROKEN_KINDS];

/* report_rops.c */
struct json;
void rops_json(const struct report *report, struct json *json);

/* report_text.c */
void report_headline(struct out *out, const struct report *report, const struct finding_group *group);

/* report_filter.c */
/* Numbers are put in order. Returns whether all of them are in it. */
bool filter_say(struct out *out, const char *field, uint32_t *numbers, uint32_t count);
void filter_group(struct report *report, struct finding_group *group);

/* report_doubts.c */
void report_doubts(struct report *report);
/* Why nothing can be told of one that has nothing but good to say; NULL if it is healthy. */
const char *member_doubt(const struct member *member);
/* What is said of a row's doubt: of an archive other words than of a capture. why may be NULL, which it then is. */
const char *doubt_words(const struct report *report, const char *why);

const char *noun_text(enum noun noun, uint32_t count);
const char *address_text(const struct report *report, const struct endpoint *end, bool port);

#endif
