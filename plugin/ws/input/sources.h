/* sources.h
 * The data sources of a frame: its own bytes, and what tcp and tls made of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_SOURCES_H
#define OUTLOOKHTTP_SOURCES_H

#include "compat.h"

#define SOURCES_MAX 64 /* data sources of one frame that are looked at */

/* The one of this index, NULL behind the last; source may be NULL. */
tvbuff_t *source_tvb(packet_info *pinfo, unsigned index, const struct data_source **source);

/* Whether the source is a stretch of the TCP stream or of what TLS carried in it. */
bool source_is_stream(packet_info *pinfo, const struct data_source *source, bool *tls);
/* The next one, from *index on, of what TLS carried; *index is behind it then. NULL if there is no more. */
tvbuff_t *source_next_tls(packet_info *pinfo, unsigned *index);

#endif
