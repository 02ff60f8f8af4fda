"""python3 tests/live/mapi_bindings.py [CASE ...]: samples of outlook.auth.channel_binding over TLS, in
test-captures/mapi/live/mapi-live-binding*.

Client, device and server speak TLS through OpenSSL, so handshakes, certificates and records are real ones; what they
carry and the segments they travel in are composed as in tests/synth. Every run makes other keys and certificates: run
by hand, not by ./check. expect.json is noted down by the lines that compose, from the specification; nothing here looks
at a dissector. Needs openssl for the certificates.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import hashlib
import pathlib
import ssl
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "synth"))
sys.path.insert(0, str(HERE.parent / "lib"))
sys.dont_write_bytecode = True
import mapi_auth as auth  # noqa: E402
import mapi_ntlm as ntlm  # noqa: E402
import mapiscene as m  # noqa: E402
import places  # noqa: E402
import rpc  # noqa: E402
import scene  # noqa: E402
import wire  # noqa: E402
from scene import DOWN, UP  # noqa: E402

CLIENT, DEVICE, INSIDE, SERVER = "10.0.0.21", "10.0.0.80:443", "10.0.0.70", "10.0.0.81:443"
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
CASES = {}


class Certificate:
    """A self-signed certificate and its key. hash: of its signature."""

    def __init__(self, folder, name, host, kind, hash, names=1):
        self.path, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        hosts = [host, *(f"autodiscover.tenant{number}.example.test" for number in range(1, names))]
        subprocess.run(["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "3650", f"-{hash}", "-subj",
                        f"/CN={host}", "-addext", "subjectAltName=" + ",".join(f"DNS:{one}" for one in hosts),
                        "-keyout", self.key, "-out", self.path], check=True, stderr=subprocess.DEVNULL)
        self.der = ssl.PEM_cert_to_DER_cert(self.path.read_text())
        # RFC 5929 4.1: the hash of the certificate's signature, SHA-256 in place of MD5 and SHA-1.
        self.endpoint = hashlib.new("sha256" if hash == "sha1" else hash, self.der).digest()

    @property
    def bindings(self):
        """MsvAvChannelBindings: RFC 2744 3.11 without addresses, RFC 4121 4.1.1.2."""
        data = b"tls-server-end-point:" + self.endpoint
        return hashlib.md5(bytes(16) + len(data).to_bytes(4, "little") + data).digest()

    @property
    def thumbprint(self):
        return hashlib.sha1(self.der).hexdigest()[:8]


class Side:
    """One end of a TLS connection."""

    def __init__(self, context, **how):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, **how)
        self.ready = False

    def step(self):
        try:
            self.tls.do_handshake()
            self.ready = True
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def take(self, data):
        self.incoming.write(data)
        try:
            while self.ready and self.tls.read(65536):
                pass
        except ssl.SSLWantReadError:
            pass


class TlsConn(scene.Conn):
    """A TCP connection that carries TLS. flight: how the server's first flight is sent; hidden: not captured; before:
    a connection whose session is resumed; shown: the client's own certificate."""

    def __init__(self, cap, client, server, certificate, version, flight=None, hidden=False, before=None, shown=None):
        super().__init__(cap, wire.join_endpoint(wire.ip(client), cap.port()), server)
        self.version, self.captured = version, not hidden
        self.contexts = before.contexts if before else self.make(certificate, version, shown)
        self.sides = (Side(self.contexts[UP], server_hostname=m.HOST, session=before.sides[UP].tls.session
                           if before else None), Side(self.contexts[DOWN], server_side=True))
        self.open(captured=self.captured)
        self.handshake(flight or {})
        if before and not self.sides[UP].tls.session_reused:
            raise SystemExit(f"{cap.name}: OpenSSL did not resume the session")

    def make(self, certificate, version, shown):
        ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        theirs.load_cert_chain(certificate.path, certificate.key)
        ours.check_hostname, ours.verify_mode = False, ssl.CERT_NONE
        ours.keylog_filename = str(self.cap.keys)
        if shown:
            ours.load_cert_chain(shown.path, shown.key)
            theirs.load_verify_locations(shown.path)
            theirs.verify_mode = ssl.CERT_REQUIRED
        for context in (ours, theirs):
            context.minimum_version = context.maximum_version = VERSIONS[version]
        return ours, theirs

    def handshake(self, flight):
        first, way = True, UP
        while not (self.sides[UP].ready and self.sides[DOWN].ready) or self.sides[way].outgoing.pending:
            data = self.sides[way].step() if not self.sides[way].ready else self.sides[way].outgoing.read()
            if data:
                how = flight if way == DOWN and first else {}
                first = first and way == UP
                self.segments(way, data, **how)
                self.sides[1 - way].take(data)
            way = 1 - way

    def segments(self, way, data, again=False, **how):
        frame = super().send(way, data, captured=self.captured, **how)
        if again:
            self.again(way)
        return frame

    def send(self, way, *msgs, **how):
        self.sides[way].tls.write(b"".join(msg.data if isinstance(msg, rpc.Msg) else msg for msg in msgs))
        data = self.sides[way].outgoing.read()
        frame = self.segments(way, data, **how)
        self.sides[1 - way].take(data)
        return frame


