// Avatars, and what WeChat pushes about users. One of the ports of the store (core/store.h has the rules of all).
#pragma once

#include "core/store.h"

namespace kaimen::core {

class MediaStore {
 public:
  virtual ~MediaStore() = default;
};

}  // namespace kaimen::core
