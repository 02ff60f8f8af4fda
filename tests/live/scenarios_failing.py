"""Live scenarios in which something fails, with each verdict that is right of them, and no other.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import threading
import time

from scenario_rows import (CLIENT_LEG, COOKIE, DEVICE, REVERSE, SERVER, UNBUFFERED, UNKNOWN, ask_in_vain, idle_out, leave,
                           maybe, row, status, talk, three, verdict, work)
from stage import rpc

# ---- failures: RPC over HTTP ------------------------------------------------------------------

IDLE = "rpch.channel.idle_closed"
ONE_IDLE = (verdict(IDLE, "warning", DEVICE, never=[r"server.{0,20} stopped"]),)
IDLE_RIGHT = ("`rpch.channel.idle_closed` once, on the clients' leg: the device ended an open channel after {0} s without a "
              "byte; behind it, it ends as a client: the device, seen. No word of a server that stopped, and no "
              "`rpch.channel.cut`, for 10 s of idle time are over.")


@row("haproxy-tcp-tunnel-timeout", "HAProxy's timeout tunnel", "haproxy", "rpc",
     "`mode tcp`, `timeout tunnel 12s`: a virtual connection is open and nobody says anything on either channel.",
     IDLE_RIGHT.format(12), words={"MODE": "tcp", "BALANCE": "source", "TIMES": "timeout tunnel 12s"}, verdicts=ONE_IDLE)
def haproxy_tcp_tunnel_timeout(stage):
    idle_out(stage, ping=0)


@row("haproxy-tcp-client-timeout", "HAProxy's timeout client ends IN alone", "haproxy", "rpc",
     "`mode tcp`, `timeout client 12s`, `timeout server 90s`. IN is idle; the server pings OUT every five seconds, and in "
     "HAProxy what goes to the client keeps its side alive, too.",
     IDLE_RIGHT.format(12) + " The server ends OUT because IN is gone behind the device, and on leg 0 that end may come first, "
     "by less than a millisecond: OUT was busy, IN was what was idle.",
     words={"MODE": "tcp", "BALANCE": "source", "TIMES": "timeout client 12s"},
     servers={"all": ("--ping", "5")}, verdicts=ONE_IDLE)
def haproxy_tcp_client_timeout(stage):
    idle_out(stage, ping=0)


KILLED = ("Two virtual connections, a call of each is unanswered when HAProxy is killed (SIGKILL): the kernel ends all of "
          "its connections, to clients and to servers, at once. ")


@row("haproxy-killed", "HAProxy killed in mid-call, both legs", "haproxy", "rpc",
     KILLED + "Captured before and behind it.",
     "`rpch.channel.cut` for each of the two on leg 0: open, in use, a call unanswered. Behind it the same address ends its "
     "connections as a client: the device, seen. So no `outlook.server_gone`, and no second verdict for the call.",
     words={"BALANCE": "source"}, servers={"all": ("--slow", "30")},
     verdicts=(verdict("rpch.channel.cut", "warning", DEVICE, times=2),), report=(r"FAILED +2 of 2",), no_report=("^healthy",))
def haproxy_killed(stage):
    killed(stage)


def killed(stage):
    clients = stage.outlook(0, "alice").open(), stage.outlook(1, "bob").open()
    for client in clients:
        client.bind()
        client.wait(0.7)
        client.call(wait=False)
    for client in clients:
        client.wait(1.5, 0.5)
    stage.device.kill()
    for client in clients:
        stage.fails(client.wait, 5)
    leave(*clients)


@row("haproxy-killed-client-leg", "HAProxy killed in mid-call, the clients' leg alone", "haproxy", "rpc",
     KILLED + "Captured before it only.",
     "`outlook.server_gone` on the end of the last of four connections of two virtual connections: from here the address is "
     "the server. A cut that was told before it stays; nothing on this leg shows a device, so none is blamed.",
     words={"BALANCE": "source"}, servers={"all": ("--slow", "30")}, filter=CLIENT_LEG,
     verdicts=(verdict("outlook.server_gone", "warning", [SERVER, UNKNOWN]),
               maybe("rpch.channel.cut", "warning", UNKNOWN, times=2),
               maybe("rpch.channel.cut.note", "note", [SERVER, UNKNOWN], times=2)),
     no_report=("^healthy",))
def haproxy_killed_client_leg(stage):
    killed(stage)


@row("haproxy-server-killed", "one of two servers killed behind HAProxy", "haproxy", "rpc",
     "`mode http`; alice and bob are on EX1, carol on EX2 (by address). EX1 is killed (SIGKILL) with a call of each "
     "unanswered; HAProxy ends what it cannot go on with. Carol works on, through the same device.",
     "`outlook.server_gone` names EX1, SERVER: its four ends come within 0.1 ms. HAProxy lives: carol's connection to it is "
     "answered, so it is not gone. The first ends on leg 1, before that is known, are `rpch.channel.cut`, CANNOT TELL. What "
     "ends on leg 0 after that (OUT by FIN, IN by HAProxy's 502) has that cause: the note "
     "`rpch.channel.cut.note` at most, SERVER, and no `rpch.channel.refused` for a status that is an effect.",
     words={"BALANCE": "source", "BACK": "use-server ex2 if { src 127.0.1.12 }\n  use-server ex1 if TRUE"},
     servers={"EX1": ("--slow", "30"), "EX2": ("--ping", "1")},
     verdicts=(verdict("outlook.server_gone", "warning", SERVER, says=[r"127\.0\.3\.11"], never=[r"127\.0\.2\.10:80 ended"]),
               maybe("rpch.channel.cut", "warning", UNKNOWN, times=2), maybe("rpch.channel.cut.note", "note", SERVER, times=4)),
     report=(r"FAILED +2 of 3", r"^healthy +1 of 3"))
def haproxy_server_killed(stage):
    alice, bob = stage.outlook(0, "alice").open(), stage.outlook(1, "bob").open()
    carol = stage.outlook(2, "carol").open()
    for client in (alice, bob):
        client.bind()
        client.wait(0.7)
        client.call(wait=False)
    talk(carol, rounds=1, pause=0.5)
    stage.servers["EX1"].kill()
    for client in (alice, bob):
        stage.fails(client.wait, 5)
    leave(alice, bob)
    talk(carol, rounds=3, pause=1)
    leave(carol)


REFUSED_BOTH = (verdict("rpch.channel.refused", "warning", DEVICE), maybe("rpch.channel.refused", "warning", DEVICE))


@row("haproxy-no-servers", "HAProxy without a server", "haproxy", "rpc",
     "No server listens: both SYNs of HAProxy get RST, and it writes its own page, 503, to IN and OUT.",
     "`rpch.channel.refused` for the channels that got a status (the client leaves at the first), the device: HAProxy's page, "
     "which needs no Exchange. Nothing of halves that did not meet.",
     words={"BALANCE": "source"}, servers=None, verdicts=REFUSED_BOTH)
def haproxy_no_servers(stage):
    stage.fails(stage.outlook().open)


@row("haproxy-deny-in", "a rule refuses RPC_IN_DATA", "haproxy", "rpc",
     "`http-request deny deny_status 403 if { method RPC_IN_DATA }`: IN gets HAProxy's 403, OUT is served.",
     "`rpch.channel.refused` on the 403, the device: its page, and the server never saw IN, but OUT. No `lone` and no "
     "`never_joined` beside it, on either leg.",
     words={"BALANCE": "source", "FRONT": "http-request deny deny_status 403 if { method RPC_IN_DATA }"},
     verdicts=(verdict("rpch.channel.refused", "warning", DEVICE, at=status(403)),))
def haproxy_deny_in(stage):
    stage.fails(stage.outlook().open)


@row("haproxy-reject-in", "a rule closes RPC_IN_DATA without a word", "haproxy", "rpc",
     "`http-request reject if { method RPC_IN_DATA }`: the connection of IN is closed at its head, OUT is served.",
     "`rpch.channel.cut`: a head was sent and nothing came back but the end; OUT of this connection has a leg behind, IN has "
     "none: the device. No `lone` beside it, on either leg, for one cause is one warning.",
     words={"BALANCE": "source", "FRONT": "http-request reject if { method RPC_IN_DATA }"},
     verdicts=(verdict("rpch.channel.cut", "warning", DEVICE),))
def haproxy_reject_in(stage):
    stage.fails(stage.outlook().open)


@row("haproxy-queue", "IN waits in HAProxy's queue", "haproxy", "rpc",
     "`maxconn 1` for each server, `timeout queue 4s`, `balance source`: OUT takes the only place, IN waits for it, and gets "
     "503 after four seconds.",
     "`rpch.channel.refused` on the 503, the device: its page, and IN never came to the server. `rpch.channel.buffered` may "
     "stand before it: IN's CONN/B1 was held back for two seconds by then. Nothing else.",
     words={"BALANCE": "source", "TIMES": "timeout queue 4s", "SERVER": "maxconn 1"},
     verdicts=(verdict("rpch.channel.refused", "warning", DEVICE, at=status(503)),
               maybe("rpch.channel.buffered", "warning", DEVICE)))
def haproxy_queue(stage):
    stage.fails(stage.outlook().open)


@row("haproxy-reconnect-loop", "ended after four seconds, again and again", "haproxy", "rpc",
     "`mode tcp`, `timeout client 4s`, `timeout server 4s`. Each time an open connection is idle for four seconds, HAProxy "
     "ends it, and the client asks again at once; the fourth connection is closed by the client.",
     "`rpch.channel.cut` when the client comes back for the second time, with a count, once for each leg that was cut, the "
     "device: behind it, it ends as a client. Four seconds are too short for `rpch.channel.idle_closed`.",
     words={"MODE": "tcp", "BALANCE": "source", "TIMES": "timeout client 4s\n  timeout server 4s"},
     verdicts=(verdict("rpch.channel.cut", "warning", DEVICE, times=3),),
     report=(r"FAILED +3 of 4",), no_report=(r"healthy +4 of 4",))
def haproxy_reconnect_loop(stage):
    alice = stage.outlook()
    for _ in range(3):
        alice.open()
        talk(alice, rounds=1, pause=0.2)
        stage.fails(alice.wait, 10)
        leave(alice)
    alice.open()
    talk(alice, rounds=1, pause=0.2)
    leave(alice)


@row("haproxy-call-unanswered", "a call that no server answers", "haproxy", "rpc",
     "`mode tcp`; the server takes longer than 60 s over a call. IN pings every 20 s, the server OUT.",
     "`rpch.call.unanswered`, a note, not before 60 s after the call: the server's or undecided, for the device passed it on. "
     "It may stand on each leg.",
     words={"MODE": "tcp", "BALANCE": "source"}, servers={"all": ("--slow", "200", "--ping", "15")},
     verdicts=(verdict("rpch.call.unanswered", "note", [SERVER, UNKNOWN]),
               maybe("rpch.call.unanswered", "note", [SERVER, UNKNOWN])))
def haproxy_call_unanswered(stage):
    alice = stage.outlook().open()
    alice.bind()
    alice.call(wait=False)
    alice.wait(68, 20)
    leave(alice)


@row("nginx-in-413", "nginx refuses the body of IN", "nginx", "rpc",
     "`client_max_body_size 1m`, nginx's default: IN announces 1 GB and gets nginx's 413; OUT is served. The client leaves.",
     "`rpch.channel.refused` on the 413, the device: nginx's page, and IN never came to the server; advice on the size of the "
     "body. Neither `lone` nor `never_joined` beside it, on either leg.",
     words={"BALANCE": "hash $remote_addr consistent;", "EXTRA": UNBUFFERED + " client_max_body_size 1m;"},
     verdicts=(verdict("rpch.channel.refused", "warning", DEVICE, at=status(413), says=["(?i)size|body|bytes"]),))
def nginx_in_413(stage):
    stage.fails(stage.outlook().open)


@row("nginx-read-timeout", "nginx's proxy_read_timeout on OUT", "nginx", "rpc",
     "Unbuffered, `proxy_read_timeout 12s`. IN pings every four seconds, OUT is idle: nginx ends it.", IDLE_RIGHT.format(12),
     words={"BALANCE": "hash $remote_addr consistent;", "EXTRA": UNBUFFERED + " proxy_read_timeout 12s;"}, verdicts=ONE_IDLE)
def nginx_read_timeout(stage):
    idle_out(stage)


@row("nginx-out-held", "nginx keeps the response of OUT, the clients' leg alone", "nginx", "rpc",
     "Responses are buffered (default), requests are not. The client waits for 35 s with pings and sees neither the 200 nor a "
     "PDU of OUT. Captured before nginx only, and the capture ends while both are open.",
     "`rpch.channel.no_pdu` once, from 30 s on: CONN/A1 was sent and OUT has neither 200 nor PDU. One leg: CANNOT TELL. No "
     "`never_joined`: no CONN/A3 came (MS-RPCH 3.2.4.5), so nothing is known of joining.",
     words={"BALANCE": "hash $remote_addr consistent;", "EXTRA": "proxy_request_buffering off; proxy_http_version 1.1;"},
     servers={"all": ("--join-timeout", "60")}, filter=CLIENT_LEG,
     verdicts=(verdict("rpch.channel.no_pdu", "warning", [UNKNOWN, DEVICE]),))
def nginx_out_held(stage):
    alice = stage.outlook()
    alice.ask_both()
    for _ in range(12):
        time.sleep(3)
        alice.in_.send(rpc.ping())
    stage.open = alice           # until the capture has ended


@row("nginx-bad-gateway", "nginx without a server", "nginx", "rpc",
     "No server listens: nginx writes its own 502 to IN and OUT.",
     "`rpch.channel.refused` for the channels that got a status (the client leaves at the first): a gateway's status and "
     "nginx's page.", words={"BALANCE": "hash $remote_addr consistent;", "EXTRA": UNBUFFERED}, servers=None,
     verdicts=REFUSED_BOTH)
def nginx_bad_gateway(stage):
    stage.fails(stage.outlook().open)


@row("apache-request-timeout", "Apache's RequestReadTimeout on IN", "apache", "rpc",
     "mod_reqtimeout with `body=12,MinRate=500`, Debian's is `body=20,MinRate=500`: IN (with `Expect`) opened, but brings fewer "
     "than 500 bytes a second, for it is idle, and is ended.",
     "Where Apache writes a status (400 or 408), `rpch.channel.refused`, the device; else `rpch.channel.idle_closed`, the "
     "device.",
     words={"LOAD": "LoadModule reqtimeout_module @MODULES@/mod_reqtimeout.so",
            "EXTRA": 'RequestReadTimeout body=12,MinRate=500\nProxyPass "/" "http://127.0.3.11/" flushpackets=on'},
     servers={"all": ("--ping", "5")},
     verdicts=(verdict("rpch.channel.refused", "warning", DEVICE, when=status(400, 408, 502, 504), at=status(400, 408, 502, 504)),
               verdict(IDLE, "warning", DEVICE, unless=status(400, 408, 502, 504))))
def apache_request_timeout(stage):
    idle_out(stage, 30, 0, expect=True)


@row("apache-prefetch", "Apache keeps the first 16 KB of IN", "apache", "rpc",
     "mod_proxy_http reads up to 16 KB of a body before it opens its connection to the server, unless the client asks with "
     "`Expect`: IN is acknowledged and never comes to the server, which closes OUT after eight seconds.",
     "As live-haproxy-request-buffered: `rpch.channel.buffered`, the device, for CONN/B1 went in and did not come out. "
     "`never_joined` on leg 0 and `lone` on leg 1 may stand beside it, neither against the client nor the server.",
     words={"EXTRA": 'ProxyPass "/" "http://127.0.3.11/" flushpackets=on'},
     verdicts=(verdict("rpch.channel.buffered", "warning", DEVICE), maybe("rpch.routing.never_joined", "warning", DEVICE),
               maybe("rpch.channel.lone", "note", [DEVICE, UNKNOWN])))
def apache_prefetch(stage):
    stage.fails(stage.outlook().open, 12)


@row("apache-proxy-timeout", "Apache's ProxyTimeout on OUT", "apache", "rpc",
     "`ProxyTimeout 12`. IN pings every four seconds, OUT is idle: Apache gives the server up and ends the response.",
     IDLE_RIGHT.format(12),
     words={"EXTRA": 'ProxyTimeout 12\nProxyPass "/" "http://127.0.3.11/" flushpackets=on'}, verdicts=ONE_IDLE)
def apache_proxy_timeout(stage):
    idle_out(stage, expect=True)


@row("apache-killed", "Apache killed in mid-call", "apache", "rpc",
     "One virtual connection, a call unanswered, when all processes of Apache are killed (SIGKILL).",
     "`rpch.channel.cut` once on leg 0, the device, seen: its client's side ended the leg behind. One virtual connection is "
     "too few for `outlook.server_gone`.", words={"EXTRA": 'ProxyPass "/" "http://127.0.3.11/" flushpackets=on'},
     servers={"all": ("--slow", "30")}, verdicts=(verdict("rpch.channel.cut", "warning", DEVICE),))
def apache_killed(stage):
    alice = stage.outlook(expect=True).open()
    alice.bind()
    alice.call(wait=False)
    alice.wait(2, 0.5)
    stage.device.kill()
    stage.fails(alice.wait, 5)
    leave(alice)


@row("squid-read-timeout", "Squid's read_timeout on OUT", "squid", "rpc",
     "`read_timeout 12 seconds`. IN pings every four seconds, OUT is idle: Squid ends it.", IDLE_RIGHT.format(12),
     words={**REVERSE, "EXTRA": "read_timeout 12 seconds"}, verdicts=ONE_IDLE)
def squid_read_timeout(stage):
    idle_out(stage)


@row("squid-in-413", "Squid refuses the body of IN", "squid", "rpc",
     "`request_body_max_size 1 MB`: IN announces 1 GB and gets Squid's 413; OUT is served. The client leaves.",
     "`rpch.channel.refused` on the 413, the device: IN never came to the server, and Squid's page is not Exchange's; advice on "
     "the size of the body. Neither `lone` nor `never_joined` beside it, on either leg.",
     words={**REVERSE, "EXTRA": "request_body_max_size 1 MB"},
     verdicts=(verdict("rpch.channel.refused", "warning", DEVICE, at=status(413), says=["(?i)size|body|bytes"]),))
def squid_in_413(stage):
    stage.fails(stage.outlook().open)


@row("varnish-pipe-timeout", "Varnish's pipe_timeout", "varnish", "rpc",
     "`pipe_timeout=12`: nobody says anything on either channel, and Varnish ends both tunnels.", IDLE_RIGHT.format(12),
     more=("-p", "pipe_timeout=12"), verdicts=ONE_IDLE)
def varnish_pipe_timeout(stage):
    idle_out(stage, ping=0)


@row("pen-roundrobin", "pen without affinity", "pen", "rpc",
     "`-r`: each TCP connection to the next server, IN and OUT to two that share nothing.",
     "As live-split-lb: `proxies_differ` and `backend_mismatch` on leg 1, `never_joined` on leg 0, the device: it chose the "
     "servers.", more=("-r", "127.0.2.10:80", "127.0.3.11:80", "127.0.3.12:80"),
     verdicts=(verdict("rpch.routing.never_joined", "warning", DEVICE), verdict("rpch.routing.proxies_differ", "note", DEVICE),
               verdict("rpch.routing.backend_mismatch", "warning", DEVICE)))
def pen_roundrobin(stage):
    stage.fails(stage.outlook().open, 12)


@row("lighttpd-method", "lighttpd does not know RPC_IN_DATA", "lighttpd", "rpc",
     "lighttpd answers methods that it does not know by itself, 501 or 400, and closes.",
     "`rpch.channel.refused` for the channels that got a status (the client leaves at the first); advice on the method. The "
     "page is none that is known: the device, or undecided.",
     words={"EXTRA": ""}, verdicts=(verdict("rpch.channel.refused", "warning", [DEVICE, UNKNOWN]),
                                    maybe("rpch.channel.refused", "warning", [DEVICE, UNKNOWN])))
def lighttpd_method(stage):
    stage.fails(stage.outlook().open)


FORGETS = ("A packet filter (nftables) stands for a firewall that forgets a connection: after 62 s of silence on {0} it "
           "drops what comes, either way, and tells nobody. ")


@row("forgotten-in", "IN forgotten on the way", "haproxy", "rpc",
     "`mode tcp`; the server pings OUT every 20 s. " + FORGETS.format("IN") + "Then the client sends a call: its segment goes "
     "out again and again, and no ACK comes.",
     "`rpch.channel.silent_drop` once, on the clients' leg, the device, inferred: towards the server, after less idle time than "
     "CONN/B1 announces (300 s). Not `rpch.call.unanswered` nor anything else.", words={"MODE": "tcp", "BALANCE": "source"},
     servers={"all": ("--ping", "20")}, needs=("nft",), verdicts=(verdict("rpch.channel.silent_drop", "warning", DEVICE),))
def forgotten_in(stage):
    alice = stage.outlook().open()
    talk(alice, rounds=1, pause=0.2)
    alice.wait(62)
    stage.forget(alice.in_.sock)
    alice.call(wait=False)
    stage.notes.append("forgotten")
    time.sleep(9)
    leave(alice)


@row("forgotten-out", "OUT forgotten on the way", "haproxy", "rpc",
     "`mode tcp`; the client pings IN every 20 s. " + FORGETS.format("OUT") + "Then the server pings: HAProxy's segment to the "
     "client goes out again and again, and no ACK comes.",
     "`rpch.channel.silent_drop`, CANNOT TELL: towards the client, which may as well be gone.",
     words={"MODE": "tcp", "BALANCE": "source"}, servers={"all": ("--ping", "63")}, needs=("nft",),
     verdicts=(verdict("rpch.channel.silent_drop", "warning", UNKNOWN),))
def forgotten_out(stage):
    alice = stage.outlook().open()
    talk(alice, rounds=1, pause=0.2)
    alice.wait(61, 20)
    stage.forget(alice.out.sock)
    for _ in range(3):
        time.sleep(4)
        alice.in_.send(rpc.ping())
    leave(alice)


# ---- failures: MAPI/HTTP ----------------------------------------------------------------------

THINKS = {"all": ("--think", "Execute:16")}
GATEWAY = "The server does not answer an Execute for 16 s. "
GAVE_UP = ("`outlook.http.failed` on the status: a gateway's own, the server behind had not answered: the device. Behind it a "
           "note at most, for there the device left; never the server.")


def gave_up(*codes):
    return (verdict("outlook.http.failed", "warning", DEVICE, at=status(*codes), says=["passed the request on"], never=["not reach"]),
            maybe("mapihttp.request.unanswered", "note", [DEVICE, UNKNOWN]))


@row("mapi-haproxy-504", "HAProxy's timeout server", "haproxy", "mapi", GATEWAY + "`timeout server 11s`: 504.", GAVE_UP,
     words={"BALANCE": "roundrobin", "TIMES": "timeout server 11s", "BACK": COOKIE}, servers=THINKS, verdicts=gave_up(504))
def mapi_haproxy_504(stage):
    ask_in_vain(stage)


@row("mapi-nginx-504", "nginx's proxy_read_timeout", "nginx", "mapi", GATEWAY + "`proxy_read_timeout 11s`: 504.", GAVE_UP,
     words={"BALANCE": "hash $http_x_clientinfo consistent;", "SERVER": "max_fails=0", "EXTRA": "proxy_read_timeout 11s; "
            "proxy_buffering off; proxy_http_version 1.1;"}, servers=THINKS, verdicts=gave_up(504))
def mapi_nginx_504(stage):
    ask_in_vain(stage)


@row("mapi-nginx-failover", "nginx moves a session away from a slow server", "nginx", "mapi",
     GATEWAY + "`proxy_read_timeout 11s`: 504, and with nginx's default `max_fails=1` that server counts as failed for ten "
     "seconds: the client's next request, a NotificationWait, goes to the other one, which does not know the session (code "
     "10). The client leaves.",
     GAVE_UP + " Then, on both legs, `mapihttp.response_code.failed`, and `mapihttp.session.lost`, the device, seen: it sent the "
     "session elsewhere; `mapihttp.session.backend_changed` where the back end changed.",
     words={"BALANCE": "hash $http_x_clientinfo consistent;", "EXTRA": "proxy_read_timeout 11s; proxy_buffering off; "
            "proxy_http_version 1.1;"}, servers=THINKS,
     verdicts=(*gave_up(504), verdict("mapihttp.response_code.failed", "warning", times=2),
               verdict("mapihttp.session.lost", "error", DEVICE), maybe("mapihttp.session.lost", "error", DEVICE),
               verdict("mapihttp.session.backend_changed", "warning"), maybe("mapihttp.session.backend_changed", "warning")))
def mapi_nginx_failover(stage):
    alice = stage.mapi()
    stage.works(alice.ask("Connect"))
    stage.fails(alice.ask, "Execute")
    time.sleep(0.5)
    stage.fails(alice.ask, "NotificationWait")
    alice.connection.close()


@row("mapi-apache-timeout", "Apache's ProxyTimeout", "apache", "mapi",
     GATEWAY + "`ProxyTimeout 11`: 502 or 504 with Apache's page.", GAVE_UP,
     words={"EXTRA": 'ProxyTimeout 11\nProxyPass "/" "http://127.0.3.11/" flushpackets=on'}, servers=THINKS,
     verdicts=gave_up(502, 504))
def mapi_apache_timeout(stage):
    ask_in_vain(stage)


@row("mapi-squid-504", "Squid's read_timeout", "squid", "mapi",
     GATEWAY + "`read_timeout 11 seconds`: 504 with Squid's page.", GAVE_UP,
     words={**REVERSE, "EXTRA": "read_timeout 11 seconds"}, servers=THINKS, verdicts=gave_up(502, 504))
def mapi_squid_504(stage):
    ask_in_vain(stage)


@row("mapi-varnish-503", "Varnish's first_byte_timeout", "varnish", "mapi",
     GATEWAY + "`first_byte_timeout=11`: 503 with Varnish's page (Guru Meditation).", GAVE_UP,
     more=("-p", "first_byte_timeout=11"), servers=THINKS, verdicts=gave_up(503))
def mapi_varnish_503(stage):
    ask_in_vain(stage)


@row("mapi-nginx-413", "nginx refuses a large Execute", "nginx", "mapi",
     "`client_max_body_size 4k`: an Execute of 9 KB gets nginx's 413, smaller ones pass. The session goes on.",
     "`outlook.http.failed` on the 413, the device: nginx's page, and this request never came to the server, others did; "
     "advice on the size.", words={"BALANCE": "hash $http_x_clientinfo consistent;", "KEEP": "keepalive 4;", "EXTRA":
                                   "client_max_body_size 4k; proxy_buffering off; proxy_http_version 1.1; "
                                   "proxy_set_header Connection \"\";"},
     verdicts=(verdict("outlook.http.failed", "warning", DEVICE, at=status(413), says=["(?i)size|body|bytes"]),))
def mapi_nginx_413(stage):
    alice = stage.mapi()
    stage.works(alice.ask("Connect") and alice.ask("Execute"))
    stage.fails(alice.ask_large, 9000)
    if alice.connection:
        alice.connection.close()
        alice.connection = None
    stage.works(alice.ask("Execute") and alice.ask("Disconnect"))
    alice.connection.close()


@row("mapi-forgotten", "a connection forgotten on the way", "haproxy", "mapi",
     FORGETS.format("the connection") + "Then the client sends an Execute on it, gives it up after four seconds, and is served "
     "on another one.",
     "`mapihttp.request.silent_drop` once, where the server answers on the other connection, the device, inferred. The session "
     "goes on.", words={"BALANCE": "roundrobin", "BACK": COOKIE}, needs=("nft",),
     verdicts=(verdict("mapihttp.request.silent_drop", "warning", DEVICE),))
def mapi_forgotten(stage):
    alice = stage.mapi(patience=4)
    stage.works(alice.ask("Connect") and alice.ask("Execute"))
    time.sleep(62)
    stage.forget(alice.connection.sock)
    stage.fails(alice.ask, "Execute")
    stage.works(alice.ask("Execute") and alice.ask("Execute") and alice.ask("Disconnect"))
    alice.connection.close()


LATE = (verdict("mapihttp.pending.late", "warning", DEVICE),)
HELD = ("`mapihttp.pending.late` once, on leg 0, the device, seen: behind it the PENDING came in time. X-PendingPeriod is a "
        "second.")


@row("mapi-nginx-buffered", "nginx keeps PENDING back", "nginx", "mapi",
     "`proxy_buffering on` and HTTP/1.0 to the server, the defaults: a NotificationWait sends PENDING every 0.8 s for eight "
     "seconds; of a response without a length nginx passes on what fills a buffer, and the rest at its end.", HELD,
     words={"BALANCE": "hash $http_x_clientinfo consistent;", "EXTRA": ""},
     servers={"all": ("--pending", "10", "--delay", "0.8")}, verdicts=LATE)
def mapi_nginx_buffered(stage):
    work(stage, stage.mapi(), executes=1, notify=True)


@row("mapi-lighttpd-buffered", "lighttpd keeps PENDING back", "lighttpd", "mapi",
     "`server.stream-response-body = 0`, the default: lighttpd waits for the end of a response. A NotificationWait sends "
     "PENDING every 0.8 s for eight seconds.", HELD, words={"EXTRA": "server.stream-response-body = 0"},
     servers={"all": ("--pending", "10", "--delay", "0.8")}, verdicts=LATE)
def mapi_lighttpd_buffered(stage):
    work(stage, stage.mapi(), executes=1, notify=True)


@row("mapi-nginx-ntlm-shared", "NTLM through nginx's pool of connections", "nginx", "mapi",
     "`keepalive 1` and two users that log on with NTLM: bob's handshake is made on the connection that alice's made hers.",
     "`outlook.auth.shared_connection`, the device, seen: alice's next request, without credentials, runs as bob.",
     words={"BALANCE": "hash $host consistent;", "KEEP": "keepalive 1;", "EXTRA":
            "proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection \"\";"},
     servers={"all": ("--scheme", "ntlm")},
     verdicts=(verdict("outlook.auth.shared_connection", "error", DEVICE),
               maybe("outlook.auth.shared_connection", "error", DEVICE)))
def mapi_nginx_ntlm_shared(stage):
    work(stage, *three(stage, scheme="ntlm")[:2], executes=1)


@row("mapi-haproxy-killed", "HAProxy killed within two NotificationWaits", "haproxy", "mapi",
     "Two users wait, each with PENDING every 0.8 s, when HAProxy is killed (SIGKILL).",
     "`mapihttp.response.cut` for each of the two, the device, seen: it ends its own connections to the servers, whose responses "
     "were not at their ends. So no `outlook.server_gone`; on leg 1 the chat that the client did not wait.",
     words={"BALANCE": "roundrobin", "BACK": COOKIE}, servers={"all": ("--pending", "60", "--delay", "0.8")},
     verdicts=(verdict("mapihttp.response.cut", "warning", DEVICE, times=2),), report=(r"FAILED +2 of 2",),
     no_report=("^healthy",))
def mapi_haproxy_killed(stage):
    mapi_killed(stage)


@row("mapi-haproxy-killed-client-leg", "HAProxy killed within two NotificationWaits, the clients' leg alone", "haproxy", "mapi",
     "As live-mapi-haproxy-killed, captured before HAProxy only. Its persistence cookie is in every response.",
     "`outlook.server_gone`, CANNOT TELL: two connections of two sessions, in use, end within a second, but a persistence "
     "cookie shows a device at that address. The cut that was told before it stays.",
     words={"BALANCE": "roundrobin", "BACK": COOKIE}, servers={"all": ("--pending", "60", "--delay", "0.8")}, filter=CLIENT_LEG,
     verdicts=(verdict("outlook.server_gone", "warning", UNKNOWN), maybe("mapihttp.response.cut", "warning", UNKNOWN, times=2),
               maybe("mapihttp.response.cut.note", "note", UNKNOWN, times=2)), no_report=("^healthy",))
def mapi_haproxy_killed_client_leg(stage):
    mapi_killed(stage)


def mapi_killed(stage):
    users = three(stage)[:2]
    for user in users:
        stage.works(user.ask("Connect") and user.ask("Execute"))
    done = []
    threads = [threading.Thread(target=lambda user=user: done.append(user.ask("NotificationWait"))) for user in users]
    for thread in threads:
        thread.start()
    time.sleep(3)
    stage.device.kill()
    for thread in threads:
        thread.join()
    if any(done):
        raise SystemExit(f"{stage.row.name}: a NotificationWait did not fail")
