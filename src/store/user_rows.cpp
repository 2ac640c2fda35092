#include "store/user_rows.h"

#include "store/held_inline.h"

namespace kaimen::store {

template class Held<UserRow>;
template class Held<IdentityRow>;
template class Held<UnresolvedRow>;
template class Held<UnionidRow>;

}  // namespace kaimen::store
