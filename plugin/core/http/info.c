/* info.c
 * What routing wants to know of a head.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "info.h"

#include "exchange_cookies.h"
#include "field.h"

#define COPY_TEXT(array, span) chars_copy(array, sizeof(array), span)

/* ---- credentials and challenges ------------------------------------------------------ */

void http_auth_decode(struct span value, struct http_auth *auth)
{
    struct auth_token token;
    auth_token_decode(value, NULL, &token);
    memset(auth, 0, sizeof(*auth));
    auth->scheme = token.scheme;
    auth->step = token.step;
    auth->final = token.final;
    auth->anonymous = token.anonymous;
    auth->is_kerberos = token.is_kerberos && token.step == AUTH_STEP_AP_REQ;
    /* The name in a Bearer token is the issuer's word, not what the client logged on as. */
    if (token.scheme != AUTH_BEARER) {
        memcpy(auth->user, token.user, sizeof(auth->user));
    }
}

static void challenge_server(const struct auth_token *token, char name[HTTP_NAME_MAX])
{
    _Static_assert(AUTH_DNS_COMPUTER_MAX <= HTTP_NAME_MAX && AUTH_NB_COMPUTER_MAX <= HTTP_NAME_MAX, "names fit");
    if (token->step == AUTH_STEP_TYPE2) {
        const struct ntlm_target *target = &token->target;
        const char *computer = target->dns_computer[0] ? target->dns_computer : target->nb_computer;
        memcpy(name, computer, strlen(computer) + 1);
    }
}

/* ---- what routing wants to know ------------------------------------------------------- */

static enum http_method method_of(struct span method)
{
    static const char *const methods[] = { [HTTP_RPC_IN_DATA] = "RPC_IN_DATA",
                                           [HTTP_RPC_OUT_DATA] = "RPC_OUT_DATA",
                                           [HTTP_RPC_CONNECT] = "RPC_CONNECT",
                                           [HTTP_CONNECT] = "CONNECT",
                                           [HTTP_HEAD_METHOD] = "HEAD" };
    for (enum http_method known = HTTP_RPC_IN_DATA; known <= HTTP_HEAD_METHOD; known++) {
        if (span_equals(method, methods[known])) {
            return known;
        }
    }
    return HTTP_OTHER_METHOD;
}

/* The target of MS-RPCH 2.2.2: what follows ".../rpcproxy.dll?". */
static void decode_target(struct span uri, struct http_info *info)
{
    static const char dll[] = "rpcproxy.dll";
    size_t path = span_until(uri, '?');
    if (path < strlen(dll) || path + 1 >= uri.len ||
        !span_starts_nocase(span_of(uri.ptr + path - strlen(dll), strlen(dll)), dll)) {
        return;
    }
    COPY_TEXT(info->target, span_skip(uri, path + 1));
    info->has_target = true;
}

static void decode_pragma(struct span value, struct http_info *info)
{
    struct span directive;
    while (span_next(&value, ',', &directive)) {
        size_t equals = span_until(directive, '=');
        if (equals == directive.len) {
            continue;
        }
        struct span name = span_trim(span_of(directive.ptr, equals));
        struct span argument = span_unquoted(span_trim(span_skip(directive, equals + 1)));
        uint64_t seconds;
        if (span_equals_nocase(name, "SessionId") && !info->session_id[0]) {
            COPY_TEXT(info->session_id, argument);
        } else if (span_equals_nocase(name, "MinConnTimeout") && span_decimal(argument, UINT32_MAX, &seconds)) {
            info->min_conn_timeout = (unsigned)seconds;
        }
    }
}

static void note_persistence(struct span name, struct span value, struct http_info *info)
{
    char server[HTTP_NAME_MAX];
    info->device_cookie |= exch_is_device_cookie(name);
    info->citrix_cookie |= exch_is_citrix_cookie(name);
    if (!info->persistence_server[0] && http_persistence_server(name, value, server)) {
        memcpy(info->persistence_server, server, sizeof(server));
        COPY_TEXT(info->persistence_name, name);
    }
}

static void decode_cookies(struct span value, struct http_info *info)
{
    size_t pos = 0;
    struct span name, content;
    while (http_cookie_next(value, &pos, &name, &content)) {
        note_persistence(name, content, info);
        if (span_equals_nocase(name, "OutlookSession") && !info->outlook_session[0]) {
            content = span_unquoted(content);
            if (content.len >= 2 && content.ptr[0] == '{' && content.ptr[content.len - 1] == '}') {
                content = span_of(content.ptr + 1, content.len - 2);
            }
            COPY_TEXT(info->outlook_session, content);
        }
    }
}

