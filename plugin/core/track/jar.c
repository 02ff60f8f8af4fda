/* jar.c
 * Cookies of sessions: whose values they are, what a client was given last and what it sends (RFC 6265,
 * MS-OXCMAPIHTTP 3.1.5.6).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "session_private.h"

#include "date.h"
#include "exchange_cookies.h"

/* Of one session only, or NULL. */
static const struct value *value_of_one(struct mapi_state *world, uint64_t digest, uint8_t endpoint)
{
    const struct value *value = keyed_find(&world->values, digest + endpoint);
    return value && !value->shared ? value : NULL;
}

static struct value *give_value(struct mapi_state *world, uint64_t digest, uint8_t endpoint, uint32_t frame)
{
    struct value *value = keyed_make(&world->arena, &world->values, digest + endpoint, sizeof(*value));
    value->given_frame = frame > value->given_frame ? frame : value->given_frame;
    return value;
}

const struct session *jar_owner_given(const struct reply *reply, const struct cookie *cookie)
{
    const struct value *value = give_value(reply->conn->world, cookie->digest, reply->message->endpoint, cookie->frame);
    return value->shared ? NULL : value->owner;
}

static void own_value(struct session *session, uint64_t digest, bool names, uint32_t frame)
{
    struct value *value = give_value(session->world, digest, session->endpoint, frame);
    value->owner = value->owner ? value->owner : session;
    value->names |= names;
    value->shared |= value->owner != session;
}

void jar_own_all(struct session *session, const struct reply *reply, bool begins)
{
    for (unsigned i = 0; i < reply->cookie_count; i++) {
        if (!reply->cookies[i].deleted) {
            own_value(session, reply->cookies[i].digest, begins, reply->cookies[i].frame);
        }
    }
}

void jar_note_brought(struct mapi_state *world, const struct sent *sent, unsigned count, uint8_t endpoint)
{
    for (unsigned i = 0; i < count; i++) {
        if (sent[i].value.len > 0) {
            struct value *value = keyed_make(&world->arena, &world->values, sent[i].digest + endpoint, sizeof(*value));
            value->shared = true;
        }
    }
}

/* Stands for what counts of a cookie's value: of MapiRouting, which several sessions have and each
 * response writes with another time, the mailbox. */
static uint64_t cookie_digest(const struct mapi_state *world, struct span name, struct span value)
{
    struct exch_routing routing;
    if (span_equals_nocase(name, "MapiRouting") && exch_routing_decode(value, &routing)) {
        return mapi_digest(world, (const uint8_t *)routing.mailbox, strlen(routing.mailbox));
    }
    return mapi_digest(world, value.ptr, value.len);
}

static struct span unquoted(struct span value)
{
    value = span_trim(value);
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"') {
        value = span_of(value.ptr + 1, value.len - 2);
    }
    return value;
}

static bool name_is(struct span name, const char *text)
{
    size_t len = strlen(text);
    return name.len == len && memcmp(name.ptr, text, len) == 0;
}

struct span jar_host_name(struct span host)
{
    if (host.len == 0) {
        return host;
    }
    const size_t brackets = host.ptr[0] == '[' ? span_until(host, ']') : 0; /* an IPv6 address has colons */
    return span_of(host.ptr, brackets + span_until(span_skip(host, brackets), ':'));
}

static struct span name_of(const char *host)
{
    return jar_host_name(span_of((const uint8_t *)host, host ? strlen(host) : 0));
}

/* An IPv4 address: no name ends in a number. */
static bool is_address(struct span name)
{
    return name.ptr[name.len - 1] >= '0' && name.ptr[name.len - 1] <= '9' && span_until(name, '.') < name.len;
}

/* Domain-match (RFC 6265 5.1.3), ports aside: nothing is below an address; host: NULL where it is not known. */
static bool is_below(const char *host, const char *domain)
{
    const struct span name = name_of(host);
    const size_t len = strlen(domain);
    if (name.len <= len) {
        return name.len == 0 || span_equals_nocase(name, domain);
    }
    return name.ptr[name.len - len - 1] == '.' && !is_address(name) &&
           span_equals_nocase(span_skip(name, name.len - len), domain);
}

/* Whether a client takes a cookie of that Domain from that host: not for others, nor for all of a top-level domain (5.3, steps
 * 5 and 6). Of a host that is not known nobody can say so. */
