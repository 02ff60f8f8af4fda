#!/bin/bash
# tests/live/make_live.sh [CASE ...]: captures the live samples test-captures/live/* anew,
# all of them or those named. Run by hand as root, not by ./check: ports, times, cookies and
# keys differ every time, and capturing needs rights that a test must not ask for.
# Needs python3-impacket, openssl, wireshark-common (dumpcap, editcap) and iproute2; the cases named after a device
# need haproxy, nginx or apache2, none of them running.
#
# Everything runs in a network namespace of its own: ports 80 and 443 are free there, nothing
# else is on its loopback, and an MTU of 1500 without segmentation offload makes segments as
# they are on Ethernet. Writes capture.pcapng, capture.keys, pdus.jsonl
# (the server's log: what was really sent) and, by expect.py, expect.json from that log and
# the verdicts judged by hand. README.md is written by hand.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -eu
here=$(cd "$(dirname "$0")" && pwd)
samples=$here/../../test-captures
# impacket is a Debian package: another python3 earlier in PATH does not see it.
python=/usr/bin/python3

if [ -z "${LIVE_NAMESPACE-}" ]; then
    [ "$(id -u)" = 0 ] || { echo "make_live.sh: needs root to capture" >&2; exit 1; }
    LIVE_NAMESPACE=1 exec unshare --net "$here/make_live.sh" "$@"
fi

ip link set lo mtu 1500 gso_max_segs 1 up
ip addr add 2001:db8::10/64 dev lo nodad
ip addr add 2001:db8::2/128 dev lo nodad
ip -6 route replace local 2001:db8::2/128 dev lo src 2001:db8::10

scratch=$(mktemp -d)
children=
stop() {           # ends what this script started, by id
    local id
    for id in $children; do kill "$id" 2>/dev/null && wait "$id" 2>/dev/null || true; done
    children=
}
trap 'stop; rm -rf "$scratch"' EXIT

client=127.0.1.10
user='example.test\alice:correct horse'
certificate() {    # NAME
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$1" -addext "subjectAltName=DNS:$1" \
        -keyout "$scratch/key" -out "$scratch/certificate" 2>/dev/null
}
certificate mail.example.test

background() { "$@" & children="$children $!"; }

server() {         # ENDPOINTS... and options; every one logs to the case's pdus.jsonl
    background "$python" "$here/rpch_server.py" "$@" --credentials "$user" --log "$case/pdus.jsonl"
}
tls_server() { server "$@" --certificate "$scratch/certificate" --key "$scratch/key"; }
balancer() { background "$python" "$here/lb.py" "$@"; }
# A real device at 127.0.0.4:80 before 127.0.0.2 and .3, by its file in devices/.
device() {         # haproxy|nginx|apache BALANCE EXTRA
    local conf=$scratch/device.conf
    sed -e "s|BALANCE|$2|; s|EXTRA|$3|; s|SCRATCH|$scratch|" "$here/devices/$1".c* >"$conf"
    chmod 755 "$scratch"
    case $1 in
    haproxy) background haproxy -f "$conf" -db ;;
    nginx) background nginx -c "$conf" -g "daemon off;" ;;
    apache) background apache2 -f "$conf" -D FOREGROUND ;;
    esac
}
two_servers() { server 127.0.0.2:80 --name EX1; server 127.0.0.3:80 --name EX2; }
mapi_servers() {
    background "$python" "$here/mapi_parts.py" serve 127.0.0.2:80 --name EX1 "$@"
    background "$python" "$here/mapi_parts.py" serve 127.0.0.3:80 --name EX2 "$@"
}
mapi_client() { "$python" "$here/mapi_parts.py" ask 127.0.0.4:80 --source $client "$@" || [ -n "${fails-}" ] || failed; }
impacket() {       # SCHEME SCENARIO options...
    local scheme=$1 scenario=$2
    shift 2
    timeout "${patience-30}" "$python" "$here/impacket_client.py" \
        "$scheme://mail.example.test/rpc/rpcproxy.dll" "$scenario" \
        --source $client --credentials "${password_of-$user}" "$@" || failed
}
records() {
    timeout 30 "$python" "$here/record_client.py" "$@" --source $client --credentials "$user" \
        --keylog "$case/capture.keys" || failed
}
# A virtual connection that never opens: impacket reads for ever, so ends by the clock.
failed() {
    [ $? = 124 ] && [ -n "${patience-}" ] && return
    echo "make_live.sh: the client of $case failed" >&2
    exit 1
}

