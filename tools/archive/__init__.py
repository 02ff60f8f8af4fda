"""Archives of HTTP sessions (Fiddler's .saz, HAR) as captures, and what kind of file a file is.

SPDX-License-Identifier: GPL-2.0-or-later
"""
