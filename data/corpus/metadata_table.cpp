#include "data/corpus/metadata_table.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/system/file.h"
#include "data/corpus/column_names.h"
#include "data/corpus/csv.h"
#include "data/corpus/json_list.h"
#include "data/corpus/media_files.h"
#include "data/corpus/text_encoding.h"

namespace muybridge {
namespace {

using nlohmann::json;
using IsFile = std::function<bool(const std::string&)>;

struct Source {
  std::string name;  // of the file, for the places of rows
  std::string text;
  const CaptionRules& rules;
};

bool is_list_header(const std::vector<std::string>& columns) {
  return std::any_of(columns.begin(), columns.end(), [](const std::string& name) {
    return role_of_column(name).use != ColumnRole::Use::kOther;
  });
}

// Which fields a row may lack or have too many of: only those without a name or a value.
std::string wrong_length(const CsvRow& row, const std::vector<std::string>& columns) {
  const std::size_t fields = row.fields.size();
  const auto is_empty = [](const std::string& text) { return text.empty(); };
  const bool fits =
      fields > columns.size()
          ? std::all_of(row.fields.begin() + static_cast<std::ptrdiff_t>(columns.size()),
                        row.fields.end(), is_empty)
          : std::all_of(columns.begin() + static_cast<std::ptrdiff_t>(fields), columns.end(),
                        is_empty);
  if (fits) return {};
  return fmt::format("{} fields, but the header has {}{}", fields, columns.size(),
                     fields > columns.size() ? "; a field with a separator must be quoted" : "");
}

bool visit_csv_row(const CsvRow& row, const std::vector<std::string>& columns, const Source& source,
                   const EntryVisitor& visit) {
  const std::string where = fmt::format("{}:{}", source.name, row.line);
  const std::string problem = row.problem.empty() ? wrong_length(row, columns) : row.problem;
  if (!problem.empty()) {
    ListEntry entry;
    entry.where = where;
    entry.problem = {remark::kRowUnreadable, problem};
    return visit(std::move(entry));
  }
  json object = json::object();
  for (std::size_t i = 0; i < std::min(columns.size(), row.fields.size()); ++i) {
    object.emplace(columns[i], row.fields[i]);
  }
  return visit_entry(object, where, source.rules, visit);
}

// The names of the two columns of a list whose first row is no header; nothing if it is one.
std::optional<std::vector<std::string>> columns_without_header(const CsvRow& first,
                                                               const IsFile& is_file) {
  if (first.fields.size() != 2) return std::nullopt;
  if (is_file(first.fields[0])) return std::vector<std::string>{"path", "caption"};
  if (is_file(first.fields[1])) return std::vector<std::string>{"caption", "path"};
  return std::nullopt;
}

// A CSV with captions whose column of paths has a name of its own: the first column that names a
// file in one of the first rows is called "path".
void find_path_column(const Source& source, const IsFile& is_file, TableFacts& facts) {
  const auto has = [&](ColumnRole::Use use) {
    return std::any_of(facts.columns.begin(), facts.columns.end(),
                       [&](const auto& name) { return role_of_column(name).use == use; });
  };
  if (has(ColumnRole::Use::kPath) || !has(ColumnRole::Use::kCaption)) return;
  constexpr int kRows = 100;
  CsvReader reader(source.text);
  CsvRow row;
  reader.next(row);
  for (int i = 0; i < kRows && reader.next(row); ++i) {
    for (std::size_t k = 0; k < std::min(row.fields.size(), facts.columns.size()); ++k) {
      if (role_of_column(facts.columns[k]).use != ColumnRole::Use::kOther) continue;
      if (!is_file(row.fields[k])) continue;
      facts.path_column = std::exchange(facts.columns[k], "path");
      return;
    }
  }
}

void read_csv(const Source& source, const IsFile& is_file, const EntryVisitor& visit,
              TableFacts& facts) {
  CsvReader reader(source.text);
  CsvRow row;
  if (!reader.next(row)) {
    facts.problem = "it is empty";
    return;
  }
  if (!row.problem.empty()) {
    facts.problem = fmt::format("its header, line {}, cannot be read: {}", row.line, row.problem);
    return;
  }
  facts.columns = row.fields;
  if (!is_list_header(row.fields)) {
    if (auto columns = columns_without_header(row, is_file)) {
      facts.columns = std::move(*columns);
      facts.without_header = true;
      if (!visit_csv_row(row, facts.columns, source, visit)) return;
    } else if (std::any_of(row.fields.begin(), row.fields.end(), is_file)) {
      facts.problem =
          "its first line names a file, so that it lacks a header line such as "
          "\"path,caption\"";
      return;
    }
  }
  find_path_column(source, is_file, facts);
  while (reader.next(row)) {
    if (!visit_csv_row(row, facts.columns, source, visit)) return;
  }
}

// Adds the keys of a row to the columns; after some rows hardly any new ones come.
class ColumnCollector {
 public:
  explicit ColumnCollector(std::vector<std::string>& columns) : columns_(columns) {}

