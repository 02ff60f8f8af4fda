/* rop_property.c
 * ROPs of MS-OXCROPS 2.2.8 and 2.2.9: properties, and streams of one (MS-OXCPRPT 2.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_private.h"

static LAYOUT(input_request, INPUT);

/* ---- 2.2.8.1, 2.2.8.2, 2.2.8.10 names ---- */

static void read_names(struct layout_run *run, const struct field *at)
{
    struct rop_took *took = &rop_scene(run)->took;
    const uint32_t count = (uint32_t)run->last, start = run->reader->pos;
    read_layout(run, at->inside);
    if (!run->reader->failed) {
        took->names = (struct span){ run->reader->p + start, run->reader->pos - start };
        took->name_count = (uint16_t)count;
    }
}

static void read_ids(struct layout_run *run, const struct field *at)
{
    struct rop_took *took = &rop_scene(run)->took;
    const uint32_t start = run->reader->pos;
    read_layout(run, at->inside);
    if (!run->reader->failed) {
        took->ids = (struct span){ run->reader->p + start, run->reader->pos - start };
    }
}

#define NAMES READ_LAYOUT(read_names, 0, rop_property_names)
#define IDS READ_ROWS(read_ids, 0, LIST("PropertyIds", NULL, X16("property_ids", "PropertyId")))
#define PROPERTY_IDS U16("property_id_count", "PropertyIdCount"), IDS

static FIELD_NAMES(create_names, 0, "lookup only", 2, "Create");

static LAYOUT(get_property_ids_from_names_request, INPUT, X8("flags", "Flags", .names = create_names),
              U16("property_name_count", "PropertyNameCount"), NAMES);
static LAYOUT(get_property_ids_from_names_response, INPUT, RETURN_VALUE, KEEP(0), UNLESS(PROPERTY_IDS), RECALL(0),
              IF_EQUAL(OX_ERRORS_RETURNED, PROPERTY_IDS));
static LAYOUT(get_names_from_property_ids_request, INPUT, PROPERTY_IDS);
static LAYOUT(get_names_from_property_ids_response, INPUT, RETURN_VALUE,
              SUCCESS(U16("property_name_count", "PropertyNameCount"), NAMES));
static LAYOUT(query_named_properties_request, INPUT, X8("query_flags", "QueryFlags"),
              BIT("query_flags.no_strings", "NoStrings", 0x01), BIT("query_flags.no_ids", "NoIds", 0x02),
              YES8("has_guid", "HasGuid"), IF(UUID("property_guid", "PropertyGuid", .text = ox_guid_text)));
static LAYOUT(query_named_properties_response, INPUT, RETURN_VALUE,
              SUCCESS(U16("id_count", "IdCount"), KEEP(1), IDS, RECALL(1), NAMES));

/* ---- 2.2.8.3 to 2.2.8.9 get, set, delete ---- */

#define SIZE_LIMIT U16("property_size_limit", "PropertySizeLimit")
#define WANT_UNICODE U16("want_unicode", "WantUnicode", .names = rop_yes_names)

static void read_got(struct layout_run *run, const struct field *at)
{
    (void)at;
    if (rop_scene(run)->known.columns) {
        rop_read_row(run, "RowData");
    } else {
        rop_lose(run, "The tags of this row stand in a request that was not captured");
    }
}

static LAYOUT(get_properties_specific_request, INPUT, SIZE_LIMIT, WANT_UNICODE, TAG_COUNT, TAGS);
static LAYOUT(get_properties_specific_response, INPUT, RETURN_VALUE, SUCCESS(READ(read_got, 1)));
static LAYOUT(get_properties_all_request, INPUT, SIZE_LIMIT, WANT_UNICODE);
static LAYOUT(get_properties_all_response, INPUT, RETURN_VALUE,
              SUCCESS(U16("property_value_count", "PropertyValueCount"), TAGGED_VALUES));
static LAYOUT(get_properties_list_response, INPUT, RETURN_VALUE, SUCCESS(TAG_COUNT, TAGS));
/* The size counts PropertyValueCount. */
static LAYOUT(set_properties_request, INPUT, U16("property_value_size", "PropertyValueSize"),
              REACH(U16("property_value_count", "PropertyValueCount"), TAGGED_VALUES));
static LAYOUT(delete_properties_request, INPUT, TAG_COUNT, TAGS);
static LAYOUT(problems_response, INPUT, RETURN_VALUE, SUCCESS(PROBLEMS));

/* ---- 2.2.8.11 to 2.2.8.13 copy, progress ---- */

#define COPY_FLAGS                                                       \
    X8("copy_flags", "CopyFlags"), BIT("copy_flags.move", "Move", 0x01), \
        BIT("copy_flags.no_overwrite", "NoOverwrite", 0x02)

static LAYOUT(copy_properties_request, SOURCE, DEST, WANT_ASYNC, COPY_FLAGS, TAG_COUNT, TAGS);
static LAYOUT(copy_to_request, SOURCE, DEST, WANT_ASYNC, YES8("want_sub_objects", "WantSubObjects"), COPY_FLAGS,
              U16("excluded_tag_count", "ExcludedTagCount"), TAGS);
