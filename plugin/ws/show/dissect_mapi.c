/* dissect_mapi.c
 * Shows messages of MAPI/HTTP: the headers of MS-OXCMAPIHTTP 2.2.3 and of Exchange, the
 * session they belong to, the logon, and the typed body.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "dissect_mapi.h"

#include <stdlib.h>

#include <epan/exceptions.h>
#include <epan/expert.h>
#include <epan/show_exception.h>

#include "bodies.h"
#include "date.h"
#include "dissect_outlook.h"
#include "envelope.h"
#include "exchange_cookies.h"
#include "ids.h"
#include "say.h"
#include "sink_tree.h"

static int hf_request_type = -1, hf_endpoint = -1, hf_mailbox_id = -1, hf_client_info = -1, hf_client_application = -1;
static int hf_server_application = -1, hf_device_info = -1, hf_meta_tag = -1, hf_context = -1, hf_sequence = -1;
static int hf_server = -1, hf_session_created = -1, hf_routing_mailbox = -1, hf_routing_time = -1, hf_cookie_name = -1;
static int hf_request_id = -1, hf_request_counter = -1, hf_response_code = -1, hf_session = -1, hf_leg = -1;
static int hf_pending_period = -1, hf_expiration_info = -1, hf_server_time = -1, hf_time = -1, hf_start_time = -1;
static int hf_request_in = -1, hf_response_in = -1, hf_user_dn = -1;
static int hf_error_page = -1, hf_tag_frame = -1, hf_tag_time = -1, hf_status = -1, hf_remark = -1, hf_code_header = -1;
static int hf_context_number = -1, hf_context_counter = -1, hf_backend_cookie = -1;
static int hf_back_end = -1, hf_be_server = -1, hf_calculated_be = -1, hf_calculated_fe = -1, hf_diag_info = -1;
static int hf_back_end_status = -1, hf_failure_text = -1, hf_persistence = -1;

static int ett_message = -1, ett_tags = -1, ett_tag = -1, ett_cookies = -1;

/* Filled from the names in the core before anything is registered with them. */
static value_string response_codes[MAPI_CODES + 1];

/* ---- Headers ---------------------------------------------------------------------- */

