// Plans that are kept, read and made by graphs of attention and of convolution, for an H100 that is
// not there.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

#include "core/cuda/libraries.h"
#include "tests/cuda_plans/small_plans.h"

namespace muybridge::cuda {
namespace {

namespace fs = std::filesystem;

struct Made {
  bool from_file;
  std::int64_t workspace_bytes;
};

template <class Graph, class Key>
Made made(const Key& key, const PlanFiles& files, const DescribedChip& chip) {
  const Graph graph(key, chip, files);
  return {graph.from_file(), graph.workspace_bytes()};
}
Made forward(const PlanFiles& files, const DescribedChip& chip) {
  return made<AttentionGraph>(kForward, files, chip);
}
Made backward(const PlanFiles& files, const DescribedChip& chip) {
  return made<AttentionGraph>(kBackward, files, chip);
}
Made convolution(const PlanFiles& files, const DescribedChip& chip) {
  return made<ConvolutionGraph>(kConvolution, files, chip);
}

class PlanFolderTest : public ::testing::Test {
 protected:
  PlanFolderTest()
      : folder_(fs::temp_directory_path() / fmt::format("muybridge-plans-{}", ::getpid())),
        files_(folder_) {}
  ~PlanFolderTest() override { fs::remove_all(folder_); }

  std::vector<fs::path> paths() const {
    return {fs::directory_iterator(folder_), fs::directory_iterator()};
  }
  // The only file's. What is hashed begins behind a line and 32 digits, and ends its identity with
  // a zero.
  std::string identity() const {
    const std::string file = read_file(paths().at(0));
    const std::size_t begin = file.find('\n') + 1 + 32;
    return file.substr(begin, file.find('\0', begin) - begin);
  }

