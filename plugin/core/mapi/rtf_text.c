/* rtf_text.c
 * Walks through groups, control words and text of RTF, and tells the characters that are shown.
 *
 * What 8-bit text means depends on the font, and how many bytes stand behind a Unicode character for old readers on \uc:
 * both belong to the group, as does what is not shown (MS-OXRTFEX 2.1.3.1.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rtf_text.h"

#include "chars.h"

#define ANSI 1252u
#define DEPTH_MAX 256u
#define FONTS 512u /* at a time; of others the page is that of the document */
#define FONT_TRIES 8u
#define WORD_MAX 32u      /* letters of a control word (MSFT-RTF) */
#define INSPECTED_MAX 10u /* tokens that say what the document was (MS-OXRTFEX 2.2.3.1) */
#define PARAMETER_MAX 0x7FFFFFFF
#define GROWTH 3u /* bytes of UTF-8 for a byte of a code page, at most */

/* ---- Tokens ----------------------------------------------------------------------- */

enum token_kind { TOKEN_END, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_WORD, TOKEN_SYMBOL, TOKEN_BYTE };

struct token {
    enum token_kind kind;
    uint8_t byte; /* a symbol, or a byte of text */
    bool has_parameter;
    int32_t parameter;
    char word[WORD_MAX + 1];
};

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void read_word(struct span *rtf, struct token *token)
{
    size_t len = 0;
    bool negative = false;
    token->kind = TOKEN_WORD;
    for (; rtf->len > 0 && is_letter(rtf->ptr[0]); *rtf = span_skip(*rtf, 1)) {
        if (len < WORD_MAX) {
            token->word[len++] = (char)rtf->ptr[0];
        }
    }
    token->word[len] = '\0';
    if (rtf->len > 1 && rtf->ptr[0] == '-' && is_digit(rtf->ptr[1])) {
        negative = true;
        *rtf = span_skip(*rtf, 1);
    }
    for (; rtf->len > 0 && is_digit(rtf->ptr[0]); *rtf = span_skip(*rtf, 1)) {
        const int32_t digit = rtf->ptr[0] - '0';
        token->has_parameter = true;
        token->parameter =
            token->parameter > (PARAMETER_MAX - digit) / 10 ? PARAMETER_MAX : token->parameter * 10 + digit;
    }
    token->parameter = negative ? -token->parameter : token->parameter;
    if (rtf->len > 0 && rtf->ptr[0] == ' ') {
        *rtf = span_skip(*rtf, 1);
    }
}

/* Behind a backslash. */
static void read_control(struct span *rtf, struct token *token)
{
    if (rtf->len == 0) {
        token->kind = TOKEN_END;
        return;
    }
    const uint8_t c = rtf->ptr[0];
    if (is_letter(c)) {
        read_word(rtf, token);
    } else if (c == '\'' && rtf->len >= 3 && hex_value(rtf->ptr[1]) >= 0 && hex_value(rtf->ptr[2]) >= 0) {
        token->kind = TOKEN_BYTE;
        token->byte = (uint8_t)(hex_value(rtf->ptr[1]) << 4 | hex_value(rtf->ptr[2]));
        *rtf = span_skip(*rtf, 3);
    } else {
        token->kind = c == '\\' || c == '{' || c == '}' ? TOKEN_BYTE : TOKEN_SYMBOL;
        token->byte = c;
        *rtf = span_skip(*rtf, 1);
    }
}

/* Takes the next token. Ends of lines and NULs are nothing. */
static struct token next_token(struct span *rtf)
{
    struct token token = { .kind = TOKEN_END };
    while (rtf->len > 0) {
        const uint8_t c = rtf->ptr[0];
        *rtf = span_skip(*rtf, 1);
        if (c == '\r' || c == '\n' || c == '\0') {
            continue;
        }
        if (c == '\\') {
            read_control(rtf, &token);
        } else {
            token.kind = c == '{' ? TOKEN_OPEN : c == '}' ? TOKEN_CLOSE : TOKEN_BYTE;
            token.byte = c;
        }
        break;
    }
    return token;
}

