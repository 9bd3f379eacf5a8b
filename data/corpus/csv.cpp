#include "data/corpus/csv.h"

#include <cstddef>
#include <utility>

#include "core/error.h"

namespace muybridge {
namespace {

class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& name) : text_(text), name_(name) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.substr(0, kByteOrderMark.size()) == kByteOrderMark) at_ = line_start_ = 3;
  }

  bool at_end() const { return at_ >= text_.size(); }

  CsvRow record() {
    CsvRow row;
    row.line = line_;
    for (;;) {
      row.fields.push_back(field());
      if (at_end() || text_[at_] != ',') break;
      ++at_;
    }
    end_of_record();
    return row;
  }

 private:
  [[noreturn]] void refuse(std::size_t at, const char* what) const {
    fail(ExitCode::kCorrupt,
         "{}:{}:{}: {}; a field with a comma, quote or line break must be quoted", name_, line_,
         at - line_start_ + 1, what);
  }

  std::string field() {
    if (!at_end() && text_[at_] == '"') return quoted();
    const std::size_t begin = at_;
    while (!at_end() && text_[at_] != ',' && text_[at_] != '\n' && !at_crlf()) {
      if (text_[at_] == '"') refuse(at_, "a quote inside a field that is not quoted");
      if (text_[at_] == '\r') refuse(at_, "a carriage return that ends no line");
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string quoted() {
    const std::size_t opening = at_;
    const int opening_line = line_;
    const std::size_t opening_line_start = line_start_;
    std::string value;
    for (++at_; !at_end(); ++at_) {
      const char letter = text_[at_];
      if (letter == '"') {
        ++at_;
        if (at_end() || text_[at_] != '"') return value;
      }
      if (letter == '\n') next_line(at_ + 1);
      value += letter;
    }
    line_ = opening_line;
    line_start_ = opening_line_start;
    refuse(opening, "a quoted field that never ends");
  }

  void end_of_record() {
    if (at_end()) return;
    if (at_crlf()) ++at_;
    if (at_end()) return;
    if (text_[at_] != '\n') refuse(at_, "text after a closing quote");
    ++at_;
    next_line(at_);
  }

  bool at_crlf() const {
    return text_[at_] == '\r' && (at_ + 1 >= text_.size() || text_[at_ + 1] == '\n');
  }

  void next_line(std::size_t start) {
    ++line_;
    line_start_ = start;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

bool is_blank(const CsvRow& row) { return row.fields.size() == 1 && row.fields[0].empty(); }

}  // namespace

CsvTable parse_csv(std::string_view text, const std::string& name) {
  CsvTable table;
  CsvParser parser(text, name);
  while (!parser.at_end()) {
    CsvRow row = parser.record();
    if (is_blank(row)) continue;
    if (table.header.empty()) {
      table.header = std::move(row.fields);
      continue;
    }
    if (row.fields.size() != table.header.size()) {
      row.problem =
          fmt::format("{} fields, but the header has {}", row.fields.size(), table.header.size());
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace muybridge
