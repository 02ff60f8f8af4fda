/* mapi_ender.c
 * Whose doing the end of a connection of MAPI/HTTP is, and the words for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_ender.h"

#include "clocks.h"

enum verdict_where ender_where(enum ender ender)
{
    static const enum verdict_where where_of[] = { [ENDER_UNKNOWN] = WHERE_UNKNOWN,
                                                   [ENDER_CLIENT] = WHERE_CLIENT,
                                                   [ENDER_DEVICE] = WHERE_DEVICE,
                                                   [ENDER_BEHIND] = WHERE_SERVER,
                                                   [ENDER_BETWEEN] = WHERE_DEVICE };
    return where_of[ender];
}

void say_ended_by(struct text *text, const struct mapi_conn *conn, struct when when)
{
    const struct conn *link = conn->link;
    if (conn_half_closed(link)) {
        say(text,
            "the server's end sent %s in frame %u (the client had closed its sending side in frame %u, and read on)",
            BROKEN_NAME(link), conn_broken(link).frame, link->ended_frame);
        return;
    }
    say(text, "the %s sent %s in frame %u", link->ended_by == WAY_TO_SERVER ? "client" : "server's end", END_NAME(link),
        link->ended_frame ? link->ended_frame : when.frame);
}

bool is_ended_behind(enum ender ender)
{
    return ender == ENDER_BEHIND || ender == ENDER_BETWEEN;
}

enum ender ender_before(const struct judge *judge, const struct exchange *request)
{
    const struct conn *front = request->front;
    char why[FOREIGN_TEXT_MAX];
    const enum sender sender = mapi_sender(request);
    if (sender != SENDER_BEHIND && conn_foreign_rst(request->conn->link, WAY_TO_SERVER, why)) {
        return ENDER_BETWEEN;
    }
    if (sender != SENDER_BEHIND) {
        return sender == SENDER_CLIENT ? ENDER_CLIENT : ENDER_UNKNOWN;
    }
    if (front && conn_reset_both_ways(front)) {
        return conn_reset_by_another(front) ? ENDER_BETWEEN : ENDER_UNKNOWN;
    }
    if (front && front->ended) {
        return conn_unread(front, WAY_TO_SERVER, judge->limits.unread_least) ? ENDER_CLIENT :
               conn_foreign_rst(front, conn_broken_by(front), why) != NULL   ? ENDER_BETWEEN :
               conn_broken_by(front) == WAY_TO_SERVER                        ? ENDER_CLIENT :
                                                                               ENDER_DEVICE;
    }
    return front && conn_doubt(front, NULL) == DOUBT_NONE && !clocks_differ(front, request->link) ? ENDER_DEVICE :
                                                                                                    ENDER_UNKNOWN;
}

enum ender ender_behind(const struct exchange *request)
{
    char why[FOREIGN_TEXT_MAX];
    const struct mapi_conn *behind = request->there.conn;
    if (!behind || conn_doubt(behind->link, NULL) != DOUBT_NONE || mapi_sender(request) == SENDER_UNORDERED) {
        return ENDER_UNKNOWN;
    }
    if (behind->link->ended && conn_broken_by(behind->link) == WAY_TO_SERVER) {
        return ENDER_DEVICE; /* it ended both, whichever was first */
    }
    if (clocks_differ(request->link, behind->link)) {
        return ENDER_UNKNOWN;
    }
    return !behind->link->ended                                       ? ENDER_DEVICE :
           conn_foreign_rst(behind->link, WAY_TO_CLIENT, why) != NULL ? ENDER_BETWEEN :
                                                                        ENDER_BEHIND;
}

enum ender ender_of(const struct judge *judge, const struct exchange *request)
{
    return conn_broken_by(request->conn->link) == WAY_TO_SERVER ? ender_before(judge, request) : ender_behind(request);
}