/* MS-OXRTFEX 2.2.3.1 */
static enum rtf_origin origin_of(struct span rtf)
{
    static const char begins[] = "{\\rtf";
    if (rtf.len < sizeof(begins) - 1 || memcmp(rtf.ptr, begins, sizeof(begins) - 1) != 0) {
        return RTF_NONE;
    }
    for (unsigned i = 0; i < INSPECTED_MAX; i++) {
        const struct token token = next_token(&rtf);
        if (token.kind != TOKEN_OPEN && token.kind != TOKEN_WORD) {
            break;
        }
        if (token.kind == TOKEN_WORD && strcmp(token.word, "fromhtml") == 0 && token.parameter == 1) {
            return RTF_FROM_HTML;
        }
        if (token.kind == TOKEN_WORD && strcmp(token.word, "fromtext") == 0) {
            return RTF_FROM_TEXT;
        }
    }
    return RTF_ITSELF;
}

/* ---- What a group has ------------------------------------------------------------- */

struct group {
    uint32_t page; /* of the font */
    uint32_t skip; /* bytes behind a Unicode character */
    uint8_t destination;
    bool begins;       /* a control word says what it is for */
    bool is_ignorable; /* for readers who do not know that */
    bool htmlrtf, hidden;
};
enum destination { SHOWN, IGNORED, HTML_TAG, FONT_TABLE };

struct font {
    int32_t number;
    uint32_t page; /* 0: free */
};

struct walk {
    struct span rtf;
    enum rtf_origin origin;
    uint32_t page;     /* of the document */
    uint32_t skipping; /* of what stands for old readers behind a Unicode character */
    uint32_t high;     /* half of one that has two */
    struct group group[DEPTH_MAX];
    unsigned depth;
    struct font font[FONTS];
    int32_t font_number, default_font;
    page_to_utf8 convert;
    void *ctx;
    uint8_t *to;
    size_t room, len;
    size_t run; /* where bytes of one code page begin that are not converted yet: characters may have several */
    uint32_t run_page;
    bool run_is_ascii;
    bool unreadable;
};

static struct group *top(struct walk *walk)
{
    return &walk->group[walk->depth - 1];
}

/* The place of a font, or where it may go; NULL if that is full. */
static struct font *font_place(struct walk *walk, int32_t number)
{
    for (uint32_t i = 0; i < FONT_TRIES; i++) {
        struct font *font = &walk->font[((uint32_t)number + i) % FONTS];
        if (font->page == 0 || font->number == number) {
            return font;
        }
    }
    return NULL;
}

static uint32_t page_of_font(struct walk *walk, int32_t number)
{
    const struct font *font = font_place(walk, number);
    return font && font->page ? font->page : walk->page;
}

/* \fcharset, as Windows numbers them (MSFT-RTF); 0 for the document's. */
static uint32_t page_of_charset(int32_t charset)
{
    static const struct {
        uint8_t charset;
        uint16_t page;
    } pages[] = { { 0, ANSI },   { 2, ANSI },   { 77, 10000 }, { 128, 932 },  { 129, 949 },  { 134, 936 },
                  { 136, 950 },  { 161, 1253 }, { 162, 1254 }, { 163, 1258 }, { 177, 1255 }, { 178, 1256 },
                  { 186, 1257 }, { 204, 1251 }, { 222, 874 },  { 238, 1250 }, { 254, 437 },  { 255, 850 } };
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (pages[i].charset == charset) {
            return pages[i].page;
        }
    }
    return 0;
}

static void name_font(struct walk *walk, uint32_t page)
{
    struct font *font = page ? font_place(walk, walk->font_number) : NULL;
    if (font) {
        *font = (struct font){ walk->font_number, page };
    }
}

/* ---- What is shown ---------------------------------------------------------------- */

