"""Samples of tokens that expire, of both protocols: the client gets another one, or it does not.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import mapi_ntlm as ntlm
import mapiscene as m
import rpc
from mapi_auth import bearer
from mapi_ntlm import Target
from mapiscene import Context, Outlook, case
from scene import Leg
from told import told

REFUSED, LEFT = "outlook.auth.refused", "outlook.auth.token_left"
CLIENT, UNKNOWN = "CLIENT (inferred)", "CANNOT TELL"
# Of Exchange's front end, as it refuses a token of modern authentication.
INVALID = 'WWW-Authenticate: Bearer client_id="00000002-0000-0ff1-ce00-000000000000", ' \
          'trusted_issuers="00000001-0000-0000-c000-000000000000@*", token_types="app_asserted_user_v1 service_asserted_app_v1", ' \
          'authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="invalid_token"'
EXPIRED = "x-ms-diagnostics: 2000002;reason=\"The token has expired.\";error_category=\"expired_token\""
FRONT = "Server: Microsoft-IIS/10.0", "X-FEServer: EX1"
SESSION = 'Cookie: OutlookSession="{8C3B1C5D-0F2E-4D6C-8B9A-102938475666}"'


def seed(cap, what):
    return f"{cap.name}/{what}"


def channels_refused(cap, token, lines=(EXPIRED,), client="10.0.0.21", roles=("in", "out"), close=True, leg=None):
    """Both channels are asked for with a token, each answered 401. Returns the frames of those."""
    leg = leg or Leg(cap, user=None, client=client)
    for role in roles:
        leg.connect(role).up((rpc.ask_in if role == "in" else rpc.ask_out)(SESSION, auth=token))
    leg.out.up(rpc.conn_a1(leg.c))
    cap.wait(0.03)
    frames = [conn.down(rpc.answer(401, "Unauthorized", INVALID, *lines, *FRONT, "Content-Length: 0"))
              for conn in (leg.in_, leg.out) if conn]
    if close:
        for conn in (leg.in_, leg.out):
            if conn:
                conn.close()
    return frames


def channels_open(cap, token, vc=0):
    leg = Leg(cap, user=None, vc=vc)
    leg.start(in_lines=[SESSION], out_lines=[SESSION], auth=token)
    leg.join()
    leg.work()
    return leg


@told("rpc-token-expires", "a token that expires, and the next one")
def channels_expire(cap):
    channels_refused(cap, bearer(seed(cap, "old")))
    cap.wait(1)
    leg = channels_open(cap, bearer(seed(cap, "new")))
    cap.wait(70)
    leg.call(rpc.Nspi.UPDATE)
    leg.close()
    leg.done()
    cap.what = "IN and OUT are asked for with a token that has expired; a second later both open with a new one, on new connections."
    cap.rule = "RFC 6750 3.1: the client may request a new token and try again. A step of a logon, whatever connection it goes on with."


@told("rpc-token-expires-kept", "a token that expires, and the next one on the same connections")
def channels_expire_kept(cap):
    leg = Leg(cap, user=None)
    channels_refused(cap, bearer(seed(cap, "old")), close=False, leg=leg)
    cap.wait(1)
    leg.start(in_lines=[SESSION], out_lines=[SESSION], auth=bearer(seed(cap, "new")))
    leg.join()
    leg.work()
    cap.wait(70)
    leg.call(rpc.Nspi.UPDATE)
    leg.close()
    leg.done()
    cap.what = "As rpc-token-expires on the connections of the first try."
    cap.rule = "A step of a logon."


@told("rpc-token-again", "one expired token again and again")
def channels_again(cap):
    tries = []
    for _ in range(6):
        tries.append(channels_refused(cap, bearer(seed(cap, "old"))))
        cap.wait(5)
    cap.told(REFUSED, tries[4][0], CLIENT, "same token each time", "expired", never="4625")
    cap.what = "The client asks for both channels every five seconds, with the same token each time."
    cap.rule = "The same token within 10 seconds is one refusal, as sessions share it; this is the third one. It is told once."


@told("rpc-token-left", "a token that is refused, and nothing after it")
def channels_left(cap):
    leg = Leg(cap, client="10.0.0.22", user=None)
    leg.start(auth=bearer(seed(cap, "other")))
    leg.join()
    channels_refused(cap, bearer(seed(cap, "old")), leg=Leg(cap, user=None, vc=1))
    cap.wait(30)
    leg.work()
    cap.wait(35)
    frame = cap.frame + 1
    leg.call(rpc.Nspi.UPDATE)
    cap.wait(70)
    leg.call(rpc.Nspi.UPDATE)
    leg.close()
    cap.told(LEFT, frame, UNKNOWN, "token has expired", "nothing with credentials has come", never="4625")
    cap.what = "Both channels are refused for their token; while another client works on, this one does not come back within a minute."
    cap.rule = "That the client gets no token shows only when a minute has passed; it is told once, not for each channel."


@told("rpc-token-ends", "a token that is refused at the end of the capture")
def channels_end(cap):
    channels_refused(cap, bearer(seed(cap, "old")))
    cap.wait(20)
    channels_refused(cap, bearer(seed(cap, "new")))
    cap.what = "Two tokens are refused, twenty seconds apart, and the capture ends."
    cap.rule = "Whether the client gets another token the capture cannot tell."


@told("rpc-token-once-more", "a token that expires, the next one is refused too, the third is taken")
def channels_once_more(cap):
    for name in ("old", "older"):
        channels_refused(cap, bearer(seed(cap, name)))
        cap.wait(4)
    leg = channels_open(cap, bearer(seed(cap, "new")))
    cap.wait(70)
    leg.call(rpc.Nspi.UPDATE)
    leg.close()
    cap.what = "Two tokens are refused, four seconds apart; the third one works."
    cap.rule = "As mapi-auth-wrong-once: two refusals in a row, and an acceptance."


@told("rpc-token-other-three", "three tokens refused in a row")
def channels_three(cap):
    for index in range(3):
        frames = channels_refused(cap, bearer(seed(cap, index)), lines=())
        cap.wait(4)
    cap.told(REFUSED, frames[0], UNKNOWN, "invalid_token", "does not take these tokens", "Get-AuthServer", never="4625")
    cap.what = "Each try has another token; the server refuses all."
    cap.rule = "As mapi-auth-refused-bearer: told at the third, once, whatever channel it is of."


@told("rpc-token-in-alone", "a token that expires between IN and OUT")
def channels_in_alone(cap):
    leg = Leg(cap, user=None)
    leg.connect("out").up(rpc.ask_out(SESSION, auth=bearer(seed(cap, "old"))), rpc.conn_a1(leg.c))
    leg.out.down(rpc.success(), rpc.conn_a3())
    leg.connect("in").up(rpc.ask_in(SESSION, auth=bearer(seed(cap, "old"))))
    cap.wait(0.03)
    leg.in_.down(rpc.answer(401, "Unauthorized", INVALID, EXPIRED, *FRONT, "Content-Length: 0"))
    leg.in_.close()
    cap.wait(0.2)
    leg.out.close()
    cap.wait(1)
    leg = channels_open(cap, bearer(seed(cap, "new")))
    cap.wait(70)
    leg.call(rpc.Nspi.UPDATE)
    leg.close()
    cap.what = "OUT is served, IN is refused a moment later; the client gives both up and opens them anew with another token."
    cap.rule = "A step of a logon that works out."


def session_refused(c, token, conn=None, lines=(EXPIRED,), step=True, **how):
    ask = c.ask("Connect", m.connect_body(), auth=token, conn=conn, step=step, **how)
    c.cap.wait(0.03)
    return c.page(ask, "401 Unauthorized", INVALID, *lines, *FRONT, text="")


@case("mapi-auth-token-again", "one expired token again and again")
def session_again(cap):
    c = Context(Outlook(cap, auth=None))
    for index in range(6):
        frame = session_refused(c, bearer(seed(cap, "old")))
        if index == 4:
            cap.item(REFUSED, frame, "The third time, more than ten seconds after the second.", ["same token each time", "expired"],
                     where=CLIENT)
        cap.wait(5)
    c.conn.close()
    cap.what = "The client sends the same token every five seconds, though it is told that it has expired."
    cap.rule = "The same token within 10 seconds is one refusal, as sessions share it."


@case("mapi-auth-token-again-invalid", "one token that the client holds for valid again and again")
def session_again_invalid(cap):
    c = Context(Outlook(cap, auth=None))
    for index in range(3):
        frame = session_refused(c, bearer(seed(cap, "old")), lines=())
        cap.wait(15)
    cap.item(REFUSED, frame, "The third time.", ["same token each time", "invalid_token", "Get-AuthServer"], where=UNKNOWN)
    c.conn.close()
    cap.what = "As mapi-auth-token-again, but the 401 says invalid_token and no more, which may be the server's error."
    cap.rule = "Only who is told that a token has expired has to get another one."


@case("mapi-auth-token-left", "a token that is refused, and nothing after it")
def session_left(cap):
    other = Context(Outlook(cap, name="bob", address="10.0.0.22", auth=bearer(seed(cap, "other"))))
    other.connect()
    c = Context(Outlook(cap, auth=None))
    session_refused(c, bearer(seed(cap, "old")))
    for wait in (30, 35, 70):
        cap.wait(wait)
        ask = other.exchange()
        if wait == 35:
            cap.item(LEFT, ask.frame, "More than a minute after the 401.", ["token has expired", "nothing with credentials has come"],
                     where=UNKNOWN)
    other.leave()
    m.close(other.conn, c.conn)
    cap.what = "A token is refused; while another client works on, this one does not come back within a minute."
    cap.rule = "That the client gets no token shows only when a minute has passed."


@case("mapi-auth-token-expires-alone", "a token that expires, and the next one a second later")
def session_expires(cap):
    c = Context(Outlook(cap, auth=None))
    session_refused(c, bearer(seed(cap, "old")))
    c.conn.close()
    c.conn = c.outlook.open()
    cap.wait(1)
    c.outlook.auth = bearer(seed(cap, "new"))
    c.connect(step=False)
    for _ in range(2):
        cap.wait(40)
        c.exchange()
    c.leave()
    c.conn.close()
    cap.what = "As rpc-token-expires: another connection, with another token."
    cap.rule = "A step of a logon."


@told("rpc-binding-bridged", "bound to the device, refused behind it, where another user is let in without bindings")
def channel_binding_bridged(cap):
    bob = Leg(cap, client="10.0.0.22", in_server="10.0.0.80:80", user="example.test\\bob")
    at = Target("EX1")
    bob.connect("out").up(rpc.ask_out(auth=ntlm.type1(), length=0))
    bob.out.down(rpc.page(401, "Unauthorized", f"WWW-Authenticate: {ntlm.type2(at)}", "X-FEServer: EX1"))
    bob.out.up(rpc.ask_out(auth=ntlm.type3(at, "bob")), rpc.conn_a1(bob.c))
    bob.out.down(rpc.success("X-FEServer: EX1"), rpc.conn_a3())
    cap.wait(1)
    at = Target("EX1", ntlm.STAMP + 77)
    outer, inner = cap.connect("10.0.0.21", "10.0.0.80:80"), cap.connect("10.0.0.70", "10.0.0.81:80")
    for ask, lines in ((rpc.ask_in(auth=ntlm.type1(), length=0), [f"WWW-Authenticate: {ntlm.type2(at)}"]),
                       (rpc.ask_in(auth=ntlm.type3(at, bindings=bytes(range(1, 17)))), ["WWW-Authenticate: NTLM"])):
        outer.up(ask)
        inner.up(ask)
        reply = rpc.page(401, "Unauthorized", *lines, "X-FEServer: EX1")
        below = inner.down(reply)
        frame = outer.down(reply)
    m.close(outer, inner)
    cap.told("outlook.auth.channel_binding", below, "NETWORK DEVICE (inferred)", "Extended Protection")
    cap.told("rpch.channel.refused", below, UNKNOWN, "channel bindings cannot match")
    cap.told("rpch.channel.refused", frame, UNKNOWN, "channel bindings cannot match", never="accepts other users")
    cap.what = "bob, who sends no bindings, is let in at the device; alice's are of TLS to the device, and the server behind it refuses them."
    cap.rule = "On neither leg the password is what is wrong, though others are let in by NTLM."
