/* layers.c
 * The line that a protocol has in a frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "layers.h"

#include <epan/proto_data.h>

#include "ids.h"
#include "show_calls.h"

enum { FRAME_LAYERS = 3 }; /* key of per-packet data; dissect_rpch.c has another */

#define PARTS_SAID 3
#define HIDDEN_MOST 4

/* Twice what Wireshark shows of a label: that and how it marks the cut are its own. */
#define LINE_TEXT_MAX (2 * ITEM_LABEL_LENGTH)

struct line {
    proto_item *item;
    unsigned parts;
    size_t used;
    char text[LINE_TEXT_MAX]; /* put into the item behind the frame: adding to an item costs much more */
};

/* Of the frame under dissection, in memory that goes with it. */
struct frame_layers {
    proto_item *ours;        /* of outlook: hidden, unless there are verdicts */
    int hidden[HIDDEN_MOST]; /* protocols that have their line */
    struct line line[LAYERS];
};

static int ett_layer[LAYERS] = { -1, -1, -1 };

static struct frame_layers *layers_of(packet_info *pinfo)
{
    struct frame_layers *layers =
        (struct frame_layers *)p_get_proto_data(pinfo->pool, pinfo, proto_outlook, FRAME_LAYERS);
    if (!layers) {
        layers = wmem_new(pinfo->pool, struct frame_layers);
        layers->ours = NULL;
        memset(layers->hidden, 0, sizeof layers->hidden);
        for (int layer = 0; layer < LAYERS; layer++) {
            layers->line[layer].item = NULL;
            layers->line[layer].parts = 0;
            layers->line[layer].used = 0;
        }
        p_add_proto_data(pinfo->pool, pinfo, proto_outlook, FRAME_LAYERS, layers);
    }
    return layers;
}

static void line_of_ours(struct frame_layers *layers, proto_tree *tree, tvbuff_t *tvb)
{
    if (layers->ours)
        return;
    layers->ours = proto_tree_add_item(proto_tree_get_root(tree), proto_outlook, tvb, 0, 0, ENC_NA);
    proto_item_set_hidden(layers->ours);
}

void layer_of_ours(packet_info *pinfo, proto_tree *tree, tvbuff_t *tvb)
{
    if (tree)
        line_of_ours(layers_of(pinfo), tree, tvb);
}

static proto_item *new_line(struct frame_layers *layers, proto_tree *tree, enum layer layer, tvbuff_t *tvb, int offset,
                            int len)
{
    line_of_ours(layers, tree, tvb);
    if (layer == LAYER_VERDICTS) {
        proto_item_set_visible(layers->ours);
        return layers->ours;
    }
    return proto_tree_add_item(tree, layer == LAYER_RPCH ? proto_rpch : proto_mapihttp, tvb, offset, len, ENC_NA);
}

static void put(struct line *line, const char *text)
{
    if (!line->item)
        return;
    const size_t len = MIN(strlen(text), LINE_TEXT_MAX - 1 - line->used);
    memcpy(line->text + line->used, text, len);
    line->used += len;
    line->text[line->used] = '\0';
}

static void put_part(struct line *line, const char *text)
{
    const unsigned before = line->parts++;
    if (before > PARTS_SAID)
        return;
    put(line, ", ");
    put(line, before < PARTS_SAID ? text : "...");
}

/* What is below the line, which is made if need be. */
static proto_tree *below(struct frame_layers *layers, proto_tree *tree, enum layer layer, tvbuff_t *tvb, int offset,
                         int len, bool generated)
{
    struct line *line = &layers->line[layer];
    if (!line->item) {
        static const char *const names[LAYERS] = { "RPC over HTTP", "MAPI over HTTP", "Outlook over HTTP" };
        line->item = new_line(layers, tree, layer, tvb, offset, len);
        put(line, names[layer]);
        if (generated)
            proto_item_set_generated(line->item);
    }
    return proto_item_add_subtree(line->item, ett_layer[layer]);
}

proto_tree *layer_tree(packet_info *pinfo, proto_tree *tree, enum layer layer, tvbuff_t *tvb, int offset, int len)
{
    return tree ? below(layers_of(pinfo), tree, layer, tvb, offset, len, false) : NULL;
}

proto_tree *layer_known(packet_info *pinfo, proto_tree *tree, enum layer layer, tvbuff_t *tvb)
{
    return tree ? below(layers_of(pinfo), tree, layer, tvb, 0, 0, true) : NULL;
}

void layer_say_part(packet_info *pinfo, enum layer layer, const char *text)
{
    put_part(&layers_of(pinfo)->line[layer], text);
}

void layer_say(packet_info *pinfo, enum layer layer, const char *text)
{
    put(&layers_of(pinfo)->line[layer], text);
}

/* The lines read as they were told to. */
static void frame_end(packet_info *pinfo)
{
    struct frame_layers *layers =
        (struct frame_layers *)p_get_proto_data(pinfo->pool, pinfo, proto_outlook, FRAME_LAYERS);
    for (int layer = 0; layers && layer < LAYERS; layer++) {
        struct line *line = &layers->line[layer];
        if (line->item)
            proto_item_set_text(line->item, "%s", line->text);
    }
}

proto_tree *layer_part(packet_info *pinfo, proto_tree *tree, tvbuff_t *tvb, int offset, int len,
                       const struct part *part)
{
    if (!tree)
        return NULL;
    struct frame_layers *layers = layers_of(pinfo);
    proto_tree *line = below(layers, tree, part->layer, tvb, offset, len, false);
    put_part(&layers->line[part->layer], part->said);
    proto_item *item = proto_tree_add_string(line, part->hf, tvb, offset, len, part->kind);
    proto_item_set_text(item, "%s", part->text);
    return proto_item_add_subtree(item, part->ett);
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

void layers_register(struct show_calls *calls)
{
    static int *ett[] = { &ett_layer[LAYER_RPCH], &ett_layer[LAYER_MAPIHTTP], &ett_layer[LAYER_VERDICTS] };
    proto_register_subtree_array(ett, array_length(ett));
    calls->frame_end = frame_end;
}
