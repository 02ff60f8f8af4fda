/* httphead.c
 * HTTP/1.x heads, credentials, cookies and the chunked coding, for routing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "httphead.h"

#include "authtoken.h"
#include "chars.h"
#include "tcp.h"

#include <stdio.h>

#define METHOD_MAX 32
#define TOKEN_MAX (HTTP_HEAD_MAX / 4 * 3)

/* ---- characters and spans ---- */

static int hex_value(uint8_t c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool span_equals(struct span s, const char *text)
{
    return s.len == strlen(text) && (s.len == 0 || memcmp(s.ptr, text, s.len) == 0);
}

/* Whether a word of s begins with text. */
static bool span_has_word_nocase(struct span s, const char *text)
{
    bool at_word = true;
    for (; s.len >= strlen(text); s = span_skip(s, 1)) {
        if (at_word && span_starts_nocase(s, text)) {
            return true;
        }
        at_word = !is_digit(s.ptr[0]) && (lower(s.ptr[0]) < 'a' || lower(s.ptr[0]) > 'z');
    }
    return false;
}

/* Takes the next element of a list; false at the end. Blanks around it are dropped. */
static bool next_element(struct span *list, uint8_t separator, struct span *element)
{
    if (list->len == 0) {
        return false;
    }
    size_t len = span_until(*list, separator);
    *element = span_trim(span_of(list->ptr, len));
    *list = span_skip(*list, len < list->len ? len + 1 : len);
    return true;
}

static bool read_decimal(struct span s, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit(s.ptr[i]) || sum > (max - (uint64_t)(s.ptr[i] - '0')) / 10) {
            return false;
        }
        sum = sum * 10 + (uint64_t)(s.ptr[i] - '0');
    }
    *value = sum;
    return s.len > 0;
}

#define COPY_TEXT(array, span) chars_copy(array, sizeof(array), span)

/* ---- heads ---- */

static bool is_version(const uint8_t *p, size_t len)
{
    return len == 8 && memcmp(p, "HTTP/1.", 7) == 0 && is_digit(p[7]);
}

static bool parse_status_line(struct span line, struct http_head *head)
{
    if (line.len < 12 || !is_version(line.ptr, 8) || line.ptr[8] != ' ' || (line.len > 12 && line.ptr[12] != ' ')) {
        return false;
    }
    uint64_t status;
    if (!read_decimal(span_of(line.ptr + 9, 3), 999, &status) || status < 100) {
        return false;
    }
    head->is_request = false;
    head->status = (unsigned)status;
    head->version_minor = (unsigned)(line.ptr[7] - '0');
    head->reason = span_trim(span_skip(line, 12));
    return true;
}

static size_t method_length(struct span s)
{
    size_t len = 0;
    while (len < s.len && len <= METHOD_MAX && is_token_char(s.ptr[len])) {
        len++;
    }
    return len;
}

static bool parse_request_line(struct span line, struct http_head *head)
{
    size_t method = method_length(line);
    if (method == 0 || method > METHOD_MAX || line.len < method + 10 || line.ptr[method] != ' ') {
        return false;
    }
    const uint8_t *version = line.ptr + line.len - 8;
    if (!is_version(version, 8) || version[-1] != ' ') {
        return false;
    }
    head->is_request = true;
    head->method = span_of(line.ptr, method);
    head->uri = span_trim(span_of(line.ptr + method, line.len - method - 8));
    head->version_minor = (unsigned)(version[7] - '0');
    return head->uri.len > 0;
}

/* Whether these bytes, without their line's end, may become a start line. */
static bool may_start(struct span s)
{
    static const char version[] = "HTTP/1.";
    size_t common = s.len < sizeof(version) - 1 ? s.len : sizeof(version) - 1;
    if (common == 0 || memcmp(s.ptr, version, common) == 0) {
        return true;
    }
    size_t method = method_length(s);
    return method > 0 && method <= METHOD_MAX && (method == s.len || s.ptr[method] == ' ');
}

/* A control character proves that this is no head. */
static bool is_head_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7F) {
            return false;
        }
    }
    return true;
}

