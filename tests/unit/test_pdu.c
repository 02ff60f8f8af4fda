/* test_pdu.c
 * The RPC header, C706 12.6.1.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "pdu.h"
#include "transcript.h"
#include "unit.h"

/* A request of 24 bytes, call 7, little-endian. */
static const uint8_t request[24] = { 5, 0, 0, 3, 0x10, 0, 0, 0, 24, 0, 0, 0, 7, 0, 0, 0, 4, 0, 0, 0, 0, 0, 1, 0 };

static enum pdu_probe probe_with(size_t offset, uint8_t byte, unsigned *bad_offset)
{
    uint8_t p[24];
    uint16_t frag_length;
    memcpy(p, request, sizeof(p));
    p[offset] = byte;
    return pdu_probe(p, sizeof(p), &frag_length, bad_offset);
}

static void test_probe_lengths(void)
{
    for (size_t len = 1; len <= sizeof(request); len++) {
        uint16_t frag_length = 0;
        unsigned bad_offset = 99;
        enum pdu_probe probe = pdu_probe(request, len, &frag_length, &bad_offset);
        CHECK_INT(probe, len < 10 ? PDU_PROBE_MORE : PDU_PROBE_OK);
        CHECK_INT(frag_length, len < 10 ? 0 : 24);
        CHECK_INT(bad_offset, 99);
    }
}

static void test_probe_bytes(void)
{
    static const struct {
        size_t offset;
        uint8_t byte;
        bool good;
    } cases[] = { { 0, 4, false },    { 0, 0, false },   { 1, 1, true },    { 1, 2, false },    { 2, 2, true },
                  { 2, 3, true },     { 2, 11, true },   { 2, 12, true },   { 2, 13, true },    { 2, 14, true },
                  { 2, 15, true },    { 2, 16, true },   { 2, 17, true },   { 2, 18, true },    { 2, 19, true },
                  { 2, 20, true },    { 2, 1, false },   { 2, 4, false },   { 2, 10, false },   { 2, 21, false },
                  { 2, 255, false },  { 3, 0xFF, true }, { 4, 0x11, true }, { 4, 0x20, false }, { 4, 0x12, false },
                  { 4, 0xFF, false }, { 5, 3, true },    { 5, 4, false } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned bad_offset = 99;
        enum pdu_probe probe = probe_with(cases[i].offset, cases[i].byte, &bad_offset);
        CHECK_INT(probe, cases[i].good ? PDU_PROBE_OK : PDU_PROBE_BAD);
        CHECK_INT(bad_offset, cases[i].good ? 99 : cases[i].offset);
    }
}

static void test_probe_frag_length(void)
{
    unsigned bad_offset = 99;
    CHECK_INT(probe_with(8, 0, &bad_offset), PDU_PROBE_BAD);
    CHECK_INT(bad_offset, 8);
    bad_offset = 99;
    CHECK_INT(probe_with(8, 15, &bad_offset), PDU_PROBE_BAD);
    CHECK_INT(bad_offset, 8);
    CHECK_INT(probe_with(8, 16, &bad_offset), PDU_PROBE_OK);

    uint8_t big[16] = { 5, 0, 20, 3, 0, 0, 0, 0, 0x12, 0x34 };
    uint16_t frag_length = 0;
    CHECK_INT(pdu_probe(big, sizeof(big), &frag_length, &bad_offset), PDU_PROBE_OK);
    CHECK_INT(frag_length, 0x1234);
    big[8] = big[9] = 0xFF;
    CHECK_INT(pdu_probe(big, sizeof(big), &frag_length, &bad_offset), PDU_PROBE_OK);
    CHECK_INT(frag_length, 65535);
}

static void test_header(void)
{
    struct pdu_header header;
    static const uint8_t big[16] = { 5, 1, 3, 0x23, 0x01, 2, 0, 0, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08 };
    pdu_header_decode(request, &header);
    CHECK_INT(header.rpc_vers, 5);
    CHECK_INT(header.rpc_vers_minor, 0);
    CHECK_INT(header.ptype, RPC_REQUEST);
    CHECK_INT(header.pfc_flags, 3);
    CHECK_INT(header.frag_length, 24);
    CHECK_INT(header.auth_length, 0);
    CHECK_INT(header.call_id, 7);
    CHECK(header.little_endian);
    CHECK(memcmp(header.drep, request + 4, 4) == 0);
    pdu_header_decode(big, &header);
    CHECK(!header.little_endian);
    CHECK_INT(header.rpc_vers_minor, 1);
    CHECK_INT(header.pfc_flags, 0x23);
    CHECK_INT(header.frag_length, 0x0102);
    CHECK_INT(header.auth_length, 0x0304);
    CHECK_INT(header.call_id, 0x05060708);
}

