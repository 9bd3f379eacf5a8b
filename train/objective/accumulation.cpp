#include "train/objective/accumulation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "core/ops/accumulate.h"
#include "core/ops/loss.h"
#include "parallel/schedule/schedule.h"

namespace muybridge {
namespace {

// The parts of a condition that have gradients.
constexpr std::size_t kParts = 3;
using Parts = std::array<Var, kParts>;

Parts parts_of(const Condition& condition) {
  return {condition.time, condition.time_rows, condition.text.states};
}

// Which micro-batch completes the gradients of each chunk and of the conditioning, whose last walk
// of a micro-batch comes with the last backward of its chunks.
struct LastOnes {
  std::map<int, int> of_chunk;
  int of_conditioning = -1;

  explicit LastOnes(const Order& order) {
    std::map<int, int> last_chunk;  // walked backward, by micro-batch
    for (const Action& action : order)
      if (action.kind == ActionKind::kBackward || action.kind == ActionKind::kBackwardInput)
        last_chunk[action.micro_batch] = action.chunk;
    for (const Action& action : order)
      if (action.kind == ActionKind::kBackward || action.kind == ActionKind::kBackwardWeight) {
        of_chunk[action.chunk] = action.micro_batch;
        if (last_chunk[action.micro_batch] == action.chunk) of_conditioning = action.micro_batch;
      }
  }
};

// A micro-batch on its way through this rank's chunks. The conditioning is made once and walked
// backward once, behind all chunks, which see leaves in its place.
class MicroBatch {
 public:
  MicroBatch(const Dit& dit, const Batch& batch, bool counts, const AccumulationOptions& options)
      : dit_(dit),
        layout_(dit.layout(batch.packing)),
        clip_ids_(batch.clip_ids),
        counts_(counts),
        error_scale_(counts ? 1.0 / options.normaliser : 0.0),
        chunks_(dit.chunks.size()),
        chunks_left_(dit.chunks.size()),
        flops_(counts ? training_flops(dit.options, batch.packing, batch.text_packing) : 0) {
    const FlowDraw draw =
        draw_training_flow(options.flow, options.seed, options.step, batch.samples);
    const EncodedText text = dit.encode_text({batch.text_ids, batch.text_packing});
    const DType wide = accumulator_of(text.states.value().dtype());
    const Tensor times = draw.times.to(wide).to(dit.device());
    const Tensor clean = layout_.own_rows(batch.tokens).to(dit.device()).to(wide);
    const NoisyTokens noisy = add_flow_noise(clean, times, draw.noise, layout_.clips);
    input_ = {noisy.tokens, times};
    target_ = noisy.velocity;
    condition_ = dit.conditioning(times, text);
  }

  double flops() const { return flops_; }

  Tensor room(bool gradient) const {
    const Tensor& like = condition_.text.states.value();
    const DType dtype = gradient ? accumulator_of(like.dtype()) : like.dtype();
    return Tensor::empty({layout_.own.length, dit_.options.width}, dtype, like.device());
  }

  Tensor forward(std::size_t index, const Tensor& x, StepResult& result) {
    Chunk& chunk = chunks_[index];
    const DitChunk& model = dit_.chunks[index];
    chunk.condition = {Var::leaf(condition_.time.value()),
                       Var::leaf(condition_.time_rows.value()),
                       {Var::leaf(condition_.text.states.value()), condition_.text.packing, {}}};
    if (x.defined()) chunk.x = Var::leaf(x);
    const Var y = model(chunk.x, chunk.condition, input_, layout_);
    chunk.y = y.without_value();
    if (!model.head) return y.value();
    const SquaredErrorResult error = squared_error(y, target_, layout_.clips.offsets, error_scale_);
    chunk.y = error.loss;
    if (!counts_) return {};
    result.tokens += layout_.clips.offsets.back();
    const std::vector<double> clips = error.per_clip.to_vector<double>();
    for (std::size_t clip = 0; clip < clips.size(); ++clip) {
      result.squared_error += clips[clip];
      if (!std::isfinite(clips[clip])) result.bad_clips.push_back(clip_ids_[clip]);
    }
    return {};
  }

