#include "parallel/transport_mpi.h"

#define OMPI_SKIP_MPICXX 1  // the C API alone
#include <mpi.h>

#include <algorithm>
#include <vector>

#include "core/error.h"

namespace muybridge {
namespace {

constexpr std::size_t kLargestCount = std::size_t{1} << 30;  // MPI counts bytes in an int

void check(int code, const char* call, const char* file, int line) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "unknown error";
  int length = 0;
  int rank = -1;
  MPI_Error_string(code, text, &length);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  // A message longer than its receiver expects is the one error that ranks cause themselves.
  int error_class = MPI_ERR_OTHER;
  MPI_Error_class(code, &error_class);
  const char* advice = error_class == MPI_ERR_TRUNCATE
                           ? "; the ranks did not call the same operation with the same size"
                           : "";
  fail(ExitCode::kInternal, "rank {}: {} at {}:{}: {}{}", rank, call, file, line, text, advice);
}
#define CHECK_MPI(call) check((call), #call, __FILE__, __LINE__)

class MpiTransfer final : public Transfer {
 public:
  explicit MpiTransfer(const Message& message) : message_(message) {
    for (std::size_t begin = 0; begin < message.bytes; begin += kLargestCount) {
      const int count = static_cast<int>(std::min(kLargestCount, message.bytes - begin));
      MPI_Request request = MPI_REQUEST_NULL;
      if (message.outgoing)
        CHECK_MPI(MPI_Isend(message.data + begin, count, MPI_BYTE, message.peer, message.tag,
                            MPI_COMM_WORLD, &request));
      else
        CHECK_MPI(MPI_Irecv(message.data + begin, count, MPI_BYTE, message.peer, message.tag,
                            MPI_COMM_WORLD, &request));
      requests_.push_back(request);
    }
  }

  bool done() override {
    while (next_ < requests_.size()) {
      int over = 0;
      MPI_Status status;
      CHECK_MPI(MPI_Test(&requests_[next_], &over, &status));
      if (!over) return false;
      if (!message_.outgoing) require_whole(status);
      ++next_;
    }
    return true;
  }

 private:
  void require_whole(MPI_Status& status) const {
    int count = 0;
    CHECK_MPI(MPI_Get_count(&status, MPI_BYTE, &count));
    const std::size_t expected = std::min(kLargestCount, message_.bytes - next_ * kLargestCount);
    if (static_cast<std::size_t>(count) != expected)
      fail(ExitCode::kInternal,
           "rank {} of the job sent {} bytes where {} were expected; the ranks did not call the "
           "same operation with the same size",
           message_.peer, count, expected);
  }

  Message message_;
  std::vector<MPI_Request> requests_;
  std::size_t next_ = 0;  // the first that is not over
};

class MpiTransport final : public Transport {
 public:
  MpiTransport() {
    int provided = 0;
    CHECK_MPI(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided));
    if (provided < MPI_THREAD_FUNNELED)
      fail(ExitCode::kInternal, "this MPI was built without threads; install one that has them");
    CHECK_MPI(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    CHECK_MPI(MPI_Comm_rank(MPI_COMM_WORLD, &rank_));
    CHECK_MPI(MPI_Comm_size(MPI_COMM_WORLD, &size_));
    int* tag = nullptr;
    int found = 0;
    CHECK_MPI(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &tag, &found));
    largest_tag_ = found ? *tag : 32767;  // what the standard promises
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int largest_tag() const override { return largest_tag_; }
  std::unique_ptr<Transfer> post(const Message& message) override {
    return std::make_unique<MpiTransfer>(message);
  }
  void close() override { CHECK_MPI(MPI_Finalize()); }
  void abort(int code) override { MPI_Abort(MPI_COMM_WORLD, code); }

 private:
  int rank_ = 0;
  int size_ = 1;
  int largest_tag_ = 0;
};

}  // namespace

std::unique_ptr<Transport> make_mpi_transport() { return std::make_unique<MpiTransport>(); }

}  // namespace muybridge
