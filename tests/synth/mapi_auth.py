"""Samples of section 6 and the rows outlook.auth.* of section 7, each with its healthy counterpart.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64
import zlib

import mapi_ntlm as ntlm
import mapiscene as m
import rpc
from mapi_ntlm import Target
from mapiscene import Context, Outlook, case
from scene import DOWN, UP, Leg

OFFERS = ["WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM", 'WWW-Authenticate: Basic realm="mail.example.test"']
EX = ["X-FEServer: EX1"]
BODY = m.connect_body()


def auth(scheme=None, step=None, user=None, server=None):
    """The fields of a step; of Negotiate the mechanism inside is named too."""
    if scheme == "Negotiate":
        scheme = "Negotiate/NTLM" if step and step.startswith("type") else "Negotiate/Kerberos"
    fields = {"outlook.auth.scheme": scheme, "outlook.auth.step": step, "outlook.auth.user": user,
              "outlook.auth.challenge_server": server}
    return {name: value for name, value in fields.items() if value is not None}


def client(cap, name=None, **how):
    how.setdefault("auth", None)
    return Context(Outlook(cap, name=name, **how))


def offered(c, ask, *lines):
    """A 401 that lists schemes."""
    return c.page(ask, "401 Unauthorized", *(lines or OFFERS), *EX, fields=auth(step="challenge"))


def first(c, **how):
    """A Connect without credentials and its 401."""
    ask = c.ask("Connect", BODY, **how)
    offered(c, ask)
    return ask


def challenge(c, target, kind="Connect", body=BODY, scheme="NTLM", conn=None, step=True, lines=(), close=False,
              protocol="HTTP/1.1", sent=()):
    """Type 1 and the 401 with type 2, which has these lines; close: the request asks for the end of the connection; sent: its
    lines."""
    ask = c.ask(kind, b"", auth=ntlm.type1(scheme), conn=conn, step=step, close=close, lines=sent, fields=auth(scheme, "type1"))
    c.page(ask, "401 Unauthorized", f"WWW-Authenticate: {ntlm.type2(target, scheme)}", *EX, *lines, text="", protocol=protocol,
           fields=auth(scheme, "type2", server=f"{target.server.lower()}.example.test"))
    return ask


def third(c, target, kind="Connect", body=BODY, scheme="NTLM", conn=None, user="alice", shown=True, **how):
    return c.ask(kind, body, auth=ntlm.type3(target, user, scheme=scheme, **how), conn=conn, step=False,
                 fields=auth(scheme, "type3", f"EXAMPLE\\{user}" if user and shown else None))


def login(c, target, wait=0.004, conn=None, user="alice", lines=(), scheme="NTLM"):
    """A whole handshake with Connect; returns the frame of its answer."""
    challenge(c, target, conn=conn, scheme=scheme)
    ask = third(c, target, conn=conn, user=user, scheme=scheme)
    c.cap.wait(wait)
    return c.reply(ask, m.connect_answer(), elapsed=4 if wait < 1 else 40, lines=lines, fields=auth(step="accepted"))


def target(cap, server="EX1", at=0):
    """Its challenge is no other sample's: they are read together, too."""
    return Target(server, ntlm.STAMP + zlib.crc32(cap.name.encode()) % 10**6 * 100 + at)


# ---- NTLM over connections ---------------------------------------------------------------

@case("mapi-auth-ntlm", "NTLM on one connection")
def healthy(cap):
    c = client(cap)
    first(c)
    login(c, target(cap))
    for _ in range(3):
        c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "401 without credentials, types 1, 2 and 3 on one connection, then requests that rest on it."
    cap.rule = "The type 3 echoes the target information of the type 2 that its own connection carried."


@case("mapi-auth-negotiate-ntlm", "NTLM within Negotiate")
def negotiate(cap):
    c = client(cap)
    first(c)
    login(c, target(cap), scheme="Negotiate", lines=["Persistent-Auth: true"])
    c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "As mapi-auth-ntlm under the scheme Negotiate, with raw NTLM tokens, as Windows clients send them."
    cap.rule = "Nothing to say."


@case("mapi-auth-ntlm-torn", "type 3 on another connection than its type 2")
def torn(cap):
    c, at = client(cap), target(cap)
    one, two = c.outlook.open("10.0.0.81:80"), c.outlook.open("10.0.0.82:80")
    challenge(c, at, conn=one)
    ask = third(c, at, conn=two)
    cap.item("outlook.auth.ntlm_torn", ask.frame, "The target information it echoes (EX1, its timestamp) is that of "
             "the type 2 "
             "which came on the connection to 10.0.0.81:80.", ["10.0.0.81:80", "10.0.0.82:80"])
    c.page(ask, "401 Unauthorized", *OFFERS, *EX, fields=auth(step="rejected"))
    m.close(one, two)
    cap.what = "Types 1 and 2 on a connection to one server, type 3 on one to another."
    cap.rule = "MS-NLMP 2.2.2.7: the names and MsvAvTimestamp tie a type 3 to its type 2."


def again_and_again(cap, name, closes, lines=(), asks=False, answered=True, protocol="HTTP/1.1", where=None):
    """Three handshakes of one client, whose connections end behind the challenge; answered: by a type 3 on another one.
    Returns the frame in which the last of those ended."""
    c = client(cap)
    for number in range(3):
        one = c.outlook.open("10.0.0.81:80")
        info = target(cap, at=number)
        challenge(c, info, conn=one, lines=lines, close=asks, protocol=protocol)
        ended = one.close(closes)
        if answered:
            two = c.outlook.open("10.0.0.81:80")
            ask = third(c, info, conn=two)
            cap.item("outlook.auth.ntlm_torn", ask.frame, f"{name}: its type 2 came on another connection.", where=where)
            frame = c.page(ask, "401 Unauthorized", *OFFERS, *EX, fields=auth(step="rejected"))
            two.close()
            if number == 2:
                cap.item("outlook.auth.refused", frame, "The third refusal in a row; the handshakes were torn.", ["torn"])
        cap.wait(2)
    return ended


