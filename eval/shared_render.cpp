#include "eval/shared_render.h"

#include <nlohmann/json.hpp>
#include <string>

#include "core/error.h"
#include "parallel/together.h"
#include "parallel/values.h"

namespace muybridge {

std::vector<SampleRecord> render_shared(const Dit& dit, const Mesh& mesh,
                                        const std::vector<RenderRequest>& requests,
                                        const RenderOptions& options,
                                        const std::filesystem::path& folder, const SampleSet& set,
                                        const RenderHooks& hooks) {
  using Json = nlohmann::ordered_json;
  Group& group = *mesh.world();
  const auto replica = static_cast<std::size_t>(mesh.coordinate().data);
  const auto replicas = static_cast<std::size_t>(mesh.sizes().data);
  std::vector<RenderRequest> mine;
  for (std::size_t i = replica; i < requests.size(); i += replicas) mine.push_back(requests[i]);
  const std::vector<std::string> rendered = together(group, [&] {
    const bool writes = mesh.replica()->rank() == 0;
    Rendered clips;
    try {
      hand_in_hand(*mesh.replica(), [&] {
        clips =
            render_clips(dit, mine, options, writes ? folder : std::filesystem::path(), set, hooks);
      });
    } catch (const Error& error) {
      if (error.code() != ExitCode::kPreempted) throw;
    }
    if (clips.failure) std::rethrow_exception(clips.failure);
    Json records = Json::array();
    for (const SampleRecord& record : clips.records) records.push_back(to_json(record));
    return records.dump();
  });
  const auto parts =
      Json::parse(broadcast_text(group, Json(rendered).dump(), 0)).get<std::vector<std::string>>();
  std::vector<SampleRecord> all(requests.size());
  for (std::size_t rank = 0; rank < parts.size(); ++rank) {
    auto place = static_cast<std::size_t>(coordinate_of(static_cast<int>(rank), mesh.sizes()).data);
    for (const Json& record : Json::parse(parts[rank])) {
      all[place] = sample_record_from(record);
      place += replicas;
    }
  }
  return all;
}

}  // namespace muybridge
