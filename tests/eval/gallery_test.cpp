#include "eval/gallery.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "core/file.h"
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
  add_samples(200, {{"a red circle", 1, "0.mp4", {{"color", 0.0}}}});
  add_samples(400, {{"a red circle", 1, "0.mp4", {{"color", 1.0}}},
                    {"a blue square", 2, "1.mp4", {{"color", 0.0}}}});
  const std::string html = page();
  // Two clips on the wall, and a row of two for the prompt that was rendered twice.
  EXPECT_EQ(count(html, "<video"), 4U);
  EXPECT_EQ(count(html, "autoplay loop muted playsinline"), 4U);
  EXPECT_EQ(count(html, "src=\"samples/step-00000200/0.mp4\""), 1U);
  EXPECT_EQ(count(html, "src=\"samples/step-00000400/0.mp4\""), 2U);
  EXPECT_EQ(count(html, "<th>Step 200"), 1U);
  EXPECT_EQ(count(html, "<tr><th scope=\"row\">"), 1U);
  EXPECT_EQ(count(html, "figure class=\"missed\""), 1U);
  EXPECT_NE(html.find("<b>50%</b><span>color right"), std::string::npos) << "of the newest step";
  EXPECT_EQ(count(html, "figure class=\"chart\""), 3U) << "loss, gradient norm, scores";
  EXPECT_NE(html.find("held out <b>0.625</b>"), std::string::npos);
  EXPECT_NE(html.find("step <b>400</b>"), std::string::npos);
}

TEST_F(Gallery, TakesTheScoresItIsGiven) {
  add_samples(200, {{"a red circle", 1, "0.mp4", {{"color", 0.0}}}});
  const std::string html = page({.title = "r", .model{}, .scores = {{"gravity", 0.875}}});
  EXPECT_NE(html.find("<b>87.5%</b><span>gravity right"), std::string::npos);
  EXPECT_EQ(html.find("color right"), std::string::npos);
}

TEST_F(Gallery, NeedsNoNetworkAndNothingOutsideTheRun) {
  add_samples(200, {{"a red circle", 1, "0.mp4", {}}});
  const std::string html = page();
  for (const char* part : {"http:", "https:", "//cdn", "@import", "url(", "src=\"/", "file:"}) {
    EXPECT_EQ(html.find(part), std::string::npos) << part;
  }
}

TEST_F(Gallery, EscapesEveryTextOfOthers) {
  const std::string evil = "</script><script>alert(\"1\")</script>&\xFF";
  add_samples(200, {{evil, 1, "a\"onerror=\".mp4", {{evil, 0.5}}}});
  add_samples(400, {{evil, 1, "0.mp4", {{evil, 0.5}}}});
  const std::string html = page({.title = evil, .model = evil, .scores{}});
  EXPECT_EQ(html.find("<script>alert"), std::string::npos);
  EXPECT_EQ(html.find("\"onerror"), std::string::npos);
  EXPECT_EQ(html.find('\xFF'), std::string::npos);
  EXPECT_EQ(count(html, "<script>"), 1U);
  EXPECT_EQ(count(html, "</script>"), 1U);
}

TEST_F(Gallery, IsTheSameForTheSameRun) {
  add_samples(200, {{"a red circle", 1, "0.mp4", {{"color", 1.0}}}});
  EXPECT_EQ(page(), page());
}

TEST_F(Gallery, ShowsAFolderOfSamplesWithoutARun) {
  write_sample_set(run_,
                   {.step = 7, .checkpoint{}, .settings{}, .clips = {{"", 1, "a b.mp4", {}}}});
  const std::string html = page();
  EXPECT_EQ(count(html, "src=\"a%20b.mp4\""), 1U);
  EXPECT_EQ(count(html, "<i>no prompt</i>"), 1U);
}

}  // namespace
}  // namespace muybridge
