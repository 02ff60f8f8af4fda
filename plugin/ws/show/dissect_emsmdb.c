/* dissect_emsmdb.c
 * Shows the stubs of EMSMDB and AsyncEMSMDB in place of stock's dissector, which keeps the
 * methods that are not read here, and comes back whole when the preference is off.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "dissect_emsmdb.h"

#include <epan/dissectors/packet-dcerpc.h>
#include <epan/prefs.h>

#include "client_facts.h"
#include "dissect_outlook.h"
#include "ids.h"
#include "layers.h"
#include "names.h"
#include "registration.h"
#include "rops.h"
#include "rows.h"
#include "sink_tree.h"
#include "store.h"
#include "tcpframe.h"

#define METHODS_MAX 32

static int hf_opnum;
static int ett_emsmdb = -1;
static ws_bool pref_dissect = TRUE;
static uint32_t carrier = NO_NUMBER; /* row of what carries the stub under dissection */

void emsmdb_carried_by(uint32_t row)
{
    carrier = row;
}

/* ---- Sessions and calls ----------------------------------------------------------- */

struct session_key {
    uint8_t handle[EMSMDB_HANDLE_LEN];
    uint32_t connection;
};
G_STATIC_ASSERT(sizeof(struct session_key) == EMSMDB_HANDLE_LEN + sizeof(uint32_t)); /* no gaps: it is hashed whole */

struct emsmdb_file {
    wmem_map_t *sessions; /* struct session_key -> struct emsmdb_session */
};

static guint key_hash(gconstpointer key)
{
    return wmem_strong_hash((const guint8 *)key, sizeof(struct session_key));
}

static gboolean key_equal(gconstpointer one, gconstpointer other)
{
    return memcmp(one, other, sizeof(struct session_key)) == 0;
}

static bool is_null(const uint8_t handle[EMSMDB_HANDLE_LEN])
{
    static const uint8_t null[EMSMDB_HANDLE_LEN];
    return memcmp(handle, null, sizeof null) == 0;
}

static struct emsmdb_session *session_of(const packet_info *pinfo, const uint8_t handle[EMSMDB_HANDLE_LEN],
                                         uint32_t connection)
{
    struct emsmdb_file *file = (struct emsmdb_file *)store_part(STORE_EMSMDB, sizeof *file);
    /* Before and behind a device the same handle is sent twice: each connection has a session of its own. */
    struct session_key key = { .connection = connection };
    memcpy(key.handle, handle, sizeof key.handle);
    if (!file->sessions)
        file->sessions = wmem_map_new(wmem_file_scope(), key_hash, key_equal);
    struct emsmdb_session *session = (struct emsmdb_session *)wmem_map_lookup(file->sessions, &key);
    if (!session) {
        struct session_key *kept = (struct session_key *)store_new(sizeof *kept);
        session = (struct emsmdb_session *)store_new(sizeof *session);
        *kept = key;
        memcpy(session->handle, key.handle, sizeof session->handle);
        session->connection = key.connection;
        session->first_frame = pinfo->num;
        wmem_map_insert(file->sessions, kept, session);
        const uint8_t none[EMSMDB_HANDLE_LEN] = { 0 };
        session->connection_has = is_null(handle) ? session : session_of(pinfo, none, connection);
        session->missed = session->connection_has->missed;
    }
    return session;
}

void emsmdb_follow(struct emsmdb_call **call, tvbuff_t *tvb, const packet_info *pinfo, const struct emsmdb_stub *stub,
                   uint32_t connection, uint32_t call_id)
{
    uint8_t handle[EMSMDB_HANDLE_LEN] = { 0 };
    if (PINFO_FD_VISITED(pinfo) || (!*call && stub->response))
        return;
    if (emsmdb_has_handle(stub) && tvb_captured_length(tvb) >= EMSMDB_HANDLE_LEN)
        tvb_memcpy(tvb, handle, 0, EMSMDB_HANDLE_LEN);
    if (!*call)
        *call = (struct emsmdb_call *)store_new(sizeof **call);
    (*call)->call_id = call_id;
    if (!(*call)->session || is_null((*call)->session->handle))
        (*call)->session = session_of(pinfo, handle, connection);
    uint32_t *frame = stub->response ? &(*call)->response_frame : &(*call)->request_frame;
    if (*frame == 0) /* else it was sent again */
        *frame = pinfo->num;
}

/* ---- Stubs ------------------------------------------------------------------------ */

struct stub_job {
    struct emsmdb_stub stub;
    struct emsmdb_call *call;
    bool big_endian;
};

