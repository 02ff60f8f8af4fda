/* row_table.c
 * A table whose rows the state numbers, of which those are listed that a frame speaks of.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "row_table.h"

#include "report_window.h"
#include "store.h"
#include "taps.h"

/* Rows stand in the order of their numbers, whichever frame of theirs passes first: what comes late makes room for
 * itself. So many moves take about a second; what is late behind them stands at the end. */
#define MOVES_MAX 10000000u

/* ---- Which rows are listed -------------------------------------------------------- */

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

/* Of the file as it is read now: Wireshark may read it again, which may then have its state where the old one was. */
static uint64_t reading(void)
{
    return store_key()->half[0];
}

/* The listing of what the table shows now: Wireshark empties tables, and opens other files. */
static struct listing *listing_of(struct row_table *table)
{
    struct listing *listing = &table->listing;
    const uint64_t file = reading();
    if (listing->file != file || listing->rows != shown_of(table)->num_elements) {
        forget(listing);
        listing->file = file;
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

void row_table_list(struct row_table *table, uint32_t row)
{
    const struct listing *listing = listing_of(table);
    stat_tap_table_item_type items[COLUMNS_MAX];
    const bool listed = row < listing->places && listing->place[row] > 0;
    if (row != NO_NUMBER && !listed && make_items(table, row, items))
        insert(table, row, items);
}

static void free_row(const struct row_table *table, stat_tap_table_item_type *items)
{
    for (unsigned column = 0; column < table->ui.nfields; column++)
        free_item(NULL, 0, column, &items[column]);
    g_free(items);
}

/* Empties the table. Each window of the GUI looks at the rows that it was filled with when they are sorted or copied, also
 * after another window has had the table filled anew: so they stay until there is but the one that asks for it. */
static void empty(struct row_table *table)
{
    stat_tap_table *shown = shown_of(table);
    if (shown->num_elements > 0 && !table->left)
        table->left = g_ptr_array_new();
    for (unsigned row = 0; row < shown->num_elements; row++)
        g_ptr_array_add(table->left, shown->elements[row]);
    g_free(shown->elements);
    shown->elements = NULL;
    shown->num_elements = 0;
    if (table->ui.refcount > 1 || !table->left)
        return;
    for (guint i = 0; i < table->left->len; i++)
        free_row(table, (stat_tap_table_item_type *)g_ptr_array_index(table->left, i));
    g_ptr_array_free(table->left, TRUE);
    table->left = NULL;
}

/* ---- Frames that pass ------------------------------------------------------------- */

static void list_frame(struct row_table *table, const struct passed *passed)
{
    if (passed->client) {
        table->list_client(table, *passed->client);
    } else {
        const struct frame_notes notes = notes_of(passed->frame);
        table->list(table, &notes);
    }
}

/* In place of what was listed when it was drawn before. */
static void list_passed(void *tapdata)
{
    struct row_table *table = (struct row_table *)tapdata;
    if (table->passed_of != reading())
        return;
    empty(table);
    for (guint i = 0; i < table->passed->len; i++)
        list_frame(table, &g_array_index(table->passed, struct passed, i));
}

/* On the first pass it is not known yet of which row a frame is, how that reads in the end, or whether there is such a
 * row still: a client may turn out to be another. Tables are arrays that are shown when taps draw, the newest tap first:
 * so one that is made now has its turn before the table is shown. */
static void keep_passed(struct row_table *table, const struct passed *passed)
{
    if (!table->passed) {
        table->passed = g_array_new(FALSE, FALSE, sizeof *passed);
        GString *wrong =
            register_tap_listener(table->ui.tap_name, table, NULL, TL_REQUIRES_NOTHING, NULL, NULL, list_passed, NULL);
        g_assert(!wrong);
    }
    if (table->passed_of != reading())
        g_array_set_size(table->passed, 0);
    table->passed_of = reading();
    const struct passed *last =
        table->passed->len > 0 ? &g_array_index(table->passed, struct passed, table->passed->len - 1) : NULL;
    if (!last || last->frame != passed->frame || last->client != passed->client)
        g_array_append_val(table->passed, *passed);
}

/* In the GUI frames pass when a window asks for it, after their first pass; it draws by itself. */
static tap_packet_status on_frame(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data,
                                  tap_flags_t flags _U_)
{
    struct row_table *table = (struct row_table *)((stat_data_t *)tapdata)->stat_tap_data;
    const struct of_rows *of = data;
    const struct passed passed = { pinfo->num, of->client };
    if (of->first_pass && !report_window_possible())
        keep_passed(table, &passed);
    else
        list_frame(table, &passed);
    return TAP_PACKET_REDRAW;
}

/* ---- Registration ----------------------------------------------------------------- */

static struct row_table *tables;

static void reset(stat_tap_table *shown)
{
    struct row_table *table = tables;
    while (table->title != shown->title)
        table = table->next;
    empty(table);
}

static void init(stat_tap_table_ui *ui)
{
    struct row_table *table = (struct row_table *)ui;
    forget(&table->listing);
    if (!stat_tap_find_table(ui, table->title))
        stat_tap_add_table(ui, stat_tap_init_table(table->title, (int)ui->nfields, 0, NULL));
    empty(table);
}

void row_table_register(struct row_table *table)
{
    static tap_param params[] = { { PARAM_FILTER, "filter", "Filter", NULL, TRUE } };
    stat_tap_table_ui *ui = &table->ui;
    for (size_t column = 0; column < ui->nfields; column++)
        table->titles[column] = table->columns[column].title;
    table->next = tables;
    tables = table;
    ui->group = REGISTER_PACKET_STAT_GROUP_UNSORTED;
    ui->packet_func = on_frame;
    ui->stat_tap_init_cb = init;
    ui->stat_tap_reset_table_cb = reset;
    ui->stat_tap_free_table_item_cb = free_item;
    ui->fields = table->titles;
    ui->nparams = G_N_ELEMENTS(params);
    ui->params = params;
    register_stat_tap_table_ui(ui);
}
