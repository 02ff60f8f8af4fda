/* rtf_text.h
 * Text of an RTF document: plain text or HTML that was put into it (MS-OXRTFEX), or what can be read of one that was RTF
 * from the beginning.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_RTF_TEXT_H
#define OUTLOOKHTTP_RTF_TEXT_H

#include "code_pages.h"

enum rtf_origin { RTF_NONE, RTF_ITSELF, RTF_FROM_TEXT, RTF_FROM_HTML };

struct rtf_text {
    enum rtf_origin origin; /* RTF_NONE: it is no RTF */
    bool readable;          /* else there are characters of a code page that cannot be read, or there was no room */
    struct span utf8;
};

#define RTF_TEXT_MOST 4u /* bytes of room for a byte of the document that are always enough */

/* Writes the text to `to`. Linear in the document. */
struct rtf_text rtf_read(struct span rtf, page_to_utf8 convert, void *ctx, uint8_t *to, size_t room);

#endif