static void read_stub(struct reader *reader, const struct stub_job *job, struct rop_host *host)
{
    reader->big_endian = job->big_endian;
    emsmdb_read_stub(reader, &job->stub, host);
}

static void decode_stub(struct reader *reader, void *arg)
{
    const struct stub_job *job = arg;
    struct rop_message *rops = job->call ? job->call->rops[job->stub.response] : NULL;
    struct rop_host host;
    struct property_names names;
    if (rops)
        outlook_replay_rops(rops, &host, &names);
    read_stub(reader, job, rops ? &host : NULL);
}

/* The first reading. */
struct learning {
    packet_info *pinfo;
    struct client_facts client;
};

static uint8_t *pool_room(void *ctx, size_t size)
{
    return (uint8_t *)wmem_alloc(((struct learning *)ctx)->pinfo->pool, size);
}

static void see_client(void *ctx, const struct field_value *value)
{
    if (client_facts_has(value->field))
        client_facts_see(&((struct learning *)ctx)->client, value);
}

static void read_first(tvbuff_t *tvb, struct learning *learning, const struct stub_job *job, struct rop_host *host)
{
    const struct field_sink sink = { .ctx = learning, .room = pool_room, .value = see_client };
    const uint32_t captured = tvb_captured_length(tvb);
    struct reader reader;
    reader_init(&reader, tvb_get_ptr(tvb, 0, (int)captured), captured, tvb_reported_length(tvb), &sink);
    read_stub(&reader, job, host);
}

/* Calls may be missing in front of a request: its id does not follow on the last one's, and the connection has a gap there,
 * whichever way. Ids alone prove nothing, for connections of one client may share them. */
static bool calls_are_missing(packet_info *pinfo, const struct emsmdb_session *connection, uint32_t call_id)
{
    const uint32_t since = connection->last_frame;
    if (since == 0 || call_id == connection->last_call || call_id == connection->last_call + 1)
        return false;
    const tcp_record *record = tcp_record_of(pinfo);
    const bool same = record == connection->last_record; /* else a channel took another's place */
    return tcp_record_lost(record, same ? since : 0, pinfo->num) ||
           (!same && tcp_record_lost(connection->last_record, since, pinfo->num));
}

/* Before a request is read. */
static void follow_calls(packet_info *pinfo, const struct stub_job *job)
{
    struct emsmdb_session *session = job->call ? job->call->session : NULL;
    if (!session || job->stub.response)
        return;
    struct emsmdb_session *connection = session->connection_has;
    if (calls_are_missing(pinfo, connection, job->call->call_id))
        connection->missed++;
    if (session != connection && session->missed != connection->missed)
        outlook_missed_rops(session->rops);
    session->missed = connection->missed;
}

/* Behind it: what the capture lacks of it may have changed anything. */
static void followed_calls(tvbuff_t *tvb, packet_info *pinfo, const struct stub_job *job)
{
    struct emsmdb_call *call = job->call;
    if (!call || job->stub.response || pinfo->fragmented)
        return;
    if (tvb_captured_length(tvb) < tvb_reported_length(tvb)) {
        outlook_missed_rops(call->session->rops);
        return;
    }
    struct emsmdb_session *connection = call->session->connection_has;
    connection->last_call = call->call_id;
    connection->last_frame = pinfo->num;
    connection->last_record = tcp_record_of(pinfo);
}

/* The session learns of the ROPs. A call that was sent again says nothing new. */
static void learn_rops(tvbuff_t *tvb, packet_info *pinfo, struct learning *learning, const struct stub_job *job)
{
    struct emsmdb_call *call = job->call;
    struct rop_host host;
    if (!call || call->rops[job->stub.response] || !emsmdb_has_rops(&job->stub) || pinfo->fragmented)
        return;
    call->rops[job->stub.response] =
        outlook_learn_rops(store_outlook(), &call->session->rops, job->stub.response, frame_when(pinfo),
                           job->stub.response ? call->rops[EMSMDB_REQUEST] : NULL, &host);
    read_first(tvb, learning, job, &host);
    outlook_end_rops(call->rops[job->stub.response]);
    if (carrier != NO_NUMBER)
        outlook_carried_rops(store_outlook(), carrier, call->rops[job->stub.response]);
}

