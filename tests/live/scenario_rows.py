"""The live scenarios: what is configured, what client and servers do, and what is right, written before the first run.

A verdict here is one of expect.json (tests/tshark/run_cases.py), and besides:

    at      a filter of stock Wireshark; the verdict stands on the first frame that it finds
    when    such a filter: the verdict is right if it finds a frame; unless: if it finds none. For what the
            documentation of a device leaves open: whether it says goodbye with a status or just closes

SPDX-License-Identifier: GPL-2.0-or-later
"""

import dataclasses
import threading
import time
import typing

from stage import rpc

CLIENT_LEG = "tcp port 80 and net 127.0.1.0/24"
DEVICE, UNKNOWN, SERVER = "NETWORK DEVICE", "CANNOT TELL", "SERVER"
FROM_DEVICE = "ip.src==127.0.2.10 && tcp.srcport==80"


@dataclasses.dataclass
class Row:
    name: str
    title: str
    device: str
    protocol: str                # "rpc" or "mapi"
    what: str                    # configuration and course, for the README
    right: str                   # and what follows from it
    play: typing.Callable
    words: dict = dataclasses.field(default_factory=dict)      # put into the device's configuration
    more: tuple = ()             # and on its command line
    servers: dict | None = dataclasses.field(default_factory=dict)    # name or "all" -> options; None: not started
    verdicts: tuple = ()
    rows: tuple = ()
    no_rows: tuple = ()
    needs: tuple = ()            # programs besides the device
    filter: str = "tcp port 80 or tcp port 443"

    @property
    def healthy(self):
        return not [verdict for verdict in self.verdicts if not verdict.get("optional")]


ROWS: dict[str, Row] = {}


def row(name, title, device, protocol, what, right, **how):
    def register(play):
        ROWS[f"live-{name}"] = Row(f"live-{name}", title, device, protocol, what, right, play, **how)
        return play
    return register


def verdict(item, severity, where=None, **more):
    return {"item": item, "severity": severity, **({"where": where} if where else {}), **more}


def status(*codes):
    return "(" + " || ".join(f"http.response.code=={code}" for code in codes) + f") && {FROM_DEVICE}"


def maybe(item, severity, where=None, **more):
    return verdict(item, severity, where, optional=True, **more)


# ---- what clients do -------------------------------------------------------------------------

def talk(*clients, rounds=3, pause=2.0, ping=0.8):
    """Each binds and makes a call a round; between rounds pings. Ended raises."""
    for client in clients:
        client.bind()
    for _ in range(rounds):
        for client in clients:
            client.call()
            client.wait(pause / len(clients), ping)


def leave(*clients):
    for client in clients:
        client.close()


def two_talk(stage, **how):
    alice, bob = stage.outlook(0, "alice", **how).open(), stage.outlook(1, "bob", **how).open()
    talk(alice, bob)
    leave(alice, bob)


def idle_out(stage, seconds=25, ping=4, **how):
    """A virtual connection that is used once; then IN pings and OUT is idle, until the device ends one."""
    alice = stage.outlook(**how)
    alice.open()
    talk(alice, rounds=1, pause=0.2)
    stage.fails(alice.wait, seconds, ping)
    time.sleep(0.3)
    leave(alice)


def work(stage, *users, executes=3, pause=0.3, notify=False):
    """MAPI/HTTP: each user connects, works and disconnects, in turn."""
    kinds = ["Connect", *["Execute"] * executes, *["NotificationWait"] * notify, "Disconnect"]
    for kind in kinds:
        for user in users:
            stage.works(user.ask(kind))
        time.sleep(pause)
    for user in users:
        user.connection.close()


def three(stage, **how):
    return [stage.mapi(number, name, **how) for number, name in enumerate(("alice", "bob", "carol"))]


def ask_in_vain(stage):
    """An Execute that takes longer than the device waits; then the client leaves as it should."""
    alice = stage.mapi()
    stage.works(alice.ask("Connect"))
    stage.fails(alice.ask, "Execute")
    time.sleep(0.5)
    stage.works(alice.ask("Disconnect"))
    alice.connection.close()


# ---- health: RPC over HTTP -------------------------------------------------------------------

