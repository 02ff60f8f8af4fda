/* test_tlscert.c
 * Flights of TLS servers, whole and in any cut, and what is made of a leaf.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "tlscert.h"
#include "transcript.h"
#include "unit.h"

#include <stdlib.h>

struct out {
    uint8_t b[40000];
    size_t len;
};

static void put(struct out *out, const void *p, size_t len)
{
    memcpy(out->b + out->len, p, len);
    out->len += len;
}

static void put_be(struct out *out, size_t value, unsigned size)
{
    while (size--) {
        out->b[out->len++] = (uint8_t)(value >> 8 * size);
    }
}

static void put_der(struct out *out, uint8_t tag, const struct out *content)
{
    put_be(out, tag, 1);
    if (content->len < 128) {
        put_be(out, content->len, 1);
    } else {
        put_be(out, 0x82, 1);
        put_be(out, content->len, 2);
    }
    put(out, content->b, content->len);
}

#define RSA_SHA256 "\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B\x05\x00"

/* A certificate: filling stands for what was signed. algorithm: the content of signatureAlgorithm. */
static void certificate(struct out *out, const char *algorithm, size_t algorithm_len, size_t filling)
{
    static struct out part, all;
    part.len = all.len = 0;
    memset(part.b, 0x5A, filling);
    part.len = filling;
    put_der(&all, 0x30, &part);
    part.len = 0;
    put(&part, algorithm, algorithm_len);
    put_der(&all, 0x30, &part);
    part.len = 0;
    put(&part, "\0\x11\x22\x33", 4);
    put_der(&all, 0x03, &part);
    put_der(out, 0x30, &all);
}

static void leaf_of(struct out *out, size_t filling)
{
    out->len = 0;
    certificate(out, RSA_SHA256, sizeof(RSA_SHA256) - 1, filling);
}

/* version: of the message; chosen: in the extension, 0 without extensions. */
static void hello(struct out *out, unsigned version, unsigned chosen)
{
    static const uint8_t random[32] = { 9 }, key_share[8] = { 0, 51, 0, 4, 1, 2, 3, 4 };
    put_be(out, 2, 1);
    put_be(out, 2 + 32 + 1 + 4 + 3 + (chosen ? 2 + 8 + 6 : 0), 3);
    put_be(out, version, 2);
    put(out, random, 32);
    put_be(out, 4, 1);
    put(out, "abcd", 4);
    put(out, "\xC0\x2F\0", 3);
    if (chosen) {
        put_be(out, 14, 2);
        put(out, key_share, 8);
        put_be(out, 43, 2);
        put_be(out, 2, 2);
        put_be(out, chosen, 2);
    }
}

static void message(struct out *out, unsigned type, size_t len)
{
    put_be(out, type, 1);
    put_be(out, len, 3);
    memset(out->b + out->len, 0x77, len);
    out->len += len;
}

/* second: the next certificate of the chain, or NULL; its extensions are those of TLS 1.3. */
static void chain(struct out *out, bool sealed, const struct out *leaf, const struct out *second)
{
    size_t entry = sealed ? 5 : 3;
    size_t list = leaf->len + entry + (second ? second->len + entry : 0);
    put_be(out, 11, 1);
    put_be(out, list + 3 + sealed, 3);
    put_be(out, 0, sealed);
    put_be(out, list, 3);
    for (const struct out *cert = leaf; cert; cert = cert == leaf ? second : NULL) {
        put_be(out, cert->len, 3);
        put(out, cert->b, cert->len);
        put_be(out, 0, sealed ? 2 : 0);
    }
}

/* Records of that type, each of at most size bytes. */
static void records(struct out *out, unsigned type, const struct out *content, size_t size)
{
    for (size_t at = 0; at < content->len; at += size) {
        size_t len = content->len - at < size ? content->len - at : size;
        put_be(out, type, 1);
        put_be(out, 0x0303, 2);
        put_be(out, len, 2);
        put(out, content->b + at, len);
    }
}

static struct tls_flight flight;

/* Each step from memory of its own size, so that a byte too many is noticed. */
static enum tls_flight_state run(const struct out *out, size_t step)
{
    enum tls_flight_state state = TLS_FLIGHT_CLEAR;
    memset(&flight, 0, sizeof(flight));
    for (size_t at = 0; at < out->len && state == TLS_FLIGHT_CLEAR; at += step) {
        size_t len = out->len - at < step ? out->len - at : step;
        uint8_t *exact = malloc(len);
        if (!exact) {
            abort();
        }
        memcpy(exact, out->b + at, len);
        state = tls_flight_stream(&flight, exact, len);
        free(exact);
    }
    return state;
}

