#pragma once

#include <span>
#include <string_view>

#include "train/config.h"

namespace muybridge {

// A command that reads a part of a configuration only, and the keys of that part; "model." stands
// for all of a section.
struct KeyReader {
  std::string_view command;
  std::span<const std::string_view> keys;
};

// What these do with a commit, but nothing of how that was trained.
KeyReader keys_of_evaluate();
KeyReader keys_of_sample();  // beside what it has options for

// Throws Error(kUsage) that names every key in which `asked` differs from `kept` and that `reader`
// does not read: asking for it would change nothing.
void refuse_unread_keys(const KeyReader& reader, const TrainConfig& kept, const TrainConfig& asked);

}  // namespace muybridge
