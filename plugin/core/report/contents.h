/* contents.h
 * What ROPs carried, for somebody who wants to save it: lists of ROPs as they are below compression and XOR, and the values
 * of attachments and message bodies that streams and FastTransfer brought, whole or not at all.
 *
 * Requests and responses are read again, in the order of the capture, by the notes that the first reading left.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CONTENTS_H
#define OUTLOOKHTTP_CONTENTS_H

#include "code_pages.h"
#include "emsmdb.h"
#include "mapi.h"
#include "objects.h"

/* Of all that is under way at a time, and of one value or transfer. */
#define CONTENTS_MAX 0x10000000u
#define CONTENT_MAX 0x4000000u
/* Streams and transfers under way at a time: more are not followed. */
#define CONTENTS_OPEN_MAX 256u

struct content {
    const char *name; /* of a file: ASCII or UTF-8, without the separators of folders */
    const char *type; /* of its content, as MIME has them */
    const uint8_t *bytes;
    uint32_t len, frame;
};

/* Who is told of what was found; all of it is valid during the call. */
struct content_sink {
    void *ctx;
    void (*found)(void *ctx, const struct content *content);
    uint8_t *(*room)(void *ctx, size_t size); /* as long as the message is read */
    page_to_utf8 utf8;                        /* NULL: no 8-bit text can be read */
};

struct contents;

struct contents *contents_new(const struct arena *arena);
/* Lets go of what is under way. */
void contents_forget(struct contents *contents);

/* The body of an Execute, without chunks and content encoding. */
void contents_read_body(struct contents *contents, const struct mapi_message *message, struct span body,
                        const struct content_sink *sink);
/* A stub of EcDoRpcExt2 or EcDoRpc. rops: of this message, never NULL. */
void contents_read_stub(struct contents *contents, struct rop_message *rops, const struct emsmdb_stub *stub,
                        bool big_endian, struct span bytes, const struct content_sink *sink);

#endif
