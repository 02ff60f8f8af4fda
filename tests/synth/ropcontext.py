"""Samples of what one ROP needs to know of others: what an object is, which columns a table has, how properties are called,
where a FastTransfer stream stands; over MAPI/HTTP and over RPC. What is expected of single ROPs stands under "rops" in
expect.json: tests/tshark/run_rop_context.py.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import struct
import uuid

import emsmdb
import fxwire as fx
import legs
import mapiscene as m
import mapiwire as w
import roplayout as layout
import rops
import ropwire as r
import rpc
import rtfwire as rtf
import scene
from mapiscene import Context, Outlook
from rops import BABE, ECBACKOFF, World
from ropwire import ABSENT

LOGON, OPEN_FOLDER, OPEN_MESSAGE, HIERARCHY, CONTENTS, SPECIFIC, SET_COLUMNS, QUERY_ROWS, GET_STATUS = \
    0xFE, 0x02, 0x03, 0x04, 0x05, 0x07, 0x12, 0x15, 0x16
RELEASE, OPEN_ATTACHMENT, REGISTER, NOTIFY, OPEN_STREAM, READ_STREAM, EMBEDDED, FIND_ROW = 0x01, 0x22, 0x29, 0x2A, 0x2B, 0x2C, 0x46, 0x4F
GET_BUFFER, CONFIGURE, PUT_BUFFER, IDS_OF_NAMES, RESET, SYNC, WRITE_EXTENDED, RELOAD, READ_RECIPIENTS = 0x4E, 0x53, 0x54, 0x56, 0x81, 0x70, 0xA3, 0x10, 0x0F
BACKOFF, TOO_SMALL = 0xF9, 0xFF
SUBJECT, BODY, SIZE, NAME = 0x0037001F, 0x1000001F, 0x0E080003, 0x3001001F
CALLED = {SUBJECT: "PidTagSubject", SIZE: "PidTagMessageSize", NAME: "PidTagDisplayName"}
NOT_FOUND, ACCESS_DENIED, WRONG_SERVER = 0x8004010F, 0x80070005, 0x00000478
FRAGMENT = 4000                      # bytes of a stub in a PDU
SETCOL_ERROR = 0x0D                  # TBLSTAT_SETCOL_ERROR, MS-OXCTABL 2.2.2.1.3
RULE = "MS-OXCROPS 3.1.1, 3.2.1; MS-OXCRPC 3.1.4.2.1.2."


def identity(counter, replica=1):
    """A folder or message id: REPLID and GlobalCounter (MS-OXCDATA 2.2.1.1)."""
    return int.from_bytes(struct.pack("<H", replica) + counter.to_bytes(6, "big"), "big")


# MS-OXCSTOR 2.2.1.1.3: the folders of a mailbox, in their order.
FOLDERS = [identity(0x100 + number) for number in range(13)]
INBOX, SENT = FOLDERS[4], FOLDERS[6]
MESSAGE = identity(0xABCD)
A_MESSAGE = "message 0001-00000000abcd"


def stubs(session, asked, told):
    """Of EcDoRpcExt2, MS-OXCRPC 3.1.4.2: request and response."""
    u32, padded = rpc.u32, emsmdb.padded
    return session + u32(3) + u32(len(asked)) + padded(asked) + u32(len(asked)) + u32(0x8007) + u32(0) * 2 + u32(0x1008), \
        session + u32(0) + u32(len(told)) + u32(0) + u32(len(told)) + padded(told) + u32(len(told)) + bytes(12) + u32(0) + u32(15) + u32(0)


class RpcWorld(World):
    """The same over EMSMDB (MS-OXCRPC): a session is a context handle."""

    def __init__(self, cap, leg=None, handle=rpc.HANDLE, code_page=1252, old=False):
        self.leg, self.session, self.old = leg, handle, old
        super().__init__(cap, code_page=code_page)

    def connect(self, context):
        if not self.leg:
            self.leg = scene.Leg(self.cap)
            self.leg.establish()
            self.leg.bind(rpc.Emsmdb)
        opnum, ask, reply = rpc.Emsmdb.CONNECT
        ask, reply = ask.replace(rpc.u32(1252), rpc.u32(self.code_page)), reply.replace(rpc.HANDLE, self.session)
        if self.old:                 # EcDoConnect has no auxiliary buffers
            opnum, ask, reply = 0, ask[:ask.index(rpc.Emsmdb.AUX) - 4], reply[:-20] + reply[-4:]
        self.leg.call((opnum, ask, reply))

    def carry(self, asked, told, ask=True, reply=True):
        leg = self.leg
        leg.calls += 1
        request, response = stubs(self.session, asked, told)
        up = rpc.fragments(rpc.request, leg.calls, 11, request, FRAGMENT)
        down = rpc.fragments(rpc.response, leg.calls, 11, response, FRAGMENT)
        for msg in up:
            leg.in_.up(msg, captured=ask)
        self.cap.wait(0.003)
        for msg in down:
            leg.out.down(msg, captured=reply)
        return up[-1].frame, down[-1].frame

    def close(self):
        opnum, ask, reply = rpc.Emsmdb.DISCONNECT
        self.leg.call((opnum, self.session, reply))

    def end(self):
        self.leg.close()
        self.leg.done()


def case(name, title, capture=rops.RopCapture):
    def register(function):
        function.capture = capture
        return scene.case(name, title)(function)
    return register


def both_ways(name, title):
    """The same over MAPI/HTTP and over RPC."""
    def register(function):
        def over_http(cap):
            world = World(cap)
            function(world)
            world.close()
            cap.rule = RULE

        def over_rpc(cap):
            world = RpcWorld(cap)
            function(world)
            world.close()
            world.end()
            cap.rule = RULE
        case(f"rops-{name}", title)(over_http)
        case(f"rops-{name}-rpc", f"{title}, over RPC", RpcCapture)(over_rpc)
        return function
    return register


RpcCapture = rops.RpcCapture


# ---- what most begin with ----------------------------------------------------------------

def once(world, number, given=None, code=0, told=None, **how):
    """A ROP in an exchange of its own; returns the frame of its request."""
    world.begin()
    world.both(number, given, code, told, **how)
    frame = world.asked.frame
    world.send()
    return frame


def logon(world, **how):
    how.setdefault("makes", "logon")
    return once(world, LOGON, {"LogonFlags": 1, "LogonId": 0, "Essdn": m.DN.encode() + b"\0"}, 0, {"LogonFlags": 1, "FolderIds": FOLDERS},
                **how)


def a_table(world, columns=(SUBJECT, SIZE)):
    """Logon, the Inbox, its contents table with columns; the frames of the requests that open it and that set them."""
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder")
    opened = once(world, CONTENTS, on="folder", makes="table")
    return opened, once(world, SET_COLUMNS, {"PropertyTags": list(columns)}, 0, {"TableStatus": 0}, on="table") if columns else None


def rows_of(world, columns, rows, index, number=QUERY_ROWS):
    """The bytes of a RopQueryRows response that cannot be read by who does not know the columns."""
    writer = r.Writer(world.dice, True, list(columns))
    answer = layout.ALL[number]
    known = writer.row([layout.Field("RopId:1", None), layout.Field("InputHandleIndex:1", None), layout.Field("ReturnValue:4", None)],
                       {"RopId": number, "InputHandleIndex": index, "ReturnValue": 0})
    writer.row(answer.form(0, True).fields, {"RowData": rows}, "", known)
    return bytes(writer.data)


def unread_rows(world, table, columns, rows=({}, {}), behind=b""):
    """RopQueryRows whose answer cannot be read, in an exchange of its own; behind: what follows in the list."""
    world.begin()
    world.ask(QUERY_ROWS, on=table)
    if behind:
        world.ask(GET_STATUS, on=table)
    world.told.rest(rows_of(world, columns, list(rows), world.slot(table)) + behind)
    world.told.outcomes.append(("rop.context_unknown", "columns"))
    world.send()


# ---- (a) names ---------------------------------------------------------------------------

@both_ways("names", "what each object is called")
def names(world):
    frame = logon(world, shows={"rop.object": "mailbox", "rop.opened_in": None, "rop.handle": None},
                  answer={"rop.object": "mailbox", "rop.opened_in": None})
    in_inbox = "folder Inbox"
    inbox = once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder",
                 shows={"rop.object": in_inbox, "rop.opened_in": None, "rop.handle": "0x00000041"},
                 answer={"rop.object": in_inbox, "rop.opened_in": None})
    opened = {}
    for name, number, on, given, text in (
            ("table", CONTENTS, "folder", {}, f"contents table of {in_inbox}"),
            ("tree", HIERARCHY, "folder", {}, f"hierarchy table of {in_inbox}"),
            ("message", OPEN_MESSAGE, "folder", {"FolderId": INBOX, "MessageId": MESSAGE}, A_MESSAGE),
            ("body", OPEN_STREAM, "message", {"PropertyTag": BODY}, f"stream PidTagBody of {A_MESSAGE}"),
            ("attachment", OPEN_ATTACHMENT, "message", {"AttachmentID": 0}, f"attachment of {A_MESSAGE}"),
            ("inside", EMBEDDED, "attachment", {}, f"embedded message of attachment of {A_MESSAGE}"),
            ("copy", OPEN_STREAM, "inside", {"PropertyTag": SUBJECT}, f"stream PidTagSubject of embedded message of attachment of {A_MESSAGE}")):
        opened[name] = once(world, number, given, on=on, makes=name, shows={"rop.object": text, "rop.opened_in": None},
                            answer={"rop.object": text, "rop.opened_in": None}), text
    # Used by their handles later; each says where it was opened.
    for name, number in (("table", GET_STATUS), ("tree", GET_STATUS), ("body", READ_STREAM), ("copy", READ_STREAM), ("inside", 0x0D),
                         ("attachment", 0x09), ("message", 0x0D)):
        frame, text = opened[name]
        shows = {"rop.object": text, "rop.opened_in": frame, "rop.handle": f"0x{world.objects[name]:08x}"}
        once(world, number, {"ByteCount": 100}, on=name, shows=shows, answer=shows)
    once(world, GET_STATUS, on="folder", shows={"rop.object": in_inbox, "rop.opened_in": inbox})
    # Opened and used in one list, by its place; the place is then used again.
    world.begin()
    world.both(OPEN_FOLDER, {"FolderId": SENT}, 0, {"IsGhosted": 0}, on="logon", makes="sent", shows={"rop.object": "folder Sent Items"})
    text = "hierarchy table of folder Sent Items"
    world.both(HIERARCHY, {}, on="sent", makes="sent tree", shows={"rop.object": text}, answer={"rop.object": text})
    world.both(GET_STATUS, on="sent tree", shows={"rop.object": text, "rop.opened_in": world.asked.frame},
               answer={"rop.object": text, "rop.opened_in": world.asked.frame})
    world.send()
    # Released: the handle is of nothing until the server uses it again.
    once(world, RELEASE, on="table", shows={"rop.object": f"contents table of {in_inbox}"})
    once(world, GET_STATUS, code=0x000004B9, on="table", shows={"rop.object": None, "rop.opened_in": None})
    world.handle = world.objects["table"] - 1
    again = once(world, OPEN_FOLDER, {"FolderId": identity(0x777, 2)}, 0, {"IsGhosted": 0}, on="logon", makes="other",
                 shows={"rop.object": "folder 0002-000000000777"})
    once(world, GET_STATUS, on="other", shows={"rop.object": "folder 0002-000000000777", "rop.opened_in": again})
    world.cap.what = "A mailbox, the Inbox by its id, its tables, a message, the stream of its body, an attachment, the message inside and " \
                     "a stream of that: each opened in a list of its own and used later by its handle; a folder and its table in one list; " \
                     "a handle that is released, used all the same, and given out again."


@both_ways("code-page", "8-bit strings of a message's code page")
def code_page(world):
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder")
    once(world, OPEN_MESSAGE, {"FolderId": INBOX, "MessageId": MESSAGE, "CodePageId": 1251}, on="folder", makes="message")
    letters, plain = bytes(range(0xC0, 0xC6)).decode("latin-1"), "\xc0\xc1\xc2\xc3\xc4\xc5"
    cyrillic = bytes(range(0xC0, 0xC6)).decode("cp1251")
    once(world, 0x0A, {"PropertyValues": [(0x0037001E, letters)]}, 0, {"PropertyProblems": []}, on="message", shows={"says": [cyrillic]})
    # The code page of the logon is not known: as before.
    once(world, OPEN_MESSAGE, {"FolderId": INBOX, "MessageId": MESSAGE, "CodePageId": 0x0FFF}, on="folder", makes="other")
    once(world, 0x0A, {"PropertyValues": [(0x0037001E, letters)]}, 0, {"PropertyProblems": []}, on="other", shows={"says": [plain]})
    world.cap.what = "A subject of the same six bytes in a message of code page 1251, and in one of the logon's."


def spelled(text, code_page):
    """The bytes of a text, as the writer takes them."""
    return text.encode(f"cp{code_page}").decode("latin-1")


def set_text(world, on, text, code_page, shown=None, tag=0x0037001E):
    """RopSetProperties of an 8-bit string, and what is to be read of it."""
    shown = shown or text
    name = {0x0037: "PidTagSubject", 0x3001: "PidTagDisplayName", 0x3704: "PidTagAttachFilename"}[tag >> 16]
    once(world, 0x0A, {"PropertyValues": [(tag, spelled(text, code_page))]}, 0, {"PropertyProblems": []}, on=on,
         shows={"says": [f"{name}: {shown}", f"Value: {shown}"]})


CYRILLIC, GREEK, JAPANESE = "Отчёт", "Έκθεση", "表を作る"
LIKE_UTF8 = "Р°"                     # in 1251 the two bytes of one letter of UTF-8


def of_session(world):
    """MS-OXCROPS 3.1.5.4: what no message owns has the code page of Connect; 1251."""
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder")
    set_text(world, "folder", CYRILLIC, 1251, tag=0x3001001E)
    set_text(world, "folder", LIKE_UTF8, 1251, tag=0x3001001E)
    once(world, CONTENTS, on="folder", makes="table")
    once(world, SET_COLUMNS, {"PropertyTags": [0x0037001E]}, 0, {"TableStatus": 0}, on="table")
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{"values": [spelled(CYRILLIC, 1251)]}]}, on="table",
         answer={"says": [f"PidTagSubject: {CYRILLIC}"]})
    # A message of the logon's code page, one of its own: what it owns has that.
    once(world, OPEN_MESSAGE, {"FolderId": INBOX, "MessageId": MESSAGE, "CodePageId": 0x0FFF}, on="folder", makes="plain")
    set_text(world, "plain", CYRILLIC, 1251)
    once(world, OPEN_MESSAGE, {"FolderId": INBOX, "MessageId": MESSAGE, "CodePageId": 932}, on="folder", makes="message")
    set_text(world, "message", JAPANESE, 932)
    once(world, OPEN_ATTACHMENT, {"AttachmentID": 0}, on="message", makes="attachment")
    set_text(world, "attachment", JAPANESE, 932, tag=0x3704001E)
    once(world, EMBEDDED, {"CodePageId": 1253}, on="attachment", makes="inside")
    set_text(world, "inside", GREEK, 1253)
    set_text(world, "folder", CYRILLIC, 1251, tag=0x3001001E)


def of_another(world):
    """The same with 932."""
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder")
    set_text(world, "folder", JAPANESE, 932, tag=0x3001001E)


TWO_PAGES = "A session of code page 1251: a folder and rows in that, a message of code page 932 with an attachment, and one inside of 1253; " \
            "two bytes that would be UTF-8, too. Then another session, of 932."


@case("rops-two-code-pages", "8-bit strings of the session's code page")
def two_code_pages(cap):
    outlook = Outlook(cap)
    for tells, page in ((of_session, 1251), (of_another, 932)):
        world = World(cap, Context(outlook, headers=False), code_page=page)
        tells(world)
        world.close()
    cap.what, cap.rule = TWO_PAGES, "MS-OXCROPS 3.1.5.4; MS-OXCMAPIHTTP 2.2.4.1."


@case("rops-two-code-pages-rpc", "8-bit strings of the session's code page, over RPC", rops.RpcCapture)
def two_code_pages_rpc(cap):
    first = RpcWorld(cap, code_page=1251)
    of_session(first)
    first.close()
    # The same handle is given out again.
    second = RpcWorld(cap, first.leg, code_page=932, old=True)
    of_another(second)
    second.close()
    second.end()
    cap.what, cap.rule = f"{TWO_PAGES} That is from EcDoConnect, and has the context handle of the first.", "MS-OXCROPS 3.1.5.4; MS-OXCRPC 3.1.4.1."


@case("rops-late-code-page", "8-bit strings of a session whose Connect was not captured")
def late_code_page(cap):
    world = World(cap, captured=False)
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder")
    world.captured = True
    once(world, OPEN_FOLDER, {"FolderId": SENT}, 0, {"IsGhosted": 0}, on="logon", makes="other")
    once(world, 0x0A, {"PropertyValues": [(0x3001001E, spelled(CYRILLIC, 1251))]}, 0, {"PropertyProblems": []}, on="other",
         shows={"says": ["PidTagDisplayName: ?????", "Value: " + CYRILLIC.encode("cp1251").decode("cp1252")]})
    world.close()
    cap.what = "Nothing says which code page the session has: the bytes are shown as Western text, and the summary does not name letters."
    cap.rule = "MS-OXCROPS 3.1.5.4."


# ---- (b) columns -------------------------------------------------------------------------

def tags_of(*tags):
    """What each value of these tags has of its own, wherever it stands."""
    return {"mapiprop.tag": [f"0x{tag:08x}" for tag in tags], "mapiprop.type": [f"0x{tag & 0xFFFF:04x}" for tag in tags],
            "mapiprop.id": [f"0x{tag >> 16:04x}" for tag in tags]}


@both_ways("columns", "rows by columns of an earlier list")
def columns(world):
    opened, first = a_table(world)
    text = "contents table of folder Inbox"

    def known(frame, *tags):
        return {"rop.object": text, "rop.opened_in": opened, "rop.columns_in": frame, "says": [CALLED[tag] for tag in tags],
                **tags_of(*tags)}
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table", shows={"rop.object": text, "rop.columns_in": None},
         answer=known(first, SUBJECT, SIZE))
    once(world, FIND_ROW, {"RestrictionDataSize": 0}, 0, {"HasRowData": 1}, on="table", answer=known(first, SUBJECT, SIZE))
    # Other columns; then some that the server refuses, and none at all.
    second = once(world, SET_COLUMNS, {"PropertyTags": [NAME]}, 0, {"TableStatus": 0}, on="table", shows={"rop.opened_in": opened})
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}, {}]}, on="table", answer=known(second, NAME, NAME))
    once(world, SET_COLUMNS, {"PropertyTags": [SIZE]}, NOT_FOUND, on="table")
    unread_rows(world, "table", [NAME])
    third = once(world, SET_COLUMNS, {"PropertyTags": [SIZE, NAME]}, 0, {"TableStatus": 0}, on="table")
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table", answer=known(third, SIZE, NAME))
    once(world, SET_COLUMNS, {"PropertyTags": [NAME]}, 0, {"TableStatus": SETCOL_ERROR}, on="table")
    unread_rows(world, "table", [SIZE, NAME])
    last = once(world, SET_COLUMNS, {"PropertyTags": [SUBJECT]}, 0, {"TableStatus": 0}, on="table")
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table", answer=known(last, SUBJECT))
    once(world, RESET, on="table")
    unread_rows(world, "table", [SUBJECT])
    # Tags that the request has, in a row with flags, too.
    once(world, SPECIFIC, {"PropertyTags": [NAME, SIZE]}, 0, {"RowData": {}}, on="folder", shows=tags_of(NAME, SIZE), answer=tags_of(NAME, SIZE))
    once(world, SPECIFIC, {"PropertyTags": [NAME, SIZE, SUBJECT]}, 0,
         {"RowData": {"flag": 1, "values": [None, r.Error(NOT_FOUND), ABSENT]}}, on="folder", answer=tags_of(NAME, SIZE, SUBJECT))
    # In the list that sets them.
    world.begin()
    world.both(SET_COLUMNS, {"PropertyTags": [NAME, SIZE]}, 0, {"TableStatus": 0}, on="table")
    world.both(QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table", answer=known(world.asked.frame, NAME, SIZE))
    world.send()
    world.cap.what = "Columns are set in one Execute and rows come in later ones, by other columns each time; rows that nobody can read " \
                     "behind columns that were refused, in either way, and behind RopResetTable; columns and rows in one list."


# ---- (c) the capture begins late ---------------------------------------------------------

@case("rops-late-start", "the capture begins behind RopSetColumns")
def late_start(cap):
    world = World(cap, captured=False)
    a_table(world)
    once(world, OPEN_FOLDER, {"FolderId": SENT}, 0, {"IsGhosted": 0}, on="logon", makes="sent")
    world.captured = True
    unknown = {"rop.object": None, "rop.opened_in": None, "rop.columns_in": None}
    once(world, GET_STATUS, on="table", shows={**unknown, "rop.handle": f"0x{world.objects['table']:08x}"}, answer=unknown)
    unread_rows(world, "table", [SUBJECT, SIZE], behind=bytes([GET_STATUS, 0, 0, 0, 0, 0, 0]))
    # From here on they are known; what opened the table stays unknown.
    again = once(world, SET_COLUMNS, {"PropertyTags": [NAME]}, 0, {"TableStatus": 0}, on="table", shows=unknown)
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table",
         answer={"rop.object": None, "rop.opened_in": None, "rop.columns_in": again})
    # A folder opened from now on has a name by its id only: the logon that tells what ids are called is missing.
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder", shows={"rop.object": "folder 0001-000000000104"})
    world.close()
    cap.what = "Logon, the table and its columns came before the capture. The rows cannot be read, nor what stands behind them in the list; " \
               "the handle table can. From the next RopSetColumns on rows are read again."
    cap.rule = RULE


@case("rops-late-list", "columns and rows in one list, of what was opened before the capture")
def late_list(cap):
    world = World(cap, captured=False)
    a_table(world, columns=())
    once(world, OPEN_MESSAGE, {"FolderId": INBOX}, 0, {"RecipientColumns": [NAME], "RowCount": 0}, on="folder", makes="message")
    world.captured = True
    # A table that was opened before: columns, and in the same list its rows.
    world.begin()
    world.both(SET_COLUMNS, {"PropertyTags": [NAME]}, 0, {"TableStatus": 0}, on="table")
    world.both(QUERY_ROWS, {}, 0, {"RowData": [{}, {}]}, on="table", answer={"rop.object": None, "rop.columns_in": world.asked.frame})
    world.send()
    # A message that was opened before: the columns of its recipients, and in the same list the recipients.
    world.begin()
    world.both(RELOAD, {}, 0, {"RecipientColumns": [NAME], "RowCount": 0}, on="message")
    world.both(READ_RECIPIENTS, {}, 0, {"RowCount": 2}, on="message", answer={"rop.object": None, "rop.columns_in": world.told.frame})
    world.send()
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table")
    world.close()
    cap.what = "Logon, a table and a message came before the capture. Rows and recipients are read by columns that the same list sets."
    cap.rule = RULE


# ---- (d) sessions that share values ------------------------------------------------------

def one_of_two(worlds):
    """Two sessions, turn by turn: the same handle is another object in each."""
    one, other = worlds
    for world in worlds:
        logon(world)
    frames = []
    for world, folder, text in ((one, INBOX, "folder Inbox"), (other, SENT, "folder Sent Items")):
        frames.append(once(world, OPEN_FOLDER, {"FolderId": folder}, 0, {"IsGhosted": 0}, on="logon", makes="folder",
                           shows={"rop.object": text, "rop.handle": "0x00000041"}))
    if one.objects != other.objects:
        raise SystemExit("not the same handles")
    for world, frame, text in ((one, frames[0], "folder Inbox"), (other, frames[1], "folder Sent Items")):
        once(world, CONTENTS, on="folder", makes="table", shows={"rop.object": f"contents table of {text}"})
    sets = [once(world, SET_COLUMNS, {"PropertyTags": tags}, 0, {"TableStatus": 0}, on="table")
            for world, tags in ((one, [SUBJECT]), (other, [SIZE, NAME]))]
    for _ in range(2):
        for world, frame, tags in ((one, sets[0], [SUBJECT]), (other, sets[1], [SIZE, NAME])):
            once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table",
                 answer={"rop.columns_in": frame, "says": [CALLED[tag] for tag in tags]})
    once(one, RELEASE, on="table")
    once(other, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table", answer={"rop.columns_in": sets[1]})


@case("rops-two-sessions", "two sessions on one connection, with the same handles")
def two_sessions(cap):
    outlook = Outlook(cap)
    conn = outlook.open()
    worlds = [World(cap, Context(outlook, headers=False, conn=conn, seed=f"/{number}")) for number in range(2)]
    one_of_two(worlds)
    for world in worlds:
        world.context.leave()
    conn.close()
    cap.what = "Two contexts of one client use one connection in turn. Both have objects 0x40 to 0x42: folders, tables and columns that differ."
    cap.rule = RULE


@case("rops-two-late", "two sessions on one connection, with the same handles, both begun before the capture")
def two_late(cap):
    outlook = Outlook(cap)
    conn = outlook.open(captured=False)
    worlds = [World(cap, Context(outlook, headers=False, conn=conn, seed=f"/{number}"), captured=False) for number in range(2)]
    for world in worlds:
        a_table(world)
        world.captured = True
    sets = [once(world, SET_COLUMNS, {"PropertyTags": tags}, 0, {"TableStatus": 0}, on="table")
            for world, tags in zip(worlds, ([SUBJECT], [SIZE, NAME]))]
    for _ in range(2):
        for world, frame, tags in zip(worlds, sets, ([SUBJECT], [SIZE, NAME])):
            once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table",
                 answer={"rop.columns_in": frame, "says": [CALLED[tag] for tag in tags]})
    for world in worlds:
        world.context.leave()
    conn.close()
    cap.what = "As rops-two-sessions, but the capture begins behind both Connects: X-RequestId alone tells the contexts apart."
    cap.rule = "MS-OXCMAPIHTTP 2.2.3.3.2."


@case("rops-two-sessions-rpc", "two context handles on one virtual connection, with the same handles", RpcCapture)
def two_sessions_rpc(cap):
    one = RpcWorld(cap)
    other = RpcWorld(cap, one.leg, rpc.u32(0) + uuid.uuid5(uuid.NAMESPACE_URL, "rpch/other handle").bytes_le)
    other.dice = r.Dice(f"{cap.name}/other")
    one_of_two([one, other])
    for world in (one, other):
        world.close()
    one.end()
    cap.what = "Two sessions of EMSMDB on one virtual connection, as rops-two-sessions."
    cap.rule = RULE


class Relayed:
    """A device hands each message on, and both legs are captured: carry() gives the frames of both."""

    def note(self, asked, told, outer, inner):
        """What is expected of the outer leg; of the inner one it is the same, with frames of its own."""
        for number, frames in enumerate((inner, outer)):
            for one, frame, behind in zip((asked, told), frames, inner):
                for place, part in enumerate(one):
                    part.frame.number, part.frame.of_leg = frame, behind
                    for name, *contains in part.outcomes:
                        self.cap.outcome(name, frame, *contains)
                    for rop, fields in part.shown:
                        fields = {name: LegFrame(value, number) if isinstance(value, rops.Frame) else value for name, value in fields.items()}
                        self.cap.shown.append((frame, place, rop, fields))


class RelayedWorld(Relayed, World):
    """Over MAPI/HTTP."""

    def connect(self, context):
        self.context = Context(Outlook(self.cap, server="10.0.0.40:80"), headers=False)
        self.server = self.cap.connect("10.0.0.40", "10.0.0.81:80")
        outer = self.context.ask("Connect", m.connect_body())
        inner = self.context.relay(outer, self.server)
        self.context.reply(inner, m.connect_answer())
        self.context.pass_on(inner, outer)

    def carry(self, asked, told, ask=True, reply=True):
        body, answer = w.u32(3) + w.sized(asked) + w.u32(0x10008) + w.NO_AUX, w.u32(0) * 3 + w.sized(told) + w.NO_AUX
        outer = self.context.ask("Execute", body)
        inner = self.context.relay(outer, self.server)
        self.cap.wait(0.003)
        back = self.context.reply(inner, answer)
        return (outer.frame, self.context.pass_on(inner, outer)), (inner.frame, back)

    def close(self):
        self.server.close()
        self.context.conn.close()


class RelayedRpcWorld(Relayed, World):
    """Over IN and OUT channels."""

    def connect(self, context):
        self.legs = legs.Relayed(self.cap, legs.FRONT, ("10.0.0.40", "10.0.0.81:80", "10.0.0.81:80"))
        self.legs.open()
        for leg in self.legs.legs:
            leg.in_.up(rpc.bind(1, rpc.EMSMDB))
        self.legs.back(lambda: rpc.bind_ack(1))
        self.legs.calls = 1
        self.legs.call(rpc.Emsmdb.CONNECT)

    def carry(self, asked, told, ask=True, reply=True):
        relay = self.legs
        relay.calls += 1
        request, response = stubs(rpc.HANDLE, asked, told)
        asks = [leg.in_.up(rpc.request(relay.calls, 11, request)) for leg in relay.legs]
        self.cap.wait(0.003)
        return tuple(zip(asks, relay.back(lambda: rpc.response(relay.calls, 11, response))))

    def close(self):
        self.legs.call(rpc.Emsmdb.DISCONNECT)
        self.legs.close()
        self.legs.done()


class LegFrame:
    """A frame on one of two legs."""

    def __init__(self, frame, outer):
        self.frame, self.outer = frame, outer

    def __str__(self):
        return str(self.frame.number if self.outer else self.frame.of_leg)


def on_two_legs(world):
    opened, first = a_table(world)
    for _ in range(2):
        once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table",
             answer={"rop.columns_in": first, "rop.opened_in": opened, "rop.object": "contents table of folder Inbox"})
    download(world, pieces_of(sync_stream(), 4, world.dice))
    world.close()
    world.cap.what = "Each message is captured before and behind a device. Each leg knows its own frames: where the table was opened, where its " \
               "columns were set; a stream in four pieces is not read twice."
    world.cap.rule = RULE


@case("rops-two-legs", "both sides of a device")
def two_legs(cap):
    on_two_legs(RelayedWorld(cap))


@case("rops-two-legs-rpc", "both sides of a device, over RPC", RpcCapture)
def two_legs_rpc(cap):
    on_two_legs(RelayedRpcWorld(cap))


@case("rops-two-legs-failed", "failures on both sides of a device, and in two contexts of a session")
def two_legs_failed(cap):
    world = RelayedWorld(cap)
    logon(world)
    for _ in range(2):
        once(world, OPEN_FOLDER, {"FolderId": INBOX}, ACCESS_DENIED, on="logon", answer={"rop.failed": ""})
    outer = world.context.ask("Connect", m.connect_body())
    inner = world.context.relay(outer, world.server)
    world.context.reply(inner, m.connect_answer())
    world.context.pass_on(inner, outer)
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, NOT_FOUND, on="logon", answer={"rop.failed": ""})
    world.close()
    cap.what = "A folder that the user may not open, twice; Connect again in the same session; a folder that is not there. Each is seen before and " \
               "behind a device."
    cap.rule = f"{RULE} The report counts each once: three of five failed, in one session."


# ---- (e) named properties ----------------------------------------------------------------

COMMON = uuid.UUID("00062008-0000-0000-c000-000000000046")       # PSETID_Common, MS-OXPROPS 1.3.2
STRINGS = uuid.UUID("00020329-0000-0000-c000-000000000046")      # PS_PUBLIC_STRINGS


@both_ways("named-properties", "what ids above 0x8000 are called")
def named_properties(world):
    logon(world)
    tags = [0x8001000B, 0x8002001F, SUBJECT]
    asked = [f"0x{tag:08x}" for tag in tags]
    nothing = {"mapiprop.tag": asked, "mapiprop.name": None, "mapiprop.guid": None}
    told = {"mapiprop.tag": asked, "mapiprop.name": ["LID 0x8503", "Keywords"], "mapiprop.guid": [str(COMMON), str(STRINGS)]}
    once(world, SPECIFIC, {"PropertyTags": tags}, 0, {"RowData": {}}, on="logon", shows=nothing, answer={"says": ["0x8001", "0x8002", "PidTagSubject"]})
    # Answered with other names first, which it must not be mixed with.
    keywords = "Keywords".encode("utf-16-le") + b"\0\0"
    once(world, IDS_OF_NAMES, {"PropertyNames": [{"Kind": 0, "GUID": COMMON, "LID": 0x8503}, {"Kind": 1, "GUID": STRINGS, "Name": keywords}]},
         0, {"PropertyIds": [0x8001, 0x8002]}, on="logon")
    for _ in range(2):
        once(world, SPECIFIC, {"PropertyTags": tags}, 0, {"RowData": {}}, on="logon", shows=told, answer={"says": ["LID 0x8503", "Keywords", "PidTagSubject"]})
    # A logon of its own has names of its own (MS-OXCPRPT 3.1.4.2: ids are of one mailbox).
    once(world, LOGON, {"LogonFlags": 1, "LogonId": 1, "Essdn": m.DN.encode() + b"\0"}, 0, {"LogonFlags": 1}, makes="other")
    once(world, SPECIFIC, {"LogonId": 1, "PropertyTags": tags}, 0, {"RowData": {}}, on="other", shows=nothing, answer={"says": ["0x8001", "0x8002", "PidTagSubject"]})
    # The other way round: ids are asked about.
    once(world, 0x55, {"LogonId": 1, "PropertyIds": [0x8001]}, 0,
         {"PropertyNames": [{"Kind": 0, "GUID": STRINGS, "LID": 0x9000}]}, on="other")
    other = {"mapiprop.tag": asked, "mapiprop.name": ["LID 0x9000"], "mapiprop.guid": [str(STRINGS)]}
    once(world, SPECIFIC, {"LogonId": 1, "PropertyTags": tags}, 0, {"RowData": {}}, on="other", shows=other, answer={"says": ["LID 0x9000", "0x8002", "PidTagSubject"]})
    once(world, SPECIFIC, {"PropertyTags": tags}, 0, {"RowData": {}}, on="logon", shows=told, answer={"says": ["LID 0x8503", "Keywords", "PidTagSubject"]})
    world.cap.what = "Properties 0x8001 and 0x8002 before their names were told, after RopGetPropertyIdsFromNames, with another logon, and " \
                     "after RopGetNamesFromPropertyIds there."


# ---- (f) notifications -------------------------------------------------------------------

@both_ways("notified", "RopNotify of tables with and without known columns")
def notified(world):
    opened, sets = a_table(world, (SUBJECT, SIZE))
    once(world, REGISTER, {"NotificationTypes": 0x0100, "WantWholeStore": 0, "FolderId": INBOX}, on="folder", makes="subscription",
         shows={"rop.object": "subscription of folder Inbox"})
    bare = once(world, HIERARCHY, {}, on="folder", makes="tree")
    row = {"NotificationFlags": 0x8100, "TableEventType": 3}
    # Rows of a table whose columns are known, and of one whose are not: that row has a size, so what follows is read.
    world.begin()
    world.both(GET_STATUS, on="table")
    world.extra(NOTIFY, {"NotificationHandle": world.objects["table"], "LogonId": 0, "NotificationData": row}, shows={
        "rop.object": "contents table of folder Inbox", "rop.opened_in": opened, "rop.columns_in": sets, "rop.request_in": None,
        "rop.handle": f"0x{world.objects['table']:08x}", "says": [CALLED[SUBJECT], CALLED[SIZE]], **tags_of(SUBJECT, SIZE)})
    world.extra(NOTIFY, {"NotificationHandle": world.objects["subscription"], "LogonId": 0,
                         "NotificationData": {"NotificationFlags": 0x0004, "Tags": [SUBJECT]}},
                shows={"rop.object": "subscription of folder Inbox"})
    world.send()
    # No such object: a table of before the capture.
    world.begin()
    world.both(GET_STATUS, on="tree", answer={"rop.object": "hierarchy table of folder Inbox", "rop.opened_in": bare})
    world.extra(NOTIFY, {"NotificationHandle": 0x7777, "LogonId": 0, "NotificationData": {"NotificationFlags": 0x0100, "TableEventType": 1}},
                shows={"rop.object": None, "rop.handle": "0x00007777"})
    world.send()
    world.cap.what = "A row of a table by the columns set before; an event of the folder that is watched; an event of a handle that nobody knows."


@case("rops-notified-unknown", "rows of notifications whose columns are not known")
def notified_unknown(cap):
    world = World(cap)
    a_table(world, ())
    world.columns["table"] = [SUBJECT, SIZE]         # the server has them
    world.begin()
    world.both(GET_STATUS, on="table")
    world.extra(NOTIFY, {"NotificationHandle": world.objects["table"], "LogonId": 0,
                         "NotificationData": {"NotificationFlags": 0x8100, "TableEventType": 3}},
                shows={"rop.object": "contents table of folder Inbox", "rop.columns_in": None})
    world.told.outcomes.append(("rop.context_unknown", "columns"))
    world.extra(NOTIFY, {"NotificationHandle": world.objects["table"], "LogonId": 0,
                         "NotificationData": {"NotificationFlags": 0x0100, "TableEventType": 1}},
                shows={"rop.object": "contents table of folder Inbox"})
    world.send()
    cap.lines = []                                   # rops.txt has no form for a row that is passed over
    world.close()
    cap.what = "A row added to a table whose columns were never set in this capture: it has a size, and the notification behind it is read."
    cap.rule = RULE


# ---- (g) failures ------------------------------------------------------------------------

@both_ways("failures", "what servers refuse, delay and pass on")
def failures(world):
    world.begin()
    world.both(LOGON, {"LogonFlags": 1, "LogonId": 2, "Essdn": m.DN.encode() + b"\0"}, WRONG_SERVER, {"ServerName": b"/o=Example/cn=EX2\0"},
               answer={"rop.return_value": "0x00000478", "rop.server_name": "/o=Example/cn=EX2", "rop.object": "mailbox"})
    world.send()
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, NOT_FOUND, on="logon", answer={"rop.object": "folder Inbox", "rop.failed": ""})
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder")
    # What was refused has no handle: the table of nothing.
    world.begin()
    asked = world.ask(OPEN_MESSAGE, {"FolderId": INBOX, "MessageId": MESSAGE}, on="folder", shows={"rop.object": A_MESSAGE})
    world.tell(asked, NOT_FOUND)
    place = asked[1]["OutputHandleIndex"]
    asked = world.ask(0x0D, on=place, shows={"rop.object": A_MESSAGE})
    world.tell(asked, 0x000004B9)
    world.send()
    world.begin()
    world.both(GET_STATUS, on="folder")
    world.asked.handles.append(w.NO_HANDLE)
    world.told.handles.append(w.NO_HANDLE)
    asked = world.ask(0x0D, on=len(world.asked.handles) - 1, shows={"rop.object": None, "rop.handle": "0xffffffff"})
    world.tell(asked, 0x000004B9)
    world.send()
    # The server is busy: told by a download, and in place of answers.
    once(world, SYNC, {"RestrictionDataSize": 0, "SynchronizationType": 1, "PropertyTags": []}, on="folder", makes="sync")
    once(world, GET_BUFFER, {"BufferSize": BABE}, ECBACKOFF, {"TransferStatus": 0, "TransferBufferSize": 0, "BackoffTime": 1500}, on="sync",
         answer={"rop.backoff_time": "1500", "rop.backoff": "", "rop.failed": None})
    world.begin()
    world.both(GET_STATUS, on="folder")
    world.ask(0x0B, {"PropertyTags": [SUBJECT]}, on="folder")
    world.extra(BACKOFF, {"LogonId": 0, "Duration": 30000, "BackoffRopData": [{"RopIdBackoff": 0x0B, "Duration": 9000}],
                          "AdditionalDataSize": 0}, shows={"rop.duration": ["30000", "9000"], "rop.backoff": "", "rop.request_in": None})
    world.send()
    # The response is full: the rest of the request comes back.
    world.begin()
    world.both(GET_STATUS, on="folder")
    before = len(world.asked.data)
    world.ask(0x09, on="folder", shows={"rop.response_in": None})
    world.extra(TOO_SMALL, {"SizeNeeded": 0x8000, "RequestBuffers": bytes(world.asked.data[before:])},
                shows={"rop.size_needed": "32768", "rop.buffer_too_small": ""})
    world.send()
    world.cap.what = "RopLogon at the wrong server, with the name of the right one; a folder that is not there, a message that is not, and " \
                     "what was asked of it all the same; a download and a list that the server puts off, with for how long; a response too " \
                     "small for all answers."


# ---- (h), (k) FastTransfer ---------------------------------------------------------------

REPLICA = w.guid("replica")


def sync_stream():
    """A contentsSync (MS-OXCFXICS 2.2.4.3.2): two changes, deletions, the state."""
    out = b""
    for number in range(2):
        out += fx.marker("IncrSyncChg") + fx.value(0x65E00102, REPLICA.bytes_le + fx.counter(0x200 + number)) + fx.value(0x67A40014, 7)
        out += fx.marker("IncrSyncMessage") + fx.value(SUBJECT, f"Change {number}") + fx.value(BODY, "long text " * 40)
        out += fx.value(0x8001000B, 1, fx.named(COMMON, 0x8503))
        out += fx.marker("StartRecip") + fx.value(fx.ROW_ID, 0) + fx.value(NAME, "Bob") + fx.marker("EndToRecip")
    out += fx.marker("IncrSyncDel") + fx.value(0x67E50102, struct.pack("<H", 1) + b"\6" + fx.counter(0x300) + b"\0")
    out += fx.marker("IncrSyncStateBegin")
    out += fx.value(fx.IDSET_GIVEN, fx.idset(REPLICA, (0x100, 0x10F), (0x200, 0x201)))
    for tag in (fx.CNSET_SEEN, fx.CNSET_SEEN_FAI, fx.CNSET_READ):
        out += fx.value(tag, fx.idset(REPLICA, (1, 1)))
    return out + fx.marker("IncrSyncStateEnd") + fx.marker("IncrSyncEnd")


def markers_of(data):
    """(place of the last byte, value) of each marker: nothing else in these streams has such bytes."""
    known = {w.u32(value): value for value in fx.MARKERS.values()}
    return [(at + 3, known[data[at:at + 4]]) for at in range(len(data) - 3) if data[at:at + 4] in known]


def pieces_of(data, count, dice):
    """Cut anywhere; (bytes, markers that end in it)."""
    cuts = sorted({1 + dice.below(len(data) - 1) for _ in range(count - 1)})
    edges = [0, *cuts, len(data)]
    found = markers_of(data)
    return [(data[begin:end], [f"0x{value:08x}" for at, value in found if begin <= at < end]) for begin, end in zip(edges, edges[1:])]


def linked(frames):
    """rop.piece_before_in and .piece_after_in of pieces in these frames, in their order."""
    return [{"rop.piece_before_in": before, "rop.piece_after_in": after} for before, after in zip([None, *frames], [*frames[1:], None])]


def download(world, pieces, packing=1):
    """A synchronization of the Inbox; packing: extended buffers in a response."""
    once(world, SYNC, {"RestrictionDataSize": 0, "SynchronizationType": 1, "SynchronizationFlags": 0x0121, "PropertyTags": []}, on="folder",
         makes="sync", shows={"rop.object": "synchronization of folder Inbox"})
    groups = [pieces[at:at + packing] for at in range(0, len(pieces), packing)]
    frames = [rops.Frame() for _ in groups]
    links = linked([frame for frame, group in zip(frames, groups) for _ in group])
    for number, (frame, group) in enumerate(zip(frames, groups)):
        world.begin()
        world.told.frame = frame
        asked = world.ask(GET_BUFFER, {"BufferSize": BABE}, on="sync")
        further, first = [], world.told
        for place, (data, markers) in enumerate(group):
            if place:
                world.told = first.further()
                further.append(world.told)
            last = number == len(groups) - 1 and place == len(group) - 1
            world.tell(asked, 0, {"TransferStatus": 3 if last else 1, "TransferBuffer": data},
                       shows={**links.pop(0), "rop.fx.marker": markers or None, "rop.object": "synchronization of folder Inbox"})
        world.told = first
        world.send(further_told=further, flags=w.LAST if packing == 1 else None)


@both_ways("stream-down", "a synchronization in pieces")
def stream_down(world):
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder")
    whole = sync_stream()
    [(data, markers)] = pieces_of(whole, 1, world.dice)
    download(world, [(data, markers)])
    download(world, pieces_of(whole, 7, world.dice))
    download(world, pieces_of(whole, 9, world.dice), packing=3)
    # Between any two bytes, near the end: within a marker, a length, a set of ids.
    start = whole.rindex(fx.marker("IncrSyncStateBegin"))
    edges = [0, *range(start, len(whole), 3), len(whole)]
    found = markers_of(whole)
    download(world, [(whole[a:b], [f"0x{value:08x}" for at, value in found if a <= at < b]) for a, b in zip(edges, edges[1:])], packing=5)
    world.cap.what = "One stream four times: whole; in seven pieces, a response each; in nine, three extended buffers to a response; its end in " \
                     "pieces of three bytes, five to a response."


@both_ways("stream-up", "an upload in pieces, and packed writes")
def stream_up(world):
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder")
    whole = b"".join(fx.message(number, "text " * 30, ("inside",)) for number in range(3))
    for packing in (1, 3):
        name = f"upload{packing}"
        once(world, CONFIGURE, {"SourceOperation": 3, "CopyFlags": 0}, on="folder", makes=name,
             shows={"rop.object": "FastTransfer upload of folder Inbox"})
        pieces = pieces_of(whole, 6, world.dice)
        groups = [pieces[at:at + packing] for at in range(0, len(pieces), packing)]
        frames = [rops.Frame() for _ in groups]
        links = linked([frame for frame, group in zip(frames, groups) for _ in group])
        for frame, group in zip(frames, groups):
            world.begin()
            world.asked.frame = frame
            first, further, asked = world.asked, [], None
            for place, (data, markers) in enumerate(group):
                if place:
                    world.asked = first.further()
                    further.append(world.asked)
                one = world.ask(PUT_BUFFER, {"TransferData": data}, on=name if not place else asked[1]["InputHandleIndex"],
                                shows={**links.pop(0), "rop.fx.marker": markers or None, "rop.object": "FastTransfer upload of folder Inbox",
                                       "rop.response_in": world.told.frame if not place else None})
                asked = asked or one
            world.asked = first
            world.tell(asked, 0, {"TransferStatus": 1, "BufferUsedSize": len(group[-1][0])},
                       shows={"rop.object": "FastTransfer upload of folder Inbox"})
            world.send(further_asked=further)
    # RopWriteStreamExtended in three buffers: one answer.
    once(world, OPEN_MESSAGE, {"FolderId": INBOX, "MessageId": MESSAGE}, on="folder", makes="message")
    opened = once(world, OPEN_STREAM, {"PropertyTag": BODY, "OpenModeFlags": 1}, on="message", makes="body")
    text = f"stream PidTagBody of {A_MESSAGE}"
    world.begin()
    first, further = world.asked, []
    shows = {"rop.object": text, "rop.opened_in": opened}
    asked = world.ask(WRITE_EXTENDED, {"Data": b"a" * 50}, on="body", shows={**shows, "rop.response_in": world.told.frame})
    for _ in range(2):
        world.asked = first.further()
        further.append(world.asked)
        world.ask(WRITE_EXTENDED, {"Data": b"b" * 50}, on=asked[1]["InputHandleIndex"], shows={**shows, "rop.response_in": None})
    world.asked = first
    world.tell(asked, 0, {"WrittenSize": 150}, shows=shows)
    world.send(further_asked=further)
    world.cap.what = "Three messages uploaded twice, in six pieces cut anywhere: a request each, and three extended buffers to a request; then " \
                     "a stream written by a request of three buffers, which one answer ends."


# ---- what can be saved -----------------------------------------------------------------------
# tests/tshark/run_export.py has what must come of it.

READ, WRITE, SEEK, SET_SIZE, COMMIT, CREATE_ATTACHMENT = 0x2C, 0x2D, 0x2E, 0x2F, 0x5D, 0x23
DATA, HTML, RTF = 0x37010102, 0x10130102, 0x10090102
PICTURE = bytes(range(256)) * 3
LETTER = "Gr\u00fc\u00dfe aus K\u00f6ln \U0001f600. " * 20
PAGE = b"<html><body>" + b"<p>a line</p>" * 30 + b"</body></html>"


def read_stream(world, on, tag, whole, sizes, opened=None):
    """Reads a stream in pieces of these sizes."""
    once(world, OPEN_STREAM, {"PropertyTag": tag, "OpenModeFlags": 0}, 0, {"StreamSize": len(whole) if opened is None else opened},
         on=on, makes="stream")
    at = 0
    for size in sizes:
        once(world, READ, {"ByteCount": size}, 0, {"Data": whole[at:at + size]}, on="stream")
        at += size


def write_stream(world, on, tag, *steps):
    """bytes are written, a number is a place to go to; all in one exchange with the opening."""
    once(world, OPEN_STREAM, {"PropertyTag": tag, "OpenModeFlags": 2}, 0, {"StreamSize": 0}, on=on, makes="stream")
    world.begin()
    for step in steps:
        if isinstance(step, int):
            world.both(SEEK, {"Origin": 0, "Offset": step}, 0, {"NewPosition": step}, on="stream")
        else:
            world.both(WRITE, {"Data": step}, 0, {"WrittenSize": len(step)}, on="stream")
    world.send()


def let_go(world, name):
    world.begin()
    world.ask(RELEASE, on=name)
    world.send()


def mail_stream():
    """A message with two kinds of body, recipients and attachments, one of them a message; and one whose body mail has not."""
    def person(name, address, kind):
        return fx.marker("StartRecip") + fx.value(fx.ROW_ID, 0) + fx.value(0x0C150003, kind) + fx.value(NAME, name) + \
            fx.value(0x39FE001F, address) + fx.marker("EndToRecip")

    def file(number, name, content, *more):
        return fx.marker("NewAttach") + fx.value(fx.ATTACH_NUMBER, number) + fx.value(0x3707001F, name) + b"".join(more) + \
            fx.value(DATA, content) + fx.marker("EndAttach")
    inside = fx.marker("StartEmbed") + fx.value(SUBJECT, "Inside") + fx.value(BODY, "inner text") + \
        person("Carol", "carol@example.test", 1) + fx.marker("EndEmbed")
    return fx.marker("StartMessage") + fx.value(SUBJECT, "\u00dcbersicht: \"Q3\"/2026") + fx.value(0x00390040, 134100000000000000) + \
        fx.value(0x0042001F, "Alice Anderson") + fx.value(0x5D02001F, "alice@example.test") + fx.value(0x1035001F, "<1@example.test>") + \
        fx.value(BODY, LETTER) + fx.value(HTML, PAGE) + fx.value(0x3FDE0003, 65001) + \
        person("Bob", "bob@example.test", 1) + person("Z\u00fcrich office", "zurich@example.test", 2) + person("No address", "/o=Example/cn=x", 1) + \
        file(0, "../pictures/p 1.png", PICTURE, fx.value(0x370E001F, "image/png"), fx.value(0x3712001F, "p1@example.test")) + \
        file(1, "b\u00e4r.txt", b"bear") + \
        fx.marker("NewAttach") + fx.value(fx.ATTACH_NUMBER, 2) + inside + fx.marker("EndAttach") + \
        fx.marker("EndMessage") + \
        fx.marker("StartMessage") + fx.value(SUBJECT, "RTF only") + fx.value(RTF, b"LZFu" + bytes(20)) + fx.marker("EndMessage")


@both_ways("saved", "streams and transfers, whole and not")
def saved(world):
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder")
    once(world, OPEN_MESSAGE, {"FolderId": INBOX, "MessageId": MESSAGE}, on="folder", makes="message")
    letter = w.wide(LETTER)
    read_stream(world, "message", BODY, letter, (300, 300, 4000))
    let_go(world, "stream")
    # Not to its end; then with a piece that the server refuses.
    read_stream(world, "message", HTML, PAGE, (100, 100))
    let_go(world, "stream")
    once(world, OPEN_ATTACHMENT, {"AttachmentID": 0}, on="message", makes="attachment")
    read_stream(world, "attachment", DATA, PICTURE, (512, 256))
    # Written in pieces, one of them over what was there.
    write_stream(world, "attachment", DATA, PICTURE[:500], b"never", 500, PICTURE[500:])
    once(world, COMMIT, on="stream")
    let_go(world, "stream")
    # Written, and neither committed nor released: nobody knows what became of it.
    write_stream(world, "message", BODY, letter[:100])
    whole = mail_stream()
    once(world, 0x4B, {"MessageIds": [MESSAGE], "CopyFlags": 0, "SendOptions": 1}, on="folder", makes="copy")
    for piece, status in zip(fx.cut(whole, 700, 701, len(whole) // 2), (1, 1, 1, 3)):
        once(world, GET_BUFFER, {"BufferSize": BABE}, 0, {"TransferStatus": status, "TransferBuffer": piece}, on="copy")
    once(world, CONFIGURE, {"SourceOperation": 3, "CopyFlags": 0}, on="folder", makes="upload")
    part = fx.marker("StartMessage") + fx.value(SUBJECT, "Up") + fx.value(BODY, "sent") + fx.marker("EndMessage")
    for piece in fx.cut(part, 30):
        once(world, PUT_BUFFER, {"TransferData": piece}, 0, {"TransferStatus": 1, "BufferUsedSize": len(piece)}, on="upload")
    let_go(world, "upload")
    world.cap.what = "A body and an attachment read whole and not; an attachment written over; messages by FastTransfer, in pieces, both ways."


def rtf_stream():
    """Messages without a body but RTF."""
    def message(subject, value, *more):
        return fx.marker("StartMessage") + fx.value(SUBJECT, subject) + fx.value(RTF, value) + b"".join(more) + fx.marker("EndMessage")
    html = rtf.from_html(rtf.tag(b"<html>"), rtf.tag(rb"<body title=\'22\'e4\u8364 ?\'22>"), rtf.tag(b"<p>"), rtf.aside(rb"\f1"),
                         rb"\'e4\'ee\'ec \{1\}", rtf.aside(rb"\par"), rb"{\*\mhtmltag84 <a href=\'22cid:1\'22>}",
                         rtf.tag(rb"</p>\par"), b"\r\n", rtf.tag(b"</body></html>"))
    text = rtf.from_text(b"Dear A,", rb"\tab Gr\'fc\'dfe \u1046 ?\u-10179 ?\u-8704 ?")
    own = b"{" + rb"\rtf1\ansi\deff0{\fonttbl{\f0\fcharset238 Arial;}}{\*\generator x;}\pard\plain " + \
        rb"\b Bold\b0  text\par\bullet\tab \'b9{\field{\*\fldinst HYPERLINK x}{\fldrslt here}}" + b"}"
    japanese = rtf.from_html(rtf.tag(b"<p>"), rtf.aside(rb"\f2"), rb"\'93\'fa\'96\'7b\u8364 ?", rtf.tag(rb"<b title=\'e4>"),
                             rtf.aside(rb"\f1"), rb"\'e4\'98\'ee")  # 98 is no character there
    strange = rb"{\rtf1\ansicpg4711 \'e4}"
    damaged = bytearray(rtf.compressed(text))
    damaged[20] ^= 1
    attached = fx.marker("NewAttach") + fx.value(fx.ATTACH_NUMBER, 0) + fx.value(0x3707001F, "a.bin") + fx.value(DATA, b"bear") + \
        fx.marker("EndAttach")
    inside = fx.marker("NewAttach") + fx.value(fx.ATTACH_NUMBER, 0) + fx.marker("StartEmbed") + fx.value(SUBJECT, "Inside") + \
        fx.value(RTF, rtf.compressed(text)) + fx.marker("EndEmbed") + fx.marker("EndAttach")
    return message("HTML", rtf.compressed(html), attached) + message("Text", rtf.uncompressed(text)) + message("Own", rtf.compressed(own)) + \
        message("Japanese", rtf.compressed(japanese)) + message("Strange", rtf.compressed(strange)) + message("Damaged", bytes(damaged)) + \
        message("Beside text", rtf.compressed(own), fx.value(BODY, "the text")) + \
        fx.marker("StartMessage") + fx.value(SUBJECT, "Outer") + fx.value(BODY, "outer text") + inside + fx.marker("EndMessage")


@both_ways("rtf", "messages whose body is RTF")
def messages_of_rtf(world):
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder")
    whole = rtf_stream()
    once(world, 0x4B, {"MessageIds": [MESSAGE], "CopyFlags": 0, "SendOptions": 1}, on="folder", makes="copy")
    for piece, status in zip(fx.cut(whole, 500, len(whole) // 2), (1, 1, 3)):
        once(world, GET_BUFFER, {"BufferSize": BABE}, 0, {"TransferStatus": status, "TransferBuffer": piece}, on="copy")
    world.cap.what = "HTML and text put into compressed RTF, RTF of its own, Japanese with Russian, a code page that nobody has, a damaged one, one beside text."


def paged(id, text, code_page):
    """A string whose type has its code page (MS-OXCFXICS 2.2.4.1.1.1)."""
    return fx.value(id << 16 | 0x8000 | code_page, text.encode(f"cp{code_page}"))


def eight_bit_stream():
    """Messages with strings of 8 bits: by their types, and by the message's two code pages."""
    def person(*values):
        return fx.marker("StartRecip") + fx.value(fx.ROW_ID, 0) + fx.value(0x0C150003, 1) + b"".join(values) + fx.marker("EndToRecip")

    def file(*values):
        return fx.marker("NewAttach") + fx.value(fx.ATTACH_NUMBER, 0) + b"".join(values) + fx.value(DATA, b"bear") + fx.marker("EndAttach")
    plain, smtp = 0x001E, fx.value(0x39FE001F, "bob@example.test")
    first = paged(0x0037, CYRILLIC, 1251) + paged(0x0042, CYRILLIC, 1251) + paged(0x1000, CYRILLIC, 1251) + \
        fx.value(0x3FFD0003, 1252) + fx.value(0x3FDE0003, 1252) + person(paged(0x3001, GREEK, 1253), smtp) + file(paged(0x3707, JAPANESE, 932))
    second = fx.value(0x00370000 | plain, GREEK.encode("cp1253")) + fx.value(0x00420000 | plain, GREEK.encode("cp1253")) + \
        fx.value(0x10000000 | plain, GREEK.encode("iso8859-7")) + fx.value(0x3FFD0003, 1253) + fx.value(0x3FDE0003, 28597) + \
        person(fx.value(0x30010000 | plain, GREEK.encode("cp1253")), smtp) + file(fx.value(0x37040000 | plain, GREEK.encode("cp1253")))
    return b"".join(fx.marker("StartMessage") + message + fx.marker("EndMessage") for message in (first, second))


