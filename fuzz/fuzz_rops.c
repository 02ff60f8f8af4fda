/* fuzz_rops.c
 * Requests and responses of ROPs of two sessions, some of them lost: put together from lists of ROPs
 * that name few handles, so that these meet often, and from any bytes. What a session learns does not
 * depend on who looks, what it keeps is bounded, and later readings in any order show what the first
 * one knew.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "../tests/lib/dice.h"
#include "objects.h"
#define EARS_LAYOUTS property_layouts, rop_layouts, rop_buffer_layouts
#define EARS_ROOM_MAX 0x20000u
#define EARS_ASKED_MAX (EXT_DERIVED_MAX + ROP_JOINED_MAX)
#include "ears.h"

#define SESSIONS 2u
#define MESSAGES_MAX 96u
#define BYTES_MAX 0x10000u /* of a message */

/* What is kept (tests/unit/test_object_limits.c counts that of an object). */
#define BYTES_A_SESSION 8192u
#define BYTES_A_MESSAGE 1024u
#define BYTES_A_BYTE 192u

/* ---- memory: what is given back is gone, so that a sanitizer sees who reads it ---- */

struct piece {
    struct piece *next, **back;
    max_align_t bytes[];
};

struct pieces {
    struct piece *first;
    size_t live;
};

static void *pieces_alloc(void *ctx, size_t size)
{
    struct pieces *pieces = ctx;
    struct piece *piece = calloc(1, sizeof(*piece) + size);
    assert(piece);
    piece->next = pieces->first;
    piece->back = &pieces->first;
    if (pieces->first) {
        pieces->first->back = &piece->next;
    }
    pieces->first = piece;
    pieces->live += size;
    return piece->bytes;
}

static void pieces_give_back(void *ctx, void *bytes, size_t size)
{
    struct pieces *pieces = ctx;
    struct piece *piece = (struct piece *)((uint8_t *)bytes - offsetof(struct piece, bytes));
    *piece->back = piece->next;
    if (piece->next) {
        piece->next->back = piece->back;
    }
    assert(size <= pieces->live);
    pieces->live -= size;
    free(piece);
}

/* ---- what is sent ---- */

/* A ROP and its answer, as hexadecimal digits in upper case; of the input: "ll" a LogonId, "hh" an index, "aa" any byte, "nn" a
 * size of 16 bits and so many bytes behind it. */
