"""Drives impacket's RPC over HTTP client for the live samples.

What runs on the wire is impacket's own: this file picks addresses, TLS settings and calls.
Only the HTTP connection object is replaced, because impacket offers no way to choose the
source address, the server's address for a name, a CONNECT proxy, ALPN or a key log.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import http.client
import socket
import ssl
import sys
import time

from impacket import uuid
from impacket.dcerpc.v5 import epm, mgmt, nspi, transport
from impacket.dcerpc.v5.rpch import hCONN_B1, hPing
from impacket.dcerpc.v5.rpcrt import DCERPCException
from impacket.http import AUTH_AUTO, AUTH_BASIC

UNKNOWN_INTERFACE = uuid.uuidtup_to_bin(("00000000-1111-2222-3333-444444444444", "1.0"))


def tls_context(options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not options.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_default_certs()
    if options.tls == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    if options.alpn:
        context.set_alpn_protocols(["http/1.1"])
    if options.keylog:
        context.keylog_filename = options.keylog
    return context


def patch_connect(client, options):
    """Gives client (an impacket HTTPTransport) HTTP connections with the options' addresses."""
    addresses = iter(options.address)
    last = None

    def connect(protocol, host):
        nonlocal last
        address = last = next(addresses, last)
        # IPv6 picks its own source: only one address of the client's is on that network.
        source = (options.source, 0) if options.source and ":" not in address else None
        kind, more = http.client.HTTPConnection, {}
        if protocol == "https":
            kind, more = http.client.HTTPSConnection, {"context": tls_context(options)}
        port = 443 if protocol == "https" else 80
        connection = kind(host, options.tunnel or port, source_address=source, **more)
        if options.tunnel:
            connection.set_tunnel(host, port)
        connection._create_connection = lambda where, timeout, near: socket.create_connection(
            (address, where[1]), timeout, near)
        return connection

    # RPCProxyClient calls the method of its base class by name, so that is the place.
    transport.RPCProxyClient.__bases__[0].connect = lambda self, protocol, host: connect(protocol, host)


def calls_nspi(dce):
    dce.bind(nspi.MSRPC_UUID_NSPI)
    handle = nspi.hNspiBind(dce)["contextHandle"]
    nspi.hNspiUpdateStat(dce, handle, nspi.STAT())
    nspi.hNspiUnbind(dce, handle)


def names(dce, handle, count):
    try:
        nspi.hNspiResolveNamesW(dce, handle, paStr=[f"recipient {n:04} of the live sample" for n in range(count)])
    except DCERPCException as error:
        # The server knows nobody.
        if error.get_error_code() != 0x8004010F:
            raise


def calls_alter(dce):
    """NSPI, then the remote management interface on the same association."""
    calls_nspi(dce)
    other = dce.alter_ctx(mgmt.MSRPC_UUID_MGMT)
    mgmt.hinq_if_ids(other)


def calls_large(dce):
    """A request and a response of many fragments, and flow control both ways."""
    epm.hept_lookup(None, dce=dce)
    other = dce.alter_ctx(nspi.MSRPC_UUID_NSPI)
    handle = nspi.hNspiBind(other)["contextHandle"]
    other.set_max_fragment_size(1400)
    names(other, handle, 150)
    nspi.hNspiUnbind(other, handle)


def calls_slow(dce):
    dce.bind(mgmt.MSRPC_UUID_MGMT)
    mgmt.his_server_listening(dce)


def calls_fault(dce):
    dce.bind(mgmt.MSRPC_UUID_MGMT)
    try:
        mgmt.hinq_princ_name(dce)
        raise SystemExit("no fault")
    except DCERPCException as error:
        print("fault:", error)


def calls_refused(dce):
    try:
        dce.bind(UNKNOWN_INTERFACE)
        raise SystemExit("bind accepted")
    except DCERPCException as error:
        print("bind:", error)


SCENARIOS = {"nspi": calls_nspi, "alter": calls_alter, "large": calls_large, "slow": calls_slow, "fault": calls_fault,
             "refused": calls_refused, "idle": None, "lone": None}


def main():
    parser = argparse.ArgumentParser(description="impacket's RPC over HTTP v2 client with chosen addresses")
    parser.add_argument("url", help="of the RPC proxy: http://mail.example.test/rpc/rpcproxy.dll")
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--address", action="append", required=True,
                        help="server address; given twice, the first is for IN and the second for OUT")
    parser.add_argument("--source", help="client address")
    parser.add_argument("--credentials", required=True, help="DOMAIN\\USER:PASSWORD")
    parser.add_argument("--target", default="ex1.example.test:6004")
    parser.add_argument("--auto", action="store_true", help="try NTLM before Basic, as impacket does by itself")
    parser.add_argument("--window", type=int, help="announced window instead of impacket's 256 KiB")
    parser.add_argument("--tls", choices=["1.2", "1.3"], default="1.3")
    parser.add_argument("--alpn", action="store_true")
    parser.add_argument("--keylog")
    parser.add_argument("--verify", action="store_true", help="trust the system's certificate authorities only")
    parser.add_argument("--tunnel", type=int, help="the address is a CONNECT proxy's, on this port")
    parser.add_argument("--fails", action="store_true", help="the connection is expected to fail")
    parser.add_argument("--breaks", action="store_true", help="the connection is expected to open and to break")
    parser.add_argument("--wait", type=float, default=0, help="only ping on IN that long before the end, seconds")
    options = parser.parse_args()

    server, _, port = options.target.rpartition(":")
    client = transport.DCERPCTransportFactory(f"ncacn_http:{server}[{port}]")
    client.set_rpc_proxy_url(options.url)
    domain, _, rest = options.credentials.partition("\\")
    user, _, password = rest.partition(":")
    client.set_credentials(user, password, domain)
    client.set_auth_type(AUTH_AUTO if options.auto else AUTH_BASIC)
    if options.window:
        client._RPCProxyClient__availableWindowAdvertised = options.window
        client._RPCProxyClient__receiverAvailableWindow = options.window
    patch_connect(client, options)

    if options.scenario == "lone":
        # IN with its first PDU, and no OUT: a client that dies between its two channels.
        client.create_rpc_in_channel()
        client.send(hCONN_B1(uuid.generate(), uuid.generate(), uuid.generate()))
        time.sleep(1)
        client.close_rpc_in_channel()
        return 0
    dce = client.get_dce_rpc()
    try:
        dce.connect()
    except Exception as error:          # whatever impacket, http.client or ssl makes of it
        print("connect:", error)
        return 0 if options.fails else 1
    if options.fails:
        print("connect: succeeded")
        return 1
    if SCENARIOS[options.scenario]:
        SCENARIOS[options.scenario](dce)
    # Pings keep IN alive while OUT is idle, as a client's keepalive does.
    until = time.monotonic() + options.wait
    try:
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 4))
            client.send(hPing())
        dce.disconnect()
    except OSError as error:
        print("ping:", error)
        return 0 if options.breaks else 1
    return 1 if options.breaks else 0


if __name__ == "__main__":
    sys.exit(main())
