#include "store/node_rows.h"

#include "store/held_inline.h"

namespace kaimen::store {

template class Held<MetaRow>;
template class Held<NodeRow>;
template class Held<NodeProgramRow>;
template class Held<OnceMarkRow>;

}  // namespace kaimen::store
