#pragma once

#include <string>
#include <vector>

#include "core/parameters.h"
#include "parallel/group.h"

// The whole parameters of a model, whoever holds what of them.
namespace muybridge {

struct ManifestParameter {
  std::string name;
  Shape shape;  // of the whole parameter
};
using Catalogue = std::vector<ManifestParameter>;

Catalogue catalogue_of(const Parameters& parameters);  // of those that are not frozen

// What all ranks know together: a pipeline's stages have a part of the model each. In the order of
// ranks, the same on all. Throws Error(kInternal) that names two ranks for which one parameter has
// two shapes. Collective.
Catalogue merged(const Catalogue& mine, Group& group);

// Throws Error(kUsage) that names every tensor the model lacks, has besides, or has in another
// shape, with both shapes and the nearest names.
void require_fit(const Catalogue& catalogue, const Catalogue& model, const std::string& where);

}  // namespace muybridge
