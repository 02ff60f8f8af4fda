"""The profile "Outlook": every filter and column of it is known, its colours are those of the table of verdicts.

    run_profile.py [--gui | PART ...]

The profile that was built is put among the user's own, and tshark -C Outlook reads samples with it. Each colour rule, filter
button and column is tried as a display filter, each verdict must be of the colour of its severity, and the rules of this
Wireshark must all stand there, in their order. --gui: Wireshark itself, under Xvfb and with the profile among those that
come with it, copies it when it is chosen, shows its columns and colours, and leaves the copy alone the next time.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import csv
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import check_verdicts
import common
import wsrun

FILES = "colorfilters", "dfilter_buttons", "preferences", "recent"
RULE = re.compile(r"@(?P<name>[^@]+)@(?P<filter>.*)@\[(\d+),(\d+),(\d+)\]\[(\d+),(\d+),(\d+)\]")
COLUMN = re.compile(r'"([^"]+)", "%Cus:([^:"]+):0:R"')
SHADE = {"ERROR": "Outlook: error", "WARNING": "Outlook: warning", "NOTE": "Outlook: note", "CHAT": "Outlook: well after all"}
OURS = (*SHADE.values(), "RPC over HTTP", "MAPI over HTTP", "Exchange over RPC")
# Sample, frame, its rule: verdicts, what is between them, and what keeps the colours that everybody knows.
COLOURED = (("legs-misrouted", "outlook.verdict == \"rpch.routing.backend_mismatch\"", "Outlook: warning"),
            ("legs-misrouted", "outlook.verdict == \"rpch.routing.proxies_differ\"", "Outlook: note"),
            ("verdict-target-host", "rpch.routing.target_mismatch", "Outlook: error"),
            ("legs-joined-across", "rpch.routing.joined_across_proxies", "Outlook: well after all"),
            ("legs-misrouted", "rpch.rts.pdu && !outlook.verdict", "RPC over HTTP"),
            ("mapi-http-length", "mapihttp.request_type == \"Execute\" && !outlook.verdict", "MAPI over HTTP"),
            ("verdict-drop-silent", "tcp.flags.reset == 1 && !outlook.verdict", "TCP RST"),
            ("verdict-drop-lossy", "tcp.analysis.retransmission && !outlook.verdict", "Bad TCP"))


def folder():
    """The profile that stands beside the plugin under test."""
    build = pathlib.Path(os.environ.get("OUTLOOKHTTP_BUILD") or wsrun.PROJECT / "build")
    return build / "profile" / "Outlook"


def stock_rules(tshark):
    for line in tshark.output(["-G", "folders"]).splitlines():
        name, _, path = line.partition(":")
        if name == "Global configuration":
            return (pathlib.Path(path.strip()) / "colorfilters").read_text(encoding="utf-8")
    raise ValueError("tshark -G folders names no global configuration")


def rules_of(text):
    """[(name, filter)] in order, without those that are switched off (a leading !)."""
    return [(match["name"], match["filter"]) for match in map(RULE.fullmatch, text.splitlines()) if match]


def give(tshark):
    """Puts the profile among the user's own."""
    own = tshark.home / ".config" / "wireshark" / "profiles"
    shutil.copytree(folder(), own / "Outlook")
    if tshark.user:
        for path in (tshark.home / ".config", *(tshark.home / ".config").rglob("*")):
            shutil.chown(path, wsrun.NOBODY, wsrun.NOBODY)


def valid(tshark, options, texts):
    """What is wrong with these display filters; None where they all are ones."""
    try:
        tshark.output([*options, "-c", "1", "-q", *(part for text in texts for part in ("-z", f"io,phs,{text}"))])
    except subprocess.CalledProcessError as error:
        return error.stderr.decode("utf-8", "replace").strip()
    return None


def check_text(counter, tshark, options):
    built, stock = ((folder() / "colorfilters").read_text(encoding="utf-8"), stock_rules(tshark))
    lines = [line for line in built.splitlines() if line and not line.startswith("#")]
    rules = rules_of(built)
    counter.equal(len(rules), len(lines), "lines of colorfilters that are rules")
    counter.equal([rule for rule in rules if rule[0] not in OURS], rules_of(stock), "the rules of Wireshark, in order")
    counter.check(rules_of(stock), "Wireshark has no rules")
    names = [name for name, _ in rules]
    counter.equal([name for name in names if name in OURS], list(OURS), "the plugin's rules, in order")
    counter.check(names.index("RPC over HTTP") < names.index("HTTP") > names.index("TCP RST") < names.index("RPC over HTTP"),
                  f"the plugin's protocols stand before HTTP and after TCP RST: {names}")
    verdicts = check_verdicts.ROW.findall(check_verdicts.TABLE.read_text(encoding="utf-8"))
    counter.check(verdicts, "the table of verdicts was not read")
    for severity, rule in SHADE.items():
        counter.equal(sorted(re.findall(r'"([\w.]+)"', dict(rules).get(rule, ""))),
                      sorted(name for name, grave, _, _ in verdicts if grave == severity), f"verdicts coloured as {rule}")
    with open(folder() / "dfilter_buttons", encoding="utf-8", newline="") as source:
        buttons = list(csv.reader(source, escapechar="\\", doublequote=False))
    counter.check(len(buttons) > 5 and all(len(row) == 4 and row[0] == "TRUE" for row in buttons), f"buttons: {buttons}")
    columns = COLUMN.findall((folder() / "preferences").read_text(encoding="utf-8"))
    counter.check(len(columns) >= 4, f"columns of fields: {columns}")
    filters = [(f"rule {name}", text) for name, text in rules] + [(f"button {row[1]}", row[2]) for row in buttons] + [
        (f"column {name}", text) for name, text in columns]
    if valid(tshark, options, [text for _, text in filters]) is not None:
        for what, text in filters:
            counter.check((wrong := valid(tshark, options, [text])) is None, f"{what}: {wrong}")
    counter.check(valid(tshark, options, ["rpch", "rpch.no_such_field", "tcp"]), "a filter of no field is taken for valid")