/* Takes the line at pos, its end excluded; false if the end is not there. */
static bool take_line(struct span s, size_t *pos, struct span *line)
{
    struct span rest = span_skip(s, *pos);
    size_t len = span_until(rest, '\n');
    *line = span_of(rest.ptr, len);
    if (len == rest.len) {
        return false;
    }
    *pos += len + 1;
    if (len > 0 && line->ptr[len - 1] == '\r') {
        line->len--;
    }
    return true;
}

enum http_head_result http_head_parse(const uint8_t *p, size_t len, struct http_head *head)
{
    struct span all = { p, len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX };
    enum http_head_result unfinished = len < HTTP_HEAD_MAX ? HTTP_HEAD_MORE : HTTP_HEAD_NOT;
    size_t pos = 0;
    struct span line;
    bool ended;

    memset(head, 0, sizeof(*head));
    if (len == 0) {
        return HTTP_HEAD_MORE;
    }
    do {
        ended = take_line(all, &pos, &line);
    } while (ended && line.len == 0);
    if (!ended) {
        if (line.len == 1 && line.ptr[0] == '\r') {
            return unfinished;
        }
        return is_head_text(line) && may_start(line) ? unfinished : HTTP_HEAD_NOT;
    }
    if (!is_head_text(line) || !(parse_status_line(line, head) || parse_request_line(line, head))) {
        return HTTP_HEAD_NOT;
    }
    size_t first = pos;
    for (;;) {
        size_t before = pos;
        ended = take_line(all, &pos, &line);
        if (!is_head_text(line)) {
            return HTTP_HEAD_NOT;
        }
        if (!ended) {
            return unfinished;
        }
        if (line.len == 0) {
            head->fields = span_of(p + first, before - first);
            head->length = pos;
            return HTTP_HEAD_OK;
        }
    }
}

bool http_head_next(const struct http_head *head, size_t *pos, struct span *name, struct span *value)
{
    struct span line;
    while (*pos < head->fields.len && take_line(head->fields, pos, &line)) {
        const uint8_t *end = line.ptr + line.len;
        /* RFC 9112 5.2: a line that begins with a blank belongs to the one before. */
        while (*pos < head->fields.len && is_blank(head->fields.ptr[*pos])) {
            struct span folded;
            take_line(head->fields, pos, &folded);
            end = folded.ptr + folded.len;
        }
        struct span field = span_of(line.ptr, (size_t)(end - line.ptr));
        size_t colon = span_until(field, ':');
        *name = span_trim(span_of(field.ptr, colon));
        if (colon < field.len && name->len > 0) {
            *value = span_trim(span_skip(field, colon + 1));
            return true;
        }
    }
    return false;
}

bool http_head_find(const struct http_head *head, const char *name, struct span *value)
{
    size_t pos = 0;
    struct span found;
    while (http_head_next(head, &pos, &found, value)) {
        if (span_equals_nocase(found, name)) {
            return true;
        }
    }
    return false;
}

/* ---- credentials and challenges ---- */

