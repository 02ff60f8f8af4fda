/* dissect_mapi.c
 * Shows messages of MAPI/HTTP: the headers of MS-OXCMAPIHTTP 2.2.3 and of Exchange, the
 * session they belong to, the logon, and the typed body.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "dissect_mapi.h"

#include <stdlib.h>

#include <epan/exceptions.h>
#include <epan/show_exception.h>

#include "bodies.h"
#include "cookie.h"
#include "date.h"
#include "dissect_outlook.h"
#include "envelope.h"
#include "exchange_cookies.h"
#include "ids.h"
#include "layers.h"
#include "names.h"
#include "notes.h"
#include "rops.h"
#include "rows.h"
#include "say.h"
#include "sink_tree.h"
#include "store.h"
#include "times.h"

static int hf_request_type, hf_endpoint, hf_mailbox_id, hf_client_info, hf_client_application, hf_server_application;
static int hf_device_info, hf_meta_tag, hf_context, hf_sequence, hf_server, hf_session_created, hf_routing_mailbox;
static int hf_routing_time, hf_cookie_name, hf_request_id, hf_request_counter, hf_response_code, hf_session, hf_leg;
static int hf_pending_period, hf_expiration_info, hf_server_time, hf_time, hf_start_time, hf_request_in, hf_response_in;
static int hf_user_dn, hf_error_page, hf_tag_frame, hf_tag_time, hf_status, hf_remark, hf_code_header,
    hf_context_number;
static int hf_context_counter, hf_backend_cookie, hf_back_end, hf_be_server, hf_calculated_be, hf_calculated_fe;
static int hf_diag_info, hf_back_end_status, hf_failure_text, hf_persistence;
static int hf_message, hf_headers, hf_cookies, hf_envelope;
static int ett_message = -1, ett_headers = -1, ett_tags = -1, ett_tag = -1, ett_cookies = -1;

/* Filled from the names in the core before anything is registered with them. */
static value_string response_codes[MAPI_CODES + 1];

/* ---- Headers ---------------------------------------------------------------------- */

struct show {
    packet_info *pinfo;
    proto_tree *tree;
    tvbuff_t *tvb;                       /* the head's */
    const uint8_t *base;                 /* its bytes, at offset 0 of tvb */
    const uint8_t *head;                 /* where it begins among them */
    bool mailbox_id, client_application; /* this message has one */
};

static int offset_of(const struct show *show, struct span value)
{
    return (int)(value.ptr - show->base);
}

static char *text_of(const struct show *show, struct span value)
{
    const char *end = NULL;
    if (g_utf8_validate((const char *)value.ptr, (gssize)value.len, &end))
        return wmem_strndup(show->pinfo->pool, (const char *)value.ptr, value.len);
    return (char *)tvb_get_string_enc(show->pinfo->pool, show->tvb, offset_of(show, value), (int)value.len,
                                      ENC_WINDOWS_1252);
}

/* What value says, shown on its bytes. */
static proto_item *show_text(const struct show *show, int hf, struct span value, const char *text)
{
    return proto_tree_add_string(show->tree, hf, show->tvb, offset_of(show, value), (int)value.len, text);
}

static void show_number(const struct show *show, int hf, struct span value, uint32_t number)
{
    proto_tree_add_uint(show->tree, hf, show->tvb, offset_of(show, value), (int)value.len, number);
}

static void show_time(const struct show *show, int hf, struct span value, nstime_t time)
{
    proto_tree_add_time(show->tree, hf, show->tvb, offset_of(show, value), (int)value.len, &time);
}

static void show_string(const struct show *show, int hf, struct span value)
{
    show_text(show, hf, value, text_of(show, value));
}

static bool number_of(struct span value, uint64_t *number)
{
    char text[24], *end;
    if (value.len == 0 || value.len >= sizeof text)
        return false;
    memcpy(text, value.ptr, value.len);
    text[value.len] = '\0';
    *number = g_ascii_strtoull(text, &end, 10);
    return *end == '\0';
}

static void show_milliseconds(const struct show *show, int hf, struct span value)
{
    uint64_t ms;
    if (number_of(value, &ms))
        show_time(show, hf, value, (nstime_t){ (time_t)(ms / 1000), (int)(ms % 1000) * 1000000 });
}

static void show_date(const struct show *show, int hf, struct span value)
{
    int64_t seconds;
    if (http_date_decode(value, &seconds))
        show_time(show, hf, value, (nstime_t){ (time_t)seconds, 0 });
}

