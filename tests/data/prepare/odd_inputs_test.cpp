// Files that nobody means to prepare, but that lie in folders all the same: each is said and costs
// only itself.
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "data/corpus/corpus_listing.h"
#include "data/prepare/source_queue.h"
#include "tests/data/prepare/prepare_fixture.h"

namespace muybridge {
namespace {

using ::testing::HasSubstr;

class OddInputs : public Prepare {
 protected:
  void SetUp() override {
    Prepare::SetUp();
    clip("good", 1);
  }

  // A file with a caption beside it.
  void odd(const std::string& name, const std::string& bytes) const {
    write("in/" + name, bytes);
    write("in/" + fs::path(name).replace_extension(".txt").string(), "odd");
  }
  void made(const std::string& name, const std::string& arguments) const {
    odd(name, "");
    ffmpeg(arguments, "in/" + name);
  }

  std::map<std::string, std::string> skipped() const { return remarks(report().at("skipped")); }

  std::set<std::string> sources() const {
    std::set<std::string> result;
    for (const ClipRecord& record : records()) result.insert(record.source);
    return result;
  }
};

constexpr const char* kTest = "-f lavfi -i testsrc=size=64x48:rate=16:duration=1.2";

TEST_F(OddInputs, VideosWithoutAPicture) {
  made("a.mkv", fmt::format("{} -frames:v 0 -c:v libx264", kTest));
  made("b.mp4", fmt::format("{} -frames:v 0 -c:v libx264", kTest));
  made("c.avi", fmt::format("{} -frames:v 0 -c:v mpeg4", kTest));
  run();
  EXPECT_EQ(sources(), std::set<std::string>{"good.mp4"});
  for (const char* name : {"a.mkv", "b.mp4", "c.avi"})
    EXPECT_THAT(skipped()[name], HasSubstr("cannot be used: ")) << name;
}

TEST_F(OddInputs, APartOfTheIndexIsSaidToBreakOff) {
  const std::string bytes = read_file(clip("whole", 2));
  const std::size_t moov = bytes.find("moov");
  ASSERT_NE(moov, std::string::npos);
  odd("torn.mp4", bytes.substr(0, moov + 60));
  run();
  EXPECT_THAT(skipped()["torn.mp4"], HasSubstr("the file breaks off"));
}

TEST_F(OddInputs, OfJoinedFilesTheRestIsSaid) {
  const std::string first = read_file(clip("first", 2));
  const std::string second = read_file(clip("second", 3));
  odd("both.mp4", first + second);
  run();
  EXPECT_TRUE(sources().contains("both.mp4"));
  EXPECT_THAT(remarks(report().at("notes"))["both.mp4"],
              HasSubstr(fmt::format("joined files, only the first is read: the second begins at "
                                    "byte {} of {}",
                                    first.size(), first.size() + second.size())));
}

TEST_F(OddInputs, SmallAndDeepPictures) {
  made("pixel.png", "-f lavfi -i \"color=red:size=8x8,crop=1:1,format=rgb24\" -frames:v 1");
  made("deep.png", fmt::format("{} -frames:v 1 -pix_fmt rgb48be", kTest));
  made("grey.png", fmt::format("{} -frames:v 1 -pix_fmt gray16be", kTest));
  options_.settings.size = {.resize = Resize::kCover, .width = 32, .height = 32};
  run();
  EXPECT_EQ(sources(), (std::set<std::string>{"deep.png", "good.mp4", "grey.png", "pixel.png"}));
}

TEST_F(OddInputs, AnAnimatedWebpIsRefusedWithAWord) {
  made("moving.webp", fmt::format("{} -c:v libwebp_anim", kTest));
  run();
  EXPECT_EQ(skipped()["moving.webp"],
            "cannot be used: an animated WebP cannot be read; save it as GIF, APNG or a video");
}

// Opening some of these waits until somebody writes.
TEST_F(OddInputs, PipesSocketsAndDevicesAreNotWaitedFor) {
  odd("pipe.mp4", "");
  fs::remove(options_.input / "pipe.mp4");
  for (const char* name : {"pipe.mp4", "pipe.tar", "metadata.csv", "words.txt"})
    ASSERT_EQ(::mkfifo((options_.input / name).c_str(), 0600), 0) << name;
  write("in/words.mp4", "x");
  fs::create_symlink("/dev/zero", options_.input / "zeros.mp4");
  write("in/zeros.txt", "x");
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const auto place = fs::path("/tmp") / fmt::format("odd-{}.mp4", ::getpid());
  place.string().copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  fs::rename(place, options_.input / "socket.mp4");
  ::close(socket);
  write("in/socket.txt", "x");
  run();
  EXPECT_EQ(sources(), std::set<std::string>{"good.mp4"});
  const auto why = skipped();
  EXPECT_EQ(why.at("pipe.mp4"), "cannot be used: not a regular file");
  EXPECT_EQ(why.at("zeros.mp4"), "cannot be used: not a regular file");
  EXPECT_THAT(why.at("pipe.tar"), HasSubstr("not a regular file"));
  EXPECT_THAT(why.at("metadata.csv"), HasSubstr("nor a regular file"));
  EXPECT_THAT(why.at("words.mp4"), HasSubstr("words.txt: not a regular file"));
  EXPECT_THAT(why.at("socket.mp4"), HasSubstr("cannot be used: "));

  for (const char* name : {"pipe.tar", "metadata.csv", "pipe.mp4"}) {
    try {
      list_corpus(options_.input / name, {});
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_THAT(error.what(), HasSubstr("a pipe, a socket or a device"));
    }
  }
}

TEST_F(OddInputs, LoopsOfLinksEnd) {
  fs::create_symlink("two.mp4", options_.input / "one.mp4");
  fs::create_symlink("one.mp4", options_.input / "two.mp4");
  write("in/one.txt", "x");
  write("in/two.txt", "x");
  fs::create_directory(options_.input / "deep");
  fs::create_directory_symlink("..", options_.input / "deep/up");
  run();
  EXPECT_EQ(sources(), std::set<std::string>{"good.mp4"});
  EXPECT_THAT(skipped()["one.mp4"], HasSubstr("Too many levels of symbolic links"));
  EXPECT_EQ(skipped().size(), 2U);
}

// Between the listing and its turn.
TEST_F(OddInputs, AFileThatVanishesCostsItself) {
  clip("later", 2);
  CorpusListing listing = list_corpus(options_.input, {});
  ASSERT_EQ(listing.clips.size(), 2U);
  fs::remove(options_.input / "later.mp4");
  const std::string settings;
  SourceQueue queue(listing.clips, settings, folder_);
  EXPECT_EQ(queue.next()->problem, "");
  EXPECT_EQ(queue.next()->problem, "No such file or directory");
  EXPECT_FALSE(queue.next().has_value());
}

TEST_F(OddInputs, ACutCaptionSaysThatItWasLonger) {
  clip("big", 2);
  write("in/big.txt", std::string(std::size_t{10} << 20, 'w'));
  run();
  EXPECT_THAT(remarks(report().at("notes"))["big.mp4"],
              HasSubstr("caption cut: more than 1048576 bytes to 2048"));
}

TEST_F(OddInputs, ZeroBytesInAListCostTheirRows) {
  clip("other", 2);
  clip("third", 3);
  write("in/list.csv",
        std::string("path,caption\ngood.mp4,a\0b\nother\0.mp4,c\nthird.mp4,d\n", 51));
  run();
  EXPECT_EQ(sources(), std::set<std::string>{"third.mp4"});
  EXPECT_THAT(skipped()["good.mp4"], HasSubstr("caption is not text: list.csv:2, byte 1 is zero"));
  EXPECT_THAT(skipped()[std::string("other\0.mp4", 10)], HasSubstr("its path has a zero byte"));
}

TEST_F(OddInputs, NamesCannotSteerATerminal) {
  for (const char* name : {"two\nlines", "\x1b[31mred", "c1\xc2\x9b"}) {
    fs::copy_file(options_.input / "good.mp4", options_.input / (std::string(name) + ".mp4"));
  }
  run();
  EXPECT_EQ(skipped()["two\nlines.mp4"], "no caption");
  std::vector<FileRemark> all;
  for (const auto& [name, reason] : skipped()) {
    all = {{name, reason, {}}};
    for (const std::string& line : summarise(all))
      EXPECT_THAT(line, ::testing::MatchesRegex(
                            R"((two\\x0alines|\\x1b\[31mred|c1\\x9b)\.mp4: no caption)"));
  }
}

// What macOS writes as e and an accent, others write as one letter.
TEST_F(OddInputs, TwoSpellingsOfALetterAreHintedAt) {
  clip("cafe\xCC\x81", 2);
  fs::rename(options_.input / "cafe\xCC\x81.txt", options_.input / "caf\xC3\xA9.txt");
  run();
  EXPECT_EQ(skipped()["cafe\xCC\x81.mp4"], "no caption");
  EXPECT_THAT(skipped()["caf\xC3\xA9.txt"], HasSubstr("two spellings in Unicode"));
}

}  // namespace
}  // namespace muybridge
