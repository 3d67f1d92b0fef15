// The text of a tool call and its arguments as JSON.
#include "text/tool_call_parser.hpp"

#include "text/fixtures.hpp"

namespace gemma4::test {
namespace {

/// "name arguments", or "-" for what is no call. Quote tokens are written as ~.
std::string parsed(std::string text) {
  for (char& c : text) {
    if (c == '~') c = kQuoteByte;
  }
  std::string name, arguments;
  if (!parse_tool_call(text, name, arguments)) return "-";
  simdjson::dom::parser parser;
  CHECK_MESSAGE(parser.parse(arguments).error() == simdjson::SUCCESS, arguments);
  return name + " " + arguments;
}

std::string nested(const std::string& open, const std::string& inner, const std::string& close,
                   int depth) {
  std::string text = inner;
  for (int i = 0; i < depth; ++i) text = open + text + close;
  return text;
}

}  // namespace

TEST_CASE("calls that must parse") {
  CHECK(parsed("call:f{}") == "f {}");
  CHECK(parsed("call:get_weather{city:~New York~,unit:~celsius~}") ==
        R"(get_weather {"city":"New York","unit":"celsius"})");
  CHECK(parsed("call:f{a:42,b:-7,c:3.14,d:1.5e10,e:true,f:false,g:null}") ==
        R"(f {"a":42,"b":-7,"c":3.14,"d":1.5e10,"e":true,"f":false,"g":null})");
  CHECK(parsed("call:f{a:[],b:[1,~x~,[true]],c:{},d:{k:{z:0}}}") ==
        R"(f {"a":[],"b":[1,"x",[true]],"c":{},"d":{"k":{"z":0}}})");
  CHECK(parsed("call:f{a:0,b:-0.5E-3,c:1E+2}") == R"(f {"a":0,"b":-0.5E-3,"c":1E+2})");
  CHECK(parsed(" call:f{ a: 1, b:\n[ 1 , 2 ] , ~c d~ : ~~ }\n") ==
        R"(f {"a":1,"b":[1,2],"c d":""})");
  CHECK(parsed("call:mcp.server/tool-1{a,b [x] {y:1}") == R"(mcp.server/tool-1 {"a,b [x] {y":1})");
}

TEST_CASE("strings are raw and become JSON") {
  CHECK(parsed("call:f{s:~a\"b\\c\n\t{}[]:,<|\"|>~}") ==
        R"(f {"s":"a\"b\\c\n\u0009{}[]:,<|\"|>"})");
  CHECK(parsed("call:f{k\"ey:~\xc3\xa9~}") == "f {\"k\\\"ey\":\"\xc3\xa9\"}");
}

TEST_CASE("what is no call") {
  for (const char* text : {"",
                           "call",
                           "call:",
                           "call:f",
                           "call:{}",
                           "call:f x{}",
                           "f{}",
                           "call:f{",
                           "call:f{}}",
                           "call:f{} x",
                           "call:f{a}",
                           "call:f{a:}",
                           "call:f{:1}",
                           "call:f{a:1,}",

                           "call:f{a:1 b:2}",
                           "call:f{a:[1,]}",
                           "call:f{a:[,1]}",
                           "call:f{a:[1}",
                           "call:f{a:~x}",
                           "call:f{a:word}",
                           "call:f{a:nul}",
                           "call:f{a:01}",
                           "call:f{a:1.}",
                           "call:f{a:.5}",
                           "call:f{a:-}",
                           "call:f{a:1e}",
                           "call:f{a:+1}",
                           "call:f{a:\"x\"}",
                           "call:~f~{}",
                           "call:f{~a:1}",
                           "call:f{~a~x:1}"}) {
    CAPTURE(text);
    CHECK(parsed(text) == "-");
  }
}

TEST_CASE("nesting is limited") {
  CHECK(parsed("call:f{a:" + nested("[", "", "]", 63) + "}") != "-");
  CHECK(parsed("call:f{a:" + nested("[", "", "]", 64) + "}") == "-");
  CHECK(parsed("call:f" + nested("{a:", "1", "}", 64)) != "-");
  CHECK(parsed("call:f" + nested("{a:", "1", "}", 65)) == "-");
  CHECK(parsed("call:f{a:" + std::string(1000000, '[')) == "-");
  CHECK(parsed("call:f{a:" + nested("{b:", "", "", 300000)) == "-");
}

}  // namespace gemma4::test
