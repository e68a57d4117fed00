#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# traffic_test.sh RUNNEL MNIST_FOLDER: what crosses the network in a step of a real job, by the counters of each
# trainer's host: its gradients up, the parameters down, and at most 256 bytes besides; and the same bits over slow links.
# Exit status 77: not permitted here.
set -euo pipefail
runnel=$1
mnist=$2
# shellcheck source=tests/hosts/suite.sh
source "$(dirname "$0")/suite.sh"

readonly tensor_bytes=4799528 # M: the gradients, or the parameters, of the reference CNN
readonly other_bytes=256      # bells and records of a step, in each direction
readonly header_bytes=66      # of each packet: Ethernet 14, IPv4 20, TCP with time stamps 32
readonly few_steps=20 many_steps=60
printf '%s\n' "data.path = '.'" "trainer = { batch_size = 1, test_batch_size = 100 }" >"$work/job.toml"

# job TRAINERS STEPS: trains over all hosts, trainer t on host t+1 modulo their number.
job() {
  netns_mpirun 0 -n $(($1 + 1)) "$runnel" train "$work/job.toml" --report "$work/report.json" \
    --set run.max_gradients=$(($1 * $2)) >"$work/output" 2>&1 ||
    fail "$1 trainers, $2 steps: status $?: $(cat "$work/output")"
}

# payload HOST DIRECTION: bytes without headers that the host's interface has sent (tx) or received (rx).
payload() {
  echo $(($(netns_counter "$1" "$2_bytes") - header_bytes * $(netns_counter "$1" "$2_packets")))
}

# payloads HOSTS: of all hosts, sent and received, as "tx rx tx rx …".
payloads() {
  local host
  for ((host = 0; host < $1; host++)); do echo -n "$(payload "$host" tx) $(payload "$host" rx) "; done
  echo
}

# moves_no_more_than_tensors HOSTS TRAINERS: the payload of a step is the difference between a long and a short job,
# which start and end alike, divided by the steps that the long one makes more.
moves_no_more_than_tensors() {
  local hosts=$1 trainers=$2 before middle after host direction here few many step low high
  hosts_up "$hosts"
  read -ra before < <(payloads "$hosts")
  job "$trainers" "$few_steps"
  read -ra middle < <(payloads "$hosts")
  job "$trainers" "$many_steps"
  read -ra after < <(payloads "$hosts")
  netns_down
  for ((host = 1; host < hosts; host++)); do
    here=$(((trainers - host + hosts) / hosts)) # trainers on this host
    low=$((here * tensor_bytes))
    high=$((here * (tensor_bytes + other_bytes) * 102 / 100))
    for direction in 0 1; do
      few=$((middle[2 * host + direction] - before[2 * host + direction]))
      many=$((after[2 * host + direction] - middle[2 * host + direction]))
      step=$(((many - few) / (many_steps - few_steps)))
      echo "host $host of $hosts, $here trainers: $step bytes a step $([ $direction = 0 ] && echo up || echo down), M = $tensor_bytes"
      [ "$step" -ge "$low" ] && [ "$step" -le "$high" ] || fail "expected $low to $high bytes"
    done
  done
}

# same_bits_over_a_slow_link HOSTS TRAINERS RATE MBIT: every host's link carries RATE, which is MBIT Mbit/s. A step then
# takes at least as long as M does on the wire, each way: where it does not, the link was not shaped and nothing tested.
same_bits_over_a_slow_link() {
  local hosts=$1 trainers=$2 rate=$3 floor_us=$((2 * tensor_bytes * 8 / $4)) expected host step_us
  "$runnel" train "$work/job.toml" --report "$work/report.json" -n "$trainers" \
    --set run.max_gradients=$((trainers * few_steps)) >"$work/output" 2>&1 || fail "on one host: $(cat "$work/output")"
  expected=$(value parameters_sha256)
  hosts_up "$hosts"
  for ((host = 0; host < hosts; host++)); do netns_shape "$host" "$rate"; done
  job "$trainers" "$few_steps"
  netns_down
  [ "$(value parameters_sha256)" = "$expected" ] || fail "$rate: other parameters than on one host"
  step_us=$(sed -n '/"step_ms"/,/}/s/.*"p50": *\([0-9]*\)\.\([0-9][0-9][0-9]\).*/\1\2/p' "$work/report.json")
  echo "$trainers trainers on $hosts hosts at $rate: the same bits; step p50 $step_us us, M up and down takes $floor_us us"
  [ "$step_us" -ge "$floor_us" ] || fail "$rate: faster than the link"
}

moves_no_more_than_tensors 3 2
moves_no_more_than_tensors 4 4 # trainer 3 is on the generator's host
same_bits_over_a_slow_link 4 4 500mbit 500
[ "$failures" -eq 0 ]
