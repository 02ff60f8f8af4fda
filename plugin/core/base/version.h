/* version.h
 * Versions of programs: four numbers, the first the most significant.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_VERSION_H
#define OUTLOOKHTTP_VERSION_H

#include "bytes.h"

/* In one number, so that a later version is a greater number; 0: not known. */
#define PROGRAM_VERSION(major, minor, build, revision) \
    ((uint64_t)(major) << 48 | (uint64_t)(minor) << 32 | (uint64_t)(build) << 16 | (uint64_t)(revision))

/* "16.0.15928.20006" at the beginning of text, with leading zeros or not: two to four numbers, what is not there is 0.
 * 0 for anything else. */
uint64_t version_read(struct span text);

#define VERSION_TEXT_MAX 24
/* "16.0.15928.20006", "" if it is not known. */
const char *version_text(char to[VERSION_TEXT_MAX], uint64_t version);

#endif
