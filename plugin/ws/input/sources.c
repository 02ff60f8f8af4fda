/* sources.c
 * The data sources of a frame: its own bytes, and what tcp and tls made of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "sources.h"

tvbuff_t *source_tvb(packet_info *pinfo, unsigned index, const struct data_source **source)
{
    const GSList *item = pinfo->data_src;
    for (unsigned i = 0; item && i < index; i++)
        item = item->next;
    if (!item)
        return NULL;
    if (source)
        *source = (const struct data_source *)item->data;
    return get_data_source_tvb((const struct data_source *)item->data);
}

bool source_is_stream(packet_info *pinfo, const struct data_source *source, bool *tls)
{
    const char *name = compat_source_name(pinfo->pool, source);
    *tls = g_str_has_prefix(name, "Decrypted TLS") || g_str_has_prefix(name, "Reassembled TLS") ||
           g_str_has_prefix(name, "Reassembled SSL") || g_str_has_prefix(name, "Decrypted SSL");
    return *tls || g_str_has_prefix(name, "Reassembled TCP");
}

tvbuff_t *source_next_tls(packet_info *pinfo, unsigned *index)
{
    const struct data_source *source;
    tvbuff_t *tvb;
    bool tls;
    while (*index < SOURCES_MAX && (tvb = source_tvb(pinfo, (*index)++, &source))) {
        if (source_is_stream(pinfo, source, &tls) && tls)
            return tvb;
    }
    return NULL;
}
