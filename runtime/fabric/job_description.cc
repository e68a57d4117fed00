// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/fabric/job_description.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "runtime/bootstrap/frame.h"

namespace runnel {
namespace {

/// How long a step, what a trainer does before it, or the start of all processes may take. A lost process is found
/// within seconds all the same.
constexpr const char* kTimeout = "run.timeout_s=1800";

std::vector<std::byte> pack(const JobDescription& description) {
  FrameWriter writer;
  writer.u32(static_cast<std::uint32_t>(description.tensors.size()));
  for (const BucketLayout::Tensor& tensor : description.tensors) {
    writer.text(tensor.name);
    writer.u8(static_cast<std::uint8_t>(tensor.rule));
    writer.u32(static_cast<std::uint32_t>(tensor.shape.size()));
    for (const std::int64_t size : tensor.shape) {
      writer.u32(static_cast<std::uint32_t>(size));
      writer.u32(static_cast<std::uint32_t>(size >> 32));
    }
  }
  writer.u32(static_cast<std::uint32_t>(description.settings.size()));
  for (const std::string& setting : description.settings) writer.text(setting);
  return writer.seal(FrameKind::job);
}

BucketLayout::Tensor unpack_tensor(FrameReader& reader, const std::string& sender) {
  BucketLayout::Tensor tensor;
  tensor.name = reader.text();
  const std::uint8_t rule = reader.u8();
  if (rule > static_cast<std::uint8_t>(TensorRule::average)) {
    throw FrameError("bad description from " + sender + ": tensor " + tensor.name + " has the rule " +
                     std::to_string(rule) + "; start the same build on every host");
  }
  tensor.rule = static_cast<TensorRule>(rule);
  for (std::uint32_t left = reader.u32(); left > 0; --left) {
    const std::uint64_t low = reader.u32();
    tensor.shape.push_back(static_cast<std::int64_t>(low | (std::uint64_t{reader.u32()} << 32)));
  }
  return tensor;
}

JobDescription unpack(std::span<const std::byte> frame, int rank) {
  const std::string sender = "rank " + std::to_string(rank);
  FrameReader reader(frame, FrameKind::job, sender);
  JobDescription description;
  for (std::uint32_t left = reader.u32(); left > 0; --left) {
    description.tensors.push_back(unpack_tensor(reader, sender));
  }
  for (std::uint32_t left = reader.u32(); left > 0; --left) description.settings.push_back(reader.text());
  reader.finish();
  return description;
}

}  // namespace

JobDescription share_description(Bootstrap& bootstrap, const JobDescription* mine, int generators,
                                 const Deadline& deadline, const Meanwhile& meanwhile) {
  const bool first = bootstrap.rank() == generators;
  const auto frames = bootstrap.all_gather(first ? pack(*mine) : std::vector<std::byte>(), deadline, meanwhile);
  return unpack(frames.at(static_cast<std::size_t>(generators)), generators);
}

Config config_of(const JobDescription& description, int ranks, int generators) {
  std::vector<std::string> sets = {kTimeout, "generator.count=" + std::to_string(generators)};
  sets.insert(sets.end(), description.settings.begin(), description.settings.end());
  Config config = parse_config("", "runnel", {.sets = sets, .default_data_dir = {}, .ranks = ranks});
  config.trainer.batch_size = std::numeric_limits<std::int64_t>::max();
  return config;
}

}  // namespace runnel
