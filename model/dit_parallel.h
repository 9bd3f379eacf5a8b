#pragma once

#include <string>

#include "model/dit.h"
#include "parallel/mesh.h"

namespace muybridge {

// How a DiT is shared among the ranks of a mesh: the one place that says which layer is split, and
// how.
//
// Tensor ranks have a part of the heads and of the hidden columns of every block and of the text
// encoder (Shoeybi et al. 2019, arXiv:1909.08053), and of the tokens everywhere else (sequence
// parallelism, Korthikanti et al. 2022, arXiv:2205.05198). Context ranks have a segment of the
// batch's tokens each and exchange tokens for heads around attention (DeepSpeed-Ulysses, Jacobs et
// al. 2023, arXiv:2309.14509); the text is there on all of them. What is not split has copies,
// whose gradients are of their ranks' tokens and are summed (Mesh::copies).

// A model with this rank's part of it; its parameters are not allocated yet. Throws Error(kUsage)
// where require_layout does.
Dit make_dit(Parameters& parameters, const DitOptions& options, const Mesh& mesh);

// Throws Error(kUsage) where such a model cannot be shared so, with the reason and what would do:
// heads and hidden columns must divide among tensor ranks, heads and the rows of a batch among
// tensor and context ranks.
void require_layout(const DitOptions& options, const MeshSizes& sizes, std::int64_t batch_rows);

}  // namespace muybridge
