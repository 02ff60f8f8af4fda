/* test_rts.c
 * RTS PDUs, MS-RPCH 2.2.3 and 2.2.4. The PDUs are written down from the sections of the
 * specification and not from the table under test.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rts.h"
#include "transcript.h"
#include "unit.h"

/* ---- building PDUs ---- */

struct builder {
    uint8_t bytes[512];
    size_t len;
};

static void put16(struct builder *b, unsigned value)
{
    b->bytes[b->len++] = (uint8_t)value;
    b->bytes[b->len++] = (uint8_t)(value >> 8);
}

static void put32(struct builder *b, uint32_t value)
{
    put16(b, value & 0xFFFF);
    put16(b, value >> 16);
}

static void fill(struct builder *b, uint8_t byte, size_t count)
{
    memset(b->bytes + b->len, byte, count);
    b->len += count;
}

static void start(struct builder *b, unsigned flags, unsigned commands)
{
    static const uint8_t head[16] = { 5, 0, 20, 3, 0x10 };
    memcpy(b->bytes, head, sizeof(head));
    b->len = sizeof(head);
    put16(b, flags);
    put16(b, commands);
}

static void end(struct builder *b)
{
    b->bytes[8] = (uint8_t)b->len;
    b->bytes[9] = (uint8_t)(b->len >> 8);
}

/* A command by a letter: W window, A acknowledgment, T timeout, C cookie, L lifetime,
 * K keepalive, V version, E empty, P padding, N negative ANCE, S success (ANCE), I address,
 * G group, D destination, Q ping traffic. */
static void command(struct builder *b, char letter, uint32_t destination)
{
    static const char letters[] = "WATCLKVEPNSIGDQ";
    uint32_t type = (uint32_t)(strchr(letters, letter) - letters);
    put32(b, type);
    switch (letter) {
    case 'W':
        put32(b, 65536);
        break;
    case 'A':
        put32(b, 1000);
        put32(b, 65536);
        fill(b, 0xAC, 16);
        break;
    case 'T':
        put32(b, 120000);
        break;
    case 'C':
        fill(b, (uint8_t)(0xC0 + b->len / 20), 16);
        break;
    case 'L':
        put32(b, 1073741824);
        break;
    case 'K':
        put32(b, 300000);
        break;
    case 'V':
        put32(b, 1);
        break;
    case 'P':
        put32(b, 8);
        fill(b, 0, 8);
        break;
    case 'I':
        put32(b, 0);
        put32(b, 0x0100007F);
        fill(b, 0, 12);
        break;
    case 'G':
        fill(b, 0x66, 16);
        break;
    case 'D':
        put32(b, destination);
        break;
    case 'Q':
        put32(b, 1040);
        break;
    default:
        break;
    }
}

static void build(struct builder *b, unsigned flags, const char *commands, uint32_t destination)
{
    start(b, flags, (unsigned)strlen(commands));
    for (; *commands; commands++) {
        command(b, *commands, destination);
    }
    end(b);
}

/* ---- what the sink heard ---- */

#define HEARD_MAX 64

struct heard {
    unsigned commands, fields, issues;
    struct {
        uint32_t type, offset, length;
    } command[HEARD_MAX];
    struct {
        const struct field *row;
        uint32_t offset, length;
        uint64_t number;
        uint8_t first;
    } field[HEARD_MAX];
    struct rts_issue issue[HEARD_MAX];
};

static void hear_command(void *ctx, const char *label, uint32_t offset)
{
    struct heard *h = ctx;
    CHECK(label[0]);
    h->command[h->commands].offset = offset;
    h->command[h->commands++].length = 0;
}

static void hear_end(void *ctx, uint32_t end, const char *summary)
{
    struct heard *h = ctx;
    (void)summary;
    h->command[h->commands - 1].length = end - h->command[h->commands - 1].offset;
}

static void hear_field(void *ctx, const struct field_value *value)
{
    struct heard *h = ctx;
    if (strcmp(value->field->filter, "command") == 0) {
        h->command[h->commands - 1].type = (uint32_t)value->number;
        return;
    }
    h->field[h->fields].row = value->field;
    h->field[h->fields].offset = value->offset;
    h->field[h->fields].length = value->len;
    h->field[h->fields].number = value->number;
    h->field[h->fields++].first = value->len ? value->bytes[0] : 0;
}

static void hear_issue(void *ctx, const struct rts_issue *issue)
{
    struct heard *h = ctx;
    h->issue[h->issues++] = *issue;
}

static void note_pdu(size_t len, uint16_t frag_length, const struct rts_pdu *pdu, const struct heard *heard)
{
    transcript("%zu of %u bytes: flags %#x commands %u/%u%s cookies %u %d%d%d%d%d%d %u %u %u %u %u ack %u %u", len,
               frag_length, pdu->flags, pdu->commands_decoded, pdu->number_of_commands,
               pdu->well_formed ? "" : " malformed", pdu->cookies, pdu->has_window, pdu->has_ack, pdu->has_timeout,
               pdu->has_lifetime, pdu->has_keepalive, pdu->has_destination, pdu->window, pdu->timeout_ms, pdu->lifetime,
               pdu->keepalive_ms, pdu->destination, pdu->ack_received, pdu->ack_window);
    for (unsigned i = 0; i < heard->commands; i++) {
        transcript_aside("    command %u at %u, %u", heard->command[i].type, heard->command[i].offset,
                         heard->command[i].length);
    }
    for (unsigned i = 0; i < heard->fields; i++) {
        const struct field *row = heard->field[i].row;
        transcript_aside("    field %s at %u, %u: %llu %u", row->filter, heard->field[i].offset, heard->field[i].length,
                         (unsigned long long)heard->field[i].number, heard->field[i].first);
    }
    for (unsigned i = 0; i < heard->issues; i++) {
        const struct rts_issue *issue = &heard->issue[i];
        transcript_aside("    issue %d at %u, %u: %s %u not %u-%u", (int)issue->problem, issue->offset, issue->length,
                         issue->row ? issue->row->filter : "", issue->value, issue->expected_low, issue->expected_high);
    }
}

