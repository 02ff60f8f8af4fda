"""Samples of section 7, http.failed and the rows mapihttp.*, each with its healthy counterpart. Cut and unanswered
responses are in mapi_http, broken bodies and failed Connects in mapi_body.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64

import mapi_ntlm as ntlm
import mapiscene as m
import mapiwire as w
from mapiscene import CODES, DOWN, UP, Context, Outlook, case

CODE, LOST = "mapihttp.response_code.failed", "mapihttp.session.lost"
EXPIRED, COOKIE = "mapihttp.session.expired", "mapihttp.session.cookie_lost"
CHANGED = "mapihttp.session.backend_changed"
SEQUENCE, LATE, HTTP = "mapihttp.session.sequence_broken", "mapihttp.pending.late", "outlook.http.failed"
EXECUTE = m.default_body("Execute")


def opened(cap, count=1, **how):
    c = Context(Outlook(cap), **how)
    c.connect()
    c.work(count)
    return c


# ---- http.failed -------------------------------------------------------------------------

def status(name, title, line, contains, lines=(), text=None, wait=0.01, token=None, what="", content="text/html"):
    @case(f"mapi-verdict-http-{name}", title)
    def build(cap):
        c = Context(Outlook(cap))
        ask = c.ask("Connect", m.connect_body(), auth=token or "own")
        cap.wait(wait)
        frame = c.page(ask, line, *lines, text=text, content=content)
        cap.item(HTTP, frame, what or f"{line}: the endpoint does not write that.", [line.split()[0], *contains])
        c.conn.close()
        cap.what = f"Connect is answered {line}" + (f" after {wait} seconds." if wait > 1 else ".")
        cap.rule = "MS-OXCMAPIHTTP 2.2.2.2: the endpoint leaves 200 only for 401, a redirection and exceptional " \
                   "failures (5xx)."


EXCHANGE = ["X-FEServer: EX1", "request-id: 0a1b2c3d-0000-4000-8000-000000000001"]
status("302-page", "302 to a logon page", "302 Found", ["portal.example.test"],
       ["Location: https://portal.example.test/logon?url=%2fmapi%2femsmdb"], what="A page, not an endpoint: a device "
       "that wants to "
       "log the user on.")
status("400-token", "400 of HTTP.sys to a large Kerberos token", "400 Bad Request", ["HTTP.sys", "Kerberos"],
       ["Server: Microsoft-HTTPAPI/2.0", "Connection: close"], "<h2>Bad Request - Request Too Long</h2>",
       token=ntlm.kerberos(9800),
       what="HTTP.sys wrote it, and the token has more than 12 KB: the Kerberos token is too large.")
status("400", "400 of HTTP.sys", "400 Bad Request", ["HTTP.sys"], ["Server: Microsoft-HTTPAPI/2.0",
                                                                   "Connection: close"],
       "<h2>Bad Request - Invalid Hostname</h2>", what="HTTP.sys wrote it; the token is small, so its size is no "
       "reason.")
status("403", "403 without Exchange headers", "403 Forbidden", ["publish"], ["Server: Apache"],
       what="No header of Exchange: the path is not published.")
status("404", "404 without Exchange headers", "404 Not Found", ["publish"], what="No header of Exchange: the path is "
       "not published.")
status("405", "405 without Exchange headers", "405 Method Not Allowed", ["publish"], ["Allow: GET, HEAD"],
       what="No header of Exchange: the path is not published.")
status("404-exchange", "404 by Exchange", "404 Not Found", ["Exchange"], EXCHANGE, what="X-FEServer: Exchange wrote "
       "it.")
status("413", "413 of a device", "413 Request Entity Too Large", [])
status("417", "417 of a device", "417 Expectation Failed", [])
status("429", "429: throttled", "429 Too Many Requests", [], ["Retry-After: 60"])
status("500-exchange", "500 by Exchange", "500 Internal Server Error", ["Exchange"],
       [*EXCHANGE, "X-BEServer: EX2", "X-BackEndHttpStatus: 500"], what="X-FEServer: Exchange wrote it.")
status("502-30s", "502 after 30 seconds", "502 Bad Gateway", ["30"], wait=30, what="A round delay: a device's timeout.")
status("503-60s", "503 after 60 seconds", "503 Service Unavailable", ["60"], wait=60,
       what="A round delay: a device's timeout.")
status("504-120s", "504 after 120 seconds", "504 Gateway Timeout", ["120"], wait=120,
       what="A round delay: a device's timeout.")
status("503-now", "503 at once", "503 Service Unavailable", [], what="At once: no timeout, no server behind the "
       "device.")
status("200-html", "200 text/html without X-ResponseCode", "200 OK", ["text/html"], text="<html><body>Please accept "
       "the terms of "
       "use</body></html>", what="A page instead of a response: the endpoint would have sent X-ResponseCode.")


def foreign(name, title, shown, **how):
    @case(f"mapi-verdict-http-{name}", title)
    def build(cap):
        c = opened(cap)
        frame = c.page(c.ask("Execute", EXECUTE), "200 OK", "Server: filter", **how)
        cap.item(HTTP, frame, "No code, no tag, not the endpoint's type.", ["200", shown, "no X-ResponseCode"])
        c.exchange()
        c.conn.close()
        cap.what = f"Execute is answered 200 with {shown} and no X-ResponseCode."
        cap.rule = "MS-OXCMAPIHTTP 2.2.2.2, 2.2.3.3.3: the endpoint would have sent X-ResponseCode. Of what the bytes mean nothing is told."


foreign("200-json", "200 application/json without X-ResponseCode", "application/json", text='{"error":"blocked"}',
        content="application/json")
foreign("200-empty", "200 without a body and X-ResponseCode", "no body", text="")
PROXY = "407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="proxy"'


@case("mapi-verdict-http-407", "407 to requests without credentials for the proxy, again and again")
def asks(cap):
    c = Context(Outlook(cap, server="10.0.0.40:3128"))
    for index in range(4):
        frame = c.page(c.ask("Connect", m.connect_body(), conn=c.outlook.open(), step=False), *PROXY)
        if index == 2:
            cap.item(HTTP, frame, "The third in a row.", ["407", "third", "proxy", "10.0.0.40:3128"])
            cap.items[-1]["where"] = "NETWORK DEVICE (inferred)"
        cap.wait(5)
    cap.what = "A proxy asks four times for credentials, 5 s apart, and Outlook sends none."
    cap.rule = "RFC 9110 15.5.8: a 407 is a step, if the client repeats the request with credentials. This one never does."


@case("mapi-verdict-http-407-refused", "407 to credentials for the proxy")
def asks_again(cap):
    c = Context(Outlook(cap, server="10.0.0.40:3128"))
    c.page(c.ask("Connect", m.connect_body()), *PROXY)
    ask = c.ask("Connect", m.connect_body(), step=False, lines=["Proxy-Authorization: Basic cHJveHl1c2VyOndyb25n"])
    cap.item(HTTP, c.page(ask, *PROXY), "These are refused.", ["407", "credentials for the proxy", "10.0.0.40:3128"])
    cap.items[-1]["where"] = "CANNOT TELL"
    c.conn.close()
    cap.what = "A proxy does not take a name and password of its own."
    cap.rule = "As verdict-refused-407 of RPC over HTTP: the server has no part in it."


@case("mapi-verdict-http-503-lost", "503 whose page the capture lacks a segment of")
def page_lost(cap):
    c = Context(Outlook(cap))
    ask = c.ask("Connect", m.connect_body(), step=False)
    body = b"<html><body>" + b"<p>Service Unavailable</p>" * 160 + b"</body></html>"
    first = cap.frame + 1
    ask.conn.down(b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nServer: BigIP\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body) + body, lost=(1,))
    cap.wait(1)
    shown = c.conn.close()
    ask.code, ask.success, ask.keeps = None, False, False
    cap.message(shown, ask.conn, "client", ask.kind, c.response_fields(ask, None, ask.session))
    cap.item(HTTP, shown, "What came of it says enough.", ["503", f"in frame {first}", "the capture lacks"])
    cap.what = "Connect is answered 503; the second segment of the page is missing from the capture."
    cap.rule = "Status and headers were seen: a gap behind them takes nothing back."


@case("mapi-verdict-http-redirect", "302 to another endpoint")
def redirect(cap):
    c = Context(Outlook(cap))
    ask = c.ask("Connect", m.connect_body())
    c.page(ask, "302 Found", "Location: https://mail2.example.test/mapi/emsmdb/?MailboxId=" + m.MAILBOX_ID,
           "X-FEServer: EX1", text="")
    c.conn.close()
    c.conn = c.outlook.open("10.0.0.82:80")
    ask = c.ask("Connect", m.connect_body(), host="mail2.example.test", step=False)
    c.reply(ask, m.connect_answer())
    c.exchange(host="mail2.example.test")
    c.conn.close()
    cap.what = "A redirection to another server's endpoint, which the client follows with the same X-RequestId."
    cap.rule = "2.2.2.2 allows it; no page."


@case("mapi-verdict-http-challenge", "401 to no credentials")
def challenge(cap):
    c = Context(Outlook(cap))
    ask = c.ask("Connect", m.connect_body(), auth=None)
    c.page(ask, "401 Unauthorized", 'WWW-Authenticate: Basic realm="mail.example.test"', "X-FEServer: EX1")
    ask = c.ask("Connect", m.connect_body(), step=False)
    c.reply(ask, m.connect_answer())
    c.leave()
    c.conn.close()
    cap.what = "A 401 and the request again with credentials."
    cap.rule = "A step."


@case("mapi-verdict-http-context", "X-FailureContext and X-BackEndHttpStatus")
def failure_context(cap):
    c = opened(cap)
    text = base64.b64encode("The remote server returned an error.".encode()).decode()
    ask = c.ask("Execute", EXECUTE)
    frame = c.page(ask, "503 Service Unavailable", "X-FEServer: EX1", "X-BackEndHttpStatus: 503, 503",
                   f"X-FailureContext: FrontEnd;503;{text};UmVtb3Rl;;;", shown=["The remote server returned an error."])
    cap.item(HTTP, frame, "Exchange's front end wrote it, for its back end.", ["503", "Exchange"])
    c.exchange(step=False)
    c.conn.close()
    cap.what = "Exchange's front end says why: base64 text in X-FailureContext. The client repeats the request, " \
               "which is a resend."
    cap.rule = "The text is shown decoded."


class Two:
    """Both legs of a balancer: the client's connection, and those to the servers."""

    def __init__(self, cap, headers=True, names="exchange"):
        self.cap, self.c = cap, Context(Outlook(cap, server="10.0.0.80:80"), headers=headers, names=names)
        self.servers = {}

    def server(self, address):
        if address not in self.servers:
            self.servers[address] = self.cap.connect("10.0.0.70", address)
        return self.servers[address]

    def exchange(self, kind="Execute", to="10.0.0.81:80", body=EXECUTE, answer=None, drop=(), code=0, **how):
        """Both legs of one request and its response; returns the outer and the inner Ask, each with .done."""
        c = self.c
        body = m.connect_body() if kind == "Connect" else body
        answer = m.connect_answer() if kind == "Connect" else m.execute_answer() if answer is None else answer
        outer = c.ask(kind, body)
        inner = c.relay(outer, self.server(to), drop=drop)
        self.cap.wait(0.004)
        inner.done = c.reply(inner, answer, code=code, **how)
        outer.done = c.pass_on(inner, outer)
        self.cap.wait(0.2)
        return outer, inner

    def close(self):
        m.close(self.c.conn, *self.servers.values())


