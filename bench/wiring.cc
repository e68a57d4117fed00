// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/wiring.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>

#include "runtime/bootstrap/frame.h"
#include "runtime/bootstrap/host.h"
#include "transport/region_descriptor.h"

namespace runnel {
namespace {

constexpr std::chrono::seconds kTimeout{30};
constexpr std::chrono::seconds kConnectTimeout{10};
constexpr std::chrono::hours kPeerTimeout{1};  // rank 0 may measure for long between two bells; it dies, they die

constexpr std::size_t kOperations = 256;
constexpr std::size_t kPage = 4096;
constexpr std::uint64_t kSeed = 20261123;

/// Offsets in a slab; the same on every side.
struct Layout {
  std::size_t partners;
  static constexpr std::size_t kPark = 0;
  std::size_t bell(std::size_t partner) const { return (1 + 2 * partner) * kLineBytes; }
  std::size_t word(std::size_t partner) const { return (2 + 2 * partner) * kLineBytes; }
  std::size_t own_word() const { return (1 + 2 * partners) * kLineBytes; }
  /// Partner 0 probes the first area; rank 0 has one for each of its probes.
  std::size_t probe(std::size_t partner) const {
    return (own_word() + kLineBytes + kPage - 1) / kPage * kPage + partner * PathProbe::kProbeBytes;
  }
  std::size_t payload() const { return probe(partners); }
};

Layout layout_of(const Order& order) {
  return {static_cast<std::size_t>(order.peers)};
}

/// What rank 0 and one peer share on one host is forced by transports; between hosts only TCP can be forced, and UCX
/// takes the best it has. A user's UCX_TLS wins over both.
ContextOptions context_options(const Job& job, const Order& order) {
  ContextOptions options;
  if (std::getenv("UCX_TLS") == nullptr && (job.one_host() || order.path == Path::emulated)) {
    options = context_options_for(order.path);
  }
  std::vector<Host> hosts;
  for (const Peer& peer : job.group().all()) hosts.push_back(peer.host);
  const std::string& interface = job.config().transport.interface;
  options.interface = interface == "auto" ? choose_interface(job.group().self().host, hosts) : interface;
  options.estimated_peers = static_cast<std::size_t>(order.peers);
  return options;
}

/// The pattern's generator: equal on every side, and no two words of it are likely to be equal.
std::mt19937_64 pattern() {
  return std::mt19937_64(kSeed);
}

}  // namespace

Wiring::Partner::Partner(Wiring& wiring, std::size_t index, std::span<const std::byte> address,
                         const RegionDescriptor& descriptor)
    : endpoint(*wiring.worker_, address),
      region(endpoint, descriptor, mapping_policy_for(wiring.order_.path)),
      // In the partner's slab rank 0 has the first place, and peer i the place of index i - 1.
      remote_word(layout_of(wiring.order_).word(wiring.job_.is_peer() ? wiring.job_.group().self().rank - 1 : 0)),
      bell(region, remote_word - kLineBytes, Layout::kPark),
      inbound(*wiring.slab_, layout_of(wiring.order_).bell(index)) {}

Wiring::Wiring(Job& job, const Order& order)
    : job_(job),
      order_(order),
      takes_part_(job.group().self().rank <= order.peers),
      timeout_(job.is_peer() ? kPeerTimeout : kTimeout) {
  agree([this] { make_own_end(); });
  const auto offers = job.bootstrap().all_gather(offer(), Deadline::after(kTimeout));
  agree([&] { connect(offers); });
  become_silent();
  agree([this] { probe_partners(); });
  park_for_path();
}

/// Collective: runs `action` where this process takes part. When it throws somewhere, everybody throws that.
void Wiring::agree(const std::function<void()>& action) {
  std::string error;
  try {
    if (takes_part_) action();
  } catch (const TransportError& failure) {
    error = failure.what();
  } catch (const Impossible& failure) {
    error = failure.what();
  }
  const auto bytes = std::as_bytes(std::span(error));
  for (const auto& blob : job_.bootstrap().all_gather(bytes, Deadline::after(kTimeout))) {
    if (!blob.empty()) throw Impossible(std::string(reinterpret_cast<const char*>(blob.data()), blob.size()));
  }
}

void Wiring::make_own_end() {
  if (order_.path == Path::mapped && !job_.one_host()) {
    throw Impossible("nothing is mapped between hosts");
  }
  context_.emplace(context_options(job_, order_));
  worker_.emplace(*context_);
  slab_ = Slab::allocate(*context_, layout_of(order_).payload() + std::max<std::size_t>(order_.bytes, kPage));
  queue_.emplace(*worker_, kOperations);
  // Until the path is proven, partners may write silently.
  waiter_.emplace(*worker_, ParkWord(slab_->bytes(), Layout::kPark), ParkOn::capped_events);
}

std::vector<std::byte> Wiring::offer() const {
  if (!takes_part_) return {};
  FrameWriter writer;
  writer.bytes(worker_->address());
  writer.bytes(encode(slab_->descriptor()));
  return writer.seal(FrameKind::connection);
}

void Wiring::connect(const std::vector<std::vector<std::byte>>& offers) {
  const auto begin = std::chrono::steady_clock::now();
  const int first = job_.is_peer() ? 0 : 1;
  const int last = job_.is_peer() ? 0 : order_.peers;
  for (int rank = first; rank <= last; ++rank) {
    FrameReader reader(offers[static_cast<std::size_t>(rank)], FrameKind::connection, "rank " + std::to_string(rank));
    const auto address = reader.bytes();
    const RegionDescriptor descriptor = decode_region_descriptor(reader.bytes());
    reader.finish();
    partners_.push_back(std::make_unique<Partner>(*this, partners_.size(), address, descriptor));
    ring(partners() - 1, kHello);
  }
  const auto heard_all = [this] {
    return std::ranges::all_of(partners_, [](const auto& partner) { return partner->inbound.value() >= kHello; });
  };
  const Status status = waiter_->wait(
      [&] {
        poll();
        return heard_all() && queue_->in_flight() == 0;
      },
      Deadline::after(kConnectTimeout));
  if (!status.ok()) throw TransportError(status.code(), "no bell of every partner within 10 s");
  connect_time_ = std::chrono::steady_clock::now() - begin;
  PathProbe::prepare(*slab_, layout_of(order_).probe(0));
}

/// Collective: on return nobody progresses any more, so that a probe sees what needs the peer's help.
void Wiring::become_silent() {
  job_.bootstrap().barrier(Deadline::after(kTimeout), [this] {
    if (takes_part_) poll();
  });
  job_.bootstrap().barrier(Deadline::after(kTimeout));
}

/// Rank 0 probes its peers, one after the other. Throws `Impossible` when what it finds is not the order's path.
void Wiring::probe_partners() {
  if (job_.is_peer()) return;
  const Layout layout = layout_of(order_);
  for (const auto& partner : partners_) {
    const PathProbe::Place area = {partner->region, layout.probe(0)};
    probes_.push_back(std::make_unique<PathProbe>(area, area, *slab_, layout.probe(probes_.size())));
    const PathReport found = probes_.back()->run();
    if (found.path == order_.path) continue;
    throw Impossible("the path is " + std::string(to_string(found.path)) + ", not " +
                     std::string(to_string(order_.path)) + ": " + found.reason);
  }
}

void Wiring::park_for_path() {
  for (const auto& probe : probes_) {
    const Status status = probe->finish(Deadline::after(kTimeout));
    if (!status.ok()) fail(status.message());
  }
  std::vector<PathReport> paths;
  for (const auto& partner : partners_) {
    paths.push_back({.path = order_.path, .transports = partner->endpoint.transports(), .reason = {}});
  }
  if (takes_part_) waiter_.emplace(*worker_, ParkWord(slab_->bytes(), Layout::kPark), park_on_for(paths));
}

std::span<std::byte> Wiring::payload() const {
  return slab_->bytes().subspan(layout_of(order_).payload(), order_.bytes);
}

void Wiring::fill_payload() {
  std::mt19937_64 random = pattern();
  const std::span<std::byte> bytes = payload();
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, bytes.size() - at));
  }
}