static enum tls_flight_state run_sealed(const struct out *out, size_t step)
{
    for (size_t at = 0; at < out->len; at += step) {
        tls_flight_record(&flight, out->b + at, out->len - at < step ? out->len - at : step);
    }
    return (enum tls_flight_state)flight.state;
}

static bool leaf_is(const struct out *leaf)
{
    return flight.leaf.len == leaf->len && memcmp(flight.leaf.ptr, leaf->b, leaf->len) == 0;
}

static struct out said, wire, leaf, second;

static void begin(void)
{
    said.len = wire.len = leaf.len = second.len = 0;
}

static void test_clear(void)
{
    static const size_t sizes[] = { 0x4000, 1000, 64, 3, 1 }, steps[] = { 40000, 1400, 7, 1 };
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned j = 0; j < 4; j++) {
            begin();
            leaf_of(&leaf, 1500);
            certificate(&second, RSA_SHA256, sizeof(RSA_SHA256) - 1, 900);
            hello(&said, 0x0303, 0);
            chain(&said, false, &leaf, &second);
            message(&said, 12, 300);
            message(&said, 14, 0);
            records(&wire, 22, &said, sizes[i]);
            CHECK_INT(run(&wire, steps[j]), TLS_FLIGHT_LEAF);
            CHECK(leaf_is(&leaf));
        }
    }
    /* Without the last byte of the leaf it is not there yet. */
    begin();
    leaf_of(&leaf, 300);
    hello(&said, 0x0301, 0);
    chain(&said, false, &leaf, NULL);
    records(&wire, 22, &said, 0x4000);
    wire.len--;
    CHECK_INT(run(&wire, 40000), TLS_FLIGHT_CLEAR);
    wire.len++;
    CHECK_INT(run(&wire, 40000), TLS_FLIGHT_LEAF);
    /* The longest leaf. */
    begin();
    leaf_of(&leaf, TLS_CERT_MAX - 4 - 4 - 15 - 6);
    CHECK_INT(leaf.len, TLS_CERT_MAX);
    hello(&said, 0x0303, 0);
    chain(&said, false, &leaf, NULL);
    records(&wire, 22, &said, 0x4000);
    CHECK_INT(run(&wire, 40000), TLS_FLIGHT_LEAF);
    begin();
    leaf_of(&leaf, TLS_CERT_MAX - 4 - 4 - 15 - 6 + 1);
    hello(&said, 0x0303, 0);
    chain(&said, false, &leaf, NULL);
    records(&wire, 22, &said, 0x4000);
    CHECK_INT(run(&wire, 40000), TLS_FLIGHT_NONE);
    /* Extensions of TLS 1.2, supplemental data (RFC 4680) before the certificate. */
    begin();
    leaf_of(&leaf, 300);
    hello(&said, 0x0303, 0x0303);
    message(&said, 23, 1000);
    chain(&said, false, &leaf, NULL);
    records(&wire, 22, &said, 500);
    CHECK_INT(run(&wire, 100), TLS_FLIGHT_LEAF);
    CHECK(leaf_is(&leaf));
}

static void test_sealed(void)
{
    static const size_t steps[] = { 40000, 900, 5, 1 };
    for (unsigned j = 0; j < 4; j++) {
        begin();
        hello(&said, 0x0303, 0x0304);
        records(&wire, 22, &said, 50);
        put(&wire, "\x14\3\3\0\1\1\x17\3\3\0\2xx", 13);
        CHECK_INT(run(&wire, steps[j]), TLS_FLIGHT_SEALED);
        begin();
        leaf_of(&leaf, 1200);
        certificate(&second, RSA_SHA256, sizeof(RSA_SHA256) - 1, 900);
        message(&said, 8, 20);
        message(&said, 13, 0);
        chain(&said, true, &leaf, &second);
        message(&said, 15, 260);
        CHECK_INT(run_sealed(&said, steps[j]), TLS_FLIGHT_LEAF);
        CHECK(leaf_is(&leaf));
    }
    /* Nothing is taken from a record before the version is known, nor from one after the leaf. */
    memset(&flight, 0, sizeof(flight));
    CHECK_INT(run_sealed(&said, 40000), TLS_FLIGHT_CLEAR);
    /* Resumed: EncryptedExtensions, Finished. Compressed (RFC 8879). A context: that of a client. */
    for (unsigned kind = 0; kind < 3; kind++) {
        begin();
        hello(&said, 0x0303, 0x0304);
        records(&wire, 22, &said, 0x4000);
        CHECK_INT(run(&wire, 40000), TLS_FLIGHT_SEALED);
        begin();
        leaf_of(&leaf, 300);
        message(&said, 8, 2);
        if (kind < 2) {
            message(&said, kind ? 25 : 20, 32);
        } else {
            size_t at = said.len;
            chain(&said, true, &leaf, NULL);
            said.b[at + 4] = 1;
        }
        CHECK_INT(run_sealed(&said, 40000), TLS_FLIGHT_NONE);
    }
}

