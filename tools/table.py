"""Reads the text table of -z rpch,connections.

A line of titles, then a row for each connection and leg. Cells are parted by two or more
spaces or by "|", and an empty cell is "-". Columns are found by their titles, so their
order and number are free.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import re

# Column: the titles it may have, in lower case.
TITLES = {
    "vc": ("#", "vc", "conn", "connection", "number"),
    "leg": ("leg",),
    "start": ("start", "started"),
    "user": ("user",),
    "client": ("client",),
    "target": ("target",),
    "in_peer": ("in peer", "in", "in server"),
    "out_peer": ("out peer", "out", "out server"),
    "setup": ("setup", "set-up", "set-up time", "setup time"),
    "calls": ("calls",),
    "faults": ("faults",),
    "idle": ("idle", "longest idle", "max idle"),
    "state": ("state",),
    "ended": ("ended", "end", "ended by"),
    "verdict": ("verdict",),
    "frame": ("frame",),
    "where": ("where",),
    "request_id": ("request id", "request-id"),
}
COLUMN = {title: name for name, titles in TITLES.items() for title in titles}


def cells(line):
    parts = re.split(r"\s*\|\s*|\s{2,}", line.strip().strip("|").strip())
    return ["" if part == "-" else part for part in parts]


def rows(lines):
    """Yields {column: text} for each row; what has no known title or no number is passed over."""
    columns = None
    for line in lines:
        if not line.strip() or not line.strip("=-+| "):
            continue
        parts = cells(line)
        names = [COLUMN.get(part.lower()) for part in parts]
        if {"vc", "leg", "verdict"} <= set(names):
            columns = names
        elif columns and len(parts) == len(columns):
            row = {name: part for name, part in zip(columns, parts) if name}
            if row["vc"].isdecimal() and row["leg"].isdecimal():
                yield row


def verdict(text, known):
    """The full filter name in a verdict cell, whole or without its first parts; "" if none."""
    for word in re.findall(r"[a-z_.]+", text.lower()):
        for name in known:
            if name == word or name.endswith("." + word):
                return name
    return ""


def where(text, places):
    """(place, seen, reason) of "NETWORK DEVICE (seen)" or "CANNOT TELL: no SYN captured"."""
    for place in places:
        if text.upper().startswith(place):
            rest = text[len(place):].strip(" ():,")
            seen = rest.lower().startswith("seen")
            return place, seen, "" if seen or rest.lower().startswith("inferred") else rest
    return "", False, ""