@case("mapi-auth-torn-asked", "torn three times: the type 1 asks for the end of its connection")
def torn_asked(cap):
    again_and_again(cap, "A device asks for the end of each connection", DOWN, asks=True)
    cap.what = "Behind a device that sends Connection: close with each request: type 1 and type 3 on connections of their own, three " \
               "times."
    cap.rule = "No challenge was left: each has its type 3 elsewhere. The server ended what it was asked to end."


@case("mapi-auth-torn-told", "torn three times: the type 2 says Connection: close")
def torn_told(cap):
    again_and_again(cap, "The server's end says Connection: close", UP, lines=["Connection: close"])
    cap.what = "The server, or a device before it, answers each type 1 with Connection: close: the client closes, and sends its type 3 on " \
               "another connection."
    cap.rule = "Who sends the type 3 could not keep the connection: neither the client nor a device before it is at fault."


@case("mapi-auth-torn-closed", "torn three times: the server's end closes behind its challenge")
def torn_closed(cap):
    again_and_again(cap, "The server's end closes", DOWN)
    cap.what = "As mapi-auth-torn-told, without a word: FIN behind the 401."
    cap.rule = "As there."


@case("mapi-auth-torn-http10", "torn three times: the type 2 is HTTP/1.0")
def torn_http10(cap):
    again_and_again(cap, "HTTP/1.0 ends the connection", UP, protocol="HTTP/1.0", where="CANNOT TELL")
    cap.what = "As mapi-auth-torn-told, by the version alone: an answer of HTTP/1.0 that does not say Keep-Alive."
    cap.rule = "RFC 9112 9.3: without Keep-Alive the connection ends behind a message of HTTP/1.0."


@case("mapi-auth-left-asked", "three challenges that nobody answers: the type 1 asks for the end of its connection")
def left_asked(cap):
    frame = again_and_again(cap, "", DOWN, asks=True, answered=False)
    cap.item("outlook.auth.no_challenge", frame, "The third challenge in a row without a type 3.", ["Connection: close"])
    cap.what = "Connection: close with each type 1, and no type 3."
    cap.rule = "NTLM needs its connection: what sends such requests keeps the handshake from its end."


@case("mapi-auth-left-answered-late", "three challenges that nobody answers, after one that was answered late")
def left_answered_late(cap):
    c = client(cap)
    for number, closes in enumerate([DOWN, UP, None, UP, UP]):
        if closes is None:
            two = c.outlook.open("10.0.0.81:80")
            ask = third(c, target(cap), conn=two)
            cap.item("outlook.auth.ntlm_torn", ask.frame, "The first challenge is answered here.", where="CANNOT TELL")
            c.page(ask, "401 Unauthorized", *OFFERS, *EX, fields=auth(step="rejected"))
            two.close()
        else:
            one = c.outlook.open("10.0.0.81:80")
            challenge(c, target(cap, at=number), conn=one)
            frame = one.close(closes)
        cap.wait(2)
    cap.item("outlook.auth.no_challenge", frame, "The client leaves three challenges in a row.", where="CLIENT (inferred)")
    cap.what = "The server's end closes behind a challenge, whose type 3 comes on another connection; then the client leaves three " \
               "challenges."
    cap.rule = "What was answered elsewhere is no challenge that was left: its end says nothing of the other three."


@case("mapi-auth-left-behind-device", "three challenges that nobody answers, captured behind a device alone")
def left_behind_device(cap):
    c = client(cap)
    for number in range(3):
        one = c.outlook.open("10.0.0.81:80")
        challenge(c, target(cap, at=number), conn=one, sent=["X-Forwarded-For: 192.0.2.17"])
        frame = one.close(UP)
        cap.wait(2)
    cap.item("outlook.auth.no_challenge", frame, "Who leaves them, the device or its client, does not show.",
             ["or the device at 10.0.0.21"], where="CANNOT TELL")
    cap.what = "A balancer (X-Forwarded-For) brings three type 1; the connections end behind their type 2 from its side."
    cap.rule = "A device may keep the challenge from its client: a side that was not captured accuses nobody."


def legs(cap, split):
    """A balancer that opens a connection of its own for each request: the client's leg is whole, its own is not."""
    c, at = client(cap, server="10.0.0.80:80"), target(cap)
    ask = c.ask("Connect", b"", auth=ntlm.type1(), fields=auth("NTLM", "type1"))
    s1 = cap.connect("10.0.0.70", "10.0.0.81:80")
    inner = c.relay(ask, s1, fields=auth("NTLM", "type1"))
    c.page(inner, "401 Unauthorized", f"WWW-Authenticate: {ntlm.type2(at)}", *EX, text="",
           fields=auth("NTLM", "type2", server="ex1.example.test"))
    c.page_on(inner, ask)
    again = third(c, at)
    s2 = cap.connect("10.0.0.70", "10.0.0.82:80") if split else s1
    inner = c.relay(again, s2, fields=auth("NTLM", "type3", "EXAMPLE\\alice"))
    if split:
        cap.item("outlook.auth.ntlm_torn", inner.frame, "On the leg behind the balancer the type 2 came from "
                 "10.0.0.81:80, the type "
                 "3 goes to 10.0.0.82:80. The client kept its one connection.", ["10.0.0.81:80", "10.0.0.82:80"])
        c.page(inner, "401 Unauthorized", *OFFERS, *EX, fields=auth(step="rejected"))
        c.page_on(inner, again)
    else:
        c.reply(inner, m.connect_answer(), fields=auth(step="accepted"))
        c.pass_on(inner, again)
    m.close(c.conn, s1, *([s2] if split else []))


