#include "parallel/together.h"

#include <exception>
#include <filesystem>
#include <string_view>

#include "core/error.h"
#include "parallel/values.h"

namespace muybridge {
namespace {

// What became of the work on this rank.
struct Outcome {
  std::exception_ptr own;  // null if all went well
  ExitCode code = ExitCode::kDone;
  std::string text;  // the result, or the error's message
};

Outcome attempt(const std::function<std::string()>& work) {
  try {
    return {.own = nullptr, .text = work()};
  } catch (const Error& error) {
    return {std::current_exception(), error.code(), error.what()};
  } catch (const std::filesystem::filesystem_error& error) {
    return {std::make_exception_ptr(Error(ExitCode::kIo, error.what())), ExitCode::kIo,
            error.what()};
  } catch (const std::exception& error) {
    return {std::current_exception(), ExitCode::kInternal, error.what()};
  }
}

// A message is an exit code as one byte, and the text.
std::string message_of(const Outcome& outcome) {
  return static_cast<char>(outcome.code) + outcome.text;
}

[[noreturn]] void throw_message(const Group& group, int rank, const std::string& message) {
  const std::string text = message.substr(1);
  throw Error(static_cast<ExitCode>(message.front()),
              names_a_rank(text) ? text : fmt::format("rank {}: {}", group.job_rank(rank), text));
}

}  // namespace

bool names_a_rank(std::string_view text) {
  constexpr std::string_view kRank = "rank ";
  if (!text.starts_with(kRank)) return false;
  const std::size_t end = text.find_first_not_of("0123456789", kRank.size());
  return end != std::string_view::npos && end > kRank.size() && text[end] == ':';
}

std::vector<std::string> together(Group& group, const std::function<std::string()>& work) {
  const Outcome outcome = attempt(work);
  if (outcome.own && outcome.code == ExitCode::kRankLost) std::rethrow_exception(outcome.own);
  // The largest of -rank is that of the first rank that failed; -size stands for none.
  const int size = group.size();
  const double failed = -all_reduce_value(group, outcome.own ? -group.rank() : -size, Reduce::kMax);
  if (failed == size) return gather_text(group, outcome.text);
  const int first = static_cast<int>(failed);
  const std::string message = broadcast_text(group, message_of(outcome), first);
  if (outcome.own) std::rethrow_exception(outcome.own);
  throw_message(group, first, message);
}

void hand_in_hand(const Group& group, const std::function<void()>& work) {
  const Outcome outcome = attempt([&] {
    work();
    return std::string();
  });
  if (!outcome.own) return;
  if (group.size() == 1 || outcome.code == ExitCode::kPreempted ||
      outcome.code == ExitCode::kRankLost)
    std::rethrow_exception(outcome.own);
  fail(ExitCode::kRankLost, "{}; the others wait for this rank, so all end", outcome.text);
}

std::string rank_zero(Group& group, const std::function<std::string()>& work) {
  const Outcome outcome = group.rank() == 0 ? attempt(work) : Outcome{};
  const std::string message = broadcast_text(group, message_of(outcome), 0);
  if (outcome.own) std::rethrow_exception(outcome.own);
  if (static_cast<ExitCode>(message.front()) != ExitCode::kDone) throw_message(group, 0, message);
  return message.substr(1);
}

}  // namespace muybridge
