/* overview.h
 * What a capture is, whatever it carries: its time, its TCP connections, what of them is missing, and the TLS that
 * stays closed. Fed a packet at a time while a report is asked for; it keeps some hundred bytes for each TCP connection
 * and nothing for a packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_OVERVIEW_H
#define OUTLOOKHTTP_OVERVIEW_H

#include "tables.h"
#include "tcp.h"

#define SERVER_NAME_MAX 256

/* One direction of TLS, as a string of records. */
struct tls_half {
    bool known : 1;   /* next_seq is where the next bytes belong */
    bool hello : 1;   /* its first message was seen: a ClientHello or ServerHello */
    bool cipher : 1;  /* ChangeCipherSpec */
    uint8_t have;     /* of head */
    uint8_t head[5];  /* of the record that begins */
    uint8_t type;     /* of the record under way */
    uint16_t left;    /* of its body */
    uint16_t wanted;  /* of the hello's record, 0: it is not being gathered */
    uint16_t got;     /* of it */
    uint8_t *gathers; /* room for it, or NULL */
    uint32_t next_seq;
};

/* A TCP connection. Its ends stand in the order of its first packet. */
struct overview_conn {
    struct endpoint end[2];
    struct tcp_flow flow;
    struct tls_half half[2];
    const char *server_name; /* of the ClientHello, NULL if none */
    uint32_t stream;
    int64_t last_data, longest_idle; /* 0 before the first */
    uint8_t client;                  /* which end that is */
    uint8_t closed_by;               /* which end sent the first FIN or RST */
    uint8_t looks;                   /* data segments that were looked into by what else is known of them */
    uint8_t alert_by, alert;         /* of a handshake, in the clear */
    uint8_t hidden_by;               /* who sent what has the size of an encrypted alert */
    bool sure : 1;                   /* who the client is */
    bool seen[2], data[2];
    bool syn : 1, closed : 1, reset : 1;
    bool tls : 1, version13 : 1, finished : 1, has_alert : 1, has_hidden : 1;
    bool decrypted : 1, http2 : 1;
    bool http : 1, other : 1; /* what is above TCP, as far as dissectors tell */
};

struct overview {
    const struct arena *arena;
    struct rows conns; /* by tcp.stream; NULL where none was seen */
    uint32_t packets, cut;
    uint32_t made;       /* packets that nobody captured: they were made of an archive of HTTP sessions */
    const char *archive; /* which, "Fiddler archive x.saz"; NULL where made is 0 */
    uint32_t opaque;     /* packets of a tunnel that is encrypted below TCP */
    int64_t first, last;
    bool key_log; /* keys for TLS were given */
};

/* All zero but for arena: of no packet. */

void overview_packet(struct overview *overview, int64_t ns, bool cut);
/* The last packet was made of an archive, by what its interface is called (NULL: nothing); a part of it is kept. */
void overview_made(struct overview *overview, const char *archive);
/* Whether all of it was: no packet tells of TCP, TLS or devices, and nothing that is missing was lost by a capture. */
static inline bool overview_is_archive(const struct overview *overview)
{
    return overview->made > 0 && overview->made == overview->packets;
}
/* A TCP segment; segment: way does not matter. payload: its captured bytes. Returns its connection. */
struct overview_conn *overview_segment(struct overview *overview, uint32_t stream, const struct endpoint *from,
                                       const struct endpoint *to, const struct segment *segment,
                                       const uint8_t *payload);
/* Whether it is worth while to look what the dissectors made of a segment with data. */
bool overview_wants_look(const struct overview_conn *conn);
/* What they made of it: bits. LOOK_OTHER: a protocol that is neither HTTP nor TLS. */
enum { LOOK_DECRYPTED = 1, LOOK_HTTP2 = 2, LOOK_HTTP = 4, LOOK_OTHER = 8 };
void overview_look(struct overview_conn *conn, unsigned what);

/* ---- Afterwards ------------------------------------------------------------------------ */

/* In the order of tcp.stream, from *at on; NULL behind the last. */
const struct overview_conn *overview_next(const struct overview *overview, uint32_t *at);
static inline const struct endpoint *overview_server(const struct overview_conn *conn)
{
    return &conn->end[!conn->client];
}
bool overview_one_way(const struct overview_conn *conn);
uint32_t overview_gaps(const struct overview_conn *conn);
/* Whether TLS kept from us what it may have carried: it was not decrypted, and its handshake did not fail. */
bool overview_sealed(const struct overview_conn *conn);
/* Neither hello was seen. */
bool overview_hello_missing(const struct overview_conn *conn);

#define HANDSHAKE_TEXT_MAX 96
/* How its handshake went: "handshake completed", "no answer to the ClientHello", ... */
const char *overview_handshake(const struct overview_conn *conn, char to[HANDSHAKE_TEXT_MAX]);
const char *overview_end(const struct overview_conn *conn); /* "reset by the server" ... */

/* ---- overview_tls.c ---------------------------------------------------------------------- */

/* The bytes of a segment, captured ones and what of it was cut off. */
void overview_tls(struct overview *overview, struct overview_conn *conn, unsigned side, const struct segment *segment,
                  const uint8_t *payload);

#endif
