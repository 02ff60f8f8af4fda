/* gone.c
 * What is said of a server that ends all its connections, in either protocol.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "gone.h"

struct finding gone_begin(struct judge *judge, const struct server *server, struct subject subject, struct when when)
{
    struct finding finding = finding_begin(judge, V_SERVER_GONE, when, subject, NULL);
    say(&finding.text, "Seen: %s", ENDPOINT(&server->end));
    return finding;
}

void gone_tell(struct finding *finding)
{
    say(&finding->text,
        "; inferred: that server or its service stopped or was restarted, it is no idle time-out; next: "
        "its event log and the state of its services at this time");
    tell_by(finding, WHERE_SERVER, false);
}
