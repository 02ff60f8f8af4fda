/* notes.c
 * What later passes need of each frame, in few bytes: a log of packed records in the order
 * of frames, and the one record that is under work or was looked at last.
 *
 * Frames are met in their order on the first pass. A record holds numbers in as few bytes
 * as they need and pointers as their distance from something near.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "ws.h"

#include "pack.h"

#define LOG_CHUNK 0x8000             /* bytes */
#define GROUP_MAX 16                 /* records that are passed over at most to find one */

enum record_bits {
    HAS_STATE = 0x01, IS_DIRECT = 0x02, HEAD_BY_HTTP = 0x04, HAS_VERDICTS = 0x08, HAS_AUTH = 0x10, HAS_MARK = 0x20,
    NEW_MARK = 0x40, HAS_CALLS = 0x80
};
enum row_bits { ROW_OF_LEG = 0x01, HAS_ROW = 0x02, HAS_AUTH_ROW = 0x04 };
/* Phase and framing are below. */
enum call_bits { CALL_PDUS = 0x10, CALL_GAP = 0x20, CALL_PASSES = 0x40, CALL_CARRIES = 0x80 };
enum asked_bits { ASKED_METHOD = 0x0F, ASKED_ECHO = 0x10, ASKED_CHANNEL = 0x20, GUESSED = 0x40 };
enum auth_bits {
    AUTH_USER = 0x01, AUTH_SERVER = 0x02, AUTH_TIME = 0x04, AUTH_ANSWERS = 0x08, AUTH_STAMP = 0x10, AUTH_ROW = 0x20
};
enum pdu_bits {
    PDU_CHANNEL = 0x03, PDU_MISPLACED = 0x04, PDU_NAMED = 0x08, PDU_UNEXPECTED = 0x10, PDU_CALLS = 0x20,
    PDU_CALLS_OF_ROW = 0x40
};
enum mark_bits {
    HAS_LEG = 0x01, HAS_COOKIE = 0x02, HAS_IN = 0x04, HAS_OUT = 0x08, HAS_TARGET = 0x10, HAS_OUTLOOK_SESSION = 0x20,
    HAS_SESSION_ID = 0x40
};
enum half_bits { MARK_CHANNEL = 0x03, MARK_STATE = 0x1C, IN_IS_OWN = 0x20, OUT_IS_OWN = 0x40 };

/* The most that a part of a record takes. */
#define RECORD_MAX (2 + 10 * PACK_MAX)
#define MARK_MAX (2 + 7 * PACK_MAX)
#define CURSOR_MAX (2 + 4 * PACK_MAX + sizeof(struct http_chunks))
#define CALL_MAX (CURSOR_MAX + 2 * PACK_MAX)
#define AUTH_MAX (1 + 8 * PACK_MAX)
#define PDU_MAX (1 + 4 * PACK_MAX)

struct group {                       /* records that follow one another in memory */
    const uint8_t *at;
    uint32_t frame;                  /* of the first */
    uint8_t count;
    bool closed;                     /* what follows lies elsewhere */
};

enum current { CURRENT_NONE, CURRENT_OPEN, CURRENT_FOUND, CURRENT_ABSENT };

/* Everything but the log's chunks. Their memory, and that of the spare parts, is of file scope. */
static struct {
    struct group *groups;
    uint32_t group_count, group_room;
    const uint8_t *first_chunk;      /* streams are pointed at from here */
    uint8_t *chunk;                  /* where the next record goes */
    size_t chunk_left;
    uint32_t last_frame;             /* of the last record */
    uint8_t *packed;                 /* room to pack a record in */
    size_t packed_room;
    enum current current;
    uint32_t current_frame;
    struct frame_note note;
    struct vc_mark mark;
    struct call_note *spare_calls;
    struct pdu_note *spare_pdus;
    struct auth_note *spare_auths;
    struct flow *spare_flows;        /* pairs; the first one's asked points to the next pair */
} notes;

static const char own_text[] = "";       /* the plugin's own constant texts lie near it */

void notes_init(void)
{
    memset(&notes, 0, sizeof notes);
}

/* ---- Parts of a note, used again and again ------------------------------------------ */

