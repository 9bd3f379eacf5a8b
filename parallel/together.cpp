#include "parallel/together.h"

#include <exception>
#include <filesystem>

#include "core/error.h"
#include "parallel/values.h"

namespace muybridge {
namespace {

// A reply is '+' and a result, or '-', an exit code as one byte, and a message.
constexpr char kWell = '+';
constexpr char kFailed = '-';

std::string failure(ExitCode code, const char* message) {
  return std::string{kFailed, static_cast<char>(code)} + message;
}

}  // namespace

std::vector<std::string> together(Group& group, const std::function<std::string()>& work) {
  std::exception_ptr own;
  std::string reply;
  try {
    reply = kWell + work();
  } catch (const Error& error) {
    own = std::current_exception();
    reply = failure(error.code(), error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    own = std::make_exception_ptr(Error(ExitCode::kIo, error.what()));
    reply = failure(ExitCode::kIo, error.what());
  } catch (const std::exception& error) {
    own = std::current_exception();
    reply = failure(ExitCode::kInternal, error.what());
  }
  std::vector<std::string> replies = all_gather_text(group, reply);
  if (own) std::rethrow_exception(own);
  for (std::size_t rank = 0; rank < replies.size(); ++rank)
    if (replies[rank].front() == kFailed)
      throw Error(static_cast<ExitCode>(replies[rank][1]),
                  fmt::format("rank {}: {}", rank, replies[rank].substr(2)));
  for (std::string& text : replies) text.erase(0, 1);
  return replies;
}

std::string rank_zero(Group& group, const std::function<std::string()>& work) {
  return together(group, [&] { return group.rank() == 0 ? work() : std::string(); }).front();
}

}  // namespace muybridge
