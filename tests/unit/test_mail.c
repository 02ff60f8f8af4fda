/* test_mail.c
 * Messages as mail programs store them: RFC 5322, 2045 to 2047, 2183, 2231. The transcript has each whole.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "contents_private.h"
#include "transcript.h"
#include "unit.h"

#include <stdlib.h>

#define STRING8 0x001Eu
#define UNICODE 0x001Fu
#define LONG 0x0003u
#define BINARY 0x0102u
#define TIME 0x0040u

static void *rooms[64];
static unsigned room_count;
static size_t room_most = SIZE_MAX;

static uint8_t *make_room(void *ctx, size_t size)
{
    (void)ctx;
    if (room_count == COUNT_OF(rooms) || size > room_most) {
        return NULL;
    }
    return rooms[room_count++] = calloc(1, size);
}

static void found(void *ctx, const struct content *content)
{
    (void)ctx;
    (void)content;
}

/* Names the page in place of text in it. */
static size_t to_utf8(void *ctx, struct span text, uint16_t code_page, uint8_t *to, size_t room)
{
    CHECK(!ctx && room > 32);
    return code_page == 1 ? 0 : (size_t)snprintf((char *)to, room, "%u bytes of %u", (unsigned)text.len, code_page);
}

static const struct content_sink sink = { NULL, found, make_room, to_utf8 };

static char *written; /* the last message, with \n for \r\n */

/* Writes it; each line ends with CRLF, and none is longer than RFC 5322 2.1.1 lets it be. */
static const char *write(const char *title, const struct mail *mail)
{
    const struct span bytes = mail_write(&sink, mail);
    free(written);
    written = calloc(1, bytes.len + 1);
    size_t used = 0, column = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] == '\r') {
            CHECK(i + 1 < bytes.len && bytes.ptr[i + 1] == '\n');
            continue;
        }
        CHECK(bytes.ptr[i] != '\n' || (i > 0 && bytes.ptr[i - 1] == '\r'));
        CHECK(bytes.ptr[i] < 0x80);
        column = bytes.ptr[i] == '\n' ? 0 : column + 1;
        CHECK(column <= 998);
        written[used++] = (char)bytes.ptr[i];
    }
    /* Of more with one title a digest will do. */
    static const char *last = "";
    const bool again = title == last;
    last = title;
    if (again) {
        transcript_fold();
    }
    transcript("== %s: %u bytes", title, (unsigned)bytes.len);
    transcript_lines(written);
    if (again) {
        transcript_unfold(title);
    }
    while (room_count > 0) {
        free(rooms[--room_count]);
    }
    return written;
}

#define SAYS(what) CHECK(strstr(written, what) != NULL)
#define SAYS_NOT(what) CHECK(strstr(written, what) == NULL)

static void set(struct mail *mail, enum mail_property which, uint32_t type, const void *bytes, size_t len)
{
    mail->value[which] = (struct span){ bytes, len };
    mail->tag[which] = 0x10000 | type;
}

static void set_text(struct mail *mail, enum mail_property which, const char *text)
{
    set(mail, which, STRING8, text, strlen(text));
}

static struct mail plain(void)
{
    struct mail mail = { .next = NULL };
    set_text(&mail, MAIL_NAME, "Alice");
    set_text(&mail, MAIL_SMTP, "alice@example.test");
    set_text(&mail, MAIL_SUBJECT, "Hello");
    set_text(&mail, MAIL_TEXT, "Hi");
    return mail;
}

static void test_plain(void)
{
    struct mail mail = plain();
    CHECK_STR(write("plain", &mail), "From: \"Alice\"\n <alice@example.test>\nSubject: Hello\nMIME-Version: 1.0\n"
                                     "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSGk=\n");
    /* HTML alone, both, neither. */
    set_text(&mail, MAIL_HTML, "<p>Hi");
    write("both", &mail);
    SAYS("Content-Type: multipart/alternative; boundary=\"_part_1_\"\n\n--_part_1_\nContent-Type: text/plain\n");
    SAYS("--_part_1_\nContent-Type: text/html\n");
    SAYS("\n--_part_1_--\n");
    mail.value[MAIL_TEXT].ptr = NULL;
    write("html", &mail);
    SAYS("Content-Type: text/html\n");
    SAYS("PHA+SGk=");
    mail.value[MAIL_HTML].ptr = NULL;
    CHECK_STR(write("no body", &mail), "");
    mail = plain();
    mail.partial = true;
    CHECK_STR(write("partial", &mail), "");
}