HEALTHY = "Nothing above chat: both halves of each connection met, every call was answered, the client closed."
UNBUFFERED = "proxy_request_buffering off; proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection \"\";"
PINGS = {"all": ("--ping", "1")}


@row("haproxy-rpc", "RPC over HTTP through HAProxy, two users, two back ends", "haproxy", "rpc",
     "`mode http`, `balance source`, TCP health checks of both servers every second (SYN, ACK, RST). Two users talk at the "
     "same time; the servers ping.", HEALTHY, words={"BALANCE": "source", "SERVER": "check inter 1s"}, servers=PINGS)
def haproxy_rpc(stage):
    two_talk(stage)


@row("haproxy-tcp-recycling", "channels recycled through HAProxy in tcp mode", "haproxy", "rpc",
     "`mode tcp`, `balance source`. OUT is recycled (OUT_R2) two seconds after it opened, then IN (IN_R2); calls go on on "
     "the successors. The server closes each predecessor.", "Nothing above chat: each end of a predecessor is explained by "
     "its recycling.", words={"MODE": "tcp", "BALANCE": "source"}, servers={"all": ("--recycle-out", "2")})
def haproxy_tcp_recycling(stage):
    recycle(stage)


@row("haproxy-http-recycling", "channels recycled through HAProxy in http mode", "haproxy", "rpc",
     "As live-haproxy-tcp-recycling, but `mode http`: where the server closes the predecessor of IN without a response, "
     "HAProxy owes its client one and writes 502 there.", "Nothing above chat. The status stands on a channel that was "
     "recycled before (IN_R2/A5): it refuses nobody.", words={"BALANCE": "source"}, servers={"all": ("--recycle-out", "2")})
def haproxy_http_recycling(stage):
    recycle(stage)


def recycle(stage):
    alice = stage.outlook().open()
    talk(alice, rounds=2, pause=2.5)
    alice.call()
    alice.recycle_in()
    alice.call()
    alice.wait(1.5, 0.5)
    alice.call()
    if alice.recycled != 2:
        raise SystemExit(f"{stage.row.name}: {alice.recycled} channels were recycled")
    leave(alice)


@row("haproxy-tls-offload", "HAProxy ends TLS", "haproxy", "rpc",
     "`bind 127.0.2.10:443 ssl`, `mode http`; to the servers clear text. The client logs its keys.", HEALTHY,
     words={"BALANCE": "source", "BIND": "443 ssl crt @SCRATCH@/pem"}, servers=PINGS)
def haproxy_tls_offload(stage):
    alice = stage.outlook().open()
    talk(alice)
    leave(alice)


@row("haproxy-leaves-early", "a client that leaves 0.1 s after its heads", "haproxy", "rpc",
     "`mode http`, `balance roundrobin`: IN and OUT go to two servers, which cannot join them. The client closes both "
     "connections 0.1 s after CONN/B1, before anything could be proved.",
     "At most the note `proxies_differ` behind the device: the client's own end within 5 s of A1 and B1 says nothing.",
     words={"BALANCE": "roundrobin"}, verdicts=(maybe("rpch.routing.proxies_differ", "note"),))
def haproxy_leaves_early(stage):
    alice = stage.outlook()
    alice.ask_both()
    time.sleep(0.1)
    leave(alice)


@row("haproxy-ipv6", "IPv6 to HAProxy, IPv4 to the servers", "haproxy", "rpc",
     "Clients at 2001:db8::10 come to 2001:db8::2, `mode http`; HAProxy goes to the servers over IPv4.", HEALTHY,
     words={"BALANCE": "source", "FRONT": "bind [2001:db8::2]:80"}, servers=PINGS)
def haproxy_ipv6(stage):
    alice = stage.outlook()
    alice.address, alice.source = "2001:db8::2", "2001:db8::10"
    alice.open()
    talk(alice)
    leave(alice)


@row("haproxy-reload", "HAProxy reloaded", "haproxy", "rpc",
     "`mode http`. HAProxy is told to stop softly (SIGUSR1) while alice's connection is open, and another process of it takes "
     "the address over: alice goes on through the old one, bob comes to the new one.", HEALTHY + " Nobody was gone.",
     words={"BALANCE": "source"}, servers=PINGS)