static bool is_shown(struct walk *walk)
{
    const struct group *group = top(walk);
    return (group->destination == SHOWN || group->destination == HTML_TAG) && !group->htmlrtf && !group->hidden;
}

static void put(struct walk *walk, const char *bytes, size_t len)
{
    if (len > walk->room - walk->len) {
        walk->unreadable = true;
        return;
    }
    memcpy(walk->to + walk->len, bytes, len);
    walk->len += len;
}

/* What comes is of another code page, or of none. */
static void end_run(struct walk *walk)
{
    const struct span run = { walk->to + walk->run, walk->len - walk->run };
    const size_t left = walk->room - walk->len;
    if (!walk->run_is_ascii) {
        uint8_t *behind = walk->to + walk->len;
        const bool fits = walk->convert && walk->run_page <= UINT16_MAX && run.len <= left / GROWTH;
        const size_t len = fits ? walk->convert(walk->ctx, run, (uint16_t)walk->run_page, behind, left) : 0;
        walk->unreadable |= len == 0;
        memmove(walk->to + walk->run, behind, len);
        walk->len = walk->run + len;
    }
    walk->run = walk->len;
    walk->run_is_ascii = true;
}

static void put_text(struct walk *walk, const char *text, size_t len)
{
    end_run(walk);
    put(walk, text, len);
    walk->run = walk->len;
}

static void show_code(struct walk *walk, uint32_t code)
{
    if (!is_shown(walk)) {
        return;
    }
    if (code >= 0xD800 && code < 0xDC00) {
        walk->high = code;
        return;
    }
    if (code >= 0xDC00 && code < 0xE000) {
        code = walk->high ? 0x10000 + ((walk->high - 0xD800) << 10) + (code - 0xDC00) : 0xFFFD;
    }
    walk->high = 0;
    char text[4];
    put_text(walk, text, utf8_put(text, code));
}

/* A byte of text, in the code page of its font. Markup has that of the document (MS-OXRTFEX 2.2.3.2). */
static void show_byte(struct walk *walk, uint8_t byte)
{
    const struct group *group = top(walk);
    const uint32_t page = group->destination == HTML_TAG ? walk->page : group->page;
    if (byte == 0 || !is_shown(walk)) {
        return;
    }
    walk->high = 0;
    if (page != walk->run_page) {
        end_run(walk);
        walk->run_page = page;
    }
    walk->run_is_ascii &= byte < 0x80;
    put(walk, (const char *)&byte, 1);
}

static void show_text(struct walk *walk, const char *text)
{
    if (is_shown(walk)) {
        put_text(walk, text, strlen(text));
    }
}

/* Words and symbols that are a character; in HTML as MS-OXRTFEX 2.1.3.1.4.2 has them. */
static const struct {
    char word[10];
    uint16_t code;
    const char *html;
} characters[] = {
    { "lquote", 0x2018, "&lsquo;" },    { "rquote", 0x2019, "&rsquo;" }, { "ldblquote", 0x201C, "&ldquo;" },
    { "rdblquote", 0x201D, "&rdquo;" }, { "bullet", 0x2022, "&bull;" },  { "endash", 0x2013, "&ndash;" },
    { "emdash", 0x2014, "&mdash;" },    { "~", 0x00A0, "&nbsp;" },       { "_", 0x00AD, "&shy;" },
    { "emspace", 0x2003, NULL },        { "enspace", 0x2002, NULL },     { "zwj", 0x200D, NULL },
    { "zwnj", 0x200C, NULL },           { "ltrmark", 0x200E, NULL },     { "rtlmark", 0x200F, NULL },
};

