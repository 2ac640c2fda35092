// What fails only on real phones, looked at beforehand: the public address as WeChat's clients meet it.
#pragma once

#include <string>
#include <vector>

#include "app/check.h"
#include "app/config.h"
#include "app/failure.h"

namespace kaimen::app {

enum class Language : uint8_t { en, zh };

struct GoLive {
  std::string url;             ///< "https://api.example.com"
  std::string connect;         ///< ADDR:PORT to connect to instead of where the name points; empty: there.
  std::string ca_file;         ///< Trusted besides the system's.
  std::vector<std::string> apps;  ///< Whose AppSecrets are tried; empty: all.
  Language language = Language::en;
};
struct GoLiveReport {
  std::vector<Finding> findings;
  std::vector<std::pair<std::string, std::string>> console_lines;  ///< For WeChat's console: what the field is called there, what to put in.
};
/// Failure: the URL is none that WeChat takes (exit status 2); the configuration's server cannot be asked.
OrFail<GoLiveReport> look_at_golive(const GoLive& ask, const Config& config);

}  // namespace kaimen::app