/* A bind of two contexts, the first with two transfer syntaxes; cut where it may be cut. */
static void test_call(void)
{
    static const uint8_t bind[116] = {
        5,          0,    11,   3,    0x10, 0,    0,        0,    116,  0,    0,    0,    2,    0,
        0,          0,    0xF8, 0x0F, 0xF8, 0x0F, 0,        0,    0,    0,    2,    0,    0,    0,
        /* 28 */ 3, 0,    2,    0,    0x4A, 0x57, 0x61,     0x52, 0x72, 0x45, 0x6E, 0x20, 0xB2, 0x68,
        0x6B,       0x19, 0x92, 0x13, 0xB4, 0xE4, [92] = 4, 0,    0,    0,    0xDD, 0x65, 0xE2, 0x44,
        0xAF,       0x7D, 0xCD, 0x42, 0x85, 0x60, 0x3C,     0xDB, 0x6E, 0x7A, 0x27, 0x29
    };
    static const uint8_t call[24] = { 5, 0, 0, 3, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 4, 0, 8 };
    struct pdu_header header;
    pdu_header_decode(bind, &header);
    pdu_call_decode(bind, sizeof(bind), &header);
    CHECK_INT(header.call.bound_count, 2);
    CHECK_INT(header.call.bound[0].context, 3);
    CHECK_INT(header.call.bound[0].interface, RPC_ASYNC_EMSMDB);
    CHECK_INT(header.call.bound[1].context, 4);
    CHECK_INT(header.call.bound[1].interface, RPC_TSGU);
    for (size_t len = 0; len <= sizeof(bind); len++) {
        pdu_header_decode(bind, &header);
        pdu_call_decode(bind, len, &header);
        CHECK_INT(header.call.bound_count, len == sizeof(bind) ? 2 : len >= 52 ? 1 : 0);
    }
    pdu_header_decode(call, &header);
    pdu_call_decode(call, sizeof(call), &header);
    CHECK_INT(header.call.context, 4);
    CHECK_INT(header.call.opnum, 8);
    CHECK(rpc_call_waits(RPC_TSGU, 8) && rpc_call_waits(RPC_TSGU, 3) && !rpc_call_waits(RPC_TSGU, 1));
    CHECK(rpc_call_waits(RPC_TSGU, 2) && !rpc_call_waits(RPC_TSGU, 4) && !rpc_call_waits(RPC_TSGU, 9));
    CHECK(rpc_call_waits(RPC_ASYNC_EMSMDB, 0) && !rpc_call_waits(RPC_ASYNC_EMSMDB, 1));
    CHECK(!rpc_call_waits(RPC_EMSMDB, 0) && rpc_call_waits(RPC_INTERFACE_UNKNOWN, 5));
}

static void test_starts_stream(void)
{
    uint8_t p[60];
    memcpy(p, request, 24);
    memcpy(p + 24, request, 24);
    memcpy(p + 48, request, 12);
    CHECK(pdu_starts_stream(p, 24));
    CHECK(!pdu_starts_stream(p, 23));
    CHECK(!pdu_starts_stream(p, 9));
    CHECK(!pdu_starts_stream(p, 0));
    CHECK(pdu_starts_stream(p, 25));
    CHECK(pdu_starts_stream(p, 48));
    CHECK(pdu_starts_stream(p, 60));
    p[48] = 6;
    CHECK(!pdu_starts_stream(p, 60));
    CHECK(pdu_starts_stream(p, 48));
    p[26] = 99;
    CHECK(!pdu_starts_stream(p, 48));
    p[0] = 'H';
    CHECK(!pdu_starts_stream(p, 24));
}

static void test_status(void)
{
    uint8_t fault[32] = { 5,  0, 3, 3, 0x10, 0, 0, 0, 32,   0,    0,    0,    1, 0, 0, 0,
                          32, 0, 0, 0, 0,    0, 0, 0, 0x03, 0x00, 0x01, 0x1C, 0, 0, 0, 0 };
    uint8_t nak[18] = { 5, 0, 13, 3, 0x10, 0, 0, 0, 18, 0, 0, 0, 1, 0, 0, 0, 4, 0 };
    uint32_t status = 0;
    CHECK(pdu_status(fault, sizeof(fault), &status));
    CHECK_INT(status, 0x1C010003);
    CHECK(pdu_status(fault, 28, &status));
    status = 77;
    CHECK(!pdu_status(fault, 27, &status));
    CHECK(!pdu_status(fault, 4, &status));
    CHECK_INT(status, 77);
    fault[4] = 0;
    CHECK(pdu_status(fault, sizeof(fault), &status));
    CHECK_INT(status, 0x0300011C);
    CHECK(pdu_status(nak, sizeof(nak), &status));
    CHECK_INT(status, 4);
    CHECK(!pdu_status(nak, 17, &status));
    nak[4] = 0;
    CHECK(pdu_status(nak, sizeof(nak), &status));
    CHECK_INT(status, 0x0400);
    CHECK(!pdu_status(request, sizeof(request), &status));
}

