/* rop_private.h
 * What the layouts of ROPs share: their scene, and rows that many of them have.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_ROP_PRIVATE_H
#define OUTLOOKHTTP_ROP_PRIVATE_H

#include "layout.h"
#include "names.h"
#include "rops.h"

/* A ROP and its answer: what comes behind RopId and, of a request, LogonId. */
#define ROP_KEY(id, response) ((uint32_t)(id) << 1 | (response))
#define ROP_REQUEST(id, name, rows)          \
    {                                        \
        ROP_KEY(id, false), rows, name, NULL \
    }
#define ROP_ANSWER(id, name, rows)          \
    {                                       \
        ROP_KEY(id, true), rows, name, NULL \
    }
#define ROP(id, name, request, response) ROP_REQUEST(id, name, request), ROP_ANSWER(id, name, response)

/* The chapters of MS-OXCROPS 2.2. */
extern const struct field_choice rops_of_store[], rops_of_folders[], rops_of_tables[], rops_of_messages[],
    rops_of_transport[], rops_of_properties[], rops_of_streams[], rops_of_transfer[], rops_of_sync[],
    rops_of_notifications[], rops_of_all[];

/* The rows of a ROP or of its answer, with its name; NULL if the specification has none. */
const struct field_choice *rop_layout(uint8_t id, bool response);

/* The scene of the layouts. */
struct rop_scene {
    const struct rop_host *host;
    struct rop_known known;
    struct rop_took took;
    uint8_t next;     /* RopId of the answer that should come behind this one, 0 if none */
    bool lost;        /* where the ROP ends cannot be told without what is not known */
    uint32_t *joined; /* of the whole message, rops.h */
};

static inline struct rop_scene *rop_scene(const struct layout_run *run)
{
    return run->scene;
}

/* ---- keepers, for .seen ---- */

void keep_input(struct layout_run *run, const struct field_value *value);
void keep_output(struct layout_run *run, const struct field_value *value);
void keep_logon(struct layout_run *run, const struct field_value *value);
void keep_return(struct layout_run *run, const struct field_value *value);
void keep_folder(struct layout_run *run, const struct field_value *value);
void keep_message(struct layout_run *run, const struct field_value *value);
void keep_mode(struct layout_run *run, const struct field_value *value);
void keep_rows(struct layout_run *run, const struct field_value *value);
void keep_code_page(struct layout_run *run, const struct field_value *value);
void keep_data(struct layout_run *run, const struct field_value *value);
void keep_attachment(struct layout_run *run, const struct field_value *value);

/* ---- rows ---- */

extern const struct field_name rop_yes_names[], rop_table_status_names[], rop_origin_names[], rop_recipient_names[];
extern const struct field_name rop_id_names[];

#define INPUT U8("input_handle_index", "InputHandleIndex", .seen = keep_input)
#define SOURCE U8("source_handle_index", "SourceHandleIndex", .seen = keep_input)
#define OUTPUT U8("output_handle_index", "OutputHandleIndex", .seen = keep_output)
#define DEST U8("dest_handle_index", "DestHandleIndex")
#define YES8(...) U8(__VA_ARGS__, .names = rop_yes_names)
#define FOLDER_ID ID64("folder_id", "FolderId", .text = ox_id_text, .seen = keep_folder)
#define MESSAGE_ID ID64("message_id", "MessageId", .text = ox_id_text, .seen = keep_message)
#define ANY_ID(filter, label) ID64(filter, label, .text = ox_id_text)
#define PARTIAL YES8("partial_completion", "PartialCompletion")
#define WANT_ASYNC YES8("want_asynchronous", "WantAsynchronous")
#define CODE_PAGE U16("code_page_id", "CodePageId", .names = code_page_names, .seen = keep_code_page)

#define RETURN_VALUE X32("return_value", "ReturnValue", .text = ox_error_text, .seen = keep_return)
/* Behind ReturnValue: of success only; whatever it says. */
#define SUCCESS(...) UNLESS(__VA_ARGS__)
#define ALWAYS(...) READ_ROWS(rop_read_always, 0, __VA_ARGS__)
/* Answers that have nothing else. */
extern const struct field rop_input_answer[], rop_output_answer[];
/* ecDstNullObject (MS-OXCROPS 2.2.4.6.3 and others) */
#define DESTINATION_NULL 0x00000503u
#define NULL_DESTINATION IF_EQUAL(DESTINATION_NULL, U32("dest_handle_index", "DestHandleIndex"))

