#include "eval/gallery.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "core/system/file.h"
#include "eval/provenance.h"

namespace muybridge {
namespace {

namespace fs = std::filesystem;

class Gallery : public ::testing::Test {
 protected:
  void SetUp() override {
    run_ = fs::path(::testing::TempDir()) / fmt::format("gallery-{}", ::getpid());
    fs::create_directories(run_);
  }
  void TearDown() override { fs::remove_all(run_); }

  void add_samples(std::int64_t step, const std::vector<SampleRecord>& clips) {
    const fs::path folder = run_ / "samples" / fmt::format("step-{:08}", step);
    fs::create_directories(folder);
    write_sample_set(folder, {.step = step, .checkpoint{}, .settings = "25 steps", .clips = clips});
  }
  std::string page(const GalleryHeader& header = {.title = "run", .model{}, .scores{}}) {
    write_gallery(run_, header);
    return read_file(run_ / "index.html");
  }
  fs::path run_;
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST_F(Gallery, SaysWhatIsStillToComeInANewRun) {
  const std::string html = page({.title = "fresh", .model = "1.7 M parameters", .scores{}});
  for (const char* text : {"fresh", "1.7 M parameters", "No clips yet", "No steps yet"}) {
    EXPECT_EQ(count(html, text), text == std::string("fresh") ? 2U : 1U) << text;
  }
  EXPECT_EQ(count(html, "<video"), 0U);
}

TEST_F(Gallery, ShowsPromptsByStepsAndTheCurves) {
  std::ofstream(run_ / "metrics.jsonl")
      << "{\"step\":1,\"loss\":1.5,\"grad_norm\":2}\n{\"step\":300,\"loss\":0.5,\"grad_norm\":1}\n"
         "{\"step\":300,\"validation_loss\":0.625}\n";
  add_samples(200,
              {{.prompt = "a red circle", .seed = 1, .file = "0.mp4", .scores = {{"color", 0.0}}}});
  add_samples(
      400, {{.prompt = "a red circle", .seed = 1, .file = "0.mp4", .scores = {{"color", 1.0}}},
            {.prompt = "a blue square", .seed = 2, .file = "1.mp4", .scores = {{"color", 0.0}}}});
  const std::string html = page();
  // Two clips on the wall, and a row of two for the prompt that was rendered twice.
  EXPECT_EQ(count(html, "<video"), 4U);
  EXPECT_EQ(count(html, "autoplay loop muted playsinline"), 4U);
  EXPECT_EQ(count(html, "src=\"samples/step-00000200/0.mp4\""), 1U);
  EXPECT_EQ(count(html, "src=\"samples/step-00000400/0.mp4\""), 2U);
  EXPECT_EQ(count(html, "<th>Step 200"), 1U);
  EXPECT_EQ(count(html, "<tr><th scope=\"row\">"), 1U);
  EXPECT_EQ(count(html, "figure class=\"clip missed\""), 1U);
  EXPECT_NE(html.find("<b>50%</b><span>color right</span><small>2 clips</small>"),
            std::string::npos)
      << "of the newest step";
  EXPECT_EQ(count(html, "figure class=\"chart\""), 3U) << "loss, gradient norm, scores";
  EXPECT_NE(html.find("held out <b>0.625</b>"), std::string::npos);
  EXPECT_NE(html.find("step <b>400</b>"), std::string::npos);
}

TEST_F(Gallery, TakesTheScoresItIsGiven) {
  add_samples(200,
              {{.prompt = "a red circle", .seed = 1, .file = "0.mp4", .scores = {{"color", 0.0}}}});
  const std::string html = page({.title = "r", .model{}, .scores = {{"gravity", 0.875}}});
  EXPECT_NE(html.find("<b>87.5%</b><span>gravity right"), std::string::npos);
  EXPECT_EQ(html.find("color right"), std::string::npos);
}

TEST_F(Gallery, NeedsNoNetworkAndNothingOutsideTheRun) {
  add_samples(200, {{.prompt = "a red circle", .seed = 1, .file = "0.mp4", .scores = {}}});
  const std::string html = page();
  for (const char* part : {"http:", "https:", "//cdn", "@import", "url(", "src=\"/", "file:"}) {
    EXPECT_EQ(html.find(part), std::string::npos) << part;
  }
}

TEST_F(Gallery, EscapesEveryTextOfOthers) {
  const std::string evil = "</script><script>alert(\"1\")</script>&\xFF";
  add_samples(200,
              {{.prompt = evil, .seed = 1, .file = "a\"onerror=\".mp4", .scores = {{evil, 0.5}}}});
  add_samples(400, {{.prompt = evil, .seed = 1, .file = "0.mp4", .scores = {{evil, 0.5}}}});
  const std::string html = page({.title = evil, .model = evil, .scores{}});
  EXPECT_EQ(html.find("<script>alert"), std::string::npos);
  EXPECT_EQ(html.find("\"onerror"), std::string::npos);
  EXPECT_EQ(html.find('\xFF'), std::string::npos);
  EXPECT_EQ(count(html, "<script>"), 1U);
  EXPECT_EQ(count(html, "</script>"), 1U);
}

TEST_F(Gallery, IsTheSameForTheSameRun) {
  add_samples(200,
              {{.prompt = "a red circle", .seed = 1, .file = "0.mp4", .scores = {{"color", 1.0}}}});
  EXPECT_EQ(page(), page());
}

TEST_F(Gallery, SaysHowManyClipsAreBehindAScoreAndWhatChanceGives) {
  add_samples(200, {{.prompt = "a red circle", .file = "0.mp4", .scores = {{"color", 1.0}}},
                    {.prompt = "a blue circle", .file = "1.mp4", .scores = {{"color", 1.0}}},
                    {.prompt = "a kite", .file = "2.mp4", .scores = {}}});
  const std::string html = page({.title = "r", .model{}, .scores{}, .chance = {{"color", 0.125}}});
  EXPECT_NE(html.find("color right</span><small>2 clips &middot; by chance 12.5%</small>"),
            std::string::npos);
}

TEST_F(Gallery, PutsTheRealClipBesideTheMadeOneAndMarksCaptionsOfTheCorpus) {
  add_samples(200, {{.prompt = "a kite",
                     .seed = 5,
                     .file = "0.mp4",
                     .scores = {},
                     .source = "held out",
                     .real = "real-0.mp4"}});
  const std::string html = page();
  EXPECT_LT(html.find("samples/step-00000200/0.mp4"),
            html.find("samples/step-00000200/real-0.mp4"));
  EXPECT_EQ(count(html, "held out caption"), 1U);
  EXPECT_EQ(count(html, "seed 5</small>"), 1U);
}

TEST_F(Gallery, SaysHowTheRunWasMade) {
  std::ofstream(run_ / "metrics.jsonl")
      << "{\"step\":1,\"loss\":1,\"learning_rate\":0.1,\"tokens\":1000,\"seconds\":0.5}\n"
         "{\"step\":2,\"loss\":1,\"learning_rate\":0.2,\"tokens\":1000,\"seconds\":0.5}\n";
  std::ofstream(run_ / "environment.json")
      << R"({"started": "2026-08-01T12:30:00Z", "command_line": ["muybridge", "train", "<x>"],
             "layout": {"data": 1, "tensor": 2}, "machine": {"cpu": "EPYC", "cores": 4}})";
  const std::string html = page({.title = "r",
                                 .model{},
                                 .scores{},
                                 .loss_by_noise = {0.5, 0.25, 0.125},
                                 .settings = {{"model.depth", "6", "4"}, {"threads", "0", "0"}}});
  for (const char* text : {"2026-08-01 12:30:00 UTC", "EPYC, 4 cores", "2,000 tokens a second",
                           "1s in 2 steps", "muybridge train &lt;x&gt;", "Loss by noise",
                           "Learning rate", "Speed", "1 settings that differ", "all 2 settings"})
    EXPECT_NE(html.find(text), std::string::npos) << text;
  EXPECT_EQ(count(html, "<code>model.depth</code>"), 2U);
  EXPECT_EQ(count(html, "<code>threads</code>"), 1U);
}

// Clips of one caption are told apart by their number.
TEST_F(Gallery, ShowsReconstructionsBesideTheClipsThatTheyWereMadeFrom) {
  std::ofstream(run_ / "metrics.jsonl") << "{\"step\":100,\"loss\":1.5,\"validation_psnr\":20}\n"
                                           "{\"step\":200,\"loss\":0.5,\"validation_psnr\":30}\n";
  for (const std::int64_t step : {100, 200}) {
    std::vector<SampleRecord> clips;
    for (const std::uint64_t number : {17, 18})
      clips.push_back({.prompt = "a square",
                       .seed = number,
                       .file = fmt::format("clip-{}.mp4", number),
                       .scores{},
                       .quality = {{"psnr", 31.2}, {"ssim", 0.9}},
                       .real = fmt::format("real-{}.mp4", number)});
    add_samples(step, clips);
  }
  const std::string html =
      page({.title = "run", .model{}, .scores{}, .quality = {{"psnr", 31.2}, {"ssim", 0.9}}});
  EXPECT_EQ(count(html, "PSNR 31.2 dB, SSIM 0.900</small>"), 2U);
  EXPECT_EQ(count(html, "<b>PSNR 31.2 dB</b>"), 1U);
  EXPECT_EQ(count(html, "<tr><th scope=\"row\">"), 2U);
  for (const char* text : {"the real one that it was made from", "The same clips as training",
                           "<small>clip 17</small>", "of held-out clips, dB"})
    EXPECT_EQ(count(html, text), 1U) << text;
  EXPECT_EQ(count(html, "seed"), 0U);
}

TEST_F(Gallery, ShowsEachSeedOfAPromptStepByStep) {
  for (const int step : {200, 400})
    add_samples(step, {{.prompt = "a kite", .seed = 1, .file = "0.mp4", .scores = {}},
                       {.prompt = "a kite", .seed = 2, .file = "1.mp4", .scores = {}}});
  const std::string html = page();
  EXPECT_EQ(count(html, "<tr><th scope=\"row\">a kite"), 2U);
  EXPECT_EQ(count(html, "src=\"samples/step-00000200/1.mp4\""), 1U);
}

}  // namespace
}  // namespace muybridge
