/* dissect_outlook.c
 * Shows what both protocols share: verdicts, logons, names of requests and servers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "dissect_outlook.h"

#include <epan/tap.h>

#include "ids.h"
#include "layers.h"
#include "registration.h"
#include "rows.h"
#include "store.h"

/* ---- Registration ----------------------------------------------------------------- */

static int hf_verdict, hf_verdict_where, hf_verdict_seen, hf_verdict_inferred, hf_verdict_next, hf_auth_scheme;
static int hf_verdict_vc, hf_verdict_session, hf_verdict_leg, hf_verdict_whose, hf_auth, hf_problem;
static int hf_auth_step, hf_auth_user, hf_auth_server, hf_auth_time, hf_auth_credentials, hf_auth_challenge_time;
int outlook_hf_request_id, outlook_hf_client_request_id, outlook_hf_front_end, outlook_hf_failure_context,
    outlook_hf_cas_error;
static int ett_verdict = -1, ett_auth = -1;
static expert_field ei_verdict[VERDICT_KINDS];
/* The registrar keeps pointers to these. */
static ei_register_info verdict_infos[VERDICT_KINDS];

/* By the beginning of a verdict's filter: its protocol, and what expert items are listed under. */
static const struct verdict_protocol {
    const char *prefix, *name;
    int *proto;
} verdict_protocols[] = {
    { "rpch.", "RPCH", &proto_rpch },
    { "outlook.", "Outlook", &proto_outlook },
    { "mapihttp.", "MAPI/HTTP", &proto_mapihttp },
};

static const struct verdict_protocol *protocol_of(enum verdict_kind kind)
{
    const struct verdict_protocol *protocol = verdict_protocols;
    while (!g_str_has_prefix(verdict_rows[kind].filter, protocol->prefix))
        protocol++;
    return protocol;
}

/* ---- Verdicts in Info ------------------------------------------------------------- */

#define SENTENCES_MOST 3

/* Chats say that all is well, but for those that take back what stands on an earlier frame. */
static bool is_news(const struct verdict *verdict)
{
    return verdict->severity > V_CHAT || verdict->kind == V_JOINED_LATE || verdict->kind == V_SERVER_BACK ||
           verdict->kind == V_TORN_ACCEPTED;
}

/* The gravest first, each sentence once. */
static void say_verdicts(packet_info *pinfo, const struct verdict *of_rpch, const struct verdict *of_mapi)
{
    const struct verdict *const lists[] = { of_rpch, of_mapi };
    uint64_t said = 0;
    unsigned count = 0;
    if (!pinfo->cinfo || (!of_rpch && !of_mapi))
        return;
    for (int severity = V_ERROR; severity >= V_CHAT; severity--) {
        for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
            for (const struct verdict *verdict = lists[i]; verdict; verdict = verdict->next) {
                if ((int)verdict->severity != severity || !is_news(verdict) || said >> verdict->kind & 1)
                    continue;
                said |= UINT64_C(1) << verdict->kind;
                if (++count <= SENTENCES_MOST)
                    col_append_fstr(pinfo->cinfo, COL_INFO, " [%s]", verdict_rows[verdict->kind].summary);
            }
        }
    }
    if (count > SENTENCES_MOST)
        col_append_fstr(pinfo->cinfo, COL_INFO, " [%u more]", count - SENTENCES_MOST);
}

/* ---- Registration of verdicts ----------------------------------------------------- */

/* "Verdict, a warning: rests on what did not come; once a leg" */
static void describe_verdict(enum verdict_kind kind)
{
    static const char *const
        severities[] = { [V_CHAT] = "a chat", [V_NOTE] = "a note", [V_WARNING] = "a warning", [V_ERROR] = "an error" };
    static const char
        *const proofs[] = { [PRESENCE] = "proved by what was seen", [ABSENCE] = "rests on what did not come" };
    static const char *const times[] = { [ALWAYS] = "each time",
                                         [ONCE_A_LEG] = "once for each attempt on a leg",
                                         [ONCE_A_CHANNEL] = "once a channel",
                                         [ONCE_A_CONNECTION] = "once a TCP connection",
                                         [ONCE_A_SIDE] = "once a session and leg",
                                         [ONCE_A_REQUEST] = "once a request",
                                         [ONCE_A_RESPONSE] = "once a response",
                                         [ONCE_AN_ACCOUNT] = "once an account",
                                         [ONCE_A_CLIENT] = "once a client",
                                         [ONCE_A_HOST] = "once a host" };
    const struct verdict_row *row = &verdict_rows[kind];
    fields_describe_expert(&ei_verdict[kind],
                           wmem_strdup_printf(wmem_epan_scope(), "Verdict, %s: %s; told %s", severities[row->severity],
                                              proofs[row->proof], times[row->once]));
}