def haproxy_reload(stage):
    alice = stage.outlook(0, "alice").open()
    talk(alice, rounds=1)
    stage.reload()
    bob = stage.outlook(1, "bob").open()
    talk(bob, rounds=2)
    alice.call()
    leave(alice, bob)


@row("nginx-rpc", "RPC over HTTP through nginx that keeps connections to two back ends", "nginx", "rpc",
     "Both directions unbuffered, `proxy_http_version 1.1`, `keepalive 8`, `hash $remote_addr`. Two users.", HEALTHY,
     words={"BALANCE": "hash $remote_addr consistent;", "KEEP": "keepalive 8;", "EXTRA": UNBUFFERED}, servers=PINGS)
def nginx_rpc(stage):
    two_talk(stage)


@row("nginx-rpc-http10", "nginx speaks HTTP/1.0 to the RPC proxy", "nginx", "rpc",
     "nginx's default `proxy_http_version 1.0`, unbuffered. The client is challenged for Basic first.", HEALTHY + " The 401 "
     "is a step.", words={"BALANCE": "hash $remote_addr consistent;",
                          "EXTRA": "proxy_request_buffering off; proxy_buffering off;"},
     servers={"all": ("--ping", "1", "--credentials", "example.test\\alice:correct horse")})
def nginx_rpc_http10(stage):
    alice = stage.outlook(challenged=True).open()
    talk(alice)
    leave(alice)


@row("nginx-rpc-chunked", "the response of OUT in chunks", "nginx", "rpc",
     "As live-nginx-rpc; the servers answer OUT with `Transfer-Encoding: chunked`, and nginx chunks anew.", HEALTHY,
     words={"BALANCE": "hash $remote_addr consistent;", "EXTRA": UNBUFFERED}, servers={"all": ("--ping", "1", "--chunked")})
def nginx_rpc_chunked(stage):
    alice = stage.outlook().open()
    talk(alice)
    leave(alice)


@row("nginx-leaves-out-first", "the client closes OUT, and nginx answers IN", "nginx", "rpc",
     "As live-nginx-rpc. At the end the client closes OUT; nginx closes the server's, the server ends IN, too, and nginx owes "
     "its client a response there: 502. The client closes IN 0.3 s later.", HEALTHY + " The client ended the pair; the 502 that "
     "follows from it refuses nobody.",
     words={"BALANCE": "hash $remote_addr consistent;", "KEEP": "keepalive 8;", "EXTRA": UNBUFFERED}, servers=PINGS)
def nginx_leaves_out_first(stage):
    alice = stage.outlook().open()
    talk(alice)
    alice.out.close()
    time.sleep(0.3)
    alice.in_.close()


@row("apache-rpc", "RPC over HTTP through Apache, two users", "apache", "rpc",
     "`ProxyPass` with `flushpackets=on`, Apache keeps its connections to the server. Each client is challenged for Basic "
     "first, and asks with `Expect: 100-continue`, which Apache passes on.", HEALTHY + " Each 401 is a step.",
     words={"EXTRA": 'ProxyPass "/" "http://127.0.3.11/" flushpackets=on'},
     servers={"all": ("--ping", "1", "--credentials", "example.test\\alice:correct horse")})
def apache_rpc(stage):
    how = {"challenged": True, "expect": True}
    alice, again = stage.outlook(0, **how).open(), stage.outlook(1, **how).open()
    talk(alice, again)
    leave(alice, again)


@row("squid-rpc", "RPC over HTTP through Squid", "squid", "rpc",
     "Squid as a reverse proxy (`accel`) before two servers, `sourcehash`, `connection-auth=on`, as its wiki shows for "
     "Exchange. Two users.", HEALTHY, words={"PEER": "sourcehash"}, servers=PINGS)
def squid_rpc(stage):
    two_talk(stage)


@row("varnish-rpc", "RPC over HTTP through Varnish", "varnish", "rpc",
     "The built-in VCL pipes methods that it does not know: a tunnel, in which Varnish reads no byte. Two users.", HEALTHY,
     servers=PINGS)
def varnish_rpc(stage):
    two_talk(stage)


