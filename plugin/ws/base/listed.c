/* listed.c
 * Of which protocols a frame is, as Wireshark lists them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "listed.h"

void listed_add(packet_info *pinfo, int proto)
{
    if (!wmem_list_find(pinfo->layers, GINT_TO_POINTER(proto)))
        wmem_list_prepend(pinfo->layers, GINT_TO_POINTER(proto));
}
