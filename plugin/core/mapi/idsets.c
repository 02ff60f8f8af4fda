/* idsets.c
 * Binary values of incremental change synchronization.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "idsets.h"

#include "layout.h"
#include "names.h"
#include "property_tags.h"

#include <stdio.h>

#define GLOBCNT_LEN 6u
#define GUID_LEN 16u
#define LOCAL_ID_MAX 8u

/* A part of size bytes. False: they were announced, but are not sent. */
static bool part_of(struct reader *reader, uint32_t size, struct reader *part)
{
    if (reader_lacks(reader, size)) {
        reader_fail(reader, "A value longer than the message");
    }
    if (reader->failed) {
        return false;
    }
    *part = reader_part(reader, size);
    return true;
}

/* False, with an issue, if the bytes end before; what the capture lacks fails as it is read. */
static bool has(struct reader *reader, uint32_t size, const char *what)
{
    if (reader_left(reader) >= size || reader->whole > reader->len) {
        return !reader->failed;
    }
    reader_warn(reader, reader->pos, what);
    return false;
}

/* ---- GLOBSET, 2.2.2.6 ---- */

enum globset_command { GLOBSET_END = 0x00, GLOBSET_BITMASK = 0x42, GLOBSET_POP = 0x50, GLOBSET_RANGE = 0x52 };

static FIELD_NAMES(command_names, GLOBSET_END, "End", 1, "Push", 2, "Push", 3, "Push", 4, "Push", 5, "Push", 6, "Push",
                   GLOBSET_BITMASK, "Bitmask", GLOBSET_POP, "Pop", GLOBSET_RANGE, "Range");

static LAYOUT(command_row, X8("fx.idset.command", "Command", .names = command_names));
static LAYOUT(pushed, RUN(0, "fx.idset.pushed", "CommonBytes"));
static LAYOUT(bitmask, X8("fx.idset.start", "StartingValue"), X8("fx.idset.bitmask", "Bitmask"));
static LAYOUT(bounds, RUN(0, "fx.idset.low", "LowValue"), RUN(0, "fx.idset.high", "HighValue"));
static LAYOUT(replid, X16("fx.idset.replid", "REPLID"));
static LAYOUT(replguid, UUID("fx.idset.replguid", "REPLGUID"));
static LAYOUT(rest_row, REST("fx.idset.rest", "Not read"));

/* What a GLOBSET has said so far. */
struct globset {
    uint8_t common[GLOBCNT_LEN];
    uint8_t used;                /* of common */
    uint8_t pushed[GLOBCNT_LEN]; /* how many bytes each Push brought */
    uint8_t pushes;
    uint32_t ranges;
    char text[IDSET_TEXT_MAX];
    size_t text_len;
};

/* All GLOBCNTs from low to high. */
static void add_range(struct globset *set, uint64_t low, uint64_t high)
{
    set->ranges++;
    if (set->ranges > IDSET_RANGES_SHOWN) {
        return;
    }
    char *to = set->text + set->text_len;
    size_t room = sizeof(set->text) - set->text_len;
    const char *before = set->ranges > 1 ? ", " : "";
    int len = low == high ? snprintf(to, room, "%s0x%012llX", before, (unsigned long long)low) :
                            snprintf(to, room, "%s0x%012llX-0x%012llX", before, (unsigned long long)low,
                                     (unsigned long long)high);
    set->text_len += (size_t)len;
}

/* The common bytes, and those that follow them in the command. */
static uint64_t globcnt(const struct globset *set, const uint8_t *low)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < GLOBCNT_LEN; i++) {
        value = value << 8 | (i < set->used ? set->common[i] : low[i - set->used]);
    }
    return value;
}

static bool read_push(struct reader *reader, struct globset *set, uint8_t count)
{
    if (count > GLOBCNT_LEN - set->used) {
        reader_warn(reader, reader->pos - 1, "A Push command that makes more than 6 common bytes");
        return false;
    }
    if (!has(reader, count, "A Push command without its bytes")) {
        return false;
    }
    struct span bytes = read_run(reader, pushed, count);
    if (reader->failed) {
        return false;
    }
    if (set->used + count == GLOBCNT_LEN) { /* one value; these bytes are not common any more */
        uint64_t value = globcnt(set, bytes.ptr);
        add_range(set, value, value);
        return true;
    }
    memcpy(set->common + set->used, bytes.ptr, count);
    set->used += count;
    set->pushed[set->pushes++] = count;
    return true;
}