static struct rts_pdu decode_only(const uint8_t *bytes, size_t len, uint16_t frag_length, struct heard *heard)
{
    struct rts_pdu pdu;
    const struct field_sink fields = { .ctx = heard, .value = hear_field, .open = hear_command, .close = hear_end };
    struct rts_sink sink = { &fields, hear_issue, heard };
    memset(heard, 0, sizeof(*heard));
    rts_decode(bytes, len, frag_length, &pdu, &sink);
    note_pdu(len, frag_length, &pdu, heard);
    return pdu;
}

/* The same PDU damaged at each place, and its name at each place it may be seen. */
static void note_damaged(const struct builder *b, size_t len, uint16_t frag_length)
{
    static const uint8_t flip[] = { 0x01, 0x02, 0x10, 0x80, 0xFF };
    static const unsigned contexts[] = { 0, 1, 2, 4, 8, 5, 10, 0x10, 0x20, 0x40, 0x80, 0x100, 0x1FF };
    struct heard heard;
    char name[RTS_NAME_MAX];
    uint8_t index[RTS_MAX_CANDIDATES];
    bool misplaced;
    if (len > 200) {
        return;
    }
    transcript_fold();
    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < sizeof(flip); k++) {
            struct builder copy = *b;
            copy.bytes[i] ^= flip[k];
            struct rts_pdu pdu = decode_only(copy.bytes, len, frag_length, &heard);
            struct rts_place place = { RTS_ANY_CHANNEL, RTS_ANY_HOP, RTS_ANY_WAY, 0 };
            unsigned count = rts_identify(&pdu, &place, index, name, &misplaced);
            transcript("%u %s %d", count, name, misplaced);
        }
        decode_only(b->bytes, i, frag_length, &heard);
    }
    struct rts_pdu pdu = decode_only(b->bytes, len, frag_length, &heard);
    for (unsigned place = 0; place < 27; place++) {
        for (size_t c = 0; c < sizeof(contexts) / sizeof(contexts[0]); c++) {
            struct rts_place where = { (enum rts_channel)(place % 3), (enum rts_hop)(place / 3 % 3),
                                       (enum rts_way)(place / 9), contexts[c] };
            unsigned count = rts_identify(&pdu, &where, index, name, &misplaced);
            transcript("%u %u %u %s %d", place, contexts[c], count, name, misplaced);
        }
    }
    transcript_unfold("    damaged, and named everywhere");
}

static struct rts_pdu decode_len(const struct builder *b, size_t len, uint16_t frag_length, struct heard *heard)
{
    struct rts_pdu pdu = decode_only(b->bytes, len, frag_length, heard);
    transcript_asides("    commands");
    if (!transcript_folded.open) {
        note_damaged(b, len, frag_length);
    }
    return pdu;
}

static struct rts_pdu decode(const struct builder *b, struct heard *heard)
{
    return decode_len(b, b->len, get_le16(b->bytes + 8), heard);
}

static const char *filter_of(const struct heard *h, unsigned i)
{
    return i < h->fields ? h->field[i].row->filter : NULL;
}

/* ---- the 50 PDUs ---- */

#define FD_CLIENT 0
#define FD_SERVER 2

