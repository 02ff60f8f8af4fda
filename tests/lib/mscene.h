/* mscene.h
 * Plays MAPI/HTTP connections to the state core the way the plugin does: bytes of a stream
 * frame by frame. What it proves is written down as "session.lost:error@12/0.1": item,
 * severity, frame, session and leg (-1: none); and all that messages and rows show goes into
 * the transcript.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_MSCENE_H
#define OUTLOOKHTTP_MSCENE_H

#include "ends.h"
#include "finding.h"
#include "follow.h"
#include "heap.h"
#include "outlook.h"
#include "reportlog.h"
#include "sessions.h"
#include "transcript.h"
#include "unit.h"

#include <stdarg.h>
#include <stdio.h>

#define SCENE_START (INT64_C(1700000000) * SECOND)

#define MESSAGES_KEPT 256

struct scene {
    struct arena arena;
    struct heap heap;
    struct outlook *outlook;
    struct mapi_state *world;
    uint32_t frame, streams;
    int64_t ns, frame_ns; /* now, and from one frame to the next */
    char log[4096];       /* verdicts, separated by blanks */
    char last_text[VERDICT_TEXT_MAX];
    struct told_list told;
    enum verdict_where where;
    bool where_seen;
    struct mapi_message *messages[MESSAGES_KEPT]; /* for the transcript */
    unsigned message_count;
    bool wild; /* what is played need not be HTTP */
};

struct tap { /* a TCP connection */
    struct scene *scene;
    struct mapi_conn *conn;
    struct conn *link;
    uint32_t stream;
    uint32_t seq[2];
    struct follow follow[2];
    struct mapi_message *now[2];  /* under way */
    struct mapi_message *last[2]; /* begun last, ours or NULL */
    char page[512];
    size_t page_len;
    bool is_page, head_asked, lost;
    uint8_t body[4096];
    size_t body_len;
    bool typed; /* bodies are of their type: they are read as such */
};

#define scene_begin(scene) scene_begin_named(scene, __func__)

static inline void scene_begin_named(struct scene *scene, const char *name)
{
    transcript("== %s", name);
    memset(scene, 0, sizeof(*scene));
    scene->arena = heap_arena(&scene->heap);
    scene->outlook = outlook_new(&scene->arena, NULL);
    scene->world = scene->outlook->mapi;
    scene->ns = SCENE_START;
    scene->frame_ns = MILLISECOND;
}

static inline const char *shown(const char *text)
{
    return text ? text : "-";
}

static inline void scene_messages(const struct scene *scene)
{
    for (unsigned i = 0; i < scene->message_count; i++) {
        const struct mapi_message *m = scene->messages[i];
        transcript_aside(
            "%s %u-%u%s type %u %s endpoint %u of %d.%d mailbox %s user %s application %s request %u response %u "
            "elapsed %lld%s code %d body %llu row %d",
            m->is_response ? "response" : "request", m->begin.frame, m->end.frame, m->cut ? " cut" : "", m->type,
            shown(m->type_name), m->endpoint, (int)m->session, (int)m->leg, shown(m->mailbox), shown(m->user_dn),
            shown(m->client_application), m->request_frame, m->response_frame, (long long)m->elapsed_ns,
            m->elapsed_in_seconds ? " in seconds" : "", m->has_code ? (int)m->code : -1,
            (unsigned long long)m->body_length, (int)m->row);
        for (unsigned tag = 0; tag < m->tag_count; tag++) {
            transcript_aside("    tag %u at %u", m->tags[tag].tag, m->tags[tag].when.frame);
        }
    }
    transcript_asides("    messages");
}

static inline void scene_rows(const struct scene *scene)
{
    char client[ENDPOINT_TEXT_MAX], server[ENDPOINT_TEXT_MAX];
    struct session_row row;
    uint32_t rows = 0, sessions = 0;
    for (uint32_t i = 0; mapi_state_row(scene->world, i, &row); i++) {
        rows++;
        sessions = row.session >= sessions ? row.session + 1 : sessions;
        CHECK_INT(mapi_state_find_row(scene->world, row.session, row.leg), i);
        endpoint_format(&row.client, client);
        endpoint_format(&row.server, server);
        transcript("row %u.%u frames %u-%u %lld-%lld user %s application %s mailbox %s dn %s endpoint %u %s %s by %s "
                   "behind %s ok %u failed %u slowest %lld of %u code %d ended %s id %s",
                   row.session, row.leg, row.start.frame, row.last.frame, (long long)row.start.ns,
                   (long long)row.last.ns, row.user, row.application, row.mailbox, row.user_dn, row.endpoint, client,
                   server, row.front_ends, row.back_ends, row.ok, row.failed, (long long)row.slowest_ns,
                   row.slowest_type, (int)row.last_code, row.ended, row.request_id);
        transcript("    %s frame %u where %s%s cannot tell %s",
                   row.verdict.kind == VERDICT_KINDS ? "-" : verdict_filter(row.verdict.kind), row.verdict.frame,
                   verdict_where_name(row.verdict.where), row.verdict.seen ? " (seen)" : "",
                   shown(row.verdict.cannot_tell));
    }
    CHECK_INT(mapi_state_rows(scene->world), rows);
    CHECK_INT(mapi_state_sessions(scene->world), sessions);
    CHECK_INT(mapi_state_find_row(scene->world, sessions, 0), NO_NUMBER);
}

