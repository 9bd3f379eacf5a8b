#include "parallel/grad_reducer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>

#include "core/random.h"
#include "parallel/host/local_ranks.h"

namespace muybridge {
namespace {

constexpr int kParameters = 9;

std::unique_ptr<Parameters> some_parameters() {
  auto parameters = std::make_unique<Parameters>();
  for (int i = 0; i < kParameters; ++i)
    parameters->add({.name = fmt::format("p{}", i), .shape = {100 * i + 1}});
  parameters->allocate(DType::kF32, 1);
  return parameters;
}

std::vector<int> order_of(int rank) {
  std::vector<int> order(kParameters);
  std::iota(order.begin(), order.end(), 0);
  const RandomStream draw(5, Purpose::kTest, static_cast<std::uint64_t>(rank));
  for (int i = kParameters - 1; i > 0; --i)
    std::swap(order[static_cast<std::size_t>(i)],
              order[static_cast<std::size_t>(draw.integer(static_cast<std::uint64_t>(i), 0, i))]);
  return order;
}

float gradient_of(int rank, int round, std::int64_t i) {
  return static_cast<float>((rank + 1) * 10 + round) + static_cast<float>(i % 13);
}

void write_gradients(const Parameters& parameters, int rank, int round) {
  const Tensor& flat = parameters.gradients();
  for (std::int64_t i = 0; i < flat.numel(); ++i)
    flat.data<float>()[i] = gradient_of(rank, round, i);
}

void expect_sums(const Parameters& parameters, int size, int round) {
  const Tensor& flat = parameters.gradients();
  for (std::int64_t i = 0; i < flat.numel(); ++i) {
    float sum = 0;
    for (int q = 0; q < size; ++q) sum += gradient_of(q, round, i);
    ASSERT_EQ(flat.data<float>()[i], sum) << "element " << i;
  }
}

TEST(GradBuckets, CoverTheFlatTensorFromItsEnd) {
  const auto parameters = some_parameters();
  for (const std::int64_t elements : {1, 300, 1000, 1 << 20}) {
    const auto buckets = make_buckets(parameters->list(), parameters->ranges().front(), elements);
    std::int64_t end = parameters->flat_size();
    int total = 0;
    for (const GradBucket& bucket : buckets) {
      EXPECT_EQ(bucket.begin + bucket.count, end);
      EXPECT_TRUE(bucket.count >= elements || bucket.begin == 0);
      end = bucket.begin;
      total += static_cast<int>(bucket.parameters.size());
    }
    EXPECT_EQ(end, 0);
    EXPECT_EQ(total, kParameters);
  }
  EXPECT_EQ(make_buckets(parameters->list(), parameters->ranges().front(), 1).size(), kParameters);
  EXPECT_EQ(make_buckets(parameters->list(), parameters->ranges().front(), 1 << 20).size(), 1U);
  EXPECT_TRUE(make_buckets({}, {}, 16).empty());
}

// Of four ranks a parameter in three has copies on all, the others on the two of one parity.
TEST(GradReducer, SumsEachOverTheRanksThatHoldCopiesOfIt) {
  run_local_ranks(4, [](const std::shared_ptr<Group>& world) {
    const int rank = world->rank();
    const std::shared_ptr<Group> some = world->split(rank % 2, rank, "parity");
    Parameters parameters;
    for (int i = 0; i < kParameters; ++i)
      parameters.place(parameters.add({.name = fmt::format("p{}", i), .shape = {100 * i + 1}}), {},
                       i % 3 == 0 ? 1 : 0);
    parameters.allocate(DType::kF32, 1);
    GradReducer reducer(parameters, {some, world}, {.bucket_bytes = 1000});
    for (int round = 0; round < 2; ++round) {
      write_gradients(parameters, rank, round);
      for (const int parameter : order_of(rank)) reducer.on_ready(parameter);
      reducer.finish();
      for (const Parameter& parameter : parameters.list())
        for (std::int64_t i = parameter.offset; i < parameter.offset + parameter.shape.numel();
             ++i) {
          float sum = 0;
          for (int q = 0; q < 4; ++q)
            if (parameter.copies == 1 || q % 2 == rank % 2) sum += gradient_of(q, round, i);
          ASSERT_EQ(parameters.gradients().data<float>()[i], sum) << parameter.spec.name;
        }
    }
    EXPECT_THROW(GradReducer(parameters, {some}), std::invalid_argument);
  });
}

TEST(GradReducer, SumsEveryGradientWhateverTheOrderOfReadiness) {
  run_local_ranks(3, [](const std::shared_ptr<Group>& group) {
    const auto parameters = some_parameters();
    GradReducer reducer(*parameters, {group}, {.bucket_bytes = 2000});
    ASSERT_GT(reducer.buckets(), 2U);
    for (int round = 0; round < 4; ++round) {
      write_gradients(*parameters, group->rank(), round);
      for (const int tag : order_of(group->rank() + 10 * round)) reducer.on_ready(tag);
      reducer.finish();
      EXPECT_EQ(reducer.early_buckets(), static_cast<int>(reducer.buckets()));
      expect_sums(*parameters, group->size(), round);
    }
  });
}

// A rank that is ready early waits for the one that is late, in finish().
TEST(GradReducer, SaysHowLongItWaited) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& group) {
    constexpr double kLate = 0.2;  // seconds
    const auto parameters = some_parameters();
    GradReducer reducer(*parameters, {group});
    group->barrier().wait();
    if (group->rank() == 1) std::this_thread::sleep_for(std::chrono::duration<double>(kLate));
    for (const int tag : {8, 7, 6, 5, 4, 3, 2, 1, 0}) reducer.on_ready(tag);
    reducer.finish();
    if (group->rank() == 0) {
      EXPECT_GT(reducer.exposed_seconds(), 0.9 * kLate);
    }
  });
}

