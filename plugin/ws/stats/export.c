/* export.c
 * File > Export Objects > Outlook, and tshark --export-objects outlook,FOLDER: lists of ROPs, attachments, message bodies
 * and whole messages. Bodies are read again for it, and only while somebody listens.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "export.h"

#include "compat.h"

#include <epan/export_object.h>

#include "connections.h"
#include "contents.h"
#include "ids.h"
#include "sessions.h"
#include "page_text.h"
#include "store.h"

/* Wireshark keeps all objects in memory until they are saved. */
#define EXPORTED_MAX 20000u
#define BYTES_MAX 0x30000000u

struct export
{
    struct contents *contents;
    uint32_t count;
    uint64_t bytes;
    bool full; /* an object says so */
};

static struct export *the_export(void)
{
    struct export *export = (struct export *)store_part(STORE_EXPORT, sizeof *export);
    if (!export->contents)
        export->contents = contents_new(&store->arena);
    return export;
}

/* A reading of one message. */
struct reading {
    packet_info *pinfo;
    export_object_list_t *list;
    const struct exported_rops *rops;
};

static void add(const struct reading *reading, const char *name, const char *type, const void *bytes, size_t len)
{
    export_object_entry_t *entry = g_new0(export_object_entry_t, 1);
    const struct mapi_message *message = reading->rops->message;
    entry->pkt_num = reading->pinfo->num;
    entry->hostname = !message                      ? g_strdup("EMSMDB") :
                      message->session == NO_NUMBER ? g_strdup("MAPI/HTTP") :
                                                      g_strdup_printf("MAPI/HTTP session %u", message->session);
    entry->content_type = g_strdup(type);
    entry->filename = g_strdup(name);
    entry->payload_len = len;
    entry->payload_data = (uint8_t *)g_memdup2(bytes, len);
    reading->list->add_entry(reading->list->gui_data, entry);
}

static void found(void *ctx, const struct content *content)
{
    static const char full[] =
        "There was more to export than is kept in memory at a time. Filter the capture, save what "
        "is displayed to a file of its own, and export from that.\n";
    struct export *export = the_export();
    if (export->full)
        return;
    if (export->count == EXPORTED_MAX || content->len > BYTES_MAX - export->bytes) {
        export->full = true;
        add((const struct reading *)ctx, "export-is-not-complete.txt", "text/plain", full, sizeof full - 1);
        return;
    }
    export->count++;
    export->bytes += content->len;
    add((const struct reading *)ctx, content->name, content->type, content->bytes, content->len);
}

static uint8_t *room(void *ctx, size_t size)
{
    return (uint8_t *)wmem_alloc(((const struct reading *)ctx)->pinfo->pool, size);
}

static bool session_has_rops(uint32_t session, uint32_t leg)
{
    struct session_row row;
    const uint32_t index = mapi_state_find_row(store_mapi(), session, leg);
    return index != NO_NUMBER && mapi_state_row(store_mapi(), index, &row) && row.rops.calls > 0;
}

static bool connection_has_rops(uint32_t vc, uint32_t leg)
{
    struct leg_row row;
    const uint32_t index = rpch_state_find_row(store_world(), vc, leg);
    return index != NO_NUMBER && rpch_state_row(store_world(), index, &row) && row.rops.calls > 0;
}

/* Whether a leg nearer to the client has ROPs of the session or virtual connection: on both sides of a device they are the
 * same. Where that side was not captured, or cannot be read, this one counts. */
static bool is_passed_on(packet_info *pinfo, const struct mapi_message *message)
{
    const struct vc_place *place = message ? NULL : rpch_place_of(pinfo);
    uint32_t number = message ? message->session : NO_NUMBER;
    uint32_t leg = message ? outlook_message_leg(store_outlook(), message) : NO_NUMBER;
    bool found = false;
    if (place)
        outlook_place_show(place, &number, &leg);
    if (number == NO_NUMBER || leg == NO_NUMBER)
        return false;
    while (leg-- > 0 && !found)
        found = message ? session_has_rops(number, leg) : connection_has_rops(number, leg);
    return found;
}

static tap_packet_status on_rops(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data,
                                 tap_flags_t flags _U_)
{
    const struct exported_rops *rops = (const struct exported_rops *)data;
    struct reading reading = { pinfo, (export_object_list_t *)tapdata, rops };
    const struct content_sink sink = { &reading, found, room, page_to_text };
    struct export *export = the_export();
    const uint32_t before = export->count;
    if (is_passed_on(pinfo, rops->message))
        return TAP_PACKET_DONT_REDRAW;
    if (rops->message)
        contents_read_body(export->contents, rops->message, rops->bytes, &sink);
    else
        contents_read_stub(export->contents, rops->rops, rops->stub, rops->big_endian, rops->bytes, &sink);
    return export->count > before ? TAP_PACKET_REDRAW : TAP_PACKET_DONT_REDRAW;
}

/* The window was closed, or begins anew. */
static void forget(void)
{
    struct export *export = store->part[STORE_EXPORT] ? the_export() : NULL;
    if (!export)
        return;
    contents_forget(export->contents);
    export->count = 0;
    export->bytes = 0;
    export->full = false;
}

void export_register(void)
{
    export_tap = register_export_object(proto_outlook, on_rops, forget);
}
