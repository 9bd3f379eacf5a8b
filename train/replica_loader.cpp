#include "train/replica_loader.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "parallel/together.h"

namespace muybridge {
namespace {

using Json = nlohmann::json;

// All of a batch but its tensors.
Json to_json(const Batch& batch) {
  Json grids = Json::array();
  for (const Grid& grid : batch.packing.grids)
    grids.push_back({grid.frames, grid.height, grid.width});
  std::vector<std::int64_t> lengths;
  lengths.reserve(static_cast<std::size_t>(batch.text_packing.clips()));
  for (int clip = 0; clip < batch.text_packing.clips(); ++clip)
    lengths.push_back(batch.text_packing.length(clip));
  return {{"grids", grids},
          {"rows", batch.packing.rows},
          {"width", batch.tokens.shape()[1]},
          {"text", lengths},
          {"text_rows", batch.text_packing.rows},
          {"clips", batch.clip_ids},
          {"samples", batch.samples},
          {"captions", batch.captions}};
}

// With room for its tensors.
Batch batch_from(const Json& json) {
  std::vector<Grid> grids;
  for (const Json& grid : json.at("grids"))
    grids.push_back({grid[0].get<int>(), grid[1].get<int>(), grid[2].get<int>()});
  Batch batch{.packing = Packing::of(grids, json.at("rows").get<std::int64_t>()),
              .tokens = {},
              .text_packing = Packing::of_lengths(json.at("text").get<std::vector<std::int64_t>>()),
              .text_ids = {},
              .clip_ids = json.at("clips").get<std::vector<std::int64_t>>(),
              .samples = json.at("samples").get<std::vector<std::int64_t>>(),
              .captions = json.at("captions").get<std::vector<std::string>>()};
  batch.text_packing.rows = json.at("text_rows").get<std::int64_t>();
  batch.tokens = Tensor::empty({batch.packing.rows, json.at("width").get<std::int64_t>()});
  batch.text_ids = Tensor::empty({batch.text_packing.rows}, DType::kI32);
  return batch;
}

}  // namespace

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
  shared_.clear();
  const Json batches = Json::parse(rank_zero(*replica_, [&] {
    Json all = Json::array();
    for (int left = loader_->begin_step(); left > 0; --left) {
      shared_.push_back(loader_->next());
      all.push_back(to_json(shared_.back()));
    }
    return all.dump();
  }));
  std::vector<Work> arrivals;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    if (!loader_) shared_.push_back(batch_from(batches[i]));
    arrivals.push_back(replica_->broadcast(shared_[i].tokens, 0));
    arrivals.push_back(replica_->broadcast(shared_[i].text_ids, 0));
  }
  for (const Work& arrival : arrivals) arrival.wait();
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