/* One to three bytes at the end; lines of 57 bytes. */
static void test_base64(void)
{
    static const char text[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ\xFF\xFB\xEF";
    static const size_t lengths[] = { 0, 1, 2, 3, 4, 56, 57, 58, 59, 60, 114, sizeof(text) - 1 };
    for (unsigned i = 0; i < COUNT_OF(lengths); i++) {
        struct mail mail = plain();
        set(&mail, MAIL_TEXT, STRING8, text, lengths[i]);
        write("base64", &mail);
    }
    SAYS("YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXpBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWjAxMjM0\n");
}

/* Encoded words (RFC 2047), where text is no plain ASCII, or may be taken for one. */
static void test_words(void)
{
    static const char *const texts[] = {
        "plain",
        "",
        "a\"b",
        "a\\b",
        "a=?b",
        "tab\there",
        "del\x7F",
        "space at ~ the end ",
        "B\xC3\xA4r",
        "123456789012345678901234567890123456789012345678901234567890",
        "1234567890123456789012345678901234567890123456789012345678901",
        "1234567890123456789012345678901234567890\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4",
        "12345678901234567890123456789012345678901\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4",
        ("\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
         "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"),
    };
    for (unsigned i = 0; i < COUNT_OF(texts); i++) {
        struct mail mail = plain();
        set_text(&mail, MAIL_SUBJECT, texts[i]);
        set_text(&mail, MAIL_NAME, texts[i]);
        write("words", &mail);
        for (const char *line = written; *line; line += strcspn(line, "\n"), line += *line == '\n') {
            CHECK(strcspn(line, "\n") <= 76 || strncmp(line, "From: \"", 7) == 0 || strncmp(line, "Subject", 7) == 0);
        }
    }
    struct mail mail = plain();
    set_text(&mail, MAIL_SUBJECT, "a\"b\\c");
    set_text(&mail, MAIL_NAME, "a\"b");
    write("quotes", &mail);
    SAYS("Subject: a\"b\\c\n");
    SAYS("From: =?utf-8?B?YSJi?=\n");
}

static void test_addresses(void)
{
    static const struct {
        const char *smtp, *address, *shown;
    } cases[] = {
        { "a@b", NULL, "<a@b>" },
        { "@b", "c@d", "<c@d>" },
        { "a@", "c@d", "<c@d>" },
        { "none", "c@d", "<c@d>" },
        { "a b@c", NULL, "<not-known@x500.invalid>" },
        { "\xC3\xA4@c", NULL, "<not-known@x500.invalid>" },
        { "a~@c", NULL, "<a~@c>" },
        { "a!@c", NULL, "<a!@c>" },
        { "a<@c", NULL, "<not-known@x500.invalid>" },
        { "a@c,b@d", NULL, "<not-known@x500.invalid>" },
        { NULL, "/o=First/cn=alice", "<not-known@x500.invalid>" },
        { NULL, NULL, "<not-known@x500.invalid>" },
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct mail mail = plain();
        mail.value[MAIL_SMTP].ptr = NULL;
        if (cases[i].smtp) {
            set_text(&mail, MAIL_SMTP, cases[i].smtp);
        }
        if (cases[i].address) {
            set_text(&mail, MAIL_ADDRESS, cases[i].address);
        }
        write("address", &mail);
        SAYS(cases[i].shown);
    }
    /* 254 characters, and one more (RFC 5321 4.5.3.1.3). */
    for (unsigned more = 0; more < 2; more++) {
        char address[300];
        memset(address, 'a', sizeof(address));
        address[2] = '@';
        address[254 + more] = '\0';
        struct mail mail = plain();
        set_text(&mail, MAIL_SMTP, address);
        write("long address", &mail);
        CHECK((strstr(written, "<aa@") != NULL) == (more == 0));
    }
}

static void test_recipients(void)
{
    static const uint8_t types[][4] = { { 1, 0, 0, 0 }, { 2, 0, 0, 0 }, { 3, 0, 0, 0 }, { 0x12, 0, 0, 0 }, { 4 } };
    static const char *const names[] = { "To", "Cc", "Bcc", "Again", "Nobody", "None" };
    struct mail to[6] = { { .next = NULL } }, mail = plain();
    for (unsigned i = 0; i < 6; i++) {
        set_text(&to[i], MAIL_NAME, names[i]);
        set_text(&to[i], MAIL_SMTP, "x@y");
        if (i < 5) {
            set(&to[i], MAIL_RECIPIENT_TYPE, LONG, types[i], 4);
        }
        to[i].next = i < 5 ? &to[i + 1] : NULL;
    }
    mail.recipients = to;
    write("recipients", &mail);
    SAYS(
        "\nTo: \"To\"\n <x@y>,\n \"None\"\n <x@y>\nCc: \"Cc\"\n <x@y>,\n \"Again\"\n <x@y>\nBcc: \"Bcc\"\n <x@y>\nSubject");
    SAYS_NOT("Nobody");
}

static void set_time(struct mail *mail, uint8_t bytes[8], int64_t seconds)
{
    const uint64_t ticks = (uint64_t)(seconds * 10000000 + INT64_C(116444736000000000));
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(ticks >> 8 * i);
    }
    set(mail, MAIL_DATE, TIME, bytes, 8);
}

