/* credentials.c
 * What credentials and challenges say of a logon.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "credentials_private.h"

#include "base64.h"
#include "chars.h"

#define TOKEN_MAX (AUTH_VALUE_MAX / 4 * 3)

static void wipe(uint8_t *bytes, size_t len)
{
    volatile uint8_t *p = bytes;
    for (size_t i = 0; i < len; i++) {
        p[i] = 0;
    }
}

static uint64_t digest_of(const struct auth_token *token, struct span bytes)
{
    return token->key && bytes.len ? hash_keyed(token->key, 0x70CE, bytes.ptr, bytes.len) | 1 : 0;
}

/* ---- Bearer ---- */

static void decode_bearer(struct span credentials, uint8_t *bytes, struct auth_token *token)
{
    token->step = credentials.len ? AUTH_STEP_BEARER : AUTH_STEP_EMPTY;
    token->final = credentials.len > 0;
    token->digest = digest_of(token, credentials);
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
    /* Without a colon nobody can tell a user from a password. */
    if (user_len > 0 && user_len < len) {
        chars_copy(token->user, sizeof(token->user), span_of(bytes, user_len));
        token->step = AUTH_STEP_BASIC;
        token->final = true;
    }
    wipe(bytes, len);
}

/* ---- NTLM and Negotiate ---- */

static void decode_token(struct span credentials, uint8_t *bytes, struct auth_token *token)
{
    struct span message = { bytes, base64_decode(credentials, false, bytes, TOKEN_MAX) };
    if (message.len == 0) {
        token->step = credentials.len && credentials.ptr[0] != ',' ? AUTH_STEP_TOKEN : AUTH_STEP_EMPTY;
        return;
    }
    token->digest = digest_of(token, message);
    if (!ntlm_decode(message, token)) {
        token->step = AUTH_STEP_TOKEN;
        if (token->scheme == AUTH_NEGOTIATE) {
            gss_decode(message, token);
        }
    }
    wipe(bytes, message.len);
}

/* ---- values ---- */

static const char *const scheme_names[] = {
    [AUTH_NONE] = "",         [AUTH_BASIC] = "Basic", [AUTH_NTLM] = "NTLM", [AUTH_NEGOTIATE] = "Negotiate",
    [AUTH_BEARER] = "Bearer", [AUTH_OTHER] = ""
};

const char *auth_scheme_name(enum auth_scheme scheme)
{
    return scheme_names[scheme];
}

const char *auth_token_scheme(const struct auth_token *token)
{
    if (token->scheme == AUTH_NEGOTIATE && token->is_ntlm) {
        return "Negotiate/NTLM";
    }
    if (token->scheme == AUTH_NEGOTIATE && token->is_kerberos) {
        return "Negotiate/Kerberos";
    }
    return scheme_names[token->scheme];
}

const char *auth_krb_error_name(unsigned code)
{
    /* RFC 4120 7.5.9: those of a service, which a KDC does not send for it */
    static const char *const names[] = { [KRB_BAD_INTEGRITY] = "KRB_AP_ERR_BAD_INTEGRITY",
                                         [KRB_TICKET_EXPIRED] = "KRB_AP_ERR_TKT_EXPIRED",
                                         [KRB_TICKET_NOT_YET] = "KRB_AP_ERR_TKT_NYV",
                                         [KRB_REPEAT] = "KRB_AP_ERR_REPEAT",
                                         [KRB_NOT_US] = "KRB_AP_ERR_NOT_US",
                                         [KRB_BAD_MATCH] = "KRB_AP_ERR_BADMATCH",
                                         [KRB_SKEW] = "KRB_AP_ERR_SKEW",
                                         [KRB_MODIFIED] = "KRB_AP_ERR_MODIFIED",
                                         [KRB_BAD_KEY_VERSION] = "KRB_AP_ERR_BADKEYVER",
                                         [KRB_NO_KEY] = "KRB_AP_ERR_NOKEY",
                                         [KRB_GENERIC] = "KRB_ERR_GENERIC" };
    return code < COUNT_OF(names) ? names[code] : NULL;
}

const char *auth_step_name(enum auth_step step)
{
    static const char *const names[] = { [AUTH_STEP_NONE] = "",
                                         [AUTH_STEP_EMPTY] = "",
                                         [AUTH_STEP_TYPE1] = "type1",
                                         [AUTH_STEP_TYPE2] = "type2",
                                         [AUTH_STEP_TYPE3] = "type3",
                                         [AUTH_STEP_AP_REQ] = "credentials",
                                         [AUTH_STEP_AP_REP] = "",
                                         [AUTH_STEP_BASIC] = "credentials",
                                         [AUTH_STEP_BEARER] = "credentials",
                                         [AUTH_STEP_TOKEN] = "" };
    return names[step];
}

/* A scheme's name at the start of a challenge, and what follows it. */
static enum auth_scheme scheme_of(struct span s, struct span *rest)
{
    size_t len = 0;
    while (len < s.len && is_token_char(s.ptr[len])) {
        len++;
    }
    struct span name = span_of(s.ptr, len);
    *rest = span_trim(span_skip(s, len));
    for (enum auth_scheme scheme = AUTH_BASIC; scheme < AUTH_OTHER; scheme++) {
        if (span_equals_nocase(name, scheme_names[scheme])) {
            return scheme;
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

void auth_token_decode(struct span header_value, const struct hash_key *key, struct auth_token *token)
{
    uint8_t bytes[TOKEN_MAX];
    memset(token, 0, sizeof(*token));
    token->neg_state = -1;
    token->key = key;
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
        break;
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

bool auth_names_token_source(struct span header_value)
{
    return span_has_word_nocase(header_value, "authorization_uri=");
}