@case("mapi-auth-ntlm-torn-balancer", "torn behind a balancer, whole before it")
def torn_balancer(cap):
    legs(cap, True)
    cap.what = "A balancer spreads the requests of one client connection over two servers."
    cap.rule = "Judged per leg: leg 0 is whole and stays silent, leg 1 is torn."


@case("mapi-auth-ntlm-balancer", "NTLM through a balancer that keeps its connection")
def whole_balancer(cap):
    legs(cap, False)
    cap.what = "The balancer keeps one server connection for the client's connection."
    cap.rule = "Both legs are whole. That a type 2 with the same target information came on the other leg's " \
               "connection too says " \
               "nothing."


@case("mapi-auth-type3-alone", "a type 3 whose type 2 is nowhere")
def alone(cap):
    c = client(cap)
    ask = third(c, target(cap))
    cap.item("outlook.auth.type3_without_challenge", ask.frame, "Its connection, whole from SYN, carried no type 2, "
             "and no type 2 of "
             "the capture has its target information.", ["EX1"])
    c.page(ask, "401 Unauthorized", *OFFERS, *EX, fields=auth(step="rejected"))
    c.conn.close()
    cap.what = "The first request of a connection carries type 3."
    cap.rule = "The challenge came on a connection outside the capture."


@case("mapi-auth-type3-late", "a type 3 on a connection that began before the capture")
def alone_late(cap):
    c = client(cap)
    c.conn = c.outlook.open(captured=False)
    ask = third(c, target(cap))
    c.reply(ask, m.connect_answer(), fields=auth(step="accepted"))
    c.conn.close()
    cap.what = "As mapi-auth-type3-alone without SYN: types 1 and 2 came before the capture."
    cap.rule = "Silent on a late start."


@case("mapi-auth-type3-v1", "an NTLMv1 type 3 on another connection")
def version1(cap):
    c, at = client(cap), target(cap)
    one, two = c.outlook.open("10.0.0.81:80"), c.outlook.open("10.0.0.82:80")
    challenge(c, at, conn=one)
    ask = third(c, at, conn=two, v1=True)
    cap.item("outlook.auth.type3_without_challenge", ask.frame, "Its connection, whole from SYN, carried no type 2.",
             ["NTLMv1", "10.0.0.82:80"])
    c.page(ask, "401 Unauthorized", *OFFERS, *EX, fields=auth(step="rejected"))
    m.close(one, two)
    cap.what = "As mapi-auth-ntlm-torn with an NTLMv1 response, which echoes nothing."
    cap.rule = "A type 3 of any version answers a type 2 of its own connection; which one it answers NTLMv1 does not tell."


@case("mapi-auth-type3-proxy", "NTLM of a proxy (407)")
def proxied(cap):
    c, at = Context(Outlook(cap)), target(cap)
    ask = c.ask("Connect", BODY, lines=[f"Proxy-Authorization: {ntlm.type3(at)}"])
    c.reply(ask, m.connect_answer())
    c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "Proxy-Authorization carries a type 3 whose challenge is not in the capture; the server gets Basic."
    cap.rule = "Silent on 407 and what belongs to it."


@case("mapi-auth-proxy-steps", "a proxy that lets the client in by NTLM")
def proxy_steps(cap):
    c, at = Context(Outlook(cap, server="10.0.0.40:3128")), target(cap, "PROXY")
    ways = [f"Proxy-Authorization: {ntlm.type1()}"], [f"Proxy-Authorization: {ntlm.type3(at)}"]
    offers = "Proxy-Authenticate: NTLM", f"Proxy-Authenticate: {ntlm.type2(at)}"

    def begin(kind, body):
        c.conn = c.outlook.open()
        for lines, offer in zip(([], ways[0]), offers):
            c.page(c.ask(kind, body, lines=lines, step=not lines), "407 Proxy Authentication Required", offer)

    begin("Connect", BODY)
    c.reply(c.ask("Connect", BODY, lines=ways[1], step=False), m.connect_answer())
    for _ in range(3):
        c.conn.close()
        begin("Execute", m.default_body("Execute"))
        c.exchange(lines=ways[1], step=False)
    c.conn.close()
    cap.what = "Each connection to a proxy begins with 407, type 1, 407 with type 2, type 3; then the server answers."
    cap.rule = "RFC 9110 15.5.8: a challenge is no failure. Silent."


# ---- refused -----------------------------------------------------------------------------

def bearer(seed):
    """A token that looks like a JWT and names nobody."""
    return "Bearer " + ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=")
                                for part in ('{"typ":"JWT","alg":"RS256"}', f'{{"jti":"{seed}"}}', "x" * 64))


WAYS = {
    "basic": ("Basic", "credentials", "example.test\\alice", lambda index: rpc.basic("example.test\\alice",
        f"wrong{index}")),
    "bearer": ("Bearer", "credentials", None, bearer),
    "kerberos": ("Negotiate", "credentials", None, lambda index: rpc.kerberos()),
}


def rejected(c, way, index, conn=None):
    """One request with final credentials and its 401."""
    if way == "ntlm":
        at = target(c.cap, at=index)
        challenge(c, at, conn=conn, step=index == 0)
        ask = third(c, at, conn=conn)
    else:
        scheme, step, user, make = WAYS[way]
        ask = c.ask("Connect", BODY, auth=make(index), conn=conn, step=index == 0, fields=auth(scheme, step, user))
    c.cap.wait(0.05)
    return c.page(ask, "401 Unauthorized", *OFFERS, *EX, fields=auth(step="rejected"))


