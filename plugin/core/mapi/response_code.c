/* response_code.c
 * Names of X-ResponseCode, and what error pages say.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "response_code.h"

#include "chars.h"

#include <string.h>

const char *mapi_code_name(uint32_t code)
{
    static const char *const names[MAPI_CODES] = {
        "Success", "Unknown Failure", "Invalid Verb", "Invalid Path", "Invalid Header", "Invalid Request Type",
        "Invalid Context Cookie", "Missing Header", "Anonymous Not Allowed", "Too Large", "Context Not Found",
        "No Privilege", "Invalid Request Body", "Missing Cookie", "Reserved", "Invalid Sequence", "Endpoint Disabled",
        "Invalid Response", "Endpoint Shutting Down"
    };
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

/* Whether text holds words, which are in lower case. */
static bool holds(const char *text, const char *words)
{
    size_t len = strlen(words);
    for (; *text; text++) {
        size_t i = 0;
        while (i < len && lower((uint8_t)text[i]) == (uint8_t)words[i]) {
            i++;
        }
        if (i == len) {
            return true;
        }
    }
    return false;
}

int32_t mapi_sentence_code(const char *sentence)
{
    static const struct {
        const char *words;
        int32_t code;
    } rows[] = {
        { "session context cookie", CODE_INVALID_CONTEXT_COOKIE },
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
        { "unknown failure", CODE_UNKNOWN_FAILURE }
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (holds(sentence, rows[i].words)) {
            return rows[i].code;
        }
    }
    return -1;
}

void mapi_page_sentence(struct span page, char sentence[MAPI_SENTENCE_MAX])
{
    size_t from = 0;
    for (size_t i = 0; i + 2 < page.len; i++) {
        if (page.ptr[i] == '<' && lower(page.ptr[i + 1]) == 'p' && (page.ptr[i + 2] == '>' || page.ptr[i + 2] == ' ')) {
            from = i;
        }
    }
    if (from == 0) {
        for (size_t i = 0; i + 5 < page.len; i++) {
            if (span_starts_nocase(span_skip(page, i), "<body")) {
                from = i;
            }
        }
    }
    uint8_t text[MAPI_SENTENCE_MAX - 1];
    size_t used = 0;
    bool inside = false, blank = false;
    for (size_t i = from; i < page.len && used < sizeof(text); i++) {
        uint8_t c = page.ptr[i];
        if (c == '<') {
            inside = true;
        } else if (c == '>' && inside) {
            inside = false;
            blank = true;
        } else if (!inside && (is_blank(c) || c == '\r' || c == '\n')) {
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
