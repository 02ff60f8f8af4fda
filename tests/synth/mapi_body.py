"""Samples of sections 3 and 4: every request type both ways, in success and in failure; property values, rows,
restrictions, entry ids; extended buffers and auxiliary blocks.

Numbers of error codes and property tags are written in hexadecimal: they are compared as numbers.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import mapiscene as m
import mapiwire as w
from mapiscene import Context, Outlook, case
from mapiwire import NO_AUX, has, tags, u32

DISPLAY, SMTP, ACCOUNT, ENTRYID, DISPLAY_TYPE = 0x3001001F, 0x39FE001F, 0x3A00001F, 0x0FFF0102, 0x39000003
MEMBER, OBJECT_TYPE, CHANGED = 0x8009000D, 0x0FFE0003, 0x30080040
NAMES = {DISPLAY: "PidTagDisplayName", SMTP: "PidTagSmtpAddress", ACCOUNT: "PidTagAccount", ENTRYID: "PidTagEntryId",
         DISPLAY_TYPE: "PidTagDisplayType", OBJECT_TYPE: "PidTagObjectType"}
NOT_FOUND, NOT_ENOUGH, NOT_SUPPORTED, INVALID = 0x8004010F, 0x8007000E, 0x80040102, 0x80070057
STATUS = 0x000004BE              # of the failure bodies, some status that is not 0
ALICE, BOB = 0x00001A21, 0x00001A22
RULE = "Layout after MS-OXCMAPIHTTP 2.2.4 and 2.2.5; every byte of each body belongs to a field."


def hexes(*numbers):
    return [f"0x{number:08x}" for number in numbers]


def stat_fields(**values):
    whole = {"code_page": 1200, "template_locale": 0x409, "sort_locale": 0x409, **values}
    return {f"mapihttp.nspi.stat.{name}": str(whole.get(name, 0)) for name in w.STAT_FIELDS}


def talk(cap, c, kind, body, answer, asked=None, told=None, ask_text=(), text=(), failed=None):
    """One exchange; failed: (item, code, why) on the response."""
    cap.wait(0.05)
    ask = c.ask(kind, body, fields=asked, text=ask_text)
    cap.wait(0.003)
    frame = c.reply(ask, answer, fields=told, text=text, success=failed is None)
    if failed:
        name, code, why = failed
        cap.item(name, frame, why, [kind, f"{code:x}" if code > 0xFF else code])
    return ask


def opened(cap, endpoint="nspi"):
    c = Context(Outlook(cap), endpoint)
    c.connect()
    return c


def forms(name, kind, body, answer, wrong, asked=None, told=None, ask_text=(), text=(), title=None, what="",
          error=NOT_FOUND,
          endpoint="nspi", aux=True):
    """A type in success, with an ErrorCode (wrong: the body behind it), and with a StatusCode."""
    @case(f"mapi-body-{name}", title or f"{kind}: success, ErrorCode, StatusCode")
    def build(cap):
        c = opened(cap, endpoint)
        ok = {"mapihttp.status_code": "0", "mapihttp.error_code": "0", **(told or {})}
        talk(cap, c, kind, body, u32(0) + u32(0) + answer, asked, ok, ask_text, text)
        talk(cap, c, kind, body, u32(0) + u32(error) + wrong, asked,
             {"mapihttp.status_code": "0", "mapihttp.error_code": hexes(error)}, ask_text,
             failed=("mapihttp.error_code.failed", error, f"ErrorCode 0x{error:08x}."))
        talk(cap, c, kind, body, u32(STATUS) + (w.aux(w.SESSION_INFO) if aux else NO_AUX), asked,
             {"mapihttp.status_code": hexes(STATUS), "emsmdb.aux.type": ["4"] if aux else None}, ask_text,
             failed=("mapihttp.error_code.failed", STATUS, f"StatusCode 0x{STATUS:08x}: the failure body has only the "
                     f"auxiliary "
                                                           "buffer behind it."))
        c.leave()
        c.conn.close()
        cap.what = what or f"{kind} three times: answered with success, with an ErrorCode in the success body, and " \
                           f"with the " \
                           "failure body."
        cap.rule = RULE


# ---- mailbox endpoint --------------------------------------------------------------------

@case("mapi-body-connect", "Connect: success, ErrorCode, StatusCode")
def connect(cap):
    c = Context(Outlook(cap))
    login = 0x80040111
    for answer, told, failed, words in (
            (m.connect_answer(error=0x3EB), {"mapihttp.error_code": "1003"}, (0x3EB, "ErrorCode 0x3EB, "
                "ecUnknownUser."), ()),
            (u32(login) + w.aux(w.block(1, 0x17, u32(1))), {"mapihttp.status_code": hexes(login),
                                                            "emsmdb.aux.type": ["23"]},
             (login, "StatusCode 0x80040111."), ()),
            (m.connect_answer("Алиса"), {"mapihttp.connect.display_name": "Алиса", "emsmdb.aux.type": ["23"],
                                         "mapihttp.status_code": "0", "mapihttp.error_code": "0"}, None,
             ("60000", "10000", "/o=Example/ou=Exchange/cn=Recipients/cn="))):
        talk(cap, c, "Connect", m.connect_body(), answer,
             {"mapihttp.connect.user_dn": m.DN, "emsmdb.aux.type": ["4"]}, told, ("1252",
                 str(w.guid("aux/session"))), words,
             failed and ("mapihttp.connect.failed", *failed))
    c.leave()
    c.conn.close()
    cap.what = "Two failed Connects, then one that opens session 0: a failed one makes no session."
    cap.rule = RULE


READ = w.RELEASE + w.RELEASE
# RopLogon response of a private mailbox, MS-OXCROPS 2.2.3.1.2.
LOGON = b"\xfe\0" + u32(0) + w.u8(1) + b"".join(w.u64(at << 16 | 1) for at in range(1,
    14)) + w.u8(7) + w.MAILBOX.bytes_le \
    + w.u16(1) + w.guid("replica").bytes_le + bytes([40, 46, 9, 3, 25, 11]) + w.u16(2026) + w.when(1795600000) + u32(0)


@case("mapi-body-execute", "Execute: success, ErrorCode, StatusCode")
def execute(cap):
    c = opened(cap, "emsmdb")
    login = w.logon(m.DN)
    talk(cap, c, "Execute", m.execute_body(login, (w.NO_HANDLE,)), m.execute_answer(LOGON, (0x51,)),
         {"mapihttp.execute.rop_buffer_size": str(len(w.rops(login, 1))), "mapihttp.execute.max_rop_out": "65544",
          "rop.id": ["254"], "emsmdb.ext.flags": ["0x0004"], "emsmdb.ext.size": [str(len(w.rops(login,
              1)) - 8)],
          "emsmdb.ext.size_actual": [str(len(w.rops(login, 1)) - 8)]},
         {"mapihttp.status_code": "0", "mapihttp.error_code": "0", "rop.id": ["254"],
          "mapihttp.execute.rop_buffer_size": str(8 + 2 + len(LOGON) + 4)}, ("Logon", "0xffffffff"), ("Logon",
              "0x00000051"))
    talk(cap, c, "Execute", m.execute_body(READ, (1, 2)), m.execute_answer(), {"rop.id": ["1", "1"]}, None,
         ("RopRelease",))
    talk(cap, c, "Execute", m.execute_body(), u32(0) + u32(0x000004B6) + u32(0) + u32(0) + NO_AUX, None,
         {"mapihttp.status_code": "0", "mapihttp.error_code": "1206", "mapihttp.execute.rop_buffer_size": "0"},
         failed=("mapihttp.error_code.failed", 0x4B6, "ErrorCode 0x4B6, ecRpcFormat."))
    talk(cap, c, "Execute", m.execute_body(), u32(STATUS) + NO_AUX, None, {"mapihttp.status_code": hexes(STATUS)},
         failed=("mapihttp.error_code.failed", STATUS, "StatusCode 0x4BE."))
    c.leave()
    c.conn.close()
    cap.what = "RopLogon, two RopRelease (with an answer that holds none), a failure inside a success body with an " \
               "empty ROP " \
               "buffer, and a failure body."
    cap.rule = RULE


@case("mapi-body-disconnect", "Disconnect: StatusCode, ErrorCode, success")
def disconnect(cap):
    c = opened(cap, "emsmdb")
    talk(cap, c, "Disconnect", NO_AUX, u32(STATUS) + NO_AUX, None, {"mapihttp.status_code": hexes(STATUS)},
         failed=("mapihttp.error_code.failed", STATUS, "StatusCode."))
    talk(cap, c, "Disconnect", NO_AUX, u32(0) + u32(0x80040115) + NO_AUX, None,
         {"mapihttp.error_code": hexes(0x80040115)},
         failed=("mapihttp.error_code.failed", 0x80040115, "ErrorCode 0x80040115, NetworkError."))
    talk(cap, c, "Disconnect", w.aux(w.SESSION_INFO), u32(0) + u32(0) + w.aux(w.SESSION_INFO),
         {"emsmdb.aux.type": ["4"]},
         {"mapihttp.status_code": "0", "mapihttp.error_code": "0", "emsmdb.aux.type": ["4"]})
    c.conn.close()
    cap.what = "Disconnect refused twice, then done; with auxiliary buffers both ways."
    cap.rule = RULE


forms("notification-wait", "NotificationWait", u32(0) + NO_AUX, u32(1) + w.aux(w.SESSION_INFO), u32(0) + NO_AUX, None,
      {"mapihttp.notification_wait.event_pending": "1", "emsmdb.aux.type": ["4"]}, endpoint="emsmdb",
      error=0x80040115)


@case("mapi-body-ping", "PING on both endpoints")
def ping(cap):
    c = opened(cap, "emsmdb")
    n = Context(c.outlook, "nspi", conn=c.conn)
    n.connect()
    c.exchange("PING", reply={"fields": {"mapihttp.meta_tag": ["PROCESSING", "DONE"]}})
    n.exchange("PING")
    n.exchange("PING", reply={"raw": b"", "length": True})
    c.exchange("PING", reply={"raw": b"PROCESSING\r\nDONE\r\n\r\n"})
    n.leave()
    c.leave()
    c.conn.close()
    cap.what = "A PING and its answer have no typed body (2.2.6); one answer has no body at all, one only meta-tags."
    cap.rule = RULE


# ---- address book endpoint ---------------------------------------------------------------

@case("mapi-body-bind", "Bind: StatusCode, ErrorCode, success; Unbind")
def bind(cap):
    c = Context(Outlook(cap), "nspi")
    asked = stat_fields(code_page=1252)
    body = m.bind_body(code_page=1252)
    talk(cap, c, "Bind", body, u32(STATUS) + NO_AUX, asked, {"mapihttp.status_code": hexes(STATUS)},
         failed=("mapihttp.connect.failed", STATUS, "StatusCode of Bind."))
    talk(cap, c, "Bind", body, m.bind_answer(0x80040111), asked, {"mapihttp.error_code": hexes(0x80040111)},
         failed=("mapihttp.connect.failed", 0x80040111, "ErrorCode 0x80040111, LogonFailed."))
    talk(cap, c, "Bind", u32(0x20) + has(None) + w.aux(w.SESSION_INFO), m.bind_answer(), {"emsmdb.aux.type": ["4"]},
         {"mapihttp.error_code": "0"}, (), (str(w.SERVER),))
    talk(cap, c, "Unbind", u32(0) + NO_AUX, u32(STATUS) + NO_AUX, None, {"mapihttp.status_code": hexes(STATUS)},
         failed=("mapihttp.error_code.failed", STATUS, "StatusCode of Unbind."))
    talk(cap, c, "Unbind", u32(0) + NO_AUX, u32(0) + u32(2) + NO_AUX, None, {"mapihttp.error_code": "2"},
         failed=("mapihttp.error_code.failed", 2, "ErrorCode 2, UnbindFailure."))
    talk(cap, c, "Unbind", u32(0) + w.aux(w.SESSION_INFO), u32(0) + u32(1) + NO_AUX, None, {"mapihttp.error_code": "1"})
    c.conn.close()
    cap.what = "Bind refused twice, then done without a STAT; Unbind refused twice, then done."
    cap.rule = RULE + " An ErrorCode of 1 is UnbindSuccess (MS-OXNSPI 2.2.1.2): no failure."


HERE = {"container_id": 0x1234, "current_rec": w.BEGINNING, "total_recs": 0}
STAT = has(w.stat(**HERE))
NOW = {"container_id": 0x1234, "current_rec": ALICE, "delta": 0, "num_pos": 3, "total_recs": 20}

forms("compare-mids", "CompareMIds", u32(0) + STAT + u32(ALICE) + u32(w.END) + NO_AUX, u32(-1) + NO_AUX, u32(0)
      + NO_AUX,
      {"mapihttp.nspi.mid": [str(ALICE), "2"], **stat_fields(**HERE)}, None, ("MID_END_OF_TABLE",), ("-1",))
forms("dn-to-mid", "DNToMId", u32(0) + has(u32(2) + w.ascii0(m.DN) + w.ascii0("/o=Example/cn=nobody")) + NO_AUX,
      has(w.mids(ALICE, 0)) + NO_AUX, has(None) + NO_AUX, None, {"mapihttp.nspi.mid": [str(ALICE), "0"]},
      (m.DN, "/o=Example/cn=nobody"))

COLUMNS = (ENTRYID, DISPLAY, DISPLAY_TYPE, SMTP)
ROWS = [w.row(COLUMNS, (w.permanent(m.DN), "Alice Example", 0, "alice@example.test")),
        w.flagged(COLUMNS, (w.ephemeral(BOB), "Bob Example", w.ABSENT, w.Error(NOT_FOUND)))]
FOUND = {"mapiprop.tag": hexes(*COLUMNS, *COLUMNS * len(ROWS))}     # as columns, and with each value
FOUND_TEXT = ("Alice Example", "alice@example.test", m.DN, "Bob Example", str(w.SERVER), "NotFound")


def matches_body(restriction, marks=tags(*COLUMNS), named=has(None), mids=has(None)):
    return u32(0) + STAT + mids + u32(0) + has(restriction) + named + u32(50) + has(marks) + NO_AUX


FILTER = w.r_and(w.r_property(ACCOUNT, "ali"), w.r_exist(SMTP))
forms("get-matches", "GetMatches", matches_body(FILTER, mids=has(w.mids(ALICE, BOB)),
                                                named=has(w.guid("name").bytes_le + u32(0x8102))),
      has(w.stat(**NOW)) + has(w.mids(ALICE, BOB)) + has(w.columns_and_rows(COLUMNS, *ROWS)) + NO_AUX,
      has(None) + has(None) + has(None) + NO_AUX,
      {"mapihttp.nspi.mid": [str(ALICE), str(BOB)], "mapiprop.tag": hexes(ACCOUNT, ACCOUNT, SMTP, *COLUMNS),
       **stat_fields(**HERE)},
      {"mapihttp.nspi.mid": [str(ALICE), str(BOB)], **stat_fields(**NOW), **FOUND},
      ("ali", "PidTagAccount", str(w.guid("name"))), FOUND_TEXT)
forms("get-prop-list", "GetPropList", u32(1) + u32(ALICE) + u32(1252) + NO_AUX, has(tags(*COLUMNS, OBJECT_TYPE))
      + NO_AUX,
      has(None) + NO_AUX, {"mapihttp.nspi.mid": [str(ALICE)]}, {"mapiprop.tag": hexes(*COLUMNS, OBJECT_TYPE)},
      (),
      [NAMES[tag] for tag in (*COLUMNS, OBJECT_TYPE)])
forms("get-props", "GetProps", u32(0) + has(w.stat(current_rec=ALICE)) + has(tags(*COLUMNS)) + NO_AUX,
      u32(1200) + has(w.values((ENTRYID, w.ephemeral(ALICE)), (DISPLAY, "Alice Example"), (DISPLAY_TYPE, 6),
                               (SMTP & ~0xFFFF | 0xA, NOT_FOUND))) + NO_AUX,
      u32(1200) + has(None) + NO_AUX, {"mapiprop.tag": hexes(*COLUMNS), **stat_fields(current_rec=ALICE)},
      {"mapiprop.tag": hexes(ENTRYID, DISPLAY, DISPLAY_TYPE, SMTP & ~0xFFFF | 0xA),
       "mapiprop.id": ["0x0fff", "0x3001", "0x3900", "0x39fe"],
       "mapiprop.type": ["0x0102", "0x001f", "0x0003", "0x000a"]}, (), ("Alice Example", "NotFound"))
forms("get-special-table", "GetSpecialTable", u32(4) + has(w.stat()) + has(u32(7)) + NO_AUX,
      u32(1200) + has(u32(8)) + has(u32(2) + w.values((DISPLAY, "All Users"), (ENTRYID, w.permanent("/guid=01")))
                                    + w.values((DISPLAY, "All Rooms"), (0x3004001F, None))) + NO_AUX,
      u32(1200) + has(None) + has(None) + NO_AUX, stat_fields(),
      {"mapiprop.tag": hexes(DISPLAY, ENTRYID, DISPLAY, 0x3004001F)}, (), ("All Users", "/guid=01",
          "All Rooms"))
forms("get-template-info", "GetTemplateInfo", u32(0x11) + u32(0) + has(w.ascii0("/o=Example/cn=templates")) + u32(1252)
      + u32(0x407) + NO_AUX, u32(1252) + has(w.values((0x00010102, b"\x01\x02\x03template"))) + NO_AUX,
      u32(1252) + has(None) + NO_AUX, None, {"mapiprop.tag": hexes(0x00010102)}, ("/o=Example/cn=templates",))
forms("mod-link-att", "ModLinkAtt", u32(1) + w.tag_bytes(MEMBER) + u32(ALICE)
      + has(u32(2) + w.sized(w.permanent(m.DN)) + w.sized(w.ephemeral(BOB))) + NO_AUX, NO_AUX, NO_AUX,
      {"mapiprop.tag": hexes(MEMBER), "mapihttp.nspi.mid": [str(ALICE)]}, None, (m.DN,
          str(w.SERVER)))
forms("mod-props", "ModProps", u32(0) + STAT + has(tags(0x3A1C001F)) + has(w.values((0x3A1C001F, "+1 555 0100")))
      + NO_AUX,
      NO_AUX, NO_AUX, {"mapiprop.tag": hexes(0x3A1C001F, 0x3A1C001F), **stat_fields(**HERE)}, None,
      ("+1 555 0100",),
      error=NOT_SUPPORTED)
forms("query-columns", "QueryColumns", u32(0) + u32(0x80000000) + NO_AUX, has(tags(*COLUMNS)) + NO_AUX, has(None)
      + NO_AUX,
      None, {"mapiprop.tag": hexes(*COLUMNS)}, (), ("PidTagSmtpAddress",))
forms("query-rows", "QueryRows", u32(2) + STAT + w.mids(ALICE, BOB) + u32(50) + has(tags(*COLUMNS)) + NO_AUX,
      has(w.stat(**NOW)) + has(w.columns_and_rows(COLUMNS, *ROWS)) + NO_AUX, has(None) + has(None) + NO_AUX,
      {"mapihttp.nspi.mid": [str(ALICE), str(BOB)], "mapiprop.tag": hexes(*COLUMNS), **stat_fields(**HERE)},
      {**stat_fields(**NOW), **FOUND}, (), FOUND_TEXT)
forms("resolve-names", "ResolveNames", u32(0) + STAT + has(tags(DISPLAY, SMTP)) + has(u32(3) + w.wide("alice")
    + w.wide("ex")
      + w.wide("nobody")) + NO_AUX,
      u32(1200) + has(w.mids(w.RESOLVED, w.AMBIGUOUS, w.UNRESOLVED))
      + has(w.columns_and_rows((DISPLAY, SMTP), w.row((DISPLAY, SMTP), ("Alice Example", None)))) + NO_AUX,
      u32(1200) + has(None) + has(None) + NO_AUX, {"mapiprop.tag": hexes(DISPLAY, SMTP),
                                                   **stat_fields(**HERE)},
      {"mapihttp.nspi.mid": ["2", "1", "0"], "mapiprop.tag": hexes(DISPLAY, SMTP) * 2}, ("alice", "ex", "nobody"),
      ("MID_RESOLVED", "MID_AMBIGUOUS", "MID_UNRESOLVED", "Alice Example"))
forms("resort-restriction", "ResortRestriction", u32(0) + has(w.stat(sort_type=3)) + has(w.mids(BOB, ALICE)) + NO_AUX,
      has(w.stat(sort_type=3, current_rec=ALICE, total_recs=2)) + has(w.mids(ALICE, BOB)) + NO_AUX,
      has(None) + has(None) + NO_AUX, {"mapihttp.nspi.mid": [str(BOB), str(ALICE)], **stat_fields(sort_type=3)},
      {"mapihttp.nspi.mid": [str(ALICE), str(BOB)], **stat_fields(sort_type=3, current_rec=ALICE, total_recs=2)},
      ("SortTypePhoneticDisplayName",))
forms("seek-entries", "SeekEntries", u32(0) + STAT + has(w.tagged(DISPLAY, "Bob")) + has(w.mids(ALICE, BOB))
      + has(tags(*COLUMNS)) + NO_AUX, has(w.stat(**NOW)) + has(w.columns_and_rows(COLUMNS, *ROWS)) + NO_AUX,
      has(None) + has(None) + NO_AUX,
      {"mapiprop.tag": hexes(DISPLAY, *COLUMNS), "mapihttp.nspi.mid": [str(ALICE), str(BOB)],
       **stat_fields(**HERE)},
      {**stat_fields(**NOW), **FOUND}, ("Bob",), FOUND_TEXT)
MOVED = {"current_rec": w.CURRENT, "delta": -5, "container_id": 0x1234}
forms("update-stat", "UpdateStat", u32(0) + has(w.stat(**MOVED)) + b"\xff" + NO_AUX, has(w.stat(**NOW)) + has(u32(-5))
      + NO_AUX,
      has(None) + has(None) + NO_AUX, {name: value for name, value in stat_fields(**MOVED).items()
                                       if "delta" not in name},
      stat_fields(**NOW), ("MID_CURRENT",), ("-5",))
forms("get-mailbox-url", "GetMailboxUrl", u32(0) + w.wide("/o=Example/cn=Configuration/cn=Servers/cn=EX1") + NO_AUX,
      w.wide("https://mail.example.test/mapi/emsmdb/") + NO_AUX, w.wide("") + NO_AUX, None, None,
      ("/o=Example/cn=Configuration/cn=Servers/cn=EX1",), ("https://mail.example.test/mapi/emsmdb/",))
forms("get-address-book-url", "GetAddressBookUrl", u32(0) + w.wide(m.DN) + w.aux(w.SESSION_INFO),
      w.wide("https://mail.example.test/mapi/nspi/") + NO_AUX, w.wide("") + NO_AUX, {"emsmdb.aux.type": ["4"]}, None,
      (m.DN,),
      ("https://mail.example.test/mapi/nspi/",))


@case("mapi-body-special-mids", "every special minimal entry id, and parts that are not there")
def special_mids(cap):
    c = opened(cap)
    for mid, name in ((w.BEGINNING, "MID_BEGINNING_OF_TABLE"), (w.CURRENT, "MID_CURRENT"), (w.END, "MID_END_OF_TABLE")):
        talk(cap, c, "UpdateStat", u32(0) + has(w.stat(current_rec=mid)) + b"\0" + NO_AUX, u32(0) + u32(0)
             + has(w.stat(current_rec=mid)) + has(None) + NO_AUX, stat_fields(current_rec=mid),
             stat_fields(current_rec=mid), (name,),
             (name,))
    talk(cap, c, "UpdateStat", u32(0) + has(None) + b"\0" + NO_AUX, u32(0) + u32(0) + has(None) + has(None) + NO_AUX)
    talk(cap, c, "QueryRows", u32(0) + has(None) + w.mids() + u32(0) + has(None) + NO_AUX,
         u32(0) + u32(0) + has(None) + has(w.columns_and_rows(())) + NO_AUX)
    talk(cap, c, "ResolveNames", u32(0) + has(None) + has(None) + has(None) + NO_AUX, u32(0) + u32(0) + u32(1252)
         + has(None)
         + has(None) + NO_AUX)
    talk(cap, c, "DNToMId", u32(0) + has(None) + NO_AUX, u32(0) + u32(0) + has(w.mids()) + NO_AUX)
    talk(cap, c, "GetMatches", u32(0) + has(None) + has(None) + u32(0) + has(None) + has(None) + u32(0) + has(None)
         + NO_AUX,
         u32(0) + u32(0) + has(None) + has(None) + has(None) + NO_AUX)
    c.leave()
    c.conn.close()
    cap.what = "CurrentRec at each positioning id; then bodies whose optional parts are all absent, and arrays of none."
    cap.rule = "MS-OXNSPI 2.2.1.8. " + RULE


# ---- property values ---------------------------------------------------------------------

TYPES = [  # (tag, value, what -V must show)
    (0x36020002, -2, "-2"), (0x36030003, -123456, "-123456"), (0x66000004, 1.5, "1.5"), (0x66010005, -2.25, "-2.25"),
    (0x66020006, 1234500, "123.45"), (0x66030007, 45000.5, None), (0x6604000A, NOT_ENOUGH, "Memory"),
    (0x3A40000B, 1, "True"), (0x0E080014, 1 << 40, str(1 << 40)), (0x3001001E, "8-bit name", "8-bit name"),
    (0x3001001F, "Unicode \u00fc\u4e2d", "Unicode \u00fc\u4e2d"), (0x30080040, 1795600000, "2026"),
    (0x68420048, w.guid("property"), str(w.guid("property"))), (0x300B0102, b"\x01\x02\x03\x04\x05", "0102030405"),
    (0x66050001, None, None),
    (0x68361002, (1, -2, 3), "-2"), (0x68371003, (1, 2, 70000), "70000"), (0x68381004, (0.5, 2.5), "2.5"),
    (0x68391005, (0.125,), "0.125"), (0x683A1006, (50000,), None), (0x683B1007, (45001.5,), None),
    (0x683C1014, (1 << 41, 2), str(1 << 41)), (0x683D101E, ("one", "two"), "two"), (0x800F101F, ("SMTP:a@x",
        "smtp:b@x"), "smtp:b@x"),
    (0x683F1040, (1795600000, 1795600001), "2026"), (0x68401048, (w.guid("a"), w.guid("b")), str(w.guid("b"))),
    (0x8C6D1102, (b"\xaa\xbb", b"\xcc\xdd"), "ccdd")]


@case("mapi-body-types", "property values of every type")
def types(cap):
    c = opened(cap)
    asked = [tag for tag, _, _ in TYPES]
    talk(cap, c, "GetProps", u32(0) + has(w.stat(current_rec=ALICE)) + has(tags(*asked)) + NO_AUX,
         u32(0) + u32(0) + u32(1200) + has(w.values(*[(tag, value) for tag, value, _ in TYPES])) + NO_AUX,
         {"mapiprop.tag": hexes(*asked)},
         {"mapiprop.tag": hexes(*asked), "mapiprop.type": [f"0x{tag & 0xFFFF:04x}" for tag in asked]},
         ("PidTagDisplayName",), [shown for _, _, shown in TYPES if shown])
    missing = [(0x3001001F, None), (0x300B0102, None), (0x300B0102, b""), (0x800F101F, None), (0x8C6D1102, ()),
               (0x3001001E, "")]
    talk(cap, c, "GetProps", u32(0) + has(w.stat(current_rec=ALICE)) + has(None) + NO_AUX,
         u32(0) + u32(0) + u32(1200) + has(w.values(*missing)) + NO_AUX, None,
         {"mapiprop.tag": hexes(*[tag for tag, _ in missing])})
    c.leave()
    c.conn.close()
    cap.what = "Every type of MS-OXCDATA 2.11.1 that has a value here, single and multivalued; then values whose " \
               "HasValue is 0, an " \
               "array of none, an empty string and a binary value of no byte."
    cap.rule = "2.2.1.1: HasValue stands before strings, bytes and multivalued types, and before each string and " \
               "byte value " \
               "within them; counts have 32 bits."


SENT, ORIGINAL, CONDITION, ACTIONS = 0x674000FB, 0x674100FB, 0x667900FD, 0x668000FE
INBOX, LATER = 0x0C00000000000001, 0x0D00000000000001        # folder ids


def wire(number):
    """An id as it is shown: its digits stand as the bytes do."""
    return int.from_bytes(number.to_bytes(8, "little"), "big")


def actions(wide):
    """Every action of MS-OXORULE 2.2.5.1 as a standard rule or an extended one writes it."""
    count = u32 if wide else w.u16
    form = (lambda tag, content: w.bare(tag, content)) if wide else narrow
    to = b"\1" + count(2) + form(DISPLAY, "Bob") + form(ENTRYID, w.ephemeral(BOB))
    if wide:
        move = u32(4) + b"\1\2\3\4" + u32(46) + w.folder_id(7)
        answer = u32(46) + w.folder_id(8) + w.guid("reply").bytes_le
    else:
        move = b"\1" + w.u16(1) + b"\0" + w.server_id(INBOX)
        answer = w.u64(INBOX) + w.u64(LATER) + w.guid("reply").bytes_le
    return w.rule(w.action(1, move), w.action(2, move), w.action(3, answer, 1), w.action(4, answer),
                  w.action(5, b"\xaa\xbb\xcc"), w.action(6, u32(0x26)), w.action(7, count(1) + to, 3),
                  w.action(8, count(2) + to + to), w.action(9, form(0x00170003, 2)), w.action(10), w.action(11),
                  wide=wide)


def narrow(tag, content):
    """TaggedPropertyValue of a ROP buffer: bytes are counted in 16 bits."""
    if tag & 0xFFFF == 0x0102:
        return w.tag_bytes(tag) + w.u16(len(content)) + content
    return w.bare(tag, content)


OPS = ("OP_MOVE", "OP_COPY", "OP_REPLY", "OP_OOF_REPLY", "OP_DEFER_ACTION", "OP_BOUNCE", "OP_FORWARD", "OP_DELEGATE",
       "OP_TAG", "OP_DELETE", "OP_MARK_AS_READ")


@case("mapi-body-types-rules", "server ids, restrictions and rule actions as property values")
def types_rules(cap):
    c = opened(cap)
    whole = [(SENT, w.server_id(INBOX, LATER, 77)), (ORIGINAL, w.u16(4) + b"\0\xca\xfe\x01"), (CONDITION, twelve()),
             (ACTIONS, actions(False)), (ACTIONS, actions(True)), (DISPLAY, "behind them")]
    shown = ("PidTagSentMailSvrEID", "PidTagRuleCondition", "PidTagRuleActions", f"0x{wire(INBOX):016x}", f"0x{wire(LATER):016x}",
             "cafe01", "behind them", *OPS, *RESTRICTIONS, "aabbcc", str(w.guid("reply")), "Bob", "PidTagImportance")
    sides = {"mapiprop.value.server_id.ours": ["1", "0", "1", "1"],
             "mapiprop.value.server_id.folder_id": [str(wire(INBOX))] * 3,
             "mapiprop.value.server_id.message_id": [str(wire(LATER)), "0", "0"],
             "mapiprop.value.server_id.instance": ["77", "0", "0"],
             "mapiprop.rule.action_count": ["11", "11"],
             "mapiprop.rule.action.type": [str(number) for number in range(1, 12)] * 2,
             "mapiprop.rule.action.bounce_code": ["0x26", "0x26"],
             "mapiprop.rule.action.flavor": [str(flavor) for flavor in (0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0)] * 2}
    talk(cap, c, "ModProps", u32(0) + STAT + has(tags(SENT, CONDITION, ACTIONS)) + has(w.values(*whole)) + NO_AUX,
         u32(0) + u32(0) + NO_AUX, sides, None, shown)
    talk(cap, c, "GetProps", u32(0) + has(w.stat(current_rec=ALICE)) + has(None) + NO_AUX,
         u32(0) + u32(0) + u32(1200) + has(w.values(*whole)) + NO_AUX, None, sides, (), shown)
    columns = (ACTIONS, SENT, CONDITION, 0x66000000)
    found = [w.row(columns, (actions(True), w.server_id(INBOX), deep(3), (ACTIONS & 0xFFFF, w.rule(w.action(10))))),
             w.flagged(columns, (actions(False), w.ABSENT, w.Error(NOT_FOUND), (SENT & 0xFFFF, w.server_id(LATER))))]
    talk(cap, c, "QueryRows", u32(0) + STAT + w.mids() + u32(2) + has(tags(*columns)) + NO_AUX,
         u32(0) + u32(0) + has(w.stat(**NOW)) + has(w.columns_and_rows(columns, *found)) + NO_AUX, None,
         {"mapiprop.rule.action_count": ["11", "1", "11"],
          "mapiprop.restriction.type": ["2", "2", "2", "8"],
          "mapiprop.value.server_id.folder_id": [*[str(wire(INBOX))] * 3, str(wire(LATER))]}, (),
         ("NotFound",))
    c.leave()
    c.conn.close()
    cap.what = "PtypServerId in the server's form and a client's, PtypRestriction and PtypRuleAction, single, in " \
               "rows, in flagged rows and in a column of no type. The rule has all eleven actions, once with the " \
               "counts of a standard rule and once with those of an extended one; a string behind them shows where " \
               "they end."
    cap.rule = "MS-OXCDATA 2.11.1 and 2.11.1.4, MS-OXORULE 2.2.5: no HasValue before these types and none within; " \
               "the width of an action's counts is told by its bytes."


# ---- strings of 8 bits -------------------------------------------------------------------

CYRILLIC = "\u041e\u0442\u0447\u0451\u0442"
SHORT = 0x3001001E


@case("mapi-body-eight-bit", "an address book in 8-bit strings")
def eight_bit(cap):
    c = opened(cap)
    spelled, state = CYRILLIC.encode("cp1251").decode("latin-1"), w.stat(current_rec=ALICE, code_page=1251)
    shown = [f"PidTagDisplayName: {CYRILLIC}", f"Value: {CYRILLIC}"]
    page = {"mapihttp.nspi.code_page": "1251"}
    talk(cap, c, "GetProps", u32(0) + has(state) + has(tags(SHORT)) + NO_AUX,
         u32(0) + u32(0) + u32(1251) + has(w.values((SHORT, spelled))) + NO_AUX, None, page, (), shown)
    rows = w.columns_and_rows((SHORT,), w.row((SHORT,), (spelled,)))
    talk(cap, c, "QueryRows", u32(0) + has(state) + w.mids() + u32(2) + has(tags(SHORT)) + NO_AUX,
         u32(0) + u32(0) + has(state) + has(rows) + NO_AUX, None, {"mapihttp.nspi.stat.code_page": "1251"}, (), [CYRILLIC])
    # What is set has the page of the STAT before it; one that nobody knows shows bytes as Western text.
    talk(cap, c, "ModProps", u32(0) + has(state) + has(tags(SHORT)) + has(w.values((SHORT, spelled))) + NO_AUX,
         u32(0) + u32(0) + NO_AUX, None, None, shown)
    talk(cap, c, "GetProps", u32(0) + has(w.stat(current_rec=ALICE, code_page=4711)) + has(tags(SHORT)) + NO_AUX,
         u32(0) + u32(0) + u32(4711) + has(w.values((SHORT, spelled))) + NO_AUX, None, {"mapihttp.nspi.code_page": "4711"}, (),
         [f"Value: {spelled}"])
    c.leave()
    c.conn.close()
    cap.what = "Names in code page 1251 by the CodePage of a response, by the STAT before rows, and by the STAT of a request; and " \
               "in a code page that nobody has."
    cap.rule = "MS-OXNSPI 2.3.7: CodePage of STAT is that of the 8-bit strings; MS-OXCMAPIHTTP 2.2.5.4.2 has it of its own."


# ---- counts of 4 GB ----------------------------------------------------------------------

HUGE = u32(0xFFFFFFFF)
OK = u32(0) + u32(0)
NONE = has(None)
# A request and a response of each type with nothing in it.
PLAIN = {
    "DNToMId": (u32(0) + NONE + NO_AUX, OK + NONE + NO_AUX),
    "GetMatches": (u32(0) + NONE + NONE + u32(0) + NONE + NONE + u32(0) + NONE + NO_AUX, OK + NONE * 3 + NO_AUX),
    "GetPropList": (u32(1) + u32(ALICE) + u32(1252) + NO_AUX, OK + NONE + NO_AUX),
    "GetProps": (u32(0) + NONE + NONE + NO_AUX, OK + u32(1200) + NONE + NO_AUX),
    "GetSpecialTable": (u32(0) + NONE + NONE + NO_AUX, OK + u32(1200) + NONE + NONE + NO_AUX),
    "GetTemplateInfo": (u32(0) + u32(0) + NONE + u32(1252) + u32(0x407) + NO_AUX, OK + u32(1252) + NONE + NO_AUX),
    "ModLinkAtt": (u32(1) + w.tag_bytes(MEMBER) + u32(ALICE) + NONE + NO_AUX, OK + NO_AUX),
    "ModProps": (u32(0) + NONE * 3 + NO_AUX, OK + NO_AUX),
    "QueryColumns": (u32(0) + u32(0) + NO_AUX, OK + NONE + NO_AUX),
    "QueryRows": (u32(0) + NONE + w.mids() + u32(0) + NONE + NO_AUX, OK + NONE + NONE + NO_AUX),
    "ResolveNames": (u32(0) + NONE * 3 + NO_AUX, OK + u32(1200) + NONE + NONE + NO_AUX),
    "ResortRestriction": (u32(0) + NONE + NONE + NO_AUX, OK + NONE + NONE + NO_AUX),
    "SeekEntries": (u32(0) + NONE * 4 + NO_AUX, OK + NONE + NONE + NO_AUX),
    "UpdateStat": (u32(0) + NONE + b"\0" + NO_AUX, OK + NONE + NONE + NO_AUX)}
MOD = u32(0) + STAT + NONE + b"\xff"             # ModProps as far as its values
BIG_ROW = OK + NONE + b"\xff"                    # QueryRows' answer as far as its columns
CONTACTS = bytes.fromhex("fe42aa0a18c71a10e8850b651c240000")


def one_value(tag, data=b""):
    return MOD + u32(1) + w.tag_bytes(tag) + data


def in_action(kind, data, tail=8):
    """A value that is an extended rule of one action, as far as its data."""
    return one_value(ACTIONS, u32(1) + u32(9 + len(data) + 4 + tail) + w.action(kind, data))


# (what, type, whether it is the response, the body as far as the count, what stands behind it)
COUNTS = [
    ("names", "DNToMId", False, u32(0) + b"\xff", w.ascii0(m.DN)),
    ("minimal ids of an answer", "DNToMId", True, OK + b"\xff", u32(ALICE)),
    ("minimal ids", "GetMatches", False, u32(0) + STAT + b"\xff", u32(ALICE)),
    ("restrictions of an And", "GetMatches", False, u32(0) + STAT + NONE + u32(0) + b"\xff\0", w.r_exist(SMTP)),
    ("restrictions of an Or within", "GetMatches", False, u32(0) + STAT + NONE + u32(0) + b"\xff\2\1", w.r_exist(SMTP)),
    ("bytes of a comparand", "GetMatches", False,
     u32(0) + STAT + NONE + u32(0) + b"\xff\4\4" + w.tag_bytes(ENTRYID) * 2, b"abcd"),
    ("columns", "GetMatches", False, u32(0) + STAT + NONE + u32(0) + NONE + NONE + u32(9) + b"\xff", w.tag_bytes(SMTP)),
    ("tags", "GetPropList", True, OK + b"\xff", w.tag_bytes(SMTP)),
    ("values of an answer", "GetProps", True, OK + u32(1200) + b"\xff", w.tagged(DISPLAY_TYPE, 6)),
    ("rows of a table", "GetSpecialTable", True, OK + u32(1200) + NONE + b"\xff", u32(0)),
    ("values of such a row", "GetSpecialTable", True, OK + u32(1200) + NONE + b"\xff" + u32(1), u32(0)),
    ("values of a template", "GetTemplateInfo", True, OK + u32(1252) + b"\xff", u32(0)),
    ("entry ids", "ModLinkAtt", False, u32(1) + w.tag_bytes(MEMBER) + u32(ALICE) + b"\xff", w.sized(w.ephemeral(BOB))),
    ("bytes of an entry id", "ModLinkAtt", False, u32(1) + w.tag_bytes(MEMBER) + u32(ALICE) + b"\xff" + u32(1),
     w.ephemeral(BOB)),
    ("tags to remove", "ModProps", False, u32(0) + STAT + b"\xff", w.tag_bytes(SMTP)),
    ("values", "ModProps", False, MOD, w.tagged(DISPLAY_TYPE, 6)),
    ("bytes of a binary value", "ModProps", False, one_value(0x300B0102, b"\xff"), b"abcd"),
    ("bytes of an entry id as a value", "ModProps", False, one_value(ENTRYID, b"\xff"), w.ephemeral(BOB)),
    ("bytes of an entry id within one", "ModProps", False, one_value(
        ENTRYID, b"\xff" + u32(4 + 16 + 16 + 32) + bytes(4) + CONTACTS + u32(3) + u32(4) + u32(0)), w.ephemeral(BOB)),
    *[(f"values of type 0x{kind:04x}", "ModProps", False, one_value(0x68360000 | kind, b"\xff"), bytes(32))
      for kind in (0x1002, 0x1003, 0x1004, 0x1005, 0x1006, 0x1007, 0x1014, 0x101E, 0x101F, 0x1040, 0x1048, 0x1102)],
    ("bytes of one of several values", "ModProps", False, one_value(0x8C6D1102, b"\xff" + u32(1)), b"abcd"),
    ("bytes of an action", "ModProps", False, one_value(ACTIONS, u32(1)), w.action(10)),
    ("bytes of a store's id", "ModProps", False, in_action(1, b""), bytes(8)),
    ("bytes of a folder's id", "ModProps", False, in_action(1, u32(0)), bytes(8)),
    ("bytes of a template's id", "ModProps", False, in_action(3, b""), bytes(8)),
    ("recipients", "ModProps", False, in_action(7, b""), bytes(8)),
    ("properties of a recipient", "ModProps", False, in_action(8, u32(1) + b"\1"), bytes(8)),
    ("columns of an answer", "QueryColumns", True, OK + b"\xff", w.tag_bytes(SMTP)),
    ("explicit table", "QueryRows", False, u32(0) + STAT, u32(ALICE)),
    ("columns of rows", "QueryRows", True, BIG_ROW, w.tag_bytes(SMTP)),
    ("rows", "QueryRows", True, BIG_ROW + tags(DISPLAY), w.row((DISPLAY,), ("Alice",))),
    ("rows of no column", "QueryRows", True, BIG_ROW + tags(), b"\0\0"),
    ("names to resolve", "ResolveNames", False, u32(0) + STAT + NONE + b"\xff", w.wide("ali")),
    ("ids to sort", "ResortRestriction", False, u32(0) + STAT + b"\xff", u32(ALICE)),
    ("ids sorted", "ResortRestriction", True, OK + NONE + b"\xff", u32(ALICE)),
    ("table to seek in", "SeekEntries", False, u32(0) + STAT + NONE + b"\xff", u32(ALICE)),
    ("auxiliary buffer", "UpdateStat", False, u32(0) + NONE + b"\0", b""),
    ("auxiliary buffer of an answer", "UpdateStat", True, OK + NONE + NONE, w.ext(b""))]


def count_of(cap, c, what, kind, response, begin, end, size=HUGE):
    body = begin + size + end
    cap.wait(0.05)
    ask = c.ask(kind, PLAIN[kind][0] if response else body)
    cap.wait(0.003)
    frame = c.reply(ask, body if response else PLAIN[kind][1])
    at = len(begin) + len(size)
    cap.item("mapihttp.malformed", frame if response else ask.frame, f"{what}: {int.from_bytes(size, 'little'):,} "
             f"of them are announced, {len(end)} bytes follow.", [f"at byte {at}"])


@case("mapi-body-bad-counts", "counts of 4 GB wherever a count stands")
def counts(cap):
    cap.largest = 160 * 1024
    c = opened(cap)
    for row in COUNTS:
        count_of(cap, c, *row)
    count_of(cap, c, "bytes of a server id", "ModProps", False, one_value(SENT), b"\1" + bytes(20), w.u16(0xFFFF))
    count_of(cap, c, "actions", "ModProps", False, one_value(ACTIONS), w.u16(19) + w.action(10, bytes(10)),
             w.u16(0xFFFF))
    for kind in (0x10FB, 0x10FD, 0x10FE, 0x1001, 0x100B, 0x100D):
        count_of(cap, c, f"values of type 0x{kind:04x}, which no property has", "ModProps", False,
                 one_value(0x68360000 | kind, b"\xff"), bytes(32), u32(1))
    c.leave()
    c.conn.close()
    cap.what = "Each 32-bit count of the address book's bodies says 4,294,967,295, those of 16 bits 65,535. Then " \
               "multivalued types that MS-OXCDATA 2.11.1 does not have."
    cap.rule = "Said at the byte behind the count, where nothing like that follows, and no memory is taken for it."


@case("mapi-body-bad-counts-execute", "sizes of 4 GB in Connect and Execute")
def counts_execute(cap):
    c = Context(Outlook(cap))
    c.connect()
    for what, kind, response, begin in (
            ("ROP buffer", "Execute", False, u32(3)), ("ROP buffer of an answer", "Execute", True, OK + u32(0)),
            ("auxiliary buffer", "Execute", False, u32(3) + w.sized(w.rops(w.RELEASE, 1)) + u32(0x8008)),
            ("auxiliary buffer of a NotificationWait", "NotificationWait", False, u32(0)),
            ("auxiliary buffer of its answer", "NotificationWait", True, OK + u32(1))):
        body = begin + HUGE + w.ext(b"")
        cap.wait(0.05)
        ask = c.ask(kind, m.default_body(kind) if response else body)
        frame = c.reply(ask, body if response else m.default_answer(kind))
        cap.item("mapihttp.malformed", frame if response else ask.frame, f"{what}: 4 GB are announced.",
                 [f"at byte {len(begin) + 4}"])
    c.leave()
    c.conn.close()
    cap.what = "RopBufferSize and AuxiliaryBufferSize say 4,294,967,295."
    cap.rule = "Said at the byte behind the size."


@case("mapi-body-rows", "standard and flagged rows, typed and untyped columns")
def rows(cap):
    c = opened(cap)
    columns = (DISPLAY, OBJECT_TYPE, 0x3A1C0000, 0x39FE0000, CHANGED, 0x800F101F)
    found = [w.row(columns, ("Alice Example", 6, (0x1F, "+1 555 0100"), (0x1E, "alice@example.test"), 1795600000, ("x",
        "y"))),
             w.flagged(columns, ("Bob Example", w.ABSENT, (0xA, w.Error(NOT_FOUND)), (0x1F, "bob@example.test"),
                                 w.Error(NOT_ENOUGH), w.ABSENT)),
             w.flagged(columns, (w.Error(NOT_FOUND), 6, (0x1F, w.ABSENT), (0x1F, None), 1795600001, ("z",))),
             w.row(columns, (None, 3, (0x3, 77777), (0x1F, ""), 1795600002, ()))]
    talk(cap, c, "QueryRows", u32(0) + STAT + w.mids() + u32(4) + has(tags(*columns)) + NO_AUX,
         u32(0) + u32(0) + has(w.stat(**NOW)) + has(w.columns_and_rows(columns, *found)) + NO_AUX,
         {"mapiprop.tag": hexes(*columns)}, None, (),
         ("Alice Example", "+1 555 0100", "alice@example.test", "Bob Example", "NotFound", "bob@example.test",
          "Memory",
          "77777"))
    c.leave()
    c.conn.close()
    cap.what = "Four rows of six columns, two of them of no type (PtypUnspecified): values carry their type. Rows " \
               "with Flags 0, " \
               "rows with Flags 1 whose values carry 0, 1 or 0x0A."
    cap.rule = "MS-OXCMAPIHTTP 2.2.1.4 to 2.2.1.7."


@case("mapi-body-entry-ids", "permanent and ephemeral entry ids of every display type")
def entry_ids(cap):
    c = opened(cap)
    kinds = (0, 1, 2, 3, 4, 5, 6, 0x100, 0x101, 0x102)
    columns = (ENTRYID, DISPLAY)
    found = [w.row(columns, (w.permanent(f"/o=Example/cn=p{kind:x}", kind), f"permanent {kind:x}")) for kind in kinds]
    found += [w.row(columns, (w.ephemeral(0x2000 + kind, kind), f"ephemeral {kind:x}")) for kind in kinds]
    talk(cap, c, "QueryRows", u32(0) + STAT + w.mids() + u32(20) + has(tags(*columns)) + NO_AUX,
         u32(0) + u32(0) + has(w.stat(**NOW)) + has(w.columns_and_rows(columns, *found)) + NO_AUX, None, None, (),
         [f"/o=Example/cn=p{kind:x}" for kind in kinds] + [str(w.SERVER)])
    c.leave()
    c.conn.close()
    cap.what = "Ten rows with a permanent and ten with an ephemeral entry id, of each display type (MS-OXNSPI " \
               "2.2.1.3, 2.2.9)."
    cap.rule = RULE


# ---- restrictions ------------------------------------------------------------------------

def twelve(form=w.bare):
    """All 12 restrictions, nested."""
    return w.r_and(
        w.r_or(w.r_content(DISPLAY, "ali", form=form), w.r_content(0x3001001E, "eight", 1, 3, form=form)),
        w.r_not(w.r_exist(SMTP)),
        w.r_property(DISPLAY_TYPE, 6, 0, form=form),
        w.r_compare(DISPLAY, SMTP, 5),
        w.r_bitmask(OBJECT_TYPE, 0x00F0, 0),
        w.r_size(ENTRYID, 100, 2),
        w.r_sub(0x0E12000D, w.r_property(SMTP, "b@x", form=form)),
        w.r_comment(w.r_count(3, w.r_exist(DISPLAY)), (0x6605001F, "a remark"), (0x66060003, 7)),
        w.r_comment(None, (0x66070003, 9)))


RESTRICTIONS = ("AndRestriction", "OrRestriction", "NotRestriction", "ContentRestriction", "PropertyRestriction",
                "ComparePropertiesRestriction", "BitMaskRestriction", "SizeRestriction", "ExistRestriction",
                "SubObjectRestriction",
                "CommentRestriction", "CountRestriction")


def restricted(name, title, filters, what, rule, text=(), item=None):
    @case(f"mapi-body-{name}", title)
    def build(cap):
        c = opened(cap)
        for restriction in filters:
            ask = talk(cap, c, "GetMatches", matches_body(restriction), u32(0) + u32(0) + has(w.stat(**NOW))
                       + has(w.mids())
                       + has(None) + NO_AUX, None, None, text)
            if item:
                cap.item("mapihttp.malformed", ask.frame, item)
        c.leave()
        c.conn.close()
        cap.what, cap.rule = what, rule


WORDS = ("ali", "eight", "a remark", "b@x", *RESTRICTIONS)
restricted("restrictions", "all 12 restrictions, nested", [twelve()],
           "The Filter of GetMatches holds every kind of restriction, And around the others.",
           "MS-OXCDATA 2.12; counts of 32 bits. The values within are TaggedPropertyValues of MS-OXCDATA 2.11.4, which "
           "know no "
           "HasValue.", WORDS)


def marked(tag, content):
    return w.tag_bytes(tag) + w.value(tag & 0xFFFF, content)


restricted("restrictions-marked", "property values with a mark within restrictions", [
    w.r_property(ACCOUNT, "alice", form=marked), w.r_and(w.r_content(DISPLAY, "bob", form=marked),
                                                        w.r_property(ACCOUNT, "alice", form=marked))],
    "As gromox expects it: 0xFF stands before the string of a property restriction.",
    "Both forms occur, and here only one of them leaves nothing over.", ("alice",))


def deep(count):
    part = w.r_exist(DISPLAY)
    for _ in range(count):
        part = w.r_not(part)
    return part


restricted("restrictions-deep", "restrictions nested 12 deep", [deep(12)], "Twelve NotRestrictions around one.",
           "Deep, and lawful.", ("NotRestriction", "ExistRestriction"))
restricted("restrictions-too-deep", "restrictions nested 600 deep", [deep(600)],
           "Six hundred NotRestrictions: read to a fixed depth, then said to be too deep.", "Depth is capped.", (),
           "Nested deeper than any reader should follow.")


# ---- extended buffers and auxiliary blocks -----------------------------------------------

@case("mapi-body-aux", "every auxiliary block")
def aux_blocks(cap):
    c = opened(cap, "emsmdb")
    blocks = w.aux_blocks()
    for at in range(0, len(blocks), 14):
        part = blocks[at:at + 14]
        names = sorted({name for name, _, _, _ in part})
        body = u32(3) + w.sized(w.rops(w.RELEASE, 1)) + u32(0x8008) + w.aux(*[data for _, _, _, data in part])
        talk(cap, c, "Execute", body, m.execute_answer(), {"emsmdb.aux.type": [str(kind) for _, _, kind, _ in part],
                                                          "emsmdb.ext.flags": ["0x0004", "0x0004"]}, None, names)
    unknown = w.block(1, 0x77, bytes(9)) + w.block(3, 0x01, bytes(4)) + w.SESSION_INFO
    talk(cap, c, "Execute", u32(3) + w.sized(w.rops(w.RELEASE, 1)) + u32(0x8008) + w.aux(unknown), m.execute_answer(),
         {"emsmdb.aux.type": ["119", "1", "4"]}, None, (str(w.guid("aux/session")),))
    c.leave()
    c.conn.close()
    cap.what = "The forty blocks of MS-OXCRPC 2.2.2.2 on three requests; then two that nobody knows, by type and by " \
               "version, with a " \
               "known one behind them."
    cap.rule = "A block that is not known is skipped by its size."


REPEATS = bytes(range(24)) * 40


WRITTEN = b"\x2d\0" + u32(0) + w.u16(960)               # the answer of RopWriteStream


def listed(data, response):
    """RopWriteStream has the data of a request (MS-OXCROPS 2.2.9.3), the RopReadStream behind it those of the answer (2.2.9.2)."""
    rop = WRITTEN + b"\x2c\0" + u32(0) + w.u16(len(data)) + data if response else \
        b"\x2d\0\0" + w.u16(len(data)) + data + b"\x2c\0\0" + w.u16(len(data))
    return w.u16(2 + len(rop)) + rop + u32(0x51)


def further(rops):
    """A list of such a response for another buffer of its chain: RopReadStream goes on (MS-OXCRPC 3.1.4.2.1.2.2)."""
    rop = rops[2 + len(WRITTEN):-4]
    return w.u16(2 + len(rop)) + rop + rops[-4:]


def lengths():
    """Stream data whose compressed form needs each way to write a length."""
    seed = bytes((index * 73 + 41) & 0xFF for index in range(256)) + bytes((index * 151 + 7) & 0xFF
        for index in range(150))
    out = bytearray(seed)
    for size in (3, 5, 9, 10, 11, 20, 24, 25, 26, 200, 279, 280, 281, 400, 24, 9, 12, 300):
        out += seed[:size] + bytes([0xF0 ^ size & 0xFF, size & 0x7F])
    return bytes(out)


def buffers(name, title, what, make, data=REPEATS, tolerated=()):
    """An Execute whose ROP buffer is made by make(ROP list, whether it is the response's) with the flags it lists."""
    @case(f"mapi-body-ext-{name}", title)
    def build(cap):
        c = opened(cap, "emsmdb")
        (asks, ask_flags), (answers, flags) = make(listed(data, False), False), make(listed(data, True), True)

        def fields(made, of, response):
            shown = {"mapihttp.execute.rop_buffer_size": str(len(made)), "emsmdb.ext.flags": [f"0x{flag:04x}"
                for flag in of],
                     "rop.id": ["45"] + ["44"] * len(of)}
            if len(of) == 1:
                shown["emsmdb.ext.size"] = str(len(made) - 8)
                shown["emsmdb.ext.size_actual"] = str(len(listed(data, response)))
            return shown
        talk(cap, c, "Execute", u32(3) + w.sized(asks) + u32(0x10008) + NO_AUX,
             u32(0) + u32(0) + u32(0) + w.sized(answers) + NO_AUX, fields(asks, ask_flags, False),
             fields(answers, flags, True),
             ("RopWriteStream",), ("RopReadStream",))
        c.leave()
        c.conn.close()
        cap.what = what
        cap.rule = "MS-OXCRPC 2.2.2.1, 3.1.4.1.1; MS-XCA 2.3 for the compressed bytes."
        cap.tolerated = list(tolerated)


def one(flags, **how):
    return lambda rops, response: (w.ext(rops, flags, **how), [flags])


buffers("xor", "an obfuscated ROP buffer", "XOR 0xA5.", one(w.LAST | w.XOR))
buffers("compressed", "a compressed ROP buffer", "960 bytes that repeat: a match longer than 280 bytes, whose length "
        "takes the "
        "half byte, a byte and two more.", one(w.LAST | w.COMPRESSED))
buffers("both", "compressed, then obfuscated", "Both flags: first XOR is undone, then LZ77.",
        one(w.LAST | w.COMPRESSED | w.XOR))
buffers("literals", "compressed without a match", "Only literals: more bytes than they stand for, where "
        "2.2.2.1 asks for fewer; whether that is worth a word is left open.",
        lambda rops, response: (w.ext(rops, w.LAST | w.COMPRESSED, packed=w.lz77(rops, False)), [5]),
        tolerated=["mapihttp.malformed"])
buffers("lengths", "matches of every length", "Matches of 3 to 9, 10 to 24, 25 to 279 and 280 and more bytes, and half "
        "bytes that "
        "are shared.", one(w.LAST | w.COMPRESSED), lengths())
buffers("chained", "three extended buffers in one response", "A plain one, a compressed one and an obfuscated one; "
        "only the third "
        "has Last.", lambda rops, response: (w.ext(rops, 0) + w.ext(further(rops), w.COMPRESSED)
                                             + w.ext(further(rops), w.LAST | w.XOR),
                                             [0, 1, 6])
        if response else (w.ext(rops), [4]))


@case("mapi-body-ext-aux", "compressed and obfuscated auxiliary buffers")
def ext_aux(cap):
    c = Context(Outlook(cap))
    blocks = [data for _, _, _, data in w.aux_blocks()[:4]] * 2
    kinds = ["1", "2", "3", "4"] * 2
    for number, flags in enumerate((w.LAST | w.XOR, w.LAST | w.COMPRESSED, w.LAST | w.COMPRESSED | w.XOR)):
        body = m.connect_body(aux=w.aux(*blocks, flags=flags))
        if number == 0:
            ask = c.ask("Connect", body, fields={"emsmdb.aux.type": kinds, "emsmdb.ext.flags": [f"0x{flags:04x}"]})
            c.reply(ask, m.connect_answer())
            continue
        body = u32(3) + w.sized(w.rops(w.RELEASE, 1)) + u32(0x8008) + w.aux(*blocks, flags=flags)
        talk(cap, c, "Execute", body, m.execute_answer(), {"emsmdb.aux.type": kinds,
                                                          "emsmdb.ext.flags": ["0x0004", f"0x{flags:04x}"]})
    c.leave()
    c.conn.close()
    cap.what = "The auxiliary buffer of Connect obfuscated, those of two Executes compressed and both."
    cap.rule = "MS-OXCRPC 3.1.4.1.1."


def broken(name, title, what, body, kind="Execute", response=False, endpoint="emsmdb"):
    @case(f"mapi-body-bad-{name}", title)
    def build(cap):
        c = opened(cap, endpoint)
        ask = c.ask(kind, USUAL[kind][0] if response else body)
        frame = c.reply(ask, body if response else USUAL[kind][1])
        cap.item("mapihttp.malformed", frame if response else ask.frame, what)
        c.leave()
        c.conn.close()
        cap.what = what
        cap.rule = "A broken body is said to be broken at its byte, and nothing is read beyond what is there."


GOOD = m.execute_body()
USUAL = {"Execute": (GOOD, m.execute_answer()),
         "DNToMId": (u32(0) + has(u32(1) + w.ascii0(m.DN)) + NO_AUX, None),
         "QueryRows": (u32(0) + STAT + w.mids() + u32(1) + has(tags(DISPLAY)) + NO_AUX, None),
         "GetAddressBookUrl": (None, u32(0) + u32(0) + w.wide("https://mail.example.test/mapi/nspi/") + NO_AUX)}
broken("rop-size", "a ROP buffer larger than the body", "RopBufferSize says 4 GB.", u32(3) + u32(0xFFFFFFFF)
       + w.rops(w.RELEASE, 1))
broken("tail", "bytes behind the body", "Three bytes follow the auxiliary buffer.", GOOD + b"abc")
broken("cut", "a body that ends within a field", "The body ends within MaxRopOut.", GOOD[:-6])
broken("ext-size", "an extended buffer larger than its room", "RPC_HEADER_EXT.Size says 2000.",
       u32(3) + w.sized(w.rops(w.RELEASE, 1, size=2000, actual=2000)) + u32(0x8008) + NO_AUX)
BOMB = w.u16(16) + b"\x2d\0\0" + w.u16(9) + bytes(4096)         # a whole ROP list in the first 16 bytes
broken("bomb", "compressed bytes that give more than they say", "SizeActual says 64; the compressed bytes give 4 KB.",
       u32(3) + w.sized(w.ext(BOMB[:64], w.LAST | w.COMPRESSED,
                                  packed=w.lz77(BOMB))) + u32(0x8008) + NO_AUX)
broken("distance", "a match that reaches before the start", "The first item is a match.",
       u32(3) + w.sized(w.ext(bytes(64), w.LAST | w.COMPRESSED, packed=b"\xff\xff\xff\xff" + w.u16(40 << 3)))
       + u32(0x8008) + NO_AUX)
broken("aux-block", "an auxiliary block of size 0", "AUX_HEADER.Size is 0.",
       u32(3) + w.sized(w.rops(w.RELEASE, 1)) + u32(0x8008) + w.aux(w.u16(0) + b"\x01\x04" + bytes(16)))
broken("mid-count", "more minimal entry ids than bytes", "MinimalIdCount says 90,000.",
       u32(0) + u32(0) + has(u32(90000) + u32(ALICE)) + NO_AUX, "DNToMId", True, "nspi")
broken("row-count", "more rows than bytes", "RowCount says 100,000, one row is there.",
       u32(0) + u32(0) + has(w.stat()) + has(tags(DISPLAY) + u32(100000) + w.row((DISPLAY,), ("Alice",))) + NO_AUX,
       "QueryRows", True,
       "nspi")
broken("string", "a string without its end", "UserDn has no terminator.", u32(0) + "abc".encode("utf-16-le"),
       "GetAddressBookUrl",
       endpoint="nspi")