TEST(GradReducer, ReducesWhatNeverBecameReady) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& group) {
    const auto parameters = some_parameters();
    GradReducer reducer(*parameters, {group}, {.bucket_bytes = 1});
    write_gradients(*parameters, group->rank(), 0);
    // Rank 0 had no use for parameter 7, rank 1 for none at all.
    if (group->rank() == 0)
      for (const int tag : {8, 6, 5, 4, 3, 2, 1, 0}) reducer.on_ready(tag);
    reducer.finish();
    EXPECT_EQ(reducer.early_buckets(), group->rank() == 0 ? 1 : 0);
    expect_sums(*parameters, group->size(), 0);
  });
}

TEST(GradReducer, ABucketWaitsForItsParametersAndForEarlierBuckets) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& group) {
    const auto parameters = some_parameters();
    GradReducer reducer(*parameters, {group}, {.bucket_bytes = 1});
    reducer.on_ready(7);
    EXPECT_EQ(reducer.launched(), 0);
    reducer.on_ready(-1);  // a leaf that is no parameter
    reducer.on_ready(8);
    EXPECT_EQ(reducer.launched(), 2);
    reducer.finish();
    EXPECT_EQ(reducer.launched(), 0);
  });
}

// Writes down the sums that it is asked for.
class Diary final : public Group {
 public:
  Diary(const std::string& name, std::vector<std::string>& asked)
      : Group(name, /*rank=*/0, /*size=*/2), asked_(asked) {}

 private:
  Work do_all_reduce(const Tensor& x, Reduce) override {
    asked_.push_back(fmt::format("{} of {}", x.numel(), name()));
    return {};
  }
  Work do_broadcast(const Tensor&, int) override { return {}; }
  Work do_all_gather(const Tensor&, const Tensor&) override { return {}; }
  Work do_reduce_scatter(const Tensor&, const Tensor&, Reduce) override { return {}; }
  Work do_all_to_all(const Tensor&, const Tensor&) override { return {}; }
  Messages do_exchange(const std::vector<Parcel>&, const std::vector<Parcel>&) override {
    return {};
  }
  Work do_barrier() override { return {}; }
  std::shared_ptr<Group> do_split(int, int, const std::string&) override { return nullptr; }

