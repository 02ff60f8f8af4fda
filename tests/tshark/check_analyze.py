"""Runs ./analyze on samples, on what is no capture, and looks for what must not be shown.

    check_analyze.py

The report must fit one screen, say who, when, which server, what and where, and never hold
a password, a token or a whole cookie.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import report
from common import capfile

ANALYZE = common.PROJECT / "tools" / "analyze.py"
SCREEN = (100, 50)
PASSWORD = "correct horse"
PLACES = "CLIENT|NETWORK DEVICE|SERVER|CANNOT TELL"
SET_COOKIE = re.compile(rb"(?im)^Set-Cookie:[ \t]*([^=;\r\n]+)=\"?([^;\"\r\n]*)")
# What the report of a sample must say, as regular expressions.
SAYS = {
    "live-split-lb": [
        r"^FAILED +1 of 1 RPC over HTTP connection\b", r"who .*example\.test\\alice \(Basic\) at 127\.0\.1\.10",
        r"-> ex1\.example\.test:6004", r"first +\d\d:\d\d:\d\d\.\d\d\dZ", r"127\.0\.0\.2:80\b", r"127\.0\.0\.3:80\b",
        r"where +NETWORK DEVICE\b.*127\.0\.0\.4", r"\binferred\b|\bseen\b", r"next ", r"\bboth directions, no gaps"],
    "live-tls13-split-lb": [r"^FAILED +1 of 1", r"where +NETWORK DEVICE", r"4 TLS connections, 4 decrypted"],
    "live-healthy": [r"^healthy +1 of 1: example\.test\\alice"],
    "live-affinity-lb": [r"^healthy +1 of 1: example\.test\\alice"],
    "live-joined-across-lb": [r"^healthy +1 of 1\b.*joined across two proxies"],
    "live-wrong-password": [r"^FAILED +1 of 1 .*refused", r"who .*example\.test\\alice", r"401", r"where +(CLIENT|SERVER)"],
    "live-refused-503": [r"^FAILED +1 of 1 .*refused", r"503"],
    "live-idle-lb": [r"^FAILED +1 of 1 .*closed while idle", r"where +NETWORK DEVICE"],
    "live-fault": [r"^NOTE +1 of 1 .*failed calls"],
    "live-lone": [r"^NOTE +1 of 1 .*one channel only"],
    "live-tls-no-keys": [r"2 TLS connections, 0 decrypted", r"handshake completed", r"longest idle",
                         r"(closed|reset) by the (client|server)", r"no RPC over HTTP connection"],
    "mapi-http-plain": [r"^healthy +1 of 1 MAPI/HTTP session: example\.test\\alice", r"^slowest +\w+, \d+ ms: session 0 leg 0"],
    "mapi-quiet-wrong-password": [r"^healthy "],
    "mapi-auth-ntlm-torn": [r"^FAILED +1 (of \d+ MAPI/HTTP sessions?|logon) torn", r"where +NETWORK DEVICE"],
    "mapi-auth-refused-basic": [r"^FAILED +1 (of \d+ MAPI/HTTP sessions?|logon) refused again and again",
                                r"where +[A-Z]"],
    "mapi-auth-slow-ntlm": [r"^NOTE +1 (of \d+ MAPI/HTTP sessions?|logon) answered slowly"],
    "mapi-verdict-lost-10": [r"^FAILED +1 of 1 MAPI/HTTP session lost", r"who .*alice.* at 10\.0\.0\.21",
                             r"first +\d\d:\d\d:\d\d\.\d\d\dZ", r"where +[A-Z]", r"next ", r"ids "],
    "mapi-verdict-expired": [r"^NOTE +1 of 1 MAPI/HTTP session used after"],
    "mapi-verdict-http-504-120s": [r"^FAILED .*cannot be the endpoint", r"504", r"where +[A-Z]"],
    "mapi-verdict-http-proven-403": [r"^FAILED .*cannot be the endpoint", r"403", r"where +NETWORK DEVICE"],
    "mapi-verdict-pending-silence": [r"^FAILED +1 of 1 MAPI/HTTP session held back"],
    "live-tls12-untrusted-ca": [r"1 TLS connection, 0 decrypted", r"handshake ended by alert unknown_ca from the client"],
    "live-tls13-untrusted-ca": [r"1 TLS connection, 0 decrypted", r"handshake ended by"],
}
THIRD_PARTY_SAYS = {
    "misroute-rpch-roundrobin": [r"^FAILED +1 of 1", r"127\.0\.0\.2:8081", r"127\.0\.0\.3:8082",
                                 r"where +NETWORK DEVICE\b.*127\.0\.0\.4"],
    "affinity-rpch-source": [r"^healthy +1 of 1"],
    "fail-rpch-badpassword-basic": [r"^FAILED +2 of 2 .*refused", r"401"],
    "rpch-exchanger-basic": [r"^healthy +2 of 2"],
    "tls-rpch-exchanger-basic": [r"^healthy +1 of 1", r"2 TLS connections, 2 decrypted"],
    "mapihttp-session": [r"^healthy +1 of 1 MAPI/HTTP session: .*alice@example\.test", r"^slowest +Execute, \d+ ms"],
    "affinity-mapihttp-source": [r"^healthy +1 of 1 MAPI/HTTP session"],
    "tls-mapihttp": [r"^healthy +2 of 2 MAPI/HTTP sessions", r"3 TLS connections, 3 decrypted"],
    "misroute-mapihttp-roundrobin": [
        r"^FAILED +2 of 2 MAPI/HTTP sessions lost", r"127\.0\.0\.3:8082",
        r"where +NETWORK DEVICE\b", r"next ", r"^slowest "],
    "fail-mapihttp-401": [r"^FAILED +1 logon refused again and again", r"who .*alice@example\.test", r"\(frame 19\)",
                          r"^healthy +1 of 1 MAPI/HTTP session"],
    "fail-mapihttp-responsecodes": [r"^FAILED .*(answered by what cannot be the endpoint|had requests refused)",
                                    r"also  3 packets with a broken MAPI/HTTP message, first frame 29"],
    "misroute-rpch-ntlm-serverclose": [r"^FAILED +1 logon torn", r"127\.0\.0\.2:8081", r"127\.0\.0\.3:8082",
                                       r"where +NETWORK DEVICE\b"],
}


def run(*args):
    process = subprocess.run([sys.executable, ANALYZE, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdin=subprocess.DEVNULL, text=True, errors="replace", cwd="/", timeout=120)
    return process.returncode, process.stdout, process.stderr


def secrets(sample):
    """Everything of the capture that no report may show."""
    found = {PASSWORD, base64.b64encode(PASSWORD.encode()).decode()}
    # The password may stand at any place of the base64.
    for shift in range(3):
        text = base64.b64encode(b"x" * shift + PASSWORD.encode()).decode()
        found.add(text[4:-4])
    # Of cookies the server set, too: a session's is a key to it.
    for tcp in capfile.connections(sample.capture):
        for name, value in SET_COOKIE.findall(bytes(tcp.halves[1].data)):
            if len(value) > 8 and not value.lower().startswith(b"deleted"):
                found.add(value.decode("latin-1"))
    return found | capfile.secrets_of(sample.capture)


def layout(counter, text):
    lines = text.splitlines()
    counter.check(lines and len(lines) <= SCREEN[1], f"{len(lines)} lines, one screen has {SCREEN[1]}")
    widest = max(map(len, lines), default=0)
    counter.check(widest <= SCREEN[0], f"a line of {widest} columns, one screen has {SCREEN[0]}")
    counter.check(all(char.isprintable() or char == "\n" for char in text), "control characters in the report")


def test(sample, counter):
    status, out, err = run(*(["-k", sample.keys] if sample.keys else []), sample.path)
    counter.equal((status, err), (0, ""), "exit status and standard error")
    layout(counter, out)
    # A password may be an English word: the file's name and the report's own sentences hold "wrong password".
    told = (out + err).replace(str(sample.path), "").replace("wrong password", "")
    for secret in secrets(sample):
        counter.check(secret not in told, f"the report shows a secret of {len(secret)} characters")
    counter.check(re.search(r"\d+ packets?, .* from \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z", out), "no duration or start")
    for pattern in SAYS.get(sample.name, []) + THIRD_PARTY_SAYS.get(sample.name, []):
        # Entries are wrapped: look in the text as lines and as one.
        joined = re.sub(r"\n {6,}", " ", out)
        counter.check(re.search(pattern, out, re.MULTILINE) or re.search(pattern, joined, re.MULTILINE),
                      f"the report does not say {pattern!r}:\n{out}")
    if sample.expect is None:
        return
    if "messages" in sample.expect:
        mapi(sample, counter, out)
        return
    failing = {(item["vc"], item["leg"]) for item in common.standing(sample.expect["items"])
               if item.get("vc") is not None and item["severity"] in ("warning", "error")
               and not item["item"].startswith("rpch.rts.")}
    counter.equal(bool(re.search(r"^FAILED ", out, re.MULTILINE)), bool(failing), "says FAILED")
    if failing:
        counter.check(re.search(rf"^  where +({PLACES}) \((seen|inferred)", out, re.MULTILINE), f"no where:\n{out}")
        counter.check(re.search(r"^  first +(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{3}Z", out, re.MULTILINE), "no absolute time")
        users = {leg["user"] for leg in sample.expect["legs"] if (leg["vc"], leg["leg"]) in failing and leg.get("user")}
        if users:
            counter.check(any(user in out for user in users), f"none of the users {sorted(users)} is named:\n{out}")
    elif sample.expect["legs"] and all(leg["opens"] for leg in sample.expect["legs"]) and not sample.expect["items"]:
        counter.check(re.search(r"^healthy ", out, re.MULTILINE), f"a healthy capture is not called healthy:\n{out}")


def mapi(sample, counter, out):
    """What every MAPI/HTTP sample's report must say, by its items."""
    # What ROPs say of how they went is no verdict.
    items = [item for item in sample.expect["items"] if not item["item"].startswith("rop.")]
    grave = {item["item"] for item in items if item["severity"] in ("warning", "error")} - {"mapihttp.malformed"}
    notes = {item["item"] for item in items if item["severity"] == "note"}
    if "mapihttp.session.expired" in notes:
        grave -= {"mapihttp.response_code.failed"}       # which the expiry explains
    tolerated = set(sample.expect["tolerated"])
    if grave or not tolerated:
        counter.equal(bool(re.search(r"^FAILED ", out, re.MULTILINE)), bool(grave), f"says FAILED:\n{out}")
    joined = re.sub(r"\n +", " ", out)
    for name in grave | notes:
        counter.check(report.HEADLINES[name] in joined or name in joined or " more in " in joined,
                      f"says nothing of {name}:\n{out}")
    if grave:
        counter.check(re.search(rf"^  where +({PLACES}) \((seen|inferred)", out, re.MULTILINE), f"no where:\n{out}")
        counter.check(re.search(r"^  first +(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{3}Z", out, re.MULTILINE), "no absolute time")
        counter.check(re.search(r"^  who +\S", out, re.MULTILINE), f"nobody is named:\n{out}")
    sessions = {row["fields"]["mapihttp.session"] for row in sample.expect["messages"] if "mapihttp.session" in row["fields"]}
    if sessions and not grave and not notes and not tolerated:
        counter.check(re.search(rf"^healthy +{len(sessions)} of {len(sessions)} MAPI/HTTP session", out, re.MULTILINE),
                      f"{len(sessions)} healthy sessions are not called healthy:\n{out}")
    if any(row["to"] == "client" and row["fields"].get("mapihttp.session") and row["fields"].get("mapihttp.request_in")
           for row in sample.expect["messages"]):
        counter.check(re.search(r"^slowest +\w+, [\d.]+ (ms|s|min)", out, re.MULTILINE), f"no slowest request:\n{out}")
    if any(item["item"] == "mapihttp.malformed" for item in sample.expect["items"]):
        counter.check("with a broken MAPI/HTTP message" in out, f"does not count the broken message:\n{out}")


