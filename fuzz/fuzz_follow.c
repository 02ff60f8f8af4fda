/* fuzz_follow.c
 * Any bytes as one direction of an HTTP connection, in runs of any length: what is not used
 * is shown again, nothing is used twice, and body bytes lie inside what was given.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#undef NDEBUG
#include "follow.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct follow follow;
    struct follow_event event;
    memset(&follow, 0, sizeof(follow));
    if (size < 2) {
        return 0;
    }
    const size_t step = 1 + data[0];
    const bool answers_head = data[1] & 1;
    const uint8_t *p = data + 2;
    const size_t len = size - 2;
    size_t given = 0, used = 0;
    while (given < len) {
        given = given + step < len ? given + step : len;
        unsigned idle = 0;
        for (;;) {
            size_t took = http_follow(&follow, answers_head, p + used, given - used, &event);
            assert(took <= given - used);
            if (event.what == FOLLOW_DATA) {
                assert(event.data.len > 0 && event.data.ptr >= p + used &&
                       event.data.ptr + event.data.len <= p + used + took);
            } else if (event.what == FOLLOW_HEAD) {
                assert(took == event.head.length);
            }
            used += took;
            bool until_close;
            bool inside = http_follow_inside(&follow, &until_close);
            if (event.what == FOLLOW_LOST) {
                assert(used == given && !inside);
                break;
            }
            if (event.what == FOLLOW_MORE) {
                assert(inside || used == given || took == 0);
                break;
            }
            idle = took == 0 ? idle + 1 : 0;
            assert(idle < 3);
        }
    }
    return 0;
}