static const struct {
    const char *section, *name;
    unsigned flags;
    const char *commands;
    uint32_t destination;
    enum rts_channel channel;
    enum rts_hop hop;
    enum rts_way way;
    const char *named; /* in that place, before anything decides; NULL: the name alone */
} pdus[] = {
    { "2.2.4.2", "CONN/A1", 0x00, "VCCW", 0, RTS_OUT, RTS_HOP_HTTP, RTS_TO_SERVER, NULL },
    { "2.2.4.3", "CONN/A2", 0x10, "VCCLW", 0, RTS_OUT, RTS_HOP_TCP, RTS_TO_SERVER, NULL },
    { "2.2.4.4", "CONN/A3", 0x00, "T", 0, RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, NULL },
    { "2.2.4.5", "CONN/B1", 0x00, "VCCLKG", 0, RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, NULL },
    { "2.2.4.6", "CONN/B2", 0x08, "VCCWTGI", 0, RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, NULL },
    { "2.2.4.7", "CONN/B3", 0x00, "WV", 0, RTS_IN, RTS_HOP_TCP, RTS_TO_CLIENT, NULL },
    { "2.2.4.8", "CONN/C1", 0x00, "VWT", 0, RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT, NULL },
    { "2.2.4.9", "CONN/C2", 0x00, "VWT", 0, RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, NULL },
    { "2.2.4.10", "IN_R1/A1", 0x04, "VCCC", 0, RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, "IN_R1/A1 or IN_R2/A1" },
    { "2.2.4.11", "IN_R1/A2", 0x0C, "VCCCWT", 0, RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, NULL },
    { "2.2.4.12", "IN_R1/A3", 0x00, "DVWT", FD_CLIENT, RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT, NULL },
    { "2.2.4.13", "IN_R1/A4", 0x00, "DVWT", FD_CLIENT, RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, NULL },
    { "2.2.4.14", "IN_R1/A5", 0x00, "C", 0, RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, "IN_R1/A5 or IN_R2/A5" },
    { "2.2.4.15", "IN_R1/A6", 0x00, "C", 0, RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, "IN_R1/A6 or IN_R2/A2" },
    { "2.2.4.16", "IN_R1/B1", 0x00, "E", 0, RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, NULL },
    { "2.2.4.17", "IN_R1/B2", 0x00, "W", 0, RTS_IN, RTS_HOP_TCP, RTS_TO_CLIENT, NULL },
    { "2.2.4.18", "IN_R2/A1", 0x04, "VCCC", 0, RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, "IN_R1/A1 or IN_R2/A1" },
    { "2.2.4.19", "IN_R2/A2", 0x00, "C", 0, RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, "IN_R1/A6 or IN_R2/A2" },
    { "2.2.4.20", "IN_R2/A3", 0x00, "D", FD_CLIENT, RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT, NULL },
    { "2.2.4.21", "IN_R2/A4", 0x00, "D", FD_CLIENT, RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, NULL },
    { "2.2.4.22", "IN_R2/A5", 0x00, "C", 0, RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, "IN_R1/A5 or IN_R2/A5" },
    { "2.2.4.23", "OUT_R1/A1", 0x04, "D", FD_CLIENT, RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT, "OUT_R1/A1 or OUT_R2/A1" },
    { "2.2.4.24", "OUT_R1/A2", 0x04, "D", FD_CLIENT, RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, "OUT_R1/A2 or OUT_R2/A2" },
    { "2.2.4.25", "OUT_R1/A3", 0x04, "VCCCW", 0, RTS_OUT, RTS_HOP_HTTP, RTS_TO_SERVER, "OUT_R1/A3 or OUT_R2/A3" },
    { "2.2.4.26", "OUT_R1/A4", 0x14, "VCCCLWT", 0, RTS_OUT, RTS_HOP_TCP, RTS_TO_SERVER, NULL },
    { "2.2.4.27", "OUT_R1/A5", 0x10, "DVT", FD_CLIENT, RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT, NULL },
    { "2.2.4.28", "OUT_R1/A6", 0x10, "DVT", FD_CLIENT, RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, NULL },
    { "2.2.4.29", "OUT_R1/A7", 0x10, "DC", FD_SERVER, RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, NULL },
    { "2.2.4.30", "OUT_R1/A8", 0x10, "DC", FD_SERVER, RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, "OUT_R1/A8 or OUT_R2/A8" },
    { "2.2.4.31", "OUT_R1/A9", 0x00, "S", 0, RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT, "OUT_R1/A9 or OUT_R2/B1" },
    { "2.2.4.32", "OUT_R1/A10", 0x00, "S", 0, RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, NULL },
    { "2.2.4.33", "OUT_R1/A11", 0x00, "S", 0, RTS_OUT, RTS_HOP_HTTP, RTS_TO_SERVER, NULL },
    { "2.2.4.34", "OUT_R2/A1", 0x04, "D", FD_CLIENT, RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT, "OUT_R1/A1 or OUT_R2/A1" },
    { "2.2.4.35", "OUT_R2/A2", 0x04, "D", FD_CLIENT, RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, "OUT_R1/A2 or OUT_R2/A2" },
    { "2.2.4.36", "OUT_R2/A3", 0x04, "VCCCW", 0, RTS_OUT, RTS_HOP_HTTP, RTS_TO_SERVER, "OUT_R1/A3 or OUT_R2/A3" },
    { "2.2.4.37", "OUT_R2/A4", 0x00, "C", 0, RTS_OUT, RTS_HOP_TCP, RTS_TO_SERVER, NULL },
    { "2.2.4.38", "OUT_R2/A5", 0x00, "DS", FD_CLIENT, RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT, NULL },
    { "2.2.4.39", "OUT_R2/A6", 0x00, "DS", FD_CLIENT, RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, NULL },
    { "2.2.4.40", "OUT_R2/A7", 0x10, "DCV", FD_SERVER, RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, NULL },
    { "2.2.4.41", "OUT_R2/A8", 0x10, "DC", FD_SERVER, RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, "OUT_R1/A8 or OUT_R2/A8" },
    { "2.2.4.42", "OUT_R2/B1", 0x00, "S", 0, RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT, "OUT_R1/A9 or OUT_R2/B1" },
    { "2.2.4.43", "OUT_R2/B2", 0x00, "N", 0, RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT, NULL },
    { "2.2.4.44", "OUT_R2/B3", 0x20, "S", 0, RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, NULL },
    { "2.2.4.45", "OUT_R2/C1", 0x01, "P", 0, RTS_OUT, RTS_HOP_HTTP, RTS_TO_SERVER, NULL },
    { "2.2.4.46", "Keep-Alive", 0x02, "K", 0, RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, NULL },
    { "2.2.4.47", "Ping Traffic Sent Notify", 0x02, "Q", 0, RTS_OUT, RTS_HOP_TCP, RTS_TO_SERVER, NULL },
    { "2.2.4.48", "Echo", 0x40, "", 0, RTS_IN, RTS_HOP_HTTP, RTS_TO_CLIENT, NULL },
    { "2.2.4.49", "Ping", 0x01, "", 0, RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, NULL },
    { "2.2.4.50", "FlowControlAck", 0x02, "A", 0, RTS_IN, RTS_HOP_TCP, RTS_TO_CLIENT, NULL },
    { "2.2.4.51", "FlowControlAckWithDestination", 0x02, "DA", 3, RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, NULL }
};

#define PDUS (sizeof(pdus) / sizeof(pdus[0]))

