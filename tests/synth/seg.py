"""Samples of section 2: every way in which PDUs reach a dissector.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import rpc
from rpc import Emsmdb, Nspi
from scene import DOWN, UP, Leg, ServerLeg, case

OPENS = "MS-RPCH 3.2.1.5.3.1: A1 and B1, then A3 and C2, and the connection is open."


def finish(cap, leg, what, rule=OPENS):
    """The calls, the end and the words that a healthy case shares."""
    leg.close()
    leg.done()
    cap.what, cap.rule = what, rule


@case("seg-head-alone", "HTTP heads in segments of their own")
def head_alone(cap):
    leg = Leg(cap)
    leg.establish()
    leg.work()
    finish(cap, leg, "Both request heads and each PDU come in a segment of their own; 200 and CONN/A3 share one.")


@case("seg-head-with-pdu", "HTTP head and first PDU in one segment")
def head_with_pdu(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in(), rpc.conn_b1(leg.c))
    leg.connect("out").up(rpc.ask_out(), rpc.conn_a1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2())
    leg.work(Emsmdb)
    finish(cap, leg, "Each request head comes with its first PDU, and 200, CONN/A3 and CONN/C2 share a segment.")


def cut_at(name, title, offset, what):
    """A connection all of whose PDUs are cut at that offset, the first ones behind their head."""
    @case(name, title)
    def build(cap):
        leg = Leg(cap)

        def cut(msgs):
            at, cuts = 0, []
            for msg in msgs:
                if msg.pdu:
                    cuts.append(at + (offset if offset else len(msg) // 2))
                at += len(msg)
            return cuts

        def send(way, role, *msgs):
            conn = leg.in_ if role == "in" else leg.out
            conn.send(way, *msgs, cuts=cut(msgs))
        leg.connect("in")
        send(UP, "in", rpc.ask_in(), rpc.conn_b1(leg.c))
        leg.connect("out")
        send(UP, "out", rpc.ask_out(), rpc.conn_a1(leg.c))
        send(DOWN, "out", rpc.success(), rpc.conn_a3(), rpc.conn_c2())
        send(UP, "in", rpc.bind())
        send(DOWN, "out", rpc.bind_ack())
        for call, (opnum, ask, reply) in enumerate((Nspi.BIND, Nspi.UPDATE, Nspi.UNBIND), 1):
            send(UP, "in", rpc.request(call, opnum, ask), rpc.ping())
            send(DOWN, "out", rpc.response(call, opnum, reply), rpc.ping())
        finish(cap, leg, what)


cut_at("seg-cut-first-byte", "PDUs cut behind their first byte", 1,
       "The first byte of every PDU ends a segment, that of the first PDU the one with the HTTP head; the rest "
       "follows.")
cut_at("seg-cut-length", "PDUs cut inside frag_length", 9,
       "Every PDU is cut between the two bytes of frag_length (offset 9): its length is unknown until the next "
       "segment.")
cut_at("seg-cut-header-end", "PDUs cut behind the 16-byte header", 16,
       "Every PDU is cut where its common header ends: the length is known, nothing else is there.")
cut_at("seg-cut-middle", "PDUs cut in the middle", 0, "Every PDU is cut in half.")


@case("seg-cut-anywhere", "a PDU cut at each of its bytes")
def cut_anywhere(cap):
    leg = Leg(cap)
    leg.establish()
    for offset in range(1, 20):
        leg.in_.up(rpc.ping(), cuts=[offset])
    leg.out.down(rpc.ping(), rpc.ping(), cuts=range(1, 40))
    leg.work()
    finish(cap, leg, "Nineteen pings on IN, cut behind byte 1, 2, ... 19, and two on OUT of which every byte is a "
                     "segment.")


@case("seg-cut-pieces", "PDUs whose third byte is a segment")
def cut_pieces(cap):
    leg = Leg(cap)
    leg.establish()
    for _ in range(3):
        leg.in_.up(rpc.ping(), cuts=[2, 3])
    leg.out.down(rpc.ping(), rpc.ping(), cuts=[1, 2, 19, 22, 23])
    leg.work()
    finish(cap, leg, "Three pings on IN of 2, 1 and 17 bytes; two on OUT in pieces of 1, 1, 17, 3, 1 and 17. A copy of "
                     "a segment of one byte looks like a keep-alive.")


@case("seg-several", "several PDUs in one segment")
def several(cap):
    leg = Leg(cap)
    leg.establish()
    leg.in_.up(rpc.bind(1), rpc.request(1, *Nspi.BIND[:2]), rpc.ping(), rpc.request(2, *Nspi.UPDATE[:2]))
    first, second = rpc.response(1, Nspi.BIND[0], Nspi.BIND[2]), rpc.response(2, Nspi.UPDATE[0], Nspi.UPDATE[2])
    ack = rpc.bind_ack(1)
    leg.out.down(ack, first, second, cuts=[len(ack) + len(first) + 10])
    last = rpc.request(3, *Nspi.UNBIND[:2])
    leg.in_.up(last, rpc.ping(), rpc.ping(), cuts=[len(last) + 23])
    leg.out.down(rpc.response(3, Nspi.UNBIND[0], Nspi.UNBIND[2]), rpc.ping())
    finish(cap, leg, "Four PDUs in one segment; two and a half, the other half in the next; one, a ping and a few "
                     "bytes of "
                     "the next ping.")


@case("seg-long", "PDUs longer than a segment")
def long_pdus(cap):
    leg = Leg(cap)
    leg.establish()
    leg.bind()
    stub = rpc.HANDLE + bytes(range(256)) * 24
    for part in rpc.fragments(rpc.request, 1, 21, stub, 4256):
        leg.in_.up(part)
    for part in rpc.fragments(rpc.response, 1, 21, stub + rpc.u32(0), 4256):
        leg.out.down(part)
    finish(cap, leg, "A request and a response of 6 KiB in two fragments each (4280 bytes and the rest), so that a PDU "
                     "covers up to four segments and fragments must be put together.")


@case("seg-out-of-order", "segments out of order")
def out_of_order(cap):
    leg = Leg(cap)
    leg.establish()
    leg.in_.up(rpc.bind(1), cuts=[30], order=[1, 0])
    leg.out.down(rpc.bind_ack(1), cuts=[8, 16], order=[2, 0, 1])
    request = rpc.request(1, *Nspi.BIND[:2])
    leg.in_.up(request, rpc.ping(), rpc.ping(), cuts=[len(request), len(request) + 20], order=[2, 0, 1])
    leg.out.down(rpc.response(1, Nspi.BIND[0], Nspi.BIND[2]))
    leg.call(Nspi.UNBIND)
    cap.preferences = {"tcp.reassemble_out_of_order": "TRUE"}
    finish(cap, leg, "Segments of the bind, its answer and a request arrive in another order than they were sent. Read "
                     "with "
                     "the preference tcp.reassemble_out_of_order.")


@case("seg-answers-swapped", "an answer that comes late, read as it comes")
def answers_swapped(cap):
    leg = Leg(cap)
    leg.establish()
    leg.bind(Emsmdb)
    leg.call(Emsmdb.CONNECT)
    for number in (3, 4):  # 2 was EcDoConnectEx: no client uses a number again
        leg.in_.up(rpc.request(number, *Emsmdb.DUMMY[:2]))
    late = rpc.response(3, Emsmdb.DUMMY[0], Emsmdb.DUMMY[2])
    leg.out.down(late, rpc.response(4, Emsmdb.DUMMY[0], Emsmdb.DUMMY[2]), cuts=[len(late)], order=[1, 0])
    leg.out.pdus.remove({"to": "client", **late.pdu})
    cap.wait(3)
    leg.out.close(DOWN)
    leg.in_.close(DOWN)
    leg.done()
    cap.preferences = {"tcp.reassemble_out_of_order": "FALSE"}
    cap.what = "Two answers arrive in the wrong order; 3 s later the server's end closes. Without the preference " \
               "tcp.reassemble_out_of_order nothing reads the one that comes late, though no byte is missing."
    cap.rule = "Whether the calls were answered is not known: no rpch.channel.cut."


@case("seg-retransmitted", "retransmitted segments")
def retransmitted(cap):
    leg = Leg(cap)
    leg.start()
    leg.in_.again(UP)
    leg.out.again(DOWN)
    leg.join()
    leg.out.again(DOWN)
    bind = rpc.bind(1)
    leg.in_.up(bind, cuts=[40], ack=False)
    cap.wait(0.3)
    leg.in_.again(UP)
    leg.in_.ack(DOWN)
    leg.out.down(rpc.bind_ack(1))
    leg.calls = 1
    for operation in (Nspi.BIND, Nspi.UPDATE, Nspi.UNBIND):
        leg.call(operation)
        cap.wait(0.25)
        leg.in_.again(UP)
        leg.out.again(DOWN)
        leg.in_.ack(DOWN)
        leg.out.ack(UP)
    finish(cap, leg, "Segments with whole PDUs and with parts of them are sent again, before and after the "
                     "acknowledgment. "
                     "Every PDU counts once.")


def span(name, kind, what):
    @case(name, "a capture that holds every packet twice" if kind == "same" else "every packet before and behind a "
                                                                                 "router")
    def build(cap):
        cap.span = kind
        leg = Leg(cap)
        leg.establish()
        leg.work()
        cap.wait(2)
        leg.in_.up(rpc.ping())
        leg.out.down(rpc.ping())
        finish(cap, leg, what)


span("seg-span-same", "same", "A SPAN port shows each packet twice, byte for byte, 2 microseconds apart. Every PDU "
                              "counts once, "
                              "and nothing is a retransmission.")
span("seg-span-routed", "routed", "A SPAN port shows each packet before and behind a router: the same IP id and "
                                  "sequence number, "
                                  "TTL one less, other MAC addresses.")


@case("seg-401-basic", "401, then Basic, on the same connections")
def after_401(cap):
    leg = Leg(cap)
    offer = ('WWW-Authenticate: Basic realm="mail.example.test"', "Content-Length: 0")
    leg.connect("in").up(rpc.ask_in(auth=None, length=0))
    leg.in_.down(rpc.answer(401, "Unauthorized", *offer))
    leg.connect("out").up(rpc.ask_out(auth=None, length=0))
    leg.out.down(rpc.answer(401, "Unauthorized", *offer))
    leg.establish()
    leg.work()
    finish(cap, leg, "Both channels are asked for with Content-Length 0 and without credentials first, answered 401, "
                     "and "
                     "asked for again on the same TCP connection.", "A 401 to no credentials is a step, not a refusal.")


@case("seg-401-expect", "401 instead of 100 Continue, then Basic, on the same connections")
def after_401_expect(cap):
    leg = Leg(cap)
    offer = ('WWW-Authenticate: Basic realm="mail.example.test"', "Content-Length: 0", "Connection: Keep-Alive")
    for role, ask in (("in", rpc.ask_in), ("out", rpc.ask_out)):
        conn = leg.connect(role)
        conn.up(ask("Expect: 100-continue", auth=None))
        conn.down(rpc.answer(401, "Unauthorized", *offer))
        conn.up(ask("Expect: 100-continue"))
        conn.down(rpc.go_on())
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2())
    leg.work()
    finish(cap, leg, "Both channels are asked for with their real Content-Length and Expect: 100-continue; the answer "
                     "is 401, "
                     "the client leaves the announced body out and asks again on the same TCP connection.",
           "RFC 9110 10.1.1: after a final status a client need not send the body it announced. The 401 is a step.")


@case("seg-401-ntlm", "NTLM on both channels")
def after_ntlm(cap):
    leg = Leg(cap, user="EXAMPLE\\alice")
    for role, ask in (("in", rpc.ask_in), ("out", rpc.ask_out)):
        conn = leg.connect(role)
        conn.up(ask(auth=rpc.ntlm_negotiate(), length=0))
        conn.down(rpc.page(401, "Unauthorized", f"WWW-Authenticate: {rpc.ntlm_challenge('EX1', 'ex1.example.test')}",
                           "Server: Microsoft-IIS/10.0"))
        conn.up(ask(auth=rpc.ntlm_authenticate()))
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3())
    leg.join()
    leg.work()
    finish(cap, leg, "Type 1 with Content-Length 0, 401 with the challenge of EX1, type 3 with the real length; the "
                     "same on "
                     "both connections.", "A 401 to a type 1 is a step; both challenges name one server.")


@case("seg-407", "407 from a web proxy, then the channels")
def after_407(cap):
    leg = Leg(cap, in_server="10.0.0.40:3128")
    uri = f"http://mail.example.test/rpc/rpcproxy.dll?{rpc.TARGET}"
    proxy = ('Proxy-Authenticate: Basic realm="proxy.example.test"', "Content-Length: 0", "Via: 1.1 proxy.example.test")
    for role, ask in (("in", rpc.ask_in), ("out", rpc.ask_out)):
        conn = leg.connect(role)
        conn.up(ask(uri=uri, length=0))
        conn.down(rpc.answer(407, "Proxy Authentication Required", *proxy))
        conn.up(ask("Proxy-Authorization: Basic cHJveHl1c2VyOnNlY3JldA==", uri=uri))
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3())
    leg.join()
    leg.work()
    finish(cap, leg, "A web proxy on port 3128 asks for its own credentials first; requests are in absolute form.",
           "A 407 to a request without Proxy-Authorization is a step.")


@case("seg-request-after", "HTTP requests after both channels ended")
def request_after(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in(chunked=True))
    leg.connect("out").up(rpc.ask_out())
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.chunk(rpc.conn_b1(leg.c)))
    leg.out.down(rpc.success("Transfer-Encoding: chunked", length=None), rpc.chunk(rpc.conn_a3()),
                 rpc.chunk(rpc.conn_c2()))
    leg.in_.up(rpc.chunk(rpc.ping()), rpc.LAST_CHUNK)
    leg.out.down(rpc.chunk(rpc.ping()), rpc.LAST_CHUNK)
    for conn in (leg.in_, leg.out):
        conn.up(rpc.head("GET", "/owa/healthcheck.htm", "Host: mail.example.test"))
        conn.down(rpc.answer(200, "OK", "Content-Type: text/plain", "Content-Length: 2", body=b"OK"))
    finish(cap, leg, "Both bodies are chunked and end with the last chunk; then each TCP connection carries a GET and "
                     "its 200.",
           "The GET is plain HTTP again.")


@case("seg-second-channel", "a second virtual connection on the same TCP connections")
def second_channel(cap):
    leg = Leg(cap)
    second = Leg(cap, vc=1)
    second.in_ = leg.connect("in")
    second.out = leg.connect("out")
    for one in (leg, second):
        one.in_.up(rpc.ask_in(chunked=True))
        one.out.up(rpc.ask_out())
        one.out.up(rpc.conn_a1(one.c))
        one.in_.up(rpc.chunk(rpc.conn_b1(one.c)))
        one.out.down(rpc.success("Transfer-Encoding: chunked", length=None), rpc.chunk(rpc.conn_a3()),
                     rpc.chunk(rpc.conn_c2()))
        one.in_.up(rpc.chunk(rpc.ping()), rpc.LAST_CHUNK)
        one.out.down(rpc.chunk(rpc.ping()), rpc.LAST_CHUNK)
        one.done()
    for conn in (leg.in_, leg.out):
        conn.channel = conn.vc = conn.leg = None     # two each, so the row names none
    leg.close()
    cap.what = "A virtual connection ends with the last chunks; the next one, with cookies of its own, uses the same " \
               "two " \
               "TCP connections."
    cap.rule = "A cookie is a virtual connection, a TCP connection is not."


@case("seg-port-8080", "channels on port 8080")
def port_8080(cap):
    leg = Leg(cap, in_server="10.0.0.81:8080")
    leg.establish()
    leg.work()
    finish(cap, leg, "The proxy listens on 8080, one of the ports that http has by default.", "Any port http dissects.")


@case("seg-connect", "channels through a CONNECT tunnel")
def connect(cap):
    leg = Leg(cap, in_server="10.0.0.40:3128")
    for role in ("in", "out"):
        conn = leg.connect(role)
        conn.up(rpc.head("CONNECT", "mail.example.test:80", "Host: mail.example.test:80", "Proxy-Connection: "
                                                                                          "Keep-Alive"))
        conn.down(rpc.page(407, "Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="proxy"'))
        conn.up(rpc.head("CONNECT", "mail.example.test:80", "Host: mail.example.test:80",
                         "Proxy-Authorization: Basic cHJveHl1c2VyOnNlY3JldA=="))
        conn.down(rpc.answer(200, "Connection established"))
        conn.http.clear()                            # the tunnel's own messages are plain HTTP
    leg.establish()
    leg.work()
    finish(cap, leg, "The client opens a tunnel for each channel, after a 407, and speaks RPC over HTTP inside.",
           "Through HTTP CONNECT; the http rows count what is inside the tunnel.")


@case("seg-ipv6", "channels over IPv6")
def ipv6(cap):
    leg = Leg(cap, client="[2001:db8::21]", in_server="[2001:db8::81]:80")
    leg.establish()
    leg.work()
    finish(cap, leg, "Both channels run over IPv6.")


@case("seg-ipv4-ipv6", "IN over IPv4, OUT over IPv6")
def ipv4_ipv6(cap):
    leg = Leg(cap)
    leg.connect("in")
    leg.take("out", cap.connect("[2001:db8::21]", "[2001:db8::81]:80"))
    leg.establish()
    leg.work()
    finish(cap, leg, "The client reaches one proxy by both protocols.",
           "IPv4 against IPv6 is possibly one server and is not reported as different.")


@case("seg-chunked-both", "chunked bodies both ways")
def chunked_both(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in(chunked=True))
    leg.connect("out").up(rpc.ask_out())
    leg.out.up(rpc.conn_a1(leg.c))
    b1 = rpc.conn_b1(leg.c)
    leg.in_.up(rpc.chunk(b1), cuts=[1, 2, 3, 4])
    leg.out.down(rpc.success("Transfer-Encoding: chunked", length=None))
    a3, c2 = rpc.conn_a3(), rpc.conn_c2()
    # Two PDUs in one chunk; then one PDU in two chunks, with an extension, the first of them cut at every byte.
    both = rpc.Msg(f"{len(a3) + len(c2):X}\r\n".encode() + a3.data, pdu=a3.pdu)
    leg.out.down(both, rpc.Msg(c2.data + b"\r\n", pdu=c2.pdu))
    bind = rpc.bind(1)
    leg.in_.up(rpc.Msg(b"0014;name=value\r\n" + bind.data[:20] + b"\r\n" + f"{len(bind) - 20:x}\r\n".encode()
                       + bind.data[20:] + b"\r\n", pdu=bind.pdu), cuts=range(1, 60))
    leg.out.down(rpc.chunk(rpc.bind_ack(1)))
    leg.calls = 1
    for number, (opnum, ask, reply) in enumerate((Nspi.BIND, Nspi.UPDATE), 2):
        leg.in_.up(rpc.chunk(rpc.request(number, opnum, ask)), cuts=[2])
        response = rpc.response(number, opnum, reply)
        pieces = [response.data[at:at + 7] for at in range(0, len(response), 7)]
        leg.out.down(rpc.Msg(b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces),
                             pdu=response.pdu))
    leg.in_.up(rpc.LAST_CHUNK)
    leg.out.down(rpc.LAST_CHUNK)
    finish(cap, leg, "IN's request and OUT's response are chunked: two PDUs in a chunk, one PDU in two chunks and in "
                     "chunks "
                     "of 7 bytes, an extension, chunk lines cut by segments.")


@case("seg-close-delimited", "an OUT response without a length")
def close_delimited(cap):
    leg = Leg(cap)
    leg.start(a3=False)
    leg.out.down(rpc.success("Connection: close", length=None), rpc.conn_a3())
    leg.join()
    leg.work()
    leg.in_.close()
    leg.out.close()
    leg.done()
    cap.what = "The 200 of OUT has neither Content-Length nor chunks: its body ends with the connection, which the " \
               "client " \
               "closes after IN."
    cap.rule = OPENS


@case("seg-100-continue", "100 Continue on both channels")
def continue_100(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in("Expect: 100-continue"))
    leg.in_.down(rpc.go_on())
    leg.connect("out").up(rpc.ask_out("Expect: 100-continue"))
    leg.out.down(rpc.go_on())
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2())
    leg.work()
    finish(cap, leg, "Both requests expect 100 and get it before their first PDU; OUT's 100 comes before the 76 bytes "
                     "of its "
                     "request are complete.")


@case("seg-absolute-form", "absolute-form URIs")
def absolute_form(cap):
    leg = Leg(cap, in_server="10.0.0.40:8080")
    leg.establish(uri=f"http://mail.example.test/rpc/rpcproxy.dll?{rpc.TARGET}")
    leg.work()
    finish(cap, leg, "The requests name scheme and host, as they do to a web proxy.")


@case("seg-http10", "HTTP/1.0")
def http10(cap):
    cap.classic = True
    leg = Leg(cap)
    leg.start(protocol="HTTP/1.0", a3=False)
    leg.out.down(rpc.success("Connection: Keep-Alive", protocol="HTTP/1.0"), rpc.conn_a3())
    leg.join()
    leg.work()
    finish(cap, leg, "Requests and the response are HTTP/1.0 with keep-alive (2.1.2.1.1 recommends it to clients). A "
                     "classic pcap file.")


@case("seg-with-cert", "the path for client certificates, and a short server name")
def with_cert(cap):
    leg = Leg(cap, target="EX1:6001", user=None)
    leg.connect("in").up(rpc.ask_in(uri="/rpcwithcert/rpcproxy.dll?EX1:6001", auth=None))
    leg.connect("out").up(rpc.ask_out(uri="/rpcwithcert/rpcproxy.dll?EX1:6001", auth=None))
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2())
    leg.work(Emsmdb)
    finish(cap, leg, "2.2.2: /rpcwithcert/rpcproxy.dll, a NetBIOS name as server.")


ECHOED = rpc.answer(200, "Success", "Content-Type: application/rpc", "Content-Length: 20", "Connection: Keep-Alive")
NO_CHANNEL = "2.1.2.1.5: Content-Length 0 to 16 is an echo request and no channel; a closed echo connection is no " \
             "lone channel."


@case("seg-echo", "echo requests on connections of their own")
def echo(cap):
    for size, ask in ((4, rpc.ask_in), (16, rpc.ask_out), (0, rpc.ask_in)):
        probe = cap.connect("10.0.0.21", "10.0.0.81:80")
        probe.up(ask(length=size), bytes(size))
        probe.down(ECHOED, rpc.echo())
        probe.close()
    leg = Leg(cap)
    leg.establish()
    leg.work()
    finish(cap, leg, "Three echo requests with 4, 16 and 0 bytes and their responses, each on a connection of its own; "
                     "then a "
                     "virtual connection.", NO_CHANNEL)


@case("seg-echo-before", "echo requests on the connections that become channels")
def echo_before(cap):
    leg = Leg(cap)
    for role, ask in (("in", rpc.ask_in), ("out", rpc.ask_out)):
        conn = leg.connect(role)
        conn.up(ask(length=4), b"ping")
        conn.down(ECHOED, rpc.echo())
    leg.establish()
    leg.work()
    finish(cap, leg, "An echo request and its response, then a channel, on each of two TCP connections.", NO_CHANNEL)
    for conn in (leg.in_, leg.out):
        conn.channel = conn.vc = conn.leg = None     # not from the first PDU on


@case("seg-v1", "RPC over HTTP version 1")
def version_1(cap):
    conn = cap.connect("10.0.0.21", "10.0.0.81:80")
    conn.up(rpc.head("RPC_CONNECT", rpc.TARGET, "Pragma: No-cache", "User-Agent: RPC"))
    conn.down(rpc.answer(200, "OK", "Content-Type: application/rpc"))
    conn.up(rpc.bind(1))
    conn.down(rpc.bind_ack(1))
    for call, (opnum, ask, reply) in enumerate((Nspi.BIND, Nspi.UPDATE, Nspi.UNBIND), 1):
        conn.up(rpc.request(call, opnum, ask))
        conn.down(rpc.response(call, opnum, reply))
    conn.close()
    cap.what = "RPC_CONNECT, a 2xx, then bare RPC PDUs both ways on one connection (2.1.1.1); no RTS PDU, so no " \
               "virtual " \
               "connection is expected."
    cap.rule = "2.1.1: one HTTP request carries both directions; it has no other half that could be missing."


def server_hop(name, port):
    @case(name, f"the legs from the proxy to the server, TCP {port}")
    def build(cap):
        leg = ServerLeg(cap, server=f"10.0.0.91:{port}")
        leg.establish()
        leg.work(Nspi if port == 6004 else Emsmdb)
        leg.in_.down(rpc.flow_ack(rpc_bytes(leg.in_, "server"), rpc.WINDOW, leg.c.in_))
        leg.out.up(rpc.flow_ack(rpc_bytes(leg.out, "client"), rpc.WINDOW, leg.c.out))
        leg.close()
        leg.done()
        cap.what = f"Captured between proxy and RPC server on TCP {port}: the legacy server response ncacn_http/1.0, " \
                   f"then " \
                   "CONN/A2 and C1, CONN/B2 and B3, and the calls (2.1.2.2). A1, B1, A3 and C2 belong to the other hop."
        cap.rule = "3.2.1.5.3.1: C1 says that the server joined the halves."


def rpc_bytes(conn, to):
    """Bytes of RPC PDUs that went that way: what flow control counts (3.2.1.1.4)."""
    return sum(pdu["length"] for pdu in conn.pdus if pdu["to"] == to and "call" in pdu)


for tcp_port in (6001, 6002, 6004):
    server_hop(f"seg-server-{tcp_port}", tcp_port)


@case("seg-both-hops", "client, IN proxy, OUT proxy and server in one capture")
def both_hops(cap):
    front = Leg(cap, in_server="10.0.0.81:80", out_server="10.0.0.82:80")
    back = ServerLeg(cap, in_proxy="10.0.0.81", out_proxy="10.0.0.82", server="10.0.0.91:6004", leg=1, cookies=front.c)
    front.connect("in").up(rpc.ask_in())
    front.connect("out").up(rpc.ask_out())
    front.out.up(rpc.conn_a1(front.c))
    back.greet("out").up(rpc.conn_a2(front.c))
    b1 = rpc.conn_b1(front.c)
    front.in_.up(b1)
    front.out.down(rpc.success(), rpc.conn_a3())
    back.greet("in").up(rpc.conn_b2(front.c, back.address))
    back.out.down(rpc.conn_c1())
    back.in_.down(rpc.conn_b3())
    c2 = rpc.conn_c2()
    front.out.down(c2)
    pairs = [(rpc.bind(1), rpc.bind_ack(1))]
    for call, (opnum, ask, reply) in enumerate((Nspi.BIND, Nspi.UPDATE, Nspi.UNBIND), 1):
        pairs.append((rpc.request(call, opnum, ask), rpc.response(call, opnum, reply)))
    for ask, reply in pairs:
        front.in_.up(ask)
        back.in_.up(ask)
        back.out.down(reply)
        front.out.down(reply)
    front.close()
    back.close()
    front.done()
    back.done()
    cap.item("rpch.routing.proxies_differ", b1.frame, "B1 goes to 10.0.0.81, A1 went to 10.0.0.82; MS-RPCH 1.3.2 "
                                                      "allows it.")
    cap.item("rpch.routing.joined_across_proxies", c2.frame, "C2 came all the same.")
    cap.what = "IN and OUT use different proxies, both of which reach the same RPC server on TCP 6004. Leg 0 is the " \
               "HTTP hop, " \
               "leg 1 the TCP hop; each has its own calls."
    cap.rule = "On leg 1 both halves end on 10.0.0.91:6004: no item there."


@case("seg-late-syn", "the handshakes of TCP are missing")
def late_syn(cap):
    leg = Leg(cap)
    leg.connect("in", captured=False)
    leg.connect("out", captured=False)
    leg.establish()
    leg.work()
    finish(cap, leg, "The capture starts after both TCP connections were opened: no SYN, everything else.")


@case("seg-late", "a capture that starts in the middle")
def late(cap):
    leg = Leg(cap)
    record = {"captured": False}
    leg.connect("in", **record).up(rpc.ask_in(), **record)
    leg.connect("out", **record).up(rpc.ask_out(), **record)
    leg.out.up(rpc.conn_a1(leg.c), **record)
    leg.in_.up(rpc.conn_b1(leg.c), **record)
    leg.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2(), **record)
    for conn in (leg.in_, leg.out):
        conn.channel = conn.vc = conn.leg = None
    for call, (opnum, ask, reply) in enumerate((Nspi.BIND, Nspi.UPDATE, Nspi.UNBIND), 5):
        leg.in_.up(rpc.request(call, opnum, ask))
        response = rpc.response(call, opnum, reply)
        del response.pdu["opnum"]                    # nothing ties OUT to IN, so nothing tells the operation
        leg.out.down(response)
    leg.in_.up(rpc.ping())
    leg.out.down(rpc.ping())
    leg.close()
    cap.what = "Heads, RTS PDUs and the bind went by before the capture starts; every segment begins with a whole PDU."
    cap.rule = "Section 2: the stream resynchronises at a segment that begins with a whole valid PDU. Without a " \
               "cookie there " \
               "is no virtual connection, and absence proves nothing."


def shaped(name, title, shape, what, v6=False):
    @case(name, title)
    def build(cap):
        cap.shape, cap.stamps = shape, shape != "padded"
        leg = Leg(cap, client="[2001:db8::21]", in_server="[2001:db8::81]:80") if v6 else Leg(cap)
        leg.establish()
        leg.bind()
        leg.in_.up(rpc.request(2, *Nspi.BIND[:2]), cuts=[30])
        leg.out.down(rpc.response(2, Nspi.BIND[0], Nspi.BIND[2]), cuts=[20])
        leg.calls = 2
        leg.call(Nspi.UNBIND)
        finish(cap, leg, what)


shaped("seg-vlan", "frames with two VLAN tags", "vlan", "Ethernet with two 802.1Q tags.")
shaped("seg-cooked", "Linux cooked capture", "cooked", "Captured on \"any\": Linux cooked headers instead of Ethernet.")
shaped("seg-raw-ip", "frames that begin with IP", "raw", "Captured on a tunnel: no link layer.")
shaped("seg-padded", "Ethernet padding behind short packets", "padded",
       "Without TCP options an ACK is 54 bytes; Ethernet fills it to 60. The padding is no payload.")
shaped("seg-ip-options", "IPv4 with options", "options", "Four bytes of IPv4 options stand before TCP.")
shaped("seg-ipv6-extension", "IPv6 with an extension header", "hops", "A hop-by-hop header stands before TCP.", v6=True)


@case("seg-wrap", "sequence numbers that pass 2^32")
def wrap(cap):
    cap.wraps = True
    leg = Leg(cap)
    leg.establish()
    leg.work()
    finish(cap, leg, "The client's sequence numbers begin 256 bytes, the server's 16 bytes before 2^32, so they wrap "
                     "within the "
                     "heads.")


@case("seg-overlap", "retransmissions that bring something new")
def overlap(cap):
    leg = Leg(cap)
    leg.establish()
    leg.in_.up(rpc.bind(1))
    leg.in_.overlap(UP, rpc.ping())
    leg.out.down(rpc.bind_ack(1))
    leg.out.overlap(DOWN, rpc.ping(), rpc.ping())
    leg.calls = 1
    for operation in (Nspi.BIND, Nspi.UNBIND):
        leg.call(operation)
    cap.preferences = {"tcp.reassemble_out_of_order": "TRUE"}
    finish(cap, leg, "The bind and its answer are sent again, each with new PDUs behind it in the same segment. Every "
                     "PDU counts "
                     "once. Without the preference tcp.reassemble_out_of_order Wireshark's TCP itself passes nothing "
                     "on of "
                     "such a segment, of whatever protocol.")


@case("seg-tcp-keepalive", "TCP keep-alives")
def tcp_keepalive(cap):
    leg = Leg(cap)
    leg.establish()
    leg.bind()
    for size in (0, 1, 0, 1):
        cap.wait(45)
        leg.in_.probe(UP, size)
        leg.in_.probe(DOWN)
        # Not with a byte on OUT's request: stock calls an old byte of a PDU it put together a reassembly error.
        leg.out.probe(UP)
        leg.out.probe(DOWN, size)
    leg.call(Nspi.BIND)
    leg.call(Nspi.UNBIND)
    finish(cap, leg, "Both ends probe with and without a byte of old data while nothing else is sent. They are no PDU "
                     "bytes and "
                     "no retransmissions.")


@case("seg-gap", "a gap on each channel, then a PDU at the start of a segment")
def gap(cap):
    leg = Leg(cap)
    leg.establish()
    leg.bind()
    leg.call(Nspi.BIND)
    stub = rpc.HANDLE + bytes(range(256)) * 12
    # The middle third of a request, and a whole response, never reach the capture.
    request = rpc.request(3, 21, stub)
    leg.in_.up(request, lost=[1])
    leg.in_.up(rpc.ping())
    leg.out.down(rpc.response(3, 21, stub[:200]), captured=False)
    leg.out.down(rpc.ping())
    # A segment with the end of one PDU and the whole next one is lost; the one after begins with the rest of a third.
    first, second, third = (rpc.response(call, 21, stub[:600]) for call in (4, 5, 6))
    third.pdu = None                                 # its start was captured, but begins inside what follows the gap
    edges = [len(first) // 2, len(first) + len(second) + 100]
    leg.out.down(first, second, third, cuts=edges, lost=[1])
    leg.out.down(rpc.ping())
    leg.calls = 6
    leg.call(Nspi.UNBIND)
    finish(cap, leg, "One of three segments of a request, a whole response, and the middle of three responses are "
                     "missing and "
                     "never sent again. The PDUs that lay in the gaps are lost, what begins a segment after them is "
                     "not.",
           "Section 2: the stream resynchronises at a segment that begins with a whole valid PDU.")


@case("seg-snapped", "packets cut at 512 bytes")
def snapped(cap):
    cap.snaplen = 512
    leg = Leg(cap)
    leg.establish()
    leg.bind()
    leg.call(Nspi.BIND)
    stub = rpc.HANDLE + bytes(range(256)) * 4

    def call(number, ask, reply, *behind, cuts=()):
        """First fragments are whole; the second ones, of ask and reply bytes of stub, are cut. DCE/RPC itself reads no
        more than the common header of a PDU that was not captured whole, so these have no opnum."""
        for send, make, size, more in ((leg.in_.up, rpc.request, ask, {}),
                                       (leg.out.down, rpc.response, reply, {"cuts": cuts})):
            first = make(number, 21, stub[:60], flags=rpc.FIRST, hint=60 + size)
            last = make(number, 21, (stub + stub)[:size], flags=rpc.LAST, hint=size)
            del last.pdu["opnum"]
            send(first)
            send(last, *(behind if make is rpc.response else ()), **more)
    call(3, 1044, 1044)
    leg.in_.up(rpc.ping())
    leg.out.down(rpc.ping())
    # A fragment over two segments: the second one's captured bytes hold its end and a whole ping.
    call(4, 1044, 1600, rpc.ping(), cuts=[1524])
    leg.calls = 4
    leg.call(Nspi.UNBIND)
    finish(cap, leg, "Heads and small PDUs are whole; of PDUs of 1068 bytes and more the header and 430 bytes are "
                     "there.",
           "Section 2: snapped packets lose only what was not captured. Lengths tell where the next PDU begins.")
