#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "core/system/file.h"

namespace muybridge {
namespace {

const std::string kBinary = MUYBRIDGE_BINARY;
const std::string kConfigs = std::string(MUYBRIDGE_SOURCE_DIR) + "/configs/";

struct Result {
  int code = -1;
  std::string out;
  std::string err;
};

class CommandsTest : public testing::Test {
 protected:
  CommandsTest()
      : folder_(std::filesystem::temp_directory_path() /
                fmt::format("muybridge-commands-{}", ::getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~CommandsTest() override { std::filesystem::remove_all(folder_); }

  Result shell(const std::string& command) const {
    const std::string out = (folder_ / "out").string(), err = (folder_ / "err").string();
    const int status =
        std::system(fmt::format("( {} ) >{} 2>{} </dev/null", command, out, err).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(out), read_file(err)};
  }
  Result run(const std::string& arguments) const { return shell(kBinary + " " + arguments); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  std::filesystem::path folder_;
};

// The lines of a help between "Title:" and the next blank one, without their indentation.
std::vector<std::string> block(const std::string& help, const std::string& title) {
  std::istringstream lines(help);
  std::vector<std::string> found;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == title + ":")
      inside = true;
    else if (line.empty())
      inside = false;
    else if (inside)
      found.push_back(line);
  }
  return found;
}

// Names in a help's list of commands: they stand behind two spaces, their texts further right.
std::vector<std::string> subcommands(const std::string& help) {
  std::vector<std::string> names;
  for (const std::string& line : block(help, "Subcommands"))
    if (line.starts_with("  ") && line[2] != ' ')
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
  return names;
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

// The help of the program ("") and of every command below it ("config show").
using Helps = std::vector<std::pair<std::string, std::string>>;

class HelpTest : public CommandsTest {
 protected:
  Helps all_helps() const {
    Helps helps;
    collect("", helps);
    return helps;
  }

 private:
  void collect(const std::string& path, Helps& helps) const {
    const Result help = run(path + " --help");
    ASSERT_EQ(help.code, 0) << path << ": " << help.err;
    EXPECT_EQ(help.err, "") << path;
    helps.emplace_back(path, help.out);
    for (const std::string& name : subcommands(help.out))
      collect(path.empty() ? name : path + " " + name, helps);
  }
};

TEST_F(HelpTest, EveryCommandIsFound) {
  std::vector<std::string> paths;
  for (const auto& [path, help] : all_helps()) paths.push_back(path);
  for (const char* path : {"", "config", "config show", "config check", "doctor"})
    EXPECT_EQ(std::count(paths.begin(), paths.end(), path), 1) << path;
}

TEST_F(HelpTest, EveryOptionIsExplained) {
  for (const auto& [path, help] : all_helps())
    for (const char* title : {"Options", "Positionals", "Subcommands"}) {
      const std::vector<std::string> lines = block(help, title);
      for (std::size_t i = 0; i < lines.size(); ++i) {
        const bool on_same_line = std::regex_search(lines[i], std::regex(R"(^  \S.*\s{2,}\S)"));
        const bool on_next_line = i + 1 < lines.size() && lines[i + 1].starts_with("      ");
        const bool continues = lines[i].starts_with("      ");
        EXPECT_TRUE(on_same_line || on_next_line || continues) << path << ": " << lines[i];
      }
    }
}

TEST_F(HelpTest, ExamplesUseTheCommandAndOptionsThatExist) {
  for (const auto& [path, help] : all_helps()) {
    int commands = 0;
    for (const std::string& line : block(help, "Examples")) {
      const std::size_t start = line.find("muybridge ");
      if (start == std::string::npos) continue;  // says more about the line before
      ++commands;
      EXPECT_TRUE(line.substr(start).starts_with("muybridge " + path)) << path << ": " << line;
      if (!subcommands(help).empty()) continue;  // the options are those of a command below
      const std::regex option(R"((^|\s)(--[a-z][a-z-]*))");
      const std::string call = line.substr(start);
      for (std::sregex_iterator it(call.begin(), call.end(), option), end; it != end; ++it)
        EXPECT_TRUE(std::regex_search(help, std::regex((*it)[2].str() + R"((,| |\n))")))
            << path << " has no " << (*it)[2] << ": " << line;
    }
    EXPECT_GT(commands, 0) << "muybridge " << path << " --help has no Examples";
  }
}

TEST_F(CommandsTest, VersionIsPrinted) {
  const Result result = run("--version");
  EXPECT_EQ(result.code, 0);
  EXPECT_TRUE(std::regex_match(result.out, std::regex("muybridge \\d+\\.\\d+\\.\\d+\n")))
      << result.out;
}

TEST_F(CommandsTest, NamesOfCommandsAloneAskForTheirHelp) {
  for (const std::string group : {"", "checkpoint", "config", "corpus", "bench"}) {
    const Result bare = run(group);
    EXPECT_EQ(bare.code, 0) << group;
    EXPECT_EQ(bare.out, run(group + " --help").out);
    EXPECT_EQ(bare.err, "") << group;
    EXPECT_FALSE(subcommands(bare.out).empty()) << group;
  }
}

TEST_F(CommandsTest, MistakesOnTheCommandLineExitWith2AndSuggest) {
  const auto refused = [&](const std::string& arguments) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 2) << arguments;
    EXPECT_EQ(result.out, "") << arguments;
    EXPECT_NE(result.err.find("--help"), std::string::npos) << arguments << ": " << result.err;
    return result.err.substr(0, result.err.find('\n'));
  };
  EXPECT_EQ(refused("cofnig"),
            "muybridge: unknown command 'cofnig'; did you mean 'muybridge config'?");
  EXPECT_EQ(refused("config shwo x.yaml"),
            "muybridge config: unknown command 'shwo'; did you mean 'muybridge config show'?");
  EXPECT_EQ(refused("doctor --jsno"),
            "muybridge doctor: unknown option '--jsno'; did you mean --json?");
  EXPECT_EQ(refused("qqqqqq"), "muybridge: unknown command 'qqqqqq'");
  EXPECT_EQ(refused("config check"), "muybridge config check: FILE is required");
  EXPECT_EQ(refused("config show x.yaml --train.steps=4"),
            "muybridge config show: unknown option '--train.steps'; settings are written without "
            "dashes: train.steps=VALUE");
}

TEST_F(CommandsTest, ConfigCheckRefusesALayoutThatNoNumberOfRanksCouldHave) {
  const Result result = run("config check " + kConfigs + "shapes.yaml parallel.tensor=3");
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(result.err.substr(0, result.err.find('\n')),
            "override 'parallel.tensor=3': parallel.tensor: model.heads = 4, model.text_heads = 4, "
            "model.mlp_width = 512 cannot be shared by parallel.tensor = 3; 2 could");
}

TEST_F(CommandsTest, ConfigCheckPassesWhatIsInOrder) {
  const Result result = run("config check " + kConfigs + "shapes.yaml train.steps=5");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("runs/shapes"), std::string::npos);
}

TEST_F(CommandsTest, ConfigCheckBeginsEachLineWithThePlace) {
  const std::string file =
      write("x.yaml", "run: {name: x}\ndata:\n  train: y\n  thread: 1\ntrain: {steps: no}\n");
  const Result result = run("config check " + file);
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, file + ":4:3: data.thread: unknown key; did you mean data.threads?\n" +
                            file + ":5:16: train.steps: expected a whole number, got 'no'\n");
}

