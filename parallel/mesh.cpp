#include "parallel/mesh.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "core/error.h"

namespace muybridge {
namespace {

int& along(Coordinate& coordinate, Axis axis) {
  switch (axis) {
    case Axis::kTensor:
      return coordinate.tensor;
    case Axis::kContext:
      return coordinate.context;
    case Axis::kData:
      return coordinate.data;
    case Axis::kPipeline:
      return coordinate.pipeline;
  }
  throw std::logic_error("mesh: no such axis");
}

constexpr std::array<std::string_view, 4> kAxisNames{"tensor", "context", "data", "pipeline"};

// Of sizes that anybody may have typed: what is far more than any job has stays so.
std::int64_t product(std::initializer_list<int> sizes) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  std::int64_t result = 1;
  for (const int size : sizes) result = std::min(result * size, kMost);
  return result;
}

// ", or set parallel.pipeline to 2": the first of these axes that alone can be made to fit.
std::string smaller_model(const MeshSizes& sizes, int ranks) {
  const std::int64_t model = product({sizes.tensor, sizes.context, sizes.pipeline});
  for (const auto& [name, size] : {std::pair{"pipeline", sizes.pipeline},
                                   {"context", sizes.context},
                                   {"tensor", sizes.tensor}}) {
    if (name == std::string_view("context") && sizes.ring > 1) continue;
    const std::int64_t others = model / size;
    for (int smaller = std::min(size - 1, ranks); smaller > 0; --smaller)
      if (ranks % (others * smaller) == 0)
        return fmt::format(", or set parallel.{} to {}", name, smaller);
  }
  return "";
}

}  // namespace

std::string to_string(const AxisOrder& order) {
  std::string text;
  for (const Axis axis : order)
    text +=
        fmt::format("{}{}", text.empty() ? "" : "-", kAxisNames[static_cast<std::size_t>(axis)]);
  return text;
}

std::optional<AxisOrder> axis_order_from(std::string_view text) {
  AxisOrder order = kAxes;
  do {
    if (to_string(order) == text) return order;
  } while (std::ranges::next_permutation(order).found);
  return std::nullopt;
}

int MeshSizes::along(Axis axis) const {
  Coordinate sizes{data, tensor, context, pipeline};
  return muybridge::along(sizes, axis);
}

int Coordinate::along(Axis axis) const {
  Coordinate copy = *this;
  return muybridge::along(copy, axis);
}

std::string to_string(const MeshSizes& sizes) {
  return fmt::format("data {} x tensor {} x context {} x pipeline {}", sizes.data, sizes.tensor,
                     sizes.context, sizes.pipeline);
}

MeshSizes resolve(MeshSizes sizes, int ranks) {
  if (sizes.data < 0 || sizes.tensor < 1 || sizes.context < 1 || sizes.pipeline < 1)
    fail(ExitCode::kUsage, "parallel: {}: sizes must be at least 1 (data may be 0: what is left)",
         to_string(sizes));
  if (sizes.ring < 1 || sizes.context % sizes.ring != 0)
    fail(ExitCode::kUsage,
         "parallel.context = {} ranks cannot be rings of parallel.ring = {}; {} could",
         sizes.context, sizes.ring, std::gcd(sizes.context, std::max(1, sizes.ring)));
  const std::int64_t model = product({sizes.tensor, sizes.context, sizes.pipeline});
  if (sizes.data == 0) sizes.data = static_cast<int>(std::max<std::int64_t>(1, ranks / model));
  const std::int64_t needed = product({sizes.data, sizes.tensor, sizes.context, sizes.pipeline});
  if (needed != ranks)
    fail(ExitCode::kUsage, "parallel: {} needs {} ranks, the job has {}; start that many, or {}",
         to_string(sizes), needed, ranks,
         ranks % model == 0
             ? fmt::format("set parallel.data to {}, or to 0 for what is left", ranks / model)
             : fmt::format("any multiple of {} with parallel.data=0{}", model,
                           smaller_model(sizes, ranks)));
  return sizes;
}

Coordinate coordinate_of(int rank, const MeshSizes& sizes) {
  Coordinate coordinate;
  for (const Axis axis : sizes.order) {
    along(coordinate, axis) = rank % sizes.along(axis);
    rank /= sizes.along(axis);
  }
  return coordinate;
}

int rank_of(const Coordinate& coordinate, const MeshSizes& sizes) {
  int rank = 0;
  int stride = 1;
  for (const Axis axis : sizes.order) {
    rank += coordinate.along(axis) * stride;
    stride *= sizes.along(axis);
  }
  return rank;
}

std::vector<int> ranks_along(const std::vector<Axis>& axes, int rank, const MeshSizes& sizes) {
  const auto base = [&](int of) {
    Coordinate coordinate = coordinate_of(of, sizes);
    for (const Axis axis : axes) along(coordinate, axis) = 0;
    return coordinate;
  };
  std::vector<int> ranks;
  for (int other = 0; other < sizes.ranks(); ++other)
    if (base(other) == base(rank)) ranks.push_back(other);
  return ranks;
}

Mesh::Mesh(const MeshSizes& sizes, std::shared_ptr<Group> world)
    : world_(std::move(world)),
      sizes_(resolve(sizes, world_->size())),
      coordinate_(coordinate_of(world_->rank(), sizes_)),
      data_(along({Axis::kData}, "data")),
      tensor_(along({Axis::kTensor}, "tensor")),
      context_(along({Axis::kContext}, "context")),
      pipeline_(along({Axis::kPipeline}, "pipeline")),
      tokens_(along({Axis::kTensor, Axis::kContext}, "tokens")),
      replica_(along({Axis::kTensor, Axis::kContext, Axis::kPipeline}, "replica")) {
  // Groups are few (docs/parallelism.md): no new ones where these are there.
  const int ring = sizes_.ring, sharing = sizes_.sharing(), place = context_->rank() % sharing;
  heads_ = ring == 1 ? context_ : solo_group("heads");
  ring_ = ring == 1 ? solo_group("ring") : context_;
  if (ring > 1 && sharing > 1) {
    heads_ = context_->split(context_->rank() / sharing, place, "heads");
    ring_ = context_->split(place, context_->rank() / sharing, "ring");
  }
  for (int number = 0; number <= (kOverTensor | kOverPipeline); ++number) {
    std::vector<Axis> axes = {Axis::kData, Axis::kContext};
    if (number & kOverTensor) axes.push_back(Axis::kTensor);
    if (number & kOverPipeline) axes.push_back(Axis::kPipeline);
    copies_.push_back(along(axes, fmt::format("copies {}", number)));
  }
}

void Mesh::prepare(Device device) const {
  for (const auto* group :
       {&data_, &tensor_, &context_, &pipeline_, &tokens_, &replica_, &heads_, &ring_})
    (*group)->prepare(device);
  for (const std::shared_ptr<Group>& group : copies_) group->prepare(device);
  for (const auto* group : {&pipeline_, &ring_}) (*group)->expect_messages(device);
}

std::shared_ptr<Group> Mesh::along(const std::vector<Axis>& axes, const std::string& name) const {
  const std::vector<int> ranks = ranks_along(axes, world_->rank(), sizes_);
  MeshSizes usual = sizes_;
  usual.order = kAxes;
  return world_->split(/*color=*/ranks.front(), /*key=*/rank_of(coordinate_, usual), name);
}

}  // namespace muybridge
