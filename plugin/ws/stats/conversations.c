/* conversations.c
 * What a frame belongs to beyond its TCP connection, and filters that select it.
 *
 * There is no tab in the Conversations window: its filters compare one address and port with either end, and a
 * virtual connection has two TCP connections, on a device four (docs/versions.md).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "conversations.h"

#include <epan/conversation_filter.h>

#include "connections.h"
#include "ids.h"
#include "notes.h"
#include "sessions.h"
#include "store.h"

/* ---- What a frame belongs to ------------------------------------------------------ */

bool conversation_of_rpch(packet_info *pinfo, uint32_t *vc, uint32_t *leg)
{
    const struct frame_note *note = frame_note_get(pinfo);
    const struct vc_place *place = rpch_place_of(pinfo);
    struct vc_snapshot now = { .vc = NO_NUMBER };
    if (note && note->mark)
        outlook_mark_show(note->mark, &now);
    if (now.vc == NO_NUMBER && place) {
        outlook_place_show(place, &now.vc, &now.leg);
    }
    *vc = now.vc;
    *leg = now.leg;
    return now.vc != NO_NUMBER;
}

/* The user waits for one look through the table. */
static bool row_of_leg(packet_info *pinfo, struct leg_row *row)
{
    uint32_t vc, leg;
    if (!store_active() || !conversation_of_rpch(pinfo, &vc, &leg))
        return false;
    for (uint32_t index = 0; rpch_state_row(store_world(), index, row); index++) {
        if (row->vc == vc && row->leg == leg)
            return true;
    }
    return false;
}

/* The row of the report that the frame belongs to: a message names its own. */
static bool row_of_session(packet_info *pinfo, struct session_row *row)
{
    const struct mapi_note *note = mapi_note_get(pinfo);
    if (!note || !store_mapi_active())
        return false;
    for (const struct mapi_item *item = note->items; item; item = item->next) {
        if (item->message->row != NO_NUMBER)
            return mapi_state_row(store_mapi(), item->message->row, row);
    }
    return false;
}

bool conversation_of_mapi(packet_info *pinfo, uint32_t *session, uint32_t *leg)
{
    struct session_row row;
    if (!row_of_session(pinfo, &row))
        return false;
    *session = row.session;
    *leg = row.leg;
    return row.session != NO_NUMBER;
}

/* The client's end of the connection or session; false if it is not known. */
static bool client_of(packet_info *pinfo, struct endpoint *client)
{
    struct leg_row leg;
    struct session_row session;
    if (row_of_leg(pinfo, &leg) && leg.client.family)
        *client = leg.client;
    else if (row_of_session(pinfo, &session) && session.client.family)
        *client = session.client;
    else
        return false;
    return true;
}

/* ---- Filters: g_malloc()ed, NULL where there is nothing to select ------------------ */

static ws_bool has_virtual_connection(packet_info *pinfo COMPAT_USER_DATA)
{
    uint32_t vc, leg;
    return conversation_of_rpch(pinfo, &vc, &leg);
}

static char *virtual_connection_filter(packet_info *pinfo COMPAT_USER_DATA)
{
    uint32_t vc, leg;
    return conversation_of_rpch(pinfo, &vc, &leg) ? g_strdup_printf("rpch.vc == %u", vc) : NULL;
}

static ws_bool has_session(packet_info *pinfo COMPAT_USER_DATA)
{
    uint32_t session, leg;
    return conversation_of_mapi(pinfo, &session, &leg);
}

static char *session_filter(packet_info *pinfo COMPAT_USER_DATA)
{
    uint32_t session, leg;
    return conversation_of_mapi(pinfo, &session, &leg) ? g_strdup_printf("mapihttp.session == %u", session) : NULL;
}

static ws_bool has_client(packet_info *pinfo COMPAT_USER_DATA)
{
    struct endpoint client;
    return client_of(pinfo, &client);
}

/* Whatever it speaks of the two protocols, and its logons. */
static char *client_filter(packet_info *pinfo COMPAT_USER_DATA)
{
    struct endpoint client;
    char text[ENDPOINT_TEXT_MAX];
    if (!client_of(pinfo, &client))
        return NULL;
    endpoint_format(&client, text); /* 10.0.0.81:80, [2001:db8::81]:80 */
    char *address = text + (text[0] == '['), *end = strrchr(text, ':');
    if (end > text && end[-1] == ']')
        end--;
    *end = '\0';
    return g_strdup_printf("%s.addr == %s and (rpch or mapihttp or outlook)", text[0] == '[' ? "ipv6" : "ip", address);
}

/* ---- Registration ----------------------------------------------------------------- */

void conversations_register(void)
{
    register_conversation_filter("rpch", "RPC over HTTP, virtual connection", has_virtual_connection,
                                 virtual_connection_filter COMPAT_NO_USER_DATA);
    register_conversation_filter("mapihttp", "MAPI over HTTP, session", has_session,
                                 session_filter COMPAT_NO_USER_DATA);
    register_conversation_filter("outlook", "Outlook, client", has_client, client_filter COMPAT_NO_USER_DATA);
}
