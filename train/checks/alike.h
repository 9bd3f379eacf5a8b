#pragma once

#include <string>
#include <vector>

#include "parallel/group.h"
#include "train/config.h"

namespace muybridge {

// Something that all ranks of a run must have alike: "train.seed" and its value.
struct Fact {
  std::string name;
  std::string value;
};

// Of texts that each rank has read for itself: "the hash of the prompts", and what it is.
Fact hash_of(const std::string& what, const std::vector<std::string>& texts);

// Throws Error(kUsage) on all ranks unless each has the facts of rank 0; names the first rank that
// does not, with what both have. Collective.
void require_alike(Group& group, const std::vector<Fact>& facts);

// Of the program and of its configuration, but for what is a rank's own business (its threads).
std::vector<Fact> facts_of(const TrainConfig& config);

}  // namespace muybridge
