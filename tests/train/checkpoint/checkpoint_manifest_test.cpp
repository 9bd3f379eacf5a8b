#include "train/checkpoint/checkpoint_manifest.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "train/checkpoint/coverage.h"

namespace muybridge {
namespace {

StoredPiece piece(const std::string& name, Slice slice, StateKind kind = StateKind::kMaster) {
  StoredPiece stored;
  stored.kind = kind;
  stored.name = name;
  stored.slice = slice;
  stored.offset = 2048;
  stored.hash = std::string(32, 'a');
  return stored;
}

Manifest sample(std::vector<StoredPiece> pieces) {
  return {.version = "0.1.0",
          .step = 12000,
          .seed = 0xFFFFFFFFFFFFFFFFU,
          .ranks = 1,
          .dtype = DType::kF32,
          .loader_position = {{"epoch", 3}},
          .extra = nullptr,
          .config = "a: \"quoted\"\n# ünïcode\n",
          .parameters = {{"w", {4, 6}}, {"scalar", Shape{}}},
          .files = {{"rank-0000.h5", 9000, std::string(32, 'b'), std::move(pieces)}}};
}

const Slice kAll{0, 24, 24, 1};
const Slice kOne{0, 1, 1, 1};

std::string defect(std::vector<StoredPiece> pieces) {
  try {
    const Manifest manifest = sample(std::move(pieces));
    require_coverage(manifest.parameters, manifest.files, "here");
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(CheckpointManifest, TextRoundTrips) {
  const Manifest manifest = sample({piece("w", kAll), piece("scalar", kOne)});
  const std::string text = to_text(manifest);
  const Manifest again = manifest_from_text(text, "here");
  EXPECT_EQ(to_text(again), text);
  EXPECT_EQ(again.seed, manifest.seed);
  EXPECT_EQ(again.config, manifest.config);
  EXPECT_EQ(again.files[0].pieces[0].slice, kAll);
  EXPECT_TRUE(nlohmann::json::accept(text));
}

TEST(CheckpointManifest, AnyChangeOfItsTextIsFound) {
  const std::string text = to_text(sample({piece("w", kAll), piece("scalar", kOne)}));
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      EXPECT_THROW(manifest_from_text(damaged, "here"), Error) << i;
    }
    EXPECT_THROW(manifest_from_text(text.substr(0, i), "here"), Error) << i;
  }
  EXPECT_THROW(manifest_from_text(text + "\n", "here"), Error);
}

TEST(CheckpointManifest, EveryElementMustBeThereOnce) {
  const StoredPiece scalar = piece("scalar", kOne);
  EXPECT_EQ(defect({piece("w", kAll), scalar}), "");
  EXPECT_EQ(defect({piece("w", {12, 12, 12, 1}), scalar, piece("w", {0, 12, 12, 1})}), "");
  EXPECT_EQ(defect({piece("w", {0, 3, 6, 4}), piece("w", {3, 3, 6, 4}), scalar}), "");
  EXPECT_NE(defect({piece("w", {0, 12, 12, 1}), scalar}).find("lacks elements [12, 24)"),
            std::string::npos);
  EXPECT_NE(defect({piece("w", kAll), piece("w", {5, 1, 1, 1}), scalar}).find("twice"),
            std::string::npos);
  EXPECT_NE(defect({piece("w", kAll)}).find("scalar lacks"), std::string::npos);
  // An EMA that is there must be whole.
  EXPECT_NE(defect({piece("w", kAll), scalar, piece("w", kAll, StateKind::kEma)})
                .find("ema of scalar lacks"),
            std::string::npos);
}

TEST(CheckpointManifest, SlicesOutsideTheirParameterAreRefused) {
  const std::int64_t huge = std::int64_t{1} << 62;
  for (const Slice slice : {Slice{-1, 4, 4, 1}, Slice{0, 0, 0, 1}, Slice{20, 5, 5, 1},
                            Slice{0, 3, 2, 2}, Slice{0, 1, 12, 3}, Slice{0, 1, huge, 3},
                            Slice{0, huge, huge, 4}, Slice{0, 1, 1, huge}, Slice{huge, huge, 0, 1}})
    EXPECT_NE(defect({piece("w", slice), piece("scalar", kOne)}).find("no part of"),
              std::string::npos);
  EXPECT_NE(defect({piece("w", kAll), piece("scalar", kOne), piece("x", kAll)}).find("no part of"),
            std::string::npos);
}

TEST(CheckpointManifest, FileNamesStayInTheFolder) {
  for (const char* name : {"../rank-0000.h5", "/etc/passwd", "", ".hidden", "a/b"}) {
    Manifest manifest = sample({piece("w", kAll), piece("scalar", kOne)});
    manifest.files[0].name = name;
    EXPECT_THROW(manifest_from_text(to_text(manifest), "here"), Error) << name;
  }
}

}  // namespace
}  // namespace muybridge
