/* report_json.c
 * The same for programs: docs/report.md says what each member means. Members are added, never renamed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "clients.h"
#include "report_private.h"

#define FORMAT 1
#define NUMBERS_SHOWN 1000 /* of connections, sessions or frames of one finding */
#define NAMES_SHOWN 100

static const char *const severities[] = {
    [V_CHAT] = "chat", [V_NOTE] = "note", [V_WARNING] = "warning", [V_ERROR] = "error"
};
static const char *const results[] = {
    [REPORT_HEALTHY] = "healthy", [REPORT_FAILED] = "failed", [REPORT_CANNOT_TELL] = "cannot_tell"
};

static void put_names(struct json *json, const char *key, const struct name_list *names)
{
    json_array(json, key);
    for (uint32_t i = 0; i < names->count && i < NAMES_SHOWN; i++) {
        json_string(json, NULL, names->name[i]);
    }
    json_end_array(json);
}

/* ---- The capture --------------------------------------------------------------------------- */

static void put_closed(struct json *json, const struct overview *overview)
{
    uint32_t at = 0, shown = 0;
    json_array(json, "closed");
    for (const struct overview_conn *conn; shown < NAMES_SHOWN && (conn = overview_next(overview, &at)) != NULL;) {
        char handshake[HANDSHAKE_TEXT_MAX];
        if (!conn->tls || conn->decrypted) {
            continue;
        }
        json_object(json, NULL);
        json_number(json, "stream", conn->stream);
        json_string(json, "server", ENDPOINT(overview_server(conn)));
        json_string(json, "server_name", conn->server_name);
        json_string(json, "handshake", overview_handshake(conn, handshake));
        json_seconds(json, "longest_idle", conn->longest_idle);
        json_string(json, "end", overview_end(conn));
        json_end_object(json);
        shown++;
    }
    json_end_array(json);
}

static void put_capture(struct json *json, const struct overview *overview)
{
    uint32_t at = 0, conns = 0, one_way = 0, gaps = 0, gappy = 0, late = 0, tls = 0, decrypted = 0, http2 = 0;
    const bool any = overview->packets > 0;
    for (const struct overview_conn *conn; (conn = overview_next(overview, &at)) != NULL;) {
        conns++;
        one_way += overview_one_way(conn);
        gaps += overview_gaps(conn);
        gappy += overview_gaps(conn) > 0;
        late += !conn->syn;
        tls += conn->tls;
        decrypted += conn->decrypted;
        http2 += conn->http2;
    }
    json_object(json, "capture");
    json_number(json, "packets", overview->packets);
    json_string(json, "archive", overview_is_archive(overview) ? overview->archive : NULL);
    json_string(json, "start", any ? ISO(overview->first) : NULL);
    json_string(json, "end", any ? ISO(overview->last) : NULL);
    json_seconds(json, "seconds", any ? overview->last - overview->first : -1);
    json_number(json, "packets_cut", overview->cut);
    json_number(json, "tcp_connections", conns);
    json_number(json, "one_direction", one_way);
    json_number(json, "without_syn", late);
    json_number(json, "gaps", gaps);
    json_number(json, "connections_with_gaps", gappy);
    json_number(json, "http2_connections", http2);
    json_object(json, "tls");
    json_number(json, "connections", tls);
    json_number(json, "decrypted", decrypted);
    json_bool(json, "key_log", overview->key_log);
    put_closed(json, overview);
    json_end_object(json);
    json_end_object(json);
}

/* ---- Findings ------------------------------------------------------------------------------ */

static void put_numbers(struct json *json, const char *key, const struct finding_group *group, enum noun noun)
{
    json_array(json, key);
    for (uint32_t i = 0, shown = 0; i < group->count && shown < NUMBERS_SHOWN; i++) {
        if (group->members[i].gravest->noun == noun) {
            json_number(json, NULL, group->members[i].gravest->number);
            shown++;
        }
    }
    json_end_array(json);
}

