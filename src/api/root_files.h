// Files at the root of the public address, by which WeChat sees whose domain it is: WW_verify_….txt, MP_verify_….txt, and the .txt that its
// console hands out for the web-view domain. Small texts of the operator's; nothing else is ever served from the disk.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace kaimen::api {

/// Whether the path is of this form: "/NAME.txt", NAME of letters, digits, _ and -.
bool is_root_file(std::string_view path);
/// Read anew each time, so that one that is put there serves at once. Error: not_found, in the words of a route that is none.
Result<http::Response> root_file(const std::string& directory, std::string_view path);

}  // namespace kaimen::api
