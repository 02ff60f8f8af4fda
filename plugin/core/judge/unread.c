/* unread.c
 * Ends that do not read what is sent to them: their receive window stays closed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "unread.h"

#include "judge.h"

static const struct conn_window *unread_window(const struct judge *judge, const struct conn *link, enum way way)
{
    return link ? conn_unread(link, way, judge->limits.unread_least) : NULL;
}

struct unread unread_by_client(const struct judge *judge, const struct conn *link, bool behind_device,
                               const struct conn *front)
{
    struct unread unread = { .link = NULL };
    unread.window = unread_window(judge, link, WAY_TO_SERVER);
    if (!unread.window) {
        return unread;
    }
    unread.link = link;
    unread.by_client = true;
    unread.behind_device = behind_device;
    unread.where = !behind_device                             ? WHERE_CLIENT :
                   !front                                     ? WHERE_UNKNOWN :
                   unread_window(judge, front, WAY_TO_SERVER) ? WHERE_CLIENT :
                                                                WHERE_DEVICE;
    return unread;
}

struct unread unread_by_server(const struct judge *judge, const struct conn *link, const struct conn *behind, bool last)
{
    struct unread unread = { .link = NULL };
    unread.window = unread_window(judge, link, WAY_TO_CLIENT);
    if (!unread.window) {
        return unread;
    }
    unread.link = link;
    unread.where = behind ? (unread_window(judge, behind, WAY_TO_CLIENT) ? WHERE_SERVER : WHERE_DEVICE) :
                   last   ? WHERE_SERVER :
                            WHERE_UNKNOWN;
    return unread;
}

static void say_who(struct text *text, const struct unread *unread)
{
    if (!unread->by_client) {
        say(text, "what stands at %s does not read", ENDPOINT(conn_server(unread->link)));
        say(text, "%s",
            unread->where == WHERE_SERVER ? ": the server hangs or is overloaded" :
            unread->where == WHERE_DEVICE ? ", though nothing behind it makes it wait" :
                                            ": a server that hangs or is overloaded, or a device that waits for one");
        say(text, "; next: its load and log at this time, and a capture behind it");
    } else if (unread->behind_device) {
        say(text, "the device at %s does not read", ENDPOINT(&unread->link->client));
        say(text, "%s",
            unread->where == WHERE_CLIENT ? ", because its own client does not: see the leg before" :
            unread->where == WHERE_DEVICE ? ", though its own client does" :
                                            ", or waits for its own client to do so");
        say(text,
            "; next: whether Outlook hung or was suspended on the client at this time, and the log of that device");
    } else {
        say(text,
            "the client does not read: Outlook hung, was suspended or is busy elsewhere; next: what Outlook and its "
            "machine did at this time (add-ins, debuggers, energy saving)");
    }
}

void say_unread(struct text *text, const struct unread *unread)
{
    say(text,
        "; on stream %u the receive window of the %s was closed%s from frame %u on for %s, and the other end still had something to "
        "send in frame %u; inferred: ",
        unread->link->stream, unread->by_client ? "client's end" : "server's end",
        unread->window->silly ? " or next to it" : "", unread->window->closed.frame,
        SECONDS(conn_unread_for(unread->link, unread->window)), unread->window->probe_frame);
    say_who(text, unread);
}
