/* response_code.c
 * Names of X-ResponseCode, and what error pages say.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "response_code.h"

#include "chars.h"

const char *mapi_code_name(uint32_t code)
{
    static const char *const names[MAPI_CODES] = { "Success",
                                                   "Unknown Failure",
                                                   "Invalid Verb",
                                                   "Invalid Path",
                                                   "Invalid Header",
                                                   "Invalid Request Type",
                                                   "Invalid Context Cookie",
                                                   "Missing Header",
                                                   "Anonymous Not Allowed",
                                                   "Too Large",
                                                   "Context Not Found",
                                                   "No Privilege",
                                                   "Invalid Request Body",
                                                   "Missing Cookie",
                                                   "Reserved",
                                                   "Invalid Sequence",
                                                   "Endpoint Disabled",
                                                   "Invalid Response",
                                                   "Endpoint Shutting Down" };
    return code < MAPI_CODES ? names[code] : "no known name";
}

bool mapi_code_is_failure(uint32_t code)
{
    return code != CODE_SUCCESS && code != CODE_RESERVED;
}

bool mapi_code_is_of_context(uint32_t code)
{
    return code == CODE_INVALID_CONTEXT_COOKIE || code == CODE_CONTEXT_NOT_FOUND || code == CODE_MISSING_COOKIE;
}

/* Whether text holds words, in any letter case. */
static bool holds(struct span text, const char *words)
{
    while (text.len > 0 && !span_starts_nocase(text, words)) {
        text = span_skip(text, 1);
    }
    return text.len > 0;
}

int32_t mapi_sentence_code(const char *sentence)
{
    static const struct {
        const char *words;
        int32_t code;
    } rows[] = { { "session context cookie", CODE_INVALID_CONTEXT_COOKIE },
                 { "context cookie", CODE_INVALID_CONTEXT_COOKIE },
                 { "required cookie", CODE_MISSING_COOKIE },
                 { "missing cookie", CODE_MISSING_COOKIE },
                 { "required header", CODE_MISSING_HEADER },
                 { "missing header", CODE_MISSING_HEADER },
                 { "invalid verb", CODE_INVALID_VERB },
                 { "invalid path", CODE_INVALID_PATH },
                 { "requesttype", CODE_INVALID_REQUEST_TYPE },
                 { "request type", CODE_INVALID_REQUEST_TYPE },
                 { "invalid header", CODE_INVALID_HEADER },
                 { "anonymous", CODE_ANONYMOUS_NOT_ALLOWED },
                 { "too large", CODE_TOO_LARGE },
                 { "context is not found", CODE_CONTEXT_NOT_FOUND },
                 { "context not found", CODE_CONTEXT_NOT_FOUND },
                 { "no privilege", CODE_NO_PRIVILEGE },
                 { "request body is invalid", CODE_INVALID_REQUEST_BODY },
                 { "invalid request body", CODE_INVALID_REQUEST_BODY },
                 { "sequencing", CODE_INVALID_SEQUENCE },
                 { "invalid sequence", CODE_INVALID_SEQUENCE },
                 { "endpoint is disabled", CODE_ENDPOINT_DISABLED },
                 { "endpoint disabled", CODE_ENDPOINT_DISABLED },
                 { "response is invalid", CODE_INVALID_RESPONSE },
                 { "shutting down", CODE_ENDPOINT_SHUTTING_DOWN },
                 { "unknown failure", CODE_UNKNOWN_FAILURE } };
    struct span text = span_of((const uint8_t *)sentence, strlen(sentence));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (holds(text, rows[i].words)) {
            return rows[i].code;
        }
    }
    return -1;
}

/* What begins with the last tag of that name, or all; with: what may stand behind the name, NULL: anything. */
static struct span from_last(struct span page, const char *name, const char *with)
{
    struct span found = page;
    for (struct span rest = page; rest.len > strlen(name); rest = span_skip(rest, 1)) {
        uint8_t next = rest.ptr[strlen(name)];
        if (span_starts_nocase(rest, name) && (!with || (next && strchr(with, next)))) {
            found = rest;
        }
    }
    return found;
}

void mapi_page_sentence(struct span page, char sentence[MAPI_SENTENCE_MAX])
{
    struct span from = from_last(page, "<p", "> ");
    if (from.ptr == page.ptr) {
        from = from_last(page, "<body", NULL);
    }
    uint8_t text[MAPI_SENTENCE_MAX - 1];
    size_t used = 0;
    bool inside = false, blank = false;
    for (; from.len > 0 && used < sizeof(text); from = span_skip(from, 1)) {
        uint8_t c = from.ptr[0];
        if (c == '<') {
            inside = true;
        } else if (inside ? c == '>' : is_blank(c) || c == '\r' || c == '\n') {
            inside = false;
            blank = true;
        } else if (!inside) {
            if (blank && used > 0) {
                text[used++] = ' ';
            }
            blank = false;
            if (used < sizeof(text)) {
                text[used++] = c;
            }
        }
    }
    chars_copy(sentence, MAPI_SENTENCE_MAX, span_of(text, used));
}
