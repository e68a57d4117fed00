#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# slurm_test.sh RUNNEL MNIST_FOLDER PACKAGE: a job over the nodes of a real Slurm: the README's line, an interactive
# shell that is a rank by itself, tasks without PMIx, a rank that is killed, scancel, a batch job that requeues itself,
# a Python script. PACKAGE is the folder that has the Python package runnel/. Exit status 77: no Slurm here.
set -euo pipefail
runnel=$1
mnist=$2
package=$3
folder=$(dirname "$0")
# shellcheck source=tests/hosts/slurm.sh
source "$folder/slurm.sh"
slurm_require
# shellcheck source=tests/hosts/suite.sh
source "$folder/suite.sh"
trap 'slurm_down; rm -rf "$work"' EXIT

arguments=(train "$work/small.toml" --report "$work/report.json")
endless=(--set run.max_gradients=0 --set run.max_epochs=1000000)
printf '%s\n' "data.path = '.'" "trainer = { batch_size = 16, test_batch_size = 100, device = 'cpu' }" \
  "generator = { device = 'cpu' }" "run = { max_gradients = 30, log_every = 1 }" >"$work/small.toml"

# status_of COMMAND…: its status and, in $work/output, what it writes. At most two minutes, so that a hang is a failure.
status_of() {
  local status=0
  timeout --signal=KILL 120 "$@" >"$work/output" 2>&1 || status=$?
  echo "$status"
}

# expect STATUS WHAT COMMAND…
expect() {
  local expected=$1 what=$2 status
  shift 2
  rm -f "$work/report.json"
  status=$(status_of "$@")
  if [ "$status" != "$expected" ]; then
    fail "$what: status $status, not $expected: $(cat "$work/output")"
    return 1
  fi
  echo "ok: $what"
}

# await WHAT COMMAND…: until it is true, or a minute has passed.
await() {
  local what=$1 try
  shift
  for ((try = 0; try < 600; ++try)); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  fail "$what: $(cat "$work/output")"
  return 1
}

# ranks: this program's processes on all nodes.
ranks() {
  local process
  for process in /proc/[0-9]*; do
    if [ "$process/exe" -ef "$runnel" ]; then basename "$process"; fi
  done
}
no_ranks() { [ -z "$(ranks)" ]; }

# rank_of NUMBER: the process of that rank.
rank_of() {
  local process
  for process in $(ranks); do
    if tr '\0' '\n' <"/proc/$process/environ" | grep -qx "PMIX_RANK=$1"; then echo "$process"; fi
  done
}

# The README's line, over two nodes with two ranks each.
runs_over_nodes() {
  expect 0 "a job over two nodes" srun --mpi=pmix -N 2 --ntasks-per-node=2 "$runnel" "${arguments[@]}" || return 0
  [ "$(value parameters_sha256)" = "$three" ] || fail "a job over two nodes: other parameters than on this machine"
  grep -q 'trainer 2 on n1' "$work/output" || fail "no trainer 2 on n1: $(cat "$work/output")"
}

# An interactive shell is a step of one task, with PMIx where that is the site's default.
starts_ranks_in_a_shell() {
  local shell=(srun --mpi=pmix -N 1 -n 1)
  expect 0 "a job inside a shell of Slurm" "${shell[@]}" "$runnel" "${arguments[@]}" -n 3 || return 0
  [ "$(value parameters_sha256)" = "$three" ] || fail "a job inside a shell of Slurm: other parameters"
  expect 0 "a configuration printed inside a shell of Slurm" "${shell[@]}" "$runnel" "${arguments[@]}" \
    --print-config || return 0
  expect 64 "a shell of Slurm without -n" "${shell[@]}" "$runnel" "${arguments[@]}" || return 0
  grep -q 'error: the launcher started 1 rank; .*-n 2 to start them on this machine' "$work/output" ||
    fail "no remedy: $(cat "$work/output")"
  # The allocation has two nodes; the ranks are for this machine.
  expect 0 "a job inside an allocation of two nodes" salloc --quiet -N 2 --ntasks-per-node=1 \
    "$runnel" "${arguments[@]}" -n 3
}

refuses_tasks_without_pmix() {
  expect 64 "tasks without PMIx" srun --mpi=none -n 3 "$runnel" "${arguments[@]}" || return 0
  grep -q 'error: srun started 3 tasks .*srun --mpi=pmix' "$work/output" || fail "no remedy: $(cat "$work/output")"
  [ ! -e "$work/report.json" ] || fail "tasks without PMIx: one has written a report"
}

# begin_endless OPTION…: a job that runs until something ends it, by `wait $job`.
begin_endless() {
  rm -f "$work/report.json" "$work/output"
  srun --mpi=pmix -N 2 --ntasks-per-node=2 "$@" "$runnel" "${arguments[@]}" "${endless[@]}" >"$work/output" 2>&1 &
  job=$!
  slurm_pids+=("$job")
  await "the job does not train" grep -q 'step 3/' "$work/output"
}

