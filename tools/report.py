"""Words and folds the verdicts of one capture for people: failures first.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import dataclasses
import re
import textwrap

from overview import count, utc

WIDTH = 100
GROUPS = 6                           # kinds of failure shown in full; the rest is counted

# What the headline says after "N of M RPC over HTTP connections". Order is of gravity
# among equals: what explains most comes first.
HEADLINES = {
    "rpch.routing.target_mismatch": "asked for two different targets",
    "rpch.routing.backend_mismatch": "never opened: the halves reached servers that did not join them",
    "rpch.routing.never_joined": "never opened",
    "rpch.channel.refused": "refused",
    "outlook.server_gone": "ended with all others of a server",
    "rpch.channel.silent_drop": "went silent",
    "rpch.channel.idle_closed": "closed while idle",
    "rpch.channel.buffered": "held back on the way",
    "rpch.channel.lifetime_exceeded": "sent more than the channel lifetime",
    "rpch.flow.window_exceeded": "sent more than the receive window",
    "rpch.routing.proxies_differ": "use two proxies",
    "rpch.channel.lone": "have one channel only",
    "rpch.call.failed": "had failed calls",
    "rpch.routing.joined_across_proxies": "opened across two proxies",
}
GOOD = {"", "rpch.routing.joined_across_proxies"}
NOTES = {"rpch.routing.proxies_differ", "rpch.channel.lone", "rpch.call.failed"}
PLACES = ("CLIENT", "NETWORK DEVICE", "SERVER", "CANNOT TELL")


@dataclasses.dataclass
class Leg:
    """One row of -z rpch,connections, and what its frames tell besides."""
    vc: int
    leg: int
    start: float = 0.0
    client: str = ""
    user: str = ""
    target: str = ""
    in_peer: str = ""
    out_peer: str = ""
    in_stream: int = -1
    out_stream: int = -1
    in_frame: int = 0                # of the channel's request
    out_frame: int = 0
    opened: bool = False
    ended: str = ""
    verdict: str = ""                # filter name
    where: str = ""
    where_seen: bool = False
    cannot_tell: str = ""
    text: tuple = ("", "", "")       # what was seen, is inferred, and is to be checked next
    request_ids: list = dataclasses.field(default_factory=list)

    def good(self):
        """Nothing to act on: two proxies are legal where the connection opened (MS-RPCH 1.3.2)."""
        return self.verdict in GOOD or (self.verdict == "rpch.routing.proxies_differ" and self.opened)

    def failed(self):
        return self.verdict not in GOOD and self.verdict not in NOTES


def clean(text):
    """Bytes of the wire must not reach a terminal as control characters."""
    return re.sub(r"[^\x20-\x7e\xa0-\uffff]", "?", text)


def fit(line):
    """The line in pieces of at most WIDTH columns."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent + "   ") if len(line) > WIDTH else [line]


def entry(label, text, most=4):
    """The lines of "  who    text", wrapped and cut after most lines."""
    return textwrap.wrap(clean(text), WIDTH, initial_indent=f"  {label:<6} ", subsequent_indent=" " * 9,
                         max_lines=most, placeholder=" ...") if text else []


def some(values, most=3):
    """"a, b, c and 5 more", without doubles, in order of appearance."""
    values = list(dict.fromkeys(value for value in values if value))
    if len(values) <= most:
        return ", ".join(values)
    return f"{', '.join(values[:most])} and {len(values) - most:,} more"


def who(legs):
    """User, client and target: of the leg seen first, for behind a device its own address is the client's."""
    leg = min(legs, key=lambda leg: leg.leg)
    text = f"{leg.user} at {leg.client}" if leg.user else leg.client
    return f"{text} -> {leg.target}" if leg.target else text


def gravest(legs):
    """The leg of a connection that tells most: of failures the kind listed first."""
    return min(legs, key=lambda leg: (leg.good(), not leg.failed(), rank(leg), leg.leg))


def rank(leg):
    return list(HEADLINES).index(leg.verdict) if leg.verdict else len(HEADLINES)


