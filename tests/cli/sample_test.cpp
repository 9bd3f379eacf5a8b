#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "core/system/file.h"
#include "eval/sample_folder.h"
#include "model/safetensors.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

struct Result {
  int code = -1;
  std::string out;
  std::string err;
};

// A run of three steps of a tiny model, made once for all tests.
class SampleCommand : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    home = fs::temp_directory_path() / fmt::format("muybridge-sample-{}", ::getpid());
    fs::create_directories(home);
    for (const char* command :
         {"corpus make shapes corpus --clips 10 --validation 4 --size 16x16 --frames 8 --fps 12",
          "prepare corpus prepared",
          "train " MUYBRIDGE_SOURCE_DIR
          "/configs/shapes.yaml run.name=tiny data.train=prepared model.width=32 model.depth=1 "
          "model.heads=2 model.mlp_width=48 model.text_width=32 model.text_heads=2 "
          "batch.micro_batches=1 train.steps=3 eval.samples=2 eval.steps=2 eval.validation_clips=2 "
          "data.max_caption_bytes=256"}) {
      const Result result = muybridge(command);
      ASSERT_EQ(result.code, 0) << command << "\n" << result.out << result.err;
    }
  }
  static void TearDownTestSuite() { fs::remove_all(home); }

  static Result muybridge(const std::string& arguments) {
    return launch(fmt::format("{} {}", MUYBRIDGE_BINARY, arguments));
  }
  static Result launch(const std::string& command) {
    const int status = std::system(
        fmt::format("cd {} && {} >out 2>err </dev/null", home.string(), command).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(home / "out"),
            read_file(home / "err")};
  }
  static std::string pixels(const fs::path& file) {
    const fs::path raw = home / "pixels";
    EXPECT_EQ(std::system(fmt::format("ffmpeg -v error -y -i {} -f rawvideo {}",
                                      (home / file).string(), raw.string())
                              .c_str()),
              0);
    return read_file(raw);
  }
  static std::string probe(const fs::path& file, const std::string& entry) {
    const fs::path out = home / "probe";
    EXPECT_EQ(std::system(fmt::format("ffprobe -v error -show_entries stream={} -of "
                                      "default=nw=1:nk=1 {} >{}",
                                      entry, (home / file).string(), out.string())
                              .c_str()),
              0);
    const std::string text = read_file(out);
    return text.substr(0, text.find('\n'));
  }

  static inline fs::path home;
};

TEST_F(SampleCommand, TwoCallsIntoOneFolderGiveTwoClipsAndAPageOfBoth) {
  for (const char* prompt : {"A red circle", "A blue circle"}) {
    const Result result =
        muybridge(fmt::format("sample runs/tiny --prompt '{}' --out two", prompt));
    ASSERT_EQ(result.code, 0) << result.err;
  }
  EXPECT_TRUE(fs::exists(home / "two/a-red-circle-seed-0.mp4"));
  EXPECT_TRUE(fs::exists(home / "two/a-blue-circle-seed-0.mp4"));
  EXPECT_EQ(read_collection(home / "two").size(), 2U);
  EXPECT_NE(read_file(home / "two/index.html").find("a-red-circle-seed-0.mp4"), std::string::npos);
}

TEST_F(SampleCommand, EveryOptionDoesWhatItSays) {
  std::ofstream(home / "prompts.txt") << "\xEF\xBB\xBF# mine\r\na red circle\r\n\r\na star\r\n";
  const Result result = muybridge(
      "sample runs/tiny --prompts prompts.txt --count 2 --seed 5 --frames 4 --size 24x16 --fps 5 "
      "--steps 3 --guidance 2 --solver heun --shift 5 --upscale 2 --gif --png --negative blur "
      "--out all "
      "--json");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto rows = nlohmann::json::parse(result.out);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[3]["file"], "all/a-star-seed-8.mp4");
  EXPECT_EQ(rows[3]["negative"], "blur");
  EXPECT_EQ(rows[3]["settings"],
            "3 Heun steps, guidance 2, shift 5, averaged weights, 4 frames of 24x16 at 5 fps");
  for (const char* file : {"all/a-star-seed-8.mp4", "all/a-star-seed-8.gif"}) {
    EXPECT_EQ(probe(file, "width"), "48") << file;
    EXPECT_EQ(probe(file, "height"), "32") << file;
    EXPECT_EQ(probe(file, "r_frame_rate"), "5/1") << file;
  }
  EXPECT_TRUE(fs::exists(home / "all/a-star-seed-8/frame-0004.png"));
  EXPECT_FALSE(fs::exists(home / "all/a-star-seed-8/frame-0005.png"));
}

