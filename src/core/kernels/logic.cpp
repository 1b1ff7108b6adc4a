#include "core/kernels/logic.h"

namespace pb {

void PB_ISA::install_logic(Kernels& table) { PB_LOGIC_PRIMITIVES(PB_INSTALL) }

}  // namespace pb
