/* rules.c
 * Rule actions, MS-OXORULE 2.2.5.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "entry_ids.h"
#include "names.h"
#include "property_scene.h"

/* MS-OXORULE 2.2.5.1 */
enum {
    OP_MOVE = 1,
    OP_COPY,
    OP_REPLY,
    OP_OOF_REPLY,
    OP_DEFER_ACTION,
    OP_BOUNCE,
    OP_FORWARD,
    OP_DELEGATE,
    OP_TAG,
    OP_DELETE,
    OP_MARK_AS_READ
};
static FIELD_NAMES(action_names, OP_MOVE, "OP_MOVE", OP_COPY, "OP_COPY", OP_REPLY, "OP_REPLY", OP_OOF_REPLY,
                   "OP_OOF_REPLY", OP_DEFER_ACTION, "OP_DEFER_ACTION", OP_BOUNCE, "OP_BOUNCE", OP_FORWARD, "OP_FORWARD",
                   OP_DELEGATE, "OP_DELEGATE", OP_TAG, "OP_TAG", OP_DELETE, "OP_DELETE", OP_MARK_AS_READ,
                   "OP_MARK_AS_READ");
static FIELD_NAMES(bounce_names, 0x0D, "message too large", 0x1F, "message not displayed", 0x26, "delivery denied");

/* ---- 2.2.5.1.2.1 move, copy ---- */

#define OURS_AT 1 /* where FolderInThisStore is kept, and a size */
#define SIZE_AT 2

/* The folder of this store is a ServerEid, 2.2.5.1.2.1.1, that of another store has an EntryID. */
static void read_folder(struct layout_run *run, const struct field *at)
{
    uint64_t size = run->last;
    if (!run->kept[OURS_AT]) {
        read_sized_id(run, at);
        return;
    }
    if (size >= SERVER_ID_LEN) {
        read_row(run, &at->inside[0]);
        read_row(run, &at->inside[1]);
        size -= SERVER_ID_LEN;
    }
    run->last = size;
    read_row(run, &at->inside[2]);
}

#define STORE SIZED("rule.action.store", "StoreEID")

static LAYOUT(move_wide, U32("rule.action.store_size", "StoreEIDSize"), STORE,
              U32("rule.action.folder_size", "FolderEIDSize"), SIZED_ID);
static LAYOUT(move_narrow, BOOL("rule.action.in_this_store", "FolderInThisStore"), KEEP(OURS_AT),
              U16("rule.action.store_size", "StoreEIDSize"), KEEP(SIZE_AT), RECALL(OURS_AT),
              IF(RECALL(SIZE_AT), STORE), /* any value, ignored */
              RECALL(OURS_AT), UNLESS(RECALL(SIZE_AT), SIZED_ID), U16("rule.action.folder_size", "FolderEIDSize"),
              READ_ROWS(read_folder, 0, INCLUDE(server_id_ours), INCLUDE(server_id_object),
                        SIZED("rule.action.folder", "FolderEID")));
static LAYOUT(move, PICK(narrow, INCLUDE(move_wide), INCLUDE(move_narrow)));

/* ---- 2.2.5.1.2.2 reply ---- */

static LAYOUT(reply_wide, U32("rule.action.message_size", "MessageEIDSize"), SIZED_ID);
static LAYOUT(reply_narrow, ID64("rule.action.template_fid", "ReplyTemplateFID", .text = ox_id_text),
              ID64("rule.action.template_mid", "ReplyTemplateMID", .text = ox_id_text));
static LAYOUT(reply, PICK(narrow, INCLUDE(reply_wide), INCLUDE(reply_narrow)),
              UUID("rule.action.template_guid", "ReplyTemplateGUID"));

/* ---- bounce, tag ---- */

static LAYOUT(bounce, X32("rule.action.bounce_code", "BounceCode", .names = bounce_names));
static LAYOUT(tag, READ(read_scene_tagged, 4));

/* ---- 2.2.5.1.2.4 forward, delegate ---- */

#define RECIPIENT(count)                                                                             \
    TIMES(GROUP("RecipientBlockData", NULL, X8("rule.action.recipient_reserved", "Reserved"), count, \
                TIMES(READ(read_scene_tagged, 4))))

static LAYOUT(recipients_wide, U32("rule.action.recipient_count", "RecipientCount"),
              RECIPIENT(U32("rule.action.property_count", "NoOfProperties")));
