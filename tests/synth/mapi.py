"""Samples of MAPI/HTTP (MS-OXCMAPIHTTP), each part in a file of its own.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import importlib
import pathlib

HERE = pathlib.Path(__file__).resolve().parent

for part in ("mapi_http", "mapi_body", "mapi_auth", "mapi_verdict", "mapi_quiet", "mapi_gone", "mapi_ends", "mapi_undone", "mapi_waits", "mapi_again", "mapi_jar"):
    if (HERE / f"{part}.py").exists():
        importlib.import_module(part)
