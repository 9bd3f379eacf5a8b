#include "train/checkpoint/checkpoint_format.h"

#include <stdexcept>

namespace muybridge {

std::string_view name_of(StateKind kind) {
  switch (kind) {
    case StateKind::kMaster:
      return "master";
    case StateKind::kMomentum:
      return "momentum";
    case StateKind::kVariance:
      return "variance";
    case StateKind::kEma:
      return "ema";
  }
  throw std::invalid_argument("checkpoint: an unknown kind of state");
}

std::string Piece::data_set() const {
  return fmt::format("{}/{}@{}", name_of(kind), name, slice.begin);
}

}  // namespace muybridge