static LAYOUT(recipients_narrow, U16("rule.action.recipient_count", "RecipientCount"),
              RECIPIENT(U16("rule.action.property_count", "NoOfProperties")));

/* The specification gives the two counts 4 bytes, clients and servers write 2 of them in
 * ROP buffers. Behind 2 bytes comes Reserved, which Exchange makes 1, behind half a count of
 * 4 bytes a zero. */
static unsigned short_counts(const struct layout_run *run)
{
    const struct reader *reader = run->reader;
    return narrow(run) && !(reader_left(reader) > 2 && reader->p[reader->pos + 2] == 0);
}

static LAYOUT(recipients, PICK(short_counts, INCLUDE(recipients_wide), INCLUDE(recipients_narrow)));

/* ---- actions ---- */

/* OP_DEFER_ACTION's data is the client's; others have none. */
static CHOICES(action_data, CHOICE(OP_MOVE, move), CHOICE(OP_COPY, move), CHOICE(OP_REPLY, reply),
               CHOICE(OP_OOF_REPLY, reply), CHOICE(OP_BOUNCE, bounce), CHOICE(OP_FORWARD, recipients),
               CHOICE(OP_DELEGATE, recipients), CHOICE(OP_TAG, tag));

/* An action block behind its length. */
static LAYOUT(action, U8("rule.action.type", "ActionType", .names = action_names), KEEP(0),
              X32("rule.action.flavor", "ActionFlavor"), BIT("rule.action.flavor.pr_ns", "Forward: PR; reply: NS", 1),
              BIT("rule.action.flavor.nc_st", "Forward: NC; reply: ST", 2),
              BIT("rule.action.flavor.at", "Forward: AT", 4), BIT("rule.action.flavor.tm", "Forward: TM", 8),
              X32("rule.action.flags", "ActionFlags"), RECALL(0), CHOOSE(action_data),
              REST("rule.action.data", "ActionData"));

static void read_block(struct layout_run *run, const struct field *at)
{
    struct reader *reader = run->reader;
    const char *name = NULL;
    if (!reader_open(reader, "ActionBlock")) {
        return;
    }
    uint32_t len = (uint32_t)read_row(run, at->inside);
    if (!reader->failed && reader_lacks(reader, len)) {
        reader_fail(reader, "An action longer than the message");
    }
    if (!reader->failed) {
        struct reader part = reader_part(reader, len);
        struct layout_run inner = { .reader = &part, .scene = run->scene };
        name = reader_left(&part) ? field_name(action_names, peek_u8(&part)) : NULL;
        read_layout(&inner, action);
        reader_resume(reader, &part);
    }
    reader_close(reader, name);
}

#define ACTION_HEAD 9 /* ActionType, ActionFlavor, ActionFlags */

static LAYOUT(actions_wide, U32("rule.action_count", "NoOfActions"),
              TIMES(READ_ROWS(read_block, 4 + ACTION_HEAD, U32("rule.action.length", "ActionLength"),
                              INCLUDE(action))));
static LAYOUT(actions_narrow, U16("rule.action_count", "NoOfActions"),
              TIMES(READ_ROWS(read_block, 2 + ACTION_HEAD, U16("rule.action.length", "ActionLength"),
                              INCLUDE(action))));

LAYOUT(rule_layouts, PICK(narrow, INCLUDE(actions_wide), INCLUDE(actions_narrow)));

/* Rules of a mailbox have counts of 16 bits, extended ones of 32, and nothing says which
 * stand in a message of the address book: MS-OXCDATA 2.11.1 gives the type 16 bits and
 * widens others there. Behind a count of 16 bits comes a length, which is not 0; behind the
 * low half of one of 32 bits its high half, which is. Values inside have no HasValue. */
static enum prop_form rule_form(const struct reader *reader, enum prop_form form)
{
    if (form != PROP_ADDRESS_BOOK) {
        return form;
    }
    return reader_left(reader) >= 4 && get_le16(reader->p + reader->pos + 2) == 0 ? PROP_EXTENDED : PROP_ROP;
}

void read_rule_action_of(struct reader *reader, struct property_scene scene)
{
    struct layout_run run = { .reader = reader, .scene = &scene };
    scene.form = rule_form(reader, scene.form);
    read_layout(&run, rule_layouts);
}
