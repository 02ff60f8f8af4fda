/* fields.c
 * The table of header lines.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "fields.h"

/* ---- one row a header --------------------------------------------------------------- */

enum kind {
    VALUE, /* of the first line that has one */
    LAST,  /* of the last line */
    LINES  /* all of them are of interest */
};

/* The shortest names first: a look-up stops behind those of its length. */
static const struct row {
    const char *name;
    uint8_t len, kind;
    uint16_t offset;
} rows[] = {
#define ROW(name, kind, member)                                            \
    {                                                                      \
        name, sizeof(name) - 1, kind, offsetof(struct http_fields, member) \
    }
    ROW("Via", VALUE, via),
    ROW("Date", VALUE, date),
    ROW("Host", VALUE, host),
    ROW("Cookie", LINES, cookies),
    ROW("Expect", LAST, expect),
    ROW("Pragma", LINES, pragmas),
    ROW("Server", VALUE, server),
    ROW("Location", VALUE, location),
    ROW("Connection", VALUE, connection),
    ROW("Keep-Alive", VALUE, keep_alive),
    ROW("request-id", VALUE, request_id),
    ROW("Set-Cookie", LINES, set_cookies),
    ROW("User-Agent", VALUE, user_agent),
    ROW("X-BEServer", VALUE, back_end),
    ROW("X-DiagInfo", VALUE, diag_info),
    ROW("X-FEServer", VALUE, front_end),
    ROW("Retry-After", VALUE, retry_after),
    ROW("X-RequestId", VALUE, x_request_id),
    ROW("Content-Type", LAST, content_type),
    ROW("X-ClientInfo", VALUE, client_info),
    ROW("Authorization", VALUE, authorization),
    ROW("X-ElapsedTime", VALUE, elapsed_time),
    ROW("X-RequestType", VALUE, request_type),
    ROW("X-OWA-Version", VALUE, owa_version),
    ROW("Content-Length", VALUE, length),
    ROW("X-CasErrorCode", VALUE, cas_error),
    ROW("X-ResponseCode", VALUE, response_code),
    ROW("Persistent-Auth", LAST, persistent_auth),
    ROW("X-Forwarded-For", VALUE, forwarded_for),
    ROW("X-PendingPeriod", VALUE, pending_period),
    ROW("X-User-Identity", VALUE, user_identity),
    ROW("Content-Encoding", VALUE, content_encoding),
    ROW("WWW-Authenticate", LINES, challenges),
    ROW("x-ms-diagnostics", VALUE, diagnostics),
    ROW("X-ExpirationInfo", VALUE, expiration_info),
    ROW("X-FailureContext", VALUE, failure_context),
    ROW("client-request-id", VALUE, client_request_id),
    ROW("Transfer-Encoding", VALUE, transfer_encoding),
    ROW("Proxy-Authenticate", VALUE, proxy_authenticate),
    ROW("Proxy-Authorization", VALUE, proxy_authorization),
    ROW("X-BackEndHttpStatus", VALUE, back_end_status),
    ROW("X-ClientApplication", VALUE, client_application),
    ROW("X-ServerApplication", VALUE, server_application),
    ROW("X-CalculatedBETarget", VALUE, back_end_target),
    ROW("X-CalculatedFETarget", VALUE, front_end_target)
#undef ROW
};

static const struct row *row_of(struct span name)
{
    const uint8_t first = lower(name.ptr[0]);
    for (size_t i = 0; i < COUNT_OF(rows) && rows[i].len <= name.len; i++) {
        if (rows[i].len == name.len && lower((uint8_t)rows[i].name[0]) == first &&
            span_equals_nocase(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

static void note_line(struct http_fields *fields, const struct row *row, size_t at, struct span value)
{
    void *member = (char *)fields + row->offset;
    if (row->kind == LINES) {
        struct http_lines *lines = member;
        lines->at = lines->count++ ? lines->at : at;
        return;
    }
    struct span *kept = member;
    if (kept == &fields->length) {
        uint64_t read;
        bool alike = span_decimal(value, INT64_MAX, &read) && (!kept->ptr || (uint64_t)fields->content_length == read);
        fields->content_length = alike ? (int64_t)read : -1;
    } else if (kept == &fields->transfer_encoding) {
        fields->chunked |= span_list_holds(value, "chunked");
    } else if (kept == &fields->connection) {
        fields->close |= span_list_holds(value, "close");
        fields->keep |= span_list_holds(value, "keep-alive");
    }
    if (row->kind == LAST || (kept->len == 0 && (value.len > 0 || !kept->ptr))) {
        *kept = value;
    }
}

void http_fields_read(const struct http_head *head, struct http_fields *fields)
{
    struct span name, value;
    size_t pos = 0, at = 0;
    memset(fields, 0, sizeof(*fields));
    fields->head = head;
    fields->content_length = -1;
    for (; http_head_next(head, &pos, &name, &value); at = pos) {
        const struct row *row = row_of(name);
        if (row) {
            note_line(fields, row, at, value);
        }
    }
}

bool http_lines_next(const struct http_head *head, const char *name, struct http_lines *lines, struct span *sent,
                     struct span *value)
{
    while (lines->count > 0 && http_head_next(head, &lines->at, sent, value)) {
        if (span_equals_nocase(*sent, name)) {
            lines->count--;
            return true;
        }
    }
    return false;
}

bool http_is_page_type(struct span content_type)
{
    static const char *const types[] = { "application/json", "application/problem+json", "application/xml",
                                         "application/xhtml+xml" };
    const struct span type = span_trim(span_of(content_type.ptr, span_until(content_type, ';')));
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (span_equals_nocase(type, types[i])) {
            return true;
        }
    }
    return span_starts_nocase(type, "text/");
}