static const char *const rops[][2] = {
    { "FEllhh0000000001000000000000",
      "FEhh0000000000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0100aa000000000000000000000000000000000000000000"
      "00000000000000000000" },
    { "FEllhh0100000001000000000000",
      "FEhh00000000010100000000000009010000000000000A010000000000000B010000000000000C010000000000"
      "000D010000000000000E010000000000000F010000000000001001000000000000110100000000000012010000"
      "00000000130100000000000014010000000000001500aa00000000000000000000000000000001000000000000"
      "00000000000000000000000000000000000000000000000000000000000000" },
    { "01llhh", "" },
    { "01llhh", "" },
    { "02llhhhh010000000000000D00", "02hh000000000000" },
    { "02llhhhh01000000000000aa00", "02hh000000000000" },
    { "04llhhhh00", "04hh0000000002000000" },
    { "05llhhhh00", "05hh0000000002000000" },
    { "05llhhhh00", "05hh0F010480" },
    { "12llhh0001000300080E", "12hh0000000000" },
    { "12llhh00020003001700aaaaaaaa", "12hh000000000D" },
    { "12llhh00020003001700aaaaaaaa", "12hh0000000000" },
    { "81llhh", "81hh00000000" },
    { "16llhh", "16hh000000000D" },
    { "15llhh00013200", "15hh0000000002010000aaaaaaaa" },
    { "15llhh00013200", "15hh0000000002020000aaaaaaaaaaaaaaaa" },
    { "4Fllhh000000000000", "4Fhh00000000000100aaaaaaaa" },
    { "59llhh0100aaaaaaaaaaaaaaaa", "59hh0000000005000000010000aaaaaaaa" },
    { "03llhhhhFF0F010000000000000D0001000000000000aa", "03hh00000000000000000001000300170000" },
    { "46llhhhhFF0F00", "46hh000000000001000000000000aa000000000001000300170000" },
    { "0Fllhh000000000000", "0Fhh00000000010000000001E404000009000000010000aaaaaaaa" },
    { "10llhh0000", "10hh00000000000000000001000300aa0000" },
    { "07llhh0000010001000300aa80", "07hh0000000000aaaaaaaa" },
    { "07llhh0000010002000300aa801F00aaaa", "07hh0000000000aaaaaaaa41000000" },
    { "22llhhhh0000000000", "22hh00000000" },
    { "2Bllhhhh1F00370000", "2Bhh0000000010000000" },
    { "3Bllhhhh", "3Bhh00000000" },
    { "29llhhhh020001", "29hh00000000" },
    { "2Cllhh3200", "2Chh00000000nn" },
    { "2Dllhhnn", "2Dhh00000000aa00" },
    { "11llhhhh00", "11hh0000000000" },
    { "64llhh0000000000000000000000000000000000000000000000000100000000nn", "64hh00000000" },
    { "56llhh0002000020060A0000000000C000000000000046338200000120060A0000000000C00000000000004606"
      "4E0031000000",
      "56hh000000000200aa80aa80" },
    { "55llhh0100aa80", "55hh0000000001000120060A0000000000C000000000000046064E00aa000000" },
    { "5Fllhh0000", "5Fhh000000000100aa800020060A0000000000C000000000000046aaaa0000" },
    { "4Dllhhhh0000000000000000", "4Dhh00000000" },
    { "70llhhhh010100000000000000000000", "70hh00000000" },
    { "82llhhhh", "82hh00000000" },
    { "7Ellhhhh01", "7Ehh00000000" },
    { "53llhhhh0100", "53hh00000000" },
    { "4EllhhBEBA0070", "4Ehh000000000100000000000008000300080E05000000" },
    { "4EllhhBEBA0070", "4Ehh000000000100000000000006000300080E0500" },
    { "4EllhhBEBA0070", "4Ehh0000000001000000000000nn" },
    { "4EllhhBEBA0070", "4Ehh0000000001000000000000nn" },
    { "4EllhhBEBA0070", "4Ehh0000000001000000000000040003001240" },
    { "4EllhhBEBA0070", "4Ehh00000000010000000000000B000201FF65FF000000010203" },
    { "4EllhhBEBA0070", "4Ehh80040000000000000000000000E8030000" },
    { "54llhhnn", "54hh0000000001000000000000aa00" },
    { "54llhhnn", "54hh00000000010000000000000100" },
    { "54llhh08000300080E05000000", "54hh00000000010000000000000800" },
    { "54llhh0300030008", "54hh80040000010000000000000000" },
    { "9Dllhhnn", "9Dhh000000000100000000000000000000aa00" },
    { "9Dllhh0D000201aaaa00010000aaaaaaaaaa", "9Dhh0000000001000000000000000000000D00" },
    { "75llhh0201966710000000", "75hh00000000" },
    { "76llhh10000000010052010000000000FF000000000000", "76hh00000000" },
    { "77llhh", "77hh00000000" },
    { "58llhh0100", "50hh00000000ll0100000002000000" },
    { "50llhh00", "58hh0000000000" },
    { "50llhh00", "50hh00000000ll0100000002000000" },
    { "06llhhhhFF0F010000000000000D00", "06hh0000000000" },
    { "1Cllhhhh01aa0000aaaa00aaaa00", "1Chh0000000001000000000000aa0000" },
    { "1Cllhhhh01000000410000", "1Chh0000000001000000000000aa00" },
};

/* What comes unasked. */
static const char *const extras[] = { "6E0000", "F9ll01000000000000", "FF0080nn",
                                      "2Aaa000000ll0280aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa00000000004900",
                                      "2Aaa000000ll00010300aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa050000aaaaaaaa" };

#define ROPS (sizeof(rops) / sizeof(rops[0]))

struct input {
    const uint8_t *p, *end;
};

static unsigned take(struct input *in)
{
    return in->p < in->end ? *in->p++ : 0;
}

