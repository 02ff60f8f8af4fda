/* rops.c
 * What ROPs there are.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_private.h"

static const struct field_choice *const chapters[] = { rops_of_tables,   rops_of_folders,       rops_of_properties,
                                                       rops_of_all,      rops_of_messages,      rops_of_streams,
                                                       rops_of_transfer, rops_of_notifications, rops_of_store,
                                                       rops_of_sync,     rops_of_transport };

/* Each chapter is in ascending order of its keys. */
const struct field_choice *rop_layout(uint8_t id, bool response)
{
    const uint32_t key = ROP_KEY(id, response);
    for (size_t i = 0; i < sizeof(chapters) / sizeof(*chapters); i++) {
        const struct field_choice *rop = chapters[i];
        while (rop->rows && rop->value < key) {
            rop++;
        }
        if (rop->rows && rop->value == key) {
            return rop;
        }
    }
    return NULL;
}

const char *rop_name(uint8_t id)
{
    const struct field_choice *rop = rop_layout(id, true);
    rop = rop ? rop : rop_layout(id, false);
    return rop ? rop->name : NULL;
}

uint8_t rop_opens(uint8_t id)
{
    static const uint8_t kinds[][2] = { { 0x02, ROP_FOLDER },       { 0x03, ROP_MESSAGE },    { 0x04, ROP_TABLE },
                                        { 0x05, ROP_TABLE },        { 0x06, ROP_MESSAGE },    { 0x1C, ROP_FOLDER },
                                        { 0x21, ROP_TABLE },        { 0x22, ROP_ATTACHMENT }, { 0x23, ROP_ATTACHMENT },
                                        { 0x29, ROP_SUBSCRIPTION }, { 0x2B, ROP_STREAM },     { 0x3B, ROP_STREAM },
                                        { 0x3E, ROP_TABLE },        { 0x3F, ROP_TABLE },      { 0x46, ROP_MESSAGE },
                                        { 0x4B, ROP_DOWNLOAD },     { 0x4C, ROP_DOWNLOAD },   { 0x4D, ROP_DOWNLOAD },
                                        { 0x53, ROP_UPLOAD },       { 0x69, ROP_DOWNLOAD },   { 0x70, ROP_SYNC },
                                        { 0x72, ROP_MESSAGE },      { 0x7E, ROP_COLLECTOR },  { 0x82, ROP_DOWNLOAD },
                                        { 0xFE, ROP_STORE } };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (kinds[i][0] == id) {
            return kinds[i][1];
        }
    }
    return ROP_OPENS_NOTHING;
}

bool rop_is_long(uint8_t id)
{
    static const uint8_t ids[] = { 0x1E, 0x33, 0x35, 0x36, 0x39, 0x58, 0x66, 0x67, 0x91, 0x92 };
    return memchr(ids, id, sizeof(ids)) != NULL;
}

#define FACILITY_WARNING 0x0004u /* the high half of a warning, MS-OXCDATA 2.4.2 */

bool rop_return_is_failure(uint32_t return_value)
{
    return return_value != 0 && return_value >> 16 != FACILITY_WARNING;
}
