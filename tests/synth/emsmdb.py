"""Samples of EMSMDB over IN and OUT channels: what a real client sent over TCP, unchanged, and sealed stubs.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import struct
import sys

import places
import rpc
import sealing
from rpc import u32
from scene import Leg, case

sys.path.insert(0, str(places.SAMPLES.parent / "tools"))
import capfile  # noqa: E402

NAMES = {number: name for name, number in rpc.PTYPES.items()}
OVER_TCP = places.folder("real-outlook2003-emsmdb") / "capture.pcap"
BY_KERBEROS = places.folder("live-emsmdb-kerberos") / "capture.pcapng"


def ext(payload, flags=4):
    """An extended buffer, MS-OXCRPC 2.2.2.1."""
    return struct.pack("<4H", 0, flags, len(payload), len(payload)) + payload


def padded(data):
    return data + bytes(-len(data) % 4)


def rops(ids, *handles):
    """A buffer of RopRelease (MS-OXCROPS 2.2.15.3) for each index, and its handles."""
    data = b"".join(struct.pack("<BBB", 1, 0, index) for index in ids)
    return struct.pack("<H", 2 + len(data)) + data + b"".join(map(u32, handles))


class Ext2:
    """EcDoRpcExt2, MS-OXCRPC 3.1.4.2: two objects are released."""
    ROPS = ext(rops((0, 1), 0x1001, 0x1002))
    ANSWER = ext(rops((), 0xFFFFFFFF, 0xFFFFFFFF))
    RELEASE = 11, (rpc.HANDLE + u32(3) + u32(len(ROPS)) + padded(ROPS) + u32(len(ROPS)) + u32(0x8007) + u32(0) + u32(0) + u32(0x1008)), \
        (rpc.HANDLE + u32(0) + u32(len(ANSWER)) + u32(0) + u32(len(ANSWER)) + padded(ANSWER) + u32(len(ANSWER)) + bytes(12) + u32(0)
         + u32(15) + u32(0))


def captured(path):
    """For each connection [(way, PDU)], the client's first; each PDU there has a segment of its own."""
    clients, found = {}, {}
    for packet in capfile.load(path).packets:
        segment = capfile.segment(packet)
        ends = frozenset((segment.source, segment.target))
        client = clients.setdefault(ends, segment.source)
        data = packet.data[segment.payload:segment.payload + segment.length]
        if not data:
            continue
        length, _, call = struct.unpack_from("<HHI", data, 8)
        if length != len(data):
            raise SystemExit(f"{path}: a segment that is not one PDU")
        pdus, kind = found.setdefault(ends, []), NAMES[data[2]]
        pdu = {"name": kind, "length": length, "call": call}
        if kind in ("request", "response"):
            pdu["flags"] = data[3]
        if kind == "request":
            pdu["opnum"] = struct.unpack_from("<H", data, 22)[0]
        elif kind == "response":
            pdu["opnum"] = next(msg.pdu["opnum"] for up, msg in pdus if up and msg.pdu["call"] == call and "opnum" in msg.pdu)
        pdus.append((segment.source == client, rpc.Msg(data, pdu=pdu)))
    return list(found.values())


def over_channels(cap, pdus, number=0):
    leg = Leg(cap, vc=number)
    leg.establish()
    for up, msg in pdus:
        (leg.in_.up if up else leg.out.down)(msg)
    leg.close()
    leg.done()


@case("emsmdb-outlook2003-http", "Outlook 2003's logon over IN and OUT")
def outlook2003(cap):
    [pdus] = captured(OVER_TCP)
    over_channels(cap, pdus)
    cap.what = "The PDUs of real-outlook2003-emsmdb, byte by byte, on the channels of a virtual connection."
    cap.rule = "A stub dissects the same whatever carries it: tests/tshark/run_emsmdb.py compares both samples."


def sealed_calls():
    """(up, PDU) of a session whose stubs are sealed."""
    client, server = sealing.Sealer("client-to-server"), sealing.Sealer("server-to-client")
    yield True, sealing.bind(rpc.EMSMDB)
    yield False, sealing.bind_ack()
    yield True, sealing.auth3()
    for call, (opnum, ask, reply) in enumerate((rpc.Emsmdb.CONNECT, Ext2.RELEASE, rpc.Emsmdb.DISCONNECT), 2):
        yield True, client(rpc.request, call, opnum, ask)
        yield False, server(rpc.response, call, opnum, reply)


@case("emsmdb-sealed-http", "stubs sealed by NTLM")
def sealed(cap):
    over_channels(cap, sealed_calls())
    cap.what = f"Bind with NTLM at RPC_C_AUTHN_LEVEL_PKT_PRIVACY, then EcDoConnectEx, EcDoRpcExt2 and EcDoDisconnect, sealed. With " \
               f"-o 'ntlmssp.nt_password:{sealing.PASSWORD}' they are shown, without it only bytes."
    cap.rule = "MS-RPCE 3.3.1.5.2, MS-NLMP 3.4.4.2."


@case("emsmdb-kerberos-http", "stubs sealed by Kerberos")
def by_kerberos(cap):
    for number, pdus in enumerate(captured(BY_KERBEROS)):
        over_channels(cap, pdus, number)
    cap.what = "The PDUs of live-emsmdb-kerberos, byte by byte, on the channels of two virtual connections. With -o kerberos.decrypt:TRUE and " \
               "-o 'kerberos.file:.../live-emsmdb-kerberos/service.keytab' the stubs are shown, without it only bytes."
    cap.rule = "MS-RPCE 3.3.1.5.2, MS-KILE 3.4.5.1, RFC 4121."
