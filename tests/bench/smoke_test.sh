#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# smoke_test.sh RUNNEL_BENCH: runs some benchmarks of each kind, alone and under mpirun, and reads their JSON.
set -euo pipefail
bench=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# check FILE EXPRESSION: EXPRESSION, in Python, holds of the result in FILE: `context`, and `runs` by their names.
check() {
  python3 - "$@" <<'PYTHON' || { echo "FAILED: $2, in:"; cat "$1"; exit 1; }
import json, sys
result = json.load(open(sys.argv[1]))
context = result["context"]
runs = {run["name"]: run for run in result["benchmarks"]}
sys.exit(0 if eval(sys.argv[2]) else 1)
PYTHON
}

measure() { # FILE FILTER [LAUNCHER…]
  local file=$1 filter=$2
  shift 2
  "$@" "$bench" --benchmark_filter="$filter" --benchmark_min_time=0.01 --benchmark_out="$file" \
    --benchmark_out_format=json >/dev/null 2>"$out/errors" || {
    echo "FAILED: $filter under '$*' ended with $?"
    cat "$out/errors"
    exit 1
  }
}

for launcher in "" "mpirun -q --oversubscribe --bind-to none -n 2"; do
  # shellcheck disable=SC2086
  measure "$out/run.json" 'put_latency|get_bandwidth.*:16384/|put_and_bell.*:8/|bell_fan_in.*:1/|connect.*:1/' $launcher
  check "$out/run.json" 'all(context[key] for key in ("host", "ucx", "mpi"))'
  check "$out/run.json" '{"put_latency/" + path + "/real_time" for path in ("mapped", "emulated")} <= set(runs)'
  check "$out/run.json" 'all(run.get("real_time", 0) > 0 or run["error_message"] for run in runs.values())'
  check "$out/run.json" '"path=mapped transports=" in runs["put_latency/mapped/real_time"]["label"]'
  check "$out/run.json" '"path=emulated transports=tcp" in runs["put_latency/emulated/real_time"]["label"]'
done
measure "$out/mpi.json" 'mpi_put/bytes:8/|bell_fan_in/mapped' mpirun -q --oversubscribe --bind-to none -n 2
check "$out/mpi.json" 'runs["mpi_put/bytes:8/real_time"]["real_time"] > 0'
check "$out/mpi.json" '"needs 4 peers" in runs["bell_fan_in/mapped/peers:4/real_time"]["error_message"]'

# A path that the machine is not let have is skipped, with the reason, and the others go on.
UCX_TLS=tcp,self measure "$out/tcp.json" put_latency
check "$out/tcp.json" '"emulated, not mapped" in runs["put_latency/mapped/real_time"]["error_message"]'
check "$out/tcp.json" 'runs["put_latency/emulated/real_time"]["real_time"] > 0'

# A configuration narrows the paths, and a mistake in it is one line.
echo 'transport.path = "emulated"' >"$out/tcp.toml"
"$bench" --config "$out/tcp.toml" --benchmark_filter=put_latency --benchmark_min_time=0.01 --benchmark_format=json \
  >"$out/one.json" 2>/dev/null
check "$out/one.json" 'list(runs) == ["put_latency/emulated/real_time"]'
echo 'transport.pth = "emulated"' >"$out/bad.toml"
status=0
"$bench" --config "$out/bad.toml" 2>"$out/errors" || status=$?
[ "$status" -eq 78 ] && [ "$(wc -l <"$out/errors")" -eq 1 ] ||
  { echo "FAILED: a bad key gave $status"; cat "$out/errors"; exit 1; }
status=0
"$bench" --no-such-flag 2>"$out/errors" || status=$?
[ "$status" -eq 64 ] || { echo "FAILED: an unknown flag gave $status"; exit 1; }
echo "benchmarks run, and what they moved has arrived"