@case("mapi-verdict-http-proven-504", "a 504 that the server-side leg lacks")
def proven(cap):
    t = Two(cap)
    t.exchange("Connect")
    outer = t.c.ask("Execute", EXECUTE)
    inner = t.c.relay(outer, t.server("10.0.0.81:80"))
    cap.wait(30)
    frame = t.c.page(outer, "504 Gateway Timeout")
    cap.item(HTTP, frame, "The server-side leg has no such response: the device at 10.0.0.80 wrote it.", ["504",
        "proven", "30"])
    cap.wait(12)
    t.c.reply(inner, m.execute_answer())
    t.close()
    cap.what = "Both legs are in the capture. The device answers 504 after 30 seconds, while the server still works; " \
               "its answer comes " \
               "12 seconds later and goes nowhere."
    cap.rule = "Who wrote it is proven by the leg that lacks it."


@case("mapi-verdict-http-proven-403", "a 403 that never reached the server")
def proven_403(cap):
    t = Two(cap)
    t.exchange("Connect")
    outer = t.c.ask("Execute", EXECUTE)
    cap.wait(0.01)
    frame = t.c.page(outer, "403 Forbidden", "Server: waf")
    cap.item(HTTP, frame, "The server-side leg has neither the request nor the response.", ["403", "leg 1"])
    t.exchange()
    t.close()
    cap.what = "Both legs are in the capture; one request is refused by the device and not sent on."
    cap.rule = "Other requests of the session have both legs."


