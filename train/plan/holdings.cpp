#include "train/plan/holdings.h"

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>

#include "core/ops/update/muon.h"
#include "model/dit_parallel.h"
#include "parallel/mesh.h"

namespace muybridge {
namespace {

// A rank of a job that is not there: it knows its place, and nobody to talk to.
class AbsentRank final : public Group {
 public:
  AbsentRank(const std::string& name, int rank, int size, const MeshSizes& sizes)
      : Group(name, rank, size), sizes_(sizes) {}

 protected:
  Work do_all_reduce(const Tensor&, Reduce) override { nobody(); }
  Work do_broadcast(const Tensor&, int) override { nobody(); }
  Work do_all_gather(const Tensor&, const Tensor&) override { nobody(); }
  Work do_reduce_scatter(const Tensor&, const Tensor&, Reduce) override { nobody(); }
  Work do_all_to_all(const Tensor&, const Tensor&) override { nobody(); }
  Messages do_exchange(const std::vector<Parcel>&, const std::vector<Parcel>&) override {
    nobody();
  }
  Work do_barrier() override { nobody(); }
  // Those of Mesh, by their names; which ranks hold copies together is not asked here.
  std::shared_ptr<Group> do_split(int, int, const std::string& name) override {
    const Coordinate at = coordinate_of(rank(), sizes_);
    const auto along = [&](int place, int size) {
      return std::make_shared<AbsentRank>(name, place, size, sizes_);
    };
    if (name == "tensor") return along(at.tensor, sizes_.tensor);
    if (name == "pipeline") return along(at.pipeline, sizes_.pipeline);
    constexpr std::array kOthers = {"data", "context", "heads", "ring", "tokens", "replica"};
    const bool known =
        name.starts_with("copies ") || std::ranges::find(kOthers, name) != kOthers.end();
    if (!known) throw std::logic_error("plan: what is group '" + name + "' of a mesh?");
    return along(0, 1);
  }

 private:
  [[noreturn]] static void nobody() { throw std::logic_error("plan: a rank that is not there"); }
  MeshSizes sizes_;
};

double orthogonal_operations(const Shape& shape) {
  const auto rows = static_cast<double>(shape[0]), columns = static_cast<double>(shape[1]);
  const double least = std::min(rows, columns);
  return kMuonIterations * 2 * (2 * rows * columns * least + least * least * least);
}

}  // namespace

std::vector<Holdings> holdings_of(const DitOptions& model, int tensor, const Placement& placement) {
  const MeshSizes sizes{.tensor = tensor, .pipeline = placement.stages};
  std::vector<Holdings> stages;
  for (int stage = 0; stage < placement.stages; ++stage) {
    const int rank = rank_of({.pipeline = stage}, sizes);
    const Mesh mesh(sizes, std::make_shared<AbsentRank>("world", rank, sizes.ranks(), sizes));
    Parameters parameters;
    const Dit dit = make_dit(parameters, model, mesh, placement);
    Holdings held{.flat = parameters.flat_size()};
    std::map<int, std::int64_t> blocks;  // by unit
    for (const Parameter& parameter : parameters.list()) {
      held.by_copies[static_cast<std::size_t>(parameter.copies)] +=
          static_cast<double>(parameter.shape.numel());
      if (parameter.unit >= 0) blocks[parameter.unit] += parameter.shape.numel();
      if (!parameter.spec.hidden) continue;
      held.hidden += static_cast<double>(parameter.shape.numel());
      held.orthogonal_operations += orthogonal_operations(parameter.spec.shape);
    }
    held.blocks = static_cast<int>(blocks.size());
    held.beside_blocks = held.flat;
    for (const auto& [unit, elements] : blocks) {
      held.largest_block = std::max(held.largest_block, elements);
      held.beside_blocks -= elements;
    }
    stages.push_back(held);
  }
  return stages;
}

}  // namespace muybridge
