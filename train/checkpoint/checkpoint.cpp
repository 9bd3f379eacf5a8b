#include "train/checkpoint/checkpoint.h"

#include <map>
#include <optional>
#include <stdexcept>

#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"
#include "parallel/together.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/checkpoint/coverage.h"
#include "train/checkpoint/rank_file_writer.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

// What a rank tells rank 0 of its file.
std::string report_of(const RankFile& file) {
  const DType dtype = file.pieces.empty() ? DType::kF32 : file.pieces.front().dtype;
  return nlohmann::ordered_json{{"dtype", name_of(dtype)}, {"file", to_json(file)}}.dump();
}

// The files of all ranks, and the one type of their elements.
void add_files(const std::vector<std::string>& reports, Manifest& manifest) {
  std::optional<std::size_t> first;  // rank that has pieces
  for (std::size_t rank = 0; rank < reports.size(); ++rank) {
    const nlohmann::json report = nlohmann::json::parse(reports[rank]);
    const DType dtype = dtype_from_name(report.at("dtype").get<std::string>());
    manifest.files.push_back(rank_file_from_json(report.at("file"), dtype));
    if (manifest.files.back().pieces.empty()) continue;
    if (!first) {
      first = rank;
      manifest.dtype = dtype;
    } else if (dtype != manifest.dtype) {
      throw std::invalid_argument(
          fmt::format("checkpoint: the state is {} on rank {} and {} on rank {}",
                      name_of(manifest.dtype), *first, name_of(dtype), rank));
    }
  }
}

void write_manifest(const fs::path& folder, const TrainState& state, const Catalogue& catalogue,
                    const std::vector<std::string>& reports) {
  Manifest manifest{.version = MUYBRIDGE_VERSION,
                    .step = state.step,
                    .seed = state.seed,
                    .ranks = static_cast<int>(reports.size()),
                    .loader_position = state.loader_position,
                    .extra = state.extra,
                    .config = state.config,
                    .parameters = catalogue};
  add_files(reports, manifest);
  require_coverage(manifest.parameters, manifest.files, folder.string());
  write_file_durably(folder / "manifest.json", to_text(manifest));
  sync_path(folder);
}

void require_writable(const TrainState& state) {
  for (const StatePiece& piece : state.pieces)
    if (piece.elements.dtype() != state.pieces.front().elements.dtype())
      throw std::invalid_argument("checkpoint: the parts of the state differ in element type");
}

void make_empty(const fs::path& checkpoints, const fs::path& temporary) {
  if (fs::create_directories(checkpoints)) sync_path(fs::absolute(checkpoints).parent_path());
  fs::remove_all(temporary);
  fs::create_directory(temporary);
}

// The steps of a commit; each is over on all ranks before the next begins.
void commit(const fs::path& checkpoints, const TrainState& state, Group& group, int keep) {
  const fs::path temporary = temporary_commit(checkpoints, state.step);
  const auto on_all = [&](const auto& work) { return together(group, work); };
  const auto on_zero = [&](const auto& work) {
    rank_zero(group, [&] {
      work();
      return std::string();
    });
  };
  on_all([&] {
    require_writable(state);
    if (group.rank() == 0) make_empty(checkpoints, temporary);
    return std::string();
  });
  require_same_weights(state.weights, group);
  const Catalogue catalogue = merged(state.catalogue, group);
  const std::vector<std::string> reports = on_all([&] {
    return report_of(
        write_rank_file(temporary / fmt::format("rank-{:04d}.h5", group.rank()), state.pieces));
  });
  on_zero([&] {
    write_manifest(temporary, state, catalogue, reports);
    publish_commit(checkpoints, state.step);
  });
  on_all([&] {
    CheckpointReader(checkpoints / commit_name(state.step))
        .verify_files(group.rank(), group.size());
    return std::string();
  });
  on_zero([&] { settle_commit(checkpoints, state.step, keep); });
}

// After a failure on any rank, with all ranks out of the commit.
void clean_up(const fs::path& checkpoints, const TrainState& state, ExitCode code) {
  const fs::path temporary = temporary_commit(checkpoints, state.step);
  const fs::path published = checkpoints / commit_name(state.step);
  if (code == ExitCode::kCorrupt && fs::exists(published)) {
    if (fs::exists(temporary))
      publish_commit(checkpoints, state.step);
    else
      set_aside(published, "damaged");
  }
  std::error_code error;
  fs::remove_all(temporary, error);
  if (error) log_warning("{}: {}", temporary.string(), error.message());
}

}  // namespace

fs::path save_checkpoint(const fs::path& checkpoints, const TrainState& state, Group& group,
                         int keep) {
  try {
    commit(checkpoints, state, group, keep);
  } catch (const Error& error) {
    // With a rank lost the others may still write; the next start cleans up.
    if (group.rank() == 0 && error.code() != ExitCode::kRankLost)
      clean_up(checkpoints, state, error.code());
    if (error.code() == ExitCode::kCorrupt)
      fail(ExitCode::kIo, "the disk did not give back what was written: {}", error.what());
    throw;
  } catch (const std::exception&) {  // of this rank alone; the others have an Error
    if (group.rank() == 0) clean_up(checkpoints, state, ExitCode::kInternal);
    throw;
  }
  return checkpoints / commit_name(state.step);
}

void load_checkpoint(const CheckpointReader& reader, TrainState& state) {
  const Manifest& manifest = reader.manifest();
  require_fit(manifest.parameters, state.catalogue, reader.path().string());
  std::map<StateKind, StateKind> source;  // of the kinds that are wanted
  for (const StatePiece& piece : state.pieces) source.emplace(piece.kind, piece.kind);
  for (auto& [kind, from] : source) {
    if (manifest.has(kind)) continue;
    if (kind != StateKind::kEma)
      fail(ExitCode::kUsage,
           "{} has no {} to go on with; start a new run with train.init_from instead",
           reader.path().string(), name_of(kind));
    log_warning("{} has no EMA; it begins as the weights", reader.path().string());
    from = StateKind::kMaster;
  }
  for (const StatePiece& piece : state.pieces)
    reader.read(source.at(piece.kind), piece.name, piece.slice, piece.elements);
  state.step = manifest.step;
  state.seed = manifest.seed;
  state.loader_position = manifest.loader_position;
  state.extra = manifest.extra;
  state.config = manifest.config;
}

void load_weights(const CheckpointReader& reader, const Catalogue& model,
                  const Parameters& parameters, StateKind which) {
  require_fit(reader.manifest().parameters, model, reader.path().string());
  for (const Parameter& parameter : parameters.list()) {
    const Tensor values = Tensor::empty(parameter.shape, reader.manifest().dtype);
    reader.read(which, parameter.spec.name, parameter.slice(), values);
    parameters.fill(parameter, values);
  }
}

}  // namespace muybridge
