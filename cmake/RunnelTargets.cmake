# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# What every target of the project has in common.

# Warnings, sanitizers and the include root; applied to a target, never globally.
function(runnel_compile_options target)
  # nvcc's own warnings are on; its generated code does not stand the host compiler's.
  set(cxx_options -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
    # GCC 12 warns of "text" + std::string(): its bug 105651.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
  if(RUNNEL_WERROR)
    list(APPEND cxx_options -Werror)
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:--Werror=all-warnings>")
  endif()
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${cxx_options}>")
  if(RUNNEL_SANITIZE)
    target_compile_options(${target} PRIVATE
      -fsanitize=${RUNNEL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    # Not private: whoever links a sanitized static library needs the sanitizer's runtime.
    target_link_options(${target} PUBLIC -fsanitize=${RUNNEL_SANITIZE})
  endif()
endfunction()

# runnel_library(NAME): the static library runnel_NAME, known to users as runnel::NAME. runnel_sources gives it its
# files. Headers are included as "folder/room/file.h" from the project's root, in the tree as after an install.
function(runnel_library name)
  set(target runnel_${name})
  add_library(${target} STATIC)
  add_library(runnel::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON)
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}")
  target_include_directories(${target} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/runnel>")
  target_compile_features(${target} PUBLIC cxx_std_20)
  runnel_compile_options(${target})
  set_property(GLOBAL APPEND PROPERTY RUNNEL_LIBRARIES ${name})
endfunction()

# runnel_sources(NAME HEADERS … SOURCES …): files of this folder for the library runnel_NAME. HEADERS are installed.
function(runnel_sources name)
  cmake_parse_arguments(arg "" "" "HEADERS;SOURCES" ${ARGN})
  target_sources(runnel_${name} PRIVATE ${arg_SOURCES} PUBLIC FILE_SET HEADERS FILES ${arg_HEADERS})
endfunction()
