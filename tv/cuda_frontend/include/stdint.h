#pragma once
/* int8_t .. uint64_t are known to the reader. */
#define INT32_MAX 2147483647
#define INT32_MIN (-2147483647 - 1)
#define UINT32_MAX 4294967295u
#define INT64_MAX 9223372036854775807l
#define UINT64_MAX 18446744073709551615ul
#define INT16_MAX 32767
#define UINT16_MAX 65535
#define INT8_MAX 127
#define INT8_MIN (-128)
#define UINT8_MAX 255
