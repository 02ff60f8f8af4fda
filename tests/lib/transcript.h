/* transcript.h
 * A record of what the code does: a test program writes down line by line what it saw, and the
 * lines are compared with those of its last run that somebody looked at, in the file of the
 * same name in transcripts/. That proves that a change of the code changed nothing. It does not
 * prove that what is recorded is right: nobody worked it out by hand. What has to be so is
 * asked for with CHECK, and bytes whose meaning the specification gives stand in tests/vectors.
 *
 * Where a change is meant:
 *
 *     UNIT_TRANSCRIPT=write build/tests/test_mapi
 *     git diff tests/unit/transcripts
 *
 * and each line of that difference has to be one that was meant; the commit says which.
 * Of what is too long to be read there is only a digest. To see what stands behind it:
 *
 *     UNIT_TRANSCRIPT=show build/tests/test_mapi > after.txt
 *
 * and the same of the code before the change, compared with diff.
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
#include <string.h>

#define TRANSCRIPT_LINE 4096

static char *transcript_text;
static size_t transcript_len, transcript_room;
static bool transcript_off; /* for what repeats itself thousands of times */

/* Lines of which there is only a digest. */
struct transcript_fold {
    bool open;
    uint64_t digest;
    unsigned count;
};

#define TRANSCRIPT_EMPTY UINT64_C(0xCBF29CE484222325)

static struct transcript_fold transcript_folded = { false, TRANSCRIPT_EMPTY, 0 };      /* all that comes now */
static struct transcript_fold transcript_aside_lines = { false, TRANSCRIPT_EMPTY, 0 }; /* by transcript_aside() */

static inline void transcript_digest(struct transcript_fold *fold, const char *line)
{
    const char *mode = getenv("UNIT_TRANSCRIPT"), *p = line;
    fold->count++;
    do { /* FNV-1a */
        fold->digest = (fold->digest ^ (unsigned char)*p) * UINT64_C(0x100000001B3);
    } while (*p++);
    if (mode && strcmp(mode, "show") == 0) {
        puts(line);
    }
}

static inline void transcript_put(struct transcript_fold *fold, const char *format, va_list args)
{
    char line[TRANSCRIPT_LINE];
    if (transcript_off) {
        return;
    }
    int len = vsnprintf(line, sizeof(line), format, args);
    if (len < 0 || len >= (int)sizeof(line)) {
        abort();
    }
    if (transcript_folded.open || fold) {
        transcript_digest(transcript_folded.open ? &transcript_folded : fold, line);
        return;
    }
    if (transcript_len + (size_t)len + 2 > transcript_room) {
        transcript_room = 2 * transcript_room + sizeof(line);
        transcript_text = realloc(transcript_text, transcript_room);
        if (!transcript_text) {
            abort();
        }
    }
    for (int i = 0; i < len; i++) { /* one line stays one, and a file of text */
        bool control = (unsigned char)line[i] < 0x20 || line[i] == 0x7F;
        transcript_text[transcript_len++] = control ? '?' : line[i];
    }
    transcript_text[transcript_len++] = '\n';
    transcript_text[transcript_len] = '\0';
}

#if defined(__GNUC__) && !defined(__MINGW32__) /* whose printf() knows fewer letters */
#define TRANSCRIPT_FORMAT __attribute__((format(printf, 1, 2)))
#else
#define TRANSCRIPT_FORMAT
#endif

/* A line, without its end. */
TRANSCRIPT_FORMAT static inline void transcript(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    transcript_put(NULL, format, args);
    va_end(args);
}

/* Each line of a text. */
static inline void transcript_lines(const char *text)
{
    while (*text) {
        const size_t line = strcspn(text, "\n"), len = line < TRANSCRIPT_LINE - 1 ? line : TRANSCRIPT_LINE - 1;
        transcript("%.*s", (int)len, text);
        text += len == line && text[line] ? len + 1 : len;
    }
}

/* A line of which transcript_asides() writes a digest, though others stand between. */
TRANSCRIPT_FORMAT static inline void transcript_aside(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    transcript_put(&transcript_aside_lines, format, args);
    va_end(args);
}

static inline void transcript_end_fold(struct transcript_fold *fold, const char *what)
{
    struct transcript_fold done = *fold;
    *fold = (struct transcript_fold){ false, TRANSCRIPT_EMPTY, 0 };
    transcript("%s: %u lines %016llx", what, done.count, (unsigned long long)done.digest);
}

static inline void transcript_asides(const char *what)
{
    if (transcript_aside_lines.count) {
        transcript_end_fold(&transcript_aside_lines, what);
    }
}

/* The lines up to transcript_unfold() become one. */
static inline void transcript_fold(void)
{
    transcript_folded.open = true;
}

static inline void transcript_unfold(const char *what)
{
    transcript_end_fold(&transcript_folded, what);
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
