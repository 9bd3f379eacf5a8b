#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/system/file.h"

namespace muybridge {
namespace {

const std::string kBinary = MUYBRIDGE_BINARY;
const std::string kConfigs = std::string(MUYBRIDGE_SOURCE_DIR) + "/configs/";

class PlanCommand : public testing::Test {
 protected:
  PlanCommand()
      : folder_(std::filesystem::temp_directory_path() /
                fmt::format("muybridge-plan-{}", ::getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~PlanCommand() override { std::filesystem::remove_all(folder_); }

  int plan(const std::string& arguments) {
    const std::string out = (folder_ / "out").string(), err = (folder_ / "err").string();
    const int status = std::system(
        fmt::format("{} plan {} >{} 2>{} </dev/null", kBinary, arguments, out, err).c_str());
    out_ = read_file(out), err_ = read_file(err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::filesystem::path folder_;
  std::string out_, err_;
};

TEST_F(PlanCommand, PlansEveryLargeConfiguration) {
  for (const char* config : {"dit-1.3b.yaml", "dit-14b.yaml"}) {
    ASSERT_EQ(plan(kConfigs + config + " --nodes 8 --json"), 0) << err_;
    const auto json = nlohmann::json::parse(out_);
    EXPECT_EQ(json.at("ranks"), 64);
    EXPECT_EQ(json.at("clip_tokens"), 32760);
    ASSERT_FALSE(json.at("best").empty()) << config;
    for (const auto& each : json.at("best")) {
      EXPECT_TRUE(each.at("fits").get<bool>());
      EXPECT_GT(each.at("mfu").get<double>(), 0.1) << config;
      EXPECT_LT(each.at("mfu").get<double>(), 1) << config;
    }
  }
}

// A configuration with these overrides is that layout.
TEST_F(PlanCommand, SaysHowToHaveTheBestLayout) {
  const std::string config = kConfigs + "dit-1.3b.yaml --nodes 8 --best 1 --json ";
  ASSERT_EQ(plan(config), 0) << err_;
  const auto best = nlohmann::json::parse(out_).at("best").at(0);
  ASSERT_EQ(plan(config + best.at("overrides").get<std::string>()), 0) << err_;
  EXPECT_EQ(nlohmann::json::parse(out_).at("configured").at("layout"), best.at("layout"));
}

TEST_F(PlanCommand, DrawsATimeLine) {
  const std::string picture = (folder_ / "line.svg").string();
  ASSERT_EQ(plan(kConfigs + "dit-1.3b.yaml parallel.pipeline=2 --nodes 1 --picture " + picture), 0)
      << err_;
  EXPECT_NE(out_.find("MFU"), std::string::npos);
  EXPECT_NE(err_.find("picture: " + picture), std::string::npos) << err_;
  EXPECT_TRUE(read_file(picture).starts_with("<svg "));
  EXPECT_EQ(plan(kConfigs + "dit-1.3b.yaml --picture /no/such/folder/line.svg"), 74);
}

TEST_F(PlanCommand, MistakesAreTold) {
  const std::string config = kConfigs + "dit-1.3b.yaml ";
  for (const auto& [arguments, reason] :
       {std::pair{"--gpu h300", "h300"},
        {"--nodes 0", "--nodes"},
        {"--gpus-per-node 0", "--gpus-per-node"},
        {"--nodes 2000000", "at most"},
        {"--link -1", "--link"},
        {"--gpus-per-node 5 parallel.tensor=5",
         "model.text_heads = 16 cannot be shared by parallel.tensor = 5"},
        {"parallel.data=3", "needs 3 ranks, the job has 8"},
        {"train.steps=5", "train.steps"},
        {"parallel.tensr=2", "parallel.tensr"}}) {
    EXPECT_EQ(plan(config + arguments), 2) << arguments;
    EXPECT_NE(err_.find(reason), std::string::npos) << arguments << "\n" << err_;
    EXPECT_EQ(out_, "") << arguments;
  }
  EXPECT_EQ(plan("/no/such/file.yaml"), 2);
}

TEST_F(PlanCommand, TheOrderOfRanksSaysWhatTheNetworkCarries) {
  const auto network = [&](const std::string& order) {
    EXPECT_EQ(
        plan(kConfigs + "dit-1.3b.yaml parallel.tensor=4 --nodes 2 --json parallel.order=" + order),
        0)
        << err_;
    const nlohmann::json configured = nlohmann::json::parse(out_).at("configured");
    EXPECT_EQ(configured.at("layout").at("order"), order);
    EXPECT_NE(configured.at("overrides").get<std::string>().find("parallel.order=" + order),
              std::string::npos);
    return configured.at("seconds").get<double>();
  };
  EXPECT_GT(network("data-pipeline-context-tensor"), network("tensor-context-data-pipeline"));
}

TEST_F(PlanCommand, LinksCanBeSaid) {
  const auto seconds = [&](const std::string& options) {
    EXPECT_EQ(plan(kConfigs + "dit-1.3b.yaml parallel.tensor=4 --nodes 2 --json " + options), 0)
        << err_;
    return nlohmann::json::parse(out_).at("configured").at("seconds").get<double>();
  };
  EXPECT_GT(seconds("--link 50"), seconds("--link 450"));
  EXPECT_EQ(seconds("--link 450"), seconds(""));
}

}  // namespace
}  // namespace muybridge
