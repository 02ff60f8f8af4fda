/* authtoken.c
 * Credentials and challenges.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "authtoken.h"

#include "chars.h"

#define TOKEN_MAX (AUTH_VALUE_MAX / 4 * 3)

static bool span_is(struct span s, const void *bytes, size_t len)
{
    return s.len >= len && memcmp(s.ptr, bytes, len) == 0;
}

static void wipe(uint8_t *bytes, size_t len)
{
    volatile uint8_t *p = bytes;
    for (size_t i = 0; i < len; i++) {
        p[i] = 0;
    }
}

/* FNV-1a, 64 bits. */
#define DIGEST_START UINT64_C(0xCBF29CE484222325)

static uint64_t digest(uint64_t sum, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        sum = (sum ^ s.ptr[i]) * UINT64_C(0x100000001B3);
    }
    return sum;
}

/* ---- base64 ---- */

static int base64_value(uint8_t c, bool url)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (is_digit(c)) {
        return c - '0' + 52;
    }
    return c == (url ? '-' : '+') ? 62 : c == (url ? '_' : '/') ? 63 : -1;
}

size_t base64_decode(struct span s, bool url, uint8_t *out, size_t size)
{
    uint32_t bits = 0;
    unsigned count = 0;
    size_t used = 0;
    for (size_t i = 0; i < s.len && used < size; i++) {
        int value = base64_value(s.ptr[i], url);
        if (value < 0) {
            break;
        }
        bits = (bits << 6 | (uint32_t)value) & 0xFFFFFF;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[used++] = (uint8_t)(bits >> count);
        }
    }
    return used;
}

/* ---- NTLM, MS-NLMP 2.2.1 ---- */

static const uint8_t ntlm_signature[8] = { 'N', 'T', 'L', 'M', 'S', 'S', 'P', 0 };

enum {
    NTLM_TYPE = 8, NTLM_HEADER_LEN = 12, NTLM_UNICODE = 1,
    NEGOTIATE_WORKSTATION = 24,
    CHALLENGE_TARGET_INFO = 40,
    AUTHENTICATE_RESPONSE = 20, AUTHENTICATE_DOMAIN = 28, AUTHENTICATE_USER = 36, AUTHENTICATE_WORKSTATION = 44,
    AUTHENTICATE_FLAGS = 60,
    /* NTLMv2_RESPONSE: 16 bytes of proof, then the client's challenge (2.2.2.7). */
    RESPONSE_TYPE = 16, RESPONSE_HIGHEST_TYPE = 17, RESPONSE_AV_PAIRS = 44
};

enum {
    AV_EOL, AV_NB_COMPUTER, AV_NB_DOMAIN, AV_DNS_COMPUTER, AV_DNS_DOMAIN, AV_DNS_TREE, AV_FLAGS, AV_TIMESTAMP,
    AV_SINGLE_HOST, AV_TARGET_NAME, AV_CHANNEL_BINDINGS
};

/* A field's payload: a 16-bit length, a 16-bit room, a 32-bit offset. */
static bool ntlm_payload(struct span message, size_t at, struct span *payload)
{
    if (message.len < at + 8) {
        return false;
    }
    uint32_t len = get_le16(message.ptr + at);
    uint32_t offset = get_le32(message.ptr + at + 4);
    if (len == 0) {
        *payload = span_of(message.ptr, 0);
        return true;
    }
    if (offset > message.len || len > message.len - offset) {
        return false;
    }
    *payload = span_of(message.ptr + offset, len);
    return true;
}

static void copy_utf16(char *buf, size_t size, struct span s)
{
    struct chars t = chars_into(buf, size);
    chars_utf16(&t, s);
}

static bool all_zero(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i]) {
            return false;
        }
    }
    return true;
}

