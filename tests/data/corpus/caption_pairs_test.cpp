#include "data/corpus/caption_pairs.h"

#include <gtest/gtest.h>

#include <map>

namespace muybridge {
namespace {

using Names = std::vector<std::string>;
using Map = std::map<std::string, std::string>;

// Which caption each clip gets, "?" where one is held back as another's; captions that belong to
// nothing under "alone".
Map pairs_of(const Names& media, const Names& captions, bool samples = true) {
  const CaptionPairs pairs = pair_captions(media, captions, samples);
  Map result;
  for (std::size_t i = 0; i < media.size(); ++i) {
    const PairedMedia& pair = pairs.media[i];
    result[media[i]] = !pair.problem.none() ? "?"
                       : pair.caption < 0   ? ""
                                            : captions[static_cast<std::size_t>(pair.caption)];
  }
  for (const int i : pairs.alone) result["alone"] += captions[static_cast<std::size_t>(i)] + " ";
  return result;
}

TEST(CaptionPairs, AStemMayHaveDots) {
  const Names media = {"take 1.5.mp4", "take 1.6.mp4"};
  EXPECT_EQ(pairs_of(media, {"take 1.6.txt", "take 1.5.txt"}),
            (Map{{"take 1.5.mp4", "take 1.5.txt"}, {"take 1.6.mp4", "take 1.6.txt"}}));
  EXPECT_EQ(pairs_of(media, {"take 1.6.txt"}),
            (Map{{"take 1.5.mp4", ""}, {"take 1.6.mp4", "take 1.6.txt"}}));
  EXPECT_EQ(pairs_of({"take 1.5.mp4"}, {"take 1.6.txt", "take 1.txt"}),
            (Map{{"take 1.5.mp4", ""}, {"alone", "take 1.6.txt take 1.txt "}}));
  EXPECT_EQ(pairs_of({"Mr. Smith.mp4"}, {"Mr.txt"}),
            (Map{{"Mr. Smith.mp4", ""}, {"alone", "Mr.txt "}}));
}

TEST(CaptionPairs, ASampleGoesUpToTheFirstDot) {
  EXPECT_EQ(pairs_of({"000.mp4", "001.seg.png"}, {"000.en.txt", "001.txt"}),
            (Map{{"000.mp4", "000.en.txt"}, {"001.seg.png", "001.txt"}}));
  EXPECT_EQ(pairs_of({"a.left.mp4"}, {"a.right.txt"}),
            (Map{{"a.left.mp4", ""}, {"alone", "a.right.txt "}}));
  EXPECT_EQ(pairs_of({"000.mp4"}, {"000.en.txt"}, /*samples=*/false),
            (Map{{"000.mp4", ""}, {"alone", "000.en.txt "}}));
  // The clip's own caption leaves that of the language alone.
  EXPECT_EQ(pairs_of({"000.mp4"}, {"000.en.txt", "000.txt"}),
            (Map{{"000.mp4", "000.txt"}, {"alone", "000.en.txt "}}));
}

TEST(CaptionPairs, SeveralCaptionsOfASampleAreSaid) {
  const CaptionPairs pairs = pair_captions({"0.mp4"}, {"0.en.txt", "0.de.txt"}, true);
  EXPECT_EQ(pairs.media[0].caption, 1);
  EXPECT_EQ(pairs.media[0].note, (Finding{remark::kSeveralCaptions, "0.de.txt of 2"}));
}

TEST(CaptionPairs, AFullNameIsMorePreciseThanAStem) {
  EXPECT_EQ(pairs_of({"a.mp4", "a.png"}, {"a.mp4.txt", "a.png.json"}),
            (Map{{"a.mp4", "a.mp4.txt"}, {"a.png", "a.png.json"}}));
  EXPECT_EQ(pairs_of({"a.mp4", "a.png"}, {"a.mp4.txt", "a.txt"}),
            (Map{{"a.mp4", "a.mp4.txt"}, {"a.png", "a.txt"}}));
}

TEST(CaptionPairs, ACaptionOfSeveralClipsGoesToTheOnlyVideo) {
  EXPECT_EQ(pairs_of({"a.mp4", "a.png"}, {"a.txt"}), (Map{{"a.mp4", "a.txt"}, {"a.png", "?"}}));
  EXPECT_EQ(pairs_of({"a.mp4", "a.mov"}, {"a.txt"}), (Map{{"a.mp4", "?"}, {"a.mov", "?"}}));
  EXPECT_EQ(pairs_of({"a.png", "a.jpg"}, {"a.txt"}), (Map{{"a.png", "?"}, {"a.jpg", "?"}}));
  const CaptionPairs pairs = pair_captions({"x/a.mp4", "x/a.mov"}, {"x/a.txt"}, false);
  EXPECT_EQ(pairs.media[0].problem.text,
            "x/a.txt could be of x/a.mov as well; call its own a.mp4.txt");
}

TEST(CaptionPairs, TextWinsOverOtherEndings) {
  EXPECT_EQ(pairs_of({"a.mp4"}, {"a.json", "a.caption", "a.TXT"}), (Map{{"a.mp4", "a.TXT"}}));
}

TEST(CaptionPairs, CaseMattersOnlyWhereItTellsClipsApart) {
  EXPECT_EQ(pairs_of({"a.mp4"}, {"A.txt"}), (Map{{"a.mp4", "A.txt"}}));
  EXPECT_EQ(pair_captions({"a.mp4"}, {"A.txt"}, false).media[0].note.kind, remark::kCaptionByCase);
  EXPECT_EQ(pairs_of({"a.mp4", "A.mp4"}, {"A.txt"}), (Map{{"a.mp4", ""}, {"A.mp4", "A.txt"}}));
  EXPECT_EQ(pairs_of({"ab.mp4"}, {"Ab.txt", "aB.txt"}),
            (Map{{"ab.mp4", ""}, {"alone", "Ab.txt aB.txt "}}));
  EXPECT_EQ(pairs_of({"ab.mp4", "AB.mp4"}, {"Ab.txt"}), (Map{{"ab.mp4", "?"}, {"AB.mp4", "?"}}));
}

TEST(CaptionPairs, FoldersKeepNamesApart) {
  EXPECT_EQ(pairs_of({"x/a.mp4", "y.z/a.mp4"}, {"y.z/a.txt"}),
            (Map{{"x/a.mp4", ""}, {"y.z/a.mp4", "y.z/a.txt"}}));
}

}  // namespace
}  // namespace muybridge
