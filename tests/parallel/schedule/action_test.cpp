#include "parallel/schedule/action.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

TEST(Action, ReadsAsLettersNumbersAndArrows) {
  const Order order{
      forward(0),
      forward(12, 1),
      {ActionKind::kExchange, 0, 0, {{true, false, 3, 12, 1}, {false, true, 1, 7, 0}}},
      backward(0),
      backward_input(1, 2),
      backward_weight(1, 2)};
  EXPECT_EQ(to_string(order), "F0 F12.1 [a12.1>3 g7<1] B0 I1.2 W1.2");
  EXPECT_EQ(to_string(computations(order)), "F0 F12.1 B0 I1.2 W1.2");
}

TEST(Action, FirstMicroBatchesKeepTheirOrder) {
  const Order order{forward(2), forward(0), forward(1, 1), backward(2), backward(0)};
  EXPECT_EQ(to_string(first_micro_batches(order, 2)), "F0 F1.1 B0");
}

}  // namespace
}  // namespace muybridge