static void register_verdicts(void)
{
    static const int groups[] = { [GROUP_SEQUENCE] = PI_SEQUENCE,
                                  [GROUP_RESPONSE] = PI_RESPONSE_CODE,
                                  [GROUP_PROTOCOL] = PI_PROTOCOL,
                                  [GROUP_SECURITY] = PI_SECURITY };
    static const int
        severities[] = { [V_CHAT] = PI_CHAT, [V_NOTE] = PI_NOTE, [V_WARNING] = PI_WARN, [V_ERROR] = PI_ERROR };
    for (int kind = 0; kind < VERDICT_KINDS; kind++) {
        const struct verdict_row *row = &verdict_rows[kind];
        verdict_infos[kind] =
            (ei_register_info){ &ei_verdict[kind],
                                { row->filter, groups[row->group], severities[row->severity], row->summary, EXPFILL } };
        fields_add_expert(*protocol_of(kind)->proto, &verdict_infos[kind], 1);
        describe_verdict(kind);
    }
}

void outlook_set_severities(bool same_proxy_required)
{
    verdict_infos[V_PROXIES_DIFFER].eiinfo.severity = same_proxy_required ? PI_WARN : PI_NOTE;
}

void outlook_register_show(struct show_calls *calls)
{
    static hf_register_info of_outlook[] = {
        TEXT_ROW(outlook_hf_request_id, "Request id", "outlook.request_id", "request-id"),
        TEXT_ROW(outlook_hf_client_request_id, "Client request id", "outlook.client_request_id", "client-request-id"),
        TEXT_ROW(outlook_hf_front_end, "Front end", "outlook.front_end", "X-FEServer"),
        TEXT_ROW(outlook_hf_failure_context, "Failure context", "outlook.failure_context", "X-FailureContext"),
        TEXT_ROW(outlook_hf_cas_error, "CAS error code", "outlook.cas_error_code",
                 "X-CasErrorCode: why Exchange's front end does not route the request"),
        TEXT_ROW(hf_verdict, "Verdict", "outlook.verdict", "Filter name of an expert item on this frame"),
        TEXT_ROW(hf_verdict_where, "Where", "outlook.verdict.where",
                 "Whose fault it is, and whether that was seen or is inferred"),
        TEXT_ROW(hf_verdict_seen, "Seen", "outlook.verdict.seen",
                 "What the verdict rests on, in full: an expert item's own text is cut at 240 characters"),
        TEXT_ROW(hf_verdict_inferred, "Inferred", "outlook.verdict.inferred", "What follows from it"),
        TEXT_ROW(hf_verdict_next, "Next", "outlook.verdict.next", "What to check next"),
        NUMBER_ROW(hf_verdict_vc, FT_UINT32, "Of virtual connection", "outlook.verdict.vc",
                   "Whose verdict it is: one that waited may stand on a frame of another"),
        NUMBER_ROW(hf_verdict_session, FT_UINT32, "Of session", "outlook.verdict.session",
                   "Whose verdict it is: one that waited may stand on a frame of another"),
        NUMBER_ROW(hf_verdict_leg, FT_UINT32, "Of leg", "outlook.verdict.leg",
                   "Whose verdict it is: the leg of that connection or session"),
        TEXT_ROW(hf_verdict_whose, "Whose", "outlook.verdict.whose",
                 "All of them in one text: \"connection 3 leg 0, session 1 leg 0\"; \"-\" for none"),
        FIELD_ROW(hf_auth, FT_NONE, BASE_NONE, NULL, 0, "Authentication", "outlook.auth",
                  "What a request or its response shows of a logon"),
        TEXT_ROW(hf_problem, "Problem", "outlook.problem",
                 "What is wrong with the bytes here, as its expert item says"),
        TEXT_ROW(hf_auth_scheme, "Scheme", "outlook.auth.scheme",
                 "Basic, NTLM, Negotiate, Bearer ...: of the credentials or the challenge"),
        TEXT_ROW(hf_auth_step, "Step", "outlook.auth.step",
                 "What this message is in the handshake: type 1 to 3, token, accepted, refused ..."),
        TEXT_ROW(hf_auth_user, "User", "outlook.auth.user", "As sent"),
        TEXT_ROW(hf_auth_server, "Challenge from", "outlook.auth.challenge_server",
                 "Computer name in the NTLM challenge"),
        MOMENT_ROW(hf_auth_challenge_time, "Challenge made at", "outlook.auth.challenge_time", "MsvAvTimestamp"),
        FRAME_ROW(hf_auth_credentials, "Credentials in", "outlook.auth.credentials_in", NULL,
                  "The request whose credentials this response answers"),
        INTERVAL_ROW(hf_auth_time, "Time since credentials", "outlook.auth.time",
                     "From the end of the request with the credentials to this response"),
    };
    static int *ett[] = { &ett_verdict, &ett_auth };
    fields_add(proto_outlook, of_outlook, array_length(of_outlook));
    proto_register_subtree_array(ett, array_length(ett));
    register_verdicts();
    rop_tap = register_tap("rop");
    calls->verdict_columns = say_verdicts;
}

