#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace muybridge {

// What is said of a file, a row or a caption. All remarks of one kind have the same `kind`, a short
// phrase for people, so that they can be counted; `text` has the particulars and may be empty.
struct Finding {
  std::string kind;
  std::string text;

  bool none() const { return kind.empty(); }
  bool operator==(const Finding&) const = default;
};

// A finding and what it is about, for the report: a file relative to the corpus, or "list.csv:12".
struct FileRemark {
  std::string name;
  std::string kind;
  std::string text;

  // "caption is not UTF-8: byte 3"
  std::string reason() const { return text.empty() ? kind : kind + ": " + text; }
  bool operator==(const FileRemark&) const = default;
};

// A line for each kind of remark, most frequent first: "a.mp4: no caption", or "12 files: no
// caption; the first is a.mp4".
std::vector<std::string> summarise(const std::vector<FileRemark>& remarks);

// The kinds that finding the clips of a corpus knows.
namespace remark {

// Why a clip, a caption, a row or a file is not used.
inline constexpr const char* kNoCaption = "no caption";
inline constexpr const char* kEmptyCaption = "empty caption";
inline constexpr const char* kCaptionEncoding = "caption is not UTF-8";
inline constexpr const char* kCaptionNotText = "caption is not text";
inline constexpr const char* kCaptionUnreadable = "caption file cannot be read";
inline constexpr const char* kCaptionShared = "caption could be of another clip";
inline constexpr const char* kCaptionAlone = "caption without a clip";
inline constexpr const char* kRowUnreadable = "row that cannot be read";
inline constexpr const char* kRowWithoutPath = "row without a path";
inline constexpr const char* kRowEmptySpan = "row whose cut or crop is of no use";
inline constexpr const char* kRowAddress = "row names an address, not a file";
inline constexpr const char* kFileMissing = "file named by the list is not there";
inline constexpr const char* kFileUnusable = "file named by the list cannot be opened";
inline constexpr const char* kNotInList = "not named by the list";
inline constexpr const char* kNotMedia = "not a video or image, by the ending of its name";
inline constexpr const char* kHidden = "hidden file";
inline constexpr const char* kFolderUnreadable = "folder that cannot be read";
inline constexpr const char* kArchiveDamaged = "damaged archive";
inline constexpr const char* kArchiveLink = "link inside an archive";
inline constexpr const char* kOutsideSplits = "outside train and validation";

// What was done or left out, of what is used.
inline constexpr const char* kCaptionCut = "caption cut";
inline constexpr const char* kCaptionGiven = "no caption, the given one is used";
inline constexpr const char* kSeveralCaptions = "several captions, the first is used";
inline constexpr const char* kCaptionByCase = "caption found by a name in other case";
inline constexpr const char* kForeignPath = "path written for another system";
inline constexpr const char* kNamedTwice = "named twice, used once";
inline constexpr const char* kFieldIgnored = "field that is not used";
inline constexpr const char* kListNotUsed = "list not used, another one is";
inline constexpr const char* kCaptionsBeside = "captions beside clips that a list names";
inline constexpr const char* kNoList = "table that is no list of clips";
inline constexpr const char* kColumnByValues = "column of paths found by its values";
inline constexpr const char* kNoHeader = "list without a header line";

// What preparing a clip adds to them.
inline constexpr const char* kUnusable = "cannot be used";
inline constexpr const char* kTooShort = "too short";
inline constexpr const char* kDamaged = "damaged";
inline constexpr const char* kSameClip = "the same video and caption are in the corpus already";
inline constexpr const char* kRests = "rests too short for a clip were dropped";
inline constexpr const char* kChanged =
    "changed since it was prepared: its older clips count no more";
inline constexpr const char* kGone = "no longer in the corpus: its clips count no more";

}  // namespace remark
}  // namespace muybridge
