#include "parallel/zero/unit_store.h"

#include <gtest/gtest.h>

#include "core/ops/product/linear.h"
#include "parallel/host/local_ranks.h"
#include "parallel/zero/sharing.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

constexpr std::int64_t kWidth = 12;
constexpr int kUnits = 5;

// A chain of linear layers, each a unit; the first lies before them and is of none.
struct Chain {
  Parameters parameters;
  std::vector<Var> weights, biases;

  Chain(DType compute, const SharingPlan& plan) {
    for (int i = 0; i <= kUnits; ++i) {
      weights.push_back(parameters.add(
          {.name = fmt::format("w{}", i), .shape = {kWidth, kWidth}, .init = Normal{0.5F}}));
      biases.push_back(parameters.add(
          {.name = fmt::format("b{}", i), .shape = {kWidth}, .init = Normal{0.5F}, .wide = true}));
      if (i == 0) continue;
      parameters.set_unit(weights.back(), i - 1);
      parameters.set_unit(biases.back(), i - 1);
    }
    parameters.allocate(compute, 7, Device::kCpu, plan);
  }

  Var operator()(const Tensor& input, UnitStore* store) const {
    Var x = linear(Var::constant(input), weights[0], biases[0]);
    for (int unit = 0; unit < kUnits; ++unit) {
      const auto i = static_cast<std::size_t>(unit) + 1;
      if (store) x = store->enter(unit, x);
      x = linear(x, weights[i], biases[i]);
      if (store) x = store->leave(unit, x);
    }
    return x;
  }
};

Tensor input_of(int rank, int round) {
  return testing::random_tensor(
      {3, kWidth}, 10 * static_cast<std::uint64_t>(rank) + static_cast<std::uint64_t>(round));
}

// The sums over ranks and rounds by a model that each rank has whole.
std::map<std::string, Tensor> expected_gradients(int ranks, int rounds) {
  const Chain chain(DType::kF64, {});
  for (int rank = 0; rank < ranks; ++rank)
    for (int round = 0; round < rounds; ++round) backward(chain(input_of(rank, round), nullptr));
  std::map<std::string, Tensor> gradients;
  for (const Parameter& parameter : chain.parameters.list())
    gradients[parameter.spec.name] =
        chain.parameters.slice(chain.parameters.gradients(), parameter);
  return gradients;
}

void expect_kept_gradients(const Parameters& parameters,
                           const std::map<std::string, Tensor>& expected) {
  int compared = 0;
  for (const Parameter& parameter : parameters.list()) {
    const ParameterRange& range = parameters.range_of(parameter);
    const Tensor& whole = expected.at(parameter.spec.name);
    for (std::int64_t i = 0; i < whole.numel(); ++i) {
      const std::int64_t place = parameter.offset + i;
      if (place < range.kept.begin || place >= range.kept.end) continue;
      EXPECT_NEAR(range.kept_gradients.data<double>()[place - range.kept.begin],
                  whole.data<double>()[i], 1e-12)
          << parameter.spec.name << " " << i;
      ++compared;
    }
  }
  EXPECT_GT(compared, 0);
}

class UnitStoreTest : public ::testing::TestWithParam<Sharing> {};
INSTANTIATE_TEST_SUITE_P(Of, UnitStoreTest,
                         ::testing::Values(Sharing::kGradients, Sharing::kValues));

// What is of no unit is left to others: its gradients are of this rank.
TEST_P(UnitStoreTest, GradientsOfUnitsAreSummedOverRanksAndRounds) {
  constexpr int kRounds = 3;
  for (const int ranks : {1, 2, 3}) {
    const auto expected = expected_gradients(ranks, kRounds);
    run_local_ranks(ranks, [&](const std::shared_ptr<Group>& world) {
      const Mesh mesh(world);
      const Chain chain(DType::kF64, sharing_plan(mesh, GetParam()));
      spread_values(chain.parameters, mesh);
      UnitStore store(chain.parameters, mesh.copies());
      for (int round = 0; round < kRounds; ++round)
        backward(chain(input_of(world->rank(), round), &store), {},
                 {.on_leaf_ready = [&](std::int64_t tag) { store.on_ready(tag); }});
      store.finish();
      for (const ParameterRange& range : chain.parameters.ranges())
        if (range.unit < 0) {
          EXPECT_TRUE(range.gradients.defined());
          world->all_reduce(range.gradients).wait();
        }
      expect_kept_gradients(chain.parameters, expected);
    });
  }
}

