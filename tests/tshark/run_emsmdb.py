"""EMSMDB over RPC: what is shown of it, and that it is stock's again with the preference off.

    run_emsmdb.py [PART ...]

- captured: fields of a real client's session, against "emsmdb" of expect.json; the same PDUs over IN and OUT channels.
- statistics: -z rop,srt and -z rop,tree of that session, both ways.
- refused: ROPs that fail.
- stock: with emsmdb.dissect off `-V` and `-T json` are byte for byte those without the plugin, over TCP. With it on, the
  filters `mapi` and `mapi.opnum` find the frames that they find without.
- sealed: NTLM and Kerberos at PKT_PRIVACY, over TCP and over IN and OUT, with the password or keytab and without.
- names: each opnum of EMSMDB, AsyncEMSMDB and RFR.
- made: both byte orders, NDR64, fragments, stubs cut by the sender and by the capture.
- switched: the preferences changed while Wireshark runs.
- guess: a session without its bind, with emsmdb.guess on and off.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import re
import struct
import sys
import tempfile
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "synth"))
import common
import emsmdb
import rpc
import run_reload
import run_rops
import scene
import sealing
import table
import wsrun
from common import capfile
from rpc import u32

OVER_TCP, OVER_HTTP, SEALED = "real-outlook2003-emsmdb", "emsmdb-outlook2003-http", "emsmdb-sealed-http"
BY_KERBEROS, BY_KERBEROS_HTTP = "live-emsmdb-kerberos", "emsmdb-kerberos-http"
PORT = 50100                                     # of no dissector: DCE/RPC tells itself by its bytes
PASSWORD = ["-o", f"ntlmssp.nt_password:{sealing.PASSWORD}"]
OFF = ["-o", "emsmdb.dissect:FALSE"]
GUESS = ["-o", "emsmdb.guess:TRUE"]
ASYNC = uuid.UUID("5261574a-4572-206e-b268-6b199213b4e4"), 0, 1
RFR = uuid.UUID("1544f5e0-613c-11d1-93df-00c04fd7bd09"), 1, 0
NDR64 = uuid.UUID("71710533-beba-4937-8319-b5dbef9ccc36"), 1, 0
CALLS = (rpc.Emsmdb.CONNECT, emsmdb.Ext2.RELEASE, rpc.Emsmdb.DISCONNECT)
MALFORMED = {"emsmdb.malformed", "mapihttp.malformed", "_ws.malformed"}


class Made:
    """A capture that is made here, as a sample."""

    expect = None

    def __init__(self, folder, name, packets):
        path = pathlib.Path(folder) / f"{name}.pcapng"
        capfile.save(path, capfile.Capture(packets))
        self.name, self.sample = f"made here: {name}", common.Sample(name, path)

    def __getattr__(self, name):
        return getattr(self.sample, name)


def sample(name):
    return common.Sample(name, *(path for path in common.places.folder(name).glob("capture.pcap*")))


def over_tcp(pdus, segment=1400):
    """A TCP connection on which each (up, PDU) begins a segment."""
    talk = capfile.Talk(port=PORT).open()
    for up, msg in pdus:
        data = msg.data
        talk.say(0 if up else 1, *(data[at:at + segment] for at in range(0, len(data), segment)))
    return talk.close().packets


def bound(interface=rpc.EMSMDB, calls=CALLS, syntax=None, call=2):
    """Bind and calls of one interface."""
    ask, answer = rpc.bind(1, interface), rpc.bind_ack(1, PORT)
    if syntax:
        ask, answer = (rpc.Msg(msg.data.replace(rpc.syntax(rpc.NDR), rpc.syntax(syntax)), pdu=msg.pdu) for msg in (ask, answer))
    yield True, ask
    yield False, answer
    for number, (opnum, request, response) in enumerate(calls, call):
        yield True, rpc.request(number, opnum, request)
        yield False, rpc.response(number, opnum, response)


def shown(packet):
    """(field, value) of EMSMDB in a packet, in the order shown: without what depends on frames."""
    found = []
    for proto in packet.element.iter("proto"):
        if proto.get("name") == "emsmdb":
            found += [(field.get("name"), field.get("show", "")) for field in proto.iter("field")
                      if field.get("name", "").startswith(("emsmdb.", "mapihttp.", "mapi."))]
    return found


def stubs(packets):
    return [fields for fields in map(shown, packets) if fields]


def no_issue(counter, packets, where):
    found = [item for packet in packets for item in packet.items if item.name in MALFORMED]
    counter.equal(found, [], f"{where}: items")


def values(packets, name):
    return [value for packet in packets for value in packet.all(name)]


def infos(tshark, subject, *more):
    text = tshark.output([*subject.options(tshark), *more, "-T", "fields", "-e", "_ws.col.Info"])
    return text.splitlines()


# ---- the parts ---------------------------------------------------------------------------------

INFO = ["EcDoRpc request: Logon (1 ROP)", "EcDoRpc response: Logon",
        "EcDoRpc request: LongTermIdFromId (1 ROP)", "EcDoRpc response: LongTermIdFromId",
        "EcDoRpc request: GetPropertiesSpecific (1 ROP)", "EcDoRpc response: GetPropertiesSpecific",
        "EcDoRpc request: OpenFolder, GetPropertiesSpecific (2 ROPs)", "EcDoRpc response: OpenFolder, GetPropertiesSpecific",
        "EcDoRpc request: RegisterNotification, OpenFolder, GetPropertiesSpecific (3 ROPs)"]


# Of the calls that have an answer.
ROPS = ["Logon"], ["LongTermIdFromId"], ["GetPropertiesSpecific"], ["OpenFolder", "GetPropertiesSpecific"]


def test_captured(tshark, counter, _folder):
    (tcp,) = (found for found in common.samples(OVER_TCP, kind="emsmdb"))
    for passes in ([], ["-2"]):
        packets = common.packets(tshark, tcp, *passes)
        for frame, fields in tcp.expect["emsmdb"].items():
            packet = packets[int(frame) - 1]
            for name, expected in fields.items():
                counter.equal(packet.all(name), expected, f"{passes}: frame {frame}: {name}")
        no_issue(counter, packets, OVER_TCP)
        over_http = common.packets(tshark, sample(OVER_HTTP), *passes)
        no_issue(counter, over_http, OVER_HTTP)
        counter.equal(len(stubs(packets)), 13, "stubs over TCP: the last call has no answer")
        counter.equal(stubs(over_http), stubs(packets), f"{passes}: over IN and OUT")
        for name in (OVER_TCP, OVER_HTTP):
            lines = [line for line in infos(tshark, sample(name), *passes) if line.startswith("EcDoRpc ")]
            counter.equal(lines, INFO, f"{passes}: Info of {name}")


def test_statistics(tshark, counter, _folder):
    counts = {"GetPropertiesSpecific": 3, "OpenFolder": 2, "RegisterNotification": 1, "LongTermIdFromId": 1, "Logon": 1}
    for name in (OVER_TCP, OVER_HTTP):
        subject = sample(name)
        frames = [[number for number, line in enumerate(infos(tshark, subject), 1) if line.startswith(f"EcDoRpc {way}")]
                  for way in ("request", "response")]
        times = {}
        for asked, told, rops in zip(*frames, ROPS):
            took = (subject.capture.packets[told - 1].time - subject.capture.packets[asked - 1].time) / 1e9
            for rop in rops:
                times.setdefault(rop, []).append(took)
        for passes in ([], ["-2"]):
            calls, timed, refused, unasked = run_rops.read_statistics(
                *(tshark.output([*subject.options(tshark), *passes, "-q", "-z", f"rop,{kind}"]) for kind in ("tree", "srt")))
            counter.equal(calls, counts, f"{name} {passes}: -z rop,tree")
            counter.equal((refused, unasked), ({}, {}), f"{name} {passes}: nothing was refused")
            rows = list(table.rows(tshark.output([*subject.options(tshark), *passes, "-q", *common.TABLE]).splitlines()))
            counter.equal([(row["rops"], row["failed_rops"]) for row in rows], [("8", "")] if name == OVER_HTTP else [], f"{name}: rows")
            counter.equal({rop: [row[0], row[4]] for (_, rop), row in timed.items()},
                          {rop: [len(each), round(sum(each), 6)] for rop, each in times.items()}, f"{name} {passes}: -z rop,srt")


def ext2(asked, told):
    """EcDoRpcExt2 (MS-OXCRPC 3.1.4.2) with these ROPs."""
    asked, told = (emsmdb.ext(struct.pack("<H", 2 + len(rops)) + rops + u32(0x1001) * 3) for rops in (asked, told))
    return (11, rpc.HANDLE + u32(3) + u32(len(asked)) + emsmdb.padded(asked) + u32(len(asked)) + u32(0x8007) + u32(0) + u32(0) + u32(0x1008),
            rpc.HANDLE + u32(0) + u32(len(told)) + u32(0) + u32(len(told)) + emsmdb.padded(told) + u32(len(told)) + bytes(12) + u32(0)
            + u32(15) + u32(0))


def test_refused(tshark, counter, folder):
    """ROPs that fail: Info, statistics and, over IN and OUT, the row of the connection."""
    opens = b"".join(struct.pack("<BBBBQB", 2, 0, 0, index, 0x1234, 0) for index in (1, 2))
    refusals = [struct.pack("<BBI", 2, index, code) for index, code in ((1, 0x8004010F), (2, 0x80070005))]
    calls = [ext2(opens + b"\1\0\0", b"".join(refusals)), ext2(opens[:13], refusals[0]), emsmdb.Ext2.RELEASE]
    pdus = list(bound(calls=[rpc.Emsmdb.CONNECT, *calls, rpc.Emsmdb.DISCONNECT]))
    expected = ["EcDoRpcExt2 request: OpenFolder x2, Release (3 ROPs)", "EcDoRpcExt2 response: OpenFolder NotFound, OpenFolder AccessDenied",
                "EcDoRpcExt2 request: OpenFolder (1 ROP)", "EcDoRpcExt2 response: OpenFolder NotFound",
                "EcDoRpcExt2 request: Release x2 (2 ROPs)", "EcDoRpcExt2 response"]
    for subject in (Made(folder, "refused", over_tcp(pdus)), Made(folder, "refused-http", over_http(pdus))):
        for passes in ([], ["-2"]):
            lines = [line for line in infos(tshark, subject, *passes) if line.startswith("EcDoRpcExt2")]
            counter.equal(lines, expected, f"{subject.name} {passes}: Info")
            calls, _, refused, _ = run_rops.read_statistics(tshark.output([*subject.options(tshark), *passes, "-q", "-z", "rop,tree"]), "")
            counter.equal(calls, {"OpenFolder": 3, "Release": 3}, f"{subject.name} {passes}: -z rop,tree")
            counter.equal(refused, {("OpenFolder", "NotFound"): 2, ("OpenFolder", "AccessDenied"): 1}, f"{subject.name} {passes}: refused")
            rows = list(table.rows(tshark.output([*subject.options(tshark), *passes, "-q", *common.TABLE]).splitlines()))
            if "http" in subject.name:
                counter.equal([(row["rops"], row["failed_rops"]) for row in rows], [("6", "OpenFolder NotFound x2, OpenFolder AccessDenied")],
                              f"{subject.name} {passes}: -z rpch,connections")
                counter.check(all(re.fullmatch(r"OpenFolder.* \d+\.\d ms \(frame \d+\)", row["slowest_rop"]) for row in rows), f"{passes}: {rows}")
            else:
                counter.equal(rows, [], f"{subject.name}: rows of virtual connections")


def test_stock(tshark, counter, folder):
    subjects = [sample(OVER_TCP), Made(folder, "calls", over_tcp(bound())), Made(folder, "sealed-stock", over_tcp(emsmdb.sealed_calls())),
                Made(folder, "async-stock", over_tcp(bound(ASYNC, [(0, rpc.HANDLE + u32(0), u32(0) * 2)])))]
    for subject in subjects:
        options = subject.options(tshark)
        for more in (["-V"], ["-T", "json"], ["-2", "-V"], ["-V", "-x", *PASSWORD], []):
            ours, stock = (tshark.output([*options, *more, *(OFF if plugin else [])], plugin=plugin) for plugin in (True, False))
            counter.check(ours == stock, f"{subject.name}: {more} differs with the preference off")
        for display in ("mapi", "mapi.opnum", "mapi.opnum == 2", "mapi && dcerpc.cn_call_id == 2"):
            # Nobody is called for a stub that stays sealed, so no hidden item of stock's protocol is there.
            more = PASSWORD if "sealed" in subject.name else []
            ours, stock = (tshark.output([*options, *more, "-Y", display, "-T", "fields", "-e", "frame.number"], plugin=plugin)
                           for plugin in (True, False))
            counter.equal(ours.split(), stock.split(), f"{subject.name}: filter {display}")
    frames = tshark.output([*subjects[2].options(tshark), "-Y", "mapi.opnum && emsmdb", "-T", "fields", "-e", "frame.number"]).split()
    counter.equal(len(frames), 6, "filters mapi.opnum and emsmdb on stubs that stay sealed")


def test_sealed(tshark, counter, folder):
    keytab = tshark.private_copy(emsmdb.BY_KERBEROS.parent / "service.keytab")
    by_keytab = ["-o", "kerberos.decrypt:TRUE", "-o", f"kerberos.file:{keytab}"]
    subjects = (sample(SEALED), 1, PASSWORD), (Made(folder, "sealed", over_tcp(emsmdb.sealed_calls())), 1, PASSWORD), \
        (sample(BY_KERBEROS), 2, by_keytab), (sample(BY_KERBEROS_HTTP), 2, by_keytab)
    plain = stubs(common.packets(tshark, Made(folder, "plain", over_tcp(bound()))))
    counter.check(len(plain) == 6, f"{len(plain)} stubs in the clear, not 6")
    for subject, times, secret in subjects:
        packets = common.packets(tshark, subject, *secret)
        counter.equal(stubs(packets), plain * times, f"{subject.name}: with the secret")
        no_issue(counter, packets, subject.name)
        packets = common.packets(tshark, subject)
        counter.check(not values(packets, "emsmdb.cxh"), f"{subject.name}: a handle without the secret")
        counter.equal(len(values(packets, "dcerpc.encrypted_stub_data")), 6 * times, f"{subject.name}: encrypted stubs")
        no_issue(counter, packets, subject.name)


def test_names(tshark, counter, folder):
    known = {0: "EcDoConnect", 1: "EcDoDisconnect", 2: "EcDoRpc", 3: "EcGetMoreRpc", 4: "EcRRegisterPushNotification",
             5: "EcRUnregisterPushNotification", 6: "EcDummyRpc", 7: "EcRGetDCName", 8: "EcRNetGetDCName", 9: "EcDoRpcExt",
             10: "EcDoConnectEx", 11: "EcDoRpcExt2", 14: "EcDoAsyncConnectEx"}
    tables = (("emsmdb", rpc.EMSMDB, known, range(16)), ("async", ASYNC, {0: "EcDoAsyncWaitEx"}, range(2)),
              ("rfr", RFR, {0: "RfrGetNewDSA", 1: "RfrGetFQDNFrom"}, range(2)))
    for name, interface, names, opnums in tables:
        calls = [(opnum, bytes(40), bytes(40)) for opnum in opnums]
        lines = infos(tshark, Made(folder, f"names-{name}", over_tcp(bound(interface, calls, call=100))))
        for opnum in opnums:
            line = [text for text in lines if f"call_id: {100 + opnum}," in text or names.get(opnum, "?") in text]
            if opnum in names:
                counter.check(any(f"{names[opnum]}" in text and "request" in text for text in line),
                              f"{name}: opnum {opnum} is not called {names[opnum]}: {lines}")
        counter.check(name == "rfr" or any("Unknown operation" in text for text in lines), f"{name}: {lines}")


def big_endian(msg):
    """A request or response of a machine that sends the other byte order; the stub is that already."""
    data = msg.data
    length, auth, call = struct.unpack_from("<HHI", data, 8)
    hint, context = struct.unpack_from("<IH", data, 16)
    opnum = struct.unpack_from("<H", data, 22)[0] if data[2] == 0 else 0
    return rpc.Msg(data[:4] + bytes(4) + struct.pack(">HHIIHH", length, auth, call, hint, context, opnum) + data[24:], pdu=msg.pdu)


def test_made(tshark, counter, folder):
    def one(name, calls, interface=rpc.EMSMDB, change=lambda msg: msg, syntax=None, **how):
        pdus = [(up, change(msg) if msg.data[2] in (0, 2) else msg) for up, msg in bound(interface, calls, syntax)]
        subject = Made(folder, name, over_tcp(pdus, **how))
        return common.packets(tshark, subject), subject

    # Both byte orders: counts turn, what is in the buffer does not.
    rops, size = emsmdb.Ext2.ROPS, len(emsmdb.Ext2.ROPS)
    turned = struct.pack(">II", 3, size) + emsmdb.padded(rops) + struct.pack(">5I", size, 0x8007, 0, 0, 0x1008)
    packets, _ = one("big-endian", [(11, rpc.HANDLE + turned, bytes(64))], change=big_endian)
    for name, expected in (("emsmdb.max_count", [str(size), "0", "0", "0"]), ("emsmdb.cb_in", [str(size)]), ("emsmdb.pcb_out", ["32775", "0"]),
                           ("rop.buffer.handle", ["0x00001001", "0x00001002"])):
        counter.equal(values(packets, name), expected, f"big-endian: {name}")
    no_issue(counter, packets, "big-endian")

    # NDR64, MS-RPCE 2.2.5: counts of 8 bytes.
    wide = rpc.HANDLE + struct.pack("<IQ", 3, size) + rops + struct.pack("<IIQII", size, 0x8007, 0, 0, 0x1008)
    packets, _ = one("ndr64", [(11, wide, rpc.HANDLE + bytes(72))], syntax=NDR64)
    counter.equal(values(packets, "emsmdb.cb_in"), [str(size)], "NDR64: cbIn")
    counter.equal(values(packets, "emsmdb.pcb_aux_out"), ["4104", "0"], "NDR64: pcbAuxOut")
    counter.equal(values(packets, "rop.buffer.handle"), ["0x00001001", "0x00001002"], "NDR64: handles")
    no_issue(counter, packets, "NDR64")

    # EcDoAsyncWaitEx on an interface that stock does not know.
    packets, _ = one("async", [(0, rpc.HANDLE + u32(0), u32(1) + u32(0))], ASYNC)
    counter.equal(values(packets, "emsmdb.acxh"), [rpc.HANDLE.hex(":")], "acxh")
    counter.check(values(packets, "emsmdb.pul_flags_out.notification_pending") in (["1"], ["True"]), "NotificationPending")
    counter.equal(values(packets, "emsmdb.opnum"), ["0", "0"], "opnum of AsyncEMSMDB")

    # What the sender cut is an item at its last byte; what the capture cut is none.
    whole = emsmdb.Ext2.RELEASE[1]
    pdus = [(True, rpc.request(100 + length, 11, whole[:length])) for length in range(1, len(whole))]
    packets = common.packets(tshark, Made(folder, "cut", over_tcp([*bound(calls=[]), *pdus])))
    counter.equal(len(packets), 3 + 2 + len(pdus) + 2, "cut stubs: frames")
    for length, packet in enumerate(packets[5:-2], 1):
        counter.check(any(item.name == "emsmdb.malformed" for item in packet.items), f"{length} of {len(whole)} bytes: no item")
    _, subject = one("snapped", [(11, whole, emsmdb.Ext2.RELEASE[2])])
    snapped = subject.capture.packets[5]
    for missing in (1, 5, 30, len(whole) - 1):
        packet = capfile.Packet(snapped.time, snapped.data[:-missing], snapped.length)
        cut = [*subject.capture.packets[:5], packet, *subject.capture.packets[6:]]
        packets = common.packets(tshark, Made(folder, f"snapped-{missing}", cut))
        counter.check(not [item for item in packets[5].items if item.name == "emsmdb.malformed"], f"an item for {missing} bytes not captured")

    # A call in three fragments, one of which comes in two segments.
    parts = [(True, part) for part in rpc.fragments(rpc.request, 9, 11, whole, 40)]
    packets = common.packets(tshark, Made(folder, "fragments", over_tcp([*list(bound(calls=[])), *parts], segment=50)))
    counter.equal(values(packets, "emsmdb.cb_in"), [str(size)], "three fragments: cbIn")
    no_issue(counter, packets, "three fragments")
    parts = [(True, part) for part in rpc.fragments(rpc.request, 9, 11, whole[:-3], 40)]
    packets = common.packets(tshark, Made(folder, "fragments-cut", over_tcp([*list(bound(calls=[])), *parts], segment=50)))
    counter.check([item for packet in packets for item in packet.items if item.name == "emsmdb.malformed"], "fragments of a cut stub: no item")


def test_switched(tshark, counter, _folder):
    """In one sharkd the preferences are changed and changed back: each time all is as in a fresh one."""
    subject = sample(OVER_HTTP)
    subject.options(tshark)

    def run(*states):
        talk = run_reload.Talk()
        for dissect, guess in states:
            talk.set("emsmdb.dissect", dissect)
            talk.set("emsmdb.guess", guess)
            talk.show(subject)
        return talk.run(tshark, None)

    on, off, guessing = ("TRUE", "FALSE"), ("FALSE", "FALSE"), ("TRUE", "TRUE")
    order = [on, off, on, guessing, off, off, on]
    fresh = {state: run(state)[0] for state in set(order)}
    counter.check(fresh[on] != fresh[off], "the preference changes nothing")
    for number, (state, got) in enumerate(zip(order, run(*order))):
        run_reload.alike(counter, f"state {number + 1} {state}", got, fresh[state])


def without_bind(pdus):
    return [(up, msg) for up, msg in pdus if msg.pdu["name"] in ("request", "response")]


def over_http(pdus):
    """The same on the channels of a virtual connection; the packets of the capture."""
    cap = scene.Capture("no-bind-http", "calls without their bind")
    leg = scene.Leg(cap)
    leg.establish()
    for up, msg in pdus:
        (leg.in_.up if up else leg.out.down)(msg)
    return [capfile.Packet(time, data, len(data)) for time, data in cap.frames]


def test_guess(tshark, counter, folder):
    calls = without_bind(emsmdb.captured(emsmdb.OVER_TCP)[0])
    lone = Made(folder, "no-bind", over_tcp(calls))
    rpcs = sum(msg.pdu.get("opnum") == 2 for up, msg in calls if up)
    expected = [fields for fields in stubs(common.packets(tshark, sample(OVER_TCP))) if ("mapi.opnum", "2") in fields]
    counter.check(rpcs == 5 and len(expected) >= 9, f"{rpcs} requests of EcDoRpc")
    for passes in ([], ["-2"]):
        packets = common.packets(tshark, lone, *GUESS, *passes)
        own = {"emsmdb.guessed", "emsmdb.request_in", "emsmdb.response_in", "emsmdb.time"}
        got = [[field for field in fields if field[0] not in own] for fields in stubs(packets)]
        counter.check(got == [[field for field in fields if field[0] != "mapi.opnum"] for fields in expected], f"{passes}: not as with a bind")
        counter.equal(len(values(packets, "emsmdb.guessed")), len(expected), f"{passes}: marked as guessed")
        counter.equal(len(values(packets, "emsmdb.request_in")), len(expected) - rpcs, f"{passes}: request_in")
        no_issue(counter, packets, "guessed")
    for more in (["-V"], ["-2", "-T", "json"]):
        texts = [tshark.output([*lone.options(tshark), *more], plugin=plugin) for plugin in (True, False)]
        counter.check(texts[0] == texts[1], f"without a bind {more} differs though nothing is guessed")
    packets = common.packets(tshark, Made(folder, "no-bind-http", over_http(calls)), *GUESS)
    got = [[field for field in fields if field[0] not in own] for fields in stubs(packets)]
    counter.check(got == [[field for field in fields if field[0] != "mapi.opnum"] for fields in expected], "not as with a bind over IN and OUT")
    subject = Made(folder, "not-guessed", over_tcp(bound()))
    texts = [tshark.output([*subject.options(tshark), *more, "-V"]).replace(":emsmdb:dcerpc]", ":dcerpc]") for more in (GUESS, [])]
    counter.check(texts[0] == texts[1], "a bound connection differs because something could be guessed")
    # In segments of its own, too; and with the bind of another interface nothing is guessed.
    packets = common.packets(tshark, Made(folder, "no-bind-split", over_tcp(calls, segment=60)), *GUESS)
    counter.equal(len(values(packets, "emsmdb.guessed")), len(expected), "guessed of split PDUs")
    other = [(True, rpc.bind(1)), (False, rpc.bind_ack(1)), *calls]
    packets = common.packets(tshark, Made(folder, "other-bind", over_tcp(other)), *GUESS)
    counter.equal(values(packets, "emsmdb.guessed"), [], "guessed though a bind was captured")
    # One length that does not fit.
    for at in (24 + 20, 24 + 24, 24 + 28, 24 + 32):
        up, msg = calls[2]
        damaged = bytearray(msg.data)
        damaged[at] ^= 3
        packets = common.packets(tshark, Made(folder, f"no-bind-{at}", over_tcp([(up, rpc.Msg(bytes(damaged), pdu=msg.pdu))])), *GUESS)
        counter.equal(values(packets, "emsmdb.guessed"), [], f"guessed though byte {at} is wrong")


PARTS = {name.removeprefix("test_"): test for name, test in sorted(globals().items()) if name.startswith("test_")}


def main():
    arguments = common.Arguments()
    with wsrun.Tshark() as tshark, tempfile.TemporaryDirectory() as folder:
        tshark.prove_loaded()
        parts = [common.Part(name, lambda counter, do=do: do(tshark, counter, folder)) for name, do in PARTS.items()]
        return common.run_parts(arguments.of(parts))


if __name__ == "__main__":
    sys.exit(main())
