# shellcheck shell=bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Several hosts on one machine, for tests: each host is a network namespace with its own host name, System V IPC and
# /dev/shm, joined to the others by a bridge in a namespace of its own. Source this file; it needs root, ip and unshare.
#
#   source tests/hosts/netns.sh
#   netns_require                       # exit 77 (skipped) with a loud line where namespaces are not permitted
#   netns_up 2                          # host 0 has the address 10.77.0.1, host 1 has 10.77.0.2, …
#   netns_run 1 hostname                # runs a command on host 1
#   netns_mpirun 0 -n 2 CMD ARGS…       # runs mpirun on host 0, one rank on each host, by turns
#   netns_partition 1; netns_heal 1     # takes host 1 off the bridge and back
#   netns_shape 1 1gbit                 # host 1 sends, and is sent to, at most so fast
#   netns_counter 1 tx_bytes            # a counter of host 1's interface
#
# Everything that was made is removed when the shell exits: processes of the hosts by their namespace, then the
# namespaces. Names carry the shell's process id, so that two test runs do not meet.

readonly netns_interface=rnl0 # the same name on every host
netns_job=rnl$$
netns_count=0
netns_dir=

# Exits with 77, ctest's "skipped", unless this machine lets us make network, mount, UTS and IPC namespaces.
netns_require() {
  local why
  if [ "$(id -u)" -ne 0 ]; then
    why="not root"
  elif ! why=$(ip netns add "$netns_job-try" 2>&1 &&
    ip netns exec "$netns_job-try" unshare --mount --uts --ipc true 2>&1 &&
    ip -n "$netns_job-try" link add try0 type veth peer name try1 2>&1 &&
    ip -n "$netns_job-try" link add try2 type bridge 2>&1); then
    why=${why:-"ip netns failed"}
  else
    why=
  fi
  ip netns delete "$netns_job-try" 2>/dev/null || true
  [ -n "$why" ] || return 0
  echo "SKIPPED, NOT TESTED: two hosts by network namespaces are not permitted here: $why" >&2
  exit 77
}

netns_address() { echo "10.77.0.$(($1 + 1))"; }
netns_name() { echo "$netns_job-host$1"; }

# netns_up COUNT: makes the hosts. Each host has one process that holds its namespaces open.
netns_up() {
  netns_count=$1
  netns_dir=$(mktemp -d)
  trap netns_down EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  ip netns add "$netns_job-net"
  ip -n "$netns_job-net" link add bridge type bridge
  ip -n "$netns_job-net" link set bridge up
  local host name
  for ((host = 0; host < netns_count; host++)); do
    name=$(netns_name "$host")
    ip netns add "$name"
    ip -n "$name" link set lo up
    ip -n "$name" link add "$netns_interface" type veth peer name "port$host" netns "$netns_job-net"
    ip -n "$netns_job-net" link set "port$host" master bridge up
    ip -n "$name" address add "$(netns_address "$host")/24" dev "$netns_interface"
    ip -n "$name" link set "$netns_interface" up
    # shellcheck disable=SC2016
    ip netns exec "$name" unshare --mount --uts --ipc bash -c \
      'mount -t tmpfs -o mode=1777 shm /dev/shm && hostname "$1" && touch "$2" && exec sleep infinity' \
      holder "host$host" "$netns_dir/ready$host" &
    echo $! >"$netns_dir/holder$host"
    disown $!
    local tries=0
    until [ -e "$netns_dir/ready$host" ]; do
      ((++tries < 100)) || { echo "netns_up: host $host did not start within 10 s" >&2; return 1; }
      sleep 0.1
    done
  done
  netns_write_agent
}

# mpirun starts its daemon on another host through this program, as it would through ssh: AGENT HOST COMMAND…
netns_write_agent() {
  cat >"$netns_dir/agent" <<AGENT
#!/usr/bin/env bash
while [[ \$1 == -* ]]; do shift; done
host=\${1##*.}; shift
exec nsenter --target "\$(cat "$netns_dir/holder\$((host - 1))")" --net --mount --uts --ipc -- /bin/sh -c "\$*"
AGENT
  chmod +x "$netns_dir/agent"
}

# netns_run HOST CMD ARGS…: runs CMD on HOST, in this shell's working directory (entering a mount namespace resets it).
netns_run() {
  local holder
  holder=$(cat "$netns_dir/holder$1")
  shift
  # shellcheck disable=SC2016
  nsenter --target "$holder" --net --mount --uts --ipc -- /bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$PWD" "$@"
}

# netns_mpirun HOST OPTIONS… CMD ARGS…: mpirun on HOST. Rank r runs on host r modulo their number.
netns_mpirun() {
  local from=$1 host hosts=
  shift
  for ((host = 0; host < netns_count; host++)); do
    hosts+=${hosts:+,}$(netns_address "$host"):64
  done
  netns_run "$from" env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    mpirun -q --bind-to none --map-by node --host "$hosts" --mca plm_rsh_agent "$netns_dir/agent" \
    --mca plm_rsh_no_tree_spawn 1 \
    --mca oob_tcp_if_include "$netns_interface" --mca btl_tcp_if_include "$netns_interface" "$@"
}

netns_partition() { ip -n "$netns_job-net" link set "port$1" down; }
netns_heal() { ip -n "$netns_job-net" link set "port$1" up; }

# netns_shape HOST RATE: a token bucket in both directions. Its queue holds 50 ms, about what a switch's port does.
netns_shape() {
  local shape=(root tbf rate "$2" burst 128kb latency 50ms)
  tc -n "$(netns_name "$1")" qdisc replace dev "$netns_interface" "${shape[@]}"
  tc -n "$netns_job-net" qdisc replace dev "port$1" "${shape[@]}"
}

# netns_counter HOST NAME: of the host's interface, as the kernel names it: tx_bytes, rx_packets, …
netns_counter() {
  ip netns exec "$(netns_name "$1")" cat "/sys/class/net/$netns_interface/statistics/$2"
}

# Kills what still runs on the hosts, by its namespace, and removes them.
netns_down() {
  local host name pids
  for ((host = 0; host < netns_count; host++)); do
    name=$(netns_name "$host")
    pids=$(ip netns pids "$name" 2>/dev/null) || true
    # shellcheck disable=SC2086
    [ -z "$pids" ] || kill -KILL $pids 2>/dev/null || true
    ip netns delete "$name" 2>/dev/null || true
  done
  ip netns delete "$netns_job-net" 2>/dev/null || true
  [ -z "$netns_dir" ] || rm -rf "$netns_dir"
  netns_count=0
}
