/* answer.c
 * One table of statuses, authors and what is known besides.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "answer.h"

#include "credentials.h"

#define BY(author) (1u << HTTP_BY_##author)
#define EXCHANGE (BY(BACK_END) | BY(FRONT_END))
#define HTTPSYS (BY(HTTPSYS) | BY(BACK_HTTPSYS))
#define BETWEEN (BY(DEVICE) | BY(GATEWAY))
#define ANYBODY UINT32_MAX
#define NOT_EXCHANGE (ANYBODY & ~(unsigned)EXCHANGE)
#define NOT_KNOWN (NOT_EXCHANGE & ~BY(DEVICE))

#define ITS_LOG "the log of whoever answered, at this time, by the request id"
#define HTTP_PROXY_LOG "the front end's HttpProxy log for this request-id"
#define URL_LACKS_MAILBOX                                                                    \
    "the URL lacks ?MailboxId=, without which Exchange does not know whose back end to ask", \
        "the MAPI URLs that Autodiscover gives, and rewriting rules on the way that drop the query"
#define BARE_INFERRED                                                                                                 \
    "a 401 has to say in WWW-Authenticate how to log on (RFC 9110 15.5.2), and this one does not: the client cannot " \
    "go on"
#define BARE_NEXT                                                                                                    \
    "the 401 at the server itself, authentication methods of the virtual directory, and what devices on the way do " \
    "with WWW-Authenticate or ask for themselves"
#define NOT_THE_PROXY                                                        \
    "only 200 opens a channel: something other than the RPC proxy answered", \
        "look at publishing and redirection rules for /rpc"
#define ERROR_LOG "the security log of the RPC proxy (event 4625) and that account in the directory"

/* The first row that fits counts. */
static const struct answer_row {
    uint16_t from, to; /* statuses */
    uint8_t protocols;
    uint8_t where;    /* WHERE_NONE: by the author */
    uint32_t authors; /* bits of enum http_author */
    unsigned traits;  /* all of them are there */
    uint32_t rpc_from, rpc_to;
    enum http_front_failure failure; /* FRONT_SAYS_NOTHING: whatever it says */
    struct advice advice;
} rows[] = {
#define ROW(from, to, protocols, authors, traits, where, ...)                                            \
    {                                                                                                    \
        from, to, ANSWER_##protocols, WHERE_##where, authors, traits, 0, UINT32_MAX, FRONT_SAYS_NOTHING, \
        {                                                                                                \
            __VA_ARGS__                                                                                  \
        }                                                                                                \
    }
#define RPC(from, to, inferred, next)                                                                 \
    {                                                                                                 \
        503, 503, ANSWER_RPCH, WHERE_SERVER, ANYBODY, ANSWER_RPC_ERROR, from, to, FRONT_SAYS_NOTHING, \
        {                                                                                             \
            inferred, next                                                                            \
        }                                                                                             \
    }
#define FRONT(failure, protocols, where, inferred, next)                                         \
    {                                                                                            \
        300, 599, ANSWER_##protocols, WHERE_##where, ANYBODY, 0, 0, UINT32_MAX, FRONT_##failure, \
        {                                                                                        \
            inferred, next                                                                       \
        }                                                                                        \
    }
    /* ---- "RPC Error:" (MS-RPCH 2.1.2.1.3): of logons, else of the way to the RPC server */
    RPC(0x5, 0x5, "access denied: the RPC proxy does not let this user through, or not to this target",
        "user name, password and rights of that user there (for an RD Gateway its policies), and the proxy's ValidPorts"),
    RPC(0x52E, 0x52E, "the logon failed: user name or password is wrong", ERROR_LOG),
    RPC(0x52F, 0x52F, "a restriction of the account forbids the logon", ERROR_LOG),
    RPC(0x530, 0x530, "the account may not log on at this hour", "logon hours of the account; " ERROR_LOG),
    RPC(0x531, 0x531, "the account may not log on from this computer",
        "workstations that the account allows; " ERROR_LOG),
    RPC(0x532, 0x532, "the password of the account has expired", "a new password for the account"),
    RPC(0x533, 0x533, "the account is disabled", ERROR_LOG),
    RPC(0x701, 0x701, "the account has expired", "the expiry date of the account"),
    RPC(0x773, 0x773, "the user must change the password of the account before it can log on",
        "a new password for the account, set where one can be set: Outlook and RD clients cannot"),
    RPC(0x775, 0x775, "the account is locked out", "who sends wrong passwords for the account; " ERROR_LOG),
    RPC(0, UINT32_MAX, "the RPC proxy did not reach the RPC server or refused the target",
        "look at that server's RPC service and ports, and at the proxy's ValidPorts"),

    /* ---- credentials */
    ROW(401, 407, RPCH, ANYBODY, ANSWER_TORN, UNKNOWN,
        "the credentials were not accepted, and their NTLM challenge did not come on this connection: the handshake "
        "may be torn between two servers",
        "keep a client's connection on one server during NTLM; check the account too"),
    ROW(401, 401, BOTH, BY(DEVICE), ANSWER_BARE, NONE, BARE_INFERRED, BARE_NEXT),
    ROW(401, 401, BOTH, ANYBODY, ANSWER_BARE, UNKNOWN, BARE_INFERRED, BARE_NEXT),
    ROW(401, 401, BOTH, ANYBODY, ANSWER_NOT_OFFERED, UNKNOWN,
        "the 401 does not offer the scheme of these credentials, so it is the scheme that is not taken there, whatever the "
        "password or token",
        "authentication methods of the virtual directory, authentication policies (Exchange Online takes no Basic), what "
        "devices do with WWW-Authenticate, and why the client keeps to that scheme"),
    ROW(401, 401, BOTH, ANYBODY, ANSWER_KRB_KEY, UNKNOWN,
        "the server cannot decrypt the ticket: it is for another account than the one that answers there, or for an old "
        "password of it",
        "setspn -Q http/<name>, which has to name one account; the same Alternate Service Account and password on all "
        "servers behind that name (RollAlternateServiceAccountPassword.ps1); tickets that the client still has (klist purge)"),
    ROW(401, 401, BOTH, ANYBODY, ANSWER_KRB_CLOCK, UNKNOWN,
        "the ticket does not hold at the server's time: the clocks of client, server and domain controllers differ, by "
        "more than five minutes as a rule",
        "the clocks of the client, of that server and of the domain controllers (w32tm /query /status)"),
    ROW(401, 401, RPCH, ANYBODY, ANSWER_OTHERS, CLIENT,
        "that server accepts other users by this scheme, so the name, password or ticket of this one is wrong, expired or "
        "locked",
        "see event 4625 and its status in the server's security log"),
    ROW(401, 401, RPCH, ANYBODY, ANSWER_KERBEROS, UNKNOWN,
        "the Kerberos ticket was not accepted: of another service account than the server's, too old, or its user",
        "the service name (setspn -Q http/<name>) and the Alternate Service Account of the servers, clocks, then that "
        "account"),
    ROW(401, 401, RPCH, ANYBODY, ANSWER_BEARER, UNKNOWN, "the token was not accepted",
        "its audience, issuer and lifetime, clocks, the server's OAuth configuration, and policies for this user or "
        "device"),
    ROW(401, 401, RPCH, ANYBODY, ANSWER_BOUND, UNKNOWN,
        "the credentials were not accepted, and their channel bindings cannot match there, if Extended Protection is on",
        "Extended Protection of /rpc and what ends TLS before the server; check the account too"),
    ROW(401, 401, RPCH, ANYBODY, 0, UNKNOWN,
        "the credentials were not accepted: they are mistyped or expired, or the server cannot check them",
        "check user name, password, lockout and the allowed authentication methods; see event 4625 and its status in the "
        "server's security log"),
    ROW(407, 407, BOTH, ANYBODY, ANSWER_UNTRIED, DEVICE,
        "a proxy on the way wants credentials of its own, and the client does not send any",
        "proxy settings and exceptions of the client, and the methods that the proxy offers"),
    ROW(407, 407, BOTH, ANYBODY, 0, UNKNOWN,
        "the proxy that answers, not the server, does not accept the credentials for it: they are mistyped or expired, or "
        "the proxy cannot check them",
        "that user's name, password and methods at the proxy; proxy settings and exceptions of the client"),
    ROW(456, 456, BOTH, ANYBODY, ANSWER_MODERN, NONE,
        "the user has to log on with a second factor, which takes a token (modern authentication): name and password alone "
        "are not taken (456)",
        "modern authentication in the organization (Get-OrganizationConfig: OAuth2ClientProfileEnabled) and in the client "
        "(EnableADAL, version); until then an app password, where policies allow one"),
    ROW(456, 456, BOTH, ANYBODY, 0, NONE,
        "Exchange's logon module does not take the credentials: an error that the user can mend (456)",
        "the account: let the user log on in a browser and do what it asks for, then password, licence and lockout"),
    ROW(457, 457, BOTH, ANYBODY, 0, NONE,
        "Exchange's logon module does not take the credentials: the password has expired (457)",
        "a new password for the account"),

    /* ---- what the response itself says */
    ROW(400, 400, MAPI, EXCHANGE, ANSWER_NO_MAILBOX, NONE, URL_LACKS_MAILBOX),
    FRONT(
        NO_MAILBOX, RPCH, NONE,
        "Exchange's front end serves /rpc there and does not know the mailbox: the target is none of its mailboxes",
        "whether that mailbox exists in this organization, and whether Exchange took /rpc over from an RPC proxy or RD "
        "Gateway on the same IIS"),
    FRONT(NO_MAILBOX, MAPI, NONE, "Exchange's front end does not know the mailbox of MailboxId",
          "whether that mailbox exists, was moved or lost its licence, and what Autodiscover gives the client"),
    FRONT(
        NO_TARGET, BOTH, UNKNOWN,
        "Exchange's front end does not find in the URL, or among its servers, whom to pass this on to",
        "the URL as it arrives there, and rewriting rules on the way that drop the query; then the servers of that version"),
    FRONT(NO_BACK_END, BOTH, NONE,
          "Exchange's front end does not find the mailbox database of this request, or the server that has it active",
          "that database and where it is mounted (Get-MailboxDatabaseCopyStatus), Active Manager, and " HTTP_PROXY_LOG),
    FRONT(NO_DIRECTORY, BOTH, NONE,
          "Exchange's front end got no answer of the directory that it asked for this request",
          "the domain controllers that this server uses (its event log, MSExchange ADAccess), and " HTTP_PROXY_LOG),
    FRONT(BUSY, BOTH, NONE, "Exchange's front end has as many requests under way as it takes, and did not pass this on",
          "why the back ends answer slowly: their load and databases at this time, and " HTTP_PROXY_LOG),
    FRONT(
        UNREACHED, BOTH, NONE, "Exchange's front end did not reach the back end server, or lost the connection to it",
        "the server that has the mailbox active: whether it runs, its port 444 and the certificate bound there (Exchange "
        "Back End), and " HTTP_PROXY_LOG),
    FRONT(TIMED_OUT, BOTH, NONE, "Exchange's front end waited for the back end server until its time was up",
          "the server that has the mailbox active: its load and application pools at this time, and " HTTP_PROXY_LOG),
    FRONT(
        BACK_LOGON, BOTH, NONE,
        "the back end server does not take the logon of Exchange's front end, which is Kerberos of the server, none of the "
        "user's",
        "clocks, computer accounts and authentication (Exchange Back End) of both servers, and " HTTP_PROXY_LOG),
    FRONT(OTHER, BOTH, NONE, "Exchange's front end could not pass the request on", HTTP_PROXY_LOG),
    ROW(403, 403, BOTH, ANYBODY, ANSWER_WANTS_TLS, NONE,
        "the path wants TLS, and the request came to that server in clear text",
        "whether a device ends TLS before it (SSL offloading): TLS on to the servers, or \"Require SSL\" off for that virtual "
        "directory"),
    ROW(400, 403, BOTH, ANYBODY, ANSWER_CERTIFICATE, NONE,
        "a client certificate is wanted there, and none came on that connection, or none that is trusted",
        "SSL settings of the virtual directory (client certificates: ignore, for Outlook), certificate rules of devices, and "
        "devices that end TLS and pass no certificate on"),
    ROW(200, 599, BOTH, ANYBODY, ANSWER_DISABLED, NONE, "the protocol is disabled for this mailbox",
        "Get-CASMailbox: MAPIEnabled, MapiHttpEnabled and MAPIBlockOutlookRpcHttp"),
    ROW(200, 599, BOTH, ANYBODY, ANSWER_CLIENT_RULES, NONE, "client access rules keep this client out",
        "Get-ClientAccessRule: the rule that fits this protocol, user and address"),
    ROW(400, 400, BOTH, ANYBODY, ANSWER_BIG_TOKEN, NONE,
        "the Kerberos token is too large for the limits of the header there",
        "group memberships of that user; MaxFieldLength and MaxRequestBytes of HTTP.sys, header limits of devices"),
    ROW(400, 431, BOTH, ANYBODY, ANSWER_LONG_HEADERS, NONE, "the headers of the request are longer than allowed there",
        "which of them is long (Authorization of a user in many groups, cookies); MaxFieldLength and MaxRequestBytes of "
        "HTTP.sys, header limits of devices"),
    ROW(400, 400, MAPI, BY(UNKNOWN), ANSWER_NO_MAILBOX, NONE, URL_LACKS_MAILBOX),

    ROW(408, 408, BOTH, ANYBODY, ANSWER_EXPECT, NONE,
        "the body was never sent: the head has Expect: 100-continue, and the client waited for a 100 that did not come",
        "what devices between the client and there do with Expect: 100-continue"),

    /* ---- the 1 GB body of IN */
    ROW(400, 400, RPCH, ANYBODY, ANSWER_IN_ALONE, NONE,
        "OUT is served at the same address, so it is the 1 GB body that RPC_IN_DATA announces that was not accepted",
        "size limits of the request body for /rpc on devices and in IIS (request filtering)"),
    ROW(403, 405, RPCH, ANYBODY, ANSWER_IN_ALONE, NONE,
        "OUT is served at the same address, so it is the 1 GB body that RPC_IN_DATA announces that was not accepted",
        "size limits of the request body for /rpc: maxAllowedContentLength of IIS request filtering (404.13), limits of "
        "devices; then whether the method RPC_IN_DATA is allowed"),
    ROW(411, 413, RPCH, ANYBODY, ANSWER_IN, NONE, "the 1 GB body that RPC_IN_DATA announces was not accepted",
        "raise the limit of the request body for /rpc on devices and in IIS (413 with client certificates: "
        "uploadReadAheadSize, or do not ask for them)"),
    ROW(400, 599, RPCH, ANYBODY, ANSWER_IN | ANSWER_TOO_LARGE, NONE,
        "the 1 GB body that RPC_IN_DATA announces was not accepted",
        "raise the limit of the request body for /rpc on devices and in IIS"),
    ROW(408, 408, RPCH, ANYBODY, 0, NONE,
        "the request body did not come in the time that is allowed there, but a channel's body lasts as long as the "
        "channel",
        "time limits for reading the request body for /rpc (Apache RequestReadTimeout, HAProxy timeout http-request, nginx "
        "client_body_timeout)"),
    ROW(200, 599, RPCH, ANYBODY, ANSWER_OPEN, NONE, "the answering side ended a channel that was open",
        "its time-outs and limits for /rpc, and its log at this time"),
    ROW(400, 400, RPCH, NOT_EXCHANGE, ANSWER_IN, NONE,
        "whoever answers did not accept the request as it came: the 1 GB body that it announces, its method, or one of its "
        "headers",
        "whether OUT gets the same answer there: then methods and headers that are let through for /rpc, else limits of the "
        "request body for /rpc on devices and in IIS"),

    /* ---- pages */
    ROW(200, 200, RPCH, EXCHANGE, 0, NONE,
        "Exchange sent a page in the place of the RPC proxy's response: /rpc is not the RPC proxy's there, or a logon page "
        "stands before it",
        "what serves /rpc on that server, its redirections and logon pages"),
    ROW(200, 200, RPCH, ANYBODY, 0, NONE,
        "a page from between in the place of the RPC proxy's response: a logon or a block page",
        "who writes this page: pre-authentication, portals, filters on the way to /rpc"),
    ROW(200, 200, MAPI, ANYBODY, 0, NONE, "a page in the place of the endpoint's response: a logon or a block page",
        "who writes this page: pre-authentication, portals, filters on the way"),
    ROW(300, 399, RPCH, ANYBODY, 0, NONE,
        "the request was sent to a page: a logon before the RPC proxy or a redirection rule",
        "pre-authentication, publishing and redirection rules for /rpc: Outlook cannot log on at a page"),
    ROW(300, 399, MAPI, ANYBODY, ANSWER_CIRCLE, UNKNOWN,
        "the redirection leads in a circle, in which no client gets anywhere",
        "the rule that redirects, most often from http to https: a device that ends TLS before it has to tell it so "
        "(X-Forwarded-Proto), or the rule must not apply to /mapi; a client that does not keep cookies"),
    ROW(300, 399, MAPI, ANYBODY, 0, NONE,
        "the request was sent to a page: a logon before the endpoint or a redirection rule",
        "pre-authentication and redirection rules for /mapi: Outlook cannot log on at a page"),

    /* ---- HTTP.sys, who does not see what is behind it */
    ROW(503, 503, RPCH, BY(BACK_HTTPSYS), 0, NONE,
        "HTTP.sys of the back end, whose page the front end passed on, had nobody to hand the request to: the application "
        "pool for /rpc is stopped or disabled there, or its queue is full",
        "the application pools and the httperr log of the back end server"),
    ROW(503, 503, MAPI, BY(BACK_HTTPSYS), 0, NONE,
        "HTTP.sys of the back end, whose page the front end passed on, had nobody to hand the request to: the application "
        "pool for /mapi is stopped or disabled there, or its queue is full",
        "the application pools and the httperr log of the back end server"),
    ROW(503, 503, RPCH, HTTPSYS, 0, NONE,
        "HTTP.sys had nobody to hand the request to: the application pool for /rpc is stopped or disabled, or its queue is "
        "full, on the Windows machine that answers (Exchange, an RPC proxy, or a Web Application Proxy)",
        "the application pools and the httperr log of that machine"),
    ROW(503, 503, MAPI, HTTPSYS, 0, NONE,
        "HTTP.sys had nobody to hand the request to: the application pool for /mapi is stopped or disabled, or its queue "
        "is full, on the Windows machine that answers (Exchange or a Web Application Proxy)",
        "the application pools and the httperr log of that machine"),
    ROW(400, 431, BOTH, HTTPSYS, 0, UNKNOWN,
        "HTTP.sys did not accept the request as it came: by the client or by what a device made of it",
        "the httperr log of that machine, which names the reason; then the headers that arrive there, and their size"),

    /* ---- statuses */
    ROW(403, 405, RPCH, NOT_KNOWN, ANSWER_SERVED, NONE,
        "/rpc is served at that address, where virtual connections opened before: a rule for single requests, clients or "
        "rates refused this one, or one of several servers behind that address does not serve the path",
        "the log of whoever answers there, by the time and the words of its page: rules of filters, WAF and bot or rate "
        "protection; then whether all servers behind it serve /rpc"),
    ROW(405, 405, RPCH, ANYBODY, 0, NONE, "the methods RPC_IN_DATA and RPC_OUT_DATA are not allowed there",
        "methods that publishing rules, filters and IIS request filtering let through for /rpc"),
    ROW(501, 501, RPCH, ANYBODY, 0, NONE, "whoever answers does not know the methods RPC_IN_DATA and RPC_OUT_DATA",
        "let these methods through for /rpc there, or publish /rpc by a device that knows them"),
#define FORBIDS(from, to, traits)                                                                               \
    ROW(from, to, RPCH, BY(DEVICE), traits, NONE, "a rule of that device forbids the request",                  \
        "its log at this time, with the words of its page, and its rules for /rpc and the methods RPC_IN_DATA " \
        "and RPC_OUT_DATA"),                                                                                    \
        ROW(from, to, MAPI, BY(DEVICE), traits, NONE, "a rule of that device forbids the request",              \
            "its log at this time, with the words of its page, and its rules for /mapi")
    FORBIDS(403, 403, 0), FORBIDS(400, 599, ANSWER_BLOCKED),
#undef FORBIDS
    ROW(400, 400, RPCH, ANYBODY, ANSWER_ECHO, NONE, NOT_THE_PROXY),
    ROW(400, 400, RPCH, NOT_EXCHANGE, 0, NONE,
        "whoever answers did not accept the request as it came: its method, RPC_IN_DATA or RPC_OUT_DATA, or one of its headers",
        "whether that place lets these methods through for /rpc, and its log at this time for what it found wrong"),
    ROW(403, 404, RPCH, ANYBODY, 0, NONE, "the address /rpc/rpcproxy.dll is not served or not allowed there",
        "check the RPC over HTTP component, IIS restrictions and publishing rules"),
    ROW(404, 404, MAPI, ANYBODY, ANSWER_TOO_LARGE, NONE, "the request is larger than allowed there",
        "maxAllowedContentLength of IIS request filtering (404.13) for /mapi"),
    ROW(403, 405, MAPI, NOT_KNOWN, ANSWER_SERVED, NONE,
        "the path is served at that address, as earlier requests of this session show: a rule for single requests or for "
        "rates refused this one, or one of several servers behind that address does not serve the path",
        "the log of whoever answers there, by the time and the words of its page: rules of filters, WAF and bot or rate "
        "protection; then whether all servers behind it serve /mapi"),
    ROW(405, 405, MAPI, NOT_EXCHANGE, 0, NONE, "the method is not allowed there, or the path is not served",
        "methods that are let through for /mapi, publishing rules, and the virtual directory MAPI"),
    ROW(403, 404, MAPI, NOT_EXCHANGE, 0, NONE, "the path is not published or not served there",
        "publishing rules for /mapi/emsmdb and /mapi/nspi, and the virtual directory MAPI"),
    ROW(408, 408, MAPI, ANYBODY, 0, NONE, "the request did not come whole in the time that is allowed there",
        "time limits for reading requests for /mapi, and loss or a slow line before it"),
    ROW(413, 413, MAPI, ANYBODY, 0, NONE, "the request is larger than allowed there",
        "limits of the request body for /mapi (in IIS with client certificates: uploadReadAheadSize, or do not ask for "
        "them)"),
    ROW(400, 599, MAPI, ANYBODY, ANSWER_TOO_LARGE, NONE, "the request is larger than allowed there",
        "limits of the request body for /mapi"),
    ROW(417, 417, RPCH, ANYBODY, 0, NONE, "Expect: 100-continue was not accepted", "let devices pass that header"),
    ROW(417, 417, MAPI, ANYBODY, 0, NONE, "Expect: 100-continue was not accepted",
        "let devices pass or drop that header"),
    ROW(429, 429, BOTH, ANYBODY, 0, NONE, "too many requests for a limit there", "throttling policies and rate limits"),
    ROW(501, 501, MAPI, ANYBODY, 0, NONE, "whoever answers does not know the method of the request",
        "methods that are let through for /mapi"),
    ROW(502, 504, MAPI, NOT_EXCHANGE, ANSWER_ROUND, NONE, "a device gave up waiting after a time-out of its own",
        "its time-out for responses of /mapi: NotificationWait takes up to five minutes"),
    ROW(502, 504, BOTH, NOT_EXCHANGE, ANSWER_PASSED_ON, NONE,
        "the device had passed the request on, and gave up waiting for the answer, or could not use the one that came",
        "its time-out for answers, and what the server behind it did at this time"),
    /* Those of Cloudflare: developers.cloudflare.com, "Cloudflare 5xx errors" */
    ROW(524, 524, BOTH, BETWEEN, 0, NONE,
        "the device reached the server behind it, and no answer began in the time that it waits (Cloudflare: 100 s "
        "unless that was changed)",
        "its time-out for answers, what holds answers back behind it (response buffering), and what the server did at "
        "this time"),
    ROW(525, 526, BOTH, BETWEEN, 0, NONE,
        "TLS between the device and the server behind it failed: the handshake (525), or the server's certificate (526)",
        "the certificate of that server (names, chain, expiry) and the TLS versions of both"),
    ROW(520, 523, BOTH, BETWEEN, 0, NONE,
        "the device did not reach the server behind it (521 to 523), or had no valid answer from it (520)",
        "whether that server runs, whether its firewall lets the device's addresses in, and its log at this time"),
    /* RFC 9110 15.6.3 and 15.6.5 */
    ROW(504, 504, BOTH, BETWEEN, 0, NONE, "the answering side had no answer in time from the server behind it",
        "its time-out for answers, and whether the server behind it was down or slow at this time"),
    ROW(502, 502, BOTH, BETWEEN, 0, NONE,
        "the answering side did not reach the server behind it, or had no valid answer from it",
        "health checks and the state of the servers behind it at this time"),
    ROW(503, 503, BOTH, BETWEEN, 0, NONE, "the answering side did not reach the server behind it",
        "health checks and the state of the servers behind it at this time"),
    ROW(503, 503, MAPI, ANYBODY, 0, NONE,
        "nobody was there to serve it: the service is stopped, overloaded or in maintenance",
        "the application pools for /mapi, server components and health checks at this time"),
    ROW(500, 599, RPCH, ANYBODY, 0, NONE, "the answering side could not serve the channel", ITS_LOG),
    ROW(500, 599, MAPI, ANYBODY, 0, NONE, "the answering side failed", ITS_LOG),
    ROW(0, UINT16_MAX, RPCH, ANYBODY, 0, NONE, NOT_THE_PROXY),
    ROW(0, UINT16_MAX, MAPI, ANYBODY, 0, NONE, "the answering side did not accept the request",
        "filters and limits for /mapi there")
#undef ROW
#undef RPC
#undef FRONT
};

