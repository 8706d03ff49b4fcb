#pragma once
#include "math.h"
#include "float.h"
