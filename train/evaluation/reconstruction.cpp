#include "train/evaluation/reconstruction.h"

#include <chrono>
#include <cmath>
#include <map>
#include <optional>

#include "core/error.h"
#include "core/system/temporary_file.h"
#include "data/loader/clip_pixels.h"
#include "data/loader/unpatchify.h"
#include "data/loader/validation_set.h"
#include "data/media/video_writer.h"
#include "model/autoencoder/whole_clips.h"
#include "parallel/together.h"
#include "parallel/values.h"
#include "train/model_options.h"
#include "train/records/progress.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kSettings = "reconstructions of held-out clips";

// f32 [T,H,W,3] on the CPU.
Frames pictures(const Tensor& pixels) {
  const Shape& shape = pixels.shape();
  return unpatchify(pixels.reshape({shape.rows(), shape.back()}),
                    {.frames = static_cast<std::int32_t>(shape[0]),
                     .height = static_cast<std::int32_t>(shape[1]),
                     .width = static_cast<std::int32_t>(shape[2])},
                    {.frames = 1, .height = 1, .width = 1});
}

double squares_between(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    const double difference =
        static_cast<double>(a.data<float>()[i]) - static_cast<double>(b.data<float>()[i]);
    sum += difference * difference;
  }
  return sum;
}

// Of the clips measured, which are shown and as which.
std::map<std::int64_t, int> shown(const ValidationSet& set, int count) {
  const std::vector<std::int64_t>& numbers = set.clip_numbers();
  const auto clips = std::ssize(numbers), wanted = std::min<std::int64_t>(count, clips);
  std::map<std::int64_t, int> places;
  for (std::int64_t i = 0; i < wanted; ++i)
    places[numbers[static_cast<std::size_t>(i * clips / wanted)]] = static_cast<int>(i);
  return places;
}

// A rank's share of the work.
class Reconstruction {
 public:
  Reconstruction(const Autoencoder& autoencoder, const EvaluationSubject& subject, fs::path folder,
                 std::map<std::int64_t, int> places)
      : autoencoder_(autoencoder),
        subject_(subject),
        folder_(std::move(folder)),
        places_(std::move(places)) {}

  // By the number of the clip: what is known of it.
  Json add(const Batch& batch) const {
    Json clips = Json::array();
    for (int clip = 0; clip < batch.packing.clips(); ++clip) {
      const auto at = static_cast<std::size_t>(clip);
      const Tensor real =
          clip_pixels(batch.tokens.rows(batch.packing.offsets[at], batch.packing.length(clip)),
                      batch.packing.grids[at], token_size(subject_.config));
      clips.push_back(measure(real, batch.clip_ids[at], batch.captions[at]));
    }
    return clips;
  }

 private:
  Json measure(const Tensor& real, std::int64_t number, const std::string& caption) const {
    const Tensor made =
        decode_clip(autoencoder_, encode_clip(autoencoder_, real)).to(Device::kCpu).to(DType::kF32);
    const double squares = squares_between(made, real);
    if (!std::isfinite(squares))
      fail(ExitCode::kInternal, "{}: its reconstruction is not finite",
           subject_.corpus->name_of_clip(number));
    const Frames made_frames = pictures(made), real_frames = pictures(real);
    const Quality quality = picture_quality(made_frames, real_frames);
    Json clip = {
        {"number", number}, {"squares", squares}, {"numbers", real.numel()}, {"quality", quality}};
    if (const auto place = places_.find(number); place != places_.end()) {
      const SampleRecord record{.prompt = caption,
                                .seed = static_cast<std::uint64_t>(number),
                                .file = fmt::format("clip-{:03}.mp4", place->second),
                                .scores = {},
                                .quality = quality,
                                .source = "held out",
                                .real = fmt::format("real-{:03}.mp4", place->second)};
      write(made_frames, number, record.file,
            fmt::format("a reconstruction by muybridge {}, step {}: ", MUYBRIDGE_VERSION,
                        subject_.step));
      write(real_frames, number, record.real, "not generated: ");
      clip["record"] = to_json(record);
    }
    return clip;
  }

  void write(const Frames& frames, std::int64_t number, const std::string& file,
             const std::string& what) const {
    const ClipRecord clip = subject_.corpus->record(number);
    write_video(folder_ / file, frames,
                {.fps = clip.fps > 0 ? clip.fps : kRateOfPictures,
                 .upscale = subject_.config.eval.upscale,
                 .comment = what + "a clip of the corpus, " + clip.source});
  }

  static constexpr double kRateOfPictures = 8;

  const Autoencoder& autoencoder_;
  const EvaluationSubject& subject_;
  const fs::path folder_;
  const std::map<std::int64_t, int> places_;
};

}  // namespace

Evaluation evaluate_reconstruction(const Autoencoder& autoencoder, const EvaluationSubject& subject,
                                   const RunFolder& run, const Mesh& mesh) {
  const auto begin = std::chrono::steady_clock::now();
  const TrainConfig::Eval& eval = subject.config.eval;
  Group& world = *mesh.world();
  const fs::path folder = run.samples(subject.step);
  Evaluation result{.step = subject.step};
  result.samples = {
      .step = subject.step, .checkpoint = subject.checkpoint, .settings = kSettings, .clips = {}};
  std::map<std::int64_t, Json> clips;  // by number
  if (subject.corpus != nullptr && eval.validation_clips > 0) {
    std::optional<ValidationSet> set;
    std::string mine;
    together(world, [&] {
      set.emplace(*subject.corpus, loader_options(subject.config), eval.validation_clips);
      if (eval.samples > 0) fs::create_directories(folder);
      if (eval.samples > 0) remove_stale_temporaries(folder);
      const Reconstruction work(autoencoder, subject, folder, shown(*set, eval.samples));
      Json found = Json::array();
      for (int i = mesh.coordinate().data; i < set->batches(); i += mesh.sizes().data)
        for (Json& clip : work.add(set->batch(i))) found.push_back(std::move(clip));
      mine = found.dump();
      return std::string();
    });
    for (const std::string& part : all_gather_text(world, mine))
      for (Json& clip : Json::parse(part)) {
        const auto number = clip.at("number").get<std::int64_t>();
        clips[number] = std::move(clip);
      }
  }
  double squares = 0, numbers = 0;
  for (const auto& [number, clip] : clips) {
    squares += clip.at("squares").get<double>();
    numbers += clip.at("numbers").get<double>();
    for (const auto& [name, value] : clip.at("quality").get<Quality>())
      result.quality[name] += value / static_cast<double>(clips.size());
    if (clip.contains("record"))
      result.samples.clips.push_back(sample_record_from(clip.at("record")));
  }
  result.validation_loss = {numbers > 0 ? squares / numbers : std::nan("")};
  rank_zero(world, [&] {
    if (eval.samples == 0 || result.samples.clips.empty()) return std::string();
    remove_clips_of_before(folder, result.samples);
    write_sample_set(folder, result.samples);
    return std::string();
  });
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

std::string describe_autoencoder(const AutoencoderOptions& options, std::int64_t parameters) {
  const std::int64_t side = options.side_factor();
  return fmt::format(
      "autoencoder of {} levels, {}x{} pixels and {} frames to {} numbers, {} parameters",
      options.multiples.size(), side, side, options.frame_factor(), options.latent_channels,
      format_quantity(static_cast<double>(parameters)));
}

}  // namespace muybridge