class TlsCapture(m.MapiCapture):
    def __init__(self, name, title, keys):
        super().__init__(name, title)
        self.keys = keys

    def expect(self):
        return {**super().expect(), "keys": "capture.keys"}

    def readme(self):
        made = f"Made by `python3 tests/synth/make.py {self.name}`."
        return super().readme().replace(made, f"Made by `python3 tests/live/mapi_bindings.py {self.name}`: the TLS is "
                                        "OpenSSL's, its keys are in `capture.keys`;\nthe TCP segments are composed.")

    def files(self):
        return {**super().files(), "capture.keys": self.keys.read_bytes()}


def case(name, title, what, rule):
    def register(function):
        CASES[f"mapi-live-binding{name}"] = title, what, rule, function
        return function
    return register


def refused(cap, bindings, inner, outer=None):
    """A handshake whose type 3 the server at the end of inner refuses; outer: the client's leg, where there is another.
    Returns the frame of the 401 on inner."""
    c, at, conn = auth.client(cap), auth.target(cap), outer or inner

    def pass_on(ask, fields):
        return c.relay(ask, inner, fields=fields) if outer else ask

    def answer(below, ask, *lines, **how):
        frame = c.page(below, "401 Unauthorized", *lines, *auth.EX, **how)
        if outer:
            c.page_on(below, ask)
        return frame
    ask = c.ask("Connect", b"", auth=ntlm.type1(), conn=conn, fields=auth.auth("NTLM", "type1"))
    answer(pass_on(ask, auth.auth("NTLM", "type1")), ask, f"WWW-Authenticate: {ntlm.type2(at)}", text="",
           fields=auth.auth("NTLM", "type2", server="ex1.example.test"))
    ask = auth.third(c, at, conn=conn, bindings=bindings)
    frame = answer(pass_on(ask, auth.auth("NTLM", "type3", "EXAMPLE\\alice")), ask, *auth.OFFERS,
                   fields=auth.auth(step="rejected"))
    m.close(*filter(None, (outer, inner)))
    return frame


def refused_channel(cap, bindings, inner, outer):
    """The same for the IN channel of RPC over HTTP."""
    at = auth.target(cap)

    def both(ask, reply):
        outer.up(ask)
        inner.up(ask)
        frame = inner.down(reply)
        outer.down(reply)
        return frame
    both(rpc.ask_in(auth=ntlm.type1(), length=0),
         rpc.page(401, "Unauthorized", f"WWW-Authenticate: {ntlm.type2(at)}", *auth.EX))
    frame = both(rpc.ask_in(auth=ntlm.type3(at, bindings=bindings)),
                 rpc.page(401, "Unauthorized", *auth.OFFERS, *auth.EX))
    m.close(outer, inner)
    cap.tolerated = auth.RPCH
    return frame


def tell(cap, frame, why, *contains):
    cap.item("outlook.auth.channel_binding", frame, why, contains)


def bridged(cap, own, inner, version, bindings=None, **how):
    """A device that ends TLS with its own certificate and encrypts again; the client is bound to it."""
    outer = TlsConn(cap, CLIENT, DEVICE, own, version)
    return refused(cap, bindings or own.bindings, TlsConn(cap, INSIDE, SERVER, inner, version, **how), outer)


