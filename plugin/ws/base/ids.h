/* ids.h
 * What registration assigns and the files above need: protocols, handles, taps, preferences.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_IDS_H
#define OUTLOOKHTTP_IDS_H

#include "compat.h"
#include <epan/tap.h>

#include "notes.h"
#include "show_calls.h"

extern int proto_rpch;
extern int proto_outlook;
extern int proto_mapihttp;
extern protocol_t *rpch_protocol, *mapihttp_protocol; /* of those numbers: each frame asks whether it is enabled */
extern int proto_emsmdb;                      /* the interface, and what its buffers hold beside ROPs */
extern int proto_rop;                         /* MS-OXCROPS */
extern int proto_mapiprop;                    /* MS-OXCDATA 2.8 to 2.12 */
extern dissector_handle_t rpch_stream_handle; /* called by http for what it hands over */
extern dissector_handle_t rpch_tcp_handle;    /* called by tcp for a claimed connection */
extern dissector_handle_t rpch_port_handle;   /* no protocol of its own: looks before X11 does */
extern int rpch_tap;                          /* data: struct frame_note */
extern int mapi_tap;                          /* data: struct mapi_note */
extern int rop_tap;                           /* data: struct rop_message */
extern int time_tap;                          /* data: struct timed */
extern int verdict_tap;                       /* data: struct told */
extern int rows_tap;                          /* data: struct of_rows */
extern int rpch_follow_tap;                   /* data: struct followed_pdu */
extern int mapi_follow_tap;                   /* data: struct followed_message */
extern int export_tap;                        /* data: struct exported_rops */
extern int client_tap;                        /* the same, also of clients of plain RPC */
extern range_t *rpch_server_ports;
extern struct judge_prefs rpch_prefs;
extern const struct show_calls *show_calls; /* never NULL once registration is through */
/* stream_place_of(), for the rooms that do not see it. */
extern const struct vc_place *(*rpch_place_of)(packet_info *pinfo);

/* One PDU of a channel, for who follows its connection; as long as the frame is under dissection. */
struct followed_pdu {
    const struct frame_note *note;
    tvbuff_t *bytes;
    enum way way;
};

/* One message of MAPI/HTTP: what was captured of its head, and of its body without chunks and content encoding. */
struct followed_message {
    const struct mapi_message *message;
    struct span head, body;
    uint32_t frame; /* an earlier one, that it stands in, with its time; 0: this one */
    nstime_t time;
};

struct emsmdb_stub;
/* A message with ROPs, for who saves what they carry: its body as above, or a stub of EMSMDB. */
struct exported_rops {
    const struct mapi_message *message; /* NULL: a stub, */
    struct rop_message *rops;
    const struct emsmdb_stub *stub;
    bool big_endian;
    struct span bytes;
};

/* Tells tables that the frame is of rows: of a client of plain RPC, by where the file has him, or, if that is NULL, of those
 * that its notes name. */
void outlook_tap_rows(packet_info *pinfo, struct client *const *client);
/* Tells statistics of verdicts on a frame of that connection; NULL: of none of ours. */
void outlook_tap_verdicts(packet_info *pinfo, const struct verdict *verdicts, const struct conn *conn);

#endif
