/* accounts.h
 * Two people who log on by way of a device to two servers, and what one head shows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ACCOUNTS_H
#define OUTLOOKHTTP_ACCOUNTS_H

#include "logon.h"

#define CLIENT "10.0.0.21:40000"
#define OTHER "10.0.0.22:40000"
#define DEVICE "10.0.0.80:80"
#define INSIDE "10.0.0.70:50000"
#define EX1 "10.0.0.81:80"
#define EX2 "10.0.0.82:80"
#define STAMP UINT64_C(133500000000000000)

static inline struct user alice(void)
{
    return (struct user){ .info = "A1", .guid = "A2" };
}

static inline struct user bob(void)
{
    return (struct user){ .info = "B1", .guid = "B2" };
}

/* What one head shows, as "scheme step user". */
static inline const char *shown(const struct line *line)
{
    static char text[512];
    const struct auth_shown *s = line->shown;
    if (!s) {
        return "-";
    }
    snprintf(text, sizeof(text), "%s|%s|%s|%s", s->scheme, s->step, s->user, s->challenge_server);
    return text;
}

#endif
