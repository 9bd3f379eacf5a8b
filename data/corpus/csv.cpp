#include "data/corpus/csv.h"

#include <algorithm>
#include <array>

namespace muybridge {
namespace {

bool is_blank(const CsvRow& row) {
  return std::all_of(row.fields.begin(), row.fields.end(), [](const std::string& field) {
    return field.find_first_not_of(" \t\r") == std::string::npos;
  });
}

}  // namespace

CsvReader::CsvReader(std::string_view text) : text_(text) {
  if (text.find('\n') == std::string_view::npos) line_end_ = '\r';
  constexpr std::string_view kNamed = "sep=";
  if (text.starts_with(kNamed) && text.size() > kNamed.size()) {
    separator_ = text[kNamed.size()];
    at_ = kNamed.size() + 1;
    if (at_line_end()) {
      pass_line_end();
      return;
    }
    separator_ = ',';
    at_ = 0;
  }
  find_separator();
}

void CsvReader::find_separator() {
  constexpr std::array<char, 4> kSeparators = {',', ';', '\t', '|'};
  std::array<int, 4> counts{};
  bool quoted = false;
  for (const char letter : text_) {
    if (letter == '"') quoted = !quoted;
    if (quoted) continue;
    if (letter == line_end_ &&
        std::any_of(counts.begin(), counts.end(), [](int n) { return n > 0; }))
      break;
    const auto* const found = std::find(kSeparators.begin(), kSeparators.end(), letter);
    if (found != kSeparators.end()) ++counts[static_cast<std::size_t>(found - kSeparators.begin())];
  }
  const auto* const most = std::max_element(counts.begin(), counts.end());
  separator_ = kSeparators[static_cast<std::size_t>(most - counts.begin())];
}

bool CsvReader::next(CsvRow& row) {
  while (!at_end()) {
    const std::size_t start = at_;
    const int line = line_;
    row.line = line;
    row.fields.clear();
    row.problem.clear();
    if (!read_record(row)) {
      at_ = std::min(text_.find(line_end_, start), text_.size() - 1) + 1;
      line_ = line + 1;
      return true;
    }
    if (!is_blank(row)) return true;
  }
  return false;
}

bool CsvReader::read_record(CsvRow& row) {
  for (;;) {
    std::string& field = row.fields.emplace_back();
    std::size_t begin = at_;
    while (begin < text_.size() && text_[begin] == ' ') ++begin;
    if (begin < text_.size() && text_[begin] == '"') {
      at_ = begin;
      if (!read_quoted(field)) {
        row.problem = "a quoted field that never ends";
        return false;
      }
      while (!at_end() && text_[at_] == ' ') ++at_;
      if (!at_end() && !at_line_end() && text_[at_] != separator_) {
        row.problem = "text after a closing quote; a quote in a quoted field is doubled";
        return false;
      }
    } else {
      read_plain(field);
    }
    if (at_end()) return true;
    if (at_line_end()) {
      pass_line_end();
      return true;
    }
    ++at_;  // the separator
    if (at_end()) {
      row.fields.emplace_back();
      return true;
    }
  }
}

bool CsvReader::read_quoted(std::string& field) {
  for (++at_; !at_end(); ++at_) {
    const char letter = text_[at_];
    if (letter == '"') {
      ++at_;
      if (at_end() || text_[at_] != '"') return true;
    }
    if (letter == line_end_) ++line_;
    field += letter;
  }
  return false;
}

void CsvReader::read_plain(std::string& field) {
  const std::size_t begin = at_;
  while (!at_end() && text_[at_] != separator_ && !at_line_end()) ++at_;
  field = text_.substr(begin, at_ - begin);
}

bool CsvReader::at_line_end() const {
  if (text_[at_] == line_end_) return true;
  return text_[at_] == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n');
}

void CsvReader::pass_line_end() {
  if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
  ++at_;
  ++line_;
}

}  // namespace muybridge