/* What shows no certificate. */
static void test_none(void)
{
    static const unsigned types[] = { 12, 14, 4, 20, 1, 2, 13, 16, 255 };
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        begin();
        hello(&said, 0x0303, 0);
        message(&said, types[i], 10);
        records(&wire, 22, &said, 0x4000);
        CHECK_INT(run(&wire, 40000), TLS_FLIGHT_NONE);
    }
    /* ChangeCipherSpec, an alert, data or nothing of TLS behind the ServerHello. */
    for (unsigned type = 20; type < 25; type++) {
        begin();
        hello(&said, 0x0303, 0);
        records(&wire, 22, &said, 0x4000);
        put_be(&wire, type, 1);
        put(&wire, "\3\3\0\1\1", 5);
        CHECK_INT(run(&wire, 40000), type == 22 ? TLS_FLIGHT_CLEAR : TLS_FLIGHT_NONE);
    }
    /* A ClientHello, an empty or an endless record, another version. */
    static const char *const starts[] = { "\x16\3\1\0\4\1\0\0\0", "\x16\3\3\0\0", "\x16\3\3\xFF\xFF\2",
                                          "\x16\2\3\0\4\2",       "HTTP/1.1 200", "\x16\3\3\0\4\2\0\0\0" };
    static const size_t lengths[] = { 9, 5, 6, 6, 12, 9 };
    for (unsigned i = 0; i < 6; i++) {
        begin();
        put(&wire, starts[i], lengths[i]);
        CHECK_INT(run(&wire, 40000), TLS_FLIGHT_NONE);
        CHECK_INT(run(&wire, 1), TLS_FLIGHT_NONE);
    }
    /* The longest record, and one byte more. */
    begin();
    put(&wire, "\x16\3\3\x48\0\2", 6);
    CHECK_INT(run(&wire, 40000), TLS_FLIGHT_CLEAR);
    wire.b[4] = 1;
    CHECK_INT(run(&wire, 40000), TLS_FLIGHT_NONE);
    /* Lengths that lie, by one more or less: of the message, the list, the leaf, the certificate; an empty list. */
    for (unsigned i = 0; i < 8; i++) {
        static const unsigned places[] = { 3, 6, 9, 13 };
        begin();
        leaf_of(&leaf, 300);
        size_t at = 0;
        hello(&said, 0x0303, 0);
        at = said.len;
        chain(&said, false, &leaf, NULL);
        said.b[at + places[i / 2]] = (uint8_t)(said.b[at + places[i / 2]] + (i & 1 ? 1 : -1));
        message(&said, 14, 0);
        message(&said, 14, 0);
        records(&wire, 22, &said, 0x4000);
        CHECK_INT(run(&wire, 40000), TLS_FLIGHT_NONE);
    }
    begin();
    hello(&said, 0x0303, 0);
    put(&said, "\x0B\0\0\3\0\0\0", 7);
    records(&wire, 22, &said, 0x4000);
    CHECK_INT(run(&wire, 40000), TLS_FLIGHT_NONE);
    /* A raw public key (RFC 7250) is no certificate. */
    begin();
    leaf_of(&leaf, 20);
    leaf.b[1] = 20;
    leaf.len = 22;
    hello(&said, 0x0303, 0);
    chain(&said, false, &leaf, NULL);
    records(&wire, 22, &said, 0x4000);
    CHECK_INT(run(&wire, 40000), TLS_FLIGHT_NONE);
    /* A ServerHello with extensions beyond its end, cut in its session id, of another protocol. */
    for (unsigned kind = 0; kind < 4; kind++) {
        static const unsigned places[] = { 4 + 2 + 32 + 1 + 4 + 3 + 1, 4 + 2 + 32, 4, 4 + 2 + 32 + 1 + 4 + 3 + 2 + 3 };
        begin();
        leaf_of(&leaf, 300);
        hello(&said, 0x0303, 0x0303);
        said.b[places[kind]] = (uint8_t)(said.b[places[kind]] + 60);
        chain(&said, false, &leaf, NULL);
        records(&wire, 22, &said, 0x4000);
        CHECK_INT(run(&wire, 40000), TLS_FLIGHT_NONE);
    }
}

