/* test_mapi_random.c
 * Sessions of MAPI/HTTP played by chance, over one leg or two: what no test thought of must
 * not change either. A play is one line of the transcript, a digest of all it showed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "dice.h"
#include "mscene.h"
#include "tokens.h"

enum { TAPS = 6, PLAYS = 400, ACTIONS = 32 };

static const double waits[] = { 0.02, 0.9, 6, 16, 31, 62, 301, 1000, 4000 };
/* Where frames take no time, such waits end exactly where limits lie. */
static const double exact_waits[] = { 0.05, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300 };
static bool exact;

static double wait_of(struct dice *dice)
{
    return exact ? ANY_OF(dice, exact_waits) : ANY_OF(dice, waits);
}
static const char *const backs[] = { "X-FEServer: FE1\r\nX-BEServer: EX1\r\n",
                                     "X-FEServer: FE1\r\nX-BEServer: EX2\r\n",
                                     "X-CalculatedBETarget: ex1.example.test\r\n",
                                     "X-CalculatedBETarget: EX2.example.test\r\nX-FEServer: FE2\r\n",
                                     "X-CalculatedBETarget: Server~ex1.example.test~1941996624\r\n",
                                     "X-BEServer: 10.0.0.81\r\n",
                                     "X-BEServer: [2001:db8::81]\r\n",
                                     "",
                                     "" };

/* Made on EX1 and on EX2, as Exchange writes it. */
static const char *const contexts[] = { "MAPIAAAAAO2o7q+Cx5+8jr6MvpOjl7qKuJipmqCVoJqqm8Hi0+bR5NTl1+TS5YQVAAAAAAAA",
                                        "MAPIAAAAAOC4iqmbq5mrhraCr5+tjbyPtYC1j7+O1PfG88TxwfDC8cfwDgAAAAAAAAA=" };

struct jar { /* what the client of a session would send */
    unsigned session, sequence, counter;
    bool connecting;
};

static void cookies_of(struct dice *dice, const struct jar *jar, char text[200])
{
    unsigned sequence = once_in(dice, 12) && jar->sequence ? jar->sequence - 1 : jar->sequence;
    switch (roll(dice, 14)) {
    case 0:
        text[0] = '\0';
        break;
    case 1:
        snprintf(text, 200, "sid=session-%u-value", jar->session);
        break;
    case 2:
        snprintf(text, 200, "sequence=seq-%u-%u", jar->session, sequence);
        break;
    case 3:
        snprintf(text, 200, "sid=session-%u-value; sequence=foreign; SERVERID=s1", jar->session);
        break;
    default:
        snprintf(text, 200, "sid=session-%u-value; sequence=seq-%u-%u", jar->session, jar->session, sequence);
        break;
    }
}

/* The same bytes on both legs, if there are two. */
static void act_ask(struct tap *const legs[2], struct dice *dice, struct jar *jar)
{
    static const char *const types[] = { "Execute",          "Execute",    "Execute", "Execute",
                                         "NotificationWait", "Disconnect", "PING",    "Bind",
                                         "QueryRows",        "NotHeardOf", "Execute", "Execute",
                                         "NotificationWait" };
    static const char *const extras[] = { "",
                                          "",
                                          "",
                                          "Expect: 100-continue\r\n",
                                          "Connection: close\r\n",
                                          "Proxy-Authorization: NTLM TlRMTVNTUAABAAAA\r\n",
                                          "Authorization: Basic YWxpY2U6eA==\r\n" };
    static const char *const paths[] = { "/mapi/emsmdb?x=1&MailboxId=m2@example.test&y",
                                         "/other/?MailboxId=m1@example.test",
                                         "/mapi/emsmdb/sub/?x",
                                         "https://mail.example.test/mapi/emsmdb/?MailboxId=m1@example.test",
                                         "/mapi/emsmdbx/",
                                         "/" };
    char cookies[200];
    const char *type = jar->session && !once_in(dice, 25) ? ANY_OF(dice, types) : "Connect";
    bool bind = strcmp(type, "Bind") == 0 || strcmp(type, "QueryRows") == 0;
    if (!jar->session || strcmp(type, "Connect") == 0) {
        jar->session++;
        jar->sequence = 1;
        jar->connecting = true;
        cookies[0] = '\0';
    } else {
        cookies_of(dice, jar, cookies);
    }
    jar->counter += once_in(dice, 10) ? 0 : once_in(dice, 12) ? 3 : once_in(dice, 20) ? 0xFFFFFFFFu : 1;
    const char *path = bind ? "/mapi/nspi/?MailboxId=m1@example.test" : once_in(dice, 8) ? ANY_OF(dice, paths) : NULL;
    struct ask ask = { .type = type,
                       .counter = jar->counter,
                       .cookies = *cookies ? cookies : NULL,
                       .guid = jar->session % 2 ? GUID_A : GUID_B,
                       .path = path,
                       .extra = ANY_OF(dice, extras) };
    ask_with(legs[0], ask);
    if (legs[1] && !once_in(dice, 15)) {
        if (once_in(dice, 15)) {
            ask.cookies = NULL;
        }
        ask_with(legs[1], ask);
    }
}