/* A list of AV_PAIRs, until its end or the first that does not fit. */
static void decode_target(struct span pairs, struct auth_token *token)
{
    struct ntlm_target *target = &token->target;
    while (pairs.len >= 4) {
        uint16_t id = get_le16(pairs.ptr), len = get_le16(pairs.ptr + 2);
        if (id == AV_EOL || len > pairs.len - 4) {
            break;
        }
        struct span pair = span_of(pairs.ptr, 4 + (size_t)len);
        struct span value = span_skip(pair, 4);
        pairs = span_skip(pairs, pair.len);
        bool is_servers = id <= AV_DNS_TREE;
        switch (id) {
        case AV_NB_COMPUTER:
            copy_utf16(target->nb_computer, sizeof(target->nb_computer), value);
            break;
        case AV_NB_DOMAIN:
            copy_utf16(target->nb_domain, sizeof(target->nb_domain), value);
            break;
        case AV_DNS_COMPUTER:
            copy_utf16(target->dns_computer, sizeof(target->dns_computer), value);
            break;
        case AV_TIMESTAMP:
            if (len == 8) {
                target->has_timestamp = is_servers = true;
                target->timestamp = get_le64(value.ptr);
            }
            break;
        case AV_CHANNEL_BINDINGS:
            token->has_channel_bindings = len > 0 && !all_zero(value);
            memset(token->channel_bindings, 0, sizeof(token->channel_bindings));
            if (len == sizeof(token->channel_bindings)) {
                memcpy(token->channel_bindings, value.ptr, len);
            }
            break;
        default:
            break;
        }
        if (is_servers) {
            target->present = true;
            target->names_digest += digest(DIGEST_START, pair);
        }
    }
}

static void decode_challenge(struct span message, struct auth_token *token)
{
    struct span info;
    token->step = AUTH_STEP_TYPE2;
    if (ntlm_payload(message, CHALLENGE_TARGET_INFO, &info)) {
        decode_target(info, token);
    }
}

static void decode_response(struct span response, struct auth_token *token)
{
    if (response.len < RESPONSE_AV_PAIRS + 4 || response.ptr[RESPONSE_TYPE] != 1 ||
        response.ptr[RESPONSE_HIGHEST_TYPE] != 1) {
        return;                  /* the 24 bytes of NTLMv1, or nothing */
    }
    token->ntlmv2 = true;
    decode_target(span_skip(response, RESPONSE_AV_PAIRS), token);
}

static void decode_authenticate(struct span message, struct auth_token *token)
{
    struct span domain, user, workstation, response;
    if (!ntlm_payload(message, AUTHENTICATE_DOMAIN, &domain) || !ntlm_payload(message, AUTHENTICATE_USER, &user)) {
        token->step = AUTH_STEP_TOKEN;
        return;
    }
    token->step = AUTH_STEP_TYPE3;
    bool unicode = message.len >= AUTHENTICATE_FLAGS + 4 &&
                   (get_le32(message.ptr + AUTHENTICATE_FLAGS) & NTLM_UNICODE);
    void (*add)(struct chars *, struct span) = unicode ? chars_utf16 : chars_bytes;
    struct chars t;
    if (ntlm_payload(message, AUTHENTICATE_WORKSTATION, &workstation)) {
        t = chars_into(token->workstation, sizeof(token->workstation));
        add(&t, workstation);
    }
    if (ntlm_payload(message, AUTHENTICATE_RESPONSE, &response)) {
        decode_response(response, token);
    }
    if (user.len == 0) {
        token->anonymous = true;
        return;
    }
    t = chars_into(token->user, sizeof(token->user));
    if (domain.len > 0) {
        add(&t, domain);
        chars_code(&t, '\\');
    }
    add(&t, user);
    token->final = true;
}

/* False if no NTLM message starts here. */
static bool decode_ntlm(struct span message, struct auth_token *token)
{
    if (message.len < NTLM_HEADER_LEN || !span_is(message, ntlm_signature, sizeof(ntlm_signature))) {
        return false;
    }
    struct span workstation;
    token->is_ntlm = true;
    switch (get_le32(message.ptr + NTLM_TYPE)) {
    case 1:
        token->step = AUTH_STEP_TYPE1;
        if (ntlm_payload(message, NEGOTIATE_WORKSTATION, &workstation)) {
            chars_copy(token->workstation, sizeof(token->workstation), workstation);
        }
        break;
    case 2:
        decode_challenge(message, token);
        break;
    case 3:
        decode_authenticate(message, token);
        break;
    default:
        token->step = AUTH_STEP_TOKEN;
        break;
    }
    return true;
}