@both_ways("eight-bit", "messages with strings of 8 bits")
def eight_bit(world):
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder")
    once(world, 0x4B, {"MessageIds": [MESSAGE], "CopyFlags": 0, "SendOptions": 0}, on="folder", makes="copy")
    once(world, GET_BUFFER, {"BufferSize": BABE}, 0, {"TransferStatus": 3, "TransferBuffer": eight_bit_stream()}, on="copy",
         answer={"says": [CYRILLIC, JAPANESE]})
    world.cap.what = "Subject, names, body and file name of two messages: Cyrillic, Greek and Japanese by the types of the values; Greek by " \
                     "PidTagMessageCodepage, and the body by PidTagInternetCodepage."


LONG_NAME, SHORT_NAME, ATTACHMENT_TABLE, SET_PROPERTIES = 0x3707001F, 0x3704001E, 0x21, 0x0A


def attachment_stream(world, number, content):
    """Opens an attachment of the message, reads its stream, and lets go of both."""
    once(world, OPEN_ATTACHMENT, {"AttachmentID": number}, on="message", makes="attachment")
    read_stream(world, "attachment", DATA, content, (len(content),))
    let_go(world, "stream")


@both_ways("files", "what attachments that are read through streams are called")
def files(world):
    logon(world)
    once(world, OPEN_FOLDER, {"FolderId": INBOX}, 0, {"IsGhosted": 0}, on="logon", makes="folder")
    once(world, OPEN_MESSAGE, {"FolderId": INBOX, "MessageId": MESSAGE}, on="folder", makes="message")
    attachment_stream(world, 4, b"nobody said")
    # Rows of the attachment table, the last without a long name.
    once(world, ATTACHMENT_TABLE, on="message", makes="table")
    once(world, SET_COLUMNS, {"PropertyTags": [fx.ATTACH_NUMBER, LONG_NAME, SHORT_NAME]}, 0, {"TableStatus": 0}, on="table")
    row = {"values": [0, "../b\u00e4r: 1.txt", "BAER~1.TXT"]}
    short = {"flag": 1, "values": [1, ABSENT, "SHORT.TXT"]}
    once(world, QUERY_ROWS, {}, 0, {"RowData": [row, short]}, on="table")
    attachment_stream(world, 0, b"by a row")
    let_go(world, "attachment")
    attachment_stream(world, 1, b"by another row")
    let_go(world, "attachment")
    # What is asked for when the attachment is open, its stream read behind that.
    once(world, OPEN_ATTACHMENT, {"AttachmentID": 2}, on="message", makes="attachment")
    once(world, SPECIFIC, {"PropertyTags": [NAME, LONG_NAME]}, 0, {"RowData": {"values": ["shown", "asked.bin"]}}, on="attachment")
    read_stream(world, "attachment", DATA, b"by its properties", (5, 30))
    let_go(world, "stream")
    let_go(world, "attachment")
    # One that the client makes.
    once(world, CREATE_ATTACHMENT, {}, 0, {"AttachmentID": 3}, on="message", makes="attachment")
    once(world, SET_PROPERTIES, {"PropertyValues": [(LONG_NAME, "made.bin")]}, 0, {"PropertyProblems": []}, on="attachment")
    write_stream(world, "attachment", DATA, b"by what was set")
    once(world, COMMIT, on="stream")
    world.cap.what = "File names from rows of an attachment table, from properties that are asked for and set; and one that nobody tells."


