#include "model/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cstring>
#include <fstream>

#include "core/error.h"
#include "core/random.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

class Safetensors : public ::testing::Test {
 protected:
  Safetensors() {
    std::string pattern = (std::filesystem::temp_directory_path() / "safetensors-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
    path_ = folder_ / "t.safetensors";
  }
  ~Safetensors() override { std::filesystem::remove_all(folder_); }

  void put(const std::string& content) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  }
  void put(const std::string& header, std::size_t data_bytes) const {
    std::string content(8, '\0');
    const std::uint64_t bytes = header.size();
    std::memcpy(content.data(), &bytes, 8);
    put(content + header + std::string(data_bytes, '\1'));
  }
  // Why the file is refused; empty when it is not.
  std::string refusal() const {
    try {
      const SafetensorsReader reader(path_);
      for (const SafetensorsEntry& entry : reader.entries())
        if (safetensors_element_bytes(entry.dtype) == 4) static_cast<void>(reader.read(entry.name));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kCorrupt) << error.what();
      return error.what();
    }
    return {};
  }
  std::string refusal(const std::string& header, std::size_t data_bytes) const {
    put(header, data_bytes);
    return refusal();
  }

  std::filesystem::path folder_, path_;
};

TEST_F(Safetensors, WhatIsWrittenIsReadBitByBit) {
  const std::vector<std::pair<std::string, Tensor>> tensors = {
      {"a", Tensor::of<float>({2, 3}, std::vector<float>{1, -0.0F, 3, 4, 5, 1e-40F})},
      {"b", Tensor::full({3}, 1.5, DType::kBF16)},
      {"empty", Tensor::empty({0, 4})},
      {"scalar", Tensor::full({}, 2.5, DType::kF64)},
      {"ids", Tensor::of<std::int32_t>({2}, std::vector<std::int32_t>{-7, 7})},
      {"bytes", Tensor::of<std::uint8_t>({5}, std::vector<std::uint8_t>{1, 2, 3, 4, 255})},
      {"long", Tensor::of<std::int64_t>({1}, std::vector<std::int64_t>{-(1LL << 60)})},
      {"näme \"quoted\"", Tensor::full({1, 1, 1, 1, 1, 1}, 9)}};
  std::vector<SafetensorsSpec> specs;
  for (const auto& [name, tensor] : tensors)
    specs.push_back({name, tensor.dtype(), tensor.shape()});
  SafetensorsWriter writer(path_, specs, {{"format", "pt"}, {"note", "a\nb"}});
  for (const auto& [name, tensor] : tensors) writer.add(name, tensor);
  EXPECT_FALSE(std::filesystem::exists(path_));
  writer.commit();

  const SafetensorsReader reader(path_);
  EXPECT_EQ(reader.metadata(), (SafetensorsMetadata{{"format", "pt"}, {"note", "a\nb"}}));
  EXPECT_EQ(reader.entries().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const Tensor read = reader.read(name);
    EXPECT_EQ(read.shape(), tensor.shape()) << name;
    EXPECT_EQ(read.dtype(), tensor.dtype()) << name;
    EXPECT_TRUE(tensor.bytes() == 0 || std::memcmp(read.raw(), tensor.raw(), tensor.bytes()) == 0)
        << name;
    EXPECT_EQ(reader.find(name)->begin % size_of(tensor.dtype()), 0U) << name;
  }
  // Readers that map the file want the data at a multiple of 8.
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, read_file(path_).data(), 8);
  EXPECT_EQ(header_bytes % 8, 0U);
}

TEST_F(Safetensors, AFileWithoutTensorsIsOne) {
  SafetensorsWriter(path_, {}).commit();
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(refusal("{}", 0), "");
  EXPECT_EQ(refusal("{\"__metadata__\":{}}   ", 0), "");
}

TEST_F(Safetensors, OfTwoWritersOfOneFileTheLastWinsWhole) {
  const auto writer = [&] {
    return std::make_unique<SafetensorsWriter>(
        path_,
        std::vector<SafetensorsSpec>{{"a", DType::kF32, {1000}}, {"b", DType::kF32, {1000}}});
  };
  const auto first = writer(), second = writer();
  first->add("a", Tensor::full({1000}, 1));
  second->add("a", Tensor::full({1000}, 2));
  second->add("b", Tensor::full({1000}, 2));
  second->commit();
  first->add("b", Tensor::full({1000}, 1));
  EXPECT_EQ(SafetensorsReader(path_).read("a").data<float>()[999], 2);
  EXPECT_EQ(SafetensorsReader(path_).read("b").data<float>()[999], 2);
  first->commit();
  EXPECT_EQ(SafetensorsReader(path_).read("a").data<float>()[999], 1);
  EXPECT_EQ(SafetensorsReader(path_).read("b").data<float>()[999], 1);
}

