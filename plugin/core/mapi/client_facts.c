/* client_facts.c
 * What Connect and EcDoConnectEx say of the client.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "client_facts.h"

#include "chars.h"
#include "version.h"

#define NEW_FORM 0x8000u  /* in the second word: the first is two numbers */
#define CACHED_FLAG 0x01u /* ConnectionFlags of AUX_CLIENT_CONNECTION_INFO, 2.2.2.2.21 */

static uint64_t facts_version(const uint16_t word[3])
{
    return word[1] & NEW_FORM ? PROGRAM_VERSION(word[0] >> 8, word[0] & 0xFF, word[1] & ~NEW_FORM, word[2]) :
                                PROGRAM_VERSION(word[0], 0, word[1], word[2]);
}

static void see_word(struct client_facts *facts, uint64_t *version, const struct field_value *value)
{
    facts->word[facts->words++] = (uint16_t)value->number;
    if (facts->words == 3) {
        *version = facts_version(facts->word);
        facts->words = 0;
    }
}

/* The first that says something. */
static void see_text(char *to, size_t size, const struct field_value *value)
{
    struct span text = { value->bytes, value->len };
    if (to[0] || !value->bytes) {
        return;
    }
    struct chars chars = chars_into(to, size);
    if (value->field->kind == FIELD_STRING16) {
        while (text.len >= 2 && text.ptr[text.len - 2] == 0 && text.ptr[text.len - 1] == 0) {
            text.len -= 2;
        }
        chars_utf16(&chars, text);
    } else {
        text.len = span_until(text, 0);
        chars_bytes(&chars, text);
    }
}

void client_facts_see(struct client_facts *facts, const struct field_value *value)
{
    const char *filter = value->field->filter;
    if (!client_facts_has(value->field) || value->made) {
        return;
    }
    if (strcmp(filter, "rgw_client_version") == 0) {
        see_word(facts, &facts->version, value);
    } else if (strcmp(filter, "rgw_server_version") == 0) {
        see_word(facts, &facts->server_version, value);
    } else if (strcmp(filter, "sz_user_dn") == 0) {
        see_text(facts->user_dn, sizeof(facts->user_dn), value);
    } else if (strcmp(filter, "ul_cpid") == 0) {
        facts->code_page = (uint32_t)value->number;
    } else if (strncmp(filter, "aux.", 4) != 0) {
        return;
    } else if (strcmp(filter, "aux.machine_name") == 0) {
        see_text(facts->machine, sizeof(facts->machine), value);
    } else if (strcmp(filter, "aux.user_name") == 0) {
        see_text(facts->user, sizeof(facts->user), value);
    } else if (strcmp(filter, "aux.process_name") == 0) {
        see_text(facts->process, sizeof(facts->process), value);
    } else if (strcmp(filter, "aux.client_mode") == 0 && value->number <= CLIENT_MODE_CACHED) {
        facts->mode = value->number ? (uint8_t)value->number : facts->mode;
    } else if (strcmp(filter, "aux.connection_flags") == 0 && (value->number & CACHED_FLAG)) {
        facts->mode = CLIENT_MODE_CACHED;
    }
}

bool client_facts_any(const struct client_facts *facts)
{
    return facts->version || facts->server_version || facts->mode || facts->machine[0] || facts->user[0] ||
           facts->process[0] || facts->user_dn[0];
}

#define ID_DIGITS 32

struct span client_facts_name(struct span user_dn)
{
    struct span name = { .len = 0 }, part;
    while (span_next(&user_dn, '/', &part)) {
        if (span_starts_nocase(part, "cn=")) {
            name = span_skip(part, 3);
        }
    }
    size_t digits = 0;
    while (digits < name.len && hex_value(name.ptr[digits]) >= 0) {
        digits++;
    }
    return digits == ID_DIGITS && name.len > ID_DIGITS + 1 && name.ptr[ID_DIGITS] == '-' ?
               span_skip(name, ID_DIGITS + 1) :
               name;
}
