/* leaf.c
 * Learns which certificate the server of a TLS connection presents. The certificate comes
 * before anything shows whether the connection is one of ours, so the first flight of every
 * TLS server is looked at, up to its leaf and no further; a digest of it is kept.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "leaf.h"

#include "hash.h"
#include "ids.h"
#include "store.h"
#include "tlscert.h"
#include "tlsrecords.h"

#define HUNTS 128            /* flights under way: more of them displace each other, unread */
#define FLIGHT_BYTES 0x10000 /* of the stream from its first byte, and */
#define FLIGHT_SEGMENTS 256  /* segments within which a leaf is looked for */
#define HELD_MAX 16          /* segments that wait for one before them */

/* ---- What is kept ----------------------------------------------------------------- */

struct presented { /* of a conversation */
    const struct tls_leaf *leaf;
    uint32_t start; /* sequence number of the flight that brought it */
};

struct known_leaf {
    uint64_t key; /* the secret of the file is in it: to hash each certificate once more would cost far more */
    struct tls_leaf leaf;
};

struct leaves {          /* of a file */
    wmem_map_t *known;   /* by a keyed hash of the certificate: connections mostly share one of few */
    struct hunt **hunts; /* by a hash of both ends */
    struct hunt *free_hunts;
    unsigned hunts_open;
};

static struct leaves *the_leaves(void)
{
    return (struct leaves *)store_part(STORE_LEAVES, sizeof(struct leaves));
}

static void digest(GChecksumType type, const uint8_t *p, size_t len, uint8_t *out, gsize size)
{
    GChecksum *sum = g_checksum_new(type);
    g_checksum_update(sum, p, (gssize)len);
    g_checksum_get_digest(sum, out, &size);
    g_checksum_free(sum);
}

static void bind_to(struct span cert, struct tls_leaf *leaf)
{
    static const struct {
        GChecksumType type;
        size_t len;
    } hashes[] = { [CERT_HASH_SHA256] = { G_CHECKSUM_SHA256, 32 },
                   [CERT_HASH_SHA384] = { G_CHECKSUM_SHA384, 48 },
                   [CERT_HASH_SHA512] = { G_CHECKSUM_SHA512, 64 } };
    uint8_t hash[64], input[BINDINGS_INPUT_MAX];
    enum cert_hash kind;
    leaf->has_bindings = cert_examine(cert, &kind) && kind != CERT_HASH_NONE;
    if (!leaf->has_bindings)
        return;
    digest(hashes[kind].type, cert.ptr, cert.len, hash, hashes[kind].len);
    digest(G_CHECKSUM_MD5, input, bindings_input(hash, hashes[kind].len, input), leaf->bindings, sizeof leaf->bindings);
}

static const struct tls_leaf *keep_leaf(struct span cert)
{
    struct leaves *leaves = the_leaves();
    if (!leaves->known)
        leaves->known = wmem_map_new(wmem_file_scope(), g_int64_hash, g_int64_equal);
    const uint64_t key = hash_keyed(store_key(), 0, cert.ptr, cert.len);
    struct known_leaf *known = (struct known_leaf *)wmem_map_lookup(leaves->known, &key);
    if (known)
        return &known->leaf;
    known = (struct known_leaf *)store_new(sizeof *known);
    known->key = key;
    digest(G_CHECKSUM_SHA256, cert.ptr, cert.len, known->leaf.sha256, sizeof known->leaf.sha256);
    digest(G_CHECKSUM_SHA1, cert.ptr, cert.len, known->leaf.sha1, sizeof known->leaf.sha1);
    bind_to(cert, &known->leaf);
    wmem_map_insert(leaves->known, &known->key, known);
    return &known->leaf;
}

static struct presented *presented_in(conversation_t *conversation)
{
    return (struct presented *)conversation_get_proto_data(conversation, proto_outlook);
}

const struct tls_leaf *leaf_of(conversation_t *conversation)
{
    const struct presented *presented = presented_in(conversation);
    return presented ? presented->leaf : NULL;
}

/* ---- Flights under way ------------------------------------------------------------ */

struct early { /* a segment that came too early */
    struct early *next;
    uint32_t seq, len;
    uint8_t bytes[];
};

struct hunt {
    struct hunt *next; /* of those that are not in use */
    struct endpoint server, client;
    conversation_t *conversation;
    uint32_t start, next_seq;
    unsigned segments, held_count;
    struct early *held;
    struct tls_flight flight;
};

static struct hunt **slot_of(struct leaves *leaves, const struct tcp_frame *tcp)
{
    if (!leaves->hunts)
        leaves->hunts = (struct hunt **)wmem_alloc0(wmem_file_scope(), HUNTS * sizeof *leaves->hunts);
    /* What one hunt pushes out of a slot must be the same in each run, and nothing grows. */
    return &leaves->hunts[tcp_ends_hash(tcp) % HUNTS];
}

