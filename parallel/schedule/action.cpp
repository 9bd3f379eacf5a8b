#include "parallel/schedule/action.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace muybridge {
namespace {

// "3" or, of a chunk that is not the first, "3.1".
std::string place(int micro_batch, int chunk) {
  return chunk == 0 ? fmt::format("{}", micro_batch) : fmt::format("{}.{}", micro_batch, chunk);
}

std::string to_string(const StreamMessage& message) {
  return fmt::format("{}{}{}{}", message.gradient ? 'g' : 'a',
                     place(message.micro_batch, message.chunk), message.outgoing ? '>' : '<',
                     message.peer);
}

}  // namespace

Action forward(int micro_batch, int chunk) {
  return {ActionKind::kForward, micro_batch, chunk, {}};
}
Action backward(int micro_batch, int chunk) {
  return {ActionKind::kBackward, micro_batch, chunk, {}};
}
Action backward_input(int micro_batch, int chunk) {
  return {ActionKind::kBackwardInput, micro_batch, chunk, {}};
}
Action backward_weight(int micro_batch, int chunk) {
  return {ActionKind::kBackwardWeight, micro_batch, chunk, {}};
}

std::string to_string(const Action& action) {
  constexpr char kLetters[] = {'F', 'B', 'I', 'W'};
  if (action.computes())
    return kLetters[static_cast<int>(action.kind)] + place(action.micro_batch, action.chunk);
  std::vector<std::string> words;
  words.reserve(action.messages.size());
  for (const StreamMessage& message : action.messages) words.push_back(to_string(message));
  return fmt::format("[{}]", fmt::join(words, " "));
}

std::string to_string(std::span<const Action> order) {
  std::vector<std::string> words;
  words.reserve(order.size());
  for (const Action& action : order) words.push_back(to_string(action));
  return fmt::format("{}", fmt::join(words, " "));
}

Order computations(const Order& order) {
  Order result;
  std::copy_if(order.begin(), order.end(), std::back_inserter(result),
               [](const Action& action) { return action.computes(); });
  return result;
}

Order first_micro_batches(Order order, int micro_batches) {
  std::erase_if(order, [&](const Action& action) { return action.micro_batch >= micro_batches; });
  return order;
}

}  // namespace muybridge
