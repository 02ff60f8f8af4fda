/* test_call_times.c
 * Where the time of the calls of RPC over HTTP goes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "scene.h"
#include "slow.h"

#define FIRST 1
#define LAST 2

struct pair {
    struct scene *scene;
    struct tap in, out;
};

static void begin_pair(struct pair *pair, struct scene *scene, const char *client, const char *server, unsigned n)
{
    char end[32];
    pair->scene = scene;
    snprintf(end, sizeof(end), "%s:50001", client);
    pair->out = tap_http(scene, end, server);
    snprintf(end, sizeof(end), "%s:50002", client);
    pair->in = tap_http(scene, end, server);
    start_both(&pair->in, &pair->out, n);
}

static void end_opening(struct pair *pair)
{
    tap_status(&pair->out, 200);
    send_a3(&pair->out);
    send_c2(&pair->out);
}

static void open_pair(struct pair *pair, struct scene *scene, const char *client, const char *server, unsigned n)
{
    begin_pair(pair, scene, client, server, n);
    end_opening(pair);
}

static void pdu(struct tap *tap, enum way way, struct pdu_header header)
{
    header.rpc_vers = 5;
    header.little_endian = true;
    header.frag_length = 100;
    tap_frame(tap);
    rpch_conn_pdu(tap->conn, scene_now(tap->scene), way, &header, NULL, 0, &tap->outcome);
    tap_segment(tap, segment_of(tap, way, header.frag_length));
}

/* A segment in which a PDU has begun and does not end. */
static void half_pdu(struct tap *tap, enum way way)
{
    tap_frame(tap);
    rpch_conn_halfway(tap->conn, scene_now(tap->scene), way, HALFWAY_PDU, 40);
    tap_segment(tap, segment_of(tap, way, 40));
}

static void ask_bind(struct pair *pair, uint32_t id, enum rpc_interface interface)
{
    struct pdu_header header = { .ptype = RPC_BIND, .pfc_flags = FIRST | LAST, .call_id = id };
    header.call.bound_count = 1;
    header.call.bound[0].context = (uint16_t)interface;
    header.call.bound[0].interface = (uint8_t)interface;
    pdu(&pair->in, UP, header);
}

static void answer_bind(struct pair *pair, uint32_t id)
{
    pdu(&pair->out, DOWN, (struct pdu_header){ .ptype = RPC_BIND_ACK, .pfc_flags = FIRST | LAST, .call_id = id });
    CHECK(!pair->in.outcome.is_call && !pair->out.outcome.is_call && !pair->out.outcome.times);
}

static void bind(struct pair *pair, uint32_t id, enum rpc_interface interface)
{
    ask_bind(pair, id, interface);
    answer_bind(pair, id);
}

static void request(struct pair *pair, uint32_t id, uint8_t flags, enum rpc_interface interface, uint16_t opnum)
{
    pdu(&pair->in, UP,
        (struct pdu_header){ .ptype = RPC_REQUEST,
                             .pfc_flags = flags,
                             .call_id = id,
                             .call = { .context = (uint16_t)interface, .opnum = opnum } });
}

static void respond(struct pair *pair, uint32_t id, uint8_t flags)
{
    pdu(&pair->out, DOWN, (struct pdu_header){ .ptype = RPC_RESPONSE, .pfc_flags = flags, .call_id = id });
}

/* Two fragments each way, each of the first in two segments. */
static void test_fragments(void)
{
    struct scene scene;
    struct pair pair;
    struct slow_row row;
    scene_begin(&scene);
    open_pair(&pair, &scene, "10.0.0.1", "10.0.0.80:80", 1);
    scene.frame_ns = 0;
    bind(&pair, 1, RPC_NSPI);
    half_pdu(&pair.in, UP);
    const uint32_t first = scene.frame;
    scene_wait(&scene, 1);
    request(&pair, 2, FIRST, RPC_NSPI, 3);
    scene_wait(&scene, 2);
    request(&pair, 2, LAST, RPC_NSPI, 3);
    CHECK(pair.in.outcome.is_call && pair.in.outcome.interface == RPC_NSPI && pair.in.outcome.opnum == 3);
    scene_wait(&scene, 4);
    half_pdu(&pair.out, DOWN);
    scene_wait(&scene, 8);
    respond(&pair, 2, FIRST);
    CHECK(pair.out.outcome.is_call && pair.out.outcome.opnum == 3 && !pair.out.outcome.times);
    scene_wait(&scene, 16);
    respond(&pair, 2, LAST);
    const struct times *times = pair.out.outcome.times;
    CHECK(times != NULL);
    if (times) {
        CHECK_INT(times->request, 3 * SECOND);
        CHECK_INT(times->wait, 4 * SECOND);
        CHECK_INT(times->response, 24 * SECOND);
    }
    CHECK(slow_row(&scene.outlook->track, 0, &row));
    CHECK_STR(row.operation, "NSPI NspiQueryRows");
    CHECK_INT(row.vc, 0);
    CHECK_INT(row.session, NO_NUMBER);
    CHECK_INT(row.asked_frame, first);
    CHECK_INT(row.ended_frame, scene.frame);
    CHECK_INT(row.leg[0].stream, pair.in.stream);
    CHECK_INT(row.where, SLOW_NETWORK);
    scene_end(&scene);
}

