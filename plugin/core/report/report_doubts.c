/* report_doubts.c
 * What cannot be told, why, and what would let it be told. Nothing is denied that was merely not seen.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "report_private.h"

#include "conn.h"

#include <stdlib.h>

static struct doubt_said *doubt_add(struct report *report, uint32_t count, const char *one, const char *many,
                                    const char *reason, const char *remedy)
{
    if (count == 0 || report->doubt_count == DOUBTS_MAX) {
        return NULL;
    }
    struct doubt_said *said = &report->doubts[report->doubt_count++];
    *said = (struct doubt_said){ .count = count, .noun = count == 1 ? one : many, .reason = reason, .remedy = remedy };
    return said;
}

/* ---- Of rows ------------------------------------------------------------------------------- */

#define REMEDY_START "begin the capture before Outlook connects; join the files of a ring buffer with mergecap"
#define REMEDY_BOTH "capture both directions: at a mirror port both receive and transmit, on both members of a bond"
#define REMEDY_GAPS "capture without loss: on one of the ends, or with a larger buffer and a filter by host"
#define REMEDY_CUT "capture whole packets: no snap length (-s 0)"
#define REMEDY_KEYS \
    "log the keys of all of its connections, from before they begin: SSLKEYLOGFILE, see docs/capturing.md"
/* Of an archive, whose maker saw requests and responses: nobody captured its packets. */
#define REMEDY_RECORD                                                                                              \
    "record again: start Fiddler, or whatever made the archive, before Outlook, with HTTPS decrypted and nothing " \
    "filtered out, and save all sessions"
#define REMEDY_PACKETS \
    "capture packets, at the client or a device on the way (docs/capturing.md): an archive has requests and responses only"

struct reason {
    const char *text, *remedy;
};

/* Reasons of rows, by what they have in common: they name streams and frames. */
static const struct {
    const char *mark;
    struct reason capture, archive;
} row_doubts[] = {
    { "no SYN",
      { "the beginning was not captured", REMEDY_START },
      { "an archive does not tell how TCP connections begin and end", REMEDY_PACKETS } },
    { "one direction",
      { "one direction was captured only", REMEDY_BOTH },
      { "the archive lacks responses", REMEDY_PACKETS } },
    { "gap before",
      { "bytes are missing from the capture", REMEDY_GAPS },
      { "bytes are missing from the archive, or have no time in it", REMEDY_PACKETS } },
    { "ACK is missing",
      { "packets are missing from the capture", REMEDY_GAPS },
      { "an archive has no acknowledgements", REMEDY_PACKETS } },
    { "not captured whole",
      { "packets were cut by the snap length", REMEDY_CUT },
      { "bytes are missing from the archive, or have no time in it", REMEDY_PACKETS } },
    { "not decrypted",
      { "TLS was not decrypted to the end", REMEDY_KEYS },
      { "TLS was not decrypted to the end", REMEDY_RECORD } },
    { "on its interface",
      { "one of the captures that were joined ends before the others",
        "let the captures on all sides run until the fault has shown, and longer" },
      { "bytes are missing from the archive, or have no time in it", REMEDY_PACKETS } },
    { "not captured, though",
      { "one of the two channels was not captured",
        "capture where both channels pass: IN and OUT may go by different devices" },
      { "one of the two channels is not in the archive", REMEDY_RECORD } },
    { "neither opened",
      { "neither opened nor failed by the end of the capture",
        "let the capture go on until Outlook connects or gives up" },
      { "neither opened nor failed in what was recorded",
        "record until Outlook connects or gives up, and save all sessions then" } },
};

static bool is_archive(const struct report *report)
{
    return overview_is_archive(report->input.overview);
}

static unsigned row_doubt_kind(const char *why)
{
    unsigned kind = 0;
    while (kind < COUNT_OF(row_doubts) && !strstr(why, row_doubts[kind].mark)) {
        kind++;
    }
    return kind;
}

static struct reason row_reason(const struct report *report, unsigned kind)
{
    return is_archive(report) ? row_doubts[kind].archive : row_doubts[kind].capture;
}

const char *doubt_words(const struct report *report, const char *why)
{
    const unsigned kind = why ? row_doubt_kind(why) : 0;
    return why && is_archive(report) && kind < COUNT_OF(row_doubts) ? row_reason(report, kind).text : why;
}

const char *member_doubt(const struct member *member)
{
    bool opened = false;
    for (uint32_t i = 0; i < member->count; i++) {
        if (member->parts[i].verdict.cannot_tell) {
            return member->parts[i].verdict.cannot_tell;
        }
        opened |= member->parts[i].opened;
    }
    return opened ? NULL : "neither opened";
}

