#pragma once
#include "assert.h"
#include "math.h"
#include "float.h"
