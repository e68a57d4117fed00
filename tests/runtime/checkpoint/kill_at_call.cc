// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// A library to preload: it stands in for every function of the C library that changes files, counts the calls, and
// kills the process (SIGKILL) in place of one of them.
//   RUNNEL_TEST_KILL_AT=K    the call, from 1
//   RUNNEL_TEST_KILL_HALF=1  of a write it makes the first half, then kills
// Standard output and standard error are no files. No header that declares one of the functions is included: their
// declarations differ in exceptions and attributes.
#include <dlfcn.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

constexpr int kCreates = 0100 | 020000000;  // O_CREAT, O_TMPFILE without O_DIRECTORY

bool is_last_call() {
  static const char* const wanted = std::getenv("RUNNEL_TEST_KILL_AT");
  static const long last = wanted == nullptr ? 0 : std::atol(wanted);
  static long calls = 0;
  return ++calls == last;
}

void count() {
  if (is_last_call()) std::raise(SIGKILL);
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define STAND_IN(name, parameters, arguments)     \
  extern "C" int name parameters {                \
    count();                                      \
    return next<int parameters>(#name) arguments; \
  }

#define STAND_IN_FOR_OPEN(name, parameters, arguments) \
  extern "C" int name parameters {                     \
    if ((flags & kCreates) != 0) count();              \
    return next<int parameters>(#name) arguments;      \
  }

#define STAND_IN_FOR_WRITE(name, parameters, arguments, half)         \
  extern "C" std::ptrdiff_t name parameters {                         \
    const auto call = next<std::ptrdiff_t parameters>(#name);         \
    if (file == 1 || file == 2) return call arguments;                \
    if (is_last_call()) {                                             \
      if (std::getenv("RUNNEL_TEST_KILL_HALF") != nullptr) call half; \
      std::raise(SIGKILL);                                            \
    }                                                                 \
    return call arguments;                                            \
  }

STAND_IN_FOR_OPEN(open, (const char* path, int flags, unsigned mode), (path, flags, mode))
STAND_IN_FOR_OPEN(open64, (const char* path, int flags, unsigned mode), (path, flags, mode))
STAND_IN_FOR_OPEN(openat, (int folder, const char* path, int flags, unsigned mode), (folder, path, flags, mode))
STAND_IN_FOR_OPEN(openat64, (int folder, const char* path, int flags, unsigned mode), (folder, path, flags, mode))
STAND_IN_FOR_WRITE(write, (int file, const void* bytes, std::size_t count), (file, bytes, count),
                   (file, bytes, count / 2))
STAND_IN_FOR_WRITE(pwrite, (int file, const void* bytes, std::size_t count, std::int64_t at), (file, bytes, count, at),
                   (file, bytes, count / 2, at))
STAND_IN_FOR_WRITE(pwrite64, (int file, const void* bytes, std::size_t count, std::int64_t at),
                   (file, bytes, count, at), (file, bytes, count / 2, at))
STAND_IN(fsync, (int file), (file))
STAND_IN(fdatasync, (int file), (file))
STAND_IN(ftruncate, (int file, std::int64_t size), (file, size))
STAND_IN(ftruncate64, (int file, std::int64_t size), (file, size))
STAND_IN(rename, (const char* from, const char* to), (from, to))
STAND_IN(renameat, (int a, const char* from, int b, const char* to), (a, from, b, to))
STAND_IN(renameat2, (int a, const char* from, int b, const char* to, unsigned flags), (a, from, b, to, flags))
STAND_IN(link, (const char* from, const char* to), (from, to))
STAND_IN(linkat, (int a, const char* from, int b, const char* to, int flags), (a, from, b, to, flags))
STAND_IN(symlink, (const char* from, const char* to), (from, to))
STAND_IN(unlink, (const char* path), (path))
STAND_IN(unlinkat, (int folder, const char* path, int flags), (folder, path, flags))
STAND_IN(mkdir, (const char* path, unsigned mode), (path, mode))
STAND_IN(mkdirat, (int folder, const char* path, unsigned mode), (folder, path, mode))
STAND_IN(rmdir, (const char* path), (path))
STAND_IN(fchmod, (int file, unsigned mode), (file, mode))
STAND_IN(fchown, (int file, unsigned user, unsigned group), (file, user, group))