static bool show_character(struct walk *walk, const char *word)
{
    for (size_t i = 0; i < COUNT_OF(characters); i++) {
        if (strcmp(word, characters[i].word) == 0) {
            if (walk->origin == RTF_FROM_HTML && characters[i].html) {
                show_text(walk, characters[i].html);
            } else {
                show_code(walk, characters[i].code);
            }
            return true;
        }
    }
    return false;
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool show_space(struct walk *walk, const char *word)
{
    static const char *const lines[] = { "par", "line", "sect", "page", "row" };
    static const char *const tabs[] = { "tab", "cell" };
    const bool markup = walk->origin == RTF_FROM_HTML; /* that has tables and pages of its own */
    if (is_one_of(word, lines, markup ? 2 : COUNT_OF(lines))) {
        show_text(walk, "\r\n");
    } else if (is_one_of(word, tabs, markup ? 1 : COUNT_OF(tabs))) {
        show_text(walk, "\t");
    } else {
        return false;
    }
    return true;
}

/* ---- Control words ---------------------------------------------------------------- */

/* Groups that are not text, beside those that say themselves that they may be ignored. */
static const char *const not_text[] = {
    "colortbl",  "stylesheet",        "info",    "pict",    "header",    "headerl",   "headerr", "headerf",
    "footer",    "footerl",           "footerr", "footerf", "fldinst",   "xe",        "tc",      "filetbl",
    "listtable", "listoverridetable", "revtbl",  "rsidtbl", "themedata", "datastore", "objdata"
};

static void name_group(struct walk *walk, const struct token *token)
{
    struct group *group = top(walk);
    if (group->destination != SHOWN) {
        return;
    }
    if (group->is_ignorable) {
        group->destination = walk->origin == RTF_FROM_HTML && strcmp(token->word, "htmltag") == 0 ? HTML_TAG : IGNORED;
    } else if (strcmp(token->word, "fonttbl") == 0) {
        group->destination = FONT_TABLE;
    } else if (is_one_of(token->word, not_text, COUNT_OF(not_text))) {
        group->destination = IGNORED;
    }
}

/* Of the header, and the pages of fonts. */
static bool on_page_word(struct walk *walk, const struct token *token)
{
    static const struct {
        char word[6];
        uint16_t page;
    } pages[] = { { "ansi", ANSI }, { "mac", 10000 }, { "pc", 437 }, { "pca", 850 } };
    struct group *group = top(walk);
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (strcmp(token->word, pages[i].word) == 0) {
            walk->page = group->page = pages[i].page;
            return true;
        }
    }
    if (strcmp(token->word, "ansicpg") == 0) {
        walk->page = group->page = token->parameter > 0 ? (uint32_t)token->parameter : walk->page;
    } else if (strcmp(token->word, "deff") == 0) {
        walk->default_font = token->parameter;
    } else if (group->destination != FONT_TABLE) {
        return false;
    } else if (strcmp(token->word, "f") == 0) {
        walk->font_number = token->parameter;
    } else if (strcmp(token->word, "fcharset") == 0) {
        name_font(walk, page_of_charset(token->parameter));
    } else if (strcmp(token->word, "cpg") == 0) {
        name_font(walk, token->parameter > 0 ? (uint32_t)token->parameter : 0);
    }
    return true;
}

static bool is_on(const struct token *token)
{
    return !token->has_parameter || token->parameter != 0;
}

static void on_word(struct walk *walk, const struct token *token)
{
    struct group *group = top(walk);
    if (strcmp(token->word, "htmlrtf") == 0) {
        group->htmlrtf = walk->origin == RTF_FROM_HTML && is_on(token);
    } else if (strcmp(token->word, "u") == 0) {
        show_code(walk, (uint32_t)token->parameter & 0xFFFF);
        walk->skipping = group->skip;
    } else if (strcmp(token->word, "uc") == 0) {
        group->skip = token->parameter > 0 ? (uint32_t)token->parameter : 0;
    } else if (on_page_word(walk, token)) {
        return;
    } else if (strcmp(token->word, "f") == 0) {
        group->page = page_of_font(walk, token->parameter);
    } else if (strcmp(token->word, "plain") == 0) {
        group->page = page_of_font(walk, walk->default_font);
        group->hidden = false;
    } else if (strcmp(token->word, "v") == 0) {
        group->hidden = walk->origin != RTF_FROM_HTML && is_on(token);
    } else if (!show_space(walk, token->word)) {
        show_character(walk, token->word);
    }
}