static const char *sets_of(struct dice *dice, struct jar *jar, bool connect, char text[400])
{
    static const char *const more[] = { "",
                                        "; path=/mapi",
                                        "; path=/mapi; secure; HttpOnly",
                                        "; path=/; domain=x",
                                        "; path=/mapi; Max-Age=0",
                                        "; path=/mapi; expires=Thu, 01 Jan 1970 00:00:00 GMT" };
    const char *path = once_in(dice, 4) ? ANY_OF(dice, more) : more[1];
    int used = 0;
    text[0] = '\0';
    if (connect) {
        used = snprintf(text, 400, "Set-Cookie: sid=session-%u-value; path=/mapi\r\n", jar->session);
    }
    if (once_in(dice, 6)) {
        used += snprintf(text + used, 400 - (size_t)used, "Set-Cookie: MapiContext=%s; path=/mapi\r\n",
                         ANY_OF(dice, contexts));
    }
    if (connect || !once_in(dice, 3)) {
        jar->sequence += !connect;
        snprintf(text + used, 400 - (size_t)used, "Set-Cookie: sequence=seq-%u-%u%s\r\n", jar->session, jar->sequence,
                 path);
    }
    return text;
}

static void act_answer(struct tap *const legs[2], struct dice *dice, struct jar *jar)
{
    static const unsigned codes[] = { 1, 2, 5, 6, 7, 8, 9, 10, 10, 10, 12, 13, 14, 15, 16, 17, 18, 99 };
    static const char *const sentences[] = { "The session context cookie is bad",
                                             "A required cookie is gone",
                                             "Missing header",
                                             "invalid verb",
                                             "Invalid Path",
                                             "invalid header",
                                             "anonymous requests",
                                             "too large",
                                             "Session context not found",
                                             "no privilege",
                                             "The request body is invalid",
                                             "violated the sequencing requirement",
                                             "The endpoint is disabled",
                                             "the response is invalid",
                                             "shutting down",
                                             "unknown failure",
                                             "request type",
                                             "nothing known",
                                             "" };
    static const char *const statuses[] = { "401 Unauthorized",
                                            "401 Unauthorized",
                                            "403 Forbidden",
                                            "404 Not Found",
                                            "500 Internal Server Error",
                                            "502 Bad Gateway",
                                            "503 Service Unavailable",
                                            "504 Gateway Timeout",
                                            "302 Found",
                                            "456 No",
                                            "413 Too Large",
                                            "407 Proxy Authentication Required" };
    static const char *const heads[] = { "",
                                         "Server: Microsoft-IIS/10.0\r\n",
                                         "Via: 1.1 lb\r\n",
                                         "Location: /mapi/emsmdb/?x\r\n",
                                         "Location: /owa\r\n",
                                         "X-FailureContext: FrontEnd;500;abc\r\n",
                                         "X-BackendHttpStatus: 503\r\n",
                                         "X-DiagInfo: EX1\r\nrequest-id: r1\r\n",
                                         "WWW-Authenticate: NTLM\r\n",
                                         "X-ResponseCode: 0\r\nrequest-id: r2\r\n",
                                         "Retry-After: 5\r\n",
                                         "Content-Type: text/html\r\n" };
    static const unsigned hints[] = { 0x3F2,      0x80070005, 0x478, 0x480, 0x4DF,
                                      0x80040110, 0x4E0,      0x7D8, 0x970, 0x12345678 };
    static const unsigned errors[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0x3EB, 0x80040102, 0x8004011D, 1, 5 };
    char set[400];
    bool connect = jar->connecting;
    unsigned kind = connect && !once_in(dice, 6) ? 0 : roll(dice, 12);
    jar->connecting = false;
    for (int leg = 1; leg >= 0; leg--) {
        if (!legs[leg] || (leg == 0 && legs[1] && once_in(dice, 20))) {
            continue;
        }
        struct tap *tap = legs[leg];
        if (kind < 8) {
            char extra[300];
            const char *elapsed = once_in(dice, 4) ? "X-ElapsedTime: 12\r\n" : "", *back = ANY_OF(dice, backs);
            snprintf(extra, sizeof(extra), "X-ExpirationInfo: %u\r\n%s%s", once_in(dice, 5) ? 60000 : 900000, back,
                     elapsed);
            sets_of(dice, jar, connect, set);
            unsigned status = once_in(dice, 25);
            unsigned error = connect && once_in(dice, 6) ? ANY_OF(dice, hints) : ANY_OF(dice, errors);
            answer_with(tap, (struct answer){ .type = connect ? "Connect" : "Execute",
                                              .set = set,
                                              .extra = extra,
                                              .error = error,
                                              .status = status });
        } else if (kind < 9) {
            const char *sentence = ANY_OF(dice, sentences);
            answer_code(tap, ANY_OF(dice, codes), sentence);
        } else if (kind < 10) {
            static const char *const pages[] = { "<html><BODY>%s</body></html>", "%s",
                                                 "<p class=x>first</p>\r\n\t <P>%s  \r\n and more</P>", "<b>%s",
                                                 "> %s < <body" };
            static const char *const ids[] = {
                "", "request-id: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n",
                "request-id: 012345678901234567890123456789012345678901234567890123456789012\xC3\xA4\xC3\xA4\r\n"
            };
            char page[300];
            const char *sentence = ANY_OF(dice, sentences);
            int len = snprintf(page, sizeof(page), ANY_OF(dice, pages), sentence);
            const char *id = ANY_OF(dice, ids);
            tap_text(tap, WAY_TO_CLIENT,
                     "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-ResponseCode: %u\r\n"
                     "%sContent-Length: %d\r\n\r\n%s",
                     ANY_OF(dice, codes), id, len, page);
        } else {
            char extra[200];
            const char *second = ANY_OF(dice, heads);
            snprintf(extra, sizeof(extra), "%s%s", ANY_OF(dice, heads), second);
            answer_status(tap, ANY_OF(dice, statuses), extra);
        }
    }
}

