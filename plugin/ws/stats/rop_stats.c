/* rop_stats.c
 * -z rop,srt: how long the messages took that carried each ROP; -z rop,tree: how often each was
 * asked for and how it failed. Both in the GUI's Statistics menu too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_stats.h"

#include "compat.h"

#include <epan/srt_table.h>
#include <epan/stats_tree.h>

#include "ids.h"
#include "names.h"
#include "rop_facts.h"
#include "rops.h"
#include "store.h"

#define ROP_IDS 256
#define NAME_MAX_LEN 32
#define UNNAMED_MAX 64 /* error codes without a name that have rows of their own */

static const char *name_of(uint8_t id, char room[NAME_MAX_LEN])
{
    const char *name = rop_name(id);
    snprintf(room, NAME_MAX_LEN, "0x%02X", id);
    return name ? name : room;
}

/* ---- rop,srt ---------------------------------------------------------------------- */

static void init_srt(struct register_srt *srt _U_, GArray *srt_array)
{
    char room[NAME_MAX_LEN];
    srt_stat_table *table = init_srt_table("Outlook ROPs", NULL, srt_array, ROP_IDS, "ROP", "rop.id", NULL);
    for (int id = 0; id < ROP_IDS; id++)
        init_srt_table_row(table, id, name_of((uint8_t)id, room));
}

static tap_packet_status on_rops_timed(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data,
                                       tap_flags_t flags _U_)
{
    srt_stat_table *table = g_array_index(((srt_data_t *)tapdata)->srt_array, srt_stat_table *, 0);
    const struct rop_message *message = (const struct rop_message *)data;
    struct rop_fact fact;
    bool any = false;
    for (uint32_t i = 0; rop_message_fact(message, i, &fact); i++) {
        if (fact.event != ROP_ANSWERED || fact.took < 0)
            continue;
        const nstime_t took = ns_time(fact.took);
        nstime_t asked;
        nstime_delta(&asked, &pinfo->abs_ts, &took);
        add_srt_table_data(table, fact.id, &asked, pinfo);
        any = true;
    }
    return any ? TAP_PACKET_REDRAW : TAP_PACKET_DONT_REDRAW;
}

/* ---- rop,tree --------------------------------------------------------------------- */

static const char asked_label[] = "ROPs", unasked_label[] = "Responses that no ROP asked for";
static int asked_node, unasked_node; /* the same in every tree */

/* Codes that a sender makes up would be nodes without end. */
static struct {
    uint32_t codes[UNNAMED_MAX];
    unsigned count;
} unnamed;

static void init_tree(stats_tree *st)
{
    asked_node = stats_tree_create_node(st, asked_label, 0, STAT_DT_INT, TRUE);
    unasked_node = stats_tree_create_node(st, unasked_label, 0, STAT_DT_INT, TRUE);
    unnamed.count = 0;
}

static bool has_node(uint32_t code)
{
    for (unsigned i = 0; i < unnamed.count; i++) {
        if (unnamed.codes[i] == code)
            return true;
    }
    if (unnamed.count == UNNAMED_MAX)
        return false;
    unnamed.codes[unnamed.count++] = code;
    return true;
}

static const char *error_of(uint32_t code, char room[NAME_MAX_LEN])
{
    const char *name = ox_error_name(code);
    if (name)
        return name;
    if (!has_node(code))
        return "other codes";
    snprintf(room, NAME_MAX_LEN, "0x%08X", code);
    return room;
}

static tap_packet_status on_rops_counted(stats_tree *st, packet_info *pinfo _U_, epan_dissect_t *edt _U_,
                                         const void *data, tap_flags_t flags _U_)
{
    const struct rop_message *message = (const struct rop_message *)data;
    char name_room[NAME_MAX_LEN], error_room[NAME_MAX_LEN];
    struct rop_fact fact;
    for (uint32_t i = 0; rop_message_fact(message, i, &fact); i++) {
        const char *name = name_of(fact.id, name_room);
        switch ((enum rop_event)fact.event) {
        case ROP_ASKED:
            tick_stat_node(st, asked_label, 0, TRUE);
            tick_stat_node(st, name, asked_node, TRUE);
            break;
        case ROP_REFUSED: {
            const int node = increase_stat_node(st, name, asked_node, TRUE, 0);
            tick_stat_node(st, error_of(fact.return_value, error_room), node, FALSE);
            break;
        }
        case ROP_UNASKED:
            tick_stat_node(st, unasked_label, 0, TRUE);
            tick_stat_node(st, name, unasked_node, FALSE);
            break;
        case ROP_ANSWERED:
        case ROP_NOTHING:
            break;
        }
    }
    return TAP_PACKET_REDRAW;
}

/* ---- Registration ----------------------------------------------------------------- */

void rop_stats_register(void)
{
    register_srt_table(proto_rop, "rop", 1, on_rops_timed, init_srt, NULL);
    stats_tree_register_plugin("rop", "rop", COMPAT_SUBMENU("Outlook", "ROPs"), 0, on_rops_counted, init_tree, NULL);
}
