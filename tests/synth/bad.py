"""Samples of section 8: input that lies or is broken. An item at the byte, and what lies before and after is dissected.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import random
import struct

import rpc
from rpc import Nspi, rts
from scene import DOWN, UP, Leg, ServerLeg, case

MALFORMED = "rpch.rts.malformed"


def noise(seed, size):
    """Bytes that look like neither a PDU (5) nor an HTTP message (a capital letter) at the start."""
    return b"\xd3" + random.Random(seed).randbytes(size - 1)


def broken(name, title, make, what, why, listed=False, way=UP, also=None):
    """Good PDUs, a segment with what make() gives, good PDUs again."""
    @case(name, title)
    def build(cap):
        leg = Leg(cap)
        leg.establish()
        leg.bind()
        leg.call(Nspi.BIND)
        msg = make()
        if not listed:
            msg = rpc.Msg(msg.data)
        conn = leg.in_ if way == UP else leg.out
        conn.send(way, msg)
        leg.in_.up(rpc.ping())
        leg.out.down(rpc.ping())
        leg.call(Nspi.UPDATE)
        leg.call(Nspi.UNBIND)
        leg.close()
        leg.done()
        cap.item(MALFORMED, msg.frame, why)
        if also:
            cap.item("rpch.rts.unexpected", msg.frame, also)
        cap.what = what
        cap.rule = "Section 8: everything before and after is dissected."


def long_auth():
    msg = rpc.request(77, *Nspi.BIND[:2])
    msg.data = msg.data[:10] + b"\xff\xff" + msg.data[12:]
    return msg


def lying(length):
    def make():
        return rts("unknown RTS PDU", 0x02, rpc.keepalive(120000), frag_length=length)
    return make


broken("bad-frag-0", "frag_length 0", lying(0), "A Keep-Alive whose frag_length is 0.",
       "No PDU is shorter than its header of 16 bytes; the next segment begins with a whole PDU.")
broken("bad-frag-15", "frag_length 15", lying(15), "A Keep-Alive whose frag_length is 15.",
       "No PDU is shorter than its header of 16 bytes; the next segment begins with a whole PDU.")
broken("bad-frag-19", "an RTS PDU of 19 bytes", lambda: rpc.Msg(
    struct.pack("<BBBB4sHHIHB", 5, 0, 20, 3, b"\x10\0\0\0", 19, 0, 0, 1, 0),
    pdu={"name": "unknown RTS PDU", "length": 19}),
    "The common header is whole, NumberOfCommands is not.", "2.2.3.6.1: Flags and NumberOfCommands must be there.",
    listed=True)
broken("bad-commands-65535", "65535 commands in 44 bytes", lambda: rts(
    "unknown RTS PDU", 0x02, rpc.keepalive(120000), rpc.version(), rpc.version(), count=65535),
    "NumberOfCommands is 65535, three commands are there.", "2.2.3.6.1: the commands end before their number is "
                                                            "reached.",
    listed=True)
broken("bad-padding", "padding beyond the PDU", lambda: rts(
    "unknown RTS PDU", 0x01, (8, rpc.u32(60000) + bytes(8))), "OUT_R2/C1 with a Padding command of 60000 bytes, of "
                                                              "which 8 are "
    "there; frag_length is that of the 8.", "2.2.3.5.9: the padding passes the end of the PDU.", listed=True)
broken("bad-padding-4g", "padding of 4 GiB", lambda: rts(
    "unknown RTS PDU", 0x01, (8, rpc.u32(0xFFFFFFFF) + bytes(8))), "The same with a count of 0xFFFFFFFF.",
    "2.2.3.5.9: the padding passes the end of the PDU.", listed=True, also="2.2.3.5.9: a count of 0 to 0xFFFF.")
broken("bad-cut-command", "a command beyond frag_length", lambda: rts(
    "unknown RTS PDU", 0, rpc.version(), (3, bytes(4))), "A Cookie command of which 4 of 16 bytes lie inside the PDU.",
    "2.2.3.6.1: frag_length must hold all commands.", listed=True)
broken("bad-command-99", "a command that does not exist", lambda: rts(
    "unknown RTS PDU", 0, rpc.version(), (99, bytes(4))), "Command type 99.", "2.2.3.5 ends at 14; nothing tells its "
                                                                              "length.",
    listed=True)
broken("bad-address-type", "a client address of type 7", lambda: rts(
    "unknown RTS PDU", 0x08, (11, rpc.u32(7) + bytes(16))), "A ClientAddress command with AddressType 7.",
    "2.2.3.2: 0 or 1.", listed=True)
broken("bad-auth-length", "auth_length beyond frag_length", lambda: rts(
    "Ping", 0x01, header={"auth": 0xFFFF}), "A ping of 20 bytes with an auth_length of 65535.",
    "2.2.3.6.1: auth_length is 0.", listed=True)
broken("bad-auth-length-rpc", "auth_length beyond frag_length in a request", long_auth,
       "A request of 84 bytes with an auth_length of 65535: authentication data cannot lie inside the PDU.",
       "C706 12.6.1 and MS-RPCE 2.2.2: auth_length is a part of frag_length.", listed=True)
broken("bad-version", "a PDU of version 4", lambda: rts("unknown RTS PDU", 0x01, header={"vers": 4}),
       "A ping with rpc_vers 4, the connectionless protocol's.", "No PDU of this protocol begins so.")
broken("bad-noise-in", "random bytes on IN", lambda: rpc.Msg(noise(1, 137)), "137 random bytes in a segment between "
                                                                             "two PDUs.",
       "No PDU begins here; the next segment begins with a whole one.")
broken("bad-noise-out", "random bytes on OUT", lambda: rpc.Msg(noise(2, 300)), "300 random bytes in a segment between "
                                                                               "two PDUs.",
       "No PDU begins here; the next segment begins with a whole one.", way=DOWN)


@case("bad-noise-behind", "random bytes behind a PDU in the same segment")
def noise_behind(cap):
    leg = Leg(cap)
    leg.establish()
    leg.bind()
    bind = rpc.request(2, *Nspi.BIND[:2])
    frame = leg.in_.up(bind, noise(3, 50))
    leg.out.down(rpc.response(2, Nspi.BIND[0], Nspi.BIND[2]))
    leg.in_.up(rpc.ping())
    second = leg.in_.up(rpc.ping(), noise(4, 9))
    leg.in_.up(rpc.ping())
    leg.calls = 2
    leg.call(Nspi.UNBIND)
    leg.close()
    leg.done()
    cap.item(MALFORMED, frame, "50 random bytes behind the request.")
    cap.item(MALFORMED, second, "9 random bytes behind the ping.")
    cap.what = "PDUs that share their segment with random bytes behind them: the PDUs are dissected, the bytes are " \
               "an item, the " \
               "next segment begins with a whole PDU."


@case("bad-frag-65535", "an RTS PDU of 65535 bytes")
def frag_65535(cap):
    cap.largest = 80 * 1024                          # 65535 bytes must be there to be one PDU
    leg = Leg(cap)
    leg.establish()
    leg.bind()
    msg = rts("Keep-Alive", 0x02, rpc.keepalive(120000), frag_length=65535)
    msg.data += bytes(65535 - len(msg.data))
    leg.in_.up(msg)
    leg.in_.up(rpc.ping())
    leg.call(Nspi.BIND)
    leg.close()
    leg.done()
    cap.item(MALFORMED, msg.frame, "2.2.3.6.1: frag_length is the header and all commands, here 28 bytes.")
    cap.what = "A Keep-Alive that announces 65535 bytes, all of which follow. The PDU behind them is dissected."


@case("bad-server-hop", "random bytes between proxy and server")
def server_hop(cap):
    leg = ServerLeg(cap)
    leg.establish()
    leg.bind()
    first = leg.in_.up(noise(5, 80))
    second = leg.out.down(noise(6, 80))
    leg.in_.up(rpc.request(2, *Nspi.BIND[:2]))
    leg.out.down(rpc.response(2, Nspi.BIND[0], Nspi.BIND[2]))
    leg.close()
    leg.done()
    cap.item(MALFORMED, first, "No PDU begins here.")
    cap.item(MALFORMED, second, "No PDU begins here.")
    cap.what = "80 random bytes on each connection; the next segments begin with whole PDUs."


@case("bad-first", "random bytes instead of the first PDU")
def first(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in())
    leg.connect("out").up(rpc.ask_out())
    frame = leg.in_.up(noise(7, 64))
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3(), rpc.conn_c2())
    leg.work()
    leg.close()
    leg.done()
    cap.item(MALFORMED, frame, "No PDU begins here.", vc=None)
    cap.what = "IN's body begins with 64 random bytes; B1 begins the next segment."


@case("bad-snapped-end", "a body of known length ends in bytes that were not captured")
def snapped_end(cap):
    conn = cap.connect("10.0.0.21", "10.0.0.81:80")
    cap.leg(False, out=conn)
    conn.channel, conn.vc, conn.leg = "OUT", 0, 0
    conn.up(rpc.ask_out())
    a1 = rpc.Msg(rpc.conn_a1(rpc.Cookies(cap.name)).data + b"\n", pdu={"name": "unknown RTS PDU", "length": 76})
    conn.up(a1)
    cap.snap(a1.frame, 57)
    conn.close()
    cap.what = ("OUT announces 76 bytes. The next segment brings CONN/A1 and one byte more, as a client was seen to send; 20 "
                "bytes of it were captured.")
    cap.rule = "Section 8: what was captured is dissected, and the rest of the capture."


@case("bad-snapped-bodies", "bodies of every kind that end in bytes that were not captured")
def snapped_bodies(cap):
    def channel(ask):
        conn = cap.connect("10.0.0.21", "10.0.0.81:80")
        conn.up(ask)
        return conn

    def broken(pdu, size):
        """Too little of it is captured to name it."""
        return rpc.Msg(pdu.data, pdu={"name": "unknown RTS PDU", "length": size})
    # The bodies of an IN request and of an OUT response, and another message in the part that is missing.
    conn = channel(rpc.ask_in(length=104))
    b1 = broken(rpc.conn_b1(rpc.Cookies(cap.name)), 104)
    cap.snap(conn.up(b1, rpc.Msg(rpc.ask_in().data)), len(rpc.ask_in()) + 84)
    conn.close()
    cap.leg(False, in_=conn)
    conn = channel(rpc.ask_out())
    conn.up(rpc.conn_a1(rpc.Cookies(cap.name)))
    cap.snap(conn.down(rpc.success(length=72), rpc.conn_a3(), broken(rpc.conn_c2(), 44), b"\n" * 9), 33)
    conn.close()
    cap.leg(False, out=conn, vc=1)
    # A request of somebody else on the connection of a channel, and bytes behind its body.
    conn = channel(rpc.ask_out())
    conn.up(rpc.conn_a1(rpc.Cookies(cap.name + " other")))
    cap.snap(conn.up(rpc.head("POST", "/other", "Host: mail.example.test", "Content-Length: 100"), b"x" * 100, b"y" * 30), 80)
    conn.close()
    cap.leg(False, out=conn, vc=2)
    # A chunk ends, and the last one comes, where nothing was captured.
    conn = channel(rpc.ask_in(chunked=True))
    ping = rpc.chunk(rpc.ping())
    ping.pdu = None
    cap.snap(conn.up(ping, rpc.LAST_CHUNK), 12)
    conn.close()
    cap.leg(False, in_=conn, vc=3)
    cap.what = "The end of a body, and what follows it, lies in the part of a segment that was not captured."
    cap.rule = "Section 8: what was captured is dissected, and the rest of the capture."
