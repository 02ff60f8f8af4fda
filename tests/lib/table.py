"""Reads the text tables of -z rpch,connections, -z mapihttp,sessions and -z outlook,auth.

A line of titles, then a row for each connection, session or logon. Cells are parted by "|" or, where there is none,
by two or more spaces; an empty cell is "-". Columns are found by their titles, so their order and number are free.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import re

# Column: the titles it may have, in lower case.
TITLES = {
    "vc": ("#", "vc", "conn", "connection", "number"),
    "session": ("session",),
    "leg": ("leg",),
    "start": ("start", "started"),
    "last": ("end",),
    "user": ("user",),
    "client": ("client",),
    "server": ("server",),
    "target": ("target",),
    "in_peer": ("in peer", "in", "in server"),
    "out_peer": ("out peer", "out", "out server"),
    "setup": ("setup", "set-up", "set-up time", "setup time", "set-up time (s)"),
    "calls": ("calls",),
    "faults": ("faults",),
    "idle": ("idle", "longest idle", "max idle", "longest idle (s)"),
    "state": ("state",),
    "application": ("application",),
    "mailbox": ("mailbox",),
    "user_dn": ("user dn",),
    "endpoint": ("endpoint",),
    "front_ends": ("front ends",),
    "back_ends": ("back ends",),
    "ok": ("ok",),
    "failed": ("failed",),
    "slowest": ("slowest", "slowest (s)"),
    "slowest_type": ("slowest type",),
    "rops": ("rops",),
    "failed_rops": ("failed rops",),
    "slowest_rop": ("slowest rop",),
    "last_code": ("last code",),
    "ended": ("ended", "ended by"),
    "host": ("host",),
    "scheme": ("scheme",),
    "connections": ("connections",),
    "accepted": ("accepted",),
    "refused": ("refused",),
    "challenge_names": ("challenge names",),
    "first_refusal": ("first refusal",),
    "verdict": ("verdict",),
    "frame": ("frame",),
    "where": ("where",),
    "request_id": ("request id", "request-id"),
}
COLUMN = {title: name for name, titles in TITLES.items() for title in titles}
# What a table must have, and which columns of its rows are numbers.
KINDS = {
    "connections": ({"vc", "leg", "verdict"}, ("vc", "leg")),
    "sessions": ({"session", "leg", "verdict", "endpoint"}, ("session", "leg")),
    "logons": ({"host", "scheme", "accepted", "refused", "verdict"}, ("accepted", "refused")),
}


def cells(line):
    line = line.strip()
    if "|" in line:
        parts = [part.strip() for part in line.removeprefix("|").removesuffix("|").split("|")]
    else:
        parts = re.split(r"\s{2,}", line)
    return ["" if part == "-" else part for part in parts]


def rows(lines, kind="connections"):
    """Yields {column: text} for each row of one kind of table; what has no known title or no number is passed over."""
    columns = numbers = None
    for line in lines:
        if not line.strip() or not line.strip("=-+| "):
            continue
        parts = cells(line)
        names = [COLUMN.get(part.lower()) for part in parts]
        if found := next((name for name, (needed, _) in KINDS.items() if needed <= set(names)), None):
            columns, numbers = (names, KINDS[kind][1]) if found == kind else (None, None)
        elif columns and len(parts) == len(columns):
            row = {name: part for name, part in zip(columns, parts) if name}
            if all(row[name].isdecimal() for name in numbers):
                yield row


def verdict(text, known):
    """The full filter name in a verdict cell, whole or without its first parts; "" if none."""
    for word in re.findall(r"[a-z0-9_.]+", text.lower()):
        for name in known:
            if name == word or name.endswith("." + word):
                return name
    return ""
