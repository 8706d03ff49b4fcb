#ifndef _MATH_H
#define _MATH_H
#define NEGATE(v) (-(v))
#endif
