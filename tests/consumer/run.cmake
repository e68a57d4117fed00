# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# cmake -DBUILD=DIR -DWORK=DIR -DCOMPILER=… -DGENERATOR=… -DCOMPONENTS=NAME,… -P run.cmake: installs the build tree,
# then configures, builds and runs a consumer of each component against the installed package, where nothing that the
# component does not need can be found. The consumer of `program` is the example that comes with it.
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
set(hidden_arrays MPI LibTorch nlohmann_json)
set(hidden_bootstrap_mpi LibTorch)
set(hidden_trainer "")
set(hidden_program CLI11 nlohmann_json tomlplusplus)
set(example "${WORK}/prefix/share/runnel/examples/regression")

file(REMOVE_RECURSE "${WORK}")
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/prefix")
check_headers("${WORK}/prefix/include/runnel")
string(REPLACE "," ";" components "${COMPONENTS}")
foreach(component IN LISTS components)
  set(options "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${WORK}/prefix" "-DCOMPONENT=${component}")
  foreach(package IN LISTS hidden_${component})
    list(APPEND options "-DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON")
  endforeach()
  set(source "${CMAKE_CURRENT_LIST_DIR}")
  if(component STREQUAL "program")
    set(source "${example}")
  endif()
  run("${CMAKE_COMMAND}" -S "${source}" -B "${WORK}/${component}" -G "${GENERATOR}" ${options})
  run("${CMAKE_COMMAND}" --build "${WORK}/${component}")
  if(component STREQUAL "program")
    run("${CMAKE_COMMAND}" "-DPROGRAM=${WORK}/program/regression" "-DCONFIG=${example}/regression.toml" -P
      "${CMAKE_CURRENT_LIST_DIR}/program.cmake")
  else()
    run("${WORK}/${component}/consumer")
  endif()
endforeach()
