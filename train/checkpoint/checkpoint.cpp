#include "train/checkpoint/checkpoint.h"

#include <algorithm>
#include <stdexcept>

#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"
#include "parallel/together.h"
#include "train/checkpoint/checkpoint_folder.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

// Where the flat range and a parameter meet, in the parameter's own elements.
FlatRange shared_part(const Parameter& parameter, FlatRange range) {
  const std::int64_t elements = parameter.spec.shape.numel();
  return {std::clamp(range.begin - parameter.offset, std::int64_t{0}, elements),
          std::clamp(range.end - parameter.offset, std::int64_t{0}, elements)};
}

// The flat elements that a tensor of the state holds.
FlatRange held_by(const TrainState& state, const Tensor& tensor) {
  const std::int64_t whole = state.parameters->flat_size();
  if (tensor.numel() == whole) return {0, whole};
  if (tensor.numel() == state.owned.end - state.owned.begin) return state.owned;
  throw std::invalid_argument(
      fmt::format("checkpoint: a state of {} elements is neither the whole {} nor what the rank "
                  "owns, [{}, {})",
                  tensor.numel(), whole, state.owned.begin, state.owned.end));
}

RankFile write_rank_file(const fs::path& folder, const TrainState& state, int rank) {
  RankFileWriter writer(folder / fmt::format("rank-{:04d}.h5", rank));
  for (const StateKind kind : kStateKinds) {
    const Tensor& tensor = state.of(kind);
    if (!tensor.defined()) continue;
    const FlatRange held = held_by(state, tensor);
    for (const Parameter& parameter : state.parameters->list()) {
      const FlatRange part = shared_part(parameter, state.owned);
      const std::int64_t length = part.end - part.begin;
      if (length == 0) continue;
      writer.add({kind, parameter.spec.name, Slice::range(part.begin, length)},
                 tensor.flat_view(parameter.offset + part.begin - held.begin, {length}));
    }
  }
  return writer.finish();
}

void write_manifest(const fs::path& folder, const TrainState& state,
                    const std::vector<std::string>& rank_files) {
  Manifest manifest{.version = MUYBRIDGE_VERSION,
                    .step = state.step,
                    .seed = state.seed,
                    .ranks = static_cast<int>(rank_files.size()),
                    .dtype = state.master.dtype(),
                    .loader_position = state.loader_position,
                    .extra = state.extra,
                    .config = state.config};
  for (const Parameter& parameter : state.parameters->list())
    manifest.parameters.push_back({parameter.spec.name, parameter.spec.shape});
  for (const std::string& file : rank_files)
    manifest.files.push_back(rank_file_from_json(nlohmann::json::parse(file), manifest.dtype));
  require_coverage(manifest, folder.string());
  write_file_durably(folder / "manifest.json", to_text(manifest));
  sync_path(folder);
}

void require_writable(const TrainState& state, const Group& group) {
  if (!state.parameters || !state.master.defined())
    throw std::invalid_argument("checkpoint: a state without parameters or master weights");
  if (state.owned.begin < 0 || state.owned.begin > state.owned.end ||
      state.owned.end > state.parameters->flat_size())
    throw std::invalid_argument(fmt::format("checkpoint: rank {} owns [{}, {}) of {}", group.rank(),
                                            state.owned.begin, state.owned.end,
                                            state.parameters->flat_size()));
  for (const StateKind kind : kStateKinds)
    if (state.of(kind).defined() && state.of(kind).dtype() != state.master.dtype())
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
    require_writable(state, group);
    if (group.rank() == 0) make_empty(checkpoints, temporary);
    return std::string();
  });
  const std::vector<std::string> files =
      on_all([&] { return to_json(write_rank_file(temporary, state, group.rank())).dump(); });
  on_zero([&] {
    write_manifest(temporary, state, files);
    publish_commit(checkpoints, state.step);
  });
  on_all([&] {
    CheckpointReader(checkpoints / commit_name(state.step)).verify(group.rank(), group.size());
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

FlatRange even_share(std::int64_t flat_size, int rank, int ranks) {
  const auto cut = [&](std::int64_t r) {
    return flat_size / ranks * r + flat_size % ranks * r / ranks;
  };
  return {cut(rank), cut(rank + 1)};
}

const Tensor& TrainState::of(StateKind kind) const {
  switch (kind) {
    case StateKind::kMaster:
      return master;
    case StateKind::kMomentum:
      return momentum;
    case StateKind::kVariance:
      return variance;
    case StateKind::kEma:
      return ema;
  }
  throw std::invalid_argument("checkpoint: an unknown kind of state");
}

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
  }
  return checkpoints / commit_name(state.step);
}

void load_checkpoint(const CheckpointReader& reader, TrainState& state) {
  const Manifest& manifest = reader.manifest();
  require_fit(manifest, *state.parameters, reader.path().string());
  for (const StateKind kind : kStateKinds) {
    const Tensor& tensor = state.of(kind);
    if (!tensor.defined()) continue;
    StateKind source = kind;
    if (!manifest.has(kind)) {
      if (kind != StateKind::kEma)
        fail(ExitCode::kUsage,
             "{} has no {} to go on with; start a new run with train.init_from instead",
             reader.path().string(), name_of(kind));
      log_warning("{} has no EMA; it begins as the weights", reader.path().string());
      source = StateKind::kMaster;
    }
    const FlatRange held = held_by(state, tensor);
    for (const Parameter& parameter : state.parameters->list()) {
      const FlatRange part = shared_part(parameter, held);
      if (part.begin == part.end) continue;
      reader.read(
          source, parameter.spec.name, part.begin,
          tensor.flat_view(parameter.offset + part.begin - held.begin, {part.end - part.begin}));
    }
  }
  state.step = manifest.step;
  state.seed = manifest.seed;
  state.loader_position = manifest.loader_position;
  state.extra = manifest.extra;
  state.config = manifest.config;
}

void load_weights(const CheckpointReader& reader, const Parameters& parameters, StateKind which) {
  require_fit(reader.manifest(), parameters, reader.path().string());
  for (const Parameter& parameter : parameters.list())
    if (parameter.spec.shape.numel() > 0)
      reader.read(which, parameter.spec.name, 0, parameters.slice(parameters.master(), parameter));
  parameters.round_to_compute(0, parameters.flat_size());
}

}  // namespace muybridge
