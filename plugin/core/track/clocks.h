/* clocks.h
 * Whether times before a device can be compared with times behind it. Two captures that were merged, or one of two
 * cards, may have clocks that differ; an effect that stands before its cause shows it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CLOCKS_H
#define OUTLOOKHTTP_CLOCKS_H

#include "conn.h"

/* An effect stands before its cause on these two: a response on the front leg before it stands on the back leg, or
 * a request on the back leg before it stands on the front leg. From then on it holds for all connections to and
 * from the same two addresses of that device. Which of them is the front leg is told by the very times that are
 * doubted, unless it is ordered: something else than time proves it. */
void clocks_doubt(const struct conn *front, const struct conn *back, bool ordered);
/* Whether clocks_doubt() was said: no time of one may be compared with one of the other. */
bool clocks_differ(const struct conn *front, const struct conn *back);
/* Whether it was said of a leg between these two hosts, and nothing proved on which side of the device that leg is: its
 * client may be the device, and a leg that looks like the next one may be the one before. */
bool clocks_unordered(const struct track *track, const struct endpoint *client, const struct endpoint *server);
/* Whether it was said of a leg between these hosts, and that leg was proved to be behind the device: so is each other one
 * between them, though nothing stands before it. */
bool clocks_behind(const struct track *track, const struct endpoint *client, const struct endpoint *server);
/* Whether it was said of a leg between these hosts, or of another client's to this server, and that leg is in front of a device,
 * or may be: what the other side of that says cannot be compared. */
bool clocks_hide_behind(const struct track *track, const struct endpoint *client, const struct endpoint *server);
/* Stands for the legs between two hosts. */
uint64_t clocks_leg_key(const struct track *track, const struct endpoint *client, const struct endpoint *server);
/* The next of those that were proved to be behind a device since they were last taken; false: none is left. */
bool clocks_take_behind(struct track *track, uint64_t *key);
/* Whether what stands second in the capture is in front of a device and what stands first behind it: the clocks differ. over:
 * X-Forwarded-For of the one names the client of the other. */
bool clocks_second_in_front(const struct conn *second, const struct conn *first, bool first_over, bool second_over);

/* A device that is reached there has passed on what came over front. */
void way_note(const struct conn *front, const struct conn *back);
bool way_is_known(const struct conn *front, const struct conn *back);

#endif