TEST_F(SampleCommand, TheNegativePromptAndTheWeightsChangeTheClip) {
  const auto draw = [](const std::string& more) {
    const Result result = muybridge(
        "sample runs/tiny --prompt 'a red circle' --guidance 4 --out changes --overwrite " + more);
    EXPECT_EQ(result.code, 0) << result.err;
    return pixels("changes/a-red-circle-seed-0.mp4");
  };
  const std::string plain = draw("");
  EXPECT_EQ(draw("--ema"), plain);
  EXPECT_NE(draw("--raw"), plain);
  EXPECT_NE(draw("--negative 'a blue square moving up'"), plain);
  draw("--seed 1");
  EXPECT_NE(pixels("changes/a-red-circle-seed-1.mp4"), plain);
}

TEST_F(SampleCommand, EverySolverAndShiftDrawsAnotherClip) {
  std::set<std::string> clips;
  const auto draw = [&](const std::string& how) {
    const Result result =
        muybridge("sample runs/tiny --prompt 'a star' --steps 3 --out solvers --overwrite " + how);
    EXPECT_EQ(result.code, 0) << how << "\n" << result.err;
    return pixels("solvers/a-star-seed-0.mp4");
  };
  for (const char* solver : {"euler", "heun", "ab2", "unipc", "dpmpp_2m"})
    EXPECT_TRUE(clips.insert(draw(fmt::format("--solver {}", solver))).second) << solver;
  EXPECT_TRUE(clips.insert(draw("--solver unipc --shift 2")).second);
  EXPECT_TRUE(clips.contains(draw("--solver unipc --shift 6"))) << "6 is the run's flow.shift";
  EXPECT_EQ(read_collection(home / "solvers").front().settings.substr(0, 37),
            "3 UniPC steps, guidance 1.5, shift 6,");
}

TEST_F(SampleCommand, PlaysAtTheRateOfTheClipsThatWereTrainedOn) {
  ASSERT_EQ(muybridge("sample runs/tiny --prompt x --out rate").code, 0);
  EXPECT_EQ(probe("rate/x-seed-0.mp4", "r_frame_rate"), "12/1");
  EXPECT_EQ(probe("rate/x-seed-0.mp4", "nb_frames"), "8");
  EXPECT_EQ(probe("rate/x-seed-0.mp4", "width"), "96") << "16, six times as large";
  const std::string config = read_file(home / "runs/tiny/config.yaml");
  for (const char* line : {"  frames: 8 ", "  size: 16x16 ", "  fps: 12 "})
    EXPECT_NE(config.find(line), std::string::npos) << line;
}

TEST_F(SampleCommand, DrawsFromAnExportedFileWhatItDrawsFromTheRun) {
  for (const std::string kind : {"", "--raw"}) {
    ASSERT_EQ(muybridge("checkpoint export runs/tiny model.safetensors " + kind).code, 0);
    ASSERT_EQ(muybridge("sample runs/tiny --prompt 'a star' --out here --overwrite " + kind).code,
              0);
    const Result result =
        muybridge("sample model.safetensors --prompt 'a star' --out there --overwrite");
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(pixels("there/a-star-seed-0.mp4"), pixels("here/a-star-seed-0.mp4"));
  }
  const Result result = muybridge("sample model.safetensors --prompt x --ema");
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("holds the weights 'raw'"), std::string::npos) << result.err;
}

