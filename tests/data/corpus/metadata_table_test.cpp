#include "data/corpus/metadata_table.h"

#include "tests/data/media_folder.h"

namespace muybridge {
namespace {

class MetadataTable : public MediaFolder {
 protected:
  // "path=caption" of each row, "where: reason" of those of no use.
  std::vector<std::string> rows(const std::string& name, std::string_view content) {
    std::vector<std::string> result;
    facts_ = read_caption_table(
        write(name, content), {}, [](const std::string& path) { return path == "a.mp4"; },
        [&](const ListEntry& entry) {
          result.push_back(!entry.problem.none() ? entry.where + ": " + entry.problem.kind
                           : !entry.caption.problem.none()
                               ? entry.where + ": " + entry.caption.problem.kind
                               : entry.path + "=" + entry.caption.text);
          return true;
        });
    return result;
  }

  TableFacts facts_;
};

using Rows = std::vector<std::string>;

TEST_F(MetadataTable, CsvAsProgramsWriteIt) {
  const Rows red = {"a.mp4=red"};
  EXPECT_EQ(rows("l.csv", "Path,Caption\na.mp4,red\n"), red);
  EXPECT_EQ(rows("l.csv", "\xEF\xBB\xBF File Name ; TEXT\r\na.mp4;red\r\n"), red);
  EXPECT_EQ(rows("l.csv", "path\tcaption\na.mp4\tred"), red);
  EXPECT_EQ(rows("l.TSV", "path\tcaption\na.mp4\tred"), red);
  EXPECT_EQ(rows("l.csv", "sep=;\npath;caption\na.mp4;red"), red);
  EXPECT_EQ(rows("l.csv", "path,caption,\na.mp4,red,\n"), red);
  EXPECT_EQ(rows("l.csv", "path,caption\na.mp4,red,,\n\n,,\n"), red);
  EXPECT_EQ(rows("l.csv", "path,caption,\na.mp4,red\n"), red);
  std::string wide = "\xFF\xFE";
  for (const char letter : std::string("path\tcaption\r\na.mp4\tred\r\n")) {
    wide += letter;
    wide += '\0';
  }
  EXPECT_EQ(rows("l.csv", wide), red);
}

TEST_F(MetadataTable, ACsvRowOfAnotherLengthCostsItself) {
  EXPECT_EQ(
      rows("l.csv", "path,caption,fps\na.mp4,red,8\nb.mp4,a dog, running,8\nc.mp4,bl\n"),
      (Rows{"a.mp4=red", "l.csv:3: row that cannot be read", "l.csv:4: row that cannot be read"}));
}

TEST_F(MetadataTable, ALatinRowCostsItself) {
  EXPECT_EQ(rows("l.csv", "path,caption\na.mp4,caf\xE9\nb.mp4,red\n"),
            (Rows{"l.csv:2: caption is not UTF-8", "b.mp4=red"}));
  EXPECT_EQ(rows("l.jsonl",
                 "{\"path\": \"a.mp4\", \"caption\": \"caf\xE9\"}\n"
                 "{\"path\": \"b.mp4\", \"caption\": \"red\"}\n"),
            (Rows{"l.jsonl:1 (byte 33): row that cannot be read", "b.mp4=red"}));
}

TEST_F(MetadataTable, TwoColumnsNeedNoHeader) {
  EXPECT_EQ(rows("l.csv", "a.mp4,red\nb.mp4,blue\n"), (Rows{"a.mp4=red", "b.mp4=blue"}));
  EXPECT_TRUE(facts_.without_header);
  EXPECT_EQ(rows("l.csv", "red,a.mp4\n"), (Rows{"a.mp4=red"}));
  EXPECT_TRUE(rows("l.csv", "7,a.mp4,red\n").empty());
  EXPECT_NE(facts_.problem.find("header line"), std::string::npos);
}

TEST_F(MetadataTable, PathsUnderAnUnknownNameAreFoundByTheirValues) {
  EXPECT_EQ(rows("l.csv", "Nr;Datei;Text\n1;gone.mp4;blue\n2;a.mp4;red\n"),
            (Rows{"gone.mp4=blue", "a.mp4=red"}));
  EXPECT_EQ(facts_.path_column, "Datei");
  EXPECT_EQ(rows("l.csv", "Datei,Text\nb.mp4,red\n"), (Rows{"l.csv:2: row without a path"}));
  EXPECT_EQ(facts_.path_column, "");
}

TEST_F(MetadataTable, TheFirstOfTwoEqualColumnsCounts) {
  EXPECT_EQ(rows("l.csv", "path,caption,caption\na.mp4,red,blue\n"), (Rows{"a.mp4=red"}));
}

TEST_F(MetadataTable, JsonLines) {
  const Rows expected = {"a.mp4=one", "l.jsonl:3 (from byte 55): row that cannot be read",
                         "l.jsonl:4: row that cannot be read", "l.jsonl:5: row without a path",
                         "b.mp4=two"};
  EXPECT_EQ(rows("l.jsonl",
                 "{\"video_path\": \"a.mp4\", \"caption\": \"one\", \"fps\": NaN}\n\n{broken\n[1]\n"
                 "{\"caption\": \"x\"}\n# a comment\n{\"path\": \"b.mp4\", \"text\": \"two\"}"),
            expected);
  EXPECT_EQ(facts_.columns, (Rows{"caption", "fps", "video_path", "path", "text"}));
}

TEST_F(MetadataTable, LinesOfJsonUnderTheNameOfJson) {
  EXPECT_EQ(rows("l.json",
                 "{\"path\": \"a.mp4\", \"text\": \"1\"}\n"
                 "{\"path\": \"b.mp4\", \"text\": \"2\"}\n"),
            (Rows{"a.mp4=1", "b.mp4=2"}));
}

TEST_F(MetadataTable, WhatIsBrokenAsAWholeHasAProblem) {
  for (const char* text : {"{\"a\": ", "7", "", "[1 2]"}) {
    rows("l.json", text);
    EXPECT_NE(facts_.problem, "") << text;
  }
  rows("l.csv", "");
  EXPECT_EQ(facts_.problem, "it is empty");
  rows("l.jsonl", "");
  EXPECT_EQ(facts_.problem, "it is empty");
  rows("l.csv", std::string("\xFF\xFE"
                            "a",
                            3));
  EXPECT_NE(facts_.problem.find("UTF-16"), std::string::npos);
}

}  // namespace
}  // namespace muybridge
