"""Healthy samples of MAPI/HTTP, over which nothing above chat may be said.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import mapi_auth
import mapi_ntlm as ntlm
import mapiscene as m
import mapiwire as w
import rpc
from mapi_verdict import EXECUTE, Two
from mapiscene import DOWN, Context, Outlook, case

WAIT = m.default_body("NotificationWait")


def bare(row, *names):
    """Takes from a message what the capture cannot tell."""
    for name in names:
        row["fields"].pop(f"mapihttp.{name}", None)


@case("mapi-quiet-front-ends", "no affinity: front ends change with every request")
def front_ends(cap):
    c = Context(Outlook(cap))
    for index, kind in enumerate(("Connect", "Execute", "Execute", "PING", "Execute", "Disconnect")):
        conn = c.outlook.open(f"10.0.0.{81 + index % 3}:80")
        c.front = f"EX{1 + index % 3}"
        fields = {"outlook.front_end": c.front}
        if kind == "Connect":
            c.connect(conn=conn, reply={"fields": fields})
        else:
            c.exchange(kind, conn=conn, reply={"fields": fields})
        conn.close()
        cap.wait(1)
    cap.what = "Three front ends take turns, each on an address of its own; the back end is EX1 all the time."
    cap.rule = "Front ends and addresses of the client's leg are not back ends: since Exchange 2013 no affinity is " \
               "needed."


@case("mapi-quiet-back-end-names", "one back end, written in several ways")
def back_end_names(cap):
    c = Context(Outlook(cap), headers=False)
    for index, name in enumerate(("EX1.example.test", "ex1", "Ex1.Example.Test", "EX1")):
        reply = {"lines": [f"X-CalculatedBETarget: {name}"]}
        if index == 0:
            c.connect(reply=reply)
        else:
            c.exchange(reply=reply)
    c.exchange(reply={"lines": ["X-BEServer: EX1"]})
    c.leave()
    c.conn.close()
    cap.what = "The first label is the same, in any letter case; then a response that has X-BEServer instead, and " \
               "one that has none."
    cap.rule = "The same header is compared, by its first label, case-insensitively."


@case("mapi-quiet-many-users", "several mailboxes and users behind one address")
def many_users(cap):
    people = []
    for name in ("alice", "bob", "carol"):
        dn = m.DN.replace("alice", name)
        o = Outlook(cap, "198.51.100.7", user=f"example.test\\{name}", dn=dn, mailbox=f"{w.guid(name)}@example.test")
        people.append(Context(o))
    shared = Outlook(cap, "198.51.100.7", user="example.test\\alice", dn=m.DN.replace("alice", "shared"),
                     mailbox=f"{w.guid('shared')}@example.test", name="alice, shared mailbox")
    people.append(Context(shared, seed="/shared"))
    for index, c in enumerate(people):
        c.connect(fields={"mapihttp.mailbox_id": c.outlook.mailbox, "mapihttp.connect.user_dn": c.outlook.dn},
                  reply={"fields": {"mapihttp.session": str(index)}})
    for _ in range(2):
        for c in people:
            c.exchange(fields={"mapihttp.connect.user_dn": c.outlook.dn})
    for c in people:
        c.leave()
    m.close(*[c.conn for c in people])
    cap.what = "Three people behind address translation, one of them with a second mailbox: four sessions of one " \
               "address."
    cap.rule = "A request belongs by its cookies; the client's address identifies nobody."


@case("mapi-quiet-persistence", "persistence cookies of a balancer")
def persistence(cap):
    a, b = Context(Outlook(cap, name="a")), Context(Outlook(cap, "10.0.0.22", user="example.test\\bob", name="b"))
    extra = {"SERVERID": "cas1", "BIGipServerpool_mapi": "1677787402.36895.0000"}
    for index, c in enumerate((a, b)):
        c.connect(reply={"lines": [*(f"Set-Cookie: {key}={value}; path=/" for key, value in extra.items()),
                                   f"Set-Cookie: AWSALB=Qm9keU9uZQ{index}; Path=/"]})
    for turn in range(3):
        for index, c in enumerate((a, b)):
            jar = {**c.cookies, **extra, "AWSALB": f"Qm9keU9uZQ{index if turn == 0 else f'{index}{turn}'}"}
            c.exchange(cookies=jar, reply={"lines": [f"Set-Cookie: AWSALB=Qm9keU9uZQ{index}{turn + 1}; Path=/"]})
    for c in (a, b):
        c.conn.close()
    cap.what = "Two people have the same SERVERID and F5 cookie, and an AWSALB that rotates with every response."
    cap.rule = "Balancer cookies identify nobody, and their values are no sequence."


@case("mapi-quiet-kerberos", "Kerberos for every request")
def kerberos(cap):
    c = Context(Outlook(cap, auth=None))
    for kind in ("Connect", "Execute", "Execute", "PING", "Disconnect"):
        body = m.connect_body() if kind == "Connect" else m.default_body(kind)
        ask = c.ask(kind, body, auth=None)
        c.page(ask, "401 Unauthorized", "WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM", "X-FEServer: EX1")
        ask = c.ask(kind, body, auth=rpc.kerberos(), step=False, fields={"outlook.auth.scheme": "Negotiate/Kerberos"})
        c.reply(ask, m.connect_answer() if kind == "Connect" else m.default_answer(kind),
                lines=["Persistent-Auth: false"])
        cap.wait(0.3)
    c.conn.close()
    cap.what = "Each request gets its 401 and comes again with an AP-REQ."
    cap.rule = "A 401 to no credentials is a step, however often."


@case("mapi-quiet-wrong-password", "a wrong password, once")
def wrong_password(cap):
    c = Context(Outlook(cap, auth=None))
    mapi_auth.rejected(c, "ntlm", 0)
    cap.wait(8)
    mapi_auth.login(c, mapi_auth.target(cap, at=9))
    c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "The user mistypes the password and corrects it after 8 seconds."
    cap.rule = "One refusal is not three."


@case("mapi-quiet-ntlm-connections", "a handshake on each of many connections")
def ntlm_connections(cap):
    c = Context(Outlook(cap, auth=None))
    mapi_auth.login(c, mapi_auth.target(cap))
    for index in range(5):
        conn = c.outlook.open()
        at = ntlm.Target("EX1", ntlm.STAMP + index + 1)
        mapi_auth.challenge(c, at, "Execute", conn=conn)
        ask = mapi_auth.third(c, at, "Execute", EXECUTE, conn=conn)
        c.reply(ask, m.execute_answer())
        conn.close()
    c.conn.close()
    cap.what = "Six connections, each with types 1, 2 and 3."
    cap.rule = "One 401 for each connection is normal."


@case("mapi-quiet-sleep", "a laptop sleeps beyond the context's time")
def sleep(cap):
    c, n = Context(Outlook(cap)), None
    c.connect()
    n = Context(c.outlook, "nspi")
    n.connect()
    c.work(2)
    n.work(1)
    m.close(c.conn, n.conn)
    cap.wait(7200)
    c.conn, n.conn = c.outlook.open(), c.outlook.open()
    c.connect(fields={"mapihttp.session": "0"}, reply={"fields": {"mapihttp.session": "0"}})
    n.connect(fields={"mapihttp.session": "1"}, reply={"fields": {"mapihttp.session": "1"}})
    c.work(2)
    n.work(1)
    c.leave()
    n.leave()
    m.close(c.conn, n.conn)
    cap.what = "After two hours the client reconnects with Connect and Bind, and sends the old cookies with them " \
               "(3.1.5.7)."
    cap.rule = "A reconnect keeps the session's number. New cookies replace the old ones at once."


@case("mapi-quiet-notification", "NotificationWait beside Execute")
def notification(cap):
    c = Context(Outlook(cap))
    c.connect()
    c.work(3)
    other = c.outlook.open()
    for index in range(2):
        n = c.ask("NotificationWait", WAIT, conn=other, counter=index + 1, step=False)
        c.begin(n, cookies=None)
        for _ in range(2):
            cap.wait(12)
            c.exchange()
            cap.wait(18)
            c.more(n, "PENDING\r\n")
        cap.wait(6)
        c.end(n, m.default_answer("NotificationWait"))
        c.exchange()
    c.leave()
    m.close(c.conn, other)
    cap.what = "Two NotificationWaits with a counter series of their own (1 and 2, while Execute is at 4 and above), " \
               "and Executes that " \
               "come and go meanwhile, each with a new sequence cookie."
    cap.rule = "NotificationWait may overlap, its counter is its own, and its cookies are those of its start."


@case("mapi-quiet-five-minutes", "a NotificationWait of five minutes")
def five_minutes(cap):
    c = Context(Outlook(cap))
    c.connect()
    n = c.ask("NotificationWait", WAIT, conn=c.outlook.open(), counter=1, step=False)
    c.begin(n)
    for _ in range(9):
        cap.wait(30.02)
        c.more(n, "PENDING\r\n")
    cap.wait(29.5)
    c.end(n, w.u32(0) + w.u32(0) + w.u32(0) + w.NO_AUX, fields={"mapihttp.notification_wait.event_pending": "0"})
    c.leave()
    m.close(c.conn, n.conn)
    cap.what = "Nothing happens for five minutes; the server says so every 30 seconds, and then that no event is " \
               "pending."
    cap.rule = "2.2.4.4."


@case("mapi-quiet-endpoints", "two endpoints with separate contexts")
def endpoints(cap):
    o = Outlook(cap)
    c, n = Context(o), Context(o, "nspi")
    c.connect()
    n.connect()
    one = c.ask("Execute", EXECUTE)
    two = n.ask("UpdateStat", m.default_body("UpdateStat"))
    cap.wait(0.2)
    n.reply(two, m.default_answer("UpdateStat"))
    c.reply(one, m.execute_answer())
    n.leave()
    c.exchange()
    c.leave()
    m.close(c.conn, n.conn)
    cap.what = "An Execute and an UpdateStat are outstanding together: they are of two contexts. Unbind leaves the " \
               "other alone."
    cap.rule = "3.1.5.1, 3.2.5.1: a context for each endpoint. Its ErrorCode 1 is success for Unbind."


@case("mapi-quiet-balancer", "both legs of a balancer")
def balancer(cap):
    t = Two(cap)
    t.exchange("Connect")
    for _ in range(3):
        t.exchange()
    t.close()
    cap.what = "Every request and response is on both legs."
    cap.rule = "The same X-RequestId on another connection while the first is outstanding: leg 1. Nothing is sent " \
               "twice."


@case("mapi-quiet-balancer-pool", "a balancer that shares its connection among clients")
def balancer_pool(cap):
    server = cap.connect("10.0.0.70", "10.0.0.81:80")
    people = [Context(Outlook(cap, f"10.0.0.{21 + index}", "10.0.0.80:80", user=f"example.test\\{name}", name=name))
              for index, name in enumerate(("alice", "bob", "carol"))]
    nspi = Context(people[0].outlook, "nspi")

    def through(c, kind, body, answer):
        outer = c.ask(kind, body)
        inner = c.relay(outer, server, add=("x-forwarded-for: 10.0.0.2x", "x-forwarded-proto: https"))
        cap.wait(0.003)
        c.reply(inner, answer)
        c.pass_on(inner, outer)
        cap.wait(0.1)
    for c in people:
        through(c, "Connect", m.connect_body(), m.connect_answer())
    through(nspi, "Bind", m.bind_body(), m.bind_answer())
    for _ in range(2):
        for c in people:
            through(c, "Execute", EXECUTE, m.execute_answer())
        through(nspi, "UpdateStat", m.default_body("UpdateStat"), m.default_answer("UpdateStat"))
    m.close(*[c.conn for c in people], nspi.conn, server)
    cap.what = "Three clients and both endpoints share one server connection, with Basic in every request."
    cap.rule = "Sessions belong by cookies, whatever connection they use."


@case("mapi-quiet-cookies", "cookies that need not come back")
def cookies(cap):
    c = Context(Outlook(cap))
    c.connect(reply={"lines": ["Set-Cookie: ForNspi=1; path=/mapi/nspi", "Set-Cookie: Short=1; path=/mapi/emsmdb; "
                               "Max-Age=20",
                               "Set-Cookie: Gone=1; path=/mapi/emsmdb"]})
    extra = {"Short": "1", "Gone": "1"}
    c.exchange(cookies={**c.cookies, **extra},
               reply={"lines": ["Set-Cookie: Gone=; path=/mapi/emsmdb; expires=Thu, 01-Jan-1970 00:00:00 GMT"]})
    c.exchange(cookies={**c.cookies, "Short": "1"})
    cap.wait(60)
    c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "A cookie for another path, one that lives 20 seconds, one that is deleted by a date in the past."
    cap.rule = "Only a cookie that applies can be missing."


@case("mapi-quiet-ping-sequence", "a sequence cookie that repeats after PING")
def ping_sequence(cap):
    c = Context(Outlook(cap), names="gromox", headers=False)
    c.connect()
    c.exchange()
    for _ in range(2):
        c.exchange("PING", reply={"cookies": None})
        c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "The answer to a PING sets no cookies; the next request has those of the answer before."
    cap.rule = "What was not set anew stays."


@case("mapi-quiet-secure", "secure cookies behind TLS offload")
def secure(cap):
    c = Context(Outlook(cap))
    plain = c.set_lines
    c.set_lines = lambda: [line + "; secure; HttpOnly; SameSite=None" for line in plain()]
    c.connect()
    c.work(2)
    c.leave()
    c.conn.close()
    cap.what = "Clear text behind a device that ends TLS: cookies are marked secure and come back all the same."
    cap.rule = "The client's own leg has TLS."


@case("mapi-quiet-slow", "an Execute that takes its time")
def slow(cap):
    c = Context(Outlook(cap))
    c.connect()
    for seconds in (1.2, 9, 25):
        ask = c.ask("Execute", EXECUTE)
        c.begin(ask)
        cap.wait(seconds)
        c.end(ask, m.execute_answer())
    c.leave()
    c.conn.close()
    cap.what = "Executes of 1, 9 and 25 seconds; PROCESSING comes at once, and no PENDING is due before 30."
    cap.rule = "Slow work is no fault of the way."


@case("mapi-quiet-reused", "idle, then another connection")
def reused(cap):
    c = Context(Outlook(cap))
    c.connect()
    c.conn.close(DOWN)
    for _ in range(3):
        cap.wait(200)
        c.conn = c.outlook.open()
        c.exchange()
        c.conn.close(DOWN)
    cap.what = "The server closes idle connections; the session goes on over new ones within X-ExpirationInfo."
    cap.rule = "A session outlives its connections."


@case("mapi-quiet-requests-only", "requests only")
def requests_only(cap):
    c = Context(Outlook(cap))
    c.conn = c.outlook.open(synack=False)
    for kind in ("Connect", "Execute", "Execute", "Disconnect"):
        ask = c.ask(kind, m.connect_body() if kind == "Connect" else m.default_body(kind))
        bare(ask.row, "session")
        c.reply(ask, m.connect_answer() if kind == "Connect" else m.default_answer(kind), captured=False)
        cap.messages.pop()
        c.number = None
        cap.wait(0.2)
    c.conn.fin(0)
    cap.what = "Only the client's direction was captured."
    cap.rule = "No answers were seen, and none is missed: one direction proves no absence. No session either: what " \
               "makes one is the " \
               "answer."


@case("mapi-quiet-responses-only", "responses only")
def responses_only(cap):
    c = Context(Outlook(cap))
    c.conn = c.outlook.open(captured=False)
    for kind in ("Connect", "Execute", "Execute"):
        ask = c.ask(kind, m.connect_body() if kind == "Connect" else m.default_body(kind), captured=False, note=False)
        c.reply(ask, m.connect_answer() if kind == "Connect" else m.default_answer(kind), ack=False)
        c.conn.seen[1] = c.conn.seq[1]
        bare(cap.messages[-1], "session", "leg", "endpoint", "request_in")
        cap.wait(0.2)
    cap.what = "Only the server's direction was captured."
    cap.rule = "X-RequestType of the response tells its body."


@case("mapi-quiet-drops", "a request and a response that the capture lost")
def drops(cap):
    c = Context(Outlook(cap))
    c.connect()
    c.exchange()
    ask = c.ask("Execute", EXECUTE, captured=False, note=False)
    c.reply(ask, m.execute_answer())
    bare(cap.messages[-1], "session", "leg", "request_in", "endpoint")
    c.exchange()
    ask = c.ask("Execute", EXECUTE)
    c.reply(ask, m.execute_answer(), captured=False)
    cap.messages.pop()
    cap.wait(0.5)
    c.exchange()
    c.exchange()
    c.conn.close()
    cap.what = "One request and, later, one response were sent and acknowledged but not captured."
    cap.rule = "Gaps: no verdict from absence, no two at once, no cookie of a response that nobody saw."


@case("mapi-quiet-drops-plain", "a response that the capture lost, of a client without X-RequestId")
def drops_plain(cap):
    c = Context(Outlook(cap))
    plain = {"drop": ("X-RequestId",)}
    both = {**plain, "reply": plain}
    c.connect(**both)
    c.exchange(**both)
    ask = c.ask("Execute", EXECUTE, **plain)
    c.reply(ask, m.execute_answer(), captured=False, **plain)
    cap.messages.pop()
    cap.wait(0.5)
    c.exchange(**both)
    c.exchange(**both)
    c.leave(**both)
    c.conn.close()
    cap.what = "One response was sent and acknowledged but not captured. The client sends no X-RequestId; its next " \
               "request stands before the response that shows the gap."
    cap.rule = "Clients do not pipeline: what follows the gap answers the newest request."


@case("mapi-quiet-drops-counter", "a connection that was not captured at all")
def drops_counter(cap):
    c = Context(Outlook(cap))
    c.connect()
    c.exchange()
    lost = c.outlook.open(captured=False)
    c.exchange(conn=lost, captured=False, note=False, reply={"captured": False})
    cap.messages.pop()
    c.exchange()
    c.exchange(reply={"cookies": None})
    c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "A request went over a connection of which the capture has nothing; its response set a new sequence " \
               "cookie, which the next request, on the captured connection, carries."
    cap.rule = "The counter of X-RequestId skips: there was a request, and its response may have brought any cookie."


@case("mapi-quiet-drops-other", "a request and its response lost on another connection of the session")
def drops_other(cap):
    c = Context(Outlook(cap))
    plain, other = {"drop": ("X-RequestId",)}, c.outlook.open()
    plain["reply"] = {"drop": ("X-RequestId",)}
    c.connect(**plain)
    c.exchange(conn=other, **plain)
    n = Context(c.outlook, "nspi", conn=other)
    n.connect()
    n.exchange("UpdateStat")
    c.exchange(**plain)
    c.exchange(conn=other, captured=False, note=False, drop=("X-RequestId",),
               reply={"captured": False, "drop": ("X-RequestId",)})
    cap.messages.pop()
    other.close()
    c.exchange(**plain)
    c.exchange(**plain)
    c.leave(**plain)
    c.conn.close()
    cap.what = "A client that sends no X-RequestId; the third Execute and its response, on the second connection, " \
               "are missing, as that connection's end shows. They brought a new sequence cookie. What the capture " \
               "has last of that connection is another context's."
    cap.rule = "A gap on any connection of the session since the response that is compared with: silence."


@case("mapi-quiet-drops-connect", "counters that begin anew, with a Connect that one leg lacks")
def drops_connect(cap):
    t = Two(cap)
    c = t.c
    t.exchange("Connect")
    for _ in range(3):
        t.exchange()
    t.exchange("Disconnect", body=m.default_body("Disconnect"), answer=m.default_answer("Disconnect"))
    c.counter, c.cookies = 0, {}
    outer = c.ask("Connect", m.connect_body())
    inner = c.relay(outer, cap.connect("10.0.0.70", "10.0.0.81:80", captured=False), captured=False, note=False)
    c.reply(inner, m.connect_answer(), captured=False)
    cap.messages.pop()
    c.pass_on(inner, outer)
    t.exchange()
    c.exchange(conn=c.outlook.open(captured=False), captured=False, note=False, reply={"captured": False})
    cap.messages.pop()
    t.exchange()
    t.close()
    cap.what = "A client uses one GUID in X-RequestId for two sessions and counts from 1 in each. Of the second session " \
               "the Connect behind the device is missing, and later a request, which brought a new sequence cookie, on " \
               "both legs."
    cap.rule = "Counters that were there before, and higher ones since, begin anew: what the first session sent fills no " \
               "gap of the second."


@case("mapi-quiet-drops-tail", "an answer whose end was not captured, nor what came after it")
def drops_tail(cap):
    c = Context(Outlook(cap))
    c.connect()
    ask = c.ask("Execute", EXECUTE)
    c.begin(ask)
    cap.wait(0.3)
    c.end(ask, m.execute_answer(), captured=False)
    cap.messages.remove(ask.answer)
    for _ in range(2):
        c.conn = c.outlook.open()
        c.exchange()
        c.conn.close()
    c.conn = c.outlook.open()
    c.leave()
    c.conn.close()
    cap.what = "A connection for each request. Of the first Execute the head of the response and PROCESSING are there, not " \
               "DONE, the ACK for it and the end of the connection."
    cap.rule = "Two requests were under way at once where something of the answer to the first comes after the second " \
               "was sent; else the answer may have been over."


@case("mapi-quiet-duplicates", "every frame twice")
def duplicates(cap):
    cap.span = "same"
    c = Context(Outlook(cap))
    c.connect()
    c.work(2)
    c.leave()
    c.conn.close()
    cap.what = "A mirror port that shows every frame twice."
    cap.rule = "A duplicate is no second request."


@case("mapi-quiet-retransmitted", "retransmitted segments")
def retransmissions(cap):
    c = Context(Outlook(cap))
    c.connect()
    for way in (0, 1):
        c.conn.again(way)
    ask = c.ask("Execute", EXECUTE, ack=False)
    cap.wait(0.3)
    c.conn.again(0)
    c.conn.ack(1)
    c.reply(ask, m.execute_answer(), ack=False)
    cap.wait(0.3)
    c.conn.again(1)
    c.conn.ack(0)
    c.leave()
    c.conn.close()
    cap.what = "Requests and responses whose segments are sent again."
    cap.rule = "TCP's business."


@case("mapi-quiet-ipv6", "over IPv6")
def ipv6(cap):
    c = Context(Outlook(cap, "[2001:db8::21]", "[2001:db8::81]:80"))
    c.connect()
    c.work(2)
    c.leave()
    c.conn.close()
    cap.what = "The ordinary session over IPv6."
    cap.rule = "Nothing to say."
