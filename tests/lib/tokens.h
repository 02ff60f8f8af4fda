/* tokens.h
 * NTLM messages (MS-NLMP 2.2.1) and an AP-REQ (RFC 4121 4.1), as Authorization and
 * WWW-Authenticate carry them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TOKENS_H
#define OUTLOOKHTTP_TOKENS_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct bytes {
    uint8_t b[1024];
    size_t len;
};

#define TOKEN_TEXT 1600

static inline void put(struct bytes *bytes, const void *data, size_t len)
{
    memcpy(bytes->b + bytes->len, data, len);
    bytes->len += len;
}

static inline void put_le(struct bytes *bytes, uint64_t value, unsigned size)
{
    while (size--) {
        bytes->b[bytes->len++] = (uint8_t)value;
        value >>= 8;
    }
}

static inline void put_utf16(struct bytes *bytes, const char *text)
{
    for (; *text; text++) {
        put_le(bytes, (uint8_t)*text, 2);
    }
}

static inline void put_place(struct bytes *bytes, size_t len, size_t at)
{
    put_le(bytes, len, 2);
    put_le(bytes, len, 2);
    put_le(bytes, at, 4);
}

static inline const char *base64_of(const char *scheme, const struct bytes *bytes, char text[TOKEN_TEXT])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t used = (size_t)snprintf(text, TOKEN_TEXT, "%s ", scheme);
    for (size_t i = 0; i < bytes->len; i += 3) {
        uint32_t bits = (uint32_t)bytes->b[i] << 16;
        size_t left = bytes->len - i;
        bits |= left > 1 ? (uint32_t)bytes->b[i + 1] << 8 : 0;
        bits |= left > 2 ? bytes->b[i + 2] : 0;
        text[used++] = digits[bits >> 18];
        text[used++] = digits[bits >> 12 & 63];
        text[used++] = left > 1 ? digits[bits >> 6 & 63] : '=';
        text[used++] = left > 2 ? digits[bits & 63] : '=';
    }
    text[used] = '\0';
    return text;
}

/* MsvAvNbDomainName, MsvAvNbComputerName, MsvAvDnsComputerName "ex1.example.test" and, unless
 * stamp is 0, MsvAvTimestamp; then what a client adds. */
static inline void put_target(struct bytes *bytes, const char *server, uint64_t stamp, int bindings)
{
    char dns[64];
    size_t len = strlen(server);
    put_le(bytes, 2, 2);
    put_le(bytes, 14, 2);
    put_utf16(bytes, "EXAMPLE");
    put_le(bytes, 1, 2);
    put_le(bytes, 2 * len, 2);
    put_utf16(bytes, server);
    snprintf(dns, sizeof(dns), "%s.example.test", server);
    for (char *p = dns; *p; p++) {
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
    }
    put_le(bytes, 3, 2);
    put_le(bytes, 2 * strlen(dns), 2);
    put_utf16(bytes, dns);
    if (stamp) {
        put_le(bytes, 7, 2);
        put_le(bytes, 8, 2);
        put_le(bytes, stamp, 8);
    }
    if (bindings >= 0) {
        put_le(bytes, 10, 2);
        put_le(bytes, 16, 2);
        put_le(bytes, bindings ? 0x0102030405060708 : 0, 8);
        put_le(bytes, 0, 8);
        put_le(bytes, 9, 2);
        put_le(bytes, 20, 2);
        put_utf16(bytes, "HTTP/mail0");
    }
    put_le(bytes, 0, 4);
}

static const uint32_t ntlm_flags = 0xE2888235;

static inline const char *type1(const char *scheme, char text[TOKEN_TEXT])
{
    struct bytes m = { .len = 0 };
    put(&m, "NTLMSSP", 8);
    put_le(&m, 1, 4);
    put_le(&m, ntlm_flags, 4);
    put_le(&m, 0, 8);
    put_le(&m, 0, 8);
    put_le(&m, 0, 8);
    return base64_of(scheme, &m, text);
}

