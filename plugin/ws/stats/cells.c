/* cells.c
 * Texts of the cells of tables.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "cells.h"

#include "sessions.h"

/* Text for a cell; "|" would end it for those who read the table again. */
static char *cell(const char *text)
{
    char *copy = g_strdup(text && *text ? text : "-");
    for (char *p = copy; *p; p++) {
        if (*p == '|' || (unsigned char)*p < ' ')
            *p = '?';
    }
    return copy;
}

char *text_cell(const void *member)
{
    return cell(*(const char *const *)member);
}

char *array_cell(const void *member)
{
    return cell((const char *)member);
}

/* A number that a row need not have, as text: a cell of a number could not be left empty. The GUI sorts text by its
 * characters, so it is as wide as the others of its column, and "-" comes before all of them. */
#define NUMBER_WIDTH 10
static char *number_cell(const char *number)
{
    return g_strdup_printf("%*s", NUMBER_WIDTH, number ? number : "-");
}

char *seconds_cell(const void *member)
{
    char text[32];
    const int64_t ns = *(const int64_t *)member;
    snprintf(text, sizeof text, "%.3f", (double)ns / 1e9);
    return number_cell(ns < 0 ? NULL : text);
}

char *peer_cell(const void *member)
{
    const struct endpoint *endpoint = member;
    char text[ENDPOINT_TEXT_MAX] = "";
    if (endpoint->family)
        endpoint_format(endpoint, text);
    return cell(text);
}

char *time_cell(const void *member)
{
    const struct when *when = member;
    GDateTime *moment = when->frame ? g_date_time_new_from_unix_utc(when->ns / 1000000000) : NULL;
    if (!moment)
        return cell(NULL);
    char *whole = g_date_time_format(moment, "%Y-%m-%dT%H:%M:%S");
    char *text = g_strdup_printf("%s.%03dZ", whole, (int)(when->ns % 1000000000 / 1000000));
    g_free(whole);
    g_date_time_unref(moment);
    return text;
}

char *frame_cell(const void *member)
{
    char text[16];
    const uint32_t frame = *(const uint32_t *)member;
    snprintf(text, sizeof text, "%u", frame);
    return number_cell(frame ? text : NULL);
}

char *verdict_cell(const void *member)
{
    const enum verdict_kind kind = *(const enum verdict_kind *)member;
    return cell(kind == VERDICT_KINDS ? NULL : verdict_filter(kind));
}

char *where_cell(const void *member)
{
    const struct row_verdict *verdict = member;
    if (verdict->where != WHERE_NONE && verdict->where != WHERE_UNKNOWN)
        return g_strdup_printf("%s (%s)", verdict_where_name(verdict->where), verdict->seen ? "seen" : "inferred");
    if (verdict->cannot_tell)
        return g_strdup_printf("CANNOT TELL: %s", verdict->cannot_tell);
    return cell(verdict_where_name(verdict->where));
}

char *endpoint_cell(const void *member)
{
    static const char *const names[] = { "", "emsmdb", "nspi" };
    const uint8_t endpoint = *(const uint8_t *)member;
    return cell(endpoint < G_N_ELEMENTS(names) ? names[endpoint] : NULL);
}

char *type_cell(const void *member)
{
    return cell(mapi_type_name(*(const uint8_t *)member));
}

char *code_cell(const void *member)
{
    char text[16];
    const int64_t code = *(const int64_t *)member;
    snprintf(text, sizeof text, "%u", (uint32_t)code);
    return number_cell(code < 0 ? NULL : text);
}
