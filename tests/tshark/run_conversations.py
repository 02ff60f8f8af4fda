"""Shows what the menu "Conversation Filter" offers for a frame: its virtual connection, its session, and its client.

    run_conversations.py [SAMPLE ...]

A plugin of the tests (menu.c) says for each frame what is offered. Of the client it must be offered on just those frames that
are of a virtual connection or a session, and name the address of the client's end of their TCP connection; the filter then
finds the frames of the plugin's protocols to and from that address, and no others. The other two must name the number that
the frame shows. What is neither protocol's has none.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import ipaddress
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import wsrun
from common import capfile

# Of each protocol and both; with a device between, several clients, over TLS, over IPv6, from a proxy to its server.
SAMPLES = ("legs-joined", "legs-joined-across", "mapi-http-length", "mapi-auth-two-accounts", "mapi-verdict-http-both-legs",
           "live-haproxy-ipv6", "live-split-lb", "mapi-quiet-ipv6", "bad-server-hop", "live-tls13-split-lb", "foreign-http")
CONNECTION, SESSION, CLIENT = "RPC over HTTP, virtual connection", "MAPI over HTTP, session", "Outlook, client"
OURS = "(rpch or mapihttp or outlook)"


def add_menu(tshark):
    """Builds menu.c beside the plugin that this tshark loads."""
    flags = subprocess.run(["pkg-config", "--cflags", "wireshark"], stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    major, minor = tshark.loaded.parents[1].name.split(".")
    target = tshark.loaded.with_name("menu.so")
    subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-fPIC", "-shared", "-fvisibility=hidden", *flags,
                    f"-I{common.PROJECT / 'plugin' / 'ws' / 'base'}", f"-DWIRESHARK_VERSION_MAJOR={major}",
                    f"-DWIRESHARK_VERSION_MINOR={minor}", "-o", target, common.PROJECT / "tests" / "tshark" / "menu.c"], check=True)
    target.chmod(0o755)


def menu(tshark, sample):
    """{frame: {entry of ours: filter}}"""
    process = tshark.popen([*sample.options(tshark), "-2"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, said = process.communicate()
    found = collections.defaultdict(dict)
    entries = 0
    for line in said.decode("utf-8", "replace").splitlines():
        if line.startswith("menu\t"):
            _, frame, name, text = line.split("\t")
            entries += 1
            if name in (CONNECTION, SESSION, CLIENT):
                found[int(frame)][name] = text
    if not entries:
        raise ValueError("menu.c says nothing")   # TCP and IP have entries of their own
    return found


def shown(tshark, sample):
    """{frame: (numbers of virtual connections, of sessions)}, as its tree has them."""
    text = tshark.output([*sample.options(tshark), "-2", "-T", "fields", "-E", "occurrence=a", "-e", "frame.number", "-e", "rpch.vc",
                          "-e", "mapihttp.session"])
    return {int(row[0]): tuple(set(cell.split(",")) - {""} for cell in row[1:])
            for row in (line.split("\t") for line in text.splitlines())}


def frames(tshark, sample, text):
    return {int(line) for line in
            tshark.output([*sample.options(tshark), "-2", "-Y", text, "-T", "fields", "-e", "frame.number"]).split()}


def test(tshark, sample, counter):
    offered, numbers = menu(tshark, sample), shown(tshark, sample)
    clients, ends = {}, {}
    for walk in sample.walks:
        for index, _, _ in walk.tcp.segments:
            clients[index + 1] = ipaddress.ip_address(walk.tcp.client[0])
            ends[index + 1] = {walk.tcp.client[0], walk.tcp.server[0]}
    ours, found = frames(tshark, sample, OURS), {}
    for frame, (connections, sessions) in numbers.items():
        got = offered.get(frame, {})
        for entry, field, values in ((CONNECTION, "rpch.vc", connections), (SESSION, "mapihttp.session", sessions)):
            wanted = {f"{field} == {value}" for value in values}
            counter.check(got.get(entry) in wanted if wanted else entry not in got, f"frame {frame}: {entry}: {got.get(entry)}, not {wanted}")
        if not connections and not sessions:
            counter.check(CLIENT not in got, f"frame {frame}: {got.get(CLIENT)}, of no client")
            continue
        address = clients[frame]
        name = f"{'ipv6' if address.version == 6 else 'ip'}.addr == {address} and {OURS}"
        if counter.equal(got.get(CLIENT), name, f"frame {frame}: {CLIENT}") and name not in found:
            found[name] = frames(tshark, sample, name)
            counter.equal(found[name], {frame for frame in ours if address.packed in ends[frame]}, f"frames that {name} finds")
    if sample.name in SAMPLES:
        counter.equal(bool(found), "foreign" not in sample.name, "a client was offered")


def main():
    subjects = common.Arguments().samples(*SAMPLES, kind=None)
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        add_menu(tshark)
        return common.run_all(lambda sample, counter: test(tshark, sample, counter), subjects)


if __name__ == "__main__":
    sys.exit(main())
