/* test_tables.c
 * The tables of names, numbers and layouts, row by row into the transcript: what a filter is
 * called, what a code is called, what a PDU consists of.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "emsmdb.h"
#include "bodies.h"
#include "catalogue.h"
#include "layouts.h"
#include "heap.h"
#include "info.h"
#include "names.h"
#include "pdu.h"
#include "properties.h"
#include "response_code.h"
#include "rops.h"
#include "rts.h"
#include "transcript.h"
#include "verdict.h"

static const char *shown(const char *text)
{
    return text ? text : "-";
}

/* ---- RPC and RTS -------------------------------------------------------------------- */

static const char *nak_name(uint32_t code)
{
    return pdu_nak_name((uint16_t)code);
}

static const char *type_name(uint32_t code)
{
    return pdu_type_name((uint8_t)code);
}

static const char *rop_of(uint32_t code)
{
    return rop_name((uint8_t)code);
}

static const char *ptyp_name(uint32_t code)
{
    return property_type_name((uint16_t)code);
}

/* All codes of a range that have a name. */
static void names_of(const char *what, const char *(*name)(uint32_t), uint32_t from, uint32_t to)
{
    for (uint32_t code = from; code <= to; code++) {
        if (name(code)) {
            transcript("%s %#x %s", what, code, name(code));
        }
    }
}

static void test_rpc(void)
{
    names_of("ptype", type_name, 0, 0xFF);
    names_of("nak", nak_name, 0, 0xFFFF);
    names_of("fault", pdu_fault_name, 0, 0x3FFF);
    names_of("fault", pdu_fault_name, 0x1C000000, 0x1C0000FF);
    names_of("fault", pdu_fault_name, 0x1C010000, 0x1C0100FF);
    names_of("fault", pdu_fault_name, 0x80010000, 0x800102FF);
    names_of("fault", pdu_fault_name, 0x80070000, 0x800700FF);
    names_of("proxy", http_rpc_error_name, 0, 0x3FFF);
    CHECK(!pdu_fault_name(0xFFFFFFFF) && !http_rpc_error_name(0xFFFFFFFF));
}

static void test_rts(void)
{
    names_of("command", rts_command_name, 0, 100);
    names_of("destination", rts_destination_name, 0, 100);
    for (unsigned i = 0; i < rts_signature_count; i++) {
        const struct rts_signature *row = &rts_signatures[i];
        const uint8_t *c = row->command;
        transcript("pdu %u 2.2.4.%u %s flags %#x commands %d: %u %u %u %u %u %u %u to %d at %#x", i, i + 2, row->name,
                   row->flags, row->count, c[0], c[1], c[2], c[3], c[4], c[5], c[6], row->destination, row->places);
    }
    for (int problem = RTS_BAD_VERSION; problem <= RTS_UNDEFINED_FLAGS; problem++) {
        transcript("problem %d malformed %d", problem, rts_problem_is_malformed((enum rts_problem)problem));
    }
    CHECK_INT(rts_signature_count, RTS_ID_COUNT);
}

/* ---- MAPI --------------------------------------------------------------------------- */

static void field_of(const char *prefix, const struct field *row, unsigned kind)
{
    transcript("%s%s '%s' kind %u%s mask %#x%s%s", prefix, row->filter, row->label, kind, row->hex ? " hex" : "",
               row->mask, row->unit ? " in " : "", row->unit ? row->unit : "");
    for (const struct field_name *name = row->names; name && name->name; name++) {
        transcript("    %#x %s", name->value, name->name);
    }
}

/* Every field that layouts can show, as it is registered. */
static void test_fields(void)
{
    struct heap heap = { NULL, 0 };
    struct catalogue catalogue;
    char why[CATALOGUE_WHY_MAX];
    catalogue_init(&catalogue, heap_arena(&heap));
    for (const struct layout_part *part = mapi_layouts; part->prefix; part++) {
        CHECK(catalogue_add(&catalogue, part->prefix, part->layout, why));
    }
    CHECK(catalogue_add(&catalogue, "rpch.rts.", rts_layouts, why));
    CHECK(catalogue_add(&catalogue, "emsmdb.", emsmdb_stubs, why));
    for (unsigned i = 0; i < catalogue.count; i++) {
        field_of(catalogue.fields[i].prefix, catalogue.fields[i].row, catalogue.fields[i].kind);
    }
    heap_free(&heap);
}

static void test_types(void)
{
    for (int type = MAPI_NONE; type < MAPI_TYPES; type++) {
        transcript("request type %d %s nspi %d emsmdb %d", type, shown(mapi_type_name((enum mapi_type)type)),
                   mapi_type_is_nspi((enum mapi_type)type), mapi_type_is_emsmdb((enum mapi_type)type));
    }
    for (uint32_t code = 0; code < 25; code++) {
        transcript("response code %u %s", code, mapi_code_name(code));
    }
    CHECK_STR(mapi_code_name(UINT32_MAX), mapi_code_name(MAPI_CODES));
}

/* FNV-1a. */
static uint64_t digest(uint64_t sum, const char *text)
{
    for (; *text; text++) {
        sum = (sum ^ (uint8_t)*text) * UINT64_C(0x100000001B3);
    }
    return sum;
}

