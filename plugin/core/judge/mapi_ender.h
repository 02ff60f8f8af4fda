/* mapi_ender.h
 * Whose doing the end of a connection of MAPI/HTTP is, and the words for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_MAPI_ENDER_H
#define OUTLOOKHTTP_MAPI_ENDER_H

#include "mapi_rules.h"

/* As far as the other leg tells. */
enum ender { ENDER_UNKNOWN, ENDER_CLIENT, ENDER_DEVICE, ENDER_BEHIND, ENDER_BETWEEN };

enum verdict_where ender_where(enum ender ender);
/* The next leg ended before this one, by its server or between. */
bool is_ended_behind(enum ender ender);

/* The client's end closed the request's connection. */
enum ender ender_before(const struct judge *judge, const struct exchange *request);
/* The server's end broke off. */
enum ender ender_behind(const struct exchange *request);
/* Whichever did. */
enum ender ender_of(const struct judge *judge, const struct exchange *request);

/* "the client sent FIN in frame 7"; when: of what is told, where the connection has no frame for its end. */
void say_ended_by(struct text *text, const struct mapi_conn *conn, struct when when);
/* The client of this leg is a device, or a device wrote the end in its name: "; inferred: ...; next: ..." */
void say_device_before(struct text *text, const struct exchange *request, enum ender ender);
/* What is behind the device ended the next leg: "; leg 1 was ended ...; inferred: ...; next: ..." */
void say_ended_behind(struct text *text, const struct exchange *request);
/* The same where another than the server's end wrote its RST, with whose doing that is. False: that does not show. */
bool say_foreign_end(struct finding *finding, const struct exchange *request);

#endif
