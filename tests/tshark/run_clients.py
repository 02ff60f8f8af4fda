"""Which clients speak what: -z outlook,clients.

    run_clients.py [PART ...]

- made: clients of every version and both protocols, behind a device and behind one address, in one capture: their rows,
  in one pass and in two, with and without a filter; probes and what else is no client.
- captured: rows of third parties' captures and of a real client over plain RPC.
- hidden: sealed RPC tells no version.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import struct
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "synth"))
import common
import mapiscene
import mapiwire as w
import rpc
import scene
import wsrun
from rpc import u32

COLUMNS = ["User", "Client", "Forwarded for", "Machine", "Application", "Version", "Product", "Mode", "RPC over HTTP",
           "MAPI/HTTP", "Refused Connects", "RPC over TCP", "Could use MAPI/HTTP", "Server version"]
PORT = 50100                                     # of no dissector: DCE/RPC tells itself by its bytes
CLIENT_INFO = next(block for name, *_, block in w.aux_blocks() if name == "AUX_PERF_CLIENTINFO")
PROCESS_INFO = next(block for name, *_, block in w.aux_blocks() if name == "AUX_PERF_PROCESSINFO")


def table(tshark, subject, *more, filter=None):
    """The rows as lists of cells, without the time."""
    option = "outlook,clients" + (f",{filter}" if filter else "")
    text = tshark.output([*subject.options(tshark), *more, "-q", "-z", option])
    rows = [[cell.strip() for cell in line.split("|")[:-1]] for line in text.splitlines() if "|" in line]
    if not rows or rows[0] != [*COLUMNS, "Start"]:
        raise AssertionError(f"other columns: {rows[:1]}")
    return [row[:-1] for row in rows[1:]]


class Made:
    """A capture that is made here, as a sample."""

    def __init__(self, folder, name, cap):
        path = pathlib.Path(folder) / f"{name}.pcapng"
        path.write_bytes(cap.files()["capture.pcapng"])
        self.name, self.sample = f"made here: {name}", common.Sample(name, path)

    def __getattr__(self, name):
        return getattr(self.sample, name)


# ---- what clients say ------------------------------------------------------------------------

def words(version):
    """rgwClientVersion of four numbers, MS-OXCRPC 3.1.4.1.3.1; of three as older clients write it."""
    if len(version) == 3:
        return struct.pack("<3H", *version)
    return struct.pack("<3H", version[0] << 8 | version[1], version[2] | 0x8000, version[3])


def connect_ex(dn, version, server, *blocks):
    """EcDoConnectEx, MS-OXCRPC 3.1.4.1."""
    aux = w.ext(b"".join(blocks)) if blocks else rpc.Emsmdb.AUX
    ask = rpc.text(dn)
    ask += bytes(-len(ask) % 4) + struct.pack("<7I", 0, 0x1234, 0, 1252, 0x409, 0x409, 0xFFFFFFFF) + struct.pack("<H", 1)
    ask += words(version) + u32(0) + u32(len(aux)) + aux
    ask += bytes(-len(ask) % 4) + u32(len(aux)) + u32(0x1008)
    opnum, _, answer = rpc.Emsmdb.CONNECT
    return opnum, ask, answer.replace(struct.pack("<3H", 14, 0x8000, 0), words(server), 1)


def channels(cap, address, user, operations=(), vc=0, lines=(), **how):
    """A virtual connection of a user with calls of EMSMDB."""
    leg = scene.Leg(cap, client=address, vc=vc, user=user, seed=f"{address}/{user}/{vc}", **how)
    leg.establish(auth=rpc.basic(user) if user else None, in_lines=lines, out_lines=lines)
    if operations:
        leg.bind(rpc.Emsmdb)
    for operation in operations:
        leg.call(operation)
    leg.close()
    return leg


def session(cap, address, user, application, aux=None, status=None, reply=None):
    outlook = mapiscene.Outlook(cap, address, user=user, application=application, name=f"{address}/{user}")
    context = mapiscene.Context(outlook)
    ask = context.ask("Connect", mapiscene.connect_body(outlook.dn, aux))
    if status:
        context.page(ask, status, text="no")
    else:
        context.reply(ask, mapiscene.connect_answer(), **(reply or {}))
        context.work(1)
    return context


def behind_device(cap, address, user, application):
    """The same session before and behind a device."""
    outlook = mapiscene.Outlook(cap, address, "10.0.0.9:80", user=user, application=application, name=address)
    context = mapiscene.Context(outlook)
    back = cap.connect("10.0.0.9", "10.0.0.81:80")
    outer = context.ask("Connect", mapiscene.connect_body(outlook.dn))
    inner = context.relay(outer, back, add=(f"X-Forwarded-For: {address}",))
    context.reply(inner, mapiscene.connect_answer())
    context.pass_on(inner, outer)


def plain_rpc(cap, address, operation):
    conn = cap.connect(address, f"10.0.0.81:{PORT}")
    conn.up(rpc.bind(1, rpc.EMSMDB).data)
    conn.down(rpc.bind_ack(1, PORT).data)
    conn.up(rpc.request(2, operation[0], operation[1]).data)
    conn.down(rpc.response(2, operation[0], operation[2]).data)
    conn.close()


OLD, NEW = (14, 3, 123, 4), (15, 0, 847, 30)
NAT, DN = "192.0.2.7", "/o=Example/ou=Exchange/cn=Recipients/cn="


def everybody(cap):
    """Each line makes a row of ROWS, in this order."""
    channels(cap, "10.0.1.1", "EXAMPLE\\a2003", [connect_ex(DN + "a2003", (11, 5608, 5606), NEW)])
    channels(cap, "10.0.1.2", "EXAMPLE\\a2007", [connect_ex(DN + "a2007", (12, 0, 6680, 5000), NEW, CLIENT_INFO, PROCESS_INFO)])
    channels(cap, "10.0.1.3", "EXAMPLE\\a2010", [connect_ex(DN + "a2010", (14, 0, 7145, 5001), NEW)])
    channels(cap, "10.0.1.4", "EXAMPLE\\a2010u", [connect_ex(DN + "a2010u", (14, 0, 7147, 5001), NEW)])
    channels(cap, "10.0.1.5", "EXAMPLE\\a2013", [connect_ex(DN + "a2013", (15, 0, 4420, 1017), NEW)])
    channels(cap, "10.0.1.6", "EXAMPLE\\a2013sp1", [connect_ex(DN + "a2013sp1", (15, 0, 4569, 1503), NEW)])
    channels(cap, "10.0.1.7", "EXAMPLE\\a2016", [connect_ex(DN + "a2016", (16, 0, 4266, 1001), OLD)])
    channels(cap, "10.0.1.8", "EXAMPLE\\sealed")
    # Two users behind one address, one of them over both protocols, with two connections of the old one.
    channels(cap, NAT, "EXAMPLE\\alice", [connect_ex(DN + "alice", (16, 0, 4266, 1001), NEW)])
    channels(cap, NAT, "EXAMPLE\\bob", [connect_ex(DN + "bob", (16, 0, 4266, 1001), NEW)])
    session(cap, NAT, "alice@example.test", "Outlook/16.0.4266.1001", w.aux(CLIENT_INFO))
    channels(cap, NAT, "EXAMPLE\\alice", vc=1)
    # The same user on another machine.
    session(cap, "10.0.1.9", "EXAMPLE\\alice", "Outlook/16.0.15928.20006")
    behind_device(cap, "10.0.1.10", "EXAMPLE\\carol", "Outlook/15.0.4569.1503")
    # Behind a device alone: whom it speaks for is what it says.
    channels(cap, "10.0.0.9", "EXAMPLE\\dave", [connect_ex(DN + "dave", (16, 0, 1, 1), NEW)], lines=("X-Forwarded-For: 198.51.100.4",))
    # One whose Connect is turned away speaks it all the same.
    session(cap, "10.0.1.11", "EXAMPLE\\erin", "Outlook/16.0.1.1", status="503 Service Unavailable")
    plain_rpc(cap, "10.0.1.12", connect_ex(DN + "0123456789abcdef0123456789abcdef-frank", (12, 0, 6680, 5000), OLD))
    nobody(cap)


def nobody(cap):
    """No clients: servers that watch themselves, balancers that look, a gateway of Remote Desktop."""
    session(cap, "10.0.0.81", "HealthMailbox0a1b2c3@example.test", "MapiHttpClient/15.2.1544.4")
    channels(cap, "10.0.0.81", "EXAMPLE\\HealthMailbox0a1b2c3")
    conn = cap.connect("10.0.0.9", "10.0.0.81:80")
    conn.up(b"GET /mapi/emsmdb HTTP/1.1\r\nHost: probe\r\n\r\n")
    conn.down(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    conn.up(b"GET /mapi/healthcheck.htm HTTP/1.1\r\nHost: probe\r\n\r\n")
    conn.down(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    conn.close()
    probe = cap.connect("10.0.0.9", "10.0.0.81:80")
    probe.up(rpc.ask_in(length=4, auth=None).data)
    probe.down(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n")
    probe.close()
    channels(cap, "10.0.1.20", "EXAMPLE\\admin", target="gw.example.test:3388")


SERVER, OLD_TEXT, EXCHANGE = "15.0.847.30", "no: the server is older than Exchange 2013 SP1", "15.2.1544.4"
UPDATE_2010 = "SP2, KB2956191 and KB2965295"
ROWS = [
    ["EXAMPLE\\a2003", "10.0.1.1", "-", "-", "-", "11.0.5608.5606", "Outlook 2003", "-", "1", "0", "0", "0", "no", SERVER],
    ["EXAMPLE\\a2007", "10.0.1.2", "-", "PC21", "OUTLOOK.EXE", "12.0.6680.5000", "Outlook 2007", "cached", "1", "0", "0", "0",
     "no", SERVER],
    ["EXAMPLE\\a2010", "10.0.1.3", "-", "-", "-", "14.0.7145.5001", "Outlook 2010", "-", "1", "0", "0", "0", UPDATE_2010, SERVER],
    ["EXAMPLE\\a2010u", "10.0.1.4", "-", "-", "-", "14.0.7147.5001", "Outlook 2010", "-", "1", "0", "0", "0", "yes", SERVER],
    ["EXAMPLE\\a2013", "10.0.1.5", "-", "-", "-", "15.0.4420.1017", "Outlook 2013", "-", "1", "0", "0", "0", "SP1", SERVER],
    ["EXAMPLE\\a2013sp1", "10.0.1.6", "-", "-", "-", "15.0.4569.1503", "Outlook 2013 SP1", "-", "1", "0", "0", "0", "yes", SERVER],
    ["EXAMPLE\\a2016", "10.0.1.7", "-", "-", "-", "16.0.4266.1001", "Outlook 2016 or later", "-", "1", "0", "0", "0", OLD_TEXT,
     "14.3.123.4"],
    ["EXAMPLE\\sealed", "10.0.1.8", "-", "-", "-", "-", "-", "-", "1", "0", "0", "0", "unknown", "-"],
    ["EXAMPLE\\alice", NAT, "-", "PC21", "Outlook", "16.0.4266.1001", "Outlook 2016 or later", "cached", "2", "1", "0", "0", "yes",
     SERVER],
    ["EXAMPLE\\bob", NAT, "-", "-", "-", "16.0.4266.1001", "Outlook 2016 or later", "-", "1", "0", "0", "0", "yes", SERVER],
    ["EXAMPLE\\alice", "10.0.1.9", "-", "-", "Outlook", "16.0.15928.20006", "Outlook 2016 or later", "-", "0", "1", "0", "0",
     "uses it", EXCHANGE],
    ["EXAMPLE\\carol", "10.0.1.10", "-", "-", "Outlook", "15.0.4569.1503", "Outlook 2013 SP1", "-", "0", "1", "0", "0", "uses it",
     EXCHANGE],
    ["EXAMPLE\\dave", "10.0.0.9", "198.51.100.4", "-", "-", "16.0.1.1", "Outlook 2016 or later", "-", "1", "0", "0", "0", "yes",
     SERVER],
    ["EXAMPLE\\erin", "10.0.1.11", "-", "-", "Outlook", "16.0.1.1", "Outlook 2016 or later", "-", "0", "0", "1", "0", "uses it", "-"],
    ["frank", "10.0.1.12", "-", "-", "-", "12.0.6680.5000", "Outlook 2007", "-", "0", "0", "0", "1", "no", "14.3.123.4"],
]


def equal_rows(counter, got, expected, where):
    counter.equal(len(got), len(expected), f"{where}: rows")
    for row, (mine, other) in enumerate(zip(got, expected)):
        for column, cell, wanted in zip(COLUMNS, mine, other):
            counter.equal(cell, wanted, f"{where}: row {row} ({other[0]}): {column}")


# ---- the parts ---------------------------------------------------------------------------------

def test_made(tshark, counter, folder):
    cap = mapiscene.MapiCapture("clients", "clients of all kinds")
    everybody(cap)
    subject = Made(folder, "clients", cap)
    for passes in ([], ["-2"]):
        equal_rows(counter, table(tshark, subject, *passes), ROWS, f"{passes}")
    for name, expected in (("ip.addr == 10.0.1.3", ROWS[2:3]), (f"ip.addr == {NAT}", ROWS[8:10]), ("mapihttp", [
            row for row in ROWS if row[9] != "0" or row[10] != "0"]), ("ip.addr == 10.0.1.20", [])):
        equal_rows(counter, table(tshark, subject, "-2", filter=name), expected, name)


def test_captured(tshark, counter, _folder):
    for name, row in (
            ("mapihttp-session", ["alice@example.test", "127.0.0.1", "-", "-", "Outlook", "16.0.17126.20132", "Outlook 2016 or later",
                                  "-", "0", "1", "0", "0", "uses it", "15.0.847.4040"]),
            ("tls-mapihttp", ["alice@example.test", "127.0.0.1", "-", "-", "Outlook", "16.0.17126.20132", "Outlook 2016 or later", "-",
                              "0", "2", "0", "0", "uses it", "15.0.847.4040"]),
            # The client writes its version wrongly.
            ("rpch-long-emsmdb-async-ping", ["example.test\\alice", "127.0.0.1", "-", "-", "-", "0.16.17126.1000", "-", "-", "2", "0",
                                             "0", "0", "unknown", "15.0.847.4040"]),
            # The device's leg is seen without the client's: each channel of it lost the other.
            ("misroute-rpch-ntlm-serverclose", ["GXHOST\\alice", "127.0.0.1", "-", "-", "-", "-", "-", "-", "1", "0", "0", "0",
                                                "unknown", "-"])):
        for subject in common.third_party(name):
            equal_rows(counter, table(tshark, subject), [row], subject.name)
    outlook2003 = common.samples("real-outlook2003-emsmdb", kind=None)
    rows = table(tshark, *outlook2003)
    equal_rows(counter, rows, [["-", "192.168.0.173", "-", "-", "-", "5.0.3144.0", "Outlook 2002 or older", "-", "0", "0", "0", "1",
                                "no", "5.0.2653.23"]], "Outlook 2003 over TCP")
    rows = table(tshark, *common.samples("emsmdb-outlook2003-http", kind=None))
    equal_rows(counter, rows, [["example.test\\alice", "10.0.0.21", "-", "-", "-", "5.0.3144.0", "Outlook 2002 or older", "-", "1",
                                "0", "0", "0", "no", "5.0.2653.23"]], "the same over IN and OUT")


def test_hidden(tshark, counter, _folder):
    rows = table(tshark, *common.samples("emsmdb-sealed-http", kind=None))
    equal_rows(counter, rows, [["example.test\\alice", "10.0.0.21", "-", "-", "-", "-", "-", "-", "1", "0", "0", "0", "unknown", "-"]],
               "sealed")
    for name in ("foreign-rdg", "quiet-tsgu", "foreign-http", "foreign-dcerpc"):
        counter.equal(table(tshark, *common.samples(name, kind=None)), [], name)


PARTS = {name.removeprefix("test_"): function for name, function in list(globals().items()) if name.startswith("test_")}


def main():
    arguments = common.Arguments()
    with wsrun.Tshark() as tshark, tempfile.TemporaryDirectory() as folder:
        tshark.prove_loaded()

        parts = [common.Part(name, lambda counter, do=do: do(tshark, counter, folder)) for name, do in PARTS.items()]
        return common.run_parts(arguments.of(parts))


if __name__ == "__main__":
    sys.exit(main())