static bool is_taken(const char *host, const char *domain)
{
    const size_t len = name_of(host).len;
    return len == 0 || (is_below(host, domain) && (strchr(domain, '.') || strlen(domain) == len));
}

static void read_attribute(struct mapi_state *world, struct span name, struct span value, struct when when,
                           struct span date, struct cookie *cookie, bool *max_age)
{
    int64_t seconds, now;
    if (span_equals_nocase(name, "Path")) {
        if (value.len > 0 && value.ptr[0] == '/') {
            cookie->path = mapi_state_keep(world, value);
        }
    } else if (span_equals_nocase(name, "Secure")) {
        cookie->secure = true;
    } else if (span_equals_nocase(name, "Domain") && value.len > 0) {
        cookie->of_domain = true;
        cookie->host = mapi_state_keep(world, span_skip(value, value.ptr[0] == '.'));
    } else if (span_equals_nocase(name, "Max-Age")) {
        int64_t age = mapi_read_number(value);
        *max_age = true;
        if (age > 0) {
            cookie->expires = age < INT64_C(1000000000) ? when.ns + age * SECOND : INT64_MAX;
        } else {
            cookie->deleted = age == 0 || (value.len > 0 && value.ptr[0] == '-');
        }
    } else if (span_equals_nocase(name, "Expires") && !*max_age && http_date_decode(value, &seconds)) {
        /* By the server's own clock, where it tells it. */
        if (!http_date_decode(date, &now)) {
            now = when.ns / SECOND;
        }
        int64_t left = seconds - now;
        cookie->deleted = left <= 0;
        cookie->expires = left < INT64_C(1000000000) ? when.ns + left * SECOND : INT64_MAX;
    }
}

const char *jar_default_path(struct mapi_state *world, struct span path)
{
    while (path.len > 1 && path.ptr[path.len - 1] != '/') {
        path.len--;
    }
    if (path.len > 1) {
        path.len--;
    }
    return path.len > 0 ? mapi_state_keep(world, path) : track_text(world->track, "/");
}

void jar_read_set_cookie(struct reply *reply, struct span text, const struct http_fields *fields)
{
    struct mapi_state *world = reply->conn->world;
    size_t pos = 0;
    struct span name, value;
    if (reply->cookie_count == JAR_MAX || !http_cookie_next(text, &pos, &name, &value) || name.len == 0) {
        return;
    }
    value = unquoted(value);
    struct exch_context context;
    if (span_equals_nocase(name, "MapiContext") && exch_context_decode(value, &context)) {
        reply->back.name[BACK_CONTEXT] = track_text(world->track, context.server);
    }
    if (exch_is_balancer_cookie(name)) {
        if (exch_is_device_cookie(name)) {
            server_note_device(reply->conn->link->server, SIGN_PERSISTENCE);
            reply->conn->link->server->citrix |= exch_is_citrix_cookie(name);
        }
        return;
    }
    struct cookie *cookie = &reply->cookies[reply->cookie_count++];
    memset(cookie, 0, sizeof(*cookie));
    cookie->name = mapi_state_keep(world, name);
    cookie->digest = cookie_digest(world, name, value);
    cookie->expires = INT64_MAX;
    cookie->deleted = value.len == 0;
    cookie->frame = reply->message->begin.frame;
    if (reply->request) {
        cookie->host = reply->request->host;
        cookie->path = reply->request->path;
    }
    bool max_age = false, deleted = cookie->deleted;
    while (http_cookie_next(text, &pos, &name, &value)) {
        read_attribute(world, name, unquoted(value), reply->message->begin, fields->date, cookie, &max_age);
    }
    cookie->deleted |= deleted;
    cookie->not_taken =
        cookie->of_domain && cookie->host && reply->request && !is_taken(reply->request->host, cookie->host);
    if (!cookie->path) {
        cookie->path = track_text(world->track, "/");
    }
}

