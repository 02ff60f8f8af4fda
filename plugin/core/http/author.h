/* author.h
 * Who wrote a response: by its page first, then by where it sends the client, then by the headers that nobody but Exchange
 * sends. Pure.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_AUTHOR_H
#define OUTLOOKHTTP_AUTHOR_H

#include "fields.h"

enum http_author {
    HTTP_BY_UNKNOWN,
    HTTP_BY_BACK_END,     /* of Exchange */
    HTTP_BY_FRONT_END,    /* the same */
    HTTP_BY_BACK_HTTPSYS, /* HTTP.sys of the back end, passed on by the front end */
    HTTP_BY_HTTPSYS,      /* of the Windows machine that answers */
    HTTP_BY_IIS,          /* the same, but of Exchange, of an RPC proxy or of a gateway on Windows */
    HTTP_BY_RPC_PROXY,    /* "RPC Error:", MS-RPCH 2.1.2.1.3 */
    HTTP_BY_GATEWAY,      /* 502 and 504 are a gateway's (RFC 9110 15.6), whatever it is */
    HTTP_BY_DEVICE,       /* its own page or redirection */
    HTTP_AUTHORS
};

static inline bool http_is_exchange(enum http_author author)
{
    return author == HTTP_BY_BACK_END || author == HTTP_BY_FRONT_END || author == HTTP_BY_BACK_HTTPSYS;
}

/* On a Windows machine, be it Exchange's or a gateway's. */
static inline bool http_is_windows(enum http_author author)
{
    return author != HTTP_BY_UNKNOWN && author <= HTTP_BY_RPC_PROXY;
}

/* 456 and 457: what Exchange's logon module says in place of 401 when an account needs attention. */
static inline bool http_is_credential_status(unsigned status)
{
    return status == 456 || status == 457;
}

/* What the words of a page say of the protocol, as bits. */
enum http_words {
    WORDS_DISABLED = 1,     /* it is disabled for the mailbox */
    WORDS_CLIENT_RULES = 2, /* client access rules */
    WORDS_TOO_LARGE = 4,    /* the body is longer than allowed */
    WORDS_LONG_HEADERS = 8, /* the headers are */
    WORDS_WANTS_TLS = 16,   /* the connection is not TLS */
    WORDS_CERTIFICATE = 32, /* it lacks a client's certificate that is trusted there */
    WORDS_MODERN = 64,      /* the user may log on by a token alone, after a second factor */
    WORDS_BLOCKED = 128     /* a filter does not let it through */
};
unsigned http_words_of(struct span text);

#define HTTP_TITLE_MAX 81  /* at most 80 characters are quoted */
#define HTTP_PAGE_MAX 2048 /* of a page is looked at */

/* A page for people. All zero: none, or nobody knows it. */
struct http_page {
    enum http_author writer; /* HTTP_BY_UNKNOWN: its words do not say */
    const char *product;     /* whose page it is, NULL if not known; static */
    unsigned words;          /* enum http_words */
    /* Its title, else its first words: UTF-8 without control characters, quotes or tags. */
    char title[HTTP_TITLE_MAX];
};

/* body: the beginning of it, chunk framing taken off, not compressed. */
void http_page_read(struct span body, struct http_page *page);

/* Texts are UTF-8 without control characters, cut at their size, empty where absent. */
struct http_origin {
    enum http_author author;
    const char *product;           /* whose page or redirection it is, NULL if not known */
    bool passed_on;                /* Via, or the name of a device in Server: a device was on the way */
    char front_end[HTTP_NAME_MAX]; /* X-FEServer */
    char server[64];               /* Server */
    char via[64];                  /* Via */
    char cas_error[64];            /* X-CasErrorCode */
};

/* The same with a page that came after the head: by_head is what http_origin_of() said of that alone. */
enum http_author http_author_with(enum http_author by_head, const struct http_page *page);
/* page: NULL where none was seen. */
void http_origin_of(const struct http_fields *fields, const struct http_page *page, struct http_origin *origin);

#endif
