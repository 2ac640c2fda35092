// The pages of the playground, compiled in from src/playground/page.
#pragma once

#include "http/message.h"

namespace kaimen::playground {

/// "" is the page itself, "main.js" and the like what it loads. 404 for anything else.
http::Response page(std::string_view name);

}  // namespace kaimen::playground
