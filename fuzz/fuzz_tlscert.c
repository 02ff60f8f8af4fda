/* fuzz_tlscert.c
 * Any bytes as the first flight of a TLS server: as the stream, as handshake messages in
 * records behind a ServerHello, as decrypted records behind one of TLS 1.3, as a
 * certificate in a message of right lengths. The first byte chooses, the second says how
 * the bytes are cut; the cut must not matter.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "tlscert.h"

#include <assert.h>
#include <stdlib.h>

enum { STREAM, MESSAGES, SEALED, CERTIFICATE, SEALED_CERTIFICATE, KINDS };

struct out {
    uint8_t *bytes;
    size_t len;
};

static void put(struct out *out, const void *p, size_t len)
{
    if (len > 0) {
        memcpy(out->bytes + out->len, p, len);
    }
    out->len += len;
}

static void put_be(struct out *out, size_t value, unsigned size)
{
    while (size--) {
        out->bytes[out->len++] = (uint8_t)(value >> 8 * size);
    }
}

static void put_hello(struct out *out, bool sealed)
{
    static const uint8_t hello[] = { 2, 0, 0, 38, 3, 3 }, version[] = { 0, 6, 0, 43, 0, 2, 3, 4 }, rest[36];
    put_be(out, 22, 1);
    put_be(out, 0x0303, 2);
    put_be(out, sealed ? 50 : 42, 2);
    put(out, hello, sizeof(hello));
    out->bytes[out->len - 3] = sealed ? 46 : 38;
    put(out, rest, sizeof(rest));
    put(out, version, sealed ? sizeof(version) : 0);
}

static void put_records(struct out *out, const uint8_t *p, size_t len, size_t size)
{
    for (size_t at = 0; at < len; at += size) {
        size_t part = len - at < size ? len - at : size;
        put_be(out, 22, 1);
        put_be(out, 0x0303, 2);
        put_be(out, part, 2);
        put(out, p + at, part);
    }
}

static void put_certificate(struct out *out, const uint8_t *p, size_t len, bool sealed)
{
    put_be(out, 11, 1);
    put_be(out, len + (sealed ? 9 : 6), 3);
    put_be(out, 0, sealed);
    put_be(out, len + (sealed ? 5 : 3), 3);
    put_be(out, len, 3);
    put(out, p, len);
    put_be(out, 0, sealed ? 2 : 0);
}

/* Each piece from memory of its own size, so that a byte too many is noticed. */
static void feed(struct tls_flight *flight, const struct out *in, size_t step, bool sealed)
{
    for (size_t at = 0; at < in->len; at += step) {
        size_t len = in->len - at < step ? in->len - at : step;
        uint8_t *exact = malloc(len);
        assert(exact);
        memcpy(exact, in->bytes + at, len);
        enum tls_flight_state state = (sealed ? tls_flight_record : tls_flight_stream)(flight, exact, len);
        assert(state == (enum tls_flight_state)flight->state && state <= TLS_FLIGHT_NONE);
        free(exact);
    }
}

static void check(const struct tls_flight *flight)
{
    enum cert_hash hash;
    assert(flight->used <= sizeof(flight->room) && flight->wanted <= sizeof(flight->room));
    if (flight->state != TLS_FLIGHT_LEAF) {
        return;
    }
    assert(flight->hello && flight->leaf.len > 0 && flight->leaf.len <= TLS_CERT_MAX);
    assert(flight->leaf.ptr >= flight->room && flight->leaf.ptr + flight->leaf.len <= flight->room + flight->used);
    assert(cert_examine(flight->leaf, &hash) && hash <= CERT_HASH_SHA512);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_flight whole, pieces;
    if (size < 3) {
        return 0;
    }
    unsigned kind = data[0] % KINDS;
    size_t step = data[1] & 0x0F ? data[1] & 0x0Fu : 700, record = data[1] >> 4 ? data[1] >> 4 : 9000;
    const uint8_t *p = data + 2;
    size_t len = size - 2;
    struct out clear = { malloc(len * 6 + 200), 0 }, sealed = { malloc(len + 20), 0 }, said = { malloc(len + 20), 0 };
    assert(clear.bytes && sealed.bytes && said.bytes);
    switch (kind) {
    case STREAM:
        put(&clear, p, len);
        break;
    case MESSAGES:
    case CERTIFICATE:
        put_hello(&clear, false);
        if (kind == CERTIFICATE) {
            put_certificate(&said, p, len, false);
        } else {
            put(&said, p, len);
        }
        put_records(&clear, said.bytes, said.len, record);
        break;
    default:
        put_hello(&clear, true);
        if (kind == SEALED) {
            put(&sealed, p, len);
        } else {
            put_certificate(&sealed, p, len, true);
        }
        break;
    }
    memset(&whole, 0, sizeof(whole));
    memset(&pieces, 0, sizeof(pieces));
    feed(&whole, &clear, clear.len, false);
    feed(&pieces, &clear, step, false);
    assert(kind < SEALED || kind == CERTIFICATE || whole.state == TLS_FLIGHT_SEALED);
    feed(&whole, &sealed, sealed.len, true);
    feed(&pieces, &sealed, step, true);
    check(&whole);
    check(&pieces);
    assert(whole.state == pieces.state && whole.hello == pieces.hello && whole.leaf.len == pieces.leaf.len);
    assert(whole.leaf.len == 0 || memcmp(whole.leaf.ptr, pieces.leaf.ptr, whole.leaf.len) == 0);
    /* A certificate in the message of right lengths is found if it is one. */
    enum cert_hash hash;
    bool good = len <= TLS_CERT_MAX && cert_examine((struct span){ p, len }, &hash);
    assert(kind != CERTIFICATE || (whole.state == TLS_FLIGHT_LEAF) == good);
    assert(kind != SEALED_CERTIFICATE || (whole.state == TLS_FLIGHT_LEAF) == good);
    free(clear.bytes);
    free(sealed.bytes);
    free(said.bytes);
    return 0;
}
