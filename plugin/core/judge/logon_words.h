/* logon_words.h
 * Pieces of what is said of logons. Each text is in room of PIECE_MAX that the caller gives, or in what it tells of.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LOGON_WORDS_H
#define OUTLOOKHTTP_LOGON_WORDS_H

#include "finding.h"
#include "logon_state.h"

#define SERVER_AT(conn, frame) server_piece((char[PIECE_MAX]){ 0 }, conn, frame)
#define NAME(name) name_piece((char[PIECE_MAX]){ 0 }, name)
#define USER(user) NAME((user)[0] ? (user) : "a user whose name is not visible")
#define NAMES(nb_name, dns_name) names_piece((char[PIECE_MAX]){ 0 }, nb_name, dns_name)
#define LEAF(conn) leaf_piece((char[PIECE_MAX]){ 0 }, conn)
/* Those that were kept of count frames, the first ones. */
#define FIRST(frames, count) frames_piece((char[PIECE_MAX]){ 0 }, frames, count, sizeof(frames) / sizeof((frames)[0]))

/* "10.0.0.81:80 (stream 3, frame 12)" */
const char *server_piece(char *to, const struct logon_conn *conn, uint32_t frame);
/* A name as sent, cut short where it would leave no room for the rest. */
const char *name_piece(char *to, const char *name);
/* "EX1 (ex1.example.test)" */
const char *names_piece(char *to, const char *nb_name, const char *dns_name);
/* "10.0.0.80:443 (stream 0, thumbprint 5A0C3F11...)", as Windows names certificates. */
const char *leaf_piece(char *to, const struct logon_conn *conn);
/* "4, 8, 12"; there is room for ten. */
const char *frames_piece(char *to, const uint32_t *frames, uint32_t count, size_t kept);

/* One token, which came again long after it was refused. */
bool same_token(const struct refusals *refusals);
/* Says what that may be, and whose doing; reason: what the last refusal says, may be NULL. */
enum verdict_where say_same_token(struct finding *finding, const char *reason);
#define TOKEN_NEXT "sign-in of this account on the client, its token cache, and whether it reaches the token service"

#endif
