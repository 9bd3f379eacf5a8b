#pragma once

#include <deque>
#include <memory>

#include "data/loader/loader.h"
#include "parallel/mesh.h"
#include "train/batch_source.h"

namespace muybridge {

// The loader of a replica of the model: its first rank reads the clips, and the others get them
// from it, so that each clip is read once however many ranks share the model. All ranks of the
// replica call it alike; what fails on the one that reads throws on all.
class ReplicaLoader final : public BatchSource {
 public:
  // As Loader; the replicas share the micro-batches of a step.
  ReplicaLoader(const CorpusIndex& corpus, const LoaderOptions& options, const Mesh& mesh);

  // As in Loader.
  int begin_step() override;
  Batch next() override;
  std::int64_t clips() const { return clips_; }
  double wait_seconds() const override;

  // On the rank that reads as in Loader; on the others nothing is known or done.
  LoaderPosition position() const { return loader_ ? loader_->position() : LoaderPosition(); }
  void restore(const LoaderPosition& position) const {
    if (loader_) loader_->restore(position);
  }

 private:
  std::shared_ptr<Group> replica_;
  std::unique_ptr<Loader> loader_;  // of the rank that reads
  std::int64_t clips_ = 0;
  std::deque<Batch> shared_;  // of this step, where the replica has several ranks
  double waited_ = 0;         // of ranks that do not read
};

}  // namespace muybridge
