/* listed.c
 * Of which protocols a frame is, as Wireshark lists them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "listed.h"

#include <epan/proto_data.h>

#include "ids.h"

enum { ADDED = 4 }; /* key of per-packet data; layers.c has another */

unsigned listed_added(packet_info *pinfo)
{
    return GPOINTER_TO_UINT(p_get_proto_data(pinfo->pool, pinfo, proto_outlook, ADDED));
}

void listed_add(packet_info *pinfo, int proto)
{
    if (wmem_list_find(pinfo->layers, GINT_TO_POINTER(proto)))
        return;
    const unsigned added = listed_added(pinfo) + 1;
    wmem_list_append(pinfo->layers, GINT_TO_POINTER(proto));
    p_remove_proto_data(pinfo->pool, pinfo, proto_outlook, ADDED);
    p_add_proto_data(pinfo->pool, pinfo, proto_outlook, ADDED, GUINT_TO_POINTER(added));
}
