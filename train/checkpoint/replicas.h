#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/parameters.h"
#include "parallel/mesh.h"

// Ranks that should hold the same weights find out whether they do.
namespace muybridge {

// What a rank holds together with others: parameters of one number of copies.
struct HeldWeights {
  std::string what;  // a hash of their names and slices: equal on ranks that hold the same
  std::vector<std::pair<std::string, std::string>> hashes = {};  // by parameter, of its values
};

// Hashes of what ranks of the mesh hold alike of the rank's parameters: of the master, or where
// that is shared of the values; of those that come and go, or that no other rank holds, nothing.
std::vector<HeldWeights> hash_weights(const Parameters& parameters, const Mesh& mesh);

// Throws Error(kInternal) on all ranks where ranks that hold the same have other values: names the
// first such parameter and the ranks that are not with the most. Collective.
void require_same_weights(const std::vector<HeldWeights>& mine, Group& group);

}  // namespace muybridge