struct call_note *notes_add_call(struct frame_note *note)
{
    struct call_note *call = notes.spare_calls;
    if (call) {
        notes.spare_calls = call->next;
        memset(call, 0, sizeof *call);
    } else {
        call = wmem_new0(wmem_file_scope(), struct call_note);
    }
    if (note->last_call)
        note->last_call->next = call;
    else
        note->calls = call;
    note->last_call = call;
    return call;
}

struct pdu_note *notes_new_pdu(void)
{
    struct pdu_note *pdu = notes.spare_pdus;
    if (!pdu)
        return wmem_new0(wmem_file_scope(), struct pdu_note);
    notes.spare_pdus = pdu->next;
    memset(pdu, 0, sizeof *pdu);
    return pdu;
}

void notes_add_auth(struct frame_note *note, const struct auth_shown *shown)
{
    struct auth_note *auth = notes.spare_auths, **place = &note->auth;
    if (auth)
        notes.spare_auths = auth->next;
    else
        auth = wmem_new(wmem_file_scope(), struct auth_note);
    auth->next = NULL;
    auth->shown = *shown;
    while (*place)
        place = &(*place)->next;
    *place = auth;
}

static void release_pdus(struct pdu_note *pdu)
{
    while (pdu) {
        struct pdu_note *next = pdu->next;
        pdu->next = notes.spare_pdus;
        notes.spare_pdus = pdu;
        pdu = next;
    }
}

static void begin_note(uint32_t frame, enum current current)
{
    struct frame_note *note = &notes.note;
    while (note->calls) {
        struct call_note *call = note->calls;
        note->calls = call->next;
        release_pdus(call->pdus);
        call->next = notes.spare_calls;
        notes.spare_calls = call;
    }
    while (note->auth) {
        struct auth_note *auth = note->auth;
        note->auth = auth->next;
        auth->next = notes.spare_auths;
        notes.spare_auths = auth;
    }
    memset(note, 0, sizeof *note);
    note->row = note->auth_row = NO_NUMBER;
    notes.current = current;
    notes.current_frame = frame;
}

/* ---- Marks: the state after the frame --------------------------------------------------- */

/* Texts and servers that connections have in common lie near the record of their server. */
static const void *common(const struct stream *stream)
{
    return conn_server(vtcp_conn(stream->conn));
}

static uint8_t *pack_mark(uint8_t *p, const struct stream *stream, const struct vc_mark *mark)
{
    const struct vtcp *in = mark->half[0], *out = mark->half[1];
    p[0] = (uint8_t)((mark->leg ? HAS_LEG : 0) | (mark->has_cookie ? HAS_COOKIE : 0) | (in ? HAS_IN : 0)
                     | (out ? HAS_OUT : 0) | (mark->target ? HAS_TARGET : 0)
                     | (mark->outlook_session ? HAS_OUTLOOK_SESSION : 0) | (mark->session_id ? HAS_SESSION_ID : 0));
    p[1] = (uint8_t)((mark->channel & MARK_CHANNEL) | (mark->state << 2 & MARK_STATE)
                     | (in == stream->conn ? IN_IS_OWN : 0) | (out == stream->conn ? OUT_IS_OWN : 0));
    p = pack(p + 2, mark->peer_frame);
    if (mark->leg)
        p = pack_pointer(p, stream, mark->leg);
    if (in && in != stream->conn)
        p = pack_pointer(p, stream, in);
    if (out && out != stream->conn)
        p = pack_pointer(p, stream, out);
    if (mark->target)
        p = pack_pointer(p, common(stream), mark->target);
    if (mark->outlook_session)
        p = pack_pointer(p, stream, mark->outlook_session);
    if (mark->session_id)
        p = pack_pointer(p, stream, mark->session_id);
    return p;
}