def refused(way, words):
    @case(f"mapi-auth-refused-{way}", f"refused three times: {way}")
    def build(cap):
        c = client(cap)
        for index in range(3):
            frame = rejected(c, way, index)
            cap.wait(3)
        cap.item("outlook.auth.refused", frame, "The third refusal in a row.", words)
        c.conn.close()
        cap.what = "Final credentials are sent three times, each time after the refusal before has arrived."
        cap.rule = "A refusal is a 401 to final credentials." + (" The user is unknown: X-ClientInfo stands for him."
                                                                 if way in (
            "bearer", "kerberos") else "")


refused("basic", ["alice", m.HOST])
refused("ntlm", ["alice", m.HOST])
refused("bearer", [m.HOST])
refused("kerberos", [m.HOST])


@case("mapi-auth-wrong-once", "a wrong password typed once")
def wrong_once(cap):
    c = client(cap)
    for index in range(2):
        rejected(c, "basic", index)
        cap.wait(5)
    ask = c.ask("Connect", BODY, auth=rpc.basic(), step=False, fields=auth("Basic", "credentials",
        "example.test\\alice"))
    c.reply(ask, m.connect_answer(), fields=auth(step="accepted"))
    c.outlook.auth = rpc.basic()
    c.exchange()
    for index in range(2):
        rejected(c, "basic", index + 1)
    c.leave()
    c.conn.close()
    cap.what = "Two refusals, then the right password, later two more."
    cap.rule = "An acceptance clears the count; two in a row are none."


def others(name, title, what, **how):
    """alice is refused three times by NTLM where bob was accepted: by another scheme, or elsewhere."""
    @case(f"mapi-auth-refused-{name}", title)
    def build(cap):
        b = client(cap, name="bob", user="example.test\\bob", dn=m.DN.replace("alice", "bob"), server=how.get("server", "10.0.0.81:80"))
        b.front = b.back = how.get("front", "EX1")
        if "basic" in how:
            b.connect(auth=rpc.basic("example.test\\bob"))
        else:
            login(b, target(cap, b.front), user="bob")
        b.conn.close()
        c = client(cap)
        for index in range(3):
            frame = rejected(c, "ntlm", index)
            cap.wait(3)
        cap.item("outlook.auth.refused", frame, "The third refusal in a row.", how.get("words", ["or a server that cannot check them"]),
                 where=how.get("where", "CANNOT TELL"))
        c.conn.close()
        cap.what = what
        cap.rule = "That others are let in blames the client only where the same server takes their credentials of the same scheme."


others("other-way", "refused by NTLM where another user was let in by Basic", "bob is let in by Basic, alice refused by NTLM.", basic=True)
others("other-server", "refused by a server where another one lets users in", "bob is let in by EX2, alice refused by EX1.", front="EX2",
       server="10.0.0.82:80")
others("other-front-end", "refused by one front end of a balancer, where another lets users in",
       "As mapi-auth-refused-other-server behind one address: X-FEServer tells both apart.", front="EX2")
others("same-server", "refused where another user is let in by the same scheme", "bob is let in, alice refused, by one server and NTLM.",
       words=["accepts other users by this scheme"], where="CLIENT (inferred)")


@case("mapi-auth-refused-parallel", "three connections refused at once")
def parallel(cap):
    c = client(cap)
    conns = [c.outlook.open() for _ in range(3)]
    asks = [c.ask("Connect", BODY, auth=rpc.basic("example.test\\alice", "wrong"), conn=conn,
                  fields=auth("Basic", "credentials", "example.test\\alice")) for conn in conns]
    for ask in asks:
        c.page(ask, "401 Unauthorized", *OFFERS, *EX, fields=auth(step="rejected"))
    m.close(*conns)
    cap.what = "Three requests with the same wrong password are sent before the first refusal arrives."
    cap.rule = "Credentials count only if they were sent after the refusal before had arrived: one attempt, not three."


@case("mapi-auth-steps", "401s that are steps")
def steps(cap):
    c = client(cap)
    for token, step in ((None, None), ("Basic", None), ("Bearer", None), (ntlm.type3(target(cap), user=""),
        "type3")) * 2:
        ask = c.ask("Connect", BODY, auth=token, conn=c.outlook.open(), step=False, fields=auth(step=step) if token
                    else None)
        offered(c, ask)
        ask.conn.close()
        cap.wait(1)
    cap.tolerated = ["outlook.auth.empty_bearer", "outlook.auth.type3_without_challenge"]
    login(c, target(cap))
    for index in range(4):
        conn = c.outlook.open()
        challenge(c, target(cap, at=index + 1), "Execute", conn=conn)
        ask = third(c, target(cap, at=index + 1), "Execute", m.default_body("Execute"), conn=conn)
        c.reply(ask, m.execute_answer(), fields=auth(step="accepted"))
        conn.close()
    c.conn.close()
    cap.what = "No Authorization, an empty Basic and Bearer, an anonymous type 3, again and again; then handshakes " \
               "whose type 1 gets " \
               "its 401."
    cap.rule = "None of these 401s is a refusal."


# ---- a shared connection -----------------------------------------------------------------

def pool(cap, server="10.0.0.81:80"):
    """Two server-side connections of a balancer, and the contexts of two users."""
    a = Context(Outlook(cap, auth=None, name="alice"))
    b = Context(Outlook(cap, auth=None, user="example.test\\bob", dn=m.DN.replace("alice", "bob"), name="bob"))
    return a, b, cap.connect("10.0.0.70", server), cap.connect("10.0.0.70", server)