static unsigned name_of(const struct builder *b, struct rts_place place, char name[RTS_NAME_MAX], bool *misplaced)
{
    struct heard heard;
    uint8_t index[RTS_MAX_CANDIDATES];
    struct rts_pdu pdu = decode(b, &heard);
    return rts_identify(&pdu, &place, index, name, misplaced);
}

static void test_all_pdus(void)
{
    CHECK_INT(rts_signature_count, 50);
    CHECK_INT(PDUS, 50);
    for (size_t i = 0; i < PDUS; i++) {
        struct builder b;
        struct heard heard;
        uint8_t index[RTS_MAX_CANDIDATES];
        char name[RTS_NAME_MAX];
        bool misplaced = true, found = false;
        struct rts_place place = { pdus[i].channel, pdus[i].hop, pdus[i].way, 0 };

        build(&b, pdus[i].flags, pdus[i].commands, pdus[i].destination);
        struct rts_pdu pdu = decode(&b, &heard);
        CHECK(pdu.well_formed);
        CHECK_INT(heard.issues, 0);
        CHECK_INT(heard.commands, strlen(pdus[i].commands));
        CHECK_INT(pdu.commands_decoded, strlen(pdus[i].commands));
        CHECK_INT(pdu.flags, pdus[i].flags);

        unsigned count = rts_identify(&pdu, &place, index, name, &misplaced);
        CHECK_STR(name, pdus[i].named ? pdus[i].named : pdus[i].name);
        CHECK_INT(count, pdus[i].named ? 2 : 1);
        CHECK(!misplaced);
        for (unsigned k = 0; k < count; k++) {
            found |= index[k] == i;
        }
        CHECK(found);
        char section[16];
        snprintf(section, sizeof(section), "2.2.4.%u", (unsigned)i + 2);
        CHECK_STR(section, pdus[i].section);
        CHECK_STR(rts_signatures[i].name, pdus[i].name);
        CHECK_INT(rts_signatures[i].count, strlen(pdus[i].commands));
    }
    CHECK_STR(rts_signatures[RTS_OUT_R2_C1].name, "OUT_R2/C1");
    CHECK_STR(rts_signatures[RTS_FLOW_ACK_WITH_DESTINATION].name, "FlowControlAckWithDestination");
    CHECK_STR(rts_signatures[RTS_IN_R2_A1].name, "IN_R2/A1");
}

/* Each PDU on the other channel, hop and way: known, but misplaced, unless it may go there. */
static void test_misplaced(void)
{
    struct builder b;
    char name[RTS_NAME_MAX];
    bool misplaced;

    build(&b, 0, "VCCW", 0);
    CHECK_INT(name_of(&b, (struct rts_place){ RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, 0 }, name, &misplaced), 1);
    CHECK_STR(name, "CONN/A1");
    CHECK(misplaced);
    name_of(&b, (struct rts_place){ RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, 0 }, name, &misplaced);
    CHECK(misplaced);
    name_of(&b, (struct rts_place){ RTS_OUT, RTS_HOP_TCP, RTS_TO_SERVER, 0 }, name, &misplaced);
    CHECK(misplaced);

    build(&b, 0, "VWT", 0);
    name_of(&b, (struct rts_place){ RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, 0 }, name, &misplaced);
    CHECK_STR(name, "CONN/C1 or CONN/C2");
    CHECK(misplaced);

    build(&b, 0x40, "", 0);
    name_of(&b, (struct rts_place){ RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, 0 }, name, &misplaced);
    CHECK_STR(name, "Echo");
    CHECK(!misplaced);
    name_of(&b, (struct rts_place){ RTS_OUT, RTS_HOP_HTTP, RTS_TO_SERVER, 0 }, name, &misplaced);
    CHECK_STR(name, "Echo");
    CHECK(misplaced);

    build(&b, 0x01, "", 0);
    name_of(&b, (struct rts_place){ RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, 0 }, name, &misplaced);
    CHECK(!misplaced);
    name_of(&b, (struct rts_place){ RTS_IN, RTS_HOP_HTTP, RTS_TO_CLIENT, 0 }, name, &misplaced);
    CHECK_STR(name, "Ping");
    CHECK(misplaced);

    build(&b, 0x02, "DA", 0);
    name_of(&b, (struct rts_place){ RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, 0 }, name, &misplaced);
    CHECK_STR(name, "FlowControlAckWithDestination");
    CHECK(!misplaced);
    name_of(&b, (struct rts_place){ RTS_OUT, RTS_HOP_TCP, RTS_TO_SERVER, 0 }, name, &misplaced);
    CHECK(!misplaced);
}

static void test_unplaced(void)
{
    static const struct rts_place nowhere = { 0 };
    struct builder b;
    char name[RTS_NAME_MAX];
    bool misplaced;

    build(&b, 0x04, "D", FD_CLIENT);
    CHECK_INT(name_of(&b, nowhere, name, &misplaced), 4);
    CHECK_STR(name, "OUT_R1/A1 or OUT_R1/A2 or OUT_R2/A1 or OUT_R2/A2");
    CHECK(!misplaced);
    build(&b, 0, "C", 0);
    CHECK_INT(name_of(&b, nowhere, name, &misplaced), 5);
    CHECK_STR(name, "IN_R1/A5 or IN_R1/A6 or IN_R2/A2 or IN_R2/A5 or OUT_R2/A4");
    build(&b, 0, "C", 0);
    CHECK_INT(name_of(&b, (struct rts_place){ RTS_IN, RTS_ANY_HOP, RTS_ANY_WAY, 0 }, name, &misplaced), 4);
    build(&b, 0, "S", 0);
    CHECK_INT(name_of(&b, nowhere, name, &misplaced), 4);
    CHECK_STR(name, "OUT_R1/A9 or OUT_R1/A10 or OUT_R1/A11 or OUT_R2/B1");
}

