/* response_code.h
 * X-ResponseCode (MS-OXCMAPIHTTP 2.2.3.3.3), and the error pages that come with it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_RESPONSE_CODE_H
#define OUTLOOKHTTP_RESPONSE_CODE_H

#include "bytes.h"

enum response_code {
    CODE_SUCCESS,
    CODE_UNKNOWN_FAILURE,
    CODE_INVALID_VERB,
    CODE_INVALID_PATH,
    CODE_INVALID_HEADER,
    CODE_INVALID_REQUEST_TYPE,
    CODE_INVALID_CONTEXT_COOKIE,
    CODE_MISSING_HEADER,
    CODE_ANONYMOUS_NOT_ALLOWED,
    CODE_TOO_LARGE,
    CODE_CONTEXT_NOT_FOUND,
    CODE_NO_PRIVILEGE,
    CODE_INVALID_REQUEST_BODY,
    CODE_MISSING_COOKIE,
    CODE_RESERVED,
    CODE_INVALID_SEQUENCE,
    CODE_ENDPOINT_DISABLED,
    CODE_INVALID_RESPONSE,
    CODE_ENDPOINT_SHUTTING_DOWN,
    MAPI_CODES /* that the specification names, from 0 */
};

/* "Context Not Found"; "no known name" beyond. Static. */
const char *mapi_code_name(uint32_t code);
/* Whether a code tells of a failure. */
bool mapi_code_is_failure(uint32_t code);
/* Whether it says that the server does not know the session context of the request. */
bool mapi_code_is_of_context(uint32_t code);

#define MAPI_SENTENCE_MAX 160

/* The words of an error page: those of its last paragraph, else of its body, else all; blanks
 * folded, without tags, cut to what fits. */
void mapi_page_sentence(struct span page, char sentence[MAPI_SENTENCE_MAX]);
/* The code that a sentence means, -1 if it does not tell: servers number their codes
 * differently, their words agree. */
int32_t mapi_sentence_code(const char *sentence);

#endif
