// The two forms of a WeChat push, JSON and XML, read into names and texts. XML is expat's business; a document type is refused, and with it
// every entity of its own.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace kaimen::platform {

/// Names → texts. Parts of parts are joined with dots ("result.suggest"); numbers stand as they were written. What stands twice under one
/// name, and lists, are left out.
using PushFields = std::map<std::string, std::string, std::less<>>;

/// nullopt: neither JSON nor XML of a sane shape. Names lose the blanks around them, which WeChat's JSON has had; texts keep theirs, as the
/// signature covers them.
std::optional<PushFields> read_push_fields(std::string_view text);
/// Which of the two forms it is read as.
bool is_xml_push(std::string_view text);

}  // namespace kaimen::platform