def shared(name, title, what, rule, scheme="NTLM", port=80, verdict=True, lines=(), other="bob", own=False):
    @case(f"mapi-auth-shared-{name}", title)
    def build(cap):
        a, b, s1, s2 = pool(cap, f"10.0.0.81:{port}")
        login(a, target(cap), conn=s1, scheme=scheme, lines=lines)
        login(b, target(cap, at=1), conn=s2, user=other, scheme=scheme, lines=lines)
        a.exchange(conn=s1)
        if own:
            at = target(cap, at=2)
            ask = b.ask("Execute", b"", auth=ntlm.type1(), conn=s1, fields=auth("NTLM", "type1"))
            b.page(ask, "401 Unauthorized", f"WWW-Authenticate: {ntlm.type2(at)}", *EX, text="", fields=auth("NTLM",
                "type2"))
            ask = third(b, at, "Execute", m.default_body("Execute"), conn=s1, user="bob")
            b.reply(ask, m.execute_answer(), fields=auth(step="accepted"))
        else:
            ask = b.exchange(conn=s1)
        if verdict:
            cap.item("outlook.auth.shared_connection", ask.frame, "The connection was authenticated for "
                     "EXAMPLE\\alice; this request "
                     "belongs to bob's session and brings no handshake.", ["alice", other])
        m.close(s1, s2)
        cap.what, cap.rule = what, rule


shared("ntlm", "an NTLM connection carries another user's request",
       "Behind a balancer with a pool: alice's NTLM on one connection, bob's on another; then bob's request goes out "
       "on alice's.",
       "NTLM authenticates the connection, not the request: bob's request runs as alice.")
shared("negotiate", "a Negotiate connection carries another user's request",
       "As mapi-auth-shared-ntlm under Negotiate; the server says Persistent-Auth: true.",
       "MS-N2HT: the server accepted the connection, not the request.", scheme="Negotiate",
       lines=["Persistent-Auth: true"])
shared("444", "the same on port 444", "Between Exchange's front end and its back end (port 444), which trusts it.",
       "Port 444 is skipped.", port=444, verdict=False)
shared("own-handshake", "another user with a handshake of his own", "bob's request on alice's connection begins with a "
       "handshake.",
       "Authenticated anew.", verdict=False, own=True)


def per_request(name, title, what, rule, make, lines=()):
    @case(f"mapi-auth-pooled-{name}", title)
    def build(cap):
        a, b, s1, s2 = pool(cap)
        for c, user in ((a, "alice"), (b, "bob")):
            c.outlook.auth = make(user)
            c.connect(conn=s1, reply={"lines": lines})
        for _ in range(2):
            for c in (a, b):
                c.exchange(conn=s1, reply={"lines": lines})
                c.exchange("PING", conn=s2, reply={"lines": lines})
        m.close(s1, s2)
        cap.what, cap.rule = what, rule


per_request("basic", "two users' Basic requests on one connection", "A pool shared by alice and bob; each request has "
            "its "
            "credentials.", "Basic authenticates the request.", lambda user: rpc.basic(f"example.test\\{user}"))
per_request("bearer", "two users' Bearer requests on one connection", "As mapi-auth-pooled-basic with tokens.",
            "Bearer authenticates the request.", bearer)
per_request("kerberos", "Kerberos for each request on one connection", "Each request has an AP-REQ of its own; the "
            "server says "
            "Persistent-Auth: false.", "MS-N2HT: authenticated per request.", lambda user: rpc.kerberos(),
            ["Persistent-Auth: false"])


@case("mapi-auth-shared-upn", "one user under two names")
def upn(cap):
    a = Context(Outlook(cap, auth=None, name="alice"))
    b = Context(Outlook(cap, auth=None, name="alice again", user="alice@example.test"), "nspi")
    s1 = cap.connect("10.0.0.70", "10.0.0.81:80")
    login(a, target(cap), conn=s1)
    b.connect(auth=rpc.basic("alice@example.test"), conn=cap.connect("10.0.0.70", "10.0.0.81:80"))
    b.exchange("UpdateStat", conn=s1)
    s1.close()
    cap.what = "The connection is EXAMPLE\\alice's by NTLM, the session on it was opened by alice@example.test."
    cap.rule = "UPN and DOMAIN\\user are equal until proven otherwise."


@case("mapi-auth-two-accounts", "two accounts in one Outlook")
def two_accounts(cap):
    a = Context(Outlook(cap, auth=None, name="one"))
    b = Context(Outlook(cap, auth=None, name="one", user="example.test\\bob", dn=m.DN.replace("alice", "bob"),
                        mailbox="55555555-0000-4000-8000-000000000005@example.test"))
    for at, (c, user) in enumerate(((a, "alice"), (b, "bob"))):
        c.conn = c.outlook.open()
        login(c, target(cap, at=at), user=user)
    for _ in range(3):
        for c in (a, b):
            c.exchange()
            cap.wait(1)
    for c in (a, b):
        c.leave()
        c.conn.close()
    cap.what = "One Outlook (one X-ClientInfo) with two mailboxes, each with its own NTLM credentials on a connection of " \
               "its own."
    cap.rule = "X-ClientInfo came with two users' credentials and tells neither: nothing to say."


# ---- time, offers, headers ---------------------------------------------------------------

def timed(name, title, wait, item, what, way="ntlm"):
    @case(f"mapi-auth-{name}", title)
    def build(cap):
        c = client(cap)
        if way == "ntlm":
            frame = login(c, target(cap), wait)
        else:
            make = rpc.basic if way == "basic" else rpc.kerberos
            ask = c.ask("Connect", BODY, auth=make(), fields=auth("Basic" if way == "basic" else "Negotiate",
                                                                  "credentials"))
            cap.wait(wait)
            frame = c.reply(ask, m.connect_answer(), elapsed=40, fields=auth(step="accepted"))
        if item:
            cap.item(item, frame, f"{wait} seconds from the credentials to the answer.", [str(wait).split(".",
                maxsplit=1)[0]])
        c.conn.close()
        cap.what = what
        cap.rule = "Above 2 seconds a note, above 10 a warning."


timed("slow-ntlm", "3 seconds from type 3 to its answer", 3, "outlook.auth.slow", "The server takes 3 seconds for the "
      "type 3.")
timed("slow-kerberos", "4 seconds from the AP-REQ to its answer", 4, "outlook.auth.slow", "The same for Kerberos.",
      "kerberos")
