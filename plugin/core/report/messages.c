/* messages.c
 * The messages of a whole FastTransfer stream (MS-OXCFXICS 2.2.4.3): which marker begins what, and the properties that
 * somebody wants to have.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "contents_private.h"

#include <inttypes.h>
#include <stdio.h>

#include "chars.h"
#include "fx_syntax.h"

/* ---- Names ------------------------------------------------------------------------ */

#define ATTACH_DATA 0x3701u
#define BODY 0x1000u
#define HTML 0x1013u
#define RTF 0x1009u
#define NAME_MAX_LEN 200u
#define MAILS_MAX 65536u /* of one transfer */

/* Of one folder: separators, and what no file system takes, become underscores. */
static void name_file(char *room, size_t size, uint32_t frame, const char *what, const char *file)
{
    size_t used = (size_t)snprintf(room, size, "frame%" PRIu32 "-%s", frame, what);
    for (const char *p = file; *p && used + 1 < size; p++) {
        const unsigned char c = (unsigned char)*p;
        room[used++] = c < ' ' || c == 127 || strchr("<>:\"/\\|?*", c) ? '_' : (char)c;
    }
    /* Not within a character. */
    while (used > 0 && used + 1 >= size && ((unsigned char)room[used - 1] & 0xC0) == 0x80) {
        used--;
    }
    room[used] = '\0';
}

void content_tell_value(const struct content_sink *sink, uint32_t tag, const char *file, struct span bytes,
                        uint32_t frame)
{
    char name[NAME_MAX_LEN];
    switch (tag >> 16) {
    case ATTACH_DATA:
        name_file(name, sizeof(name), frame, file && *file ? "attachment-" : "attachment.bin", file ? file : "");
        content_tell(sink, "application/octet-stream", name, bytes, frame);
        break;
    case BODY:
        name_file(name, sizeof(name), frame, "body.txt", "");
        content_tell(sink, "text/plain", name, content_is_wide(tag) ? content_to_utf8(sink, bytes) : bytes, frame);
        break;
    case HTML:
        name_file(name, sizeof(name), frame, "body.html", "");
        content_tell(sink, "text/html", name, content_is_wide(tag) ? content_to_utf8(sink, bytes) : bytes, frame);
        break;
    case RTF:
        name_file(name, sizeof(name), frame, "body.rtf-compressed", "");
        content_tell(sink, "application/octet-stream", name, bytes, frame);
        break;
    default:
        break;
    }
}

/* ---- Properties ------------------------------------------------------------------- */

/* By property id; an earlier one of a kind is better. */
static const struct {
    uint16_t id;
    uint8_t which;
} wanted[] = {
    { 0x001A, MAIL_CLASS },
    { 0x0037, MAIL_SUBJECT },
    { 0x0042, MAIL_NAME },    /* PidTagSentRepresentingName */
    { 0x0C1A, MAIL_NAME },    /* PidTagSenderName */
    { 0x3001, MAIL_NAME },    /* PidTagDisplayName, of recipients */
    { 0x0065, MAIL_ADDRESS }, /* PidTagSentRepresentingEmailAddress */
    { 0x0C1F, MAIL_ADDRESS },
    { 0x3003, MAIL_ADDRESS },
    { 0x5D02, MAIL_SMTP }, /* PidTagSentRepresentingSmtpAddress */
    { 0x5D01, MAIL_SMTP },
    { 0x39FE, MAIL_SMTP },
    { 0x1035, MAIL_ID },
    { BODY, MAIL_TEXT },
    { HTML, MAIL_HTML },
    { RTF, MAIL_RTF },
    { 0x3FDE, MAIL_BODY_CODE_PAGE },
    { 0x3FFD, MAIL_CODE_PAGE },
    { 0x0039, MAIL_DATE }, /* PidTagClientSubmitTime */
    { 0x0E06, MAIL_DATE }, /* PidTagMessageDeliveryTime */
    { 0x0C15, MAIL_RECIPIENT_TYPE },
    { 0x3707, MAIL_FILE },
    { 0x3704, MAIL_SHORT_FILE },
    { 0x370E, MAIL_MIME },
    { 0x3712, MAIL_CONTENT_ID },
    { ATTACH_DATA, MAIL_DATA },
};

static void keep(struct mail *mail, uint32_t tag, struct span value)
{
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        struct span *place = &mail->value[wanted[i].which];
        if (wanted[i].id == tag >> 16 && !place->ptr) {
            *place = value;
            mail->tag[wanted[i].which] = tag;
        }
    }
}

/* ---- Markers ---------------------------------------------------------------------- */

enum level_kind { IN_NOTHING, IN_MESSAGE, IN_RECIPIENT, IN_ATTACHMENT };

struct level {
    enum level_kind kind;
    struct mail *mail;
};

