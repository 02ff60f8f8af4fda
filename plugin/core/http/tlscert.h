/* tlscert.h
 * The leaf certificate of a TLS server, from its first flight: in clear up to TLS 1.2 (RFC
 * 5246 7.3, 7.4.2), from decrypted records in TLS 1.3 (RFC 8446 4.4.2). And what channel
 * bindings a client makes of it (MS-NLMP 3.1.5.1.2, RFC 5929 4.1). Pure: bytes in.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TLSCERT_H
#define OUTLOOKHTTP_TLSCERT_H

#include "bytes.h"

#define TLS_CERT_MAX 0x4000 /* a longer leaf stays unknown */
#define TLS_CERT_HEAD 7     /* of a Certificate message, before the leaf, at most */

enum tls_flight_state {
    TLS_FLIGHT_CLEAR,  /* more bytes of the stream are wanted */
    TLS_FLIGHT_SEALED, /* TLS 1.3 was chosen: decrypted handshake records are wanted */
    TLS_FLIGHT_LEAF,   /* the leaf is whole */
    TLS_FLIGHT_NONE    /* no certificate (resumed, anonymous), or nothing that can be read */
};

/* What is left of a server's flight to be read. All zero: its first byte comes next. */
struct tls_flight {
    uint8_t state;               /* enum tls_flight_state */
    bool hello;                  /* ServerHello was seen */
    uint8_t head[5], head_len;   /* the beginning of a record's header */
    uint8_t start[4], start_len; /* the beginning of a handshake message */
    uint32_t record_left;        /* bytes of the record */
    uint32_t message_len, message_left;
    uint32_t used, wanted; /* of the message's body, in room */
    struct span leaf;      /* TLS_FLIGHT_LEAF: within room */
    uint8_t room[TLS_CERT_MAX + TLS_CERT_HEAD];
};

/* The next bytes of the stream from the server, while the state is TLS_FLIGHT_CLEAR; any
 * cut. Linear in len. Returns the state it leaves. */
enum tls_flight_state tls_flight_stream(struct tls_flight *flight, const uint8_t *p, size_t len);
/* The content of the next decrypted handshake record, while it is TLS_FLIGHT_SEALED. */
enum tls_flight_state tls_flight_record(struct tls_flight *flight, const uint8_t *p, size_t len);

/* Whether the flight of a server may begin with these bytes: a record with a ServerHello. */
bool tls_flight_begins(const uint8_t *p, size_t len);

enum cert_hash { CERT_HASH_NONE, CERT_HASH_SHA256, CERT_HASH_SHA384, CERT_HASH_SHA512 };

/* Whether it has the form of an X.509 certificate (RFC 5280 4.1), to its last byte. *hash: what
 * tls-server-end-point takes for it, by its signature: SHA-256 in place of MD5 and SHA-1, NONE
 * where RFC 5929 leaves it undefined (Ed25519) or it is none of these. */
bool cert_examine(struct span cert, enum cert_hash *hash);

#define BINDINGS_INPUT_MAX 128

/* What MsvAvChannelBindings is the MD5 of: a gss_channel_bindings_struct without addresses
 * whose application data names the hash of the leaf. hash_len is 64 at most. Returns the
 * number of bytes. */
size_t bindings_input(const uint8_t *hash, size_t hash_len, uint8_t out[BINDINGS_INPUT_MAX]);

/* What is kept of a leaf. */
struct tls_leaf {
    uint8_t sha256[32]; /* of the certificate: tells it from another */
    uint8_t sha1[20];   /* by which Windows names it: its thumbprint */
    bool has_bindings;
    uint8_t bindings[16]; /* MsvAvChannelBindings of a client that was shown it */
};

static inline bool tls_leaf_equal(const struct tls_leaf *a, const struct tls_leaf *b)
{
    return memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

#endif
