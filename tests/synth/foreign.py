"""Samples that carry no RPC over HTTP: what tshark says of them must not change by a byte.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import struct
import uuid

import rpc
from rpc import Nspi
from scene import DOWN, Leg, case

RULE = "No TCP connection carries an RPC_* request: tshark -V is the same with and without the plugin."


def plain(cap, client, server):
    conn = cap.connect(client, server)
    conn.quiet = True
    return conn


def get(path, *lines, method="GET", body=b""):
    extra = [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: www.example.test", *lines, *extra, "", ""]).encode() + body


def ok(body=b"<html><body>hello</body></html>", *lines, status="200 OK"):
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: text/html", f"Content-Length: {len(body)}", *lines, "", ""]
                       ).encode() + body


@case("foreign-http", "plain HTTP: GET, POST, HEAD, errors, keep-alive and pipelining")
def http(cap):
    conn = plain(cap, "10.0.0.21", "10.0.0.99:80")
    conn.up(get("/"))
    conn.down(ok())
    conn.up(get("/form", method="POST", body=b"a=1&b=2"))
    conn.down(ok(status="302 Found"), )
    conn.up(get("/upload", "Expect: 100-continue", method="PUT", body=bytes(range(256)) * 8), cuts=[140, 700])
    conn.down(b"HTTP/1.1 100 Continue\r\n\r\n")
    conn.down(ok(b"stored"))
    conn.up(get("/a") + get("/b") + get("/c"))
    conn.down(ok(b"a") + ok(b"b"))
    conn.down(ok(b"c" * 4000))
    conn.up(get("/gone", method="HEAD"))
    conn.down(b"HTTP/1.1 404 Not Found\r\nContent-Length: 900\r\n\r\n")
    conn.close()
    chunked = plain(cap, "10.0.0.21", "10.0.0.99:8080")
    chunked.up(get("/stream"))
    chunked.down(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    chunked.down(b"3\r\nyou\r\n0\r\n\r\n")
    chunked.close()
    closing = plain(cap, "10.0.0.21", "10.0.0.99:80")
    closing.up(b"GET /old HTTP/1.0\r\n\r\n")
    closing.down(b"HTTP/1.0 200 OK\r\n\r\n" + b"until the end " * 200)
    closing.close(DOWN)
    cap.what = "Three connections: keep-alive with pipelining, 100 Continue and errors; a chunked response; one that " \
               "ends with " \
               "the connection."
    cap.rule = RULE


@case("foreign-http-binary", "plain HTTP whose bodies look like PDUs")
def binary(cap):
    pdus = rpc.conn_a1(rpc.Cookies("foreign")).data + rpc.ping().data + rpc.request(1, *Nspi.BIND[:2]).data
    conn = plain(cap, "10.0.0.21", "10.0.0.99:80")
    conn.up(get("/upload", "Content-Type: application/octet-stream", method="POST", body=pdus), cuts=[180])
    conn.down(ok(pdus, "X-Kind: binary"))
    conn.up(get("/rpc/rpcproxy.dll?ex1.example.test:6004", "User-Agent: MSRPC"))
    conn.down(ok(b"", status="401 Unauthorized"))
    conn.close()
    cap.what = "A POST and its answer carry the bytes of CONN/A1, a ping and a request in their bodies, and a GET " \
               "asks for " \
               "rpcproxy.dll."
    cap.rule = RULE


@case("foreign-connect", "a CONNECT tunnel with something else inside")
def connect(cap):
    conn = plain(cap, "10.0.0.21", "10.0.0.40:3128")
    conn.up(b"CONNECT shell.example.test:22 HTTP/1.1\r\nHost: shell.example.test:22\r\n\r\n")
    conn.down(b"HTTP/1.1 200 Connection established\r\n\r\n")
    conn.down(b"SSH-2.0-OpenSSH_9.2\r\n")
    conn.up(b"SSH-2.0-OpenSSH_9.2\r\n")
    conn.close()
    web = plain(cap, "10.0.0.21", "10.0.0.40:3128")
    web.up(b"CONNECT www.example.test:80 HTTP/1.1\r\nHost: www.example.test:80\r\n\r\n")
    web.down(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
    web.up(b"CONNECT www.example.test:80 HTTP/1.1\r\nHost: www.example.test:80\r\n"
           b"Proxy-Authorization: Basic eDp5\r\n\r\n")
    web.down(b"HTTP/1.1 200 Connection established\r\n\r\n")
    web.up(get("/"))
    web.down(ok())
    web.close()
    cap.what = "Two tunnels through a web proxy: SSH in one, plain HTTP in the other."
    cap.rule = RULE


@case("foreign-rdg", "RDG_IN_DATA and RDG_OUT_DATA")
def rdg(cap):
    for method in ("RDG_OUT_DATA", "RDG_IN_DATA"):
        conn = plain(cap, "10.0.0.21", "10.0.0.81:80")
        conn.up(f"{method} /remoteDesktopGateway/ HTTP/1.1\r\nHost: rdg.example.test\r\nContent-Length: 0\r\n"
                "RDG-Connection-Id: {7F9C2BA4-E88F-4A3C-8C5B-1A2B3C4D5E6F}\r\n\r\n".encode())
        conn.down(ok(b"", status="401 Unauthorized"))
        conn.up(f"{method} /remoteDesktopGateway/ HTTP/1.1\r\nHost: rdg.example.test\r\nTransfer-Encoding: chunked\r\n"
                "Authorization: Basic eDp5\r\n\r\n".encode())
        conn.down(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n")
        conn.up(b"e\r\n" + struct.pack("<HHIBBHH", 1, 0, 14, 1, 0, 0, 0) + b"\r\n")
        conn.close()
    cap.what = "The newer gateway protocol (MS-TSGU 2.2.10) on two connections."
    cap.rule = "RDG_IN_DATA and RDG_OUT_DATA are another protocol and not claimed. " + RULE


@case("foreign-x11", "X11 on ports 6001 and 6004")
def x11(cap):
    for port in (6001, 6004):
        conn = plain(cap, "10.0.0.21", f"10.0.0.99:{port}")
        conn.up(b"l\0" + struct.pack("<HHHHH", 11, 0, 0, 0, 0))
        vendor = b"The Example Server.\0"
        screens = struct.pack("<IIIIIHHHHHHIBBBB", 0x100, 0x20, 0xFFFFFF, 0, 0, 1024, 768, 270, 203, 1, 1,
                              0x21, 0, 0, 24, 0)
        body = struct.pack("<IIIIHHBBBBBBBBI", 12101000, 0x200000, 0x1FFFFF, 256, len(vendor), 65535, 1, 0, 0,
                           0, 32, 32, 8, 255, 0)
        body += vendor + screens
        conn.down(b"\x01\0" + struct.pack("<HHH", 11, 0, len(body) // 4) + body)
        conn.up(struct.pack("<BBHI", 3, 0, 2, 0x100))                # GetWindowAttributes
        conn.up(struct.pack("<BBHHxx", 98, 0, 4, 7) + b"RENDER\0\0")  # QueryExtension
        conn.down(struct.pack("<BBHIBBBB20x", 1, 0, 2, 0, 1, 139, 0, 142))
        conn.close()
    cap.what = "X11 owns 6000 to 6063, among them the ports that RPC servers use as a rule."
    cap.rule = RULE


@case("foreign-dcerpc", "DCE/RPC over plain TCP, port 135")
def dcerpc(cap):
    conn = plain(cap, "10.0.0.21", "10.0.0.99:135")
    epm = uuid.UUID("e1af8308-5d1f-11c9-91a4-08002b14a0fa"), 3, 0
    conn.up(rpc.bind(1, epm))
    conn.down(rpc.bind_ack(1, 135))
    conn.up(rpc.request(1, 4, rpc.HANDLE))
    conn.down(rpc.response(1, 4, bytes(24)))
    conn.close()
    odd = plain(cap, "10.0.0.21", "10.0.0.99:49155")
    odd.up(rpc.bind(1, rpc.NSPI))
    odd.down(rpc.bind_ack(1, 49155))
    odd.up(rpc.request(1, *Nspi.BIND[:2]))
    odd.down(rpc.response(1, Nspi.BIND[0], Nspi.BIND[2]), cuts=[20])
    odd.up(rpc.request(2, *Nspi.UNBIND[:2]))
    odd.down(rpc.fault(2, 5))
    odd.close()
    cap.what = "The endpoint mapper on 135 and NSPI on a dynamic port, with a fault."
    cap.rule = RULE


@case("foreign-beside", "plain HTTP beside a virtual connection")
def beside(cap):
    web = plain(cap, "10.0.0.21", "10.0.0.81:80")
    web.up(get("/"))
    web.down(ok())
    leg = Leg(cap)
    leg.establish()
    web.up(get("/autodiscover/autodiscover.xml", method="POST", body=b"<Autodiscover/>"))
    leg.work()
    web.down(ok(b"<Autodiscover/>"))
    leg.close()
    web.close()
    leg.done()
    cap.what = "The same client asks the same server for pages on a connection of its own."
    cap.rule = "Stream 0 carries no RPC_* request and is the same with and without the plugin; streams 1 and 2 are a " \
               "healthy " \
               "virtual connection."
