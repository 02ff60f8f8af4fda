"""Lists what Wireshark's own dissector makes of the stubs of EcDoConnect, EcDoConnectEx, EcDoRpc and EcDoRpcExt2, and where this plugin
differs: the table of docs/stock.md. Run by hand, with Wireshark 4.4 or 4.6 (tools/root.sh run sid ...); no test depends on it.

    list_stock_emsmdb.py [SAMPLE ...]

Each sample is dissected with emsmdb.dissect off, which is stock's tree, and on. Of a row: stubs of EcDoConnect(Ex), and how many stock calls
malformed; requests with ROPs, how many are malformed, and of how many stock names other ROPs than are there; responses alike, and how many
have another return value than was sent.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import pathlib
import re
import sys
from xml.etree import ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "synth"))
import common
import emsmdb
import rpc
import sealing
import wsrun

CONNECT, ROPS = ("EcDoConnect", "EcDoConnectEx"), ("EcDoRpc", "EcDoRpcExt2")
ROP_IDS = re.compile(r"^mapi\..*(RopId|EcDoRpcMapi(Request|Response)\.opnum)$")


def number(text):
    found = re.search(r"0x([0-9a-fA-F]+)", text)
    return int(found[1], 16) if found else int(re.search(r"\d+", text)[0])


def stubs(tshark, sample, on, secrets):
    """{frame: (fields with what they show, whether it is malformed)}"""
    found = {}
    options = [*sample.options(tshark), *secrets, "-o", f"emsmdb.dissect:{'TRUE' if on else 'FALSE'}", "-Y", "mapi.opnum", "-T", "pdml"]
    for packet in ElementTree.fromstring(tshark.output(options)):
        fields, malformed = collections.defaultdict(list), False
        for field in packet.iter():
            malformed |= field.get("name", "").startswith("_ws.malformed")
            fields[field.get("name", "")].append(field.get("showname") or field.get("show") or "")
        found[fields["frame.number"][0]] = fields, malformed
    return found


def count(stock, ours):
    counts = collections.Counter()
    for frame, (fields, malformed) in stock.items():
        method = re.search(r": (\w+)", fields["mapi.opnum"][0])[1]
        kind = "connect" if method in CONNECT else None
        if method in ROPS:
            kind = "request" if "Request" in fields["dcerpc.pkt_type"][0] else "response"
            theirs = [number(text) for name, texts in fields.items() if ROP_IDS.match(name) for text in texts]
            counts[f"{kind} ROPs"] += theirs != [number(text) for text in ours[frame][0]["rop.id"]]
        if not kind:
            continue
        counts[kind] += 1
        counts[f"{kind} malformed"] += malformed
        told, sent = fields["mapi.werror"][-1:], ours[frame][0]["emsmdb.return_value"][-1:]
        counts[f"{kind} code"] += bool(sent) and not malformed and number((told or ["0"])[0]) != number(sent[0])
    return counts


def main():
    rows = {}
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        keytab = tshark.private_copy(emsmdb.BY_KERBEROS.parent / "service.keytab")
        secrets = ["-o", f"ntlmssp.nt_password:{sealing.PASSWORD}", "-o", "kerberos.decrypt:TRUE", "-o", f"kerberos.file:{keytab}"]
        for sample in common.samples(*sys.argv[1:], kind=None):
            if rpc.EMSMDB[0].bytes_le in sample.path.read_bytes():
                counts = count(stubs(tshark, sample, False, secrets), stubs(tshark, sample, True, secrets))
                rows.setdefault(tuple(counts[key] for key in (
                    "connect", "connect malformed", "request", "request malformed", "request ROPs", "response", "response malformed",
                    "response ROPs", "response code")), []).append(sample.name)
    for (connect, broken, asked, *asked_ill, told, bad, other, code), names in sorted(rows.items()):
        if connect or asked or told:
            print(f"| {', '.join(f'`{name}`' for name in names)} | {connect} ({broken}) | {asked} ({asked_ill[0]}, {asked_ill[1]}) | "
                  f"{told} ({bad}, {other}, {code}) |")


if __name__ == "__main__":
    main()
