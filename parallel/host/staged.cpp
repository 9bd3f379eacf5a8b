#include "parallel/host/staged.h"

#include <mutex>

namespace muybridge {
namespace {

class CopyBack final : public Completion {
 public:
  CopyBack(Work work, std::vector<std::pair<Tensor, Tensor>> copies)
      : work_(std::move(work)), copies_(std::move(copies)) {}

  void wait() override {
    work_.wait();
    const std::scoped_lock lock(mutex_);
    for (const auto& [from, to] : copies_) to.copy_from(from);
    copies_.clear();
  }
  bool done() const override { return work_.done(); }

 private:
  Work work_;
  std::mutex mutex_;
  std::vector<std::pair<Tensor, Tensor>> copies_;
};

}  // namespace

Tensor Staged::read(const Tensor& x) { return x.to(Device::kCpu); }

Tensor Staged::write(const Tensor& x) {
  if (x.device() == Device::kCpu) return x;
  Tensor here = Tensor::empty(x.shape(), x.dtype());
  back_.emplace_back(here, x);
  return here;
}

Tensor Staged::update(const Tensor& x) {
  if (x.device() == Device::kCpu) return x;
  Tensor here = x.to(Device::kCpu);
  back_.emplace_back(here, x);
  return here;
}

Work Staged::finish(Work work) const {
  if (back_.empty()) return work;
  return Work(std::make_shared<CopyBack>(std::move(work), back_));
}

}  // namespace muybridge
