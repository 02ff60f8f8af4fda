/* tlsrecords.h
 * What tls has decrypted in a frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TLSRECORDS_H
#define OUTLOOKHTTP_TLSRECORDS_H

#include "compat.h"

#include <epan/dissectors/packet-tls-utils.h>
#include <epan/dissectors/packet-tls.h>

struct tls_records { /* of one content type, in their order */
    packet_info *pinfo;
    ContentType type;
    uint32_t layer; /* the next one to look at */
    const SslRecordInfo *at;
};

/* The next record, NULL behind the last. */
const SslRecordInfo *tls_records_next(struct tls_records *records);

/* Whether tls decrypted a record of this frame, of whatever kind. */
bool tls_decrypted(packet_info *pinfo);

void tls_records_handoff(void);

#endif