static inline void scene_end(struct scene *scene)
{
    CHECK_INT(scene->outlook->judge->misuse, 0);
    scene_messages(scene);
    scene_rows(scene);
    transcript_report(scene->outlook, &scene->arena, &scene->told, SCENE_START, scene->ns);
    heap_free(&scene->heap);
}

static inline void scene_wait(struct scene *scene, double seconds)
{
    scene->ns += (int64_t)(seconds * 1e9);
}

static inline struct when scene_frame(struct scene *scene)
{
    struct when when = { ++scene->frame, scene->ns += scene->frame_ns };
    return when;
}

static inline void scene_collect(struct scene *scene)
{
    static const char *const severities[] = { "chat", "note", "warning", "error" };
    for (const struct verdict *v = outlook_take_verdicts(scene->outlook); v; v = v->next) {
        told_keep(&scene->told, v);
        if (strncmp(verdict_filter(v->kind), "outlook.auth.", 13) == 0) {
            continue; /* those of logons have tests of their own */
        }
        const char *item = strchr(verdict_filter(v->kind), '.') + 1;
        size_t used = strlen(scene->log);
        snprintf(scene->log + used, sizeof(scene->log) - used, "%s%s:%s@%u/%d.%d", used ? " " : "", item,
                 severities[v->severity], v->when.frame, (int)v->session, (int)v->leg);
        CHECK_INT(v->when.frame, scene->frame);
        CHECK(strlen(v->text) < VERDICT_TEXT_MAX - 1);
        CHECK(strncmp(v->text, "Seen: ", 6) == 0 && strstr(v->text, "; inferred: ") && strstr(v->text, "; next: "));
        snprintf(scene->last_text, sizeof(scene->last_text), "%s", v->text);
        transcript("%u: %s %s %d.%d %s%s: %s", v->when.frame, verdict_filter(v->kind), severities[v->severity],
                   (int)v->session, (int)v->leg, verdict_where_name(v->where), v->where_seen ? " (seen)" : "", v->text);
        scene->where = v->where;
        scene->where_seen = v->where_seen;
        if (getenv("SCENE_SHOW")) {
            fprintf(stderr, "%s %u: %s\n", verdict_filter(v->kind), v->when.frame, v->text);
        }
    }
}

struct wire { /* of a frame */
    const char *bytes;
    size_t len;
    bool syn, fin, rst, no_window, again, cut, opaque;
    uint8_t ttl; /* or as the end's others have it */
};

static inline void learn(struct tap *tap, struct mapi_message *message, bool complete)
{
    struct mapi_facts facts;
    struct span sentence = { (const uint8_t *)tap->page, message->is_response && tap->is_page ? tap->page_len : 0 };
    const uint8_t *body = tap->body;
    size_t len = tap->body_len;
    if (tap->typed) {
        const struct span whole = { body, tap->is_page || !complete ? 0 : len };
        transcript_aside("complete %d", outlook_body_is_complete(message, whole));
        outlook_learn_body(tap->conn, message, whole, sentence);
        return;
    }
    memset(&facts, 0, sizeof(facts));
    if (message->is_response && !tap->is_page && complete) {
        for (size_t i = 0; i + 4 <= len; i++) {
            if (memcmp(body + i, "\r\n\r\n", 4) == 0) {
                body += i + 4;
                len -= i + 4;
                break;
            }
        }
        facts.has_status = len >= 4;
        facts.has_error = len >= 8;
        facts.status = len >= 4 ? get_le32(body) : 0;
        facts.error = len >= 8 ? get_le32(body + 4) : 0;
    } else if (!message->is_response && complete) {
        facts.user_dn.ptr = body;
        facts.user_dn.len = len ? strnlen((const char *)body, len) : 0;
    }
    mapi_conn_facts(tap->conn, message, &facts, sentence);
}

