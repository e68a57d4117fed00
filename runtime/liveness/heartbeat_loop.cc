// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness/heartbeat_loop.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "runtime/launch/launch_place.h"

namespace runnel {
namespace {

using std::chrono::milliseconds;

/// For all links together; what is not closed then is closed by force.
constexpr milliseconds kCloseTime{300};

}  // namespace

HeartbeatLoop::HeartbeatLoop(HeartbeatMailbox& mailbox, Context& context, const PeerGroup& group,
                             const EndPolicy& policy)
    : mailbox_(mailbox),
      group_(group),
      policy_(policy),
      peers_(group.connected_to(group.self().rank)),
      worker_(context),
      slab_(Slab::allocate(context, (1 + peers_.size()) * kLineBytes)),
      queue_(worker_, HeartbeatLink::kMaxRings * peers_.size()) {
  if (policy.takes_signals) signals_.emplace();
  for (const int rank : peers_) links_.push_back(std::make_unique<HeartbeatLink>(group, group.at(rank)));
}

HeartbeatLoop::~HeartbeatLoop() {
  const Deadline deadline = Deadline::after(kCloseTime);
  for (auto& link : links_) {
    // Closing the endpoint of a lost peer would only use up the time of the others.
    if (link->connection && !link->lost) (void)link->connection->endpoint.close(deadline);
  }
}

void HeartbeatLoop::add_to(ConnectionOffer& offer) const {
  offer.liveness_address = worker_.address();
  offer.heartbeats = slab_.descriptor();
}

void HeartbeatLoop::run() {
  auto next_beat = Clock::now();
  auto woken = Clock::now();
  while (!mailbox_.ending()) {
    if (const auto* offers = mailbox_.offers(); offers != nullptr && !connected_) connect(*offers);
    take_signals();  // after the orders that the main thread gave before they came
    const auto now = Clock::now();
    // This process itself did not run (the whole job was stopped, or the machine suspended): silence proves nothing.
    if (now - woken > kTimeout / 2) reset_silence(now);
    if (now - woken > kTimeout) resumed_at_ = now;
    woken = now;
    // Before a beat: a send to a process that has ended breaks the connection that its last word may still wait in.
    handle_queue();
    if (now >= next_beat) {
      beat();
      next_beat = now + kBeat;
    }
    check_silence(now);
    check_suspicions(now);
    check_deadlines(now);
    check_farewell();
    sleep_until(next_beat);
  }
}

void HeartbeatLoop::connect(const std::vector<ConnectionOffer>& offers) {
  connected_ = true;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (links_[i]->over) continue;
    try {
      connect(*links_[i], offers.at(static_cast<std::size_t>(links_[i]->rank)), i);
    } catch (const TransportError&) {
      // The peer has ended since it sent its address, or this process was stopped meanwhile.
      suspect(*links_[i], StopCause::connection_lost);
    }
  }
}

void HeartbeatLoop::connect(HeartbeatLink& link, const ConnectionOffer& offer, std::size_t index) {
  const std::vector<int> its_peers = group_.connected_to(link.rank);
  const auto me = std::ranges::find(its_peers, group_.self().rank);
  const auto peer_line = static_cast<std::size_t>(1 + (me - its_peers.begin()));
  link.connection.emplace(worker_, offer, slab_, 1 + index, peer_line);
  link.last_word_at = Clock::now();
  queue_.watch(link.connection->inbound, index);
  queue_.watch(link.connection->endpoint, index);
}

void HeartbeatLoop::reset_silence(Clock::time_point now) {
  for (auto& link : links_) link->on_sign_of_life(now);
}

void HeartbeatLoop::beat() {
  ++word_.counter;
  for (std::size_t i = 0; i < links_.size(); ++i) links_[i]->ring(queue_, word_.encode(), i);
}

void HeartbeatLoop::handle_queue() {
  std::array<Completion, 16> completions;
  for (;;) {
    const std::size_t count = queue_.poll(completions);
    for (const Completion& completion : std::span(completions).first(count)) handle(completion);
    if (count < completions.size()) return;
  }
}