/* ---- Columns ---------------------------------------------------------------------- */

void outlook_next_in_info(packet_info *pinfo)
{
    const char *text = col_get_text(pinfo->cinfo, COL_INFO);
    if (text && *text)
        col_append_str(pinfo->cinfo, COL_INFO, text[strlen(text) - 1] == ' ' ? "" : ", ");
    col_set_fence(pinfo->cinfo, COL_INFO);
}

void outlook_show_in_info(packet_info *pinfo, const char *protocol, const char *text)
{
    col_set_str(pinfo->cinfo, COL_PROTOCOL, protocol);
    outlook_next_in_info(pinfo);
    col_append_str(pinfo->cinfo, COL_INFO, text);
    col_set_fence(pinfo->cinfo, COL_INFO);
}

bool outlook_say_rops_in_info(const struct rop_message *rops, struct text *text)
{
    struct text summary = { .used = 0 };
    if (rops)
        outlook_say_rops(rops, &summary);
    if (summary.used > 0)
        say(text, ": %s", summary.s);
    return summary.used > 0;
}

void outlook_tap_rops(packet_info *pinfo, const struct rop_message *rops)
{
    if (rops && outlook_rops_frame(rops) == pinfo->num) /* else what carried them was sent again */
        tap_queue_packet(rop_tap, pinfo, rops);
}

/* ---- Logons ----------------------------------------------------------------------- */

void outlook_show_interval(proto_tree *tree, int hf, tvbuff_t *tvb, int64_t ns)
{
    nstime_t time = ns_time(ns);
    proto_item_set_generated(proto_tree_add_time(tree, hf, tvb, 0, 0, &time));
}

void outlook_show_known(proto_tree *tree, int hf, tvbuff_t *tvb, const char *text)
{
    if (text && *text)
        proto_item_set_generated(proto_tree_add_string(tree, hf, tvb, 0, 0, text));
}

void outlook_show_number(proto_tree *tree, int hf, tvbuff_t *tvb, uint32_t number)
{
    if (number != NO_NUMBER)
        proto_item_set_generated(proto_tree_add_uint(tree, hf, tvb, 0, 0, number));
}

void outlook_show_nonzero(proto_tree *tree, int hf, tvbuff_t *tvb, uint32_t number)
{
    outlook_show_number(tree, hf, tvb, number ? number : NO_NUMBER);
}

void outlook_show_auth(proto_tree *tree, tvbuff_t *tvb, const struct auth_shown *auth)
{
    if (!auth)
        return;
    proto_item *item = proto_tree_add_item(tree, hf_auth, tvb, 0, 0, ENC_NA);
    proto_tree *inside = proto_item_add_subtree(item, ett_auth);
    proto_item_set_generated(item);
    if (*auth->scheme || *auth->step)
        proto_item_append_text(item, ": %s %s", auth->scheme, auth->step);
    outlook_show_known(inside, hf_auth_scheme, tvb, auth->scheme);
    outlook_show_known(inside, hf_auth_step, tvb, auth->step);
    outlook_show_known(inside, hf_auth_user, tvb, auth->user);
    outlook_show_known(inside, hf_auth_server, tvb, auth->challenge_server);
    nstime_t challenge_time;
    if (auth->challenge_time && filetime_to_nstime(&challenge_time, auth->challenge_time))
        proto_item_set_generated(proto_tree_add_time(inside, hf_auth_challenge_time, tvb, 0, 0, &challenge_time));
    outlook_show_nonzero(inside, hf_auth_credentials, tvb, auth->credentials_frame);
    if (auth->time_ns >= 0)
        outlook_show_interval(inside, hf_auth_time, tvb, auth->time_ns);
}

/* ---- Verdicts --------------------------------------------------------------------- */

/* The three parts of a verdict's text, each whole: Wireshark cuts labels and the message of
 * an expert item. */
