#include "store/avatar_rows.h"

#include "store/held_inline.h"

namespace kaimen::store {

template class Held<AvatarRow>;
template class Held<AvatarCheckRow>;

}  // namespace kaimen::store
