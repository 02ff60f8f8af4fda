/* tlsrecords.c
 * What tls has decrypted in a frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "tlsrecords.h"

#include <epan/proto_data.h>

#define TLS_LAYERS 32     /* places of a frame where tls may have left records, at most, */
#define TLS_LAYERS_MORE 4 /* and above the layers that are listed: a dissector that was left again is not */

static int proto_tls = -1;

/* 0: tls is none of them. */
static uint32_t layers_of(packet_info *pinfo)
{
    if (!wmem_list_find(pinfo->layers, GINT_TO_POINTER(proto_tls)))
        return 0;
    return MIN(wmem_list_count(pinfo->layers) + TLS_LAYERS_MORE, TLS_LAYERS);
}

const SslRecordInfo *tls_records_next(struct tls_records *records)
{
    const SslRecordInfo *record = records->at ? records->at->next : NULL;
    for (;;) {
        while (record && record->type != records->type)
            record = record->next;
        if (record || records->layer >= layers_of(records->pinfo))
            return records->at = record;
        const SslPacketInfo *info =
            (const SslPacketInfo *)p_get_proto_data(wmem_file_scope(), records->pinfo, proto_tls, records->layer++);
        record = info ? info->records : NULL;
    }
}

bool tls_decrypted(packet_info *pinfo)
{
    for (uint32_t layer = 0, layers = layers_of(pinfo); layer < layers; layer++) {
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
