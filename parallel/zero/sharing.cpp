#include "parallel/zero/sharing.h"

namespace muybridge {

SharingPlan sharing_plan(const Mesh& mesh, Sharing what) {
  return {.what = what, .share = [copies = mesh.copies()](int number) {
            const Group& group = *copies[static_cast<std::size_t>(number)];
            return SharingPlan::Share{.part = group.rank(), .parts = group.size()};
          }};
}

void spread_values(const Parameters& parameters, const Mesh& mesh) {
  std::vector<Work> works;
  for (const ParameterRange& range : parameters.ranges())
    if (range.is_shared() && range.values.defined())
      works.push_back(mesh.copies()[static_cast<std::size_t>(range.copies)]->all_gather(
          range.kept_values, range.values));
  for (const Work& work : works) work.wait();
}

}  // namespace muybridge
