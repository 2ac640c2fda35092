// store.url where it names a server: postgres://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE, and the like for mysql. What the parts mean is
// the engine's business (src/store); here it is only told which kind it is, and its password kept from being seen.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/config.h"

namespace kaimen::app {

/// postgres://, postgresql://, mysql://, mariadb://
bool is_server_url(std::string_view url);
/// What is wrong with the form of a server's URL, without quoting from it; nullopt: nothing.
std::optional<std::string> problem_of_server_url(std::string_view url);

bool has_password(std::string_view url);
/// As it may be shown. Where the form is unclear it rather leaves out too much.
std::string without_password(std::string_view url);

/// What people call the store: the SQLite file's path, or the server's URL without its password.
std::string shown_store(const Config& config);

/// The URL to connect with: that of the configuration, with the password of store.password_file in it. Failure: the file cannot be read.
OrFail<Secret> url_to_connect(const Config& config);

}  // namespace kaimen::app
