/* test_authtoken.c
 * Credentials and challenges. The NTLM messages are the examples of MS-NLMP 4.2; what
 * wraps them is written down from RFC 4178 4.2 and RFC 4121 4.1.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "base64.h"
#include "credentials.h"
#include "transcript.h"
#include "unit.h"

#include <stdlib.h>

/* MS-NLMP 4.2.2.3 (NTLMv1), 4.2.3.3 (with a client challenge), 4.2.4.3 (NTLMv2) */
static const uint8_t v1_challenge[] = { 0x4e, 0x54, 0x4c, 0x4d, 0x53, 0x53, 0x50, 0x00, 0x02, 0x00, 0x00, 0x00,
                                        0x0c, 0x00, 0x0c, 0x00, 0x38, 0x00, 0x00, 0x00, 0x33, 0x82, 0x02, 0xe2,
                                        0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x00, 0x00, 0x00, 0x00,
                                        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                        0x06, 0x00, 0x70, 0x17, 0x00, 0x00, 0x00, 0x0f, 0x53, 0x00, 0x65, 0x00,
                                        0x72, 0x00, 0x76, 0x00, 0x65, 0x00, 0x72, 0x00 };

static const uint8_t v1_authenticate[] = {
    0x4e, 0x54, 0x4c, 0x4d, 0x53, 0x53, 0x50, 0x00, 0x03, 0x00, 0x00, 0x00, 0x18, 0x00, 0x18, 0x00, 0x6c, 0x00,
    0x00, 0x00, 0x18, 0x00, 0x18, 0x00, 0x84, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x0c, 0x00, 0x48, 0x00, 0x00, 0x00,
    0x08, 0x00, 0x08, 0x00, 0x54, 0x00, 0x00, 0x00, 0x10, 0x00, 0x10, 0x00, 0x5c, 0x00, 0x00, 0x00, 0x10, 0x00,
    0x10, 0x00, 0x9c, 0x00, 0x00, 0x00, 0x35, 0x82, 0x80, 0xe2, 0x05, 0x01, 0x28, 0x0a, 0x00, 0x00, 0x00, 0x0f,
    0x44, 0x00, 0x6f, 0x00, 0x6d, 0x00, 0x61, 0x00, 0x69, 0x00, 0x6e, 0x00, 0x55, 0x00, 0x73, 0x00, 0x65, 0x00,
    0x72, 0x00, 0x43, 0x00, 0x4f, 0x00, 0x4d, 0x00, 0x50, 0x00, 0x55, 0x00, 0x54, 0x00, 0x45, 0x00, 0x52, 0x00,
    0x98, 0xde, 0xf7, 0xb8, 0x7f, 0x88, 0xaa, 0x5d, 0xaf, 0xe2, 0xdf, 0x77, 0x96, 0x88, 0xa1, 0x72, 0xde, 0xf1,
    0x1c, 0x7d, 0x5c, 0xcd, 0xef, 0x13, 0x67, 0xc4, 0x30, 0x11, 0xf3, 0x02, 0x98, 0xa2, 0xad, 0x35, 0xec, 0xe6,
    0x4f, 0x16, 0x33, 0x1c, 0x44, 0xbd, 0xbe, 0xd9, 0x27, 0x84, 0x1f, 0x94, 0x51, 0x88, 0x22, 0xb1, 0xb3, 0xf3,
    0x50, 0xc8, 0x95, 0x86, 0x82, 0xec, 0xbb, 0x3e, 0x3c, 0xb7
};

static const uint8_t v1c_challenge[] = { 0x4e, 0x54, 0x4c, 0x4d, 0x53, 0x53, 0x50, 0x00, 0x02, 0x00, 0x00, 0x00,
                                         0x0c, 0x00, 0x0c, 0x00, 0x38, 0x00, 0x00, 0x00, 0x33, 0x82, 0x0a, 0x82,
                                         0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x00, 0x00, 0x00, 0x00,
                                         0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                         0x06, 0x00, 0x70, 0x17, 0x00, 0x00, 0x00, 0x0f, 0x53, 0x00, 0x65, 0x00,
                                         0x72, 0x00, 0x76, 0x00, 0x65, 0x00, 0x72, 0x00 };

static const uint8_t v1c_authenticate[] = {
    0x4e, 0x54, 0x4c, 0x4d, 0x53, 0x53, 0x50, 0x00, 0x03, 0x00, 0x00, 0x00, 0x18, 0x00, 0x18, 0x00, 0x6c, 0x00,
    0x00, 0x00, 0x18, 0x00, 0x18, 0x00, 0x84, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x0c, 0x00, 0x48, 0x00, 0x00, 0x00,
    0x08, 0x00, 0x08, 0x00, 0x54, 0x00, 0x00, 0x00, 0x10, 0x00, 0x10, 0x00, 0x5c, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x9c, 0x00, 0x00, 0x00, 0x35, 0x82, 0x08, 0x82, 0x05, 0x01, 0x28, 0x0a, 0x00, 0x00, 0x00, 0x0f,
    0x44, 0x00, 0x6f, 0x00, 0x6d, 0x00, 0x61, 0x00, 0x69, 0x00, 0x6e, 0x00, 0x55, 0x00, 0x73, 0x00, 0x65, 0x00,
    0x72, 0x00, 0x43, 0x00, 0x4f, 0x00, 0x4d, 0x00, 0x50, 0x00, 0x55, 0x00, 0x54, 0x00, 0x45, 0x00, 0x52, 0x00,
    0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x75, 0x37, 0xf8, 0x03, 0xae, 0x36, 0x71, 0x28, 0xca, 0x45, 0x82, 0x04,
    0xbd, 0xe7, 0xca, 0xf8, 0x1e, 0x97, 0xed, 0x26, 0x83, 0x26, 0x72, 0x32
};

