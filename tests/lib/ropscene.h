/* ropscene.h
 * Plays requests and responses of ROPs to a session, and says what is shown of each: at the first
 * reading, while the session learns, and at any later one. Bytes are written as hexadecimal digits.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROPSCENE_H
#define OUTLOOKHTTP_ROPSCENE_H

#include "extended_buffer.h"
#include "heap.h"
#include "objects.h"
#include "rop_text.h"
#include "transcript.h"

#include <stdio.h>
#include <string.h>

#define ROPSCENE_BYTES 0x40000u
#define ROPSCENE_TEXT 0x400000u

/* ---- what is shown ---- */

struct roplog {
    char *text;
    size_t used;
    bool first; /* without what the first reading cannot know: names, frames that come later, and */
    bool response;
    bool opening; /* what that will be called which a request opens */
    uint8_t *rooms[256];
    unsigned room_count;
};

static inline void roplog_say(struct roplog *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

#include <stdarg.h>
static inline void roplog_say(struct roplog *log, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int len = vsnprintf(log->text + log->used, ROPSCENE_TEXT - log->used, format, list);
    va_end(list);
    if (len < 0 || log->used + (size_t)len + 2 > ROPSCENE_TEXT) {
        abort();
    }
    log->used += (size_t)len;
    log->text[log->used++] = '\n';
    log->text[log->used] = '\0';
}

static inline bool roplog_is_late(const struct roplog *log, const char *filter)
{
    if (log->opening && (strcmp(filter, "object") == 0 || strcmp(filter, "opened_in") == 0)) {
        return true;
    }
    static const char *const late[] = { "response_in", "request_in", "time", "piece_after_in", "name", "guid" };
    for (size_t i = 0; i < COUNT_OF(late); i++) {
        if (strcmp(filter, late[i]) == 0) {
            return true;
        }
    }
    return false;
}

static inline void roplog_value(void *ctx, const struct field_value *value)
{
    struct roplog *log = ctx;
    const struct field *field = value->field;
    if (log->first && value->made && roplog_is_late(log, field->filter)) {
        return;
    }
    if (strcmp(field->label, "RopId") == 0) {
        roplog_say(log, "ROP"); /* a section begins */
        log->opening = !log->response && rop_opens((uint8_t)value->number) != ROP_OPENS_NOTHING;
    }
    if (value->made && value->text) {
        roplog_say(log, "%s=%s", field->filter, value->text);
    } else if (field->kind == FIELD_STRING8 || field->kind == FIELD_STRING16 || field->kind == FIELD_BYTES ||
               field->kind == FIELD_GUID) {
        char digits[2 * 32 + 1] = "";
        for (uint32_t i = 0; i < value->len && i < 32; i++) {
            snprintf(digits + 2 * i, 3, "%02X", value->bytes[i]);
        }
        roplog_say(log, "%s=%s%s", field->filter, digits, value->len > 32 ? "..." : "");
    } else {
        roplog_say(log, "%s=%lld", field->filter, (long long)value->number);
    }
}

static inline void roplog_open(void *ctx, const char *label, uint32_t offset)
{
    struct roplog *log = ctx;
    (void)offset;
    roplog_say(log, "{ %s", log->first && strncmp(label, "Property 0x", 11) == 0 ? "named" : label);
}

static inline void roplog_close(void *ctx, uint32_t end, const char *summary)
{
    struct roplog *log = ctx;
    (void)end;
    roplog_say(log, "} %s", summary && !(log->first && log->opening) ? summary : "");
}

static inline void roplog_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    (void)offset;
    roplog_say(ctx, "! %s: %s", kind ? kind->filter : "-", what);
}

static inline uint8_t *roplog_room(void *ctx, size_t size)
{
    struct roplog *log = ctx;
    uint8_t *room = log->room_count < COUNT_OF(log->rooms) ? malloc(size) : NULL;
    if (!room) {
        abort();
    }
    return log->rooms[log->room_count++] = room;
}

/* As if the code page was read. */
static inline const char *roplog_utf8(void *ctx, struct span text, uint16_t code_page)
{
    static char words[40];
    (void)ctx;
    snprintf(words, sizeof(words), "%u bytes of %u", (unsigned)text.len, code_page);
    return words;
}

