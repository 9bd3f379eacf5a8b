#include "model/dit_parallel.h"

#include "core/error.h"
#include "parallel/token_exchange.h"

namespace muybridge {
namespace {

// Says of each parameter what this rank holds of it, and gives layers their exchanges.
class Splitter {
 public:
  Splitter(Parameters& parameters, const Mesh& mesh)
      : parameters_(parameters),
        tensor_(mesh.tensor()),
        context_(mesh.context()),
        whole_copies_(mesh.tensor()->size() > 1 ? kOverTensor : kReplicas) {
    for (const Parameter& parameter : parameters.list())
      parameters_.place(parameter.var, {}, whole_copies_);
  }

  void split(SelfAttention& attention, bool over_context) const {
    split_columns(attention.qkv, 3);
    split_columns(attention.norm_q);
    split_columns(attention.norm_k);
    split_rows(attention.out);
    attention.exchanges = exchanges();
    attention.heads /= tensor_->size();
    attention.attended_heads = attention.heads;
    if (!over_context || context_->size() == 1) return;
    attention.attended_heads /= context_->size();
    attention.exchanges.to_heads =
        Exchange([group = context_](const Var& x) { return tokens_to_heads(x, 3, group); });
    attention.exchanges.to_tokens =
        Exchange([group = context_](const Var& x) { return heads_to_tokens(x, 1, group); });
  }

  void split(CrossAttention& attention) const {
    split_columns(attention.q);
    split_columns(attention.kv, 2);
    split_columns(attention.norm_q);
    split_columns(attention.norm_k);
    split_rows(attention.out);
    attention.exchanges = exchanges();
    attention.exchanges.enter_text = attention.exchanges.enter;
    attention.heads /= tensor_->size();
  }

  void split(Mlp& mlp) const {
    split_columns(mlp.up);
    split_rows(mlp.down);
    mlp.enter = exchanges().enter;
    mlp.leave = exchanges().leave;
  }

 private:
  Split part_of(int axis, int segments) const {
    return {.axis = axis, .segments = segments, .part = tensor_->rank(), .parts = tensor_->size()};
  }
  // Of the output's columns, which are rows of the weight: of each of `segments` fused projections.
  void split_columns(const Linear& linear, int segments = 1) const {
    parameters_.place(linear.weight, part_of(0, segments), kReplicas);
    parameters_.place(linear.bias, part_of(0, segments), kReplicas);
  }
  void split_columns(const Var& weight) const {
    parameters_.place(weight, part_of(0, 1), kReplicas);
  }
  // Of the input's columns; the bias is added behind the sum.
  void split_rows(const Linear& linear) const {
    parameters_.place(linear.weight, part_of(1, 1), kReplicas);
  }

  AttentionExchanges exchanges() const {
    if (tensor_->size() == 1) return {};
    return {.enter = Exchange([group = tensor_](const Var& x) { return gather_rows(x, group); }),
            .enter_text = {},
            .leave = Exchange([group = tensor_](const Var& x) { return sum_to_rows(x, group); }),
            .to_heads = {},
            .to_tokens = {},
            .norm = {.parts = tensor_->size(), .sum = [group = tensor_](const Tensor& sums) {
                       group->all_reduce(sums).wait();
                     }}};
  }

  Parameters& parameters_;
  std::shared_ptr<Group> tensor_;
  std::shared_ptr<Group> context_;
  int whole_copies_;
};

void require_division(const char* what, std::int64_t number, const char* by, std::int64_t ranks) {
  if (ranks < 1 || number % ranks == 0) return;
  std::int64_t fewer = ranks - 1;
  while (number % fewer != 0) --fewer;
  fail(ExitCode::kUsage, "{} = {} cannot be shared by {} = {}; {} could", what, number, by, ranks,
       fewer);
}

}  // namespace

void require_layout(const DitOptions& o, const MeshSizes& sizes, std::int64_t batch_rows) {
  const std::int64_t both = std::int64_t{sizes.tensor} * sizes.context;
  require_division("model.text_heads", o.text_heads, "parallel.tensor", sizes.tensor);
  require_division("model.mlp_width", o.mlp_width, "parallel.tensor", sizes.tensor);
  require_division("model.heads", o.heads, "parallel.tensor", sizes.tensor);
  require_division("model.heads", o.heads, "parallel.tensor x parallel.context", both);
  require_division("batch.tokens", batch_rows, "parallel.tensor x parallel.context", both);
}

Dit make_dit(Parameters& parameters, const DitOptions& options, const Mesh& mesh) {
  Dit dit(parameters, options);
  const Splitter splitter(parameters, mesh);
  for (ByteTextEncoder::Block& block : dit.conditioning.text_encoder.blocks) {
    splitter.split(block.attention, /*over_context=*/false);
    splitter.split(block.mlp);
  }
  for (DitChunk& chunk : dit.chunks)
    for (DitBlock& block : chunk.blocks) {
      splitter.split(block.self_attention, /*over_context=*/true);
      splitter.split(block.cross_attention);
      splitter.split(block.mlp);
    }
  const int tensor_rank = mesh.tensor()->rank(), tensor_ranks = mesh.tensor()->size();
  dit.conditioning.text_encoder.rows = {.part = tensor_rank, .parts = tensor_ranks};
  dit.rows = {.segment = mesh.context()->rank(),
              .segments = mesh.context()->size(),
              .part = tensor_rank,
              .parts = tensor_ranks};
  if (const auto& group = mesh.tokens(); group->size() > 1)
    dit.gather_rows = [group](const Tensor& own) {
      const Tensor all = Tensor::empty({group->size() * own.shape()[0], own.shape()[1]},
                                       own.dtype(), own.device());
      group->all_gather(own, all).wait();
      return all;
    };
  return dit;
}

}  // namespace muybridge
