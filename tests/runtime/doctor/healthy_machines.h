// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "runtime/doctor/diagnosis.h"
#include "runtime/doctor/machine_findings.h"

/// Facts of machines that nothing is wrong with, for tests to spoil, and what they then expect.
namespace runnel::test {

constexpr std::uint32_t address(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

/// A laptop: two cores, no RDMA, no GPU.
inline MachineFacts laptop(const std::string& name, std::uint32_t number) {
  MachineFacts facts;
  facts.host = {.name = name,
                .identity = name + "/boot",
                .interfaces = {{"lo", address(127, 0, 0, 1), 8, true},
                               {"eth0", address(10, 0, 0, number), 24, false},
                               {"fast0", address(10, 0, 1, number), 24, false}}};
  facts.runnel_version = "0.1.0";
  facts.runnel_commit = "0123456789ab";
  facts.mpi_components = {{"pml", "ob1"}, {"osc", "^ucx"}, {"btl", "self,vader,tcp"}};
  facts.ucx_version = "1.22.0";
  facts.ucx_libraries = {"/lib/libucp.so.0"};
  facts.ucx_components = {{"self", true}, {"tcp", true}, {"sysv", true}, {"posix", true}, {"cma", true}};
  facts.name_addresses = {dotted(address(10, 0, 0, number))};
  facts.shared_memory_folder = "/dev/shm";
  facts.shared_memory_bytes = 4'000'000'000;
  facts.shared_memory_free_bytes = 3'000'000'000;
  facts.mpi_shared_memory_free_bytes = 3'000'000'000;
  facts.memlock_bytes = 8 << 20;
  facts.open_files = 1024;
  facts.ptrace_scope = 1;
  facts.cores = 2;
  return facts;
}

inline PairMeasurement mapped() {
  PairMeasurement pair;
  pair.path = {
      .path = Path::mapped, .transports = {"posix/memory", "cma/memory"}, .reason = "the peer's slab is mapped"};
  pair.put_us = pair.get_us = pair.copy_us = 90;
  return pair;
}

inline PairMeasurement emulated() {
  PairMeasurement pair;
  pair.path = {.path = Path::emulated, .transports = {"tcp/lo"}, .reason = "a put did not complete"};
  pair.put_us = 455;
  pair.get_us = 600;
  pair.copy_us = 90;
  return pair;
}

inline JobFacts job_of(int trainers) {
  JobFacts job;
  job.trainers = trainers;
  job.payload_bytes = 4'799'528;
  job.generator_shared_memory_bytes = 30'000'000;
  job.trainer_shared_memory_bytes = 2'000'000;
  return job;
}

/// Generator and two trainers on one laptop.
inline Diagnosis one_host() {
  const MachineFacts facts = laptop("one", 1);
  return {.job = job_of(2), .ranks = {facts, facts, facts}, .pairs = {mapped(), mapped()}, .not_probed_because = {}};
}

/// Generator and a trainer, each on a host of its own.
inline Diagnosis two_hosts() {
  return {
      .job = job_of(1), .ranks = {laptop("one", 1), laptop("two", 2)}, .pairs = {emulated()}, .not_probed_because = {}};
}

inline void each_rank(Diagnosis& diagnosis, const std::function<void(MachineFacts&)>& spoil) {
  for (MachineFacts& facts : diagnosis.ranks) spoil(facts);
}

/// A finding with these texts: `what` and `remedy` in part.
inline auto finding(const std::string& where, const std::string& what, const std::string& remedy) {
  using testing::Field;
  using testing::HasSubstr;
  return testing::AllOf(Field(&Finding::where, where), Field(&Finding::what, HasSubstr(what)),
                        Field(&Finding::remedy, HasSubstr(remedy)), Field(&Finding::cost, testing::Not("")));
}

/// Expects that `diagnosis` has the finding `expected` alone, and none any more when every rank's UCX has `component`.
template <class Expected>
void expect_cured_by(const std::string& component, Diagnosis diagnosis, const Expected& expected) {
  EXPECT_THAT(find_problems(diagnosis), testing::ElementsAre(expected));
  each_rank(diagnosis, [&](MachineFacts& facts) { facts.ucx_components.push_back({component, true}); });
  EXPECT_THAT(find_problems(diagnosis), testing::IsEmpty());
}

}  // namespace runnel::test