static const struct answer_row *row_of(const struct answer *answer)
{
    const struct answer_row *row = rows;
    while (answer->status < row->from || answer->status > row->to || !(row->protocols & answer->protocol) ||
           !(row->authors >> answer->author & 1) || (row->traits & answer->traits) != row->traits ||
           answer->rpc_error < row->rpc_from || answer->rpc_error > row->rpc_to ||
           (row->failure != FRONT_SAYS_NOTHING && row->failure != answer->failure)) {
        row++; /* the last rows fit everything */
    }
    return row;
}

struct advice answer_advice(const struct answer *answer)
{
    return row_of(answer)->advice;
}

enum verdict_where answer_where(const struct answer *answer)
{
    static const uint8_t by_author[HTTP_AUTHORS] = {
        [HTTP_BY_UNKNOWN] = WHERE_UNKNOWN, [HTTP_BY_BACK_END] = WHERE_SERVER,     [HTTP_BY_FRONT_END] = WHERE_SERVER,
        [HTTP_BY_HTTPSYS] = WHERE_SERVER,  [HTTP_BY_BACK_HTTPSYS] = WHERE_SERVER, [HTTP_BY_IIS] = WHERE_UNKNOWN,
        [HTTP_BY_GATEWAY] = WHERE_DEVICE,  [HTTP_BY_RPC_PROXY] = WHERE_SERVER,    [HTTP_BY_DEVICE] = WHERE_DEVICE
    };
    const struct answer_row *row = row_of(answer);
    if (row->where != WHERE_NONE) {
        return (enum verdict_where)row->where;
    }
    /* A page of no known author in the place of a response is nothing that Exchange sends. */
    if (answer->status == 200 && by_author[answer->author] == WHERE_UNKNOWN && answer->protocol == ANSWER_RPCH) {
        return WHERE_DEVICE;
    }
    return (enum verdict_where)by_author[answer->author];
}