static void test_names(void)
{
    CHECK_STR(pdu_type_name(0), "request");
    CHECK_STR(pdu_type_name(12), "bind_ack");
    CHECK_STR(pdu_type_name(16), "auth3");
    CHECK_STR(pdu_type_name(20), "rts");
    CHECK_STR(pdu_type_name(1), NULL);
    CHECK_STR(pdu_fault_name(0x1C010003), "nca_s_unk_if");
    CHECK_STR(pdu_fault_name(0x1C010002), "nca_s_op_rng_error");
    CHECK_STR(pdu_fault_name(5), "ERROR_ACCESS_DENIED");
    CHECK_STR(pdu_fault_name(0x6BA), "RPC_S_SERVER_UNAVAILABLE");
    CHECK_STR(pdu_fault_name(0x6F7), "RPC_X_BAD_STUB_DATA");
    CHECK_STR(pdu_fault_name(1710), "RPC_S_OBJECT_NOT_FOUND");
    CHECK_STR(pdu_fault_name(1914), "RPC_S_INVALID_ASYNC_HANDLE");
    CHECK_STR(pdu_fault_name(0), NULL);
    CHECK_STR(pdu_nak_name(0), "reason_not_specified");
    CHECK_STR(pdu_nak_name(4), "protocol_version_not_supported");
    CHECK_STR(pdu_nak_name(8), "authentication_type_not_recognized");
    CHECK_STR(pdu_nak_name(9), "invalid_checksum");
    CHECK_STR(pdu_nak_name(10), NULL);
}

/* All that is read of a PDU of which so many bytes are there; what stands behind them is none of it. */
static void note_pdu(const uint8_t *pdu, size_t len)
{
    static uint8_t copy[256];
    struct pdu_header header;
    uint16_t frag_length = 0;
    unsigned bad = 0;
    uint32_t status = 0;
    memset(copy, 0xEE, sizeof(copy));
    memcpy(copy, pdu, len);
    memset(&header, 0, sizeof(header));
    const int probe = len > 0 ? (int)pdu_probe(copy, len, &frag_length, &bad) : -1;
    if (len >= PDU_HEADER_LEN) {
        pdu_header_decode(copy, &header);
        pdu_call_decode(copy, len, &header);
    }
    const bool has_status = pdu_status(copy, len, &status);
    transcript_aside("%u: %d %u %u type %u flags %u %u %u id %u little %d status %d %x starts %d", (unsigned)len, probe,
                     frag_length, bad, header.ptype, header.pfc_flags, header.frag_length, header.auth_length,
                     header.call_id, header.little_endian, has_status, status, pdu_starts_stream(copy, len));
    transcript_aside("    context %u opnum %u bound %u: %u %u, %u %u, %u %u, %u %u", header.call.context,
                     header.call.opnum, header.call.bound_count, header.call.bound[0].context,
                     header.call.bound[0].interface, header.call.bound[1].context, header.call.bound[1].interface,
                     header.call.bound[2].context, header.call.bound[2].interface, header.call.bound[3].context,
                     header.call.bound[3].interface);
}