/* Keeps what was found. A handshake that shows no certificate leaves none from one before it. */
static void end_hunt(struct leaves *leaves, struct hunt **slot)
{
    struct hunt *hunt = *slot;
    struct presented *presented = presented_in(hunt->conversation);
    if (hunt->flight.state == TLS_FLIGHT_LEAF || (presented && hunt->flight.hello)) {
        if (!presented) {
            presented = wmem_new0(wmem_file_scope(), struct presented);
            conversation_add_proto_data(hunt->conversation, proto_outlook, presented);
        }
        presented->leaf = hunt->flight.state == TLS_FLIGHT_LEAF ? keep_leaf(hunt->flight.leaf) : NULL;
        presented->start = hunt->start;
    }
    while (hunt->held) {
        struct early *first = hunt->held;
        hunt->held = first->next;
        wmem_free(wmem_file_scope(), first);
    }
    hunt->next = leaves->free_hunts;
    leaves->free_hunts = hunt;
    *slot = NULL;
    leaves->hunts_open--;
}

static struct hunt *begin_hunt(struct leaves *leaves, packet_info *pinfo, const struct tcp_frame *tcp,
                               struct hunt **slot)
{
    conversation_t *conversation = tcp_conversation(pinfo, tcp);
    const struct presented *presented = conversation ? presented_in(conversation) : NULL;
    if (!conversation || (presented && presented->start == tcp->seq))
        return NULL; /* sent again */
    if (*slot)
        end_hunt(leaves, slot);
    struct hunt *hunt = leaves->free_hunts;
    if (hunt)
        leaves->free_hunts = hunt->next;
    else
        hunt = wmem_new(wmem_file_scope(), struct hunt);
    memset(hunt, 0, offsetof(struct hunt, flight.room));
    hunt->server = tcp->src;
    hunt->client = tcp->dst;
    hunt->conversation = conversation;
    hunt->start = hunt->next_seq = tcp->seq;
    *slot = hunt;
    leaves->hunts_open++;
    return hunt;
}

static void hold(struct hunt *hunt, const struct tcp_frame *tcp)
{
    struct early **place = &hunt->held;
    while (*place && (int32_t)((*place)->seq - tcp->seq) < 0)
        place = &(*place)->next;
    struct early *early = (struct early *)wmem_alloc(wmem_file_scope(), sizeof *early + tcp->captured);
    early->seq = tcp->seq;
    early->len = tcp->captured;
    memcpy(early->bytes, tcp->payload, tcp->captured);
    early->next = *place;
    *place = early;
    hunt->held_count++;
}

/* Bytes of the stream, as far as they are new. */
static void take(struct hunt *hunt, uint32_t seq, const uint8_t *p, uint32_t len)
{
    const uint32_t old = hunt->next_seq - seq;
    if (old >= len || hunt->flight.state != TLS_FLIGHT_CLEAR)
        return;
    hunt->next_seq = seq + len;
    tls_flight_stream(&hunt->flight, p + old, len - old);
}

static void take_segment(struct hunt *hunt, const struct tcp_frame *tcp)
{
    if (tcp->captured < tcp->payload_len || hunt->held_count > HELD_MAX) {
        hunt->flight.state = TLS_FLIGHT_NONE; /* bytes are missing for good */
        return;
    }
    if ((int32_t)(tcp->seq - hunt->next_seq) > 0) {
        hold(hunt, tcp);
        return;
    }
    take(hunt, tcp->seq, tcp->payload, tcp->captured);
    while (hunt->held && (int32_t)(hunt->held->seq - hunt->next_seq) <= 0) {
        struct early *first = hunt->held;
        take(hunt, first->seq, first->bytes, first->len);
        hunt->held = first->next;
        hunt->held_count--;
        wmem_free(wmem_file_scope(), first);
    }
}

static void take_records(struct hunt *hunt, packet_info *pinfo)
{
    struct tls_records records = { .pinfo = pinfo, .type = SSL_ID_HANDSHAKE };
    for (const SslRecordInfo *record; (record = tls_records_next(&records));) {
        if (tls_flight_record(&hunt->flight, record->plain_data, record->data_len) != TLS_FLIGHT_SEALED)
            return;
    }
}

bool leaf_hunted(const struct tcp_frame *tcp)
{
    return tcp->captured > 0 && (the_leaves()->hunts_open > 0 || tls_flight_begins(tcp->payload, tcp->captured));
}

void leaf_first_look(packet_info *pinfo, const struct tcp_frame *tcp)
{
    const bool begins = tls_flight_begins(tcp->payload, tcp->captured);
    struct leaves *leaves = the_leaves();
    struct hunt **slot = slot_of(leaves, tcp), *hunt = *slot;
    if (hunt && (!endpoint_equal(&hunt->server, &tcp->src) || !endpoint_equal(&hunt->client, &tcp->dst)))
        hunt = NULL;
    if (hunt && tcp->seq - hunt->start > FLIGHT_BYTES) {
        end_hunt(leaves, slot); /* it stayed unread, or the ports serve another connection */
        hunt = NULL;
    }
    if (!hunt && begins)
        hunt = begin_hunt(leaves, pinfo, tcp, slot);
    if (!hunt)
        return;
    if (hunt->flight.state == TLS_FLIGHT_CLEAR)
        take_segment(hunt, tcp);
    if (hunt->flight.state == TLS_FLIGHT_SEALED)
        take_records(hunt, pinfo);
    if (hunt->flight.state >= TLS_FLIGHT_LEAF || ++hunt->segments > FLIGHT_SEGMENTS)
        end_hunt(leaves, slot);
}
