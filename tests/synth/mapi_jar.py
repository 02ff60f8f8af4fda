"""Samples of cookies that a client cannot bring back, as they were set (RFC 6265), and of those that it need not.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import mapiscene as m
from mapiscene import Context, Outlook, case
from mapi_http import SOUND

CODE, COOKIE = "mapihttp.response_code.failed", "mapihttp.session.cookie_lost"
EXECUTE = m.default_body("Execute")


def not_brought(name, title, change, says, what):
    @case(f"mapi-verdict-cookie-{name}", title)
    def build(cap):
        c = Context(Outlook(cap))
        lines = c.set_lines
        c.set_lines = lambda: [change(line) for line in lines()]
        c.connect()
        ask = c.ask("Execute", EXECUTE, cookies={})
        cap.item(COOKIE, ask.frame, "The session's cookies do not come, and could not.", ["MapiContext", *says], where="CANNOT TELL")
        cap.item(CODE, c.reply(ask, code=13), "Code 13.", ["13"])
        c.conn.close()
        cap.what = what
        cap.rule = "The request is the session's by the GUID of its X-RequestId."


not_brought("domain", "session cookies of another domain", lambda line: line + "; Domain=ex1.corp.example",
            ["Domain=ex1.corp.example", "mail.example.test", "5.3"],
            "A server behind a device names its own domain in Set-Cookie, which the device passes on: no client takes that (RFC 6265 5.3).")
not_brought("path", "session cookies of another path", lambda line: line.replace("path=/mapi/", "path=/site1/mapi/"),
            ["Path=/site1/mapi/emsmdb", "/mapi/emsmdb", "5.4"],
            "A device publishes /site1/mapi as /mapi and does not rewrite Path of cookies: clients bring them to the other path only "
            "(RFC 6265 5.4).")


def not_kept(name, title, host, change, what, rule):
    @case(f"mapi-verdict-cookie-{name}", title)
    def build(cap):
        c = Context(Outlook(cap))
        lines = c.set_lines
        c.set_lines = lambda: change(lines())
        c.connect(host=host)
        ask = c.ask("Execute", EXECUTE, cookies={}, host=host)
        cap.item(COOKIE, ask.frame, "The session's cookies do not come, and could.", ["MapiContext", "did not keep it"], where="CANNOT TELL")
        cap.item(CODE, c.reply(ask, code=13), "Code 13.", ["13"])
        c.conn.close()
        cap.what, cap.rule = what, rule


not_kept("beside", "session cookies beside others of elsewhere", m.HOST,
         lambda lines: ["Set-Cookie: portal=1; Domain=elsewhere.test; Path=/", "Set-Cookie: owa=2; Path=/owa", *lines],
         "A portal sets cookies for other places first. The session's own could come back, and do not.",
         "That those of elsewhere do not come says nothing of the session's.")
not_kept("address", "session cookies with an IPv6 address as Domain", "[2001:db8::1]:443",
         lambda lines: [line + "; Domain=[2001:db8::1]" for line in lines],
         "The client asks an IPv6 address, and the cookies are for that address.",
         "RFC 6265 5.1.3: identical strings match; the port is none of the name.")


@case("mapi-quiet-cookie-domains", "Domain of cookies, and hosts in it and beside it")
def domains(cap):
    c = Context(Outlook(cap))
    c.connect(reply={"lines": ["Set-Cookie: below=1; Domain=.Example.test; Path=/", "Set-Cookie: other=2; Domain=elsewhere.test; Path=/",
                               "Set-Cookie: top=3; Domain=.test; Path=/", "Set-Cookie: empty=4; Domain=; Path=/",
                               "Set-Cookie: name=5; Domain=ample.test; Path=/"]})
    both = {"below": "1", "empty": "4"}
    c.exchange(cookies={**c.cookies, **both}, host="mail.example.test:443")
    c.exchange(cookies={**c.cookies, **both})
    c.conn.close()
    c.conn = c.outlook.open("10.0.0.90:80")
    c.exchange(cookies=c.cookies, host="mail.moved.test")
    c.conn.close()
    cap.what = "Cookies of the client's domain, of others, of a top-level domain and of none; then the session goes on at a host of " \
               "another domain, which gets none of the domain's."
    cap.rule = SOUND + " What another domain, or all of .test, is to have is not taken (RFC 6265 5.3)."
