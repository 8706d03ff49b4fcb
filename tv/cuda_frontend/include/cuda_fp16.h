#pragma once
/* The names of this header are known to the reader. */
