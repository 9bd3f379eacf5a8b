#include "model/dit_parallel.h"

#include <algorithm>

#include "core/error.h"
#include "parallel/ring_attention.h"
#include "parallel/token_exchange.h"

namespace muybridge {
namespace {

// Says of each parameter what this rank holds of it, and gives layers their exchanges.
class Splitter {
 public:
  Splitter(Parameters& parameters, const Mesh& mesh)
      : parameters_(parameters),
        tensor_(mesh.tensor()),
        heads_(mesh.heads()),
        ring_(mesh.ring()),
        whole_(mesh.tensor()->size() > 1 ? kOverTensor : kReplicas) {
    for (const Parameter& parameter : parameters.list())
      parameters_.place(parameter.var, {}, whole_ | over_stages(parameter, mesh));
  }

  void split(SelfAttention& attention, bool over_context) const {
    split_columns(attention.qkv, 3);
    split_columns(attention.norm_q);
    split_columns(attention.norm_k);
    split_rows(attention.out);
    attention.exchanges = exchanges();
    attention.heads /= tensor_->size();
    attention.attended_heads = attention.heads;
    if (over_context && heads_->size() > 1) {
      attention.attended_heads /= heads_->size();
      attention.exchanges.to_heads =
          Exchange([group = heads_](const Var& x) { return tokens_to_heads(x, 3, group); });
      attention.exchanges.to_tokens =
          Exchange([group = heads_](const Var& x) { return heads_to_tokens(x, 1, group); });
    }
    if (over_context && ring_->size() > 1)
      attention.exchanges.attend = [group = ring_](const Var& qkv, std::int64_t heads,
                                                   const Packing& packing,
                                                   const KeptAttention& kept) {
        return ring_attention(qkv, heads, packing, group, kept);
      };
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
    place(linear.weight, part_of(0, segments));
    place(linear.bias, part_of(0, segments));
  }
  void split_columns(const Var& weight) const { place(weight, part_of(0, 1)); }
  // Of the input's columns; the bias is added behind the sum.
  void split_rows(const Linear& linear) const { place(linear.weight, part_of(1, 1)); }
  // No copies over tensor ranks any more; over stages as before.
  void place(const Var& var, const Split& split) const {
    parameters_.place(var, split, parameters_.of(var).copies & ~kOverTensor);
  }
  // What makes conditions is on every stage.
  static int over_stages(const Parameter& parameter, const Mesh& mesh) {
    const std::string& name = parameter.spec.name;
    const bool everywhere = name.starts_with("text_") || name.starts_with("time_");
    return mesh.pipeline()->size() > 1 && everywhere ? kOverPipeline : kReplicas;
  }

  AttentionExchanges exchanges() const {
    if (tensor_->size() == 1) return {};
    return {.enter = Exchange([group = tensor_](const Var& x) { return gather_rows(x, group); }),
            .enter_text = {},
            .leave = Exchange([group = tensor_](const Var& x) { return sum_to_rows(x, group); }),
            .to_heads = {},
            .to_tokens = {},
            .attend = {},
            .norm = {.parts = tensor_->size(), .sum = [group = tensor_](const Tensor& sums) {
                       group->all_reduce(sums).wait();
                     }}};
  }