unsigned answer_words(unsigned words)
{
    return (words & WORDS_WANTS_TLS ? ANSWER_WANTS_TLS : 0u) | (words & WORDS_CERTIFICATE ? ANSWER_CERTIFICATE : 0u) |
           (words & WORDS_LONG_HEADERS ? ANSWER_LONG_HEADERS : 0u) | (words & WORDS_DISABLED ? ANSWER_DISABLED : 0u) |
           (words & WORDS_BLOCKED ? ANSWER_BLOCKED : 0u) | (words & WORDS_CLIENT_RULES ? ANSWER_CLIENT_RULES : 0u) |
           (words & WORDS_MODERN ? ANSWER_MODERN : 0u) | (words & WORDS_TOO_LARGE ? ANSWER_TOO_LARGE : 0u);
}

unsigned answer_krb_error(unsigned code)
{
    switch (code) {
    case KRB_BAD_INTEGRITY:
    case KRB_NOT_US:
    case KRB_MODIFIED:
    case KRB_BAD_KEY_VERSION:
    case KRB_NO_KEY:
        return ANSWER_KRB_KEY;
    case KRB_TICKET_EXPIRED:
    case KRB_TICKET_NOT_YET:
    case KRB_SKEW:
        return ANSWER_KRB_CLOCK;
    default:
        return 0;
    }
}

