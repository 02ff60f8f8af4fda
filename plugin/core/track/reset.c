/* reset.c
 * What an RST says beside that it ends a connection: who wrote it, and why.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "reset.h"

#include "chars.h"

#include <stdio.h>

#define SERIES_OFF 4096                /* no end sends as many between two packets of one connection in use */
#define DISTANCE_OFF 2                 /* one more or less is another way through the same network */
#define BOTH_WINDOW (50 * MILLISECOND) /* what one device sends both ways */
#define WORD_MOST 32                   /* of the reasons that devices write; tokens are longer */
#define CODE_LEAST 9100                /* of Citrix ADC's */
#define CODE_MOST 9999

struct reason {
    struct keyed keyed;
    char text[RST_REASON_MAX + 1];
};

static uint64_t reason_key(const struct conn_end *end)
{
    return (uintptr_t)end;
}

/* ---- Text ------------------------------------------------------------------------------ */

/* How much of it is one line of printable ASCII; 0: it is none, and may be bytes of the stream. A word that is too long
 * for one of a reason ends it: it may be a secret. */
static size_t reason_length(struct span bytes)
{
    size_t len = 0, word = 0, letters = 0;
    while (len < bytes.len && bytes.ptr[len] >= ' ' && bytes.ptr[len] < 0x7F) {
        letters += lower(bytes.ptr[len]) >= 'a' && lower(bytes.ptr[len]) <= 'z';
        len++;
    }
    for (size_t at = len; at < bytes.len; at++) {
        if (bytes.ptr[at] && bytes.ptr[at] != '\r' && bytes.ptr[at] != '\n') {
            return 0;
        }
    }
    for (size_t at = 0; at < len; at++) {
        word = bytes.ptr[at] == ' ' ? 0 : word + 1;
        if (word > WORD_MOST) {
            len = at + 1 - word;
            break;
        }
    }
    while (len > 0 && bytes.ptr[len - 1] == ' ') {
        len--;
    }
    return letters >= 3 ? len : 0;
}

static bool holds(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* A header may carry credentials. */
static bool may_be_secret(const char *text)
{
    static const char *const words[] = {
        "uthorization", "ookie:", "assword", "Basic ", "Bearer ", "Negotiate ", "NTLM "
    };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (holds(text, words[i])) {
            return true;
        }
    }
    return false;
}

/* The texts of BIG-IP for what it was given cause for: from its other side, or by servers that are not there. */
static bool is_passed_on(const char *text)
{
    return holds(text, "{peer}") || holds(text, "RST from remote system") || holds(text, "retransmit timeout") ||
           holds(text, "ool member");
}

static void note_reason(const struct conn *conn, struct conn_end *end, struct span bytes)
{
    const size_t whole = reason_length(bytes), len = whole < RST_REASON_MAX ? whole : RST_REASON_MAX;
    char text[RST_REASON_MAX + 1] = "";
    if (len == 0) {
        return;
    }
    memcpy(text, bytes.ptr, len);
    if (may_be_secret(text)) {
        return;
    }
    struct reason *reason = keyed_make(&conn->track->arena, &conn->track->reasons, reason_key(end), sizeof(*reason));
    memcpy(reason->text, text, sizeof(text));
    end->reason = true;
    end->passed_on = is_passed_on(text);
}

const char *conn_reason(const struct conn *conn, enum way way)
{
    const struct conn_end *end = conn_end_of(conn, way);
    const struct reason *reason = end && end->reason ? keyed_find(&conn->track->reasons, reason_key(end)) : NULL;
    return reason ? reason->text : NULL;
}

/* ---- Its header -------------------------------------------------------------------------- */

/* An RST that another than this end may have written. */
static void note_foreign(struct conn_end *end, const struct conn_looks *looks, const struct segment *segment)
{
    if (segment->ttl && looks->ttl_least && looks->packets == LOOKS_ENOUGH &&
        (segment->ttl + DISTANCE_OFF <= looks->ttl_least || segment->ttl >= looks->ttl_most + DISTANCE_OFF)) {
        end->other_distance = true;
        end->ttl = segment->ttl;
        end->usual_ttl = looks->ttl_least;
    }
    const uint16_t forward = (uint16_t)(segment->ip_id - looks->ip_id), back = (uint16_t)-forward;
    end->out_of_series =
        segment->ip_id && looks->in_series == LOOKS_ENOUGH && forward > SERIES_OFF && back > SERIES_OFF;
}

void reset_note(const struct conn *conn, struct conn_end *end, const struct segment *segment)
{
    end->window = (uint16_t)segment->window;
    note_reason(conn, end, segment->reason);
    note_foreign(end, &conn->looks[segment->way], segment);
}

unsigned conn_reset_code(const struct conn *conn, enum way way)
{
    const struct conn_end *end = conn_end_of(conn, way);
    const bool coded = end && end->rst && way == WAY_TO_CLIENT && conn->server->citrix;
    return coded && end->window >= CODE_LEAST && end->window <= CODE_MOST ? end->window : 0;
}

static bool went_both_ways(const struct conn_end *end, const struct conn_end *other)
{
    return end && other && end->rst && other->rst && end->exact && other->exact &&
           end->when.ns - other->when.ns <= BOTH_WINDOW && other->when.ns - end->when.ns <= BOTH_WINDOW;
}

bool conn_reset_both_ways(const struct conn *conn)
{
    return conn->ended_by_rst && went_both_ways(conn_end_of(conn, WAY_TO_SERVER), conn_end_of(conn, WAY_TO_CLIENT));
}

bool conn_reset_by_another(const struct conn *conn)
{
    const struct conn_end *client = conn_end_of(conn, WAY_TO_SERVER), *server = conn_end_of(conn, WAY_TO_CLIENT);
    return conn_reset_both_ways(conn) && (client->other_distance || client->reason || server->other_distance ||
                                          server->out_of_series || server->reason);
}

const char *conn_foreign_rst(const struct conn *conn, enum way way, char text[FOREIGN_TEXT_MAX])
{
    const struct conn_end *end = conn_end_of(conn, way);
    const struct conn_end *other = conn_end_of(conn, way == WAY_TO_SERVER ? WAY_TO_CLIENT : WAY_TO_SERVER);
    if (!end || !end->rst || end->passed_on) {
        return NULL;
    }
    if (end->other_distance) {
        snprintf(text, FOREIGN_TEXT_MAX, "its TTL or hop limit is %u, that of the end's other packets %u", end->ttl,
                 end->usual_ttl);
    } else if (way == WAY_TO_CLIENT && end->out_of_series) { /* Linux, some clients are, counts its RSTs apart */
        snprintf(text, FOREIGN_TEXT_MAX, "its IP identification is none of the end's series");
    } else if (end->reason) {
        snprintf(text, FOREIGN_TEXT_MAX, "there is text in it, which no server or client writes");
    } else if (way == WAY_TO_CLIENT && went_both_ways(end, other)) {
        snprintf(text, FOREIGN_TEXT_MAX, "an RST went to either end, in frames %u and %u", end->when.frame,
                 other->when.frame);
    } else {
        return NULL;
    }
    return text;
}
