/* objects_private.h
 * What the files of objects.h share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_OBJECTS_PRIVATE_H
#define OUTLOOKHTTP_OBJECTS_PRIVATE_H

#include "objects.h"

#define FILE_NAME_MAX 128

/* Bytes of a stream, in one run as they were sent, from where something unfinished began. */
struct rop_run {
    uint8_t *bytes;
    uint32_t len, room;
};

/* A FastTransfer stream under way. */
struct transfer {
    struct fx_lexer lexer;
    struct rop_run *run;         /* what is carried is at its end; NULL if nothing is */
    struct rop_piece_note *last; /* the last piece, and its frame; NULL and 0 if it is not known which that is */
    uint32_t last_in;
    uint32_t missed; /* rop_session.missed, when it went on */
};

/* A piece, as later passes show it: the run may move while it grows. */
struct rop_piece_note {
    struct rop_piece piece;
    struct rop_piece_note *before; /* NULL if it is not known */
    struct rop_run *run;
    uint32_t carried_at; /* where in the run */
};

struct rop_object {
    struct rop_object *next;          /* of those with handles that meet, or free */
    struct rop_object *older, *newer; /* of its logon */
    uint32_t handle;
    uint32_t serial; /* 0: free */
    uint8_t kind;    /* enum rop_kind */
    uint8_t logon;
    uint8_t opened_by;  /* RopId, 0 if it is not known */
    uint16_t code_page; /* of its 8-bit strings, 0: not known */
    bool listed;        /* it is found by its handle */
    bool released;      /* as the client asked: what it sends from here on cannot mean it */
    uint32_t opened_in;
    const char *text;
    const struct rop_columns *columns, *recipients;
    uint32_t columns_in, recipients_in;
    uint32_t missed; /* rop_session.missed, when it was last looked at */
    uint32_t property, announced;
    struct transfer *transfer;
    struct rop_object *of; /* what it was opened on, with its serial */
    uint32_t of_serial;
    uint32_t attachment; /* number of one; it is known if has_number */
    bool has_number;
    uint8_t file_rank;
    const char *file; /* of an attachment or its stream, as far as it is known */
};

struct rop_logon {
    struct rop_object *first, *last;    /* its objects, oldest first */
    const struct rop_message *asked_by; /* the last request for it, */
    uint64_t store;                     /* digest of what it was last made to */
    uint32_t mapping; /* of ids of properties and folders to names: another number for another store */
    bool has_store;
    uint8_t known; /* ROP_KNOWN_LOGON, ROP_KNOWN_PRIVATE */
    uint8_t asked; /* and what that says */
};

/* Of a ROP of a request that is not answered. */
struct rop_work {
    struct rop_object *input, *opened;
    uint32_t input_serial, opened_serial;
    uint32_t input_handle;  /* of an input that is not known */
    uint32_t before_serial; /* objects before this ROP have lower ones */
    struct span names, ids; /* of properties, kept */
    struct span data;       /* of an upload, kept */
    const char *folder;     /* the name of one that is to be made */
    uint16_t name_count;
    uint16_t output;
    uint8_t mode; /* rop_took.mode */
    bool whole, answered;
    bool got; /* it succeeded */
};

struct rop_session {
    struct track *track;
    struct rop_object **slot; /* by handle */
    uint32_t slots, listed, objects;
    uint32_t serial, mappings; /* the last of each */
    struct spare *free;
    struct rop_logon *logon[256]; /* by LogonId; NULL if nobody used it */
    struct table columns, folders, properties;
    uint32_t columns_kept, folder_texts;
    struct rop_message *pending; /* requests without their responses, newest first */
    uint32_t pending_count;
    struct rop_object *at[256]; /* of the request under reading: objects of the moment, by index */
    uint32_t at_used;
    const uint8_t *handles; /* of the payload under reading */
    uint32_t handle_count;
    struct rop_totals *totals;  /* NULL: nobody counts */
    uint32_t missed;            /* requests that the capture lacks */
    uint16_t code_page;         /* 0: not known */
    struct rop_object *reading; /* what the ROP under reading is about; NULL if that is not known */
    struct table files;         /* names of attachments that rows told, by message and number */
    uint32_t file_names;        /* of all that were kept */
};

#define NO_HANDLE 0xFFFFFFFFu
#define ROP_LOGON_PRIVATE 0x01u /* of LogonFlags */

/* ---- objects.c ---- */

