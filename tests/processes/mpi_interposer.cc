// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// A library to preload: it stands in for every MPI function that Runnel uses, writes each call to a file, and can end
// or stop the process at one of them.
//   RUNNEL_TEST_MPI_LOG=FILE                 a line a call, the function's name, in FILE.RANK
//   RUNNEL_TEST_MPI_SIGNAL=RANK:NAME:SIGNAL  process RANK sends itself SIGNAL (a number) before the first call of NAME
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void note(const std::string& name) {
  static const std::string rank = variable("OMPI_COMM_WORLD_RANK");
  static const std::string log = variable("RUNNEL_TEST_MPI_LOG");
  static std::string signal = variable("RUNNEL_TEST_MPI_SIGNAL");
  if (!log.empty()) {
    static const int file = open((log + "." + rank).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const std::string line = name + "\n";
    if (write(file, line.data(), line.size()) < 0) abort();
  }
  const std::string here = rank + ":" + name + ":";
  static const std::string delay = variable("RUNNEL_TEST_MPI_DELAY");
  if (delay.starts_with(here)) sleep(static_cast<unsigned>(std::atoi(delay.c_str() + here.size())));
  if (!signal.starts_with(here)) return;
  const int number = std::atoi(signal.c_str() + here.size());
  signal.clear();
  kill(getpid(), number);
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define STAND_IN(name, parameters, arguments)     \
  extern "C" int name parameters {                \
    note(#name);                                  \
    return next<int parameters>(#name) arguments; \
  }

STAND_IN(MPI_Init, (int* argc, char*** argv), (argc, argv))
STAND_IN(MPI_Finalize, (), ())
STAND_IN(MPI_Comm_rank, (MPI_Comm comm, int* rank), (comm, rank))
STAND_IN(MPI_Comm_size, (MPI_Comm comm, int* size), (comm, size))
STAND_IN(MPI_Comm_set_errhandler, (MPI_Comm comm, MPI_Errhandler handler), (comm, handler))
STAND_IN(MPI_Error_string, (int code, char* text, int* length), (code, text, length))
STAND_IN(MPI_Get_library_version, (char* text, int* length), (text, length))
STAND_IN(MPI_Iallgather,
         (const void* source, int count, MPI_Datatype type, void* target, int target_count, MPI_Datatype target_type,
          MPI_Comm comm, MPI_Request* request),
         (source, count, type, target, target_count, target_type, comm, request))
STAND_IN(MPI_Iallgatherv,
         (const void* source, int count, MPI_Datatype type, void* target, const int* counts, const int* offsets,
          MPI_Datatype target_type, MPI_Comm comm, MPI_Request* request),
         (source, count, type, target, counts, offsets, target_type, comm, request))
STAND_IN(MPI_Ibarrier, (MPI_Comm comm, MPI_Request* request), (comm, request))
STAND_IN(MPI_Test, (MPI_Request * request, int* done, MPI_Status* status), (request, done, status))
