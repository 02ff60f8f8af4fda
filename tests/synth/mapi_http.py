"""Samples of sections 1 and 2: how MAPI/HTTP looks on the wire, and its envelope.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64
import gzip

import mapiscene as m
import mapiwire as w
from mapiscene import DOWN, UP, Context, Outlook, case
from scene import ACK, SYN, Conn

SOUND = "A lawful exchange: nothing to say about it."


def marked(value):
    """A context cookie as it is shown: FNV-1a of all of it, the bits mixed."""
    mark = 0x811C9DC5
    for byte in value.encode():
        mark = (mark ^ byte) * 0x01000193 & 0xFFFFFFFF
    mark = (mark ^ mark >> 15) * 0x85EBCA6B & 0xFFFFFFFF
    return f"{value[:min(len(value) // 2, 8)]}... (digest {mark ^ mark >> 13:08x})"


def start(cap, **how):
    """A client and its context, connected."""
    context = Context(Outlook(cap), **how)
    context.connect()
    return context


@case("mapi-http-plain", "Connect, Execute, Disconnect on one connection")
def plain(cap):
    c = Context(Outlook(cap))
    c.connect(fields={"mapihttp.client_info": c.info, "mapihttp.client_application": "Outlook/16.0.17126.20132",
                      "mapihttp.mailbox_id": m.MAILBOX_ID, "mapihttp.connect.user_dn": m.DN,
                      "outlook.auth.scheme": "Basic",
                      "outlook.auth.user": "example.test\\alice"},
              reply={"fields": {"mapihttp.connect.display_name": "Alice",
                                "mapihttp.server_application": "Exchange/15.02.1544.0004",
                                "mapihttp.status_code": "0", "mapihttp.error_code": "0", "outlook.front_end": "EX1",
                                "mapihttp.meta_tag": ["PROCESSING", "DONE"], "mapihttp.pending_period": "30.000000000",
                                "mapihttp.expiration_info": "900.000000000"}})
    context, sequence = c.cookies["MapiContext"], c.cookies["MapiSequence"]
    cap.wait(0.2)
    c.exchange(fields={"mapihttp.session.context": marked(context), "mapihttp.session.sequence": sequence,
                       "mapihttp.session.server": "EX1", "mapihttp.connect.user_dn": m.DN})
    c.exchange("PING")
    c.leave()
    c.conn.close()
    cap.what = "The ordinary session: all cookies of the last response come back with the next request."
    cap.rule = SOUND


@case("mapi-http-uri", "endpoints spelled in other ways")
def uris(cap):
    c = start(cap)
    for uri in ("/mapi/emsmdb", "/mapi/emsmdb/", "/MAPI/EmsMdb/?mailboxid=" + m.MAILBOX_ID, "/mapi/EMSMDB?MailboxId="
                + m.MAILBOX_ID
                + "&x=1", f"http://{m.HOST}/mapi/emsmdb/?MailboxId={m.MAILBOX_ID}"):
        cap.wait(0.1)
        identity = m.MAILBOX_ID if "ailbox" in uri else None
        c.exchange(uri=uri, fields={"mapihttp.mailbox_id": identity})
    c.leave()
    n = Context(c.outlook, "nspi", conn=c.conn)
    n.connect(uri="/mapi/nspi")
    n.exchange("UpdateStat", uri="/MAPI/NSPI/")
    n.leave(uri=f"http://{m.HOST}/mapi/nspi/")
    c.conn.close()
    cap.what = "The path with and without a slash at its end, in other letter case, with and without MailboxId, and " \
               "in " \
               "absolute form, as a client that speaks to a proxy writes it."
    cap.rule = SOUND


@case("mapi-http-letter-case", "header names and request types in any letter case")
def letter_case(cap):
    c = Context(Outlook(cap))
    c.connect(style=str.lower, spelled="connect")
    c.exchange(style=str.upper, spelled="EXECUTE")
    c.exchange(style=str.lower, spelled="execute")
    c.exchange("PING", style=lambda name: name.title(), spelled="Ping")
    c.leave(spelled="disconnect")
    n = Context(c.outlook, "nspi", conn=c.conn)
    n.connect(spelled="BIND")
    n.exchange("UpdateStat", spelled="updatestat", style=str.lower)
    n.leave(spelled="unbind")
    c.conn.close()
    cap.what = "Header names in lower and upper case and as Go writes them (X-Requesttype), request types in lower " \
               "and upper " \
               "case. mapihttp.request_type has the specification's spelling all the same."
    cap.rule = SOUND


@case("mapi-http-long-type", "a request type of 250 letters")
def long_type(cap):
    c = Context(Outlook(cap))
    c.connect()
    kind = "Frobnicate" * 25
    ask = c.ask(kind, b"")
    frame = c.reply(ask, code=5, html="Invalid Request Type.", fields={"mapihttp.response_code": "5"})
    cap.item("mapihttp.response_code.failed", frame, "X-ResponseCode 5.", ["5", "Invalid Request Type"])
    c.leave()
    c.conn.close()
    cap.what = "A client, or an attacker, writes a request type longer than any line of a packet list."
    cap.rule = "An unknown type is named as it was sent, on its response too, and what comes behind it is shown."


@case("mapi-http-content-type", "application/octet-stream and no content type")
def content_type(cap):
    c = Context(Outlook(cap))
    c.connect(content="application/octet-stream")
    c.exchange(content="application/octet-stream", reply={"content": "application/octet-stream"})
    c.exchange("PING", content=None)
    c.leave(content="Application/Mapi-Http; charset=binary")
    c.conn.close()
    cap.what = "X-RequestType says what it is, whatever the content type: application/octet-stream as testers write " \
               "it, none " \
               "with a PING, and the right one in other letters with a parameter."
    cap.rule = SOUND


@case("mapi-http-length", "responses with Content-Length, requests in chunks")
def length(cap):
    c = Context(Outlook(cap))
    c.connect(reply={"length": True})
    c.exchange(chunked=True, reply={"length": True, "tags": ""})
    c.exchange(chunked=True)
    c.exchange("PING", reply={"length": True})
    c.leave(reply={"length": True})
    c.conn.close()
    cap.what = "Responses with Content-Length instead of chunks; one without PROCESSING (only DONE); two requests in " \
               "chunks."
    cap.rule = SOUND


READ_STREAM = b"\x2c\0\0" + w.u16(4096)           # MS-OXCROPS 2.2.9.2.1


def read_stream(size):
    """Its response with so many bytes."""
    return b"\x2c\0" + w.u32(0) + w.u16(size) + bytes(size)


@case("mapi-http-gzip", "content encoding gzip")
def gzipped(cap):
    c = start(cap)
    ask = c.ask("Execute", m.execute_body(READ_STREAM))
    cap.wait(0.005)
    body = gzip.compress(("PROCESSING\r\n" + c.tail(5)).encode() + m.execute_answer(read_stream(200)), mtime=0)
    c.reply(ask, raw=body, lines=["Content-Encoding: gzip"], length=True, fields={"mapihttp.status_code": "0"})
    c.exchange()
    ask = c.ask("Execute", m.execute_body(READ_STREAM))
    cap.wait(0.005)
    body = gzip.compress(("PROCESSING\r\n" + c.tail(5)).encode() + m.execute_answer(read_stream(200)), mtime=0)
    c.begin(ask, lines=["Content-Encoding: gzip"], tags=None)
    half = len(body) // 2
    c.more(ask, body[:half])
    frame = ask.conn.down(c.chunk(body[half:]) + b"0\r\n\r\n")
    c.answered(ask, frame, 0, {"mapihttp.status_code": "0"})
    c.leave()
    c.conn.close()
    cap.what = "Two responses are compressed by HTTP (Content-Encoding), one of Content-Length and one in two " \
               "chunks; the body " \
               "within is meta-tags, headers and the typed body as ever."
    cap.rule = SOUND


@case("mapi-http-connections", "one request on each connection")
def connections(cap):
    c = Context(Outlook(cap))
    for index, kind in enumerate(("Connect", "Execute", "Execute", "Disconnect")):
        conn = c.outlook.open()
        if index == 0:
            c.connect(conn=conn, close=True)
        else:
            c.exchange(kind, conn=conn, close=True)
        conn.close(DOWN)
        cap.wait(0.2)
    cap.what = "Connection: close: every request has a TCP connection of its own. The cookies make them one session."
    cap.rule = SOUND


@case("mapi-http-pipelined", "two requests of two contexts behind each other")
def pipelined(cap):
    c = start(cap)
    n = Context(c.outlook, "nspi", conn=c.conn)
    n.connect()
    one = c.ask("Execute", m.default_body("Execute"))
    two = n.ask("UpdateStat", m.default_body("UpdateStat"))
    cap.wait(0.01)
    c.reply(one, m.execute_answer())
    n.reply(two, m.default_answer("UpdateStat"))
    c.leave()
    n.leave()
    c.conn.close()
    cap.what = "Execute of one context and UpdateStat of another are sent before either is answered. Responses come " \
               "in order, " \
               "and each belongs to its request. Two endpoints have separate contexts: no sequence is broken."
    cap.rule = SOUND


class H2:
    """An HTTP/2 connection by prior knowledge (RFC 9113 3.3), its header fields never indexed (RFC 7541 6.2.2)."""

    DATA, HEADERS, SETTINGS, CONTINUATION = 0, 1, 4, 9
    END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8

    def __init__(self, conn):
        self.conn, self.next = conn, 1
        conn.up(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(self.SETTINGS, 0, 0, b"\0\3\0\0\0\x64"))
        conn.down(self.frame(self.SETTINGS, 0, 0) + self.frame(self.SETTINGS, self.ACK, 0))
        conn.up(self.frame(self.SETTINGS, self.ACK, 0))

    @staticmethod
    def frame(kind, flags, stream, payload=b""):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    @staticmethod
    def text(value):
        data, out = value.encode(), b""
        rest = len(data)
        if rest < 127:
            return bytes([rest]) + data
        rest -= 127
        while rest >= 128:
            out, rest = out + bytes([rest & 127 | 128]), rest >> 7
        return b"\x7f" + out + bytes([rest]) + data

    def fields(self, *pairs):
        return b"".join(b"\x10" + self.text(name) + self.text(value) for name, value in pairs)

    def message(self, stream, pairs, body, pieces=1, pad=0, split=False):
        """The frames of a message: HEADERS (cut in two if split) and DATA, the last with END_STREAM."""
        block = self.fields(*pairs)
        if split:
            half = len(block) // 2
            out = [self.frame(self.HEADERS, 0, stream, block[:half]),
                   self.frame(self.CONTINUATION, self.END_HEADERS, stream, block[half:])]
        else:
            out = [self.frame(self.HEADERS, self.END_HEADERS, stream, block)]
        edges = [len(body) * part // pieces for part in range(pieces + 1)]
        for begin, end in zip(edges, edges[1:]):
            flags = self.END_STREAM if end == len(body) else 0
            data = body[begin:end]
            out.append(self.frame(self.DATA, flags | (self.PADDED if pad else 0), stream,
                                  (bytes([pad]) if pad else b"") + data + bytes(pad)))
        return out


def h2_request(context, kind):
    context.counter += 1
    return [(":method", "POST"), (":scheme", "http"), (":authority", m.HOST),
            (":path", f"/mapi/{context.endpoint}/?MailboxId={m.MAILBOX_ID}"), ("content-type", "application/mapi-http"),
            ("x-requesttype", kind), ("x-requestid", f"{{{str(context.guid).upper()}}}:{context.counter}"),
            ("x-clientapplication", context.outlook.application), ("x-clientinfo", context.info)]


def h2_response(kind):
    return [(":status", "200"), ("content-type", "application/mapi-http"), ("x-requesttype", kind),
            ("x-responsecode", "0"), ("x-pendingperiod", "30000"), ("x-expirationinfo", "900000")]


@case("mapi-http-2", "HTTP/2 by prior knowledge")
def http_2(cap):
    c = Context(Outlook(cap))
    conn = c.outlook.open()
    h2 = H2(conn)
    said = [b"PROCESSING\r\nDONE\r\nX-ElapsedTime: 12\r\nX-ResponseCode: 0\r\n\r\n"] * 4
    said[2] = b"PROCESSING\r\nPENDING\r\nPENDING\r\nDONE\r\nX-ElapsedTime: 61000\r\n\r\n"
    talks = [("Connect", m.connect_body(), m.connect_answer()), ("Execute", m.execute_body(), m.execute_answer()),
             ("NotificationWait", m.default_body("NotificationWait"), m.default_answer("NotificationWait")),
             ("Disconnect", m.default_body("Disconnect"), m.default_answer("Disconnect"))]
    shapes = [{}, {"pieces": 2, "pad": 5}, {"split": True}, {"pieces": 3}]
    streams = range(1, 8, 2)
    for stream, (kind, body, _), shape in zip(streams, talks, shapes):
        frames = h2.message(stream, h2_request(c, kind), body, **shape)
        head = conn.up(frames[0])
        frame = conn.up(b"".join(frames[1:]))
        head = frame if "split" in shape else head           # a block in two frames is shown with its end
        cap.body(frame, conn, {"mapihttp.meta_tag": [], "mapihttp.body.unknown": body.hex(":")},
                 (head, f"x-requesttype: {kind}"))
        cap.wait(0.01)
        if kind == "NotificationWait":
            continue
        answer_2(cap, h2, stream, said[stream // 2], kind, talks[stream // 2][2], shape)
    answer_2(cap, h2, 5, said[2], "NotificationWait", talks[2][2], {"pieces": 2})
    conn.close()
    cap.what = "Four requests and their responses on four streams of one HTTP/2 connection: header blocks in one " \
               "frame and in two, bodies in one, two and three DATA frames, padded ones too; NotificationWait is " \
               "answered last."
    cap.rule = "http2 shows the headers. It hands over the body of each message and nothing that says which request " \
               "it is of: meta-tags and additional headers are shown, the typed body is not, and there is no " \
               "session. What is not known is no fault: nothing is said of it."


def answer_2(cap, h2, stream, said, kind, body, shape):
    frame = h2.conn.down(b"".join(h2.message(stream, h2_response(kind), said + body, **shape)))
    tags = [line for line in said.decode().split("\r\n") if line.isalpha()]
    elapsed = said.split(b"X-ElapsedTime: ")[1].split(b"\r\n")[0].decode()
    cap.body(frame, h2.conn, {"mapihttp.meta_tag": tags, "mapihttp.server_time": f"{int(elapsed) / 1000:.9f}",
                              "mapihttp.response_code.header": "0" if b"X-ResponseCode" in said else [],
                              "mapihttp.body.unknown": body.hex(":")}, (frame, f"x-requesttype: {kind}"))


@case("mapi-http-100-continue", "100 Continue before the body")
def hundred(cap):
    c = Context(Outlook(cap))
    body = m.connect_body()
    ask = c.ask("Connect", body, lines=["Expect: 100-continue"], sent=0, note=False)
    ask.conn.down(b"HTTP/1.1 100 Continue\r\n\r\n")
    ask.frame = ask.conn.up(body)
    cap.message(ask.frame, ask.conn, "server", "Connect", c.request_fields(ask))
    c.reply(ask, m.connect_answer())
    c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "The body of Connect is sent after 100 Continue."
    cap.rule = SOUND


@case("mapi-http-fast-open", "a request that the SYN carries")
def fast_open(cap):
    c = Context(Outlook(cap))
    conn = c.conn = Conn(cap, f"10.0.0.21:{cap.port()}", "10.0.0.81:80")
    cap.wait(0.1)  # MapiContext is made of the time: no other sample's
    data = c.ask("Connect", m.connect_body(), note=False, captured=False, ack=False)
    whole, option = data.data, b"\x02\x04\x05\xb4\x01\x03\x03\x07"
    conn.seq[UP] = conn.seq[UP] - len(whole) & 0xFFFFFFFF
    data.frame = conn.packet(UP, SYN, whole, options=option)
    cap.message(data.frame, conn, "server", "Connect", c.request_fields(data))
    conn._advance(UP, 1 + len(whole))
    conn.packet(DOWN, SYN | ACK, options=option)
    conn._advance(DOWN, 1)
    conn.packet(UP, ACK)
    c.reply(data, m.connect_answer())
    c.exchange()
    c.ask("Execute", m.default_body("Execute"))
    cap.wait(3)
    cap.item("mapihttp.request.unanswered", conn.rst(DOWN), "All before it was captured.")
    cap.what = "TCP Fast Open (RFC 7413): Connect comes in the SYN. Two exchanges later a request is reset."
    cap.rule = "The bytes of a SYN stand behind it: nothing is missing from the capture."


@case("mapi-http-late", "a capture that starts within a session")
def late(cap):
    c = Context(Outlook(cap))
    c.conn = c.outlook.open(captured=False)
    c.conn.quiet = True
    ask = c.ask("Connect", m.connect_body(), note=False, captured=False)
    c.fresh()
    c.conn.down(b"x" * 900, captured=False)
    c.cookies = dict(c.cookies)
    cap.wait(5)
    for _ in range(2):
        c.exchange()
        cap.wait(0.2)
    c.exchange("PING")
    c.leave()
    c.conn.close()
    assert not ask.frame
    cap.what = "Neither the SYN nor Connect was captured. The messages are dissected; what the capture cannot know " \
               "of the " \
               "session is left unsaid."
    cap.rule = "Sessions are counted by Connect and Bind, and none was seen."


@case("mapi-http-late-half", "a capture that starts with a response")
def late_half(cap):
    c = Context(Outlook(cap))
    c.conn = c.outlook.open(captured=False)
    c.fresh()
    ask = c.ask("Execute", m.default_body("Execute"), note=False, captured=False)
    c.reply(ask, m.execute_answer())
    cap.messages[-1]["fields"].pop("mapihttp.request_in", None)
    cap.messages[-1]["fields"].pop("mapihttp.endpoint", None)
    c.exchange()
    c.conn.close()
    cap.what = "The first frame is a response whose request was not captured. X-RequestType of the response tells " \
               "its body."
    cap.rule = "No link, and no verdict."


@case("mapi-http-401-bare", "a GET and a POST that carry only a type 1 token")
def bare(cap):
    import mapi_ntlm as ntlm
    c = Context(Outlook(cap, auth=None))
    ask = c.ask(None, b"", method="GET", content=None, auth=ntlm.type1(), cookies={}, drop=("Content-Length",),
                fields={"outlook.auth.scheme": "NTLM", "outlook.auth.step": "type1"})
    c.page(ask, "401 Unauthorized", f"WWW-Authenticate: {ntlm.type2('EX1')}", text="",
           fields={"outlook.auth.step": "type2", "outlook.auth.challenge_server": "ex1.example.test"})
    body = m.connect_body()
    ask = c.ask("Connect", body, auth=ntlm.type3(ntlm.Target("EX1")), fields={"outlook.auth.step": "type3",
                                                                              "outlook.auth.user": "EXAMPLE\\alice"})
    c.reply(ask, m.connect_answer())
    c.exchange(auth=None)
    c.leave(auth=None)
    c.conn.close()
    cap.what = "The NTLM handshake begins with a GET without X-RequestType; its 401 has no body. The path says whose " \
               "it is."
    cap.rule = SOUND


@case("mapi-http-pending", "PROCESSING, PENDING and DONE, each when it was sent")
def pending(cap):
    c = start(cap)
    n = c.ask("NotificationWait", m.default_body("NotificationWait"), counter=1, step=False, conn=c.outlook.open())
    first = c.begin(n)
    marks = [first]
    for _ in range(3):
        cap.wait(30)
        marks.append(c.more(n, "PENDING\r\n"))
    cap.wait(12)
    c.end(n, m.default_answer("NotificationWait"),
          fields={"mapihttp.meta_tag": ["PROCESSING", "PENDING", "PENDING", "PENDING", "DONE"],
                  "mapihttp.notification_wait.event_pending": "1", "mapihttp.pending_period": "30.000000000"},
          text=[f"frame {frame}" for frame in marks])
    c.exchange()
    c.leave()
    m.close(c.conn, n.conn)
    cap.what = "A NotificationWait that takes 102 seconds; the server says PENDING every 30 seconds. Each meta-tag " \
               "is shown with " \
               "the frame and time of its own segment."
    cap.rule = "3.2.5.2: in time. X-ElapsedTime stands beside the measured time."


@case("mapi-http-pending-gromox", "PENDING without CRLF, PROCESSING twice")
def pending_gromox(cap):
    c = start(cap)
    n = c.ask("NotificationWait", m.default_body("NotificationWait"), counter=1, step=False, conn=c.outlook.open())
    c.begin(n)
    for _ in range(2):
        cap.wait(30)
        c.more(n, "PENDING")
    cap.wait(2)
    frame = n.conn.down(c.chunk(b"PROCESSING\r\n" + c.tail(62000).encode() + m.default_answer("NotificationWait"))
                        + b"0\r\n\r\n")
    c.answered(n, frame, 0, {"mapihttp.meta_tag": ["PROCESSING", "PENDING", "PENDING", "PROCESSING", "DONE"],
                             "mapihttp.notification_wait.event_pending": "1"})
    c.leave()
    m.close(c.conn, n.conn)
    cap.what = "As gromox writes it: PENDING without CRLF, so that two follow each other at once, and PROCESSING " \
               "again in the " \
               "last chunk."
    cap.rule = "Tolerated."


@case("mapi-http-second-code", "a second X-ResponseCode that overrides the first")
def second_code(cap):
    c = start(cap)
    ask = c.ask("Execute", m.default_body("Execute"))
    c.begin(ask, cookies=None)
    cap.wait(3)
    frame = c.end(ask, b"<html><body>Endpoint Shutting Down</body></html>", code=18,
                  extra=["X-ResponseCode: 18", "Content-Type: text/html"],
                  fields={"mapihttp.meta_tag": ["PROCESSING", "DONE"]})
    cap.item("mapihttp.response_code.failed", frame, "The head said 0; after DONE the server says 18.", ["18",
                                                                                                         m.CODES[18]])
    ask = c.ask("Execute", m.default_body("Execute"))
    c.begin(ask, cookies=None)
    cap.wait(1)
    c.end(ask, m.execute_answer(), extra=["X-ResponseCode: 0"])
    c.leave()
    c.conn.close()
    cap.what = "A response that failed after its head was sent: X-ResponseCode comes again among the additional " \
               "headers. The next " \
               "one repeats 0."
    cap.rule = "3.2.5.2: the later one is in force."


@case("mapi-http-seconds", "X-ElapsedTime in seconds")
def seconds(cap):
    c = start(cap)
    ask = c.ask("Execute", m.default_body("Execute"))
    c.begin(ask)
    cap.wait(8)
    c.end(ask, m.execute_answer(), elapsed=8, fields={"mapihttp.server_time": "0.008000000"}, text=["second"])
    ask = c.ask("Execute", m.default_body("Execute"))
    c.begin(ask)
    cap.wait(8)
    c.end(ask, m.execute_answer(), elapsed=7998, fields={"mapihttp.server_time": "7.998000000"})
    c.leave()
    c.conn.close()
    cap.what = "The server takes 8 seconds and writes X-ElapsedTime: 8, a thousandth of what was measured; then 7998."
    cap.rule = "2.2.3.3.9: milliseconds. A word on the first response that it looks like seconds; nothing is " \
               "subtracted."


@case("mapi-http-segments", "messages cut anywhere")
def segments(cap):
    c = Context(Outlook(cap))
    body = m.connect_body()
    ask = c.ask("Connect", body, cuts=range(20, 800, 170))
    c.reply(ask, m.connect_answer(), cuts=range(7, 900, 130))
    ask = c.ask("Execute", m.execute_body(READ_STREAM), cuts=[1, 2, 3, 700])
    c.begin(ask, tags=None)
    for piece in ("PRO", "CESS", "ING\r", "\nDO", "NE\r\nX-Elapsed", "Time: 3\r\n", "\r", "\n"):
        c.more(ask, piece)
    answer = m.execute_answer(read_stream(40))
    for at in range(0, len(answer), 9):
        c.more(ask, answer[at:at + 9])
    frame = ask.conn.down(b"0\r\n\r\n")
    c.answered(ask, frame, 0, {"mapihttp.meta_tag": ["PROCESSING", "DONE"], "mapihttp.server_time": "0.003000000",
                               "mapihttp.error_code": "0"})
    c.leave()
    c.conn.close()
    cap.what = "Heads and bodies in many segments; a response whose meta-tags, headers and body are cut by chunks at " \
               "odd places."
    cap.rule = SOUND


@case("mapi-http-unanswered", "a request that nobody answers")
def unanswered(cap):
    c = start(cap)
    c.ask("Execute", m.default_body("Execute"))
    cap.wait(4)
    frame = c.conn.fin(DOWN)
    c.conn.fin(UP)
    cap.item("mapihttp.request.unanswered", frame, "The server's side closes 4 seconds after the request, before any "
             "byte of a "
                                                   "response.", ["Execute"])
    c.conn = c.outlook.open()
    c.exchange(counter=c.counter)
    c.leave()
    c.conn.close()
    cap.what = "The connection is closed instead of an answer; the client repeats the request with the same " \
               "X-RequestId on a new " \
               "one, which is a lawful resend (3.1.7.1)."
    cap.rule = "No response byte was seen."


def cut(name, title, what, end, severity):
    @case(name, title)
    def build(cap):
        c = start(cap)
        c.conn.close()
        c.conn = c.outlook.open()
        ask = c.ask("Execute", m.default_body("Execute"))
        begun = c.begin(ask)
        cap.wait(30)
        c.more(ask, "PENDING\r\n")
        cap.wait(7)
        frame = end(c)
        suffix = "" if severity == "warning" else ".chat"
        cap.item("mapihttp.response.cut" + suffix, frame, f"The response has PROCESSING and PENDING, no DONE and no "
                 f"last chunk; "
                 f"7 seconds of silence before.", ["7"])
        cap.what = what
        cap.rule = "The chunked body has no end. The part that came (meta-tags PROCESSING of frame " \
                   f"{begun} and PENDING) is dissected; on which frame it is shown is left open, so it is no message " \
                   f"here."


cut("mapi-http-cut-fin", "a response cut short by the server's FIN", "The server's side closes within the response.",
    lambda c: c.conn.close(DOWN), "warning")
cut("mapi-http-cut-rst", "a response cut short by the server's RST", "The server's side resets within the response.",
    lambda c: c.conn.rst(DOWN), "warning")
cut("mapi-http-cut-client", "a response cut short by the client", "The client closes first, for instance because "
    "Outlook was "
    "closed: no fault.", lambda c: c.conn.close(UP), "chat")


@case("mapi-http-headers", "every header of Exchange and of devices")
def headers(cap):
    c = Context(Outlook(cap), headers=False)
    c.connect(lines=["X-DeviceInfo: seen by lb9", "X-User-Identity: alice@example.test"],
              reply={"lines": ["X-FEServer: CAS07", "X-BEServer: MBX12", "X-CalculatedBETarget: mbx12.example.test",
                               "X-CalculatedFETarget: cas07.example.test", "X-DiagInfo: MBX12",
                               "X-BackEndHttpStatus: 200, 200", "request-id: 7d2fd4a5-9f0e-4b1c-8d7e-3f1a2b4c5d6e",
                               "X-DeviceInfo: seen by lb9 again"],
                     "fields": {"outlook.front_end": "CAS07", "outlook.back_end": "mbx12.example.test"},
                     "text": ["MBX12", "cas07.example.test", "7d2fd4a5-9f0e-4b1c-8d7e-3f1a2b4c5d6e"]},
              text=["seen by lb9"])
    c.leave()
    c.conn.close()
    cap.what = "All header fields of MS-OXCMAPIHTTP 2.2.3 and those that Exchange adds."
    cap.rule = SOUND


VECTOR = {"MapiContext": "MAPIAAAAAO2o7q+Cx5+8jr6MvpOjl7qKuJipmqCVoJqqm8Hi0+bR5NTl1+TS5YQVAAAAAAAA",
          "MapiRouting": "UlVNOjAzMWM5Njg1LWU4OTYtNGNlZi04YTE1LTRjNDM2YzUxZWZiYzrU4ijdUBbaCA==",
          "MapiSequence": "735-D5viGQ=="}


@case("mapi-http-cookies", "cookies decoded, and cookies that stay opaque")
def cookies(cap):
    def inverted(text):
        return base64.b64encode(bytes(byte ^ 0xFF for byte in text.encode())).decode()
    c = Context(Outlook(cap))
    c.exchange(cookies={**VECTOR, "BIGipServerpool_mapi": "1677787402.36895.0000", "X-BackEndCookie":
                        f"{m.DN.lower().replace('/', '_').replace('=', '-')}="
                        + inverted("Database~031c9685-e896-4cef-8a15-4c436c51efbc~example.test~2026-12-25T09:46:40")},
               fields={"mapihttp.session.context": marked(VECTOR["MapiContext"]), "mapihttp.session.server": "HEFA-EX",
                       "mapihttp.session.sequence": VECTOR["MapiSequence"]},
               text=["2022-04-02 13:55:01Z", "1575012367", "031c9685-e896-4cef-8a15-4c436c51efbc", "735",
                     "10.1.1.100:8080",
                     "Database~"], reply={"cookies": None, "fields": {}})
    c.exchange(cookies={"MapiContext": "MAPIAAAAAA==", "MapiRouting": "!", "MapiSequence": "x-y"},
               reply={"cookies": None})
    c.exchange(cookies={"MapiContext": "none", "sid": "", "=": "="}, reply={"cookies": None})
    c.conn.close()
    cap.what = "A session cookie that was published (traefik issue 8917) with what it says, F5's published example, " \
               "an " \
               "inverted X-BackEndCookie; then values that do not parse."
    cap.rule = "What does not parse is opaque. The contexts were made before the capture."


@case("mapi-http-both-endpoints", "EMSMDB and NSPI beside each other")
def both(cap):
    o = Outlook(cap)
    c, n = Context(o), Context(o, "nspi")
    c.connect()
    n.connect(reply={"fields": {"mapihttp.endpoint": "nspi"}})
    for _ in range(2):
        c.exchange()
        n.exchange("UpdateStat", fields={"mapihttp.nspi.stat.current_rec": "2"},
                   reply={"fields": {"mapihttp.nspi.stat.total_recs": "20"}})
    n.leave()
    c.leave()
    m.close(c.conn, n.conn)
    cap.what = "Two contexts of one client: session 0 of emsmdb, session 1 of nspi."
    cap.rule = SOUND
