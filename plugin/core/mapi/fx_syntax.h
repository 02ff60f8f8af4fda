/* fx_syntax.h
 * The syntax of FastTransfer streams (MS-OXCFXICS 2.2.4.3): which marker or property may come
 * where, and what it begins and ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_FX_SYNTAX_H
#define OUTLOOKHTTP_FX_SYNTAX_H

#include "fasttransfer.h"

enum fx_kind {
    /* Roots; the stream is unknown, or was lost. */
    FX_STREAM,
    FX_GUESS,
    FX_CONTENTS,
    FX_HIERARCHY,
    FX_STATES,
    FX_FOLDER_ROOT,
    FX_MESSAGE_ROOT,
    FX_ATTACHMENT_ROOT,
    FX_MESSAGES,
    FX_TOP_FOLDERS,
    /* Elements that end with a marker. */
    FX_TOP,
    FX_SUB_FOLDER,
    FX_SUB_FOLDER_NO_DEL,
    FX_MESSAGE,
    FX_RECIPIENT,
    FX_ATTACHMENT,
    FX_EMBEDDED,
    FX_SYNC_STATE,
    /* Elements that end where what follows is none of theirs. */
    FX_PROGRESS_TOTAL,
    FX_PROGRESS_PER_MESSAGE,
    FX_CHANGE, /* of a message or a folder, where nothing tells which */
    FX_FOLDER_CHANGE,
    FX_MESSAGE_CHANGE_FULL,
    FX_MESSAGE_CHANGE_PARTIAL,
    FX_GROUP_INFO,
    FX_DELETIONS,
    FX_READ_STATE_CHANGES,
    FX_ERROR_INFO,
    FX_KINDS
};

/* The values of markers with their names (2.2.4.1.4). */
extern const struct field_name fx_marker_names[];
bool fx_is_marker(uint32_t word);
const char *fx_label(uint8_t kind);

/* The root alone. */
void fx_plant(struct fx_lexer *lexer, enum fx_kind root);

/* What a marker or a property does to lexer->nested. */
struct fx_turn {
    uint8_t kept;      /* so many elements stay open; behind them in nested are new ones */
    bool ends;         /* behind the marker the innermost one ends: call fx_end() */
    const char *issue; /* it does not fit there: what was expected, or NULL */
};

/* word: a marker or a property tag. */
struct fx_turn fx_take(struct fx_lexer *lexer, uint32_t word);
void fx_end(struct fx_lexer *lexer);

/* Whether something more has to come in the element, or the marker that ends it. */
bool fx_wants_more(const struct fx_element *element);

#endif
