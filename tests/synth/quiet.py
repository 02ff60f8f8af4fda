"""Healthy RPC over HTTP that a rule for failures may trip over; and what ends it, where that is a verdict.

Most are made twice, over IPv4 and IPv6.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import struct
import uuid

import pdus
import rpc
from rpc import Emsmdb, Nspi
from scene import DOWN, UP, Leg, case

IDLE = "rpch.channel.idle_closed"
SESSION = 'Cookie: OutlookSession="{7A3B1C5D-0F2E-4D6C-8B9A-102938475665}"'


class Places:
    """The addresses of a client and a server in one family."""

    def __init__(self, six):
        self.clients = [f"fd00::{number:x}" if six else f"10.0.0.{number}" for number in range(0x21, 0x29)]
        self.server = "[fd00::81]:80" if six else "10.0.0.81:80"

    def leg(self, cap, number=0, client=0, **how):
        return Leg(cap, client=self.clients[client], in_server=self.server, vc=number, **how)


def both(name, title):
    """Registers a case over IPv4, and over IPv6 as NAME-ipv6; it is given the places."""
    def register(function):
        for six in (False, True):
            case(name + "-ipv6" * six, title + " (IPv6)" * six)(
                lambda cap, six=six: function(cap, Places(six)))
        return function
    return register


# ---- calls that are pending in health -------------------------------------------------------

class AsyncEmsmdb:
    """MS-OXCRPC 3.3.4.1: EcDoAsyncWaitEx."""
    interface = uuid.UUID("5261574a-4572-206e-b268-6b199213b4e4"), 1, 0
    WAIT = 0, rpc.HANDLE + rpc.u32(0), rpc.u32(1) + rpc.u32(0)


ASYNC_CONTEXT = 1
# EcDoAsyncConnectEx, MS-OXCRPC 3.1.4.4: the asynchronous handle of a session.
ASYNC_CONNECT = 14, rpc.HANDLE, rpc.HANDLE + rpc.u32(0)


def waiting(cap, places):
    """A session with an EcDoAsyncWaitEx that nothing has answered; returns its leg and the number of that call."""
    leg = places.leg(cap)
    leg.establish()
    leg.bind(Emsmdb)
    leg.call(Emsmdb.CONNECT)
    leg.call(ASYNC_CONNECT)
    leg.calls += 1
    leg.in_.up(rpc.bind(leg.calls, AsyncEmsmdb.interface, ASYNC_CONTEXT, "alter_context"))
    leg.out.down(rpc.bind_ack(leg.calls, ptype="alter_context_resp"))
    leg.calls += 1
    leg.in_.up(rpc.request(leg.calls, *AsyncEmsmdb.WAIT[:2], context=ASYNC_CONTEXT))
    return leg, leg.calls


def answered(leg, call):
    leg.out.down(rpc.response(call, AsyncEmsmdb.WAIT[0], AsyncEmsmdb.WAIT[2], context=ASYNC_CONTEXT))


@both("quiet-async-wait", "EcDoAsyncWaitEx pending for 400 seconds, answered, and pending again")
def async_wait(cap, places):
    leg, pending = waiting(cap, places)
    for _ in range(4):
        cap.wait(100)
        leg.in_.up(rpc.ping())
        leg.call(Emsmdb.DUMMY)
    answered(leg, pending)
    leg.calls += 1
    leg.in_.up(rpc.request(leg.calls, *AsyncEmsmdb.WAIT[:2], context=ASYNC_CONTEXT))
    cap.wait(1)
    leg.call(Emsmdb.DISCONNECT)
    leg.close()
    leg.done()
    cap.what = "A session waits for events: its EcDoAsyncWaitEx is answered after 400 s, and the next one is pending " \
               "when the client disconnects and closes."
    cap.rule = "MS-OXCRPC 3.3.4.1: the server answers when there is an event, however long that takes."


@both("quiet-async-wait-idle", "EcDoAsyncWaitEx pending for 400 seconds up to an idle end")
def async_wait_idle(cap, places):
    leg, _ = waiting(cap, places)
    cap.wait(400)
    frame = leg.out.fin(DOWN)
    leg.in_.fin(DOWN)
    leg.out.fin(UP)
    leg.in_.fin(UP)
    leg.done()
    cap.item(IDLE, frame, "400 s without a byte, then FIN from the server's side; the call that is pending is no busy "
                          "channel.")
    cap.what = "A session waits for an event with an EcDoAsyncWaitEx; after 400 s without a byte the server's side " \
               "closes both channels. Announced are 900 s."
    cap.rule = "From 10 s of idle time on it is idle_closed, calls pending or not: no cut."


@both("quiet-async-wait-busy", "EcDoAsyncWaitEx pending, and an end 2 seconds after a call")
def async_wait_busy(cap, places):
    leg, _ = waiting(cap, places)
    cap.wait(30)
    leg.call(Emsmdb.DISCONNECT)
    cap.wait(2)
    leg.out.close(DOWN)
    leg.in_.close(DOWN)
    leg.done()
    cap.what = "The session is disconnected; the server's side closes both channels 2 s later, with the EcDoAsyncWaitEx " \
               "still pending."
    cap.rule = "A call that waits for an event is no call that a cut leaves unanswered."


class Tsgu:
    """MS-TSGU 3.1.4: opnums, and stubs that nothing decodes."""
    interface = uuid.UUID("44e265dd-7daf-42cd-8560-3cdb6e7a2729"), 1, 3
    CREATE_TUNNEL = 1, bytes(52), bytes(88)
    AUTHORIZE_TUNNEL = 2, bytes(96), bytes(60)
    MAKE_TUNNEL_CALL = 3, rpc.HANDLE + rpc.u32(1) + bytes(8)
    CREATE_CHANNEL = 4, rpc.HANDLE + bytes(40), rpc.HANDLE + rpc.u32(1) + rpc.u32(0)
    SETUP_RECEIVE_PIPE = 8, rpc.HANDLE
    SEND_TO_SERVER = 9, rpc.HANDLE + bytes(120), rpc.u32(0)


def desktop(cap, places, number=0, seconds=5):
    """A remote desktop behind a gateway; returns its leg and the calls that are pending."""
    leg = places.leg(cap, number, client=number, target="localhost:3388")
    leg.establish()
    leg.bind(Tsgu)
    leg.call(Tsgu.CREATE_TUNNEL)
    leg.call(Tsgu.AUTHORIZE_TUNNEL)
    pending = []
    leg.calls += 1
    leg.in_.up(rpc.request(leg.calls, *Tsgu.MAKE_TUNNEL_CALL))
    pending.append(leg.calls)
    leg.call(Tsgu.CREATE_CHANNEL)
    leg.calls += 1
    leg.in_.up(rpc.request(leg.calls, *Tsgu.SETUP_RECEIVE_PIPE))
    pending.append(leg.calls)
    for at in range(3):
        leg.call(Tsgu.SEND_TO_SERVER)
        leg.out.down(rpc.response(pending[1], Tsgu.SETUP_RECEIVE_PIPE[0], bytes(300), flags=rpc.FIRST if at == 0 else 0))
        cap.wait(seconds)
    return leg, pending


@both("quiet-tsgu", "the calls of a remote desktop gateway that are pending")
def tsgu(cap, places):
    leg, _ = desktop(cap, places, 0, 40)
    leg.close()
    leg.done()
    leg, pending = desktop(cap, places, 1)
    leg.out.down(rpc.response(pending[1], Tsgu.SETUP_RECEIVE_PIPE[0], rpc.u32(0), flags=rpc.LAST))
    cap.wait(3)
    leg.out.close(DOWN)
    leg.in_.close(DOWN)
    leg.done()
    cap.what = "Two remote desktops behind a gateway (TSGU): TsProxyMakeTunnelCall and TsProxySetupReceivePipe stay " \
               "pending for as long as a session lasts, the second with fragments of its answer. The client ends the " \
               "first, the gateway the second, with TsProxyMakeTunnelCall pending."
    cap.rule = "MS-TSGU 3.1.4: both calls are pending in health, so they are neither unanswered nor cut."


def second_factor(cap, places, seconds):
    """A gateway that has the user confirm on his phone before it answers; returns the leg."""
    leg = places.leg(cap, 0, target="localhost:3388")
    leg.establish()
    leg.bind(Tsgu)
    leg.call(Tsgu.CREATE_TUNNEL)
    leg.calls += 1
    leg.in_.up(rpc.request(leg.calls, *Tsgu.AUTHORIZE_TUNNEL[:2]))
    cap.wait(seconds)
    return leg


@both("quiet-tsgu-second-factor", "a remote desktop gateway that waits 95 seconds for the user's phone")
def tsgu_second_factor(cap, places):
    leg = second_factor(cap, places, 50)
    leg.in_.up(rpc.ping())
    cap.wait(45)
    leg.out.down(rpc.response(leg.calls, Tsgu.AUTHORIZE_TUNNEL[0], Tsgu.AUTHORIZE_TUNNEL[2]))
    leg.call(Tsgu.CREATE_CHANNEL)
    leg.calls += 1
    leg.in_.up(rpc.request(leg.calls, *Tsgu.SETUP_RECEIVE_PIPE))
    leg.call(Tsgu.SEND_TO_SERVER)
    leg.close()
    leg.done()
    cap.what = "NPS with a second factor: TsProxyAuthorizeTunnel is answered after 95 s, when the user has confirmed."
    cap.rule = "MS-TSGU 3.2.6.1.2: policies decide in that call, and some ask a person. It is neither unanswered nor a slow server."


@both("quiet-tsgu-second-factor-idle", "a device that does not wait for the user's phone")
def tsgu_second_factor_idle(cap, places):
    leg = second_factor(cap, places, 60)
    frame = leg.out.fin(DOWN)
    leg.in_.fin(DOWN)
    leg.out.fin(UP)
    leg.in_.fin(UP)
    leg.done()
    cap.item(IDLE, frame, "60 s without a byte while the user looks for his phone, then FIN from the server's side.")
    cap.what = "TsProxyAuthorizeTunnel waits for a second factor; after 60 s without a byte the server's side closes both channels."
    cap.rule = "What closes is an idle time-out, though a call is pending: no cut."


# ---- ends that are none ------------------------------------------------------------------------

@both("quiet-predecessor-pending", "a predecessor that the proxy closes with calls pending")
def predecessor_pending(cap, places):
    leg = places.leg(cap)
    leg.establish()
    leg.bind(Emsmdb)
    leg.call(Emsmdb.CONNECT)
    c, old = leg.c, leg.out
    leg.calls += 2
    pending = leg.calls - 1, leg.calls
    for call in pending:
        leg.in_.up(rpc.request(call, *Emsmdb.DUMMY[:2]))
    old.down(pdus.out_a2())
    leg.connect("out").up(rpc.ask_out(length=120))
    leg.out.up(pdus.out_a3(c))
    old.down(rpc.rts("OUT_R2/A6", 0, rpc.destination(rpc.CLIENT), rpc.ANCE))
    leg.in_.up(rpc.rts("OUT_R2/A7", 0x10, rpc.destination(rpc.SERVER), rpc.cookie(c.new_out), rpc.version()))
    leg.out.up(rpc.rts("OUT_R2/C1", 0x01, rpc.EMPTY))
    old.down(pdus.ance("OUT_R2/B3", 0x20))
    old.close(DOWN)
    leg.out.down(rpc.success())
    c.recycled("out")
    for call in pending:
        cap.wait(1)
        leg.out.down(rpc.response(call, Emsmdb.DUMMY[0], Emsmdb.DUMMY[2]))
    leg.call(Emsmdb.DISCONNECT)
    leg.close()
    leg.done()
    cap.what = "OUT is replaced (OUT_R2) while two calls are pending; the proxy closes the predecessor behind OUT_R2/B3, " \
               "and the answers come on the successor."
    cap.rule = "A recycling explains the end of its predecessor, whatever is pending: no cut."


@both("quiet-leaves-at-head", "a client that leaves 0.1 seconds after its heads")
def leaves_at_head(cap, places):
    leg = places.leg(cap)
    leg.connect("in").up(rpc.ask_in())
    leg.connect("out").up(rpc.ask_out())
    cap.wait(0.1)
    leg.close()
    leg.done(False)
    leg = places.leg(cap, 1, client=1)
    leg.connect("in").up(rpc.ask_in())
    leg.connect("out").up(rpc.ask_out())
    cap.wait(0.1)
    leg.in_.rst(UP)
    leg.out.rst(UP)
    leg.done(False)
    cap.what = "Two clients ask for both channels and leave 0.1 s later, before their first PDUs: one by FIN, one by RST, " \
               "as when the user quits Outlook or takes the network cable out."
    cap.rule = "An end by the client's side within 5 s says nothing."


@both("quiet-recycled-idle", "a worker process that is recycled, over 90 seconds")
def recycled_idle(cap, places):
    legs = [places.leg(cap, number, client=number) for number in range(4)]
    for leg in legs:
        leg.establish()
        leg.work()
        cap.wait(1)
    for number, leg in enumerate(legs):
        for _ in range(3):
            for other in legs[number:]:
                other.in_.up(rpc.ping())
                other.out.down(rpc.ping())
            cap.wait(8)
        # New connections are the new process's.
        leg.out.fin(DOWN)
        leg.in_.fin(DOWN)
        leg.out.fin(UP)
        leg.in_.fin(UP)
        leg.done()
        cap.wait(0.2)
        fresh = places.leg(cap, 4 + number, client=number)
        fresh.establish()
        fresh.bind()
        fresh.close()
        fresh.done()
    cap.what = "IIS recycles the worker process of the RPC proxy: over 90 s the old one ends four virtual connections, " \
               "and each client opens another one, which the new process serves."
    cap.rule = "Ends spread over 90 s, each with a connection served beside it, tell of no server that is gone; each " \
               "client comes back once, which is no loop."


@both("quiet-sleep", "a laptop that sleeps for 20 minutes")
def sleep(cap, places):
    old = [places.leg(cap, number) for number in range(2)]
    for leg in old:
        leg.establish()
        leg.bind(Emsmdb)
        leg.call(Emsmdb.CONNECT)
    cap.wait(1200)
    for leg in old:
        for conn in (leg.in_, leg.out):
            conn.rst(UP)
        leg.done()
    for number in (2, 3):
        leg = places.leg(cap, number)
        leg.establish()
        leg.work(Emsmdb)
        leg.close()
        leg.done()
    cap.what = "A laptop sleeps for 20 minutes with two virtual connections open. When it wakes it resets them and opens " \
               "two others."
    cap.rule = "The client ended them, and nothing was asked meanwhile."


@both("quiet-two-accounts", "two accounts in one Outlook")
def two_accounts(cap, places):
    users = "example.test\\alice", "example.test\\bob"
    number = 0

    def ask(user):
        nonlocal number
        leg = places.leg(cap, number, user=user)
        leg.establish(in_lines=(SESSION,), out_lines=(SESSION,), auth=rpc.basic(user))
        number += 1
        return leg

    mail = []
    for user in users:
        mail.append(ask(user))
        mail[-1].bind(Emsmdb)
        mail[-1].call(Emsmdb.CONNECT)
    for look in range(2):
        # The address book, a connection a look; and the worker process of the proxy is recycled.
        for at, user in enumerate(users):
            book = ask(user)
            book.work()
            book.close()
            book.done()
            cap.wait(1)
            if look == 0:
                mail[at].out.close(DOWN)
                mail[at].in_.close(DOWN)
                mail[at].done()
                cap.wait(0.5)
                mail[at] = ask(user)
                mail[at].bind(Emsmdb)
                mail[at].call(Emsmdb.CONNECT)
    for leg in mail:
        leg.call(Emsmdb.DISCONNECT)
        leg.close()
        leg.done()
    cap.what = "One Outlook with two accounts on one server: all requests have one OutlookSession and ask for one target, " \
               "the users differ. Each account has a connection to its mailbox, which the server's side ends once, and now " \
               "and then a short one to the address book."
    cap.rule = "Each account comes back once: two accounts are no client that comes back again and again."
