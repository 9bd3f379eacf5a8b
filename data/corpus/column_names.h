#pragma once

#include <string>
#include <string_view>
#include <vector>

// The names that public trainers give to the same few things in their lists (docs/corpora.md).
namespace muybridge {

// What a column or a key is for. Of several of one role in a row, the one with the lowest rank that
// is not empty counts.
struct ColumnRole {
  enum class Use { kOther, kPath, kCaption };
  Use use = Use::kOther;
  int rank = 0;
};

// Whatever the case of the name, and with spaces or hyphens for underscores.
ColumnRole role_of_column(std::string_view name);

// "path, video, file_name, ..." as advice.
std::string known_path_columns();
std::string known_caption_columns();

// What is missing of a list with these columns and what the nearest known name is: "the columns are
// Foo, Bar; none names a path (path, video, ...); is "Foo" meant as "file"?". Empty if the list has
// both a path and a caption.
std::string explain_columns(const std::vector<std::string>& columns);

}  // namespace muybridge
