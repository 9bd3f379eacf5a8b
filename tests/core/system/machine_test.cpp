#include "core/system/machine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace muybridge {
namespace {

TEST(MachineTest, SaysWhatIsThere) {
  const Machine machine = this_machine();
  EXPECT_GE(machine.cores, 1);
  EXPECT_GT(machine.memory, 1 << 20);
  EXPECT_GT(machine.memory_available, 0);
  EXPECT_LE(machine.memory_available, machine.memory);
  EXPECT_FALSE(machine.cpu.empty());
  EXPECT_FALSE(machine.simd.empty());
}

TEST(MachineTest, ThePeakOfMemoryGrowsWithWhatIsHeldAndStays) {
  constexpr std::int64_t kBytes = 64 << 20;
  const std::int64_t before = peak_resident_bytes();
  EXPECT_GT(before, 1 << 20);
  {
    const std::vector<char> held(static_cast<std::size_t>(before + kBytes), 1);
    EXPECT_EQ(std::ranges::count(held, 1), std::ssize(held));
  }
  EXPECT_GE(peak_resident_bytes(), before + kBytes);
}

TEST(MachineTest, FreeDiskIsUnknownWhereNothingIs) {
  EXPECT_GT(free_disk("."), 0);
  EXPECT_EQ(free_disk("/no/such/folder"), -1);
}

}  // namespace
}  // namespace muybridge
