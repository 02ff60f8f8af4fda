/* layout.h
 * The language in which structures on the wire are written down: an array of rows, one for
 * each field, in their order, and steps between them that say what repeats, what is there
 * only sometimes and what belongs together. One function reads them all. A row stands where
 * it is read; catalogue.h finds all rows for registration by walking the layouts.
 *
 *     static LAYOUT(open_folder_response,
 *         BOOL("rop.has_rules", "HasRules"),
 *         BOOL("rop.is_ghosted", "IsGhosted"),
 *         IF(U16("rop.server_count", "ServerCount"), KEEP(0),
 *            U16("rop.cheap_server_count", "CheapServerCount"), RECALL(0),
 *            TIMES(STRING8("rop.server", "Server"))));
 *
 * Steps refer to the number above: the last integer or boolean that was read, or what
 * RECALL() brought back.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_LAYOUT_H
#define OUTLOOKHTTP_LAYOUT_H

#include "field.h"

enum layout_role {
    /* Rows: values. */
    LAYOUT_VALUE, /* of the kind's size, or a string up to its terminator */
    LAYOUT_RUN,   /* number bytes: bytes, or a string without terminator */
    LAYOUT_SIZED, /* as many bytes as the number above says; none: no value */
    LAYOUT_REST,  /* all that is left; nothing left: no value */
    /* Steps. */
    LAYOUT_IF,
    LAYOUT_UNLESS, /* the number above is not 0, is 0 */
    LAYOUT_IF_BITS,
    LAYOUT_UNLESS_BITS, /* it has one of the bits of number, none */
    LAYOUT_IF_EQUAL,    /* it is number */
    LAYOUT_IF_LEFT,     /* something is left to read */
    LAYOUT_TIMES,       /* so often; with a label in a group of its own, if there is any */
    LAYOUT_PART,        /* in a part of so many bytes */
    LAYOUT_GROUP,       /* below one label */
    LAYOUT_AGAIN,       /* and then from the same place on */
    LAYOUT_INCLUDE,     /* another layout's rows */
    LAYOUT_PICK,        /* the one of the rows inside that pick() says */
    LAYOUT_CHOOSE,      /* the rows that choices have for the number above, or none */
    LAYOUT_KEEP,
    LAYOUT_RECALL, /* the number above, in place number */
    LAYOUT_READ    /* by a function, which may show the rows inside; takes at least number bytes */
};

/* What a layout is read with. A function of a row gets at all of it. */
#define LAYOUT_KEPT 4

struct layout_run {
    struct reader *reader; /* inside a part: the part's */
    void *scene;           /* what the functions of these layouts need; theirs */
    uint64_t last;         /* the number above */
    uint32_t done;         /* how often the last LAYOUT_TIMES was read to the end */
    uint64_t kept[LAYOUT_KEPT];
};

/* One of several layouts. The list ends with one without rows. */
struct field_choice {
    uint32_t value;
    const struct field *rows;
    const char *name, *label; /* of the value, and of what it stands for, where they are wanted */
};

/* Reads rows up to their end, or until the reader fails. */
void read_layout(struct layout_run *run, const struct field *rows);
/* Reads one row or step; returns the number above, as it is then. */
uint64_t read_row(struct layout_run *run, const struct field *row);
/* The same for a layout that needs no scene. */
void read_rows(struct reader *reader, const struct field *rows);

/* NULL if there is none for this value. */
const struct field_choice *layout_choice(const struct field_choice *choices, uint32_t value);
/* The fewest bytes that a layout takes. */
uint32_t layout_least(const struct field *rows);

static inline bool layout_is_end(const struct field *row)
{
    return !row->filter && row->role == LAYOUT_VALUE;
}

/* ---- rows: filter, label, and then .names, .text or .seen where there are any ----
 * seen() is called with each value that was shown, and keeps it or finds it wrong. */

#define LAYOUT_INTEGER(is_hex, of_kind, ...)                  \
    {                                                         \
        .hex = is_hex, .kind = of_kind, .filter = __VA_ARGS__ \
    }
