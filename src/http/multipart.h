// multipart/form-data (RFC 7578) as wx.uploadFile and browsers send it, read strictly: nothing before the first boundary, no part without
// its end, no encodings of long ago.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace kaimen::http {

/// Views into the body.
struct Part {
  std::string_view name;
  std::optional<std::string_view> filename;  ///< A file has one, be it empty.
  std::string_view body;
};

/// The parts in order. nullopt: `content_type` is not multipart/form-data with a boundary, or the body is not well-formed.
std::optional<std::vector<Part>> read_multipart(std::string_view content_type, std::string_view body);

}  // namespace kaimen::http