static void test_context(void)
{
    static const struct {
        unsigned flags;
        const char *commands;
        uint32_t destination;
        struct rts_place place;
        const char *name;
    } cases[] = {
        { 0, "C", 0, { RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, RTS_CTX_IN_R1 }, "IN_R1/A5" },
        { 0, "C", 0, { RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, RTS_CTX_IN_R2 }, "IN_R2/A5" },
        { 0, "C", 0, { RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, RTS_CTX_IN_R1 }, "IN_R1/A6" },
        { 0, "C", 0, { RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, RTS_CTX_IN_R2 }, "IN_R2/A2" },
        { 0, "C", 0, { RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, RTS_CTX_IN_R1 | RTS_CTX_IN_R2 }, "IN_R1/A6 or IN_R2/A2" },
        { 0, "C", 0, { RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, RTS_CTX_OUT_R2 }, "IN_R1/A6 or IN_R2/A2" },
        { 0, "C", 0, { RTS_OUT, RTS_HOP_TCP, RTS_TO_SERVER, RTS_CTX_OUT_R1 }, "OUT_R2/A4" },
        { 4, "D", 0, { RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, RTS_CTX_OUT_R2 }, "OUT_R2/A2" },
        { 4, "D", 0, { RTS_OUT, RTS_HOP_HTTP, RTS_TO_CLIENT, RTS_CTX_OUT_R1 }, "OUT_R1/A2" },
        { 0, "S", 0, { RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT, RTS_CTX_OUT_R1 }, "OUT_R1/A9" },
        { 0, "S", 0, { RTS_OUT, RTS_HOP_TCP, RTS_TO_CLIENT, RTS_CTX_OUT_R2 }, "OUT_R2/B1" },
        { 0x10, "DC", 2, { RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, RTS_CTX_OUT_R1 }, "OUT_R1/A8" },
        { 0x10, "DC", 2, { RTS_IN, RTS_HOP_TCP, RTS_TO_SERVER, RTS_CTX_OUT_R2 }, "OUT_R2/A8" },
        { 0x10, "DCV", 2, { RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, RTS_CTX_OUT_R1 }, "OUT_R2/A7" },
        { 1, "E", 0, { RTS_OUT, RTS_HOP_HTTP, RTS_TO_SERVER, 0 }, "OUT_R2/C1" },
        /* IN channels recycle apart from OUT channels. */
        { 0, "C", 0, { 0, 0, 0, RTS_CTX_IN_R1 }, "IN_R1/A5 or IN_R1/A6 or OUT_R2/A4" },
        { 4,
          "VCCC",
          0,
          { RTS_IN, RTS_HOP_HTTP, RTS_TO_SERVER, RTS_CTX_OPENING | RTS_CTX_RECYCLING_IN },
          "IN_R1/A1 or IN_R2/A1" }
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct builder b;
        char name[RTS_NAME_MAX];
        bool misplaced;
        build(&b, cases[i].flags, cases[i].commands, cases[i].destination);
        name_of(&b, cases[i].place, name, &misplaced);
        CHECK_STR(name, cases[i].name);
        CHECK(!misplaced);
    }
}

static void test_unknown(void)
{
    static const struct {
        unsigned flags;
        const char *commands;
        uint32_t destination;
    } cases[] = { { 0x01, "VCCW", 0 },
                  { 0x00, "VCC", 0 },
                  { 0x00, "VCCWW", 0 },
                  { 0x00, "WVT", 0 },
                  { 0x00, "", 0 },
                  { 0x04, "D", FD_SERVER },
                  { 0x10, "DC", FD_CLIENT },
                  { 0x00, "DS", 3 },
                  { 0x00, "P", 0 },
                  { 0x03, "", 0 },
                  { 0x00, "VVVVVVVVVVVVVVVVVVVV", 0 } };
    static const struct rts_place nowhere = { 0 };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct builder b;
        char name[RTS_NAME_MAX];
        bool misplaced = true;
        build(&b, cases[i].flags, cases[i].commands, cases[i].destination);
        CHECK_INT(name_of(&b, nowhere, name, &misplaced), 0);
        CHECK_STR(name, "unknown RTS PDU");
        CHECK(!misplaced);
    }
}

/* ---- values ---- */