void say_krb_error(struct text *text, unsigned code)
{
    if (code) {
        say(text, ", Kerberos error %u (%s)", code, known_name(auth_krb_error_name(code)));
    }
}

void say_failure(struct text *text, const char *failure)
{
    if (failure && failure[0]) {
        say(text, ", X-FailureContext says \"%s\"", failure);
    }
}

void say_writer(struct text *text, const char *verb, const struct writer *writer)
{
    const enum http_author author = writer->author;
    static const char *const names[HTTP_AUTHORS] = { [HTTP_BY_BACK_END] = "Exchange's back end",
                                                     [HTTP_BY_FRONT_END] = "Exchange's front end",
                                                     [HTTP_BY_BACK_HTTPSYS] = "HTTP.sys of the back end behind it",
                                                     [HTTP_BY_HTTPSYS] = "HTTP.sys",
                                                     [HTTP_BY_IIS] = "IIS, Exchange's or that of a gateway on Windows",
                                                     [HTTP_BY_RPC_PROXY] = "the RPC proxy",
                                                     [HTTP_BY_GATEWAY] = "a gateway" };
    if (author == HTTP_BY_DEVICE) {
        say(text, ", %s by a device (%s, by its %s)", verb, writer->product ? writer->product : "of no known name",
            writer->status / 100 == 3 ? "redirection" : "page");
    } else if (author == HTTP_BY_UNKNOWN || author >= HTTP_AUTHORS) {
        say(text, ", its author does not show");
    } else {
        say(text, ", %s by %s", verb, names[author]);
    }
    if (writer->title && writer->title[0] && author != HTTP_BY_RPC_PROXY) {
        say(text, ", with the words \"%s\"", writer->title);
    }
}