#define LAYOUT_OTHER(of_kind, ...)             \
    {                                          \
        .kind = of_kind, .filter = __VA_ARGS__ \
    }

#define U8(...) LAYOUT_INTEGER(false, FIELD_U8, __VA_ARGS__)
#define U16(...) LAYOUT_INTEGER(false, FIELD_U16, __VA_ARGS__)
#define U32(...) LAYOUT_INTEGER(false, FIELD_U32, __VA_ARGS__)
#define U64(...) LAYOUT_INTEGER(false, FIELD_U64, __VA_ARGS__)
#define X8(...) LAYOUT_INTEGER(true, FIELD_U8, __VA_ARGS__) /* shown in hexadecimal */
#define X16(...) LAYOUT_INTEGER(true, FIELD_U16, __VA_ARGS__)
#define X32(...) LAYOUT_INTEGER(true, FIELD_U32, __VA_ARGS__)
#define X64(...) LAYOUT_INTEGER(true, FIELD_U64, __VA_ARGS__)
#define I16(...) LAYOUT_OTHER(FIELD_I16, __VA_ARGS__)
#define I32(...) LAYOUT_OTHER(FIELD_I32, __VA_ARGS__)
#define I64(...) LAYOUT_OTHER(FIELD_I64, __VA_ARGS__)
#define BOOL(...) LAYOUT_OTHER(FIELD_BOOL, __VA_ARGS__)
#define FLOAT32(...) LAYOUT_OTHER(FIELD_FLOAT, __VA_ARGS__)
#define FLOAT64(...) LAYOUT_OTHER(FIELD_DOUBLE, __VA_ARGS__)
#define UUID(...) LAYOUT_OTHER(FIELD_GUID, __VA_ARGS__)
#define TIME(...) LAYOUT_OTHER(FIELD_FILETIME, __VA_ARGS__)
#define IPV4(...) LAYOUT_OTHER(FIELD_IPV4, __VA_ARGS__)
#define IPV6(...) LAYOUT_OTHER(FIELD_IPV6, __VA_ARGS__)
#define ID64(...) LAYOUT_OTHER(FIELD_ID, __VA_ARGS__)
#define FRAME(...) LAYOUT_OTHER(FIELD_FRAME, __VA_ARGS__) /* these are only made */
#define INTERVAL(...) LAYOUT_OTHER(FIELD_INTERVAL, __VA_ARGS__)
#define STRING8(...) LAYOUT_OTHER(FIELD_STRING8, __VA_ARGS__) /* up to its terminator */
#define STRING16(...) LAYOUT_OTHER(FIELD_STRING16, __VA_ARGS__)

/* A flag, or a part with names or in hexadecimal, of the integer above. */
#define BIT(filter, label, bits)    \
    {                               \
        filter, label, .mask = bits \
    }
#define BITS(bits, ...)                     \
    {                                       \
        .mask = bits, .filter = __VA_ARGS__ \
    }

/* So many bytes: always, by the number above, all that are left. */
#define RUN(length, ...)                                                                 \
    {                                                                                    \
        .role = LAYOUT_RUN, .number = length, .kind = FIELD_BYTES, .filter = __VA_ARGS__ \
    }
#define RUN_STRING8(length, ...)                                                           \
    {                                                                                      \
        .role = LAYOUT_RUN, .number = length, .kind = FIELD_STRING8, .filter = __VA_ARGS__ \
    }
#define SIZED(...)                                                       \
    {                                                                    \
        .role = LAYOUT_SIZED, .kind = FIELD_BYTES, .filter = __VA_ARGS__ \
    }
#define SIZED_STRING8(...)                                                 \
    {                                                                      \
        .role = LAYOUT_SIZED, .kind = FIELD_STRING8, .filter = __VA_ARGS__ \
    }
#define SIZED_STRING16(...)                                                 \
    {                                                                       \
        .role = LAYOUT_SIZED, .kind = FIELD_STRING16, .filter = __VA_ARGS__ \
    }
#define REST(...)                                                       \
    {                                                                   \
        .role = LAYOUT_REST, .kind = FIELD_BYTES, .filter = __VA_ARGS__ \
    }

