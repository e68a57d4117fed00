#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# jobs_test.sh RUNNEL MNIST_FOLDER MPI_INTERPOSER: jobs over two and three hosts end with the same bits as on one host,
# and a trace has both; ranks listen on the chosen interface only; a path that is required and not there, a rank that is
# lost on another host, or the host itself, ends the job. Exit status 77: not permitted here.
set -euo pipefail
runnel=$1
mnist=$2
interposer=$3
# shellcheck source=tests/hosts/suite.sh
source "$(dirname "$0")/suite.sh"

arguments=(train "$work/small.toml" --report "$work/report.json")
# Nothing but what a test does ends such a run: a wait has an hour.
endless=(--set run.max_gradients=0 --set run.max_epochs=1000000 --set run.timeout_s=3600)
printf '%s\n' "data.path = '.'" "trainer = { batch_size = 16, test_batch_size = 100 }" \
  "run = { max_gradients = 20, log_every = 1 }" >"$work/small.toml"

# on_hosts HOSTS RANKS EXPECTED_PATHS DIGEST: a job over as many hosts.
on_hosts() {
  hosts_up "$1"
  netns_mpirun 0 -n "$2" "$runnel" "${arguments[@]}" >"$work/output" 2>&1 ||
    fail "$2 ranks on $1 hosts: status $?: $(cat "$work/output")"
  [ "$(paths)" = "$3" ] || fail "$2 ranks on $1 hosts: paths '$(paths)', expected '$3'"
  [ "$(value parameters_sha256)" = "$4" ] || fail "$2 ranks on $1 hosts: other parameters than on one host"
  netns_down
  echo "ok: $2 ranks on $1 hosts"
}

# traces_hosts: a trace has the processes of both hosts, and clocks that agree: the reduction of a bucket begins after
# its gradients are computed on the other host.
traces_hosts() {
  hosts_up 2
  netns_mpirun 0 -n 2 "$runnel" "${arguments[@]}" --trace "$work/trace.json" >"$work/output" 2>&1 ||
    fail "a traced run: status $?: $(cat "$work/output")"
  netns_down
  python3 - "$work/trace.json" <<'EOF' || fail "the trace of two hosts"
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
names = {e["args"]["name"] for e in events if e["name"] == "process_name"}
assert names == {"generator (host0)", "trainer 0 (host1)"}, names
begin = {(e["name"], e["args"]["step"], e["args"].get("bucket")): e["ts"] for e in events if e["ph"] != "M"}
reductions = [key for key in begin if key[0] == "reduce + optimize"]
assert reductions
for _, step, bucket in reductions:
    assert begin["bucket ready", step, bucket] <= begin["reduce + optimize", step, bucket], (step, bucket)
EOF
  echo "ok: the trace of two hosts"
}

# refuses_require VALUE REASON: no path between these hosts meets transport.require = VALUE.
refuses_require() {
  local status=0
  hosts_up 2
  netns_mpirun 0 -n 2 "$runnel" "${arguments[@]}" --set "transport.require=$1" >"$work/output" 2>&1 || status=$?
  netns_down
  [ "$status" = 78 ] || fail "require = $1: status $status: $(cat "$work/output")"
  grep "transport.require is \"$1\", but trainer 0 on host1 reaches the generator on host0 only emulated .*$2" \
    "$work/output" || fail "require = $1: another reason: $(cat "$work/output")"
}

# listeners HOST: the addresses on which ranks there listen. A rank's name is "exe" after its exec of /proc/self/exe.
listeners() { netns_run "$1" ss -Hltnp | awk '/"(runnel|exe)"/ { sub(/:[0-9]+$/, "", $4); print $4 }'; }

