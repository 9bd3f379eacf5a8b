#include "train/checkpoint/checkpoint_manifest.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "core/system/file.h"
#include "core/text/spelling.h"

namespace muybridge {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;  // what people read has its keys in an order that helps

constexpr std::string_view kFormat = "muybridge-checkpoint-1";
constexpr std::string_view kHashPrefix = "{\n\"hash\": \"";
constexpr std::size_t kHashDigits = 32;
const std::string kNoHash(kHashDigits, '0');

StateKind kind_from_name(const std::string& name) {
  for (const StateKind kind : kStateKinds)
    if (name_of(kind) == name) return kind;
  throw json::other_error::create(599, "unknown kind of state '" + name + "'", nullptr);
}

Shape shape_from_json(const json& extents) {
  const auto values = extents.get<std::vector<std::int64_t>>();
  return Shape(std::span<const std::int64_t>(values));
}

// Whether the runs lie in [0, elements) and do not touch each other.
bool is_sound(const Slice& slice, std::int64_t elements) {
  if (slice.length < 1 || slice.count < 1 || slice.begin < 0) return false;
  if (slice.count == 1) return slice.length <= elements - slice.begin;
  if (slice.stride < slice.length || slice.count > elements || slice.stride > elements)
    return false;
  std::int64_t last = 0;
  return !__builtin_mul_overflow(slice.count - 1, slice.stride, &last) &&
         !__builtin_add_overflow(last, slice.begin, &last) && last <= elements - slice.length;
}

struct Run {
  std::int64_t begin;
  std::int64_t end;
};

// Empty when the runs tile [0, elements).
std::string gap_or_overlap(std::vector<Run> runs, std::int64_t elements) {
  std::ranges::sort(runs, {}, &Run::begin);
  std::int64_t covered = 0;
  for (const Run& run : runs) {
    if (run.begin > covered) return fmt::format("lacks elements [{}, {})", covered, run.begin);
    if (run.begin < covered) return fmt::format("has elements [{}, {}) twice", run.begin, covered);
    covered = run.end;
  }
  return covered == elements ? "" : fmt::format("lacks elements [{}, {})", covered, elements);
}

// Empty when all is covered.
std::string coverage_defect(const Manifest& manifest) {
  std::map<std::string, std::int64_t> elements;
  for (const ManifestParameter& parameter : manifest.parameters)
    if (!elements.emplace(parameter.name, parameter.shape.numel()).second)
      return fmt::format("parameter {} is listed twice", parameter.name);
  std::map<std::pair<StateKind, std::string>, std::vector<Run>> runs;
  for (const RankFile& file : manifest.files) {
    for (const StoredPiece& piece : file.pieces) {
      const auto found = elements.find(piece.name);
      if (found == elements.end() || !is_sound(piece.slice, found->second))
        return fmt::format("{} of {} is no part of a parameter", piece.data_set(), file.name);
      for (std::int64_t i = 0; i < piece.slice.count; ++i) {
        const std::int64_t begin = piece.slice.begin + i * piece.slice.stride;
        runs[{piece.kind, piece.name}].push_back({begin, begin + piece.slice.length});
      }
    }
  }
  for (const StateKind kind : kStateKinds) {
    if (kind != StateKind::kMaster && !manifest.has(kind)) continue;
    for (const auto& [name, count] : elements) {
      const std::string defect = gap_or_overlap(runs[{kind, name}], count);
      if (!defect.empty()) return fmt::format("{} of {} {}", name_of(kind), name, defect);
    }
  }
  return {};
}

// "  <line>,\n  <line>\n"
std::string to_lines(const std::vector<ordered_json>& items) {
  std::string lines;
  for (std::size_t i = 0; i < items.size(); ++i)
    lines += "  " + items[i].dump() + (i + 1 < items.size() ? ",\n" : "\n");
  return lines;
}

// A piece a line, for people.
std::string to_lines(const RankFile& file) {
  ordered_json head = to_json(file);
  const std::vector<ordered_json> pieces = head["pieces"];
  head.erase("pieces");
  std::string text = head.dump();
  text.back() = ',';
  return text + " \"pieces\": [\n" + to_lines(pieces) + "]}";
}

Manifest from_json(const json& root, const std::string& where) {
  Manifest manifest;
  if (root.at("format").get<std::string>() != kFormat)
    fail(ExitCode::kCorrupt, "{}: format {} is not {}; use the Muybridge that wrote it", where,
         root.at("format").dump(), kFormat);
  manifest.version = root.at("version");
  manifest.step = root.at("step");
  manifest.seed = root.at("seed");
  manifest.ranks = root.at("ranks");
  manifest.dtype = dtype_from_name(root.at("dtype").get<std::string>());
  manifest.loader_position = root.at("loader_position");
  manifest.extra = root.at("extra");
  manifest.config = root.at("config");
  for (const json& parameter : root.at("parameters"))
    manifest.parameters.push_back({parameter.at("name"), shape_from_json(parameter.at("shape"))});
  for (const json& file : root.at("files"))
    manifest.files.push_back(rank_file_from_json(file, manifest.dtype));
  return manifest;
}

}  // namespace