# ---- (j) one of the two is missing, or both -------------------------------------------------------

class PlainLeg:
    """RPC over TCP, as scene.Leg has it for IN and OUT."""

    def __init__(self, cap):
        self.in_ = self.out = cap.connect("10.0.0.21", "10.0.0.81:49155")
        self.calls = 0

    bind, call = scene.Leg.bind, scene.Leg.call

    def close(self):
        self.in_.close()

    def done(self):
        pass


def missed(world):
    """Calls that are missing both ways, and gaps and ids behind which none is."""
    _, sets = a_table(world)
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table", answer={"rop.columns_in": sets, "says": [CALLED[SUBJECT], CALLED[SIZE]]})
    world.begin()
    world.both(SET_COLUMNS, {"PropertyTags": [NAME]}, 0, {"TableStatus": 0}, on="table")
    world.send(ask=False, reply=False)
    unread_rows(world, "table", [NAME])
    again = once(world, SET_COLUMNS, {"PropertyTags": [SIZE]}, 0, {"TableStatus": 0}, on="table")
    known = {"rop.columns_in": again, "says": [CALLED[SIZE]]}
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table", answer=known)
    # A response alone is missing: the next call has the next id.
    world.begin()
    world.both(GET_STATUS, on="folder", shows={"rop.response_in": None})
    world.send(reply=False)
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table", answer=known)
    # Ids that other connections of the client used, and no gap since the call before (over TCP that of the response is seen behind it).
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table", answer=known)
    world.leg.calls += 7
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table", answer=known)
    # A call of another handle is missing, or one of this: nothing tells which.
    world.leg.calls += 1
    world.leg.in_.up(rpc.request(world.leg.calls, 6, b""), captured=False)
    world.leg.out.down(rpc.response(world.leg.calls, 6, rpc.u32(0)), captured=False)
    unread_rows(world, "table", [SIZE])
    world.cap.lines = []                             # rops.txt pairs what stands side by side
    world.close()
    world.end()
    world.cap.what = "RopSetColumns and its answer are missing, so the rows behind them are by columns that nobody knows. A response that is " \
                     "missing alone, and ids that skip where nothing is missing, change nothing; a whole call that is missing does."
    world.cap.rule = f"{RULE} C706 12.6.4.2: call_id."