TEST_F(CommandsTest, ConfigShowPrintsAFileThatShowsTheSame) {
  const Result first = run("config show " + kConfigs + "physics.yaml model.depth=3");
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_NE(first.out.find("  depth: 3 "), std::string::npos);
  const Result second = run("config show " + write("shown.yaml", first.out));
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(second.out, first.out);
}

TEST_F(CommandsTest, ConfigReferenceIsTheDocument) {
  EXPECT_EQ(run("config reference").out,
            read_file(std::string(MUYBRIDGE_SOURCE_DIR) + "/docs/configuration.md"));
}

TEST_F(CommandsTest, DoctorSpeaksJson) {
  const Result result = run("doctor --json");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_GE(json.at("cores"), 1);
  EXPECT_GT(json.at("memory"), 0);
  EXPECT_TRUE(json.at("h264_encoders").is_array());
  EXPECT_TRUE(json.at("advice").is_array());
  for (const char* key : {"cpu", "simd", "mpi", "onednn", "libav", "hdf5"})
    EXPECT_NE(json.at(key), "") << key;
  EXPECT_EQ(run("doctor --folder /no/such/folder").code, 2);
  EXPECT_NE(run("doctor").out.find("Advice"), std::string::npos);
}

TEST_F(CommandsTest, BenchNeedsNoCorpus) {
  for (const char* job : {"step", "sample", "matmul"}) {
    const Result result =
        shell(fmt::format("cd {} && {} bench {} {}shapes.yaml --repeats 1 --json model.depth=1 "
                          "batch.tokens=64",
                          folder_.string(), kBinary, job, kConfigs));
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_NE(result.out.find("\"seconds_median\""), std::string::npos) << result.out;
  }
}

