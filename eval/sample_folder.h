#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "eval/provenance.h"

namespace muybridge {

// A clip in a folder that `sample` fills, with all that made it.
struct CollectedClip {
  SampleRecord record;
  std::string model;  // as the user named it: "runs/shapes"
  std::int64_t step = 0;
  std::string checkpoint;  // hash of the manifest or of the exported file
  std::string settings;    // for people
  std::string made;        // when, UTC
};

// A folder of clips from any number of calls: samples.json says where each comes from, index.html
// shows them. Several processes may add to one.
class SampleFolder {
 public:
  // Makes the folder. Throws Error(kUsage) where it belongs to something else (a run, an
  // evaluation, a page that is not ours), Error(kCorrupt) where its samples.json is damaged.
  explicit SampleFolder(std::filesystem::path path);
  ~SampleFolder();
  SampleFolder(const SampleFolder&) = delete;
  SampleFolder& operator=(const SampleFolder&) = delete;

  // Where to render: a folder of this process alone, that goes with this object.
  const std::filesystem::path& workbench() const { return workbench_; }

  // Moves clips from the workbench to their place. One whose name is taken gets a number
  // ("...-2.mp4"), or replaces the one that has it if `overwrite`. Gives the clips as they are
  // named now.
  std::vector<CollectedClip> add(std::vector<CollectedClip> clips, bool overwrite);

  std::filesystem::path page() const { return path_ / "index.html"; }

 private:
  std::filesystem::path path_;
  std::filesystem::path workbench_;
};

// FOLDER/samples.json as SampleFolder writes it, in the order in which the clips were made; empty
// where there is none. Clips whose file is gone are left out.
std::vector<CollectedClip> read_collection(const std::filesystem::path& folder);

}  // namespace muybridge
