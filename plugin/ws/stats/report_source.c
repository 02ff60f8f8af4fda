/* report_source.c
 * What a report is made from.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "report_source.h"

#include <epan/prefs-int.h>
#include <epan/prefs.h>
#include <wiretap/wtap.h>

#include "notes.h"
#include "store.h"
#include "tcpframe.h"
#include "tlsrecords.h"

/* ---- Memory --------------------------------------------------------------------------- */

static void *pool_alloc(void *ctx, size_t size)
{
    return wmem_alloc0((wmem_allocator_t *)ctx, size);
}

static void pool_give_back(void *ctx, void *bytes, size_t size _U_)
{
    wmem_free((wmem_allocator_t *)ctx, bytes);
}

static wmem_allocator_t *pool_new(struct arena *arena)
{
    wmem_allocator_t *pool = wmem_allocator_new(WMEM_ALLOCATOR_BLOCK);
    arena->alloc = pool_alloc;
    arena->give_back = pool_give_back;
    arena->ctx = pool;
    for (unsigned i = 0; i < 2; i++)
        arena->key.half[i] = (uint64_t)g_random_int() << 32 | g_random_int();
    return pool;
}

/* ---- Taps ----------------------------------------------------------------------------- */

static bool keys_are_given(void)
{
    module_t *tls = prefs_find_module("tls");
    pref_t *key_log = tls ? prefs_find_preference(tls, "keylog_file") : NULL;
    const char *file = key_log ? prefs_get_string_value(key_log, pref_current) : NULL;
    return file && *file;
}

static void on_reset(void *tapdata)
{
    struct report_source *source = (struct report_source *)tapdata;
    wmem_free_all(source->pool);
    memset(&source->overview, 0, sizeof source->overview);
    memset(&source->interface, 0, sizeof source->interface);
    source->overview.arena = &source->arena;
    source->overview.key_log = keys_are_given();
    if (source->reset)
        source->reset(source->ctx);
}

/* A tunnel whose inside nobody sees. */
static bool is_opaque(const struct report_source *source, const packet_info *pinfo)
{
    for (size_t i = 0; i < G_N_ELEMENTS(source->opaque); i++) {
        if (source->opaque[i] > 0 && wmem_list_find(pinfo->layers, GINT_TO_POINTER(source->opaque[i])))
            return true;
    }
    return false;
}

/* What tools/archive calls the interface of the packets that it makes. */
#define MADE_BY "saz2pcapng"

/* Whether a packet was made of an archive; then its interface stands in source. */
static bool is_made(struct report_source *source, const packet_info *pinfo)
{
    const wtap_rec *rec = pinfo->rec;
    if (!rec || rec->rec_type != REC_TYPE_PACKET || !(rec->presence_flags & WTAP_HAS_INTERFACE_ID))
        return false;
    const uint32_t number = rec->rec_header.packet_header.interface_id;
    const unsigned section = rec->presence_flags & WTAP_HAS_SECTION_NUMBER ? rec->section_number : 0;
    if (!source->interface.known || source->interface.number != number || source->interface.section != section) {
        const char *name = compat_interface_name(pinfo, number, section);
        source->interface.known = true;
        source->interface.number = number;
        source->interface.section = section;
        source->interface.made = name && strcmp(name, MADE_BY) == 0;
        source->interface.description =
            source->interface.made ? compat_interface_description(pinfo, number, section) : NULL;
    }
    return source->interface.made;
}

static tap_packet_status on_frame(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data _U_,
                                  tap_flags_t flags _U_)
{
    struct report_source *source = (struct report_source *)tapdata;
    overview_packet(&source->overview, frame_when(pinfo).ns, pinfo->fd->cap_len < pinfo->fd->pkt_len);
    if (is_made(source, pinfo))
        overview_made(&source->overview, source->interface.description);
    source->overview.opaque += pinfo->ptype != PT_TCP && is_opaque(source, pinfo);
    return TAP_PACKET_REDRAW;
}

static bool set_end(struct endpoint *end, const address *from, uint16_t port)
{
    memset(end, 0, sizeof *end);
    end->family = from->type == AT_IPv4 ? 4 : from->type == AT_IPv6 ? 6 : 0;
    if (!end->family)
        return false;
    memcpy(end->addr, from->data, end->family == 4 ? 4 : 16);
    end->port = port;
    return true;
}

