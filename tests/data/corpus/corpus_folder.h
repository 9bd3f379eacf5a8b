#pragma once

#include <map>
#include <string>

#include "core/error.h"
#include "data/corpus/corpus_listing.h"
#include "tests/data/media_folder.h"

namespace muybridge {

// A folder that is listed as a corpus. The listing opens no video, so that a few bytes will do for
// one.
class CorpusFolder : public MediaFolder {
 protected:
  using Map = std::map<std::string, std::string>;

  void media(const std::string& name) const { write(name, "video"); }

  CorpusListing list(const std::string& name = "", const CaptionRules& rules = {}) const {
    return list_corpus(name.empty() ? folder_ : folder_ / name, rules);
  }

  // The message of the error that listing ends with.
  std::string failure(const std::string& name = "", ExitCode code = ExitCode::kUsage) const {
    try {
      list(name);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "it was listed";
    return {};
  }

  static Map captions(const CorpusListing& listing) {
    Map result;
    for (const ClipSource& clip : listing.clips) result[clip.name] = clip.caption;
    return result;
  }
  static Map reasons(const CorpusListing& listing) { return by_name(listing.skipped); }
  static Map notes(const CorpusListing& listing) { return by_name(listing.notes); }

  void tar(const std::string& arguments) const {
    const std::string command = fmt::format("cd '{}' && tar {}", folder_.string(), arguments);
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

 private:
  static Map by_name(const std::vector<FileRemark>& remarks) {
    Map result;
    for (const FileRemark& remark : remarks) result[remark.name] = remark.reason();
    return result;
  }
};

}  // namespace muybridge
