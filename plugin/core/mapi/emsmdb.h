/* emsmdb.h
 * The stubs of the RPC interfaces EMSMDB and AsyncEMSMDB (MS-OXCRPC 3.1.4 and 3.3.4): the
 * parameters in NDR, and the buffers inside.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_EMSMDB_H
#define OUTLOOKHTTP_EMSMDB_H

#include "field.h"

enum emsmdb_interface {
    EMSMDB,      /* A4F1DB00-CA47-1067-B31F-00DD010662DA */
    EMSMDB_ASYNC /* 5261574A-4572-206E-B268-6B199213B4E4 */
};

/* The opnums that are read here. The specification reserves 0 and 2, which clients up to
 * Outlook 2003 send. */
enum emsmdb_opnum {
    EC_DO_CONNECT = 0,
    EC_DO_DISCONNECT = 1,
    EC_DO_RPC = 2,
    EC_R_REGISTER_PUSH_NOTIFICATION = 4,
    EC_DUMMY_RPC = 6,
    EC_DO_CONNECT_EX = 10,
    EC_DO_RPC_EXT2 = 11,
    EC_DO_ASYNC_CONNECT_EX = 14,
    EC_DO_ASYNC_WAIT_EX = 0 /* of EMSMDB_ASYNC */
};

/* A context handle as it is sent: its attributes and a GUID. */
#define EMSMDB_HANDLE_LEN 20

struct rop_host;

struct emsmdb_stub {
    enum emsmdb_interface interface;
    uint16_t opnum;
    bool response;
    bool ndr64; /* the transfer syntax of MS-RPCE 2.2.5 */
};

/* All that stubs can show, for registration: its filters stand behind "emsmdb.". */
extern const struct field emsmdb_stubs[];

/* The name of a method, or NULL. Those without a layout are named, too. */
const char *emsmdb_method_name(enum emsmdb_interface interface, uint16_t opnum);
/* Whether there is a layout for both of its stubs. */
bool emsmdb_reads(enum emsmdb_interface interface, uint16_t opnum);

/* The stub, from the reader's place, which must be its first byte, to the reader's end. The
 * byte order of integers is the reader's; what stands in buffers is little-endian all the
 * same. host may be NULL (rops.h). Nothing is read of a method without a layout. Bytes behind the last parameter are
 * one issue at the first of them, and shown. */
void emsmdb_read_stub(struct reader *reader, const struct emsmdb_stub *stub, struct rop_host *host);

/* Whether its buffers have ROPs: EcDoRpcExt2, EcDoRpc. */
bool emsmdb_has_rops(const struct emsmdb_stub *stub);
/* Whether a session context handle stands at the beginning of this stub. */
bool emsmdb_has_handle(const struct emsmdb_stub *stub);

/* Whether a stub of opnum 2 without a known interface can be one of EcDoRpc: all its counts
 * and lengths agree, and so does RopSize below the XOR (of a request or a response). */
bool emsmdb_fits_rpc(const uint8_t *p, uint32_t len, bool response, bool big_endian);

#endif
