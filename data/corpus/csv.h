#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace muybridge {

struct CsvRow {
  int line = 0;  // where the row begins, from 1
  std::vector<std::string> fields;
  std::string problem;  // not empty: the row has the wrong number of fields
};

struct CsvTable {
  std::vector<std::string> header;
  std::vector<CsvRow> rows;
};

// RFC 4180: the first record is the header, fields may be quoted, a quote in a quoted field is
// doubled, records end with LF or CRLF. A byte order mark and empty lines are skipped. A row with
// another number of fields than the header has a problem; broken quoting cannot be read past and
// throws Error(kCorrupt) with line and column.
CsvTable parse_csv(std::string_view text, const std::string& name);

}  // namespace muybridge
