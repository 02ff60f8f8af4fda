/* test_response_code.c
 * X-ResponseCode and the pages that come with it (MS-OXCMAPIHTTP 2.2.3.3.3, 2.2.2.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "response_code.h"
#include "unit.h"

#include <stdlib.h>

static void test_names(void)
{
    CHECK_STR(mapi_code_name(CODE_SUCCESS), "Success");
    CHECK_STR(mapi_code_name(CODE_CONTEXT_NOT_FOUND), "Context Not Found");
    CHECK_STR(mapi_code_name(CODE_MISSING_COOKIE), "Missing Cookie");
    CHECK_STR(mapi_code_name(CODE_INVALID_SEQUENCE), "Invalid Sequence");
    CHECK_STR(mapi_code_name(CODE_ENDPOINT_SHUTTING_DOWN), "Endpoint Shutting Down");
    CHECK_STR(mapi_code_name(MAPI_CODES), "no known name");
    CHECK_STR(mapi_code_name(UINT32_MAX), "no known name");
    /* The numbers of the specification. */
    CHECK_INT(CODE_INVALID_CONTEXT_COOKIE, 6);
    CHECK_INT(CODE_CONTEXT_NOT_FOUND, 10);
    CHECK_INT(CODE_MISSING_COOKIE, 13);
    CHECK_INT(CODE_RESERVED, 14);
    CHECK_INT(CODE_INVALID_SEQUENCE, 15);
    CHECK_INT(CODE_ENDPOINT_SHUTTING_DOWN, 18);
}

static void test_kinds(void)
{
    unsigned failures = 0, of_context = 0;
    for (uint32_t code = 0; code < 30; code++) {
        failures += mapi_code_is_failure(code);
        of_context += mapi_code_is_of_context(code);
    }
    CHECK_INT(failures, 28);
    CHECK(!mapi_code_is_failure(0) && !mapi_code_is_failure(14));
    CHECK_INT(of_context, 3);
    CHECK(mapi_code_is_of_context(6) && mapi_code_is_of_context(10) && mapi_code_is_of_context(13));
}

static void test_sentences(void)
{
    static const struct {
        const char *sentence;
        int code;
    } rows[] = { { "", -1 },
                 { "All is well.", -1 },
                 { "context is not foun", -1 },
                 { "The session context cookie of the request is not valid.", CODE_INVALID_CONTEXT_COOKIE },
                 { "CONTEXT NOT FOUND", CODE_CONTEXT_NOT_FOUND },
                 { "A Required Cookie is absent", CODE_MISSING_COOKIE },
                 { "a required header", CODE_MISSING_HEADER },
                 { "Invalid verb", CODE_INVALID_VERB },
                 { "X-RequestType is wrong", CODE_INVALID_REQUEST_TYPE },
                 { "sequencing failure", CODE_INVALID_SEQUENCE },
                 { "The endpoint is disabled", CODE_ENDPOINT_DISABLED },
                 { "is shutting down", CODE_ENDPOINT_SHUTTING_DOWN },
                 { "unknown failure", CODE_UNKNOWN_FAILURE } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_INT(mapi_sentence_code(rows[i].sentence), rows[i].code);
    }
}

/* From a copy of just its size, so that reading on is noticed. */
static const char *sentence_of(const char *page, char sentence[MAPI_SENTENCE_MAX])
{
    size_t len = strlen(page);
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, page, len);
    mapi_page_sentence((struct span){ copy, len }, sentence);
    free(copy);
    return sentence;
}

static void test_pages(void)
{
    char sentence[MAPI_SENTENCE_MAX], longer[400];
    CHECK_STR(sentence_of("", sentence), "");
    CHECK_STR(sentence_of("plain words", sentence), "plain words");
    CHECK_STR(sentence_of("<html><body>The\r\n <b>last</b>\tword</body></html>", sentence), "The last word");
    CHECK_STR(sentence_of("<p>one</p><P class=x>two\n three</p>", sentence), "two three");
    CHECK_STR(sentence_of("<html><head>not this</head><body>but this", sentence), "but this");
    CHECK_STR(sentence_of("<pre>no paragraph</pre>", sentence), "no paragraph");
    CHECK_STR(sentence_of("<p", sentence), "");
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    CHECK_INT(strlen(sentence_of(longer, sentence)), MAPI_SENTENCE_MAX - 1);
    /* A blank that takes the last place, one behind it, and one in front. */
    for (size_t at = MAPI_SENTENCE_MAX - 3; at <= MAPI_SENTENCE_MAX; at++) {
        memset(longer, 'x', sizeof(longer) - 1);
        longer[at] = ' ';
        sentence_of(longer, sentence);
        CHECK_INT(strlen(sentence), MAPI_SENTENCE_MAX - 1);
        CHECK_INT(strcspn(sentence, " "), at < MAPI_SENTENCE_MAX - 1 ? at : MAPI_SENTENCE_MAX - 1);
    }
}

int main(void)
{
    test_names();
    test_kinds();
    test_sentences();
    test_pages();
    return unit_end();
}
