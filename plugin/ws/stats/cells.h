/* cells.h
 * Texts of the cells of tables: each is made of a member of the row, and the caller's to free.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CELLS_H
#define OUTLOOKHTTP_CELLS_H

#include "compat.h"

char *text_cell(const void *member);     /* const char * */
char *array_cell(const void *member);    /* char[] */
char *seconds_cell(const void *member);  /* int64_t, nanoseconds; negative: none */
char *peer_cell(const void *member);     /* struct endpoint */
char *time_cell(const void *member);     /* struct when */
char *frame_cell(const void *member);    /* uint32_t; 0: none */
char *verdict_cell(const void *member);  /* enum verdict_kind */
char *where_cell(const void *member);    /* struct row_verdict */
char *endpoint_cell(const void *member); /* uint8_t, of struct session_row */
char *type_cell(const void *member);     /* uint8_t, enum mapi_type */
char *code_cell(const void *member);     /* int64_t; negative: none */

#endif
