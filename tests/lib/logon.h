/* logon.h
 * Plays HTTP heads to the state of logons the way the plugin does: one frame after the
 * other, its head first, then TCP, then the end of the frame. What it proves is written
 * down as "ntlm_torn:error@12/1": item, severity, frame, leg; and all that heads and rows show
 * goes into the transcript.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LOGON_H
#define OUTLOOKHTTP_LOGON_H

#include "ends.h"
#include "finding.h"
#include "heap.h"
#include "outlook.h"
#include "reportlog.h"
#include "tokens.h"
#include "transcript.h"
#include "unit.h"

#include <stdarg.h>

#define START (INT64_C(1700000000) * SECOND)

struct stage {
    struct arena arena;
    struct heap heap;
    struct outlook *outlook;
    struct logon_state *world;
    struct when now;
    int64_t frame_ns; /* from one frame to the next */
    uint32_t streams;
    char log[2048];
    char last_text[VERDICT_TEXT_MAX];
    struct told_list told;
    enum verdict_where where;
    bool where_seen;
};

struct line { /* a TCP connection */
    struct stage *stage;
    struct logon_conn *conn;
    struct conn *link;
    uint32_t stream, seq[2];
    uint32_t leg;                   /* of the last head */
    const struct auth_shown *shown; /* what */
    struct auth_shown what;
};

struct user { /* a client: its X-ClientInfo and the GUID of its requests */
    const char *info, *guid;
    unsigned counter;
    const char *host;
};

#define stage_begin(stage) stage_begin_named(stage, __func__)

static inline void stage_begin_named(struct stage *stage, const char *name)
{
    transcript("== %s", name);
    memset(stage, 0, sizeof(*stage));
    stage->arena = heap_arena(&stage->heap);
    stage->outlook = outlook_new(&stage->arena, NULL);
    stage->world = stage->outlook->logons;
    stage->now.ns = START;
    stage->frame_ns = 2 * MILLISECOND;
}

static inline void stage_rows(const struct stage *stage)
{
    struct auth_row row;
    for (uint32_t i = 0; logon_state_row(stage->world, i, &row); i++) {
        transcript("row %s|%s|%s connections %u accepted %u refused %u slowest %lld by %s refused in %u frames %u-%u "
                   "%lld-%lld",
                   row.user, row.host, row.scheme, row.connections, row.accepted, row.refused,
                   (long long)row.slowest_ns, row.challenge_servers, row.first_refusal.frame, row.start.frame,
                   row.last.frame, (long long)row.start.ns, (long long)row.last.ns);
        transcript("    %s frame %u where %s%s",
                   row.verdict.kind == VERDICT_KINDS ? "-" : verdict_filter(row.verdict.kind), row.verdict.frame,
                   verdict_where_name(row.verdict.where), row.verdict.seen ? " (seen)" : "");
    }
}

static inline void stage_end(struct stage *stage)
{
    CHECK_INT(stage->outlook->judge->misuse, 0);
    transcript_asides("    frames");
    stage_rows(stage);
    transcript_report(stage->outlook, &stage->arena, &stage->told, START, stage->now.ns);
    heap_free(&stage->heap);
}

static inline void stage_wait(struct stage *stage, double seconds)
{
    stage->now.ns += (int64_t)(seconds * 1e9);
}

static inline void stage_collect(struct stage *stage)
{
    static const char *const severities[] = { "chat", "note", "warning", "error" };
    for (const struct verdict *v = outlook_take_verdicts(stage->outlook); v; v = v->next) {
        told_keep(&stage->told, v);
        size_t used = strlen(stage->log);
        snprintf(stage->log + used, sizeof(stage->log) - used, "%s%s:%s@%u/%d", used ? " " : "",
                 strrchr(verdict_filter(v->kind), '.') + 1, severities[v->severity], v->when.frame, (int)v->leg);
        CHECK_INT(v->when.frame, stage->now.frame);
        CHECK(strncmp(v->text, "Seen: ", 6) == 0 && strstr(v->text, "; inferred: ") && strstr(v->text, "; next: "));
        snprintf(stage->last_text, sizeof(stage->last_text), "%s", v->text);
        transcript("%u: %s %s leg %d %s%s: %s", v->when.frame, verdict_filter(v->kind), severities[v->severity],
                   (int)v->leg, verdict_where_name(v->where), v->where_seen ? " (seen)" : "", v->text);
        stage->where = v->where;
        stage->where_seen = v->where_seen;
    }
}

static inline struct line line_open_past(struct stage *stage, const char *client, const char *server,
                                         struct conn_past past, bool tls)
{
    struct line line = { .stage = stage, .stream = stage->streams++, .seq = { 1000, 5000 }, .leg = NO_NUMBER };
    struct endpoint from = end_of(client), to = end_of(server);
    from.port = (uint16_t)(from.port + line.stream);
    past.next_seq[WAY_TO_SERVER] = line.seq[WAY_TO_SERVER];
    past.next_seq[WAY_TO_CLIENT] = line.seq[WAY_TO_CLIENT];
    past.tls = tls;
    line.link = conn_new(&stage->outlook->track, CONN_MAPI, line.stream, &from, &to, &past);
    line.conn = logon_conn_new(stage->world, line.link);
    return line;
}