def check_columns(counter, tshark, options):
    process = tshark.popen([*options, "-C", "Outlook", "-Y", "outlook.verdict"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said, complaints = (text.decode("utf-8", "replace") for text in process.communicate())
    counter.equal(complaints, "", "what is said of the profile")
    for verdict in ("rpch.routing.proxies_differ", "rpch.routing.backend_mismatch"):
        counter.check(re.search(rf"\b(IN|OUT)\b.*{verdict}", said), f"no row with channel and {verdict}: {said}")


def check_colour(counter, tshark, sample, frames, rule):
    options = common.samples(sample, kind=None)[0].options(tshark)
    found = tshark.output([*options, "-C", "Outlook", "--color", "-Y", frames, "-T", "fields", "-e",
                           "frame.coloring_rule.name"]).split("\n")
    counter.check(rule in found, f"{frames}: coloured {sorted(set(found))}, expected {rule}")


def colours(counter, screen, rules, wanted):
    """Each of these rules has at least the area of a row's gap between texts."""
    for name in wanted:
        match = next(match for match in map(RULE.fullmatch, rules.splitlines()) if match and match["name"] == name)
        colour = tuple(int(match[part]) // 257 for part in (3, 4, 5))
        counter.check(screen.get(colour, 0) > 3000, f"{name}: {screen.get(colour, 0)} pixels of {colour}")


def check_gui(counter):
    import gui
    if gui.missing():
        print(f"SKIPPED: no {', '.join(gui.missing())}: Wireshark's window was not tried")
        return
    capture = common.samples("live-split-lb", kind=None)[0].path
    options = "-C", "Outlook", "-Y", "rpch.rts.pdu || outlook.verdict"
    with gui.Gui() as window:
        own = window.config / "profiles" / "Outlook"
        rules = (folder() / "colorfilters").read_text(encoding="utf-8")
        counter.check(not own.exists(), "the user has a profile before choosing one")
        window.open(capture, *options)
        for name in FILES:
            counter.check((own / name).is_file() and (own / name).read_bytes() == (folder() / name).read_bytes(),
                          f"{name} was not copied into the user's profiles")
        colours(counter, window.pixels(), rules, ("RPC over HTTP", SHADE["WARNING"], SHADE["NOTE"]))
        window.close()
        # The user changes a colour, the package brings another: the user's stays.
        changed = rules.replace(next(line for line in rules.splitlines() if line.startswith("@RPC over HTTP@")),
                                "@RPC over HTTP@rpch@[65535,0,65535][0,0,0]")
        (own / "colorfilters").write_text(changed, encoding="utf-8")
        (window.scratch / "data" / "profiles" / "Outlook" / "colorfilters").write_text("", encoding="utf-8")
        window.open(capture, *options)
        colours(counter, window.pixels(), changed, ("RPC over HTTP",))
        counter.equal((own / "colorfilters").read_text(encoding="utf-8"), changed, "the user's copy")


def main():
    arguments = common.Arguments("--gui")
    missing = [name for name in FILES if not (folder() / name).is_file()]
    if missing:
        sys.exit(f"{folder()} lacks {missing}")
    if "--gui" in arguments.flags:
        counter = common.Counter("profile")
        check_gui(counter)
        print("\n".join(counter.failures))
        common.total([counter])
        return len(counter.failures) != 0
    with wsrun.Tshark() as tshark:
        give(tshark)
        options = common.samples("legs-misrouted", kind=None)[0].options(tshark)
        parts = [common.Part("filters", lambda counter: check_text(counter, tshark, options)),
                 common.Part("columns", lambda counter: check_columns(counter, tshark, options)),
                 *(common.Part(f"colour {row[0]}", lambda counter, row=row: check_colour(counter, tshark, *row)) for row in COLOURED)]
        return common.run_parts(arguments.of(parts))


if __name__ == "__main__":
    sys.exit(main())
