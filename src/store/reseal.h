// Sealed values under another master key. Every column that holds one has a line in reseal.cpp.
#pragma once

#include "core/seal_store.h"
#include "store/act.h"

namespace kaimen::store {

/// core::SealStore::reseal.
Result<core::ResealedPage> reseal_page(ActContext& context, const core::ResealPage& act);

/// The tables that reseal_page goes through.
std::vector<std::string_view> sealed_tables();

}  // namespace kaimen::store
