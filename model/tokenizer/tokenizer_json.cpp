#include <nlohmann/json.hpp>

#include "core/error.h"
#include "model/tokenizer/base64.h"
#include "model/tokenizer/piece_model.h"

namespace muybridge {
namespace {

using nlohmann::json;

// What `tokenizer.json` may be made of here. All else would give other ids.
class TokenizerJson {
 public:
  TokenizerJson(const json& file, const std::string& where) : file_(file), where_(where) {}

  PieceModel model() const {
    PieceModel model;
    model.words_apart = true;
    read_pieces(file_.at("model"), model);
    name_special(model);
    if (const json& normalizer = file_.at("normalizer"); !normalizer.is_null())
      read_normalizer(normalizer, model);
    check_words(file_.at("pre_tokenizer"));
    return model;
  }

 private:
  [[noreturn]] void unsupported(const std::string& what) const {
    fail(ExitCode::kUsage,
         "{}: {}, which is not supported; put the spiece.model that it was made of in its place",
         where_, what);
  }

  void read_pieces(const json& from, PieceModel& model) const {
    if (from.at("type") != "Unigram")
      unsupported(fmt::format("a model of type {}", from.at("type").dump()));
    model.byte_fallback = from.value("byte_fallback", false);
    for (const json& entry : from.at("vocab"))
      model.pieces.push_back({.text = entry.at(0).get<std::string>(),
                              .score = static_cast<float>(entry.at(1).get<double>()),
                              .kind = Piece::Kind::kNormal});
    const auto unknown = from.at("unk_id").get<std::uint64_t>();
    piece(model, unknown).kind = Piece::Kind::kUnknown;
    for (int byte = 0; model.byte_fallback && byte < 256; ++byte)
      if (const std::int32_t id = find_piece(model, text_of_byte(static_cast<std::uint8_t>(byte)));
          id >= 0)
        model.pieces[static_cast<std::size_t>(id)].kind = Piece::Kind::kByte;
  }

  Piece& piece(PieceModel& model, std::uint64_t id) const {
    if (id >= model.pieces.size())
      fail(ExitCode::kCorrupt, "{}: id {} of {} pieces", where_, id, model.pieces.size());
    return model.pieces[id];
  }

  void name_special(PieceModel& model) const {
    for (const json& added : file_.at("added_tokens")) {
      const auto id = added.at("id").get<std::uint64_t>();
      const auto text = added.at("content").get<std::string>();
      if (!added.at("special").get<bool>() || id > model.pieces.size())
        unsupported(fmt::format("the added token '{}'", text));
      // Some lie behind the vocabulary.
      if (id == model.pieces.size()) model.pieces.push_back({.text = text});
      if (model.pieces[id].text != text)
        fail(ExitCode::kCorrupt, "{}: token {} is '{}' and '{}'", where_, id, model.pieces[id].text,
             text);
      if (model.pieces[id].kind != Piece::Kind::kUnknown)
        model.pieces[id].kind = Piece::Kind::kControl;
    }
  }

  void read_normalizer(const json& from, PieceModel& model) const {
    const auto type = from.at("type").get<std::string>();
    if (type == "Sequence") {
      for (const json& part : from.at("normalizers")) read_normalizer(part, model);
    } else if (type == "Precompiled") {
      model.characters =
          from_base64(from.at("precompiled_charsmap").get_ref<const std::string&>(), where_);
    } else if (type != "Strip" && !is_of_spaces(from)) {
      // White space at the ends and beside other is none of a word's anyway.
      unsupported(fmt::format("a normalizer of type {}", type));
    }
  }

  static bool is_of_spaces(const json& normalizer) {
    const json pattern = {{"Regex", " {2,}"}};
    return normalizer.at("type") == "Replace" && normalizer.at("pattern") == pattern &&
           (normalizer.at("content") == " " || normalizer.at("content") == "\u2581");
  }

  // With WhitespaceSplit or without it: the same where white space is single spaces.
  void check_words(const json& pre_tokenizer) const {
    const json& parts = pre_tokenizer.is_object() && pre_tokenizer.at("type") == "Sequence"
                            ? pre_tokenizer.at("pretokenizers")
                            : json::array({pre_tokenizer});
    for (const json& part : parts) {
      const bool is_metaspace = part.is_object() && part.at("type") == "Metaspace";
      if (is_metaspace && part.at("replacement") == "\u2581" && part.value("split", true) &&
          part.value("prepend_scheme", "always") == "always" &&
          part.value("add_prefix_space", true))
        continue;
      if (!part.is_object() || part.at("type") != "WhitespaceSplit")
        unsupported(fmt::format("the pre-tokenizer {}", part.dump()));
    }
    if (parts.empty() || !parts.back().is_object() || parts.back().at("type") != "Metaspace")
      unsupported("a pre-tokenizer without Metaspace");
  }

  const json& file_;
  const std::string& where_;
};

}  // namespace

PieceModel parse_tokenizer_json(std::string_view content, const std::string& where) {
  PieceModel model;
  try {
    const json file = json::parse(content);
    model = TokenizerJson(file, where).model();
  } catch (const json::exception& error) {
    fail(ExitCode::kCorrupt, "{}: no tokenizer.json, or a damaged one: {}", where, error.what());
  }
  require_valid(model, where);
  return model;
}

}  // namespace muybridge
