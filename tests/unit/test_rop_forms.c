/* test_rop_forms.c
 * Every form of every ROP, and the examples of specifications: tests/rops has their bytes and the numbers that stand in
 * them, which are looked for in what is shown. What else is shown, of each of them cut and with bytes changed, goes into the
 * transcript.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "roptalk.h"

#include <ctype.h>

#define LINE_MAX_ 8192
#define HANDLES "11 22 " NO
#define OPENED "11 22 33"

/* ---- files ---- */

static FILE *open_beside(const char *name)
{
    char path[1024];
    const char *end = __FILE__;
    for (const char *p = __FILE__; *p; p++) {
        end = *p == '/' || *p == '\\' ? p : end;
    }
    snprintf(path, sizeof(path), "%.*s/../rops/%s", (int)(end - __FILE__), __FILE__, name);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    return file;
}

/* ---- what is known before ---- */

/* A message 22 with the recipient columns of the files, and the columns of a table set on it. */
static void context(void)
{
    play_begin();
    struct play_message *request = ask(1, OPEN_MESSAGE("00", "01"), "11 " NO);
    answer(2, request, "03 01" OK "00 00 00 0000 0200 0300FE3F 1E000039 00", "11 22");
    request = ask(3, "12 00 01 00 0500 14004867 1F003700 0300080E 4000060E 0201FF0F", "11 22");
    answer(4, request, "12 01" OK "00", "11 22");
}

/* ---- what stands in it ---- */

/* "OpenModeFlags" as "open_mode_flags". */
static void snake_of(const char *name, size_t len, char to[100])
{
    size_t used = 0;
    for (size_t i = 0; i < len && used < 90; i++) {
        const bool upper = isupper((unsigned char)name[i]) != 0;
        const bool starts =
            i > 0 && upper && (!isupper((unsigned char)name[i - 1]) || islower((unsigned char)name[i + 1]));
        if (starts) {
            to[used++] = '_';
        }
        to[used++] = (char)tolower((unsigned char)name[i]);
    }
    to[used] = '\0';
}

/* Whether a line says that, whatever stands before the name. */
static bool shows(const char *text, const char *name, long long number)
{
    char line[160];
    for (int unsign = 0; unsign < 2; unsign++) {
        snprintf(line, sizeof(line), "%s=%lld\n", name, unsign ? (long long)(uint32_t)number : number);
        for (const char *at = strstr(text, line); at; at = strstr(at + 1, line)) {
            if (at == text || at[-1] == '\n' || at[-1] == '.') {
                return true;
            }
        }
    }
    return false;
}

static unsigned facts_found;

static void check_facts(const struct play_message *one, const char *title, const char *facts)
{
    const char *text = play_shown(one, false);
    while (*facts) {
        const size_t len = strcspn(facts, " ;\n");
        const char *equals = memchr(facts, '=', len);
        /* What stands in a list is not named by its place alone. */
        if (equals && equals > facts && !memchr(facts, '[', (size_t)(equals - facts))) {
            char name[100];
            char *end;
            snake_of(facts, (size_t)(equals - facts), name);
            const long long number = strtoll(equals + 1, &end, 0);
            if (end > equals + 1 && (*end == '\0' || *end == '\n' || *end == ' ' || *end == ';' || *end == '(')) {
                const bool found = shows(text, strcmp(name, "rop_id") == 0 ? "id" : name, number);
                CHECK(found);
                facts_found += found;
                if (!found) {
                    fprintf(stderr, "    %s: %.*s\n", title, (int)len, facts);
                }
            }
        }
        facts += len;
        facts += strspn(facts, " ;\n");
    }
}

/* ---- the same, damaged ---- */

static uint64_t digest_of(uint64_t digest, const char *text)
{
    for (; *text; text++) {
        digest = (digest ^ (unsigned char)*text) * UINT64_C(0x100000001B3);
    }
    return digest;
}

static uint64_t shown_of(const struct play_message *one, const uint8_t *bytes, uint32_t len, uint64_t digest)
{
    struct rop_host host;
    struct property_names names;
    rop_message_replay(one->message, &host, &names);
    roplog_begin(&play.log, false);
    roplog_read(&play.log, bytes, len, one->response, &host);
    return digest_of(digest, play.log.text);
}

/* Behind the headers of the extended buffer and RopSize. */
#define ROPS_AT 10u

