#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# hosts.sh RUNNEL_BENCH PERFTEST BYTES SECONDS REPETITIONS: puts of BYTES between two hosts, made of network namespaces
# and joined by a veth, by turns with iperf3 and ucx_perftest over the same link. Prints one line of each repetition, in
# bytes a second: runnel UCX iperf3; "-" stands for a peer that is missing. Ends with 77 where namespaces are not
# permitted.
set -euo pipefail
bench=$1 perftest=$2 bytes=$3 seconds=$4 repetitions=$5
# shellcheck source=../../tests/hosts/netns.sh
source "$(dirname "$0")/../../tests/hosts/netns.sh"
netns_require
netns_up 2

in_json() { python3 -c 'import json, sys; print(eval(sys.argv[1], {"result": json.load(sys.stdin)}))' "$1"; }

runnel_rate() {
  netns_mpirun 0 -n 2 "$bench" --benchmark_filter="^put_bandwidth/emulated/bytes:$bytes/" \
    --benchmark_min_time="$seconds" --benchmark_format=json 2>/dev/null |
    in_json 'result["benchmarks"][0]["bytes_per_second"]'
}

ucx_rate() {
  [ -x "$perftest" ] || { echo -; return; }
  local settings=(env "UCX_TLS=tcp,self" "UCX_NET_DEVICES=$netns_interface" UCX_RNDV_THRESH=inf)
  netns_run 1 "${settings[@]}" timeout 120 "$perftest" -p 13900 >/dev/null 2>&1 &
  local server=$! iterations=$((1 + ${seconds%.*} * 400))
  sleep 0.5
  netns_run 0 "${settings[@]}" timeout 120 "$perftest" -p 13900 "$(netns_address 1)" -t ucp_put_bw -s "$bytes" \
    -n "$iterations" -w 10 -f 2>/dev/null | awk '$1 ~ /^[0-9]+$/ {rate = $6} END {print rate * 1024 * 1024}'
  wait "$server" || true
}

iperf_rate() {
  command -v iperf3 >/dev/null || { echo -; return; }
  netns_run 1 iperf3 --server --one-off >/dev/null 2>&1 &
  local server=$!
  sleep 0.5
  netns_run 0 iperf3 --client "$(netns_address 1)" --time "${seconds%.*}" --json |
    in_json 'result["end"]["sum_received"]["bits_per_second"] / 8'
  wait "$server" || true
}

for ((repetition = 0; repetition < repetitions; repetition++)); do
  # One by one: a failure inside of echo's arguments would end nothing.
  runnel=$(runnel_rate)
  ucx=$(ucx_rate)
  iperf=$(iperf_rate)
  echo "$runnel $ucx $iperf"
done
