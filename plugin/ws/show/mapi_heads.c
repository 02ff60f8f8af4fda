/* mapi_heads.c
 * Shows the headers of MS-OXCMAPIHTTP 2.2.3 and of Exchange, and what cookies say.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "mapi_heads.h"

#include "cookie.h"
#include "date.h"
#include "dissect_outlook.h"
#include "exchange_cookies.h"
#include "ids.h"
#include "registration.h"
#include "rows.h"
#include "store.h"

int mapi_hf_request_type, mapi_hf_mailbox_id, mapi_hf_client_application, mapi_hf_response_code;
static int hf_client_info, hf_server_application, hf_device_info, hf_context, hf_sequence, hf_server,
    hf_session_created, hf_routing_mailbox, hf_routing_time, hf_cookie_name, hf_request_id, hf_request_counter,
    hf_pending_period, hf_expiration_info, hf_server_time, hf_start_time, hf_status, hf_code_header, hf_context_number,
    hf_context_counter, hf_backend_cookie, hf_back_end, hf_be_server, hf_calculated_be, hf_calculated_fe, hf_diag_info,
    hf_back_end_status, hf_failure_text, hf_persistence, hf_headers, hf_cookies;
static int ett_headers = -1, ett_cookies = -1;

/* Filled from the names in the core before anything is registered with them. */
static value_string response_codes[MAPI_CODES + 1];

/* ---- Values ----------------------------------------------------------------------- */

static int offset_of(const struct mapi_show *show, struct span value)
{
    return (int)(value.ptr - show->base);
}

static char *text_of(const struct mapi_show *show, struct span value)
{
    const char *end = NULL;
    if (g_utf8_validate((const char *)value.ptr, (gssize)value.len, &end))
        return wmem_strndup(show->pinfo->pool, (const char *)value.ptr, value.len);
    return (char *)tvb_get_string_enc(show->pinfo->pool, show->tvb, offset_of(show, value), (int)value.len,
                                      ENC_WINDOWS_1252);
}

/* What value says, shown on its bytes. */
static proto_item *show_text(const struct mapi_show *show, int hf, struct span value, const char *text)
{
    return proto_tree_add_string(show->tree, hf, show->tvb, offset_of(show, value), (int)value.len, text);
}

static void show_number(const struct mapi_show *show, int hf, struct span value, uint32_t number)
{
    proto_tree_add_uint(show->tree, hf, show->tvb, offset_of(show, value), (int)value.len, number);
}

static void show_time(const struct mapi_show *show, int hf, struct span value, nstime_t time)
{
    proto_tree_add_time(show->tree, hf, show->tvb, offset_of(show, value), (int)value.len, &time);
}

static void show_string(const struct mapi_show *show, int hf, struct span value)
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

static void show_milliseconds(const struct mapi_show *show, int hf, struct span value)
{
    uint64_t ms;
    if (number_of(value, &ms))
        show_time(show, hf, value, (nstime_t){ (time_t)(ms / 1000), (int)(ms % 1000) * 1000000 });
}

static void show_date(const struct mapi_show *show, int hf, struct span value)
{
    int64_t seconds;
    if (http_date_decode(value, &seconds))
        show_time(show, hf, value, (nstime_t){ (time_t)seconds, 0 });
}

/* "{GUID}:counter" (2.2.3.3.2). */
static void show_request_id(const struct mapi_show *show, int hf, struct span value)
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

/* ---- Cookies ---------------------------------------------------------------------- */

#define BEGINNING 8

/* Whoever has the whole value could use the session: its beginning, and a digest, which is
 * the one that verdicts name. */
static void show_marked(const struct mapi_show *show, int hf, struct span value)
{
    const struct span begins = { value.ptr, MIN(value.len / 2, BEGINNING) };
    show_text(
        show, hf, value,
        wmem_strdup_printf(show->pinfo->pool, "%s... (digest %08x)", text_of(show, begins), http_value_mark(value)));
}

static void show_context(const struct mapi_show *show, struct span value)
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

static void show_routing(const struct mapi_show *show, struct span value)
{
    struct exch_routing routing;
    if (!exch_routing_decode(value, &routing))
        return;
    show_text(show, hf_routing_mailbox, value, routing.mailbox);
    show_time(show, hf_routing_time, value, ns_time(routing.ns));
}

static void show_cookie(const struct mapi_show *show, struct span name, struct span value)
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