static LAYOUT(copy_response, SOURCE, RETURN_VALUE, KEEP(0), UNLESS(PROBLEMS), RECALL(0), NULL_DESTINATION);
static LAYOUT(progress_request, INPUT, YES8("want_cancel", "WantCancel"));
static LAYOUT(progress_response, INPUT, RETURN_VALUE,
              SUCCESS(U8("logon_id", "LogonId"), U32("completed_task_count", "CompletedTaskCount"),
                      U32("total_task_count", "TotalTaskCount")));

CHOICES(rops_of_properties,
        ROP(0x07, "GetPropertiesSpecific", get_properties_specific_request, get_properties_specific_response),
        ROP(0x08, "GetPropertiesAll", get_properties_all_request, get_properties_all_response),
        ROP(0x09, "GetPropertiesList", input_request, get_properties_list_response),
        ROP(0x0A, "SetProperties", set_properties_request, problems_response),
        ROP(0x0B, "DeleteProperties", delete_properties_request, problems_response),
        ROP(0x39, "CopyTo", copy_to_request, copy_response), ROP(0x50, "Progress", progress_request, progress_response),
        ROP(0x55, "GetNamesFromPropertyIds", get_names_from_property_ids_request, get_names_from_property_ids_response),
        ROP(0x56, "GetPropertyIdsFromNames", get_property_ids_from_names_request, get_property_ids_from_names_response),
        ROP(0x5F, "QueryNamedProperties", query_named_properties_request, query_named_properties_response),
        ROP(0x67, "CopyProperties", copy_properties_request, copy_response),
        ROP(0x79, "SetPropertiesNoReplicate", set_properties_request, problems_response),
        ROP(0x7A, "DeletePropertiesNoReplicate", delete_properties_request, problems_response));

/* ---- 2.2.9 streams ---- */

#define SENTINEL 0xBABE /* the size is in the field behind it */

static FIELD_NAMES(stream_mode_names, 0, "ReadOnly", 1, "ReadWrite", 2, "Create", 3, "BestAccess");
static FIELD_NAMES(seek_names, 0, "beginning", 1, "current", 2, "end");
static FIELD_NAMES(lock_names, 1, "other readers allowed, else exclusive");

#define DATA U16("data_size", "DataSize"), SIZED("data", "Data", .seen = keep_data)
#define REGION                                                              \
    U64("region_offset", "RegionOffset"), U64("region_size", "RegionSize"), \
        X32("lock_flags", "LockFlags", .names = lock_names)

static LAYOUT(open_stream_request, INPUT, OUTPUT, READ(rop_read_tag, 4),
              X8("open_mode_flags", "OpenModeFlags", .names = stream_mode_names));
static LAYOUT(size_response, INPUT, RETURN_VALUE, SUCCESS(U32("stream_size", "StreamSize")));
static LAYOUT(open_stream_response, OUTPUT, RETURN_VALUE, SUCCESS(U32("stream_size", "StreamSize")));
static LAYOUT(read_stream_request, INPUT, U16("byte_count", "ByteCount"),
              IF_EQUAL(SENTINEL, U32("maximum_byte_count", "MaximumByteCount")));
static LAYOUT(read_stream_response, INPUT, RETURN_VALUE, ALWAYS(DATA));
static LAYOUT(write_stream_request, INPUT, DATA);
static LAYOUT(write_stream_response, INPUT, RETURN_VALUE, ALWAYS(U16("written_size", "WrittenSize")));
static LAYOUT(write_stream_extended_response, INPUT, RETURN_VALUE, ALWAYS(U32("written_size", "WrittenSize")));
static LAYOUT(seek_stream_request, INPUT, U8("origin", "Origin", .names = seek_names), I64("offset", "Offset"));
static LAYOUT(seek_stream_response, INPUT, RETURN_VALUE, SUCCESS(U64("new_position", "NewPosition")));
static LAYOUT(set_stream_size_request, INPUT, U64("set_stream_size.stream_size", "StreamSize"));
static LAYOUT(region_request, INPUT, REGION);
static LAYOUT(copy_to_stream_request, SOURCE, DEST, U64("copy_to_stream.byte_count", "ByteCount"));
static LAYOUT(copy_to_stream_response, SOURCE, RETURN_VALUE,
              ALWAYS(NULL_DESTINATION, U64("read_byte_count", "ReadByteCount"),
                     U64("written_byte_count", "WrittenByteCount")));
static LAYOUT(clone_stream_request, INPUT, OUTPUT);

CHOICES(rops_of_streams, ROP(0x2B, "OpenStream", open_stream_request, open_stream_response),
        ROP(0x2C, "ReadStream", read_stream_request, read_stream_response),
        ROP(0x2D, "WriteStream", write_stream_request, write_stream_response),
        ROP(0x2E, "SeekStream", seek_stream_request, seek_stream_response),
        ROP(0x2F, "SetStreamSize", set_stream_size_request, rop_input_answer),
        ROP(0x3A, "CopyToStream", copy_to_stream_request, copy_to_stream_response),
        ROP(0x3B, "CloneStream", clone_stream_request, rop_output_answer),
        ROP(0x5B, "LockRegionStream", region_request, rop_input_answer),
        ROP(0x5C, "UnlockRegionStream", region_request, rop_input_answer),
        ROP(0x5D, "CommitStream", input_request, rop_input_answer),
        ROP(0x5E, "GetStreamSize", input_request, size_response),
        ROP(0x90, "WriteAndCommitStream", write_stream_request, write_stream_response),
        ROP(0xA3, "WriteStreamExtended", write_stream_request, write_stream_extended_response));
