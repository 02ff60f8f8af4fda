/* sink_tree.c
 * Shows what the pure decoders of field.h find: fields registered from their layouts,
 * values as tree items, broken bytes as expert items.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "sink_tree.h"

#include <epan/tvbuff.h>
#include <wsutil/nstime.h>

#include "catalogue.h"
#include "descriptions.h"
#include "dissect_outlook.h"
#include "ids.h"
#include "layers.h"
#include "layouts.h"
#include "page_text.h"
#include "registration.h"
#include "rops.h"
#include "rows.h"
#include "rts.h"
#include "store.h"

static struct catalogue catalogue;
static int *hf_of;    /* one for each field of the catalogue */
static int *proto_of; /* the same: 0, or the protocol whose name finds it, though it has no line of its own */

static int hf_structure;
static int ett_group = -1, ett_flags = -1;
static expert_field ei_malformed, ei_stub_malformed;
static expert_field ei_rop[ROP_ISSUES];

G_STATIC_ASSERT(sizeof(value_string) == sizeof(struct field_name));
G_STATIC_ASSERT(G_STRUCT_OFFSET(value_string, strptr) == G_STRUCT_OFFSET(struct field_name, name));

/* ---- Registration ----------------------------------------------------------------- */

static enum ftenum type_of(uint8_t kind)
{
    switch (kind) {
    case FIELD_U8:
        return FT_UINT8;
    case FIELD_U16:
        return FT_UINT16;
    case FIELD_U32:
        return FT_UINT32;
    case FIELD_U64:
        return FT_UINT64;
    case FIELD_I16:
        return FT_INT16;
    case FIELD_I32:
        return FT_INT32;
    case FIELD_I64:
        return FT_INT64;
    case FIELD_BOOL:
        return FT_BOOLEAN;
    case FIELD_FLOAT:
        return FT_FLOAT;
    case FIELD_DOUBLE:
        return FT_DOUBLE;
    case FIELD_GUID:
        return FT_GUID;
    case FIELD_FILETIME:
        return FT_ABSOLUTE_TIME;
    case FIELD_STRING8:
    case FIELD_STRING16:
        return FT_STRING;
    case FIELD_IPV4:
        return FT_IPv4;
    case FIELD_IPV6:
        return FT_IPv6;
    case FIELD_ID:
        return FT_UINT64;
    case FIELD_FRAME:
        return FT_FRAMENUM;
    case FIELD_INTERVAL:
        return FT_RELATIVE_TIME;
    default:
        return FT_BYTES;
    }
}

static int bits_of(uint8_t kind)
{
    return kind == FIELD_U8 ? 8 : kind == FIELD_U16 ? 16 : 32;
}

static bool is_integer(uint8_t kind)
{
    return kind <= FIELD_I64;
}

static void *epan_alloc(void *ctx _U_, size_t size)
{
    return wmem_alloc0(wmem_epan_scope(), size);
}

static void register_field(const struct catalogued *from, hf_register_info *info)
{
    const struct field *field = from->row;
    header_field_info *header = &info->hfinfo;
    const bool is_bit = field->mask != 0 && (field->mask & (field->mask - 1)) == 0 && !field->names;
    header->name = field->label;
    header->abbrev = wmem_strdup_printf(wmem_epan_scope(), "%s%s", from->prefix, field->filter);
    header->type = is_bit ? FT_BOOLEAN : type_of(from->kind);
    header->display = is_bit                       ? bits_of(from->kind) :
                      from->kind == FIELD_FILETIME ? (int)ABSOLUTE_TIME_UTC :
                      from->kind == FIELD_ID       ? BASE_HEX :
                      !is_integer(from->kind)      ? BASE_NONE :
                      field->hex                   ? BASE_HEX :
                                                     BASE_DEC;
    if (field->names && is_integer(from->kind)) {
        header->strings = (const value_string *)(const void *)field->names;
        header->display |= field->all_named ? 0 : BASE_SPECIAL_VALS;
    }
    header->bitmask = field->mask;
    struct text blurb = { .used = 0 };
    describe_field(from, &blurb);
    header->blurb = wmem_strdup(wmem_epan_scope(), blurb.s);
    HFILL_INIT(*info);
}