@case("rops-missed-rpc", "calls that the capture lacks, over RPC", RpcCapture)
def missed_rpc(cap):
    missed(RpcWorld(cap))


@case("rops-missed-tcp", "calls that the capture lacks, over RPC over TCP", RpcCapture)
def missed_tcp(cap):
    leg = PlainLeg(cap)
    leg.bind(rpc.Emsmdb)
    missed(RpcWorld(cap, leg))


class CutWorld(World):
    """Of one request and its response the last bytes were not captured."""

    def carry(self, asked, told, ask=True, reply=True):
        if ask:
            return super().carry(asked, told, ask, reply)
        sent = self.context.ask("Execute", w.u32(3) + w.sized(asked) + w.u32(0x10008) + w.NO_AUX)
        telling = self.context.reply(sent, w.u32(0) * 3 + w.sized(told) + w.NO_AUX, fields={"mapihttp.request_in": None})
        self.cap.snap(sent.frame, 40)
        self.cap.snap(telling, len(told) + 8)
        return 0, 0


@case("rops-missed-body", "a request and its response that were not captured whole")
def missed_body(cap):
    world = CutWorld(cap)
    _, sets = a_table(world)
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table", answer={"rop.columns_in": sets})
    world.begin()
    world.both(SET_COLUMNS, {"PropertyTags": [NAME]}, 0, {"TableStatus": 0}, on="table")
    world.send(ask=False, reply=False)
    unread_rows(world, "table", [NAME])
    cap.lines = []                                   # rops.txt pairs what stands side by side
    world.close()
    cap.what = "Of a request with RopSetColumns, and of its response, the last bytes were not captured: the counter of X-RequestId " \
               "shows no gap, and yet nobody knows the columns of the rows behind it."
    cap.rule = RULE


