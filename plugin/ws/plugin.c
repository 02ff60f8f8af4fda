/* plugin.c
 * What Wireshark calls when it loads the module, and what is registered once: protocols,
 * handles, preferences.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "compat.h"

#include <epan/prefs.h>
#include <epan/proto.h>

#include "conversations.h"
#include "dissect_emsmdb.h"
#include "dissect_mapi.h"
#include "dissect_outlook.h"
#include "dissect_rpch.h"
#include "emsmdb_guess.h"
#include "follow_streams.h"
#include "ids.h"
#include "mapistream.h"
#include "report_tap.h"
#include "stats.h"
#include "store.h"
#include "takeover.h"
#include "tlsrecords.h"

#define MODULE_EXPORT __attribute__((visibility("default")))
#ifdef _WIN32
#undef MODULE_EXPORT
#define MODULE_EXPORT __declspec(dllexport)
#endif

/* WS_PLUGIN_DESC_DISSECTOR | WS_PLUGIN_DESC_EPAN | WS_PLUGIN_DESC_TAP_LISTENER */
#define PLUGIN_KINDS (1u << 0 | 1u << 3 | 1u << 4)

static ws_bool same_proxy_required;

static void preferences_changed(void)
{
    rpch_prefs.same_proxy_required = same_proxy_required;
    outlook_set_severities(rpch_prefs.same_proxy_required);
    takeover_ports_changed();
}

static void register_preferences(void)
{
    module_t *module = prefs_register_protocol(proto_rpch, preferences_changed);
    prefs_register_bool_preference(
        module, "same_proxy_required", "IN and OUT must reach the same proxy",
        "Exchange 2007 and 2010 may need both channels of a connection on one proxy; MS-RPCH 1.3.2 "
        "and later versions do not. With this, channels on different proxies are a warning instead "
        "of a note.",
        &same_proxy_required);
    range_convert_str(wmem_epan_scope(), &rpch_server_ports, "6001,6002,6004", MAX_TCP_PORT);
    prefs_register_range_preference(
        module, "server_ports", "TCP ports of RPC servers",
        "Ports on which proxies reach RPC servers (ncacn_http). A connection to one of them is "
        "looked at before the dissector that owns the port, and left to it unless it carries RPC.",
        &rpch_server_ports, MAX_TCP_PORT);
}

static void proto_register_outlookhttp(void)
{
    static struct show_calls shows;
    proto_rpch = proto_register_protocol("RPC over HTTP (Outlook Anywhere)", "RPCH", "rpch");
    proto_outlook = proto_register_protocol("Outlook and Exchange over HTTP", "Outlook", "outlook");
    proto_mapihttp = proto_register_protocol("MAPI over HTTP", "MAPI/HTTP", "mapihttp");
    proto_emsmdb = proto_register_protocol("Exchange mailbox interface", "EMSMDB", "emsmdb");
    proto_rop = proto_register_protocol("Remote operations of a mailbox", "ROP", "rop");
    proto_mapiprop = proto_register_protocol("MAPI properties", "MAPIPROP", "mapiprop");
    rpch_stream_handle = register_dissector("rpch", takeover_from_http, proto_rpch);
    rpch_tcp_handle = register_dissector("rpch.tcp", takeover_from_tcp, proto_rpch);
    rpch_port_handle = create_dissector_handle_with_name_and_description(takeover_before_port, -1, "rpch.port",
                                                                         "RPC over HTTP, proxy to server");
    show_calls = &shows;
    rpch_register_show(&shows);
    outlook_register_fields();
    mapi_register_show(&shows);
    emsmdb_register_show();
    emsmdb_guess_register();
    register_preferences();
    takeover_register();
    mapi_register();
    stats_register();
    report_register();
    conversations_register();
    follow_streams_register();
    register_init_routine(store_init);
}

static void proto_reg_handoff_outlookhttp(void)
{
    takeover_handoff();
    mapi_handoff();
    tls_records_handoff();
    emsmdb_handoff();
    emsmdb_guess_handoff();
}

MODULE_EXPORT const char plugin_version[] = PLUGIN_VERSION;
MODULE_EXPORT const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
MODULE_EXPORT const int plugin_want_minor = WIRESHARK_VERSION_MINOR;

MODULE_EXPORT void plugin_register(void);
MODULE_EXPORT uint32_t plugin_describe(void);

void plugin_register(void)
{
    static proto_plugin plugin;
    plugin.register_protoinfo = proto_register_outlookhttp;
    plugin.register_handoff = proto_reg_handoff_outlookhttp;
    proto_register_plugin(&plugin);
}

/* Asked for from 4.4 on. */
uint32_t plugin_describe(void)
{
    return PLUGIN_KINDS;
}
