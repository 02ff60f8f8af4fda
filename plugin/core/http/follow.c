/* follow.c
 * Message framing of HTTP/1.1 (RFC 9112 6.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "follow.h"

enum { BETWEEN, BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE, ENDED };

static void begin_body(struct follow *follow, const struct http_fields *fields, bool answers_head)
{
    const struct http_head *head = fields->head;
    follow->state = ENDED;
    if (!head->is_request && (head->status < 200 || head->status == 204 || head->status == 304 || answers_head)) {
        return;
    }
    if (fields->transfer_encoding.ptr) {
        http_chunks_init(&follow->chunks);
        follow->state = BODY_CHUNKED;
    } else if (fields->content_length >= 0) {
        follow->left = (uint64_t)fields->content_length;
        follow->state = follow->left > 0 ? BODY_LENGTH : ENDED;
    } else if (!head->is_request) {
        follow->state = BODY_UNTIL_CLOSE;
    }
}

static size_t chunked(struct follow *follow, const uint8_t *p, size_t len, struct follow_event *event)
{
    size_t used = 0;
    while (used < len) {
        used += http_chunks_next(&follow->chunks, p + used, len - used, &event->data);
        if (follow->chunks.state == HTTP_CHUNK_BAD) {
            follow->state = BETWEEN;
            event->what = FOLLOW_LOST;
            return len;
        }
        if (event->data.len > 0) {
            event->what = FOLLOW_DATA;
            break;
        }
        if (follow->chunks.state == HTTP_CHUNK_DONE) {
            break;
        }
    }
    if (follow->chunks.state == HTTP_CHUNK_DONE) {
        follow->state = ENDED;
        if (event->what != FOLLOW_DATA) {
            event->what = FOLLOW_END;
            follow->state = BETWEEN;
        }
    }
    return used;
}

size_t http_follow(struct follow *follow, bool answers_head, const uint8_t *p, size_t len, struct follow_event *event)
{
    memset(event, 0, sizeof(*event));
    switch (follow->state) {
    case BETWEEN:
        if (len == 0) {
            return 0;
        }
        switch (http_head_resume(&follow->scan, p, len, &event->head)) {
        case HTTP_HEAD_OK:
            event->what = FOLLOW_HEAD;
            http_fields_read(&event->head, &event->fields);
            begin_body(follow, &event->fields, answers_head);
            memset(&follow->scan, 0, sizeof(follow->scan));
            return event->head.length;
        case HTTP_HEAD_MORE:
            return 0;
        default:
            event->what = FOLLOW_LOST;
            memset(&follow->scan, 0, sizeof(follow->scan));
            return len;
        }
    case BODY_LENGTH:
    case BODY_UNTIL_CLOSE:
        event->data.ptr = p;
        event->data.len = len;
        if (follow->state == BODY_LENGTH) {
            if (len > follow->left) {
                event->data.len = (size_t)follow->left;
            }
            follow->left -= event->data.len;
            if (follow->left == 0) {
                follow->state = ENDED;
            }
        }
        event->what = event->data.len > 0 ? FOLLOW_DATA : FOLLOW_MORE;
        return event->data.len;
    case BODY_CHUNKED:
        return chunked(follow, p, len, event);
    default:
        follow->state = BETWEEN;
        event->what = FOLLOW_END;
        return 0;
    }
}

bool http_follow_inside(const struct follow *follow, bool *until_close)
{
    *until_close = follow->state == BODY_UNTIL_CLOSE;
    return follow->state != BETWEEN;
}

void http_follow_lose(struct follow *follow)
{
    memset(follow, 0, sizeof(*follow));
}
