# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Finds UCX. A site's own build wins: -DUCX_ROOT=DIR, the environment's UCX_ROOT, or CMAKE_PREFIX_PATH; then comes the
# wheel that cmake/install-deps.sh unpacked, then the system. Target: UCX::ucp. Variable: UCX_VERSION.
include(FindPackageHandleStandardArgs)

set(_ucx_deps "$ENV{RUNNEL_DEPS}")
if(NOT _ucx_deps)
  set(_ucx_deps "$ENV{HOME}/.cache/runnel")
endif()

find_path(UCX_INCLUDE_DIR ucp/api/ucp.h HINTS "${_ucx_deps}/ucx-1.22.0/libucx" PATH_SUFFIXES include)
find_library(UCX_ucp_LIBRARY ucp HINTS "${_ucx_deps}/ucx-1.22.0/libucx" PATH_SUFFIXES lib lib64)
find_library(UCX_ucs_LIBRARY ucs HINTS "${_ucx_deps}/ucx-1.22.0/libucx" PATH_SUFFIXES lib lib64)
mark_as_advanced(UCX_INCLUDE_DIR UCX_ucp_LIBRARY UCX_ucs_LIBRARY)

if(UCX_INCLUDE_DIR AND EXISTS "${UCX_INCLUDE_DIR}/ucp/api/ucp_version.h")
  file(STRINGS "${UCX_INCLUDE_DIR}/ucp/api/ucp_version.h" _ucx_lines REGEX "#define UCP_API_(MAJOR|MINOR)")
  string(REGEX REPLACE ".*UCP_API_MAJOR +([0-9]+).*UCP_API_MINOR +([0-9]+).*" "\\1.\\2" UCX_VERSION "${_ucx_lines}")
endif()

find_package_handle_standard_args(UCX
  REQUIRED_VARS UCX_ucp_LIBRARY UCX_ucs_LIBRARY UCX_INCLUDE_DIR VERSION_VAR UCX_VERSION
  REASON_FAILURE_MESSAGE "Run cmake/install-deps.sh, or name your own build with -DUCX_ROOT=DIR.")

if(UCX_FOUND AND NOT TARGET UCX::ucp)
  add_library(UCX::ucs UNKNOWN IMPORTED)
  set_target_properties(UCX::ucs PROPERTIES IMPORTED_LOCATION "${UCX_ucs_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${UCX_INCLUDE_DIR}")
  add_library(UCX::ucp UNKNOWN IMPORTED)
  set_target_properties(UCX::ucp PROPERTIES IMPORTED_LOCATION "${UCX_ucp_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${UCX_INCLUDE_DIR}" INTERFACE_LINK_LIBRARIES UCX::ucs)
endif()
