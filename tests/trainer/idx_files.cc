// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/trainer/idx_files.h"

#include <zlib.h>

#include "runtime/base/random.h"

namespace runnel::test {
namespace {

void append_u32(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

}  // namespace

Bytes gzip(const Bytes& bytes) {
  z_stream stream{};
  constexpr int kGzipHeader = 16;
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipHeader + MAX_WBITS, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY);
  Bytes compressed(deflateBound(&stream, bytes.size()));
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = compressed.data();
  stream.avail_out = static_cast<uInt>(compressed.size());
  deflate(&stream, Z_FINISH);
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  return compressed;
}

Bytes idx_images(std::uint32_t samples) {
  Bytes bytes;
  for (const std::uint32_t word : {0x00000803U, samples, 28U, 28U}) {
    append_u32(bytes, word);
  }
  SplitMix64 random(samples);
  for (std::uint32_t pixel = 0; pixel < samples * 28 * 28; ++pixel) {
    bytes.push_back(static_cast<std::uint8_t>(random.next() >> 56));
  }
  return bytes;
}

Bytes idx_labels(std::uint32_t samples) {
  Bytes bytes;
  append_u32(bytes, 0x00000801U);
  append_u32(bytes, samples);
  for (std::uint32_t sample = 0; sample < samples; ++sample) {
    bytes.push_back(static_cast<std::uint8_t>(3 * sample % 10));
  }
  return bytes;
}

void write_idx_folder(const std::filesystem::path& folder, std::uint32_t train_samples, std::uint32_t test_samples) {
  write_bytes(folder / "train-images-idx3-ubyte", idx_images(train_samples));
  write_bytes(folder / "train-labels-idx1-ubyte", idx_labels(train_samples));
  write_bytes(folder / "t10k-images-idx3-ubyte", idx_images(test_samples));
  write_bytes(folder / "t10k-labels-idx1-ubyte", idx_labels(test_samples));
}

}  // namespace runnel::test