static void test_values(void)
{
    struct builder b;
    struct heard h;
    build(&b, 8, "VCCWTGI", 0);
    struct rts_pdu pdu = decode(&b, &h);
    CHECK_INT(b.len, 128);
    CHECK_INT(pdu.cookies, 2);
    CHECK_INT(pdu.cookie[0][0], 0xC1);
    CHECK_INT(pdu.cookie[1][15], 0xC2);
    CHECK(pdu.has_window && pdu.window == 65536);
    CHECK(pdu.has_timeout && pdu.timeout_ms == 120000);
    CHECK(!pdu.has_ack && !pdu.has_lifetime && !pdu.has_keepalive && !pdu.has_destination);
    CHECK_INT(h.fields, 9);
    CHECK_STR(filter_of(&h, 0), "version");
    CHECK_STR(filter_of(&h, 1), "cookie");
    CHECK_STR(filter_of(&h, 3), "receive_window_size");
    CHECK_STR(filter_of(&h, 4), "connection_timeout");
    CHECK_STR(filter_of(&h, 5), "association_group_id");
    CHECK_STR(filter_of(&h, 6), "client_address.type");
    CHECK_STR(filter_of(&h, 7), "client_address.ipv4");
    CHECK_STR(filter_of(&h, 8), "client_address.padding");
    CHECK_INT(h.field[0].offset, 24);
    CHECK_INT(h.field[0].number, 1);
    CHECK_INT(h.field[7].offset, 112);
    CHECK_INT(h.field[7].length, 4);
    CHECK_INT(h.field[7].first, 127);
    CHECK_INT(h.field[8].length, 12);
    CHECK_INT(h.command[6].offset, 104);
    CHECK_INT(h.command[6].length, 24);
    CHECK_INT(h.command[1].length, 20);

    build(&b, 2, "DA", 3);
    pdu = decode(&b, &h);
    CHECK(pdu.has_destination && pdu.destination == 3);
    CHECK(pdu.has_ack && pdu.ack_received == 1000 && pdu.ack_window == 65536 && pdu.ack_cookie[0] == 0xAC);
    CHECK_STR(filter_of(&h, 0), "destination");
    CHECK_STR(filter_of(&h, 1), "flow_control_ack.bytes_received");
    CHECK_STR(filter_of(&h, 2), "flow_control_ack.available_window");
    CHECK_STR(filter_of(&h, 3), "flow_control_ack.channel_cookie");

    build(&b, 0, "VCCLKG", 0);
    pdu = decode(&b, &h);
    CHECK(pdu.has_lifetime && pdu.lifetime == 1073741824);
    CHECK(pdu.has_keepalive && pdu.keepalive_ms == 300000);
    CHECK_STR(filter_of(&h, 3), "channel_lifetime");
    CHECK_STR(filter_of(&h, 4), "client_keepalive");

    build(&b, 2, "Q", 0);
    pdu = decode(&b, &h);
    CHECK_INT(h.field[0].number, 1040);
    CHECK_STR(filter_of(&h, 0), "ping_traffic_sent");

    build(&b, 4, "VCCCC", 0);
    pdu = decode(&b, &h);
    CHECK_INT(pdu.cookies, 3);
    CHECK_INT(pdu.commands_decoded, 5);

    build(&b, 0, "VVVVVVVVVVVVVVVVVVVV", 0);
    pdu = decode(&b, &h);
    CHECK_INT(pdu.commands_decoded, 20);
    CHECK(pdu.well_formed);
}

static void test_padding_and_ipv6(void)
{
    struct builder b;
    struct heard h;
    build(&b, 1, "P", 0);
    decode(&b, &h);
    CHECK_STR(filter_of(&h, 0), "padding_length");
    CHECK_STR(filter_of(&h, 1), "padding");
    CHECK_INT(h.field[0].number, 8);
    CHECK_INT(h.field[1].length, 8);
    CHECK_INT(h.command[0].length, 16);

    start(&b, 1, 2);
    put32(&b, RTS_PADDING);
    put32(&b, 0);
    put32(&b, RTS_EMPTY);
    end(&b);
    struct rts_pdu pdu = decode(&b, &h);
    CHECK(pdu.well_formed);
    CHECK_INT(h.field[1].length, 0);
    CHECK_INT(h.command[1].offset, 28);

    start(&b, 0, 1);
    put32(&b, RTS_CLIENT_ADDRESS);
    put32(&b, 1);
    fill(&b, 0x20, 16);
    fill(&b, 0, 12);
    end(&b);
    pdu = decode(&b, &h);
    CHECK(pdu.well_formed);
    CHECK_INT(h.command[0].length, 36);
    CHECK_STR(filter_of(&h, 1), "client_address.ipv6");
    CHECK_INT(h.field[1].length, 16);
    CHECK_INT(h.field[1].first, 0x20);
    CHECK_STR(filter_of(&h, 2), "client_address.padding");
}