struct made {
    uint8_t bytes[BYTES_MAX];
    uint32_t len;
};

static void put(struct made *made, unsigned byte)
{
    if (made->len < BYTES_MAX) {
        made->bytes[made->len++] = (uint8_t)byte;
    }
}

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10);
}

static void put_rop(struct input *in, struct made *made, const char *rop)
{
    for (; *rop; rop += 2) {
        switch (*rop) {
        case 'l':
            put(made, take(in) % 3);
            break;
        case 'h':
            put(made, take(in) & 7);
            break;
        case 'a':
            put(made, take(in));
            break;
        case 'n': {
            unsigned size = take(in);
            put(made, size);
            put(made, 0);
            while (size-- > 0) {
                put(made, take(in));
            }
            break;
        }
        default:
            put(made, digit(rop[0]) << 4 | digit(rop[1]));
        }
    }
}

static void put_any(struct input *in, struct made *made)
{
    for (unsigned size = take(in); size > 0; size--) {
        put(made, take(in));
    }
}

#define ASKED_MAX 40u

struct asked { /* a request, for its response */
    struct rop_message *message[2];
    uint8_t session, count;
    uint8_t rop[ASKED_MAX];
};

static void put_size(struct made *made, uint32_t at, uint32_t size)
{
    if (at + 2 <= made->len) {
        made->bytes[at] = (uint8_t)size;
        made->bytes[at + 1] = (uint8_t)(size >> 8);
    }
}

/* A payload: the list of a request, or that of its response, and the handles. */
static void put_payload(struct input *in, struct made *made, struct asked *asked, bool response, unsigned how)
{
    const uint32_t header = made->len;
    for (unsigned i = 0; i < 10; i++) {
        put(made, 0);
    }
    const unsigned count = response ? asked->count : 1 + take(in) % 12;
    for (unsigned i = 0; i < count; i++) {
        if (!response && asked->count < ASKED_MAX) {
            asked->rop[asked->count++] = (uint8_t)(take(in) % ROPS);
        }
        const unsigned rop = response ? asked->rop[i] : asked->rop[asked->count - 1];
        if (how & 1 && take(in) % 8 == 0) {
            put_any(in, made);
        } else if (how & 2 && response && take(in) % 8 == 0) {
            put_rop(in, made, extras[take(in) % COUNT_OF(extras)]);
        } else {
            put_rop(in, made, rops[rop][response]);
        }
    }
    put_size(made, header + 8, made->len - header - 8);
    if (how & 4) {
        put_any(in, made);
    }
    for (unsigned i = 0; i < 8; i++) {
        const unsigned handle = take(in);
        for (unsigned k = 0; k < 4; k++) {
            put(made, handle >= 0xF0 ? 0xFF : k == 0 ? handle % 40 : 0);
        }
    }
    put_size(made, header + 2, how & 8 ? 0 : 4);
    put_size(made, header + 4, made->len - header - 8);
    put_size(made, header + 6, made->len - header - 8);
}

/* ---- what is shown ---- */

struct shown {
    struct ears *ears;
    uint64_t all;   /* digest of all, */
    uint64_t first; /* and of what the first reading can know, too */
    bool response, opening;
    uint32_t values;
};

static uint64_t mix(uint64_t digest, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < len; i++) {
        digest = (digest ^ p[i]) * UINT64_C(0x100000001B3);
    }
    return digest;
}

static void mix_both(struct shown *shown, const void *bytes, size_t len)
{
    shown->all = mix(shown->all, bytes, len);
    shown->first = mix(shown->first, bytes, len);
}

static bool is_late(const struct shown *shown, const struct field_value *value)
{
    static const char *const late[] = { "response_in", "request_in", "time", "piece_after_in", "name", "guid" };
    const char *filter = value->field->filter;
    for (size_t i = 0; i < COUNT_OF(late); i++) {
        if (strcmp(filter, late[i]) == 0) {
            return true;
        }
    }
    return shown->opening && (strcmp(filter, "object") == 0 || strcmp(filter, "opened_in") == 0);
}

