#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/reader.h"
#include "config/values.h"
#include "core/buffer.h"
#include "model/dit_options.h"
#include "model/solver.h"
#include "parallel/schedule/schedule.h"

namespace muybridge {

struct ConfigSection;

// Everything a run is told. Units stand here, ranges in config.cpp, both in docs/configuration.md.
// Loaded once, never changed after.
struct TrainConfig {
  enum class DeviceChoice { kAuto, kCpu, kCuda, kSharedCuda };
  enum class Timesteps { kLogitNormal, kUniform };
  enum class Prediction { kVelocity, kClean };
  enum class Schedule { kConstant, kCosine, kLinear };
  enum class Matrices { kAdamW, kMuon };
  enum class Precision { kF32, kBF16 };
  enum class Resume { kAuto, kNever };
  enum class Commit { kBehind, kWait };
  enum class ContextMethod { kUlysses, kRing };

  struct Run {
    std::string name;
    std::string folder;  // empty: runs/<name>
  };

  struct Data {
    std::string train;             // a prepared corpus
    std::string validation;        // another one; empty: the held-out clips of `train`
    int frames_max = 0;            // frames of a clip that are used; 0: all
    int max_caption_bytes = 2048;  // of a caption or prompt that the model reads
    double caption_drop = 0.1;     // share of clips trained without their caption
    int threads = 1;               // a rank
    int prefetch = 4;              // micro-batches
  };

  enum class Kind { kDit, kAutoencoder };

  struct Model {
    Kind kind = Kind::kDit;             // an autoencoder reads nothing else of this section
    int channels = 3;                   // of a frame or latent
    std::array<int, 3> patch{2, 4, 4};  // frames, rows, columns of a token
    int width = 128;
    int depth = 4;  // blocks
    int heads = 4;
    int mlp_width = 512;
    int head_mlp_width = 0;  // beside the linear head; 0: none
    int text_width = 128;
    int text_depth = 2;  // blocks
    int text_heads = 4;
    Prediction prediction = Prediction::kVelocity;
    bool sine_positions = true;  // added to the patches, besides the rotary ones
    double rope_theta = 10000;
    double eps = 1e-6;
    Recompute recompute = Recompute::kNone;
  };

  struct Autoencoder {
    int latent_channels = 16;
    int width = 96;                          // channels at full size
    std::vector<int> multiples{1, 2, 4, 4};  // of each level, in widths
    int frame_halvings = 2;                  // of the steps between levels: the last so many
    int blocks = 2;                          // of each level
    double divergence_weight = 1e-4;         // over that of a number's squared error
  };

  struct Flow {
    Timesteps timesteps = Timesteps::kLogitNormal;
    double shift = 3;
    double mean = 0;  // of the normal
    double std = 1;
  };

  struct Batch {
    std::int64_t tokens = 4096;  // a micro-batch
    int micro_batches = 1;       // a step, over all ranks
  };

  struct Optimizer {
    Matrices matrices = Matrices::kAdamW;  // how those between hidden states are updated
    double learning_rate = 1e-3;           // peak
    int warmup_steps = 0;
    Schedule schedule = Schedule::kConstant;
    double min_learning_rate = 0;
    double beta1 = 0.9;
    double beta2 = 0.95;
    double eps = 1e-8;
    double matrix_rate = 1;  // Muon's learning rate over AdamW's
    double momentum = 0.95;  // Muon's
    double weight_decay = 0.01;
    double clip_norm = 1.0;  // 0: no clipping
    double ema_decay = 0.999;
    bool ema_warmup = true;
  };

  struct Train {
    int steps = 0;
    std::int64_t seed = 0;
    Precision precision = Precision::kF32;
    BlockProducts linear = BlockProducts::kOfPrecision;
    int log_every = 10;          // steps
    int checkpoint_every = 500;  // steps; 0: only at the end
    int keep_checkpoints = 2;
    Commit commit = Commit::kBehind;
    Resume resume = Resume::kAuto;
    std::string init_from;   // a checkpoint or run folder
    double max_seconds = 0;  // 0: no limit
    double liveness_seconds = 60;
    double collective_timeout_seconds = 600;
  };

  struct Eval {
    int every = 0;  // steps; 0: only at the end
    TextOrList prompts;
    int samples = 8;  // clips
    int steps = 25;   // of the solver
    Solver solver = Solver::kEuler;
    double guidance = 4;
    double shift = 0;  // 0: flow.shift
    std::int64_t seed = 0;
    int frames = 0;    // 0, and an empty size: as most clips of data.train
    FrameSize size{};  // pixels
    double fps = 0;
    int upscale = 4;
    int validation_clips = 64;
  };

  struct Trace {
    int steps = 0;  // of each start, in a timeline; 0: none
  };

  struct Parallel {
    int data = 0;  // ranks; 0: all that the others leave
    int tensor = 1;
    int context = 1;
    ContextMethod context_method = ContextMethod::kUlysses;
    int ring = 0;  // context ranks of a ring; 0: all of them
    int pipeline = 1;
    int zero = 0;
    ScheduleKind schedule = ScheduleKind::k1F1B;
    int virtual_stages = 0;  // of a pipeline rank; 0: as many as the schedule has, or 2
    std::string order = "tensor-context-data-pipeline";  // see axis_order_from
  };

  DeviceChoice device = DeviceChoice::kAuto;
  int threads = 0;  // a rank; 0: its share of the cores
  Run run;
  Data data;
  Model model;
  Autoencoder autoencoder;
  Flow flow;
  Batch batch;
  Optimizer optimizer;
  Train train;
  Eval eval;
  Trace trace;
  Parallel parallel;

  std::filesystem::path folder() const;
};

// Its keys and what they may be. Points into it.
ConfigSection fields_of(TrainConfig& config);

// The configuration as a commented file that loads to the same.
std::string to_yaml(const TrainConfig& config);

// Every key with its value, in the order of the file.
std::vector<ConfigValue> values_of(const TrainConfig& config);

// docs/configuration.md.
std::string train_config_reference();

}  // namespace muybridge
