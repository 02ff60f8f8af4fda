/* verdict.c
 * What is wrong with a virtual connection, and how it is said.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "vconn_private.h"

const char *verdict_filter(enum verdict_kind kind)
{
    static const char *const names[VERDICT_KINDS] = {
        [V_PROXIES_DIFFER] = "rpch.routing.proxies_differ",
        [V_BACKEND_MISMATCH] = "rpch.routing.backend_mismatch",
        [V_NEVER_JOINED] = "rpch.routing.never_joined",
        [V_JOINED_ACROSS_PROXIES] = "rpch.routing.joined_across_proxies",
        [V_TARGET_MISMATCH] = "rpch.routing.target_mismatch",
        [V_LONE] = "rpch.channel.lone",
        [V_REFUSED] = "rpch.channel.refused",
        [V_IDLE_CLOSED] = "rpch.channel.idle_closed",
        [V_SILENT_DROP] = "rpch.channel.silent_drop",
        [V_BUFFERED] = "rpch.channel.buffered",
        [V_CALL_FAILED] = "rpch.call.failed",
        [V_LIFETIME_EXCEEDED] = "rpch.channel.lifetime_exceeded",
        [V_WINDOW_EXCEEDED] = "rpch.flow.window_exceeded",
        [V_SERVER_GONE] = "outlook.server_gone"
    };
    return (unsigned)kind < VERDICT_KINDS ? names[kind] : "";
}

const char *verdict_where_name(enum verdict_where where)
{
    static const char *const names[] = {
        [WHERE_NONE] = "", [WHERE_CLIENT] = "CLIENT", [WHERE_DEVICE] = "NETWORK DEVICE", [WHERE_SERVER] = "SERVER",
        [WHERE_UNKNOWN] = "CANNOT TELL"
    };
    return (unsigned)where < sizeof(names) / sizeof(names[0]) ? names[where] : "";
}
#define UNUSED(x) ((void)(x))
void judge_pairing(struct leg *leg, struct when when) { UNUSED(leg); UNUSED(when); }
void judge_joined(struct leg *leg, struct when when) { UNUSED(leg); UNUSED(when); }
void judge_handshake(struct leg *leg, struct when when) { UNUSED(leg); UNUSED(when); }
void judge_lone(struct channel *c, struct when when, bool closed) { UNUSED(c); UNUSED(when); UNUSED(closed); }
void judge_refused(struct channel *c, struct when w, const struct http_info *i) { channel_number(c, w); UNUSED(i); }
void judge_torn(struct channel *c, struct when when) { UNUSED(c); UNUSED(when); }
void judge_end(struct channel *c, struct when w, bool o, int64_t i) { UNUSED(c); UNUSED(w); UNUSED(o); UNUSED(i); }
void judge_foreign_end(struct vworld *w, struct server *s, struct when n) { UNUSED(w); UNUSED(s); UNUSED(n); }
void judge_waiting(struct vworld *world, struct when when) { UNUSED(world); UNUSED(when); }
void judge_drop(struct vtcp *c, struct when w, enum way d, bool r) { UNUSED(c); UNUSED(w); UNUSED(d); UNUSED(r); }
void judge_buffered_out(struct leg *leg, struct when when, bool a3) { UNUSED(leg); UNUSED(when); UNUSED(a3); }
void judge_buffered_in(struct leg *leg, struct when when) { UNUSED(leg); UNUSED(when); }
void judge_call(struct channel *c, struct when w, const struct pdu_header *h, uint32_t s)
{ UNUSED(c); UNUSED(w); UNUSED(h); UNUSED(s); }
void judge_lifetime(struct channel *c, struct when when) { UNUSED(c); UNUSED(when); }
void judge_window(struct channel *c, struct when when) { UNUSED(c); UNUSED(when); }
