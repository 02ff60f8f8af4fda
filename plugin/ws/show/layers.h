/* layers.h
 * The line that a protocol has in a frame: one, whatever comes of it, so that nothing is lost where names are keys.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LAYERS_H
#define OUTLOOKHTTP_LAYERS_H

#include "compat.h"

enum layer { LAYER_RPCH, LAYER_MAPIHTTP, LAYER_VERDICTS, LAYERS };

/* What is below the line of a protocol; the line is made where its first part stands. */
proto_tree *layer_tree(packet_info *pinfo, proto_tree *tree, enum layer layer, tvbuff_t *tvb, int offset, int len);
/* The same of what is known and not of the frame's bytes: a line that is made for it is generated. */
proto_tree *layer_known(packet_info *pinfo, proto_tree *tree, enum layer layer, tvbuff_t *tvb);
/* A part below the line of its protocol. */
struct part {
    enum layer layer;
    int hf, ett;
    const char *kind; /* the value of its field */
    const char *text; /* how it reads */
    const char *said; /* of it in the protocol's line */
};
/* What is below the part's item; NULL without a tree. */
proto_tree *layer_part(packet_info *pinfo, proto_tree *tree, tvbuff_t *tvb, int offset, int len,
                       const struct part *part);
/* Puts ", " and text behind it; of many parts the first ones only. */
void layer_say_part(packet_info *pinfo, enum layer layer, const char *text);
/* Puts text behind it as it is. */
void layer_say(packet_info *pinfo, enum layer layer, const char *text);

/* The filter "outlook" finds the frame: called for what stands below another dissector's line. */
void layer_of_ours(packet_info *pinfo, proto_tree *tree, tvbuff_t *tvb);
/* A filter by the name of a protocol finds what is of it, also below another one's line: a hidden line in tree, once a
 * frame. */
void layer_hidden(packet_info *pinfo, proto_tree *tree, int proto, tvbuff_t *tvb, int offset);
/* Another dissector has made its line. */
void layer_is_there(packet_info *pinfo, int proto);

struct show_calls;
void layers_register(struct show_calls *calls);

#endif
