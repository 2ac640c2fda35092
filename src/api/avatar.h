// Avatars: uploaded by wx.uploadFile, served to everybody.
#pragma once

#include "api/call.h"

namespace kaimen::api {

inline constexpr size_t kAvatarBytes = 1024 * 1024;
inline constexpr size_t kAvatarEnvelopeBytes = 16 * 1024;  // boundaries, headers, further fields

Answer upload_avatar(Call& call, const Visitor& visitor);
Answer show_avatar(Call& call);
/// A picture that is named by the hash of its bytes, so that they never change. `keep`: whether anybody may keep it.
http::Response picture_response(const Call& call, const std::string& hash, std::string type, std::string body, bool keep);

}  // namespace kaimen::api
