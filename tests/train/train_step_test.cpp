#include "train/train_step.h"

#include <fmt/ranges.h>
#include <omp.h>

#include <cmath>
#include <limits>
#include <map>
#include <mutex>

#include "core/error.h"
#include "model/dit_parallel.h"
#include "parallel/host/local_ranks.h"
#include "parallel/zero/sharing.h"
#include "tests/data/temporary_corpus.h"
#include "train/checkpoint/state_pieces.h"
#include "train/load_config.h"
#include "train/model_options.h"
#include "train/objective/accumulation.h"
#include "train/objective/flow_objective.h"
#include "train/replica_loader.h"

namespace muybridge {
namespace {

constexpr double kBeta1 = 0.9;

class TrainStepTest : public TemporaryCorpus {
 protected:
  void SetUp() override {
    TemporaryCorpus::SetUp();
    corpus_ = std::make_unique<CorpusIndex>(make(mixed(40)));
  }

  static TrainConfig config(double clip_norm = 0) {
    return parse_train_config(
        "run: {name: x}\ndata: {train: x, prefetch: 2, caption_drop: 0.3}\n"
        "model: {patch: [1, 4, 4], width: 24, depth: 1, heads: 2, mlp_width: 32, text_width: 16,\n"
        "        text_depth: 1, text_heads: 2}\n"
        "batch: {tokens: 111, micro_batches: 4}\ntrain: {steps: 9, seed: 3}\n",
        "test",
        {fmt::format("optimizer.clip_norm={}", clip_norm),
         fmt::format("optimizer.beta1={}", kBeta1)});
  }

  // What a rank trains.
  struct Model {
    Parameters parameters;
    Dit dit;

    explicit Model(const TrainConfig& config) : dit(parameters, dit_options(config)) {
      parameters.allocate(DType::kF32, static_cast<std::uint64_t>(config.train.seed));
    }
  };

  struct Result {
    std::vector<StepMetrics> metrics;
    std::vector<float> momentum, weights;
  };
  Result train(const TrainConfig& config, int ranks, int steps) const {
    Result result;
    run_local_ranks(ranks, [&](const std::shared_ptr<Group>& group) {
      const Model model(config);
      const Optimizer optimizer(model.parameters, config.optimizer, Mesh(group));
      ReplicaLoader loader(*corpus_, loader_options(config), Mesh(group));
      UnitStore store(model.parameters, Mesh(group).copies());
      Activity activity;
      FlowObjective objective(config, model.dit, model.parameters, Mesh(group));
      TrainStep step(config, objective, model.parameters, optimizer, loader, store, Mesh(group),
                     activity);
      std::vector<StepMetrics> metrics;
      for (int n = 1; n <= steps; ++n) metrics.push_back(step.run(n, -1));
      if (group->rank() == 0)
        result = {.metrics = std::move(metrics),
                  .momentum = optimizer.momentum().to_vector<float>(),
                  .weights = model.parameters.master().to_vector<float>()};
    });
    return result;
  }

  // Clip by clip, in f64, and divided by what was there.
  struct Reference {
    double loss = 0;
    double norm = 0;
    std::int64_t tokens = 0;
    std::vector<double> gradient;
  };
  Reference first_step(const TrainConfig& config) const {
    const Model model(config);
    const LoaderOptions options = loader_options(config);
    const BatchBuilder builder(*corpus_, options);
    const std::vector<SelectedClip> clips = select_clips(*corpus_, "train", options);
    Loader loader(*corpus_, options, 0, 1);
    std::vector<std::byte> scratch;
    Reference reference;
    reference.gradient.resize(static_cast<std::size_t>(model.parameters.flat_size()));
    for (int left = loader.begin_step(); left > 0; --left) {
      const Batch batch = loader.next();
      for (std::size_t i = 0; i < batch.clip_ids.size(); ++i) {
        const auto clip = std::ranges::find(clips, batch.clip_ids[i], &SelectedClip::clip);
        const Batch alone = builder.build({{.sample = batch.samples[i], .clip = *clip}}, &scratch);
        model.parameters.zero_gradients();
        reference.loss += accumulate_gradients(model.dit, alone,
                                               {.flow = flow_options(config), .seed = 3, .step = 1})
                              .squared_error;
        reference.tokens += clip->grid.tokens();
        for (std::size_t k = 0; k < reference.gradient.size(); ++k)
          reference.gradient[k] += model.parameters.gradients().data<float>()[k];
      }
    }
    const auto elements = static_cast<double>(reference.tokens * model.dit.options.token_width());
    reference.loss /= elements;
    for (double& value : reference.gradient) {
      value /= elements;
      reference.norm += value * value;
    }
    reference.norm = std::sqrt(reference.norm);
    return reference;
  }

