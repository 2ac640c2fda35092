#include "store/app_rows.h"

#include "store/held_inline.h"

namespace kaimen::store {

template class Held<ProjectRow>;
template class Held<ProjectDetailsRow>;
template class Held<AppTableRow>;
template class Held<ResolveSecretRow>;
template class Held<AppSigningRow>;
template class Held<TicketKeyTableRow>;
template class Held<AccessKeyTableRow>;

}  // namespace kaimen::store
