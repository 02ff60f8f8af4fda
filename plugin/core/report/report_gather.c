/* report_gather.c
 * Takes up the rows of state and all that was told, each connection and session once.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "report_private.h"

#include "conn.h"

#include <stdlib.h>

/* ---- Names --------------------------------------------------------------------------------- */

void names_add(const struct arena *arena, struct name_list *names, const char *name)
{
    const uint32_t before = names->texts.used;
    if (!name || !name[0]) {
        return;
    }
    const char *kept = text_keep(arena, &names->texts, name);
    if (names->texts.used == before) {
        return;
    }
    if (names->count == names->room) {
        names->name = arena_grow(arena, names->name, &names->room, 4, sizeof(*names->name));
    }
    names->name[names->count++] = kept;
}

void names_say(struct out *out, const struct name_list *names, uint32_t most)
{
    const uint32_t shown = names->count < most ? names->count : most;
    for (uint32_t i = 0; i < shown; i++) {
        out_text(out, i ? ", " : "");
        out_text(out, names->name[i]);
    }
    if (shown < names->count) {
        out_say(out, " and %s more", COUNTED(names->count - shown));
    }
}

const char *noun_text(enum noun noun, uint32_t count)
{
    static const char *const texts[NOUNS][2] = { [OF_CONNECTION] = { "RPC over HTTP connection",
                                                                     "RPC over HTTP connections" },
                                                 [OF_SESSION] = { "MAPI/HTTP session", "MAPI/HTTP sessions" },
                                                 [OF_LOGON] = { "logon", "logons" },
                                                 [OF_REQUEST] = { "request", "requests" } };
    return texts[noun][count != 1];
}

static const char *keep(const struct report *report, const char *bytes, size_t len)
{
    char *copy = arena_new(report->arena, len + 1);
    memcpy(copy, bytes, len);
    return copy;
}

const char *address_text(const struct report *report, const struct endpoint *end, bool port)
{
    char text[ENDPOINT_TEXT_MAX];
    if (!end->family) {
        return "";
    }
    endpoint_format(end, text);
    if (!port) {
        char *colon = strrchr(text, ':');
        if (colon) {
            *colon = '\0';
        }
    }
    return keep(report, text, strlen(text));
}

struct told_parts report_parts(const struct report *report, const char *text)
{
    static const char *const marks[] = { "Seen: ", "; inferred: ", "; next: " };
    const char *parts[3];
    const char *from = text;
    for (unsigned i = 0; i < 3; i++) {
        const char *mark = strstr(from, marks[i]);
        from = mark ? mark + strlen(marks[i]) : "";
        const char *end = i < 2 ? strstr(from, marks[i + 1]) : NULL;
        parts[i] = end ? keep(report, from, (size_t)(end - from)) : from;
    }
    /* Headers stand behind all, where a long text may lose them; they are of what was seen. */
    const char *headers = strstr(parts[2], "; headers: ");
    if (headers) {
        struct out seen = { .arena = report->arena };
        out_text(&seen, parts[0]);
        out_text(&seen, headers);
        parts[0] = out_string(&seen);
        parts[2] = keep(report, parts[2], (size_t)(headers - parts[2]));
    }
    return (struct told_parts){ parts[0], parts[1], parts[2] };
}

/* ---- What was told ------------------------------------------------------------------------- */

static int by_owner(const void *a, const void *b)
{
    const struct told *one = a, *other = b;
    if (one->noun != other->noun) {
        return one->noun < other->noun ? -1 : 1;
    }
    if (one->number != other->number) {
        return one->number < other->number ? -1 : 1;
    }
    if (one->row != other->row) {
        return one->row < other->row ? -1 : 1;
    }
    return one->order < other->order ? -1 : one->order > other->order;
}

static void told_add(struct report *report, const struct victim *whose, uint32_t order, const struct verdict *verdict)
{
    const bool of_vc = whose->vc != NO_NUMBER;
    if (!of_vc && whose->session == NO_NUMBER) {
        return;
    }
    if (report->told_count == report->told_room) {
        report->told = arena_grow(report->arena, report->told, &report->told_room, 64, sizeof(*report->told));
    }
    report->told[report->told_count++] = (struct told){ .noun = of_vc ? OF_CONNECTION : OF_SESSION,
                                                        .number = of_vc ? whose->vc : whose->session,
                                                        .row = whose->row,
                                                        .order = order,
                                                        .verdict = verdict };
}

static void gather_told(struct report *report)
{
    for (uint32_t i = 0; i < report->input.verdict_count; i++) {
        const struct verdict *verdict = report->input.verdicts[i];
        const struct victim one = { verdict->vc, verdict->session, verdict->leg, verdict->row };
        const struct victim *victims = verdict->victims ? verdict->victims : &one;
        const uint32_t count = verdict->victims ? verdict->victim_count : 1;
        for (uint32_t victim = 0; victim < count; victim++) {
            told_add(report, &victims[victim], i, verdict);
        }
    }
    if (report->told_count > 1) {
        qsort(report->told, report->told_count, sizeof(*report->told), by_owner);
    }
}