static bool read_pop(struct reader *reader, struct globset *set)
{
    if (set->pushes == 0) {
        reader_warn(reader, reader->pos - 1, "A Pop command without a Push command before it");
        return false;
    }
    set->used -= set->pushed[--set->pushes];
    return true;
}

static bool read_range(struct reader *reader, struct globset *set)
{
    const uint32_t size = GLOBCNT_LEN - set->used, at = reader->pos - 1;
    if (!has(reader, 2 * size, "A Range command without its bytes")) {
        return false;
    }
    struct span low = read_run(reader, &bounds[0], size), high = read_run(reader, &bounds[1], size);
    if (reader->failed) {
        return false;
    }
    if (memcmp(low.ptr, high.ptr, size) > 0) {
        reader_warn(reader, at, "A range whose low value is above its high value");
    }
    add_range(set, globcnt(set, low.ptr), globcnt(set, high.ptr));
    return true;
}

/* The starting value, and for each bit of the mask the one so many above it, and one more. */
static bool read_bitmask(struct reader *reader, struct globset *set)
{
    const uint32_t at = reader->pos - 1;
    if (set->used != GLOBCNT_LEN - 1) {
        reader_warn(reader, at, "A Bitmask command without 5 common bytes");
        return false;
    }
    if (!has(reader, 2, "A Bitmask command without its bytes")) {
        return false;
    }
    const uint8_t start = (uint8_t)read_field(reader, &bitmask[0]);
    const unsigned mask = (unsigned)read_field(reader, &bitmask[1]) << 1 | 1; /* bit n: start + n */
    if (reader->failed) {
        return false;
    }
    const uint64_t first = globcnt(set, &start);
    for (unsigned i = 0; i <= 8; i++) {
        unsigned end = i;
        while (mask >> end & 1) {
            end++;
        }
        if (end > i) {
            add_range(set, first + i, first + end - 1);
            if (start + end - 1 > UINT8_MAX) {
                reader_warn(reader, at, "A Bitmask command with values that differ in the 5 common bytes");
            }
            i = end;
        }
    }
    return true;
}

/* False where it cannot be read on. */
static bool read_command(struct reader *reader, struct globset *set, uint8_t command)
{
    switch (command) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
        return read_push(reader, set, command);
    case GLOBSET_BITMASK:
        return read_bitmask(reader, set);
    case GLOBSET_POP:
        return read_pop(reader, set);
    case GLOBSET_RANGE:
        return read_range(reader, set);
    case GLOBSET_END:
        if (set->used > 0) {
            reader_warn(reader, reader->pos - 1, "An End command while there are common bytes");
        }
        return true;
    default:
        reader_warn(reader, reader->pos - 1, "A command of a GLOBSET that the specification does not have");
        return false;
    }
}

static bool read_globset(struct reader *reader, struct globset *set)
{
    uint8_t command;
    do {
        if (!has(reader, 1, "A GLOBSET without its End command")) {
            return false;
        }
        command = (uint8_t)read_field(reader, command_row);
        if (reader->failed || !read_command(reader, set, command)) {
            return false;
        }
    } while (command != GLOBSET_END);
    return true;
}

/* ---- IDSET, 2.2.2.4 ---- */

static const char *replguid_label(char *to, size_t size, const uint8_t *p)
{
    snprintf(to, size, "REPLGUID %08lx-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", (unsigned long)get_le32(p),
             get_le16(p + 4), get_le16(p + 6), p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15]);
    return to;
}

/* What stands behind the label: at most the first ranges, and how many there are. */
static const char *ranges_text(struct globset *set)
{
    if (set->ranges > IDSET_RANGES_SHOWN) {
        snprintf(set->text + set->text_len, sizeof(set->text) - set->text_len, ", ... %u ranges",
                 (unsigned)set->ranges);
    }
    return set->ranges ? set->text : "no ranges";
}

