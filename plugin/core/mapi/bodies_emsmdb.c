/* bodies_emsmdb.c
 * The bodies of the mailbox endpoint, MS-OXCMAPIHTTP 2.2.4.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "bodies_private.h"

#include "extended_buffer.h"
#include "names.h"

static void keep_user_dn(struct layout_run *run, const struct field_value *value)
{
    body_of(run)->facts->user_dn = string8_of(value);
}

static void keep_default_code_page(struct layout_run *run, const struct field_value *value)
{
    body_of(run)->facts->code_page = (uint32_t)value->number;
}

static void keep_dn_prefix(struct layout_run *run, const struct field_value *value)
{
    body_of(run)->facts->dn_prefix = string8_of(value);
}

static void keep_display_name(struct layout_run *run, const struct field_value *value)
{
    body_of(run)->facts->display_name = string16_of(value);
}

/* ---- 2.2.4.1 Connect ---- */

static LAYOUT(connect_request, STRING8("connect.user_dn", "UserDn", .seen = keep_user_dn),
              X32("connect.flags", "Flags"), BIT("connect.flags.admin", "Administrative privileges", 0x00000001),
              U32("connect.default_code_page", "DefaultCodePage", .names = code_page_names,
                  .seen = keep_default_code_page),
              X32("connect.lcid_sort", "LcidSort"), X32("connect.lcid_string", "LcidString"));
static LAYOUT(connect_response, U32("connect.polls_max", "PollsMax (ms)"), U32("connect.retry_count", "RetryCount"),
              U32("connect.retry_delay", "RetryDelay (ms)"),
              STRING8("connect.dn_prefix", "DnPrefix", .seen = keep_dn_prefix),
              STRING16("connect.display_name", "DisplayName", .seen = keep_display_name));

/* ---- 2.2.4.2 Execute ---- */

static void rop_buffer(struct layout_run *run, const struct field *at)
{
    struct body *body = body_of(run);
    uint32_t size = (uint32_t)run->last;
    (void)at;
    body->facts->rop_buffer_size = size;
    body->lacking |= reader_lacks(run->reader, size);
    read_rop_buffer(run->reader, size, body->response, body->host);
}

#define ROP_BUFFER U32("execute.rop_buffer_size", "RopBufferSize"), READ_LAYOUT(rop_buffer, 0, rop_buffer_layouts)

static LAYOUT(execute_request, X32("execute.flags", "Flags"),
              BIT("execute.flags.no_compression", "NoCompression", 0x00000001),
              BIT("execute.flags.no_xor_magic", "NoXorMagic", 0x00000002),
              BIT("execute.flags.chain", "Chain", 0x00000004), ROP_BUFFER, U32("execute.max_rop_out", "MaxRopOut"));
static LAYOUT(execute_response, X32("execute.reserved", "Flags (reserved)"), ROP_BUFFER);

/* ---- 2.2.4.4 NotificationWait ---- */

static const char *pending_text(const struct field_value *value, char room[FIELD_TEXT_MAX])
{
    (void)room;
    return value->number ? "an event is pending" : "no event";
}

static void keep_event_pending(struct layout_run *run, const struct field_value *value)
{
    struct mapi_facts *facts = body_of(run)->facts;
    facts->has_event_pending = true;
    facts->event_pending = (uint32_t)value->number;
}

static LAYOUT(wait_request, X32("notification_wait.reserved", "Flags (reserved)"));
static LAYOUT(wait_response,
              U32("notification_wait.event_pending", "EventPending", .text = pending_text, .seen = keep_event_pending));

/* Disconnect (2.2.4.3) has nothing of its own. */
CHOICES(emsmdb_bodies, BODIES(MAPI_CONNECT, "Connect", connect_request, connect_response),
        BODIES(MAPI_EXECUTE, "Execute", execute_request, execute_response),
        BODIES(MAPI_NOTIFICATION_WAIT, "NotificationWait", wait_request, wait_response));