static void look(const struct report_source *source, packet_info *pinfo, struct overview_conn *conn)
{
    unsigned what = conn->tls && tls_decrypted(pinfo) ? LOOK_DECRYPTED : 0;
    bool above = false;
    for (wmem_list_frame_t *layer = wmem_list_head(pinfo->layers); layer; layer = wmem_list_frame_next(layer)) {
        const int protocol = GPOINTER_TO_INT(wmem_list_frame_data(layer));
        if (protocol == source->tcp)
            above = true;
        else if (protocol == source->http2)
            what |= LOOK_HTTP2;
        else if (protocol == source->http)
            what |= LOOK_HTTP;
        else if (above && protocol != source->tls && protocol != source->data)
            what |= LOOK_OTHER;
    }
    overview_look(conn, what);
}

static tap_packet_status on_segment(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data,
                                    tap_flags_t flags _U_)
{
    struct report_source *source = (struct report_source *)tapdata;
    const tcp_info_t *info = (const tcp_info_t *)data;
    struct endpoint from, to;
    if (!set_end(&from, &info->ip_src, info->th_sport) || !set_end(&to, &info->ip_dst, info->th_dport))
        return TAP_PACKET_DONT_REDRAW;
    struct segment segment = { .when = frame_when(pinfo),
                               .syn = (info->th_flags & TH_SYN) != 0,
                               .fin = (info->th_flags & TH_FIN) != 0,
                               .rst = (info->th_flags & TH_RST) != 0,
                               .has_ack = (info->th_flags & TH_ACK) != 0,
                               .seq = info->th_rawseq,
                               .ack = info->th_rawack,
                               .len = info->th_have_seglen && !(info->th_flags & TH_RST) ? info->th_seglen : 0,
                               .window = info->th_win };
    struct tcp_frame frame;
    const uint8_t *payload = NULL;
    if (segment.len > 0 && tcp_frame_find(pinfo, &frame) && frame.payload_len == segment.len) {
        payload = frame.payload;
        segment.captured = frame.captured;
    }
    struct overview_conn *conn = overview_segment(&source->overview, info->th_stream, &from, &to, &segment, payload);
    if (conn && segment.len > 0 && overview_wants_look(conn))
        look(source, pinfo, conn);
    return TAP_PACKET_DONT_REDRAW;
}

static void on_draw(void *tapdata)
{
    struct report_source *source = (struct report_source *)tapdata;
    source->changed(source->ctx);
}

char *report_source_begin(struct report_source *source)
{
    static const char *const tunnels[] = { "esp", "wg", "openvpn", "l2tp" };
    source->pool = pool_new(&source->arena);
    source->http = proto_get_id_by_filter_name("http");
    source->http2 = proto_get_id_by_filter_name("http2");
    source->tcp = proto_get_id_by_filter_name("tcp");
    source->tls = proto_get_id_by_filter_name("tls");
    source->data = proto_get_id_by_filter_name("data");
    for (size_t i = 0; i < G_N_ELEMENTS(tunnels); i++)
        source->opaque[i] = proto_get_id_by_filter_name(tunnels[i]);
    on_reset(source);
    GString *wrong =
        register_tap_listener("frame", source, NULL, TL_REQUIRES_NOTHING, on_reset, on_frame, on_draw, NULL);
    if (!wrong)
        wrong = register_tap_listener("tcp", source, NULL, TL_REQUIRES_NOTHING, NULL, on_segment, NULL, NULL);
    return wrong ? g_string_free(wrong, FALSE) : NULL;
}

void report_source_end(struct report_source *source)
{
    /* One for each tap. */
    remove_tap_listener(source);
    remove_tap_listener(source);
    wmem_destroy_allocator(source->pool);
    if (source->made_pool)
        wmem_destroy_allocator(source->made_pool);
    source->pool = source->made_pool = NULL;
}

/* ---- The file ------------------------------------------------------------------------- */

