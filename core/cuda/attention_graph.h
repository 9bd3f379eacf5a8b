#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "core/cuda/context.h"
#include "core/cuda/plan_target.h"
#include "core/system/plan_files.h"

namespace cudnn_frontend::graph {
class Graph;
}

namespace muybridge::cuda {

// B clips  A heads  E head width

// What a cuDNN plan is made for. The longest clips and, where cuDNN takes sequences of no length,
// their number are rounded up, so that batches of one token budget share a few plans.
struct AttentionPlanKey {
  std::int64_t batch, heads, head_width;
  std::int64_t longest_query, longest_key;
  std::int64_t query_rows, key_rows;             // of the packed tensors, at least
  std::int64_t q_stride, k_stride, v_stride;     // elements of a row
  std::int64_t dq_stride, dk_stride, dv_stride;  // 0 in a forward plan
  bool operator==(const AttentionPlanKey&) const = default;
  bool backward() const { return dq_stride != 0; }
};

// The tensors of a plan. Those from kFirstRow on hold, for one operand each, the element at which
// every clip begins (i64 [B + 1]); lengths are i32 [B].
enum AttentionTensor : std::int64_t {
  kQ = 1,
  kK,
  kV,
  kOut,
  kStats,  // f32 [rows, A]: log of the sum of exponentials
  kDOut,
  kDq,
  kDk,
  kDv,
  kQueryLengths,
  kKeyLengths,
  kFirstRow = 100,  // + the tensor it belongs to
};
using AttentionPointers = std::unordered_map<std::int64_t, void*>;

// cuDNN's deterministic backward holds all scores, B A S S of them in bf16, but from 9.25 on on
// Hopper; above this size the other algorithm is taken, whose dq depends on the order of blocks.
inline constexpr std::int64_t kMostScoreBytes = std::int64_t{4} << 30;

// A compiled graph of scaled dot-product attention over packed clips, bf16 with f32 sums.
class AttentionGraph {
 public:
  // From `files` where they have it, else compiled and kept there. Throws Error(kUsage) with
  // cuDNN's reason where it has no such kernel.
  AttentionGraph(const AttentionPlanKey& key, const PlanTarget& target,
                 const PlanFiles& files = {});
  ~AttentionGraph();
  AttentionGraph(const AttentionGraph&) = delete;
  AttentionGraph& operator=(const AttentionGraph&) = delete;

  std::int64_t workspace_bytes() const { return workspace_bytes_; }
  bool deterministic() const { return deterministic_; }
  bool from_file() const { return from_file_; }

  void run(cudnnHandle_t handle, AttentionPointers& pointers) const;

 private:
  std::unique_ptr<cudnn_frontend::graph::Graph> graph_;
  std::int64_t workspace_bytes_ = 0;
  bool deterministic_ = true;
  bool from_file_ = false;
};

// Made on first use and kept, also in plan_folder(); for the holder of the context's mutex.
const AttentionGraph& attention_graph(const AttentionPlanKey& key, Context& context);

}  // namespace muybridge::cuda
