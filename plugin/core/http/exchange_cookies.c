/* exchange_cookies.c
 * The cookies of Exchange, and which are of load balancers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "exchange_cookies.h"

#include "base64.h"
#include "chars.h"

#define CONTEXT_KEY 0xA5
#define CONTEXT_MAX 512
#define TICKS_1970 INT64_C(621355968000000000) /* .NET ticks of 100 ns, from the year 1 */
#define TICKS_2200 INT64_C(693938880000000000)

static bool is_printable(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7E) {
            return false;
        }
    }
    return true;
}

/* Characters of base64, padding included: a longer run would not be decoded whole. */
static bool is_base64(struct span s)
{
    size_t len = s.len;
    while (len > 0 && s.len - len < 2 && s.ptr[len - 1] == '=') {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        if (base64_value(s.ptr[i], false) < 0) {
            return false;
        }
    }
    return len > 0;
}

/* "2022-04-02 13:55:01Z" */
static bool is_context_time(struct span s)
{
    static const char form[] = "0000-00-00 00:00:00Z";
    if (s.len != sizeof(form) - 1) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (form[i] == '0' ? !is_digit(s.ptr[i]) : s.ptr[i] != form[i]) {
            return false;
        }
    }
    return true;
}

bool exch_context_decode(struct span value, struct exch_context *context)
{
    uint8_t raw[CONTEXT_MAX];
    value = span_unquoted(span_trim(value));
    memset(context, 0, sizeof(*context));
    if (value.len < 4 || memcmp(value.ptr, "MAPI", 4) != 0) {
        return false;
    }
    value = span_skip(value, 4);
    if (!is_base64(value) || value.len > CONTEXT_MAX / 3 * 4) {
        return false;
    }
    size_t len = base64_decode(value, false, raw, sizeof(raw));
    if (len < 4 + 8 || get_le32(raw) != 0) {
        return false;
    }
    uint8_t before = CONTEXT_KEY;
    for (size_t i = 4; i < len - 8; i++) {
        uint8_t c = raw[i];
        raw[i] = c ^ before;
        before = c;
    }
    struct span text = span_of(raw + 4, len - 12);
    size_t server = span_until(text, '#');
    if (server == 0 || server >= text.len || server >= sizeof(context->server) || !is_printable(text)) {
        return false;
    }
    struct span rest = span_skip(text, server + 1);
    size_t time = span_until(rest, '#');
    if (!is_context_time(span_of(rest.ptr, time))) {
        return false;
    }
    chars_copy(context->server, sizeof(context->server), span_of(text.ptr, server));
    chars_copy(context->time, sizeof(context->time), span_of(rest.ptr, time));
    if (time < rest.len) {
        chars_copy(context->number, sizeof(context->number), span_skip(rest, time + 1));
    }
    context->counter = get_le64(raw + len - 8);
    return true;
}

bool exch_routing_decode(struct span value, struct exch_routing *routing)
{
    static const char form[] = "RUM:00000000-0000-0000-0000-000000000000:";
    uint8_t raw[sizeof(form) - 1 + 8];
    value = span_unquoted(span_trim(value));
    memset(routing, 0, sizeof(*routing));
    if (!is_base64(value) || value.len != (sizeof(raw) + 2) / 3 * 4 ||
        base64_decode(value, false, raw, sizeof(raw)) != sizeof(raw)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        if (form[i] == '0' ? hex_value(raw[i]) < 0 : raw[i] != form[i]) {
            return false;
        }
    }
    /* The two highest bits say whose time it is. */
    int64_t ticks = (int64_t)get_le64(raw + sizeof(form) - 1) & INT64_C(0x3FFFFFFFFFFFFFFF);
    if (ticks < TICKS_1970 || ticks > TICKS_2200) {
        return false;
    }
    chars_copy(routing->mailbox, sizeof(routing->mailbox), span_of(raw + 4, 36));
    routing->ns = (ticks - TICKS_1970) * 100;
    return true;
}

bool exch_sequence_decode(struct span value, uint32_t *counter)
{
    uint8_t raw[4];
    uint64_t number;
    value = span_unquoted(span_trim(value));
    size_t digits = span_until(value, '-');
    if (digits > 10 || digits == value.len || !span_decimal(span_of(value.ptr, digits), UINT32_MAX, &number)) {
        return false;
    }
    struct span rest = span_skip(value, digits + 1);
    if (rest.len != 8 || !is_base64(rest) || base64_decode(rest, false, raw, sizeof(raw)) != 4) {
        return false;
    }
    *counter = (uint32_t)number;
    return true;
}

/* Exchange's front end tells itself of a mailbox server by them. */
static bool is_front_end_cookie(struct span name)
{
    static const char *const whole[] = { "X-BackEndCookie", "X-BEResource", "TargetDB" };
    for (size_t i = 0; i < COUNT_OF(whole); i++) {
        if (span_equals_nocase(name, whole[i])) {
            return true;
        }
    }
    return false;
}

bool exch_is_device_cookie(struct span name)
{
    static const char *const whole[] = { "SRV",       "jlb",       "SRVNAME", "SERVERUSED", "barra_counter_session",
                                         "incap_ses", "FGTServer", "KEMPID" };
    static const char *const starts[] = {
        "BIGip",      "NSC_",       "ARRAffinity",  "AWSALB",   "AWSELB",       "ApplicationGatewayAffinity",
        "X-Mapping-", "incap_ses_", "visid_incap_", "nlbi_",    "__cf",         "cf_clearance",
        "BNI_",       "TS01",       "citrix_ns_id", "SERVERID", "INGRESSCOOKIE"
    };
    for (size_t i = 0; i < COUNT_OF(whole); i++) {
        if (span_equals_nocase(name, whole[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        if (span_starts_nocase(name, starts[i])) {
            return true;
        }
    }
    return false;
}

bool exch_is_citrix_cookie(struct span name)
{
    return span_starts_nocase(name, "NSC_") || span_starts_nocase(name, "citrix_ns_id");
}

bool exch_is_balancer_cookie(struct span name)
{
    return is_front_end_cookie(name) || exch_is_device_cookie(name);
}
