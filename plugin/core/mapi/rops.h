/* rops.h
 * Remote operations, MS-OXCROPS: the lists of a request and of its response, both ways.
 *
 * A ROP has no length and an answer does not say what it answers: a response is read beside
 * its request, and rows by columns that were set before. Whoever reads gives that as a struct
 * rop_host and hears what was read; nothing is kept here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROPS_H
#define OUTLOOKHTTP_ROPS_H

#include "fasttransfer.h"
#include "properties.h"

/* All that they can show, for registration behind "rop.". */
extern const struct field rop_layouts[];

/* What is said of them beside their values. */
extern const struct issue_kind rop_malformed, rop_context_unknown, rop_failed, rop_backoff, rop_buffer_too_small;
#define ROP_ISSUES 5
extern const struct issue_kind *const rop_issues[ROP_ISSUES];

/* ---- what a ROP is (MS-OXCROPS 2.2.2) ---- */

enum rop_id {
    ROP_RELEASE = 0x01,
    ROP_OPEN_FOLDER = 0x02,
    ROP_OPEN_MESSAGE = 0x03,
    ROP_GET_HIERARCHY_TABLE = 0x04,
    ROP_GET_CONTENTS_TABLE = 0x05,
    ROP_CREATE_MESSAGE = 0x06,
    ROP_GET_PROPERTIES_SPECIFIC = 0x07,
    ROP_GET_PROPERTIES_ALL = 0x08,
    ROP_SET_PROPERTIES = 0x0A,
    ROP_MODIFY_RECIPIENTS = 0x0E,
    ROP_READ_RECIPIENTS = 0x0F,
    ROP_RELOAD_CACHED_INFORMATION = 0x10,
    ROP_SET_MESSAGE_READ_FLAG = 0x11,
    ROP_SET_COLUMNS = 0x12,
    ROP_QUERY_ROWS = 0x15,
    ROP_GET_STATUS = 0x16,
    ROP_CREATE_FOLDER = 0x1C,
    ROP_GET_MESSAGE_STATUS = 0x1F,
    ROP_SET_MESSAGE_STATUS = 0x20,
    ROP_GET_ATTACHMENT_TABLE = 0x21,
    ROP_OPEN_ATTACHMENT = 0x22,
    ROP_CREATE_ATTACHMENT = 0x23,
    ROP_REGISTER_NOTIFICATION = 0x29,
    ROP_NOTIFY = 0x2A,
    ROP_OPEN_STREAM = 0x2B,
    ROP_READ_STREAM = 0x2C,
    ROP_WRITE_STREAM = 0x2D,
    ROP_SEEK_STREAM = 0x2E,
    ROP_SET_STREAM_SIZE = 0x2F,
    ROP_CLONE_STREAM = 0x3B,
    ROP_GET_PERMISSIONS_TABLE = 0x3E,
    ROP_GET_RULES_TABLE = 0x3F,
    ROP_OPEN_EMBEDDED_MESSAGE = 0x46,
    ROP_SOURCE_COPY_MESSAGES = 0x4B,
    ROP_SOURCE_COPY_FOLDER = 0x4C,
    ROP_SOURCE_COPY_TO = 0x4D,
    ROP_SOURCE_GET_BUFFER = 0x4E,
    ROP_FIND_ROW = 0x4F,
    ROP_PROGRESS = 0x50,
    ROP_DESTINATION_CONFIGURE = 0x53,
    ROP_DESTINATION_PUT_BUFFER = 0x54,
    ROP_GET_NAMES_FROM_PROPERTY_IDS = 0x55,
    ROP_GET_PROPERTY_IDS_FROM_NAMES = 0x56,
    ROP_EXPAND_ROW = 0x59,
    ROP_COMMIT_STREAM = 0x5D,
    ROP_QUERY_NAMED_PROPERTIES = 0x5F,
    ROP_WRITE_PER_USER_INFORMATION = 0x64,
    ROP_SOURCE_COPY_PROPERTIES = 0x69,
    ROP_PENDING = 0x6E,
    ROP_SYNCHRONIZATION_CONFIGURE = 0x70,
    ROP_SYNCHRONIZATION_IMPORT_MESSAGE_CHANGE = 0x72,
    ROP_UPLOAD_STATE_BEGIN = 0x75,
    ROP_UPLOAD_STATE_CONTINUE = 0x76,
    ROP_UPLOAD_STATE_END = 0x77,
    ROP_SET_PROPERTIES_NO_REPLICATE = 0x79,
    ROP_SYNCHRONIZATION_OPEN_COLLECTOR = 0x7E,
    ROP_RESET_TABLE = 0x81,
    ROP_GET_TRANSFER_STATE = 0x82,
    ROP_DESTINATION_PUT_BUFFER_EXTENDED = 0x9D,
    ROP_WRITE_STREAM_EXTENDED = 0xA3,
    ROP_BACKOFF = 0xF9,
    ROP_LOGON = 0xFE,
    ROP_BUFFER_TOO_SMALL = 0xFF
};

