"""Samples of what comes again: redirections in a circle, refusals in a session that was served, a context that works again.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import gzip

import mapiscene as m
import rpc
from mapi_verdict import Two
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


@case("mapi-quiet-redirect-several", "several clients and requests, each sent back to its URL once")
def several(cap):
    home = f"Location: /mapi/emsmdb/?MailboxId={m.MAILBOX_ID}", "Set-Cookie: portal=1; Path=/"
    users = [Context(Outlook(cap, name=f"u{place}"), seed=f"u{place}") for place in range(3)]
    program = Outlook(cap, name="one")
    for clients in users, [Context(program) for _ in range(4)]:
        for c, ask in [(c, c.ask("Connect", m.connect_body(), step=False)) for c in clients]:
            c.page(ask, "302 Found", *home)
        for c in clients:
            c.connect()
            c.work(1)
            c.conn.close()
    back = Outlook(cap, name="port")
    for _ in range(4):
        c = Context(back)
        redirected(c, f"Location: http://{m.HOST}:8080/mapi/emsmdb/", "Connection: close", status="307 Temporary Redirect")
        c.conn.close(m.DOWN)
        cap.wait(5)
    cap.what = "Three users at one address (NAT) are sent to where they are, with a cookie, at the same time; then four sessions of one " \
               "program; then a client is sent to another port, which was not captured."
    cap.rule = "A circle is one client that follows, and comes back: none does so twice here."


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


@case("mapi-verdict-404-13-served", "a request that is too large for a server that served smaller ones")
def too_large(cap):
    c = Context(Outlook(cap))
    c.connect()
    c.work(2)
    frame = c.page(c.ask("Execute", EXECUTE), "404 Not Found", "Server: Microsoft-IIS/10.0", text="<h2>HTTP Error 404.13 - Not Found</h2>")
    cap.item(HTTP, frame, "404.13: the request filter's limit of the body.", ["404", "larger than allowed", "maxAllowedContentLength"],
             where="CANNOT TELL")
    c.exchange()
    c.conn.close()
    cap.what = "IIS refuses one Execute of a session with 404.13."
    cap.rule = "What the page says goes before what was served before."


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


def lost_early(cap, frame):
    cap.item(LOST, frame, "No Connect for 10 s.", ["code 10", "dropped the context early"], where="CANNOT TELL")


@case("mapi-verdict-lost-own-names", "code 10 to a user whose name is written in several ways")
def own_names(cap):
    for place, (first, then, lines) in enumerate(((rpc.basic("EXAMPLE\\alice"), rpc.basic("example\\Alice"), ()),
                                                  (rpc.basic("EXAMPLE\\asmith"), rpc.basic("alice.smith@example.test"), ()),
                                                  (rpc.kerberos(), rpc.kerberos(), ["X-User-Identity: alice@example.test"]))):
        c = Context(Outlook(cap, name=str(place), auth=first), seed=str(place))
        c.reply(c.ask("Connect", m.connect_body(), lines=lines), m.connect_answer())
        c.reply(c.ask("Execute", EXECUTE, lines=lines), m.execute_answer())
        refused = c.reply(c.ask("Execute", EXECUTE, auth=then, lines=lines), code=10)
        cap.item(CODE, refused, "Code 10.", ["10"])
        cap.wait(12)
        lost_early(cap, c.conn.close())
    cap.what = "Three sessions: their refused request names the user in other letters, by his UPN, and in X-User-Identity beside a ticket, " \
               "as the Connect did."
    cap.rule = "Names of two forms may be one user's, and case tells nothing: another user's credentials were not seen."


def over_both(cap, name, inner_user, wait):
    """A request of both legs that is refused with code 10; the names on either leg."""
    t = Two(cap)
    c = t.c
    for kind, code, user in (("Connect", 0, None), ("Execute", 0, None), ("Execute", 10, name), ("Execute", 0, None)):
        cap.wait(wait if not user and kind == "Execute" and code == 0 else 0.1)
        outer = c.ask(kind, m.connect_body() if kind == "Connect" else EXECUTE, **({"auth": rpc.basic(user)} if user else {}))
        inner = c.relay(outer, t.server("10.0.0.81:80"), replace={"Authorization": rpc.basic(inner_user)} if inner_user else None)
        cap.wait(0.004)
        answer = b"" if code else m.connect_answer() if kind == "Connect" else m.execute_answer()
        done = c.reply(inner, answer, code=code), c.pass_on(inner, outer)
        if code:
            for frame in done:
                cap.item(CODE, frame, "Code 10.", ["10"])
    t.close()
    return outer


@case("mapi-verdict-lost-device-name", "code 10, by a device that logs on by a name of its own")
def device_name(cap):
    outer = over_both(cap, "EXAMPLE\\alice", "EXAMPLE\\service", 12)
    for _ in range(2):
        lost_early(cap, outer.frame)
    cap.what = "A device in front logs on at the server as EXAMPLE\\service, its client as alice. One Execute is refused."
    cap.rule = "The names of two legs are two names by nature."


@case("mapi-verdict-lost-other-legs", "code 10 to another user, on both legs")
def other_legs(cap):
    outer = over_both(cap, "EXAMPLE\\bob", None, 12)
    for _ in range(2):
        cap.item(LOST, outer.frame, "No Connect for 10 s.", ["bob", "another user"], where="CANNOT TELL")
    cap.what = "As mapi-verdict-lost-other-user, seen on both sides of a balancer."
    cap.rule = "As mapi-verdict-lost-other-user."


@case("mapi-verdict-port-444", "a 504 before a server whose port 444 is not Exchange's back end")
def port_444(cap):
    t = Two(cap)
    t.exchange("Connect", to="10.0.0.81:444")
    outer = t.c.ask("Execute", EXECUTE)
    inner = t.c.relay(outer, t.server("10.0.0.81:444"))
    cap.wait(31)
    frame = t.c.page(outer, "504 Gateway Timeout")
    cap.item(HTTP, frame, "The next leg has no answer by then.", ["504", "proven"], where="NETWORK DEVICE (seen)")
    cap.wait(2)
    t.c.reply(inner, m.execute_answer())
    t.close()
    cap.what = "A balancer passes on to port 444 of Exchange's front end, where an administrator published it: X-FEServer comes from there."
    cap.rule = "The back end (port 444 as installed) writes no X-FEServer: who asks it is the front end. Here that stands behind."


@case("mapi-verdict-error-code-words", "a page that has an error code among other words")
def error_code(cap):
    c = Context(Outlook(cap))
    c.connect()
    frame = c.page(c.ask("Execute", EXECUTE), "500 Internal Server Error", text="<html>The application failed, error code: 5201</html>")
    cap.item(HTTP, frame, "Nobody that is known.", ["500", "its author does not show"], where="CANNOT TELL")
    frame = c.page(c.ask("Execute", EXECUTE), "522 <none>", text="error code: 522\n")
    cap.item(HTTP, frame, "All that Cloudflare says to who does not ask for HTML.", ["522", "Cloudflare"], where="NETWORK DEVICE (inferred)")
    c.conn.close()
    cap.what = "An application's page with \"error code: 5201\", and Cloudflare's."
    cap.rule = "Cloudflare's has these words alone."


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
