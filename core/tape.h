#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace muybridge {

class Var;
using Inputs = std::span<const Var>;
using Backward = std::function<void(Inputs in, const Tensor& dy)>;

// In which type an op's backward takes dy. A gradient that one op sent comes as it was sent. Where
// several sent one, they are added up in f32 (f64), whatever the value's type: thirty roundings of
// a sum to bf16 would be worth more than a bf16's last bit. That costs two bytes an element more
// while the sum is alive, which in a DiT are one stream of tokens and the states of the text.
enum class Dy : std::uint8_t {
  kOfValueType,  // rounded once where it is wider
  kAsSummed,     // of the value's type or its accumulator: for ops that hand dy on
};

// The part of an op's backward that only leaves wait for: gradients of its inputs from `first` on,
// which is what BackwardOptions::later may put off.
struct LeafPart {
  std::size_t first = 0;
  Backward run;
};

// Where an op's backward may write a gradient without a temporary.
struct GradSink {
  Tensor target;
  bool accumulate;  // add to what is there; else every element must be written
};

// A tensor on the tape. An op computes its value at once and records how its gradient reaches its
// inputs; `backward` walks the records in reverse. Handles share the record, and each has the value
// itself: an activation lives as long as the caller or an op whose backward reads it has a handle,
// and is freed when backward passes that op.
class Var {
 public:
  Var() = default;

  // A value that needs no gradient.
  static Var constant(Tensor value);
  // A value that collects a gradient. Where `grad` is given, gradients are added to it, in its
  // element type; a caller zeroes it. `tag` is handed to BackwardOptions::on_leaf_ready.
  static Var leaf(Tensor value, Tensor grad = {}, std::int64_t tag = -1);
  // The result of an op. A constant when no input needs a gradient or inside a NoGradScope. An op
  // with `leaves` leaves the gradients of those inputs to it.
  static Var op(Tensor value, std::vector<Var> inputs, Backward backward,
                Dy takes = Dy::kOfValueType, LeafPart leaves = {});

  // What an op keeps of an input whose value its backward does not read: the gradient finds its
  // way, value() of it throws std::logic_error. Leaves have their value all the same.
  Var without_value() const;

  bool defined() const { return node_ != nullptr; }
  const Tensor& value() const;
  const Shape& shape() const;
  bool requires_grad() const;
  std::int64_t tag() const;
  // Undefined until a gradient has arrived. Of the value's type, or of its accumulator where a sum
  // or a wider gradient arrived; of a leaf's own `grad`'s type where it has one.
  const Tensor& grad() const;

  // Takes part in backward: adds to the gradient of this value. Does nothing for a constant.
  void add_grad(const Tensor& dy) const;
  // Where to write this value's gradient; only when requires_grad().
  GradSink grad_sink() const;

  // For the owner of a leaf: places its storage (see core/parameters.h).
  void bind(Tensor value, Tensor grad) const;
  // For the owner of a leaf: it needs no gradient from now on, like a constant.
  void freeze() const;

 private:
  struct Node;
  friend struct BackwardPass;
  explicit Var(std::shared_ptr<Node> node) : node_(std::move(node)) {}

  std::shared_ptr<Node> node_;
  Tensor value_;  // of an op; leaves and constants have theirs in the record
};

// Work of a backward that was put off, first in first out: the gradients of weights, which nothing
// but the optimizer waits for, so that a pipeline can fill its gaps with them (Qi et al. 2023,
// arXiv:2401.10241). It holds the activations that it needs until it has run.
class LeafWork {
 public:
  bool empty() const { return actions_.empty(); }
  std::size_t size() const { return actions_.size(); }
  void run();  // all of it

 private:
  friend struct BackwardPass;
  std::deque<std::function<void()>> actions_;
};

struct BackwardOptions {
  // Called when a leaf's gradient is complete, with its tag: the moment to start reducing it. Also
  // from LeafWork::run.
  std::function<void(std::int64_t tag)> on_leaf_ready;
  // Where given, the gradients of weights are queued there instead of being computed now.
  LeafWork* later = nullptr;
};

// An output of a graph and the gradient that arrives there, of the same shape; ones when undefined.
struct Root {
  Var output;
  Tensor dy;
};

// Sends the gradients back through the tape. Gradients of leaves stay; all else is released. Roots
// of which none needs a gradient are an error, and so is a graph of which a part was walked before:
// its gradients would be incomplete.
void backward(const std::vector<Root>& roots, const BackwardOptions& options = {});
void backward(const Var& output, const Tensor& dy = {}, const BackwardOptions& options = {});

// No op is recorded while one of these is alive on the thread.
class NoGradScope {
 public:
  NoGradScope();
  ~NoGradScope();
  NoGradScope(const NoGradScope&) = delete;
  NoGradScope& operator=(const NoGradScope&) = delete;

 private:
  bool before_;
};

// Whether ops are recorded on this thread, so that what backward needs is worth making.
bool is_recording();

// Runs `body` without recording and runs it again in backward (activation recomputation, Chen et
// al. 2016): only `inputs` are kept. `parameters` names the leaves that body uses, so that their
// readiness is known to the outer tape.
Var recompute(const std::function<Var(Inputs)>& body, const std::vector<Var>& inputs,
              const std::vector<Var>& parameters);

}  // namespace muybridge