/* What is too long to be read: how many have a name, and a digest over them. */
static void test_many_names(void)
{
    static const uint16_t types[] = { 0x0000, 0x0001, 0x0002, 0x0003, 0x0005, 0x000A, 0x000B, 0x000D,
                                      0x0014, 0x001E, 0x001F, 0x0040, 0x0048, 0x00FB, 0x0102, 0x1003,
                                      0x101E, 0x101F, 0x1102, 0x3003, 0x301E, 0x301F, 0x3102, 0x100D };
    names_of("ptyp", ptyp_name, 0, 0xFFFF);
    names_of("rop", rop_of, 0, 0xFF);
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        uint64_t sum = 0;
        unsigned count = 0;
        for (uint32_t id = 0; id <= 0xFFFF; id++) {
            const char *name = property_tag_name(id << 16 | types[t]);
            count += name != NULL;
            sum = name ? digest(sum ^ id, name) : sum;
        }
        transcript("tags of type %#x: %u %016llx", types[t], count, (unsigned long long)sum);
    }
    static const uint32_t ranges[][2] = { { 0, 0xFFFF },
                                          { 0x00040000, 0x0004FFFF },
                                          { 0x80000000, 0x8000FFFF },
                                          { 0x80030000, 0x8004FFFF },
                                          { 0x80070000, 0x8007FFFF },
                                          { 0xFFFFF000, 0xFFFFFFFE } };
    for (size_t r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++) {
        uint64_t sum = 0;
        unsigned count = 0;
        for (uint32_t code = ranges[r][0]; code <= ranges[r][1]; code++) {
            const char *name = ox_error_name(code);
            count += name != NULL;
            sum = name ? digest(sum ^ code, name) : sum;
        }
        transcript("errors from %#x: %u %016llx", ranges[r][0], count, (unsigned long long)sum);
    }
    CHECK_STR(ox_error_name(0x8004010F), "NotFound");
    CHECK_STR(property_tag_name(0x3001001F), "PidTagDisplayName");
}

/* As MS-OXPROPS 1.3.2 and MS-OXCDATA 2.2 print them, or (without hyphens) as bytes. */
static const struct {
    const char *guid, *name;
} guids[] = { { "DCA740C8C042101AB4B908002B2FE182", "NSPI" },
              { "812B1FA4BEA310199D6E00DD010F5402", "one-off" },
              { "C091ADD3519DCF11A4A900AA0047FAA4", "personal distribution list" },
              { "FE42AA0A18C71A10E8850B651C240000", "contacts" },
              { "38A1BB1005E5101AA1BB08002B2A56C2", "wrapped store" },
              { "1B55FA20AA6611CD9BC800AA002FC45A", "mailbox store" },
              { "1C830210AA6611CD9BC800AA002FC45A", "public folder store" },
              { "1A447390AA6611CD9BC800AA002FC45A", "public folders" },
              { "00020328-0000-0000-C000-000000000046", "PS_MAPI" },
              { "00020329-0000-0000-C000-000000000046", "PS_PUBLIC_STRINGS" },
              { "00020386-0000-0000-C000-000000000046", "PS_INTERNET_HEADERS" },
              { "00062002-0000-0000-C000-000000000046", "PSETID_Appointment" },
              { "00062003-0000-0000-C000-000000000046", "PSETID_Task" },
              { "00062004-0000-0000-C000-000000000046", "PSETID_Address" },
              { "00062008-0000-0000-C000-000000000046", "PSETID_Common" },
              { "0006200A-0000-0000-C000-000000000046", "PSETID_Log" },
              { "0006200E-0000-0000-C000-000000000046", "PSETID_Note" },
              { "00062040-0000-0000-C000-000000000046", "PSETID_Sharing" },
              { "00062041-0000-0000-C000-000000000046", "PSETID_PostRss" },
              { "6ED8DA90-450B-101B-98DA-00AA003F1305", "PSETID_Meeting" },
              { "11000E07-B51B-40D6-AF21-CAA85EDAB1D0", "PSETID_CalendarAssistant" } };

static void test_guids(void)
{
    static const uint8_t wire[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
    for (size_t i = 0; i < sizeof(guids) / sizeof(guids[0]); i++) {
        uint8_t guid[16], printed[16];
        size_t count = 0;
        for (const char *p = guids[i].guid; *p; p += 2) {
            unsigned byte;
            p += *p == '-';
            CHECK_INT(sscanf(p, "%2x", &byte), 1);
            printed[count++] = (uint8_t)byte;
        }
        CHECK_INT(count, 16);
        for (size_t b = 0; b < 16; b++) {
            guid[b] = strchr(guids[i].guid, '-') ? printed[wire[b]] : printed[b];
        }
        CHECK_STR(ox_guid_name(guid), guids[i].name);
        for (size_t b = 0; b < 16; b++) { /* every byte counts */
            guid[b] ^= 0x80;
            CHECK_STR(ox_guid_name(guid), NULL);
            guid[b] ^= 0x80;
        }
    }
}

/* ---- verdicts ----------------------------------------------------------------------- */

static void test_verdicts(void)
{
    for (int kind = 0; kind < VERDICT_KINDS; kind++) {
        const struct verdict_row *row = &verdict_rows[kind];
        transcript("verdict %s '%s' severity %d group %d", row->filter, row->summary, (int)row->severity,
                   (int)row->group);
        CHECK_STR(verdict_filter((enum verdict_kind)kind), row->filter);
    }
    for (int where = WHERE_NONE; where <= WHERE_UNKNOWN; where++) {
        transcript("where %d '%s'", where, verdict_where_name((enum verdict_where)where));
    }
}

int main(void)
{
    test_rpc();
    test_rts();
    test_types();
    test_many_names();
    test_guids();
    test_fields();
    test_verdicts();
    transcript_end(__FILE__);
    return unit_end();
}