static void damage(const struct play_message *one, const char *title)
{
    uint8_t bytes[2000];
    uint64_t cut = TRANSCRIPT_EMPTY, changed = TRANSCRIPT_EMPTY;
    if (one->len > sizeof(bytes)) {
        return;
    }
    for (uint32_t len = ROPS_AT; len < one->len; len++) {
        /* All sizes say so, too, as of a sender who stops there: the handles are gone. */
        memcpy(bytes, one->bytes, len);
        play_u16(bytes + 4, len - 8);
        play_u16(bytes + 6, len - 8);
        play_u16(bytes + 8, len - 8);
        cut = shown_of(one, bytes, len, cut);
    }
    for (uint32_t at = ROPS_AT; at < one->len && at < ROPS_AT + 200; at++) {
        static const uint8_t by[] = { 1, 0xFF, 0x80 };
        for (unsigned i = 0; i < COUNT_OF(by); i++) {
            memcpy(bytes, one->bytes, one->len);
            bytes[at] = (uint8_t)(bytes[at] + by[i]);
            changed = shown_of(one, bytes, one->len, changed);
        }
    }
    transcript("%s: cut %016llx changed %016llx", title, (unsigned long long)cut, (unsigned long long)changed);
}

/* ---- forms ---- */

static void play_file(const char *name, bool of_one)
{
    static char line[LINE_MAX_], facts[LINE_MAX_];
    FILE *file = open_beside(name);
    struct play_message *request = NULL;
    unsigned forms = 0;
    while (file && fgets(line, sizeof(line), file)) {
        char *colon = strchr(line, ':');
        if (!isxdigit((unsigned char)line[0]) || !isxdigit((unsigned char)line[1]) || line[2] != ' ' || !colon) {
            continue;
        }
        char title[100];
        line[strcspn(line, "\n")] = '\0';
        *colon = '\0';
        snprintf(title, sizeof(title), "%.60s", line);
        const bool response = strstr(line, "response") != NULL;
        if (strstr(line, "rowdata")) {
            continue; /* a part of a ROP */
        }
        const char *hex = colon + 1 + strspn(colon + 1, " ");
        facts[0] = '\0';
        if (!fgets(facts, sizeof(facts), file) || strlen(hex) % 2) {
            break;
        }
        if (!response || !of_one) {
            context();
            request = NULL;
        }
        struct play_message *one = response ? answer(6, request, hex, OPENED) : ask(5, hex, HANDLES);
        request = response ? request : one;
        check_facts(one, title, facts);
        damage(one, title);
        forms++;
    }
    if (file) {
        fclose(file);
    }
    transcript("%s: %u forms", name, forms);
    CHECK(forms > 30);
}

/* ---- notifications ---- */

/* Of each type and flag (MS-OXCNOTIF 2.2.1.4.1), and of tables each event: numbers in a row, so that what is read of them
 * shows where it stands. */
static void notifications(void)
{
    static const unsigned types[] = { 0x0002, 0x0004, 0x0008, 0x0010, 0x0020, 0x0040,
                                      0x0080, 0x0100, 0x0200, 0x0400, 0x0001 };
    static const unsigned flags[] = { 0, 0x1000, 0x2000, 0x4000, 0x8000, 0xC000, 0x9000 };
    for (size_t type = 0; type < COUNT_OF(types); type++) {
        for (size_t flag = 0; flag < COUNT_OF(flags); flag++) {
            for (unsigned event = 1; event <= (types[type] == 0x0100 ? 9 : 1); event++) {
                char text[400];
                const unsigned bits = types[type] | flags[flag];
                int used =
                    snprintf(text, sizeof(text), "2A 33000000 00 %02X%02X %02X00", bits & 0xFF, bits >> 8, event);
                for (unsigned i = 0; i < 90; i++) {
                    used += snprintf(text + used, sizeof(text) - (size_t)used, "%02X", i % 20 == 19 ? 0 : 1 + i % 5);
                }
                context();
                struct play_message *one = answer(5, NULL, text, OPENED);
                transcript("notification %04x, event %u: %016llx", bits, event,
                           (unsigned long long)shown_of(one, one->bytes, one->len, TRANSCRIPT_EMPTY));
            }
        }
    }
}

int main(void)
{
    play_file("forms.txt", true);
    play_file("examples.txt", false);
    CHECK(facts_found > 1800);
    notifications();
    play_end();
    free(play.log.text);
    transcript_end(__FILE__);
    return unit_end();
}
