/* mconnected.h
 * A connection with a session of MAPI/HTTP on it, and responses that take their time.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_MCONNECTED_H
#define OUTLOOKHTTP_MCONNECTED_H

#include "mscene.h"

#define SET_1 "Set-Cookie: sid=session-one-value; path=/mapi\r\nSet-Cookie: sequence=seq-one-1; path=/mapi\r\n"
#define SET_2 "Set-Cookie: sid=session-two-value; path=/mapi\r\nSet-Cookie: sequence=seq-two-1; path=/mapi\r\n"
#define JAR_1 "sid=session-one-value; sequence=seq-one-1"
#define JAR_2 "sid=session-two-value; sequence=seq-two-1"
#define CLIENT "10.0.0.9:50001"
#define SERVER "10.0.0.80:443"

/* A connection with a session on it. */
static inline void connected(struct scene *scene, struct tap *tap)
{
    scene_begin(scene);
    tap_open(tap, scene, CLIENT, SERVER);
    ask(tap, "Connect", 1, NULL);
    answer(tap, "Connect", SET_1);
}

static inline void processing(struct tap *tap)
{
    tap_text(tap, WAY_TO_CLIENT,
             "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\n"
             "X-RequestType: NotificationWait\r\n"
             "X-ResponseCode: 0\r\nX-PendingPeriod: 30000\r\nTransfer-Encoding: chunked\r\n\r\n"
             "c\r\nPROCESSING\r\n\r\n");
}

static inline void waiting(struct tap *tap)
{
    ask(tap, "NotificationWait", 101, JAR_1);
    processing(tap);
}

static inline void pending(struct tap *tap)
{
    tap_text(tap, WAY_TO_CLIENT, "9\r\nPENDING\r\n\r\n");
}

static inline void done(struct tap *tap, unsigned elapsed)
{
    char text[200];
    int len = snprintf(text, sizeof(text), "DONE\r\nX-ElapsedTime: %u\r\n\r\n", elapsed);
    char body[300];
    int head = snprintf(body, sizeof(body), "%x\r\n%s", len + 8, text);
    memset(body + head, 0, 8);
    memcpy(body + head + 8, "\r\n0\r\n\r\n", 7);
    tap_bytes(tap, WAY_TO_CLIENT, body, (size_t)head + 15);
}

#endif