static const uint8_t v2_challenge[] = { 0x4e, 0x54, 0x4c, 0x4d, 0x53, 0x53, 0x50, 0x00, 0x02, 0x00, 0x00, 0x00, 0x0c,
                                        0x00, 0x0c, 0x00, 0x38, 0x00, 0x00, 0x00, 0x33, 0x82, 0x8a, 0xe2, 0x01, 0x23,
                                        0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                        0x00, 0x24, 0x00, 0x24, 0x00, 0x44, 0x00, 0x00, 0x00, 0x06, 0x00, 0x70, 0x17,
                                        0x00, 0x00, 0x00, 0x0f, 0x53, 0x00, 0x65, 0x00, 0x72, 0x00, 0x76, 0x00, 0x65,
                                        0x00, 0x72, 0x00, 0x02, 0x00, 0x0c, 0x00, 0x44, 0x00, 0x6f, 0x00, 0x6d, 0x00,
                                        0x61, 0x00, 0x69, 0x00, 0x6e, 0x00, 0x01, 0x00, 0x0c, 0x00, 0x53, 0x00, 0x65,
                                        0x00, 0x72, 0x00, 0x76, 0x00, 0x65, 0x00, 0x72, 0x00, 0x00, 0x00, 0x00, 0x00 };

static const uint8_t v2_authenticate[] = {
    0x4e, 0x54, 0x4c, 0x4d, 0x53, 0x53, 0x50, 0x00, 0x03, 0x00, 0x00, 0x00, 0x18, 0x00, 0x18, 0x00, 0x6c, 0x00,
    0x00, 0x00, 0x54, 0x00, 0x54, 0x00, 0x84, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x0c, 0x00, 0x48, 0x00, 0x00, 0x00,
    0x08, 0x00, 0x08, 0x00, 0x54, 0x00, 0x00, 0x00, 0x10, 0x00, 0x10, 0x00, 0x5c, 0x00, 0x00, 0x00, 0x10, 0x00,
    0x10, 0x00, 0xd8, 0x00, 0x00, 0x00, 0x35, 0x82, 0x88, 0xe2, 0x05, 0x01, 0x28, 0x0a, 0x00, 0x00, 0x00, 0x0f,
    0x44, 0x00, 0x6f, 0x00, 0x6d, 0x00, 0x61, 0x00, 0x69, 0x00, 0x6e, 0x00, 0x55, 0x00, 0x73, 0x00, 0x65, 0x00,
    0x72, 0x00, 0x43, 0x00, 0x4f, 0x00, 0x4d, 0x00, 0x50, 0x00, 0x55, 0x00, 0x54, 0x00, 0x45, 0x00, 0x52, 0x00,
    0x86, 0xc3, 0x50, 0x97, 0xac, 0x9c, 0xec, 0x10, 0x25, 0x54, 0x76, 0x4a, 0x57, 0xcc, 0xcc, 0x19, 0xaa, 0xaa,
    0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0x68, 0xcd, 0x0a, 0xb8, 0x51, 0xe5, 0x1c, 0x96, 0xaa, 0xbc, 0x92, 0x7b,
    0xeb, 0xef, 0x6a, 0x1c, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x0c, 0x00,
    0x44, 0x00, 0x6f, 0x00, 0x6d, 0x00, 0x61, 0x00, 0x69, 0x00, 0x6e, 0x00, 0x01, 0x00, 0x0c, 0x00, 0x53, 0x00,
    0x65, 0x00, 0x72, 0x00, 0x76, 0x00, 0x65, 0x00, 0x72, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0xc5, 0xda, 0xd2, 0x54, 0x4f, 0xc9, 0x79, 0x90, 0x94, 0xce, 0x1c, 0xe9, 0x0b, 0xc9, 0xd0, 0x3e
};

/* ---- building ---- */

struct bytes {
    uint8_t data[4096];
    size_t len;
};

