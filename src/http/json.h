// JSON (Boost.JSON) with this project's limits, and typed reading of objects from outside.
#pragma once

#include <boost/json/fwd.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kaimen::http {

namespace json = boost::json;

/// Parses one JSON text: strict RFC 8259, UTF-8 only, depth at most `max_depth`, nothing behind it, and no key twice in one object.
/// Error: invalid_request with where it broke.
Result<json::value> parse_json(std::string_view text, size_t max_depth = 32);

/// Reads typed members of an object. A member may go under several names (WeChat's spelling and ours); given twice with different values,
/// or with the wrong type, it is an error. After reading, `unknown()` lists the members nobody asked for. Absent and null are the same.
class Reader {
 public:
  using Names = std::initializer_list<std::string_view>;
  /// `where` is put in front of names in error texts, e.g. "profile.".
  explicit Reader(const json::object& object, std::string where = {});

  std::optional<std::string> string(Names names);
  std::optional<int64_t> integer(Names names);  ///< Whole numbers only (no 1.0, no "1").
  std::optional<bool> boolean(Names names);
  const json::object* object(Names names);      ///< nullptr: absent, or the wrong type (then error() is set).
  const json::array* array(Names names);
  const json::value* any(Names names);          ///< Of whatever type; nullptr: absent, or null.
  std::string require_string(Names names);      ///< Absent is an error.

  /// The first problem met, if any: invalid_request naming the member.
  const std::optional<Error>& error() const { return error_; }
  Result<> check() const;
  void fail(std::string detail);
  std::vector<std::string> unknown() const;

 private:
  const json::value* find(Names names);
  const json::object& object_;
  std::string where_;
  std::vector<std::string_view> asked_;
  std::optional<Error> error_;
};

/// Compact text.
std::string to_text(const json::value& value);

}  // namespace kaimen::http
