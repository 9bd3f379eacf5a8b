// In the place of parallel/nccl where there is no CUDA toolkit.
#include "core/error.h"
#include "parallel/nccl_groups.h"

namespace muybridge {
namespace {

class NoNccl final : public NcclGroups {
 public:
  void use() override { fail(ExitCode::kUsage, "this program was built without NCCL"); }
  std::shared_ptr<Group> over(std::shared_ptr<Group> host) override { return host; }
};

}  // namespace

std::unique_ptr<NcclGroups> make_nccl_groups(const NcclOptions&) {
  return std::make_unique<NoNccl>();
}
std::string nccl_summary() { return "built without NCCL"; }

}  // namespace muybridge
