// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/telemetry/trace_file.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "transport/log.h"

namespace runnel {
namespace {

using Json = nlohmann::ordered_json;

/// Size of one write: bounds the memory for the text, whatever the number of events.
constexpr std::size_t kPieceBytes = 64 << 10;

struct Kind {
  const char* name;
  bool instant = false;
  bool background = false;  ///< overlaps what its main thread does
};

/// By `TraceWhat`.
constexpr std::array<Kind, kTraceWhats> kKinds = {{{"wait"},
                                                   {"forward"},
                                                   {"backward"},
                                                   {.name = "bucket ready", .instant = true},
                                                   {.name = "put", .background = true},
                                                   {.name = "bell", .instant = true},
                                                   {"reduce + optimize"},
                                                   {"publish"},
                                                   {"test"},
                                                   {.name = "fetch", .background = true},
                                                   {.name = "copy", .background = true},
                                                   {.name = "reduce + optimize", .background = true},
                                                   {"data"},
                                                   {.name = "read", .background = true},
                                                   {.name = "checkpoint", .background = true}}};

const Kind& kind_of(const TraceEvent& event) {
  return kKinds[static_cast<std::size_t>(event.label.what)];
}

/// Threads of a process in the file. Viewers expect spans of one thread to nest, so spans that overlap outside of main
/// get a thread each.
class Lanes {
 public:
  static constexpr int kMain = 0;

  /// Of events in the order of their begin.
  int lane_of(const TraceEvent& event) {
    if (!kind_of(event).background) return kMain;
    auto free = std::find_if(ends_.begin(), ends_.end(), [&](std::int64_t end) { return end <= event.begin_ns; });
    if (free == ends_.end()) free = ends_.insert(free, 0);
    *free = event.end_ns;
    return 1 + static_cast<int>(free - ends_.begin());
  }

  int count() const { return 1 + static_cast<int>(ends_.size()); }

 private:
  std::vector<std::int64_t> ends_;  // of the last event in each lane
};

/// Writes the text of the file.
class TraceText {
 public:
  explicit TraceText(const std::filesystem::path& file)
      : file_(file), text_(R"({"displayTimeUnit":"ms","traceEvents":[)") {}

  void metadata(int rank, int thread, const char* name, const Json& arguments) {
    // Host names come from the system and may not be UTF-8: that must not prevent the trace.
    separate();
    text_ += Json({{"name", name}, {"ph", "M"}, {"pid", rank}, {"tid", thread}, {"args", arguments}})
                 .dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  /// `begin_ns`: on the clock of the file.
  void event(int rank, int thread, std::int64_t begin_ns, const TraceEvent& event) {
    const Kind& kind = kind_of(event);
    separate();
    text_.append(R"({"name":")").append(kind.name).append(kind.instant ? R"(","ph":"i","s":"t")" : R"(","ph":"X")");
    number("pid", rank);
    number("tid", thread);
    microseconds("ts", begin_ns);
    if (!kind.instant) microseconds("dur", event.end_ns - event.begin_ns);
    text_.append(R"(,"args":{"step":)").append(std::to_string(event.label.step));
    if (event.label.bucket != TraceLabel::kNoBucket) number("bucket", event.label.bucket);
    if (event.label.peer != TraceLabel::kNoPeer) number("peer", event.label.peer);
    text_ += "}}";
  }

  void finish(const Json& other_data) {
    text_ += "\n],\"otherData\":" + other_data.dump(-1, ' ', false, Json::error_handler_t::replace) + "}\n";
    flush();
    file_.publish();
  }

 private:
  /// Between two elements, where the text so far may be written to the disk.
  void separate() {
    if (text_.size() >= kPieceBytes) flush();
    text_ += std::exchange(first_, false) ? "\n" : ",\n";
  }

  void number(const char* key, std::int64_t value) {
    text_.append(",\"").append(key).append("\":").append(std::to_string(value));
  }

  /// Microseconds, with the nanoseconds after the decimal point.
  void microseconds(const char* key, std::int64_t ns) {
    number(key, ns / 1000);
    const std::string digits = std::to_string(1000 + ns % 1000);
    text_.append(1, '.').append(digits, 1, 3);
  }

  void flush() {
    file_.append(std::as_bytes(std::span(text_)));
    text_.clear();
  }

  AtomicFile file_;
  std::string text_;
  bool first_ = true;
};

std::int64_t earliest_begin(const std::vector<ProcessTrace>& processes) {
  std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
  for (const ProcessTrace& process : processes) {
    const auto& events = process.recorded.events;
    if (!events.empty()) earliest = std::min(earliest, events.front().begin_ns - process.clock_offset_ns);
  }
  return earliest;
}

std::string dropped_text(const ProcessTrace& process) {
  return std::to_string(process.recorded.dropped) + " events after its first " +
         std::to_string(process.recorded.events.size()) + " dropped";
}

void write_process(TraceText& text, const ProcessTrace& process, std::int64_t earliest) {
  text.metadata(process.rank, Lanes::kMain, "process_name", {{"name", process.name}});
  text.metadata(process.rank, Lanes::kMain, "process_sort_index", {{"sort_index", process.rank}});
  if (process.recorded.dropped > 0) {
    text.metadata(process.rank, Lanes::kMain, "process_labels", {{"labels", dropped_text(process)}});
  }
  Lanes lanes;
  for (const TraceEvent& event : process.recorded.events) {
    text.event(process.rank, lanes.lane_of(event), event.begin_ns - process.clock_offset_ns - earliest, event);
  }
  for (int lane = 0; lane < lanes.count(); ++lane) {
    text.metadata(process.rank, lane, "thread_name", {{"name", lane == Lanes::kMain ? "main" : "background"}});
    text.metadata(process.rank, lane, "thread_sort_index", {{"sort_index", lane}});
  }
}

}  // namespace

void write_trace(const std::filesystem::path& file, const std::vector<ProcessTrace>& processes,
                 const std::string& version) {
  const std::int64_t earliest = earliest_begin(processes);
  TraceText text(file);
  Json dropped = Json::object();
  for (const ProcessTrace& process : processes) {
    write_process(text, process, earliest);
    if (process.recorded.dropped == 0) continue;
    dropped[process.name] = process.recorded.dropped;
    log_warning("the trace of " + process.name + " is incomplete: " + dropped_text(process) +
                ", because its memory was full; trace fewer steps (run.max_gradients)");
  }
  text.finish({{"runnel", version}, {"dropped", dropped}});
}

}  // namespace runnel
