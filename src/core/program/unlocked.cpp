#include "program/unlocked.h"

namespace pb {

InterpreterLock interpreter_lock{[]() -> void* { return nullptr; }, [](void*) {}};

}  // namespace pb
