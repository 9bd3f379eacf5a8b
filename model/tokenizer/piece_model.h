#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

// A vocabulary of pieces with scores, and what happens to a text before it is cut into them: the
// unigram language model of SentencePiece (Kudo 2018, arXiv:1804.10959).
namespace muybridge {

struct Piece {
  enum class Kind : std::uint8_t {
    kNormal,
    kUnknown,  // stands for what no piece covers
    kControl,  // never found in a text
    kUserDefined,
    kUnused,
    kByte,  // "<0x41>": of a character that no piece covers
  };
  std::string text;  // U+2581 for a space
  float score = 0;   // the logarithm of its probability
  Kind kind = Kind::kNormal;
};

struct PieceModel {
  std::vector<Piece> pieces;  // by id
  std::string characters;     // see CharacterMap; empty: texts stay as they are
  bool byte_fallback = false;
  // A space in front of the text, and none at its ends or beside another.
  bool add_dummy_prefix = true;
  bool remove_extra_spaces = true;
  // As the tokenizers library does it: words apart, each with a space in front, and sums in f64.
  bool words_apart = false;
};

// Of a SentencePiece model (the protobuf message ModelProto of sentencepiece_model.proto) or of a
// tokenizer.json of the tokenizers library with a Unigram model. Everything in a file is checked
// before it is used. Throw Error(kIo) where it cannot be read, Error(kCorrupt) where it is damaged,
// and Error(kUsage) for a kind of model that we do not have.
PieceModel read_sentencepiece_model(const std::filesystem::path& path);
PieceModel read_tokenizer_json(const std::filesystem::path& path);

// The same of a file's content, errors naming it `where`.
PieceModel parse_sentencepiece_model(std::string_view content, const std::string& where);
PieceModel parse_tokenizer_json(std::string_view content, const std::string& where);

// Throws Error(kCorrupt) unless there is one unknown piece, texts are not empty, those that are
// looked for differ, scores are finite, and bytes are all there where they are fallen back to.
void require_valid(const PieceModel& model, const std::string& where);

// The id of the first piece with this text, -1 where there is none.
std::int32_t find_piece(const PieceModel& model, std::string_view text);

// "<0x41>"
std::string text_of_byte(std::uint8_t byte);

}  // namespace muybridge
