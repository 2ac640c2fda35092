// Reading what WeChat says of a user: decrypted open data, rawData, phone_info.
//
// The encryption of open data has no MAC: who holds one ciphertext can choose the iv and cut blocks off, and so turn user info into
// something with a phone number of their choice in its first block. So each kind must have its whole shape, and no key of another kind.
#pragma once

#include <optional>
#include <string_view>

#include "core/platform.h"
#include "http/json.h"

namespace kaimen::platform {

/// The watermark of any open data: a JSON object that has one.
std::optional<core::Watermark> read_open_watermark(std::string_view plaintext);

/// getUserInfo and getUserProfile, decrypted. nullopt: not of this shape.
std::optional<core::OpenUserInfo> read_open_user_info(std::string_view plaintext);
/// rawData of the same calls: the profile, without ids and watermark. nullopt: not of this shape.
std::optional<core::OpenUserInfo> read_raw_user_info_text(std::string_view raw_data);
/// getPhoneNumber the old way, decrypted. nullopt: not of this shape.
std::optional<core::OpenPhone> read_open_phone(std::string_view plaintext);

/// The members phoneNumber, purePhoneNumber, countryCode and watermark, as they are in open data and in phone_info. nullopt: one is
/// missing or of another form, or they disagree.
std::optional<core::OpenPhone> read_phone_members(const http::json::object& object);

/// An openid or unionid: 1–128 characters of [A-Za-z0-9_-].
bool is_wechat_subject(std::string_view text);

}  // namespace kaimen::platform
