/* ids.c
 * What registration assigns and the files above need: protocols, handles, taps, preferences.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "ids.h"

#include "taps.h"

int proto_rpch;
int proto_outlook;
int proto_mapihttp;
protocol_t *rpch_protocol, *mapihttp_protocol;
int proto_emsmdb;
int proto_rop;
int proto_mapiprop;
dissector_handle_t rpch_stream_handle;
dissector_handle_t rpch_tcp_handle;
dissector_handle_t rpch_port_handle;
int rpch_tap;
int mapi_tap;
int rop_tap;
int rows_tap;
int rpch_follow_tap;
int mapi_follow_tap;
int export_tap;
int client_tap;
int time_tap;
int verdict_tap;
range_t *rpch_server_ports;
struct judge_prefs rpch_prefs;
const struct show_calls *show_calls;
const struct vc_place *(*rpch_place_of)(packet_info *pinfo);

void outlook_tap_rows(packet_info *pinfo, struct client *const *client)
{
    if (!have_tap_listener(rows_tap) && !have_tap_listener(client_tap))
        return;
    struct of_rows *of = wmem_new(pinfo->pool, struct of_rows);
    *of = (struct of_rows){ !PINFO_FD_VISITED(pinfo), client };
    if (!client)
        tap_queue_packet(rows_tap, pinfo, of);
    tap_queue_packet(client_tap, pinfo, of);
}

void outlook_tap_verdicts(packet_info *pinfo, const struct verdict *verdicts, const struct conn *conn)
{
    if (!have_tap_listener(verdict_tap))
        return;
    for (const struct verdict *verdict = verdicts; verdict; verdict = verdict->next) {
        struct told *told = wmem_new(pinfo->pool, struct told);
        *told = (struct told){ verdict, conn };
        tap_queue_packet(verdict_tap, pinfo, told);
    }
}
