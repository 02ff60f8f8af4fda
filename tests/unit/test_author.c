/* test_author.c
 * Who wrote a response, by its page and its headers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "author.h"
#include "front_failure.h"
#include "unit.h"

static struct http_head head;
static struct http_fields fields;
static char message[1024];

static void read_response(const char *status, const char *lines)
{
    snprintf(message, sizeof(message), "HTTP/1.1 %s\r\n%s\r\n", status, lines);
    CHECK(http_head_parse((const uint8_t *)message, strlen(message), &head) == HTTP_HEAD_OK);
    http_fields_read(&head, &fields);
}

static struct span text_of(const char *text)
{
    return span_of((const uint8_t *)text, strlen(text));
}

/* Neither Server nor Via proves an author, a header of Exchange's does. */
static void test_headers(void)
{
    static const struct {
        const char *lines;
        enum http_author author;
        bool passed_on;
    } rows[] = { { "", HTTP_BY_UNKNOWN, false },
                 { "Server: Microsoft-IIS/10.0\r\n", HTTP_BY_UNKNOWN, false },
                 { "Server: Microsoft-HTTPAPI/2.0\r\n", HTTP_BY_UNKNOWN, false },
                 { "Server: nginx\r\n", HTTP_BY_UNKNOWN, true },
                 { "Server: x-nginx/1\r\n", HTTP_BY_UNKNOWN, true },
                 { "Server: xnginx\r\n", HTTP_BY_UNKNOWN, false },
                 { "Via: 1.1 p\r\n", HTTP_BY_UNKNOWN, true },
                 { "Via:\r\n", HTTP_BY_UNKNOWN, false },
                 { "Server: nginx\r\nX-FEServer: EX1\r\n", HTTP_BY_FRONT_END, true },
                 { "X-FailureContext:\r\n", HTTP_BY_FRONT_END, false },
                 { "X-CasErrorCode: a\r\n", HTTP_BY_FRONT_END, false },
                 { "X-OWA-Version: a\r\n", HTTP_BY_FRONT_END, false },
                 { "X-CalculatedBETarget: a\r\n", HTTP_BY_FRONT_END, false },
                 { "X-CalculatedFETarget: a\r\n", HTTP_BY_FRONT_END, false },
                 { "X-BackEndHttpStatus: 200\r\n", HTTP_BY_FRONT_END, false },
                 { "X-FEServer: a\r\nX-DiagInfo: a\r\n", HTTP_BY_BACK_END, false },
                 { "X-BEServer: a\r\nX-FEServer: b\r\n", HTTP_BY_BACK_END, false },
                 { "X-ServerApplication: a\r\n", HTTP_BY_BACK_END, false },
                 { "X-ClientApplication: a\r\n", HTTP_BY_UNKNOWN, false } };
    struct http_origin origin;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        read_response("503 Service Unavailable", rows[i].lines);
        http_origin_of(&fields, NULL, &origin);
        CHECK_INT(origin.author, rows[i].author);
        CHECK_INT(origin.passed_on, rows[i].passed_on);
    }
    read_response("404 x", "Server: s\r\nVia: v\r\nX-FEServer: f\r\nX-CasErrorCode: c\r\n");
    http_origin_of(&fields, NULL, &origin);
    CHECK_STR(origin.server, "s");
    CHECK_STR(origin.via, "v");
    CHECK_STR(origin.front_end, "f");
    CHECK_STR(origin.cas_error, "c");
}

/* 502 and 504, and those of Cloudflare, are a gateway's; "RPC Error:" is the RPC proxy's, in a 503 alone. */
static void test_statuses(void)
{
    static const struct {
        const char *status, *lines;
        enum http_author author;
    } rows[] = { { "502 Bad Gateway", "Server: Microsoft-IIS/10.0\r\n", HTTP_BY_GATEWAY },
                 { "504 x", "", HTTP_BY_GATEWAY },
                 { "519 x", "", HTTP_BY_UNKNOWN },
                 { "520 x", "Server: cloudflare\r\n", HTTP_BY_GATEWAY },
                 { "526 x", "", HTTP_BY_GATEWAY },
                 { "526 x", "X-BEServer: EX1\r\n", HTTP_BY_BACK_END },
                 { "527 x", "", HTTP_BY_UNKNOWN },
                 { "502 x", "X-FEServer: EX1\r\n", HTTP_BY_FRONT_END },
                 { "503 RPC Error: 5", "Server: Microsoft-IIS/8.5\r\n", HTTP_BY_RPC_PROXY },
                 { "503 RPC error 6ba", "", HTTP_BY_UNKNOWN },
                 { "404 RPC Error: 5", "", HTTP_BY_UNKNOWN } };
    struct http_origin origin;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        read_response(rows[i].status, rows[i].lines);
        http_origin_of(&fields, NULL, &origin);
        CHECK_INT(origin.author, rows[i].author);
    }
}