/* All rows that this layout leads to. */
static void register_layout(const char *prefix, const struct field *layout)
{
    char why[CATALOGUE_WHY_MAX];
    if (!catalogue_add(&catalogue, prefix, layout, why))
        g_error("outlookhttp: %s", why);
}

static char of_filter(char c)
{
    return c == '.' ? '_' : c; /* as -T ek and -G elastic-mapping have it */
}

/* By their filters, else as they are. */
static int compare(const void *one, const void *other)
{
    const struct catalogued *a = *(const struct catalogued *const *)one, *b = *(const struct catalogued *const *)other;
    const char *mine = a->row->filter, *others = b->row->filter;
    while (*mine && of_filter(*mine) == of_filter(*others)) {
        mine++;
        others++;
    }
    const int order = of_filter(*mine) - of_filter(*others);
    return order != 0 ? order : (a > b) - (a < b);
}

/* Those with one filter stand together: Wireshark writes such a name once. */
static void register_fields(int proto, const char *prefix, bool has_line)
{
    const struct catalogued **sorted =
        (const struct catalogued **)wmem_alloc_array(wmem_epan_scope(), const struct catalogued *, catalogue.count);
    unsigned count = 0;
    for (unsigned i = 0; i < catalogue.count; i++) {
        if (strcmp(catalogue.fields[i].prefix, prefix) == 0)
            sorted[count++] = &catalogue.fields[i];
    }
    qsort(sorted, count, sizeof(struct catalogued *), compare);
    hf_register_info *infos = (hf_register_info *)wmem_alloc0_array(wmem_epan_scope(), hf_register_info, count);
    for (unsigned i = 0; i < count; i++) {
        const ptrdiff_t index = sorted[i] - catalogue.fields;
        infos[i].p_id = &hf_of[index];
        proto_of[index] = has_line ? 0 : proto;
        register_field(sorted[i], &infos[i]);
    }
    fields_add(proto, infos, count);
    wmem_free(wmem_epan_scope(), sorted);
}

static void register_issues(void)
{
    static const int severities
        [] = { [ISSUE_CHAT] = PI_CHAT, [ISSUE_NOTE] = PI_NOTE, [ISSUE_WARNING] = PI_WARN, [ISSUE_ERROR] = PI_ERROR };
    static ei_register_info broken[] = {
        { &ei_malformed, { "mapihttp.malformed", PI_MALFORMED, PI_ERROR, "A broken message", EXPFILL } },
    };
    static ei_register_info broken_stub[] = {
        { &ei_stub_malformed, { "emsmdb.malformed", PI_MALFORMED, PI_ERROR, "A broken stub", EXPFILL } },
    };
    static ei_register_info of_rops[ROP_ISSUES];
    for (unsigned i = 0; i < ROP_ISSUES; i++) {
        const struct issue_kind *kind = rop_issues[i];
        of_rops[i] = (ei_register_info){ &ei_rop[i],
                                         { kind->filter, kind->malformed ? PI_MALFORMED : PI_RESPONSE_CODE,
                                           severities[kind->severity], kind->label, EXPFILL } };
    }
    fields_add_expert(proto_mapihttp, broken, G_N_ELEMENTS(broken));
    fields_add_expert(proto_emsmdb, broken_stub, G_N_ELEMENTS(broken_stub));
    fields_add_expert(proto_rop, of_rops, ROP_ISSUES);
    fields_describe_expert(&ei_malformed,
                           "A head or body that does not keep to its specification: outlook.problem says where");
    fields_describe_expert(&ei_stub_malformed, "A stub that does not keep to MS-OXCRPC: outlook.problem says where");
    for (unsigned i = 0; i < ROP_ISSUES; i++)
        fields_describe_expert(&ei_rop[i], rop_issues[i]->meaning);
}