struct transfer {
    const struct content_sink *sink;
    struct reader *reader;
    const uint8_t *base;
    uint32_t frame;
    struct level level[3 * MAIL_DEPTH_MAX];
    uint32_t rtf_left; /* so much of RTF may yet be made */
    uint32_t mails;    /* messages, recipients and attachments so far */
    unsigned depth;    /* of them, at least 1 */
    bool given_up;     /* no room, or too deep */
    bool wants;        /* the size of tag's value comes */
    uint32_t tag, end; /* end: of its value */
    uint32_t at;       /* the last value began there */
};

static const char *file_of(const struct content_sink *sink, const struct mail *attachment, char *room, size_t size)
{
    mail_text(sink, attachment, MAIL_FILE, room, size);
    if (!*room) {
        mail_text(sink, attachment, MAIL_SHORT_FILE, room, size);
    }
    return room;
}

static void tell_attachment(const struct transfer *transfer, const struct mail *attachment)
{
    char file[NAME_MAX_LEN];
    const struct span data = attachment->value[MAIL_DATA];
    if (data.ptr && !attachment->embedded) {
        content_tell_value(transfer->sink, attachment->tag[MAIL_DATA],
                           file_of(transfer->sink, attachment, file, sizeof(file)), data, transfer->frame);
    }
}

static void tell_parts(const struct transfer *transfer, const struct mail *mail)
{
    static const enum mail_property bodies[] = { MAIL_TEXT, MAIL_HTML, MAIL_RTF };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        if (mail->value[bodies[i]].ptr) {
            content_tell_value(transfer->sink, mail->tag[bodies[i]], NULL, mail->value[bodies[i]], transfer->frame);
        }
    }
    for (const struct mail *at = mail->attachments; at; at = at->next) {
        tell_attachment(transfer, at);
        if (at->embedded) {
            tell_parts(transfer, at->embedded);
        }
    }
}

static void tell_message(struct transfer *transfer, struct mail *mail)
{
    char subject[80], name[NAME_MAX_LEN];
    tell_parts(transfer, mail);
    if (mail->partial) {
        return;
    }
    mail_find_rtf(transfer->sink, mail, &transfer->rtf_left);
    const struct span written = mail_write(transfer->sink, mail);
    mail_text(transfer->sink, mail, MAIL_SUBJECT, subject, sizeof(subject));
    name_file(name, sizeof(name) - sizeof(".eml"), transfer->frame, "message-", subject);
    strcat(name, ".eml");
    content_tell(transfer->sink, "message/rfc822", name, written, transfer->frame);
}

static struct mail *push(struct transfer *transfer, enum level_kind kind)
{
    struct mail *mail = NULL;
    if (transfer->depth < COUNT_OF(transfer->level) && transfer->mails++ < MAILS_MAX) {
        mail = (struct mail *)(void *)transfer->sink->room(transfer->sink->ctx, sizeof(*mail));
    }
    if (!mail) {
        transfer->given_up = true;
        return NULL;
    }
    memset(mail, 0, sizeof(*mail));
    transfer->level[transfer->depth++] = (struct level){ kind, mail };
    return mail;
}

static struct level *top(struct transfer *transfer)
{
    return &transfer->level[transfer->depth - 1];
}

/* They were put in front of each other. */
static struct mail *in_order(struct mail *list)
{
    struct mail *first = NULL;
    while (list) {
        struct mail *next = list->next;
        list->next = first;
        first = list;
        list = next;
    }
    return first;
}

/* The innermost one ends; a message that stands in no other is told. */
static void pop(struct transfer *transfer)
{
    const struct level ended = *top(transfer);
    if (transfer->depth == 1) {
        return;
    }
    transfer->depth--;
    if (ended.kind == IN_MESSAGE) {
        ended.mail->recipients = in_order(ended.mail->recipients);
        ended.mail->attachments = in_order(ended.mail->attachments);
        mail_find_code_page(ended.mail);
    }
    if (ended.kind == IN_MESSAGE && top(transfer)->kind == IN_NOTHING && !transfer->given_up) {
        tell_message(transfer, ended.mail);
    }
}

/* Up to one of that kind, which ends as well. */
static void pop_to(struct transfer *transfer, enum level_kind kind)
{
    unsigned depth = transfer->depth;
    while (depth > 1 && transfer->level[depth - 1].kind != kind) {
        depth--;
    }
    while (depth > 1 && transfer->depth >= depth) {
        pop(transfer);
    }
}

/* In the message under way, which is the innermost. */
static void push_into(struct transfer *transfer, enum level_kind kind)
{
    const struct level outer = *top(transfer);
    struct mail *mail = outer.kind == IN_MESSAGE ? push(transfer, kind) : NULL;
    if (mail) {
        struct mail **list = kind == IN_RECIPIENT ? &outer.mail->recipients : &outer.mail->attachments;
        mail->next = *list;
        *list = mail;
    }
}