def connections(legs):
    by_number = collections.defaultdict(list)
    for leg in legs:
        by_number[leg.vc].append(leg)
    return list(by_number.values())


def group_lines(members, total, dates):
    """members: the connections (lists of legs) that failed alike."""
    chosen = [gravest(legs) for legs in members]
    first = min(chosen, key=lambda leg: leg.start)
    head = "FAILED" if first.failed() else "NOTE  "
    out = textwrap.wrap(f"{head}  {len(members):,} of {count(total, 'RPC over HTTP connection')} {HEADLINES[first.verdict]}",
                        WIDTH, subsequent_indent=" " * 9)
    out += entry("who", some(who(legs) for legs in members))
    channels = [f"{name} to {peer}{f' (frame {frame})' if frame else ''}"
                for name, peer, frame in (("OUT", first.out_peer, first.out_frame), ("IN", first.in_peer, first.in_frame))
                if peer]
    out += entry("first", f"{utc(first.start, dates)}, connection {first.vc} leg {first.leg}: "
                          f"{', '.join(channels) or 'no peer seen'}")
    seen, inferred, then_next = first.text
    out += entry("then", seen)
    where = first.where or "CANNOT TELL"
    reason = first.cannot_tell if where == "CANNOT TELL" and first.cannot_tell else inferred
    how = "seen" if first.where_seen and where != "CANNOT TELL" else "inferred"
    out += entry("where", f"{where} ({how}{': ' + reason if reason else ''})")
    out += entry("next", then_next)
    ids = some((identity for legs in members for leg in legs for identity in leg.request_ids), 2)
    out += entry("ids", ids, 2)
    return out


def lines(legs, extra=(), dates=False):
    """legs: of one capture, in order; extra: counts of what belongs to no connection; dates:
    the capture spans more than a day."""
    all_connections = connections(legs)
    if not all_connections:
        return ["no RPC over HTTP connection", *extra]
    groups = collections.defaultdict(list)
    unclear = collections.defaultdict(list)
    healthy = []
    for legs_of_one in all_connections:
        leg = gravest(legs_of_one)
        if leg.good():
            reasons = [other.cannot_tell for other in legs_of_one if other.cannot_tell and not other.opened]
            if reasons:
                unclear[reasons[0]].append(legs_of_one)
            elif not any(other.opened for other in legs_of_one):
                unclear["neither opened nor failed by the end of the capture"].append(legs_of_one)
            else:
                healthy.append(legs_of_one)
            continue
        # A device that sends A to one server and B to another swaps them for the next user.
        peers = tuple(sorted(re.sub(r":\d+$", "", peer) for peer in (leg.in_peer, leg.out_peer)))
        groups[(leg.verdict, leg.where, peers, leg.target.lower())].append(legs_of_one)
    order = sorted(groups.values(), key=lambda members: (
        not gravest(members[0]).failed(), rank(gravest(members[0])), -len(members)))
    total = len(all_connections)
    out = []
    for members in order[:GROUPS]:
        out += group_lines(members, total, dates)
    if len(order) > GROUPS:
        rest = order[GROUPS:]
        out.append(f"and {sum(len(members) for members in rest):,} more in {count(len(rest), 'other group')}: "
                   "tshark -q -z rpch,connections has them all")
    for reason, members in sorted(unclear.items(), key=lambda item: -len(item[1]))[:3]:
        out += textwrap.wrap(f"CANNOT TELL  {count(len(members), 'connection')}: {clean(reason)}", WIDTH,
                             subsequent_indent=" " * 9)
    if healthy:
        users = some((leg.user or leg.client for legs_of_one in healthy for leg in legs_of_one), 4)
        across = sum(any(leg.verdict for leg in legs_of_one) for legs_of_one in healthy)
        text = f"healthy  {len(healthy):,} of {total:,}: {users}"
        if across:
            text += f"; {across:,} of them joined across two proxies"
        out += textwrap.wrap(clean(text), WIDTH, subsequent_indent=" " * 9)
    return out + list(extra)