/* A REPLID or REPLGUID and its GLOBSET. False where it cannot be read on. */
static bool read_replica(struct reader *reader, bool replguid_form)
{
    char label[64];
    struct globset set = { .used = 0 };
    const uint32_t size = replguid_form ? GUID_LEN : 2;
    const uint8_t *p = reader->p + reader->pos;
    if (!has(reader, size, replguid_form ? "A REPLGUID that is not whole" : "A REPLID that is not whole")) {
        return false;
    }
    if (reader_left(reader) < size) {
        snprintf(label, sizeof(label), "%s", replguid_form ? "REPLGUID" : "REPLID");
    } else if (replguid_form) {
        replguid_label(label, sizeof(label), p);
    } else {
        snprintf(label, sizeof(label), "REPLID 0x%04x", get_le16(p));
    }
    if (!reader_open(reader, label)) {
        return false;
    }
    read_rows(reader, replguid_form ? replguid : replid);
    bool good = !reader->failed && read_globset(reader, &set);
    reader_close(reader, ranges_text(&set));
    return good;
}

void read_idset(struct reader *reader, uint32_t size, bool replguid_form)
{
    struct reader part;
    if (!part_of(reader, size, &part)) {
        return;
    }
    while (reader_left(&part) > 0 && read_replica(&part, replguid_form)) {
    }
    read_rows(&part, rest_row);
    reader_resume(reader, &part);
}

/* ---- XID, 2.2.2.2 and 2.2.2.3 ---- */

static LAYOUT(xid, UUID("fx.xid.namespace_guid", "NamespaceGuid"), REST("fx.xid.local_id", "LocalId"));
static LAYOUT(xid_rest, REST("fx.xid.rest", "Not read"));
static LAYOUT(predecessor, U8("fx.predecessor.size", "XidSize"));

static bool is_xid_size(uint32_t size)
{
    return size > GUID_LEN && size <= GUID_LEN + LOCAL_ID_MAX;
}

void read_xid(struct reader *reader, uint32_t size)
{
    struct reader part;
    char text[2 + 2 * LOCAL_ID_MAX + 1] = "0x";
    if (!part_of(reader, size, &part)) {
        return;
    }
    if (!is_xid_size(size)) {
        reader_warn(&part, part.pos, "An XID that has not 17 to 24 bytes");
        read_rows(&part, xid_rest);
    } else if (reader_open(&part, "XID")) {
        const uint32_t local = part.pos + GUID_LEN;
        read_rows(&part, xid);
        bool whole = !part.failed && part.whole == part.len;
        for (uint32_t i = 0; whole && i < size - GUID_LEN; i++) {
            snprintf(text + 2 + 2 * i, 3, "%02X", part.p[local + i]);
        }
        reader_close(&part, whole ? text : NULL);
    }
    reader_resume(reader, &part);
}

void read_predecessor_change_list(struct reader *reader, uint32_t size)
{
    struct reader part;
    if (!part_of(reader, size, &part)) {
        return;
    }
    while (reader_left(&part) > 0) {
        uint32_t xid_size = (uint32_t)read_field(&part, predecessor);
        if (!has(&part, xid_size, "An XID longer than its list")) {
            read_rows(&part, xid_rest);
            break;
        }
        read_xid(&part, xid_size);
    }
    reader_resume(reader, &part);
}

/* ---- what meta-properties hold ---- */

/* 2.2.2.7 */
static LAYOUT(progress, U16("fx.progress.version", "Version"), X16("fx.progress.padding", "Padding"),
              U32("fx.progress.fai_count", "FAIMessageCount"),
              U64("fx.progress.fai_size", "FAIMessageTotalSize", .unit = "bytes"),
              U32("fx.progress.normal_count", "NormalMessageCount"), X32("fx.progress.padding2", "Padding"),
              U64("fx.progress.normal_size", "NormalMessageTotalSize", .unit = "bytes"));

/* 2.2.2.8.1.1 */
#define KIND_LID 0u
#define KIND_NAME 1u
#define NAMED_PROPERTIES 0x8000u

