/* author.c
 * The pages and headers that tell who wrote a response.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "author.h"

/* ---- words ---------------------------------------------------------------------------- */

/* Where words begin in text, in any letter case; text.len where they do not. */
static size_t find(struct span text, const char *words)
{
    const size_t len = strlen(words);
    const uint8_t first = lower((uint8_t)words[0]);
    for (size_t at = 0; at + len <= text.len; at++) {
        if (lower(text.ptr[at]) == first && span_starts_nocase(span_skip(text, at), words)) {
            return at;
        }
    }
    return text.len;
}

static bool holds(struct span text, const char *words)
{
    return find(text, words) < text.len;
}

unsigned http_words_of(struct span text)
{
    static const struct {
        const char *words;
        unsigned what;
    } rows[] = { { "protocol disabled", WORDS_DISABLED },
                 { "protocol is disabled", WORDS_DISABLED },
                 { "ProtocolDisabled", WORDS_DISABLED },
                 { "client access rule", WORDS_CLIENT_RULES },
                 { "ClientAccessRule", WORDS_CLIENT_RULES },
                 { "multi-factor authentication", WORDS_MODERN }, /* of Exchange Online, with 456 */
                 { "oauth_not_available", WORDS_MODERN },
                 { "404.13", WORDS_TOO_LARGE },
                 { "413.1", WORDS_TOO_LARGE },
                 { "entity too large", WORDS_TOO_LARGE },
                 { "size of the request headers is too long", WORDS_LONG_HEADERS }, /* HTTP.sys */
                 { "Request Header Or Cookie Too Large", WORDS_LONG_HEADERS },      /* nginx */
                 { "request header fields too large", WORDS_LONG_HEADERS },
                 { "request content length", WORDS_TOO_LARGE },
                 { "403.4 - Forbidden", WORDS_WANTS_TLS }, /* IIS, here and below */
                 { "is secured with Secure Sockets Layer", WORDS_WANTS_TLS },
                 { "must be viewed over a secure channel", WORDS_WANTS_TLS },
                 { "403.7 - Forbidden", WORDS_CERTIFICATE },
                 { "403.13 - Forbidden", WORDS_CERTIFICATE },
                 { "403.16 - Forbidden", WORDS_CERTIFICATE },
                 { "403.17 - Forbidden", WORDS_CERTIFICATE },
                 { "(SSL) client certificate", WORDS_CERTIFICATE },
                 { "No required SSL certificate was sent", WORDS_CERTIFICATE }, /* nginx, here and below */
                 { "The SSL certificate error", WORDS_CERTIFICATE } };
    unsigned words = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        words |= holds(text, rows[i].words) ? rows[i].what : 0;
    }
    return words;
}

/* ---- pages ---------------------------------------------------------------------------- */

/* What stands in the pages that servers and devices come with, the surest first. Each is short,
 * and stands in no page of another. */
