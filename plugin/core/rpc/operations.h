/* operations.h
 * What the RPC interfaces of Outlook, and of the remote desktops that share the transport, call their operations.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_OPERATIONS_H
#define OUTLOOKHTTP_OPERATIONS_H

#include "pdu.h"

/* "EMSMDB"; "other interface", also for one whose bind was not seen. */
const char *rpc_interface_name(enum rpc_interface interface);
/* "NspiQueryRows"; NULL where the specification has none, and for EMSMDB and AsyncEMSMDB, whose names stand with
 * their stubs. */
const char *rpc_operation_name(enum rpc_interface interface, uint16_t opnum);

#endif
