#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "core/system/file.h"
#include "data/shards/corpus_index.h"
#include "tests/train/scratch_folder.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/checkpoint/checkpoint_reader.h"

extern char** environ;

// Whole runs of the real program, with mpirun, MP4 files, commits and kills.
namespace muybridge::testing {

// A job in a process group of its own, so that a kill reaches mpirun and all its ranks.
class Job {
 public:
  Job(const std::string& command, const std::filesystem::path& log) : log_(log) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const std::string shell_command = "exec " + command;
    const char* const arguments[] = {"sh", "-c", shell_command.c_str(), nullptr};
    EXPECT_EQ(
        posix_spawn(&pid_, "/bin/sh", &files, &attributes, const_cast<char**>(arguments), environ),
        0);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  ~Job() {
    if (pid_ > 0) ::kill(-pid_, SIGKILL);
  }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  pid_t pid() const { return pid_; }
  // The exit code, 128 + the signal that ended it.
  int wait() {
    until([this] { return !running(); }, "it does not end");
    if (running()) ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  bool running() const {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == 0;
  }
  std::vector<pid_t> children() const {
    std::ifstream list(fmt::format("/proc/{}/task/{}/children", pid_, pid_));
    std::vector<pid_t> pids;
    for (pid_t child; list >> child;) pids.push_back(child);
    return pids;
  }
  // Until the file has so many lines, or the job is over.
  void wait_for_lines(const std::filesystem::path& file, std::size_t lines) const {
    until([&] { return !running() || count_lines(file) >= lines; },
          fmt::format("{} does not come to {} lines", file.filename().string(), lines));
  }
  // Until the file or folder is there, or the job is over.
  void wait_for(const std::filesystem::path& path) const {
    until([&] { return !running() || std::filesystem::exists(path); },
          fmt::format("{} does not come to be", path.filename().string()));
  }
  // Until its log has the text, or the job is over.
  void wait_for_log(const std::string& text) const {
    until([&] { return !running() || read_file(log_).find(text) != std::string::npos; },
          "the log does not come to say '" + text + "'");
  }

 private:
  // A job that hangs fails the test with its log, before the test's own time is over.
  template <class Done>
  void until(const Done& done, const std::string& otherwise) const {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    while (!done()) {
      if (std::chrono::steady_clock::now() > limit) {
        ADD_FAILURE() << otherwise << "; its log:\n" << read_file(log_);
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  static std::size_t count_lines(const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::size_t lines = 0;
    for (std::string line; std::getline(stream, line);) ++lines;
    return lines;
  }

  std::filesystem::path log_;
  pid_t pid_ = -1;
};

// A corpus of small clips and a configuration that trains a tiny model on it in no time.
class TrainingRun : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    ::setenv("OMP_NUM_THREADS", "1", 1);
    make_corpus(scratch_ / "corpus", 26, 16);
    std::ofstream(scratch_ / "tiny.yaml") << fmt::format(R"(run: {{name: tiny}}
data: {{train: {}, prefetch: 2}}
model: {{width: 24, depth: 2, heads: 2, mlp_width: 48, text_width: 16, text_depth: 1, text_heads: 2}}
batch: {{tokens: 128, micro_batches: 4}}
optimizer: {{learning_rate: 3e-3, warmup_steps: 5}}
train: {{steps: 12, seed: 3, checkpoint_every: 3}}
eval: {{prompts: [a red circle moving left], samples: 1, steps: 2, frames: 8, size: 16x16, validation_clips: 4}}
)",
                                                         (scratch_ / "corpus").string());
    std::ofstream(scratch_ / "autoencoder.yaml") << fmt::format(R"(run: {{name: tiny}}
data: {{train: {}, prefetch: 2}}
model: {{kind: autoencoder}}
autoencoder: {{latent_channels: 2, width: 4, multiples: [1, 2], frame_halvings: 1, blocks: 1}}
batch: {{tokens: 900, micro_batches: 4}}
optimizer: {{learning_rate: 3e-3, warmup_steps: 5}}
train: {{steps: 12, seed: 3, checkpoint_every: 3}}
eval: {{samples: 1, validation_clips: 4}}
)",
                                                                (scratch_ / "corpus").string());
  }