/* The return value is what a stub ends with (C706 14.3), also one that nobody reads. */
static uint32_t return_value(tvbuff_t *tvb, const packet_info *pinfo, bool big_endian)
{
    const int at = (int)tvb_reported_length(tvb) - 4;
    if (pinfo->fragmented || at < 0 || tvb_captured_length_remaining(tvb, at) < 4)
        return 0;
    return big_endian ? tvb_get_ntohl(tvb, at) : tvb_get_letohl(tvb, at);
}

/* EcDoConnect and EcDoConnectEx: what they say of the client, and the context that begins. */
static void learn_connect(tvbuff_t *tvb, packet_info *pinfo, struct learning *learning, const struct stub_job *job)
{
    struct emsmdb_call *call = job->call;
    const uint16_t opnum = job->stub.opnum;
    if (!call || job->stub.interface != EMSMDB || (opnum != EC_DO_CONNECT && opnum != EC_DO_CONNECT_EX))
        return;
    read_first(tvb, learning, job, NULL);
    if (pinfo->fragmented)
        return;
    if (!job->stub.response)
        call->code_page = learning->client.code_page;
    else if (call->response_frame == pinfo->num && !is_null(call->session->handle) &&
             return_value(tvb, pinfo, job->big_endian) == 0)
        outlook_begin_rops(store_outlook(), &call->session->rops, call->code_page);
}

/* What the stub says of the client: he is whoever the virtual connection is of, or calls over plain RPC from where its
 * request comes. */
static void learn_client(const packet_info *pinfo, const struct learning *learning, const struct stub_job *job)
{
    struct endpoint from;
    const bool plain = carrier == NO_NUMBER && pinfo->ptype == PT_TCP && !pinfo->use_conv_addr_port_endpoints;
    if (!job->call || (carrier == NO_NUMBER && !plain))
        return;
    struct client **slot = &job->call->session->connection_has->client;
    frame_endpoint(&from, &pinfo->net_src, (uint16_t)pinfo->srcport);
    if (client_facts_any(&learning->client) || (plain && !*slot))
        outlook_learn_client(store_outlook(), slot, carrier, job->stub.response ? NULL : &from, frame_when(pinfo),
                             &learning->client);
}

/* Behind what dcerpc writes of the call: its ROPs, and how it failed. */
static void show_in_info(packet_info *pinfo, const struct rop_message *rops, uint32_t failure)
{
    struct text text = { .used = 0 };
    if (!pinfo->cinfo)
        return;
    outlook_say_rops_in_info(rops, &text);
    const char *name = ox_error_name(failure), *next = text.used > 0 ? "; " : ", ";
    if (failure && name)
        say(&text, "%sReturnValue %s (0x%x)", next, name, failure);
    else if (failure)
        say(&text, "%sReturnValue 0x%x", next, failure);
    if (text.used > 0)
        col_append_str(pinfo->cinfo, COL_INFO, text.s);
}

/* Tells who saves what ROPs carry. A stub in parts comes whole with the last one. */
static void tap_stub(tvbuff_t *tvb, packet_info *pinfo, const struct stub_job *job)
{
    struct rop_message *message = job->call ? job->call->rops[job->stub.response] : NULL;
    const uint32_t len = tvb_captured_length(tvb);
    if (!message || pinfo->fragmented || len < tvb_reported_length(tvb) || !have_tap_listener(export_tap))
        return;
    struct exported_rops *rops = wmem_new0(pinfo->pool, struct exported_rops);
    rops->rops = message;
    rops->stub = (const struct emsmdb_stub *)wmem_memdup(pinfo->pool, &job->stub, sizeof job->stub);
    rops->big_endian = job->big_endian;
    rops->bytes = (struct span){ tvb_get_ptr(tvb, 0, (int)len), len };
    tap_queue_packet(export_tap, pinfo, rops);
}

void emsmdb_show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct emsmdb_stub *stub,
                 struct emsmdb_call *call, bool big_endian)
{
    struct stub_job job = { *stub, call, big_endian };
    if (!PINFO_FD_VISITED(pinfo)) {
        struct learning learning = { .pinfo = pinfo };
        follow_calls(pinfo, &job);
        learn_rops(tvb, pinfo, &learning, &job);
        learn_connect(tvb, pinfo, &learning, &job);
        learn_client(pinfo, &learning, &job);
        followed_calls(tvb, pinfo, &job);
    }
    show_in_info(pinfo, call ? call->rops[stub->response] : NULL,
                 stub->response ? return_value(tvb, pinfo, big_endian) : 0);
    if (call) {
        outlook_tap_rows(pinfo, &call->session->connection_has->client);
        outlook_tap_rops(pinfo, call->rops[stub->response]);
    }
    tap_stub(tvb, pinfo, &job);
    if (outlook_bodies_are_seen(tree, proto_emsmdb))
        sink_stub(tvb, pinfo, tree, pinfo->fragmented, decode_stub, &job);
}