static inline void roplog_begin(struct roplog *log, bool first)
{
    if (!log->text && !(log->text = malloc(ROPSCENE_TEXT))) {
        abort();
    }
    log->used = 0;
    log->text[0] = '\0';
    log->first = first;
}

static inline void roplog_read(struct roplog *log, const uint8_t *bytes, uint32_t len, bool response,
                               struct rop_host *host)
{
    const struct field_sink sink = { .ctx = log,
                                     .value = roplog_value,
                                     .open = roplog_open,
                                     .close = roplog_close,
                                     .issue = roplog_issue,
                                     .room = roplog_room,
                                     .utf8 = roplog_utf8 };
    struct reader reader;
    uint8_t *copy = malloc(len ? len : 1); /* a sanitizer sees a read past the end */
    if (!copy) {
        abort();
    }
    memcpy(copy, bytes, len);
    log->response = response;
    log->opening = false;
    reader_init(&reader, copy, len, len, &sink);
    read_rop_buffer(&reader, len, response, host);
    free(copy);
    while (log->room_count > 0) {
        free(log->rooms[--log->room_count]);
    }
}

/* ---- messages ---- */

struct play_message {
    struct rop_message *message;
    uint8_t *bytes;
    uint32_t len;
    bool response;
    char *first; /* what the first reading showed */
};

#define PLAY_MESSAGES_MAX 256

struct play {
    struct heap heap;
    struct arena arena;
    size_t live; /* bytes asked for, and not given back */
    struct track track;
    struct rop_session *session;
    uint32_t code_page; /* of sessions that begin */
    struct play_message messages[PLAY_MESSAGES_MAX];
    unsigned count;
    struct roplog log;
};

static struct play play;

static inline void *play_alloc(void *ctx, size_t size)
{
    play.live += size;
    return heap_alloc(ctx, size);
}

/* What was given back must not be read again. */
static inline void play_give_back(void *ctx, void *bytes, size_t size)
{
    (void)ctx;
    play.live -= size;
    memset(bytes, 0xDD, size);
}

/* Messages from the first that many on are not looked at again. */
static inline void play_drop(unsigned kept)
{
    for (; play.count > kept; play.count--) {
        free(play.messages[play.count - 1].bytes);
        free(play.messages[play.count - 1].first);
    }
}

static inline int play_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' :
           c >= 'A' && c <= 'F' ? c - 'A' + 10 :
           c >= 'a' && c <= 'f' ? c - 'a' + 10 :
                                  -1;
}

/* Digits up to the end or a '|', in pairs, with any space between them. */
static inline const char *play_bytes(const char *text, uint8_t *to, uint32_t *len)
{
    for (; *text && *text != '|'; text++) {
        if (play_digit(*text) >= 0 && play_digit(text[1]) >= 0) {
            to[(*len)++] = (uint8_t)(play_digit(text[0]) << 4 | play_digit(text[1]));
            text++;
        } else if (*text != ' ') {
            abort();
        }
    }
    return *text ? text + 1 : NULL;
}

/* Handles are numbers: "11 22 FFFFFFFF"; a payload's end with a '|'. */
static inline const char *play_handles(const char *text, uint8_t *to, uint32_t *len)
{
    while (*text && *text != '|') {
        uint32_t handle = 0;
        for (; play_digit(*text) >= 0; text++) {
            handle = handle << 4 | (uint32_t)play_digit(*text);
        }
        for (unsigned i = 0; i < 4; i++) {
            to[(*len)++] = (uint8_t)(handle >> 8 * i);
        }
        while (*text == ' ') {
            text++;
        }
    }
    return *text ? text + 1 : NULL;
}

static inline void play_u16(uint8_t *to, uint32_t number)
{
    to[0] = (uint8_t)number;
    to[1] = (uint8_t)(number >> 8);
}

/* Payloads of one message: the lists and the handle tables, each with '|' between payloads. */
static inline uint32_t play_buffer(uint8_t *to, const char *lists, const char *handles)
{
    uint32_t len = 0;
    while (lists) {
        const uint32_t header = len, payload = len + 8;
        len = payload + 2;
        lists = play_bytes(lists, to, &len);
        play_u16(to + payload, len - payload);
        if (handles) {
            handles = play_handles(handles, to, &len);
        }
        play_u16(to + header, 0);
        play_u16(to + header + 2, lists ? 0 : 4); /* Last */
        play_u16(to + header + 4, len - payload);
        play_u16(to + header + 6, len - payload);
    }
    return len;
}

