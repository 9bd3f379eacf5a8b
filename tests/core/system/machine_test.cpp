#include "core/system/machine.h"

#include <gtest/gtest.h>

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

TEST(MachineTest, FreeDiskIsUnknownWhereNothingIs) {
  EXPECT_GT(free_disk("."), 0);
  EXPECT_EQ(free_disk("/no/such/folder"), -1);
}

}  // namespace
}  // namespace muybridge
