"""Compares what the plugin registers with two lists.

    check_fields.py [--update]

Each field has a description, which is not its name again. -G elastic-mapping names each protocol and each field once,
and so does -T ek, which writes underscores for dots.
tests/golden/fields.txt is all of it: filter name, type, display name, as `tshark -G fields` gives them (several types, where
it has several). --update writes that file; read the difference before committing it.
PUBLIC is the part that users and other tests rely on. It is kept by hand.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import difflib
import json
import pathlib
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = PROJECT / "tests" / "golden" / "fields.txt"
sys.path.insert(0, str(PROJECT / "tools"))
import wsrun

PUBLIC = {
    "FT_UINT8": "rpch.channel emsmdb.aux.type rop.id mapihttp.request_type.number",
    "FT_UINT16": "outlook.operation rpch.call.emsmdb rpch.call.async_emsmdb rpch.call.nspi rpch.call.rfri rpch.call.tsgu rpch.call.other rpch.call.unknown"
                 " emsmdb.opnum emsmdb.rgw_client_version emsmdb.rgw_server_version rpch.rts.flags rpch.rts.number_of_commands emsmdb.ext.flags emsmdb.ext.size"
                 " emsmdb.ext.size_actual mapiprop.id mapiprop.type",
    "FT_BOOLEAN": "rpch.rts.flags.ping rpch.rts.flags.other_cmd rpch.rts.flags.recycle_channel"
                  " rpch.rts.flags.in_channel rpch.rts.flags.out_channel rpch.rts.flags.eof rpch.rts.flags.echo",
    "FT_UINT32": "outlook.verdict.vc outlook.verdict.session outlook.verdict.leg rpch.vc rpch.vc.leg rpch.vc.in_stream rpch.vc.out_stream rpch.rts.command"
                 " rpch.rts.receive_window_size rpch.rts.flow_control_ack.bytes_received"
                 " rpch.rts.flow_control_ack.available_window rpch.rts.connection_timeout rpch.rts.channel_lifetime"
                 " rpch.rts.client_keepalive rpch.rts.version rpch.rts.destination rpch.rts.ping_traffic_sent"
                 " rpch.error.code mapihttp.request_id.counter mapihttp.response_code mapihttp.status_code"
                 " mapihttp.error_code mapihttp.session mapihttp.leg mapihttp.execute.rop_buffer_size"
                 " mapihttp.execute.max_rop_out mapihttp.notification_wait.event_pending mapihttp.nspi.mid"
                 " mapihttp.nspi.stat.sort_type mapihttp.nspi.stat.container_id mapihttp.nspi.stat.current_rec"
                 " mapihttp.nspi.stat.delta mapihttp.nspi.stat.num_pos mapihttp.nspi.stat.total_recs"
                 " mapihttp.nspi.stat.code_page mapihttp.nspi.stat.template_locale mapihttp.nspi.stat.sort_locale"
                 " mapiprop.tag emsmdb.ul_flags emsmdb.ul_cpid emsmdb.pul_flags emsmdb.cb_in emsmdb.pcb_out"
                 " emsmdb.pul_trans_time emsmdb.return_value",
    "FT_UINT64": "rpch.channel.bytes",
    "FT_GUID": "rpch.vc.cookie rpch.rts.cookie rpch.rts.flow_control_ack.channel_cookie"
               " rpch.rts.association_group_id mapihttp.request_id",
    "FT_STRING": "rpch.vc.state rpch.vc.in_peer rpch.vc.out_peer rpch.target rpch.outlook_session rpch.session_id"
                 " rpch.rts.pdu outlook.request_id outlook.client_request_id outlook.front_end"
                 " outlook.failure_context outlook.back_end outlook.auth.scheme outlook.auth.step outlook.auth.user"
                 " outlook.auth.challenge_server mapihttp.request_type mapihttp.endpoint mapihttp.mailbox_id"
                 " mapihttp.client_info mapihttp.client_application mapihttp.server_application mapihttp.meta_tag"
                 " mapihttp.session.context mapihttp.session.sequence mapihttp.session.server"
                 " mapihttp.connect.user_dn mapihttp.connect.display_name emsmdb.sz_user_dn emsmdb.sz_display_name emsmdb.guessed",
    "FT_RELATIVE_TIME": "mapihttp.pending_period mapihttp.expiration_info mapihttp.server_time mapihttp.time"
                        " outlook.auth.time outlook.time.request outlook.time.wait outlook.time.response",
    "FT_ABSOLUTE_TIME": "mapihttp.start_time",
    "FT_FRAMENUM": "rpch.vc.peer_frame mapihttp.request_in mapihttp.response_in",
    "FT_IPv4": "rpch.rts.client_address.ipv4",
    "FT_IPv6": "rpch.rts.client_address.ipv6",
    "FT_NONE": "rpch.routing.proxies_differ rpch.routing.backend_mismatch rpch.routing.never_joined"
               " rpch.routing.joined_late rpch.channel.cut rpch.channel.cut.note rpch.channel.no_pdu"
               " rpch.channel.not_recycled rpch.call.unanswered outlook.server_gone.back outlook.auth.no_challenge outlook.auth.token_left outlook.auth.ntlm_torn.accepted"
               " outlook.auth.refused.note mapihttp.response.cut.note mapihttp.request.silent_drop"
               " rpch.routing.joined_across_proxies rpch.routing.target_mismatch rpch.channel.lone"
               " rpch.channel.refused rpch.channel.idle_closed outlook.server_gone rpch.channel.silent_drop"
               " rpch.channel.buffered rpch.call.failed rpch.channel.lifetime_exceeded rpch.flow.window_exceeded"
               " rpch.rts.malformed rpch.rts.unexpected outlook.auth.ntlm_torn"
               " outlook.auth.type3_without_challenge outlook.auth.refused outlook.auth.shared_connection"
               " outlook.auth.slow outlook.auth.very_slow outlook.auth.downgraded outlook.auth.header_case"
               " outlook.auth.empty_bearer outlook.auth.channel_binding outlook.http.failed"
               " mapihttp.response_code.failed mapihttp.connect.failed mapihttp.error_code.failed"
               " mapihttp.session.lost mapihttp.session.expired mapihttp.session.backend_changed"
               " mapihttp.session.backend_changed.chat mapihttp.session.cookie_lost mapihttp.session.sequence_broken"
               " mapihttp.pending.late mapihttp.response.cut mapihttp.response.cut.chat mapihttp.request.unanswered"
               " mapihttp.malformed emsmdb.malformed",
    "FT_BYTES": "emsmdb.cxh emsmdb.acxh",
}


# What has moved to protocols of its own (CHANGELOG.md).
OLD = [f"mapihttp.{part}." for part in ("property", "restriction", "rule", "entry_id", "aux", "ext", "rop")]
OURS = "rpch", "outlook", "mapihttp", "emsmdb", "rop", "mapiprop"
# A filter compares with one kind of value; integers of 32 bits and less are one.
WHOLE = "FT_UINT8", "FT_UINT16", "FT_UINT24", "FT_UINT32"


def registered(tshark):
    """{filter: (types, display name)} of the plugin's protocols, and names that mix kinds of values."""
    fields, torn = {}, set()
    for line in tshark.output(["-G", "fields"]).splitlines():
        row = line.split("\t")
        if row[0] != "F" or row[4] not in OURS:
            continue
        types, _ = fields.setdefault(row[2], ([], row[1]))
        if row[3] not in types:
            types.append(row[3])
        if len({"integer" if kind in WHOLE else kind for kind in types}) > 1:
            torn.add(row[2])
    return {name: (" ".join(sorted(types)), label) for name, (types, label) in fields.items()}, torn


