#include "train/records/step_trace.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"
#include "parallel/clock_offset.h"
#include "parallel/together.h"

namespace muybridge {
namespace {

using Json = nlohmann::json;

constexpr int kTravelLane = static_cast<int>(Timeline::Lane::kTravel);

double microseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

const char* name_of_lane(int lane) {
  switch (static_cast<Timeline::Lane>(lane)) {
    case Timeline::Lane::kSteps:
      return "step";
    case Timeline::Lane::kWork:
      return "micro-batches";
    case Timeline::Lane::kWaits:
      return "waits";
    default:
      return "travels";
  }
}

Json metadata(const char* what, int rank, int lane, const std::string& name) {
  return {{"ph", "M"}, {"name", what}, {"pid", rank}, {"tid", lane}, {"args", {{"name", name}}}};
}

// What travels at the same time lies in lanes of its own.
Json events_of(std::vector<Timeline::Span> spans, int rank, std::chrono::nanoseconds ahead) {
  std::ranges::sort(spans, {}, &Timeline::Span::begin);
  std::vector<Timeline::Clock::time_point> lane_free;
  int lanes = kTravelLane;
  Json events = Json::array();
  for (const Timeline::Span& span : spans) {
    int lane = static_cast<int>(span.lane);
    if (span.lane == Timeline::Lane::kTravel) {
      const auto free =
          std::ranges::find_if(lane_free, [&](const auto& since) { return since <= span.begin; });
      lane += static_cast<int>(free - lane_free.begin());
      if (free == lane_free.end())
        lane_free.push_back(span.end);
      else
        *free = span.end;
    }
    lanes = std::max(lanes, lane);
    events.push_back({{"ph", "X"},
                      {"name", span.name},
                      {"cat", name_of_lane(std::min(lane, kTravelLane))},
                      {"pid", rank},
                      {"tid", lane},
                      {"ts", microseconds(span.begin.time_since_epoch() - ahead)},
                      {"dur", microseconds(span.end - span.begin)}});
  }
  for (int lane = 0; lane <= lanes; ++lane)
    events.push_back(metadata("thread_name", rank, lane, name_of_lane(lane)));
  return events;
}

std::string label_of(const Mesh& mesh) {
  const Coordinate& at = mesh.coordinate();
  return fmt::format("rank {}: data {}, tensor {}, context {}, stage {}", mesh.world()->rank(),
                     at.data, at.tensor, at.context, at.pipeline);
}

}  // namespace

void StepTrace::before(std::int64_t step) {
  if (++seen_ != 2 || steps_ == 0) return;
  first_ = step;
  timeline_.start();
}

void StepTrace::after(std::int64_t step) {
  if (!timeline_.on()) return;
  last_ = step;
  if (last_ - first_ + 1 == steps_) write();
}

void StepTrace::finish() {
  if (timeline_.on())
    write();
  else if (steps_ > 0 && seen_ < 2 && mesh_.world()->rank() == 0)
    log_warning("trace.steps: nothing was traced, for a trace begins with the second step");
}

// A picture that cannot be written costs the picture.
void StepTrace::write() {
  try {
    write_file();
  } catch (const std::exception& error) {
    const auto* const known = dynamic_cast<const Error*>(&error);
    if (known != nullptr && known->code() == ExitCode::kRankLost) throw;
    if (mesh_.world()->rank() == 0)
      log_warning("the timeline of steps {} to {} is not written: {}", first_, last_, error.what());
  }
}

void StepTrace::write_file() {
  std::vector<Timeline::Span> spans = timeline_.stop();
  Group& group = *mesh_.world();
  const std::chrono::nanoseconds ahead = clock_ahead(group);
  const std::vector<std::string> all = together(group, [&] {
    Json events = events_of(std::move(spans), group.rank(), ahead);
    events.push_back(metadata("process_name", group.rank(), 0, label_of(mesh_)));
    return events.dump();
  });
  rank_zero(group, [&] {
    const std::filesystem::path file =
        run_.trace() / fmt::format("steps-{:08}-{:08}.json", first_, last_);
    Json whole = {{"displayTimeUnit", "ms"}, {"traceEvents", Json::array()}};
    for (const std::string& text : all)
      for (Json& event : Json::parse(text)) whole["traceEvents"].push_back(std::move(event));
    std::filesystem::create_directories(run_.trace());
    write_file_durably(file, whole.dump());
    log_info("timeline of steps {} to {}: {}", first_, last_, file.string());
    return std::string();
  });
}

}  // namespace muybridge
