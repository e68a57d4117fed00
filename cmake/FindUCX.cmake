# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Finds UCX. A site's own build wins: with -DUCX_ROOT=DIR or the environment's UCX_ROOT nothing else is looked at; else
# come CMAKE_PREFIX_PATH, the wheel that cmake/install-deps.sh unpacked, and the system. Target: UCX::ucp. Variable:
# UCX_VERSION.
include(FindPackageHandleStandardArgs)

set(_ucx_root "${UCX_ROOT}")
if(NOT _ucx_root)
  set(_ucx_root "$ENV{UCX_ROOT}")
endif()
if(_ucx_root)
  set(_ucx_places HINTS "${_ucx_root}" NO_DEFAULT_PATH)
  # Found by an earlier run of CMake in another place.
  cmake_path(IS_PREFIX _ucx_root "${UCX_INCLUDE_DIR}" NORMALIZE _ucx_same_root)
  if(NOT _ucx_same_root)
    unset(UCX_INCLUDE_DIR CACHE)
    unset(UCX_ucp_LIBRARY CACHE)
    unset(UCX_uct_LIBRARY CACHE)
    unset(UCX_ucs_LIBRARY CACHE)
  endif()
elseif(DEFINED ENV{RUNNEL_DEPS})
  set(_ucx_places HINTS "$ENV{RUNNEL_DEPS}/ucx-1.22.0/libucx")
else()
  set(_ucx_places HINTS "$ENV{HOME}/.cache/runnel/ucx-1.22.0/libucx")
endif()

find_path(UCX_INCLUDE_DIR ucp/api/ucp.h ${_ucx_places} PATH_SUFFIXES include)
find_library(UCX_ucp_LIBRARY ucp ${_ucx_places} PATH_SUFFIXES lib lib64)
find_library(UCX_uct_LIBRARY uct ${_ucx_places} PATH_SUFFIXES lib lib64)
find_library(UCX_ucs_LIBRARY ucs ${_ucx_places} PATH_SUFFIXES lib lib64)
mark_as_advanced(UCX_INCLUDE_DIR UCX_ucp_LIBRARY UCX_uct_LIBRARY UCX_ucs_LIBRARY)

if(UCX_INCLUDE_DIR AND EXISTS "${UCX_INCLUDE_DIR}/ucp/api/ucp_version.h")
  file(STRINGS "${UCX_INCLUDE_DIR}/ucp/api/ucp_version.h" _ucx_lines REGEX "#define UCP_API_(MAJOR|MINOR)")
  string(REGEX REPLACE ".*UCP_API_MAJOR +([0-9]+).*UCP_API_MINOR +([0-9]+).*" "\\1.\\2" UCX_VERSION "${_ucx_lines}")
endif()

find_package_handle_standard_args(UCX
  REQUIRED_VARS UCX_ucp_LIBRARY UCX_uct_LIBRARY UCX_ucs_LIBRARY UCX_INCLUDE_DIR VERSION_VAR UCX_VERSION
  REASON_FAILURE_MESSAGE "Run cmake/install-deps.sh, or name your own build with -DUCX_ROOT=DIR.")

if(UCX_FOUND AND NOT TARGET UCX::ucp)
  add_library(UCX::ucs UNKNOWN IMPORTED)
  set_target_properties(UCX::ucs PROPERTIES IMPORTED_LOCATION "${UCX_ucs_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${UCX_INCLUDE_DIR}")
  add_library(UCX::uct UNKNOWN IMPORTED)
  set_target_properties(UCX::uct PROPERTIES IMPORTED_LOCATION "${UCX_uct_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${UCX_INCLUDE_DIR}" INTERFACE_LINK_LIBRARIES UCX::ucs)
  add_library(UCX::ucp UNKNOWN IMPORTED)
  set_target_properties(UCX::ucp PROPERTIES IMPORTED_LOCATION "${UCX_ucp_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${UCX_INCLUDE_DIR}" INTERFACE_LINK_LIBRARIES "UCX::uct;UCX::ucs")
endif()
