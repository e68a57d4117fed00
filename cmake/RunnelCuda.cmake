# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# RUNNEL_CUDA=ON|OFF|AUTO: whether the module for CUDA is built. AUTO: where there is a toolkit that can. Sets
# RUNNEL_HAS_CUDA. nvcc is that of CMAKE_CUDA_COMPILER, CUDACXX, PATH, CUDA_HOME or /usr/local/cuda, in this order, and
# uses the project's compiler for the host.
set(RUNNEL_CUDA AUTO CACHE STRING "Build the module for CUDA: ON, OFF, or AUTO (where there is CUDA 13 or newer)")
set_property(CACHE RUNNEL_CUDA PROPERTY STRINGS AUTO ON OFF)

set(RUNNEL_HAS_CUDA OFF)
if(RUNNEL_CUDA)
  find_program(CMAKE_CUDA_COMPILER NAMES "$ENV{CUDACXX}" nvcc PATHS "$ENV{CUDA_HOME}/bin" /usr/local/cuda/bin)
  set(runnel_cuda_lacks "there is no nvcc")
  if(CMAKE_CUDA_COMPILER)
    execute_process(COMMAND "${CMAKE_CUDA_COMPILER}" --version OUTPUT_VARIABLE runnel_nvcc_text ERROR_QUIET)
    if(runnel_nvcc_text MATCHES "release ([0-9]+\\.[0-9]+)" AND CMAKE_MATCH_1 VERSION_GREATER_EQUAL 13)
      set(RUNNEL_HAS_CUDA ON)
    else()
      set(runnel_cuda_lacks "${CMAKE_CUDA_COMPILER} is not of CUDA 13 or newer")
    endif()
  endif()
  if(RUNNEL_HAS_CUDA)
    set(CMAKE_CUDA_HOST_COMPILER "${CMAKE_CXX_COMPILER}")
    enable_language(CUDA)
    # CMake 3.25 knows nvcc's dialects up to C++17.
    if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    endif()
    message(STATUS "CUDA ${CMAKE_CUDA_COMPILER_VERSION}: building the module")
  elseif(RUNNEL_CUDA STREQUAL "AUTO")
    message(STATUS "CUDA: ${runnel_cuda_lacks}; building without the module")
  else()
    message(FATAL_ERROR "RUNNEL_CUDA=${RUNNEL_CUDA} is not possible: ${runnel_cuda_lacks}. Install CUDA 13, "
      " name its nvcc with -DCMAKE_CUDA_COMPILER=FILE, or configure with -DRUNNEL_CUDA=OFF.")
  endif()
endif()
