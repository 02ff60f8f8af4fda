"""What rows of live scenarios are made of; the rows are in scenarios_healthy.py and scenarios_failing.py.

A verdict here is one of expect.json (tests/tshark/run_cases.py), and besides:

    at      a filter of stock Wireshark; the verdict stands on the first frame that it finds
    when    such a filter: the verdict is right if it finds a frame; unless: if it finds none. For what the
            documentation of a device leaves open: whether it says goodbye with a status or just closes

SPDX-License-Identifier: GPL-2.0-or-later
"""

import dataclasses
import time
import typing

CLIENT_LEG = "tcp port 80 and net 127.0.1.0/24"
DEVICE, UNKNOWN, SERVER = "NETWORK DEVICE", "CANNOT TELL", "SERVER"
FROM_DEVICE = "ip.src==127.0.2.10 && tcp.srcport==80"


@dataclasses.dataclass
class Row:
    name: str
    title: str
    device: str
    protocol: str                # "rpc" or "mapi"
    what: str                    # configuration and course, for the README
    right: str                   # and what follows from it
    play: typing.Callable
    words: dict = dataclasses.field(default_factory=dict)      # put into the device's configuration
    more: tuple = ()             # and on its command line
    servers: dict | None = dataclasses.field(default_factory=dict)    # name or "all" -> options; None: not started
    verdicts: tuple = ()
    rows: tuple = ()
    no_rows: tuple = ()
    report: tuple = ()           # and of ./analyze
    no_report: tuple = ()
    needs: tuple = ()            # programs besides the device
    filter: str = "tcp port 80 or tcp port 443 or tcp port 3128"

    @property
    def healthy(self):
        return not [verdict for verdict in self.verdicts if not verdict.get("optional")]


# Pieces of configuration that several rows have.
UNBUFFERED = "proxy_request_buffering off; proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection \"\";"
REVERSE = {"ACCEL": "accel defaultsite=mail.example.test", "PEERS": "never_direct allow all\n" + "\n".join(
    f"cache_peer 127.0.3.{host} parent 80 0 no-query originserver login=PASSTHRU connection-auth=on sourcehash name=ex{host}"
    for host in (11, 12))}
COOKIE = "cookie SRV insert indirect nocache"

ROWS: dict[str, Row] = {}


def row(name, title, device, protocol, what, right, **how):
    def register(play):
        ROWS[f"live-{name}"] = Row(f"live-{name}", title, device, protocol, what, right, play, **how)
        return play
    return register


def verdict(item, severity, where=None, **more):
    return {"item": item, "severity": severity, **({"where": where} if where else {}), **more}


def status(*codes):
    return "(" + " || ".join(f"http.response.code=={code}" for code in codes) + f") && {FROM_DEVICE}"


def maybe(item, severity, where=None, **more):
    return verdict(item, severity, where, optional=True, **more)


# ---- what clients do -------------------------------------------------------------------------

def talk(*clients, rounds=3, pause=2.0, ping=0.8):
    """Each binds and makes a call a round; between rounds pings. Ended raises."""
    for client in clients:
        client.bind()
    for _ in range(rounds):
        for client in clients:
            client.call()
            client.wait(pause / len(clients), ping)


def leave(*clients):
    for client in clients:
        client.close()


def two_talk(stage, **how):
    alice, bob = stage.outlook(0, "alice", **how).open(), stage.outlook(1, "bob", **how).open()
    talk(alice, bob)
    leave(alice, bob)


def idle_out(stage, seconds=25, ping=4, **how):
    """A virtual connection that is used once; then IN pings and OUT is idle, until the device ends one."""
    alice = stage.outlook(**how)
    alice.open()
    talk(alice, rounds=1, pause=0.2)
    stage.fails(alice.wait, seconds, ping)
    time.sleep(0.3)
    leave(alice)


def work(stage, *users, executes=3, pause=0.3, notify=False):
    """MAPI/HTTP: each user connects, works and disconnects, in turn."""
    kinds = ["Connect", *["Execute"] * executes, *["NotificationWait"] * notify, "Disconnect"]
    for kind in kinds:
        for user in users:
            stage.works(user.ask(kind))
        time.sleep(pause)
    for user in users:
        user.connection.close()


def three(stage, **how):
    return [stage.mapi(number, name, **how) for number, name in enumerate(("alice", "bob", "carol"))]


def ask_in_vain(stage):
    """An Execute that takes longer than the device waits; then the client leaves as it should."""
    alice = stage.mapi()
    stage.works(alice.ask("Connect"))
    stage.fails(alice.ask, "Execute")
    time.sleep(0.5)
    stage.works(alice.ask("Disconnect"))
    alice.connection.close()
