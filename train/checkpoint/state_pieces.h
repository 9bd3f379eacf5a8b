#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/parameters.h"
#include "parallel/group.h"
#include "train/checkpoint/checkpoint_format.h"

// From a rank's flat tensors to pieces of whole parameters, which mean the same in every layout.
namespace muybridge {

// The part of [0, size) that one of `ranks` equals has. Cuts fall anywhere, also inside a
// parameter.
FlatRange even_share(std::int64_t size, int rank, int ranks);

// The ranks that hold the same parameters as this one, by Parameters::place's number `copies`.
using CopiesGroup = std::function<Group&(int copies)>;

// What this rank writes so that of all copies one is written: its even share of each range of
// parameters whose copies the ranks of a group hold, in the same order.
FlatRanges shared_out(const Parameters& parameters, const CopiesGroup& group_of);

// The elements of one kind that a rank holds: of the whole [0, flat_size), or of the flat ranges
// `held`, one after another.
struct FlatTensor {
  StateKind kind = StateKind::kMaster;
  Tensor elements;
  std::optional<FlatRanges> held = {};
};

// Views of the tensor's elements that lie in `wanted`, which it must hold; the overload: all of
// them. The gaps between parameters belong to no piece. Throws std::invalid_argument where the
// ranges do not fit the parameters, the tensor or each other.
std::vector<StatePiece> state_pieces(const Parameters& parameters, const FlatTensor& tensor,
                                     const FlatRanges& wanted);
std::vector<StatePiece> state_pieces(const Parameters& parameters, const FlatTensor& tensor);

// After each rank of a group has filled its even share of the parameters they hold copies of, in a
// tensor that holds all: the other ranks' shares. Collective over all groups of copies.
void spread_shares(const Parameters& parameters, const Tensor& flat, const CopiesGroup& group_of);

}  // namespace muybridge
