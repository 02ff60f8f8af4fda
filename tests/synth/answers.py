"""Samples of what answers in place of the RPC proxy or the endpoint: Exchange's front end without a back end, logons that
devices put before it, filters. Each for both protocols, with what must and what must not be said.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import base64

import mapiscene as m
import rpc
from mapiscene import Context, Outlook, case
from scene import Leg
from told import REFUSED, told

HTTP = "outlook.http.failed"
SERVER, DEVICE, UNKNOWN = "SERVER (inferred)", "NETWORK DEVICE (inferred)", "CANNOT TELL"
FRONT = "X-FEServer: EX1", "X-OWA-Version: 15.2.1544.4"


def answered(name, title, status, lines, where, says, what, rule, text="", never=None, mapi_says=None):
    """The same answer to OUT of a virtual connection and to an Execute of a session: rpc-NAME and mapi-verdict-NAME."""
    number, reason = status.split(" ", 1)
    if not text:
        lines = *lines, "Content-Length: 0"

    @told(f"rpc-{name}", title)
    def channels(cap):
        leg = Leg(cap)
        leg.connect("in").up(rpc.ask_in())
        leg.connect("out").up(rpc.ask_out())
        leg.out.up(rpc.conn_a1(leg.c))
        leg.in_.up(rpc.conn_b1(leg.c))
        cap.wait(0.1)
        frame = leg.out.down(rpc.page(int(number), reason, *lines, text=text) if text else
                             rpc.answer(int(number), reason, *lines))
        cap.wait(1)
        leg.out.close()
        leg.in_.close()
        cap.told(REFUSED, frame, where, number, *says, never=never)
        cap.what, cap.rule = what, rule

    @case(f"mapi-verdict-{name}", title)
    def session(cap):
        c = Context(Outlook(cap))
        c.connect()
        asked = c.ask("Execute", m.execute_body())
        cap.wait(0.1)
        frame = c.page(asked, status, *(line for line in lines if line != "Content-Length: 0"), text=text)
        cap.item(HTTP, frame, rule, [number, *(mapi_says or says)], where=where)
        cap.wait(1)
        c.conn.close()
        cap.what, cap.rule = what, rule


# ---- Exchange's front end --------------------------------------------------------------------

def context(place, status, error, details="x", name="", state=""):
    def coded(text):
        return base64.b64encode(text.encode()).decode()
    return f"X-FailureContext: {place};{status};{coded(error)};{coded(details)};{name};{state};"


answered("front-unreached", "Exchange's front end does not reach its back end", "503 Service Unavailable",
         (context("BackEnd", -1, "ConnectFailure", "Unable to connect to the remote server", state="ConnectFailure"), *FRONT),
         SERVER, ("ConnectFailure", "did not reach the back end", "port 444"),
         "The back end of the mailbox is down, or has no certificate on port 444: the front end writes 503 itself.",
         "X-FailureContext names the back end, and no status of it (-1).", never="could not serve|nobody was there")
answered("front-timeout", "Exchange's front end waits in vain for its back end", "504 Gateway Timeout",
         (context("BackEnd", -1, "Timeout", "The operation has timed out", "BackEndRequestTimedOut", "Timeout"), *FRONT),
         SERVER, ("Timeout", "until its time was up"),
         "The back end does not answer in time: the front end writes 504 itself.",
         "504 of Exchange's front end is no gateway of the network.", never="NETWORK DEVICE")
answered("front-logon", "the back end does not take the logon of Exchange's front end",
         "503 Failed authentication on backend server: Unauthorized", (context("BackEnd", 401, "401"), *FRONT),
         SERVER, ("none of the user's", "computer accounts"),
         "The front end asks its back end by Kerberos of its own account, and gets 401; the client gets 503.",
         "A 401 of the back end that the front end does not pass on is about its own logon.", never="password")
answered("front-database", "Exchange's front end does not find the mailbox database", "500 Internal Server Error",
         ("X-CasErrorCode: DatabaseGuidNotFound", context("FrontEnd", 500, "DatabaseGuidNotFound", name="DatabaseGuidNotFound"),
          *FRONT),
         SERVER, ("DatabaseGuidNotFound", "does not find the mailbox database"),
         "The front end knows the mailbox, but not the database that it is said to be in.",
         "X-CasErrorCode says what was not found: the mailbox is one case of many.", never="does not know the mailbox")
answered("front-busy", "Exchange's front end has too many requests under way", "503 Service Unavailable",
         ("X-CasErrorCode: TooManyOutstandingProxyRequests", *FRONT), SERVER, ("as it takes", "answer slowly"),
         "The back end is slow, and the front end passes nothing more on.",
         "X-CasErrorCode says that nothing was looked for.", never="does not know the mailbox")


@case("mapi-verdict-front-no-mailbox", "400 with X-CasErrorCode to a URL without MailboxId")
def no_mailbox(cap):
    c = Context(Outlook(cap))
    asked = c.ask("Connect", m.connect_body(), uri="/mapi/emsmdb/")
    frame = c.page(asked, "400 Bad Request", "X-CasErrorCode: MailboxGuidWithDomainNotFound", *FRONT, text="")
    cap.item(HTTP, frame, "The URL has none.", ["400", "lacks ?MailboxId="], where=SERVER)
    c.conn.close()
    cap.what = "A rewriting rule dropped the query. The front end writes the same X-CasErrorCode as for a mailbox that it does not know."
    cap.rule = "No mailbox was asked for: that none was found says nothing of the mailbox."


@told("rpc-front-target", "404 with X-CasErrorCode EndpointNotFound")
def no_target(cap):
    leg = Leg(cap)
    leg.connect("in").up(rpc.ask_in())
    leg.connect("out").up(rpc.ask_out())
    leg.out.up(rpc.conn_a1(leg.c))
    leg.in_.up(rpc.conn_b1(leg.c))
    frame = leg.out.down(rpc.answer(404, "Not Found", "X-CasErrorCode: EndpointNotFound", *FRONT, "Content-Length: 0"))
    leg.out.close()
    leg.in_.close()
    cap.told(REFUSED, frame, UNKNOWN, "whom to pass this on to", never="does not know the mailbox")
    cap.what = "The front end finds no server of the old version that the target needs."
    cap.rule = "The URL as it arrives, or the servers: who is to blame does not show."
