# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# cmake -DBUILD=DIR -DWORK=DIR -DCOMPILER=… -DGENERATOR=… -P run.cmake: installs the build tree, then configures,
# builds and runs the consumer against the installed package, where neither MPI nor LibTorch can be found.
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${WORK}")
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/prefix")
run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${WORK}/build" -G "${GENERATOR}"
  "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${WORK}/prefix"
  -DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON -DCMAKE_DISABLE_FIND_PACKAGE_LibTorch=ON)
run("${CMAKE_COMMAND}" --build "${WORK}/build")
run("${WORK}/build/consumer")
