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
int outlook_tap;
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

void outlook_tap_auth(packet_info *pinfo, const struct auth_shown *auth, uint32_t last)
{
    if (auth && auth->row != NO_NUMBER && auth->row != last)
        tap_queue_packet(outlook_tap, pinfo, &auth->row);
}

void outlook_tap_client(packet_info *pinfo, const struct client *client)
{
    if (client)
        tap_queue_packet(client_tap, pinfo, client);
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

static bool names_any(const struct verdict *verdicts, bool of_sessions)
{
    for (const struct verdict *verdict = verdicts; verdict; verdict = verdict->next) {
        if ((of_sessions ? verdict->session : verdict->vc) != NO_NUMBER)
            return true;
        for (uint32_t i = 0; i < verdict->victim_count; i++) {
            if ((of_sessions ? verdict->victims[i].session : verdict->victims[i].vc) != NO_NUMBER)
                return true;
        }
    }
    return false;
}

void outlook_tap_rows(packet_info *pinfo, const struct verdict *verdicts, const struct verdict *changed,
                      bool of_sessions)
{
    if (!names_any(verdicts, of_sessions) && !names_any(changed, of_sessions))
        return;
    if (of_sessions) {
        struct mapi_note *note = wmem_new0(pinfo->pool, struct mapi_note);
        note->row = NO_NUMBER;
        note->verdicts = verdicts;
        note->changed = changed;
        tap_queue_packet(mapi_tap, pinfo, note);
    } else {
        struct frame_note *note = wmem_new0(pinfo->pool, struct frame_note);
        note->row = note->auth_row = NO_NUMBER;
        note->verdicts = verdicts;
        note->changed = changed;
        tap_queue_packet(rpch_tap, pinfo, note);
    }
}
