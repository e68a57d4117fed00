// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/bootstrap_mpi.h"

#define OMPI_SKIP_MPICXX 1
#include <mpi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <thread>

#include "runtime/base/run_error.h"
#include "runtime/base/start_thread.h"
#include "runtime/bootstrap/mpi_interface.h"
#include "runtime/launch/listen_only.h"
#include "transport/log.h"
#include "transport/owned_fd.h"

namespace runnel {
namespace {

using std::chrono::milliseconds;

/// Throws when a signal has come that ends the run. mpirun sends SIGTERM to all others when one rank has ended.
void end_on_signal(StopSignals& signals) {
  const auto cause = signals.take();
  if (!cause) return;
  if (*cause != StopCause::terminated) throw_stopped({.cause = *cause});
  throw BootstrapError("ended by SIGTERM phase=bootstrap; another rank has ended, or somebody stopped the job");
}

/// What ends this process while it waits in MPI_Init, which cannot be given up: a signal, and the deadline.
class Watchdog {
 public:
  Watchdog(const Deadline& deadline, StopSignals& signals, std::string message)
      : done_(OwnedFd::checked(eventfd(0, EFD_CLOEXEC), "eventfd")),
        thread_(start_thread("the deadline of MPI_Init", [this, deadline, &signals, text = std::move(message)] {
          watch(deadline, signals, text);
        })) {}

  ~Watchdog() {
    eventfd_write(done_.get(), 1);
    thread_.join();
  }

  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void watch(const Deadline& deadline, StopSignals& signals, const std::string& message) {
    try {
      while (!deadline.expired()) {
        const auto left = std::chrono::ceil<milliseconds>(deadline.remaining());
        std::array<pollfd, 2> fds = {{{done_.get(), POLLIN, 0}, {signals.fd(), POLLIN, 0}}};
        poll(fds.data(), fds.size(), static_cast<int>(left.count()));
        if (fds[0].revents != 0) return;
        end_on_signal(signals);
      }
      throw BootstrapError(message);
    } catch (const RunError& error) {
      if (!is_reported(error)) log_error(error.what());
      _exit(exit_code(error));
    }
  }

  OwnedFd done_;
  std::thread thread_;
};

/// Whether Open MPI's mpirun has started all ranks on this host, and they can share memory.
bool can_share_memory() {
  const char* ranks = std::getenv("OMPI_COMM_WORLD_SIZE");
  const char* ranks_here = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  return ranks != nullptr && ranks_here != nullptr && std::string_view(ranks) == ranks_here &&
         access("/dev/shm", W_OK) == 0;
}

/// Without overriding what the user or the launcher says.
void keep_mpi_off_ucx() {
  setenv("OMPI_MCA_pml", "ob1", 0);
  setenv("OMPI_MCA_osc", "^ucx", 0);
  // "tcp" listens until MPI_Finalize, on all network interfaces but for `listening_address`.
  setenv("OMPI_MCA_btl", can_share_memory() ? "self,vader" : "self,vader,tcp", 0);
  // Ranks may not be allowed to read each other's memory (containers); a few KB of bootstrap do not need it.
  setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
}

/// The address on which MPI needs to listen, for `ListenOnly`. MPI is not told to use an interface: with a site's
/// setting btl_tcp_if_exclude it would then use none.
std::uint32_t listening_address() {
  if (can_share_memory()) return 0;
  const char* include = std::getenv("OMPI_MCA_btl_tcp_if_include");
  const auto interface = mpi_interface(include == nullptr ? "" : include, Host::local());
  if (!interface) return 0;
  setenv("OMPI_MCA_btl_tcp_disable_family", "6", 0);  // the address is of IPv4
  return interface->address;
}

void check(int result, const char* call) {
  if (result == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(result, text.data(), &length);
  throw BootstrapError(std::string(call) + " failed: " + text.data());
}

/// Completes `request` by polling with sleeps: a rank that waits for a slower one leaves it the core.
void wait_for(MPI_Request& request, const Deadline& deadline, StopSignals& signals, const Meanwhile& meanwhile,
              const char* what) {
  int done = 0;
  for (;;) {
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), what);
    if (done != 0) return;
    if (meanwhile) meanwhile();
    end_on_signal(signals);
    if (deadline.expired()) {
      throw BootstrapError(std::string("not all ranks came to the bootstrap's ") + what +
                           " in time phase=bootstrap; look for a rank that is stopped or busy");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

}  // namespace

MpiBootstrap::MpiBootstrap(const Deadline& deadline) {
  keep_mpi_off_ucx();
  {
    const Watchdog watchdog(
        deadline, signals_,
        "not all ranks came to MPI_Init in time phase=bootstrap; look for a rank that is stopped or "
        "busy; under mpirun, ranks wait for each other for run.timeout_s");
    const ListenOnly listen_only(listening_address());
    check(MPI_Init(nullptr, nullptr), "MPI_Init");
  }
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
}

std::vector<std::vector<std::byte>> MpiBootstrap::all_gather(std::span<const std::byte> mine, const Deadline& deadline,
                                                             const Meanwhile& meanwhile) {
  const auto ranks = static_cast<std::size_t>(size_);
  const int my_bytes = static_cast<int>(mine.size());
  std::vector<int> bytes(ranks);
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Iallgather(&my_bytes, 1, MPI_INT, bytes.data(), 1, MPI_INT, MPI_COMM_WORLD, &request), "MPI_Iallgather");
  wait_for(request, deadline, signals_, meanwhile, "exchange of lengths");

  std::vector<int> offsets(ranks);
  std::exclusive_scan(bytes.begin(), bytes.end(), offsets.begin(), 0);
  std::vector<std::byte> all(static_cast<std::size_t>(offsets.back() + bytes.back()));
  check(MPI_Iallgatherv(mine.data(), my_bytes, MPI_BYTE, all.data(), bytes.data(), offsets.data(), MPI_BYTE,
                        MPI_COMM_WORLD, &request),
        "MPI_Iallgatherv");
  wait_for(request, deadline, signals_, meanwhile, "exchange of frames");

  std::vector<std::vector<std::byte>> gathered;
  gathered.reserve(ranks);
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const auto begin = all.begin() + offsets[rank];
    gathered.emplace_back(begin, begin + bytes[rank]);
  }
  return gathered;
}

void MpiBootstrap::barrier(const Deadline& deadline, const Meanwhile& meanwhile) {
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Ibarrier(MPI_COMM_WORLD, &request), "MPI_Ibarrier");
  wait_for(request, deadline, signals_, meanwhile, "barrier");
}

void MpiBootstrap::finalize() {
  check(MPI_Finalize(), "MPI_Finalize");
}

std::string MpiBootstrap::library_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string full = text.data();
  return full.substr(0, full.find(','));
}

}  // namespace runnel
