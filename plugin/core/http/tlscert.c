/* tlscert.c
 * Walks a TLS server's first flight up to its leaf certificate.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "tlscert.h"

#include "chars.h"

enum {
    RECORD_HANDSHAKE = 22,
    RECORD_HEAD = 5,
    RECORD_MAX = 0x4000 + 0x800, /* RFC 5246 6.2.3; no record of this flight comes near it */
    HANDSHAKE_HEAD = 4,
    SERVER_HELLO = 2,
    ENCRYPTED_EXTENSIONS = 8,
    CERTIFICATE = 11,
    CERTIFICATE_REQUEST = 13,
    SUPPLEMENTAL_DATA = 23,
    SUPPORTED_VERSIONS = 43,
    TLS_1_3 = 0x0304
};

static uint32_t get_be24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

/* ---- ServerHello ------------------------------------------------------------------------ */

/* The version that was chosen: 0 if the message is broken. In TLS 1.3 an extension has it
 * (RFC 8446 4.2.1), also in a HelloRetryRequest, which has the same form. */
static uint16_t chosen_version(struct span hello)
{
    enum { SESSION_ID = 34, BEHIND_ID = 3 };
    if (hello.len < SESSION_ID + 1 || hello.ptr[0] != 3) {
        return 0;
    }
    uint16_t version = get_be16(hello.ptr);
    size_t at = SESSION_ID + 1 + (size_t)hello.ptr[SESSION_ID] + BEHIND_ID;
    if (at == hello.len) {
        return version;
    }
    if (at + 2 > hello.len || at + 2 + get_be16(hello.ptr + at) != hello.len) {
        return 0;
    }
    for (at += 2; at + 4 <= hello.len;) {
        uint16_t type = get_be16(hello.ptr + at), len = get_be16(hello.ptr + at + 2);
        at += 4;
        if (len > hello.len - at) {
            return 0;
        }
        if (type == SUPPORTED_VERSIONS && len == 2) {
            return get_be16(hello.ptr + at);
        }
        at += len;
    }
    return at == hello.len ? version : 0;
}

/* ---- messages --------------------------------------------------------------------------- */

static enum tls_flight_state give_up(struct tls_flight *flight)
{
    return flight->state = TLS_FLIGHT_NONE;
}

/* Where the leaf begins in the body of a Certificate message: behind the lengths of the list
 * and its first entry, in TLS 1.3 behind an empty certificate_request_context too. */
static size_t leaf_offset(const struct tls_flight *flight)
{
    return flight->state == TLS_FLIGHT_SEALED ? 7 : 6;
}

/* A message begins: decides what of its body is wanted. */
static void begin_message(struct tls_flight *flight)
{
    uint8_t type = flight->start[0];
    bool sealed = flight->state == TLS_FLIGHT_SEALED;
    flight->message_len = flight->message_left = get_be24(flight->start + 1);
    flight->used = flight->wanted = 0;
    if (!flight->hello) {
        if (type != SERVER_HELLO || flight->message_len == 0 || flight->message_len > sizeof(flight->room)) {
            give_up(flight);
        } else {
            flight->wanted = flight->message_len;
        }
    } else if (type == CERTIFICATE) {
        flight->wanted = (uint32_t)leaf_offset(flight);
        if (flight->message_len <= flight->wanted) {
            give_up(flight); /* of a server it is never empty */
        }
    } else if (sealed ? type != ENCRYPTED_EXTENSIONS && type != CERTIFICATE_REQUEST : type != SUPPLEMENTAL_DATA) {
        give_up(flight);
    }
}

static void end_of_hello(struct tls_flight *flight)
{
    uint16_t version = chosen_version(span_of(flight->room, flight->used));
    flight->hello = true;
    if (version == 0) {
        give_up(flight);
    } else if (version >= TLS_1_3) {
        flight->state = TLS_FLIGHT_SEALED;
    }
}

