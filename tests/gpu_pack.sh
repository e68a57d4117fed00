# shellcheck shell=bash
# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# What tests/gpu.sh carries to a GPU machine without network: FOLDER/deps.tar.gz, a tree of Debian packages and UCX.
# Source this file after cmake/build.sh.

# Open MPI with what it is linked to, and what Runnel is built from. zlib and nettle only as static libraries: the
# programs of the other machine must keep their own shared ones.
readonly pack_packages=(
  openmpi-bin openmpi-common libopenmpi-dev libopenmpi3 libhwloc15 libpmix2 libevent-core-2.1-7 libevent-pthreads-2.1-7
  libmunge2
  libtomlplusplus-dev libtomlplusplus3 libcli11-dev libspdlog-dev libspdlog1.10 libfmt-dev libfmt9 nlohmann-json3-dev
  zlib1g-dev nettle-dev pkgconf-bin libpkgconf3
  libgtest-dev libgmock-dev libbenchmark-dev libbenchmark1debian
)
readonly pack_libraries=usr/lib/x86_64-linux-gnu

# pack FOLDER: writes FOLDER/deps.tar.gz, from Debian 12's packages and the UCX that cmake/install-deps.sh unpacked.
pack() (
  set -euo pipefail
  mkdir -p "$1"
  target=$(cd "$1" && pwd)/deps.tar.gz
  ucx=${RUNNEL_DEPS:-$HOME/.cache/runnel}/ucx-1.22.0/libucx
  [ -d "$ucx" ] || { echo "gpu.sh: error: $ucx is missing: run cmake/install-deps.sh" >&2; exit 1; }
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/packages" "$work/tree"
  (cd "$work/packages" && apt-get -qq download "${pack_packages[@]}" 2>"$work/apt.log") || {
    cat "$work/apt.log" >&2
    echo "gpu.sh: error: apt-get could not download the packages of Debian 12 named above" >&2
    exit 1
  }
  for package in "$work/packages"/*.deb; do dpkg-deb -x "$package" "$work/tree"; done
  strip_packages "$work/tree"
  copy_ucx "$ucx" "$work/tree"
  tar -C "$work/tree" -czf "$target" .
  echo "$target: $(du -m "$target" | cut -f1) MB"
)

# strip_packages TREE: what nobody needs there, and plug-ins of Open MPI for networks whose libraries are not packed.
strip_packages() {
  local openmpi=$1/$pack_libraries/openmpi/lib link
  rm -rf "$1"/usr/src "$1"/usr/share/{doc,man,lintian,bug}
  rm -f "$1/$pack_libraries"/lib{z,nettle}.so "$1/$pack_libraries"/libhogweed.*
  rm -f "$openmpi"/libmpi_{java,mpifh,usempi}* "$openmpi"/libmca_common_{ofi,ucx,verbs}*
  rm -f "$openmpi"/openmpi3/mca_*_{ofi,openib,psm,psm2,ucx,netlink,flux}.so
  # The short names are links that Debian's alternatives make, and those of pkg-config's package.
  for link in mpirun:orterun mpicxx:opal_wrapper mpicc:opal_wrapper pkg-config:pkgconf; do
    ln -sf "${link#*:}" "$1/usr/bin/${link%:*}"
  done
}

# copy_ucx UCX TREE: headers and shared libraries, of which the wheel has three copies each.
copy_ucx() {
  local library
  mkdir -p "$2/ucx/lib/ucx"
  cp -r "$1/include" "$2/ucx/"
  for library in "$1"/lib/*.so.0 "$1"/lib/ucx/*.so.0; do
    case $library in *perftest*) continue ;; esac
    library=${library#"$1"/}
    cp "$1/$library" "$2/ucx/$library"
    ln -s "$(basename "$library")" "$2/ucx/${library%.0}"
  done
}

# unpack FOLDER PREFIX: unpacks FOLDER/deps.tar.gz and lets this process, and what it starts, build and run with it, but
# for UCX, which is in PREFIX/ucx. Open MPI and PMIx carry the absolute paths of their packages, which these variables
# replace.
unpack() {
  local libraries=$2/$pack_libraries
  [ -f "$1/deps.tar.gz" ] || {
    echo "gpu.sh: error: no $1/deps.tar.gz: make it with tests/gpu.sh --pack $1" >&2
    return 1
  }
  rm -rf "$2" && mkdir -p "$2" && tar -C "$2" -xzf "$1/deps.tar.gz" || return 1
  sed -i "s|^prefix=/usr|prefix=$2/usr|" "$libraries/pkgconfig/nettle.pc"
  export PATH=$2/usr/bin:$PATH
  export LD_LIBRARY_PATH=$libraries:$libraries/openmpi/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export CMAKE_PREFIX_PATH=$2/usr PKG_CONFIG_PATH=$libraries/pkgconfig
  export OPAL_PREFIX=$2/usr OPAL_LIBDIR=$libraries/openmpi/lib OPAL_INCLUDEDIR=$libraries/openmpi/include \
    OPAL_PKGLIBDIR=$libraries/openmpi/lib/openmpi3 OPAL_SYSCONFDIR=$2/etc/openmpi
  export PMIX_PKGLIBDIR=$libraries/pmix2/lib/pmix PMIX_PKGDATADIR=$libraries/pmix2/share/pmix
  # Without ssh, which mpirun wants to find before it is needed, only this machine can be used.
  command -v ssh >/dev/null || export OMPI_MCA_plm=isolated
}