TEST_F(CommandsTest, TheHintOfAMadeCorpusIsTheNextCommand) {
  const std::string make = fmt::format(
      "cd {} && {} corpus make shapes corpora/some/ --clips 2 --validation 1 --frames 8",
      folder_.string(), kBinary);
  const Result made = shell(make);
  ASSERT_EQ(made.code, 0) << made.err;
  const std::size_t hint = made.out.find("next: muybridge ");
  ASSERT_NE(hint, std::string::npos) << made.out;
  const std::string next = made.out.substr(hint + std::string("next: muybridge ").size());
  EXPECT_EQ(next, "prepare corpora/some/ prepared/some --size 32x32\n");
  EXPECT_EQ(shell(fmt::format("cd {} && {} {}", folder_.string(), kBinary, next)).code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "prepared/some/index.json"));
}

TEST_F(CommandsTest, AnOutputThatCannotBeWrittenIsAnIoError) {
  EXPECT_EQ(shell(kBinary + " config show " + kConfigs + "shapes.yaml >/dev/full").code, 74);
}

TEST_F(CommandsTest, NothingIsColouredAwayFromATerminal) {
  const Result result = shell(kBinary + " config show " + kConfigs + "shapes.yaml >/dev/full");
  EXPECT_NE(result.err, "");
  EXPECT_EQ(result.err.find('\x1b'), std::string::npos);
}

TEST_F(CommandsTest, OnlyRankZeroHelps) {
  EXPECT_EQ(shell("OMPI_COMM_WORLD_RANK=1 " + kBinary + " --help").out, "");
  EXPECT_EQ(shell("OMPI_COMM_WORLD_RANK=1 " + kBinary + " --version").code, 0);
  EXPECT_NE(shell("OMPI_COMM_WORLD_RANK=0 " + kBinary + " --help").out, "");
}

TEST_F(CommandsTest, ARankThatErrsAloneSpeaksForItself) {
  const Result result = shell("OMPI_COMM_WORLD_RANK=1 " + kBinary + " cofnig");
  EXPECT_EQ(result.code, 2);
  EXPECT_TRUE(result.err.starts_with("rank 1: muybridge: unknown command")) << result.err;
}

TEST_F(CommandsTest, UnderMpirunAMistakeIsToldOnceAndTheJobExitsWith2) {
  const std::string mpirun =
      "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -np 3 ";
  const Result command = shell(mpirun + kBinary + " cofnig");
  EXPECT_EQ(command.code, 2);
  EXPECT_EQ(count(command.err, "unknown command"), 1) << command.err;
  const Result config =
      shell(mpirun + kBinary + " config check " + kConfigs + "shapes.yaml model.heads=0");
  EXPECT_EQ(config.code, 2);
  EXPECT_EQ(count(config.err, "model.heads"), 2)
      << "the override and the key, once: " << config.err;
}

}  // namespace
}  // namespace muybridge
