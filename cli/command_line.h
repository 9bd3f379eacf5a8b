#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): as CLI11 has it
class App;
class Option;
}  // namespace CLI

namespace muybridge {

// The program's commands and their options. Only command_line.cpp and program.cpp see CLI11, whose
// headers take longer to compile than any command. All of these are handles into the Program.

class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option required() const;
  Option show_default() const;  // in the help, as the variable is now
  Option above(double limit) const;
  Option at_least(double limit) const;
  // int or double
  template <class T>
  Option between(T lowest, T highest) const;
  Option one_of(const std::vector<std::string>& words) const;
  Option existing_folder() const;
  Option excludes(Option other) const;
  Option one_at_a_time() const;  // of a list: one value behind each mention, none swallowed

  bool given() const;  // on the command line; once it has been read

 private:
  CLI::Option* option_;
};

class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  Command add_command(const std::string& name, const std::string& help) const;
  void needs_command() const;  // it is a name for those below it and does nothing itself
  void hide() const;           // from the help

  // T: std::string, std::vector<std::string>, int, std::int64_t, std::size_t or double. The
  // variables must live as long as the Program.
  template <class T>
  Option add_option(const std::string& name, T& value, const std::string& help) const;
  Option add_flag(const std::string& name, bool& value, const std::string& help) const;

  void footer(const std::string& text) const;  // below the options in the help
  void run(std::function<void()> job) const;

 private:
  CLI::App* app_;
};

class Program {
 public:
  Program(const std::string& name, const std::string& help);
  ~Program();

  Command root() const { return Command(app_.get()); }

  // Reads the command line, runs the command, and gives the exit code of the process: 0 also for
  // --help (which a bare "muybridge" or "muybridge checkpoint" means too) and --version; a mistake
  // in the command line, 2; an Error, its own; anything else, 70. Under mpirun all ranks make the
  // same mistake: rank 0 tells it, the others only if it does not.
  int run(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace muybridge