  // `completes_*`: whether the gradients of the chunk and of the conditioning are whole after this.
  Tensor backward(std::size_t index, const Tensor& dy, bool whole, bool completes_chunk,
                  bool completes_conditioning,
                  const std::function<void(std::int64_t, bool)>& on_leaf_ready) {
    Chunk& chunk = chunks_[index];
    const auto options = [&](bool completes) {
      BackwardOptions given{.on_leaf_ready = {}, .later = whole ? nullptr : &chunk.later};
      if (on_leaf_ready)
        given.on_leaf_ready = [ready = on_leaf_ready, completes](std::int64_t tag) {
          ready(tag, completes);
        };
      return given;
    };
    muybridge::backward({{chunk.y, dy}}, options(completes_chunk));
    const Parts leaves = parts_of(chunk.condition), made = parts_of(condition_);
    for (std::size_t i = 0; i < kParts; ++i) {
      const Tensor& grad = leaves[i].grad();
      if (!grad.defined()) continue;
      if (grads_[i].defined())
        accumulate(grads_[i], grad);
      else
        grads_[i] = grad.to(accumulator_of(grad.dtype()));
    }
    if (--chunks_left_ == 0) {
      std::vector<Root> roots;
      for (std::size_t i = 0; i < kParts; ++i)
        if (grads_[i].defined()) roots.push_back({made[i], grads_[i]});
      muybridge::backward(roots, options(completes_conditioning));
    }
    const Tensor dx =
        chunk.x.defined() ? chunk.x.grad().to(accumulator_of(chunk.x.value().dtype())) : Tensor();
    chunk.condition = {};
    chunk.x = chunk.y = {};
    return dx;
  }

  void backward_weight(std::size_t index) { chunks_[index].later.run(); }
  bool over() const {
    return chunks_left_ == 0 && std::all_of(chunks_.begin(), chunks_.end(),
                                            [](const Chunk& chunk) { return chunk.later.empty(); });
  }

 private:
  struct Chunk {
    Condition condition;
    Var x, y;
    LeafWork later;
  };

  const Dit& dit_;
  TokenLayout layout_;
  std::vector<std::int64_t> clip_ids_;
  bool counts_;
  double error_scale_;
  std::vector<Chunk> chunks_;
  std::size_t chunks_left_;  // to be walked backward
  double flops_;
  NoisyClips input_;
  Tensor target_;
  Condition condition_;
  std::array<Tensor, kParts> grads_;  // of the condition, summed over chunks
};

class Accumulation final : public PipelineWork {
 public:
  Accumulation(const Dit& dit, const Order& order, const std::function<Batch()>& next,
               const AccumulationOptions& options)
      : dit_(dit), last_(order), next_(next), options_(options) {}

  Tensor room(int micro_batch, bool gradient) override { return at(micro_batch).room(gradient); }

  Tensor forward(int micro_batch, int chunk, const Tensor& x) override {
    return at(micro_batch).forward(static_cast<std::size_t>(chunk), x, result_);
  }

  Tensor backward(int micro_batch, int chunk, const Tensor& dy, bool whole) override {
    const Tensor dx = at(micro_batch)
                          .backward(static_cast<std::size_t>(chunk), dy, whole,
                                    last_.of_chunk.at(chunk) == micro_batch,
                                    last_.of_conditioning == micro_batch, options_.on_leaf_ready);
    drop_if_over(micro_batch);
    return dx;
  }

  void backward_weight(int micro_batch, int chunk) override {
    at(micro_batch).backward_weight(static_cast<std::size_t>(chunk));
    drop_if_over(micro_batch);
  }

  StepResult result() const { return result_; }

 private:
  // Batches come in their order, whichever is looked at first.
  MicroBatch& at(int micro_batch) {
    while (std::ssize(micro_batches_) <= micro_batch) {
      const bool counts = std::ssize(micro_batches_) < options_.counted;
      micro_batches_.push_back(std::make_unique<MicroBatch>(dit_, next_(), counts, options_));
      result_.flops += micro_batches_.back()->flops();
    }
    return *micro_batches_[static_cast<std::size_t>(micro_batch)];
  }
  void drop_if_over(int micro_batch) {
    if (at(micro_batch).over()) micro_batches_[static_cast<std::size_t>(micro_batch)].reset();
  }

  const Dit& dit_;
  const LastOnes last_;
  const std::function<Batch()>& next_;
  const AccumulationOptions& options_;
  std::vector<std::unique_ptr<MicroBatch>> micro_batches_;
  StepResult result_;
};

}  // namespace

StepResult accumulate_gradients(const Dit& dit, const PipelineSchedule& schedule, Group& pipeline,
                                const std::function<Batch()>& next,
                                const AccumulationOptions& options) {
  Accumulation work(dit, schedule.ranks.at(static_cast<std::size_t>(pipeline.rank())), next,
                    options);
  run_pipeline(schedule, work, pipeline, options.timeline);
  return work.result();
}

StepResult accumulate_gradients(const Dit& dit, const Batch& batch,
                                const AccumulationOptions& options) {
  return accumulate_gradients(
      dit, make_schedule({}), *solo_group(), [&] { return batch; }, options);
}

}  // namespace muybridge