/* A response in pieces, with or without its end. */
static void act_pending(struct scene *scene, struct tap *tap, struct dice *dice)
{
    tap_text(tap, WAY_TO_CLIENT,
             "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\nX-RequestType: "
             "NotificationWait\r\nX-ResponseCode: 0\r\nX-PendingPeriod: %u\r\nTransfer-Encoding: chunked\r\n\r\n"
             "c\r\nPROCESSING\r\n\r\n",
             once_in(dice, 2) ? 15000 : 30000);
    for (unsigned i = 0, count = roll(dice, 6); i < count; i++) {
        scene_wait(scene, once_in(dice, 3) ? wait_of(dice) : 15);
        tap_text(tap, WAY_TO_CLIENT, "9\r\nPENDING\r\n\r\n");
        if (once_in(dice, 4)) {
            tap_text(tap, WAY_TO_CLIENT, "9\r\nPENDING\r\n\r\n9\r\nPENDING\r\n\r\n");
        }
    }
    if (!once_in(dice, 4)) {
        tap_text(tap, WAY_TO_CLIENT, "%x\r\nDONE\r\nX-ResponseCode: %u\r\n\r\n\r\n0\r\n\r\n", 29,
                 once_in(dice, 5) ? 10 : 0);
    }
}

/* An answer while the request is still being sent; the rest of it comes or not. */
static void act_early(struct tap *tap, struct dice *dice, struct jar *jar)
{
    char set[400];
    tap_text(tap, WAY_TO_SERVER,
             "POST /mapi/emsmdb/?MailboxId=m1@example.test HTTP/1.1\r\nHost: mail.example.test\r\n"
             "Content-Type: application/mapi-http\r\nX-RequestType: Execute\r\nX-RequestId: " GUID_A ":%u\r\n"
             "Cookie: sid=session-%u-value; sequence=seq-%u-%u\r\nContent-Length: 20\r\n\r\n0123456789",
             ++jar->counter, jar->session, jar->session, jar->sequence);
    if (once_in(dice, 2)) {
        answer_with(tap, (struct answer){ .type = "Execute", .set = sets_of(dice, jar, false, set) });
    } else {
        answer_status(tap, once_in(dice, 2) ? "401 Unauthorized" : "413 Too Large", "");
    }
    if (!once_in(dice, 3)) {
        tap_text(tap, WAY_TO_SERVER, "0123456789");
    }
}