static void embed(struct transfer *transfer)
{
    const struct level outer = *top(transfer);
    struct mail *mail = outer.kind == IN_ATTACHMENT ? push(transfer, IN_MESSAGE) : NULL;
    if (mail) {
        outer.mail->embedded = mail;
    }
}

static void end_all(struct transfer *transfer)
{
    while (transfer->depth > 1) {
        pop(transfer);
    }
}

/* MS-OXCFXICS 2.2.4.1.4 */
static void on_marker(struct transfer *transfer, uint32_t marker)
{
    struct mail *mail;
    switch (marker) {
    case 0x400C0003: /* StartMessage */
    case 0x40120003: /* IncrSyncChg */
        end_all(transfer);
        push(transfer, IN_MESSAGE);
        break;
    case 0x407D0003: /* IncrSyncChgPartial */
        end_all(transfer);
        mail = push(transfer, IN_MESSAGE);
        if (mail) {
            mail->partial = true;
        }
        break;
    case 0x40010003: /* StartEmbed */
        embed(transfer);
        break;
    case 0x400D0003: /* EndMessage */
    case 0x40020003: /* EndEmbed */
        pop_to(transfer, IN_MESSAGE);
        break;
    case 0x40030003: /* StartRecip */
        push_into(transfer, IN_RECIPIENT);
        break;
    case 0x40040003: /* EndToRecip */
        pop_to(transfer, IN_RECIPIENT);
        break;
    case 0x40000003: /* NewAttach */
        push_into(transfer, IN_ATTACHMENT);
        break;
    case 0x400E0003: /* EndAttach */
        pop_to(transfer, IN_ATTACHMENT);
        break;
    case 0x40150003: /* IncrSyncMessage: goes on with the message of IncrSyncChg */
    case 0x40160003: /* FXErrorInfo, and the progress of one message */
        break;
    default: /* of folders, of the end and of the state of a synchronization; associated messages */
        end_all(transfer);
        break;
    }
}

/* ---- Reading ---------------------------------------------------------------------- */

static void on_property(struct transfer *transfer, uint32_t tag, struct span value)
{
    struct level *level = top(transfer);
    if (level->mail) {
        keep(level->mail, tag, value);
    }
}

static void on_value(void *ctx, const struct field_value *value)
{
    struct transfer *transfer = ctx;
    const char *filter = value->field->filter;
    if (value->offset > transfer->at) { /* that limit is for trees; bytes end by themselves */
        transfer->at = value->offset;
        transfer->reader->spent = (struct reader_spent){ 0, 0 };
    }
    if (value->made || !filter || transfer->given_up || value->offset < transfer->end) {
        return; /* of what stands in a value that is taken whole */
    }
    if (strcmp(filter, "fx.marker") == 0) {
        on_marker(transfer, (uint32_t)value->number);
    } else if (strcmp(filter, "tag") == 0) {
        transfer->tag = (uint32_t)value->number;
        transfer->wants = (transfer->tag & 0x1000) == 0 || (transfer->tag & 0x8000) != 0;
    } else if (transfer->wants && strcmp(filter, "value.size") == 0) {
        transfer->end = value->offset + value->len + (uint32_t)value->number;
        transfer->wants = false;
        on_property(transfer, transfer->tag,
                    (struct span){ transfer->base + value->offset + value->len, (size_t)value->number });
    } else if (transfer->wants && strncmp(filter, "value.", 6) == 0) {
        transfer->wants = false;
        on_property(transfer, transfer->tag, (struct span){ value->bytes, value->len });
    }
}

void content_tell_transfer(const struct content_sink *sink, const struct fx_lexer *lexer, struct span bytes,
                           uint32_t frame)
{
    struct fx_lexer at = *lexer;
    struct reader reader;
    const struct field_sink silent = { .ctx = NULL };
    /* Once for its end: what is broken or not whole is not told. */
    reader_init(&reader, bytes.ptr, (uint32_t)bytes.len, (uint32_t)bytes.len, &silent);
    fx_read(&reader, &at);
    if (!fx_may_end(&at)) {
        return;
    }
    struct transfer transfer = { .sink = sink,
                                 .reader = &reader,
                                 .base = bytes.ptr,
                                 .frame = frame,
                                 .rtf_left = CONTENT_MAX,
                                 .depth = 1 };
    const struct field_sink values = { .ctx = &transfer, .value = on_value };
    at = *lexer;
    if (at.nested[0].kind == FX_MESSAGE_ROOT) {
        push(&transfer, IN_MESSAGE);
    } else if (at.nested[0].kind == FX_ATTACHMENT_ROOT) {
        push(&transfer, IN_ATTACHMENT);
    }
    reader_init(&reader, bytes.ptr, (uint32_t)bytes.len, (uint32_t)bytes.len, &values);
    fx_read(&reader, &at);
    if (!transfer.given_up && top(&transfer)->kind == IN_ATTACHMENT) {
        tell_attachment(&transfer, top(&transfer)->mail);
    }
    end_all(&transfer);
}
