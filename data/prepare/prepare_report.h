#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/corpus/corpus_listing.h"

namespace muybridge {

// What became of one source, summed over its units.
struct SourceTally {
  std::int64_t made = 0;     // clips
  std::int64_t present = 0;  // units that were there already
  std::int64_t frames = 0;   // decoded
  std::string problem;       // the first one
};

struct PrepareReport {
  std::string form;
  std::string settings;  // JSON
  int part = 0;
  int parts = 1;
  std::int64_t sources = 0;          // of this part
  std::int64_t sources_present = 0;  // complete before
  std::int64_t clips_made = 0;
  std::int64_t frames_decoded = 0;
  double seconds = 0;
  bool stopped = false;
  std::vector<FileRemark> skipped;
  std::vector<FileRemark> notes;

  // What the whole corpus holds now.
  std::int64_t clips_train = 0;
  std::int64_t clips_validation = 0;
};

std::string report_json(const PrepareReport& report);

// Writes OUT/report.json; with several parts OUT/report-part-I-of-N.json first, of which the last
// to finish makes OUT/report.json. The caller holds the lock of the folder.
void write_report(const std::filesystem::path& folder, const PrepareReport& report);

}  // namespace muybridge
