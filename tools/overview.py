"""What a capture is: time, TCP connections, gaps, and the TLS that stays closed.

Fed one packet at a time; keeps some hundred bytes for each TCP connection and nothing for a
packet.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import datetime
import re

ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure",
    42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
    46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
    51: "decrypt_error", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 90: "user_canceled", 109: "missing_extension", 110: "unsupported_extension",
    112: "unrecognized_name", 116: "certificate_required", 120: "no_application_protocol",
}
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
# TLS 1.3 hides the handshake: the client's Finished is the first record this long, an
# alert has 19 bytes (RFC 8446 5.2: content, its type, 16 bytes of tag).
FINISHED_MIN = 53

FIELDS = [
    "frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "frame.protocols", "tcp.stream",
    "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.len",
    "tcp.analysis.lost_segment", "tcp.analysis.ack_lost_segment", "tls.record.content_type",
    "tls.record.opaque_type", "tls.record.length", "tls.handshake.type", "tls.handshake.extensions_server_name",
    "tls.handshake.extensions.supported_version", "tls.alert_message.desc",
]


def epoch(text):
    """Seconds since 1970, from a number or, as tshark may also print it, an ISO time."""
    try:
        return float(text)
    except ValueError:
        pass
    match = re.match(r"(\d+-\d+-\d+T\d+:\d+:\d+)(\.\d+)?Z?$", text)
    if not match:
        return None
    whole = datetime.datetime.fromisoformat(match[1]).replace(tzinfo=datetime.timezone.utc).timestamp()
    return whole + float(match[2] or 0)


def utc(seconds, date=False):
    """12:34:56.789Z, with the date on request."""
    milliseconds = round(seconds * 1000)
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=milliseconds)
    text = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    return f"{moment:%Y-%m-%d} {text}" if date else text


def span(seconds):
    """A length of time: 850 ms, 12.3 s, 4 min 5 s, 3 h 2 min."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def count(number, noun, plural=None):
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def numbers(text, base=10):
    return [int(part, 0 if part.startswith("0x") else base) for part in text.split("\x1f") if part]


class Tcp:
    """One TCP connection. Ends are (address, port); side 0 is the client."""

    __slots__ = ("ends", "sure", "seen", "gaps", "last_data", "idle", "closed", "tls", "hello", "version13",
                 "cipher", "finished", "plain_alert", "hidden_alert", "decrypted", "server_name")

    def __init__(self, source, target):
        self.ends = [source, target]
        self.sure = False            # who the client is
        self.seen = [False, False]
        self.gaps = 0
        self.last_data = None
        self.idle = 0.0
        self.closed = None           # (side, "FIN" or "RST"), of the first
        self.tls = self.decrypted = False
        self.hello = [False, False]
        self.version13 = False
        self.cipher = [False, False]
        self.finished = False
        self.plain_alert = None      # (side, number)
        self.hidden_alert = None     # side
        self.server_name = ""

    def swap(self):
        """The first packet was the server's. Only before anything but seen is set."""
        self.ends.reverse()
        self.seen.reverse()
        self.cipher.reverse()
        self.hello.reverse()
        if self.closed:
            self.closed = (1 - self.closed[0], self.closed[1])
        if self.plain_alert:
            self.plain_alert = (1 - self.plain_alert[0], self.plain_alert[1])
        if self.hidden_alert is not None:
            self.hidden_alert = 1 - self.hidden_alert

    def end_text(self):
        side, how = self.closed or (None, None)
        if how is None:
            return "open at the end of the capture"
        return ("closed" if how == "FIN" else "reset") + " by the " + ("client", "server")[side]

    def handshake_text(self):
        if not any(self.hello):
            return "handshake not captured"
        if self.plain_alert and self.plain_alert[1] != 0 and not self.finished:
            side, number = self.plain_alert
            return f"handshake ended by alert {ALERTS.get(number, number)} from the {('client', 'server')[side]}"
        if self.finished or (not self.version13 and all(self.cipher)):
            return "handshake completed"
        if self.hidden_alert is not None:
            return f"handshake ended by an encrypted alert from the {('client', 'server')[self.hidden_alert]}"
        if not self.hello[1]:
            return "no answer to the ClientHello"
        return "handshake not completed"