static void test_dates(void)
{
    static const struct {
        int64_t seconds;
        const char *shown;
    } cases[] = {
        { 0, "Date: Thu, 1 Jan 1970 00:00:00 +0000\n" },
        { 86399, "Date: Thu, 1 Jan 1970 23:59:59 +0000\n" },
        { 86400, "Date: Fri, 2 Jan 1970 00:00:00 +0000\n" },
        { 951782400, "Date: Tue, 29 Feb 2000 00:00:00 +0000\n" },
        { 951868800, "Date: Wed, 1 Mar 2000 00:00:00 +0000\n" },
        { 1078012800, "Date: Sun, 29 Feb 2004 00:00:00 +0000\n" },
        { 1709164800, "Date: Thu, 29 Feb 2024 00:00:00 +0000\n" },
        { 1735689599, "Date: Tue, 31 Dec 2024 23:59:59 +0000\n" },
        { 1735689600, "Date: Wed, 1 Jan 2025 00:00:00 +0000\n" },
        { 1700000000, "Date: Tue, 14 Nov 2023 22:13:20 +0000\n" },
        { 4107542400, "Date: Mon, 1 Mar 2100 00:00:00 +0000\n" },
        { INT64_C(253402300799), "Date: Fri, 31 Dec 9999 23:59:59 +0000\n" },
        { INT64_C(253402300800), NULL },
        { -1, NULL },
    };
    uint8_t bytes[8];
    struct mail mail = plain();
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        set_time(&mail, bytes, cases[i].seconds);
        write("date", &mail);
        CHECK(cases[i].shown ? strstr(written, cases[i].shown) != NULL : !strstr(written, "Date:"));
    }
    set_time(&mail, bytes, 0);
    mail.value[MAIL_DATE].len = 7;
    write("no date", &mail);
    SAYS_NOT("Date:");
}

/* Every day of 800 years has the date behind that of the day before, and the months their days. */
static void test_calendar(void)
{
    uint8_t bytes[8];
    struct mail mail = plain();
    char last[40] = "";
    unsigned bad = 0, months = 0;
    transcript_off = true;
    for (int64_t day = 0; day < 292194; day++) {
        if (day % 1461 > 62 && day % 7) {
            continue; /* around each end of February, else once a week */
        }
        set_time(&mail, bytes, day * 86400);
        const char *date = strstr(write("day", &mail), "Date: ");
        bad += !date || strncmp(date + 6, last, 3) == 0;
        months += date && strstr(date, " 29 Feb ") ? 1 : 0;
        snprintf(last, sizeof(last), "%.30s", date && day % 1461 <= 61 ? date + 6 : "");
    }
    transcript_off = false;
    CHECK_INT(bad, 0);
    CHECK(months > 0);
}

