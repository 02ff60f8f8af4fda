"""Cuts every segment of small samples at every length, as a snap length would: tshark ends in time, shows every frame,
and no stretch of bytes keeps the plugin where it is.

    run_snapped.py [SAMPLE ...]

A sample is copied once for each cut, with addresses of its own, into one capture. What the bytes carry is not compared
here: the samples do that. The plugin reports a stretch that it does not move on in as a dissector bug, which ends
tshark here.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import dataclasses
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import capfile
import wsrun

# Bodies that end in a segment, in each way that a body may be framed, of both protocols, to and from the server.
SAMPLES = ("bad-snapped-bodies", "foreign-connect", "live-refused-503", "seg-request-after", "seg-server-6004", "seg-v1",
           "seg-chunked-both", "mapi-verdict-http-200-html", "mapi-http-pending", "mapi-http-length")
SECONDS = 300
CAPTURED_MOST = 1000                 # cuts of longer segments are left out: heads and bodies of samples are shorter


def cuts(capture):
    """Each cut as the bytes of the payload that are kept, by the index of the packet: of one segment, then of all."""
    sizes = {}
    for index, packet in enumerate(capture.packets):
        segment = capfile.segment(packet)
        if segment and segment.captured:
            sizes[index] = min(segment.captured, CAPTURED_MOST)
    for index, size in sizes.items():
        for kept in range(size):
            yield {index: kept}
    for kept in range(max(sizes.values())):
        yield {index: kept for index, size in sizes.items() if size > kept}


def copy_of(packet, number):
    """The packet of another pair of hosts: IPv4 only, checksums are not looked at."""
    segment = capfile.segment(packet)
    if segment is None or packet.data[segment.ip] >> 4 != 4:
        return packet
    data = bytearray(packet.data)
    for at in (segment.ip + 12, segment.ip + 16):
        data[at + 1:at + 3] = (number & 0xffff).to_bytes(2, "big")
        data[at] = (data[at] & 0x1f) + (number >> 16 << 5)
    return dataclasses.replace(packet, data=bytes(data))


def snapped(capture):
    span = capture.packets[-1].time - capture.packets[0].time + 10**9
    packets = []
    for number, cut in enumerate(cuts(capture)):
        for index, packet in enumerate(capture.packets):
            copy = copy_of(packet, number)
            if index in cut:
                copy.data = copy.data[:capfile.segment(packet).payload + cut[index]]
            packets.append(dataclasses.replace(copy, time=copy.time + number * span))
    return capfile.Capture(packets, capture.secrets)


def test(tshark, sample, counter):
    capture = snapped(sample.capture)
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
        capfile.save(file.name, capture)
        copy = tshark.private_copy(file.name)
    process = tshark.popen(["-r", copy, "-n", *common.OUT_OF_ORDER], env={"WIRESHARK_ABORT_ON_DISSECTOR_BUG": "1"},
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        counter.check(False, f"tshark was stopped after {SECONDS} s")
    copy.unlink()
    counter.equal(process.returncode, 0, f"exit status; {err[-300:]!r}")
    lines = out.splitlines()
    # Frame numbers are those of the copies: the same place in each.
    counter.equal(len(lines), len(capture.packets), f"frames shown, {len(sample.capture.packets)} a copy")
    counter.equal([line for line in lines if b"Dissector bug" in line][:3], [], "dissector bugs")


def main():
    samples = common.Arguments().samples(*SAMPLES, kind=None)
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        return common.run_all(lambda sample, counter: test(tshark, sample, counter), samples)


if __name__ == "__main__":
    sys.exit(main())
