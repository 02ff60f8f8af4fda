"""Live scenarios in which all is well: nothing above chat may be said of them, or what a row says.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import time

from scenario_rows import CLIENT_LEG, COOKIE, REVERSE, UNBUFFERED, leave, maybe, row, talk, three, two_talk, work

# ---- health: RPC over HTTP -------------------------------------------------------------------

HEALTHY = "Nothing above chat: both halves of each connection met, every call was answered, the client closed."
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
     "Exchange. Two users.", HEALTHY, words=REVERSE, servers=PINGS)
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
     WELL + " Each handshake stays on its pair of connections.", words=REVERSE, servers={"all": ("--scheme", "ntlm")})
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


KEPT = ("Two users ask at the same moment, {0} closes each kept connection after {1} s of idle time, both within a "
        "second; six seconds later the users go on, on new connections. ")
TIMER = (" Ends after equal idle times are a timer's, however short: a server that dies does not wait for each of its "
         "connections. Nothing was under way, nothing was lost; so no `outlook.server_gone`.")


def kept(stage):
    users = three(stage)[:2]
    for kind in ("Connect", "Execute"):
        for user in users:
            stage.works(user.ask(kind))
    time.sleep(6)
    for user in users:
        user.connection.close()          # the device has
        user.connection = None
    for kind in ("Execute", "Disconnect"):
        for user in users:
            stage.works(user.ask(kind))
    for user in users:
        user.connection.close()


@row("mapi-haproxy-keepalive", "HAProxy's timeout http-keep-alive", "haproxy", "mapi",
     KEPT.format("HAProxy (`timeout http-keep-alive 4s`)", 4) + "To the servers it keeps its connections.", WELL + TIMER +
     " Behind the device all lives on.", words={"BALANCE": "roundrobin", "TIMES": "timeout http-keep-alive 4s", "BACK":
                                               f"http-reuse always\n  {COOKIE}"})
def mapi_haproxy_keepalive(stage):
    kept(stage)


@row("mapi-haproxy-keepalive-client-leg", "HAProxy's timeout http-keep-alive, the clients' leg alone", "haproxy", "mapi",
     KEPT.format("HAProxy (`timeout http-keep-alive 4s`)", 4) + "Captured before it only.", WELL + TIMER,
     words={"BALANCE": "roundrobin", "TIMES": "timeout http-keep-alive 4s", "BACK": f"http-reuse always\n  {COOKIE}"},
     filter=CLIENT_LEG)
def mapi_haproxy_keepalive_client_leg(stage):
    kept(stage)


@row("mapi-apache-keepalive", "Apache's KeepAliveTimeout", "apache", "mapi",
     KEPT.format("Apache (`KeepAliveTimeout 5`, the default)", 5) + "Its responses announce that: `Keep-Alive: timeout=5`.",
     WELL + TIMER, words={"EXTRA": 'KeepAliveTimeout 5\nProxyPass "/" "http://127.0.3.11/" flushpackets=on'})
def mapi_apache_keepalive(stage):
    kept(stage)


@row("mapi-nginx-keepalive-requests", "nginx closes after each second request", "nginx", "mapi",
     "`keepalive_requests 2`: each second response says `Connection: close`, and nginx closes. Two users in turn.", WELL,
     words={"BALANCE": "hash $http_x_clientinfo consistent;", "KEEP": "keepalive 4;", "EXTRA": "keepalive_requests 2; "
            "proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection \"\";"})
def mapi_nginx_keepalive_requests(stage):
    work(stage, *three(stage)[:2])


@row("mapi-nginx-reload", "nginx reloaded", "nginx", "mapi",
     "nginx is told to read its configuration again (SIGHUP) while two users' connections are kept and idle: the old worker "
     "closes all of them at once, to clients and to servers; the users go on, on new connections.",
     WELL + " Behind the device its own side ended the connections, too, so no server was gone, and nothing was under way.",
     words={"BALANCE": "hash $http_x_clientinfo consistent;", "KEEP": "keepalive 4;", "EXTRA":
            "proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection \"\";"})
def mapi_nginx_reload(stage):
    users = three(stage)[:2]
    for number, kind in enumerate(("Connect", "Execute", "Execute", "Disconnect")):
        if number == 2:
            stage.reload()
            for user in users:
                user.connection.close()
                user.connection = None
        for user in users:
            stage.works(user.ask(kind))
    for user in users:
        user.connection.close()


FORWARD = {"BIND": "3128"}


@row("squid-forward", "RPC over HTTP through a forward proxy", "squid", "rpc",
     "Squid as the client's own proxy on port 3128, which is asked by absolute URIs (`RPC_IN_DATA http://...`).", HEALTHY,
     words=FORWARD, servers=PINGS)
def squid_forward(stage):
    two_talk(stage, base="http://127.0.3.11")


@row("mapi-squid-forward", "MAPI/HTTP through a forward proxy", "squid", "mapi",
     "As live-squid-forward: `POST http://.../mapi/emsmdb/...`. Two users.", WELL, words=FORWARD)
def mapi_squid_forward(stage):
    work(stage, *three(stage, base="http://127.0.3.11")[:2])