/* A frame with these bytes, and everything that goes with it. */
static inline void tap_wire(struct tap *tap, enum way way, struct wire wire)
{
    struct scene *scene = tap->scene;
    struct when when = scene_frame(scene);
    struct follow *follow = &tap->follow[way];
    const uint8_t *p = (const uint8_t *)wire.bytes;
    size_t left = wire.again ? 0 : wire.len;
    struct follow_event event;
    bool go_on = left > 0;
    if (!wire.again && !wire.syn) {
        conn_sees(tap->link, way, tap->seq[way], tap->seq[!way]);
    }
    while (go_on) {
        size_t used = http_follow(follow, way == WAY_TO_CLIENT && tap->head_asked, p, left, &event);
        p += used;
        left -= used;
        switch (event.what) {
        case FOLLOW_HEAD: {
            struct span type;
            if (event.head.is_request) {
                tap->head_asked = span_equals_nocase(event.head.method, "HEAD");
            }
            tap->now[way] = tap->last[way] = mapi_conn_message(tap->conn, when, way, &event.fields);
            if (tap->now[way] && scene->message_count < MESSAGES_KEPT) {
                scene->messages[scene->message_count++] = tap->now[way];
            }
            tap->is_page = !event.head.is_request && http_head_find(&event.head, "Content-Type", &type) &&
                           span_starts_nocase(type, "text/");
            tap->page_len = tap->body_len = 0;
            break;
        }
        case FOLLOW_DATA:
            mapi_conn_data(tap->conn, when, way, event.data.ptr, event.data.len);
            for (size_t i = 0; i < event.data.len; i++) {
                if (tap->page_len < sizeof(tap->page)) {
                    tap->page[tap->page_len++] = (char)event.data.ptr[i];
                }
                if (tap->body_len < sizeof(tap->body)) {
                    tap->body[tap->body_len++] = event.data.ptr[i];
                }
            }
            break;
        case FOLLOW_END:
            mapi_conn_end(tap->conn, when, way);
            if (tap->now[way]) {
                learn(tap, tap->now[way], true);
            }
            tap->now[way] = NULL;
            break;
        default:
            tap->lost |= event.what == FOLLOW_LOST;
            CHECK(scene->wild || (!tap->lost && left == 0));
            go_on = false;
            break;
        }
    }
    struct segment segment = { .when = when,
                               .way = way,
                               .syn = wire.syn,
                               .fin = wire.fin,
                               .rst = wire.rst,
                               .has_ack = !wire.syn || way == WAY_TO_CLIENT,
                               .seq = tap->seq[way],
                               .ack = tap->seq[!way],
                               .len = (uint32_t)wire.len,
                               .captured = (uint32_t)wire.len / (wire.cut ? 2 : 1),
                               .opaque = wire.opaque,
                               .window = wire.no_window ? 0 : 1000,
                               .ttl = wire.ttl ? wire.ttl : 60 };
    if (wire.again) {
        segment.seq -= segment.len;
    } else {
        tap->seq[way] += segment.len + wire.syn + wire.fin;
    }
    mapi_conn_segment(tap->conn, &segment);
    scene_collect(scene);
}

static inline void tap_open_past(struct tap *tap, struct scene *scene, const char *client, const char *server,
                                 struct conn_past past)
{
    struct endpoint client_end = end_of(client), server_end = end_of(server);
    memset(tap, 0, sizeof(*tap));
    tap->scene = scene;
    tap->stream = scene->streams++;
    tap->seq[0] = past.next_seq[0] = 1000;
    tap->seq[1] = past.next_seq[1] = 5000;
    past.first.frame = scene->frame;
    past.first.ns = scene->ns;
    tap->link = conn_new(&scene->outlook->track, CONN_MAPI, tap->stream, &client_end, &server_end, &past);
    tap->conn = mapi_conn_new(scene->world, tap->link);
}

/* whole: captured from SYN on. */
static inline void tap_open_as(struct tap *tap, struct scene *scene, const char *client, const char *server, bool whole,
                               bool tls)
{
    tap_open_past(tap, scene, client, server,
                  (struct conn_past){ .syn = whole, .syn_ack = whole, .has_next = whole, .tls = tls });
}

static inline void tap_open(struct tap *tap, struct scene *scene, const char *client, const char *server)
{
    tap_open_as(tap, scene, client, server, true, false);
}

