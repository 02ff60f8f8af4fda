/* unit.h
 * The smallest test harness: CHECK counts, unit_end() tells.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_UNIT_H
#define OUTLOOKHTTP_UNIT_H

#include <stdio.h>
#include <string.h>

static unsigned unit_passed, unit_failed;

static inline void unit_check(int good, const char *file, int line, const char *what)
{
    if (good) {
        unit_passed++;
    } else {
        unit_failed++;
        fprintf(stderr, "%s:%d: %s\n", file, line, what);
    }
}

static inline void unit_check_int(long long got, long long expected, const char *file, int line, const char *what)
{
    unit_check(got == expected, file, line, what);
    if (got != expected) {
        fprintf(stderr, "    got %lld, expected %lld\n", got, expected);
    }
}

static inline void unit_check_str(const char *got, const char *expected, const char *file, int line, const char *what)
{
    int good = got && expected ? strcmp(got, expected) == 0 : got == expected;
    unit_check(good, file, line, what);
    if (!good) {
        fprintf(stderr, "    got \"%s\", expected \"%s\"\n", got ? got : "(null)", expected ? expected : "(null)");
    }
}

#define CHECK(condition) unit_check(!!(condition), __FILE__, __LINE__, #condition)
#define CHECK_INT(got, expected) unit_check_int((long long)(got), (long long)(expected), __FILE__, __LINE__, #got)
#define CHECK_STR(got, expected) unit_check_str(got, expected, __FILE__, __LINE__, #got)

/* The exit status of a test program: 0 if something was checked and nothing failed. */
static inline int unit_end(void)
{
    printf("%u passed, %u failed\n", unit_passed, unit_failed);
    return unit_failed || !unit_passed;
}

#endif
