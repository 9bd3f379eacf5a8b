#include "train/checks/memory_estimate.h"

#include <algorithm>

#include "parallel/zero/unit_store.h"

namespace muybridge {
namespace {

constexpr double kPoolSlack = 1.06;  // half of what a size class may leave unused

// What the formulas below count in.
struct Sizes {
  double d, f, p, head, w;       // widths: model, MLP, token, MLP of the head, text
  double element, wide;          // bytes
  double t;                      // tensor ranks
  double rows, segment;          // of a micro-batch: this rank's, and those its tensor group has
  double text, own_text, clips;  // text tokens: all, this rank's
  bool exchanges, to_heads;
  bool fp8;

  Sizes(const DitOptions& o, const RankShare& share, DType compute, const MicroBatchSize& batch)
      : d(static_cast<double>(o.width)),
        f(static_cast<double>(o.mlp_width)),
        p(static_cast<double>(o.token_width())),
        head(static_cast<double>(o.head_mlp_width)),
        w(static_cast<double>(o.text_width)),
        element(static_cast<double>(size_of(compute))),
        wide(static_cast<double>(size_of(accumulator_of(compute)))),
        t(share.tensor),
        rows(static_cast<double>(batch.tokens) / (share.tensor * share.context)),
        segment(static_cast<double>(batch.tokens) / share.context),
        text(static_cast<double>(batch.text_tokens)),
        own_text(text / t),
        clips(static_cast<double>(batch.clips)),
        exchanges(share.tensor > 1),
        to_heads(share.context > share.ring),
        fp8(o.linear == BlockProducts::kFp8) {}

  // Numbers of one token, of this rank's, that a block's backward reads: norm, qkv, rotated qkv,
  // attention, its projection, gate; norm, q, normed q, attention, sum; norm, down, gate; and the
  // two hidden ones of the MLP. Among tensor ranks each of the three split layers begins with all
  // their tokens in place of the norm; context ranks have what attention gave once more, by heads.
  double of_block() const {
    return 18 * d + 2 * f + (exchanges ? 3 * (t - 1) * d : 0) + (to_heads ? d : 0);
  }
  // Of these q, k and v of both attentions, before and after their norms.
  double of_qkv() const { return 8 * d; }
  // Of these the inputs of linear layers that no other op reads, which have codes of a byte in fp8.
  double of_codes() const { return 3 * t * d + f; }
  // Bytes of the inputs of linear layers and of the gradients of their outputs: what gradients of
  // weights wait with. In fp8 such a gradient has codes beside it, and its bias reads itself.
  double weight_gradient_bytes() const {
    const double outputs = 4 * d + f + 3 * t * d;
    const double bytes = (of_codes() + 2 * d + outputs) * element;
    return fp8 ? bytes - of_codes() * (element - 1) + outputs : bytes;
  }
  // The gradients that a block's backward holds at once, beside what it has let go by then.
  double of_backward() const { return 2 * d + f + (exchanges ? t * d : 0); }
  // Of a token of text.
  double of_text_block() const { return 19 * w + (exchanges ? 2 * (t - 1) * w : 0); }

  // Of a block: keys and values of the text.
  double key_bytes() const { return text * (4 * d / t + (exchanges ? d : 0)) * element; }

  // Codes of the widest gradient, as it lies and by columns.
  double code_bytes() const { return fp8 ? rows * 2 * std::max(f, 3 * d) : 0; }