/* "{GUID}:counter" (2.2.3.3.2). */
static void show_request_id(const struct show *show, int hf, struct span value)
{
    const char *text = text_of(show, value);
    const char *colon = strrchr(text, ':');
    e_guid_t guid;
    uint8_t *rest = guid.data4;
    if (sscanf(*text == '{' ? text + 1 : text, "%8x-%4hx-%4hx-%2hhx%2hhx-%2hhx%2hhx%2hhx%2hhx%2hhx%2hhx", &guid.data1,
               &guid.data2, &guid.data3, rest, rest + 1, rest + 2, rest + 3, rest + 4, rest + 5, rest + 6,
               rest + 7) == 11)
        proto_tree_add_guid(show->tree, hf, show->tvb, offset_of(show, value), (int)value.len, &guid);
    uint64_t counter;
    if (colon) {
        struct span digits = { value.ptr + (colon + 1 - text), value.len - (size_t)(colon + 1 - text) };
        if (number_of(digits, &counter) && counter <= UINT32_MAX)
            show_number(show, hf_request_counter, digits, (uint32_t)counter);
    }
}

#define BEGINNING 8

/* Whoever has the whole value could use the session: its beginning, and a digest, which is
 * the one that verdicts name. */
static void show_marked(const struct show *show, int hf, struct span value)
{
    const struct span begins = { value.ptr, MIN(value.len / 2, BEGINNING) };
    show_text(
        show, hf, value,
        wmem_strdup_printf(show->pinfo->pool, "%s... (digest %08x)", text_of(show, begins), http_value_mark(value)));
}

static void show_context(const struct show *show, struct span value)
{
    struct exch_context context;
    show_marked(show, hf_context, value);
    if (!exch_context_decode(value, &context))
        return;
    show_text(show, hf_server, value, context.server);
    show_text(show, hf_session_created, value, context.time);
    show_text(show, hf_context_number, value, context.number);
    proto_tree_add_uint64(show->tree, hf_context_counter, show->tvb, offset_of(show, value), (int)value.len,
                          context.counter);
}

static void show_routing(const struct show *show, struct span value)
{
    struct exch_routing routing;
    if (!exch_routing_decode(value, &routing))
        return;
    show_text(show, hf_routing_mailbox, value, routing.mailbox);
    show_time(show, hf_routing_time, value, ns_time(routing.ns));
}

static void show_cookie(const struct show *show, struct span name, struct span value)
{
    char server[HTTP_NAME_MAX], text[HTTP_BACKEND_COOKIE_MAX];
    show_string(show, hf_cookie_name, name);
    if (span_equals_nocase(name, "X-BackEndCookie") && http_backend_cookie(value, text))
        show_text(show, hf_backend_cookie, value, text);
    if (span_equals_nocase(name, "MapiContext") || span_equals_nocase(name, "sid"))
        show_context(show, value);
    else if (span_equals_nocase(name, "MapiSequence") || span_equals_nocase(name, "sequence"))
        show_string(show, hf_sequence, value);
    else if (span_equals_nocase(name, "MapiRouting"))
        show_routing(show, value);
    else if (http_persistence_server(name, value, server))
        show_text(show, hf_persistence, value, server);
}

static void show_cookies(const struct show *show, struct span value, const char *label, bool only_first)
{
    struct show inside = *show;
    struct span name, content;
    size_t pos = 0;
    inside.tree =
        proto_item_add_subtree(proto_tree_add_string_format(show->tree, hf_cookies, show->tvb, offset_of(show, value),
                                                            (int)value.len, label, "%s", label),
                               ett_cookies);
    while (http_cookie_next(value, &pos, &name, &content)) {
        show_cookie(&inside, name, content);
        if (only_first)
            break; /* attributes follow */
    }
}

