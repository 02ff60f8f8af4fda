/* idsets.h
 * Binary values of incremental change synchronization (MS-OXCFXICS 2.2.2): sets of IDs and of
 * change numbers, keys, lists of predecessors, and the structures that the meta-properties of
 * FastTransfer streams hold.
 *
 * Each takes exactly size bytes, or what is there of them: what is broken is an issue at its
 * byte, and the rest is shown as bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_IDSETS_H
#define OUTLOOKHTTP_IDSETS_H

#include "field.h"

/* All that they can show, for registration. */
extern const struct field idset_layouts[];

/* Ranges of a GLOBSET that stand behind its label; of more the number is said. */
#define IDSET_RANGES_SHOWN 4u
/* Long enough for what the functions below say behind a label. */
#define IDSET_TEXT_MAX 192u

/* IDSET and CNSET (2.2.2.4): a REPLID or a REPLGUID, and a GLOBSET (2.2.2.6), until the end. The
 * value has to be whole: of one that comes in parts (RopSynchronizationUploadStateStreamContinue)
 * only all parts together are one. */
void read_idset(struct reader *reader, uint32_t size, bool replguid_form);
/* XID, or GID (2.2.2.2): NamespaceGuid and 1 to 8 bytes of LocalId. */
void read_xid(struct reader *reader, uint32_t size);
/* PredecessorChangeList (2.2.2.3): XIDs, each with its size. */
void read_predecessor_change_list(struct reader *reader, uint32_t size);

/* What the binary value of a property of a stream is. */
enum ics_value {
    ICS_BYTES,
    ICS_IDSET_REPLID,
    ICS_IDSET_REPLGUID,
    ICS_XID,
    ICS_PREDECESSORS,
    ICS_PROGRESS,        /* ProgressInformation (2.2.2.7) */
    ICS_PROPERTY_GROUPS, /* PropertyGroupInfo (2.2.2.8) */
    ICS_FOLDER_REPLICA,  /* FolderReplicaInfo (2.2.2.9) */
    ICS_ERROR_INFO       /* ExtendedErrorInfo (2.2.2.10) */
};

#define ICS_ERROR_INFO_LEN 88u /* the fewest bytes of one */

/* By the tag alone: the first five, and ICS_FOLDER_REPLICA. */
enum ics_value ics_value_of_tag(uint32_t tag);
/* Whether the bytes are an XID, or XIDs with their sizes: of those two alone. */
bool ics_value_fits(enum ics_value what, struct span bytes);
/* Reads such a value, ICS_BYTES excepted. */
void read_ics_value(struct reader *reader, enum ics_value what, uint32_t size);
/* The name of a meta-property or a property of ICS state (2.2.4.1.5, 2.2.1.1), or NULL. */
const char *ics_tag_name(uint32_t tag);

#endif
