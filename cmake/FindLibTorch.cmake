# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Finds LibTorch without its own TorchConfig.cmake, which demands a CUDA toolkit whenever LibTorch was built with CUDA.
# A site's own copy wins: with -DLibTorch_ROOT=DIR (a LibTorch zip, or site-packages/torch) or the environment's
# LibTorch_ROOT nothing else is looked at; else come CMAKE_PREFIX_PATH and the wheel that cmake/install-deps.sh
# unpacked. Target: LibTorch::cpu. Variable: LibTorch_VERSION.
include(FindPackageHandleStandardArgs)

set(_torch_root "${LibTorch_ROOT}")
if(NOT _torch_root)
  set(_torch_root "$ENV{LibTorch_ROOT}")
endif()
if(_torch_root)
  set(_torch_places HINTS "${_torch_root}" NO_DEFAULT_PATH)
  # Found by an earlier run of CMake in another place.
  cmake_path(IS_PREFIX _torch_root "${LibTorch_INCLUDE_DIR}" NORMALIZE _torch_same_root)
  if(NOT _torch_same_root)
    unset(LibTorch_INCLUDE_DIR CACHE)
    unset(LibTorch_API_INCLUDE_DIR CACHE)
    unset(LibTorch_cpu_LIBRARY CACHE)
    unset(LibTorch_c10_LIBRARY CACHE)
  endif()
elseif(DEFINED ENV{RUNNEL_DEPS})
  set(_torch_places HINTS "$ENV{RUNNEL_DEPS}/torch-2.11.0/torch")
else()
  set(_torch_places HINTS "$ENV{HOME}/.cache/runnel/torch-2.11.0/torch")
endif()

find_path(LibTorch_INCLUDE_DIR c10/core/Device.h ${_torch_places} PATH_SUFFIXES include)
find_path(LibTorch_API_INCLUDE_DIR torch/torch.h
  HINTS "${LibTorch_INCLUDE_DIR}/torch/csrc/api/include" NO_DEFAULT_PATH)
find_library(LibTorch_cpu_LIBRARY torch_cpu HINTS "${LibTorch_INCLUDE_DIR}/../lib")
find_library(LibTorch_c10_LIBRARY c10 HINTS "${LibTorch_INCLUDE_DIR}/../lib")
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_API_INCLUDE_DIR LibTorch_cpu_LIBRARY LibTorch_c10_LIBRARY)

foreach(_torch_header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
  if(EXISTS "${LibTorch_INCLUDE_DIR}/${_torch_header}" AND NOT LibTorch_VERSION)
    file(READ "${LibTorch_INCLUDE_DIR}/${_torch_header}" _torch_header_text)
    if(_torch_header_text MATCHES "VERSION_MAJOR ([0-9]+)[^_]*_VERSION_MINOR ([0-9]+)[^_]*_VERSION_PATCH ([0-9]+)")
      set(LibTorch_VERSION "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3}")
    endif()
  endif()
endforeach()

find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_cpu_LIBRARY LibTorch_c10_LIBRARY LibTorch_INCLUDE_DIR LibTorch_API_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "Run cmake/install-deps.sh, or name your own copy with -DLibTorch_ROOT=DIR.")

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  add_library(LibTorch::c10 UNKNOWN IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LibTorch_c10_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_API_INCLUDE_DIR}")
  add_library(LibTorch::cpu UNKNOWN IMPORTED)
  set_target_properties(LibTorch::cpu PROPERTIES IMPORTED_LOCATION "${LibTorch_cpu_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_API_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES LibTorch::c10)
endif()