const struct told *report_told(const struct report *report, enum noun noun, uint32_t number, uint32_t *count)
{
    const struct told key = { .noun = noun, .number = number };
    uint32_t low = 0, high = report->told_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (by_owner(&report->told[middle], &key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    uint32_t end = low;
    while (end < report->told_count && report->told[end].noun == noun && report->told[end].number == number) {
        end++;
    }
    *count = end - low;
    return *count > 0 ? report->told + low : NULL;
}

/* What was told of a leg by that verdict: on that frame if there is such, else the first. */
static const struct verdict *told_of(const struct report *report, const struct part *part, enum verdict_kind kind,
                                     uint32_t frame)
{
    uint32_t count;
    const struct told *told = report_told(report, part->noun, part->number, &count);
    const struct verdict *first = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct verdict *verdict = told[i].verdict;
        if (told[i].row == part->row && verdict->kind == kind) {
            if (verdict->when.frame == frame) {
                return verdict;
            }
            first = first ? first : verdict;
        }
    }
    return first;
}

static bool of_server(enum verdict_kind kind)
{
    return kind == V_SERVER_GONE || kind == V_SERVER_BACK;
}

/* What was told of the server that a row belongs to which ended a little later. */
static const struct verdict *told_of_server(const struct report *report, const struct part *part)
{
    char name[ENDPOINT_TEXT_MAX + 2] = " ";
    const struct endpoint *server = part->server[0].family ? &part->server[0] : &part->server[1];
    if (!server->family) {
        return NULL;
    }
    endpoint_format(server, name + 1);
    strcat(name, " ");
    for (uint32_t i = 0; i < report->input.verdict_count; i++) {
        const struct verdict *verdict = report->input.verdicts[i];
        if (verdict->kind == part->verdict.kind && strstr(verdict->text, name)) {
            return verdict;
        }
    }
    return NULL;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static struct part *part_new(struct report *report, enum noun noun)
{
    if (report->part_count == report->part_room) {
        report->parts = arena_grow(report->arena, report->parts, &report->part_room, 32, sizeof(*report->parts));
    }
    struct part *part = &report->parts[report->part_count++];
    *part = (struct part){ .noun = noun, .text = "", .user = "", .whom = "", .request_id = "", .application = "" };
    return part;
}

static void gather_connections(struct report *report)
{
    struct leg_row row;
    for (uint32_t i = 0; report->input.rpch && rpch_state_row(report->input.rpch, i, &row); i++) {
        struct part *part = part_new(report, OF_CONNECTION);
        part->row = i;
        part->number = row.vc;
        part->leg = row.leg;
        part->verdict = row.verdict;
        part->start = row.start;
        part->user = row.user;
        part->whom = or_empty(row.target);
        part->request_id = row.request_id;
        part->client = row.client;
        part->server[0] = row.in.peer;
        part->server[1] = row.out.peer;
        part->request_frame[0] = row.in.request_frame;
        part->request_frame[1] = row.out.request_frame;
        part->opened = row.opened;
    }
}

static void gather_sessions(struct report *report)
{
    struct session_row row;
    for (uint32_t i = 0; report->input.mapi && mapi_state_row(report->input.mapi, i, &row); i++) {
        struct part *part = part_new(report, OF_SESSION);
        part->row = i;
        part->number = row.session;
        part->leg = row.leg;
        part->verdict = row.verdict;
        part->start = row.start;
        part->user = row.user;
        part->whom = or_empty(row.mailbox);
        part->application = or_empty(row.application);
        part->request_id = row.request_id;
        part->client = row.client;
        part->server[0] = row.server;
        part->opened = true;
    }
}

static int by_number(const void *a, const void *b)
{
    const struct part *one = a, *other = b;
    if (one->noun != other->noun) {
        return one->noun < other->noun ? -1 : 1;
    }
    if (one->number != other->number) {
        return one->number < other->number ? -1 : 1;
    }
    return one->leg < other->leg ? -1 : one->leg > other->leg;
}

static void take_verdict(struct part *part, const struct verdict *verdict)
{
    part->verdict.kind = verdict->kind;
    part->verdict.severity = verdict->severity;
    part->verdict.frame = verdict->when.frame;
    part->verdict.where = verdict->where;
    part->verdict.seen = verdict->where_seen;
    part->verdict.text = NULL;
}

/* A context that had expired is refused: the second explains the first. And where a row has nothing but good to say,
 * something graver may have been told of it as one of several. */
static void explain(const struct report *report, struct part *part)
{
    uint32_t count;
    const struct told *told = report_told(report, part->noun, part->number, &count);
    const struct verdict *better = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct verdict *verdict = told[i].verdict;
        if (told[i].row != part->row) {
            continue;
        }
        if (part->verdict.kind == V_RESPONSE_CODE) {
            better = verdict->kind == V_SESSION_EXPIRED && !better ? verdict : better;
        } else if (part_is_good(part) && verdict->severity > V_CHAT && verdict->kind != V_PROXIES_DIFFER &&
                   part->noun == OF_SESSION &&
                   (!better || headline_rank(verdict->kind) < headline_rank(better->kind))) {
            better = verdict;
        }
    }
    if (better) {
        take_verdict(part, better);
    }
}

static void find_words(const struct report *report, struct part *part)
{
    part->when = part->start.ns;
    if (part->verdict.kind == VERDICT_KINDS) {
        return;
    }
    if (part->noun == OF_SESSION) {
        explain(report, part);
    }
    if (part->verdict.text) {
        part->text = keep(report, part->verdict.text, strlen(part->verdict.text));
        return;
    }
    const struct verdict *verdict = told_of(report, part, part->verdict.kind, part->verdict.frame);
    part->restarted = of_server(part->verdict.kind) && told_of(report, part, V_SERVER_BACK, 0);
    if (!verdict && of_server(part->verdict.kind)) {
        verdict = told_of_server(report, part);
    }
    if (verdict) {
        part->text = verdict->text;
        part->when = verdict->when.ns;
    }
}

/* ---- What belongs to no row ---------------------------------------------------------------- */

static bool is_logon(enum verdict_kind kind)
{
    return kind >= V_NTLM_TORN && kind <= V_CHANNEL_BINDING;
}

/* "alice (NTLM)" */
static const char *user_text(const struct report *report, const struct origin *origin)
{
    struct out text = { .arena = report->arena };
    if (!origin->user || !origin->user[0]) {
        return "";
    }
    out_text(&text, origin->user);
    if (origin->scheme && origin->scheme[0]) {
        out_say(&text, " (%s)", origin->scheme);
    }
    return out_string(&text);
}

_Static_assert(VERDICT_KINDS <= 64, "a bit for each verdict");

/* The part of a request of which something was told already: an answer that is no good may break two rules. */
static struct part *same_request(struct report *report, const struct verdict *verdict)
{
    struct part *last = report->part_count > 0 ? &report->parts[report->part_count - 1] : NULL;
    const char *id = or_empty(verdict->origin.request_id);
    const bool same = last && last->noun == OF_REQUEST && last->number == verdict->when.frame && verdict->origin.conn &&
                      endpoint_equal(&last->client, &verdict->origin.conn->client) && strcmp(last->request_id, id) == 0;
    return same ? last : NULL;
}

/* The part of the verdict that says why, NULL if there is none: one cause is told once. */
static struct part *explanation(struct report *report, const struct verdict *verdict)
{
    for (uint32_t i = report->part_count; verdict->explained && i > 0; i--) {
        struct part *part = &report->parts[i - 1];
        if (part->noun == OF_LOGON && part->number == verdict->explained) {
            return part;
        }
    }
    return NULL;
}

/* Verdicts come in the order of their frames. NULL: a handshake was not told to be torn on that frame. */
static const struct verdict *torn_on(const struct report *report, uint32_t frame)
{
    uint32_t low = 0, high = report->input.verdict_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (report->input.verdicts[middle]->when.frame < frame) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < report->input.verdict_count && report->input.verdicts[low]->when.frame == frame; low++) {
        if (report->input.verdicts[low]->kind == V_NTLM_TORN) {
            return report->input.verdicts[low];
        }
    }
    return NULL;
}

