/* dissect_mapi.c
 * Shows messages of MAPI/HTTP: the session they belong to, the logon, and the typed body.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "dissect_mapi.h"

#include <epan/exceptions.h>
#include <epan/show_exception.h>

#include "bodies.h"
#include "dissect_outlook.h"
#include "envelope.h"
#include "ids.h"
#include "layers.h"
#include "mapi_heads.h"
#include "names.h"
#include "notes.h"
#include "registration.h"
#include "rops.h"
#include "rows.h"
#include "say.h"
#include "sink_tree.h"
#include "store.h"
#include "times.h"

static int hf_endpoint, hf_meta_tag, hf_session, hf_leg, hf_time, hf_request_in, hf_response_in, hf_error_page,
    hf_tag_frame, hf_tag_time, hf_remark, hf_message, hf_envelope;
static int ett_message = -1, ett_tags = -1, ett_tag = -1;

/* ---- What the state knows --------------------------------------------------------- */

/* The specification's spelling of the request type, else the sender's; NULL if there is none. */
static const char *type_text(const struct mapi_message *message)
{
    const char *name = mapi_type_name(message->type);
    return name ? name : message->type_name;
}

/* What a Connect has in its body, which is registered with the layouts. */
static int user_dn_field(void)
{
    static int hf;
    if (hf == 0)
        hf = proto_registrar_get_id_byname("mapihttp.connect.user_dn");
    return hf;
}

static void show_state(const struct mapi_show *show, const struct mapi_message *message)
{
    proto_tree *tree = show->tree;
    tvbuff_t *tvb = show->tvb;
    static const char *const endpoints[] = { "", "emsmdb", "nspi" };
    outlook_show_known(tree, mapi_hf_request_type, tvb, message->is_response ? type_text(message) : NULL);
    if (message->endpoint < G_N_ELEMENTS(endpoints))
        outlook_show_known(tree, hf_endpoint, tvb, endpoints[message->endpoint]);
    outlook_show_number(tree, hf_session, tvb, message->session);
    outlook_show_number(tree, hf_leg, tvb, outlook_message_leg(store_outlook(), message));
    if (!show->mailbox_id)
        outlook_show_known(tree, mapi_hf_mailbox_id, tvb, message->mailbox);
    if (!show->client_application)
        outlook_show_known(tree, mapi_hf_client_application, tvb, message->client_application);
    /* Connect itself has it in its body. */
    if (message->is_response || message->type != MAPI_CONNECT)
        outlook_show_known(tree, user_dn_field(), tvb, message->user_dn);
    if (message->is_response && message->has_code)
        proto_item_set_generated(proto_tree_add_uint(tree, mapi_hf_response_code, tvb, 0, 0, message->code));
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
    struct mapi_show show = { .pinfo = pinfo, .tvb = tvb, .base = p };
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
                mapi_show_header(&show, meta.name, (struct span){ p + meta.value_offset, meta.value_len });
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
    struct mapi_show show = { .pinfo = pinfo,
                              .tree = message_tree(at, pinfo, tree, offset, len, tree ? kind_of(pinfo, message) : "",
                                                   text.s),
                              .tvb = at };
    if (has_head && heads_are_seen(tree))
        mapi_show_head(&show, offset, item->head_len, &head, type_text(message));
    if (heads_are_seen(tree))
        show_state(&show, message);
    if (item->body && outlook_bodies_are_seen(tree, proto_mapihttp))
        show_body(item->body, pinfo, show.tree, item);
}

static void show_stray(packet_info *pinfo, proto_tree *tree, tvbuff_t *body)
{
    static const struct mapi_message nothing = { .is_response = true,
                                                 .session = NO_NUMBER,
                                                 .leg = NO_NUMBER,
                                                 .row = NO_NUMBER };
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
        FIELD_ROW(hf_envelope, FT_NONE, BASE_NONE, NULL, 0, "Response envelope", "mapihttp.envelope",
                  "Meta-tags and additional headers in front of a response's body (MS-OXCMAPIHTTP 2.2.7)"),
        TEXT_ROW(hf_endpoint, "Endpoint", "mapihttp.endpoint",
                 "emsmdb for mailboxes, nspi for address books: by the path (MS-OXCMAPIHTTP 2.2.1)"),
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
        NUMBER_ROW(
            hf_leg, FT_UINT32, "Leg", "mapihttp.leg",
            "On a load balancer each side has a leg of its own; 0 is the one seen first, unless it is proved to be behind another"),
    };
    static int *ett[] = { &ett_message, &ett_tags, &ett_tag };
    mapi_heads_register();
    fields_add(proto_mapihttp, of_mapi, array_length(of_mapi));
    proto_register_subtree_array(ett, array_length(ett));
    sink_register();
    calls->mapi_stray = show_unfollowed;
    calls->mapi_frame = show_frame;
}
