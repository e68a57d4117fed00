#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# traffic_test.sh RUNNEL MNIST_FOLDER: what crosses the network in a step of a real job, by the counters of each
# trainer's host: its gradients up, the parameters down, and at most 256 bytes besides; less where generators share the
# work; and the same bits over slow links.
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

# job GENERATORS TRAINERS STEPS: trains over all hosts, rank r, first the generators, on host r modulo their number.
job() {
  netns_mpirun 0 -n $(($1 + $2)) "$runnel" train "$work/job.toml" --report "$work/report.json" \
    --set generator.count="$1" --set run.max_gradients=$(($2 * $3)) >"$work/output" 2>&1 ||
    fail "$1 generators, $2 trainers, $3 steps: status $?: $(cat "$work/output")"
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

# step_payloads HOSTS GENERATORS TRAINERS: sets `step_payload` to what each host sends and receives in a step, as "tx rx
# tx rx …": the difference between a long and a short job, which start and end alike, divided by the steps that the long
# one makes more.
step_payload=()
step_payloads() {
  local hosts=$1 before middle after i
  read -ra before < <(payloads "$hosts")
  job "$2" "$3" "$few_steps"
  read -ra middle < <(payloads "$hosts")
  job "$2" "$3" "$many_steps"
  read -ra after < <(payloads "$hosts")
  for ((i = 0; i < 2 * hosts; i++)); do
    step_payload[i]=$(((after[i] - 2 * middle[i] + before[i]) / (many_steps - few_steps)))
  done
}

# expect_payload HOST LOW HIGH: of a step, in either direction.
expect_payload() {
  local direction
  for direction in 0 1; do
    local step=${step_payload[2 * $1 + direction]}
    echo "host $1: $step bytes a step $([ $direction = 0 ] && echo up || echo down), expected $2 to $3"
    [ "$step" -ge "$2" ] && [ "$step" -le "$3" ] || fail "other traffic than expected"
  done
}

# moves_no_more_than_tensors HOSTS TRAINERS: one generator, on host 0, and trainer t on host t+1 modulo HOSTS.
moves_no_more_than_tensors() {
  local hosts=$1 trainers=$2 host here
  echo "1 generator and $trainers trainers on $hosts hosts"
  hosts_up "$hosts"
  step_payloads "$hosts" 1 "$trainers"
  netns_down
  for ((host = 1; host < hosts; host++)); do
    here=$(((trainers - host + hosts) / hosts)) # trainers on this host
    # Two per cent for what a long and a short job do not have alike: acknowledgements, segments that are sent twice.
    expect_payload "$host" $((here * tensor_bytes * 98 / 100)) $((here * (tensor_bytes + other_bytes) * 102 / 100))
  done
}

# shares_the_links HOSTS COUNT BYTES: COUNT generators and as many trainers over links of 1 Gbit/s. Every host with a
# trainer moves BYTES a step and direction, to 2 %; and the bits are those of one generator on one host.
shares_the_links() {
  local hosts=$1 count=$2 bytes=$3 expected host
  echo "$count generators and $count trainers on $hosts hosts"
  "$runnel" train "$work/job.toml" --report "$work/report.json" -n "$count" \
    --set run.max_gradients=$((count * many_steps)) >"$work/output" 2>&1 || fail "on one host: $(cat "$work/output")"
  expected=$(value parameters_sha256)
  hosts_up "$hosts"
  for ((host = 0; host < hosts; host++)); do netns_shape "$host" 1gbit; done
  step_payloads "$hosts" "$count" "$count"
  netns_down
  [ "$(value parameters_sha256)" = "$expected" ] || fail "other parameters than on one host"
  for ((host = hosts - count; host < hosts; host++)); do
    expect_payload "$host" $((bytes * 98 / 100)) $((bytes * 102 / 100))
  done
}

# same_bits_over_a_slow_link HOSTS RATE MBIT: as many trainers as hosts, one of them on the generator's, whose link
# carries M of each other trainer, both ways at once. RATE is MBIT Mbit/s. A step takes at least as long as that: where
# it does not, the link was not shaped and nothing tested.
same_bits_over_a_slow_link() {
  local hosts=$1 trainers=$1 rate=$2 floor_us=$((($1 - 1) * tensor_bytes * 8 / $3)) expected host step_us
  "$runnel" train "$work/job.toml" --report "$work/report.json" -n "$trainers" \
    --set run.max_gradients=$((trainers * few_steps)) >"$work/output" 2>&1 || fail "on one host: $(cat "$work/output")"
  expected=$(value parameters_sha256)
  hosts_up "$hosts"
  for ((host = 0; host < hosts; host++)); do netns_shape "$host" "$rate"; done
  job 1 "$trainers" "$few_steps"
  netns_down
  [ "$(value parameters_sha256)" = "$expected" ] || fail "$rate: other parameters than on one host"
  step_us=$(sed -n '/"step_ms"/,/}/s/.*"p50": *\([0-9]*\)\.\([0-9][0-9][0-9]\).*/\1\2/p' "$work/report.json")
  echo "$trainers trainers on $hosts hosts at $rate: the same bits; step p50 $step_us us," \
    "the generator's link needs $floor_us us"
  [ "$step_us" -ge "$floor_us" ] || fail "$rate: faster than the link"
}

moves_no_more_than_tensors 3 2
moves_no_more_than_tensors 4 4 # trainer 3 is on the generator's host
shares_the_links 4 4 $((2 * tensor_bytes * 3 / 4)) # a generator and a trainer on every host: each owns a quarter
shares_the_links 8 4 "$tensor_bytes"               # every process on a host of its own
same_bits_over_a_slow_link 4 500mbit 500
[ "$failures" -eq 0 ]
