/* answer.h
 * What a response that is no good means, whoever wrote it and in whichever protocol: whose doing it is, what follows,
 * and what to check.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ANSWER_H
#define OUTLOOKHTTP_ANSWER_H

#include "author.h"
#include "finding.h"
#include "front_failure.h"

enum answer_protocol { ANSWER_RPCH = 1, ANSWER_MAPI = 2, ANSWER_BOTH = 3 };

/* What besides status and author tells one answer from another, as bits. */
enum answer_trait {
    ANSWER_IN = 1,          /* to RPC_IN_DATA */
    ANSWER_IN_ALONE = 2,    /* the same, and its OUT is served at that address */
    ANSWER_OPEN = 4,        /* to a channel of a virtual connection that was open */
    ANSWER_TORN = 8,        /* to a type 3 whose challenge did not come on that connection */
    ANSWER_BIG_TOKEN = 16,  /* to a large Authorization */
    ANSWER_NO_MAILBOX = 32, /* to a URL without MailboxId */
    ANSWER_ROUND = 64,      /* after a time that looks like a device's time-out */
    ANSWER_RPC_ERROR = 256,
    ANSWER_DISABLED = 512, /* its words say so, enum http_words */
    ANSWER_CLIENT_RULES = 1024,
    ANSWER_TOO_LARGE = 2048,
    ANSWER_PASSED_ON = 4096,    /* seen on the next leg, where this answer does not come from */
    ANSWER_LONG_HEADERS = 8192, /* its words say so, or the Authorization is large and no Kerberos */
    ANSWER_KERBEROS = 16384,    /* to an AP-REQ */
    ANSWER_BEARER = 32768,
    ANSWER_BOUND = 65536,      /* to a type 3 whose channel bindings are not those of the server's connection */
    ANSWER_OTHERS = 131072,    /* to credentials of a way by which that server takes other users */
    ANSWER_UNTRIED = 262144,   /* to no credentials for a proxy, again and again */
    ANSWER_WANTS_TLS = 524288, /* its words say so */
    ANSWER_CERTIFICATE = 1048576,
    ANSWER_NOT_OFFERED = 2097152, /* 401 to credentials of a scheme that it does not offer */
    ANSWER_BARE = 4194304,        /* 401 to no credentials, and it offers no scheme */
    ANSWER_EXPECT = 8388608,      /* to a head with Expect, behind which neither a 100 nor a body came */
    ANSWER_CIRCLE = 16777216,     /* back to the URL that was asked for, again and again */
    ANSWER_SERVED = 33554432,     /* that address served the path before */
    ANSWER_MODERN = 67108864,     /* its words say so */
    ANSWER_KRB_KEY = 134217728,   /* a KRB-ERROR: the ticket cannot be decrypted */
    ANSWER_KRB_CLOCK = 268435456, /* a KRB-ERROR: it does not hold at the server's time */
    ANSWER_BLOCKED = 536870912,   /* its words say so */
    ANSWER_ECHO = 1073741824      /* to an echo request */
};

struct answer {
    enum answer_protocol protocol;
    enum http_author author;
    unsigned status, traits;
    uint32_t rpc_error;
    enum http_front_failure failure;
};

/* The traits that words, and a KRB-ERROR, tell of. */
unsigned answer_words(unsigned words);
unsigned answer_krb_error(unsigned code);
/* Whose doing it is, as far as this leg shows. */
enum verdict_where answer_where(const struct answer *answer);
struct advice answer_advice(const struct answer *answer);

/* ', X-FailureContext says "ConnectFailure"'; nothing for NULL and "". */
void say_failure(struct text *text, const char *failure);
/* ", Kerberos error 41 (KRB_AP_ERR_MODIFIED)"; nothing for 0. */
void say_krb_error(struct text *text, unsigned code);
/* ", written by HAProxy, by its page", ", its author does not show"; and the words of the page. */
struct writer {
    enum http_author author;
    unsigned status;
    const char *product, *title; /* NULL or "" where there is none */
};
void say_writer(struct text *text, const char *verb, const struct writer *writer);

#endif
