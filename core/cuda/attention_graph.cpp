#include "core/cuda/attention_graph.h"

#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "core/cuda/cudnn_graph.h"
#include "core/cuda/determinism.h"
#include "core/cuda/libraries.h"
#include "core/error.h"
#include "core/system/plan_folder.h"

namespace muybridge::cuda {
namespace {

using fe::graph::Graph;
using fe::graph::Tensor_attributes;
using TensorHandle = std::shared_ptr<Tensor_attributes>;

void require(fe::error_t status, const char* step, const AttentionPlanKey& key) {
  if (status.is_good()) return;
  fail(ExitCode::kUsage,
       "cuDNN {}: attention {} of {} heads x {}, clips of up to {} queries and {} keys: {} ({}); "
       "set model.heads so that heads have 64 or 128 columns, or device: cpu",
       dnn_calls().cudnnGetVersion(), key.backward() ? "backward" : "forward", key.heads,
       key.head_width, key.longest_query, key.longest_key, status.get_message(), step);
}

// Adds the graph's inputs and outputs by the names of AttentionTensor.
class Parts {
 public:
  Parts(Graph& graph, const AttentionPlanKey& key) : graph_(graph), key_(key) {}

  TensorHandle lengths(AttentionTensor name) {
    return graph_.tensor(Tensor_attributes()
                             .set_name("lengths")
                             .set_uid(name)
                             .set_dim({key_.batch, 1, 1, 1})
                             .set_stride({1, 1, 1, 1})
                             .set_data_type(fe::DataType_t::INT32));
  }
  TensorHandle input(AttentionTensor name, std::int64_t longest, std::int64_t stride) {
    Tensor_attributes attributes;
    shape_operand(attributes, name, longest, stride);
    return graph_.tensor(attributes);
  }
  void output(const TensorHandle& tensor, AttentionTensor name, std::int64_t longest,
              std::int64_t stride) {
    shape_operand(*tensor, name, longest, stride);
    tensor->set_output(true);
  }
  void shape_stats(Tensor_attributes& stats) {
    stats.set_uid(kStats)
        .set_dim({key_.batch, key_.heads, key_.longest_query, 1})
        .set_stride({key_.longest_query * key_.heads, 1, key_.heads, 1})
        .set_data_type(fe::DataType_t::FLOAT)
        .set_ragged_offset(first_rows(kStats));
  }

 private:
  void shape_operand(Tensor_attributes& attributes, AttentionTensor name, std::int64_t longest,
                     std::int64_t stride) {
    attributes.set_uid(name)
        .set_dim({key_.batch, key_.heads, longest, key_.head_width})
        .set_stride({longest * stride, key_.head_width, stride, 1})
        .set_data_type(fe::DataType_t::BFLOAT16)
        .set_ragged_offset(first_rows(name));
  }
  // dout lies as out does.
  TensorHandle first_rows(AttentionTensor name) {
    const std::int64_t uid = kFirstRow + (name == kDOut ? kOut : name);
    TensorHandle& rows = first_rows_[uid];
    if (!rows)
      rows = graph_.tensor(Tensor_attributes()
                               .set_name("first_rows")
                               .set_uid(uid)
                               .set_dim({key_.batch + 1, 1, 1, 1})
                               .set_stride({1, 1, 1, 1})
                               .set_data_type(fe::DataType_t::INT64));
    return rows;
  }

