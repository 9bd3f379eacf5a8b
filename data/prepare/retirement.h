#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "data/prepare/present_clips.h"

namespace muybridge {

// Sources whose clips count no more, because the corpus they were made from has changed.
struct Retirement {
  std::set<std::string> identities;  // of all such sources
  std::vector<std::string> changed;  // names: the file or its caption is another one now
  std::vector<std::string> removed;  // names that the corpus no longer has
};

// What a run has seen of a corpus.
struct CorpusView {
  std::string origin;
  std::set<std::string> names;  // of all its sources, whoever prepares them
  // Of the sources by a name, where each of them was read: their identities now.
  std::map<std::string, std::set<std::string>> identities;
};

// `before`: those retired already. Clips that were made from another corpus stay as they are; so do
// those of names that were not read. What is current is not retired, whatever was before.
Retirement retire(const CorpusView& view, const std::vector<PresentClips::Origin>& there,
                  const std::set<std::string>& before);

}  // namespace muybridge
