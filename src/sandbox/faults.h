// Bad days on demand: what PUT /sandbox/faults sets, and which call is hit. Not thread-safe: the handler's lock is around it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "http/json.h"

namespace kaimen::sandbox {

struct Fault {
  enum class Kind : uint8_t {
    none,     ///< The call is answered rightly (after `delay`, with `status`).
    errcode,  ///< This errcode instead of the call.
    drop,     ///< The request is read, then the connection is closed without an answer.
    hang,     ///< The request is read, then nothing happens until the faults are set again (at most ten minutes).
    garbage,  ///< A body of random bytes.
    empty,    ///< A body of no bytes.
    body,     ///< This body as it is: an answer that lies.
  };
  Kind kind = Kind::none;
  int64_t errcode = 0;
  std::string body;
  int status = 200;
  Millis delay{0};
  double rate = 1;               ///< Share of calls that are hit.
  std::optional<int64_t> times;  ///< How many more calls are hit; unset: no end.
};

class Faults {
 public:
  /// Sets the fault of `path` (without it: of every path that has none of its own), in place of the one before. A `path` alone clears
  /// that one, {} clears all. Error: invalid_request in words; nothing changes then.
  Result<> put(http::json::object fields);
  /// The fault that hits this call, counted down.
  std::optional<Fault> hit(std::string_view path, Random& random);

 private:
  std::map<std::string, Fault, std::less<>> by_path_;  // "" for every path
};

std::string_view name_of(Fault::Kind kind);

}  // namespace kaimen::sandbox
