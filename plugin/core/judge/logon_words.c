/* logon_words.c
 * Pieces of what is said of logons.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_words.h"

#include "chars.h"

#include <stdio.h>
#include <string.h>

const char *server_piece(char *to, const struct logon_conn *conn, uint32_t frame)
{
    snprintf(to, PIECE_MAX, "%s (stream %u, frame %u)", SERVER_OF(conn), conn->link->stream, frame);
    return to;
}

#define NAME_SHOWN 64

const char *name_piece(char *to, const char *name)
{
    const int len = cut_length(name, NAME_SHOWN);
    if (name[len] == '\0') {
        return name;
    }
    snprintf(to, PIECE_MAX, "%.*s...", len, name);
    return to;
}

const char *names_piece(char *to, const char *nb_name, const char *dns_name)
{
    const char *name = NAME(nb_name[0] ? nb_name : dns_name[0] ? dns_name : "a server without a name");
    if (nb_name[0] && dns_name[0]) {
        snprintf(to, PIECE_MAX, "%.*s (%.*s)", NAME_SHOWN + 3, name, NAME_SHOWN + 3, NAME(dns_name));
    } else {
        snprintf(to, PIECE_MAX, "%.*s", NAME_SHOWN + 3, name);
    }
    return to;
}

const char *leaf_piece(char *to, const struct logon_conn *conn)
{
    const uint8_t *id = conn->link->leaf->sha1;
    snprintf(to, PIECE_MAX, "%s (stream %u, thumbprint %02X%02X%02X%02X...)", SERVER_OF(conn), conn->link->stream,
             id[0], id[1], id[2], id[3]);
    return to;
}

const char *frames_piece(char *to, const uint32_t *frames, uint32_t count, size_t kept)
{
    size_t used = 0;
    for (size_t i = 0; i < count && i < kept; i++) {
        used += (size_t)snprintf(to + used, PIECE_MAX - used, "%s%u", i ? ", " : "", frames[i]);
    }
    return to;
}

bool same_token(const struct refusals *refusals)
{
    const uint32_t kept = refusals->count < REFUSALS_KEPT ? refusals->count : REFUSALS_KEPT;
    for (uint32_t i = 1; i < kept; i++) {
        if (refusals->token[i] != refusals->token[0]) {
            return false;
        }
    }
    return kept > 1;
}

/* Whoever is told that a token has expired has to get another one; any other reason may be the server's error. */
enum verdict_where say_same_token(struct finding *finding, const char *reason)
{
    const bool expired = reason && strstr(reason, "expired");
    say(&finding->text, "; it was the same token each time; inferred: the client sends again what it was told is %s",
        expired ? "expired; next: " TOKEN_NEXT ", and the clocks of both ends" :
                  "refused, as it holds it for valid; next: " TOKEN_NEXT
                  "; audience and issuer of the token, the clocks of "
                  "both ends, and the server's OAuth configuration (Get-AuthServer, Get-AuthConfig)");
    return expired ? WHERE_CLIENT : WHERE_UNKNOWN;
}
