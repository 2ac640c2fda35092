#include "store/session_rows.h"

#include "store/held_inline.h"

namespace kaimen::store {

template class Held<SessionRow>;
template class Held<CodeRow>;
template class Held<RevocationRow>;

}  // namespace kaimen::store
