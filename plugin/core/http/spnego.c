/* spnego.c
 * Tokens of GSS-API: Kerberos (RFC 4121 4.1) and SPNEGO (RFC 4178 4.2, MS-SPNG).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "credentials_private.h"

#include "chars.h"

enum {
    DER_OCTETS = 0x04,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0A,
    DER_SEQUENCE = 0x30,
    GSS_INITIAL = 0x60, /* [APPLICATION 0] */
    KRB_AP_REQ = 0x6E,
    KRB_AP_REP = 0x6F,
    KRB_ERROR = 0x7E,
    NEG_TOKEN_INIT = 0xA0,
    NEG_TOKEN_RESP = 0xA1,
    NEG_STATE = 0xA0,
    NEG_TOKEN = 0xA2 /* [0] of the response; [2] of both */
};

static const char oid_spnego[] = "\x2B\x06\x01\x05\x05\x02";
static const char oid_krb5[] = "\x2A\x86\x48\x86\xF7\x12\x01\x02\x02";
static const char oid_ms_krb5[] = "\x2A\x86\x48\x82\xF7\x12\x01\x02\x02";

static bool is_krb5(struct span oid)
{
    return span_equals(oid, oid_krb5) || span_equals(oid, oid_ms_krb5);
}

/* Takes the next element. One that is longer than what is left is cut: tokens are read as
 * far as they came. */
static bool der_next(struct span *s, uint8_t *tag, struct span *content)
{
    if (s->len < 2) {
        return false;
    }
    *tag = s->ptr[0];
    size_t header = 2;
    uint64_t len = s->ptr[1];
    if (len & 0x80) {
        size_t count = len & 0x7F;
        if (count == 0 || count > 4 || s->len < 2 + count) {
            return false;
        }
        len = 0;
        for (size_t i = 0; i < count; i++) {
            len = len << 8 | s->ptr[2 + i];
        }
        header += count;
    }
    struct span rest = span_skip(*s, header);
    *content = span_of(rest.ptr, len < rest.len ? (size_t)len : rest.len);
    *s = span_skip(rest, content->len);
    return true;
}

/* The content of the element with that tag, which has to be the first. */
static bool der_open(struct span s, uint8_t expected, struct span *content)
{
    uint8_t tag;
    return der_next(&s, &tag, content) && tag == expected;
}

/* The first field with that tag. */
static bool der_find(struct span fields, uint8_t wanted, struct span *content)
{
    uint8_t tag;
    while (der_next(&fields, &tag, content)) {
        if (tag == wanted) {
            return true;
        }
    }
    return false;
}

/* The name of the service that a ticket is for stands in it in clear (RFC 4120 5.3, 5.5.1); s: an AP-REQ. */
static void decode_service(struct span s, struct auth_token *token)
{
    enum { KRB_TICKET = 0x61, AP_REQ_TICKET = 0xA3, TICKET_SNAME = 0xA2, NAME_STRINGS = 0xA1, GENERAL_STRING = 0x1B };
    struct span fields, ticket, name, strings, part;
    uint8_t tag;
    if (!der_open(s, KRB_AP_REQ, &fields) || !der_open(fields, DER_SEQUENCE, &fields) ||
        !der_find(fields, AP_REQ_TICKET, &ticket) || !der_open(ticket, KRB_TICKET, &ticket) ||
        !der_open(ticket, DER_SEQUENCE, &ticket) || !der_find(ticket, TICKET_SNAME, &name) ||
        !der_open(name, DER_SEQUENCE, &name) || !der_find(name, NAME_STRINGS, &strings) ||
        !der_open(strings, DER_SEQUENCE, &strings)) {
        return;
    }
    struct chars t = chars_into(token->service, sizeof(token->service));
    while (der_next(&strings, &tag, &part) && tag == GENERAL_STRING) {
        if (token->service[0]) {
            chars_code(&t, '/');
        }
        chars_bytes(&t, part);
    }
}

/* Why a server takes no ticket (RFC 4120 5.9.1); s: a KRB-ERROR. */
static void decode_error(struct span s, struct auth_token *token)
{
    enum { ERROR_CODE = 0xA6, INTEGER = 0x02 };
    struct span fields, code;
    if (der_open(s, KRB_ERROR, &fields) && der_open(fields, DER_SEQUENCE, &fields) &&
        der_find(fields, ERROR_CODE, &code) && der_open(code, INTEGER, &code) && code.len == 1) {
        token->krb_error = code.ptr[0];
    }
}

/* A Kerberos token with or without its GSS-API frame; s starts behind the identifier in the
 * first case. */
