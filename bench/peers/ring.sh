#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# ring.sh RUNNEL_BENCH HOSTS GENERATORS TRAINERS RATE REPETITIONS: exchanges between hosts, made of network namespaces
# whose links carry RATE (as 1gbit) each way, and in the same rounds Open MPI's ring all-reduce among the trainers. Rank
# r, first the generators, is on host r modulo their number. Prints one line of each repetition: p50 of the exchange and
# of the ring, in ms. Ends with 77 where namespaces are not permitted.
set -euo pipefail
: "${6:?usage: ring.sh RUNNEL_BENCH HOSTS GENERATORS TRAINERS RATE REPETITIONS}"
bench=$1 hosts=$2 generators=$3 trainers=$4 rate=$5 repetitions=$6
# shellcheck source=../../tests/hosts/netns.sh
source "$(dirname "$0")/../../tests/hosts/netns.sh"
netns_require
netns_up "$hosts"
for ((host = 0; host < hosts; host++)); do netns_shape "$host" "$rate"; done

# Buckets small enough that the first ones come back while the last ones are still on their way.
config=$netns_dir/job.toml
printf '%s\n' "generator = { count = $generators }" "transport = { bucket_bytes = 131072 }" >"$config"

for ((repetition = 0; repetition < repetitions; repetition++)); do
  netns_mpirun 0 -n $((generators + trainers)) --mca coll_tuned_use_dynamic_rules 1 \
    --mca coll_tuned_allreduce_algorithm 4 \
    "$bench" --config "$config" --benchmark_filter="^exchange/emulated/" --benchmark_format=json 2>"$netns_dir/errors" |
    python3 -c 'import json, sys
run = json.load(sys.stdin)["benchmarks"][0]
print(run["exchange_p50_ms"], run["mpi_allreduce_p50_ms"])' || { cat "$netns_dir/errors" >&2; exit 1; }
done