static void test_ids(void)
{
    static const struct {
        const char *id;
        bool shown;
    } cases[] = { { "<a@b>", true }, { "<>", false },      { "<a>", true },       { "a@b>", false },
                  { "<a@b", false }, { "<a b@c>", false }, { "<a\"b@c>", false }, { "<a\tb@c>", true } };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct mail mail = plain();
        set_text(&mail, MAIL_ID, cases[i].id);
        write("id", &mail);
        CHECK((strstr(written, "Message-ID: <") != NULL) == cases[i].shown);
    }
    for (unsigned more = 0; more < 2; more++) {
        char id[300], line[330];
        memset(id, 'a', sizeof(id));
        id[0] = '<';
        id[248 + more] = '>';
        id[249 + more] = '\0';
        struct mail mail = plain();
        set_text(&mail, MAIL_ID, id);
        write("long id", &mail);
        snprintf(line, sizeof(line), "\nMessage-ID: %s\n", id);
        CHECK((strstr(written, line) != NULL) == (more == 0));
        CHECK((strstr(written, "Message-ID: <a") != NULL) == (more == 0));
    }
}

static void test_charsets(void)
{
    static const struct {
        uint32_t page;
        const char *charset;
    } cases[] = { { 65001, "; charset=utf-8\n" },
                  { 20127, "; charset=us-ascii\n" },
                  { 1249, "text/plain\n" },
                  { 1250, "; charset=windows-1250\n" },
                  { 1258, "; charset=windows-1258\n" },
                  { 1259, "text/plain\n" },
                  { 28590, "text/plain\n" },
                  { 28591, "; charset=iso-8859-1\n" },
                  { 28605, "; charset=iso-8859-15\n" },
                  { 28606, "text/plain\n" } };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        const uint8_t page[4] = { (uint8_t)cases[i].page, (uint8_t)(cases[i].page >> 8),
                                  (uint8_t)(cases[i].page >> 16) };
        struct mail mail = plain();
        set(&mail, MAIL_BODY_CODE_PAGE, LONG, page, 4);
        set(&mail, MAIL_TEXT, STRING8, "Hi\0\0", 4); /* terminators go */
        write("charset", &mail);
        SAYS(cases[i].charset);
        SAYS("\nSGk=\n");
        mail.value[MAIL_BODY_CODE_PAGE].len = 3;
        write("broken page", &mail);
        SAYS("text/plain\n");
    }
    /* UTF-16LE becomes UTF-8, with its terminator gone; types of code pages 1200, too. */
    static const uint32_t wide[] = { UNICODE, 0x84B0, 0x94B0 };
    for (unsigned i = 0; i < COUNT_OF(wide); i++) {
        struct mail mail = plain();
        set(&mail, MAIL_TEXT, wide[i], "H\0\xAC\x20\0\0", 6);
        write("wide", &mail);
        SAYS("Content-Type: text/plain; charset=utf-8\n");
        SAYS("\nSOKCrA==\n");
        set(&mail, MAIL_SUBJECT, wide[i], "H\0i\0\0\0", 6);
        write("wide subject", &mail);
        SAYS("Subject: Hi\n");
        /* No terminator; half a character; surrogates, one of them alone. */
        set(&mail, MAIL_SUBJECT, wide[i], "H\0i\0x", 5);
        set(&mail, MAIL_TEXT, wide[i], "\x3D\xD8\x00\xDE\x3D\xD8H\0x", 9);
        write("odd", &mail);
        SAYS("Subject: Hi\n");
        SAYS("\n8J+YgO+/vUg=\n");
    }
}

