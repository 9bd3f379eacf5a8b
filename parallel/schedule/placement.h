#pragma once

#include <cstdint>

namespace muybridge {

// Where the parts of a model lie. A model is cut into stages x virtual_stages parts, in the order
// in which a forward walks through them: the sections 0, 1, 2, ... A rank holds virtual_stages of
// them, its chunks.
enum class Fold : std::uint8_t {
  kLooped,  // chunk c of rank r is section c * stages + r: after the last rank comes the first
  kV,  // every second chunk goes the other way: with two, rank r holds r and 2 * stages - 1 - r
};

struct ChunkPlace {
  int rank = 0;
  int chunk = 0;
  bool operator==(const ChunkPlace&) const = default;
};

struct Placement {
  int stages = 1;          // ranks of the pipeline
  int virtual_stages = 1;  // chunks a rank
  Fold fold = Fold::kLooped;

  int sections() const { return stages * virtual_stages; }
  int section_of(int rank, int chunk) const;
  ChunkPlace place_of(int section) const;
  bool operator==(const Placement&) const = default;
};

}  // namespace muybridge