static void unpack_mark(const uint8_t *p, const struct stream *stream, struct vc_mark *mark)
{
    const uint8_t bits = p[0], more = p[1];
    memset(mark, 0, sizeof *mark);
    mark->has_cookie = (bits & HAS_COOKIE) != 0;
    mark->channel = more & MARK_CHANNEL;
    mark->state = (more & MARK_STATE) >> 2;
    p += 2;
    mark->peer_frame = unpack32(&p);
    if (bits & HAS_LEG)
        mark->leg = (const struct leg *)unpack_pointer(&p, stream);
    if (bits & HAS_IN)
        mark->half[0] = more & IN_IS_OWN ? stream->conn : (const struct vtcp *)unpack_pointer(&p, stream);
    if (bits & HAS_OUT)
        mark->half[1] = more & OUT_IS_OWN ? stream->conn : (const struct vtcp *)unpack_pointer(&p, stream);
    if (bits & HAS_TARGET)
        mark->target = (const char *)unpack_pointer(&p, common(stream));
    if (bits & HAS_OUTLOOK_SESSION)
        mark->outlook_session = (const char *)unpack_pointer(&p, stream);
    if (bits & HAS_SESSION_ID)
        mark->session_id = (const char *)unpack_pointer(&p, stream);
}

void notes_set_mark(struct frame_note *note, const struct vc_mark *mark)
{
    notes.mark = *mark;
    note->mark = &notes.mark;
}

/* ---- Calls and PDUs ------------------------------------------------------------------- */

static uint8_t *pack_pdu(uint8_t *p, const struct frame_note *note, const struct pdu_note *pdu)
{
    const bool named = pdu->name && pdu->name[0];
    const bool of_row = pdu->call_conversation && pdu->call_conversation == note->row;
    const bool calls = pdu->call_conversation && !of_row;
    *p++ = (uint8_t)((pdu->channel & PDU_CHANNEL) | (pdu->misplaced ? PDU_MISPLACED : 0) | (named ? PDU_NAMED : 0)
                     | (pdu->unexpected ? PDU_UNEXPECTED : 0) | (calls ? PDU_CALLS : 0)
                     | (of_row ? PDU_CALLS_OF_ROW : 0));
    p = pack(p, pdu->bytes);
    if (named)
        p = pack_pointer(p, common(note->stream), pdu->name);
    if (pdu->unexpected)
        p = pack_pointer(p, own_text, pdu->unexpected);
    if (calls)
        p = pack(p, pdu->call_conversation);
    return p;
}

static struct pdu_note *unpack_pdu(const uint8_t **p, const struct frame_note *note)
{
    struct pdu_note *pdu = notes_new_pdu();
    const uint8_t bits = *(*p)++;
    pdu->channel = bits & PDU_CHANNEL;
    pdu->misplaced = (bits & PDU_MISPLACED) != 0;
    pdu->bytes = unpack(p);
    pdu->name = bits & PDU_NAMED ? (const char *)unpack_pointer(p, common(note->stream)) : "";
    pdu->unexpected = bits & PDU_UNEXPECTED ? (const char *)unpack_pointer(p, own_text) : NULL;
    pdu->call_conversation = bits & PDU_CALLS ? unpack32(p) : bits & PDU_CALLS_OF_ROW ? note->row : 0;
    return pdu;
}

static uint8_t *pack_cursor(uint8_t *p, const struct stream *stream, const struct cursor *at, bool gap)
{
    const bool passes = at->skip || at->pass;
    *p++ = (uint8_t)(at->phase | at->framing << 2 | (at->pdus ? CALL_PDUS : 0) | (gap ? CALL_GAP : 0)
                     | (passes ? CALL_PASSES : 0) | (at->carry ? CALL_CARRIES : 0));
    *p++ = (uint8_t)((at->asked.method & ASKED_METHOD) | (at->asked.echo ? ASKED_ECHO : 0)
                     | (at->asked.channel ? ASKED_CHANNEL : 0) | (at->guessed ? GUESSED : 0));
    if (passes) {
        p = pack(p, at->skip);
        p = pack(p, at->pass);
    }
    if (at->carry)
        p = pack_pointer(p, stream, at->carry);
    if (at->framing == FRAMING_LENGTH) {
        p = pack(p, at->left);
    } else if (at->framing == FRAMING_CHUNKED) {
        memcpy(p, &at->chunks, sizeof at->chunks);
        p += sizeof at->chunks;
    }
    return p;
}

