/* layout.c
 * The reader of layouts.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "layout.h"

const struct field_choice *layout_choice(const struct field_choice *choices, uint32_t value)
{
    for (; choices->rows; choices++) {
        if (choices->value == value) {
            return choices;
        }
    }
    return NULL;
}

static uint32_t least_of_row(const struct field *row)
{
    uint32_t least, size;
    if (row->mask) {
        return 0;
    }
    switch (row->role) {
    case LAYOUT_VALUE:
        size = field_size(row->kind);
        return size ? size : row->kind == FIELD_STRING16 ? 2 : 1;
    case LAYOUT_RUN:
    case LAYOUT_READ:
        return row->number;
    case LAYOUT_GROUP:
    case LAYOUT_INCLUDE:
        return layout_least(row->inside);
    case LAYOUT_PICK:
        least = UINT32_MAX;
        for (const struct field *one = row->inside; !layout_is_end(one); one++) {
            size = least_of_row(one);
            least = size < least ? size : least;
        }
        return least;
    default:
        return 0;
    }
}

uint32_t layout_least(const struct field *rows)
{
    uint32_t least = 0;
    for (; !layout_is_end(rows); rows++) {
        least += least_of_row(rows);
    }
    return least;
}

static void tell(struct layout_run *run, const struct field *row, uint32_t offset, uint64_t number)
{
    const struct reader *reader = run->reader;
    const struct field_value value = { row,    reader->p + offset, offset, reader->pos - offset,
                                       number, reader->big_endian, NULL,   reader->code_page,
                                       false };
    row->seen(run, &value);
}

static void read_value(struct layout_run *run, const struct field *row)
{
    struct reader *reader = run->reader;
    uint32_t offset = reader->pos;
    uint64_t number = 0;
    if (row->kind == FIELD_STRING16) {
        read_string16(reader, row);
    } else if (row->kind == FIELD_STRING8) {
        read_string8(reader, row);
    } else {
        number = read_field(reader, row);
        if (row->kind <= FIELD_BOOL) {
            run->last = number;
        }
    }
    if (row->seen && !reader->failed) {
        tell(run, row, offset, number);
    }
}

static void read_bytes(struct layout_run *run, const struct field *row)
{
    struct reader *reader = run->reader;
    uint32_t offset = reader->pos;
    uint64_t size = row->role == LAYOUT_RUN ? row->number : row->role == LAYOUT_REST ? reader_left(reader) : run->last;
    if (size > 0) {
        read_run(reader, row, size < UINT32_MAX ? (uint32_t)size : UINT32_MAX);
        if (row->seen && !reader->failed) {
            tell(run, row, offset, 0);
        }
    }
}

static void close_group(struct layout_run *run, const struct field *row)
{
    char room[FIELD_TEXT_MAX];
    bool wanted = row->summary && run->reader->sink->close;
    reader_close(run->reader, wanted ? row->summary(run, room) : NULL);
}

static void read_times(struct layout_run *run, const struct field *row)
{
    uint64_t count = run->last;
    struct reader *reader = run->reader;
    run->done = 0;
    if (count > UINT32_MAX) {
        count = UINT32_MAX;
    }
    if (!reader_expect(reader, (uint32_t)count, layout_least(row->inside)) || count == 0 ||
        (row->label && !reader_open(reader, row->label))) {
        return;
    }
    uint32_t done = 0;
    while (done < count && !reader->failed) {
        uint32_t before = reader->pos;
        read_layout(run, row->inside);
        reader_charge(reader, before);
        done += !reader->failed;
    }
    run->done = done;
    if (row->label) {
        close_group(run, row);
    }
}

static void read_part(struct layout_run *run, const struct field *row)
{
    struct reader *reader = run->reader;
    uint32_t size = run->last < UINT32_MAX ? (uint32_t)run->last : UINT32_MAX;
    if (reader_lacks(reader, size)) {
        reader_fail(reader, "A part longer than the message");
        return;
    }
    struct reader part = reader_part(reader, size);
    run->reader = &part;
    read_layout(run, row->inside);
    run->reader = reader;
    reader_resume(reader, &part);
}

static void read_if(struct layout_run *run, const struct field *row)
{
    if ((run->last != 0) == (row->role == LAYOUT_IF)) {
        read_layout(run, row->inside);
    }
}

static void read_if_bits(struct layout_run *run, const struct field *row)
{
    if (((run->last & row->number) != 0) == (row->role == LAYOUT_IF_BITS)) {
        read_layout(run, row->inside);
    }
}

static void read_if_equal(struct layout_run *run, const struct field *row)
{
    if (run->last == row->number) {
        read_layout(run, row->inside);
    }
}

static void read_if_left(struct layout_run *run, const struct field *row)
{
    if (reader_left(run->reader) > 0) {
        read_layout(run, row->inside);
    }
}

static void read_group(struct layout_run *run, const struct field *row)
{
    if (reader_open(run->reader, row->label)) {
        read_layout(run, row->inside);
        close_group(run, row);
    }
}

static void read_again(struct layout_run *run, const struct field *row)
{
    uint32_t before = run->reader->pos;
    read_layout(run, row->inside);
    if (!run->reader->failed) {
        run->reader->pos = before;
    }
}

static void read_included(struct layout_run *run, const struct field *row)
{
    read_layout(run, row->inside);
}

static void read_picked(struct layout_run *run, const struct field *row)
{
    read_row(run, &row->inside[row->pick(run)]);
}

static void read_chosen(struct layout_run *run, const struct field *row)
{
    const struct field_choice *choice = layout_choice(row->choices, (uint32_t)run->last);
    if (choice) {
        read_layout(run, choice->rows);
    }
}

static void keep(struct layout_run *run, const struct field *row)
{
    run->kept[row->number] = run->last;
}

static void recall(struct layout_run *run, const struct field *row)
{
    run->last = run->kept[row->number];
}

static void read_by_hand(struct layout_run *run, const struct field *row)
{
    row->read(run, row);
}

typedef void (*row_reader)(struct layout_run *run, const struct field *row);

static const row_reader readers[] = { [LAYOUT_VALUE] = read_value,
                                      [LAYOUT_RUN] = read_bytes,
                                      [LAYOUT_SIZED] = read_bytes,
                                      [LAYOUT_REST] = read_bytes,
                                      [LAYOUT_IF] = read_if,
                                      [LAYOUT_UNLESS] = read_if,
                                      [LAYOUT_IF_BITS] = read_if_bits,
                                      [LAYOUT_UNLESS_BITS] = read_if_bits,
                                      [LAYOUT_IF_EQUAL] = read_if_equal,
                                      [LAYOUT_IF_LEFT] = read_if_left,
                                      [LAYOUT_TIMES] = read_times,
                                      [LAYOUT_PART] = read_part,
                                      [LAYOUT_GROUP] = read_group,
                                      [LAYOUT_AGAIN] = read_again,
                                      [LAYOUT_INCLUDE] = read_included,
                                      [LAYOUT_PICK] = read_picked,
                                      [LAYOUT_CHOOSE] = read_chosen,
                                      [LAYOUT_KEEP] = keep,
                                      [LAYOUT_RECALL] = recall,
                                      [LAYOUT_READ] = read_by_hand };

uint64_t read_row(struct layout_run *run, const struct field *row)
{
    if (run->reader->failed) {
        return 0;
    }
    readers[row->role](run, row);
    return run->reader->failed ? 0 : run->last;
}

void read_layout(struct layout_run *run, const struct field *rows)
{
    for (; !layout_is_end(rows) && !run->reader->failed; rows++) {
        if (!rows->mask) { /* else it is a part of the one above */
            readers[rows->role](run, rows);
        }
    }
}

void read_rows(struct reader *reader, const struct field *rows)
{
    struct layout_run run = { .reader = reader };
    read_layout(&run, rows);
}