/* ---- GSS-API: Kerberos (RFC 4121 4.1) and SPNEGO (RFC 4178 4.2, MS-SPNG) ---- */

enum {
    DER_OCTETS = 0x04, DER_OID = 0x06, DER_ENUMERATED = 0x0A, DER_SEQUENCE = 0x30,
    GSS_INITIAL = 0x60,          /* [APPLICATION 0] */
    KRB_AP_REQ = 0x6E, KRB_AP_REP = 0x6F,
    NEG_TOKEN_INIT = 0xA0, NEG_TOKEN_RESP = 0xA1,
    NEG_STATE = 0xA0, NEG_TOKEN = 0xA2   /* [0] of the response; [2] of both */
};

static const uint8_t oid_spnego[] = { 0x2B, 0x06, 0x01, 0x05, 0x05, 0x02 };
static const uint8_t oid_krb5[] = { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 0x01, 0x02, 0x02 };
static const uint8_t oid_ms_krb5[] = { 0x2A, 0x86, 0x48, 0x82, 0xF7, 0x12, 0x01, 0x02, 0x02 };

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

static bool span_same(struct span s, const uint8_t *bytes, size_t len)
{
    return s.len == len && memcmp(s.ptr, bytes, len) == 0;
}

/* A Kerberos token with or without its GSS-API frame; s starts behind the identifier in the
 * first case. */
static bool decode_krb5(struct span s, bool framed, struct auth_token *token)
{
    enum { ID_AP_REQ = 0x0001, ID_AP_REP = 0x0002 };     /* read big-endian from 01 00, 02 00 */
    bool request, reply;
    if (framed) {
        uint16_t id = s.len >= 2 ? get_le16(s.ptr) : 0;
        request = id == ID_AP_REQ;
        reply = id == ID_AP_REP;
    } else {
        request = s.len > 0 && s.ptr[0] == KRB_AP_REQ;
        reply = s.len > 0 && s.ptr[0] == KRB_AP_REP;
        if (!request && !reply) {
            return false;
        }
    }
    token->is_kerberos = true;
    token->step = request ? AUTH_STEP_AP_REQ : reply ? AUTH_STEP_AP_REP : AUTH_STEP_TOKEN;
    token->final = request;
    return true;
}

