/* fx_syntax.c
 * The syntax of FastTransfer streams, as tables: an element is at a place, which has a row for
 * each marker or property that may come there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "fx_syntax.h"

/* ---- markers, and properties that mean something to the syntax ---- */

enum marker {
    START_TOP_FOLDER = 0x40090003,
    START_SUB_FOLDER = 0x400A0003,
    END_FOLDER = 0x400B0003,
    START_MESSAGE = 0x400C0003,
    START_FAI_MESSAGE = 0x40100003,
    END_MESSAGE = 0x400D0003,
    START_EMBED = 0x40010003,
    END_EMBED = 0x40020003,
    START_RECIPIENT = 0x40030003,
    END_RECIPIENT = 0x40040003,
    NEW_ATTACHMENT = 0x40000003,
    END_ATTACHMENT = 0x400E0003,
    SYNC_CHANGE = 0x40120003,
    SYNC_CHANGE_PARTIAL = 0x407D0003,
    SYNC_DELETIONS = 0x40130003,
    SYNC_END = 0x40140003,
    SYNC_READ = 0x402F0003,
    SYNC_STATE_BEGIN = 0x403A0003,
    SYNC_STATE_END = 0x403B0003,
    SYNC_PROGRESS_MODE = 0x4074000B,
    SYNC_PROGRESS_PER_MESSAGE = 0x4075000B,
    SYNC_MESSAGE = 0x40150003,
    SYNC_GROUP_INFO = 0x407B0102,
    ERROR_INFO = 0x40180003
};

FIELD_NAMES(fx_marker_names, START_TOP_FOLDER, "StartTopFld", START_SUB_FOLDER, "StartSubFld", END_FOLDER, "EndFolder",
            START_MESSAGE, "StartMessage", START_FAI_MESSAGE, "StartFAIMsg", END_MESSAGE, "EndMessage", START_EMBED,
            "StartEmbed", END_EMBED, "EndEmbed", START_RECIPIENT, "StartRecip", END_RECIPIENT, "EndToRecip",
            NEW_ATTACHMENT, "NewAttach", END_ATTACHMENT, "EndAttach", SYNC_CHANGE, "IncrSyncChg", SYNC_CHANGE_PARTIAL,
            "IncrSyncChgPartial", SYNC_DELETIONS, "IncrSyncDel", SYNC_END, "IncrSyncEnd", SYNC_READ, "IncrSyncRead",
            SYNC_STATE_BEGIN, "IncrSyncStateBegin", SYNC_STATE_END, "IncrSyncStateEnd", SYNC_PROGRESS_MODE,
            "IncrSyncProgressMode", SYNC_PROGRESS_PER_MESSAGE, "IncrSyncProgressPerMsg", SYNC_MESSAGE,
            "IncrSyncMessage", SYNC_GROUP_INFO, "IncrSyncGroupInfo", ERROR_INFO, "FXErrorInfo");

bool fx_is_marker(uint32_t word)
{
    return word >> 24 == 0x40 && field_name(fx_marker_names, word) != NULL;
}

/* MS-OXCFXICS 2.2.4.1.5, MS-OXPROPS */
#define DEL_PROP 0x40160003u
#define EC_WARNING 0x400F0003u
#define NEW_FOLDER 0x40110102u
#define GROUP_ID 0x407C0003u
#define PARTIAL 0x407A0003u
#define DN_PREFIX 0x4008u /* the id alone: of either type of string */
#define ROW_ID 0x30000003u
#define ATTACH_NUMBER 0x0E210003u

static bool is_syntactic(uint32_t tag)
{
    return tag == DEL_PROP || tag == EC_WARNING || tag == NEW_FOLDER || tag == GROUP_ID || tag == PARTIAL;
}

/* ---- places ---- */

