// Avatars: uploaded by wx.uploadFile, served to everybody.
#pragma once

#include "api/call.h"

namespace kaimen::api {

inline constexpr size_t kAvatarBytes = 1024 * 1024;
inline constexpr size_t kAvatarEnvelopeBytes = 16 * 1024;  // boundaries, headers, further fields

Answer upload_avatar(Call& call, const Visitor& visitor);
Answer show_avatar(Call& call);

}  // namespace kaimen::api
