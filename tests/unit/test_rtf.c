/* test_rtf.c
 * Compressed RTF by the examples of MS-OXRTFCP 4, and damaged; and the text of RTF after MS-OXRTFEX.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "chars.h"
#include "dice.h"
#include "rtf_compressed.h"
#include "rtf_text.h"
#include "unit.h"

#include <stdlib.h>

#define ROOM 0x20000u
#define HEADER 16u

/* ---- compressed ---- */

/* MS-OXRTFCP 4.1.1: 43 bytes; 4.1.2: one whose references run into what they write. */
static const uint8_t simple[] = { 0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a, 0x46, 0x75, 0xf1,
                                  0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32,
                                  0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62,
                                  0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0 };
static const uint8_t crossing[] = { 0x1a, 0x00, 0x00, 0x00, 0x1c, 0x00, 0x00, 0x00, 0x4c, 0x5a,
                                    0x46, 0x75, 0xe2, 0xd4, 0x4b, 0x51, 0x41, 0x00, 0x04, 0x20,
                                    0x57, 0x58, 0x59, 0x5a, 0x0d, 0x6e, 0x7d, 0x01, 0x0e, 0xb0 };

static uint8_t out[ROOM];

/* What it holds, -1 if it is damaged. */
static long undone(const uint8_t *value, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1); /* so that what is read behind its end is seen */
    memcpy(copy, value, len);
    const uint32_t announced = rtf_announced((struct span){ copy, len });
    CHECK(announced <= len * 9 + ROOM);
    uint8_t *exact = malloc(announced ? announced : 1);
    const bool good = announced > 0 && rtf_decompress((struct span){ copy, len }, exact);
    if (good && announced < sizeof(out)) {
        memcpy(out, exact, announced);
        out[announced] = '\0';
    }
    free(exact);
    free(copy);
    return good ? (long)announced : -1;
}

static void put32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> 8 * i);
    }
}

/* The CRC of MS-OXRTFCP 2.1.3.2 and the sizes, for contents that stand behind the header. */
static size_t seal(uint8_t *value, size_t contents, uint32_t raw)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < contents; i++) {
        crc ^= value[HEADER + i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
        }
    }
    put32(value, (uint32_t)contents + 12);
    put32(value + 4, raw);
    memcpy(value + 8, "LZFu", 4);
    put32(value + 12, crc);
    return HEADER + contents;
}

