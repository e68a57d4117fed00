#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# doctor_test.sh RUNNEL: `runnel doctor` over two hosts finds nothing, and then what is sabotaged on the other host.
# Exit status 77: not permitted here.
set -euo pipefail
# shellcheck source=tests/hosts/netns.sh
source "$(dirname "$0")/netns.sh"
runnel=$1

netns_require
unset UCX_NET_DEVICES # Runnel itself has to choose the interface
work=$(mktemp -d)
netns_up 2
trap 'netns_down; rm -rf "$work"' EXIT
failures=0

# hosts_file HOST LINE…: what HOST looks names up in, from here on.
hosts_file() {
  local host=$1
  shift
  printf '%s\n' '127.0.0.1 localhost' "$@" >"$work/hosts$host"
  netns_run "$host" mount --bind "$work/hosts$host" /etc/hosts
}

names=("$(netns_address 0) host0" "$(netns_address 1) host1")

# expect STATUS WORDS WHAT COMMAND…: the diagnosis of both hosts ends with STATUS, and a line of it matches WORDS.
expect() {
  local status=$1 words=$2 what=$3 got=0
  shift 3
  "$@" >"$work/output" 2>&1 </dev/null || got=$?
  if [ "$got" = "$status" ] && grep -q "$words" "$work/output" && grep -q '^host host0: rank 0' "$work/output" &&
    grep -q '^host host1: rank 1' "$work/output"; then
    echo "ok: $what"
    return
  fi
  echo "FAILED: $what: status $got: $(cat "$work/output")" >&2
  failures=$((failures + 1))
}

# As on a cluster: the user starts doctor on host 0, which reaches host 1 by mpirun's remote shell.
doctor_with_hosts() {
  netns_run 0 env OMPI_MCA_plm_rsh_agent="$netns_dir/agent" OMPI_MCA_plm_rsh_no_tree_spawn=1 \
    OMPI_MCA_oob_tcp_if_include="$netns_interface" OMPI_MCA_btl_tcp_if_include="$netns_interface" \
    "$runnel" doctor --hosts "$(netns_address 0):1,$(netns_address 1):1"
}

hosts_file 0 "${names[@]}"
hosts_file 1 "${names[@]}"
expect 0 '^  0  *host1  *cpu  *emulated .*tcp/rnl0' "two hosts as they are" netns_mpirun 0 -n 2 "$runnel" doctor
expect 0 '^findings: none' "--hosts" doctor_with_hosts
expect 1 'host1: transport.interface names .eth0., which this host does not have; it has .*rnl0' \
  "an interface that is not there" \
  netns_mpirun 0 -n 2 "$runnel" doctor --set transport.interface=eth0
hosts_file 1 "${names[0]}" '127.0.1.1 host1'
expect 1 'host host1: the name host1 resolves to loopback (127.0.1.1)' "a name that resolves to loopback" \
  netns_mpirun 0 -n 2 "$runnel" doctor
[ "$failures" -eq 0 ]