void HeartbeatLoop::handle(const Completion& completion) {
  HeartbeatLink& link = *links_[completion.tag];
  switch (completion.kind) {
    case CompletionKind::bell:
      return on_word(link, completion.value);
    case CompletionKind::peer_lost:
      return suspect(link, StopCause::connection_lost);
    default:
      link.on_ring_complete(queue_, word_.encode(), completion.tag);
  }
}

void HeartbeatLoop::on_word(HeartbeatLink& link, std::uint64_t value) {
  link.on_sign_of_life(Clock::now());
  if (link.over) return;
  const auto word = HeartbeatWord::decode(value);
  if (!word || word->stop.rank >= static_cast<int>(group_.all().size())) {
    return declare_lost(link, StopCause::invalid_word, value);
  }
  switch (word->state) {
    case HeartbeatWord::State::alive:
      if (word->checkpoints > link.checkpoints) ask_for_checkpoint(link.rank);
      link.checkpoints = word->checkpoints;
      return;
    case HeartbeatWord::State::asked_to_end:
      if (group_.is_lead()) ask_to_end({word->stop.cause, word->stop.rank, false});
      return;
    case HeartbeatWord::State::leaving:
      link.over = true;
      return;
    case HeartbeatWord::State::stopping:
      link.over = true;
      stop({word->stop.cause, word->stop.rank, true});
  }
}

void HeartbeatLoop::suspect(HeartbeatLink& link, StopCause cause) {
  if (!link.over && !link.suspicion) link.suspicion = {.since = Clock::now(), .cause = cause};
}

void HeartbeatLoop::check_suspicions(Clock::time_point now) {
  for (auto& link : links_) {
    if (!link->suspicion || link->over || now - link->suspicion->since < suspicion_time()) continue;
    declare_lost(*link, link->suspicion->cause);
  }
}

void HeartbeatLoop::declare_lost(HeartbeatLink& link, StopCause cause, std::uint64_t word) {
  link.over = link.lost = true;
  // Who ends just after this process was paused has ended because of that, and reported it. The lead reports it all the
  // same: where the whole job was paused, nobody else might.
  const bool was_paused = !group_.is_lead() && Clock::now() < resumed_at_ + kTimeout;
  stop({cause, link.rank, was_paused, word});
}

void HeartbeatLoop::check_silence(Clock::time_point now) {
  for (auto& link : links_) {
    if (link->connection && !link->over && now - link->last_word_at > kTimeout) suspect(*link, StopCause::no_heartbeat);
  }
}

void HeartbeatLoop::check_deadlines(Clock::time_point now) {
  const bool suspects = std::ranges::any_of(links_, [](const auto& link) { return link->suspicion && !link->over; });
  if (sigterm_at_ && !suspects && now >= *sigterm_at_ + kSigtermDelay) {
    sigterm_at_.reset();
    on_signal(StopCause::terminated);
  }
  if (wish_ && (now >= wish_until_ || (group_.is_lead() && !mailbox_.takes_wishes())))
    stop(*std::exchange(wish_, std::nullopt));
  if (overdue_at_ && now >= *overdue_at_) mailbox_.report_overdue();
}

void HeartbeatLoop::check_farewell() {
  using Farewell = HeartbeatMailbox::Farewell;
  const Farewell farewell = mailbox_.farewell();
  if (farewell == Farewell::none) return;
  if (word_.state < HeartbeatWord::State::leaving) {
    announce(farewell == Farewell::leave ? HeartbeatWord::State::leaving : HeartbeatWord::State::stopping,
             {mailbox_.failure(), group_.self().rank, false});
  }
  // Peers that are gone need not be notified, and a ring to a stopped peer never completes.
  const bool all_notified =
      std::ranges::all_of(links_, [](const auto& link) { return link->over || link->rings_in_flight == 0; });
  if (all_notified) mailbox_.confirm_farewell();
}

void HeartbeatLoop::announce(HeartbeatWord::State state, const Stop& reason) {
  word_.state = state;
  word_.stop = reason;
  beat();
}

