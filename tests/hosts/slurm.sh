# shellcheck shell=bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# A real Slurm of several nodes on this machine: one controller, and one slurmd a node, each in namespaces of its own
# with a host name and a /dev/shm, which Open MPI expects of a node. Everything is in a folder, is started with
# process ids that are kept, and is ended by these.
#
#   source tests/hosts/slurm.sh
#   slurm_require                          # skips loudly where Slurm is missing or namespaces are not permitted
#   slurm_up FOLDER NODES                  # nodes n0, n1, …; exports SLURM_CONF
#   srun --mpi=pmix -N 2 …
#   slurm_down

slurm_pids=()

slurm_skip() {
  echo "SKIPPED, NOT TESTED: $*"
  exit 77
}

slurm_require() {
  local program
  [ "$(id -u)" = 0 ] || slurm_skip "only root can start a Slurm of its own"
  for program in slurmctld slurmd munged srun scancel; do
    command -v "$program" >/dev/null || slurm_skip "no $program; cmake/install-deps.sh --dev installs Slurm"
  done
  srun_modules=$(dirname "$(find /usr/lib /usr/lib64 -name mpi_pmix.so -print -quit 2>/dev/null || true)")
  [ -e "$srun_modules/mpi_pmix.so" ] || slurm_skip "this Slurm has no PMIx"
  unshare --mount --uts true 2>/dev/null || slurm_skip "namespaces are not permitted here"
}

# slurm_start LOG COMMAND…: in the background, in a session of its own, until slurm_down.
slurm_start() {
  local log=$1
  shift
  setsid "$@" >"$log" 2>&1 &
  slurm_pids+=($!)
}

# A key and a socket of this Slurm alone: a munge of the machine is left in peace.
slurm_start_munge() {
  local folder=$1/munge
  install -d -o munge -g munge -m 755 "$folder"
  head -c 128 /dev/urandom >"$folder/key"
  chown munge: "$folder/key"
  chmod 400 "$folder/key"
  slurm_start "$1/munge.log" setpriv --reuid=munge --regid=munge --clear-groups munged --foreground \
    --key-file="$folder/key" --socket="$folder/socket" --pid-file="$folder/pid" --seed-file="$folder/seed" \
    --log-file="$folder/log"
  slurm_until "munge answers" munge --socket="$folder/socket" --no-input --output=/dev/null
}

# slurm_free_port: a TCP port that nobody listens on.
slurm_free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

slurm_write_conf() {
  local folder=$1 nodes=$2 node host
  host=$(hostname -s)
  {
    echo "ClusterName=runnel"
    echo "SlurmctldHost=$host(127.0.0.1)"
    echo "SlurmctldPort=$(slurm_free_port)"
    echo "SlurmUser=root"
    echo "SlurmdUser=root"
    echo "AuthType=auth/munge"
    echo "AuthInfo=socket=$folder/munge/socket"
    echo "CredType=cred/munge"
    echo "StateSaveLocation=$folder/state"
    echo "SlurmdSpoolDir=$folder/spool-%n"
    echo "SlurmctldPidFile=$folder/slurmctld.pid"
    echo "SlurmdPidFile=$folder/slurmd-%n.pid"
    echo "ProctrackType=proctrack/linuxproc" # no cgroups needed
    echo "TaskPlugin=task/none"
    echo "MpiDefault=none" # what a site has that sets nothing
    echo "SelectType=select/cons_tres"
    echo "SelectTypeParameters=CR_Core"
    echo "JobAcctGatherType=jobacct_gather/none"
    echo "SwitchType=switch/none"
    echo "TmpFS=$folder/tmp-%n" # one a node, or the folders of PMIx collide
    echo "SlurmdParameters=config_overrides" # nodes have the cores that are written here, whatever the machine has
    echo "ReturnToService=2"
    echo "KillWait=5"
    for ((node = 0; node < nodes; ++node)); do
      echo "NodeName=n$node NodeHostname=$host NodeAddr=127.0.0.1 Port=$(slurm_free_port) CPUs=4 RealMemory=1000"
    done
    echo "PartitionName=all Nodes=ALL Default=YES State=UP OverSubscribe=YES"
  } >"$folder/slurm.conf"
}

# slurm_until WHAT COMMAND…: waits for it; a Slurm that does not come up ends the test.
slurm_until() {
  local what=$1 try
  shift
  for ((try = 0; try < 300; ++try)); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  echo "FAILED: never true: $what" >&2
  tail -n 20 "$slurm_folder"/*.log >&2
  exit 1
}

slurm_idle_nodes() { [ "$(sinfo --noheader --Node --format=%t | grep -c '^idle$')" = "$1" ]; }

slurm_up() {
  local node
  slurm_folder=$1
  mkdir -p "$slurm_folder/state"
  slurm_start_munge "$slurm_folder"
  slurm_write_conf "$slurm_folder" "$2"
  export SLURM_CONF=$slurm_folder/slurm.conf
  slurm_start "$slurm_folder/slurmctld.log" slurmctld -D -f "$SLURM_CONF"
  slurm_until "the controller answers" scontrol ping
  for ((node = 0; node < $2; ++node)); do
    mkdir -p "$slurm_folder/spool-n$node" "$slurm_folder/tmp-n$node"
    { cat /etc/hosts; echo "127.0.0.1 n$node"; } >"$slurm_folder/hosts-n$node"
    # shellcheck disable=SC2016
    slurm_start "$slurm_folder/slurmd-n$node.log" unshare --mount --uts --propagation private bash -ec '
      mount -t tmpfs tmpfs /dev/shm
      mount --bind "$1/hosts-$2" /etc/hosts
      hostname "$2"
      exec slurmd -D -N "$2" -f "$1/slurm.conf"' - "$slurm_folder" "n$node"
  done
  slurm_until "all nodes are idle" slurm_idle_nodes "$2"
}

# slurm_descendants PID: itself and what came of it, parents first.
slurm_descendants() {
  local child
  echo "$1"
  for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do slurm_descendants "$child"; done
}

# slurm_steps: slurmd's step daemons leave its tree; they and their tasks have this Slurm's folder in their environment
# or on their command line.
slurm_steps() {
  local process
  for process in /proc/[0-9]*; do
    if tr '\0' '\n' 2>/dev/null <"$process/environ" | grep -qxF "SLURM_CONF=$slurm_folder/slurm.conf"; then
      [ "${process#/proc/}" = $$ ] || echo "${process#/proc/}"
    fi
  done
}

# Ends all that slurm_up has started and what came of it, by process id. Safe to call twice, and when slurm_up has
# failed.
slurm_down() {
  local pid pids=()
  for pid in "${slurm_pids[@]}"; do mapfile -t -O "${#pids[@]}" pids < <(slurm_descendants "$pid"); done
  mapfile -t -O "${#pids[@]}" pids < <(slurm_steps)
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  for pid in "${slurm_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  slurm_pids=()
  unset SLURM_CONF
}