@row("pen-rpc", "RPC over HTTP through pen, with affinity", "pen", "rpc",
     "pen balances TCP connections, each client to the server it had before. Two users.", HEALTHY,
     more=("127.0.2.10:80", "127.0.3.11:80", "127.0.3.12:80"), servers=PINGS)
def pen_rpc(stage):
    two_talk(stage)


# ---- health: MAPI/HTTP -----------------------------------------------------------------------

WELL = "Nothing above chat: every request was answered with code 0, each session stays with its server."
COOKIE = "cookie SRV insert indirect nocache"


@row("mapi-haproxy-server-close", "MAPI/HTTP, a server connection for each request", "haproxy", "mapi",
     "`option http-server-close`, a persistence cookie, `option httpchk GET /mapi/healthcheck.htm` every second to both "
     "servers. Three users in turn, each on a connection of its own that it keeps.", WELL + " The checks, with their ends, "
     "count for nothing.", words={"BALANCE": "roundrobin", "SERVER": "check inter 1s", "BACK":
                                  f"option http-server-close\n  option httpchk GET /mapi/healthcheck.htm\n  {COOKIE}"})
def mapi_haproxy_server_close(stage):
    work(stage, *three(stage))


@row("mapi-haproxy-reuse", "MAPI/HTTP, users share server connections", "haproxy", "mapi",
     "`http-reuse always`, a persistence cookie; Basic, so a connection belongs to nobody. Three users in turn, a "
     "NotificationWait with ten PENDING for each.", WELL, words={"BALANCE": "roundrobin", "BACK":
                                                                  f"http-reuse always\n  {COOKIE}"},
     servers={"all": ("--pending", "5", "--delay", "0.4")})
def mapi_haproxy_reuse(stage):
    work(stage, *three(stage), executes=2, notify=True)


@row("mapi-nginx-keepalive", "MAPI/HTTP through nginx that keeps connections, requests with Expect", "nginx", "mapi",
     "`keepalive 8` to two back ends, `hash $http_x_clientinfo`, unbuffered responses. Clients send `Expect: 100-continue`; "
     "nginx answers it itself and sends the body on without.", WELL + " The 100 of the device is none of the server's.",
     words={"BALANCE": "hash $http_x_clientinfo consistent;", "KEEP": "keepalive 8;", "EXTRA":
            "proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection \"\";"})
def mapi_nginx_keepalive(stage):
    work(stage, *three(stage, how="expect"))


@row("mapi-nginx-http10", "MAPI/HTTP, HTTP/1.0 to the servers", "nginx", "mapi",
     "nginx's defaults towards the servers: HTTP/1.0, a connection for each request, whose end ends the response. Unbuffered.",
     WELL + " A response without a length is whole when the server closes (RFC 9112 6.3).",
     words={"BALANCE": "hash $http_x_clientinfo consistent;", "EXTRA": "proxy_buffering off;"},
     servers={"all": ("--pending", "3", "--delay", "0.4")})
def mapi_nginx_http10(stage):
    work(stage, *three(stage)[:2], notify=True)


@row("mapi-nginx-buffering-chunked", "nginx's buffering lets chunks pass", "nginx", "mapi",
     "`proxy_buffering on` and `proxy_http_version 1.1`: nginx passes each chunk on as soon as it is whole. A NotificationWait "
     "with PENDING every 0.8 s for eight seconds (X-PendingPeriod: a second).", WELL + " Each PENDING comes in time.",
     words={"BALANCE": "hash $http_x_clientinfo consistent;", "EXTRA": "proxy_http_version 1.1;"},
     servers={"all": ("--pending", "10", "--delay", "0.8")})
def mapi_nginx_buffering_chunked(stage):
    work(stage, stage.mapi(), executes=1, notify=True)