/* Strings of 8 bits: by their type, else by PidTagMessageCodepage; bodies by PidTagInternetCodepage before that. */
static void test_code_pages(void)
{
    static const uint8_t of_1251[4] = { 0xE3, 4 }, of_1250[4] = { 0xE2, 4 }, none[4] = { 1 }, wide[4] = { 0, 0, 1 };
    struct mail to = { .next = NULL }, attached = { .next = NULL }, second = { .next = NULL }, mail = plain();
    set_text(&to, MAIL_NAME, "Bob");
    set_text(&attached, MAIL_FILE, "file");
    set(&attached, MAIL_DATA, BINARY, "data", 4);
    attached.next = &second;
    set(&second, MAIL_FILE, 0x84E4, "file", 4);
    set(&second, MAIL_DATA, BINARY, "data", 4);
    mail.recipients = &to;
    mail.attachments = &attached;
    set(&mail, MAIL_CODE_PAGE, LONG, of_1251, 4);
    mail_find_code_page(&mail);
    write("code page of the message", &mail);
    SAYS("Subject: 5 bytes of 1251\n");
    SAYS("To: \"3 bytes of 1251\"\n");
    SAYS("utf-8''4%20bytes%20of%201251\n");
    SAYS("utf-8''4%20bytes%20of%201252\n");
    SAYS("Content-Type: text/plain; charset=windows-1251\n");
    set(&mail, MAIL_BODY_CODE_PAGE, LONG, of_1250, 4);
    write("and of its body", &mail);
    SAYS("Subject: 5 bytes of 1251\n");
    SAYS("Content-Type: text/plain; charset=windows-1250\n");
    set(&mail, MAIL_SUBJECT, 0x84E4, "Hello", 5);
    set(&mail, MAIL_TEXT, 0xD182, "Hi", 2);
    write("and of the types", &mail);
    SAYS("Subject: 5 bytes of 1252\n");
    SAYS("Content-Type: text/plain; charset=koi8-r\n");
    /* None that is known; none that can be one. */
    struct mail other = plain();
    set(&other, MAIL_CODE_PAGE, LONG, none, 4);
    mail_find_code_page(&other);
    write("none", &other);
    SAYS("Subject: Hello\n");
    set(&other, MAIL_CODE_PAGE, LONG, wide, 4);
    mail_find_code_page(&other);
    CHECK_INT(mail_code_page(&other, MAIL_SUBJECT), 0);
    set(&other, MAIL_CODE_PAGE, LONG, of_1251, 2);
    mail_find_code_page(&other);
    CHECK_INT(mail_code_page(&other, MAIL_SUBJECT), 0);
}