enum place {
    /* Something did not fit: from here on anything that may be in such an element at all. */
    LAX,
    PROPERTIES,
    CONTENTS_FIRST,
    CONTENTS_CHANGES,
    CONTENTS_CHANGE, /* behind progressPerMessage */
    CONTENTS_READ,
    CONTENTS_STATE,
    SYNC_LAST,
    NOTHING,
    HIERARCHY_CHANGES,
    HIERARCHY_STATE,
    STATE_FIRST,
    FOLDER_PROPERTIES,
    FOLDER_REPLICA,
    FOLDER_MESSAGES, /* behind the first MetaTagFXDelProp, the second, the third */
    FOLDER_MESSAGES_2,
    FOLDER_FOLDERS,
    PLAIN_PROPERTIES, /* folderContentNoDelProps */
    PLAIN_MESSAGES,
    PLAIN_FOLDERS,
    TOP_FIRST,
    MESSAGE_LIST,
    MESSAGE_PROPERTIES,
    MESSAGE_DEL_PROP,
    MESSAGE_RECIPIENTS,
    MESSAGE_DEL_PROP_2,
    MESSAGE_ATTACHMENTS,
    RECIPIENT_FIRST,
    ATTACHMENT_FIRST,
    ATTACHMENT_PROPERTIES,
    ONE_PROPERTY,
    CHANGE_HEADER,
    FULL_HEADER,
    PARTIAL_FIRST,
    PARTIAL_GROUP,
    PARTIAL_MARKER,
    PARTIAL_HEADER
};

#define OPENS_NONE FX_KINDS

struct move {
    uint32_t word; /* 0: the last, or: */
    bool any;      /* any property that is not in is_syntactic() */
    uint8_t next;
    uint8_t opens; /* enum fx_kind */
};

#define ON(on, then)                                  \
    {                                                 \
        .word = on, .next = then, .opens = OPENS_NONE \
    }
#define ON_PROPERTY(then)                              \
    {                                                  \
        .any = true, .next = then, .opens = OPENS_NONE \
    }
#define OPEN(on, then, kind)                    \
    {                                           \
        .word = on, .next = then, .opens = kind \
    }
#define LAST_MOVE \
    {             \
        .word = 0 \
    }
#define MOVES(...)             \
    (const struct move[])      \
    {                          \
        __VA_ARGS__, LAST_MOVE \
    }
#define NO_MOVES          \
    (const struct move[]) \
    {                     \
        LAST_MOVE         \
    }

#define MESSAGE_IN(place) \
    OPEN(START_MESSAGE, place, FX_MESSAGE), OPEN(START_FAI_MESSAGE, place, FX_MESSAGE), ON(EC_WARNING, place)
#define RECIPIENTS OPEN(START_RECIPIENT, MESSAGE_RECIPIENTS, FX_RECIPIENT)
#define ATTACHMENTS OPEN(NEW_ATTACHMENT, MESSAGE_ATTACHMENTS, FX_ATTACHMENT)
#define CHANGES                                                             \
    OPEN(SYNC_CHANGE, CONTENTS_CHANGES, FX_MESSAGE_CHANGE_FULL),            \
        OPEN(SYNC_GROUP_INFO, CONTENTS_CHANGES, FX_MESSAGE_CHANGE_PARTIAL), \
        OPEN(GROUP_ID, CONTENTS_CHANGES, FX_MESSAGE_CHANGE_PARTIAL)
#define STATE_IN(place) OPEN(SYNC_STATE_BEGIN, place, FX_SYNC_STATE)
#define READ_IN OPEN(SYNC_READ, CONTENTS_STATE, FX_READ_STATE_CHANGES), STATE_IN(SYNC_LAST)
#define CHANGES_AND_WHAT_FOLLOWS                                                        \
    OPEN(SYNC_PROGRESS_PER_MESSAGE, CONTENTS_CHANGE, FX_PROGRESS_PER_MESSAGE), CHANGES, \
        OPEN(SYNC_DELETIONS, CONTENTS_READ, FX_DELETIONS), READ_IN
#define SUB_FOLDERS OPEN(START_SUB_FOLDER, FOLDER_FOLDERS, FX_SUB_FOLDER)
#define PLAIN_SUB_FOLDERS OPEN(START_SUB_FOLDER, PLAIN_FOLDERS, FX_SUB_FOLDER_NO_DEL)

#define EXPECTED(what) "Out of place: " what " expected"

