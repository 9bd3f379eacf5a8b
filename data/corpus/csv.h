#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace muybridge {

struct CsvRow {
  int line = 0;  // where the row begins, from 1
  std::vector<std::string> fields;
  std::string problem;  // not empty: broken quoting; the fields are of no use
};

// Reads rows as RFC 4180 has them and as programs write them: separated by commas, semicolons, tabs
// or bars, whichever the first row has most of (or a first line "sep=;" names); lines end with LF,
// CRLF or CR; a field may be quoted, a quote in it is doubled; a quote inside a field that is not
// quoted stands for itself. Rows without any text are passed over. A row whose quotes do not match
// has a problem, and reading goes on at the next line. The text must outlive the reader.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text);

  bool next(CsvRow& row);  // false at the end

  char separator() const { return separator_; }

 private:
  void find_separator();
  bool read_record(CsvRow& row);
  bool read_quoted(std::string& field);
  void read_plain(std::string& field);
  bool at_end() const { return at_ >= text_.size(); }
  bool at_line_end() const;
  void pass_line_end();

  std::string_view text_;
  char separator_ = ',';
  char line_end_ = '\n';
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace muybridge
