#include "train/checkpoint/state_pieces.h"

#include <gtest/gtest.h>

#include <set>

#include "parallel/host/local_ranks.h"
#include "tests/train/sample_state.h"
#include "tests/train/scratch_folder.h"
#include "train/checkpoint/checkpoint_folder.h"

namespace muybridge {
namespace {

using namespace testing;

TEST(StatePieces, SharesTileTheRangeAndDifferByAtMostOne) {
  for (const std::int64_t size : {0L, 1L, 16L, 1000003L, (1L << 40) + 7}) {
    for (const int ranks : {1, 3, 64}) {
      std::int64_t end = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const FlatRange share = even_share(size, rank, ranks);
        EXPECT_EQ(share.begin, end);
        EXPECT_LE(std::abs((share.end - share.begin) - size / ranks), 1);
        end = share.end;
      }
      EXPECT_EQ(end, size);
    }
  }
}

// How ranks hold a model. Rank = (stage * data + replica) * tensor + part.
struct Layout {
  int tensor = 1;
  int data = 1;
  int pipeline = 1;
  bool zero = false;  // all state but the master is held in shares

  int ranks() const { return tensor * data * pipeline; }
};

// The groups that a rank's copies need: 1 of the replicas of its stage and part, 2 of those of its
// stage, 3 of all ranks.
class Rank {
 public:
  Rank(const Layout& layout, Group& world)
      : layout_(layout),
        part_(world.rank() % layout.tensor),
        stage_(world.rank() / layout.tensor / layout.data) {
    const int rank = world.rank();
    groups_ = {world.split(stage_ * layout.tensor + part_, rank, "replicas"),
               world.split(stage_, rank, "stage"), world.split(0, rank, "all")};
    add("embedding.weight", {4, 6}, {}, 3);  // on the first and on the last stage, say: on all
    for (int block = 0; block < 4; ++block) {
      if (block % layout.pipeline != stage_) continue;
      const std::string name = fmt::format("blocks.{}.", block);
      add(name + "qkv.weight", {24, 5}, {.axis = 0, .segments = 3}, 1);
      add(name + "out.weight", {7, 8}, {.axis = 1}, 1);
      add(name + "scale", {1}, {}, 2);
      add(name + "norm", {9}, {}, 2);
    }
    parameters_.allocate(DType::kF32, 1);
  }

  const Parameters& parameters() const { return parameters_; }
  Group& group(int copies) const { return *groups_[static_cast<std::size_t>(copies - 1)]; }
  CopiesGroup copies() const {
    return [this](int number) -> Group& { return group(number); };
  }

  // What the rank writes of a step.
  TrainState to_save(std::int64_t step) const {
    TrainState state{.catalogue = catalogue_of(parameters_)};
    const FlatRanges mine = shared_out(parameters_, copies());
    for (FlatTensor& tensor : SampleTensors::of_step(parameters_, step).list()) {
      if (layout_.zero && tensor.kind != StateKind::kMaster) tensor = only(tensor, mine);
      for (const StatePiece& piece : state_pieces(parameters_, tensor, mine))
        state.pieces.push_back(piece);
    }
    return with_records(std::move(state), step);
  }
  // What it holds, of zeros.
  TrainState to_load(Group& world) const {
    TrainState state{.catalogue = merged(catalogue_of(parameters_), world)};
    const FlatRanges mine = shared_out(parameters_, copies());
    for (FlatTensor& tensor : SampleTensors::zeros(parameters_).list()) {
      if (layout_.zero && tensor.kind != StateKind::kMaster) tensor = only(tensor, mine);
      for (const StatePiece& piece : state_pieces(parameters_, tensor))
        state.pieces.push_back(piece);
    }
    return state;
  }

 private:
  void add(const std::string& name, const Shape& shape, Split split, int copies) {
    const Var var = parameters_.add({.name = name, .shape = shape});
    if (copies == 1) {
      split.part = part_;
      split.parts = layout_.tensor;
    }
    parameters_.place(var, split, copies);
  }
  static FlatTensor only(const FlatTensor& tensor, const FlatRanges& ranges) {
    std::vector<float> values;
    for (const FlatRange& range : ranges) {
      const auto all = tensor.elements.span<float>();
      values.insert(values.end(), all.begin() + range.begin, all.begin() + range.end);
    }
    return {tensor.kind, Tensor::of({std::ssize(values)}, values), ranges};
  }