/* A response with the X-RequestId of another request, which may not have been captured. */
static void act_named(struct tap *tap, struct dice *dice, const struct jar *jar)
{
    char extra[120];
    unsigned counter = jar->counter + 1 - roll(dice, 3);
    snprintf(extra, sizeof(extra), "X-RequestId: %s:%u\r\n", once_in(dice, 3) ? GUID_B : GUID_A, counter);
    answer_with(tap, (struct answer){ .type = "Execute", .extra = extra });
}

/* The same silence and the same end on both legs, the inner one first. */
static void act_pending_on(struct tap *const legs[2], struct scene *scene, struct dice *dice)
{
    double silence = wait_of(dice);
    unsigned count = roll(dice, 3);
    for (int leg = 1; leg >= 0; leg--) {
        if (legs[leg]) {
            tap_text(legs[leg], WAY_TO_CLIENT,
                     "HTTP/1.1 200 OK\r\nContent-Type: application/mapi-http\r\n"
                     "X-RequestType: NotificationWait\r\nX-ResponseCode: 0\r\nX-PendingPeriod: 15000\r\n"
                     "Transfer-Encoding: chunked\r\n\r\nc\r\nPROCESSING\r\n\r\n");
        }
    }
    for (unsigned i = 0; i <= count; i++) {
        scene_wait(scene, i == count ? silence : 15);
        for (int leg = 1; leg >= 0; leg--) {
            if (legs[leg]) {
                tap_text(legs[leg], WAY_TO_CLIENT, "9\r\nPENDING\r\n\r\n");
            }
        }
    }
    bool rst = once_in(dice, 2), by_client = once_in(dice, 3);
    for (int leg = 1; leg >= 0; leg--) {
        struct tap *tap = legs[by_client ? 1 - leg : leg];
        if (tap && !once_in(dice, 5)) {
            enum way way = by_client ? WAY_TO_SERVER : WAY_TO_CLIENT;
            tap_wire(tap, way, (struct wire){ .fin = !rst, .rst = rst });
            scene_wait(scene, once_in(dice, 3) ? 2 : 0);
        }
    }
}

