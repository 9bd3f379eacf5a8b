#include "data/corpus/empty_corpus.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace muybridge {
namespace {

std::string message(const CorpusListing& listing, ExitCode code = ExitCode::kUsage) {
  try {
    fail_empty_corpus("in", listing);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
}

TEST(EmptyCorpus, NamesTablesThatWereNotUnderstood) {
  CorpusListing listing{
      .form = "clips with captions beside them", .clips = {}, .skipped = {}, .notes = {}};
  listing.notes.push_back({"metadata.csv", remark::kNoList, "its columns are Foo, Bar"});
  for (const char* name : {"a.mp4", "b.mp4"}) {
    listing.skipped.push_back({name, remark::kNoCaption, ""});
  }
  listing.skipped.push_back({"c.pdf", remark::kNotMedia, ""});
  EXPECT_EQ(message(listing),
            "in: no clip can be used, taken as clips with captions beside them: metadata.csv: its "
            "columns are Foo, Bar; 2 files: no caption; the first is a.mp4; c.pdf: not a video or "
            "image, by the ending of its name. To go on, put a text file beside each clip (a.txt "
            "beside a.mp4) "
            "or a list with the columns path and caption into the folder, or give all the same "
            "with --caption TEXT");
}

TEST(EmptyCorpus, AnEmptyFolderAndADamagedArchive) {
  EXPECT_NE(message({}).find("there is no video or image in it"), std::string::npos);
  CorpusListing damaged;
  damaged.skipped.push_back({"a.tar", remark::kArchiveDamaged, "x"});
  message(damaged, ExitCode::kCorrupt);
}

}  // namespace
}  // namespace muybridge
