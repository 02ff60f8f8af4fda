/* httphead.h
 * The head of an HTTP/1.x message (RFC 9112) and what Outlook, Exchange and the
 * devices between write into it. Pure: bytes in, values out; spans point into the
 * caller's buffer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_HTTPHEAD_H
#define OUTLOOKHTTP_HTTPHEAD_H

#include "chars.h"

#define HTTP_HEAD_MAX 65536      /* a longer head is not waited for */

struct http_head {
    bool is_request;
    struct span method, uri;     /* requests */
    unsigned status;             /* responses, 100-999 */
    struct span reason;          /* responses */
    unsigned version_minor;      /* HTTP/1.x */
    struct span fields;          /* the header lines, first to last, without the empty line */
    size_t length;               /* of the whole head, empty line included */
};

enum http_head_result {
    HTTP_HEAD_OK,
    HTTP_HEAD_MORE,              /* the start of a head; its empty line is not there yet */
    HTTP_HEAD_NOT                /* no HTTP message starts here */
};

/* Parses the head at p. A leading empty line (RFC 9112 2.2) counts into length.
 * Bare LF is taken as a line end. Says MORE only for what is a head so far and
 * shorter than HTTP_HEAD_MAX. */
enum http_head_result http_head_parse(const uint8_t *p, size_t len, struct http_head *head);

/* Iterates over header fields: pos starts at 0; returns false at the end. Values
 * are trimmed; obsolete line folding is kept inside the value. */
bool http_head_next(const struct http_head *head, size_t *pos, struct span *name, struct span *value);

/* The first field of that name in any letter case; false if there is none. */
bool http_head_find(const struct http_head *head, const char *name, struct span *value);

/* Content-Length; -1 when absent, unreadable, or given twice and not alike. */
int64_t http_content_length(const struct http_head *head);

enum http_method {               /* what is ours; the rest is HTTP_OTHER_METHOD */
    HTTP_OTHER_METHOD, HTTP_RPC_IN_DATA, HTTP_RPC_OUT_DATA, HTTP_RPC_CONNECT, HTTP_CONNECT, HTTP_HEAD_METHOD
};

enum http_auth_scheme { HTTP_AUTH_NONE, HTTP_AUTH_BASIC, HTTP_AUTH_NTLM, HTTP_AUTH_NEGOTIATE, HTTP_AUTH_BEARER, HTTP_AUTH_OTHER };

/* What an Authorization header is. "Final" credentials are answered for good or ill:
 * Basic with a user, Bearer with a token, an NTLM type 3 with a user (raw or in
 * SPNEGO), a Negotiate token that starts with Kerberos AP-REQ. */
enum http_auth_step { HTTP_STEP_NONE, HTTP_STEP_EMPTY, HTTP_STEP_TYPE1, HTTP_STEP_TYPE3, HTTP_STEP_ANONYMOUS, HTTP_STEP_CREDENTIALS, HTTP_STEP_TOKEN };

#define HTTP_USER_MAX 128
#define HTTP_NAME_MAX 128

struct http_auth {
    enum http_auth_scheme scheme;
    enum http_auth_step step;
    bool final;
    bool is_kerberos;            /* Negotiate only */
    char user[HTTP_USER_MAX];    /* UTF-8, as sent: "alice", "EXAMPLE\\alice", "alice@example.test"; never a password */
};

/* Decodes an Authorization value. Base64 is bounded to what HTTP_HEAD_MAX allows;
 * the password of Basic is overwritten before return. */
void http_auth_decode(struct span value, struct http_auth *auth);

/* The server's computer name in an NTLM type-2 challenge (raw or in SPNEGO):
 * MsvAvDnsComputerName (3), else MsvAvNbComputerName (1), MS-NLMP 2.2.2.1. Takes a
 * WWW-Authenticate value; false if it carries no such challenge. */
bool http_challenge_server(struct span value, char name[HTTP_NAME_MAX]);

/* A load balancer's persistence cookie whose value names a server and may be
 * compared: unencrypted F5 BIGipServer*, SERVERID, SRV, ARRAffinity, X-BackEndCookie
 * with Server~. Fills server with "10.1.1.100:8080", the FQDN, or for opaque
 * comparable ones "SERVERID=" and a digest of 8 hex digits (never the value). False for
 * rotating, encrypted or unknown cookies. */
