#include "train/checkpoint/coverage.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/random.h"

namespace muybridge {
namespace {

StoredPiece piece(const std::string& name, const Slice& slice) {
  StoredPiece stored;
  stored.name = name;
  stored.slice = slice;
  return stored;
}

std::string defect(const Shape& shape, const std::vector<Slice>& slices) {
  std::vector<RankFile> files(1);
  for (const Slice& slice : slices) files[0].pieces.push_back(piece("w", slice));
  return coverage_defect({{"w", shape}}, files);
}

// Every element is counted.
std::string counted_defect(std::int64_t elements, const std::vector<Slice>& slices) {
  std::vector<int> times(static_cast<std::size_t>(elements));
  for (const Slice& slice : slices)
    for (std::int64_t i = 0; i < slice.numel(); ++i) ++times[static_cast<std::size_t>(slice.at(i))];
  if (std::ranges::any_of(times, [](int n) { return n > 1; })) return "twice";
  return std::ranges::count(times, 0) > 0 ? "lacks" : "";
}

// Shares of a matrix cut by rows and by columns, and those cut again, now and then with one
// missing, moved, or there twice.
TEST(Coverage, AgreesWithACountOfEveryElement) {
  int whole = 0, lacking = 0, twice = 0;
  for (std::uint64_t trial = 0; trial < 3000; ++trial) {
    const RandomStream random(trial, Purpose::kTest);
    std::uint64_t drawn = 0;
    const auto below = [&](std::int64_t n) {
      return static_cast<std::int64_t>(random.uniform(drawn++) * static_cast<double>(n));
    };
    const Shape shape{2 * 3 * (1 + below(3)), 4 * (1 + below(4))};
    const int parts = 1 << below(3), segments = 1 + static_cast<int>(below(2)) * 2;
    const bool by_rows = shape[0] % (parts * segments) == 0 && below(2) == 0;
    std::vector<Slice> slices;
    for (int part = 0; part < parts; ++part) {
      const Slice share = share_slice(shape, {.axis = by_rows ? 0 : 1,
                                              .segments = by_rows ? segments : 1,
                                              .part = part,
                                              .parts = parts});
      const std::int64_t cut = below(share.numel());
      for (const Slice& slice : part_of(share, 0, cut)) slices.push_back(slice);
      for (const Slice& slice : part_of(share, cut, share.numel() - cut)) slices.push_back(slice);
    }
    const auto any = static_cast<std::size_t>(below(std::ssize(slices)));
    switch (below(4)) {
      case 0:
        slices.erase(slices.begin() + static_cast<std::ptrdiff_t>(any));
        break;
      case 1:
        if (slices[any].begin > 0) --slices[any].begin;
        break;
      case 2:
        slices.push_back(share_slice(shape, {.axis = 0, .part = 1, .parts = 2}));
        break;
      default:
        break;
    }
    const std::string expected = counted_defect(shape.numel(), slices);
    const std::string found = defect(shape, slices);
    if (expected.empty()) {
      EXPECT_EQ(found, "") << trial;
      ++whole;
    } else {
      EXPECT_NE(found.find(expected), std::string::npos) << trial << ": " << found;
      ++(expected == "twice" ? twice : lacking);
    }
  }
  EXPECT_GT(whole, 200);
  EXPECT_GT(lacking, 200);
  EXPECT_GT(twice, 200);
}

TEST(Coverage, NamesTheElements) {
  EXPECT_EQ(defect({10}, {{0, 4, 4, 1}, {6, 4, 4, 1}}), "master of w lacks elements [4, 6)");
  EXPECT_EQ(defect({10}, {{0, 7, 7, 1}, {5, 5, 5, 1}}), "master of w has elements [5, 7) twice");
  EXPECT_EQ(defect({4, 6}, {{0, 3, 6, 4}, {3, 3, 6, 4}, {14, 1, 1, 1}}),
            "master of w has elements [14, 15) twice");
}

// 1,000 ranks of a large model: listed one by one these would be a billion runs.
TEST(Coverage, OfManyStridedSharesOfALargeModelIsFound) {
  constexpr std::int64_t kRows = std::int64_t{1} << 20, kColumns = 4096;
  constexpr int kTensor = 8, kData = 125;
  Catalogue parameters;
  std::vector<RankFile> files(kTensor * kData);
  for (int p = 0; p < 120; ++p) {
    parameters.push_back({fmt::format("w{}", p), {kRows, kColumns}});
    for (int rank = 0; rank < kTensor * kData; ++rank) {
      const Slice share =
          share_slice({kRows, kColumns}, {.axis = 1, .part = rank % kTensor, .parts = kTensor});
      const std::int64_t of = rank / kTensor, begin = share.numel() * of / kData;
      for (const Slice& slice : part_of(share, begin, share.numel() * (of + 1) / kData - begin))
        files[static_cast<std::size_t>(rank)].pieces.push_back(
            piece(parameters.back().name, slice));
    }
  }
  EXPECT_EQ(coverage_defect(parameters, files), "");
  files[77].pieces[5].slice.begin += 1;
  EXPECT_NE(coverage_defect(parameters, files).find("twice"), std::string::npos);
}

}  // namespace
}  // namespace muybridge