/* Connections that were refused because their handshake was torn: one cause is told once. */
static void explain_connections(struct report *report)
{
    for (uint32_t i = 0; i < report->part_count; i++) {
        struct part *part = &report->parts[i];
        const struct verdict *torn =
            part->noun == OF_CONNECTION && part->verdict.explained ? torn_on(report, part->verdict.explained) : NULL;
        if (torn) {
            take_verdict(part, torn);
            part->text = torn->text;
        }
    }
}

static void gather_single(struct report *report, const struct verdict *verdict)
{
    const bool owned = verdict->vc != NO_NUMBER || verdict->session != NO_NUMBER;
    if (of_server(verdict->kind) || verdict->kind < V_NTLM_TORN || (owned && !is_logon(verdict->kind))) {
        return;
    }
    const struct origin *origin = &verdict->origin;
    struct part *part = is_logon(verdict->kind) ? explanation(report, verdict) : same_request(report, verdict);
    if (part) {
        const enum verdict_kind known = part->verdict.kind;
        const bool explains = headline_rank(verdict->kind) < headline_rank(known) || verdict->kind == V_TORN_ACCEPTED;
        part->besides |= UINT64_C(1) << (explains ? known : verdict->kind);
        if (explains) {
            part->text = verdict->text;
            take_verdict(part, verdict);
        }
        return;
    }
    part = part_new(report, is_logon(verdict->kind) ? OF_LOGON : OF_REQUEST);
    part->number = verdict->when.frame;
    part->leg = NO_NUMBER;
    part->when = verdict->when.ns;
    part->start = verdict->when;
    part->text = verdict->text;
    part->user = user_text(report, origin);
    part->whom = or_empty(origin->host);
    part->request_id = or_empty(origin->request_id);
    take_verdict(part, verdict);
    if (origin->conn) {
        part->client = origin->conn->client;
        part->server[0] = *conn_server(origin->conn);
    }
}