job_ended() { ! kill -0 "$job"; }

# ended STATUS WHAT: the job has ended with it on all nodes.
ended() {
  local status=0
  await "$2: ranks still run" no_ranks || return 0
  await "$2: srun still runs" job_ended || return 0
  wait "$job" || status=$?
  [ "$status" = "$1" ] || fail "$2: status $status, not $1: $(cat "$work/output")"
  [ "$(value exit)" = "$1" ] || fail "$2: the report has exit $(value exit), not $1"
  echo "ok: $2"
}

ends_when_a_rank_is_killed() {
  begin_endless || return 0
  kill -KILL "$(rank_of 3)"
  # srun gives the highest status: that of the killed task.
  await "a killed rank: ranks still run" no_ranks || return 0
  await "a killed rank: srun still runs" job_ended || return 0
  if wait "$job"; then fail "a killed rank: status 0"; fi
  grep -q 'error: trainer 2 is lost rank=0 peer=3 host=n1 ' "$work/output" || fail "no line: $(cat "$work/output")"
  [ "$(value exit)" = 69 ] || fail "a killed rank: the report has exit $(value exit)"
  echo "ok: a killed rank ends the step"
}

ends_on_scancel() {
  begin_endless --job-name=endless || return 0
  scancel --name=endless
  ended 143 "scancel"
}

# has_steps NUMBER: the job has written so many lines about steps.
steps() { grep -c ' step [0-9]*/' "$work/output"; }
has_steps() { [ "$(steps)" -ge "$1" ]; }

# The script of trainer/program/README.md; scancel sends what --signal does near the limit.
requeues_itself() {
  local id train="${arguments[*]} ${endless[*]} --set checkpoint.grace_s=3 --checkpoint $work/ckpt --resume"
  printf '%s\n' '#!/bin/bash' "srun --mpi=pmix '$runnel' $train" \
    "[ \$? = 143 ] && scontrol requeue \"\$SLURM_JOB_ID\"" >"$work/job.sh"
  rm -f "$work/output"
  id=$(sbatch --parsable -N 2 --ntasks-per-node=2 --requeue --open-mode=append --output="$work/output" "$work/job.sh")
  await "the batch job does not train" has_steps 3 || return 0
  scancel --signal=USR1 "$id"
  await "the run does not continue after SIGUSR1" has_steps "$(($(steps) + 100))" || return 0
  scancel --signal=TERM "$id"
  await "the run does not end" grep -q 'ended by SIGTERM' "$work/output" || return 0
  await "ranks still run" no_ranks || return 0
  await "the job is not requeued" eval "scontrol show job $id | grep -q 'Restarts=1'" || return 0
  scontrol update JobId="$id" StartTime=now # a requeued job waits two minutes
  await "the job does not train again" eval "[ \$(grep -c '^optimizer: ' '$work/output') = 2 ]" || return 0
  scancel "$id"
  await "the batch job: ranks still run" no_ranks || return 0
  echo "ok: a batch job requeues itself"
}

# A Python script as the tasks of a step: all are trainers.
trains_with_python() {
  local python=${RUNNEL_TEST_PYTHON:-${RUNNEL_DEPS:-$HOME/.cache/runnel}/python/bin/python} found
  local script=("$python" "$folder/../python/launchers_test.py" script)
  export PYTHONPATH=$package RUNNEL_TEST_PACKAGE=$package OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
  if ! found=$("$python" -c "import runnel, mpi4py" 2>&1); then
    echo "SKIPPED, NOT TESTED: a Python script under srun: $python: ${found##*$'\n'}"
    return 0
  fi
  expect 0 "a Python script over two nodes" srun --mpi=pmix -N 2 --ntasks-per-node=2 "${script[@]}" || return 0
  found=$(grep -o '\[[0-3], 4, true, "mapped"\]' "$work/output" | sort -u | wc -l)
  [ "$found" = 4 ] || fail "a Python script over two nodes: $(cat "$work/output")"
  expect 0 "a Python script inside a shell of Slurm" srun --mpi=pmix -N 1 -n 1 "${script[@]}" || return 0
  expect 1 "a Python script without PMIx" srun --mpi=none -n 3 "${script[@]}" || return 0
  grep -q 'RunError: srun started 3 tasks .*srun --mpi=pmix' "$work/output" || fail "no remedy: $(cat "$work/output")"
}

"$runnel" "${arguments[@]}" -n 3 >"$work/output" 2>&1 || { cat "$work/output"; exit 1; }
three=$(value parameters_sha256)
chmod 755 "$work" # munged, which is not root, has its key and socket below it
slurm_up "$work/slurm" 2
runs_over_nodes
starts_ranks_in_a_shell
refuses_tasks_without_pmix
ends_when_a_rank_is_killed
ends_on_scancel
requeues_itself
trains_with_python
[ "$failures" -eq 0 ]