static void act_tcp(struct scene *scene, struct tap *tap, struct dice *dice)
{
    enum way way = (enum way)roll(dice, 2);
    struct endpoint server = end_of("10.0.0.80:443");
    static const char lost[] = "0123456789";
    bool fin;
    switch (roll(dice, 12)) {
    case 9:
        tap_wire(tap, way, (struct wire){ .bytes = lost, .len = once_in(dice, 4) ? 10 : 0, .cut = true });
        break;
    case 10:
        fin = once_in(dice, 4);
        tap_wire(tap, way, (struct wire){ .opaque = once_in(dice, 3), .fin = fin });
        break;
    case 11:
        tap_wire(tap, way, (struct wire){ .bytes = lost, .len = 5, .again = true });
        break;
    case 0:
    case 8:
        tap_fin(tap, way);
        break;
    case 1:
        tap_rst(tap, way);
        break;
    case 2:
        tap->seq[way] += 100; /* lost */
        tap_wire(tap, way, (struct wire){ 0 });
        mapi_conn_lost(tap->conn, (struct when){ scene->frame, scene->ns }, way);
        break;
    case 3:
        tap_wire(tap, WAY_TO_SERVER, (struct wire){ .no_window = true });
        break;
    case 4:
        track_server_heard(&scene->outlook->track, &server, scene_frame(scene));
        scene_collect(scene);
        break;
    default:
        scene_wait(scene, wait_of(dice));
        tap_wire(tap, way, (struct wire){ 0 });
        break;
    }
}

static void open_leg(struct tap *tap, struct scene *scene, struct dice *dice, bool inner)
{
    char client[32];
    snprintf(client, sizeof(client), inner ? "10.0.0.80:%u" : "10.0.0.9:%u", 50000 + scene->streams);
    struct conn_past past = { .syn = !once_in(dice, 12) };
    past.syn_ack = !once_in(dice, 15);
    past.gap = once_in(dice, 20);
    past.tls = once_in(dice, 5);
    past.has_next = past.syn && past.syn_ack;
    tap_open_past(tap, scene, client, inner ? once_in(dice, 3) ? "10.0.0.82:443" : "10.0.0.81:443" : "10.0.0.80:443",
                  past);
    CHECK(mapi_conn_auth(tap->conn) != NULL);
}

static void play(uint32_t seed)
{
    struct dice dice = { seed * 7919 };
    static struct tap taps[TAPS];
    struct scene scene;
    struct jar jar = { 0, 0, 0, false };
    bool two = seed % 2, open[TAPS] = { false };
    scene_begin(&scene);
    exact = seed % 3 == 0;
    scene.frame_ns = exact ? 0 : scene.frame_ns;
    scene.wild = true;
    for (unsigned i = 0; i < ACTIONS; i++) {
        unsigned pair = once_in(&dice, 4) ? roll(&dice, TAPS / 2) : 0;
        struct tap *const legs[2] = { &taps[2 * pair], two ? &taps[2 * pair + 1] : NULL };
        for (int leg = 0; leg < 2; leg++) {
            if (legs[leg] && (!open[2 * pair + leg] || legs[leg]->lost || once_in(&dice, 40))) {
                open_leg(legs[leg], &scene, &dice, leg == 1);
                open[2 * pair + leg] = true;
            }
        }
        unsigned kind = roll(&dice, 20);
        if (kind < 11) {
            act_ask(legs, &dice, &jar);
            if (once_in(&dice, 6)) {
                scene_wait(&scene, wait_of(&dice));
            }
            if (!once_in(&dice, 8)) {
                act_answer(legs, &dice, &jar);
            } else if (once_in(&dice, 2)) {
                act_pending(&scene, legs[two && once_in(&dice, 2)], &dice);
                act_tcp(&scene, legs[two && once_in(&dice, 2)], &dice);
            } else {
                act_tcp(&scene, legs[two && once_in(&dice, 2)], &dice);
                act_tcp(&scene, legs[0], &dice);
            }
        } else if (kind < 14) {
            act_answer(legs, &dice, &jar);
        } else if (kind == 14 && once_in(&dice, 2)) {
            act_early(legs[two && once_in(&dice, 2)], &dice, &jar);
        } else if (kind == 14) {
            act_named(legs[two && once_in(&dice, 2)], &dice, &jar);
        } else if (kind == 15 && once_in(&dice, 2)) {
            act_ask(legs, &dice, &jar);
            act_pending_on(legs, &scene, &dice);
        } else if (kind < 16) {
            act_pending(&scene, legs[two && once_in(&dice, 2)], &dice);
        } else if (kind < 17) {
            scene_wait(&scene, wait_of(&dice));
        } else {
            act_tcp(&scene, legs[two && once_in(&dice, 2)], &dice);
        }
        scene.log[0] = '\0';
    }
    scene_end(&scene);
}