#define HTTPSYS_PAGE                                                                                    \
    "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\"http://www.w3.org/TR/html4/strict.dtd\">\r\n" \
    "<HTML><HEAD><TITLE>Service Unavailable</TITLE>\r\n"                                                \
    "<META HTTP-EQUIV=\"Content-Type\" Content=\"text/html; charset=us-ascii\"></HEAD>\r\n"             \
    "<BODY><h2>Service Unavailable</h2>\r\n<hr><p>HTTP Error 503. The service is unavailable.</p>\r\n</BODY></HTML>"

static void test_pages(void)
{
    static const struct {
        const char *page;
        enum http_author writer;
        const char *product, *title;
    } rows[] = {
        { HTTPSYS_PAGE, HTTP_BY_HTTPSYS, "HTTP.sys", "Service Unavailable" },
        { "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n",
          HTTP_BY_DEVICE, "HAProxy", "503 Service Unavailable No server is available to handle this request." },
        { "<html><body><h1>404 Not Found</h1>\nThe resource could not be found.\n</body></html>\n", HTTP_BY_DEVICE,
          "HAProxy", "404 Not Found The resource could not be found." },
        { "<html><body><h1>500 Internal Server Error</h1>\nAn internal server error occurred.\n</body></html>\n",
          HTTP_BY_DEVICE, "HAProxy", "500 Internal Server Error An internal server error occurred." },
        { "<html><body><h1>501 Not Implemented</h1>\n.The server does not support the functionality", HTTP_BY_DEVICE,
          "HAProxy", "501 Not Implemented .The server does not support the functionality" },
        { "<html><body><h1>404 Not Found</h1></body></html>", HTTP_BY_UNKNOWN, NULL, "404 Not Found" },
        { "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too "
          "Large</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n",
          HTTP_BY_DEVICE, "nginx", "413 Request Entity Too Large" },
        { "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>502 Proxy Error</title>\n</head><body>\n"
          "<h1>Proxy Error</h1>\n",
          HTTP_BY_DEVICE, "Apache", "502 Proxy Error" },
        { "<html><body><b>Http/1.1 Service Unavailable</b></body> </html>", HTTP_BY_DEVICE, "NetScaler",
          "Http/1.1 Service Unavailable" },
        { "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please consult with "
          "your administrator.",
          HTTP_BY_DEVICE, "F5", "Request Rejected" },
        { "[Fiddler] The connection to 'mail.example.test' failed. <br />Error: ConnectionRefused (0x274d). ",
          HTTP_BY_DEVICE, "Fiddler",
          "[Fiddler] The connection to 'mail.example.test' failed. Error: ConnectionRefused" },
        { "<title>Web Page Blocked!</title>Attack ID: 20000051", HTTP_BY_DEVICE, "FortiWeb or FortiGate",
          "Web Page Blocked!" },
        { "error code: 522", HTTP_BY_DEVICE, "Cloudflare", "error code: 522" },
        { "<title>m | 524: A timeout occurred</title><div id=\"cf-error-details\">", HTTP_BY_DEVICE, "Cloudflare",
          "m | 524: A timeout occurred" },
        { "<html><form action=/my.policy>Log in</form></html>", HTTP_BY_DEVICE, "F5", "Log in" },
        { "<b>Error Code: 403 Forbidden. Forefront TMG denied the specified URL (12202)</b>", HTTP_BY_DEVICE,
          "Forefront TMG", "Error Code: 403 Forbidden. Forefront TMG denied the specified URL (12202)" },
        { "<title>404 - File or directory not found.</title>\r\n<style>x</style><div id=\"header\"><h1>Server "
          "Error</h1></div>",
          HTTP_BY_IIS, "IIS", "404 - File or directory not found." },
        { "<title>IIS 10.0 Detailed Error - 404.13 - Not Found</title>", HTTP_BY_IIS, "IIS",
          "IIS 10.0 Detailed Error - 404.13 - Not Found" },
        { "<title>Exchange MAPI/HTTP Connectivity Endpoint</title>", HTTP_BY_BACK_END, "Exchange",
          "Exchange MAPI/HTTP Connectivity Endpoint" },
        { "<html><body><h1>Technical Information (for support personnel)</h1>Internet Information Services",
          HTTP_BY_IIS, "IIS", "Technical Information (for support personnel) Internet Information Services" },
        { "<title>a \"b\"\r\n\tc\x01</title>", HTTP_BY_UNKNOWN, NULL, "a 'b' c?" },
        { "<title", HTTP_BY_UNKNOWN, NULL, "" },
        { "<title>Not allowed</title>Your organization has selected Zscaler to protect you", HTTP_BY_DEVICE, "Zscaler",
          "Not allowed" },
        { "<TITLE>Access Denied</TITLE>Access Denied (policy_denied)", HTTP_BY_DEVICE, "ProxySG", "Access Denied" },
        { "<title>McAfee Web Gateway - Notification</title>", HTTP_BY_DEVICE, "McAfee Web Gateway",
          "McAfee Web Gateway - Notification" },
        { "Request unsuccessful. Incapsula incident ID: 1-2", HTTP_BY_DEVICE, "Imperva",
          "Request unsuccessful. Incapsula incident ID: 1-2" },
        { "<title></title><body onload=x()><p>only here", HTTP_BY_UNKNOWN, NULL, "only here" },
        { "", HTTP_BY_UNKNOWN, NULL, "" },
        { "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
          HTTP_BY_UNKNOWN, NULL, "01234567890123456789012345678901234567890123456789012345678901234567890123456789" },
    };
    struct http_page page;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        http_page_read(text_of(rows[i].page), &page);
        CHECK_INT(page.writer, rows[i].writer);
        CHECK(rows[i].product ? page.product && strcmp(page.product, rows[i].product) == 0 : !page.product);
        CHECK_STR(page.title, rows[i].title);
    }
}

