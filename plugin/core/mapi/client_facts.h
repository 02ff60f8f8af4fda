/* client_facts.h
 * What the bodies of Connect and the stubs of EcDoConnect and EcDoConnectEx say of the client: its version, its
 * machine, its mode (MS-OXCRPC 3.1.4.1, 2.2.2.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef OUTLOOKHTTP_CLIENT_FACTS_H
#define OUTLOOKHTTP_CLIENT_FACTS_H

#include "field.h"

/* ClientMode of AUX_PERF_CLIENTINFO, MS-OXCRPC 2.2.2.2.4. */
enum client_mode { CLIENT_MODE_UNKNOWN, CLIENT_MODE_ONLINE, CLIENT_MODE_CACHED };

#define CLIENT_NAME_MAX 64
#define CLIENT_DN_MAX 256

struct client_facts {                 /* all zero: nothing so far */
    uint64_t version, server_version; /* version.h; 0: not told */
    uint8_t mode;                     /* enum client_mode */
    char machine[CLIENT_NAME_MAX];    /* MachineName */
    char user[CLIENT_NAME_MAX];       /* UserName, of the machine's logon */
    char process[CLIENT_NAME_MAX];    /* ProcessName: "OUTLOOK.EXE" */
    char user_dn[CLIENT_DN_MAX];      /* szUserDN */
    uint32_t code_page;               /* ulCpid; says nothing of the client alone */
    uint16_t word[3];                 /* of the version under way */
    uint8_t words;
};

/* Whether the row may say something of a client. */
static inline bool client_facts_has(const struct field *field)
{
    const char first = field->filter ? field->filter[0] : '\0';
    return first == 'a' || first == 'r' || first == 's' || first == 'u';
}

/* Whether anything was told. */
bool client_facts_any(const struct client_facts *facts);

/* A value of a request or response, as a sink gets them (field.h). Texts become UTF-8 without control characters. */
void client_facts_see(struct client_facts *facts, const struct field_value *value);

/* The name of a user in the last part of a distinguished name: "alice" of "/o=Example/ou=.../cn=Recipients/cn=alice". An
 * identifier of 32 hexadecimal digits and a hyphen in front of it, which Exchange writes, is left out. */
struct span client_facts_name(struct span user_dn);

#endif