TEST_F(Safetensors, AnUnfinishedWriterLeavesTheOldFile) {
  put("old");
  {
    SafetensorsWriter writer(path_, {{"a", DType::kF32, {2}}});
    EXPECT_THROW(writer.commit(), std::invalid_argument);
    EXPECT_THROW(writer.add("b", Tensor::zeros({2})), std::invalid_argument);
    EXPECT_THROW(writer.add("a", Tensor::zeros({3})), std::invalid_argument);
    EXPECT_THROW(writer.add("a", Tensor::zeros({2}, DType::kF64)), std::invalid_argument);
    writer.add("a", Tensor::zeros({2}));
    EXPECT_THROW(writer.add("a", Tensor::zeros({2})), std::invalid_argument);
  }
  EXPECT_EQ(read_file(path_), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
  EXPECT_THROW(SafetensorsWriter(path_, {{"a", DType::kF32, {2}}, {"a", DType::kF32, {2}}}),
               std::invalid_argument);
}

TEST_F(Safetensors, AskingForWhatIsNotThereNamesTheNearest) {
  put(R"({"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4);
  try {
    SafetensorsReader(path_).read("wieght");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("'weight'"), std::string::npos) << error.what();
  }
}

TEST_F(Safetensors, ElementTypesAndRanksThatWeLackAreListedButNotRead) {
  put(R"({"h":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},)"
      R"("r":{"dtype":"U8","shape":[1,1,1,1,1,1,1],"data_offsets":[2,3]}})",
      3);
  const SafetensorsReader reader(path_);
  for (const char* name : {"h", "r"}) {
    try {
      reader.read(name);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
    }
  }
}

