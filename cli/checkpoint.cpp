#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

#include "cli/commands.h"
#include "core/error.h"
#include "core/log.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/config.h"
#include "train/load_config.h"
#include "train/model_options.h"
#include "train/weights/checkpoint_export.h"
#include "train/weights/exported_model.h"

namespace muybridge {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct Arguments {
  std::string path;
  std::string out;
  bool json = false;
  bool ema = false;
  bool raw = false;
  std::string dtype = "f32";
};

std::uint64_t bytes_of(const Manifest& manifest) {
  return std::accumulate(manifest.files.begin(), manifest.files.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const RankFile& file) { return sum + file.bytes; });
}

std::int64_t elements_of(const Manifest& manifest) {
  return std::accumulate(manifest.parameters.begin(), manifest.parameters.end(), std::int64_t{0},
                         [](std::int64_t sum, const ManifestParameter& parameter) {
                           return sum + parameter.shape.numel();
                         });
}

std::string in_units(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  int unit = 0;
  for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
  return fmt::format("{:.{}f} {}", value, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::vector<std::string> kinds_in(const Manifest& manifest) {
  std::vector<std::string> kinds;
  for (const StateKind kind : kStateKinds)
    if (manifest.has(kind)) kinds.emplace_back(name_of(kind));
  return kinds;
}

// A run's folder, its `checkpoints`, or one commit.
std::vector<Commit> commits_at(const fs::path& path) {
  if (fs::exists(path / "manifest.json")) return {{path, read_manifest(path).step}};
  for (const fs::path& folder : {path / "checkpoints", path})
    if (auto commits = list_commits(folder); !commits.empty()) return commits;
  fail(ExitCode::kUsage, "{}: no checkpoint there; give a run's folder or a commit", path.string());
}

void list(const Arguments& arguments) {
  Json rows = Json::array();
  for (const Commit& commit : commits_at(arguments.path)) {
    Json row = {{"step", commit.step}, {"path", commit.path.string()}};
    try {
      const Manifest manifest = read_manifest(commit.path);
      row["bytes"] = bytes_of(manifest);
      row["ranks"] = manifest.ranks;
      row["holds"] = kinds_in(manifest);
    } catch (const Error& error) {
      row["error"] = error.what();
    }
    rows.push_back(std::move(row));
  }
  if (arguments.json) return fmt::print("{}\n", rows.dump(2));
  for (const Json& row : rows) {
    const auto path = row["path"].get<std::string>();
    if (row.contains("error"))
      fmt::print("{}  {}\n", path, row["error"].get<std::string>());
    else
      fmt::print("{}  {:>10}  {} {}\n", path, in_units(row["bytes"]), row["ranks"].get<int>(),
                 row["ranks"] == 1 ? "rank" : "ranks");
  }
}

Json summary(const CheckpointReader& reader) {
  const Manifest& manifest = reader.manifest();
  Json parameters = Json::array();
  for (const ManifestParameter& parameter : manifest.parameters) {
    const auto extents = parameter.shape.extents();
    parameters.push_back({{"name", parameter.name},
                          {"shape", std::vector<std::int64_t>(extents.begin(), extents.end())}});
  }
  return {{"path", reader.path().string()},
          {"step", manifest.step},
          {"version", manifest.version},
          {"seed", manifest.seed},
          {"ranks", manifest.ranks},
          {"dtype", name_of(manifest.dtype)},
          {"bytes", bytes_of(manifest)},
          {"elements", elements_of(manifest)},
          {"holds", kinds_in(manifest)},
          {"loader_position", manifest.loader_position},
          {"extra", manifest.extra},
          {"config", manifest.config},
          {"parameters", std::move(parameters)}};
}

void show(const Arguments& arguments) {
  const CheckpointReader reader(resolve_commit(arguments.path, *solo_group()));
  const Manifest& manifest = reader.manifest();
  if (arguments.json) return fmt::print("{}\n", summary(reader).dump(2));
  fmt::print("{}\n", reader.path().string());
  fmt::print("step        {}\nwritten by  muybridge {}, {} ranks\n", manifest.step,
             manifest.version, manifest.ranks);
  fmt::print("holds       {} ({}, {})\n", fmt::join(kinds_in(manifest), ", "),
             name_of(manifest.dtype), in_units(bytes_of(manifest)));
  fmt::print("seed        {}\nloader      {}\nextra       {}\n", manifest.seed,
             manifest.loader_position.dump(), manifest.extra.dump());
  fmt::print("parameters  {} in {} tensors\n", elements_of(manifest), manifest.parameters.size());
  for (const ManifestParameter& parameter : manifest.parameters)
    fmt::print("  {}  {}\n", parameter.name, parameter.shape);
}

// Looks at everything before it gives up, so that all damage is told at once.
void verify(const Arguments& arguments) {
  Json rows = Json::array();
  int damaged = 0;
  for (const Commit& commit : commits_at(arguments.path)) {
    Json problems = Json::array();
    const auto attempt = [&](const std::function<void()>& check) {
      try {
        check();
      } catch (const Error& error) {
        if (error.code() != ExitCode::kCorrupt) throw;
        problems.push_back(error.what());
      }
    };
    attempt([&] {
      const Manifest manifest = read_manifest(commit.path);
      for (const RankFile& file : manifest.files)
        attempt([&] { verify_rank_file(commit.path / file.name, file); });
    });
    damaged += problems.empty() ? 0 : 1;
    if (!arguments.json) {
      fmt::print("{}  {}\n", commit.path.string(), problems.empty() ? "whole" : "DAMAGED");
      for (const Json& problem : problems) fmt::print("  {}\n", problem.get<std::string>());
    }
    rows.push_back({{"path", commit.path.string()},
                    {"step", commit.step},
                    {"whole", problems.empty()},
                    {"problems", std::move(problems)}});
  }
  if (arguments.json) fmt::print("{}\n", rows.dump(2));
  if (damaged > 0)
    fail(ExitCode::kCorrupt, "{} of {} commits are damaged; {}", damaged, rows.size(),
         damaged < static_cast<int>(rows.size())
             ? "training goes on from the newest that is whole"
             : "no other is left to go on from: get one back from a copy, or "
               "start anew with train.resume=never in another folder");
}

void export_checkpoint(const Arguments& arguments) {
  const CheckpointReader reader(resolve_commit(arguments.path, *solo_group()));
  const TrainConfig config =
      parse_train_config(reader.manifest().config, (reader.path() / "manifest.json").string());
  const StateKind which = arguments.raw ? StateKind::kMaster : StateKind::kEma;
  const ExportOptions options{
      .which = which,
      .dtype = dtype_from_name(arguments.dtype),
      .patch = dit_options(config).patch,
      .metadata = export_metadata(config, which, reader.manifest().step, MUYBRIDGE_VERSION)};
  if (is_autoencoder(config)) {
    export_autoencoder(reader, options, autoencoder_options(config), arguments.out);
    fmt::print("{}\n", arguments.out);
    return;
  }
  export_weights(reader, options, arguments.out);
  fmt::print("{}\n", arguments.out);
  const std::vector<std::string> reasons = foreign_to_wan(config);
  if (!reasons.empty())
    log_warning(
        "'muybridge sample' runs this file; diffusers and other loaders of Wan2.1 cannot: {}",
        fmt::join(reasons, "; "));
}

Command add_command(const Command& parent, const std::string& name, const std::string& help,
                    const std::string& examples, const std::shared_ptr<Arguments>& arguments,
                    void (*run)(const Arguments&)) {
  const Command command = parent.add_command(name, help);
  command.add_option("PATH", arguments->path, "A run's folder, or one commit in it").required();
  command.footer(examples);
  command.run([arguments, run] { run(*arguments); });
  return command;
}

}  // namespace

void add_checkpoint_command(const Command& program) {
  const Command checkpoint =
      program.add_command("checkpoint", "List, show, verify or export what training saved");
  checkpoint.needs_command();
  checkpoint.footer(R"(Examples:
  muybridge checkpoint list runs/shapes
  muybridge checkpoint verify runs/shapes
  muybridge checkpoint export runs/shapes shapes.safetensors)");
  const auto arguments = std::make_shared<Arguments>();
  const auto add = [&](const char* name, const char* help, const char* examples,
                       void (*run)(const Arguments&)) {
    return add_command(checkpoint, name, help, examples, arguments, run);
  };
  const auto add_json = [&](Command command) {
    command.add_flag("--json", arguments->json, "Print JSON");
  };
  add_json(add("list", "List a run's commits, oldest first", R"(Examples:
  muybridge checkpoint list runs/shapes
  muybridge checkpoint list runs/shapes --json)",
               list));
  add_json(add("show", "Show what a commit holds (of a run: the newest that is whole)", R"(Examples:
  muybridge checkpoint show runs/shapes
  muybridge checkpoint show runs/shapes/checkpoints/step-00000500 --json)",
               show));
  add_json(add("verify", "Read every byte; exit 65 and name file and tensor where one is damaged",
               R"(Examples:
  muybridge checkpoint verify runs/shapes
  muybridge checkpoint verify runs/shapes/checkpoints/step-00000500)",
               verify));
  const Command to_file = add(
      "export", "Write the weights as safetensors with the names of diffusers",
      R"('muybridge sample FILE --prompt ...' runs the file, which says itself what model it holds.

Examples:
  muybridge checkpoint export runs/shapes shapes.safetensors
  muybridge checkpoint export runs/shapes/checkpoints/step-00000500 shapes.safetensors --raw --dtype bf16)",
      export_checkpoint);
  to_file.add_option("OUT", arguments->out, "The file to write").required();
  const Option ema = to_file.add_flag(
      "--ema", arguments->ema,
      "The averaged weights, which sample and evaluate use too; this is the default");
  to_file.add_flag("--raw", arguments->raw, "The weights of the last step, not their average")
      .excludes(ema);
  to_file.add_option("--dtype", arguments->dtype, "Element type of the file")
      .one_of({"f32", "bf16"})
      .show_default();
}

}  // namespace muybridge
