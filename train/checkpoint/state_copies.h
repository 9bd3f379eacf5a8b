#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/cuda/copy_out.h"
#include "train/checkpoint/checkpoint_format.h"

namespace muybridge {

// Copies of tensors in the host's memory, which is kept from one time to the next. Those of the
// host's own tensors are there at once; those of a device's are made beside what it computes.
class StateCopies {
 public:
  // Room for `elements` of one type, of tensors that lie on `from`.
  StateCopies(std::int64_t elements, DType dtype, Device from);

  bool fits(std::int64_t elements, DType dtype, Device from) const;

  // Copies [numel] of the pieces' elements, of the one type, in the place of those that were made
  // before, which must be over. Nobody may change the elements until before_change().
  std::vector<Tensor> make(std::span<const StatePiece> pieces);
  // Before they change: a device does so when it has read them, and only what it is asked for from
  // now on waits for that.
  void before_change() const;
  // Until all copies are there; from any thread.
  void wait() const;

 private:
  Device from_;
  Tensor room_;
  std::optional<cuda::PinnedPages> pinned_;
  std::optional<cuda::CopyOut> copy_out_;
};

}  // namespace muybridge
