/* logon_bindings.c
 * Logons that are bound to a TLS channel which is not the server's (channel bindings, Extended Protection).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "logon_shared.h"

#include "logon_words.h"

/* The legs before the last one. */
struct bridge {
    const struct logon_conn *bound;  /* the bindings are those of its certificate, or NULL */
    const struct logon_conn *client; /* the first, NULL if the last leg is the only one */
};

static struct bridge bridge_of(const struct exchange *request)
{
    struct bridge bridge = { NULL, NULL };
    for (const struct exchange *before = request->before; before; before = before->before) {
        bridge.client = before->logon;
        if (!bridge.bound && request_bound_to(request, before->logon->link->leaf)) {
            bridge.bound = before->logon;
        }
    }
    return bridge;
}

/* That the request went this way: each leg from the client on, of which what was not captured may have been another. */
static const struct evidence *evidence_bridge(struct judge *judge, const struct exchange *request)
{
    struct evidence *evidence = evidence_new(judge);
    for (const struct exchange *leg = request; leg; leg = leg->before) {
        if (conn_client_missed_since(leg->link, 0)) {
            evidence_add_lacking(evidence, leg->link);
        }
    }
    return evidence;
}

static void say_clear(struct text *text, const struct exchange *request, uint32_t frame, const struct bridge *bridge)
{
    say(text, " (frame %u) carries channel bindings of TLS, goes in clear text to %s and is refused with 401",
        request->begin.frame, SERVER_AT(request->logon, frame));
    if (bridge->bound) {
        say(text, "; the bindings are those of the certificate at %s", LEAF(bridge->bound));
    }
    say(text,
        "; inferred: TLS ends at a device before this connection, so the bindings cannot match what the server "
        "sees, if it asks for Extended Protection; next: pass TLS through or encrypt again with the same certificate, "
        "or turn Extended Protection off for this virtual directory");
}

static void say_other_leaf(struct text *text, const struct exchange *request, uint32_t frame,
                           const struct bridge *bridge)
{
    say(text, " (frame %u) carries channel bindings of TLS and is refused with 401 (frame %u) by %s",
        request->begin.frame, frame, LEAF(request->logon));
    if (bridge->bound) {
        say(text, "; the bindings are those of another certificate, at %s", LEAF(bridge->bound));
    } else {
        say(text, ", which presents another certificate than %s before it%s", LEAF(bridge->client),
            request->logon->link->leaf->has_bindings && bridge->client->link->leaf->has_bindings ?
                "; the bindings are those of neither" :
                "");
    }
    say(text,
        "; inferred: a device between ends TLS and encrypts again, so the bindings cannot match what the server "
        "sees, if it asks for Extended Protection; next: install the same certificate on the device and the server, "
        "pass TLS through, or turn Extended Protection off for this virtual directory");
}

/* Where the server's own certificate is not known, or is the one that was bound to, or only one leg was captured,
 * nothing can be said. */
static bool cannot_match(const struct exchange *request, const struct bridge *bridge)
{
    const struct conn *link = request->logon->link;
    const struct tls_leaf *before = bridge->client ? bridge->client->link->leaf : NULL;
    return !link->tls || (link->leaf && !request_bound_to(request, link->leaf) &&
                          (bridge->bound || (before && !tls_leaf_equal(before, link->leaf))));
}

/* Whether that explains a refusal: on the leg where the server judges, and it has taken none that was bound so. */
static bool refuses_bindings(const struct logon_answer *answer, const struct bridge *bridge)
{
    const struct exchange *request = answer->request;
    return request->bindings && !request->passed_on && !(answer->taken && answer->taken->unbound) &&
           cannot_match(request, bridge);
}

void judge_bindings(struct judge *judge, const struct logon_answer *answer, struct when when)
{
    const struct exchange *request = answer->request;
    const struct conn *link = request->logon->link;
    const struct bridge bridge = bridge_of(request);
    if (request->torn || !refuses_bindings(answer, &bridge)) {
        return;
    }
    struct account_memo *memo = account_memo(judge, request->account);
    struct finding finding =
        finding_begin(judge, V_CHANNEL_BINDING, when, about_logon(&memo->result, &memo->once, request->leg),
                      evidence_bridge(judge, request));
    if (!finding.begun) {
        return;
    }
    say(&finding.text, "Seen: the type 3 of %s", USER(request->user));
    if (link->tls) {
        say_other_leaf(&finding.text, request, when.frame, &bridge);
    } else {
        say_clear(&finding.text, request, when.frame, &bridge);
    }
    memo->bindings_frame = when.frame;
    tell_by(&finding, WHERE_DEVICE, link->tls || bridge.bound);
}

uint32_t explained_by_bindings(struct judge *judge, const struct logon_answer *answer)
{
    const struct bridge bridge = bridge_of(answer->request);
    const bool behind = answer->request->passed_on && answer->request->below_unbound;
    return behind || refuses_bindings(answer, &bridge) ? account_memo(judge, answer->request->account)->bindings_frame :
                                                         0;
}
