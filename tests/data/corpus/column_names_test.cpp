#include "data/corpus/column_names.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

using Use = ColumnRole::Use;

TEST(ColumnNames, CaseSpacesAndHyphensDoNotMatter) {
  for (const char* name :
       {"path", "Path", "FILE NAME", "file-name", " video_path ", "Media Path"}) {
    EXPECT_EQ(role_of_column(name).use, Use::kPath) << name;
  }
  for (const char* name : {"Caption", "TEXT", "long caption", "Prompt"}) {
    EXPECT_EQ(role_of_column(name).use, Use::kCaption) << name;
  }
  for (const char* name : {"", "fps", "reference_video", "video_mask", "control_path"}) {
    EXPECT_EQ(role_of_column(name).use, Use::kOther) << name;
  }
}

TEST(ColumnNames, TheVideoCountsBeforeItsImage) {
  EXPECT_LT(role_of_column("video").rank, role_of_column("image").rank);
  EXPECT_LT(role_of_column("caption").rank, role_of_column("short_caption").rank);
}

TEST(ColumnNames, SaysWhatIsMissingAndWhatIsNear) {
  EXPECT_EQ(explain_columns({"path", "fps", "text"}), "");
  const std::string both = explain_columns({"Foo", "Bar"});
  EXPECT_NE(both.find("its columns are Foo, Bar"), std::string::npos) << both;
  EXPECT_NE(both.find("none names a path"), std::string::npos) << both;
  EXPECT_NE(both.find("none is a caption"), std::string::npos) << both;
  EXPECT_EQ(both.find("meant"), std::string::npos) << both;
  const std::string near = explain_columns({"path", "Captoin"});
  EXPECT_EQ(near.find("none names a path"), std::string::npos) << near;
  EXPECT_NE(near.find("is \"Captoin\" meant as \"caption\"?"), std::string::npos) << near;
  EXPECT_LT(explain_columns(std::vector<std::string>(1000, std::string(1000, 'x'))).size(), 1200U);
}

}  // namespace
}  // namespace muybridge
