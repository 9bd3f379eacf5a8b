#include "parallel/values.h"

#include <algorithm>
#include <cstring>

namespace muybridge {
namespace {

void fill(const Tensor& bytes, const std::string& text) {
  if (!text.empty()) std::memcpy(bytes.raw(), text.data(), text.size());
}

}  // namespace

double all_reduce_value(Group& group, double value, Reduce how) {
  const Tensor x = Tensor::full({1}, value, DType::kF64);
  group.all_reduce(x, how).wait();
  return *x.data<double>();
}

std::string broadcast_text(Group& group, const std::string& text, int root) {
  const Tensor length =
      Tensor::of<std::int64_t>({1}, std::vector{static_cast<std::int64_t>(text.size())});
  group.broadcast(length, root).wait();
  const Tensor bytes = Tensor::empty({*length.data<std::int64_t>()}, DType::kU8);
  if (group.rank() == root) fill(bytes, text);
  group.broadcast(bytes, root).wait();
  return {static_cast<const char*>(bytes.raw()), bytes.bytes()};
}

std::vector<std::string> all_gather_text(Group& group, const std::string& text) {
  const Tensor length =
      Tensor::of<std::int64_t>({1}, std::vector{static_cast<std::int64_t>(text.size())});
  const Tensor lengths = Tensor::empty({group.size()}, DType::kI64);
  group.all_gather(length, lengths).wait();
  const auto longest =
      *std::max_element(lengths.data<std::int64_t>(), lengths.data<std::int64_t>() + group.size());
  const Tensor mine = Tensor::zeros({longest}, DType::kU8);
  fill(mine, text);
  const Tensor all = Tensor::empty({group.size(), longest}, DType::kU8);
  group.all_gather(mine, all).wait();
  std::vector<std::string> texts;
  texts.reserve(static_cast<std::size_t>(group.size()));
  for (int q = 0; q < group.size(); ++q)
    texts.emplace_back(static_cast<const char*>(all.raw()) + q * longest,
                       static_cast<std::size_t>(lengths.data<std::int64_t>()[q]));
  return texts;
}

}  // namespace muybridge
