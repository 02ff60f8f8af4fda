/* dissect_emsmdb.h
 * EMSMDB and AsyncEMSMDB over DCE/RPC, whatever carries it: TCP, or IN and OUT channels.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_DISSECT_EMSMDB_H
#define OUTLOOKHTTP_DISSECT_EMSMDB_H

#include "compat.h"

#include "emsmdb.h"

/* What the calls with one session context handle on one connection have in common; those without a
 * handle (it is null, or not known yet) are of another. Lives as long as the capture file, as all of
 * this does. */
struct emsmdb_session {
    uint8_t handle[EMSMDB_HANDLE_LEN]; /* as sent; zeros: none */
    uint32_t connection;               /* conv_index */
    uint32_t first_frame;
    struct rop_session *rops;              /* its objects */
    struct emsmdb_session *connection_has; /* the one without a handle there, which may be this */
    struct client *client;                 /* that one's: who calls over plain RPC, NULL if not known */
    uint32_t missed;                       /* that one's: how often calls were seen to be missing; of others: as seen */
    /* That one's: the last request that was captured whole, frame 0: none. */
    uint32_t last_call, last_frame;
    const struct _wmem_tree_t *last_record; /* of its TCP connection (tcpframe.h) */
};

enum { EMSMDB_REQUEST, EMSMDB_RESPONSE, EMSMDB_WAYS };

/* A request with its response: made on the first pass of the request, found by dcerpc's own
 * pairing in the response and in all later passes. */
struct emsmdb_call {
    struct emsmdb_session *session; /* never NULL; of EcDoConnectEx the connection's until the response names one */
    uint32_t request_frame, response_frame; /* 0: not captured yet */
    uint32_t call_id;
    uint32_t code_page;                    /* ulCpid of EcDoConnect or EcDoConnectEx; 0 if it is none of them */
    struct rop_message *rops[EMSMDB_WAYS]; /* those of the request and of the response, for later passes */
};

/* What is dissected until the next call of this was carried by that row of the table of virtual connections; NO_NUMBER: by
 * none. */
void emsmdb_carried_by(uint32_t row);
/* On the first pass takes a stub into account: *call is NULL, or what this made of the request. Later passes, and
 * responses to what was not captured, change nothing. connection: conv_index. call_id: of the PDU. */
void emsmdb_follow(struct emsmdb_call **call, tvbuff_t *tvb, const packet_info *pinfo, const struct emsmdb_stub *stub,
                   uint32_t connection, uint32_t call_id);
/* Shows a stub, if anybody looks. call may be NULL. */
void emsmdb_show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct emsmdb_stub *stub,
                 struct emsmdb_call *call, bool big_endian);

void emsmdb_register_show(void (*changed)(void)); /* called when a preference of emsmdb was */
void emsmdb_handoff(void);

#endif