static void show_parts(proto_tree *tree, packet_info *pinfo, tvbuff_t *tvb, const char *text)
{
    const struct {
        int hf;
        const char *mark; /* in front of it; they come in this order */
    } parts[] = { { hf_verdict_seen, "Seen: " },
                  { hf_verdict_inferred, "; inferred: " },
                  { hf_verdict_next, "; next: " } };
    const char *from = text;
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        const char *mark = strstr(from, parts[i].mark);
        from = mark ? mark + strlen(parts[i].mark) : "";
        const char *end = i + 1 < G_N_ELEMENTS(parts) ? strstr(from, parts[i + 1].mark) : NULL;
        const size_t len = end ? (size_t)(end - from) : strlen(from);
        outlook_show_known(tree, parts[i].hf, tvb, len > 0 ? wmem_strndup(pinfo->pool, from, len) : "-");
    }
}

/* Each whose it is: as numbers, and all of them in one text, for lists of fields do not say which number
 * belongs to which verdict. */
static void show_whose(proto_tree *tree, packet_info *pinfo, tvbuff_t *tvb, const struct verdict *verdict)
{
    const struct victim one = { verdict->vc, verdict->session, verdict->leg, verdict->row };
    const struct victim *victims = verdict->victims ? verdict->victims : &one;
    const uint32_t count = verdict->victims ? verdict->victim_count : 1;
    wmem_strbuf_t *whose = wmem_strbuf_new(pinfo->pool, "");
    for (uint32_t i = 0; i < count; i++) {
        const struct victim *victim = &victims[i];
        const bool of_vc = victim->vc != NO_NUMBER, of_session = victim->session != NO_NUMBER;
        outlook_show_number(tree, hf_verdict_vc, tvb, victim->vc);
        outlook_show_number(tree, hf_verdict_session, tvb, victim->session);
        const uint32_t leg = outlook_victim_leg(store_outlook(), victim);
        outlook_show_number(tree, hf_verdict_leg, tvb, leg);
        if (of_vc || of_session)
            wmem_strbuf_append_printf(whose, "%s%s %u leg %u", wmem_strbuf_get_len(whose) ? ", " : "",
                                      of_vc ? "connection" : "session", of_vc ? victim->vc : victim->session,
                                      leg == NO_NUMBER ? 0 : leg);
    }
    const bool none = wmem_strbuf_get_len(whose) == 0;
    outlook_show_known(tree, hf_verdict_whose, tvb, none ? "-" : wmem_strbuf_get_str(whose));
}

void outlook_show_problem(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, expert_field *expert, int offset,
                          int len, const char *text)
{
    proto_item *item = proto_tree_add_string_format(tree, hf_problem, tvb, offset, len, text, "%s", text);
    expert_add_info_format(pinfo, item, expert, "%s", text);
}

void outlook_show_verdicts(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct verdict *verdicts)
{
    const char *before = pinfo->current_proto;
    proto_tree *all = verdicts ? layer_known(pinfo, tree, LAYER_VERDICTS, tvb) : NULL;
    for (const struct verdict *verdict = verdicts; verdict; verdict = verdict->next) {
        /* Expert items are listed under it: after the frame it is nobody's. */
        pinfo->current_proto = protocol_of(verdict->kind)->name;
        const char *sentence = verdict_rows[verdict->kind].summary;
        proto_item *named =
            proto_tree_add_string_format(all, hf_verdict, tvb, 0, 0, verdict_filter(verdict->kind), "%s", sentence);
        proto_item_set_generated(named);
        if (all)
            layer_say_part(pinfo, LAYER_VERDICTS, sentence);
        proto_tree *inside = proto_item_add_subtree(named, ett_verdict);
        char where[48];
        if (verdict->where == WHERE_NONE || verdict->where == WHERE_UNKNOWN)
            snprintf(where, sizeof where, "CANNOT TELL");
        else
            snprintf(where, sizeof where, "%s (%s)", verdict_where_name(verdict->where),
                     verdict->where_seen ? "seen" : "inferred");
        proto_item_set_generated(proto_tree_add_string(inside, hf_verdict_where, tvb, 0, 0, where));
        show_parts(inside, pinfo, tvb, verdict->text);
        show_whose(inside, pinfo, tvb, verdict);
        expert_add_info(pinfo, named, &ei_verdict[verdict->kind]);
    }
    pinfo->current_proto = before;
}

bool outlook_wants_expert(void)
{
    static int tap = -1;
    if (tap == -1)
        tap = find_tap_id("expert");
    return have_tap_listener(tap);
}

bool outlook_bodies_are_seen(proto_tree *tree, int proto)
{
    static int expert = -1;
    if (expert == -1)
        expert = proto_get_id_by_filter_name("_ws.expert");
    return outlook_wants_expert() || proto_field_is_referenced(tree, proto) ||
           proto_field_is_referenced(tree, proto_emsmdb) || proto_field_is_referenced(tree, proto_rop) ||
           proto_field_is_referenced(tree, proto_mapiprop) || proto_field_is_referenced(tree, expert);
}
