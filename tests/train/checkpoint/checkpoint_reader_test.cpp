#include "train/checkpoint/checkpoint_reader.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "core/system/file.h"
#include "data/shards/shard_hdf5.h"
#include "parallel/host/local_ranks.h"
#include "tests/train/sample_state.h"
#include "tests/train/scratch_folder.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/checkpoint/rank_file_writer.h"

namespace muybridge {
namespace {

using namespace testing;
namespace fs = std::filesystem;

void overwrite(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

// A commit of two ranks at ROOT/step-00000001.
fs::path make_commit(const ScratchFolder& root) {
  run_local_ranks(2, [&](const std::shared_ptr<Group>& group) {
    const Parameters parameters = sample_parameters();
    save_checkpoint(root.path(), sample_state(parameters, 1, group->rank(), 2), *group);
  });
  return root.path() / commit_name(1);
}

// Loads all there is; empty when the damage was found, as it must be where it is in an element.
// What lies between the elements is not read.
std::string use(const fs::path& commit, bool must_be_found = true) {
  TrainState state;
  try {
    const Parameters parameters = sample_parameters();
    state = blank_state(parameters);
    load_checkpoint(CheckpointReader(commit), state);
  } catch (const Error& error) {
    return error.code() == ExitCode::kCorrupt ? "" : error.what();
  }
  const std::string difference = difference_from_sample(state);
  return !difference.empty() ? difference : must_be_found ? "was used" : "";
}

std::string verify(const fs::path& commit) {
  try {
    CheckpointReader(commit).verify();
  } catch (const Error& error) {
    return error.code() == ExitCode::kCorrupt ? "" : error.what();
  }
  return "was passed";
}

TEST(CheckpointReader, FindsAnyFlippedBit) {
  const ScratchFolder root;
  const fs::path commit = make_commit(root);
  const std::vector<RankFile> files = read_manifest(commit).files;
  for (const char* name : {"manifest.json", "rank-0000.h5", "rank-0001.h5"}) {
    const std::string whole = read_file(commit / name);
    std::string damaged = whole;
    // Every fifth byte of a file's structure; of the elements, which are most of it, fewer.
    std::vector<bool> is_element(whole.size());
    for (const RankFile& file : files)
      for (const StoredPiece& piece : file.pieces)
        if (file.name == name)
          std::fill_n(is_element.begin() + static_cast<std::ptrdiff_t>(piece.offset), piece.bytes(),
                      true);
    for (std::size_t i = 0; i < whole.size(); i += is_element[i] ? 17 : 5) {
      damaged[i] = static_cast<char>(whole[i] ^ (1 << (i * 5 % 8)));
      overwrite(commit / name, damaged);
      ASSERT_EQ(verify(commit), "") << name << " byte " << i;
      if (i % 97 == 0) {
        const bool must_be_found = is_element[i] || name == std::string("manifest.json");
        ASSERT_EQ(use(commit, must_be_found), "") << name << " byte " << i;
      }
      damaged[i] = whole[i];
    }
    overwrite(commit / name, whole);
  }
  EXPECT_EQ(use(commit), "was used");
}

TEST(CheckpointReader, FindsAnyTruncationAndAnythingAppended) {
  const ScratchFolder root;
  const fs::path commit = make_commit(root);
  for (const char* name : {"manifest.json", "rank-0000.h5", "rank-0001.h5"}) {
    const std::string whole = read_file(commit / name);
    for (std::size_t size = 0; size < whole.size(); size += 1 + size / 64) {
      overwrite(commit / name, whole.substr(0, size));
      ASSERT_EQ(verify(commit), "") << name << " cut to " << size;
      if (size % 5 == 0) {
        ASSERT_EQ(use(commit), "") << name << " cut to " << size;
      }
    }
    overwrite(commit / name, whole + '\0');
    EXPECT_EQ(verify(commit), "") << name << " with a byte more";
    fs::remove(commit / name);
    EXPECT_EQ(verify(commit), "") << name << " removed";
    overwrite(commit / name, whole);
  }
  EXPECT_EQ(use(commit), "was used");
}

TEST(CheckpointReader, FindsFilesThatChangedPlacesOrCommits) {
  const ScratchFolder root, other;
  const fs::path commit = make_commit(root);
  make_commit(other);
  fs::rename(commit / "rank-0000.h5", commit / "swap");
  fs::rename(commit / "rank-0001.h5", commit / "rank-0000.h5");
  fs::rename(commit / "swap", commit / "rank-0001.h5");
  EXPECT_EQ(verify(commit), "");
  EXPECT_EQ(use(commit), "");
}

TEST(CheckpointReader, NamesTheDamagedTensor) {
  const ScratchFolder root;
  const fs::path commit = make_commit(root);
  const CheckpointReader reader(commit);
  const RankFile& file = reader.manifest().files[1];
  const StoredPiece& piece = file.pieces[file.pieces.size() / 2];
  std::string content = read_file(commit / file.name);
  content[piece.offset + piece.bytes() - 1] ^= 1;
  overwrite(commit / file.name, content);
  try {
    reader.verify();
    FAIL() << "not found";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find(file.name), std::string::npos) << message;
    EXPECT_NE(message.find(fmt::format("{} of {}", name_of(piece.kind), piece.name)),
              std::string::npos)
        << message;
  }
}

TEST(CheckpointReader, ReadsAnySliceOfAParameter) {
  const ScratchFolder root;
  const CheckpointReader reader(make_commit(root));
  const std::string name = "blocks.0.self_attention.qkv.weight";
  for (std::int64_t begin = 0; begin < 72 * 24; begin += 131) {
    for (const std::int64_t length : {1L, 24L, 72 * 24 - begin}) {
      if (begin + length > 72 * 24) continue;
      const Tensor out = Tensor::zeros({length});
      reader.read(StateKind::kVariance, name, Slice::range(begin, length), out);
      for (std::int64_t i = 0; i < length; ++i)
        ASSERT_EQ(out.data<float>()[i], sample_value(name, StateKind::kVariance, 1, begin + i));
    }
  }
  EXPECT_THROW(reader.read(StateKind::kEma, name, Slice::range(72 * 24, 1), Tensor::zeros({1})),
               Error);
  EXPECT_THROW(reader.read(StateKind::kEma, "no.such", Tensor::zeros({1})), Error);
}

// Tensor parallelism cuts a matrix by columns, or the fused qkv by rows in three segments: several
// runs a rank.
TEST(CheckpointReader, PutsStridedSlicesTogether) {
  const ScratchFolder root;
  const std::int64_t rows = 6, columns = 10, half = columns / 2;
  Manifest manifest{.version = "1", .ranks = 2, .parameters = {{"w", {rows, columns}}}};
  for (const std::int64_t rank : {0L, 1L}) {
    const Tensor mine = Tensor::empty({rows * half});
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < half; ++c)
        mine.data<float>()[r * half + c] = static_cast<float>(r * columns + rank * half + c);
    StatePiece piece;
    piece.name = "w";
    piece.slice = {rank * half, half, columns, rows};
    piece.elements = mine;
    manifest.files.push_back(
        write_rank_file(root / fmt::format("rank-{}.h5", rank), std::vector{piece}));
  }
  write_file_durably(root / "manifest.json", to_text(manifest));
  const CheckpointReader reader(root.path());
  for (const auto& [begin, length] : {std::pair{0L, 60L}, {7L, 31L}, {59L, 1L}}) {
    const Tensor out = Tensor::zeros({length});
    reader.read(StateKind::kMaster, "w", Slice::range(begin, length), out);
    for (std::int64_t i = 0; i < length; ++i)
      ASSERT_EQ(out.data<float>()[i], static_cast<float>(begin + i));
  }
}

// A matrix of 88 MB, whole or as a rank of some holds it; its values are its places.
Parameters large_parameters(const Split& split = {}) {
  Parameters parameters;
  const Var var = parameters.add({.name = "w", .shape = {5500, 4000}});
  parameters.place(var, split, 1);
  parameters.allocate(DType::kF32, 1);
  const Slice slice = parameters.list()[0].slice();
  for (std::int64_t i = 0; i < slice.numel(); ++i)
    parameters.master().data<float>()[i] = static_cast<float>(slice.at(i));
  return parameters;
}

TrainState master_of(const Parameters& parameters, const FlatRanges& wanted) {
  return {.catalogue = catalogue_of(parameters),
          .pieces = state_pieces(parameters, {StateKind::kMaster, parameters.master()}, wanted)};
}

TEST(CheckpointReader, ReadsNoMoreThanARankNeeds) {
  const ScratchFolder root;
  const auto reader_bytes = [&](const Parameters& parameters, const FlatRange& wanted) {
    const Tensor expected = parameters.master().clone();
    parameters.master().fill_zero();
    TrainState state = master_of(parameters, {wanted});
    const CheckpointReader reader(root.path() / commit_name(0));
    load_checkpoint(reader, state);
    const std::int64_t count = wanted.end - wanted.begin;
    EXPECT_TRUE(same_bits(parameters.master().rows(wanted.begin, count),
                          expected.rows(wanted.begin, count)));
    return static_cast<double>(reader.bytes_read()) / static_cast<double>(count * 4);
  };
  // One rank holds the whole of what it wrote: others read shares of it.
  const Parameters whole = large_parameters();
  const std::int64_t size = whole.flat_size();
  save_checkpoint(root.path(), master_of(whole, {{0, size}}), *solo_group());
  for (int rank = 0; rank < 4; ++rank) {
    const Parameters parameters = large_parameters();
    EXPECT_LT(reader_bytes(parameters, even_share(size, rank, 4)), 1.1);
  }
  // Shares of columns, read by who wrote them: not a byte of the others.
  const auto part = [](int rank) {
    return large_parameters({.axis = 1, .part = rank, .parts = 2});
  };
  run_local_ranks(2, [&](const std::shared_ptr<Group>& group) {
    const Parameters parameters = part(group->rank());
    save_checkpoint(root.path(), master_of(parameters, {{0, parameters.flat_size()}}), *group);
  });
  for (int rank = 0; rank < 2; ++rank) {
    const Parameters parameters = part(rank);
    EXPECT_EQ(reader_bytes(parameters, {0, parameters.flat_size()}), 1.0);
  }
}

TEST(CheckpointReader, OneOfTheSharesFindsADamagedElement) {
  const ScratchFolder root;
  const Parameters parameters = large_parameters();
  save_checkpoint(root.path(), master_of(parameters, {{0, parameters.flat_size()}}), *solo_group());
  const fs::path commit = root.path() / commit_name(0);
  const StoredPiece piece = read_manifest(commit).files[0].pieces[0];
  EXPECT_GT(piece.parts(), 80U);
  std::fstream file(commit / "rank-0000.h5", std::ios::in | std::ios::out | std::ios::binary);
  for (const std::uint64_t at : {std::uint64_t{0}, piece.bytes() / 3, piece.bytes() - 1}) {
    const auto place = static_cast<std::streamoff>(piece.offset + at);
    const auto flip = [&] {
      file.seekg(place);
      const int value = file.get();
      file.seekp(place);
      file.put(static_cast<char>(value ^ 4));
      file.flush();
    };
    flip();
    for (const int shares : {1, 2, 7, 200}) {
      int found = 0;
      for (int share = 0; share < shares; ++share) {
        try {
          CheckpointReader(commit).verify(share, shares);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ExitCode::kCorrupt);
          EXPECT_NE(std::string(error.what()).find("master of w"), std::string::npos);
          ++found;
        }
      }
      EXPECT_EQ(found, 1) << shares << " shares, byte " << at;
    }
    flip();
  }
  EXPECT_NO_THROW(CheckpointReader(commit).verify());
}

// What is written past HDF5 is what HDF5 finds.
TEST(CheckpointReader, OtherProgramsReadTheFilesWithHdf5) {
  const ScratchFolder root;
  const fs::path commit = make_commit(root);
  for (const RankFile& rank_file : read_manifest(commit).files) {
    const hdf5::Lock lock;
    const hdf5::Checker check{commit / rank_file.name, ExitCode::kCorrupt};
    const hdf5::File file = hdf5::open_file(commit / rank_file.name);
    for (const StoredPiece& piece : rank_file.pieces) {
      const hdf5::Dataset dataset(
          check(H5Dopen2(file.get(), piece.data_set().c_str(), H5P_DEFAULT), "H5Dopen2"));
      ASSERT_EQ(hdf5::flat_size(dataset, check), static_cast<hsize_t>(piece.slice.numel()));
      std::vector<float> values(static_cast<std::size_t>(piece.slice.numel()));
      check(H5Dread(dataset.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
            "H5Dread");
      for (std::int64_t i = 0; i < piece.slice.numel(); ++i)
        ASSERT_EQ(values[static_cast<std::size_t>(i)],
                  sample_value(piece.name, piece.kind, 1, piece.slice.at(i)));
    }
  }
}

}  // namespace
}  // namespace muybridge