const ManifestParameter* Manifest::find(const std::string& name) const {
  const auto found = std::ranges::find(parameters, name, &ManifestParameter::name);
  return found == parameters.end() ? nullptr : &*found;
}

bool Manifest::has(StateKind kind) const {
  for (const RankFile& file : files)
    for (const StoredPiece& piece : file.pieces)
      if (piece.kind == kind) return true;
  return false;
}

ordered_json to_json(const RankFile& file) {
  ordered_json pieces = ordered_json::array();
  for (const StoredPiece& piece : file.pieces)
    pieces.push_back(
        {{"kind", name_of(piece.kind)},
         {"name", piece.name},
         {"slice", {piece.slice.begin, piece.slice.length, piece.slice.stride, piece.slice.count}},
         {"offset", piece.offset},
         {"hash", piece.hash}});
  return {{"name", file.name}, {"bytes", file.bytes}, {"hash", file.hash}, {"pieces", pieces}};
}

RankFile rank_file_from_json(const json& object, DType dtype) {
  RankFile file{object.at("name"), object.at("bytes"), object.at("hash"), {}};
  if (file.name.empty() || file.name.front() == '.' || file.name.find('/') != std::string::npos)
    throw json::other_error::create(599, "'" + file.name + "' is no name for a file", nullptr);
  for (const json& item : object.at("pieces")) {
    StoredPiece piece;
    piece.kind = kind_from_name(item.at("kind"));
    piece.name = item.at("name");
    const auto slice = item.at("slice").get<std::array<std::int64_t, 4>>();
    piece.slice = {slice[0], slice[1], slice[2], slice[3]};
    piece.dtype = dtype;
    piece.offset = item.at("offset");
    piece.hash = item.at("hash");
    file.pieces.push_back(std::move(piece));
  }
  return file;
}

std::string to_text(const Manifest& manifest) {
  std::vector<ordered_json> parameters;
  for (const ManifestParameter& parameter : manifest.parameters) {
    const auto extents = parameter.shape.extents();
    parameters.push_back({{"name", parameter.name},
                          {"shape", std::vector<std::int64_t>(extents.begin(), extents.end())}});
  }
  std::string files;
  for (const RankFile& file : manifest.files)
    files += to_lines(file) + (&file == &manifest.files.back() ? "\n" : ",\n");
  const auto line = [](const char* key, const json& value) {
    return fmt::format("\"{}\": {},\n", key, value.dump());
  };
  std::string text = fmt::format("{}{}\",\n", kHashPrefix, kNoHash);
  text += line("format", kFormat) + line("version", manifest.version) +
          line("step", manifest.step) + line("seed", manifest.seed) +
          line("ranks", manifest.ranks) + line("dtype", name_of(manifest.dtype)) +
          line("loader_position", manifest.loader_position) + line("extra", manifest.extra) +
          line("config", manifest.config);
  text += "\"parameters\": [\n" + to_lines(parameters) + "],\n";
  text += "\"files\": [\n" + files + "]\n}\n";
  text.replace(kHashPrefix.size(), kHashDigits, hash_bytes(text.data(), text.size()));
  return text;
}

