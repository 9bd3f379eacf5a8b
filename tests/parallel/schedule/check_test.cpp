#include "tests/parallel/schedule/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/parallel/schedule/schedule_claims.h"

namespace muybridge {
namespace {

using ::testing::HasSubstr;

PipelineSchedule good() { return schedule_of(ScheduleKind::kZbH1, 3, 1, 4, {1, 1, 1, 1, 1}); }

std::size_t find(const Order& order, const std::string& text) {
  for (std::size_t k = 0; k < order.size(); ++k)
    if (to_string(order[k]) == text) return k;
  ADD_FAILURE() << text << " is not in " << to_string(order);
  return 0;
}

// The fault after `change` was made to the list of rank 1.
template <class Change>
std::string fault_after(const Change& change) {
  PipelineSchedule schedule = good();
  change(schedule.ranks[1]);
  return find_fault(schedule);
}

TEST(Check, AGoodScheduleHasNoFault) { EXPECT_EQ(find_fault(good()), ""); }

TEST(Check, FindsAnActionThatIsMissing) {
  for (const char* action : {"F3", "I3", "W3"})
    EXPECT_NE(fault_after([&](Order& order) {
                order.erase(order.begin() + static_cast<std::ptrdiff_t>(find(order, action)));
              }),
              "")
        << action;
}

TEST(Check, FindsAnActionThatComesTwice) {
  for (const char* action : {"F1", "I1", "W1"})
    EXPECT_THAT(fault_after([&](Order& order) { order.push_back(order[find(order, action)]); }),
                HasSubstr("runs twice"));
}

TEST(Check, FindsActionsOutOfOrder) {
  const auto swapped = [](const char* a, const char* b) {
    return fault_after(
        [&](Order& order) { std::swap(order[find(order, a)], order[find(order, b)]); });
  };
  EXPECT_THAT(swapped("I2", "W2"), HasSubstr("rank 1"));
  EXPECT_THAT(swapped("F0", "I0"), HasSubstr("rank 1, action 1, I0: comes before its forward"));
}

TEST(Check, FindsWhatIsUsedBeforeItArrives) {
  EXPECT_THAT(fault_after([](Order& order) { std::swap(order[0], order[1]); }),
              HasSubstr("rank 1, action 0, F0: its input was not received"));
}

TEST(Check, FindsMessagesThatMeetInAnotherOrder) {
  PipelineSchedule schedule = schedule_of(ScheduleKind::kGpipe, 2, 1, 2, {1, 1, 1, 1, 1});
  ASSERT_EQ(to_string(schedule.ranks[1]), "[a0<0] F0 [a1<0] F1 B0 [g0>0] B1 [g1>0]");
  Order& order = schedule.ranks[1];
  std::swap(order[1], order[2]);
  EXPECT_EQ(find_fault(schedule), "");
  std::swap(order[0], order[1]);
  EXPECT_EQ(find_fault(schedule), "rank 1 does not receive from rank 0 in the order sent");
}

TEST(Check, FindsAMessageToAWrongRank) {
  EXPECT_THAT(fault_after([](Order& order) { order[0].messages[0].peer = 2; }),
              HasSubstr("wrong rank"));
}

}  // namespace
}  // namespace muybridge
