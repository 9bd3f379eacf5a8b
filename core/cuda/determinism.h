#pragma once

#include <string_view>

namespace muybridge::cuda {

enum class LibraryOp { kAttentionBackward, kMatmul };

// Warns, once in a process for each op, that a library had no plan for this shape whose result is
// the same bits in every run.
void say_not_deterministic(LibraryOp op, std::string_view shape, std::string_view reason);

}  // namespace muybridge::cuda
