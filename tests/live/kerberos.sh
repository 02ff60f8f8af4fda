#!/bin/bash
# tests/live/kerberos.sh: captures test-captures/live/live-emsmdb-kerberos anew: EMSMDB over TCP, sealed by Kerberos (PKT_PRIVACY), with the
# service's keytab. Tickets come from MIT's KDC; both ends seal by MIT's GSS-API. Run by hand as root, as make_live.sh; keys and tickets differ every time.
# Needs krb5-kdc, krb5-admin-server, krb5-user, python3-gssapi and wireshark-common. impacket is not the client: 0.10 refuses the AS-REP of this KDC (its
# part for the client has the tag 26), and with a ticket of kinit MIT's acceptor answers its AP-REQ with KRB_ERR_GENERIC.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -eu
here=$(cd "$(dirname "$0")" && pwd)
case=$here/../../test-captures/live/live-emsmdb-kerberos

if [ -z "${LIVE_NAMESPACE-}" ]; then
    [ "$(id -u)" = 0 ] || { echo "kerberos.sh: needs root to capture" >&2; exit 1; }
    LIVE_NAMESPACE=1 exec unshare --net "$0" "$@"
fi

ip link set lo mtu 1500 gso_max_segs 1 up
scratch=$(mktemp -d)
children=
trap 'kill $children 2>/dev/null || true; rm -rf "$scratch"' EXIT
background() { "$@" & children="$children $!"; }

service=host/ex1.example.test
export KRB5_CONFIG=$scratch/krb5.conf KRB5_KDC_PROFILE=$scratch/kdc.conf KRB5_KTNAME=$scratch/service.keytab KRB5CCNAME=$scratch/cache
cat >"$KRB5_CONFIG" <<X
[libdefaults]
 default_realm = EXAMPLE.TEST
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
[realms]
 EXAMPLE.TEST = {
  kdc = 127.0.0.9
 }
X
cat >"$KRB5_KDC_PROFILE" <<X
[kdcdefaults]
 kdc_listen = 127.0.0.9:88
 kdc_tcp_listen = 127.0.0.9:88
[realms]
 EXAMPLE.TEST = {
  database_name = $scratch/principal
  key_stash_file = $scratch/stash
  supported_enctypes = aes256-cts:normal
 }
X
kdb5_util create -s -P master >/dev/null
kadmin.local -q 'addprinc +requires_preauth -pw "correct horse" alice' >/dev/null
kadmin.local -q "addprinc -randkey $service" >/dev/null
kadmin.local -q "ktadd $service" >/dev/null
background krb5kdc -n
background /usr/bin/python3 "$here/kerberos_emsmdb.py" server
mkdir -p "$case"
background dumpcap -q -i lo -w "$scratch/capture.pcapng" -f "tcp port 49155"
capture=$!
sleep 3
echo "correct horse" | kinit alice >/dev/null
for security in spnego kerberos; do
    timeout 30 /usr/bin/python3 "$here/kerberos_emsmdb.py" "$security"
done
sleep 2
kill -INT "$capture"
wait "$capture" || true
cp "$scratch/capture.pcapng" "$scratch/service.keytab" "$case"
/usr/bin/python3 "$here/kerberos_emsmdb.py" expect
chmod 644 "$case"/*