static int show_stub(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, dcerpc_info *di, guint8 *drep,
                     enum emsmdb_interface interface, bool response)
{
    const struct emsmdb_stub stub = { .interface = interface,
                                      .opnum = di->call_data->opnum,
                                      .response = response,
                                      .ndr64 = (di->call_data->flags & DCERPC_IS_NDR64) != 0 };
    struct emsmdb_call *call = (struct emsmdb_call *)di->call_data->se_data;
    layer_of_ours(pinfo, tree, tvb);
    layer_is_there(pinfo, proto_emsmdb);
    emsmdb_follow(&call, tvb, pinfo, &stub, di->conv->conv_index, di->call_id);
    di->call_data->se_data = call;
    emsmdb_show(tvb, pinfo, tree, &stub, call, (drep[0] & DREP_LITTLE_ENDIAN) == 0);
    return (int)tvb_reported_length(tvb);
}

static int async_request(tvbuff_t *tvb, int offset _U_, packet_info *pinfo, proto_tree *tree, dcerpc_info *di,
                         guint8 *drep)
{
    return show_stub(tvb, pinfo, tree, di, drep, EMSMDB_ASYNC, false);
}

static int async_response(tvbuff_t *tvb, int offset _U_, packet_info *pinfo, proto_tree *tree, dcerpc_info *di,
                          guint8 *drep)
{
    return show_stub(tvb, pinfo, tree, di, drep, EMSMDB_ASYNC, true);
}

/* ---- In stock's place ------------------------------------------------------------- */

static e_guid_t emsmdb_uuid = { 0xA4F1DB00, 0xCA47, 0x1067, { 0xB3, 0x1F, 0x00, 0xDD, 0x01, 0x06, 0x62, 0xDA } };
static e_guid_t async_uuid = { 0x5261574A, 0x4572, 0x206E, { 0xB2, 0x68, 0x6B, 0x19, 0x92, 0x13, 0xB4, 0xE4 } };

/* dcerpc has one row for an interface, which nobody can take back: it is written over and
 * written back, and so are the names of stock's field for opnums. */
static struct {
    dcerpc_uuid_value *row;
    dcerpc_uuid_value stock, ours;
    header_field_info *opnum;
    const void *stock_names;
    value_string names[METHODS_MAX + 1];
    dcerpc_sub_dissector procs[METHODS_MAX + 1];
} place;

static dcerpc_sub_dissector async_procs[] = { { EC_DO_ASYNC_WAIT_EX, NULL, async_request, async_response },
                                              { 0, NULL, NULL, NULL } };
static dcerpc_sub_dissector no_procs[] = { { 0, NULL, NULL, NULL } };

/* The filter "mapi" finds what it found before. */
static void hide_stock_protocol(tvbuff_t *tvb, proto_tree *tree)
{
    proto_item_set_hidden(proto_tree_add_item(tree, place.stock.proto_id, tvb, 0, -1, ENC_NA));
}

static int main_request(tvbuff_t *tvb, int offset _U_, packet_info *pinfo, proto_tree *tree, dcerpc_info *di,
                        guint8 *drep)
{
    hide_stock_protocol(tvb, tree);
    return show_stub(tvb, pinfo, tree, di, drep, EMSMDB, false);
}

static int main_response(tvbuff_t *tvb, int offset _U_, packet_info *pinfo, proto_tree *tree, dcerpc_info *di,
                         guint8 *drep)
{
    hide_stock_protocol(tvb, tree);
    return show_stub(tvb, pinfo, tree, di, drep, EMSMDB, true);
}

static const dcerpc_sub_dissector *stock_method(unsigned opnum)
{
    const dcerpc_sub_dissector *proc = place.stock.procs;
    while (proc && proc->name && proc->num != opnum)
        proc++;
    return proc && proc->name ? proc : NULL;
}

/* The methods that are not read here. */
static int stock_stub(tvbuff_t *tvb, int offset, packet_info *pinfo, proto_tree *tree, dcerpc_info *di, guint8 *drep,
                      bool response)
{
    const dcerpc_sub_dissector *proc = stock_method(di->call_data->opnum);
    dcerpc_dissect_fnct_t *dissect = !proc ? NULL : response ? proc->dissect_resp : proc->dissect_rqst;
    hide_stock_protocol(tvb, tree);
    return dissect ? dissect(tvb, offset, pinfo, tree, di, drep) : offset;
}