void http_auth_decode(struct span value, struct http_auth *auth)
{
    static const enum http_auth_step steps[] = {
        [AUTH_STEP_NONE] = HTTP_STEP_NONE,
        [AUTH_STEP_EMPTY] = HTTP_STEP_EMPTY,
        [AUTH_STEP_TYPE1] = HTTP_STEP_TYPE1,
        [AUTH_STEP_TYPE2] = HTTP_STEP_TOKEN,
        [AUTH_STEP_TYPE3] = HTTP_STEP_TYPE3,
        [AUTH_STEP_AP_REQ] = HTTP_STEP_CREDENTIALS,
        [AUTH_STEP_AP_REP] = HTTP_STEP_TOKEN,
        [AUTH_STEP_BASIC] = HTTP_STEP_CREDENTIALS,
        [AUTH_STEP_BEARER] = HTTP_STEP_CREDENTIALS,
        [AUTH_STEP_TOKEN] = HTTP_STEP_TOKEN
    };
    static const enum http_auth_scheme schemes[] = {
        [AUTH_NONE] = HTTP_AUTH_NONE,
        [AUTH_BASIC] = HTTP_AUTH_BASIC,
        [AUTH_NTLM] = HTTP_AUTH_NTLM,
        [AUTH_NEGOTIATE] = HTTP_AUTH_NEGOTIATE,
        [AUTH_BEARER] = HTTP_AUTH_BEARER,
        [AUTH_OTHER] = HTTP_AUTH_OTHER
    };
    struct auth_token token;
    auth_token_decode(value, &token);
    memset(auth, 0, sizeof(*auth));
    auth->scheme = schemes[token.scheme];
    auth->step = token.anonymous ? HTTP_STEP_ANONYMOUS : steps[token.step];
    auth->final = token.final;
    auth->is_kerberos = token.is_kerberos && token.step == AUTH_STEP_AP_REQ;
    /* The name in a Bearer token is the issuer's word, not what the client logged on as. */
    _Static_assert(HTTP_USER_MAX == AUTH_USER_MAX, "the same user");
    if (token.scheme != AUTH_BEARER) {
        memcpy(auth->user, token.user, sizeof(auth->user));
    }
}

static bool challenge_server(const struct auth_token *token, char name[HTTP_NAME_MAX])
{
    _Static_assert(AUTH_DNS_COMPUTER_MAX <= HTTP_NAME_MAX && AUTH_NB_COMPUTER_MAX <= HTTP_NAME_MAX, "names fit");
    name[0] = '\0';
    if (token->step == AUTH_STEP_TYPE2) {
        const struct ntlm_target *target = &token->target;
        const char *computer = target->dns_computer[0] ? target->dns_computer : target->nb_computer;
        memcpy(name, computer, strlen(computer) + 1);
    }
    return name[0] != '\0';
}

bool http_challenge_server(struct span value, char name[HTTP_NAME_MAX])
{
    struct auth_token token;
    auth_token_decode(value, &token);
    return challenge_server(&token, name);
}

/* ---- cookies ---- */

bool http_cookie_next(struct span cookies, size_t *pos, struct span *name, struct span *value)
{
    struct span pair;
    while (*pos < cookies.len) {
        struct span rest = span_skip(cookies, *pos);
        next_element(&rest, ';', &pair);
        *pos = cookies.len - rest.len;
        size_t equals = span_until(pair, '=');
        *name = span_trim(span_of(pair.ptr, equals));
        if (name->len > 0) {
            *value = equals < pair.len ? span_trim(span_skip(pair, equals + 1)) : span_skip(pair, equals);
            return true;
        }
    }
    return false;
}

