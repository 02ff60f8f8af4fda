/* fuzz_authtoken.c
 * Any bytes as a header's value, and as the token of Negotiate, NTLM, Basic or Bearer. The
 * first byte chooses.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "credentials.h"
#include "exchange_cookies.h"
#include "info.h"

#include <assert.h>
#include <stdlib.h>

static size_t encode(const uint8_t *p, size_t len, bool url, uint8_t *to)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char for_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *digits = url ? for_url : plain;
    size_t n = 0;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)p[i] << 16;
        bits |= i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0;
        bits |= i + 2 < len ? p[i + 2] : 0;
        to[n++] = (uint8_t)digits[bits >> 18];
        to[n++] = (uint8_t)digits[bits >> 12 & 63];
        if (i + 1 < len) {
            to[n++] = (uint8_t)digits[bits >> 6 & 63];
        }
        if (i + 2 < len) {
            to[n++] = (uint8_t)digits[bits & 63];
        }
    }
    return n;
}

/* Valid UTF-8 without control characters that ends inside its array. */
static void check_text(const char *text, size_t size)
{
    const char *end = memchr(text, '\0', size);
    assert(end);
    while (text < end) {
        uint8_t lead = (uint8_t)*text++;
        unsigned more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        assert(lead >= 0x20 && lead != 0x7F && (lead < 0x80 || lead >= 0xC2) && lead < 0xF5);
        for (; more > 0; more--) {
            assert(((uint8_t)*text++ & 0xC0) == 0x80);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const prefixes[] = {
        "", "Negotiate ", "NTLM ", "Basic ", "Bearer eyJ9.", "Basic x=\"y\", NTLM "
    };
    if (size == 0) {
        return 0;
    }
    unsigned choice = data[0] % 6;
    const char *prefix = prefixes[choice];
    uint8_t *value = malloc(strlen(prefix) + size * 2 + 4);
    assert(value);
    size_t len = strlen(prefix);
    memcpy(value, prefix, len);
    if (choice == 0) {
        memcpy(value, data + 1, size - 1);
        len = size - 1;
    } else {
        len += encode(data + 1, size - 1, choice == 4, value + len);
    }
    uint8_t *exact = malloc(len ? len : 1);
    assert(exact);
    memcpy(exact, value, len);
    struct span header = { exact, len };

    static const struct hash_key secret = { { 1, 2 } };
    struct auth_token token, again;
    auth_token_decode(header, &secret, &token);
    auth_token_decode(header, &secret, &again);
    assert(memcmp(&token, &again, sizeof(token)) == 0);
    check_text(token.user, sizeof(token.user));
    check_text(token.workstation, sizeof(token.workstation));
    check_text(token.target.nb_computer, sizeof(token.target.nb_computer));
    check_text(token.target.dns_computer, sizeof(token.target.dns_computer));
    check_text(token.target.nb_domain, sizeof(token.target.nb_domain));
    assert((token.step == AUTH_STEP_NONE) == (token.scheme == AUTH_NONE));
    assert(!token.anonymous || (token.step == AUTH_STEP_TYPE3 && !token.final));
    assert(!token.ntlmv2 || token.step == AUTH_STEP_TYPE3 || token.step == AUTH_STEP_TOKEN);
    assert(!(token.is_ntlm && token.is_kerberos));
    assert(!token.target.present || token.is_ntlm);
    assert(token.step != AUTH_STEP_AP_REQ || (token.final && token.is_kerberos && !token.user[0]));
    assert(token.step != AUTH_STEP_BASIC || (token.final && token.user[0]));
    assert(auth_schemes_offered(header) < 1u << (AUTH_OTHER + 1));

    struct http_auth auth;
    http_auth_decode(header, &auth);
    assert(auth.final == token.final && auth.is_kerberos <= token.is_kerberos);
    free(exact);
    free(value);
    return 0;
}
