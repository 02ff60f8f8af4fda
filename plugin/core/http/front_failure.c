/* front_failure.c
 * What the front end of Exchange says of a request that it could not pass on.
 *
 * Nobody documents either header. The names are those that the front end also writes into its HttpProxy logs
 * (ErrorCode); X-FailureContext is "<FrontEnd or BackEnd>;<status, -1 without a response>;<base64 of the error>;<base64 of
 * its details>;<name as in X-CasErrorCode>;<state of the connection to the back end>;...".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "front_failure.h"

#include "base64.h"
#include "chars.h"

static enum http_front_failure by_name(struct span name)
{
    static const struct {
        const char *name;
        enum http_front_failure failure;
    } rows[] = {
        { "MailboxGuidWithDomainNotFound", FRONT_NO_MAILBOX },
        { "MailboxExternalDirectoryObjectIdNotFound", FRONT_NO_MAILBOX },
        { "OrganizationMailboxNotFound", FRONT_NO_MAILBOX },
        { "UserNotFound", FRONT_NO_MAILBOX },
        { "DomainNotFound", FRONT_NO_MAILBOX },
        { "DatabaseGuidNotFound", FRONT_NO_BACK_END },
        { "DatabaseNameNotFound", FRONT_NO_BACK_END },
        { "ServerNotFound", FRONT_NO_BACK_END },
        { "ServerVersionNotFound", FRONT_NO_BACK_END },
        { "ServerLocatorError", FRONT_NO_BACK_END },
        { "ServerDiscoveryError", FRONT_NO_BACK_END },
        { "EndpointNotFound", FRONT_NO_TARGET },
        { "DirectoryOperationError", FRONT_NO_DIRECTORY },
        { "MServOperationError", FRONT_NO_DIRECTORY },
        { "TooManyOutstandingProxyRequests", FRONT_BUSY },
        { "TooManyOutstandingProxyRequestsToDag", FRONT_BUSY },
        { "TooManyOutstandingProxyRequestsToForest", FRONT_BUSY },
        { "TooManyOutstandingAuthenticationRequests", FRONT_BUSY },
        { "BackEndRequestTimedOut", FRONT_TIMED_OUT },
        { "RpcHttpConnectionEstablishmentTimeout", FRONT_TIMED_OUT },
        { "ServerKerberosAuthenticationFailure", FRONT_BACK_LOGON },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (span_equals_nocase(name, rows[i].name)) {
            return rows[i].failure;
        }
    }
    return FRONT_OTHER;
}

/* The part of that number, from 0 on; empty if there are fewer. */
static struct span part_of(struct span value, unsigned number)
{
    struct span part = span_of(NULL, 0);
    while (span_next(&value, ';', &part)) {
        if (number-- == 0) {
            return part;
        }
    }
    return span_of(NULL, 0);
}

static enum http_front_failure by_context(struct span failure_context, unsigned status)
{
    const struct span of_back_end = part_of(failure_context, 1);
    if (!span_equals_nocase(part_of(failure_context, 0), "BackEnd")) {
        return FRONT_SAYS_NOTHING;
    }
    if (span_equals_nocase(of_back_end, "-1")) {
        return status == 504 ? FRONT_TIMED_OUT : status == 503 ? FRONT_UNREACHED : FRONT_OTHER;
    }
    /* It passes a status of the back end on as it is, but for a 401 to its own logon. */
    return span_equals_nocase(of_back_end, "401") && status == 503 ? FRONT_BACK_LOGON : FRONT_SAYS_NOTHING;
}

void http_front_says(struct span cas_error, struct span failure_context, unsigned status, struct http_front_says *says)
{
    says->text[0] = '\0';
    if (cas_error.len > 0) {
        says->failure = by_name(cas_error);
        return;
    }
    says->failure = by_context(failure_context, status);
    if (says->failure != FRONT_SAYS_NOTHING) {
        uint8_t bytes[HTTP_FAILURE_TEXT_MAX - 1];
        const size_t len = base64_decode(part_of(failure_context, 2), false, bytes, sizeof(bytes));
        chars_copy(says->text, sizeof(says->text), span_of(bytes, len));
    }
}
