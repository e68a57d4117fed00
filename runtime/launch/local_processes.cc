// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/local_processes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include "runtime/base/run_error.h"
#include "runtime/base/signal_description.h"
#include "runtime/launch/awaited_signals.h"
#include "runtime/launch/child_process.h"
#include "runtime/launch/job_control.h"
#include "runtime/launch/output_relay.h"
#include "runtime/launch/process_tree.h"
#include "runtime/launch/stop_signals.h"
#include "transport/log.h"
#include "transport/owned_fd.h"

namespace runnel {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How long the others have to find a loss and report it, before they are told to end. They find it within 3 s.
constexpr milliseconds kReportTime{5'000};

/// The same where they cannot find it, as not all have joined: for what fails in all of them alike.
constexpr milliseconds kAlikeTime{1'000};

/// How long the generators have to end after the last trainer.
constexpr milliseconds kFarewellTime{3'000};

/// How long processes have from the signal that ends them until they are killed: to save what they want to.
constexpr milliseconds kStopTime{10'000};

/// timeout(1) sends a signal to its child and to its group: it arrives twice.
constexpr milliseconds kSameSignal{200};

struct Child {
  const LocalProcess* process;
  pid_t pid;
  std::optional<int> status = std::nullopt;  // as waitpid gives it
};

struct Failure {
  int code;
  std::string line;  // empty: the process has written one
};

Failure failure_of(const Child& child) {
  const int status = *child.status;
  const std::string& name = child.process->name;
  if (WIFSIGNALED(status)) {
    return {128 + WTERMSIG(status),
            name + " was ended by " + describe_signal(WTERMSIG(status)) + "; the run ends here"};
  }
  const int code = WEXITSTATUS(status);
  const std::string line = name + " ended with status " + std::to_string(code) + "; the run ends here";
  return {code, child.process->is_trainer ? line : ""};
}

constexpr int kPeerLost = static_cast<int>(ExitStatus::peer_lost);

/// The processes of a job, from their start until all have ended.
class JobWait {
 public:
  JobWait(const std::vector<LocalProcess>& processes, const RanksWaiting& ranks_waiting)
      : processes_(processes), ranks_waiting_(ranks_waiting) {}

  /// Leaves no process behind, also after an error.
  ~JobWait() {
    for (const Child& child : children_) {
      if (child.status) continue;
      kill_with_descendants(child.pid);
      waitpid(child.pid, nullptr, 0);
    }
  }

  JobWait(const JobWait&) = delete;
  JobWait& operator=(const JobWait&) = delete;

  int run(bool prefix_lines) {
    start(prefix_lines);
    while (reap(), is_running()) {
      look_at_meeting();
      if (Clock::now() >= end_at_) end_all();
      if (Clock::now() >= kill_at_) kill_all();
      await_event();
    }
    kill_at_ = Clock::time_point::max();
    finish_output();
    return verdict();
  }

 private:
  void start(bool prefix_lines) {
    const OwnedFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    bool is_first_trainer = true;
    for (const LocalProcess& process : processes_) {
      ChildStart child{.argv = process.argv, .environment = process.environment, .mask = signals_.before()};
      const bool has_pipes = !process.is_trainer || prefix_lines;
      const std::string prefix = process.is_trainer ? "[" + process.name + "] " : "";
      const auto sink = [&](int target) {
        return has_pipes ? relay_.add(target, prefix, !process.is_trainer) : OwnedFd();
      };
      const OwnedFd output = sink(STDOUT_FILENO), error = sink(STDERR_FILENO);
      if (has_pipes) child.standard_output = output.get(), child.standard_error = error.get();
      if (!process.is_trainer || !std::exchange(is_first_trainer, false)) child.standard_input = null.get();
      child.own_group = !process.is_trainer;
      children_.push_back({&process, start_child(child)});
    }
    relay_.start();
  }

  template <class Work>
  void for_each_running(Work&& work) {
    for (const Child& child : children_) {
      if (!child.status) work(child);
    }
  }

  bool is_running() {
    return std::ranges::any_of(children_, [](const Child& child) { return !child.status; });
  }

  void reap() {
    std::vector<const Child*> failed;
    for (Child& child : children_) {
      int status = 0;
      if (child.status || waitpid(child.pid, &status, WNOHANG) != child.pid) continue;
      child.status = status;
      if (status != 0) failed.push_back(&child);
    }
    // Of those that ended at about the same time, one that was killed is the cause.
    std::stable_partition(failed.begin(), failed.end(), [](const Child* child) { return WIFSIGNALED(*child->status); });
    for (const Child* child : failed) on_failure(failure_of(*child));
  }

  void on_failure(const Failure& failure) {
    if (is_ending_ || stop_signal_ != 0) return;
    if (failure_ && (failure_->code != kPeerLost || failure.code == kPeerLost)) return;
    if (!failure_) end_at_ = Clock::now() + (ranks_waiting_() ? kAlikeTime : kReportTime);
    failure_ = failure;
  }

  /// What processes that have ended mean to those that run.
  void look_at_meeting() {
    const auto trainers = [this](auto&& has) {
      return std::ranges::count_if(children_,
                                   [&](const Child& child) { return child.process->is_trainer && has(child); });
    };
    const bool is_left = trainers([](const Child& child) { return !child.status; }) > 0;
    const bool has_ended = trainers([](const Child& child) { return child.status == 0; }) > 0;
    if (is_ending_ || (is_left && (!has_ended || failure_ || stop_signal_ != 0))) return;
    const auto waiting = ranks_waiting_();
    if (!is_left && (failure_ || stop_signal_ != 0)) {
      end_at_ = std::min(end_at_, Clock::now() + (waiting ? milliseconds(0) : kFarewellTime));
    } else if (waiting) {
      on_missing(is_left, *waiting);
    }
  }

  /// A trainer has ended with 0, and the first generator waits for ranks, of which `waiting` have come.
  void on_missing(bool trainers_left, int waiting) {
    const auto generators = std::ranges::count_if(processes_, [](const auto& process) { return !process.is_trainer; });
    const bool has_come = waiting > generators - 1;
    if (trainers_left && !has_come) return;  // perhaps none will
    if (has_come) {
      const auto ended = std::ranges::find_if(
          children_, [](const Child& child) { return child.process->is_trainer && child.status == 0; });
      failure_ = {kPeerLost,
                  ended->process->name +
                      " ended with status 0 before all trainers had joined the run, which needs all of them"};
    } else {
      log_warning(
          "no trainer took part: the program has not met the generators; it does by runnel.Client, shard or "
          "DistributedDataParallel");
    }
    end_all();
  }

  void end_all() {
    is_ending_ = true;
    end_at_ = Clock::time_point::max();
    kill_at_ = std::min(kill_at_, Clock::now() + kStopTime);
    for_each_running(
        [](const Child& child) { kill(child.pid, child.process->is_trainer ? SIGTERM : signal_to_ranks(SIGTERM)); });
  }

  void kill_all() {
    is_ending_ = true;
    for_each_running([](const Child& child) { kill_with_descendants(child.pid); });
  }

  void await_event() {
    pollfd event = {.fd = signals_.fd(), .events = POLLIN, .revents = 0};
    poll(&event, 1, 50);
    while (const auto info = signals_.take()) on_signal(*info);
  }

  void on_signal(const signalfd_siginfo& info) {
    const auto signal = static_cast<int>(info.ssi_signo);
    // The terminal has sent it to the trainers as well, which are in this process's group.
    const bool from_terminal = info.ssi_code == SI_KERNEL;
    if (signal == SIGCHLD) return;
    if (sigismember(&suspending_, signal) == 1) {
      std::vector<pid_t> pids;
      for_each_running([&](const Child& child) { pids.push_back(child.pid); });
      return suspend_with(pids);
    }
    if (signal == SIGUSR1 || signal == SIGUSR2) return pass_on(signal);
    stop(signal, from_terminal);
  }

  void pass_on(int signal) {
    for_each_running([&](const Child& child) {
      if (child.process->is_trainer) kill(child.pid, signal);
    });
  }

  /// Generators are left alone: a trainer may need them to save what it wants to.
  void stop(int signal, bool from_terminal) {
    const auto now = Clock::now();
    if (stop_signal_ != 0) {
      if (from_terminal || now > stopped_at_ + kSameSignal) kill_at_ = now;
      return;
    }
    signals_.keep_blocked();
    stop_signal_ = signal;
    stopped_at_ = now;
    kill_at_ = now + kStopTime;
    relay_.drop();  // the generators' lines about trainers that end
    if (!from_terminal) pass_on(signal);
  }

  /// The outputs' readers may be slow, and a signal still ends this process.
  void finish_output() {
    relay_.finish();
    for (;;) {
      std::array<pollfd, 2> events = {{{signals_.fd(), POLLIN, 0}, {relay_.done_fd(), POLLIN, 0}}};
      poll(events.data(), events.size(), -1);
      if (events[1].revents != 0) return;
      while (const auto info = signals_.take()) {
        on_signal(*info);
        if (kill_at_ != Clock::time_point::max()) throw stopped_by(stop_signal_);
      }
    }
  }

  int verdict() {
    const bool trainers_succeeded = std::ranges::all_of(
        children_, [](const Child& child) { return !child.process->is_trainer || child.status == 0; });
    if (failure_ && failure_->line.empty()) throw AlreadyReported(static_cast<ExitStatus>(failure_->code));
    if (failure_) throw RunError(static_cast<ExitStatus>(failure_->code), failure_->line);
    if (stop_signal_ != 0 && !trainers_succeeded) throw stopped_by(stop_signal_);
    if (const int error = relay_.write_error(); error != 0) {
      throw RunError(ExitStatus::cannot_write, std::string("an output cannot be written: ") + std::strerror(error));
    }
    return 0;
  }

  const std::vector<LocalProcess>& processes_;
  const RanksWaiting& ranks_waiting_;
  const sigset_t suspending_ = suspending_signals();
  AwaitedSignals signals_;
  OutputRelay relay_;
  std::vector<Child> children_;
  std::optional<Failure> failure_;  // the one that decides
  bool is_ending_ = false;          // told to end by this process
  int stop_signal_ = 0;             // the first that this process got; 0: none
  Clock::time_point stopped_at_;
  Clock::time_point end_at_ = Clock::time_point::max();
  Clock::time_point kill_at_ = Clock::time_point::max();
};

}  // namespace

int run_local_processes(const std::vector<LocalProcess>& processes, const RanksWaiting& ranks_waiting,
                        bool prefix_lines) {
  std::signal(SIGPIPE, SIG_IGN);  // when nobody reads an output any more, the status still arrives
  return JobWait(processes, ranks_waiting).run(prefix_lines);
}

}  // namespace runnel
