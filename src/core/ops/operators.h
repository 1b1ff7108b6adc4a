// The operators that C++ code calls, by room. Each is differentiable in every mode. Those that the tape calls too are in
// tape/operations.h; what few call (writing at points, products, random numbers) is in the rooms' other headers.
#pragma once
#include "ops/elementwise/named.h"
#include "ops/index/read.h"
#include "ops/reduce/reduce.h"
#include "ops/shape/shape.h"