TEST_F(SampleCommand, RanksShareThePromptsOrTheModelAndDrawTheSame) {
  ASSERT_EQ(muybridge("checkpoint export runs/tiny shared.safetensors").code, 0);
  const std::string prompts = " --prompt 'a star' --prompt 'a circle' --prompt x --json --png";
  const auto draw = [&](const std::string& out, int ranks, const std::string& model) {
    const std::string arguments =
        fmt::format("sample {} --out {} --overwrite {}", model, out, prompts);
    const Result result = ranks == 1 ? muybridge(arguments)
                                     : launch(fmt::format("mpirun --oversubscribe -np {} {} {}",
                                                          ranks, MUYBRIDGE_BINARY, arguments));
    EXPECT_EQ(result.code, 0) << result.err;
    const auto rows = nlohmann::json::parse(result.out);
    EXPECT_EQ(rows.size(), 3U);
    std::vector<std::string> clips;
    for (const auto& row : rows)
      clips.push_back(pixels(fs::path(row.at("frames").get<std::string>()) / "frame-%04d.png"));
    return clips;
  };
  const std::vector<std::string> alone = draw("solo", 1, "runs/tiny");
  EXPECT_NE(alone[0], alone[1]);
  EXPECT_EQ(draw("apart", 2, "runs/tiny"), alone) << "each draws its prompts by itself";
  for (const char* model :
       {"runs/tiny parallel.tensor=2", "shared.safetensors parallel.context=2"}) {
    const std::vector<std::string> shared = draw("shared", 2, model);
    for (std::size_t clip = 0; clip < alone.size(); ++clip) {
      ASSERT_EQ(shared[clip].size(), alone[clip].size()) << model;
      int most = 0;
      for (std::size_t i = 0; i < alone[clip].size(); ++i)
        most = std::max(most, std::abs(static_cast<unsigned char>(shared[clip][i]) -
                                       static_cast<unsigned char>(alone[clip][i])));
      EXPECT_LE(most, 1) << model << ": sums in another order";
    }
  }
  const Result refused = muybridge("sample runs/tiny --prompt x parallel.tensor=2");
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("needs 2 ranks, the job has 1"), std::string::npos) << refused.err;
  const Result unread = muybridge("sample runs/tiny eval.steps=3 --prompt x");
  EXPECT_EQ(unread.code, 2);
  EXPECT_NE(unread.err.find("eval.steps: 2 -> 3"), std::string::npos) << unread.err;
}

TEST_F(SampleCommand, AnExportSaysWhatItIsAndWhoCannotRunIt) {
  const Result result = muybridge("checkpoint export runs/tiny said.safetensors");
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* reason : {"encoder of bytes", "clean clip", "sines", "3 channels", "4x8x8"})
    EXPECT_NE(result.err.find(reason), std::string::npos) << reason << " in " << result.err;
  const SafetensorsMetadata metadata = SafetensorsReader(home / "said.safetensors").metadata();
  EXPECT_EQ(metadata.at("muybridge_weights"), "ema");
  EXPECT_EQ(metadata.at("muybridge_prediction"), "clean");
  EXPECT_EQ(metadata.at("muybridge_patch"), "4x8x8");
  EXPECT_EQ(metadata.at("muybridge_positions"), "rotary, sines added");
  EXPECT_EQ(metadata.at("muybridge_clips"), "8 frames of 16x16 at 12 fps");
  EXPECT_EQ(metadata.at("muybridge_config").find("prepared"), std::string::npos)
      << "a user's folders stay at home";
}

TEST_F(SampleCommand, MistakesExitWith2AndSayWhatToDo) {
  const std::string long_prompt(257, 'x');
  std::ofstream(home / "some.safetensors") << "x";
  const struct {
    std::string arguments;
    const char* said;
  } cases[] = {
      {"sample runs/tiny", "--prompt TEXT, or --prompts FILE"},
      {"sample runs/tiny --prompts gone.txt", "gone.txt"},
      {"sample runs/tiny --prompt " + long_prompt, "257 bytes; this model reads 256"},
      {"sample runs/tiny --prompt x --negative " + long_prompt, "--negative"},
      {"sample runs/tiny --prompt x --negative y --guidance 1", "guidance is 1"},
      {"sample runs/tiny --prompt x --size 15x16", "the nearest size is 8 frames of 16x16"},
      {"sample runs/tiny --prompt x --frames 7 --size 11x13", "is 8 frames of 8x16"},
      {"sample runs/tiny --prompt x --steps 0", "must be a number above 0, not 0"},
      {"sample runs/tiny --prompt x --guidance -1", "must be a number at least 0, not -1"},
      {"sample runs/tiny --prompt x --shift 0", "must be a number from 0.001 to 1000, not 0"},
      {"sample runs/tiny --prompt x --solver rk4", "rk4 not in {euler,heun,ab2,unipc,dpmpp_2m}"},
      {"corpus make physics balls --two-shapes 0.5", "--two-shapes"},
      {"sample runs/tiny --prompt x --raw --ema", "--raw"},
      {"sample runs/tiny --prompt x --out runs/tiny", "is a run's folder"},
      {"sample runs/tiny --prompt x --out runs/tiny/samples", "keeps its own samples"},
      {"sample nothing --prompt x", "no checkpoint"},
      {"evaluate some.safetensors", "some.safetensors is a file"}};
  for (const auto& [arguments, said] : cases) {
    const Result result = muybridge(arguments);
    EXPECT_EQ(result.code, 2) << arguments << "\n" << result.err;
    EXPECT_NE(result.err.find(said), std::string::npos) << arguments << "\n" << result.err;
  }
}

}  // namespace
}  // namespace muybridge