timed("slow-basic", "5 seconds from Basic to its answer", 5, "outlook.auth.slow", "The same for Basic.", "basic")
timed("very-slow", "12 seconds from type 3 to its answer", 12, "outlook.auth.very_slow", "The server takes 12 seconds.")
timed("quick", "1.5 seconds from type 3 to its answer", 1.5, None, "A little slow, and silent.")


@case("mapi-auth-quick-work", "an Execute that works for 8 seconds")
def quick_work(cap):
    c = Context(Outlook(cap))
    c.connect()
    ask = c.ask("Execute", m.default_body("Execute"))
    c.begin(ask)
    cap.wait(8)
    c.end(ask, m.execute_answer())
    c.conn.close()
    cap.what = "Basic goes with every request. The head of the response, with PROCESSING, comes at once; the work " \
               "takes 8 seconds."
    cap.rule = "The credentials were answered at once: no slow logon."


@case("mapi-auth-slow-work", "a Connect that works for 5 seconds")
def slow_work(cap):
    c = Context(Outlook(cap))
    ask = c.ask("Connect", BODY)
    cap.wait(5)
    c.reply(ask, m.connect_answer(), elapsed=4950)
    c.leave()
    c.conn.close()
    cap.what = "The whole answer of Connect comes after 5 seconds, of which the server says that it worked 4.95 (X-ElapsedTime)."
    cap.rule = "MS-OXCMAPIHTTP 2.2.3.3.9: what the server took for the request is no time for credentials."


@case("mapi-auth-slow-before-work", "4 seconds for the credentials, then 3 seconds of work")
def slow_before_work(cap):
    c = Context(Outlook(cap))
    ask = c.ask("Connect", BODY)
    cap.wait(4)
    c.begin(ask)
    cap.wait(3)
    frame = c.end(ask, m.connect_answer(), elapsed=3000)
    cap.item("outlook.auth.slow", frame, "4 seconds to the status line; the work came behind it.", ["4.0"])
    c.leave()
    c.conn.close()
    cap.what = "The status line of Connect comes after 4 seconds, and the server works for 3 more."
    cap.rule = "Work that came behind the status line is not taken off."


@case("mapi-auth-downgraded-elsewhere", "Basic alone in another virtual directory")
def downgraded_elsewhere(cap):
    c = client(cap)
    first(c)
    login(c, target(cap))
    conn = cap.connect("10.0.0.21", "10.0.0.81:80")
    conn.up(rpc.ask_in(auth=None, length=0))
    conn.down(rpc.page(401, "Unauthorized", OFFERS[2], *EX))
    conn.close()
    c.leave()
    c.conn.close()
    cap.tolerated = RPCH
    cap.what = "One client logs on to /mapi by NTLM; /rpc of the same host offers only Basic."
    cap.rule = "Each virtual directory has authentication methods of its own: nobody took anything out."


@case("mapi-auth-downgraded", "only Basic for a client that tried NTLM")
def downgraded(cap):
    c = client(cap)
    ask = c.ask("Connect", b"", auth=ntlm.type1(), fields=auth("NTLM", "type1"))
    frame = c.page(ask, "401 Unauthorized", OFFERS[2], fields=auth(step="challenge"))
    cap.item("outlook.auth.downgraded", frame, "The client came with NTLM and is offered only Basic.", ["Basic",
        "NTLM"])
    ask = c.ask("Connect", BODY, auth=rpc.basic(), step=False, fields=auth("Basic", "credentials",
        "example.test\\alice"))
    c.reply(ask, m.connect_answer(), fields=auth(step="accepted"))
    c.conn.close()
    cap.what = "A proxy that knows only Basic stands before the server."
    cap.rule = "The client tried NTLM on this connection."


@case("mapi-auth-basic-only", "only Basic for a client that tried nothing")
def basic_only(cap):
    c = client(cap)
    ask = c.ask("Connect", BODY)
    offered(c, ask, OFFERS[2])
    ask = c.ask("Connect", BODY, auth=rpc.basic(), step=False, fields=auth("Basic", "credentials",
        "example.test\\alice"))
    c.reply(ask, m.connect_answer(), fields=auth(step="accepted"))
    c.conn.close()
    cap.what = "The server offers only Basic, and the client had not asked for more."
    cap.rule = "A choice of the server: nothing to say."


def header_case(name, title, retries, what):
    @case(f"mapi-auth-header-case{name}", title)
    def build(cap):
        c = client(cap)
        ask = c.ask("Connect", BODY)
        lines = [line.replace("WWW-Authenticate", "www-authenticate") for line in OFFERS]
        frame = c.page(ask, "401 Unauthorized", *lines, fields=auth(step="challenge"))
        cap.wait(0.5)
        if retries == "same":
            ask = c.ask("Connect", BODY, auth=rpc.basic(), step=False, fields=auth("Basic", "credentials"))
            c.reply(ask, m.connect_answer(), fields=auth(step="accepted"))
            c.conn.close()
        else:
            fin = c.conn.close()
            if retries is None:
                cap.item("outlook.auth.header_case", frame, "www-authenticate in lower case, and the client gives up.",
                         ["www-authenticate"], frames=[fin, cap.frame])
            else:
                cap.wait(2)
                other = client(cap, name="other", address="10.0.0.22")
                login(other, target(cap))
                other.conn.close()
        cap.what = what
        cap.rule = "Old clients miss the header in lower case; a client that goes on has read it. Whether the item " \
                   "stands on the 401 " \
                   "or on the end that proves it is left open." if retries is None else "A client of the capture " \
                                                                                        "read it."


header_case("", "www-authenticate in lower case, and no retry", None, "The 401 came through a device that writes "
            "header names in "
            "lower case; the client closes.")