@case("mapi-verdict-http-both-legs", "a 500 on both legs")
def both_legs(cap):
    t = Two(cap)
    t.exchange("Connect")
    outer = t.c.ask("Execute", EXECUTE)
    inner = t.c.relay(outer, t.server("10.0.0.81:80"))
    first = t.c.page(inner, "500 Internal Server Error", *EXCHANGE)
    second = t.c.page_on(inner, outer)
    for frame in (first, second):
        cap.item(HTTP, frame, "Exchange wrote it; it stands on both legs.", ["500", "Exchange"])
    t.exchange()
    t.close()
    cap.what = "Exchange's 500, handed on by the balancer."
    cap.rule = "Judged per leg."


# ---- response_code.failed ----------------------------------------------------------------

SENTENCES = {2: ("The request has an invalid session context cookie.", "Invalid Verb"),
             3: ("The request has a missing required header.", "Invalid Path"),
             5: ("The request body is invalid.", "Invalid Request Type"),
             6: ("The request is missing a required cookie.", "Invalid Context Cookie"),
             7: ("The request has violated the sequencing requirement of one request at a time per Session Context.",
                 "Missing Header"),
             8: ("The request has an invalid request type.", "Anonymous Not Allowed")}


@case("mapi-verdict-codes", "every X-ResponseCode")
def codes(cap):
    c = Context(Outlook(cap))
    c.fresh()
    for code in (*range(1, 14), 14, *range(15, 19), 99):
        ask = c.ask("Execute", EXECUTE)
        frame = c.reply(ask, code=code, html=f"{CODES.get(code, 'Something new')}.",
                        fields={"mapihttp.response_code": str(code)})
        if code != 14:
            cap.item(CODE, frame, f"X-ResponseCode {code}.", [code, CODES.get(code, "99")])
        if code == 15:
            cap.item(SEQUENCE, frame, "Code 15 says so.", ["15"])
        cap.wait(0.2)
    c.conn.close()
    cap.what = "Each code of 2.2.3.3.3 and one that the specification does not know, to a context whose Connect was " \
               "not captured. " \
               "Code 14 is to be ignored."
    cap.rule = "2.2.3.3.3. Where the context came from was not seen: no session is lost."


