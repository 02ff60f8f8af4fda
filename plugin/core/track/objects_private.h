/* objects_private.h
 * What the files of objects.h share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_OBJECTS_PRIVATE_H
#define OUTLOOKHTTP_OBJECTS_PRIVATE_H

#include "objects.h"

/* Bytes of a stream, in one run as they were sent, from where something unfinished began. */
struct rop_run {
    uint8_t *bytes;
    uint32_t len, room;
};

/* A FastTransfer stream under way. */
struct transfer {
    struct fx_lexer lexer;
    struct rop_run *run;         /* what is carried is at its end; NULL if nothing is */
    struct rop_piece_note *last; /* the last piece, NULL before the first */
    uint32_t last_in;            /* its frame */
    uint32_t missed;             /* as of the session, when it went on */
};

/* A piece, as later passes show it: the run may move while it grows. */
struct rop_piece_note {
    struct rop_piece piece;
    const struct rop_run *run;
    uint32_t carried_at; /* where in the run */
};

struct rop_object {
    struct rop_object *next; /* of those with handles that meet, or free */
    uint32_t handle;
    uint32_t serial; /* 0: free */
    uint8_t kind;    /* enum rop_kind */
    uint8_t table;   /* of a table: the ROP that opened it */
    uint8_t logon, mode;
    bool listed;   /* it is found by its handle */
    bool stranger; /* opened before the capture began, or not seen */
    uint32_t opened_in;
    const char *text;
    const struct rop_columns *columns, *recipients;
    uint32_t columns_in, recipients_in;
    uint32_t missed; /* as of the session, when columns were set */
    uint32_t property, announced;
    struct transfer *transfer;
};

/* Of a ROP of a request that is not answered. */
struct rop_work {
    struct rop_object *input, *opened;
    uint32_t input_serial, opened_serial;
    uint32_t input_handle;
    uint16_t output;
    uint8_t mode;
    bool got;               /* it succeeded */
    struct span names, ids; /* of properties, kept */
    uint16_t name_count;
};

struct folder_name {
    struct keyed keyed; /* by the id */
    const char *name;
};

struct property_entry {
    struct keyed keyed; /* by logon and id */
    uint32_t frame;     /* that told it */
    struct named_property property;
};

struct rop_session {
    struct track *track;
    struct rop_object **slot; /* by handle */
    uint32_t slots, listed, objects;
    uint32_t serial;
    struct spare *free;
    uint8_t logon[256]; /* by LogonId: ROP_KNOWN_LOGON, ROP_KNOWN_PRIVATE */
    struct table columns, folders, properties;
    uint32_t columns_kept;
    uint32_t missed;             /* times that messages were missing from the capture */
    struct rop_message *pending; /* requests without their responses, newest first */
    uint32_t pending_count;
    struct rop_object *at[256]; /* of the request under reading: objects of the moment, by index */
    const uint8_t *handles;     /* of the payload under reading */
    uint32_t handle_count;
};

/* ---- transfers.c ---- */

/* The stream that a ROP opened is at its beginning; lost: it is not. */
void transfer_begin(struct rop_session *session, struct rop_object *object, enum fx_root root, bool lost);
/* The state of the stream before the piece that comes, kept for later passes; NULL if there is none. */
struct rop_piece_note *transfer_piece(struct rop_session *session, struct rop_object *object);
/* The piece was read: what stands behind it. */
void transfer_go_on(struct rop_session *session, struct rop_object *object, struct rop_piece_note *piece,
                    const struct rop_took *took, uint32_t frame);
/* For showing it. */
const struct rop_piece *transfer_show(struct rop_piece_note *piece);

/* ---- object_names.c ---- */

/* What an object that such a ROP opens on that parent (NULL if it is not known) is called; kept text. */
const char *object_text(struct rop_session *session, const struct rop_took *took, const struct rop_object *parent);
/* The folder of that id has that name. */
void object_name_folder(struct rop_session *session, uint64_t id, const char *name);
/* Names and ids of properties that belong together. */
void object_name_properties(struct rop_session *session, uint8_t logon, uint32_t frame, struct span ids,
                            struct span names, uint16_t count);
/* The name of a property as the session knows it; NULL if not, or if it was told behind that frame. */
const struct named_property *object_property(const struct rop_session *session, uint8_t logon, uint16_t id,
                                             uint32_t frame);

#endif