void say_device_before(struct text *text, const struct exchange *request, enum ender ender)
{
    const struct conn *front = request->front;
    const enum sender sender = mapi_sender(request);
    char why[FOREIGN_TEXT_MAX];
    if (sender != SENDER_BEHIND && ender == ENDER_BETWEEN) {
        say(text,
            "; inferred: the RST is not the client's own, %s: a device at %s or between wrote it; next: the time-outs for /mapi "
            "and the logs of balancers, firewalls and proxies there at this time",
            conn_foreign_rst(request->conn->link, WAY_TO_SERVER, why), ENDPOINT(&request->conn->link->client));
        return;
    }
    if (sender != SENDER_BEHIND) {
        say(text,
            sender == SENDER_FORWARDED ?
                "; inferred: the client of this leg is the device at %s, by X-Forwarded-For, which gave up or passes on that "
                "its own client did; next: its time-outs for /mapi, and a capture before it" :
                "; inferred: the client at %s did not wait, or it is a device that gave up: clocks differ, so which leg is in "
                "front does not show; next: how the other leg ended, and captures of one clock",
            ENDPOINT(&request->conn->link->client));
        return;
    }
    say(text,
        "; inferred: the client of this leg is the device at %s, which %s; next: its time-outs for /mapi, and how leg %u "
        "ended",
        ENDPOINT(&request->conn->link->client),
        ender == ENDER_BETWEEN ? "ended the leg before itself, or passes on that another device did" :
        ender != ENDER_DEVICE  ? "gave up or passes on that its own client did" :
        front->ended           ? "ended the leg before itself, too" :
                                 "gave up by itself: the leg before was still open",
        request->leg - 1);
}

void say_ended_behind(struct text *text, const struct exchange *request)
{
    const struct mapi_conn *behind = request->there.conn;
    char why[FOREIGN_TEXT_MAX];
    const char *foreign = conn_foreign_rst(behind->link, WAY_TO_CLIENT, why);
    if (foreign) {
        say(text,
            "; leg %u was ended in frame %u by %s, which is not its server's own, %s; inferred: a device between %s and %s "
            "wrote it, and the device at %s only passed that on; next: the logs of firewalls and filters there at this time",
            request->leg + 1, conn_broken(behind->link).frame, BROKEN_NAME(behind->link), foreign,
            ENDPOINT(&behind->link->client), SERVER_OF(behind), SERVER_OF(request->conn));
        return;
    }
    say(text,
        "; leg %u was ended by its server %s in frame %u; inferred: the device at %s only passed that on; "
        "next: the log of that server at this time",
        request->leg + 1, SERVER_OF(behind), conn_broken(behind->link).frame, SERVER_OF(request->conn));
}

bool say_foreign_end(struct finding *finding, const struct exchange *request)
{
    char why[FOREIGN_TEXT_MAX];
    const char *foreign = conn_foreign_rst(request->conn->link, WAY_TO_CLIENT, why);
    if (!foreign) {
        return false;
    }
    finding->where = WHERE_DEVICE;
    finding->seen = false;
    say(&finding->text,
        "; inferred: the RST is not the server's own, %s: a device at or before %s wrote it; next: the logs of firewalls, "
        "proxies and filters there at this time",
        foreign, SERVER_OF(request->conn));
    return true;
}

/* The row of what was told of the first RST, by what the second shows. */
void mapi_cut_by_both(struct judge *judge, const struct event *event)
{
    const struct mapi_conn *conn = event->session.conn;
    const struct conn *link = conn ? conn->link : NULL;
    struct side_memo *memo = link && link->end && conn->side ? conn->side->memo : NULL;
    struct result *result = memo ? &memo->result : NULL;
    (void)judge;
    if (!result || !result->told || result->frame != link->ended_frame || link->ended_frame >= event->when.frame ||
        result->where_seen || !conn_reset_both_ways(link)) {
        return;
    }
    const bool by_client = link->ended_by == WAY_TO_SERVER;
    if (conn_reset_by_another(link)) {
        result->where = WHERE_DEVICE;
    } else if (result->where == WHERE_CLIENT && by_client) {
        result->where = WHERE_UNKNOWN;
        result->taken_back =
            result->severity > V_CHAT ? "an RST went to either end, so which of them left does not show" : NULL;
    } else if (result->where == WHERE_UNKNOWN && !by_client) {
        result->where = WHERE_DEVICE;
    }
}
