// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "transport/path.h"

/// The keys of the configuration that take one of a few words: their types, and the word of each value.
namespace runnel {

enum class BufferRule { average, first, local };
enum class Shuffle { global, share, no };
enum class KernelSet { own, torch };
enum class RuleKind { adadelta, sgd, adam, adamw };
enum class ReduceKind { sum, mean };
enum class ScheduleKind { constant, step, cosine, warmup };
enum class RequiredPath { any, one_sided, mapped, rdma };
enum class NonfiniteAction { stop, warn };

template <class T>
struct Choice {
  std::string_view word;
  T value;
};

/// All values of a choice, in the order in which messages list them.
template <class T>
inline constexpr std::array<Choice<T>, 0> kChoices{};

template <>
inline constexpr std::array kChoices<BufferRule> = {Choice<BufferRule>{"average", BufferRule::average},
                                                    Choice<BufferRule>{"first", BufferRule::first},
                                                    Choice<BufferRule>{"local", BufferRule::local}};
template <>
inline constexpr std::array kChoices<Shuffle> = {Choice<Shuffle>{"global", Shuffle::global},
                                                 Choice<Shuffle>{"share", Shuffle::share},
                                                 Choice<Shuffle>{"no", Shuffle::no}};
template <>
inline constexpr std::array kChoices<KernelSet> = {Choice<KernelSet>{"own", KernelSet::own},
                                                   Choice<KernelSet>{"torch", KernelSet::torch}};
template <>
inline constexpr std::array kChoices<RuleKind> = {
    Choice<RuleKind>{"adadelta", RuleKind::adadelta}, Choice<RuleKind>{"sgd", RuleKind::sgd},
    Choice<RuleKind>{"adam", RuleKind::adam}, Choice<RuleKind>{"adamw", RuleKind::adamw}};
template <>
inline constexpr std::array kChoices<ReduceKind> = {Choice<ReduceKind>{"sum", ReduceKind::sum},
                                                    Choice<ReduceKind>{"mean", ReduceKind::mean}};
template <>
inline constexpr std::array kChoices<ScheduleKind> = {
    Choice<ScheduleKind>{"constant", ScheduleKind::constant}, Choice<ScheduleKind>{"step", ScheduleKind::step},
    Choice<ScheduleKind>{"cosine", ScheduleKind::cosine}, Choice<ScheduleKind>{"warmup", ScheduleKind::warmup}};
template <>
inline constexpr std::array kChoices<std::optional<Path>> = {
    Choice<std::optional<Path>>{"auto", std::nullopt}, Choice<std::optional<Path>>{"mapped", Path::mapped},
    Choice<std::optional<Path>>{"one-sided", Path::one_sided}, Choice<std::optional<Path>>{"emulated", Path::emulated}};
template <>
inline constexpr std::array kChoices<RequiredPath> = {
    Choice<RequiredPath>{"any", RequiredPath::any}, Choice<RequiredPath>{"one-sided", RequiredPath::one_sided},
    Choice<RequiredPath>{"mapped", RequiredPath::mapped}, Choice<RequiredPath>{"rdma", RequiredPath::rdma}};

template <>
inline constexpr std::array kChoices<NonfiniteAction> = {Choice<NonfiniteAction>{"stop", NonfiniteAction::stop},
                                                         Choice<NonfiniteAction>{"warn", NonfiniteAction::warn}};

/// How the configuration spells `value`: "adadelta".
template <class T>
constexpr std::string_view word_of(const T& value) {
  return std::ranges::find(kChoices<T>, value, &Choice<T>::value)->word;
}

/// The worst path that meets the requirement; "rdma" asks for more than a path between hosts.
constexpr Path least_path(RequiredPath required) {
  switch (required) {
    case RequiredPath::any:
      break;
    case RequiredPath::one_sided:
    case RequiredPath::rdma:
      return Path::one_sided;
    case RequiredPath::mapped:
      return Path::mapped;
  }
  return Path::emulated;
}

}  // namespace runnel