/* The lengths before the leaf are there, or the leaf too. */
static void part_of_certificate(struct tls_flight *flight)
{
    size_t offset = leaf_offset(flight);
    enum cert_hash hash;
    if (flight->used > offset) {
        flight->leaf = span_of(flight->room + offset, flight->used - offset);
        flight->state = cert_examine(flight->leaf, &hash) ? TLS_FLIGHT_LEAF : TLS_FLIGHT_NONE;
        return;
    }
    uint32_t list = get_be24(flight->room + offset - 6), len = get_be24(flight->room + offset - 3);
    bool context = offset == 7 && flight->room[0] != 0;
    if (context || list + offset - 3 != flight->message_len || len == 0 || len > list - 3 || len > TLS_CERT_MAX) {
        give_up(flight);
        return;
    }
    flight->wanted = (uint32_t)offset + len;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Bytes of a message's body. Returns how many it took. */
static size_t body(struct tls_flight *flight, const uint8_t *p, size_t len)
{
    size_t taken = least(len, flight->message_left);
    if (flight->wanted > flight->used) {
        taken = least(taken, flight->wanted - flight->used);
        memcpy(flight->room + flight->used, p, taken);
        flight->used += (uint32_t)taken;
    }
    flight->message_left -= (uint32_t)taken;
    return taken;
}

/* Handshake messages in sequence, whatever records they come in. Leaves off behind a
 * ServerHello that chose TLS 1.3. */
static void messages(struct tls_flight *flight, const uint8_t *p, size_t len)
{
    const uint8_t state = flight->state;
    while (len > 0 && flight->state == state) {
        size_t taken = 0;
        if (flight->start_len < HANDSHAKE_HEAD) {
            taken = least(len, (size_t)HANDSHAKE_HEAD - flight->start_len);
            memcpy(flight->start + flight->start_len, p, taken);
            flight->start_len = (uint8_t)(flight->start_len + taken);
            if (flight->start_len == HANDSHAKE_HEAD) {
                begin_message(flight);
            }
        } else {
            taken = body(flight, p, len);
        }
        p += taken;
        len -= taken;
        if (flight->start_len < HANDSHAKE_HEAD || flight->state != state) {
            continue;
        }
        bool gathered = flight->wanted > 0 && flight->used == flight->wanted;
        if (gathered && flight->start[0] == CERTIFICATE) {
            part_of_certificate(flight);
        } else if (gathered) {
            end_of_hello(flight);
        }
        if (flight->message_left == 0) {
            flight->start_len = 0;
        }
    }
}

/* ---- records ------------------------------------------------------------------------------ */

bool tls_flight_begins(const uint8_t *p, size_t len)
{
    return len > 0 && p[0] == RECORD_HANDSHAKE && (len < 2 || p[1] == 3) &&
           (len <= RECORD_HEAD || p[RECORD_HEAD] == SERVER_HELLO);
}

enum tls_flight_state tls_flight_stream(struct tls_flight *flight, const uint8_t *p, size_t len)
{
    while (len > 0 && flight->state == TLS_FLIGHT_CLEAR) {
        size_t taken;
        if (flight->record_left > 0) {
            taken = least(len, flight->record_left);
            messages(flight, p, taken);
            flight->record_left -= (uint32_t)taken;
        } else {
            taken = least(len, (size_t)RECORD_HEAD - flight->head_len);
            memcpy(flight->head + flight->head_len, p, taken);
            flight->head_len = (uint8_t)(flight->head_len + taken);
            if (flight->head_len == RECORD_HEAD) {
                flight->head_len = 0;
                flight->record_left = get_be16(flight->head + 3);
                /* ChangeCipherSpec before the certificate: resumed. */
                if (flight->head[0] != RECORD_HANDSHAKE || flight->head[1] != 3 || flight->record_left == 0 ||
                    flight->record_left > RECORD_MAX) {
                    give_up(flight);
                }
            }
        }
        p += taken;
        len -= taken;
    }
    return flight->state;
}

enum tls_flight_state tls_flight_record(struct tls_flight *flight, const uint8_t *p, size_t len)
{
    if (flight->state == TLS_FLIGHT_SEALED) {
        messages(flight, p, len);
    }
    return flight->state;
}

/* ---- certificates ------------------------------------------------------------------------- */

enum { DER_BITS = 0x03, DER_OID = 0x06, DER_SEQUENCE = 0x30, DER_CONTEXT_0 = 0xA0 };

/* Takes the next element, which has to be of that kind and whole. */
static bool der_take(struct span *s, uint8_t tag, struct span *content)
{
    if (s->len < 2 || s->ptr[0] != tag) {
        return false;
    }
    size_t len = s->ptr[1], header = 2;
    if (len & 0x80) {
        size_t count = len & 0x7F;
        if (count == 0 || count > 3 || s->len < 2 + count) {
            return false;
        }
        len = 0;
        for (; header < 2 + count; header++) {
            len = len << 8 | s->ptr[header];
        }
    }
    if (len > s->len - header) {
        return false;
    }
    *content = span_of(s->ptr + header, len);
    *s = span_skip(*s, header + len);
    return true;
}

struct oid {
    const char *bytes;
    enum cert_hash hash;
};

static enum cert_hash oid_hash(struct span oid, const struct oid *known, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equals(oid, known[i].bytes)) {
            return known[i].hash;
        }
    }
    return CERT_HASH_NONE;
}