/* ---- steps ---- */

#define END            \
    {                  \
        .filter = NULL \
    }
#define LAYOUT(name, ...) const struct field name[] = { __VA_ARGS__, END }
#define ROWS(...)          \
    (const struct field[]) \
    {                      \
        __VA_ARGS__, END   \
    }

#define IF(...)                                        \
    {                                                  \
        .role = LAYOUT_IF, .inside = ROWS(__VA_ARGS__) \
    }
#define UNLESS(...)                                        \
    {                                                      \
        .role = LAYOUT_UNLESS, .inside = ROWS(__VA_ARGS__) \
    }
#define IF_BITS(bits, ...)                                                  \
    {                                                                       \
        .role = LAYOUT_IF_BITS, .number = bits, .inside = ROWS(__VA_ARGS__) \
    }
#define UNLESS_BITS(bits, ...)                                                  \
    {                                                                           \
        .role = LAYOUT_UNLESS_BITS, .number = bits, .inside = ROWS(__VA_ARGS__) \
    }
#define IF_EQUAL(value, ...)                                                  \
    {                                                                         \
        .role = LAYOUT_IF_EQUAL, .number = value, .inside = ROWS(__VA_ARGS__) \
    }
#define IF_LEFT(...)                                        \
    {                                                       \
        .role = LAYOUT_IF_LEFT, .inside = ROWS(__VA_ARGS__) \
    }
#define TIMES(...)                                        \
    {                                                     \
        .role = LAYOUT_TIMES, .inside = ROWS(__VA_ARGS__) \
    }
/* says: what stands behind the label, made when all is read; or NULL. */
#define LIST(name, says, ...)                                                             \
    {                                                                                     \
        .role = LAYOUT_TIMES, .label = name, .summary = says, .inside = ROWS(__VA_ARGS__) \
    }
#define GROUP(name, says, ...)                                                            \
    {                                                                                     \
        .role = LAYOUT_GROUP, .label = name, .summary = says, .inside = ROWS(__VA_ARGS__) \
    }
#define PART(...)                                        \
    {                                                    \
        .role = LAYOUT_PART, .inside = ROWS(__VA_ARGS__) \
    }
#define AGAIN(...)                                        \
    {                                                     \
        .role = LAYOUT_AGAIN, .inside = ROWS(__VA_ARGS__) \
    }
#define INCLUDE(layout)                          \
    {                                            \
        .role = LAYOUT_INCLUDE, .inside = layout \
    }
#define PICK(function, ...)                                                \
    {                                                                      \
        .role = LAYOUT_PICK, .pick = function, .inside = ROWS(__VA_ARGS__) \
    }
#define CHOOSE(list)                           \
    {                                          \
        .role = LAYOUT_CHOOSE, .choices = list \
    }
#define CHOICE(value, rows)     \
    {                           \
        value, rows, NULL, NULL \
    }
/* With the name of what it is the layout of. */
#define NAMED_CHOICE(value, name, rows) \
    {                                   \
        value, rows, name, NULL         \
    }
#define CHOICES(list, ...) const struct field_choice list[] = { __VA_ARGS__, { 0, NULL, NULL, NULL } }
#define KEEP(place)                          \
    {                                        \
        .role = LAYOUT_KEEP, .number = place \
    }
#define RECALL(place)                          \
    {                                          \
        .role = LAYOUT_RECALL, .number = place \
    }
#define READ(function, least)                                  \
    {                                                          \
        .role = LAYOUT_READ, .read = function, .number = least \
    }
/* A function that shows what this layout has. */
#define READ_LAYOUT(function, least, layout)                                     \
    {                                                                            \
        .role = LAYOUT_READ, .read = function, .number = least, .inside = layout \
    }
/* A function that shows these rows; at->inside is the first. */
#define READ_ROWS(function, least, ...)                                                     \
    {                                                                                       \
        .role = LAYOUT_READ, .read = function, .number = least, .inside = ROWS(__VA_ARGS__) \
    }

#endif