static void test_words(void)
{
    CHECK_INT(http_words_of(text_of("The Protocol is disabled for this mailbox.")), WORDS_DISABLED);
    CHECK_INT(http_words_of(text_of("blocked by a Client Access Rule")), WORDS_CLIENT_RULES);
    CHECK_INT(http_words_of(text_of("<h1>413 Request Entity Too Large</h1>")), WORDS_TOO_LARGE);
    CHECK_INT(http_words_of(text_of("protocol")), 0);
    CHECK_INT(http_words_of(text_of("")), 0);
}

/* The page counts first, but a front end's headers say whose HTTP.sys it is, and IIS is their own. */
static void test_both(void)
{
    static const struct {
        const char *status, *lines, *page;
        enum http_author author;
    } rows[] = { { "503 x", "Server: nginx\r\n", HTTPSYS_PAGE, HTTP_BY_HTTPSYS },
                 { "503 x", "X-FEServer: EX1\r\n", HTTPSYS_PAGE, HTTP_BY_BACK_HTTPSYS },
                 { "503 x", "X-FEServer: EX1\r\n", "<center>nginx</center>", HTTP_BY_DEVICE },
                 { "500 x", "X-DiagInfo: EX1\r\n", "<h1>Server Error</h1>", HTTP_BY_BACK_END },
                 { "500 x", "", "<h1>Server Error</h1>", HTTP_BY_IIS },
                 { "502 x", "", "<h1>Server Error</h1>", HTTP_BY_GATEWAY },
                 { "504 x", "", "<center>nginx</center>", HTTP_BY_DEVICE },
                 { "503 RPC Error: 5", "", "<center>nginx</center>", HTTP_BY_RPC_PROXY },
                 { "500 x", "", "anything", HTTP_BY_UNKNOWN } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_origin origin;
        struct http_page page;
        read_response(rows[i].status, rows[i].lines);
        http_page_read(text_of(rows[i].page), &page);
        http_origin_of(&fields, &page, &origin);
        CHECK_INT(origin.author, rows[i].author);
        http_origin_of(&fields, NULL, &origin);
        CHECK_INT(http_author_with(origin.author, &page), rows[i].author);
    }
}

