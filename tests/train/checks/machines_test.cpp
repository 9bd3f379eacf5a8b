#include "train/checks/machines.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace muybridge {
namespace {

using Hosts = std::vector<std::string>;

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

TEST(ScatteredRanks, NeighboursOfOneMachineAreWell) {
  EXPECT_EQ(scattered_ranks({.data = 2, .tensor = 2}, Hosts{"a", "a", "b", "b"}), "");
  EXPECT_EQ(scattered_ranks({.tensor = 2, .context = 2, .pipeline = 2},
                            Hosts{"a", "a", "a", "a", "b", "b", "b", "b"}),
            "");
}

TEST(ScatteredRanks, DataAndPipelineMayLieOnSeveral) {
  EXPECT_EQ(scattered_ranks({.data = 2, .pipeline = 2}, Hosts{"a", "b", "a", "b"}), "");
}

TEST(ScatteredRanks, AsMapByNodePutsThem) {
  const std::string text = scattered_ranks({.data = 2, .tensor = 2}, Hosts{"a", "b", "a", "b"});
  EXPECT_TRUE(says(text, "ranks 0 on a and 1 on b")) << text;
  EXPECT_TRUE(says(text, "--map-by slot, not --map-by node")) << text;
}

TEST(ScatteredRanks, SlotsThatDoNotDivide) {
  const std::string text =
      scattered_ranks({.data = 3, .context = 2}, Hosts{"a", "a", "a", "b", "b", "b"});
  EXPECT_TRUE(says(text, "ranks 2 on a and 3 on b")) << text;
  EXPECT_TRUE(says(text, "divides")) << text;
}

TEST(ScatteredRanks, MoreThanAMachineHas) {
  const std::string text = scattered_ranks({.tensor = 4}, Hosts{"a", "a", "b", "b"});
  EXPECT_TRUE(says(text, "A machine has 2 ranks and 4 share one")) << text;
}

TEST(SlowLauncher, IsSaidOnlyWhereThereAreSeveralMachines) {
  EXPECT_EQ(slow_launcher(1, 480, 60), "");
  EXPECT_EQ(slow_launcher(2, 16, 60), "");
  EXPECT_TRUE(says(slow_launcher(2, 480, 60), "after 480 s, the ranks after 60"));
  EXPECT_TRUE(says(slow_launcher(2, 16, 4), "train.liveness_seconds"));
}

TEST(SlowLauncher, ReadsTheVariablesOfOpenMpi) {
  for (const auto& [name, value] : {std::pair{"OMPI_MCA_oob_tcp_keepalive_time", "10"},
                                    {"OMPI_MCA_oob_tcp_keepalive_intvl", "2"},
                                    {"OMPI_MCA_oob_tcp_keepalive_probes", "3"}}) {
    EXPECT_GT(launcher_patience(), 16);
    ::setenv(name, value, 1);
  }
  EXPECT_EQ(launcher_patience(), 16);
  for (const char* name : {"OMPI_MCA_oob_tcp_keepalive_time", "OMPI_MCA_oob_tcp_keepalive_intvl",
                           "OMPI_MCA_oob_tcp_keepalive_probes"})
    ::unsetenv(name);
}

}  // namespace
}  // namespace muybridge
