/* sink_tree.h
 * Shows what decoders find.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_SINK_TREE_H
#define OUTLOOKHTTP_SINK_TREE_H

#include "compat.h"

#include "field.h"

typedef void (*sink_decoder)(struct reader *reader, void *arg);

/* Calls use with a sink that shows what it is told below tree; offsets are tvb's. */
void sink_fields(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree,
                 void (*use)(const struct field_sink *sink, void *arg), void *arg);

void sink_register(void);
void sink_malformed(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, uint32_t offset, const char *what);
/* Decodes tvb into tree. cut: more was announced than came. */
void sink_body(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, bool cut, sink_decoder decode, void *arg);
/* The same of a stub of EMSMDB: what is wrong in it is an item of its own. */
void sink_stub(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, bool cut, sink_decoder decode, void *arg);

#endif
