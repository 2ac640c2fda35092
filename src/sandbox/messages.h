// Subscribe messages, as a backend sends them to a user who has agreed to their template.
#pragma once

#include "sandbox/wechat_calls.h"

namespace kaimen::sandbox {

/// POST /cgi-bin/message/subscribe/send. Users agree to every template but those that POST /sandbox/subscribe says they refuse.
Granted<Answer> send_subscribe_message(World& world, const Question& question);

}  // namespace kaimen::sandbox