  std::vector<std::string>& asked_;
};

// Two communicators of one device that two ranks use in opposite orders may wait for each other.
TEST(GradReducer, AsksItsGroupsInOneOrderWhateverBecameReady) {
  Parameters parameters;
  for (int i = 0; i < 4; ++i)
    parameters.place(parameters.add({.name = fmt::format("p{}", i), .shape = {16 + i}}), {}, i % 2);
  parameters.allocate(DType::kF32, 1);
  std::vector<std::string> asked;
  const std::vector<std::shared_ptr<Group>> groups{std::make_shared<Diary>("a", asked),
                                                   std::make_shared<Diary>("b", asked)};
  GradReducer reducer(parameters, groups, {.bucket_bytes = 1});
  for (const std::vector<int>& ready :
       {std::vector<int>{3, 2, 1, 0}, {0, 1, 2, 3}, {2, 0, 1}, {}}) {
    asked.clear();
    for (const int parameter : ready) reducer.on_ready(parameter);
    reducer.finish();
    EXPECT_EQ(asked, (std::vector<std::string>{"32 of b", "32 of a", "32 of b", "16 of a"}));
  }
}

TEST(GradReducer, RefusesAParameterThatIsReadyTwice) {
  const auto parameters = some_parameters();
  GradReducer reducer(*parameters, {solo_group()});
  reducer.on_ready(3);
  EXPECT_THROW(reducer.on_ready(3), std::logic_error);
  EXPECT_THROW(reducer.on_ready(kParameters), std::logic_error);
  reducer.finish();
  EXPECT_NO_THROW(reducer.on_ready(3));
}

TEST(GradReducer, FollowsTheTape) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& group) {
    Parameters parameters;
    const Var a = parameters.add({.name = "a", .shape = {40}, .init = Constant{1}});
    const Var b = parameters.add({.name = "b", .shape = {40}, .init = Constant{1}});
    const Var unused = parameters.add({.name = "unused", .shape = {40}, .init = Constant{1}});
    parameters.allocate(DType::kF32, 1);
    GradReducer reducer(parameters, {group}, {.bucket_bytes = 1});
    const float mine = static_cast<float>(group->rank() + 1);
    const auto scaled = [&](const Var& x, float by) {
      return Var::op(x.value().clone(), {x}, [=](Inputs in, const Tensor& dy) {
        const Tensor dx = dy.clone();
        for (float& value : dx.span<float>()) value *= by;
        in[0].add_grad(dx);
      });
    };
    const Var left = scaled(a, mine), right = scaled(b, 10 * mine);
    const Var loss = Var::op(left.value().clone(), {left, right}, [](Inputs in, const Tensor& dy) {
      in[0].add_grad(dy);
      in[1].add_grad(dy);
    });
    backward(loss, {}, {.on_leaf_ready = [&](auto tag) { reducer.on_ready(tag); }});
    reducer.finish();
    EXPECT_EQ(a.grad().data<float>()[39], 3.0F);
    EXPECT_EQ(b.grad().data<float>()[0], 30.0F);
    EXPECT_EQ(unused.grad().data<float>()[0], 0.0F);
  });
}

TEST(GradReducer, WithoutParametersOrOtherRanksHasNothingToDo) {
  run_local_ranks(2, [](const std::shared_ptr<Group>& group) {
    Parameters none;
    none.allocate(DType::kF32, 1);
    GradReducer reducer(none, {group});
    reducer.finish();
    EXPECT_EQ(reducer.buckets(), 0U);
  });
  const auto parameters = some_parameters();
  write_gradients(*parameters, 0, 0);
  GradReducer alone(*parameters, {solo_group()});
  for (int tag = 0; tag < kParameters; ++tag) alone.on_ready(tag);
  alone.finish();
  EXPECT_EQ(alone.early_buckets(), 0);
  expect_sums(*parameters, 1, 0);
}

}  // namespace
}  // namespace muybridge
