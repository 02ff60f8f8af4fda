/* row_table.c
 * A table whose rows the state numbers, of which those are listed that a frame speaks of.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "row_table.h"

#include "store.h"

/* Rows stand in the order of their numbers, whichever frame of theirs passes first: what comes late makes room for
 * itself. So many moves take about a second; what is late behind them stands at the end. */
#define MOVES_MAX 10000000u

/* ---- Which rows are listed -------------------------------------------------------- */

static struct row_table *table_of(void *tapdata)
{
    return (struct row_table *)((stat_data_t *)tapdata)->stat_tap_data;
}

static stat_tap_table *shown_of(const struct row_table *table)
{
    return g_array_index(table->ui.tables, stat_tap_table *, 0);
}

static void forget(struct listing *listing)
{
    g_free(listing->place);
    g_free(listing->row);
    memset(listing, 0, sizeof *listing);
}

/* The listing of what the table shows now: Wireshark empties tables, and opens other files. */
static struct listing *listing_of(struct row_table *table)
{
    struct listing *listing = &table->listing;
    if (listing->file != store || listing->rows != shown_of(table)->num_elements) {
        forget(listing);
        listing->file = store;
    }
    return listing;
}

static void note_place(struct listing *listing, uint32_t row, uint32_t place)
{
    if (row >= listing->places) {
        const uint32_t places = MAX(2 * listing->places, row + 64);
        listing->place = g_renew(uint32_t, listing->place, places);
        memset(listing->place + listing->places, 0, (places - listing->places) * sizeof *listing->place);
        listing->places = places;
    }
    listing->place[row] = place + 1;
    listing->row[place] = row;
}

/* The place of a row that is not listed, by its number. */
static uint32_t place_for(const struct listing *listing, uint32_t row)
{
    uint32_t low = 0, high = listing->rows;
    if (high == 0 || listing->row[high - 1] < row || listing->moved >= MOVES_MAX)
        return high;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (listing->row[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- Cells ------------------------------------------------------------------------ */

static bool make_items(const struct row_table *table, uint32_t index, stat_tap_table_item_type items[COLUMNS_MAX])
{
    union row row;
    if (!table->fill(index, &row))
        return false;
    memset(items, 0, COLUMNS_MAX * sizeof *items);
    for (unsigned i = 0; i < table->ui.nfields; i++) {
        const struct column *column = &table->columns[i];
        const void *member = (const uint8_t *)&row + column->member;
        items[i].type = column->title.type;
        if (column->text)
            items[i].value.string_value = column->text(member);
        else
            items[i].value.uint_value = *(const uint32_t *)member;
    }
    return true;
}

static void free_item(stat_tap_table *table _U_, unsigned row _U_, unsigned column _U_, stat_tap_table_item_type *item)
{
    if (item->type == TABLE_ITEM_STRING) {
        g_free((char *)item->value.string_value);
        item->value.string_value = NULL;
        item->type = TABLE_ITEM_NONE;
    }
}

static void set_items(stat_tap_table *shown, uint32_t place, const stat_tap_table_item_type *items)
{
    memcpy(stat_tap_get_field_data(shown, place, 0), items, shown->num_fields * sizeof *items);
}

/* Rows move by what they hold: the GUI keeps pointers to the rows themselves. */
static void insert(struct row_table *table, uint32_t row, const stat_tap_table_item_type *items)
{
    struct listing *listing = &table->listing;
    stat_tap_table *shown = shown_of(table);
    const uint32_t place = place_for(listing, row), last = listing->rows++;
    if (listing->rows > listing->room) {
        listing->room = MAX(2 * listing->room, 64);
        listing->row = g_renew(uint32_t, listing->row, listing->room);
    }
    stat_tap_init_table_row(shown, last, shown->num_fields, items);
    for (uint32_t at = last; at > place; at--) {
        set_items(shown, at, stat_tap_get_field_data(shown, at - 1, 0));
        note_place(listing, listing->row[at - 1], at);
    }
    listing->moved += last - place;
    set_items(shown, place, items);
    note_place(listing, row, place);
}

/* ---- What frames say -------------------------------------------------------------- */

static void show(void *tapdata, uint32_t row, bool list)
{
    struct row_table *table = table_of(tapdata);
    stat_tap_table *shown = shown_of(table);
    struct listing *listing = listing_of(table);
    const uint32_t place = row < listing->places ? listing->place[row] : 0;
    stat_tap_table_item_type items[COLUMNS_MAX];
    if (row == NO_NUMBER || (!place && !list) || !make_items(table, row, items))
        return;
    if (!place) {
        insert(table, row, items);
        return;
    }
    for (unsigned column = 0; column < shown->num_fields; column++)
        free_item(shown, place - 1, column, stat_tap_get_field_data(shown, place - 1, column));
    set_items(shown, place - 1, items);
}

void row_table_list(void *tapdata, uint32_t row)
{
    show(tapdata, row, true);
}

void row_table_refill(void *tapdata, uint32_t row)
{
    show(tapdata, row, false);
}

void row_table_wait(void *tapdata, const void *thing)
{
    struct listing *listing = listing_of(table_of(tapdata));
    if (listing->waits == 0 || listing->waiting[(listing->waits - 1) % WAITING_MAX] != thing)
        listing->waiting[listing->waits++ % WAITING_MAX] = thing;
}

void row_table_follow(void *tapdata)
{
    const struct row_table *table = table_of(tapdata);
    struct listing *listing = listing_of(table_of(tapdata));
    const uint32_t rows = table->rows();
    if (rows == listing->known)
        return;
    listing->known = rows;
    for (uint32_t i = 0; i < MIN(listing->waits, WAITING_MAX); i++) {
        const uint32_t row = listing->waiting[i] ? table->row_of(listing->waiting[i]) : NO_NUMBER;
        if (row == NO_NUMBER)
            continue;
        listing->waiting[i] = NULL;
        show(tapdata, row, true);
    }
}

/* ---- Registration ----------------------------------------------------------------- */

static void reset(stat_tap_table *shown)
{
    for (unsigned row = 0; row < shown->num_elements; row++) {
        for (unsigned column = 0; column < shown->num_fields; column++)
            free_item(shown, row, column, stat_tap_get_field_data(shown, row, column));
        g_free(shown->elements[row]);
    }
    g_free(shown->elements);
    shown->elements = NULL;
    shown->num_elements = 0;
}

static void init(stat_tap_table_ui *ui)
{
    struct row_table *table = (struct row_table *)ui;
    stat_tap_table *shown = stat_tap_find_table(ui, table->title);
    forget(&table->listing);
    if (!shown)
        stat_tap_add_table(ui, stat_tap_init_table(table->title, (int)ui->nfields, 0, NULL));
    else
        reset(shown);
}

void row_table_register(struct row_table *table)
{
    static tap_param params[] = { { PARAM_FILTER, "filter", "Filter", NULL, TRUE } };
    stat_tap_table_ui *ui = &table->ui;
    for (size_t column = 0; column < ui->nfields; column++)
        table->titles[column] = table->columns[column].title;
    ui->group = REGISTER_PACKET_STAT_GROUP_UNSORTED;
    ui->stat_tap_init_cb = init;
    ui->stat_tap_reset_table_cb = reset;
    ui->stat_tap_free_table_item_cb = free_item;
    ui->fields = table->titles;
    ui->nparams = G_N_ELEMENTS(params);
    ui->params = params;
    register_stat_tap_table_ui(ui);
}
