#pragma once
/* The names of this header that the reader knows are reduce of a tile, and plus, less, greater, bit_and, bit_or, bit_xor. */
