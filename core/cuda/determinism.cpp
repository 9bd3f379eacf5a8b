#include "core/cuda/determinism.h"

#include <atomic>

#include "core/log.h"

namespace muybridge::cuda {

void say_not_deterministic(LibraryOp op, std::string_view shape, std::string_view reason) {
  static std::atomic<bool> said[2];
  if (said[static_cast<int>(op)].exchange(true)) return;
  log_warning(
      "{} of {} is not deterministic ({}): results may differ in the last bits from run to run; "
      "said once, other shapes may be so too",
      op == LibraryOp::kMatmul ? "the product" : "attention backward", shape, reason);
}

}  // namespace muybridge::cuda
