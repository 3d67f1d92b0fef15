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

std::string repeated(const std::string& part, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += part;
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
  const auto lists = [](int depth) { return repeated("[", depth) + repeated("]", depth); };
  const auto mappings = [](int depth) {
    return repeated("{a:", depth) + "1" + repeated("}", depth);
  };
  CHECK(parsed("call:f{a:" + lists(63) + "}") != "-");
  CHECK(parsed("call:f{a:" + lists(64) + "}") == "-");
  CHECK(parsed("call:f" + mappings(64)) != "-");
  CHECK(parsed("call:f" + mappings(65)) == "-");
  CHECK(parsed("call:f{a:" + repeated("[", 1000000)) == "-");
  CHECK(parsed("call:f" + repeated("{b:", 300000)) == "-");
}

}  // namespace gemma4::test
