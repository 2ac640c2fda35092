// Tables for people: columns as wide as their widest cell, Chinese characters counted as two.
#pragma once

#include <string>
#include <vector>

namespace kaimen::app {

/// The header and the rows, each line ended; cells beyond the header's columns are left out.
std::string table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

}  // namespace kaimen::app
