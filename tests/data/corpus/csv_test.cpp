#include "data/corpus/csv.h"

#include <gtest/gtest.h>

namespace muybridge {
namespace {

std::vector<CsvRow> rows_of(std::string_view text) {
  CsvReader reader(text);
  std::vector<CsvRow> rows;
  for (CsvRow row; reader.next(row);) rows.push_back(row);
  return rows;
}

using Fields = std::vector<std::string>;

TEST(Csv, ReadsQuotesCommasAndLineBreaks) {
  const auto rows = rows_of("path,text\r\na.mp4,\"one, \"\"two\"\"\nthree\"\r\nb.mp4,\n");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].fields, (Fields{"path", "text"}));
  EXPECT_EQ(rows[1].fields, (Fields{"a.mp4", "one, \"two\"\nthree"}));
  EXPECT_EQ(rows[1].line, 2);
  EXPECT_EQ(rows[2].fields, (Fields{"b.mp4", ""}));
  EXPECT_EQ(rows[2].line, 4);
}

TEST(Csv, PassesOverRowsWithoutText) {
  const auto rows = rows_of("path,text\n\na,b\n,\n \n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].line, 3);
  EXPECT_TRUE(rows_of("").empty());
}

TEST(Csv, NeedsNoLineBreakAtTheEnd) {
  EXPECT_EQ(rows_of("a,b\n1,2").at(1).fields, (Fields{"1", "2"}));
  EXPECT_EQ(rows_of("a,b\n1,\"2\"").at(1).fields, (Fields{"1", "2"}));
  EXPECT_EQ(rows_of("a,b\r\n1,2\r").at(1).fields, (Fields{"1", "2"}));
  EXPECT_EQ(rows_of("a,b\n1,").at(1).fields, (Fields{"1", ""}));
}

TEST(Csv, TakesTheSeparatorThatTheFirstRowHasMostOf) {
  EXPECT_EQ(rows_of("path;caption\na.mp4;red, and blue\n").at(1).fields,
            (Fields{"a.mp4", "red, and blue"}));
  EXPECT_EQ(rows_of("path\tcaption\na.mp4\tred; blue\n").at(1).fields,
            (Fields{"a.mp4", "red; blue"}));
  EXPECT_EQ(rows_of("path|caption\na.mp4|red\n").at(1).fields, (Fields{"a.mp4", "red"}));
  EXPECT_EQ(rows_of("\"a;b;c\",caption\n1,2\n").at(0).fields, (Fields{"a;b;c", "caption"}));
  EXPECT_EQ(rows_of("sep=;\r\npath;a,b,c\r\n1;2\r\n").at(1).fields, (Fields{"1", "2"}));
}

TEST(Csv, ReadsLinesThatEndWithCarriageReturns) {
  const auto rows = rows_of("path,caption\ra.mp4,red\rb.mp4,blue\r");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[2].fields, (Fields{"b.mp4", "blue"}));
  EXPECT_EQ(rows[2].line, 3);
}

TEST(Csv, AQuoteInsideAPlainFieldStandsForItself) {
  EXPECT_EQ(rows_of("a,b\n1,a 12\" disc\n").at(1).fields, (Fields{"1", "a 12\" disc"}));
  EXPECT_EQ(rows_of("a,b\n1, \"one, two\" \n").at(1).fields, (Fields{"1", "one, two"}));
}

TEST(Csv, BrokenQuotingCostsItsOwnRowOnly) {
  const auto rows = rows_of("a,b\n1,\"2\n3,4\n5,\"6\"\n\"7\"x,8\n9,0\n");
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_NE(rows[1].problem, "");
  EXPECT_EQ(rows[1].line, 2);
  EXPECT_EQ(rows[2].fields, (Fields{"3", "4"}));
  EXPECT_EQ(rows[3].fields, (Fields{"5", "6"}));
  EXPECT_NE(rows[4].problem.find("closing quote"), std::string::npos);
  EXPECT_EQ(rows[4].line, 5);
  EXPECT_EQ(rows[5].fields, (Fields{"9", "0"}));
  const auto open = rows_of("a,b\n1,\"2\n3,4\n");
  ASSERT_EQ(open.size(), 3U);
  EXPECT_NE(open[1].problem.find("never ends"), std::string::npos);
  EXPECT_EQ(open[2].fields, (Fields{"3", "4"}));
}

}  // namespace
}  // namespace muybridge
