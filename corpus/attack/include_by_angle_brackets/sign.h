#define SIGN -