@case("mapi-verdict-codes-gromox", "codes that say one thing and sentences that say another")
def gromox(cap):
    c = Context(Outlook(cap), headers=False, names="gromox")
    c.fresh()
    for code, (sentence, name) in SENTENCES.items():
        ask = c.ask("Execute", EXECUTE)
        frame = c.reply(ask, code=code, html=sentence)
        cap.item(CODE, frame, f"Code {code} is \"{name}\" in the specification; the server's sentence says otherwise, "
                 f"and is right.",
                 [code, name, sentence.rstrip(".")])
        if code == 7:
            cap.tolerated = [SEQUENCE]
        cap.wait(0.2)
    c.conn.close()
    cap.what = "The numbers of gromox, each with its sentence."
    cap.rule = "If number and sentence disagree, both are named and the sentence is trusted. Whether a sequence is " \
               "broken by a sentence " \
               "is left open."


# ---- sessions lost, expired, released ----------------------------------------------------

def refuse(c, code, **how):
    ask = c.ask("Execute", EXECUTE)
    c.cap.wait(0.003)
    ask.done = c.reply(ask, code=code, **how)
    c.cap.item(CODE, ask.done, f"X-ResponseCode {code}.", [code, CODES[code]])
    return ask


def lost(code):
    @case(f"mapi-verdict-lost-{code}", f"code {code} to a living context")
    def build(cap):
        c = opened(cap)
        cap.wait(20)
        ask = refuse(c, code)
        c.conn.close()
        cap.wait(11)
        other = Outlook(cap, "10.0.0.22", user="EXAMPLE\\bob")
        last = Context(other, seed="other").ask("PING", conn=other.open(), cookies={}).frame
        cap.item(LOST, ask.done, f"The context cookie was issued by the Connect of this capture and not released; it "
                 f"was idle for 20 of "
                 f"900 seconds. Code {code}, {CODES[code]}.", [code], frames=range(last - 3, cap.frame + 1))
        cap.what = f"Connect, Execute, and 20 seconds later Execute is refused with {code}; the client gives up. 11 seconds " \
                   f"later another client comes."
        cap.rule = "Not expired, not released, not followed by a Connect within 10 seconds: the first frame behind them " \
                   "proves it. That the client closed its connection does not: it may connect anew on another."


for number in (6, 10, 13):
    lost(number)


@case("mapi-verdict-lost-server", "another server refuses the context")
def lost_server(cap):
    c = opened(cap, 2)
    c.back = "EX2"
    ask = refuse(c, 6)
    cap.item(LOST, ask.done, "The context's last success came from EX1, this refusal from EX2.", ["EX1", "EX2"])
    cap.item(CHANGED, ask.done, "X-CalculatedBETarget went from EX1 to EX2, and the request was refused for its "
             "context.", ["EX1", "EX2"])
    c.conn.close()
    cap.what = "One leg; the headers of the answers tell that EX2 got a request of a context that EX1 keeps."
    cap.rule = "X-CalculatedBETarget before X-BEServer before MapiContext's server."


@case("mapi-verdict-lost-other-code", "another server, and a code that says nothing of contexts")
def lost_other_code(cap):
    c = opened(cap, 2)
    c.back = "EX2"
    ask = refuse(c, 1)
    cap.item(LOST, ask.done, "Any code, when the request reached another server than the context's last success.",
             ["EX1", "EX2"])
    cap.tolerated = [CHANGED, CHANGED + ".chat"]
    c.conn.close()
    cap.what = "EX2 answers Unknown Failure to a request of a context of EX1."
    cap.rule = "The back end changed too; whether code 1 refuses the request for its context is left open."