static FIELD_NAMES(kind_names, KIND_LID, "LID", KIND_NAME, "Name");
static LAYOUT(group_name, UUID("fx.name.guid", "GUID", .text = ox_guid_text),
              U32("fx.groups.kind", "Kind", .names = kind_names));
static LAYOUT(group_lid, X32("fx.name.lid", "LID"));
static LAYOUT(group_name_text, U32("fx.groups.name_size", "NameSize"), SIZED_STRING16("fx.name.text", "Name"));

static void read_group_tag(struct layout_run *run, const struct field *at)
{
    (void)at;
    struct reader *reader = run->reader;
    uint32_t tag = read_property_tag_of(reader, PROP_ROP);
    if (reader->failed || tag >> 16 < NAMED_PROPERTIES) {
        return;
    }
    read_field(reader, &group_name[0]);
    uint32_t kind = (uint32_t)read_field(reader, &group_name[1]);
    if (!reader->failed && kind > KIND_NAME) {
        reader->pos -= 4;
        reader_fail(reader, "A kind of a property's name that is neither 0 nor 1");
    }
    read_rows(reader, kind == KIND_LID ? group_lid : group_name_text);
}

static const char *tags_text(const struct layout_run *run, char room[FIELD_TEXT_MAX])
{
    snprintf(room, FIELD_TEXT_MAX, "%u propert%s", (unsigned)run->done, run->done == 1 ? "y" : "ies");
    return room;
}

/* 2.2.2.8 */
static LAYOUT(property_groups, U32("fx.groups.id", "GroupId"), X32("fx.groups.reserved", "Reserved"),
              U32("fx.groups.count", "GroupCount"),
              TIMES(GROUP("PropertyGroup", tags_text, U32("fx.groups.tag_count", "PropertyTagCount"),
                          TIMES(READ_LAYOUT(read_group_tag, 4, property_tag_layouts)))));

/* 2.2.2.9 */
static LAYOUT(folder_replica, X32("fx.replica.flags", "Flags"), U32("fx.replica.depth", "Depth"),
              GROUP("FolderLongTermId", NULL, UUID("fx.replica.database_guid", "DatabaseGuid"),
                    RUN(6, "fx.replica.global_counter", "GlobalCounter"), X16("fx.replica.pad", "Pad")),
              U32("fx.replica.server_count", "ServerDNCount"), KEEP(0),
              U32("fx.replica.cheap_server_count", "CheapServerDNCount"), RECALL(0),
              TIMES(STRING8("fx.replica.server", "ServerDN")));

/* 2.2.2.10 */
#define GID(label, guid, counter, pad) \
    GROUP(label, NULL, UUID(guid, "DatabaseGuid"), RUN(6, counter, "GlobalCounter")), X16(pad, "Padding")

static LAYOUT(error_info, U16("fx.error.version", "Version"), X16("fx.error.padding", "Padding"),
              X32("fx.error.code", "ErrorCode", .text = ox_error_text),
              GID("FolderGID", "fx.error.folder_guid", "fx.error.folder_counter", "fx.error.padding2"),
              GID("MessageGID", "fx.error.message_guid", "fx.error.message_counter", "fx.error.padding3"),
              RUN(24, "fx.error.reserved", "Reserved"), U32("fx.error.aux_size", "AuxBytesCount"),
              U32("fx.error.aux_offset", "AuxBytesOffset"), REST("fx.error.aux", "Reserved and AuxBytes"));

static LAYOUT(value_rest, REST("fx.value.rest", "Not read"));

LAYOUT(idset_layouts, INCLUDE(command_row), INCLUDE(pushed), INCLUDE(bitmask), INCLUDE(bounds), INCLUDE(replid),
       INCLUDE(replguid), INCLUDE(rest_row), INCLUDE(xid), INCLUDE(xid_rest), INCLUDE(predecessor), INCLUDE(progress),
       INCLUDE(property_groups), INCLUDE(group_name), INCLUDE(group_lid), INCLUDE(group_name_text),
       INCLUDE(folder_replica), INCLUDE(error_info), INCLUDE(value_rest));