const char *slow_user(const struct report *report, const struct slow_row *row)
{
    const bool call = row->vc != NO_NUMBER;
    for (uint32_t i = 0; i < report->part_count; i++) {
        const struct part *part = &report->parts[i];
        if (part->user[0] && part->noun == (call ? OF_CONNECTION : OF_SESSION) &&
            part->number == (call ? row->vc : row->session)) {
            return part->user;
        }
    }
    return NULL;
}

/* ---- Members ------------------------------------------------------------------------------- */

bool part_is_good(const struct part *part)
{
    const struct row_verdict *verdict = &part->verdict;
    return verdict->kind == VERDICT_KINDS || verdict->severity == V_CHAT ||
           (verdict->kind == V_PROXIES_DIFFER && part->opened);
}

bool part_failed(const struct part *part)
{
    return !part_is_good(part) && part->verdict.severity >= V_WARNING;
}

/* Which leg tells more of a connection or session. */
static bool is_graver(const struct part *one, const struct part *than)
{
    if (part_is_good(one) != part_is_good(than)) {
        return !part_is_good(one);
    }
    if (part_failed(one) != part_failed(than)) {
        return part_failed(one);
    }
    const unsigned rank = headline_rank(one->verdict.kind), other = headline_rank(than->verdict.kind);
    if (rank != other) {
        return rank < other;
    }
    const bool known = one->verdict.where != WHERE_NONE && one->verdict.where != WHERE_UNKNOWN;
    const bool other_known = than->verdict.where != WHERE_NONE && than->verdict.where != WHERE_UNKNOWN;
    return known && !other_known;
}

/* Stands for what is to be done: the advice without the names, addresses and numbers in it, so that what one fault of
 * one kind did to many is one cause, and two answers that call for different things are two. */
static uint64_t cause_of(const struct report *report, const struct part *part)
{
    char words[SAY_MAX];
    size_t used = 0;
    if (of_server(part->verdict.kind)) {
        return 0;
    }
    const char *at = strstr(part->text, "; next: ");
    for (at = at ? at : ""; *at;) {
        const size_t len = strcspn(at, " ");
        const bool plain = strcspn(at, "0123456789@\\./") >= len - (len > 0);
        if (plain && used + len + 1 < sizeof(words)) {
            memcpy(words + used, at, len);
            used += len;
        }
        at += len;
        at += strspn(at, " ");
    }
    return hash_keyed(&report->arena->key, 0, words, used);
}

static void gather_members(struct report *report)
{
    for (uint32_t i = 0; i < report->part_count;) {
        const struct part *part = &report->parts[i];
        if (report->member_count == report->member_room) {
            report->members =
                arena_grow(report->arena, report->members, &report->member_room, 32, sizeof(*report->members));
        }
        struct member *member = &report->members[report->member_count++];
        *member = (struct member){ .parts = part, .gravest = part, .count = 1 };
        const bool legs = part->noun == OF_CONNECTION || part->noun == OF_SESSION;
        while (legs && i + member->count < report->part_count && part[member->count].noun == part->noun &&
               part[member->count].number == part->number) {
            if (is_graver(&part[member->count], member->gravest)) {
                member->gravest = &part[member->count];
            }
            member->count++;
        }
        member->cause = cause_of(report, member->gravest);
        i += member->count;
    }
}

void report_gather(struct report *report)
{
    gather_told(report);
    gather_connections(report);
    gather_sessions(report);
    if (report->part_count > 1) {
        qsort(report->parts, report->part_count, sizeof(*report->parts), by_number);
    }
    for (uint32_t i = 0; i < report->part_count; i++) {
        find_words(report, &report->parts[i]);
    }
    explain_connections(report);
    for (uint32_t i = 0; i < report->input.verdict_count; i++) {
        gather_single(report, report->input.verdicts[i]);
    }
    gather_members(report);
}
