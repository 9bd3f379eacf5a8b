#include "train/checkpoint/checkpoint_manifest.h"

#include <algorithm>

#include "core/error.h"
#include "core/system/file.h"
#include "train/checkpoint/coverage.h"

namespace muybridge {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;  // what people read has its keys in an order that helps

constexpr std::string_view kFormat = "muybridge-checkpoint-1";
constexpr std::string_view kHashPrefix = "{\n\"hash\": \"";
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
  for (const StoredPiece& piece : file.pieces) {
    pieces.push_back(
        {{"kind", name_of(piece.kind)},
         {"name", piece.name},
         {"slice", {piece.slice.begin, piece.slice.length, piece.slice.stride, piece.slice.count}},
         {"offset", piece.offset},
         {"hash", piece.hash}});
    if (!piece.part_hashes.empty()) pieces.back()["part_hashes"] = piece.part_hashes;
  }
  return {{"name", file.name},
          {"bytes", file.bytes},
          {"hash", file.hash},
          {"structure_hash", file.structure_hash},
          {"pieces", pieces}};
}

RankFile rank_file_from_json(const json& object, DType dtype) {
  RankFile file{.name = object.at("name"),
                .bytes = object.at("bytes"),
                .hash = object.at("hash"),
                .pieces = {},
                .structure_hash = object.value("structure_hash", "")};
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
    piece.part_hashes = item.value("part_hashes", "");
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
  const std::string defect = coverage_defect(manifest.parameters, manifest.files);
  if (!defect.empty()) refuse(defect);
  for (const RankFile& file : manifest.files)
    for (const StoredPiece& piece : file.pieces)
      if (!piece.part_hashes.empty() &&
          piece.part_hashes.size() != kHashDigits * ((piece.bytes() - 1) / kHashedBytes + 1))
        refuse(fmt::format("{} has not the hashes of its parts", piece.data_set()));
  return manifest;
}

Manifest read_manifest(const std::filesystem::path& commit) {
  const std::filesystem::path path = commit / "manifest.json";
  if (!std::filesystem::is_regular_file(path))
    fail(ExitCode::kCorrupt, "{} is no commit: it has no manifest.json", commit.string());
  return manifest_from_text(read_file(path), path.string());
}

}  // namespace muybridge
