"""Shows that what one connection says does not depend on others beside it.

    run_together.py [SAMPLE ...]

Samples are put into one capture, many at a time, each with addresses of its own and all beginning at once, so that their
frames alternate: each must show the items of its expect.json on the same frames of its own, and nothing more. Passed over
is outlook.auth.refused: it counts the refusals of a user for a host, and all samples have alice and mail.example.test.
What speaks of a connection that never came is not said while the capture lost frames, of whatever connection; it is looked
for again beside samples that lack none.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import pathlib
import random
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun
from common import capfile

TOGETHER = 25
BEGIN = 1795600000 * 10**9
COUPLED = "outlook.auth.refused"
WITHHELD = "rpch.channel.buffered"
LOST = "tcp.analysis.lost_segment or tcp.analysis.ack_lost_segment"


def fits(sample):
    """TLS would need all keys in one log, a preference would hold for all, and addresses are those of TCP."""
    expect = sample.expect
    return not expect.get("keys") and not sample.capture.secrets and not expect.get("preferences") \
        and all(capfile.segment(packet) for packet in sample.capture.packets)


def moved(sample, number):
    """Its TCP packets as (time since its first, packet), at addresses that no other sample has."""
    addresses = {}

    def move(end):
        at = addresses.setdefault(end[0], len(addresses) + 1).to_bytes(2, "big")
        short = len(end[0]) == 4
        return (bytes([11, number]) if short else bytes([0xFD, 0x11, number]) + bytes(11)) + at, end[1]

    packets = sample.capture.packets
    for packet in packets:
        seg = capfile.segment(packet)
        yield packet.time - packets[0].time, capfile.rebuild(packet, seg, source=move(seg.source), target=move(seg.target))


def contexts(sample):
    """The cookies of its sessions: no server gives one out twice, but they are made of few bits here."""
    return {cookie for packet in sample.capture.packets for cookie in re.findall(rb"MapiContext=([^;\r]+)", packet.data)}


def grouped(samples):
    """So many in each, and none beside one with a cookie of its own."""
    groups = []
    for sample in samples:
        cookies = contexts(sample)
        for group, taken in groups:
            if len(group) < TOGETHER and not taken & cookies:
                group.append(sample)
                taken |= cookies
                break
        else:
            groups.append(([sample], cookies))
    return [Group(group) for group, _ in groups]


def is_lossy(tshark, sample):
    return bool(tshark.output([*sample.options(tshark), "-Y", LOST]))


class Group:
    def __init__(self, samples, whole=False):
        self.samples, self.name = samples, f"{samples[0].name} and {len(samples) - 1} more"
        self.whole = whole  # none but that in question lacks frames


def merged(group):
    """Its packets in order of time: (time, the sample's number in the group, frame in the sample, packet)."""
    rows = []
    for number, sample in enumerate(group.samples):
        rows += [(time, number, frame, packet) for frame, (time, packet) in enumerate(moved(sample, number), 1)]
    return sorted(rows, key=lambda row: row[:3])


def items_of(tshark, folder, group, rows):
    """What is shown, by the number of the sample: [(time, frame in the sample, item, severity)]."""
    path = pathlib.Path(folder) / f"{group.samples[0].name}.pcapng"
    capfile.save(path, capfile.Capture([capfile.Packet(BEGIN + time, packet.data, packet.length, packet.link)
                                        for time, _, _, packet in rows], []))
    copy = tshark.private_copy(path)
    path.unlink()
    text = tshark.output(["-r", copy, "-T", "pdml", "-Y", "_ws.expert"])
    copy.unlink()
    shown = collections.defaultdict(list)
    for packet in common.pdml(common.clean(text))[0]:
        time, number, frame, _ = rows[packet.number - 1]
        shown[number] += [(time, frame, item.name, item.severity) for item in packet.our_items()]
    return shown


def expected(sample):
    return [item for item in sample.expect["items"] if item["item"] not in {COUPLED, *sample.expect["tolerated"]}]


def take(left, item, fits):
    """Whether it is among what is left, on a row that fits; it is taken out."""
    for row in left:
        if row[2:] == (item["item"], item["severity"]) and fits(row):
            left.remove(row)
            return True
    return False


def test(tshark, folder, group, counter):
    rows = merged(group)
    shown = items_of(tshark, folder, group, rows)
    left, missing, again = {}, [], []
    for number, sample in enumerate(group.samples):
        left[number] = [row for row in shown[number] if row[2] not in {COUPLED, *sample.expect["tolerated"]}]
        for item in expected(sample):
            frames = item.get("frames") or [item["frame"]]
            if take(left[number], item, lambda row: row[1] in frames):
                counter.check(True, sample.name)
            elif item["item"] == WITHHELD and not group.whole:
                again.append(sample)
            else:
                missing.append((number, item, frames))
    for number, item, frames in missing:
        own = {frame: time for time, owner, frame, _ in rows if owner == number}
        first, last = own.get(min(frames) - 1, 0), own[max(frames)]
        counter.check(any(take(others, item, lambda row: first < row[0] < last) for others in left.values()),
                      f"{group.samples[number].name}: {item['item']} is missing in frame {frames}, beside others")
    for number, sample in enumerate(group.samples):
        broken = {item["frame"] for item in sample.expect["items"] if item["item"].endswith(".malformed")}
        for _, frame, name, severity in left[number]:
            counter.check(name.endswith(".malformed") and frame in broken,
                          f"{sample.name}: {name} ({severity}) in frame {frame} only beside others")
        counter.check(True, sample.name)
    if again:
        test(tshark, folder, Group([sample for sample in group.samples if sample in again or not is_lossy(tshark, sample)],
                                   whole=True), counter)


def main():
    arguments = common.Arguments()
    subjects = [sample for sample in common.samples(*arguments.names, kind="dissection") if fits(sample)]
    random.Random(1).shuffle(subjects)
    groups = arguments.part(grouped(subjects))
    with wsrun.Tshark() as tshark, tempfile.TemporaryDirectory() as folder:
        tshark.prove_loaded()
        return common.run_all(lambda group, counter: test(tshark, folder, group, counter), groups)


if __name__ == "__main__":
    sys.exit(main())