/* PidTagMessageFlags, MS-OXCMSG 2.2.1.6 */
#define MESSAGE_FLAGS                                                                                                 \
    X32("message_flags", "MessageFlags"), BIT("message_flags.mf_read", "mfRead", 0x0001),                             \
        BIT("message_flags.mf_unmodified", "mfUnmodified", 0x0002),                                                   \
        BIT("message_flags.mf_submitted", "mfSubmitted", 0x0004), BIT("message_flags.mf_unsent", "mfUnsent", 0x0008), \
        BIT("message_flags.mf_has_attach", "mfHasAttach", 0x0010),                                                    \
        BIT("message_flags.mf_from_me", "mfFromMe", 0x0020), BIT("message_flags.mf_fai", "mfFAI", 0x0040),            \
        BIT("message_flags.mf_resend", "mfResend", 0x0080),                                                           \
        BIT("message_flags.mf_notify_read", "mfNotifyRead", 0x0100),                                                  \
        BIT("message_flags.mf_notify_unread", "mfNotifyUnread", 0x0200),                                              \
        BIT("message_flags.mf_ever_read", "mfEverRead", 0x0400),                                                      \
        BIT("message_flags.mf_internet", "mfInternet", 0x2000),                                                       \
        BIT("message_flags.mf_untrusted", "mfUntrusted", 0x8000)
/* As many tags as the number above says, kept as those of this ROP. */
#define TAGS READ(rop_read_tags, 0)
#define TAG_COUNT U16("property_tag_count", "PropertyTagCount")
/* Tagged values, as many as the number above says. */
#define TAGGED_VALUES LIST("PropertyValues", NULL, READ(rop_read_tagged, 4))
#define PROBLEMS                                                                          \
    U16("property_problem_count", "PropertyProblemCount"),                                \
        LIST("PropertyProblems", NULL,                                                    \
             GROUP("PropertyProblem", NULL, U16("index", "Index"), READ(rop_read_tag, 4), \
                   X32("error_code", "ErrorCode", .text = ox_error_text)))
/* MS-OXCDATA 2.2.1.3.1: whole, and its parts. */
#define LONG_TERM_ID(filter, title)                                                                                \
    AGAIN(RUN(24, filter, title)), GROUP(title, NULL, UUID("database_guid", "DatabaseGuid", .text = ox_guid_text), \
                                         RUN(6, "global_counter", "GlobalCounter"), X16("pad", "Pad"))
/* A string up to its terminator, in UTF-16 if the number above is not 0. */
#define EITHER_STRING(filter, label, keeper) \
    PICK(rop_is_wide, STRING8(filter, label, .seen = keeper), STRING16(filter, label, .seen = keeper))
/* RestrictionDataSize and a restriction of so many bytes. */
#define RESTRICTION_DATA \
    U16("restriction_data_size", "RestrictionDataSize"), IF(PART(READ(rop_read_restriction, 1), UNREAD))
#define UNREAD REST("unread", "Bytes behind it")
/* What a size, the number above, should reach to the end of; if it does not, what is inside is read all the same. */
#define REACH(...) READ_ROWS(rop_read_reach, 0, __VA_ARGS__)

unsigned rop_is_wide(const struct layout_run *run);
void rop_read_always(struct layout_run *run, const struct field *at);
void rop_read_reach(struct layout_run *run, const struct field *at);
void rop_read_tags(struct layout_run *run, const struct field *at);
void rop_read_tag(struct layout_run *run, const struct field *at);
void rop_read_tagged(struct layout_run *run, const struct field *at);
void rop_read_restriction(struct layout_run *run, const struct field *at);
/* So many rows as the number above says, by the columns that are known. */
void rop_read_rows(struct layout_run *run, const struct field *at);
/* One row, of the columns that are known; false, and the rest is lost, if none are. */
bool rop_read_row(struct layout_run *run, const char *label);
/* Says that what comes cannot be read, and why. */
void rop_lose(struct layout_run *run, const char *what);
/* Reads what stands there in one kind of logon alone: to a mailbox, or to public folders. Of a logon that is not known nobody can
 * say so, unless the list has no room for it; unknown: that this loses the place. */
void rop_read_in_logon(struct layout_run *run, const struct field *at, bool to_mailbox, const char *unknown);
/* Whether what follows at bytes ahead is the next answer, or the end of the list. */
bool rop_goes_on(const struct layout_run *run, uint64_t ahead);

/* What is made of the pieces of a stream. */
extern const struct field rop_piece_layouts[];
/* Structures that several chapters have. */
extern const struct field rop_typed_string[], rop_property_names[];
#define TYPED_STRING(title) GROUP(title, NULL, INCLUDE(rop_typed_string))

#endif