static void test_begins(void)
{
    static const uint8_t start[] = { 22, 3, 3, 0, 90, 2 };
    for (size_t len = 1; len <= sizeof(start); len++) {
        CHECK(tls_flight_begins(start, len));
    }
    static const uint8_t other[] = { 22, 3, 3, 0, 90, 1 };
    CHECK(tls_flight_begins(other, 5)); /* what follows is not there yet */
    CHECK(!tls_flight_begins(other, 6));
    CHECK(!tls_flight_begins(start, 0));
    CHECK(!tls_flight_begins((const uint8_t *)"\x16\3\1\0\x5A\1", 6));
    CHECK(!tls_flight_begins((const uint8_t *)"\x16\4", 2));
    CHECK(!tls_flight_begins((const uint8_t *)"\x17\3\3\0\x5A\2", 6));
    CHECK(!tls_flight_begins((const uint8_t *)"HTTP/1", 6));
}

/* RFC 5929 4.1 by signatureAlgorithm: RFC 8017 A.2, RFC 5758, RFC 4055, RFC 8410. */
static void test_hash(void)
{
    static const struct {
        const char *algorithm;
        size_t len;
        enum cert_hash hash;
    } rows[] = {
#define ROW(text, hash) { text, sizeof(text) - 1, hash }
        ROW("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x04\x05\0", CERT_HASH_SHA256),
        ROW("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x05\x05\0", CERT_HASH_SHA256),
        ROW(RSA_SHA256, CERT_HASH_SHA256),
        ROW("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0C\x05\0", CERT_HASH_SHA384),
        ROW("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0D\x05\0", CERT_HASH_SHA512),
        ROW("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0E\x05\0", CERT_HASH_NONE), /* SHA-224 */
        ROW("\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x02", CERT_HASH_SHA256),
        ROW("\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x03", CERT_HASH_SHA384),
        ROW("\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x04", CERT_HASH_SHA512),
        ROW("\x06\x07\x2A\x86\x48\xCE\x3D\x04\x01", CERT_HASH_SHA256),
        ROW("\x06\x05\x2B\x0E\x03\x02\x1D", CERT_HASH_SHA256),         /* SHA-1 (OIW) */
        ROW("\x06\x07\x2A\x86\x48\xCE\x38\x04\x03", CERT_HASH_SHA256), /* DSA: SHA-1, SHA-256 */
        ROW("\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03\x02", CERT_HASH_SHA256),
        ROW("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A\x30\x0B\xA0\x09\x30\x07\x06\x05\x2B\x0E\x03\x02\x1A",
            CERT_HASH_SHA256),
        ROW("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A\x30\x0F\xA0\x0D\x30\x0B\x06\x09\x60\x86\x48\x01\x65\x03"
            "\x04\x02\x01",
            CERT_HASH_SHA256),
        ROW("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A\x30\x0F\xA0\x0D\x30\x0B\x06\x09\x60\x86\x48\x01\x65\x03"
            "\x04\x02\x03",
            CERT_HASH_SHA512),
        ROW("\x06\x03\x2B\x65\x70", CERT_HASH_NONE),                                 /* Ed25519 */
        ROW("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A\x30\0", CERT_HASH_SHA256), /* PSS, SHA-1 by default */
        ROW("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A\x30\x11\xA0\x0F\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03"
            "\x04\x02\x02\x05\0",
            CERT_HASH_SHA384),
        ROW("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A\x30\x11\xA0\x0F\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03"
            "\x04\x02\x04\x05\0",
            CERT_HASH_NONE),
        ROW("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A", CERT_HASH_NONE),
        ROW("\x06\x09\x2A\x86", CERT_HASH_NONE),
        ROW("", CERT_HASH_NONE)
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum cert_hash hash = CERT_HASH_SHA512;
        leaf.len = 0;
        certificate(&leaf, rows[i].algorithm, rows[i].len, 700);
        CHECK(cert_examine((struct span){ leaf.b, leaf.len }, &hash));
        CHECK_INT(hash, rows[i].hash);
        CHECK(!cert_examine((struct span){ leaf.b, leaf.len - 1 }, &hash));
        CHECK(!cert_examine((struct span){ leaf.b, leaf.len + 1 }, &hash));
        CHECK_INT(hash, CERT_HASH_NONE);
        /* Every byte of the frame around the filling changed. */
        transcript_fold();
        for (size_t at = 0; at < leaf.len; at = at == 40 ? leaf.len - 60 : at + 1) {
            static const uint8_t flip[] = { 0x01, 0x02, 0x04, 0x40, 0x80, 0xFF };
            for (size_t k = 0; k < sizeof(flip); k++) {
                leaf.b[at] ^= flip[k];
                bool good = cert_examine((struct span){ leaf.b, leaf.len }, &hash);
                transcript("%zu %zu: %d %d", at, k, good, (int)hash);
                leaf.b[at] ^= flip[k];
            }
        }
        transcript_unfold("leaf");
    }
    /* Lengths in every form of DER, and in those that are none (X.690 8.1.3, 10.1). */
    static const struct {
        const char *bytes;
        size_t len;
        bool good;
    } lengths[] = {
#define LENGTH(head, good) { head "\x30\0\x30\0\x03\0", sizeof(head) - 1 + 6, good }
        LENGTH("\x30\x06", true),         LENGTH("\x30\x81\x06", true),        LENGTH("\x30\x82\0\x06", true),
        LENGTH("\x30\x83\0\0\x06", true), LENGTH("\x30\x84\0\0\0\x06", false), LENGTH("\x30\x80", false),
        LENGTH("\x30\x05", false),        LENGTH("\x30\x07", false),           LENGTH("\x31\x06", false),
        LENGTH("\x30\x81\x05", false),    LENGTH("\x30\x83\x01\0\x06", false), LENGTH("\x30\xFF\x06", false)
    };
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        enum cert_hash hash;
        CHECK_INT(cert_examine((struct span){ (const uint8_t *)lengths[i].bytes, lengths[i].len }, &hash),
                  lengths[i].good);
        for (size_t len = 0; len < lengths[i].len; len++) {
            uint8_t *exact = malloc(len + 1);
            memcpy(exact, lengths[i].bytes, len);
            CHECK(!cert_examine((struct span){ exact, len }, &hash));
            free(exact);
        }
    }
}

