#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/corpus/metadata_entry.h"

namespace muybridge {

// .csv .tsv .json .jsonl .ndjson, by the ending of the name.
bool is_table_name(const std::filesystem::path& name);

// What a list turned out to be.
struct TableFacts {
  std::vector<std::string> columns;  // its header, or the keys of its first rows
  bool without_header = false;       // its first line names a file: two columns, path and caption
  std::string path_column;           // not empty: a column of another name that has the paths
  std::string problem;               // not empty: it cannot be read as a list, and why
};

// Reads a list of clips and visits its rows in order: CSV in any of the forms that csv.h knows,
// JSON lines, or JSON in any of the forms of json_list.h; UTF-8 or UTF-16 with a mark. `is_file`
// tells which column of a CSV has the paths, where that has captions but no known name for them, or
// two columns without a header. Rows that cannot be used have a problem. A document that is broken
// as a whole has one too; throws Error(kIo) if the file cannot be read.
TableFacts read_caption_table(const std::filesystem::path& path, const CaptionRules& rules,
                              const std::function<bool(const std::string&)>& is_file,
                              const EntryVisitor& visit);

}  // namespace muybridge