static void doubt_rows(struct report *report, enum noun noun, const char *field)
{
    uint32_t *numbers = arena_new(report->arena, (report->unclear[noun] + 1) * sizeof(*numbers));
    for (unsigned kind = 0; kind <= COUNT_OF(row_doubts) && report->unclear[noun] > 0; kind++) {
        const char *first = NULL;
        uint32_t count = 0;
        for (uint32_t i = 0; i < report->member_count; i++) {
            const struct member *member = &report->members[i];
            const char *why =
                member->gravest->noun == noun && part_is_good(member->gravest) ? member_doubt(member) : NULL;
            if (why && row_doubt_kind(why) == kind) {
                first = first ? first : why;
                numbers[count++] = member->gravest->number;
            }
        }
        const struct reason other = { first, is_archive(report) ? REMEDY_PACKETS : REMEDY_GAPS };
        const struct reason reason = kind < COUNT_OF(row_doubts) ? row_reason(report, kind) : other;
        struct doubt_said *said =
            doubt_add(report, count, noun_text(noun, 1), noun_text(noun, 2), reason.text, reason.remedy);
        if (said) {
            struct out filter = { .arena = report->arena };
            if (count == 1 && kind < COUNT_OF(row_doubts) && strchr(first, ':') && !is_archive(report)) {
                struct out text = { .arena = report->arena }; /* with what it names: which stream, which frame */
                const size_t name = strstr(first, "frame") ? strlen(first) : strcspn(first, ":");
                out_say(&text, "%s (%.*s)", said->reason, (int)name, first);
                said->reason = out_string(&text);
            }
            filter_say(&filter, field, numbers, count);
            said->filter = out_string(&filter);
        }
    }
}

/* ---- Of TCP connections -------------------------------------------------------------------- */

struct tally {
    uint32_t tls, sealed, hello_missing, http2, sealed_count;
    uint32_t no_syn, one_way, gaps;
    bool ours_late, ours_one_way, ours_gaps; /* of connections to a server that speaks one of the protocols */
    uint32_t *sealed_streams;
};

/* What would have let more be seen of them; NULL if all of them was captured. */
static const char *start_of(const struct tally *tally)
{
    return tally->ours_late ? REMEDY_START : tally->ours_one_way ? REMEDY_BOTH : tally->ours_gaps ? REMEDY_GAPS : NULL;
}

static bool claimed_server(const struct report *report, const struct overview_conn *conn)
{
    return report->input.track && track_find_server(report->input.track, overview_server(conn)) != NULL;
}

static void tally_up(struct report *report, struct tally *tally)
{
    const struct overview *overview = report->input.overview;
    uint32_t at = 0;
    tally->sealed_streams = arena_new(report->arena, (overview->conns.count + 1) * sizeof(uint32_t));
    for (const struct overview_conn *conn; (conn = overview_next(overview, &at)) != NULL;) {
        tally->tls += conn->tls;
        tally->http2 += conn->http2;
        if (claimed_server(report, conn)) {
            tally->ours_late |= !conn->syn;
            tally->ours_one_way |= overview_one_way(conn);
            tally->ours_gaps |= overview_gaps(conn) > 0;
        }
        if (overview_sealed(conn)) {
            tally->sealed_streams[tally->sealed++] = conn->stream;
            tally->hello_missing += overview_hello_missing(conn);
            report->sealed_ours |= claimed_server(report, conn);
            continue;
        }
        if (conn->tls || conn->other || !(conn->data[0] || conn->data[1])) {
            continue;
        }
        /* Where requests were seen they were none of ours. */
        const bool requests = conn->http && conn->seen[conn->client];
        tally->one_way += !requests && overview_one_way(conn);
        tally->no_syn += !requests && !overview_one_way(conn) && !conn->syn;
        tally->gaps += conn->syn && !overview_one_way(conn) && overview_gaps(conn) > 0;
    }
}

static void doubt_tls(struct report *report, const struct tally *tally)
{
    const bool given = report->input.overview->key_log, fits_none = given && tally->sealed == tally->tls;
    const char *reason = "not decrypted, for no keys were given";
    const char *remedy = "read it with the key log of the client or device (./analyze -k FILE; tshark -o "
                         "tls.keylog_file:FILE; Wireshark: Preferences > Protocols > TLS, in each profile), or capture "
                         "where TLS has ended";
    if (fits_none) {
        reason = "not decrypted: the key log that was given fits none of them";
        remedy = "take the key log that was written by the very client, proxy or device that made these connections, "
                 "while they were made (SSLKEYLOGFILE set before it started)";
    } else if (given || tally->sealed < tally->tls) {
        reason = "not decrypted: the keys that were given do not fit them";
        remedy = "log the keys from before the connections begin, on each device that ends TLS; those of which the "
                 "handshake was not captured stay closed: begin the capture earlier";
    }
    if (tally->sealed > 0 && tally->hello_missing == tally->sealed) {
        reason = given ? "not decrypted: their handshakes were not captured" :
                         "not decrypted: no keys were given, and the handshakes were not captured";
        remedy = "begin the capture before the connections do, with a key log (SSLKEYLOGFILE)";
    }
    struct doubt_said *said = doubt_add(report, tally->sealed, "TLS connection", "TLS connections", reason, remedy);
    if (said) {
        struct out filter = { .arena = report->arena };
        filter_say(&filter, "tcp.stream", tally->sealed_streams, tally->sealed);
        said->filter = out_string(&filter);
    }
}

