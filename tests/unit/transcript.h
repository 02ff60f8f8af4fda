/* transcript.h
 * Everything a test program saw, line by line, compared with the file of the same name in
 * transcripts/: what no CHECK asks for must not change either. A difference that is meant
 * is written with UNIT_TRANSCRIPT=write in the environment, and read before it is committed.
 * Of what is too long to be read (inputs damaged at every place) it keeps a digest; with
 * UNIT_TRANSCRIPT=show the lines behind the digests go to standard output, to be compared.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_TRANSCRIPT_H
#define OUTLOOKHTTP_TRANSCRIPT_H

#include "unit.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define TRANSCRIPT_LINE 4096

static char *transcript_text;
static size_t transcript_len, transcript_room;
static bool transcript_off;      /* for what repeats itself thousands of times */
static bool transcript_folding;
static uint64_t transcript_digest;
static unsigned transcript_folded;

/* A line, without its end. */
#if defined(__GNUC__) && !defined(__MINGW32__)    /* whose printf() knows fewer letters */
__attribute__((format(printf, 1, 2)))
#endif
static inline void transcript(const char *format, ...)
{
    char line[TRANSCRIPT_LINE];
    va_list args;
    if (transcript_off) {
        return;
    }
    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (len < 0 || len >= (int)sizeof(line)) {
        abort();
    }
    if (transcript_len + (size_t)len + 2 > transcript_room) {
        transcript_room = 2 * transcript_room + sizeof(line);
        transcript_text = realloc(transcript_text, transcript_room);
        if (!transcript_text) {
            abort();
        }
    }
    if (transcript_folding) {
        const char *mode = getenv("UNIT_TRANSCRIPT");
        for (int i = 0; i <= len; i++) {         /* FNV-1a */
            transcript_digest = (transcript_digest ^ (unsigned char)line[i]) * UINT64_C(0x100000001B3);
        }
        transcript_folded++;
        if (mode && strcmp(mode, "show") == 0) {
            puts(line);
        }
        return;
    }
    for (int i = 0; i < len; i++) {      /* one line stays one, and a file of text */
        bool control = (unsigned char)line[i] < 0x20 || line[i] == 0x7F;
        transcript_text[transcript_len++] = control ? '?' : line[i];
    }
    transcript_text[transcript_len++] = '\n';
    transcript_text[transcript_len] = '\0';
}

/* The lines up to transcript_unfold() become one. */
static inline void transcript_fold(void)
{
    transcript_folding = true;
    transcript_digest = UINT64_C(0xCBF29CE484222325);
    transcript_folded = 0;
}

static inline void transcript_unfold(const char *what)
{
    transcript_folding = false;
    transcript("%s: %u lines %016llx", what, transcript_folded, (unsigned long long)transcript_digest);
}

static inline void transcript_path(const char *source, char *path, size_t size)
{
    const char *name = source;
    for (const char *p = source; *p; p++) {
        if (*p == '/' || *p == '\\') {
            name = p + 1;
        }
    }
    int stem = (int)(strrchr(name, '.') - name);
    snprintf(path, size, "%.*stranscripts/%.*s.txt", (int)(name - source), source, stem, name);
}

/* Compares; source is the __FILE__ of the program. */
static inline void transcript_end(const char *source)
{
    char path[1024], line[TRANSCRIPT_LINE + 2];
    const char *mode = getenv("UNIT_TRANSCRIPT"), *at = transcript_text ? transcript_text : "";
    transcript_path(source, path, sizeof(path));
    bool writing = mode && strcmp(mode, "write") == 0;
    FILE *file = fopen(path, writing ? "w" : "r");
    CHECK(file != NULL);
    if (!file) {
        fprintf(stderr, "    %s\n", path);
    } else if (writing) {
        CHECK(fputs(at, file) >= 0);
    } else {
        unsigned number = 0;
        bool same = true;
        while (same && fgets(line, sizeof(line), file)) {
            size_t len = strlen(line);
            number++;
            same = strncmp(at, line, len) == 0;
            if (same) {
                at += len;
            }
        }
        same = same && !*at;
        CHECK(same);
        if (!same) {
            fprintf(stderr, "%s:%u: is now\n%.*s\n", path, number, (int)strcspn(at, "\n"), at);
        }
    }
    if (file) {
        fclose(file);
    }
    free(transcript_text);
    transcript_text = NULL;
    transcript_len = transcript_room = 0;
}

#endif
