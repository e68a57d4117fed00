# SPDX-FileCopyrightText: 2026 The Runnel authors
# SPDX-License-Identifier: BSD-3-Clause
#
# RUNNEL_PYTHON=ON|OFF|AUTO: whether the Python package (trainer/python) is built. AUTO: where the interpreter has
# nanobind. Sets RUNNEL_HAS_PYTHON. The interpreter is that of Python_EXECUTABLE, of the environment's
# RUNNEL_TEST_PYTHON, or of cmake/install-deps.sh --python.
set(RUNNEL_PYTHON AUTO CACHE STRING "Build the Python package: ON, OFF, or AUTO (where there is nanobind)")
set_property(CACHE RUNNEL_PYTHON PROPERTY STRINGS AUTO ON OFF)

set(RUNNEL_HAS_PYTHON OFF)
# AUTO leaves it out for a project that has this one in a subdirectory, and with sanitizers, whose runtime an
# interpreter lacks.
if(RUNNEL_PYTHON AND (NOT RUNNEL_PYTHON STREQUAL "AUTO" OR (PROJECT_IS_TOP_LEVEL AND NOT RUNNEL_SANITIZE)))
  if(NOT Python_EXECUTABLE)
    set(runnel_python "$ENV{RUNNEL_TEST_PYTHON}")
    if(NOT runnel_python)
      set(runnel_deps "$ENV{RUNNEL_DEPS}")
      if(NOT runnel_deps)
        set(runnel_deps "$ENV{HOME}/.cache/runnel")
      endif()
      set(runnel_python "${runnel_deps}/python/bin/python")
    endif()
    find_program(Python_EXECUTABLE NAMES "${runnel_python}" python3)
  endif()
  set(runnel_python_lacks "there is no Python")
  if(Python_EXECUTABLE)
    execute_process(COMMAND "${Python_EXECUTABLE}" -m nanobind --cmake_dir
      OUTPUT_VARIABLE nanobind_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE runnel_python_status)
    set(runnel_python_lacks "${Python_EXECUTABLE} has no nanobind")
    if(runnel_python_status EQUAL 0)
      find_package(Python 3.10 COMPONENTS Interpreter Development.Module)
      set(runnel_python_lacks "${Python_EXECUTABLE} is older than 3.10, or its headers are missing")
      set(RUNNEL_HAS_PYTHON "${Python_FOUND}")
    endif()
  endif()
  if(RUNNEL_HAS_PYTHON AND NOT RUNNEL_RUN)
    set(RUNNEL_HAS_PYTHON OFF)
    set(runnel_python_lacks "the package has the program runnel-run, but RUNNEL_RUN is OFF")
  endif()
  if(RUNNEL_HAS_PYTHON)
    find_package(nanobind CONFIG REQUIRED)
    message(STATUS "Python ${Python_VERSION}: building the package")
  elseif(RUNNEL_PYTHON STREQUAL "AUTO")
    message(STATUS "Python: ${runnel_python_lacks}; building without the package")
  else()
    message(FATAL_ERROR "RUNNEL_PYTHON=${RUNNEL_PYTHON} is not possible: ${runnel_python_lacks}. Run "
      "cmake/install-deps.sh --python, name another interpreter with -DPython_EXECUTABLE=FILE, or configure with "
      "-DRUNNEL_PYTHON=OFF.")
  endif()
endif()