/* An object, and what ends it. Whoever keeps a pointer keeps its serial number, too: NULL where it is another by now. */
struct rop_object *object_still(struct rop_object *object, uint32_t serial);
uint32_t object_serial(const struct rop_object *object); /* 0 of NULL */
/* NULL: the session has as many as it may. */
struct rop_object *object_new(struct rop_session *session, uint8_t kind, uint8_t logon);
/* The server says that this is its handle. */
void object_list(struct rop_session *session, struct rop_object *object, uint32_t handle);
struct rop_object *object_find(const struct rop_session *session, uint32_t handle);
/* One of which only the handle is known; NULL if there is none, or that is taken. */
struct rop_object *object_meet(struct rop_session *session, uint32_t handle, uint8_t logon);
void object_forget(struct rop_session *session, struct rop_object *object);
/* What a request that the capture lacks may have changed of it is not known any more: columns, and which state comes. */
void object_refresh(const struct rop_session *session, struct rop_object *object);
/* The server executed a RopRelease. The objects of a logon end with it (MS-OXCROPS 3.1.5.3). */
void object_release(struct rop_session *session, const struct rop_work *work);
/* The handle at an index of the payload under reading. */
uint32_t object_handle_at(const struct rop_session *session, uint32_t index);
struct rop_logon *object_logon(struct rop_session *session, uint8_t id);
/* Ends all of its objects before that serial number. */
void object_end_logon(struct rop_session *session, struct rop_logon *logon, uint32_t serial);
/* The one copy of columns; NULL where there would be too many. */
const struct rop_columns *object_keep_columns(struct rop_session *session, const struct columns *tags);

/* ---- object_requests.c ---- */

/* A further ROP of the message; all zero. */
struct rop_note *rop_message_note(struct rop_message *message);
struct rop_known rop_note_known(const struct rop_note *note);
void rop_note_logon(struct rop_session *session, struct rop_note *note, uint8_t logon);
void rop_note_object(struct rop_session *session, struct rop_note *note, struct rop_object *object);
/* What the ROP is about. One that was opened before the capture began, or where it has a gap, is known from here on. */
struct rop_object *rop_work_meet(struct rop_session *session, struct rop_work *work, uint8_t logon);
/* Whether its request carries a piece of a FastTransfer stream. */
bool rop_uploads(uint8_t id);
/* A response is awaited from here on. */
void rop_request_await(struct rop_message *request);
/* A later request is answered: this one and those before it were executed, and what they changed is not known. */
void rop_request_overtaken(struct rop_message *request);
/* It is answered, or nobody waits for that any more: what it opened and nobody confirmed was not. */
void rop_request_settle(struct rop_message *request);
/* Of struct rop_host. */
void rop_request_handles(void *ctx, const uint8_t *table, uint32_t count);
void rop_request_look(void *ctx, uint32_t number, uint32_t order, const struct rop_took *head, struct rop_known *known);
void rop_request_took(void *ctx, uint32_t number, uint32_t order, const struct rop_took *took);

/* ---- object_answers.c, of struct rop_host ---- */

void rop_response_handles(void *ctx, const uint8_t *table, uint32_t count);
void rop_response_look(void *ctx, uint32_t number, uint32_t order, const struct rop_took *head,
                       struct rop_known *known);
void rop_response_took(void *ctx, uint32_t number, uint32_t order, const struct rop_took *took);
void rop_response_payload_end(void *ctx);
/* A row says how a folder is called. */
void rop_response_folder(void *ctx, uint64_t id, struct span name);

/* ---- transfers.c ---- */

/* The stream that a ROP opened is at its beginning. */
void transfer_begin(struct rop_session *session, struct rop_object *object, enum fx_root root);
/* Something of the stream is missing. */
void transfer_lose(struct rop_session *session, struct rop_object *object);
void transfer_end(struct rop_session *session, struct rop_object *object);
/* The state of the stream before the piece that comes, kept for later passes. */
struct rop_piece_note *transfer_piece(struct rop_session *session, struct rop_object *object);
/* The piece has these bytes: what stands behind it. */
void transfer_go_on(struct rop_session *session, struct rop_object *object, struct rop_piece_note *piece,
                    struct span data, uint32_t frame);
/* Of the piece these first bytes count, no others. */
void transfer_took_part(struct rop_session *session, struct rop_object *object, struct rop_piece_note *piece,
                        struct span part);
/* For showing it. */
const struct rop_piece *transfer_show(struct rop_piece_note *piece);

/* ---- object_names.c ---- */

/* What an object that such a ROP opens on that parent (NULL if it is not known) is called; kept text. */
const char *object_text(struct rop_session *session, const struct rop_took *took, const struct rop_object *parent);
/* What the folder will be called that RopCreateFolder asks for; kept text, NULL if it has no name. */
const char *object_new_folder(struct rop_session *session, const struct rop_took *took);
/* The folder of that id has that name: kept text. */
void object_name_folder(struct rop_session *session, uint32_t mapping, uint64_t id, const char *name);
/* How the file of an attachment, or of the one whose stream it is, is called; kept text, NULL if that is not known. */
const char *object_file(struct rop_session *session, struct rop_object *object);
/* Of struct rop_host: what the ROP under reading says of it. The best name that was told first stays. */
void object_name_file(void *ctx, const struct rop_file *told);
/* The same in UTF-16LE, which is kept. */
void object_call_folder(struct rop_session *session, uint32_t mapping, uint64_t id, struct span name);
/* Names and ids of properties that belong together. */
void object_name_properties(struct rop_session *session, uint8_t logon, uint32_t frame, struct span ids,
                            struct span names, uint16_t count);
/* The name of a property as the session knows it; NULL if not, or if it was told behind that frame. */
const struct named_property *object_property(const struct rop_session *session, uint32_t mapping, uint16_t id,
                                             uint32_t frame);

#endif