  // A bright square on a ground of the clip's own shade goes right; four clips are held out, and
  // may have a shade of theirs.
  static void make_corpus(const std::filesystem::path& folder, int clips, int size,
                          int held_out_ground = -1) {
    std::filesystem::create_directories(folder);
    ShardWriter writer(folder, 0, "{}");
    for (int i = 0; i < clips + 4; ++i) {
      ClipRecord record;
      record.caption = fmt::format("a square on ground {}", i % 5);
      record.source = fmt::format("clip-{}.mp4", i);
      record.split = i < clips ? "train" : "validation";
      record.frames = 8;
      record.height = record.width = size;
      const int ground = i >= clips && held_out_ground >= 0 ? held_out_ground : 30 * (i % 5);
      std::vector<std::uint8_t> pixels(record.bytes(), static_cast<std::uint8_t>(ground));
      const auto side = static_cast<std::size_t>(size);
      for (std::size_t t = 0; t < 8; ++t)
        for (std::size_t y = side / 4; y < side / 2; ++y)
          for (std::size_t x = t; x < t + side / 4; ++x)
            for (std::size_t c = 0; c < 3; ++c) pixels[((t * side + y) * side + x) * 3 + c] = 250;
      writer.add(record, pixels.data());
    }
    writer.commit();
    CorpusIndex::build(folder);
  }

  // Open MPI unloads its parts before the address sanitizer looks for what they left.
  static std::string launcher(int ranks) {
    if (ranks == 1) return "";
    return fmt::format(
        "mpirun --oversubscribe -np {} env ASAN_OPTIONS=detect_leaks=0:halt_on_error=1 ", ranks);
  }
  std::string train(int ranks, const std::string& name, const std::string& overrides = "") const {
    return fmt::format("{}{} train {} run.folder={} {}", launcher(ranks), kBinary,
                       (scratch_ / "tiny.yaml").string(), run(name).string(), overrides);
  }
  std::string train_autoencoder(int ranks, const std::string& name,
                                const std::string& overrides = "") const {
    return fmt::format("{}{} train {} run.folder={} {}", launcher(ranks), kBinary,
                       (scratch_ / "autoencoder.yaml").string(), run(name).string(), overrides);
  }
  std::filesystem::path run(const std::string& name) const { return scratch_ / name; }
  // Runs the command; log() has then what it said.
  int run_to_end(const std::string& command) const {
    std::filesystem::remove(scratch_ / "log");
    return Job(command, scratch_ / "log").wait();
  }
  std::string log() const { return read_file(scratch_ / "log"); }
  bool log_has(const std::string& text) const { return log().find(text) != std::string::npos; }
  static int shell(const std::string& command) {
    const int status = std::system(("( " + command + " ) >/dev/null 2>&1 </dev/null").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::vector<nlohmann::json> metrics(const std::string& name) const {
    std::vector<nlohmann::json> lines;
    std::ifstream file(run(name) / "metrics.jsonl");
    for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
  std::vector<double> losses(const std::string& name) const {
    std::vector<double> values;
    for (const nlohmann::json& line : metrics(name)) values.push_back(line.at("loss"));
    return values;
  }
  // The step that the newest commit has; 0 where there is none.
  std::int64_t committed(const std::string& name) const {
    const std::vector<Commit> commits = list_commits(run(name) / "checkpoints");
    return commits.empty() ? 0 : commits.back().step;
  }
  // The step after which the last command went on, by its own word; 0 where it began anew.
  std::int64_t went_on_after() const {
    constexpr std::string_view kWord = "going on after step ";
    const std::string text = log();
    const std::size_t at = text.rfind(kWord);
    return at == std::string::npos ? 0 : std::atol(text.c_str() + at + kWord.size());
  }

  // What a run leaves, without what clocks say: metrics and the bytes of its weights and average.
  std::string result(const std::string& name) const {
    std::string text;
    for (const nlohmann::json& line : metrics(name))
      text += fmt::format("{} {} {} {}\n", line.at("step").dump(), line.at("loss").dump(),
                          line.at("grad_norm").dump(),
                          line.value("validation_loss", nlohmann::json()).dump());
    return text + weights(name);
  }
  // The bytes of the state that the newest commit keeps; empty where there is none.
  std::string weights(const std::string& name) const {
    const std::vector<Commit> commits = list_commits(run(name) / "checkpoints");
    std::string text;
    if (commits.empty()) return text;
    const CheckpointReader reader(commits.back().path);
    for (const ManifestParameter& parameter : reader.manifest().parameters)
      for (const StateKind kind : kStateKinds) {
        const Tensor values = Tensor::empty(parameter.shape);
        reader.read(kind, parameter.name, values);
        text += hash_bytes(values.raw(), values.bytes()) + "\n";
      }
    return text;
  }

  inline static const std::string kBinary = MUYBRIDGE_BINARY;
  ScratchFolder scratch_;
};

}  // namespace muybridge::testing