BRIDGE = "A device ends TLS with a certificate of its own and encrypts again to the server, which has another one. "
DEVICES = "The bindings are those of the certificate at 10.0.0.80."
FOUND = "bindings are those of another certificate"
OTHER = "MS-NLMP 3.2.5.1.2: the server compares the bindings with those of the channel it sees. "


@case("-tls12", "TLS 1.2, two certificates", BRIDGE + "The client's bindings are those of the device's certificate.",
      OTHER + "RFC 5929 4.1: the server's certificate, signed with SHA-384, counts by SHA-384.")
def tls12(cap, certs):
    tell(cap, bridged(cap, certs.device, certs.server, "1.2"), DEVICES,
         DEVICE, SERVER, certs.device.thumbprint, certs.server.thumbprint, FOUND)


@case("-tls13", "TLS 1.3, two certificates", BRIDGE + "Both certificates are encrypted: the key log shows them.",
      OTHER + "The device's certificate, signed with SHA-1, counts by SHA-256.")
def tls13(cap, certs):
    tell(cap, bridged(cap, certs.old, certs.server, "1.3"), DEVICES,
         DEVICE, SERVER, certs.old.thumbprint, certs.server.thumbprint, FOUND)


@case("-strong", "bindings by SHA-384", BRIDGE + "The device has the certificate that is signed with SHA-384.",
      "RFC 5929 4.1: the hash of the signature, where it is stronger than SHA-1.")
def strong(cap, certs):
    tell(cap, bridged(cap, certs.server, certs.device, "1.2"), DEVICES,
         DEVICE, SERVER, FOUND)


@case("-unmatched", "bindings of neither certificate", BRIDGE + "The client's bindings are those of a third one: "
      "there is another device before the first.", OTHER + "That the two differ is enough.")
def unmatched(cap, certs):
    tell(cap, bridged(cap, certs.device, certs.server, "1.2", certs.old.bindings), "The certificates of the legs "
         "differ.", DEVICE, SERVER, "presents another certificate than", "those of neither")


@case("-same", "the same certificate on both legs", "As mapi-live-binding-tls12, but the device has the server's "
      "certificate, as Extended Protection asks for.", "The bindings fit: the password is wrong.")
def same(cap, certs):
    bridged(cap, certs.server, certs.server, "1.2")


@case("-same-tls13", "the same certificate on both legs, TLS 1.3", "As mapi-live-binding-same over TLS 1.3.",
      "The bindings fit: the password is wrong.")
def same13(cap, certs):
    bridged(cap, certs.server, certs.server, "1.3")


@case("-final", "bindings of the server's certificate", BRIDGE + "The client was shown the server's own all the same.",
      "What the server compares with fits, whatever else was presented on the way.")
def final(cap, certs):
    bridged(cap, certs.device, certs.server, "1.2", certs.server.bindings)


@case("-server-leg", "the server's leg alone", "As mapi-live-binding-tls12, captured behind the device only.",
      "With one leg it cannot be told what the client was shown.")
def server_leg(cap, certs):
    refused(cap, certs.device.bindings, TlsConn(cap, INSIDE, SERVER, certs.server, "1.2"))


@case("-client-leg", "the client's leg alone", "As mapi-live-binding-tls12, captured before the device only.",
      "The certificate of the leg is the one that was bound to; the server's is not known.")
def client_leg(cap, certs):
    refused(cap, certs.device.bindings, TlsConn(cap, CLIENT, DEVICE, certs.device, "1.2"))


