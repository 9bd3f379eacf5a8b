#include "data/corpus/json_list.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace muybridge {
namespace {

using nlohmann::json;

std::vector<std::string> rows_of(std::string_view text) {
  std::vector<std::string> rows;
  visit_json_rows(text, "l", [&](const json& row, const std::string& where) {
    rows.push_back(where + " " + (row.is_discarded() ? "broken" : row.dump()));
    return true;
  });
  return rows;
}

using Rows = std::vector<std::string>;

TEST(JsonList, AnArrayOfRows) {
  EXPECT_EQ(rows_of(R"( [ {"a": "]}\"{"} , 7, {"b": [1, {"c": 2}]}] )"),
            (Rows{R"(l[0] {"a":"]}\"{"})", "l[1] 7", R"(l[2] {"b":[1,{"c":2}]})"}));
  EXPECT_TRUE(rows_of("[]").empty());
}

TEST(JsonList, RowsMayBeWrapped) {
  EXPECT_EQ(rows_of(R"({"info": {"year": 1}, "videos": [{"a": 1}]})"),
            (Rows{R"(l["videos"][0] {"a":1})"}));
  EXPECT_EQ(rows_of(R"({"x": {"data": [{"a": 1}, {"a": 2}]}, "n": 3})"),
            (Rows{R"(l["x"]["data"][0] {"a":1})", R"(l["x"]["data"][1] {"a":2})"}));
}

TEST(JsonList, AMapFromPathsToCaptionsOrRows) {
  EXPECT_EQ(rows_of(R"({"a.mp4": "one", "b.mp4": {"caption": "two"}, "c.mp4": ["x", "y"]})"),
            (Rows{R"(l["a.mp4"] {"caption":"one","path":"a.mp4"})",
                  R"(l["b.mp4"] {"caption":"two","path":"b.mp4"})",
                  R"(l["c.mp4"] {"caption":["x","y"],"path":"c.mp4"})"}));
}

TEST(JsonList, ColumnsOfAFrame) {
  const Rows expected = {R"(l[0] {"caption":"one","video":"a.mp4"})",
                         R"(l[1] {"caption":"two","video":"b.mp4"})"};
  EXPECT_EQ(rows_of(R"({"video": ["a.mp4", "b.mp4"], "caption": ["one", "two"], "short": [1]})"),
            expected);
  EXPECT_EQ(rows_of(R"({"video": {"0": "a.mp4", "1": "b.mp4"},
                        "caption": {"1": "two", "0": "one"}})"),
            expected);
}

TEST(JsonList, ASingleRow) {
  EXPECT_EQ(rows_of(R"({"video": "a.mp4", "captions": ["x"]})"),
            (Rows{R"(l {"captions":["x"],"video":"a.mp4"})"}));
}

TEST(JsonList, CommentsAndNumbersThatAreNoneArePassedOver) {
  EXPECT_EQ(
      rows_of("// a list\n[{\"a\": NaN, \"b\": \"NaN \\\" NaN\", \"c\": -Infinity}, /* no */\n"
              "{\"d\": [NaN]},]"),
      (Rows{R"(l[0] {"a":null,"b":"NaN \" NaN","c":null})", R"(l[1] {"d":[null]})"}));
}

TEST(JsonList, ABrokenRowCostsItself) {
  EXPECT_EQ(rows_of("[{\"a\": 1}, {\"a\" 2}, {\"b\": \"caf\xE9\"}, {\"a\": 3}]"),
            (Rows{R"(l[0] {"a":1})", "l[1] (from byte 11) broken", "l[2] (byte 30) broken",
                  R"(l[3] {"a":3})"}));
}

TEST(JsonList, ABrokenDocumentIsNamedWithItsLine) {
  const auto failure = [](std::string_view text) -> std::string {
    try {
      rows_of(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kCorrupt);
      return error.what();
    }
    return "none";
  };
  EXPECT_NE(failure("[\n{\"a\": 1},\n{\"a\"").find("l:1: not JSON: a bracket"), std::string::npos);
  EXPECT_NE(failure("[{\"a\": 1}\n{\"a\": 2}]").find("a comma is missing"), std::string::npos);
  EXPECT_NE(failure("").find("neither a list"), std::string::npos);
  EXPECT_NE(failure("7").find("neither a list"), std::string::npos);
  EXPECT_NE(failure("[1] 2").find("text after its end"), std::string::npos);
  EXPECT_NE(failure("{\"a\": \"x}").find("never ends"), std::string::npos);
}

TEST(JsonList, TheVisitorEndsTheReading) {
  int seen = 0;
  visit_json_rows("[1, 2, 3]", "l", [&](const json&, const std::string&) { return ++seen < 2; });
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace muybridge
