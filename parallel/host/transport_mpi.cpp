#include "parallel/host/transport_mpi.h"

#define OMPI_SKIP_MPICXX 1  // the C API alone
#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace muybridge {
namespace {

constexpr MPI_Aint kSharedBytes = 8 << 20;  // a rank, for some fifteen groups: see Window
constexpr MPI_Aint kPage = 4096;
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

// A message is one request or, where it is very long, several.
class MpiTransfer final : public Transfer {
 public:
  MpiTransfer(int peer, int pieces) : peer_(peer), left_(pieces) {}
  bool done() override {
    if (wrong_bytes_ >= 0)
      fail(ExitCode::kInternal,
           "rank {} of the job sent {} bytes where others were expected; the ranks did not call "
           "the same operation with the same size",
           peer_, wrong_bytes_);
    return left_ == 0;
  }
  void piece_over(bool right, int bytes) {
    --left_;
    if (!right) wrong_bytes_ = bytes;
  }

 private:
  int peer_;
  int left_;
  int wrong_bytes_ = -1;
};

// A request under way. What a failure leaves behind is kept for ever, transfers with it.
struct Piece {
  MpiTransfer* transfer;
  int incoming_bytes;  // -1 for what goes out
};

class MpiTransport final : public Transport {
 public:
  MpiTransport() {
    int provided = 0;
    CHECK_MPI(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided));
    if (provided < MPI_THREAD_SERIALIZED)
      fail(ExitCode::kInternal,
           "this MPI lets only one thread call it; install one that has MPI_THREAD_SERIALIZED");
    CHECK_MPI(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    CHECK_MPI(MPI_Comm_rank(MPI_COMM_WORLD, &rank_));
    CHECK_MPI(MPI_Comm_size(MPI_COMM_WORLD, &size_));
    int* tag = nullptr;
    int found = 0;
    CHECK_MPI(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &tag, &found));
    largest_tag_ = found ? *tag : 32767;  // what the standard promises
    find_neighbours();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int largest_tag() const override { return largest_tag_; }
  const Neighbours& neighbours() const override { return neighbours_; }

  std::unique_ptr<Transfer> post(const Message& message) override {
    const std::size_t pieces = (message.bytes + kLargestCount - 1) / kLargestCount;
    auto transfer = std::make_unique<MpiTransfer>(message.peer, static_cast<int>(pieces));
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
      pieces_.push_back({transfer.get(), message.outgoing ? -1 : count});
    }
    return transfer;
  }

  // MPI looks at requests first and moves the network on where none of them is over.
  void progress() override {
    if (!collect()) collect();
  }
  void close() override {
    if (window_ != MPI_WIN_NULL) CHECK_MPI(MPI_Win_free(&window_));
    CHECK_MPI(MPI_Finalize());
  }
  void abort(int code) override { MPI_Abort(MPI_COMM_WORLD, code); }

 private:
  // Whether a request was over.
  bool collect() {
    const std::size_t under_way = requests_.size();
    over_.resize(under_way);
    statuses_.resize(under_way);
    int count = 0;
    const int code = MPI_Testsome(static_cast<int>(under_way), requests_.data(), &count,
                                  over_.data(), statuses_.data());
    if (code == MPI_ERR_IN_STATUS)
      for (int i = 0; i < count; ++i) CHECK_MPI(statuses_[static_cast<std::size_t>(i)].MPI_ERROR);
    CHECK_MPI(code);
    if (count <= 0) return false;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const Piece& piece = pieces_[static_cast<std::size_t>(over_[i])];
      int bytes = piece.incoming_bytes;
      if (bytes >= 0) CHECK_MPI(MPI_Get_count(&statuses_[i], MPI_BYTE, &bytes));
      piece.transfer->piece_over(bytes == piece.incoming_bytes, bytes);
    }
    // Requests that are over have become null.
    std::size_t kept = 0;
    for (std::size_t i = 0; i < under_way; ++i)
      if (requests_[i] != MPI_REQUEST_NULL) {
        requests_[kept] = requests_[i];
        pieces_[kept++] = pieces_[i];
      }
    requests_.resize(kept);
    pieces_.resize(kept);
    return true;
  }

  // A machine is named by its first rank.
  void find_neighbours() {
    MPI_Comm machine = MPI_COMM_NULL;
    CHECK_MPI(
        MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &machine));
    CHECK_MPI(MPI_Comm_set_errhandler(machine, MPI_ERRORS_RETURN));
    int first = rank_;
    CHECK_MPI(MPI_Bcast(&first, 1, MPI_INT, 0, machine));
    neighbours_.machines.resize(static_cast<std::size_t>(size_));
    CHECK_MPI(
        MPI_Allgather(&first, 1, MPI_INT, neighbours_.machines.data(), 1, MPI_INT, MPI_COMM_WORLD));
    share_memory(machine);
  }

  // Where some machine has no memory to share (a small /dev/shm), messages do it all; so they do
  // when MUYBRIDGE_SHARED_MEMORY is "off" on any rank.
  void share_memory(MPI_Comm machine) {
    neighbours_.segments.resize(static_cast<std::size_t>(size_));
    const char* wish = std::getenv("MUYBRIDGE_SHARED_MEMORY");
    if (!true_on_all(!wish || wish != std::string_view("off"))) return;
    void* own = nullptr;
    const bool well = MPI_Win_allocate_shared(kSharedBytes + kPage, 1, MPI_INFO_NULL, machine, &own,
                                              &window_) == MPI_SUCCESS;
    if (well) std::memset(own, 0, kSharedBytes + kPage);
    if (!true_on_all(well)) return;
    int local = 0;
    for (std::size_t rank = 0; rank < neighbours_.segments.size(); ++rank) {
      if (neighbours_.machines[rank] != neighbours_.machines[static_cast<std::size_t>(rank_)])
        continue;
      MPI_Aint bytes = 0;
      int unit = 0;
      void* segment = nullptr;
      CHECK_MPI(MPI_Win_shared_query(window_, local++, &bytes, &unit, &segment));
      // To the next page: pages are the same for all who map them.
      auto space = static_cast<std::size_t>(bytes);
      neighbours_.segments[rank] =
          static_cast<std::byte*>(std::align(kPage, kSharedBytes, segment, space));
    }
    neighbours_.bytes = kSharedBytes;
  }

  static bool true_on_all(bool mine) {
    int all = mine ? 1 : 0;
    CHECK_MPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD));
    return all == 1;
  }

  int rank_ = 0;
  int size_ = 1;
  int largest_tag_ = 0;
  Neighbours neighbours_;
  MPI_Win window_ = MPI_WIN_NULL;
  // By request: MPI wants an array of them.
  std::vector<MPI_Request> requests_;
  std::vector<Piece> pieces_;
  std::vector<int> over_;
  std::vector<MPI_Status> statuses_;
};

}  // namespace

std::unique_ptr<Transport> make_mpi_transport() { return std::make_unique<MpiTransport>(); }

}  // namespace muybridge
