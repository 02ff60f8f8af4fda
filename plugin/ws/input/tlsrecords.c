/* tlsrecords.c
 * What tls has decrypted in a frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "tlsrecords.h"

#include <epan/proto_data.h>

#define TLS_LAYERS 32            /* places of a frame where tls may have left records */

static int proto_tls = -1;

const SslRecordInfo *tls_records_next(struct tls_records *records)
{
    const SslRecordInfo *record = records->at ? records->at->next : NULL;
    for (;;) {
        while (record && record->type != records->type)
            record = record->next;
        if (record || records->layer >= TLS_LAYERS)
            return records->at = record;
        const SslPacketInfo *info =
            (const SslPacketInfo *)p_get_proto_data(wmem_file_scope(), records->pinfo, proto_tls, records->layer++);
        record = info ? info->records : NULL;
    }
}

bool tls_decrypted(packet_info *pinfo)
{
    for (uint32_t layer = 0; layer < TLS_LAYERS; layer++) {
        const SslPacketInfo *info = (const SslPacketInfo *)p_get_proto_data(wmem_file_scope(), pinfo, proto_tls, layer);
        if (info && info->records)
            return true;
    }
    return false;
}

void tls_records_handoff(void)
{
    proto_tls = proto_get_id_by_filter_name("tls");
}