@case("mapi-verdict-lost-proven", "the context works again at its server")
def lost_proven(cap):
    t = Two(cap, headers=False, names="gromox")
    t.exchange("Connect")
    t.exchange()
    outer, inner = t.exchange(to="10.0.0.82:80", code=2, html=SENTENCES[2][0])
    for ask in (inner, outer):
        cap.item(CODE, ask.done, "Code 2, by its sentence an invalid session context cookie.", ["2",
            SENTENCES[2][0].rstrip(".")])
    outer_ok, inner_ok = t.exchange()
    cap.item(LOST, inner.done, "Sent to 10.0.0.82, while the context's last success was at 10.0.0.81; the same cookie "
             "works there "
             "again in the next request: proven.", ["10.0.0.81", "10.0.0.82"], frames=[inner_ok.done])
    cap.item(CHANGED, inner.done, "The TCP peer of the server-side leg changed, and the request was refused for its "
             "context.",
             ["10.0.0.81", "10.0.0.82"])
    cap.item(LOST, outer.done, "On the client's leg nothing names a server; the sentence says that a living context is "
             "not known.", [])
    cap.tolerated = [CHANGED + ".chat"]
    t.close()
    assert outer_ok.done
    cap.what = "A balancer without affinity sends one of four requests to the other server, which does not know the " \
               "context. Both legs."
    cap.rule = "The sentence is trusted, not the number. The word \"proven\" belongs to the frame where it becomes " \
               "known. " \
               "Whether the way back to the first server is said to be a change is left open."


@case("mapi-verdict-released", "a request after Disconnect")
def released(cap):
    c = opened(cap)
    old = dict(c.cookies)
    c.leave()
    ask = c.ask("Execute", EXECUTE, cookies=old)
    frame = c.reply(ask, code=10, cookies=None)
    cap.item(CODE, frame, "Code 10, Context Not Found.", [10, CODES[10]])
    cap.messages[-1]["fields"].pop("mapihttp.session", None)
    cap.messages[-2]["fields"].pop("mapihttp.session", None)
    c.conn.close()
    cap.tolerated = [COOKIE]
    cap.what = "The client uses a context it has released."
    cap.rule = "Released: the code is right, nothing was lost."


@case("mapi-verdict-expired", "a context idle beyond its time")
def expired(cap):
    c = opened(cap)
    c.conn.close()
    cap.wait(1000)
    c.conn = c.outlook.open()
    ask = refuse(c, 10)
    cap.item(EXPIRED, ask.done, "Idle for 1000 seconds; X-ExpirationInfo was 900.", ["900"], frames=[cap.frame + 1])
    c.connect()
    c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "A laptop sleeps for 1000 seconds; the context has expired, and the client reconnects with its old " \
               "cookies."
    cap.rule = "3.2.5.6: expected, a note. The reconnect keeps the session's number."


@case("mapi-verdict-reconnected", "a code 10 that is followed by a Connect")
def reconnected(cap):
    c = opened(cap)
    cap.wait(60)
    ask = refuse(c, 10)
    cap.wait(0.5)
    again = c.ask("Connect", m.connect_body())
    answer = c.reply(again, m.connect_answer())
    cap.item(EXPIRED, ask.done, "Refused after 60 of 900 seconds, and the client reconnects at once.", ["10"],
             frames=[again.frame, answer])
    c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "The server has forgotten the context before its time, for instance because it was restarted; the " \
               "client connects again."
    cap.rule = "Followed by a Connect: a note. It stands on the refused response or on the Connect that decides it."


# ---- the back end changes ----------------------------------------------------------------

@case("mapi-verdict-backend-changed", "the back end changes within a session")
def backend_changed(cap):
    c = opened(cap, 2)
    c.back = "EX2"
    ask = c.exchange()
    cap.item(CHANGED + ".chat", ask.done, "X-CalculatedBETarget went from EX1 to EX2.", ["EX1", "EX2"])
    c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "A database moves to another server; the session goes on there."
    cap.rule = "Nothing was refused: a chat, once."


@case("mapi-verdict-backend-beserver", "X-BEServer changes")
def backend_beserver(cap):
    c = Context(Outlook(cap))
    reply = {"drop": ("X-CalculatedBETarget",)}
    c.connect(reply=reply)
    c.exchange(reply=reply)
    c.back = "EX2"
    ask = c.exchange(reply=reply)
    cap.item(CHANGED + ".chat", ask.done, "X-BEServer went from EX1 to EX2.", ["EX1", "EX2"])
    c.leave(reply=reply)
    c.conn.close()
    cap.what = "As mapi-verdict-backend-changed for a server that writes no X-CalculatedBETarget."
    cap.rule = "The same header is compared."