unsigned jar_read_sent(const struct exchange *request, const struct http_fields *fields, struct sent sent[SENT_MAX])
{
    struct mapi_state *world = request->conn->world;
    unsigned count = 0;
    struct http_lines lines = fields->cookies;
    struct span field, list;
    while (http_lines_next(fields->head, "Cookie", &lines, &field, &list)) {
        size_t pos = 0;
        struct span name, value;
        while (count < SENT_MAX && http_cookie_next(list, &pos, &name, &value)) {
            value = unquoted(value);
            if (exch_is_balancer_cookie(name)) {
                if (exch_is_device_cookie(name)) {
                    server_note_device(request->link->server, SIGN_RETURNED);
                }
                continue;
            }
            sent[count].name = name;
            sent[count].digest = cookie_digest(world, name, value);
            sent[count].value = value;
            /* MapiRouting names a mailbox, which several sessions have. */
            bool tells = value.len > 0 && !span_equals_nocase(name, "MapiRouting");
            const struct value *given = tells ? value_of_one(world, sent[count].digest, request->endpoint) : NULL;
            sent[count].owner = given ? given->owner : NULL;
            sent[count].names = given && given->names;
            sent[count].given_frame = given ? given->given_frame : 0;
            count++;
        }
    }
    return count;
}

/* Where cookies name several sessions, the longest value decides. */
struct session *jar_session_of(const struct sent *sent, unsigned count)
{
    const struct sent *best = NULL;
    for (unsigned i = 0; i < count; i++) {
        if (sent[i].owner && sent[i].names && (!best || sent[i].value.len > best->value.len)) {
            best = &sent[i];
        }
    }
    return best ? best->owner : NULL;
}

static bool path_matches(const char *cookie, struct span path)
{
    size_t len = strlen(cookie);
    if (path.len < len || memcmp(path.ptr, cookie, len) != 0) {
        return false;
    }
    return path.len == len || cookie[len - 1] == '/' || path.ptr[len] == '/';
}

static bool cookie_applies(const struct cookie *cookie, const struct exchange *request, struct span path,
                           struct when when, bool brought)
{
    const bool of_host = !cookie->host || cookie->not_taken ||
                         (cookie->of_domain ? is_below(request->host, cookie->host) : cookie->host == request->host);
    return of_host && (!brought || (path_matches(cookie->path, path) && !cookie->not_taken)) && !cookie->deleted &&
           !cookie->uncertain && cookie->expires > when.ns &&
           (!cookie->secure || request->conn->link->tls || request->side->secure_returned);
}

/* Where a client brings none of its session's, and as they were set could bring none, they say why. */
static bool could_bring_none(const struct exchange *request, struct span path, struct when when)
{
    const struct side *side = request->side;
    bool none = request->by_guid;
    for (unsigned i = 0; none && i < side->jar_count; i++) {
        none = !cookie_applies(&side->jar[i], request, path, when, true);
    }
    return none;
}

void jar_set_back(struct side *side, int64_t ns)
{
    for (unsigned i = 0; i < side->jar_count; i++) {
        if (side->jar[i].expires != INT64_MAX) {
            side->jar[i].expires -= ns;
        }
    }
}

static enum cookie_fault compare_cookie(const struct cookie *cookie, const struct session *session,
                                        const struct sent *sent, unsigned count, const struct sent **other)
{
    enum cookie_fault fault = COOKIE_MISSING;
    for (unsigned i = 0; i < count; i++) {
        if (!name_is(sent[i].name, cookie->name)) {
            continue;
        }
        uint64_t is = sent[i].digest;
        if (is == cookie->digest || (cookie->newer && is == cookie->newer) ||
            (cookie->before && is == cookie->before)) {
            return COOKIE_FINE;
        }
        *other = &sent[i];
        fault = sent[i].owner == session ? COOKIE_STALE : COOKIE_FOREIGN;
    }
    return fault;
}

/* Whether the other value may be the newer one: it was given later, on another leg; or by a response that was not
 * captured: no counter tells that none is missing, that counter was there before (perhaps another session's), or its
 * server sent something that is not known to be none. Unless the same request had the right one before the device. */
static bool may_be_newer(const struct exchange *request, const struct cookie *cookie, enum cookie_fault fault,
                         const struct sent *other)
{
    const struct exchange *before = request->before;
    if (fault == COOKIE_STALE) {
        return other->given_frame > cookie->frame || request->again; /* with what it had the first time */
    }
    return fault == COOKIE_FOREIGN && !other->owner &&
           (!request->has_counter || other->given_frame || request->below_again ||
            request->link->server->strange_frame > cookie->frame) &&
           !(before && before->jar_known && !before->unseen && before->fault == COOKIE_FINE);
}

