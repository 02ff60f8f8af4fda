"""Compares what tshark says of single ROPs with what they need to know of others: the object, where it was opened, where its
columns were set, the other message, the pieces of a stream, names of properties.

    run_rop_context.py [SAMPLE ...]

- "rops" of expect.json, in one pass and in two: for a ROP of a frame, by its extended buffer and place in the list, each named
  field with its values in their order, none where it must be absent; "says": words of its labels, in their order.
- A response of 96 extended buffers of 32 KB, made here: each ROP there with the stream it reads, and the time that takes.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "synth"))
import common
import mapiwire as w
import ropcontext
import rops
import wsrun
from run_mapi import value
from run_passes import LATER
from run_rops import shown

BUFFERS, PAYLOAD = 96, 32 * 1024     # MS-OXCRPC 3.1.4.2.1.2
HEAD = 2 + 7 + 2                     # RopSize; RopReadStream's answer before its data
SECONDS = 20                         # where a reading that grows with the square would take minutes


def fields_of(rop):
    """{name: values} of what stands in the item of a ROP."""
    found = {}
    for field in rop.iter("field"):
        if field is not rop and common.ours(field.get("name", "")):
            found.setdefault(field.get("name"), []).append(value(field.get("show", "")))
    return found


def missing(rop, words):
    """Those of the words that no label in the item of a ROP has, behind the label that has the word before."""
    labels = iter([field.get("showname") or field.get("show", "") for field in rop.iter("field") if field is not rop])
    return [word for word in words if not any(word in label for label in labels)]


def compare(counter, packets, rows, passes):
    lists = {}
    for row in rows:
        where = f"{passes}: frame {row['frame']}, buffer {row['buffer']}, ROP {row['rop']}"
        if row["frame"] not in lists:
            lists[row["frame"]] = shown(packets[row["frame"] - 1])
        found = lists[row["frame"]]
        if not counter.check(row["buffer"] < len(found) and row["rop"] < len(found[row["buffer"]].rops), f"{where}: is not shown"):
            continue
        rop = found[row["buffer"]].rops[row["rop"]]
        got = fields_of(rop)
        for name, wanted in row["fields"].items():
            if name == "says":
                counter.equal(missing(rop, wanted), [], f"{where}: labels that are missing, in this order")
                continue
            wanted = [] if wanted is None else [value(text) for text in (wanted if isinstance(wanted, list) else [wanted])]
            if name in LATER and passes == "one pass":
                wanted = [text for text in wanted if int(text) <= row["frame"]]
            counter.equal(got.get(name, []), wanted, f"{where}: {name}")


def test(tshark, sample, counter):
    for passes, more in (("one pass", []), ("-2", ["-2"])):
        compare(counter, common.packets(tshark, sample, *more), sample.expect["rops"], passes)


# ---- 96 buffers --------------------------------------------------------------------------

def long_stream(cap):
    """A body of 3 MB, read by one request."""
    world = rops.World(cap)
    ropcontext.logon(world)
    opened = ropcontext.once(world, ropcontext.OPEN_STREAM, {"PropertyTag": ropcontext.BODY}, on="logon", makes="body")
    shows = {"rop.object": "stream PidTagBody of mailbox", "rop.opened_in": opened, "rop.data_size": str(PAYLOAD - HEAD - 4)}
    world.begin()
    asked = world.ask(ropcontext.READ_STREAM, {"ByteCount": ropcontext.BABE}, on="body")
    first, further = world.told, []
    for number in range(BUFFERS):
        if number:
            world.told = first.further()
            further.append(world.told)
        world.tell(asked, 0, {"Data": bytes([65 + number % 26]) * (PAYLOAD - HEAD - 4)}, shows=shows)
    world.told = first
    world.send(further_told=further, flags=w.LAST | w.COMPRESSED)
    # The session goes on behind it.
    ropcontext.once(world, ropcontext.READ_STREAM, {"ByteCount": 10}, on="body", shows=shows | {"rop.data_size": None})
    world.close()
    cap.what = "Made by run_rop_context.py."


class Long:
    name = f"{BUFFERS} extended buffers"


def test_long(tshark, folder, counter):
    cap = rops.RopCapture("rops-long", Long.name)
    long_stream(cap)
    path = pathlib.Path(folder) / "capture.pcapng"
    path.write_bytes(cap.files()["capture.pcapng"])
    sample = common.Sample(Long.name, path)
    expect = cap.expect()
    counter.equal(len(expect["rops"]), BUFFERS + 1, "ROPs")
    for passes, more in (("one pass", []), ("-2", ["-2"])):
        begin = time.monotonic()
        packets = common.packets(tshark, sample, *more)
        counter.check(time.monotonic() - begin < SECONDS, f"{passes}: {time.monotonic() - begin:.0f} s")
        compare(counter, packets, expect["rops"], passes)
        counter.equal([item for packet in packets for item in packet.our_items()], [], f"{passes}: items")


def main():
    arguments = common.Arguments()
    subjects = arguments.samples(kind="rops") + ([] if arguments.names else [Long()])
    with wsrun.Tshark() as tshark, tempfile.TemporaryDirectory() as folder:
        tshark.prove_loaded()

        def run(subject, counter):
            if isinstance(subject, Long):
                test_long(tshark, folder, counter)
            else:
                test(tshark, subject, counter)
        return common.run_all(run, subjects)


if __name__ == "__main__":
    sys.exit(main())