static void see_value(void *ctx, const struct field_value *value)
{
    struct shown *shown = ctx;
    on_value(shown->ears, value);
    const char *text = value->text ? value->text : "";
    if (strcmp(value->field->label, "RopId") == 0) {
        shown->opening = !shown->response && rop_opens((uint8_t)value->number) != ROP_OPENS_NOTHING;
    }
    const uint64_t line[3] = { value->offset, value->len, value->number };
    if (value->made && is_late(shown, value)) {
        shown->all = mix(mix(shown->all, line, sizeof(line)), text, strlen(text));
        return;
    }
    mix_both(shown, value->field->filter, strlen(value->field->filter));
    mix_both(shown, line, sizeof(line));
    mix_both(shown, text, strlen(text));
    if (!value->made) {
        mix_both(shown, value->bytes, value->len);
    }
}

static void see_open(void *ctx, const char *label, uint32_t offset)
{
    struct shown *shown = ctx;
    on_open(shown->ears, label, offset);
    shown->all = mix(shown->all, label, strlen(label));
    mix_both(shown, "{", 1);
}

static void see_close(void *ctx, uint32_t end, const char *summary)
{
    struct shown *shown = ctx;
    on_close(shown->ears, end, summary);
    if (summary) {
        assert(strlen(summary) < 1000);
        shown->all = mix(shown->all, summary, strlen(summary));
        shown->first = shown->opening ? shown->first : mix(shown->first, summary, strlen(summary));
    }
    mix_both(shown, "}", 1);
}

static void see_issue(void *ctx, const struct issue_kind *kind, uint32_t offset, const char *what)
{
    struct shown *shown = ctx;
    on_issue(shown->ears, kind, offset, what);
    mix_both(shown, what, strlen(what));
    mix_both(shown, &offset, sizeof(offset));
}

static uint8_t *see_room(void *ctx, size_t size)
{
    return on_room(((struct shown *)ctx)->ears, size);
}

static void see_enter(void *ctx, const uint8_t *bytes, uint32_t len, const char *name)
{
    on_enter(((struct shown *)ctx)->ears, bytes, len, name);
}

static void see_leave(void *ctx)
{
    on_leave(((struct shown *)ctx)->ears);
}

static void read_shown(struct shown *shown, const uint8_t *bytes, uint32_t len, bool response, struct rop_host *host)
{
    struct ears *ears = ears_new(bytes, len, false);
    *shown = (struct shown){ .ears = ears, .response = response };
    const struct field_sink sink = { shown,    see_value, see_open,  see_close, see_issue,
                                     see_room, see_enter, see_leave, NULL };
    struct reader reader;
    reader_init(&reader, ears->stack[0].p, len, len, &sink);
    read_rop_buffer(&reader, len, response, host);
    shown->values = reader.spent.values + reader.spent.turns;
    ears_end(ears, &reader);
}

/* With nobody who looks, as the plugin learns. */
static void read_quietly(const uint8_t *bytes, uint32_t len, bool response, struct rop_host *host)
{
    struct ears *ears = ears_new(bytes, len, false);
    const struct field_sink quiet = { .ctx = ears, .room = on_room };
    struct reader reader;
    reader_init(&reader, ears->stack[0].p, len, len, &quiet);
    read_rop_buffer(&reader, len, response, host);
    ears->values = reader.spent.values;
    ears_end(ears, &reader);
}

/* ---- a play ---- */

struct sent {
    struct rop_message *message[2]; /* with one who looks, and with nobody */
    uint8_t *bytes;
    uint32_t len;
    bool response;
    struct shown first, again;
};

struct world {
    struct pieces pieces;
    struct arena arena;
    struct track track;
    struct rop_session *session[SESSIONS];
};

static struct world worlds[2];
static struct sent sent[MESSAGES_MAX];
static unsigned count;
static size_t bytes_sent;

