// AES-256-GCM contexts with the key already expanded: making one costs three times what opening a ticket does, so each thread keeps the few
// that it uses.
#pragma once

#include <openssl/evp.h>

#include "check/ticket.h"

namespace kaimen::check {

enum class Direction { open, seal };

inline constexpr size_t kNonceBytes = 12, kTagBytes = 16;

/// How many keys a thread keeps expanded for each direction. Live keys are one or two a scope; more than this only costs time.
inline constexpr size_t kKeptContexts = 8;

/// The calling thread's context for the bytes of this key; only the nonce must still be set (for opening, by begin_opening). Null if libcrypto
/// fails. Valid until the thread asks for another key; wiped when kKeptContexts others were used since, and when the thread ends.
EVP_CIPHER_CTX* key_context(const Key& key, Direction direction) noexcept;

/// Tells a context for opening the nonce (kNonceBytes) and the tag (kTagBytes) of what comes next. Neither is changed.
bool begin_opening(EVP_CIPHER_CTX* context, uint8_t* nonce, uint8_t* tag) noexcept;

}  // namespace kaimen::check