  double block_bytes(Recompute recompute) const {
    // What makes queries, keys and values again keeps its input, not codes.
    const double coded = recompute == Recompute::kAttention ? t * d + f : of_codes();
    const double saved = fp8 ? rows * coded * (element - 1) : 0;
    const double keys = key_bytes();
    const double table = clips * 6 * d * wide;
    switch (recompute) {
      case Recompute::kBlock:
        return rows * d * element;
      case Recompute::kAttention:
        return rows * (of_block() - of_qkv()) * element - saved + keys + table;
      case Recompute::kNone:
        break;
    }
    return rows * of_block() * element - saved + keys + table;
  }
};

// While the head goes backward, or a block: its gradients, and what of it is run again.
double backward_bytes(const Sizes& s, Recompute recompute) {
  const double again = recompute == Recompute::kBlock       ? s.block_bytes(Recompute::kNone)
                       : recompute == Recompute::kAttention ? s.rows * s.of_qkv() * s.element
                                                            : 0;
  const double ends = s.rows * 4 * s.p * s.wide;  // predictions, their errors and gradients
  const double block =
      s.rows * s.of_backward() * s.element + s.text * 4 * s.d * s.element + s.code_bytes();
  return std::max(ends, again + block);
}

}  // namespace

void set_whole(RankShare& share, std::int64_t beside, int blocks, bool puts_off) {
  const std::int64_t block = (share.parameters - beside) / std::max(1, blocks);
  const auto of = [&](int here) { return beside + std::min(blocks, here) * block; };
  share.whole_values = of(UnitStore::kUnitsWithValues);
  share.whole_gradients = of(puts_off ? blocks : UnitStore::kUnitsWithGradients);
}

HeldMemory memory_of_section(const DitOptions& o, const RankShare& share, DType compute,
                             const MicroBatchSize& batch, const SectionPart& part, int sections) {
  const Sizes s(o, share, compute, batch);
  const double encoder = s.own_text * (o.text_depth * s.of_text_block() + 3 * s.d) * s.element;
  // Noisy patches and their target, sines and rotations; the text encoder, and what comes of time.
  const double conditions = s.rows * (2 * s.p * s.wide + (o.sine_positions ? s.d * s.element : 0)) +
                            s.segment * s.d / static_cast<double>(o.heads) * s.wide + encoder +
                            s.clips * 18 * s.d * s.wide;
  const double first = s.rows * ((s.element < s.wide ? s.p : 0) + 2 * s.d) * s.element;
  const double last = s.rows * (s.d * s.element + s.p * s.wide +
                                (s.head > 0 ? 2 * s.p * s.wide + 2 * s.head * s.element : 0));
  const double blocks = part.blocks * s.block_bytes(share.recompute);
  HeldMemory held;
  held.activation = kPoolSlack * (conditions / sections + blocks + (part.first ? first : 0) +
                                  (part.last ? last : 0));
  held.text =
      kPoolSlack * (encoder / sections +
                    (share.recompute == Recompute::kBlock ? 0 : part.blocks * s.key_bytes()));
  held.kept = kPoolSlack * part.blocks * s.rows * s.weight_gradient_bytes();
  if (share.recompute == Recompute::kNone) held.kept = std::min(held.kept, held.activation);
  return held;
}

double MemoryEstimate::total() const {
  return process + state() + std::max(activations + workspace, average_in_place + sampling) +
         batches + communication + snapshot;
}

MemoryEstimate estimate_memory(const DitOptions& o, const RankShare& share, DType compute,
                               const MicroBatchSize& batch, double held,
                               std::int64_t sampled_tokens, int batches_ahead) {
  const Sizes s(o, share, compute, batch);
  const auto parameters = static_cast<double>(share.parameters);
  const auto part = [&](int stage) {
    return parameters / (share.zero >= stage ? share.replicas : 1);
  };
  const bool rounded = s.element < s.wide;

  MemoryEstimate estimate;
  // Shared ones are gathered from the master.
  const auto whole_values = static_cast<double>(share.whole_values);
  estimate.weights = (share.zero >= 3 ? whole_values : parameters) * s.element;
  const auto whole_gradients = static_cast<double>(share.whole_gradients);
  estimate.gradients = (part(2) + (share.zero >= 2 ? whole_gradients : 0)) * s.wide;
  // Two moments and the average; weights that are rounded, or others' too, have a master.
  estimate.optimizer = part(1) * (3 + (rounded || share.zero > 0 ? 1 : 0)) * s.wide;
  // Where blocks' weights are shared an evaluation has all of them for once.
  estimate.average_in_place = parameters * s.element;
  estimate.activations = held + kPoolSlack * backward_bytes(s, share.recompute);
  const double shares = share.tensor * share.context;
  // Clips and velocities are whole on each rank.
  const double whole = 3.5 * s.p * s.wide;
  const double shared = s.element * (12 * s.d + 2 * s.f) + 2.5 * s.p * s.wide;
  estimate.sampling = kPoolSlack * static_cast<double>(sampled_tokens) * (whole + shared / shares);
  estimate.batches =
      static_cast<double>(batch.tokens) * s.p * static_cast<double>(sizeof(float)) * batches_ahead;
  return estimate;
}

MemoryEstimate estimate_memory(const DitOptions& o, std::int64_t parameters, DType compute,
                               const MicroBatchSize& batch, std::int64_t sampled_tokens,
                               int batches_ahead) {
  const RankShare share{.parameters = parameters, .recompute = o.recompute};
  const HeldMemory held =
      memory_of_section(o, share, compute, batch, {.blocks = o.depth}, /*sections=*/1);
  return estimate_memory(o, share, compute, batch, held.activation + held.text, sampled_tokens,
                         batches_ahead);
}

}  // namespace muybridge
