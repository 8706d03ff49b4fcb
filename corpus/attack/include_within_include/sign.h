#define SIGN +
