/* bodies.c
 * What the bodies of all request types have in common, and the types' names.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "bodies.h"

#include "bodies_private.h"
#include "chars.h"
#include "layout.h"
#include "extended_buffer.h"
#include "names.h"

/* ---- request types ---- */

/* As 2.2.3.3.1 spells them, in the order of enum mapi_type. */
static const char *const type_names[MAPI_TYPES] = {
    NULL,          "Connect",      "Execute",         "Disconnect",        "NotificationWait",
    "Bind",        "Unbind",       "CompareMIds",     "DNToMId",           "GetMatches",
    "GetPropList", "GetProps",     "GetSpecialTable", "GetTemplateInfo",   "ModLinkAtt",
    "ModProps",    "QueryColumns", "QueryRows",       "ResolveNames",      "ResortRestriction",
    "SeekEntries", "UpdateStat",   "GetMailboxUrl",   "GetAddressBookUrl", "PING"
};

enum mapi_type mapi_type_of(struct span name)
{
    name = span_trim(name);
    for (unsigned i = MAPI_CONNECT; i <= MAPI_PING; i++) {
        if (span_equals_nocase(name, type_names[i])) {
            return (enum mapi_type)i;
        }
    }
    return name.len ? MAPI_UNKNOWN : MAPI_NONE;
}

const char *mapi_type_name(enum mapi_type type)
{
    return (unsigned)type < MAPI_TYPES ? type_names[type] : NULL;
}

bool mapi_type_is_nspi(enum mapi_type type)
{
    return type >= MAPI_BIND && type <= MAPI_GET_ADDRESS_BOOK_URL;
}

bool mapi_type_is_emsmdb(enum mapi_type type)
{
    return type >= MAPI_CONNECT && type <= MAPI_NOTIFICATION_WAIT;
}

/* ---- bodies ---- */

static void keep_status(struct layout_run *run, const struct field_value *value)
{
    struct mapi_facts *facts = body_of(run)->facts;
    facts->has_status = true;
    facts->status = (uint32_t)value->number;
}

static void keep_error(struct layout_run *run, const struct field_value *value)
{
    struct mapi_facts *facts = body_of(run)->facts;
    facts->has_error = true;
    facts->error = (uint32_t)value->number;
}

static void aux_buffer(struct layout_run *run, const struct field *at)
{
    uint32_t size = (uint32_t)run->last;
    (void)at;
    body_of(run)->lacking |= reader_lacks(run->reader, size);
    read_aux_buffer(run->reader, size);
}

#define BODY_AT 0 /* where BODY_ID() is kept */
#define OWN_BODY RECALL(BODY_AT), CHOOSE(emsmdb_bodies), RECALL(BODY_AT), CHOOSE(nspi_bodies)
#define AUXILIARY_BUFFER U32("aux_buffer_size", "AuxiliaryBufferSize"), READ_LAYOUT(aux_buffer, 0, aux_buffer_layouts)

static LAYOUT(request_body, OWN_BODY, AUXILIARY_BUFFER);
/* A request that failed is answered with StatusCode and the auxiliary buffer alone. */
static LAYOUT(response_body, X32("status_code", "StatusCode", .text = ox_error_text, .seen = keep_status),
              UNLESS(X32("error_code", "ErrorCode", .text = ox_error_text, .seen = keep_error), OWN_BODY),
              AUXILIARY_BUFFER);
static LAYOUT(unknown_body, REST("body.unknown", "Body of an unknown request type"));
static LAYOUT(body_rest, REST("body.rest", "Bytes behind the body"));

LAYOUT(mapi_bodies, INCLUDE(request_body), INCLUDE(response_body), INCLUDE(unknown_body), INCLUDE(body_rest));

void mapi_read_body(struct reader *reader, enum mapi_type type, bool response, struct mapi_facts *facts,
                    struct rop_host *host)
{
    struct mapi_facts own;
    struct body body = { .facts = facts ? facts : &own, .host = host, .response = response };
    struct layout_run run = { .reader = reader, .scene = &body, .kept = { [BODY_AT] = BODY_ID(type, response) } };
    memset(body.facts, 0, sizeof(*body.facts));
    if (!mapi_type_name(type)) {
        read_layout(&run, unknown_body);
    } else if (type != MAPI_PING) { /* 2.2.6: has no bodies */
        read_layout(&run, response ? response_body : request_body);
    }
    body.facts->end = reader->pos;
    body.facts->complete = !reader->failed && !body.lacking && reader->pos == reader->whole;
    if (reader_left(reader) > 0) {
        reader_warn(reader, reader->pos, "Bytes behind the body");
        read_layout(&run, body_rest);
    }
}
