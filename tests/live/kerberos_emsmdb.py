"""Both ends of EMSMDB over TCP whose stubs are sealed by Kerberos, for kerberos.sh.

    kerberos_emsmdb.py server          answers two connections
    kerberos_emsmdb.py spnego          a client that negotiates: bind, alter_context
    kerberos_emsmdb.py kerberos        one that does not: bind, auth3
    kerberos_emsmdb.py expect          writes expect.json of what was captured

MIT's GSS-API makes and takes the tokens, in the style of DCE with three legs (MS-KILE 3.4.5.1), and seals the stubs (MS-RPCE 3.3.1.5.2.2,
RFC 4121); what is asked and answered is that of tests/synth.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import json
import pathlib
import socket
import struct
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / name) for name in ("synth", "lib")]
import gssapi  # noqa: E402
from gssapi.raw.ext_dce import IOV, IOVBufferType, unwrap_iov, wrap_iov  # noqa: E402

import emsmdb  # noqa: E402
import rpc  # noqa: E402

HERE, PEER = ("127.0.0.2", 49155), ("127.0.1.10", 0)
CALLS = (rpc.Emsmdb.CONNECT, emsmdb.Ext2.RELEASE, (rpc.Emsmdb.DISCONNECT[0], rpc.HANDLE, rpc.Emsmdb.DISCONNECT[2]))
MECHANISMS = {"spnego": (9, gssapi.OID.from_int_seq("1.3.6.1.5.5.2")), "kerberos": (16, gssapi.MechType.kerberos)}
PRIVACY, ALIGNED = 6, 16             # RPC_C_AUTHN_LEVEL_PKT_PRIVACY; auth_pad_length goes to there, MS-RPCE 2.2.2.11
REQUEST, RESPONSE, BIND, BIND_ACK, ALTER, ALTER_RESP, AUTH3 = 0, 2, 11, 12, 14, 15, 16


def receive(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


class End:
    """One end of a connection: PDUs with their verifier, C706 13.2.6."""

    def __init__(self, sock, context, kind=0):
        self.sock, self.context, self.kind = sock, context, kind

    def get(self):
        """ptype, call id, body, token."""
        head = receive(self.sock, 16)
        length, token, call = struct.unpack_from("<HHI", head, 8)
        rest = receive(self.sock, length - 16)
        if not token:
            return head[2], call, rest, b""
        self.kind = rest[-token - 8]
        return head[2], call, rest[:-token - 8], rest[-token:]

    def put(self, ptype, call, body, token=b"", pad=0):
        trailer = struct.pack("<BBBBI", self.kind, PRIVACY, pad, 0, 1) if token else b""
        self.sock.sendall(struct.pack("<BBBB4sHHI", 5, 0, ptype, 3, b"\x10\0\0\0", 16 + len(body) + len(trailer + token), len(token), call)
                          + body + trailer + token)

    def put_sealed(self, ptype, call, head, stub):
        pad = -len(stub) % ALIGNED
        parts = IOV(IOVBufferType.header, (IOVBufferType.data, False, stub + bytes(pad)), std_layout=False)
        wrap_iov(self.context, parts, confidential=True, qop=None)
        self.put(ptype, call, head + parts[1].value, parts[0].value, pad)

    def opened(self, body, token):
        """The stub behind the 8 bytes that say of it, with its padding."""
        parts = IOV((IOVBufferType.header, False, token), (IOVBufferType.data, False, body[8:]), std_layout=False)
        if not unwrap_iov(self.context, parts).encrypted:
            raise ValueError("a stub that is not sealed")
        return parts[1].value


def answer(sock):
    end = End(sock, gssapi.SecurityContext(usage="accept"))
    answers = {opnum: (ask, reply) for opnum, ask, reply in CALLS}
    while True:
        ptype, call, body, token = end.get()
        if ptype in (BIND, ALTER):
            name = "bind_ack" if ptype == BIND else "alter_context_resp"
            end.put(BIND_ACK if ptype == BIND else ALTER_RESP, call, rpc.bind_ack(call, ptype=name).data[16:], end.context.step(token) or b"")
        elif ptype == AUTH3:
            end.context.step(token)
        else:
            ask, reply = answers[struct.unpack_from("<H", body, 6)[0]]
            if end.opened(body, token)[:len(ask)] != ask:
                raise ValueError("another stub than was sent")
            end.put_sealed(RESPONSE, call, struct.pack("<IHBB", len(reply), 0, 0, 0), reply)


def serve():
    listener = socket.create_server(HERE)
    for _ in MECHANISMS:
        sock, _ = listener.accept()
        try:
            answer(sock)
        except EOFError:
            sock.close()


def call_all(kind, mechanism):
    flag = gssapi.RequirementFlag
    context = gssapi.SecurityContext(name=gssapi.Name("host@ex1.example.test", gssapi.NameType.hostbased_service), mech=mechanism, usage="initiate",
                                     flags=flag.mutual_authentication | flag.confidentiality | flag.integrity | flag.replay_detection
                                     | flag.out_of_sequence_detection | flag.dce_style)
    end, number = End(socket.create_connection(HERE, source_address=PEER), context, kind), 1
    bind = rpc.bind(number, rpc.Emsmdb.interface).data[16:]
    end.put(BIND, number, bind, context.step())
    token = context.step(end.get()[3])
    if context.complete:
        end.put(AUTH3, number, bytes(4), token)
    else:
        number += 1
        end.put(ALTER, number, bind, token)
        context.step(end.get()[3])
    for number, (opnum, ask, reply) in enumerate(CALLS, number + 1):
        end.put_sealed(REQUEST, number, struct.pack("<IHH", len(ask), 0, opnum), ask)
        _, _, body, token = end.get()
        if end.opened(body, token)[:len(reply)] != reply:
            raise ValueError("another answer than was sent")
    end.sock.close()


def expect():
    folder = emsmdb.BY_KERBEROS.parent
    segments = [emsmdb.capfile.segment(packet) for packet in emsmdb.capfile.load(emsmdb.BY_KERBEROS).packets]
    ports = list(dict.fromkeys(segment.source[1] for segment in segments if segment.source[1] != HERE[1]))
    connections = [{"stream": stream, "client": f"{PEER[0]}:{port}", "server": f"{HERE[0]}:{HERE[1]}",
                    "pdus": [{"to": "server" if up else "client", **msg.pdu} for up, msg in pdus]}
                   for stream, (port, pdus) in enumerate(zip(ports, emsmdb.captured(emsmdb.BY_KERBEROS)))]
    whole = {"keys": None, "connections": connections, "legs": [], "items": [], "tolerated": []}
    (folder / "expect.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve()
    elif sys.argv[1] == "expect":
        expect()
    else:
        call_all(*MECHANISMS[sys.argv[1]])