  Layout layout_;
  int part_;
  int stage_;
  std::vector<std::shared_ptr<Group>> groups_;
  Parameters parameters_;
};

constexpr std::array kLayouts = {
    Layout{},
    Layout{.data = 3},
    Layout{.data = 2, .zero = true},
    Layout{.tensor = 2},
    Layout{.tensor = 4},
    Layout{.pipeline = 2},
    Layout{.tensor = 2, .data = 2, .pipeline = 2, .zero = true},
    Layout{.tensor = 2, .data = 3, .zero = true},
};

TEST(StatePieces, AnyLayoutLoadsBitByBitWhatAnyOtherSaved) {
  const ScratchFolder folder;
  std::int64_t step = 0;
  for (const Layout& writers : kLayouts) {
    ++step;
    run_local_ranks(writers.ranks(), [&](const std::shared_ptr<Group>& world) {
      save_checkpoint(folder.path(), Rank(writers, *world).to_save(step), *world);
    });
    const CheckpointReader reader(folder.path() / commit_name(step));
    EXPECT_EQ(reader.manifest().parameters.size(), 17U);
    EXPECT_EQ(reader.manifest().ranks, writers.ranks());
    for (const Layout& readers : kLayouts)
      run_local_ranks(readers.ranks(), [&](const std::shared_ptr<Group>& world) {
        const Rank rank(readers, *world);
        TrainState state = rank.to_load(*world);
        load_checkpoint(CheckpointReader(reader.path()), state);
        EXPECT_EQ(difference_from_sample(state), "");
        EXPECT_EQ(state.step, step);
      });
  }
}

TEST(StatePieces, ReadSharesBecomeWholeOnAllRanksThatHoldCopies) {
  for (const Layout& layout : kLayouts)
    run_local_ranks(layout.ranks(), [&](const std::shared_ptr<Group>& world) {
      const Rank rank(layout, *world);
      const Parameters& parameters = rank.parameters();
      const Tensor expected = sample_flat(parameters, StateKind::kMaster, 3);
      const Tensor flat = Tensor::zeros({parameters.flat_size()});
      for (const FlatRange& range : shared_out(parameters, rank.copies()))
        flat.rows(range.begin, range.end - range.begin)
            .copy_from(expected.rows(range.begin, range.end - range.begin));
      spread_shares(parameters, flat, rank.copies());
      EXPECT_TRUE(same_bits(flat, expected));
    });
}

std::string refusal(const FlatTensor& tensor, const FlatRanges& wanted) {
  try {
    state_pieces(sample_parameters(), tensor, wanted);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

TEST(StatePieces, RangesThatDoNotFitAreRefused) {
  const std::int64_t size = sample_parameters().flat_size();
  const FlatTensor whole{StateKind::kEma, Tensor::zeros({size})};
  EXPECT_EQ(refusal(whole, {{0, size}}), "");
  EXPECT_NE(refusal(whole, {{0, size + 1}}).find("ascend"), std::string::npos);
  EXPECT_NE(refusal(whole, {{8, 16}, {12, 20}}).find("ascend"), std::string::npos);
  EXPECT_NE(refusal({StateKind::kEma, Tensor::zeros({5})}, {}).find("has 5 elements"),
            std::string::npos);
  const FlatTensor part{StateKind::kEma, Tensor::zeros({30}), FlatRanges{{0, 10}, {20, 40}}};
  EXPECT_EQ(refusal(part, {{2, 10}, {20, 21}}), "");
  for (const FlatRange& range : {FlatRange{10, 12}, {9, 21}, {39, 41}})
    EXPECT_NE(refusal(part, {range}).find("does not hold"), std::string::npos);
  // A rank may hold nothing.
  EXPECT_EQ(refusal({StateKind::kEma, Tensor::zeros({0}), FlatRanges{}}, {}), "");
}

}  // namespace
}  // namespace muybridge
