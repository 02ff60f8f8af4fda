/* objects.h
 * Server objects of a session of EMSMDB, by handle (MS-OXCROPS 3.1.1, 3.2.1): what each is, how
 * it was opened, and what is known of it that later ROPs need. Of one context of MAPI/HTTP on
 * one leg, or of one context handle of EMSMDB.
 *
 * State advances on the first pass: a request or response is read with the host of a struct
 * rop_message that learns; later passes read it with one that replays.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_OBJECTS_H
#define OUTLOOKHTTP_OBJECTS_H

#include "rop_totals.h"
#include "rops.h"
#include "track.h"

/* What one session may take, whatever a client sends. */
#define OBJECTS_MAX 4096u         /* at a time */
#define COLUMNS_KEPT_MAX 0x40000u /* bytes of all sets of columns */
#define FOLDER_NAMES_MAX 4096u
#define FOLDER_TEXTS_MAX 8192u /* names that rows tell, new ones of the same folder too */
#define PROPERTY_NAMES_MAX 8192u
#define FILE_NAMES_MAX 8192u /* of attachments */

struct rop_session;

#define ROP_NOTE_FILE 0x80u /* of rop_note.known, beside ROP_KNOWN_... */

/* One ROP, as later passes show it. */
struct rop_note {
    uint8_t id;         /* RopId as sent */
    uint8_t call_flags; /* of a request: ROP_CALL_... */
    uint8_t logon;
    uint8_t known;         /* ROP_KNOWN_... */
    uint8_t asked;         /* of a response: the id of what it answers, else its own */
    bool whole;            /* it was read to its end */
    uint32_t return_value; /* of a response */
    uint32_t rows;         /* of a response; where the server is busy, how long the client is to wait, in ms */
    uint32_t mapping;      /* under which names of properties are found; 0: none are known */
    uint32_t opened_in, columns_in;
    const char *object;
    const struct rop_columns *columns;
    union {
        struct rop_piece_note *piece; /* of a FastTransfer stream */
        const char *file;             /* with ROP_NOTE_FILE: as struct rop_known has it */
    };
    uint32_t property, announced;
    uint16_t code_page;
};

/* What is kept of the ROPs of one request or response; arena-owned, as long as the capture. */
struct rop_message {
    struct rop_session *session;
    struct rop_message *other; /* the request of a response; later, the response of a request; NULL if not known */
    uint32_t frame;
    int64_t ns; /* when it ended */
    bool response;
    bool open; /* of a request: it goes on behind what could be read of its list */
    uint32_t count, room;
    struct rop_note *notes; /* in their order */
    /* First pass only. */
    struct rop_work *work; /* of a request that is not answered */
    struct rop_message *next_pending;
    uint32_t missed;   /* rop_session.missed, as it was sent */
    bool overtaken;    /* a later request was answered */
    bool not_executed; /* its ROPs without an answer were not */
    bool named;        /* of a response: its handle table was seen to */
    uint32_t passed;   /* of a response: ROPs of the request that were seen to */
    /* While it is shown: the ROP, whose names of properties are asked for. */
    uint32_t shown;
};

/* A session of which nothing is known but the code page that its context began with, that of what no message owns
 * (MS-OXCROPS 3.1.5.4); 0: not known. */
struct rop_session *rop_session_new(struct track *track, uint32_t code_page);
/* What is counted of its messages is counted there, too: of a session of MAPI/HTTP it outlasts this one. */
void rop_session_count(struct rop_session *session, struct rop_totals *totals);

/* A request of the session is missing from the capture, or a part of it: what columns and streams have become is not known. */
void rop_session_missed(struct rop_session *session);

/* A message of the session that ended at that time. request: what a response answers, whose session counts; or NULL. */
struct rop_message *rop_message_new(struct rop_session *session, bool response, uint32_t frame, int64_t ns,
                                    struct rop_message *request);
/* For the first reading of the message, which advances the session. */
void rop_message_learn(struct rop_message *message, struct rop_host *host);
/* It was read. */
void rop_message_end(struct rop_message *message);
/* For every reading behind it: shows what the first knew. names: room for what the host points at, as
 * long as it is used. */
void rop_message_replay(struct rop_message *message, struct rop_host *host, struct property_names *names);

#endif
