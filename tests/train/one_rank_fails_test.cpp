// What befalls one rank of the real program, while the others go on as they were: all end within
// seconds, with its code, and its reason is told.
#include <sys/resource.h>

#include "tests/train/training_run.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class OneRankFails : public testing::TrainingRun {
 protected:
  // Two ranks in a folder of the test's, with a line of shell before one of them. Where they wait
  // for ever the exit code is 124.
  int run_with(std::string command, int rank, const std::string& fault,
               const fs::path& folder = {}) const {
    return run_to_end(prepare(std::move(command), rank, fault, folder));
  }
  std::string prepare(std::string command, int rank, const std::string& fault,
                      const fs::path& folder = {}) const {
    const fs::path script = scratch_ / "rank.sh";
    std::ofstream(script) << fmt::format(
        "cd {}\nif [ \"$OMPI_COMM_WORLD_RANK\" = {} ]; then {}; fi\nexec \"$@\"\n",
        (scratch_.path() / folder).string(), rank, fault);
    command.insert(command.find(kBinary), "sh " + script.string() + " ");
    return "timeout 120 " + command;
  }
  std::string command(const std::string& words) const {
    return fmt::format("{}{} {}", launcher(2), kBinary, words);
  }
};

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// The limit is below what the rank has already: steps need nothing more, the average in the place
// of the weights does.
TEST_F(OneRankFails, WithoutMemoryForTheAveragedWeightsAllEnd) {
  testing::Job job(
      prepare(train(2, "run",
                    "model.width=512 model.mlp_width=1024 model.heads=8 model.depth=1 "
                    "batch.tokens=64 batch.micro_batches=2 data.caption_drop=0 eval.samples=0 "
                    "train.steps=100000 train.checkpoint_every=0 eval.every=9"),
              1, "echo $$ >rank"),
      scratch_ / "log");
  job.wait_for_lines(run("run") / "metrics.jsonl", 3);
  const rlimit none{.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
  ASSERT_EQ(::prlimit(std::stoi(read_file(scratch_ / "rank")), RLIMIT_AS, &none, nullptr), 0);
  EXPECT_EQ(job.wait(), 69) << log();
  EXPECT_TRUE(log_has("rank 1: out of memory")) << log();
  EXPECT_TRUE(log_has("the others wait for this rank, so all end")) << log();
  EXPECT_FALSE(log_has("the evaluation failed")) << log();
}
#endif

TEST_F(OneRankFails, WithoutRoomForItsPartOfACommitAllEnd) {
  for (const char* commit : {"behind", "wait"}) {
    EXPECT_EQ(run_with(train(2, commit,
                             fmt::format("model.width=256 model.mlp_width=1024 model.heads=8 "
                                         "batch.tokens=64 eval.every=0 eval.samples=0 "
                                         "train.steps=100000 train.checkpoint_every=2 "
                                         "train.commit={}",
                                         commit)),
                       1, "trap '' XFSZ; ulimit -f 12000"),
              74)
        << log();
    EXPECT_TRUE(log_has(".step-00000002.tmp/rank-0001.h5")) << log();
    EXPECT_TRUE(log_has("File too large")) << log();
    EXPECT_EQ(committed(commit), 0);
  }
}

// A folder has the name of the file that says which commit is the last.
TEST_F(OneRankFails, WhereRankZeroCannotSettleACommitAllEnd) {
  fs::create_directories(run("run") / "checkpoints/latest/in the way");
  EXPECT_EQ(run_with(train(2, "run", "train.steps=100000 train.checkpoint_every=2 eval.samples=0"),
                     0, ":"),
            74)
      << log();
  EXPECT_TRUE(log_has("checkpoints/latest")) << log();
}

// As where a machine does not have the storage of the others.
TEST_F(OneRankFails, WhoDoesNotSeeTheCommitEndsAll) {
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=2 eval.samples=0")), 0) << log();
  const std::string sample = command("sample run/checkpoints/step-00000002 --prompt x");
  EXPECT_EQ(run_with(sample, 1, "cd /"), 65) << log();
  EXPECT_TRUE(log_has("rank 1: run/checkpoints/step-00000002 is no commit")) << log();
  EXPECT_EQ(run_with(sample, 0, "cd /"), 2) << log();
  EXPECT_TRUE(log_has("no checkpoint there")) << log();
  EXPECT_EQ(run_with(train(2, "tuned", "train.init_from=run train.steps=1"), 1, "cd /"), 65)
      << log();
  EXPECT_TRUE(log_has("run/checkpoints/step-00000002 is no commit")) << log();
}

// Where rank 0 does not see one there is none for anybody.
TEST_F(OneRankFails, WhoDoesNotSeeTheCorpusOrSeesAnotherEndsAnEvaluation) {
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=2 eval.samples=0")), 0) << log();
  const std::string evaluate =
      command("evaluate " + run("run").string() + " data.validation=corpus eval.samples=0");
  EXPECT_EQ(run_with(evaluate, 1, "cd /"), 74) << log();
  EXPECT_TRUE(log_has("data.validation: no prepared corpus is in corpus on ")) << log();
  EXPECT_EQ(run_with(evaluate, 0, "cd /"), 0) << log();
  EXPECT_TRUE(log_has("no prepared corpus there, so no validation loss")) << log();
  make_corpus(scratch_ / "there/corpus", 9, 16);
  EXPECT_EQ(run_with(evaluate, 1, "cd there"), 2) << log();
  EXPECT_TRUE(log_has("rank 1: the corpus with held-out clips is ")) << log();
}

// As of a file that each machine has its own of.
TEST_F(OneRankFails, WhoReadsOtherPromptsEndsAll) {
  ASSERT_EQ(run_to_end(train(1, "run", "train.steps=2 eval.samples=0")), 0) << log();
  fs::create_directory(scratch_ / "there");
  std::ofstream(scratch_ / "prompts.txt") << "a cat\n";
  std::ofstream(scratch_ / "there/prompts.txt") << "a cat\na dog\n";
  const std::string clips = (scratch_ / "clips").string();
  EXPECT_EQ(run_with(command(fmt::format("sample {} --prompts prompts.txt --out {}",
                                         run("run").string(), clips)),
                     1, "cd there"),
            2)
      << log();
  EXPECT_TRUE(log_has("rank 1: the hash of the prompts is ")) << log();
}

// The one of two that reads for both; an evaluation that fails costs no more than the evaluation.
TEST_F(OneRankFails, WithoutAClipThatIsMeasuredAllGoOnTraining) {
  make_corpus(scratch_ / "here/corpus", 26, 16, /*held_out_ground=*/200);
  fs::copy(scratch_ / "here", scratch_ / "there", fs::copy_options::recursive);
  const fs::path shard = scratch_ / "there/corpus/shard-00000.h5";
  const std::size_t place = read_file(shard).find(std::string(300, static_cast<char>(200)));
  ASSERT_NE(place, std::string::npos);
  std::fstream(shard, std::ios::in | std::ios::out | std::ios::binary)
          .seekp(static_cast<std::streamoff>(place))
      << 'x';
  const auto run_where_one_has_other_bytes = [&](const char* name, int rank) {
    return run_with(train(2, name,
                          "data.train=corpus parallel.tensor=2 eval.samples=0 eval.every=2 "
                          "train.steps=3"),
                    rank, "cd ../there", "here");
  };
  EXPECT_EQ(run_where_one_has_other_bytes("other", 1), 0) << log();
  EXPECT_FALSE(log_has("the evaluation failed")) << log();
  EXPECT_EQ(run_where_one_has_other_bytes("run", 0), 0) << log();
  EXPECT_TRUE(log_has("step 2: the evaluation failed")) << log();
  EXPECT_TRUE(log_has("clip 26 (clip-26.mp4 at 0 s) does not match its hash")) << log();
  EXPECT_EQ(committed("run"), 3);
}

}  // namespace
}  // namespace muybridge
