#include "http/multipart.h"

#include <algorithm>
#include <string>

#include "http/message.h"

namespace kaimen::http {

namespace {

constexpr size_t kParts = 16, kHeaders = 8, kHeaderBytes = 1024, kBoundaryBytes = 70;

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// One "; name=value" or "; name="value"" of a header. False: not of that form.
bool take_parameter(std::string_view& rest, std::string_view& name, std::string_view& value) {
  if (!rest.starts_with(';')) return false;
  rest = trimmed(rest.substr(1));
  const size_t equals = rest.find('=');
  if (equals == rest.npos || equals == 0) return false;
  name = rest.substr(0, equals);
  rest.remove_prefix(equals + 1);
  if (rest.starts_with('"')) {
    const size_t end = rest.find('"', 1);
    // A backslash would make it two readings; browsers write %22 for a quote.
    if (end == rest.npos || rest.substr(1, end - 1).find('\\') != rest.npos) return false;
    value = rest.substr(1, end - 1);
    rest = trimmed(rest.substr(end + 1));
  } else {
    const size_t end = std::min(rest.find(';'), rest.size());
    value = trimmed(rest.substr(0, end));
    rest.remove_prefix(end);
    if (value.empty() || value.find_first_of(" \t\"") != value.npos) return false;
  }
  return true;
}

std::optional<std::string_view> boundary_of(std::string_view content_type) {
  constexpr std::string_view kType = "multipart/form-data";
  if (content_type.size() < kType.size() || !same_but_for_case(content_type.substr(0, kType.size()), kType)) return std::nullopt;
  std::string_view rest = trimmed(content_type.substr(kType.size())), name, value;
  std::optional<std::string_view> boundary;
  while (!rest.empty()) {
    if (!take_parameter(rest, name, value)) return std::nullopt;
    if (!name_is(name, "boundary")) continue;
    if (boundary || value.empty() || value.size() > kBoundaryBytes) return std::nullopt;
    boundary = value;
  }
  return boundary;
}

bool read_disposition(std::string_view value, Part& part) {
  constexpr std::string_view kForm = "form-data";
  if (!value.starts_with(kForm)) return false;
  std::string_view rest = trimmed(value.substr(kForm.size())), name, text;
  bool named = false;
  while (!rest.empty()) {
    if (!take_parameter(rest, name, text)) return false;
    if (name_is(name, "name")) {
      if (std::exchange(named, true)) return false;
      part.name = text;
    } else if (name_is(name, "filename")) {
      if (part.filename) return false;
      part.filename = text;
    }
  }
  return named;
}

/// The headers of a part, up to and with the empty line.
bool read_headers(std::string_view& body, Part& part) {
  bool disposed = false;
  for (size_t count = 0; count <= kHeaders; ++count) {
    const size_t end = body.substr(0, kHeaderBytes).find("\r\n");
    if (end == body.npos) return false;
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end + 2);
    if (line.empty()) return disposed;
    const size_t colon = line.find(':');
    if (colon == line.npos || line.find_first_of("\r\n") != line.npos) return false;
    const std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
    if (name_is(name, "content-disposition")) {
      if (std::exchange(disposed, true) || !read_disposition(value, part)) return false;
    } else if (name_is(name, "content-transfer-encoding")) {
      if (!name_is(value, "binary") && !name_is(value, "8bit") && !name_is(value, "7bit")) return false;
    }
  }
  return false;
}

}  // namespace

std::optional<std::vector<Part>> read_multipart(std::string_view content_type, std::string_view body) {
  const auto boundary = boundary_of(content_type);
  if (!boundary) return std::nullopt;
  const std::string first = "--" + std::string(*boundary), next = "\r\n" + first;
  if (!body.starts_with(first)) return std::nullopt;
  body.remove_prefix(first.size());
  std::vector<Part> parts;
  for (;;) {
    if (body == "--" || body == "--\r\n") return parts;
    if (!body.starts_with("\r\n") || parts.size() == kParts) return std::nullopt;
    body.remove_prefix(2);
    Part part;
    if (!read_headers(body, part)) return std::nullopt;
    const size_t end = body.find(next);
    if (end == body.npos) return std::nullopt;
    part.body = body.substr(0, end);
    body.remove_prefix(end + next.size());
    parts.push_back(part);
  }
}

}  // namespace kaimen::http