static bool read_hex(struct span s, uint8_t *out, size_t bytes)
{
    if (s.len < bytes * 2) {
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        int high = hex_value(s.ptr[2 * i]), low = hex_value(s.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* zone is a route domain, -1 for none. */
static void format_server(const uint8_t address[16], int zone, unsigned port, char server[HTTP_NAME_MAX])
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };
    char host[IPV6_TEXT_MAX], zone_text[8] = "";
    bool is_ipv4 = memcmp(address, mapped, sizeof(mapped)) == 0;
    if (is_ipv4) {
        snprintf(host, sizeof(host), "%u.%u.%u.%u", address[12], address[13], address[14], address[15]);
    } else {
        ipv6_format(address, host);
    }
    if (zone >= 0) {
        snprintf(zone_text, sizeof(zone_text), "%%%d", zone & 0xFFFF);
    }
    snprintf(server, HTTP_NAME_MAX, is_ipv4 ? "%s%s:%u" : "[%s%s]:%u", host, zone_text, port);
}

static unsigned swap_port(uint64_t port)
{
    return (unsigned)((port & 0xFF) << 8 | port >> 8);
}

/* <address, least byte first>.<port, bytes swapped>.0000 */
static bool f5_plain(struct span value, char server[HTTP_NAME_MAX])
{
    struct span address_text, port_text, rest = value;
    uint64_t address, port;
    if (!next_element(&rest, '.', &address_text) || !next_element(&rest, '.', &port_text) ||
        !span_equals(rest, "0000") ||
        !read_decimal(address_text, UINT32_MAX, &address) || !read_decimal(port_text, UINT16_MAX, &port)) {
        return false;
    }
    uint8_t bytes[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };
    for (unsigned i = 0; i < 4; i++) {
        bytes[12 + i] = (uint8_t)(address >> (8 * i));
    }
    format_server(bytes, -1, swap_port(port), server);
    return true;
}

/* rd<route domain>o<32 hex digits>o<port> */
static bool f5_route_domain(struct span value, char server[HTTP_NAME_MAX])
{
    uint8_t address[16];
    uint64_t zone, port;
    if (!span_starts_nocase(value, "rd")) {
        return false;
    }
    struct span rest = span_skip(value, 2), zone_text, address_text;
    if (!next_element(&rest, 'o', &zone_text) || !next_element(&rest, 'o', &address_text) || address_text.len != 32 ||
        !read_decimal(zone_text, UINT16_MAX, &zone) || !read_hex(address_text, address, 16) ||
        !read_decimal(rest, UINT16_MAX, &port)) {
        return false;
    }
    format_server(address, (int)zone, (unsigned)port, server);
    return true;
}

/* vi<32 hex digits>.<port, bytes swapped> */
static bool f5_ipv6(struct span value, char server[HTTP_NAME_MAX])
{
    uint8_t address[16];
    uint64_t port;
    if (!span_starts_nocase(value, "vi") || value.len < 36 || value.ptr[34] != '.' ||
        !read_hex(span_skip(value, 2), address, 16) || !read_decimal(span_skip(value, 35), UINT16_MAX, &port)) {
        return false;
    }
    format_server(address, -1, swap_port(port), server);
    return true;
}

/* Stands for a value that is compared but never shown: FNV-1a, 32 bits. */
static void digest_server(const char *name, struct span value, char server[HTTP_NAME_MAX])
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < value.len; i++) {
        hash = (hash ^ value.ptr[i]) * 16777619u;
    }
    snprintf(server, HTTP_NAME_MAX, "%s=%08x", name, (unsigned)hash);
}

/* <key>=<base64 of the inverted bytes> */
bool http_backend_cookie(struct span value, char text[HTTP_BACKEND_COOKIE_MAX])
{
    uint8_t bytes[HTTP_BACKEND_COOKIE_MAX - 1];
    size_t equals = span_until(value, '=');
    if (equals + 1 < value.len && value.ptr[equals + 1] != '=') {
        value = span_skip(value, equals + 1);
    }
    size_t len = base64_decode(value, false, bytes, sizeof(bytes));
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)~bytes[i];
        if (bytes[i] < 0x20 || bytes[i] > 0x7E) {
            return false;
        }
    }
    struct span whole = span_of(bytes, len);
    if (!span_starts_nocase(whole, "Server~") && !span_starts_nocase(whole, "Database~")) {
        return false;
    }
    chars_copy(text, HTTP_BACKEND_COOKIE_MAX, whole);
    return true;
}

static bool backend_server(struct span value, char server[HTTP_NAME_MAX])
{
    char whole[HTTP_BACKEND_COOKIE_MAX];
    if (!http_backend_cookie(value, whole) || whole[0] == 'D' || whole[0] == 'd') {
        return false;
    }
    struct span text = span_of((const uint8_t *)whole + strlen("Server~"), strlen(whole) - strlen("Server~"));
    size_t len = span_until(text, '~');
    for (size_t i = 0; i < len; i++) {
        if (!(is_digit(text.ptr[i]) || (lower(text.ptr[i]) >= 'a' && lower(text.ptr[i]) <= 'z') ||
              (text.ptr[i] && strchr(".-_", text.ptr[i])))) {
            return false;
        }
    }
    if (len == 0 || len == text.len || len >= HTTP_NAME_MAX) {
        return false;
    }
    chars_copy(server, HTTP_NAME_MAX, span_of(text.ptr, len));
    return true;
}