static void test_ranges(void)
{
    static const struct {
        uint32_t type, value;
        bool good;
        uint32_t low, high;
    } cases[] = { { RTS_RECEIVE_WINDOW_SIZE, 8191, false, 8192, 262144 },
                  { RTS_RECEIVE_WINDOW_SIZE, 8192, true, 0, 0 },
                  { RTS_RECEIVE_WINDOW_SIZE, 262144, true, 0, 0 },
                  { RTS_RECEIVE_WINDOW_SIZE, 262145, false, 8192, 262144 },
                  { RTS_CONNECTION_TIMEOUT, 119999, false, 120000, 14400000 },
                  { RTS_CONNECTION_TIMEOUT, 120000, true, 0, 0 },
                  { RTS_CONNECTION_TIMEOUT, 14400000, true, 0, 0 },
                  { RTS_CONNECTION_TIMEOUT, 14400001, false, 120000, 14400000 },
                  { RTS_CHANNEL_LIFETIME, 131071, false, 131072, 2147483648u },
                  { RTS_CHANNEL_LIFETIME, 131072, true, 0, 0 },
                  { RTS_CHANNEL_LIFETIME, 2147483648u, true, 0, 0 },
                  { RTS_CHANNEL_LIFETIME, 2147483649u, false, 131072, 2147483648u },
                  { RTS_CLIENT_KEEPALIVE, 0, true, 0, 0 },
                  { RTS_CLIENT_KEEPALIVE, 1, false, 60000, 0xFFFFFFFF },
                  { RTS_CLIENT_KEEPALIVE, 59999, false, 60000, 0xFFFFFFFF },
                  { RTS_CLIENT_KEEPALIVE, 60000, true, 0, 0 },
                  { RTS_CLIENT_KEEPALIVE, 0xFFFFFFFF, true, 0, 0 },
                  { RTS_DESTINATION, 0, true, 0, 0 },
                  { RTS_DESTINATION, 3, true, 0, 0 },
                  { RTS_DESTINATION, 4, false, 0, 3 },
                  { RTS_VERSION, 0, true, 0, 0 },
                  { RTS_VERSION, 0xFFFFFFFF, true, 0, 0 },
                  { RTS_PING_TRAFFIC_SENT_NOTIFY, 0xFFFFFFFF, true, 0, 0 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct builder b;
        struct heard h;
        start(&b, 0, 1);
        put32(&b, cases[i].type);
        put32(&b, cases[i].value);
        end(&b);
        struct rts_pdu pdu = decode(&b, &h);
        CHECK(pdu.well_formed);
        CHECK_INT(h.issues, !cases[i].good);
        if (h.issues == 1) {
            CHECK_INT(h.issue[0].problem, RTS_RANGE);
            CHECK(pdu.out_of_range && !pdu.malformed);
            CHECK_INT(h.issue[0].offset, 24);
            CHECK_INT(h.issue[0].length, 4);
            CHECK_INT(h.issue[0].value, cases[i].value);
            CHECK_INT(h.issue[0].expected_low, cases[i].low);
            CHECK_INT(h.issue[0].expected_high, cases[i].high);
            CHECK(h.issue[0].row == h.field[0].row);
        }
    }
}

/* ---- what is broken ---- */

static void check_one_issue(const struct builder *b, enum rts_problem problem, uint32_t offset, uint32_t length)
{
    struct heard h;
    struct rts_pdu pdu = decode(b, &h);
    CHECK_INT(h.issues, 1);
    CHECK_INT(h.issue[0].problem, problem);
    CHECK_INT(h.issue[0].offset, offset);
    CHECK_INT(h.issue[0].length, length);
    CHECK_INT(pdu.well_formed, !rts_problem_is_malformed(problem));
    CHECK_INT(pdu.malformed, rts_problem_is_malformed(problem));
    CHECK_INT(pdu.out_of_range, !rts_problem_is_malformed(problem));
}

static void test_header_rules(void)
{
    struct builder b;
    static const struct {
        size_t at;
        uint8_t byte;
        enum rts_problem problem;
        uint32_t offset, length;
    } cases[] = { { 0, 4, RTS_BAD_VERSION, 0, 2 },
                  { 1, 1, RTS_BAD_VERSION, 0, 2 },
                  { 3, 1, RTS_BAD_PFC_FLAGS, 3, 1 },
                  { 3, 2, RTS_BAD_PFC_FLAGS, 3, 1 },
                  { 3, 0x83, RTS_BAD_PFC_FLAGS, 3, 1 },
                  { 4, 0x11, RTS_BAD_DREP, 4, 4 },
                  { 5, 1, RTS_BAD_DREP, 4, 4 },
                  { 10, 1, RTS_BAD_AUTH_LENGTH, 10, 2 },
                  { 11, 1, RTS_BAD_AUTH_LENGTH, 10, 2 },
                  { 12, 1, RTS_BAD_CALL_ID, 12, 4 },
                  { 15, 1, RTS_BAD_CALL_ID, 12, 4 },
                  { 16, 0x80, RTS_UNDEFINED_FLAGS, 16, 2 },
                  { 17, 0x01, RTS_UNDEFINED_FLAGS, 16, 2 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        build(&b, 0, "VCCW", 0);
        b.bytes[cases[i].at] = cases[i].byte;
        check_one_issue(&b, cases[i].problem, cases[i].offset, cases[i].length);
    }
    /* A broken header does not hide what the PDU is. */
    build(&b, 0, "VCCW", 0);
    b.bytes[12] = 1;
    char name[RTS_NAME_MAX];
    bool misplaced;
    name_of(&b, (struct rts_place){ 0 }, name, &misplaced);
    CHECK_STR(name, "CONN/A1");
}

static void test_structure(void)
{
    struct builder b;
    struct heard h;

    start(&b, 0, 0);
    b.len = 18;
    end(&b);
    check_one_issue(&b, RTS_TOO_SHORT, 8, 2);

    build(&b, 0, "VW", 0);
    b.bytes[18] = 3;
    check_one_issue(&b, RTS_BAD_FRAG_LENGTH, 8, 2);
    b.bytes[18] = b.bytes[19] = 0xFF;
    check_one_issue(&b, RTS_BAD_FRAG_LENGTH, 8, 2);
    b.bytes[18] = 1;
    b.bytes[19] = 0;
    check_one_issue(&b, RTS_BAD_FRAG_LENGTH, 28, 8);

    build(&b, 0, "VC", 0);
    b.len -= 1;
    end(&b);
    check_one_issue(&b, RTS_TRUNCATED, 28, 19);
    struct rts_pdu pdu = decode(&b, &h);
    CHECK_INT(pdu.commands_decoded, 1);
    CHECK_INT(pdu.cookies, 0);
    CHECK_INT(h.fields, 1);
    CHECK_INT(h.commands, 2);
    CHECK_INT(h.command[1].length, 19);

    build(&b, 0, "V", 0);
    b.bytes[18] = 2;
    fill(&b, 0, 3);
    end(&b);
    check_one_issue(&b, RTS_TRUNCATED, 28, 3);

    build(&b, 2, "A", 0);
    b.len -= 1;
    end(&b);
    pdu = decode(&b, &h);
    CHECK_INT(h.fields, 2);
    CHECK(!pdu.has_ack);
    CHECK_INT(h.issue[0].problem, RTS_TRUNCATED);

    build(&b, 0, "V", 0);
    b.bytes[18] = 2;
    put32(&b, 15);
    put32(&b, 1);
    end(&b);
    check_one_issue(&b, RTS_UNKNOWN_COMMAND, 28, 4);
    decode(&b, &h);
    CHECK_INT(h.issue[0].value, 15);
    CHECK_INT(h.commands, 2);

    build(&b, 0, "I", 0);
    b.bytes[24] = 2;
    check_one_issue(&b, RTS_BAD_ADDRESS_TYPE, 24, 4);

    /* Padding that says more than there is: out of range and past the end. */
    start(&b, 1, 1);
    put32(&b, RTS_PADDING);
    put32(&b, 0xFFFFFFFF);
    fill(&b, 0, 4);
    end(&b);
    pdu = decode(&b, &h);
    CHECK_INT(h.issues, 2);
    CHECK_INT(h.issue[0].problem, RTS_RANGE);
    CHECK_INT(h.issue[0].expected_high, 0xFFFF);
    CHECK_INT(h.issue[1].problem, RTS_TRUNCATED);
    CHECK_INT(h.issue[1].offset, 20);
    CHECK_INT(h.command[0].length, 12);
    CHECK(!pdu.well_formed);
    b.bytes[26] = b.bytes[27] = 0;
    check_one_issue(&b, RTS_TRUNCATED, 20, 12);
}

/* A snapped packet: whatever is missing is nobody's fault. */
static void test_snapped(void)
{
    struct builder b;
    struct heard h;
    build(&b, 8, "VCCWTGI", 0);
    uint16_t frag_length = (uint16_t)b.len;
    for (size_t len = PDU_HEADER_LEN; len < b.len; len++) {
        struct rts_pdu pdu = decode_len(&b, len, frag_length, &h);
        CHECK_INT(h.issues, 0);
        CHECK(!pdu.well_formed);
        for (unsigned i = 0; i < h.fields; i++) {
            CHECK(h.field[i].offset + h.field[i].length <= len);
        }
        for (unsigned i = 0; i < h.commands; i++) {
            CHECK(h.command[i].offset + h.command[i].length <= len);
        }
    }
    struct rts_pdu pdu = decode_len(&b, 68, frag_length, &h);
    CHECK_INT(pdu.commands_decoded, 3);
    CHECK_INT(pdu.cookies, 2);
    /* What lies behind the PDU in the buffer is not the PDU's. */
    pdu = decode_len(&b, b.len, 68, &h);
    CHECK_INT(pdu.commands_decoded, 3);
    CHECK_INT(h.issue[0].problem, RTS_BAD_FRAG_LENGTH);
}

static void test_big_endian(void)
{
    static const struct builder b = { { 5, 0, 20, 3, 0, 0, 0, 0, 0, 28, 0, 0, 0,    0,
                                        0, 0, 0,  0, 0, 1, 0, 0, 0, 2,  0, 1, 0xD4, 0xC0 },
                                      28 };
    struct heard h;
    struct rts_pdu pdu = decode_len(&b, b.len, 28, &h);
    CHECK_INT(h.issues, 1);
    CHECK_INT(h.issue[0].problem, RTS_BAD_DREP);
    CHECK(pdu.has_timeout && pdu.timeout_ms == 120000);
}

static void test_no_sink(void)
{
    struct builder b;
    struct rts_pdu pdu;
    struct rts_sink deaf = { NULL, NULL, NULL };
    build(&b, 0, "VWT", 0);
    b.bytes[12] = 1;
    rts_decode(b.bytes, b.len, (uint16_t)b.len, &pdu, NULL);
    CHECK_INT(pdu.commands_decoded, 3);
    CHECK(!pdu.well_formed);
    rts_decode(b.bytes, b.len, (uint16_t)b.len, &pdu, &deaf);
    CHECK_INT(pdu.commands_decoded, 3);
}

static void test_tables(void)
{
    static const char *const names[] = { "ReceiveWindowSize",
                                         "FlowControlAck",
                                         "ConnectionTimeout",
                                         "Cookie",
                                         "ChannelLifetime",
                                         "ClientKeepalive",
                                         "Version",
                                         "Empty",
                                         "Padding",
                                         "NegativeANCE",
                                         "ANCE",
                                         "ClientAddress",
                                         "AssociationGroupId",
                                         "Destination",
                                         "PingTrafficSentNotify" };
    for (uint32_t i = 0; i < RTS_COMMAND_TYPES; i++) {
        CHECK_STR(rts_command_name(i), names[i]);
    }
    CHECK_STR(rts_command_name(15), NULL);
    CHECK_STR(rts_command_name(0xFFFFFFFF), NULL);
    CHECK_STR(rts_destination_name(0), "FDClient");
    CHECK_STR(rts_destination_name(3), "FDOutProxy");
    CHECK_STR(rts_destination_name(4), NULL);
    CHECK(rts_problem_is_malformed(RTS_TOO_SHORT));
    CHECK(rts_problem_is_malformed(RTS_BAD_VERSION));
    CHECK(!rts_problem_is_malformed(RTS_RANGE));
    CHECK(!rts_problem_is_malformed(RTS_UNDEFINED_FLAGS));
}

int main(void)
{
    test_all_pdus();
    test_misplaced();
    test_unplaced();
    test_context();
    test_unknown();
    test_values();
    test_padding_and_ipv6();
    test_ranges();
    test_header_rules();
    test_structure();
    test_snapped();
    test_big_endian();
    test_no_sink();
    test_tables();
    transcript_end(__FILE__);
    return unit_end();
}