static void add(struct bytes *b, const void *data, size_t len)
{
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

static void add16(struct bytes *b, unsigned value)
{
    uint8_t data[2] = { (uint8_t)value, (uint8_t)(value >> 8) };
    add(b, data, 2);
}

static void add_wide(struct bytes *b, const char *text)
{
    for (; *text; text++) {
        add16(b, (uint8_t)*text);
    }
}

static struct bytes bytes_of(const void *data, size_t len)
{
    struct bytes b = { .len = 0 };
    add(&b, data, len);
    return b;
}

#define BYTES(array) bytes_of(array, sizeof(array))

/* An element of DER around inner. */
static struct bytes der(uint8_t tag, struct bytes inner)
{
    struct bytes b = { .len = 0 };
    add(&b, &tag, 1);
    if (inner.len < 0x80) {
        uint8_t len = (uint8_t)inner.len;
        add(&b, &len, 1);
    } else {
        uint8_t len[3] = { 0x82, (uint8_t)(inner.len >> 8), (uint8_t)inner.len };
        add(&b, len, 3);
    }
    add(&b, inner.data, inner.len);
    return b;
}

static struct bytes join(struct bytes a, struct bytes b)
{
    add(&a, b.data, b.len);
    return a;
}

static const uint8_t spnego_oid[] = { 0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02 };
static const uint8_t krb5_oid[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02 };
static const uint8_t ms_krb5_oid[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02 };
static const uint8_t ntlm_oid[] = { 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a };

/* NegTokenInit that lists MS Kerberos, Kerberos and NTLM and carries mechToken (none if
 * empty). */
static struct bytes neg_init(struct bytes token)
{
    struct bytes list = join(join(BYTES(ms_krb5_oid), BYTES(krb5_oid)), BYTES(ntlm_oid));
    struct bytes fields = der(0xA0, der(0x30, list));
    if (token.len > 0) {
        fields = join(fields, der(0xA2, der(0x04, token)));
    }
    return der(0x60, join(BYTES(spnego_oid), der(0xA0, der(0x30, fields))));
}

/* NegTokenResp: negState, supportedMech, responseToken (none if empty). */
static struct bytes neg_resp(uint8_t state, struct bytes mech, struct bytes token)
{
    struct bytes fields = der(0xA0, der(0x0A, bytes_of(&state, 1)));
    fields = join(fields, der(0xA1, mech));
    if (token.len > 0) {
        fields = join(fields, der(0xA2, der(0x04, token)));
    }
    return der(0xA1, der(0x30, fields));
}

/* A Kerberos token as GSS-API frames it: TOK_ID, then the message. */
static struct bytes gss_krb5(uint8_t id, const uint8_t *oid, size_t oid_len)
{
    uint8_t body[] = { id, 0x00, (uint8_t)(id == 2 ? 0x6F : 0x6E), 0x03, 0x30, 0x01, 0x00 };
    return der(0x60, join(bytes_of(oid, oid_len), BYTES(body)));
}

static char text[9000];

static const char *encode_as(const char *scheme, struct bytes b, const char *digits, bool pad)
{
    size_t n = (size_t)snprintf(text, sizeof(text), "%s%s", scheme, scheme[0] ? " " : "");
    for (size_t i = 0; i < b.len; i += 3) {
        uint32_t bits = (uint32_t)b.data[i] << 16;
        bits |= i + 1 < b.len ? (uint32_t)b.data[i + 1] << 8 : 0;
        bits |= i + 2 < b.len ? b.data[i + 2] : 0;
        text[n++] = digits[bits >> 18];
        text[n++] = digits[bits >> 12 & 63];
        if (i + 1 < b.len || pad) {
            text[n++] = i + 1 < b.len ? digits[bits >> 6 & 63] : '=';
        }
        if (i + 2 < b.len || pad) {
            text[n++] = i + 2 < b.len ? digits[bits & 63] : '=';
        }
    }
    text[n] = '\0';
    return text;
}

static const char *encode(const char *scheme, struct bytes b)
{
    return encode_as(scheme, b, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}

static void note_token(const char *value, const struct auth_token *token)
{
    const struct ntlm_target *target = &token->target;
    transcript_aside(
        "%.60s: scheme %d step %d%s%s%s%s%s%s bindings %d %02x%02x state %d user '%s' at '%s' service '%s' digest %llx",
        value, (int)token->scheme, (int)token->step, token->is_ntlm ? " ntlm" : "",
        token->is_kerberos ? " kerberos" : "", token->in_spnego ? " spnego" : "", token->final ? " final" : "",
        token->anonymous ? " anonymous" : "", token->ntlmv2 ? " v2" : "", token->has_channel_bindings,
        token->channel_bindings[0], token->channel_bindings[15], token->neg_state, token->user, token->workstation,
        token->service, (unsigned long long)token->digest);
    if (target->present) {
        transcript_aside("    target '%s' '%s' '%s' time %d %llu", target->nb_computer, target->dns_computer,
                         target->nb_domain, target->has_timestamp, (unsigned long long)target->timestamp);
    }
}

static const struct hash_key secret = { { 1, 2 } };

/* The same value damaged at many places in several ways, and cut. */
static void note_damaged(const char *value)
{
    static const char put[] = "A/ =,\"\x80";
    struct auth_token token;
    size_t len = strlen(value);
    for (size_t i = 0; i < len && len <= 1200; i += 1 + len / 12) {
        uint8_t *copy = malloc(len);
        for (size_t k = 0; k < sizeof(put) - 1; k++) {
            memcpy(copy, value, len);
            copy[i] = (uint8_t)put[k];
            auth_token_decode((struct span){ copy, len }, &secret, &token);
            note_token("", &token);
            transcript_aside("%x", auth_schemes_offered((struct span){ copy, len }));
        }
        free(copy);
        copy = malloc(i + 1);
        memcpy(copy, value, i);
        auth_token_decode((struct span){ copy, i }, &secret, &token);
        note_token("", &token);
        free(copy);
    }
}

static struct auth_token decode(const char *value)
{
    struct auth_token token;
    size_t len = strlen(value);
    char what[80];
    /* A copy of its own, so that a sanitizer sees a read past the end. */
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, value, len);
    auth_token_decode((struct span){ copy, len }, &secret, &token);
    free(copy);
    note_token(value, &token);
    note_damaged(value);
    snprintf(what, sizeof(what), "%.40s of %zu", value, len);
    transcript_asides(what);
    return token;
}

/* ---- MS-NLMP 4.2 ---- */

static void test_published_messages(void)
{
    struct auth_token t = decode(encode("NTLM", BYTES(v1_challenge)));
    CHECK_INT(t.scheme, AUTH_NTLM);
    CHECK_INT(t.step, AUTH_STEP_TYPE2);
    CHECK(t.is_ntlm && !t.is_kerberos && !t.in_spnego && !t.final);
    CHECK(!t.target.present);

    static const struct {
        const uint8_t *data;
        size_t len;
        bool v2;
    } answers[] = { { v1_authenticate, sizeof(v1_authenticate), false },
                    { v1c_authenticate, sizeof(v1c_authenticate), false },
                    { v2_authenticate, sizeof(v2_authenticate), true } };
    for (size_t i = 0; i < 3; i++) {
        t = decode(encode("NTLM", bytes_of(answers[i].data, answers[i].len)));
        CHECK_INT(t.step, AUTH_STEP_TYPE3);
        CHECK_STR(t.user, "Domain\\User");
        CHECK_STR(t.workstation, "COMPUTER");
        CHECK(t.final && !t.anonymous);
        CHECK_INT(t.ntlmv2, answers[i].v2);
        CHECK_INT(t.target.present, answers[i].v2);
        CHECK(!t.has_channel_bindings);
    }

    struct auth_token challenge = decode(encode("NTLM", BYTES(v2_challenge)));
    CHECK_INT(challenge.step, AUTH_STEP_TYPE2);
    CHECK(challenge.target.present && !challenge.target.has_timestamp);
    CHECK_STR(challenge.target.nb_computer, "Server");
    CHECK_STR(challenge.target.nb_domain, "Domain");
    CHECK_STR(challenge.target.dns_computer, "");
    CHECK_STR(t.target.nb_computer, "Server");
    CHECK(t.target.names_digest == challenge.target.names_digest);
    challenge = decode(encode("NTLM", BYTES(v1c_challenge)));
    CHECK_INT(challenge.step, AUTH_STEP_TYPE2);
}

/* ---- a challenge and its answer, as Windows sends them ---- */

static void add_av(struct bytes *b, unsigned id, const void *value, size_t len)
{
    add16(b, id);
    add16(b, (unsigned)len);
    add(b, value, len);
}

static void add_av_name(struct bytes *b, unsigned id, const char *name)
{
    add16(b, id);
    add16(b, (unsigned)strlen(name) * 2);
    add_wide(b, name);
}

static const uint8_t time1[8] = { 0x80, 0x5C, 0x31, 0xF2, 0x10, 0x4A, 0xDB, 0x01 };
static const uint8_t time2[8] = { 0x81, 0x5C, 0x31, 0xF2, 0x10, 0x4A, 0xDB, 0x01 };

static struct bytes target_info(const uint8_t time[8])
{
    struct bytes b = { .len = 0 };
    add_av_name(&b, 2, "EXAMPLE");
    add_av_name(&b, 1, "EX01");
    add_av_name(&b, 4, "example.test");
    add_av_name(&b, 3, "ex01.example.test");
    add_av_name(&b, 5, "example.test");
    add_av(&b, 7, time, 8);
    return b;
}

static struct bytes type2(struct bytes info)
{
    struct bytes b = { .len = 0 };
    static const uint8_t head[40] = { 'N', 'T', 'L', 'M', 'S',  'S',  'P',  0,    2, 0, 0, 0, 0, 0, 0, 0,
                                      56,  0,   0,   0,   0x15, 0x82, 0x8A, 0xE2, 1, 2, 3, 4, 5, 6, 7, 8 };
    add(&b, head, sizeof(head));
    info = join(info, bytes_of("\0\0\0", 4));
    add16(&b, (unsigned)info.len);
    add16(&b, (unsigned)info.len);
    add16(&b, 56);
    add16(&b, 0);
    add(&b, "\x0a\0\x63\x45\0\0\0\x0f", 8);
    return join(b, info);
}

static void field(struct bytes *b, size_t len, size_t *offset)
{
    add16(b, (unsigned)len);
    add16(b, (unsigned)len);
    add16(b, (unsigned)*offset);
    add16(b, 0);
    *offset += len;
}

static struct bytes type3(const char *domain, const char *user, struct bytes response)
{
    struct bytes b = { .len = 0 };
    size_t offset = 72;
    add(&b, "NTLMSSP\0\3\0\0", 12);
    field(&b, 0, &offset);
    field(&b, response.len, &offset);
    field(&b, strlen(domain) * 2, &offset);
    field(&b, strlen(user) * 2, &offset);
    field(&b, 8, &offset);
    field(&b, 0, &offset);
    add(&b, "\x15\x82\x88\xe2\x0a\0\x63\x45\0\0\0\x0f", 12);
    b = join(b, response);
    add_wide(&b, domain);
    add_wide(&b, user);
    add_wide(&b, "PC01");
    return b;
}

static struct bytes response_v2(struct bytes pairs)
{
    struct bytes b = { .len = 0 };
    uint8_t head[44] = { 0 };
    memset(head, 0xCC, 16);
    head[16] = head[17] = 1;
    add(&b, head, sizeof(head));
    b = join(b, pairs);
    add(&b, "\0\0\0\0\0\0\0", 8);
    return b;
}

static void test_target_information(void)
{
    struct auth_token first = decode(encode("NTLM", type2(target_info(time1))));
    struct auth_token second = decode(encode("NTLM", type2(target_info(time2))));
    CHECK_INT(first.step, AUTH_STEP_TYPE2);
    CHECK(first.target.present && first.target.has_timestamp);
    CHECK(first.target.timestamp == UINT64_C(0x01DB4A10F2315C80));
    CHECK_STR(first.target.nb_computer, "EX01");
    CHECK_STR(first.target.dns_computer, "ex01.example.test");
    CHECK_STR(first.target.nb_domain, "EXAMPLE");
    CHECK(first.target.names_digest != second.target.names_digest);

    /* What the client adds changes nothing; another order of the pairs neither. */
    struct bytes pairs = target_info(time1);
    add_av(&pairs, 6, "\2\0\0", 4);
    add_av(&pairs, 8, "0123456789012345678901234567890123456789012345678", 48);
    add_av(&pairs, 10, "\1\2\3\4\5\6\7\x08\1\2\3\4\5\6\7", 16);
    add_av_name(&pairs, 9, "HTTP/mail.example.test");
    struct auth_token answer = decode(encode("NTLM", type3("EXAMPLE", "alice", response_v2(pairs))));
    CHECK_INT(answer.step, AUTH_STEP_TYPE3);
    CHECK(answer.ntlmv2 && answer.has_channel_bindings && answer.final);
    CHECK_STR(answer.user, "EXAMPLE\\alice");
    CHECK_STR(answer.workstation, "PC01");
    CHECK(answer.target.timestamp == first.target.timestamp);
    CHECK_STR(answer.target.dns_computer, "ex01.example.test");
    CHECK(answer.target.names_digest == first.target.names_digest);

    struct bytes turned = { .len = 0 };
    add_av(&turned, 7, time1, 8);
    add_av_name(&turned, 5, "example.test");
    add_av_name(&turned, 3, "ex01.example.test");
    add_av_name(&turned, 4, "example.test");
    add_av_name(&turned, 1, "EX01");
    add_av_name(&turned, 2, "EXAMPLE");
    add_av(&turned, 10, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    answer = decode(encode("NTLM", type3("EXAMPLE", "alice", response_v2(turned))));
    CHECK(!answer.has_channel_bindings);
    CHECK(answer.target.names_digest == first.target.names_digest);

    /* A pair that says more than there is ends the list. */
    struct bytes broken = { .len = 0 };
    add_av_name(&broken, 1, "EX01");
    add16(&broken, 3);
    add16(&broken, 0xFFFF);
    answer = decode(encode("NTLM", type3("", "alice@example.test", response_v2(broken))));
    CHECK_STR(answer.user, "alice@example.test");
    CHECK_STR(answer.target.nb_computer, "EX01");
    CHECK_STR(answer.target.dns_computer, "");
    CHECK(answer.target.names_digest != first.target.names_digest);

    /* The last pair without an end of the list behind it. */
    struct bytes endless = type2(target_info(time1));
    endless.len -= 4;
    endless.data[40] = endless.data[42] = (uint8_t)(endless.data[40] - 4);
    answer = decode(encode("NTLM", endless));
    CHECK(answer.target.has_timestamp);
    CHECK(answer.target.names_digest == first.target.names_digest);

    /* No names at all. */
    answer = decode(encode("NTLM", type3("EXAMPLE", "alice", response_v2((struct bytes){ .len = 0 }))));
    CHECK(answer.ntlmv2 && !answer.target.present);

    /* NTLMv1, and a response whose type is none. */
    struct bytes v1 = { .len = 24 };
    answer = decode(encode("NTLM", type3("EXAMPLE", "alice", v1)));
    CHECK(!answer.ntlmv2 && !answer.target.present);
    CHECK_STR(answer.user, "EXAMPLE\\alice");
    struct bytes strange = response_v2(pairs);
    strange.data[17] = 2;
    answer = decode(encode("NTLM", type3("EXAMPLE", "alice", strange)));
    CHECK(!answer.ntlmv2 && !answer.target.present);

    answer = decode(encode("NTLM", type3("", "", (struct bytes){ .len = 0 })));
    CHECK_INT(answer.step, AUTH_STEP_TYPE3);
    CHECK(answer.anonymous && !answer.final);
    CHECK_STR(answer.user, "");
}

static void test_type1(void)
{
    struct bytes b = { .len = 0 };
    add(&b, "NTLMSSP\0\1\0\0\0\x07\x82\x08\xa2", 16);
    struct auth_token t = decode(encode("NTLM", b));
    CHECK_INT(t.step, AUTH_STEP_TYPE1);
    CHECK(!t.final && t.is_ntlm);
    CHECK_STR(t.workstation, "");
    add(&b, "\0\0\0\0\0\0\0\0\4\0\4\0\x20\0\0\0PC01", 20);
    t = decode(encode("Negotiate", b));
    CHECK_INT(t.step, AUTH_STEP_TYPE1);
    CHECK_INT(t.scheme, AUTH_NEGOTIATE);
    CHECK(t.is_ntlm && !t.in_spnego);
    CHECK_STR(t.workstation, "PC01");
}

/* ---- SPNEGO and Kerberos ---- */

static void test_spnego(void)
{
    static const struct bytes none = { .len = 0 };
    struct bytes t1 = { .len = 0 };
    add(&t1, "NTLMSSP\0\1\0\0\0\x07\x82\x08\xa2", 16);
    struct auth_token t = decode(encode("Negotiate", neg_init(t1)));
    CHECK_INT(t.step, AUTH_STEP_TYPE1);
    CHECK(t.in_spnego && t.is_ntlm && !t.is_kerberos);
    CHECK_INT(t.neg_state, -1);

    t = decode(encode("Negotiate", neg_resp(1, BYTES(ntlm_oid), type2(target_info(time1)))));
    CHECK_INT(t.step, AUTH_STEP_TYPE2);
    CHECK(t.in_spnego && t.is_ntlm);
    CHECK_INT(t.neg_state, 1);
    CHECK_STR(t.target.dns_computer, "ex01.example.test");

    struct bytes fields = der(0xA2, der(0x04, type3("EXAMPLE", "alice", response_v2(target_info(time1)))));
    struct auth_token answer = decode(encode("Negotiate", der(0xA1, der(0x30, fields))));
    CHECK_INT(answer.step, AUTH_STEP_TYPE3);
    CHECK_STR(answer.user, "EXAMPLE\\alice");
    CHECK(answer.target.names_digest == t.target.names_digest);
    CHECK(answer.final && answer.in_spnego);

    t = decode(encode("Negotiate", neg_resp(0, BYTES(ntlm_oid), none)));
    CHECK_INT(t.step, AUTH_STEP_TOKEN);
    CHECK_INT(t.neg_state, 0);
    CHECK(!t.is_ntlm && !t.is_kerberos && t.in_spnego && !t.final);
    t = decode(encode("Negotiate", neg_resp(2, BYTES(krb5_oid), none)));
    CHECK_INT(t.neg_state, 2);
    /* In the frame of a first token, too, it is what its tag says. */
    t = decode(encode("Negotiate", der(0x60, join(BYTES(spnego_oid), neg_resp(2, BYTES(krb5_oid), none)))));
    CHECK_INT(t.neg_state, 2);
    /* Mechanisms listed, none used. */
    t = decode(encode("Negotiate", neg_init(none)));
    CHECK_INT(t.step, AUTH_STEP_TOKEN);
    CHECK(!t.is_kerberos && !t.is_ntlm && t.in_spnego && !t.final);
}

static void test_kerberos(void)
{
    struct bytes request = gss_krb5(1, krb5_oid, sizeof(krb5_oid));
    struct auth_token t = decode(encode("Negotiate", request));
    CHECK_INT(t.step, AUTH_STEP_AP_REQ);
    CHECK(t.is_kerberos && t.final && !t.in_spnego && !t.is_ntlm);
    CHECK_STR(t.user, "");
    t = decode(encode("Negotiate", neg_init(request)));
    CHECK_INT(t.step, AUTH_STEP_AP_REQ);
    CHECK(t.is_kerberos && t.final && t.in_spnego);
    t = decode(encode("Negotiate", neg_init(gss_krb5(1, ms_krb5_oid, sizeof(ms_krb5_oid)))));
    CHECK_INT(t.step, AUTH_STEP_AP_REQ);
    t = decode(encode("Negotiate", neg_resp(0, BYTES(krb5_oid), gss_krb5(2, krb5_oid, sizeof(krb5_oid)))));
    CHECK_INT(t.step, AUTH_STEP_AP_REP);
    CHECK(t.is_kerberos && !t.final);
    CHECK_INT(t.neg_state, 0);
    /* KRB-ERROR */
    t = decode(encode("Negotiate", gss_krb5(3, krb5_oid, sizeof(krb5_oid))));
    CHECK_INT(t.step, AUTH_STEP_TOKEN);
    CHECK(t.is_kerberos && !t.final);
    CHECK_INT(t.krb_error, 0); /* what is in it cannot be read */
    /* Windows, to an AP-REQ that it cannot decrypt: "accept-incomplete", and no mechanism beside the error. */
    static const uint8_t modified[] = { 0x03, 0x00, 0x7E, 0x13, 0x30, 0x11, 0xA0, 0x03, 0x02, 0x01, 0x05, 0xA1,
                                        0x03, 0x02, 0x01, 0x1E, 0xA6, 0x03, 0x02, 0x01, 0x29, 0xA7, 0x00 };
    const struct bytes error = der(0x60, join(BYTES(krb5_oid), BYTES(modified)));
    t = decode(encode("Negotiate",
                      der(0xA1, der(0x30, join(der(0xA0, bytes_of("\x0A\x01\x01", 3)), der(0xA2, der(0x04, error)))))));
    CHECK_INT(t.step, AUTH_STEP_TOKEN);
    CHECK_INT(t.neg_state, 1);
    CHECK_INT(t.krb_error, KRB_MODIFIED);
    CHECK(t.is_kerberos && !t.final && t.in_spnego);
    t = decode(encode("Negotiate", bytes_of(modified + 2, sizeof(modified) - 2))); /* without a frame */
    CHECK_INT(t.krb_error, KRB_MODIFIED);
    CHECK_STR(auth_krb_error_name(KRB_SKEW), "KRB_AP_ERR_SKEW");
    CHECK(!auth_krb_error_name(0) && !auth_krb_error_name(43) && !auth_krb_error_name(255));
    /* Without a frame. */
    t = decode(encode("Negotiate", bytes_of("\x6E\x03\x30\x01\x00", 5)));
    CHECK_INT(t.step, AUTH_STEP_AP_REQ);
    t = decode(encode("Negotiate", bytes_of("\x6F\x03\x30\x01\x00", 5)));
    CHECK_INT(t.step, AUTH_STEP_AP_REP);
    /* A frame with nothing behind the identifier, and without even that. */
    t = decode(encode("Negotiate", der(0x60, join(BYTES(krb5_oid), bytes_of("\x01\x00", 2)))));
    CHECK_INT(t.step, AUTH_STEP_AP_REQ);
    t = decode(encode("Negotiate", der(0x60, join(BYTES(krb5_oid), bytes_of("\x01", 1)))));
    CHECK_INT(t.step, AUTH_STEP_TOKEN);
    CHECK(t.is_kerberos && !t.final);
    /* NegTokenInit without the frame that RFC 4178 3.2 asks for. */
    struct bytes fields = join(der(0xA0, der(0x30, BYTES(krb5_oid))), der(0xA2, der(0x04, request)));
    t = decode(encode("Negotiate", der(0xA0, der(0x30, fields))));
    CHECK_INT(t.step, AUTH_STEP_AP_REQ);
    CHECK(t.is_kerberos && t.in_spnego);
    /* NTLM carries no Kerberos. */
    t = decode(encode("NTLM", request));
    CHECK_INT(t.step, AUTH_STEP_TOKEN);
    CHECK(!t.is_kerberos && !t.final);
}

/* An AP-REQ (RFC 4120 5.5.1) with all that stands before the name of the service in its ticket (5.3). */
static struct bytes ap_req_for(struct bytes names)
{
    static const uint8_t version[] = { 0x02, 0x01, 0x05 }, kind[] = { 0x02, 0x01, 0x02 };
    const struct bytes number = BYTES(version);
    const struct bytes realm = der(0x1B, bytes_of("EXAMPLE.TEST", 12));
    const struct bytes name = der(0x30, join(der(0xA0, BYTES(kind)), der(0xA1, der(0x30, names))));
    const struct bytes part = join(join(der(0xA0, number), der(0xA1, realm)), der(0xA2, name));
    const struct bytes ticket = der(0x61, der(0x30, join(part, der(0xA3, der(0x30, BYTES(kind))))));
    const struct bytes fields = join(join(der(0xA0, number), der(0xA1, number)), der(0xA2, der(0x03, BYTES(kind))));
    const struct bytes request = der(0x6E, der(0x30, join(fields, der(0xA3, ticket))));
    return der(0x60, join(BYTES(krb5_oid), join(bytes_of("\x01\x00", 2), request)));
}

static void test_service(void)
{
    const struct bytes http = der(0x1B, bytes_of("HTTP", 4)), host = der(0x1B, bytes_of("mail.example.test", 17));
    struct auth_token t = decode(encode("Negotiate", ap_req_for(join(http, host))));
    CHECK_INT(t.step, AUTH_STEP_AP_REQ);
    CHECK_STR(t.service, "HTTP/mail.example.test");
    t = decode(encode("Negotiate", neg_init(ap_req_for(host))));
    CHECK_STR(t.service, "mail.example.test");
    /* Strings of another type end it. */
    t = decode(encode("Negotiate", ap_req_for(join(http, join(der(0x0C, bytes_of("x", 1)), host)))));
    CHECK_STR(t.service, "HTTP");
    t = decode(encode("Negotiate", ap_req_for((struct bytes){ .len = 0 })));
    CHECK_STR(t.service, "");
}

/* Each byte of a token one more, one less, or the last. */
static void test_each_byte(void)
{
    const struct bytes http = der(0x1B, bytes_of("HTTP", 4)), host = der(0x1B, bytes_of("mail.example.test", 17));
    const struct bytes tokens[] = { BYTES(v1_challenge),
                                    BYTES(v1_authenticate),
                                    BYTES(v2_challenge),
                                    BYTES(v2_authenticate),
                                    ap_req_for(join(http, host)),
                                    neg_init(ap_req_for(host)),
                                    neg_init(BYTES(v2_authenticate)),
                                    neg_resp(1, BYTES(ntlm_oid), BYTES(v2_challenge)),
                                    neg_init(type3("EXAMPLE", "alice", response_v2(target_info(time1)))) };
    struct auth_token token;
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        for (size_t at = 0; at < tokens[i].len; at++) {
            for (unsigned how = 0; how < 3; how++) {
                struct bytes changed = tokens[i];
                changed.data[at] = (uint8_t)(changed.data[at] + (how == 0 ? 1 : -1));
                changed.len = how == 2 ? at : changed.len;
                const char *value = encode(i < 4 ? "NTLM" : "Negotiate", changed);
                auth_token_decode((struct span){ (const uint8_t *)value, strlen(value) }, &secret, &token);
                note_token("", &token);
            }
        }
        transcript_asides("each byte");
    }
}

/* Cut anywhere and with any byte wrong, a token is never taken for more than it is. */
static void test_broken_tokens(void)
{
    struct bytes whole = neg_init(type3("EXAMPLE", "alice", response_v2(target_info(time1))));
    for (size_t len = 0; len < whole.len; len++) {
        struct bytes cut = whole;
        cut.len = len;
        struct auth_token t = decode(encode("Negotiate", cut));
        CHECK(!t.is_kerberos);
        CHECK(t.step == AUTH_STEP_TYPE3 || t.step == AUTH_STEP_TOKEN || (len == 0 && t.step == AUTH_STEP_EMPTY));
        CHECK(t.step != AUTH_STEP_TYPE3 || strcmp(t.user, "EXAMPLE\\alice") == 0);
    }
    for (size_t i = 0; i < whole.len; i++) {
        struct bytes wrong = whole;
        wrong.data[i] ^= 0xFF;
        struct auth_token t = decode(encode("Negotiate", wrong));
        CHECK(memchr(t.user, '\0', sizeof(t.user)) && memchr(t.workstation, '\0', sizeof(t.workstation)));
        CHECK(t.final == (t.step == AUTH_STEP_TYPE3 && !t.anonymous));
    }
}

/* ---- Basic and Bearer ---- */

static void test_basic(void)
{
    /* RFC 7617 2 */
    struct auth_token t = decode("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    CHECK_INT(t.scheme, AUTH_BASIC);
    CHECK_INT(t.step, AUTH_STEP_BASIC);
    CHECK_STR(t.user, "Aladdin");
    CHECK(t.final);
    /* The password is nowhere. */
    const char *raw = (const char *)&t;
    for (size_t i = 0; i + 4 <= sizeof(t); i++) {
        CHECK(memcmp(raw + i, "open", 4) != 0);
    }
    t = decode("basic RVhBTVBMRVxhbGljZTpw");
    CHECK_STR(t.user, "EXAMPLE\\alice");
    t = decode("Basic QWxhZGRpbg==");
    CHECK_INT(t.step, AUTH_STEP_EMPTY);
    CHECK_STR(t.user, "");
    CHECK(!t.final);
    t = decode("Basic OnB3");
    CHECK_INT(t.step, AUTH_STEP_EMPTY);
    t = decode("Basic");
    CHECK_INT(t.step, AUTH_STEP_EMPTY);
    t = decode("");
    CHECK_INT(t.scheme, AUTH_NONE);
    CHECK_INT(t.step, AUTH_STEP_NONE);
    t = decode("  \t ");
    CHECK_INT(t.step, AUTH_STEP_NONE);
}

static struct auth_token jwt(const char *payload)
{
    static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char value[9100]; /* a token of up to 8999 characters, and what stands around it */
    snprintf(value, sizeof(value), "Bearer eyJhbGciOiJSUzI1NiJ9.%s.c2ln",
             encode_as("", bytes_of(payload, strlen(payload)), url, false));
    return decode(value);
}

static void test_bearer(void)
{
    struct auth_token t = decode("Bearer");
    CHECK_INT(t.step, AUTH_STEP_EMPTY);
    CHECK(!t.final);
    t = decode("Bearer  ");
    CHECK_INT(t.step, AUTH_STEP_EMPTY);
    t = decode("Bearer opaque");
    CHECK_INT(t.step, AUTH_STEP_BEARER);
    CHECK(t.final);
    CHECK_STR(t.user, "");
    t = jwt("{\"aud\":\"x\",\"upn\":\"alice@example.test\",\"n\":1}");
    CHECK_INT(t.step, AUTH_STEP_BEARER);
    CHECK_STR(t.user, "alice@example.test");
    t = jwt("{\"smtp\":\"s@x\", \"preferred_username\" : \"p@x\"}");
    CHECK_STR(t.user, "p@x");
    t = jwt(" { \"a\" : [\"upn\", {\"upn\":\"no@x\"}], \"smtp\": \"s\xC3\xA9>?@x\" }");
    CHECK_STR(t.user, "s\xC3\xA9>?@x");
    CHECK_STR(jwt("{\"unique_name\":\"x@y\",\"sub\":\"upn\",\"oid\":\"upn\"}").user, "");
    CHECK_STR(jwt("{\"upn\":\"a\\u0062c\"}").user, "");
    CHECK_STR(jwt("{\"upn\":7,\"x\":\"y\"}").user, "");
    CHECK_STR(jwt("{\"upn\":\"alice@example.test\"").user, "");
    CHECK_STR(jwt("[\"upn\",\"alice\"]").user, "");
    CHECK_STR(jwt("{\"upn\":\"al").user, "");
    CHECK_STR(jwt("x {\"upn\":\"alice@example.test\"}").user, ""); /* no object (RFC 7519 7.2) */
    CHECK_STR(jwt("\"upn\" {\"upn\":\"alice@example.test\"}").user, "");
    CHECK_STR(jwt("").user, "");
    CHECK_STR(jwt("{\"upn\":{} \"alice@x\"}").user, ""); /* the claim's value is what comes first */
    CHECK_STR(jwt("{\"upn\":[] \"alice@x\"}").user, "");
    CHECK_STR(decode("Bearer a.b").user, "");
    CHECK_STR(decode("Bearer ..").user, "");
}

/* ---- lists ---- */

static void test_lists(void)
{
    char value[4000];
    snprintf(value, sizeof(value), "Basic realm=\"a, NTLM b\", Negotiate, NTLM %s",
             encode("", type2(target_info(time1))));
    struct auth_token t = decode(value);
    CHECK_INT(t.scheme, AUTH_NTLM);
    CHECK_INT(t.step, AUTH_STEP_TYPE2);
    CHECK_STR(t.target.nb_computer, "EX01");

    t = decode("Negotiate, NTLM");
    CHECK_INT(t.scheme, AUTH_NEGOTIATE);
    CHECK_INT(t.step, AUTH_STEP_EMPTY);
    t = decode("Digest realm=\"x\", nonce=\"y\"");
    CHECK_INT(t.scheme, AUTH_OTHER);
    CHECK_INT(t.step, AUTH_STEP_TOKEN);

#define OFFERS(value) auth_schemes_offered((struct span){ (const uint8_t *)(value), strlen(value) })
    CHECK_INT(OFFERS("Negotiate, NTLM"), 1u << AUTH_NEGOTIATE | 1u << AUTH_NTLM);
    CHECK_INT(OFFERS("Basic realm=\"NTLM, Negotiate\", charset=\"UTF-8\""), 1u << AUTH_BASIC);
    CHECK_INT(OFFERS("Basic realm=\"a\\\", NTLM\""), 1u << AUTH_BASIC);
    CHECK_INT(OFFERS("Bearer client_id=\"x\", trusted_issuers=\"y@*\", token_types=\"v1\", Digest qop=1"),
              1u << AUTH_BEARER | 1u << AUTH_OTHER);
    CHECK_INT(OFFERS("NTLM TlRMTVNTUAA="), 1u << AUTH_NTLM);
    CHECK_INT(OFFERS(""), 0);
    CHECK_INT(OFFERS(",,"), 0);
}

static void test_base64(void)
{
    /* RFC 4648 10 */
    uint8_t out[16];
    CHECK_INT(base64_decode((struct span){ (const uint8_t *)"Zm9vYmE=", 8 }, false, out, sizeof(out)), 5);
    CHECK(memcmp(out, "fooba", 5) == 0);
    CHECK_INT(base64_decode((struct span){ (const uint8_t *)"Zm9vYmFy", 8 }, false, out, 4), 4);
    CHECK_INT(base64_decode((struct span){ (const uint8_t *)"+/+/", 4 }, false, out, sizeof(out)), 3);
    CHECK_INT(base64_decode((struct span){ (const uint8_t *)"+/+/", 4 }, true, out, sizeof(out)), 0);
    CHECK_INT(base64_decode((struct span){ (const uint8_t *)"-_-_", 4 }, true, out, sizeof(out)), 3);
    CHECK(out[0] == 0xFB && out[1] == 0xFF && out[2] == 0xBF);
}

/* A type 3 that ends within or right behind its flags: only where they are whole they are asked for the encoding. */
static void test_flags_cut(void)
{
    for (size_t len = 60; len <= 64; len++) {
        struct bytes message = { .len = len };
        memset(message.data, 0, sizeof(message.data));
        memcpy(message.data, "NTLMSSP", 8);
        message.data[8] = 3;
        message.data[36] = message.data[38] =
            4; /* the user's name: 4 bytes, where the session key's place would stand */
        message.data[40] = 52;
        memcpy(message.data + 52, "a\0b", 4);
        if (len == 60) {
            memcpy(message.data + 52, "abcd", 4);
        }
        message.data[60] = 1; /* Unicode */
        struct auth_token answer = decode(encode("NTLM", message));
        CHECK_INT(answer.step, AUTH_STEP_TYPE3);
        CHECK_STR(answer.user, len == 60 ? "abcd" : len == 64 ? "ab" : "a?b?");
    }
}

int main(void)
{
    test_published_messages();
    test_target_information();
    test_type1();
    test_spnego();
    test_kerberos();
    test_service();
    test_each_byte();
    test_broken_tokens();
    test_basic();
    test_bearer();
    test_lists();
    test_base64();
    test_flags_cut();
    transcript_end(__FILE__);
    return unit_end();
}
