#include "core/tape.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <unordered_map>

#include "core/ops/accumulate.h"

namespace muybridge {
namespace {

thread_local bool recording = true;

std::uint64_t next_sequence() {
  static std::atomic<std::uint64_t> counter{0};
  return ++counter;
}

}  // namespace

struct Var::Node {
  Tensor value;  // of a leaf or a constant
  Shape shape;   // of an op's value, and what it is of
  DType dtype = DType::kF32;
  Device device = Device::kCpu;
  Tensor grad;
  bool requires_grad = false;
  bool grad_is_owned = false;  // a leaf's accumulator: stays, and is added to
  std::int64_t tag = -1;
  std::uint64_t sequence = 0;
  std::vector<Var> inputs;
  Backward backward;
  LeafPart leaves;
  Dy takes = Dy::kOfValueType;

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  // One after the other: a long graph would not fit on the stack.
  ~Node() {
    std::vector<Var> pending = std::move(inputs);
    while (!pending.empty()) {
      const Var last = std::move(pending.back());
      pending.pop_back();
      if (!last.node_ || last.node_.use_count() > 1) continue;
      for (Var& input : last.node_->inputs) pending.push_back(std::move(input));
      last.node_->inputs.clear();
    }
  }

  bool is_op() const { return sequence > 0; }
  const Shape& value_shape() const { return is_op() ? shape : value.shape(); }
  DType value_dtype() const { return is_op() ? dtype : value.dtype(); }
  Device value_device() const { return is_op() ? device : value.device(); }

  // The gradient that is there, such that more can be added to it.
  const Tensor& sum() {
    if (grad_is_owned) return grad;
    const DType wide = accumulator_of(value_dtype());
    if (grad.dtype() != wide)
      grad = grad.to(wide);
    else if (!grad.unique())
      grad = grad.clone();
    return grad;
  }

  // Takes the gradient out, in the type that the op wants.
  Tensor take_dy() {
    Tensor dy = std::move(grad);
    grad = {};
    return takes == Dy::kOfValueType && dy.defined() ? dy.to(value_dtype()) : dy;
  }
};

Var Var::constant(Tensor value) {
  auto node = std::make_shared<Node>();
  node->value = std::move(value);
  return Var(std::move(node));
}

Var Var::leaf(Tensor value, Tensor grad, std::int64_t tag) {
  Var var = constant(std::move(value));
  var.node_->requires_grad = true;
  var.node_->grad_is_owned = grad.defined();
  var.node_->grad = std::move(grad);
  var.node_->tag = tag;
  return var;
}

Var Var::op(Tensor value, std::vector<Var> inputs, Backward backward, Dy takes, LeafPart leaves) {
  const bool needed = std::any_of(inputs.begin(), inputs.end(),
                                  [](const Var& input) { return input.requires_grad(); });
  if (!recording || !needed) return constant(std::move(value));
  Var var(std::make_shared<Node>());
  var.node_->shape = value.shape();
  var.node_->dtype = value.dtype();
  var.node_->device = value.device();
  var.value_ = std::move(value);
  var.node_->requires_grad = true;
  var.node_->sequence = next_sequence();
  var.node_->inputs = std::move(inputs);
  var.node_->backward = std::move(backward);
  var.node_->takes = takes;
  var.node_->leaves = std::move(leaves);
  return var;
}

Var Var::without_value() const { return requires_grad() ? Var(node_) : Var(); }

const Tensor& Var::value() const {
  if (!node_) throw std::logic_error("tape: an empty Var has no value");
  if (!node_->is_op()) return node_->value;
  if (!value_.defined())
    throw std::logic_error("tape: this op was not to keep the value of its input");
  return value_;
}

const Shape& Var::shape() const {
  if (!node_) throw std::logic_error("tape: an empty Var has no shape");
  return node_->value_shape();
}

bool Var::requires_grad() const { return node_ && node_->requires_grad; }

std::int64_t Var::tag() const { return node_ ? node_->tag : -1; }

const Tensor& Var::grad() const { return node_->grad; }

void Var::add_grad(const Tensor& dy) const {
  if (!requires_grad()) return;
  // A parameter's value may be gone by the time that a gradient which was put off arrives.
  require_shape("gradient", "dy", dy,
                node_->grad_is_owned ? node_->grad.shape() : node_->value_shape());
  Tensor& grad = node_->grad;
  if (!grad.defined())
    grad = dy;
  else
    accumulate(node_->sum(), dy);
}

GradSink Var::grad_sink() const {
  Tensor& grad = node_->grad;
  if (!grad.defined()) {
    grad = Tensor::empty(node_->value_shape(), node_->value_dtype(), node_->value_device());
    return {grad, false};
  }
  return {node_->sum(), true};
}

void Var::bind(Tensor value, Tensor grad) const {
  node_->value = std::move(value);
  node_->grad_is_owned = grad.defined();
  node_->grad = std::move(grad);
}

void Var::freeze() const { node_->requires_grad = false; }

struct BackwardPass {
  using Node = Var::Node;
  // Ops that still may add to each leaf. Work that was put off outlives the pass.
  using Uses = std::unordered_map<Node*, int>;

  std::vector<std::shared_ptr<Node>> order;  // ops, newest first
  std::shared_ptr<Uses> uses_of_leaf = std::make_shared<Uses>();
  BackwardOptions options;
  BackwardPass* outer;  // of whose op this is a part (recompute)

