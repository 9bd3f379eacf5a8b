#include "model/tokenizer/piece_model.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/system/file.h"

namespace muybridge {
namespace {

constexpr std::uint64_t kMostBytes = 128 << 20;

std::string read_small_file(const std::filesystem::path& path) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error) fail_errno("stat(" + path.string() + ")", error.value());
  if (size > kMostBytes)
    fail(ExitCode::kCorrupt, "{}: {} bytes are no tokenizer's; at most {} are read", path.string(),
         size, kMostBytes);
  return read_file(path);
}

bool is_looked_for(Piece::Kind kind) {
  return kind == Piece::Kind::kNormal || kind == Piece::Kind::kUserDefined ||
         kind == Piece::Kind::kUnused;
}

}  // namespace

PieceModel read_sentencepiece_model(const std::filesystem::path& path) {
  return parse_sentencepiece_model(read_small_file(path), path.string());
}

PieceModel read_tokenizer_json(const std::filesystem::path& path) {
  return parse_tokenizer_json(read_small_file(path), path.string());
}

void require_valid(const PieceModel& model, const std::string& where) {
  std::set<std::string_view> seen, bytes;
  int unknown = 0;
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    const Piece& piece = model.pieces[id];
    if (piece.text.empty()) fail(ExitCode::kCorrupt, "{}: piece {} is empty", where, id);
    if (!std::isfinite(piece.score))
      fail(ExitCode::kCorrupt, "{}: the score of piece {} is no number", where, id);
    if (is_looked_for(piece.kind) && !seen.insert(piece.text).second)
      fail(ExitCode::kCorrupt, "{}: piece {} is there twice", where, id);
    if (piece.kind == Piece::Kind::kByte) bytes.insert(piece.text);
    unknown += piece.kind == Piece::Kind::kUnknown ? 1 : 0;
  }
  if (unknown != 1)
    fail(ExitCode::kCorrupt, "{}: {} pieces for what is unknown, one expected", where, unknown);
  if (seen.empty()) fail(ExitCode::kCorrupt, "{}: no piece that a text could have", where);
  for (int byte = 0; model.byte_fallback && byte < 256; ++byte)
    if (const std::string text = text_of_byte(static_cast<std::uint8_t>(byte));
        !bytes.contains(text))
      fail(ExitCode::kCorrupt, "{}: it falls back to bytes, and {} is missing", where, text);
}

std::int32_t find_piece(const PieceModel& model, std::string_view text) {
  const auto found = std::ranges::find(model.pieces, text, &Piece::text);
  return found == model.pieces.end()
             ? -1
             : static_cast<std::int32_t>(std::distance(model.pieces.begin(), found));
}

std::string text_of_byte(std::uint8_t byte) { return fmt::format("<0x{:02X}>", byte); }

}  // namespace muybridge
