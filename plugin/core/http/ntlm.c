/* ntlm.c
 * Messages of NTLM (MS-NLMP 2.2.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "credentials_private.h"

#include "chars.h"

const char ntlm_signature[8] = "NTLMSSP";

enum {
    NTLM_TYPE = 8,
    NTLM_UNICODE = 1,
    NEGOTIATE_WORKSTATION = 24,
    CHALLENGE_TARGET_INFO = 40,
    AUTHENTICATE_RESPONSE = 20,
    AUTHENTICATE_DOMAIN = 28,
    AUTHENTICATE_USER = 36,
    AUTHENTICATE_WORKSTATION = 44,
    AUTHENTICATE_FLAGS = 60,
    /* NTLMv2_RESPONSE: 16 bytes of proof, then the client's challenge (2.2.2.7). */
    RESPONSE_TYPE = 16,
    RESPONSE_HIGHEST_TYPE = 17,
    RESPONSE_AV_PAIRS = 44
};

enum {
    AV_EOL,
    AV_NB_COMPUTER,
    AV_NB_DOMAIN,
    AV_DNS_COMPUTER,
    AV_DNS_DOMAIN,
    AV_DNS_TREE,
    AV_FLAGS,
    AV_TIMESTAMP,
    AV_SINGLE_HOST,
    AV_TARGET_NAME,
    AV_CHANNEL_BINDINGS
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
            target->names_digest += token->key ? hash_keyed(token->key, 0, pair.ptr, pair.len) : 0;
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
        return; /* the 24 bytes of NTLMv1, or nothing */
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
    bool unicode = message.len >= AUTHENTICATE_FLAGS + 4 && (get_le32(message.ptr + AUTHENTICATE_FLAGS) & NTLM_UNICODE);
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

bool ntlm_decode(struct span message, struct auth_token *token)
{
    if (message.len < NTLM_HEADER_LEN || memcmp(message.ptr, ntlm_signature, sizeof(ntlm_signature)) != 0) {
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
