// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/trainer/inspect/summary_files.h"

#include <cmath>

#include "runtime/checkpoint/safetensors.h"
#include "runtime/checkpoint/safetensors_writer.h"
#include "tests/trainer/archive/zip_files.h"
#include "tests/trainer/arrays/array_files.h"
#include "tests/trainer/idx_files.h"

namespace runnel::test {
namespace {

namespace fs = std::filesystem;

/// Two images of 8 x 8: a disc, and its negative.
Bytes discs() {
  Bytes pixels;
  for (const int inside : {255, 0}) {
    for (int i = 0; i < 64; ++i) {
      const double distance = std::hypot(i / 8 - 3.5, i % 8 - 3.5);
      pixels.push_back(static_cast<std::uint8_t>(distance < 3 ? inside : 255 - inside));
    }
  }
  return pixels;
}

Bytes npy(const std::string& descr, const std::string& shape, const Bytes& elements) {
  return npy_bytes(npy_dictionary("'" + descr + "'", shape), elements);
}

void write_text(const fs::path& path, const std::string& text) {
  write_bytes(path, text_bytes(text));
}

void write_idx(const fs::path& folder) {
  Bytes file = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 8};
  const Bytes pixels = discs();
  file.insert(file.end(), pixels.begin(), pixels.end());
  write_bytes(folder / "discs-idx3-ubyte.gz", gzip(file));
}

void write_npz(const fs::path& folder) {
  write_bytes(folder / "discs.npz",
              make_zip({{"class.npy", as_text(npy("<i8", "(2,)", number_bytes<std::int64_t>({1, 0})))},
                        {"image.npy", as_text(npy("|u1", "(2, 8, 8)", discs())), /*deflated=*/true}}));
}

void write_npy_folder(const fs::path& folder) {
  write_bytes(folder / "y.npy", npy("<f8", "(3,)", number_bytes<double>({0.5, -1, NAN})));
  write_bytes(folder / "x.npy", npy("<f4", "(3, 2)", number_bytes<float>({1, 2, 3, 4, 0.25, INFINITY})));
}

void write_weights(const fs::path& folder) {
  const Bytes numbers = number_bytes<float>({0.5, -0.5, 0, 1});
  const auto bytes = std::as_bytes(std::span(numbers));
  const std::vector<StoredTensor> tensors = {{"fc.weight", ElementType::float32, {2, 2}, bytes},
                                             {"fc.bias", ElementType::bfloat16, {2}, bytes.subspan(0, 4)}};
  write_safetensors(folder / "net.safetensors", tensors);
}

void write_cifar(const fs::path& folder) {
  Bytes file;
  for (const std::uint8_t label : {7, 2}) {
    file.push_back(label);
    for (int i = 0; i < 3072; ++i) file.push_back(static_cast<std::uint8_t>(i % 1024 / 32 * 8));
  }
  write_bytes(folder / "data_batch_1.bin", file);
}

void copy_fixture(const fs::path& folder, const std::string& name) {
  fs::copy_file(RUNNEL_FIXTURE_FOLDER "/" + name, folder / name);
}

}  // namespace

std::string as_text(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

std::vector<KnownFile> known_files() {
  const auto write_tokens = [](const fs::path& folder) {
    Bytes bytes;
    for (int i = 0; i < 40; ++i) bytes.insert(bytes.end(), {static_cast<std::uint8_t>(i * 6), i % 3 == 0});
    write_bytes(folder / "text.bin", bytes);
  };
  const std::string table =
      "\"\",city,\"rooms, all\",price\n0,Rome,3,120.5\n1,\"Ber\x1b[31mn\",2,80\n2,Oslo,5,310.25\n";
  return {
      {"idx", "discs-idx3-ubyte.gz", write_idx},
      {"npy", "x.npy", write_npy_folder, {.samples = 1}},
      {"npz", "discs.npz", write_npz},
      {"csv", "table.csv", [=](const fs::path& folder) { write_text(folder / "table.csv", table); }, {.samples = 2}},
      {"safetensors", "net.safetensors", write_weights},
      {"pt2", "exported_cnn.pt2", [](const fs::path& folder) { copy_fixture(folder, "exported_cnn.pt2"); }},
      {"torchscript", "scripted_cnn.pt", [](const fs::path& folder) { copy_fixture(folder, "scripted_cnn.pt"); }},
      {"cifar", "data_batch_1.bin", write_cifar, {.samples = 0}},
      {"tokens", "text.bin", write_tokens, {.tokens = ElementType::uint16}},
      {"mnist_folder", "", [](const fs::path& folder) { write_idx_folder(folder, 4, 3); }, {.samples = 0}},
      {"cifar_folder", "", write_cifar, {.samples = 0}},
      {"npy_folder", "", write_npy_folder},
  };
}

}  // namespace runnel::test