Manifest manifest_from_text(std::string text, const std::string& where) {
  const auto refuse = [&](const std::string& why) {
    fail(ExitCode::kCorrupt, "{} is damaged: {}", where, why);
  };
  if (!text.starts_with(kHashPrefix) || text.size() < kHashPrefix.size() + kHashDigits)
    refuse("it does not begin as a manifest does");
  const std::string hash = text.substr(kHashPrefix.size(), kHashDigits);
  text.replace(kHashPrefix.size(), kHashDigits, kNoHash);
  if (hash_bytes(text.data(), text.size()) != hash) refuse("its bytes are not those of its hash");
  Manifest manifest;
  try {
    manifest = from_json(json::parse(text), where);
  } catch (const json::exception& error) {
    refuse(error.what());
  } catch (const std::invalid_argument& error) {
    refuse(error.what());
  }
  const std::string defect = coverage_defect(manifest);
  if (!defect.empty()) refuse(defect);
  return manifest;
}

Manifest read_manifest(const std::filesystem::path& commit) {
  const std::filesystem::path path = commit / "manifest.json";
  if (!std::filesystem::is_regular_file(path))
    fail(ExitCode::kCorrupt, "{} is no commit: it has no manifest.json", commit.string());
  return manifest_from_text(read_file(path), path.string());
}

void require_coverage(const Manifest& manifest, const std::string& where) {
  const std::string defect = coverage_defect(manifest);
  if (!defect.empty())
    fail(ExitCode::kInternal, "{}: the ranks' slices do not make the state: {}", where, defect);
}

void require_fit(const Manifest& manifest, const Parameters& parameters, const std::string& where) {
  std::map<std::string, const Shape*> stored, wanted;
  std::vector<std::string> stored_names, wanted_names;
  for (const ManifestParameter& parameter : manifest.parameters) {
    stored[parameter.name] = &parameter.shape;
    stored_names.push_back(parameter.name);
  }
  for (const Parameter& parameter : parameters.list()) {
    wanted[parameter.spec.name] = &parameter.spec.shape;
    wanted_names.push_back(parameter.spec.name);
  }
  std::vector<std::string> mistakes;
  const auto hint = [](const std::string& name, const std::vector<std::string>& candidates) {
    const std::string near = nearest(name, candidates);
    return near.empty() ? "" : fmt::format(" (nearest: {})", near);
  };
  for (const auto& [name, shape] : wanted) {
    const auto found = stored.find(name);
    if (found == stored.end())
      mistakes.push_back(
          fmt::format("{} {} is not in the checkpoint{}", name, *shape, hint(name, stored_names)));
    else if (*found->second != *shape)
      mistakes.push_back(
          fmt::format("{} is {} in the checkpoint, {} in the model", name, *found->second, *shape));
  }
  for (const auto& [name, shape] : stored)
    if (!wanted.contains(name))
      mistakes.push_back(
          fmt::format("{} {} is not in the model{}", name, *shape, hint(name, wanted_names)));
  if (mistakes.empty()) return;
  constexpr std::size_t kMostListed = 8;
  std::string list;
  for (std::size_t i = 0; i < std::min(mistakes.size(), kMostListed); ++i)
    list += "\n  " + mistakes[i];
  if (mistakes.size() > kMostListed)
    list += fmt::format("\n  and {} more", mistakes.size() - kMostListed);
  fail(ExitCode::kUsage,
       "{} does not fit the model of the configuration:{}\nuse the model section of the "
       "checkpoint's own config (in its manifest.json), or another checkpoint",
       where, list);
}

}  // namespace muybridge
