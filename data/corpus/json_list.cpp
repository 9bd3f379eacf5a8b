#include "data/corpus/json_list.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/error.h"
#include "core/text/utf8.h"
#include "data/corpus/column_names.h"

namespace muybridge {
namespace {

using nlohmann::json;

// Walks over JSON text, value by value, without building them.
class JsonCursor {
 public:
  JsonCursor(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  // The next letter that is neither space nor of a comment; zero at the end.
  char peek() {
    for (; at_ < text_.size(); ++at_) {
      const char letter = text_[at_];
      if (letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n') continue;
      if (!pass_comment()) return letter;
    }
    return '\0';
  }

  bool take(char letter) {
    if (peek() != letter) return false;
    ++at_;
    return true;
  }

  // Passes over a value and returns its text.
  std::string_view value() {
    const char first = peek();
    const std::size_t begin = at_;
    if (first == '"') {
      pass_string();
    } else if (first == '{' || first == '[') {
      pass_nested();
    } else {
      while (at_ < text_.size() &&
             std::string_view(",]}: \t\r\n/").find(text_[at_]) == std::string_view::npos) {
        ++at_;
      }
      if (at_ == begin) refuse(first == '\0' ? "it ends too early" : "a value is missing");
    }
    return text_.substr(begin, at_ - begin);
  }

  [[noreturn]] void refuse(const char* what) const {
    const std::string_view before = text_.substr(0, std::min(at_, text_.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    fail(ExitCode::kCorrupt, "{}:{}: not JSON: {} (byte {})", name_, line, what, before.size());
  }

 private:
  // At the slash that begins a comment: moves to its last letter.
  bool pass_comment() {
    const std::string_view rest = text_.substr(at_);
    const bool line = rest.starts_with("//");
    if (!line && !rest.starts_with("/*")) return false;
    const std::size_t end = rest.find(line ? "\n" : "*/", 2);
    at_ = end == std::string_view::npos ? text_.size() : at_ + end + (line ? 0 : 1);
    return true;
  }

  void pass_string() {
    const std::size_t begin = at_;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        ++at_;
        return;
      }
    }
    at_ = begin;
    refuse("a string that never ends");
  }

  void pass_nested() {
    const std::size_t begin = at_;
    int depth = 0;
    while (at_ < text_.size()) {
      const char letter = text_[at_];
      if (letter == '"') {
        pass_string();
        continue;
      }
      if (letter == '/' && pass_comment()) {
        ++at_;
        continue;
      }
      if (letter == '{' || letter == '[') ++depth;
      if (letter == '}' || letter == ']') --depth;
      ++at_;
      if (depth == 0) return;
    }
    at_ = begin;
    refuse("a bracket that is never closed");
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
};

struct Member {
  std::string key;
  std::string_view value;
};

// The members of an object, their values as text.
std::vector<Member> members_of(std::string_view text, const std::string& name) {
  JsonCursor cursor(text, name);
  std::vector<Member> members;
  cursor.take('{');
  while (!cursor.take('}')) {
    const json key = parse_row(cursor.value());
    if (!key.is_string()) cursor.refuse("a key is not a string in UTF-8");
    if (!cursor.take(':')) cursor.refuse("a colon is missing");
    members.push_back({key.get<std::string>(), cursor.value()});
    if (!cursor.take(',') && cursor.peek() != '}') cursor.refuse("a comma is missing");
  }
  return members;
}

// The rows of an array that is a part of a document. False if the visitor ended the reading.
bool visit_array(std::string_view text, std::string_view document, const std::string& name,
                 const JsonRowVisitor& visit) {
  JsonCursor cursor(text, name);
  cursor.take('[');
  for (std::size_t i = 0; !cursor.take(']'); ++i) {
    const std::string_view row = cursor.value();
    const json value = parse_row(row);
    std::string where = fmt::format("{}[{}]", name, i);
    if (value.is_discarded()) {
      where += damage_of_row(row, static_cast<std::size_t>(row.data() - document.data()));
    }
    if (!visit(value, std::move(where))) return false;
    if (!cursor.take(',') && cursor.peek() != ']') cursor.refuse("a comma is missing");
  }
  return true;
}

bool is_array_of_objects(std::string_view text) {
  const std::string name;
  JsonCursor cursor(text, name);
  return cursor.take('[') && cursor.peek() == '{';
}

bool has_path(const std::vector<Member>& members, const auto& fits) {
  return std::any_of(members.begin(), members.end(), [&](const Member& member) {
    return role_of_column(member.key).use == ColumnRole::Use::kPath && fits(member.value.front());
  });
}

// {"video": [...], "caption": [...]}: row i takes the i-th value of each, or that under the same
// key where the columns are objects.
void visit_columns(const std::vector<Member>& members, const std::string& name,
                   const JsonRowVisitor& visit) {
  std::vector<std::pair<std::string, json>> columns;
  const json* paths = nullptr;
  columns.reserve(members.size());
  for (const Member& member : members) {
    json column = parse_row(member.value);
    if (!column.is_structured()) continue;
    columns.emplace_back(member.key, std::move(column));
  }
  for (const auto& [key, column] : columns) {
    if (paths == nullptr && role_of_column(key).use == ColumnRole::Use::kPath) paths = &column;
  }
  if (paths == nullptr) return;
  std::size_t index = 0;
  for (auto item = paths->begin(); item != paths->end(); ++item, ++index) {
    json row = json::object();
    for (const auto& [key, column] : columns) {
      if (column.is_array() && paths->is_array() && column.size() == paths->size()) {
        row[key] = column[index];
      } else if (column.is_object() && paths->is_object() && column.contains(item.key())) {
        row[key] = column.at(item.key());
      }
    }
    const std::string place = paths->is_object() ? item.key() : std::to_string(index);
    if (!visit(row, fmt::format("{}[{}]", name, place))) return;
  }
}

constexpr int kDeepest = 4;

// The rows of the lists below an object, whatever their keys. True if there was a list.
bool visit_wrapped(const std::vector<Member>& members, std::string_view document,
                   const std::string& name, int depth, bool& going, const JsonRowVisitor& visit) {
  bool found = false;
  for (const Member& member : members) {
    if (!going) break;
    const std::string inner = fmt::format("{}[\"{}\"]", name, member.key);
    if (is_array_of_objects(member.value)) {
      found = true;
      going = visit_array(member.value, document, inner, visit);
    } else if (member.value.front() == '{' && depth < kDeepest &&
               member.key.find('.') == std::string::npos) {
      found |=
          visit_wrapped(members_of(member.value, inner), document, inner, depth + 1, going, visit);
    }
  }
  return found;
}

void visit_map(const std::vector<Member>& members, const std::string& name,
               const JsonRowVisitor& visit) {
  for (const Member& member : members) {
    json value = parse_row(member.value);
    json row = value.is_object() ? std::move(value) : json{{"caption", std::move(value)}};
    row["path"] = member.key;
    if (!visit(row, fmt::format("{}[\"{}\"]", name, member.key))) return;
  }
}

void visit_object(std::string_view object, std::string_view document, const std::string& name,
                  const JsonRowVisitor& visit) {
  const std::vector<Member> members = members_of(object, name);
  if (has_path(members, [](char first) { return first == '"'; })) {
    visit(parse_row(object), name);
  } else if (has_path(members, [](char first) { return first == '[' || first == '{'; })) {
    visit_columns(members, name, visit);
  } else {
    bool going = true;
    if (!visit_wrapped(members, document, name, 0, going, visit)) visit_map(members, name, visit);
  }
}

}  // namespace

std::string damage_of_row(std::string_view row, std::size_t byte) {
  const std::size_t invalid = find_invalid_utf8(row);
  return invalid == std::string_view::npos ? fmt::format(" (from byte {})", byte)
                                           : fmt::format(" (byte {})", byte + invalid);
}

json parse_row(std::string_view text) {
  constexpr bool kNoThrow = false;
  json value = json::parse(text, nullptr, kNoThrow, /*ignore_comments=*/true);
  if (!value.is_discarded()) return value;
  // What Python writes for a number that is none, outside of strings.
  std::string mended;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted && text[i] == '\\' && i + 1 < text.size()) mended += text[i++];
    const std::string_view rest = text.substr(i);
    std::size_t length = 0;
    for (const std::string_view word : {"NaN", "-Infinity", "Infinity"}) {
      if (!quoted && length == 0 && rest.starts_with(word)) length = word.size();
    }
    if (length == 0) {
      mended += text[i];
    } else {
      mended += "null";
      i += length - 1;
    }
  }
  return json::parse(mended, nullptr, kNoThrow, /*ignore_comments=*/true);
}

void visit_json_rows(std::string_view text, const std::string& name, const JsonRowVisitor& visit) {
  JsonCursor cursor(text, name);
  const char first = cursor.peek();
  if (first != '[' && first != '{') {
    cursor.refuse("neither a list of objects nor a map from paths to captions");
  }
  const std::string_view value = cursor.value();
  if (cursor.peek() != '\0') cursor.refuse("text after its end");
  if (first == '[') {
    visit_array(value, text, name, visit);
  } else {
    visit_object(value, text, name, visit);
  }
}

}  // namespace muybridge
