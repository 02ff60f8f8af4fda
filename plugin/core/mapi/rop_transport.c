/* rop_transport.c
 * ROPs of MS-OXCROPS 2.2.7: submission and transport (MS-OXOMSG 2.2.3).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "rop_private.h"

static FIELD_NAMES(submit_names, 0, "None", 1, "PreProcess", 2, "NeedsSpooler");
static FIELD_NAMES(lock_names, 0, "Lock", 1, "Unlock", 2, "Finished");

static LAYOUT(input_request, INPUT);
static LAYOUT(submit_message_request, INPUT, U8("submit_flags", "SubmitFlags", .names = submit_names));
static LAYOUT(abort_submit_request, INPUT, FOLDER_ID, MESSAGE_ID);
static LAYOUT(spooler_lock_message_request, INPUT, MESSAGE_ID, U8("lock_state", "LockState", .names = lock_names));
static LAYOUT(get_address_types_response, INPUT, RETURN_VALUE,
              SUCCESS(U16("address_type_count", "AddressTypeCount"), KEEP(0),
                      U16("address_type_size", "AddressTypeSize"), RECALL(0),
                      TIMES(STRING8("address_types", "AddressTypes"))));

/* Servers leave the properties out where the specification has none to return. */
static void read_returned(struct layout_run *run, const struct field *at)
{
    if (run->last == 0 || !rop_goes_on(run, 0)) {
        read_layout(run, at->inside);
    }
}

static LAYOUT(transport_send_response, INPUT, RETURN_VALUE,
              SUCCESS(U8("no_properties_returned", "NoPropertiesReturned", .names = rop_yes_names),
                      READ_ROWS(read_returned, 0, U16("property_value_count", "PropertyValueCount"), TAGGED_VALUES)));
static LAYOUT(transport_new_mail_request, INPUT, MESSAGE_ID, FOLDER_ID, STRING8("message_class", "MessageClass"),
              MESSAGE_FLAGS);
static LAYOUT(get_transport_folder_response, INPUT, RETURN_VALUE, SUCCESS(FOLDER_ID));
static LAYOUT(options_data_request, INPUT, STRING8("address_type", "AddressType"), YES8("want_win32", "WantWin32"));
static LAYOUT(options_data_response, INPUT, RETURN_VALUE,
              SUCCESS(U8("reserved", "Reserved"), U16("options_info_size", "OptionsInfoSize"),
                      SIZED("options_info", "OptionsInfo"), U16("help_file_size", "HelpFileSize"),
                      SIZED("help_file", "HelpFile"), IF(STRING8("help_file_name", "HelpFileName"))));

CHOICES(rops_of_transport, ROP(0x32, "SubmitMessage", submit_message_request, rop_input_answer),
        ROP(0x34, "AbortSubmit", abort_submit_request, rop_input_answer),
        ROP(0x47, "SetSpooler", input_request, rop_input_answer),
        ROP(0x48, "SpoolerLockMessage", spooler_lock_message_request, rop_input_answer),
        ROP(0x49, "GetAddressTypes", input_request, get_address_types_response),
        ROP(0x4A, "TransportSend", input_request, transport_send_response),
        ROP(0x51, "TransportNewMail", transport_new_mail_request, rop_input_answer),
        ROP(0x6D, "GetTransportFolder", input_request, get_transport_folder_response),
        ROP(0x6F, "OptionsData", options_data_request, options_data_response));