/* RSASSA-PSS-params (RFC 4055 3.1): the hash is a parameter, SHA-1 where there is none. */
static enum cert_hash pss_hash(struct span rest)
{
    static const struct oid hashes[] = { { "\x2B\x0E\x03\x02\x1A", CERT_HASH_SHA256 }, /* SHA-1 */
                                         { "\x60\x86\x48\x01\x65\x03\x04\x02\x01", CERT_HASH_SHA256 },
                                         { "\x60\x86\x48\x01\x65\x03\x04\x02\x02", CERT_HASH_SHA384 },
                                         { "\x60\x86\x48\x01\x65\x03\x04\x02\x03", CERT_HASH_SHA512 } };
    struct span params, tagged, algorithm, oid;
    if (!der_take(&rest, DER_SEQUENCE, &params)) {
        return CERT_HASH_NONE;
    }
    if (!der_take(&params, DER_CONTEXT_0, &tagged)) {
        return CERT_HASH_SHA256;
    }
    if (!der_take(&tagged, DER_SEQUENCE, &algorithm) || !der_take(&algorithm, DER_OID, &oid)) {
        return CERT_HASH_NONE;
    }
    return oid_hash(oid, hashes, COUNT_OF(hashes));
}

static enum cert_hash signature_hash(struct span algorithm)
{
    static const struct oid signatures[] = { { "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x04",
                                               CERT_HASH_SHA256 }, /* RSA: MD5 */
                                             { "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x05", CERT_HASH_SHA256 }, /* SHA-1 */
                                             { "\x2B\x0E\x03\x02\x1D", CERT_HASH_SHA256 }, /* SHA-1, by its OIW name */
                                             { "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B", CERT_HASH_SHA256 },
                                             { "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0C", CERT_HASH_SHA384 },
                                             { "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0D", CERT_HASH_SHA512 },
                                             { "\x2A\x86\x48\xCE\x3D\x04\x01", CERT_HASH_SHA256 }, /* ECDSA: SHA-1 */
                                             { "\x2A\x86\x48\xCE\x3D\x04\x03\x02", CERT_HASH_SHA256 },
                                             { "\x2A\x86\x48\xCE\x3D\x04\x03\x03", CERT_HASH_SHA384 },
                                             { "\x2A\x86\x48\xCE\x3D\x04\x03\x04", CERT_HASH_SHA512 },
                                             { "\x2A\x86\x48\xCE\x38\x04\x03", CERT_HASH_SHA256 }, /* DSA: SHA-1 */
                                             { "\x60\x86\x48\x01\x65\x03\x04\x03\x02", CERT_HASH_SHA256 } };
    static const char pss[] = "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A";
    struct span oid;
    if (!der_take(&algorithm, DER_OID, &oid)) {
        return CERT_HASH_NONE;
    }
    if (span_equals(oid, pss)) {
        return pss_hash(algorithm);
    }
    return oid_hash(oid, signatures, COUNT_OF(signatures));
}

bool cert_examine(struct span cert, enum cert_hash *hash)
{
    struct span all, to_be_signed, algorithm, signature;
    *hash = CERT_HASH_NONE;
    if (!der_take(&cert, DER_SEQUENCE, &all) || cert.len > 0 || !der_take(&all, DER_SEQUENCE, &to_be_signed) ||
        !der_take(&all, DER_SEQUENCE, &algorithm) || !der_take(&all, DER_BITS, &signature) || all.len > 0) {
        return false;
    }
    *hash = signature_hash(algorithm);
    return true;
}

size_t bindings_input(const uint8_t *hash, size_t hash_len, uint8_t out[BINDINGS_INPUT_MAX])
{
    static const char prefix[] = "tls-server-end-point:";
    enum { APPLICATION_DATA = 16, PREFIX = sizeof(prefix) - 1 };
    /* Types and lengths of both addresses are 0, then comes the length of what follows. */
    memset(out, 0, APPLICATION_DATA + 4);
    out[APPLICATION_DATA] = (uint8_t)(PREFIX + hash_len);
    memcpy(out + APPLICATION_DATA + 4, prefix, PREFIX);
    memcpy(out + APPLICATION_DATA + 4 + PREFIX, hash, hash_len);
    return APPLICATION_DATA + 4 + PREFIX + hash_len;
}
