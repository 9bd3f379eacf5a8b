#pragma once

#include <string>
#include <vector>

#include "model/dit.h"
#include "parallel/mesh.h"
#include "parallel/schedule/costs.h"
#include "parallel/zero/unit_store.h"

namespace muybridge {

// How a DiT is shared among the ranks of a mesh: the one place that says which layer is split, and
// how.
//
// Tensor ranks have a part of the heads and of the hidden columns of every block and of the text
// encoder (Shoeybi et al. 2019, arXiv:1909.08053), and of the tokens everywhere else (sequence
// parallelism, Korthikanti et al. 2022, arXiv:2205.05198). Context ranks have a segment of the
// batch's tokens each and exchange tokens for heads around attention (DeepSpeed-Ulysses, Jacobs et
// al. 2023, arXiv:2309.14509), or let keys and values come round (ring attention), or both: tokens
// for heads inside, the ring outside (USP, Fang and Zhao 2024, arXiv:2405.07719). The text is there
// on all of them. What is not split has copies, whose gradients are of their ranks' tokens and are
// summed (Mesh::copies).
//
// Pipeline ranks have consecutive blocks each, their chunks, and all make the conditions of their
// clips themselves, which is cheaper than to send them.

// A model with this rank's part of it; its parameters are not allocated yet. The placement has as
// many stages as the mesh pipeline ranks.
Dit make_dit(Parameters& parameters, const DitOptions& options, const Mesh& mesh,
             const Placement& placement = {});

// Blocks get their values from the store, and room for gradients; it outlives the model.
void keep_in(UnitStore& store, Dit& dit);

// The blocks of each section of a pipeline, such that the costliest costs least: the first has the
// patch embedding too, the last the head. Costs are operations on a token of a clip of
// kBalancedTokens, whatever clips a corpus has: where the model is cut depends on the model alone.
inline constexpr std::int64_t kBalancedTokens = 4096;
std::vector<BlockRange> balanced_sections(const DitOptions& options, int sections);

// What the sections of `balanced_sections` cost with one micro-batch: operations on a token of a
// clip of `tokens`, of which attention has none for weights; with `options.recompute` those that
// are done again count as backward for inputs. Memory counts the tensors of a block that are kept
// for its backward, and those that the gradients of its weights need.
PipelineCosts section_costs(const DitOptions& options, int sections, std::int64_t tokens);

struct LayoutMistake {
  std::string key;  // of a configuration: "parallel.tensor"
  std::string reason;
};

// Why such a model cannot be shared so, and what would do; nothing where it can. Heads and hidden
// columns must divide among tensor ranks, the rows of a batch among tensor and context ranks, heads
// among tensor and those context ranks that are not of a ring, and a section of a pipeline has at
// least one block. With products of 8 bits widths of a block are multiples of 16 on each rank.
std::vector<LayoutMistake> layout_mistakes(const DitOptions& options, const MeshSizes& sizes,
                                           const Placement& placement, std::int64_t batch_rows);
// Throws Error(kUsage) with all of them.
void require_layout(const DitOptions& options, const MeshSizes& sizes, const Placement& placement,
                    std::int64_t batch_rows);

}  // namespace muybridge
