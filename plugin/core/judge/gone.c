/* gone.c
 * What is said of a server that ends all its connections, in either protocol.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "gone.h"

bool gone_begin(struct finding *finding, struct judge *judge, const struct server *server, const struct subject *subject,
                struct when when)
{
    if (!finding_begin(finding, judge, V_SERVER_GONE, when, subject, NULL)) {
        return false;
    }
    finding->where = WHERE_SERVER;
    say(&finding->text, "Seen: %s", ENDPOINT(&server->end));
    return true;
}

void gone_tell(struct finding *finding)
{
    say(&finding->text, "; inferred: that server or its service stopped or was restarted, it is no idle time-out; next: "
                        "its event log and the state of its services at this time");
    tell(finding);
}
