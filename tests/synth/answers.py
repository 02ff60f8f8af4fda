"""Samples of what answers in place of the RPC proxy or the endpoint: Exchange's front end without a back end, logons that
devices put before it, filters. Each for both protocols, with what must and what must not be said.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64

import mapiscene as m
import rpc
from legs import FRONT as BEFORE, Relayed, behind
from mapiscene import Context, Outlook, case
from scene import Leg
from told import REFUSED, told

HTTP = "outlook.http.failed"
SERVER, DEVICE, UNKNOWN = "SERVER (inferred)", "NETWORK DEVICE (inferred)", "CANNOT TELL"
SEEN = "NETWORK DEVICE (seen)"
FRONT = "X-FEServer: EX1", "X-OWA-Version: 15.2.1544.4"


def answered(name, title, status, lines, where, says, what, rule, text="", never=None, mapi_says=None):
    """The same answer to OUT of a virtual connection and to an Execute of a session: rpc-NAME and mapi-verdict-NAME."""
    number, reason = status.split(" ", 1)
    if not text:
        lines = *lines, "Content-Length: 0"

    @told(f"rpc-{name}", title)
    def channels(cap):
        leg = Leg(cap)
        leg.connect("in").up(rpc.ask_in())
        leg.connect("out").up(rpc.ask_out())
        leg.out.up(rpc.conn_a1(leg.c))
        leg.in_.up(rpc.conn_b1(leg.c))
        cap.wait(0.1)
        frame = leg.out.down(rpc.page(int(number), reason, *lines, text=text) if text else
                             rpc.answer(int(number), reason, *lines))
        cap.wait(1)
        leg.out.close()
        leg.in_.close()
        cap.told(REFUSED, frame, where, number, *says, never=never)
        cap.what, cap.rule = what, rule

    @case(f"mapi-verdict-{name}", title)
    def session(cap):
        c = Context(Outlook(cap))
        c.connect()
        asked = c.ask("Execute", m.execute_body())
        cap.wait(0.1)
        frame = c.page(asked, status, *(line for line in lines if line != "Content-Length: 0"), text=text)
        cap.item(HTTP, frame, rule, [number, *(mapi_says or says)], where=where)
        cap.wait(1)
        c.conn.close()
        cap.what, cap.rule = what, rule


# ---- Exchange's front end --------------------------------------------------------------------

def context(place, status, error, details="x", name="", state=""):
    def coded(text):
        return base64.b64encode(text.encode()).decode()
    return f"X-FailureContext: {place};{status};{coded(error)};{coded(details)};{name};{state};"


answered("front-unreached", "Exchange's front end does not reach its back end", "503 Service Unavailable",
         (context("BackEnd", -1, "ConnectFailure", "Unable to connect to the remote server", state="ConnectFailure"), *FRONT),
         SERVER, ("ConnectFailure", "did not reach the back end", "port 444"),
         "The back end of the mailbox is down, or has no certificate on port 444: the front end writes 503 itself.",
         "X-FailureContext names the back end, and no status of it (-1).", never="could not serve|nobody was there")
answered("front-timeout", "Exchange's front end waits in vain for its back end", "504 Gateway Timeout",
         (context("BackEnd", -1, "Timeout", "The operation has timed out", "BackEndRequestTimedOut", "Timeout"), *FRONT),
         SERVER, ("Timeout", "until its time was up"),
         "The back end does not answer in time: the front end writes 504 itself.",
         "504 of Exchange's front end is no gateway of the network.", never="NETWORK DEVICE")
answered("front-logon", "the back end does not take the logon of Exchange's front end",
         "503 Failed authentication on backend server: Unauthorized", (context("BackEnd", 401, "401"), *FRONT),
         SERVER, ("none of the user's", "computer accounts"),
         "The front end asks its back end by Kerberos of its own account, and gets 401; the client gets 503.",
         "A 401 of the back end that the front end does not pass on is about its own logon.", never="password")
answered("front-database", "Exchange's front end does not find the mailbox database", "500 Internal Server Error",
         ("X-CasErrorCode: DatabaseGuidNotFound", context("FrontEnd", 500, "DatabaseGuidNotFound", name="DatabaseGuidNotFound"),
          *FRONT),
         SERVER, ("DatabaseGuidNotFound", "does not find the mailbox database"),
         "The front end knows the mailbox, but not the database that it is said to be in.",
         "X-CasErrorCode says what was not found: the mailbox is one case of many.", never="does not know the mailbox")
answered("front-busy", "Exchange's front end has too many requests under way", "503 Service Unavailable",
         ("X-CasErrorCode: TooManyOutstandingProxyRequests", *FRONT), SERVER, ("as it takes", "answer slowly"),
         "The back end is slow, and the front end passes nothing more on.",
         "X-CasErrorCode says that nothing was looked for.", never="does not know the mailbox")


@case("mapi-verdict-front-no-mailbox", "400 with X-CasErrorCode to a URL without MailboxId")
def no_mailbox(cap):
    c = Context(Outlook(cap))
    asked = c.ask("Connect", m.connect_body(), uri="/mapi/emsmdb/")
    frame = c.page(asked, "400 Bad Request", "X-CasErrorCode: MailboxGuidWithDomainNotFound", *FRONT, text="")
    cap.item(HTTP, frame, "The URL has none.", ["400", "lacks ?MailboxId="], where=SERVER)
    c.conn.close()
    cap.what = "A rewriting rule dropped the query. The front end writes the same X-CasErrorCode as for a mailbox that it does not know."
    cap.rule = "No mailbox was asked for: that none was found says nothing of the mailbox."


@told("rpc-front-target", "404 with X-CasErrorCode EndpointNotFound")
def no_target(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in())
    leg.connect("out").up(rpc.ask_out())
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    frame = leg.out.down(rpc.answer(404, "Not Found", "X-CasErrorCode: EndpointNotFound", *FRONT, "Content-Length: 0"))
    leg.out.close()
    leg.in_.close()
    cap.told(REFUSED, frame, UNKNOWN, "whom to pass this on to", never="does not know the mailbox")
    cap.what = "The front end finds no server of the old version that the target needs."
    cap.rule = "The URL as it arrives, or the servers: who is to blame does not show."


# ---- logons before the server ----------------------------------------------------------------

NO_PAGE = "Outlook cannot log on at a page"
answered("logon-f5", "BIG-IP APM sends Outlook to its logon page", "302 Found",
         ("Server: BigIP", "Location: /my.policy", "Set-Cookie: MRHSession=0123456789abcdef;path=/;secure"), DEVICE,
         ("F5, by its redirection", "Location: /my.policy", NO_PAGE),
         "An access policy of BIG-IP APM covers the path: who has no session is sent to /my.policy. There is no page.",
         "Location names who wrote it. Server alone would not: devices write theirs into what they pass on.")
answered("logon-wap", "Web Application Proxy sends Outlook to AD FS", "307 Temporary Redirect",
         ("Server: Microsoft-HTTPAPI/2.0", "Location: https://sts.example.test/adfs/ls?version=1.0&action=signin&realm="
          "urn%3AAppProxy%3Acom&appRealm=37d0e840-bdc3-e911-90f3-005056b6cfbb&returnUrl=https%3A%2F%2Fmail.example.test%2F"), DEVICE,
         ("Web Application Proxy, by its redirection", "https://sts.example.test/adfs/ls", NO_PAGE),
         "The path is published with AD FS pre-authentication in place of pass-through.",
         "The realm in the URL is that of Web Application Proxy. The query is not quoted: it may hold secrets.", never="appRealm")
answered("logon-elsewhere", "a redirection to a page of nobody known", "302 Found",
         ("Location: https://portal.example.test/login?from=mail",), UNKNOWN,
         ("its author does not show", "https://portal.example.test/login"),
         "The request is sent to a page; nothing shows who does it.", "A redirection alone names nobody.", never="from=mail")

# ---- TLS and certificates ----------------------------------------------------------------------

IIS = "<html><head><title>403 - Forbidden: Access is denied.</title></head><body><div id=\"header\"><h1>Server Error</h1></div>" \
      "<div id=\"content\"><fieldset><h2>%s</h2><h3>%s</h3></fieldset></div></body></html>"
answered("wants-tls", "403.4 of IIS: TLS ends at a device before it", "403 Forbidden", ("Server: Microsoft-IIS/10.0",), UNKNOWN,
         ("in clear text", "SSL offloading", "Require SSL"),
         "A device ends TLS and speaks clear text to a server whose virtual directory requires TLS.",
         "The page says which 403 it is. Device or server have to change: who is to blame does not show.",
         IIS % ("403.4 - Forbidden: SSL is required to view this resource.",
                "The page you are trying to access is secured with Secure Sockets Layer (SSL)."), never="not served|not published|1 GB")
answered("certificate", "403.7 of IIS: a client certificate is wanted", "403 Forbidden", ("Server: Microsoft-IIS/10.0",), UNKNOWN,
         ("client certificate is wanted", "SSL settings"),
         "The virtual directory requires client certificates; Outlook has none, or a device that ends TLS does not pass it on.",
         "The page says which 403 it is.",
         IIS % ("403.7 - Forbidden: SSL client certificate is required.",
                "The page you are attempting to access requires your browser to have a Secure Sockets Layer (SSL) client certificate "
                "that the Web server will recognize."), never="not served|not published|1 GB")

# ---- filters -------------------------------------------------------------------------------------

answered("filter", "Zscaler forbids the request", "403 Forbidden", ("Server: Zscaler/6.2",), DEVICE,
         ("Zscaler, by its page", "a rule of that device"),
         "A web proxy that inspects TLS writes its own page.", "The page names its author.",
         "<html><head><title>Not allowed</title></head><body>Your organization has selected Zscaler to protect you from internet "
         "threats.</body></html>", never="not served|not published")

answered("filter-fortiweb", "FortiWeb forbids the request with 500", "500 Internal Server Error", (), DEVICE,
         ("FortiWeb or FortiGate, by its page", "a rule of that device"),
         "A web application firewall takes RPC_OUT_DATA, or the body, for an attack, and answers with 500, as it comes.",
         "The page says that it blocks, whatever the status.",
         "<html><head><title>Web Page Blocked!</title></head><body><h2>Web Page Blocked!</h2><p>The page cannot be displayed. Please "
         "contact the administrator for additional information.</p><p>Attack ID: 20000051</p></body></html>",
         never="could not serve|answering side failed")


@told("rpc-filter-400-both", "a device does not take the methods, and answers both halves with 400")
def both_bad(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in())
    leg.connect("out").up(rpc.ask_out())
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    page = "<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>\n"
    for conn in (leg.out, leg.in_):
        cap.told(REFUSED, conn.down(rpc.page(400, "Bad request", text=page)), DEVICE, "RPC_IN_DATA or RPC_OUT_DATA", never="1 GB|only 200")
    leg.out.close()
    leg.in_.close()
    cap.what = "A proxy that is strict in methods or headers refuses OUT and IN alike."
    cap.rule = "OUT announces 76 bytes: what refuses it as it refuses IN is not about a body of 1 GB."


answered("gateway-524", "Cloudflare waits in vain for an answer", "524 <none>", ("Server: cloudflare",), DEVICE,
         ("Cloudflare, by its page", "no answer began in the time that it waits", "response buffering"),
         "Something behind Cloudflare holds the response back for 100 s. To who does not ask for HTML the page is one line.",
         "520 to 526 are statuses of Cloudflare alone: Exchange and IIS have none of them.", "error code: 524",
         never="could not serve|answering side failed")
answered("gateway-525", "Cloudflare, and no TLS to the server", "525 <none>", ("Server: cloudflare",), DEVICE,
         ("answered by a gateway", "handshake .525."), "The certificate of the server has expired; there is no page.",
         "520 to 526 are statuses of Cloudflare alone: Exchange and IIS have none of them.", mapi_says=["written by a gateway", "handshake (525)"],
         never="could not serve|answering side failed")

# ---- 401 -----------------------------------------------------------------------------------------

OFFERS = "WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM"
BARE = "does not: the client cannot go on"


def bare(number):
    return rpc.answer(number, "Unauthorized", *FRONT, "Content-Length: 0")


@told("rpc-bare-401", "401 without WWW-Authenticate")
def channel_bare(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in(auth=None))
    leg.connect("out").up(rpc.ask_out(auth=None))
    frame = leg.out.down(bare(401))
    leg.out.close()
    leg.in_.close()
    cap.told(REFUSED, frame, UNKNOWN, BARE, "devices on the way")
    cap.what = "OUT without credentials gets a 401 that offers nothing; the client leaves."
    cap.rule = "RFC 9110 15.5.2: a 401 has to carry WWW-Authenticate. This one is no step of a logon."


@told("rpc-bare-401-stripped", "a device takes WWW-Authenticate out")
def channel_stripped(cap):
    both = Relayed(cap, BEFORE, behind("10.0.0.81:80"))
    for role in ("in", "out"):
        both.request(role, auth=None)
        both.first(role)
    front, back = both.legs
    back.out.down(rpc.answer(401, "Unauthorized", *OFFERS, "Content-Length: 0"))
    frame = front.out.down(bare(401))
    cap.wait(1)
    both.close()
    cap.told(REFUSED, frame, SEEN, BARE, "leg 1 .frame [0-9]+. says how to log on")
    cap.what = "The server offers Negotiate and NTLM; the device passes the 401 on without."
    cap.rule = "Both legs have the 401, only one of them has its offers."


@case("mapi-verdict-bare-401", "401 without WWW-Authenticate")
def session_bare(cap):
    c = Context(Outlook(cap, auth=None))
    asked = c.ask("Connect", m.connect_body())
    frame = c.page(asked, "401 Unauthorized", *FRONT, text="")
    cap.item(HTTP, frame, "It offers nothing.", ["401", BARE], where=UNKNOWN)
    c.conn.close()
    cap.what = "Connect without credentials gets a 401 that offers nothing; the client leaves."
    cap.rule = "RFC 9110 15.5.2: a 401 has to carry WWW-Authenticate. This one is no step of a logon."


@case("mapi-verdict-bare-401-stripped", "a device takes WWW-Authenticate out")
def session_stripped(cap):
    c = Context(Outlook(cap, server="10.0.0.80:80", auth=None))
    server = cap.connect("10.0.0.70", "10.0.0.81:80")
    outer = c.ask("Connect", m.connect_body())
    inner = c.relay(outer, server)
    c.page(inner, "401 Unauthorized", *OFFERS, text="")
    frame = c.page(outer, "401 Unauthorized", text="")
    cap.item(HTTP, frame, "The leg behind has the offers.", ["401", BARE, "leg 1", "taken out"], where=SEEN)
    m.close(c.conn, server)
    cap.what = "The server offers Negotiate and NTLM; the device passes the 401 on without."
    cap.rule = "Both legs have the 401, only one of them has its offers."


TICKET = "cannot decrypt the ticket", "KRB_AP_ERR_MODIFIED", "Alternate Service Account"


@told("rpc-kerberos-modified", "a Kerberos ticket for another account than the server's")
def channel_modified(cap):
    leg = Leg(cap)
    for role, ask in ("in", rpc.ask_in), ("out", rpc.ask_out):
        conn = leg.connect(role)
        conn.up(ask(auth=rpc.kerberos()))
        frame = conn.down(rpc.answer(401, "Unauthorized", f"WWW-Authenticate: {rpc.krb_error(41)}", "Content-Length: 0"))
        cap.told(REFUSED, frame, UNKNOWN, *TICKET, never="too old")
    leg.out.close()
    leg.in_.close()
    cap.what = "The ticket is for the balanced name, whose SPN is on another account than the servers use. The 401 carries a KRB-ERROR."
    cap.rule = "KRB_AP_ERR_MODIFIED: the server could not decrypt the ticket (RFC 4120 3.2.3). The user's password has no part in it."


def modified(name, title, code, says, falls_back, what, rule):
    """Three tickets refused with a KRB-ERROR, each on a connection of its own."""
    @case(f"mapi-auth-kerberos-{name}", title)
    def build(cap):
        c = Context(Outlook(cap, auth=rpc.kerberos()))
        for _ in range(3):
            ask = c.ask("Connect", m.connect_body(), auth=rpc.kerberos())
            frame = c.page(ask, "401 Unauthorized", f"WWW-Authenticate: {rpc.krb_error(code)}", *OFFERS, *FRONT, text="")
            if falls_back:
                cap.wait(0.1)
                c.outlook.auth = rpc.basic()
                c.connect()
                c.exchange()
            c.conn.close()
            c.conn = None
            cap.wait(3)
        cap.item("outlook.auth.refused.note" if falls_back else "outlook.auth.refused", frame, "The third in a row.", says, where=UNKNOWN)
        cap.what, cap.rule = what, rule


modified("modified", "three tickets for another account than the server's", 41, [*TICKET, "the ticket is for HTTP/mail.example.test"], False,
         "As rpc-kerberos-modified, three times. SPNEGO says that it goes on (accept-incomplete), as Windows does with a KRB-ERROR.",
         "A KRB-ERROR refuses the ticket, whatever SPNEGO says around it.")
modified("skew", "three tickets of a client whose clock is wrong", 37, ["KRB_AP_ERR_SKEW", "the clocks of client"], False,
         "The clock of the client is ten minutes late.", "KRB_AP_ERR_SKEW (RFC 4120 3.2.3).")
modified("falls-back", "three such tickets, and Basic behind each", 41, [*TICKET, "accepted by Basic"], True,
         "The client gets in by Basic each time.", "As mapi-kerberos-falls-back; the server says why.")

BEARER = 'WWW-Authenticate: Bearer client_id="00000002-0000-0ff1-ce00-000000000000", ' \
         'authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
NOT_OFFERED = "does not offer the scheme"


@told("rpc-scheme-not-offered", "Basic where only tokens are taken")
def channel_not_offered(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in())
    leg.connect("out").up(rpc.ask_out())
    frame = leg.out.down(rpc.answer(401, "Unauthorized", BEARER, *FRONT, "Content-Length: 0"))
    leg.out.close()
    leg.in_.close()
    cap.told(REFUSED, frame, UNKNOWN, NOT_OFFERED, "no Basic", never="mistyped")
    cap.what = "The profile is set to Basic; the server has modern authentication only."
    cap.rule = "A 401 that does not offer the scheme of the credentials says nothing of the password."


@case("mapi-auth-not-offered", "Basic where only tokens are taken")
def session_not_offered(cap):
    c = Context(Outlook(cap))
    for _ in range(3):
        frame = c.page(c.ask("Connect", m.connect_body()), "401 Unauthorized", BEARER, *FRONT, text="")
        cap.wait(2)
    cap.item("outlook.auth.refused", frame, "The third refusal.", ["alice", NOT_OFFERED, "no Basic"], where=UNKNOWN)
    c.conn.close()
    cap.what = "The client keeps to Basic; the server has modern authentication only."
    cap.rule = "A 401 that does not offer the scheme of the credentials says nothing of the password."


# ---- what was served before, and modern authentication ---------------------------------------

answered("456-modern", "456 to a password where a second factor is wanted", "456 Unknown", FRONT, SERVER,
         ("second factor", "OAuth2ClientProfileEnabled"), "A name and a password, of a user who has to log on with a second factor.",
         "The page says so; 456 alone tells of many errors that the user can mend.",
         text="<html><body>oauth_not_available: you must use multi-factor authentication to access this</body></html>",
         never="licence and lockout")


@told("rpc-403-served", "403 where virtual connections opened before")
def served(cap):
    leg = Leg(cap)
    leg.establish()
    leg.work()
    cap.wait(2)
    refused = Leg(cap, vc=1)
    refused.connect("in").up(rpc.ask_in())
    refused.connect("out").up(rpc.ask_out())
    refused.out.up(rpc.conn_a1(refused.c))
    refused.in_.up(rpc.conn_b1(refused.c))
    cap.wait(0.1)
    for conn in (refused.out, refused.in_):
        frame = conn.down(rpc.page(403, "Forbidden", text="<html><head><title>Request Rejected</title></head></html>"))
        cap.told(REFUSED, frame, UNKNOWN, "403", "is served at that address", "Request Rejected", never="is not served or not allowed")
    cap.wait(1)
    refused.out.close()
    refused.in_.close()
    leg.close()
    cap.what = "One virtual connection opens and works; the next one of the same client is refused with a page of a filter."
    cap.rule = "That /rpc is not served there is no explanation: it was, two seconds before."