class Overview:
    def __init__(self):
        self.packets = self.cut = 0
        self.first = self.last = None
        self.tcp = {}

    def packet(self, row):
        """row: {field: text} of FIELDS; several values are parted by \\x1f."""
        self.packets += 1
        when = epoch(row["frame.time_epoch"])
        if when is not None:
            self.first = when if self.first is None else min(self.first, when)
            self.last = when if self.last is None else max(self.last, when)
        if row["frame.cap_len"] != row["frame.len"]:
            self.cut += 1
        if not row["tcp.stream"] or when is None:
            return
        # Of tunnels the innermost header counts: its values come last.
        stream = numbers(row["tcp.stream"])[-1]
        source = ((row["ip.src"] or row["ipv6.src"]).split("\x1f")[-1], numbers(row["tcp.srcport"])[-1])
        target = ((row["ip.dst"] or row["ipv6.dst"]).split("\x1f")[-1], numbers(row["tcp.dstport"])[-1])
        flags = numbers(row["tcp.flags"])[-1]
        tcp = self.tcp.get(stream)
        if tcp is None:
            tcp = self.tcp[stream] = Tcp(source, target)
            if flags & (SYN | ACK) != SYN and source[1] < target[1]:
                tcp.swap()
        if not tcp.sure and flags & SYN:
            if (flags & ACK == 0) != (tcp.ends[0] == source):
                tcp.swap()
            tcp.sure = True
        side = 0 if source == tcp.ends[0] else 1
        tcp.seen[side] = True
        if row["tcp.analysis.lost_segment"] or row["tcp.analysis.ack_lost_segment"]:
            tcp.gaps += 1
        length = numbers(row["tcp.len"])[-1] if row["tcp.len"] else 0
        end = "RST" if flags & RST else "FIN" if flags & FIN else None
        if (length or end) and tcp.closed is None:
            if tcp.last_data is not None:
                tcp.idle = max(tcp.idle, when - tcp.last_data)
            tcp.last_data = when
        if row["tls.record.content_type"] or row["tls.record.opaque_type"]:
            self.tls(tcp, side, row)
        if end and tcp.closed is None:
            tcp.closed = (side, end)

    @staticmethod
    def tls(tcp, side, row):
        tcp.tls = True
        for kind in numbers(row["tls.handshake.type"]):
            if kind == 1:
                if side == 1 and not tcp.sure:
                    tcp.swap()
                    side = 0
                tcp.sure = True
                tcp.hello[0] = True
            elif kind == 2:
                tcp.hello[1] = True
                tcp.version13 |= 0x0304 in numbers(row["tls.handshake.extensions.supported_version"])
            elif kind == 20:
                tcp.decrypted = True
        if row["tls.handshake.extensions_server_name"]:
            tcp.server_name = row["tls.handshake.extensions_server_name"].split("\x1f")[0]
        if re.search(r":tls:.*\b(http|http2|rpch)\b", row["frame.protocols"]):
            tcp.decrypted = True
        if 20 in numbers(row["tls.record.content_type"]):
            tcp.cipher[side] = True
        if row["tls.alert_message.desc"] and tcp.plain_alert is None:
            tcp.plain_alert = (side, numbers(row["tls.alert_message.desc"])[0])
        if tcp.version13 and row["tls.record.opaque_type"] and not tcp.finished:
            lengths = numbers(row["tls.record.length"])
            hidden = lengths[-len(numbers(row["tls.record.opaque_type"])):]
            if side == 0 and any(length >= FINISHED_MIN for length in hidden):
                tcp.finished = True
            elif lengths and lengths[-1] == 19:
                tcp.hidden_alert = side

    # ---- Text ---------------------------------------------------------------------------

    def lines(self, name, problem=""):
        if not self.packets:
            return [f"{name}: {problem or 'no packets'}"]
        out = [name, f"  {count(self.packets, 'packet')}, {span(self.last - self.first)} "
               f"from {utc(self.first, date=True)}"]
        if problem:
            out.append(f"  note: {problem}")
        if not self.tcp:
            return out + ["  no TCP"]
        one_way = sum(not all(tcp.seen) for tcp in self.tcp.values())
        if not one_way:
            ways = "both directions"
        elif one_way == len(self.tcp):
            ways = "ONE direction only"
        else:
            ways = f"ONE direction only of {one_way:,}"
        gaps = sum(tcp.gaps for tcp in self.tcp.values())
        gappy = sum(tcp.gaps > 0 for tcp in self.tcp.values())
        text = f"  {count(len(self.tcp), 'TCP connection')}, {ways}, "
        text += f"{count(gaps, 'gap')} in {count(gappy, 'connection')}" if gaps else "no gaps"
        if self.cut:
            text += f", {count(self.cut, 'packet')} cut by the snap length"
        out.append(text)
        encrypted = [tcp for tcp in self.tcp.values() if tcp.tls]
        if encrypted:
            decrypted = sum(tcp.decrypted for tcp in encrypted)
            out.append(f"  {count(len(encrypted), 'TLS connection')}, {decrypted:,} decrypted")
            out += self.closed_tls([tcp for tcp in encrypted if not tcp.decrypted])
        return out

    @staticmethod
    def closed_tls(connections):
        """Those that could not be decrypted, alike ones in one line, the worst first."""
        groups = collections.defaultdict(list)
        for tcp in connections:
            groups[(tcp.ends[1], tcp.server_name, tcp.handshake_text(), tcp.end_text())].append(tcp)
        order = sorted(groups.items(), key=lambda item: (item[0][2] == "handshake completed", -len(item[1])))
        out = []
        for ((address, port), name, handshake, end), members in order[:6]:
            host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            times = f"{len(members):,} x " if len(members) > 1 else ""
            out.append(f"   {times}{name + ' at ' if name else ''}{host}: {handshake}, "
                       f"longest idle {span(max(tcp.idle for tcp in members))}, {end}")
        if len(order) > 6:
            out.append(f"   and {sum(len(members) for _, members in order[6:]):,} more")
        return out