@case("rops-half", "a response without its request, and a request without its response")
def half(cap):
    world = World(cap)
    _, sets = a_table(world)
    # Rows whose request is missing: the table is known by the handle that comes back.
    world.begin()
    asked = world.ask(QUERY_ROWS, on="table")
    world.tell(asked, 0, {"RowData": [{}]}, shows={"rop.object": "contents table of folder Inbox", "rop.columns_in": sets,
                                                    "rop.request_in": None})
    world.send(ask=False)
    # The request that opens a message was not captured: what its answer is about is known by the handle.
    world.begin()
    asked = world.ask(OPEN_MESSAGE, {"FolderId": INBOX, "MessageId": MESSAGE}, on="folder", makes="message")
    world.tell(asked, 0, rops.opened([], []), shows={"rop.object": None, "rop.request_in": None, "rop.time": None})
    world.send(ask=False)
    once(world, 0x0D, on="message", shows={"rop.object": None, "rop.opened_in": None})
    # From the next request on X-RequestId says that some are missing: columns of before may be others by now.
    unread_rows(world, "table", [SUBJECT, SIZE])
    again = once(world, SET_COLUMNS, {"PropertyTags": [SIZE]}, 0, {"TableStatus": 0}, on="table")
    once(world, QUERY_ROWS, {}, 0, {"RowData": [{}]}, on="table", answer={"rop.columns_in": again, "says": [CALLED[SIZE]]})
    # Columns that were set by a request that is missing: those of before hold no more.
    world.begin()
    asked = world.ask(SET_COLUMNS, {"PropertyTags": [NAME, SIZE]}, on="table")
    world.tell(asked, 0, {"TableStatus": 0})
    world.send(ask=False)
    unread_rows(world, "table", [NAME, SIZE])
    # The response is missing: whether the folder was opened is not known, nor its handle.
    world.begin()
    asked = world.ask(OPEN_FOLDER, {"FolderId": SENT}, on="logon", makes="sent", shows={"rop.object": "folder Sent Items", "rop.response_in": None})
    world.tell(asked, 0, {"IsGhosted": 0})
    world.send(reply=False)
    once(world, GET_STATUS, on="sent", shows={"rop.object": None, "rop.opened_in": None})
    cap.lines = []                                   # rops.txt pairs what stands side by side
    world.close()
    cap.what = "Requests of RopOpenMessage, RopQueryRows and RopSetColumns are missing, and the response of RopOpenFolder: what follows says no " \
               "more than the capture does."
    cap.rule = RULE
