/* fuzz_work.c
 * Any bytes as one direction, in pieces of any length, to each scan: what that costs is at most so
 * much a byte. Its core is compiled to be counted (tests/lib/work.h).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#define __sanitizer_cov_trace_pc __wrap___sanitizer_cov_trace_pc /* cmake/Fuzz.cmake */
#include "work.h"

#include <assert.h>

#define BLOCKS_A_BYTE 1500u  /* as tests/unit/test_work.c */
#define BLOCKS_AT_ALL 20000u /* for the ends of a short stream */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    struct work_cuts cuts = { { data[0] }, 1u + (data[1] & 1 ? data[2] * 256u + data[3] : data[2]) };
    for (size_t i = 0; i < WORK_SCANS; i++) {
        assert(work_of(&work_scans[i], cuts, data + 4, size - 4) < BLOCKS_A_BYTE * size + BLOCKS_AT_ALL);
    }
    return 0;
}