  static thread_local BackwardPass* current;

  // Goes no further than `ends`, which collect gradients as leaves do.
  BackwardPass(const std::vector<Root>& roots, BackwardOptions given, Inputs ends = {})
      : options(std::move(given)), outer(current) {
    if (outer) options.later = outer->options.later;
    std::unordered_map<Node*, bool> seen;
    for (const Var& end : ends) seen[end.node_.get()] = true;
    std::vector<std::shared_ptr<Node>> pending;
    const auto visit = [&](const Var& var) {
      if (!var.requires_grad() || seen[var.node_.get()]) return;
      seen[var.node_.get()] = true;
      pending.push_back(var.node_);
    };
    for (const Root& root : roots) visit(root.output);
    while (!pending.empty()) {
      const std::shared_ptr<Node> node = pending.back();
      pending.pop_back();
      if (!node->is_op()) continue;
      if (!node->backward)
        throw std::logic_error(
            "backward: a part of this graph was walked before, and its records are gone; add up "
            "the losses and call backward once");
      order.push_back(node);
      for (const Var& input : node->inputs) {
        if (input.requires_grad() && !input.node_->is_op()) ++(*uses_of_leaf)[input.node_.get()];
        visit(input);
      }
    }
    std::sort(order.begin(), order.end(),
              [](const auto& a, const auto& b) { return a->sequence > b->sequence; });
    current = this;
  }
  BackwardPass(const Var& output, const Tensor& dy, Inputs ends)
      : BackwardPass({{output, dy}}, {}, ends) {
    output.add_grad(dy);
  }
  ~BackwardPass() { current = outer; }
  BackwardPass(const BackwardPass&) = delete;
  BackwardPass& operator=(const BackwardPass&) = delete;

  void run() {
    for (std::shared_ptr<Node>& node : order) {
      const std::size_t queued = options.later ? options.later->size() : 0;
      const Tensor dy = node->take_dy();
      if (dy.defined()) node->backward(node->inputs, dy);
      const LeafPart leaves = std::move(node->leaves);
      const auto inputs = std::make_shared<const std::vector<Var>>(std::move(node->inputs));
      node->backward = nullptr;
      node->inputs.clear();
      node.reset();
      if (leaves.run && dy.defined()) {
        if (may_wait(*inputs, leaves.first))
          options.later->actions_.emplace_back(
              [run = leaves.run, inputs, dy] { run(Inputs(*inputs), dy); });
        else
          leaves.run(*inputs, dy);
      }
      const auto done = [inputs, uses = uses_of_leaf, ready = options.on_leaf_ready] {
        for (const Var& input : *inputs) {
          const auto leaf = uses->find(input.node_.get());
          if (leaf == uses->end() || --leaf->second > 0) continue;
          if (ready) ready(input.node_->tag);
        }
      };
      // What was put off belongs to these leaves, also where a pass inside this op did it.
      if (options.later && options.later->size() > queued)
        options.later->actions_.emplace_back(done);
      else
        done();
    }
  }

  // What an op behind it waits for cannot be put off.
  bool may_wait(const std::vector<Var>& inputs, std::size_t first) const {
    return options.later && std::none_of(inputs.begin() + static_cast<std::ptrdiff_t>(first),
                                         inputs.end(), [](const Var& input) {
                                           return input.requires_grad() && input.node_->is_op();
                                         });
  }
};

thread_local BackwardPass* BackwardPass::current = nullptr;

void LeafWork::run() {
  while (!actions_.empty()) {
    const std::function<void()> action = std::move(actions_.front());
    actions_.pop_front();
    action();
  }
}

void backward(const std::vector<Root>& roots, const BackwardOptions& options) {
  if (std::none_of(roots.begin(), roots.end(),
                   [](const Root& root) { return root.output.requires_grad(); }))
    throw std::invalid_argument("backward: the output does not depend on any leaf");
  BackwardPass pass(roots, options);
  for (const auto& [output, dy] : roots)
    output.add_grad(dy.defined() ? dy
                                 : Tensor::full(output.shape(), 1.0, output.value().dtype())
                                       .to(output.value().device()));
  pass.run();
}

void backward(const Var& output, const Tensor& dy, const BackwardOptions& options) {
  backward({{output, dy}}, options);
}

NoGradScope::NoGradScope() : before_(recording) { recording = false; }
NoGradScope::~NoGradScope() { recording = before_; }

bool is_recording() { return recording; }

Var recompute(const std::function<Var(Inputs)>& body, const std::vector<Var>& inputs,
              const std::vector<Var>& parameters) {
  Tensor value;
  {
    const NoGradScope no_grad;
    value = body(inputs).value();
  }
  const std::size_t count = inputs.size();
  std::vector<Var> all = inputs;
  all.insert(all.end(), parameters.begin(), parameters.end());
  // On the same inputs, whose gradients are added to as if they had been recorded: the same bits.
  const auto run_again = [body, count](Inputs in, const Tensor& dy) {
    const Inputs kept = in.first(count);
    BackwardPass(body(kept), dy, kept).run();
  };
  return Var::op(std::move(value), std::move(all), run_again, Dy::kAsSummed);
}

}  // namespace muybridge