# listens_on_one_interface: from MPI_Init until training, whatever other interfaces a host has. The time in which MPI is
# up is long enough to be seen.
listens_on_one_interface() {
  local host launcher address seen=(0 0) others=
  hosts_up 2
  for host in 0 1; do
    ip -n "$(netns_name "$host")" link add other0 type veth peer name other1
    ip -n "$(netns_name "$host")" address add "10.78.0.$((host + 1))/24" dev other0
    ip -n "$(netns_name "$host")" link set other0 up
  done
  : >"$work/output"
  netns_mpirun 0 -n 2 -x LD_PRELOAD="$interposer" -x RUNNEL_TEST_MPI_DELAY=1:MPI_Iallgather:2 "$runnel" \
    "${arguments[@]}" --set transport.interface="$netns_interface" >"$work/output" 2>&1 &
  launcher=$!
  while kill -0 "$launcher" 2>/dev/null && ! grep -q 'step 3/' "$work/output"; do
    for host in 0 1; do
      while read -r address; do
        [ "$address" != "$(netns_address "$host")" ] || seen[host]=1
        case $address in "$(netns_address "$host")" | 127.0.0.1 | '[::1]') ;; *)
          others+=" $address on host $host" && break 3 ;;
        esac
      done < <(listeners "$host")
    done
  done
  wait "$launcher" || fail "a job that is watched: status $?: $(cat "$work/output")"
  [ -z "$others" ] || fail "a rank listens on$others"
  [ -n "$others" ] || [ "${seen[*]}" = "1 1" ] || fail "the ranks of hosts 0 and 1 were seen to listen: ${seen[*]}"
  netns_down
  echo "tested: where ranks listen"
}

# ranks_on HOST: its processes of Runnel.
ranks_on() {
  local process holder
  holder=$(cat "$netns_dir/holder$1")
  for process in /proc/[0-9]*; do
    if [ "$process/exe" -ef "$runnel" ] && [ "$process/ns/net" -ef "/proc/$holder/ns/net" ]; then
      basename "$process"
    fi
  done
}

milliseconds_since() { echo $((($(date +%s%N) - $1) / 1000000)); }

# loses_a_rank WHAT COMMAND…: when COMMAND takes the trainer on host 1 away, the generator reports it, and all ranks on
# both hosts end. A minute ends the test where they do not; how long they take is printed and not judged.
loses_a_rank() {
  local what=$1 line='error: trainer 0 is lost rank=0 peer=1 host=host1 .*phase=' launcher started
  shift
  hosts_up 2
  rm -f "$work/output"
  netns_mpirun 0 -n 2 "$runnel" "${arguments[@]}" "${endless[@]}" >"$work/output" 2>&1 &
  launcher=$!
  until grep -qs 'step 3/' "$work/output"; do
    kill -0 "$launcher" 2>/dev/null || {
      fail "$what: the job ended by itself: $(cat "$work/output")"
      netns_down
      return
    }
    sleep 0.1
  done
  started=$(date +%s%N)
  "$@"
  until { [ -z "$(ranks_on 0)$(ranks_on 1)" ] && grep -q "$line" "$work/output"; } ||
    [ "$(milliseconds_since "$started")" -gt 60000 ]; do
    sleep 0.05
  done
  echo "$what: all ranks had ended after $(milliseconds_since "$started") ms"
  [ -z "$(ranks_on 0)$(ranks_on 1)" ] || fail "$what: ranks still run"
  grep "$line" "$work/output" || fail "$what: no line of the generator: $(cat "$work/output")"
  [ "$(value exit)" = 69 ] || fail "$what: the report says exit $(value exit)"
  netns_down
  if wait "$launcher"; then fail "$what: status 0"; fi
}

signal_trainer() { kill "-$1" "$(ranks_on 1)"; }

"$runnel" "${arguments[@]}" -n 2 >"$work/output" 2>&1 || { cat "$work/output"; exit 1; }
two=$(value parameters_sha256)
"$runnel" "${arguments[@]}" -n 1 >"$work/output" 2>&1 || { cat "$work/output"; exit 1; }
one=$(value parameters_sha256)

# Rank r is on host r modulo their number, and rank 0 is the generator.
on_hosts 2 2 "emulated " "$one"
on_hosts 2 3 "emulated mapped " "$two"
on_hosts 3 3 "emulated emulated " "$two"
traces_hosts
listens_on_one_interface
refuses_require mapped "they are on different hosts"
refuses_require rdma "RDMA device"
loses_a_rank "a trainer killed on another host" signal_trainer KILL
loses_a_rank "a trainer stopped on another host" signal_trainer STOP
loses_a_rank "another host cut off" netns_partition 1
[ "$failures" -eq 0 ]