static void unpack_cursor(const uint8_t **p, const struct stream *stream, struct cursor *at, bool *gap)
{
    const uint8_t bits = *(*p)++, asked = *(*p)++;
    memset(at, 0, sizeof *at);
    at->phase = bits & 0x03;
    at->framing = bits >> 2 & 0x03;
    at->pdus = (bits & CALL_PDUS) != 0;
    *gap = (bits & CALL_GAP) != 0;
    at->asked.method = asked & ASKED_METHOD;
    at->asked.echo = (asked & ASKED_ECHO) != 0;
    at->asked.channel = (asked & ASKED_CHANNEL) != 0;
    at->guessed = (asked & GUESSED) != 0;
    if (bits & CALL_PASSES) {
        at->skip = unpack32(p);
        at->pass = unpack32(p);
    }
    if (bits & CALL_CARRIES)
        at->carry = (const struct carry *)unpack_pointer(p, stream);
    if (at->framing == FRAMING_LENGTH) {
        at->left = unpack(p);
    } else if (at->framing == FRAMING_CHUNKED) {
        memcpy(&at->chunks, *p, sizeof at->chunks);
        *p += sizeof at->chunks;
    }
}

static uint8_t *pack_call(uint8_t *p, const struct frame_note *note, const struct call_note *call)
{
    uint32_t count = 0;
    p = pack_cursor(p, note->stream, &call->start, call->gap_before);
    p = pack(p, call->key);
    for (const struct pdu_note *pdu = call->pdus; pdu; pdu = pdu->next)
        count++;
    p = pack(p, count);
    for (const struct pdu_note *pdu = call->pdus; pdu; pdu = pdu->next)
        p = pack_pdu(p, note, pdu);
    return p;
}

static void unpack_call(const uint8_t **p, struct frame_note *note)
{
    struct call_note *call = notes_add_call(note);
    unpack_cursor(p, note->stream, &call->start, &call->gap_before);
    call->key = unpack(p);
    struct pdu_note **place = &call->pdus;
    for (uint32_t count = unpack32(p); count > 0; count--) {
        *place = unpack_pdu(p, note);
        place = &(*place)->next;
    }
}

/* ---- Flows of connections that have ended ---------------------------------------------- */

enum flow_bits { FLOW_HAS_NEXT = 0x01, FLOW_WAITS = 0x02, FLOW_ASKED = 0x04, FLOW_HELD = 0x08 };

static uint8_t *pack_flow(uint8_t *p, const struct stream *stream, const struct flow *flow)
{
    *p++ = (uint8_t)((flow->have_next ? FLOW_HAS_NEXT : 0) | (flow->waiting ? FLOW_WAITS : 0)
                     | (flow->asked ? FLOW_ASKED : 0) | (flow->held ? FLOW_HELD : 0));
    p = pack_cursor(p, stream, &flow->at, false);
    p = pack(p, flow->next_seq);
    if (flow->asked)
        p = pack_pointer(p, stream, flow->asked);
    if (flow->held)
        p = pack(p, flow->held);
    return p;
}

/* What is of one frame only is not brought back. */
static void unpack_flow(const uint8_t **p, const struct stream *stream, struct flow *flow)
{
    const uint8_t bits = *(*p)++;
    bool unused;
    memset(flow, 0, sizeof *flow);
    flow->have_next = (bits & FLOW_HAS_NEXT) != 0;
    flow->waiting = (bits & FLOW_WAITS) != 0;
    unpack_cursor(p, stream, &flow->at, &unused);
    flow->next_seq = unpack32(p);
    if (bits & FLOW_ASKED)
        flow->asked = (struct carry *)unpack_pointer(p, stream);
    if (bits & FLOW_HELD)
        flow->held = unpack32(p);
}

static struct flow *new_flows(void)
{
    struct flow *flows = notes.spare_flows;
    if (!flows)
        return (struct flow *)store_new(2 * sizeof *flows);
    notes.spare_flows = (struct flow *)flows->asked;
    memset(flows, 0, 2 * sizeof *flows);
    return flows;
}