static void test_examples(void)
{
    CHECK_INT(undone(simple, sizeof(simple)), 43);
    CHECK_STR((char *)out, "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
    CHECK_INT(undone(crossing, sizeof(crossing)), 28);
    CHECK_STR((char *)out, "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
    static const char bare[] = "\x18\0\0\0\x07\0\0\0MELA\0\0\0\0{\\rtf1}12345";
    CHECK_INT(undone((const uint8_t *)bare, sizeof(bare) - 1), 7);
    CHECK_STR((char *)out, "{\\rtf1}");
}

static void test_damaged(void)
{
    uint8_t bytes[sizeof(simple) + 8];
    for (size_t len = 0; len < sizeof(simple); len++) {
        CHECK_INT(undone(simple, len), -1);
    }
    for (size_t at = 0; at < sizeof(simple); at++) {
        memcpy(bytes, simple, sizeof(simple));
        bytes[at] ^= 0x11;
        CHECK_INT(undone(bytes, sizeof(simple)), -1);
    }
    /* Announced: one less, one more; with a CRC that fits. */
    memcpy(bytes, simple, sizeof(simple));
    CHECK_INT(undone(bytes, seal(bytes, sizeof(simple) - HEADER, 43)), 43);
    CHECK_INT(undone(bytes, seal(bytes, sizeof(simple) - HEADER, 42)), -1);
    CHECK_INT(undone(bytes, seal(bytes, sizeof(simple) - HEADER, 44)), -1);
    CHECK_INT(undone(bytes, seal(bytes, sizeof(simple) - HEADER, 0x7FFFFFFF)), -1);
    CHECK_INT(undone(bytes, seal(bytes, sizeof(simple) - HEADER - 2, 43)), -1); /* no end */
    /* What stands behind the end is padding. */
    memset(bytes + sizeof(simple), 0, 8);
    CHECK_INT(undone(bytes, seal(bytes, sizeof(bytes) - HEADER, 43)), 43);
    /* A place of the ring where nothing was written. */
    memcpy(bytes + HEADER, "\x01\xf0\x00\x02\x0d\x10", 6);
    CHECK_INT(undone(bytes, seal(bytes, 6, 2)), -1);
    /* Uncompressed, and not all there. */
    static const char bare[] = "\x18\0\0\0\x0d\0\0\0MELA\0\0\0\0{\\rtf1}12345";
    CHECK_INT(undone((const uint8_t *)bare, sizeof(bare) - 1), -1);
}

/* References behind the place where the ring begins anew. */
static void test_around(void)
{
    static uint8_t value[0x8000];
    size_t used = HEADER;
    uint32_t raw = 0;
    for (unsigned run = 0; run < 600; run++) {
        value[used++] = 0;
        for (unsigned i = 0; i < 8; i++) {
            value[used++] = (uint8_t)('a' + raw++ % 23);
        }
    }
    const uint32_t at = (207 + raw) % 4096, from = (at + 4096 - 1000) % 4096;
    value[used++] = 0x03;
    value[used++] = (uint8_t)(from >> 4);
    value[used++] = (uint8_t)(from << 4 | 15);
    const uint32_t end = (at + 17) % 4096;
    value[used++] = (uint8_t)(end >> 4);
    value[used++] = (uint8_t)(end << 4);
    CHECK_INT(undone(value, seal(value, used - HEADER, raw + 17)), raw + 17);
    for (uint32_t i = 0; i < 17; i++) {
        CHECK_INT(out[raw + i], out[raw + i - 1000]);
    }
}

/* As many bytes as contents of a size can hold. */
static void test_dense(void)
{
    static uint8_t value[4096];
    size_t used = HEADER;
    uint32_t at = 207, raw = 0;
    for (unsigned run = 0; run < 200; run++) {
        value[used++] = 0xFF;
        for (unsigned i = 0; i < 8; i++) {
            const uint32_t from = run == 199 && i == 7 ? at : (at + 4095) % 4096;
            value[used++] = (uint8_t)(from >> 4);
            value[used++] = (uint8_t)(from << 4 | 15);
            raw += from == at ? 0 : 17;
            at = from == at ? at : (at + 17) % 4096;
        }
    }
    CHECK_INT(undone(value, seal(value, used - HEADER, raw)), 17 * 1599);
    CHECK(out[0] == 'x' && out[raw - 1] == 'x'); /* what the ring begins with ends so */
}

static void test_made_up(void)
{
    struct dice dice = { 0x5EED };
    static uint8_t value[256];
    unsigned good = 0;
    for (unsigned play = 0; play < 50000; play++) {
        const size_t len = 1 + roll(&dice, 64);
        for (size_t i = 0; i < len; i++) {
            value[HEADER + i] = (uint8_t)roll(&dice, 256);
        }
        good += undone(value, seal(value, len, roll(&dice, 300))) >= 0;
    }
    CHECK(good < 50000);
}

/* ---- the text of RTF ---- */

/* What these tests need of code pages, as Unicode's mappings of them have it. */
static size_t to_utf8(void *ctx, struct span text, uint16_t code_page, uint8_t *to, size_t room)
{
    static const struct {
        uint16_t page;
        char bytes[3], utf8[4];
    } characters[] = { { 437, "\x84", "\xC3\xA4" },         { 850, "\xB5", "\xC3\x81" },
                       { 932, "\x82\xA0", "\xE3\x81\x82" }, { 932, "\x83\\", "\xE3\x82\xBD" },
                       { 949, "\xB0\xA1", "\xEA\xB0\x80" }, { 1250, "\xB9", "\xC4\x85" },
                       { 1251, "\xE4", "\xD0\xB4" },        { 1252, "\xE4", "\xC3\xA4" },
                       { 1252, "\x80", "\xE2\x82\xAC" },    { 1253, "\xE4", "\xCE\xB4" },
                       { 10000, "\x80", "\xC3\x84" },       { 65001, "\xC3\xA4", "\xC3\xA4" } };
    size_t len = 0, known = 0;
    CHECK(room >= 3 * text.len && !ctx);
    while (text.len > 0) {
        const char byte[2] = { (char)text.ptr[0], '\0' };
        const char *found = text.ptr[0] < 0x80 ? byte : "\xEF\xBF\xBD";
        size_t used = 1;
        for (size_t i = 0; i < COUNT_OF(characters); i++) {
            const size_t most = strlen(characters[i].bytes);
            known += characters[i].page == code_page;
            if (characters[i].page == code_page && most <= text.len &&
                memcmp(text.ptr, characters[i].bytes, most) == 0) {
                found = characters[i].utf8;
                used = most;
            }
        }
        memcpy(to + len, found, strlen(found));
        len += strlen(found);
        text = span_skip(text, used);
    }
    return known ? len : 0;
}

struct reading {
    const char *rtf;
    enum rtf_origin origin;
    const char *text; /* NULL: it is not readable */
};

#define HTML_HEAD                                                                                                \
    "{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\fonttbl{\\f0\\fswiss Arial;}{\\f1\\fcharset204 Arial Cyr;}" \
    "{\\f2\\fcharset128 MS Gothic;}{\\f3\\fcharset129 Gulim;}{\\f4\\cpg1253 Greek;}}{\\colortbl;\\red0\\green0\\blue255;}\r\n\\uc1\\pard\\plain\\deftab360 "
#define TEXT_HEAD \
    "{\\rtf1\\ansi\\ansicpg1252\\fromtext \\deff0{\\fonttbl{\\f0\\fmodern Courier New;}{\\f2\\fcharset128 MS Gothic;}}\r\n\\pard\\plain "
#define RTF_HEAD \
    "{\\rtf1\\ansi\\deff1{\\fonttbl{\\f0 A;}{\\f1\\fcharset238 B;}}{\\stylesheet{\\s0 Normal;}}{\\info{\\title T}}\r\n\\pard\\plain "

static const struct reading readings[] = {
    /* The shape of MS-OXRTFEX 4.1: markup in groups of its own, its look between \htmlrtf and \htmlrtf0. */
    { HTML_HEAD
      "{\\*\\htmltag64}\r\n{\\*\\htmltag19 <html>}{\\*\\htmltag50 <body>\\par\r\n\\tab }"
      "{\\*\\htmltag84 <b>}\\htmlrtf {\\b \\htmlrtf0 bold\\htmlrtf }\\htmlrtf0{\\*\\htmltag92 </b>} and \\htmlrtf {\\ul \\htmlrtf0 "
      "{\\*\\mhtmltag84 <a href=\"cid:1\">}{\\*\\htmltag84 <a href=\"x\">}link{\\*\\htmltag92 </a>}\\htmlrtf }\\htmlrtf0 \\htmlrtf\\par\\htmlrtf0\r\n"
      "{\\*\\htmltag58 </body>}}",
      RTF_FROM_HTML, "<html><body>\r\n\t<b>bold</b> and <a href=\"x\">link</a></body>" },
    /* 2.1.3.1.4.2 */
    { HTML_HEAD
      "{\\*\\htmltag1 \\{\\}\\\\\\lquote\\rquote\\ldblquote\\rdblquote\\bullet\\endash\\emdash\\~\\_\\'e4\\u8364 ?\\b\\fs20 .}}",
      RTF_FROM_HTML, "{}\\&lsquo;&rsquo;&ldquo;&rdquo;&bull;&ndash;&mdash;&nbsp;&shy;\xC3\xA4\xE2\x82\xAC." },
    /* Text is of the font, markup of the document; Unicode with what stands for it of one byte, two, none. */
    { HTML_HEAD "\\htmlrtf\\f1\\htmlrtf0\\'e4{\\*\\htmltag1 \\'e4}{\\f4\\'e4}\\'e4\\plain\\'e4"
                "\\u-3913?\\u-10179 ?\\u-8704 \\'3f\\uc2\\u960 ab\\uc0\\u961 c{\\uc1\\u962 d}\\u963 e}",
      RTF_FROM_HTML,
      "\xD0\xB4\xC3\xA4\xCE\xB4\xD0\xB4\xC3\xA4\xEF\x82\xB7\xF0\x9F\x98\x80\xCF\x80\xCF\x81"
      "c\xCF\x82\xCF\x83"
      "e" },
    /* Code pages of two bytes, the second of which may be a sign of RTF's; halves, what is no character, and NUL. */
    { HTML_HEAD "\\f2\\'82\\'a0\\'83\\\\{\\*\\htmltag1 <\\'e4>}\\u8364 ?\\f3 A}", RTF_FROM_HTML,
      "\xE3\x81\x82\xE3\x82\xBD<\xC3\xA4>\xE2\x82\xAC"
      "A" },
    { HTML_HEAD "\\f2\\'82\\'a0\\f3\\'b0\\'a1}", RTF_FROM_HTML, "\xE3\x81\x82\xEA\xB0\x80" },
    { TEXT_HEAD "\\f2\\'82\\'a0\\u8364 ?\\'82{\\'a0}}", RTF_FROM_TEXT, "\xE3\x81\x82\xE2\x82\xAC\xE3\x81\x82" },
    { TEXT_HEAD "\\f2\\'82\\par\\'a0\\'00\\f0\\'81 x}", RTF_FROM_TEXT, "\xEF\xBF\xBD\r\n\xEF\xBF\xBD\xEF\xBF\xBD x" },
    /* Plain text. */
    { TEXT_HEAD
      "Dear A,\\par\r\n\\tab two\\line \\{three\\} \\ldblquote four\\rdblquote\\~ \\'80{\\*\\ignored five}{\\pict 00ff}\\\r\n\\bin4 }}{{six}\r\nbehind",
      RTF_FROM_TEXT,
      "Dear A,\r\n\ttwo\r\n{three} \xE2\x80\x9C"
      "four\xE2\x80\x9D\xC2\xA0 \xE2\x82\xAC\r\nsix" },
    { TEXT_HEAD
      "\\lquote\\rquote\\ldblquote\\rdblquote\\bullet\\endash\\emdash\\~\\_\\emspace\\enspace\\zwj\\zwnj\\ltrmark\\rtlmark}",
      RTF_FROM_TEXT,
      "\xE2\x80\x98\xE2\x80\x99\xE2\x80\x9C\xE2\x80\x9D\xE2\x80\xA2\xE2\x80\x93\xE2\x80\x94\xC2\xA0\xC2\xAD"
      "\xE2\x80\x83\xE2\x80\x82\xE2\x80\x8D\xE2\x80\x8C\xE2\x80\x8E\xE2\x80\x8F" },
    /* RTF of its own: the font of the beginning, fields, tables, what is hidden. */
    { RTF_HEAD
      "\\'b9 {\\field{\\*\\fldinst{HYPERLINK \"x\"}}{\\fldrslt{here}}}\\cell b\\row{\\v no}\\v no\\v0 c\\v no\\plain\\'b9}",
      RTF_ITSELF, "\xC4\x85 here\tb\r\nc\xC4\x85" },
    { "{\\rtf1\\mac\\'80}", RTF_ITSELF, "\xC3\x84" },
    { "{\\rtf1\\ansicpg65001 \xC3\xA4}", RTF_ITSELF, "\xC3\xA4" },
    { "{\\rtf1\\ansicpg4711 a\\'e4}", RTF_ITSELF, NULL },
    { "{\\rtf1\\ansicpg66788\\'e4}", RTF_ITSELF, NULL },
    { "{\\rtf1\\ansicpg4711 a}", RTF_ITSELF, "a" },
    /* The ends of what there is: halves of characters, numbers, the document. */
    { "{\\rtf1\\fromtext\\u-9217 ?\\u-8193 ?\\u-10240 ?\\u-9216 ?\\u-9216 ?\\u-10179 ?x\\u2147483640 ?\\u66",
      RTF_FROM_TEXT,
      "\xF4\x8F\xBF\xBF\xF0\x90\x80\x80\xEF\xBF\xBDx\xEF\xBF\xB8"
      "B" },
    { "{\\rtf1\\fromtext a\\b ", RTF_FROM_TEXT, "a" },
    { "{\\rtf1\\mac\\ansi\\'e4}", RTF_ITSELF, "\xC3\xA4" },
    { "{\\rtf1\\pc\\'84\\pca\\'b5}", RTF_ITSELF, "\xC3\xA4\xC3\x81" },
    /* \fromhtml must be 1, and stand among the first ten tokens, before any text. */
    { "{\\rtf1\\fromhtml0 a{\\*\\htmltag1 b}}", RTF_ITSELF, "a" },
    { "{\\rtf1\\a\\b\\c\\d\\e\\g\\h\\i\\fromtext x}", RTF_ITSELF, "x" },
    { "{\\rtf1\\a\\b\\c\\d\\e\\g\\h\\fromtext x}", RTF_FROM_TEXT, "x" },
    { "{\\rtf1 x\\fromhtml1{\\*\\htmltag1 b}}", RTF_ITSELF, "x" },
    /* It ends early, or goes on. */
    { "{\\rtf1\\fromtext a{b", RTF_FROM_TEXT, "ab" },
    { "{\\rtf1\\fromtext a}b}", RTF_FROM_TEXT, "a" },
    { "{\\rtf1\\fromtext a\\", RTF_FROM_TEXT, "a" },
    { "{\\rtf1\\fromtext a\\bin99999999999 b}", RTF_FROM_TEXT, "a" },
    { "{\\rt1 a}", RTF_NONE, NULL },
    { "", RTF_NONE, NULL },
};

static struct rtf_text read_text(const char *rtf, size_t len, size_t room)
{
    uint8_t *copy = malloc(len ? len : 1), *to = malloc(room ? room : 1);
    memcpy(copy, rtf, len);
    struct rtf_text text = rtf_read((struct span){ copy, len }, to_utf8, NULL, to, room);
    CHECK(text.utf8.len <= room && (text.readable || !text.utf8.ptr));
    if (text.utf8.len < sizeof(out)) {
        memcpy(out, to, text.utf8.len);
        out[text.utf8.len] = '\0';
    }
    text.utf8.ptr = text.readable ? out : NULL;
    free(to);
    free(copy);
    return text;
}

static void test_texts(void)
{
    for (size_t i = 0; i < COUNT_OF(readings); i++) {
        const size_t len = strlen(readings[i].rtf);
        const struct rtf_text text = read_text(readings[i].rtf, len, RTF_TEXT_MOST * len);
        CHECK_INT(text.origin, readings[i].origin);
        CHECK_INT(text.readable, readings[i].text != NULL);
        if (readings[i].text) {
            CHECK_STR((char *)out, readings[i].text);
            CHECK_INT(text.utf8.len, strlen(readings[i].text));
        }
        for (size_t room = 0; room < text.utf8.len; room++) {
            CHECK(!read_text(readings[i].rtf, len, room).readable);
        }
    }
    static const char high[] = "{\\rtf1\\'e4}";
    const struct rtf_text none =
        rtf_read((struct span){ (const uint8_t *)high, sizeof(high) - 1 }, NULL, NULL, out, sizeof(out));
    CHECK(none.origin == RTF_ITSELF && !none.readable);
}

static void test_deep(void)
{
    static char deep[2000];
    memset(deep, '{', sizeof(deep));
    memcpy(deep, "{\\rtf1 ", 7);
    CHECK(!read_text(deep, sizeof(deep), ROOM).readable);
    CHECK(read_text(deep, 200, ROOM).readable);
    /* More fonts than are kept: of the last the page is the document's. */
    static char many[40000];
    size_t used = (size_t)snprintf(many, sizeof(many), "{\\rtf1{\\fonttbl");
    for (unsigned i = 0; i < 1000; i++) {
        used += (size_t)snprintf(many + used, sizeof(many) - used, "{\\f%u\\fcharset204 x;}", i);
    }
    used += (size_t)snprintf(many + used, sizeof(many) - used, "}\\f0\\'e4\\f999\\'e4}");
    CHECK(read_text(many, used, ROOM).readable);
    CHECK_STR((char *)out, "\xD0\xB4\xC3\xA4");
}

static void test_random(void)
{
    static const char *const parts[] = { "{",        "}",      "\\*",   "\\htmltag1 ", "\\htmlrtf ",     "\\htmlrtf0 ",
                                         "\\u1234 ", "\\uc3 ", "\\'e4", "\\f2 ",       "\\f1 ",          "\\bin3 ",
                                         "\\par",    "x",      "\\",    "\\fonttbl",   "\\fcharset128 ", "\\u-10179 ",
                                         "\\plain ", "\xE4",   "\\v ",  "\\_" };
    struct dice dice = { 0xF00D };
    static char text[2048];
    for (unsigned play = 0; play < 20000; play++) {
        size_t used = (size_t)snprintf(text, sizeof(text), "%s", play % 2 ? HTML_HEAD : TEXT_HEAD);
        for (unsigned i = roll(&dice, 60); i > 0; i--) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", parts[roll(&dice, COUNT_OF(parts))]);
        }
        const struct rtf_text read = read_text(text, used, RTF_TEXT_MOST * used);
        CHECK(read.origin != RTF_NONE && (read.readable || read_text(text, used, 100 * used).utf8.len == 0));
    }
}

/* What is asked for is kept as text. */
static size_t note_page(void *ctx, struct span text, uint16_t code_page, uint8_t *to, size_t room)
{
    *(uint16_t *)ctx = code_page;
    to[0] = '?';
    return text.len > 0 && room > 0 ? 1 : 0;
}

/* \\fcharset of a font, as Windows numbers them (wingdi.h, GetTextCharset), and its code page; of others the document's. */
static void test_charsets(void)
{
    static const uint16_t pages[256] = {
        [0] = 1252,   [2] = 1252,   [77] = 10000, [128] = 932,  [129] = 949,  [134] = 936,
        [136] = 950,  [161] = 1253, [162] = 1254, [163] = 1258, [177] = 1255, [178] = 1256,
        [186] = 1257, [204] = 1251, [222] = 874,  [238] = 1250, [254] = 437,  [255] = 850
    };
    for (unsigned charset = 0; charset < COUNT_OF(pages); charset++) {
        char text[100];
        uint16_t page = 0;
        const int len =
            snprintf(text, sizeof(text), "{\\rtf1\\ansicpg20866{\\fonttbl{\\f1\\fcharset%u x;}}\\f1\\'e4}", charset);
        rtf_read((struct span){ (const uint8_t *)text, (size_t)len }, note_page, &page, out, sizeof(out));
        CHECK_INT(page, pages[charset] ? pages[charset] : 20866);
    }
}

static void test_pages(void)
{
    static const uint16_t pages[] = { 437,   850,   852,   855,   857,   862,   866,   874,   932,   936,   949,
                                      950,   1250,  1251,  1252,  1253,  1254,  1255,  1256,  1257,  1258,  10000,
                                      20127, 20866, 21866, 28591, 28592, 28593, 28594, 28595, 28596, 28597, 28598,
                                      28599, 28603, 28605, 50220, 50221, 50222, 50225, 51932, 51949, 54936, 65001 };
    size_t found = 0;
    for (uint32_t page = 0; page < 0x20000; page++) {
        const struct code_page_name *name = code_page_name(page);
        if (name) {
            CHECK_INT(name->page, page);
            CHECK_INT(page, found < COUNT_OF(pages) ? pages[found] : 0);
            CHECK(*name->mime && *name->iconv);
            found++;
        }
    }
    CHECK_INT(found, COUNT_OF(pages));
    CHECK_STR(code_page_name(1257)->mime, "windows-1257");
    CHECK_STR(code_page_name(28605)->mime, "iso-8859-15");
}

int main(void)
{
    test_examples();
    test_damaged();
    test_around();
    test_dense();
    test_made_up();
    test_texts();
    test_deep();
    test_random();
    test_charsets();
    test_pages();
    return unit_end();
}
