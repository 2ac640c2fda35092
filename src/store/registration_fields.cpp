#include "store/registration_fields.h"

#include <map>

#include "store/journal.h"

namespace kaimen::store {

namespace {

using Members = std::map<std::string, std::string, std::less<>>;  // by name, each as it stands in the object

/// Behind the text that begins at `at`; npos: there is none.
size_t end_of_text(std::string_view json, size_t at) {
  if (at >= json.size() || json[at] != '"') return json.npos;
  for (++at; at < json.size(); ++at) {
    if (json[at] == '"') return at + 1;
    if (json[at] == '\\') ++at;
  }
  return json.npos;
}

// Names are of the settings' alphabet, so they are never escaped, and what is kept is never spaced out: only this folder writes it.
Result<Members> members_of(std::string_view json) {
  Members members;
  if (json.empty() || json == "{}") return members;
  size_t at = 0;
  while (at < json.size() && json[at] == (at == 0 ? '{' : ',')) {
    const size_t name_end = end_of_text(json, at + 1);
    const bool named = name_end < json.size() && json[name_end] == ':';
    const size_t text_end = named ? end_of_text(json, name_end + 1) : json.npos;
    if (text_end == json.npos) break;
    members.emplace(json.substr(at + 2, name_end - at - 3), json.substr(at + 1, text_end - at - 1));
    at = text_end;
  }
  if (json.substr(at) != "}") return make_error(ErrorCode::internal, "the fields of a registration are no object of texts");
  return members;
}

std::string object_of(const Members& members) {
  std::string json;
  for (const auto& [name, member] : members) json.append(json.empty() ? "{" : ",").append(member);
  return json.empty() ? json : json + "}";
}

}  // namespace

Result<std::string> with_fields(std::string_view kept, const core::RegistrationFields& fields) {
  TRY(auto members, members_of(kept));
  for (const auto& [name, text] : fields) {
    if (!text) {
      members.erase(name);
      continue;
    }
    std::string member = "{";
    append_text(member, name, *text);
    members[name] = member.substr(1);
  }
  std::string json = object_of(members);
  if (json.size() > core::kRegistrationBytes && json.size() > kept.size()) {
    return make_error(ErrorCode::invalid_request, "fields: what is kept of the user's registrations would be more than 32 KiB");
  }
  return json;
}

Result<std::string> joined_fields(const std::string& kept, std::string_view others) {
  TRY(auto members, members_of(kept));
  TRY(auto further, members_of(others));
  members.merge(further);
  std::string json = object_of(members);
  return json.size() > core::kRegistrationBytes ? kept : json;
}

}  // namespace kaimen::store
