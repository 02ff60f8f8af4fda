"""Writes expect.json of the live samples named: what the server logged, and verdicts judged by hand.

The PDUs come from pdus.jsonl, so they are what was sent and not what a dissector made of
it. tshark is used without the plugin and only to find stream and frame numbers. The
verdicts stand in the table below, each with the rule it follows; samples without a row
must show no rpch.* or outlook.* item at all.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import json
import pathlib
import subprocess
import sys

RTS = {"CONN/A1", "CONN/A3", "CONN/B1", "CONN/C2", "Ping", "Keep-Alive", "FlowControlAck",
       "FlowControlAckWithDestination"}

# Sample -> (item, severity, leg, filter for the frame: first match; {in} and {out} are tcp.stream of that leg).
# On a leg behind the balancer the halves are on 127.0.0.2 and 127.0.0.3.
# Both first PDUs are there within a second and C2 never comes: the leg's first frame after five more seconds.
LATER = "(tcp.stream=={in} || tcp.stream=={out}) && frame.time_relative > 5"
SPLIT = [
    ("rpch.routing.never_joined", "warning", 0, LATER),
    ("rpch.routing.proxies_differ", "note", 1, "tcp.stream=={in} && {b1}"),
    ("rpch.routing.backend_mismatch", "warning", 1, LATER),
]
# The server closes OUT after 8 s.
LATE_FIN = "tcp.stream=={out} && tcp.flags.fin==1"
LATE_200 = "http.response.code==200 && ip.src==127.0.0.4"
VERDICTS = {
    "live-haproxy-roundrobin": SPLIT,
    # IN's body is acknowledged and no connection behind the device brings it: the first frame two seconds later.
    "live-haproxy-request-buffered": [
        ("rpch.channel.buffered", "warning", 1, LATE_FIN), ("rpch.channel.lone", "note", 1, LATE_FIN),
        ("rpch.routing.never_joined", "warning", 0, LATE_FIN),
    ],
    # The same, and the device passes the response on when the server closes: the logon looks slow, too.
    "live-nginx-buffered": [
        ("rpch.channel.buffered", "warning", 1, LATE_FIN), ("rpch.channel.lone", "note", 1, LATE_FIN),
        ("rpch.channel.buffered", "warning", 0, LATE_200), ("outlook.auth.slow", "note", None, LATE_200),
    ],
    # HAProxy's own 504 ends the open IN.
    "live-haproxy-timeout": [("rpch.channel.refused", "warning", 0, "http.response.code==504")],
    # The client gives up: nothing of the response has come.
    "live-nginx-response-buffered": [("rpch.channel.buffered", "warning", 0, LATE_FIN)],
    "live-basic-after-401": [("outlook.auth.downgraded", "note", None, "http.response.code==401")],
    "live-split-lb": SPLIT,
    "live-tls13-split-lb": SPLIT,
    "live-joined-across-lb": [
        ("rpch.routing.proxies_differ", "note", 1, "tcp.stream=={in} && {b1}"),
        ("rpch.routing.joined_across_proxies", "chat", 1, "tcp.stream=={out} && tcp.srcport==80 && tcp.len==44"),
    ],
    # Final credentials answered by 401; no lone beside it.
    "live-wrong-password": [("rpch.channel.refused", "warning", 0, "http.response.code==401")],
    "live-refused-503": [("rpch.channel.refused", "warning", 0, "http.response.code==503")],
    "live-fault": [("rpch.call.failed", "note", 0, "tcp.stream=={out} && tcp.srcport==80 && tcp.len==32")],
    "live-bind-nak": [("rpch.call.failed", "note", 0, "tcp.stream=={out} && tcp.srcport==80 && tcp.len==24")],
    # IN is closed and OUT was never opened.
    "live-lone": [("rpch.channel.lone", "note", 0, "tcp.stream=={in} && tcp.flags.fin==1")],
    # On the client's leg the server's end closes; on the other one the balancer is the client and closes itself.
    "live-idle-lb": [("rpch.channel.idle_closed", "warning", 0,
                      "tcp.stream=={out} && tcp.flags.fin==1 && ip.src==127.0.0.4")],
}
B1, PING = {"to": "server", "name": "CONN/B1", "length": 104}, {"to": "server", "name": "Ping", "length": 20}
SEEN, INFERRED, UNKNOWN = "NETWORK DEVICE (seen)", "NETWORK DEVICE (inferred)", "CANNOT TELL"
# Who is to blame: the device did it, and what of that the capture shows.
BLAME = {
    "live-haproxy-roundrobin": {
        ("rpch.routing.proxies_differ", 1): SEEN, ("rpch.routing.backend_mismatch", 1): SEEN,
        ("rpch.routing.never_joined", 0): SEEN,
    },
    "live-haproxy-request-buffered": {
        ("rpch.channel.buffered", 1): INFERRED, ("rpch.channel.lone", 1): UNKNOWN,
        ("rpch.routing.never_joined", 0): INFERRED,
    },
    "live-nginx-buffered": {
        ("rpch.channel.buffered", 1): INFERRED, ("rpch.channel.buffered", 0): SEEN,
        ("rpch.routing.never_joined", 0): INFERRED, ("outlook.auth.slow", None): SEEN,
    },
    "live-haproxy-timeout": {("rpch.channel.refused", 0): SEEN},
    "live-nginx-response-buffered": {
        ("rpch.channel.buffered", 0): SEEN, ("rpch.routing.never_joined", 0): SEEN,
    },
}
# Real devices write heads of their own (100, 4xx, 5xx), so heads are not compared before them. What one kept to itself:
# PDUs of the client that no server logged, and names of what the client never got.
DEVICES = {
    "live-haproxy-source": {}, "live-haproxy-roundrobin": {}, "live-nginx-unbuffered": {}, "live-apache": {},
    "live-haproxy-request-buffered": {"IN": ([B1], ())}, "live-nginx-buffered": {"IN": ([B1], ())},
    "live-haproxy-timeout": {"IN": ([PING], ())},
    "live-nginx-response-buffered": {"OUT": ([], ("CONN/A3", "CONN/C2"))},
}
# Neither asked for nor forbidden: IN's other half was refused, and nothing ties the two requests together.
TOLERATED = {"live-refused-503": ["rpch.channel.lone"]}


class Sample:
    def __init__(self, folder):
        self.folder = folder
        keys = folder / "capture.keys"
        self.keys = ["-o", f"tls.keylog_file:{keys}"] if keys.exists() else []
        self.log = [json.loads(line) for line in (folder / "pdus.jsonl").read_text().splitlines()] \
            if (folder / "pdus.jsonl").exists() else []

    def tshark(self, display_filter, *fields):
        command = ["tshark", "-r", self.folder / "capture.pcapng", *self.keys, "-Y", display_filter, "-T", "fields"]
        for field in fields:
            command += ["-e", field]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        return [line.split("\t") for line in out.splitlines()]

    def connections(self):
        """A list of connections in stream order; the legs before a balancer get the log of the legs behind it."""
        syns = self.tshark("tcp.flags.syn==1 && tcp.flags.ack==0", "tcp.stream", "ip.src", "ipv6.src", "tcp.srcport",
                           "ip.dst", "ipv6.dst", "tcp.dstport")
        found, front = [], []
        for stream, source4, source6, source_port, server4, server6, port in syns:
            client = f"{source4 or source6}:{source_port}"
            entries = [entry for entry in self.log if entry["client"] == client]
            server = f"[{server6}]:{port}" if server6 else f"{server4}:{port}"
            connection = {"stream": int(stream), "client": client, "server": server, "log": entries, "leg": 0}
            found.append(connection)
            if not entries:
                front.append(connection)
        behind = [connection for connection in found if connection["log"]]
        if self.folder.name in DEVICES:
            self.through_device(front, behind)
        elif behind and front:
            if len(behind) != len(front):
                raise SystemExit(f"{self.folder.name}: {len(front)} connections before {len(behind)} on the balancer")
            for one, other in zip(front, behind):
                one["log"], other["leg"] = other["log"], 1
        return found

    def through_device(self, front, behind):
        """Halves belong together by their method: a device may open its connections late, or never."""
        for one in front:
            stream, = self.tshark(f"tcp.stream=={one['stream']} && http.request", "http.request.method")[:1]
            half = stream[0][4:-5]
            more, kept = DEVICES[self.folder.name].get(half, ([], ()))
            for other in behind:
                if other["log"][0]["method"] == stream[0]:
                    other["leg"] = 1
                    one["log"] = [entry for entry in other["log"] if entry["what"] not in kept]
            one["half"], one["more"] = half, more

    def expect(self):
        decrypted = not self.log or self.keys or b"CLIENT_" in (self.folder / "capture.pcapng").read_bytes() \
            or all(not entry["server"].endswith(":443") for entry in self.log)
        rows, legs = [], {}
        for connection in self.connections():
            row = {key: connection[key] for key in ("stream", "client", "server")}
            requests = [entry for entry in connection["log"] if entry["what"] == "HTTP request"]
            if (requests or "half" in connection) and decrypted:
                channel = connection.get("half") or requests[-1]["method"][4:-5]
                row.update(channel=channel, vc=0, leg=connection["leg"])
                if "half" not in connection:
                    row["http"] = [{"to": "server", "method": entry["method"]} if entry["way"] == "recv" else
                                   {"to": "client", "status": int(entry["what"].split()[1])}
                                   for entry in connection["log"] if entry["what"].startswith("HTTP ")]
                row["pdus"] = [self.pdu(entry) for entry in connection["log"]
                               if entry["what"] in RTS or "call" in entry] + connection.get("more", [])
                legs.setdefault(connection["leg"], {})[channel.lower()] = connection
            rows.append(row)
        expect = {"keys": self.folder.joinpath("capture.keys").exists() and "capture.keys" or None,
                  "connections": rows, "legs": [], "items": [], "tolerated": TOLERATED.get(self.folder.name, [])}
        for number, leg in sorted(legs.items()):
            joined = "out" in leg and any(entry["what"] == "CONN/C2" for entry in leg["out"]["log"])
            joined &= "CONN/C2" not in DEVICES.get(self.folder.name, {}).get("OUT", ((), ()))[1] or number > 0
            opened = [half for half in leg if "half" in leg[half]
                      or any(entry["what"] in ("CONN/A1", "CONN/B1") for entry in leg[half]["log"])]
            expect["legs"].append({"vc": 0, "leg": number, "opens": joined, "target": "ex1.example.test:6004",
                                   "user": "example.test\\alice",
                                   **{f"{half}_peer": leg[half]["server"] for half in sorted(opened)},
                                   **{f"{half}_stream": leg[half]["stream"] for half in sorted(opened)}})
        for item, severity, number, where in VERDICTS.get(self.folder.name, []):
            streams = {half: legs[number][half]["stream"] for half in legs.get(number, {})}
            # CONN/B1 is 104 bytes; a TLS 1.3 record adds its content type and a 16-byte tag.
            b1 = "tls.record.length==121" if self.keys else "tcp.len==104"
            frames = self.tshark(where.format(**streams, b1=b1), "frame.number")
            if not frames:
                raise SystemExit(f"{self.folder.name}: no frame for {item}")
            row = {"item": item, "severity": severity, "frame": int(frames[0][0])}
            if number is not None:   # before a virtual connection is numbered
                row.update(vc=0, leg=number)
            if (item, number) in BLAME.get(self.folder.name, ()):
                row["where"] = BLAME[self.folder.name][item, number]
            expect["items"].append(row)
        expect["items"].sort(key=lambda item: item["frame"])
        return expect

    @staticmethod
    def pdu(entry):
        pdu = {"to": "server" if entry["way"] == "recv" else "client", "name": entry["what"], "length": entry["length"]}
        for key in ("call", "opnum", "flags", "status", "reason", "bytes_received"):
            if key in entry:
                pdu[key] = entry[key]
        return pdu


def main():
    for name in sys.argv[1:]:
        folder = pathlib.Path(name)
        expect = Sample(folder).expect()
        (folder / "expect.json").write_text(json.dumps(expect, indent=1) + "\n")
        print(f"{folder.name}: {len(expect['connections'])} connections, "
              f"{sum(len(row.get('pdus', [])) for row in expect['connections'])} PDUs, "
              f"items {[(item['item'], item['frame']) for item in expect['items']]}")


if __name__ == "__main__":
    main()
