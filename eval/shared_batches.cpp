#include "eval/shared_batches.h"

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

std::vector<Batch> share_batches(Group& replica, const std::function<std::vector<Batch>()>& read) {
  if (replica.size() == 1) return read();
  std::vector<Batch> batches;
  const Json known = Json::parse(rank_zero(replica, [&] {
    batches = read();
    Json all = Json::array();
    for (const Batch& batch : batches) all.push_back(to_json(batch));
    return all.dump();
  }));
  std::vector<Work> arrivals;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (replica.rank() != 0) batches.push_back(batch_from(known[i]));
    arrivals.push_back(replica.broadcast(batches[i].tokens, 0));
    arrivals.push_back(replica.broadcast(batches[i].text_ids, 0));
  }
  for (const Work& arrival : arrivals) arrival.wait();
  return batches;
}

}  // namespace muybridge