def undescribed(tshark):
    """Filters whose description is empty or says the name again."""
    found = set()
    for line in tshark.output(["-G", "fields"]).splitlines():
        row = line.split("\t")
        if row[0] == "F" and row[4] in OURS:
            blurb = row[7].strip() if len(row) > 7 else ""
            if not blurb or blurb.lower() in (row[1].strip().lower(), row[2]):
                found.add(row[2])
    return found


def merged_by_ek(names):
    """Names that differ in dots and underscores alone, of which -T ek makes one member."""
    written = {}
    for name in sorted(names):
        written.setdefault(name.replace(".", "_"), []).append(name)
    return [alike for alike in written.values() if len(alike) > 1]


def twice_in_mapping(tshark):
    """Names of the plugin's that one object of -G elastic-mapping has more than once: readers of JSON keep the last."""
    found = set()

    def note(pairs):
        names = [name for name, _ in pairs]
        found.update(name for name in names if name.split("_")[0] in OURS and names.count(name) > 1)
        return dict(pairs)
    layers = json.loads(tshark.output(["-G", "elastic-mapping"]), object_pairs_hook=note)["mappings"]["properties"]["layers"]
    return found, set(OURS) - set(layers["properties"])


def main():
    with wsrun.Tshark() as tshark:
        tshark.prove_loaded()
        fields, torn = registered(tshark)
        silent = undescribed(tshark)
        twice, unmapped = twice_in_mapping(tshark)
    lines = [f"{name}\t{kind}\t{label}\n" for name, (kind, label) in sorted(fields.items())]
    if "--update" in sys.argv[1:]:
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_text("".join(lines), encoding="utf-8")
    passed, failed = 0, len(torn)
    for prefix in OLD:
        left = sorted(name for name in fields if name.startswith(prefix))
        if left:
            failed += 1
            print(f"{', '.join(left)}: a name that was given up is registered")
    for name in sorted(silent):
        failed += 1
        print(f"{name} has no description but its name")
    passed += len(fields) - len(silent)
    for name in sorted(twice | unmapped):
        failed += 1
        print(f"-G elastic-mapping has {name} {'more than once' if name in twice else 'not at all'}")
    passed += not twice | unmapped
    merged = merged_by_ek([*fields, *OURS])
    for alike in merged:
        failed += 1
        print(f"-T ek merges {' with '.join(alike)}")
    passed += not merged
    for name in sorted(torn):
        print(f"{name} mixes kinds: {fields[name][0]}")
    for kind, names in PUBLIC.items():
        for name in names.split():
            got = fields.get(name, ("nothing",))[0]
            if got == kind:
                passed += 1
            else:
                failed += 1
                print(f"{name} is registered as {got}, should be {kind}")
    golden = GOLDEN.read_text(encoding="utf-8").splitlines(keepends=True) if GOLDEN.exists() else []
    difference = list(difflib.unified_diff(golden, lines, "tests/golden/fields.txt", "tshark -G fields"))
    if difference or not lines:
        failed += 1
        sys.stdout.writelines(difference)
    else:
        passed += 1
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