/* "RPC Error: <hex>[, EEInfo: <base64>]", MS-RPCH 2.1.2.1.3. */
static void decode_reason(struct span reason, struct http_info *info)
{
    static const char rpc_error[] = "RPC Error:", ee_info[] = ", EEInfo:";
    if (!span_starts_nocase(reason, rpc_error)) {
        return;
    }
    struct span rest = span_trim(span_skip(reason, strlen(rpc_error)));
    if (span_starts_nocase(rest, "0x")) {
        rest = span_skip(rest, 2);
    }
    uint32_t code = 0;
    size_t digits = 0;
    while (digits < rest.len && hex_value(rest.ptr[digits]) >= 0) {
        if (code >> 28) {
            return;
        }
        code = code << 4 | (uint32_t)hex_value(rest.ptr[digits++]);
    }
    if (digits == 0) {
        return;
    }
    info->rpc_error = true;
    info->rpc_error_code = code;
    rest = span_skip(rest, digits);
    if (span_starts_nocase(rest, ee_info)) {
        COPY_TEXT(info->ee_info, span_trim(span_skip(rest, strlen(ee_info))));
    }
}

static void note_challenge(struct span value, struct http_info *info)
{
    struct auth_token token;
    auth_token_decode(value, NULL, &token);
    info->offers |= auth_schemes_offered(value);
    info->names_token_source |= auth_names_token_source(value);
    info->krb_error = token.krb_error ? token.krb_error : info->krb_error;
    if ((token.scheme == AUTH_NTLM || token.scheme == AUTH_NEGOTIATE) && token.step != AUTH_STEP_EMPTY) {
        info->challenge_in_progress = true;
        if (!info->challenge_server[0]) {
            challenge_server(&token, info->challenge_server);
        }
    }
}

/* Headers that are copied as they are. */
static void copy_texts(const struct http_fields *fields, struct http_info *info)
{
    struct http_origin origin;
    COPY_TEXT(info->host, fields->host);
    COPY_TEXT(info->user_agent, fields->user_agent);
    COPY_TEXT(info->failure_context, fields->failure_context);
    COPY_TEXT(info->diag_info, fields->diag_info);
    COPY_TEXT(info->request_id, fields->request_id);
    COPY_TEXT(info->client_request_id, fields->client_request_id);
    http_origin_of(fields, NULL, &origin);
    if (!info->is_request) {
        COPY_TEXT(info->content_type, fields->content_type);
        COPY_TEXT(info->retry_after, fields->retry_after);
        COPY_TEXT(info->location, span_of(fields->location.ptr, span_until(fields->location, '?')));
        info->product = origin.product;
    }
    memcpy(info->cas_error, origin.cas_error, sizeof(info->cas_error));
    memcpy(info->front_end, origin.front_end, sizeof(info->front_end));
    memcpy(info->server_header, origin.server, sizeof(info->server_header));
    memcpy(info->via, origin.via, sizeof(info->via));
    http_front_says(fields->cas_error, fields->failure_context, info->status, &info->front);
    info->author = info->is_request ? HTTP_BY_UNKNOWN : origin.author;
}

static void decode_request(const struct http_head *head, struct http_info *info)
{
    const struct http_fields *fields = &info->fields;
    struct http_lines cookies = fields->cookies, pragmas = fields->pragmas;
    struct span name, value;
    info->method = method_of(head->method);
    info->v1 = info->method == HTTP_RPC_CONNECT;
    decode_target(head->uri, info);
    if (fields->authorization.len > 0) {
        http_auth_decode(fields->authorization, &info->auth);
    }
    if (fields->proxy_authorization.len > 0) {
        struct http_auth proxy;
        http_auth_decode(fields->proxy_authorization, &proxy);
        info->proxy_final = proxy.final;
    }
    info->expect_continue = span_equals_nocase(fields->expect, "100-continue");
    while (http_lines_next(head, "Cookie", &cookies, &name, &value)) {
        decode_cookies(value, info);
    }
    while (http_lines_next(head, "Pragma", &pragmas, &name, &value)) {
        decode_pragma(value, info);
    }
}

static void decode_response(const struct http_head *head, struct http_info *info)
{
    const struct http_fields *fields = &info->fields;
    struct http_lines cookies = fields->set_cookies, challenges = fields->challenges;
    struct span name, value, cookie, content;
    if (head->status == 503) {
        decode_reason(head->reason, info);
    }
    info->offers_auth = challenges.count > 0 || fields->proxy_authenticate.ptr;
    while (http_lines_next(head, "WWW-Authenticate", &challenges, &name, &value)) {
        note_challenge(value, info);
    }
    while (http_lines_next(head, "Set-Cookie", &cookies, &name, &value)) {
        size_t pos = 0;
        if (http_cookie_next(value, &pos, &cookie, &content)) {
            note_persistence(cookie, content, info);
        }
    }
}