def default(counter):
    status, out, _ = run()
    counter.equal(status, 0, "without a capture: exit status")
    counter.check("split-lb" in out and re.search(r"^FAILED ", out, re.MULTILINE), f"not the mis-routed sample:\n{out}")


def bad_input(counter, folder):
    """Cut, empty, missing and foreign files: a sentence, an exit status, no traceback."""
    whole = (common.places.folder("live-healthy") / "capture.pcapng").read_bytes()
    cases = {"cut.pcapng": whole[:len(whole) - 37], "cut-early.pcapng": whole[:300], "empty.pcapng": b"",
             "text.pcapng": b"no capture at all\n" * 20, "header-only.pcap": bytes.fromhex(
                 "d4c3b2a1020004000000000000000000ffff000001000000")}
    for name, data in cases.items():
        path = folder / name
        path.write_bytes(data)
        status, out, err = run(path)
        counter.check("Traceback" not in err + out, f"{name}: a traceback:\n{err}")
        counter.check(name in out + err and len(out.splitlines()) <= SCREEN[1], f"{name}: does not name the file:\n{out}{err}")
        if name != "header-only.pcap":
            counter.check(status != 0, f"{name}: exit status 0")
    status, out, _ = run(folder / "cut.pcapng")
    counter.check(re.search(r"cut short|truncated", out), f"cut.pcapng: does not say that it is cut:\n{out}")
    counter.check(re.search(r"packets, ", out), f"cut.pcapng: what could be read is not reported:\n{out}")
    status, out, err = run(folder / "missing.pcapng", common.places.folder("live-healthy") / "capture.pcapng")
    counter.check(status != 0 and "missing.pcapng" in out + err, "missing.pcapng is not reported")
    counter.check("healthy  1 of 1" in out, "after a missing file the next capture is not read")
    status, out, err = run("-k", folder / "missing.keys", folder / "cut.pcapng")
    counter.check(status != 0 and "Traceback" not in err, f"a missing key log: {err}")


