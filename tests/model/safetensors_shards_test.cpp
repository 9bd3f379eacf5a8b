#include "model/safetensors_shards.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "core/error.h"

namespace muybridge {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SafetensorsShardsTest : public ::testing::Test {
 protected:
  SafetensorsShardsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "shards-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
  }
  ~SafetensorsShardsTest() override { std::filesystem::remove_all(folder_); }

  void put_shard(const std::string& file, const std::vector<std::string>& names) const {
    std::vector<SafetensorsSpec> specs;
    for (const std::string& name : names) specs.push_back({.name = name, .shape = {2}});
    SafetensorsWriter writer(folder_ / file, specs, {});
    for (const std::string& name : names)
      writer.add(name, Tensor::full({2}, static_cast<double>(name.front())));
    writer.commit();
  }
  void put_index(const std::string& json) const {
    std::ofstream(folder_ / "model.safetensors.index.json") << json;
  }
  // Why the folder is refused, and with which code; empty when it is not.
  std::string refusal(ExitCode code) const {
    try {
      const SafetensorsShards shards(folder_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    return {};
  }

  std::filesystem::path folder_;
};

constexpr const char* kIndex =
    R"({"metadata": {"total_size": 24}, "weight_map": {"a": "1.safetensors", "b": "2.safetensors", "c": "1.safetensors"}})";

TEST_F(SafetensorsShardsTest, TensorsOfAllShardsAreFoundByAFolderOrItsIndex) {
  put_shard("1.safetensors", {"a", "c"});
  put_shard("2.safetensors", {"b"});
  put_index(kIndex);
  for (const std::filesystem::path& path : {folder_, folder_ / "model.safetensors.index.json"}) {
    const SafetensorsShards shards(path);
    EXPECT_THAT(shards.names(), ElementsAre("a", "b", "c"));
    for (const std::string name : {"a", "b", "c"}) {
      const Tensor into = Tensor::zeros({2});
      shards.read_into(name, into);
      EXPECT_THAT(into.to_vector<float>(), ElementsAre(name.front(), name.front()));
      EXPECT_THAT(shards.read(name).to_vector<float>(), ElementsAre(name.front(), name.front()));
      EXPECT_EQ(shards.find(name)->shape, std::vector<std::int64_t>{2});
    }
    EXPECT_EQ(shards.find("d"), nullptr);
    EXPECT_THROW(shards.read("d"), Error);
  }
}

TEST_F(SafetensorsShardsTest, OneFileNeedsNoIndex) {
  put_shard("model.safetensors", {"a", "b"});
  EXPECT_THAT(SafetensorsShards(folder_).names(), ElementsAre("a", "b"));
  EXPECT_THAT(SafetensorsShards(folder_ / "model.safetensors").names(), ElementsAre("a", "b"));
}

TEST_F(SafetensorsShardsTest, AFolderThatLeavesAChoiceIsRefusedWithTheNames) {
  EXPECT_THAT(refusal(ExitCode::kUsage), HasSubstr("no .safetensors.index.json"));
  put_shard("x.safetensors", {"a"});
  put_shard("y.safetensors", {"a"});
  EXPECT_THAT(refusal(ExitCode::kUsage), HasSubstr("x.safetensors, y.safetensors"));
}

TEST_F(SafetensorsShardsTest, AllMissingShardsAreNamed) {
  put_index(
      R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors", "c": "3.safetensors"}})");
  put_shard("2.safetensors", {"b"});
  EXPECT_THAT(refusal(ExitCode::kUsage), AllOf(HasSubstr("2 of 3 shards are missing"),
                                               HasSubstr("1.safetensors, 3.safetensors")));
}

TEST_F(SafetensorsShardsTest, ATensorOfTwoShardsOrOfNoneIsRefused) {
  put_index(kIndex);
  put_shard("1.safetensors", {"a", "c"});
  put_shard("2.safetensors", {"b", "c"});
  EXPECT_THAT(refusal(ExitCode::kCorrupt),
              HasSubstr("'c' lies in 2.safetensors, the index says 1.safetensors"));
  put_shard("2.safetensors", {"b", "d"});
  EXPECT_THAT(refusal(ExitCode::kCorrupt), HasSubstr("'d' lies in 2.safetensors, the index says"));
  put_shard("2.safetensors", {"b"});
  put_shard("1.safetensors", {"a"});
  EXPECT_THAT(refusal(ExitCode::kCorrupt), HasSubstr("'c' from 1.safetensors"));
}

TEST_F(SafetensorsShardsTest, FilesOutsideOfTheFolderAreNeverOpened) {
  put_shard("1.safetensors", {"a"});
  for (const char* file :
       {"../1.safetensors", "/etc/1.safetensors", "x/1.safetensors", "..\\\\1.safetensors",
        "passwd", ".safetensors", "", "1.safetensors\\u0000", "1\\u0000.safetensors"}) {
    put_index(fmt::format(R"({{"weight_map": {{"a": "{}"}}}})", file));
    EXPECT_THAT(refusal(ExitCode::kCorrupt), HasSubstr("beside the index is expected")) << file;
  }
  put_index(R"({"weight_map": {"a": 7}})");
  EXPECT_THAT(refusal(ExitCode::kCorrupt), HasSubstr("beside the index is expected"));
}

TEST_F(SafetensorsShardsTest, AnIndexThatIsNoneIsRefused) {
  put_shard("1.safetensors", {"a"});
  for (const char* text : {"", "[", "{}", R"({"weight_map": {}})", R"({"weight_map": ["a"]})",
                           "[1]", "7", R"({"weight_map": {"a": "1.safetensors")"}) {
    put_index(text);
    EXPECT_THAT(refusal(ExitCode::kCorrupt), HasSubstr("no index of shards")) << text;
  }
  put_index(R"({"weight_map": {"a": "1.safetensors", "a": "1.safetensors"}})");
  EXPECT_THAT(refusal(ExitCode::kCorrupt), HasSubstr("'a' stands there twice"));
  // Names of other objects may be the same.
  put_index(R"({"a": {"a": 1}, "weight_map": {"a": "1.safetensors"}, "b": [{"a": 1}, {"a": 2}]})");
  EXPECT_EQ(refusal(ExitCode::kCorrupt), "");
  put_index(std::string(100000, '['));
  EXPECT_THAT(refusal(ExitCode::kCorrupt), HasSubstr("no index of shards"));
}

}  // namespace
}  // namespace muybridge