// As zero-bubble schedules do it: the weights' gradients of a round come after the next backward.
TEST_P(UnitStoreTest, GradientsThatWerePutOffAreSummedToo) {
  constexpr int kRounds = 4;
  const auto expected = expected_gradients(2, kRounds);
  run_local_ranks(2, [&](const std::shared_ptr<Group>& world) {
    const Mesh mesh(world);
    const Chain chain(DType::kF64, sharing_plan(mesh, GetParam()));
    spread_values(chain.parameters, mesh);
    UnitStore store(chain.parameters, mesh.copies());
    std::deque<LeafWork> later;
    for (int round = 0; round < kRounds; ++round) {
      backward(chain(input_of(world->rank(), round), &store), {},
               {.on_leaf_ready = [&](std::int64_t tag) { store.on_ready(tag); },
                .later = &later.emplace_back()});
      if (later.size() < 2) continue;
      later.front().run();
      later.pop_front();
    }
    later.front().run();
    store.finish();
    for (const ParameterRange& range : chain.parameters.ranges())
      if (range.unit < 0) world->all_reduce(range.gradients).wait();
    expect_kept_gradients(chain.parameters, expected);
  });
}

// Also forward and backward, and while gradients of weights wait.
TEST(UnitStore, FewValuesAreHereAtATime) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& world) {
    const Mesh mesh(world);
    const Chain chain(DType::kF64, sharing_plan(mesh, Sharing::kValues));
    spread_values(chain.parameters, mesh);
    UnitStore store(chain.parameters, mesh.copies());
    int most = 0;
    const auto look = [&](std::int64_t tag) {
      store.on_ready(tag);
      most = std::max(most, store.values_here());
    };
    LeafWork later;
    // One more forward in between, as schedules have them: of a stage's next micro-batch.
    const auto forward = [&] {
      const NoGradScope no_grad;
      Var x = Var::constant(Tensor::zeros({1, kWidth}, DType::kF64));
      for (int unit = 0; unit < kUnits; ++unit) {
        x = store.enter(unit, x);
        most = std::max(most, store.values_here());
        x = store.leave(unit, x);
      }
    };
    forward();
    const Var first = chain(input_of(0, 0), &store);
    forward();
    EXPECT_EQ(most, UnitStore::kUnitsWithValues);
    backward(first, {}, {.on_leaf_ready = look, .later = &later});
    EXPECT_LE(store.values_here(), UnitStore::kUnitsWithValues);
    later.run();
    backward(chain(input_of(0, 1), &store), {}, {.on_leaf_ready = look});
    store.finish();
    EXPECT_GE(most, 1);
    EXPECT_LE(most, UnitStore::kUnitsWithValues);
  });
}

TEST_P(UnitStoreTest, AGradientThatIsReadyTwiceIsAnError) {
  const Mesh mesh(solo_group());
  const Chain chain(DType::kF64, sharing_plan(mesh, GetParam()));
  UnitStore store(chain.parameters, mesh.copies());
  store.on_ready(-1);
  store.on_ready(0);  // of no unit
  EXPECT_THROW(store.on_ready(2), std::logic_error);
}

TEST(UnitStore, ValuesAreHereOnlyAroundTheUnitThatRuns) {
  run_local_ranks(2, [&](const std::shared_ptr<Group>& world) {
    const Mesh mesh(world);
    const Chain chain(DType::kBF16, sharing_plan(mesh, Sharing::kValues));
    const Chain whole(DType::kBF16, {});
    spread_values(chain.parameters, mesh);
    UnitStore store(chain.parameters, mesh.copies());
    EXPECT_FALSE(chain.weights[1].value().defined());
    EXPECT_EQ(store.values_here(), 0);
    const NoGradScope no_grad;
    Var x = Var::constant(Tensor::zeros({1, kWidth}, DType::kBF16));
    for (int unit = 0; unit < kUnits; ++unit) {
      const auto i = static_cast<std::size_t>(unit) + 1;
      x = store.enter(unit, x);
      EXPECT_EQ(chain.weights[i].value().to(DType::kF32).to_vector<float>(),
                whole.weights[i].value().to(DType::kF32).to_vector<float>());
      EXPECT_EQ(chain.biases[i].value().to_vector<float>(),
                whole.biases[i].value().to_vector<float>());
      x = store.leave(unit, x);
      EXPECT_LE(store.values_here(), 2);
    }
    store.forget_values();
    EXPECT_EQ(store.values_here(), 0);
    EXPECT_FALSE(chain.weights[5].value().defined());
  });
}