@case("mapi-verdict-backend-cookie", "MapiContext names another server after a reconnect")
def backend_cookie(cap):
    c = Context(Outlook(cap), headers=False)
    c.connect()
    c.exchange()
    c.back = "EX2"
    ask = c.ask("Connect", m.connect_body())
    frame = c.reply(ask, m.connect_answer(), fields={"mapihttp.session.server": "EX2"})
    cap.item(CHANGED + ".chat", frame, "The new MapiContext was made by EX2, the one before by EX1.", ["EX1", "EX2"])
    c.exchange(fields={"mapihttp.session.server": "EX2"})
    c.leave()
    c.conn.close()
    cap.what = "No header names a back end; a reconnect brings a context cookie of another server."
    cap.rule = "The number stays (a reconnect), so the session's back end changed."


@case("mapi-verdict-backend-peer", "the server-side leg goes to another server")
def backend_peer(cap):
    t = Two(cap, headers=False, names="gromox")
    t.exchange("Connect")
    t.exchange()
    _, inner = t.exchange(to="10.0.0.82:80")
    cap.item(CHANGED + ".chat", inner.done, "The TCP peer went from 10.0.0.81 to 10.0.0.82.", ["10.0.0.81",
        "10.0.0.82"],
             frames=[inner.frame])
    t.close()
    cap.what = "Servers that share their contexts: the balancer goes to another one, which answers."
    cap.rule = "Only the server-side leg knows; a chat."


# ---- cookies -----------------------------------------------------------------------------

def cookie_lost(name, title, what, change, words):
    @case(f"mapi-verdict-cookie-{name}", title)
    def build(cap):
        c = opened(cap, 2)
        jar = change(c)
        ask = c.ask("Execute", EXECUTE, cookies=jar)
        cap.item(COOKIE, ask.frame, what, words)
        c.reply(ask, m.execute_answer())
        c.exchange()
        c.leave()
        c.conn.close()
        cap.what = what
        cap.rule = "3.1.5.2: every cookie of the previous response goes with the next request."


def without(jar, *names):
    return {key: value for key, value in jar.items() if key not in names}


cookie_lost("missing", "the sequence cookie is missing", "MapiSequence of the last response does not come back.",
            lambda c: without(c.cookies, "MapiSequence"), ["MapiSequence"])
cookie_lost("stale", "the sequence cookie is stale", "MapiSequence comes back with the value of the response before "
            "the last.",
            lambda c: {**c.cookies, "MapiSequence": w.mapi_sequence(c.sequence - 1, c.seed)}, ["MapiSequence"])
cookie_lost("routing", "the routing cookie is missing", "MapiRouting does not come back.",
            lambda c: without(c.cookies, "MapiRouting"), ["MapiRouting"])


@case("mapi-verdict-cookie-pipelined", "twelve pipelined requests in one frame, three of them without a cookie")
def cookie_pipelined(cap):
    cap.mss, cap.largest = 60000, 80 * 1024
    conn = cap.connect("10.0.0.70", "10.0.0.81:80")
    people = [Context(Outlook(cap, user=f"example.test\\user{index}", dn=f"{m.DN}{index}", name=str(index),
                              mailbox=f"{w.guid(str(index))}@example.test"), conn=conn, headers=False)
              for index in range(12)]
    set_in = []
    for c in people:
        ask = c.connect()
        set_in.append(ask.answer["frame"])
    batch, asks, losers = m.Batch(conn), [], (2, 8, 11)
    for index, c in enumerate(people):
        jar = without(c.cookies, "MapiSequence") if index in losers else c.cookies
        asks.append(c.ask("PING", conn=batch, cookies=jar))
    frame = batch.send(UP, asks)
    for index in losers:
        cap.item(COOKIE, frame, f"Request {index + 1} of the frame lacks MapiSequence of frame {set_in[index]}.",
                 ["MapiSequence", f"set in frame {set_in[index]}"])
    cap.wait(0.004)
    for index, (c, ask) in enumerate(zip(people, asks)):
        c.reply(ask, code=9 if index == 11 else 0, fields={"mapihttp.response_code": "9" if index == 11 else "0"})
    frame = batch.send(DOWN, asks)
    cap.item(CODE, frame, "The last of the twelve responses has X-ResponseCode 9.", [9, CODES[9]])
    conn.close()
    cap.what = "A device in front of the server sends requests of twelve contexts over one connection, and twelve " \
               "PINGs of theirs leave in one stretch, as a network card that cuts segments shows them; so do the " \
               "answers."
    cap.rule = "How many begin in a frame makes no difference: each is judged by itself, and each response belongs " \
               "to its request. Contexts differ: no sequence is broken."


