/* points.h
 * Where frames were captured: the interfaces of a file, of which one that was merged has those of each capture. One
 * capture may end before the others, or begin later, and nothing in the frames says so.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_POINTS_H
#define OUTLOOKHTTP_POINTS_H

#include "conn.h"

/* Frames of TCP are captured on that interface from now on, this one the first; before all else that is said of it. */
void track_captured(struct track *track, uint32_t interface, struct when when);
/* The first frame of those without one on the interface of a connection that nobody has ended, if there are so many that the
 * capture there seems to have ended; else 0. */
uint32_t conn_stopped(const struct conn *conn);
/* Whether nothing was captured on its interface since then, and something was on another. */
bool conn_unwatched_since(const struct conn *conn, int64_t since);

#endif
