#include "store/component_rows.h"

#include "store/held_inline.h"

namespace kaimen::store {

template class Held<AccessTokenTableRow>;
template class Held<ComponentTicketRow>;
template class Held<AuthorizationTableRow>;
template class Held<ComponentLinkRow>;

}  // namespace kaimen::store
