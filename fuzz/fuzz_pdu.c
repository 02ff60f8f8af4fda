/* fuzz_pdu.c
 * Any bytes as RPC PDUs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "pdu.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = 0;
    unsigned whole = 0;
    bool streams = pdu_starts_stream(data, size);
    while (at < size) {
        uint16_t frag_length = 0;
        unsigned bad_offset = 99;
        enum pdu_probe probe = pdu_probe(data + at, size - at, &frag_length, &bad_offset);
        if (probe == PDU_PROBE_BAD) {
            assert(bad_offset < PDU_HEADER_LEN);
            assert(bad_offset < size - at);
            assert(!streams || whole >= PDUS_LOOKED_AT);
            break;
        }
        assert(bad_offset == 99);
        if (probe == PDU_PROBE_MORE) {
            assert(size - at < PDU_HEADER_LEN);
            break;
        }
        assert(frag_length >= PDU_HEADER_LEN);
        if (size - at < PDU_HEADER_LEN) {
            break;
        }
        struct pdu_header header;
        uint32_t status;
        pdu_header_decode(data + at, &header);
        assert(header.frag_length == frag_length);
        assert(pdu_type_name(header.ptype));
        size_t len = frag_length < size - at ? frag_length : size - at;
        if (pdu_status(data + at, len, &status)) {
            assert(header.ptype == RPC_FAULT || header.ptype == RPC_BIND_NAK);
            pdu_fault_name(status);
            pdu_nak_name((uint16_t)status);
        }
        at += len;
        whole++;
    }
    return 0;
}