static const struct page_row {
    const char *words;
    enum http_author writer;
    const char *product;
} page_rows[] = {
    { "Exchange MAPI/HTTP Connectivity Endpoint", HTTP_BY_BACK_END, "Exchange" },
    /* HTTP.sys: its reason is a sentence behind a rule */
    { "<hr><p>HTTP Error ", HTTP_BY_HTTPSYS, "HTTP.sys" },
    { "<h2>Bad Request - ", HTTP_BY_HTTPSYS, "HTTP.sys" },
    /* HAProxy: a heading with the status, and one sentence; src/http.c */
    { "No server is available to handle this request.", HTTP_BY_DEVICE, "HAProxy" },
    { "The server returned an invalid or incomplete response.", HTTP_BY_DEVICE, "HAProxy" },
    { "The server didn't respond in time.", HTTP_BY_DEVICE, "HAProxy" },
    { "Your browser didn't send a complete request in time.", HTTP_BY_DEVICE, "HAProxy" },
    { "Your browser sent an invalid request.", HTTP_BY_DEVICE, "HAProxy" },
    { "Request forbidden by administrative rules.", HTTP_BY_DEVICE, "HAProxy" },
    { "The request entity exceeds the maximum allowed.", HTTP_BY_DEVICE, "HAProxy" },
    { "You have sent too many requests in a given amount of time.", HTTP_BY_DEVICE, "HAProxy" },
    { "You need a valid user and password to access this content.", HTTP_BY_DEVICE, "HAProxy" },
    { "500 Internal Server Error</h1>\nAn internal server error occurred.", HTTP_BY_DEVICE, "HAProxy" },
    { "501 Not Implemented</h1>\n.The server does not support", HTTP_BY_DEVICE, "HAProxy" },
    { "404 Not Found</h1>\nThe resource could not be found.", HTTP_BY_DEVICE, "HAProxy" },
    /* nginx and what is made of it: the name in the middle, below a rule */
    { "<center>nginx", HTTP_BY_DEVICE, "nginx" },
    { "<center>openresty", HTTP_BY_DEVICE, "openresty" },
    { "<center>tengine", HTTP_BY_DEVICE, "tengine" },
    { "<center>cloudflare", HTTP_BY_DEVICE, "Cloudflare" },
    { "<center>Microsoft-Azure-Application-Gateway", HTTP_BY_DEVICE, "Azure Application Gateway" },
    /* Apache httpd */
    { "</title>\n</head><body>\n<h1>", HTTP_BY_DEVICE, "Apache" },
    { "<address>Apache", HTTP_BY_DEVICE, "Apache" },
    /* NetScaler */
    { "<b>Http/1.1 Service Unavailable", HTTP_BY_DEVICE, "NetScaler" },
    { "<b>Http/1.1 Internal Server Error", HTTP_BY_DEVICE, "NetScaler" },
    { "<b>Http/1.1 Object Not Found", HTTP_BY_DEVICE, "NetScaler" },
    { "/vpn/index.html", HTTP_BY_DEVICE, "NetScaler" },
    { "/logon/LogonPoint", HTTP_BY_DEVICE, "NetScaler" },
    /* F5 */
    { "The requested URL was rejected. Please consult with", HTTP_BY_DEVICE, "F5" },
    { "/my.policy", HTTP_BY_DEVICE, "F5" },
    { "/my.logout.php3", HTTP_BY_DEVICE, "F5" },
    { "BIG-IP", HTTP_BY_DEVICE, "F5" },
    /* ISA Server and Forefront TMG */
    { "Forefront TMG", HTTP_BY_DEVICE, "Forefront TMG" },
    { "Network Access Message", HTTP_BY_DEVICE, "Forefront TMG" },
    { "The server denied the specified Uniform Resource Locator (URL)", HTTP_BY_DEVICE, "Forefront TMG" },
    { "Internet Security and Acceleration Server", HTTP_BY_DEVICE, "ISA Server" },
    { "/CookieAuth.dll?", HTTP_BY_DEVICE, "Forefront TMG" },
    /* filters of web proxies, and others */
    { "Your organization has selected Zscaler", HTTP_BY_DEVICE, "Zscaler" },
    { "Access Denied (policy_denied)", HTTP_BY_DEVICE, "ProxySG" },
    { "<title>McAfee Web Gateway", HTTP_BY_DEVICE, "McAfee Web Gateway" },
    { "/mwg-internal/", HTTP_BY_DEVICE, "McAfee Web Gateway" },
    { "Incapsula incident ID", HTTP_BY_DEVICE, "Imperva" },
    { "/_Incapsula_Resource?", HTTP_BY_DEVICE, "Imperva" },
    { "<title>ERROR: The requested URL could not be retrieved", HTTP_BY_DEVICE, "Squid" },
    { "(squid/", HTTP_BY_DEVICE, "Squid" },
    { "Guru Meditation", HTTP_BY_DEVICE, "Varnish" },
    { "[Fiddler] ", HTTP_BY_DEVICE, "Fiddler" },
    { "upstream connect error or disconnect/reset before headers", HTTP_BY_DEVICE, "Envoy" },
    { "no healthy upstream", HTTP_BY_DEVICE, "Envoy" },
    { "FortiGate", HTTP_BY_DEVICE, "FortiGate" },
    { "FortiWeb", HTTP_BY_DEVICE, "FortiWeb" },
    { "The service is not available. Please try again later.", HTTP_BY_DEVICE, "Pound" },
    /* IIS: for those who ask from elsewhere, and in detail */
    { "<h1>Server Error</h1>", HTTP_BY_IIS, "IIS" },
    { "Internet Information Services", HTTP_BY_IIS, "IIS" },
    { " Detailed Error - ", HTTP_BY_IIS, "IIS" },
    { "Server Error in '", HTTP_BY_IIS, "ASP.NET" },
    { "The page cannot be displayed because an internal server error has occurred.", HTTP_BY_IIS, "IIS" },
    { "You do not have permission to view this directory or page", HTTP_BY_IIS, "IIS" },
    { "The resource you are looking for has been removed, had its name changed", HTTP_BY_IIS, "IIS" },
};

