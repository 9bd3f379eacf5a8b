#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "model/dit_options.h"

namespace muybridge {

// How large a micro-batch is, whole.
struct MicroBatchSize {
  std::int64_t tokens = 0;  // rows, filled or not
  std::int64_t text_tokens = 0;
  std::int64_t clips = 0;
};

// How a rank shares a model with others.
struct RankShare {
  int tensor = 1, context = 1;       // ranks
  int ring = 1;                      // context ranks that pass keys round; the others share heads
  int zero = 0;                      // stage: 1 optimizer, 2 gradients too, 3 weights too
  int replicas = 1;                  // ranks that share what `zero` says
  std::int64_t parameters = 0;       // elements of this rank's flat tensors, before `zero`
  std::int64_t whole_gradients = 0;  // zero 2, 3: of these, those that are whole at one time
  std::int64_t whole_values = 0;     // zero 3: the same
  Recompute recompute = Recompute::kNone;
};

// Says what is whole at one time of `share.parameters`, of which `beside` are of no block: blocks
// come and go (parallel/zero/unit_store.h), but all gradients stay where the schedule puts those of
// weights off.
void set_whole(RankShare& share, std::int64_t beside, int blocks, bool puts_off);

// A part of the model on one rank: consecutive blocks and what stands before and behind them.
struct SectionPart {
  int blocks = 0;
  bool first = true;  // with the patch embedding
  bool last = true;   // with the head
};

// Bytes of one micro-batch.
struct HeldMemory {
  double activation = 0;  // from its forward to its backward
  double kept = 0;        // from BackwardInput to BackwardWeight, where a backward is split; more
                          // than before where the block was run again
  double text = 0;        // the part of `activation` that is of texts
};

// What a rank holds of one micro-batch for a section, counted op by op: the tensors that the tape
// keeps. A rank with several sections makes the conditions of the clips once: `sections` are those.
HeldMemory memory_of_section(const DitOptions& o, const RankShare& share, DType compute,
                             const MicroBatchSize& batch, const SectionPart& part, int sections);

// Of a CUDA device, in round figures that no device has confirmed: bytes that its libraries and
// kernels take, of buffers for each group of ranks, and, for each number of a rank's queries in
// bf16, of what cuDNN's backward of attention works in: f32 sums in rows as wide as those of q, k
// and v together.
inline constexpr double kDeviceProcess = 1.5e9, kDeviceGroup = 0.25e9, kAttentionWorkspace = 12;

// Bytes that a rank needs, in round figures: what the libraries take for themselves is not known.
struct MemoryEstimate {
  double process = 200e6;  // libraries, code, threads
  double weights = 0;      // that the model computes with
  double gradients = 0;
  double optimizer = 0;         // moments, the average, and master weights where those are rounded
  double average_in_place = 0;  // weights put aside while an evaluation uses the average
  double activations = 0;       // of the micro-batches under way, and the gradients of one block
  double workspace = 0;         // of attention
  double sampling = 0;          // of an evaluation's largest batch of clips
  double batches = 0;           // that are read ahead, or kept until a step is over
  double communication = 0;     // buffers of groups
  double snapshot = 0;          // the copy that is committed; without room for it commits wait

  double state() const { return weights + gradients + optimizer; }
  double total() const;
};

// `held` are the bytes of all micro-batches under way (memory_of_section, through the schedule).
MemoryEstimate estimate_memory(const DitOptions& o, const RankShare& share, DType compute,
                               const MicroBatchSize& batch, double held,
                               std::int64_t sampled_tokens, int batches_ahead);

// The same of one rank that has the whole model, and one micro-batch at a time.
MemoryEstimate estimate_memory(const DitOptions& o, std::int64_t parameters, DType compute,
                               const MicroBatchSize& batch, std::int64_t sampled_tokens,
                               int batches_ahead);

}  // namespace muybridge