bool Wiring::payload_is_right() const {
  std::mt19937_64 random = pattern();
  const std::span<const std::byte> bytes = payload();
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    if (std::memcmp(bytes.data() + at, &word, std::min(sizeof word, bytes.size() - at)) != 0) return false;
  }
  return true;
}

std::uint64_t Wiring::word(std::size_t partner) const {
  auto* word = reinterpret_cast<std::uint64_t*>(slab_->bytes().data() + layout_of(order_).word(partner));
  return std::atomic_ref(*word).load(std::memory_order_acquire);
}

template <class Request>
void Wiring::post(Request&& request) {
  Status status = request();
  if (status.code() == StatusCode::queue_full) {
    poll_until([&] { return (status = request()).code() != StatusCode::queue_full; });
  }
  if (!status.ok()) fail(status.message());
}

void Wiring::put_word(std::size_t partner, std::uint64_t value) {
  const auto source = slab_->bytes().subspan(layout_of(order_).own_word(), sizeof value);
  std::memcpy(source.data(), &value, sizeof value);
  const Partner& to = *partners_[partner];
  post([&] { return queue_->put(to.region, to.remote_word, source, *slab_, 0); });
}

void Wiring::put_payload(std::size_t partner) {
  const Partner& to = *partners_[partner];
  post([&] { return queue_->put(to.region, layout_of(order_).payload(), payload(), *slab_, 0); });
}

