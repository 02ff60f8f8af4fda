/* balanced.h
 * Where the client, the load balancer and two servers behind it are that scene.h plays.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_BALANCED_H
#define OUTLOOKHTTP_BALANCED_H

#define CLIENT "10.0.0.1"
#define LB "10.0.0.4:80"
#define A "10.0.0.81:80"
#define B "10.0.0.82:80"

#endif
