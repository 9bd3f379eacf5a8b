#include "data/corpus/csv.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace muybridge {
namespace {

std::string failure_of(const std::string& text) {
  try {
    parse_csv(text, "a.csv");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kCorrupt);
    return error.what();
  }
  return "";
}

TEST(Csv, ReadsQuotesCommasAndLineBreaks) {
  const CsvTable table =
      parse_csv("path,text\r\na.mp4,\"one, \"\"two\"\"\nthree\"\r\nb.mp4,\n", "");
  EXPECT_EQ(table.header, (std::vector<std::string>{"path", "text"}));
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0].fields[1], "one, \"two\"\nthree");
  EXPECT_EQ(table.rows[0].line, 2);
  EXPECT_EQ(table.rows[1].fields, (std::vector<std::string>{"b.mp4", ""}));
  EXPECT_EQ(table.rows[1].line, 4);
}

TEST(Csv, SkipsTheByteOrderMarkAndEmptyLines) {
  const CsvTable table = parse_csv("\xEF\xBB\xBFpath,text\n\na,b\n\n", "");
  EXPECT_EQ(table.header[0], "path");
  EXPECT_EQ(table.rows.size(), 1U);
  EXPECT_TRUE(parse_csv("", "").header.empty());
}

TEST(Csv, NeedsNoLineBreakAtTheEnd) {
  EXPECT_EQ(parse_csv("a,b\n1,2", "").rows.at(0).fields[1], "2");
  EXPECT_EQ(parse_csv("a,b\n1,\"2\"", "").rows.at(0).fields[1], "2");
  EXPECT_EQ(parse_csv("a,b\r\n1,2\r", "").rows.at(0).fields[1], "2");
  EXPECT_EQ(parse_csv("a,b\n1,", "").rows.at(0).fields[1], "");
}

TEST(Csv, ARowOfAnotherLengthHasAProblemAndTheRestIsRead) {
  const CsvTable table = parse_csv("a,b\n1,2\n1,2,3\n4,5\n", "");
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(table.rows[1].problem, "3 fields, but the header has 2");
  EXPECT_EQ(table.rows[2].fields[0], "4");
  EXPECT_TRUE(table.rows[2].problem.empty());
}

TEST(Csv, BrokenQuotingIsNamedWithLineAndColumn) {
  EXPECT_NE(failure_of("a,b\n1,x\"y\n").find("a.csv:2:4: a quote inside"), std::string::npos);
  EXPECT_NE(failure_of("a,b\n1,\"open\nmore\n").find("a.csv:2:3: a quoted field that never ends"),
            std::string::npos);
  EXPECT_NE(failure_of("a,b\n\"1\"x,2\n").find("a.csv:2:4: text after"), std::string::npos);
}

}  // namespace
}  // namespace muybridge