static inline void tap_bytes(struct tap *tap, enum way way, const char *bytes, size_t len)
{
    tap_wire(tap, way, (struct wire){ .bytes = bytes, .len = len });
}

static inline void tap_text(struct tap *tap, enum way way, const char *format, ...)
{
    static char text[40000];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tap_bytes(tap, way, text, (size_t)len);
}

static inline void tap_fin(struct tap *tap, enum way way)
{
    tap_wire(tap, way, (struct wire){ .fin = true });
}

static inline void tap_rst(struct tap *tap, enum way way)
{
    tap_wire(tap, way, (struct wire){ .rst = true });
}

#define GUID_A "{A0000000-0000-0000-0000-00000000000A}"
#define GUID_B "{B0000000-0000-0000-0000-00000000000B}"

struct ask {
    const char *type, *guid, *cookies, *path, *extra;
    unsigned counter;
};

static inline struct mapi_message *ask_with(struct tap *tap, struct ask ask)
{
    tap_text(tap, WAY_TO_SERVER,
             "POST %s HTTP/1.1\r\nHost: mail.example.test\r\n"
             "Content-Type: application/mapi-http\r\n"
             "X-RequestType: %s\r\nX-RequestId: %s:%u\r\nX-ClientApplication: Outlook/16.0\r\n%s%s%s%s"
             "Content-Length: 8\r\n\r\n/o=x/u=1",
             ask.path ? ask.path : "/mapi/emsmdb/?MailboxId=m1@example.test", ask.type, ask.guid ? ask.guid : GUID_A,
             ask.counter, ask.cookies ? "Cookie: " : "", ask.cookies ? ask.cookies : "", ask.cookies ? "\r\n" : "",
             ask.extra ? ask.extra : "");
    return tap->last[WAY_TO_SERVER];
}

static inline struct mapi_message *ask(struct tap *tap, const char *type, unsigned counter, const char *cookies)
{
    return ask_with(tap, (struct ask){ .type = type, .counter = counter, .cookies = cookies });
}

struct answer {
    const char *type, *set, *extra; /* set: whole header lines */
    unsigned code, status, error;
};

/* A success, or a failure of the body; chunked. */
static inline struct mapi_message *answer_with(struct tap *tap, struct answer answer)
{
    char text[2000];
    int head = snprintf(text, sizeof(text),
                        "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\n"
                        "X-RequestType: %s\r\nX-ResponseCode: %u\r\nX-PendingPeriod: 30000\r\n%s%s"
                        "Transfer-Encoding: chunked\r\n\r\n1c\r\nPROCESSING\r\nDONE\r\n\r\n",
                        answer.type, answer.code, answer.set ? answer.set : "", answer.extra ? answer.extra : "");
    const uint8_t values[8] = { (uint8_t)answer.status,         (uint8_t)(answer.status >> 8),
                                (uint8_t)(answer.status >> 16), (uint8_t)(answer.status >> 24),
                                (uint8_t)answer.error,          (uint8_t)(answer.error >> 8),
                                (uint8_t)(answer.error >> 16),  (uint8_t)(answer.error >> 24) };
    memcpy(text + head, values, 8);
    memcpy(text + head + 8, "\r\n0\r\n\r\n", 7);
    tap_bytes(tap, WAY_TO_CLIENT, text, (size_t)head + 15);
    return tap->last[WAY_TO_CLIENT];
}

static inline struct mapi_message *answer(struct tap *tap, const char *type, const char *set)
{
    return answer_with(tap, (struct answer){ .type = type, .set = set, .extra = "X-ExpirationInfo: 900000\r\n" });
}

/* An HTTP 200 with a code and a page. */
static inline struct mapi_message *answer_code(struct tap *tap, unsigned code, const char *sentence)
{
    char page[300];
    int len =
        snprintf(page, sizeof(page), "<html><body><h1>Diagnostic Information</h1><p>%s</p></body></html>", sentence);
    tap_text(tap, WAY_TO_CLIENT,
             "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-ResponseCode: %u\r\n"
             "Content-Length: %d\r\n\r\n%s",
             code, len, page);
    return tap->last[WAY_TO_CLIENT];
}

/* Another status, with further header lines. */
static inline struct mapi_message *answer_status(struct tap *tap, const char *status, const char *extra)
{
    tap_text(tap, WAY_TO_CLIENT, "HTTP/1.1 %s\r\n%sContent-Length: 4\r\n\r\npage", status, extra ? extra : "");
    return tap->last[WAY_TO_CLIENT];
}

#endif