static void show_cookies(const struct mapi_show *show, struct span value, const char *label, bool only_first)
{
    struct mapi_show inside = *show;
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

/* ---- Headers ---------------------------------------------------------------------- */

/* "FrontEnd;401;<base64>;...": what is base64 of text is said as text. */
static void show_failure_context(const struct mapi_show *show, int hf, struct span value)
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

static void show_code(const struct mapi_show *show, int hf, struct span value)
{
    uint64_t code;
    if (number_of(value, &code) && code <= UINT32_MAX)
        show_number(show, hf, value, (uint32_t)code);
}

#define HEADER_NAME(literal) literal, sizeof literal - 1

void mapi_show_header(const struct mapi_show *show, struct span name, struct span value)
{
    static const struct {
        const char *name;
        size_t len;
        int *hf;
        void (*how)(const struct mapi_show *show, int hf, struct span value);
    } rows[] = {
        { HEADER_NAME("X-RequestId"), &hf_request_id, show_request_id },
        { HEADER_NAME("X-ResponseCode"), &hf_code_header, show_code },
        { HEADER_NAME("X-ClientInfo"), &hf_client_info, show_string },
        { HEADER_NAME("X-ClientApplication"), &mapi_hf_client_application, show_string },
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

static void show_mailbox_id(struct mapi_show *show, struct span uri)
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
            show_text(show, mapi_hf_mailbox_id, value, text);
        g_free(text);
        return;
    }
}

static void show_head(struct mapi_show *show, const struct http_head *head)
{
    struct span name, value, back_end = { NULL, 0 };
    struct mapi_show lines = *show;
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
        mapi_show_header(&lines, name, value);
    }
    if (http_head_find(head, "X-CalculatedBETarget", &back_end) || http_head_find(head, "X-BEServer", &back_end))
        show_string(show, hf_back_end, back_end);
}

void mapi_show_head(struct mapi_show *show, int offset, uint32_t len, const struct http_head *head, const char *type)
{
    struct span sent;
    show->base = tvb_get_ptr(show->tvb, 0, offset + (int)len);
    show->head = show->base + offset;
    if (head->is_request && http_head_find(head, "X-RequestType", &sent))
        show_text(show, mapi_hf_request_type, sent, type ? type : text_of(show, sent));
    show_head(show, head);
}

/* ---- Registration ----------------------------------------------------------------- */

void mapi_heads_register(void)
{
    static hf_register_info of_mapi[] = {
        FIELD_ROW(hf_headers, FT_NONE, BASE_NONE, NULL, 0, "Header fields", "mapihttp.headers",
                  "Those of MS-OXCMAPIHTTP 2.2.3 and of Exchange; http has all of them"),
        TEXT_ROW(hf_cookies, "Cookies", "mapihttp.cookies", "Which header they stand in: Cookie or Set-Cookie"),
        TEXT_ROW(mapi_hf_request_type, "Request type", "mapihttp.request_type",
                 "X-RequestType; of the request, on responses"),
        TEXT_ROW(mapi_hf_mailbox_id, "MailboxId", "mapihttp.mailbox_id", "From the query"),
        FIELD_ROW(hf_request_id, FT_GUID, BASE_NONE, NULL, 0, "Request id", "mapihttp.request_id", "X-RequestId"),
        NUMBER_ROW(hf_request_counter, FT_UINT32, "Request counter", "mapihttp.request_id.counter", "Of X-RequestId"),
        TEXT_ROW(hf_client_info, "Client info", "mapihttp.client_info", "X-ClientInfo"),
        TEXT_ROW(mapi_hf_client_application, "Client application", "mapihttp.client_application",
                 "X-ClientApplication"),
        TEXT_ROW(hf_server_application, "Server application", "mapihttp.server_application", "X-ServerApplication"),
        TEXT_ROW(hf_device_info, "Device info", "mapihttp.device_info", "X-DeviceInfo"),
        NUMBER_ROW(hf_status, FT_UINT32, "HTTP status", "mapihttp.http_status",
                   "Of the response's status line; a failed request of MAPI/HTTP has 200 and X-ResponseCode"),
        FIELD_ROW(hf_code_header, FT_UINT32, BASE_DEC, VALS(response_codes), 0, "X-ResponseCode",
                  "mapihttp.response_code.header", "Each as sent; one in front of the body overrides that of the head"),
        FIELD_ROW(mapi_hf_response_code, FT_UINT32, BASE_DEC, VALS(response_codes), 0, "Response code",
                  "mapihttp.response_code", "The one in force"),
        INTERVAL_ROW(hf_pending_period, "Pending period", "mapihttp.pending_period", "X-PendingPeriod"),
        INTERVAL_ROW(hf_expiration_info, "Expires after", "mapihttp.expiration_info", "X-ExpirationInfo"),
        INTERVAL_ROW(hf_server_time, "Elapsed time on the server", "mapihttp.server_time",
                     "X-ElapsedTime, read as milliseconds"),
        MOMENT_ROW(hf_start_time, "Start time", "mapihttp.start_time", "X-StartTime"),
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
    static int *ett[] = { &ett_headers, &ett_cookies };
    for (uint32_t code = 0; code < MAPI_CODES; code++)
        response_codes[code] = (value_string){ code, mapi_code_name(code) };
    fields_add(proto_mapihttp, of_mapi, array_length(of_mapi));
    fields_add(proto_outlook, of_outlook, array_length(of_outlook));
    proto_register_subtree_array(ett, array_length(ett));
}
