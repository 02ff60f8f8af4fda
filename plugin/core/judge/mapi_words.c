/* mapi_words.c
 * Whom the findings of MAPI/HTTP are about, what they rest on, and their words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_rules.h"

#include "clocks.h"

#include <stdio.h>

/* ---- memory ---------------------------------------------------------------------------- */

struct side_memo *memo_of_side(struct judge *judge, const struct side *side)
{
    struct side_memo *memo = memo_in(judge, &side->memo, sizeof(*memo));
    memo->side = side;
    return memo;
}

struct request_memo *memo_of_request(struct judge *judge, const struct exchange *request)
{
    struct request_memo *memo = memo_in(judge, &request->memo, sizeof(*memo));
    memo->once.of = ONCE_A_REQUEST;
    return memo;
}

struct subject about_side(struct judge *judge, const struct side *side, uint32_t leg)
{
    struct subject subject = about_nothing(ABOUT_SESSION);
    subject.leg = leg;
    if (side) {
        subject.result = &memo_of_side(judge, side)->result;
        subject.session = side->session->number;
        subject.leg = side->number;
        subject.row = side->row;
    }
    return subject;
}

struct subject about_request(struct judge *judge, const struct exchange *request)
{
    return about_side(judge, request->side, request->leg);
}

struct subject about_request_once(struct judge *judge, const struct exchange *request)
{
    struct subject subject = about_request(judge, request);
    subject.once = &memo_of_request(judge, request)->once;
    return subject;
}

struct evidence *evidence_of(struct judge *judge, const struct exchange *request, const struct mapi_conn *other)
{
    struct evidence *evidence = evidence_new(judge);
    evidence_add(evidence, request->conn->link, 0);
    evidence_add(evidence, other ? other->link : NULL, 0);
    return evidence;
}

enum sender mapi_sender(const struct exchange *request)
{
    return sender_at(request->link, request->leg, request->came_from != 0);
}

/* Whether nothing that this session sent on this leg can have been missed. */
static bool has_all(const struct side *side)
{
    if (!side->success_conn || side->missed || side->used_more ||
        conn_doubt(side->success_conn->link, NULL) != DOUBT_NONE) {
        return false;
    }
    for (const struct use *use = side->used; use; use = use->next) {
        if (conn_doubt(use->conn->link, NULL) != DOUBT_NONE) {
            return false;
        }
    }
    return true;
}

const struct side *mapi_kept_before(const struct exchange *request)
{
    const struct conn *link = request->conn->link;
    if (request->there.conn || !request->side || conn_doubt(link, NULL) != DOUBT_NONE) {
        return NULL;
    }
    for (const struct side *side = request->side->session->sides; side; side = side->next) {
        if (side->number == request->leg + 1) {
            return has_all(side) && !clocks_differ(link, side->success_conn->link) ? side : NULL;
        }
    }
    return NULL;
}

void say_kept(struct text *text, const struct exchange *request, const struct side *kept)
{
    say(text,
        "; leg %u of the session (stream %u) does not have the request: it was kept on the way, or went to a server that "
        "was not captured",
        request->leg + 1, kept->success_conn->link->stream);
}

void mapi_take_back(const struct exchange *request, enum verdict_kind kind, const char *why)
{
    const struct gone_first *gone = request->gone_first;
    struct side_memo *memo = gone && gone->side ? gone->side->memo : NULL;
    struct result *result = memo ? &memo->result : NULL;
    if (result && result->told && result->where_seen && result->verdict == kind && result->frame == gone->frame) {
        result->where = WHERE_UNKNOWN;
        result->where_seen = false;
        result->taken_back = why;
    }
}

/* ---- findings that wait ---------------------------------------------------------------- */

struct held *held_new(struct judge *judge, const struct finding *finding)
{
    struct held *held = judge->held_free;
    if (held) {
        judge->held_free = held->next;
        memset(held, 0, sizeof(*held));
    } else {
        held = arena_new(&judge->arena, sizeof(*held));
    }
    held->finding = *finding;
    return held;
}

void held_free(struct judge *judge, struct held *held)
{
    held->next = judge->held_free;
    judge->held_free = held;
}

/* ---- words ----------------------------------------------------------------------------- */

const char *type_text(uint8_t type)
{
    const char *name = mapi_type_name(type);
    return name ? name : "a request";
}

const char *request_text(char *to, const struct exchange *request)
{
    snprintf(to, PIECE_MAX, "%s (frame %u, stream %u, to %s)", type_text(request->type), request->begin.frame,
             request->conn->link->stream, SERVER_OF(request->conn));
    return to;
}

const char *code_text(char *to, const char *what, const struct reply *reply)
{
    uint32_t code = reply->message->code, meaning = reply_meaning(reply);
    const bool words = reply->sentence[0] != '\0';
    int used = snprintf(to, CODE_MAX, "%s %u (%s)%s%s%s", what, code, mapi_code_name(code),
                        words ? " with the words \"" : "", reply->sentence, words ? "\"" : "");
    if (meaning != code) {
        snprintf(to + used, CODE_MAX - (size_t)used, ", which the specification calls %s (%u)", mapi_code_name(meaning),
                 meaning);
    }
    return to;
}