static void test_attachments(void)
{
    static const struct {
        const char *mime, *shown;
    } mimes[] = { { "image/png", "image/png" },
                  { "application/x.y+z-1_2", "application/x.y+z-1_2" },
                  { "image", "application/octet-stream" },
                  { "a/b/c", "application/octet-stream" },
                  { "/png", "application/octet-stream" },
                  { "image/", "application/octet-stream" },
                  { "image/p;x=1", "application/octet-stream" },
                  { "multipart/mixed", "application/octet-stream" },
                  { "message/rfc822", "application/octet-stream" },
                  { "zZ9/0aA", "zZ9/0aA" },
                  { "a/[", "application/octet-stream" },
                  { "a/{", "application/octet-stream" },
                  { "a/@", "application/octet-stream" },
                  { "a/`", "application/octet-stream" },
                  { "a/:", "application/octet-stream" } };
    struct mail attached = { .next = NULL }, second = { .next = NULL }, mail = plain();
    mail.attachments = &attached;
    set(&attached, MAIL_DATA, BINARY, "data", 4);
    for (unsigned i = 0; i < COUNT_OF(mimes); i++) {
        char line[100];
        set_text(&attached, MAIL_MIME, mimes[i].mime);
        write("type", &mail);
        snprintf(line, sizeof(line), "\nContent-Type: %s\nContent-Transfer-Encoding", mimes[i].shown);
        SAYS(line);
    }
    for (unsigned more = 0; more < 2; more++) { /* 99 characters, and one more */
        char mime[120];
        memset(mime, 'a', sizeof(mime));
        mime[5] = '/';
        mime[99 + more] = '\0';
        set_text(&attached, MAIL_MIME, mime);
        write("long type", &mail);
        CHECK((strstr(written, "aaaaa/a") != NULL) == (more == 0));
    }
    set_text(&attached, MAIL_MIME, "text/plain");
    /* Names: the long one, else the short one, else one of ours; bytes that are no letters or digits. */
    write("no name", &mail);
    SAYS("filename*=utf-8''attachment.bin\n");
    set_text(&attached, MAIL_SHORT_FILE, "A~1.TXT");
    write("short name", &mail);
    SAYS("filename*=utf-8''A%7E1.TXT\n");
    set_text(&attached, MAIL_FILE, "\xC3\xA4 0/9:@AZ[`az{.txt");
    write("name", &mail);
    SAYS("filename*=utf-8''%C3%A4%200%2F9%3A%40AZ%5B%60az%7B.txt\n");
    set_text(&attached, MAIL_CONTENT_ID, "image@1");
    write("inline", &mail);
    SAYS("\nContent-ID: <image@1>\n");
    char id[255], line[300];
    memset(id, 'a', sizeof(id));
    id[1] = '@';
    id[254] = '\0';
    set_text(&attached, MAIL_CONTENT_ID, id);
    write("long inline", &mail);
    snprintf(line, sizeof(line), "\nContent-ID: <%s>\n", id);
    SAYS(line);
    set_text(&attached, MAIL_CONTENT_ID, "no id");
    write("not inline", &mail);
    SAYS_NOT("Content-ID");
    /* Two; one of them without data: then it is none that mail has a form for. */
    attached.next = &second;
    CHECK_STR(write("no data", &mail), "");
    set(&second, MAIL_DATA, BINARY, "more", 4);
    write("two", &mail);
    SAYS("Content-Type: multipart/mixed; boundary=\"_part_1_\"\n\n--_part_1_\nContent-Type: text/plain\n");
    SAYS("\nZGF0YQ==\n--_part_1_\n");
    SAYS("\nbW9yZQ==\n--_part_1_--\n");
}

static void test_embedded(void)
{
    struct mail outer = plain(), attached = { .next = NULL }, inner = plain();
    set_text(&inner, MAIL_HTML, "<p>");
    outer.attachments = &attached;
    attached.embedded = &inner;
    write("embedded", &outer);
    SAYS("--_part_1_\nContent-Type: message/rfc822\n\nFrom: ");
    SAYS("boundary=\"_part_2_\"");
    inner.partial = true;
    CHECK_STR(write("partial", &outer), "");
    /* As deep as may be, and one more. */
    for (unsigned more = 0; more < 2; more++) {
        struct mail mails[MAIL_DEPTH_MAX + 2], carriers[MAIL_DEPTH_MAX + 2];
        const unsigned depth = MAIL_DEPTH_MAX + more;
        memset(carriers, 0, sizeof(carriers));
        for (unsigned i = 0; i <= depth; i++) {
            mails[i] = plain();
            mails[i].attachments = i < depth ? &carriers[i] : NULL;
            carriers[i].embedded = i < depth ? &mails[i + 1] : NULL;
        }
        CHECK((*write("deep", &mails[0]) != '\0') == (more == 0));
    }
}

/* Without enough room there is no message at all. */
static void test_room(void)
{
    static char text[20000];
    memset(text, 'x', sizeof(text));
    for (unsigned i = 0; i < 4; i++) {
        static const size_t most[] = { 4095, 4096, 32767, 32768 };
        struct mail mail = plain();
        set(&mail, MAIL_TEXT, STRING8, text, i < 2 ? 2 : 20000);
        room_most = most[i];
        write("room", &mail);
        CHECK((*written != '\0') == (i % 2 == 1));
    }
    room_most = SIZE_MAX;
}

int main(void)
{
    test_plain();
    test_base64();
    test_words();
    test_addresses();
    test_recipients();
    test_dates();
    test_calendar();
    test_ids();
    test_charsets();
    test_code_pages();
    test_attachments();
    test_embedded();
    test_room();
    free(written);
    transcript_end(__FILE__);
    return unit_end();
}