void sink_register(void)
{
    static hf_register_info structure[] = {
        TEXT_ROW(hf_structure, "Structure", "outlook.structure",
                 "A structure inside a PDU or body, as its specification calls it"),
    };
    static int *ett[] = { &ett_group, &ett_flags };
    catalogue_init(&catalogue, (struct arena){ .alloc = epan_alloc });
    for (const struct layout_part *part = mapi_layouts; part->prefix; part++)
        register_layout(part->prefix, part->layout);
    register_layout("rpch.rts.", rts_layouts);
    hf_of = (int *)wmem_alloc0_array(wmem_epan_scope(), int, catalogue.count);
    proto_of = (int *)wmem_alloc0_array(wmem_epan_scope(), int, catalogue.count);
    register_fields(proto_mapiprop, "mapiprop.", false);
    register_fields(proto_rop, "rop.", false);
    register_fields(proto_emsmdb, "emsmdb.", false);
    register_fields(proto_mapihttp, "mapihttp.", true);
    register_fields(proto_rpch, "rpch.rts.", true);
    fields_add(proto_outlook, structure, G_N_ELEMENTS(structure));
    proto_register_subtree_array(ett, G_N_ELEMENTS(ett));
    register_issues();
}

/* ---- The sink --------------------------------------------------------------------- */

#define NESTED_BUFFERS 8

struct tree_sink {
    packet_info *pinfo;
    expert_field *broken;
    tvbuff_t *tvb[NESTED_BUFFERS];
    unsigned buffers; /* entered */
    proto_tree *tree[READER_DEPTH_MAX + NESTED_BUFFERS];
    proto_item *item[READER_DEPTH_MAX + NESTED_BUFFERS];
    uint32_t begun[READER_DEPTH_MAX + NESTED_BUFFERS];
    unsigned depth, too_deep;
};

static tvbuff_t *current(const struct tree_sink *sink)
{
    return sink->tvb[MIN(sink->buffers, NESTED_BUFFERS - 1)];
}

/* Without its terminator and fit to be shown; 8-bit text of no known code page is UTF-8 if it can
 * be. */
static char *text_of(wmem_allocator_t *scope, tvbuff_t *tvb, const struct field_value *value)
{
    int len = (int)value->len;
    if (value->field->kind == FIELD_STRING16) {
        if (len >= 2 && value->bytes[len - 2] == 0 && value->bytes[len - 1] == 0)
            len -= 2;
        return (char *)tvb_get_string_enc(scope, tvb, (int)value->offset, len & ~1, ENC_UTF_16 | ENC_LITTLE_ENDIAN);
    }
    if (len >= 1 && value->bytes[len - 1] == 0)
        len--;
    char *converted = page_text(scope, value->bytes, len, value->code_page);
    if (converted)
        return converted;
    bool utf8 = g_utf8_validate((const char *)value->bytes, len, NULL);
    return (char *)tvb_get_string_enc(scope, tvb, (int)value->offset, len, utf8 ? ENC_UTF_8 : ENC_WINDOWS_1252);
}

static proto_item *show_value(proto_tree *tree, const struct catalogued *field, int hf, packet_info *pinfo,
                              tvbuff_t *tvb, const struct field_value *value)
{
    const int offset = (int)value->offset, len = (int)value->len;
    const unsigned order = value->big_endian ? ENC_BIG_ENDIAN : ENC_LITTLE_ENDIAN;
    const char *label = value->field->label;
    nstime_t time;
    switch (value->field->kind) {
    case FIELD_STRING8:
    case FIELD_STRING16:
        return proto_tree_add_string(tree, hf, tvb, offset, len, text_of(pinfo->pool, tvb, value));
    case FIELD_FILETIME:
        if (!filetime_to_nstime(&time, value->number))
            nstime_set_zero(&time);
        return proto_tree_add_time(tree, hf, tvb, offset, len, &time);
    case FIELD_BYTES:
    case FIELD_IPV6:
        return proto_tree_add_item(tree, hf, tvb, offset, len, ENC_NA);
    case FIELD_IPV4:
        return proto_tree_add_item(tree, hf, tvb, offset, len, ENC_BIG_ENDIAN);
    default:
        if (label != field->row->label && catalogue_own_label(value->field)) {
            const uint32_t number = (uint32_t)value->number;
            if (value->field->kind == FIELD_ID)
                return proto_tree_add_uint64_format(tree, hf, tvb, offset, len, value->number, "%s: 0x%016" PRIx64,
                                                    label, value->number);
            return value->field->hex ?
                       proto_tree_add_uint_format(tree, hf, tvb, offset, len, number, "%s: 0x%0*x", label, 2 * len,
                                                  number) :
                       proto_tree_add_uint_format(tree, hf, tvb, offset, len, number, "%s: %u", label, number);
        }
        return proto_tree_add_item(tree, hf, tvb, offset, len, value->field->kind == FIELD_ID ? ENC_BIG_ENDIAN : order);
    }
}