/* "FrontEnd;401;<base64>;...": what is base64 of text is said as text. */
static void show_failure_context(const struct show *show, int hf, struct span value)
{
    size_t from = 0;
    show_string(show, hf, value);
    for (size_t at = 0; at <= value.len; at++) {
        if (at < value.len && value.ptr[at] != ';')
            continue;
        char *part = wmem_strndup(show->pinfo->pool, (const char *)value.ptr + from, at - from);
        size_t part_len = at - from;
        from = at + 1;
        gsize len = 0;
        if (part_len < 8 || part_len % 4 != 0 ||
            strspn(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") != part_len)
            continue;
        guchar *bytes = g_base64_decode(part, &len);
        if (bytes && len > 0 && g_utf8_validate((const char *)bytes, (gssize)len, NULL)) {
            char *text = wmem_strndup(show->pinfo->pool, (const char *)bytes, len);
            proto_item_set_generated(show_text(show, hf_failure_text, value, text));
        }
        g_free(bytes);
    }
}

static void show_code(const struct show *show, int hf, struct span value)
{
    uint64_t code;
    if (number_of(value, &code) && code <= UINT32_MAX)
        show_number(show, hf, value, (uint32_t)code);
}

#define HEADER_NAME(literal) literal, sizeof literal - 1
/* A header line of the head or in front of the body (2.2.7). */
static void show_header(const struct show *show, struct span name, struct span value)
{
    static const struct {
        const char *name;
        size_t len;
        int *hf;
        void (*how)(const struct show *show, int hf, struct span value);
    } rows[] = {
        { HEADER_NAME("X-RequestId"), &hf_request_id, show_request_id },
        { HEADER_NAME("X-ResponseCode"), &hf_code_header, show_code },
        { HEADER_NAME("X-ClientInfo"), &hf_client_info, show_string },
        { HEADER_NAME("X-ClientApplication"), &hf_client_application, show_string },
        { HEADER_NAME("X-ServerApplication"), &hf_server_application, show_string },
        { HEADER_NAME("X-DeviceInfo"), &hf_device_info, show_string },
        { HEADER_NAME("X-PendingPeriod"), &hf_pending_period, show_milliseconds },
        { HEADER_NAME("X-ExpirationInfo"), &hf_expiration_info, show_milliseconds },
        { HEADER_NAME("X-ElapsedTime"), &hf_server_time, show_milliseconds },
        { HEADER_NAME("X-StartTime"), &hf_start_time, show_date },
        { HEADER_NAME("client-request-id"), &outlook_hf_client_request_id, show_string },
        { HEADER_NAME("request-id"), &outlook_hf_request_id, show_string },
        { HEADER_NAME("X-FEServer"), &outlook_hf_front_end, show_string },
        { HEADER_NAME("X-BEServer"), &hf_be_server, show_string },
        { HEADER_NAME("X-CalculatedBETarget"), &hf_calculated_be, show_string },
        { HEADER_NAME("X-CalculatedFETarget"), &hf_calculated_fe, show_string },
        { HEADER_NAME("X-DiagInfo"), &hf_diag_info, show_string },
        { HEADER_NAME("X-BackEndHttpStatus"), &hf_back_end_status, show_string },
        { HEADER_NAME("X-FailureContext"), &outlook_hf_failure_context, show_failure_context },
        { HEADER_NAME("X-CasErrorCode"), &outlook_hf_cas_error, show_string },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (name.len == rows[i].len && span_starts_nocase(name, rows[i].name)) {
            rows[i].how(show, *rows[i].hf, value);
            return;
        }
    }
    if (span_equals_nocase(name, "Cookie"))
        show_cookies(show, value, "Cookie", false);
    else if (span_equals_nocase(name, "Set-Cookie"))
        show_cookies(show, value, "Set-Cookie", true);
}

static void show_mailbox_id(struct show *show, struct span uri)
{
    static const char key[] = "mailboxid=";
    for (size_t at = 0; at + sizeof key - 1 <= uri.len; at++) {
        if ((at > 0 && uri.ptr[at - 1] != '?' && uri.ptr[at - 1] != '&') ||
            g_ascii_strncasecmp((const char *)uri.ptr + at, key, sizeof key - 1) != 0)
            continue;
        struct span value = { uri.ptr + at + sizeof key - 1, 0 };
        while (value.ptr + value.len < uri.ptr + uri.len && value.ptr[value.len] != '&' && value.ptr[value.len] != '#')
            value.len++;
        char *text = g_uri_unescape_segment((const char *)value.ptr, (const char *)value.ptr + value.len, NULL);
        show->mailbox_id = text != NULL;
        if (text)
            show_text(show, hf_mailbox_id, value, text);
        g_free(text);
        return;
    }
}

static void show_head(struct show *show, const struct http_head *head)
{
    struct span name, value, back_end = { NULL, 0 };
    struct show lines = *show;
    size_t pos = 0;
    lines.tree = proto_item_add_subtree(proto_tree_add_item(show->tree, hf_headers, show->tvb,
                                                            offset_of(show, (struct span){ show->head, 0 }),
                                                            (int)head->length, ENC_NA),
                                        ett_headers);
    if (head->is_request)
        show_mailbox_id(show, head->uri);
    else
        proto_tree_add_uint(show->tree, hf_status, show->tvb, offset_of(show, head->reason) - 4, 3, head->status);
    while (http_head_next(head, &pos, &name, &value)) {
        show->client_application |= span_equals_nocase(name, "X-ClientApplication");
        show_header(&lines, name, value);
    }
    if (http_head_find(head, "X-CalculatedBETarget", &back_end) || http_head_find(head, "X-BEServer", &back_end))
        show_string(show, hf_back_end, back_end);
}

/* ---- What the state knows --------------------------------------------------------- */

/* The specification's spelling of the request type, else the sender's; NULL if there is none. */
static const char *type_text(const struct mapi_message *message)
{
    const char *name = mapi_type_name(message->type);
    return name ? name : message->type_name;
}

static void show_state(const struct show *show, const struct mapi_message *message)
{
    proto_tree *tree = show->tree;
    tvbuff_t *tvb = show->tvb;
    static const char *const endpoints[] = { "", "emsmdb", "nspi" };
    outlook_show_known(tree, hf_request_type, tvb, message->is_response ? type_text(message) : NULL);
    if (message->endpoint < G_N_ELEMENTS(endpoints))
        outlook_show_known(tree, hf_endpoint, tvb, endpoints[message->endpoint]);
    outlook_show_number(tree, hf_session, tvb, message->session);
    outlook_show_number(tree, hf_leg, tvb, message->leg);
    if (!show->mailbox_id)
        outlook_show_known(tree, hf_mailbox_id, tvb, message->mailbox);
    if (!show->client_application)
        outlook_show_known(tree, hf_client_application, tvb, message->client_application);
    /* Connect itself has it in its body. */
    if (message->is_response || message->type != MAPI_CONNECT)
        outlook_show_known(tree, hf_user_dn, tvb, message->user_dn);
    if (message->is_response && message->has_code)
        proto_item_set_generated(proto_tree_add_uint(tree, hf_response_code, tvb, 0, 0, message->code));
    outlook_show_nonzero(tree, hf_request_in, tvb, message->request_frame);
    /* Known only once the response was met: as with http.response_in. */
    if (!message->is_response && PINFO_FD_VISITED(show->pinfo))
        outlook_show_nonzero(tree, hf_response_in, tvb, message->response_frame);
    if (message->is_response && message->elapsed_ns >= 0)
        outlook_show_interval(tree, hf_time, tvb, message->elapsed_ns);
    times_show_message(tree, tvb, message);
    if (message->elapsed_in_seconds)
        outlook_show_known(tree, hf_remark, tvb,
                           "X-ElapsedTime is about a thousandth of the measured time: this server reports seconds");
    outlook_show_auth(tree, tvb, message->auth);
}

/* ---- Bodies ----------------------------------------------------------------------- */

struct body_job {
    enum mapi_type type;
    bool response;
    struct rop_message *rops; /* NULL: nothing is known */
};

static void decode_body(struct reader *reader, void *arg)
{
    struct body_job *job = arg;
    struct rop_host host;
    struct property_names names;
    if (job->rops)
        outlook_replay_rops(job->rops, &host, &names);
    mapi_read_body(reader, job->type, job->response, NULL, job->rops ? &host : NULL);
}

static void show_tag(proto_tree *tree, tvbuff_t *tvb, const struct mapi_message *message, unsigned index,
                     const struct mapi_meta *meta)
{
    proto_item *item =
        proto_tree_add_string(tree, hf_meta_tag, tvb, (int)meta->offset, (int)meta->len, meta_tag_name(meta->kind));
    if (index >= message->tag_count)
        return;
    const struct mapi_tag_time *arrived = &message->tags[index];
    proto_tree *inside = proto_item_add_subtree(item, ett_tag);
    int64_t after = arrived->when.ns - message->begin.ns;
    proto_item_append_text(item, " (frame %u, %.3f s after the response began)", arrived->when.frame,
                           (double)after / 1e9);
    outlook_show_nonzero(inside, hf_tag_frame, tvb, arrived->when.frame);
    outlook_show_interval(inside, hf_tag_time, tvb, arrived->when.ns);
}

/* The lines in front of the typed body of a response. True if that begins, at *at. */
static bool show_envelope(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct mapi_message *message,
                          int *at)
{
    const uint32_t len = tvb_captured_length(tvb);
    const uint8_t *p = tvb_get_ptr(tvb, 0, (int)len);
    struct show show = { .pinfo = pinfo, .tvb = tvb, .base = p };
    struct meta_scanner scanner;
    struct mapi_meta meta;
    unsigned index = 0;
    proto_item *item = NULL;
    meta_scan_init(&scanner);
    for (size_t used = 0;;) {
        used += meta_scan(&scanner, p + used, len - used, &meta);
        switch (meta.kind) {
        case META_PROCESSING:
        case META_PENDING:
        case META_DONE:
        case META_HEADER:
            if (!show.tree)
                show.tree =
                    proto_item_add_subtree(item = proto_tree_add_item(tree, hf_envelope, tvb, 0, 0, ENC_NA), ett_tags);
            /* The scanner keeps what it was given only as long as the call; the buffer has it whole. */
            if (meta.kind == META_HEADER)
                show_header(&show, meta.name, (struct span){ p + meta.value_offset, meta.value_len });
            else
                show_tag(show.tree, tvb, message, index++, &meta);
            proto_item_set_len(item, (int)used);
            continue;
        case META_BODY:
            proto_item_set_len(item, (int)meta.offset);
            *at = (int)meta.offset;
            return true;
        case META_NO_ENVELOPE:
            *at = 0;
            return true;
        case META_BROKEN:
            sink_malformed(tvb, pinfo, tree, meta.offset, "Neither a meta-tag nor a header line");
            return false;
        default:
            return false;
        }
    }
}

static bool heads_are_seen(proto_tree *tree)
{
    return proto_field_is_referenced(tree, proto_mapihttp) || proto_field_is_referenced(tree, proto_outlook);
}

static void show_body(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct mapi_item *item)
{
    const struct mapi_message *message = item->message;
    struct body_job job = { message->type, message->is_response, message->rops };
    if (message->is_response) {
        int offset = 0;
        if (!show_envelope(tvb, pinfo, tree, message, &offset))
            return;
        if (tvb_reported_length_remaining(tvb, offset) == 0 && (item->cut || mapi_message_failed(message)))
            return;
        if (mapi_message_failed(message)) {
            proto_tree_add_item(tree, hf_error_page, tvb, offset, -1, ENC_UTF_8);
            return;
        }
        tvb = tvb_new_subset_remaining(tvb, offset);
    }
    sink_body(tvb, pinfo, tree, item->cut, decode_body, &job);
}

/* ---- Messages --------------------------------------------------------------------- */

#define REASON_MOST 40

/* ", HTTP 503 Service Unavailable": of text that a server made up what can be read in a line. */
static void say_status(struct text *text, const struct http_head *head)
{
    size_t len = 0;
    while (len < MIN(head->reason.len, REASON_MOST) && g_ascii_isprint((char)head->reason.ptr[len]))
        len++;
    say(text, ", HTTP %u%s%.*s", head->status, len > 0 ? " " : "", (int)len, (const char *)head->reason.ptr);
}

/* How a response turned out: a failure by its name. */
static void say_outcome(struct text *text, const struct mapi_message *message)
{
    const char *kind = message->failure_of_status ? "StatusCode" : "ErrorCode", *name = ox_error_name(message->failure);
    if (mapi_message_failed(message))
        say(text, "X-ResponseCode %s (%u)", mapi_code_name(message->code), message->code);
    else if (!message->failure)
        say(text, "Success");
    else if (name)
        say(text, "%s %s (0x%x)", kind, name, message->failure);
    else
        say(text, "%s 0x%x", kind, message->failure);
}

/* head: of a response, NULL if it is not there. */
static void describe(struct text *text, const struct mapi_message *message, const struct http_head *head,
                     const char *counter)
{
    const char *type = type_text(message);
    const char *next = ", "; /* in front of what comes */
    say(text, "%s %s", type ? type : "MAPI/HTTP", message->is_response ? "response" : "request");
    if (outlook_say_rops_in_info(message->rops, text))
        next = "; ";
    if (counter)
        say(text, " :%s", counter);
    if (message->cut)
        say(text, " (cut)");
    if (head && head->status != 200)
        say_status(text, head);
    if (message->is_response && (message->has_code || message->failure)) {
        say(text, "%s", next);
        say_outcome(text, message);
    }
    if (message->session != NO_NUMBER)
        say(text, ", session %u", message->session);
    if (message->is_response && message->elapsed_ns >= 0)
        say(text, ", %.1f ms", (double)message->elapsed_ns / 1e6);
}

/* The counter of X-RequestId, for the Info column. */
static const char *counter_of(packet_info *pinfo, const struct http_head *head)
{
    struct span value;
    if (!http_head_find(head, "X-RequestId", &value))
        return NULL;
    for (size_t at = value.len; at > 0; at--) {
        if (value.ptr[at - 1] == ':' && value.len - at <= 10)
            return wmem_strndup(pinfo->pool, (const char *)value.ptr + at, value.len - at);
    }
    return NULL;
}

/* What http has no buffer for in this frame is shown from our own copy of head and body: the item as if http had. */
static struct mapi_item with_buffers(packet_info *pinfo, tvbuff_t *frame, const struct mapi_item *item)
{
    struct mapi_item whole = *item;
    const bool no_body = !item->body && !item->encoded && !item->page && item->kept.len > item->head_len;
    if (!item->kept.bytes || (item->head && !no_body))
        return whole;
    tvbuff_t *copy = tvb_new_child_real_data(frame, item->kept.bytes, item->kept.len, (int)item->kept.len);
    add_new_data_source(pinfo, copy, "Followed MAPI/HTTP");
    if (!item->head) {
        whole.head = copy;
        whole.head_offset = 0;
    }
    if (no_body)
        whole.body = tvb_new_subset_remaining(copy, (int)item->head_len);
    return whole;
}

/* The fields of a head that show->tvb has at that offset. */
static void show_head_at(struct show *show, int offset, const struct mapi_item *item, const struct http_head *head)
{
    const char *name = type_text(item->message);
    struct span type;
    show->base = tvb_get_ptr(show->tvb, 0, offset + (int)item->head_len);
    show->head = show->base + offset;
    if (head->is_request && http_head_find(head, "X-RequestType", &type))
        show_text(show, hf_request_type, type, name ? name : text_of(show, type));
    show_head(show, head);
}

/* "Execute response" */
static const char *kind_of(const packet_info *pinfo, const struct mapi_message *message)
{
    const char *type = type_text(message);
    return wmem_strdup_printf(pinfo->pool, "%s %s", type ? type : "MAPI/HTTP",
                              message->is_response ? "response" : "request");
}

/* What is below the item of a message; kind: the value of its field, text: how it reads. */
static proto_tree *message_tree(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, int offset, int len,
                                const char *kind, const char *text)
{
    return layer_part(pinfo, tree, tvb, offset, len,
                      &(struct part){ LAYER_MAPIHTTP, hf_message, ett_message, kind, text, kind });
}

static void show_message(packet_info *pinfo, proto_tree *tree, const struct mapi_item *noted)
{
    tvbuff_t *frame = get_data_source_tvb((const struct data_source *)pinfo->data_src->data);
    const struct mapi_item whole = with_buffers(pinfo, frame, noted), *item = &whole;
    const struct mapi_message *message = item->message;
    tvbuff_t *at = item->head ? item->head : frame;
    int offset = item->head_offset, len = (int)item->head_len;
    struct http_head head;
    if (!tree && !pinfo->cinfo) { /* nobody sees a head */
        if (item->body && outlook_wants_expert())
            show_body(item->body, pinfo, NULL, item);
        return;
    }
    struct text text = { .used = 0 };
    const bool has_head =
        item->head && http_head_parse(tvb_get_ptr(at, offset, len), item->head_len, &head) == HTTP_HEAD_OK;
    if (has_head) {
        describe(&text, message, head.is_request ? NULL : &head, head.is_request ? counter_of(pinfo, &head) : NULL);
    } else {
        describe(&text, message, NULL, NULL);
        at = frame;
        offset = len = 0;
    }
    outlook_show_in_info(pinfo, "MAPI/HTTP", text.s);
    struct show show = { .pinfo = pinfo,
                         .tree =
                             message_tree(at, pinfo, tree, offset, len, tree ? kind_of(pinfo, message) : "", text.s),
                         .tvb = at };
    if (has_head && heads_are_seen(tree))
        show_head_at(&show, offset, item, &head);
    if (heads_are_seen(tree))
        show_state(&show, message);
    if (item->body && outlook_bodies_are_seen(tree, proto_mapihttp))
        show_body(item->body, pinfo, show.tree, item);
}

static void show_stray(packet_info *pinfo, proto_tree *tree, tvbuff_t *body)
{
    static const struct mapi_message nothing = { .is_response = true, .session = NO_NUMBER, .leg = NO_NUMBER };
    struct body_job job = { .type = MAPI_NONE };
    int offset = 0;
    static const char what[] = "a body whose headers were not followed";
    proto_tree *inside = message_tree(body, pinfo, tree, 0, -1, what, what);
    if (show_envelope(body, pinfo, inside, &nothing, &offset) && tvb_reported_length_remaining(body, offset) > 0)
        sink_body(tvb_new_subset_remaining(body, offset), pinfo, inside, false, decode_body, &job);
}

/* A tree call may throw: what comes behind the message, or the body whose message was not followed, is shown all
 * the same. */
static void show_guarded(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct mapi_item *item,
                         tvbuff_t *stray)
{
    TRY
    {
        if (item)
            show_message(pinfo, tree, item);
        else
            show_stray(pinfo, tree, stray);
    }
    CATCH_BOUNDS_AND_DISSECTOR_ERRORS
    {
        show_exception(tvb, pinfo, tree, EXCEPT_CODE, GET_MESSAGE);
    }
    ENDTRY;
}

static void show_unfollowed(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, tvbuff_t *body)
{
    if (tree || outlook_wants_expert())
        show_guarded(tvb, pinfo, tree, NULL, body);
}

static void show_frame(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct mapi_note *note)
{
    /* What http wrote of these messages is said again, shorter. */
    if (note->items && pinfo->cinfo) {
        col_clear_fence(pinfo->cinfo, COL_INFO);
        col_clear(pinfo->cinfo, COL_INFO);
    }
    for (const struct mapi_item *item = note->items; item; item = item->next) {
        show_guarded(tvb, pinfo, tree, item, NULL);
        outlook_tap_rops(pinfo, item->message->rops);
        times_tap_message(pinfo, item->message);
    }
    outlook_show_verdicts(tvb, pinfo, tree, note->verdicts);
}

/* ---- Registration ----------------------------------------------------------------- */

void mapi_register_show(struct show_calls *calls)
{
    static hf_register_info of_mapi[] = {
        TEXT_ROW(hf_message, "Message", "mapihttp.message",
                 "Request type, and whether it is the request or the response"),
        FIELD_ROW(hf_headers, FT_NONE, BASE_NONE, NULL, 0, "Header fields", "mapihttp.headers",
                  "Those of MS-OXCMAPIHTTP 2.2.3 and of Exchange; http has all of them"),
        TEXT_ROW(hf_cookies, "Cookies", "mapihttp.cookies", "Which header they stand in: Cookie or Set-Cookie"),
        FIELD_ROW(hf_envelope, FT_NONE, BASE_NONE, NULL, 0, "Response envelope", "mapihttp.envelope",
                  "Meta-tags and additional headers in front of a response's body (MS-OXCMAPIHTTP 2.2.7)"),
        TEXT_ROW(hf_request_type, "Request type", "mapihttp.request_type",
                 "X-RequestType; of the request, on responses"),
        TEXT_ROW(hf_endpoint, "Endpoint", "mapihttp.endpoint",
                 "emsmdb for mailboxes, nspi for address books: by the path (MS-OXCMAPIHTTP 2.2.1)"),
        TEXT_ROW(hf_mailbox_id, "MailboxId", "mapihttp.mailbox_id", "From the query"),
        FIELD_ROW(hf_request_id, FT_GUID, BASE_NONE, NULL, 0, "Request id", "mapihttp.request_id", "X-RequestId"),
        NUMBER_ROW(hf_request_counter, FT_UINT32, "Request counter", "mapihttp.request_id.counter", "Of X-RequestId"),
        TEXT_ROW(hf_client_info, "Client info", "mapihttp.client_info", "X-ClientInfo"),
        TEXT_ROW(hf_client_application, "Client application", "mapihttp.client_application", "X-ClientApplication"),
        TEXT_ROW(hf_server_application, "Server application", "mapihttp.server_application", "X-ServerApplication"),
        TEXT_ROW(hf_device_info, "Device info", "mapihttp.device_info", "X-DeviceInfo"),
        NUMBER_ROW(hf_status, FT_UINT32, "HTTP status", "mapihttp.http_status",
                   "Of the response's status line; a failed request of MAPI/HTTP has 200 and X-ResponseCode"),
        FIELD_ROW(hf_code_header, FT_UINT32, BASE_DEC, VALS(response_codes), 0, "X-ResponseCode",
                  "mapihttp.response_code.header", "Each as sent; one in front of the body overrides that of the head"),
        FIELD_ROW(hf_response_code, FT_UINT32, BASE_DEC, VALS(response_codes), 0, "Response code",
                  "mapihttp.response_code", "The one in force"),
        INTERVAL_ROW(hf_pending_period, "Pending period", "mapihttp.pending_period", "X-PendingPeriod"),
        INTERVAL_ROW(hf_expiration_info, "Expires after", "mapihttp.expiration_info", "X-ExpirationInfo"),
        INTERVAL_ROW(hf_server_time, "Elapsed time on the server", "mapihttp.server_time",
                     "X-ElapsedTime, read as milliseconds"),
        MOMENT_ROW(hf_start_time, "Start time", "mapihttp.start_time", "X-StartTime"),
        INTERVAL_ROW(hf_time, "Time since request", "mapihttp.time",
                     "From the last byte of the request to the last byte of the response"),
        FRAME_ROW(hf_request_in, "Request in", "mapihttp.request_in", FRAMENUM_TYPE(FT_FRAMENUM_REQUEST),
                  "Where the request that this answers ends"),
        FRAME_ROW(hf_response_in, "Response in", "mapihttp.response_in", FRAMENUM_TYPE(FT_FRAMENUM_RESPONSE),
                  "Where the response to this request ends; known from the second pass on"),
        TEXT_ROW(hf_meta_tag, "Meta-tag", "mapihttp.meta_tag",
                 "PROCESSING, PENDING or DONE: a line in front of the body (MS-OXCMAPIHTTP 2.2.7)"),
        FRAME_ROW(hf_tag_frame, "Arrived in", "mapihttp.meta_tag.frame", NULL,
                  "The frame that brought this line of the response"),
        MOMENT_ROW(hf_tag_time, "Arrived at", "mapihttp.meta_tag.time", "When this line of the response was captured"),
        TEXT_ROW(hf_error_page, "Error page", "mapihttp.error_page", "In place of a body"),
        TEXT_ROW(hf_remark, "Remark", "mapihttp.remark", "What is odd about the message, but no fault"),
        NUMBER_ROW(hf_session, FT_UINT32, "Session", "mapihttp.session", "Number in order of appearance, from 0"),
        NUMBER_ROW(hf_leg, FT_UINT32, "Leg", "mapihttp.leg",
                   "On a load balancer each side has a leg of its own; 0 is the one seen first"),
        TEXT_ROW(hf_cookie_name, "Cookie", "mapihttp.cookie", "Its name"),
        TEXT_ROW(hf_context, "Context cookie", "mapihttp.session.context",
                 "Its beginning, and a digest of all of it: the same digest is the same value"),
        TEXT_ROW(hf_sequence, "Sequence cookie", "mapihttp.session.sequence",
                 "MapiSequence: changes with each request of a context (MS-OXCMAPIHTTP 3.2.5.2)"),
        TEXT_ROW(hf_server, "Server of the context", "mapihttp.session.server", "From MapiContext"),
        TEXT_ROW(hf_session_created, "Context created", "mapihttp.session.created", "From MapiContext"),
        TEXT_ROW(hf_context_number, "Context number", "mapihttp.session.context_number", "From MapiContext"),
        NUMBER_ROW(hf_context_counter, FT_UINT64, "Context counter", "mapihttp.session.context_counter",
                   "From MapiContext, behind its text"),
        TEXT_ROW(hf_routing_mailbox, "Routing mailbox", "mapihttp.routing.mailbox", "From MapiRouting"),
        MOMENT_ROW(hf_routing_time, "Routing time", "mapihttp.routing.time", "From MapiRouting"),
    };
    static hf_register_info of_outlook[] = {
        TEXT_ROW(hf_back_end, "Back end", "outlook.back_end", "X-CalculatedBETarget, else X-BEServer"),
        TEXT_ROW(hf_be_server, "X-BEServer", "outlook.be_server", "Back end that answered, by its short name"),
        TEXT_ROW(hf_calculated_be, "X-CalculatedBETarget", "outlook.calculated_be_target",
                 "Back end that the front end chose"),
        TEXT_ROW(hf_calculated_fe, "X-CalculatedFETarget", "outlook.calculated_fe_target",
                 "Front end that another one handed the request to"),
        TEXT_ROW(hf_diag_info, "X-DiagInfo", "outlook.diag_info", "Server that wrote this header of the response"),
        TEXT_ROW(hf_back_end_status, "Status of the back end", "outlook.back_end_status", "X-BackEndHttpStatus"),
        TEXT_ROW(hf_failure_text, "Failure context, decoded", "outlook.failure_context.text",
                 "What X-FailureContext has in base64: the error as text"),
        TEXT_ROW(hf_backend_cookie, "Back-end cookie says", "outlook.backend_cookie", "From X-BackEndCookie"),
        TEXT_ROW(hf_persistence, "Persistence cookie names", "outlook.persistence_server",
                 "Server that a load balancer's cookie names"),
    };
    static int *ett[] = { &ett_message, &ett_headers, &ett_tags, &ett_tag, &ett_cookies };
    for (uint32_t code = 0; code < MAPI_CODES; code++)
        response_codes[code] = (value_string){ code, mapi_code_name(code) };
    proto_register_field_array(proto_mapihttp, of_mapi, array_length(of_mapi));
    proto_register_field_array(proto_outlook, of_outlook, array_length(of_outlook));
    proto_register_subtree_array(ett, array_length(ett));
    sink_register();
    hf_user_dn = proto_registrar_get_id_byname("mapihttp.connect.user_dn");
    calls->mapi_stray = show_unfollowed;
    calls->mapi_frame = show_frame;
}