static const struct {
    uint32_t tag;
    const char *name; /* NULL: of the table of all tags */
    enum ics_value value;
} tags[] = {
    /* Meta-properties, 2.2.4.1.5 */
    { 0x40160003, "MetaTagFXDelProp", ICS_BYTES },
    { 0x400F0003, "MetaTagEcWarning", ICS_BYTES },
    { 0x40110102, "MetaTagNewFXFolder", ICS_FOLDER_REPLICA },
    { 0x407C0003, "MetaTagIncrSyncGroupId", ICS_BYTES },
    { 0x407A0003, "MetaTagIncrementalSyncMessagePartial", ICS_BYTES },
    { 0x4008001E, "MetaTagDnPrefix", ICS_BYTES },
    { 0x4008001F, "MetaTagDnPrefix", ICS_BYTES },
    /* ICS state, 2.2.1.1; the type of the first is wrong there and sent so, 3.2.5.2.1 */
    { 0x40170003, "MetaTagIdsetGiven", ICS_IDSET_REPLGUID },
    { 0x40170102, "MetaTagIdsetGiven", ICS_IDSET_REPLGUID },
    { 0x67960102, "MetaTagCnsetSeen", ICS_IDSET_REPLGUID },
    { 0x67DA0102, "MetaTagCnsetSeenFAI", ICS_IDSET_REPLGUID },
    { 0x67D20102, "MetaTagCnsetRead", ICS_IDSET_REPLGUID },
    /* Deletions and read states, 2.2.1.3 */
    { 0x67E50102, "MetaTagIdsetDeleted", ICS_IDSET_REPLID },
    { 0x40210102, "MetaTagIdsetNoLongerInScope", ICS_IDSET_REPLID },
    { 0x67930102, "MetaTagIdsetExpired", ICS_IDSET_REPLID },
    { 0x402D0102, "MetaTagIdsetRead", ICS_IDSET_REPLID },
    { 0x402E0102, "MetaTagIdsetUnread", ICS_IDSET_REPLID },
    /* Of messages and folders, 2.2.1.2 */
    { 0x65E00102, NULL, ICS_XID },
    { 0x65E10102, NULL, ICS_XID },
    { 0x65E20102, NULL, ICS_XID },
    { 0x65E30102, NULL, ICS_PREDECESSORS },
};

enum ics_value ics_value_of_tag(uint32_t tag)
{
    for (size_t i = 0; i < COUNT_OF(tags); i++) {
        if (tags[i].tag == tag) {
            return tags[i].value;
        }
    }
    return ICS_BYTES;
}

const char *ics_tag_name(uint32_t tag)
{
    for (size_t i = 0; i < COUNT_OF(tags); i++) {
        if (tags[i].tag == tag) {
            return tags[i].name;
        }
    }
    return NULL;
}

static void read_structure(struct reader *reader, uint32_t size, const struct field *rows)
{
    struct reader part;
    if (part_of(reader, size, &part)) {
        read_rows(&part, rows);
        read_rows(&part, value_rest);
        reader_resume(reader, &part);
    }
}

bool ics_value_fits(enum ics_value what, struct span bytes)
{
    size_t at = 0;
    if (what == ICS_XID) {
        return bytes.len <= UINT8_MAX && is_xid_size((uint32_t)bytes.len);
    }
    while (what == ICS_PREDECESSORS && at < bytes.len && is_xid_size(bytes.ptr[at])) {
        at += 1u + bytes.ptr[at];
    }
    return at > 0 && at == bytes.len;
}

void read_ics_value(struct reader *reader, enum ics_value what, uint32_t size)
{
    switch (what) {
    case ICS_BYTES:
        break;
    case ICS_IDSET_REPLID:
    case ICS_IDSET_REPLGUID:
        read_idset(reader, size, what == ICS_IDSET_REPLGUID);
        break;
    case ICS_XID:
        read_xid(reader, size);
        break;
    case ICS_PREDECESSORS:
        read_predecessor_change_list(reader, size);
        break;
    case ICS_PROGRESS:
        read_structure(reader, size, progress);
        break;
    case ICS_PROPERTY_GROUPS:
        read_structure(reader, size, property_groups);
        break;
    case ICS_FOLDER_REPLICA:
        read_structure(reader, size, folder_replica);
        break;
    case ICS_ERROR_INFO:
        read_structure(reader, size, error_info);
        break;
    }
}