/* A bind of the known interfaces, one an element, with the transfer syntaxes so many; in that byte order. */
static size_t bind_of(uint8_t *to, bool little, unsigned contexts, unsigned syntaxes)
{
    static const uint8_t uuids[5][16] = {
        { 0x00, 0xDB, 0xF1, 0xA4, 0x47, 0xCA, 0x67, 0x10, 0xB3, 0x1F, 0x00, 0xDD, 0x01, 0x06, 0x62, 0xDA },
        { 0x4A, 0x57, 0x61, 0x52, 0x72, 0x45, 0x6E, 0x20, 0xB2, 0x68, 0x6B, 0x19, 0x92, 0x13, 0xB4, 0xE4 },
        { 0x18, 0x5A, 0xCC, 0xF5, 0x64, 0x42, 0x1A, 0x10, 0x8C, 0x59, 0x08, 0x00, 0x2B, 0x2F, 0x84, 0x26 },
        { 0xE0, 0xF5, 0x44, 0x15, 0x3C, 0x61, 0xD1, 0x11, 0x93, 0xDF, 0x00, 0xC0, 0x4F, 0xD7, 0xBD, 0x09 },
        { 0xDD, 0x65, 0xE2, 0x44, 0xAF, 0x7D, 0xCD, 0x42, 0x85, 0x60, 0x3C, 0xDB, 0x6E, 0x7A, 0x27, 0x29 },
    };
    static const uint8_t swapped[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
    static const uint8_t header[24] = { 5, 0, 11, 3, 0,    0,    0,    0,    0, 0, 0, 0,
                                        0, 0, 0,  0, 0x10, 0xB8, 0x10, 0xB8, 0, 0, 0, 0 };
    memcpy(to, header, sizeof(header));
    to[4] = little ? 0x10 : 0;
    size_t len = sizeof(header);
    to[len++] = (uint8_t)contexts;
    to[len++] = 0, to[len++] = 0, to[len++] = 0;
    for (unsigned i = 0; i < contexts; i++) {
        to[len++] = little ? (uint8_t)i : 0;
        to[len++] = little ? 0 : (uint8_t)i;
        to[len++] = (uint8_t)syntaxes;
        to[len++] = 0;
        for (unsigned at = 0; at < 16; at++) {
            to[len++] = uuids[i % 5][little ? at : swapped[at]];
        }
        memset(to + len, 0, 4 + 20 * (size_t)syntaxes);
        len += 4 + 20 * (size_t)syntaxes;
    }
    to[little ? 8 : 9] = (uint8_t)len;
    to[little ? 9 : 8] = (uint8_t)(len >> 8);
    return len;
}

static void note_each_byte(const uint8_t *pdu, size_t len, const char *what)
{
    static const uint8_t by[] = { 1, 0xFF, 0x10 };
    uint8_t changed[256];
    note_pdu(pdu, len);
    for (size_t at = 0; at < len; at++) {
        note_pdu(pdu, at);
        for (unsigned i = 0; i < sizeof(by); i++) {
            memcpy(changed, pdu, len);
            changed[at] = (uint8_t)(changed[at] + by[i]);
            note_pdu(changed, len);
        }
    }
    transcript_asides(what);
}

static void test_each_byte(void)
{
    static const uint8_t fault[32] = { 5,  0, 3, 3, 0x10, 0, 0, 0, 32,   0,    0,    0,    1, 0, 0, 0,
                                       32, 0, 0, 0, 0,    0, 0, 0, 0x03, 0x00, 0x01, 0x1C, 0, 0, 0, 0 };
    static const uint8_t nak[18] = { 5, 0, 13, 3, 0x10, 0, 0, 0, 18, 0, 0, 0, 1, 0, 0, 0, 4, 0 };
    uint8_t pdu[256];
    note_each_byte(request, sizeof(request), "request");
    note_each_byte(fault, sizeof(fault), "fault");
    note_each_byte(nak, sizeof(nak), "bind_nak");
    for (unsigned little = 0; little < 2; little++) {
        note_each_byte(pdu, bind_of(pdu, little, 2, 1), "bind of two");
        note_each_byte(pdu, bind_of(pdu, little, 1, 2), "bind with two syntaxes");
        note_each_byte(pdu, bind_of(pdu, little, 5, 0), "bind of five");
    }
}

static void test_all_names(void)
{
    for (unsigned type = 0; type < 256; type++) {
        transcript_aside("%s", pdu_type_name((uint8_t)type) ? pdu_type_name((uint8_t)type) : "-");
    }
    for (uint32_t status = 0; status < 0x10000; status++) {
        static const uint32_t bases[] = { 0, 0x1C000000, 0x1C010000, 0x80070000 };
        for (unsigned i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
            const char *name = pdu_fault_name(bases[i] + status);
            if (name) {
                transcript_aside("%x %s", bases[i] + status, name);
            }
        }
        if (pdu_nak_name((uint16_t)status)) {
            transcript_aside("%u %s", status, pdu_nak_name((uint16_t)status));
        }
    }
    transcript_asides("names");
    for (unsigned interface = 0; interface <= RPC_TSGU; interface++) {
        for (uint16_t opnum = 0; opnum < 16; opnum++) {
            transcript_aside("%u %u %d", interface, opnum, rpc_call_waits((enum rpc_interface)interface, opnum));
        }
    }
    transcript_asides("calls that wait");
}

int main(void)
{
    test_probe_lengths();
    test_probe_bytes();
    test_probe_frag_length();
    test_header();
    test_call();
    test_starts_stream();
    test_status();
    test_names();
    test_each_byte();
    test_all_names();
    transcript_end(__FILE__);
    return unit_end();
}
