#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.h"
#include "model/safetensors.h"

namespace muybridge {
namespace {

// Accepts the header's grammar and nothing else, so that depth and memory stay bounded whatever
// the text is. Where it stands is `state_`; a member returns false to stop the parser.
class HeaderGrammar : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader header;
  std::string reason;

  bool start_object(std::size_t) override {
    if (state_ == State::kStart) return enter(State::kTop);
    if (state_ == State::kEntry) {
      header.entries.emplace_back().name = name_;
      seen_.clear();
      return enter(State::kFields);
    }
    if (state_ == State::kMetadata) return enter(State::kPairs);
    return unexpected("an object");
  }

  bool end_object() override {
    if (state_ == State::kFields && seen_.size() != 3)
      return stop(fmt::format("tensor '{}' lacks dtype, shape or data_offsets", name_));
    return enter(state_ == State::kTop ? State::kEnd : State::kTop);
  }

  bool key(std::string& key) override {
    if (state_ == State::kTop) {
      if (!names_.insert(key).second) return stop(fmt::format("'{}' stands there twice", key));
      name_ = key;
      return enter(key == "__metadata__" ? State::kMetadata : State::kEntry);
    }
    if (state_ == State::kPairs) {
      if (header.metadata.contains(key))
        return stop(fmt::format("'{}' stands twice in __metadata__", key));
      name_ = key;
      return enter(State::kValue);
    }
    if (!seen_.insert(key).second)
      return stop(fmt::format("'{}' stands twice in tensor '{}'", key, name_));
    if (key == "dtype") return enter(State::kDtype);
    if (key == "shape") return enter(State::kShape);
    if (key == "data_offsets") return enter(State::kOffsets);
    return stop(fmt::format("unknown key '{}' in tensor '{}'", key, name_));
  }

  bool string(std::string& value) override {
    if (state_ == State::kDtype) {
      header.entries.back().dtype = value;
      return enter(State::kFields);
    }
    if (state_ == State::kValue) {
      header.metadata[name_] = value;
      return enter(State::kPairs);
    }
    return unexpected("a string");
  }

  bool start_array(std::size_t) override {
    numbers_.clear();
    if (state_ == State::kShape) return enter(State::kShapeNumbers);
    if (state_ == State::kOffsets) return enter(State::kOffsetNumbers);
    return unexpected("an array");
  }

  bool end_array() override {
    SafetensorsEntry& entry = header.entries.back();
    if (state_ == State::kShapeNumbers) {
      entry.shape.assign(numbers_.begin(), numbers_.end());
      return enter(State::kFields);
    }
    if (numbers_.size() != 2)
      return stop(fmt::format("data_offsets of tensor '{}' are not two numbers", name_));
    entry.begin = numbers_[0];
    entry.end = numbers_[1];
    return enter(State::kFields);
  }

  bool number_unsigned(std::uint64_t value) override {
    if (state_ != State::kShapeNumbers && state_ != State::kOffsetNumbers)
      return unexpected("a number");
    if (value > std::uint64_t{std::numeric_limits<std::int64_t>::max()} || numbers_.size() >= 64)
      return stop(fmt::format("the numbers of tensor '{}' are too large or too many", name_));
    numbers_.push_back(value);
    return true;
  }

  bool number_integer(std::int64_t) override { return unexpected("a negative number"); }
  bool number_float(double, const std::string&) override { return unexpected("a fraction"); }
  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool binary(nlohmann::json::binary_t&) override { return unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return stop(fmt::format("no valid JSON at byte {}", position));
  }

 private:
  enum class State {
    kStart,
    kTop,
    kEntry,
    kFields,
    kDtype,
    kShape,
    kShapeNumbers,
    kOffsets,
    kOffsetNumbers,
    kMetadata,
    kPairs,
    kValue,
    kEnd
  };

  bool enter(State state) {
    state_ = state;
    return true;
  }
  bool stop(std::string why) {
    if (reason.empty()) reason = std::move(why);
    return false;
  }
  bool unexpected(const char* what) {
    return stop(fmt::format("{} where there can be none, at '{}'", what, name_));
  }

  State state_ = State::kStart;
  std::string name_;
  std::set<std::string> names_;
  std::set<std::string> seen_;
  std::vector<std::uint64_t> numbers_;
};

// Bytes of a tensor; nullopt on overflow.
std::optional<std::uint64_t> bytes_of(const SafetensorsEntry& entry, std::uint64_t element) {
  std::uint64_t bytes = element;
  for (const std::int64_t extent : entry.shape)
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes))
      return std::nullopt;
  return bytes;
}

// Why the entry cannot be right; empty when it can.
std::string defect(const SafetensorsEntry& entry, std::uint64_t expected_begin,
                   std::uint64_t data_bytes) {
  const std::size_t element = safetensors_element_bytes(entry.dtype);
  if (element == 0) return fmt::format("has the unknown dtype '{}'", entry.dtype);
  const std::optional<std::uint64_t> bytes = bytes_of(entry, element);
  if (!bytes) return "has a shape whose product overflows";
  if (entry.begin > entry.end || entry.end > data_bytes)
    return fmt::format("lies at bytes {} to {} of {}", entry.begin, entry.end, data_bytes);
  if (entry.end - entry.begin != *bytes)
    return fmt::format("has {} bytes, its shape wants {}", entry.end - entry.begin, *bytes);
  if (entry.begin % element != 0)
    return fmt::format("begins at byte {}, not a multiple of its element's {}", entry.begin,
                       element);
  if (entry.begin < expected_begin) return "overlaps the tensor before it";
  if (entry.begin > expected_begin) return "leaves a hole before it";
  return {};
}

}  // namespace

std::size_t safetensors_element_bytes(std::string_view dtype) {
  static const std::map<std::string_view, std::size_t> bytes = {
      {"F64", 8},  {"I64", 8},     {"U64", 8},     {"F32", 4}, {"I32", 4},
      {"U32", 4},  {"BF16", 2},    {"F16", 2},     {"I16", 2}, {"U16", 2},
      {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"I8", 1},  {"U8", 1}};
  const auto found = bytes.find(dtype);
  return found == bytes.end() ? 0 : found->second;
}

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes,
                                           const std::string& where) {
  if (json.empty() || json.front() != '{')
    fail(ExitCode::kCorrupt, "{}: no safetensors file: the header does not begin with '{{'", where);
  HeaderGrammar grammar;
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &grammar))
    fail(ExitCode::kCorrupt, "{}: damaged safetensors header: {}", where, grammar.reason);
  SafetensorsHeader header = std::move(grammar.header);
  // Ties in `begin` are tensors without elements; those come first.
  std::sort(header.entries.begin(), header.entries.end(),
            [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
              return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
            });
  std::uint64_t end = 0;
  for (const SafetensorsEntry& entry : header.entries) {
    const std::string why = defect(entry, end, data_bytes);
    if (!why.empty()) fail(ExitCode::kCorrupt, "{}: tensor '{}' {}", where, entry.name, why);
    end = entry.end;
  }
  if (end != data_bytes)
    fail(ExitCode::kCorrupt, "{}: {} bytes of data, the header accounts for {}", where, data_bytes,
         end);
  return header;
}

}  // namespace muybridge