@case("mapi-verdict-cookie-connections", "a stale cookie in a session of two connections")
def cookie_connections(cap):
    c = opened(cap)
    other = c.outlook.open()
    wait = c.ask("NotificationWait", m.default_body("NotificationWait"), conn=other)
    c.exchange()
    c.reply(wait, m.default_answer("NotificationWait"))
    c.exchange(conn=other)
    ask = c.ask("Execute", EXECUTE, cookies={**c.cookies, "MapiSequence": w.mapi_sequence(c.sequence - 1, c.seed)})
    cap.item(COOKIE, ask.frame, "Both connections are whole and no counter is missing: nothing can have brought that "
             "value last.", ["MapiSequence"])
    c.reply(ask, m.execute_answer())
    # One that the capture lost, and where the session goes on.
    lost = c.outlook.open(captured=False)
    c.exchange(conn=lost, captured=False, note=False, reply={"captured": False})
    cap.messages.pop()
    c.exchange()
    ask = c.ask("Execute", EXECUTE, cookies={**c.cookies, "MapiSequence": w.mapi_sequence(c.sequence - 1, c.seed)})
    cap.item(COOKIE, ask.frame, "The response before was captured; what was missed came before it.", ["MapiSequence"])
    c.reply(ask, m.execute_answer())
    c.leave()
    m.close(c.conn, other)
    cap.what = "Requests on two connections, one NotificationWait among them; then a stale cookie. Then a request " \
               "and its response that the capture lacks, one that shows it by its counter, and again a stale cookie."
    cap.rule = "Absence proves something where every connection of the session is whole and no counter of " \
               "X-RequestId is missing since the response that is compared with."


@case("mapi-verdict-cookie-proven", "the device between drops a cookie")
def cookie_proven(cap):
    t = Two(cap)
    t.exchange("Connect")
    t.exchange()
    c = t.c
    outer = c.ask("Execute", EXECUTE)
    inner = c.relay(outer, t.server("10.0.0.81:80"),
                    replace={"Cookie": "; ".join(f"{key}={value}" for key, value in without(c.cookies,
                        "MapiSequence").items())})
    cap.item(COOKIE, inner.frame, "MapiSequence is on leg 0 and not on leg 1: the device at 10.0.0.80 removed it. "
             "Proven.",
             ["MapiSequence", "proven"])
    c.reply(inner, m.execute_answer())
    c.pass_on(inner, outer)
    t.exchange()
    t.close()
    cap.what = "Both legs: the client sends all cookies, the balancer all but one."
    cap.rule = "The client's leg stays silent."


# ---- sequence ----------------------------------------------------------------------------

@case("mapi-verdict-sequence-two", "two requests of one context at once")
def sequence_two(cap):
    c = opened(cap)
    other = c.outlook.open()
    one = c.ask("Execute", EXECUTE)
    cap.wait(0.01)
    two = c.ask("Execute", EXECUTE, conn=other)
    cap.wait(0.05)
    first = c.reply(one, m.execute_answer())
    second = c.reply(two, m.execute_answer())
    cap.item(SEQUENCE, second, f"The requests of frames {one.frame} and {two.frame} were outstanding together, and "
             f"neither was answered "
             "401.", [one.frame], frames=[two.frame, first])
    m.close(c.conn, other)
    cap.what = "Two Executes of one context on two connections, both answered with success."
    cap.rule = "3.2.5.1: one request at a time. The item may stand on the second request, or on the response after " \
               "which it is sure."


@case("mapi-verdict-sequence-15", "two at once, and code 15")
def sequence_15(cap):
    c = opened(cap)
    other = c.outlook.open()
    one = c.ask("Execute", EXECUTE)
    cap.wait(0.01)
    two = c.ask("Execute", EXECUTE, conn=other)
    frame = c.reply(two, code=15)
    cap.item(CODE, frame, "Code 15, Invalid Sequence.", [15, CODES[15]])
    cap.item(SEQUENCE, frame, "The server says so.", ["15"])
    cap.wait(0.05)
    c.reply(one, m.execute_answer())
    m.close(c.conn, other)
    cap.what = "The second of two requests is refused with 15."
    cap.rule = "One fault, one item."


@case("mapi-verdict-sequence-back", "an X-RequestId counter that goes back")
def sequence_back(cap):
    c = opened(cap, 4)
    ask = c.exchange(counter=3)
    cap.item(SEQUENCE, ask.frame, "Counter 3 after counter 5, which was answered.", ["3", "5"])
    c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "The counter goes from 5 to 3 and on to 6."
    cap.rule = "2.2.3.3.2: it increases with every new request, and this is no resend."


