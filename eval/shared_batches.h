#pragma once

#include <functional>
#include <vector>

#include "data/loader/batch_builder.h"
#include "parallel/group.h"

namespace muybridge {

// The batches that the first rank of the group reads, on all of them: each clip is read once
// however many ranks share a model. Collective; what fails on the one that reads throws on all.
std::vector<Batch> share_batches(Group& replica, const std::function<std::vector<Batch>()>& read);

}  // namespace muybridge
