/* compat.h
 * Every difference between Wireshark 4.0, 4.4 and 4.6 that this plugin meets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_COMPAT_H
#define OUTLOOKHTTP_COMPAT_H

#if __has_include(<config.h>)
#include <config.h>
#endif
#if __has_include(<ws_version.h>)
#include <ws_version.h>
#endif

/* Inside Wireshark's own tree config.h has the numbers under other names. */
#ifndef WIRESHARK_VERSION_MAJOR
#define WIRESHARK_VERSION_MAJOR VERSION_MAJOR
#define WIRESHARK_VERSION_MINOR VERSION_MINOR
#endif

#define WS_AT_LEAST(major, minor) \
    (WIRESHARK_VERSION_MAJOR > (major) || (WIRESHARK_VERSION_MAJOR == (major) && WIRESHARK_VERSION_MINOR >= (minor)))

#include <epan/packet.h>
#include <epan/conversation.h>
#include <epan/dissectors/packet-http.h>
#include <epan/dissectors/packet-tcp.h>

/* Heuristics and preferences speak gboolean up to 4.2, bool from 4.4 on. */
#if WS_AT_LEAST(4, 4)
typedef bool ws_bool;
#else
typedef gboolean ws_bool;
#endif

/* The method of the last request on an HTTP connection; first pass only. */
static inline const char *compat_http_method(const http_conv_t *http)
{
#if WS_AT_LEAST(4, 4)
    return http->req_res_tail ? http->req_res_tail->request_method : NULL;
#else
    return http->request_method;
#endif
}

static inline const char *compat_http_uri(const http_conv_t *http)
{
#if WS_AT_LEAST(4, 4)
    return http->req_res_tail ? http->req_res_tail->request_uri : NULL;
#else
    return http->request_uri;
#endif
}

/* Makes http hand over what comes after the given frame. 4.6 reads upgrade_info
 * without asking whether it is there. */
static inline void compat_http_hand_over(http_conv_t *http, uint32_t frame, dissector_handle_t handle)
{
    http->startframe = frame;
    http->startoffset = G_MAXINT;
    http->next_handle = handle;
#if WS_AT_LEAST(4, 6)
    if (!http->upgrade_info)
        http->upgrade_info = wmem_new0(wmem_file_scope(), http_upgrade_info_t);
#endif
}

/* "Decrypted TLS (123 bytes)", allocated from scope. */
static inline char *compat_source_name(wmem_allocator_t *scope, const struct data_source *source)
{
#if WS_AT_LEAST(4, 6)
    char *text = get_data_source_description(source);
#else
    char *text = get_data_source_name(source);
#endif
    char *copy = wmem_strdup(scope, text);
    wmem_free(NULL, text);
    return copy;
}

/* What the menus "Conversation Filter" and "Colorize Conversation" call: functions of a struct _packet_info *, with a
 * pointer of ours behind it from 4.2 on, which nobody needs. */
#if WS_AT_LEAST(4, 2)
#define COMPAT_USER_DATA , void *user_data _U_
#define COMPAT_NO_USER_DATA , NULL
#else
#define COMPAT_USER_DATA
#define COMPAT_NO_USER_DATA
#endif

/* How many streams there are tells the spin box of 4.2 and later where to stop; parts of streams none of ours have. */
#if WS_AT_LEAST(4, 2)
#define COMPAT_STREAM_COUNT(function) , function, NULL
#else
#define COMPAT_STREAM_COUNT(function)
#endif

/* What a pcapng file calls the interface of a packet, and its description; NULL where it does not say. Interfaces are
 * counted anew in each section from 4.2 on. */
#if WS_AT_LEAST(4, 2)
#define COMPAT_OF_SECTION(section) , section
#else
#define COMPAT_OF_SECTION(section)
#endif

static inline const char *compat_interface_name(const packet_info *pinfo, uint32_t interface, unsigned section _U_)
{
    return epan_get_interface_name(pinfo->epan, interface COMPAT_OF_SECTION(section));
}

static inline const char *compat_interface_description(const packet_info *pinfo, uint32_t interface,
                                                       unsigned section _U_)
{
    return epan_get_interface_description(pinfo->epan, interface COMPAT_OF_SECTION(section));
}

/* Bits of tcp_acked.flags and of conversation_completeness, which live in packet-tcp.c
 * and have kept their values from 4.0 to 4.6. */
#define COMPAT_TCP_A_LOST_PACKET 0x0002
#define COMPAT_TCP_A_ACK_LOST_PACKET 0x0004
#define COMPAT_TCP_SYN_SEEN 0x01
#define COMPAT_TCP_SYNACK_SEEN 0x02

/* What -z calls: from 4.6 on it says whether it went well. function: of the option, says so. */
#if WS_AT_LEAST(4, 6)
#define COMPAT_STAT_INIT(name, function)                 \
    static bool name(const char *option, void *data _U_) \
    {                                                    \
        return function(option);                         \
    }
#else
#define COMPAT_STAT_INIT(name, function)                 \
    static void name(const char *option, void *data _U_) \
    {                                                    \
        function(option);                                \
    }
#endif

/* Where a statistics tree stands in the menu: "/" parts submenus up to 4.2, "//" later. */
#if WS_AT_LEAST(4, 4)
#define COMPAT_SUBMENU(menu, entry) menu "//" entry
#else
#define COMPAT_SUBMENU(menu, entry) menu "/" entry
#endif

#endif
