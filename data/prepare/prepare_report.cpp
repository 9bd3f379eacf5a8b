#include "data/prepare/prepare_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const std::vector<FileRemark>& remarks) {
  Json list = Json::array();
  for (const FileRemark& remark : remarks) {
    list.push_back({{"file", remark.name}, {"kind", remark.kind}, {"reason", remark.reason()}});
  }
  return list;
}

Json to_json(const PrepareReport& report) {
  return {{"corpus", report.form},
          {"complete", !report.stopped},
          {"sources", report.sources},
          {"sources_present", report.sources_present},
          {"sources_skipped", report.skipped.size()},
          {"clips_made", report.clips_made},
          {"clips_train", report.clips_train},
          {"clips_validation", report.clips_validation},
          {"clips_retired", report.clips_retired},
          {"clips_duplicate", report.clips_duplicate},
          {"clips_shared", report.clips_shared},
          {"frames_decoded", report.frames_decoded},
          {"rests", report.rests},
          {"rest_frames", report.rest_frames},
          {"wall_seconds", report.seconds},
          {"settings", Json::parse(report.settings)},
          {"skipped", to_json(report.skipped)},
          {"notes", to_json(report.notes)}};
}

std::string dump(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::filesystem::path part_path(const std::filesystem::path& folder, int part, int parts) {
  return folder / fmt::format("report-part-{}-of-{}.json", part, parts);
}

// Adds what another part counted; what describes the whole corpus is taken from the newest.
void merge(Json& whole, const Json& part) {
  for (const char* key : {"sources", "sources_present", "sources_skipped", "clips_made",
                          "frames_decoded", "rests", "rest_frames"}) {
    whole[key] = whole.at(key).get<std::int64_t>() + part.at(key).get<std::int64_t>();
  }
  whole["complete"] = whole.at("complete").get<bool>() && part.at("complete").get<bool>();
  whole["wall_seconds"] =
      std::max(whole.at("wall_seconds").get<double>(), part.at("wall_seconds").get<double>());
  for (const char* key : {"skipped", "notes"}) {
    for (const Json& remark : part.at(key)) whole[key].push_back(remark);
  }
}

}  // namespace

std::string report_json(const PrepareReport& report) { return dump(to_json(report)); }

void write_report(const std::filesystem::path& folder, const PrepareReport& report) {
  Json whole = to_json(report);
  if (report.parts > 1) {
    write_file_durably(part_path(folder, report.part, report.parts), dump(whole));
    for (int part = 0; part < report.parts; ++part) {
      if (part == report.part) continue;
      const std::filesystem::path path = part_path(folder, part, report.parts);
      if (!std::filesystem::exists(path)) return;
      const Json other = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
      if (other.is_discarded()) return;
      merge(whole, other);
    }
  }
  write_file_durably(folder / "report.json", dump(whole));
}

}  // namespace muybridge
