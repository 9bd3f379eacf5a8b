#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "eval/picture_quality.h"
#include "eval/scores.h"

namespace muybridge {

// Where a sampled clip comes from. Files are names beside samples.json; empty: there is none.
struct SampleRecord {
  std::string prompt;
  std::string negative = {};
  std::uint64_t seed = 0;  // of a reconstruction: the number of its clip in the corpus
  std::string file;
  Scores scores;            // empty: not measured
  Quality quality = {};     // of a reconstruction of `real`
  std::string source = {};  // what the prompt is: "held out" or "training" for a corpus's caption
  std::string real = {};    // the corpus's own clip of that caption
  std::string gif = {};
  std::string frames = {};  // a folder of PNG pictures
};

nlohmann::ordered_json to_json(const SampleRecord& record);
// Throws a std::exception for what is no record, also where a file's name leads out of the folder.
SampleRecord sample_record_from(const nlohmann::ordered_json& json);

// What one evaluation rendered; kept as samples.json beside the clips, and all that the gallery
// and a later reader need.
struct SampleSet {
  std::int64_t step = 0;
  std::string
      checkpoint;        // hash of the manifest of the weights; empty if they were never committed
  std::string settings;  // how they were sampled, for people: "25 Euler steps, guidance 4"
  std::vector<SampleRecord> clips;
};

// The comment inside an MP4: that it is generated, by what, and from what.
std::string provenance_comment(const SampleSet& set, const SampleRecord& record);

// Writes FOLDER/samples.json durably. Throws Error(kIo).
void write_sample_set(const std::filesystem::path& folder, const SampleSet& set);

// Throws Error(kCorrupt) if it is there but cannot be understood, Error(kIo) if it is not there.
SampleSet read_sample_set(const std::filesystem::path& folder);

}  // namespace muybridge
