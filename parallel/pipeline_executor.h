#pragma once

#include "core/system/timeline.h"
#include "parallel/group.h"
#include "parallel/schedule/pipeline_schedule.h"

namespace muybridge {

// What a rank of a pipeline computes when its schedule says so. The stream is what one section of
// the model hands to the next.
class PipelineWork {
 public:
  virtual ~PipelineWork() = default;

  // Not initialised: what the stream of this micro-batch, or its gradient, fits.
  virtual Tensor room(int micro_batch, bool gradient) = 0;
  // The chunk's output; `x` is undefined for the first section, the result is for the last.
  virtual Tensor forward(int micro_batch, int chunk, const Tensor& x) = 0;
  // The gradient of the chunk's input from that of its output, which is undefined for the last
  // section; the result is for the first. Unless `whole`, gradients of weights may wait for
  // backward_weight.
  virtual Tensor backward(int micro_batch, int chunk, const Tensor& dy, bool whole) = 0;
  virtual void backward_weight(int micro_batch, int chunk) = 0;
};

// Does what the schedule says for this rank of `pipeline`, and exchanges streams with the others;
// they travel while the rank computes. Returns when all is done. Every rank of the group calls it
// with the same schedule. In a group of one nothing travels. `timeline` gets each computation, and
// may be null.
void run_pipeline(const PipelineSchedule& schedule, PipelineWork& work, Group& pipeline,
                  Timeline* timeline = nullptr);

}  // namespace muybridge
