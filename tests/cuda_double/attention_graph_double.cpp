// In the place of cuDNN: attention over packed clips by the formulas, in f32 (arXiv:2205.14135).
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "core/cuda/attention_graph.h"
#include "core/dtype.h"
#include "tests/cuda_double/device_memory.h"

namespace cudnn_frontend::graph {
class Graph {
 public:
  explicit Graph(const muybridge::cuda::AttentionPlanKey& wanted) : key(wanted) {}
  muybridge::cuda::AttentionPlanKey key;
};
}  // namespace cudnn_frontend::graph

// Q queries  S keys  of one clip; A heads  E head width
namespace muybridge::cuda {
namespace {

// The rows of a head of a clip in an operand.
struct Rows {
  bf16* data;
  std::int64_t stride;
  float at(std::int64_t row, std::int64_t column) const {
    return static_cast<float>(data[row * stride + column]);
  }
  void set(std::int64_t row, std::int64_t column, float number) const {
    data[row * stride + column] = bf16(number);
  }
};

class Clip {
 public:
  Clip(const AttentionPlanKey& key, const AttentionPointers& pointers, std::int64_t clip,
       std::int64_t head)
      : key_(key), pointers_(pointers), clip_(clip), head_(head) {
    queries_ = number<std::int32_t>(kQueryLengths, clip);
    keys_ = number<std::int32_t>(kKeyLengths, clip);
    if (CUDNN_VERSION < 92500 && (queries_ == 0 || keys_ == 0))
      throw std::logic_error("a sequence of no length, which cuDNN 9.25 is the first to take");
    if (queries_ > key.longest_query || keys_ > key.longest_key)
      throw std::logic_error("a clip is longer than its plan was made for");
    if (key.backward() && (first(kQ) + queries_ * key.q_stride > key.query_rows * key.q_stride ||
                           first(kK) + keys_ * key.k_stride > key.key_rows * key.k_stride))
      throw std::logic_error("clips hold more rows than their plan was made for");
  }

  void forward() const {
    if (queries_ == 0 || keys_ == 0) return;
    const Rows q = rows(kQ, key_.q_stride), k = rows(kK, key_.k_stride),
               v = rows(kV, key_.v_stride), out = rows(kOut, width());
    for (std::int64_t i = 0; i < queries_; ++i) {
      std::vector<float> scores = scores_of(q, k, i);
      const float largest = *std::ranges::max_element(scores);
      float sum = 0;
      for (float& score : scores) sum += score = std::exp(score - largest);
      *statistic(i) = largest + std::log(sum);
      for (std::int64_t e = 0; e < key_.head_width; ++e) {
        float total = 0;
        for (std::int64_t j = 0; j < keys_; ++j)
          total += scores[static_cast<std::size_t>(j)] * v.at(j, e);
        out.set(i, e, total / sum);
      }
    }
  }

