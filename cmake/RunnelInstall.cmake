# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# Installs the program with its configurations and data, the libraries, their headers and a package config. Each library
# is a component with an export file of its own, so that find_package(runnel COMPONENTS runtime) looks neither for
# LibTorch nor for MPI.
include(CMakePackageConfigHelpers)

set(runnel_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/runnel")
get_property(runnel_libraries GLOBAL PROPERTY RUNNEL_LIBRARIES)
foreach(name IN LISTS runnel_libraries)
  install(TARGETS runnel_${name} EXPORT runnel-${name}
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/runnel")
  install(EXPORT runnel-${name} NAMESPACE runnel:: FILE runnel-${name}.cmake DESTINATION "${runnel_package_dir}")
endforeach()
if(TARGET runnel_cuda)
  install(TARGETS runnel_cuda LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()
install(TARGETS runnel-serve RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
if(TARGET runnel-run)
  install(TARGETS runnel-run RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(TARGETS runnel_loopback_bind LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(TARGET runnel)
  install(TARGETS runnel RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  # Beside each other, as in the sources: the configurations name the data relative to themselves.
  install(DIRECTORY trainer/configs trainer/data trainer/examples DESTINATION "${CMAKE_INSTALL_DATADIR}/runnel"
    PATTERN __pycache__ EXCLUDE PATTERN "*.pyc" EXCLUDE)
endif()

cmake_path(GET UCX_INCLUDE_DIR PARENT_PATH runnel_ucx_root)
configure_package_config_file(cmake/runnel-config.cmake.in runnel-config.cmake
  INSTALL_DESTINATION "${runnel_package_dir}" PATH_VARS CMAKE_INSTALL_LIBDIR NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(runnel-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/runnel-config.cmake" "${CMAKE_CURRENT_BINARY_DIR}/runnel-config-version.cmake"
  cmake/FindUCX.cmake cmake/FindLibTorch.cmake
  DESTINATION "${runnel_package_dir}")
