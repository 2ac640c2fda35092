#include "sandbox/faults.h"

#include <cstring>

namespace kaimen::sandbox {

namespace {

constexpr size_t kMaxFaults = 100;
constexpr int64_t kMaxDelayMs = 600'000;

Error invalid(std::string words) { return make_error(ErrorCode::invalid_request, std::move(words)); }

// A number from 0 to 1, whole or not.
Result<double> take_rate(http::json::object& fields) {
  const auto* value = fields.if_contains("rate");
  if (!value) return 1.0;
  double rate = -1;
  if (const auto* number = value->if_double()) rate = *number;
  if (const auto* whole = value->if_int64()) rate = static_cast<double>(*whole);
  if (!(rate >= 0 && rate <= 1)) return invalid("rate must be a number from 0 to 1");
  fields.erase("rate");
  return rate;
}

}  // namespace

Result<> Faults::put(http::json::object fields) {
  if (fields.empty()) {
    by_path_.clear();
    return ok();
  }
  const bool clears_one = fields.size() == 1 && fields.contains("path");
  Fault fault;
  TRY(fault.rate, take_rate(fields));
  http::Reader reader(fields);
  const std::string path = reader.string({"path"}).value_or("");
  const auto errcode = reader.integer({"errcode"}), delay = reader.integer({"delay_ms"}), times = reader.integer({"times"});
  const auto status = reader.integer({"status"});
  const auto body = reader.string({"body"});
  int kinds = 0;
  auto choose = [&](bool chosen, Fault::Kind kind) {
    if (!chosen) return;
    fault.kind = kind;
    ++kinds;
  };
  choose(errcode.has_value(), Fault::Kind::errcode);
  choose(body.has_value(), Fault::Kind::body);
  choose(reader.boolean({"drop"}).value_or(false), Fault::Kind::drop);
  choose(reader.boolean({"hang"}).value_or(false), Fault::Kind::hang);
  choose(reader.boolean({"garbage"}).value_or(false), Fault::Kind::garbage);
  choose(reader.boolean({"empty"}).value_or(false), Fault::Kind::empty);
  TRY(reader.check());
  if (const auto unknown = reader.unknown(); !unknown.empty()) return invalid("unknown field \"" + unknown.front() + "\"");
  if (!path.empty() && !path.starts_with('/')) return invalid("path must begin with '/'");
  if (kinds > 1) return invalid("give one of errcode, body, drop, hang, garbage, empty");
  if (errcode && *errcode == 0) return invalid("errcode must not be 0");
  if (delay && (*delay < 0 || *delay > kMaxDelayMs)) return invalid("delay_ms must be 0 to 600000");
  if (times && *times < 1) return invalid("times must be at least 1");
  if (status && (*status < 200 || *status > 599)) return invalid("status must be 200 to 599");
  if (clears_one) {
    by_path_.erase(path);
    return ok();
  }
  if (by_path_.size() >= kMaxFaults && !by_path_.contains(path)) return invalid("too many faults");
  fault.errcode = errcode.value_or(0);
  fault.body = body.value_or("");
  fault.status = static_cast<int>(status.value_or(200));
  fault.delay = Millis(delay.value_or(0));
  fault.times = times;
  by_path_[path] = std::move(fault);
  return ok();
}

std::optional<Fault> Faults::hit(std::string_view path, Random& random) {
  auto found = by_path_.find(path);
  if (found == by_path_.end()) found = by_path_.find("");
  if (found == by_path_.end()) return std::nullopt;
  Fault& fault = found->second;
  if (fault.rate < 1) {
    const auto bytes = random.bytes<4>();
    if (!bytes) return std::nullopt;
    uint32_t drawn;
    std::memcpy(&drawn, bytes.value().data(), sizeof drawn);
    if (drawn >= fault.rate * 4294967296.0) return std::nullopt;
  }
  Fault hit = fault;
  if (fault.times && --*fault.times == 0) by_path_.erase(found);
  return hit;
}

std::string_view name_of(Fault::Kind kind) {
  switch (kind) {
    case Fault::Kind::none: return "none";
    case Fault::Kind::errcode: return "errcode";
    case Fault::Kind::drop: return "drop";
    case Fault::Kind::hang: return "hang";
    case Fault::Kind::garbage: return "garbage";
    case Fault::Kind::empty: return "empty";
    case Fault::Kind::body: return "body";
  }
  return "none";
}

}  // namespace kaimen::sandbox
