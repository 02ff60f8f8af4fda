/* menu.c
 * A plugin of the tests: says on standard error what the menu "Conversation Filter" offers for each frame, once the frame
 * is looked at again, as Wireshark does when its user selects it. tshark has no such menu.
 *
 * A line is "menu", frame, name of the entry and filter, parted by tabs; an entry that is offered without a filter, or the
 * other way round, has "none" there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "compat.h"

#include <epan/conversation_filter.h>
#include <epan/packet.h>
#include <stdio.h>

#if WS_AT_LEAST(4, 2)
#define OF(entry) , (entry)->user_data
#else
#define OF(entry)
#endif

static int say_menu(tvbuff_t *tvb _U_, packet_info *pinfo, proto_tree *tree _U_, void *data _U_)
{
    for (const GList *item = packet_conv_filter_list; PINFO_FD_VISITED(pinfo) && item; item = item->next) {
        const conversation_filter_t *entry = (const conversation_filter_t *)item->data;
        char *filter = entry->build_filter_string(pinfo OF(entry));
        const bool offered = entry->is_filter_valid(pinfo OF(entry));
        if (offered || filter)
            fprintf(stderr, "menu\t%u\t%s\t%s\n", pinfo->num, entry->display_name, offered && filter ? filter : "none");
        g_free(filter);
    }
    return 0;
}

static void register_menu(void)
{
    register_postdissector(create_dissector_handle(say_menu, -1));
}

__attribute__((visibility("default"))) const char plugin_version[] = "0";
__attribute__((visibility("default"))) const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
__attribute__((visibility("default"))) const int plugin_want_minor = WIRESHARK_VERSION_MINOR;
__attribute__((visibility("default"))) void plugin_register(void);
__attribute__((visibility("default"))) uint32_t plugin_describe(void);

void plugin_register(void)
{
    static proto_plugin plugin;
    plugin.register_handoff = register_menu;
    proto_register_plugin(&plugin);
}

uint32_t plugin_describe(void)
{
    return 1u << 4; /* WS_PLUGIN_DESC_EPAN */
}
