#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/corpus/corpus_listing.h"

namespace muybridge {

struct PrepareReport {
  std::string form;
  std::string settings;  // JSON
  int part = 0;
  int parts = 1;
  std::int64_t sources = 0;          // of this part
  std::int64_t sources_present = 0;  // complete before
  std::int64_t clips_made = 0;
  std::int64_t frames_decoded = 0;
  std::int64_t rests = 0;        // pieces of videos that came into no clip,
  std::int64_t rest_frames = 0;  // and their frames
  double seconds = 0;
  bool stopped = false;
  std::vector<FileRemark> skipped;
  std::vector<FileRemark> notes;

  // What the whole corpus holds now.
  std::int64_t clips_train = 0;
  std::int64_t clips_validation = 0;
  std::int64_t clips_retired = 0;    // of files that changed or are gone: they count no more
  std::int64_t clips_duplicate = 0;  // there twice
  std::int64_t clips_shared = 0;     // not trained on: they show frames of held-out clips
};

std::string report_json(const PrepareReport& report);

// Writes OUT/report.json; with several parts OUT/report-part-I-of-N.json first, of which the last
// to finish makes OUT/report.json. The caller holds the lock of the folder.
void write_report(const std::filesystem::path& folder, const PrepareReport& report);

}  // namespace muybridge
