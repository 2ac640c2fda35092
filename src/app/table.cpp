#include "app/table.h"

#include <algorithm>

namespace kaimen::app {

namespace {

/// Columns a terminal gives the text: two for East Asian wide characters (U+1100 and above, near enough for names).
size_t display_width(const std::string& text) {
  size_t width = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) continue;                 // a continuation
    width += byte >= 0xe1 ? 2 : 1;                        // three-byte sequences from U+1000 on
  }
  return width;
}

void append_row(std::string& out, const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  for (size_t i = 0; i < widths.size(); ++i) {
    const std::string cell = i < cells.size() ? cells[i] : "";
    out += cell;
    if (i + 1 < widths.size()) out.append(widths[i] - display_width(cell) + 2, ' ');
  }
  while (out.ends_with(' ')) out.pop_back();
  out += '\n';
}

}  // namespace

std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (size_t i = 0; i < header.size(); ++i) {
    size_t width = display_width(header[i]);
    for (const auto& row : rows) {
      if (i < row.size()) width = std::max(width, display_width(row[i]));
    }
    widths.push_back(width);
  }
  std::string out;
  append_row(out, header, widths);
  for (const auto& row : rows) append_row(out, row, widths);
  return out;
}

}  // namespace kaimen::app
