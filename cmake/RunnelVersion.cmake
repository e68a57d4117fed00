# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# runnel_version: the header runnel_version.h, with the version and the commit, which go into every report.
execute_process(COMMAND git -C "${PROJECT_SOURCE_DIR}" rev-parse --short=12 HEAD
  OUTPUT_VARIABLE RUNNEL_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
# A new commit configures anew.
if(EXISTS "${PROJECT_SOURCE_DIR}/.git/logs/HEAD")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/.git/logs/HEAD")
endif()
# An installed tree may be moved: the program finds its data relative to itself.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_DATADIR BASE_DIRECTORY "${CMAKE_INSTALL_FULL_BINDIR}"
  OUTPUT_VARIABLE runnel_data_from_program)
configure_file(cmake/version.h.in generated/runnel_version.h @ONLY)
add_library(runnel_version INTERFACE)
target_include_directories(runnel_version INTERFACE "${PROJECT_BINARY_DIR}/generated")
