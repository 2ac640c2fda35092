// What opens a mini program from outside of it: codes to be scanned, schemes and links.
#pragma once

#include "sandbox/wechat_calls.h"

namespace kaimen::sandbox {

/// POST /wxa/getwxacodeunlimit: a picture.
Granted<Answer> unlimited_code(World& world, const Question& question);
/// POST /wxa/generatescheme.
Granted<Answer> scheme(World& world, const Question& question);
/// POST /wxa/generate_urllink.
Granted<Answer> url_link(World& world, const Question& question);

}  // namespace kaimen::sandbox
