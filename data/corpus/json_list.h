#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace muybridge {

// Gets the rows of a list one after another; false ends the reading. A row that is not JSON is a
// discarded value, and its `where` says from which byte.
using JsonRowVisitor = std::function<bool(const nlohmann::json& row, std::string where)>;

// Visits the rows of a JSON document of any of the forms that lists of clips have, one row in
// memory at a time:
//   [row, ...]
//   {"data": [row, ...], ...}            also deeper; the key may have any name
//   {"a.mp4": caption or row, ...}       a map from paths: the row gets the key as its "path"
//   {"video": [...], "caption": [...]}   columns, also {"0": ..., "1": ...} each
//   row                                  a single one, which has a path of its own
// Comments and NaN are passed over. `where` continues `name`: name[3], name["data"][3]. Throws
// Error(kCorrupt) with the line where the document is broken.
void visit_json_rows(std::string_view text, const std::string& name, const JsonRowVisitor& visit);

// A value, with NaN and infinities as null; discarded if it is no JSON.
nlohmann::json parse_row(std::string_view text);

// What is wrong with a row that is discarded and begins at a byte of its file, to follow its place.
std::string damage_of_row(std::string_view row, std::size_t byte);

}  // namespace muybridge