static struct span unquote(struct span s)
{
    if (s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"') {
        return span_of(s.ptr + 1, s.len - 2);
    }
    return s;
}

bool http_persistence_server(struct span name, struct span value, char server[HTTP_NAME_MAX])
{
    static const char *const comparable[] = { "SERVERID", "SRV", "ARRAffinity", "ARRAffinitySameSite" };
    server[0] = '\0';
    value = unquote(value);
    if (span_starts_nocase(name, "BIGipServer")) {
        return f5_plain(value, server) || f5_route_domain(value, server) || f5_ipv6(value, server);
    }
    if (span_equals_nocase(name, "X-BackEndCookie")) {
        return backend_server(value, server);
    }
    for (size_t i = 0; i < sizeof(comparable) / sizeof(comparable[0]); i++) {
        if (span_equals(name, comparable[i])) {
            /* HAProxy appends the dates of maxidle and maxlife behind a bar. */
            value.len = span_until(value, '|');
            if (value.len == 0) {
                return false;
            }
            digest_server(comparable[i], value, server);
            return true;
        }
    }
    return false;
}

/* ---- what routing wants to know ---- */

static enum http_method method_of(struct span method)
{
    static const struct {
        const char *name;
        enum http_method method;
    } methods[] = {
        { "RPC_IN_DATA", HTTP_RPC_IN_DATA },
        { "RPC_OUT_DATA", HTTP_RPC_OUT_DATA },
        { "RPC_CONNECT", HTTP_RPC_CONNECT },
        { "CONNECT", HTTP_CONNECT },
        { "HEAD", HTTP_HEAD_METHOD }
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (span_equals(method, methods[i].name)) {
            return methods[i].method;
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

static bool list_holds(struct span list, const char *word)
{
    struct span element;
    while (next_element(&list, ',', &element)) {
        if (span_equals_nocase(element, word)) {
            return true;
        }
    }
    return false;
}

int64_t http_content_length(const struct http_head *head)
{
    struct span name, value;
    size_t pos = 0;
    int64_t length = -1;
    while (http_head_next(head, &pos, &name, &value)) {
        uint64_t read;
        if (!span_equals_nocase(name, "Content-Length")) {
            continue;
        }
        if (!read_decimal(value, INT64_MAX, &read) || (length >= 0 && (uint64_t)length != read)) {
            return -1;
        }
        length = (int64_t)read;
    }
    return length;
}

static void decode_pragma(struct span value, struct http_info *info)
{
    struct span directive;
    while (next_element(&value, ',', &directive)) {
        size_t equals = span_until(directive, '=');
        if (equals == directive.len) {
            continue;
        }
        struct span name = span_trim(span_of(directive.ptr, equals));
        struct span argument = unquote(span_trim(span_skip(directive, equals + 1)));
        uint64_t seconds;
        if (span_equals_nocase(name, "SessionId") && !info->session_id[0]) {
            COPY_TEXT(info->session_id, argument);
        } else if (span_equals_nocase(name, "MinConnTimeout") && read_decimal(argument, UINT32_MAX, &seconds)) {
            info->min_conn_timeout = (unsigned)seconds;
        }
    }
}

static void note_persistence(struct span name, struct span value, struct http_info *info)
{
    char server[HTTP_NAME_MAX];
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
            content = unquote(content);
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

/* Headers that are copied as they are. */
static const struct copied_header {
    const char *name;
    size_t offset, size;
    bool by_exchange;            /* nobody else writes it */
} copied_headers[] = {
#define COPIED(name, member, by_exchange) \
    { name, offsetof(struct http_info, member), sizeof(((struct http_info *)0)->member), by_exchange }
    COPIED("Host", host, false),
    COPIED("User-Agent", user_agent, false),
    COPIED("X-FEServer", front_end, true),
    COPIED("X-FailureContext", failure_context, true),
    COPIED("X-DiagInfo", diag_info, true),
    COPIED("request-id", request_id, false),
    COPIED("client-request-id", client_request_id, false),
    COPIED("Server", server_header, false),
    COPIED("Via", via, false)
#undef COPIED
};

static bool is_exchange_header(struct span name)
{
    static const char *const names[] = {
        "X-BEServer", "X-CalculatedBETarget", "X-CalculatedFETarget", "X-BackEndHttpStatus", "X-ServerApplication"
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (span_equals_nocase(name, names[i])) {
            return true;
        }
    }
    return false;
}

static bool copy_header(struct span name, struct span value, struct http_info *info, bool *by_exchange)
{
    for (size_t i = 0; i < sizeof(copied_headers) / sizeof(copied_headers[0]); i++) {
        const struct copied_header *row = &copied_headers[i];
        if (span_equals_nocase(name, row->name)) {
            char *buf = (char *)info + row->offset;
            if (!buf[0]) {
                chars_copy(buf, row->size, value);
            }
            *by_exchange |= row->by_exchange;
            return true;
        }
    }
    return false;
}

static bool is_device_server(const char *server)
{
    static const char *const products[] = {
        "haproxy", "nginx", "openresty", "envoy", "traefik", "caddy", "squid", "varnish", "apache", "bigip", "big-ip",
        "netscaler", "citrix", "kemp", "loadmaster", "zscaler", "awselb", "awsalb", "cloudfront", "cloudflare",
        "akamaighost", "fortiweb", "fortigate", "barracuda", "bluecoat", "proxysg", "sophos", "pound", "imperva",
        "incapsula", "a10", "radware", "f5-", "checkpoint", "check point", "paloalto", "mcafee", "sonicwall",
        "google frontend", "istio", "kong", "litespeed"
    };
    struct span s = { (const uint8_t *)server, strlen(server) };
    for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++) {
        if (span_has_word_nocase(s, products[i])) {
            return true;
        }
    }
    return false;
}

static enum http_author author_of(const struct http_info *info, bool by_exchange)
{
    struct span server = { (const uint8_t *)info->server_header, strlen(info->server_header) };
    if (by_exchange) {
        return HTTP_BY_EXCHANGE;
    }
    if (span_starts_nocase(server, "Microsoft-HTTPAPI")) {
        return HTTP_BY_HTTPSYS;
    }
    return info->via[0] || is_device_server(info->server_header) ? HTTP_BY_DEVICE : HTTP_BY_UNKNOWN;
}

static void note_challenge(struct span value, struct http_info *info)
{
    struct auth_token token;
    auth_token_decode(value, &token);
    if ((token.scheme == AUTH_NTLM || token.scheme == AUTH_NEGOTIATE) && token.step != AUTH_STEP_EMPTY) {
        info->challenge_in_progress = true;
        if (!info->challenge_server[0]) {
            challenge_server(&token, info->challenge_server);
        }
    }
}

static void decode_request_field(struct span name, struct span value, struct http_info *info)
{
    if (span_equals_nocase(name, "Authorization") && info->auth.scheme == HTTP_AUTH_NONE) {
        http_auth_decode(value, &info->auth);
    } else if (span_equals_nocase(name, "Cookie")) {
        decode_cookies(value, info);
    } else if (span_equals_nocase(name, "Pragma")) {
        decode_pragma(value, info);
    } else if (span_equals_nocase(name, "Expect")) {
        info->expect_continue = span_equals_nocase(value, "100-continue");
    }
}

static void decode_response_field(struct span name, struct span value, struct http_info *info)
{
    if (span_equals_nocase(name, "WWW-Authenticate")) {
        info->offers_auth = true;
        note_challenge(value, info);
    } else if (span_equals_nocase(name, "Proxy-Authenticate")) {
        info->offers_auth = true;
    } else if (span_equals_nocase(name, "Set-Cookie")) {
        size_t pos = 0;
        struct span cookie, content;
        if (http_cookie_next(value, &pos, &cookie, &content)) {
            note_persistence(cookie, content, info);
        }
    }
}

void http_info_decode(const struct http_head *head, struct http_info *info)
{
    size_t pos = 0;
    struct span name, value;
    bool by_exchange = false;

    memset(info, 0, sizeof(*info));
    info->is_request = head->is_request;
    info->status = head->status;
    info->version_minor = head->version_minor;
    info->content_length = http_content_length(head);
    if (head->is_request) {
        info->method = method_of(head->method);
        info->v1 = info->method == HTTP_RPC_CONNECT;
        decode_target(head->uri, info);
    } else if (head->status == 503) {
        decode_reason(head->reason, info);
    }
    while (http_head_next(head, &pos, &name, &value)) {
        if (copy_header(name, value, info, &by_exchange)) {
            continue;
        }
        by_exchange |= is_exchange_header(name);
        if (span_equals_nocase(name, "Transfer-Encoding")) {
            info->chunked |= list_holds(value, "chunked");
        } else if (span_equals_nocase(name, "Connection")) {
            info->close |= list_holds(value, "close");
        } else if (span_equals_nocase(name, "Content-Type")) {
            size_t type_len = span_until(value, ';');
            info->content_type_text = span_starts_nocase(span_trim(value), "text/");
            info->content_type_rpc = span_equals_nocase(span_trim(span_of(value.ptr, type_len)), "application/rpc");
        } else if (head->is_request) {
            decode_request_field(name, value, info);
        } else {
            decode_response_field(name, value, info);
        }
    }
    if (!head->is_request) {
        info->author = author_of(info, by_exchange);
    }
}

const char *http_rpc_error_name(uint32_t code)
{
    static const struct {
        uint32_t code;
        const char *name;
    } names[] = {
        { 0x00000002, "ERROR_FILE_NOT_FOUND" },
        { 0x00000005, "ERROR_ACCESS_DENIED" },
        { 0x00000008, "ERROR_NOT_ENOUGH_MEMORY" },
        { 0x0000000E, "ERROR_OUTOFMEMORY" },
        { 0x00000035, "ERROR_BAD_NETPATH" },
        { 0x00000057, "ERROR_INVALID_PARAMETER" },
        { 0x0000052E, "ERROR_LOGON_FAILURE" },
        { 0x000005B4, "ERROR_TIMEOUT" },
        { 0x000006A4, "RPC_S_INVALID_STRING_BINDING" },
        { 0x000006A5, "RPC_S_WRONG_KIND_OF_BINDING" },
        { 0x000006A6, "RPC_S_INVALID_BINDING" },
        { 0x000006A7, "RPC_S_PROTSEQ_NOT_SUPPORTED" },
        { 0x000006A8, "RPC_S_INVALID_RPC_PROTSEQ" },
        { 0x000006AA, "RPC_S_INVALID_ENDPOINT_FORMAT" },
        { 0x000006AB, "RPC_S_INVALID_NET_ADDR" },
        { 0x000006AC, "RPC_S_NO_ENDPOINT_FOUND" },
        { 0x000006AD, "RPC_S_INVALID_TIMEOUT" },
        { 0x000006B5, "RPC_S_UNKNOWN_IF" },
        { 0x000006B9, "RPC_S_OUT_OF_RESOURCES" },
        { 0x000006BA, "RPC_S_SERVER_UNAVAILABLE" },
        { 0x000006BB, "RPC_S_SERVER_TOO_BUSY" },
        { 0x000006BC, "RPC_S_INVALID_NETWORK_OPTIONS" },
        { 0x000006BE, "RPC_S_CALL_FAILED" },
        { 0x000006BF, "RPC_S_CALL_FAILED_DNE" },
        { 0x000006C0, "RPC_S_PROTOCOL_ERROR" },
        { 0x000006C1, "RPC_S_PROXY_ACCESS_DENIED" },
        { 0x000006D9, "EPT_S_NOT_REGISTERED" },
        { 0x000006E4, "RPC_S_CANNOT_SUPPORT" },
        { 0x000006E6, "RPC_S_INTERNAL_ERROR" },
        { 0x0000071A, "RPC_S_CALL_CANCELLED" },
        { 0x0000071C, "RPC_S_COMM_FAILURE" },
        { 0x00000721, "RPC_S_SEC_PKG_ERROR" },
        { 0x00000729, "RPC_S_COOKIE_AUTH_FAILED" },
        { 0x00002747, "WSAENOBUFS" },
        { 0x0000274C, "WSAETIMEDOUT" },
        { 0x0000274D, "WSAECONNREFUSED" },
        { 0x00002751, "WSAEHOSTUNREACH" },
        { 0x00002AF9, "WSAHOST_NOT_FOUND" }
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].code == code) {
            return names[i].name;
        }
    }
    return NULL;
}

/* ---- chunked transfer coding ---- */

#define CHUNK_LINE_MAX 4096

void http_chunks_init(struct http_chunks *chunks)
{
    memset(chunks, 0, sizeof(*chunks));
    chunks->state = HTTP_CHUNK_SIZE;
}

static void start_chunk_line(struct http_chunks *chunks)
{
    chunks->line = 0;
    chunks->digits = 0;
    chunks->in_extension = false;
}

static void chunk_size_byte(struct http_chunks *chunks, uint8_t c)
{
    int digit = hex_value(c);
    if (c == '\n') {
        if (chunks->digits == 0) {
            chunks->state = HTTP_CHUNK_BAD;
            return;
        }
        chunks->state = chunks->left ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILER;
        start_chunk_line(chunks);
    } else if (!chunks->in_extension && digit >= 0) {
        /* Leading zeros are legal, so the value is bounded and not the digits alone. */
        if (chunks->digits >= 64 || chunks->left >> 59) {
            chunks->state = HTTP_CHUNK_BAD;
            return;
        }
        chunks->digits++;
        chunks->left = chunks->left << 4 | (uint64_t)digit;
    } else if (chunks->in_extension || (chunks->digits > 0 && (c == ';' || c == '\r' || is_blank(c)))) {
        chunks->in_extension = true;
        if (++chunks->line > CHUNK_LINE_MAX) {
            chunks->state = HTTP_CHUNK_BAD;
        }
    } else {
        chunks->state = HTTP_CHUNK_BAD;
    }
}

static void chunk_end_byte(struct http_chunks *chunks, uint8_t c)
{
    if (c == '\n') {
        chunks->state = HTTP_CHUNK_SIZE;
        start_chunk_line(chunks);
    } else if (c == '\r' && chunks->line == 0) {
        chunks->line = 1;
    } else {
        chunks->state = HTTP_CHUNK_BAD;
    }
}

static void chunk_trailer_byte(struct http_chunks *chunks, uint8_t c)
{
    if (c == '\n') {
        if (chunks->line == 0) {
            chunks->state = HTTP_CHUNK_DONE;
        }
        chunks->line = 0;
    } else if (c != '\r' && ++chunks->line > CHUNK_LINE_MAX) {
        chunks->state = HTTP_CHUNK_BAD;
    }
}

size_t http_chunks_next(struct http_chunks *chunks, const uint8_t *p, size_t len, struct span *data)
{
    size_t used = 0;
    *data = span_of(p, 0);
    while (used < len) {
        switch (chunks->state) {
        case HTTP_CHUNK_SIZE:
            chunk_size_byte(chunks, p[used]);
            break;
        case HTTP_CHUNK_DATA: {
            size_t take = chunks->left < len - used ? (size_t)chunks->left : len - used;
            *data = span_of(p + used, take);
            chunks->left -= take;
            if (chunks->left == 0) {
                chunks->state = HTTP_CHUNK_DATA_END;
                start_chunk_line(chunks);
            }
            return used + take;
        }
        case HTTP_CHUNK_DATA_END:
            chunk_end_byte(chunks, p[used]);
            break;
        case HTTP_CHUNK_TRAILER:
            chunk_trailer_byte(chunks, p[used]);
            break;
        case HTTP_CHUNK_DONE:
        case HTTP_CHUNK_BAD:
            return used;
        }
        if (chunks->state == HTTP_CHUNK_BAD) {
            return used;
        }
        used++;
    }
    return used;
}
