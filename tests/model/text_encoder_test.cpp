#include "model/text_encoder.h"

#include "core/ops/embedding.h"
#include "data/loader/batch.h"
#include "tests/core/gradient_check.h"

namespace muybridge {
namespace {

struct Encoder {
  Parameters parameters;
  ByteTextEncoder encode;

  Encoder() : encode(parameters, "text", {.text_width = 16, .text_depth = 2, .text_heads = 2}) {
    parameters.allocate(DType::kF32, 3);
  }
  Tensor operator()(const std::vector<std::string>& captions) const {
    const NoGradScope no_grad;
    const PackedText text = pack_captions(captions, 256);
    return encode(text).value();
  }
};

// Without slack.
std::vector<std::int32_t> ids_of(const PackedText& text) {
  std::vector<std::int32_t> ids = text.ids.to_vector<std::int32_t>();
  ids.resize(static_cast<std::size_t>(text.packing.used()));
  return ids;
}

TEST(TextEncoder, CaptionsArePackedAsTheirBytesAfterABegin) {
  const PackedText text = pack_captions({"ab", "", "\xC3\xA9"}, 256);
  EXPECT_EQ(ids_of(text), (std::vector<std::int32_t>{256, 'a', 'b', 256, 256, 0xC3, 0xA9}));
  EXPECT_EQ(text.packing.offsets, (std::vector<std::int32_t>{0, 3, 4, 7}));
  EXPECT_EQ(text.packing.rows, kTextRowStep);
  const std::vector<std::int32_t> all = text.ids.to_vector<std::int32_t>();
  ASSERT_EQ(std::ssize(all), kTextRowStep);
  for (std::size_t i = 7; i < all.size(); ++i) EXPECT_EQ(all[i], kSlackId);
}

TEST(TextEncoder, ALongCaptionIsCutBetweenCharacters) {
  // Four bytes would end within the second e with an acute accent.
  const PackedText text = pack_captions({"a\xC3\xA9\xC3\xA9"}, 4);
  EXPECT_EQ(ids_of(text), (std::vector<std::int32_t>{256, 'a', 0xC3, 0xA9}));
}

TEST(TextEncoder, ACaptionDoesNotSeeItsNeighbours) {
  const Encoder encoder;
  const Tensor both = encoder({"a red ball", "blue"}), alone = encoder({"blue"});
  ASSERT_EQ(both.shape(), (Shape{kTextRowStep, 16}));
  for (int i = 0; i < 5 * 16; ++i)
    EXPECT_NEAR(both.data<float>()[11 * 16 + i], alone.data<float>()[i], 1e-5);
}

TEST(TextEncoder, TheOrderOfLettersCounts) {
  const Encoder encoder;
  const Tensor up = encoder({"ab"}), down = encoder({"ba"});
  // The begin sees both letters; only their places differ.
  double difference = 0;
  for (int i = 0; i < 16; ++i)
    difference =
        std::max<double>(difference, std::abs(up.data<float>()[i] - down.data<float>()[i]));
  EXPECT_GT(difference, 1e-3);
}

}  // namespace
}  // namespace muybridge
