// Host names by which /weapp means one app and no other: nobody can name another project's.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace kaimen::core {

/// Of the setting wafer_hosts, in small letters and without their ports: on another port of the same host the same people answer.
std::vector<std::string> wafer_host_names(const std::map<std::string, std::string>& settings);

}  // namespace kaimen::core
