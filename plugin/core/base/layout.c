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

static void read_value(struct layout_run *run, const struct field *row)
{
    struct reader *reader = run->reader;
    struct field_value value = { .field = row, .offset = reader->pos, .big_endian = reader->big_endian };
    bool has_size = row->role == LAYOUT_VALUE && field_size(row->kind);
    if (has_size) {
        value.number = read_field(reader, row);
    } else if (row->role == LAYOUT_VALUE) {
        if (row->kind == FIELD_STRING16) {
            read_string16(reader, row);
        } else {
            read_string8(reader, row);
        }
    } else {
        uint64_t size = row->role == LAYOUT_RUN ? row->number : row->role == LAYOUT_REST ? reader_left(reader)
            : run->last;
        if (size == 0) {
            return;
        }
        read_run(reader, row, size < UINT32_MAX ? (uint32_t)size : UINT32_MAX);
    }
    if (reader->failed) {
        return;
    }
    if (has_size && row->kind <= FIELD_BOOL) {
        run->last = value.number;
    }
    if (row->seen) {
        value.bytes = reader->p + value.offset;
        value.len = reader->pos - value.offset;
        row->seen(run, &value);
    }
}

static void close_group(struct layout_run *run, const struct field *row)
{
    char room[FIELD_TEXT_MAX];
    reader_close(run->reader, row->summary ? row->summary(run, room) : NULL);
}

static void read_times(struct layout_run *run, const struct field *row)
{
    uint64_t count = run->last;
    struct reader *reader = run->reader;
    run->done = 0;
    if (count > UINT32_MAX) {
        count = UINT32_MAX;
    }
    if (!reader_expect(reader, (uint32_t)count, layout_least(row->inside)) || count == 0
        || (row->label && !reader_open(reader, row->label))) {
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

static void read_step(struct layout_run *run, const struct field *row)
{
    struct reader *reader = run->reader;
    const struct field_choice *choice;
    uint32_t before = reader->pos;
    switch (row->role) {
    case LAYOUT_IF:
    case LAYOUT_UNLESS:
        if ((run->last != 0) == (row->role == LAYOUT_IF)) {
            read_layout(run, row->inside);
        }
        break;
    case LAYOUT_IF_BITS:
        if (run->last & row->number) {
            read_layout(run, row->inside);
        }
        break;
    case LAYOUT_TIMES:
        read_times(run, row);
        break;
    case LAYOUT_PART:
        read_part(run, row);
        break;
    case LAYOUT_GROUP:
        if (reader_open(reader, row->label)) {
            read_layout(run, row->inside);
            close_group(run, row);
        }
        break;
    case LAYOUT_AGAIN:
        read_layout(run, row->inside);
        if (!reader->failed) {
            reader->pos = before;
        }
        break;
    case LAYOUT_INCLUDE:
        read_layout(run, row->inside);
        break;
    case LAYOUT_PICK:
        read_row(run, &row->inside[row->pick(run)]);
        break;
    case LAYOUT_CHOOSE:
        choice = layout_choice(row->choices, (uint32_t)run->last);
        if (choice) {
            read_layout(run, choice->rows);
        }
        break;
    case LAYOUT_KEEP:
        run->kept[row->number] = run->last;
        break;
    case LAYOUT_RECALL:
        run->last = run->kept[row->number];
        break;
    default:
        row->read(run, row);
        break;
    }
}

uint64_t read_row(struct layout_run *run, const struct field *row)
{
    if (run->reader->failed) {
        return 0;
    }
    if (row->role <= LAYOUT_REST) {
        read_value(run, row);
    } else {
        read_step(run, row);
    }
    return run->reader->failed ? 0 : run->last;
}

void read_layout(struct layout_run *run, const struct field *rows)
{
    for (; !layout_is_end(rows) && !run->reader->failed; rows++) {
        if (!rows->mask) {       /* else it is a part of the one above */
            read_row(run, rows);
        }
    }
}

void read_rows(struct reader *reader, const struct field *rows)
{
    struct layout_run run = { .reader = reader };
    read_layout(&run, rows);
}