struct told_so_far {
    GPtrArray *verdicts;
    uint32_t requests, looks, challenged, redirected;
    struct broken_seen broken[BROKEN_KINDS];
};

static void count_broken(struct told_so_far *told, enum broken kind, bool is, uint32_t frame)
{
    struct broken_seen *broken = &told->broken[kind];
    if (is && broken->packets++ == 0)
        broken->first_frame = frame;
}

/* Of all pieces, and of those within buffers. */
static void look_for_broken(const struct piece *piece, bool *malformed, bool *misplaced)
{
    for (; piece; piece = piece->next) {
        const struct pdu_note *pdu = &piece->pdu;
        if (piece->kind == PIECE_JOINED || piece->kind == PIECE_DECHUNKED)
            look_for_broken(piece->within, malformed, misplaced);
        *malformed |= piece->kind == PIECE_MALFORMED || (piece->kind == PIECE_PDU && pdu->malformed);
        *misplaced |= piece->kind == PIECE_PDU && (pdu_note_unexpected(pdu) || pdu->misplaced || pdu->out_of_range);
    }
}

static void take_pdus(struct told_so_far *told, uint32_t frame, const struct frame_note *note)
{
    bool malformed = false, misplaced = false;
    for (const struct call_note *call = note->calls; call; call = call->next)
        look_for_broken(call->pieces, &malformed, &misplaced);
    count_broken(told, BROKEN_RTS, malformed, frame);
    count_broken(told, BROKEN_RTS_PLACE, misplaced, frame);
}

static void take_verdicts(struct told_so_far *told, const struct verdict *verdict)
{
    for (; verdict; verdict = verdict->next)
        g_ptr_array_add(told->verdicts, (void *)verdict);
}

static void take_notes(void *ctx, uint32_t frame, const struct frame_note *rpch, const struct mapi_note *mapi)
{
    struct told_so_far *told = (struct told_so_far *)ctx;
    bool broken = false;
    if (rpch) {
        take_verdicts(told, rpch->verdicts);
        take_pdus(told, frame, rpch);
    }
    if (!mapi)
        return;
    take_verdicts(told, mapi->verdicts);
    for (const struct mapi_item *item = mapi->items; item; item = item->next) {
        const struct mapi_message *message = item->message;
        /* A message stands in one frame, that of its end. Behind a device it is the same request again. */
        const uint32_t leg = outlook_message_leg(store_outlook(), message);
        const bool first = leg == 0 || leg == NO_NUMBER;
        const bool challenge = message->status == 401 || message->status == 407;
        if (first && !message->is_response)
            ++*(message->look ? &told->looks : &told->requests);
        told->challenged += first && message->is_response && !message->look && challenge;
        told->redirected += first && message->is_response && !message->look && message->status / 100 == 3;
        broken |= message->broken && message->end.frame == frame;
    }
    count_broken(told, BROKEN_MAPI, broken, frame);
}

struct report *report_source_make(struct report_source *source)
{
    struct told_so_far told = { .verdicts = g_ptr_array_new() };
    struct report_input input = { .overview = &source->overview, .version = PLUGIN_VERSION };
    if (source->made_pool)
        wmem_destroy_allocator(source->made_pool);
    source->made_pool = pool_new(&source->made_arena);
    notes_each(take_notes, &told);
    if (store->outlook) {
        input.rpch = store->outlook->rpch;
        input.mapi = store->outlook->mapi;
        input.logons = store->outlook->logons;
        input.track = &store->outlook->track;
    }
    input.verdict_count = told.verdicts->len;
    input.mapi_requests = told.requests;
    input.mapi_looks = told.looks;
    input.mapi_challenged = told.challenged;
    input.mapi_redirected = told.redirected;
    memcpy(input.broken, told.broken, sizeof input.broken);
    const struct verdict **verdicts =
        (const struct verdict **)wmem_alloc(source->made_pool, (told.verdicts->len + 1) * sizeof *verdicts);
    if (told.verdicts->len > 0)
        memcpy(verdicts, told.verdicts->pdata, told.verdicts->len * sizeof *verdicts);
    input.verdicts = verdicts;
    g_ptr_array_free(told.verdicts, TRUE);
    return report_new(&source->made_arena, &input);
}
