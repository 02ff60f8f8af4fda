/* bodies_private.h
 * What the files of bodies.h share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_BODIES_PRIVATE_H
#define OUTLOOKHTTP_BODIES_PRIVATE_H

#include "bodies.h"
#include "layout.h"
#include "properties.h"

/* The scene of their layouts. */
struct body {
    struct mapi_facts *facts;
    struct rop_host *host;
    struct columns columns; /* of the rows to come */
    bool response;
    bool lacking; /* a buffer is larger than what is left: an issue of its decoder, which goes on */
};

static inline struct body *body_of(const struct layout_run *run)
{
    return run->scene;
}

/* A row a type, for both ways. Every request ends, and every response ends, with the auxiliary
 * buffer; every response begins with StatusCode, and with ErrorCode if that is 0: these are not
 * repeated in them. */
extern const struct field_choice emsmdb_bodies[], nspi_bodies[];
#define BODY_ID(type, response) ((type) << 1 | (response))
#define BODIES(type, name, request, response)                     \
    NAMED_CHOICE(BODY_ID(type, false), name " request", request), \
        NAMED_CHOICE(BODY_ID(type, true), name " response", response)
/* Of one that has nothing of its own. */
#define NOTHING            \
    (const struct field[]) \
    {                      \
        END                \
    }

/* Of a string and its terminator. */
static inline struct span string8_of(const struct field_value *value)
{
    return (struct span){ value->bytes, value->len - 1 };
}

static inline struct span string16_of(const struct field_value *value)
{
    return (struct span){ value->bytes, value->len - 2 };
}

#endif