void notes_park(struct stream *stream)
{
    uint8_t bytes[2 * (1 + CURSOR_MAX + 3 * PACK_MAX)];
    struct flow *flows = stream->flow;
    if (stream->parked || !flows)
        return;
    const size_t len = (size_t)(pack_flow(pack_flow(bytes, stream, &flows[0]), stream, &flows[1]) - bytes);
    uint8_t *packed = (uint8_t *)store_new(len);
    memcpy(packed, bytes, len);
    stream->packed_flow = packed;
    stream->parked = true;
    flows->asked = (struct carry *)notes.spare_flows;
    notes.spare_flows = flows;
}

struct flow *stream_flow(struct stream *stream, enum way way)
{
    if (stream->parked) {
        const uint8_t *p = stream->packed_flow;
        struct flow *flows = new_flows();
        unpack_flow(&p, stream, &flows[0]);
        unpack_flow(&p, stream, &flows[1]);
        stream->flow = flows;
        stream->parked = false;
    } else if (!stream->flow) {
        stream->flow = new_flows();
    }
    return &stream->flow[way];
}

/* ---- Logons ---------------------------------------------------------------------------- */

static uint8_t *pack_auth(uint8_t *p, const struct stream *stream, const struct auth_shown *shown)
{
    const bool timed = shown->time_ns >= 0;
    *p++ = (uint8_t)((shown->user[0] ? AUTH_USER : 0) | (shown->challenge_server[0] ? AUTH_SERVER : 0)
                     | (timed ? AUTH_TIME : 0) | (shown->credentials_frame ? AUTH_ANSWERS : 0)
                     | (shown->challenge_time ? AUTH_STAMP : 0) | (shown->row != NO_NUMBER ? AUTH_ROW : 0));
    p = pack_pointer(p, own_text, shown->scheme);
    p = pack_pointer(p, own_text, shown->step);
    if (shown->user[0])
        p = pack_pointer(p, common(stream), shown->user);
    if (shown->challenge_server[0])
        p = pack_pointer(p, stream, shown->challenge_server);
    if (timed)
        p = pack(p, (uint64_t)shown->time_ns);
    if (shown->credentials_frame)
        p = pack(p, shown->credentials_frame);
    if (shown->challenge_time)
        p = pack(p, shown->challenge_time);
    if (shown->row != NO_NUMBER)
        p = pack(p, shown->row);
    return p;
}

static void unpack_auth(const uint8_t **p, struct frame_note *note)
{
    const uint8_t bits = *(*p)++;
    struct auth_shown shown = { .user = "", .challenge_server = "", .time_ns = -1, .row = NO_NUMBER };
    shown.scheme = (const char *)unpack_pointer(p, own_text);
    shown.step = (const char *)unpack_pointer(p, own_text);
    if (bits & AUTH_USER)
        shown.user = (const char *)unpack_pointer(p, common(note->stream));
    if (bits & AUTH_SERVER)
        shown.challenge_server = (const char *)unpack_pointer(p, note->stream);
    if (bits & AUTH_TIME)
        shown.time_ns = (int64_t)unpack(p);
    if (bits & AUTH_ANSWERS)
        shown.credentials_frame = unpack32(p);
    if (bits & AUTH_STAMP)
        shown.challenge_time = unpack(p);
    if (bits & AUTH_ROW)
        shown.row = unpack32(p);
    notes_add_auth(note, &shown);
}

/* ---- Records -------------------------------------------------------------------------- */

static size_t most_bytes(const struct frame_note *note)
{
    size_t most = RECORD_MAX + MARK_MAX;
    for (const struct auth_note *auth = note->auth; auth; auth = auth->next)
        most += AUTH_MAX;
    for (const struct call_note *call = note->calls; call; call = call->next) {
        most += CALL_MAX;
        for (const struct pdu_note *pdu = call->pdus; pdu; pdu = pdu->next)
            most += PDU_MAX;
    }
    return most;
}

static uint8_t *pack_lists(uint8_t *p, const struct frame_note *note)
{
    uint32_t count = 0;
    if (note->verdicts)
        p = pack_pointer(p, note->stream, note->verdicts);
    if (note->auth) {
        for (const struct auth_note *auth = note->auth; auth; auth = auth->next)
            count++;
        p = pack(p, count);
        for (const struct auth_note *auth = note->auth; auth; auth = auth->next)
            p = pack_auth(p, note->stream, &auth->shown);
    }
    if (note->calls) {
        count = 0;
        for (const struct call_note *call = note->calls; call; call = call->next)
            count++;
        p = pack(p, count);
        for (const struct call_note *call = note->calls; call; call = call->next)
            p = pack_call(p, note, call);
    }
    return p;
}