  struct Trained {
    std::vector<StepMetrics> metrics;
    std::map<std::string, Tensor> weights;  // whole
    int most_values = 0;                    // of blocks, after the steps
  };
  // Of a model that ranks can share in every way.
  static TrainConfig config_of(const std::vector<std::string>& more) {
    std::vector<std::string> overrides = {"optimizer.clip_norm=0.5", "optimizer.learning_rate=1e-2",
                                          "optimizer.warmup_steps=1"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return parse_train_config(
        "run: {name: x}\ndata: {train: x, prefetch: 2, caption_drop: 0.3}\n"
        "model: {patch: [1, 4, 4], width: 48, depth: 4, heads: 4, mlp_width: 32, text_width: 16,\n"
        "        text_depth: 1, text_heads: 4}\n"
        "batch: {tokens: 112, micro_batches: 5}\ntrain: {steps: 9, seed: 3}\n",
        "test", overrides);
  }
  // Three steps.
  Trained run(const TrainConfig& config) {
    Trained trained;
    const int ranks = resolve(mesh_sizes(config), mesh_sizes(config).ranks()).ranks();
    std::mutex mutex;
    run_local_ranks(ranks, [&](const std::shared_ptr<Group>& world) {
      omp_set_num_threads(1);
      const Mesh mesh(mesh_sizes(config), world);
      Parameters parameters;
      Dit dit = make_dit(parameters, dit_options(config), mesh, placement_of(config));
      UnitStore store(parameters, mesh.copies());
      if (sharing_of(config) >= Sharing::kGradients) keep_in(store, dit);
      parameters.allocate(compute_dtype(config), 3, Device::kCpu,
                          sharing_plan(mesh, sharing_of(config)));
      spread_values(parameters, mesh);
      const Optimizer optimizer(parameters, config.optimizer, mesh);
      ReplicaLoader loader(*corpus_, loader_options(config), mesh);
      Activity activity;
      FlowObjective objective(config, dit, parameters, mesh);
      TrainStep step(config, objective, parameters, optimizer, loader, store, mesh, activity);
      std::vector<StepMetrics> metrics;
      for (int n = 1; n <= 3; ++n) metrics.push_back(step.run(n, -1));
      const std::scoped_lock lock(mutex);
      if (world->rank() == 0) trained.metrics = metrics;
      trained.most_values = std::max(trained.most_values, store.values_here());
      for (const StatePiece& piece :
           state_pieces(parameters, {StateKind::kMaster, parameters.master(), parameters.held()})) {
        Tensor& whole = trained.weights[piece.name];
        if (!whole.defined()) whole = Tensor::zeros(parameters.find(piece.name)->spec.shape);
        scatter(piece.elements, piece.slice, whole);
      }
    });
    return trained;
  }

  std::unique_ptr<CorpusIndex> corpus_;
};

// Three ranks share four micro-batches unevenly; of five one has none.
TEST_F(TrainStepTest, LossAndNormAreThoseOfAllClipsTogetherOnAnyNumberOfRanks) {
  const Reference expected = first_step(config());
  ASSERT_LT(expected.tokens, 4 * 111) << "clips have even numbers of tokens";
  ASSERT_GT(expected.norm, 1e-3);
  for (const int ranks : {1, 2, 3, 5}) {
    const Result result = train(config(), ranks, 1);
    const StepMetrics& metrics = result.metrics.front();
    EXPECT_EQ(metrics.tokens, expected.tokens) << ranks;
    EXPECT_NEAR(metrics.loss / expected.loss, 1, 1e-6) << ranks;
    EXPECT_NEAR(metrics.grad_norm / expected.norm, 1, 1e-5) << ranks;
    for (std::size_t i = 0; i < expected.gradient.size(); ++i)
      ASSERT_NEAR(result.momentum[i], (1 - kBeta1) * expected.gradient[i], 1e-6 * expected.norm)
          << ranks;
  }
}

// After one step AdamW's momentum is the gradient that it was given, times 1 - beta1.
TEST_F(TrainStepTest, ClipsTheGradientOfAllRanksByItsOwnNorm) {
  const double norm = first_step(config()).norm;
  for (const int ranks : {1, 3})
    for (const double limit : {0.0, 0.25 * norm, 0.75 * norm, 2 * norm}) {
      const Result result = train(config(limit), ranks, 1);
      double square = 0;
      for (const float value : result.momentum) square += static_cast<double>(value) * value;
      const double expected = limit > 0 ? std::min(limit, norm) : norm;
      EXPECT_NEAR(std::sqrt(square) / (1 - kBeta1) / expected, 1, 1e-4)
          << ranks << " ranks, a limit of " << limit;
      EXPECT_NEAR(result.metrics.front().grad_norm / norm, 1, 1e-4) << "before clipping";
    }
}

TEST_F(TrainStepTest, StaysOnOneCurveWithAnyNumberOfRanks) {
  const Result one = train(config(1), 1, 6);
  for (const int ranks : {2, 3, 5}) {
    const Result more = train(config(1), ranks, 6);
    for (std::size_t n = 0; n < 6; ++n) {
      EXPECT_EQ(more.metrics[n].tokens, one.metrics[n].tokens);
      EXPECT_NEAR(more.metrics[n].loss / one.metrics[n].loss, 1, 1e-5) << ranks;
      EXPECT_NEAR(more.metrics[n].grad_norm / one.metrics[n].grad_norm, 1, 1e-4) << ranks;
    }
  }
  EXPECT_EQ(train(config(1), 3, 6).weights, train(config(1), 3, 6).weights);
}

// Three steps of a model that ranks share in every way, with clipping, by AdamW or Muon.
TEST_F(TrainStepTest, StaysOnOneCurveOnAnyLayout) {
  for (const char* matrices : {"optimizer.matrices=adamw", "optimizer.matrices=muon"}) {
    const Trained one = run(config_of({matrices, "parallel.data=1"}));
    for (const std::vector<std::string>& layout : std::vector<std::vector<std::string>>{
             {"parallel.data=3"},
             {"parallel.data=2", "parallel.tensor=2"},
             {"parallel.data=1", "parallel.tensor=2", "parallel.context=2", "parallel.pipeline=2"},
             {"parallel.data=2", "parallel.pipeline=2", "parallel.schedule=zb_v"},
             {"parallel.data=2", "parallel.tensor=2", "parallel.pipeline=2",
              "parallel.schedule=interleaved"},
             {"parallel.data=3", "parallel.zero=1"},
             {"parallel.data=2", "parallel.zero=2"},
             {"parallel.data=3", "parallel.zero=3"},
             {"parallel.data=2", "parallel.zero=3", "model.recompute=block"},
             {"parallel.data=2", "parallel.tensor=2", "parallel.zero=3"},
             {"parallel.context=2", "parallel.data=1", "parallel.tensor=2", "parallel.zero=2"},
             {"parallel.data=2", "parallel.pipeline=2", "parallel.schedule=zb_v",
              "parallel.zero=3"},
             {"parallel.data=2", "parallel.pipeline=2", "parallel.schedule=zb_h1",
              "parallel.zero=2"}}) {
      const std::string about = fmt::format("{} {}", matrices, fmt::join(layout, " "));
      std::vector<std::string> overrides = layout;
      overrides.emplace_back(matrices);
      const Trained got = run(config_of(overrides));
      for (std::size_t n = 0; n < 3; ++n) {
        EXPECT_EQ(got.metrics[n].tokens, one.metrics[n].tokens) << about;
        EXPECT_NEAR(got.metrics[n].loss / one.metrics[n].loss, 1, 1e-5) << about << " step " << n;
        EXPECT_NEAR(got.metrics[n].grad_norm / one.metrics[n].grad_norm, 1, 1e-4) << about;
        EXPECT_NEAR(got.metrics[n].tflops * got.metrics[n].seconds /
                        (one.metrics[n].tflops * one.metrics[n].seconds),
                    1, 1e-6)
            << about;
      }
      EXPECT_EQ(got.most_values, 0) << about;
      ASSERT_EQ(got.weights.size(), one.weights.size()) << about;
      for (const auto& [name, weights] : one.weights) {
        // AdamW's first steps are the sign of a gradient, however small it is.
        double error = 0, size = 0;
        for (std::int64_t i = 0; i < weights.numel(); ++i) {
          const double off = got.weights.at(name).data<float>()[i] - weights.data<float>()[i];
          error += off * off;
          size += static_cast<double>(weights.data<float>()[i]) * weights.data<float>()[i];
        }
        EXPECT_LE(std::sqrt(error), 2e-4 * std::sqrt(size)) << about << " " << name;
      }
    }
  }
}

TEST_F(TrainStepTest, ALossThatIsNoNumberStopsAllRanksAndLeavesTheWeights) {
  for (const std::int64_t committed : {-1, 6}) {
    std::vector<std::string> words(3);
    run_local_ranks(3, [&](const std::shared_ptr<Group>& group) {
      const TrainConfig config = TrainStepTest::config();
      const Model model(config);
      const Optimizer optimizer(model.parameters, config.optimizer, Mesh(group));
      ReplicaLoader loader(*corpus_, loader_options(config), Mesh(group));
      UnitStore store(model.parameters, Mesh(group).copies());
      Activity activity;
      FlowObjective objective(config, model.dit, model.parameters, Mesh(group));
      TrainStep step(config, objective, model.parameters, optimizer, loader, store, Mesh(group),
                     activity);
      // Of one rank only: the others learn of it from the sums.
      if (group->rank() == 1)
        model.parameters.find("head.projection.bias")->var.value().data<float>()[0] =
            std::numeric_limits<float>::quiet_NaN();
      const std::vector<float> before = model.parameters.master().to_vector<float>();
      try {
        step.run(7, committed);
        ADD_FAILURE() << "no error on rank " << group->rank();
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kInternal);
        words[static_cast<std::size_t>(group->rank())] = error.what();
      }
      const std::vector<float> after = model.parameters.master().to_vector<float>();
      EXPECT_EQ(std::memcmp(after.data(), before.data(), after.size() * sizeof(float)), 0);
    });
    for (const std::string& text : words) {
      EXPECT_EQ(text, words.front());
      EXPECT_NE(text.find("step 7:"), std::string::npos) << text;
      EXPECT_EQ(text.find("not finite: []"), std::string::npos) << "names no clip: " << text;
      EXPECT_NE(
          text.find(committed < 0 ? "there is no commit yet" : "the last good commit is of step 6"),
          std::string::npos)
          << text;
    }
  }
}

// A scale is of what a rank holds of a tensor, so tensor and context ranks round a little otherwise
// than one rank does; replicas, stages and what is made again do not, but for numbers that another
// order of sums moves to the next code.
TEST_F(TrainStepTest, InFp8StaysOnOneCurveOnAnyLayout) {
  const auto in_fp8 = [](std::vector<std::string> more) {
    more.insert(more.end(), {"train.linear=fp8", "model.width=64", "model.mlp_width=64"});
    return config_of(more);
  };
  for (const char* matrices : {"optimizer.matrices=adamw", "optimizer.matrices=muon"}) {
    const Trained one = run(in_fp8({matrices, "parallel.data=1"}));
    const Trained wide =
        run(config_of({matrices, "parallel.data=1", "model.width=64", "model.mlp_width=64"}));
    EXPECT_NE(one.metrics[0].loss, wide.metrics[0].loss);
    EXPECT_NEAR(one.metrics[2].loss / wide.metrics[2].loss, 1, 0.02);
    struct Layout {
      std::vector<std::string> keys;
      double bound;
    };
    for (const auto& [keys, bound] : std::vector<Layout>{
             {{"parallel.data=3"}, 1e-3},
             {{"parallel.data=2", "parallel.zero=2"}, 1e-3},
             {{"parallel.data=3", "parallel.zero=3", "model.recompute=block"}, 1e-3},
             {{"parallel.data=2", "parallel.pipeline=2", "parallel.schedule=zb_v",
               "parallel.zero=3"},
              1e-3},
             {{"parallel.data=1", "model.recompute=attention"}, 1e-9},
             {{"parallel.data=2", "parallel.tensor=2"}, 1e-2},
             {{"parallel.data=1", "parallel.tensor=2", "parallel.context=2", "parallel.pipeline=2"},
              1e-2}}) {
      const std::string about = fmt::format("{} {}", matrices, fmt::join(keys, " "));
      std::vector<std::string> overrides = keys;
      overrides.emplace_back(matrices);
      const Trained got = run(in_fp8(overrides));
      for (std::size_t n = 0; n < 3; ++n) {
        EXPECT_NEAR(got.metrics[n].loss / one.metrics[n].loss, 1, bound) << about << " step " << n;
        EXPECT_NEAR(got.metrics[n].grad_norm / one.metrics[n].grad_norm, 1, 10 * bound) << about;
      }
    }
  }
}

}  // namespace
}  // namespace muybridge