def hostile(counter, folder):
    """What a client writes must not reach the terminal as control characters, and users do not identify."""
    sample = common.samples("live-split-lb")[0]
    capture = capfile.load(sample.path)
    evil = b"ex1.\x1b[2J\x07\xff.test"
    for packet in capture.packets:
        packet.data = packet.data.replace(b"ex1.example.test", evil.ljust(16, b"x")[:16])
    path = folder / "hostile.pcapng"
    capfile.save(path, capture)
    _, out, err = run(path)
    counter.check("Traceback" not in err, f"hostile.pcapng: a traceback:\n{err}")
    layout(counter, out)


def many(counter, folder):
    """Forty connections that fail alike are one group."""
    sample = common.samples("live-split-lb")[0]
    capture = capfile.load(sample.path)
    packets = []
    for number in range(40):
        copy = []
        for packet in capture.packets:
            data = packet.data
            for cookie in {cookie for walk in sample.walks for pdu in walk.pdus for cookie in cookies_of(pdu)}:
                data = data.replace(cookie, bytes([cookie[0] ^ number, *cookie[1:]]))
            copy.append(capfile.Packet(packet.time + number * 60 * 10**9, data, packet.length, packet.link))
        moved = list(copy)
        for tcp in capfile.connections(capfile.Capture(copy)):
            client = (tcp.client[0], 1024 + (tcp.client[1] + number * 997) % 60000)
            for index, way, seg in tcp.segments:
                ends = (client, tcp.server) if way == 0 else (tcp.server, client)
                moved[index] = capfile.rebuild(copy[index], seg, source=ends[0], target=ends[1])
        packets += moved
    path = folder / "many.pcapng"
    capfile.save(path, capfile.Capture(packets))
    status, out, err = run(path)
    counter.equal((status, err), (0, ""), "many.pcapng: exit status and standard error")
    layout(counter, out)
    counter.check(re.search(r"^FAILED +40 of 40 ", out, re.MULTILINE), f"many.pcapng: not folded into one:\n{out}")


def cookies_of(pdu):
    import plain
    return plain.cookies(pdu) if pdu.ptype == capfile.RTS else []


class Named:
    def __init__(self, name, function):
        self.name, self.function = name, function


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subjects = common.samples(kind="dissection") + common.third_party()
        subjects += [Named("no capture named", default), Named("bad input", lambda counter: bad_input(counter, folder)),
                     Named("hostile text", lambda counter: hostile(counter, folder)),
                     Named("many connections", lambda counter: many(counter, folder))]
        return common.run_all(lambda subject, counter: subject.function(counter) if isinstance(subject, Named)
                              else test(subject, counter), subjects)


if __name__ == "__main__":
    sys.exit(main())
