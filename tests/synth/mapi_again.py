"""Samples of what comes again: redirections in a circle, refusals in a session that was served, a context that works again.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import gzip

import mapiscene as m
import rpc
from mapiscene import Context, Outlook, case

HTTP, CODE, LOST = "outlook.http.failed", "mapihttp.response_code.failed", "mapihttp.session.lost"
EXECUTE = m.default_body("Execute")
SELF = f"Location: https://mail.example.test/mapi/emsmdb/?MailboxId={m.MAILBOX_ID}"


def redirected(c, *lines, status="301 Moved Permanently", **how):
    return c.page(c.ask("Connect", m.connect_body(), step=False, **how), status, *lines)


@case("mapi-verdict-redirect-circle", "a redirection to TLS, where TLS ends at a device before it")
def circle(cap):
    c = Context(Outlook(cap))
    for place in range(10):
        frame = redirected(c, SELF, "Server: Microsoft-IIS/10.0")
        if place == 3:
            cap.item(HTTP, frame, "The third that came back on this connection within 5 s.",
                     ["301", "third in a row", "circle", "X-Forwarded-Proto"], where="CANNOT TELL")
        cap.wait(0.05)
    c.conn.close()
    cap.what = "A balancer ends TLS and asks in clear text; a rule there or behind it sends all that is clear text to https. The client " \
               "follows ten times, as WinHTTP does, and gives up."
    cap.rule = "RFC 9110 15.4: a cyclical redirection. The first says nothing: in clear text a redirection to https is sound."


@case("mapi-verdict-redirect-circle-logon", "a redirection to the same URL on new connections, behind a logon each time")
def circle_logon(cap):
    o = Outlook(cap)
    for place in range(4):
        c = Context(o)
        c.page(c.ask("Connect", m.connect_body(), auth=None), "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"')
        frame = redirected(c, f"Location: /mapi/emsmdb/?MailboxId={m.MAILBOX_ID}", "Connection: close", "Set-Cookie: portal=1; Path=/",
                           status="302 Found")
        if place == 2:
            cap.item(HTTP, frame, "The third in a row; challenges between them are steps.", ["302", "third in a row", "cookies"],
                     where="CANNOT TELL")
        c.conn.close(m.DOWN)
        cap.wait(0.1)
    cap.what = "A portal lets in whoever brings its cookie back, and sends others to where they are. This client does not."
    cap.rule = "As mapi-verdict-redirect-circle; a relative Location stays where it is."


@case("mapi-quiet-redirect-tls", "redirections to TLS that lead somewhere")
def to_tls(cap):
    c = Context(Outlook(cap))
    for _ in range(6):
        redirected(c, SELF)
        cap.wait(60)
    c.conn.close()
    d = Context(Outlook(cap, name="bob"))
    for host in ("mail", "mail2", "mail3", "mail4"):
        redirected(d, f"Location: https://{host}9.example.test/mapi/emsmdb/", status="302 Found")
    redirected(d, "Location: /mapi/emsmdb", uri="/mapi/emsmdb/x", status="302 Found")
    redirected(d, "Location: /mapi/emsmdb/?MailboxId=x", uri="/mapi/emsmdb?MailboxId=x")
    d.connect()
    d.work(2)
    d.conn.close()
    cap.what = "A client that begins in clear text once a minute is sent to TLS each time, where the capture has no keys. Another is sent " \
               "to other hosts, and then twice to another spelling of the path."
    cap.rule = "None of that is a circle that was seen: a further try, other hosts, two in a row."


@case("mapi-verdict-403-served", "a filter refuses single requests of a session")
def served(cap):
    c = Context(Outlook(cap))
    c.connect()
    c.work(2)
    for status in ("403 Forbidden", "405 Method Not Allowed"):
        frame = c.page(c.ask("Execute", EXECUTE), status, text="<html><head><title>Request Rejected</title></head><body>The requested "
                       "URL was rejected. Your support ID is: 4711</body></html>")
        cap.item(HTTP, frame, "Requests before and behind it were served.", [status[:3], "is served at that address",
                                                                                       "Request Rejected", "WAF"], where="CANNOT TELL")
        cap.wait(1)
        c.exchange()
    c.conn.close()
    cap.what = "Two of five Executes of a session are refused with a page of a filter, the others are answered."
    cap.rule = "That the path is not published is no explanation: the session's requests before were answered at that address."


@case("mapi-verdict-lost-works-again", "code 10, and the context works again")
def works_again(cap):
    c = Context(Outlook(cap))
    c.connect()
    c.work(2)
    cap.wait(1)
    refused = c.reply(c.ask("Execute", EXECUTE), code=10)
    cap.item(CODE, refused, "Code 10.", ["10"])
    cap.wait(0.5)
    ask = c.exchange()
    cap.item(LOST, ask.done, "The same cookies are taken again.", ["code 10", f"frame {refused}", "worked again", "proven to be alive"],
             where="NETWORK DEVICE (inferred)")
    cap.wait(1)
    c.connect()
    c.exchange()
    c.conn.close()
    cap.what = "One of four Executes is refused, the next one with the same cookies is answered; then the client connects anew."
    cap.rule = "MS-OXCMAPIHTTP 3.2.5.1: a context that works again was not dropped, so that request went to a server without it. The " \
               "Connect behind it does not make it an expired one."


@case("mapi-verdict-lost-other-user", "code 10 to the cookies of another user")
def other_user(cap):
    c = Context(Outlook(cap))
    c.connect()
    c.work(2)
    refused = c.reply(c.ask("Execute", EXECUTE, auth=rpc.basic("EXAMPLE\\bob")), code=10)
    cap.item(CODE, refused, "Code 10.", ["10"])
    c.exchange()
    cap.wait(12)
    ask = c.exchange()
    cap.item(LOST, ask.frame, "No Connect for 10 s.", ["EXAMPLE\\bob", "alice", "another user"], where="CANNOT TELL")
    c.conn.close()
    cap.what = "A request with alice's cookies has bob's credentials, and is refused; alice's go on."
    cap.rule = "MS-OXCMAPIHTTP 3.2.5.1: another user than the context's gets code 10, whichever server has it. No device spreads requests."


@case("mapi-http-transfer-coding", "transfer coding gzip below the chunks")
def transfer_coding(cap):
    c = Context(Outlook(cap))
    c.connect()
    for _ in range(2):
        ask = c.ask("Execute", EXECUTE)
        cap.wait(0.004)
        c.rotate()
        ask.code, ask.success = 0, True
        body = gzip.compress(("PROCESSING\r\n" + c.tail(4)).encode() + m.default_answer("Execute"), mtime=0)
        head = c._head(ask, 0, "application/mapi-http", True, ["Transfer-Encoding: gzip, chunked"], ())
        c.answered(ask, ask.conn.down("\r\n".join([*head, "", ""]).encode() + c.chunk(body) + b"0\r\n\r\n"), 0)
    c.leave()
    cap.what = "Two responses are packed by a transfer coding, which Wireshark does not undo: http waits for the end of the " \
               "connection, which the capture does not have."
    cap.rule = "RFC 9112 7: what is packed is nobody's StatusCode. Nothing is said of such a body."