static void learn(struct asked *asked, struct asked *request, bool response, const struct made *made, unsigned frame,
                  bool thrown)
{
    struct sent *one = &sent[count++];
    *one = (struct sent){ .len = made->len, .response = response };
    one->bytes = malloc(made->len ? made->len : 1);
    assert(one->bytes);
    memcpy(one->bytes, made->bytes, made->len);
    for (unsigned i = 0; i < 2; i++) {
        struct world *world = &worlds[i];
        struct rop_host host;
        struct rop_message *message = rop_message_new(world->session[asked->session], response, frame, frame,
                                                      request ? request->message[i] : NULL);
        one->message[i] = message;
        asked->message[i] = response ? asked->message[i] : message;
        rop_message_learn(message, &host);
        if (i == 0) {
            read_shown(&one->first, one->bytes, one->len, response, &host);
        } else {
            read_quietly(one->bytes, one->len, response, &host);
        }
        if (!thrown) {
            rop_message_end(message);
        }
    }
    bytes_sent += made->len;
    const size_t most = SESSIONS * BYTES_A_SESSION + count * BYTES_A_MESSAGE + bytes_sent * BYTES_A_BYTE;
    assert(worlds[0].pieces.live <= most && worlds[1].pieces.live <= most);
}

static void show(struct sent *one, unsigned world, struct shown *shown)
{
    struct rop_host host;
    struct property_names names;
    rop_message_replay(one->message[world], &host, &names);
    read_shown(shown, one->bytes, one->len, one->response, &host);
}

/* In two orders: each time the same, as the first reading, and as of the session at whom nobody looked. */
static void show_all(unsigned seed)
{
    struct dice dice = { seed };
    for (unsigned i = count; i-- > 0;) {
        show(&sent[i], 0, &sent[i].again);
        /* A message shows so many values, and no more: what is known besides are some. */
        assert(sent[i].again.values > READER_VALUES_MAX / 2 || sent[i].again.first == sent[i].first.first);
    }
    for (unsigned i = 0; i < count; i++) {
        struct shown shown;
        struct sent *one = &sent[roll(&dice, count)];
        show(one, 0, &shown);
        assert(shown.all == one->again.all);
        show(&sent[i], 1, &shown);
        assert(shown.all == sent[i].again.all || shown.values > READER_VALUES_MAX / 2);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct made made;
    struct input in = { data, data + size };
    struct asked asked[4] = { 0 };
    unsigned at = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct world *world = &worlds[i];
        world->pieces = (struct pieces){ NULL, 0 };
        world->arena = (struct arena){ pieces_alloc, &world->pieces, pieces_give_back, { { 1, 2 } } };
        track_init(&world->track, &world->arena, NULL, NULL);
        for (unsigned k = 0; k < SESSIONS; k++) {
            world->session[k] = rop_session_new(&world->track, 0);
        }
    }
    count = 0;
    bytes_sent = 0;
    while (in.p < in.end && count + 2 <= MESSAGES_MAX) {
        const unsigned what = take(&in), how = take(&in);
        struct asked *one = &asked[at];
        bool response = what & 1;
        made.len = 0;
        if (!response) {
            at = (at + 1) % 4;
            one = &asked[at];
            *one = (struct asked){ .session = what >> 1 & 1 };
        } else if (what & 2) {
            one = &asked[what >> 2 & 3];
        }
        if ((what >> 4 & 15) == 15) {
            put_any(&in, &made); /* not even an extended buffer */
        } else {
            unsigned payloads = (how & 0x30) == 0x30 ? 1 + take(&in) % 4 : 1;
            while (payloads-- > 0) {
                put_payload(&in, &made, one, response, (how & 7) | (payloads > 0 ? 8 : 0));
            }
        }
        if (!response && (how & 0x40) && (how & 0x80)) {
            continue; /* it is lost: its response is one without a request */
        }
        learn(one, response && one->message[0] ? one : NULL, response, &made, count + 1, (what >> 4 & 15) == 14);
    }
    if (count > 0) {
        show_all(1 + (unsigned)size);
    }
    for (unsigned i = 0; i < count; i++) {
        free(sent[i].bytes);
    }
    for (unsigned i = 0; i < 2; i++) {
        while (worlds[i].pieces.first) {
            struct piece *piece = worlds[i].pieces.first;
            worlds[i].pieces.first = piece->next;
            free(piece);
        }
    }
    return 0;
}
