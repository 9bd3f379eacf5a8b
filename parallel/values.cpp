#include "parallel/values.h"

#include <algorithm>
#include <cstring>

namespace muybridge {
namespace {

void fill(const Tensor& bytes, const std::string& text) {
  if (!text.empty()) std::memcpy(bytes.raw(), text.data(), text.size());
}

std::string text_of(const Tensor& bytes, std::int64_t length) {
  return {static_cast<const char*>(bytes.raw()), static_cast<std::size_t>(length)};
}

std::vector<std::int64_t> all_lengths(Group& group, const std::string& text) {
  const Tensor mine =
      Tensor::of<std::int64_t>({1}, std::vector{static_cast<std::int64_t>(text.size())});
  const Tensor all = Tensor::empty({group.size()}, DType::kI64);
  group.all_gather(mine, all).wait();
  return all.to_vector<std::int64_t>();
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
  const std::vector<std::int64_t> lengths = all_lengths(group, text);
  const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  const Tensor mine = Tensor::zeros({longest}, DType::kU8);
  fill(mine, text);
  const Tensor all = Tensor::empty({group.size(), longest}, DType::kU8);
  group.all_gather(mine, all).wait();
  std::vector<std::string> texts;
  texts.reserve(lengths.size());
  for (std::size_t q = 0; q < lengths.size(); ++q)
    texts.push_back(text_of(all.rows(static_cast<std::int64_t>(q), 1), lengths[q]));
  return texts;
}

std::vector<std::string> gather_text(Group& group, const std::string& text, int root) {
  const std::vector<std::int64_t> lengths = all_lengths(group, text);
  if (group.rank() != root) {
    const Tensor mine = Tensor::empty({static_cast<std::int64_t>(text.size())}, DType::kU8);
    fill(mine, text);
    group.exchange({{root, mine}}, {}).wait();
    return {};
  }
  std::vector<Parcel> receives;
  for (int q = 0; q < group.size(); ++q)
    if (q != root)
      receives.push_back({q, Tensor::empty({lengths[static_cast<std::size_t>(q)]}, DType::kU8)});
  group.exchange({}, receives).wait();
  std::vector<std::string> texts(lengths.size());
  texts[static_cast<std::size_t>(root)] = text;
  for (const auto& [peer, bytes] : receives)
    texts[static_cast<std::size_t>(peer)] = text_of(bytes, bytes.numel());
  return texts;
}

}  // namespace muybridge