static const struct {
    const struct move *moves;
    bool may_end;
    const char *expected;
} places[] = {
    [LAX] = { NO_MOVES, true, "Out of place: the element before it has not ended" },
    [PROPERTIES] = { MOVES(ON_PROPERTY(PROPERTIES)), true, EXPECTED("properties, or the end of them, were") },
    [CONTENTS_FIRST] = { MOVES(OPEN(SYNC_PROGRESS_MODE, CONTENTS_CHANGES, FX_PROGRESS_TOTAL), CHANGES_AND_WHAT_FOLLOWS),
                         false, EXPECTED("progressTotal, message changes, deletions or the state were") },
    [CONTENTS_CHANGES] = { MOVES(CHANGES_AND_WHAT_FOLLOWS), false,
                           EXPECTED("message changes, deletions, changes of the read state or the state were") },
    [CONTENTS_CHANGE] = { MOVES(CHANGES), false, EXPECTED("a message change was") },
    [CONTENTS_READ] = { MOVES(READ_IN), false, EXPECTED("changes of the read state, or the state, were") },
    [CONTENTS_STATE] = { MOVES(STATE_IN(SYNC_LAST)), false, EXPECTED("the state was") },
    [SYNC_LAST] = { MOVES(ON(SYNC_END, NOTHING)), false, EXPECTED("IncrSyncEnd was") },
    [NOTHING] = { NO_MOVES, true, EXPECTED("nothing more was") },
    [HIERARCHY_CHANGES] = { MOVES(OPEN(SYNC_CHANGE, HIERARCHY_CHANGES, FX_FOLDER_CHANGE),
                                  OPEN(SYNC_DELETIONS, HIERARCHY_STATE, FX_DELETIONS), STATE_IN(SYNC_LAST)),
                            false, EXPECTED("folder changes, deletions or the state were") },
    [HIERARCHY_STATE] = { MOVES(STATE_IN(SYNC_LAST)), false, EXPECTED("the state was") },
    [STATE_FIRST] = { MOVES(STATE_IN(NOTHING)), false, EXPECTED("the state was") },
    [FOLDER_PROPERTIES] = { MOVES(ON_PROPERTY(FOLDER_PROPERTIES), ON(NEW_FOLDER, FOLDER_REPLICA),
                                  ON(DEL_PROP, FOLDER_MESSAGES)),
                            true, EXPECTED("properties, MetaTagNewFXFolder or MetaTagFXDelProp were") },
    [FOLDER_REPLICA] = { MOVES(ON(DEL_PROP, FOLDER_FOLDERS)), true, EXPECTED("MetaTagFXDelProp was") },
    [FOLDER_MESSAGES] = { MOVES(MESSAGE_IN(FOLDER_MESSAGES), ON(DEL_PROP, FOLDER_MESSAGES_2), SUB_FOLDERS), true,
                          EXPECTED("messages, MetaTagFXDelProp or folders were") },
    [FOLDER_MESSAGES_2] = { MOVES(MESSAGE_IN(FOLDER_MESSAGES_2), ON(DEL_PROP, FOLDER_FOLDERS), SUB_FOLDERS), true,
                            EXPECTED("messages, MetaTagFXDelProp or folders were") },
    [FOLDER_FOLDERS] = { MOVES(SUB_FOLDERS), true, EXPECTED("folders were") },
    [PLAIN_PROPERTIES] = { MOVES(ON_PROPERTY(PLAIN_PROPERTIES), ON(NEW_FOLDER, PLAIN_FOLDERS),
                                 MESSAGE_IN(PLAIN_MESSAGES), PLAIN_SUB_FOLDERS),
                           true, EXPECTED("properties, MetaTagNewFXFolder, messages or folders were") },
    [PLAIN_MESSAGES] = { MOVES(MESSAGE_IN(PLAIN_MESSAGES), PLAIN_SUB_FOLDERS), true,
                         EXPECTED("messages or folders were") },
    [PLAIN_FOLDERS] = { MOVES(PLAIN_SUB_FOLDERS), true, EXPECTED("folders were") },
    [TOP_FIRST] = { MOVES(OPEN(START_TOP_FOLDER, NOTHING, FX_TOP)), false, EXPECTED("StartTopFld was") },
    [MESSAGE_LIST] = { MOVES(MESSAGE_IN(MESSAGE_LIST)), true, EXPECTED("messages were") },
    [MESSAGE_PROPERTIES] = { MOVES(ON_PROPERTY(MESSAGE_PROPERTIES), ON(DEL_PROP, MESSAGE_DEL_PROP), RECIPIENTS,
                                   ATTACHMENTS),
                             true, EXPECTED("properties, MetaTagFXDelProp, recipients or attachments were") },
    [MESSAGE_DEL_PROP] = { MOVES(ON(DEL_PROP, MESSAGE_DEL_PROP_2), RECIPIENTS, ATTACHMENTS), true,
                           EXPECTED("MetaTagFXDelProp, recipients or attachments were") },
    [MESSAGE_RECIPIENTS] = { MOVES(ON(DEL_PROP, MESSAGE_DEL_PROP_2), RECIPIENTS, ATTACHMENTS), true,
                             EXPECTED("MetaTagFXDelProp, recipients or attachments were") },
    [MESSAGE_DEL_PROP_2] = { MOVES(ATTACHMENTS), true, EXPECTED("attachments were") },
    [MESSAGE_ATTACHMENTS] = { MOVES(ATTACHMENTS), true, EXPECTED("attachments were") },
    [RECIPIENT_FIRST] = { MOVES(ON(ROW_ID, PROPERTIES)), false, EXPECTED("PidTagRowid was") },
    [ATTACHMENT_FIRST] = { MOVES(ON(ATTACH_NUMBER, ATTACHMENT_PROPERTIES)), false, EXPECTED("PidTagAttachNumber was") },
    [ATTACHMENT_PROPERTIES] = { MOVES(ON_PROPERTY(ATTACHMENT_PROPERTIES), OPEN(START_EMBED, NOTHING, FX_EMBEDDED)),
                                true, EXPECTED("properties or an embedded message were") },
    [ONE_PROPERTY] = { MOVES(ON_PROPERTY(NOTHING)), false, EXPECTED("a property was") },
    [CHANGE_HEADER] = { MOVES(ON_PROPERTY(CHANGE_HEADER), ON(SYNC_MESSAGE, MESSAGE_PROPERTIES)), true,
                        EXPECTED("properties or IncrSyncMessage were") },
    [FULL_HEADER] = { MOVES(ON_PROPERTY(FULL_HEADER), ON(SYNC_MESSAGE, MESSAGE_PROPERTIES)), false,
                      EXPECTED("properties or IncrSyncMessage were") },
    [PARTIAL_FIRST] = { MOVES(OPEN(SYNC_GROUP_INFO, PARTIAL_GROUP, FX_GROUP_INFO), ON(GROUP_ID, PARTIAL_MARKER),
                              ON(SYNC_CHANGE_PARTIAL, PARTIAL_HEADER)),
                        false, EXPECTED("groupInfo was") },
    [PARTIAL_GROUP] = { MOVES(ON(GROUP_ID, PARTIAL_MARKER)), false, EXPECTED("MetaTagIncrSyncGroupId was") },
    [PARTIAL_MARKER] = { MOVES(ON(SYNC_CHANGE_PARTIAL, PARTIAL_HEADER)), false, EXPECTED("IncrSyncChgPartial was") },
    /* The children come last, 2.2.4.3.15; servers write them where the property group has them. */
    [PARTIAL_HEADER] = { MOVES(ON_PROPERTY(PARTIAL_HEADER), ON(PARTIAL, PARTIAL_HEADER), ON(DEL_PROP, PARTIAL_HEADER),
                               OPEN(START_RECIPIENT, PARTIAL_HEADER, FX_RECIPIENT),
                               OPEN(NEW_ATTACHMENT, PARTIAL_HEADER, FX_ATTACHMENT)),
                         true,
                         EXPECTED("properties, MetaTagIncrementalSyncMessagePartial, recipients or attachments were") },
};