void http_info_decode(const struct http_head *head, struct http_info *info)
{
    memset(info, 0, sizeof(*info));
    http_fields_read(head, &info->fields);
    const struct span type = info->fields.content_type;
    info->is_request = head->is_request;
    info->status = head->status;
    info->version_minor = head->version_minor;
    info->content_length = info->fields.content_length;
    info->chunked = info->fields.chunked;
    info->close = info->fields.close;
    info->content_type_text = span_starts_nocase(type, "text/");
    info->content_type_rpc = span_equals_nocase(span_trim(span_of(type.ptr, span_until(type, ';'))), "application/rpc");
    copy_texts(&info->fields, info);
    if (head->is_request) {
        decode_request(head, info);
    } else {
        decode_response(head, info);
    }
}

void http_info_page(struct http_info *info, struct span body)
{
    struct http_origin origin;
    if (info->is_request || body.len == 0 || info->fields.content_encoding.len > 0) {
        return;
    }
    http_page_read(body, &info->page);
    http_origin_of(&info->fields, &info->page, &origin);
    info->author = origin.author;
    info->product = origin.product;
}

const char *http_rpc_error_name(uint32_t code)
{
    static FIELD_NAMES(
        names, 0x00000002, "ERROR_FILE_NOT_FOUND", 0x00000005, "ERROR_ACCESS_DENIED", 0x00000008,
        "ERROR_NOT_ENOUGH_MEMORY", 0x0000000E, "ERROR_OUTOFMEMORY", 0x00000035, "ERROR_BAD_NETPATH", 0x00000057,
        "ERROR_INVALID_PARAMETER", 0x0000052E, "ERROR_LOGON_FAILURE", 0x0000052F, "ERROR_ACCOUNT_RESTRICTION",
        0x00000530, "ERROR_INVALID_LOGON_HOURS", 0x00000531, "ERROR_INVALID_WORKSTATION", 0x00000532,
        "ERROR_PASSWORD_EXPIRED", 0x00000533, "ERROR_ACCOUNT_DISABLED", 0x000005B4, "ERROR_TIMEOUT", 0x000006A4,
        "RPC_S_INVALID_STRING_BINDING", 0x000006A5, "RPC_S_WRONG_KIND_OF_BINDING", 0x000006A6, "RPC_S_INVALID_BINDING",
        0x000006A7, "RPC_S_PROTSEQ_NOT_SUPPORTED", 0x000006A8, "RPC_S_INVALID_RPC_PROTSEQ", 0x000006AA,
        "RPC_S_INVALID_ENDPOINT_FORMAT", 0x000006AB, "RPC_S_INVALID_NET_ADDR", 0x000006AC, "RPC_S_NO_ENDPOINT_FOUND",
        0x000006AD, "RPC_S_INVALID_TIMEOUT", 0x000006B5, "RPC_S_UNKNOWN_IF", 0x000006B9, "RPC_S_OUT_OF_RESOURCES",
        0x000006BA, "RPC_S_SERVER_UNAVAILABLE", 0x000006BB, "RPC_S_SERVER_TOO_BUSY", 0x000006BC,
        "RPC_S_INVALID_NETWORK_OPTIONS", 0x000006BE, "RPC_S_CALL_FAILED", 0x000006BF, "RPC_S_CALL_FAILED_DNE",
        0x000006C0, "RPC_S_PROTOCOL_ERROR", 0x000006C1, "RPC_S_PROXY_ACCESS_DENIED", 0x000006D9, "EPT_S_NOT_REGISTERED",
        0x000006E4, "RPC_S_CANNOT_SUPPORT", 0x000006E6, "RPC_S_INTERNAL_ERROR", 0x00000701, "ERROR_ACCOUNT_EXPIRED",
        0x0000071A, "RPC_S_CALL_CANCELLED", 0x0000071C, "RPC_S_COMM_FAILURE", 0x00000721, "RPC_S_SEC_PKG_ERROR",
        0x00000729, "RPC_S_COOKIE_AUTH_FAILED", 0x00000773, "ERROR_PASSWORD_MUST_CHANGE", 0x00000775,
        "ERROR_ACCOUNT_LOCKED_OUT", 0x00002747, "WSAENOBUFS", 0x0000274C, "WSAETIMEDOUT", 0x0000274D, "WSAECONNREFUSED",
        0x00002751, "WSAEHOSTUNREACH", 0x00002AF9, "WSAHOST_NOT_FOUND");
    return field_name(names, code);
}