/* Where devices send who has not logged on to them: by Location alone, for such a response has no page as a rule. */
static const char *sent_by(const struct http_fields *fields)
{
    static const struct {
        const char *words, *product;
    } rows[] = { { "/my.policy", "F5" },
                 { "/my.logout.php3", "F5" },
                 { "/CookieAuth.dll?", "Forefront TMG" },
                 { "/InternalSite/", "Forefront UAG" },
                 { "realm=urn%3AAppProxy%3A", "Web Application Proxy" },
                 { "realm=urn:AppProxy:", "Web Application Proxy" },
                 { "/vpn/index.html", "NetScaler" },
                 { "/vpn/tmindex.html", "NetScaler" },
                 { "/logon/LogonPoint", "NetScaler" },
                 { "/lm_auth_proxy", "Kemp LoadMaster" } };
    for (size_t i = 0; i < COUNT_OF(rows) && fields->head->status / 100 == 3; i++) {
        if (holds(fields->location, rows[i].words)) {
            return rows[i].product;
        }
    }
    return NULL;
}

/* Copies the text of s without its tags, blanks folded, in the letters that a quotation may hold. */
static void copy_words(struct span s, char to[HTTP_TITLE_MAX])
{
    uint8_t text[HTTP_TITLE_MAX - 1];
    size_t used = 0;
    bool inside = false, blank = false;
    for (size_t at = 0; at < s.len && used < sizeof(text); at++) {
        const uint8_t c = s.ptr[at];
        if (c == '<' || (inside && c != '>')) {
            inside = true;
        } else if (inside || is_blank(c) || c == '\r' || c == '\n') {
            inside = false;
            blank = true;
        } else {
            if (blank && used > 0) {
                text[used++] = ' ';
            }
            blank = false;
            if (used < sizeof(text)) {
                text[used++] = c == '"' ? '\'' : c;
            }
        }
    }
    chars_copy(to, HTTP_TITLE_MAX, span_of(text, used));
}

/* What stands behind the tag of that name and before the next closing one; empty where there is none. */
static struct span inside_of(struct span body, const char *open, const char *close)
{
    struct span rest = span_skip(body, find(body, open));
    rest = span_skip(rest, rest.len ? strlen(open) : 0);
    const size_t tag = span_until(rest, '>');
    rest = span_skip(rest, tag < rest.len ? tag + 1 : rest.len);
    rest.len = find(rest, close);
    return rest;
}