/* ---- elements ---- */

#define NO_END 0u

enum holds {
    ONLY_PROPERTIES,
    PARTS_OF_MESSAGE, /* recipients and attachments */
    ANYTHING
};

static const struct {
    const char *label;
    uint8_t start; /* enum place */
    uint8_t holds; /* at the place LAX, enum holds */
    uint32_t end;  /* the marker, or NO_END */
} elements[] = {
    [FX_STREAM] = { "FastTransfer stream", LAX, ANYTHING, NO_END },
    [FX_GUESS] = { "FastTransfer stream, a guess: what was before is not known", LAX, ANYTHING, NO_END },
    [FX_CONTENTS] = { "contentsSync", CONTENTS_FIRST, ANYTHING, NO_END },
    [FX_HIERARCHY] = { "hierarchySync", HIERARCHY_CHANGES, ANYTHING, NO_END },
    [FX_STATES] = { "FastTransfer stream", STATE_FIRST, ANYTHING, NO_END },
    [FX_FOLDER_ROOT] = { "folderContent", FOLDER_PROPERTIES, ANYTHING, NO_END },
    [FX_MESSAGE_ROOT] = { "messageContent", MESSAGE_PROPERTIES, ANYTHING, NO_END },
    [FX_ATTACHMENT_ROOT] = { "attachmentContent", ATTACHMENT_PROPERTIES, ANYTHING, NO_END },
    [FX_MESSAGES] = { "messageList", MESSAGE_LIST, ANYTHING, NO_END },
    [FX_TOP_FOLDERS] = { "FastTransfer stream", TOP_FIRST, ANYTHING, NO_END },
    [FX_TOP] = { "topFolder", PLAIN_PROPERTIES, ANYTHING, END_FOLDER },
    [FX_SUB_FOLDER] = { "subFolder", FOLDER_PROPERTIES, ANYTHING, END_FOLDER },
    [FX_SUB_FOLDER_NO_DEL] = { "subFolder", PLAIN_PROPERTIES, ANYTHING, END_FOLDER },
    [FX_MESSAGE] = { "message", MESSAGE_PROPERTIES, ANYTHING, END_MESSAGE },
    [FX_RECIPIENT] = { "recipient", RECIPIENT_FIRST, ANYTHING, END_RECIPIENT },
    [FX_ATTACHMENT] = { "attachment", ATTACHMENT_FIRST, ANYTHING, END_ATTACHMENT },
    [FX_EMBEDDED] = { "embeddedMessage", MESSAGE_PROPERTIES, ANYTHING, END_EMBED },
    [FX_SYNC_STATE] = { "state", PROPERTIES, ANYTHING, SYNC_STATE_END },
    [FX_PROGRESS_TOTAL] = { "progressTotal", ONE_PROPERTY, ONLY_PROPERTIES, NO_END },
    [FX_PROGRESS_PER_MESSAGE] = { "progressPerMessage", PROPERTIES, ONLY_PROPERTIES, NO_END },
    [FX_CHANGE] = { "change", CHANGE_HEADER, PARTS_OF_MESSAGE, NO_END },
    [FX_FOLDER_CHANGE] = { "folderChange", PROPERTIES, ONLY_PROPERTIES, NO_END },
    [FX_MESSAGE_CHANGE_FULL] = { "messageChange", FULL_HEADER, PARTS_OF_MESSAGE, NO_END },
    [FX_MESSAGE_CHANGE_PARTIAL] = { "messageChange, partial", PARTIAL_FIRST, PARTS_OF_MESSAGE, NO_END },
    [FX_GROUP_INFO] = { "groupInfo", ONE_PROPERTY, ONLY_PROPERTIES, NO_END },
    [FX_DELETIONS] = { "deletions", PROPERTIES, ONLY_PROPERTIES, NO_END },
    [FX_READ_STATE_CHANGES] = { "readStateChanges", PROPERTIES, ONLY_PROPERTIES, NO_END },
    [FX_ERROR_INFO] = { "errorInfo", PROPERTIES, ONLY_PROPERTIES, NO_END },
};