  Graph& graph_;
  const AttentionPlanKey& key_;
  std::unordered_map<std::int64_t, TensorHandle> first_rows_;
};

float scale_of(const AttentionPlanKey& key) {
  return 1.0F / std::sqrt(static_cast<float>(key.head_width));
}

void add_forward(Graph& graph, const AttentionPlanKey& key) {
  Parts parts(graph, key);
  const auto q = parts.input(kQ, key.longest_query, key.q_stride);
  const auto k = parts.input(kK, key.longest_key, key.k_stride);
  const auto v = parts.input(kV, key.longest_key, key.v_stride);
  const auto options = fe::graph::SDPA_attributes()
                           .set_name("attention")
                           .set_generate_stats(true)
                           .set_attn_scale(scale_of(key))
                           .set_padding_mask(true)
                           .set_seq_len_q(parts.lengths(kQueryLengths))
                           .set_seq_len_kv(parts.lengths(kKeyLengths));
  const auto [out, stats] = graph.sdpa(q, k, v, options);
  parts.output(out, kOut, key.longest_query, key.heads * key.head_width);
  parts.shape_stats(*stats);
  stats->set_output(true);
}

void add_backward(Graph& graph, const AttentionPlanKey& key, bool deterministic) {
  Parts parts(graph, key);
  const std::int64_t width = key.heads * key.head_width;
  const auto q = parts.input(kQ, key.longest_query, key.q_stride);
  const auto k = parts.input(kK, key.longest_key, key.k_stride);
  const auto v = parts.input(kV, key.longest_key, key.v_stride);
  const auto out = parts.input(kOut, key.longest_query, width);
  const auto dout = parts.input(kDOut, key.longest_query, width);
  Tensor_attributes stats_attributes;
  parts.shape_stats(stats_attributes);
  const auto stats = graph.tensor(stats_attributes);
  const auto options = fe::graph::SDPA_backward_attributes()
                           .set_name("attention_backward")
                           .set_attn_scale(scale_of(key))
                           .set_padding_mask(true)
                           .set_seq_len_q(parts.lengths(kQueryLengths))
                           .set_seq_len_kv(parts.lengths(kKeyLengths))
                           .set_max_total_seq_len_q(key.query_rows)
                           .set_max_total_seq_len_kv(key.key_rows)
                           .set_deterministic_algorithm(deterministic);
  const auto [dq, dk, dv] = graph.sdpa_backward(q, k, v, out, dout, stats, options);
  parts.output(dq, kDq, key.longest_query, key.dq_stride);
  parts.output(dk, kDk, key.longest_key, key.dk_stride);
  parts.output(dv, kDv, key.longest_key, key.dv_stride);
}

PlannedGraph planned(const AttentionPlanKey& key, bool deterministic, const PlanTarget& target,
                     const PlanFiles& files) {
  auto graph = empty_graph(fe::DataType_t::BFLOAT16, target);
  if (key.backward())
    add_backward(*graph, key, deterministic);
  else
    add_forward(*graph, key);
  return plan(std::move(graph), {.modes = {fe::HeurMode_t::A}}, target, files);
}

// Whether backward's order of sums is fixed whatever its scores take: from 9.25 on on Hopper, where
// the front end is told what they may take, holds no more, and needs none.
bool adds_in_order_without_scores(const PlanTarget& target) {
  constexpr std::size_t kFirstVersion = 92500;
  constexpr int kHopper = 9;
  if (dnn_calls().cudnnGetVersion() < kFirstVersion || major_version(target) != kHopper)
    return false;
  const char* const text = std::getenv(kScoreLimit);
  const std::string_view limit = text ? text : "";
  return !limit.empty() && limit.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

AttentionGraph::AttentionGraph(const AttentionPlanKey& key, const PlanTarget& target,
                               const PlanFiles& files) {
  const std::int64_t score_bytes = 2 * key.batch * key.heads * key.longest_query * key.longest_key;
  deterministic_ =
      !key.backward() || score_bytes <= kMostScoreBytes || adds_in_order_without_scores(target);
  PlannedGraph made = planned(key, deterministic_, target, files);
  std::string why_not = "its scores would take more than 4 GiB";
  if (key.backward() && made.status.is_bad() && deterministic_) {
    why_not = made.status.get_message();
    deterministic_ = false;
    made = planned(key, deterministic_, target, files);
  }
  require(made.status, made.step, key);
  graph_ = std::move(made.graph);
  from_file_ = made.from_file;
  require(graph_->get_workspace_size(workspace_bytes_), "get_workspace_size", key);
  if (!deterministic_)
    say_not_deterministic(
        LibraryOp::kAttentionBackward,
        fmt::format("{} clips of up to {} queries and {} keys, {} heads x {}", key.batch,
                    key.longest_query, key.longest_key, key.heads, key.head_width),
        why_not);
}

AttentionGraph::~AttentionGraph() = default;

void AttentionGraph::run(cudnnHandle_t handle, AttentionPointers& pointers) const {
  cuda::run(*graph_, handle, pointers, workspace_bytes_, "attention", from_file_);
}

const AttentionGraph& attention_graph(const AttentionPlanKey& key, Context& context) {
  static auto& graphs =  // as the context, never destroyed
      *new std::unordered_map<AttentionPlanKey, std::unique_ptr<AttentionGraph>, PlanKeyHash>;
  std::unique_ptr<AttentionGraph>& graph = graphs[key];
  if (!graph)
    graph = std::make_unique<AttentionGraph>(key, context.dnn(), PlanFiles(plan_folder()));
  return *graph;
}

}  // namespace muybridge::cuda