/* What a mechanism sends: NTLM as it is, Kerberos framed or as it is. */
static bool decode_mechanism(struct span s, struct auth_token *token)
{
    struct span framed, oid;
    uint8_t tag;
    if (decode_ntlm(s, token) || decode_krb5(s, false, token)) {
        return true;
    }
    if (!der_open(s, GSS_INITIAL, &framed) || !der_next(&framed, &tag, &oid) || tag != DER_OID) {
        return false;
    }
    if (span_same(oid, oid_krb5, sizeof(oid_krb5)) || span_same(oid, oid_ms_krb5, sizeof(oid_ms_krb5))) {
        return decode_krb5(framed, true, token);
    }
    return false;
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
        if (s.ptr[0] == ntlm_signature[0] && decode_ntlm(s, token)) {
            return;
        }
        struct span rest = s, oid;
        uint8_t tag;
        if (s.ptr[0] == DER_OID && s.ptr[1] == sizeof(oid_krb5) && der_next(&rest, &tag, &oid) &&
            (span_same(oid, oid_krb5, sizeof(oid_krb5)) || span_same(oid, oid_ms_krb5, sizeof(oid_ms_krb5))) &&
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
    if (der_open(s, NEG_TOKEN_INIT, &body)) {    /* without the frame that MS-SPNG asks for */
        decode_neg_token(body, false, token);
        return;
    }
    if (der_open(s, GSS_INITIAL, &body) && der_next(&body, &tag, &oid) && tag == DER_OID &&
        span_same(oid, oid_spnego, sizeof(oid_spnego))) {
        if (der_next(&body, &tag, &s) && (tag == NEG_TOKEN_INIT || tag == NEG_TOKEN_RESP)) {
            decode_neg_token(s, tag == NEG_TOKEN_RESP, token);
        }
        return;
    }
    decode_mechanism(s, token);
}

static void decode_gss(struct span s, struct auth_token *token)
{
    token->step = AUTH_STEP_TOKEN;
    decode_frames(s, token);
    if (!token->is_ntlm && !token->is_kerberos) {
        find_mechanism(s, token);
    }
}

/* ---- Bearer: the name in a JWT (RFC 7519), if it is plain ---- */

/* Takes a string, its quotes dropped; false if there is none or it is escaped, which no
 * name is. */
static bool json_string(struct span *s, struct span *string)
{
    *string = span_of(s->ptr, 0);
    if (s->len == 0 || s->ptr[0] != '"') {
        return false;
    }
    bool plain = true;
    size_t i = 1;
    for (; i < s->len && s->ptr[i] != '"'; i++) {
        if (s->ptr[i] == '\\') {
            plain = false;
            i++;
        }
    }
    if (i >= s->len) {
        *s = span_of(s->ptr, 0);
        return false;
    }
    *string = span_of(s->ptr + 1, i - 1);
    *s = span_skip(*s, i + 1);
    return plain;
}

/* The best name among the claims of an object's first level. */
static struct span jwt_name(struct span s)
{
    static const char *const claims[] = { "upn", "preferred_username", "smtp" };
    enum { CLAIMS = 3 };
    unsigned best = CLAIMS, depth = 0;
    struct span name = { NULL, 0 }, key = { NULL, 0 };
    bool has_key = false;
    s = span_trim(s);
    if (s.len == 0 || s.ptr[0] != '{') {
        return name;
    }
    while (s.len > 0) {
        uint8_t c = s.ptr[0];
        if (c == '"') {
            struct span string;
            bool plain = json_string(&s, &string);
            struct span rest = span_trim(s);
            if (depth == 1 && rest.len > 0 && rest.ptr[0] == ':') {
                key = plain ? string : span_of(s.ptr, 0);
                has_key = true;
            } else if (depth == 1 && has_key) {
                for (unsigned i = 0; plain && string.len > 0 && i < best; i++) {
                    if (span_same(key, (const uint8_t *)claims[i], strlen(claims[i]))) {
                        best = i;
                        name = string;
                    }
                }
                has_key = false;
            }
            continue;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
        if (c == ',' || c == '{' || c == '[') {
            has_key = false;
        }
        s = span_skip(s, 1);
    }
    return depth == 0 ? name : (struct span){ NULL, 0 };
}

static void decode_bearer(struct span credentials, uint8_t *bytes, struct auth_token *token)
{
    token->step = credentials.len ? AUTH_STEP_BEARER : AUTH_STEP_EMPTY;
    token->final = credentials.len > 0;
    token->token_len = credentials.len;
    size_t head = span_until(credentials, '.');
    if (head == credentials.len) {
        return;
    }
    struct span payload = span_skip(credentials, head + 1);
    payload.len = span_until(payload, '.');
    size_t len = base64_decode(payload, true, bytes, TOKEN_MAX);
    struct span name = jwt_name(span_of(bytes, len));
    if (name.len > 0) {
        chars_copy(token->user, sizeof(token->user), name);
    }
    wipe(bytes, len);
}

/* ---- Basic ---- */

static void decode_basic(struct span credentials, uint8_t *bytes, struct auth_token *token)
{
    size_t len = base64_decode(credentials, false, bytes, TOKEN_MAX);
    size_t user_len = span_until(span_of(bytes, len), ':');
    token->step = AUTH_STEP_EMPTY;
    token->token_len = credentials.len;
    /* Without a colon nobody can tell a user from a password. */
    if (user_len > 0 && user_len < len) {
        chars_copy(token->user, sizeof(token->user), span_of(bytes, user_len));
        token->step = AUTH_STEP_BASIC;
        token->final = true;
    }
    wipe(bytes, len);
}

/* ---- NTLM and Negotiate ---- */

/* The run of base64 at the start, padding included. */
static struct span base64_run(struct span s)
{
    size_t len = 0;
    while (len < s.len && base64_value(s.ptr[len], false) >= 0) {
        len++;
    }
    while (len < s.len && s.ptr[len] == '=') {
        len++;
    }
    return span_of(s.ptr, len);
}

static void decode_token(struct span credentials, uint8_t *bytes, struct auth_token *token)
{
    struct span run = base64_run(credentials);
    struct span message = { bytes, base64_decode(run, false, bytes, TOKEN_MAX) };
    token->token_len = run.len;
    if (message.len == 0) {
        token->step = credentials.len && credentials.ptr[0] != ',' ? AUTH_STEP_TOKEN : AUTH_STEP_EMPTY;
        return;
    }
    if (!decode_ntlm(message, token)) {
        token->step = AUTH_STEP_TOKEN;
        if (token->scheme == AUTH_NEGOTIATE) {
            decode_gss(message, token);
        }
    }
    wipe(bytes, message.len);
}

/* ---- values ---- */

/* A scheme's name at the start of a challenge, and what follows it. */
static enum auth_scheme scheme_of(struct span s, struct span *rest)
{
    static const struct {
        const char *name;
        enum auth_scheme scheme;
    } schemes[] = {
        { "Basic", AUTH_BASIC },
        { "NTLM", AUTH_NTLM },
        { "Negotiate", AUTH_NEGOTIATE },
        { "Bearer", AUTH_BEARER }
    };
    size_t len = 0;
    while (len < s.len && is_token_char(s.ptr[len])) {
        len++;
    }
    struct span name = span_of(s.ptr, len);
    *rest = span_trim(span_skip(s, len));
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (span_equals_nocase(name, schemes[i].name)) {
            return schemes[i].scheme;
        }
    }
    return AUTH_OTHER;
}

/* Takes the next element of a list; commas inside quotes separate nothing. */
static bool next_challenge(struct span *list, struct span *element)
{
    if (list->len == 0) {
        return false;
    }
    size_t len = 0;
    bool quoted = false;
    for (; len < list->len && (quoted || list->ptr[len] != ','); len++) {
        if (list->ptr[len] == '"') {
            quoted = !quoted;
        } else if (quoted && list->ptr[len] == '\\' && len + 1 < list->len) {
            len++;
        }
    }
    *element = span_trim(span_of(list->ptr, len));
    *list = span_skip(*list, len < list->len ? len + 1 : len);
    return true;
}

void auth_token_decode(struct span header_value, struct auth_token *token)
{
    uint8_t bytes[TOKEN_MAX];
    memset(token, 0, sizeof(*token));
    token->neg_state = -1;
    struct span value = span_trim(header_value), list = value, element, rest, credentials;
    if (value.len == 0) {
        return;
    }
    token->scheme = scheme_of(value, &credentials);
    if (span_until(value, ',') < value.len) {
        while (next_challenge(&list, &element)) {
            enum auth_scheme scheme = scheme_of(element, &rest);
            if ((scheme == AUTH_NTLM || scheme == AUTH_NEGOTIATE) && rest.len > 0 && rest.ptr[0] != '=') {
                token->scheme = scheme;
                credentials = rest;
                break;
            }
        }
    }
    switch (token->scheme) {
    case AUTH_BASIC:
        decode_basic(credentials, bytes, token);
        break;
    case AUTH_NTLM:
    case AUTH_NEGOTIATE:
        token->is_ntlm = token->scheme == AUTH_NTLM;
        decode_token(credentials, bytes, token);
        break;
    case AUTH_BEARER:
        decode_bearer(credentials, bytes, token);
        break;
    default:
        token->step = credentials.len ? AUTH_STEP_TOKEN : AUTH_STEP_EMPTY;
        token->token_len = credentials.len;
        break;
    }
    if (token->token_len > 0) {
        token->token_digest = digest(DIGEST_START, span_of(credentials.ptr, token->token_len));
    }
}

unsigned auth_schemes_offered(struct span header_value)
{
    unsigned offered = 0;
    struct span list = span_trim(header_value), element, rest;
    while (next_challenge(&list, &element)) {
        enum auth_scheme scheme = scheme_of(element, &rest);
        /* "charset=..." goes on with the challenge before it. */
        if (rest.ptr > element.ptr && (rest.len == 0 || rest.ptr[0] != '=')) {
            offered |= 1u << scheme;
        }
    }
    return offered;
}