const char *fx_label(uint8_t kind)
{
    return elements[kind].label;
}

/* What a marker or a property begins where nothing tells more. */
static uint8_t opened_by(uint32_t word)
{
    static const struct {
        uint32_t word;
        uint8_t kind;
    } starts[] = {
        { START_TOP_FOLDER, FX_TOP },
        { START_SUB_FOLDER, FX_SUB_FOLDER },
        { START_MESSAGE, FX_MESSAGE },
        { START_FAI_MESSAGE, FX_MESSAGE },
        { START_EMBED, FX_EMBEDDED },
        { START_RECIPIENT, FX_RECIPIENT },
        { NEW_ATTACHMENT, FX_ATTACHMENT },
        { SYNC_CHANGE, FX_CHANGE },
        { SYNC_CHANGE_PARTIAL, FX_MESSAGE_CHANGE_PARTIAL },
        { SYNC_DELETIONS, FX_DELETIONS },
        { SYNC_READ, FX_READ_STATE_CHANGES },
        { SYNC_STATE_BEGIN, FX_SYNC_STATE },
        { SYNC_PROGRESS_MODE, FX_PROGRESS_TOTAL },
        { SYNC_PROGRESS_PER_MESSAGE, FX_PROGRESS_PER_MESSAGE },
        { SYNC_GROUP_INFO, FX_MESSAGE_CHANGE_PARTIAL },
        { GROUP_ID, FX_MESSAGE_CHANGE_PARTIAL },
        { ERROR_INFO, FX_ERROR_INFO },
    };
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        if (starts[i].word == word) {
            return starts[i].kind;
        }
    }
    return OPENS_NONE;
}