/* ---- with all that heads may carry ---- */

static const char *credentials_of(struct dice *dice, char text[TOKEN_TEXT])
{
    static const char *const users[] = { "alice", "bob", "HealthMailboxabc", "", "alice@example.test" };
    static const char *const servers[] = { "EX1", "EX2" };
    const char *scheme = once_in(dice, 2) ? "NTLM" : "Negotiate", *user = ANY_OF(dice, users);
    const char *server = ANY_OF(dice, servers);
    const uint64_t stamp = 132000000000000000 + roll(dice, 2);
    switch (roll(dice, 8)) {
    case 0:
    case 1:
        return type1(scheme, text);
    case 2:
    case 3:
    case 4:
        return type3(scheme, user, server, stamp, (int)roll(dice, 3) - 1, text);
    case 5:
        return basic(user, "x", text);
    case 6:
        return ap_req(text);
    default:
        /* {"upn":"alice@example.test"} */
        return "Bearer eyJhbGciOiJub25lIn0.eyJ1cG4iOiJhbGljZUBleGFtcGxlLnRlc3QifQ.eA";
    }
}

static void rich_ask(struct tap *const legs[2], struct dice *dice, struct jar *jar)
{
    static const char *const lines[] = {
        "X-ClientInfo: {C0000000-0000-0000-0000-00000000000C}:7\r\n",
        "X-ClientInfo: {D0000000-0000-0000-0000-00000000000D}:8\r\n",
        "X-User-Identity: alice@example.test\r\n",
        "X-Forwarded-For: 192.0.2.7, 10.0.0.80\r\n",
        "X-AnchorMailbox: m1@example.test\r\n",
        "client-request-id: c1\r\n",
        "User-Agent: Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.15928; Pro)\r\n",
        "User-Agent: AMProbe/Local\r\n",
        "Cookie: SERVERID=s1; X-BackEndCookie=x\r\n",
        "Cookie: MapiRouting=UlVNOjEyMw==; MapiSequence=2-AbCdEg==\r\n",
        "",
        "",
        "",
    };
    static const char *const methods[] = { "POST", "POST", "POST", "POST", "POST", "HEAD", "GET", "OPTIONS" };
    static const char *const types[] = { "Execute", "Execute", "Execute", "NotificationWait", "PING", "Disconnect" };
    static const char *const hosts[] = { "mail.example.test", "mail.example.test:443", "MAIL.example.test", "other" };
    static const char *const ids[] = { GUID_A ":%u", GUID_A ":%u", GUID_B ":%u", "{X}:%u", "%u", "none:", "" };
    char text[TOKEN_TEXT], authorization[TOKEN_TEXT + 40] = "", cookies[200] = "", id[80];
    const bool connect = !jar->session || once_in(dice, 10);
    if (connect) {
        jar->session++;
        jar->sequence = 1;
        jar->connecting = true;
    } else {
        cookies_of(dice, jar, cookies);
    }
    jar->counter += !once_in(dice, 6);
    snprintf(id, sizeof(id), ANY_OF(dice, ids), jar->counter);
    if (once_in(dice, 2)) {
        snprintf(authorization, sizeof(authorization), "Authorization: %s\r\n", credentials_of(dice, text));
    }
    const char *method = ANY_OF(dice, methods), *type = connect ? "Connect" : ANY_OF(dice, types);
    const char *host = ANY_OF(dice, hosts), *one = ANY_OF(dice, lines), *two = ANY_OF(dice, lines);
    const bool body = strcmp(method, "POST") == 0;
    for (int leg = 0; leg < 2; leg++) {
        if (legs[leg] && !(leg == 1 && once_in(dice, 12))) {
            const char *via = leg == 1 && once_in(dice, 3) ? "Via: 1.1 lb\r\n" : "";
            const char *application = once_in(dice, 5) ? "X-ClientApplication: Outlook/15.0.4420.1017\r\n" : "";
            const char *expect = once_in(dice, 20) ? "Expect: 100-continue\r\n" : "";
            tap_text(legs[leg], WAY_TO_SERVER,
                     "%s /mapi/emsmdb/?MailboxId=m1@example.test HTTP/1.1\r\nHost: %s\r\n%s%s%s%s%s%s%s%s%s%s%s"
                     "X-RequestId: %s\r\n%sContent-Length: %s",
                     method, host, body ? "X-RequestType: " : "", body ? type : "", body ? "\r\n" : "", authorization,
                     *cookies ? "Cookie: " : "", cookies, *cookies ? "\r\n" : "", one, two, via, application, id,
                     expect, body ? "8\r\n\r\n/o=x/u=1" : "0\r\n\r\n");
            if (once_in(dice, 10)) {
                scene_wait(legs[leg]->scene, wait_of(dice));
            }
        }
    }
}

