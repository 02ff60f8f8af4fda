/* test_emsmdb.c
 * What is known of stubs of EMSMDB without reading them: names, handles, and whether bytes
 * can be EcDoRpc. Their layouts are in ../vectors/emsmdb.txt.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "emsmdb.h"
#include "transcript.h"
#include "unit.h"

static const char *name_of(enum emsmdb_interface interface, uint16_t opnum)
{
    const char *name = emsmdb_method_name(interface, opnum);
    return name ? name : "";
}

/* MS-OXCRPC 3.1.4 and 3.3.4. */
static void test_methods(void)
{
    CHECK_STR(name_of(EMSMDB, 0), "EcDoConnect");
    CHECK_STR(name_of(EMSMDB, 9), "EcDoRpcExt");
    CHECK_STR(name_of(EMSMDB, 11), "EcDoRpcExt2");
    CHECK_STR(name_of(EMSMDB, 12), "");
    CHECK_STR(name_of(EMSMDB, 14), "EcDoAsyncConnectEx");
    CHECK_STR(name_of(EMSMDB, 0xFFFF), "");
    CHECK_STR(name_of(EMSMDB_ASYNC, 0), "EcDoAsyncWaitEx");
    CHECK_STR(name_of(EMSMDB_ASYNC, 1), "");
    CHECK(emsmdb_reads(EMSMDB, EC_DO_RPC_EXT2) && emsmdb_reads(EMSMDB_ASYNC, EC_DO_ASYNC_WAIT_EX));
    CHECK(!emsmdb_reads(EMSMDB, 9) && !emsmdb_reads(EMSMDB, 0xFFFF) && !emsmdb_reads(EMSMDB_ASYNC, 1));
}

static bool has_handle(enum emsmdb_interface interface, uint16_t opnum, bool response)
{
    return emsmdb_has_handle(&(struct emsmdb_stub){ interface, opnum, response, false });
}

static void test_handles(void)
{
    CHECK(has_handle(EMSMDB, EC_DO_RPC_EXT2, false) && has_handle(EMSMDB, EC_DO_RPC_EXT2, true));
    CHECK(!has_handle(EMSMDB, EC_DO_CONNECT_EX, false) && has_handle(EMSMDB, EC_DO_CONNECT_EX, true));
    CHECK(!has_handle(EMSMDB, EC_DO_CONNECT, false) && has_handle(EMSMDB, EC_DO_CONNECT, true));
    CHECK(has_handle(EMSMDB, EC_DO_ASYNC_CONNECT_EX, false) && !has_handle(EMSMDB, EC_DO_ASYNC_CONNECT_EX, true));
    CHECK(!has_handle(EMSMDB, EC_DUMMY_RPC, false) && !has_handle(EMSMDB, EC_DUMMY_RPC, true));
    CHECK(!has_handle(EMSMDB, 3, false) && !has_handle(EMSMDB_ASYNC, EC_DO_ASYNC_WAIT_EX, false));
}

/* Of all numbers, which have ROPs, a handle, and layouts. */
static void test_all(void)
{
    for (unsigned interface = EMSMDB; interface <= EMSMDB_ASYNC; interface++) {
        for (uint16_t opnum = 0; opnum < 20; opnum++) {
            const struct emsmdb_stub request = { (enum emsmdb_interface)interface, opnum, false, false };
            const struct emsmdb_stub response = { (enum emsmdb_interface)interface, opnum, true, false };
            CHECK(emsmdb_has_rops(&request) == (interface == EMSMDB && (opnum == 2 || opnum == 11)));
            CHECK(emsmdb_has_rops(&response) == emsmdb_has_rops(&request));
            transcript("%u.%u %s reads %d handle %d %d", interface, opnum,
                       name_of((enum emsmdb_interface)interface, opnum), emsmdb_reads(request.interface, opnum),
                       emsmdb_has_handle(&request), emsmdb_has_handle(&response));
        }
    }
}