static bool is_end(uint32_t word)
{
    return word == END_FOLDER || word == END_MESSAGE || word == END_EMBED || word == END_RECIPIENT ||
           word == END_ATTACHMENT || word == SYNC_STATE_END;
}

/* Markers of synchronization: they belong to a root, and are in nothing that ends with a marker. */
static bool is_sync(uint32_t word)
{
    uint8_t kind = opened_by(word);
    return (kind >= FX_SYNC_STATE && kind <= FX_READ_STATE_CHANGES) || word == SYNC_END;
}

/* ---- the reading ---- */

static const struct move *find_move(uint8_t place, uint32_t word, bool property)
{
    const struct move *move = places[place].moves;
    const bool plain = property && !is_syntactic(word);
    for (; move->word || move->any; move++) {
        if (move->any ? plain : move->word == word) {
            return move;
        }
    }
    return NULL;
}

/* Whether an element at the place LAX takes it. */
static bool lax_takes(uint8_t kind, uint32_t word, bool property)
{
    if (property) {
        return elements[kind].holds == ANYTHING || word != GROUP_ID;
    }
    switch (elements[kind].holds) {
    case ANYTHING:
        return !is_end(word);
    case PARTS_OF_MESSAGE:
        return word == START_RECIPIENT || word == NEW_ATTACHMENT || word == SYNC_MESSAGE;
    default:
        return false;
    }
}

static void push(struct fx_lexer *lexer, struct fx_turn *turn, uint8_t kind)
{
    if (lexer->depth < FX_NESTED_MAX) {
        lexer->nested[lexer->depth++] = (struct fx_element){ kind, elements[kind].start };
        return;
    }
    turn->issue = "Elements nested more than 16 deep: what is in this one is shown without its structure";
    lexer->deeper = elements[kind].end != 0;
}

void fx_plant(struct fx_lexer *lexer, enum fx_kind root)
{
    lexer->nested[0] = (struct fx_element){ (uint8_t)root, elements[root].start };
    lexer->depth = 1;
    lexer->deeper = 0;
}

/* The elements above the one at i end. */
static void keep(struct fx_lexer *lexer, struct fx_turn *turn, uint8_t i)
{
    lexer->depth = turn->kept = i + 1;
    lexer->deeper = 0;
}

/* messageChangePartial has no marker of its own at its begin: what begins it is its first part. */
static void begin(struct fx_lexer *lexer, struct fx_turn *turn, uint8_t kind, uint32_t word)
{
    const uint8_t depth = lexer->depth;
    push(lexer, turn, kind);
    if (kind == FX_MESSAGE_CHANGE_PARTIAL && lexer->depth > depth) {
        const struct move *move = find_move(PARTIAL_FIRST, word, false);
        lexer->nested[depth].place = move->next;
        if (move->opens != OPENS_NONE) {
            push(lexer, turn, move->opens);
        }
    }
}

static void make_move(struct fx_lexer *lexer, struct fx_turn *turn, uint8_t i, const struct move *move, uint32_t word)
{
    keep(lexer, turn, i);
    lexer->nested[i].place = move->next;
    if (move->opens != OPENS_NONE) {
        begin(lexer, turn, move->opens, word);
    }
}