/* Learns from the message. */
static inline struct play_message *play_learn(bool response, uint32_t frame, struct play_message *request,
                                              const uint8_t *bytes, uint32_t len)
{
    struct play_message *one = &play.messages[play.count++];
    struct rop_host host;
    if (play.count > PLAY_MESSAGES_MAX || !(one->bytes = malloc(len ? len : 1))) {
        abort();
    }
    memcpy(one->bytes, bytes, len);
    one->len = len;
    one->response = response;
    one->message =
        rop_message_new(play.session, response, frame, frame * INT64_C(1000000), request ? request->message : NULL);
    rop_message_learn(one->message, &host);
    roplog_begin(&play.log, true);
    roplog_read(&play.log, bytes, len, response, &host);
    rop_message_end(one->message);
    one->first = strdup(play.log.text);
    return one;
}

/* A request in that frame, as digits. */
static inline struct play_message *ask(uint32_t frame, const char *lists, const char *handles)
{
    static uint8_t bytes[ROPSCENE_BYTES];
    return play_learn(false, frame, NULL, bytes, play_buffer(bytes, lists, handles));
}

/* The response to it; of NULL, one whose request was not captured. */
static inline struct play_message *answer(uint32_t frame, struct play_message *request, const char *lists,
                                          const char *handles)
{
    static uint8_t bytes[ROPSCENE_BYTES];
    return play_learn(true, frame, request, bytes, play_buffer(bytes, lists, handles));
}

/* What later passes show; first: without what the first reading cannot know. */
static inline const char *play_shown(const struct play_message *one, bool first)
{
    struct rop_host host;
    struct property_names names;
    rop_message_replay(one->message, &host, &names);
    if (first) {
        host.names = NULL;
    }
    roplog_begin(&play.log, first);
    roplog_read(&play.log, one->bytes, one->len, one->response, &host);
    return play.log.text;
}

/* What all of them show in the end goes into the transcript. */
static inline void play_end(void)
{
    if (play.count > 0 && !transcript_off) {
        transcript_fold();
        for (unsigned i = 0; i < play.count; i++) {
            struct text summary = { .used = 0 };
            rop_message_summary(play.messages[i].message, &summary);
            transcript("%u: %s", play.messages[i].message->frame, summary.s);
            transcript_lines(play_shown(&play.messages[i], false));
        }
        char what[64];
        snprintf(what, sizeof(what), "%u messages", play.count);
        transcript_unfold(what);
    }
    play_drop(0);
    heap_free(&play.heap);
}

static inline void play_begin(void)
{
    play_end();
    play.heap = (struct heap){ NULL, 0 };
    play.arena = heap_arena(&play.heap);
    play.arena.alloc = play_alloc;
    play.arena.give_back = play_give_back;
    play.live = 0;
    track_init(&play.track, &play.arena, NULL, NULL);
    play.session = rop_session_new(&play.track, play.code_page);
}

/* Whether one line, which may end with a '*' for anything, is in a text. */
static inline bool play_has(const char *text, const char *end, const char *line)
{
    const size_t len = strlen(line);
    const bool open = len > 0 && line[len - 1] == '*';
    for (const char *at = text; at && at < end; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
        if (strncmp(at, line, open ? len - 1 : len) == 0 && (open || at[len] == '\n')) {
            return true;
        }
    }
    return false;
}

/* Whether a later pass shows that line of a ROP, by its place in the message. */
static inline bool says(const struct play_message *one, unsigned rop, const char *line)
{
    const char *text = play_shown(one, false), *at = text;
    for (unsigned i = 0; at; i++) {
        at = strncmp(at, "ROP\n", 4) == 0 ? at : strstr(at, "\nROP\n");
        if (!at) {
            return false;
        }
        at += *at == '\n' ? 5 : 4;
        if (i == rop) {
            const char *end = strstr(at, "\nROP\n");
            return play_has(at, end ? end : text + strlen(text), line);
        }
    }
    return false;
}

#endif
