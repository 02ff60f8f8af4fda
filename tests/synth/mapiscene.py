"""MAPI/HTTP conversations composed message by message, and with them what is expected of each message.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import time

import mapiwire as w
import rpc
import scene
from scene import DOWN, UP  # noqa: F401

# The graver of two severities has the filter's name, the milder one the suffix.
SEVERITY = {
    "outlook.auth.ntlm_torn": "error", "outlook.auth.no_challenge": "warning", "outlook.auth.token_left": "warning", "outlook.auth.type3_without_challenge": "warning",
    "outlook.auth.refused": "warning", "outlook.auth.refused.note": "note", "outlook.auth.shared_connection": "error", "outlook.auth.slow": "note",
    "outlook.auth.very_slow": "warning", "outlook.auth.downgraded": "note", "outlook.auth.header_case": "note",
    "outlook.auth.empty_bearer": "note", "outlook.auth.channel_binding": "warning", "outlook.http.failed": "warning",
    "outlook.server_gone": "warning", "outlook.server_gone.back": "chat", "mapihttp.response.cut.note": "note",
    "mapihttp.response_code.failed": "warning", "mapihttp.connect.failed": "warning",
    "mapihttp.error_code.failed": "note", "mapihttp.session.lost": "error", "mapihttp.session.expired": "note",
    "mapihttp.session.backend_changed": "warning", "mapihttp.session.backend_changed.chat": "chat",
    "mapihttp.session.cookie_lost": "warning", "mapihttp.session.sequence_broken": "warning",
    "mapihttp.pending.late": "warning", "mapihttp.response.cut": "warning", "mapihttp.response.cut.chat": "chat",
    "mapihttp.request.unanswered": "note", "mapihttp.malformed": "error",
    "rop.malformed": "error", "rop.context_unknown": "chat", "rop.failed": "note", "rop.backoff": "warning",
    "rop.buffer_too_small": "note",
}
CODES = {0: "Success", 1: "Unknown Failure", 2: "Invalid Verb", 3: "Invalid Path", 4: "Invalid Header",
         5: "Invalid Request Type", 6: "Invalid Context Cookie", 7: "Missing Header", 8: "Anonymous Not Allowed",
         9: "Too Large", 10: "Context Not Found", 11: "No Privilege", 12: "Invalid Request Body", 13: "Missing Cookie",
         14: "Reserved", 15: "Invalid Sequence", 16: "Endpoint Disabled", 17: "Invalid Response",
         18: "Endpoint Shutting Down"}
HOST = "mail.example.test"
DN = "/o=Example/ou=Exchange/cn=Recipients/cn=alice"
MAILBOX_ID = f"{w.MAILBOX}@example.test"
NSPI_TYPES = {"bind", "unbind", "comparemids", "dntomid", "getmatches", "getproplist", "getprops", "getspecialtable",
              "gettemplateinfo", "modlinkatt", "modprops", "querycolumns", "queryrows", "resolvenames",
              "resortrestriction", "seekentries", "updatestat", "getmailboxurl", "getaddressbookurl"}


class MapiCapture(scene.Capture):
    """A case of MAPI/HTTP: its packets, messages and items."""

    def __init__(self, name, title):
        super().__init__(name, title)
        self.messages, self.bodies, self.sessions = [], [], 0

    def message(self, frame, stream, to, kind, fields, text=()):
        row = {"frame": frame, "stream": stream, "to": to, "type": kind,
               "fields": {name: value for name, value in fields.items() if value is not None}}
        if text:
            row["text"] = list(text)
        self.messages.append(row)
        return row

    def body(self, frame, stream, fields, head):
        """A body alone, whose headers another dissector shows: head is their frame and what must be shown there."""
        self.bodies.append({"frame": frame, "stream": stream, "head": list(head),
                            "fields": {name: value for name, value in fields.items() if value is not None}})

    def item(self, name, frame, why, contains=(), frames=None, where=None):
        """frames: all that the rule allows, where it leaves the frame open; the first choice is frame."""
        if not frame:
            raise SystemExit(f"{self.name}: {name} has no frame")
        row = {"item": name, "severity": SEVERITY[name], "frame": frame}
        if frames:
            row["frames"] = sorted({frame, *frames})
        row["contains"] = [str(word) for word in contains]
        if where:
            row["where"] = where
        self.items.append(row)
        self.why.append((frame, name, SEVERITY[name], why))

    def expect(self):
        # A connection may get its stream number after the message was composed.
        rows = []
        for row in self.messages:
            if row["frame"]:                 # else it was not captured
                rows.append({**row, "stream": row["stream"].stream})
        bodies = {"bodies": [{**row, "stream": row["stream"].stream} for row in self.bodies]} if self.bodies else {}
        return {"keys": None, "messages": sorted(rows, key=lambda row: row["frame"]), **bodies,
                "items": sorted(self.items, key=lambda row: (row["frame"], row["item"])), "tolerated": self.tolerated}


def case(name, title):
    def register(function):
        function.capture = MapiCapture
        return scene.case(name, title)(function)
    return register


class Ask:
    """A request as it was sent."""

    def __init__(self, **values):
        self.__dict__.update(values)


class Outlook:
    """A client instance: one X-ClientInfo."""

    def __init__(self, cap, address="10.0.0.21", server="10.0.0.81:80", user=rpc.USER, dn=DN, mailbox=MAILBOX_ID,
                 auth="basic",
                 application="Outlook/16.0.17126.20132", name=None):
        self.cap, self.address, self.server, self.user, self.dn, self.mailbox = cap, address, server, user, dn, mailbox
        self.auth = rpc.basic(user) if auth == "basic" else auth
        self.application, self.contexts = application, 0
        self.info = "{" + str(w.guid(f"{cap.name}/info/{name or user}")).upper() + "}"

    def open(self, server=None, **how):
        return self.cap.connect(self.address, server or self.server, **how)


class Context:
    """A session context of one endpoint, as the client and the server keep it."""

    def __init__(self, outlook, endpoint="emsmdb", back="EX1", front="EX1", expiry=900000, conn=None, headers=True,
                 seed="", names="exchange"):
        self.names = names               # of the cookies: "exchange" or "gromox"
        self.outlook, self.cap, self.endpoint = outlook, outlook.cap, endpoint
        self.back, self.front, self.expiry, self.headers = back, front, expiry, headers
        outlook.contexts += 1
        self.info = f"{outlook.info}:{outlook.contexts}"
        self.seed = f"{self.cap.name}/{outlook.user}/{endpoint}/{outlook.contexts}{seed}"
        self.guid, self.counter = w.guid(self.seed), 0
        self.cookies, self.number, self.made, self.sequence = {}, None, 0, 0
        self.conn = conn

    # ---- cookies ----

    def fresh(self, server=None):
        """The server makes a context: new cookies."""
        self.made += 1
        number = 1575012367 + self.made + sum(map(ord, self.seed)) * 131
        if self.names == "gromox":
            self.cookies = {"sid": f"{w.guid(f'{self.seed}/sid/{number}').hex}"}
        else:
            self.cookies = {"MapiContext": w.mapi_context(server or self.back, number), "MapiRouting": w.MAPI_ROUTING}
        self.rotate()

    def rotate(self):
        self.sequence += 1
        if self.names == "gromox":
            self.cookies["sequence"] = str(w.guid(f"{self.seed}/sequence/{self.sequence}"))
        else:
            self.cookies["MapiSequence"] = w.mapi_sequence(self.sequence, self.seed)

    def set_lines(self):
        if self.names == "gromox":
            return [f"Set-Cookie: {name}={value}" for name, value in self.cookies.items()]
        return [f"Set-Cookie: {name}={value}; path=/mapi/{self.endpoint}" for name, value in self.cookies.items()]

    # ---- requests ----

    def ask(self, kind, body=b"", conn=None, counter=None, cookies=None, auth="own", lines=(), uri=None, method="POST",
            content="application/mapi-http", style=None, chunked=False, host=HOST, fields=None, text=(), drop=(),
            expect_session="auto", leg=0, protocol="HTTP/1.1", sent=None, step=True, close=False, spelled=None, **how):
        """Sends a request. cookies: instead of the context's own; drop: header names to leave out; style: a function
        for header names; spelled: the request type as written; sent: bytes of the body to send now; step=False: the
        counter stays (a repetition)."""
        conn = conn or self.conn or self._open()
        if counter is None:
            self.counter += bool(step)
            counter = self.counter
        jar = self.cookies if cookies is None else cookies
        token = self.outlook.auth if auth == "own" else auth
        uri = uri or f"/mapi/{self.endpoint}/?MailboxId={self.outlook.mailbox}"
        head = [("Host", host), ("Cache-Control", "no-cache"), ("Connection", "close" if close else "Keep-Alive"),
                ("User-Agent", "Microsoft Office/16.0 (Windows NT 10.0; MAPI 16.0.17126; Pro)")]
        if content:
            head.append(("Content-Type", content))
        if kind is not None:
            head += [("X-RequestType", spelled or kind), ("X-ClientInfo", self.info),
                     ("X-RequestId", f"{{{str(self.guid).upper()}}}:{counter}"),
                     ("X-ClientApplication", self.outlook.application),
                     ("client-request-id", f"{{{w.guid(f'{self.seed}/cri/{counter}')}}}")]
        if jar:
            head.append(("Cookie", "; ".join(f"{name}={value}" for name, value in jar.items())))
        if token:
            head.append(("Authorization", token))
        head.append(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body))))
        head += [tuple(line.split(": ", 1)) for line in lines]
        head = [(name, value) for name, value in head if name not in drop]
        ask = Ask(context=self, kind=kind, counter=counter, conn=conn, leg=leg, head=head, body=body, method=method,
                  uri=uri, style=style, chunked=chunked, protocol=protocol, jar=jar, token=token, frame=0,
                  opens=kind in ("Connect", "Bind"), at=self.cap.now)
        ask.session = self._belongs(ask) if expect_session == "auto" else expect_session
        return self._send(ask, fields, text, sent, **how)

    def _open(self):
        self.conn = self.outlook.open()
        return self.conn

    def _belongs(self, ask):
        known = self.cookies.get("MapiContext") or self.cookies.get("sid")
        return self.number if known and known in ask.jar.values() else None

    def _bytes(self, ask):
        body = ask.body
        if ask.chunked:
            body = (f"{len(body):x}\r\n".encode() + body + b"\r\n" if body else b"") + b"0\r\n\r\n"
        style = ask.style or (lambda name: name)
        lines = [f"{ask.method} {ask.uri} {ask.protocol}", *(f"{style(name)}: {value}" for name, value in ask.head),
                 "", ""]
        return "\r\n".join(lines).encode() + body

    def request_fields(self, ask):
        fields = {"mapihttp.request_type": ask.kind, "mapihttp.endpoint": self.endpoint, "mapihttp.leg": str(ask.leg)}
        names = {name for name, _ in ask.head}
        if "X-RequestId" in names:
            fields["mapihttp.request_id"] = str(self.guid)
            fields["mapihttp.request_id.counter"] = str(ask.counter)
        if ask.session is not None:
            fields["mapihttp.session"] = str(ask.session)
        return fields

    def _send(self, ask, fields=None, text=(), sent=None, note=True, **how):
        data = self._bytes(ask)
        if sent is not None:
            data = data[:len(data) - len(ask.body) + sent]
        ask.data = data
        ask.at = self.cap.now
        ask.frame = ask.conn.up(data, **how)
        if note:
            ask.row = self.cap.message(ask.frame, ask.conn, "server", ask.kind,
                                       {**self.request_fields(ask), **(fields or {})}, text)
        return ask

    def relay(self, ask, conn, leg=1, add=("x-forwarded-for: 10.0.0.21",), drop=(), fields=None, text=(), replace=None,
              **how):
        """The device in between sends the request on, on its own connection."""
        head = [(name, (replace or {}).get(name, value)) for name, value in ask.head if name not in drop]
        head += [tuple(line.split(": ", 1)) for line in add]
        jar = ask.jar if "Cookie" not in drop else {}
        other = Ask(**{**ask.__dict__, "conn": conn, "leg": leg, "head": head, "jar": jar})
        return self._send(other, fields, text, **how)

    # ---- responses ----

    def response_fields(self, ask, code, session):
        return {"mapihttp.request_type": ask.kind, "mapihttp.endpoint": self.endpoint, "mapihttp.leg": str(ask.leg),
                "mapihttp.response_code": None if code is None else str(code),
                "mapihttp.request_in": str(ask.frame) if ask.frame else None,
                "mapihttp.session": None if session is None else str(session)}

    def _head(self, ask, code, content, cookies, lines, drop, status="200 OK"):
        head = [f"HTTP/1.1 {status}", "Cache-Control: private", f"Content-Type: {content}"]
        if ask.kind is not None:
            head += [f"X-RequestType: {ask.kind}", f"X-RequestId: {{{str(self.guid).upper()}}}:{ask.counter}",
                     f"X-ClientInfo: {self.info}"]
        if code is not None:
            head.append(f"X-ResponseCode: {code}")
        head += ["X-PendingPeriod: 30000", f"X-ExpirationInfo: {self.expiry}",
                 "X-ServerApplication: Exchange/15.02.1544.0004"]
        if self.headers:
            head += [f"request-id: {w.guid(f'{self.seed}/ri/{ask.counter}')}",
                     f"X-CalculatedBETarget: {self.back}.example.test", f"X-DiagInfo: {self.back}",
                     f"X-BEServer: {self.back}", f"X-FEServer: {self.front}"]
        if cookies:
            head += self.set_lines()
        return [line for line in [*head, *lines] if line.split(":")[0] not in drop]

    def start_time(self):
        return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self.cap.now // 10**9))

    def begin(self, ask, code=0, tags="PROCESSING\r\n", cookies="own", lines=(), drop=(), status="200 OK",
              content="application/mapi-http", success=True, **how):
        """The head and the first tags of a chunked response; the rest comes with more() and end()."""
        keeps = ask.opens and ask.jar and self.number is not None
        if cookies == "own":
            if ask.opens and code == 0 and success:
                self.fresh()
            elif self.cookies and code == 0:
                self.rotate()
        ask.success, ask.code, ask.keeps = success, code, keeps
        head = self._head(ask, code, content, cookies == "own" and self.cookies, lines, drop, status)
        head += ["Transfer-Encoding: chunked", "", ""]
        return ask.conn.down("\r\n".join(head).encode() + (self.chunk(tags) if tags else b""), **how)

    @staticmethod
    def chunk(data):
        data = data.encode() if isinstance(data, str) else data
        return f"{len(data):x}\r\n".encode() + data + b"\r\n"

    def more(self, ask, *tags, **how):
        return ask.conn.down(b"".join(self.chunk(tag) for tag in tags), **how)

    def tail(self, elapsed, extra=()):
        return "\r\n".join(["DONE", f"X-ElapsedTime: {elapsed}", f"X-StartTime: {self.start_time()}", *extra, "", ""])

    def end(self, ask, body=b"", elapsed=None, extra=(), code=None, fields=None, text=(), done=True, **how):
        if elapsed is None:
            elapsed = (self.cap.now - ask.at) // 10**6
        data = (self.tail(elapsed, extra).encode() if done else b"") + body
        frame = ask.conn.down(self.chunk(data) + b"0\r\n\r\n", **how)
        return self.answered(ask, frame, ask.code if code is None else code, fields, text)

    def answered(self, ask, frame, code, fields=None, text=()):
        """Notes a response down; a successful Connect or Bind makes or renews the session."""
        session = ask.session
        if ask.opens:
            if code == 0 and ask.success:
                if not ask.keeps and not getattr(ask, "relayed", False):
                    self.number = self.cap.sessions
                    self.cap.sessions += 1
                session = self.number
            else:
                session = None
        ask.answer = self.cap.message(frame, ask.conn, "client", ask.kind,
                                      {**self.response_fields(ask, code, session), **(fields or {})}, text)
        return frame

    def reply(self, ask, body=b"", code=0, elapsed=None, fields=None, text=(), html=None, length=False, lines=(),
              drop=(),
              cookies="own", content=None, extra=(), status="200 OK", tags="PROCESSING\r\n", success=True, raw=None,
              **how):
        """A whole response in one stretch: chunked, or of Content-Length."""
        keeps = ask.opens and ask.jar and self.number is not None
        if cookies == "own":
            if ask.opens and code == 0 and success:
                self.fresh()
            elif self.cookies and code == 0:
                self.rotate()
        ask.success, ask.code, ask.keeps = success, code, keeps
        if elapsed is None:
            elapsed = (self.cap.now - ask.at) // 10**6
        if raw is not None:
            data = raw
        elif code:
            sentence = html if html is not None else CODES.get(code, f"Code {code}")
            data = ("<html><head><title>MAPI OVER HTTP ERROR</title></head><body><h1>Diagnostic Information</h1>"
                    f"<p>{sentence}</p></body></html>").encode()
        else:
            data = (tags + self.tail(elapsed, extra)).encode() + body
        content = content or ("text/html" if code else "application/mapi-http")
        head = self._head(ask, code, content, cookies == "own" and self.cookies, lines, drop, status)
        if length or code:
            whole = "\r\n".join([*head, f"Content-Length: {len(data)}", "", ""]).encode() + data
        else:
            whole = "\r\n".join([*head, "Transfer-Encoding: chunked", "",
                                 ""]).encode() + self.chunk(data) + b"0\r\n\r\n"
        ask.reply_data, ask.reply_fields, ask.reply_text = whole, fields, text
        frame = ask.conn.down(whole, **how)
        return self.answered(ask, frame, code, fields, text)

    def pass_on(self, inner, outer, fields=None, text=(), **how):
        """The device in between hands the response of the inner leg to the client."""
        outer.success, outer.code, outer.keeps, outer.relayed = inner.success, inner.code, inner.keeps, True
        frame = outer.conn.down(inner.reply_data, **how)
        return self.answered(outer, frame, inner.code, {**(inner.reply_fields or {}), **(fields or {})},
                             text or inner.reply_text)

    def page(self, ask, status, *lines, text=None, fields=None, shown=(), content="text/html", conn=None, protocol="HTTP/1.1",
             **how):
        """A response that is no MAPI/HTTP: 401 and whatever a device or a web server writes."""
        body = (f"<html><body>{status}</body></html>" if text is None else text).encode()
        head = [f"{protocol} {status}", *([f"Content-Type: {content}"] if body else []), f"Content-Length: {len(body)}",
                *lines,
                "", ""]
        ask.reply_data = "\r\n".join(head).encode() + body
        ask.code, ask.success, ask.keeps, ask.reply_fields, ask.reply_text = None, False, False, fields, shown
        frame = ask.conn.down(ask.reply_data, **how)
        self.cap.message(frame, ask.conn, "client", ask.kind,
                         {**self.response_fields(ask, None, ask.session), **(fields or {})}, shown)
        return frame

    def page_on(self, inner, outer, **how):
        frame = outer.conn.down(inner.reply_data, **how)
        self.cap.message(frame, outer.conn, "client", outer.kind,
                         {**self.response_fields(outer, None, outer.session), **(inner.reply_fields or {})},
                         inner.reply_text)
        return frame

    # ---- the usual messages ----

    def connect(self, **how):
        """Connect or Bind and its answer; returns the Ask."""
        reply, code_page = how.pop("reply", {}), how.pop("code_page", 1252)
        kind = "Connect" if self.endpoint == "emsmdb" else "Bind"
        ask = self.ask(kind, connect_body(self.outlook.dn, code_page=code_page) if kind == "Connect" else bind_body(), **how)
        self.reply(ask, connect_answer() if kind == "Connect" else bind_answer(), **reply)
        return ask

    def exchange(self, kind="Execute", body=None, answer=None, wait=0.004, **how):
        reply = how.pop("reply", {})
        ask = self.ask(kind, default_body(kind) if body is None else body, **how)
        self.cap.wait(wait)
        ask.done = self.reply(ask, default_answer(kind) if answer is None else answer, **reply)
        return ask

    def leave(self, **how):
        """Disconnect or Unbind; the context is released."""
        return self.exchange("Disconnect" if self.endpoint == "emsmdb" else "Unbind", **how)

    def work(self, count=2, gap=0.5, **how):
        for _ in range(count):
            self.cap.wait(gap)
            self.exchange("Execute" if self.endpoint == "emsmdb" else "UpdateStat", **how)


class Batch:
    """Stands for a connection: what is sent on it leaves in one stretch."""

    def __init__(self, conn):
        self.conn, self.data = conn, []

    @property
    def stream(self):
        return self.conn.stream

    def up(self, data, **_):
        self.data.append(data)
        return 0

    down = up

    def send(self, way, asks):
        """All of it, as the requests or the responses of asks; returns the frame, which is the same for all."""
        frame = self.conn.send(way, b"".join(self.data))
        self.data = []
        for ask in asks:
            (ask.row if way == UP else ask.answer)["frame"] = frame
            if way == UP:
                ask.frame = frame
        return frame


# ---- usual bodies ------------------------------------------------------------------------

def connect_body(dn=DN, aux=None, code_page=1252):
    return w.ascii0(dn) + w.u32(0) + w.u32(code_page) + w.u32(0x409) + w.u32(0x409) + (aux or w.aux(w.SESSION_INFO))


def connect_answer(name="Alice", error=0):
    return w.u32(0) + w.u32(error) + w.u32(60000) + w.u32(6) + w.u32(10000) + w.ascii0(DN.removesuffix("alice")) \
        + w.wide(name) + w.aux(w.block(1, 0x17, w.u32(1)))


def bind_body(**stat):
    return w.u32(0) + w.has(w.stat(**stat)) + w.NO_AUX


def bind_answer(error=0):
    return w.u32(0) + w.u32(error) + w.SERVER.bytes_le + w.NO_AUX


def execute_body(data=w.RELEASE, handles=(1,), flags=w.LAST, max_out=0x10008):
    return w.u32(3) + w.sized(w.rops(data, *handles, flags=flags)) + w.u32(max_out) + w.NO_AUX


def execute_answer(data=b"", handles=(w.NO_HANDLE,), flags=w.LAST, error=0):
    return w.u32(0) + w.u32(error) + w.u32(0) + w.sized(w.rops(data, *handles, flags=flags)) + w.NO_AUX


def default_body(kind):
    if kind in ("Execute",):
        return execute_body()
    return {"Disconnect": w.NO_AUX, "Unbind": w.u32(0) + w.NO_AUX, "NotificationWait": w.u32(0) + w.NO_AUX, "PING": b"",
            "UpdateStat": w.u32(0) + w.has(w.stat(current_rec=w.END)) + b"\x01" + w.NO_AUX}[kind]


def default_answer(kind):
    if kind == "Execute":
        return execute_answer()
    ok = w.u32(0) + w.u32(0)
    return {"Disconnect": ok + w.NO_AUX, "Unbind": w.u32(0) + w.u32(1) + w.NO_AUX, "NotificationWait": ok + w.u32(1)
            + w.NO_AUX,
            "PING": b"", "UpdateStat": ok + w.has(w.stat(current_rec=w.END, num_pos=20, total_recs=20))
            + w.has(w.u32(20))
            + w.NO_AUX}[kind]


def close(*conns, way=UP):
    for conn in conns:
        conn.close(way)