bool http_persistence_server(struct span name, struct span value, char server[HTTP_NAME_MAX]);

#define HTTP_BACKEND_COOKIE_MAX 256

/* What an X-BackEndCookie says: "Server~<fqdn>~<version>~<expiry>" or "Database~<guid>~<domain>~<expiry>".
 * False if it does not parse. */
bool http_backend_cookie(struct span value, char text[HTTP_BACKEND_COOKIE_MAX]);

/* Splits "a=1; b=2" (Cookie) step by step; pos starts at 0. */
bool http_cookie_next(struct span cookies, size_t *pos, struct span *name, struct span *value);

enum http_author { HTTP_BY_UNKNOWN, HTTP_BY_EXCHANGE, HTTP_BY_HTTPSYS, HTTP_BY_DEVICE };

/* Everything routing wants to know of one head. Strings are NUL-terminated UTF-8 with
 * control characters replaced, cut at their size. Empty where absent. */
struct http_info {
    bool is_request;
    enum http_method method;
    unsigned status;
    unsigned version_minor;
    int64_t content_length;      /* -1 when absent or unreadable */
    bool chunked;
    bool close;                  /* Connection: close */
    bool expect_continue;
    bool content_type_rpc;       /* application/rpc */
    bool content_type_text;      /* text/...: a page for people */
    bool has_target;
    char target[288];            /* "server:port" of rpcproxy.dll?server:port */
    bool v1;                     /* RPC_CONNECT */
    char host[HTTP_NAME_MAX];
    char outlook_session[64];    /* OutlookSession cookie, GUID text, braces and quotes dropped */
    char session_id[64];         /* Pragma: SessionId= */
    char user_agent[64];
    unsigned min_conn_timeout;   /* Pragma: MinConnTimeout=, seconds, 0 if absent */
    struct http_auth auth;       /* requests */
    bool offers_auth;            /* responses: WWW-Authenticate or Proxy-Authenticate present */
    bool challenge_in_progress;  /* WWW-Authenticate carries an NTLM type 2 or a Negotiate token */
    char challenge_server[HTTP_NAME_MAX];
    char front_end[HTTP_NAME_MAX];       /* X-FEServer */
    char failure_context[256];           /* X-FailureContext, as sent */
    char diag_info[HTTP_NAME_MAX];       /* X-DiagInfo */
    char request_id[64];                 /* request-id */
    char client_request_id[64];          /* client-request-id */
    char server_header[64];              /* Server */
    char via[64];                        /* Via */
    char persistence_name[64];           /* cookie that names a server, set or returned */
    char persistence_server[HTTP_NAME_MAX];
    bool rpc_error;              /* 503 RPC Error: X */
    uint32_t rpc_error_code;
    char ee_info[64];            /* start of the EEInfo base64 of the reason phrase, empty if none */
    enum http_author author;     /* responses: who wrote it, by its headers */
};

/* Fills *info from a parsed head. */
void http_info_decode(const struct http_head *head, struct http_info *info);

/* "0x000006ba" -> "RPC_S_SERVER_UNAVAILABLE": the codes RPC proxies report
 * (MS-ERREF 2.2, RPC_S_* and a few Win32 ones). NULL if unknown. */
const char *http_rpc_error_name(uint32_t code);

/* Chunked transfer coding (RFC 9112 7.1) as a machine fed byte by byte in pieces. */
enum http_chunk_state {
    HTTP_CHUNK_SIZE, HTTP_CHUNK_DATA, HTTP_CHUNK_DATA_END, HTTP_CHUNK_TRAILER, HTTP_CHUNK_DONE, HTTP_CHUNK_BAD
};

struct http_chunks {
    uint64_t left;               /* of the current chunk's data */
    uint16_t line;               /* characters of the current line so far; capped at 4096 */
    uint8_t state;               /* enum http_chunk_state */
    uint8_t digits;
    bool in_extension;
};

void http_chunks_init(struct http_chunks *chunks);

/* Consumes the next stretch of p: returns how many bytes were used (> 0 unless DONE or
 * BAD or len is 0) and sets *data to the run of chunk data inside them (len 0 if they
 * were framing). Call again for the rest. */
size_t http_chunks_next(struct http_chunks *chunks, const uint8_t *p, size_t len, struct span *data);

#endif