/* What waits in health is timed and not slow; a call whose beginning was not captured is not timed. */
static void test_left_out(void)
{
    struct scene scene;
    struct pair pair;
    struct slow_row row;
    scene_begin(&scene);
    open_pair(&pair, &scene, "10.0.0.1", "10.0.0.80:80", 1);
    bind(&pair, 1, RPC_ASYNC_EMSMDB);
    request(&pair, 2, FIRST | LAST, RPC_ASYNC_EMSMDB, 0);
    scene_wait(&scene, 300);
    respond(&pair, 2, FIRST | LAST);
    CHECK(pair.out.outcome.times && pair.out.outcome.times->wait > 300 * SECOND);
    request(&pair, 3, LAST, RPC_EMSMDB, 11);
    respond(&pair, 3, FIRST | LAST);
    CHECK(!pair.out.outcome.is_call && !pair.out.outcome.times);
    request(&pair, 4, FIRST, RPC_EMSMDB, 11); /* not to its end */
    respond(&pair, 4, FIRST | LAST);
    CHECK(!pair.out.outcome.times);
    CHECK(!slow_row(&scene.outlook->track, 0, &row));
    scene_end(&scene);
}

/* The same call before and behind a device, which keeps its number. */
static void test_legs(void)
{
    struct scene scene;
    struct pair front, back;
    struct slow_row row;
    scene_begin(&scene);
    begin_pair(&front, &scene, "10.0.0.1", "10.0.0.80:80", 1);
    begin_pair(&back, &scene, "10.0.0.80", "10.0.1.1:80", 1);
    end_opening(&back);
    end_opening(&front);
    ask_bind(&front, 1, RPC_NSPI);
    ask_bind(&back, 1, RPC_NSPI);
    answer_bind(&back, 1);
    answer_bind(&front, 1);
    for (uint32_t id = 2; id < 30; id++) {
        request(&front, id, FIRST | LAST, RPC_NSPI, 3);
        scene_wait(&scene, id == 20 ? 5 : 0);
        request(&back, id, FIRST | LAST, RPC_NSPI, 3);
        respond(&back, id, FIRST | LAST);
        respond(&front, id, FIRST | LAST);
    }
    CHECK(slow_row(&scene.outlook->track, 0, &row));
    CHECK_INT(row.legs, 2);
    CHECK_INT(row.leg[0].stream, front.in.stream);
    CHECK_INT(row.leg[1].stream, back.in.stream);
    CHECK_INT(row.leg[1].times.wait, MILLISECOND);
    CHECK_STR(row.why, "5.0 s of it passed between leg 0 and leg 1");
    for (unsigned i = 1; slow_row(&scene.outlook->track, i, &row); i++) {
        CHECK_INT(row.legs, 2);
        CHECK_INT(row.leg[0].leg, 0);
    }
    /* Behind the device it was not answered: the answer that came to the client is no other's. */
    request(&front, 40, FIRST | LAST, RPC_NSPI, 3);
    scene_wait(&scene, 9);
    respond(&front, 40, FIRST | LAST);
    CHECK(slow_row(&scene.outlook->track, 0, &row));
    CHECK_INT(row.legs, 1);
    CHECK_INT(row.where, SLOW_CANNOT_TELL);
    request(&front, 41, FIRST | LAST, RPC_NSPI, 3);
    request(&back, 41, FIRST | LAST, RPC_NSPI, 3);
    scene_wait(&scene, 10);
    respond(&front, 41, FIRST | LAST);
    CHECK(slow_row(&scene.outlook->track, 0, &row));
    CHECK_STR(row.why, "passed on to 10.0.1.1:80 after 1.0 ms, where nothing had answered by then");
    CHECK_INT(row.where, SLOW_SERVER);
    /* A number that is used again is not the one of before. */
    request(&front, 29, FIRST | LAST, RPC_NSPI, 3);
    scene_wait(&scene, 12);
    respond(&front, 29, FIRST | LAST);
    CHECK(slow_row(&scene.outlook->track, 0, &row));
    CHECK_INT(row.legs, 1);
    scene_end(&scene);
}

/* IN acknowledges bytes of OUT before OUT is there: their clocks differ, and what is measured between them is no time. */
static void test_clocks_differ(void)
{
    for (unsigned acknowledges = 0; acknowledges < 2; acknowledges++) {
        struct scene scene;
        struct pair pair = { .scene = &scene };
        scene_begin(&scene);
        pair.in = tap_http(&scene, "10.0.0.1:50002", "10.0.0.80:80");
        tap_request(&pair.in, HTTP_RPC_IN_DATA);
        send_b1(&pair.in, 1);
        if (acknowledges) {
            RTS(&pair.in, UP, 2, "D1", .destination = RTS_FD_OUT_PROXY, .received = 8192, .available = 8192,
                .ack_cookie = 2);
        }
        pair.out = tap_http(&scene, "10.0.0.1:50001", "10.0.0.80:80");
        tap_request(&pair.out, HTTP_RPC_OUT_DATA);
        send_a1(&pair.out, 1);
        end_opening(&pair);
        bind(&pair, 1, RPC_NSPI);
        request(&pair, 2, FIRST | LAST, RPC_NSPI, 3);
        respond(&pair, 2, FIRST | LAST);
        CHECK_INT(pair.out.outcome.times == NULL, acknowledges);
        scene_end(&scene);
    }
}

int main(void)
{
    test_clocks_differ();
    test_fragments();
    test_left_out();
    test_legs();
    transcript_end(__FILE__);
    return unit_end();
}
