"""What stops a conversion, and what limits it.

SPDX-License-Identifier: GPL-2.0-or-later
"""


class BadArchive(Exception):
    """One sentence for the user."""


MOST_SESSIONS = 100_000
HEAD_MOST = 256 * 1024                # an HTTP head: IIS takes 16 KB, nobody more than 64
PIECE = 64 * 1024


class Budget:
    """How many bytes may still be unpacked."""

    def __init__(self, most):
        self.most = self.left = most

    def take(self, count):
        self.left -= count
        if self.left < 0:
            raise BadArchive(f"more than {self.most / 2**30:g} GiB when unpacked; --most GIB takes more")
