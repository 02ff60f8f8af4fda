"""Compressed RTF (MS-OXRTFCP) and RTF with text or HTML in it (MS-OXRTFEX).

SPDX-License-Identifier: GPL-2.0-or-later
"""

import zlib

import mapiwire as w

RING = 4096
BEGINS = (rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArial"
          rb"Times New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n" + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx")


def tokens(rtf):
    """Each a byte, or (place in the ring, length) of the longest run that was there; at last where the next byte would go."""
    before = BEGINS + rtf
    at = len(BEGINS)
    while at < len(before):
        low, found = max(0, at - RING + 17), None
        for size in range(min(17, len(before) - at), 1, -1):
            place = before.rfind(before[at:at + size], low, at - 1 + size)
            if place >= 0:
                found = place % RING, size
                break
        yield found or before[at]
        at += found[1] if found else 1
    yield len(before) % RING, 2


def compressed(rtf):
    out, run = b"", []
    every = list(tokens(rtf))
    for first in range(0, len(every), 8):
        run = every[first:first + 8]
        out += bytes([sum(1 << bit for bit, token in enumerate(run) if isinstance(token, tuple))])
        out += b"".join((token[0] << 4 | token[1] - 2).to_bytes(2, "big") if isinstance(token, tuple) else bytes([token])
                        for token in run)
    crc = ~zlib.crc32(out, 0xFFFFFFFF) & 0xFFFFFFFF       # without the complement before and behind
    return w.u32(len(out) + 12) + w.u32(len(rtf)) + b"LZFu" + w.u32(crc) + out


def uncompressed(rtf):
    return w.u32(len(rtf) + 12) + w.u32(len(rtf)) + b"MELA" + bytes(4) + rtf


def from_html(*parts, page=1252, fonts=rb"{\f0\fswiss Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset128 MS Gothic;}"):
    return b"{" + rb"\rtf1\ansi\ansicpg%d\fromhtml1 \fbidi \deff0{\fonttbl%s}" % (page, fonts) + b"\r\n" + \
        rb"{\colortbl\red0\green0\blue0;}" + b"\r\n" + rb"\uc1\pard\plain\deftab360 \f0\fs24 {\*\htmltag64}" + b"\r\n" + b"".join(parts) + b"}"


def tag(text):
    return rb"{\*\htmltag84 " + text + b"}"


def aside(rtf):
    """What is RTF's alone."""
    return rb"\htmlrtf " + rtf + rb"\htmlrtf0 "


def from_text(*lines, page=1252):
    return b"{" + rb"\rtf1\ansi\ansicpg%d\fromtext \deff0{\fonttbl{\f0\fmodern Courier New;}}" % page + b"\r\n" + \
        rb"\pard\plain\f0\fs20 " + b"\\par\r\n".join(lines) + b"}"