  // Of clips without queries it leaves the gradients as they are, as cuDNN does.
  void backward() const {
    if (queries_ == 0 || keys_ == 0) return;
    const std::int64_t wide = key_.head_width;
    const Rows q = rows(kQ, key_.q_stride), k = rows(kK, key_.k_stride),
               v = rows(kV, key_.v_stride), out = rows(kOut, width()), dout = rows(kDOut, width());
    std::vector<float> dk(static_cast<std::size_t>(keys_ * wide)), dv(dk.size());
    const Rows dq = rows(kDq, key_.dq_stride);
    for (std::int64_t i = 0; i < queries_; ++i) {
      const std::vector<float> scores = scores_of(q, k, i);
      float mean = 0;
      for (std::int64_t e = 0; e < wide; ++e) mean += dout.at(i, e) * out.at(i, e);
      std::vector<float> dq_row(static_cast<std::size_t>(wide));
      for (std::int64_t j = 0; j < keys_; ++j) {
        const float weight = std::exp(scores[static_cast<std::size_t>(j)] - *statistic(i));
        float dweight = 0;
        for (std::int64_t e = 0; e < wide; ++e) dweight += dout.at(i, e) * v.at(j, e);
        const float dscore = weight * (dweight - mean) * scale();
        for (std::int64_t e = 0; e < wide; ++e) {
          const auto place = static_cast<std::size_t>(j * wide + e);
          dv[place] += weight * dout.at(i, e);
          dk[place] += dscore * q.at(i, e);
          dq_row[static_cast<std::size_t>(e)] += dscore * k.at(j, e);
        }
      }
      for (std::int64_t e = 0; e < wide; ++e) dq.set(i, e, dq_row[static_cast<std::size_t>(e)]);
    }
    const Rows dk_rows = rows(kDk, key_.dk_stride), dv_rows = rows(kDv, key_.dv_stride);
    for (std::int64_t j = 0; j < keys_; ++j)
      for (std::int64_t e = 0; e < wide; ++e) {
        dk_rows.set(j, e, dk[static_cast<std::size_t>(j * wide + e)]);
        dv_rows.set(j, e, dv[static_cast<std::size_t>(j * wide + e)]);
      }
  }

 private:
  std::int64_t width() const { return key_.heads * key_.head_width; }
  float scale() const { return 1.0F / std::sqrt(static_cast<float>(key_.head_width)); }

  template <class T>
  T number(std::int64_t name, std::int64_t place) const {
    return static_cast<const T*>(pointers_.at(name))[place];
  }
  std::int64_t first(AttentionTensor name) const {
    return number<std::int64_t>(kFirstRow + (name == kDOut ? kOut : name), clip_);
  }
  Rows rows(AttentionTensor name, std::int64_t stride) const {
    return {static_cast<bf16*>(pointers_.at(name)) + first(name) + head_ * key_.head_width, stride};
  }
  float* statistic(std::int64_t row) const {
    return static_cast<float*>(pointers_.at(kStats)) + first(kStats) + row * key_.heads + head_;
  }

  std::vector<float> scores_of(const Rows& q, const Rows& k, std::int64_t row) const {
    std::vector<float> scores(static_cast<std::size_t>(keys_));
    for (std::int64_t j = 0; j < keys_; ++j) {
      float sum = 0;
      for (std::int64_t e = 0; e < key_.head_width; ++e) sum += q.at(row, e) * k.at(j, e);
      scores[static_cast<std::size_t>(j)] = sum * scale();
    }
    return scores;
  }

  const AttentionPlanKey& key_;
  const AttentionPointers& pointers_;
  std::int64_t clip_, head_, queries_ = 0, keys_ = 0;
};

}  // namespace

AttentionGraph::AttentionGraph(const AttentionPlanKey& key, const PlanTarget& /*target*/,
                               const PlanFiles& /*files*/)
    : graph_(std::make_unique<cudnn_frontend::graph::Graph>(key)) {}
AttentionGraph::~AttentionGraph() = default;

void AttentionGraph::run(cudnnHandle_t /*handle*/, AttentionPointers& pointers) const {
  const emulator::DeviceAccess access;
  const AttentionPlanKey& key = graph_->key;
#pragma omp parallel for collapse(2) schedule(dynamic)
  for (std::int64_t clip = 0; clip < key.batch; ++clip)
    for (std::int64_t head = 0; head < key.heads; ++head) {
      const Clip part(key, pointers, clip, head);
      key.backward() ? part.backward() : part.forward();
    }
}

const AttentionGraph& attention_graph(const AttentionPlanKey& key, Context& context) {
  static std::vector<std::pair<AttentionPlanKey, std::unique_ptr<AttentionGraph>>> graphs;
  for (const auto& [known, graph] : graphs)
    if (known == key) return *graph;
  graphs.emplace_back(key, std::make_unique<AttentionGraph>(key, context.dnn()));
  return *graphs.back().second;
}

}  // namespace muybridge::cuda
