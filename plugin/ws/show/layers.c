/* layers.c
 * The line that a protocol has in a frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "layers.h"

#include <epan/proto_data.h>

#include "ids.h"

enum { FRAME_LAYERS = 3 }; /* key of per-packet data; dissect_rpch.c has another */

#define PARTS_SAID 3
#define HIDDEN_MOST 4

/* Of the frame under dissection, in memory that goes with it. */
struct frame_layers {
    proto_item *item[LAYERS];
    unsigned parts[LAYERS];
    int hidden[HIDDEN_MOST]; /* protocols that have their line */
    proto_item *ours;        /* of outlook: hidden, unless there are verdicts */
};

static int ett_layer[LAYERS] = { -1, -1, -1 };

static struct frame_layers *layers_of(packet_info *pinfo)
{
    struct frame_layers *layers =
        (struct frame_layers *)p_get_proto_data(pinfo->pool, pinfo, proto_outlook, FRAME_LAYERS);
    if (!layers) {
        layers = wmem_new0(pinfo->pool, struct frame_layers);
        p_add_proto_data(pinfo->pool, pinfo, proto_outlook, FRAME_LAYERS, layers);
    }
    return layers;
}

void layer_of_ours(packet_info *pinfo, proto_tree *tree, tvbuff_t *tvb)
{
    struct frame_layers *layers = tree ? layers_of(pinfo) : NULL;
    if (!layers || layers->ours)
        return;
    layers->ours = proto_tree_add_item(proto_tree_get_root(tree), proto_outlook, tvb, 0, 0, ENC_NA);
    proto_item_set_hidden(layers->ours);
}

static proto_item *new_line(packet_info *pinfo, proto_tree *tree, enum layer layer, tvbuff_t *tvb, int offset, int len)
{
    layer_of_ours(pinfo, tree, tvb);
    if (layer == LAYER_VERDICTS) {
        proto_item *line = layers_of(pinfo)->ours;
        proto_item_set_visible(line);
        proto_item_set_text(line, "Outlook over HTTP");
        return line;
    }
    return layer == LAYER_RPCH ?
               proto_tree_add_protocol_format(tree, proto_rpch, tvb, offset, len, "RPC over HTTP") :
               proto_tree_add_protocol_format(tree, proto_mapihttp, tvb, offset, len, "MAPI over HTTP");
}

static proto_tree *below(packet_info *pinfo, proto_tree *tree, enum layer layer, tvbuff_t *tvb, int offset, int len,
                         bool generated)
{
    struct frame_layers *layers = tree ? layers_of(pinfo) : NULL;
    if (!layers)
        return NULL;
    if (!layers->item[layer]) {
        layers->item[layer] = new_line(pinfo, tree, layer, tvb, offset, len);
        if (generated)
            proto_item_set_generated(layers->item[layer]);
    }
    return proto_item_add_subtree(layers->item[layer], ett_layer[layer]);
}

proto_tree *layer_tree(packet_info *pinfo, proto_tree *tree, enum layer layer, tvbuff_t *tvb, int offset, int len)
{
    return below(pinfo, tree, layer, tvb, offset, len, false);
}

proto_tree *layer_known(packet_info *pinfo, proto_tree *tree, enum layer layer, tvbuff_t *tvb)
{
    return below(pinfo, tree, layer, tvb, 0, 0, true);
}

void layer_say(packet_info *pinfo, enum layer layer, const char *text)
{
    proto_item_append_text(layers_of(pinfo)->item[layer], ", %s", text);
}

void layer_say_part(packet_info *pinfo, enum layer layer, const char *text)
{
    const unsigned before = layers_of(pinfo)->parts[layer]++;
    if (before <= PARTS_SAID)
        layer_say(pinfo, layer, before < PARTS_SAID ? text : "...");
}

proto_tree *layer_part(packet_info *pinfo, proto_tree *tree, tvbuff_t *tvb, int offset, int len,
                       const struct part *part)
{
    proto_tree *line = layer_tree(pinfo, tree, part->layer, tvb, offset, len);
    if (!line)
        return NULL;
    layer_say_part(pinfo, part->layer, part->said);
    return proto_item_add_subtree(
        proto_tree_add_string_format(line, part->hf, tvb, offset, len, part->kind, "%s", part->text), part->ett);
}

/* Whether the protocol had no line so far. */
static bool first_of(packet_info *pinfo, int proto)
{
    int *hidden = layers_of(pinfo)->hidden;
    for (unsigned i = 0; i < HIDDEN_MOST; i++) {
        if (hidden[i] == proto)
            return false;
        if (hidden[i] == 0) {
            hidden[i] = proto;
            return true;
        }
    }
    return false;
}

void layer_hidden(packet_info *pinfo, proto_tree *tree, int proto, tvbuff_t *tvb, int offset)
{
    if (tree && first_of(pinfo, proto))
        proto_item_set_hidden(proto_tree_add_item(tree, proto, tvb, offset, 0, ENC_NA));
}

void layer_is_there(packet_info *pinfo, int proto)
{
    first_of(pinfo, proto);
}

void layers_register(void)
{
    static int *ett[] = { &ett_layer[LAYER_RPCH], &ett_layer[LAYER_MAPIHTTP], &ett_layer[LAYER_VERDICTS] };
    proto_register_subtree_array(ett, array_length(ett));
}