static void rich_answer(struct tap *const legs[2], struct dice *dice, struct jar *jar)
{
    static const char *const lines[] = {
        "X-PendingPeriod: 0\r\n",
        "X-PendingPeriod: 1\r\n",
        "X-PendingPeriod: 86400000\r\nX-ExpirationInfo: 0\r\n",
        "X-ExpirationInfo: 1\r\n",
        "X-ElapsedTime: 0\r\n",
        "X-ElapsedTime: 31000\r\n",
        "X-ServerApplication: Exchange/15.02.1118.040\r\n",
        "X-ServerApplication: Exchange/15.00.0847.000\r\n",
        "Persistent-Auth: true\r\n",
        "Persistent-Auth: false\r\n",
        "Set-Cookie: SERVERID=s1; path=/\r\n",
        "Set-Cookie: sid=deleted; path=/mapi; expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n",
        "Set-Cookie: MapiRouting=UlVNOjEyMw==; path=/mapi\r\n",
        "X-FEServer: E\r\n",
        "X-BEServer: F\r\nX-CalculatedBETarget: f.example.test\r\n",
        "Connection: close\r\n",
        "x-ms-diagnostics: 2000003;reason=\"too old\"\r\n",
        "",
        "",
    };
    static const char *const statuses[] = {
        "401 Unauthorized", "401 Unauthorized", "401 Unauthorized", "403 Forbidden",
        "407 Proxy",        "456 Blocked",      "503 Unavailable",  "100 Continue"
    };
    static const char *const servers[] = { "EX1", "EX2", "E" };
    char set[400], extra[TOKEN_TEXT + 400], text[TOKEN_TEXT];
    const bool connect = jar->connecting;
    const unsigned kind = roll(dice, 10);
    const char *one = ANY_OF(dice, lines), *two = ANY_OF(dice, lines), *status = ANY_OF(dice, statuses);
    const char *scheme = once_in(dice, 2) ? "NTLM" : "Negotiate", *server = ANY_OF(dice, servers);
    const uint64_t stamp = 132000000000000000 + roll(dice, 2);
    const unsigned offers = roll(dice, 6);
    jar->connecting = false;
    for (int leg = 1; leg >= 0; leg--) {
        if (!legs[leg] || (leg == 0 && legs[1] && once_in(dice, 15))) {
            continue;
        }
        if (kind < 5) {
            snprintf(extra, sizeof(extra), "%s%s", one, two);
            sets_of(dice, jar, connect, set);
            answer_with(legs[leg],
                        (struct answer){ .type = connect ? "Connect" : "Execute", .set = set, .extra = extra });
        } else {
            int used = snprintf(extra, sizeof(extra), "%s%s", one, two);
            if (offers < 3) {
                used += snprintf(extra + used, sizeof(extra) - (size_t)used, "WWW-Authenticate: %s\r\n",
                                 type2(scheme, server, stamp, text));
            }
            if (offers > 1) {
                used += snprintf(extra + used, sizeof(extra) - (size_t)used, "%s: %s\r\n",
                                 leg == 1 && once_in(dice, 4) ? "www-authenticate" : "WWW-Authenticate", scheme);
            }
            if (offers == 5) {
                used += snprintf(extra + used, sizeof(extra) - (size_t)used,
                                 "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"
                                 "WWW-Authenticate: Basic realm=\"x\"\r\n");
            }
            answer_status(legs[leg], status, extra);
        }
        if (once_in(dice, 6)) {
            scene_wait(legs[leg]->scene, wait_of(dice));
        }
    }
}

