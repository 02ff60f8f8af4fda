/* rtf_text.h
 * Text of an RTF document: plain text or HTML that was put into it (MS-OXRTFEX), or what can be read of one that was RTF
 * from the beginning.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_RTF_TEXT_H
#define OUTLOOKHTTP_RTF_TEXT_H

#include "bytes.h"

enum rtf_origin { RTF_NONE, RTF_ITSELF, RTF_FROM_TEXT, RTF_FROM_HTML };

struct rtf_text {
    enum rtf_origin origin; /* RTF_NONE: it is no RTF */
    bool readable;      /* else characters are in a code page that is not known, or in several that no charset holds */
    uint32_t code_page; /* of the text: 65001, or one of two bytes */
    size_t len;         /* of it, at most eight times that of the document */
};

/* What there is. Linear in the document. */
struct rtf_text rtf_survey(struct span rtf);
/* Writes the text, text->len bytes. */
void rtf_write_text(struct span rtf, const struct rtf_text *text, uint8_t *to);

#endif