TEST_F(Safetensors, HeadersThatLieAreRefused) {
  const auto entry = [](const std::string& shape, const std::string& offsets,
                        const std::string& dtype = "\"F32\"") {
    return "\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets +
           "}";
  };
  const auto alone = [&](const std::string& e) { return "{" + e + "}"; };
  EXPECT_EQ(refusal(alone(entry("[2]", "[0,8]")), 8), "");

  struct Case {
    std::string header;
    std::size_t bytes;
    std::string reason;
  };
  const std::vector<Case> cases = {
      {alone(entry("[2]", "[0,8]")), 9, "accounts for 8"},
      {alone(entry("[2]", "[0,8]")), 7, "bytes 0 to 8 of 7"},
      {alone(entry("[3]", "[0,8]")), 8, "wants 12"},
      {alone(entry("[2]", "[8,0]")), 8, "bytes 8 to 0"},
      {alone(entry("[2]", "[4,12]")), 12, "hole"},
      {alone(entry("[4611686018427387904,4]", "[0,0]")), 0, "overflows"},
      {alone(entry("[4294967296,4294967296]", "[0,0]")), 0, "overflows"},
      {alone(entry("[9223372036854775807,2]", "[0,8]")), 8, "overflows"},
      {alone(entry("[9223372036854775808]", "[0,8]")), 8, "too large"},
      {alone(entry("[-2]", "[0,8]")), 8, "negative"},
      {alone(entry("[2.0]", "[0,8]")), 8, "fraction"},
      {alone(entry("[2]", "[0,8,9]")), 8, "two numbers"},
      {alone(entry("[2]", "[0]")), 8, "two numbers"},
      {alone(entry("[[2]]", "[0,8]")), 8, "an array"},
      {alone(entry("2", "[0,8]")), 8, "a number"},
      {alone(entry("[2]", "[0,8]", "\"F33\"")), 8, "unknown dtype"},
      {alone(entry("[2]", "[0,8]", "7")), 8, "a number"},
      {alone(entry("[2]", "[0,8]", "null")), 8, "null"},
      {alone(entry("[2]", "[0,8]", "true")), 8, "a boolean"},
      {alone(entry("[2]", "[0,8]", "{}")), 8, "an object"},
      {"{" + entry("[2]", "[0,8]") + "," + entry("[2]", "[8,16]") + "}", 16, "twice"},
      {R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8, "twice"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", 8, "lacks"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", 8, "unknown key"},
      {R"({"__metadata__":{"a":1}})", 0, "a number"},
      {R"({"__metadata__":{"a":"1","a":"2"}})", 0, "twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "twice"},
      {R"({"a":[]})", 0, "an array"},
      {R"({"a":{}})", 0, "lacks"},
      {R"([])", 0, "begin"},
      {R"( {})", 0, "begin"},
      {R"({} x)", 0, "no valid JSON"},
      {"{\"\xff\":{}}", 0, "no valid JSON"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4, "overlaps"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
       R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
       12, "overlaps"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
       5, "multiple"}};
  for (const Case& each : cases) {
    const std::string why = refusal(each.header, each.bytes);
    EXPECT_NE(why.find(each.reason), std::string::npos) << each.header << " gave: " << why;
  }
}

TEST_F(Safetensors, LengthsThatLieAreRefused) {
  for (const std::uint64_t length :
       {std::uint64_t{3}, std::uint64_t{100'000'001}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    std::string content(8, '\0');
    std::memcpy(content.data(), &length, 8);
    put(content + "{}");
    EXPECT_NE(refusal(), "") << length;
  }
  put("short");
  EXPECT_NE(refusal(), "");
  put("");
  EXPECT_NE(refusal(), "");
}

TEST_F(Safetensors, DeepNestingCostsNothing) {
  for (const char* opening : {"[", "{\"a\":"}) {
    std::string text = "{\"a\":";
    for (int i = 0; i < 1'000'000; ++i) text += opening;
    EXPECT_NE(refusal(text, 0), "");
  }
}

// Whatever a file holds, the reader reads it or says that it is damaged; run under the address
// sanitizer this finds what a lying header makes it touch.
TEST_F(Safetensors, AnyDamageIsRefusedOrHarmless) {
  SafetensorsWriter writer(
      path_,
      {{"first", DType::kF32, {3, 5}}, {"second", DType::kBF16, {7}}, {"z", DType::kF32, {}}},
      {{"k", "v"}});
  writer.add("first", Tensor::zeros({3, 5}));
  writer.add("second", Tensor::zeros({7}, DType::kBF16));
  writer.add("z", Tensor::zeros({}));
  writer.commit();
  const std::string whole = read_file(path_);
  const RandomStream random(1, Purpose::kTest);
  int refused = 0;
  const int rounds = 4000;
  for (int round = 0; round < rounds; ++round) {
    std::string damaged = whole;
    std::uint64_t draw = static_cast<std::uint64_t>(round) * 16;
    const auto below = [&](std::size_t limit) {
      return static_cast<std::size_t>(
          random.integer(draw++, 0, static_cast<std::int64_t>(limit) - 1));
    };
    for (std::size_t edits = 1 + below(3); edits > 0; --edits) {
      const std::size_t at = below(damaged.size());
      switch (below(4)) {
        case 0:
          damaged[at] = static_cast<char>(damaged[at] ^ (1 << below(8)));
          break;
        case 1:
          damaged[at] = "0123456789[]{},:\"-."[below(19)];
          break;
        case 2:
          damaged.erase(at, 1 + below(8));
          break;
        default:
          damaged.insert(at, damaged.substr(below(damaged.size()), 1 + below(8)));
      }
    }
    put(damaged);
    refused += refusal().empty() ? 0 : 1;
  }
  // Edits of the elements themselves are not damage that the format can know.
  EXPECT_GT(refused, rounds / 2);
  EXPECT_LT(refused, rounds);
}

TEST_F(Safetensors, AnyTruncationIsRefused) {
  SafetensorsWriter writer(path_, {{"a", DType::kF32, {9}}});
  writer.add("a", Tensor::zeros({9}));
  writer.commit();
  const std::string whole = read_file(path_);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(whole.substr(0, size));
    EXPECT_NE(refusal(), "") << size;
  }
}

// More of them than are read at once.
TEST_F(Safetensors, ATensorIsReadIntoItsPlaceAndRoundedToItsType) {
  const std::int64_t rows = 700, columns = 3001;
  const Tensor values = Tensor::empty({rows, columns});
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.data<float>()[i] = static_cast<float>(i) * 1.000123F;
  SafetensorsWriter writer(path_, {{.name = "a", .shape = {rows, columns}}}, {});
  writer.add("a", values);
  writer.commit();
  const SafetensorsReader reader(path_);
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF64}) {
    const Tensor larger = Tensor::full({rows + 2, columns}, 7, dtype);
    reader.read_into("a", larger.rows(1, rows));
    EXPECT_EQ(larger.rows(1, rows).to(DType::kF64).to_vector<double>(),
              values.to(dtype).to(DType::kF64).to_vector<double>());
    for (const std::int64_t around : {std::int64_t{0}, rows + 1})
      EXPECT_EQ(larger.rows(around, 1).to(DType::kF64).to_vector<double>(),
                std::vector<double>(columns, 7));
  }
  EXPECT_THROW(reader.read_into("a", Tensor::zeros({columns, rows})), std::invalid_argument);
  EXPECT_THROW(reader.read_into("b", Tensor::zeros({rows, columns})), Error);
}

}  // namespace
}  // namespace muybridge
