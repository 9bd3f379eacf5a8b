#include "train/checkpoint/checkpoint_reader.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "core/system/file.h"
#include "parallel/local_ranks.h"
#include "tests/train/sample_state.h"
#include "tests/train/scratch_folder.h"
#include "train/checkpoint/checkpoint_folder.h"

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

// Loads all there is; empty when the damage was found, as it must be.
std::string use(const fs::path& commit) {
  try {
    const Parameters parameters = sample_parameters();
    TrainState state = blank_state(parameters, 0, 1);
    load_checkpoint(CheckpointReader(commit), state);
  } catch (const Error& error) {
    return error.code() == ExitCode::kCorrupt ? "" : error.what();
  }
  return "was used";
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
        ASSERT_EQ(use(commit), "") << name << " byte " << i;
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
      reader.read(StateKind::kVariance, name, begin, out);
      for (std::int64_t i = 0; i < length; ++i)
        ASSERT_EQ(out.data<float>()[i], sample_value(name, StateKind::kVariance, 1, begin + i));
    }
  }
  EXPECT_THROW(reader.read(StateKind::kEma, name, 72 * 24, Tensor::zeros({1})), Error);
  EXPECT_THROW(reader.read(StateKind::kEma, "no.such", 0, Tensor::zeros({1})), Error);
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
    RankFileWriter writer(root / fmt::format("rank-{}.h5", rank));
    writer.add({StateKind::kMaster, "w", {rank * half, half, columns, rows}}, mine);
    manifest.files.push_back(writer.finish());
  }
  write_file_durably(root / "manifest.json", to_text(manifest));
  const CheckpointReader reader(root.path());
  for (const auto& [begin, length] : {std::pair{0L, 60L}, {7L, 31L}, {59L, 1L}}) {
    const Tensor out = Tensor::zeros({length});
    reader.read(StateKind::kMaster, "w", begin, out);
    for (std::int64_t i = 0; i < length; ++i)
      ASSERT_EQ(out.data<float>()[i], static_cast<float>(begin + i));
  }
}

}  // namespace
}  // namespace muybridge
