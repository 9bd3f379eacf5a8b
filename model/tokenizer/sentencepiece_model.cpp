#include <bit>
#include <optional>

#include "core/error.h"
#include "model/tokenizer/piece_model.h"

// The few fields of SentencePiece's ModelProto that encoding reads. Debian's library of that name
// is not linked: it has a copy of protobuf in it that ends a process which has another one, and
// reads damaged files beyond their end (CVE-2026-1260).
namespace muybridge {
namespace {

// A field of a protobuf message, in its wire format.
struct Field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;  // of a number
  std::string_view bytes;   // of a string or a message

  bool flag() const { return value != 0; }
};

class Message {
 public:
  Message(std::string_view bytes, const std::string& where) : rest_(bytes), where_(where) {}

  std::optional<Field> next() {
    if (rest_.empty()) return std::nullopt;
    const std::uint64_t tag = varint();
    Field field{.number = tag >> 3, .value = 0, .bytes = {}};
    switch (tag & 7) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.value = fixed(8);
        break;
      case 2:
        field.bytes = take(varint());
        break;
      case 5:
        field.value = fixed(4);
        break;
      default:
        damaged();
    }
    return field;
  }

 private:
  [[noreturn]] void damaged() const {
    fail(ExitCode::kCorrupt, "{}: no SentencePiece model, or a damaged one; copy it anew", where_);
  }
  std::string_view take(std::uint64_t bytes) {
    if (bytes > rest_.size()) damaged();
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  std::uint64_t fixed(std::size_t bytes) {
    std::uint64_t value = 0;
    int shift = 0;
    for (const char byte : take(bytes)) {
      value |= std::uint64_t{static_cast<std::uint8_t>(byte)} << shift;
      shift += 8;
    }
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint64_t byte = fixed(1);
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    damaged();
  }

  std::string_view rest_;
  const std::string& where_;
};

Piece::Kind kind_of(std::uint64_t type, const std::string& where) {
  switch (type) {
    case 1:
      return Piece::Kind::kNormal;
    case 2:
      return Piece::Kind::kUnknown;
    case 3:
      return Piece::Kind::kControl;
    case 4:
      return Piece::Kind::kUserDefined;
    case 5:
      return Piece::Kind::kUnused;
    case 6:
      return Piece::Kind::kByte;
    default:
      fail(ExitCode::kCorrupt, "{}: a piece of type {}, which there is none of", where, type);
  }
}

Piece piece_of(std::string_view bytes, const std::string& where) {
  Piece piece;
  Message message(bytes, where);
  while (const std::optional<Field> field = message.next()) {
    if (field->number == 1) piece.text = field->bytes;
    if (field->number == 2)
      piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field->value));
    if (field->number == 3) piece.kind = kind_of(field->value, where);
  }
  return piece;
}

void read_trainer(std::string_view bytes, const std::string& where, PieceModel& model) {
  constexpr std::uint64_t kUnigram = 1;
  Message message(bytes, where);
  while (const std::optional<Field> field = message.next()) {
    if (field->number == 3 && field->value != kUnigram)
      fail(ExitCode::kUsage, "{}: a SentencePiece model of type {}; only unigram models are read",
           where, field->value);
    if (field->number == 24 && field->flag())
      fail(ExitCode::kUsage,
           "{}: spaces end its words (treat_whitespace_as_suffix), which is not "
           "supported",
           where);
    if (field->number == 35) model.byte_fallback = field->flag();
  }
}

void read_normalizer(std::string_view bytes, const std::string& where, PieceModel& model) {
  Message message(bytes, where);
  while (const std::optional<Field> field = message.next()) {
    if (field->number == 2) model.characters = field->bytes;
    if (field->number == 3) model.add_dummy_prefix = field->flag();
    if (field->number == 4) model.remove_extra_spaces = field->flag();
    if (field->number == 5 && !field->flag())
      fail(ExitCode::kUsage,
           "{}: its pieces have plain spaces (escape_whitespaces is off), which "
           "is not supported",
           where);
  }
}

}  // namespace

PieceModel parse_sentencepiece_model(std::string_view content, const std::string& where) {
  PieceModel model;
  Message message(content, where);
  while (const std::optional<Field> field = message.next()) {
    if (field->number == 1) model.pieces.push_back(piece_of(field->bytes, where));
    if (field->number == 2) read_trainer(field->bytes, where, model);
    if (field->number == 3) read_normalizer(field->bytes, where, model);
  }
  require_valid(model, where);
  return model;
}

}  // namespace muybridge