// A part of a unit that is frozen, and a unit of which all is, stay as they are.
TEST(UnitStore, FrozenParametersStayWhileTheRestComesAndGoes) {
  run_local_ranks(2, [&](const std::shared_ptr<Group>& world) {
    const Mesh mesh(world);
    Parameters parameters;
    std::vector<Var> weights;
    for (int i = 0; i < 4; ++i) {
      weights.push_back(parameters.add(
          {.name = fmt::format("w{}", i), .shape = {6}, .init = Constant{1.0F + i}}));
      parameters.set_unit(weights.back(), i / 2);
    }
    for (const int i : {1, 2, 3}) parameters.freeze(weights[static_cast<std::size_t>(i)]);
    parameters.allocate(DType::kF32, 1, Device::kCpu, sharing_plan(mesh, Sharing::kValues));
    for (const int i : {1, 2, 3})
      parameters.fill(parameters.of(weights[static_cast<std::size_t>(i)]),
                      Tensor::full({6}, 10.0 * i));
    UnitStore store(parameters, mesh.copies());
    EXPECT_FALSE(weights[0].value().defined());
    Var x = Var::leaf(Tensor::zeros({6}));
    for (int unit = 0; unit < 2; ++unit) {
      x = store.enter(unit, x);
      EXPECT_EQ(weights[0].value().defined(), true);
      for (const int i : {1, 2, 3})
        EXPECT_EQ(weights[static_cast<std::size_t>(i)].value().data<float>()[5], 10.0F * i);
      x = store.leave(unit, x);
    }
    backward(x, {}, {.on_leaf_ready = [&](std::int64_t tag) { store.on_ready(tag); }});
    store.finish();
    store.forget_values();
    EXPECT_EQ(weights[3].value().data<float>()[5], 30.0F);
  });
}

TEST(UnitStore, AfterAnUpdateTheNewValuesAreGathered) {
  run_local_ranks(2, [&](const std::shared_ptr<Group>& world) {
    const Mesh mesh(world);
    const Chain chain(DType::kF32, sharing_plan(mesh, Sharing::kValues));
    UnitStore store(chain.parameters, mesh.copies());
    const NoGradScope no_grad;
    const Var x = Var::constant(Tensor::zeros({1, kWidth}));
    const auto first = [&] {
      store.enter(0, x);
      const float value = chain.weights[1].value().data<float>()[0];
      store.leave(0, x);
      return value;
    };
    const float before = first();
    const Tensor& master = chain.parameters.master();
    for (float& value : master.span<float>()) value += 1;
    EXPECT_EQ(first(), before);
    store.forget_values();
    EXPECT_EQ(first(), before + 1);
  });
}

// An evaluation: the ranks run what they like.
TEST(UnitStore, HeldValuesAreThoseOfTheStateGivenAndStay) {
  run_local_ranks(2, [&](const std::shared_ptr<Group>& world) {
    const Mesh mesh(world);
    const Chain chain(DType::kF32, sharing_plan(mesh, Sharing::kValues));
    UnitStore store(chain.parameters, mesh.copies());
    const NoGradScope no_grad;
    const Var x = Var::constant(Tensor::zeros({1, kWidth}));
    store.hold_values(Tensor::full(chain.parameters.master().shape(), 3.0));
    EXPECT_EQ(store.values_here(), kUnits);
    for (int run = 0; run < 1 + 3 * world->rank(); ++run) {
      store.enter(run % kUnits, x);
      EXPECT_EQ(chain.weights[static_cast<std::size_t>(run % kUnits) + 1].value().data<float>()[7],
                3.0F);
      store.leave(run % kUnits, x);
    }
    EXPECT_EQ(store.values_here(), kUnits);
    store.let_go();
    EXPECT_EQ(store.values_here(), 0);
    EXPECT_FALSE(chain.weights[1].value().defined());
  });
}

}  // namespace
}  // namespace muybridge
