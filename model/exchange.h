#pragma once

#include <functional>

#include "core/tape.h"

namespace muybridge {

// What a layer that ranks share does with its tokens where it begins or ends. Where one rank has
// all of it there is nothing to do; else the layout of ranks sets it (model/dit_parallel.h).
class Exchange {
 public:
  Exchange() = default;
  explicit Exchange(std::function<Var(const Var&)> op) : op_(std::move(op)) {}

  explicit operator bool() const { return static_cast<bool>(op_); }
  Var operator()(const Var& x) const { return op_ ? op_(x) : x; }

 private:
  std::function<Var(const Var&)> op_;
};

}  // namespace muybridge
