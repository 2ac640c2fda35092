// JSON from outside. Boost.JSON's event parser does the grammar, UTF-8 and depth; the handler below builds the value and adds what a
// DOM parser forgives: a key given twice (two readers would disagree on which one counts) and numbers beyond a double.
#include "http/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>
#include <cmath>

namespace kaimen::http {

namespace {

struct TreeBuilder {
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);
  using Text = json::string_view;
  using Code = json::error_code;

  json::value_stack stack;
  std::vector<std::string> keys;      // of every object that is still open, innermost last
  std::vector<size_t> first_keys;     // where each open object's keys begin
  std::string key;
  const char* refusal = nullptr;

  bool refuse(const char* why, Code& ec) {
    refusal = why;
    ec = json::error::syntax;
    return false;
  }

  bool on_document_begin(Code&) { return stack.reset(), true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code&) { return first_keys.push_back(keys.size()), true; }
  bool on_object_end(size_t count, Code& ec) {
    const auto first = keys.begin() + static_cast<std::ptrdiff_t>(first_keys.back());
    std::sort(first, keys.end());
    if (std::adjacent_find(first, keys.end()) != keys.end()) return refuse("a key is given twice in one object", ec);
    keys.erase(first, keys.end());
    first_keys.pop_back();
    stack.push_object(count);
    return true;
  }
  bool on_array_begin(Code&) { return true; }
  bool on_array_end(size_t count, Code&) { return stack.push_array(count), true; }
  bool on_key_part(Text text, size_t, Code&) {
    key.append(text.data(), text.size());
    stack.push_chars(text);
    return true;
  }
  bool on_key(Text text, size_t, Code&) {
    key.append(text.data(), text.size());
    keys.push_back(std::move(key));
    key.clear();
    stack.push_key(text);
    return true;
  }
  bool on_string_part(Text text, size_t, Code&) { return stack.push_chars(text), true; }
  bool on_string(Text text, size_t, Code&) { return stack.push_string(text), true; }
  bool on_number_part(Text, Code&) { return true; }
  bool on_int64(int64_t number, Text, Code&) { return stack.push_int64(number), true; }
  bool on_uint64(uint64_t number, Text, Code&) { return stack.push_uint64(number), true; }
  bool on_double(double number, Text, Code& ec) {
    if (!std::isfinite(number)) return refuse("a number is too large", ec);
    stack.push_double(number);
    return true;
  }
  bool on_bool(bool flag, Code&) { return stack.push_bool(flag), true; }
  bool on_null(Code&) { return stack.push_null(), true; }
  bool on_comment_part(Text, Code&) { return true; }
  bool on_comment(Text, Code&) { return true; }
};

std::string spelled(std::initializer_list<std::string_view> names) { return names.size() == 0 ? std::string() : std::string(*names.begin()); }

}  // namespace

Result<json::value> parse_json(std::string_view text, size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<TreeBuilder> parser(options);
  json::error_code ec;
  const size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && used < text.size()) ec = json::error::extra_data;
  if (ec) {
    const char* refusal = parser.handler().refusal;
    return make_error(ErrorCode::invalid_request,
                      "not valid JSON near byte " + std::to_string(used) + ": " + (refusal ? std::string(refusal) : ec.message()));
  }
  return parser.handler().stack.release();
}

Reader::Reader(const json::object& object, std::string where) : object_(object), where_(std::move(where)) {}

const json::value* Reader::find(Names names) {
  const json::value* found = nullptr;
  for (const auto name : names) {
    asked_.push_back(name);
    const json::value* value = object_.if_contains(name);
    if (!value || value->is_null()) continue;
    if (found && *found != *value) fail(where_ + spelled(names) + " is given twice with different values");
    if (!found) found = value;
  }
  return found;
}

std::optional<std::string> Reader::string(Names names) {
  const auto* value = find(names);
  if (!value) return std::nullopt;
  const auto* text = value->if_string();
  if (!text) {
    fail(where_ + spelled(names) + " must be a string");
    return std::nullopt;
  }
  return std::string(text->data(), text->size());
}

std::optional<int64_t> Reader::integer(Names names) {
  const auto* value = find(names);
  if (!value) return std::nullopt;
  const auto* number = value->if_int64();  // the parser yields int64 for all that fit, uint64 or double for what does not
  if (!number) {
    fail(where_ + spelled(names) + " must be a whole number");
    return std::nullopt;
  }
  return *number;
}

std::optional<bool> Reader::boolean(Names names) {
  const auto* value = find(names);
  if (!value) return std::nullopt;
  const auto* flag = value->if_bool();
  if (!flag) {
    fail(where_ + spelled(names) + " must be true or false");
    return std::nullopt;
  }
  return *flag;
}

const json::object* Reader::object(Names names) {
  const auto* value = find(names);
  if (value && !value->is_object()) fail(where_ + spelled(names) + " must be an object");
  return value ? value->if_object() : nullptr;
}

const json::array* Reader::array(Names names) {
  const auto* value = find(names);
  if (value && !value->is_array()) fail(where_ + spelled(names) + " must be an array");
  return value ? value->if_array() : nullptr;
}

const json::value* Reader::any(Names names) { return find(names); }

std::string Reader::require_string(Names names) {
  auto text = string(names);
  if (!text && !error_) fail(where_ + spelled(names) + " is missing");
  return std::move(text).value_or(std::string());
}

Result<> Reader::check() const {
  if (error_) return *error_;
  return ok();
}

void Reader::fail(std::string detail) {
  if (!error_) error_ = make_error(ErrorCode::invalid_request, std::move(detail));
}

std::vector<std::string> Reader::unknown() const {
  std::vector<std::string> names;
  for (const auto& member : object_) {
    if (std::find(asked_.begin(), asked_.end(), member.key()) == asked_.end()) names.emplace_back(member.key());
  }
  return names;
}

std::string to_text(const json::value& value) { return json::serialize(value); }

}  // namespace kaimen::http