  fs::path folder_;
  PlanFiles files_;
};

// What a process prints that makes three plans with a folder's files, its log included.
std::string child(const fs::path& folder) {
  const std::string command = fmt::format("'{}' '{}' 2>&1", PLAN_CHILD, folder.string());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             &::pclose);
  std::string printed;
  char block[4096];
  while (const std::size_t got = std::fread(block, 1, sizeof block, pipe.get()))
    printed.append(block, got);
  return printed;
}

int count(const std::string& text, std::string_view part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

TEST_F(PlanFolderTest, SparesTheNextProcessEveryCompilation) {
  EXPECT_EQ(child(folder_), "compiled 3\n");
  EXPECT_EQ(child(folder_), "compiled 0\n");
}

TEST_F(PlanFolderTest, ServesTwoProcessesAtOnce) {
  std::future<std::string> one = std::async(std::launch::async, child, folder_),
                           other = std::async(std::launch::async, child, folder_);
  for (std::future<std::string>* each : {&one, &other}) {
    const std::string printed = each->get();
    EXPECT_EQ(printed.size(), 11U) << printed;
    EXPECT_TRUE(printed.starts_with("compiled ")) << printed;
  }
  EXPECT_EQ(paths().size(), 3U);
  EXPECT_EQ(child(folder_), "compiled 0\n");
}

TEST_F(PlanFolderTest, IsSaidOnceToTakeNothing) {
  fs::create_directories(folder_);
  write_file_durably(folder_ / "file", "");
  const std::string printed = child(folder_ / "file" / "plans");
  EXPECT_EQ(count(printed, "a compiled plan could not be kept"), 1) << printed;
  EXPECT_TRUE(printed.ends_with("compiled 3\n")) << printed;
}

TEST_F(PlanFolderTest, IsSaidOnceToBeDamaged) {
  child(folder_);
  for (const fs::path& each : paths()) {
    std::string damaged = read_file(each);
    damaged[damaged.size() - 1000] ^= 1;
    write_file_durably(each, damaged);
  }
  const std::string printed = child(folder_);
  EXPECT_EQ(count(printed, "a compiled plan is damaged"), 1) << printed;
  EXPECT_TRUE(printed.ends_with("compiled 3\n")) << printed;
  EXPECT_EQ(child(folder_), "compiled 0\n");
}

struct Subject {
  const char* name;
  Made (*make)(const PlanFiles&, const DescribedChip&);
};
std::ostream& operator<<(std::ostream& out, const Subject& subject) { return out << subject.name; }

class PlansOnDisk : public PlanFolderTest, public ::testing::WithParamInterface<Subject> {
 protected:
  Made make(const DescribedChip& chip = h100()) const { return GetParam().make(files_, chip); }
};

TEST_P(PlansOnDisk, AreCompiledOnce) {
  const Made first = make(), second = make();
  EXPECT_FALSE(first.from_file);
  EXPECT_TRUE(second.from_file);
  EXPECT_EQ(first.workspace_bytes, second.workspace_bytes);
  EXPECT_FALSE(GetParam().make(PlanFiles(), h100()).from_file);
}

TEST_P(PlansOnDisk, AreOfOneChip) {
  make();
  DescribedChip other = h100();
  other.json.replace(other.json.find("H100 80GB HBM3"), 14, "H100 NVL      ");
  EXPECT_FALSE(make(other).from_file);
  EXPECT_EQ(paths().size(), 2U);
}

// As if another had filled the folder.
TEST_P(PlansOnDisk, AreOfOneCudnn) {
  make();
  const std::string own = fmt::format("cuDNN {} for CUDA {}", dnn_calls().cudnnGetVersion(),
                                      dnn_calls().cudnnGetCudartVersion());
  for (const std::string& others :
       {fmt::format("cuDNN 99999 for CUDA {}", dnn_calls().cudnnGetCudartVersion()),
        fmt::format("cuDNN {} for CUDA 99999", dnn_calls().cudnnGetVersion())}) {
    std::string text = identity();
    const std::string plan = *files_.read(text);
    ASSERT_EQ(count(text, own), 1) << text;
    text.replace(text.find(own), own.size(), others);
    fs::remove_all(folder_);
    files_.write(text, plan);
    EXPECT_FALSE(make().from_file);
    fs::remove(files_.path_of(text));
  }
}

TEST_P(PlansOnDisk, AreCompiledAnewWhereCudnnDoesNotTakeThem) {
  make();
  const std::string text = identity();
  for (const char* plan : {"", "not a plan", "{}"}) {
    files_.write(text, plan);
    EXPECT_FALSE(make().from_file) << plan;
    EXPECT_TRUE(make().from_file) << plan;
  }
}

INSTANTIATE_TEST_SUITE_P(H100, PlansOnDisk,
                         ::testing::Values(Subject{"Forward", &forward},
                                           Subject{"Backward", &backward},
                                           Subject{"Convolution", &convolution}),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST_F(PlanFolderTest, TellsAttentionsApart) {
  using Key = AttentionPlanKey;
  std::size_t plans = 0;
  for (std::int64_t Key::*const field :
       {&Key::batch, &Key::heads, &Key::head_width, &Key::longest_query, &Key::longest_key,
        &Key::query_rows, &Key::key_rows, &Key::q_stride, &Key::k_stride, &Key::v_stride,
        &Key::dq_stride, &Key::dk_stride, &Key::dv_stride}) {
    Key key = kBackward;
    key.*field *= 2;
    EXPECT_FALSE(made<AttentionGraph>(key, files_, h100()).from_file) << plans;
    EXPECT_EQ(paths().size(), ++plans);
  }
}

TEST_F(PlanFolderTest, TellsConvolutionsApart) {
  const auto with = [](auto change) {
    ConvolutionPlanKey key = kConvolution;
    change(key);
    return key;
  };
  std::size_t plans = 0;
  for (const ConvolutionPlanKey& key :
       {kConvolution, with([](auto& key) { key.shape.size[0] = 5; }), with([](auto& key) {
          key.shape.size = {4, 16, 64};
        }),
        with([](auto& key) { key.shape.channels = 64; }), with([](auto& key) {
          key.shape.kernel = {3, 1, 3};
        }),
        with([](auto& key) { key.shape.results = 32; }), with([](auto& key) {
          key.shape.stride = {1, 2, 2};
        }),
        with([](auto& key) { std::swap(key.shape.before, key.shape.after); }),
        with([](auto& key) { key.part = ConvolutionPart::kInputGradient; }),
        with([](auto& key) { key.part = ConvolutionPart::kWeightGradient; }),
        with([](auto& key) { key.dtype = static_cast<std::int64_t>(DType::kF32); }),
        with([](auto& key) { key.has_bias = 0; })}) {
    EXPECT_FALSE(made<ConvolutionGraph>(key, files_, h100()).from_file) << plans;
    EXPECT_EQ(paths().size(), ++plans);
  }
}

}  // namespace
}  // namespace muybridge::cuda