/* What a ROP opens, as the session calls it. */
enum rop_kind {
    ROP_OPENS_NOTHING,
    ROP_STORE, /* what RopLogon opens */
    ROP_FOLDER,
    ROP_MESSAGE,
    ROP_ATTACHMENT,
    ROP_TABLE,
    ROP_STREAM,
    ROP_SUBSCRIPTION,
    ROP_DOWNLOAD, /* MS-OXCFXICS 3.2.5: of a FastTransfer source */
    ROP_UPLOAD,
    ROP_SYNC,     /* a synchronization download context */
    ROP_COLLECTOR /* a synchronization upload context */
};

/* "OpenFolder", by RopId; NULL if the specification has none. */
const char *rop_name(uint8_t id);
/* enum rop_kind */
uint8_t rop_opens(uint8_t id);
/* Whether a ROP in that extended buffer of a request has no answer of its own: RopRelease, one of
 * several packed ones (MS-OXCRPC 3.1.4.2.1.2.1). */
bool rop_call_is_silent(uint8_t id, uint16_t buffer);
/* Whether an answer of that id is to no ROP of the request (2.2.14.2, 2.2.14.3, 2.2.15.1, 2.2.15.2). */
bool rop_is_unasked(uint8_t id);
/* Whether RopProgress may come in place of its answer (MS-OXCPRPT 2.2.23). */
bool rop_is_long(uint8_t id);
/* Whether any ROP response says that (a warning of MS-OXCDATA 2.4.2 counts as success). */
bool rop_return_is_failure(uint32_t return_value);

/* ---- what was read, and what is known ---- */

#define ROP_NO_INDEX 0xFFFFu

/* What the session keeps of a ROP, or needs to judge what comes. Spans lie in the buffer under
 * reading. */
struct rop_took {
    uint8_t id, logon;
    bool whole;             /* read to its end */
    uint8_t mode;           /* TableStatus, SynchronizationType, SourceOperation, TransferStatus, LogonFlags, ... */
    uint16_t input, output; /* handle indices, ROP_NO_INDEX where it has none */
    uint16_t code_page;
    uint16_t buffer; /* number of the extended buffer */
    uint32_t offset; /* in its buffer */
    uint32_t return_value;
    uint32_t property; /* tag */
    uint32_t handle;   /* of a notification */
    uint32_t rows, duration;
    uint64_t folder, message; /* ids, their bytes read in the order of the wire; 0 if it has none */
    struct columns tags;
    struct span data;  /* of a stream or transfer; FolderIds of a logon */
    struct span store; /* GUID of what was logged on to */
    struct span name;  /* of a folder: 8-bit, or UTF-16LE if wide */
    bool wide;
    struct span names; /* PropertyName structures, name_count of them */
    struct span ids;   /* property ids of 2 bytes */
    uint16_t name_count;
    uint32_t announced;  /* of a state that will be uploaded: bytes */
    uint32_t attachment; /* its number */
};

/* What a row or a value says of the name of an attachment's file. */
struct rop_file {
    bool has_number;
    uint32_t number;  /* PidTagAttachNumber */
    uint8_t rank;     /* 1 PidTagAttachLongFilename, 2 PidTagAttachFilename, 3 PidTagDisplayName; 0: it says none */
    struct span name; /* 8-bit, or UTF-16LE if wide; without its terminator */
    bool wide;
};

/* Columns of a table or of recipients; whoever gives them owns them. */
struct rop_columns {
    uint32_t count;
    uint8_t tags[]; /* 4 bytes each, as sent */
};

