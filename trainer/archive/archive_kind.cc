// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/archive/archive_kind.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace runnel {
namespace {

/// A member that only archives of one kind have; the first that fits counts, as several kinds have a data.pkl.
struct Sign {
  std::string_view end_of_name;
  ArchiveKind kind;
};

constexpr std::array kSigns = {Sign{"models/model.json", ArchiveKind::torch_export},
                               Sign{"serialized_exported_program.json", ArchiveKind::old_torch_export},
                               Sign{"constants.pkl", ArchiveKind::torch_script},
                               Sign{"data.pkl", ArchiveKind::torch_save}, Sign{".npy", ArchiveKind::numpy}};

}  // namespace

ArchiveKind kind_of(const ZipArchive& archive) {
  for (const Sign& sign : kSigns) {
    const auto has_end = [&](const ZipMember& member) { return member.name.ends_with(sign.end_of_name); };
    if (std::ranges::any_of(archive.members(), has_end)) return sign.kind;
  }
  return ArchiveKind::other;
}

std::string describe(ArchiveKind kind) {
  const std::string exporter = "export the model with trainer/examples/export_model.py";
  switch (kind) {
    case ArchiveKind::torch_export:
      return "an archive of torch.export; choose model.name = \"export\"";
    case ArchiveKind::old_torch_export:
      return "an archive of an older torch.export.save, with pickled weights; " + exporter;
    case ArchiveKind::torch_script:
      return "a TorchScript archive; choose model.name = \"torchscript\"";
    case ArchiveKind::torch_save:
      return "a pickled file of torch.save, which has weights without a model; " + exporter;
    case ArchiveKind::numpy:
      return "an archive of NumPy arrays";
    case ArchiveKind::other:
      break;
  }
  return "another ZIP archive";
}

}  // namespace runnel
