/* front_failure.h
 * What the front end of Exchange says of a request that it could not pass on, in X-CasErrorCode and X-FailureContext. Pure.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_FRONT_FAILURE_H
#define OUTLOOKHTTP_FRONT_FAILURE_H

#include "bytes.h"

enum http_front_failure {
    FRONT_SAYS_NOTHING,
    FRONT_NO_MAILBOX,   /* the mailbox, user or domain is not known */
    FRONT_NO_BACK_END,  /* nor which server has its database, or that server or database */
    FRONT_NO_TARGET,    /* the URL does not say where to */
    FRONT_NO_DIRECTORY, /* the directory did not answer */
    FRONT_BUSY,         /* too many requests under way */
    FRONT_UNREACHED,    /* no connection to the back end, or none that lasted */
    FRONT_TIMED_OUT,    /* the back end did not answer in time */
    FRONT_BACK_LOGON,   /* the back end did not take the front end's own logon */
    FRONT_OTHER
};

#define HTTP_FAILURE_TEXT_MAX 64
struct http_front_says {
    enum http_front_failure failure;
    /* The error in X-FailureContext where no X-CasErrorCode names the failure; UTF-8. */
    char text[HTTP_FAILURE_TEXT_MAX];
};

/* Of the values of both headers and the status that they came with. */
void http_front_says(struct span cas_error, struct span failure_context, unsigned status, struct http_front_says *says);

#endif