static inline struct line line_open(struct stage *stage, const char *client, const char *server)
{
    struct conn_past past = { .syn = true, .syn_ack = true, .has_next = true };
    return line_open_past(stage, client, server, past, false);
}

static inline void line_frame(struct line *line, enum way way, const char *head_text, bool fin)
{
    struct stage *stage = line->stage;
    struct http_head head;
    struct segment segment = { .when = { ++stage->now.frame, stage->now.ns },
                               .way = way,
                               .has_ack = true,
                               .fin = fin,
                               .seq = line->seq[way],
                               .ack = line->seq[!way],
                               .window = 100 };
    if (head_text) {
        segment.len = segment.captured = (uint32_t)strlen(head_text);
        if (http_head_parse((const uint8_t *)head_text, strlen(head_text), &head) != HTTP_HEAD_OK) {
            CHECK(!"a head");
            return;
        }
        const struct auth_shown *shown = auth_head(line->conn, segment.when, way, &head, &line->leg);
        line->shown = NULL;
        if (shown) {
            line->what = *shown;
            line->shown = &line->what;
            transcript_aside("%u: leg %d %s %s user %s by %s time %lld of %u stamp %llu row %d", segment.when.frame,
                             (int)line->leg, shown->scheme, shown->step, shown->user, shown->challenge_server,
                             (long long)shown->time_ns, shown->credentials_frame,
                             (unsigned long long)shown->challenge_time, (int)shown->row);
        } else {
            transcript_aside("%u: leg %d", segment.when.frame, (int)line->leg);
        }
    }
    line->seq[way] += segment.len + fin;
    conn_segment(line->link, &segment);
    auth_end_of_frame(line->conn, segment.when, fin, way);
    stage_collect(stage);
    stage->now.ns += stage->frame_ns;
}

static inline void line_fin(struct line *line, enum way way)
{
    line_frame(line, way, NULL, true);
}

/* A POST with the headers of MAPI/HTTP; lines of the own end with CRLF. The counter moves on unless again. */
static inline uint32_t ask_as(struct line *line, struct user *user, bool again, const char *type, const char *token,
                              const char *lines)
{
    char text[4096];
    user->counter += !again;
    snprintf(text, sizeof(text),
             "POST /mapi/emsmdb/?MailboxId=1 HTTP/1.1\r\nHost: %s\r\nContent-Length: 10\r\nX-RequestType: %s\r\n"
             "X-ClientInfo: {%s}:4\r\nX-RequestId: {%s}:%u\r\n%s%s%s%s\r\n",
             user->host ? user->host : "mail.example.test", type, user->info, user->guid, user->counter,
             token ? "Authorization: " : "", token ? token : "", token ? "\r\n" : "", lines ? lines : "");
    line_frame(line, WAY_TO_SERVER, text, false);
    return line->stage->now.frame;
}

static inline uint32_t ask(struct line *line, struct user *user, const char *type, const char *token)
{
    return ask_as(line, user, false, type, token, NULL);
}

static inline uint32_t reply(struct line *line, unsigned status, const char *format, ...)
{
    char text[4096];
    int used = snprintf(text, sizeof(text), "HTTP/1.1 %u Reason\r\nContent-Length: 0\r\n", status);
    va_list args;
    va_start(args, format);
    used += vsnprintf(text + used, sizeof(text) - (size_t)used, format, args);
    va_end(args);
    snprintf(text + used, sizeof(text) - (size_t)used, "\r\n");
    line_frame(line, WAY_TO_CLIENT, text, false);
    return line->stage->now.frame;
}

#define OFFERS "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic realm=\"x, y\"\r\n"

/* Types 1 and 2. */
static inline void challenge_as(struct line *line, struct user *user, const char *scheme, const char *server,
                                uint64_t stamp)
{
    char text[TOKEN_TEXT];
    ask(line, user, "Connect", type1(scheme, text));
    reply(line, 401, "WWW-Authenticate: %s\r\n", type2(scheme, server, stamp, text));
}

/* The type 3 of the same request. */
static inline uint32_t third(struct line *line, struct user *user, const char *scheme, const char *name,
                             const char *server, uint64_t stamp)
{
    char text[TOKEN_TEXT];
    return ask_as(line, user, true, "Connect", type3(scheme, name, server, stamp, 0, text), NULL);
}

static inline void login(struct line *line, struct user *user, const char *scheme, const char *name, uint64_t stamp,
                         const char *lines)
{
    challenge_as(line, user, scheme, "EX1", stamp);
    third(line, user, scheme, name, "EX1", stamp);
    reply(line, 200, "%s", lines);
}

#endif
