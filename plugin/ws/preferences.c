/* preferences.c
 * What the user may set. A change has the file dissected anew, with a judge that knows it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "preferences.h"

#include "compat.h"

#include <epan/prefs.h>

#include "dissect_outlook.h"
#include "ids.h"
#include "outlook.h"
#include "ports.h"

#define SECOND INT64_C(1000000000)

static ws_bool same_proxy_required;

/* Seconds, but for the last; the defaults are the judge's own. */
static struct {
    unsigned handshake_wait, call_wait, buffered_wait, slow, very_slow, refusals;
} chosen;
static struct judge_limits limits;

/* Nothing is late at once: with 0 each call would be unanswered when it was sent. */
static int64_t seconds(unsigned value)
{
    _Static_assert(UINT_MAX <= INT64_MAX / SECOND, "any number of seconds is one of nanoseconds");
    return (int64_t)MAX(value, 1) * SECOND;
}

static void preferences_changed(void)
{
    limits.handshake_wait = seconds(chosen.handshake_wait);
    limits.call_wait = seconds(chosen.call_wait);
    limits.buffered_wait = seconds(chosen.buffered_wait);
    limits.slow_above = seconds(chosen.slow);
    limits.very_slow_above = seconds(MAX(chosen.very_slow, chosen.slow));
    limits.refusals_told = MAX(chosen.refusals, 1);
    rpch_prefs.limits = &limits;
    rpch_prefs.same_proxy_required = same_proxy_required;
    outlook_set_severities(rpch_prefs.same_proxy_required);
    ports_changed();
}

static void add_number(module_t *module, const char *name, const char *title, const char *what, unsigned *value,
                       int64_t usual)
{
    *value = (unsigned)usual;
    prefs_register_uint_preference(module, name, title, what, 10, value);
}

static void register_thresholds(module_t *rpch, module_t *outlook)
{
    const struct judge_limits *usual = outlook_usual_limits();
    limits = *usual;
    add_number(rpch, "handshake_wait", "Halves are not joined after (seconds)",
               "How long both channels of a connection may wait for CONN/C1 or CONN/C2 before "
               "rpch.routing.never_joined is told.",
               &chosen.handshake_wait, usual->handshake_wait / SECOND);
    add_number(rpch, "call_wait", "A call is unanswered after (seconds)",
               "How long a bind or call may wait for its answer before that is told.", &chosen.call_wait,
               usual->call_wait / SECOND);
    add_number(rpch, "buffered_wait", "Bytes are held back after (seconds)",
               "How long a device may have bytes of a channel before it passes them on; more is told as "
               "rpch.channel.buffered. Only captures of both sides of the device show that.",
               &chosen.buffered_wait, usual->buffered_wait / SECOND);
    add_number(outlook, "auth_slow", "An answer to credentials is slow after (seconds)",
               "From when on outlook.auth.slow is told of credentials that were accepted.", &chosen.slow,
               usual->slow_above / SECOND);
    add_number(outlook, "auth_very_slow", "An answer to credentials is very slow after (seconds)",
               "From when on outlook.auth.very_slow is told; never before outlook.auth.slow.", &chosen.very_slow,
               usual->very_slow_above / SECOND);
    add_number(outlook, "auth_refusals", "Refusals in a row of a user",
               "How many refusals of the same user at the same host in a row are told as outlook.auth.refused.",
               &chosen.refusals, usual->refusals_told);
}

void preferences_register(void)
{
    module_t *rpch = prefs_register_protocol(proto_rpch, preferences_changed);
    prefs_register_bool_preference(
        rpch, "same_proxy_required", "IN and OUT must reach the same proxy",
        "Exchange 2007 and 2010 may need both channels of a connection on one proxy; MS-RPCH 1.3.2 "
        "and later versions do not. With this, channels on different proxies are a warning instead "
        "of a note.",
        &same_proxy_required);
    range_convert_str(wmem_epan_scope(), &rpch_server_ports, "6001,6002,6004", MAX_TCP_PORT);
    prefs_register_range_preference(
        rpch, "server_ports", "TCP ports of RPC servers",
        "Ports on which proxies reach RPC servers (ncacn_http). A connection to one of them is "
        "looked at before the dissector that owns the port, and left to it unless it carries RPC.",
        &rpch_server_ports, MAX_TCP_PORT);
    register_thresholds(rpch, prefs_register_protocol(proto_outlook, preferences_changed));
}