/* Where a 3xx sends the client, whatever headers devices add; not what other statuses have in Location. */
static void test_redirections(void)
{
    static const struct {
        const char *status, *location;
        enum http_author author;
        const char *product;
    } rows[] = {
        { "302 Found", "/my.policy", HTTP_BY_DEVICE, "F5" },
        { "302 Found", "https://m.example.test/CookieAuth.dll?GetLogon?curl=Z2F&reason=0", HTTP_BY_DEVICE,
          "Forefront TMG" },
        { "302 Found", "https://p.example.test/InternalSite/?site_name=a", HTTP_BY_DEVICE, "Forefront UAG" },
        { "307 x", "https://s.example.test/adfs/ls?version=1.0&action=signin&realm=urn%3AAppProxy%3Acom",
          HTTP_BY_DEVICE, "Web Application Proxy" },
        { "302 x", "https://s.example.test/adfs/ls?SAMLRequest=a", HTTP_BY_UNKNOWN, NULL },
        { "302 x", "https://a.example.test/logon/LogonPoint/tmindex.html", HTTP_BY_DEVICE, "NetScaler" },
        { "302 x", "/vpn/index.html", HTTP_BY_DEVICE, "NetScaler" },
        { "302 x", "/lm_auth_proxy?DoLm", HTTP_BY_DEVICE, "Kemp LoadMaster" },
        { "302 x", "/owa/auth/logon.aspx?url=a", HTTP_BY_UNKNOWN, NULL },
        { "201 x", "/my.policy", HTTP_BY_UNKNOWN, NULL },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_origin origin;
        char lines[160];
        snprintf(lines, sizeof(lines), "Location: %s\r\n", rows[i].location);
        read_response(rows[i].status, lines);
        http_origin_of(&fields, NULL, &origin);
        CHECK_INT(origin.author, rows[i].author);
        CHECK_STR(origin.product ? origin.product : "", rows[i].product ? rows[i].product : "");
    }
}

/* X-CasErrorCode first; X-FailureContext where the status is not what the back end said. */
static void test_front_failure(void)
{
    static const struct {
        const char *status, *lines;
        enum http_front_failure failure;
        const char *text;
    } rows[] = {
        { "503 x", "", FRONT_SAYS_NOTHING, "" },
        { "404 x", "X-CasErrorCode: MailboxGuidWithDomainNotFound\r\n", FRONT_NO_MAILBOX, "" },
        { "500 x", "X-CasErrorCode: databaseguidnotfound\r\nX-FailureContext: FrontEnd;500;YQ==;;;;\r\n",
          FRONT_NO_BACK_END, "" },
        { "500 x", "X-CasErrorCode: SomethingNew\r\n", FRONT_OTHER, "" },
        { "503 x", "X-FailureContext: BackEnd;-1;Q29ubmVjdEZhaWx1cmU=;eA==;;ConnectFailure;\r\n", FRONT_UNREACHED,
          "ConnectFailure" },
        { "504 x", "X-FailureContext: BackEnd;-1;VGltZW91dA==;eA==;BackEndRequestTimedOut;Timeout;\r\n",
          FRONT_TIMED_OUT, "Timeout" },
        { "500 x", "X-FailureContext: BackEnd;-1;YQ==;;;;\r\n", FRONT_OTHER, "a" },
        { "503 x", "X-FailureContext: BackEnd;401;NDAx;eA==;;;\r\n", FRONT_BACK_LOGON, "401" },
        { "401 x", "X-FailureContext: BackEnd;401;NDAx;eA==;;;\r\n", FRONT_SAYS_NOTHING, "" },
        { "503 x", "X-FailureContext: BackEnd;503;NTAz;eA==;;;\r\n", FRONT_SAYS_NOTHING, "" },
        { "401 x", "X-FailureContext: FrontEnd;401;VW5hdXRob3JpemVk;;;;;\r\n", FRONT_SAYS_NOTHING, "" },
        { "503 x", "X-FailureContext: BackEnd\r\n", FRONT_SAYS_NOTHING, "" },
        { "503 x", "X-FailureContext:\r\n", FRONT_SAYS_NOTHING, "" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_front_says says;
        read_response(rows[i].status, rows[i].lines);
        http_front_says(fields.cas_error, fields.failure_context, head.status, &says);
        CHECK_INT(says.failure, rows[i].failure);
        CHECK_STR(says.text, rows[i].text);
    }
}

int main(void)
{
    test_front_failure();
    test_redirections();
    test_headers();
    test_statuses();
    test_pages();
    test_words();
    test_both();
    return unit_end();
}