header_case("-retried", "www-authenticate in lower case, and a retry", "same", "The client goes on with Basic.")


def empties(name, title, follow, what, rounds=3, lines=(), where="CLIENT (inferred)"):
    @case(f"mapi-auth-empty-bearer{name}", title)
    def build(cap):
        c = client(cap)
        for index in range(rounds):
            ask = c.ask("Connect", BODY, auth="Bearer", step=index == 0, lines=lines, fields=auth("Bearer"))
            frame = c.page(ask, "401 Unauthorized", 'WWW-Authenticate: Bearer client_id="00000002", '
                           'trusted_issuers="x@*"', *EX,
                           fields=auth(step="challenge"))
            cap.wait(1)
        if follow:
            token = bearer("good") if follow == "token" else rpc.basic()
            ask = c.ask("Connect", BODY, auth=token, step=False, fields=auth("Bearer" if follow == "token" else "Basic",
                                                                             "credentials"))
            c.reply(ask, m.connect_answer(), fields=auth(step="accepted"))
        fin = c.conn.close()
        if not follow and rounds == 3:
            cap.item("outlook.auth.empty_bearer", frame, "Three rounds of an empty Bearer, no token, nothing else.",
                     ["Bearer"],
                     frames=[fin, cap.frame], where=where)
        cap.what = what
        cap.rule = "An empty Bearer asks what the server wants; the token comes next." + (
            " Whether the item stands on the third 401 or on the end that proves it is left open." if not follow
            else "")


empties("", "three empty Bearers and nothing else", None, "The client asks three times with an empty Bearer and gives "
        "up.")
empties("-forwarded", "three empty Bearers and nothing else, captured behind a device alone", None, "A balancer brings three "
        "empty Bearers and nothing else: whether it keeps something from its client does not show.",
        lines=["X-Forwarded-For: 192.0.2.17"], where="CANNOT TELL")
empties("-token", "empty Bearers, then a token", "token", "Three empty rounds, then a token that is accepted.")
empties("-basic", "empty Bearers, then Basic", "basic", "Three empty rounds, then Basic.")
empties("-two", "two empty Bearers", None, "Two rounds only.", 2)


def bindings(name, title, bound, accepted, what):
    @case(f"mapi-auth-channel-binding{name}", title)
    def build(cap):
        c, at = client(cap), target(cap)
        challenge(c, at)
        ask = third(c, at, bindings=bytes(range(1, 17)) if bound else bytes(16))
        if accepted:
            c.reply(ask, m.connect_answer(), fields=auth(step="accepted"))
        else:
            frame = c.page(ask, "401 Unauthorized", *OFFERS, *EX, fields=auth(step="rejected"))
            if bound:
                cap.item("outlook.auth.channel_binding", frame, "The type 3 is bound to a TLS channel "
                         "(MsvAvChannelBindings), and this "
                         "leg, where the server judges it, is clear text.", ["10.0.0.81"])
        c.conn.close()
        cap.what = what
        cap.rule = "MS-NLMP 2.2.2.1: sixteen zero bytes bind to nothing."


bindings("", "channel bindings on a clear final leg", True, False, "TLS ends at a device; the server gets the client's "
         "channel "
         "bindings over clear text and refuses.")
bindings("-zero", "a 401 without channel bindings", False, False, "The same 401 to a type 3 whose bindings are zero: a "
         "wrong "
         "password.")
bindings("-accepted", "channel bindings, accepted", True, True, "The server does not ask for extended protection.")


def bound_again(cap, taken):
    if taken:
        b = client(cap, name="bob", user="example.test\\bob", dn=m.DN.replace("alice", "bob"))
        challenge(b, target(cap))
        ask = third(b, target(cap), user="bob", bindings=bytes(range(1, 17)))
        b.reply(ask, m.connect_answer(), fields=auth(step="accepted"))
        b.conn.close()
    c = client(cap)
    for index in range(3):
        at = target(cap, at=index + 1)
        challenge(c, at, step=index == 0)
        ask = third(c, at, bindings=bytes(range(1, 17)))
        frame = c.page(ask, "401 Unauthorized", *OFFERS, *EX, fields=auth(step="rejected"))
        if index == 0 and not taken:
            cap.item("outlook.auth.channel_binding", frame, "Bound to a TLS channel, and clear text here.", ["10.0.0.81"])
        cap.wait(3)
    cap.item("outlook.auth.refused", frame, "The third refusal in a row.",
             ["accepts other users by this scheme" if taken else "channel bindings cannot match there"],
             where="CLIENT (inferred)" if taken else "NETWORK DEVICE (inferred)")
    c.conn.close()


@case("mapi-auth-channel-binding-again", "channel bindings on a clear final leg, refused three times")
def binding_again(cap):
    bound_again(cap, False)
    cap.what = "As mapi-auth-channel-binding, three times."
    cap.rule = "One cause: the third refusal names the first finding, and the report tells both as one."


@case("mapi-auth-channel-binding-taken", "channel bindings that the server does not look at")
def binding_taken(cap):
    bound_again(cap, True)
    cap.what = "TLS ends at a device; bob is let in with bindings that cannot match, then alice is refused with hers three times."
    cap.rule = "A server that took such bindings does not ask for Extended Protection: alice's refusals have another reason."


@case("mapi-auth-late", "three type 3 that come 40 seconds after their challenges")
def late(cap):
    for index in range(3):
        c = client(cap)
        at = target(cap, at=index)
        challenge(c, at)
        cap.wait(40)
        clock = Context(Outlook(cap, name="clock", address="10.0.0.29"))
        clock.connect()
        clock.conn.close()
        if index < 2:
            ask = third(c, at)
            c.page(ask, "401 Unauthorized", *OFFERS, *EX, fields=auth(step="rejected"))
        c.conn.close()
    cap.what = "The user takes 40 seconds for his password, twice with a wrong one, and gives up the third time."
    cap.rule = "After 30 seconds a challenge counts as left, until its type 3 comes: only the last was."