/* The innermost element whose syntax has the marker at its place; -1: none. */
static int taker_of(const struct fx_lexer *lexer, uint32_t word)
{
    int i = lexer->depth - 1;
    while (i >= 0 && !find_move(lexer->nested[i].place, word, false)) {
        i--;
    }
    return i;
}

/* Does what fits. False, and where no end was foreseen, if nothing does. */
static bool fits(struct fx_lexer *lexer, struct fx_turn *turn, uint32_t word, bool property, uint8_t *barrier)
{
    for (uint8_t i = lexer->depth; i-- > 0;) {
        const struct fx_element *at = &lexer->nested[i];
        const uint32_t end = elements[at->kind].end;
        if (end && end == word && places[at->place].may_end) {
            keep(lexer, turn, i);
            turn->ends = true;
            return true;
        }
        const struct move *move = find_move(at->place, word, property);
        if (move) {
            make_move(lexer, turn, i, move, word);
            return true;
        }
        if (at->place == LAX && lax_takes(at->kind, word, property) && !(is_sync(word) && taker_of(lexer, word) >= 0)) {
            const uint8_t kind = opened_by(word);
            keep(lexer, turn, i);
            if (kind != OPENS_NONE) {
                begin(lexer, turn, kind, word);
            }
            return true;
        }
        *barrier = i;
        if (end || !places[at->place].may_end) {
            return false;
        }
    }
    return false;
}

/* It does not: from where it stands the reading goes on less strictly. */
static void recover(struct fx_lexer *lexer, struct fx_turn *turn, uint32_t word, bool property, uint8_t barrier)
{
    const uint8_t kind = opened_by(word);
    const uint8_t top = lexer->depth - 1;
    turn->issue = places[lexer->nested[barrier].place].expected;
    if (property && kind == OPENS_NONE) {
        lexer->nested[top].place = LAX;
        return;
    }
    if (is_end(word)) {
        for (uint8_t i = lexer->depth; i-- > 0;) {
            if (elements[lexer->nested[i].kind].end == word) {
                keep(lexer, turn, i);
                turn->ends = true;
                return;
            }
        }
        /* Of a guess it began before what is known. */
        turn->issue = lexer->guess ? NULL : "It ends an element that was not begun";
        return;
    }
    const int taker = taker_of(lexer, word);
    if (taker >= 0) {
        make_move(lexer, turn, (uint8_t)taker, find_move(lexer->nested[taker].place, word, false), word);
        return;
    }
    keep(lexer, turn, barrier);
    lexer->nested[barrier].place = LAX;
    if (kind != OPENS_NONE) {
        begin(lexer, turn, kind, word);
    }
}

/* Below the last of nested only begins and ends are counted. True: there is nothing else to do. */
static bool is_deeper(struct fx_lexer *lexer, uint32_t word)
{
    const uint8_t kind = opened_by(word);
    if (lexer->deeper == 0 || (is_sync(word) && taker_of(lexer, word) >= 0)) {
        return false;
    }
    if (is_end(word)) {
        lexer->deeper--;
    } else if (kind != OPENS_NONE && elements[kind].end && lexer->deeper < UINT32_MAX) {
        lexer->deeper++;
    }
    return true;
}

struct fx_turn fx_take(struct fx_lexer *lexer, uint32_t word)
{
    struct fx_turn turn = { lexer->depth, false, NULL };
    const bool property = !fx_is_marker(word);
    uint8_t barrier = 0;
    if ((property && word >> 16 == DN_PREFIX) || is_deeper(lexer, word)) {
        return turn; /* MetaTagDnPrefix is ignored wherever it is, 2.2.4.1.5.6 */
    }
    if (word == ERROR_INFO) { /* in the place of anything, 2.2.4.3.4 */
        const uint8_t top = lexer->depth - 1;
        keep(lexer, &turn, lexer->nested[top].kind == FX_ERROR_INFO ? top - 1 : top);
        push(lexer, &turn, FX_ERROR_INFO);
    } else if (!fits(lexer, &turn, word, property, &barrier)) {
        recover(lexer, &turn, word, property, barrier);
    }
    return turn;
}

void fx_end(struct fx_lexer *lexer)
{
    if (lexer->depth > 1) {
        lexer->depth--;
    }
}

bool fx_wants_more(const struct fx_element *element)
{
    return elements[element->kind].end || !places[element->place].may_end;
}