/* Where a FastTransfer stream stands before a piece of it. */
struct rop_piece {
    struct fx_lexer lexer;
    const uint8_t *carried;       /* lexer.unfinished bytes */
    uint32_t before_in, after_in; /* frames of the pieces before and behind; 0: none, or not known */
};

/* What stands on a ROP beside its bytes. All of it may be 0. */
struct rop_known {
    const char *object;                /* "Folder Inbox": what the ROP is about */
    uint32_t opened_in;                /* frame */
    const struct rop_columns *columns; /* of its rows or recipients; of the tags that were asked for */
    uint32_t columns_in;               /* frame that set them */
    const struct rop_piece *piece;     /* of the stream that its bytes go on with */
    uint32_t property;                 /* tag of the stream or state whose bytes it carries, */
    uint32_t announced;                /* and of a state its size */
    const char *file;                  /* what the file of the attachment is called that it is about, or whose stream */
    uint16_t code_page;                /* of its 8-bit strings, 0: not known */
    uint8_t flags;                     /* ROP_KNOWN_... */
};
#define ROP_KNOWN_LOGON 0x01u   /* how the logon was made is known: */
#define ROP_KNOWN_PRIVATE 0x02u /* to a mailbox, else to public folders */
#define ROP_KNOWN_ANSWER 0x04u  /* of a request: the response answers it */
#define ROP_KNOWN_FOLDERS 0x08u /* its rows are folders */
#define ROP_KNOWN_FILES 0x10u   /* its rows, or its values, are of attachments */

/* A ROP of a request, for its answer. */
struct rop_call {
    uint8_t id;
    uint8_t flags; /* ROP_CALL_... */
};
#define ROP_CALL_SILENT 0x01u /* no answer of its own: RopRelease; one of several packed ones */

/* One list of ROPs is under reading. */
struct rop_host {
    void *ctx;
    uint32_t calls;  /* of a response: ROPs of the request */
    bool has_calls;  /* it is known */
    bool calls_open; /* but its list goes on behind what could be read */
    /* ROP number of the request. */
    struct rop_call (*call)(void *ctx, uint32_t number);
    /* A ROP of the list begins: what is known of it. number: of a request its place in the list, of a
     * response that of the ROP it answers (the count of them, if none); order: its place in this
     * message; head: RopId and indices. NULL: nothing is known. */
    void (*look)(void *ctx, uint32_t number, uint32_t order, const struct rop_took *head, struct rop_known *known);
    /* It was read. NULL: nobody wants to know. */
    void (*took)(void *ctx, uint32_t number, uint32_t order, const struct rop_took *took);
    /* The handle table of a payload, before its ROPs are read: count values of 4 bytes. */
    void (*handles)(void *ctx, const uint8_t *table, uint32_t count);
    /* The rest of the list could not be read: other ROPs may stand there. NULL: nobody wants to know. */
    void (*unread)(void *ctx);
    /* The payload is read. */
    void (*payload_end)(void *ctx);
    /* A row of a hierarchy table says how a folder is called, in UTF-16LE. NULL: nobody wants to know. */
    void (*folder)(void *ctx, uint64_t id, struct span name);
    /* A row of an attachment table, or values of an attachment, say how its file is called. NULL: nobody wants to know. */
    void (*file)(void *ctx, const struct rop_file *file);
    const struct property_names *names; /* of the mailbox, or NULL */
    /* The other message of the two, for later passes; 0 if it is not known. ns: from the request to the response. */
    uint32_t other_frame;
    int64_t ns;
    /* What the walk through the message keeps; begin with 0. */
    uint32_t number, order, last;
    uint32_t silent, silent_end; /* calls known to have no answer: from, up to before */
    uint32_t joined;             /* bytes of streams that were put together with what was carried */
    uint16_t buffers;
};

/* Of one message so many bytes of pieces and what is carried before them are shown; a value that
 * comes in pieces of a byte must not cost its length for each. */
#define ROP_JOINED_MAX 0x800000u

/* The payload of one extended buffer, from reader to its end: RopSize, which counts itself, the
 * ROPs, and the server object handle table (MS-OXCROPS 2.2.1). host may be NULL. */
void read_rop_payload(struct reader *reader, bool response, struct rop_host *host);

#endif
