"""Shows what tshark --export-objects outlook saves: lists of ROPs, attachments, bodies and whole messages.

    run_export.py [SAMPLE ...]

Of the samples rops-saved and rops-saved-rpc (tests/synth/ropcontext.py) it must save each stream and transfer that is whole,
and none that is not, in one pass and with -2. Messages are read again by Python's own reader of mail. Of rops-rtf, RTF that has
text or HTML in it must come out as that, and RTF of its own beside its text; of rops-eight-bit, strings of 8 bits are letters; of rops-files, attachments read through streams have the
names that the session heard of; of rops-two-legs each object comes once, from the client's side of the device, or from the other one
where that was cut. Of other samples, whole,
cut and with errors, it saves the lists of ROPs that are shown, and of bodies only what was put in.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import collections
import email
import email.policy
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import common
import capfile
import wsrun

SAVED = ("rops-saved", "rops-saved-rpc")
FILES = ("rops-files", "rops-files-rpc")
OF_RTF = ("rops-rtf", "rops-rtf-rpc")
EIGHT_BIT = ("rops-eight-bit", "rops-eight-bit-rpc")
OTHERS = ("rops-failures", "rops-half", "rops-late-start", "rops-stream-down", "rops-stream-up-rpc", "rops-rest")
TWO_LEGS = ("rops-two-legs", "rops-two-legs-rpc")
PICTURE = bytes(range(256)) * 3
LETTER = ("Gr\u00fc\u00dfe aus K\u00f6ln \U0001f600. " * 20).encode()
PAGE = b"<html><body>" + b"<p>a line</p>" * 30 + b"</body></html>"
# Behind "frameN-", without the number of another of that name.
OBJECTS = {
    "body.txt": [LETTER, LETTER, b"inner text", b"sent"],
    "body.html": [PAGE],
    "body.rtf-compressed": [b"LZFu" + bytes(20)],
    "attachment.bin": [PICTURE, PICTURE],
    "attachment-.._pictures_p 1.png": [PICTURE],
    "attachment-b\u00e4r.txt": [b"bear"],
}
MESSAGES = {"message-\u00dcbersicht_ _Q3__2026.eml", "message-Up.eml"}
NAMED = {"attachment.bin": [b"nobody said"], "attachment-.._b\u00e4r_ 1.txt": [b"by a row"], "attachment-SHORT.TXT": [b"by another row"],
         "attachment-asked.bin": [b"by its properties"], "attachment-made.bin": [b"by what was set"]}
# Of each message by its subject: the parts of its body, as (type, charset, content); what is in one that is attached.
HTML = "<html><body title=\"\u00e4\u20ac\"><p>\u0434\u043e\u043c {1}</p>\r\n</body></html>"
TEXT = "Dear A,\r\n\tGr\u00fc\u00dfe \u0416\U0001f600"
BODIES = {
    "HTML": [("text/html", "utf-8", HTML)],
    "Text": [("text/plain", "utf-8", TEXT)],
    "Own": [("text/plain", "utf-8", "Bold text\r\n\u2022\t\u0105here"), ("application/rtf", None, None)],
    "Japanese": [("text/html", "utf-8", "<p>\u65e5\u672c\u20ac<b title=\u00e4>\u0434\ufffd\u043e")],
    "Strange": [("application/rtf", None, b"{\\rtf1\\ansicpg4711 \\'e4}")],
    "Beside text": [("text/plain", "utf-8", "the text")],
    "Outer": [("text/plain", "utf-8", "outer text")],
    "Inside": [("text/plain", "utf-8", TEXT)],
}
LONG = ("long text " * 40).encode()
# Of messages with 8-bit strings: subject and sender, recipient, file, body with its charset.
CYRILLIC, GREEK, JAPANESE = "\u041e\u0442\u0447\u0451\u0442", "\u0388\u03ba\u03b8\u03b5\u03c3\u03b7", "\u8868\u3092\u4f5c\u308b"
LETTERS = {CYRILLIC: (GREEK, JAPANESE, CYRILLIC, "windows-1251"), GREEK: (GREEK, GREEK, GREEK, "iso-8859-7")}


def export(tshark, sample, *more):
    """{name: bytes} of what is saved."""
    folder = tshark.home / f"objects-{sample.name}"
    tshark.output([*sample.options(tshark), "-q", *more, "--export-objects", f"outlook,{folder}"])
    found = {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}
    shutil.rmtree(folder, ignore_errors=True)
    return found


def sorts(found):
    """(objects by what they are, lists of ROPs as (frame, bytes))"""
    objects, lists = collections.defaultdict(list), []
    for name, data in found.items():
        number, what = re.fullmatch(r"frame(\d+)-(.*)", name).groups()
        if re.fullmatch(r"(request|response)-rops-\d+\.bin", what):
            lists.append((int(number), data))
        else:
            objects[re.sub(r"\(\d+\)(?=\.[^.]*$)", "", what)].append(data)
    return objects, lists


def letter(counter, data):
    """The message of two bodies and three attachments."""
    mail = email.message_from_bytes(data, policy=email.policy.default)
    counter.check(max(map(len, data.split(b"\r\n"))) <= 998 and b"\n" not in data.replace(b"\r\n", b""), "lines of the mail")
    counter.equal(mail["subject"], "\u00dcbersicht: \"Q3\"/2026", "subject")
    counter.equal([(a.display_name, a.addr_spec) for a in mail["from"].addresses], [("Alice Anderson", "alice@example.test")], "from")
    counter.equal([(a.display_name, a.addr_spec) for a in mail["to"].addresses],
                  [("Bob", "bob@example.test"), ("No address", "not-known@x500.invalid")], "to")
    counter.equal([(a.display_name, a.addr_spec) for a in mail["cc"].addresses], [("Z\u00fcrich office", "zurich@example.test")], "cc")
    counter.equal(mail["date"].datetime.isoformat(), "2025-12-12T08:00:00+00:00", "date")
    counter.equal(mail["message-id"], "<1@example.test>", "message-id")
    counter.equal(mail.get_body(("plain",)).get_payload(decode=True), LETTER, "text")
    counter.equal(mail.get_body(("html",)).get_payload(decode=True), PAGE, "html")
    parts = list(mail.iter_attachments())
    counter.equal([part.get_content_type() for part in parts], ["image/png", "application/octet-stream", "message/rfc822"], "parts")
    counter.equal([part.get_filename() for part in parts[:2]], ["../pictures/p 1.png", "b\u00e4r.txt"], "file names")
    counter.equal([part.get_payload(decode=True) for part in parts[:2]], [PICTURE, b"bear"], "attachments")
    counter.equal(parts[0]["content-id"], "<p1@example.test>", "content-id")
    inside = parts[2].get_content()
    counter.equal((inside["subject"], inside["to"].addresses[0].addr_spec, inside.get_content().strip()),
                  ("Inside", "carol@example.test", "inner text"), "the message inside")


def saved(tshark, sample, counter):
    once = export(tshark, sample)
    objects, lists = sorts(once)
    for name, expected in OBJECTS.items():
        counter.equal(sorted(objects.pop(name, [])), sorted(expected), name)
    counter.equal(set(objects), MESSAGES, "messages")
    letter(counter, objects["message-\u00dcbersicht_ _Q3__2026.eml"][0])
    counter.check(lists, "no list of ROPs")
    counter.check(export(tshark, sample, "-2") == once, "-2 saves something else")


def body_parts(mail):
    """[(type, charset, content)]"""
    body = next(mail.iter_parts()) if mail.get_content_type() == "multipart/mixed" else mail
    found = []
    for part in body.iter_parts() if body.is_multipart() else [body]:
        content, charset = part.get_payload(decode=True), part.get_content_charset()
        found.append((part.get_content_type(), charset, content.decode(charset) if charset else content))
    return found


def of_rtf(tshark, sample, counter):
    objects, _ = sorts(export(tshark, sample))
    compressed = objects.pop("body.rtf-compressed")
    counter.equal(len(compressed), 8, "values of RTF")      # of all but Outer, and of the damaged one
    counter.check(all(value[8:12] in (b"LZFu", b"MELA") for value in compressed), "RTF is saved as it was sent")
    counter.equal(sorted(objects.pop("body.txt")), [b"outer text", b"the text"], "text")
    counter.equal(objects.pop("attachment-a.bin"), [b"bear"], "attachment")
    mails = {}
    for (data,) in objects.values():
        mail = email.message_from_bytes(data, policy=email.policy.default)
        mails[mail["subject"]] = mail
        if mail["subject"] == "Outer":
            mails["Inside"] = next(mail.iter_attachments()).get_content()
    counter.equal(set(mails), set(BODIES), "messages")
    for subject, expected in BODIES.items():
        got = body_parts(mails[subject])
        counter.equal([(kind, charset, got[at][2] if content is None else content) for at, (kind, charset, content) in enumerate(expected)],
                      got, f"body of {subject}")
    own = body_parts(mails["Own"])[1][2]
    counter.check(own.startswith(b"{\\rtf1") and own.endswith(b"}}}"), "the RTF itself")


def of_eight_bit(tshark, sample, counter):
    objects, _ = sorts(export(tshark, sample))
    counter.equal({name for name in objects if name != "body.txt"},
                  {f"message-{subject}.eml" for subject in LETTERS} | {f"attachment-{file}" for _, file, _, _ in LETTERS.values()}, "names of files")
    for subject, (recipient, file, text, charset) in LETTERS.items():
        mail = email.message_from_bytes(objects[f"message-{subject}.eml"][0], policy=email.policy.default)
        body = mail.get_body(("plain",))
        counter.equal([mail["subject"], mail["from"].addresses[0].display_name, mail["to"].addresses[0].display_name,
                       [part.get_filename() for part in mail.iter_attachments()], body.get_content_charset(), body.get_content().strip()],
                      [subject, subject, recipient, [file], charset, text], "text of 8 bits")


def named(tshark, sample, counter):
    objects, _ = sorts(export(tshark, sample))
    counter.equal(dict(objects), NAMED, "files by their names")
    counter.equal(sorts(export(tshark, sample, "-2"))[0], objects, "-2 saves something else")


def sizes_shown(tshark, sample, *more):
    """[(frame, RopSize)]"""
    text = tshark.output([*sample.options(tshark), *more, "-T", "fields", "-E", "occurrence=a", "-e", "frame.number", "-e", "rop.buffer.rop_size"])
    return sorted((int(frame), int(size)) for frame, all_sizes in (line.split("\t") for line in text.splitlines())
                  for size in all_sizes.split(",") if size)


def sizes_of(lists):
    """Each list of ROPs begins with its RopSize."""
    return sorted((frame, int.from_bytes(data[:2], "little")) for frame, data in lists)


def once_each(tshark, sample, counter):
    def leg(number):
        return sizes_shown(tshark, sample, "-Y", f"mapihttp.leg == {number} || rpch.vc.leg == {number}")
    for passes in ((), ("-2",)):
        objects, lists = sorts(export(tshark, sample, *passes))
        counter.equal(sizes_of(lists), leg(0), "lists of ROPs are the client's side's")
        counter.equal({name: len(contents) for name, contents in objects.items()},
                      {"body.txt": 2, "message-Change 0.eml": 1, "message-Change 1.eml": 1}, "each object once")
    if sample.name.endswith("-rpc"):
        return
    # The client's side without bodies: what is behind the device counts.
    capture = capfile.load(sample.path)
    for packet in capture.packets:
        head = packet.data.find(b"\r\n\r\n")
        if bytes([10, 0, 0, 21]) in packet.data[26:34]:
            packet.data = packet.data[:head + 8 if head >= 0 else 74]
    path = tshark.home / "cut.pcapng"
    capfile.save(path, capture)
    path.chmod(0o644)
    behind = common.Sample("cut", path, None, {})
    objects, lists = sorts(export(tshark, behind))
    counter.equal(sizes_of(lists), leg(1), "lists of ROPs are the other side's")
    counter.equal(len(objects["body.txt"]), 2, "bodies of the other side")


def shown(tshark, sample, counter):
    """The sizes of lists are those that are shown."""
    objects, lists = sorts(export(tshark, sample))
    sizes, got = sizes_shown(tshark, sample), sizes_of(lists)
    counter.check(got and set(got) <= set(sizes), f"lists that are not shown: {sorted(set(got) - set(sizes))[:4]}")
    counter.check(len(got) >= len(sizes) * 0.9, f"{len(got)} lists of {len(sizes)}")
    for name, contents in objects.items():
        known = name == "body.txt" and all(content == LONG for content in contents) or \
            name.startswith("message-Change ") and all(b"\r\n\r\n" in content for content in contents)
        counter.check(known, f"{name} was not put in: {contents[0][:60]!r}")
    if sample.name == "rops-stream-down":
        counter.equal(len(objects["body.txt"]), 8, "bodies of four transfers of two messages")


def test(tshark, sample, counter):
    for names, how in ((SAVED, saved), (FILES, named), (OF_RTF, of_rtf), (EIGHT_BIT, of_eight_bit), (TWO_LEGS, once_each), (OTHERS, shown)):
        if sample.name in names:
            how(tshark, sample, counter)


def main():
    subjects = common.Arguments().samples(*SAVED, *FILES, *OF_RTF, *EIGHT_BIT, *TWO_LEGS, *OTHERS, kind=None)
    with wsrun.Tshark() as tshark:
        return common.run_all(lambda sample, counter: test(tshark, sample, counter), subjects)


if __name__ == "__main__":
    sys.exit(main())
