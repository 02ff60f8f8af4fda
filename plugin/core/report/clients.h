/* clients.h
 * The report on clients: who still speaks RPC over HTTP, and whose Outlook could speak MAPI/HTTP instead.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CLIENTS_H
#define OUTLOOKHTTP_CLIENTS_H

#include "client.h"
#include "mapi.h"
#include "out.h"
#include "vconn.h"
#include "version.h"

/* Whether a client could speak MAPI/HTTP. */
enum client_switch {
    SWITCH_DONE,         /* it speaks nothing else */
    SWITCH_COULD,        /* its version speaks it, or it speaks both */
    SWITCH_AFTER_UPDATE, /* a later build of its version does */
    SWITCH_CANNOT,       /* no build of its version does */
    SWITCH_OLD_SERVER,   /* its server does not */
    SWITCH_UNKNOWN,      /* its version was not seen */
    SWITCHES
};

/* What is known of a version of Outlook. */
struct outlook_version {
    uint64_t from; /* this version, up to that of the next row */
    const char *name;
    enum client_switch can;
    const char *update; /* of SWITCH_AFTER_UPDATE: which */
};
/* NULL for what is none of these. */
const struct outlook_version *outlook_version_of(uint64_t version);
/* Whether a version of Exchange offers MAPI/HTTP. */
bool exchange_offers_mapi(uint64_t version);

#define CLIENT_LIST_MAX 80

/* Of a client. Its texts are the state's, or stand in the row itself: it is not copied. */
struct client_row {
    const char *user; /* "" if not known */
    char place[ADDRESS_TEXT_MAX];
    char forwarded[ADDRESS_TEXT_MAX]; /* "" if nobody says so */
    char machine[CLIENT_LIST_MAX];    /* "PC-17, PC-18" */
    const char *application;          /* "" if not known */
    char version[CLIENT_LIST_MAX];    /* "16.0.15928.20006, 14.0.7147.5001" */
    const char *product;              /* "Outlook 2013 SP1", "" if not known */
    const char *mode;                 /* "cached", "online", "cached, online", "" if not known */
    uint32_t rpc_http, mapi_http, refused, rpc_tcp;
    char server[VERSION_TEXT_MAX];
    enum client_switch can;
    const char *can_text; /* "yes", "no", ... */
    struct when start;
};

/* By number, in order of appearance; false where there is none of that number, or none any more: nobody was who he
 * turned out to be. */
bool client_row(const struct track *track, uint32_t number, struct client_row *row);
/* Of a client, NULL: nobody; of whom the connection or the session of a row is, on any leg. NO_NUMBER: of nobody. */
uint32_t client_number(const struct client *client);
uint32_t client_of_connection(const struct rpch_state *world, uint32_t row);
uint32_t client_of_session(const struct mapi_state *world, uint32_t row);
/* The numbers end here. */
uint32_t client_rows(const struct track *track);

/* Appends "3 of 12 clients still use RPC over HTTP: 2 could switch, 1 cannot", and a line for some of these, those first
 * that cannot; nothing where there is no client. Each line ends with a newline but the last. */
void clients_say(const struct track *track, struct text *text);
/* The members "clients" and "clients_summary" of the report; track: NULL where nothing was claimed. */
void clients_json(const struct track *track, struct json *json);

#endif