@row("mapi-apache-sticky", "MAPI/HTTP through Apache's balancer, requests in chunks", "apache", "mapi",
     "mod_proxy_balancer over two servers, `stickysession=ROUTEID`, a cookie that Apache sets. Clients send their bodies in "
     "chunks.", WELL, words={"EXTRA": """Header add Set-Cookie "ROUTEID=.%{BALANCER_WORKER_ROUTE}e; path=/" env=BALANCER_ROUTE_CHANGED
<Proxy "balancer://servers">
  BalancerMember "http://127.0.3.11" route=1 flushpackets=on
  BalancerMember "http://127.0.3.12" route=2 flushpackets=on
  ProxySet stickysession=ROUTEID
</Proxy>
ProxyPass "/" "balancer://servers/\""""})
def mapi_apache_sticky(stage):
    work(stage, *three(stage, how="chunked"))


@row("mapi-squid-ntlm", "NTLM through Squid", "squid", "mapi",
     "`connection-auth=on`: Squid pins the server connection to the client's, once a 401 offers NTLM. Two users.",
     WELL + " Each handshake stays on its pair of connections.", words={"PEER": "sourcehash"}, servers={"all": ("--scheme", "ntlm")})
def mapi_squid_ntlm(stage):
    work(stage, *three(stage, scheme="ntlm")[:2])


@row("mapi-varnish-pass", "MAPI/HTTP through Varnish", "varnish", "mapi",
     "POST is passed; Varnish pools its server connections, and answers `Expect: 100-continue` itself. A hash of X-ClientInfo "
     "chooses the server.", WELL, servers={"all": ("--pending", "3", "--delay", "0.4")})
def mapi_varnish_pass(stage):
    work(stage, *three(stage, how="expect")[:2], notify=True)


@row("mapi-lighttpd", "MAPI/HTTP through lighttpd, streamed", "lighttpd", "mapi",
     "`server.stream-request-body = 2`, `server.stream-response-body = 2`, `proxy.balance = source`. Two users, a "
     "NotificationWait each.", WELL, words={"EXTRA": "server.stream-request-body = 2\nserver.stream-response-body = 2"},
     servers={"all": ("--pending", "3", "--delay", "0.4")})
def mapi_lighttpd(stage):
    work(stage, *three(stage)[:2], notify=True)


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
     IDLE_RIGHT.format(12), words={"MODE": "tcp", "BALANCE": "source", "TIMES": "timeout client 12s"},
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
     verdicts=(verdict("rpch.channel.cut", "warning", DEVICE, times=2),))
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
               maybe("rpch.channel.cut", "warning", UNKNOWN, times=2), maybe("rpch.channel.cut.note", "note", [SERVER, UNKNOWN], times=2)))
def haproxy_killed_client_leg(stage):
    killed(stage)


@row("haproxy-server-killed", "one of two servers killed behind HAProxy", "haproxy", "rpc",
     "`mode http`; alice and bob are on EX1, carol on EX2 (by address). EX1 is killed (SIGKILL) with a call of each "
     "unanswered; HAProxy ends what it cannot go on with. Carol works on, through the same device.",
     "`outlook.server_gone` names EX1, SERVER: its four ends come within 0.1 ms. HAProxy lives: carol's connection to it is "
     "answered, so it is not gone. What ends on leg 0 after that (OUT by FIN, IN by HAProxy's 502) has that cause: the note "
     "`rpch.channel.cut.note` at most, SERVER, and no `rpch.channel.refused` for a status that is an effect.",
     words={"BALANCE": "source", "BACK": "use-server ex2 if { src 127.0.1.12 }\n  use-server ex1 if TRUE"},
     servers={"EX1": ("--slow", "30"), "EX2": ("--ping", "1")},
     verdicts=(verdict("outlook.server_gone", "warning", SERVER, says=[r"127\.0\.3\.11"], never=[r"127\.0\.2\.10:80 ended"]),
               maybe("rpch.channel.cut.note", "note", SERVER, times=4)))
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
     verdicts=(verdict("rpch.channel.refused", "warning", DEVICE, at=status(503)), maybe("rpch.channel.buffered", "warning", DEVICE)))
def haproxy_queue(stage):
    stage.fails(stage.outlook().open)