# begin NAME: what follows is captured for the sample live-NAME, of MAPI/HTTP for mapi-live-NAME.
begin() {
    case=$samples/live/live-$1
    case $1 in mapi-*) case=$samples/mapi/live/mapi-live-${1#mapi-} ;; esac
    mkdir -p "$case"
    rm -f "$case/capture.pcapng" "$case/capture.keys" "$case/pdus.jsonl"
    echo "${case##*/}"
}
capture() {        # after the servers: they must listen, and nothing before the client is wanted
    sleep 0.7
    dumpcap -q -i lo -f "tcp port 80 or tcp port 443 or tcp port 3128" -w "$scratch/capture.pcapng" \
        2>"$scratch/dumpcap" &
    dumpcap=$!
    until grep -q "^File:" "$scratch/dumpcap"; do sleep 0.1; done
    sleep 0.3
}
end() {
    sleep 0.7
    kill -INT $dumpcap
    wait $dumpcap || true
    stop
    if [ "${1-}" = inject ]; then
        editcap --inject-secrets "tls,$case/capture.keys" "$scratch/capture.pcapng" "$case/capture.pcapng"
        rm "$case/capture.keys"
    else
        cp "$scratch/capture.pcapng" "$case/capture.pcapng"
    fi
    rm "$scratch/capture.pcapng"
    chmod 644 "$case"/*
}

# Plain HTTP

live_healthy() {
    server 127.0.0.2:80; capture
    impacket http alter --address 127.0.0.2; end
}
live_basic_after_401() {
    server 127.0.0.2:80; capture
    impacket http nspi --address 127.0.0.2 --auto; end
}
live_wrong_password() {
    server 127.0.0.2:80; capture
    password_of='example.test\alice:wrong' impacket http nspi --address 127.0.0.2 --fails; end
}
live_split_lb() {
    server 127.0.0.2:80 --name EX1; server 127.0.0.3:80 --name EX2
    balancer 127.0.0.4:80 127.0.0.2:80 127.0.0.3:80 --source 127.0.0.4; capture
    patience=12 impacket http nspi --address 127.0.0.4; end
}
live_affinity_lb() {
    server 127.0.0.2:80 --name EX1; server 127.0.0.3:80 --name EX2
    balancer 127.0.0.4:80 127.0.0.2:80 127.0.0.3:80 --source 127.0.0.4 --affinity; capture
    impacket http nspi --address 127.0.0.4; end
}
live_joined_across_lb() {
    server 127.0.0.2:80 127.0.0.3:80
    balancer 127.0.0.4:80 127.0.0.2:80 127.0.0.3:80 --source 127.0.0.4; capture
    impacket http nspi --address 127.0.0.4; end
}
live_fragments() {
    server 127.0.0.2:80 --entries 360 --window 16384; capture
    impacket http large --address 127.0.0.2 --window 65536; end
}
live_pings() {
    server 127.0.0.2:80 --ping 1 --slow 2.6; capture
    impacket http slow --address 127.0.0.2; end
}
live_chunked() {
    server 127.0.0.2:80 --chunked --entries 60; capture
    impacket http large --address 127.0.0.2; end
}
live_fault() {
    server 127.0.0.2:80; capture
    impacket http fault --address 127.0.0.2; end
}
live_bind_nak() {
    server 127.0.0.2:80 --bind-nak; capture
    impacket http refused --address 127.0.0.2; end
}
live_refused_503() {
    server 127.0.0.2:80 --refuse 6ba; capture
    impacket http nspi --address 127.0.0.2 --fails; end
}
live_ipv4_ipv6() {
    server 127.0.0.2:80 "[2001:db8::2]:80"; capture
    impacket http nspi --address 127.0.0.2 --address 2001:db8::2; end
}
live_lone() {
    server 127.0.0.2:80; capture
    impacket http lone --address 127.0.0.2; end
}
live_idle_lb() {
    # The balancer drops OUT, where nothing moves; IN carries pings and outlives it by two seconds.
    server 127.0.0.2:80 --linger 5
    balancer 127.0.0.4:80 127.0.0.2:80 --source 127.0.0.4 --idle 11; capture
    impacket http idle --address 127.0.0.4 --wait 13; end
}

# RPC over HTTP through devices that others made

live_haproxy_source() { two_servers; device haproxy source ""; capture; impacket http nspi --address 127.0.0.4; end; }
live_haproxy_roundrobin() {
    two_servers; device haproxy roundrobin ""; capture
    patience=12 impacket http nspi --address 127.0.0.4; end
}
live_haproxy_request_buffered() {
    two_servers; device haproxy source "option http-buffer-request"; capture
    patience=12 impacket http nspi --address 127.0.0.4; end
}
live_haproxy_timeout() {
    two_servers; device haproxy source "timeout server 4s"; capture
    patience=12 impacket http idle --address 127.0.0.4 --wait 9 --breaks; end
}
live_nginx_unbuffered() {
    two_servers; device nginx "ip_hash;" "proxy_request_buffering off; proxy_buffering off; proxy_http_version 1.1;"; capture
    impacket http nspi --address 127.0.0.4; end
}
live_nginx_buffered() {
    two_servers; device nginx "ip_hash;" ""; capture
    patience=12 impacket http nspi --address 127.0.0.4; end
}
live_nginx_response_buffered() {
    two_servers; device nginx "ip_hash;" "proxy_request_buffering off; proxy_http_version 1.1;"; capture
    patience=7 impacket http nspi --address 127.0.0.4; end
}
live_apache() { two_servers; device apache "" ""; capture; impacket http nspi --address 127.0.0.4; end; }

# TLS; the client keeps the key log

live_tls12() {
    tls_server 127.0.0.2:443 --tls 1.2; capture
    impacket https alter --address 127.0.0.2 --tls 1.2 --keylog "$case/capture.keys"; end
}
live_tls12_alpn_dsb() {
    tls_server 127.0.0.2:443 --tls 1.2 --alpn; capture
    impacket https nspi --address 127.0.0.2 --tls 1.2 --alpn --keylog "$case/capture.keys"; end inject
}
live_tls13_alpn() {
    tls_server 127.0.0.2:443 --tls 1.3 --alpn; capture
    impacket https alter --address 127.0.0.2 --alpn --keylog "$case/capture.keys"; end
}
live_tls13_dsb() {
    tls_server 127.0.0.2:443 --tls 1.3; capture
    impacket https nspi --address 127.0.0.2 --keylog "$case/capture.keys"; end inject
}
live_tls13_split_lb() {
    tls_server 127.0.0.2:443 --tls 1.3 --name EX1; tls_server 127.0.0.3:443 --tls 1.3 --name EX2
    balancer 127.0.0.4:443 127.0.0.2:443 127.0.0.3:443 --source 127.0.0.4; capture
    patience=12 impacket https nspi --address 127.0.0.4 --keylog "$case/capture.keys"; end
}
live_tls_fragments() {
    tls_server 127.0.0.2:443 --tls 1.3 --entries 150 --window 16384; capture
    impacket https large --address 127.0.0.2 --window 16384 --keylog "$case/capture.keys"; end
}
live_tls13_records_together() {
    tls_server 127.0.0.2:443 --tls 1.3; capture
    records together --address 127.0.0.2; end
}
live_tls12_records_together() {
    tls_server 127.0.0.2:443 --tls 1.2; capture
    records together --address 127.0.0.2 --tls 1.2; end
}
live_tls13_records_split_pdu() {
    tls_server 127.0.0.2:443 --tls 1.3; capture
    records split-pdu --address 127.0.0.2; end
}
live_tls13_records_split_header() {
    tls_server 127.0.0.2:443 --tls 1.3; capture
    records split-header --address 127.0.0.2; end
}
live_tls_connect() {
    tls_server 127.0.0.2:443 --tls 1.3
    balancer 127.0.0.5:3128 127.0.0.2:443 --source 127.0.0.5 --connect; capture
    impacket https nspi --address 127.0.0.5 --tunnel 3128 --keylog "$case/capture.keys"; end
}
live_connect() {
    server 127.0.0.2:80
    balancer 127.0.0.5:3128 127.0.0.2:80 --source 127.0.0.5 --connect; capture
    impacket http nspi --address 127.0.0.5 --tunnel 3128; end
}
live_tls_no_keys() {
    tls_server 127.0.0.2:443 --tls 1.3; capture
    impacket https nspi --address 127.0.0.2; end
}
live_tls12_untrusted_ca() {
    tls_server 127.0.0.2:443 --tls 1.2; capture
    impacket https nspi --address 127.0.0.2 --tls 1.2 --verify --fails; end
}
live_tls13_untrusted_ca() {
    tls_server 127.0.0.2:443 --tls 1.3; capture
    impacket https nspi --address 127.0.0.2 --verify --fails; end
}


# MAPI/HTTP

mapi_session() {
    "$python" "$here/mapi_tls.py" run --certificate "$scratch/certificate" --key "$scratch/key" \
        --keylog "$case/capture.keys" "$@" || failed
}
live_mapi_tls12() { capture; mapi_session --tls 1.2; end; }
live_mapi_tls12_alpn() { capture; mapi_session --tls 1.2 --alpn; end inject; }
live_mapi_tls13() { capture; mapi_session --tls 1.3; end; }
live_mapi_tls13_alpn() { capture; mapi_session --tls 1.3 --alpn; end inject; }

# MAPI/HTTP through devices that others made

live_mapi_haproxy_cookie() {
    mapi_servers; device haproxy roundrobin "cookie SRV insert indirect nocache"; capture
    mapi_client --reconnect; end
}
live_mapi_haproxy_roundrobin() { mapi_servers; device haproxy roundrobin ""; capture; fails=1 mapi_client --reconnect; end; }
live_mapi_haproxy_ntlm() {
    mapi_servers --scheme ntlm; device haproxy source "http-reuse always"; capture
    mapi_client --scheme ntlm --users alice,bob; end
}
live_mapi_haproxy_ntlm_close() {
    mapi_servers --scheme ntlm; device haproxy source "option httpclose"; capture
    fails=1 mapi_client --scheme ntlm --executes 1; end
}
live_mapi_haproxy_timeout() {
    mapi_servers --delay 4; device haproxy source "timeout server 3s"; capture
    fails=1 mapi_client --executes 0; end
}
live_mapi_nginx() {
    mapi_servers --pending 3 --delay 0.5
    device nginx "ip_hash;" "proxy_buffering off; proxy_http_version 1.1;"; capture
    mapi_client --users alice,bob --executes 1 --notify; end
}
live_mapi_apache_ntlm_shared() {
    mapi_servers --scheme ntlm; device apache "" ""; capture
    mapi_client --scheme ntlm --users alice,bob --executes 1; end
}

if [ $# -eq 0 ]; then
    # Every function above, in this order.
    set -- $(sed -n 's/^live_\([a-z0-9_]*\)() {.*/\1/p' "$0" | tr _ -)
fi
for name; do
    begin "${name#live-}"
    "live_$(echo "${name#live-}" | tr - _)"
    case $case in
    */mapi-live-tls*) "$python" "$here/mapi_tls.py" expect "$case" ;;
    */mapi-live-*) "$python" "$here/mapi_parts.py" expect "$case" ;;
    *) "$python" "$here/expect.py" "$case" ;;
    esac
done
