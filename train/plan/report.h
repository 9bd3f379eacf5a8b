#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "train/plan/search.h"

namespace muybridge {

std::string in_seconds(double seconds);  // "1.62 s", "17.7 ms"

// What was planned, for people: the layout that the configuration says, then the best ones found.
std::string describe_plan(const Estimate& said, const SearchResult& found, const StepModel& model);

// The same for programs. Seconds, bytes, and shares of one.
nlohmann::ordered_json plan_as_json(const Estimate& said, const SearchResult& found,
                                    const StepModel& model);

}  // namespace muybridge
