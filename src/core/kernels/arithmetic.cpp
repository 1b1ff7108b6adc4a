#include "core/kernels/arithmetic.h"

namespace pb {

void PB_ISA::install_arithmetic(Kernels& table) { PB_ARITHMETIC_PRIMITIVES(PB_INSTALL) }

}  // namespace pb