def resumed(name, version):
    @case(f"-resumed-{name}", f"a resumed session to the server, TLS {version}", BRIDGE + "Its session with the "
          "server is resumed from one before the capture: no certificate is sent there.",
          "Undecidable, so nothing is said.")
    def build(cap, certs):
        before = TlsConn(cap, INSIDE, SERVER, certs.server, version, hidden=True)
        before.up(b"OPTIONS * HTTP/1.1\r\nHost: mail.example.test\r\n\r\n")
        before.down(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        bridged(cap, certs.device, certs.server, version, before=before)


resumed("tls12", "1.2")
resumed("tls13", "1.3")


def client_certificate(name, version):
    @case(f"-client-certificate-{name}", f"a certificate of the device's own towards the server, TLS {version}",
          "Both legs present the server's certificate; to the server the device shows its own as a client.",
          "A client's certificate binds nothing: the server's are the same.")
    def build(cap, certs):
        bridged(cap, certs.server, certs.server, version, shown=certs.device)


client_certificate("tls12", "1.2")
client_certificate("tls13", "1.3")


def segments(name, title, what, version, flight):
    @case(f"-segments{name}", title, BRIDGE + what, OTHER)
    def build(cap, certs):
        tell(cap, bridged(cap, certs.device, certs.long, version, flight=flight), DEVICES, DEVICE, SERVER,
             certs.device.thumbprint, certs.long.thumbprint, FOUND)


segments("", "a certificate in many segments", "The server's comes in segments of 3 to 1400 bytes, the last one twice.",
         "1.2", {"cuts": (3, 7, 40, 95, 120, 500, 501), "again": True})
segments("-tls13", "a certificate in many segments, TLS 1.3", "The server's comes in segments of 3 to 1400 bytes, the "
         "last one twice.", "1.3", {"cuts": (3, 7, 40, 95, 120, 500, 501), "again": True})
segments("-order", "a certificate in segments out of order", "Two segments within the server's certificate are "
         "swapped.", "1.2", {"order": (0, 2, 1, 3)})


@case("-offload", "TLS to the device, clear text to the server", "The device ends TLS and sends clear text on.",
      OTHER + "It sees no TLS at all. The client's leg shows whose bindings they are.")
def offload(cap, certs):
    outer = TlsConn(cap, CLIENT, DEVICE, certs.device, "1.2")
    tell(cap, refused(cap, certs.device.bindings, cap.connect(INSIDE, "10.0.0.81:80"), outer), "The leg where the "
         "server judges is clear text, and the bindings are those of the certificate at 10.0.0.80.", DEVICE,
         "10.0.0.81:80", certs.device.thumbprint)


@case("-rpch", "RPC over HTTP: two certificates", BRIDGE + "The type 3 is that of RPC_IN_DATA.", OTHER)
def rpch(cap, certs):
    outer = TlsConn(cap, CLIENT, DEVICE, certs.device, "1.3")
    inner = TlsConn(cap, INSIDE, SERVER, certs.server, "1.2")
    tell(cap, refused_channel(cap, certs.device.bindings, inner, outer), DEVICES, DEVICE, SERVER, FOUND)


@case("-rpch-same", "RPC over HTTP: the same certificate on both legs", "As mapi-live-binding-rpch with the same "
      "certificate.", "The bindings fit: the password is wrong.")
def rpch_same(cap, certs):
    outer = TlsConn(cap, CLIENT, DEVICE, certs.server, "1.3")
    refused_channel(cap, certs.server.bindings, TlsConn(cap, INSIDE, SERVER, certs.server, "1.2"), outer)


class Certificates:
    def __init__(self, folder):
        ec = "ec", "-pkeyopt", "ec_paramgen_curve:P-256"
        self.device = Certificate(folder, "device", m.HOST, ("rsa:2048",), "sha256")
        self.server = Certificate(folder, "server", "ex1.example.test", ec, "sha384")
        self.old = Certificate(folder, "old", m.HOST, ("rsa:2048",), "sha1")
        self.long = Certificate(folder, "long", "ex1.example.test", ("rsa:2048",), "sha512", 90)


def main():
    if unknown := set(sys.argv[1:]) - set(CASES):
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        certs = Certificates(folder)
        for name in sys.argv[1:] or CASES:
            title, what, rule, compose = CASES[name]
            keys = folder / f"{name}.keys"
            cap = TlsCapture(name, title, keys)
            cap.what, cap.rule = what, rule
            compose(cap, certs)
            place = places.folder(name)
            place.mkdir(parents=True, exist_ok=True)
            for file, data in cap.files().items():
                (place / file).write_bytes(data)
            print(name)


if __name__ == "__main__":
    main()
