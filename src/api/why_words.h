// The record in plain words, for whoever asks why. Pure: events and sessions in, sentences out.
#pragma once

#include <string>
#include <vector>

#include "core/journal_store.h"
#include "core/live.h"
#include "http/json.h"

namespace kaimen::api {

/// The detail of an event; empty when it has none.
http::json::object detail_of(const core::EventView& event);

/// One sentence for each event, oldest first. `around`: more of the same user's events, newest first, which tell when session_keys came.
std::vector<std::string> words_of(const std::vector<core::EventView>& events, const std::vector<core::EventView>& around, const core::AppTable& apps);
/// How a session stands.
std::string words_of(const core::Session& session, Time now, const core::AppTable& apps);
std::string words_of(const core::User& user);

}  // namespace kaimen::api
