/* report_page.h
 * The screen under way, for the files that write it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_REPORT_PAGE_H
#define OUTLOOKHTTP_REPORT_PAGE_H

#include "report_private.h"

#define PAGE_INDENT 9 /* of what goes on in a further line */

struct page {
    struct report *report;
    struct screen screen;
    struct out line; /* the one that is being made */
    bool dates;      /* times with their dates: the capture lasts for days */
};

/* As screen_line() does. */
static inline void page_put(struct page *page, unsigned indent, unsigned most, const char *first,
                            const struct out *text)
{
    screen_line(&page->screen, first, indent, most, out_string(text));
}

/* report_capture.c: what the capture is, whatever it carries. */
void page_capture(struct page *page);
/* report_rops.c: ROPs that failed, and clients that were put off. */
void page_rops(struct page *page);

#endif