static inline const char *type2(const char *scheme, const char *server, uint64_t stamp, char text[TOKEN_TEXT])
{
    struct bytes m = { .len = 0 }, info = { .len = 0 };
    put_target(&info, server, stamp, -1);
    put(&m, "NTLMSSP", 8);
    put_le(&m, 2, 4);
    put_place(&m, 14, 56);
    put_le(&m, ntlm_flags, 4);
    put_le(&m, 0x0123456789ABCDEF, 8);
    put_le(&m, 0, 8);
    put_place(&m, info.len, 56 + 14);
    put_le(&m, 0, 8);
    put_utf16(&m, "EXAMPLE");
    put(&m, info.b, info.len);
    return base64_of(scheme, &m, text);
}

/* An NTLMv2 response; without server an NTLMv1 one. An empty user is the anonymous one. */
static inline const char *type3(const char *scheme, const char *user, const char *server, uint64_t stamp, int bindings,
                                char text[TOKEN_TEXT])
{
    struct bytes m = { .len = 0 }, nt = { .len = 0 };
    if (*user && server) {
        put_le(&nt, 0x1111111111111111, 8);
        put_le(&nt, 0x2222222222222222, 8);
        put_le(&nt, 0x0101, 8);
        put_le(&nt, stamp, 8);
        put_le(&nt, 0x3333333333333333, 8);
        put_le(&nt, 0, 4);
        put_target(&nt, server, stamp, bindings);
        put_le(&nt, 0, 4);
    } else if (*user) {
        for (int i = 0; i < 24; i++) {
            put_le(&nt, (uint64_t)i + 1, 1);
        }
    }
    size_t domain = *user ? 14 : 0, name = 2 * strlen(user), at = 88;
    put(&m, "NTLMSSP", 8);
    put_le(&m, 3, 4);
    put_place(&m, 24, at + domain + name);
    put_place(&m, nt.len, at + domain + name + 24);
    put_place(&m, domain, at);
    put_place(&m, name, at + domain);
    put_place(&m, 0, at);
    put_place(&m, 0, at);
    put_le(&m, ntlm_flags, 4);
    put_le(&m, 0, 8);
    put_le(&m, 0, 8);
    put_le(&m, 0, 8);
    if (*user) {
        put_utf16(&m, "EXAMPLE");
    }
    put_utf16(&m, user);
    for (int i = 0; i < 3; i++) {
        put_le(&m, 0, 8);
    }
    put(&m, nt.b, nt.len);
    return base64_of(scheme, &m, text);
}

/* GSS-API's frame, the mechanism Kerberos, 01 00, and the start of an AP-REQ. */
static inline const char *ap_req(char text[TOKEN_TEXT])
{
    static const uint8_t token[] = { 0x60, 0x1D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 0x01,
                                     0x02, 0x02, 0x01, 0x00, 0x6E, 0x0E, 0x30, 0x0C, 0xA0, 0x03, 0x02,
                                     0x01, 0x05, 0xA1, 0x03, 0x02, 0x01, 0x0E, 0xA2, 0x00 };
    struct bytes m = { .len = 0 };
    put(&m, token, sizeof(token));
    return base64_of("Negotiate", &m, text);
}

/* GSS-API's frame, the mechanism Kerberos, 03 00, and a KRB-ERROR with that code. */
static inline const char *krb_error(uint8_t code, char text[TOKEN_TEXT])
{
    const uint8_t token[] = { 0x60, 0x22, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 0x01, 0x02,
                              0x02, 0x03, 0x00, 0x7E, 0x13, 0x30, 0x11, 0xA0, 0x03, 0x02, 0x01, 0x05,
                              0xA1, 0x03, 0x02, 0x01, 0x1E, 0xA6, 0x03, 0x02, 0x01, code, 0xA7, 0x00 };
    struct bytes m = { .len = 0 };
    put(&m, token, sizeof(token));
    return base64_of("Negotiate", &m, text);
}

static inline const char *basic(const char *user, const char *password, char text[TOKEN_TEXT])
{
    struct bytes m = { .len = 0 };
    put(&m, user, strlen(user));
    put(&m, ":", 1);
    put(&m, password, strlen(password));
    return base64_of("Basic", &m, text);
}

#endif