static bool decode_krb5(struct span s, bool framed, struct auth_token *token)
{
    enum { ID_AP_REQ = 0x0001, ID_AP_REP = 0x0002, ID_ERROR = 0x0003 }; /* 01 00, 02 00, 03 00 (RFC 4121 4.1) */
    bool request, reply, error;
    if (framed) {
        uint16_t id = s.len >= 2 ? get_le16(s.ptr) : 0;
        request = id == ID_AP_REQ;
        reply = id == ID_AP_REP;
        error = id == ID_ERROR;
    } else {
        request = s.len > 0 && s.ptr[0] == KRB_AP_REQ;
        reply = s.len > 0 && s.ptr[0] == KRB_AP_REP;
        error = s.len > 0 && s.ptr[0] == KRB_ERROR;
        if (!request && !reply && !error) {
            return false;
        }
    }
    token->is_kerberos = true;
    token->step = request ? AUTH_STEP_AP_REQ : reply ? AUTH_STEP_AP_REP : AUTH_STEP_TOKEN;
    token->final = request;
    if (request) {
        decode_service(framed ? span_skip(s, 2) : s, token);
    } else if (error) {
        decode_error(framed ? span_skip(s, 2) : s, token);
    }
    return true;
}

/* What a mechanism sends: NTLM as it is, Kerberos framed or as it is. */
static bool decode_mechanism(struct span s, struct auth_token *token)
{
    struct span framed, oid;
    uint8_t tag;
    if (ntlm_decode(s, token) || decode_krb5(s, false, token)) {
        return true;
    }
    if (!der_open(s, GSS_INITIAL, &framed) || !der_next(&framed, &tag, &oid) || tag != DER_OID) {
        return false;
    }
    return is_krb5(oid) && decode_krb5(framed, true, token);
}

/* The SEQUENCE inside a NegTokenInit or NegTokenResp. */
static void decode_neg_token(struct span s, bool response, struct auth_token *token)
{
    struct span fields, field, inner;
    uint8_t tag;
    token->in_spnego = true;
    if (!der_open(s, DER_SEQUENCE, &fields)) {
        return;
    }
    while (der_next(&fields, &tag, &field)) {
        if (response && tag == NEG_STATE && der_open(field, DER_ENUMERATED, &inner) && inner.len == 1 &&
            inner.ptr[0] <= 3) {
            token->neg_state = (int8_t)inner.ptr[0];
        } else if (tag == NEG_TOKEN && der_open(field, DER_OCTETS, &inner)) {
            decode_mechanism(inner, token);
        }
    }
}

/* In a frame that is none of the above (NegoEx, a broken one): an NTLM message or a framed
 * AP-REQ wherever it stands. */
static void find_mechanism(struct span s, struct auth_token *token)
{
    for (; s.len >= NTLM_HEADER_LEN; s = span_skip(s, 1)) {
        if (s.ptr[0] == ntlm_signature[0] && ntlm_decode(s, token)) {
            return;
        }
        struct span rest = s, oid;
        uint8_t tag;
        if (s.ptr[0] == DER_OID && s.ptr[1] == strlen(oid_krb5) && der_next(&rest, &tag, &oid) && is_krb5(oid) &&
            rest.len >= 2 && rest.ptr[0] == 1 && rest.ptr[1] == 0) {
            decode_krb5(rest, true, token);
            return;
        }
    }
}

static void decode_frames(struct span s, struct auth_token *token)
{
    struct span body, oid;
    uint8_t tag;
    if (der_open(s, NEG_TOKEN_RESP, &body)) {
        decode_neg_token(body, true, token);
        return;
    }
    if (der_open(s, NEG_TOKEN_INIT, &body)) { /* without the frame that MS-SPNG asks for */
        decode_neg_token(body, false, token);
        return;
    }
    if (der_open(s, GSS_INITIAL, &body) && der_next(&body, &tag, &oid) && tag == DER_OID &&
        span_equals(oid, oid_spnego)) {
        if (der_next(&body, &tag, &s) && (tag == NEG_TOKEN_INIT || tag == NEG_TOKEN_RESP)) {
            decode_neg_token(s, tag == NEG_TOKEN_RESP, token);
        }
        return;
    }
    decode_mechanism(s, token);
}

void gss_decode(struct span s, struct auth_token *token)
{
    token->step = AUTH_STEP_TOKEN;
    decode_frames(s, token);
    if (!token->is_ntlm && !token->is_kerberos) {
        find_mechanism(s, token);
    }
}
