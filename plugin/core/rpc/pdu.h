/* pdu.h
 * The connection-oriented RPC PDU header, C706 12.6.1 and MS-RPCE 2.2.2, as far
 * as RPC over HTTP needs it: to find where a PDU ends and what kind it is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_PDU_H
#define OUTLOOKHTTP_PDU_H

#include "bytes.h"

#define PDU_HEADER_LEN 16

enum rpc_ptype {
    RPC_REQUEST = 0,
    RPC_RESPONSE = 2,
    RPC_FAULT = 3,
    RPC_BIND = 11,
    RPC_BIND_ACK = 12,
    RPC_BIND_NAK = 13,
    RPC_ALTER_CONTEXT = 14,
    RPC_ALTER_CONTEXT_RESP = 15,
    RPC_SHUTDOWN = 17,
    RPC_CO_CANCEL = 18,
    RPC_ORPHANED = 19,
    RPC_RTS = 20
};

/* Interfaces of which calls wait in health until something happens, and the others of Exchange. */
enum rpc_interface {
    RPC_INTERFACE_UNKNOWN, /* its bind was not seen */
    RPC_INTERFACE_OTHER,
    RPC_EMSMDB,       /* MS-OXCRPC 1.9 */
    RPC_ASYNC_EMSMDB, /* the same */
    RPC_NSPI,         /* MS-OXNSPI 1.9 */
    RPC_RFR,          /* MS-OXABREF 1.9 */
    RPC_TSGU          /* MS-TSGU 1.9: the gateway of remote desktops */
};

#define PDU_BOUND_MAX 4 /* presentation contexts of one bind that are read */

/* What begins the body of a request, bind or alter_context (C706 12.6.4). All zero: nothing. */
struct pdu_call {
    uint16_t context, opnum; /* of a request */
    uint8_t bound_count;     /* of a bind or alter_context */
    struct {
        uint16_t context;
        uint8_t interface; /* enum rpc_interface */
    } bound[PDU_BOUND_MAX];
};

struct pdu_header {
    uint8_t rpc_vers;
    uint8_t rpc_vers_minor;
    uint8_t ptype;
    uint8_t pfc_flags;
    uint8_t drep[4];
    uint16_t frag_length;
    uint16_t auth_length;
    uint32_t call_id;
    bool little_endian;   /* from drep[0] */
    struct pdu_call call; /* pdu_call_decode() */
};

enum pdu_probe {
    PDU_PROBE_MORE, /* a PDU so far, but frag_length is not there yet */
    PDU_PROBE_OK,   /* frag_length known and at least PDU_HEADER_LEN */
    PDU_PROBE_BAD   /* no RPC PDU starts here; see *bad_offset */
};

/* Looks at the first bytes of what may be a PDU (len >= 1). On OK *frag_length
 * holds the whole PDU's length, which may pass len. On BAD *bad_offset (0-15) is
 * the header byte that no PDU can have: rpc_vers not 5, minor version above 1, an
 * unknown PTYPE, an impossible drep, a frag_length below the header's. */
enum pdu_probe pdu_probe(const uint8_t *p, size_t len, uint16_t *frag_length, unsigned *bad_offset);

/* Decodes the header of a PDU that pdu_probe() called OK and of which at least
 * PDU_HEADER_LEN bytes are there. */
void pdu_header_decode(const uint8_t *p, struct pdu_header *header);
/* What follows the header in the first len bytes of the PDU, as far as it is there. */
void pdu_call_decode(const uint8_t *p, size_t len, struct pdu_header *header);
/* Whether such a call waits in health until something happens: EcDoAsyncWaitEx (MS-OXCRPC 3.3.4.1),
 * TsProxySetupReceivePipe and TsProxyMakeTunnelCall (MS-TSGU 3.1.4), TsProxyAuthorizeTunnel until the user has confirmed
 * a second factor; or that is not known. */
bool rpc_call_waits(enum rpc_interface interface, uint16_t opnum);

/* Whether such a call begins (1) a session with its server, or ends one (-1): EcDoConnect, EcDoConnectEx, EcDoDisconnect
 * (MS-OXCRPC 3.1.4), NspiBind, NspiUnbind (MS-OXNSPI 3.1.4.1), TsProxyCreateTunnel, TsProxyCloseTunnel (MS-TSGU 3.1.4.1); 0:
 * neither. */
int rpc_call_holds(enum rpc_interface interface, uint16_t opnum);

/* Whether len bytes hold one or more whole PDUs that a stream may be taken up
 * again at: the first PDU is whole and what follows it, if anything, probes as a
 * PDU again. Looks at PDUS_LOOKED_AT PDUs at most: so many in a row are no chance,
 * and where each byte is asked for, the work stays in proportion. */
#define PDUS_LOOKED_AT 16
bool pdu_starts_stream(const uint8_t *p, size_t len);

/* The status of a fault PDU or the reject reason of a bind_nak. Returns false if
 * the PDU (p, len) is too short to hold it or is neither. */
bool pdu_status(const uint8_t *p, size_t len, uint32_t *status);

/* Names: "bind_ack" and the like, the fault status (C706 appendix E, MS-RPCE
 * 2.2.2.12 and the Win32 codes seen in faults) and the bind_nak reason. NULL for
 * an unknown value. */
const char *pdu_type_name(uint8_t ptype);
const char *pdu_fault_name(uint32_t status);
const char *pdu_nak_name(uint16_t reason);

#endif
