// Secrets come from the terminal without echo, or from stdin; never from the command line, where `ps` and the shell's history show them.
#pragma once

#include <string>

#include "app/failure.h"
#include "base/secret.h"

namespace kaimen::app {

/// One line, without its end. On a terminal `prompt` is shown. Failure: nothing was given.
OrFail<Secret> read_secret(const std::string& prompt);

}  // namespace kaimen::app