static int stock_request(tvbuff_t *tvb, int offset, packet_info *pinfo, proto_tree *tree, dcerpc_info *di, guint8 *drep)
{
    return stock_stub(tvb, offset, pinfo, tree, di, drep, false);
}

static int stock_response(tvbuff_t *tvb, int offset, packet_info *pinfo, proto_tree *tree, dcerpc_info *di,
                          guint8 *drep)
{
    return stock_stub(tvb, offset, pinfo, tree, di, drep, true);
}

/* Ours, and stock's for the rest; a name of the specification's for both. */
static void merge_methods(void)
{
    unsigned count = 0;
    for (unsigned opnum = 0; opnum < METHODS_MAX; opnum++) {
        const dcerpc_sub_dissector *stock = stock_method(opnum);
        const bool reads = emsmdb_reads(EMSMDB, (uint16_t)opnum);
        const char *name = emsmdb_method_name(EMSMDB, (uint16_t)opnum);
        if (!name && !stock)
            continue;
        place.procs[count] = (dcerpc_sub_dissector){ (uint16_t)opnum, name ? name : stock->name,
                                                     reads                        ? main_request :
                                                     stock && stock->dissect_rqst ? stock_request :
                                                                                    NULL,
                                                     reads                        ? main_response :
                                                     stock && stock->dissect_resp ? stock_response :
                                                                                    NULL };
        place.names[count] = (value_string){ opnum, place.procs[count].name };
        count++;
    }
}

static dcerpc_uuid_value *row_of(const e_guid_t *uuid)
{
    const guid_key key = { .guid = *uuid, .ver = 0 };
    return (dcerpc_uuid_value *)g_hash_table_lookup(dcerpc_uuids, &key);
}

/* Preferences are known, and no frame was dissected yet. */
static void begin_file(void)
{
    static bool async_named;
    /* Another plugin may have registered the interface since: then this row is gone. */
    if (place.row && row_of(&emsmdb_uuid) == place.row) {
        *place.row = pref_dissect ? place.ours : place.stock;
        place.opnum->strings = pref_dissect ? place.names : place.stock_names;
    }
    /* Stock does not know it: it is not even named unless that is wanted. */
    if (!async_named && pref_dissect) {
        dcerpc_init_uuid(proto_emsmdb, ett_emsmdb, &async_uuid, 0, async_procs, hf_opnum);
        async_named = true;
    }
    if (async_named)
        row_of(&async_uuid)->procs = pref_dissect ? async_procs : no_procs;
}

/* ---- Registration ----------------------------------------------------------------- */

void emsmdb_register_show(void (*changed)(void))
{
    static hf_register_info fields[] = {
        NUMBER_ROW(hf_opnum, FT_UINT16, "Operation", "emsmdb.opnum", "Of AsyncEMSMDB; that of EMSMDB is mapi.opnum"),
    };
    static int *ett[] = { &ett_emsmdb };
    module_t *module = prefs_register_protocol(proto_emsmdb, changed);
    prefs_register_bool_preference(module, "dissect", "Dissect EMSMDB calls with the decoder of MAPI/HTTP",
                                   "Shows the stubs of EcDoConnectEx, EcDoRpcExt2, EcDoRpc and other methods of EMSMDB "
                                   "as emsmdb.*, and the ROPs in them as rop.*. Without this, Wireshark's own "
                                   "dissector has them (mapi.*); the name of AsyncEMSMDB goes with the next start.",
                                   &pref_dissect);
    async_procs[0].name = emsmdb_method_name(EMSMDB_ASYNC, EC_DO_ASYNC_WAIT_EX);
    fields_add(proto_emsmdb, fields, array_length(fields));
    proto_register_subtree_array(ett, array_length(ett));
    register_init_routine(begin_file);
}

/* Stock has registered its own before. */
void emsmdb_handoff(void)
{
    place.row = row_of(&emsmdb_uuid);
    if (!place.row)
        return;
    place.stock = *place.row;
    place.opnum = proto_registrar_get_nth(place.stock.opnum_hf);
    place.stock_names = place.opnum->strings;
    merge_methods();
    place.ours = place.stock;
    place.ours.proto = find_protocol_by_id(proto_emsmdb);
    place.ours.proto_id = proto_emsmdb;
    place.ours.ett = ett_emsmdb;
    place.ours.name = proto_get_protocol_short_name(place.ours.proto);
    place.ours.procs = place.procs;
}
