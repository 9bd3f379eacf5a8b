#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "cli/command_line.h"
#include "core/error.h"
#include "core/log.h"
#include "core/text/spelling.h"
#include "parallel/together.h"

namespace muybridge {
namespace {

constexpr std::size_t kHelpColumn = 40;  // where the texts of options begin

// Known before MPI starts, from what the launchers of Open MPI, Slurm and PMI leave.
int rank_from_environment() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"})
    if (const char* rank = std::getenv(name)) return std::atoi(rank);
  return 0;
}

// Rank 0 makes the same mistake and its end ends this rank too; one that is still here after the
// wait is the only one to have it, and must speak.
void let_rank_zero_speak_first() {
  if (rank_from_environment() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1500));
}

std::string rank_prefix() {
  const int rank = rank_from_environment();
  return rank > 0 ? fmt::format("rank {}: ", rank) : "";
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() ? full_name(*app.get_parent()) + " " + app.get_name() : app.get_name();
}

std::vector<const CLI::App*> commands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

const CLI::App* find_command(const CLI::App& app, const std::string& name) {
  for (const CLI::App* each : commands(app))
    if (each->get_name() == name) return each;
  return nullptr;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* each : commands(app)) names.push_back(each->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

// The command that the arguments reach, and the first word that is none of its own.
struct Reached {
  const CLI::App* command;
  std::string stranger;  // an unknown command or option; empty: none found
};

Reached walk(const CLI::App& program, int argc, char** argv) {
  Reached reached{&program, ""};
  for (int i = 1; i < argc && reached.stranger.empty(); ++i) {
    const std::string word = argv[i];
    if (word == "--") break;
    if (word.starts_with("--")) {
      const std::string name = word.substr(0, word.find('='));
      if (reached.command->get_option_no_throw(name) == nullptr) reached.stranger = name;
    } else if (const CLI::App* next = find_command(*reached.command, word)) {
      reached.command = next;
    } else if (!word.starts_with("-") && !commands(*reached.command).empty()) {
      reached.stranger = word;
    }
  }
  return reached;
}

// Names of commands and nothing behind them, as in "muybridge" or "muybridge checkpoint".
bool asks_what_there_is(const CLI::App& program, int argc, char** argv) {
  const CLI::App* command = &program;
  for (int i = 1; i < argc && command != nullptr; ++i) command = find_command(*command, argv[i]);
  return command != nullptr && !commands(*command).empty();
}

std::string explain(const CLI::App& program, int argc, char** argv, const std::string& what) {
  const auto [command, stranger] = walk(program, argc, argv);
  const std::string name = full_name(*command);
  std::string message = what;
  if (stranger.starts_with("--") && stranger.find('.') != std::string::npos) {
    message = fmt::format("unknown option '{}'; settings are written without dashes: {}=VALUE",
                          stranger, stranger.substr(2));
  } else if (stranger.starts_with("--")) {
    const std::string meant = nearest(stranger, option_names(*command));
    message = fmt::format("unknown option '{}'{}", stranger,
                          meant.empty() ? "" : "; did you mean " + meant + "?");
  } else if (!stranger.empty()) {
    const std::string meant = nearest(stranger, command_names(*command));
    message = fmt::format("unknown command '{}'{}", stranger,
                          meant.empty() ? "" : "; did you mean '" + name + " " + meant + "'?");
  }
  return fmt::format("{}: {}\nRun '{} --help' for what it takes.", name, message, name);
}

void print(const std::string& message) {
  fmt::print(stderr, "{}{}\n", rank_prefix(), message);
  std::fflush(stderr);
}

int code_of(ExitCode code) { return static_cast<int>(code); }

}  // namespace

Program::Program(const std::string& name, const std::string& help)
    : app_(std::make_unique<CLI::App>(help, name)) {}

Program::~Program() = default;

int Program::run(int argc, char** argv) {
  CLI::App& program = *app_;
  program.require_subcommand(1);
  program.get_formatter()->column_width(kHelpColumn);
  program.set_version_flag("--version", "muybridge " MUYBRIDGE_VERSION);
  try {
    std::vector<std::string> words(argv + 1, argv + argc);
    if (asks_what_there_is(program, argc, argv)) words.emplace_back("--help");
    std::ranges::reverse(words);  // as CLI11 takes them
    program.parse(std::move(words));
    if (std::fflush(stdout) != 0) fail_errno("write(standard output)", errno);
    return code_of(ExitCode::kDone);
  } catch (const CLI::Success& success) {  // --help, --version
    return rank_from_environment() == 0 ? program.exit(success) : code_of(ExitCode::kDone);
  } catch (const CLI::ParseError& error) {
    let_rank_zero_speak_first();
    print(explain(program, argc, argv, error.what()));
    return code_of(ExitCode::kUsage);
  } catch (const Error& error) {
    if (error.code() == ExitCode::kUsage) {
      let_rank_zero_speak_first();
      print(error.what());
    } else if (error.code() == ExitCode::kPreempted) {
      log_info("{}", error.what());  // as it was asked to, and nothing is lost
    } else {
      if (names_a_rank(error.what())) let_rank_zero_speak_first();
      log_error("{}", error.what());
    }
    return code_of(error.code());
  } catch (const std::system_error& error) {
    log_error("{}", error.what());
    return code_of(ExitCode::kIo);
  } catch (const std::exception& error) {
    log_error("{}; this is a bug of muybridge, please report it with the command line",
              error.what());
    return code_of(ExitCode::kInternal);
  }
}

}  // namespace muybridge
