#include "train/checks/preflight.h"

#include <algorithm>
#include <map>

#include "core/cuda/runtime.h"
#include "core/error.h"
#include "core/log.h"
#include "core/system/file.h"
#include "core/system/host_name.h"
#include "core/system/machine.h"
#include "core/text/nearest_path.h"
#include "data/loader/validation_set.h"
#include "data/media/video_writer.h"
#include "model/dit_parallel.h"
#include "parallel/mesh.h"
#include "parallel/nccl_groups.h"
#include "parallel/together.h"
#include "parallel/values.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/checks/alike.h"
#include "train/model_options.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

constexpr double kManifestShare = 1.02;  // of a commit, over the bare numbers

CorpusIndex open_corpus(const char* key, const fs::path& folder, bool held_out) {
  if (!fs::exists(folder / "index.json")) {
    const std::string near = did_you_mean(
        folder, [](const fs::path& each) { return fs::exists(each / "index.json"); }, {"prepared"});
    fail(ExitCode::kUsage, "{}: {}: no prepared corpus there{}", key, folder.string(),
         near.empty() ? "; make one with 'muybridge prepare'" : near);
  }
  return held_out ? CorpusIndex::open_held_out(folder) : CorpusIndex::open(folder);
}

void warn_of_cuts(const std::vector<EvaluationPrompt>& prompts, int max_bytes) {
  const auto is_cut = [&](const EvaluationPrompt& prompt) {
    return prompt.text.size() > static_cast<std::size_t>(max_bytes);
  };
  const auto cut = std::ranges::count_if(prompts, is_cut);
  if (cut == 0) return;
  const std::string& first = std::ranges::find_if(prompts, is_cut)->text;
  log_warning(
      "eval.prompts: {} of {} are longer than data.max_caption_bytes = {} and are cut; the first "
      "begins with '{}'",
      cut, prompts.size(), max_bytes, first.substr(0, 40));
}

void tell_of_the_rest(const TrainConfig::Eval& eval, const EvaluationPrompts& prompts) {
  if (prompts.known <= eval.samples) return;
  log_info(
      "eval.prompts: {} of {} prompts are rendered, spread over them; for all of them set "
      "eval.samples={}",
      prompts.picked.size(), prompts.known, prompts.known);
}

void check_held_out(const TrainConfig& config, const CorpusIndex& corpus, bool speaks) {
  if (config.eval.validation_clips == 0) return;
  const ValidationSet held_out(corpus, loader_options(config), config.eval.validation_clips);
  if (held_out.batches() == 0 && speaks)
    log_warning(
        "{}: no clip is held out, so there will be no validation loss; prepare with --validation, "
        "or name another corpus in data.validation",
        corpus.folder().string());
}

void require_channels(const char* key, const CorpusIndex& corpus, std::int64_t channels) {
  for (std::int64_t clip = 0; clip < std::ssize(corpus.clips()); ++clip)
    if (const int there = corpus.clips()[static_cast<std::size_t>(clip)].channels;
        there != channels)
      fail(ExitCode::kUsage, "{}: {} has {} channels; an autoencoder takes pixels of {}", key,
           corpus.name_of_clip(clip), there, channels);
}

// Writes and removes a small file, as access(2) says yes on a disk that is mounted read-only.
void require_writable(const fs::path& folder) {
  if (!fs::is_directory(folder))
    fail(ExitCode::kIo,
         "{}: not there on {}; a run's folder must lie on storage that all machines see",
         folder.string(), host_name());
  const fs::path probe = folder / ".probe";
  write_file_durably(probe, "");
  fs::remove(probe);
}

