#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parallel/group.h"

namespace muybridge {

// The ways in which ranks divide work.
enum class Axis : std::uint8_t { kTensor, kContext, kData, kPipeline };
// From neighbours outwards: ranks that differ only in the first axis are next to each other, so
// that they share a machine.
using AxisOrder = std::array<Axis, 4>;
constexpr AxisOrder kAxes{Axis::kTensor, Axis::kContext, Axis::kData, Axis::kPipeline};

std::string to_string(const AxisOrder& order);  // "tensor-context-data-pipeline"
// Nothing unless the text names each axis once.
std::optional<AxisOrder> axis_order_from(std::string_view text);

struct MeshSizes {
  int data = 1;  // 0: as many as the ranks allow
  int tensor = 1;
  int context = 1;
  int pipeline = 1;
  int ring = 1;  // how many context ranks form a ring; the others share heads with it
  AxisOrder order = kAxes;

  // Context ranks that share heads.
  int sharing() const { return context / ring; }
  int along(Axis axis) const;
  int ranks() const { return data * tensor * context * pipeline; }
  bool operator==(const MeshSizes&) const = default;
};

struct Coordinate {
  int data = 0;
  int tensor = 0;
  int context = 0;
  int pipeline = 0;

  int along(Axis axis) const;
  bool operator==(const Coordinate&) const = default;
};

std::string to_string(const MeshSizes& sizes);  // "data 2 x tensor 4 x context 1 x pipeline 2"

// `sizes` with data filled in where it is 0. Throws Error(kUsage) unless their product is `ranks`
// and the ring divides the context ranks.
MeshSizes resolve(MeshSizes sizes, int ranks);

Coordinate coordinate_of(int rank, const MeshSizes& sizes);
int rank_of(const Coordinate& coordinate, const MeshSizes& sizes);
// The ranks that differ from `rank` only along these axes, itself included, ascending.
std::vector<int> ranks_along(const std::vector<Axis>& axes, int rank, const MeshSizes& sizes);

// Over which ranks a parameter has copies, beside those of data and context.
enum Copies : int { kReplicas = 0, kOverTensor = 1, kOverPipeline = 2 };

// The ranks of a job laid out on these axes, and a group for each way to walk from this rank.
class Mesh {
 public:
  // Collective. `sizes` as given to `resolve`.
  Mesh(const MeshSizes& sizes, std::shared_ptr<Group> world);
  // All of them along data.
  explicit Mesh(std::shared_ptr<Group> world) : Mesh(MeshSizes{.data = 0}, std::move(world)) {}

  // What operations on tensors of `device` need, in all groups: collective, after the device was
  // taken and before the first of them.
  void prepare(Device device) const;

  const MeshSizes& sizes() const { return sizes_; }
  const Coordinate& coordinate() const { return coordinate_; }

  const std::shared_ptr<Group>& world() const { return world_; }
  const std::shared_ptr<Group>& data() const { return data_; }
  const std::shared_ptr<Group>& tensor() const { return tensor_; }
  const std::shared_ptr<Group>& context() const { return context_; }
  const std::shared_ptr<Group>& pipeline() const { return pipeline_; }
  // Context ranks in two levels: neighbours that share heads, and of each the ones in its place.
  const std::shared_ptr<Group>& heads() const { return heads_; }
  const std::shared_ptr<Group>& ring() const { return ring_; }
  // Tensor and context: the ranks that have the tokens of one batch between them, in the order of
  // the tokens. Groups of several axes have their ranks in the order of kAxes, wherever those are.
  const std::shared_ptr<Group>& tokens() const { return tokens_; }
  // Tensor, context and pipeline: the ranks of one replica of the model.
  const std::shared_ptr<Group>& replica() const { return replica_; }
  // The ranks that hold copies of the same parameters, by the number of Parameters::place, a sum of
  // Copies. All are over data and context ranks.
  const std::vector<std::shared_ptr<Group>>& copies() const { return copies_; }

 private:
  std::shared_ptr<Group> along(const std::vector<Axis>& axes, const std::string& name) const;

  std::shared_ptr<Group> world_;
  MeshSizes sizes_;
  Coordinate coordinate_;
  std::shared_ptr<Group> data_, tensor_, context_, pipeline_, tokens_, replica_, heads_, ring_;
  std::vector<std::shared_ptr<Group>> copies_;
};

}  // namespace muybridge