/* It was sent before another that stands before it in the capture: with two clocks. */
static bool is_out_of_order(const struct exchange *request)
{
    const struct side *side = request->side;
    const bool which = is_notification(request);
    return request->has_counter && side->guid == request->guid && side->has_counter[which] &&
           request->counter < side->counter[which];
}

/* other: the value that came in its place, NULL if none did. */
static void note_fault(struct exchange *request, const struct cookie *cookie, enum cookie_fault fault,
                       const struct sent *other, struct span path)
{
    if (request->fault != COOKIE_FINE) {
        request->fault_count += request->fault_count < UINT8_MAX;
        return;
    }
    if (fault == COOKIE_MISSING && cookie->not_taken) {
        fault = COOKIE_NOT_TAKEN;
    } else if (fault == COOKIE_MISSING && !path_matches(cookie->path, path)) {
        fault = COOKIE_OTHER_PATH;
    }
    request->fault = (uint8_t)fault;
    request->fault_name = cookie->name;
    request->fault_frame = cookie->frame;
    request->fault_digest = other ? http_value_mark(other->value) : 0;
}

/* Compares what the request carries with what the client was given last on this leg. */
void jar_check(struct exchange *request, const struct sent *sent, unsigned count, struct span path, struct when when)
{
    struct side *side = request->side;
    /* A response that nobody saw may have brought newer ones. */
    request->out_of_order = is_out_of_order(request);
    bool missed = side->unsure_frame != 0 || (request->ids && request->ids->jump_frame > side->success_began) ||
                  request->out_of_order;
    request->jar_known = side->success.frame != 0 && !missed;
    unsigned looked_at = 0;
    for (const struct exchange *other = side->asking.first; other && looked_at < SEARCH_MAX;
         other = other->stands[OF_SIDE].next, looked_at++) {
        request->jar_known &= other->answered; /* else its response may have passed unseen */
    }
    request->jar_known &= looked_at < SEARCH_MAX;
    request->carried = side->success.frame != 0;
    for (unsigned i = 0; i < side->jar_count && !side->secure_returned; i++) {
        const struct sent *other;
        side->secure_returned = side->jar[i].secure && !request->conn->link->tls &&
                                compare_cookie(&side->jar[i], side->session, sent, count, &other) == COOKIE_FINE;
    }
    const bool brought = !could_bring_none(request, path, when);
    for (unsigned i = 0; i < side->jar_count; i++) {
        struct cookie *cookie = &side->jar[i];
        const struct sent *other = NULL;
        if (!cookie_applies(cookie, request, path, when, brought)) {
            continue;
        }
        enum cookie_fault fault = compare_cookie(cookie, side->session, sent, count, &other);
        if (fault == COOKIE_FINE) {
            continue;
        }
        request->carried &= fault == COOKIE_STALE;
        cookie->unseen |=
            missed || may_be_newer(request, cookie, fault, other); /* until a response is seen to set it */
        if (cookie->unseen) {
            request->unseen = true;
            continue;
        }
        note_fault(request, cookie, fault, other, path);
    }
}

/* What the client was given by a complete success; or by another response, of which it may
 * know or not. */
void jar_fill(struct side *side, const struct reply *reply, bool success, bool beside)
{
    struct mapi_state *world = side->session->world;
    for (unsigned i = 0; i < reply->cookie_count; i++) {
        const struct cookie *from = &reply->cookies[i];
        struct cookie *to = NULL;
        for (unsigned j = 0; j < side->jar_count && !to; j++) {
            if (side->jar[j].name == from->name && side->jar[j].path == from->path) {
                to = &side->jar[j];
            }
        }
        if (!success) {
            if (to) {
                to->newer = from->digest;
                to->uncertain |= from->deleted;
            }
            continue;
        }
        if (!to && side->jar_count == side->jar_room) {
            unsigned room = side->jar_room ? side->jar_room * 2u : 2u;
            if (room > JAR_MAX) {
                continue;
            }
            struct cookie *jar = arena_new(&world->arena, room * sizeof(*jar));
            if (side->jar_count) {
                memcpy(jar, side->jar, side->jar_count * sizeof(*jar));
            }
            side->jar = jar;
            side->jar_room = (uint8_t)room;
        }
        if (!to) {
            to = &side->jar[side->jar_count++];
            memset(to, 0, sizeof(*to));
        }
        uint64_t before = beside && to->digest != from->digest ? to->digest : 0;
        *to = *from;
        to->before = before;
    }
}
