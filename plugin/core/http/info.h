/* info.h
 * What a head says of a channel of RPC over HTTP (MS-RPCH 2.1.2.1, 2.2.2). Pure.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_INFO_H
#define OUTLOOKHTTP_INFO_H

#include "author.h"
#include "credentials.h"
#include "front_failure.h"

enum http_method { /* what is ours; the rest is HTTP_OTHER_METHOD */
                   HTTP_OTHER_METHOD,
                   HTTP_RPC_IN_DATA,
                   HTTP_RPC_OUT_DATA,
                   HTTP_RPC_CONNECT,
                   HTTP_CONNECT,
                   HTTP_HEAD_METHOD
};

/* What is kept of an Authorization header, as in struct auth_token. */
struct http_auth {
    enum auth_scheme scheme;
    enum auth_step step;
    bool final;
    bool anonymous;
    bool is_kerberos;         /* an AP-REQ in Negotiate */
    char user[AUTH_USER_MAX]; /* UTF-8, as sent: "alice", "EXAMPLE\\alice", "alice@example.test"; never a password */
};

/* Decodes an Authorization value. Base64 is bounded to what HTTP_HEAD_MAX allows;
 * the password of Basic is overwritten before return. */
void http_auth_decode(struct span value, struct http_auth *auth);

/* Everything routing wants to know of one head. Strings are NUL-terminated UTF-8 with
 * control characters replaced, cut at their size. Empty where absent. */
struct http_info {
    struct http_fields fields; /* point into the head: valid as long as it */
    bool is_request;
    enum http_method method;
    unsigned status;
    unsigned version_minor;
    int64_t content_length; /* -1 when absent or unreadable */
    bool chunked;
    bool close; /* Connection: close */
    bool expect_continue;
    bool content_type_rpc;  /* application/rpc */
    bool content_type_text; /* text/...: a page for people */
    bool has_target;
    char target[288]; /* "server:port" of rpcproxy.dll?server:port */
    bool v1;          /* RPC_CONNECT */
    char host[HTTP_NAME_MAX];
    char outlook_session[64]; /* OutlookSession cookie, GUID text, braces and quotes dropped */
    char session_id[64];      /* Pragma: SessionId= */
    char user_agent[64];
    unsigned min_conn_timeout;  /* Pragma: MinConnTimeout=, seconds, 0 if absent */
    struct http_auth auth;      /* requests: Authorization */
    bool proxy_final;           /* Proxy-Authorization is answered for good or ill */
    bool offers_auth;           /* responses: WWW-Authenticate or Proxy-Authenticate present */
    unsigned offers;            /* by WWW-Authenticate: bits of enum auth_scheme */
    bool names_token_source;    /* WWW-Authenticate has authorization_uri: where to get another token */
    uint8_t krb_error;          /* of a KRB-ERROR in WWW-Authenticate, 0: none */
    bool challenge_in_progress; /* WWW-Authenticate carries an NTLM type 2 or a Negotiate token */
    /* The server's computer name in an NTLM type 2 (raw or in SPNEGO): MsvAvDnsComputerName (3),
     * else MsvAvNbComputerName (1), MS-NLMP 2.2.2.1. */
    char challenge_server[HTTP_NAME_MAX];
    char front_end[HTTP_NAME_MAX]; /* X-FEServer */
    char failure_context[256];     /* X-FailureContext, as sent */
    char diag_info[HTTP_NAME_MAX]; /* X-DiagInfo */
    char request_id[64];           /* request-id */
    char client_request_id[64];    /* client-request-id */
    char server_header[64];        /* Server */
    char via[64];                  /* Via */
    char persistence_name[64];     /* cookie that names a server, set or returned */
    char persistence_server[HTTP_NAME_MAX];
    bool device_cookie; /* one that a device alone makes was set or returned */
    bool citrix_cookie; /* of those one of Citrix ADC */
    bool rpc_error;     /* 503 RPC Error: X */
    uint32_t rpc_error_code;
    char ee_info[64];        /* start of the EEInfo base64 of the reason phrase, empty if none */
    enum http_author author; /* responses: who wrote it, by its headers, and by its page once that was read */
    char cas_error[64];      /* X-CasErrorCode */
    struct http_front_says front;
    char content_type[48]; /* of a response */
    char retry_after[32];  /* Retry-After */
    char location[128];    /* Location, up to its query, which may be a secret */
    const char *product;   /* whose page or redirection it is, NULL if not known */
    struct http_page page; /* as far as http_info_page() has read it */
};

/* Fills *info from a parsed head. */
void http_info_decode(const struct http_head *head, struct http_info *info);

/* The beginning of a response's body, as for http_page_read(), of the head that *info was filled from and that is still
 * there. */
void http_info_page(struct http_info *info, struct span body);

/* "0x000006ba" -> "RPC_S_SERVER_UNAVAILABLE": the codes RPC proxies report
 * (MS-ERREF 2.2, RPC_S_* and a few Win32 ones). NULL if unknown. */
const char *http_rpc_error_name(uint32_t code);

#endif