@case("mapi-verdict-sequence-resent", "repetitions that are resends")
def resent(cap):
    c = opened(cap)
    for line, lines in (("401 Unauthorized", ['WWW-Authenticate: Basic realm="x"']),
                        ("503 Service Unavailable", ["X-FEServer: EX1"])):
        ask = c.ask("Execute", EXECUTE, auth=None if line[0] == "4" else "own")
        frame = c.page(ask, line, *lines)
        if line[0] == "5":
            cap.item(HTTP, frame, "Exchange's 503.", ["503", "Exchange"])
        c.exchange(step=False)
    c.ask("Execute", EXECUTE)
    cap.wait(3)
    c.conn.rst(UP)
    cap.item("mapihttp.request.unanswered", cap.frame, "The client gives up.", ["Execute"])
    c.conn = c.outlook.open()
    c.exchange(step=False)
    other = c.outlook.open()
    ask = c.ask("Execute", EXECUTE, auth=None)
    beside = c.ask("Execute", EXECUTE, conn=other)
    c.page(ask, "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"')
    c.reply(beside, m.execute_answer())
    c.exchange(counter=ask.counter)
    m.close(c.conn, other)
    cap.what = "The same counter again after 401, 503 and a connection that died; and two at once of which one gets " \
               "401."
    cap.rule = "Resends break no sequence."


# ---- PENDING -----------------------------------------------------------------------------

def waiting(cap, period=30000):
    c = opened(cap)
    n = c.ask("NotificationWait", m.default_body("NotificationWait"), counter=1, step=False, conn=c.outlook.open())
    c.begin(n, drop=("X-PendingPeriod",), lines=[f"X-PendingPeriod: {period}"])
    return c, n


def done(c, n, wait=5):
    c.cap.wait(wait)
    c.end(n, m.default_answer("NotificationWait"))
    m.close(c.conn, n.conn)


@case("mapi-verdict-pending-silence", "62 seconds without PENDING")
def silence(cap):
    c, n = waiting(cap)
    cap.wait(30)
    c.more(n, "PENDING\r\n")
    cap.wait(62)
    frame = c.more(n, "PENDING\r\n")
    cap.item(LATE, frame, "62 seconds of silence; X-PendingPeriod is 30.", ["62", "30"])
    done(c, n)
    cap.what = "A PENDING is missing, or was held back: 62 seconds between two."
    cap.rule = "More than 1.5 periods and more than 5 seconds over it."


@case("mapi-verdict-pending-bunched", "PENDINGs that arrive together")
def bunched(cap):
    c, n = waiting(cap, 3000)
    cap.wait(3)
    c.more(n, "PENDING\r\n")
    cap.wait(6.5)
    frame = c.more(n, "PENDING\r\n", "PENDING\r\n")
    cap.item(LATE, frame, "Two PENDINGs, due 3 seconds apart, arrive at once.", ["2"])
    done(c, n, 2)
    cap.what = "A device collects what the server sent apart: nothing for 6.5 seconds, then two PENDINGs."
    cap.rule = "No retransmission, gap or zero window before them."


@case("mapi-verdict-pending-retransmitted", "PENDINGs together after a lost segment")
def retransmitted(cap):
    c, n = waiting(cap, 3000)
    cap.wait(3)
    c.more(n, "PENDING\r\n")
    cap.wait(5.8)
    c.more(n, "PENDING\r\n", "PENDING\r\n", cuts=[len(c.chunk("PENDING\r\n"))], order=[1, 0], delay=0.35)
    done(c, n, 1.5)
    cap.what = "The segment of one PENDING was lost and comes again behind the next one's."
    cap.rule = "The network, not a device: silent."


@case("mapi-verdict-pending-40s", "40 seconds without PENDING")
def forty(cap):
    c, n = waiting(cap)
    cap.wait(40)
    c.more(n, "PENDING\r\n")
    done(c, n)
    cap.what = "A PENDING 10 seconds late."
    cap.rule = "Below 1.5 periods: silent."


@case("mapi-verdict-unanswered-client", "the client closes before an answer")
def unanswered(cap):
    c = opened(cap)
    c.ask("Execute", EXECUTE)
    cap.wait(2)
    frame = c.conn.close(UP)
    cap.item("mapihttp.request.unanswered", frame, "Closed by the client 2 seconds after its request.", ["Execute"])
    cap.what = "The client closes, no response byte was seen."
    cap.rule = "A note."


@case("mapi-verdict-answered-close", "a server that closes after its answer")
def answered_close(cap):
    c = opened(cap)
    c.exchange(close=True)
    c.conn.close(DOWN)
    cap.what = "Connection: close, an answer, FIN."
    cap.rule = "Complete: silent."