  void add(const json& row) {
    constexpr int kRows = 100;
    if (!row.is_object() || ++rows_ > kRows) return;
    for (const auto& [key, value] : row.items()) {
      if (std::find(columns_.begin(), columns_.end(), key) == columns_.end()) {
        columns_.push_back(key);
      }
    }
    for (const auto& window : row.value("t2w_windows", json::array())) add_window(window);
  }

 private:
  // Captions may be in the windows of a row only.
  void add_window(const json& window) {
    if (!window.is_object()) return;
    const bool caption = std::any_of(columns_.begin(), columns_.end(), [](const auto& name) {
      return role_of_column(name).use == ColumnRole::Use::kCaption;
    });
    if (!caption) columns_.emplace_back("caption");
  }

  std::vector<std::string>& columns_;
  int rows_ = 0;
};

void read_jsonl(const Source& source, const EntryVisitor& visit, TableFacts& facts) {
  ColumnCollector collector(facts.columns);
  const std::string_view text = source.text;
  int line = 1;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view record = text.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t first = record.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || record[first] == '#' ||
        record.substr(first).starts_with("//")) {
      continue;
    }
    const json row = parse_row(record);
    collector.add(row);
    std::string where = fmt::format("{}:{}", source.name, line);
    if (row.is_discarded()) {
      where += damage_of_row(record, static_cast<std::size_t>(record.data() - text.data()));
    }
    if (!visit_entry(row, std::move(where), source.rules, visit)) return;
  }
  if (line == 1) facts.problem = "it is empty";
}

void read_json(const Source& source, const EntryVisitor& visit, TableFacts& facts) {
  ColumnCollector collector(facts.columns);
  visit_json_rows(source.text, source.name, [&](const json& row, std::string where) {
    collector.add(row);
    return visit_entry(row, std::move(where), source.rules, visit);
  });
}

// A ".json" that is in truth one object a line.
bool is_json_lines(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with("{")) return false;
  const std::size_t next = text.find_first_not_of(" \t\r\n", end);
  return next != std::string_view::npos && text[next] == '{' &&
         parse_row(text.substr(0, end)).is_object();
}

}  // namespace

bool is_table_name(const std::filesystem::path& name) {
  const std::string ending = lower_ending(name);
  return ending == ".csv" || ending == ".tsv" || ending == ".json" || ending == ".jsonl" ||
         ending == ".ndjson";
}

TableFacts read_caption_table(const std::filesystem::path& path, const CaptionRules& rules,
                              const IsFile& is_file, const EntryVisitor& visit) {
  TableFacts facts;
  DecodedText decoded = decode_text(read_file(path));
  if (!decoded.problem.empty()) {
    facts.problem = decoded.problem;
    return facts;
  }
  const Source source{path.filename().string(), std::move(decoded.text), rules};
  const std::string ending = lower_ending(path);
  if (ending == ".csv" || ending == ".tsv") {
    read_csv(source, is_file, visit, facts);
    return facts;
  }
  if (ending != ".json" || is_json_lines(source.text)) {
    read_jsonl(source, visit, facts);
    return facts;
  }
  try {
    read_json(source, visit, facts);
  } catch (const Error& error) {
    if (error.code() != ExitCode::kCorrupt) throw;
    facts.problem = error.what();
  }
  return facts;
}

}  // namespace muybridge
