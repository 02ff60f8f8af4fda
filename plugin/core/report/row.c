/* row.c
 * What the rows of all reports say of findings.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "row.h"

#include "clocks.h"

#include <stdio.h>

struct row_verdict row_verdict(const struct result *result)
{
    if (!result || !result->told) {
        return (struct row_verdict){ .kind = VERDICT_KINDS };
    }
    return (struct row_verdict){ .kind = result->verdict,
                                 .severity = result->severity,
                                 .frame = result->frame,
                                 .explained = result->explained,
                                 .where = result->where,
                                 .seen = result->where_seen,
                                 .taken_back = result->taken_back != NULL,
                                 .cannot_tell = result->taken_back };
}

void row_cannot_tell(struct row_verdict *verdict, const char *why)
{
    verdict->cannot_tell = why ? why : verdict->cannot_tell;
    if (why && verdict->where == WHERE_NONE) {
        verdict->where = WHERE_UNKNOWN;
    }
}

void row_doubt_order(struct row_verdict *verdict, const struct track *track, const struct endpoint *client,
                     const struct endpoint *server)
{
    const bool behind = clocks_behind(track, client, server);
    if (verdict->where == WHERE_CLIENT && !verdict->text && (behind || clocks_unordered(track, client, server))) {
        verdict->where = WHERE_UNKNOWN;
        verdict->seen = false;
        verdict->taken_back = true;
        verdict->cannot_tell = behind ? "clocks differ: this leg is behind a device, as showed later" :
                                        "clocks differ, and which leg is before the device does not show";
    }
}

const char *row_doubt(const struct conn *conn, const char *name)
{
    char text[64];
    uint32_t frame = 0;
    switch (conn_doubt(conn, &frame)) {
    case DOUBT_NONE:
        return NULL;
    case DOUBT_NO_SYN:
        snprintf(text, sizeof(text), "%s: no SYN captured", name);
        break;
    case DOUBT_ONE_WAY:
        snprintf(text, sizeof(text), "%s: one direction only", name);
        break;
    case DOUBT_GAP:
        if (frame) {
            snprintf(text, sizeof(text), "%s: gap before frame %u", name, frame);
        } else {
            snprintf(text, sizeof(text), "%s: gap before its first request", name);
        }
        break;
    case DOUBT_CUT:
        snprintf(text, sizeof(text), "%s: frame %u not captured whole", name, frame);
        break;
    case DOUBT_NO_ACK:
        snprintf(text, sizeof(text), "%s: an ACK is missing", name);
        break;
    case DOUBT_TORN:
        snprintf(text, sizeof(text), "%s: frame %u, in IP fragments, not followed", name, frame);
        break;
    case DOUBT_HALF:
        snprintf(text, sizeof(text), "%s: frame %u, its request's direction not captured", name, frame);
        break;
    case DOUBT_STOPPED:
        snprintf(text, sizeof(text), "%s: no frame on its interface from frame %u on", name, frame);
        break;
    case DOUBT_OPAQUE:
        snprintf(text, sizeof(text), "%s: not decrypted from frame %u on", name, frame);
        break;
    }
    return track_text(conn->track, text);
}

const char *row_doubt_of(const struct result *result)
{
    char name[24];
    if (!result->doubtful) {
        return NULL;
    }
    snprintf(name, sizeof(name), "stream %u", result->doubtful->stream);
    return row_doubt(result->doubtful, name);
}