static void unpack_lists(const uint8_t *p, uint8_t bits, struct frame_note *note)
{
    if (bits & HAS_VERDICTS)
        note->verdicts = (const struct verdict *)unpack_pointer(&p, note->stream);
    if (bits & HAS_AUTH) {
        for (uint32_t count = unpack32(&p); count > 0; count--)
            unpack_auth(&p, note);
    }
    if (bits & HAS_CALLS) {
        for (uint32_t count = unpack32(&p); count > 0; count--)
            unpack_call(&p, note);
    }
}

static uint8_t *pack_rows(uint8_t *p, const struct frame_note *note)
{
    const bool of_leg = note->mark && note->row == vc_mark_row(note->mark);
    const bool row = !of_leg && note->row != NO_NUMBER, auth_row = note->auth_row != NO_NUMBER;
    *p++ = (uint8_t)((of_leg ? ROW_OF_LEG : 0) | (row ? HAS_ROW : 0) | (auth_row ? HAS_AUTH_ROW : 0));
    if (row)
        p = pack(p, note->row);
    if (auth_row)
        p = pack(p, note->auth_row);
    return p;
}

/* Packs the note. A mark that differs from the stream's last one is put in it, its length
 * before it: *mark is then where that is, else NULL. */
static size_t pack_note(const struct frame_note *note, uint8_t **mark)
{
    const struct stream *stream = note->stream;
    uint8_t now[MARK_MAX], *p = notes.packed;
    const size_t len = note->mark ? (size_t)(pack_mark(now, stream, note->mark) - now) : 0;
    const uint8_t *last = stream->last_mark;
    const bool same = len > 0 && last && last[0] == len && memcmp(last + 1, now, len) == 0;
    *p++ = (uint8_t)((note->show_state ? HAS_STATE : 0) | (note->direct ? IS_DIRECT : 0)
                     | (note->head_by_http ? HEAD_BY_HTTP : 0) | (note->verdicts ? HAS_VERDICTS : 0)
                     | (note->auth ? HAS_AUTH : 0) | (len ? HAS_MARK : 0) | (len && !same ? NEW_MARK : 0)
                     | (note->calls ? HAS_CALLS : 0));
    p = pack_pointer(p, notes.first_chunk, stream);
    p = pack_rows(p, note);
    if (note->direct || note->head_by_http) {
        p = pack(p, note->source);
        p = pack(p, note->source_offset);
        p = pack(p, note->body_offset);
    }
    *mark = NULL;
    if (same) {
        p = pack_pointer(p, stream, last);
    } else if (len) {
        *mark = p;
        *p++ = (uint8_t)len;
        memcpy(p, now, len);
        p += len;
    }
    return (size_t)(pack_lists(p, note) - notes.packed);
}

static void add_group(uint32_t frame)
{
    if (notes.group_count == notes.group_room) {
        notes.group_room = notes.group_room ? notes.group_room * 2 : 64;
        notes.groups = (struct group *)wmem_realloc(wmem_file_scope(), notes.groups,
                                                    notes.group_room * sizeof *notes.groups);
    }
    notes.groups[notes.group_count++] = (struct group){ notes.chunk, frame, 0, false };
}

/* Room in the log; a record lies in one piece, and in one with the others of its group. */
static void make_room(size_t size)
{
    if (notes.chunk_left >= size)
        return;
    notes.chunk_left = size > LOG_CHUNK ? size : LOG_CHUNK;
    notes.chunk = (uint8_t *)wmem_alloc(wmem_file_scope(), notes.chunk_left);
    if (!notes.first_chunk)
        notes.first_chunk = notes.chunk;
    if (notes.group_count > 0)
        notes.groups[notes.group_count - 1].closed = true;
}