static void on_symbol(struct walk *walk, uint8_t symbol)
{
    const char word[] = { (char)symbol, '\0' };
    if (symbol == '*') {
        top(walk)->is_ignorable |= top(walk)->begins;
    } else if (symbol == '\r' || symbol == '\n') {
        show_text(walk, "\r\n"); /* as \par (MSFT-RTF) */
    } else if (symbol == '\t') {
        show_text(walk, "\t");
    } else {
        show_character(walk, word);
    }
}

/* ---- The walk --------------------------------------------------------------------- */

/* Bytes that belong to no text. */
static bool skip_binary(struct walk *walk, const struct token *token)
{
    if (token->kind != TOKEN_WORD || strcmp(token->word, "bin") != 0) {
        return false;
    }
    const size_t len = token->parameter > 0 ? (size_t)token->parameter : 0;
    walk->rtf = span_skip(walk->rtf, len < walk->rtf.len ? len : walk->rtf.len);
    return true;
}

static void open_group(struct walk *walk)
{
    if (walk->depth == DEPTH_MAX) {
        walk->unreadable = true;
        return;
    }
    walk->group[walk->depth] = *top(walk);
    walk->depth++;
    top(walk)->begins = true;
    top(walk)->is_ignorable = false;
}

/* What is behind the font table has the default font, until something else is said. */
static void close_group(struct walk *walk)
{
    const bool fonts = top(walk)->destination == FONT_TABLE;
    walk->depth--;
    if (walk->depth > 0 && fonts && top(walk)->destination != FONT_TABLE) {
        top(walk)->page = page_of_font(walk, walk->default_font);
    }
}

static void on_token(struct walk *walk, const struct token *token)
{
    struct group *group = top(walk);
    if (token->kind == TOKEN_OPEN || token->kind == TOKEN_CLOSE) {
        walk->skipping = 0;
        group->begins = false;
        if (token->kind == TOKEN_OPEN) {
            open_group(walk);
        } else {
            close_group(walk);
        }
        return;
    }
    if (skip_binary(walk, token) || walk->skipping > 0) {
        walk->skipping -= walk->skipping > 0;
    } else if (token->kind == TOKEN_BYTE) {
        show_byte(walk, token->byte);
    } else if (token->kind == TOKEN_SYMBOL) {
        on_symbol(walk, token->byte);
        if (token->byte == '*') {
            return; /* the word that it is about comes */
        }
    } else {
        if (group->begins) {
            name_group(walk, token);
        }
        on_word(walk, token);
    }
    group->begins = false;
}

/* A document that ends too early has the text that it has. */
static void walk_through(struct walk *walk)
{
    while (walk->depth > 0 && !walk->unreadable) {
        const struct token token = next_token(&walk->rtf);
        if (token.kind == TOKEN_END || (walk->depth == 1 && token.kind == TOKEN_CLOSE)) {
            break;
        }
        on_token(walk, &token);
        if (walk->depth == 1) {
            break; /* what stands behind the document is none of it */
        }
    }
    end_run(walk);
}

struct rtf_text rtf_read(struct span rtf, page_to_utf8 convert, void *ctx, uint8_t *to, size_t room)
{
    struct rtf_text text = { .origin = origin_of(rtf) };
    struct walk walk;
    if (text.origin == RTF_NONE) {
        return text;
    }
    memset(&walk, 0, sizeof(walk));
    walk.rtf = rtf;
    walk.origin = text.origin;
    walk.convert = convert;
    walk.ctx = ctx;
    walk.to = to;
    walk.room = room;
    walk.run_is_ascii = true;
    walk.page = ANSI;
    walk.group[0] = (struct group){ .page = ANSI, .skip = 1 };
    walk.depth = 1;
    walk_through(&walk);
    text.readable = !walk.unreadable;
    text.utf8 = text.readable ? (struct span){ to, walk.len } : (struct span){ NULL, 0 };
    return text;
}
