#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace muybridge {

// What a key of the configuration must be when a run goes on after a commit.
enum class ResumeRule : std::uint8_t {
  kWeights,  // as it was: the weights mean something else without it, also under train.init_from
  kCurve,    // as it was: the run would become another one half-way
  kOrigin,   // as it was, or left away: where the run began
  kFree,     // anything
};

struct KeyRule {
  std::string_view key;
  ResumeRule rule;
};

// Every key of TrainConfig once.
std::span<const KeyRule> resume_rules();
// Throws std::invalid_argument for a key that is not among them.
ResumeRule rule_of(const std::string& key);

// The keys by rule, as docs/checkpoints.md lists them.
std::string resume_rules_text();

}  // namespace muybridge
