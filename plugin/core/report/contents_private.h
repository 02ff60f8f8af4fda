/* contents_private.h
 * What is collected under way, and how it is told: what contents.c, messages.c and mail.c share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CONTENTS_PRIVATE_H
#define OUTLOOKHTTP_CONTENTS_PRIVATE_H

#include "contents.h"
#include "rtf_text.h"

enum collects { COLLECTS_STREAM, COLLECTS_DOWNLOAD, COLLECTS_UPLOAD };

/* A stream or a transfer, by its object. */
struct collected {
    struct collected *next;
    const struct rop_session *session;
    const struct rop_message *opening; /* the request that opens it, until that is answered */
    uint16_t index;                    /* in its handle table */
    uint8_t kind;                      /* enum collects */
    bool broken;                       /* something is missing: it is not told */
    bool written, told, size_known;
    uint32_t handle, property; /* property: tag, of a stream */
    uint32_t size;             /* of a stream: as it should be */
    uint32_t last;             /* of an upload: bytes of the piece that was sent last */
    const char *file;          /* of an attachment's stream: how that is called; NULL if nobody said */
    uint64_t position;         /* where the next bytes go */
    uint8_t *bytes;
    uint32_t len, room;
    struct fx_lexer lexer; /* of a transfer, before its first byte */
};

void content_tell(const struct content_sink *sink, const char *type, const char *name, struct span bytes,
                  uint32_t frame);
/* The value of an attachment's data or of a body, by its tag; of other tags nothing is told. file: its name in UTF-8, or
 * NULL. */
void content_tell_value(const struct content_sink *sink, uint32_t tag, const char *file, struct span bytes,
                        uint32_t frame);
/* All that a whole FastTransfer stream has. lexer: as it stood before its first byte. */
void content_tell_transfer(const struct content_sink *sink, const struct fx_lexer *lexer, struct span bytes,
                           uint32_t frame);

/* Whether a string of that type is UTF-16LE, else 8-bit. */
bool content_is_wide(uint32_t tag);
/* UTF-16LE as UTF-8, in the room of the sink; without its terminator. */
struct span content_to_utf8(const struct content_sink *sink, struct span text);

/* ---- a message, as a transfer has it: spans lie in its bytes ---- */

enum mail_property {
    MAIL_CLASS,
    MAIL_SUBJECT,
    MAIL_NAME, /* of the sender, of a recipient */
    MAIL_ADDRESS,
    MAIL_SMTP,
    MAIL_ID,
    MAIL_TEXT,
    MAIL_HTML,
    MAIL_RTF,
    MAIL_BODY_CODE_PAGE, /* PidTagInternetCodepage: of text and HTML */
    MAIL_CODE_PAGE,      /* PidTagMessageCodepage: of other strings */
    MAIL_DATE,
    MAIL_RECIPIENT_TYPE,
    MAIL_FILE, /* of an attachment */
    MAIL_SHORT_FILE,
    MAIL_MIME,
    MAIL_CONTENT_ID,
    MAIL_DATA,
    MAIL_PROPERTIES
};

struct mail {
    struct mail *next;
    struct span value[MAIL_PROPERTIES]; /* ptr NULL: it has none */
    uint32_t tag[MAIL_PROPERTIES];
    struct mail *recipients, *attachments; /* in their order, once the message has ended */
    struct mail *embedded;                 /* of an attachment */
    bool partial;                          /* some of its properties only */
    uint16_t code_page;                    /* of its 8-bit strings, 0: not known */
    struct span rtf;                       /* what MAIL_RTF has, where that is the only body; ptr NULL: it has none */
    struct rtf_text rtf_text;              /* and the text of that */
};

#define MAIL_DEPTH_MAX 8u /* of messages in messages */

/* Of a message with all its properties: in which code page its strings and those of its recipients and attachments are. */
void mail_find_code_page(struct mail *mail);
/* The code page of a string or body, 0 if it is not known: of its type, else of the message. */
uint16_t mail_code_page(const struct mail *mail, enum mail_property which);
/* A string property as UTF-8 without controls, "" if there is none. */
void mail_text(const struct content_sink *sink, const struct mail *mail, enum mail_property which, char *room,
               size_t size);
/* Finds what the message, and each in it, has of RTF where that is the only body; one that is damaged has none. left: so
 * many bytes of RTF and its text may yet be made. */
void mail_find_rtf(const struct content_sink *sink, struct mail *mail, uint32_t *left);
/* The message in the format of RFC 5322 and 2045, in room(); len 0 if there is not enough room, or it has no body that mail
 * can have. */
struct span mail_write(const struct content_sink *sink, const struct mail *mail);

#endif
