#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace muybridge {

// A pipeline schedule is a list of actions for each rank, and nothing else decides the order in
// which the ranks of a pipeline work.
enum class ActionKind : std::uint8_t {
  kForward,
  kBackward,        // the whole backward: gradients of inputs and of weights
  kBackwardInput,   // the gradient of the chunk's input, on which earlier stages wait
  kBackwardWeight,  // the gradients of its weights, on which nobody waits: after its BackwardInput
  kExchange,        // messages, posted together
};

// What a neighbour in the model is sent, or sends: the output of a chunk (an activation) on the
// way forward, the gradient of a chunk's input on the way back. `chunk` is the sender's chunk that
// made it where it leaves, the receiver's chunk that uses it where it arrives.
struct StreamMessage {
  bool outgoing = false;
  bool gradient = false;
  int peer = 0;  // rank in the pipeline's group
  int micro_batch = 0;
  int chunk = 0;
  bool operator==(const StreamMessage&) const = default;
};

struct Action {
  ActionKind kind = ActionKind::kForward;
  int micro_batch = 0;  // of a computation
  int chunk = 0;        // of a computation: which of the parts of the model that this rank holds
  std::vector<StreamMessage> messages;  // of an exchange
  bool operator==(const Action&) const = default;

  bool computes() const { return kind != ActionKind::kExchange; }
};

// One rank's actions, first to last.
using Order = std::vector<Action>;

Action forward(int micro_batch, int chunk = 0);
Action backward(int micro_batch, int chunk = 0);
Action backward_input(int micro_batch, int chunk = 0);
Action backward_weight(int micro_batch, int chunk = 0);

// "F0 F1.1 [a0>1 g0<1] B0 I1 W1": a letter for the kind (B whole backward, I its input part, W its
// weight part), the micro-batch, and the chunk unless it is the first; an exchange in brackets,
// with a activation, g gradient, > the rank it goes to, < the rank it comes from.
std::string to_string(const Action& action);
std::string to_string(std::span<const Action> order);

// The order without its exchanges.
Order computations(const Order& order);
// The computations of the first micro-batches only. What is left of a schedule that cannot get
// stuck cannot get stuck either: no micro-batch waits for another.
Order first_micro_batches(Order order, int micro_batches);

}  // namespace muybridge
