/* ids.c
 * What registration assigns and the files above need: protocols, handles, taps, preferences.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "ids.h"

int proto_rpch;
int proto_outlook;
int proto_mapihttp;
dissector_handle_t rpch_stream_handle;
dissector_handle_t rpch_tcp_handle;
dissector_handle_t rpch_port_handle;
int rpch_tap;
int mapi_tap;
int outlook_tap;
range_t *rpch_server_ports;
struct judge_prefs rpch_prefs;
const struct show_calls *show_calls;

void outlook_tap_auth(packet_info *pinfo, const struct auth_shown *auth, uint32_t last)
{
    if (auth && auth->row != NO_NUMBER && auth->row != last)
        tap_queue_packet(outlook_tap, pinfo, &auth->row);
}
