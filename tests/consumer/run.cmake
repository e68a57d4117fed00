# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# cmake -DBUILD=DIR -DWORK=DIR -DCOMPILER=… -DGENERATOR=… -DCOMPONENTS=NAME,… -P run.cmake: installs the build tree,
# then configures, builds and runs a consumer of each component against the installed package, where nothing that the
# component does not need can be found.
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# A header that is installed includes only headers that are.
function(check_headers include)
  file(GLOB_RECURSE headers RELATIVE "${include}" "${include}/*.h")
  foreach(header IN LISTS headers)
    file(STRINGS "${include}/${header}" lines REGEX "^#include \"")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^#include \"(.*)\".*" "\\1" included "${line}")
      if(NOT EXISTS "${include}/${included}")
        message(SEND_ERROR "${header} includes ${included}, which is not installed")
      endif()
    endforeach()
  endforeach()
endfunction()

set(hidden_transport MPI LibTorch nlohmann_json)
set(hidden_runtime MPI LibTorch)
set(hidden_archive MPI LibTorch nlohmann_json)
set(hidden_bootstrap_mpi LibTorch)
set(hidden_trainer "")

file(REMOVE_RECURSE "${WORK}")
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/prefix")
check_headers("${WORK}/prefix/include/runnel")
string(REPLACE "," ";" components "${COMPONENTS}")
foreach(component IN LISTS components)
  set(options "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${WORK}/prefix" "-DCOMPONENT=${component}")
  foreach(package IN LISTS hidden_${component})
    list(APPEND options "-DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON")
  endforeach()
  run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${WORK}/${component}" -G "${GENERATOR}" ${options})
  run("${CMAKE_COMMAND}" --build "${WORK}/${component}")
  run("${WORK}/${component}/consumer")
endforeach()