/* Each byte of it changed, and cut: what still fits. */
static void note_fitting(const uint8_t *bytes, uint32_t len, bool is_response, bool big_endian)
{
    static const uint8_t by[] = { 1, 0xFF, 4, 0x80 };
    uint8_t copy[64];
    for (uint32_t at = 0; at < len; at++) {
        for (unsigned i = 0; i < sizeof(by); i++) {
            memcpy(copy, bytes, len);
            copy[at] = (uint8_t)(copy[at] + by[i]);
            transcript_aside("%u %u: %d", at, by[i], emsmdb_fits_rpc(copy, len, is_response, big_endian));
        }
    }
    transcript_asides("each byte");
}

/* A request of one ROP with one handle; of a response the return value stands in place of cbMax. */
static const uint8_t request[] = { 0,    0,    0,    0,    0x96, 0x57, 0x70, 0x3B, 5,    9,    0x2B, 0x45,
                                   0x8E, 0xB2, 0x2F, 0x53, 0x83, 0x13, 0x30, 0x45, 0,    2,    0,    0,
                                   0,    0,    0,    0,    9,    0,    0,    0,    0xA0, 0xA5, 0xA4, 0xA5,
                                   0xA5, 0x5A, 0x5A, 0x5A, 0x5A, 0xEE, 9,    0,    0,    2 };
static const uint8_t response[] = { 0,    0,    0,    0,    0x96, 0x57, 0x70, 0x3B, 5, 9, 0x2B, 0x45, 0x8E, 0xB2, 0x2F,
                                    0x53, 0x83, 0x13, 0x30, 0x45, 0,    0,    2,    0, 0, 0,    0,    0,    0,    0,
                                    0,    6,    0xA7, 0xA5, 0x5A, 0x5A, 0x5A, 0x5A, 0, 6, 0,    0,    0,    0 };

static bool fits_changed(unsigned at, uint8_t value)
{
    uint8_t changed[sizeof(request)];
    memcpy(changed, request, sizeof(changed));
    changed[at] = value;
    return emsmdb_fits_rpc(changed, sizeof(changed), false, false);
}

static void test_guess(void)
{
    CHECK(emsmdb_fits_rpc(request, sizeof(request), false, false));
    CHECK(emsmdb_fits_rpc(response, sizeof(response), true, true));
    CHECK(!emsmdb_fits_rpc(request, sizeof(request), false, true));
    CHECK(!emsmdb_fits_rpc(request, sizeof(request), true, false)); /* ends before a return value does */
    for (uint32_t len = 0; len < sizeof(request); len++) {
        CHECK(!emsmdb_fits_rpc(request, len, false, false));
    }
    for (uint32_t len = 0; len < sizeof(response); len++) {
        CHECK(!emsmdb_fits_rpc(response, len, true, true));
    }
    CHECK(fits_changed(0, 1));      /* any handle */
    CHECK(fits_changed(41, 0));     /* any gap */
    CHECK(!fits_changed(21, 0));    /* MaxCount below ActualCount, and not cbMax */
    CHECK(!fits_changed(21, 3));    /* MaxCount is not cbMax */
    CHECK(!fits_changed(22, 1));    /* MaxCount beyond 64 KB */
    CHECK(!fits_changed(24, 1));    /* an offset */
    CHECK(!fits_changed(28, 8));    /* ActualCount is not pcb */
    CHECK(!fits_changed(32, 0xA4)); /* RopSize 1: does not count itself */
    CHECK(!fits_changed(32, 0xA1)); /* RopSize 4: the handles are no multiple of four bytes */
    CHECK(!fits_changed(32, 0xA8)); /* RopSize 13: larger than the buffer */
    CHECK(!fits_changed(42, 8));    /* pcb is not ActualCount */
    CHECK(!fits_changed(45, 3));    /* cbMax is not MaxCount */
}

int main(void)
{
    test_methods();
    test_handles();
    test_guess();
    test_all();
    note_fitting(request, sizeof(request), false, false);
    note_fitting(response, sizeof(response), true, true);
    transcript_end(__FILE__);
    return unit_end();
}