/* Connections that carry one of the protocols, and nothing that could be followed. */
static void doubt_claimed(struct report *report, const struct tally *tally)
{
    const struct track *track = report->input.track;
    const bool looks = report->input.mapi_looks > 0; /* health checks have connections, too */
    const uint32_t count = track ? track->claimed[CONN_RPCH] + (looks ? 0 : track->claimed[CONN_MAPI]) : 0;
    const char *one = "TCP connection of RPC over HTTP or MAPI/HTTP",
               *many = "TCP connections of RPC over HTTP or MAPI/HTTP";
    if (is_archive(report)) {
        doubt_add(report, count, one, many, "too little of their content is in the archive", REMEDY_PACKETS);
    } else if (start_of(tally)) {
        doubt_add(report, count, one, many, "too little was captured of their content", start_of(tally));
    } else {
        doubt_add(
            report, count, one, many,
            "captured whole, but without anything that can be followed: version 1 of RPC over HTTP, or no RPC at all",
            "see what is sent there: Follow > TCP Stream");
    }
}

/* Where nothing of either protocol was found: what could have hidden it. */
static void doubt_absence(struct report *report, const struct tally *tally)
{
    const struct overview *overview = report->input.overview;
    doubt_claimed(report, tally);
    if (is_archive(report)) {
        if (report->doubt_count == 0) {
            doubt_add(
                report, 1, "archive", "archives",
                "it has no request of RPC over HTTP or MAPI/HTTP, and cannot have what was not recorded, or not decrypted",
                REMEDY_RECORD);
        }
        return;
    }
    doubt_add(report, tally->no_syn, "TCP connection", "TCP connections",
              "begun before the capture, and what they carry is not known", REMEDY_START);
    doubt_add(report, tally->one_way, "TCP connection", "TCP connections", "one direction was captured only",
              REMEDY_BOTH);
    doubt_add(report, tally->gaps, "TCP connection", "TCP connections",
              "bytes are missing where requests may have been", REMEDY_GAPS);
    doubt_add(report, overview->cut, "packet", "packets",
              "cut by the snap length, and heads of requests may have been in what is missing", REMEDY_CUT);
    doubt_add(report, overview->opaque, "packet", "packets",
              "of an encrypted tunnel (IPsec, WireGuard, OpenVPN or L2TP)",
              "capture within the tunnel: on its virtual interface, or behind its end");
    if (overview->packets == 0) {
        doubt_add(report, 1, "capture", "captures", "no packets", "capture again, and see that packets are counted");
    }
}

static bool nothing_found(const struct report *report)
{
    return report->total[OF_CONNECTION] == 0 && report->total[OF_SESSION] == 0 && report->group_count == 0 &&
           report->input.mapi_requests == 0;
}

static void doubt_requests(struct report *report, const struct tally *tally)
{
    const bool archive = is_archive(report);
    const char *start = start_of(tally);
    const uint32_t steps = report->input.mapi_challenged + report->input.mapi_redirected;
    if ((archive || !start) && report->input.mapi_redirected > 0 && steps >= report->input.mapi_requests) {
        doubt_add(
            report, report->input.mapi_requests, "request of MAPI/HTTP", "requests of MAPI/HTTP",
            archive ?
                "of no session: sent elsewhere by a redirection (3xx), and what came of that is not in the archive" :
                "of no session: sent elsewhere by a redirection (3xx), and what came of that was not captured",
            archive ? REMEDY_RECORD :
                      "see Location of the redirections (http.location), and capture what goes there, with its keys");
        return;
    }
    if ((archive || !start) && report->input.mapi_challenged >= report->input.mapi_requests) {
        doubt_add(report, report->input.mapi_requests, "request of MAPI/HTTP", "requests of MAPI/HTTP",
                  "of no session: asked for credentials (401 or 407), and nothing came after that",
                  archive ? REMEDY_RECORD : "let the capture go on until Outlook is let in or gives up");
        return;
    }
    doubt_add(report, report->input.mapi_requests, "request of MAPI/HTTP", "requests of MAPI/HTTP",
              archive ? "of no session, for no Connect or Bind that succeeded is in the archive" :
                        "of no session, for no Connect or Bind that succeeded was captured",
              archive ? REMEDY_RECORD :
              start   ? start :
                        "begin the capture before Outlook connects, and let it go on until it has");
}

void report_doubts(struct report *report)
{
    struct tally tally = { 0 };
    doubt_rows(report, OF_CONNECTION, "rpch.vc");
    doubt_rows(report, OF_SESSION, "mapihttp.session");
    tally_up(report, &tally);
    doubt_tls(report, &tally);
    doubt_add(report, tally.http2, "TCP connection", "TCP connections", "HTTP/2, in which MAPI/HTTP is not followed",
              "switch HTTP/2 off for the capture, on the client, the device or the server (IIS: EnableHttp2Tls 0): "
              "Outlook then speaks HTTP/1.1");
    if (nothing_found(report)) {
        doubt_absence(report, &tally);
        report->none = report->doubt_count == 0;
    } else if (report->total[OF_SESSION] == 0 && report->total[OF_CONNECTION] == 0 && report->group_count == 0) {
        doubt_requests(report, &tally);
    }
}