static proto_item *show_made(proto_tree *tree, int hf, tvbuff_t *tvb, const struct field_value *value)
{
    const int offset = (int)MIN(value->offset, tvb_captured_length(tvb));
    nstime_t time;
    e_guid_t guid;
    switch (value->field->kind) {
    case FIELD_STRING8:
        return proto_tree_add_string(tree, hf, tvb, offset, 0, value->text);
    case FIELD_GUID:
        guid = (e_guid_t){ get_le32(value->bytes), get_le16(value->bytes + 4), get_le16(value->bytes + 6), { 0 } };
        memcpy(guid.data4, value->bytes + 8, sizeof guid.data4);
        return proto_tree_add_guid(tree, hf, tvb, offset, 0, &guid);
    case FIELD_INTERVAL:
        time = ns_time((int64_t)value->number);
        return proto_tree_add_time(tree, hf, tvb, offset, 0, &time);
    default:
        return proto_tree_add_uint(tree, hf, tvb, offset, 0, (uint32_t)value->number);
    }
}

static void on_value(void *ctx, const struct field_value *value)
{
    struct tree_sink *sink = ctx;
    const struct field *row = value->field;
    const uint32_t field = catalogue_find(&catalogue, row);
    if (field == CATALOGUE_NONE)
        return;
    tvbuff_t *tvb = current(sink);
    if (proto_of[field])
        layer_hidden(sink->pinfo, sink->tree[sink->depth], proto_of[field], tvb,
                     (int)MIN(value->offset, tvb_captured_length(tvb)));
    if (value->made) {
        proto_item *made = show_made(sink->tree[sink->depth], hf_of[field], tvb, value);
        proto_item_set_generated(made);
        if (value->text && row->kind != FIELD_STRING8)
            proto_item_append_text(made, " (%s)", value->text);
        return;
    }
    proto_item *item =
        show_value(sink->tree[sink->depth], &catalogue.fields[field], hf_of[field], sink->pinfo, tvb, value);
    if (row->unit)
        proto_item_append_text(item, " %s", row->unit);
    if (value->text)
        proto_item_append_text(item, " (%s)", value->text);
    if (!row[1].mask)
        return;
    proto_tree *bits = proto_item_add_subtree(item, ett_flags);
    for (row++; row->mask; row++)
        proto_tree_add_item(bits, hf_of[catalogue_find(&catalogue, row)], tvb, (int)value->offset, (int)value->len,
                            value->big_endian ? ENC_BIG_ENDIAN : ENC_LITTLE_ENDIAN);
}

static void on_open(void *ctx, const char *label, uint32_t offset)
{
    struct tree_sink *sink = ctx;
    proto_tree *parent = sink->tree[sink->depth];
    if (sink->too_deep > 0 || sink->depth + 1 >= G_N_ELEMENTS(sink->tree)) {
        sink->too_deep++; /* readers stop before */
        return;
    }
    sink->depth++;
    proto_item *item =
        proto_tree_add_string_format(parent, hf_structure, current(sink), (int)offset, 0, label, "%s", label);
    sink->item[sink->depth] = item;
    sink->tree[sink->depth] = proto_item_add_subtree(item, ett_group);
    sink->begun[sink->depth] = offset;
}

static void on_close(void *ctx, uint32_t end, const char *summary)
{
    struct tree_sink *sink = ctx;
    if (sink->too_deep > 0 || sink->depth == 0) {
        sink->too_deep -= sink->too_deep > 0;
        return;
    }
    proto_item *item = sink->item[sink->depth];
    if (end > sink->begun[sink->depth])
        proto_item_set_len(item, (int)(end - sink->begun[sink->depth]));
    if (summary)
        proto_item_append_text(item, ": %s", summary);
    sink->depth--;
}

