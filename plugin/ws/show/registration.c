/* registration.c
 * Registers fields, those of a protocol in one row.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "registration.h"

#include "ids.h"

struct added {
    int proto;
    hf_register_info *fields; /* or NULL */
    ei_register_info *items;  /* or NULL */
    int count;
};

struct described {
    const expert_field *item;
    const char *text;
};

static wmem_array_t *all_added, *all_described;

static wmem_array_t *array_of(wmem_array_t **array, size_t size)
{
    if (!*array)
        *array = wmem_array_new(wmem_epan_scope(), size);
    return *array;
}

void fields_add(int proto, hf_register_info *fields, size_t count)
{
    const struct added added = { .proto = proto, .fields = fields, .count = (int)count };
    wmem_array_append_one(array_of(&all_added, sizeof added), added);
}

void fields_add_expert(int proto, ei_register_info *items, size_t count)
{
    const struct added added = { .proto = proto, .items = items, .count = (int)count };
    wmem_array_append_one(array_of(&all_added, sizeof added), added);
}

void fields_describe_expert(const expert_field *item, const char *text)
{
    const struct described described = { item, text };
    wmem_array_append_one(array_of(&all_described, sizeof described), described);
}

static void register_of(int proto)
{
    expert_module_t *module = NULL;
    for (guint i = 0; i < wmem_array_get_count(all_added); i++) {
        const struct added *added = (const struct added *)wmem_array_index(all_added, i);
        if (added->proto != proto)
            continue;
        if (added->fields)
            proto_register_field_array(proto, added->fields, added->count);
        if (added->items) {
            module = module ? module : expert_register_protocol(proto);
            expert_register_field_array(module, added->items, added->count);
        }
    }
}

void fields_register(void)
{
    const int protos[] = { proto_rpch, proto_outlook, proto_mapihttp, proto_emsmdb, proto_rop, proto_mapiprop };
    for (size_t i = 0; i < G_N_ELEMENTS(protos); i++)
        register_of(protos[i]);
    for (guint i = 0; i < wmem_array_get_count(all_described); i++) {
        const struct described *described = (const struct described *)wmem_array_index(all_described, i);
        proto_registrar_get_nth((guint)described->item->hf)->blurb = described->text;
    }
}