/* Puts the note under work into the log: it will not change any more. */
static void keep_current(void)
{
    struct frame_note *note = &notes.note;
    const uint32_t frame = notes.current_frame;
    const size_t most = most_bytes(note);
    if (notes.packed_room < most) {
        notes.packed_room = most * 2;
        notes.packed = (uint8_t *)wmem_realloc(wmem_file_scope(), notes.packed, notes.packed_room);
    }
    if (!notes.first_chunk)
        make_room(1);
    uint8_t head[2 * PACK_MAX], *mark;
    const size_t len = pack_note(note, &mark);
    make_room(len + sizeof head);
    if (notes.group_count == 0 || notes.groups[notes.group_count - 1].closed) {
        add_group(frame);
        notes.last_frame = frame;
    }
    struct group *group = &notes.groups[notes.group_count - 1];
    size_t head_len = (size_t)(pack(pack(head, frame - notes.last_frame), len) - head);
    memcpy(notes.chunk, head, head_len);
    memcpy(notes.chunk + head_len, notes.packed, len);
    if (mark)
        note->stream->last_mark = notes.chunk + head_len + (mark - notes.packed);
    notes.chunk += head_len + len;
    notes.chunk_left -= head_len + len;
    group->closed = ++group->count == GROUP_MAX;
    notes.last_frame = frame;
    notes.current = CURRENT_NONE;
}

/* The record of the frame; of several the last: a frame that a read filter rejected leaves
 * its number to the next. */
static const uint8_t *find_record(uint32_t frame)
{
    uint32_t low = 0, high = notes.group_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (notes.groups[middle].frame <= frame)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    const struct group *group = &notes.groups[low - 1];
    const uint8_t *p = group->at, *found = NULL;
    uint32_t here = group->frame;
    for (unsigned i = 0; i < group->count; i++) {
        here += unpack32(&p);
        if (here > frame)
            break;
        const size_t len = (size_t)unpack(&p);
        if (here == frame)
            found = p;
        p += len;
    }
    return found;
}

static void unpack_note(const uint8_t *p, struct frame_note *note)
{
    const uint8_t bits = *p++;
    note->show_state = (bits & HAS_STATE) != 0;
    note->direct = (bits & IS_DIRECT) != 0;
    note->head_by_http = (bits & HEAD_BY_HTTP) != 0;
    note->stream = (struct stream *)unpack_pointer(&p, notes.first_chunk);
    const uint8_t rows = *p++;
    if (rows & HAS_ROW)
        note->row = unpack32(&p);
    if (rows & HAS_AUTH_ROW)
        note->auth_row = unpack32(&p);
    if (note->direct || note->head_by_http) {
        note->source = (uint16_t)unpack32(&p);
        note->source_offset = unpack32(&p);
        note->body_offset = unpack32(&p);
    }
    if (bits & HAS_MARK) {
        const uint8_t *packed = p;
        if (bits & NEW_MARK)
            p += 1 + p[0];
        else
            packed = (const uint8_t *)unpack_pointer(&p, note->stream);
        unpack_mark(packed + 1, note->stream, &notes.mark);
        note->mark = &notes.mark;
    }
    if (rows & ROW_OF_LEG)
        note->row = vc_mark_row(note->mark);
    unpack_lists(p, bits, note);
}

/* ---- The note of a frame -------------------------------------------------------------- */

struct frame_note *frame_note_get(packet_info *pinfo)
{
    const uint32_t frame = pinfo->num;
    if (!PINFO_FD_VISITED(pinfo))
        return notes.current == CURRENT_OPEN && notes.current_frame == frame ? &notes.note : NULL;
    notes_keep();
    if (notes.current < CURRENT_FOUND || notes.current_frame != frame) {
        const uint8_t *record = find_record(frame);
        begin_note(frame, record ? CURRENT_FOUND : CURRENT_ABSENT);
        if (record)
            unpack_note(record, &notes.note);
    }
    return notes.current == CURRENT_FOUND ? &notes.note : NULL;
}

struct frame_note *frame_note_make(packet_info *pinfo, struct stream *stream)
{
    struct frame_note *note = frame_note_get(pinfo);
    if (!note) {
        notes_keep();
        begin_note(pinfo->num, CURRENT_OPEN);
        note = &notes.note;
        note->stream = stream;
    }
    return note;
}

void notes_keep(void)
{
    if (notes.current == CURRENT_OPEN)
        keep_current();
}
