#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/dit_options.h"
#include "parallel/schedule/placement.h"

namespace muybridge {

// What a stage of a pipeline holds of a model on each of its tensor ranks, in elements.
struct Holdings {
  std::int64_t flat = 0;              // of the flat tensors
  std::array<double, 4> by_copies{};  // of them, by the number of Parameters::place
  std::int64_t largest_block = 0;
  int blocks = 0;
  std::int64_t beside_blocks = 0;    // elements of embeddings, text encoder, head
  double hidden = 0;                 // of matrices between hidden states, which Muon updates
  double orthogonal_operations = 0;  // of making all of these, whole, orthogonal once
};

// By stage; of the model that make_dit builds there, whose table says what is split.
std::vector<Holdings> holdings_of(const DitOptions& model, int tensor, const Placement& placement);

}  // namespace muybridge