void HeartbeatLoop::stop(const Stop& reason) {
  if (overdue_at_ || (needs_no_peers() && !is_signal(reason.cause))) return;
  overdue_at_ = Clock::now() + (is_signal(reason.cause) ? kGraceAfterSignal : policy_.loss_grace);
  sigterm_at_.reset();
  wish_.reset();
  announce(HeartbeatWord::State::stopping, reason);
  mailbox_.report_stop(reason);
}

/// Of a process that is leaving, or has ended the run as a signal asked for: only a signal still ends what it has left
/// to do.
bool HeartbeatLoop::needs_no_peers() const {
  return word_.state == HeartbeatWord::State::leaving ||
         (word_.state == HeartbeatWord::State::stopping && is_signal(word_.stop.cause));
}

/// Those of others are the lead's to grant: it stops the run where it makes no steps.
bool HeartbeatLoop::takes_wishes() const {
  const bool may_be_granted = group_.is_lead() ? mailbox_.takes_wishes() : connected_;
  return policy_.wish_grace.count() > 0 && may_be_granted && word_.state < HeartbeatWord::State::leaving;
}

void HeartbeatLoop::sleep_until(Clock::time_point next_beat) {
  // An armed worker makes its descriptor readable; if it cannot be armed, it has work to do first.
  if (!worker_.arm().ok()) return;
  std::vector<pollfd>& fds = poll_fds_;
  fds.assign(
      {{worker_.event_fd(), POLLIN, 0}, {mailbox_.fd(), POLLIN, 0}, {signals_ ? signals_->fd() : -1, POLLIN, 0}});
  for (auto& link : links_) {
    fds.push_back({link->over || link->suspicion ? -1 : link->process.get(), POLLIN, 0});
  }
  Clock::time_point wake = next_beat;
  for (auto& link : links_) {
    if (link->suspicion && !link->over) wake = std::min(wake, link->suspicion->since + suspicion_time());
  }
  const auto left = std::chrono::ceil<milliseconds>(wake - Clock::now());
  if (poll(fds.data(), fds.size(), std::max(0, static_cast<int>(left.count()))) <= 0) return;
  if (fds[1].revents != 0) mailbox_.clear_fd();
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (fds[3 + i].revents != 0) suspect(*links_[i], StopCause::process_ended);
  }
}

void HeartbeatLoop::take_signals() {
  while (const auto cause = signals_ ? signals_->take() : std::nullopt) {
    if (*cause != StopCause::terminated) {
      on_signal(*cause);
    } else if (!sigterm_at_) {
      sigterm_at_ = Clock::now();
    }
  }
}

void HeartbeatLoop::on_signal(StopCause cause) {
  const int self = group_.self().rank;
  if (policy_.wish_grace.count() > 0 && cause == StopCause::announced) {
    if (word_.checkpoints < std::numeric_limits<std::uint16_t>::max()) ++word_.checkpoints;
    if (word_.state == HeartbeatWord::State::alive) beat();
    return ask_for_checkpoint(self);
  }
  const auto now = Clock::now();
  // A mpirun that got the first one, too, passes it on a second later. A launcher kills ranks after a second one.
  const bool may_be_first = cause == StopCause::terminated && started_by_launcher();
  if (signal_at_ && (may_be_first || now < *signal_at_ + kSameSignal)) return;
  if (!takes_wishes() || signal_at_) return stop({cause, self, false});
  signal_at_ = now;
  ask_to_end({cause, self, false});
}

void HeartbeatLoop::ask_to_end(const Stop& wish) {
  if (overdue_at_ || wish_) return;
  if (!takes_wishes()) return stop(wish);
  wish_ = wish;
  wish_until_ = Clock::now() + policy_.wish_grace + (group_.is_lead() ? milliseconds(0) : kAfterLead);
  announce(HeartbeatWord::State::asked_to_end, wish);
  mailbox_.report_wish(wish);
}

void HeartbeatLoop::ask_for_checkpoint(int rank) {
  const auto now = Clock::now();
  if (checkpoint_at_ && now < *checkpoint_at_ + kSameSignal) return;
  checkpoint_at_ = now;
  mailbox_.report_wish({StopCause::announced, rank, false});
}

}  // namespace runnel