static void show_issue(packet_info *pinfo, proto_tree *tree, expert_field *broken, tvbuff_t *tvb, uint32_t offset,
                       const char *text)
{
    const uint32_t len = tvb_captured_length(tvb);
    const char *before = pinfo->current_proto;
    const int proto = broken == &ei_malformed      ? proto_mapihttp :
                      broken == &ei_stub_malformed ? proto_emsmdb :
                                                     proto_rop;
    /* Expert items are listed under it: after the frame it is nobody's. */
    pinfo->current_proto = proto_get_protocol_short_name(find_protocol_by_id(proto));
    outlook_show_problem(tvb, pinfo, tree, broken, (int)MIN(offset, len), offset < len ? 1 : 0, text);
    pinfo->current_proto = before;
}

void sink_malformed(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, uint32_t offset, const char *what)
{
    show_issue(pinfo, tree, &ei_malformed, tvb, offset,
               wmem_strdup_printf(pinfo->pool, "%s, at byte %u", what, offset));
}

static void on_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    struct tree_sink *sink = ctx;
    unsigned i = 0;
    while (i < ROP_ISSUES && rop_issues[i] != kind)
        i++;
    show_issue(sink->pinfo, sink->tree[sink->depth], i < ROP_ISSUES ? &ei_rop[i] : sink->broken, current(sink), offset,
               !kind || kind->malformed ? wmem_strdup_printf(sink->pinfo->pool, "%s, at byte %u", what, offset) : what);
}

static uint8_t *on_room(void *ctx, size_t size)
{
    struct tree_sink *sink = ctx;
    return (uint8_t *)wmem_alloc(sink->pinfo->pool, size);
}

static void on_enter(void *ctx, const uint8_t *bytes, uint32_t len, const char *name)
{
    struct tree_sink *sink = ctx;
    tvbuff_t *parent = current(sink);
    sink->buffers++;
    if (sink->buffers >= NESTED_BUFFERS)
        return;
    tvbuff_t *tvb = tvb_new_child_real_data(parent, bytes, len, (int)len);
    add_new_data_source(sink->pinfo, tvb, name);
    sink->tvb[sink->buffers] = tvb;
}

static void on_leave(void *ctx)
{
    struct tree_sink *sink = ctx;
    if (sink->buffers > 0)
        sink->buffers--;
}

static const char *on_utf8(void *ctx, struct span text, uint16_t code_page)
{
    struct tree_sink *sink = ctx;
    return page_text(sink->pinfo->pool, text.ptr, (int)text.len, code_page);
}

static void use_sink(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, expert_field *broken,
                     void (*use)(const struct field_sink *sink, void *arg), void *arg)
{
    struct tree_sink to = { .pinfo = pinfo, .broken = broken };
    const struct field_sink sink = { &to, on_value, on_open, on_close, on_issue, on_room, on_enter, on_leave, on_utf8 };
    /* Without a tree, what is broken is still said: taps and -z expert want it. */
    const struct field_sink treeless = { &to, NULL, NULL, NULL, on_issue, on_room, on_enter, on_leave, NULL };
    to.tvb[0] = tvb;
    to.tree[0] = tree;
    use(tree ? &sink : &treeless, arg);
}

void sink_fields(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree,
                 void (*use)(const struct field_sink *sink, void *arg), void *arg)
{
    use_sink(tvb, pinfo, tree, &ei_malformed, use, arg);
}

struct body_job {
    tvbuff_t *tvb;
    bool cut;
    sink_decoder decode;
    void *arg;
};

static void read_body(const struct field_sink *sink, void *arg)
{
    const struct body_job *job = arg;
    const uint32_t captured = tvb_captured_length(job->tvb);
    struct reader reader;
    reader_init(&reader, tvb_get_ptr(job->tvb, 0, (int)captured), captured,
                job->cut ? UINT32_MAX : tvb_reported_length(job->tvb), sink);
    job->decode(&reader, job->arg);
}

void sink_body(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, bool cut, sink_decoder decode, void *arg)
{
    struct body_job job = { tvb, cut, decode, arg };
    sink_fields(tvb, pinfo, tree, read_body, &job);
}

void sink_stub(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, bool cut, sink_decoder decode, void *arg)
{
    struct body_job job = { tvb, cut, decode, arg };
    use_sink(tvb, pinfo, tree, &ei_stub_malformed, read_body, &job);
}
