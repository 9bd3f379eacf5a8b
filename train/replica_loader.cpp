#include "train/replica_loader.h"

#include <chrono>

#include "eval/shared_batches.h"
#include "parallel/together.h"

namespace muybridge {

ReplicaLoader::ReplicaLoader(const CorpusIndex& corpus, const LoaderOptions& options,
                             const Mesh& mesh)
    : replica_(mesh.replica()) {
  const std::string clips = rank_zero(*replica_, [&] {
    loader_ = std::make_unique<Loader>(corpus, options, mesh.coordinate().data, mesh.sizes().data);
    return std::to_string(loader_->clips());
  });
  clips_ = std::stoll(clips);
}

double ReplicaLoader::wait_seconds() const { return loader_ ? loader_->wait_seconds() : waited_; }

int ReplicaLoader::begin_step() {
  if (replica_->size() == 1) return loader_->begin_step();
  const auto begin = std::chrono::steady_clock::now();
  std::vector<Batch> batches = share_batches(*replica_, [&] {
    std::vector<Batch> read;
    for (int left = loader_->begin_step(); left > 0; --left) read.push_back(loader_->next());
    return read;
  });
  shared_.assign(std::make_move_iterator(batches.begin()), std::make_move_iterator(batches.end()));
  waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return static_cast<int>(shared_.size());
}

Batch ReplicaLoader::next() {
  if (replica_->size() == 1) return loader_->next();
  Batch batch = std::move(shared_.front());
  shared_.pop_front();
  return batch;
}

}  // namespace muybridge
