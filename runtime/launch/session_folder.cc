// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/session_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "runnel-mpirun-";

/// mpirun writes 10 to 30 KB in six folders and four files. It does not end when it cannot.
constexpr off_t kNeededBytes = 64 << 10;
constexpr int kNeededInodes = 16;

OwnedFd open_folder(const fs::path& folder) {
  return OwnedFd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/// Removes folders of launchers of this user that were killed. A folder whose lock is taken belongs to a living one.
void remove_abandoned_folders(const fs::path& base) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(base, ignored)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const OwnedFd folder = open_folder(entry.path());
    struct stat status {};
    if (folder.get() < 0 || fstat(folder.get(), &status) != 0 || status.st_uid != geteuid()) continue;
    if (flock(folder.get(), LOCK_EX | LOCK_NB) == 0) fs::remove_all(entry.path(), ignored);
  }
}

/// Takes the lock of a new folder. False when another launcher took it for an abandoned one and has removed it.
bool lock_new_folder(const OwnedFd& folder) {
  if (folder.get() < 0) return true;  // on a file system without locks no folder is ever removed by others
  while (flock(folder.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
  struct stat status {};
  return fstat(folder.get(), &status) != 0 || status.st_nlink > 0;
}

bool is_full(int error) {
  return error == ENOSPC || error == EDQUOT;
}

RunError full(const std::string& base) {
  return {ExitStatus::os_limit, "TMPDIR " + base + " is full: mpirun needs " + std::to_string(kNeededBytes >> 10) +
                                    " KiB and " + std::to_string(kNeededInodes) +
                                    " files there; free some, or set TMPDIR to a folder elsewhere"};
}

/// Creates and removes what mpirun needs. Returns 0 or an errno.
int try_to_fill(const fs::path& folder) {
  const OwnedFd file(open((folder / "room").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  int error = file.get() < 0 ? errno : posix_fallocate(file.get(), 0, kNeededBytes);
  for (int i = 0; i < kNeededInodes && error == 0; ++i) {
    if (mkdir((folder / ("room-" + std::to_string(i))).c_str(), 0700) != 0) error = errno;
  }
  std::error_code ignored;
  fs::remove(folder / "room", ignored);
  for (int i = 0; i < kNeededInodes; ++i) fs::remove(folder / ("room-" + std::to_string(i)), ignored);
  return error;
}

}  // namespace

SessionFolder::SessionFolder() {
  std::error_code error;
  const fs::path base = fs::temp_directory_path(error);
  if (!error) remove_abandoned_folders(base);
  do {
    path_ = base / (std::string(kPrefix) + "XXXXXX");
    if (!error && mkdtemp(path_.data()) == nullptr) error.assign(errno, std::generic_category());
    if (is_full(error.value())) throw full(base);
    if (error) {
      throw RunError(ExitStatus::cannot_create, "cannot make the folder " + path_ + ": " + error.message() +
                                                    "; set TMPDIR to one that can be written to");
    }
    lock_ = open_folder(path_);
  } while (!lock_new_folder(lock_));
  require_room();
}

SessionFolder::~SessionFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void SessionFolder::require_room() const {
  if (!is_full(try_to_fill(path_))) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  throw full(fs::path(path_).parent_path());
}

}  // namespace runnel
