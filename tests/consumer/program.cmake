# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# cmake -DPROGRAM=FILE -DCONFIG=FILE -P program.cmake: checks the program of trainer/examples/regression: its help, its
# list of models, and a job of two trainers that learns.
set(listening "mpirun will listen on all network interfaces")

# expect(STATUS TEXT ARGUMENTS…): the program ends with STATUS and prints TEXT, a regular expression. Sets `output`.
function(expect status text)
  execute_process(COMMAND "${PROGRAM}" ${ARGN} RESULT_VARIABLE found OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT found STREQUAL status OR NOT output MATCHES "${text}")
    message(FATAL_ERROR "${ARGN}: expected status ${status} and '${text}', found status ${found} and\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

expect(0 "regression train" --help)
expect(78 "found \"regresor\", did you mean \"regressor\"" train "${CONFIG}" --set model.name=regresor)
expect(0 "rmse" train "${CONFIG}" -n 2)
message("${output}")
if(output MATCHES "${listening}")
  message(FATAL_ERROR "the module for mpirun was not found")
endif()
