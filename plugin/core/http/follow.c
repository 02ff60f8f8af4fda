/* follow.c
 * Message framing of HTTP/1.1 (RFC 9112 6.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "follow.h"

enum { BETWEEN, BODY };

void http_body_begin(struct http_body *body, const struct http_fields *fields, bool chunked, bool answers_head)
{
    const struct http_head *head = fields->head;
    memset(body, 0, sizeof(*body));
    body->framing = HTTP_FRAMING_LENGTH;
    if (!head->is_request && (head->status < 200 || head->status == 204 || head->status == 304 || answers_head)) {
        return;
    }
    if (chunked) {
        http_chunks_init(&body->chunks);
        body->framing = HTTP_FRAMING_CHUNKED;
    } else if (fields->content_length >= 0) {
        body->left = (uint64_t)fields->content_length;
    } else if (!head->is_request) {
        body->framing = HTTP_FRAMING_OPEN;
    }
}

size_t http_body_next(struct http_body *body, const uint8_t *p, size_t len, struct span *data)
{
    if (body->framing == HTTP_FRAMING_CHUNKED) {
        return http_chunks_next(&body->chunks, p, len, data);
    }
    *data = span_of(p, len);
    if (body->framing == HTTP_FRAMING_LENGTH) {
        data->len = len < body->left ? len : (size_t)body->left;
        body->left -= data->len;
    }
    return data->len;
}

bool http_body_ended(const struct http_body *body)
{
    if (body->framing == HTTP_FRAMING_CHUNKED) {
        return body->chunks.state == HTTP_CHUNK_DONE || body->chunks.state == HTTP_CHUNK_BAD;
    }
    return body->framing == HTTP_FRAMING_LENGTH && body->left == 0;
}

/* Takes bytes of the body up to the next event. */
static size_t follow_body(struct follow *follow, const uint8_t *p, size_t len, struct follow_event *event)
{
    size_t used = 0;
    while (used < len && event->data.len == 0 && !http_body_ended(&follow->body)) {
        used += http_body_next(&follow->body, p + used, len - used, &event->data);
        if (follow->body.framing == HTTP_FRAMING_CHUNKED && follow->body.chunks.state == HTTP_CHUNK_BAD) {
            follow->state = BETWEEN;
            event->what = FOLLOW_LOST;
            return len;
        }
    }
    if (event->data.len > 0) {
        event->what = FOLLOW_DATA;
    } else if (http_body_ended(&follow->body)) {
        event->what = FOLLOW_END;
        follow->state = BETWEEN;
    }
    return used;
}

size_t http_follow(struct follow *follow, bool answers_head, const uint8_t *p, size_t len, struct follow_event *event)
{
    memset(event, 0, sizeof(*event));
    if (follow->state == BODY) {
        return follow_body(follow, p, len, event);
    }
    if (len == 0) {
        return 0;
    }
    const enum http_head_result result = http_head_resume(&follow->scan, p, len, &event->head);
    if (result == HTTP_HEAD_MORE) {
        return 0;
    }
    memset(&follow->scan, 0, sizeof(follow->scan));
    if (result == HTTP_HEAD_NOT) {
        event->what = FOLLOW_LOST;
        return len;
    }
    event->what = FOLLOW_HEAD;
    http_fields_read(&event->head, &event->fields);
    http_body_begin(&follow->body, &event->fields, event->fields.transfer_encoding.ptr != NULL, answers_head);
    follow->state = BODY;
    return event->head.length;
}

bool http_follow_inside(const struct follow *follow, bool *until_close)
{
    *until_close = follow->state == BODY && follow->body.framing == HTTP_FRAMING_OPEN;
    return follow->state != BETWEEN;
}

void http_follow_lose(struct follow *follow)
{
    memset(follow, 0, sizeof(*follow));
}
