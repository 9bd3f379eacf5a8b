#pragma once

#include <string>
#include <vector>

#include "parallel/group.h"

namespace muybridge {

// Small things that all ranks of a group agree on. Each is a collective and blocks.
double all_reduce_value(Group& group, double value, Reduce how);
std::string broadcast_text(Group& group, const std::string& text, int root);
std::vector<std::string> all_gather_text(Group& group, const std::string& text);  // by rank
// The texts by rank on rank `root`, none on the others: for reports, which one rank writes.
std::vector<std::string> gather_text(Group& group, const std::string& text, int root = 0);

}  // namespace muybridge