/* Over the ways that addresses may look: a device with the client's, loopback, IPv6. */
static void rich_leg(struct tap *tap, struct scene *scene, struct dice *dice, unsigned net, bool inner)
{
    static const char *const clients[][2] = { { "10.0.0.9:%u", "10.0.0.80:%u" },
                                              { "10.0.0.9:%u", "10.0.0.9:%u" },
                                              { "v6.9:%u", "v6.80:%u" },
                                              { "10.0.0.9:%u", "127.0.0.1:%u" } };
    static const char *const servers[][2] = { { "10.0.0.80:443", "10.0.0.81:443" },
                                              { "10.0.0.80:443", "10.0.0.81:443" },
                                              { "v6.80:443", "v6.81:443" },
                                              { "10.0.0.80:443", "127.0.0.1:444" } };
    char client[32];
    snprintf(client, sizeof(client), clients[net][inner], 50000 + scene->streams);
    struct conn_past past = { .syn = !once_in(dice, 12), .syn_ack = true };
    past.tls = once_in(dice, 3);
    past.has_next = past.syn;
    past.round_trip = roll(dice, 3) * 5000;
    tap_open_past(tap, scene, client, servers[net][inner], past);
}

static void play_rich(uint32_t seed)
{
    struct dice dice = { seed * 15485863 };
    static struct tap taps[TAPS];
    struct scene scene;
    struct jar jar = { 0, 0, 0, false };
    const bool two = seed % 3 != 0;
    bool open[TAPS] = { false };
    const unsigned net = roll(&dice, 4);
    scene_begin(&scene);
    exact = seed % 4 == 0;
    scene.frame_ns = exact ? 0 : scene.frame_ns;
    scene.wild = true;
    for (unsigned i = 0; i < ACTIONS; i++) {
        const unsigned pair = once_in(&dice, 5) ? roll(&dice, TAPS / 2) : 0;
        struct tap *const legs[2] = { &taps[2 * pair], two ? &taps[2 * pair + 1] : NULL };
        for (int leg = 0; leg < 2; leg++) {
            if (legs[leg] && (!open[2 * pair + leg] || legs[leg]->lost || once_in(&dice, 25))) {
                rich_leg(legs[leg], &scene, &dice, net, leg == 1);
                open[2 * pair + leg] = true;
            }
        }
        if (once_in(&dice, 10)) {
            act_tcp(&scene, legs[two && once_in(&dice, 2)], &dice);
        } else if (once_in(&dice, 12)) {
            act_pending_on(legs, &scene, &dice);
        } else if (once_in(&dice, 12)) { /* an answer is captured behind the request that came after it */
            rich_ask(legs, &dice, &jar);
            legs[0]->seq[WAY_TO_CLIENT] += 2000;
            rich_ask(legs, &dice, &jar);
            legs[0]->seq[WAY_TO_CLIENT] -= 2000;
            rich_answer(legs, &dice, &jar);
        } else if (once_in(&dice, 15)) {
            scene.ns -= (int64_t)(wait_of(&dice) * 1e9); /* the clock is set back */
        } else {
            rich_ask(legs, &dice, &jar);
            if (!once_in(&dice, 8)) {
                rich_answer(legs, &dice, &jar);
            }
        }
        scene.log[0] = '\0';
    }
    scene_end(&scene);
}

int main(void)
{
    char name[32];
    for (uint32_t seed = 1; seed <= PLAYS; seed++) {
        transcript_fold();
        play(seed);
        snprintf(name, sizeof(name), "play %u", (unsigned)seed);
        transcript_unfold(name);
        if (seed % 2) {
            transcript_fold();
            play_rich(seed);
            snprintf(name, sizeof(name), "rich %u", (unsigned)seed);
            transcript_unfold(name);
        }
    }
    transcript_end(__FILE__);
    return unit_end();
}
