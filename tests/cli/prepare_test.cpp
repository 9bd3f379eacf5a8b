#include <sys/wait.h>

#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

// The command as users call it, on small clips.
class PrepareCommand : public MediaFolder {
 protected:
  struct Result {
    int code = -1;
    std::string out;
    std::string err;
  };

  void SetUp() override {
    MediaFolder::SetUp();
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  }

  Result shell(const std::string& command) const {
    const int status = std::system(
        fmt::format("cd '{}' && ( {} ) >said 2>err </dev/null", folder_.string(), command).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(folder_ / "said"),
            read_file(folder_ / "err")};
  }
  Result prepare(const std::string& arguments, const std::string& before = "") const {
    return shell(fmt::format("{} {} prepare {}", before, kBinary, arguments));
  }
  void clip(const std::string& name) const {
    numbered("clips/" + name + ".mp4", 10);
    write("clips/" + name + ".txt", "a clip");
  }
  void broken(const std::string& name) const {
    write("clips/" + name + ".mp4", "no video");
    write("clips/" + name + ".txt", "a clip");
  }

  inline static const std::string kBinary = MUYBRIDGE_BINARY;
};

TEST_F(PrepareCommand, SaysWhatItMadeAndWhatItLeftOut) {
  clip("a");
  broken("b");
  numbered("clips/lonely.mp4", 10);
  const Result result = prepare("clips out");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("1 made now from 1 videos and images"), std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("skipped lonely.mp4: no caption"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("skipped b.mp4: cannot be used"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("note: a.mp4: colour matrix not marked"), std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("All of these are in out/report.json"), std::string::npos)
      << result.out;
}

TEST_F(PrepareCommand, ShowsControlCharactersOfNamesAndObeysNone) {
  clip("a");
  broken("b\x1b[31m");
  const Result result = prepare("clips out");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("skipped b\\x1b[31m.mp4"), std::string::npos) << result.out;
  EXPECT_EQ((result.out + result.err).find('\x1b'), std::string::npos);
}

TEST_F(PrepareCommand, EveryPartSaysWhatItLeftOut) {
  clip("a");
  broken("b");
  Result result = shell("mpirun --oversubscribe -np 2 " + kBinary + " prepare clips out");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("out, part 1 of 2: 0 made now from 0"), std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("skipped b.mp4: cannot be used"), std::string::npos) << result.out;
  result = prepare("clips other --shard-of 1/2 --json");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("\"file\": \"b.mp4\""), std::string::npos) << result.out;
}

TEST_F(PrepareCommand, GoesOnBelowTheHardLimitsOfItsShell) {
  clip("a");
  const Result result = prepare("clips out --workers 1", "ulimit -v 16000000; ulimit -t 600;");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("1 made now"), std::string::npos) << result.out;
}

TEST_F(PrepareCommand, NamesTheLimitOfOpenFilesWhereItIsTooLow) {
  clip("a");
  const Result result = prepare("clips out --workers 1", "ulimit -n 16;");
  EXPECT_EQ(result.code, 74) << result.err;
  EXPECT_NE(result.err.find("Too many open files"), std::string::npos) << result.err;
}

TEST_F(PrepareCommand, OptionsThatWouldChangeNothingAreRefused) {
  clip("a");
  const struct {
    std::string arguments;
    const char* said;
  } cases[] = {{"--size 32x32 --multiple 8", "--multiple 8: --resize cover makes clips of --size"},
               {"--multiple 0", "must be a number from 1 to 1024, not 0"},
               {"--max-caption-bytes -5", "must be a number at least 1, not -5"},
               {"--min-frames -1", "must be a number at least 0, not -1"},
               {"--min-frames x", "must be a number at least 0, not x"}};
  for (const auto& [arguments, said] : cases) {
    const Result result = prepare("clips out " + arguments);
    EXPECT_EQ(result.code, 2) << arguments;
    EXPECT_NE(result.err.find(said), std::string::npos) << arguments << "\n" << result.err;
    EXPECT_FALSE(fs::exists(folder_ / "out")) << arguments;
  }
  EXPECT_EQ(prepare("clips out --multiple 8").code, 0);
  EXPECT_EQ(prepare("clips fit --size 32x32 --resize fit --multiple 8").code, 0);
}

TEST_F(PrepareCommand, HoldsFewDescriptorsHoweverManyFilesWait) {
  ffmpeg("-f lavfi -i testsrc2=s=640x360:r=30:d=4 -preset ultrafast", "clips/a.mp4");
  write("clips/a.txt", "a");
  ffmpeg("-f lavfi -i color=red:s=16x16 -frames:v 1", "x.png");
  const std::string picture = read_file(folder_ / "x.png");
  for (int i = 0; i < 150; ++i) {
    write(fmt::format("clips/i{}.png", i), picture);
    write(fmt::format("clips/i{}.txt", i), fmt::format("{}", i));
  }
  const Result result = prepare("clips out --size 16x16 --workers 2", "ulimit -n 48;");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("made now from 151 videos and images"), std::string::npos)
      << result.out << result.err;
}

}  // namespace
}  // namespace muybridge
