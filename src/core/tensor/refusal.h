// Whether what was raised last is captured.h's refusal, for who knows how the operation was called; asking forgets it.
#pragma once

namespace pb {

bool take_refusal();

}  // namespace pb