@row("haproxy-reconnect-loop", "ended after four seconds, again and again", "haproxy", "rpc",
     "`mode tcp`, `timeout client 4s`, `timeout server 4s`. Each time an open connection is idle for four seconds, HAProxy "
     "ends it, and the client asks again at once; the fourth connection is closed by the client.",
     "`rpch.channel.cut` when the client comes back for the second time, with a count, the device: behind it, it ends as a "
     "client. Four seconds are too short for `rpch.channel.idle_closed`.",
     words={"MODE": "tcp", "BALANCE": "source", "TIMES": "timeout client 4s\n  timeout server 4s"},
     verdicts=(verdict("rpch.channel.cut", "warning", DEVICE), maybe("rpch.channel.cut", "warning", DEVICE)),
     no_rows=("healthy  4 of 4",))
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
     "nginx's page.", words={"BALANCE": "hash $remote_addr consistent;", "EXTRA": UNBUFFERED}, servers=None, verdicts=REFUSED_BOTH)
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
     words={"PEER": "sourcehash", "EXTRA": "read_timeout 12 seconds"}, verdicts=ONE_IDLE)
def squid_read_timeout(stage):
    idle_out(stage)


@row("squid-in-413", "Squid refuses the body of IN", "squid", "rpc",
     "`request_body_max_size 1 MB`: IN announces 1 GB and gets Squid's 413; OUT is served. The client leaves.",
     "`rpch.channel.refused` on the 413, the device: IN never came to the server, and Squid's page is not Exchange's; advice on "
     "the size of the body. Neither `lone` nor `never_joined` beside it, on either leg.",
     words={"PEER": "sourcehash", "EXTRA": "request_body_max_size 1 MB"},
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
    return (verdict("outlook.http.failed", "warning", DEVICE, at=status(*codes)),
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


@row("mapi-apache-timeout", "Apache's ProxyTimeout", "apache", "mapi", GATEWAY + "`ProxyTimeout 11`: 502 or 504 with Apache's page.",
     GAVE_UP, words={"EXTRA": 'ProxyTimeout 11\nProxyPass "/" "http://127.0.3.11/" flushpackets=on'}, servers=THINKS,
     verdicts=gave_up(502, 504))
def mapi_apache_timeout(stage):
    ask_in_vain(stage)


@row("mapi-squid-504", "Squid's read_timeout", "squid", "mapi", GATEWAY + "`read_timeout 11 seconds`: 504 with Squid's page.", GAVE_UP,
     words={"PEER": "sourcehash", "EXTRA": "read_timeout 11 seconds"}, servers=THINKS, verdicts=gave_up(502, 504))
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
     verdicts=(verdict("outlook.auth.shared_connection", "error", DEVICE), maybe("outlook.auth.shared_connection", "error", DEVICE)))
def mapi_nginx_ntlm_shared(stage):
    work(stage, *three(stage, scheme="ntlm")[:2], executes=1)


@row("mapi-haproxy-killed", "HAProxy killed within two NotificationWaits", "haproxy", "mapi",
     "Two users wait, each with PENDING every 0.8 s, when HAProxy is killed (SIGKILL).",
     "`mapihttp.response.cut` for each of the two, the device, seen: it ends its own connections to the servers, whose responses "
     "were not at their ends. So no `outlook.server_gone`; on leg 1 the chat that the client did not wait.",
     words={"BALANCE": "roundrobin", "BACK": COOKIE}, servers={"all": ("--pending", "60", "--delay", "0.8")},
     verdicts=(verdict("mapihttp.response.cut", "warning", DEVICE, times=2),))
def mapi_haproxy_killed(stage):
    mapi_killed(stage)


@row("mapi-haproxy-killed-client-leg", "HAProxy killed within two NotificationWaits, the clients' leg alone", "haproxy", "mapi",
     "As live-mapi-haproxy-killed, captured before HAProxy only. Its persistence cookie is in every response.",
     "`outlook.server_gone`, CANNOT TELL: two connections of two sessions, in use, end within a second, but a persistence "
     "cookie shows a device at that address. The cut that was told before it stays.",
     words={"BALANCE": "roundrobin", "BACK": COOKIE}, servers={"all": ("--pending", "60", "--delay", "0.8")}, filter=CLIENT_LEG,
     verdicts=(verdict("outlook.server_gone", "warning", UNKNOWN), maybe("mapihttp.response.cut", "warning", UNKNOWN, times=2),
               maybe("mapihttp.response.cut.note", "note", UNKNOWN, times=2)))
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
