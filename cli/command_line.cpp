#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <utility>

namespace muybridge {
namespace {

// Refuses numbers that do not hold, and what is no number; "must be above 0, not -3".
template <class Holds>
CLI::Validator number(Holds holds, const std::string& which) {
  return {[holds, which](const std::string& text) {
            double value = 0;
            if (CLI::detail::lexical_cast(text, value) && holds(value)) return std::string();
            return fmt::format("must be a number {}, not {}", which, text);
          },
          which};
}

}  // namespace

Option Option::required() const { return Option(option_->required()); }

Option Option::show_default() const { return Option(option_->capture_default_str()); }

Option Option::above(double limit) const {
  return Option(option_->check(
      number([limit](double value) { return value > limit; }, fmt::format("above {:g}", limit))));
}

Option Option::at_least(double limit) const {
  return Option(option_->check(number([limit](double value) { return value >= limit; },
                                      fmt::format("at least {:g}", limit))));
}

template <class T>
Option Option::between(T lowest, T highest) const {
  return Option(
      option_->check(number([=](double value) { return value >= lowest && value <= highest; },
                            fmt::format("from {} to {}", lowest, highest))));
}
template Option Option::between(int, int) const;
template Option Option::between(double, double) const;

Option Option::one_of(const std::vector<std::string>& words) const {
  return Option(option_->check(CLI::IsMember(words)));
}

Option Option::existing_folder() const { return Option(option_->check(CLI::ExistingDirectory)); }

Option Option::excludes(Option other) const { return Option(option_->excludes(other.option_)); }

bool Option::given() const { return option_->count() > 0; }

Command Command::add_command(const std::string& name, const std::string& help) const {
  return Command(app_->add_subcommand(name, help));
}

Option Option::one_at_a_time() const {
  option_->expected(1)->take_all()->allow_extra_args(false);
  return *this;
}

void Command::needs_command() const { app_->require_subcommand(1); }

void Command::hide() const { app_->group(""); }

template <class T>
Option Command::add_option(const std::string& name, T& value, const std::string& help) const {
  return Option(app_->add_option(name, value, help));
}
template Option Command::add_option(const std::string&, std::string&, const std::string&) const;
template Option Command::add_option(const std::string&, std::filesystem::path&,
                                    const std::string&) const;
template Option Command::add_option(const std::string&, std::vector<std::string>&,
                                    const std::string&) const;
template Option Command::add_option(const std::string&, int&, const std::string&) const;
template Option Command::add_option(const std::string&, std::int64_t&, const std::string&) const;
template Option Command::add_option(const std::string&, std::uint64_t&, const std::string&) const;
template Option Command::add_option(const std::string&, double&, const std::string&) const;

Option Command::add_flag(const std::string& name, bool& value, const std::string& help) const {
  return Option(app_->add_flag(name, value, help));
}

void Command::footer(const std::string& text) const { app_->footer(text); }

void Command::run(std::function<void()> job) const { app_->callback(std::move(job)); }

}  // namespace muybridge