void require_disk(const RunFolder& run, std::int64_t commit_bytes, int keep) {
  const std::int64_t free = free_disk(run.checkpoints());
  if (free < 0) return;
  const auto megabytes = [](std::int64_t bytes) { return (bytes + 999'999) / 1'000'000; };
  if (free < commit_bytes)
    fail(ExitCode::kIo, "{}: a commit takes {} MB and the disk has {} MB left; make room first",
         run.checkpoints().string(), megabytes(commit_bytes), megabytes(free));
  const auto here = static_cast<std::int64_t>(list_commits(run.checkpoints()).size());
  const std::int64_t more = std::max<std::int64_t>(1, keep + 1 - here);
  if (free < more * commit_bytes)
    log_warning(
        "{}: {} commits of {} MB are still to come (train.keep_checkpoints = {}, and one more "
        "while "
        "it is written) and the disk has {} MB left",
        run.checkpoints().string(), more, megabytes(commit_bytes), keep, megabytes(free));
}

// What attention on CUDA has no kernel for.
void require_narrow_heads(const TrainConfig& config) {
  const std::int64_t most = cuda::widest_head(compute_dtype(config));
  const auto require = [&](const char* key, std::int64_t width) {
    if (width > most)
      fail(ExitCode::kUsage,
           "{}: heads of {} columns; CUDA has attention for at most {}: set it to {}, or device: "
           "cpu",
           key, width, most, is_autoencoder(config) ? "less" : "more");
  };
  if (is_autoencoder(config)) {
    const AutoencoderOptions model = autoencoder_options(config);
    return require("autoencoder.width", model.width * model.multiples.back());
  }
  const DitOptions model = dit_options(config);
  require("model.heads", model.width / model.heads);
  require("model.text_heads", model.text_width / model.text_heads);
}

void require_float8(const TrainConfig& config) {
  if (config.train.linear == BlockProducts::kFp8 && !cuda::multiplies_float8())
    fail(ExitCode::kUsage,
         "train.linear=fp8: this device does not multiply numbers of 8 bits, which begins with "
         "compute capability 8.9; set train.linear=precision. It is {}",
         cuda::summary());
}

}  // namespace

bool require_shared(const std::string& key, const fs::path& corpus, Group& group) {
  const fs::path index = corpus / "index.json";
  const std::string there =
      rank_zero(group, [&] { return std::string(fs::exists(index) ? "there" : ""); });
  together(group, [&] {
    if (!there.empty() && !fs::exists(index))
      fail(
          ExitCode::kIo,
          "{}: no prepared corpus is in {} on {}; it must lie on storage that all machines see, or "
          "under the same path on each",
          key, corpus.string(), host_name());
    return std::string();
  });
  return !there.empty();
}

Device take_device(const TrainConfig& config, World& world) {
  using enum TrainConfig::DeviceChoice;
  if (config.device == kAuto && cuda::available() && world.rank() == 0)
    log_info("there is a CUDA device; set device: cuda to compute on it");
  if (device_of(config) == Device::kCpu) return Device::kCpu;
  if (!cuda::available())
    fail(ExitCode::kUsage,
         "device={}: there is none that this program can use: {}; leave it auto or cpu",
         config.device == kCuda ? "cuda" : "shared-cuda", cuda::summary());
  require_narrow_heads(config);
  // A launcher may show each rank a device of its own, as the first.
  const int index = world.local_rank() % cuda::device_count();
  cuda::use_device(index);
  require_float8(config);
  const std::string mine = fmt::format("{} of {}", cuda::device_identity(index), world.host());
  const std::vector<std::string> all = all_gather_text(*world.group(), mine);
  if (config.device == kSharedCuda) return Device::kCuda;
  std::map<std::string, int> rank_on;
  for (int rank = 0; rank < world.size(); ++rank) {
    const std::string& identity = all[static_cast<std::size_t>(rank)];
    const auto [other, alone] = rank_on.try_emplace(identity, rank);
    if (!alone)
      fail(ExitCode::kUsage,
           "ranks {} and {} would compute on the same device, {}; start as many ranks as there are "
           "devices, or set device: shared-cuda",
           other->second, rank, identity);
  }
  together(*world.group(), [&] {
    world.use_nccl();
    return std::string();
  });
  if (world.size() > 1 && world.rank() == 0) log_info("devices exchange over {}", nccl_summary());
  return Device::kCuda;
}

std::string require_runnable(const TrainConfig& config, int ranks) {
  const MeshSizes sizes = resolve(mesh_sizes(config), ranks);
  if (!is_autoencoder(config))
    require_layout(dit_options(config), sizes, placement_of(config), config.batch.tokens);
  const int batches = config.batch.micro_batches, replicas = sizes.data;
  if (batches >= replicas) return "";
  return fmt::format(
      "{} of {} {} {} nothing to do: a step is {} micro-batch{}; raise batch.micro_batches or "
      "start fewer ranks",
      replicas - batches, replicas, replicas == ranks ? "ranks" : "replicas of the model",
      replicas - batches == 1 ? "has" : "have", batches, batches == 1 ? "" : "es");
}

std::string slow_precision(const TrainConfig& config, const Machine& machine) {
  if (device_of(config) == Device::kCuda) return "";
  if (config.train.linear == BlockProducts::kFp8)
    return "train.linear=fp8: the CPU multiplies the same codes as a GPU, but more slowly than in "
           "train.precision";
  if (config.train.precision != TrainConfig::Precision::kBF16 || machine.native_bf16) return "";
  return "train.precision=bf16: this processor has no instructions for it, so f32 is faster here";
}

Corpora open_corpora(const TrainConfig& config) {
  Corpora corpora{.train = open_corpus("data.train", config.data.train, /*held_out=*/false),
                  .other = nullptr};
  if (!config.data.validation.empty())
    corpora.other = std::make_unique<CorpusIndex>(
        open_corpus("data.validation", config.data.validation, /*held_out=*/true));
  if (is_autoencoder(config)) {
    require_channels("data.train", corpora.train, autoencoder_options(config).channels);
    if (corpora.other)
      require_channels("data.validation", *corpora.other, autoencoder_options(config).channels);
  }
  return corpora;
}

EvaluationPrompts prepare_evaluation(const TrainConfig& config, const CorpusIndex* validation,
                                     Group& group) {
  const bool speaks = group.rank() == 0;
  if (validation != nullptr) check_held_out(config, *validation, speaks);
  if (config.eval.samples == 0) return {};
  if (!is_autoencoder(config)) render_grid(dit_options(config), render_options(config));
  if (default_video_encoder().empty())
    fail(ExitCode::kUsage,
         "no encoder for MP4 is installed; install libx264, or set eval.samples=0");
  if (is_autoencoder(config)) return {};  // it shows held-out clips
  EvaluationPrompts prompts =
      evaluation_prompts(config.eval.prompts, config.eval.samples, validation);
  std::vector<std::string> texts;
  for (const EvaluationPrompt& prompt : prompts.picked) texts.push_back(prompt.text);
  require_alike(group, {hash_of("eval.prompts", texts)});
  if (speaks) warn_of_cuts(prompts.picked, config.data.max_caption_bytes);
  if (speaks) tell_of_the_rest(config.eval, prompts);
  return prompts;
}

void require_writable(const std::vector<fs::path>& folders, Group& group) {
  together(group, [&] {
    for (const fs::path& folder : folders) require_writable(folder);
    return std::string();
  });
}

void require_room(const RunFolder& run, std::int64_t commit_bytes, int keep, Group& group) {
  require_writable({run.root, run.checkpoints(), run.samples()}, group);
  rank_zero(group, [&] {
    require_writable(run.tensorboard());
    require_disk(run, static_cast<std::int64_t>(static_cast<double>(commit_bytes) * kManifestShare),
                 keep);
    return std::string();
  });
}

}  // namespace muybridge