void http_page_read(struct span body, struct http_page *page)
{
    memset(page, 0, sizeof(*page));
    body.len = body.len < HTTP_PAGE_MAX ? body.len : HTTP_PAGE_MAX;
    for (size_t i = 0; i < COUNT_OF(page_rows) && !page->product; i++) {
        if (holds(body, page_rows[i].words)) {
            page->writer = page_rows[i].writer;
            page->product = page_rows[i].product;
        }
    }
    page->words = http_words_of(body);
    copy_words(inside_of(body, "<title", "</title"), page->title);
    if (!page->title[0]) {
        const struct span whole = inside_of(body, "<body", "</body");
        copy_words(whole.len ? whole : body, page->title);
    }
}

/* ---- headers -------------------------------------------------------------------------- */

/* Whether Server names what stands before servers; that it writes its name into what it passes on, too. */
static bool is_device_server(const char *server)
{
    static const char *const products[] = {
        "haproxy",    "nginx",     "openresty", "envoy",           "traefik",    "caddy",      "squid",
        "varnish",    "apache",    "bigip",     "big-ip",          "netscaler",  "citrix",     "kemp",
        "loadmaster", "zscaler",   "awselb",    "awsalb",          "cloudfront", "cloudflare", "akamaighost",
        "fortiweb",   "fortigate", "barracuda", "bluecoat",        "proxysg",    "sophos",     "pound",
        "imperva",    "incapsula", "a10",       "radware",         "f5-",        "checkpoint", "check point",
        "paloalto",   "mcafee",    "sonicwall", "google frontend", "istio",      "kong",       "litespeed"
    };
    struct span s = { (const uint8_t *)server, strlen(server) };
    for (size_t i = 0; i < COUNT_OF(products); i++) {
        if (span_has_word_nocase(s, products[i])) {
            return true;
        }
    }
    return false;
}

/* By the headers that nobody but Exchange writes. X-FEServer is a custom header of the front end's virtual directories,
 * X-DiagInfo and X-BEServer are the back end's. */
static enum http_author by_headers(const struct http_fields *fields)
{
    if (fields->back_end.ptr || fields->diag_info.ptr || fields->server_application.ptr) {
        return HTTP_BY_BACK_END;
    }
    return fields->front_end.ptr || fields->failure_context.ptr || fields->cas_error.ptr || fields->owa_version.ptr ||
                   fields->back_end_target.ptr || fields->front_end_target.ptr || fields->back_end_status.ptr ?
               HTTP_BY_FRONT_END :
               HTTP_BY_UNKNOWN;
}

static enum http_author by_head(const struct http_fields *fields)
{
    const enum http_author headers = by_headers(fields);
    const unsigned status = fields->head->status;
    if (status == 503 && span_starts_nocase(fields->head->reason, "RPC Error:")) {
        return HTTP_BY_RPC_PROXY;
    }
    if (sent_by(fields)) {
        return HTTP_BY_DEVICE;
    }
    return headers == HTTP_BY_UNKNOWN && (status == 502 || status == 504) ? HTTP_BY_GATEWAY : headers;
}

enum http_author http_author_with(enum http_author by_head, const struct http_page *page)
{
    const enum http_author writer = page->writer;
    if (by_head == HTTP_BY_RPC_PROXY) {
        return by_head;
    }
    if (writer == HTTP_BY_DEVICE || by_head == HTTP_BY_UNKNOWN) {
        return writer;
    }
    return writer == HTTP_BY_HTTPSYS && http_is_exchange(by_head) ? HTTP_BY_BACK_HTTPSYS : by_head;
}

void http_origin_of(const struct http_fields *fields, const struct http_page *page, struct http_origin *origin)
{
    chars_copy(origin->front_end, sizeof(origin->front_end), fields->front_end);
    chars_copy(origin->server, sizeof(origin->server), fields->server);
    chars_copy(origin->via, sizeof(origin->via), fields->via);
    chars_copy(origin->cas_error, sizeof(origin->cas_error), fields->cas_error);
    origin->author = page ? http_author_with(by_head(fields), page) : by_head(fields);
    origin->product = page && page->product ? page->product : sent_by(fields);
    origin->passed_on = origin->via[0] || is_device_server(origin->server);
}