# ---- RPC over HTTP ------------------------------------------------------------------------

RPCH = ["rpch.channel.refused", "rpch.channel.lone", "rpch.routing.never_joined"]


def rpc_challenge(conn, ask, at):
    conn.up(ask(auth=ntlm.type1(), length=0))
    conn.down(rpc.page(401, "Unauthorized", f"WWW-Authenticate: {ntlm.type2(at)}", *EX))


def rpc_refused(cap, count, at=0):
    """Handshakes for IN that end in 401, each on a connection of its own; returns the frame of the last."""
    for index in range(count):
        info = target(cap, at=at + index)
        conn = cap.connect("10.0.0.21", "10.0.0.81:80")
        rpc_challenge(conn, rpc.ask_in, info)
        conn.up(rpc.ask_in(auth=ntlm.type3(info)))
        cap.wait(0.2)
        frame = conn.down(rpc.page(401, "Unauthorized", *OFFERS, *EX))
        conn.close()
        cap.wait(4)
    return frame


@case("mapi-auth-rpch-torn", "RPC over HTTP: type 3 on another connection than its type 2")
def rpch_torn(cap):
    at = target(cap)
    one, two = cap.connect("10.0.0.21", "10.0.0.81:80"), cap.connect("10.0.0.21", "10.0.0.82:80")
    rpc_challenge(one, rpc.ask_in, at)
    frame = two.up(rpc.ask_in(auth=ntlm.type3(at)))
    cap.item("outlook.auth.ntlm_torn", frame, "The type 2 came on the connection to 10.0.0.81:80.",
             ["10.0.0.81:80", "10.0.0.82:80"])
    two.down(rpc.page(401, "Unauthorized", *OFFERS, *EX))
    m.close(one, two)
    cap.tolerated = RPCH
    cap.what = "As mapi-auth-ntlm-torn for RPC_IN_DATA."
    cap.rule = "The same for both protocols."


@case("mapi-auth-rpch-strangers", "two clients with the same type 1 at two servers")
def rpch_strangers(cap):
    at = target(cap, "EX2")
    one, two = cap.connect("10.0.0.21", "10.0.0.81:80"), cap.connect("10.0.0.22", "10.0.0.82:80")
    three = cap.connect("10.0.0.22", "10.0.0.83:80")
    one.up(rpc.ask_in(auth=ntlm.type1(), length=0))
    rpc_challenge(two, rpc.ask_in, at)
    frame = one.down(rpc.page(401, "Unauthorized", OFFERS[2], *EX))
    cap.item("outlook.auth.downgraded", frame, "10.0.0.81:80 offers only Basic; what stands behind it was not captured.",
             ["or the server does not offer them"], where="CANNOT TELL")
    frame = three.up(rpc.ask_in(auth=ntlm.type3(at)))
    cap.item("outlook.auth.ntlm_torn", frame, "The type 2 came on the connection to 10.0.0.82:80.",
             ["10.0.0.82:80", "10.0.0.83:80"])
    three.down(rpc.page(401, "Unauthorized", *OFFERS, *EX))
    m.close(one, two, three)
    cap.tolerated = RPCH
    cap.what = "Before the 401 to one client comes, another one asks another server, with the same bytes."
    cap.rule = "Type 1 is the same from every program of one version, so alone it proves no device between both: no address " \
               "of one connection is one of the other."


def rpch(name, title, what, rule, wait=0.01, before=0, after=0, item=None):
    """Both channels of a virtual connection by NTLM; wait: from the type 3 of OUT to its 200."""
    @case(f"mapi-auth-rpch{name}", title)
    def build(cap):
        if before:
            rpc_refused(cap, before, 100)
        leg = Leg(cap, user="EXAMPLE\\alice")
        for role, ask, at in (("in", rpc.ask_in, target(cap)), ("out", rpc.ask_out, target(cap, at=1))):
            conn = leg.connect(role)
            rpc_challenge(conn, ask, at)
            conn.up(ask(auth=ntlm.type3(at)))
            if role == "in":
                conn.down(rpc.go_on())
        leg.out.up(rpc.conn_a1(leg.c))
        leg.in_.up(rpc.conn_b1(leg.c))
        cap.wait(wait)
        frame = leg.out.down(rpc.success(), rpc.conn_a3())
        if item:
            cap.item(item, frame, f"{wait} seconds from the type 3 of OUT to its 200.", [str(wait)])
        leg.join()
        leg.work()
        if after:
            rpc_refused(cap, after, 200)
        leg.close()
        cap.tolerated = RPCH if before or after else ["rpch.channel.buffered"] if wait > 1 else []
        cap.what, cap.rule = what, rule


rpch("", "RPC over HTTP: NTLM on both channels", "Each channel has a handshake of its own; IN gets 100, OUT 200.",
     "IN never gets a 200 at all: the 100 and the RTS PDUs say that it was accepted.")
rpch("-slow", "RPC over HTTP: 3 seconds to the 200", "The server takes 3 seconds for the type 3 of OUT.",
     "Above 2 seconds.", 3, item="outlook.auth.slow")
rpch("-cleared", "RPC over HTTP: refusals before and after an acceptance", "Two refusals, an accepted virtual "
     "connection, two refusals.", "A 100 after type 3, a 200 or an RTS PDU clears the count.", before=2, after=2)


@case("mapi-auth-rpch-refused", "RPC over HTTP: refused three times")
def rpch_refused(cap):
    frame = rpc_refused(cap, 3)
    cap.item("outlook.auth.refused", frame, "The third refusal in a row.", ["alice", m.HOST])
    cap.tolerated = RPCH
    cap.what = "Three handshakes for RPC_IN_DATA end in 401."
    cap.rule = "The same for both protocols."