void Wiring::get_payload(std::size_t partner) {
  const Partner& from = *partners_[partner];
  post([&] { return queue_->get(from.region, layout_of(order_).payload(), payload(), *slab_, 0); });
}

void Wiring::ring(std::size_t partner, std::uint64_t value) {
  post([&] { return queue_->ring(partners_[partner]->bell, value, 0); });
}

void Wiring::put_payload_and_ring(std::size_t partner, std::uint64_t value) {
  Partner& to = *partners_[partner];
  post([&] {
    return queue_->put_and_ring(to.region, layout_of(order_).payload(), payload(), *slab_, to.bell, value, 0);
  });
}

void Wiring::poll() {
  const std::size_t count = queue_->poll(completions_);
  for (const Completion& completion : std::span(completions_).first(count)) {
    if (!completion.status.ok()) fail(completion.status.message());
  }
}

void Wiring::check_and_yield(std::optional<Deadline>& deadline) {
  if (!deadline) deadline = Deadline::after(timeout_);
  if (deadline->expired()) fail("no answer in time");
  for (const auto& partner : partners_) {
    if (partner->endpoint.lost()) fail(partner->endpoint.error().message());
  }
  std::this_thread::yield();
}

void Wiring::fail(const std::string& what) const {
  throw RunError(ExitStatus::peer_lost, "a measurement over path " + std::string(to_string(order_.path)) +
                                            " ended on rank " + std::to_string(job_.group().self().rank) + ": " + what);
}

void Wiring::disconnect(bool is_right) {
  if (!job_.is_peer()) {
    for (std::size_t partner = 0; partner < partners(); ++partner) ring(partner, kLeave);
    complete_all();
  }
  const std::byte verdict{static_cast<unsigned char>(is_right ? 1 : 0)};
  const auto verdicts = job_.bootstrap().all_gather(std::span(&verdict, 1), Deadline::after(kTimeout), [this] {
    if (takes_part_) poll();
  });
  for (const auto& partner : partners_) (void)partner->endpoint.close(Deadline::after(kConnectTimeout));
  if (job_.is_peer()) return;
  for (std::size_t rank = 0; rank < verdicts.size(); ++rank) {
    if (verdicts[rank].size() == 1 && verdicts[rank][0] == std::byte{1}) continue;
    throw RunError(ExitStatus::internal, "rank " + std::to_string(rank) +
                                             " found other bytes than were sent over path " +
                                             std::string(to_string(order_.path)) + "; this is a bug, or broken memory");
  }
}

std::string Wiring::description() const {
  std::string text = "path=" + std::string(to_string(order_.path)) + " transports=";
  const auto transports = partners_.front()->endpoint.transports();
  for (const std::string& transport : transports) text += (&transport == &transports[0] ? "" : ",") + transport;
  return text;
}

}  // namespace runnel
