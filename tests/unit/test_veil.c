/* test_veil.c
 * Secrets are taken out of heads, and nothing else.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "unit.h"
#include "veil.h"

#define MOST 400

/* The head with its secrets taken out; valid until the next call. */
static const char *veiled(const char *text)
{
    static char room[MOST];
    const size_t len = strlen(text);
    memcpy(room, text, len + 1);
    http_veil_secrets((uint8_t *)room, len);
    return room;
}

static void test_credentials(void)
{
    CHECK_STR(veiled("GET / HTTP/1.1\r\nAuthorization: Basic YTpi\r\nHost: a\r\n\r\n"),
              "GET / HTTP/1.1\r\nAuthorization: Basic ****\r\nHost: a\r\n\r\n");
    CHECK_STR(veiled("GET / HTTP/1.1\r\nproxy-AUTHORIZATION:\tBearer a.b c\r\n\r\n"),
              "GET / HTTP/1.1\r\nproxy-AUTHORIZATION:\tBearer *****\r\n\r\n");
    CHECK_STR(veiled("GET / HTTP/1.1\r\nAuthorization: secret\r\nAuthorization:\r\n\r\n"),
              "GET / HTTP/1.1\r\nAuthorization: ******\r\nAuthorization:\r\n\r\n");
    CHECK_STR(veiled("GET / HTTP/1.1\r\nAuthorization: NTLM\r\n abc\r\n\r\n"),
              "GET / HTTP/1.1\r\nAuthorization: NTLM\r\n****\r\n\r\n");
    CHECK_STR(veiled("GET / HTTP/1.1\r\nX-CommonAccessToken: V 1\r\n\r\n"),
              "GET / HTTP/1.1\r\nX-CommonAccessToken: ***\r\n\r\n");
}

static void test_cookies(void)
{
    CHECK_STR(veiled("GET / HTTP/1.1\r\nCookie: a=12; MapiContext=x=y ;c=;bare\r\n\r\n"),
              "GET / HTTP/1.1\r\nCookie: a=**; MapiContext=****;c=;****\r\n\r\n");
    CHECK_STR(veiled("HTTP/1.1 200 OK\r\nSet-Cookie: s=12; path=/mapi; secure\r\nX-CookieJar: a=1\r\n\r\n"),
              "HTTP/1.1 200 OK\r\nSet-Cookie: s=**; path=/mapi; secure\r\nX-CookieJar: a=1\r\n\r\n");
}

static void test_what_stays(void)
{
    static const char challenge[] = "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"a\"\r\n\r\n";
    static const char half[] = "GET / HTTP/1.1\r\nAuthorization: Basic YTpi\r\n";
    CHECK_STR(veiled(challenge), challenge);
    CHECK_STR(veiled("Cookie: a=1"), "Cookie: a=1");
    CHECK_STR(veiled(half), half); /* a head that is not whole is not shown */
    CHECK_STR(veiled(""), "");
}

int main(void)
{
    test_credentials();
    test_cookies();
    test_what_stays();
    return unit_end();
}
