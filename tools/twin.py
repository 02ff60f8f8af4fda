"""Makes the decrypted twin of a capture: the same packets with what TLS carried as plain TCP.

    twin.py [-k KEYLOG] CAPTURE TWIN

tshark decrypts, without the plugin; ports 443 become 80. What was TLS's own (handshake,
alerts) becomes an empty segment, so frame numbers and times stay. A record that several
segments carry stands whole in the last of them.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import bisect
import re
import sys

import capfile
import wsrun

APPLICATION_DATA = 23
DUMP = re.compile(r"^[0-9a-f]{4,}  ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: |$)")
SOURCE = re.compile(r"^([A-Z][^()]*) \((\d+) bytes\):$")


def decrypted(tshark, capture, keylog):
    """{frame: [bytes]} of decrypted application data, and the set of frames with TLS in them."""
    options = ["-n", "-o", f"tls.keylog_file:{keylog}"] if keylog else ["-n"]
    text = tshark.output(["-r", capture, *options, "-T", "fields", "-e", "frame.number", "-e",
                          "tls.record.content_type", "-e", "frame.protocols"], plugin=False)
    kinds, tls = {}, set()
    for line in text.splitlines():
        frame, types, protocols = line.split("\t")
        kinds[int(frame)] = [int(kind) for kind in types.split(",") if kind]
        if re.search(r":(tls|ssl)\b", protocols):
            tls.add(int(frame))
    text = tshark.output(["-r", capture, *options, "-P", "-x", "-o", 'gui.column.format:"F","%m"'], plugin=False)
    sources, frame, name = {}, 0, ""
    for line in text.splitlines():
        if match := DUMP.match(line):
            if name == "Decrypted TLS":
                sources[frame][-1] += bytes.fromhex(match[1])
        elif match := SOURCE.match(line):
            name = match[1]
            if name == "Decrypted TLS":
                sources.setdefault(frame, []).append(bytearray())
        elif line.strip().isdecimal():
            frame, name = int(line), ""
    out = {}
    for frame, found in sources.items():
        # Records that were decrypted follow those that were not.
        of_frame = kinds[frame][len(kinds[frame]) - len(found):]
        data = [bytes(part) for kind, part in zip(of_frame, found) if kind == APPLICATION_DATA]
        if data:
            out[frame] = data
    return out, tls


def make(tshark, path, keylog=None):
    """Returns the twin as a capfile.Capture."""
    capture = capfile.load(path)
    readable = tshark.private_copy(path)
    keylog = tshark.private_copy(keylog) if keylog else None
    try:
        plain, tls = decrypted(tshark, readable, keylog)
    finally:
        readable.unlink()
        if keylog:
            keylog.unlink()
    packets = list(capture.packets)
    for tcp in capfile.connections(capture):
        if any(index + 1 in tls for index, _, _ in tcp.segments):
            strip(packets, tcp, plain, tls)
    return capfile.Capture(packets)


def strip(packets, tcp, plain, tls):
    first = min(index for index, _, _ in tcp.segments if index + 1 in tls)
    started = [None, None]           # the sequence number at which TLS starts
    ends, totals = [[], []], [[], []]        # where a segment ended in the capture and in the twin
    server = (tcp.server[0], 80 if tcp.server[1] == 443 else tcp.server[1])

    def number(way, seq):
        """The twin's number for one of the capture."""
        if started[way] is None or (seq - started[way] & 0xffffffff) >= 2**31:
            return seq
        at = bisect.bisect_right(ends[way], seq - started[way] & 0xffffffff) - 1
        return started[way] + (totals[way][at] if at >= 0 else 0) & 0xffffffff

    for index, way, seg in tcp.segments:
        packet = packets[index]
        data = None
        if index >= first and seg.length:
            if started[way] is None:
                started[way] = seg.seq
            data = b"".join(plain.get(index + 1, []))
        seq, ack = number(way, seg.seq), number(1 - way, seg.ack)
        source, target = (seg.source, server) if way == 0 else (server, seg.target)
        packets[index] = capfile.rebuild(packet, seg, data, seq, ack, source, target)
        if data is not None:
            end = seg.seq + seg.length - started[way] & 0xffffffff
            if not ends[way] or end > ends[way][-1]:
                ends[way].append(end)
                totals[way].append((totals[way][-1] if totals[way] else 0) + len(data))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", metavar="KEYLOG")
    parser.add_argument("capture")
    parser.add_argument("twin")
    options = parser.parse_args()
    with wsrun.Tshark() as tshark:
        capfile.save(options.twin, make(tshark, options.capture, options.k))


if __name__ == "__main__":
    sys.exit(main())
