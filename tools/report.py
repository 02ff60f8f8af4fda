"""Words and folds the verdicts of one capture for people: failures first. RPC over HTTP and MAPI/HTTP alike.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import dataclasses
import re
import textwrap

from overview import count, span, utc

WIDTH = 100
GROUPS = 6                           # kinds of failure shown in full; the rest is counted

# What the headline says after "N of M RPC over HTTP connections", "N of M MAPI/HTTP sessions" or, of what belongs to
# neither, "N logons" or "N requests". Order is of gravity among equals: what explains most comes first.
HEADLINES = {
    "outlook.auth.ntlm_torn": "torn: the NTLM handshake was spread over connections",
    "outlook.auth.shared_connection": "on a connection that another user authenticated",
    "outlook.auth.channel_binding": "refused: channel bindings cannot match behind this device",
    "outlook.auth.refused": "refused again and again",
    "outlook.auth.no_challenge": "stopped at its challenge again and again",
    "outlook.auth.type3_without_challenge": "answered a challenge that its connection never carried",
    "outlook.http.failed": "answered by what cannot be the endpoint",
    "rpch.routing.target_mismatch": "asked for two different targets",
    "rpch.routing.backend_mismatch": "never opened: the halves reached servers that did not join them",
    "rpch.routing.never_joined": "never opened",
    "rpch.channel.refused": "refused",
    "rpch.channel.no_pdu": "asked for, and no PDU came",
    "mapihttp.session.lost": "lost: the server did not know a living session",
    "mapihttp.session.backend_changed": "refused after a change of the back end",
    "mapihttp.session.cookie_lost": "sent requests without the session's cookies",
    "mapihttp.session.sequence_broken": "broke the sequence of requests",
    "mapihttp.connect.failed": "failed to connect",
    "mapihttp.response_code.failed": "had requests refused",
    "outlook.server_gone": "ended with all others of a server",
    "rpch.channel.silent_drop": "went silent",
    "mapihttp.request.silent_drop": "went silent",
    "rpch.channel.cut": "cut while in use",
    "rpch.channel.idle_closed": "closed while idle",
    "mapihttp.response.cut": "had responses cut short",
    "rpch.channel.buffered": "held back on the way",
    "mapihttp.pending.late": "held back on the way",
    "outlook.auth.very_slow": "answered very slowly",
    "rpch.channel.lifetime_exceeded": "sent more than the channel lifetime",
    "rpch.flow.window_exceeded": "sent more than the receive window",
    "rpch.routing.proxies_differ": "use two proxies",
    "rpch.channel.lone": "have one channel only",
    "rpch.channel.cut.note": "ended with others of their server",
    "mapihttp.response.cut.note": "ended with others of their server",
    "rpch.channel.not_recycled": "not given the new channel that was asked for",
    "rpch.call.unanswered": "had calls without an answer",
    "rpch.call.failed": "had failed calls",
    "mapihttp.session.expired": "used after they had expired",
    "mapihttp.request.unanswered": "had requests without an answer",
    "mapihttp.error_code.failed": "had failed requests",
    "outlook.auth.refused.note": "refused by one scheme and accepted by another",
    "outlook.auth.slow": "answered slowly",
    "outlook.auth.downgraded": "offered Basic only after NTLM was tried",
    "outlook.auth.header_case": "not tried again after www-authenticate in lower case",
    "outlook.auth.empty_bearer": "with an empty Bearer token again and again",
    "rpch.routing.joined_late": "opened after all",
    "rpch.routing.joined_across_proxies": "opened across two proxies",
    "mapihttp.session.backend_changed.chat": "changed the back end",
    "mapihttp.response.cut.chat": "left by the client before the response ended",
    "outlook.server_gone.back": "answered by a server that is back",
}
# Chats and notes of verdicts.c.
GOOD = {"", "outlook.server_gone.back", "rpch.routing.joined_across_proxies", "rpch.routing.joined_late",
        "mapihttp.session.backend_changed.chat", "mapihttp.response.cut.chat"}
NOTES = {"rpch.channel.cut.note", "mapihttp.response.cut.note", "rpch.routing.proxies_differ", "rpch.channel.lone",
         "rpch.call.failed", "rpch.call.unanswered", "rpch.channel.not_recycled", "mapihttp.session.expired",
         "mapihttp.request.unanswered", "mapihttp.error_code.failed", "outlook.auth.slow", "outlook.auth.downgraded",
         "outlook.auth.header_case", "outlook.auth.empty_bearer", "outlook.auth.refused.note"}
PLACES = ("CLIENT", "NETWORK DEVICE", "SERVER", "CANNOT TELL")
LINES = 30                           # of groups in full; the screen has room for the rest


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
    restarted: bool = False          # its server was gone and is back
    request_ids: list = dataclasses.field(default_factory=list)

    def good(self):
        """Nothing to act on: two proxies are legal where the connection opened (MS-RPCH 1.3.2)."""
        return self.verdict in GOOD or (self.verdict == "rpch.routing.proxies_differ" and self.opened)

    def failed(self):
        return self.verdict not in GOOD and self.verdict not in NOTES


@dataclasses.dataclass
class Session:
    """One row of -z mapihttp,sessions, and what its frames tell besides."""
    number: int
    leg: int
    start: float = 0.0
    user: str = ""
    application: str = ""
    mailbox: str = ""
    endpoint: str = ""
    client: str = ""
    server: str = ""
    back_ends: str = ""
    ok: int = 0
    failures: int = 0
    slowest: float = -1.0            # seconds
    slowest_type: str = ""
    ended: str = ""
    verdict: str = ""                # filter name
    frame: int = 0                   # of the verdict
    when: float = 0.0
    where: str = ""
    where_seen: bool = False
    cannot_tell: str = ""
    text: tuple = ("", "", "")
    restarted: bool = False          # its server was gone and is back
    also: collections.Counter = dataclasses.field(default_factory=collections.Counter)   # other verdicts: times
    request_ids: list = dataclasses.field(default_factory=list)

    def good(self):
        return self.verdict in GOOD

    def failed(self):
        return self.verdict not in GOOD and self.verdict not in NOTES


@dataclasses.dataclass
class Finding:
    """A verdict that belongs to no session and no row of -z rpch,connections: a logon, an error page."""
    verdict: str
    frame: int
    when: float
    user: str = ""
    client: str = ""
    server: str = ""
    host: str = ""
    where: str = ""
    where_seen: bool = False
    text: tuple = ("", "", "")
    request_ids: list = dataclasses.field(default_factory=list)
    session: tuple = None            # whose frame it stands on

    def failed(self):
        return self.verdict not in GOOD and self.verdict not in NOTES

    def noun(self):
        return "logon" if self.verdict.startswith("outlook.auth.") else "request"


@dataclasses.dataclass
class Group:
    """An entry of the report, and by what it is ordered."""
    failed: bool
    rank: int
    count: int
    lines: list


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
    return min(legs, key=lambda leg: (leg.good(), not leg.failed(), rank(leg), leg.where in ("", "CANNOT TELL"),
                                      leg.leg))


def rank(row):
    return list(HEADLINES).index(row.verdict) if row.verdict else len(HEADLINES)


def connections(legs):
    by_number = collections.defaultdict(list)
    for leg in legs:
        by_number[leg.vc].append(leg)
    return list(by_number.values())


def says(row):
    """What the headline says of a row."""
    return HEADLINES[row.verdict] + (", and it was restarted" if row.restarted else "")


def headline(failed, text):
    return textwrap.wrap(f"{'FAILED' if failed else 'NOTE  '}  {text}", WIDTH, subsequent_indent=" " * 9)


def place(where, seen, text, cannot_tell=""):
    """The entry "where"; text: the three parts of the verdict."""
    where = where or "CANNOT TELL"
    reason = cannot_tell if where == "CANNOT TELL" and cannot_tell else text[1]
    how = "seen" if seen and where != "CANNOT TELL" else "inferred"
    return entry("where", f"{where} ({how}{': ' + reason if reason else ''})")


def group_lines(members, total, dates):
    """members: the connections (lists of legs) that failed alike."""
    chosen = [gravest(legs) for legs in members]
    first = min(chosen, key=lambda leg: leg.start)
    out = headline(first.failed(), f"{len(members):,} of {count(total, 'RPC over HTTP connection')} "
                                   f"{says(first)}")
    out += entry("who", some(who(legs) for legs in members))
    channels = [f"{name} to {peer}{f' (frame {frame})' if frame else ''}"
                for name, peer, frame in (("OUT", first.out_peer, first.out_frame), ("IN", first.in_peer, first.in_frame))
                if peer]
    out += entry("first", f"{utc(first.start, dates)}, connection {first.vc} leg {first.leg}: "
                          f"{', '.join(channels) or 'no peer seen'}")
    out += entry("then", first.text[0])
    out += place(first.where, first.where_seen, first.text, first.cannot_tell)
    out += entry("next", first.text[2])
    ids = some((identity for legs in members for leg in legs for identity in leg.request_ids), 2)
    out += entry("ids", ids, 2)
    return out


def connection_groups(all_connections, dates):
    """(groups, lines for what cannot be told or is healthy)."""
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
    total = len(all_connections)
    found = []
    for members in groups.values():
        first = gravest(members[0])
        found.append(Group(first.failed(), rank(first), len(members), group_lines(members, total, dates)))
    out = []
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
    return found, out


# ---- MAPI/HTTP -----------------------------------------------------------------------------

def session_who(legs):
    """User, client, application and mailbox: of the leg seen first."""
    leg = min(legs, key=lambda leg: leg.leg)
    text = f"{leg.user} at {leg.client}" if leg.user else leg.client
    if leg.mailbox:
        text += f" -> {leg.mailbox}"
    return text + (f" ({leg.application})" if leg.application else "")


def session_group(members, total, dates):
    """members: the sessions (lists of legs) that failed alike."""
    chosen = [gravest(legs) for legs in members]
    first = min(chosen, key=lambda leg: leg.when or leg.start)
    out = headline(first.failed(), f"{len(members):,} of {count(total, 'MAPI/HTTP session')} {says(first)}")
    out += entry("who", some(session_who(legs) for legs in members), 3)
    frame = f" (frame {first.frame})" if first.frame else ""
    text = f"{utc(first.when or first.start, dates)}{frame}, session {first.number} leg {first.leg}: " \
           f"{first.endpoint or 'MAPI/HTTP'} at {first.server}"
    if first.back_ends:
        text += f", back ends {first.back_ends}"
    out += entry("first", f"{text}; {first.ok:,} ok, {first.failures:,} failed", 2)
    out += entry("then", first.text[0], 6)
    out += place(first.where, first.where_seen, first.text, first.cannot_tell)
    out += entry("next", first.text[2])
    also = collections.Counter()
    for legs in members:
        for leg in legs:
            also.update(leg.also)
    also.pop(first.verdict, None)
    out += entry("also", some((f"{name} ({times:,} times)" if times > 1 else name for name, times in also.most_common()), 3), 2)
    return out + entry("ids", some((identity for leg in chosen for identity in leg.request_ids), 2), 2)


def session_groups(all_sessions, requests, dates):
    """(groups, lines for what is healthy, and for the slowest request)."""
    groups, healthy = collections.defaultdict(list), []
    for legs in all_sessions:
        leg = gravest(legs)
        if leg.good():
            healthy.append(legs)
        else:
            groups[(leg.verdict, leg.where, re.sub(r":\d+$", "", leg.server))].append(legs)
    total = len(all_sessions)
    found = []
    for members in groups.values():
        first = gravest(members[0])
        found.append(Group(first.failed(), rank(first), len(members), session_group(members, total, dates)))
    out = []
    if healthy:
        users = some((leg.user or leg.client for legs in healthy for leg in legs[:1]), 4)
        out += textwrap.wrap(clean(f"healthy  {len(healthy):,} of {count(total, 'MAPI/HTTP session')}: {users}"), WIDTH,
                             subsequent_indent=" " * 9)
    if not total and requests:
        out.append(f"no MAPI/HTTP session was opened: {count(requests, 'request')}")
    slowest = max((leg for legs in all_sessions for leg in legs), key=lambda leg: leg.slowest, default=None)
    if slowest is not None and slowest.slowest >= 0:
        out += textwrap.wrap(clean(f"slowest  {slowest.slowest_type or 'request'}, {span(slowest.slowest)}: session "
                                   f"{slowest.number} leg {slowest.leg}, {slowest.user or slowest.client}; "
                                   "all types: -z mapihttp,srt"), WIDTH, subsequent_indent=" " * 9)
    return found, out


def finding_groups(findings, dates):
    """Logons and requests that belong to no session, alike ones together."""
    groups = collections.defaultdict(list)
    for finding in findings:
        if finding.verdict not in GOOD:
            groups[(finding.verdict, finding.where, re.sub(r":\d+$", "", finding.server))].append(finding)
    found = []
    for members in groups.values():
        first = min(members, key=lambda finding: finding.frame)
        out = headline(first.failed(), f"{count(len(members), first.noun())} {HEADLINES[first.verdict]}")
        out += entry("who", some(f"{one.user + ' at ' if one.user else ''}{one.client or 'client unknown'}"
                                 f"{' -> ' + one.host if one.host else ''}" for one in members), 3)
        out += entry("first", f"{utc(first.when, dates)} (frame {first.frame})" + (f", server {first.server}" if first.server else ""))
        out += entry("then", first.text[0])
        out += place(first.where, first.where_seen, first.text)
        out += entry("next", first.text[2])
        out += entry("ids", some((identity for one in members for identity in one.request_ids), 2), 2)
        found.append(Group(first.failed(), rank(first), len(members), out))
    return found


def lines(legs, sessions=(), findings=(), requests=0, extra=(), dates=False):
    """legs, sessions: rows of the tables of one capture, in order; findings: what belongs to none of them; requests:
    of MAPI/HTTP; extra: counts of what belongs to no connection; dates: the capture spans more than a day."""
    all_connections = connections(legs)
    by_number = collections.defaultdict(list)
    for session in sessions:
        by_number[session.number].append(session)
    groups, ends = [], []
    for found, out in (connection_groups(all_connections, dates), session_groups(list(by_number.values()), requests, dates),
                       (finding_groups(findings, dates), [])):
        groups += found
        ends += out
    groups.sort(key=lambda group: (not group.failed, group.rank, -group.count))
    out, shown = [], 0
    for group in groups:
        if shown and (len(out) + len(group.lines) > LINES or shown == GROUPS):
            break
        out += group.lines
        shown += 1
    if rest := groups[shown:]:
        failures = sum(group.failed for group in rest)
        out += textwrap.wrap(f"and {sum(group.count for group in rest):,} more in {count(len(rest), 'other group')}"
                             f"{f', {failures:,} of failures' if failures else ''}: tshark -q -z rpch,connections -z "
                             "mapihttp,sessions -z outlook,auth has them all", WIDTH, subsequent_indent="   ")
    if not all_connections and not by_number and not requests:
        ends.append("no RPC over HTTP connection, no MAPI/HTTP session")
    return out + ends + list(extra)
