/* client_table.c
 * The table of -z outlook,clients: who speaks RPC over HTTP, who MAPI/HTTP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "client_table.h"

#include "compat.h"

#include <stddef.h>

#include "cells.h"
#include "row_table.h"
#include "store.h"

#define TEXT(title, member, text)                                                                     \
    {                                                                                                 \
        { TABLE_ITEM_STRING, TAP_ALIGN_LEFT, title, "%s" }, offsetof(struct client_row, member), text \
    }
#define COUNT(title, member)                                                                         \
    {                                                                                                \
        { TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, title, "%u" }, offsetof(struct client_row, member), NULL \
    }

static const struct column columns[] = {
    TEXT("User", user, text_cell),
    TEXT("Client", place, array_cell),
    TEXT("Forwarded for", forwarded, array_cell),
    TEXT("Machine", machine, array_cell),
    TEXT("Application", application, text_cell),
    TEXT("Version", version, array_cell),
    TEXT("Product", product, text_cell),
    TEXT("Mode", mode, text_cell),
    COUNT("RPC over HTTP", rpc_http),
    COUNT("MAPI/HTTP", mapi_http),
    COUNT("Refused Connects", refused),
    COUNT("RPC over TCP", rpc_tcp),
    TEXT("Could use MAPI/HTTP", can_text, text_cell),
    TEXT("Server version", server, array_cell),
    TEXT("Start", start, time_cell),
};

static bool fill_client(uint32_t index, union row *row)
{
    return store->outlook && client_row(&store->outlook->track, index, &row->client);
}

/* Whose the messages of the frame are. */
static void list_of_messages(struct row_table *table, const struct mapi_note *note)
{
    for (const struct mapi_item *item = note->items; item; item = item->next) {
        const struct mapi_message *message = item->message;
        row_table_list(table,
                       message->row == NO_NUMBER ? message->client : client_of_session(store_mapi(), message->row));
    }
}

static void list_clients(struct row_table *table, const struct frame_notes *notes)
{
    const uint32_t row = notes->rpch ? row_of_frame(notes->rpch) : NO_NUMBER;
    if (row != NO_NUMBER)
        row_table_list(table, client_of_connection(store_world(), row));
    if (notes->mapi)
        list_of_messages(table, notes->mapi);
}

static void list_client(struct row_table *table, const struct client *client)
{
    row_table_list(table, client_number(client));
}

void client_table_register(void)
{
    static struct row_table table = { .ui = { .title = "Outlook Clients",
                                              .tap_name = "outlookclient",
                                              .cli_string = "outlook,clients",
                                              .nfields = G_N_ELEMENTS(columns) },
                                      .title = "Outlook clients",
                                      .columns = columns,
                                      .fill = fill_client,
                                      .list = list_clients,
                                      .list_client = list_client };
    row_table_register(&table);
}