  Parameters& parameters_;
  std::shared_ptr<Group> tensor_;
  std::shared_ptr<Group> heads_, ring_;  // of the context
  int whole_;                            // copies of what is not split
};

// A forward alone, section after section; the last one's result goes to all.
Tensor walk_stages(const Placement& placement, Group& group, const Dit::RunChunk& run,
                   const Tensor& stream, const Tensor& result) {
  Tensor x;
  for (int section = 0; section < placement.sections(); ++section) {
    const ChunkPlace here = placement.place_of(section);
    const bool last = section + 1 == placement.sections();
    const int next = last ? here.rank : placement.place_of(section + 1).rank;
    if (here.rank == group.rank()) {
      x = run(here.chunk, x);
      if (next != here.rank) group.exchange({{next, x}}, {}).wait();
    } else if (next == group.rank()) {
      x = Tensor::empty(stream.shape(), stream.dtype(), stream.device());
      group.exchange({}, {{here.rank, x}}).wait();
    }
  }
  const int last = placement.place_of(placement.sections() - 1).rank;
  if (group.rank() == last) result.copy_from(x);
  group.broadcast(result, last).wait();
  return result;
}

// Of the embedding and the head, where a section has them.
double cost_of_ends(const TokenCosts& token, int section, int sections) {
  return (section == 0 ? token.first : 0) + (section == sections - 1 ? token.last : 0);
}

// Something that ranks share in equal parts.
struct Whole {
  const char* name;
  std::int64_t number;
};

// Which of these `ranks` cannot share, and the next smaller number that can share all of them, a
// multiple of `step` where `step` ranks can; empty where there is nothing to say.
std::string no_division(const std::vector<Whole>& wholes, const char* by, std::int64_t ranks,
                        std::int64_t step = 1, const char* instead = "") {
  const auto divides_all = [&](std::int64_t n) {
    return std::ranges::all_of(wholes, [&](const Whole& each) { return each.number % n == 0; });
  };
  if (ranks < 1 || divides_all(ranks)) return "";
  if (!divides_all(step)) step = 1;
  std::int64_t fewer = (ranks - 1) / step * step;
  while (!divides_all(fewer)) fewer -= step;
  std::string names;
  for (const Whole& each : wholes)
    if (each.number % ranks != 0)
      names += fmt::format("{}{} = {}", names.empty() ? "" : ", ", each.name, each.number);
  return fmt::format("{} cannot be shared by {} = {}; {} could{}", names, by, ranks, fewer,
                     instead);
}

// Which width of a block, or a rank's share of it, is no multiple of 16, as products of 8 bits
// want; empty where all are.
std::string no_fp8(const DitOptions& o, int tensor_ranks) {
  for (const Whole& each : {Whole{"model.width", o.width}, Whole{"model.mlp_width", o.mlp_width}})
    if (each.number % (16 * std::int64_t{tensor_ranks}) != 0)
      return fmt::format(
          "fp8 wants widths whose part on each tensor rank is a multiple of 16; {} = {} over "
          "parallel.tensor = {} is not; change it, or set train.linear=precision",
          each.name, each.number, tensor_ranks);
  return "";
}

}  // namespace

std::vector<BlockRange> balanced_sections(const DitOptions& o, int sections) {
  const TokenCosts token = token_costs(o);
  const double block = token.products + token.pair * static_cast<double>(kBalancedTokens);
  // One block each, then each further one to the section that is cheapest with it, the later one of
  // equals.
  std::vector<int> count(static_cast<std::size_t>(sections), 1);
  const auto cost = [&](int section) {
    return cost_of_ends(token, section, sections) +
           count[static_cast<std::size_t>(section)] * block;
  };
  for (int left = o.depth - sections; left > 0; --left) {
    int cheapest = sections - 1;
    for (int section = sections - 2; section >= 0; --section)
      if (cost(section) < cost(cheapest)) cheapest = section;
    ++count[static_cast<std::size_t>(cheapest)];
  }
  std::vector<BlockRange> ranges;
  ranges.reserve(count.size());
  for (int begin = 0; const int blocks : count) {
    ranges.push_back({begin, begin + blocks});
    begin += blocks;
  }
  return ranges;
}

PipelineCosts section_costs(const DitOptions& o, int sections, std::int64_t tokens) {
  const TokenCosts token = token_costs(o);
  // Rows of width D, and of the MLP's hidden width, between and behind a block's ops; and those of
  // them that are inputs of linear layers, with the gradients of their outputs.
  const auto d = static_cast<double>(o.width), f = static_cast<double>(o.mlp_width);
  const double whole = 18 * d + 2 * f, kept = 12 * d + 2 * f;
  const double activation = o.recompute == Recompute::kBlock       ? d
                            : o.recompute == Recompute::kAttention ? whole - 8 * d
                                                                   : whole;
  PipelineCosts all;
  const std::vector<BlockRange> ranges = balanced_sections(o, sections);
  for (int section = 0; section < sections; ++section) {
    const BlockRange& range = ranges[static_cast<std::size_t>(section)];
    const double blocks = range.end - range.begin;
    const double products = blocks * token.products + cost_of_ends(token, section, sections);
    const double attention = blocks * token.pair * static_cast<double>(tokens);
    const double again = o.recompute == Recompute::kBlock ? blocks * token.products + attention : 0;
    all.sections.push_back({.forward = products + attention,
                            .backward_input = again + products + 2.5 * attention,
                            .backward_weight = products,
                            .activation = blocks * activation,
                            .kept = blocks * kept});
  }
  return all;
}

std::vector<LayoutMistake> layout_mistakes(const DitOptions& o, const MeshSizes& sizes,
                                           const Placement& placement, std::int64_t batch_rows) {
  std::vector<LayoutMistake> mistakes;
  const auto add = [&](const char* key, const std::string& reason) {
    if (!reason.empty()) mistakes.push_back({key, reason});
    return reason.empty();
  };
  if (placement.sections() > o.depth)
    add("parallel.pipeline",
        fmt::format("model.depth = {} blocks cannot be shared by parallel.pipeline = {} stages of "
                    "{} parts; a part has at least one block: {} stages could",
                    o.depth, placement.stages, placement.virtual_stages,
                    std::max(1, o.depth / placement.virtual_stages)));
  const std::int64_t both = std::int64_t{sizes.tensor} * sizes.context;
  const char* const tensor = "parallel.tensor";
  const Whole heads{"model.heads", o.heads};
  if (add(tensor,
          no_division({heads, {"model.text_heads", o.text_heads}, {"model.mlp_width", o.mlp_width}},
                      tensor, sizes.tensor))) {
    add("parallel.context",
        sizes.ring == 1
            ? no_division({heads}, "parallel.tensor x parallel.context", both, sizes.tensor,
                          ", or a ring (parallel.context_method, parallel.ring), which shares no "
                          "heads")
            : no_division({heads}, "parallel.tensor x parallel.context / parallel.ring",
                          std::int64_t{sizes.tensor} * sizes.sharing(), sizes.tensor));
  }
  add("batch.tokens", no_division({{"batch.tokens", batch_rows}},
                                  "parallel.tensor x parallel.context", both, sizes.tensor));
  if (o.linear == BlockProducts::kFp8) add("train.linear", no_fp8(o, sizes.tensor));
  return mistakes;
}

void require_layout(const DitOptions& options, const MeshSizes& sizes, const Placement& placement,
                    std::int64_t batch_rows) {
  std::string text;
  for (const LayoutMistake& each : layout_mistakes(options, sizes, placement, batch_rows))
    text += (text.empty() ? "" : "\n") + each.reason;
  if (!text.empty()) fail(ExitCode::kUsage, "{}", text);
}

Dit make_dit(Parameters& parameters, const DitOptions& options, const Mesh& mesh,
             const Placement& placement) {
  const std::vector<BlockRange> sections = balanced_sections(options, placement.sections());
  const int stage = mesh.pipeline()->rank();
  std::vector<BlockRange> mine;
  mine.reserve(static_cast<std::size_t>(placement.virtual_stages));
  for (int chunk = 0; chunk < placement.virtual_stages; ++chunk)
    mine.push_back(sections[static_cast<std::size_t>(placement.section_of(stage, chunk))]);
  Dit dit(parameters, options, mine);
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
  if (placement.stages > 1)
    dit.walk = [placement, group = mesh.pipeline()](const Dit::RunChunk& run, const Tensor& stream,
                                                    const Tensor& result) {
      return walk_stages(placement, *group, run, stream, result);
    };
  return dit;
}

void keep_in(UnitStore& store, Dit& dit) {
  for (DitChunk& chunk : dit.chunks)
    for (std::size_t i = 0; i < chunk.blocks.size(); ++i) {
      const int unit = chunk.range.begin + static_cast<int>(i);
      chunk.blocks[i].enter =
          Exchange([&store, unit](const Var& x) { return store.enter(unit, x); });
      chunk.blocks[i].leave =
          Exchange([&store, unit](const Var& y) { return store.leave(unit, y); });
    }
}

}  // namespace muybridge
