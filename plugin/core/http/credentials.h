/* credentials.h
 * What the value of an Authorization, WWW-Authenticate, Proxy-* or Authentication-Info
 * header says of a logon: Basic (RFC 7617), NTLM (MS-NTHT, MS-NLMP 2.2.1), Negotiate
 * (RFC 4559, MS-SPNG, RFC 4121), Bearer (RFC 6750). Pure: bytes in, values out.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CREDENTIALS_H
#define OUTLOOKHTTP_CREDENTIALS_H

#include "hash.h"

enum auth_scheme { AUTH_NONE, AUTH_BASIC, AUTH_NTLM, AUTH_NEGOTIATE, AUTH_BEARER, AUTH_OTHER };

enum auth_step {
    AUTH_STEP_NONE,  /* no value at all */
    AUTH_STEP_EMPTY, /* a scheme without token or credentials: an offer, or an empty Basic or Bearer */
    AUTH_STEP_TYPE1,
    AUTH_STEP_TYPE2,
    AUTH_STEP_TYPE3,
    AUTH_STEP_AP_REQ,
    AUTH_STEP_AP_REP,
    AUTH_STEP_BASIC,  /* with a user */
    AUTH_STEP_BEARER, /* with a token */
    AUTH_STEP_TOKEN   /* something else, or broken: see neg_state */
};

#define AUTH_VALUE_MAX 65536 /* characters of a header value */
#define AUTH_USER_MAX 128
#define AUTH_NB_COMPUTER_MAX 64
#define AUTH_DNS_COMPUTER_MAX 128
#define AUTH_WORKSTATION_MAX 64
#define AUTH_SERVICE_MAX 128

/* The target information that a type 2 gives and an NTLMv2 type 3 gives back (MS-NLMP
 * 2.2.2.1). Names are UTF-8. */
struct ntlm_target {
    bool present;
    bool has_timestamp;
    uint64_t timestamp;                       /* MsvAvTimestamp, FILETIME */
    char nb_computer[AUTH_NB_COMPUTER_MAX];   /* MsvAvNbComputerName */
    char dns_computer[AUTH_DNS_COMPUTER_MAX]; /* MsvAvDnsComputerName */
    char nb_domain[AUTH_NB_COMPUTER_MAX];     /* MsvAvNbDomainName */
    /* Over the names and the timestamp, in any order; what a client adds (MsvAvFlags,
     * MsvAvSingleHost, MsvAvTargetName, MsvAvChannelBindings) is left out. 0 without a key. */
    uint64_t names_digest;
};

/* Errors with which a service answers an AP-REQ, RFC 4120 7.5.9. */
enum krb_error {
    KRB_BAD_INTEGRITY = 31,
    KRB_TICKET_EXPIRED,
    KRB_TICKET_NOT_YET,
    KRB_REPEAT,
    KRB_NOT_US,
    KRB_BAD_MATCH,
    KRB_SKEW,
    KRB_MODIFIED = 41,
    KRB_BAD_KEY_VERSION = 44,
    KRB_NO_KEY,
    KRB_GENERIC = 60
};

struct auth_token {
    enum auth_scheme scheme;
    enum auth_step step;
    bool is_ntlm, is_kerberos; /* what is inside Negotiate; NTLM is always NTLM */
    bool in_spnego;
    bool final;                   /* answered for good or ill: BASIC, BEARER, AP_REQ, TYPE3 with a user */
    bool anonymous;               /* a TYPE3 without a user */
    bool ntlmv2;                  /* a TYPE3 with an NTLMv2 response */
    bool has_channel_bindings;    /* a TYPE3 with MsvAvChannelBindings that are not zero */
    uint8_t channel_bindings[16]; /* these, if they are as long as an MD5, else zero */
    int8_t neg_state;             /* SPNEGO: 0 completed, 1 incomplete, 2 rejected, 3 MIC wanted; -1 none */
    uint8_t krb_error;            /* of a KRB-ERROR, with which a server takes no AP-REQ; 0: none */
    /* UTF-8, as sent: "alice", "EXAMPLE\\alice", "alice@example.test"; of Bearer the name its
     * token claims, if it is readable; "" for Kerberos. Never a password. */
    char user[AUTH_USER_MAX];
    char workstation[AUTH_WORKSTATION_MAX]; /* of type 1 and 3 */
    char service[AUTH_SERVICE_MAX];         /* of an AP-REQ: whom its ticket is for, "HTTP/mail.example.test" */
    uint64_t digest;                        /* over the whole of NTLM, Negotiate and Bearer; 0 without a key */
    struct ntlm_target target;              /* of type 2, and as a type 3 with an NTLMv2 response echoes it */
    const struct hash_key *key;             /* of digests: the caller's */
};

/* Of a list of challenges it takes the first NTLM or Negotiate one that carries a token,
 * else the first. Passwords, responses and tokens are overwritten before it returns. key: the
 * file's secret, or NULL where no digest is wanted. */
void auth_token_decode(struct span header_value, const struct hash_key *key, struct auth_token *token);

/* The schemes that a WWW-Authenticate value offers: bits 1 << enum auth_scheme. */
unsigned auth_schemes_offered(struct span header_value);
/* Whether it says where to get another token (authorization_uri, as Exchange does beside Bearer). */
bool auth_names_token_source(struct span header_value);

/* "Basic", "NTLM", "Negotiate", "Bearer"; "" for the others. */
const char *auth_scheme_name(enum auth_scheme scheme);
/* The same of a token, with what is inside Negotiate: "Negotiate/NTLM", "Negotiate/Kerberos". */
const char *auth_token_scheme(const struct auth_token *token);
/* "type1", "type2", "type3", "credentials"; "" for the others. */
const char *auth_step_name(enum auth_step step);

/* "KRB_AP_ERR_MODIFIED"; NULL for one of no known name. */
const char *auth_krb_error_name(unsigned code);

/* Credentials in one message, which no challenge precedes. */
static inline bool auth_step_is_credentials(enum auth_step step)
{
    return step == AUTH_STEP_AP_REQ || step == AUTH_STEP_BASIC || step == AUTH_STEP_BEARER;
}

/* A token of which a request does not tell whether another follows. */
static inline bool auth_step_is_token(enum auth_step step)
{
    return step == AUTH_STEP_TYPE2 || step == AUTH_STEP_AP_REP || step == AUTH_STEP_TOKEN;
}

#endif
