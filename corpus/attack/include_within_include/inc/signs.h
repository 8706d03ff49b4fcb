#include <sign.h>
