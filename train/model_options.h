#pragma once

#include <string_view>

#include "core/dtype.h"
#include "data/loader/loader.h"
#include "eval/render.h"
#include "eval/validation.h"
#include "model/autoencoder/autoencoder_options.h"
#include "model/dit_options.h"
#include "parallel/mesh.h"
#include "parallel/schedule/schedule.h"
#include "train/config.h"

namespace muybridge {

// What the rooms below are told, from what the user's file says.
// The one of a DiT, or the other: see TrainConfig::Model::kind.
DitOptions dit_options(const TrainConfig& config);
AutoencoderOptions autoencoder_options(const TrainConfig& config);
bool is_autoencoder(const TrainConfig& config);
// Throws Error(kUsage) where it says an autoencoder, which `command` does not take.
void require_dit(const TrainConfig& config, std::string_view command);
// Frames, rows and columns of what a batch counts as a token: a patch, or the pixels of one frame
// that become one latent.
Grid token_size(const TrainConfig& config);
FlowOptions flow_options(const TrainConfig& config);
LoaderOptions loader_options(const TrainConfig& config);
ValidationOptions validation_options(const TrainConfig& config);
RenderOptions render_options(const TrainConfig& config);
DType compute_dtype(const TrainConfig& config);
Device device_of(const TrainConfig& config);    // `auto`: the CPU, so far
Sharing sharing_of(const TrainConfig& config);  // parallel.zero
MeshSizes mesh_sizes(const TrainConfig& config);
// Throws Error(kUsage) where the schedule cannot have so many virtual stages.
Placement placement_of(const TrainConfig& config);
// Of a clip as eval.frames and eval.size say, at eval.size of a latent in the way of Wan2.1 where
// model.channels is not 3 (4 frames to one, 8 rows and columns to one); nothing where these leave
// it open. Schedules, plans and benchmarks reckon with such clips.
std::optional<Grid> usual_clip(const TrainConfig& config);
// Of that clip, or of one that fills a micro-batch.
std::int64_t usual_clip_tokens(const TrainConfig& config);
// What the stages do in a step of so many micro-batches.
PipelineSchedule schedule_of(const TrainConfig& config, int micro_batches);

}  // namespace muybridge