struct show {
    packet_info *pinfo;
    proto_tree *tree;
    tvbuff_t *tvb;               /* the head's */
    const uint8_t *base;         /* its bytes, at offset 0 of tvb */
    bool mailbox_id, client_application;         /* this message has one */
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

static proto_item *show_string(const struct show *show, int hf, struct span value)
{
    return proto_tree_add_string(show->tree, hf, show->tvb, offset_of(show, value), (int)value.len, text_of(show, value));
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
    if (!number_of(value, &ms))
        return;
    nstime_t time = { (time_t)(ms / 1000), (int)(ms % 1000) * 1000000 };
    proto_tree_add_time(show->tree, hf, show->tvb, offset_of(show, value), (int)value.len, &time);
}

static void show_date(const struct show *show, int hf, struct span value)
{
    int64_t seconds;
    if (!http_date_decode(value, &seconds))
        return;
    nstime_t time = { (time_t)seconds, 0 };
    proto_tree_add_time(show->tree, hf, show->tvb, offset_of(show, value), (int)value.len, &time);
}

/* "{GUID}:counter" (2.2.3.3.2). */
static void show_request_id(const struct show *show, struct span value)
{
    const char *text = text_of(show, value);
    const char *colon = strrchr(text, ':');
    e_guid_t guid;
    unsigned part[11];
    int used = 0;
    const char *start = *text == '{' ? text + 1 : text;
    if (sscanf(start, "%8x-%4x-%4x-%2x%2x-%2x%2x%2x%2x%2x%2x%n", &part[0], &part[1], &part[2], &part[3], &part[4],
               &part[5], &part[6], &part[7], &part[8], &part[9], &part[10], &used) == 11) {
        guid.data1 = part[0];
        guid.data2 = (uint16_t)part[1];
        guid.data3 = (uint16_t)part[2];
        for (int i = 0; i < 8; i++)
            guid.data4[i] = (uint8_t)part[3 + i];
        proto_tree_add_guid(show->tree, hf_request_id, show->tvb, offset_of(show, value), (int)value.len, &guid);
    }
    uint64_t counter;
    if (colon) {
        struct span digits = { value.ptr + (colon + 1 - text), value.len - (size_t)(colon + 1 - text) };
        if (number_of(digits, &counter) && counter <= UINT32_MAX)
            proto_tree_add_uint(show->tree, hf_request_counter, show->tvb, offset_of(show, digits), (int)digits.len,
                                (uint32_t)counter);
    }
}

static void show_context(const struct show *show, struct span value)
{
    struct exch_context context;
    show_string(show, hf_context, value);
    if (!exch_context_decode(value, &context))
        return;
    proto_tree_add_string(show->tree, hf_server, show->tvb, offset_of(show, value), (int)value.len, context.server);
    proto_tree_add_string(show->tree, hf_session_created, show->tvb, offset_of(show, value), (int)value.len, context.time);
    proto_tree_add_string(show->tree, hf_context_number, show->tvb, offset_of(show, value), (int)value.len,
                          context.number);
    proto_tree_add_uint64(show->tree, hf_context_counter, show->tvb, offset_of(show, value), (int)value.len,
                          context.counter);
}

static void show_routing(const struct show *show, struct span value)
{
    struct exch_routing routing;
    if (!exch_routing_decode(value, &routing))
        return;
    proto_tree_add_string(show->tree, hf_routing_mailbox, show->tvb, offset_of(show, value), (int)value.len,
                          routing.mailbox);
    nstime_t time = { (time_t)(routing.ns / 1000000000), (int)(routing.ns % 1000000000) };
    proto_tree_add_time(show->tree, hf_routing_time, show->tvb, offset_of(show, value), (int)value.len, &time);
}

static void show_cookie(const struct show *show, struct span name, struct span value)
{
    char server[HTTP_NAME_MAX], text[HTTP_BACKEND_COOKIE_MAX];
    show_string(show, hf_cookie_name, name);
    if (span_equals_nocase(name, "X-BackEndCookie") && http_backend_cookie(value, text))
        proto_tree_add_string(show->tree, hf_backend_cookie, show->tvb, offset_of(show, value), (int)value.len, text);
    if (span_equals_nocase(name, "MapiContext") || span_equals_nocase(name, "sid"))
        show_context(show, value);
    else if (span_equals_nocase(name, "MapiSequence") || span_equals_nocase(name, "sequence"))
        show_string(show, hf_sequence, value);
    else if (span_equals_nocase(name, "MapiRouting"))
        show_routing(show, value);
    else if (http_persistence_server(name, value, server))
        proto_tree_add_string(show->tree, hf_persistence, show->tvb, offset_of(show, value), (int)value.len, server);
}

static void show_cookies(const struct show *show, struct span value, bool set)
{
    struct show inside = *show;
    struct span name, content;
    size_t pos = 0;
    inside.tree = proto_tree_add_subtree(show->tree, show->tvb, offset_of(show, value), (int)value.len, ett_cookies, NULL,
                                         set ? "Set-Cookie" : "Cookie");
    while (http_cookie_next(value, &pos, &name, &content)) {
        show_cookie(&inside, name, content);
        if (set)
            break;               /* attributes follow */
    }
}

/* "FrontEnd;401;<base64>;...": what is base64 of text is said as text. */
static void show_failure_context(const struct show *show, struct span value)
{
    size_t from = 0;
    for (size_t at = 0; at <= value.len; at++) {
        if (at < value.len && value.ptr[at] != ';')
            continue;
        char *part = wmem_strndup(show->pinfo->pool, (const char *)value.ptr + from, at - from);
        size_t part_len = at - from;
        from = at + 1;
        gsize len = 0;
        if (part_len < 8 || part_len % 4 != 0 || strspn(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
            != part_len)
            continue;
        guchar *bytes = g_base64_decode(part, &len);
        if (bytes && len > 0 && g_utf8_validate((const char *)bytes, (gssize)len, NULL)) {
            char *text = wmem_strndup(show->pinfo->pool, (const char *)bytes, len);
            proto_item_set_generated(proto_tree_add_string(show->tree, hf_failure_text, show->tvb,
                                                           offset_of(show, value), (int)value.len, text));
        }
        g_free(bytes);
    }
}

static void show_code(const struct show *show, struct span value)
{
    uint64_t code;
    if (number_of(value, &code) && code <= UINT32_MAX)
        proto_tree_add_uint(show->tree, hf_code_header, show->tvb, offset_of(show, value), (int)value.len, (uint32_t)code);
}

/* A header line of the head or in front of the body (2.2.7). */
static void show_header(const struct show *show, struct span name, struct span value)
{
    static const struct {
        const char *name;
        int *hf;
        void (*how)(const struct show *show, int hf, struct span value);
    } plain[] = {
        { "X-ClientInfo", &hf_client_info, NULL },
        { "X-ClientApplication", &hf_client_application, NULL },
        { "X-ServerApplication", &hf_server_application, NULL },
        { "X-DeviceInfo", &hf_device_info, NULL },
        { "X-PendingPeriod", &hf_pending_period, show_milliseconds },
        { "X-ExpirationInfo", &hf_expiration_info, show_milliseconds },
        { "X-ElapsedTime", &hf_server_time, show_milliseconds },
        { "X-StartTime", &hf_start_time, show_date },
        { "client-request-id", &outlook_hf_client_request_id, NULL },
        { "request-id", &outlook_hf_request_id, NULL },
        { "X-FEServer", &outlook_hf_front_end, NULL },
        { "X-BEServer", &hf_be_server, NULL },
        { "X-CalculatedBETarget", &hf_calculated_be, NULL },
        { "X-CalculatedFETarget", &hf_calculated_fe, NULL },
        { "X-DiagInfo", &hf_diag_info, NULL },
        { "X-BackEndHttpStatus", &hf_back_end_status, NULL },
        { "X-FailureContext", &outlook_hf_failure_context, NULL },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(plain); i++) {
        if (!span_equals_nocase(name, plain[i].name))
            continue;
        if (plain[i].how)
            plain[i].how(show, *plain[i].hf, value);
        else
            show_string(show, *plain[i].hf, value);
    }
    if (span_equals_nocase(name, "X-RequestId"))
        show_request_id(show, value);
    else if (span_equals_nocase(name, "X-ResponseCode"))
        show_code(show, value);
    else if (span_equals_nocase(name, "X-FailureContext"))
        show_failure_context(show, value);
    else if (span_equals_nocase(name, "Cookie"))
        show_cookies(show, value, false);
    else if (span_equals_nocase(name, "Set-Cookie"))
        show_cookies(show, value, true);
}

static void show_mailbox_id(struct show *show, struct span uri)
{
    static const char key[] = "mailboxid=";
    for (size_t at = 0; at + sizeof key - 1 <= uri.len; at++) {
        if ((at > 0 && uri.ptr[at - 1] != '?' && uri.ptr[at - 1] != '&')
            || g_ascii_strncasecmp((const char *)uri.ptr + at, key, sizeof key - 1) != 0)
            continue;
        struct span value = { uri.ptr + at + sizeof key - 1, 0 };
        while (value.ptr + value.len < uri.ptr + uri.len && value.ptr[value.len] != '&' && value.ptr[value.len] != '#')
            value.len++;
        char *text = g_uri_unescape_segment((const char *)value.ptr, (const char *)value.ptr + value.len, NULL);
        show->mailbox_id = text != NULL;
        if (text)
            proto_tree_add_string(show->tree, hf_mailbox_id, show->tvb, offset_of(show, value), (int)value.len, text);
        g_free(text);
        return;
    }
}

static void show_head(struct show *show, const struct http_head *head)
{
    struct span name, value, back_end = { NULL, 0 };
    size_t pos = 0;
    if (head->is_request)
        show_mailbox_id(show, head->uri);
    else
        proto_tree_add_uint(show->tree, hf_status, show->tvb, offset_of(show, head->reason) - 4, 3, head->status);
    while (http_head_next(head, &pos, &name, &value)) {
        show->client_application |= span_equals_nocase(name, "X-ClientApplication");
        show_header(show, name, value);
    }
    if (http_head_find(head, "X-CalculatedBETarget", &back_end) || http_head_find(head, "X-BEServer", &back_end))
        show_string(show, hf_back_end, back_end);
}

/* ---- What the state knows --------------------------------------------------------- */

/* The specification's spelling of the request type, else the sender's; NULL if there is none. */
static const char *type_text(const struct mapi_message *message)
{
    const char *name = mapi_type_name((enum mapi_type)message->type);
    return name ? name : message->type_name;
}

static void show_state(proto_tree *tree, packet_info *pinfo, tvbuff_t *tvb, const struct mapi_message *message,
                       const struct show *shown)
{
    static const char *const endpoints[] = { "", "emsmdb", "nspi" };
    outlook_show_known(tree, hf_request_type, tvb, message->is_response ? type_text(message) : NULL);
    if (message->endpoint < G_N_ELEMENTS(endpoints))
        outlook_show_known(tree, hf_endpoint, tvb, endpoints[message->endpoint]);
    if (message->session != NO_NUMBER)
        proto_item_set_generated(proto_tree_add_uint(tree, hf_session, tvb, 0, 0, message->session));
    if (message->leg != NO_NUMBER)
        proto_item_set_generated(proto_tree_add_uint(tree, hf_leg, tvb, 0, 0, message->leg));
    if (!shown->mailbox_id)
        outlook_show_known(tree, hf_mailbox_id, tvb, message->mailbox);
    if (!shown->client_application)
        outlook_show_known(tree, hf_client_application, tvb, message->client_application);
    /* Connect itself has it in its body. */
    if (message->is_response || message->type != MAPI_CONNECT)
        outlook_show_known(tree, hf_user_dn, tvb, message->user_dn);
    if (message->is_response && message->has_code)
        proto_item_set_generated(proto_tree_add_uint(tree, hf_response_code, tvb, 0, 0, message->code));
    if (message->request_frame)
        proto_item_set_generated(proto_tree_add_uint(tree, hf_request_in, tvb, 0, 0, message->request_frame));
    /* Known only once the response was met: as with http.response_in. */
    if (!message->is_response && message->response_frame && PINFO_FD_VISITED(pinfo))
        proto_item_set_generated(proto_tree_add_uint(tree, hf_response_in, tvb, 0, 0, message->response_frame));
    if (message->is_response && message->elapsed_ns >= 0)
        outlook_show_interval(tree, hf_time, tvb, message->elapsed_ns);
    if (message->elapsed_in_seconds)
        outlook_show_known(tree, hf_remark, tvb,
                           "X-ElapsedTime is about a thousandth of the measured time: this server reports seconds");
    outlook_show_auth(tree, tvb, message->auth);
}

/* ---- Bodies ----------------------------------------------------------------------- */

struct body_job {
    enum mapi_type type;
    bool response;
    struct mapi_facts facts;
};

static void decode_body(struct reader *reader, void *arg)
{
    struct body_job *job = (struct body_job *)arg;
    mapi_read_body(reader, job->type, job->response, &job->facts);
}

static void show_tag(proto_tree *tree, tvbuff_t *tvb, const struct mapi_message *message, unsigned index,
                     const struct mapi_meta *meta)
{
    proto_item *item = proto_tree_add_string(tree, hf_meta_tag, tvb, (int)meta->offset, (int)meta->len,
                                             meta_tag_name((enum meta_kind)meta->kind));
    if (index >= message->tag_count)
        return;
    const struct mapi_tag_time *arrived = &message->tags[index];
    proto_tree *inside = proto_item_add_subtree(item, ett_tag);
    int64_t after = arrived->when.ns - message->begin.ns;
    proto_item_append_text(item, " (frame %u, %.3f s after the response began)", arrived->when.frame,
                           (double)after / 1e9);
    proto_item_set_generated(proto_tree_add_uint(inside, hf_tag_frame, tvb, 0, 0, arrived->when.frame));
    nstime_t time = { (time_t)(arrived->when.ns / 1000000000), (int)(arrived->when.ns % 1000000000) };
    proto_item_set_generated(proto_tree_add_time(inside, hf_tag_time, tvb, 0, 0, &time));
}

/* The scanner keeps what it was given only as long as the call; the buffer has it whole. */
static struct span whole_value(const uint8_t *p, const struct mapi_meta *meta)
{
    struct span value = { p + meta->value_offset, meta->value_len };
    return value;
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
                show.tree = proto_tree_add_subtree(tree, tvb, 0, 0, ett_tags, &item, "Response envelope");
            if (meta.kind == META_HEADER)
                show_header(&show, meta.name, whole_value(p, &meta));
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

static void show_body(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct mapi_item *item)
{
    const struct mapi_message *message = item->message;
    struct body_job job = { .type = (enum mapi_type)message->type, .response = message->is_response };
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

static void describe(struct text *text, const struct mapi_message *message, unsigned status, const char *counter)
{
    const char *type = type_text(message);
    say(text, "%s %s", type ? type : "MAPI/HTTP", message->is_response ? "response" : "request");
    if (counter)
        say(text, " :%s", counter);
    if (message->cut)
        say(text, " (cut)");
    if (!message->is_response) {
        if (message->session != NO_NUMBER)
            say(text, ", session %u", message->session);
        return;
    }
    if (status != 200 && status != 0)
        say(text, ", HTTP %u", status);
    if (message->has_code)
        say(text, ", code %u %s", message->code, mapi_code_name(message->code));
    if (message->elapsed_ns >= 0)
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

static void show_message(packet_info *pinfo, proto_tree *tree, const struct mapi_item *item)
{
    const struct mapi_message *message = item->message;
    tvbuff_t *frame = get_data_source_tvb((const struct data_source *)pinfo->data_src->data);
    tvbuff_t *at = item->head, *body = item->body;
    int offset = item->head_offset;
    struct http_head head;
    /* What http has no buffer for in this frame is shown from our own copy of head and body. */
    const bool no_body = !body && !item->encoded && !item->page && item->kept_len > item->head_len;
    if (item->kept && (!at || no_body)) {
        tvbuff_t *copy = tvb_new_child_real_data(frame, item->kept, item->kept_len, (int)item->kept_len);
        add_new_data_source(pinfo, copy, "Followed MAPI/HTTP");
        if (!at) {
            at = copy;
            offset = 0;
        }
        if (no_body)
            body = tvb_new_subset_remaining(copy, (int)item->head_len);
    }
    const bool has_head = at && http_head_parse(tvb_get_ptr(at, offset, (int)item->head_len), item->head_len, &head)
        == HTTP_HEAD_OK;
    struct text text = { .used = 0 };
    describe(&text, message, has_head && !head.is_request ? head.status : 0,
             has_head && head.is_request ? counter_of(pinfo, &head) : NULL);
    outlook_show_in_info(pinfo, "MAPI/HTTP", text.s);
    if (!has_head)
        at = frame;
    proto_item *top = proto_tree_add_protocol_format(tree, proto_mapihttp, at, has_head ? offset : 0,
                                                     has_head ? (int)item->head_len : 0, "MAPI over HTTP, %s", text.s);
    proto_tree *inside = proto_item_add_subtree(top, ett_message);
    struct show show = { .pinfo = pinfo, .tree = inside, .tvb = at };
    if (tree && has_head) {
        show.base = tvb_get_ptr(at, 0, offset + (int)item->head_len);
        struct span type;
        if (head.is_request && http_head_find(&head, "X-RequestType", &type))
            proto_tree_add_string(inside, hf_request_type, at, offset_of(&show, type), (int)type.len,
                                  type_text(message) ? type_text(message) : text_of(&show, type));
        show_head(&show, &head);
    }
    if (tree)
        show_state(inside, pinfo, at, message, &show);
    if (body && (tree || outlook_wants_expert()))
        show_body(body, pinfo, inside, item);
}

static void show_stray(packet_info *pinfo, proto_tree *tree, tvbuff_t *body)
{
    static const struct mapi_message nothing = { .is_response = true, .session = NO_NUMBER, .leg = NO_NUMBER };
    struct body_job job = { .type = MAPI_NONE };
    int offset = 0;
    proto_item *top = proto_tree_add_protocol_format(tree, proto_mapihttp, body, 0, -1,
                                                     "MAPI over HTTP, a body whose headers were not followed");
    proto_tree *inside = proto_item_add_subtree(top, ett_message);
    if (show_envelope(body, pinfo, inside, &nothing, &offset) && tvb_reported_length_remaining(body, offset) > 0)
        sink_body(tvb_new_subset_remaining(body, offset), pinfo, inside, false, decode_body, &job);
}

void mapi_show_stray(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, tvbuff_t *body)
{
    if (!tree && !outlook_wants_expert())
        return;
    TRY {
        show_stray(pinfo, tree, body);
    }
    CATCH_BOUNDS_AND_DISSECTOR_ERRORS {
        show_exception(tvb, pinfo, tree, EXCEPT_CODE, GET_MESSAGE);
    }
    ENDTRY;
}

/* A tree call may throw: what comes behind the message is shown all the same. */
static void show_guarded(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct mapi_item *item)
{
    TRY {
        show_message(pinfo, tree, item);
    }
    CATCH_BOUNDS_AND_DISSECTOR_ERRORS {
        show_exception(tvb, pinfo, tree, EXCEPT_CODE, GET_MESSAGE);
    }
    ENDTRY;
}

void mapi_show_frame(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct mapi_note *note)
{
    /* What http wrote of these messages is said again, shorter. */
    if (note->items && pinfo->cinfo) {
        col_clear_fence(pinfo->cinfo, COL_INFO);
        col_clear(pinfo->cinfo, COL_INFO);
    }
    for (const struct mapi_item *item = note->items; item; item = item->next)
        show_guarded(tvb, pinfo, tree, item);
    if (note->verdicts) {
        proto_item *item = proto_tree_add_protocol_format(tree, proto_mapihttp, tvb, 0, 0, "MAPI over HTTP, verdict");
        proto_item_set_generated(item);
        outlook_show_verdicts(tvb, pinfo, proto_item_add_subtree(item, ett_message), note->verdicts);
    }
}

/* ---- Registration ----------------------------------------------------------------- */

void mapi_register_fields(void)
{
    static hf_register_info of_mapi[] = {
        { &hf_request_type, { "Request type", "mapihttp.request_type", FT_STRING, BASE_NONE, NULL, 0,
          "X-RequestType; of the request, on responses", HFILL } },
        { &hf_endpoint, { "Endpoint", "mapihttp.endpoint", FT_STRING, BASE_NONE, NULL, 0, NULL, HFILL } },
        { &hf_mailbox_id, { "MailboxId", "mapihttp.mailbox_id", FT_STRING, BASE_NONE, NULL, 0, "From the query", HFILL } },
        { &hf_request_id, { "Request id", "mapihttp.request_id", FT_GUID, BASE_NONE, NULL, 0, "X-RequestId", HFILL } },
        { &hf_request_counter, { "Request counter", "mapihttp.request_id.counter", FT_UINT32, BASE_DEC, NULL, 0,
          "Of X-RequestId", HFILL } },
        { &hf_client_info, { "Client info", "mapihttp.client_info", FT_STRING, BASE_NONE, NULL, 0, "X-ClientInfo", HFILL } },
        { &hf_client_application, { "Client application", "mapihttp.client_application", FT_STRING, BASE_NONE, NULL, 0,
          "X-ClientApplication", HFILL } },
        { &hf_server_application, { "Server application", "mapihttp.server_application", FT_STRING, BASE_NONE, NULL, 0,
          "X-ServerApplication", HFILL } },
        { &hf_device_info, { "Device info", "mapihttp.device_info", FT_STRING, BASE_NONE, NULL, 0, "X-DeviceInfo", HFILL } },
        { &hf_status, { "HTTP status", "mapihttp.http_status", FT_UINT32, BASE_DEC, NULL, 0, NULL, HFILL } },
        { &hf_code_header, { "X-ResponseCode", "mapihttp.response_code.header", FT_UINT32, BASE_DEC, VALS(response_codes), 0,
          "Each as sent; one in front of the body overrides that of the head", HFILL } },
        { &hf_response_code, { "Response code", "mapihttp.response_code", FT_UINT32, BASE_DEC, VALS(response_codes), 0,
          "The one in force", HFILL } },
        { &hf_pending_period, { "Pending period", "mapihttp.pending_period", FT_RELATIVE_TIME, BASE_NONE, NULL, 0,
          "X-PendingPeriod", HFILL } },
        { &hf_expiration_info, { "Expires after", "mapihttp.expiration_info", FT_RELATIVE_TIME, BASE_NONE, NULL, 0,
          "X-ExpirationInfo", HFILL } },
        { &hf_server_time, { "Elapsed time on the server", "mapihttp.server_time", FT_RELATIVE_TIME, BASE_NONE, NULL, 0,
          "X-ElapsedTime, read as milliseconds", HFILL } },
        { &hf_start_time, { "Start time", "mapihttp.start_time", FT_ABSOLUTE_TIME, ABSOLUTE_TIME_UTC, NULL, 0,
          "X-StartTime", HFILL } },
        { &hf_time, { "Time since request", "mapihttp.time", FT_RELATIVE_TIME, BASE_NONE, NULL, 0,
          "From the last byte of the request to the last byte of the response", HFILL } },
        { &hf_request_in, { "Request in", "mapihttp.request_in", FT_FRAMENUM, BASE_NONE,
          FRAMENUM_TYPE(FT_FRAMENUM_REQUEST), 0, NULL, HFILL } },
        { &hf_response_in, { "Response in", "mapihttp.response_in", FT_FRAMENUM, BASE_NONE,
          FRAMENUM_TYPE(FT_FRAMENUM_RESPONSE), 0, NULL, HFILL } },
        { &hf_meta_tag, { "Meta-tag", "mapihttp.meta_tag", FT_STRING, BASE_NONE, NULL, 0, NULL, HFILL } },
        { &hf_tag_frame, { "Arrived in", "mapihttp.meta_tag.frame", FT_FRAMENUM, BASE_NONE, NULL, 0, NULL, HFILL } },
        { &hf_tag_time, { "Arrived at", "mapihttp.meta_tag.time", FT_ABSOLUTE_TIME, ABSOLUTE_TIME_UTC, NULL, 0, NULL,
          HFILL } },
        { &hf_error_page, { "Error page", "mapihttp.error_page", FT_STRING, BASE_NONE, NULL, 0,
          "In place of a body", HFILL } },
        { &hf_remark, { "Remark", "mapihttp.remark", FT_STRING, BASE_NONE, NULL, 0, NULL, HFILL } },
        { &hf_session, { "Session", "mapihttp.session", FT_UINT32, BASE_DEC, NULL, 0,
          "Number in order of appearance, from 0", HFILL } },
        { &hf_leg, { "Leg", "mapihttp.leg", FT_UINT32, BASE_DEC, NULL, 0,
          "On a load balancer each side has a leg of its own; 0 is the one seen first", HFILL } },
        { &hf_cookie_name, { "Cookie", "mapihttp.cookie", FT_STRING, BASE_NONE, NULL, 0, "Its name", HFILL } },
        { &hf_context, { "Context cookie", "mapihttp.session.context", FT_STRING, BASE_NONE, NULL, 0, NULL, HFILL } },
        { &hf_sequence, { "Sequence cookie", "mapihttp.session.sequence", FT_STRING, BASE_NONE, NULL, 0, NULL, HFILL } },
        { &hf_server, { "Server of the context", "mapihttp.session.server", FT_STRING, BASE_NONE, NULL, 0,
          "From MapiContext", HFILL } },
        { &hf_session_created, { "Context created", "mapihttp.session.created", FT_STRING, BASE_NONE, NULL, 0,
          "From MapiContext", HFILL } },
        { &hf_context_number, { "Context number", "mapihttp.session.context_number", FT_STRING, BASE_NONE, NULL, 0,
          "From MapiContext", HFILL } },
        { &hf_context_counter, { "Context counter", "mapihttp.session.context_counter", FT_UINT64, BASE_DEC, NULL, 0,
          "From MapiContext, behind its text", HFILL } },
        { &hf_routing_mailbox, { "Routing mailbox", "mapihttp.routing.mailbox", FT_STRING, BASE_NONE, NULL, 0,
          "From MapiRouting", HFILL } },
        { &hf_routing_time, { "Routing time", "mapihttp.routing.time", FT_ABSOLUTE_TIME, ABSOLUTE_TIME_UTC, NULL, 0,
          "From MapiRouting", HFILL } },
    };
    static hf_register_info of_outlook[] = {
        { &hf_back_end, { "Back end", "outlook.back_end", FT_STRING, BASE_NONE, NULL, 0,
          "X-CalculatedBETarget, else X-BEServer", HFILL } },
        { &hf_be_server, { "X-BEServer", "outlook.be_server", FT_STRING, BASE_NONE, NULL, 0, NULL, HFILL } },
        { &hf_calculated_be, { "X-CalculatedBETarget", "outlook.calculated_be_target", FT_STRING, BASE_NONE, NULL, 0, NULL,
          HFILL } },
        { &hf_calculated_fe, { "X-CalculatedFETarget", "outlook.calculated_fe_target", FT_STRING, BASE_NONE, NULL, 0, NULL,
          HFILL } },
        { &hf_diag_info, { "X-DiagInfo", "outlook.diag_info", FT_STRING, BASE_NONE, NULL, 0, NULL, HFILL } },
        { &hf_back_end_status, { "Status of the back end", "outlook.back_end_status", FT_STRING, BASE_NONE, NULL, 0,
          "X-BackEndHttpStatus", HFILL } },
        { &hf_failure_text, { "Failure context, decoded", "outlook.failure_context.text", FT_STRING, BASE_NONE, NULL, 0,
          NULL, HFILL } },
        { &hf_backend_cookie, { "Back-end cookie says", "outlook.backend_cookie", FT_STRING, BASE_NONE, NULL, 0,
          "From X-BackEndCookie", HFILL } },
        { &hf_persistence, { "Persistence cookie names", "outlook.persistence_server", FT_STRING, BASE_NONE, NULL, 0,
          "Server that a load balancer's cookie names", HFILL } },
    };
    static int *ett[] = { &ett_message, &ett_tags, &ett_tag, &ett_cookies };
    for (uint32_t code = 0; code < MAPI_CODES; code++)
        response_codes[code] = (value_string){ code, mapi_code_name(code) };
    proto_register_field_array(proto_mapihttp, of_mapi, array_length(of_mapi));
    proto_register_field_array(proto_outlook, of_outlook, array_length(of_outlook));
    proto_register_subtree_array(ett, array_length(ett));
    sink_register();
    hf_user_dn = proto_registrar_get_id_byname("mapihttp.connect.user_dn");
}
