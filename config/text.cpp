#include "config/text.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "core/text/utf8.h"

namespace muybridge {
namespace {

constexpr std::size_t kMostLevels = 16;
constexpr std::size_t kMostValues = 20'000;

using Kind = ConfigNode::Kind;

// Where reading cannot go on. Carries a mistake to the one place that reports it.
struct SyntaxStop {
  ConfigPlace place;
  std::string reason;
};

// Builds the tree from the parser's events: yaml-cpp's own nodes lose duplicate keys, expand
// aliases, and know no place for what is missing.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const std::string> source, ConfigMistakes& mistakes)
      : source_(std::move(source)), mistakes_(mistakes) {
    root_.place = {source_, 1, 1};
  }

  ConfigNode take() { return std::move(root_); }
  // Where the innermost list or section begins that has not ended.
  ConfigPlace open_place() const {
    return levels_.empty() ? root_.place : levels_.back().node.place;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      stop(mark, "the document ended before this; a configuration is one, without '---' between");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    ConfigNode node;
    node.place = place(mark);
    if (!levels_.empty() && levels_.back().node.kind == Kind::kSection) {
      if (!levels_.back().has_key) stop(mark, "a key is missing before ':'");
      node.place = levels_.back().key_place;
    }
    value(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark, 1); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (!levels_.empty() && levels_.back().node.kind == Kind::kSection && !levels_.back().has_key) {
      levels_.back().key = text;
      levels_.back().key_place = place(mark);
      levels_.back().has_key = true;
      return;
    }
    ConfigNode node;
    node.kind = Kind::kScalar;
    node.place = place(mark);
    node.scalar = text;
    node.quoted = tag == "!";
    value(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Kind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Kind::kSection);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    ConfigNode node;
    std::set<std::string> keys;
    std::string key;  // of the value that comes next, where has_key
    ConfigPlace key_place;
    bool has_key = false;
  };

  ConfigPlace place(const YAML::Mark& mark) const {
    return {source_, std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1};
  }

  [[noreturn]] void stop(const YAML::Mark& mark, std::string reason) const {
    throw SyntaxStop{place(mark), std::move(reason)};
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != 0)
      stop(mark,
           "anchors (&name) and aliases (*name) are not read; write the value again, or put "
           "what files share into another and name it with 'base:'");
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!")
      stop(mark, fmt::format("tags ({}) are not read; write the plain value", tag));
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (!levels_.empty() && levels_.back().node.kind == Kind::kSection && !levels_.back().has_key)
      stop(mark, "a key must be a plain name, not a list or a section");
    if (levels_.size() >= kMostLevels)
      stop(mark, fmt::format("more than {} levels of nesting", kMostLevels));
    Level level;
    level.node.kind = kind;
    level.node.place = place(mark);
    levels_.push_back(std::move(level));
  }

  void close() {
    ConfigNode node = std::move(levels_.back().node);
    levels_.pop_back();
    value(std::move(node));
  }

  void value(ConfigNode node) {
    if (++values_ > kMostValues)
      throw SyntaxStop{node.place, fmt::format("more than {} values", kMostValues)};
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = levels_.back();
    if (level.node.kind == Kind::kList) {
      level.node.items.push_back(std::move(node));
      return;
    }
    level.has_key = false;
    if (level.keys.insert(level.key).second) {
      level.node.entries.push_back({level.key, level.key_place, std::move(node)});
    } else {
      mistakes_.add(level.key_place, full_name(level.key),
                    fmt::format("given twice; the first is in line {}",
                                level.node.find(level.key)->place.line));
    }
  }

  std::string full_name(const std::string& key) const {
    std::string name;
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i)
      if (levels_[i].has_key) name += levels_[i].key + ".";
    return name + key;
  }

  std::shared_ptr<const std::string> source_;
  ConfigMistakes& mistakes_;
  ConfigNode root_;
  std::vector<Level> levels_;
  std::size_t values_ = 0;
  int documents_ = 0;
};

ConfigPlace place_of(const std::shared_ptr<const std::string>& source, std::string_view text,
                     std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {source, static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(at - line_start) + 1};
}

// What yaml-cpp would pass in silence or trip over.
void refuse_raw(const std::shared_ptr<const std::string>& source, const std::string& text) {
  const auto stop = [&](std::size_t at, std::string reason) {
    throw SyntaxStop{place_of(source, text, at), std::move(reason)};
  };
  if (text.size() > kMostConfigBytes)
    stop(0, fmt::format("{} bytes; a configuration holds at most 1 MB", text.size()));
  if (const std::size_t at = find_invalid_utf8(text); at != std::string::npos)
    stop(at, fmt::format("byte 0x{:02X} is not UTF-8; save the file as UTF-8",
                         static_cast<unsigned char>(text[at])));
  bool indentation = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\t' && indentation) stop(i, "a tab as indentation; YAML wants spaces");
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F)
      stop(i, fmt::format("control character 0x{:02X}", c));
    indentation = c == '\n' || (indentation && c == ' ');
  }
}

}  // namespace

ConfigNode parse_config_text(const std::string& text,
                             const std::shared_ptr<const std::string>& source,
                             ConfigMistakes& mistakes) {
  TreeBuilder builder(source, mistakes);
  try {
    refuse_raw(source, text);
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    // Never "until there is no more": on some texts yaml-cpp gives documents without end.
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
  } catch (const SyntaxStop& stop) {
    mistakes.add(stop.place, "", stop.reason);
    mistakes.throw_if_any();
  } catch (const YAML::Exception& error) {
    if (error.msg.find("flow not found") != std::string::npos) {
      mistakes.add(builder.open_place(), "",
                   "not YAML: what opens here is not closed as it should");
    } else {
      const ConfigPlace place{source, std::max(error.mark.line, 0) + 1,
                              std::max(error.mark.column, 0) + 1};
      mistakes.add(place, "", "not YAML: " + error.msg);
    }
    mistakes.throw_if_any();
  }
  return builder.take();
}

}  // namespace muybridge
