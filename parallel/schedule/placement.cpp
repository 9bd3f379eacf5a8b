#include "parallel/schedule/placement.h"

namespace muybridge {
namespace {

bool goes_back(Fold fold, int chunk) { return fold == Fold::kV && chunk % 2 == 1; }

}  // namespace

int Placement::section_of(int rank, int chunk) const {
  return chunk * stages + (goes_back(fold, chunk) ? stages - 1 - rank : rank);
}

ChunkPlace Placement::place_of(int section) const {
  const int chunk = section / stages;
  const int step = section % stages;
  return {goes_back(fold, chunk) ? stages - 1 - step : step, chunk};
}

}  // namespace muybridge
