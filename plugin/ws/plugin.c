/* plugin.c
 * What Wireshark calls when it loads the module, and what is registered once: protocols,
 * handles.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "compat.h"

#include <epan/proto.h>

#include "conversations.h"
#include "dissect_emsmdb.h"
#include "dissect_mapi.h"
#include "dissect_outlook.h"
#include "dissect_rpch.h"
#include "emsmdb_guess.h"
#include "export.h"
#include "follow_streams.h"
#include "ids.h"
#include "layers.h"
#include "mapistream.h"
#include "report_tap.h"
#include "ports.h"
#include "preferences.h"
#include "registration.h"
#include "stats.h"
#include "times.h"
#include "store.h"
#include "stream.h"
#include "takeover.h"
#include "tlsrecords.h"

#define MODULE_EXPORT __attribute__((visibility("default")))
#ifdef _WIN32
#undef MODULE_EXPORT
#define MODULE_EXPORT __declspec(dllexport)
#endif

/* WS_PLUGIN_DESC_DISSECTOR | WS_PLUGIN_DESC_EPAN | WS_PLUGIN_DESC_TAP_LISTENER */
#define PLUGIN_KINDS (1u << 0 | 1u << 3 | 1u << 4)

static void proto_register_outlookhttp(void)
{
    static struct show_calls shows;
    proto_rpch = proto_register_protocol("RPC over HTTP (Outlook Anywhere)", "RPCH", "rpch");
    proto_outlook = proto_register_protocol("Outlook and Exchange over HTTP", "Outlook", "outlook");
    proto_mapihttp = proto_register_protocol("MAPI over HTTP", "MAPI/HTTP", "mapihttp");
    rpch_protocol = find_protocol_by_id(proto_rpch);
    mapihttp_protocol = find_protocol_by_id(proto_mapihttp);
    proto_emsmdb = proto_register_protocol("Exchange mailbox interface", "EMSMDB", "emsmdb");
    proto_rop = proto_register_protocol("Remote operations of a mailbox", "ROP", "rop");
    proto_mapiprop = proto_register_protocol("MAPI properties", "MAPIPROP", "mapiprop");
    rpch_stream_handle = register_dissector("rpch", takeover_from_http, proto_rpch);
    rpch_tcp_handle = register_dissector("rpch.tcp", takeover_from_tcp, proto_rpch);
    rpch_port_handle = create_dissector_handle_with_name_and_description(ports_look_first, -1, "rpch.port",
                                                                         "RPC over HTTP, proxy to server");
    show_calls = &shows;
    rpch_place_of = stream_place_of;
    layers_register(&shows);
    rpch_register_show(&shows);
    outlook_register_show(&shows);
    mapi_register_show(&shows);
    times_register();
    emsmdb_register_show(emsmdb_guess_changed);
    emsmdb_guess_register();
    fields_register();
    preferences_register();
    takeover_register();
    mapi_register();
    stats_register();
    report_register();
    conversations_register();
    follow_streams_register();
    export_register();
    register_init_routine(store_init);
    register_cleanup_routine(store_close);
}

static void proto_reg_handoff_outlookhttp(void)
{
    takeover_handoff();
    ports_handoff();
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