static void put_ways(struct json *json, const struct finding_group *group)
{
    json_array(json, "among");
    for (uint32_t i = 0; i < group->way_count; i++) {
        const struct way_taken *way = &group->ways[i];
        json_object(json, NULL);
        json_string(json, "servers", way->servers);
        json_string(json, "target", way->whom[0] ? way->whom : NULL);
        json_number(json, "count", way->count);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_first(struct json *json, const struct report *report, const struct part *part)
{
    const bool connection = part->noun == OF_CONNECTION, session = part->noun == OF_SESSION;
    json_object(json, "first");
    json_string(json, "time", ISO(part->when));
    json_number_or_null(json, "frame", part->verdict.frame ? part->verdict.frame : NO_NUMBER);
    json_number_or_null(json, "connection", connection ? part->number : NO_NUMBER);
    json_number_or_null(json, "session", session ? part->number : NO_NUMBER);
    json_number_or_null(json, "leg", part->leg);
    json_string(json, "client", address_text(report, &part->client, true));
    json_array(json, "servers");
    for (unsigned i = 0; i < 2; i++) {
        if (part->server[i].family) {
            json_string(json, NULL, ENDPOINT(&part->server[i]));
        }
    }
    json_end_array(json);
    json_end_object(json);
}

static void put_also(struct json *json, const struct finding_group *group)
{
    json_array(json, "also");
    for (int kind = 0; kind < VERDICT_KINDS; kind++) {
        if (group->also[kind] > 0) {
            json_object(json, NULL);
            json_string(json, "verdict", verdict_filter((enum verdict_kind)kind));
            json_number(json, "count", group->also[kind]);
            json_end_object(json);
        }
    }
    json_end_array(json);
}

static void put_total(struct json *json, const struct report *report, const struct finding_group *group)
{
    uint32_t count = 0, total = 0;
    bool known = false;
    for (unsigned noun = 0; noun < NOUNS; noun++) {
        count += group->of[noun];
        if (group->of[noun] > 0 && (noun == OF_CONNECTION || noun == OF_SESSION)) {
            total += report->total[noun];
            known = true;
        }
    }
    json_number(json, "count", count);
    json_number_or_null(json, "total", known ? total : NO_NUMBER);
}

static void put_finding(struct json *json, const struct report *report, const struct finding_group *group)
{
    const struct part *part = group->first;
    const struct row_verdict *verdict = &part->verdict;
    const struct told_parts parts = report_parts(report, part->text);
    const bool known = verdict->where != WHERE_NONE && verdict->where != WHERE_UNKNOWN;
    struct out headline = { .arena = report->arena };
    report_headline(&headline, report, group);
    json_object(json, NULL);
    json_string(json, "verdict", verdict_filter(verdict->kind));
    json_string(json, "severity", severities[verdict->severity]);
    json_bool(json, "failed", group->failed);
    json_string(json, "headline", out_string(&headline));
    put_total(json, report, group);
    json_string(json, "where", verdict_where_name(known ? verdict->where : WHERE_UNKNOWN));
    json_bool(json, "where_seen", known && verdict->seen);
    json_string(json, "cannot_tell", doubt_words(report, verdict->cannot_tell));
    json_string(json, "seen", parts.seen);
    json_string(json, "inferred", parts.inferred);
    json_string(json, "next", parts.next);
    json_string(json, "filter", group->filter);
    json_bool(json, "filter_whole", group->filter_whole);
    put_first(json, report, part);
    json_array(json, "frames");
    for (uint32_t i = 0; i < group->frame_count; i++) {
        json_number(json, NULL, group->frames[i]);
    }
    json_end_array(json);
    put_numbers(json, "connections", group, OF_CONNECTION);
    put_numbers(json, "sessions", group, OF_SESSION);
    put_names(json, "users", &group->users);
    put_names(json, "clients", &group->clients);
    put_names(json, "servers", &group->servers);
    put_names(json, "targets", &group->whom);
    put_ways(json, group);
    put_also(json, group);
    put_names(json, "request_ids", &group->ids);
    json_end_object(json);
}

/* ---- The rest ------------------------------------------------------------------------------ */

static void put_healthy(struct json *json, const struct report *report)
{
    json_object(json, "healthy");
    json_number(json, "connections", report->healthy[OF_CONNECTION]);
    json_number(json, "connections_total", report->total[OF_CONNECTION]);
    json_number(json, "connections_across_proxies", report->across);
    json_number(json, "sessions", report->healthy[OF_SESSION]);
    json_number(json, "sessions_total", report->total[OF_SESSION]);
    json_number(json, "mapi_requests", report->input.mapi_requests);
    put_names(json, "connection_users", &report->healthy_users[OF_CONNECTION]);
    put_names(json, "session_users", &report->healthy_users[OF_SESSION]);
    json_end_object(json);
}

static void put_doubts(struct json *json, const struct report *report)
{
    json_array(json, "cannot_tell");
    for (uint32_t i = 0; i < report->doubt_count; i++) {
        const struct doubt_said *doubt = &report->doubts[i];
        json_object(json, NULL);
        json_number(json, "count", doubt->count);
        json_string(json, "what", doubt->noun);
        json_string(json, "reason", doubt->reason);
        json_string(json, "next", doubt->remedy);
        json_string(json, "filter", doubt->filter);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_broken(struct json *json, const struct report *report)
{
    json_array(json, "broken");
    for (int kind = 0; kind < BROKEN_KINDS; kind++) {
        const struct broken_seen *broken = &report->input.broken[kind];
        if (broken->packets > 0) {
            json_object(json, NULL);
            json_string(json, "filter", broken_texts[kind].filter);
            json_string(json, "what", broken_texts[kind].what);
            json_number(json, "packets", broken->packets);
            json_number(json, "first_frame", broken->first_frame);
            json_end_object(json);
        }
    }
    json_end_array(json);
}

/* The first of "slow", with whose it is. */
static void put_slowest(struct json *json, const struct report *report)
{
    struct slow_row row;
    if (!slow_row(report->input.track, 0, &row)) {
        json_null(json, "slowest");
        return;
    }
    json_object(json, "slowest");
    json_string(json, "type", row.operation);
    json_seconds(json, "seconds", row.total);
    json_number_or_null(json, "connection", row.vc);
    json_number_or_null(json, "session", row.session);
    json_number(json, "leg", row.leg[0].leg);
    json_string(json, "user", slow_user(report, &row));
    json_string(json, "client", address_text(report, &row.leg[0].conn->client, false));
    json_end_object(json);
}

static void put_slow(struct json *json, const struct track *track)
{
    static const char *const members[] = { "slow", "slow_types" };
    if (track) {
        slow_json(track, json);
        return;
    }
    for (unsigned i = 0; i < COUNT_OF(members); i++) { /* nothing was claimed */
        json_array(json, members[i]);
        json_end_array(json);
    }
}

const char *report_json(struct report *report)
{
    struct out *out = arena_new(report->arena, sizeof(*out));
    struct json json = { .out = out };
    out->arena = report->arena;
    json_object(&json, NULL);
    json_number(&json, "format", FORMAT);
    json_string(&json, "version", report->input.version);
    json_string(&json, "result", results[report_result(report)]);
    put_capture(&json, report->input.overview);
    json_array(&json, "findings");
    for (uint32_t i = 0; i < report->group_count; i++) {
        put_finding(&json, report, &report->groups[i]);
    }
    json_end_array(&json);
    put_healthy(&json, report);
    put_doubts(&json, report);
    put_slowest(&json, report);
    rops_json(report, &json);
    put_broken(&json, report);
    clients_json(report->input.track, &json);
    put_slow(&json, report->input.track);
    json_end_object(&json);
    return out_string(out);
}
