#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace muybridge {

// Insertions, deletions, replacements and swaps of neighbours that lead from a to b.
int edit_distance(std::string_view a, std::string_view b);

// The candidate a writer of `word` most likely meant: the fewest edits, or the one whose initials
// it is ("lr" for "learning_rate"). Empty where none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace muybridge