/* Flights with one byte changed, in several cuts: what state they end in. */
static void test_damaged(void)
{
    static const size_t steps[] = { 40000, 7 };
    begin();
    leaf_of(&leaf, 60);
    hello(&said, 0x0303, 0x0303);
    chain(&said, false, &leaf, NULL);
    message(&said, 14, 0);
    records(&wire, 22, &said, 100);
    for (unsigned chosen = 0; chosen < 2; chosen++) {
        if (chosen) {
            begin();
            leaf_of(&leaf, 60);
            hello(&said, 0x0303, 0x0304);
            records(&wire, 22, &said, 100);
            said.len = 0;
            message(&said, 8, 2);
            chain(&said, true, &leaf, NULL);
        }
        transcript_fold();
        for (size_t at = 0; at < wire.len; at++) {
            static const uint8_t flip[] = { 0x01, 0x02, 0x08, 0x80, 0xFF };
            for (size_t k = 0; k < sizeof(flip) * 2; k++) {
                wire.b[at] ^= flip[k / 2];
                enum tls_flight_state state = run(&wire, steps[k % 2]);
                transcript("%zu %zu: %d leaf %zu", at, k, (int)state, state == TLS_FLIGHT_LEAF ? flight.leaf.len : 0);
                wire.b[at] ^= flip[k / 2];
            }
        }
        for (size_t at = 0; chosen && at < said.len; at++) {
            static const uint8_t flip[] = { 0x01, 0x02, 0x08, 0x80, 0xFF };
            for (size_t k = 0; k < sizeof(flip) * 2; k++) {
                said.b[at] ^= flip[k / 2];
                run(&wire, 40000);
                enum tls_flight_state state = run_sealed(&said, steps[k % 2]);
                transcript("%zu %zu: %d leaf %zu", at, k, (int)state, state == TLS_FLIGHT_LEAF ? flight.leaf.len : 0);
                said.b[at] ^= flip[k / 2];
            }
        }
        transcript_unfold(chosen ? "sealed" : "clear");
    }
}

static void test_bindings(void)
{
    uint8_t hash[64], out[BINDINGS_INPUT_MAX];
    memset(hash, 0xAB, sizeof(hash));
    for (size_t len = 32; len <= 64; len += 16) {
        static const uint8_t zero[16];
        memset(out, 0xEE, sizeof(out));
        CHECK_INT(bindings_input(hash, len, out), 20 + 21 + len);
        CHECK(memcmp(out, zero, 16) == 0);
        CHECK_INT(get_le32(out + 16), 21 + len);
        CHECK(memcmp(out + 20, "tls-server-end-point:", 21) == 0);
        CHECK(memcmp(out + 41, hash, len) == 0);
        CHECK_INT(out[41 + len], 0xEE);
    }
}

int main(void)
{
    test_clear();
    test_sealed();
    test_none();
    test_begins();
    test_hash();
    test_bindings();
    test_damaged();
    transcript_end(__FILE__);
    return unit_end();
}
