#pragma once

#include <gmock/gmock.h>

#include "core/error.h"
#include "core/system/file_handle.h"
#include "data/decode/decode_worker.h"
#include "tests/data/media_folder.h"

namespace muybridge {

// Makes the decoder that is started next tell a lie (decode_lies_test.cpp), or be slow. Reaches the
// child because it begins like kDecodeVariable.
inline constexpr const char* kLiar = "MUYBRIDGE_DECODER_LIES";

class DecodeWorkerTest : public MediaFolder {
 protected:
  static DecodeOutcome count(DecodeWorker& worker, const std::filesystem::path& file,
                             const ReadOptions& options = {}) {
    return worker.decode(open_to_read(file), options,
                         [](const DecodedStream&, const DecodedFrame&) {});
  }

  // The worker is as good as new.
  void expect_usable(DecodeWorker& worker, const std::filesystem::path& good) {
    const DecodeOutcome outcome = count(worker, good);
    EXPECT_EQ(outcome.frames, 20) << outcome.problem;
    EXPECT_EQ(outcome.problem, "");
    EXPECT_TRUE(outcome.finished);
  }
};

}  // namespace muybridge
