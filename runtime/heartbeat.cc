// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/heartbeat.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <exception>
#include <future>
#include <memory>
#include <optional>

#include "transport/completion_queue.h"
#include "transport/endpoint.h"
#include "transport/log.h"

namespace runnel {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kFarewellTime{1000};
constexpr milliseconds kCloseTime{300};

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

void drain(int fd) {
  std::uint64_t ignored = 0;
  [[maybe_unused]] const auto count = read(fd, &ignored, sizeof ignored);
}

}  // namespace

BlockedStopSignals::BlockedStopSignals() {
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

/// One peer as the thread sees it.
struct Link {
  Link(Worker& worker, const ConnectionOffer& offer, const Slab& slab, std::size_t my_line, std::size_t peer_line)
      : endpoint(worker, offer.liveness_address),
        region(endpoint, offer.heartbeats, MappingPolicy::when_possible),
        inbound(slab, my_line * kLineBytes),
        outbound(region, peer_line * kLineBytes, 0) {}

  ~Link() {
    if (pidfd >= 0) close(pidfd);
  }

  Endpoint endpoint;
  RemoteRegion region;
  Bell inbound;
  RemoteBell outbound;
  int rank = 0;
  int pidfd = -1;  // of a peer on this host
  Clock::time_point heard;
  bool over = false;  // has left or is lost: no longer watched
};

/// The state of the running thread. Line 0 of the slab is a park word that nobody sleeps on; then comes a line a peer.
class HeartbeatThread::Loop {
 public:
  Loop(HeartbeatThread& owner, Context& context, const PeerGroup& group)
      : owner_(owner),
        group_(group),
        links_wanted_(group.self().role == Role::generator ? static_cast<std::size_t>(group.trainers()) : 1),
        worker_(context),
        slab_(Slab::allocate(context, (1 + links_wanted_) * kLineBytes)),
        queue_(worker_, 4 * links_wanted_) {
    const sigset_t signals = stop_signals();
    signal_fd_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    owner.offer_.liveness_address = worker_.address();
    owner.offer_.heartbeats = slab_.descriptor();
  }

  ~Loop() {
    for (auto& link : links_) (void)link->endpoint.close(Deadline::after(kCloseTime));
    close(signal_fd_);
  }

  void run() {
    auto next_beat = Clock::now();
    auto woken = Clock::now();
    while (!owner_.ending_.load()) {
      if (owner_.started_.load() && !connected_) connect();
      const auto now = Clock::now();
      // This process itself did not run (the whole job was stopped, the machine slept): silence proves nothing.
      if (now - woken > kTimeout / 2) forgive(now);
      woken = now;
      if (now >= next_beat) {
        beat();
        next_beat = now + kBeat;
      }
      handle_queue();
      check_silence(now);
      check_deadlines(now);
      sleep_until(next_beat);
    }
  }

 private:
  void connect() {
    connected_ = true;
    for (std::size_t i = 0; i < links_wanted_; ++i) {
      const bool generator = group_.self().role == Role::generator;
      const Peer& peer = generator ? group_.trainer(static_cast<int>(i)) : group_.generator();
      try {
        connect(peer, i);
      } catch (const TransportError&) {
        // The peer has ended since it sent its address, or this process was stopped meanwhile.
        stop({StopCause::connection_lost, peer.rank, false});
      }
    }
  }

  void connect(const Peer& peer, std::size_t index) {
    const std::size_t peer_line = peer.role == Role::trainer ? 1 : 1 + static_cast<std::size_t>(group_.self().index);
    auto link = std::make_unique<Link>(worker_, owner_.offers_[static_cast<std::size_t>(peer.rank)], slab_, 1 + index,
                                       peer_line);
    link->rank = peer.rank;
    link->heard = Clock::now();
    if (group_.same_host(peer, group_.self())) link->pidfd = static_cast<int>(syscall(SYS_pidfd_open, peer.pid, 0));
    queue_.watch(link->inbound, links_.size());
    queue_.watch(link->endpoint, links_.size());
    links_.push_back(std::move(link));
  }

  void forgive(Clock::time_point now) {
    for (auto& link : links_) link->heard = now;
  }

  void beat() {
    ++word_.counter;
    for (auto& link : links_) {
      if (link->endpoint.lost()) continue;
      // A refused ring is one beat less; the next one carries everything that this one would have.
      (void)queue_.ring(link->outbound, word_.encode(), 0);
    }
  }

  void handle_queue() {
    std::array<Completion, 16> completions;
    for (;;) {
      const std::size_t count = queue_.poll(completions);
      for (const Completion& completion : std::span(completions).first(count)) handle(completion);
      if (count < completions.size()) return;
    }
  }

  void handle(const Completion& completion) {
    if (completion.kind == CompletionKind::peer_lost) {
      lose(*links_[completion.tag], StopCause::connection_lost);
    } else if (completion.kind == CompletionKind::bell) {
      hear(*links_[completion.tag], HeartbeatWord::decode(completion.value));
    }
  }

  void hear(Link& link, const HeartbeatWord& word) {
    link.heard = Clock::now();
    if (link.over || word.state == HeartbeatWord::State::alive) return;
    link.over = true;
    if (word.state == HeartbeatWord::State::stopping) stop({word.stop.cause, word.stop.rank, true});
  }

  void lose(Link& link, StopCause cause) {
    if (link.over) return;
    // Its last word may say why it ended: look once more before calling it a loss.
    hear(link, HeartbeatWord::decode(link.inbound.value()));
    if (link.over) return;
    link.over = true;
    stop({cause, link.rank, false});
  }

  void check_silence(Clock::time_point now) {
    for (auto& link : links_) {
      if (!link->over && now - link->heard > kTimeout) lose(*link, StopCause::no_heartbeat);
    }
  }

  void check_deadlines(Clock::time_point now) {
    if (sigterm_at_ && now >= *sigterm_at_ + kBelieveSigterm) stop({StopCause::terminated, group_.self().rank, false});
    if (overdue_at_ && now >= *overdue_at_) owner_.callbacks_.on_overdue();
    const Farewell farewell = owner_.farewell_.load();
    if (farewell == Farewell::none || owner_.farewell_said_.load()) return;
    if (word_.state == HeartbeatWord::State::alive) {
      say(farewell == Farewell::leave ? HeartbeatWord::State::leaving : HeartbeatWord::State::stopping,
          {StopCause::own_error, group_.self().rank, false});
    }
    if (queue_.in_flight() == 0) owner_.farewell_said_.store(true);
  }

  void say(HeartbeatWord::State state, const Stop& reason) {
    word_.state = state;
    word_.stop = reason;
    beat();
  }

  void stop(const Stop& reason) {
    if (overdue_at_ || word_.state == HeartbeatWord::State::leaving) return;
    const bool signal = reason.cause == StopCause::interrupted || reason.cause == StopCause::terminated;
    overdue_at_ = Clock::now() + (signal ? kGraceAfterSignal : kGraceAfterLoss);
    sigterm_at_.reset();
    say(HeartbeatWord::State::stopping, reason);
    owner_.callbacks_.on_stop(reason);
  }

  void sleep_until(Clock::time_point next_beat) {
    // An armed worker makes its descriptor readable; when it cannot be armed there is work to do first.
    if (!worker_.arm().ok()) return;
    std::vector<pollfd>& fds = poll_fds_;
    fds.assign({{worker_.event_fd(), POLLIN, 0}, {owner_.command_fd_, POLLIN, 0}, {signal_fd_, POLLIN, 0}});
    for (auto& link : links_) fds.push_back({link->over ? -1 : link->pidfd, POLLIN, 0});
    const auto left = std::chrono::ceil<milliseconds>(next_beat - Clock::now());
    if (poll(fds.data(), fds.size(), std::max(0, static_cast<int>(left.count()))) <= 0) return;
    if (fds[1].revents != 0) drain(owner_.command_fd_);
    if (fds[2].revents != 0) take_signal();
    for (std::size_t i = 0; i < links_.size(); ++i) {
      if (fds[3 + i].revents != 0) lose(*links_[i], StopCause::process_ended);
    }
  }

  void take_signal() {
    signalfd_siginfo info{};
    if (read(signal_fd_, &info, sizeof info) != sizeof info) return;
    if (info.ssi_signo == SIGINT) stop({StopCause::interrupted, group_.self().rank, false});
    if (info.ssi_signo == SIGTERM && !sigterm_at_) sigterm_at_ = Clock::now();
  }

  HeartbeatThread& owner_;
  const PeerGroup& group_;
  std::size_t links_wanted_;
  Worker worker_;
  Slab slab_;
  CompletionQueue queue_;
  bool connected_ = false;
  std::vector<std::unique_ptr<Link>> links_;  // a queue's tag is its index
  std::vector<pollfd> poll_fds_;
  int signal_fd_ = -1;
  HeartbeatWord word_;
  std::optional<Clock::time_point> sigterm_at_;
  std::optional<Clock::time_point> overdue_at_;
};

HeartbeatThread::HeartbeatThread(Context& context, const PeerGroup& group, Callbacks callbacks)
    : callbacks_(std::move(callbacks)), command_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  std::promise<void> made;
  thread_ = std::thread([&, this] {
    std::optional<Loop> loop;
    try {
      loop.emplace(*this, context, group);
    } catch (...) {
      made.set_exception(std::current_exception());
      return;
    }
    made.set_value();
    loop->run();
  });
  try {
    made.get_future().get();
  } catch (...) {
    thread_.join();
    close(command_fd_);
    throw;
  }
}

HeartbeatThread::~HeartbeatThread() {
  ending_.store(true);
  eventfd_write(command_fd_, 1);
  thread_.join();
  close(command_fd_);
}

void HeartbeatThread::add_to(ConnectionOffer& offer) const {
  offer.liveness_address = offer_.liveness_address;
  offer.heartbeats = offer_.heartbeats;
}

void HeartbeatThread::start(const std::vector<ConnectionOffer>& offers) {
  offers_ = offers;
  started_.store(true);
  eventfd_write(command_fd_, 1);
}

void HeartbeatThread::say_farewell(Farewell farewell) {
  if (!started_.load()) return;
  farewell_.store(farewell);
  const auto deadline = Deadline::after(kFarewellTime);
  while (!farewell_said_.load() && !deadline.expired()) {
    eventfd_write(command_fd_, 1);
    std::this_thread::sleep_for(milliseconds(1));
  }
}

}  // namespace runnel
